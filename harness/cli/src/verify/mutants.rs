//! `faultlines verify mutants`: every known wrong submission is caught by the check that should catch it.

use super::shared::{in_order, lot, seed_keys};
use crate::Failed;
use crate::args::VerifyArgs;
use crate::course::ChapterFolder;
use crate::grade::prepare_kit;
use crate::judging::Judging;
use crate::known_bugs::{self, word};
use crate::variants::{Bodies, CHUNK, Program, bodies, compile};
use build::{Kit, Sources};
use host::{Fleet, Guest};
use judge::{Ahead, Check, Exercise, Finding, How, SeedKey, Verdict};
use mutants::Card;
use std::collections::{BTreeMap, HashMap};

/// A named check catches its mutant under at least so many of a hundred seed keys.
const CAUGHT_PERCENT_MIN: u32 = 95;

pub(super) fn run(
    chapter: &ChapterFolder,
    exercise: Option<&str>,
    args: &VerifyArgs,
) -> Result<Vec<String>, Failed> {
    let kit = prepare_kit(args.how.layers())?;
    let kit = if args.quick { kit.unoptimised() } else { kit };
    let all = known_bugs::mutants(&args.root, chapter)?;
    let is_wanted = |mutant: &&Card| {
        mutant.id.contains(&args.only) && exercise.is_none_or(|exercise| mutant.exercise == exercise)
    };
    let reference = Sources::read(&args.root.join("solutions").join(chapter.suite.folder))?;
    let gate = MutantsGate { kit, chapter, reference, args, keys: seed_keys(args.keys) };
    let mut mutants: Vec<&Card> = all.iter().filter(is_wanted).collect();
    if args.each_check {
        let first: BTreeMap<String, u32> = mutants.iter().fold(BTreeMap::new(), |mut first, mutant| {
            let least = first.entry(mutant.caught_by()).or_insert(u32::MAX);
            *least = lot(&mutant.id).min(*least);
            first
        });
        mutants.retain(|mutant| first[&mutant.caught_by()] == lot(&mutant.id));
    }
    let begun = host::cpu_time();
    let (variants, refused) = gate.compile(&mutants)?;
    let compiled = host::cpu_time();
    let tried = in_order(
        Judging::new(&args.how, None).workers,
        &mutants,
        &|core, mutant| gate.try_mutant(mutant, &variants, &refused, core),
        &|mutant, tried| {
            let Tried { verdict, caught, .. } = tried;
            anstream::println!(
                "{:<44} {:<36} {verdict:<11} caught under {caught}/{} keys",
                mutant.id,
                mutant.caught_by(),
                args.keys
            );
        },
    )?;
    let mut faults = Vec::new();
    if let Some(least) = tried.iter().map(|tried| tried.caught).min() {
        anstream::println!(
            "chapter {}: {} mutants, each caught under at least {least} of {} keys; {:.1} core-seconds to compile, {:.1} to judge",
            chapter.suite.number,
            tried.len(),
            args.keys,
            compiled.saturating_sub(begun).as_secs_f64(),
            host::cpu_time().saturating_sub(compiled).as_secs_f64()
        );
    }
    for (mutant, tried) in mutants.iter().zip(tried) {
        faults
            .extend(tried.faults.into_iter().map(|fault| format!("{} ({}): {fault}", mutant.id, mutant.bug)));
    }
    for exercise in &chapter.suite.exercises {
        for check in &exercise.checks {
            let name = format!("{}/{}", exercise.id, check.id);
            if !all.iter().any(|mutant| mutant.caught_by() == name) {
                faults.push(format!(
                    "no mutant is caught by {name}: a check that nobody can fail does not land"
                ));
            }
        }
        if !all.iter().any(|mutant| mutant.emptied.is_some() && mutant.exercise == exercise.id) {
            faults.push(format!(
                "{0} has no null mutants; write the section `null` of mutants/{0}.diff",
                exercise.id
            ));
        }
    }
    Ok(faults)
}

struct Tried {
    verdict: String,
    caught: u32,
    faults: Vec<String>,
}

