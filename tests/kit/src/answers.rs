//! What a pure function was asked, and what it answered.

use judge::Violation;
use std::collections::{BTreeMap, BTreeSet};
use world::{Bytes, Cause, ClientId, Observation, ObservationId, OperationId, Seen};

/// Collects answers by client and operation.
#[derive(Default)]
pub struct Heard {
    asked: BTreeSet<(ClientId, OperationId)>,
    answers: BTreeMap<(ClientId, OperationId), (ObservationId, Bytes)>,
}
/// An answer, and where it was given.
pub struct Answer<T> {
    /// The reply.
    pub at: ObservationId,
    /// What it says.
    pub said: T,
}
impl Heard {
    /// Takes note of what is asked and answered.
    pub fn see(&mut self, seen: &Observation) {
        match &seen.seen {
            Seen::Invoked { client, operation } => _ = self.asked.insert((*client, *operation)),
            Seen::Returned { client, operation, bytes } => {
                let at = match seen.cause {
                    Cause::Observation(reply) => reply,
                    Cause::Scenario => seen.id,
                };
                self.answers.insert((*client, *operation), (at, bytes.clone()));
            }
            _ => {}
        }
    }
    /// What was answered to this operation; `None` where nobody asked it.
    ///
    /// # Errors
    /// The violation, where it was asked and the function gave no answer.
    pub fn answer<T: lab::Wire>(&self, client: u32, operation: u32) -> Result<Option<Answer<T>>, Violation> {
        let name = (ClientId(client), OperationId(operation));
        if !self.asked.contains(&name) {
            return Ok(None);
        }
        let answer = self.answers.get(&name);
        let answer =
            answer.and_then(|(at, bytes)| Some(Answer { at: *at, said: lab::frame::decode(bytes)? }));
        match answer {
            Some(answer) => Ok(Some(answer)),
            None => Err(Violation::never("gives-an-answer", "The function was asked and gave no answer.")),
        }
    }
}
