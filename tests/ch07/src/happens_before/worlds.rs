//! `happens_before`: the runs in which the promises are hard to keep.

use super::oracle::HappensBefore;
use judge::{Case, Pick};
use lab::happens_before::{Event, EventId, MessageId, Order, What};
use lab::{NodeId, WallTime};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

/// What clocks on walls show.
#[derive(Clone, Copy)]
enum Walls {
    /// True time, and hours off on every node.
    Off,
    /// True time.
    True,
    /// The later, the earlier.
    Backwards,
}

/// A run as it is made: events in an order in which they can have happened.
pub(super) struct Run {
    /// In true order.
    pub(super) events: Vec<Event>,
    /// How many events of each node are in an event's past, itself included.
    past: Vec<Vec<u32>>,
    /// So far, of each node.
    known: Vec<Vec<u32>>,
    lives: Vec<(u32, u32)>,
    pub(super) messages: Vec<Sending>,
}
/// A message of a run.
pub(super) struct Sending {
    pub(super) from: NodeId,
    pub(super) to: NodeId,
    /// Its sending's place.
    pub(super) sent: usize,
    pub(super) receipts: Vec<usize>,
}

impl Run {
    fn new(nodes: u32) -> Run {
        let size = nodes as usize;
        Run {
            events: Vec::new(),
            past: Vec::new(),
            known: vec![vec![0; size]; size],
            lives: vec![(0, 0); size],
            messages: Vec::new(),
        }
    }
    fn happen(&mut self, node: NodeId, what: What) -> usize {
        let me = node.0 as usize - 1;
        let (life, place) = &mut self.lives[me];
        *place += 1;
        let wall = WallTime(Duration::ZERO);
        self.known[me][me] += 1;
        self.events.push(Event { id: EventId(0), node, life: *life, place: *place, wall, what });
        self.past.push(self.known[me].clone());
        self.events.len() - 1
    }
    fn local(&mut self, node: u32) {
        self.happen(NodeId(node), What::Local);
    }
    /// A message leaves; returns its place among the messages.
    fn send(&mut self, from: u32, to: u32) -> usize {
        let (from, to) = (NodeId(from), NodeId(to));
        let message = MessageId(u32::try_from(self.messages.len()).expect("few"));
        let sent = self.happen(from, What::Sent { to, message });
        self.messages.push(Sending { from, to, sent, receipts: Vec::new() });
        self.messages.len() - 1
    }
    fn receive(&mut self, message: usize) {
        let Sending { from, to, sent, .. } = self.messages[message];
        let theirs = self.past[sent].clone();
        let mine = &mut self.known[to.0 as usize - 1];
        mine.iter_mut().zip(&theirs).for_each(|(mine, theirs)| *mine = (*mine).max(*theirs));
        let id = MessageId(u32::try_from(message).expect("few"));
        let receipt = self.happen(to, What::Received { from, message: id });
        self.messages[message].receipts.push(receipt);
    }
    fn crash(&mut self, node: u32) {
        let (life, place) = &mut self.lives[node as usize - 1];
        *life += 1;
        *place = 0;
    }

    /// The run of these events, which come in no order: in one in which they can have happened.
    pub(super) fn of(events: &[Event]) -> Run {
        let nodes = events.iter().map(|event| event.node.0).max().unwrap_or(0);
        let mut run = Run::new(nodes);
        let mut waiting: Vec<VecDeque<Event>> = vec![VecDeque::new(); nodes as usize];
        let mut in_order = events.to_vec();
        in_order.sort_by_key(|event| (event.node, event.life, event.place));
        for event in in_order {
            waiting[event.node.0 as usize - 1].push_back(event);
        }
        let mut sent: BTreeMap<MessageId, usize> = BTreeMap::new();
        while run.events.len() < events.len() {
            let can_happen = |event: &Event| match event.what {
                What::Received { message, .. } => sent.contains_key(&message),
                What::Local | What::Sent { .. } => true,
            };
            // nodes take turns
            let ready = (0..waiting.len()).filter(|node| waiting[*node].front().is_some_and(can_happen));
            let node = ready
                .min_by_key(|node| run.known[*node][*node])
                .expect("messages are sent before they arrive");
            let event = waiting[node].pop_front().expect("it is ready");
            match event.what {
                What::Local => run.local(event.node.0),
                What::Sent { to, message } => {
                    let place = run.send(event.node.0, to.0);
                    sent.insert(message, place);
                }
                What::Received { message, .. } => run.receive(sent[&message]),
            }
            *run.events.last_mut().expect("it just happened") = event;
        }
        run
    }
    /// The place of the event of this name.
    pub(super) fn place(&self, id: EventId) -> usize {
        self.events.iter().position(|event| event.id == id).expect("questions are about events of their run")
    }