/// A program in which a mutant is one of many, and its number there.
type Place = (usize, u32);

/// The programs that hold many mutants, and where each of these mutants is.
struct Variants {
    programs: Vec<Program>,
    places: HashMap<String, Place>,
}

struct MutantsGate<'a> {
    kit: Kit,
    chapter: &'a ChapterFolder,
    reference: Sources,
    args: &'a VerifyArgs,
    keys: Vec<SeedKey>,
}

impl MutantsGate<'_> {
    /// Compiles those mutants together that differ from the reference in bodies of functions alone. Why some do not compile.
    fn compile(&self, mutants: &[&Card]) -> Result<(Variants, HashMap<String, String>), Failed> {
        let mut chunks: Vec<(&Exercise, Vec<(&Card, Bodies)>)> = Vec::new();
        for exercise in &self.chapter.suite.exercises {
            let mut alike = Vec::new();
            for card in mutants.iter().filter(|card| card.exercise == exercise.id) {
                let sources = known_bugs::apply(card, &self.reference)?;
                // one that keeps state in statics would have all others judged run by run
                if let Some(bodies) = bodies(&self.reference, &sources).filter(|_| !has_statics(&sources)) {
                    alike.push((*card, bodies));
                }
            }
            while !alike.is_empty() {
                let rest = alike.split_off(alike.len().min(CHUNK));
                chunks.push((exercise, alike));
                alike = rest;
            }
        }
        let workers = Judging::new(&self.args.how, None).workers;
        let compile = |_, (exercise, cards): &(&Exercise, Vec<(&Card, Bodies)>)| {
            let numbered = (0..).zip(cards).map(|(number, (_, bodies))| (number, bodies.clone()));
            let variants: BTreeMap<u32, Bodies> = numbered.collect();
            let layers = self.args.how.layers();
            compile(&self.kit, layers, self.chapter, &[exercise], &self.reference, &variants)
        };
        let programs = in_order(workers, &chunks, &compile, &|_, _| {})?;
        let (mut places, mut refused) = (HashMap::new(), HashMap::new());
        for (nth, ((_, cards), program)) in chunks.iter().zip(&programs).enumerate() {
            for (number, (card, _)) in (0..).zip(cards) {
                if let Some(said) = program.refused.get(&number) {
                    refused.insert(card.id.clone(), said.clone());
                }
                places.insert(card.id.clone(), (nth, number));
            }
        }
        Ok((Variants { programs, places }, refused))
    }

    fn try_mutant(
        &self,
        mutant: &Card,
        variants: &Variants,
        refused: &HashMap<String, String>,
        core: usize,
    ) -> Result<Tried, Failed> {
        let mut tried = Tried { verdict: String::new(), caught: 0, faults: Vec::new() };
        let Some((exercise, named)) = known_bugs::named(mutant, self.chapter) else {
            tried.faults.push(format!("there is no check {}", mutant.caught_by()));
            return Ok(tried);
        };
        if let Some(said) = refused.get(&mutant.id) {
            tried.faults.push(format!("does not compile: {said}"));
            return Ok(tried);
        }
        // (the lease keeps the program in the cache until it was tried)
        let (guest, has_statics, _lease) = match variants.places.get(&mutant.id) {
            Some((program, number)) => {
                let program = &variants.programs[*program];
                (program.guest.variant(*number)?, program.has_statics, program.lease.clone())
            }
            None => {
                let sources = known_bugs::apply(mutant, &self.reference)?;
                let built = self.chapter.build(&self.kit, &sources, &[exercise])?;
                if let Some(said) = built.broken.get(exercise.id) {
                    tried.faults.push(format!("does not compile:\n{said}"));
                    return Ok(tried);
                }
                (Guest::new(&built.binary, self.args.how.layers())?, !built.statics.is_empty(), built.lease)
            }
        };
        host::pin(core);
        let mut options = Judging::new(&self.args.how, None).options;
        if has_statics {
            options.batch = 1;
        }
        let number = self.chapter.suite.number;
        let mut fleet = Fleet::new(&guest);
        let judged: Vec<&Check> =
            exercise.checks.iter().filter(|check| is_judged(mutant, exercise, check)).collect();
        let ahead = Ahead::new(judged.iter().map(|check| (number, exercise.id, *check)), &options);
        ahead.run(&mut fleet, 0)?;
        let mut trial = Trial { mutant, exercise, ahead, fleet: &mut fleet, passed: HashMap::new() };
        for (place, check) in judged.iter().enumerate() {
            trial.check(place, check, &mut tried)?;
        }
        // under other keys only the named check is of interest
        let found = judge::judge_under(&mut fleet, number, exercise.id, named, &self.keys, &options)?;
        tried.caught = found.iter().filter(|finding| finding.failure.is_some()).count() as u32;
        if tried.caught * 100 < self.args.keys * CAUGHT_PERCENT_MIN {
            tried.faults.push(format!(
                "{} catches it under {} of {} keys only",
                mutant.caught_by(),
                tried.caught,
                self.args.keys
            ));
        }
        Ok(tried)
    }
}

