//! `faultlines verify survivors`: every small wrong program next to a right one is caught, or is right, too.

use super::shared::{in_order, is_drawn};
use crate::Failed;
use crate::args::VerifyArgs;
use crate::course::ChapterFolder;
use crate::grade::prepare_kit;
use crate::judging::Judging;
use crate::variants::{CHUNK, Program, compile};
use anyhow::{Context, anyhow};
use build::{Kit, Sources};
use host::Fleet;
use judge::{Check, Exercise, Options};
use mutate::{Mutation, Operator, Variant};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs::File;
use std::io::Write;
use std::path::PathBuf;
use std::sync::Mutex;
use std::time::{Duration, Instant};

include!(concat!(env!("OUT_DIR"), "/suites.rs"));

/// A survivors.toml.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Survivors {
    /// Right programs, too.
    #[serde(default)]
    right: Vec<Entry>,
    /// Wrong programs that no check catches yet.
    #[serde(default)]
    hole: Vec<Entry>,
}
impl Survivors {
    /// The line about a mutant, and whether it is a right program.
    fn of(&self, id: &str) -> Option<(&Listed, bool)> {
        let all = [(&self.right, true), (&self.hole, false)];
        all.into_iter().find_map(|(entries, is_right)| {
            let mut listed = entries.iter().flat_map(|entry| &entry.mutants);
            Some((listed.find(|listed| listed.id == id)?, is_right))
        })
    }
    fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.right.iter().chain(&self.hole)
    }
}
/// Mutants that pass every check, for one reason.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    /// Why it is right, or what would show that it is wrong, in a sentence.
    why: String,
    mutants: Vec<Listed>,
}
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Listed {
    id: String,
    /// The edit, as the gate prints it: an id alone could come to mean another one.
    change: String,
}

/// A mutant of a right program.
struct Mutant {
    /// With its family: `reference/lamport.rs/Clock::tick/leave-out-effect/1`.
    id: String,
    path: String,
    mutation: Mutation,
    change: String,
    /// What two mutants share only if they are the same program.
    program: String,
}

/// What became of a mutant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Outcome {
    /// A check caught it.
    Caught {
        /// `exercise/check`.
        by: String,
    },
    /// It passed every check.
    Passed,
    /// It does not compile.
    Refused,
}

pub(super) fn run(
    chapter: &ChapterFolder,
    exercise: Option<&str>,
    args: &VerifyArgs,
) -> Result<Vec<String>, Failed> {
    let path = args.root.join("solutions").join(chapter.suite.folder).join("survivors.toml");
    let listed: Survivors = match std::fs::read_to_string(&path) {
        Ok(text) => toml::from_str(&text)
            .with_context(|| format!("{} is not as it should be", path.display()))
            .map_err(Failed::usage)?,
        Err(_) => Survivors::default(),
    };
    let kit = prepare_kit(args.how.layers())?.unoptimised();
    let mut faults = Vec::new();
    let mut known = BTreeSet::new();
    for modules in groups(chapter) {
        let exercises: Vec<&Exercise> = chapter
            .suite
            .exercises
            .iter()
            .filter(|exercise| chapter.about(exercise.id).is_some_and(|about| about.modules == modules))
            .collect();
        let asked = exercise.is_none_or(|id| exercises.iter().any(|exercise| exercise.id == id));
        let surveyed = Surveyed { chapter, exercises, modules, args, kit: &kit };
        let mutants = surveyed.mutants()?;
        known.extend(mutants.iter().flat_map(|(_, of)| of).map(|mutant| mutant.id.clone()));
        if asked {
            faults.extend(surveyed.survey(mutants, &listed)?);
        }
    }
    let entries = listed.entries().flat_map(|entry| &entry.mutants);
    let gone = entries.filter(|listed| !known.contains(&listed.id));
    faults.extend(gone.map(|listed| {
        format!("survivors.toml is stale: there is no mutant {} any more; delete its line", listed.id)
    }));
    for entry in listed.entries().filter(|entry| entry.why.split_whitespace().count() < 4) {
        faults.push(format!("survivors.toml: `{}` is no reason", entry.why));
    }
    Ok(faults)
}

/// The module sets of a chapter's exercises, each once.
fn groups(chapter: &ChapterFolder) -> Vec<Vec<String>> {
    let mut groups: Vec<Vec<String>> = Vec::new();
    for about in &chapter.about.exercises {
        if !groups.contains(&about.modules) {
            groups.push(about.modules.clone());
        }
    }
    groups
}

/// Exercises that are made of the same modules.
struct Surveyed<'a> {
    chapter: &'a ChapterFolder,
    exercises: Vec<&'a Exercise>,
    modules: Vec<String>,
    args: &'a VerifyArgs,
    kit: &'a Kit,
}

