//! `faultlines verify`: grading the grader.

use crate::args::{Gate, HowArgs, VerifyArgs};
use crate::course::{ChapterFolder, Course, Selected};
use crate::grade::{grade_chapter, prepare_kit};
use crate::judging::{Judging, judge_all};
use crate::text::{BAD, GOOD, styled};
use crate::{Exit, Failed};
use anyhow::{Context, anyhow, bail};
use build::{Kit, Sources};
use host::{Fleet, Guest};
use judge::{Exercise, Verdict};
use serde::Deserialize;
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A named check catches its mutant under at least so many of a hundred seed keys.
const CAUGHT_PERCENT_MIN: u32 = 95;

pub(crate) fn run(args: &VerifyArgs) -> Result<Exit, Failed> {
    let course = Course::load()?;
    let chapters: Vec<&ChapterFolder> = course
        .chapters
        .iter()
        .filter(|c| args.chapter.is_none_or(|number| number == c.suite.number))
        .collect();
    if chapters.is_empty() {
        return Err(Failed::usage(anyhow!("no such chapter; `faultlines list` shows them")));
    }
    if !args.root.join("solutions").is_dir() {
        return Err(Failed::usage(anyhow!(
            "no folder {}: the gates need a checkout of the project, named with --root",
            args.root.join("solutions").display()
        )));
    }
    let mut faults = Vec::new();
    for chapter in chapters {
        let mut found = match args.gate {
            Gate::Solutions => solutions(chapter, args)?,
            Gate::Skeletons => skeletons(chapter, args)?,
            Gate::Mutants => mutants(chapter, args)?,
            Gate::Determinism => crate::verify_determinism::run(chapter, args)?,
            Gate::Freshness => freshness(chapter, args)?,
            Gate::Sandbox => crate::verify_sandbox::run(chapter, args)?,
            // they are about no chapter
            Gate::Attacks => {
                faults = crate::verify_attacks::run(&args.root)?;
                break;
            }
        };
        faults.append(&mut found);
    }
    for fault in &faults {
        anstream::println!("{} {fault}", styled(BAD, "✘"));
    }
    if faults.is_empty() {
        anstream::println!("{} the gate holds", styled(GOOD, "✔"));
        Ok(Exit::Passed)
    } else {
        Ok(Exit::ChecksFailed)
    }
}

pub(crate) fn selected(chapter: &ChapterFolder) -> Vec<Selected<'_>> {
    chapter.suite.exercises.iter().map(|exercise| Selected { chapter, exercise }).collect()
}
/// The nth seed key: none for the default one, then made-up ones, the same in every run.
fn seed_key(nth: u32) -> Option<String> {
    (nth > 0).then(|| format!("verify-{nth}"))
}

fn solutions(chapter: &ChapterFolder, args: &VerifyArgs) -> Result<Vec<String>, Failed> {
    let kit = prepare_kit(args.how.layers())?;
    let mut faults = Vec::new();
    for family in ["solutions", "tests/second"] {
        let folder = args.root.join(family).join(chapter.suite.folder);
        if !folder.is_dir() {
            faults.push(format!("{} is missing", folder.display()));
            continue;
        }
        let sources = Sources::read(&folder)?;
        for nth in 0..=args.keys {
            let judging = Judging::new(&args.how, seed_key(nth).as_deref());
            let report = grade_chapter(&kit, chapter, &sources, &selected(chapter), &judging)?;
            for exercise in report.exercises {
                if let Some(error) = &exercise.build_error {
                    faults.push(format!("{family}: {} does not compile:\n{error}", exercise.report.id));
                }
                for check in exercise.report.checks.iter().filter(|check| check.verdict != Verdict::Passed) {
                    faults.push(format!(
                        "{family}: {}/{} is {:?} under {}: {}",
                        exercise.report.id,
                        check.id,
                        check.verdict,
                        seed_key(nth).unwrap_or_else(|| "the default seeds".into()),
                        check.message
                    ));
                }
            }
        }
        anstream::println!("{family}/{}: {} sets of seeds", chapter.suite.folder, args.keys + 1);
    }
    Ok(faults)
}

