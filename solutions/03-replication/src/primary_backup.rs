//! Exercises `primary_backup` and `failover`: one primary, its backups, and what an acknowledgement says.
//!
//! Alsberg and Day, *A Principle for Resilient Sharing of Distributed Resources*, 1976; Lin, Yang, Zhang and Zhou, *PacificA: Replication in
//! Log-Based Distributed Storage Systems*, 2008.
//!
//! Write the node [`PrimaryBackup`], in two steps. Each step is graded by itself:
//!
//! 1. `faultlines grade 3/primary_backup`: the primary is the same node for ever.
//! 2. `faultlines grade 3/failover`: the view service makes another node the primary, and the set of in-sync backups changes.
//!
//! Code that belongs to step 2 says so, and its default is good enough until you get there. The code that talks to the view service is
//! there already. Try your code with `cargo test primary_backup` and `failover`.
// BEGIN SOLUTION
// STUB: #![expect(unused, reason = "delete this line when every todo!() below is gone")]
// END SOLUTION

use lab::prelude::*;
use lab::primary_backup::{
    self as contract, Acks, Answer, Call, Config, Key, Request, Response, Value, View,
};
use std::collections::{BTreeMap, BTreeSet};

/// The entries, in the primary's order. The entry at position 1 is record 0.
const LOG: Log<Entry> = Log::new("log");
/// The epoch of the primary whose order `LOG` has (step 2).
const EPOCH: Saved<u64> = Saved::new("epoch");
/// The newest view that this node has heard of (step 2).
const VIEW: Saved<View> = Saved::new("view");
/// The change that this node has asked the view service for (step 2).
const ASKED: Saved<Asked> = Saved::new("asked");

/// So many entries go into one message to a backup that lacks more.
const CHUNK: usize = 64;

/// One entry of the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Entry {
    /// A client's append.
    Append { client: u32, seq: u32, key: Key, value: Value },
    /// A read: it changes nothing, and it is answered as an append is, when the in-sync backups have it.
    Read,
}

/// A change of the in-sync set that the view service was asked for: [`Call::InSync`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asked {
    view: u64,
    in_sync: BTreeSet<NodeId>,
}

/// What the nodes send each other. Yours to change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Message {
    /// The primary of this epoch sends the entries that follow position `after`; perhaps none, to hear which ones the backup has.
    Entries { epoch: u64, after: u64, entries: Vec<Entry> },
    /// The answer, always: the sender's copy is of this epoch, and its log is durable up to this position.
    Have { epoch: u64, position: u64 },
    /// Step 2. The primary of this epoch sends its whole log to a node whose copy is of an older epoch.
    State { epoch: u64, log: Vec<Entry> },
}

/// The names of this node's timers. Yours to change.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub enum Alarm {
    /// Send again what backups may lack.
    Resend,
    /// Call the view service.
    Ping,
}

/// A client that waits for a position.
#[derive(Debug, Clone)]
enum Waiting {
    /// It asked for an append.
    Append,
    /// It asked for a list. This is what the list was at the read's position.
    Read(Vec<Value>),
}

/// A node that has a copy of all lists. One of them is the primary.
pub struct PrimaryBackup {
    config: Config,
    me: NodeId,
    /// The newest view that this node has heard of. In step 1 its primary and its in-sync set never change.
    view: View,
    /// The change that this node has asked for under this view, if any (step 2).
    asked: Option<Asked>,
    /// The epoch of the primary whose order `log` has.
    epoch: u64,
    /// Survives crashes. The entry at position 1 is `log[0]`.
    log: Vec<Entry>,
    /// What the log amounts to: the list of every key,
    lists: BTreeMap<Key, Vec<Value>>,
    /// and the last append of every client: its `seq` and its position.
    last: BTreeMap<u32, (u32, u64)>,
    /// If this node is the primary: the positions up to which peers have acknowledged the log in this epoch, since this node started.
    have: BTreeMap<NodeId, u64>,
    /// If this node is the primary: peers that are not known to have the whole log, and since when their position has not moved.
    behind: BTreeMap<NodeId, Instant>,
    /// If this node is the primary: peers that were sent the state since the last resend (step 2).
    state_sent: BTreeSet<NodeId>,
    /// Clients that wait for a position.
    waiting: BTreeMap<u64, Vec<(RequestId, Waiting)>>,
}

