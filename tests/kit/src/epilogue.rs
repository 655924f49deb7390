//! After its faults a system is as good as new: every client is answered.

use judge::{Oracle, Reached, Violation};
use lab::NodeId;
use std::collections::BTreeMap;
use std::time::Duration;
use world::{ClientId, Observation, ObservationId, OperationId, Seen, Time, World};

/// Every client had an answer to everything that it had asked.
pub const SERVED: &str = "every client was answered";

/// Judges what `oracle` judges; and that each operation of each client is answered within `within`, in words `why`, of its beginning,
/// or of the calm where that came later. The world is over when all are.
///
/// Bounds count from what happens, never from the beginning of the run. Without an operation that others wait for, those never
/// begin, and nobody owes them an answer: so a smaller scenario is as fair.
pub fn served(oracle: impl Oracle, within: Duration, why: &'static str) -> impl Oracle {
    Served { oracle, within, why, open: BTreeMap::new(), ended: 0, all: 0, calm: Time::ZERO, now: Time::ZERO }
}
struct Served<O> {
    oracle: O,
    within: Duration,
    why: &'static str,
    /// Operations that wait for an answer: since when, of which node.
    open: BTreeMap<(ClientId, OperationId), (Time, NodeId, ObservationId)>,
    ended: usize,
    /// How many operations there are.
    all: usize,
    calm: Time,
    now: Time,
}
impl<O> Served<O> {
    /// An operation that should have been answered by now.
    fn late(&self, now: Time) -> Option<Violation> {
        let since = |began: Time| began.max(self.calm);
        let late = self.open.iter().find(|(_, (began, ..))| since(*began) + self.within < now);
        let ((client, _), (began, node, asked)) = late?;
        let since = match *began < self.calm {
            true => format!("the end of the last fault at {}", self.calm),
            false => "the request".to_owned(),
        };
        let sentence = format!(
            "Client {} asked {node} at {began}. It had no answer within {} of {since}, although a majority of the nodes was \
             up and connected.",
            client.0, self.why
        );
        Some(
            Violation::never("answers-every-client", sentence)
                .because(*asked, format!("client {} asks {node}", client.0)),
        )
    }
}
impl<O: Oracle> Oracle for Served<O> {
    fn see(&mut self, world: &World, seen: &Observation) -> Result<(), Violation> {
        if self.all == 0 {
            self.all = world.scenario().clients.iter().map(|client| client.operations.len()).sum();
            self.calm = Time::ZERO + world.scenario().calm.map_or(Duration::ZERO, |(calm, _)| calm);
        }
        self.now = seen.at;
        match seen.seen {
            Seen::Invoked { client, operation } => {
                self.open.insert((client, operation), (seen.at, seen.node, seen.id));
            }
            Seen::Returned { client, operation, .. } => {
                self.open.remove(&(client, operation));
                self.ended += 1;
            }
            _ => {}
        }
        self.oracle.see(world, seen)?;
        self.late(seen.at).map_or(Ok(()), Err)
    }
    fn has_seen_enough(&self) -> bool {
        self.ended > 0 && self.ended == self.all && self.now >= self.calm || self.oracle.has_seen_enough()
    }
    fn end(&mut self, world: &World, reached: &mut Reached) -> Result<(), Violation> {
        // nothing is left to happen, or the time is over
        if self.ended < self.all {
            self.late(Time::NEVER).map_or(Ok(()), Err)?;
        }
        self.oracle.end(world, reached)?;
        reached.mark_if(SERVED, self.ended == self.all);
        Ok(())
    }
}
