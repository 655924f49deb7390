//! `detector`: the promises.

use super::oracle::*;
use super::worlds::*;
use judge::{Check, Exercise, Kind, entry};

pub(crate) fn exercise() -> Exercise {
    Exercise {
        id: "detector",
        entry: entry!(ch02_failure_and_time, lab::detector::exercise::<chapter::detector::Detector>()),
        lossless: false,
        checks: vec![
            Check {
                id: "complete",
                promise: "If a node crashes, every node that is up suspects it within `detect`, and no node suspects a node that is up.",
                rule: "Chandra and Toueg 1996, strong completeness: in the end, every process that crashes is suspected for good by \
                       every correct process.",
                assumption: "a peer was up when you started, or that one peer's message says something about another peer.",
                kind: Kind::Liveness,
                xp: 4,
                worlds: 80,
                sometimes: &[(FOUND, "Untested: in none of the runs was a crashed node suspected.")],
                case: complete,
                ..Check::PLAIN
            },
            Check {
                id: "returns",
                promise: "If a node is back that was suspected, all nodes trust it within `detect`, and it trusts them. A second crash is noticed, too.",
                rule: "Chandra and Toueg 1996, eventual strong accuracy: a suspicion of a process that is up does not last. A \
                       detector may change its mind, and it must.",
                assumption: "a suspected node is dead, or that a node which crashed once never comes back.",
                kind: Kind::Liveness,
                xp: 3,
                needs: &["complete"],
                worlds: 48,
                sometimes: &[(
                    RETURNED,
                    "Untested: in none of the runs did a node come back that had been suspected.",
                )],
                case: returns,
                ..Check::PLAIN
            },
            Check {
                id: "accurate",
                promise: "On a good network, two nodes that have been up for longer than `detect` do not suspect each other.",
                rule: "Chandra and Toueg 1996, strong accuracy: no process is suspected before it crashes. On a network whose \
                       bounds are known, this can be kept.",
                assumption: "each message takes as long as the one before it, or that the wall clock measures silence.",
                kind: Kind::Safety,
                xp: 2,
                needs: &["complete"],
                worlds: 40,
                sometimes: &[(
                    OUTLIVED,
                    "Untested: in none of the runs did two nodes trust each other while a third node restarted.",
                )],
                case: accurate,
                ..Check::PLAIN
            },
            Check {
                id: "settles",
                promise: "When the network is good again after a bad time, two nodes that hear each other stop suspecting each other for good.",
                rule: "Chandra and Toueg 1996, eventual strong accuracy: there is a time after which no correct process is \
                       suspected. Each node judges by what it hears itself.",
                assumption: "another node's suspicion of a peer is true for you.",
                kind: Kind::Liveness,
                xp: 3,
                needs: &["complete"],
                worlds: 36,
                sometimes: &[(WRONG, "Untested: in none of the runs was a node suspected that was up.")],
                case: settles,
                ..Check::PLAIN
            },
            Check {
                id: "adapts",
                promise: "If messages take longer than expected again and again, a node's mistakes about a peer end.",
                rule: "Chandra and Toueg 1996, the detector for partial synchrony: each time that a process learns of a mistake, it \
                       increases its timeout for this peer. So the timeout exceeds the unknown delay after finitely many mistakes.",
                assumption: "any fixed timeout is long enough, or that the average of past delays bounds the next one.",
                kind: Kind::Liveness,
                xp: 2,
                needs: &["complete"],
                worlds: 6,
                sometimes: &[(WRONG, "Untested: in none of the runs was a node suspected that was up.")],
                case: adapts,
                ..Check::PLAIN
            },
            Check {
                id: "cost",
                promise: "On a good network, a node sends each peer at most 30 messages in any 10 intervals.",
                rule: "Chandra and Toueg 1996, the same detector: a process sends one message to each other process in a period. A \
                       detector that answers each message with a message never falls silent.",
                assumption: "messages are free.",
                kind: Kind::Cost,
                xp: 1,
                needs: &["complete"],
                worlds: 8,
                case: cost,
                ..Check::PLAIN
            },
        ],
    }
}
