//! `detector`: the runs in which the promises are hard to keep.
//!
//! Lengths are counted in intervals. Every run ends in the same way: nothing goes wrong any more, and then a node crashes for good. (In
//! `complete`, it has done so before.)

use super::oracle::{Beliefs, Goals};
use judge::{Case, Pick};
use kit::{Rules, Stage, clocks, ms};
use lab::NodeId;
use lab::detector::{Config, Detector};
use std::time::Duration;
use world::{Chance, DiskLoss, Harm, Link, NodeSpec, Pattern, SeenKind, Trigger, Until, When, Who};

/// `detect` has so many intervals.
const DETECT: u32 = 20;
/// A crash for good is known to every other node after so many, also to those that have become patient.
const KNOWN: u32 = 50 * DETECT;

/// A run that is being made.
struct Draft {
    stage: Stage<Detector>,
    config: Config,
    /// The nodes, in a drawn order.
    cast: Vec<NodeId>,
    goals: Goals,
}

impl Draft {
    /// So many nodes on a good network, where messages take up to `delay` intervals of hundred.
    fn new(pick: &mut Pick, n: u32, delay_percent: u32) -> Draft {
        let interval = ms(*pick.one(&[50, 60, 80]));
        let config = Config { interval, detect: interval * DETECT };
        let nodes: Vec<NodeSpec> =
            (1..=n).map(|id| NodeSpec::guest::<Detector>(NodeId(id), &config)).collect();
        let mut stage = Stage::with(nodes, Duration::ZERO);
        stage.network = Link {
            fifo: pick.percent(50),
            ..Link::between(ms(1), (interval * delay_percent / 100).max(ms(3)))
        };
        for place in 0..n as usize {
            clocks::wrong(pick, &mut stage.nodes[place]);
        }
        let cast = stage.cast(pick);
        for node in &cast {
            clocks::unsteady(pick, &mut stage, *node);
        }
        let goals = Goals {
            config,
            settled: config.detect,
            over: Duration::ZERO,
            mistakes: None,
            counted: Duration::ZERO,
        };
        Draft { stage, config, cast, goals }
    }
    fn intervals(&self, n: u32) -> Duration {
        self.config.interval * n
    }
    /// A moment, or a length of time, up to so many intervals.
    fn drawn(&self, pick: &mut Pick, from: u32, to: u32) -> Duration {
        pick.micros(self.intervals(from).as_micros() as u64..=self.intervals(to).as_micros() as u64)
    }
    fn harm(&mut self, when: impl Into<When>, harm: Harm, until: Until) {
        self.stage.harm(when, harm, until);
    }
    /// From the beginning until then, some messages are lost, some arrive twice, and all are late.
    fn bad(&mut self, [lost, doubled]: [u32; 2], late: Duration, until: Duration) {
        let (loss, duplication) = (Chance::percent(lost), Chance::percent(doubled));
        let harm = Harm::Worse { from: None, to: None, loss, duplication, corruption: Chance::NEVER, late };
        self.harm(Duration::ZERO, harm, Until::After(until));
    }
    fn crash(&mut self, pick: &mut Pick, when: impl Into<When>, node: NodeId, until: Until) {
        let disk = *pick.one(&[DiskLoss::All, DiskLoss::Drawn]);
        self.harm(when, Harm::Crash { node: Who::Node(node), disk }, until);
    }
    /// The wall clock of each node does something else once, with luck when it matters.
    fn wall_clocks_go_wrong(&mut self, pick: &mut Pick, when: impl Into<When> + Clone, nodes: &[NodeId]) {
        const HOUR_NS: i64 = 3_600_000_000_000;
        for node in nodes {
            let who = Who::Node(*node);
            let harm = match pick.small(0..=3) {
                0 => Harm::ClockJump { node: who, by_ns: HOUR_NS },
                1 => Harm::ClockJump { node: who, by_ns: -HOUR_NS },
                2 => Harm::ClockFreeze { node: who },
                _ => Harm::ClockDrift { node: who, ppm: *pick.one(&[-500_000, 500_000]) },
            };
            self.harm(when.clone(), harm, Until::Never);
        }
    }
    /// All that is scripted has happened by then: one node crashes for good, and the others find out.
    fn ends_with_a_crash(mut self, pick: &mut Pick, over: Duration, node: NodeId) -> Case {
        self.crash(pick, over, node, Until::Never);
        self.case(over)
    }
    fn case(mut self, over: Duration) -> Case {
        self.goals.over = over;
        self.stage.end = over + self.intervals(KNOWN + 2 * DETECT);
        Rules::of(Beliefs::new(self.goals)).judge(self.stage)
    }
}
fn starts(node: NodeId) -> Trigger {
    Trigger::Seen(Pattern::of(SeenKind::Started).at(node))
}
fn crashes(node: NodeId, after: Duration) -> When {
    When::On { trigger: Trigger::Seen(Pattern::of(SeenKind::Crashed).at(node)), nth: 1, after }
}

