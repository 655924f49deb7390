//! `primary_backup`: what appends cost where nothing goes wrong.

use judge::Violation;
use kit::{Rule, Saw, Scene, Waits};
use lab::RequestId;
use lab::primary_backup::{PrimaryBackup, Response};
use std::collections::BTreeMap;
use std::time::Duration;
use world::{ObservationId, Time};

/// What a run may cost.
#[derive(Debug, Clone, Copy)]
pub(super) struct Budget {
    /// How many nodes there are.
    pub(super) nodes: u32,
    /// How many appends are asked for.
    pub(super) appends: u32,
    /// What is counted begins here: nodes may talk to the view service first.
    pub(super) from: Duration,
    pub(super) resend: Duration,
    pub(super) ping: Duration,
    /// Each answer is due so long after its request.
    pub(super) answer: Duration,
}
/// No message is longer, in bytes.
const BYTES_MAX: usize = 600;

pub(super) struct Costs {
    budget: Budget,
    messages: u64,
    calls: u64,
    asked: BTreeMap<RequestId, (Time, ObservationId)>,
    /// When the last append was answered, if all are.
    done: Option<Time>,
    answered: u32,
    over: bool,
}
impl Costs {
    pub(super) fn new(budget: Budget) -> Costs {
        Costs { budget, messages: 0, calls: 0, asked: BTreeMap::new(), done: None, answered: 0, over: false }
    }
    /// So many whole and begun stretches of this length since the beginning.
    fn stretches(&self, at: Time, length: Duration) -> u64 {
        let since = at - (Time::ZERO + self.budget.from);
        u64::try_from(since.as_nanos() / length.as_nanos().max(1)).unwrap_or(u64::MAX).saturating_add(1)
    }
    fn few_messages(&self, scene: Scene<'_>) -> Result<(), Violation> {
        let Budget { nodes, appends, resend, .. } = self.budget;
        let backups = u64::from(nodes) - 1;
        let (started, idle) = (self.answered + u32::try_from(self.asked.len()).unwrap_or(0), 4 * backups);
        let most = 3 * backups * u64::from(started.min(appends)) + idle * self.stretches(scene.at(), resend);
        if self.messages <= most {
            return Ok(());
        }
        let sentence = format!(
            "For {started} appends, one after another, the {nodes} nodes sent each other {} messages by {}. At most {most} are needed: {} for \
             each append, and {idle} in each `resend`.",
            self.messages,
            scene.at(),
            3 * backups
        );
        Err(scene.breaks("few-messages", sentence).of_costs())
    }
    fn few_calls(&self, scene: Scene<'_>) -> Result<(), Violation> {
        let most = 4 * u64::from(self.budget.nodes) * self.stretches(scene.at(), self.budget.ping);
        if self.calls <= most {
            return Ok(());
        }
        let sentence = format!(
            "The nodes called the view service {} times by {}. At most {most} calls are needed: 4 for each node in each `ping`.",
            self.calls,
            scene.at()
        );
        Err(scene.breaks("few-calls", sentence).of_costs())
    }
}
impl Rule<PrimaryBackup> for Costs {
    fn see(&mut self, scene: Scene<'_>, saw: &Saw<PrimaryBackup>) -> Result<(), Violation> {
        if scene.at() < Time::ZERO + self.budget.from {
            return Ok(());
        }
        // a few idle stretches are watched, too
        let idle = self.budget.resend * 10;
        if self.done.is_some_and(|done| scene.at() > done + idle) {
            self.over = true;
        }
        match saw {
            Saw::Sent { to, bytes, .. } if *to != scene.node() => {
                self.messages += 1;
                if *bytes > BYTES_MAX {
                    let sentence = format!(
                        "{} sent {to} a message of {bytes} bytes, after {} appends with short keys. At most {BYTES_MAX} are needed: a \
                         message for one append need not contain the others.",
                        scene.node(),
                        self.answered
                    );
                    return Err(scene.breaks("short-messages", sentence).of_costs());
                }
                self.few_messages(scene)
            }
            Saw::Called { .. } => {
                self.calls += 1;
                self.few_calls(scene)
            }
            Saw::Asked { request, .. } => {
                self.asked.insert(*request, (scene.at(), scene.id()));
                Ok(())
            }
            Saw::Told { request, what: Response::Appended { .. } } => {
                let Some((asked, id)) = self.asked.remove(request) else { return Ok(()) };
                self.answered += 1;
                if self.answered == self.budget.appends {
                    self.done = Some(scene.at());
                }
                let took = scene.at() - asked;
                if took <= self.budget.answer {
                    return Ok(());
                }
                let sentence = format!(
                    "{} answered an append after {}. On this network that takes at most {}: {} delays of a message, and 4 syncs.",
                    scene.node(),
                    Time::ZERO + took,
                    Time::ZERO + self.budget.answer,
                    self.budget.nodes + 1,
                );
                Err(scene.breaks("answers-soon", sentence).because(id, "the append is asked for"))
            }
            _ => Ok(()),
        }
    }
    fn waits(&self) -> Waits {
        if self.over { Waits::NoMore } else { Waits::Still }
    }
}

/// In asynchronous mode, an append is answered in this time, whatever the network does.
pub(super) struct Prompt {
    within: Duration,
    from: Duration,
    why: &'static str,
    asked: BTreeMap<RequestId, (Time, ObservationId)>,
}
impl Prompt {
    /// What is asked from `from` on is answered within `within`. `why` completes the sentence "It must not wait for backups: …".
    pub(super) fn new(within: Duration, from: Duration, why: &'static str) -> Prompt {
        Prompt { within, from, why, asked: BTreeMap::new() }
    }
}
impl Rule<PrimaryBackup> for Prompt {
    fn see(&mut self, scene: Scene<'_>, saw: &Saw<PrimaryBackup>) -> Result<(), Violation> {
        match saw {
            Saw::Asked { request, what: lab::primary_backup::Request::Append { .. }, .. }
                if scene.at() >= Time::ZERO + self.from =>
            {
                self.asked.insert(*request, (scene.at(), scene.id()));
            }
            Saw::Told { request, what: Response::Appended { .. } } => _ = self.asked.remove(request),
            _ => {}
        }
        let late = self.asked.values().find(|(asked, _)| scene.at() > *asked + self.within);
        let Some((asked, id)) = late else { return Ok(()) };
        let sentence = format!(
            "An append was asked for at {asked}, in asynchronous mode, and it is not acknowledged at {}. It must be within {}: {}.",
            scene.at(),
            Time::ZERO + self.within,
            self.why
        );
        Err(Violation::never("waits-for-nobody", sentence).because(*id, "the append is asked for"))
    }
}
