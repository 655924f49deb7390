//! A second correct solution of `primary_backup` and `failover`, of other structure than the reference.
//!
//! Backups pull: each asks the primary for what follows its last entry, and that question is its acknowledgement (as in Kafka). Each entry has
//! an epoch, and a log that differs is cut back to where it agrees (as in Raft), so no whole state is ever sent. A read takes no place in the
//! log: the primary asks all that could be the next primary whether its epoch is still theirs, and waits until what it shows is safe. Of
//! the view and of what was asked for nothing is saved: a node that starts acknowledges nothing before the service has renewed its view.

use lab::prelude::*;
use lab::primary_backup::{
    self as contract, Acks, Answer, Call, Config, Key, Request, Response, Value, View,
};
use std::collections::{BTreeMap, BTreeSet};

/// What a log is made of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    epoch: u64,
    client: u32,
    seq: u32,
    key: Key,
    value: Value,
}
/// Position 1 is record 0.
const LOG: Log<Record> = Log::new("records");
/// The highest epoch that this node has taken part in. It refuses all lower ones.
const PROMISED: Saved<u64> = Saved::new("promised");
/// So many records go into one message.
const BATCH: usize = 8;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Message {
    /// The primary of this epoch has something new, or wants to hear in this round that its epoch is still the receiver's.
    Lead { epoch: u64, round: u64 },
    /// A backup has entries up to `after`, the last of them of the epoch `last`: what follows? It is sure if it knows that its log is
    /// that of this epoch's primary up to there.
    Pull { epoch: u64, after: u64, last: u64, sure: bool, round: u64 },
    /// The answer: what follows `after`, where the logs agree.
    Follow { epoch: u64, after: u64, records: Vec<Record> },
    /// The logs do not agree at `after`, where the backup has an entry of the epoch `last`. They may agree at `back_to`, and not beyond.
    Differs { epoch: u64, after: u64, last: u64, back_to: u64 },
}
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub enum Alarm {
    Tick,
    Ping,
}

struct Change {
    view: u64,
    in_sync: BTreeSet<NodeId>,
}
/// What the primary knows of a peer in this epoch.
#[derive(Debug, Clone, Copy)]
struct Peer {
    /// It has agreed to everything up to here.
    has: u64,
    /// The newest round that it has answered.
    round: u64,
    /// Since when it owes something.
    owes: Option<Instant>,
    /// Whether its log agreed with this one at its end, once in this epoch: then what follows may be sent without a question.
    agreed: bool,
    /// Up to here everything was sent since the last tick, or acknowledged.
    sent: u64,
}
struct Reader {
    id: RequestId,
    round: u64,
    end: u64,
    values: Vec<Value>,
}

pub struct PrimaryBackup {
    config: Config,
    me: NodeId,
    view: View,
    /// Whether the view was heard of, and renewed if this node is its primary, since this node started.
    fresh: bool,
    change: Option<Change>,
    promised: u64,
    records: Vec<Record>,
    // the primary
    peers: BTreeMap<NodeId, Peer>,
    round: u64,
    writers: Vec<(u64, RequestId)>,
    readers: Vec<Reader>,
    /// Those who asked before this node was sure that it leads.
    early: Vec<(RequestId, Request)>,
    // a backup
    /// Whether the whole log is known to be the primary's, up to its end.
    agrees: bool,
    leader: Option<NodeId>,
}

impl PrimaryBackup {
    fn end(&self) -> u64 {
        self.records.len() as u64
    }
    fn epoch_at(&self, position: u64) -> u64 {
        position.checked_sub(1).and_then(|place| self.records.get(place as usize)).map_or(0, |r| r.epoch)
    }
    fn is_primary(&self) -> bool {
        self.view.primary == self.me && self.view.epoch == self.promised
    }
    fn list(&self, key: &Key) -> Vec<Value> {
        self.records.iter().filter(|r| r.key == *key).map(|r| r.value).collect()
    }
    fn promise(&mut self, epoch: u64, out: &mut Out<Self>) {
        self.promised = epoch;
        out.save(PROMISED, &epoch);
        out.sync();
    }
    fn give_up(&mut self, out: &mut Out<Self>) {
        self.peers.clear();
        let writers = std::mem::take(&mut self.writers).into_iter().map(|(_, id)| id);
        let readers = std::mem::take(&mut self.readers).into_iter().map(|reader| reader.id);
        let early = std::mem::take(&mut self.early).into_iter().map(|(id, _)| id);
        writers.chain(readers).chain(early).for_each(|id| out.reply(id, Response::Unavailable));
    }