impl Surveyed<'_> {
    /// All mutants, by family, with the sources that they are edits of.
    fn mutants(&self) -> Result<Vec<(Sources, Vec<Mutant>)>, Failed> {
        let root = &self.args.root;
        let families = [
            ("reference", root.join("solutions").join(self.chapter.suite.folder)),
            ("second", self.chapter.tests(root).join("second")),
        ];
        let mut all = Vec::new();
        for (family, folder) in families {
            let sources = Sources::read(&folder)?;
            let files: Vec<(String, String)> = self
                .modules
                .iter()
                .flat_map(|module| sources.of_module(module))
                .map(|path| (path.to_owned(), sources.get(path).unwrap_or_default().to_owned()))
                .collect();
            let mut mutants = Vec::new();
            for (path, text) in &files {
                let short = path.strip_prefix("src/").unwrap_or(path);
                let found = mutate::mutations(short, text)
                    .with_context(|| format!("{}/{path}", folder.display()))
                    .map_err(Failed::usage)?;
                for mutation in found {
                    let mut program = Sha256::new();
                    for (other, text) in &files {
                        program.update(other);
                        program.update([0xff]);
                        program.update(if other == path { mutation.apply(text) } else { text.clone() });
                        program.update([0xff]);
                    }
                    mutants.push(Mutant {
                        id: format!("{family}/{}", mutation.id),
                        path: path.clone(),
                        change: mutation.change(text),
                        program: hex(program),
                        mutation,
                    });
                }
            }
            all.push((sources, mutants));
        }
        Ok(all)
    }

    fn name(&self) -> String {
        let ids: Vec<&str> = self.exercises.iter().map(|exercise| exercise.id).collect();
        format!("{}/{}", self.chapter.suite.number, ids.join("+"))
    }

    /// Judges the mutants and prints what became of them. The faults.
    fn survey(
        &self,
        families: Vec<(Sources, Vec<Mutant>)>,
        listed: &Survivors,
    ) -> Result<Vec<String>, Failed> {
        let begun = host::cpu_time();
        let mut ledger = Ledger::open(self)?;
        let mut table = Table::default();
        let mut faults = Vec::new();
        for (sources, mut mutants) in families {
            mutants.retain(|mutant| self.is_wanted(mutant));
            let outcomes = self.outcomes(&sources, &mutants, &mut ledger)?;
            for (mutant, outcome) in mutants.iter().zip(outcomes) {
                let entry = listed.of(&mutant.id);
                table.add(mutant.mutation.operator, &outcome, entry.map(|(_, is_right)| is_right));
                match (entry.map(|(listed, _)| listed), &outcome) {
                    (Some(listed), Outcome::Passed) if listed.change != mutant.change => {
                        faults.push(format!(
                            "survivors.toml is stale: {} is {} now, not {}",
                            mutant.id, mutant.change, listed.change
                        ))
                    }
                    (Some(_), Outcome::Caught { by }) => faults.push(format!(
                        "survivors.toml is stale: {} is caught by {by}; delete its line",
                        mutant.id
                    )),
                    (Some(_), Outcome::Refused) => faults.push(format!(
                        "survivors.toml is stale: {} does not compile; delete its line",
                        mutant.id
                    )),
                    (None, Outcome::Passed) => {
                        faults.push(format!("no check catches {}: {}", mutant.id, mutant.change));
                    }
                    _ => {}
                }
            }
        }
        table.print(&self.name());
        anstream::println!("{:.1} core-seconds", (host::cpu_time().saturating_sub(begun)).as_secs_f64());
        Ok(faults)
    }

    fn is_wanted(&self, mutant: &Mutant) -> bool {
        mutant.id.contains(&self.args.only) && is_drawn(&mutant.id, self.args.sample)
    }

    /// What became of each of these mutants of one program.
    fn outcomes(
        &self,
        sources: &Sources,
        mutants: &[Mutant],
        ledger: &mut Ledger,
    ) -> Result<Vec<Outcome>, Failed> {
        let workers = Judging::new(&self.args.how, None).workers;
        let open: Vec<(u32, &Mutant)> =
            (0..).zip(mutants).filter(|(_, mutant)| ledger.known(mutant).is_none()).collect();
        let chunks: Vec<&[(u32, &Mutant)]> = open.chunks(CHUNK).collect();
        let programs = in_order(workers, &chunks, &|_, chunk| self.program(sources, chunk), &|_, _| {})?;
        let todo: Vec<(&Program, u32, &Mutant)> = chunks
            .iter()
            .zip(&programs)
            .flat_map(|(chunk, program)| {
                chunk.iter().map(move |(number, mutant)| (program, *number, *mutant))
            })
            .collect();
        let so_far = Mutex::new(Experience::default());
        let writing = Mutex::new(&mut *ledger);
        in_order(
            workers,
            &todo,
            &|core, (program, number, mutant)| {
                let outcome = if program.refused.contains_key(number) {
                    Outcome::Refused
                } else {
                    host::pin(core);
                    let hint = writing.lock().expect("no worker panics while it holds this").hint(mutant);
                    self.judge(program, *number, mutant, hint.as_deref(), &so_far)?
                };
                writing.lock().expect("no worker panics while it holds this").write(mutant, &outcome)?;
                Ok(outcome)
            },
            &|(_, _, mutant), outcome| {
                if *outcome == Outcome::Passed {
                    anstream::println!("passes everything: {}  {}", mutant.id, mutant.change);
                }
            },
        )?;
        let unknown = || Failed::harness(anyhow!("a mutant was judged and is not known"));
        mutants.iter().map(|mutant| ledger.known(mutant).ok_or_else(unknown)).collect()
    }

    fn program(&self, sources: &Sources, chunk: &[(u32, &Mutant)]) -> Result<Program, Failed> {
        let mut variants = BTreeMap::new();
        for (number, mutant) in chunk {
            let text = sources.get(&mutant.path).unwrap_or_default();
            let variant = Variant::of(text, &mutant.mutation).map_err(Failed::harness)?;
            let variant = variant.with_context(|| format!("{} is in no function", mutant.id));
            variants.insert(*number, vec![(mutant.path.clone(), variant.map_err(Failed::harness)?)]);
        }
        compile(self.kit, self.args.how.layers(), self.chapter, &self.exercises, sources, &variants)
    }

    /// Judges checks until one fails.
    fn judge(
        &self,
        program: &Program,
        number: u32,
        mutant: &Mutant,
        hint: Option<&str>,
        so_far: &Mutex<Experience>,
    ) -> Result<Outcome, Failed> {
        let mut fleet = Fleet::new(&program.guest.variant(number)?);
        let batch = if program.has_statics { 1 } else { self.args.how.batch.into() };
        let options = Options { worlds: self.args.how.worlds, batch, ..Options::default() };
        let mut checks: Vec<(String, &Exercise, &Check)> = self
            .exercises
            .iter()
            .flat_map(|exercise| exercise.checks.iter().map(move |check| (*exercise, check)))
            .map(|(exercise, check)| (format!("{}/{}", exercise.id, check.id), exercise, check))
            .collect();
        {
            let so_far = so_far.lock().expect("no worker panics while it holds this");
            let merit = |name: &str| match hint {
                Some(hint) if hint == name => f64::INFINITY,
                _ => so_far.merit(name, &mutant.mutation.function),
            };
            checks.sort_by(|(a, ..), (b, ..)| merit(b).total_cmp(&merit(a)));
        }
        for (name, exercise, check) in checks {
            let begun = Instant::now();
            let chapter = self.chapter.suite.number;
            let failure = judge::first_failure(&mut fleet, chapter, exercise.id, check, &options)?;
            let caught = failure.is_some();
            let mut so_far = so_far.lock().expect("no worker panics while it holds this");
            so_far.add(&name, &mutant.mutation.function, caught, begun.elapsed());
            if caught {
                return Ok(Outcome::Caught { by: name });
            }
        }
        Ok(Outcome::Passed)
    }
}

