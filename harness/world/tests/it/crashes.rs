//! A crash between any two effects, and what the disk makes of it.

use crate::actor::{Do, Found, Place, Said};
use crate::stage::{Direct, Run, crash, during, ms, n, pause, stage, upon};
use std::collections::BTreeSet;
use world::{DiskLoss, Fault, Harm, Observation, Seed, Seen, Time, Trigger, Until, When, Who};

/// What of a node's doings counts as an effect, in words that do not depend on when it was.
fn effects<'a>(run: impl Iterator<Item = &'a Observation>) -> Vec<String> {
    run.filter_map(|o| match &o.seen {
        Seen::Sent { to, bytes, .. } => Some(format!("send {to} {bytes:?}")),
        Seen::TimerSet { timer, .. } => Some(format!("set {timer:?}")),
        Seen::TimerCancelled { timer } => Some(format!("cancel {timer:?}")),
        Seen::Replied { bytes, .. } => Some(format!("reply {bytes:?}")),
        Seen::Emitted { bytes } => Some(format!("emit {bytes:?}")),
        Seen::Called { bytes, .. } => Some(format!("call {bytes:?}")),
        Seen::Wrote { op } => Some(format!("{op:?}")),
        Seen::Syncing => Some("sync begins".to_owned()),
        Seen::Synced => Some("sync ends".to_owned()),
        _ => None,
    })
    .collect()
}
fn found(run: &Run, node: u32) -> Vec<Found> {
    let found = |(_, said)| if let Said::Started(found) = said { Some(*found) } else { None };
    run.said(node).into_iter().filter_map(found).collect()
}
fn write(place: Place) -> Do {
    Do::Write(place)
}

#[test]
fn a_crash_after_the_nth_effect_leaves_exactly_the_first_n() {
    let scenario = stage(3).tell(
        ms(10),
        1,
        vec![
            Do::Say(1),
            Do::Send(n(2), vec![]),
            Do::Broadcast(vec![Do::Say(2)]),
            Do::Arm(1, ms(500), vec![]),
            write(Place::Log),
            Do::Atomic(vec![Place::Value, Place::Journal]),
            Do::Sync,
            Do::Disarm(1),
            Do::Call(3),
            Do::Reply,
            write(Place::Journal),
            Do::Sync,
            Do::Say(3),
        ],
    );
    let whole = scenario.run();
    let all = effects(whole.on(1));
    let counted = whole.world.effects(n(1));
    assert_eq!(counted, all.len() as u64, "{all:#?}");
    assert_eq!(
        counted, 17,
        "what it said first, the handler's thirteen, two sends, two ends of syncs, less one"
    );
    for nth in 1..=counted {
        let crash = Harm::Crash { node: Who::Culprit, disk: DiskLoss::All };
        let run = scenario.clone().fault(upon(Trigger::Effect { node: n(1), nth }, ms(50), crash)).run();
        let before = run.on(1).take_while(|o| !matches!(o.seen, Seen::Crashed));
        assert_eq!(effects(before), all[..nth as usize], "crash after effect {nth}");
        assert_eq!(run.count(|seen| matches!(seen, Seen::Crashed)), 1);
        // the messages that left before it arrive, and no others
        let sends = |effects: &[String]| effects.iter().filter(|e| e.starts_with("send")).count();
        assert_eq!(run.count(|seen| matches!(seen, Seen::Delivered { .. })), sends(&all[..nth as usize]));
        // what was synced is there, and nothing else, as all that is unsynced is lost
        let synced = |record: &str| {
            let end = all[..nth as usize].iter().rposition(|e| e == "sync ends").unwrap_or(0);
            all[..end].iter().filter(|e| e.contains(&format!("name: \"{record}\""))).count()
        };
        let back = found(&run, 1).pop().expect("it started again");
        assert_eq!(back.log.len(), synced("log"), "after effect {nth}: {back:?}");
        assert_eq!(back.journal.len(), synced("journal"), "after effect {nth}: {back:?}");
        assert_eq!(usize::from(back.value.is_some()), synced("value"), "after effect {nth}: {back:?}");
    }
}

#[test]
fn an_effect_counts_over_all_lives_of_a_node() {
    let crash_at = |nth| upon(Trigger::Effect { node: n(1), nth }, ms(5), crash(1));
    // every start says one thing; the fourth effect is the second word of the second life
    let run = stage(1)
        .tell(ms(10), 1, vec![Do::Say(1), Do::Say(2)])
        .tell(ms(20), 1, vec![Do::Say(3), Do::Say(4)])
        .fault(crash_at(2))
        .fault(crash_at(4))
        .run();
    assert_eq!(run.words(1), [1, 3]);
    assert_eq!(run.count(|seen| matches!(seen, Seen::Crashed)), 2);
}