fn skeletons(chapter: &ChapterFolder, args: &VerifyArgs) -> Result<Vec<String>, Failed> {
    let kit = prepare_kit(args.how.layers())?;
    let sources = Sources::read(&args.root.join("exercises").join(chapter.suite.folder))?;
    let exercises: Vec<&Exercise> = chapter.suite.exercises.iter().collect();
    let built = chapter.build(&kit, &sources, &exercises)?;
    let mut faults: Vec<String> = built
        .broken
        .iter()
        .map(|(id, said)| format!("the skeleton of {id} does not compile:\n{said}"))
        .collect();
    let judging = Judging::new(&args.how, None);
    for report in judge_all(&judging, &built.binary, chapter.suite.number, &exercises, &|_| {})? {
        for check in &report.checks {
            if check.verdict != Verdict::NotStarted || check.xp != 0 {
                faults.push(format!(
                    "the skeleton of {}/{} is {:?} with {} XP, not \"not started\": {}",
                    report.id, check.id, check.verdict, check.xp, check.message
                ));
            }
        }
        anstream::println!("{}: {} checks not started", report.id, report.checks.len());
    }
    Ok(faults)
}

/// A mutants.toml.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Mutants {
    #[serde(rename = "mutant", default)]
    pub(crate) mutants: Vec<Mutant>,
}
/// A reference with one bug put in.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Mutant {
    pub(crate) id: String,
    bug: String,
    /// `exercise/check`.
    caught_by: String,
    #[serde(default = "failed")]
    verdict: String,
    /// Other checks that may fail, as `exercise/check`.
    #[serde(default)]
    also_fails: Vec<String>,
    /// It must score 0.
    #[serde(default)]
    null: bool,
    edits: Vec<Edit>,
}
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Edit {
    file: String,
    find: String,
    replace: String,
}
fn failed() -> String {
    "failed".to_owned()
}

impl Mutants {
    pub(crate) fn read(root: &Path, chapter: &ChapterFolder) -> Result<Mutants, Failed> {
        let path = root.join("solutions").join(chapter.suite.folder).join("mutants.toml");
        let text = std::fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()));
        let text = text.map_err(Failed::usage)?;
        toml::from_str(&text)
            .with_context(|| format!("{} is not as it should be", path.display()))
            .map_err(Failed::usage)
    }
}
impl Mutant {
    pub(crate) fn exercise(&self) -> &str {
        self.caught_by.split('/').next().unwrap_or_default()
    }
    fn check(&self) -> &str {
        self.caught_by.split('/').nth(1).unwrap_or_default()
    }
    /// The reference with the bug put in.
    pub(crate) fn apply(&self, reference: &Sources) -> anyhow::Result<Sources> {
        apply(&self.edits, reference).with_context(|| format!("mutant {}", self.id))
    }
}

/// The reference, edited.
pub(crate) fn apply(edits: &[Edit], reference: &Sources) -> anyhow::Result<Sources> {
    let mut files: Vec<(String, String)> =
        reference.files().map(|(path, text)| (path.to_owned(), text.to_owned())).collect();
    for Edit { file, find, replace } in edits {
        let text =
            files.iter_mut().find(|(path, _)| path.strip_prefix("src/") == Some(file)).map(|(_, text)| text);
        let text = text.with_context(|| format!("the reference has no src/{file}"))?;
        match text.matches(find.as_str()).count() {
            1 => *text = text.replacen(find.as_str(), replace, 1),
            times => bail!("`{find}` stands {times} times in src/{file}, not once"),
        }
    }
    Ok(Sources::of(files))
}

fn mutants(chapter: &ChapterFolder, args: &VerifyArgs) -> Result<Vec<String>, Failed> {
    let kit = prepare_kit(args.how.layers())?;
    let all = Mutants::read(&args.root, chapter)?.mutants;
    let mutants: Vec<&Mutant> = all.iter().filter(|mutant| mutant.id.contains(&args.only)).collect();
    let reference = Sources::read(&args.root.join("solutions").join(chapter.suite.folder))?;
    let results = on_all_cores(&args.how, mutants.len(), |nth, core| {
        try_mutant(&kit, chapter, &reference, mutants[nth], args, core)
    })?;
    let mut faults = Vec::new();
    for (mutant, tried) in mutants.into_iter().zip(results) {
        anstream::println!(
            "{:<40} {:<36} {:<11} under {}/{} keys",
            mutant.id,
            mutant.caught_by,
            tried.verdict,
            tried.caught,
            args.keys
        );
        faults
            .extend(tried.faults.into_iter().map(|fault| format!("{} ({}): {fault}", mutant.id, mutant.bug)));
    }
    for exercise in &chapter.suite.exercises {
        for check in &exercise.checks {
            let name = format!("{}/{}", exercise.id, check.id);
            if !all.iter().any(|mutant| mutant.caught_by == name) {
                faults.push(format!(
                    "no mutant is caught by {name}: a check that nobody can fail does not land"
                ));
            }
        }
        let nulls = all.iter().filter(|mutant| mutant.null && mutant.exercise() == exercise.id).count();
        if nulls < 3 {
            faults.push(format!("{} has {nulls} null mutants of three", exercise.id));
        }
    }
    Ok(faults)
}

