//! One node on a workbench, a node inside a node, and what a handler may ask.

use lab::bench::Bench;
use lab::prelude::*;
use lab::{Contract, Effect, Sample};
use std::collections::BTreeSet;
use std::ops::Range;

/// The contract of the nodes here.
enum Counts {}
impl Contract for Counts {
    const ROLE: &'static str = "counter";
    type Config = u32;
    type Request = u32;
    type Response = u32;
    type Event = u32;
    type Status = u32;
    type Call = u32;
    type Answer = u32;
}

const TOTAL: Saved<u32> = Saved::new("total");
const SEEN: Log<u32> = Log::new("seen");

/// Adds up what it is asked; syncs when the request is odd.
#[derive(Debug)]
struct Counter {
    total: u32,
    seen: Vec<u32>,
    calls: Vec<CallId>,
}
impl Node for Counter {
    type Contract = Counts;
    type Message = u32;
    type Timer = u8;
    fn start(boot: Boot<Self>, out: &mut Out<Self>) -> Self {
        out.emit(boot.config);
        let seen = boot.disk.log(SEEN).map_while(Result::ok).collect();
        Counter { total: boot.disk.load(TOTAL).unwrap_or(0), seen, calls: vec![] }
    }
    fn on_request(&mut self, id: RequestId, request: u32, out: &mut Out<Self>) {
        self.total += request;
        out.atomic(|all| {
            all.save(TOTAL, &self.total);
            all.append(SEEN, &request);
        });
        if request % 2 == 1 {
            out.sync();
        }
        out.reply(id, self.total);
    }
    fn on_message(&mut self, from: NodeId, message: u32, out: &mut Out<Self>) {
        self.calls.push(out.call(message));
        self.calls.push(out.call(message));
        out.broadcast(message);
        out.send(from, message);
        out.set_timer(Duration::from_millis(u64::from(message)), 3);
    }
    fn on_timer(&mut self, timer: u8, out: &mut Out<Self>) {
        out.cancel_timer(timer);
    }
    fn on_answer(&mut self, _: CallId, answer: u32, out: &mut Out<Self>) {
        out.emit(answer);
    }
}
fn show<N: Node>(effects: &[Effect<N>]) -> String {
    format!("{effects:?}")
}

#[test]
fn a_bench_shows_what_a_node_asks_for_in_order() {
    let mut bench = Bench::<Counter>::new(2, 3, 7);
    assert_eq!(
        show(&bench.message(1, 5)),
        "[call #0 5, call #1 5, broadcast 5, send n1 5, set timer 3 in 5ms]"
    );
    assert_eq!(show(&bench.timer(3)), "[cancel timer 3]");
    assert_eq!(show(&bench.answer(CallId(0), 9)), "[emit 9]");
}

#[test]
fn requests_are_numbered_from_one_whatever_else_happens() {
    let mut bench = Bench::<Counter>::new(1, 3, 0);
    bench.message(2, 1);
    assert!(show(&bench.request(2)).ends_with("reply #1 2]"));
    bench.timer(1);
    bench.crash();
    assert!(show(&bench.request(2)).ends_with("reply #2 2]"));
}

#[test]
fn a_crash_on_the_bench_takes_what_was_not_synced() {
    let mut bench = Bench::<Counter>::new(1, 3, 42);
    bench.request(1);
    bench.request(2);
    assert_eq!(bench.node.total, 3);
    assert_eq!(show(&bench.crash()), "[emit 42]");
    assert_eq!((bench.node.total, &bench.node.seen[..]), (1, &[1][..]));
    bench.request(2);
    bench.request(3); // its sync covers both
    bench.crash();
    assert_eq!((bench.node.total, &bench.node.seen[..]), (6, &[1, 2, 3][..]));
}

#[test]
fn calls_have_new_ids_after_a_restart() {
    let mut bench = Bench::<Counter>::new(1, 3, 0);
    bench.message(2, 1);
    let before = bench.node.calls.clone();
    bench.crash();
    bench.message(2, 1);
    let all: BTreeSet<CallId> = before.iter().chain(&bench.node.calls).copied().collect();
    assert_eq!(all.len(), 4);
}