impl Node for PrimaryBackup {
    type Contract = contract::PrimaryBackup;
    type Message = Message;
    type Timer = Alarm;

    /// What does the disk still have? The last record of a log may be torn. The records before it are whole.
    fn start(boot: Boot<Self>, out: &mut Out<Self>) -> Self {
        out.set_timer(boot.config.resend, Alarm::Resend);
        out.set_timer(boot.config.ping, Alarm::Ping);
        let view = boot.disk.load(VIEW).unwrap_or_else(|| boot.config.first.clone());
        let asked = boot.disk.load(ASKED);
        // BEGIN SOLUTION
        let mut node = PrimaryBackup {
            me: boot.me,
            view,
            asked,
            epoch: boot.disk.load(EPOCH).unwrap_or(boot.config.first.epoch),
            config: boot.config,
            log: Vec::new(),
            lists: BTreeMap::new(),
            last: BTreeMap::new(),
            have: BTreeMap::new(),
            behind: BTreeMap::new(),
            state_sent: BTreeSet::new(),
            waiting: BTreeMap::new(),
        };
        for entry in boot.disk.log(LOG).map_while(Result::ok) {
            node.apply(entry);
        }
        node.enter_view(out);
        node
        // STUB: todo!("the view above, and the copy that the log amounts to; who has what is not known yet")
        // END SOLUTION
    }

    /// Entries for this node, or another node's acknowledgement. A message may be late, a duplicate, or out of order.
    fn on_message(&mut self, from: NodeId, message: Message, out: &mut Out<Self>) {
        match message {
            Message::Entries { epoch, after, entries } => self.take_entries(from, epoch, after, entries, out),
            Message::Have { epoch, position } => self.note_have(from, epoch, position, out),
            Message::State { epoch, log } => self.take_state(from, epoch, log, out),
        }
    }

    fn on_request(&mut self, id: RequestId, request: Request, out: &mut Out<Self>) {
        match request {
            Request::Audit => out.reply(id, Response::Audit(self.lists.clone())),
            _ if !self.leads() => {
                let hint = Some(self.view.primary).filter(|primary| *primary != self.me);
                out.reply(id, Response::NotPrimary { hint });
            }
            Request::Append { client, seq, key, value } => {
                self.serve_append(id, client, seq, key, value, out);
            }
            Request::Read { key } => self.serve_read(id, &key, out),
        }
    }

    fn on_timer(&mut self, timer: Alarm, out: &mut Out<Self>) {
        match timer {
            Alarm::Resend => {
                out.set_timer(self.config.resend, Alarm::Resend);
                self.state_sent.clear();
                if self.leads() {
                    self.send_missing(out);
                }
            }
            Alarm::Ping => {
                out.set_timer(self.config.ping, Alarm::Ping);
                match self.asked.clone() {
                    // one change at a time: the same call again, until the view moves
                    Some(Asked { view, in_sync }) => _ = out.call(Call::InSync { view, in_sync }),
                    None if self.leads() && self.change_in_sync(out) => {}
                    None => _ = out.call(Call::Ping),
                }
            }
        }
    }

    fn on_answer(&mut self, _: CallId, Answer::View(view): Answer, out: &mut Out<Self>) {
        // an answer may be old when it arrives
        if view.number > self.view.number {
            out.atomic(|all| {
                all.save(VIEW, &view);
                all.clear(ASKED);
            });
            // a view must be durable before this node acts on it
            out.sync();
            self.view = view;
            self.asked = None;
            self.enter_view(out);
        }
    }
}

/// Step 1: one order, and what an acknowledgement says.
impl PrimaryBackup {
    /// Whether this node is the primary of the newest view that it knows, and its copy is of that view's epoch.
    fn leads(&self) -> bool {
        self.view.primary == self.me && self.view.epoch == self.epoch
    }
    /// The position of the last entry. Positions start at 1.
    fn position(&self) -> u64 {
        self.log.len() as u64
    }

    /// Adds an entry to the copy in memory.
    fn apply(&mut self, entry: Entry) {
        // BEGIN SOLUTION
        let position = self.position() + 1;
        if let Entry::Append { client, seq, key, value } = &entry {
            self.lists.entry(key.clone()).or_default().push(*value);
            self.last.insert(*client, (*seq, position));
        }
        self.log.push(entry);
        // STUB: todo!("what does an append change? What does a later retry of it need?")
        // END SOLUTION
    }

