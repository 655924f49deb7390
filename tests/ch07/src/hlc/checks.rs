//! `hlc`: the promises.

use super::oracle::*;
use super::worlds::*;
use judge::{Check, Exercise, Kind, entry};

pub(crate) fn exercise() -> Exercise {
    Exercise {
        id: "hlc",
        entry: entry!(ch07_logical_clocks, lab::hlc::exercise::<chapter::hlc::Clock>()),
        lossless: false,
        checks: vec![
            Check {
                id: "monotone",
                promise: "If one event could affect another, its stamp is smaller, also if their wall \
                       clocks show the same time.",
                rule: "Kulkarni 2014, theorem 1: e → f implies (l(e), c(e)) < (l(f), c(f)). If l does not \
                       grow, c must grow.",
                assumption: "the clock advances between any two events: one granule of the clock holds many \
                       events.",
                kind: Kind::Safety,
                xp: 4,
                needs: &[],
                worlds: 64,
                sometimes: &[
                    (ONE_GRANULE, "Untested: in none of the runs did a node have two events in one granule."),
                    (
                        ONE_GRANULE_OFF,
                        "Untested: in none of the runs did a message arrive in the granule in which it was sent.",
                    ),
                ],
                case: monotone,
                ..Check::PLAIN
            },
            Check {
                id: "jumps",
                promise: "Stamps only grow, whatever the wall clocks do: they jump back, stand still, or \
                       drift.",
                rule: "Kulkarni 2014: l never goes back. A new stamp starts from the larger of the wall \
                       clock and the last stamp.",
                assumption: "clocks only go forward.",
                kind: Kind::Safety,
                xp: 3,
                needs: &["monotone"],
                worlds: 64,
                sometimes: &[
                    (
                        WENT_BACK,
                        "Untested: in none of the runs did a node give stamps before and after its clock went back.",
                    ),
                    (
                        STOOD,
                        "Untested: in none of the runs did a node give stamps while its clock stood still.",
                    ),
                ],
                case: jumps,
                ..Check::PLAIN
            },
            Check {
                id: "close",
                promise: "If no clock jumps, l is never behind the node's wall clock, and never ahead of \
                       every wall clock in the event's causal past. c stays small.",
                rule: "Kulkarni 2014, theorem 2 and corollary 1: pt(e) ≤ l(e), and l(e) is the wall clock \
                       of an event in the causal past of e. c counts only events that share an l. It \
                       restarts when l grows.",
                assumption: "clocks agree and run at the same rate: here they differ, and drift.",
                kind: Kind::Safety,
                xp: 4,
                needs: &["monotone"],
                worlds: 17,
                sometimes: &[(
                    AHEAD,
                    "Untested: in none of the runs did a node hear of a wall clock that was ahead of its own.",
                )],
                case: close,
                ..Check::PLAIN
            },
            Check {
                id: "overflow",
                promise: "A full counter never wraps: the clock advances l or reports that it is exhausted, \
                       and it works again when the wall clock has advanced.",
                rule: "c has 16 bits, so one l has at most 65,536 stamps. Code that increments c without a \
                       check gives the same stamp twice.",
                assumption: "one granule never holds more events than the counter can count.",
                kind: Kind::Safety,
                xp: 2,
                needs: &["monotone"],
                worlds: 2,
                sometimes: &[(
                    FULL,
                    "Untested: in none of the runs did a node give more stamps in one granule than a counter counts.",
                )],
                case: overflow,
                ..Check::PLAIN
            },
            Check {
                id: "restart",
                promise: "Each new stamp is larger than every stamp that the node has emitted or sent, also after a crash. \
                       A wall clock that was set back does not change that. The node works again within twice the \
                       largest offset.",
                rule: "Kulkarni 2014 §5: after a restart l must not be smaller than any l that was given. \
                       Make each stamp durable before it leaves. Or make an upper bound durable, and \
                       continue from there or wait.",
                assumption: "the wall clock is still right after a crash.",
                kind: Kind::Safety,
                xp: 3,
                needs: &["monotone"],
                worlds: 128,
                sometimes: &[(
                    RESTARTED,
                    "Untested: in none of the runs did a node give a stamp after a restart.",
                )],
                case: restart,
                ..Check::PLAIN
            },
            Check {
                id: "refuse",
                promise: "A node refuses a message whose stamp is ahead of its wall clock by twice the \
                       largest offset. Its own stamps do not change because of such a message.",
                rule: "Kulkarni 2014 §5: ignore messages that would advance the clock too far. Otherwise \
                       one wrong clock advances all others. Check before you merge.",
                assumption: "every clock in the system is right.",
                kind: Kind::Safety,
                xp: 2,
                needs: &["monotone"],
                worlds: 32,
                sometimes: &[(
                    MAD,
                    "Untested: in none of the runs did a message arrive with a stamp that far ahead.",
                )],
                case: refuse,
                ..Check::PLAIN
            },
            Check {
                id: "accept",
                promise: "A node accepts a message whose stamp is ahead of its wall clock by at most the largest offset, \
                       and every old message.",
                rule: "Only stamps ahead of the wall clock can do harm. The stamp of a late message lies in \
                       the past.",
                assumption: "messages are fast: here they take minutes.",
                kind: Kind::Liveness,
                xp: 2,
                needs: &["monotone"],
                worlds: 32,
                sometimes: &[
                    (OLD, "Untested: in none of the runs did a message arrive with a stamp far behind."),
                    (
                        SOON,
                        "Untested: in none of the runs did a message arrive with a stamp ahead of the receiver's wall clock.",
                    ),
                ],
                case: accept,
                ..Check::PLAIN
            },
        ],
    }
}