    /// Names and wall times for all events.
    fn dress(&mut self, pick: &mut Pick, walls: Walls) {
        let count = self.events.len() as u64;
        let mut ids: Vec<u32> = (1..=self.events.len() as u32).collect();
        pick.shuffle(&mut ids);
        let off: Vec<u64> = self.known.iter().map(|_| pick.number(0..=36_000)).collect();
        for (nth, event) in (0_u64..).zip(&mut self.events) {
            event.id = EventId(ids[nth as usize]);
            let seconds = match walls {
                Walls::Off => nth + off[event.node.0 as usize - 1],
                Walls::True => nth,
                Walls::Backwards => count - nth,
            };
            event.wall = WallTime(Duration::from_secs(1_767_225_600 + seconds));
        }
    }

    fn before(&self, a: usize, b: usize) -> bool {
        let me = self.events[a].node.0 as usize - 1;
        a != b && self.past[a][me] <= self.past[b][me]
    }
    pub(super) fn truth(&self, a: usize, b: usize) -> Order {
        match (self.before(a, b), self.before(b, a)) {
            _ if a == b => Order::Same,
            (true, _) => Order::Before,
            (_, true) => Order::After,
            (false, false) => Order::Concurrent,
        }
    }
    /// Of one life of one node.
    pub(super) fn of_one_life(&self, a: usize, b: usize) -> bool {
        (self.events[a].node, self.events[a].life) == (self.events[b].node, self.events[b].life)
    }
    /// One receives what the other sent.
    fn of_one_message(&self, a: usize, b: usize) -> bool {
        let sends = |a, b| self.messages.iter().any(|m: &Sending| m.sent == a && m.receipts.contains(&b));
        sends(a, b) || sends(b, a)
    }
    /// No step, or no more than one that the definition names.
    fn is_simple(&self, a: usize, b: usize) -> bool {
        self.truth(a, b) == Order::Concurrent || self.of_one_life(a, b) || self.of_one_message(a, b)
    }

