//! Clients: who asks what, waits how long, and tries again.

use crate::draw::Purpose;
use crate::kernel::{Action, Item, World};
use crate::node::{Handed, HandedEvent};
use crate::observe::{Bytes, Cause, Seen};
use crate::scenario::{When, request_id};
use crate::time::Time;
use lab::{CallId, NodeId};

/// Who waits for the answer to a request.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Origin {
    /// A client's try; places in the scenario.
    Client { client: usize, operation: usize },
    /// A node's call.
    Call { caller: usize, incarnation: u32, call: CallId },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Progress {
    NotYet,
    /// Tried so many times.
    Waiting(u32),
    Over,
}

impl World {
    /// Sets the clients going.
    pub(crate) fn start_clients(&mut self) {
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

    /// An operation begins, or is tried again.
    pub(crate) fn invoke(&mut self, client: usize, operation: usize) {
        let scenario = self.scenario.clone();
        let spec = &scenario.clients[client];
        let asked = &spec.operations[operation];
        let tries = match self.progress[client][operation] {
            Progress::NotYet => 0,
            Progress::Waiting(tries) => tries,
            Progress::Over => return,
        };
        self.progress[client][operation] = Progress::Waiting(tries + 1);
        let target: NodeId = asked.to[tries as usize % asked.to.len()];
        let Some(node) = self.place(target) else { return };
        let cause = if tries == 0 {
            let invoked = Seen::Invoked { client: spec.id, operation: asked.id };
            Cause::Observation(self.observe(node, Cause::Scenario, invoked))
        } else {
            Cause::Scenario
        };
        if let Some(timeout) = spec.timeout {
            self.push(self.now + timeout, Item::TryTimesOut { client, operation, tries: tries + 1 });
        }
        let which = u64::from(spec.id.0) << 32 | u64::from(asked.id.0);
        let (key, _) = self.seed.key(Purpose::Request, which, u64::from(tries));
        let event = HandedEvent::Request {
            id: request_id(spec.id, asked.id, tries),
            origin: Origin::Client { client, operation },
            bytes: asked.request.as_slice().into(),
        };
        self.hand(node, Handed { event, cause, key });
    }

    /// A node answered a client's request.
    pub(crate) fn client_hears(
        &mut self,
        client: usize,
        operation: usize,
        node: usize,
        cause: Cause,
        bytes: Bytes,
    ) {
        let Progress::Waiting(tries) = self.progress[client][operation] else { return };
        let scenario = self.scenario.clone();
        let spec = &scenario.clients[client];
        let accepted = spec.accepts.as_ref().is_none_or(|accepts| accepts.fits(&bytes));
        if !accepted && tries < spec.attempts {
            return self.push(self.now + spec.think, Item::Invoke { client, operation });
        }
        let returned = Seen::Returned { client: spec.id, operation: spec.operations[operation].id, bytes };
        self.observe(node, cause, returned);
        self.operation_over(client, operation);
    }

    /// A try was not answered in time.
    pub(crate) fn try_times_out(&mut self, client: usize, operation: usize, tries: u32) {
        if self.progress[client][operation] != Progress::Waiting(tries) {
            return;
        }
        let scenario = self.scenario.clone();
        let spec = &scenario.clients[client];
        if tries < spec.attempts {
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

    pub(crate) fn schedule(&mut self, when: &When, action: Action) {
        match when {
            When::At(after) => self.push(Time::ZERO + *after, Item::Act(action, None)),
            When::On { trigger, nth, after } => self.arm(trigger.clone(), *nth, *after, action),
        }
    }
}
