//! What nodes live in: when they start, where they live, and what becomes of their disks.

use crate::actor::{Acts, Do, FILE, LOG, Place, ROWS, Said};
use crate::stage::{Direct, Run, crash, during, ms, n, stage, upon};
use lab::Object;
use lab::prelude::Duration;
use proptest::prelude::*;
use world::{
    Chance, Damage, DiskLoss, Fault, Harm, Link, LinkRule, LossReason, Pattern, Scenario, Seen, Time,
    Trigger, Until, When, Who,
};

fn said(word: u32) -> Trigger {
    Trigger::Seen(Pattern::emit::<Acts>(move |said| *said == Said::Word(word)))
}
fn starts(run: &Run, node: u32) -> Vec<Time> {
    run.on(node).filter(|o| matches!(o.seen, Seen::Started { .. })).map(|o| o.at).collect()
}
fn forever(harm: Harm) -> Fault {
    Fault::new(When::At(Duration::ZERO), harm, Until::Calm)
}

#[test]
fn a_node_that_starts_late_is_down_until_then() {
    let mut scenario = stage(3);
    scenario.nodes[1].starts = When::At(ms(50));
    scenario.nodes[2].starts = When::On { trigger: said(7), nth: 1, after: ms(10) };
    for at in [20, 60, 90] {
        scenario = scenario.tell(ms(at), 1, vec![Do::Broadcast(vec![Do::Say(at as u32)])]);
    }
    scenario = scenario.tell(ms(70), 1, vec![Do::Say(7)]);
    let run = scenario.run();
    assert_eq!(
        (starts(&run, 2), starts(&run, 3)),
        (vec![Time::from_millis(50)], vec![Time::from_millis(80)])
    );
    assert_eq!((run.words(2), run.words(3)), (vec![60, 90], vec![90]));
    assert_eq!(run.count(|seen| matches!(seen, Seen::Lost { reason: LossReason::Down })), 3);
}

#[test]
fn a_calm_starts_nobody_before_the_time_and_a_crash_hits_nobody_who_has_not_started() {
    let mut scenario = stage(2).fault(during(ms(10), ms(20), crash(2)));
    scenario.calm = Some((ms(30), Link::fixed(ms(1))));
    scenario.nodes[1].starts = When::At(ms(50));
    let run = scenario.run();
    assert_eq!(starts(&run, 2), [Time::from_millis(50)]);
    assert_eq!(run.count(|seen| matches!(seen, Seen::Crashed)), 0);
    scenario.nodes[1].starts = When::on(said(7));
    assert_eq!(starts(&scenario.run(), 2), [], "what it waits for never comes");
    let run = scenario.tell(ms(60), 1, vec![Do::Say(7)]).run();
    assert_eq!(starts(&run, 2), [Time::from_millis(60)], "it waits still, after the calm");
}

#[test]
fn a_name_stands_beside_the_id() {
    let mut scenario = stage(2);
    scenario.nodes[0] = scenario.nodes[0].clone().named("coordinator");
    assert_eq!([1, 2, 3].map(|id| scenario.name_of(n(id))), ["n1 (coordinator)", "n2", "n3"]);
}

/// Node 1 tells node 2 and node 3 many times.
fn many(scenario: Scenario) -> Scenario {
    (0..500).fold(scenario, |scenario, nth| {
        scenario.tell(ms(1) * nth, 1, vec![Do::Broadcast(vec![Do::Say(nth)])])
    })
}
fn lost(run: &Run, node: u32) -> usize {
    run.on(node).filter(|o| matches!(o.seen, Seen::Lost { reason: LossReason::Network })).count()
}
fn worse(to: u32, loss: u32, late: Duration) -> Harm {
    let never = Chance::NEVER;
    Harm::Worse {
        from: None,
        to: Some(n(to)),
        loss: Chance::percent(loss),
        duplication: never,
        corruption: never,
        late,
    }
}

