//! `session` with a position for each key: what was written or read of it. What tokens say is a floor below all keys. One timer looks at
//! all requests that are open, and a device whose nearest replica was too old the last time asks two replicas at once.

use lab::prelude::*;
use lab::session::{self as contract, Config, Event, Key, Message, Position, Request, Response};
use std::collections::BTreeMap;

/// The position that the session has seen of a key.
const SEEN: Table<Key, Position> = Table::new("seen");
/// What the tokens of other devices say of all keys.
const FLOOR: Saved<Position> = Saved::new("floor");

/// Time to look at the requests that are open.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct Look;

pub struct Device {
    config: Config,
    seen: BTreeMap<Key, Position>,
    floor: Position,
    jobs: Vec<Job>,
    looks: bool,
    /// The place of the replica that did the last write.
    leads: usize,
    /// The nearest replica was too old for the last read that it answered.
    near_is_old: bool,
}
struct Job {
    id: RequestId,
    key: Key,
    /// The value, if this is a write.
    value: Option<u64>,
    began: Instant,
    /// When to ask the next replica.
    asks: Instant,
    asked: usize,
    /// The replica that was asked last, if it has not answered yet.
    waits_for: Option<NodeId>,
    /// The place of the replica that is asked first.
    first: usize,
    hint: Option<NodeId>,
    hinted: bool,
}

impl Node for Device {
    type Contract = contract::Device;
    type Message = Message;
    type Timer = Look;

    fn start(boot: Boot<Self>, _out: &mut Out<Self>) -> Self {
        Device {
            seen: boot.disk.table(SEEN),
            floor: boot.disk.load(FLOOR).unwrap_or_default(),
            config: boot.config,
            jobs: Vec::new(),
            looks: false,
            leads: 0,
            near_is_old: false,
        }
    }

    fn on_request(&mut self, id: RequestId, request: Request, out: &mut Out<Self>) {
        let (key, value) = match request {
            Request::Write { key, value } => (key, Some(value)),
            Request::Read { key } => (key, None),
            Request::Handoff { to } => {
                let all = self.seen.values().copied().fold(self.floor, Position::max);
                return out.send(to, Message::Token(all));
            }
        };
        self.jobs.push(Job {
            id,
            key,
            value,
            began: out.now(),
            asks: out.now(),
            asked: 0,
            waits_for: None,
            first: if value.is_some() { self.leads } else { 0 },
            hint: None,
            hinted: false,
        });
        self.look(out);
    }

    fn on_message(&mut self, from: NodeId, message: Message, out: &mut Out<Self>) {
        match message {
            Message::Written { id, at } => {
                let write = self.jobs.iter().position(|job| job.id == id && job.value.is_some());
                let Some(place) = write else { return };
                self.leads = self.place_of(from).unwrap_or(self.leads);
                self.answer(place, at, Response::Written, out);
            }
            Message::Value { id, value, at } => {
                let read = self.jobs.iter().position(|job| job.id == id && job.value.is_none());
                let Some(place) = read else { return };
                let is_old = at < self.need(self.jobs[place].key);
                if self.place_of(from) == Some(0) {
                    self.near_is_old = is_old;
                }
                if is_old {
                    self.jobs[place].asks = self.jobs[place].asks.min(out.now() + self.pause());
                } else {
                    self.answer(place, at, Response::Value(value), out);
                }
            }
            Message::NotLeader { id, leader } => {
                let waits = |job: &&mut Job| job.id == id && job.waits_for == Some(from);
                if let Some(job) = self.jobs.iter_mut().find(waits) {
                    (job.hint, job.asks) = (leader, out.now());
                    self.look(out);
                }
            }
            Message::Token(at) => {
                if at > self.floor {
                    self.floor = at;
                    out.save(FLOOR, &at);
                    out.sync();
                }
                out.emit(Event::Resumed { from });
            }
            _ => {}
        }
    }

    fn on_timer(&mut self, Look: Look, out: &mut Out<Self>) {
        self.looks = false;
        self.look(out);
    }
}

impl Device {
    fn pause(&self) -> Duration {
        self.config.patience / 8
    }
    fn place_of(&self, replica: NodeId) -> Option<usize> {
        self.config.replicas.iter().position(|other| *other == replica)
    }
    /// The position that an answer for this key must have.
    fn need(&self, key: Key) -> Position {
        self.seen.get(&key).copied().unwrap_or_default().max(self.floor)
    }

    fn answer(&mut self, place: usize, at: Position, response: Response, out: &mut Out<Self>) {
        let job = self.jobs.remove(place);
        if at > self.need(job.key) {
            self.seen.insert(job.key, at);
            out.put(SEEN, &job.key, &at);
            out.sync();
        }
        out.reply(job.id, response);
    }

    /// Asks for all whose time it is, and gives up what is too old.
    fn look(&mut self, out: &mut Out<Self>) {
        let now = out.now();
        let Device { config, jobs, near_is_old, .. } = self;
        jobs.retain_mut(|job| {
            if now - job.began >= config.give_up {
                out.reply(job.id, Response::Unavailable);
                return false;
            }
            if job.asks <= now {
                let both = job.asked == 0 && *near_is_old && job.value.is_none();
                for _ in 0..if both { 2 } else { 1 } {
                    let (to, message) = job.next(&config.replicas);
                    out.send(to, message);
                }
                job.asks = now + config.patience;
            }
            true
        });
        if !self.jobs.is_empty() && !self.looks {
            self.looks = true;
            out.set_timer(self.pause(), Look);
        }
    }
}

impl Job {
    /// Whom to ask next, and what. Every second time at most, it is the replica of a hint, so that wrong hints cost half of the tries.
    fn next(&mut self, replicas: &[NodeId]) -> (NodeId, Message) {
        let plain = replicas[(self.first + self.asked) % replicas.len()];
        let hint = self.hint.take().filter(|hint| !self.hinted && replicas.contains(hint));
        self.hinted = hint.is_some();
        let to = hint.unwrap_or(plain);
        self.asked += usize::from(hint.is_none());
        self.waits_for = Some(to);
        let (id, key) = (self.id, self.key);
        let message = match self.value {
            Some(value) => Message::Write { id, key, value },
            None => Message::Read { id, key },
        };
        (to, message)
    }
}
