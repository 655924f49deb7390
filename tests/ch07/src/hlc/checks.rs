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
                promise: "If one event could affect another, its stamp is smaller, also where walls show them at one time.",
                rule: "Kulkarni 2014, theorem 1: e → f implies (l(e), c(e)) < (l(f), c(f)). Where l does not grow, c must.",
                assumption: "That time passes between any two events: a clock's granule holds many.",
                kind: Kind::Safety,
                xp: 4,
                needs: &[],
                worlds: 64,
                sometimes: &[
                    (ONE_GRANULE, "No two events of a node fell into one granule, so nothing was shown."),
                    (
                        ONE_GRANULE_OFF,
                        "No message arrived in the granule in which it was sent, so nothing was shown.",
                    ),
                ],
                case: monotone,
                ..Check::PLAIN
            },
            Check {
                id: "jumps",
                promise: "Stamps only grow, whatever happens to the clocks on the walls: jumps back, standstill, drift.",
                rule: "Kulkarni 2014: l never goes back. The larger of the wall and the last stamp counts, not the wall.",
                assumption: "That clocks only go forward.",
                kind: Kind::Safety,
                xp: 3,
                needs: &["monotone"],
                worlds: 64,
                sometimes: &[
                    (
                        WENT_BACK,
                        "No node gave stamps before and after its clock went back, so nothing was shown.",
                    ),
                    (STOOD, "No node gave stamps while its clock stood still, so nothing was shown."),
                ],
                case: jumps,
                ..Check::PLAIN
            },
            Check {
                id: "close",
                promise: "As long as no clock jumps, l is not behind the wall, nor ahead of every wall that the event can have heard of; \
                          and c stays small.",
                rule: "Kulkarni 2014, theorem 2 and corollary 1: pt(e) ≤ l(e), and l(e) is the wall clock of some event in the past of \
                       e. c counts only events that share an l, and begins anew when l grows.",
                assumption: "That clocks agree and run at one rate: here they are apart, and drift.",
                kind: Kind::Safety,
                xp: 4,
                needs: &["monotone"],
                worlds: 17,
                sometimes: &[(
                    AHEAD,
                    "No event had heard of a wall that was ahead of its own, so nothing was shown.",
                )],
                case: close,
                ..Check::PLAIN
            },
            Check {
                id: "overflow",
                promise: "A full counter never wraps: the clock moves on or says that it is exhausted, and works again when the wall has \
                          moved.",
                rule: "c has 16 bits, so after 65,536 stamps with one l there are no more. Whoever adds without looking gives a stamp \
                       twice.",
                assumption: "That there are never more events in one granule than a counter can count.",
                kind: Kind::Safety,
                xp: 2,
                needs: &["monotone"],
                worlds: 2,
                sometimes: &[(
                    FULL,
                    "No node was asked for 70,000 events in one granule, so nothing was shown.",
                )],
                case: overflow,
                ..Check::PLAIN
            },
            Check {
                id: "restart",
                promise: "A stamp that has left a node is below all its later stamps over a crash, also if the wall was set back \
                          meanwhile; and the node works again within twice the largest offset.",
                rule: "Kulkarni 2014 §5: after a restart l must not be below what was given. Make each stamp durable before it leaves; or \
                       an upper bound of them, and begin or wait there.",
                assumption: "That a clock on a wall survives what its computer does not.",
                kind: Kind::Safety,
                xp: 3,
                needs: &["monotone"],
                worlds: 128,
                sometimes: &[(RESTARTED, "No node gave a stamp after a restart, so nothing was shown.")],
                case: restart,
                ..Check::PLAIN
            },
            Check {
                id: "refuse",
                promise: "A message whose stamp is twice the largest offset ahead is refused, and leaves no trace.",
                rule: "Kulkarni 2014 §5: ignore messages that would move the clock too far, or one clock that is out of order carries all \
                       others away. Look before you merge.",
                assumption: "That every clock in the system is in order.",
                kind: Kind::Safety,
                xp: 2,
                needs: &["monotone"],
                worlds: 32,
                sometimes: &[(MAD, "No message with a stamp that far ahead arrived, so nothing was shown.")],
                case: refuse,
                ..Check::PLAIN
            },
            Check {
                id: "accept",
                promise: "A message whose stamp is half the largest offset ahead or less is taken, and so is any old one.",
                rule: "Only stamps ahead of the wall can do harm. A message may be as late as it likes: its stamp is in the past then.",
                assumption: "That messages are fast: these take minutes.",
                kind: Kind::Liveness,
                xp: 2,
                needs: &["monotone"],
                worlds: 32,
                sometimes: &[
                    (OLD, "No message with a stamp far behind arrived, so nothing was shown."),
                    (
                        SOON,
                        "No message with a stamp ahead of the receiver's wall arrived, so nothing was shown.",
                    ),
                ],
                case: accept,
                ..Check::PLAIN
            },
        ],
    }
}
