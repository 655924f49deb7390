//! Clients: who asks, how often, and what they learn.

use crate::actor::{Acts, Do, Place};
use crate::stage::{Direct, Run, crash, during, ms, n, pause, stage};
use lab::prelude::Duration;
use world::{
    Cause, Client, LossReason, Matcher, Operation, OperationId, Scenario, Seen, Time, Trigger, When,
};

/// Operations 1, 2, … of one client, each asked of these nodes when the one before has ended.
fn client(operations: &[(&[u32], Vec<Do>)]) -> Client {
    let operation = |(id, (to, what)): (u32, &(&[u32], Vec<Do>))| Operation {
        to: to.iter().map(|id| n(*id)).collect(),
        ..Operation::next::<Acts>(id, n(1), what)
    };
    Client::new(1, (1..).zip(operations).map(operation).collect())
}
fn with(nodes: u32, client: Client) -> Scenario {
    let mut scenario = stage(nodes);
    scenario.clients = vec![client];
    scenario
}
/// What a client lived through: `(milliseconds, what, operation)`.
fn story(run: &Run) -> Vec<(u64, &'static str, u32)> {
    run.all()
        .filter_map(|o| {
            let (what, operation): (_, OperationId) = match &o.seen {
                Seen::Invoked { operation, .. } => ("invoked", *operation),
                Seen::Requested { operation: Some((_, operation)), .. } => ("asked", *operation),
                Seen::Returned { operation, .. } => ("returned", *operation),
                Seen::GaveUp { operation, .. } => ("gave up", *operation),
                _ => return None,
            };
            Some((o.at.0 / 1_000_000, what, operation.0))
        })
        .collect()
}
fn reply_after(after: Duration) -> Vec<Do> {
    vec![Do::Arm(1, after, vec![Do::Reply])]
}

#[test]
fn a_closed_loop_asks_one_after_the_other_with_a_thought_between() {
    let reply = || (&[1][..], reply_after(ms(5)));
    let run = with(1, Client { think: ms(10), ..client(&[reply(), reply(), reply()]) }).run();
    assert_eq!(
        story(&run),
        [
            (0, "invoked", 1),
            (0, "asked", 1),
            (5, "returned", 1),
            (15, "invoked", 2),
            (15, "asked", 2),
            (20, "returned", 2),
            (30, "invoked", 3),
            (30, "asked", 3),
            (35, "returned", 3),
        ]
    );
}

#[test]
fn an_open_loop_asks_at_its_times_whatever_was_answered() {
    let at = |id, at| Operation::at::<Acts>(id, at, n(1), &vec![]);
    let run = with(1, Client::new(1, vec![at(1, ms(10)), at(2, ms(11)), at(3, ms(12))])).run();
    assert_eq!(run.count(|seen| matches!(seen, Seen::Requested { .. })), 3);
    assert_eq!(run.count(|seen| matches!(seen, Seen::Returned { .. })), 0);
}

#[test]
fn clients_have_no_latency_at_all() {
    let run = with(1, client(&[(&[1], vec![Do::Reply])])).run();
    assert_eq!(story(&run), [(0, "invoked", 1), (0, "asked", 1), (0, "returned", 1)]);
    assert!(run.all().all(|o| o.at == Time::ZERO));
}

#[test]
fn without_an_answer_the_outcome_is_unknown() {
    let run =
        with(2, Client { timeout: Some(ms(30)), ..client(&[(&[1], vec![]), (&[2], vec![Do::Reply])]) }).run();
    let second = [(30, "invoked", 2), (30, "asked", 2), (30, "returned", 2)];
    assert_eq!(
        story(&run),
        [&[(0, "invoked", 1), (0, "asked", 1), (30, "gave up", 1)], &second[..]].concat()
    );
}

