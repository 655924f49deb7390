//! Suites written with the kit, for a system of the tests' own: nodes that pass on a word.

mod goals;
mod rules;

use kit::{Opaque, Rules, Stage, ms};
use lab::prelude::*;
use lab::{Contract, Role};
use std::collections::BTreeMap;
use world::{Local, NodeSpec, Observation, Seed, World};

/// A node that is asked for a word tells the next one, emits it there, and answers.
pub(crate) enum Telling {}
impl Contract for Telling {
    const ROLE: &'static str = "telling";
    type Config = Habit;
    type Request = u32;
    type Response = u32;
    type Event = u32;
    type Status = ();
    type Call = Nothing;
    type Answer = Nothing;
}
/// What a node does wrong, or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Habit {
    Honest,
    /// Answers nobody.
    Silent,
    /// Sends every word three times.
    Chatty,
}
struct Teller(Habit, BTreeMap<u32, u32>);
impl Node for Teller {
    type Contract = Telling;
    type Message = u32;
    type Timer = ();
    fn start(boot: Boot<Self>, _: &mut Out<Self>) -> Self {
        Teller(boot.config, BTreeMap::new())
    }
    fn on_request(&mut self, id: RequestId, word: u32, out: &mut Out<Self>) {
        let next = NodeId(out.me().0 % 3 + 1);
        let times = if self.0 == Habit::Chatty { 3 } else { 1 };
        (0..times).for_each(|_| out.send(next, word));
        if self.0 != Habit::Silent {
            out.reply(id, word);
        }
    }
    fn on_message(&mut self, _: NodeId, word: u32, out: &mut Out<Self>) {
        *self.1.entry(word).or_default() += 1;
        out.emit(word);
    }
}

/// Three nodes with one habit, for a second.
pub(crate) fn stage(habit: Habit) -> Stage<Telling> {
    let node = |id| NodeSpec::puppet::<Telling>(NodeId(id), &habit, Role::node::<Teller>);
    Stage::with((1..=3).map(node).collect(), ms(1_000))
}

/// What these rules say of the run, and when the last thing was seen that they had to see.
pub(crate) fn judged(stage: Stage<Telling>, mut rules: Rules<Telling, Opaque>) -> (String, Duration) {
    use judge::Oracle;
    let (mut found, mut over) = (None, world::Time::ZERO);
    let see = |world: &World, seen: &Observation| {
        over = seen.at;
        match rules.see(world, seen) {
            Ok(()) => !rules.has_seen_enough(),
            Err(violation) => {
                found = Some(violation);
                false
            }
        }
    };
    let scenario: world::Scenario = stage.into();
    let world = Local::new([]).drive_until(World::new(scenario.into(), Seed([1, 2])), see);
    let said = found.or_else(|| rules.end(&world, &mut judge::Reached::default()).err());
    let said = said.map_or_else(|| "kept".to_owned(), |v| format!("{}: {}", v.rule, v.sentence));
    (said, over - world::Time::ZERO)
}
