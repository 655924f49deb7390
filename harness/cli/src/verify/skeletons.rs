//! `faultlines verify skeletons`: they compile, and nothing of them is started.

use crate::Failed;
use crate::args::VerifyArgs;
use crate::course::ChapterFolder;
use crate::grade::prepare_kit;
use crate::judging::{Judging, judge_all};
use build::Sources;
use judge::{Exercise, Verdict};

pub(super) fn run(chapter: &ChapterFolder, args: &VerifyArgs) -> Result<Vec<String>, Failed> {
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
