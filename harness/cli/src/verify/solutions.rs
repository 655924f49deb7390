//! `faultlines verify solutions`: every right program passes.

use super::shared::{in_order, seed_keys, selected};
use crate::Failed;
use crate::args::VerifyArgs;
use crate::course::ChapterFolder;
use crate::grade::{grade_chapter, prepare_kit};
use crate::judging::Judging;
use build::Sources;
use host::{Fleet, Guest};
use judge::{Check, Exercise, Finding, Verdict};

/// On the default seeds they are graded as any submission is; under the other keys, which share batches, each check by itself.
pub(super) fn run(
    chapter: &ChapterFolder,
    exercise: Option<&str>,
    args: &VerifyArgs,
) -> Result<Vec<String>, Failed> {
    let mut selected = selected(chapter);
    selected.retain(|selected| exercise.is_none_or(|exercise| exercise == selected.exercise.id));
    let kit = prepare_kit(args.how.layers())?;
    let keys = seed_keys(args.keys);
    let mut faults = Vec::new();
    let reference = args.root.join("solutions").join(chapter.suite.folder);
    for (family, folder) in [("reference", reference), ("second", chapter.tests(&args.root).join("second"))] {
        if !folder.is_dir() {
            faults.push(format!("{} is missing", folder.display()));
            continue;
        }
        let sources = Sources::read(&folder)?;
        let judging = Judging::new(&args.how, None);
        let report = grade_chapter(&kit, chapter, &sources, &selected, &judging)?;
        for exercise in report.exercises {
            if let Some(error) = &exercise.build_error {
                faults.push(format!("{family}: {} does not compile:\n{error}", exercise.report.id));
            }
            for check in exercise.report.checks.iter().filter(|check| check.verdict != Verdict::Passed) {
                faults.push(format!(
                    "{family}: {}/{} is {:?} under the default seeds: {}",
                    exercise.report.id, check.id, check.verdict, check.message
                ));
            }
        }
        let all: Vec<&Exercise> = selected.iter().map(|selected| selected.exercise).collect();
        let built = chapter.build(&kit, &sources, &all)?;
        let guest = Guest::new(&built.binary, args.how.layers())?;
        let options = judging.fit_for(&built).options;
        let checks: Vec<(&Exercise, &Check)> =
            all.iter().flat_map(|exercise| exercise.checks.iter().map(|check| (*exercise, check))).collect();
        let found = in_order(
            judging.workers,
            &checks,
            &|core, &(exercise, check)| {
                host::pin(core);
                let mut fleet = Fleet::new(&guest);
                let number = chapter.suite.number;
                Ok(judge::judge_under(&mut fleet, number, exercise.id, check, &keys, &options)?)
            },
            &|(exercise, check), findings: &Vec<Finding>| {
                let passed = findings.iter().filter(|finding| finding.passed()).count();
                let name = format!("{}/{}", exercise.id, check.id);
                anstream::println!("{family:<9} {name:<38} passes under {passed}/{} keys", args.keys);
            },
        )?;
        for ((exercise, check), findings) in checks.iter().zip(found) {
            let named = (1..).zip(findings).filter(|(_, finding)| !finding.passed());
            faults.extend(named.map(|(nth, Finding { failure, undecided, .. })| {
                let why = failure.map(|failure| format!("{failure:?}"));
                let why = why.or(undecided.map(|undecided| format!("{undecided:?}"))).unwrap_or_default();
                format!("{family}: {}/{} fails under key {nth}: {why}", exercise.id, check.id)
            }));
        }
    }
    Ok(faults)
}