/// One node crashes for good, or all but one.
pub(super) fn complete(pick: &mut Pick, nth: u32) -> Case {
    const LAST_CRASH: u32 = 30;
    let mut draft = Draft::new(pick, 2 + nth % 5, 0);
    let bad = (nth / 5).is_multiple_of(2);
    if bad {
        let until = draft.intervals(LAST_CRASH + 10);
        draft.bad([5, 2], Duration::ZERO, until);
    }
    let cast = draft.cast.clone();
    let many = if pick.percent(25) { cast.len() - 1 } else { 1 };
    let (victims, others) = cast.split_at(many);
    for victim in victims {
        let when = match (nth / 10 + victim.0) % 4 {
            // before it has sent anything
            0 => When::on(starts(*victim)),
            // between two of its sends, or between any two things that it does
            1 => {
                let effect = Trigger::Effect { node: *victim, nth: pick.number(1..=60) };
                When::on(effect)
            }
            _ => When::At(draft.drawn(pick, 0, LAST_CRASH)),
        };
        draft.crash(pick, when, *victim, Until::Never);
    }
    let victim = victims[0];
    if pick.percent(40) {
        // a node that never hears from the victim, because it starts when that is down
        let (after, down) = (draft.drawn(pick, 0, 10), draft.drawn(pick, 0, 2));
        draft.crash(pick, crashes(victim, after), others[0], Until::After(down));
    }
    if pick.percent(40) {
        let after = draft.drawn(pick, 0, 2);
        draft.wall_clocks_go_wrong(pick, crashes(victim, after), others);
    }
    let over = draft.intervals(LAST_CRASH + 10 + if bad { 2 * DETECT } else { DETECT });
    draft.case(over)
}

/// Nodes crash and are back, stand still, or are cut off, one after another.
pub(super) fn returns(pick: &mut Pick, nth: u32) -> Case {
    let mut draft = Draft::new(pick, 2 + nth % 4, 0);
    let cast = draft.cast.clone();
    let long = DETECT * 3 / 2;
    let times = 1 + nth / 4 % 3;
    let mut at = Duration::ZERO;
    let mut back = cast[0];
    for time in 0..times {
        at += draft.drawn(pick, 5, 8);
        back = *pick.one(&cast[..2]);
        let node = Who::Node(back);
        // the last one is long in any case
        let lasts = match time + 1 < times && pick.percent(40) {
            true => *pick.one(&[ms(5), draft.intervals(2), draft.intervals(6)]),
            false => draft.intervals(long),
        };
        match (nth + time) % 3 {
            0 => draft.crash(pick, at, back, Until::After(lasts)),
            1 => draft.harm(at, Harm::Pause { node }, Until::After(lasts)),
            _ => draft.harm(at, Harm::Isolate { node }, Until::After(lasts)),
        }
        at += lasts + draft.intervals(DETECT + 2);
    }
    let last = if pick.percent(70) { back } else { *pick.one(&cast) };
    draft.ends_with_a_crash(pick, at, last)
}

/// Messages take up to half an interval, and nothing is lost. Some nodes restart; the others are up all the time.
pub(super) fn accurate(pick: &mut Pick, nth: u32) -> Case {
    const LASTS: u32 = 100;
    let mut draft = Draft::new(pick, 2 + nth % 5, 50);
    if nth.is_multiple_of(3) {
        draft.stage.network = Link::fixed(draft.config.interval / 2);
    }
    let cast = draft.cast.clone();
    let (restarting, steady) = cast.split_at((nth as usize / 5 % 3).min(cast.len() - 2));
    for node in restarting {
        let mut at = draft.drawn(pick, 1, 30);
        for _ in 0..2 {
            let down = *pick.one(&[ms(5), draft.intervals(3), draft.intervals(DETECT)]);
            draft.crash(pick, at, *node, Until::After(down));
            at += down + draft.drawn(pick, 10, 30);
        }
    }
    for _ in 0..2 {
        let when = draft.drawn(pick, DETECT, LASTS);
        draft.wall_clocks_go_wrong(pick, when, steady);
    }
    let over = draft.intervals(LASTS);
    draft.ends_with_a_crash(pick, over, cast[0])
}

