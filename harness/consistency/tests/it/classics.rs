//! Histories everybody knows, each with its verdict and its sentence.

use std::fmt::Write as _;

use consistency::models::{cas, counter, kv, mutex, queue, register, set, store};
use consistency::timeline::{Fault, Timeline};
use consistency::{
    Budget, Causality, Guarantee, History, Isolation, Level, Model, OpId, Process, Verdict, causal,
    convergent, isolation, linearizable, regular, sequential, session, strongest, survey, weakest_broken,
};

/// Process, invoked, returned (0: never), call, answer.
type Row<M> = (u32, u64, u64, <M as Model>::Call, <M as Model>::Return);

/// A history from a table: process, invoked, returned (0: never), call, answer.
fn table<M: Model>(model: M, rows: Vec<Row<M>>) -> History<M> {
    let timed = rows
        .into_iter()
        .map(|(process, invoked_at, returned_at, call, answer)| consistency::history::Timed {
            process: Process(process),
            invoked_at,
            call,
            returned: (returned_at > 0).then_some((returned_at, answer)),
        })
        .collect();
    History::from_timed(model, timed).expect("a history")
}

type Keys = register::Register<char, u64>;

fn write(process: u32, from: u64, to: u64, key: char, value: u64) -> Row<Keys> {
    (process, from, to, register::Call::Write(key, value), register::Return::Written)
}

fn read(process: u32, from: u64, to: u64, key: char, value: impl Into<Option<u64>>) -> Row<Keys> {
    (process, from, to, register::Call::Read(key), register::Return::Read(value.into()))
}

fn registers(rows: Vec<Row<Keys>>) -> History<Keys> {
    table(Keys::default(), rows)
}

/// The verdict, and if it is a violation its picture; every core must break the promise too.
fn told<M: Model>(history: &History<M>, judge: impl Fn(&History<M>) -> Verdict) -> String {
    let verdict = judge(history);
    let mut text = format!("{verdict}\n");
    if let Verdict::Violation(violation) = &verdict {
        let again = judge(&history.restrict(&violation.core));
        assert!(again.is_violation(), "the core of {verdict} is {again}");
        let _ = write!(text, "{}", Timeline::of_violation(history, violation, &[]).to_text());
    }
    text
}

fn lin<M: Model>(history: &History<M>) -> String {
    told(history, |h| linearizable(h, &Budget::default()))
}

#[test]
fn a_stale_read_among_many_operations() {
    let mut rows = Vec::new();
    for i in 0..500 {
        rows.push(write(1 + (i % 7) as u32, 10 * i + 1, 10 * i + 6, 'x', i + 1));
        rows.push(read(8 + (i % 5) as u32, 10 * i + 7, 10 * i + 9, 'x', i + 1));
    }
    rows.push(read(13, 4750, 4758, 'x', 471));
    insta::assert_snapshot!(lin(&registers(rows)));
}

#[test]
fn new_and_old_inverted_by_two_readers() {
    // the write never finished, so either read alone would be fine
    let history = registers(vec![
        write(1, 1, 2, 'x', 1),
        write(1, 3, 0, 'x', 2),
        read(2, 4, 5, 'x', 2),
        read(3, 6, 7, 'x', 1),
    ]);
    insta::assert_snapshot!(lin(&history));
}

#[test]
fn a_write_that_never_returned_may_land_at_any_later_time() {
    let history = registers(vec![
        write(1, 1, 0, 'x', 1),
        read(2, 2, 3, 'x', None),
        write(2, 4, 5, 'x', 2),
        read(2, 6, 7, 'x', 2),
        read(2, 8, 9, 'x', 1),
    ]);
    assert_eq!(linearizable(&history, &Budget::default()), Verdict::Ok);
    // but only once
    let history = registers(vec![
        write(1, 1, 0, 'x', 1),
        read(2, 2, 3, 'x', 1),
        write(2, 4, 5, 'x', 2),
        read(2, 6, 7, 'x', 1),
    ]);
    insta::assert_snapshot!(lin(&history));
}

