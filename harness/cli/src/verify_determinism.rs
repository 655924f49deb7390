//! `faultlines verify determinism`: one submission, one report.

use crate::Failed;
use crate::args::{HowArgs, VerifyArgs};
use crate::course::ChapterFolder;
use crate::grade::{grade_chapter, prepare_kit};
use crate::judging::Judging;
use crate::report::Report;
use crate::verify::{Edit, apply, selected, word};
use anyhow::{Context, anyhow};
use build::{Kit, Sources};
use host::{Fleet, Guest};
use serde::Deserialize;
use std::path::Path;
use std::time::Instant;

/// The ways to grade that must not matter: worlds side by side, cores, and whether the sandbox is left out.
const WAYS: [(u16, u16, bool); 7] = [
    (64, 1, false),
    (1, 1, false),
    (1_024, 1, false),
    (64, 2, false),
    (1, 2, false),
    (1_024, 2, false),
    (256, 2, true),
];

/// `tests/misbehaving/07.toml`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Misbehaving {
    #[serde(rename = "submission")]
    submissions: Vec<Submission>,
}
/// The reference, made to misbehave.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Submission {
    id: String,
    about: String,
    /// The verdict of the first check.
    verdict: String,
    /// What its message has in it.
    says: String,
    /// What the report names as such.
    #[serde(default)]
    state_outside_nodes: Vec<String>,
    edits: Vec<Edit>,
}

pub(crate) fn run(chapter: &ChapterFolder, args: &VerifyArgs) -> Result<Vec<String>, Failed> {
    let kit = prepare_kit(args.how.layers())?;
    let folder = chapter.suite.folder;
    let reference = Sources::read(&args.root.join("solutions").join(folder))?;
    if args.repeat > 0 {
        return repeat(&kit, chapter, &reference, args);
    }
    let second = Sources::read(&args.root.join("tests/second").join(folder))?;
    let misbehaving = read(&args.root, chapter)?;
    let mut faults = Vec::new();
    for (name, sources) in [("solutions", &reference), ("tests/second", &second)] {
        grade(&kit, chapter, name, sources, args, &mut faults)?;
    }
    for submission in &misbehaving.submissions {
        let Submission { id, about, verdict, says, state_outside_nodes, edits } = submission;
        let sources = apply(edits, &reference).with_context(|| id.clone()).map_err(Failed::usage)?;
        let report = grade(&kit, chapter, id, &sources, args, &mut faults)?;
        let Some(graded) = report.chapters.first() else { continue };
        if graded.statics != *state_outside_nodes {
            faults.push(format!("{id} ({about}): {:?} is found to be outside nodes", graded.statics));
        }
        for exercise in graded.exercises.iter().take(1) {
            if let Some(error) = &exercise.build_error {
                faults.push(format!("{id} does not compile:\n{error}"));
            }
            for check in exercise.report.checks.iter().take(1) {
                if word(check.verdict) != *verdict || !check.message.contains(says) {
                    faults.push(format!(
                        "{id} ({about}): {} is {}, not {verdict} with \"{says}\": {}",
                        check.id,
                        word(check.verdict),
                        check.message
                    ));
                }
            }
        }
    }
    Ok(faults)
}

fn read(root: &Path, chapter: &ChapterFolder) -> Result<Misbehaving, Failed> {
    let path = root.join("tests/misbehaving").join(format!("{:02}.toml", chapter.suite.number));
    let text = std::fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()));
    toml::from_str(&text.map_err(Failed::usage)?)
        .with_context(|| format!("{} is not as it should be", path.display()))
        .map_err(Failed::usage)
}

/// Grades in every way; a fault for every report that is not the first, byte for byte. The first.
fn grade(
    kit: &Kit,
    chapter: &ChapterFolder,
    name: &str,
    sources: &Sources,
    args: &VerifyArgs,
    faults: &mut Vec<String>,
) -> Result<Report, Failed> {
    let begun = Instant::now();
    let mut first: Option<(Report, String)> = None;
    let mut differ = 0;
    for (batch, workers, no_sandbox) in WAYS {
        let how = HowArgs { batch, workers: Some(workers), no_sandbox, ..args.how.clone() };
        let judging = Judging::new(&how, None);
        let graded = grade_chapter(kit, chapter, sources, &selected(chapter), &judging)?;
        let report = Report { chapters: vec![graded], not_isolated: Vec::new(), timings_ms: None };
        let json = report.json();
        match &first {
            None => first = Some((report, json)),
            Some((_, other)) if *other == json => {}
            Some((_, other)) => {
                differ += 1;
                let diff = similar::TextDiff::from_lines(other, &json);
                let (to, many) = (
                    format!(
                        "--batch {batch} --workers {workers}{}",
                        if no_sandbox { " --no-sandbox" } else { "" }
                    ),
                    WAYS[0],
                );
                let from = format!("--batch {} --workers {}", many.0, many.1);
                faults.push(format!(
                    "{name}: two reports\n{}",
                    diff.unified_diff().context_radius(3).header(&from, &to)
                ));
            }
        }
    }
    let (report, _) = first.ok_or_else(|| Failed::harness(anyhow!("there is no way to grade")))?;
    let verdict = report.chapters.iter().flat_map(|c| &c.exercises).flat_map(|e| &e.report.checks).next();
    anstream::println!(
        "{name:<20} {:<10} one report in {} of {} ways   {:.1} s",
        verdict.map_or_else(String::new, |check| word(check.verdict)),
        WAYS.len() - differ,
        WAYS.len(),
        begun.elapsed().as_secs_f64()
    );
    Ok(report)
}

/// Judges the first check again and again, in batches of different sizes by turns.
fn repeat(
    kit: &Kit,
    chapter: &ChapterFolder,
    reference: &Sources,
    args: &VerifyArgs,
) -> Result<Vec<String>, Failed> {
    let mut faults = Vec::new();
    let Some((exercise, check)) =
        chapter.suite.exercises.first().and_then(|exercise| Some((exercise, exercise.checks.first()?)))
    else {
        return Ok(faults);
    };
    let built = chapter.build(kit, reference, &[exercise])?;
    host::pin(0);
    let mut fleet = Fleet::new(&Guest::new(&built.binary, args.how.layers())?);
    let mut first = None;
    for nth in 0..args.repeat {
        let how = HowArgs { batch: [64, 256, 1_024][nth as usize % 3], ..args.how.clone() };
        let options = Judging::new(&how, None).options;
        let number = chapter.suite.number;
        let finding = judge::judge(&mut fleet, number, exercise.id, check, &options)?;
        let bytes = format!("{finding:?}");
        match &first {
            None => first = Some(bytes),
            Some(other) if *other == bytes => {}
            Some(other) => {
                let name = format!("{}/{}", exercise.id, check.id);
                faults.push(format!("{name}: judging number {nth} found\n{bytes}\nand the first\n{other}"));
                break;
            }
        }
    }
    anstream::println!("{}/{}: judged {} times", exercise.id, check.id, args.repeat);
    Ok(faults)
}
