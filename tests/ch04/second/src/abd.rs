//! `abd` with one operation at a time and the rest in a queue, one tick for everything, stamps that name the request, a log
//! for a disk, and reads that end after one round trip where a whole majority shows one version.

use lab::abd::{Config, Register as Contract, Request, Response, Value};
use lab::prelude::*;
use std::collections::{BTreeMap, VecDeque};

/// Count, the request that wrote it, and what it wrote.
type Entry = (u64, RequestId, Option<Value>);
const ENTRIES: Log<Entry> = Log::new("entries");
/// So many entries make a log worth trimming.
const LONG: u64 = 32;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum Step {
    Collect,
    Spread,
}

/// A question has an entry to be stored if it is one of the second step; an answer has the entry that its sender stores.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct Frame {
    round: (RequestId, Step),
    question: bool,
    entry: Option<Entry>,
}

#[derive(Debug, Serialize, Deserialize)]
pub enum Tick {
    Tick,
}

/// What is under way: the front of the queue.
struct Round {
    name: (RequestId, Step),
    entry: Option<Entry>,
    /// What the nodes that have answered said.
    answers: BTreeMap<NodeId, Option<Entry>>,
    /// A tick has passed since the questions were sent.
    old: bool,
}

pub struct Replica {
    config: Config,
    latest: Option<Entry>,
    logged: u64,
    queue: VecDeque<(RequestId, Request)>,
    round: Option<Round>,
    ticking: bool,
}

impl Node for Replica {
    type Contract = Contract;
    type Message = Frame;
    type Timer = Tick;

    fn start(boot: Boot<Self>, _: &mut Out<Self>) -> Self {
        let log = boot.disk.log(ENTRIES);
        let first = log.first();
        let entries: Vec<Entry> = log.map_while(Result::ok).collect();
        Replica {
            config: boot.config,
            latest: entries.iter().copied().max(),
            logged: first + entries.len() as u64,
            queue: VecDeque::new(),
            round: None,
            ticking: false,
        }
    }

    fn on_request(&mut self, id: RequestId, request: Request, out: &mut Out<Self>) {
        self.queue.push_back((id, request));
        if self.round.is_none() {
            self.collect(out);
        }
    }

    fn on_message(&mut self, from: NodeId, frame: Frame, out: &mut Out<Self>) {
        if frame.question {
            self.store(frame.entry, out);
            out.send(from, Frame { question: false, entry: self.latest, ..frame });
            return;
        }
        let Some(round) = self.round.as_mut().filter(|round| round.name == frame.round) else { return };
        round.answers.insert(from, frame.entry);
        self.go_on(out);
    }

    fn on_timer(&mut self, _: Tick, out: &mut Out<Self>) {
        self.ticking = false;
        let Some(round) = &mut self.round else { return };
        if std::mem::replace(&mut round.old, true) {
            let missing = out.peers().filter(|peer| !round.answers.contains_key(peer));
            let frame = Frame { round: round.name, question: true, entry: round.entry };
            missing.for_each(|peer| out.send(peer, frame));
        }
        self.tick(out);
    }
}

impl Replica {
    fn collect(&mut self, out: &mut Out<Self>) {
        if let Some(&(id, _)) = self.queue.front() {
            self.begin((id, Step::Collect), None, out);
        }
    }
    fn begin(&mut self, name: (RequestId, Step), entry: Option<Entry>, out: &mut Out<Self>) {
        self.store(entry, out);
        let answers = BTreeMap::from([(out.me(), self.latest)]);
        self.round = Some(Round { name, entry, answers, old: false });
        out.broadcast(Frame { round: name, question: true, entry });
        self.tick(out);
        self.go_on(out);
    }
    fn go_on(&mut self, out: &mut Out<Self>) {
        let Some(round) = &self.round else { return };
        let Some(&(id, request)) = self.queue.front() else { return };
        if round.answers.len() <= self.config.nodes as usize / 2 {
            return;
        }
        let newest = round.answers.values().copied().max().flatten();
        match (round.name.1, request) {
            (Step::Collect, Request::Write { value }) => {
                let count = newest.map_or(0, |(count, ..)| count) + 1;
                self.begin((id, Step::Spread), Some((count, id, Some(value))), out);
            }
            (Step::Collect, Request::Read) if round.answers.values().any(|entry| *entry != newest) => {
                self.begin((id, Step::Spread), newest, out);
            }
            (Step::Collect, Request::Read) => self.finish(id, Response::Value(value_of(newest)), out),
            (Step::Spread, Request::Read) => {
                let value = value_of(round.entry);
                self.finish(id, Response::Value(value), out);
            }
            (Step::Spread, Request::Write { .. }) => self.finish(id, Response::Written, out),
        }
    }
    fn finish(&mut self, id: RequestId, response: Response, out: &mut Out<Self>) {
        out.reply(id, response);
        self.queue.pop_front();
        self.round = None;
        self.collect(out);
    }
    fn store(&mut self, entry: Option<Entry>, out: &mut Out<Self>) {
        let Some(entry) = entry.filter(|entry| Some(*entry) > self.latest) else { return };
        self.latest = Some(entry);
        out.append(ENTRIES, &entry);
        out.sync();
        self.logged += 1;
        if self.logged.is_multiple_of(LONG) {
            out.trim_front(ENTRIES, self.logged - 1);
        }
    }
    fn tick(&mut self, out: &mut Out<Self>) {
        if !std::mem::replace(&mut self.ticking, true) {
            out.set_timer(self.config.resend / 2, Tick::Tick);
        }
    }
}
fn value_of(entry: Option<Entry>) -> Option<Value> {
    entry.and_then(|(.., value)| value)
}
