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
                promise: "If a node that never crashes broadcasts a message, every node that never crashes \
                       delivers it, although the network loses messages.",
                rule: "Hadzilacos and Toueg 1994, validity. Over lossy links a node retransmits until the \
                       receiver acknowledges. It never waits for all nodes, because some may have \
                       crashed.",
                assumption: "every message arrives.",
                kind: Kind::Liveness,
                xp: 2,
                needs: &[],
                worlds: 64,
                sometimes: &[(LOST, "Untested: in none of the runs did the network lose a message.")],
                case: validity,
                ..Check::PLAIN
            },
            Check {
                id: "causal",
                promise: "A node delivers a message only after every message that its broadcaster had \
                       delivered or broadcast before.",
                rule: "Birman, Schiper and Stephenson 1991: a message says how many messages of each node \
                       its broadcaster had delivered. The receiver waits until it has delivered as many.",
                assumption: "a question arrives before its answer.",
                kind: Kind::Safety,
                xp: 5,
                needs: &[],
                worlds: 128,
                sometimes: &[(
                    CAUSED,
                    "Untested: in none of the runs did a message with a cause on another node reach a third node.",
                )],
                case: causal,
                ..Check::PLAIN
            },
            Check {
                id: "once",
                promise: "No node delivers a message twice, or delivers a message that was never broadcast.",
                rule: "Hadzilacos and Toueg 1994, integrity. A node must recognise a retransmitted message, \
                       even long after it delivered it.",
                assumption: "every message that arrives is new.",
                kind: Kind::Safety,
                xp: 2,
                needs: &[],
                worlds: 64,
                sometimes: &[(DOUBLED, "Untested: in none of the runs did a message arrive twice.")],
                case: once,
                ..Check::PLAIN
            },
            Check {
                id: "rescan",
                promise: "A node delivers a waiting message as soon as all causes of that message are \
                       delivered.",
                rule: "Birman, Schiper and Stephenson 1991: each delivery can make others possible, and \
                       those can make further ones possible. Check the waiting messages until no more can \
                       be delivered.",
                assumption: "each message that arrives allows at most one delivery.",
                kind: Kind::Liveness,
                xp: 2,
                needs: &[],
                worlds: 48,
                sometimes: &[(FREED, "Untested: in none of the runs did a message arrive before its cause.")],
                case: rescan,
                ..Check::PLAIN
            },
            Check {
                id: "all-or-none",
                promise: "If a node crashes during its broadcast, either all nodes that never crash deliver \
                       the message, or none of them does.",
                rule: "Hadzilacos and Toueg 1994, agreement. The broadcaster may be gone: each node that \
                       has the message makes sure that all others receive it.",
                assumption: "a node that begins a broadcast also finishes it.",
                kind: Kind::Safety,
                xp: 3,
                needs: &[],
                worlds: 128,
                sometimes: &[(
                    SURVIVED,
                    "Untested: in none of the runs did a node deliver a message whose broadcaster had crashed.",
                )],
                case: all_or_none,
                ..Check::PLAIN
            },
            Check {
                id: "uniform",
                promise: "If any node delivers a message, even a node that crashes right afterwards, every \
                       node that never crashes delivers it.",
                rule: "Hadzilacos and Toueg 1994, uniform agreement. Fewer than half of the nodes crash, so \
                       of any majority some node never crashes. A node delivers a message only once a \
                       majority has it.",
                assumption: "a delivery by a node that crashed does not count: the outside world has seen \
                       it.",
                kind: Kind::Safety,
                xp: 4,
                needs: &[],
                worlds: 96,
                sometimes: &[(
                    DIED,
                    "Untested: in none of the runs did a node deliver a message and crash afterwards.",
                )],
                case: uniform,
                ..Check::PLAIN
            },
            Check {
                id: "no-stronger",
                promise: "A message waits for its causes and for nothing else. Each node delivers it within 4 delays of its \
                       broadcast and of the delivery of its causes.",
                rule: "Birman, Schiper and Stephenson 1991: a message waits for its causes and for nothing \
                       else. A total order would wait for the slowest node.",
                assumption: "all nodes are about equally fast.",
                kind: Kind::Cost,
                xp: 2,
                needs: &[],
                worlds: 24,
                sometimes: &[(
                    UNFAZED,
                    "Untested: in none of the runs did a message overtake an earlier message of the slow node.",
                )],
                case: no_stronger,
                ..Check::PLAIN
            },
            Check {
                id: "traffic",
                promise: "On a network without loss a broadcast costs at most 3 n² messages. Their size beyond the \
                       payload grows only with n. When all nodes have everything, they become quiet.",
                rule: "Each node sends each message to all others once: n (n − 1) messages, each with one \
                       number per node. A message that carries its whole history grows for ever.",
                assumption: "messages are free, however long they are.",
                kind: Kind::Cost,
                xp: 1,
                needs: &[],
                worlds: 4,
                sometimes: &[],
                case: traffic,
                ..Check::PLAIN
            },
        ],
    }
}
