//! Random worlds.

use crate::actor::{Acts, Do, Echo, Echoes, Place};
use crate::stage::{ms, n, us};
use lab::Role;
use lab::prelude::*;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::test_runner::{Config, RngSeed};
use world::{
    Carried, Chance, Client, ClientId, ClockSpec, DiskLoss, Fault, Harm, Latency, Limits, Link, LinkRule,
    Matcher, NodeSpec, Operation, OperationId, Pattern, Scenario, Seed, SeenKind, Tail, Trigger, Until, When,
    Who,
};

/// So many cases, the same in every run; `PROPTEST_RNG_SEED` and `PROPTEST_CASES` ask for others.
pub(crate) fn cases(cases: u32) -> Config {
    let asked = Config::default();
    let cases = if std::env::var_os("PROPTEST_CASES").is_some() { asked.cases } else { cases };
    let rng_seed = match asked.rng_seed {
        RngSeed::Random => RngSeed::Fixed(1978),
        fixed => fixed,
    };
    Config { cases, rng_seed, failure_persistence: None, max_shrink_iters: 4_000, ..asked }
}

/// What may be in a random world.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Mix {
    /// Nodes stand still, are slow, and wait for their disks.
    pub(crate) busy: bool,
    /// Links change, messages are held back, faults wait for triggers that anything may pull.
    pub(crate) entangled: bool,
}
/// Everything.
pub(crate) const ANYTHING: Mix = Mix { busy: true, entangled: true };
/// Nodes are free when something arrives, and each fault is on its own: what arrives is handled at once.
pub(crate) const PLAIN: Mix = Mix { busy: false, entangled: false };

/// The service that actors call.
const SERVICE: u32 = 9;

pub(crate) fn seed() -> impl Strategy<Value = Seed> {
    any::<[u64; 2]>().prop_map(Seed)
}

pub(crate) fn scenario(mix: Mix) -> impl Strategy<Value = Scenario> {
    (2u32..=5).prop_flat_map(move |nodes| {
        let clocks = vec((-2_000_000_000..2_000_000_000i64, -100_000..100_000i64), nodes as usize);
        let syncs = vec((0..2_000u64, 0..2_000u64, 0..500u64), nodes as usize);
        let links = vec((option::of(1..=nodes), option::of(1..=nodes), link()), 0..3);
        let calm = option::of((20..200u64, link()));
        let faults = vec(fault(nodes, mix), 0..6);
        let clients = vec(client(nodes), 1..4);
        let starts = vec(things(nodes, 2), nodes as usize);
        let late = vec(option::weighted(0.15, few_ms(80)), nodes as usize);
        let switches = (any::<bool>(), any::<bool>());
        (clocks, syncs, starts, link(), links, clients, faults, calm, switches, late).prop_map(
            move |(clocks, syncs, starts, network, links, clients, faults, calm, switches, late)| {
                let mut scenario = Scenario::cluster::<Acts>(nodes, &vec![], ms(300));
                for (place, node) in scenario.nodes.iter_mut().enumerate() {
                    node.config = lab::frame::encode(&starts[place]);
                    node.calls_to = Some(n(SERVICE));
                    node.starts = When::At(late[place].unwrap_or_default());
                    let (offset_ns, drift_ppm) = clocks[place];
                    node.clock = ClockSpec { offset_ns, drift_ppm };
                    let (least, more, per_event) = syncs[place];
                    node.sync = (Duration::ZERO, Duration::ZERO);
                    if mix.busy {
                        node.sync = (us(least), us(least + more));
                        node.per_event = us(per_event.saturating_sub(300));
                    }
                }
                scenario.nodes.push(NodeSpec::service::<Echoes>(n(SERVICE), &(), Role::node::<Echo>));
                scenario.network = network;
                let rule = |(from, to, link): (Option<u32>, Option<u32>, Link)| LinkRule {
                    from: from.map(NodeId),
                    to: to.map(NodeId),
                    link,
                };
                scenario.links = links.into_iter().map(rule).collect();
                scenario.clients =
                    (1..).zip(clients).map(|(id, c)| Client { id: world::ClientId(id), ..c }).collect();
                scenario.faults = faults;
                scenario.calm = calm.map(|(at, link)| (ms(at), link));
                (scenario.watch_status, scenario.regions) = switches;
                scenario.limits = Limits { events: 4_000, ..Limits::default() };
                scenario
            },
        )
    })
}

fn few_ms(to: u64) -> impl Strategy<Value = Duration> {
    (0..to * 1_000).prop_map(us)
}

