//! The replicas of the store, which the suite plays: a leader, and followers that apply what they get some time later.
//!
//! The leader does a write when its successor has it: so whatever an answer names outlives the next change of the leader. Who leads when
//! is written down, and all replicas know it. Replicas lose nothing that they say to each other, unless they crash, which is for good.

use lab::prelude::*;
use lab::session::{Key, Position, Value};
use lab::{Contract, Role};
use std::collections::{BTreeMap, BTreeSet};
use world::NodeSpec;

/// In the last moment before a change nobody leads: what was sent before is there when the next leader begins.
const HANDOVER: Duration = Duration::from_millis(10);

/// How a replica behaves.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Habits {
    /// All replicas.
    pub(super) replicas: Vec<NodeId>,
    /// Who leads from which time on. The first one begins at zero.
    pub(super) leads: Vec<(Duration, NodeId)>,
    /// From which time on, how long this one waits until it applies what it has got.
    pub(super) lags: Vec<(Duration, Duration)>,
    /// What it says to a write that is not for it.
    pub(super) hints: Hints,
    /// How much a position is larger than the one before it.
    pub(super) step: u64,
}
/// What a replica says of the leader.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Hints {
    #[default]
    Right,
    Nobody,
    /// Another replica that does not lead either.
    Wrong,
}
impl Habits {
    /// Who takes writes at this time.
    fn leader(&self, now: Duration) -> Option<NodeId> {
        let ends = self.leads.iter().map(|(from, _)| *from).find(|from| *from > now);
        let (_, leader) = self.leads.iter().rfind(|(from, _)| *from <= now)?;
        ends.is_none_or(|ends| now + HANDOVER < ends).then_some(*leader)
    }
    /// Who leads next, if that is planned.
    fn successor(&self, now: Duration) -> Option<NodeId> {
        self.leads.iter().find(|(from, _)| *from > now).map(|(_, next)| *next)
    }
    fn lag(&self, now: Duration) -> Duration {
        self.lags.iter().rfind(|(from, _)| *from <= now).map_or(Duration::ZERO, |(_, lag)| *lag)
    }
}

/// The replica of this name, with these habits.
pub(super) fn replica(id: NodeId, habits: &Habits) -> NodeSpec {
    NodeSpec::puppet::<Storing>(id, habits, Role::node::<Replica>).named("replica")
}

/// What the suite knows of a replica.
pub(super) enum Storing {}
impl Contract for Storing {
    const ROLE: &'static str = "session/replica";
    type Config = Habits;
    type Request = Another;
    type Response = Nothing;
    type Event = Did;
    type Status = ();
    type Call = Nothing;
    type Answer = Nothing;
}

/// Another user writes.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(super) enum Another {
    Write { key: Key, value: Value },
}

/// What a replica does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Did {
    /// It applied a write.
    Applied { key: Key, value: Value, at: Position },
    /// It leads from now on.
    Leads,
}

/// What replicas say: the messages of the contract as they are, and after them what replicas say to each other.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) enum Said {
    Write {
        id: RequestId,
        key: Key,
        value: Value,
    },
    Written {
        id: RequestId,
        at: Position,
    },
    Read {
        id: RequestId,
        key: Key,
    },
    Value {
        id: RequestId,
        value: Option<Value>,
        at: Position,
    },
    NotLeader {
        id: RequestId,
        leader: Option<NodeId>,
    },
    Token(Position),
    Extension(Vec<u8>),
    /// These writes follow one another in the log.
    Entries(Vec<Entry>),
    /// The log has so many of them.
    Has(u64),
    /// Another user's write, to the leader.
    Pass {
        id: RequestId,
        key: Key,
        value: Value,
    },
}

/// A write in the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Entry {
    /// Its place in the log, from 0.
    place: u64,
    at: Position,
    id: RequestId,
    key: Key,
    value: Value,
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
enum Alarm {
    /// The first entry that is not applied is due.
    Apply,
    Lead,
}