    /// A client asks this node, the primary, for an append, for the first time or again.
    fn serve_append(
        &mut self,
        id: RequestId,
        client: u32,
        seq: u32,
        key: Key,
        value: Value,
        out: &mut Out<Self>,
    ) {
        // BEGIN SOLUTION
        let known = self.last.get(&client).copied();
        let position = match known {
            Some((last, _)) if last > seq => return, // the client has gone on: nobody waits for this
            Some((last, position)) if last == seq => position,
            _ => self.append(Entry::Append { client, seq, key, value }, out),
        };
        self.wait(position, id, Waiting::Append, out);
        // STUB: todo!("a retry takes effect once; the client waits for the position of its append")
        // END SOLUTION
    }

    /// A client asks this node, the primary, for a list.
    fn serve_read(&mut self, id: RequestId, key: &Key, out: &mut Out<Self>) {
        // BEGIN SOLUTION
        // as late as this position, the list may show more than every in-sync backup has
        let values = self.lists.get(key).cloned().unwrap_or_default();
        let position = self.append(Entry::Read, out);
        self.wait(position, id, Waiting::Read(values), out);
        // STUB: todo!("which list may be shown, and from when on?")
        // END SOLUTION
    }

    /// The primary appends an entry to its own log and sends it to every peer. Returns its position.
    fn append(&mut self, entry: Entry, out: &mut Out<Self>) -> u64 {
        // BEGIN SOLUTION
        let after = self.position();
        out.append(LOG, &entry);
        // a position that others know is never given to another entry, so it must survive a crash
        out.sync();
        out.broadcast(Message::Entries { epoch: self.epoch, after, entries: vec![entry.clone()] });
        self.apply(entry);
        for peer in out.peers() {
            self.behind.entry(peer).or_insert(out.now());
        }
        self.position()
        // STUB: todo!("durable here first; then to all peers, in sync or not")
        // END SOLUTION
    }

    /// A client waits for a position. In Async mode it waits for nothing but this node's own disk.
    fn wait(&mut self, position: u64, id: RequestId, what: Waiting, out: &mut Out<Self>) {
        // BEGIN SOLUTION
        match self.config.acks {
            Acks::Async => self.answer(position, id, what, out),
            Acks::Sync { .. } => {
                self.waiting.entry(position).or_default().push((id, what));
                self.look(out);
            }
        }
        // STUB: todo!("now, or when it is safe?")
        // END SOLUTION
    }
    fn answer(&mut self, position: u64, id: RequestId, what: Waiting, out: &mut Out<Self>) {
        let response = match what {
            Waiting::Append => Response::Appended { epoch: self.epoch, position, safe: self.safe() },
            Waiting::Read(values) => Response::Values(values),
        };
        out.reply(id, response);
    }

    /// Entries arrive. Answers with what this node has, whatever it could do with them.
    fn take_entries(
        &mut self,
        from: NodeId,
        epoch: u64,
        after: u64,
        entries: Vec<Entry>,
        out: &mut Out<Self>,
    ) {
        // BEGIN SOLUTION
        if epoch < self.epoch {
            return; // of a primary that is none any more
        }
        let mine = self.position();
        if epoch == self.epoch && after <= mine {
            let known = usize::try_from(mine - after).unwrap_or(usize::MAX);
            let news: Vec<Entry> = entries.into_iter().skip(known).collect();
            news.iter().for_each(|entry| out.append(LOG, entry));
            if !news.is_empty() {
                out.sync();
            }
            news.into_iter().for_each(|entry| self.apply(entry));
        }
        out.send(from, Message::Have { epoch: self.epoch, position: self.position() });
        // STUB: todo!("known ones, the next ones, or ones after a gap? And what is sent after which sync?")
        // END SOLUTION
    }

    /// A peer tells how much it has.
    fn note_have(&mut self, from: NodeId, epoch: u64, position: u64, out: &mut Out<Self>) {
        // BEGIN SOLUTION
        if !self.leads() {
            return;
        }
        if epoch < self.epoch {
            self.send_state(from, out);
            return;
        }
        if epoch > self.epoch {
            return;
        }
        let before = self.have.get(&from).copied();
        let now = before.unwrap_or(0).max(position);
        self.have.insert(from, now);
        if now >= self.position() {
            self.behind.remove(&from);
        } else if before != Some(now) {
            self.behind.insert(from, out.now());
        }
        self.look(out);
        // STUB: todo!("acknowledgements overtake each other and arrive twice; which clients wait no longer?")
        // END SOLUTION
    }