    /// The shortest chain from one event to a later one.
    pub(super) fn chain(&self, from: usize, to: usize) -> Vec<usize> {
        let mut came_from = BTreeMap::from([(from, from)]);
        let mut layer = vec![from];
        while !came_from.contains_key(&to) && !layer.is_empty() {
            let mut next = Vec::new();
            for a in layer {
                for b in a + 1..self.events.len() {
                    let step = self.events[a].node == self.events[b].node || self.of_one_message(a, b);
                    if step && !came_from.contains_key(&b) {
                        came_from.insert(b, a);
                        next.push(b);
                    }
                }
            }
            layer = next;
        }
        let mut chain = vec![to];
        while let Some(&a) = came_from.get(&chain[chain.len() - 1]).filter(|&&a| a != chain[chain.len() - 1])
        {
            chain.push(a);
        }
        chain.reverse();
        chain
    }
    pub(super) fn name(&self, event: usize) -> String {
        format!("e{}", self.events[event].id.0)
    }
    fn told(&self, event: usize) -> String {
        let Event { node, what, .. } = self.events[event];
        let what = match what {
            What::Local => format!("local on {node}"),
            What::Sent { to, message } => format!("{node} sends m{} to {to}", message.0),
            What::Received { from, message } => format!("{node} receives m{} from {from}", message.0),
        };
        format!("{} ({what})", self.name(event))
    }
    fn chain_told(&self, from: usize, to: usize) -> String {
        const WHOLE_MAX: usize = 6;
        let chain = self.chain(from, to);
        let told = |part: &[usize]| part.iter().map(|e| self.told(*e)).collect::<Vec<_>>().join(" → ");
        if chain.len() <= WHOLE_MAX {
            return told(&chain);
        }
        format!("{} → … → {}", told(&chain[..3]), told(&chain[chain.len() - 2..]))
    }
    /// What is wrong with an answer.
    pub(super) fn wrong(&self, a: usize, b: usize, said: Order) -> String {
        let asked = format!("order({}, {}) answered {said:?}", self.name(a), self.name(b));
        match self.truth(a, b) {
            Order::Same => {
                format!(
                    "{asked}, but both are the same event. No event is before, after or concurrent with itself."
                )
            }
            Order::Before => {
                format!("{asked}, but a chain leads from the first to the second: {}.", self.chain_told(a, b))
            }
            Order::After => {
                format!("{asked}, but a chain leads from the second to the first: {}.", self.chain_told(b, a))
            }
            Order::Concurrent => {
                let lost = |sender: usize, other: usize| {
                    let What::Sent { to, message } = self.events[sender].what else { return None };
                    let is_lost = self.messages.iter().any(|m| m.sent == sender && m.receipts.is_empty());
                    (is_lost && to == self.events[other].node).then_some(message)
                };
                let why = match lost(a, b).or_else(|| lost(b, a)) {
                    Some(MessageId(message)) => {
                        format!("message m{message} never arrived, and a lost message orders nothing")
                    }
                    None => "no chain of messages leads from one to the other, and wall clocks give no order"
                        .into(),
                };
                format!("{asked}, but {} and {} are concurrent: {why}.", self.told(a), self.told(b))
            }
        }
    }
}

/// A run of about so many events, and what may happen in it.
struct Recipe {
    nodes: u32,
    events: usize,
    crashes: bool,
    loss: bool,
    duplicates: bool,
}
fn made(pick: &mut Pick, recipe: &Recipe) -> Run {
    let Recipe { nodes, events, crashes, loss, duplicates } = *recipe;
    let mut run = Run::new(nodes);
    let mut under_way: Vec<usize> = Vec::new();
    while run.events.len() < events {
        let node = pick.small(1..=nodes);
        if crashes && pick.percent(3) {
            run.crash(node);
        } else if !under_way.is_empty() && pick.percent(45) {
            let nth = pick.number(0..=under_way.len() as u64 - 1) as usize;
            let message = under_way[nth];
            if !(duplicates && run.messages[message].receipts.is_empty() && pick.percent(35)) {
                under_way.swap_remove(nth);
            }
            if !(loss && run.messages[message].receipts.is_empty() && pick.percent(30)) {
                run.receive(message);
            }
        } else if pick.percent(65) {
            let to = (node - 1 + pick.small(1..=nodes - 1)) % nodes + 1;
            under_way.push(run.send(node, to));
        } else {
            run.local(node);
        }
    }
    run
}

/// A run of a check in which the function is asked about pairs of events of one run.
fn ask(pick: &mut Pick, run: Run, pairs: Vec<(usize, usize)>) -> Case {
    let mut shown = run.events.clone();
    pick.shuffle(&mut shown);
    let question = |&(a, b): &(usize, usize)| (shown.clone(), run.events[a].id, run.events[b].id);
    kit::quiz::ask::<HappensBefore>(&pairs.iter().map(question).collect::<Vec<_>>())
}
/// All pairs, each way round, that are wanted.
fn pairs(run: &Run, wanted: impl Fn(usize, usize) -> bool) -> Vec<(usize, usize)> {
    let places = 0..run.events.len();
    places.clone().flat_map(|a| places.clone().map(move |b| (a, b))).filter(|(a, b)| wanted(*a, *b)).collect()
}
/// At most so many of them.
fn some(pick: &mut Pick, mut of: Vec<(usize, usize)>, at_most: usize) -> Vec<(usize, usize)> {
    pick.shuffle(&mut of);
    of.truncate(at_most);
    of
}

