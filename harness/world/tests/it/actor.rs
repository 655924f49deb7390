//! The nodes of these tests: an actor that does as it is told, and a service that echoes.

use lab::prelude::*;
use lab::{Contract, Exercise, Role};
use std::collections::BTreeMap;
use std::time::Duration;
use world::Local;

/// One thing for an actor to do. Requests and messages are lists of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Do {
    Send(NodeId, Vec<Do>),
    Broadcast(Vec<Do>),
    /// Sets the alarm of this name, and does the rest when it rings.
    Arm(u8, Duration, Vec<Do>),
    Disarm(u8),
    /// Answers the oldest request that it has not answered.
    Reply,
    /// Answers the newest request again.
    ReplyAgain,
    Call(u32),
    CallTo(NodeId, u32),
    /// Writes a new number at each of these places, all or none.
    Atomic(Vec<Place>),
    Write(Place),
    /// Cuts the file down to so many bytes.
    CutFile(u64),
    Sync,
    Say(u32),
    Roll,
    Clocks,
    Pad(Vec<u8>),
    Panic,
    Todo,
}
/// Where on the disk to write a number that was never written before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) enum Place {
    Log,
    Journal,
    Value,
    Row(u8),
    File,
}

/// What an actor announces.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Said {
    Started(Box<Found>),
    Word(u32),
    Rolled(u64),
    Clocks { since_start: Duration, wall: WallTime },
    Rang { timer: u8, too_early: bool },
    Answered { call: CallId, answer: u32 },
}
/// What an actor found on its disk. A torn record shows as `None`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Found {
    pub(crate) log: Vec<Option<u64>>,
    pub(crate) journal: Vec<Option<u64>>,
    pub(crate) value: Option<u64>,
    pub(crate) rows: BTreeMap<u8, u64>,
    pub(crate) file: Vec<u8>,
}

pub(crate) const LOG: Log<u64> = Log::new("log");
pub(crate) const JOURNAL: Log<u64> = Log::new("journal");
pub(crate) const VALUE: Saved<u64> = Saved::new("value");
pub(crate) const ROWS: Table<u8, u64> = Table::new("rows");
pub(crate) const FILE: File = File::new("file");

/// The contract of [`Actor`].
pub(crate) enum Acts {}
impl Contract for Acts {
    const ROLE: &'static str = "actor";
    /// What it does whenever it starts.
    type Config = Vec<Do>;
    type Request = Vec<Do>;
    /// How many requests it had been asked when it answered.
    type Response = u32;
    type Event = Said;
    /// The last word it said.
    type Status = u32;
    type Call = u32;
    type Answer = u32;
}

pub(crate) struct Actor {
    born: Instant,
    asked: u32,
    open: Vec<RequestId>,
    newest: Option<RequestId>,
    alarms: BTreeMap<u8, (Instant, Vec<Do>)>,
    word: u32,
}
impl Node for Actor {
    type Contract = Acts;
    type Message = Vec<Do>;
    type Timer = u8;