#[test]
fn what_makes_a_link_worse_is_added_to_what_it_is() {
    let mut scenario = many(stage(3));
    scenario.network.loss = Chance::percent(10);
    let about = |lost: usize, percent: usize| assert!(lost.abs_diff(5 * percent) < 35, "{lost} of 500 lost");
    let before = scenario.run();
    about(lost(&before, 2), 10);
    let once = scenario.clone().fault(forever(worse(2, 20, ms(0)))).run();
    about(lost(&once, 2), 30);
    assert_eq!(once.words(3), before.words(3), "the other link is as it was");
    let twice =
        scenario.fault(forever(worse(2, 20, ms(0)))).fault(during(ms(0), ms(250), worse(2, 50, ms(0)))).run();
    about(lost(&twice, 2), (80 + 30) / 2);
    let all = many(stage(3)).fault(forever(worse(2, 60, ms(0)))).fault(forever(worse(2, 60, ms(0)))).run();
    assert_eq!(lost(&all, 2), 500, "more than always is always");
}

#[test]
fn what_makes_a_link_later_leaves_the_rest_of_its_chance_alone() {
    let mut scenario = many(stage(3));
    scenario.network = Link { loss: Chance::percent(20), ..Link::between(ms(1), ms(3)) };
    let took = |run: &Run, node: u32| -> Vec<(u64, Duration)> {
        let delivered = run.on(node).filter(|o| matches!(o.seen, Seen::Delivered { .. }));
        let sent = |o: &world::Observation| run.trace.cause(o).expect("a sending").at;
        let mut took: Vec<_> = delivered.map(|o| (sent(o).0, o.at - sent(o))).collect();
        took.sort_unstable();
        took
    };
    let (before, after) = (scenario.run(), scenario.fault(forever(worse(2, 0, ms(10)))).run());
    assert_eq!(took(&before, 3), took(&after, 3));
    let (before, after) = (took(&before, 2), took(&after, 2));
    assert!(before.iter().map(|(at, _)| at).eq(after.iter().map(|(at, _)| at)), "the same are lost");
    let later: Vec<Duration> =
        before.iter().zip(&after).map(|((_, before), (_, after))| *after - *before).collect();
    assert!(later.iter().all(|later| *later <= ms(10)), "{later:?}");
    let average = later.iter().sum::<Duration>() / u32::try_from(later.len()).expect("hundreds");
    assert!((ms(4)..ms(6)).contains(&average), "evenly: {average:?}");
}

#[test]
fn regions_outlast_the_calm_and_their_faults_do_not() {
    let far = Link { loss: Chance::ALWAYS, ..Link::fixed(ms(40)) };
    let mut scenario = stage(3);
    scenario.links = vec![LinkRule { from: None, to: Some(n(2)), link: far }];
    scenario.calm = Some((ms(50), Link::fixed(ms(2))));
    for at in [10, 100] {
        scenario = scenario.tell(ms(at), 1, vec![Do::Broadcast(vec![Do::Say(at as u32)])]);
    }
    let heard = |run: &Run, node| -> Vec<(Time, u32)> {
        let word = |(at, said)| if let Said::Word(word) = said { Some((at, word)) } else { None };
        run.said(node).into_iter().filter_map(word).collect()
    };
    let at = Time::from_millis;
    let run = scenario.run();
    assert_eq!(heard(&run, 2), [(at(102), 100)], "by themselves rules end with the calm");
    scenario.regions = true;
    let run = scenario.run();
    assert_eq!((heard(&run, 2), heard(&run, 3)), (vec![(at(140), 100)], vec![(at(11), 10), (at(102), 100)]));
}

/// Node 1 writes to all that it has, twice, and syncs after the first; then it crashes and comes back.
fn disks(loss: DiskLoss, more: &[Harm]) -> Run {
    let write = || {
        vec![Do::Write(Place::Log), Do::Write(Place::Value), Do::Write(Place::Row(1)), Do::Write(Place::File)]
    };
    let harm = Harm::Crash { node: Who::Node(n(1)), disk: loss };
    let mut scenario = stage(1)
        .tell(ms(10), 1, [write(), vec![Do::Sync]].concat())
        .tell(ms(20), 1, write())
        .fault(during(ms(40), ms(50), harm));
    for harm in more {
        scenario = scenario.fault(during(ms(30), ms(31), harm.clone()));
    }
    scenario.run()
}
fn found(run: &Run) -> crate::actor::Found {
    let found = |(_, said)| if let Said::Started(found) = said { Some(*found) } else { None };
    run.said(1).into_iter().filter_map(found).next_back().expect("it started")
}

