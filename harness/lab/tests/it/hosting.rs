//! A role behind bytes.

use lab::frame::{Context, Ending, Event, Raw, RawEffect, Reply, Start, Want, decode, encode, take};
use lab::lamport::{self, Stamped};
use lab::prelude::*;
use lab::{Disk, Hosted, Role};
use std::fmt;

fn context(labels: bool) -> Context {
    let want = Want { status: false, labels };
    Context { now_ns: 5, wall_ns: 6, entropy: 7, first_call: 8, want }
}
fn start(role: &Role) -> Box<dyn Hosted> {
    let start = Start { me: NodeId(1), peers: vec![NodeId(2)], config: Raw(&[]), disk: Disk::default() };
    let mut reply = vec![];
    let hosted = role.start(context(true), start, &mut reply).expect("it starts");
    let reply: Reply<'_> = take(&mut &reply[..]).expect("a reply");
    assert_eq!(reply.ending, Ending::Returned);
    hosted
}
fn ending(node: &mut dyn Hosted, event: Event<'_>) -> Ending {
    let mut reply = vec![1, 2, 3]; // what stands there already is left alone
    node.step(context(true), event, &mut reply);
    assert_eq!(&reply[..3], [1, 2, 3]);
    let mut rest = &reply[3..];
    let reply: Reply<'_> = take(&mut rest).expect("a reply");
    assert!(rest.is_empty(), "one reply");
    reply.ending
}

/// Does what it is asked, none of it good.
struct Bad;
#[derive(Serialize, Deserialize)]
struct Unshowable;
impl fmt::Debug for Unshowable {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        panic!("cannot be shown")
    }
}
impl Node for Bad {
    type Contract = lamport::Clock;
    type Message = (u8, Unshowable);
    type Timer = u8;
    fn start(_: Boot<Self>, _: &mut Out<Self>) -> Self {
        Bad
    }
    fn on_request(&mut self, _: RequestId, request: lamport::Request, out: &mut Out<Self>) {
        out.set_timer(Duration::MAX, 1);
        match request {
            lamport::Request::Local => panic!("{}", "long ".repeat(2_000)),
            lamport::Request::Send { .. } => out.broadcast((1, Unshowable)),
        }
    }
    fn on_timer(&mut self, _: u8, _: &mut Out<Self>) {
        std::panic::panic_any(17);
    }
}

#[test]
fn whatever_a_node_does_there_is_one_reply_and_it_says_so() {
    let mut bad = start(&Role::node::<Bad>());
    let id = RequestId(1);
    let request = |request| encode(&request);
    let long = ending(&mut *bad, Event::Request { id, request: Raw(&request(lamport::Request::Local)) });
    let Ending::Panicked { message, not_started: false, .. } = long else { panic!("{long:?}") };
    assert!(message.len() < 2_100 && message.ends_with('…'), "cut short");

    let send = request(lamport::Request::Send { to: NodeId(2) });
    let unshowable = ending(&mut *bad, Event::Request { id, request: Raw(&send) });
    // words are for readers: that there are none does not change what happened
    assert_eq!(unshowable, Ending::Returned);

    let no_text = ending(&mut *bad, Event::Timer { timer: Raw(&[1]) });
    assert!(matches!(no_text, Ending::Panicked { message, .. } if message == "a panic that carries no text"));
}

#[test]
fn what_is_not_of_its_type_is_stray_and_not_handed_over() {
    let mut bad = start(&Role::node::<Bad>());
    let raw = Raw(&[0xff; 3]);
    for event in [
        Event::Message { from: NodeId(2), message: raw },
        Event::Message { from: NodeId(2), message: Raw(&[]) },
        Event::Request { id: RequestId(1), request: raw },
        Event::Answer { call: CallId(1), answer: raw },
    ] {
        assert_eq!(ending(&mut *bad, event), Ending::Stray, "{event:?}");
    }
}

#[test]
fn a_pure_function_is_a_node_that_answers() {
    let role = Role::function("sum", |(a, b): (u32, u32)| a + b);
    let mut sum = start(&role);
    let mut reply = vec![];
    let request = encode(&(2u32, 3u32));
    sum.step(context(false), Event::Request { id: RequestId(9), request: Raw(&request) }, &mut reply);
    let reply: Reply<'_> = take(&mut &reply[..]).expect("a reply");
    let [RawEffect::Reply { id: RequestId(9), response }] = reply.effects[..] else { panic!("{reply:?}") };
    assert_eq!(decode::<u32>(response.0), Some(5));
    let overflow = encode(&(u32::MAX, 1u32));
    let ending = ending(&mut *sum, Event::Request { id: RequestId(9), request: Raw(&overflow) });
    assert!(matches!(ending, Ending::Panicked { .. }));
}

#[test]
fn an_exercise_hosts_its_node_and_its_functions() {
    let exercise = lamport::exercise::<Bad>(
        |a: Stamped, b: Stamped| a.stamp.cmp(&b.stamp),
        |_, _| lamport::Inference::Possible,
    );
    let roles: Vec<&str> = exercise.roles.iter().map(Role::name).collect();
    assert_eq!(roles, ["lamport", lamport::TOTAL_ORDER, lamport::MAY_HAVE_CAUSED]);
}