    /// Every append at or below this position is durable on every backup that could be the next primary.
    fn safe(&self) -> u64 {
        // BEGIN SOLUTION
        let have = |backup: &NodeId| self.have.get(backup).copied().unwrap_or(0);
        self.must_have().iter().map(have).min().unwrap_or(u64::MAX).min(self.position())
        // STUB: todo!("what does the slowest of them have? And if there is none?")
        // END SOLUTION
    }

    /// Answers, in Sync mode, the clients that need to wait no longer.
    fn look(&mut self, out: &mut Out<Self>) {
        // BEGIN SOLUTION
        let Acks::Sync { min } = self.config.acks else { return };
        if self.view.in_sync.len() < min as usize {
            return;
        }
        let still_waiting = self.waiting.split_off(&(self.safe() + 1));
        for (position, clients) in std::mem::replace(&mut self.waiting, still_waiting) {
            for (id, what) in clients {
                self.answer(position, id, what, out);
            }
        }
        // STUB: todo!("which positions are safe, and are enough backups in sync?")
        // END SOLUTION
    }

    /// Sends each peer what it may lack, or asks it what it has.
    fn send_missing(&mut self, out: &mut Out<Self>) {
        // BEGIN SOLUTION
        for peer in out.peers() {
            let (after, entries) = match self.have.get(&peer) {
                None => (self.position(), Vec::new()),
                Some(have) if *have >= self.position() => continue,
                Some(have) => (*have, self.log.iter().skip(*have as usize).take(CHUNK).cloned().collect()),
            };
            out.send(peer, Message::Entries { epoch: self.epoch, after, entries });
        }
        // STUB: todo!("what follows the position that it has; and if nothing was heard of it since the start?")
        // END SOLUTION
    }
}

/// Step 2: other primaries, and other sets of in-sync backups. In step 1 there is nothing to do here.
impl PrimaryBackup {
    /// The backups that must have an entry before it is acknowledged: all that could be the next primary. These are the in-sync backups of
    /// the view that this node knows, and those that it has asked for and not heard about.
    fn must_have(&self) -> BTreeSet<NodeId> {
        let asked = self.asked.iter().filter(|asked| asked.view == self.view.number);
        asked.flat_map(|asked| &asked.in_sync).chain(&self.view.in_sync).copied().collect()
    }

    /// Asks the view service for another in-sync set. What was asked for must be durable before the service can know it.
    fn ask_for(&mut self, in_sync: BTreeSet<NodeId>, out: &mut Out<Self>) {
        let asked = Asked { view: self.view.number, in_sync };
        out.save(ASKED, &asked);
        out.sync();
        out.call(Call::InSync { view: asked.view, in_sync: asked.in_sync.clone() });
        self.asked = Some(asked);
    }

    /// This node is the primary, and no change is under way. Asks for another set with `ask_for`, if another set is due, and returns
    /// whether it has asked.
    fn change_in_sync(&mut self, out: &mut Out<Self>) -> bool {
        // BEGIN SOLUTION
        let in_sync = |peer: &NodeId| match self.behind.get(peer) {
            None => true,
            Some(since) => self.view.in_sync.contains(peer) && out.now() - *since < self.config.lag,
        };
        let wanted: BTreeSet<NodeId> = out.peers().filter(in_sync).collect();
        let differs = wanted != self.view.in_sync;
        if differs {
            self.ask_for(wanted, out);
        }
        differs
        // STUB: false // good enough for step 1
        // END SOLUTION
    }

    /// The view is new here: this node has just heard of it, or has just started. The view is durable.
    fn enter_view(&mut self, out: &mut Out<Self>) {
        // BEGIN SOLUTION
        if self.view.primary == self.me && self.view.epoch > self.epoch {
            self.epoch = self.view.epoch;
            out.save(EPOCH, &self.epoch);
            out.sync();
            self.have.clear();
            self.behind.clear();
        }
        if !self.leads() {
            self.step_down(out);
            return;
        }
        for peer in out.peers() {
            if !self.have.contains_key(&peer) {
                self.behind.entry(peer).or_insert(out.now());
            }
        }
        self.send_missing(out);
        // the set may be smaller now, or large enough
        self.look(out);
        // STUB: let _ = out; // good enough for step 1
        // END SOLUTION
    }

