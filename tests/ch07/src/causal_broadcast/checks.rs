//! `causal_broadcast`: the promises.

use super::oracle::*;
use super::worlds::*;
use judge::{Check, Exercise, Kind, entry};

pub(crate) fn exercise() -> Exercise {
    Exercise {
        id: "causal_broadcast",
        entry: entry!(
            ch07_logical_clocks,
            lab::causal_broadcast::exercise::<chapter::causal_broadcast::Member>()
        ),
        lossless: true,
        checks: vec![
            Check {
                id: "validity",
                promise: "What a node that never crashes broadcasts, every node that never crashes delivers, \
                          however many messages the network lost before.",
                rule: "Hadzilacos and Toueg 1994, validity. Over links that lose messages one sends again until one hears that \
                       it arrived; and one never waits for everybody, for some may be dead.",
                assumption: "That what is sent arrives.",
                kind: Kind::Liveness,
                xp: 2,
                needs: &[],
                worlds: 64,
                sometimes: &[(LOST, "No message was lost, so nothing was shown.")],
                case: validity,
                ..Check::PLAIN
            },
            Check {
                id: "causal",
                promise: "A message is delivered after every message that its broadcaster had delivered or broadcast before.",
                rule: "Birman, Schiper and Stephenson 1991: a message says how much of everyone's its broadcaster had delivered; who \
                       receives it waits until it has delivered as much.",
                assumption: "That a question arrives before its answer.",
                kind: Kind::Safety,
                xp: 5,
                needs: &["validity"],
                worlds: 128,
                sometimes: &[(
                    CAUSED,
                    "No message with a cause on another node reached a third one, so nothing was shown.",
                )],
                case: causal,
                ..Check::PLAIN
            },
            Check {
                id: "once",
                promise: "Nothing is delivered twice, and nothing that nobody broadcast.",
                rule: "Hadzilacos and Toueg 1994, integrity. A message that is sent again must be known again, also by a node \
                       that has long been done with it.",
                assumption: "That what arrives is new.",
                kind: Kind::Safety,
                xp: 2,
                needs: &["validity"],
                worlds: 64,
                sometimes: &[(DOUBLED, "No message ever arrived twice, so nothing was shown.")],
                case: once,
                ..Check::PLAIN
            },
            Check {
                id: "rescan",
                promise: "A message whose causes have all been delivered does not wait any longer.",
                rule: "Birman, Schiper and Stephenson 1991: each delivery can make others possible, and those others again; look \
                       until nothing more can be delivered.",
                assumption: "That one arrival is one delivery.",
                kind: Kind::Liveness,
                xp: 2,
                needs: &[],
                worlds: 48,
                sometimes: &[(FREED, "No message ever waited for its cause, so nothing was shown.")],
                case: rescan,
                ..Check::PLAIN
            },
            Check {
                id: "all-or-none",
                promise: "If a node crashes while it broadcasts, the nodes that never crash all deliver its message, or none does.",
                rule: "Hadzilacos and Toueg 1994, agreement. The broadcaster may be gone: whoever has a message sees to it that \
                       everyone gets it.",
                assumption: "That who begins to tell everyone also ends it.",
                kind: Kind::Safety,
                xp: 3,
                needs: &["validity"],
                worlds: 128,
                sometimes: &[(
                    SURVIVED,
                    "No message was ever delivered whose broadcaster had crashed, so nothing was shown.",
                )],
                case: all_or_none,
                ..Check::PLAIN
            },
            Check {
                id: "uniform",
                promise: "What any node delivers, even one that crashes right after, every node that never crashes delivers.",
                rule: "Hadzilacos and Toueg 1994, uniform agreement. Fewer than half crash: what a majority has, somebody who never \
                       crashes has. Before that, nobody may deliver it.",
                assumption: "That what the dead did does not count: the world has already seen it.",
                kind: Kind::Safety,
                xp: 4,
                needs: &["validity"],
                worlds: 96,
                sometimes: &[(DIED, "No node delivered a message and crashed, so nothing was shown.")],
                case: uniform,
                ..Check::PLAIN
            },
            Check {
                id: "no-stronger",
                promise: "Concurrent messages do not wait for each other: where one node's links are slow, the messages of all others \
                          arrive within 4 delays.",
                rule: "Birman, Schiper and Stephenson 1991: causal order is what one must wait for, and all that one must wait for. \
                       A total order costs a wait for the slowest.",
                assumption: "That everyone is about as fast.",
                kind: Kind::Cost,
                xp: 2,
                needs: &["validity"],
                worlds: 24,
                sometimes: &[(
                    UNFAZED,
                    "No message ever overtook one from the slow node that was broadcast before it, so nothing was shown.",
                )],
                case: no_stronger,
                ..Check::PLAIN
            },
            Check {
                id: "traffic",
                promise: "On a clean network a broadcast costs at most 3 n² messages, and what they bear besides it grows \
                          with n alone.",
                rule: "Everyone tells everyone once: n (n − 1) messages, each with one number per node. A history that travels along \
                       grows for ever.",
                assumption: "That messages are free, however long.",
                kind: Kind::Cost,
                xp: 1,
                needs: &["validity"],
                worlds: 4,
                sometimes: &[],
                case: traffic,
                ..Check::PLAIN
            },
        ],
    }
}
