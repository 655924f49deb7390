//! A story as a space-time diagram: a lane for each node, time downwards, messages as arrows.

use crate::text::harmless;
use judge::{Becomes, Label, Row, Sign, Story, What};
use lab::NodeId;
use std::collections::BTreeMap;
use world::{ClientId, LossReason};

/// The columns of the times.
const TIMES: usize = 11;
/// A lane is at least and at most so wide.
const LANE: std::ops::RangeInclusive<usize> = 7..=16;
/// What stands beside the lanes has at least so many columns.
const NOTES_MIN: usize = 26;

/// With which signs to draw.
struct Signs {
    lane: char,
    line: char,
    right: char,
    left: char,
    lost: char,
    open: char,
    start: char,
    crash: char,
    pause: char,
    timer: char,
    act: char,
    quiet: char,
    mark: &'static str,
}
const UNICODE: Signs = Signs {
    lane: '│',
    line: '─',
    right: '►',
    left: '◄',
    lost: '✗',
    open: '·',
    start: '↻',
    crash: '✗',
    pause: '‖',
    timer: '◷',
    act: '●',
    quiet: '⋮',
    mark: "◄━",
};
const ASCII: Signs = Signs {
    lane: '|',
    line: '-',
    right: '>',
    left: '<',
    lost: 'x',
    open: '.',
    start: '^',
    crash: 'X',
    pause: '=',
    timer: '@',
    act: '*',
    quiet: ':',
    mark: "<==",
};

/// Who has a lane.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Who {
    Clients,
    Node(NodeId),
}

/// Draws a story in so many columns.
pub(crate) fn draw(story: &Story, width: usize, ascii: bool) -> String {
    let mut lanes: Vec<Who> = Vec::new();
    if !story.clients.is_empty() {
        lanes.push(Who::Clients);
    }
    lanes.extend(story.nodes.iter().map(|node| Who::Node(*node)));
    let room = width.saturating_sub(TIMES + 2 + NOTES_MIN);
    let lane = (room / lanes.len().max(1)).clamp(*LANE.start(), *LANE.end());
    let notes_at = TIMES + 2 + lane * lanes.len();
    let notes_width = width.saturating_sub(notes_at).max(16);
    let canvas = Canvas {
        signs: if ascii { &ASCII } else { &UNICODE },
        clients: &story.clients,
        roles: &story.roles,
        lanes,
        lane,
        notes_width,
        names: &story.names,
    };
    let mut out = canvas.heads();
    let mut before = None;
    for row in &story.rows {
        let time = row.at.to_string();
        // the same time is said once
        let time = if story.is_timeless || before.as_ref() == Some(&time) { String::new() } else { time };
        before = Some(row.at.to_string());
        canvas.row(row, &time, &mut out);
    }
    for text in &story.below {
        let indent = " ".repeat(TIMES + 1);
        let options = textwrap::Options::new(width).initial_indent(&indent).subsequent_indent(&indent);
        for line in textwrap::wrap(&harmless(text), options) {
            out.push_str(&line);
            out.push('\n');
        }
    }
    out
}

