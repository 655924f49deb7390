//! What one link does to many messages.

use crate::actor::Do;
use crate::stage::{Direct, Run, ms, n, stage, us};
use lab::NodeId;
use proptest::prelude::*;
use std::time::Duration;
use world::{Chance, Harm, Latency, Link, LinkRule, LossReason, Seen, Tail};

const MANY: u32 = 2_000;

/// Node 1 sends many messages to node 2, one every ten microseconds, over this link.
fn many(link: Link) -> Run {
    let mut scenario = stage(2);
    scenario.network = link;
    for nth in 0..MANY {
        scenario = scenario.tell(us(u64::from(nth) * 10), 1, vec![Do::Send(n(2), vec![Do::Say(nth)])]);
    }
    scenario.run()
}
/// How long each copy that arrived had been under way.
fn took(run: &Run) -> Vec<Duration> {
    let delivered = run.all().filter(|o| matches!(o.seen, Seen::Delivered { .. }));
    delivered.map(|o| o.at - run.trace.cause(o).expect("a sending").at).collect()
}
fn about(share: f64, count: usize) -> bool {
    (count as f64 / f64::from(MANY) - share).abs() < 0.03
}

#[test]
fn a_clean_link_delivers_everything_once_between_its_bounds() {
    let run = many(Link::between(ms(1), ms(3)));
    let took = took(&run);
    assert_eq!(took.len(), MANY as usize);
    assert!(took.iter().all(|took| (ms(1)..=ms(3)).contains(took)));
    for quarter in 0..4 {
        let part = ms(1) + ms(2) * quarter / 4..ms(1) + ms(2) * (quarter + 1) / 4;
        assert!(about(0.25, took.iter().filter(|took| part.contains(took)).count()), "evenly");
    }
    let mut sorted = run.words(2);
    assert!(!sorted.is_sorted(), "they overtake each other");
    sorted.sort_unstable();
    assert!(sorted.into_iter().eq(0..MANY));
}

#[test]
fn loss_duplication_and_tail_happen_as_often_as_they_say() {
    let link = Link {
        latency: Latency {
            min: ms(1),
            max: ms(2),
            tail: Some(Tail { chance: Chance::percent(10), max: ms(50) }),
        },
        loss: Chance::percent(20),
        duplication: Chance::percent(30),
        ..Link::fixed(ms(1))
    };
    let run = many(link);
    let lost = run.count(|seen| matches!(seen, Seen::Lost { reason: LossReason::Network }));
    assert!(about(0.2, lost), "{lost} lost");
    let took = took(&run);
    let doubled = took.len() + lost - MANY as usize;
    assert!(about(0.8 * 0.3, doubled), "{doubled} doubled");
    let late = took.iter().filter(|took| **took > ms(2)).count();
    assert!(about(0.1 * 0.8 * 1.3, late), "{late} late");
    assert!(took.iter().all(|took| (ms(1)..=ms(50)).contains(took)));
}

#[test]
fn always_and_never_mean_it() {
    let all = Link { loss: Chance::ALWAYS, ..Link::fixed(ms(1)) };
    assert_eq!(took(&many(all)).len(), 0);
    let twice = Link { duplication: Chance::ALWAYS, ..Link::fixed(ms(1)) };
    assert_eq!(took(&many(twice)).len(), 2 * MANY as usize);
}

#[test]
fn the_two_copies_of_a_message_take_their_own_time() {
    let run = many(Link { duplication: Chance::ALWAYS, ..Link::between(ms(1), ms(9)) });
    let mut arrived = std::collections::BTreeMap::<_, std::collections::BTreeSet<_>>::new();
    for o in run.all().filter(|o| matches!(o.seen, Seen::Delivered { .. })) {
        arrived.entry(o.cause).or_default().insert(o.at);
    }
    assert!(arrived.len() == MANY as usize && arrived.values().all(|times| times.len() == 2));
}

#[test]
fn on_a_fifo_link_nothing_overtakes() {
    let run = many(Link { fifo: true, ..Link::between(ms(1), ms(20)) });
    assert!(run.words(2).into_iter().eq(0..MANY));
    assert!(took(&run).iter().all(|took| *took >= ms(1)));
}

#[test]
fn what_is_over_the_size_limit_is_lost_and_nothing_else() {
    let pad = |bytes| vec![Do::Send(n(2), vec![Do::Pad(vec![0; bytes])])];
    let size = |bytes| lab::frame::encode(&vec![Do::Pad(vec![0; bytes])]).len();
    let mut scenario = stage(2).tell(ms(1), 1, pad(50)).tell(ms(2), 1, pad(51)).tell(ms(3), 1, pad(10));
    scenario.network.message_bytes_max = Some(size(50));
    let run = scenario.run();
    assert_eq!(run.count(|seen| matches!(seen, Seen::Lost { reason: LossReason::TooBig })), 1);
    assert_eq!(run.count(|seen| matches!(seen, Seen::Delivered { .. })), 2);
}

