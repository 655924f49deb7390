//! `primary_backup`: the promises.

use super::oracle::*;
use super::worlds::*;
use judge::{Check, Exercise, Kind, entry};

pub(crate) fn exercise() -> Exercise {
    Exercise {
        id: "primary_backup",
        entry: entry!(
            ch03_replication,
            lab::primary_backup::exercise::<chapter::primary_backup::PrimaryBackup>()
        ),
        lossless: false,
        checks: vec![
            Check {
                id: "answers",
                promise: "The primary answers every client, and every copy gets every append, within 20 × `resend` after the last fault.",
                rule: "Budhiraja, Marzullo, Schneider and Toueg 1993: a client that asks the primary gets an answer. Messages and memories \
                       are lost, so the primary must send again what a backup lacks, also after its own restart.",
                assumption: "a message arrives, or a backup tells the primary what it lacks.",
                kind: Kind::Liveness,
                xp: 2,
                worlds: 70,
                case: answers,
                ..Check::PLAIN
            },
            Check {
                id: "sync",
                promise: "An acknowledged append is durable at the primary, and in synchronous mode on every in-sync backup.",
                rule: "Lin, Yang, Zhang and Zhou 2008 (PacificA), section 2.2: what the primary has committed, every secondary has \
                       prepared. So the primary counts what each backup says that it has on its disk.",
                assumption: "a backup has what was sent to it, or answers of backups can be counted without looking at what they say.",
                kind: Kind::Safety,
                xp: 3,
                worlds: 144,
                sometimes: &[(
                    AUDITED,
                    "Untested: in none of the runs was a backup audited after an append had been acknowledged.",
                )],
                case: sync,
                ..Check::PLAIN
            },
            Check {
                id: "reads",
                promise: "A read shows every append acknowledged before it was asked, and only what all in-sync backups have.",
                rule: "Alsberg and Day 1976: only the primary answers, because a backup may lack the newest appends. An append that \
                       is not on every backup can be lost, so a read must not show it.",
                assumption: "the newest value in memory may be shown, or a backup's copy is as new as the primary's.",
                kind: Kind::Safety,
                xp: 1,
                worlds: 96,
                sometimes: &[(
                    ASKED_A_BACKUP,
                    "Untested: in none of the runs was a backup asked to read after an append had been acknowledged.",
                )],
                case: reads,
                ..Check::PLAIN
            },
            Check {
                id: "order",
                promise: "Each audit of each node shows a state that the primary has been in.",
                rule: "Budhiraja, Marzullo, Schneider and Toueg 1993, section 8.2: a backup applies the primary's updates in the primary's \
                       order, each of them once, and none before the ones that precede it.",
                assumption: "messages arrive in the order in which they were sent, or arrive once.",
                kind: Kind::Safety,
                xp: 3,
                worlds: 64,
                sometimes: &[(
                    BEHIND,
                    "Untested: in none of the runs did an audit of a backup lack an append that was acknowledged.",
                )],
                case: order,
                ..Check::PLAIN
            },
            Check {
                id: "once",
                promise: "An append that is tried several times takes effect once, and no retry is acknowledged too early.",
                rule: "Birrell and Nelson 1984: a retry is known by the client and its sequence number. The table of known requests must \
                       survive a crash together with the data. A retry waits for what the first try waits for.",
                assumption: "a retry has nothing to wait for, because its append has been done already.",
                kind: Kind::Safety,
                xp: 2,
                worlds: 72,
                sometimes: &[(
                    TRIED_AGAIN,
                    "Untested: in none of the runs was an append acknowledged that the primary had been asked for several times.",
                )],
                case: once,
                ..Check::PLAIN
            },
            Check {
                id: "async",
                promise: "In asynchronous mode an append is acknowledged within 20 ms. The backups and `safe` catch up soon.",
                rule: "Asynchronous replication waits for the own disk only. The MySQL manual (semisynchronous replication) falls back to \
                       it in silence. Here `safe` says how far the backups are.",
                assumption: "a message arrives within the time in which the client must be answered.",
                kind: Kind::Liveness,
                xp: 1,
                worlds: 24,
                case: async_mode,
                ..Check::PLAIN
            },
            Check {
                id: "safe",
                promise: "Every append at or below an answered `safe` is durable on every in-sync backup.",
                rule: "Kafka's high watermark: a position is safe when the slowest replica of the in-sync set has it. So it is the \
                       minimum of what the backups have on their disks.",
                assumption: "the fastest backup tells how far the others are.",
                kind: Kind::Safety,
                xp: 2,
                worlds: 64,
                sometimes: &[(
                    PARTLY_SAFE,
                    "Untested: in none of the runs did an answer say that some positions are safe, and its own is not.",
                )],
                case: safe,
                ..Check::PLAIN
            },
            Check {
                id: "crash-points",
                promise: "All of this holds after a crash between any two effects of any node, and after two such crashes.",
                rule: "Gray and Reuter 1993, chapter 9: what belongs together must survive a crash together. A position that another \
                       node may know must not be given to another append.",
                assumption: "two writes that follow one another survive a crash together.",
                kind: Kind::Safety,
                xp: 2,
                worlds: 3 * POINTS,
                sweep: POINTS,
                sometimes: &[(
                    CRASHED_BETWEEN,
                    "Untested: in none of the runs did a node crash between the request for an append and its acknowledgement.",
                )],
                case: crash_points,
                ..Check::PLAIN
            },
            Check {
                id: "cost",
                promise: "On a clean network, an append costs few short messages, and is answered within n + 1 delays and 4 syncs.",
                rule: "Budhiraja, Marzullo, Schneider and Toueg 1993, section 8.3: an update costs one message to each backup and one answer. \
                       A state of any size must not travel with each append, and no append waits for a timer.",
                assumption: "the next tick of a timer is soon enough.",
                kind: Kind::Cost,
                xp: 1,
                needs: &["answers"],
                worlds: 8,
                case: cost,
                ..Check::PLAIN
            },
        ],
    }
}