struct Replica {
    me: NodeId,
    habits: Habits,
    opened: Instant,
    /// Each entry, and when it is due to be applied.
    log: Vec<(Entry, Duration)>,
    /// Entries that have overtaken others.
    early: BTreeMap<u64, Entry>,
    applied: usize,
    copy: BTreeMap<Key, Value>,
    /// Of each id that is in the log: its place.
    ids: BTreeMap<RequestId, usize>,
    /// Who wants to know when a write is done.
    asking: BTreeMap<RequestId, BTreeSet<NodeId>>,
}

impl Node for Replica {
    type Contract = Storing;
    type Message = Said;
    type Timer = Alarm;

    fn start(boot: Boot<Self>, out: &mut Out<Self>) -> Self {
        for (from, leader) in &boot.config.leads {
            if *leader == boot.me {
                out.set_timer(*from, Alarm::Lead);
            }
        }
        Replica {
            me: boot.me,
            habits: boot.config,
            opened: out.now(),
            log: Vec::new(),
            early: BTreeMap::new(),
            applied: 0,
            copy: BTreeMap::new(),
            ids: BTreeMap::new(),
            asking: BTreeMap::new(),
        }
    }

    fn on_request(&mut self, id: RequestId, request: Another, out: &mut Out<Self>) {
        let Another::Write { key, value } = request;
        match self.habits.leader(self.now(out)) {
            Some(leader) if leader == self.me => self.take(id, key, value, out),
            Some(leader) => out.send(leader, Said::Pass { id, key, value }),
            None => {}
        }
    }

    fn on_message(&mut self, from: NodeId, said: Said, out: &mut Out<Self>) {
        match said {
            Said::Write { id, key, value } => self.write(from, (id, key, value), out),
            Said::Read { id, key } => {
                let (value, at) = (self.copy.get(&key).copied(), self.at());
                out.send(from, Said::Value { id, value, at });
            }
            // what only replicas say to each other
            _ if !self.habits.replicas.contains(&from) => {}
            Said::Entries(entries) => self.learn(from, entries, out),
            Said::Has(entries) if self.habits.successor(self.now(out)) == Some(from) => {
                self.commit(usize::try_from(entries).unwrap_or(usize::MAX), out);
            }
            Said::Pass { id, key, value } if self.habits.leader(self.now(out)) == Some(self.me) => {
                self.take(id, key, value, out);
            }
            _ => {}
        }
    }

    fn on_timer(&mut self, alarm: Alarm, out: &mut Out<Self>) {
        match alarm {
            Alarm::Apply => self.apply_due(out),
            Alarm::Lead => {
                while self.applied < self.log.len() {
                    self.apply(out);
                }
                self.tell_others(self.log.iter().map(|(entry, _)| *entry).collect(), out);
                out.emit(Did::Leads);
            }
        }
    }
}

impl Replica {
    fn now(&self, out: &Out<Self>) -> Duration {
        out.now() - self.opened
    }
    /// The position of the last write that it has applied.
    fn at(&self) -> Position {
        self.applied.checked_sub(1).map_or(Position::default(), |last| self.log[last].0.at)
    }
    fn tell_others(&self, entries: Vec<Entry>, out: &mut Out<Self>) {
        if entries.is_empty() {
            return;
        }
        for other in self.habits.replicas.iter().filter(|other| **other != self.me) {
            out.send(*other, Said::Entries(entries.clone()));
        }
    }

