//! `failover`: the promises.

use super::oracle::*;
use super::worlds::*;
use judge::{Check, Exercise, Kind, entry};

pub(crate) fn exercise() -> Exercise {
    Exercise {
        id: "failover",
        entry: entry!(
            ch03_replication,
            lab::primary_backup::exercise::<chapter::primary_backup::PrimaryBackup>()
        ),
        lossless: false,
        checks: vec![
            Check {
                id: "takes-over",
                promise: "If the primary is gone, clients are answered again within 30 × `ping` of the view with the new primary.",
                rule: "Lin et al. 2008, section 2.3: the configuration manager makes a replica the new primary. That replica makes the others equal to itself, and then it serves.",
                assumption: "the old primary knows that it was replaced, or that all in-sync backups are up.",
                kind: Kind::Liveness,
                xp: 2,
                worlds: 60,
                case: takes_over,
                ..Check::PLAIN
            },
            Check {
                id: "drops",
                promise: "If a backup is gone, each waiting append or read is answered within `lag` + 10 × `ping`.",
                rule: "Apache Kafka, KAFKA-13091: when the service confirms the smaller set, the leader must look again at what waits. No acknowledgement will come that makes it look.",
                assumption: "a silent backup comes back, or that the service answers the first call.",
                kind: Kind::Liveness,
                xp: 1,
                worlds: 48,
                sometimes: &[(DROPPED, "Untested: in none of the runs did a backup leave the in-sync set.")],
                case: drops,
                ..Check::PLAIN
            },
            Check {
                id: "rejoins",
                promise: "A node that comes back is in sync within 20 × `ping`, so the primaries can fail one after another.",
                rule: "Oki and Liskov 1988: a node that was away gets the state of the view before it takes part in it. So the group has as many members as before, and can lose the next one.",
                assumption: "a node that comes back has a copy that is a beginning of the primary's.",
                kind: Kind::Liveness,
                xp: 2,
                worlds: 36,
                sometimes: &[(
                    CAME_BACK,
                    "Untested: in none of the runs was a node in sync again after it had crashed.",
                )],
                case: rejoins,
                ..Check::PLAIN
            },
            Check {
                id: "survives",
                promise: "Every acknowledged append is in every later read, once and in one order, and no read goes back.",
                rule: "Herlihy and Wing 1990: the lists are linearizable. Lin et al. 2008, section 2.2: what is committed is in the log of every node that could be the next primary.",
                assumption: "the new primary and its backups have equal copies when it takes over.",
                kind: Kind::Safety,
                xp: 2,
                needs: &["takes-over"],
                worlds: 180,
                sometimes: &[(
                    FAILED_OVER,
                    "Untested: in none of the runs were appends acknowledged both before and after a failover.",
                )],
                case: survives,
                ..Check::PLAIN
            },
            Check {
                id: "shrink-first",
                promise: "A backup counts until the view service has dropped it, not only until the primary has asked for that.",
                rule: "Apache Kafka, KIP-497: if the leader asks for a smaller in-sync set, it must not assume that the change succeeds. Until it is told so, the old set counts.",
                assumption: "a change that the primary has asked for will happen.",
                kind: Kind::Safety,
                xp: 2,
                worlds: 30,
                sometimes: &[(
                    UNAWARE,
                    "Untested: in none of the runs did an append wait at a primary that another node had replaced.",
                )],
                case: shrink_first,
                ..Check::PLAIN
            },
            Check {
                id: "grow-counts",
                promise: "A newcomer counts from the moment in which it is asked for, whatever the primary hears since, also after a crash.",
                rule: "Apache Kafka, pull request 9100: while a larger in-sync set is asked for, the leader counts the maximal set, all members of the old one and of the new one.",
                assumption: "a newcomer cannot be the primary before the old primary has heard that it is in sync.",
                kind: Kind::Safety,
                xp: 2,
                needs: &["takes-over", "rejoins"],
                worlds: 60,
                sometimes: &[(
                    UNAWARE,
                    "Untested: in none of the runs was an append asked of a primary that the newcomer had replaced.",
                )],
                case: grow_counts,
                ..Check::PLAIN
            },
            Check {
                id: "split-brain",
                promise: "A primary that was replaced acknowledges nothing, and answers no read from the past.",
                rule: "Budhiraja et al. 1993, section 8.2: at any time at most one node acts as the primary. Without clocks, a node proves that by asking the backups, for reads, too.",
                assumption: "a node that was the primary a moment ago still is.",
                kind: Kind::Safety,
                xp: 2,
                needs: &["takes-over"],
                worlds: 48,
                sometimes: &[(
                    DEPOSED,
                    "Untested: in none of the runs was a replaced primary asked after the new one had acknowledged an append.",
                )],
                case: split_brain,
                ..Check::PLAIN
            },
            Check {
                id: "transfer",
                promise: "A newcomer gets everything or nothing: all appends, the numbers of the clients' last appends, and what is appended meanwhile.",
                rule: "Birrell and Nelson 1984: the table that recognises retries belongs to the state. Gray and Reuter 1993, section 9: what must change together is written in one atomic step.",
                assumption: "a node that was sent the state has it.",
                kind: Kind::Safety,
                xp: 2,
                needs: &["takes-over", "rejoins"],
                worlds: 160,
                sometimes: &[(
                    RETRIED,
                    "Untested: in none of the runs was a new primary asked for an append that was acknowledged before.",
                )],
                case: transfer,
                ..Check::PLAIN
            },
            Check {
                id: "old-epoch",
                promise: "Nothing of an older epoch counts: no entry, no state, no acknowledgement and no view.",
                rule: "Lin et al. 2008, section 2.4: each message says in which configuration it was sent, and a node ignores one of an older configuration.",
                assumption: "a message that arrives was sent a short time ago.",
                kind: Kind::Safety,
                xp: 1,
                needs: &["takes-over"],
                worlds: 48,
                sometimes: &[(
                    LATE,
                    "Untested: in none of the runs did something of an older view arrive after a newer one.",
                )],
                case: old_epoch,
                ..Check::PLAIN
            },
            Check {
                id: "async-loss",
                promise: "In Async mode, a failover loses nothing that was called safe.",
                rule: "Apache Kafka: the high watermark is the minimum over all members of the maximal in-sync set. What is below it survives each failover.",
                assumption: "an acknowledged append is safe.",
                kind: Kind::Safety,
                xp: 1,
                needs: &["takes-over"],
                worlds: 48,
                sometimes: &[(LOST, "Untested: in none of the runs was an acknowledged append lost.")],
                case: async_loss,
                ..Check::PLAIN
            },
            Check {
                id: "min",
                promise: "In Sync mode, nothing is acknowledged that fewer than `min` backups have; when they are back, what waited is acknowledged.",
                rule: "Apache Kafka, `min.insync.replicas`: fewer copies than that are no copy, so the primary stops acknowledging when the in-sync set is too small.",
                assumption: "a set that only this node is left of may acknowledge.",
                kind: Kind::Safety,
                xp: 1,
                needs: &["takes-over"],
                worlds: 40,
                sometimes: &[(
                    TOO_FEW,
                    "Untested: in none of the runs were fewer than `min` backups in sync.",
                )],
                case: min,
                ..Check::PLAIN
            },
        ],
    }
}