/// What checks have caught so far: the next mutant is judged by the most promising check first. Only what it costs depends on it.
#[derive(Default)]
struct Experience {
    checks: HashMap<String, (u32, u32, Duration)>,
    functions: HashMap<(String, String), u32>,
}
impl Experience {
    fn add(&mut self, check: &str, function: &str, caught: bool, took: Duration) {
        let (tried, hits, time) = self.checks.entry(check.to_owned()).or_default();
        *tried += 1;
        *hits += u32::from(caught);
        *time += took;
        *self.functions.entry((function.to_owned(), check.to_owned())).or_default() += u32::from(caught);
    }
    /// Mutants that it may catch in a second.
    fn merit(&self, check: &str, function: &str) -> f64 {
        let (tried, hits, time) = self.checks.get(check).copied().unwrap_or_default();
        let here = self.functions.get(&(function.to_owned(), check.to_owned())).copied().unwrap_or(0);
        let chance = (1.0 + f64::from(hits) + 3.0 * f64::from(here)) / (2.0 + f64::from(tried));
        chance / (0.02 + time.as_secs_f64() / f64::from(tried.max(1)))
    }
}

/// What is known of mutants, kept in the cache: by program, and by what judging is made of.
struct Ledger {
    /// What judging is made of.
    judging: String,
    known: HashMap<(String, String), Outcome>,
    /// By program alone: the check that caught it last.
    hints: HashMap<String, String>,
    file: File,
    path: PathBuf,
}
#[derive(Serialize, Deserialize)]
struct Line {
    program: String,
    judging: String,
    outcome: Outcome,
}
impl Ledger {
    fn open(of: &Surveyed<'_>) -> Result<Ledger, Failed> {
        let mut judging = Sha256::new();
        let number = of.chapter.suite.number;
        let suite = SUITES.iter().find(|(chapter, _)| *chapter == number).map(|(_, hash)| *hash);
        judging.update(suite.unwrap_or_default().to_le_bytes());
        judging.update(of.kit.key());
        judging.update(judge::RELEASE);
        judging.update(format!("{:?} {:?}", of.args.how.worlds, of.args.how.layers()));
        for exercise in &of.exercises {
            judging.update(exercise.id);
        }
        let folder = build::default_cache().join("survivors");
        std::fs::create_dir_all(&folder)
            .with_context(|| format!("cannot create {}", folder.display()))
            .map_err(Failed::harness)?;
        let path = folder.join(format!("{number:02}-{}.jsonl", of.modules.join("+").replace('/', "-")));
        let (mut known, mut hints) = (HashMap::new(), HashMap::new());
        // a last line that was not written to its end is no line
        for line in std::fs::read_to_string(&path).unwrap_or_default().lines() {
            let Ok(Line { program, judging, outcome }) = serde_json::from_str(line) else { continue };
            if let Outcome::Caught { by } = &outcome {
                hints.insert(program.clone(), by.clone());
            }
            known.insert((program, judging), outcome);
        }
        let file = File::options().create(true).append(true).open(&path);
        let file =
            file.with_context(|| format!("cannot write {}", path.display())).map_err(Failed::harness)?;
        Ok(Ledger { judging: hex(judging), known, hints, file, path })
    }
    fn known(&self, mutant: &Mutant) -> Option<Outcome> {
        self.known.get(&(mutant.program.clone(), self.judging.clone())).cloned()
    }
    fn hint(&self, mutant: &Mutant) -> Option<String> {
        self.hints.get(&mutant.program).cloned()
    }
    fn write(&mut self, mutant: &Mutant, outcome: &Outcome) -> Result<(), Failed> {
        let (program, judging) = (mutant.program.clone(), self.judging.clone());
        self.known.insert((program.clone(), judging.clone()), outcome.clone());
        let line = serde_json::to_string(&Line { program, judging, outcome: outcome.clone() });
        let line = line.map_err(Failed::harness)?;
        let written = writeln!(self.file, "{line}");
        written.with_context(|| format!("cannot write {}", self.path.display())).map_err(Failed::harness)
    }
}

