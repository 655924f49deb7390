//! The judge of lists: clients append to lists and read them, and what they see must be one list for each key that only grows.
//!
//! Values are unique. So each rule is about a single read, beside what was seen before, and together the rules are sufficient for
//! linearizability: of each list, and so of all of them (Herlihy and Wing 1990, locality). The cost is that of reading the lists.

use judge::Violation;
use lab::NodeId;
use lab::primary_backup::{Key, Value};
use std::collections::{BTreeMap, BTreeSet};
use world::{Observation, ObservationId, Time};

/// When something was asked or answered, and by which node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Moment {
    /// The place in the run.
    pub(crate) id: ObservationId,
    /// The time.
    pub(crate) at: Time,
    /// The node.
    pub(crate) node: NodeId,
}
impl From<&Observation> for Moment {
    fn from(seen: &Observation) -> Moment {
        Moment { id: seen.id, at: seen.at, node: seen.node }
    }
}

/// What was asked, acknowledged and shown so far.
#[derive(Debug, Clone, Default)]
pub(crate) struct Lists {
    appends: BTreeMap<Value, Append>,
    of: BTreeMap<Key, List>,
}
#[derive(Debug, Clone)]
struct Append {
    key: Key,
    asked: Moment,
    acknowledged: Option<Moment>,
}
#[derive(Debug, Clone, Default)]
struct List {
    /// The longest one that was shown, and where that was first.
    longest: Vec<Value>,
    shown: Option<Moment>,
    /// The moments in which a read showed more than all reads before, and how much.
    grew: Vec<(Moment, usize)>,
    /// The appends that were acknowledged, in the order in which they were.
    acknowledged: Vec<(Moment, Value)>,
}

impl Lists {
    /// A client asks for an append. Only the first try counts.
    pub(crate) fn asked(&mut self, key: &Key, value: Value, now: Moment) {
        let append = || Append { key: key.clone(), asked: now, acknowledged: None };
        self.appends.entry(value).or_insert_with(append);
    }
    /// An append is acknowledged. Only the first time counts.
    pub(crate) fn acknowledged(&mut self, value: Value, now: Moment) {
        let Some(append) = self.appends.get_mut(&value) else { return };
        if append.acknowledged.is_none() {
            append.acknowledged = Some(now);
            self.of.entry(append.key.clone()).or_default().acknowledged.push((now, value));
        }
    }
    /// A read that was asked at `asked` is answered now, with these values.
    ///
    /// # Errors
    /// The violation, if no single list that only grows explains that.
    pub(crate) fn shown(
        &mut self,
        key: &Key,
        asked: Moment,
        values: &[Value],
        now: Moment,
    ) -> Result<(), Violation> {
        let answer = format!("{} answered a read of {key} with {}", now.node, show(values));
        let breaks = |rule, sentence: String| Violation::of(now.id, rule, sentence);
        let mut seen = BTreeSet::new();
        for value in values {
            if !seen.insert(*value) {
                return Err(breaks("twice", format!("{answer}: {value} is there twice.")));
            }
            if self.appends.get(value).is_none_or(|append| append.key != *key) {
                let sentence = format!("{answer}. No client had asked to append {value} to {key}.");
                return Err(breaks("never-asked", sentence));
            }
        }
        let list = self.of.entry(key.clone()).or_default();
        let common = list.longest.iter().zip(values).take_while(|(a, b)| a == b).count();
        if common < list.longest.len().min(values.len()) {
            let before = list.shown.unwrap_or(asked);
            let sentence = format!(
                "{answer}, and {} had answered one with {} at {}. One of the two must be the beginning of the other.",
                before.node,
                show(&list.longest),
                before.at
            );
            let why = format!("{} shows another list", before.node);
            return Err(breaks("two-lists", sentence).because(before.id, why));
        }
        // an append that was acknowledged before the read was asked
        let lost = list.acknowledged.iter().take_while(|(when, _)| when.id < asked.id);
        if let Some((when, value)) = lost.into_iter().find(|(_, value)| !seen.contains(value)) {
            let sentence = format!(
                "{answer}. The read was asked at {}, and {value} is missing, which {} had acknowledged at {}.",
                asked.at, when.node, when.at
            );
            let why = format!("{value} is acknowledged");
            return Err(breaks("acknowledged-is-missing", sentence)
                .because(when.id, why)
                .because(asked.id, "the read is asked"));
        }
        let earlier = list.grew.iter().take_while(|(when, _)| when.id < asked.id).last();
        if let Some((when, length)) = earlier
            && *length > values.len()
        {
            let sentence = format!(
                "{answer}. The read was asked at {}, but {} had shown {length} values of {key} at {} already.",
                asked.at, when.node, when.at
            );
            let why = format!("{length} values are shown");
            return Err(breaks("goes-back", sentence)
                .because(when.id, why)
                .because(asked.id, "the read is asked"));
        }
        if values.len() > list.longest.len() {
            let news = list.longest.len();
            for (place, value) in values.iter().enumerate().skip(news) {
                let began = self.appends[value].asked;
                let before = list.acknowledged.iter().take_while(|(when, _)| when.id < began.id);
                let first: BTreeSet<Value> = values[..place].iter().copied().collect();
                if let Some((when, first)) = before.into_iter().find(|(_, value)| !first.contains(value)) {
                    let sentence = format!(
                        "{answer}. {first} does not stand before {value} there, but {} had acknowledged {first} at {}, and {value} was \
                         asked for only at {}.",
                        when.node, when.at, began.at
                    );
                    let why = format!("{first} is acknowledged");
                    return Err(breaks("out-of-order", sentence)
                        .because(when.id, why)
                        .because(began.id, format!("{value} is asked for")));
                }
            }
            list.longest = values.to_vec();
            list.shown = Some(now);
            list.grew.push((now, values.len()));
        }
        Ok(())
    }
}

