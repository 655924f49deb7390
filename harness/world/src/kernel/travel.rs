//! From a node to another: messages, calls and answers.

use super::World;
use super::node::{Handed, HandedEvent, Origin, Work};
use super::parcel::{Content, Held, Parcel, short};
use super::queue::Item;
use crate::draw::{Luck, Purpose};
use crate::misbehaviour::{Excess, Misbehaviour};
use crate::names::{REPEATS_MAX, call_request_id};
use crate::network::{Filtered, Letter};
use crate::observe::{AnswerKey, Bytes, Cause, LossReason, Seen};
use crate::scenario::NodeKind;
use crate::time::Time;
use crate::weight::weight;
use lab::{CallId, NodeId};

impl World {
    pub(super) fn send(
        &mut self,
        node: usize,
        to: NodeId,
        bytes: Bytes,
        work: &Work,
        label: Option<Box<str>>,
    ) {
        if bytes.len() > self.scenario.limits.message_bytes {
            let excess = Excess::Message(bytes.len());
            return self.misbehave(node, work.event, Misbehaviour::Flooded(excess));
        }
        let (key, luck) = self.seed.key(Purpose::Effect, work.key.0, work.done);
        let seen = Seen::Sent { to, bytes: bytes.clone(), key };
        let sent = self.observe_labelled(node, Cause::Observation(work.event), seen, label);
        // A fault that this very sending set off is in force for it; it leaves even if its sender crashed of it.
        let Some(to) = self.place(to) else {
            self.observe(node, Cause::Observation(sent), Seen::Lost { reason: LossReason::Nobody });
            return;
        };
        let (from, to) = (short(node), short(to));
        self.dispatch(
            Parcel { from, to, content: Content::Message, bytes, sent, key, copy: 0, waits: false },
            luck,
        );
    }
    pub(super) fn call(
        &mut self,
        node: usize,
        to: Option<NodeId>,
        call: CallId,
        bytes: Bytes,
        work: &Work,
        label: Option<Box<str>>,
    ) {
        let (key, luck) = self.seed.key(Purpose::Call, work.key.0, work.done);
        let incarnation = self.nodes[node].incarnation;
        let usual = self.scenario.nodes[node].calls_to;
        let to = to.or(usual);
        let seen = Seen::Called { to, call, bytes: bytes.clone(), key };
        let sent = self.observe_labelled(node, Cause::Observation(work.event), seen, label);
        let Some(id) = to else { return };
        // whom the scenario lets it call: nodes are told by messages
        let may_call = |place: &usize| {
            Some(id) == usual || matches!(self.scenario.nodes[*place].kind, NodeKind::Service(_))
        };
        let Some(to) = self.place(id).filter(may_call) else {
            self.observe(node, Cause::Observation(sent), Seen::Lost { reason: LossReason::Nobody });
            return;
        };
        let content = Content::Call { call, incarnation };
        let (from, to) = (short(node), short(to));
        self.dispatch(Parcel { from, to, content, bytes, sent, key, copy: 0, waits: false }, luck);
    }
    pub(super) fn reply(
        &mut self,
        node: usize,
        request: lab::RequestId,
        bytes: Bytes,
        work: &Work,
        label: Option<Box<str>>,
    ) {
        let origin = self.nodes[node].open.remove(&request);
        let draw = || self.seed.key(Purpose::Effect, work.key.0, work.done);
        let drawn = matches!(origin, Some(Origin::Call { .. })).then(draw);
        let key = AnswerKey(drawn.map(|(key, _)| key));
        let seen = Seen::Replied { request, bytes: bytes.clone(), heard: origin.is_some(), key };
        let sent = self.observe_labelled(node, Cause::Observation(work.event), seen, label);
        match origin {
            None => {}
            Some(Origin::Client { client, operation, tries }) => {
                self.client_hears(client, operation, tries, node, Cause::Observation(sent), bytes);
            }
            Some(Origin::Call { caller, incarnation, call }) => {
                let (key, luck) = drawn.expect("the answer to a call");
                let content = Content::Answer { call, incarnation };
                let (from, to) = (short(node), short(caller));
                self.dispatch(Parcel { from, to, content, bytes, sent, key, copy: 0, waits: false }, luck);
            }
        }
    }
    /// Sends a parcel on its way.
    fn dispatch(&mut self, parcel: Parcel, luck: Luck) {
        self.dispatch_unless_held(parcel, luck, true, Vec::new());
    }
    /// Sends the copy that a fault has made of a parcel on its way.
    pub(super) fn leave_again(&mut self, parcel: Parcel) {
        self.bytes -= weight(&parcel.bytes);
        let luck = self.seed.key(Purpose::Copy, parcel.key.0, 0).1;
        self.dispatch_unless_held(Parcel { waits: false, ..parcel }, luck, false, Vec::new());
    }
    fn dispatch_unless_held(
        &mut self,
        mut parcel: Parcel,
        luck: Luck,
        new: bool,
        mut counts_for: Vec<usize>,
    ) {
        let (from, to) = (self.nodes[parcel.from()].id, self.nodes[parcel.to()].id);
        let is_withheld = !self.scenario.withheld.is_empty()
            && self.network.withholds(from, to, self.scenario.withheld.contains(&parcel.key));
        let what = parcel.content.carried();
        let letter =
            Letter { from, to, what, key: parcel.key, bytes: &parcel.bytes, is_new: new, is_withheld };
        let Filtered { is_lost, held_by, repeats } = self.network.filter(letter, &mut counts_for);
        if new {
            self.caught.extend(counts_for.iter().map(|fault| (*fault, parcel.key)));
        }
        if is_withheld {
            return;
        }
        self.was_noisy = true;
        for (nth, after) in (1_u8..).zip(repeats.into_iter().take(REPEATS_MAX)) {
            let (key, _) = self.seed.key(Purpose::Copy, parcel.key.0, 1 + u64::from(nth));
            self.bytes += weight(&parcel.bytes);
            let parcel = Parcel { key, copy: 2 * nth, waits: true, ..parcel.clone() };
            self.push(self.now + after, Item::Arrive { parcel });
        }
        if is_lost {
            let lost = Seen::Lost { reason: LossReason::Fault };
            self.observe(parcel.to(), Cause::Observation(parcel.sent), lost);
            return;
        }
        if let Some(by) = held_by {
            self.bytes += weight(&parcel.bytes);
            self.held.push(Held { by, parcel, luck, counts_for });
            return;
        }
        let corruptible = matches!(parcel.content, Content::Message);
        match self.network.travel(self.now, from, to, &mut parcel.bytes, corruptible, luck) {
            Err(reason) => {
                self.observe(parcel.to(), Cause::Observation(parcel.sent), Seen::Lost { reason });
            }
            Ok(([first, second], copies)) => {
                let twin = (copies > 1).then(|| {
                    let key = self.seed.key(Purpose::Copy, parcel.key.0, 1).0;
                    Parcel { key, copy: parcel.copy | 1, ..parcel.clone() }
                });
                self.launch(first, parcel);
                if let Some(twin) = twin {
                    self.launch(second, twin);
                }
            }
        }
    }
    fn launch(&mut self, arrival: Time, parcel: Parcel) {
        self.travelling += 1;
        self.bytes += weight(&parcel.bytes);
        self.push(arrival, Item::Arrive { parcel });
    }
    /// Sends on what a fault has kept back.
    pub(super) fn release(&mut self, fault: usize) {
        let (released, held) = std::mem::take(&mut self.held).into_iter().partition(|held| held.by == fault);
        self.held = held;
        let released: Vec<Held> = released;
        for Held { parcel, luck, counts_for, .. } in released {
            self.bytes -= weight(&parcel.bytes);
            self.dispatch_unless_held(parcel, luck, false, counts_for);
        }
    }
    pub(super) fn arrive(&mut self, parcel: Parcel) {
        let (from, to) = (parcel.from(), parcel.to());
        let Parcel { content, bytes, sent, key, copy, .. } = parcel;
        self.travelling -= 1;
        let cause = Cause::Observation(sent);
        let (from_id, to_id) = (self.nodes[from].id, self.nodes[to].id);
        if self.network.is_cut(from_id, to_id) {
            self.bytes -= weight(&bytes);
            self.observe(to, cause, Seen::Lost { reason: LossReason::Partition });
            return;
        }
        let event = match content {
            Content::Message => HandedEvent::Message { from: from_id, bytes },
            Content::Call { call, incarnation } => {
                let id = call_request_id(from_id, call.0, copy);
                HandedEvent::Request { id, origin: Origin::Call { caller: from, incarnation, call }, bytes }
            }
            Content::Answer { call, incarnation } => {
                if self.nodes[to].incarnation != incarnation {
                    self.bytes -= weight(&bytes);
                    self.observe(to, cause, Seen::Lost { reason: LossReason::Down });
                    return;
                }
                HandedEvent::Answer { from: from_id, call, bytes }
            }
        };
        self.hand(to, Handed { event, cause, key });
    }
}
