//! `multi_leader`: the promises.

use super::oracle::*;
use super::worlds::*;
use judge::{Check, Exercise, Kind, entry};

pub(crate) fn exercise() -> Exercise {
    Exercise {
        id: "multi_leader",
        entry: entry!(ch03_replication, lab::multi_leader::exercise::<chapter::multi_leader::Leader>()),
        lossless: false,
        checks: vec![
            Check {
                id: "local",
                promise: "Each leader answers every request within 20 ms, also if no message arrives, and shows each change that it has \
                          acknowledged.",
                rule: "Demers and others 1987: an update is entered at a single site. The client does not wait for the \
                       others. They hear of it later.",
                assumption: "another leader can be reached when a client asks.",
                kind: Kind::Liveness,
                xp: 2,
                worlds: 30,
                sometimes: &[(
                    ALONE,
                    "Untested: in none of the runs did a leader answer before a message had reached it.",
                )],
                case: local,
                ..Check::PLAIN
            },
            Check {
                id: "converges",
                promise: "Within 20 × `gossip` after the last fault, all leaders that are up show the same. Nothing is missing that one of them had \
                          acknowledged or shown.",
                rule: "Shapiro and others 2011, section 2 (eventual consistency): replicas that have received the same updates have \
                       the same state. Demers and others 1987 call it anti-entropy: each replica compares itself with others from time to \
                       time, whether or not anything has changed.",
                assumption: "a message that you send once will arrive, or its author will be there to send it again.",
                kind: Kind::Liveness,
                xp: 3,
                worlds: 54,
                needs: &["local"],
                sometimes: &[(
                    LACKED,
                    "Untested: in none of the runs did a leader lack a change when the last fault ended.",
                )],
                case: converges,
                ..Check::PLAIN
            },
            Check {
                id: "counter",
                promise: "Each amount counts exactly once, at its own leader at every moment, and at all leaders in the end.",
                rule: "Shapiro and others 2011, section 3.1.3 (PN-counter): each replica changes only its own part of the counter, and a merge \
                       takes the newer of two copies of a part.",
                assumption: "a message arrives once, or in the order in which it was sent.",
                kind: Kind::Safety,
                xp: 3,
                worlds: 32,
                needs: &["local"],
                sometimes: &[(
                    OUT_OF_ORDER,
                    "Untested: in none of the runs did a message arrive twice or overtake another one.",
                )],
                case: counter,
                ..Check::PLAIN
            },
            Check {
                id: "register",
                promise: "A write overwrites every write that its leader had acknowledged or shown before. No leader that knows both shows the \
                          older one again.",
                rule: "Shapiro and others 2011, section 3.2.1 (LWW-register): the larger stamp wins, and stamps must agree with causality. A \
                       wall clock does not do that. Lamport 1978: a node that hears of a larger number continues from there.",
                assumption: "the later write has the larger time on its leader's wall clock, or in a count of its own writes.",
                kind: Kind::Safety,
                xp: 3,
                worlds: 36,
                needs: &["local"],
                sometimes: &[(
                    OVERWROTE,
                    "Untested: in none of the runs did a leader overwrite another leader's write that it had shown.",
                )],
                case: register,
                ..Check::PLAIN
            },
            Check {
                id: "cart",
                promise: "An item is in the cart if one of its inserts is left. A remove takes away the inserts that had reached its leader, \
                          and no other.",
                rule: "Shapiro and others 2011, section 3.3.5 (OR-set): each insert has a name of its own, and a remove takes away the names \
                       that it has seen. Bieniusa and others 2012 do it without a mark for each removed insert.",
                assumption: "an item that one of two copies lacks was removed there, or that it is new in the other copy.",
                kind: Kind::Safety,
                xp: 4,
                worlds: 42,
                needs: &["local"],
                sometimes: &[(
                    UNAWARE,
                    "Untested: in none of the runs was an item inserted and removed by leaders that did not know of each other's request.",
                )],
                case: cart,
                ..Check::PLAIN
            },
            Check {
                id: "restart",
                promise: "All promises hold, after whichever step a leader crashes.",
                rule: "A leader that starts again has the same name. If it then uses a number a second time, the others take the new insert or \
                       amount for one that they know already. So numbers must be durable before anything that carries them leaves the node.",
                assumption: "what was sent or shown is durable, or a counter in memory goes on where it stopped.",
                kind: Kind::Safety,
                xp: 2,
                worlds: 2 * RESTARTS,
                sweep: RESTARTS,
                needs: &["local"],
                sometimes: &[
                    (
                        INTERRUPTED,
                        "Untested: in none of the runs did a leader crash in the middle of a change and go on later.",
                    ),
                    (
                        GONE,
                        "Untested: in none of the runs did a leader show a change of another leader that was gone for good.",
                    ),
                ],
                case: restart,
                ..Check::PLAIN
            },
            Check {
                id: "quiet",
                promise: "If n leaders know everything, they send at most 4·n(n − 1) messages per `gossip`, none longer than 750 bytes.",
                rule: "Demers and others 1987: what anti-entropy costs while nothing changes is its rate. It must not depend on how \
                       often leaders answer each other.",
                assumption: "every message has to be answered, or passed on.",
                kind: Kind::Cost,
                xp: 1,
                worlds: 3,
                needs: &["local", "converges"],
                case: quiet,
                ..Check::PLAIN
            },
            Check {
                id: "bounded",
                promise: "After hundreds of inserts and removes that all leaders know, no message is longer than 750 bytes.",
                rule: "Bieniusa and others 2012: a version vector says which inserts a replica has heard of. An insert that a replica has \
                       heard of and does not have was removed. No mark of the removal is needed.",
                assumption: "a removed item needs a mark for ever, or a mark may be thrown away after some time.",
                kind: Kind::Cost,
                xp: 1,
                worlds: 3,
                needs: &["local", "converges"],
                sometimes: &[(
                    REMOVED,
                    "Untested: in none of the runs were hundreds of inserts removed by leaders that knew them.",
                )],
                case: bounded,
                ..Check::PLAIN
            },
        ],
    }
}
