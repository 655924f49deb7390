//! A second correct node for `quorum_store` and `handoff`, of other structure than the reference.
//!
//! Its disk is one log, compacted. Homes answer a read with the stamp of their copy alone, and the value is fetched from one of them. Nothing is
//! repaired by reads: every `handoff`, each pair of homes compares its stamps. Stamps come from one Lamport clock for all keys. In a sloppy
//! store the coordinator itself stands in first, if it is no home.

use lab::prelude::*;
use lab::quorum_store::{self as contract, Config, Key, Request, Response, Value, preference};
use std::collections::{BTreeMap, BTreeSet};

/// Time of the Lamport clock, writer, and the number of the write at its writer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Stamp(u64, NodeId, Number);
/// An operation of a coordinator: which life of the node, and how manyth of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Number(u64, u64);
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Entry {
    stamp: Stamp,
    value: Option<Value>,
}

/// Where an entry belongs: `None` is this node, others are homes that were away.
type Place = (Key, Option<NodeId>);
/// One line of the log: what a place holds from here on.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
struct Line(Place, Option<Entry>);
const LINES: Log<Line> = Log::new("lines");
const LIVES: Saved<u64> = Saved::new("lives");

#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Message {
    WhichStamp(Number, Key),
    HasStamp(Number, Option<Stamp>),
    Fetch(Number, Key),
    Fetched(Number, Option<Entry>),
    Store(Number, Place, Entry),
    /// Stored, for this home.
    Kept(Number, NodeId),
    /// What the sender stores of the keys that both are homes of.
    Compare(Vec<(Key, Stamp)>),
    /// What the receiver lacks.
    Lacked(Vec<(Key, Entry)>),
    /// A hint goes home.
    Deliver(Key, Entry),
    Delivered(Key, Stamp),
}
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Timer {
    Waited(Number, u32),
    Handoff,
}

enum Step {
    Stamps(BTreeMap<NodeId, Option<Stamp>>),
    Fetching(Vec<NodeId>),
    /// The entry, and the homes that have it, or whose stand-ins have it.
    Storing(Entry, BTreeSet<NodeId>),
}
struct Task {
    client: Option<RequestId>,
    key: Key,
    /// What to write; `None` to read.
    write: Option<Option<Value>>,
    step: Step,
    /// For which homes which nodes stand in.
    stand_ins: BTreeMap<NodeId, NodeId>,
}

pub struct Store {
    config: Config,
    life: u64,
    clock: u64,
    count: u64,
    places: BTreeMap<Place, Entry>,
    /// The lines of the log: positions from which, up to which.
    lines: (u64, u64),
    tasks: BTreeMap<Number, Task>,
}

impl Node for Store {
    type Contract = contract::QuorumStore;
    type Message = Message;
    type Timer = Timer;

    fn start(boot: Boot<Self>, out: &mut Out<Self>) -> Self {
        let life = boot.disk.load(LIVES).unwrap_or(0) + 1;
        out.save(LIVES, &life);
        out.sync();
        let lines = boot.disk.log(LINES);
        let first = lines.first();
        let mut places = BTreeMap::new();
        let mut end = first;
        for Line(place, entry) in lines.map_while(Result::ok) {
            end += 1;
            match entry {
                Some(entry) => places.insert(place, entry),
                None => places.remove(&place),
            };
        }
        out.set_timer(boot.config.handoff, Timer::Handoff);
        let clock = places.values().map(|entry: &Entry| entry.stamp.0).max().unwrap_or(0);
        let tasks = BTreeMap::new();
        Store { config: boot.config, life, clock, count: 0, places, lines: (first, end), tasks }
    }

    fn on_request(&mut self, id: RequestId, request: Request, out: &mut Out<Self>) {
        let (key, write) = match request {
            Request::Peek { key } => {
                let value = self.stored(key).and_then(|entry| entry.value);
                return out.reply(id, Response::Value(value));
            }
            Request::Get { strong: true, .. }
                if self.config.sloppy || self.config.r + self.config.w <= self.config.n =>
            {
                return out.reply(id, Response::Refused);
            }
            Request::Get { key, .. } => (key, None),
            Request::Put { key, value } => (key, Some(Some(value))),
            Request::Delete { key } => (key, Some(None)),
        };
        self.count += 1;
        let number = Number(self.life, self.count);
        let step = Step::Stamps(BTreeMap::new());
        let task = Task { client: Some(id), key, write, step, stand_ins: BTreeMap::new() };
        self.tasks.insert(number, task);
        out.set_timer(self.config.patience, Timer::Waited(number, 1));
        for home in self.homes(key) {
            self.tell(home, Message::WhichStamp(number, key), out);
        }
    }