    /// All that could be the next primary.
    fn electorate(&self) -> BTreeSet<NodeId> {
        let asked = self.change.iter().filter(|change| change.view == self.view.number);
        asked.flat_map(|change| change.in_sync.iter()).chain(&self.view.in_sync).copied().collect()
    }
    fn safe(&self) -> u64 {
        if !self.fresh {
            return 0;
        }
        let has = |node: &NodeId| self.peers.get(node).map_or(0, |peer| peer.has);
        self.electorate().iter().map(has).min().unwrap_or(u64::MAX).min(self.end())
    }
    fn answer_append(&self, position: u64, id: RequestId, out: &mut Out<Self>) {
        out.reply(id, Response::Appended { epoch: self.promised, position, safe: self.safe() });
    }
    fn settle(&mut self, out: &mut Out<Self>) {
        let Acks::Sync { min } = self.config.acks else { return };
        if !self.fresh || !self.is_primary() || self.view.in_sync.len() < min as usize {
            return;
        }
        let safe = self.safe();
        let electorate = self.electorate();
        let round = electorate
            .iter()
            .map(|node| self.peers.get(node).map_or(0, |peer| peer.round))
            .min()
            .unwrap_or(u64::MAX);
        let (done, waiting) = std::mem::take(&mut self.writers).into_iter().partition(|(at, _)| *at <= safe);
        self.writers = waiting;
        let done: Vec<(u64, RequestId)> = done;
        done.into_iter().for_each(|(position, id)| self.answer_append(position, id, out));
        let (done, waiting): (Vec<Reader>, Vec<Reader>) = std::mem::take(&mut self.readers)
            .into_iter()
            .partition(|reader| reader.end <= safe && reader.round <= round);
        self.readers = waiting;
        done.into_iter().for_each(|reader| out.reply(reader.id, Response::Values(reader.values)));
    }
    fn lead(&self) -> Message {
        Message::Lead { epoch: self.promised, round: self.round }
    }
    fn owing(&mut self, out: &Out<Self>) {
        let (end, round) = (self.end(), self.round);
        for peer in self.peers.values_mut() {
            if peer.has < end || peer.round < round {
                peer.owes.get_or_insert(out.now());
            }
        }
    }

    fn append(&mut self, id: RequestId, record: Record, out: &mut Out<Self>) {
        let known = self.records.iter().rposition(|old| old.client == record.client && old.seq >= record.seq);
        let position = match known {
            Some(place) if self.records[place].seq > record.seq => return,
            Some(place) => place as u64 + 1,
            None => {
                out.append(LOG, &record);
                out.sync();
                self.records.push(record);
                let lead = self.lead();
                let after = self.end() - 1;
                for (node, peer) in &mut self.peers {
                    if peer.agreed {
                        let records = self.records[after as usize..].to_vec();
                        out.send(*node, Message::Follow { epoch: self.promised, after, records });
                        peer.sent = peer.sent.max(after + 1);
                    } else {
                        out.send(*node, lead.clone());
                    }
                }
                self.owing(out);
                self.end()
            }
        };
        match self.config.acks {
            Acks::Async => self.answer_append(position, id, out),
            Acks::Sync { .. } => {
                self.writers.push((position, id));
                self.settle(out);
            }
        }
    }
    fn serve(&mut self, id: RequestId, request: Request, out: &mut Out<Self>) {
        match request {
            Request::Append { client, seq, key, value } => {
                let record = Record { epoch: self.promised, client, seq, key, value };
                self.append(id, record, out);
            }
            Request::Read { key } => {
                let values = self.list(&key);
                if self.config.acks == Acks::Async {
                    out.reply(id, Response::Values(values));
                    return;
                }
                self.round += 1;
                let lead = self.lead();
                self.peers.keys().for_each(|node| out.send(*node, lead.clone()));
                self.owing(out);
                self.readers.push(Reader { id, round: self.round, end: self.end(), values });
                self.settle(out);
            }
            Request::Audit => {}
        }
    }

