//! `strategy`: the questions. There are eighteen kinds of them, and of each it is known which choices do it: a test runs all choices on
//! all kinds.

use super::oracle::Strategy;
use judge::{Case, Pick};
use kit::quiz::ask;
use lab::strategy::{Acks, Choice, CutOff, Question, Reads, Writers};

const MULTI: Choice = Choice::MultiLeader;
const SYNC_LEADER: Choice = Choice::SingleLeader { acks: Acks::Sync, reads: Reads::Leader };
const SYNC_LOCAL: Choice = Choice::SingleLeader { acks: Acks::Sync, reads: Reads::Local };
const ASYNC_LEADER: Choice = Choice::SingleLeader { acks: Acks::Async, reads: Reads::Leader };
const ASYNC_LOCAL: Choice = Choice::SingleLeader { acks: Acks::Async, reads: Reads::Local };
const fn quorum(r: u32, w: u32) -> Choice {
    Choice::Leaderless { r, w }
}

/// A kind of question.
struct Kind {
    writers: Writers,
    /// Which region may be cut off: one of these.
    cut: &'static [u32],
    others_go_on: bool,
    it_goes_on: bool,
    writes: Limit,
    reads: Limit,
    never_stale: bool,
    never_lost: bool,
    /// The choices that do it.
    right: &'static [Choice],
}
#[derive(Clone, Copy, PartialEq, Eq)]
enum Limit {
    Any,
    /// Less than any message to another region takes.
    Local,
    /// One round trip, and not two.
    One,
}
impl Limit {
    fn ms(self, round_trip_ms: u32) -> Option<u32> {
        match self {
            Limit::Any => None,
            Limit::Local => Some(10),
            Limit::One => Some(round_trip_ms * 3 / 2),
        }
    }
}

const ALL: Kind = Kind {
    writers: Writers::AllRegions,
    cut: &[],
    others_go_on: false,
    it_goes_on: false,
    writes: Limit::Any,
    reads: Limit::Any,
    never_stale: false,
    never_lost: false,
    right: &[],
};
const ONE: Kind = Kind { writers: Writers::RegionOne, ..ALL };

/// Kinds that some choice does; those first that few do.
const MET: [Kind; 12] = [
    Kind { cut: &[2], it_goes_on: true, writes: Limit::Local, right: &[MULTI, quorum(1, 1)], ..ALL },
    Kind {
        cut: &[1],
        never_stale: true,
        never_lost: true,
        others_go_on: true,
        right: &[SYNC_LEADER, quorum(2, 2)],
        ..ALL
    },
    Kind {
        cut: &[1],
        reads: Limit::Local,
        never_lost: true,
        others_go_on: true,
        right: &[SYNC_LOCAL, quorum(1, 2)],
        ..ALL
    },
    Kind {
        cut: &[1],
        writes: Limit::One,
        never_lost: true,
        others_go_on: true,
        right: &[quorum(1, 2), quorum(2, 2)],
        ..ALL
    },
    Kind { writes: Limit::Local, never_stale: true, right: &[quorum(3, 1)], ..ALL },
    Kind {
        cut: &[2, 3],
        writes: Limit::Local,
        never_stale: true,
        never_lost: true,
        others_go_on: true,
        right: &[ASYNC_LEADER],
        ..ONE
    },
    Kind {
        cut: &[3],
        never_stale: true,
        never_lost: true,
        others_go_on: true,
        writes: Limit::One,
        right: &[quorum(2, 2), ASYNC_LEADER],
        ..ALL
    },
    Kind { reads: Limit::Local, never_stale: true, right: &[SYNC_LOCAL, quorum(1, 3)], ..ALL },
    Kind {
        reads: Limit::One,
        never_stale: true,
        right: &[
            SYNC_LOCAL,
            ASYNC_LEADER,
            quorum(1, 3),
            quorum(2, 2),
            quorum(2, 3),
            quorum(3, 1),
            quorum(3, 2),
            quorum(3, 3),
        ],
        ..ALL
    },
    Kind { writes: Limit::Local, reads: Limit::Local, right: &[ASYNC_LOCAL, MULTI, quorum(1, 1)], ..ONE },
    Kind { reads: Limit::Local, never_stale: true, right: &[SYNC_LOCAL, quorum(1, 3)], ..ONE },
    Kind {
        cut: &[1],
        reads: Limit::Local,
        never_lost: true,
        others_go_on: true,
        right: &[SYNC_LOCAL, quorum(1, 2), quorum(1, 3)],
        ..ONE
    },
];
/// Kinds that no choice does.
const UNMET: [Kind; 6] = [
    Kind { writes: Limit::Local, reads: Limit::Local, never_stale: true, ..ALL },
    Kind { writes: Limit::Local, reads: Limit::Local, never_stale: true, ..ONE },
    Kind { cut: &[1, 2, 3], it_goes_on: true, never_lost: true, ..ALL },
    Kind { cut: &[1, 2, 3], it_goes_on: true, never_stale: true, ..ALL },
    Kind { cut: &[1, 2, 3], reads: Limit::Local, never_stale: true, others_go_on: true, ..ALL },
    Kind { cut: &[1, 2, 3], writes: Limit::Local, never_lost: true, others_go_on: true, ..ALL },
];