    /// A device writes.
    fn write(&mut self, from: NodeId, (id, key, value): (RequestId, Key, Value), out: &mut Out<Self>) {
        let now = self.now(out);
        if self.habits.leader(now) != Some(self.me) {
            let right = self.habits.leader(now);
            let leader = match self.habits.hints {
                Hints::Right => right,
                Hints::Nobody => None,
                Hints::Wrong => {
                    let mut others = self.habits.replicas.iter().filter(|other| **other != self.me);
                    others.find(|other| Some(**other) != right).copied()
                }
            };
            return out.send(from, Said::NotLeader { id, leader });
        }
        match self.ids.get(&id) {
            Some(place) if *place < self.applied => {
                out.send(from, Said::Written { id, at: self.log[*place].0.at });
            }
            _ => {
                self.asking.entry(id).or_default().insert(from);
                self.take(id, key, value, out);
            }
        }
    }
    /// The leader puts a write at the end of its log.
    fn take(&mut self, id: RequestId, key: Key, value: Value, out: &mut Out<Self>) {
        if self.ids.contains_key(&id) {
            return;
        }
        let last = self.log.last().map_or(0, |(entry, _)| entry.at.0);
        let place = self.log.len();
        let entry = Entry { place: place as u64, at: Position(last + self.habits.step), id, key, value };
        self.ids.insert(id, place);
        self.log.push((entry, Duration::MAX));
        match self.habits.successor(self.now(out)) {
            Some(next) => out.send(next, Said::Entries(vec![entry])),
            None => self.commit(place + 1, out),
        }
    }
    /// The leader knows that its first so many entries cannot be lost.
    fn commit(&mut self, entries: usize, out: &mut Out<Self>) {
        let first = self.applied;
        while self.applied < entries.min(self.log.len()) {
            self.apply(out);
        }
        let new: Vec<Entry> = self.log[first..self.applied].iter().map(|(entry, _)| *entry).collect();
        self.tell_others(new.clone(), out);
        for Entry { id, at, .. } in new {
            for from in self.asking.remove(&id).unwrap_or_default() {
                out.send(from, Said::Written { id, at });
            }
        }
    }
    /// A follower gets entries.
    fn learn(&mut self, from: NodeId, entries: Vec<Entry>, out: &mut Out<Self>) {
        let now = self.now(out);
        let due = now + self.habits.lag(now);
        self.early.extend(entries.into_iter().map(|entry| (entry.place, entry)));
        while let Some((place, entry)) = self.early.pop_first() {
            let at = usize::try_from(place).unwrap_or(usize::MAX);
            if at > self.log.len() {
                self.early.insert(place, entry);
                break;
            }
            // what it has not applied, a newer leader may have in another order
            if self.log.get(at).is_some_and(|(known, _)| *known != entry) && at >= self.applied {
                for (Entry { id, .. }, _) in self.log.drain(at..) {
                    self.ids.remove(&id);
                }
            }
            match self.log.get_mut(at) {
                // its own, from the time in which it led
                Some((_, old)) if *old == Duration::MAX => *old = due,
                Some(_) => {}
                None => {
                    self.ids.insert(entry.id, at);
                    self.log.push((entry, due));
                }
            }
        }
        out.send(from, Said::Has(self.log.len() as u64));
        self.apply_due(out);
    }
    /// A follower applies what is due.
    fn apply_due(&mut self, out: &mut Out<Self>) {
        let now = self.now(out);
        while self.log.get(self.applied).is_some_and(|(_, due)| *due <= now) {
            self.apply(out);
        }
        if let Some((_, due)) = self.log.get(self.applied).filter(|(_, due)| *due != Duration::MAX) {
            out.set_timer(*due - now, Alarm::Apply);
        }
    }
    fn apply(&mut self, out: &mut Out<Self>) {
        let Entry { key, value, at, .. } = self.log[self.applied].0;
        self.applied += 1;
        self.copy.insert(key, value);
        out.emit(Did::Applied { key, value, at });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lab::session::Message;

    #[test]
    fn replicas_say_the_messages_of_the_contract() {
        let (id, key, value, at) = (RequestId(300), Key(2), 7, Position(9));
        let leader = Some(NodeId(4));
        let pairs = [
            (Message::Write { id, key, value }, Said::Write { id, key, value }),
            (Message::Written { id, at }, Said::Written { id, at }),
            (Message::Read { id, key }, Said::Read { id, key }),
            (Message::Value { id, value: Some(7), at }, Said::Value { id, value: Some(7), at }),
            (Message::NotLeader { id, leader }, Said::NotLeader { id, leader }),
            (Message::Token(at), Said::Token(at)),
            (Message::Extension(vec![1]), Said::Extension(vec![1])),
        ];
        for (message, said) in pairs {
            assert_eq!(lab::frame::encode(&message), lab::frame::encode(&said));
        }
    }
}