/// A bad hour: half of the messages are lost, the others are late, and nodes are cut off or stand still. Then the network is good, but in
/// a third of the runs one link stays cut for ever.
pub(super) fn settles(pick: &mut Pick, nth: u32) -> Case {
    const HOUR: u32 = 60;
    let cut = nth.is_multiple_of(3);
    let mut draft = Draft::new(pick, if cut { 3 + nth / 3 % 3 } else { 2 + nth % 4 }, 50);
    draft.goals.settled = draft.intervals(3 * DETECT);
    let cast = draft.cast.clone();
    let hour = draft.intervals(HOUR);
    if cut {
        let at = draft.drawn(pick, 0, HOUR);
        draft.harm(at, Harm::Cut { from: vec![cast[0]], to: vec![cast[1]] }, Until::Never);
    }
    let late = draft.intervals(pick.small(1..=5));
    draft.bad([50, *pick.one(&[0, 10])], late, hour);
    // long enough that every detector suspects a node
    let lasts = draft.intervals(DETECT * 3 / 2) + draft.drawn(pick, 0, 5);
    let at = draft.drawn(pick, 0, 20);
    let node = Who::Node(cast[cast.len() - 1]);
    match nth % 4 {
        0 => draft.harm(at, Harm::Pause { node }, Until::After(lasts)),
        1 => draft.harm(at, Harm::Isolate { node }, Until::After(lasts)),
        2 => {
            let (one, other) = cast.split_at(pick.small(1..=cast.len() as u32 - 1) as usize);
            let groups = vec![one.to_vec(), other.to_vec()];
            draft.harm(at, Harm::Partition { groups }, Until::After(lasts));
        }
        _ => {
            let (from, to) = (vec![cast[0]], cast[1..].to_vec());
            draft.harm(at, Harm::Cut { from, to }, Until::After(lasts));
        }
    }
    for _ in 0..pick.small(0..=2) {
        // short ones, of others
        let node = Who::Node(cast[0]);
        let (at, lasts) = (draft.drawn(pick, 30, 50), draft.drawn(pick, 1, 5));
        draft.harm(at, Harm::Isolate { node }, Until::After(lasts));
    }
    let over = draft.intervals(HOUR + 3 * DETECT + 60);
    let last = *pick.one(&cast);
    draft.ends_with_a_crash(pick, over, last)
}

/// The network holds back all messages for longer than `detect`, lets them go, and so on.
pub(super) fn adapts(pick: &mut Pick, nth: u32) -> Case {
    // the delay is longer than any guess, or there is time enough to forget a lesson
    let (held, free, times) = match nth {
        1 => (45, 10, 56),
        2 => (15, 150, 27),
        _ => (25, 20, 40),
    };
    // to be patient for so many intervals takes so many mistakes at most, each worth an interval
    let mistakes = held + 7;
    let mut draft = Draft::new(pick, if nth == 5 { 3 } else { 2 }, 0);
    draft.goals.settled = draft.intervals(3 * DETECT);
    let lasts = draft.intervals(held);
    draft.goals.mistakes = Some((mistakes, lasts + draft.stage.network.latency.max));
    for time in 0..times {
        let hold = Harm::Hold { from: None, to: None, nth: None, matches: None, what: None };
        let at = draft.intervals((held + free) * time + 10);
        draft.harm(at, hold, Until::After(lasts));
    }
    if nth % 4 == 3 {
        // a peer starts again now and then, at once: what others have learnt about it is not about its life
        for time in (2..times).step_by(3) {
            let at = draft.intervals((held + free) * time - free / 2 + 10);
            let node = draft.cast[0];
            draft.crash(pick, at, node, Until::After(ms(5)));
        }
    }
    let over = draft.intervals((held + free) * times + 3 * DETECT);
    let last = *pick.one(&draft.cast);
    draft.ends_with_a_crash(pick, over, last)
}

/// Nothing goes wrong, and messages are counted.
pub(super) fn cost(pick: &mut Pick, nth: u32) -> Case {
    let n = *pick.one(&[3, 6]);
    let mut draft = Draft::new(pick, n, if nth.is_multiple_of(2) { 0 } else { 50 });
    let over = draft.intervals(60);
    draft.goals.counted = over;
    let last = draft.cast[0];
    draft.ends_with_a_crash(pick, over, last)
}
