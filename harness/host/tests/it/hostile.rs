//! Guests that say whatever they like: `fake_guest.sh` says what these tests write into files beside it.

use host::{Anomaly, Fleet, Guest, HostError, Job, Layers};
use lab::DiskOp;
use lab::frame::{self, Command, Covered, Hello, RawEffect, Reply};
use lab::lamport::Clock;
use proptest::prelude::*;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};
use tempfile::TempDir;
use world::{Death, During, End, Misbehaviour, Nonsense, Observation, Scenario, Seed, Stall, World};

const ALL: Covered = Covered { hash_keys: true, clocks: true, addresses: true, cycle_counter: true };

fn greeting() -> Hello {
    let roles = vec!["lamport".to_owned()];
    Hello { version: frame::VERSION, roles, faults: Vec::new(), covered: ALL }
}
fn framed(body: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    frame::begin(&mut bytes);
    bytes.extend_from_slice(body);
    frame::finish(&mut bytes);
    bytes
}

struct Fake {
    dir: TempDir,
}
impl Fake {
    fn new(hello: &[u8]) -> Fake {
        let fake = Fake { dir: tempfile::tempdir().expect("a folder") };
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fake_guest.sh");
        symlink(script, fake.binary()).expect("a link");
        fake.file("hello", hello).file("after", &[])
    }
    /// Greets as a guest does.
    fn polite() -> Fake {
        Fake::new(&framed(&frame::encode(&greeting())))
    }
    /// Answers with this behind the token that it was given, in a frame of its length.
    fn answers(self, body: &[u8]) -> Fake {
        let length = u32::try_from(body.len() + 8).expect("small");
        self.file("before", &length.to_le_bytes()).file("after", body)
    }
    /// Says just this.
    fn says(self, bytes: &[u8]) -> Fake {
        self.file("after", bytes)
    }
    fn stays(self) -> Fake {
        self.file("stays", &[])
    }
    fn file(self, name: &str, bytes: &[u8]) -> Fake {
        fs::write(self.dir.path().join(name), bytes).expect("a file");
        self
    }
    fn binary(&self) -> PathBuf {
        self.dir.path().join("guest")
    }
    /// A script starts programs, which no confined guest may.
    fn guest(&self) -> Guest {
        Guest::new(&self.binary(), Layers::NO_SANDBOX).expect("a script")
    }
    /// How a world of one node ends that it hosts.
    fn end(&self) -> Result<End, HostError> {
        let mut job = job();
        Fleet::solo(&self.guest(), &mut job)?;
        Ok(job.world.end().expect("it has run to its end").clone())
    }
    fn misbehaviour(&self) -> Misbehaviour {
        match self.end() {
            Ok(End::Misbehaved(node, During::Start, how)) => {
                assert_eq!(node, lab::NodeId(1));
                how
            }
            other => panic!("{other:?}"),
        }
    }
}
fn job() -> Job<impl FnMut(&World, &Observation) -> bool> {
    let scenario = Scenario::cluster::<Clock>(1, &(), Duration::from_secs(1));
    Job { world: World::new(scenario.into(), Seed([1, 2])), watch: |_: &World, _: &Observation| true }
}
fn reply() -> Vec<u8> {
    frame::encode(&Reply::empty())
}

#[test]
fn a_guest_that_answers_as_asked_is_fine() {
    let end = Fake::polite().answers(&reply()).stays().end().expect("no fault of the harness");
    assert!(matches!(end, End::Idle | End::Time), "{end:?}");
}

#[test]
fn what_is_no_reply_is_garbage() {
    let mut effects_without_end = frame::encode(&lab::frame::Ending::Returned);
    effects_without_end.extend_from_slice(&[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f]);
    let many: [(&str, Fake); 9] = [
        ("a panic whose words are no text", Fake::polite().answers(&[2, 1, 0xff, 0, 0, 0, 0, 0])),
        ("nothing", Fake::polite().answers(&[])),
        ("an unknown tag", Fake::polite().answers(&[9, 0, 0, 0])),
        ("half a reply", Fake::polite().answers(&reply()[..2])),
        ("more effects than there are bytes", Fake::polite().answers(&effects_without_end)),
        ("bytes after the reply", Fake::polite().answers(&[&reply()[..], &[0xff]].concat())),
        ("an empty frame", Fake::polite().says(&[0, 0, 0, 0])),
        ("a frame longer than any", Fake::polite().says(&[0xff; 12])),
        ("a reply without the token", Fake::polite().says(&framed(&[&[0; 8], &reply()[..]].concat()))),
    ];
    for (what, fake) in many {
        let how = fake.stays().misbehaviour();
        assert!(matches!(how, Misbehaviour::Garbled(_)), "{what}: {how:?}");
    }
}

