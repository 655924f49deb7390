//! `paxos`: the promises.

use super::oracle::{CONTESTED, HELD, LEARNT, REMEMBERED, STALE, TWO_VALUES};
use super::worlds::*;
use judge::{Check, Exercise, Kind, entry};
use kit::epilogue::SERVED;
use kit::interrogate::ASKED;

pub(crate) fn exercise() -> Exercise {
    Exercise {
        id: "paxos",
        entry: entry!(ch06_consensus, lab::paxos::exercise::<chapter::paxos::Paxos>()),
        lossless: false,
        checks: vec![
            Check {
                id: "terminates",
                promise: "If one node proposes and a majority is up, every node that is up decides within \
                       10 × retry after the last fault. This includes nodes that missed everything \
                       before.",
                rule: "Lamport 2001, sections 2.3 and 2.4: a single proposer that retries with a higher \
                       ballot succeeds. A decision is useful only to nodes that learn it, so the nodes \
                       must spread it.",
                assumption: "every message arrives, or that every node is up.",
                kind: Kind::Liveness,
                xp: 2,
                needs: &[],
                worlds: 72,
                sometimes: &[],
                case: terminates,
                ..Check::PLAIN
            },
            Check {
                id: "agreement",
                promise: "No two nodes decide different values, and no node decides twice.",
                rule: "Lamport 2001, P2: if a value is chosen, every proposal with a higher ballot has that \
                       value. A proposer adopts the highest-ballot proposal that a majority reports. An \
                       acceptor that has promised or accepted a ballot ignores lower ballots.",
                assumption: "an old message is harmless.",
                kind: Kind::Safety,
                xp: 3,
                needs: &[],
                worlds: 256,
                sometimes: &[(
                    CONTESTED,
                    "Untested: in none of the runs did a node decide while two nodes had ballots of their own.",
                )],
                case: agreement,
                ..Check::PLAIN
            },
            Check {
                id: "validity",
                promise: "A decided value was proposed by a client.",
                rule: "Lamport 2001, section 2.1: only a value that has been proposed may be chosen. A node \
                       that has no value of its own and learns of none has nothing to propose.",
                assumption: "a node that begins a proposal also finishes it.",
                kind: Kind::Safety,
                xp: 1,
                needs: &[],
                worlds: 96,
                sometimes: &[(
                    LEARNT,
                    "Untested: in none of the runs did a node decide that no client had asked.",
                )],
                case: validity,
                ..Check::PLAIN
            },
            Check {
                id: "durable",
                promise: "A promise that a node has sent survives a crash of that node, and so does every \
                       report of an accepted proposal.",
                rule: "Lamport 2001, section 2.5: an acceptor records its intended response in stable \
                       storage before it sends the response. Save, sync, and only then send.",
                assumption: "a node keeps its memory: others act on what it sent before it crashed.",
                kind: Kind::Safety,
                xp: 2,
                needs: &[],
                worlds: DURABLE_WORLDS,
                sometimes: &[(
                    REMEMBERED,
                    "Untested: in none of the runs did an acceptor answer, crash, and answer again.",
                )],
                case: durable,
                ..Check::PLAIN
            },
            Check {
                id: "ballots",
                promise: "One ballot never carries two values. A node that refuses a ballot names a higher one that it has promised.",
                rule: "Lamport 2001, section 2.5: different proposers choose their ballot numbers from \
                       disjoint sets. Each proposer remembers the highest ballot that it has used, also \
                       across crashes.",
                assumption: "no other node uses the ballot that this node has made up.",
                kind: Kind::Safety,
                xp: 2,
                needs: &[],
                worlds: 96,
                sometimes: &[(
                    TWO_VALUES,
                    "Untested: in none of the runs did two nodes propose different values.",
                )],
                case: ballots,
                ..Check::PLAIN
            },
            Check {
                id: "counting",
                promise: "A quorum is more than half of all nodes, each counted once, that answered this \
                       ballot.",
                rule: "Lamport 2001, section 2.2: any two majorities share an acceptor. That is not true of \
                       answers that are counted twice or that belong to different ballots.",
                assumption: "every answer comes from another node: messages are duplicated.",
                kind: Kind::Safety,
                xp: 2,
                needs: &[],
                worlds: 96,
                sometimes: &[(
                    STALE,
                    "Untested: in none of the runs did a node receive an answer twice, or an answer to an older ballot.",
                )],
                case: counting,
                ..Check::PLAIN
            },
            Check {
                id: "small-worlds",
                promise: "The nodes agree on a proposed value in each of these runs: three nodes, two of \
                       which propose, and up to three messages that are held back until all other \
                       messages have arrived.",
                rule: "Lamport 2001, P2. The check is bounded, and within its bounds it is complete: it \
                       tries every set of up to three held messages.",
                assumption: "messages arrive in the order in which they were sent.",
                kind: Kind::Safety,
                xp: 2,
                needs: &[],
                worlds: SMALL_WORLDS,
                sometimes: &[(
                    HELD,
                    "Untested: in none of the runs did a node decide while a message was held back.",
                )],
                case: small_worlds,
                ..Check::PLAIN
            },
            Check {
                id: "duel",
                promise: "If several nodes propose, all nodes decide within 100 × retry of the last request and of the \
                       last fault. Then they become quiet.",
                rule: "Lamport 2001, section 2.4: two proposers can outbid each other for ever. A proposer \
                       that was outbid waits, and it waits a different time than its rival.",
                assumption: "one of two proposers is first.",
                kind: Kind::Liveness,
                xp: 1,
                needs: &[],
                worlds: 48,
                sometimes: &[],
                case: duel,
                ..Check::PLAIN
            },
            Check {
                id: "promises-survive",
                promise: "An acceptor keeps every promise and every acceptance that it has sent: also after a long \
                          time, and after a crash that takes everything unsynced.",
                rule: "Lamport 2001, section 2.5: an acceptor records its response in stable storage before it sends \
                       the response. This holds for every response.",
                assumption: "only some promises must be durable: check every path that sends one.",
                kind: Kind::Safety,
                xp: 1,
                needs: &[],
                worlds: INTERROGATIONS,
                sweep: PROMISES,
                sometimes: &[(
                    ASKED,
                    "Untested: in none of the runs was an acceptor asked about what it had promised.",
                )],
                case: promises_survive,
                ..Check::PLAIN
            },
            Check {
                id: "as-good-as-new",
                promise: "After a long outage every client of every node is answered within 10 × retry. A node that \
                          restarts learns the decision with the help of any majority.",
                rule: "Lamport 2001, section 2.4: for progress it is enough that one proposer tries again and that a \
                       majority of the acceptors answers.",
                assumption: "a node may wait longer after every failed attempt, or that it has only one client.",
                kind: Kind::Liveness,
                xp: 1,
                needs: &["terminates"],
                worlds: 32,
                sometimes: &[(SERVED, "Untested: in none of the runs was every client answered.")],
                case: as_good_as_new,
                ..Check::PLAIN
            },
            Check {
                id: "cost",
                promise: "A lone proposer on a clean network answers within two round trips. All nodes \
                       together send at most 2 n² + 4 n messages, and then none.",
                rule: "Lamport 2001, section 2.2: one phase finds out which value may be chosen, one phase \
                       has it chosen. A node that forwards the request to another node needs two more \
                       message delays.",
                assumption: "messages are free.",
                kind: Kind::Cost,
                xp: 1,
                needs: &[],
                worlds: 12,
                sometimes: &[],
                case: cost,
                ..Check::PLAIN
            },
        ],
    }
}
