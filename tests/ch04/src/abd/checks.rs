//! `abd`: the promises.

use super::oracle::*;
use super::worlds::*;
use judge::{Check, Exercise, Kind, entry};

pub(crate) fn exercise() -> Exercise {
    Exercise {
        id: "abd",
        entry: entry!(ch04_consistency, lab::abd::exercise::<chapter::abd::Replica>()),
        lossless: false,
        checks: vec![
            Check {
                id: "answers",
                promise: "On a clean network a node answers every request, and a read that begins after a write has ended does not miss it.",
                rule: "Attiya, Bar-Noy and Dolev 1995, section 3: an operation waits for answers of a majority, its own node's \
                       among them, and never for all. A cluster of one node is a majority of its own.",
                assumption: "a node has only one operation to carry out at a time.",
                kind: Kind::Liveness,
                xp: 1,
                worlds: 24,
                sometimes: &[(
                    READ_BACK,
                    "Untested: in none of the runs did a read return a value that had been written.",
                )],
                case: answers,
                ..Check::PLAIN
            },
            Check {
                id: "terminates",
                promise: "A node that stays up answers within 10 × resend after the last fault, and while only a minority is down.",
                rule: "Attiya, Bar-Noy and Dolev 1995, section 2: links lose messages, so a question is repeated until a majority has \
                       answered it, in both phases. A majority suffices, so a node that is down delays no operation.",
                assumption: "a message that was sent arrives.",
                kind: Kind::Liveness,
                xp: 2,
                needs: &["answers"],
                worlds: 84,
                sometimes: &[
                    (
                        READ_BACK,
                        "Untested: in none of the runs did a read return a value that had been written.",
                    ),
                    (
                        RESENT,
                        "Untested: in none of the runs was an operation answered although a message had been lost.",
                    ),
                ],
                case: terminates,
                ..Check::PLAIN
            },
            Check {
                id: "write-back",
                promise: "A later read never returns an older value than an earlier read, even if the write was never finished.",
                rule: "Attiya, Bar-Noy and Dolev 1995, section 3: before a read returns a value, a majority stores it. Without that the \
                       register is regular (Lamport 1986): of two reads the second may return the older value.",
                assumption: "a value that one read returned is stored where the next read asks.",
                kind: Kind::Safety,
                xp: 3,
                needs: &["answers"],
                worlds: 64,
                sometimes: &[(
                    INVERTIBLE,
                    "Untested: in none of the runs did a read return the value of a write that was still open when a later read ended.",
                )],
                case: write_back,
                ..Check::PLAIN
            },
            Check {
                id: "two-writers",
                promise: "A write that begins after another write has ended replaces it, and all nodes order two writes in the same way.",
                rule: "Lynch and Shvartsman 1997: a writer first asks a majority for its newest stamp, and takes a larger one. Writes \
                       that choose the same count are told apart by their writers. No two writes have one stamp.",
                assumption: "a node knows the newest stamp because it knows its own.",
                kind: Kind::Safety,
                xp: 3,
                needs: &["answers"],
                worlds: 48,
                sometimes: &[
                    (SUCCEEDED, "Untested: in none of the runs did a write follow a write of another node."),
                    (TIED, "Untested: in none of the runs were two writes open at one moment."),
                ],
                case: two_writers,
                ..Check::PLAIN
            },
            Check {
                id: "restart",
                promise: "What a client was told survives every crash, and a node that restarts gives no stamp to a second write.",
                rule: "A node syncs its copy before it acknowledges it. A writer syncs its new version before any other node hears of it. \
                       Value and stamp survive together or not at all.",
                assumption: "a node that crashes has finished what it had begun.",
                kind: Kind::Safety,
                xp: 3,
                needs: &["answers"],
                worlds: RESTARTS,
                sometimes: &[(
                    CAME_BACK,
                    "Untested: in none of the runs did a node crash during an operation and answer another one later.",
                )],
                case: restart,
                ..Check::PLAIN
            },
            Check {
                id: "counting",
                promise: "A majority is more than half of all nodes: different nodes, which answer this phase of this operation.",
                rule: "Attiya, Bar-Noy and Dolev 1995: any two majorities have a node in common. That is not so for halves, for a node that is \
                       counted twice, or for answers to an earlier question.",
                assumption: "an answer belongs to the question that was asked last.",
                kind: Kind::Safety,
                xp: 2,
                needs: &["answers"],
                worlds: 120,
                sometimes: &[
                    (
                        EVEN,
                        "Untested: in none of the runs was an operation asked for while the nodes were cut in two halves.",
                    ),
                    (DOUBLED, "Untested: in none of the runs did a waiting node get a message twice."),
                    (
                        LATE,
                        "Untested: in none of the runs did a message from before an operation arrive during it.",
                    ),
                ],
                case: counting,
                ..Check::PLAIN
            },
            Check {
                id: "linearizable",
                promise: "Each operation takes effect at one moment between its request and its answer, whatever goes wrong.",
                rule: "Herlihy and Wing 1990. A write that was never answered may take effect at any later moment, or never.",
                assumption: "faults come one at a time.",
                kind: Kind::Safety,
                xp: 3,
                needs: &["answers"],
                worlds: 192,
                sometimes: &[
                    (TIED, "Untested: in none of the runs were two writes open at one moment."),
                    (
                        OPEN_READ,
                        "Untested: in none of the runs did a read return the value of a write that was never answered.",
                    ),
                ],
                case: linearizable,
                ..Check::PLAIN
            },
            Check {
                id: "cost",
                promise: "On a clean network an operation takes at most two round trips and 5 (n − 1) messages, and idle nodes send little.",
                rule: "Attiya, Bar-Noy and Dolev 1995, section 3: two questions to all nodes and their answers are 4 (n − 1) messages. Idle: at \
                       most 2 n (n − 1) messages in a time of resend.",
                assumption: "messages are free.",
                kind: Kind::Cost,
                xp: 2,
                needs: &["answers"],
                worlds: 18,
                sometimes: &[(
                    READ_BACK,
                    "Untested: in none of the runs did a read return a value that had been written.",
                )],
                case: cost,
                ..Check::PLAIN
            },
        ],
    }
}