pub(super) fn local_and_message(pick: &mut Pick, nth: u32) -> Case {
    let mut run = match nth {
        0 => {
            let mut run = Run::new(2);
            run.local(1);
            run.local(2);
            let message = run.send(1, 2);
            run.local(1);
            run.receive(message);
            run.local(2);
            run
        }
        1 => {
            // two messages that cross
            let mut run = Run::new(2);
            let (there, back) = (run.send(1, 2), run.send(2, 1));
            run.receive(back);
            run.receive(there);
            run
        }
        2 => {
            // one overtakes the other
            let mut run = Run::new(3);
            let (first, second) = (run.send(1, 2), run.send(1, 2));
            run.local(3);
            run.receive(second);
            run.receive(first);
            run.local(3);
            run
        }
        _ => {
            let nodes = pick.small(2..=4);
            made(pick, &Recipe { nodes, events: 14, crashes: false, loss: false, duplicates: false })
        }
    };
    run.dress(pick, Walls::Off);
    let simple = pairs(&run, |a, b| a != b && run.is_simple(a, b));
    let simple = some(pick, simple, 100);
    ask(pick, run, simple)
}

pub(super) fn transitive(pick: &mut Pick, nth: u32) -> Case {
    let (events, questions) = if nth < 2 { (400, 6) } else { (pick.number(30..=80) as usize, 16) };
    let nodes = pick.small(3..=6);
    let mut run = made(pick, &Recipe { nodes, events, crashes: true, loss: true, duplicates: true });
    run.dress(pick, Walls::Off);
    let ordered = |a, b| matches!(run.truth(a, b), Order::Before | Order::After);
    let far = pairs(&run, |a, b| ordered(a, b) && !run.is_simple(a, b));
    let lives = pairs(&run, |a, b| {
        ordered(a, b) && run.events[a].node == run.events[b].node && !run.of_one_life(a, b)
    });
    let apart = pairs(&run, |a, b| run.truth(a, b) == Order::Concurrent);
    let mut asked = some(pick, far, questions);
    asked.extend(some(pick, lives, questions / 2));
    asked.extend(some(pick, apart, questions / 2));
    ask(pick, run, asked)
}

pub(super) fn concurrent(pick: &mut Pick, _nth: u32) -> Case {
    let nodes = pick.small(2..=6);
    let recipe = Recipe { nodes, events: 24, crashes: false, loss: false, duplicates: false };
    let mut run = made(pick, &recipe);
    run.dress(pick, Walls::Backwards);
    let apart = pairs(&run, |a, b| run.truth(a, b) == Order::Concurrent);
    let simple = pairs(&run, |a, b| a != b && (run.of_one_life(a, b) || run.of_one_message(a, b)));
    let mut asked = some(pick, apart, 40);
    asked.extend(some(pick, simple, 20));
    ask(pick, run, asked)
}

pub(super) fn edges(pick: &mut Pick, _nth: u32) -> Case {
    let nodes = pick.small(2..=4);
    let mut run = made(pick, &Recipe { nodes, events: 24, crashes: false, loss: true, duplicates: true });
    // whatever else there was: one message is lost, one comes twice
    let (lost, twice) = (run.send(1, 2), run.send(2, 1));
    run.local(2);
    run.receive(twice);
    run.local(1);
    run.receive(twice);
    run.dress(pick, Walls::True);
    let same: Vec<_> = (0..run.events.len()).map(|a| (a, a)).collect();
    let special: BTreeSet<usize> = run
        .messages
        .iter()
        .filter(|message| message.receipts.len() != 1)
        .flat_map(|message| message.receipts.iter().copied().chain([message.sent]))
        .collect();
    let about = |a, b| a != b && (special.contains(&a) || special.contains(&b)) && run.is_simple(a, b);
    let about = pairs(&run, about);
    let must = pairs(&run, |a, b| {
        let of = |message: usize| [a, b].contains(&run.messages[message].sent);
        (of(lost) && (a == run.messages[lost].sent + 2 || b == run.messages[lost].sent + 2))
            || (of(twice) && run.of_one_message(a, b))
    });
    let mut asked = some(pick, same, 8);
    asked.extend(some(pick, about, 50));
    asked.extend(must);
    ask(pick, run, asked)
}