#[test]
fn reads_of_nothing() {
    let history = registers(vec![write(1, 1, 2, 'x', 5), read(2, 3, 4, 'x', None)]);
    insta::assert_snapshot!(lin(&history));
    let history = registers(vec![write(1, 1, 4, 'x', 5), read(2, 2, 3, 'x', None), read(3, 1, 0, 'x', 9)]);
    assert!(linearizable(&history, &Budget::default()).is_ok(), "concurrent, and a read that never returned");
}

#[test]
fn reads_of_what_was_never_or_not_yet_written() {
    insta::assert_snapshot!(lin(&registers(vec![write(1, 1, 2, 'x', 5), read(2, 3, 4, 'x', 7)])));
    insta::assert_snapshot!(lin(&registers(vec![read(2, 1, 2, 'x', 5), write(1, 3, 4, 'x', 5)])));
}

#[test]
fn keys_are_judged_apart_when_linear_but_not_when_sequential() {
    // each key alone is sequential; together no order works
    let history = registers(vec![
        write(1, 1, 2, 'x', 1),
        read(1, 3, 4, 'y', None),
        write(2, 1, 2, 'y', 2),
        read(2, 3, 4, 'x', None),
    ]);
    insta::assert_snapshot!(told(&history, |h| sequential(h, &Budget::default())));
    for key in ['x', 'y'] {
        let one: Vec<OpId> = history
            .iter()
            .filter(|(_, op)| history.model().key(&op.call) == Some(key))
            .map(|(id, _)| id)
            .collect();
        assert!(sequential(&history.restrict(&one), &Budget::default()).is_ok());
    }
}

#[test]
fn sequential_forgives_time() {
    let history = registers(vec![write(1, 1, 2, 'x', 1), read(2, 3, 4, 'x', None), read(2, 5, 6, 'x', 1)]);
    assert!(sequential(&history, &Budget::default()).is_ok());
    assert!(linearizable(&history, &Budget::default()).is_violation());
    assert_eq!(strongest(&history, &Budget::default()), [Level::Sequential]);
}

#[test]
fn a_compare_and_set_that_was_refused_after_it_took_effect() {
    use cas::{Call, CasRegister, Return};
    let history = table(
        CasRegister::<(), u64>::default(),
        vec![
            (1, 1, 2, Call::Write((), 1), Return::Written),
            (2, 3, 4, Call::Cas { key: (), from: Some(1), to: 2 }, Return::Swapped(false)),
            (3, 5, 6, Call::Read(()), Return::Read(Some(2))),
        ],
    );
    insta::assert_snapshot!(lin(&history));
    // not answered, it may have done it
    let history = table(
        CasRegister::<(), u64>::default(),
        vec![
            (1, 1, 2, Call::Write((), 1), Return::Written),
            (2, 3, 0, Call::Cas { key: (), from: Some(1), to: 2 }, Return::Swapped(false)),
            (3, 5, 6, Call::Read(()), Return::Read(Some(2))),
        ],
    );
    assert!(linearizable(&history, &Budget::default()).is_ok());
}

#[test]
fn two_compare_and_sets_from_one_value() {
    use cas::{Call, CasRegister, Return};
    let swap = |to| Call::Cas { key: (), from: Some(1), to };
    let history = table(
        CasRegister::<(), u64>::default(),
        vec![
            (1, 1, 2, Call::Write((), 1), Return::Written),
            (2, 3, 6, swap(2), Return::Swapped(true)),
            (3, 4, 7, swap(3), Return::Swapped(true)),
        ],
    );
    insta::assert_snapshot!(lin(&history));
}

