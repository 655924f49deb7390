//! `happens_before`: what is right, from the definition, and how a wrong answer is told.

use super::drawing::drawing;
use super::worlds::Run;
use judge::{Reached, Story};
use kit::quiz::{Key, Quiz};
use kit::rust::Expr;
use lab::NodeId;
use lab::happens_before::{Event, EventId, MessageId, ORDER, Order, What};
use std::collections::{BTreeMap, BTreeSet};

pub(super) const FAR: &str = "a chain over three nodes";
pub(super) const LIVES: &str = "a chain through a restart";
pub(super) const LOST: &str = "a message that never arrived";
pub(super) const TWICE: &str = "a message that arrived twice";

/// A run, in no order, and two of its events.
pub(super) type Question = (Vec<Event>, EventId, EventId);

/// The quiz.
pub(super) struct HappensBefore;

impl Quiz for HappensBefore {
    const ROLE: &'static str = ORDER;
    const USES: &'static [&'static str] = &[
        "chapter::happens_before::order",
        "lab::happens_before::*",
        "lab::{NodeId, WallTime}",
        "std::time::Duration",
    ];
    type Question = Question;
    type Answer = Order;

    /// `Same` is asked for in one check only.
    fn answers() -> Vec<Order> {
        vec![Order::Before, Order::After, Order::Concurrent]
    }
    fn key(question: &Question) -> Key<Order> {
        let (run, a, b) = asked(question);
        Key::Is(run.truth(a, b))
    }
    fn rule(question: &Question) -> &'static str {
        let (run, a, b) = asked(question);
        match run.truth(a, b) {
            Order::Before => "before",
            Order::After => "after",
            Order::Concurrent => "concurrent",
            Order::Same => "same",
        }
    }
    fn wrong(question: &Question, answer: &Order) -> String {
        let (run, a, b) = asked(question);
        run.wrong(a, b, *answer)
    }
    fn call((run, a, b): &Question) -> Expr {
        Expr::call("order", vec![Expr::of(run).borrowed(), Expr::of(a), Expr::of(b)])
    }
    fn drawing(question: &Question) -> Option<Story> {
        let (run, a, b) = asked(question);
        Some(drawing(&run, a, b))
    }
    fn simpler((events, a, b): &Question) -> Vec<Question> {
        let run = Run::of(events);
        let mut simpler: Vec<Vec<Event>> = Vec::new();
        for parts in [2, 4, 8, 16] {
            let size = run.events.len().div_ceil(parts).max(1);
            simpler.extend(run.events.chunks(size).map(|gone| without(&run.events, gone, [*a, *b])));
        }
        let each = run.events.chunks(1).map(|gone| without(&run.events, gone, [*a, *b]));
        simpler.extend(each);
        simpler.retain(|simpler| simpler.len() < events.len());
        simpler.into_iter().map(|simpler| (simpler, *a, *b)).collect()
    }
    fn shows(question: &Question, reached: &mut Reached) {
        let (run, a, b) = asked(question);
        if run.truth(a, b) == Order::Before {
            let chain = run.chain(a, b);
            let nodes: BTreeSet<NodeId> = chain.iter().map(|e| run.events[*e].node).collect();
            reached.mark_if(FAR, nodes.len() > 2);
            let restarts = |pair: &[usize]| {
                run.events[pair[0]].node == run.events[pair[1]].node && !run.of_one_life(pair[0], pair[1])
            };
            reached.mark_if(LIVES, chain.windows(2).any(restarts));
        }
        for message in run.messages.iter().filter(|message| [a, b].contains(&message.sent)) {
            reached.mark_if(LOST, message.receipts.is_empty());
            reached.mark_if(TWICE, message.receipts.len() > 1);
        }
    }
}

fn asked((events, a, b): &Question) -> (Run, usize, usize) {
    let run = Run::of(events);
    let (a, b) = (run.place(*a), run.place(*b));
    (run, a, b)
}
/// The run without these events, but with those that are asked about; a message arrives only if its sending is left.
fn without(events: &[Event], gone: &[Event], asked: [EventId; 2]) -> Vec<Event> {
    let is_asked = |event: &&Event| asked.contains(&event.id);
    let needed: BTreeSet<MessageId> = events.iter().filter(is_asked).filter_map(received).collect();
    let stays = |event: &&Event| {
        is_asked(event)
            || !gone.contains(event)
            || sent(event).is_some_and(|message| needed.contains(&message))
    };
    let mut left: Vec<Event> = events.iter().filter(stays).copied().collect();
    let left_sent: BTreeSet<MessageId> = left.iter().filter_map(sent).collect();
    left.retain(|event| received(event).is_none_or(|message| left_sent.contains(&message)));
    let mut places: BTreeMap<(NodeId, u32), u32> = BTreeMap::new();
    for event in &mut left {
        let place = places.entry((event.node, event.life)).or_default();
        *place += 1;
        event.place = *place;
    }
    left
}
fn received(event: &Event) -> Option<MessageId> {
    match event.what {
        What::Received { message, .. } => Some(message),
        What::Local | What::Sent { .. } => None,
    }
}
fn sent(event: &Event) -> Option<MessageId> {
    match event.what {
        What::Sent { message, .. } => Some(message),
        What::Local | What::Received { .. } => None,
    }
}