#[test]
fn worlds_that_keep_a_lot_are_not_kept_side_by_side() {
    let write = DiskOp::Save { name: "big".to_owned(), bytes: vec![7; 1 << 20] };
    let reply = Reply { effects: vec![RawEffect::Disk(write), RawEffect::Sync], ..Reply::empty() };
    let fake = Fake::polite().answers(&frame::encode(&reply).repeat(4)).stays();
    let mut jobs = [job(), job(), job(), job()];
    let fleet = || Fleet::new(&fake.guest());
    let ran = fleet().with_room(3 << 20).batch(&mut jobs).expect("no fault of the harness");
    assert_eq!(ran, Err(Anomaly::Crowded));
    let mut jobs = [job(), job(), job(), job()];
    let ran = fleet().batch(&mut jobs).expect("no fault of the harness");
    assert_eq!(ran, Ok(()), "there is room for four megabytes");
    assert!(jobs.iter().all(|job| job.world.kept() > 1 << 20));
}

#[test]
fn more_replies_than_questions_are_garbage() {
    let how = Fake::polite().answers(&[reply(), reply()].concat()).stays().misbehaviour();
    assert_eq!(how, Misbehaviour::Garbled(Nonsense::TooMany));
}

#[test]
fn half_a_frame_is_an_end_or_garbage() {
    let half = [40, 0, 0, 0, 1, 2, 3];
    assert!(matches!(Fake::polite().says(&half).misbehaviour(), Misbehaviour::Died(_)));
    assert!(matches!(Fake::polite().says(&half).stays().misbehaviour(), Misbehaviour::Garbled(_)));
}

#[test]
fn pipes_that_are_closed_flooded_or_fed_byte_by_byte_cost_only_their_world() {
    let closes = Fake::polite().file("closes", &[]).misbehaviour();
    assert!(matches!(closes, Misbehaviour::Died(_)), "{closes:?}");
    let floods = Fake::polite().file("floods", &[]).misbehaviour();
    assert!(matches!(floods, Misbehaviour::Garbled(_)), "{floods:?}");
    // the beginning of a frame of a megabyte, which never becomes whole
    let dribbles = Fake::polite().says(&(1_u32 << 20).to_le_bytes()).file("dribbles", &[]).misbehaviour();
    assert!(matches!(dribbles, Misbehaviour::Hung(_) | Misbehaviour::Garbled(_)), "{dribbles:?}");
}

#[test]
fn a_guest_that_says_a_byte_now_and_then_and_sleeps_is_given_up() {
    let trickles = Fake::polite().says(&(1_u32 << 20).to_le_bytes()).file("trickles", &[]).misbehaviour();
    assert!(matches!(trickles, Misbehaviour::Garbled(_)), "{trickles:?}");
}

#[test]
fn a_guest_that_never_reads_does_not_keep_the_harness_from_it() {
    let fake = Fake::polite().file("deaf", &[]);
    let mut jobs: Vec<_> = (0..30_000).map(|_| job()).collect();
    let ran = Fleet::new(&fake.guest()).batch(&mut jobs).expect("no fault of the harness");
    assert!(matches!(ran, Err(Anomaly::Misbehaved(Misbehaviour::Hung(_)))), "{ran:?}");
}

