//! `byzantine`: the promises.

use super::oracle::*;
use super::worlds::*;
use judge::{Check, Exercise, Kind, entry};

const NOT_SPLIT: &str = "Untested: in none of the runs did honest nodes echo different payloads in one slot.";

pub(crate) fn exercise() -> Exercise {
    Exercise {
        id: "byzantine",
        entry: entry!(ch02_failure_and_time, lab::byzantine::exercise::<chapter::byzantine::Broadcaster>()),
        lossless: true,
        checks: vec![
            Check {
                id: "validity",
                promise: "If an honest node broadcasts, all honest nodes deliver within 6 delays, even if all traitors are silent.",
                rule: "Bracha 1987, section 3: if the origin is correct, all correct processes accept its value. A process cannot wait for more \
                       than n - f others, because f may be silent.",
                assumption: "all nodes vote, that an Initial arrives before the votes for it, or that broadcasts arrive in order.",
                kind: Kind::Liveness,
                xp: 3,
                worlds: 48,
                case: validity,
                ..Check::PLAIN
            },
            Check {
                id: "consistency",
                promise: "No two honest nodes deliver different payloads in one slot, and no honest node delivers twice there.",
                rule: "Bracha 1987, section 3: two sets of more than (n + f) / 2 processes have more than f processes in common. So one of \
                       those is correct, and it echoed only one value.",
                assumption: "a node sends the same payload to all nodes, or votes only once.",
                kind: Kind::Safety,
                xp: 4,
                needs: &["validity"],
                worlds: 108,
                sometimes: &[(SPLIT, NOT_SPLIT)],
                case: consistency,
                ..Check::PLAIN
            },
            Check {
                id: "totality",
                promise: "If one honest node delivers in a slot, all honest nodes deliver in that slot.",
                rule: "Bracha 1987, section 3: one of f + 1 ready processes is correct, so f + 1 Readys are enough to become ready. f + 1 of \
                       2f + 1 ready processes are correct, so all correct processes become ready.",
                assumption: "what one node has received, all nodes have received.",
                kind: Kind::Safety,
                xp: 4,
                needs: &["validity"],
                worlds: 96,
                sometimes: &[(
                    SPARED,
                    "Untested: in none of the runs did a node deliver with too few echoes for a Ready of its own.",
                )],
                case: totality,
                ..Check::PLAIN
            },
            Check {
                id: "integrity",
                promise: "In the slot of an honest node, honest nodes deliver only what that node broadcast, and deliver it once.",
                rule: "Cachin, Guerraoui and Rodrigues 2011, section 3.10: every correct process delivers at most one message, and if the sender is \
                       correct, that message was broadcast by it.",
                assumption: "a message is true because it names an honest node, or because it arrived many times.",
                kind: Kind::Safety,
                xp: 3,
                needs: &["validity"],
                worlds: 96 + 8,
                sometimes: &[(
                    FALSE_FIRST,
                    "Untested: in none of the runs did a false vote arrive before the true ones.",
                )],
                case: integrity,
                ..Check::PLAIN
            },
            Check {
                id: "quorums",
                promise: "The other promises also hold if there are more nodes than 3f + 1.",
                rule: "Bracha 1987, section 3: a process is ready when more than (n + f) / 2 processes have echoed one value. If n is larger than \
                       3f + 1, that is more than 2f + 1.",
                assumption: "n is 3f + 1.",
                kind: Kind::Safety,
                xp: 3,
                needs: &["validity"],
                worlds: 112,
                sometimes: &[(SPLIT, NOT_SPLIT)],
                case: quorums,
                ..Check::PLAIN
            },
            Check {
                id: "every-traitor",
                promise: "With four nodes, these promises hold against every set of messages that one traitor can send in its own slot.",
                rule: "Bracha 1987, section 3: the proof counts votes and does not ask why a traitor votes as it does. This check tries each choice \
                       of Initial, Echoes and Readys for each honest node, up to names.",
                assumption: "a traitor follows one of the plans that you thought of.",
                kind: Kind::Safety,
                xp: 3,
                needs: &["validity"],
                worlds: EVERY_TRAITOR,
                sometimes: &[(
                    DELIVERED,
                    "Untested: in none of the runs did an honest node deliver in the slot of the traitor.",
                )],
                case: every_traitor,
                ..Check::PLAIN
            },
            Check {
                id: "cost",
                promise: "Without traitors, a broadcast costs at most 5n² messages. Then there is silence.",
                rule: "Bracha 1987, section 3: one Initial to each process, and from each process one Echo and one Ready to each: n + 2n² \
                       messages.",
                assumption: "a vote needs an answer, or that a node must pass on what it receives.",
                kind: Kind::Cost,
                xp: 1,
                needs: &["validity"],
                worlds: 15,
                case: cost,
                ..Check::PLAIN
            },
        ],
    }
}