fn link() -> impl Strategy<Value = Link> {
    let often = || prop_oneof![Just(0u32), Just(0), 0..400_000u32].prop_map(Chance);
    let tail = option::of((0..300_000u32, 0..40u64));
    let latency = (1..3_000u64, 0..6_000u64, tail).prop_map(|(min, more, tail)| Latency {
        min: us(min),
        max: us(min + more),
        tail: tail.map(|(chance, longer)| Tail { chance: Chance(chance), max: us(min + more) + ms(longer) }),
    });
    let sizes = prop_oneof![6 => Just(None), 1 => (0..60usize).prop_map(Some)];
    let rates = prop_oneof![3 => Just(None), 1 => (2_000..100_000u64).prop_map(Some)];
    (latency, often(), often(), sizes, rates, prop::bool::weighted(0.3)).prop_map(
        |(latency, loss, duplication, message_bytes_max, bandwidth, fifo)| Link {
            latency,
            loss,
            duplication,
            corruption: Chance::NEVER,
            message_bytes_max,
            bandwidth,
            fifo,
        },
    )
}

fn place() -> impl Strategy<Value = Place> {
    prop_oneof![
        Just(Place::Log),
        Just(Place::Journal),
        Just(Place::Value),
        (0..2u8).prop_map(Place::Row),
        Just(Place::File),
    ]
}

/// What an actor may be told, and what it tells others to do, so many steps deep.
pub(crate) fn things(nodes: u32, depth: u32) -> BoxedStrategy<Vec<Do>> {
    let one = prop_oneof![
        2 => (0..100u32).prop_map(Do::Say),
        1 => Just(Do::Roll),
        3 => place().prop_map(Do::Write),
        2 => vec(place(), 1..4).prop_map(Do::Atomic),
        2 => Just(Do::Sync),
        2 => Just(Do::Reply),
        1 => Just(Do::ReplyAgain),
        1 => (0..3u8).prop_map(Do::Disarm),
        1 => any::<u32>().prop_map(Do::Call),
        1 => (1..=nodes + 1, any::<u32>()).prop_map(|(to, what)| Do::CallTo(NodeId(to), what)),
        1 => any::<u32>().prop_map(|what| Do::CallTo(NodeId(SERVICE), what)),
        1 => vec(any::<u8>(), 0..40).prop_map(Do::Pad),
    ]
    .boxed();
    let one = if depth == 0 {
        one
    } else {
        let then = || things(nodes, depth - 1);
        prop_oneof![
            3 => one,
            // to itself and to nobody, too
            1 => (1..=nodes + 1, then()).prop_map(|(to, then)| Do::Send(NodeId(to), then)),
            1 => then().prop_map(Do::Broadcast),
            1 => (0..3u8, few_ms(30), then()).prop_map(|(timer, after, then)| Do::Arm(timer, after, then)),
        ]
        .boxed()
    };
    vec(one, 0..5).boxed()
}

fn client(nodes: u32) -> impl Strategy<Value = Client> {
    let at = prop_oneof![2 => few_ms(150).prop_map(|at| Some(When::At(at))), 1 => Just(None)];
    let operation = (at, vec((1..=nodes).prop_map(NodeId), 1..3), things(nodes, 3));
    let accepts = option::of(1..4u32);
    (vec(operation, 1..5), few_ms(20), option::of(few_ms(40)), 1..4u32, accepts).prop_map(
        |(operations, think, timeout, attempts, accepts)| Client {
            operations: (1..)
                .zip(operations)
                .map(|(id, (at, to, what))| Operation { at, to, ..Operation::next::<Acts>(id, n(1), &what) })
                .collect(),
            think,
            timeout,
            attempts,
            accepts: accepts.map(|least| Matcher::typed(move |asked: &u32| *asked >= least)),
            ..Client::new(1, vec![])
        },
    )
}

fn trigger(nodes: u32) -> impl Strategy<Value = Trigger> {
    let kinds = prop::sample::select(vec![
        SeenKind::Started,
        SeenKind::Requested,
        SeenKind::Delivered,
        SeenKind::Rang,
        SeenKind::Sent,
        SeenKind::Replied,
        SeenKind::Emitted,
        SeenKind::Wrote,
        SeenKind::Syncing,
        SeenKind::Synced,
        SeenKind::Status,
        SeenKind::Crashed,
    ]);
    prop_oneof![
        3 => (kinds, option::of((1..=nodes).prop_map(NodeId)))
            .prop_map(|(kind, node)| Trigger::Seen(Pattern { node, ..Pattern::of(kind) })),
        2 => (1..=nodes, 1..20u64).prop_map(|(node, nth)| Trigger::Effect { node: NodeId(node), nth }),
        1 => (1..60u64).prop_map(|nth| Trigger::AnyEffect { nth }),
        1 => Just(Trigger::Quiet),
        1 => (1..4u32, 1..4u32, any::<bool>()).prop_map(|(client, operation, ends)| {
            let (client, operation) = (ClientId(client), OperationId(operation));
            match ends {
                true => Trigger::Ended { client, operation },
                false => Trigger::Began { client, operation },
            }
        }),
    ]
}

