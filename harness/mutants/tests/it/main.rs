//! Cards: how they are read, where their hunks go, and what is said of those that are wrong.

mod anchors;
mod cards;
mod nulls;
mod right;
mod wrong;

use mutants::Card;

/// A reference of one file: a type with two functions that share a line, and a function of the same name outside of it.
const REFERENCE: &str = "\
//! A node, for tests.
const LIMIT: u64 = 9;

pub struct Clock {
    time: u64,
}

impl Node for Clock {
    fn start() -> Self {
        Clock { time: 0 }
    }
    /// A request: { is no brace here.
    fn on_request(&mut self, request: u64) {
        self.time += 1;

        if request > LIMIT {
            self.time += 1;
        }
    }
    fn on_message(&mut self, seen: u64) {
        self.time += 1;
        self.tick(seen);
    }
    fn status(&self) -> u64 {
        self.time
    }
}

impl Clock {
    fn tick(&mut self, seen: u64) {
        fn later(a: u64, b: u64) -> u64 {
            a.max(b)
        }
        self.time = later(self.time, seen);
    }
}

pub fn later(a: u64, b: u64) -> bool {
    a > b
}

mod tests {
    fn later() {}
}
";

/// The cards of a text that has no fault.
fn read(text: &str) -> Vec<Card> {
    mutants::parse("clock.diff", text).unwrap_or_else(|faults| panic!("{faults}"))
}
/// What one card makes of the reference, as lines that differ.
fn applied(text: &str) -> String {
    let cards = read(text);
    let [card] = &cards[..] else { panic!("{} cards", cards.len()) };
    changes(card)
}
fn changes(card: &Card) -> String {
    let files = card.apply([("src/clock.rs", REFERENCE), ("src/lib.rs", "pub mod clock;\n")]);
    let files = files.unwrap_or_else(|faults| panic!("{faults}"));
    assert_eq!(files[1].1, "pub mod clock;\n", "a file that the card does not name stays");
    let diff = similar::TextDiff::from_lines(REFERENCE, &files[0].1);
    diff.unified_diff().context_radius(1).to_string()
}
/// All that is wrong with a text, or with how its cards fit the reference.
fn faults(text: &str) -> String {
    match mutants::parse("clock.diff", text) {
        Err(faults) => faults.to_string(),
        Ok(cards) => {
            let apply = |card: &Card| card.apply([("src/clock.rs", REFERENCE)]).err();
            let faults: Vec<String> =
                cards.iter().filter_map(apply).map(|faults| faults.to_string()).collect();
            faults.join("\n")
        }
    }
}
