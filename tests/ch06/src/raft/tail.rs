//! The epilogue: after its faults a system is as good as new.
//!
//! It is a chain of operations of one client, each of which begins when the one before has ended; nodes go and come back with
//! them. So it needs no clock of its own: a slow design is not late in sum, and a quick one is soon done.

use super::{ELECTION_MAX, Goal, bad_links, cast, client, command, everywhere, from_to, nodes};
use judge::Pick;
use kit::ms;
use lab::NodeId;
use lab::raft::{Message, Raft, Request};
use std::time::Duration;
use world::{
    Client, ClientId, DiskLoss, Fault, Harm, Link, Matcher, Operation, OperationId, Pattern, Scenario,
    SeenKind, Trigger, Until, When, Who,
};

/// The client of the epilogue, and those that ask together.
const CHAIN: u32 = 99;
const TOGETHER: [u32; 4] = [95, 96, 97, 98];
/// Within which an operation is answered while a majority can talk to each other, and within which who comes back has caught up: 14
/// election time-outs, and as long again for a client that asks one node after another with [`THINK`] between.
const WITHIN: Duration = ms(12_000);
/// How long the chain waits between operations: a node that is away stands for election in the meantime.
const THINK: Duration = ms(600);

fn began(operation: u32) -> Trigger {
    Trigger::Began { client: ClientId(CHAIN), operation: OperationId(operation) }
}
fn ended(operation: u32) -> Trigger {
    Trigger::Ended { client: ClientId(CHAIN), operation: OperationId(operation) }
}

/// How a node goes away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Away {
    /// It is cut off.
    CutOff,
    /// It is cut off, or crashes and loses all that it has not synced.
    CrashedOrCutOff,
}

/// From `well` on nothing goes wrong by itself. One command is committed; then several clients ask the same nodes at the same moment.
/// Then each node in turn goes away as a command is proposed, and comes back as the next one goes; and twice the node goes that has
/// just answered. Every command is answered, and every node does it once it is back.
pub(crate) fn epilogue(
    scenario: &mut Scenario,
    pick: &mut Pick,
    n: u32,
    well: Duration,
    away: Away,
) -> Vec<Goal> {
    scenario.calm = Some((well, Link::between(ms(1), ms(5))));
    let harm = |pick: &mut Pick, node: Who| match away {
        Away::CrashedOrCutOff if pick.percent(40) => Harm::Crash { node, disk: DiskLoss::All },
        _ => Harm::Isolate { node },
    };
    let to = cast(pick, n);
    let mut faults: Vec<Fault> = Vec::new();
    let mut operations = 1;
    for node in cast(pick, n) {
        // the first of these follows the settling
        operations += 1;
        let harm = harm(pick, Who::Node(node));
        faults.push(Fault::new(When::on(began(operations)), harm, Until::Trigger(began(operations + 1))));
    }
    operations += 1;
    for _ in 0..2 {
        let harm = harm(pick, Who::Culprit);
        let until = Until::Trigger(ended(operations + 1));
        faults.push(Fault::new(When::on(ended(operations)), harm, until));
        operations += 1;
    }
    scenario.faults.extend(faults.into_iter().map(|fault| Fault { after_calm: true, ..fault }));
    let commands = (1..=operations).map(|nth| command(CHAIN, nth)).collect();
    let mut chain = client(CHAIN, commands, well + ELECTION_MAX, to.clone());
    chain.think = THINK;
    chain.timeout = Some(ms(900));
    let first = ClientId(TOGETHER[0]);
    let answered = Trigger::Ended { client: first, operation: OperationId(1) };
    chain.operations[1].at = Some(When::On { trigger: answered, nth: 1, after: ELECTION_MAX });
    for id in TOGETHER {
        let mut together = client(id, vec![command(id, 1)], ms(0), to.clone());
        together.operations[0].at = Some(When::On { trigger: ended(1), nth: 1, after: ELECTION_MAX });
        // a leader that has taken a command answers it
        together.timeout = None;
        scenario.clients.push(together);
    }
    scenario.clients.push(chain);
    scenario.end = well + ELECTION_MAX + WITHIN * (operations + 3);
    let served = |id| Goal::Served { client: ClientId(id), within: WITHIN };
    let caught_up = |id| Goal::CaughtUp { client: ClientId(id), on: nodes(n), within: WITHIN };
    TOGETHER.into_iter().chain([CHAIN]).flat_map(|id| [served(id), caught_up(id)]).collect()
}

/// What goes wrong before the epilogue: nothing; messages that are lost and late; or a long time without a majority.
pub(crate) fn a_bad_time(pick: &mut Pick, scenario: &mut Scenario, n: u32, nth: u32) -> Duration {
    if pick.percent(30) {
        super::wrong_walls(pick, scenario, n, ms(2_000));
    }
    match nth % 4 {
        0 => ms(500),
        1 => {
            let well = ELECTION_MAX * 20;
            let alone = nodes(n).into_iter().map(|node| vec![node]).collect();
            scenario.faults.push(from_to(ms(700), well, Harm::Partition { groups: alone }));
            super::clients(scenario, pick, n, 1, 2, ms(500));
            well
        }
        _ => {
            let well = ms(2_000);
            let link = bad_links(pick.small(5..=20), 10, 20, ms(300));
            scenario.faults.push(from_to(Duration::ZERO, well, everywhere(link)));
            super::clients(scenario, pick, n, 2, 3, ms(500));
            well
        }
    }
}

/// One command, and no other after it. As the last follower is handed it, nobody can talk to anybody, or no answer arrives, for less
/// time than an election takes: acknowledgements are lost, and only heartbeats follow.
pub(crate) fn one_command(pick: &mut Pick, scenario: &mut Scenario, n: u32) -> Vec<Goal> {
    scenario.network = Link::fixed(ms(2));
    let commands = Matcher::typed(
        |message: &Message| matches!(message, Message::AppendEntries { entries, .. } if entries.iter().any(|entry| entry.command.is_some())),
    );
    let handed = Pattern::of(SeenKind::Delivered).matching(commands);
    let when = When::On { trigger: Trigger::Seen(handed), nth: n - 1, after: Duration::ZERO };
    let (harm, lasts) = if pick.percent(50) {
        let alone = nodes(n).into_iter().map(|node| vec![node]).collect();
        (Harm::Partition { groups: alone }, pick.number(30..=125))
    } else {
        // or only answers are lost: everyone hears the leader, and nobody stands
        let answers = Matcher::typed(|message: &Message| matches!(message, Message::Appended { .. }));
        let (from, to, nth, matches, what) = (None, None, None, Some(answers), None);
        (Harm::Lose { from, to, nth, matches, what }, pick.number(30..=180))
    };
    let cut = Fault::new(when, harm, Until::After(ms(lasts)));
    scenario.faults.push(Fault { after_calm: true, ..cut });
    let asked = ELECTION_MAX * 10;
    scenario.calm = Some((asked - ms(1), Link::fixed(ms(2))));
    let request = Request::Propose(command(CHAIN, 1));
    let operation = Operation { to: cast(pick, n), ..Operation::at::<Raft>(1, asked, NodeId(1), &request) };
    let usual = client(CHAIN, vec![command(CHAIN, 1)], asked, nodes(n));
    scenario.clients.push(Client { operations: vec![operation], timeout: None, ..usual });
    scenario.end = asked + WITHIN * 2;
    let client = ClientId(CHAIN);
    vec![Goal::Served { client, within: WITHIN }, Goal::CaughtUp { client, on: nodes(n), within: WITHIN }]
}
