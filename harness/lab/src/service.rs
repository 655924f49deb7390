//! Services: what nodes call, as plain state machines.

use crate::{NodeId, Wire};
use std::time::Duration;

/// Something that nodes call with [`Out::call`](crate::Out::call): a bank, a database, a broker.
///
/// A service is a plain state machine without faults: it takes one call and returns one answer. When your code is graded,
/// the harness plays the same service to your nodes behind a network: calls and answers are late, lost and doubled there, and
/// sometimes the service refuses to work. In your own tests you own one, and [`Bench::serve`](crate::bench::Bench::serve)
/// connects it with a node.
pub trait Service: Sized + 'static {
    /// The name of the service, unique over all exercises.
    const NAME: &'static str;
    /// What the service is told when it opens.
    type Config: Wire + Clone;
    /// What nodes ask of it.
    type Call: Wire;
    /// What it answers.
    type Answer: Wire;

    /// A service that nobody has called yet.
    fn open(config: Self::Config) -> Self;
    /// Takes one call and answers it. `now` is the service's own clock; it never goes back.
    fn handle(&mut self, now: Duration, from: NodeId, call: &Self::Call) -> Self::Answer;
    /// What the service answers if it does not even look at a call, because it is out of order or has too much to do. `None`
    /// if this service has no such answer, and is silent then.
    fn refusal() -> Option<Self::Answer> {
        None
    }
}