fn has_statics(sources: &Sources) -> bool {
    sources.files().any(|(_, text)| text.contains("static ") || text.contains("thread_local!"))
}

/// Whether a check is of interest under the default seeds: it has to fail, or to pass, or another one waits for it.
fn is_judged(mutant: &Card, exercise: &Exercise, check: &Check) -> bool {
    let may_fail = mutant.also.iter().any(|also| also == check.id);
    let is_needed = || exercise.checks.iter().any(|other| other.needs.contains(&check.id));
    check.id == mutant.check || !may_fail || mutant.null || is_needed()
}

/// One mutant, judged check by check under the default seeds.
struct Trial<'a> {
    mutant: &'a Card,
    exercise: &'a Exercise,
    /// The checks that are judged.
    ahead: Ahead<'a>,
    fleet: &'a mut Fleet,
    /// What is known of the checks so far. Blocked ones have not passed.
    passed: HashMap<&'static str, bool>,
}
impl Trial<'_> {
    fn check(&mut self, place: usize, check: &Check, tried: &mut Tried) -> Result<(), Failed> {
        let name = format!("{}/{}", self.exercise.id, check.id);
        let mutant = self.mutant;
        let is_named = check.id == mutant.check;
        let blocker = check.needs.iter().find(|needed| self.passed.get(*needed) == Some(&false));
        if let Some(blocker) = blocker {
            self.passed.insert(check.id, false);
            if is_named {
                tried.verdict = word(Verdict::Blocked);
                tried.faults.push(format!("{name} is blocked: {blocker} does not pass"));
            }
            return Ok(());
        }
        if is_named {
            let finding = self.ahead.judge(self.fleet, place)?;
            self.passed.insert(check.id, finding.passed());
            judge_named(mutant, &finding, tried);
            return Ok(());
        }
        let may_fail = mutant.also.iter().any(|also| also == check.id);
        let failure = self.ahead.first_failure(self.fleet, place)?;
        self.passed.insert(check.id, failure.is_none());
        match failure {
            Some(how) if !may_fail && !mutant.null => {
                let (verdict, said) = (word(judge::verdict(&how)), judge::message(&how));
                tried.faults.push(format!("{name} says {verdict} too: {said}"));
            }
            None if mutant.null => tried.faults.push(format!("{name} passes: it scores more than 0 XP")),
            _ => {}
        }
        Ok(())
    }
}

/// What the check says that a card names.
fn judge_named(mutant: &Card, finding: &Finding, tried: &mut Tried) {
    let how = finding.failure.as_ref().map(|failure| &failure.how);
    let (verdict, said) = match (how, &finding.undecided) {
        (Some(how), _) => (judge::verdict(how), judge::message(how)),
        (None, Some(undecided)) => (Verdict::Undecided, undecided.reason.clone()),
        (None, None) => (Verdict::Passed, String::new()),
    };
    tried.verdict = word(verdict);
    tried.faults.extend(known_bugs::contradictions(mutant, verdict, how.and_then(How::rule), &said));
}