#[test]
fn an_append_that_was_lost_and_one_that_was_doubled() {
    use kv::{Call, Kv, Return};
    let append = |p, from, to, s: &str| (p, from, to, Call::Append('k', s.to_owned()), Return::Done);
    let get = |p, from, to, s: &str| (p, from, to, Call::Get('k'), Return::Got(Some(s.to_owned())));
    let lost = vec![append(1, 1, 2, "a"), append(2, 3, 4, "b"), append(1, 5, 6, "c"), get(3, 7, 8, "ac")];
    insta::assert_snapshot!(lin(&table(Kv::default(), lost)));
    let doubled = vec![append(1, 1, 2, "a"), append(2, 3, 4, "b"), get(3, 7, 8, "abb")];
    insta::assert_snapshot!(lin(&table(Kv::default(), doubled)));
}

#[test]
fn two_holders_of_one_lock() {
    use mutex::{Call, Mutex, Owner, Return};
    let history = table(
        Mutex::<()>::default(),
        vec![
            (1, 1, 2, Call::Acquire((), Owner(1)), Return::Done),
            (1, 3, 4, Call::Release((), Owner(1)), Return::Done),
            (2, 5, 6, Call::Acquire((), Owner(2)), Return::Done),
            (3, 7, 8, Call::Acquire((), Owner(3)), Return::Done),
        ],
    );
    insta::assert_snapshot!(lin(&history));
    // the release never returned, so it may have happened
    let history = table(
        Mutex::<()>::default(),
        vec![
            (1, 1, 2, Call::Acquire((), Owner(1)), Return::Done),
            (1, 3, 0, Call::Release((), Owner(1)), Return::Done),
            (2, 5, 6, Call::Acquire((), Owner(2)), Return::Done),
        ],
    );
    assert!(linearizable(&history, &Budget::default()).is_ok());
}

#[test]
fn a_set_that_forgot_an_element() {
    use set::{Call, Return, Set};
    let history = table(
        Set::<u64>::default(),
        vec![
            (1, 1, 2, Call::Add(1), Return::Done),
            (2, 3, 4, Call::Add(2), Return::Done),
            (3, 5, 6, Call::Read, Return::All([2].into())),
        ],
    );
    insta::assert_snapshot!(lin(&history));
}

#[test]
fn a_counter_that_lost_an_increment() {
    use counter::{Call, Counter, Return};
    let history = table(
        Counter::<()>::default(),
        vec![
            (1, 1, 2, Call::Add((), 1), Return::Done),
            (2, 1, 3, Call::Add((), 1), Return::Done),
            (3, 5, 6, Call::Read(()), Return::Count(1)),
        ],
    );
    insta::assert_snapshot!(lin(&history));
}

#[test]
fn a_queue_out_of_order_and_one_that_delivers_twice() {
    use queue::{Call, Queue, Return};
    let enqueue = |p, from, to, v: u64| (p, from, to, Call::Enqueue((), v), Return::Done);
    let dequeue = |p, from, to, v: u64| (p, from, to, Call::Dequeue(()), Return::Got(Some(v)));
    let out_of_order =
        vec![enqueue(1, 1, 2, 1), enqueue(1, 3, 4, 2), dequeue(2, 5, 6, 2), dequeue(2, 7, 8, 1)];
    insta::assert_snapshot!(lin(&table(Queue::default(), out_of_order)));
    let twice = vec![enqueue(1, 1, 2, 1), dequeue(2, 3, 6, 1), dequeue(3, 4, 8, 1)];
    insta::assert_snapshot!(lin(&table(Queue::default(), twice)));
}

fn causally(history: &History<Keys>) -> String {
    [Causality::Consistency, Causality::Memory, Causality::Convergence]
        .map(|meaning| told(history, |h| causal(h, meaning, &Budget::default())))
        .concat()
}

#[test]
fn the_effect_without_its_cause() {
    let history = registers(vec![
        write(1, 1, 2, 'x', 1),
        read(2, 3, 4, 'x', 1),
        write(2, 5, 6, 'y', 2),
        read(3, 7, 8, 'y', 2),
        read(3, 9, 10, 'x', None),
    ]);
    insta::assert_snapshot!(causally(&history));
}