/// Does this for each of so many, on each core one at a time: it is told which, and where. The results in order.
pub(crate) fn on_all_cores<T: Send>(
    how: &HowArgs,
    many: usize,
    each: impl Fn(usize, usize) -> Result<T, Failed> + Sync,
) -> Result<Vec<T>, Failed> {
    let workers = Judging::new(how, None).workers;
    let next = AtomicUsize::new(0);
    let results: Mutex<Vec<(usize, T)>> = Mutex::new(Vec::new());
    let bar = crate::text::bar(many as u64);
    let worker = |core: usize| -> Result<(), Failed> {
        loop {
            let nth = next.fetch_add(1, Ordering::Relaxed);
            if nth >= many {
                return Ok(());
            }
            let result = each(nth, core)?;
            bar.inc(1);
            results.lock().expect("no worker panics while it holds this").push((nth, result));
        }
    };
    let worker = &worker;
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..workers.min(many)).map(|core| scope.spawn(move || worker(core))).collect();
        for handle in workers {
            handle.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
        }
        Ok::<_, Failed>(())
    })?;
    bar.finish_and_clear();
    let mut results = results.into_inner().expect("no worker panics while it holds this");
    results.sort_by_key(|(nth, _)| *nth);
    Ok(results.into_iter().map(|(_, result)| result).collect())
}

struct Tried {
    verdict: String,
    caught: u32,
    faults: Vec<String>,
}

fn try_mutant(
    kit: &Kit,
    chapter: &ChapterFolder,
    reference: &Sources,
    mutant: &Mutant,
    args: &VerifyArgs,
    core: usize,
) -> Result<Tried, Failed> {
    let mut tried = Tried { verdict: String::new(), caught: 0, faults: Vec::new() };
    let Some(exercise) = chapter.suite.exercises.iter().find(|exercise| exercise.id == mutant.exercise())
    else {
        tried.faults.push(format!("there is no exercise of {}", mutant.caught_by));
        return Ok(tried);
    };
    let Some(named) = exercise.checks.iter().find(|check| check.id == mutant.check()) else {
        tried.faults.push(format!("there is no check {}", mutant.caught_by));
        return Ok(tried);
    };
    let sources = mutant.apply(reference).map_err(Failed::usage)?;
    let built = chapter.build(kit, &sources, &[exercise])?;
    if let Some(said) = built.broken.get(exercise.id) {
        tried.faults.push(format!("does not compile:\n{said}"));
        return Ok(tried);
    }
    let judging = Judging::new(&args.how, None).on_core(core).fit_for(&built);
    let mut reports = judge_all(&judging, &built.binary, chapter.suite.number, &[exercise], &|_| {})?;
    let report = reports.remove(0);
    for check in &report.checks {
        let name = format!("{}/{}", exercise.id, check.id);
        let verdict = word(check.verdict);
        if check.id == named.id {
            tried.verdict.clone_from(&verdict);
            if verdict != mutant.verdict {
                tried
                    .faults
                    .push(format!("{name} says {verdict}, not {}: {}", mutant.verdict, check.message));
            }
        } else if !matches!(check.verdict, Verdict::Passed | Verdict::Blocked)
            && !mutant.also_fails.contains(&name)
            && !mutant.null
        {
            tried.faults.push(format!("{name} says {verdict} too: {}", check.message));
        }
    }
    if mutant.null && report.xp() > 0 {
        tried.faults.push(format!("scores {} XP, not 0", report.xp()));
    }
    // under other keys only the named check is of interest
    let mut fleet = Fleet::new(&Guest::new(&built.binary, args.how.layers())?);
    for nth in 1..=args.keys {
        let options = Judging::new(&args.how, seed_key(nth).as_deref()).fit_for(&built).options;
        let number = chapter.suite.number;
        let finding = judge::judge(&mut fleet, number, exercise.id, named, &options)?;
        tried.caught += u32::from(finding.failure.is_some());
    }
    if tried.caught * 100 < args.keys * CAUGHT_PERCENT_MIN {
        tried.faults.push(format!(
            "{} catches it under {} of {} keys only",
            mutant.caught_by, tried.caught, args.keys
        ));
    }
    Ok(tried)
}