/// A list as a sentence has it: a long one by its length and its end.
pub(crate) fn show(values: &[Value]) -> String {
    const SHOWN: usize = 8;
    match values.len().checked_sub(SHOWN) {
        None | Some(0) => format!("{values:?}"),
        Some(first) => format!("{} values, the last of them {:?}", values.len(), &values[first..]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// At this place of the run, n1.
    fn at(id: u64) -> Moment {
        Moment { id: ObservationId(id), at: Time::ZERO, node: NodeId(1) }
    }
    fn key() -> Key {
        "k".to_owned()
    }
    /// 1 and 2 are acknowledged one after the other, and 3 is asked for.
    fn lists() -> Lists {
        let mut lists = Lists::default();
        lists.asked(&key(), 1, at(1));
        lists.acknowledged(1, at(2));
        lists.asked(&key(), 2, at(3));
        lists.acknowledged(2, at(4));
        lists.asked(&key(), 3, at(5));
        lists
    }
    fn broken(lists: &mut Lists, asked: u64, values: &[Value], now: u64) -> Option<&'static str> {
        lists.shown(&key(), at(asked), values, at(now)).err().map(|violation| violation.rule)
    }

    #[test]
    fn what_is_not_acknowledged_may_be_there_or_not() {
        assert_eq!(broken(&mut lists(), 6, &[1, 2], 7), None);
        assert_eq!(broken(&mut lists(), 6, &[1, 2, 3], 7), None);
    }
    #[test]
    fn a_read_that_was_asked_before_may_be_answered_with_less() {
        let mut lists = lists();
        assert_eq!(broken(&mut lists, 6, &[1, 2, 3], 7), None);
        assert_eq!(broken(&mut lists, 2, &[], 8), None, "1 was acknowledged after that");
        assert_eq!(broken(&mut lists, 6, &[1, 2], 9), None, "it was asked before the first answer");
        assert_eq!(broken(&mut lists, 8, &[1, 2], 9), Some("goes-back"));
    }
    #[test]
    fn each_rule_is_broken_alone() {
        assert_eq!(broken(&mut lists(), 6, &[1], 7), Some("acknowledged-is-missing"));
        assert_eq!(broken(&mut lists(), 6, &[1, 2, 2], 7), Some("twice"));
        assert_eq!(broken(&mut lists(), 6, &[1, 2, 4], 7), Some("never-asked"));
        assert_eq!(broken(&mut lists(), 1, &[2, 1], 7), Some("out-of-order"));
        assert_eq!(broken(&mut lists(), 1, &[2], 7), Some("out-of-order"), "1 is missing");
        let mut two = lists();
        two.asked(&key(), 4, at(6));
        assert_eq!(broken(&mut two, 7, &[1, 2, 3], 8), None);
        assert_eq!(broken(&mut two, 7, &[1, 2, 4], 9), Some("two-lists"));
    }
    #[test]
    fn a_value_belongs_to_one_key() {
        let mut lists = lists();
        lists.asked(&"other".to_owned(), 9, at(6));
        assert_eq!(broken(&mut lists, 7, &[1, 2, 9], 8), Some("never-asked"));
    }
}
