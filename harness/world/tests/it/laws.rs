//! What holds in every world, whatever its scenario.

use crate::actor::{Acts, Found, Said};
use crate::random::{ANYTHING, Mix, PLAIN, cases, scenario, seed};
use crate::stage::{Direct, SEED, ms, n};
use lab::{DiskOp, NodeId, RequestId};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use world::{
    Bytes, Cause, Chance, ClientId, End, Harm, LossReason, Observation, ObservationId, OperationId, Scenario,
    Seen, Time, Trace,
};

proptest! {
    #![proptest_config(cases(300))]

    #[test]
    fn every_world_keeps_the_laws(scenario in scenario(ANYTHING), seed in seed()) {
        let run = scenario.run_under(seed);
        prop_assert!(!matches!(run.end(), End::Misbehaved(..)), "{:?}", run.end());
        keep(ANYTHING, &scenario, &run.trace);
    }

    #[test]
    fn where_nodes_are_always_free_even_more_holds(scenario in scenario(PLAIN), seed in seed()) {
        let run = scenario.run_under(seed);
        prop_assert!(!matches!(run.end(), End::Misbehaved(..)), "{:?}", run.end());
        keep(PLAIN, &scenario, &run.trace);
    }

    #[test]
    fn the_same_scenario_and_seed_give_the_same_world_with_words_or_without(
        scenario in scenario(ANYTHING), seed in seed(),
    ) {
        let worded = scenario.run_under(seed);
        let mut plain = vec![];
        let world = crate::actor::actors().run(scenario.into(), seed, |o| plain.push(format!("{:?}", o.seen)));
        prop_assert_eq!(world.hash(), worded.world.hash());
        prop_assert_eq!(world.now(), worded.world.now());
        prop_assert_eq!(world.events(), worded.world.events());
        let again: Vec<String> = worded.all().map(|o| format!("{:?}", o.seen)).collect();
        prop_assert_eq!(plain, again);
    }
}

#[test]
fn another_seed_is_another_world() {
    use crate::actor::Do;
    let mut scenario = crate::stage::stage(2).tell(ms(1), 1, vec![Do::Send(n(2), vec![])]);
    scenario.network = world::Link::between(ms(1), ms(9));
    let hashes: BTreeSet<u64> =
        (0..200).map(|half| scenario.run_under(world::Seed([half / 2, half % 2])).world.hash()).collect();
    assert_eq!(hashes.len(), 200, "one latency in nanoseconds is drawn, and it is always another");
    assert_eq!(scenario.run_under(SEED).world.hash(), scenario.run_under(SEED).world.hash());
}

#[test]
fn every_event_of_every_node_has_chance_of_its_own_and_the_same_again() {
    use crate::actor::Do;
    let rolls = || vec![Do::Roll, Do::Roll, Do::Arm(1, ms(1), vec![Do::Roll]), Do::Broadcast(vec![Do::Roll])];
    let mut scenario =
        crate::stage::stage(3).fault(crate::stage::during(ms(40), ms(50), crate::stage::crash(1)));
    for (at, node) in [(10, 1), (20, 2), (30, 3), (60, 1)] {
        scenario = scenario.tell(ms(at), node, rolls());
    }
    let drawn = |seed| -> Vec<u64> {
        let rolled = |(_, said)| if let Said::Rolled(number) = said { Some(number) } else { None };
        (1..=3).flat_map(|node| scenario.run_under(seed).said(node)).filter_map(rolled).collect()
    };
    let all = drawn(SEED);
    assert_eq!(all.len(), 4 * (2 + 1 + 2));
    assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), all.len(), "{all:?}");
    assert_eq!(all, drawn(SEED));
    assert!(all.iter().all(|number| !drawn(world::Seed([1, 2])).contains(number)));
}

