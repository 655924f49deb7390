//! What happens to a message between two nodes.

use crate::draw::{Chance, Key, Luck};
use crate::observe::{Bytes, LossReason};
use crate::scenario::{Carried, Harm, Latency, Link, LinkRule, Matcher};
use crate::time::Time;
use lab::NodeId;
use rustc_hash::{FxHashMap, FxHashSet};
use std::time::Duration;

/// The network as it is now.
#[derive(Debug)]
pub(crate) struct Network {
    usual: Link,
    rules: Vec<(Option<usize>, LinkRule)>,
    cuts: Vec<(usize, Cut)>,
    pub(crate) filters: Vec<Filter>,
    worse: Vec<(usize, Worse)>,
    /// Per directed link: when the last message arrives, and when the wire is free again.
    last: FxHashMap<(NodeId, NodeId), (Time, Time)>,
    /// Links that keep order, and on which a message is withheld.
    stuck: FxHashSet<(NodeId, NodeId)>,
}

/// Which messages a fault keeps from passing.
#[derive(Debug)]
pub(crate) enum Cut {
    Partition(Vec<Vec<NodeId>>),
    Isolate(NodeId),
    OneWay(Vec<NodeId>, Vec<NodeId>),
}
impl Cut {
    fn blocks(&self, from: NodeId, to: NodeId) -> bool {
        match self {
            Cut::Partition(groups) => {
                let group = |node| groups.iter().position(|group| group.contains(&node));
                matches!((group(from), group(to)), (Some(a), Some(b)) if a != b)
            }
            Cut::Isolate(node) => from != to && (from == *node || to == *node),
            Cut::OneWay(senders, receivers) => senders.contains(&from) && receivers.contains(&to),
        }
    }
}

/// How much worse a fault makes some links.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Worse {
    pub(crate) from: Option<NodeId>,
    pub(crate) to: Option<NodeId>,
    pub(crate) loss: Chance,
    pub(crate) duplication: Chance,
    pub(crate) corruption: Chance,
    pub(crate) late: Duration,
}
/// A fault that is about some of the messages.
#[derive(Debug)]
pub(crate) struct Filter {
    pub(crate) fault: usize,
    pub(crate) from: Option<NodeId>,
    pub(crate) to: Option<NodeId>,
    pub(crate) nth: Option<u32>,
    pub(crate) matches: Option<Matcher>,
    pub(crate) what: Option<Carried>,
    pub(crate) key: Option<Key>,
    pub(crate) does: Does,
    /// How many have fitted so far.
    pub(crate) seen: u32,
}
impl Filter {
    /// The one that a fault puts up, if it is about some of the messages.
    fn of(fault: usize, harm: &Harm) -> Option<Filter> {
        let does = match harm {
            Harm::Hold { .. } => Does::Hold,
            Harm::Lose { .. } | Harm::LoseThis { .. } => Does::Lose,
            Harm::Repeat { after, .. } | Harm::RepeatThis { after, .. } => Does::Repeat { after: *after },
            _ => return None,
        };
        let all = Filter {
            fault,
            from: None,
            to: None,
            nth: None,
            matches: None,
            what: None,
            key: None,
            does,
            seen: 0,
        };
        Some(match harm {
            Harm::Hold { from, to, nth, matches, what }
            | Harm::Lose { from, to, nth, matches, what }
            | Harm::Repeat { from, to, nth, matches, what, .. } => {
                Filter { from: *from, to: *to, nth: *nth, matches: matches.clone(), what: *what, ..all }
            }
            Harm::LoseThis { key } | Harm::RepeatThis { key, .. } => Filter { key: Some(*key), ..all },
            _ => return None,
        })
    }
}
/// What it does to them.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Does {
    Hold,
    Lose,
    Repeat { after: Duration },
}
/// What the filters make of one message.
#[derive(Debug, Default)]
pub(crate) struct Filtered {
    pub(crate) is_lost: bool,
    /// By this fault.
    pub(crate) held_by: Option<usize>,
    /// So long after it copies leave.
    pub(crate) repeats: Vec<Duration>,
}
/// What the network knows of something that leaves.
#[derive(Clone, Copy)]
pub(crate) struct Letter<'a> {
    pub(crate) from: NodeId,
    pub(crate) to: NodeId,
    pub(crate) what: Carried,
    pub(crate) key: Key,
    pub(crate) bytes: &'a [u8],
    /// Whether it leaves for the first time: it counts once.
    pub(crate) is_new: bool,
    /// Whether it never arrives, whatever anybody does.
    pub(crate) is_withheld: bool,
}

