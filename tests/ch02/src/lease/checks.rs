//! `lease`: the promises.

use super::oracle::*;
use super::worlds::*;
use judge::{Check, Exercise, Kind, entry};

pub(crate) fn exercise() -> Exercise {
    Exercise {
        id: "lease",
        entry: entry!(
            ch02_failure_and_time,
            lab::lease::exercise::<
                chapter::lease::LockService,
                chapter::lease::Storage,
                chapter::lease::Client,
            >()
        ),
        lossless: false,
        checks: vec![
            Check {
                id: "writes",
                promise: "If nothing goes wrong, every write ends Written within 3 × (clients + 1) × `ttl`.",
                rule: "Gray and Cheriton 1989: a lease ends by itself. A client that waits gets its turn when the lease is given back or over, \
                       and it has to ask again until then.",
                assumption: "a lock service that is busy remembers who has asked.",
                kind: Kind::Liveness,
                xp: 3,
                worlds: 48,
                case: writes,
                ..Check::PLAIN
            },
            Check {
                id: "fence",
                promise: "The tokens in the storage's log never go down, and each was granted to the client of its value.",
                rule: "Kleppmann 2016: the storage takes part in the check. It refuses a write whose token is smaller than one that it has \
                       already accepted. The client of that write has lost its lease, and may not know it.",
                assumption: "a client that has looked at its lease still has it when its write arrives.",
                kind: Kind::Safety,
                xp: 4,
                worlds: 96,
                sometimes: &[(
                    OUTDATED,
                    "Untested: in none of the runs did a message of a client with an old lease reach the storage after a newer \
                     acceptance.",
                )],
                case: fence,
                ..Check::PLAIN
            },
            Check {
                id: "tokens",
                promise: "No token is granted to two clients, and a later client's token is larger, also after a crash.",
                rule: "Burrows 2006, section 2.4: a sequencer says which lease a message belongs to. So its number must be durable before \
                       it leaves the node.",
                assumption: "the lock service knows after a crash what it has granted before.",
                kind: Kind::Safety,
                xp: 2,
                worlds: 4 * TOKEN_POINTS,
                sweep: TOKEN_POINTS,
                sometimes: &[(
                    TWO_LIVES,
                    "Untested: in none of the runs did the lock service grant leases to two clients and crash in between.",
                )],
                case: tokens,
                ..Check::PLAIN
            },
            Check {
                id: "restart",
                promise: "Tokens grow and old writes are refused, after whichever step the lock service and the storage crash.",
                rule: "The last accepted token must survive a crash together with the record that it belongs to. Otherwise a restarted \
                       storage accepts what it had to refuse before.",
                assumption: "two writes that follow one another survive a crash together.",
                kind: Kind::Safety,
                xp: 3,
                worlds: 4 * RESTARTS,
                sweep: RESTARTS,
                sometimes: &[(
                    REFUSED,
                    "Untested: in none of the runs did a storage that had crashed refuse a write of a client with an old lease.",
                )],
                case: restart,
                ..Check::PLAIN
            },
            Check {
                id: "stored",
                promise: "If a client answers Written, the value is durable in the storage's log, and it stays there.",
                rule: "Gray 1978: an acknowledgement is a promise that a crash must not break. So the storage answers after the sync, and \
                       the client answers after the storage.",
                assumption: "what was sent arrives, or what was written is durable.",
                kind: Kind::Safety,
                xp: 2,
                worlds: 80,
                sometimes: &[(
                    CRASHED,
                    "Untested: in none of the runs did the storage crash after it had accepted a value.",
                )],
                case: stored,
                ..Check::PLAIN
            },
            Check {
                id: "takes-over",
                promise: "If the holder is gone, each waiting client gets its turn within 6 × `ttl` + 10 × `retry`.",
                rule: "Gray and Cheriton 1989: a lease is a lock that a dead client cannot keep. After a restart the lock service waits for \
                       one `ttl`, and then no lease that it has forgotten can be out.",
                assumption: "a holder gives its lease back, or one client at most waits.",
                kind: Kind::Liveness,
                xp: 2,
                worlds: 48,
                sometimes: &[(
                    TOOK_OVER,
                    "Untested: in none of the runs did another client write after the holder was gone.",
                )],
                case: takes_over,
                ..Check::PLAIN
            },
            Check {
                id: "holds",
                promise: "While no node is paused and stopwatches keep to `drift_ppm`, no two clients hold a lease at once.",
                rule: "Gray and Cheriton 1989: the holder must stop before the lock service gives the lease away. So the holder counts from \
                       its question, which is earlier than the grant, and leaves a margin for both stopwatches.",
                assumption: "a grant arrives at once, or two stopwatches run at the same speed.",
                kind: Kind::Safety,
                xp: 2,
                worlds: 128,
                sometimes: &[(
                    CLOSE,
                    "Untested: in none of the runs did two clients hold a lease within 2 × `ttl` of each other.",
                )],
                case: holds,
                ..Check::PLAIN
            },
        ],
    }
}
