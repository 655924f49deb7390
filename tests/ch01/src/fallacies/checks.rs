//! `fallacies`: the promises, one for each fallacy.

use super::oracle::*;
use super::worlds::*;
use judge::{Check, Exercise, Kind, entry};

const NO_CLIENT_GOT_ALL: &str = "Untested: in none of the runs did a client get all values.";

pub(crate) fn exercise() -> Exercise {
    Exercise {
        id: "fallacies",
        entry: entry!(ch01_distributed, lab::fallacies::exercise::<chapter::fallacies::Gateway>()),
        lossless: false,
        checks: vec![
            Check {
                id: "reliable",
                promise: "A client gets all values although messages, calls and answers are lost for a while.",
                rule: "The first fallacy, Deutsch 1994: the network is reliable. It is not. A frame, a call and an answer can each be lost, \
                       and all look alike: as silence. What was not answered is asked again, as long as the client waits.",
                assumption: "a message that was sent arrives.",
                kind: Kind::Liveness,
                xp: 5,
                worlds: 48,
                sometimes: &[
                    (COMPLETE, NO_CLIENT_GOT_ALL),
                    (
                        LOST,
                        "Untested: in none of the runs was a frame of an open request lost before the client got all values.",
                    ),
                ],
                case: reliable,
                ..Check::PLAIN
            },
            Check {
                id: "latency",
                promise: "A slow or silent backend costs no client its answer, and a late answer says what is missing.",
                rule: "The second fallacy, Deutsch 1994: latency is zero. A reply may take for ever. Bound each wait, ask another backend when it \
                       is over, and let no request wait for another. At the deadline, answer with what has arrived.",
                assumption: "a backend that was asked answers soon.",
                kind: Kind::Liveness,
                xp: 5,
                worlds: 48,
                sometimes: &[
                    (
                        PASSED_OVER,
                        "Untested: in none of the runs did a client get all values although a backend did not answer.",
                    ),
                    (HONEST, "Untested: in none of the runs did an answer have some values and miss others."),
                ],
                case: latency,
                ..Check::PLAIN
            },
            Check {
                id: "bandwidth",
                promise: "Big requests over thin links are complete within 3 times what their bytes take, and 6 × `patience`.",
                rule: "The third fallacy, Deutsch 1994: bandwidth is infinite. A link carries frames of a limited length at a limited rate. Split \
                       what is too long. Do not ask again for what is still arriving: it would arrive twice.",
                assumption: "any amount of data passes at once.",
                kind: Kind::Liveness,
                xp: 6,
                worlds: 16,
                sometimes: &[
                    (COMPLETE, NO_CLIENT_GOT_ALL),
                    (LONG, "Untested: in none of the runs did an answer take longer than `patience`."),
                ],
                case: bandwidth,
                ..Check::PLAIN
            },
            Check {
                id: "secure",
                promise: "No value but a backend's own reaches a client, and a client gets all values once true answers arrive.",
                rule: "The fourth fallacy, Deutsch 1994: the network is secure. Anyone can send bytes in a backend's name. A frame \
                       counts if its code is right for the secret of that backend, all 8 bytes of it. Any other frame changes nothing.",
                assumption: "what arrives from a backend's address was sent by that backend.",
                kind: Kind::Safety,
                xp: 6,
                worlds: 48,
                sometimes: &[
                    (COMPLETE, NO_CLIENT_GOT_ALL),
                    (FORGED, "Untested: in none of the runs did a false answer arrive before the true one."),
                ],
                case: secure,
                ..Check::PLAIN
            },
            Check {
                id: "topology",
                promise: "A client gets all values after backends were replaced, and while the directory cannot be reached.",
                rule: "The fifth fallacy, Deutsch 1994: topology does not change. A list of backends is true for a time only, so ask for \
                       a new one. An old list is still better than none. A backend that left, or has a new secret, is silent or refuses.",
                assumption: "the nodes that serve now are those that served before.",
                kind: Kind::Liveness,
                xp: 5,
                worlds: 48,
                sometimes: &[(
                    AFTERWARDS,
                    "Untested: in none of the runs did a client that asked after the change get all values.",
                )],
                case: topology,
                ..Check::PLAIN
            },
            Check {
                id: "administrator",
                promise: "A client gets all values although each backend speaks its own version, changes it, or refuses for a while.",
                rule: "The sixth fallacy, Deutsch 1994: there is one administrator. Backends are upgraded one by one, and not by you. Speak to each \
                       in the version that it names, and fill in all of that version. A refusal is an answer for now, not for ever.",
                assumption: "all backends run the same software.",
                kind: Kind::Liveness,
                xp: 4,
                worlds: 48,
                sometimes: &[
                    (
                        VERSIONS,
                        "Untested: in none of the runs did a backend not speak the version in which it was asked.",
                    ),
                    (REFUSED, "Untested: in none of the runs did a client get all values after a refusal."),
                ],
                case: administrator,
                ..Check::PLAIN
            },
            Check {
                id: "transport",
                promise: "On a clean network, bytes stay within 1.4 times one ask and its answer, and 200 for each backend.",
                rule: "The seventh fallacy, Deutsch 1994: transport cost is zero. Each frame costs its header and its code, and each byte costs \
                       money. Put many keys into one ask, ask one backend for each, and keep the directory's list for its time.",
                assumption: "one message more costs nothing.",
                kind: Kind::Cost,
                xp: 3,
                worlds: 12,
                sometimes: &[(COMPLETE, NO_CLIENT_GOT_ALL)],
                case: transport,
                ..Check::PLAIN
            },
            Check {
                id: "homogeneous",
                promise: "Legal frames of every make are understood, and a signed frame that is not legal does no harm.",
                rule: "The eighth fallacy, by Gosling: the network is homogeneous. Other programs write the same format in another way. Read \
                       what the format allows, skip what it lets later versions add, and check each length before you use it.",
                assumption: "all programs write the same bytes for the same message.",
                kind: Kind::Safety,
                xp: 5,
                worlds: 48,
                sometimes: &[
                    (COMPLETE, NO_CLIENT_GOT_ALL),
                    (
                        BOTH_ORDERS,
                        "Untested: in none of the runs did legal frames of both byte orders arrive.",
                    ),
                    (ILLEGAL, "Untested: in none of the runs did a signed frame arrive that was not legal."),
                ],
                case: homogeneous,
                ..Check::PLAIN
            },
        ],
    }
}