#[test]
fn messages_queue_up_behind_each_other_where_bandwidth_is_short() {
    let what = vec![Do::Pad(vec![0; 96])];
    let bytes = lab::frame::encode(&what).len() as u64;
    let send = Do::Send(n(2), what);
    let mut scenario = stage(3).tell(ms(10), 1, vec![send.clone(), send.clone(), send.clone()]);
    scenario = scenario.tell(ms(500), 1, vec![send, Do::Send(n(3), vec![])]);
    scenario.network.bandwidth = Some(bytes * 100); // each takes 10 ms
    let run = scenario.run();
    let arrived: Vec<u64> =
        run.on(2).filter(|o| matches!(o.seen, Seen::Delivered { .. })).map(|o| o.at.0 / 1_000_000).collect();
    assert_eq!(arrived, [21, 31, 41, 511], "and the wire is free again after a while");
    let other = run.on(3).find(|o| matches!(o.seen, Seen::Delivered { .. })).expect("arrives");
    assert!(other.at.since_start() < ms(502), "another wire");
}

#[test]
fn corruption_flips_one_bit() {
    let run = many(Link { corruption: Chance::percent(50), ..Link::fixed(ms(1)) });
    let mut flipped = 0;
    for o in run.all() {
        if let Seen::Delivered { bytes, .. } = &o.seen {
            let sent = run.trace.cause(o).and_then(|sent| sent.seen.bytes()).expect("a sending");
            let bits: u32 = sent.iter().zip(bytes.iter()).map(|(a, b)| (a ^ b).count_ones()).sum();
            assert!(bits <= 1 && sent.len() == bytes.len());
            flipped += bits as usize;
        }
    }
    assert!(about(0.5, flipped), "{flipped} flipped");
}

#[test]
fn the_last_rule_that_fits_counts_and_a_fault_comes_after_all_rules() {
    let rule = |from: Option<u32>, to: Option<u32>, latency| LinkRule {
        from: from.map(NodeId),
        to: to.map(NodeId),
        link: Link::fixed(latency),
    };
    let mut scenario = stage(3);
    scenario.links = vec![rule(Some(1), None, ms(5)), rule(Some(1), Some(3), ms(9))];
    for at in [10, 110] {
        scenario = scenario.tell(ms(at), 1, vec![Do::Broadcast(vec![])]).tell(
            ms(at),
            2,
            vec![Do::Broadcast(vec![])],
        );
    }
    let slow = Harm::Links(rule(None, Some(3), ms(20)));
    let run = scenario.fault(crate::stage::during(ms(100), ms(200), slow)).run();
    let took: Vec<(u32, u32, u64)> = run
        .all()
        .filter_map(|o| match o.seen {
            Seen::Delivered { from, .. } => {
                let sent = run.trace.cause(o).expect("a sending").at;
                Some((from.0, o.node.0, (o.at - sent).as_millis() as u64))
            }
            _ => None,
        })
        .collect();
    let before = [(2, 1, 1), (2, 3, 1), (1, 2, 5), (1, 3, 9)];
    let during = [(2, 1, 1), (1, 2, 5), (1, 3, 20), (2, 3, 20)];
    assert_eq!(took, [before, during].concat());
}

proptest! {
    #![proptest_config(crate::random::cases(64))]
    /// A message's own chance decides how it travels: where others go, or that they go at all, does not.
    #[test]
    fn messages_do_not_disturb_each_other(sent in prop::collection::btree_set(0..50u64, 1..20), without in 0..50u64) {
        let arrivals = |skip: Option<u64>| {
            let mut scenario = stage(2);
            scenario.network = Link { loss: Chance::percent(20), ..Link::between(ms(1), ms(30)) };
            let at = |at: &u64| Do::Arm(*at as u8, ms(*at) + us(1), vec![Do::Send(n(2), vec![Do::Say(*at as u32)])]);
            let arm = sent.iter().map(|t| if Some(*t) == skip { Do::Disarm(99) } else { at(t) }).collect();
            let run = scenario.tell(ms(1), 1, arm).run();
            run.said(2).split_off(1).into_iter().map(|(at, said)| format!("{at} {said:?}")).collect::<Vec<_>>()
        };
        let mut all = arrivals(None);
        all.retain(|line| !line.ends_with(&format!(" Word({without})")));
        prop_assert_eq!(all, arrivals(Some(without)));
    }
}
