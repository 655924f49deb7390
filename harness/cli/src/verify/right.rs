//! `faultlines verify right`: right programs that are unlike the references pass every check.

use super::shared::{in_order, is_drawn, seed_keys};
use crate::Failed;
use crate::args::VerifyArgs;
use crate::course::ChapterFolder;
use crate::grade::prepare_kit;
use crate::judging::Judging;
use crate::known_bugs;
use build::{Kit, Sources};
use host::{Fleet, Guest};
use judge::{Check, Exercise, Finding, Options, SeedKey};
use mutants::Right;

pub(super) fn run(
    chapter: &ChapterFolder,
    exercise: Option<&str>,
    args: &VerifyArgs,
) -> Result<Vec<String>, Failed> {
    let kit = prepare_kit(args.how.layers())?;
    let kit = if args.quick { kit.unoptimised() } else { kit };
    let folder = args.root.join("solutions").join(chapter.suite.folder);
    let reference = Sources::read(&folder)?;
    let all = mutants::read_right(&folder).map_err(Failed::usage)?;
    let is_wanted = |card: &&Right| {
        card.id.contains(&args.only)
            && is_drawn(&card.id, args.sample)
            && exercise.is_none_or(|wanted| card.exercises.iter().any(|id| id == wanted))
    };
    let wanted: Vec<&Right> = all.iter().filter(is_wanted).collect();
    let gate = RightGate { kit, chapter, reference, args, keys: seed_keys(args.keys) };
    let tried = in_order(
        Judging::new(&args.how, None).workers,
        &wanted,
        &|core, card| gate.try_program(card, core),
        &|card, tried: &Tried| {
            let Tried { checks, failed, .. } = tried;
            let exercises = card.exercises.join(" ");
            let verdict = if *failed == 0 { "passes".to_owned() } else { format!("fails {failed} of") };
            anstream::println!(
                "{:<44} {exercises:<24} {verdict} {checks} checks under {} keys",
                card.id,
                args.keys
            );
        },
    )?;
    let name = |(card, tried): (&&Right, Tried)| {
        let say = |fault| format!("{} ({}): {fault}", card.id, card.why);
        tried.faults.into_iter().map(say).collect::<Vec<_>>()
    };
    Ok(wanted.iter().zip(tried).flat_map(name).collect())
}

struct Tried {
    /// So many checks judged it.
    checks: usize,
    /// So many of them did not pass, under some key.
    failed: usize,
    faults: Vec<String>,
}

struct RightGate<'a> {
    kit: Kit,
    chapter: &'a ChapterFolder,
    reference: Sources,
    args: &'a VerifyArgs,
    keys: Vec<SeedKey>,
}
impl RightGate<'_> {
    fn try_program(&self, card: &Right, core: usize) -> Result<Tried, Failed> {
        let mut tried = Tried { checks: 0, failed: 0, faults: Vec::new() };
        let sources = known_bugs::apply_right(card, &self.reference)?;
        let exercises: Vec<&Exercise> = self
            .chapter
            .suite
            .exercises
            .iter()
            .filter(|of| card.exercises.iter().any(|id| id == of.id))
            .collect();
        let built = self.chapter.build(&self.kit, &sources, &exercises)?;
        for (id, said) in &built.broken {
            tried.faults.push(format!("{id} does not compile:\n{said}"));
        }
        if !tried.faults.is_empty() {
            return Ok(tried);
        }
        host::pin(core);
        let options = Judging::new(&self.args.how, None).fit_for(&built).options;
        let mut fleet = Fleet::new(&Guest::new(&built.binary, self.args.how.layers())?);
        for exercise in exercises {
            for check in &exercise.checks {
                let faults = self.judge(&mut fleet, exercise, check, &options)?;
                tried.checks += 1;
                tried.failed += usize::from(!faults.is_empty());
                tried.faults.extend(faults);
            }
        }
        Ok(tried)
    }

    /// What a check has against it, under the default key and each of the others.
    fn judge(
        &self,
        fleet: &mut Fleet,
        exercise: &Exercise,
        check: &Check,
        options: &Options,
    ) -> Result<Vec<String>, Failed> {
        let number = self.chapter.suite.number;
        let keys: Vec<SeedKey> =
            std::iter::once(options.seed_key.clone()).chain(self.keys.iter().cloned()).collect();
        let found = judge::judge_under(fleet, number, exercise.id, check, &keys, options)?;
        let failed = found.into_iter().enumerate().filter(|(_, finding)| !finding.passed());
        let say = |(nth, Finding { failure, undecided, .. }): (usize, Finding)| {
            let key = if nth == 0 { "the default key".to_owned() } else { format!("key {nth}") };
            let why = failure.map(|failure| judge::message(&failure.how));
            let why = why.or(undecided.map(|undecided| undecided.reason)).unwrap_or_default();
            format!("fails {}/{} under {key}: {why}", exercise.id, check.id)
        };
        Ok(failed.map(say).collect())
    }
}
