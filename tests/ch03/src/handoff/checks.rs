//! `handoff`: the promises.

use super::worlds::*;
use crate::quorum_store::oracle::*;
use judge::{Check, Exercise, Kind};

pub(crate) fn exercise() -> Exercise {
    Exercise {
        id: "handoff",
        entry: crate::quorum_store::ENTRY,
        lossless: false,
        checks: vec![
            Check {
                id: "sloppy",
                promise: "In a sloppy store, any w nodes store a write and any r nodes answer a read: homes, or stand-ins of homes.",
                rule: "DeCandia et al. 2007, section 4.6 (a *sloppy quorum*): all operations go to the first n nodes of the preference list that \
                       answer, which are not always its first n nodes.",
                assumption: "the homes of a key are the only nodes that can store it, or every stand-in is up.",
                kind: Kind::Liveness,
                xp: 1,
                worlds: 72,
                sometimes: &[(
                    HINDERED,
                    "Untested: in none of the runs was a write stored while nodes were down or cut off.",
                )],
                case: sloppy,
                ..Check::PLAIN
            },
            Check {
                id: "handoff",
                promise: "Within 20 × `handoff` after a home is back, and without any request, it has on its disk what it missed.",
                rule: "DeCandia et al. 2007, section 4.6 (*hinted handoff*): the stand-in keeps the value with a hint that names the home, and may delete it \
                       when the home has it. So the hint is on the disk, and it is sent until the home acknowledges it from its own disk.",
                assumption: "a message that was sent arrives, or a node that keeps a hint stays up.",
                kind: Kind::Liveness,
                xp: 2,
                needs: &["sloppy"],
                worlds: 100,
                sometimes: &[(
                    CAUGHT_UP,
                    "Untested: in none of the runs was a home behind and had the newest value later.",
                )],
                case: handoff,
                ..Check::PLAIN
            },
            Check {
                id: "no-loss",
                promise: "A sloppy store loses no write that was stored: w different nodes have it on their disks, and later the homes have it.",
                rule: "DeCandia et al. 2007, section 4.6: each stand-in stands for one home, and each home has one stand-in. So w acknowledgements become w \
                       homes when the hints have been handed over.",
                assumption: "two hints at two nodes are for two homes.",
                kind: Kind::Safety,
                xp: 1,
                needs: &["sloppy", "handoff"],
                worlds: 96,
                sometimes: &[(
                    HINDERED,
                    "Untested: in none of the runs was a write stored while nodes were down or cut off.",
                )],
                case: no_loss,
                ..Check::PLAIN
            },
        ],
    }
}
