//! What a student reads of known bugs: stories, read as prose. And that a failure is the same failure however it is run.

use crate::{cache, faultlines, root};
use build::{Kit, Sources, Target};
use host::{Fleet, Guest, Job, Layers, Watch};
use judge::{Check, Options, Oracle, SeedKey, WorldSeed};
use std::path::Path;
use std::sync::Arc;
use tempfile::TempDir;
use world::{Local, Observation, World};

/// A known wrong submission: its check, and a folder that holds it.
fn mutant(chapter: &str, id: &str) -> (String, TempDir) {
    let folder = root().join("solutions").join(chapter);
    let cards = mutants::read(&folder).expect("cards");
    let card = cards.iter().find(|card| card.id == id).expect("a mutant of that name");
    let reference = Sources::read(&folder).expect("the reference");
    let dir = tempfile::tempdir().expect("a temporary folder");
    std::fs::create_dir_all(dir.path().join(chapter).join("src")).expect("a folder");
    for (path, text) in card.apply(reference.files()).expect("a card that fits") {
        std::fs::write(dir.path().join(chapter).join(path), text).expect("written");
    }
    let number = chapter.split('-').next().expect("a number").trim_start_matches('0');
    (format!("{number}/{}", card.caught_by()), dir)
}
/// The story of a mutant, as `replay` tells it.
fn story(chapter: &str, id: &str, more: &[&str]) -> String {
    let (check, dir) = mutant(chapter, id);
    let folder = dir.path().to_string_lossy().into_owned();
    let ran = faultlines(&[&["replay", &check, "--submission", &folder], more].concat());
    ran.to_string()
}

/// One test a story, so that they run side by side.
macro_rules! stories {
    ($chapter:literal: $($test:ident = $id:literal),* $(,)?) => { $(
        #[test]
        fn $test() {
            insta::assert_snapshot!(story($chapter, $id, &[]));
        }
    )* };
}
stories! { "02-failure-and-time":
    silence_taken_for_a_crash = "classify-missing-is-broken",
    an_old_message_taken_for_a_new_one = "classify-compares-arrivals",
    a_message_that_came_twice = "classify-ignores-the-second",
    a_function_that_panics = "classify-wants-a-duty",
}
stories! { "04-consistency":
    a_node_that_waits_for_nothing = "abd-one-operation-at-a-time",
    a_second_majority_that_was_none = "abd-any-acknowledgement-counts",
}
stories! { "06-consensus":
    the_whole_log_again = "raft-back-to-the-beginning",
    a_promise_that_was_forgotten = "paxos-promises-anything",
    accepted_counted_across_ballots = "paxos-counts-votes-of-all-ballots",
    a_promise_that_left_before_it_was_durable = "paxos-promise-before-sync",
    voted_twice_after_a_crash = "raft-vote-is-not-saved",
    a_stale_vote_counted = "raft-counts-old-votes",
    a_stale_answer_counted = "raft-old-answers-count",
    truncated_by_a_stale_append = "raft-cuts-after-the-last-new-entry",
    figure_8 = "raft-commits-by-copies",
    a_leader_that_stays = "raft-a-leader-stays-in-a-higher-term",
    the_longer_log_wins = "raft-the-longer-log-wins",
    acknowledged_and_lost = "raft-acknowledges-before-it-syncs",
    a_torn_record = "raft-panics-on-a-torn-record",
}
stories! { "07-logical-clocks":
    a_message_that_moved_no_clock = "receive-forgets-the-message",
    a_stamp_that_was_not_durable = "emits-before-sync",
    a_chain_cut_short = "hb-two-steps-only",
    knows_its_sender_only = "vc-learns-of-the-sender-only",
    a_clock_that_jumped_back = "hlc-raw-wall-after-a-jump",
    led_far_ahead = "hlc-takes-everything",
    two_inside = "mutex-ignores-what-may-be-under-way",
    nobody_told_that_it_left = "mutex-tells-only-one-that-it-left",
    delivered_before_its_cause = "causal-only-fifo",
    delivered_by_the_dead_alone = "causal-delivers-on-arrival",
}

#[test]
fn one_bug_that_fails_many_checks_is_told_once() {
    let (_, dir) = mutant("06-consensus", "paxos-accepts-below-its-promise");
    let folder = dir.path().to_string_lossy().into_owned();
    insta::assert_snapshot!(faultlines(&["grade", "6/paxos", "--submission", &folder]));
}

#[test]
fn a_check_that_no_run_reached_names_the_one_to_mend_first() {
    let (_, dir) = mutant("07-logical-clocks", "mutex-null-silent");
    let folder = dir.path().to_string_lossy().into_owned();
    insta::assert_snapshot!(faultlines(&["grade", "7/mutex", "--submission", &folder]));
}

#[test]
fn a_story_in_plain_letters_and_with_everything() {
    insta::assert_snapshot!(story("07-logical-clocks", "emits-before-sync", &["--ascii", "--full"]));
}

#[test]
fn a_story_that_is_not_cut_down() {
    insta::assert_snapshot!(story("07-logical-clocks", "saves-only-local-events", &["--shrink", "0"]));
}