/// Checks all laws on one run.
pub(crate) fn keep(mix: Mix, scenario: &Scenario, trace: &Trace) {
    let mut laws = Laws {
        mix,
        scenario,
        trace,
        nodes: BTreeMap::new(),
        on: BTreeSet::new(),
        arrivals: BTreeMap::new(),
        requests: BTreeMap::new(),
        operations: BTreeMap::new(),
    };
    let mut last = Time::ZERO;
    for (place, o) in trace.observations.iter().enumerate() {
        assert_eq!(o.id.0, place as u64 + 1, "ids are dense");
        assert!(o.at >= last, "time never goes back: {o:?} after {last}");
        assert!(o.at.since_start() <= scenario.end, "nothing happens after the end: {o:?}");
        if let Cause::Observation(cause) = o.cause {
            assert!(cause < o.id, "a cause comes first: {o:?}");
        }
        last = o.at;
        laws.see(o);
    }
}

/// The node's own part of what is known.
#[derive(Default)]
struct OneNode {
    up: bool,
    standing_still: bool,
    /// The event that it handles, or handled last.
    handling: Option<ObservationId>,
    /// Its alarms: which setting counts, and when it rings.
    alarms: BTreeMap<Bytes, (ObservationId, Time)>,
    /// Requests it was handed and has not answered, in this life.
    open: BTreeSet<RequestId>,
    status: Option<Bytes>,
    disk: DiskModel,
    /// It has started and not yet said what it found.
    to_say: bool,
}

struct Operation {
    invoked: Time,
    over: bool,
    tries: u32,
}

struct Laws<'a> {
    mix: Mix,
    scenario: &'a Scenario,
    trace: &'a Trace,
    nodes: BTreeMap<NodeId, OneNode>,
    /// The faults in force.
    on: BTreeSet<usize>,
    /// How many copies of each sending came to an end.
    arrivals: BTreeMap<ObservationId, u32>,
    requests: BTreeMap<RequestId, Option<(ClientId, OperationId)>>,
    operations: BTreeMap<(ClientId, OperationId), Operation>,
}