    /// A new view, or this node has just started.
    fn enter(&mut self, out: &mut Out<Self>) {
        if self.view.primary == self.me && self.view.epoch > self.promised {
            self.give_up(out);
            self.promise(self.view.epoch, out);
        }
        if !self.is_primary() {
            self.give_up(out);
            return;
        }
        self.leader = None;
        for node in out.peers() {
            self.peers.entry(node).or_insert(Peer {
                has: 0,
                round: 0,
                owes: Some(out.now()),
                agreed: false,
                sent: 0,
            });
        }
        let lead = self.lead();
        out.broadcast(lead);
        self.settle(out);
    }
    fn ask(&mut self, in_sync: BTreeSet<NodeId>, out: &mut Out<Self>) {
        out.call(Call::InSync { view: self.view.number, in_sync: in_sync.clone() });
        self.change = Some(Change { view: self.view.number, in_sync });
    }

    /// What this backup has, and a question for more.
    fn pull(&self, to: NodeId, round: u64, out: &mut Out<Self>) {
        let after = self.end();
        let last = self.epoch_at(after);
        out.send(to, Message::Pull { epoch: self.promised, after, last, sure: self.agrees, round });
    }
    /// Whether a message of a primary of this epoch is to be heeded.
    fn heeds(&mut self, from: NodeId, epoch: u64, out: &mut Out<Self>) -> bool {
        if epoch < self.promised || (epoch == self.promised && self.is_primary()) {
            return false;
        }
        if epoch > self.promised {
            self.promise(epoch, out);
            self.agrees = false;
            self.give_up(out);
        }
        if self.leader != Some(from) {
            self.leader = Some(from);
        }
        true
    }
}

impl Node for PrimaryBackup {
    type Contract = contract::PrimaryBackup;
    type Message = Message;
    type Timer = Alarm;

    fn start(boot: Boot<Self>, out: &mut Out<Self>) -> Self {
        let records: Vec<Record> = boot.disk.log(LOG).map_while(Result::ok).collect();
        let promised = boot.disk.load(PROMISED).unwrap_or(boot.config.first.epoch);
        out.set_timer(boot.config.resend, Alarm::Tick);
        // at its very first start, a node knows the view that is in force
        let is_new = boot.disk.load(PROMISED).is_none();
        if is_new {
            out.save(PROMISED, &promised);
            out.sync();
        }
        let mut node = PrimaryBackup {
            view: boot.config.first.clone(),
            fresh: is_new,
            change: None,
            promised,
            records,
            peers: BTreeMap::new(),
            round: 0,
            writers: Vec::new(),
            readers: Vec::new(),
            early: Vec::new(),
            agrees: false,
            leader: None,
            me: boot.me,
            config: boot.config,
        };
        if node.fresh {
            node.enter(out);
            out.set_timer(node.config.ping, Alarm::Ping);
        } else {
            // rounds of an earlier life are answered no more
            node.round = out.random(1..u64::MAX / 4);
            out.set_timer(soon(), Alarm::Ping);
        }
        node
    }

    fn on_request(&mut self, id: RequestId, request: Request, out: &mut Out<Self>) {
        if request == Request::Audit {
            let mut lists = BTreeMap::<Key, Vec<Value>>::new();
            for record in &self.records {
                lists.entry(record.key.clone()).or_default().push(record.value);
            }
            out.reply(id, Response::Audit(lists));
        } else if self.is_primary() && self.fresh {
            self.serve(id, request, out);
        } else if self.view.primary == self.me && self.view.epoch >= self.promised {
            self.early.push((id, request));
        } else {
            let hint = Some(self.view.primary).filter(|primary| *primary != self.me);
            out.reply(id, Response::NotPrimary { hint });
        }
    }