#[test]
fn inside_a_sync_each_object_keeps_a_prefix_of_its_own_and_every_outcome_comes_up() {
    // four places once written and synced, then twice each, then a crash while the second sync runs
    let places = [Place::Log, Place::Value, Place::Row(0), Place::File];
    let once: Vec<Do> = places.iter().copied().map(write).collect();
    let again = [once.clone(), once.clone(), vec![Do::Sync]].concat();
    let mut scenario = stage(1).tell(ms(10), 1, [once, vec![Do::Sync]].concat()).tell(ms(20), 1, again);
    scenario.nodes[0].sync = (ms(4), ms(4));
    scenario.faults = vec![Fault::new(
        When::At(ms(22)),
        Harm::Crash { node: Who::Node(n(1)), disk: DiskLoss::Drawn },
        Until::After(ms(1)),
    )];
    let (mut logs, mut files) = (BTreeSet::new(), BTreeSet::new());
    let mut together = BTreeSet::new();
    for half in 0..400 {
        let run = scenario.run_under(Seed([half, 7]));
        let back = found(&run, 1).pop().expect("it started again");
        assert!((1..=3).contains(&back.log.iter().flatten().count()), "{back:?}");
        assert!(back.value.is_some() && back.rows.len() == 1 && back.file.len() >= 8, "synced: {back:?}");
        logs.insert(back.log.iter().map(Option::is_some).collect::<Vec<_>>());
        files.insert(back.file.len());
        together.insert((back.log.len(), back.file.len() / 8));
    }
    // one, two or three whole records, the first two perhaps with a torn one after them
    assert_eq!(logs.len(), 5, "{logs:?}");
    // a file may end within a write, anywhere
    assert_eq!(files, (8..=24).collect());
    assert!(together.contains(&(1, 3)) && together.contains(&(3, 1)), "independent: {together:?}");
}

#[test]
fn each_loss_does_what_it_says() {
    let table: [(DiskLoss, usize, bool, usize); 12] = [
        (DiskLoss::All, 0, false, 0),
        (DiskLoss::Nothing, 2, false, 16),
        (DiskLoss::TornAfter { bytes: 0 }, 0, true, 0),
        (DiskLoss::TornAfter { bytes: 3 }, 0, true, 3),
        (DiskLoss::TornAfter { bytes: 7 }, 0, true, 7),
        // a raw file is torn wherever it is, whichever write that is in
        (DiskLoss::TornAfter { bytes: 8 }, 0, true, 8),
        (DiskLoss::TornAfter { bytes: 13 }, 0, true, 13),
        (DiskLoss::TornAfter { bytes: 99 }, 0, true, 16),
        (DiskLoss::TornBefore { bytes: 0 }, 0, false, 16),
        (DiskLoss::TornBefore { bytes: 1 }, 0, false, 15),
        (DiskLoss::TornBefore { bytes: 9 }, 0, false, 7),
        (DiskLoss::TornBefore { bytes: 99 }, 0, false, 0),
    ];
    for (disk, records, torn, bytes) in table {
        let twice = [Place::Log, Place::File, Place::Log, Place::File].map(write).to_vec();
        let harm = Harm::Crash { node: Who::Node(n(1)), disk };
        let run = stage(1).tell(ms(10), 1, twice).fault(during(ms(20), ms(30), harm)).run();
        let back = found(&run, 1).pop().expect("it started again");
        assert_eq!(back.log.iter().flatten().count(), records, "{disk:?}");
        assert_eq!(back.log.contains(&None), torn, "{disk:?}");
        assert_eq!(back.file.len(), bytes, "{disk:?}");
    }
}

#[test]
fn a_cut_is_kept_if_bytes_after_it_are() {
    let table = [
        (DiskLoss::TornAfter { bytes: 0 }, 16),
        (DiskLoss::TornAfter { bytes: 1 }, 3 + 1),
        (DiskLoss::TornBefore { bytes: 2 }, 3 + 6),
        (DiskLoss::TornBefore { bytes: 8 }, 16),
    ];
    for (disk, bytes) in table {
        let durable = vec![write(Place::File), write(Place::File), Do::Sync];
        let mended = vec![Do::CutFile(3), write(Place::File)];
        let harm = Harm::Crash { node: Who::Node(n(1)), disk };
        let run = stage(1)
            .tell(ms(5), 1, durable)
            .tell(ms(10), 1, mended)
            .fault(during(ms(20), ms(30), harm))
            .run();
        let back = found(&run, 1).pop().expect("it started again");
        assert_eq!(back.file.len(), bytes, "{disk:?}");
    }
}

