//! Clients: who asks what, waits how long, and tries again.

use super::World;
use super::node::{Handed, HandedEvent, Origin};
use super::queue::{Action, Item};
use crate::draw::Purpose;
use crate::names::request_id;
use crate::observe::{Bytes, Cause, ObservationId, Seen};
use crate::time::Time;
use lab::NodeId;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Progress {
    NotYet,
    /// The last try may still be answered.
    Waiting(Tried),
    /// The last try was refused, and the next is to come.
    Thinking(Tried),
    Over,
}
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Tried {
    tries: u32,
    /// Where the operation began.
    invoked: ObservationId,
}

impl World {
    /// Sets the clients going.
    pub(super) fn start_clients(&mut self) {
        let scenario = self.scenario.clone();
        for (client, spec) in scenario.clients.iter().enumerate() {
            for (place, operation) in spec.operations.iter().enumerate() {
                match &operation.at {
                    Some(when) => self.schedule(when, Action::Invoke { client, operation: place }),
                    None if place == 0 => self.push(Time::ZERO, Item::Invoke { client, operation: 0 }),
                    None => {}
                }
            }
        }
    }

    /// An operation begins, or is tried again after a refusal.
    pub(super) fn invoke(&mut self, client: usize, operation: usize) {
        let scenario = self.scenario.clone();
        let spec = &scenario.clients[client];
        let asked = &spec.operations[operation];
        let tried = match self.progress[client][operation] {
            Progress::NotYet => None,
            Progress::Thinking(tried) => Some(tried),
            Progress::Waiting(_) | Progress::Over => return,
        };
        let tries = tried.map_or(0, |tried| tried.tries);
        let target: NodeId = asked.to[tries as usize % asked.to.len()];
        let Some(node) = self.place(target) else { return };
        let invoked = tried.map(|tried| tried.invoked).unwrap_or_else(|| {
            let invoked = Seen::Invoked { client: spec.id, operation: asked.id };
            self.observe(node, Cause::Scenario, invoked)
        });
        let cause = Cause::Observation(invoked);
        self.progress[client][operation] = Progress::Waiting(Tried { tries: tries + 1, invoked });
        if let Some(timeout) = spec.timeout {
            self.push(self.now + timeout, Item::TryTimesOut { client, operation, tries: tries + 1 });
        }
        let which = u64::from(spec.id.0) << 32 | u64::from(asked.id.0);
        let (key, _) = self.seed.key(Purpose::Request, which, u64::from(tries));
        let event = HandedEvent::Request {
            id: request_id(spec.id, asked.id, tries),
            origin: Origin::Client { client, operation, tries: tries + 1 },
            bytes: asked.request.as_slice().into(),
        };
        self.hand(node, Handed { event, cause, key });
    }

    /// A node answered a client's request.
    pub(super) fn client_hears(
        &mut self,
        client: usize,
        operation: usize,
        tries: u32,
        node: usize,
        cause: Cause,
        bytes: Bytes,
    ) {
        let progress = self.progress[client][operation];
        let (Progress::Waiting(tried) | Progress::Thinking(tried)) = progress else { return };
        let scenario = self.scenario.clone();
        let spec = &scenario.clients[client];
        let accepted = spec.accepts.as_ref().is_none_or(|accepts| accepts.fits(&bytes));
        if !accepted {
            if tries < tried.tries {
                return; // a refusal of an earlier try says nothing about the last one
            }
            if tries < spec.attempts {
                self.progress[client][operation] = Progress::Thinking(tried);
                return self.push(self.now + spec.think, Item::Invoke { client, operation });
            }
        }
        let returned = Seen::Returned { client: spec.id, operation: spec.operations[operation].id, bytes };
        self.observe(node, cause, returned);
        self.operation_over(client, operation);
    }

    /// A try was not answered in time.
    pub(super) fn try_times_out(&mut self, client: usize, operation: usize, tries: u32) {
        let tried = match self.progress[client][operation] {
            Progress::Waiting(tried) if tried.tries == tries => tried,
            _ => return,
        };
        let scenario = self.scenario.clone();
        let spec = &scenario.clients[client];
        if tries < spec.attempts {
            self.progress[client][operation] = Progress::Thinking(tried);
            return self.invoke(client, operation);
        }
        let asked = &spec.operations[operation];
        let last = asked.to[(tries as usize - 1) % asked.to.len()];
        let Some(node) = self.place(last) else { return };
        self.observe(node, Cause::Scenario, Seen::GaveUp { client: spec.id, operation: asked.id });
        self.operation_over(client, operation);
    }

    fn operation_over(&mut self, client: usize, operation: usize) {
        self.progress[client][operation] = Progress::Over;
        let spec = &self.scenario.clients[client];
        let (next, think) = (operation + 1, spec.think);
        if spec.operations.get(next).is_some_and(|next| next.at.is_none()) {
            self.push(self.now + think, Item::Invoke { client, operation: next });
        }
    }
}