fn harm(nodes: u32, mix: Mix) -> BoxedStrategy<Harm> {
    let who = move || (1..=nodes).prop_map(|id| Who::Node(NodeId(id)));
    let some = move || vec((1..=nodes).prop_map(NodeId), 1..4);
    let loss = prop_oneof![
        4 => Just(DiskLoss::Drawn),
        1 => Just(DiskLoss::All),
        1 => Just(DiskLoss::Nothing),
        1 => (0..12usize).prop_map(|bytes| DiskLoss::TornAfter { bytes }),
        1 => (0..12usize).prop_map(|bytes| DiskLoss::TornBefore { bytes }),
    ];
    let plain = prop_oneof![
        3 => (who(), loss).prop_map(|(node, disk)| Harm::Crash { node, disk }),
        1 => vec(some(), 2..4).prop_map(|groups| Harm::Partition { groups }),
        1 => who().prop_map(|node| Harm::Isolate { node }),
        1 => (some(), some()).prop_map(|(from, to)| Harm::Cut { from, to }),
        1 => (who(), -1_000_000_000..1_000_000_000i64)
            .prop_map(|(node, by_ns)| Harm::ClockJump { node, by_ns }),
        1 => who().prop_map(|node| Harm::ClockFreeze { node }),
        1 => (who(), -200_000..200_000i64).prop_map(|(node, ppm)| Harm::ClockDrift { node, ppm }),
    ];
    let busy = prop_oneof![
        2 => who().prop_map(|node| Harm::Pause { node }),
        1 => who().prop_map(|node| Harm::Alone { node }),
        1 => (who(), few_ms(5)).prop_map(|(node, per_event)| Harm::Slow { node, per_event }),
    ];
    let end = move || option::of(prop_oneof![4 => 1..=nodes, 1 => Just(SERVICE)].prop_map(NodeId));
    let what = || {
        prop::sample::select(vec![None, Some(Carried::Message), Some(Carried::Call), Some(Carried::Answer)])
    };
    let entangled = prop_oneof![
        1 => (end(), end(), link()).prop_map(|(from, to, link)| Harm::Links(LinkRule { from, to, link })),
        1 => (end(), end(), 0..300_000u32, 0..300_000u32, few_ms(10)).prop_map(|(from, to, loss, twice, late)| {
            let (loss, duplication, corruption) = (Chance(loss), Chance(twice), Chance::NEVER);
            Harm::Worse { from, to, loss, duplication, corruption, late }
        }),
        2 => (end(), end(), option::of(1..3u32), what())
            .prop_map(|(from, to, nth, what)| Harm::Hold { from, to, nth, matches: None, what }),
        2 => (end(), end(), option::of(1..3u32), what())
            .prop_map(|(from, to, nth, what)| Harm::Lose { from, to, nth, matches: None, what }),
        2 => (end(), end(), option::of(1..3u32), what(), few_ms(30)).prop_map(|(from, to, nth, what, after)| {
            Harm::Repeat { from, to, nth, matches: None, what, after }
        }),
        1 => Just(Harm::Crash { node: Who::Culprit, disk: DiskLoss::Drawn }),
        1 => Just(Harm::Pause { node: Who::Culprit }),
    ];
    let mut kinds = vec![(9, plain.boxed())];
    if mix.busy {
        kinds.push((3, busy.boxed()));
    }
    if mix.entangled {
        kinds.push((5, entangled.boxed()));
    }
    proptest::strategy::Union::new_weighted(kinds).boxed()
}

fn fault(nodes: u32, mix: Mix) -> impl Strategy<Value = Fault> {
    let at = few_ms(200).prop_map(When::At);
    let on = (trigger(nodes), 1..4u32, prop_oneof![Just(Duration::ZERO), few_ms(10)])
        .prop_map(|(trigger, nth, after)| When::On { trigger, nth, after });
    let when = if mix.entangled { prop_oneof![at, on].boxed() } else { at.boxed() };
    let until = prop_oneof![
        2 => Just(Until::Calm),
        1 => Just(Until::Never),
        8 => few_ms(60).prop_map(Until::After),
        2 * u32::from(mix.entangled) => trigger(nodes).prop_map(Until::Trigger),
    ];
    let after_calm = prop::bool::weighted(0.2);
    (when, harm(nodes, mix), until, after_calm)
        .prop_map(|(when, harm, until, after_calm)| Fault { after_calm, ..Fault::new(when, harm, until) })
}
