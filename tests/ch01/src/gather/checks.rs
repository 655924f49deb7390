//! `gather`: the promises.

use super::oracle::*;
use super::worlds::*;
use judge::{Check, Exercise, Kind, entry};

pub(crate) fn exercise() -> Exercise {
    Exercise {
        id: "gather",
        entry: entry!(ch01_distributed, lab::gather::exercise::<chapter::gather::Gatherer>()),
        lossless: false,
        checks: vec![
            Check {
                id: "complete",
                promise: "If every shard answers, a search has the hits of all of them, at most 10 ms after the last part arrived.",
                rule: "Fox and Brewer 1999, on harvest and yield: harvest is the share of the data that an answer reflects. Where nothing fails, it is \
                       all of the data.",
                assumption: "an answer has to wait for its deadline, or that a shard without hits has not answered.",
                kind: Kind::Liveness,
                xp: 2,
                worlds: 48,
                case: complete,
                ..Check::PLAIN
            },
            Check {
                id: "shares-the-load",
                promise: "All shards work on a search at the same time, so that eight of them do in time what one cannot.",
                rule: "Dean and Barroso 2013: a service answers fast because each request fans out to many machines that work in parallel.",
                assumption: "it does not matter in which order shards are asked.",
                kind: Kind::Liveness,
                xp: 2,
                worlds: 16,
                sometimes: &[
                    (ALONE_TOO_SLOW, "Untested: in none of the runs was one shard too slow for a search."),
                    (TOGETHER, "Untested: in none of the runs were eight shards fast enough for a search."),
                ],
                case: shares_the_load,
                ..Check::PLAIN
            },
            Check {
                id: "honest",
                promise: "An answer names each shard once: with its hits if its part has arrived, and as missing if not.",
                rule: "Fox and Brewer 1999, on harvest and yield: an answer from a part of the data is useful if it says so. An incomplete answer that \
                       looks complete is wrong.",
                assumption: "so many parts are the parts of so many shards.",
                kind: Kind::Safety,
                xp: 4,
                worlds: 120,
                sometimes: &[(
                    PARTIAL,
                    "Untested: in none of the runs did an answer have hits of some shards while others were missing.",
                )],
                case: honest,
                ..Check::PLAIN
            },
            Check {
                id: "deadline",
                promise: "A shard that is dead, slow or paused costs its own part and nothing else, and no search its deadline.",
                rule: "Fox and Brewer 1999, on harvest and yield: if one of n shards is down, an answer with the rest of the data loses one n-th \
                       of the harvest, and no yield.",
                assumption: "every shard answers at some time.",
                kind: Kind::Liveness,
                xp: 3,
                worlds: 80,
                sometimes: &[(
                    EXPIRED,
                    "Untested: in none of the runs was a search incomplete at its deadline.",
                )],
                case: deadline,
                ..Check::PLAIN
            },
            Check {
                id: "stale",
                promise: "A search has only parts of its own, also after other searches were cut short and after crashes.",
                rule: "Birrell and Nelson 1984, section 3.2: an identifier that was used once is never used again, not even after a restart. \
                       So a late answer to an old question is recognised.",
                assumption: "a part that arrives belongs to the search that is open, or that equal texts have equal hits.",
                kind: Kind::Safety,
                xp: 2,
                worlds: 24 + 2 * POINTS,
                sometimes: &[
                    (STALE, "Untested: in none of the runs did a part arrive for a search that was over."),
                    (
                        LATER_LIFE,
                        "Untested: in none of the runs was a search answered in full after a crash of the gatherer.",
                    ),
                ],
                case: stale,
                ..Check::PLAIN
            },
            Check {
                id: "again",
                promise: "If a question or a part is lost, the shard is asked again, so that nothing is missing in the end.",
                rule: "Birrell and Nelson 1984, section 3.2: a question is repeated until it is answered, or until there is no time left.",
                assumption: "a message that was sent arrives.",
                kind: Kind::Liveness,
                xp: 1,
                worlds: 48,
                case: again,
                ..Check::PLAIN
            },
            Check {
                id: "frugal",
                promise: "If a shard answers at once, it is asked once. While it is silent, questions are few; afterwards there are none.",
                rule: "Only a question without an answer is asked again, and only as long as a client waits. The pause between two questions \
                       bounds what a silent shard costs.",
                assumption: "messages are free.",
                kind: Kind::Cost,
                xp: 1,
                worlds: 32,
                case: frugal,
                ..Check::PLAIN
            },
        ],
    }
}