struct Canvas<'a> {
    signs: &'a Signs,
    clients: &'a [ClientId],
    roles: &'a BTreeMap<NodeId, &'static str>,
    lanes: Vec<Who>,
    lane: usize,
    notes_width: usize,
    names: &'a BTreeMap<NodeId, String>,
}
impl Canvas<'_> {
    /// The column of a lane.
    fn column(&self, who: Who) -> usize {
        self.lanes.iter().position(|lane| *lane == who).unwrap_or(0) * self.lane + 1
    }
    fn name(&self, node: NodeId) -> String {
        self.names.get(&node).cloned().unwrap_or_else(|| node.to_string())
    }
    fn empty(&self) -> Vec<char> {
        let mut cells = vec![' '; self.lane * self.lanes.len()];
        for nth in 0..self.lanes.len() {
            cells[nth * self.lane + 1] = self.signs.lane;
        }
        cells
    }
    /// Who has which lane; names of nodes beside their ids where there is room for all of them, and below them elsewhere.
    fn heads(&self) -> String {
        let name = |who: &Who| match who {
            Who::Node(node) => self.roles.get(node).copied(),
            Who::Clients => None,
        };
        let id = |who: &Who| match who {
            Who::Clients if self.clients.len() == 1 => "client".to_owned(),
            Who::Clients => "clients".to_owned(),
            Who::Node(node) => self.name(*node),
        };
        let whole = |who: &Who| match name(who) {
            Some(name) => format!("{} ({name})", id(who)),
            None => id(who),
        };
        if self.roles.is_empty() || self.lanes.iter().all(|lane| whole(lane).chars().count() < self.lane) {
            return self.head(whole);
        }
        self.head(id) + &self.head(|who| name(who).unwrap_or_default().to_owned())
    }
    fn head(&self, says: impl Fn(&Who) -> String) -> String {
        let mut cells = vec![' '; self.lane * self.lanes.len()];
        for (nth, lane) in self.lanes.iter().enumerate() {
            let mut text = says(lane);
            if text.chars().count() >= self.lane {
                text = text.chars().take(self.lane - 2).chain(['.']).collect();
            }
            put(&mut cells, (nth * self.lane + 1).saturating_sub(usize::from(text.len() > 2)), &text);
        }
        line("", &cells, "")
    }
    fn row(&self, row: &Row, time: &str, out: &mut String) {
        let mut cells = self.empty();
        let mut notes: Vec<String> = Vec::new();
        let mut time = time;
        match &row.what {
            What::Message { from, to, label, left } => {
                self.arrow(&mut cells, Who::Node(*from), Who::Node(*to), label, *left, None, &mut notes);
            }
            What::Leaves { from, to, label, becomes } => {
                let number = if let Becomes::Arrives(number) = becomes { Some(*number) } else { None };
                let (from, to) = (Who::Node(*from), Who::Node(*to));
                self.arrow(&mut cells, from, to, label, number, Some(*becomes), &mut notes);
            }
            What::Asked { client, node, label } => {
                self.arrow(&mut cells, Who::Clients, Who::Node(*node), label, None, None, &mut notes);
                self.name_client(*client, &mut notes);
            }
            What::Answered { client, node, label } => {
                self.arrow(&mut cells, Who::Node(*node), Who::Clients, label, None, None, &mut notes);
                self.name_client(*client, &mut notes);
            }
            What::GivesUp { client, node: _, text } => {
                cells[self.column(Who::Clients)] = self.signs.lost;
                notes.push(format!("client {} {}", client.0, harmless(text)));
            }
            What::On { node, sign, text } => {
                let sign = match sign {
                    Sign::Start | Sign::Resume => self.signs.start,
                    Sign::Crash | Sign::Broke => self.signs.crash,
                    Sign::Pause => self.signs.pause,
                    Sign::Timer => self.signs.timer,
                    Sign::Call | Sign::Fault | Sign::Act => self.signs.act,
                };
                cells[self.column(Who::Node(*node))] = sign;
                notes.push(format!("{} {}", self.name(*node), harmless(text).replace('\n', " ")));
            }
            What::Everywhere(text) => {
                for nth in 0..self.lanes.len() {
                    cells[nth * self.lane + 1] = self.signs.line;
                }
                for cell in &mut cells {
                    if *cell == ' ' {
                        *cell = self.signs.open;
                    }
                }
                notes.push(harmless(text));
            }
            What::Quiet(many) => {
                time = "";
                for nth in 0..self.lanes.len() {
                    cells[nth * self.lane + 1] = self.signs.quiet;
                }
                notes.push(format!("{many} more event{}", if *many == 1 { "" } else { "s" }));
            }
        }
        notes.extend(row.notes.iter().map(|note| harmless(note)));
        if let Some(mark) = &row.mark {
            notes.push(format!("{} {}", self.signs.mark, harmless(mark)));
        }
        self.print(time, &cells, &notes, out);
    }
    /// A row, and what is beside it, on as many lines as it takes.
    fn print(&self, time: &str, cells: &[char], notes: &[String], out: &mut String) {
        let options = textwrap::Options::new(self.notes_width).subsequent_indent("  ");
        let lines: Vec<String> = notes
            .iter()
            .flat_map(|note| textwrap::wrap(note, &options))
            .map(|line| line.into_owned())
            .collect();
        out.push_str(&line(time, cells, lines.first().map(String::as_str).unwrap_or_default()));
        let empty = self.empty();
        for more in lines.iter().skip(1) {
            out.push_str(&line("", &empty, more));
        }
    }
    fn name_client(&self, client: ClientId, notes: &mut [String]) {
        if self.clients.len() > 1
            && let Some(note) = notes.first_mut()
        {
            let said = if note.is_empty() { String::new() } else { format!(": {note}") };
            *note = format!("client {}{said}", client.0);
        }
    }
    #[expect(clippy::too_many_arguments, reason = "an arrow has two ends, a name, a number and a fate")]
    fn arrow(
        &self,
        cells: &mut [char],
        from: Who,
        to: Who,
        label: &Label,
        number: Option<u32>,
        becomes: Option<Becomes>,
        notes: &mut Vec<String>,
    ) {
        let (a, b) = (self.column(from), self.column(to));
        let (left, right) = (a.min(b), a.max(b));
        let mut said = harmless(&label.fields).replace('\n', " ");
        let name = harmless(&label.name);
        if a == b {
            // to itself
            cells[a] = self.signs.act;
            said = format!("{name} {said}");
            if let Who::Node(node) = from {
                said = format!("{node} to itself: {said}");
            }
        } else {
            for (column, cell) in cells.iter_mut().enumerate().take(right).skip(left + 1) {
                // it passes behind the lanes between
                if *cell == ' ' {
                    *cell = self.signs.line;
                }
                debug_assert!(column < right);
            }
            match becomes {
                Some(Becomes::Lost(_)) => {
                    // it ends before it is there
                    let (near, gone) = if a < b { (right - 2, right - 1) } else { (left + 2, left + 1) };
                    cells[near] = self.signs.lost;
                    cells[gone] = ' ';
                }
                _ if a < b => cells[right - 1] = self.signs.right,
                _ => cells[left + 1] = self.signs.left,
            }
            if number.is_some() && becomes.is_none() {
                // it left earlier: only its end is here
                for cell in &mut cells[left + 1..right] {
                    if *cell == self.signs.line {
                        *cell = self.signs.open;
                    }
                }
            }
            let tag = number.map(|number| format!("({number})")).unwrap_or_default();
            let text = format!("{name}{tag}");
            // beside its sender, where no lane is in the way
            let free = self.lane.min(right - left) - 1;
            let room = free.saturating_sub(if right - left <= self.lane { 3 } else { 2 });
            if text.len() <= room && text.is_ascii() && !text.is_empty() {
                let spare = if right - left <= self.lane { room - text.len() } else { 0 };
                let at = if a < b { a + 2 + spare / 2 } else { a - 1 - text.len() - spare / 2 };
                let at = at.max(left + 1 + usize::from(a > b && right - left <= self.lane));
                put(cells, at, &text);
            } else {
                said = format!("{text} {said}");
            }
        }
        match becomes {
            Some(Becomes::Lost(reason)) => said = format!("{said} ({})", lost(reason)),
            Some(Becomes::UnderWay) => said = format!("{said} (under way)"),
            _ => {}
        }
        notes.push(said.trim().to_owned());
    }
}
fn lost(reason: LossReason) -> &'static str {
    match reason {
        LossReason::Network => "lost",
        LossReason::Partition => "lost: cut off",
        LossReason::Down => "lost: the receiver is down",
        LossReason::TooBig => "lost: too long for the link",
        LossReason::Nobody => "to nobody: there is no such node",
        LossReason::Fault => "lost",
    }
}
fn put(cells: &mut [char], at: usize, text: &str) {
    for (cell, c) in cells.iter_mut().skip(at).zip(text.chars()) {
        *cell = c;
    }
}
fn line(time: &str, cells: &[char], note: &str) -> String {
    let cells: String = cells.iter().collect();
    format!("{}\n", format!("{time:>TIMES$} {cells} {note}").trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;
    use world::Time;

    fn row(at: u64, what: What) -> Row {
        Row { at: Time::from_millis(at), what, notes: Vec::new(), mark: None }
    }
    fn story(role: &'static str) -> Story {
        let label = Label { name: "Prepare".to_owned(), fields: "tx=1".to_owned() };
        let (client, node) = (ClientId(2), NodeId(1));
        let becomes = Becomes::Lost(LossReason::Fault);
        let text = "gives up: the outcome is unknown".to_owned();
        Story {
            nodes: vec![NodeId(1), NodeId(2)],
            roles: [(NodeId(1), role)].into(),
            names: BTreeMap::new(),
            clients: vec![client],
            rows: vec![
                row(10, What::Leaves { from: NodeId(1), to: NodeId(2), label, becomes }),
                row(20, What::GivesUp { client, node, text }),
            ],
            below: Vec::new(),
            is_timeless: false,
        }
    }

    #[test]
    fn a_role_stands_beside_the_id_where_there_is_room_and_below_it_elsewhere() {
        let heads = |role| {
            let drawn = draw(&story(role), 80, true);
            drawn.lines().take(2).map(|line| line.trim().to_owned()).collect::<Vec<String>>()
        };
        assert_eq!(
            heads("primary")[0].split_whitespace().collect::<Vec<_>>(),
            ["client", "n1", "(primary)", "n2"]
        );
        let below = heads("coordinator of all");
        assert_eq!(below[0].split_whitespace().collect::<Vec<_>>(), ["client", "n1", "n2"]);
        assert!(below[1].starts_with("coordinator") && below[1].ends_with('.'), "{below:?}");
    }

    #[test]
    fn a_lost_message_ends_before_it_is_there_and_a_client_gives_up_in_its_own_lane() {
        let drawn = draw(&story("primary"), 80, true);
        let lines: Vec<&str> = drawn.lines().skip(1).collect();
        assert!(lines[0].contains("-Prepare-") && lines[0].contains("x |"), "{drawn}");
        assert!(lines[0].contains("tx=1 (lost)"), "{drawn}");
        let all = lines[1..].iter().map(|line| line.trim()).collect::<Vec<_>>().join(" ");
        assert!(all.starts_with("20 ms  x") && all.contains("client 2 gives up: the"), "{drawn}");
    }
}
