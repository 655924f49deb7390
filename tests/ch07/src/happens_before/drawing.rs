//! `happens_before`: the run of a question, a column a node.

use super::worlds::Run;
use judge::{Becomes, Label, Row, Sign, Story, What as Shown};
use lab::happens_before::{Event, MessageId, Order, What};
use std::collections::{BTreeMap, BTreeSet};
use world::{LossReason, Time};

/// A drawing that would have more rows leaves out what is on no chain between the two.
const ROWS_MAX: usize = 24;

/// The events in an order in which they can have happened, and the two that the question is about.
pub(super) fn drawing(run: &Run, a: usize, b: usize) -> Story {
    let shown: BTreeSet<usize> = match run.truth(a, b) {
        _ if run.events.len() <= ROWS_MAX => (0..run.events.len()).collect(),
        Order::Before => run.chain(a, b).into_iter().collect(),
        Order::After => run.chain(b, a).into_iter().collect(),
        Order::Concurrent | Order::Same => [a, b].into(),
    };
    let mut rows: Vec<Row> = Vec::new();
    for nth in 0..run.events.len() {
        if shown.contains(&nth) {
            let mark = match (nth == a, nth == b) {
                (true, true) => Some("a, and b".to_owned()),
                (true, false) => Some("a".to_owned()),
                (false, true) => Some("b".to_owned()),
                (false, false) => None,
            };
            rows.push(Row { at: Time::ZERO, what: what(run, nth, &shown), notes: vec![run.name(nth)], mark });
        } else if let Some(Row { what: Shown::Quiet(many), .. }) = rows.last_mut() {
            *many += 1;
        } else {
            rows.push(Row { at: Time::ZERO, what: Shown::Quiet(1), notes: Vec::new(), mark: None });
        }
    }
    let nodes: BTreeSet<_> = shown.iter().map(|nth| run.events[*nth].node).collect();
    let to = run.messages.iter().filter(|message| shown.contains(&message.sent)).map(|message| message.to);
    let nodes = nodes.into_iter().chain(to).collect::<BTreeSet<_>>().into_iter().collect();
    Story {
        nodes,
        roles: BTreeMap::new(),
        clients: Vec::new(),
        rows,
        names: BTreeMap::new(),
        below: Vec::new(),
        is_timeless: true,
    }
}
fn what(run: &Run, nth: usize, shown: &BTreeSet<usize>) -> Shown {
    let Event { node, life, what, .. } = run.events[nth];
    let label = |MessageId(id): MessageId| Label { name: format!("m{id}"), fields: String::new() };
    match what {
        What::Local => {
            let life = if life == 0 { String::new() } else { format!(", in life {life}") };
            Shown::On { node, sign: Sign::Act, text: format!("alone{life}") }
        }
        What::Sent { to, message } => {
            let receipts = run.messages.iter().find(|sending| sending.sent == nth).map(|m| &m.receipts);
            let becomes = match receipts {
                Some(receipts) if receipts.is_empty() => Becomes::Lost(LossReason::Network),
                Some(receipts) if receipts.iter().any(|receipt| shown.contains(receipt)) => {
                    Becomes::Arrives(message.0)
                }
                _ => Becomes::UnderWay,
            };
            Shown::Leaves { from: node, to, label: label(message), becomes }
        }
        What::Received { from, message } => {
            Shown::Message { from, to: node, label: label(message), left: Some(message.0) }
        }
    }
}
