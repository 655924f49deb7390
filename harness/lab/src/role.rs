//! A role behind bytes: how the harness hosts a node without knowing its types.

use crate::frame::{Context, Ending, Event, Raw, RawEffect, Start, TEXT_MAX, Want, decode, encode_into};
use crate::keys::Keys;
use crate::out::{Ask, Effect};
use crate::{Boot, Contract, Node, Out, RequestId, Wire};
use std::any::Any;
use std::cell::RefCell;
use std::fmt;
use std::marker::PhantomData;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::time::Duration;

/// A running node, its types erased.
pub trait Hosted {
    /// Hands it an event and writes one encoded [`Reply`](crate::frame::Reply) at the end of `reply`. A
    /// panic of the node ends up in the reply.
    fn step(&mut self, context: Context, event: Event<'_>, reply: &mut Vec<u8>);
}

type StartFn = Box<dyn Fn(Context, Start<'_>, &mut Vec<u8>) -> Option<Box<dyn Hosted>>>;

/// What a student wrote for one role.
pub struct Role {
    name: &'static str,
    start: StartFn,
}
impl Role {
    /// A node.
    pub fn node<N: Node>() -> Role {
        let start = |context: Context, start: Start<'_>, reply: &mut Vec<u8>| {
            let ask = Ask::new(start.me, &start.peers);
            let config = decode(start.config.0).expect("the harness sends the config of this role");
            let mut keys = Keys::of(context.entropy, start.me.0);
            let boot = Boot { me: start.me, peers: start.peers, config, disk: start.disk };
            let node = answer(
                &ask,
                &mut keys,
                context,
                reply,
                || "start".to_owned(),
                |out| {
                    let node = N::start(boot, out);
                    Handled { ending: Ending::Returned, status: status(&node, context.want), value: node }
                },
            )?;
            Some(Box::new(Running { ask, keys, node }) as Box<dyn Hosted>)
        };
        Role { name: <N::Contract as Contract>::ROLE, start: Box::new(start) }
    }
    /// A pure function, as a node that replies to every request with `f(request)`.
    pub fn function<I, O, F>(name: &'static str, f: F) -> Role
    where
        I: Wire,
        O: Wire,
        F: Fn(I) -> O + Clone + 'static,
    {
        let start = move |context: Context, start: Start<'_>, reply: &mut Vec<u8>| {
            let ask = Ask::new(start.me, &start.peers);
            let keys = Keys::of(context.entropy, start.me.0);
            let node = Function { f: f.clone(), of: PhantomData };
            write_reply::<Function<F, I, O>>(&Ending::Returned, &[], None, &[], reply);
            Some(Box::new(Running { ask, keys, node }) as Box<dyn Hosted>)
        };
        Role { name, start: Box::new(start) }
    }
    /// The name of its contract.
    pub fn name(&self) -> &'static str {
        self.name
    }
    /// Starts one, and writes one encoded [`Reply`](crate::frame::Reply) at the end of `reply`; `None`
    /// where its start panicked.
    pub fn start(&self, context: Context, start: Start<'_>, reply: &mut Vec<u8>) -> Option<Box<dyn Hosted>> {
        (self.start)(context, start, reply)
    }
}

/// What a student wrote for one exercise. Made by the `exercise` function of its module.
pub struct Exercise {
    /// The exercise's id.
    pub name: &'static str,
    /// Its roles.
    pub roles: Vec<Role>,
}

struct Function<F, I, O> {
    f: F,
    of: PhantomData<fn(I) -> O>,
}
/// The contract of a pure function; its name is the role's own.
enum Pure<I, O> {
    #[expect(dead_code, reason = "only names the types")]
    Of(PhantomData<fn(I) -> O>),
}
impl<I: Wire, O: Wire> Contract for Pure<I, O> {
    const ROLE: &'static str = "a pure function";
    type Config = ();
    type Request = I;
    type Response = O;
    type Event = crate::Nothing;
    type Status = ();
    type Call = crate::Nothing;
    type Answer = crate::Nothing;
}
impl<F: Fn(I) -> O + 'static, I: Wire, O: Wire> Node for Function<F, I, O> {
    type Contract = Pure<I, O>;
    type Message = crate::Nothing;
    type Timer = crate::Nothing;
    fn start(_: Boot<Self>, _: &mut Out<Self>) -> Self {
        unreachable!("a function is given, not started")
    }
    fn on_request(&mut self, id: RequestId, request: I, out: &mut Out<Self>) {
        out.reply(id, (self.f)(request));
    }
}

