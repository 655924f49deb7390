//! `wal`: the promises.

use super::oracle::*;
use super::worlds::*;
use judge::{Check, Exercise, Kind, entry};

pub(crate) fn exercise() -> Exercise {
    Exercise {
        id: "wal",
        entry: entry!(ch02_failure_and_time, lab::wal::exercise::<chapter::wal::Wal>()),
        lossless: false,
        checks: vec![
            Check {
                id: "appends",
                promise: "A log answers each request within 100 ms, and a read gives every record, also after restarts.",
                rule: "Gray and Reuter 1993, on the log manager: a log is a sequence of records. Each record is read back as it was written, \
                       and at its place.",
                assumption: "a record has contents, or that a record is short.",
                kind: Kind::Liveness,
                xp: 2,
                worlds: 24,
                sometimes: &[(
                    RESTARTED,
                    "Untested: in none of the runs did a log answer after three restarts.",
                )],
                case: appends,
                ..Check::PLAIN
            },
            Check {
                id: "durable",
                promise: "An acknowledged record is at its place after every crash, and so is a record that a read has given.",
                rule: "Gray and Reuter 1993, on write-ahead logs: a log acknowledges a record only when the record is durable. Bytes that are \
                       written and not synced can be lost.",
                assumption: "what was written is durable.",
                kind: Kind::Safety,
                xp: 4,
                needs: &["appends"],
                worlds: 6 * POINTS,
                sweep: POINTS,
                sometimes: &[(
                    UNSYNCED,
                    "Untested: in none of the runs did a log crash with unsynced bytes after an acknowledgement.",
                )],
                case: durable,
                ..Check::PLAIN
            },
            Check {
                id: "torn-tail",
                promise: "If a crash tears a record, a log drops it and keeps the others, and what is appended then survives the next crash.",
                rule: "Pillai and others 2014: an append is not atomic. A crash can leave any first part of it, so a log has to find where its \
                       whole records end, and go on there.",
                assumption: "a write is complete or missing.",
                kind: Kind::Safety,
                xp: 4,
                needs: &["appends"],
                worlds: 12 * TORN_POINTS,
                sweep: TORN_POINTS,
                sometimes: &[(TORN, "Untested: in none of the runs did the file end inside a record.")],
                case: torn_tail,
                ..Check::PLAIN
            },
            Check {
                id: "again",
                promise: "If a log crashes while it recovers from a crash, it still loses no acknowledged record.",
                rule: "Gray and Reuter 1993, on restart: recovery can be interrupted by the next crash at any step, so recovery has to be repeatable.",
                assumption: "recovery comes to its end.",
                kind: Kind::Safety,
                xp: 2,
                needs: &["torn-tail"],
                worlds: 12 * POINTS_AGAIN,
                sweep: POINTS_AGAIN,
                sometimes: &[(
                    CRASHED_AGAIN,
                    "Untested: in none of the runs did a log crash in its second life.",
                )],
                case: again,
                ..Check::PLAIN
            },
            Check {
                id: "last-record",
                promise: "A flipped bit never changes a record, and a flipped bit of the last record costs at most that record.",
                rule: "Alagappan and others 2018: if the last record is damaged, no log can tell it from an unfinished one without a mark \
                       of its own. So a log may drop it.",
                assumption: "the disk gives back what was written.",
                kind: Kind::Safety,
                xp: 3,
                needs: &["appends"],
                worlds: 2 * BITS,
                sweep: BITS,
                sometimes: &[(
                    LAST_HURT,
                    "Untested: in none of the runs was a bit of the last record flipped.",
                )],
                case: last_record,
                ..Check::PLAIN
            },
            Check {
                id: "middle",
                promise: "If a record follows damage, a log reports the damage in every later life, takes no record and leaves its file as it is.",
                rule: "Alagappan and others 2018: what follows a damaged record was acknowledged. A log that ends there in silence loses \
                       acknowledged records, and no client notices.",
                assumption: "the first bad record is the end of the log.",
                kind: Kind::Safety,
                xp: 3,
                needs: &["last-record"],
                worlds: BITS + DRAWN,
                sometimes: &[(
                    MIDDLE_HURT,
                    "Untested: in none of the runs was a bit before the last record flipped.",
                )],
                case: middle,
                ..Check::PLAIN
            },
            Check {
                id: "no-false-alarm",
                promise: "Whatever a crash leaves at the end of the file, a log does not report damage and gives no record that no client appended.",
                rule: "Alagappan and others 2018: a crash and damage need different answers, so a log must not mistake one for the other. \
                       Bytes that look like a record are not yet a record.",
                assumption: "bytes that look like a record are a record.",
                kind: Kind::Safety,
                xp: 1,
                needs: &["torn-tail"],
                worlds: ENDS + DISTANCES,
                sometimes: &[(
                    GROWN,
                    "Untested: in none of the runs did the file end in bytes that the log had not written.",
                )],
                case: no_false_alarm,
                ..Check::PLAIN
            },
            Check {
                id: "cost",
                promise: "A log writes at most 1.5 × a record's bytes and 256 more, and syncs once a record and twice a start.",
                rule: "Gray and Reuter 1993, on logs: a log is fast because it only appends, and writes each record once.",
                assumption: "the disk is fast enough to write the file anew.",
                kind: Kind::Cost,
                xp: 1,
                needs: &["appends"],
                worlds: 2,
                case: cost,
                ..Check::PLAIN
            },
        ],
    }
}