    fn on_message(&mut self, from: NodeId, message: Message, out: &mut Out<Self>) {
        match message {
            Message::Lead { epoch, round } => {
                if self.heeds(from, epoch, out) {
                    self.pull(from, round, out);
                }
            }
            Message::Pull { epoch, after, last, sure, round } => {
                if epoch != self.promised || !self.is_primary() {
                    return;
                }
                let Some(peer) = self.peers.get_mut(&from) else { return };
                // an answer to a round of a former life has another number
                if round <= self.round {
                    peer.round = peer.round.max(round);
                }
                let end = self.records.len() as u64;
                let agrees = after <= end && self.epoch_at(after) == last;
                let Some(peer) = self.peers.get_mut(&from) else { return };
                if !sure && !agrees {
                    let back_to =
                        (0..after.min(end)).rev().find(|at| self.epoch_at(*at) <= last).unwrap_or(0);
                    out.send(from, Message::Differs { epoch, after, last, back_to });
                    self.settle(out);
                    return;
                }
                let before = peer.has;
                peer.has = peer.has.max(after.min(end));
                if peer.has == end && peer.round == self.round {
                    peer.owes = None;
                } else if peer.has > before {
                    peer.owes = Some(out.now());
                }
                peer.agreed = true;
                // a question about what is on its way already needs no answer; what was lost is sent after the next tick
                if !sure || (after < end && after >= peer.sent) {
                    let records: Vec<Record> =
                        self.records.iter().skip(after as usize).take(BATCH).cloned().collect();
                    peer.sent = peer.sent.max(after + records.len() as u64);
                    out.send(from, Message::Follow { epoch, after, records });
                }
                self.settle(out);
            }
            Message::Follow { epoch, after, records } => {
                if !self.heeds(from, epoch, out) {
                    return;
                }
                // what follows a place at which the logs agree is the primary's; at the end of this log they agreed when it asked, or
                // they have agreed since
                let mine = self.end();
                if after > mine || (!self.agrees && after != mine) {
                    self.pull(from, 0, out);
                    return;
                }
                self.agrees = true;
                let news: Vec<Record> = records.into_iter().skip((mine - after) as usize).collect();
                if !news.is_empty() {
                    news.iter().for_each(|record| out.append(LOG, record));
                    out.sync();
                    self.records.extend(news);
                }
                self.pull(from, 0, out);
            }
            Message::Differs { epoch, after, last, back_to } => {
                if self.heeds(from, epoch, out)
                    && !self.agrees
                    && (after, last) == (self.end(), self.epoch_at(after))
                    && back_to < after
                {
                    out.truncate(LOG, back_to);
                    out.sync();
                    self.records.truncate(back_to as usize);
                    self.pull(from, 0, out);
                }
            }
        }
    }

    fn on_timer(&mut self, timer: Alarm, out: &mut Out<Self>) {
        match timer {
            Alarm::Tick => {
                out.set_timer(self.config.resend, Alarm::Tick);
                if self.is_primary() {
                    let lead = self.lead();
                    for (node, peer) in self.peers.iter_mut().filter(|(_, peer)| peer.owes.is_some()) {
                        peer.sent = peer.has;
                        out.send(*node, lead.clone());
                    }
                }
            }
            Alarm::Ping => {
                out.set_timer(self.config.ping, Alarm::Ping);
                if let Some(change) = self.change.as_ref().filter(|change| change.view == self.view.number) {
                    out.call(Call::InSync { view: change.view, in_sync: change.in_sync.clone() });
                    return;
                }
                if self.is_primary() && self.fresh {
                    let wanted = |node: &NodeId| {
                        self.peers.get(node).is_some_and(|peer| match peer.owes {
                            None => true,
                            Some(since) => {
                                self.view.in_sync.contains(node) && out.now() - since < self.config.lag
                            }
                        })
                    };
                    let wanted: BTreeSet<NodeId> = out.peers().filter(wanted).collect();
                    if wanted != self.view.in_sync {
                        self.ask(wanted, out);
                        return;
                    }
                }
                out.call(Call::Ping);
            }
        }
    }

    fn on_answer(&mut self, _: CallId, Answer::View(view): Answer, out: &mut Out<Self>) {
        let is_news = view.number > self.view.number;
        if is_news {
            self.view = view;
        } else if view.number < self.view.number {
            return;
        }
        if !self.fresh {
            // This view may be an old one, and what this node asked for in its former life may still be under way: it names the view that
            // was in force then. So the view is renewed, and the number that follows is heard of.
            let mine = self.view.primary == self.me && self.view.epoch >= self.promised;
            match &self.change {
                None if mine => {
                    let in_sync = self.view.in_sync.clone();
                    self.ask(in_sync, out);
                    return;
                }
                Some(change) if mine && self.view.number <= change.view => return,
                Some(change) if mine && self.view.in_sync != change.in_sync => {
                    self.change = None;
                    let in_sync = self.view.in_sync.clone();
                    self.ask(in_sync, out);
                    return;
                }
                _ => {}
            }
            self.fresh = true;
            self.change = None;
            self.enter(out);
            for (id, request) in std::mem::take(&mut self.early) {
                self.on_request(id, request, out);
            }
            return;
        }
        if is_news {
            self.change = None;
            self.enter(out);
        }
    }
}
/// A moment after the start.
fn soon() -> Duration {
    Duration::from_millis(1)
}