#[test]
fn who_waits_for_ever_never_gives_up() {
    let run = with(1, client(&[(&[1], vec![]), (&[1], vec![])])).run();
    assert_eq!(story(&run), [(0, "invoked", 1), (0, "asked", 1)]);
}

#[test]
fn a_retry_is_a_new_delivery_of_the_same_operation_at_the_next_node() {
    let run = with(3, Client { timeout: Some(ms(30)), attempts: 4, ..client(&[(&[1, 2, 3], vec![])]) }).run();
    let asked: Vec<_> = run
        .all()
        .filter_map(|o| match &o.seen {
            Seen::Requested { request, operation, .. } => {
                Some((o.at.0 / 1_000_000, o.node, *request, *operation))
            }
            _ => None,
        })
        .collect();
    assert_eq!(
        asked.iter().map(|(at, node, ..)| (*at, node.0)).collect::<Vec<_>>(),
        [(0, 1), (30, 2), (60, 3), (90, 1)]
    );
    assert!(asked.windows(2).all(|pair| pair[0].2 != pair[1].2 && pair[0].3 == pair[1].3), "{asked:?}");
    assert_eq!(story(&run).last(), Some(&(120, "gave up", 1)));
}

#[test]
fn the_answer_to_an_earlier_try_counts_and_a_later_one_is_not_heard_twice() {
    // tries at 0, 30 and 60; the first is answered at 50, the second at 80
    let run =
        with(2, Client { timeout: Some(ms(30)), attempts: 3, ..client(&[(&[1, 2], reply_after(ms(50)))]) })
            .run();
    assert_eq!(story(&run), [(0, "invoked", 1), (0, "asked", 1), (30, "asked", 1), (50, "returned", 1)]);
}

#[test]
fn a_second_reply_and_a_reply_to_nobody_are_noted_and_not_heard() {
    let run = with(1, client(&[(&[1], vec![Do::Reply, Do::ReplyAgain]), (&[1], vec![Do::Reply])])).run();
    let heard: Vec<bool> = run
        .all()
        .filter_map(|o| if let Seen::Replied { heard, .. } = o.seen { Some(heard) } else { None })
        .collect();
    assert_eq!(heard, [true, false, true]);
    assert_eq!(run.count(|seen| matches!(seen, Seen::Returned { .. })), 2);
}

#[test]
fn a_reply_after_a_crash_is_not_heard() {
    // the request lives on in nobody's memory
    let run = with(1, Client { timeout: Some(ms(60)), ..client(&[(&[1], reply_after(ms(20)))]) })
        .fault(during(ms(5), ms(10), crash(1)))
        .run();
    assert_eq!(story(&run), [(0, "invoked", 1), (0, "asked", 1), (60, "gave up", 1)]);
}

#[test]
fn a_request_to_a_node_that_is_down_is_lost_and_one_to_a_paused_node_waits() {
    let at = Operation::at::<Acts>(1, ms(10), n(1), &vec![Do::Reply]);
    let client = Client { timeout: Some(ms(50)), ..Client::new(1, vec![at]) };
    let down = with(1, client.clone()).fault(during(ms(5), ms(20), crash(1))).run();
    assert_eq!(story(&down), [(10, "invoked", 1), (60, "gave up", 1)]);
    assert_eq!(down.count(|seen| matches!(seen, Seen::Lost { reason: LossReason::Down })), 1);
    let paused = with(1, client).fault(during(ms(5), ms(20), pause(1))).run();
    assert_eq!(story(&paused), [(10, "invoked", 1), (20, "asked", 1), (20, "returned", 1)]);
}

/// A client that takes only the answers of nodes that had been asked at least so often.
fn picky(least: u32, client: Client) -> Client {
    Client { accepts: Some(Matcher::typed(move |asked: &u32| *asked >= least)), ..client }
}