#[test]
fn what_a_node_prints_stands_where_it_printed_it() {
    let (check, dir) = mutant("07-logical-clocks", "emits-before-sync");
    let file = dir.path().join("07-logical-clocks/src/lamport.rs");
    let text = std::fs::read_to_string(&file).expect("a source file");
    let handler = "    fn on_request(";
    assert_eq!(text.matches(handler).count(), 1);
    let begin = text.find(handler).expect("it is there");
    let body = begin + text[begin..].find("{\n").expect("a body") + 2;
    let printing = "println!(\"asked for {request:?}\"); eprint!(\"at {}\\u{1b}[31m\", self.time);\n";
    std::fs::write(&file, format!("{}{printing}{}", &text[..body], &text[body..])).expect("written");
    let folder = dir.path().to_string_lossy().into_owned();
    insta::assert_snapshot!(faultlines(&["replay", &check, "--submission", &folder]));
}

#[test]
fn bad_names_and_seeds_are_told_what_to_write() {
    let ran = [
        faultlines(&["replay", "7"]),
        faultlines(&["replay", "7/lamport"]),
        faultlines(&["replay", "7/lamport/nothing"]),
        faultlines(&[
            "replay",
            "7/lamport/restart",
            "--seed",
            "12",
            "--world",
            "1",
            "--submission",
            "solutions",
        ]),
        faultlines(&["replay", "7/lamport/restart", "--submission", "solutions"]),
        faultlines(&["replay", "7/lamport/restart", "--world", "3", "--submission", "solutions"]),
    ];
    let ran: Vec<String> = ran.iter().map(ToString::to_string).collect();
    insta::assert_snapshot!(ran.join("\n"));
    assert!(Path::new(&cache()).is_dir());
}

/// Looks on as a judge does: until the promise is broken.
struct Judge(Box<dyn Oracle>, bool);
impl Watch for Judge {
    fn see(&mut self, world: &World, observation: &Observation) -> bool {
        self.1 = self.0.see(world, observation).is_err();
        !self.1 && !self.0.has_seen_enough()
    }
}
fn job(check: &Check, seed: WorldSeed, nth: u32) -> Job<Judge> {
    let case = judge::case(check, seed, nth);
    Job { world: World::new(Arc::new(case.scenario), seed.seed()), watch: Judge(case.oracle, false) }
}

#[test]
fn a_hundred_failures_are_the_same_in_a_batch_alone_and_in_this_process() {
    const KEYS: u32 = 8;
    let kit = Kit::prepare(&cache(), |_| {}).expect("a kit");
    let chapters = course::chapters();
    let mut failures = std::collections::BTreeSet::new();
    for (folder, id, hosted) in wrong::ALL {
        let (name, dir) = mutant(folder, id);
        let (exercise, check) = chapters
            .iter()
            .flat_map(|chapter| &chapter.exercises)
            .find_map(|exercise| {
                let named = |check: &&Check| name.ends_with(&format!("/{}/{}", exercise.id, check.id));
                Some((exercise, exercise.checks.iter().find(named)?))
            })
            .expect("the check that its mutant names");
        let number = if folder.starts_with("06") { 6 } else { 7 };
        let after = exercise.entry.source.split("chapter::").nth(1);
        let module = after.and_then(|rest| rest.split("::").next());
        let target = Target {
            exercise: exercise.id.into(),
            name: exercise.id.into(),
            modules: vec![module.expect("a module").into()],
            entry: exercise.entry.source.into(),
        };
        let sources = Sources::read(&dir.path().join(folder)).expect("sources");
        let built = kit.build(&sources, &sources, &[target], &[]).expect("it compiles");
        let guest = Guest::new(&built.binary, Layers::ALL).expect("it is there");
        let mut fleet = Fleet::new(&guest);
        let local = Local::new([hosted()]);
        for key in 0..KEYS {
            let seed_key = SeedKey::secret(&format!("the same {key}"));
            let options = Options { seed_key, ..Options::default() };
            let finding = judge::judge(&mut fleet, number, exercise.id, check, &options).expect("lanes");
            let Some(failure) = finding.failure else { continue };
            let (seed, nth) = (failure.seed, failure.world);
            // among others, as in a grade
            let mut batch: Vec<Job<Judge>> = [nth, nth + 1, nth + 2]
                .map(|other| {
                    job(
                        check,
                        if other == nth {
                            seed
                        } else {
                            options.seed_key.of(number, exercise.id, check, other)
                        },
                        other,
                    )
                })
                .into();
            fleet.batch(&mut batch).expect("lanes").expect("nobody misbehaves");
            let mut alone = job(check, seed, nth);
            Fleet::solo(&guest, &mut alone).expect("lanes");
            let Job { world, mut watch } = job(check, seed, nth);
            let here = local.drive_until(world, |world, seen| watch.see(world, seen));
            let hashes = [batch[0].world.hash(), alone.world.hash(), here.hash()];
            assert!(
                hashes.iter().all(|hash| *hash == hashes[0]),
                "{id}, {name}, run {nth}, seed {seed}: {hashes:?}"
            );
            assert_eq!(
                [batch[0].watch.1, alone.watch.1],
                [watch.1; 2],
                "{id}, {name}, run {nth}, seed {seed}"
            );
            failures.insert((id, hashes[0]));
        }
    }
    assert!(failures.len() >= 100, "only {} different failures", failures.len());
}
