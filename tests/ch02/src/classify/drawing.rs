//! `classify`: the evidence of a question as a run between a node and who watches it.

use super::oracle::{Flaw, arrivals, at, fates};
use judge::{Label, Row, Sign, Story, What};
use lab::NodeId;
use lab::classify::{Duty, Evidence};
use std::collections::BTreeMap;
use world::Time;

const NODE: NodeId = NodeId(1);
const OBSERVER: NodeId = NodeId(2);
/// A drawing that would have more rows leaves out what is as it should be.
const ROWS_MAX: usize = 20;

/// A row, and whether nothing is remarkable about it.
struct Drawn {
    row: Row,
    is_plain: bool,
}
impl Drawn {
    fn new(at: Time, what: What, note: String, is_plain: bool) -> Drawn {
        let notes = if note.is_empty() { Vec::new() } else { vec![note] };
        Drawn { row: Row { at, what, notes, mark: None }, is_plain }
    }
    fn on_node(at: Time, text: String, is_plain: bool) -> Drawn {
        Drawn::new(at, What::On { node: NODE, sign: Sign::Act, text }, String::new(), is_plain)
    }
}

/// What arrives as arrows; what does not, at the moment when it is due.
pub(super) fn drawing(evidence: &Evidence) -> Story {
    let mut drawn: Vec<Drawn> = Vec::new();
    for (arrival, flaw) in arrivals(evidence) {
        let duty = evidence.duties.iter().find(|duty| duty.round == arrival.round);
        let note = match &flaw {
            None => duty.map_or(String::new(), |duty| format!("due at {}", at(duty.due))),
            Some(Flaw::NoSuchRound) => "false: no duty has this round".to_owned(),
            Some(Flaw::OtherContent(duty)) => format!("false: its duty says {}", duty.content),
            Some(Flaw::Again) => "false: the second arrival of its round".to_owned(),
            Some(Flaw::Early(duty)) => format!("too early: due at {}", at(duty.due)),
            Some(Flaw::Late(duty)) => format!("too late: due at {}", at(duty.due)),
        };
        let says = format!("says {}", arrival.content);
        let note = if note.is_empty() { says } else { format!("{says}; {note}") };
        let label = Label { name: format!("round {}", arrival.round), fields: String::new() };
        let what = What::Message { from: NODE, to: OBSERVER, label, left: None };
        drawn.push(Drawn::new(at(arrival.at), what, note, flaw.is_none()));
    }
    for (Duty { round, content, due }, fate) in fates(evidence) {
        let (latest, due) = (at(due + evidence.delta), at(due));
        let becomes = match fate {
            Some(true) => continue,
            Some(false) => format!("broken: Δ was over at {latest}"),
            None => format!("open until {latest}"),
        };
        drawn.push(Drawn::on_node(
            due,
            format!("has to send round {round} (says {content}); {becomes}"),
            false,
        ));
    }
    let now = What::Everywhere(format!("now; Δ is {}", at(evidence.delta)));
    drawn.push(Drawn::new(at(evidence.now), now, String::new(), false));
    for Duty { round, content, due } in evidence.duties.iter().filter(|duty| duty.due > evidence.now) {
        drawn.push(Drawn::on_node(
            at(*due),
            format!("will have to send round {round} (says {content})"),
            true,
        ));
    }
    drawn.sort_by_key(|drawn| drawn.row.at);
    Story {
        nodes: vec![NODE, OBSERVER],
        roles: BTreeMap::new(),
        clients: Vec::new(),
        rows: rows(drawn),
        names: BTreeMap::from([(NODE, "node".to_owned()), (OBSERVER, "observer".to_owned())]),
        below: Vec::new(),
        is_timeless: false,
    }
}
/// The rows; where they are too many, without those that are plain.
fn rows(drawn: Vec<Drawn>) -> Vec<Row> {
    let too_many = drawn.len() > ROWS_MAX;
    let mut rows: Vec<Row> = Vec::new();
    for Drawn { row, is_plain } in drawn {
        match rows.last_mut() {
            Some(Row { what: What::Quiet(left_out), .. }) if too_many && is_plain => *left_out += 1,
            _ if too_many && is_plain => rows.push(Row { what: What::Quiet(1), notes: Vec::new(), ..row }),
            _ => rows.push(row),
        }
    }
    rows
}
