//! `faultlines verify sandbox`: who is graded does not notice the sandbox.

use super::shared::{in_order, selected};
use crate::Failed;
use crate::args::{HowArgs, VerifyArgs};
use crate::course::{ChapterFolder, Selected};
use crate::grade::{grade_chapter, prepare_kit};
use crate::judging::Judging;
use crate::known_bugs;
use crate::report::Report;
use build::Sources;

/// A submission, and what of it is graded.
struct Case<'a> {
    name: String,
    sources: Sources,
    selected: Vec<Selected<'a>>,
}

/// Builds and grades references, second solutions and mutants in the sandbox and without it; a fault for each that gets
/// two reports.
pub(super) fn run(chapter: &ChapterFolder, args: &VerifyArgs) -> Result<Vec<String>, Failed> {
    let folder = chapter.suite.folder;
    let reference = Sources::read(&args.root.join("solutions").join(folder))?;
    let second = Sources::read(&chapter.tests(&args.root).join("second"))?;
    let mut cases = Vec::new();
    for mutant in known_bugs::mutants(&args.root, chapter)? {
        let sources = known_bugs::apply(&mutant, &reference)?;
        let its_own = |s: &Selected<'_>| s.exercise.id == mutant.exercise;
        let selected = selected(chapter).into_iter().filter(its_own).collect();
        cases.push(Case { name: mutant.id, sources, selected });
    }
    for (name, sources) in [("reference", reference), ("second", second)] {
        cases.push(Case { name: name.to_owned(), sources, selected: selected(chapter) });
    }
    cases.retain(|case| case.name.contains(&args.only));
    let kit = prepare_kit(args.how.layers())?;
    let ways = [false, true].map(|no_sandbox| HowArgs { no_sandbox, ..args.how.clone() });
    let compare = |core: usize, case: &Case<'_>| {
        let report = |how: &HowArgs| -> Result<String, Failed> {
            let judging = Judging::new(how, None).on_core(core);
            let kit = kit.clone().with_layers(how.layers());
            let graded = grade_chapter(&kit, chapter, &case.sources, &case.selected, &judging)?;
            Ok(Report {
                chapters: vec![graded],
                not_isolated: Vec::new(),
                timings_ms: None,
                has_secret_seeds: false,
                budget_s: 0,
                from_here: None,
            }
            .json())
        };
        let (with, without) = (report(&ways[0])?, report(&ways[1])?);
        let diff = || {
            let diff = similar::TextDiff::from_lines(&with, &without);
            let diff =
                diff.unified_diff().context_radius(3).header("with the sandbox", "without").to_string();
            format!("{}: two reports\n{diff}", case.name)
        };
        Ok((with != without).then(diff))
    };
    let workers = Judging::new(&args.how, None).workers;
    let faults = in_order(workers, &cases, &compare, &|_, _| {})?;
    let faults: Vec<String> = faults.into_iter().flatten().collect();
    anstream::println!("{folder}: one report each of {} of {}", cases.len() - faults.len(), cases.len());
    Ok(faults)
}