#[test]
fn the_examples_that_tell_the_causal_levels_apart() {
    // Bouajjani et al. 2017, Fig. 3: CM but not CCv; CCv but not CM; CC but neither
    let cm = registers(vec![
        write(1, 1, 2, 'x', 1),
        read(1, 3, 4, 'x', 2),
        write(2, 1, 2, 'x', 2),
        read(2, 3, 4, 'x', 1),
    ]);
    assert_eq!(strongest(&cm, &Budget::default()), [Level::CausalMemory]);
    let ccv = registers(vec![
        write(1, 1, 2, 'z', 1),
        write(1, 3, 4, 'x', 1),
        write(1, 5, 6, 'y', 1),
        write(2, 1, 2, 'x', 2),
        read(2, 3, 4, 'z', None),
        read(2, 5, 6, 'y', 1),
        read(2, 7, 8, 'x', 2),
    ]);
    assert_eq!(strongest(&ccv, &Budget::default()), [Level::CausalConvergence]);
    let cc = registers(vec![
        write(1, 1, 2, 'x', 1),
        write(2, 1, 2, 'x', 2),
        read(2, 3, 4, 'x', 1),
        read(2, 5, 6, 'x', 2),
    ]);
    insta::assert_snapshot!(causally(&cc));
}

#[test]
fn each_session_guarantee_broken_alone() {
    let broken = |history: &History<Keys>| {
        Guarantee::ALL.map(|g| told(history, |h| session(h, g, &Budget::default()))).concat()
    };
    let own = registers(vec![write(1, 1, 2, 'x', 1), write(1, 3, 4, 'x', 2), read(1, 5, 6, 'x', 1)]);
    let back = registers(vec![
        write(1, 1, 2, 'x', 1),
        write(1, 3, 4, 'x', 2),
        read(2, 5, 6, 'x', 2),
        read(2, 7, 8, 'x', 1),
    ]);
    let writes = registers(vec![
        write(1, 1, 2, 'x', 1),
        write(1, 3, 4, 'y', 2),
        read(2, 5, 6, 'y', 2),
        read(2, 7, 8, 'x', None),
    ]);
    let follows = registers(vec![
        write(1, 1, 2, 'x', 1),
        read(2, 3, 4, 'x', 1),
        write(2, 5, 6, 'y', 2),
        read(3, 7, 8, 'y', 2),
        read(3, 9, 10, 'x', None),
    ]);
    insta::assert_snapshot!([own, back, writes, follows].map(|h| broken(&h)).join("\n"));
}

#[test]
fn a_session_may_see_concurrent_writes_in_its_own_order() {
    let history = registers(vec![
        write(1, 1, 2, 'x', 1),
        write(2, 1, 2, 'x', 2),
        read(3, 3, 4, 'x', 1),
        read(3, 5, 6, 'x', 2),
        read(4, 3, 4, 'x', 2),
        read(4, 5, 6, 'x', 1),
    ]);
    for guarantee in Guarantee::ALL {
        assert!(session(&history, guarantee, &Budget::default()).is_ok());
    }
}

#[test]
fn convergence_after_settling() {
    let settled = |last: Option<u64>| {
        let mut history = History::new(Keys::default());
        for (at, value) in [(1, 1), (3, 2)] {
            let id = history.invoke(Process(value as u32), at, register::Call::Write('x', value));
            if value == 1 {
                history.returned(id, at + 1, register::Return::Written);
            }
        }
        history.settle();
        for (at, value) in [(10, Some(2)), (12, last)] {
            let id = history.invoke(Process(at as u32), at, register::Call::Read('x'));
            history.returned(id, at + 1, register::Return::Read(value));
        }
        history
    };
    assert!(convergent(&settled(Some(2))).is_ok(), "a write that never returned may have won");
    insta::assert_snapshot!([Some(1), None, Some(7)].map(|last| told(&settled(last), convergent)).concat(),);
}

