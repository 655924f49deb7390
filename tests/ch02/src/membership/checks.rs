//! `membership`: the promises.

use super::oracle::*;
use super::worlds::*;
use judge::{Check, Exercise, Kind, entry};

pub(crate) fn exercise() -> Exercise {
    Exercise {
        id: "membership",
        entry: entry!(ch02_failure_and_time, lab::membership::exercise::<chapter::membership::Member>()),
        lossless: false,
        checks: vec![
            Check {
                id: "join",
                promise: "Within `detect` of the last start, every view holds all nodes that are up and no other node.",
                rule: "van Renesse, Minsky and Hayden 1998: gossip spreads the name of a new node to all nodes, although the new node knows only a \
                       few names at first. No single node is needed for that.",
                assumption: "a certain seed is up, or that the first message to it arrives.",
                kind: Kind::Liveness,
                xp: 3,
                worlds: 16,
                case: join,
                ..Check::PLAIN
            },
            Check {
                id: "crash",
                promise: "If a node crashes for good, it leaves every view within `detect`, and it stays out.",
                rule: "Das, Gupta and Motivala 2002, section 3: each member is pinged at least once in 2 n − 1 rounds, and what one node finds out \
                       spreads to all. The paper calls it time-bounded completeness.",
                assumption: "a seed is up, or that a message comes from a node that is up.",
                kind: Kind::Liveness,
                xp: 4,
                worlds: 15,
                sometimes: &[
                    (
                        CRASHED,
                        "Untested: in none of the runs did a node crash that was in the view of another node.",
                    ),
                    (
                        LATE,
                        "Untested: in none of the runs did a message of a crashed node arrive at a node that had let it go.",
                    ),
                ],
                case: crash,
                ..Check::PLAIN
            },
            Check {
                id: "steady",
                promise: "A node that is up is not let go while the links between other members connect it in both directions.",
                rule: "Das, Gupta and Motivala 2002, section 3.1: if a node does not answer a ping, other nodes ping it. So one bad link \
                       is not taken for a crash.",
                assumption: "a node that you cannot reach has crashed.",
                kind: Kind::Safety,
                xp: 3,
                needs: &["crash"],
                worlds: 15,
                sometimes: &[(
                    CUT,
                    "Untested: in none of the runs was a link cut while other links connected all nodes.",
                )],
                case: steady,
                ..Check::PLAIN
            },
            Check {
                id: "refutes",
                promise: "A node that was let go wrongly is back in every view within 2 × `detect` of the fault, and its own view is right.",
                rule: "Das, Gupta and Motivala 2002, section 4.2: a suspected node that hears of it raises its incarnation number. Its claim to \
                       be alive then overrides the suspicion.",
                assumption: "a node that was let go stays away, or that one contradiction is enough for ever.",
                kind: Kind::Liveness,
                xp: 3,
                worlds: 12,
                sometimes: &[(WRONGLY, "Untested: in none of the runs was a node let go that was up.")],
                case: refutes,
                ..Check::PLAIN
            },
            Check {
                id: "comes-back",
                promise: "If a node starts again, it is in every view within 2 × `detect`, whatever the others thought of it before.",
                rule: "Das, Gupta and Motivala 2002, section 4.2: of two claims about a node, the one with the larger incarnation number wins. \
                       A node that forgot its number must learn it again, or keep it on its disk.",
                assumption: "a restart makes the others forget what they know about the node.",
                kind: Kind::Liveness,
                xp: 3,
                worlds: 16,
                sometimes: &[(
                    BACK,
                    "Untested: in none of the runs did a node come back that had crashed and had been let go.",
                )],
                case: comes_back,
                ..Check::PLAIN
            },
            Check {
                id: "heals",
                promise: "If a partition ends, its two halves find each other within 2 × `detect`.",
                rule: "van Renesse, Minsky and Hayden 1998: gossip among members alone never joins two halves again that have let \
                       each other go. A message to a fixed address, now and then, does.",
                assumption: "a node that let no member go knows all nodes.",
                kind: Kind::Liveness,
                xp: 2,
                worlds: 8,
                sometimes: &[(HALVES, "Untested: in none of the runs did each half let the other half go.")],
                case: heals,
                ..Check::PLAIN
            },
            Check {
                id: "load",
                promise: "If nothing goes wrong, nodes send at most 6 messages an interval on average, none has 4 times the average load, and messages are short.",
                rule: "Das, Gupta and Motivala 2002, sections 1 and 3: the load of a node does not grow with the number of nodes, and no node \
                       has much more of it than others.",
                assumption: "what is cheap among 8 nodes is cheap among 32.",
                kind: Kind::Cost,
                xp: 2,
                needs: &["crash"],
                worlds: 2,
                case: load,
                ..Check::PLAIN
            },
        ],
    }
}
