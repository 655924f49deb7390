//! A system with one of each kind of bug, and the same without them: the guest hosts the one, the reference is the other.

use lab::prelude::*;
use lab::{Contract, Exercise, Role};
use std::collections::BTreeSet;

/// The service that clerks call.
pub(crate) const TILL: NodeId = NodeId(9);
const RETRY: Duration = Duration::from_millis(5);

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Ask {
    /// Make the other clerk say this, once.
    Tell(u32),
    /// Have this charged, once, and answer then.
    Charge(u32),
    /// Answer when this is durable.
    Keep(u32),
}
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Event {
    Said(u32),
    /// What was kept, at a start.
    Found(u32),
}

/// The contract of [`Clerk`].
pub(crate) enum Clerks {}
impl Contract for Clerks {
    const ROLE: &'static str = "clerk";
    type Config = ();
    type Request = Ask;
    type Response = u32;
    type Event = Event;
    type Status = ();
    type Call = Bill;
    type Answer = u32;
}
/// What a clerk asks of the till.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Bill {
    pub(crate) id: u64,
    pub(crate) amount: u32,
}
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) enum Letter {
    Say { id: u64, word: u32 },
    Heard { id: u64 },
}
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) enum Timer {
    SayAgain(u64),
    ChargeAgain(u64),
}

const KEPT: Saved<u32> = Saved::new("kept");

/// Sends again what may be lost, knows again what comes twice, gives each bill one id, and syncs before it answers; or does
/// none of it.
pub(crate) struct Clerk<const SOUND: bool> {
    next: u64,
    unheard: Vec<(u64, u32)>,
    said: BTreeSet<u64>,
    unpaid: Vec<(u64, Bill, RequestId)>,
}
impl<const SOUND: bool> Node for Clerk<SOUND> {
    type Contract = Clerks;
    type Message = Letter;
    type Timer = Timer;

    fn start(boot: Boot<Self>, out: &mut Out<Self>) -> Self {
        out.emit(Event::Found(boot.disk.load(KEPT).unwrap_or(0)));
        Clerk { next: 1, unheard: Vec::new(), said: BTreeSet::new(), unpaid: Vec::new() }
    }
    fn on_request(&mut self, id: RequestId, request: Ask, out: &mut Out<Self>) {
        match request {
            Ask::Tell(word) => {
                self.unheard.push((self.next, word));
                self.say(self.next, word, out);
                self.next += 1;
                out.reply(id, word);
            }
            Ask::Charge(amount) => {
                let bill = Bill { id: self.next, amount };
                self.unpaid.push((self.next, bill, id));
                self.next += 1;
                self.charge(bill.id, out);
            }
            Ask::Keep(number) => {
                out.save(KEPT, &number);
                if SOUND {
                    out.sync();
                }
                out.reply(id, number);
                out.sync();
            }
        }
    }
    fn on_message(&mut self, from: NodeId, letter: Letter, out: &mut Out<Self>) {
        match letter {
            Letter::Say { id, word } => {
                if self.said.insert(id) || !SOUND {
                    out.emit(Event::Said(word));
                }
                out.send(from, Letter::Heard { id });
            }
            Letter::Heard { id } => self.unheard.retain(|(this, _)| *this != id),
        }
    }
    fn on_timer(&mut self, timer: Timer, out: &mut Out<Self>) {
        match timer {
            Timer::SayAgain(id) => {
                if let Some(&(id, word)) = self.unheard.iter().find(|(this, _)| *this == id) {
                    self.say(id, word, out);
                }
            }
            Timer::ChargeAgain(id) => self.charge(id, out),
        }
    }
    fn on_answer(&mut self, _: CallId, paid: u32, out: &mut Out<Self>) {
        if let Some(place) = self.unpaid.iter().position(|(_, bill, _)| bill.amount == paid) {
            let (_, _, request) = self.unpaid.remove(place);
            out.reply(request, paid);
        }
    }
}
impl<const SOUND: bool> Clerk<SOUND> {
    fn say(&self, id: u64, word: u32, out: &mut Out<Self>) {
        out.broadcast(Letter::Say { id, word });
        if SOUND {
            out.set_timer(RETRY, Timer::SayAgain(id));
        }
    }
    fn charge(&mut self, name: u64, out: &mut Out<Self>) {
        let Some((_, bill, _)) = self.unpaid.iter_mut().find(|(this, ..)| *this == name) else { return };
        out.call_to(TILL, *bill);
        if !SOUND {
            bill.id += 100; // another one for every try
        }
        out.set_timer(RETRY, Timer::ChargeAgain(name));
    }
}

pub(crate) fn exercise<const SOUND: bool>() -> Exercise {
    Exercise { name: "toys", roles: vec![Role::node::<Clerk<SOUND>>()] }
}
