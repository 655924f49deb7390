//! `session`: the promises.

use super::oracle::*;
use super::worlds::*;
use judge::{Check, Exercise, Kind, entry};

pub(crate) fn exercise() -> Exercise {
    Exercise {
        id: "session",
        entry: entry!(ch03_replication, lab::session::exercise::<chapter::session::Device>()),
        lossless: false,
        checks: vec![
            Check {
                id: "answers",
                promise: "If a replica can serve a request for 8 × `patience`, the device does not answer Unavailable.",
                rule: "Terry and others 1994, section 5: a session needs any server whose state is recent enough. If one server is not, \
                       another one may be, or the same one later.",
                assumption: "the replica that answered last can answer next, or a hint names the leader.",
                kind: Kind::Liveness,
                xp: 2,
                worlds: 64,
                sometimes: &[(
                    WAITED,
                    "Untested: in none of the runs did a read begin when no replica had what it takes.",
                )],
                case: answers,
                ..Check::PLAIN
            },
            Check {
                id: "own-writes",
                promise: "A read shows the user's own writes, and the store does each write once.",
                rule: "Terry and others 1994, section 3.1: Read Your Writes. The effects of the writes of a session are visible to its later \
                       reads. A write that is sent again must be recognised, so all its copies have one id.",
                assumption: "a replica that answers has what another replica has acknowledged.",
                kind: Kind::Safety,
                xp: 3,
                worlds: 64,
                sometimes: &[(
                    LACKED_OWN,
                    "Untested: in none of the runs could a replica be reached that lacked a write of the user.",
                )],
                case: own_writes,
                ..Check::PLAIN
            },
            Check {
                id: "monotonic",
                promise: "A read never shows an older write than an earlier read.",
                rule: "Terry and others 1994, section 3.2: Monotonic Reads. A session may change its server only to one that has all the \
                       writes that its earlier reads depend on.",
                assumption: "a later answer is newer than an earlier one.",
                kind: Kind::Safety,
                xp: 2,
                worlds: 60,
                sometimes: &[(
                    LACKED_SEEN,
                    "Untested: in none of the runs could a replica be reached that lacked what had been read.",
                )],
                case: monotonic,
                ..Check::PLAIN
            },
            Check {
                id: "devices",
                promise: "After a handoff, a read at the other device shows what the session had written or read before.",
                rule: "Terry and others 1994, section 5: a session is what its read set and its write set say. They can go with the user to \
                       another device, where they join what that device has seen.",
                assumption: "a token is newer than what its receiver knows, or tokens arrive in order.",
                kind: Kind::Safety,
                xp: 2,
                worlds: 60,
                sometimes: &[(
                    LACKED_OWN,
                    "Untested: in none of the runs could a replica be reached that lacked a write of the user.",
                )],
                case: devices,
                ..Check::PLAIN
            },
            Check {
                id: "restart",
                promise: "A device that crashes remembers what it has shown, and what it has taken in from the other device.",
                rule: "What a user has seen cannot be unseen. So the position of an answer is durable before the answer is given.",
                assumption: "what was written is durable without a sync.",
                kind: Kind::Safety,
                xp: 1,
                worlds: 4 * RESTARTS,
                sweep: RESTARTS,
                sometimes: &[(
                    LACKED_OWN,
                    "Untested: in none of the runs could a replica be reached that lacked a write of the user.",
                )],
                case: restart,
                ..Check::PLAIN
            },
            Check {
                id: "fresh-enough",
                promise: "If the nearest replica is fresh enough, 9 of 10 reads take at most 10 ms, and at most 1 of 10 reaches the leader.",
                rule: "Terry and others 1994, section 5: a server is good enough when it has what the session has seen. More than that, a \
                       session must not ask for, or every read goes to the leader.",
                assumption: "only the leader can answer a user who has written something.",
                kind: Kind::Cost,
                xp: 2,
                worlds: 8,
                sometimes: &[(
                    MANY_READS,
                    "Untested: in none of the runs did 50 reads begin when the nearest replica had all that the session had seen.",
                )],
                case: fresh_enough,
                ..Check::PLAIN
            },
        ],
    }
}