#[test]
fn staleness_in_time() {
    let history = registers(vec![
        write(1, 10, 20, 'x', 1),
        write(1, 30, 40, 'x', 2),
        read(2, 90, 95, 'x', 1),
        read(2, 100, 105, 'x', 2),
    ]);
    assert_eq!(consistency::stale::least(&history, &Budget::default()), Some(50));
    assert!(consistency::stale::within(&history, 50, &Budget::default()).is_ok());
    insta::assert_snapshot!(told(&history, |h| consistency::stale::within(h, 49, &Budget::default())));
}

fn txn(history: &History<store::Store<char, u64>>) -> String {
    [Isolation::ReadCommitted, Isolation::ReadAtomic, Isolation::Causal, Isolation::Serializable]
        .map(|level| told(history, |h| isolation(h, level, &Budget::default())))
        .concat()
}

#[test]
fn anomalies_of_transactions() {
    use store::Event::{Read, Write};
    use store::{Return, Store};
    let all = |rows: Vec<(u32, store::Call<char, u64>, Return)>| {
        let rows = rows
            .into_iter()
            .zip(0..)
            .map(|((p, call, end), i)| (p, 10 * i + 1, 10 * i + 5, call, end))
            .collect();
        txn(&table(Store::default(), rows))
    };
    let dirty = all(vec![
        (1, vec![Write('x', 1)], Return::Aborted),
        (2, vec![Read('x', Some(1))], Return::Committed),
    ]);
    let fractured = all(vec![
        (1, vec![Write('x', 1), Write('y', 1)], Return::Committed),
        (2, vec![Read('x', None), Read('y', Some(1))], Return::Committed),
    ]);
    let effect_first = all(vec![
        (1, vec![Write('x', 1)], Return::Committed),
        (2, vec![Read('x', Some(1)), Write('y', 2)], Return::Committed),
        (3, vec![Read('y', Some(2)), Read('x', None)], Return::Committed),
    ]);
    let lost_update = all(vec![
        (1, vec![Write('x', 1)], Return::Committed),
        (2, vec![Read('x', Some(1)), Write('x', 2)], Return::Committed),
        (3, vec![Read('x', Some(1)), Write('x', 3)], Return::Committed),
    ]);
    let write_skew = all(vec![
        (1, vec![Read('x', None), Write('y', 1)], Return::Committed),
        (2, vec![Read('y', None), Write('x', 2)], Return::Committed),
    ]);
    insta::assert_snapshot!([dirty, fractured, effect_first, lost_update, write_skew].join("\n"));
}

#[test]
fn a_transaction_of_unknown_outcome_counts_once_it_was_seen() {
    use store::Event::{Read, Write};
    use store::{Return, Store};
    let history = table(
        Store::<char, u64>::default(),
        vec![
            (1, 1, 0, vec![Write('x', 1), Write('y', 1)], Return::Committed),
            (2, 2, 3, vec![Read('x', None)], Return::Committed),
            (2, 4, 5, vec![Read('x', Some(1)), Read('y', Some(1))], Return::Committed),
        ],
    );
    for level in [
        Isolation::ReadCommitted,
        Isolation::ReadAtomic,
        Isolation::Causal,
        Isolation::Serializable,
        Isolation::StrictSerializable,
    ] {
        assert!(isolation(&history, level, &Budget::default()).is_ok());
    }
}

