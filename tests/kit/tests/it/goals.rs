//! The goals that many exercises share.

use crate::{Habit, judged, stage};
use kit::{Patience, Rules, goals, ms};
use lab::NodeId;

const N1: NodeId = NodeId(1);

#[test]
fn a_run_is_over_when_its_goals_have_come_true() {
    let mut stage = stage(Habit::Honest);
    stage.ask(ms(10), N1, 7);
    stage.ask(ms(20), NodeId(2), 8);
    let rules = Rules::of(goals::answered(ms(100))).and(goals::emitted(
        "word 8",
        |word| *word == 8,
        [(NodeId(3), 1)],
        ms(500),
    ));
    assert_eq!(judged(stage, rules), ("kept".to_owned(), ms(21)));
}
#[test]
fn a_request_without_an_answer_is_named() {
    let mut silent = stage(Habit::Silent);
    silent.ask(ms(10), N1, 7);
    let (said, _) = judged(silent, Rules::of(goals::answered(ms(100))));
    insta::assert_snapshot!(said, @"answers-its-client: n1 was asked at 10 ms, but it has not answered by 11 ms. An answer is due within 100 ms of the request.");
}
#[test]
fn after_a_calm_the_time_for_an_answer_counts_from_the_calm() {
    let mut silent = stage(Habit::Silent);
    silent.calm(ms(200));
    silent.ask(ms(10), N1, 7);
    silent.ask(ms(900), N1, 8);
    let (said, over) = judged(silent, Rules::of(goals::answered(ms(100))));
    insta::assert_snapshot!(said, @"answers-its-client: n1 was asked at 10 ms, but it has not answered by 900 ms. An answer is due within 100 ms of the request, or of 200 ms, when the last fault ended.");
    assert_eq!(over, ms(900));
}
#[test]
fn an_event_that_never_comes_is_named() {
    let mut stage = stage(Habit::Honest);
    stage.ask(ms(10), N1, 7);
    let rules = Rules::of(goals::emitted("word 7", |word| *word == 7, [(NodeId(2), 2)], ms(500)));
    insta::assert_snapshot!(judged(stage, rules).0, @"emits-in-time: n2 did not emit word 7 by 500 ms.");
}
#[test]
fn too_many_messages_are_counted_by_sender() {
    let mut chatty = stage(Habit::Chatty);
    chatty.ask(ms(5), NodeId(3), 1);
    let patience = Patience { think: ms(1), timeout: ms(50), attempts: 1 };
    chatty.loop_of(1, ms(10), &[N1], 2..10, patience);
    let (said, _) = judged(chatty, Rules::of(goals::few("for 9 words", ms(0), ms(1_000), 20, 1_000)));
    insta::assert_snapshot!(said, @"few-messages: The nodes sent each other 21 messages between 0 ms and 1000 ms for 9 words. At most 20 are needed. n1 sent most of them: 18 messages.");
}
#[test]
fn a_message_in_a_quiet_time_is_named() {
    let mut stage = stage(Habit::Honest);
    stage.ask(ms(5), N1, 1);
    stage.ask(ms(50), N1, 2);
    let rules = Rules::of(goals::quiet("no node was asked for anything", ms(40), ms(60)));
    insta::assert_snapshot!(judged(stage, rules).0, @"quiet: n1 sent n2 a message at 50 ms, although no node was asked for anything.");
}
