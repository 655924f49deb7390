//! `rpc`: the promises.

use super::oracle::*;
use super::worlds::*;
use judge::{Check, Exercise, Kind, entry};

pub(crate) fn exercise() -> Exercise {
    Exercise {
        id: "rpc",
        entry: entry!(ch01_distributed, lab::rpc::exercise::<chapter::rpc::Caller>()),
        lossless: false,
        checks: vec![
            Check {
                id: "completes",
                promise: "A call ends Ok if its server can be reached in time, whatever messages were lost before.",
                rule: "Birrell and Nelson 1984, section 3.2: the caller sends a copy of the call again and again until it hears from the \
                       server.",
                assumption: "a message that was sent arrives.",
                kind: Kind::Liveness,
                xp: 3,
                worlds: 72,
                case: completes,
                ..Check::PLAIN
            },
            Check {
                id: "once",
                promise: "A server executes each call at most once, however many copies of it arrive.",
                rule: "Birrell and Nelson 1984, section 3.2: all copies of a call carry the same identifier. By this identifier the server \
                       recognises a copy of a call that it has executed.",
                assumption: "a call that was not answered was not executed, or that equal calls are copies of one call.",
                kind: Kind::Safety,
                xp: 3,
                worlds: 100,
                sometimes: &[(
                    COPIED,
                    "Untested: in none of the runs did two copies of one call reach a server.",
                )],
                case: once,
                ..Check::PLAIN
            },
            Check {
                id: "failed-is-final",
                promise: "If a call ends Failed, its operation was not executed and never will be.",
                rule: "Waldo and others 1994, section 4.3: a caller without an answer cannot tell a lost message from a slow server. So a \
                       timeout is no proof of failure.",
                assumption: "silence means that nothing was executed, or that the refusal of one copy is the refusal of the call.",
                kind: Kind::Safety,
                xp: 3,
                worlds: 7 * 16,
                sometimes: &[(
                    HALF_REFUSED,
                    "Untested: in none of the runs was a copy refused of an operation that another copy had executed.",
                )],
                case: failed_is_final,
                ..Check::PLAIN
            },
            Check {
                id: "no-false-unknown",
                promise: "A call ends Unknown only if its time is over, no answer arrived, and a copy is out that was not refused.",
                rule: "Birrell and Nelson 1984, section 3.1: a call that returns was executed once. Only after an exception does the \
                       caller not know, so it must not raise one without need.",
                assumption: "an answer in the last moment comes too late, or that a call without an answer is always in doubt.",
                kind: Kind::Safety,
                xp: 1,
                worlds: 80,
                sometimes: &[(FAILED, "Untested: in none of the runs did a call end Failed.")],
                case: no_false_unknown,
                ..Check::PLAIN
            },
            Check {
                id: "right-answer",
                promise: "A call ends Ok only with the answer of its server to this very call, also after crashes of the caller.",
                rule: "Birrell and Nelson 1984, section 3.2: identifiers are never used again, not even after a restart. So an answer to \
                       an old call is recognised and discarded.",
                assumption: "an answer that arrives belongs to the call that is open.",
                kind: Kind::Safety,
                xp: 1,
                worlds: 16 + 2 * POINTS,
                sometimes: &[
                    (
                        STALE,
                        "Untested: in none of the runs did the answer to a call arrive while a later call was open.",
                    ),
                    (
                        LATER_LIFE,
                        "Untested: in none of the runs was a call answered Ok after a crash of the caller.",
                    ),
                ],
                case: right_answer,
                ..Check::PLAIN
            },
            Check {
                id: "deadline",
                promise: "Every call is answered by its deadline, and at most 10 ms later.",
                rule: "Waldo and others 1994, section 4.3: a part of the system may be silent for ever. A caller has to plan for that, \
                       because no failure is reported to it.",
                assumption: "a server answers at some time.",
                kind: Kind::Liveness,
                xp: 2,
                worlds: 64,
                sometimes: &[(
                    EXPIRED,
                    "Untested: in none of the runs did a call end Unknown because its deadline had come.",
                )],
                case: deadline,
                ..Check::PLAIN
            },
            Check {
                id: "independent",
                promise: "A call that its server answers at once does not wait for other calls.",
                rule: "Waldo and others 1994, section 4.3: parts fail independently. A server that is silent must not make a caller \
                       useless for the clients of other servers.",
                assumption: "calls end in the order in which they were made.",
                kind: Kind::Liveness,
                xp: 1,
                worlds: 36,
                case: independent,
                ..Check::PLAIN
            },
            Check {
                id: "frugal",
                promise: "If a call is answered at once, it needs one copy. If its server is silent or refuses, copies are few. When it is over, there are none.",
                rule: "Birrell and Nelson 1984, section 3.2: retransmission is for calls without an answer. The pause between two copies \
                       bounds what a server costs that does not work.",
                assumption: "messages are free.",
                kind: Kind::Cost,
                xp: 1,
                worlds: 24,
                case: frugal,
                ..Check::PLAIN
            },
        ],
    }
}