#[test]
fn what_a_regular_register_allows_and_what_it_does_not() {
    // what quorums give whose readers do not write back: the second of two readers may see the older value
    let inverted = registers(vec![
        write(1, 1, 2, 'x', 1),
        write(1, 10, 90, 'x', 2),
        read(2, 20, 30, 'x', 2),
        read(3, 40, 50, 'x', 1),
        write(4, 5, 0, 'x', 3),
        read(2, 60, 61, 'x', 3),
        read(3, 70, 71, 'x', 2),
    ]);
    assert!(regular(&inverted).is_ok());
    assert!(linearizable(&inverted, &Budget::default()).is_violation());
    // A write that began after a read of another one may come before that one: it was in no order of the read.
    let later_but_lower = registers(vec![
        write(1, 1, 0, 'x', 5),
        read(2, 2, 3, 'x', 5),
        write(3, 10, 20, 'x', 4),
        read(2, 30, 31, 'x', 5),
        read(3, 40, 41, 'x', 5),
    ]);
    assert!(regular(&later_but_lower).is_ok());

    let mut text = String::new();
    let mut add = |history: &History<Keys>| text += &(told(history, regular) + "\n");
    add(&registers(vec![write(1, 1, 2, 'x', 1), read(2, 3, 4, 'x', None)]));
    add(&registers(vec![write(1, 1, 2, 'x', 1), write(2, 3, 4, 'x', 2), read(3, 5, 6, 'x', 1)]));
    // neither write came before the other, but once both are over all readers must agree
    add(&registers(vec![
        write(1, 1, 4, 'x', 1),
        write(2, 2, 5, 'x', 2),
        read(3, 3, 9, 'x', 1),
        read(3, 10, 11, 'x', 2),
        read(4, 12, 13, 'x', 1),
    ]));
    add(&registers(vec![read(1, 1, 2, 'x', 7)]));
    add(&registers(vec![read(1, 1, 2, 'x', 7), write(2, 3, 4, 'x', 7)]));
    add(&registers(vec![write(1, 1, 2, 'x', 1), write(2, 3, 4, 'x', 1)]));
    insta::assert_snapshot!(text);
}

#[test]
fn processes_have_the_names_they_are_given() {
    let mut history =
        registers(vec![write(1, 1, 0, 'x', 1), read(2, 3, 4, 'x', 1), read(12, 5, 6, 'x', None)]);
    history.name(Process(2), "the client of n2");
    history.name(Process(12), "the client of n5");
    let verdict = linearizable(&history, &Budget::default());
    let why = "the client of n5 read nothing from x after the client of n2 had read 1";
    assert_eq!(verdict.to_string(), format!("not linearizable: {why}"));
    assert_eq!(history.restrict(&[OpId(0), OpId(2)]).who(Process(12)), "the client of n5");
    assert_eq!(history.who(Process(1)), "p1");
}

#[test]
fn strongest_and_weakest() {
    let history = registers(vec![
        write(1, 1, 2, 'x', 1),
        read(2, 3, 4, 'x', 1),
        write(2, 5, 6, 'y', 2),
        read(3, 7, 8, 'y', 2),
        read(3, 9, 10, 'x', None),
    ]);
    let budget = Budget::default();
    let strongest = strongest(&history, &budget);
    assert_eq!(strongest, [Level::ReadYourWrites, Level::MonotonicReads, Level::MonotonicWrites]);
    let weakest: Vec<Level> = weakest_broken(&history, &budget).iter().map(|v| v.level).collect();
    assert_eq!(weakest, [Level::Causal, Level::WritesFollowReads, Level::Regular]);
    assert!(matches!(survey(&history, &budget).verdict(Level::Convergent), Some(Verdict::Undecided { .. })));
}

#[test]
fn a_timeline_with_faults() {
    let history = registers(vec![
        write(1, 10, 40, 'x', 1),
        write(2, 20, 0, 'x', 2),
        read(3, 50, 60, 'x', 2),
        read(4, 70, 80, 'x', 1),
        read(4, 75, 0, 'x', 1),
    ]);
    let Verdict::Violation(violation) = linearizable(&history, &Budget::default()) else {
        panic!("it is one")
    };
    let faults = [
        Fault { from: 15, to: Some(65), what: "partition n1 | n2 n3".to_owned() },
        Fault { from: 70, to: None, what: "n2 crashed <&>".to_owned() },
    ];
    let all: Vec<OpId> = history.iter().map(|(id, _)| id).collect();
    let timeline = Timeline::new(&history, &all, Some(violation.guilty), &faults);
    insta::assert_snapshot!(timeline.to_text());
    insta::assert_snapshot!(timeline.to_svg());
}
