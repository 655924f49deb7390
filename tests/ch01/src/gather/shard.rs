//! A shard that the suite plays. It works through what it is asked for one after another, and no number of a search twice.

use lab::gather::Message;
use lab::prelude::*;
use lab::{Contract, Role};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt;
use world::NodeSpec;

/// What a shard has, and how it treats those who ask.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Habits {
    /// How long it works on one search.
    pub(super) works: Duration,
    /// How many hits each search has.
    pub(super) hits: u64,
    /// Texts that it never answers, and on which it does not work.
    pub(super) ignores: BTreeSet<u64>,
    /// It answers nothing until then, and nothing that was asked before.
    pub(super) silent_until: Duration,
    /// From this time on it answers at once.
    pub(super) well_from: Duration,
}

/// The shard of this name, with these habits.
pub(super) fn shard(id: NodeId, habits: &Habits) -> NodeSpec {
    NodeSpec::puppet::<Searching>(id, habits, Role::node::<Shard>).named("shard")
}

/// What the suite knows of a shard.
pub(super) enum Searching {}
impl Contract for Searching {
    const ROLE: &'static str = "gather/shard";
    type Config = Habits;
    type Request = Nothing;
    type Response = Nothing;
    type Event = Searched;
    type Status = ();
    type Call = Nothing;
    type Answer = Nothing;
}

/// A shard has searched its data.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Searched {
    pub(super) search: u64,
    pub(super) text: u64,
    /// Different for every search of a run, unless empty.
    pub(super) hits: Vec<u64>,
}
impl fmt::Debug for Searched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Searched #{}: {} → {:?}", self.search, self.text, self.hits)
    }
}

struct Shard {
    me: NodeId,
    habits: Habits,
    opened: Instant,
    found: BTreeMap<(NodeId, u64), Vec<u64>>,
    /// What it works on, and what waits behind that.
    queue: VecDeque<(NodeId, u64, u64)>,
}
/// The hits of the second search of n3 are among 30200, 30201, …, the largest first, and the largest comes twice more at the end. If there
/// are many hits, all of them are this much larger.
const MANY: u64 = 5_000_000_000;
const NUMBERS_PER_SHARD: u64 = 10_000;
const NUMBERS_PER_SEARCH: u64 = 100;

impl Node for Shard {
    type Contract = Searching;
    type Message = Message;
    /// It has worked long enough on what is first.
    type Timer = ();

    fn start(boot: Boot<Self>, out: &mut Out<Self>) -> Self {
        let (found, queue) = (BTreeMap::new(), VecDeque::new());
        Shard { me: boot.me, habits: boot.config, opened: out.now(), found, queue }
    }

    fn on_message(&mut self, from: NodeId, message: Message, out: &mut Out<Self>) {
        let Message::Ask { search, text } = message else { return };
        let now = out.now() - self.opened;
        let is_well = now >= self.habits.well_from;
        if !is_well && (now < self.habits.silent_until || self.habits.ignores.contains(&text)) {
            return;
        }
        if let Some(hits) = self.found.get(&(from, search)) {
            return out.send(from, Message::Part { search, hits: hits.clone() });
        }
        if self.queue.iter().any(|(asker, number, _)| (*asker, *number) == (from, search)) {
            return;
        }
        if is_well || self.habits.works.is_zero() {
            return self.answer((from, search, text), out);
        }
        self.queue.push_back((from, search, text));
        if self.queue.len() == 1 {
            out.set_timer(self.habits.works, ());
        }
    }

    fn on_timer(&mut self, (): (), out: &mut Out<Self>) {
        if let Some(done) = self.queue.pop_front() {
            self.answer(done, out);
        }
        if !self.queue.is_empty() {
            out.set_timer(self.habits.works, ());
        }
    }
}

impl Shard {
    fn answer(&mut self, (from, search, text): (NodeId, u64, u64), out: &mut Out<Self>) {
        let first =
            u64::from(self.me.0) * NUMBERS_PER_SHARD + (self.found.len() as u64 + 1) * NUMBERS_PER_SEARCH;
        let first = if self.habits.hits > 20 { first + MANY } else { first };
        let all = (first..first + self.habits.hits).rev();
        let again = (self.habits.hits > 2).then(|| first + self.habits.hits - 1);
        let hits: Vec<u64> = all.chain(again).chain(again).collect();
        self.found.insert((from, search), hits.clone());
        out.emit(Searched { search, text, hits: hits.clone() });
        out.send(from, Message::Part { search, hits });
    }
}
