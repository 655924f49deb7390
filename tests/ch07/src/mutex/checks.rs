//! `mutex`: the promises.

use super::oracle::*;
use super::worlds::*;
use judge::{Check, Exercise, Kind, entry};

pub(crate) fn exercise() -> Exercise {
    Exercise {
        id: "mutex",
        entry: entry!(ch07_logical_clocks, lab::mutex::exercise::<chapter::mutex::Mutex>()),
        lossless: true,
        checks: vec![
            Check {
                id: "progress",
                promise: "Who asks gets in: after n × (a stay inside + 4 message delays) at the latest.",
                rule: "Lamport 1978, condition III: if every process which is granted the resource eventually releases it, then every \
                       request is eventually granted. Whatever can let a node in (an answer, a release, later word from a slow \
                       peer) must make it look again.",
                assumption: "That somebody in charge will wake whoever waits: here everyone finds out alone.",
                kind: Kind::Liveness,
                xp: 3,
                needs: &[],
                worlds: 48,
                sometimes: &[(WAITED, "No node ever waited for another to leave, so nothing was shown.")],
                case: progress,
                ..Check::PLAIN
            },
            Check {
                id: "exclusion",
                promise: "Never two inside.",
                rule: "Lamport 1978, condition I. A node may enter when its request is the first that it knows of and it has \
                       heard something later from every other node: before that, an earlier request can still be under way.",
                assumption: "That what one has not heard of does not exist: one link is slow.",
                kind: Kind::Safety,
                xp: 6,
                needs: &["progress"],
                worlds: 128,
                sometimes: &[(WAITED, "No node ever waited for another to leave, so nothing was shown.")],
                case: exclusion,
                ..Check::PLAIN
            },
            Check {
                id: "order",
                promise: "If one request could be the cause of another, it is served first.",
                rule: "Lamport 1978, condition II, and its remark on messages that travel outside the system: every message \
                       bears a stamp and moves the clock of whoever takes it, whatever it is about. Concurrent requests may be \
                       served either way round.",
                assumption: "That requests arrive in the order in which they were made: the way around can be the faster one.",
                kind: Kind::Safety,
                xp: 3,
                needs: &["progress"],
                worlds: 48,
                sometimes: &[(
                    CHAINED,
                    "No node asked because of another's request while that one still waited, so nothing was shown.",
                )],
                case: order,
                ..Check::PLAIN
            },
            Check {
                id: "ties",
                promise: "Where all ask at once, all enter, one at a time.",
                rule: "Lamport 1978, the total order ⇒: equal stamps are told apart by the names of their nodes, everywhere in \
                       the same way.",
                assumption: "That somebody is always first: clocks that have seen the same agree to the tick.",
                kind: Kind::Safety,
                xp: 2,
                needs: &[],
                worlds: 24,
                sometimes: &[(WAITED, "No node ever waited for another to leave, so nothing was shown.")],
                case: ties,
                ..Check::PLAIN
            },
            Check {
                id: "unordered-links",
                promise: "Never two inside, on links that let messages overtake each other too.",
                rule: "Lamport 1978 assumes that messages of one link arrive in the order of their sending. Where the network \
                       does not see to that, the nodes must: number them, or use an algorithm that does without (Ricart and \
                       Agrawala 1981).",
                assumption: "That a link keeps order.",
                kind: Kind::Safety,
                xp: 1,
                needs: &["progress"],
                worlds: 96,
                sometimes: &[
                    (OVERTOOK, "No message ever overtook another, so nothing was shown."),
                    (WAITED, "No node ever waited for another to leave, so nothing was shown."),
                ],
                case: unordered_links,
                ..Check::PLAIN
            },
            Check {
                id: "cost",
                promise: "At most 3 (n − 1) messages an entry, and none while nobody wants to get inside.",
                rule: "Lamport 1978: a request to each of the others, an answer from each, a release to each. Ricart and \
                       Agrawala 1981 need two thirds of that.",
                assumption: "That messages are free.",
                kind: Kind::Cost,
                xp: 2,
                needs: &["progress"],
                worlds: 14,
                sometimes: &[],
                case: cost,
                ..Check::PLAIN
            },
        ],
    }
}
