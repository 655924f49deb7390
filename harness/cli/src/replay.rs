//! `faultlines replay`: a failing world, run once more, alone, and told.

use crate::args::ReplayArgs;
use crate::course::{Course, Selected};
use crate::grade::{named_folder, prepare_kit};
use crate::judging::Judging;
use crate::last::{Kept, Last};
use crate::replay_test;
use crate::report::{How, about, further, told_text};
use crate::text::{BAD, DIM, GOOD, STRONG, harmless, say, sayln, styled, width, wrapped};
use crate::workspace::Workspace;
use crate::{Exit, Failed};
use anyhow::{Context, anyhow};
use build::{Built, Sources};
use host::{Fleet, Guest};
use judge::{Check, Recording, Told, WorldSeed};
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use world::{Cause, ObservationId, Seen};

/// What is to be run again.
struct Wanted<'a> {
    selected: Selected<'a>,
    check: &'a Check,
    /// `chapter/exercise/check`.
    name: String,
    world: Option<(WorldSeed, u32)>,
}

pub(crate) fn run(args: &ReplayArgs) -> Result<Exit, Failed> {
    let course = Course::load()?;
    let (folder, workspace) = match &args.submission {
        Some(named) => (named_folder(named)?, None),
        None => {
            let workspace = Workspace::find()?;
            (workspace.folder.clone(), Some(workspace))
        }
    };
    let last = workspace.as_ref().map(Last::read);
    let wanted = wanted(&course, args, last.as_ref())?;
    let Selected { chapter, exercise } = wanted.selected;
    if args.test {
        replay_test::can_be_compiled(&folder, chapter)?;
    }
    let judging = Judging::with_key(&args.how, args.seed_key.as_deref())?;
    let kit = prepare_kit(judging.layers)?;
    let sources = Sources::read(&folder.join(chapter.suite.folder))?;
    let built = chapter.build(&kit, &sources, &[exercise])?;
    if let Some(said) = built.broken.get(exercise.id) {
        anstream::eprintln!("{}", harmless(&said.to_string()));
        return Err(Failed {
            exit: Exit::BuildFailed,
            error: anyhow!("{}/{} does not compile", chapter.suite.number, exercise.id),
        });
    }
    let (mut fleet, alone) = fleet(&judging, &built)?;
    let world = match wanted.world {
        Some(world) => world,
        None => match first_failure(&mut fleet, &wanted, &judging)? {
            Some(world) => world,
            None => {
                sayln!("{} {}: no run of it fails.", styled(GOOD, "✔"), wanted.name);
                return Ok(Exit::Passed);
            }
        },
    };
    let told = judge::tell(&mut fleet, exercise, wanted.check, world, args.shrink, alone)?;
    if args.full || args.json.is_some() {
        let whole = std::sync::Arc::new(judge::case(wanted.check, world.0, world.1).scenario);
        let recording = match &told {
            Some(told) => told.recording.clone(),
            None => judge::record(&fleet, wanted.check, world, whole)?,
        };
        if let Some(file) = &args.json {
            write_json(file, &wanted.name, world, &recording)?;
        }
        if args.full {
            say!("{}", full(&recording, told.as_ref(), crate::text::is_ascii()));
        }
    }
    let (seed, nth) = world;
    let Some(told) = told else {
        return passes(&mut fleet, &wanted, world, &judging);
    };
    let mut out = String::new();
    let _ = writeln!(out, "{} {}", styled(BAD, "✘"), styled(STRONG, &wanted.name));
    out.push_str(&told_text(&told, How { indent: 2, width: width(), ascii: crate::text::is_ascii() }));
    let _ = writeln!(out);
    for line in about(wanted.check.promise, wanted.check.rule, wanted.check.assumption) {
        out.push_str(&wrapped(&line, 2, width()));
    }
    out.push_str(&wrapped(&format!("Seen: in run {nth}, with seed {seed}"), 2, width()));
    for way in further(chapter.suite.number, chapter.suite.folder, exercise.id) {
        let _ = writeln!(out, "  {}", styled(DIM, &way));
    }
    if args.test {
        let (selected, check, recording) = (wanted.selected, wanted.check, &told.recording);
        let said = match &recording.call {
            Some(call) => replay_test::write_call(&folder, selected, check, recording, call)?,
            None => {
                let test = judge::as_test(&fleet, exercise, check, world, recording)?;
                replay_test::write(&folder, selected, check, seed, recording, &test)?
            }
        };
        let _ = write!(out, "\n{said}");
    }
    say!("{out}");
    Ok(Exit::ChecksFailed)
}