#[test]
fn a_torn_record_is_shown_once() {
    let torn = Harm::Crash { node: Who::Node(n(1)), disk: DiskLoss::TornAfter { bytes: 1 } };
    let run = stage(1)
        .tell(ms(10), 1, vec![write(Place::Log), Do::Sync, write(Place::Log)])
        .tell(ms(35), 1, vec![write(Place::Log), Do::Sync])
        .fault(during(ms(20), ms(30), torn))
        .fault(during(ms(40), ms(50), crash(1)))
        .run();
    let logs: Vec<Vec<bool>> =
        found(&run, 1).iter().map(|found| found.log.iter().map(Option::is_some).collect()).collect();
    assert_eq!(logs, [vec![], vec![true, false], vec![true, true]]);
}

#[test]
fn bytes_of_a_lost_group_leave_no_gap_before_a_torn_write() {
    // the group takes the file's first write with it, so nothing of the second can be there
    for half in 0..200 {
        let drawn = Harm::Crash { node: Who::Node(n(1)), disk: DiskLoss::Drawn };
        let writes = vec![Do::Atomic(vec![Place::File, Place::Log]), write(Place::File)];
        let run =
            stage(1).tell(ms(10), 1, writes).fault(during(ms(20), ms(30), drawn)).run_under(Seed([half, 1]));
        let back = found(&run, 1).pop().expect("it started again");
        assert_eq!(back.log.len(), usize::from(back.file.len() >= 8), "{back:?}");
        assert!(back.file.is_empty() || !back.log.is_empty(), "{back:?}");
    }
}

#[test]
fn groups_and_lone_writes_over_the_same_objects_are_kept_from_the_front_and_never_split() {
    let writes = vec![
        write(Place::Log),
        Do::Atomic(vec![Place::Log, Place::Value]),
        write(Place::Value),
        Do::Atomic(vec![Place::Value, Place::File, Place::Journal]),
        write(Place::File),
        write(Place::Journal),
        Do::Atomic(vec![Place::Journal, Place::Log]),
        write(Place::Log),
    ];
    let drawn = Harm::Crash { node: Who::Node(n(1)), disk: DiskLoss::Drawn };
    let scenario = stage(1).tell(ms(10), 1, writes).fault(during(ms(20), ms(30), drawn));
    let mut outcomes = BTreeSet::new();
    for half in 0..400 {
        let run = scenario.run_under(Seed([half, 3]));
        crate::laws::keep(crate::random::ANYTHING, &scenario, &run.trace);
        let back = found(&run, 1).pop().expect("it started again");
        outcomes.insert((back.log.len(), back.journal.len(), back.value.is_some(), back.file.len() / 8));
    }
    assert!(outcomes.len() > 8, "many ways to keep something: {outcomes:?}");
}

#[test]
fn what_follows_a_sync_waits_for_it_and_so_do_later_events() {
    let mut scenario = stage(1)
        .tell(ms(10), 1, vec![Do::Say(1), write(Place::Log), Do::Sync, Do::Say(2)])
        .tell(ms(12), 1, vec![Do::Say(3)]);
    scenario.nodes[0].sync = (ms(7), ms(7));
    let said: Vec<Time> = scenario.run().said(1)[1..].iter().map(|(at, _)| *at).collect();
    assert_eq!(said, [10, 17, 17].map(Time::from_millis));
}

#[test]
fn a_sync_with_nothing_to_do_takes_no_time() {
    let run = stage(1).tell(ms(10), 1, vec![Do::Sync, Do::Say(1)]).run();
    assert_eq!(run.said(1).last().map(|(at, _)| *at), Some(Time::from_millis(10)));
    assert_eq!(run.count(|seen| matches!(seen, Seen::Syncing | Seen::Synced)), 0);
}

#[test]
fn a_crash_while_paused_and_a_pause_while_down_are_survived() {
    let run = stage(1)
        .tell(ms(90), 1, vec![Do::Say(1)])
        .fault(during(ms(10), ms(40), pause(1)))
        .fault(during(ms(20), ms(30), crash(1)))
        .fault(during(ms(50), ms(60), crash(1)))
        .fault(during(ms(55), ms(70), pause(1)))
        .run();
    assert_eq!(run.words(1), [1]);
}

#[test]
fn calls_have_new_ids_after_a_crash_even_where_the_call_itself_was_lost() {
    // it chooses an id, crashes inside the sync before the call leaves, and calls again in its next life
    let mut scenario = stage(1)
        .tell(ms(10), 1, vec![write(Place::Log), Do::Sync, Do::Call(1), Do::Call(2)])
        .tell(ms(40), 1, vec![Do::Call(3)])
        .fault(during(ms(11), ms(20), crash(1)));
    scenario.nodes[0].sync = (ms(5), ms(5));
    let run = scenario.run();
    let ids: Vec<u64> = run
        .all()
        .filter_map(|o| if let Seen::Called { call, .. } = o.seen { Some(call.0) } else { None })
        .collect();
    assert_eq!(ids, [2], "0 and 1 were given away, and may lie on the disk");
}