#[test]
fn a_disk_that_is_wiped_is_empty() {
    let kept = found(&disks(DiskLoss::All, &[]));
    assert_eq!((kept.log.len(), kept.value.is_some(), kept.rows.len(), kept.file.len()), (1, true, 1, 8));
    let run = disks(DiskLoss::Wiped, &[]);
    assert_eq!(found(&run), crate::actor::Found::default());
    let crash = run.all().find(|o| matches!(o.seen, Seen::Crashed)).expect("it crashed");
    assert_eq!(crash.label.as_deref(), Some("loses its disk"));
    assert_eq!(run.world.kept(), 0, "nothing of it counts any more");
}

#[test]
fn rot_shows_at_the_next_start_and_nowhere_else() {
    let rot = |file: &str, damage| Harm::Rot { node: Who::Node(n(1)), file: file.into(), damage };
    let before = found(&disks(DiskLoss::All, &[]));
    let flip = |at, bit| rot("file", Damage::Flip { at, bit });
    let after = found(&disks(DiskLoss::All, &[flip(2, 7)]));
    let flipped: Vec<usize> = (0..8).filter(|place| before.file[*place] != after.file[*place]).collect();
    assert_eq!((flipped, before.file[2] ^ after.file[2]), (vec![2], 0x80));
    assert_eq!((before.log.clone(), before.value, before.rows.clone()), (after.log, after.value, after.rows));
    for harmless in [
        flip(8, 0),
        flip(u64::MAX, 7),
        rot("no such file", Damage::Flip { at: 0, bit: 0 }),
        rot("value", Damage::Append(vec![1])),
    ] {
        assert_eq!(found(&disks(DiskLoss::All, &[harmless])), before);
    }
    let longer = found(&disks(DiskLoss::All, &[rot("file", Damage::Append(vec![0; 3]))]));
    assert_eq!(longer.file, [before.file.clone(), vec![0; 3]].concat());
    let stale = |bytes| found(&disks(DiskLoss::All, &[rot("file", Damage::Stale { bytes })])).file;
    assert_eq!(stale(3), [&before.file[..], &before.file[..3]].concat());
    assert_eq!(stale(100), before.file.repeat(2), "a file has no more than it has");
    assert_eq!(found(&disks(DiskLoss::All, &[rot("no such file", Damage::Stale { bytes: 1 })])), before);
}

#[test]
fn a_file_is_flipped_at_every_bit_and_a_long_one_all_over() {
    let flipped = |nth, of| {
        let rot = Damage::FlipPart { nth, of };
        let harm = Harm::Rot { node: Who::Node(n(1)), file: "file".into(), damage: rot };
        let before = found(&disks(DiskLoss::All, &[])).file;
        let after = found(&disks(DiskLoss::All, &[harm])).file;
        let differ = |bit: &usize| (before[bit / 8] ^ after[bit / 8]) >> (bit % 8) & 1 == 1;
        (0..64).filter(differ).collect::<Vec<usize>>()
    };
    // the file has eight bytes
    let all: Vec<usize> = (0..100).flat_map(|nth| flipped(nth, 100)).collect();
    assert_eq!(all.len(), 100, "one bit each time");
    assert_eq!(all.iter().copied().collect::<std::collections::BTreeSet<_>>(), (0..64).collect());
    assert_eq!((0..4).flat_map(|nth| flipped(nth, 4)).collect::<Vec<_>>(), [0, 16, 32, 48]);
    assert!(flipped(100, 100).is_empty() && flipped(u32::MAX, 1).is_empty(), "past the end is nothing");
}