/// This run fails no more. Where a check failed for what no run of it reached, no run of it fails.
fn passes(
    fleet: &mut Fleet,
    wanted: &Wanted<'_>,
    (seed, nth): (WorldSeed, u32),
    judging: &Judging,
) -> Result<Exit, Failed> {
    let Selected { chapter, exercise } = wanted.selected;
    if !wanted.check.sometimes.is_empty() {
        let number = chapter.suite.number;
        let finding = judge::judge(fleet, number, exercise.id, wanted.check, &judging.options)?;
        if let Some(judge::How::Vacuous(sentence)) = finding.failure.map(|failure| failure.how) {
            sayln!("{} {}", styled(BAD, "✘"), styled(STRONG, &wanted.name));
            let said =
                format!("{sentence} No run of this check fails by itself, so there is none to replay.");
            say!("{}", wrapped(&said, 2, width()));
            return Ok(Exit::ChecksFailed);
        }
    }
    sayln!("{} {}: run {nth}, with seed {seed}, passes now.", styled(GOOD, "✔"), wanted.name);
    let all = format!("To try all runs: `faultlines grade {}/{}`.", chapter.suite.number, exercise.id);
    say!("{}", wrapped(&all, 2, width()));
    Ok(Exit::Passed)
}

fn fleet(judging: &Judging, built: &Built) -> Result<(Fleet, bool), Failed> {
    host::pin(0);
    let guest = Guest::new(&built.binary, judging.layers)?;
    Ok((Fleet::new(&guest), judging.fit_for(built).options.batch == 1))
}

fn wanted<'a>(course: &'a Course, args: &ReplayArgs, last: Option<&Last>) -> Result<Wanted<'a>, Failed> {
    let name = args.what.clone().or_else(|| Some(last?.first()?.check.clone())).ok_or_else(|| {
        Failed::usage(anyhow!(
            "no recorded failure: run `faultlines grade` first, or name a check, such as 7/lamport/restart"
        ))
    })?;
    let (selected, check) = course.check(&name)?;
    let name = format!("{}/{}/{}", selected.chapter.suite.number, selected.exercise.id, check.id);
    let kept = last.and_then(|last| last.of(&name)).cloned();
    let named = args.seed.as_deref().map(str::parse::<WorldSeed>).transpose();
    let named = named.map_err(|wrong| Failed::usage(anyhow!("--seed: {wrong}")))?;
    let from_kept = |Kept { seed, world, .. }: Kept| Some((seed.parse().ok()?, world));
    let world = match (named, args.world) {
        (Some(seed), Some(world)) => Some((seed, world)),
        (None, Some(world))
            if args.seed_key.is_none() && kept.as_ref().is_some_and(|kept| kept.world == world) =>
        {
            kept.and_then(from_kept)
        }
        (None, Some(world)) => {
            let key = Judging::with_key(&args.how, args.seed_key.as_deref())?.options.seed_key;
            Some((key.of(selected.chapter.suite.number, selected.exercise.id, check, world), world))
        }
        (Some(_), None) => {
            return Err(Failed::usage(anyhow!(
                "--seed needs --world: a report names both (\"number 3, with seed …\")"
            )));
        }
        (None, None) => kept.filter(|_| args.seed_key.is_none()).and_then(from_kept),
    };
    Ok(Wanted { selected, check, name, world })
}

/// The first world of the check that fails, if one does.
fn first_failure(
    fleet: &mut Fleet,
    wanted: &Wanted<'_>,
    judging: &Judging,
) -> Result<Option<(WorldSeed, u32)>, Failed> {
    let Selected { chapter, exercise } = wanted.selected;
    let finding = judge::judge(fleet, chapter.suite.number, exercise.id, wanted.check, &judging.options)?;
    Ok(finding.failure.map(|failure| (failure.seed, failure.world)))
}