/// The first question of a message's luck that is about what makes its link worse.
const LATE: u64 = 16;

/// When the copies of a message arrive.
pub(crate) type Arrivals = ([Time; 2], usize);

impl Network {
    pub(crate) fn new(usual: Link, rules: &[LinkRule]) -> Self {
        Network {
            usual,
            rules: rules.iter().map(|rule| (None, *rule)).collect(),
            cuts: Vec::new(),
            filters: Vec::new(),
            worse: Vec::new(),
            last: FxHashMap::default(),
            stuck: FxHashSet::default(),
        }
    }
    pub(crate) fn cut(&mut self, fault: usize, cut: Cut) {
        self.cuts.push((fault, cut));
    }
    /// Does to the network what a fault does that hits no node.
    pub(crate) fn suffer(&mut self, fault: usize, harm: &Harm) {
        match harm {
            Harm::Partition { groups } => self.cut(fault, Cut::Partition(groups.clone())),
            Harm::Cut { from, to } => self.cut(fault, Cut::OneWay(from.clone(), to.clone())),
            Harm::Links(rule) => self.rules.push((Some(fault), *rule)),
            Harm::Worse { from, to, loss, duplication, corruption, late } => {
                let (from, to, loss, duplication, corruption, late) =
                    (*from, *to, *loss, *duplication, *corruption, *late);
                self.worse.push((fault, Worse { from, to, loss, duplication, corruption, late }));
            }
            _ => self.filters.extend(Filter::of(fault, harm)),
        }
    }
    /// Undoes whatever a fault did to it.
    pub(crate) fn mend(&mut self, fault: usize) {
        self.cuts.retain(|(of, _)| *of != fault);
        self.rules.retain(|(of, _)| *of != Some(fault));
        self.filters.retain(|filter| filter.fault != fault);
        self.worse.retain(|(of, _)| *of != fault);
    }
    /// All links are as this one, but for what these faults do to them, and for these `regions`, which have no faults any more.
    pub(crate) fn calm(&mut self, link: Link, regions: &[LinkRule], lasting: &[usize]) {
        let lasts = |fault: &usize| lasting.contains(fault);
        self.usual = link;
        self.rules.retain(|(of, _)| of.as_ref().is_some_and(lasts));
        let sound = |rule: &LinkRule| {
            let link = Link {
                loss: Chance::NEVER,
                duplication: Chance::NEVER,
                corruption: Chance::NEVER,
                ..rule.link
            };
            (None, LinkRule { link, ..*rule })
        };
        self.rules.splice(0..0, regions.iter().map(sound));
        self.cuts.retain(|(of, _)| lasts(of));
        self.filters.retain(|filter| lasts(&filter.fault));
        self.worse.retain(|(of, _)| lasts(of));
    }
    /// Whether a message never arrives: because it is `withheld`, or because one before it is and may not be overtaken.
    pub(crate) fn withholds(&mut self, from: NodeId, to: NodeId, withheld: bool) -> bool {
        let link = (from, to);
        if withheld && self.link(from, to).fifo {
            self.stuck.insert(link);
        }
        withheld || self.stuck.contains(&link)
    }