/// A verdict as reports and mutants.toml write it.
pub(crate) fn word(verdict: Verdict) -> String {
    serde_json::to_value(verdict).ok().and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
}

fn freshness(chapter: &ChapterFolder, args: &VerifyArgs) -> Result<Vec<String>, Failed> {
    let mut faults = Vec::new();
    let solution = args.root.join("solutions").join(chapter.suite.folder);
    let exercise = args.root.join("exercises").join(chapter.suite.folder);
    let mut expected = BTreeSet::new();
    for (path, text) in Sources::read(&solution)?.files() {
        expected.insert(path.to_owned());
        let wanted = build::skeleton::generate(text)
            .map_err(|e| Failed::usage(anyhow!("{}/{path}: {e}", solution.display())))?;
        let file = exercise.join(path);
        let found = std::fs::read_to_string(&file).unwrap_or_default();
        if found == wanted {
            continue;
        }
        if args.repair {
            file.parent().map_or(Ok(()), std::fs::create_dir_all).map_err(Failed::harness)?;
            std::fs::write(&file, &wanted).map_err(Failed::harness)?;
            anstream::println!("wrote {}", file.display());
            continue;
        }
        let diff = similar::TextDiff::from_lines(&found, &wanted);
        faults.push(format!(
            "{} is stale; `faultlines verify freshness --repair` writes it anew\n{}",
            file.display(),
            diff.unified_diff().context_radius(2).header("is", "should be")
        ));
    }
    for (path, _) in Sources::read(&exercise)?.files() {
        if !expected.contains(path) {
            faults.push(format!("{}/{path} has no reference: delete it, or write one", exercise.display()));
        }
    }
    faults.extend(ids(chapter, args)?);
    Ok(faults)
}

/// Suites, chapter.toml and mutants.toml speak of the same exercises and checks, and XP add up.
fn ids(chapter: &ChapterFolder, args: &VerifyArgs) -> Result<Vec<String>, Failed> {
    let mut faults = Vec::new();
    let suite: Vec<&str> = chapter.suite.exercises.iter().map(|exercise| exercise.id).collect();
    let about: Vec<&str> = chapter.about.exercises.iter().map(|exercise| exercise.id.as_str()).collect();
    if suite != about {
        faults.push(format!("the suite has {suite:?}, chapter.toml has {about:?}"));
    }
    if chapter.about.number != chapter.suite.number || chapter.about.title != chapter.suite.title {
        faults.push(format!("chapter.toml calls itself {}: {}", chapter.about.number, chapter.about.title));
    }
    let planned: u32 = chapter.suite.planned.iter().map(|planned| planned.xp).sum();
    let built: u32 = chapter.suite.exercises.iter().map(Exercise::xp).sum();
    if built + planned != 100 {
        faults.push(format!("chapter {} is worth {built} + {planned} XP, not 100", chapter.suite.number));
    }
    for about in &chapter.about.exercises {
        if about.hints.len() < 3 {
            faults.push(format!(
                "{} has {} hints; a ladder has three: nudge, idea, outline",
                about.id,
                about.hints.len()
            ));
        }
    }
    let mut seen = BTreeSet::new();
    for mutant in Mutants::read(&args.root, chapter)?.mutants {
        let known = |name: &str| {
            chapter.suite.exercises.iter().any(|exercise| {
                exercise.checks.iter().any(|check| name == format!("{}/{}", exercise.id, check.id))
            })
        };
        for name in std::iter::once(&mutant.caught_by).chain(&mutant.also_fails) {
            if !known(name) {
                faults.push(format!("mutant {} names {name}, which is no check", mutant.id));
            }
        }
        if !seen.insert(mutant.id.clone()) {
            faults.push(format!("two mutants are called {}", mutant.id));
        }
    }
    Ok(faults)
}
