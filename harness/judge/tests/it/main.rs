//! Whole checks of a small wrong system: what is found, what is left of the world that shows it, and what is told of it.

mod ahead;
mod figures;
mod found;
mod till;
mod toys;

use crate::till::{Till, Tills};
use crate::toys::{Clerks, TILL};
use host::{Fleet, Guest, Layers};
use judge::{Case, Check, Entry, Exercise, Finding, Options, Oracle, Pick, Story, Told, What};
use lab::prelude::Duration;
use lab::{NodeId, Role};
use std::fmt::Write;
use std::path::PathBuf;
use world::{NodeSpec, Scenario};

/// The guest; `cargo test` builds it beside the tests.
fn guest() -> Guest {
    let tests = std::env::current_exe().expect("a test knows where it is");
    let folder = tests.ancestors().nth(2).expect("target/PROFILE/deps/TEST");
    let binary: PathBuf = folder.join("examples").join("toys");
    assert!(binary.is_file(), "build it with `cargo build --examples -p judge`: {}", binary.display());
    Guest::new(&binary, Layers::NONE).expect("a guest")
}
fn exercise(checks: Vec<Check>) -> Exercise {
    let entry = Entry { source: "", reference: toys::exercise::<true> };
    Exercise { id: "toys", entry, lossless: false, checks }
}
fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}
/// So many clerks and a till, for a second.
fn clerks(many: u32) -> Scenario {
    let mut scenario = Scenario::cluster::<Clerks>(many, &(), ms(1_000));
    scenario.nodes.push(NodeSpec::service::<Tills>(TILL, &(), Role::node::<Till>));
    scenario
}
fn check(id: &'static str, worlds: u32, case: fn(&mut Pick, u32) -> Case) -> Check {
    Check { id, worlds, case, ..Check::PLAIN }
}
fn judged(check: &Check, batch: usize) -> Finding {
    let mut fleet = Fleet::new(&guest());
    let options = Options { batch, ..Options::default() };
    judge::judge(&mut fleet, 0, "toys", check, &options).expect("the harness works")
}
/// The first failure of a check, told.
fn told(check: Check) -> Told {
    let failure = judged(&check, 64).failure.expect("it fails");
    let exercise = exercise(vec![check]);
    let mut fleet = Fleet::new(&guest());
    let world = (failure.seed, failure.world);
    let told = judge::tell(&mut fleet, &exercise, &exercise.checks[0], world, 300, false);
    told.expect("the harness works").expect("it fails")
}
/// A story, a line each row.
fn lines(story: &Story) -> String {
    let mut out = String::new();
    for row in &story.rows {
        let what = match &row.what {
            What::Message { from, to, label, left } => {
                let left = left.map(|left| format!(" ({left})")).unwrap_or_default();
                format!("{from} -> {to} {label}{left}")
            }
            What::Leaves { from, to, label, becomes } => format!("{from} -> {to} {label} {becomes:?}"),
            What::Asked { client, node, label } => format!("client {} -> {node} {label}", client.0),
            What::Answered { client, node, label } => format!("{node} -> client {} {label}", client.0),
            What::GivesUp { client, text, .. } => format!("client {} {text}", client.0),
            What::On { node, text, .. } => format!("{node} {text}"),
            What::Everywhere(text) => text.clone(),
            What::Quiet(many) => format!("{many} more"),
        };
        let _ = write!(out, "{}: {what}", row.at);
        for note in row.notes.iter().chain(&row.mark) {
            let _ = write!(out, "; {note}");
        }
        out.push('\n');
    }
    out
}
fn node(id: u32) -> NodeId {
    NodeId(id)
}
/// An oracle that holds as long as this is true of what is seen.
struct Holds<S, E>(S, E);
impl<S, E> Oracle for Holds<S, E>
where
    S: FnMut(&world::World, &world::Observation) -> Result<(), judge::Violation>,
    E: FnMut(&world::World, &mut judge::Reached) -> Result<(), judge::Violation>,
{
    fn see(&mut self, world: &world::World, seen: &world::Observation) -> Result<(), judge::Violation> {
        (self.0)(world, seen)
    }
    fn end(&mut self, world: &world::World, reached: &mut judge::Reached) -> Result<(), judge::Violation> {
        (self.1)(world, reached)
    }
}
