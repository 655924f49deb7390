//! Exercise `strategy`: which way of replication does what is asked.
//!
//! Kleppmann, *Designing Data-Intensive Applications*, 2017, chapter 5. The contract is in `lab::strategy`: read it first.
//!
//! One function to write: [`choose`]. Try your code with `cargo test strategy`, then run `faultlines grade 3/strategy`.
// BEGIN SOLUTION
// STUB: #![expect(unused, reason = "delete this line when every todo!() below is gone")]
// END SOLUTION

use lab::strategy::{Acks, Choice, Question, Reads, Writers};

/// A kind of store that does what is asked, or [`Choice::Impossible`]. If several kinds do it, any of them is right.
pub fn choose(q: Question) -> Choice {
    // BEGIN SOLUTION
    kinds().into_iter().find(|kind| does(*kind, &q)).unwrap_or(Choice::Impossible)
    // STUB: todo!("which kinds of store keep all that is asked?")
    // END SOLUTION
}

// BEGIN SOLUTION
/// All kinds of stores.
fn kinds() -> Vec<Choice> {
    let mut kinds = vec![Choice::MultiLeader];
    for acks in [Acks::Sync, Acks::Async] {
        for reads in [Reads::Local, Reads::Leader] {
            kinds.push(Choice::SingleLeader { acks, reads });
        }
    }
    for r in 1..=3 {
        for w in 1..=3 {
            kinds.push(Choice::Leaderless { r, w });
        }
    }
    kinds
}

/// Whether a store of this kind keeps all that is asked.
fn does(kind: Choice, q: &Question) -> bool {
    let in_time = |limit: Option<u32>, trips: u32| limit.is_none_or(|limit| trips * q.round_trip_ms <= limit);
    in_time(q.write_ms, write_trips(kind, q))
        && in_time(q.read_ms, read_trips(kind))
        && !(q.never_stale && shows_stale(kind, q))
        && !(q.never_lost && loses(kind, q))
        && q.cut_off.is_none_or(|cut| {
            (!cut.others_go_on || others_go_on(kind, q, cut.region))
                && (!cut.it_goes_on || it_goes_on(kind, q, cut.region))
        })
}

/// Whether clients in this region write.
fn writes_in(region: u32, q: &Question) -> bool {
    q.writers == Writers::AllRegions || region == 1
}
/// Whether clients write in a region that is not cut off.
fn others_write(cut: u32, q: &Question) -> bool {
    q.writers == Writers::AllRegions || cut != 1
}

/// How many round trips the slowest region needs for a write.
fn write_trips(kind: Choice, q: &Question) -> u32 {
    match kind {
        Choice::SingleLeader { acks, .. } => {
            let to_the_leader = u32::from(q.writers == Writers::AllRegions);
            let to_the_followers = u32::from(acks == Acks::Sync);
            to_the_leader + to_the_followers
        }
        Choice::Leaderless { w, .. } => u32::from(w > 1),
        Choice::MultiLeader | Choice::Impossible => 0,
    }
}
/// The same for a read. Clients in all regions read.
fn read_trips(kind: Choice) -> u32 {
    match kind {
        Choice::SingleLeader { reads: Reads::Local, .. } => 0,
        // to the leader, and from the leader to the followers
        Choice::SingleLeader { acks: Acks::Sync, .. } => 2,
        Choice::SingleLeader { acks: Acks::Async, .. } => 1,
        Choice::Leaderless { r, .. } => u32::from(r > 1),
        Choice::MultiLeader | Choice::Impossible => 0,
    }
}

/// Whether a read can miss a write that was acknowledged before it.
fn shows_stale(kind: Choice, q: &Question) -> bool {
    let cut = q.cut_off.map(|cut| cut.region);
    match kind {
        Choice::SingleLeader { acks: Acks::Sync, reads: Reads::Leader } => false,
        // the follower that is cut off hears of nothing any more, and its clients read there
        Choice::SingleLeader { acks: Acks::Sync, reads: Reads::Local } => {
            cut.is_some_and(|cut| others_write(cut, q))
        }
        // the next leader lacks the last writes, and the old one does not hear of new ones
        Choice::SingleLeader { acks: Acks::Async, reads: Reads::Leader } => cut == Some(1),
        Choice::SingleLeader { acks: Acks::Async, reads: Reads::Local } | Choice::MultiLeader => true,
        // a read and a write share a copy only if there are not enough copies to keep them apart
        Choice::Leaderless { r, w } => r + w <= 3,
        Choice::Impossible => false,
    }
}
/// Whether an acknowledged write can burn with the region that is cut off.
fn loses(kind: Choice, q: &Question) -> bool {
    let Some(cut) = q.cut_off.map(|cut| cut.region) else { return false };
    match kind {
        Choice::SingleLeader { acks, .. } => acks == Acks::Async && cut == 1,
        Choice::MultiLeader => writes_in(cut, q),
        Choice::Leaderless { w, .. } => w == 1 && writes_in(cut, q),
        Choice::Impossible => false,
    }
}
/// Whether clients outside of the region that is cut off are answered.
fn others_go_on(kind: Choice, q: &Question, cut: u32) -> bool {
    match kind {
        Choice::Leaderless { r, w } => r <= 2 && (w <= 2 || !others_write(cut, q)),
        _ => true,
    }
}
/// Whether clients in the region that is cut off are answered.
fn it_goes_on(kind: Choice, q: &Question, cut: u32) -> bool {
    match kind {
        Choice::SingleLeader { acks, reads } => {
            let leads_on = cut == 1 && acks == Acks::Async;
            let reads = reads == Reads::Local || leads_on;
            reads && (leads_on || !writes_in(cut, q))
        }
        Choice::Leaderless { r, w } => r == 1 && (w == 1 || !writes_in(cut, q)),
        Choice::MultiLeader => true,
        Choice::Impossible => false,
    }
}
// END SOLUTION

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