    fn on_message(&mut self, from: NodeId, message: Message, out: &mut Out<Self>) {
        match message {
            Message::WhichStamp(number, key) => {
                let stamp = self.stored(key).map(|entry| entry.stamp);
                self.tell(from, Message::HasStamp(number, stamp), out);
            }
            Message::HasStamp(number, stamp) => self.has_stamp(from, number, stamp, out),
            Message::Fetch(number, key) => {
                let entry = self.stored(key);
                self.tell(from, Message::Fetched(number, entry), out);
            }
            Message::Fetched(number, entry) => {
                if let Some(Task { client, step: Step::Fetching(_), .. }) = self.tasks.get_mut(&number) {
                    if let Some(client) = client.take() {
                        out.reply(client, Response::Value(entry.and_then(|entry| entry.value)));
                    }
                    self.tasks.remove(&number);
                }
            }
            Message::Store(number, place, entry) => {
                self.store(place, entry, out);
                let home = place.1.unwrap_or(out.me());
                self.tell(from, Message::Kept(number, home), out);
            }
            Message::Kept(number, home) => self.kept(home, number, out),
            Message::Compare(theirs) => {
                let theirs: BTreeMap<Key, Stamp> = theirs.into_iter().collect();
                let mine = self.shared_with(from);
                let lacks =
                    |(key, entry): &(Key, Entry)| theirs.get(key).is_none_or(|stamp| *stamp < entry.stamp);
                let lacked: Vec<(Key, Entry)> = mine.into_iter().filter(lacks).collect();
                if !lacked.is_empty() {
                    out.send(from, Message::Lacked(lacked));
                }
            }
            Message::Lacked(entries) => {
                for (key, entry) in entries {
                    self.store((key, None), entry, out);
                }
            }
            Message::Deliver(key, entry) => {
                self.store((key, None), entry, out);
                out.send(from, Message::Delivered(key, entry.stamp));
            }
            Message::Delivered(key, stamp) => {
                let place = (key, Some(from));
                if self.places.get(&place).is_some_and(|entry| entry.stamp == stamp) {
                    self.places.remove(&place);
                    self.write(Line(place, None), out);
                }
            }
        }
    }

    fn on_timer(&mut self, timer: Timer, out: &mut Out<Self>) {
        match timer {
            Timer::Waited(number, times) => self.waited(number, times, out),
            Timer::Handoff => {
                out.set_timer(self.config.handoff, Timer::Handoff);
                for peer in out.peers() {
                    // an empty list says that the sender lacks everything
                    let shared = self.shared_with(peer);
                    let stamps = shared.iter().map(|(key, entry)| (*key, entry.stamp)).collect();
                    out.send(peer, Message::Compare(stamps));
                }
                let hints =
                    self.places.iter().filter_map(|((key, home), entry)| Some((*key, (*home)?, *entry)));
                for (key, home, entry) in hints {
                    out.send(home, Message::Deliver(key, entry));
                }
            }
        }
    }
}

impl Store {
    fn homes(&self, key: Key) -> Vec<NodeId> {
        preference(key, &self.config.nodes).into_iter().take(self.config.n as usize).collect()
    }
    fn stored(&self, key: Key) -> Option<Entry> {
        let of_key = self.places.range((key, None)..).take_while(|((other, _), _)| *other == key);
        of_key.map(|(_, entry)| *entry).max()
    }
    fn shared_with(&self, peer: NodeId) -> Vec<(Key, Entry)> {
        let own = self.places.iter().filter(|((_, home), _)| home.is_none());
        own.filter(|((key, _), _)| self.homes(*key).contains(&peer))
            .map(|((key, _), entry)| (*key, *entry))
            .collect()
    }
    /// A message to this node itself is handled at once.
    fn tell(&mut self, to: NodeId, message: Message, out: &mut Out<Self>) {
        if to == out.me() {
            self.on_message(to, message, out);
        } else {
            out.send(to, message);
        }
    }
    fn store(&mut self, place: Place, entry: Entry, out: &mut Out<Self>) {
        self.clock = self.clock.max(entry.stamp.0);
        if self.places.get(&place).is_none_or(|mine| *mine < entry) {
            self.places.insert(place, entry);
            self.write(Line(place, Some(entry)), out);
        }
    }
    /// Appends a line, and compacts the log if most of it is outdated.
    fn write(&mut self, line: Line, out: &mut Out<Self>) {
        out.append(LINES, &line);
        self.lines.1 += 1;
        let (first, end) = self.lines;
        if end - first > 16 + 2 * self.places.len() as u64 {
            let live: Vec<Line> =
                self.places.iter().map(|(place, entry)| Line(*place, Some(*entry))).collect();
            self.lines = (end, end + live.len() as u64);
            out.atomic(|all| {
                live.iter().for_each(|line| all.append(LINES, line));
                all.trim_front(LINES, end);
            });
        }
        out.sync();
    }