    fn start(boot: Boot<Self>, out: &mut Out<Self>) -> Self {
        out.emit(Said::Started(Box::new(Found {
            log: boot.disk.log(LOG).map(Result::ok).collect(),
            journal: boot.disk.log(JOURNAL).map(Result::ok).collect(),
            value: boot.disk.load(VALUE),
            rows: boot.disk.table(ROWS),
            file: boot.disk.file(FILE),
        })));
        let torn = boot.disk.file(FILE).len() % 8;
        if torn > 0 {
            out.cut(FILE, (boot.disk.file(FILE).len() - torn) as u64);
        }
        let mut actor =
            Actor { born: out.now(), asked: 0, open: vec![], newest: None, alarms: BTreeMap::new(), word: 0 };
        actor.act(boot.config, out);
        actor
    }
    fn on_message(&mut self, _from: NodeId, message: Vec<Do>, out: &mut Out<Self>) {
        self.act(message, out);
    }
    fn on_request(&mut self, id: RequestId, request: Vec<Do>, out: &mut Out<Self>) {
        self.asked += 1;
        self.open.push(id);
        self.newest = Some(id);
        self.act(request, out);
    }
    fn on_timer(&mut self, timer: u8, out: &mut Out<Self>) {
        let (due, then) = self.alarms.remove(&timer).expect("it was set, and not cancelled");
        out.emit(Said::Rang { timer, too_early: out.now() < due });
        self.act(then, out);
    }
    fn on_answer(&mut self, call: CallId, answer: u32, out: &mut Out<Self>) {
        out.emit(Said::Answered { call, answer });
    }
    fn status(&self) -> u32 {
        self.word
    }
}
impl Actor {
    #[expect(clippy::todo, reason = "to be told to is the point")]
    fn act(&mut self, what: Vec<Do>, out: &mut Out<Self>) {
        for one in what {
            match one {
                Do::Send(to, then) => out.send(to, then),
                Do::Broadcast(then) => out.broadcast(then),
                Do::Arm(timer, after, then) => {
                    self.alarms.insert(timer, (out.now() + after, then));
                    out.set_timer(after, timer);
                }
                Do::Disarm(timer) => {
                    self.alarms.remove(&timer);
                    out.cancel_timer(timer);
                }
                Do::Reply => {
                    if !self.open.is_empty() {
                        out.reply(self.open.remove(0), self.asked);
                    }
                }
                Do::ReplyAgain => {
                    if let Some(id) = self.newest {
                        out.reply(id, self.asked);
                    }
                }
                Do::Call(what) => _ = out.call(what),
                Do::CallTo(to, what) => _ = out.call_to(to, what),
                Do::Atomic(places) => {
                    let fresh: Vec<_> = places.into_iter().map(|p| (p, out.random(0..u64::MAX))).collect();
                    out.atomic(|all| {
                        for (place, number) in fresh {
                            match place {
                                Place::Log => all.append(LOG, &number),
                                Place::Journal => all.append(JOURNAL, &number),
                                Place::Value => all.save(VALUE, &number),
                                Place::Row(key) => all.put(ROWS, &key, &number),
                                Place::File => all.write(FILE, &number.to_le_bytes()),
                            }
                        }
                    });
                }
                Do::Write(place) => {
                    let number = out.random(0..u64::MAX);
                    match place {
                        Place::Log => out.append(LOG, &number),
                        Place::Journal => out.append(JOURNAL, &number),
                        Place::Value => out.save(VALUE, &number),
                        Place::Row(key) => out.put(ROWS, &key, &number),
                        Place::File => out.write(FILE, &number.to_le_bytes()),
                    }
                }
                Do::CutFile(len) => out.cut(FILE, len),
                Do::Sync => out.sync(),
                Do::Say(word) => {
                    self.word = word;
                    out.emit(Said::Word(word));
                }
                Do::Roll => out.emit(Said::Rolled(out.random(0..1_000_000_000))),
                Do::Clocks => {
                    out.emit(Said::Clocks { since_start: out.now() - self.born, wall: out.wall_clock() });
                }
                Do::Pad(_) => {}
                Do::Panic => panic!("as I was told"),
                Do::Todo => todo!(),
            }
        }
    }
}

/// The contract of [`Echo`].
pub(crate) enum Echoes {}
impl Contract for Echoes {
    const ROLE: &'static str = "echo";
    type Config = ();
    type Request = u32;
    type Response = u32;
    type Event = Nothing;
    type Status = ();
    type Call = Nothing;
    type Answer = Nothing;
}
/// A service that answers what it is asked.
pub(crate) struct Echo;
impl Node for Echo {
    type Contract = Echoes;
    type Message = Nothing;
    type Timer = Nothing;
    fn start(_: Boot<Self>, _: &mut Out<Self>) -> Self {
        Echo
    }
    fn on_request(&mut self, id: RequestId, request: u32, out: &mut Out<Self>) {
        out.reply(id, request);
    }
}

/// The same, but it answers some time after it was asked: the longer, the larger the number.
pub(crate) struct SlowEcho(Vec<(RequestId, u32)>);
impl Node for SlowEcho {
    type Contract = Echoes;
    type Message = Nothing;
    type Timer = u32;
    fn start(_: Boot<Self>, _: &mut Out<Self>) -> Self {
        SlowEcho(Vec::new())
    }
    fn on_request(&mut self, id: RequestId, request: u32, out: &mut Out<Self>) {
        out.set_timer(Duration::from_millis(request.into()), request);
        self.0.push((id, request));
    }
    fn on_timer(&mut self, request: u32, out: &mut Out<Self>) {
        for (id, _) in self.0.iter().filter(|(_, asked)| *asked == request) {
            out.reply(*id, request);
        }
        self.0.retain(|(_, asked)| *asked != request);
    }
}

/// Hosts actors.
pub(crate) fn actors() -> Local {
    Local::new([Exercise { name: "actor", roles: vec![Role::node::<Actor>()] }])
}
