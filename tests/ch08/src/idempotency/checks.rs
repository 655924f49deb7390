//! `idempotency`: the promises.

use super::oracle::*;
use super::worlds::*;
use judge::{Check, Exercise, Kind, entry};

pub(crate) fn exercise() -> Exercise {
    Exercise {
        id: "idempotency",
        entry: entry!(ch08_transactions, lab::idempotency::exercise::<chapter::idempotency::Service>()),
        lossless: false,
        checks: vec![
            Check {
                id: "concurrent",
                promise: "Requests with one key that overlap in time make one payment.",
                rule: "Leach 2017, on the race of two requests with one key: a key is looked up and taken in one step, before \
                       any work for it begins. A request that finds its key taken starts nothing.",
                assumption: "a request has been answered before the same request arrives again.",
                kind: Kind::Safety,
                xp: 4,
                worlds: 8 * 16,
                sweep: 16,
                sometimes: &[
                    (PAID, "Untested: in none of the runs was a payment made."),
                    (
                        OVERLAPPED,
                        "Untested: in none of the runs did a request arrive while its key was being worked on.",
                    ),
                ],
                case: concurrent,
                ..Check::PLAIN
            },
            Check {
                id: "replay",
                promise: "A request that is repeated gets the answer of the first one, also after restarts.",
                rule: "IETF draft, The Idempotency-Key HTTP Header Field: a request with a known key and the same content gets \
                       the result of the original one. The answer is \
                       stored durably before it is given.",
                assumption: "a client hears every answer that the service gives.",
                kind: Kind::Safety,
                xp: 3,
                worlds: 64,
                sometimes: &[
                    (
                        REPEATED,
                        "Untested: in none of the runs was a request repeated after it had been answered Done.",
                    ),
                    (REMEMBERED, "Untested: in none of the runs was a request repeated after a restart."),
                ],
                case: replay,
                ..Check::PLAIN
            },
            Check {
                id: "mismatch",
                promise: "Another payment under a used key is answered Mismatch and changes nothing, also while the first is being worked on.",
                rule: "IETF draft, The Idempotency-Key HTTP Header Field: a key must not be reused with another request content. The \
                       server compares the content with that of the original request, and refuses the request if they differ.",
                assumption: "two requests with the same key ask for the same thing.",
                kind: Kind::Safety,
                xp: 2,
                worlds: 6 * 16,
                sweep: 16,
                sometimes: &[
                    (
                        ALTERED_EARLY,
                        "Untested: in none of the runs did another payment arrive while the first was being worked on.",
                    ),
                    (
                        ALTERED_LATE,
                        "Untested: in none of the runs did another payment arrive after the first was made.",
                    ),
                ],
                case: mismatch,
                ..Check::PLAIN
            },
            Check {
                id: "transient",
                promise: "After an outage of the bank, a client that repeats its request is told how it ended, and has paid once.",
                rule: "A transient failure is no answer to remember: the same request may succeed later. A call without an answer \
                       may have been carried out, so every further call for this payment gives the bank the same key.",
                assumption: "a call that was not answered was not carried out.",
                kind: Kind::Liveness,
                xp: 2,
                worlds: 80,
                sometimes: &[
                    (
                        TROUBLED,
                        "Untested: in none of the runs did the service notice that the bank was out of order.",
                    ),
                    (PAID, "Untested: in none of the runs was a payment made."),
                ],
                case: transient,
                ..Check::PLAIN
            },
            Check {
                id: "crash",
                promise: "After a crash at any point, each payment is still made once, and no key stays in progress.",
                rule: "Gray 1978: what belongs together is made durable together. The posting and the stored answer are one write. \
                       After a restart the service finds what it had begun, and goes on with the same bank key.",
                assumption: "a handler that has begun is carried out to its end.",
                kind: Kind::Safety,
                xp: 4,
                worlds: 12 * 40,
                sweep: 40,
                sometimes: &[
                    (PAID, "Untested: in none of the runs was a payment made."),
                    (
                        INTERRUPTED,
                        "Untested: in none of the runs did the service crash while it worked on a payment.",
                    ),
                ],
                case: crash,
                ..Check::PLAIN
            },
            Check {
                id: "scope",
                promise: "Keys of different callers have nothing to do with each other, nor have equal payments under different keys.",
                rule: "The key of one caller names one payment. Two callers may choose the same text, and one caller may want the \
                       same payment twice. So a payment is known by the caller and the key together, and by nothing else.",
                assumption: "two callers never choose the same key.",
                kind: Kind::Safety,
                xp: 1,
                worlds: 64,
                sometimes: &[
                    (SHARED, "Untested: in none of the runs did two callers use one key."),
                    (TWINS, "Untested: in none of the runs did equal payments have different keys."),
                    (PAID, "Untested: in none of the runs was a payment made."),
                ],
                case: scope,
                ..Check::PLAIN
            },
            Check {
                id: "expiry",
                promise: "A key is kept for the retention, also over restarts. It is gone by twice that, so the disk does not fill up.",
                rule: "A key cannot be kept for ever. Its time is measured by the wall clock, which goes on while the service is down. When \
                       the time is over, the key leaves the disk, too, and stands for nothing any more.",
                assumption: "there is room for every key that was ever used.",
                kind: Kind::Cost,
                xp: 2,
                worlds: 9,
                sometimes: &[
                    (REMEMBERED, "Untested: in none of the runs was a request repeated after a restart."),
                    (REUSED, "Untested: in none of the runs was a key used for a new payment."),
                    (GROWN, "Untested: in none of the runs were many more keys used than may be kept."),
                ],
                case: expiry,
                ..Check::PLAIN
            },
        ],
    }
}