    fn has_stamp(&mut self, from: NodeId, number: Number, stamp: Option<Stamp>, out: &mut Out<Self>) {
        let Some(task) = self.tasks.get_mut(&number) else { return };
        let Step::Stamps(stamps) = &mut task.step else { return };
        stamps.insert(from, stamp);
        if stamps.len() < self.config.r as usize {
            return;
        }
        let newest = stamps.values().copied().max().flatten();
        let key = task.key;
        let Some(value) = task.write else {
            let mut have: Vec<NodeId> =
                stamps.iter().filter(|(_, stamp)| **stamp == newest).map(|(node, _)| *node).collect();
            // its own copy costs nothing
            have.sort_by_key(|node| *node != out.me());
            let first = have[0];
            task.step = Step::Fetching(have);
            return self.tell(first, Message::Fetch(number, key), out);
        };
        self.clock = self.clock.max(newest.map_or(0, |Stamp(time, ..)| time)) + 1;
        let entry = Entry { stamp: Stamp(self.clock, out.me(), number), value };
        task.step = Step::Storing(entry, BTreeSet::new());
        let stand_ins: Vec<(NodeId, NodeId)> =
            task.stand_ins.iter().map(|(home, node)| (*node, *home)).collect();
        for home in self.homes(key) {
            self.tell(home, Message::Store(number, (key, None), entry), out);
        }
        for (node, home) in stand_ins {
            self.tell(node, Message::Store(number, (key, Some(home)), entry), out);
        }
    }
    fn kept(&mut self, home: NodeId, number: Number, out: &mut Out<Self>) {
        let Some(task) = self.tasks.get_mut(&number) else { return };
        let Step::Storing(_, kept) = &mut task.step else { return };
        kept.insert(home);
        if kept.len() >= self.config.w as usize
            && let Some(client) = task.client.take()
        {
            out.reply(client, Response::Stored);
        }
    }
    /// The task has taken so many times `patience`.
    fn waited(&mut self, number: Number, times: u32, out: &mut Out<Self>) {
        let Some(task) = self.tasks.get(&number) else { return };
        let (key, is_last) = (task.key, self.config.patience * (times + 1) >= self.config.give_up);
        if is_last {
            if let Some(client) = self.tasks.remove(&number).and_then(|task| task.client) {
                out.reply(client, Response::Unavailable);
            }
            return;
        }
        out.set_timer(self.config.patience, Timer::Waited(number, times + 1));
        if self.config.sloppy {
            self.replace(number, out);
        }
        let Some(task) = self.tasks.get(&number) else { return };
        let again: Vec<(NodeId, Message)> = match &task.step {
            Step::Stamps(stamps) => {
                let all = if self.config.sloppy { self.config.nodes.clone() } else { self.homes(key) };
                let silent = all.into_iter().filter(|node| !stamps.contains_key(node));
                silent.map(|node| (node, Message::WhichStamp(number, key))).collect()
            }
            Step::Fetching(have) => have.iter().map(|node| (*node, Message::Fetch(number, key))).collect(),
            Step::Storing(entry, kept) => {
                let homes = self.homes(key).into_iter().map(|home| (home, home, (key, None)));
                let others = task.stand_ins.iter().map(|(home, node)| (*home, *node, (key, Some(*home))));
                let silent = homes.chain(others).filter(|(home, ..)| !kept.contains(home));
                silent.map(|(_, node, place)| (node, Message::Store(number, place, *entry))).collect()
            }
        };
        for (node, message) in again {
            self.tell(node, message, out);
        }
    }
    /// Each home that has not stored the entry gets a stand-in, or another one if that has not stored it either.
    fn replace(&mut self, number: Number, out: &mut Out<Self>) {
        let me = out.me();
        let Some(task) = self.tasks.get_mut(&number) else { return };
        let heard: BTreeSet<NodeId> = match &task.step {
            Step::Stamps(stamps) => stamps.keys().copied().collect(),
            Step::Storing(_, kept) => kept.clone(),
            Step::Fetching(_) => return,
        };
        let mut list = preference(task.key, &self.config.nodes);
        let mut free = list.split_off(self.config.n as usize);
        free.sort_by_key(|node| *node != me);
        for home in list.iter().filter(|home| !heard.contains(home)) {
            let now = task.stand_ins.get(home).copied();
            if now.is_some_and(|node| heard.contains(&node)) {
                continue;
            }
            // those behind the present one, and then from the front again
            let from = now
                .and_then(|node| free.iter().position(|other| *other == node))
                .map_or(0, |place| place + 1);
            let taken = |node: &&NodeId| !task.stand_ins.values().any(|other| other == *node);
            let next = free.iter().skip(from).find(taken).or_else(|| free.iter().find(taken)).copied();
            if let Some(node) = next {
                task.stand_ins.insert(*home, node);
            }
        }
    }
}
