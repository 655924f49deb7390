//! What a student reads of known bugs: stories, read as prose. And that a failure is the same failure however it is run.

use crate::{cache, faultlines, root};
use std::path::Path;
use tempfile::TempDir;

/// A known wrong submission: its check, and a folder that holds it.
fn mutant(chapter: &str, id: &str) -> (String, TempDir) {
    let folder = root().join("solutions").join(chapter);
    let text = std::fs::read_to_string(folder.join("mutants.toml")).expect("mutants");
    let all: toml::Table = text.parse().expect("TOML");
    let mutants = all["mutant"].as_array().expect("a list");
    let mutant =
        mutants.iter().find(|mutant| mutant["id"].as_str() == Some(id)).expect("a mutant of that name");
    let dir = tempfile::tempdir().expect("a temporary folder");
    let source = dir.path().join(chapter).join("src");
    std::fs::create_dir_all(&source).expect("a folder");
    for file in
        std::fs::read_dir(folder.join("src")).expect("the reference").map(|file| file.expect("a file"))
    {
        std::fs::copy(file.path(), source.join(file.file_name())).expect("copied");
    }
    for edit in mutant["edits"].as_array().expect("edits") {
        let word = |key: &str| edit[key].as_str().expect("a text").to_owned();
        let file = source.join(word("file"));
        let text = std::fs::read_to_string(&file).expect("a source file");
        std::fs::write(&file, text.replacen(&word("find"), &word("replace"), 1)).expect("written");
    }
    let number = chapter.split('-').next().expect("a number").trim_start_matches('0');
    (format!("{number}/{}", mutant["caught_by"].as_str().expect("a check")), dir)
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
stories! { "06-consensus":
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