struct Running<N: Node> {
    ask: Rc<Ask>,
    keys: Keys,
    node: N,
}
impl<N: Node> Hosted for Running<N> {
    fn step(&mut self, context: Context, event: Event<'_>, reply: &mut Vec<u8>) {
        let node = &mut self.node;
        let label = || label::<N>(event);
        answer(&self.ask, &mut self.keys, context, reply, label, |out| {
            let mut ending = Ending::Returned;
            match event {
                Event::Message { from, message } => match decode(message.0) {
                    Some(message) => node.on_message(from, message, out),
                    None => ending = Ending::Stray,
                },
                Event::Request { id, request } => match decode(request.0) {
                    Some(request) => node.on_request(id, request, out),
                    None => ending = Ending::Stray,
                },
                Event::Timer { timer } => {
                    let timer = decode(timer.0).unwrap_or_else(|| {
                        panic!(
                            "`{}` does not decode from its own encoding",
                            std::any::type_name::<N::Timer>()
                        )
                    });
                    node.on_timer(timer, out);
                }
                Event::Answer { call, answer } => match decode(answer.0) {
                    Some(answer) => node.on_answer(call, answer, out),
                    None => ending = Ending::Stray,
                },
            }
            Handled { ending, status: status(node, context.want), value: () }
        });
    }
}

struct Handled<T> {
    ending: Ending,
    status: Option<Vec<u8>>,
    value: T,
}

fn status<N: Node>(node: &N, want: Want) -> Option<Vec<u8>> {
    want.status.then(|| crate::frame::encode(&node.status()))
}

/// Runs a handler and writes its reply; `None` where it panicked.
fn answer<N: Node, T>(
    ask: &Rc<Ask>,
    keys: &mut Keys,
    context: Context,
    reply: &mut Vec<u8>,
    label: impl FnOnce() -> String,
    handler: impl FnOnce(&mut Out<N>) -> Handled<T>,
) -> Option<T> {
    ask.now.set(Duration::from_nanos(context.now_ns));
    ask.wall.set(Duration::from_nanos(context.wall_ns));
    ask.entropy.set(context.entropy);
    ask.draws.set(0);
    ask.next_call.set(context.first_call);
    let _ = last_panic();
    let begun = reply.len();
    crate::keys::with(keys, || answered(ask, context, reply, begun, label, handler))
}
fn answered<N: Node, T>(
    ask: &Rc<Ask>,
    context: Context,
    reply: &mut Vec<u8>,
    begun: usize,
    label: impl FnOnce() -> String,
    handler: impl FnOnce(&mut Out<N>) -> Handled<T>,
) -> Option<T> {
    let mut out = Out::new(ask);
    let handled = catch_unwind(AssertUnwindSafe(|| handler(&mut out)));
    let (ending, status, value) = match handled {
        Ok(Handled { ending, status, value }) => (ending, status, Some(value)),
        Err(payload) => (panicked(payload), None, None),
    };
    let written = catch_unwind(AssertUnwindSafe(|| {
        let labels =
            if context.want.labels { labels(label(), &out.effects, status.as_deref()) } else { Vec::new() };
        write_reply(&ending, &out.effects, status.as_deref(), &labels, reply);
    }));
    match written {
        Ok(()) => value,
        Err(payload) => {
            reply.truncate(begun);
            write_reply::<N>(&panicked(payload), &[], None, &[], reply);
            None
        }
    }
}

/// The encoding of a [`Reply`](crate::frame::Reply), field by field, without building one.
fn write_reply<N: Node>(
    ending: &Ending,
    effects: &[Effect<N>],
    status: Option<&[u8]>,
    labels: &[String],
    reply: &mut Vec<u8>,
) {
    encode_into(ending, reply);
    // more than a world allows, and no more than the harness reads
    let effects = &effects[..effects.len().min(crate::frame::MANY_MAX)];
    encode_into(&effects.len(), reply);
    let mut inside = Vec::new();
    for effect in effects {
        inside.clear();
        let effect = match effect {
            Effect::Send(to, message) => RawEffect::Send { to: *to, message: raw(message, &mut inside) },
            Effect::Broadcast(message) => RawEffect::Broadcast { message: raw(message, &mut inside) },
            Effect::SetTimer(after, timer) => RawEffect::SetTimer {
                after_ns: u64::try_from(after.as_nanos()).unwrap_or(u64::MAX),
                timer: raw(timer, &mut inside),
            },
            Effect::CancelTimer(timer) => RawEffect::CancelTimer { timer: raw(timer, &mut inside) },
            Effect::Reply(id, response) => RawEffect::Reply { id: *id, response: raw(response, &mut inside) },
            Effect::Emit(event) => RawEffect::Emit { event: raw(event, &mut inside) },
            Effect::Call(id, call) => RawEffect::Call { id: *id, call: raw(call, &mut inside) },
            Effect::CallTo(to, id, call) => {
                RawEffect::CallTo { to: *to, id: *id, call: raw(call, &mut inside) }
            }
            Effect::Disk(op) => RawEffect::Disk(op.clone()),
            Effect::Sync => RawEffect::Sync,
        };
        encode_into(&effect, reply);
    }
    encode_into(&status.map(Raw), reply);
    encode_into(labels, reply);
}
fn raw<'a, T: Wire>(value: &T, inside: &'a mut Vec<u8>) -> Raw<'a> {
    encode_into(value, inside);
    Raw(inside)
}

