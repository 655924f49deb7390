//! What takes time, and what it costs.

use super::oracle::list;
use judge::{Reached, Violation};
use kit::goals::is_due;
use kit::{Rule, Saw, Scene};
use lab::paxos::{Event, Message, Paxos, Value};
use lab::{NodeId, RequestId};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use world::{End, Seen, Time, Until, World};

/// So many times `Config::retry` after a request on a clean network everybody knows, and has said so.
pub(super) const SETTLED_RETRIES: u32 = 10;
/// Then it is looked at for so long. A message of every node in a tenth of it is no harm.
pub(super) const QUIET_RETRIES: u32 = 100;

/// Every node that is up decides, and answers its clients, within a time of the last fault and the last request.
pub(super) struct AllKnow {
    retry: Duration,
    bound: Duration,
    /// In words: `10 × retry`.
    why: &'static str,
    nodes: BTreeMap<NodeId, Knows>,
    /// Faults that have begun, and that will end.
    active: BTreeSet<usize>,
    last_fault: Time,
    last_request: Option<Time>,
    decision: Option<(NodeId, Value, Time)>,
    /// Whether they must become quiet when all know.
    then_quiet: bool,
    /// Since when everybody knows, and how many messages there were long after that.
    all_know: Option<Time>,
    quiet_messages: u64,
}
#[derive(Default)]
struct Knows {
    up: bool,
    open: BTreeMap<RequestId, Time>,
    was_asked: bool,
    decided: Option<Time>,
}
impl AllKnow {
    pub(super) fn within(retries: u32, retry: Duration, why: &'static str) -> AllKnow {
        AllKnow {
            retry,
            bound: retry * retries,
            why,
            nodes: BTreeMap::new(),
            active: BTreeSet::new(),
            last_fault: Time::ZERO,
            last_request: None,
            decision: None,
            then_quiet: false,
            all_know: None,
            quiet_messages: 0,
        }
    }
    /// The same, and when all nodes have decided, they become quiet.
    pub(super) fn then_quiet(self) -> AllKnow {
        AllKnow { then_quiet: true, ..self }
    }
    fn quiet(&mut self, scene: Scene<'_>) -> Result<(), Violation> {
        let Some(since) = self.all_know.map(|since| since.max(self.last_fault)) else { return Ok(()) };
        let settled = since + self.retry * (2 * SETTLED_RETRIES);
        if scene.at() <= settled {
            return Ok(());
        }
        self.quiet_messages += 1;
        let window = (scene.at() - settled).as_micros() / (self.retry * (QUIET_RETRIES / 10)).as_micros() + 1;
        let most = self.nodes.len() as u64 * window as u64;
        if self.quiet_messages <= most {
            return Ok(());
        }
        let sentence = format!(
            "{} sent another message at {}, the {}th since {settled}. All nodes have known the decision since {since}, so \
             there is nothing left to send.",
            scene.node(),
            scene.at(),
            self.quiet_messages
        );
        Err(scene.breaks("quiet-after-decision", sentence).of_costs())
    }
}
impl Rule<Paxos, Message> for AllKnow {
    fn see(&mut self, scene: Scene<'_>, saw: &Saw<Paxos, Message>) -> Result<(), Violation> {
        let (node, at) = (scene.node(), scene.at());
        match scene.seen.seen {
            Seen::FaultBegan { fault } => {
                let until = scene.scenario().faults.get(fault).map(|fault| &fault.until);
                let has_calm = scene.scenario().calm.is_some();
                let ends = until.is_some_and(|until| match until {
                    Until::After(_) | Until::Trigger(_) => true,
                    Until::Calm => has_calm,
                    Until::Never => false,
                });
                if ends {
                    self.active.insert(fault);
                }
                self.last_fault = at;
            }
            Seen::FaultEnded { fault } => {
                self.active.remove(&fault);
                self.last_fault = at;
            }
            Seen::Crashed => self.last_fault = at,
            _ => {}
        }
        let knows = self.nodes.entry(node).or_default();
        match saw {
            Saw::Started { .. } => {
                *knows = Knows { up: true, was_asked: knows.was_asked, ..Knows::default() }
            }
            Saw::Crashed => (knows.up, self.all_know) = (false, None),
            Saw::Asked { request, .. } => {
                knows.open.insert(*request, at);
                knows.was_asked = true;
                self.last_request = Some(at);
            }
            Saw::Told { request, .. } => _ = knows.open.remove(request),
            Saw::Emitted(Event::Decided { value }) => {
                knows.decided.get_or_insert(at);
                self.decision.get_or_insert((node, *value, at));
                let everybody = self.nodes.len() == scene.scenario().nodes.len()
                    && self.nodes.values().all(|knows| knows.up && knows.decided.is_some());
                if everybody {
                    self.all_know.get_or_insert(at);
                }
            }
            Saw::Sent { to, .. } if self.then_quiet && *to != node => self.quiet(scene)?,
            _ => {}
        }
        match self.since().filter(|since| at > *since + self.bound) {
            Some(since) => self.late(since, at, false),
            None => Ok(()),
        }
    }