impl Laws<'_> {
    fn see(&mut self, o: &Observation) {
        let cause = self.trace.cause(o);
        let node = self.nodes.entry(o.node).or_default();
        if o.seen.is_handed() {
            assert!(!node.standing_still, "a paused node handles nothing: {o:?}");
            if matches!(o.seen, Seen::Started { .. }) {
                assert!(!node.up, "only what is down starts: {o:?}");
                node.up = true;
            }
            assert!(node.up, "a node that is down handles nothing: {o:?}");
            node.handling = Some(o.id);
        }
        if is_effect(&o.seen) {
            assert!(node.up, "a node that is down does nothing: {o:?}");
            let in_the_background = matches!(o.seen, Seen::Synced);
            assert!(!node.standing_still || in_the_background, "a paused node does nothing: {o:?}");
            assert_eq!(
                Some(o.cause),
                node.handling.map(Cause::Observation),
                "an effect is caused by the event that the node handles: {o:?}"
            );
        }
        self.messages(o, cause);
        self.alarms(o, cause);
        self.disks(o);
        self.clients(o, cause);
        self.faults(o);
    }

    fn messages(&mut self, o: &Observation, cause: Option<&Observation>) {
        let node = self.nodes.get_mut(&o.node).expect("made");
        let copy_of = match (&o.seen, cause.map(|cause| (cause, &cause.seen))) {
            (Seen::Delivered { from, bytes }, Some((sent, Seen::Sent { to, bytes: as_sent, .. }))) => {
                assert_eq!((*from, o.node, bytes), (sent.node, *to, as_sent), "only what was sent arrives");
                sent
            }
            (
                Seen::Requested { operation: None, bytes, .. },
                Some((called, Seen::Called { bytes: asked, .. })),
            ) => {
                assert_eq!(bytes, asked, "only what was called is asked");
                called
            }
            (
                Seen::Answered { from, call, bytes },
                Some((replied, Seen::Replied { request, bytes: answer, heard: true, key })),
            ) => {
                assert_eq!((*from, bytes), (replied.node, answer), "only what was replied is answered");
                assert!(key.0.is_some(), "what travels has a name: {replied:?}");
                assert_eq!(world::caller(*request), Some(o.node), "the caller is answered, nobody else");
                let asked = self.trace.observations[..replied.id.0 as usize]
                    .iter()
                    .find(|o| matches!(&o.seen, Seen::Requested { request: asked, .. } if asked == request));
                let called = self.trace.cause(asked.expect("it was asked")).expect("a call");
                assert!(
                    matches!(called.seen, Seen::Called { to: Some(to), call: made, .. } if (to, made) == (*from, *call))
                );
                replied
            }
            (Seen::Delivered { .. } | Seen::Answered { .. }, _) => panic!("out of nothing: {o:?}"),
            (Seen::Requested { operation: None, .. }, _) => panic!("asked by nobody: {o:?}"),
            (Seen::Lost { reason }, sent) => {
                let answer = matches!(sent, Some((_, Seen::Replied { .. })));
                if *reason == LossReason::Nobody {
                    return;
                }
                if *reason == LossReason::Down && !answer {
                    assert!(!node.up, "nothing is lost to a node that is up: {o:?}");
                }
                match sent {
                    Some((sent, Seen::Sent { .. } | Seen::Called { .. } | Seen::Replied { .. })) => sent,
                    _ => return,
                }
            }
            _ => return,
        };
        let copies = self.arrivals.entry(copy_of.id).or_default();
        *copies += 1;
        let duplicates = |link: &world::Link| link.duplication > Chance::NEVER;
        let may_double = duplicates(&self.scenario.network)
            || self.scenario.links.iter().any(|rule| duplicates(&rule.link))
            || self.scenario.calm.is_some_and(|(_, link)| duplicates(&link))
            || self.scenario.faults.iter().any(|f| match &f.harm {
                Harm::Links(rule) => duplicates(&rule.link),
                Harm::Worse { duplication, .. } => *duplication > Chance::NEVER,
                _ => false,
            });
        let repeats = self.scenario.faults.iter().filter(|f| matches!(&f.harm, Harm::Repeat { .. })).count();
        let most = if may_double { 2 } else { 1 } * (1 + u32::try_from(repeats).expect("few"));
        assert!(*copies <= most, "too many copies: {o:?}");
        if !self.mix.busy && !self.mix.entangled {
            let cut = self.is_cut(copy_of.node, o.node);
            let by_partition = matches!(o.seen, Seen::Lost { reason: LossReason::Partition });
            let earlier = matches!(o.seen, Seen::Lost { reason: LossReason::Network | LossReason::TooBig });
            assert!(cut == by_partition || (earlier && !cut), "partitions block what they say: {o:?}");
        }
    }
    fn is_cut(&self, from: NodeId, to: NodeId) -> bool {
        self.on.iter().any(|&fault| match &self.scenario.faults[fault].harm {
            Harm::Partition { groups } => {
                // in terms of who is where, not of how the kernel stores it: first group that names it
                let of = |node| groups.iter().position(|group| group.contains(&node));
                of(from).is_some() && of(to).is_some() && of(from) != of(to)
            }
            Harm::Isolate { node: world::Who::Node(alone) } => from != to && [from, to].contains(alone),
            Harm::Cut { from: senders, to: receivers } => senders.contains(&from) && receivers.contains(&to),
            _ => false,
        })
    }

    fn alarms(&mut self, o: &Observation, cause: Option<&Observation>) {
        let node = self.nodes.get_mut(&o.node).expect("made");
        match &o.seen {
            Seen::TimerSet { timer, rings_at } => {
                _ = node.alarms.insert(timer.clone(), (o.id, *rings_at));
            }
            Seen::TimerCancelled { timer } => _ = node.alarms.remove(timer),
            Seen::Rang { timer } => {
                let (set, rings_at) = node.alarms.remove(timer).expect("an alarm that is set, once");
                assert_eq!(cause.map(|cause| cause.id), Some(set), "the last setting rings: {o:?}");
                assert!(o.at >= rings_at, "never early: {o:?}");
                if !self.mix.busy {
                    assert_eq!(o.at, rings_at, "nor late, where the node is free: {o:?}");
                }
            }
            Seen::Crashed => node.alarms.clear(),
            _ => {}
        }
        if let Some(Said::Rang { too_early, .. }) = o.emitted::<Acts>() {
            assert!(!too_early, "by the node's own clock, too: {o:?}");
        }
    }

    fn disks(&mut self, o: &Observation) {
        let node = self.nodes.get_mut(&o.node).expect("made");
        match &o.seen {
            Seen::Wrote { op } => node.disk.unsynced.push((**op).clone()),
            Seen::Syncing => assert!(!node.disk.unsynced.is_empty(), "a sync has something to do"),
            Seen::Synced => node.disk.sync(),
            Seen::Crashed => node.disk.crash(),
            Seen::Started { .. } => node.to_say = true,
            Seen::Misbehaved(_) => {}
            _ => {}
        }
        if let Some(Said::Started(found)) = o.emitted::<Acts>() {
            assert!(std::mem::take(&mut node.to_say), "it says this once");
            node.disk.found(&found);
        }
    }

    fn clients(&mut self, o: &Observation, cause: Option<&Observation>) {
        let node = self.nodes.get_mut(&o.node).expect("made");
        let spec = |client: ClientId| {
            self.scenario.clients.iter().find(|spec| spec.id == client).expect("a client of the scenario")
        };
        match &o.seen {
            Seen::Requested { request, operation, .. } => {
                assert!(self.requests.insert(*request, *operation).is_none(), "a new id each time: {o:?}");
                node.open.insert(*request);
                if let Some((client, operation)) = operation {
                    let known = self.operations.get_mut(&(*client, *operation)).expect("it was invoked");
                    known.tries += 1;
                    assert!(known.tries <= spec(*client).attempts, "no more tries than allowed: {o:?}");
                    if known.tries == 1 && !self.mix.busy {
                        assert_eq!(o.at, known.invoked, "a client has no latency: {o:?}");
                    }
                }
            }
            Seen::Lost { .. } => {
                if let Some(Seen::Invoked { client, operation }) = cause.map(|cause| &cause.seen) {
                    self.operations.get_mut(&(*client, *operation)).expect("it was invoked").tries += 1;
                }
            }
            Seen::Replied { request, heard, .. } => {
                assert_eq!(node.open.remove(request), *heard, "one answer to what was asked is heard: {o:?}");
            }
            Seen::Crashed => node.open.clear(),
            Seen::Invoked { client, operation } => {
                let known = Operation { invoked: o.at, over: false, tries: 0 };
                assert!(
                    self.operations.insert((*client, *operation), known).is_none(),
                    "invoked once: {o:?}"
                );
                // what waits for another begins when that is over, and no sooner
                let spec = spec(*client);
                let place = spec.operations.iter().position(|op| op.id == *operation).expect("its own");
                if spec.operations[place].at.is_none() && place > 0 {
                    let before = &self.operations[&(*client, spec.operations[place - 1].id)];
                    assert!(before.over, "closed loop: {o:?}");
                    let ended = self.trace.observations[..o.id.0 as usize].iter().rev().find(|e| {
                        let over = (*client, spec.operations[place - 1].id);
                        matches!(&e.seen, Seen::Returned { client, operation, .. } | Seen::GaveUp { client, operation }
                            if (*client, *operation) == over)
                    });
                    assert_eq!(ended.map(|e| e.at + spec.think), Some(o.at), "after a thought: {o:?}");
                }
            }
            Seen::Returned { client, operation, bytes } => {
                let Some(Seen::Replied { request, bytes: replied, heard: true, .. }) = cause.map(|c| &c.seen)
                else {
                    panic!("answered by nobody: {o:?}");
                };
                assert_eq!(cause.map(|c| (c.at, replied)), Some((o.at, bytes)), "heard at once: {o:?}");
                assert_eq!(self.requests[request], Some((*client, *operation)), "its own answer: {o:?}");
                let known = self.operations.get_mut(&(*client, *operation)).expect("it was invoked");
                assert!(!std::mem::replace(&mut known.over, true), "over once: {o:?}");
            }
            Seen::GaveUp { client, operation } => {
                let spec = spec(*client);
                let known = self.operations.get_mut(&(*client, *operation)).expect("it was invoked");
                assert!(!std::mem::replace(&mut known.over, true), "over once: {o:?}");
                assert!(o.at >= known.invoked + spec.timeout.expect("it waits"), "it waits its time: {o:?}");
            }
            Seen::Status { bytes } => {
                assert_ne!(node.status.as_ref(), Some(bytes), "a status is seen when it changes: {o:?}");
                node.status = Some(bytes.clone());
            }
            _ => {}
        }
    }

    fn faults(&mut self, o: &Observation) {
        let node = self.nodes.get_mut(&o.node).expect("made");
        match o.seen {
            Seen::FaultBegan { fault } => assert!(self.on.insert(fault), "it begins once: {o:?}"),
            Seen::FaultEnded { fault } => assert!(self.on.remove(&fault), "it was on: {o:?}"),
            Seen::Crashed => {
                node.up = false;
                node.status = None;
                node.to_say = false;
            }
            Seen::Paused => node.standing_still = true,
            Seen::Resumed => node.standing_still = false,
            _ => {}
        }
    }
}

