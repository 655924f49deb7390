//! `strategy`: the promises.

use super::worlds::*;
use judge::{Check, Exercise, entry};

pub(crate) fn exercise() -> Exercise {
    Exercise {
        id: "strategy",
        entry: entry!(ch03_replication, lab::strategy::exercise(chapter::strategy::choose)),
        lossless: false,
        checks: vec![
            Check {
                id: "meets",
                promise: "A store of the kind that your function chooses does what was asked, in a run.",
                rule: "Kleppmann 2017, chapter 5: what a write waits for decides what it costs, what can be lost, and which reads are stale. \
                       No kind of store is best in all of them.",
                assumption: "one kind of store does everything, or a quorum is right for everything.",
                xp: 3,
                worlds: 4,
                case: meets,
                ..Check::PLAIN
            },
            Check {
                id: "impossible",
                promise: "Your function answers Impossible if no kind of store does what was asked, and only then.",
                rule: "Abadi 2012: if a region is cut off, a store gives up either answers there or consistency. And without a partition, it gives up \
                       either latency or consistency.",
                assumption: "every wish can be fulfilled, or two limits of time are never kept together.",
                xp: 1,
                needs: &["meets"],
                worlds: 4,
                case: impossible,
                ..Check::PLAIN
            },
        ],
    }
}