#[test]
fn an_oracle_sees_how_much_lies_on_a_disk_without_a_copy_of_it() {
    let run = disks(DiskLoss::Nothing, &[]);
    let disk = run.world.disk(n(1)).expect("it has one");
    assert_eq!((disk.log_len(LOG), disk.file_bytes(FILE).len(), disk.table(ROWS).len()), (2, 16, 1));
    let sizes: Vec<(String, usize)> = disk
        .objects()
        .map(|(object, bytes)| (format!("{} {}", kind(&object), object.name()), bytes))
        .collect();
    let bytes = |name| disk.bytes_of(name);
    assert_eq!(
        sizes,
        [
            ("value value".to_owned(), bytes("value")),
            ("row rows".to_owned(), bytes("rows")),
            ("log log".to_owned(), bytes("log")),
            ("file file".to_owned(), 16),
        ]
    );
    assert!(bytes("log") > bytes("value") && bytes("nothing") == 0);
    assert!(run.world.unsynced(n(1)).is_empty());
    let crash_before = stage(1).tell(ms(10), 1, vec![Do::Write(Place::Log), Do::Write(Place::File)]);
    let run = crash_before.run();
    assert_eq!(run.world.unsynced(n(1)).len(), 2);
    assert_eq!(run.world.disk(n(1)).map(|disk| disk.log_len(LOG)), Some(0));
}
fn kind(object: &Object<'_>) -> &'static str {
    match object {
        Object::Value(_) => "value",
        Object::Row(..) => "row",
        Object::Log(_) => "log",
        Object::File(_) => "file",
    }
}

#[test]
fn a_fault_may_start_a_chain_of_late_nodes() {
    let mut scenario = stage(4);
    for node in 1..4 {
        let before = Pattern::of(world::SeenKind::Started).at(n(node));
        let when = When::On { trigger: Trigger::Seen(before), nth: 1, after: ms(10) };
        scenario.nodes[node as usize].starts = when;
    }
    let run = scenario
        .fault(upon(Trigger::Seen(Pattern::of(world::SeenKind::Started).at(n(3))), ms(5), crash(3)))
        .run();
    let at = |node| starts(&run, node);
    assert_eq!(at(2), [Time::from_millis(10)]);
    assert_eq!(at(3), [Time::from_millis(20), Time::from_millis(25)], "it crashed as it started");
    assert_eq!(at(4), [Time::from_millis(30)]);
}

mod raw {
    //! Messages that are raw bytes.
    use super::*;
    use lab::prelude::*;
    use lab::{Contract, Exercise, Raw, Role};
    use world::Local;

    enum Bytes {}
    impl Contract for Bytes {
        const ROLE: &'static str = "bytes";
        type Config = ();
        type Request = Vec<u8>;
        type Response = ();
        type Event = (Vec<u8>, bool);
        type Status = ();
        type Call = Nothing;
        type Answer = Nothing;
    }
    /// Sends what it is asked to, its checksum before it, and says of what comes whether that is right.
    struct Summed;
    impl Node for Summed {
        type Contract = Bytes;
        type Message = Raw;
        type Timer = Nothing;
        fn start(_: Boot<Self>, _: &mut Out<Self>) -> Self {
            Summed
        }
        fn on_request(&mut self, _: RequestId, bytes: Vec<u8>, out: &mut Out<Self>) {
            let mut message = lab::checksum(&bytes).to_le_bytes().to_vec();
            message.extend(bytes);
            out.broadcast(Raw(message));
        }
        fn on_message(&mut self, _: NodeId, Raw(message): Raw, out: &mut Out<Self>) {
            let (sum, bytes) = message.split_first_chunk().expect("as long as it was");
            out.emit((bytes.to_vec(), u32::from_le_bytes(*sum) == lab::checksum(bytes)));
        }
    }

    proptest! {
        #![proptest_config(crate::random::cases(100))]
        #[test]
        fn every_damaged_message_arrives_and_is_found_out(bytes in prop::collection::vec(any::<u8>(), 0..50), seed in crate::random::seed()) {
            let mut scenario = Scenario::cluster::<Bytes>(2, &(), ms(100));
            scenario.network.corruption = Chance::percent(50);
            let ask = |id| world::Operation::at::<Bytes>(id, ms(id.into()), n(1), &bytes);
            scenario.clients = vec![world::Client::new(1, (1..=20).map(ask).collect())];
            let local = Local::new([Exercise { name: "bytes", roles: vec![Role::node::<Summed>()] }]);
            let (_, trace) = local.trace(scenario.into(), seed);
            let stray = trace.observations.iter().any(|o| matches!(o.seen, Seen::Stray { .. }));
            prop_assert!(!stray);
            let heard: Vec<(&world::Observation, (Vec<u8>, bool))> = trace.emits::<Bytes>().collect();
            prop_assert_eq!(heard.len(), 20);
            for (o, (_, is_right)) in heard {
                let delivered = trace.cause(o).expect("a message");
                let as_sent = trace.cause(delivered).and_then(|sent| sent.seen.bytes());
                prop_assert_eq!(is_right, delivered.seen.bytes() == as_sent);
            }
        }
    }
}