    pub(crate) fn is_cut(&self, from: NodeId, to: NodeId) -> bool {
        self.cuts.iter().any(|(_, cut)| cut.blocks(from, to))
    }
    /// What faults make of this message. For which of them it is the `nth` that they wait for is noted in `counts_for`.
    pub(crate) fn filter(&mut self, letter: Letter<'_>, counts_for: &mut Vec<usize>) -> Filtered {
        let mut filtered = Filtered::default();
        for filter in &mut self.filters {
            // one that is withheld counts for what loses and repeats, so that to withhold it moves no other into its place
            let counts = !letter.is_withheld || !matches!(filter.does, Does::Hold);
            let fits = counts
                && filter.from.is_none_or(|wanted| wanted == letter.from)
                && filter.to.is_none_or(|wanted| wanted == letter.to)
                && filter.what.is_none_or(|wanted| wanted == letter.what)
                && filter.key.is_none_or(|wanted| wanted == letter.key)
                && filter.matches.as_ref().is_none_or(|matcher| matcher.fits(letter.bytes));
            if !fits {
                continue;
            }
            if letter.is_new {
                filter.seen += 1;
                if filter.nth == Some(filter.seen) {
                    counts_for.push(filter.fault);
                }
            }
            if filter.nth.is_some() && !counts_for.contains(&filter.fault) {
                continue;
            }
            match filter.does {
                Does::Hold if filtered.held_by.is_none() => filtered.held_by = Some(filter.fault),
                Does::Hold => {}
                Does::Lose => filtered.is_lost = true,
                Does::Repeat { after } if letter.is_new => filtered.repeats.push(after),
                Does::Repeat { .. } => {}
            }
        }
        filtered
    }
    fn link(&self, from: NodeId, to: NodeId) -> Link {
        let fits = |rule: &LinkRule| {
            rule.from.is_none_or(|wanted| wanted == from) && rule.to.is_none_or(|wanted| wanted == to)
        };
        let rule = self.rules.iter().rev().find(|(_, rule)| fits(rule));
        let mut link = rule.map_or(self.usual, |(_, rule)| rule.link);
        for worse in self.worse(from, to) {
            link.loss = link.loss.and(worse.loss);
            link.duplication = link.duplication.and(worse.duplication);
            link.corruption = link.corruption.and(worse.corruption);
        }
        link
    }
    /// What makes this link worse.
    fn worse(&self, from: NodeId, to: NodeId) -> impl Iterator<Item = &Worse> {
        self.worse.iter().map(|(_, worse)| worse).filter(move |worse| {
            worse.from.is_none_or(|wanted| wanted == from) && worse.to.is_none_or(|wanted| wanted == to)
        })
    }

    /// Sends a message off now: when it arrives, once or twice, or why it never does. May flip a bit of it
    /// where it is `corruptible`.
    pub(crate) fn travel(
        &mut self,
        now: Time,
        from: NodeId,
        to: NodeId,
        bytes: &mut Bytes,
        corruptible: bool,
        luck: Luck,
    ) -> Result<Arrivals, LossReason> {
        if self.is_cut(from, to) {
            return Err(LossReason::Partition);
        }
        let link = self.link(from, to);
        if link.message_bytes_max.is_some_and(|max| bytes.len() > max) {
            return Err(LossReason::TooBig);
        }
        if luck.happens(0, link.loss) {
            return Err(LossReason::Network);
        }
        if corruptible && luck.happens(1, link.corruption) && !bytes.is_empty() {
            let mut flipped = bytes.to_vec();
            let bit = luck.below(2, flipped.len() as u64 * 8);
            flipped[(bit / 8) as usize] ^= 1 << (bit % 8);
            *bytes = flipped.into();
        }
        let copies = if luck.happens(3, link.duplication) { 2 } else { 1 };
        let mut arrivals = [Time::ZERO; 2];
        for (copy, arrival) in arrivals.iter_mut().enumerate().take(copies) {
            *arrival = now + latency(&link.latency, luck, 4 + 3 * copy as u64);
            for (nth, worse) in (0..).zip(self.worse(from, to)) {
                *arrival = *arrival + luck.between(LATE + 2 * nth + copy as u64, Duration::ZERO, worse.late);
            }
        }
        if link.fifo || link.bandwidth.is_some() {
            let (last, free) = self.last.entry((from, to)).or_default();
            if let Some(rate) = link.bandwidth {
                let transmission = bytes.len() as u64 * 1_000_000_000 / rate.max(1);
                let begins = (*free).max(now);
                *free = begins + Duration::from_nanos(transmission);
                let queued = *free - now;
                arrivals.iter_mut().for_each(|arrival| *arrival = *arrival + queued);
            }
            if link.fifo {
                for arrival in &mut arrivals[..copies] {
                    *arrival = (*arrival).max(*last);
                    *last = *arrival;
                }
            }
        }
        Ok((arrivals, copies))
    }
}

fn latency(latency: &Latency, luck: Luck, place: u64) -> Duration {
    match latency.tail {
        Some(tail) if luck.happens(place, tail.chance) => luck.between(place + 1, latency.max, tail.max),
        _ => luck.between(place + 2, latency.min, latency.max),
    }
}
