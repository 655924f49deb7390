//! Exercise `rpc`: a call to another machine ends in one of three ways.
//!
//! Birrell and Nelson, *Implementing Remote Procedure Calls*, 1984. The contract is in `lab::rpc`: read it first.
//!
//! One thing to write: the node [`Caller`]. Its clients ask it to call servers. Messages are lost and late, servers are silent or
//! refuse to work, and the caller itself crashes. Each call ends in `Ok`, `Failed` or `Unknown`, and in time. Try your code with
//! `cargo test rpc`, then run `faultlines grade 1/rpc`.
#![expect(unused, reason = "delete this line when every todo!() below is gone")]

use lab::prelude::*;
use lab::rpc::{self as contract, Config, Message, Request, Response};
use std::collections::{BTreeMap, BTreeSet};

/// The names of timers. Yours to change.
///
/// A [`RequestId`] names a call well: no two calls of a run have the same one, even if a node crashed in between.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub enum Timer {
    /// The server has not answered this call for [`Config::resend`]: ask it again.
    Again(RequestId),
    /// The time of this call is over.
    Over(RequestId),
}

/// A node that calls servers for its clients.
pub struct Caller {
    config: Config,
    /// The calls that clients wait for. A crash ends them all: no client waits for them any more.
    open: BTreeMap<RequestId, Call>,
}

/// A call that is not answered yet.
struct Call {
    server: NodeId,
    body: u64,
    // What must a caller remember of a call, so that it can tell Failed from Unknown when the time is over?
}

impl Node for Caller {
    type Contract = contract::Caller;
    type Message = Message;
    type Timer = Timer;

    /// The first start, and again after each crash.
    fn start(boot: Boot<Self>, _out: &mut Out<Self>) -> Self {
        Caller { config: boot.config, open: BTreeMap::new() }
    }

    /// A client makes a call. It may be one of many that are open at the same time.
    fn on_request(&mut self, id: RequestId, request: Request, out: &mut Out<Self>) {
        todo!("remember the call, set its deadline, and ask the server")
    }

    /// A server answers, or refuses a copy. Its message may be late, or arrive twice, or be about a call that is over.
    fn on_message(&mut self, _from: NodeId, message: Message, out: &mut Out<Self>) {
        todo!("which open call is this about, and what does the caller know of it now?")
    }

    /// A timer fires: a server has been silent for a while, or a call has no time left.
    fn on_timer(&mut self, timer: Timer, out: &mut Out<Self>) {
        todo!("send another copy, or end the call with what is certain")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lab::Effect;
    use lab::bench::Bench;

    const SERVER: u32 = 2;
    const WITHIN: Duration = Duration::from_millis(500);

    /// The caller, n1, and a server, n2, that the test plays.
    fn caller() -> Bench<Caller> {
        Bench::new(1, 2, Config { resend: Duration::from_millis(50) })
    }
    fn call(body: u64) -> Request {
        Request::Call { server: NodeId(SERVER), body, within: WITHIN }
    }
    /// The copies among these effects: their ids, their numbers, and what they ask for.
    fn copies(effects: &[Effect<Caller>]) -> Vec<(u64, u32, u64)> {
        let copy = |effect: &Effect<Caller>| match effect {
            Effect::Send(NodeId(SERVER), Message::Ask { id, copy, body }) => Some((*id, *copy, *body)),
            _ => None,
        };
        effects.iter().filter_map(copy).collect()
    }
    fn answer(effects: &[Effect<Caller>]) -> Option<Response> {
        effects.iter().find_map(|effect| match effect {
            Effect::Reply(_, response) => Some(*response),
            _ => None,
        })
    }
    /// The timer that fires after this long.
    fn timer(effects: &[Effect<Caller>], after: Duration) -> Timer {
        let timer = effects.iter().find_map(|effect| match effect {
            Effect::SetTimer(time, timer) if *time == after => Some(*timer),
            _ => None,
        });
        timer.unwrap_or_else(|| panic!("the caller set no timer that fires after {after:?}"))
    }

    #[test]
    fn a_call_ends_with_the_answer_of_its_server() {
        let mut caller = caller();
        let asked = copies(&caller.request(call(7)));
        let [(id, _, 7)] = asked[..] else { panic!("one copy that asks for 7, not {asked:?}") };
        let effects = caller.message(SERVER, Message::Done { id, answer: 2_001 });
        assert_eq!(answer(&effects), Some(Response::Ok { answer: 2_001 }));
        // the network may deliver an answer twice
        assert_eq!(answer(&caller.message(SERVER, Message::Done { id, answer: 2_001 })), None);
    }

    #[test]
    fn a_lost_copy_is_sent_again_under_the_same_id() {
        let mut caller = caller();
        let first = caller.request(call(7));
        let again = caller.timer(timer(&first, Duration::from_millis(50)));
        let ([(id, copy, _)], [(same_id, other_copy, 7)]) = (&copies(&first)[..], &copies(&again)[..]) else {
            panic!("one copy at first, and one more after `resend`, not {first:?} and {again:?}");
        };
        assert_eq!(id, same_id, "under another id, the server takes the copy for another call");
        assert_ne!(copy, other_copy, "a refusal names the copy that it is about");
    }

    #[test]
    fn failed_means_that_every_copy_was_refused() {
        for refuses_all in [true, false] {
            let mut caller = caller();
            let first = caller.request(call(7));
            let again = caller.timer(timer(&first, Duration::from_millis(50)));
            let over = timer(&first, WITHIN);
            let sent = copies(&[first, again].into_iter().flatten().collect::<Vec<_>>());
            let refused = if refuses_all { &sent[..] } else { &sent[..1] };
            let mut effects = Vec::new();
            for (id, copy, _) in refused {
                // a refusal that arrives twice says no more than one
                for _ in 0..2 {
                    effects.extend(caller.message(SERVER, Message::Refused { id: *id, copy: *copy }));
                }
            }
            effects.extend(caller.timer(over));
            let right = if refuses_all { Response::Failed } else { Response::Unknown };
            assert_eq!(
                answer(&effects),
                Some(right),
                "{} of {} copies were refused",
                refused.len(),
                sent.len()
            );
        }
    }
}
