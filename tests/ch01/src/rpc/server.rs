//! A server that the suite plays. It executes each id of a caller at most once and remembers that for ever. What it does with a copy
//! that it has not executed yet is written down: by what is asked for, and by how manyth copy of its id has arrived.

use lab::prelude::*;
use lab::rpc::Message;
use lab::{Contract, Role};
use std::collections::BTreeMap;
use std::fmt;
use world::NodeSpec;

/// How a server treats its callers.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Habits {
    /// How long it works on a copy where nothing else is written down.
    pub(super) works: Duration,
    /// What it does with the first, second, … copy of an operation that is asked for; with every further copy, the last of these.
    pub(super) scripts: BTreeMap<u64, Vec<Does>>,
    /// The same for operations without a script of their own; empty: it executes them.
    pub(super) others: Vec<Does>,
    /// From this time on it executes at once whatever arrives.
    pub(super) well_from: Duration,
}
/// What a server does with a copy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Does {
    /// It executes the operation so long after the copy has arrived, unless another copy was executed before; then it answers.
    Execute {
        after: Duration,
    },
    /// It refuses the copy so long after it has arrived.
    Refuse {
        after: Duration,
    },
    /// It refuses the copy when so many copies of the id have arrived: others are certainly out by then.
    RefuseWhen {
        copies: u32,
    },
    /// It refuses the copy at this time, the newest copies first; at once if that time has passed.
    RefuseAt {
        at: Duration,
    },
    Nothing,
}
pub(super) const EXECUTE: Does = Does::Execute { after: Duration::ZERO };
pub(super) const REFUSE: Does = Does::Refuse { after: Duration::ZERO };

/// The server of this name, with these habits.
pub(super) fn server(id: NodeId, habits: &Habits) -> NodeSpec {
    NodeSpec::puppet::<Serving>(id, habits, Role::node::<Server>).named("server")
}

/// What the suite knows of a server.
pub(super) enum Serving {}
impl Contract for Serving {
    const ROLE: &'static str = "rpc/server";
    type Config = Habits;
    type Request = Nothing;
    type Response = Nothing;
    type Event = Executed;
    type Status = ();
    type Call = Nothing;
    type Answer = Nothing;
}

/// A server has executed an operation.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Executed {
    pub(super) caller: NodeId,
    pub(super) id: u64,
    pub(super) body: u64,
    /// Different for every execution of a run.
    pub(super) answer: u64,
}
impl fmt::Debug for Executed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Executed { id, body, answer, .. } = self;
        write!(f, "Executed #{id}: {body} → {answer}")
    }
}

/// What a server has yet to do.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(super) struct Later {
    caller: NodeId,
    id: u64,
    copy: u32,
    body: u64,
    refuses: bool,
    /// Of all that it does, the how manyth: no two are one timer.
    nth: u32,
}

struct Server {
    me: NodeId,
    habits: Habits,
    opened: Instant,
    executed: BTreeMap<(NodeId, u64), u64>,
    arrived: BTreeMap<(NodeId, u64), Arrived>,
    later: u32,
}
/// Copies of one id that have arrived and were not executed.
#[derive(Default)]
struct Arrived {
    copies: u32,
    /// Copies that are refused when so many have arrived.
    waiting: Vec<(u32, u32)>,
}
/// The first answer of n2 is 2001, and so on: different from what clients ask for, and from the answers of others.
const ANSWERS_PER_SERVER: u64 = 1_000;

impl Node for Server {
    type Contract = Serving;
    type Message = Message;
    type Timer = Later;

    fn start(boot: Boot<Self>, out: &mut Out<Self>) -> Self {
        Server {
            me: boot.me,
            habits: boot.config,
            opened: out.now(),
            executed: BTreeMap::new(),
            arrived: BTreeMap::new(),
            later: 0,
        }
    }

    fn on_message(&mut self, caller: NodeId, message: Message, out: &mut Out<Self>) {
        let Message::Ask { id, copy, body } = message else { return };
        if let Some(answer) = self.executed.get(&(caller, id)) {
            return out.send(caller, Message::Done { id, answer: *answer });
        }
        let now = out.now() - self.opened;
        let known = self.arrived.entry((caller, id)).or_default();
        known.copies += 1;
        let arrived = known.copies;
        // those that have waited for this copy
        known.waiting.retain(|(waits, copies)| {
            let is_time = arrived >= *copies;
            if is_time {
                out.send(caller, Message::Refused { id, copy: *waits });
            }
            !is_time
        });
        let script = self.habits.scripts.get(&body).unwrap_or(&self.habits.others);
        let does = script.get(arrived as usize - 1).or(script.last()).copied();
        let does = match does {
            _ if now >= self.habits.well_from => EXECUTE,
            Some(Does::RefuseWhen { copies }) if arrived >= copies => REFUSE,
            Some(Does::RefuseAt { at }) if now >= at => REFUSE,
            Some(does) => does,
            None => Does::Execute { after: self.habits.works },
        };
        match does {
            Does::Execute { after } => self.do_later(after, (caller, id, copy, body), false, out),
            Does::Refuse { after } => self.do_later(after, (caller, id, copy, body), true, out),
            Does::RefuseWhen { copies } => {
                self.arrived.entry((caller, id)).or_default().waiting.push((copy, copies));
            }
            Does::RefuseAt { at } => {
                // the more copies came before this one, the earlier it is refused
                let after = (at - now).saturating_sub(Duration::from_micros(10) * arrived);
                self.do_later(after, (caller, id, copy, body), true, out);
            }
            Does::Nothing => {}
        }
    }

    fn on_timer(&mut self, later: Later, out: &mut Out<Self>) {
        let Later { caller, id, copy, body, refuses, .. } = later;
        if refuses {
            return out.send(caller, Message::Refused { id, copy });
        }
        let answers = self.executed.len() as u64;
        let mut is_new = false;
        let answer = *self.executed.entry((caller, id)).or_insert_with(|| {
            is_new = true;
            u64::from(self.me.0) * ANSWERS_PER_SERVER + answers + 1
        });
        if is_new {
            out.emit(Executed { caller, id, body, answer });
        }
        out.send(caller, Message::Done { id, answer });
    }
}

impl Server {
    fn do_later(
        &mut self,
        after: Duration,
        (caller, id, copy, body): (NodeId, u64, u32, u64),
        refuses: bool,
        out: &mut Out<Self>,
    ) {
        self.later += 1;
        let later = Later { caller, id, copy, body, refuses, nth: self.later };
        if after.is_zero() {
            self.on_timer(later, out);
        } else {
            out.set_timer(after, later);
        }
    }
}