/// Everything that happened in the run that is told of, a line each, and marks where the story has them.
fn full(recording: &Recording, told: Option<&Told>, ascii: bool) -> String {
    let mut out = String::new();
    let (before, after) = told.map_or((0, 0), |told| (told.sizes.0.events, told.sizes.1.events));
    let which = if after < before {
        format!(
            "All that happened in the run that is told of below. It was cut down from {before} events to {after}: `--shrink 0` lists the \
             whole run."
        )
    } else {
        "All that happened in this run.".to_owned()
    };
    out.push_str(&wrapped(&which, 0, width()));
    let marks = marks(recording);
    let sign = if ascii { "<==" } else { "◄━" };
    for seen in &recording.trace.observations {
        let mark = marks.get(&seen.id).map(|what| format!("  {sign} {}", harmless(what))).unwrap_or_default();
        let cause = match seen.cause {
            Cause::Scenario => String::new(),
            Cause::Observation(cause) => format!("  (from {})", cause.0),
        };
        let label = seen.label.as_deref().map(|label| format!("  {}", harmless(label))).unwrap_or_default();
        let _ = writeln!(
            out,
            "{:>5} {:>12} {:<4} {}{label}{cause}{mark}",
            seen.id.0,
            seen.at.to_string(),
            seen.node.to_string(),
            kind(&seen.seen)
        );
        for line in recording.printed.get(&seen.id).map(String::as_str).unwrap_or_default().lines() {
            let _ = writeln!(out, "{:>24}prints: {}", "", harmless(line));
        }
    }
    out
}
/// What broke the promise, and what it takes to see that, each in a few words.
fn marks(recording: &Recording) -> BTreeMap<ObservationId, String> {
    let mut marks = BTreeMap::new();
    match &recording.how {
        Some(judge::How::Violated(violation)) => {
            marks.extend(violation.because.iter().cloned());
            if let Some(at) = violation.at {
                marks.entry(at).or_insert_with(|| "here".to_owned());
            }
        }
        Some(judge::How::Misbehaved(..)) => {
            let last =
                recording.trace.observations.iter().rfind(|seen| matches!(seen.seen, Seen::Misbehaved(_)));
            marks.extend(last.map(|seen| (seen.id, "here".to_owned())));
        }
        Some(
            judge::How::Endless(..) | judge::How::Vacuous(_) | judge::How::Spent(_) | judge::How::Fault(_),
        )
        | None => {}
    }
    marks
}
/// What an observation is, in a few words.
fn kind(seen: &Seen) -> String {
    match seen {
        Seen::Started { incarnation: 0 } => "starts".to_owned(),
        Seen::Started { incarnation } => format!("starts again, after {incarnation} crashes"),
        Seen::Requested { request, .. } => format!("is asked {}", world::name_of(*request)),
        Seen::Delivered { from, .. } => format!("receives from {from}"),
        Seen::Rang { .. } => "timer fires".to_owned(),
        Seen::Answered { from, call, .. } => format!("hears from {from} of call #{}", call.0),
        Seen::Sent { to, .. } => format!("sends to {to}"),
        Seen::TimerSet { rings_at, .. } => format!("sets a timer for {rings_at}"),
        Seen::TimerCancelled { .. } => "cancels a timer".to_owned(),
        Seen::Replied { request, .. } => format!("answers {}", world::name_of(*request)),
        Seen::Emitted { .. } => "emits".to_owned(),
        Seen::Called { to, call, .. } => {
            let to = to.map_or("nobody".to_owned(), |to| to.to_string());
            format!("calls {to}, #{}", call.0)
        }
        Seen::Wrote { op } => format!("writes {op:?}"),
        Seen::Syncing => "starts a sync".to_owned(),
        Seen::Synced => "the sync is done".to_owned(),
        Seen::Status { .. } => "is now".to_owned(),
        Seen::Lost { reason } => format!("does not receive ({reason:?})"),
        Seen::Stray { from } => format!("receives from {from} what is not one of its messages"),
        Seen::Crashed => "crashes".to_owned(),
        Seen::Paused => "is paused".to_owned(),
        Seen::Resumed => "goes on".to_owned(),
        Seen::FaultBegan { fault } => format!("fault {fault} begins"),
        Seen::FaultEnded { fault } => format!("fault {fault} ends"),
        Seen::Calm => "from here on there are no faults".to_owned(),
        Seen::Invoked { client, operation } => {
            format!("client {} begins operation {}", client.0, operation.0)
        }
        Seen::Returned { client, operation, .. } => {
            format!("client {} has its answer to operation {}", client.0, operation.0)
        }
        Seen::GaveUp { client, operation } => {
            format!("client {} gives up operation {}", client.0, operation.0)
        }
        Seen::Misbehaved(how) => format!("breaks: {how:?}"),
    }
}

#[derive(Serialize)]
struct Json<'a> {
    schema: u32,
    check: &'a str,
    world: u32,
    seed: String,
    message: String,
    hash: String,
    events: Vec<JsonEvent>,
}
#[derive(Serialize)]
struct JsonEvent {
    id: u64,
    at_ns: u64,
    node: u32,
    cause: Option<u64>,
    what: String,
    label: Option<String>,
    bytes: Option<String>,
    printed: Option<String>,
}
fn write_json(
    file: &Path,
    name: &str,
    (seed, world): (WorldSeed, u32),
    recording: &Recording,
) -> Result<(), Failed> {
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let events = recording.trace.observations.iter().map(|seen| JsonEvent {
        id: seen.id.0,
        at_ns: seen.at.0,
        node: seen.node.0,
        cause: match seen.cause {
            Cause::Scenario => None,
            Cause::Observation(cause) => Some(cause.0),
        },
        what: kind(&seen.seen),
        label: seen.label.as_deref().map(harmless),
        bytes: seen.seen.bytes().map(|bytes| hex(bytes)),
        printed: recording.printed.get(&seen.id).map(|text| harmless(text)),
    });
    let json = Json {
        schema: 1,
        check: name,
        world,
        seed: seed.to_string(),
        message: recording.how.as_ref().map(judge::message).unwrap_or_default(),
        hash: format!("{:016x}", recording.hash),
        events: events.collect(),
    };
    let text = serde_json::to_string_pretty(&json).map_err(Failed::harness)?;
    std::fs::write(file, format!("{text}\n"))
        .with_context(|| format!("cannot write {}", PathBuf::from(file).display()))
        .map_err(Failed::usage)
}