/// Labels of one reply are no longer in all than this, in bytes; those beyond are left out.
const LABELS_MAX: usize = 1 << 20;
fn labels<N: Node>(event: String, effects: &[Effect<N>], status: Option<&[u8]>) -> Vec<String> {
    let mut room = LABELS_MAX;
    let effects = effects.iter().take(crate::frame::MANY_MAX - 2).map(|effect| {
        if room == 0 {
            return String::new();
        }
        let label = match effect {
            Effect::Send(_, message) | Effect::Broadcast(message) => words(message),
            Effect::SetTimer(_, timer) | Effect::CancelTimer(timer) => words(timer),
            Effect::Reply(_, response) => words(response),
            Effect::Emit(event) => words(event),
            Effect::Call(_, call) | Effect::CallTo(_, _, call) => words(call),
            Effect::Disk(_) | Effect::Sync => String::new(),
        };
        room = room.saturating_sub(label.len());
        label
    });
    let status = status.map(|bytes| show::<<N::Contract as Contract>::Status>(Raw(bytes)));
    std::iter::once(event).chain(effects).chain(status).collect()
}
fn show<T: Wire>(bytes: Raw<'_>) -> String {
    decode::<T>(bytes.0).map_or_else(|| format!("{bytes:?}"), |value| words(&value))
}
/// A value in words. `Debug` may be the student's own: where it panics that is said in place of the words, and where it says
/// more than anybody reads it is cut off.
fn words<T: fmt::Debug>(value: &T) -> String {
    struct Words(String);
    impl fmt::Write for Words {
        fn write_str(&mut self, text: &str) -> fmt::Result {
            let room = TEXT_MAX.saturating_sub(self.0.len());
            self.0.push_str(&text[..text.floor_char_boundary(room)]);
            if text.len() > room { Err(fmt::Error) } else { Ok(()) }
        }
    }
    let mut words = Words(String::new());
    match catch_unwind(AssertUnwindSafe(|| fmt::write(&mut words, format_args!("{value:?}")))) {
        Ok(Ok(())) => words.0,
        Ok(Err(_)) => words.0 + "…",
        Err(_) => "(its Debug panicked)".to_owned(),
    }
}
fn label<N: Node>(event: Event<'_>) -> String {
    match event {
        Event::Message { message, .. } => show::<N::Message>(message),
        Event::Request { request, .. } => show::<<N::Contract as Contract>::Request>(request),
        Event::Timer { timer } => show::<N::Timer>(timer),
        Event::Answer { answer, .. } => show::<<N::Contract as Contract>::Answer>(answer),
    }
}

thread_local! {
    static LAST_PANIC: RefCell<Option<String>> = const { RefCell::new(None) };
}
/// Makes panics of this process silent, and keeps where they happened for the reply.
pub fn note_panics() {
    std::panic::set_hook(Box::new(|info| {
        let at = info.location().map(ToString::to_string);
        LAST_PANIC.with(|last| *last.borrow_mut() = at);
    }));
}
fn last_panic() -> Option<String> {
    LAST_PANIC.with(|last| last.borrow_mut().take())
}
fn panicked(payload: Box<dyn Any + Send>) -> Ending {
    const LONGEST: usize = 2_000;
    let mut message = match payload.downcast::<String>() {
        Ok(message) => *message,
        Err(payload) => match payload.downcast::<&'static str>() {
            Ok(message) => (*message).to_owned(),
            Err(_) => "a panic that carries no text".to_owned(),
        },
    };
    let not_started = message.starts_with("not yet implemented");
    if message.len() > LONGEST {
        let cut = (0..=LONGEST).rev().find(|&i| message.is_char_boundary(i)).unwrap_or(0);
        message.truncate(cut);
        message.push('…');
    }
    let at = last_panic().unwrap_or_default();
    Ending::Panicked { message, at, not_started }
}
