//! `courier`: the promises.

use super::oracle::*;
use super::worlds::*;
use judge::{Check, Exercise, Kind, entry, pairs};

const NEVER_COPIED: &str = "Untested: in none of the runs did a message reach a receiver twice.";

pub(crate) fn exercise() -> Exercise {
    Exercise {
        id: "courier",
        entry: entry!(
            ch01_distributed,
            lab::courier::exercise::<chapter::courier::Sender, chapter::courier::Receiver>()
        ),
        lossless: false,
        checks: vec![
            Check {
                id: "arrives",
                promise: "On a clean network, every letter is delivered within 4 × `resend`, under each of the four guarantees.",
                rule: "Spector 1982: the guarantees differ in what they do about failures. Where nothing fails, each of them delivers \
                       every letter. At-least-once may deliver a letter twice, and the others may not.",
                assumption: "a letter without contents is no letter.",
                kind: Kind::Liveness,
                xp: 3,
                worlds: 48,
                case: arrives,
                ..Check::PLAIN
            },
            Check {
                id: "at-most-once",
                promise: "Under at-most-once, no letter is delivered twice, and after the calm letters are delivered again.",
                rule: "Saltzer, Reed, Clark 1984, \"Duplicate message suppression\": only the end that acts on a message can \
                       recognise every copy of it. What it needs for that must survive a crash together with the mailbox.",
                assumption: "a message arrives at most once, or that a receiver still knows after a crash what it knew before.",
                kind: Kind::Safety,
                xp: 4,
                needs: &["arrives"],
                worlds: 160,
                sometimes: &[(COPIED, NEVER_COPIED)],
                case: at_most_once,
                ..Check::PLAIN
            },
            Check {
                id: "none-lost",
                promise: "Under at-least-once, every letter is delivered, whatever messages are lost and whenever a receiver crashes.",
                rule: "Saltzer, Reed, Clark 1984, \"Delivery guarantees\": an acknowledgement helps only if it says that the letter is \
                       safe. Until then the sender keeps the letter and sends it again.",
                assumption: "a letter that arrived is safe, or that one receiver's silence says anything about another receiver.",
                kind: Kind::Safety,
                xp: 5,
                needs: &["arrives"],
                worlds: 160,
                sometimes: &[(
                    UNSYNCED,
                    "Untested: in none of the runs did a receiver crash with writes that were not synced.",
                )],
                case: none_lost,
                ..Check::PLAIN
            },
            Check {
                id: "exactly-once",
                promise: "Under exactly-once, every letter is delivered once, whatever messages are lost, duplicated or late.",
                rule: "Saltzer, Reed, Clark 1984, \"Duplicate message suppression\": every copy of a letter carries the number that the \
                       sender gave the letter. A receiver delivers each number of each sender once.",
                assumption: "equal contents mean a copy, or that a copy comes soon after its original.",
                kind: Kind::Safety,
                xp: 6,
                needs: &["arrives"],
                worlds: 128,
                sometimes: &[(COPIED, NEVER_COPIED)],
                case: exactly_once,
                ..Check::PLAIN
            },
            Check {
                id: "crash-points",
                promise: "Under both exactly-once guarantees, every letter is delivered once, after whichever step a receiver crashes.",
                rule: "Gray 1978: an action and the record of it are one atomic step. If a crash can keep one and lose the other, a letter \
                       is delivered twice or never.",
                assumption: "two writes that follow one another survive a crash together.",
                kind: Kind::Safety,
                xp: 5,
                needs: &["exactly-once"],
                worlds: 6 * (SINGLES + pairs(PAIRED)),
                sweep: SINGLES + pairs(PAIRED),
                sometimes: &[(
                    RETURNED,
                    "Untested: in none of the runs did a receiver crash after a delivery and then receive a message.",
                )],
                case: crash_points,
                ..Check::PLAIN
            },
            Check {
                id: "in-order",
                promise: "Under exactly-once in order, the letters of each sender stand in a mailbox in the order of asking.",
                rule: "Saltzer, Reed, Clark 1984, \"Guaranteeing FIFO message delivery\". A letter that arrives early waits until every \
                       letter before it is delivered. Then the receiver delivers it at once.",
                assumption: "messages arrive in the order in which they were sent.",
                kind: Kind::Safety,
                xp: 5,
                needs: &["arrives"],
                worlds: 128,
                sometimes: &[(
                    OVERTAKEN,
                    "Untested: in none of the runs did a message overtake an earlier one of the same sender.",
                )],
                case: in_order,
                ..Check::PLAIN
            },
            Check {
                id: "frugal",
                promise: "Under at-most-once, a sender and a receiver exchange at most one message for each letter, and 4 more.",
                rule: "Saltzer, Reed, Clark 1984: an application that does not need a guarantee should not pay for it. At-most-once \
                       needs no acknowledgement and no second copy.",
                assumption: "messages are free.",
                kind: Kind::Cost,
                xp: 1,
                needs: &["arrives"],
                worlds: 12,
                case: frugal,
                ..Check::PLAIN
            },
            Check {
                id: "quiet",
                promise: "Once every letter was due, no node sends anything for 10 × `resend`.",
                rule: "A sender stops sending a letter when the letter is acknowledged. So a receiver acknowledges every copy: the \
                       first acknowledgement may be lost.",
                assumption: "an acknowledgement arrives.",
                kind: Kind::Cost,
                xp: 1,
                needs: &["arrives"],
                worlds: 32,
                case: quiet,
                ..Check::PLAIN
            },
            Check {
                id: "bounded",
                promise: "A receiver's memory of old letters and a sender's letters under way are bounded by the window.",
                rule: "Cerf and Kahn 1974: a window at the sender bounds what a receiver has to remember. Every number below the lowest \
                       missing one is known, and the numbers above it fit into a window.",
                assumption: "a disk has room for everything.",
                kind: Kind::Cost,
                xp: 1,
                needs: &["arrives"],
                worlds: 2,
                sometimes: &[(
                    MANY,
                    "Untested: in none of the runs did a receiver deliver a thousand letters.",
                )],
                case: bounded,
                ..Check::PLAIN
            },
        ],
    }
}
