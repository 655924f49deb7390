//! Exercise `strategy`: which way of replication does what is asked.
//!
//! Kleppmann, *Designing Data-Intensive Applications*, 2017, chapter 5. The contract is in `lab::strategy`: read it first.
//!
//! One function to write: [`choose`]. Try your code with `cargo test strategy`, then run `faultlines grade 3/strategy`.
#![expect(unused, reason = "delete this line when every todo!() below is gone")]

use lab::strategy::{Acks, Choice, Question, Reads, Writers};

/// A kind of store that does what is asked, or [`Choice::Impossible`]. If several kinds do it, any of them is right.
pub fn choose(q: Question) -> Choice {
    todo!("which kinds of store keep all that is asked?")
}

#[cfg(test)]
mod tests {
    use super::*;
    use lab::strategy::CutOff;

    const ANYTHING: Question = Question {
        round_trip_ms: 100,
        writers: Writers::AllRegions,
        write_ms: None,
        read_ms: None,
        never_stale: false,
        never_lost: false,
        cut_off: None,
    };

    #[test]
    fn local_writes_are_seen_by_reads_that_ask_all_copies() {
        let q = Question { write_ms: Some(10), never_stale: true, ..ANYTHING };
        assert_eq!(choose(q), Choice::Leaderless { r: 3, w: 1 });
    }

    #[test]
    fn nothing_is_both_local_and_never_stale() {
        let q = Question { write_ms: Some(10), read_ms: Some(10), never_stale: true, ..ANYTHING };
        assert_eq!(choose(q), Choice::Impossible);
    }

    #[test]
    fn the_leader_that_burns_takes_nothing_with_it() {
        let cut_off = Some(CutOff { region: 1, others_go_on: true, it_goes_on: false });
        let q = Question { never_stale: true, never_lost: true, cut_off, ..ANYTHING };
        let right = [
            Choice::SingleLeader { acks: Acks::Sync, reads: Reads::Leader },
            Choice::Leaderless { r: 2, w: 2 },
        ];
        let answer = choose(q);
        assert!(right.contains(&answer), "{answer:?}");
    }
}
