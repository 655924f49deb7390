//! `faultlines replay --test`: a failing run as a `#[test]` of the student's crate, which a debugger can step through.

use crate::Failed;
use crate::course::{ChapterFolder, Selected};
use crate::literals::{Literals, indented};
use crate::text::{GOOD, harmless, styled, width, wrapped};
use crate::workspace::KIT;
use anyhow::{Context, anyhow};
use judge::{AsTest, Call, Check, How, NoTest, Recording, Violation, WorldSeed, Wrong};
use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::Path;
use world::{Misbehaviour, ObservationId};

/// The width of its comments.
const COMMENT_WIDTH: usize = 110;

/// Whether a test of this chapter could be compiled there.
pub(crate) fn can_be_compiled(folder: &Path, chapter: &ChapterFolder) -> Result<(), Failed> {
    let manifest = folder.join(chapter.suite.folder).join("Cargo.toml");
    let text = fs::read_to_string(&manifest).ok();
    let parsed = text.and_then(|text| text.parse::<toml::Table>().ok());
    let has_world = parsed.is_some_and(|table| {
        ["dev-dependencies", "dependencies"]
            .iter()
            .any(|kind| table.get(*kind).is_some_and(|crates| crates.get("world").is_some()))
    });
    if has_world {
        return Ok(());
    }
    Err(Failed::usage(anyhow!(
        "the test would need the crate `world`, which {} does not name; add there

    [dev-dependencies]
    world.workspace = true

and in the Cargo.toml beside the chapters' folders, under [workspace.dependencies],

    world = {{ path = \"{KIT}/world\" }}",
        manifest.display()
    )))
}

/// Writes the test, if there is one, and says what came of it.
pub(crate) fn write(
    folder: &Path,
    selected: Selected<'_>,
    check: &Check,
    seed: WorldSeed,
    told: &Recording,
    test: &Result<AsTest, NoTest>,
) -> Result<String, Failed> {
    let check_name = full_name(selected, check);
    match test {
        Ok(test) => {
            let name = test_name(selected, check);
            let page = page(&name, &check_name, selected, seed, told, test);
            put(folder, selected, &name, &page, "This run is a test now")
        }
        Err(why) => Ok(no_test(&check_name, why)),
    }
}
/// Writes a call of a pure function as a test, and says so.
pub(crate) fn write_call(
    folder: &Path,
    selected: Selected<'_>,
    check: &Check,
    told: &Recording,
    call: &Call,
) -> Result<String, Failed> {
    let name = test_name(selected, check);
    let page = page_of_call(&name, selected, check, told, call);
    put(folder, selected, &name, &page, "This question is a test now")
}
fn full_name(Selected { chapter, exercise }: Selected<'_>, check: &Check) -> String {
    format!("{}/{}/{}", chapter.suite.number, exercise.id, check.id)
}
fn test_name(Selected { exercise, .. }: Selected<'_>, check: &Check) -> String {
    format!("replay_{}_{}", exercise.id, check.id).replace('-', "_")
}
/// Writes a test's file, and says so.
fn put(
    folder: &Path,
    Selected { chapter, .. }: Selected<'_>,
    name: &str,
    page: &str,
    done: &str,
) -> Result<String, Failed> {
    let tests = folder.join(chapter.suite.folder).join("tests");
    let file = tests.join(format!("{name}.rs"));
    let put = || -> anyhow::Result<()> {
        fs::create_dir_all(&tests)?;
        anyhow::ensure!(!tests.is_symlink(), "{} leads elsewhere", tests.display());
        // takes the place of whatever is there, a link too
        let mut new = tempfile::NamedTempFile::new_in(&tests)?;
        new.write_all(page.as_bytes())?;
        new.persist(&file)?;
        Ok(())
    };
    put().with_context(|| format!("cannot write {}", file.display())).map_err(Failed::usage)?;
    Ok(format!(
        "  {} {done}: {}/tests/{name}.rs\n    cargo test --test {name}\n",
        styled(GOOD, "✔"),
        chapter.suite.folder
    ))
}

fn no_test(check_name: &str, why: &NoTest) -> String {
    let said = format!(
        "This run cannot be made a test: {why}. `faultlines replay {check_name} --full` shows all that happened in it."
    );
    wrapped(&said, 2, width())
}

/// The whole file.
fn page(
    name: &str,
    check_name: &str,
    Selected { chapter, exercise }: Selected<'_>,
    seed: WorldSeed,
    told: &Recording,
    AsTest { recording, wrong }: &AsTest,
) -> String {
    let sentence = sentence(told);
    let literals = Literals(&told.trace);
    let mut page = String::new();
    comment(&mut page, &sentence);
    page.push_str("//!\n");
    comment(
        &mut page,
        &format!(
            "Written by `faultlines replay {check_name} --test`: one run of your nodes, with all that happens to them as \
             data. They run in this process, so that a debugger stops at breakpoints in your handlers."
        ),
    );
    let _ = writeln!(page, "//!\n//!     cargo test --test {name}\n//!");
    comment(&mut page, how_it_fails(told, wrong));
    comment(
        &mut page,
        &format!(
            "Whether every run keeps the promise, says `faultlines grade {}/{}`. Delete this file when you are done with it.",
            chapter.suite.number, exercise.id
        ),
    );
    let [a, b] = seed.seed().0;
    let _ = write!(
        page,
        "
use ch{} as chapter;
use lab::NodeId;
use std::time::Duration;
use world::*;

#[test]
fn {name}() {{
    let local = Local::new([{}]);
    let seed = Seed([{a:#018x}, {b:#018x}]);
{}
}}

/// Who takes part, who asks what, and what goes wrong.
fn scenario() -> Scenario {{
{}
}}
",
        chapter.suite.folder.replace('-', "_"),
        exercise.entry.source,
        indented(&assertion(&literals, told, recording.hash, wrong, &sentence)),
        indented(&literals.scenario(&recording.scenario))
    );
    page
}

/// The whole file of a test that calls a pure function.
fn page_of_call(
    name: &str,
    selected: Selected<'_>,
    check: &Check,
    told: &Recording,
    Call { uses, assertion, .. }: &Call,
) -> String {
    let Selected { chapter, exercise } = selected;
    let crate_name = format!("ch{}", chapter.suite.folder.replace('-', "_"));
    let mut page = String::new();
    comment(&mut page, &sentence(told));
    page.push_str("//!\n");
    let written = format!(
        "Written by `faultlines replay {} --test`: one question to your function, and the right answer.",
        full_name(selected, check)
    );
    comment(&mut page, &written);
    let _ = writeln!(page, "//!\n//!     cargo test --test {name}\n//!");
    let more = format!(
        "It is one question of many: `faultlines grade {}/{}` asks the others. Delete this file when you are done with it.",
        chapter.suite.number, exercise.id
    );
    comment(&mut page, &more);
    page.push('\n');
    for path in uses {
        let _ = writeln!(page, "use {};", path.replace("chapter::", &format!("{crate_name}::")));
    }
    let _ = write!(page, "\n#[test]\nfn {name}() {{\n    {assertion}\n}}\n");
    page
}
/// What went wrong, on one line.
fn sentence(told: &Recording) -> String {
    let sentence = told.how.as_ref().map(judge::message).unwrap_or_default();
    harmless(&sentence).split_whitespace().collect::<Vec<_>>().join(" ")
}

fn comment(page: &mut String, text: &str) {
    for line in wrapped(text, 0, COMMENT_WIDTH).lines() {
        let _ = writeln!(page, "//! {line}");
    }
}

/// What the test looks at.
fn how_it_fails(told: &Recording, wrong: &Wrong) -> &'static str {
    let how = told.how.as_ref();
    match (wrong, how) {
        (Wrong::Shown(_), _) => {
            "It fails as long as your nodes do again what is listed as wrong, at the same times."
        }
        (Wrong::SameUntil(_), Some(How::Violated(Violation { at: None, .. }))) => {
            "This test fails while the run is unchanged: the failure is that something never happened."
        }
        (Wrong::SameUntil(_), _) => "This test fails while the run is unchanged up to the failure.",
        (Wrong::Endless, _) => "It fails as long as the run does not end.",
        (Wrong::Misbehaved, Some(How::Misbehaved(_, _, Misbehaviour::Died(_)))) => {
            "What ends a node's process ends the test with it, here without any result: no `test result` is a failure."
        }
        (Wrong::Misbehaved, Some(How::Misbehaved(_, _, Misbehaviour::Hung(_)))) => {
            "A handler that does not come back keeps the test from ending: pause it in the debugger, or stop it."
        }
        (Wrong::Misbehaved, _) => "It fails as long as your code breaks off in this run.",
    }
}

/// The statements that run the world and assert that it does not go wrong.
fn assertion(literals: &Literals<'_>, told: &Recording, hash: u64, wrong: &Wrong, sentence: &str) -> String {
    let says = |more: &str| {
        let text = format!("{}{more}", sentence.replace('{', "{{").replace('}', "}}"));
        format!("{text:?}")
    };
    let whole = "local.trace(scenario().into(), seed)";
    match wrong {
        Wrong::Shown(marked) => {
            let sights = marked.iter().map(|id| indented(&literals.sight(told.trace.get(*id))) + ",\n");
            format!(
                "let (_, trace) = {whole};\n\
                 let wrong = [\n{}];\n\
                 assert!(!trace.shows(&wrong), {});",
                sights.collect::<String>(),
                says("")
            )
        }
        Wrong::SameUntil(ObservationId(last)) => format!(
            "let world = World::new(scenario().into(), seed);\n\
             let world = local.drive_until(world, |_, seen| seen.id != ObservationId({last}));\n\
             assert_ne!(world.hash(), {hash:#018x}, {});",
            says(" It is still the same run, event for event.")
        ),
        Wrong::Misbehaved => format!(
            "let (world, _) = {whole};\n\
             assert!(!matches!(world.end(), Some(End::Misbehaved(..))), {});",
            says("")
        ),
        Wrong::Endless => format!(
            "let (world, _) = {whole};\n\
             assert_ne!(world.end(), Some(&End::Endless), {});",
            says("")
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lab::NodeId;
    use world::NotData;

    #[test]
    fn a_run_that_cannot_be_a_test_is_one_to_look_at() {
        let disk = NotData { node: NodeId(3), does: "writes to its disk" };
        insta::assert_snapshot!("cannot_be_written_down", no_test("6/paxos/durable", &NoTest::NotData(disk)));
        insta::assert_snapshot!("runs_otherwise", no_test("6/paxos/durable", &NoTest::RunsOtherwise));
    }
}