#[test]
fn an_answer_that_does_not_do_is_followed_by_a_thought_and_another_try() {
    let run =
        with(1, Client { think: ms(10), attempts: 5, ..picky(3, client(&[(&[1], vec![Do::Reply])])) }).run();
    let expected =
        [(0, "invoked", 1), (0, "asked", 1), (10, "asked", 1), (20, "asked", 1), (20, "returned", 1)];
    assert_eq!(story(&run), expected);
}

#[test]
fn the_last_answer_is_taken_as_it_is() {
    let run =
        with(1, Client { think: ms(10), attempts: 2, ..picky(9, client(&[(&[1], vec![Do::Reply])])) }).run();
    assert_eq!(story(&run), [(0, "invoked", 1), (0, "asked", 1), (10, "asked", 1), (10, "returned", 1)]);
}

#[test]
fn a_refused_try_is_over_and_its_timeout_means_nothing() {
    // refused at 0; while the client thinks until 50, the try's own timeout passes at 20
    let run = with(
        1,
        Client {
            think: ms(50),
            timeout: Some(ms(20)),
            attempts: 2,
            ..picky(2, client(&[(&[1], vec![Do::Reply])]))
        },
    )
    .run();
    assert_eq!(story(&run), [(0, "invoked", 1), (0, "asked", 1), (50, "asked", 1), (50, "returned", 1)]);
}

#[test]
fn a_late_refusal_of_an_old_try_says_nothing_about_the_new_one() {
    // tried at 0 and, after the timeout, at 30; the refusal of the first comes at 40
    let slow_refusal = vec![Do::Arm(1, ms(40), vec![Do::Reply])];
    let mut scenario = with(
        2,
        Client { timeout: Some(ms(30)), attempts: 2, ..picky(2, client(&[(&[1, 2], slow_refusal)])) },
    );
    // node 2 has been asked before, so that its answer, at 70, would do: but that is too late
    scenario = scenario.tell(ms(5), 2, vec![Do::Reply]);
    let run = scenario.run();
    let of_first: Vec<_> = story(&run).into_iter().filter(|(at, ..)| *at != 5).collect();
    assert_eq!(of_first, [(0, "invoked", 1), (0, "asked", 1), (30, "asked", 1), (60, "gave up", 1)]);
}

#[test]
fn a_lost_request_and_a_retry_know_which_operation_they_are_of() {
    let run = with(1, Client { timeout: Some(ms(30)), attempts: 2, ..client(&[(&[1], vec![])]) })
        .fault(during(ms(20), ms(40), crash(1)))
        .run();
    let lost = run.all().find(|o| matches!(o.seen, Seen::Lost { .. })).expect("the second try is lost");
    let Cause::Observation(cause) = lost.cause else { panic!("it comes from an operation") };
    assert!(matches!(run.trace.get(cause).seen, Seen::Invoked { .. }));
}

#[test]
fn an_operation_can_wait_for_something_to_happen() {
    let wrote = Trigger::Seen(world::Pattern::of(world::SeenKind::Synced).at(n(1)));
    let mut scenario = stage(1).tell(ms(40), 1, vec![Do::Write(Place::Log), Do::Sync]);
    let operation = Operation::next::<Acts>(1, n(1), &vec![Do::Say(1)]);
    let when = When::On { trigger: wrote, nth: 1, after: ms(5) };
    scenario.clients.push(Client::new(9, vec![Operation { at: Some(when), ..operation }]));
    scenario.nodes[0].sync = (ms(2), ms(2));
    assert_eq!(scenario.run().said(1).last().map(|(at, _)| *at), Some(Time::from_millis(47)));
}

#[test]
fn taking_an_operation_out_leaves_the_names_of_the_others() {
    let all = with(1, client(&[(&[1], vec![Do::Roll, Do::Reply]), (&[1], vec![Do::Roll, Do::Reply])]));
    let mut some = all.clone();
    some.clients[0].operations.remove(0);
    // same operation, same chain of causes, same chance
    assert_eq!(all.run().said(1).last(), some.run().said(1).last());
}
