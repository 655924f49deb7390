//! `classify`: the promises.

use super::worlds::*;
use judge::{Check, Exercise, entry};
use kit::quiz::EVERY_ANSWER;

pub(crate) fn exercise() -> Exercise {
    Exercise {
        id: "classify",
        entry: entry!(ch02_failure_and_time, lab::classify::exercise(chapter::classify::classify)),
        lossless: false,
        checks: vec![
            Check {
                id: "silence",
                promise: "If a correct node falls silent, your function answers CannotTellYet while messages may be on their way, and then Crash.",
                rule: "Hadzilacos and Toueg 1994, section 2: a crashed process stops, and it is correct until then. Where no \
                       message takes longer than Δ, silence proves that a message was not sent, but only after Δ.",
                assumption: "a message which has not arrived was not sent.",
                xp: 2,
                worlds: 24,
                sometimes: &[EVERY_ANSWER],
                case: silence,
                ..Check::PLAIN
            },
            Check {
                id: "gaps",
                promise: "If a kept duty is due after a broken one, your function answers Omission, not Crash.",
                rule: "Hadzilacos and Toueg 1994, section 2: a process with omission failures leaves out messages, and goes \
                       on. A crashed process never goes on. What counts is when messages were due, not when they arrived.",
                assumption: "messages arrive in the order in which they were sent.",
                xp: 1,
                worlds: 24,
                sometimes: &[EVERY_ANSWER],
                case: gaps,
                ..Check::PLAIN
            },
            Check {
                id: "clockwork",
                promise: "If a message arrives too early or too late, and no arrival is false, your function answers Timing.",
                rule: "Cristian, Aghili, Strong and Dolev 1985: a timing failure is a correct message outside its time \
                       interval, too early or too late. It is no omission, whatever else is missing.",
                assumption: "a message is on time because it arrived.",
                xp: 1,
                worlds: 24,
                sometimes: &[EVERY_ANSWER],
                case: clockwork,
                ..Check::PLAIN
            },
            Check {
                id: "lies",
                promise: "If no duty explains an arrival, your function answers Byzantine, whatever else the evidence shows.",
                rule: "Cristian, Aghili, Strong and Dolev 1985: only a Byzantine node sends what its program never sends: \
                       another content, another round, or the same message twice.",
                assumption: "a node which sends correct messages sends nothing else.",
                xp: 1,
                worlds: 24,
                sometimes: &[EVERY_ANSWER],
                case: lies,
                ..Check::PLAIN
            },
            Check {
                id: "smallest",
                promise: "Whatever a node does, your function answers the smallest class that explains the evidence.",
                rule: "Cristian, Aghili, Strong and Dolev 1985: crash ⊂ omission ⊂ timing ⊂ Byzantine. If the open duties \
                       decide between two classes, the evidence does not decide yet.",
                assumption: "a node fails in one way only.",
                xp: 1,
                worlds: 64,
                sometimes: &[EVERY_ANSWER],
                case: smallest,
                ..Check::PLAIN
            },
        ],
    }
}