#[test]
fn a_guest_that_spins_and_minds_no_signal_is_ended() {
    let fake = Fake::polite().file("spins", &[]);
    let mut plain = std::process::Command::new(fake.binary());
    plain.current_dir(fake.dir.path()).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut plain = plain.spawn().expect("a script");
    let begun = Instant::now();
    while !ignores(plain.id(), libc::SIGXCPU) && begun.elapsed() < Duration::from_secs(10) {
        std::thread::yield_now();
    }
    for signal in [libc::SIGTERM, libc::SIGINT, libc::SIGHUP, libc::SIGXCPU] {
        // SAFETY: a child that is not waited for yet.
        unsafe { libc::kill(plain.id().cast_signed(), signal) };
    }
    assert!(plain.try_wait().expect("a child").is_none(), "it does not even survive where nobody watches it");
    assert_eq!(processes_in(fake.dir.path()), 1);
    plain.kill().and_then(|()| plain.wait()).expect("a child");

    let how = fake.misbehaviour();
    assert_eq!(how, Misbehaviour::Hung(Stall::Computes));
    assert_eq!(processes_in(fake.dir.path()), 0);
}
/// Whether a process ignores a signal.
fn ignores(pid: u32, signal: i32) -> bool {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:")).unwrap_or_default();
    u64::from_str_radix(ignored.trim(), 16).is_ok_and(|ignored| ignored >> (signal - 1) & 1 == 1)
}
/// How many processes are at work in a folder.
fn processes_in(folder: &Path) -> usize {
    let processes = fs::read_dir("/proc").expect("it is mounted").flatten();
    processes
        .filter(|process| fs::read_link(process.path().join("cwd")).is_ok_and(|cwd| cwd == folder))
        .count()
}

#[test]
fn a_guest_that_ends_has_died_and_a_silent_one_hangs() {
    let died = Fake::polite().misbehaviour();
    assert_eq!(died, Misbehaviour::Died(Death::Exited(0)));
    assert!(matches!(Fake::polite().stays().misbehaviour(), Misbehaviour::Hung(_)));
}

#[test]
fn what_goes_wrong_before_student_code_runs_is_the_harness_s() {
    let old = Hello { version: frame::VERSION - 1, ..greeting() };
    for hello in [framed(&frame::encode(&old)), framed(&[7; 30]), framed(&[]), vec![0xff; 4], Vec::new()] {
        let end = Fake::new(&hello).end();
        assert!(matches!(end, Err(HostError::NoGreeting { .. })), "{end:?}");
    }
    let faulty = Hello { faults: vec!["threads are not refused".to_owned()], ..greeting() };
    let error = Fake::new(&framed(&frame::encode(&faulty))).end().expect_err("it is not deterministic");
    assert!(error.to_string().contains("threads are not refused"), "{error}");
    let other = Hello { roles: vec!["other".to_owned()], ..greeting() };
    let end = Fake::new(&framed(&frame::encode(&other))).end();
    assert!(matches!(end, Err(HostError::NoSuchRole("lamport"))), "{end:?}");
}

#[test]
fn where_hash_keys_are_not_found_worlds_do_not_share_a_guest() {
    let without = Hello { covered: Covered { hash_keys: false, ..ALL }, ..greeting() };
    let fake = Fake::new(&framed(&frame::encode(&without))).stays();
    let ran = Fleet::new(&fake.guest()).batch(&mut [job()]).expect("no fault of the harness");
    assert_eq!(ran, Err(Anomaly::SharedOrder));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn whatever_a_guest_answers_costs_only_its_world(body in prop::collection::vec(any::<u8>(), 0..200), token: bool) {
        let fake = Fake::polite();
        let fake = if token { fake.answers(&body) } else { fake.says(&body) };
        prop_assert!(fake.end().is_ok());
    }
}
proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn hostile_bytes_are_decoded_or_not_and_nothing_else(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let mut rest = &bytes[..];
        while let Some(Reply { effects, .. }) = frame::take::<Reply<'_>>(&mut rest) {
            // what one byte of a frame can stand for is bounded
            prop_assert!(effects.capacity() <= 1 << 20 || effects.len() <= bytes.len());
            let _: Vec<RawEffect<'_>> = effects;
        }
        let mut rest = &bytes[..];
        while frame::take::<Command<'_>>(&mut rest).is_some() {}
        let _ = frame::decode::<Hello>(&bytes);
    }
}