fn hex(hash: Sha256) -> String {
    hash.finalize().iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}

/// Mutants by operator.
#[derive(Default)]
struct Table(BTreeMap<Operator, Row>);
#[derive(Default, Clone, Copy)]
struct Row {
    caught: usize,
    /// Right programs, too.
    right: usize,
    /// Wrong ones that no check catches, which is known.
    holes: usize,
    unexplained: usize,
    refused: usize,
}
impl Table {
    fn add(&mut self, operator: Operator, outcome: &Outcome, listed_as_right: Option<bool>) {
        let row = self.0.entry(operator).or_default();
        match (outcome, listed_as_right) {
            (Outcome::Caught { .. }, _) => row.caught += 1,
            (Outcome::Passed, Some(true)) => row.right += 1,
            (Outcome::Passed, Some(false)) => row.holes += 1,
            (Outcome::Passed, None) => row.unexplained += 1,
            (Outcome::Refused, _) => row.refused += 1,
        }
    }
    fn print(&self, name: &str) {
        let line = |name: &str, row: [String; 5]| {
            let [caught, right, holes, unexplained, refused] = row;
            anstream::println!(
                "{name:<40} {caught:>6} {right:>6} {holes:>6} {unexplained:>12} {refused:>17}"
            );
        };
        line(name, ["caught", "right", "holes", "unexplained", "does not compile"].map(str::to_owned));
        let mut all = Row::default();
        let numbers = |row: &Row| {
            [row.caught, row.right, row.holes, row.unexplained, row.refused].map(|number| number.to_string())
        };
        for (operator, row) in &self.0 {
            line(&format!("  {operator}"), numbers(row));
            all.caught += row.caught;
            all.right += row.right;
            all.holes += row.holes;
            all.unexplained += row.unexplained;
            all.refused += row.refused;
        }
        line("  all", numbers(&all));
        let judged = all.caught + all.right + all.holes + all.unexplained;
        let percent = 100.0 * all.right as f64 / judged.max(1) as f64;
        anstream::println!("  {percent:.1} % of those that compile are listed as right");
    }
}
