//! `paxos`: the promises.

use super::oracle::{CONTESTED, HELD, LEARNT, REMEMBERED, STALE, TWO_VALUES};
use super::worlds::*;
use judge::{Check, Exercise, Kind, entry};

pub(crate) fn exercise() -> Exercise {
    Exercise {
        id: "paxos",
        entry: entry!(ch06_consensus, lab::paxos::exercise::<chapter::paxos::Paxos>()),
        lossless: false,
        checks: vec![
            Check {
                id: "terminates",
                promise: "When one node proposes and a majority is up, every node that is up decides within 10 × retry after \
                          the last fault, also one that missed everything.",
                rule: "Lamport 2001, sections 2.3 and 2.4: one proposer that tries again, with a higher ballot, gets through; \
                       and a decision is worth nothing to those who have not heard of it.",
                assumption: "That what is sent arrives, and that everybody is there.",
                kind: Kind::Liveness,
                xp: 2,
                needs: &[],
                worlds: 48,
                sometimes: &[],
                case: terminates,
                ..Check::PLAIN
            },
            Check {
                id: "agreement",
                promise: "No two nodes ever decide differently, nor one node twice.",
                rule: "Lamport 2001, P2: a proposal of a higher ballot than a chosen one has the chosen value. A proposer \
                       takes over the highest proposal that a majority tells it of; and who has promised or accepted a ballot \
                       has nothing to do with lower ones any more.",
                assumption: "That an old message is a dead one.",
                kind: Kind::Safety,
                xp: 4,
                needs: &["terminates"],
                worlds: 256,
                sometimes: &[(
                    CONTESTED,
                    "No node ever decided while two nodes had ballots of their own, so nothing was shown.",
                )],
                case: agreement,
                ..Check::PLAIN
            },
            Check {
                id: "validity",
                promise: "What is decided was proposed.",
                rule: "Lamport 2001, section 2.1: only a value that has been proposed may be chosen. A node that wants nothing \
                       and is told of nothing has nothing to ask for.",
                assumption: "That who begins something also ends it.",
                kind: Kind::Safety,
                xp: 1,
                needs: &["terminates"],
                worlds: 96,
                sometimes: &[(
                    LEARNT,
                    "No node decided that was never asked anything, so nothing was shown.",
                )],
                case: validity,
                ..Check::PLAIN
            },
            Check {
                id: "durable",
                promise: "A promise, or word of what was accepted, that has left a node survives its crash.",
                rule: "Lamport 2001, section 2.5: an acceptor records what it answers in stable storage before it answers. \
                       Save, sync, and only then send.",
                assumption: "That a node is the same after a crash: others act on what it said before.",
                kind: Kind::Safety,
                xp: 3,
                needs: &["terminates"],
                worlds: DURABLE_WORLDS,
                sometimes: &[(
                    REMEMBERED,
                    "No acceptor crashed that had answered, and answered again, so nothing was shown.",
                )],
                case: durable,
                ..Check::PLAIN
            },
            Check {
                id: "ballots",
                promise: "One ballot never carries two values.",
                rule: "Lamport 2001, section 2.5: different proposers choose their numbers from disjoint sets, and each \
                       remembers, over crashes too, the highest it has used.",
                assumption: "That a number one has made up is one's own.",
                kind: Kind::Safety,
                xp: 2,
                needs: &["terminates"],
                worlds: 96,
                sometimes: &[(TWO_VALUES, "No two values were ever asked for, so nothing was shown.")],
                case: ballots,
                ..Check::PLAIN
            },
            Check {
                id: "counting",
                promise: "A quorum is more than half of all nodes, different ones, that answer this very ballot.",
                rule: "Lamport 2001, section 2.2: any two majorities have an acceptor in common; of answers that are counted \
                       twice, or belong to different ballots, that is not so.",
                assumption: "That one answer is one node.",
                kind: Kind::Safety,
                xp: 2,
                needs: &["terminates"],
                worlds: 96,
                sometimes: &[(
                    STALE,
                    "No node ever got an answer twice, or one to an older ballot, so nothing was shown.",
                )],
                case: counting,
                ..Check::PLAIN
            },
            Check {
                id: "small-worlds",
                promise: "Nodes agree on a proposed value in every one of these worlds: three nodes, two of which propose, and \
                          up to three messages that are held back until everything else has been said.",
                rule: "Lamport 2001, P2. This is bounded, and within its bounds complete: no message that may be held was \
                       forgotten.",
                assumption: "That messages arrive in some sensible order.",
                kind: Kind::Safety,
                xp: 2,
                needs: &["terminates"],
                worlds: SMALL_WORLDS,
                sometimes: &[(
                    HELD,
                    "No node ever decided while a message was held back, so nothing was shown.",
                )],
                case: small_worlds,
                ..Check::PLAIN
            },
            Check {
                id: "duel",
                promise: "Where two nodes propose at the same moment, all decide within 100 × retry.",
                rule: "Lamport 2001, section 2.4: two proposers that outbid each other at once can go on for ever. Who has \
                       been outbid waits, and not as long as the other.",
                assumption: "That one of two is first.",
                kind: Kind::Liveness,
                xp: 1,
                needs: &[],
                worlds: 12,
                sometimes: &[],
                case: duel,
                ..Check::PLAIN
            },
            Check {
                id: "cost",
                promise: "Alone on a clean network a proposer answers within two round trips, all nodes together send at most \
                          2 n² + 4 n messages, and then there is silence.",
                rule: "Lamport 2001, section 2.2: one phase to find out what may be chosen, one to have it chosen. Who \
                       passes the wish on to another has two delays more.",
                assumption: "That messages are free.",
                kind: Kind::Cost,
                xp: 1,
                needs: &["terminates"],
                worlds: 12,
                sometimes: &[],
                case: cost,
                ..Check::PLAIN
            },
        ],
    }
}