    fn end(&mut self, world: &World, _: &mut Reached) -> Result<(), Violation> {
        match self.since().filter(|since| is_due(world, *since, self.bound)) {
            Some(since) => self.late(since, world.now(), world.end() == Some(&End::Idle)),
            None => Ok(()),
        }
    }
}
impl AllKnow {
    /// From when on the time counts, if it does.
    fn since(&self) -> Option<Time> {
        let asked = self.last_request.filter(|_| self.active.is_empty())?;
        Some(asked.max(self.last_fault))
    }
    /// Whether somebody still does not know, so long after all faults and requests.
    fn late(&self, since: Time, now: Time, is_idle: bool) -> Result<(), Violation> {
        let late =
            |(_, knows): &(&NodeId, &Knows)| knows.up && (knows.decided.is_none() || !knows.open.is_empty());
        let Some((node, knows)) = self.nodes.iter().find(late) else { return Ok(()) };
        let context = if is_idle {
            format!("At {now} no node had anything left to do.")
        } else {
            let from = if self.last_request == Some(since) { "the request" } else { "the last fault" };
            format!("{} is {}, and {from} was at {since}.", self.why, Time::ZERO + self.bound)
        };
        let names = |fits: fn(&Knows) -> bool| {
            list(self.nodes.iter().filter(|(_, knows)| fits(knows)).map(|(node, _)| node))
        };
        let sentence = match (self.decision, knows.decided) {
            (_, Some(when)) => format!(
                "{node} decided at {when}, but it never answered its client, which had asked at {}. {context}",
                knows.open.values().next().copied().unwrap_or_default()
            ),
            (Some((first, value, when)), None) => {
                format!(
                    "{first} decided {value} at {when}, but {node}, which is up, never decided. {context}"
                )
            }
            (None, None) => format!(
                "{} received a request, but no node ever decided. These nodes are up: {}. {context}",
                names(|knows| knows.was_asked),
                names(|knows| knows.up)
            ),
        };
        Err(Violation::never("all-decide", sentence))
    }
}

/// A lone proposer answers within two round trips of messages that all take this long.
pub(super) struct Quick {
    pub(super) delay: Duration,
    asked: BTreeMap<RequestId, (NodeId, Time)>,
    /// Nodes that say more than the paper has: one that passes the wish on to another needs two messages more, there and back.
    passes_on: BTreeSet<NodeId>,
}
impl Quick {
    pub(super) fn with(delay: Duration) -> Quick {
        Quick { delay, asked: BTreeMap::new(), passes_on: BTreeSet::new() }
    }
}
impl Rule<Paxos, Message> for Quick {
    fn see(&mut self, scene: Scene<'_>, saw: &Saw<Paxos, Message>) -> Result<(), Violation> {
        let node = scene.node();
        match saw {
            Saw::Asked { request, .. } => _ = self.asked.insert(*request, (node, scene.at())),
            Saw::Sent { message: Some(Message::Extension(_)), .. } => _ = self.passes_on.insert(node),
            Saw::Told { request, .. } => {
                let delays = if self.passes_on.contains(&node) { 6 } else { 4 };
                let Some((_, asked)) = self.asked.remove(request) else { return Ok(()) };
                let took = scene.at() - asked;
                // a node may take a moment to answer, but not as long as another message
                if took > self.delay * delays + self.delay / 2 {
                    let sentence = format!(
                        "{node} answered its client after {}, although no other node proposed and no message was lost. Each \
                         message took {}, and {delays} messages one after the other are enough.",
                        Time::ZERO + took,
                        Time::ZERO + self.delay
                    );
                    return Err(scene.breaks("answers-quickly", sentence));
                }
            }
            _ => {}
        }
        Ok(())
    }
    fn end(&mut self, _: &World, _: &mut Reached) -> Result<(), Violation> {
        match self.asked.values().next() {
            Some((node, asked)) => {
                let sentence = format!("{node} received a request at {asked}, but it never answered.");
                Err(Violation::never("answers-its-client", sentence))
            }
            None => Ok(()),
        }
    }
}