impl Kind {
    fn question(&self, round_trip_ms: u32, region: Option<u32>) -> Question {
        let Kind { writers, others_go_on, it_goes_on, writes, reads, never_stale, never_lost, .. } = *self;
        Question {
            round_trip_ms,
            writers,
            write_ms: writes.ms(round_trip_ms),
            read_ms: reads.ms(round_trip_ms),
            never_stale,
            never_lost,
            cut_off: region.map(|region| CutOff { region, others_go_on, it_goes_on }),
        }
    }
    fn draw(&self, pick: &mut Pick) -> Question {
        let round_trip_ms = pick.small(80..=200);
        let region = if self.cut.is_empty() { None } else { Some(*pick.one(self.cut)) };
        self.question(round_trip_ms, region)
    }
    fn is_of(&self, question: &Question) -> bool {
        let region = question.cut_off.map(|cut| cut.region);
        region.map_or(self.cut.is_empty(), |region| self.cut.contains(&region))
            && *question == self.question(question.round_trip_ms, region)
    }
}

/// The choices that do what is asked.
pub(super) fn right(question: &Question) -> Vec<Choice> {
    let kind = MET.iter().find(|kind| kind.is_of(question));
    kind.map_or(Vec::new(), |kind| kind.right.to_vec())
}

/// Questions of these kinds, in a drawn order.
fn questions(pick: &mut Pick, kinds: &[&Kind]) -> Case {
    let mut questions: Vec<Question> = kinds.iter().map(|kind| kind.draw(pick)).collect();
    pick.shuffle(&mut questions);
    ask::<Strategy>(&questions)
}
/// One of each kind that can be done.
pub(super) fn meets(pick: &mut Pick, _nth: u32) -> Case {
    questions(pick, &MET.iter().collect::<Vec<_>>())
}
/// One of each kind that no choice does, and as many that few choices do.
pub(super) fn impossible(pick: &mut Pick, _nth: u32) -> Case {
    const FEW: usize = 6;
    questions(pick, &UNMET.iter().chain(&MET[..FEW]).collect::<Vec<_>>())
}

#[cfg(test)]
mod tests {
    use super::super::trial::{Share, all, run};
    use super::*;
    use std::time::Duration;

    /// Every question of a kind, with these round trips.
    fn every(round_trips: &[u32]) -> impl Iterator<Item = Question> {
        let kinds = MET.iter().chain(&UNMET);
        kinds.flat_map(move |kind| {
            let regions: Vec<Option<u32>> = if kind.cut.is_empty() {
                vec![None]
            } else {
                kind.cut.iter().map(|cut| Some(*cut)).collect()
            };
            let questions = regions.into_iter().flat_map(move |region| {
                round_trips.iter().map(move |round_trip| kind.question(*round_trip, region))
            });
            questions.collect::<Vec<_>>()
        })
    }

    /// What is wrong with a question and a choice: its run does not show what is right, or shows it only just.
    fn wrong(question: &Question, choice: Choice) -> Option<String> {
        let report = run(question, choice);
        let misses = report.misses(question);
        if misses.is_empty() != right(question).contains(&choice) {
            return Some(format!("{choice:?} on {question:?}: {misses:?}"));
        }
        let reads = report.reads.values().map(|time| (time, question.read_ms));
        let writes = report.writes.values().map(|time| (time, question.write_ms));
        let is_near = |(time, limit): (&Duration, Option<u32>)| {
            let limit = limit.map(|limit| Duration::from_millis(limit.into()));
            limit.is_some_and(|limit| *time * 115 / 100 >= limit && *time <= limit * 115 / 100)
        };
        let is_few = |(is_asked, count): (bool, u64)| is_asked && (1..5).contains(&count);
        let cut = question.cut_off;
        let shares = [
            (cut.is_some_and(|cut| cut.others_go_on), report.others),
            (cut.is_some_and(|cut| cut.it_goes_on), report.it),
        ];
        let is_unclear = |(is_asked, share): (bool, Share)| {
            is_asked && (84..99).contains(&(share.answered * 100 / share.asked.max(1)))
        };
        let near = reads.chain(writes).any(is_near)
            || [(question.never_stale, report.stale), (question.never_lost, report.lost)]
                .into_iter()
                .any(is_few)
            || shares.into_iter().any(is_unclear);
        near.then(|| format!("near a limit: {choice:?} on {question:?}: {report:?}"))
    }

    #[test]
    fn a_run_of_each_choice_shows_clearly_what_is_right() {
        let pairs =
            every(&[80, 200]).flat_map(|question| all().into_iter().map(move |choice| (question, choice)));
        let wrong: Vec<String> = pairs.filter_map(|(question, choice)| wrong(&question, choice)).collect();
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }
}