/// Wraps a counter.
struct Outer(Counter);
/// The contract of [`Outer`]: another event, the same calls.
enum Wraps {}
impl Contract for Wraps {
    const ROLE: &'static str = "outer";
    type Config = u32;
    type Request = u32;
    type Response = String;
    type Event = String;
    type Status = ();
    type Call = u32;
    type Answer = u32;
}
#[derive(Debug, Serialize, Deserialize)]
enum Wrapped {
    Inner(u32),
}
#[derive(Debug, Serialize, Deserialize)]
enum Alarm {
    Inner(u8),
}
impl Outer {
    fn inner(&mut self, out: &mut Out<Self>, f: impl FnOnce(&mut Counter, &mut Out<Counter>)) {
        let mut inner = out.inner();
        f(&mut self.0, &mut inner);
        for effect in out.absorb(inner, Wrapped::Inner, Alarm::Inner) {
            match effect {
                Effect::Emit(event) => out.emit(format!("inner said {event}")),
                Effect::Reply(id, total) => out.reply(id, total.to_string()),
                other => panic!("`absorb` keeps {other:?}"),
            }
        }
    }
}
impl Node for Outer {
    type Contract = Wraps;
    type Message = Wrapped;
    type Timer = Alarm;
    fn start(boot: Boot<Self>, out: &mut Out<Self>) -> Self {
        let mut inner = out.inner();
        let counter = Counter::start(boot.inner(boot.config), &mut inner);
        let for_us = out.absorb(inner, Wrapped::Inner, Alarm::Inner);
        assert_eq!(show(&for_us), "[emit 7]");
        Outer(counter)
    }
    fn on_message(&mut self, from: NodeId, Wrapped::Inner(message): Wrapped, out: &mut Out<Self>) {
        self.inner(out, |counter, out| counter.on_message(from, message, out));
    }
    fn on_request(&mut self, id: RequestId, request: u32, out: &mut Out<Self>) {
        out.call(99);
        self.inner(out, |counter, out| {
            out.call(98);
            counter.on_request(id, request, out);
        });
        out.call(97);
    }
}

#[test]
fn a_node_in_a_node_asks_through_the_outer_one() {
    let mut bench = Bench::<Outer>::new(1, 3, 7);
    assert_eq!(
        show(&bench.message(2, Wrapped::Inner(5))),
        "[call #0 5, call #1 5, broadcast Inner(5), send n2 Inner(5), set timer Inner(3) in 5ms]"
    );
    let effects = show(&bench.request(1));
    assert!(effects.starts_with("[call #2 99, call #3 98, All("), "{effects}");
    assert!(effects.ends_with("sync, reply #1 \"1\", call #4 97]"), "ids never repeat: {effects}");
}

/// Draws from a range, many times.
fn draws<T: Sample + Ord + Copy>(range: Range<T>) -> BTreeSet<T> {
    let bits = (0..2_000u64).map(|nth| nth.wrapping_mul(0x9E37_79B9_7F4A_7C15));
    let all: BTreeSet<T> =
        bits.chain([0, u64::MAX]).map(|bits| T::pick(range.start..range.end, bits)).collect();
    assert!(all.iter().all(|drawn| range.contains(drawn)));
    all
}

#[test]
fn random_stays_in_its_range_and_reaches_both_ends() {
    assert_eq!(draws(0u8..4), [0, 1, 2, 3].into());
    assert_eq!(draws(-2i32..2), [-2, -1, 0, 1].into());
    assert_eq!(draws(5usize..6), [5].into());
    let all = draws(i64::MIN..i64::MAX);
    assert!(all.len() > 1_900 && all.first() == Some(&i64::MIN) && all.last() == Some(&(i64::MAX - 1)));
    let all = draws(0..u64::MAX);
    assert_eq!((all.first(), all.last()), (Some(&0), Some(&(u64::MAX - 1))));
    let ns = Duration::from_nanos;
    assert_eq!(draws(ns(1)..ns(3)), [ns(1), ns(2)].into());
    assert!(draws(Duration::ZERO..Duration::MAX).len() > 1_900);
}

#[test]
#[should_panic(expected = "random: the range 5..5 is empty")]
fn an_empty_range_panics_with_its_bounds() {
    u32::pick(5..5, 1);
}
#[test]
#[should_panic(expected = "random: the range 2s..1s is empty")]
fn an_empty_range_of_durations_does_too() {
    Duration::pick(Duration::from_secs(2)..Duration::from_secs(1), 1);
}

#[test]
fn times_saturate() {
    let wall = WallTime(Duration::from_secs(5));
    assert_eq!(wall - WallTime(Duration::from_secs(9)), Duration::ZERO);
    assert_eq!((wall + Duration::MAX).0, Duration::MAX);
}