    /// This node is not the primary any more: what becomes of appends that it has not acknowledged, it cannot know.
    fn step_down(&mut self, out: &mut Out<Self>) {
        // BEGIN SOLUTION
        for (id, _) in std::mem::take(&mut self.waiting).into_values().flatten() {
            out.reply(id, Response::Unavailable);
        }
        // STUB: let _ = out; // good enough for step 1
        // END SOLUTION
    }

    /// Sends the whole log to a peer whose copy is of an older epoch.
    fn send_state(&mut self, to: NodeId, out: &mut Out<Self>) {
        // BEGIN SOLUTION
        if self.state_sent.insert(to) {
            out.send(to, Message::State { epoch: self.epoch, log: self.log.clone() });
        }
        // STUB: let _ = (to, out); // good enough for step 1
        // END SOLUTION
    }

    /// The state of another primary arrives.
    fn take_state(&mut self, from: NodeId, epoch: u64, log: Vec<Entry>, out: &mut Out<Self>) {
        // BEGIN SOLUTION
        if epoch < self.epoch {
            return;
        }
        if epoch > self.epoch {
            out.atomic(|all| {
                all.truncate(LOG, 0);
                log.iter().for_each(|entry| all.append(LOG, entry));
                all.save(EPOCH, &epoch);
            });
            out.sync();
            self.epoch = epoch;
            self.log.clear();
            self.lists.clear();
            self.last.clear();
            log.into_iter().for_each(|entry| self.apply(entry));
            self.step_down(out);
        }
        out.send(from, Message::Have { epoch, position: self.position() });
        // STUB: let _ = (from, epoch, log, out); // good enough for step 1
        // END SOLUTION
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lab::Effect;
    use lab::bench::Bench;
    use std::collections::VecDeque;

    /// The primary n1 and its backups n2 and n3, with a network that loses nothing unless a link is cut.
    struct House {
        nodes: Vec<Bench<PrimaryBackup>>,
        /// Messages to these nodes are lost.
        cut: BTreeSet<u32>,
        answers: Vec<Response>,
    }
    impl House {
        fn new(acks: Acks) -> House {
            let in_sync = BTreeSet::from([NodeId(2), NodeId(3)]);
            let first = View { number: 1, epoch: 1, primary: NodeId(1), in_sync };
            let ms = Duration::from_millis;
            let config = Config { first, acks, resend: ms(20), ping: ms(100), lag: ms(3_600_000) };
            let mut house = House {
                nodes: (1..=3).map(|me| Bench::new(me, 3, config.clone())).collect(),
                cut: BTreeSet::new(),
                answers: Vec::new(),
            };
            for me in 1..=3 {
                let started = house.bench(me).started();
                house.play(me, started);
            }
            house
        }
        fn bench(&mut self, node: u32) -> &mut Bench<PrimaryBackup> {
            &mut self.nodes[node as usize - 1]
        }
        /// What follows from these effects of a node, until nothing does any more.
        fn play(&mut self, node: u32, effects: Vec<Effect<PrimaryBackup>>) {
            let mut sent = VecDeque::new();
            self.collect(node, effects, &mut sent);
            while let Some((from, to, message)) = sent.pop_front() {
                if !self.cut.contains(&to) {
                    let effects = self.bench(to).message(from, message);
                    self.collect(to, effects, &mut sent);
                }
            }
        }
        fn collect(
            &mut self,
            node: u32,
            effects: Vec<Effect<PrimaryBackup>>,
            sent: &mut VecDeque<(u32, u32, Message)>,
        ) {
            for effect in effects {
                match effect {
                    Effect::Send(to, message) => sent.push_back((node, to.0, message)),
                    Effect::Broadcast(message) => {
                        let peers = (1..=3).filter(|peer| *peer != node);
                        sent.extend(peers.map(|peer| (node, peer, message.clone())));
                    }
                    Effect::Reply(_, response) => self.answers.push(response),
                    _ => {}
                }
            }
        }
        fn ask(&mut self, node: u32, request: Request) {
            let effects = self.bench(node).request(request);
            self.play(node, effects);
        }
        fn try_append(&mut self, client: u32, seq: u32, value: Value) {
            self.ask(1, Request::Append { client, seq, key: "a".to_owned(), value });
        }
        /// Both timers of this node fire.
        fn tick(&mut self, node: u32) {
            for alarm in [Alarm::Resend, Alarm::Ping] {
                let effects = self.bench(node).timer(alarm);
                self.play(node, effects);
            }
        }
        /// The list `a` on the disk of a node.
        fn audit(&mut self, node: u32) -> Vec<Value> {
            self.ask(node, Request::Audit);
            match self.answers.pop() {
                Some(Response::Audit(lists)) => lists.get("a").cloned().unwrap_or_default(),
                other => panic!("an audit is answered with `Response::Audit`, not {other:?}"),
            }
        }
    }

    #[test]
    fn an_append_is_acknowledged_and_every_copy_has_it() {
        let mut house = House::new(Acks::Sync { min: 1 });
        house.try_append(1, 1, 17);
        assert!(matches!(house.answers[..], [Response::Appended { epoch: 1, .. }]), "{:?}", house.answers);
        for node in 1..=3 {
            house.bench(node).crash();
            assert_eq!(house.audit(node), [17], "on the disk of n{node}");
        }
    }

    #[test]
    fn a_silent_backup_holds_the_answer_back_in_sync_mode_only() {
        for acks in [Acks::Sync { min: 1 }, Acks::Async] {
            let mut house = House::new(acks);
            house.cut.insert(3);
            house.try_append(1, 1, 17);
            assert_eq!(house.answers.len(), usize::from(acks == Acks::Async), "{acks:?}");
            house.try_append(1, 1, 17);
            assert_eq!(
                house.answers.len(),
                if acks == Acks::Async { 2 } else { 0 },
                "a retry is no different: {acks:?}"
            );
            house.cut.clear();
            for _ in 0..2 {
                house.tick(1);
                house.tick(3);
            }
            assert_eq!(house.answers.len(), 2, "both tries are answered when n3 has it: {acks:?}");
            assert_eq!(house.audit(3), [17], "once, however often it was tried");
        }
    }

    #[test]
    fn a_backup_applies_nothing_over_a_gap() {
        let mut house = House::new(Acks::Async);
        house.cut.insert(2);
        house.try_append(1, 1, 17);
        house.cut.clear();
        house.try_append(1, 2, 21);
        assert!(matches!(house.audit(2)[..], [] | [17, 21]), "not 21 without 17");
        for _ in 0..2 {
            house.tick(1);
            house.tick(2);
        }
        assert_eq!(house.audit(2), [17, 21]);
    }

    /// A view with this number, of this epoch.
    fn view(number: u64, epoch: u64, primary: u32, in_sync: &[u32]) -> Answer {
        let in_sync = in_sync.iter().copied().map(NodeId).collect();
        Answer::View(View { number, epoch, primary: NodeId(primary), in_sync })
    }

    #[test]
    fn failover_a_new_primary_answers_when_its_backup_is_equal_to_it() {
        let mut house = House::new(Acks::Sync { min: 1 });
        house.try_append(1, 1, 17);
        house.answers.clear();
        house.cut.insert(1);
        let effects = house.bench(2).answer(CallId(1), view(2, 2, 2, &[3]));
        house.play(2, effects);
        for _ in 0..2 {
            house.tick(2);
            house.tick(3);
        }
        house.ask(2, Request::Append { client: 2, seq: 1, key: "a".to_owned(), value: 21 });
        assert!(matches!(house.answers[..], [Response::Appended { epoch: 2, .. }]), "{:?}", house.answers);
        assert_eq!(house.audit(3), [17, 21]);
    }

    #[test]
    fn failover_a_backup_takes_nothing_from_a_primary_that_was_replaced() {
        let mut house = House::new(Acks::Sync { min: 0 });
        house.cut.insert(1);
        let effects = house.bench(2).answer(CallId(1), view(2, 2, 2, &[3]));
        house.play(2, effects);
        house.ask(2, Request::Append { client: 2, seq: 1, key: "a".to_owned(), value: 21 });
        house.cut.clear();
        house.answers.clear();
        house.try_append(1, 1, 17); // n1 has not heard of the new view
        assert!(house.answers.iter().all(|answer| !matches!(answer, Response::Appended { .. })));
        assert_eq!(house.audit(3), [21]);
    }
}