fn is_effect(seen: &Seen) -> bool {
    matches!(
        seen,
        Seen::Sent { .. }
            | Seen::TimerSet { .. }
            | Seen::TimerCancelled { .. }
            | Seen::Replied { .. }
            | Seen::Emitted { .. }
            | Seen::Called { .. }
            | Seen::Wrote { .. }
            | Seen::Syncing
            | Seen::Synced
    )
}

/// What a disk must hold: told every write, sync and crash, it is shown what the next start found, and
/// works out what the crash kept.
#[derive(Default)]
struct DiskModel {
    durable: Objects,
    unsynced: Vec<DiskOp>,
    /// What was not synced when it crashed.
    at_stake: Vec<DiskOp>,
    /// The torn bytes at the end of the file.
    tail: Vec<u8>,
}
type Objects = BTreeMap<String, Vec<u64>>;

impl DiskModel {
    fn sync(&mut self) {
        for (object, number) in self.unsynced.drain(..).flat_map(flat) {
            match number {
                CUT => self.tail.clear(),
                number => self.durable.entry(object).or_default().push(number),
            }
        }
    }
    fn crash(&mut self) {
        self.at_stake.append(&mut self.unsynced);
    }
    fn found(&mut self, found: &Found) {
        // All that can be asked of one object: how much of what was written to it is there.
        let mut at_stake: Objects = BTreeMap::new();
        for (object, number) in self.at_stake.iter().cloned().flat_map(flat) {
            at_stake.entry(object).or_default().push(number);
        }
        let names: BTreeSet<String> = self.durable.keys().chain(at_stake.keys()).cloned().collect();
        let mut kept: BTreeMap<String, usize> = BTreeMap::new();
        let mut torn: BTreeSet<String> = BTreeSet::new();
        for name in names {
            let durable = self.durable.get(&name).cloned().unwrap_or_default();
            let more = at_stake.get(&name).cloned().unwrap_or_default();
            let all: Vec<u64> = durable.iter().chain(&more).copied().collect();
            let (there, was_torn) = match name.as_str() {
                "log" => records(&found.log),
                "journal" => records(&found.journal),
                "file" => {
                    let bytes = |numbers: &[u64]| -> Vec<u8> {
                        numbers.iter().filter(|n| **n != CUT).flat_map(|n| n.to_le_bytes()).collect()
                    };
                    if !self.tail.is_empty() && found.file == [bytes(&durable), self.tail.clone()].concat() {
                        (durable.clone(), false) // torn before, and not yet cut
                    } else {
                        let is_cut = !self.tail.is_empty();
                        assert!(!is_cut || more.first() == Some(&CUT), "a torn tail went: {found:?}");
                        assert!(bytes(&all).starts_with(&found.file), "a prefix: {found:?} of {all:?}");
                        let whole = found.file.len() / 8 * 8;
                        self.tail = found.file[whole..].to_vec();
                        (all[..whole / 8 + usize::from(is_cut)].to_vec(), !self.tail.is_empty())
                    }
                }
                one => {
                    let value = match one.strip_prefix("row ") {
                        Some(key) => found.rows.get(&key.parse().expect("a key")).copied(),
                        None => found.value,
                    };
                    let place = value.map(|v| all.iter().position(|w| *w == v).expect("written once"));
                    (all[..place.map_or(0, |place| place + 1)].to_vec(), false)
                }
            };
            assert!(all.starts_with(&there), "{name} keeps a prefix: {there:?} of {all:?}");
            assert!(there.len() >= durable.len(), "{name} lost what was synced: {there:?} of {durable:?}");
            if was_torn {
                assert!(there.len() < all.len(), "{name} shows a tear where nothing was being written");
                torn.insert(name.clone());
            }
            kept.insert(name, there.len() - durable.len());
        }
        // Which writes are there: groups whole or not at all, and only lone writes torn.
        let mut seen: BTreeMap<String, usize> = BTreeMap::new();
        for op in std::mem::take(&mut self.at_stake) {
            let is_group = matches!(op, DiskOp::All(_));
            let parts = flat(op);
            let alive: Vec<bool> = parts
                .iter()
                .map(|(name, _)| {
                    let nth = seen.entry(name.clone()).or_default();
                    *nth += 1;
                    if *nth == kept[name] + 1 && is_group {
                        assert!(!torn.contains(name), "a part of a group was torn in {name}");
                    }
                    *nth <= kept[name]
                })
                .collect();
            assert!(alive.iter().all(|part| *part == alive[0]), "a group was split: {parts:?}");
        }
        for (name, count) in kept {
            let more = at_stake.remove(&name).unwrap_or_default();
            self.durable.entry(name).or_default().extend(more[..count].iter().filter(|n| **n != CUT));
        }
    }
}
/// Stands for the cutting of a torn tail.
const CUT: u64 = u64::MAX;
fn records(view: &[Option<u64>]) -> (Vec<u64>, bool) {
    let torn = view.last() == Some(&None);
    let whole: Option<Vec<u64>> = view[..view.len() - usize::from(torn)].iter().copied().collect();
    (whole.expect("only the last record can be torn"), torn)
}
/// The single writes of an operation: to which object, and the number.
fn flat(op: DiskOp) -> Vec<(String, u64)> {
    let number = |bytes: &[u8]| lab::frame::decode::<u64>(bytes).expect("a number");
    match op {
        DiskOp::All(ops) => ops.into_iter().flat_map(flat).collect(),
        DiskOp::Append { name, bytes } | DiskOp::Save { name, bytes } => vec![(name, number(&bytes))],
        DiskOp::Put { key, bytes, .. } => vec![(format!("row {}", key[0]), number(&bytes))],
        DiskOp::Write { name, bytes } => {
            vec![(name, u64::from_le_bytes(bytes.try_into().expect("eight bytes")))]
        }
        DiskOp::Cut { name, .. } => vec![(name, CUT)],
        other => unreachable!("actors do not ask for {other:?}"),
    }
}
