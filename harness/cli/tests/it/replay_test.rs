//! A failure becomes a test of the student's own: it fails as long as the bug is there, and passes without it.

use crate::daily::Student;
use std::fs;

/// A bug, the check that catches it, and what the test says of it.
struct Bug {
    chapter: &'static str,
    module: &'static str,
    edits: &'static [(&'static str, &'static str)],
    check: &'static str,
    test: &'static str,
    says: &'static str,
}
const BUGS: &[Bug] = &[
    Bug {
        chapter: "07-logical-clocks",
        module: "lamport",
        edits: &[("boot.disk.load(TIME).unwrap_or(0)", "{ let _ = boot; 0 }")],
        check: "7/lamport/restart",
        test: "replay_lamport_restart",
        says: "crashed, and later stamped",
    },
    // two nodes whose messages cross
    Bug {
        chapter: "07-logical-clocks",
        module: "mutex",
        edits: &[(
            "if first && settled && !self.inside",
            "let _ = settled;\n        if first && !self.inside",
        )],
        check: "7/mutex/exclusion",
        test: "replay_mutex_exclusion",
        says: "inside",
    },
    // peers that the suite plays
    Bug {
        chapter: "06-consensus",
        module: "raft",
        edits: &[(
            "        let is_free = self.ballot.voted_for.is_none_or(|voted_for| voted_for == candidate);",
            "        let is_free = candidate != self.me;",
        )],
        check: "6/raft_election/rules-vote",
        test: "replay_raft_election_rules_vote",
        says: "voted",
    },
    // what it goes on to do after it went wrong sets off a fault that nobody had seen until then
    Bug {
        chapter: "06-consensus",
        module: "raft",
        edits: &[(
            "(last_term, last_index) >= (self.term_at(last), last)",
            "(last_index, last_term) >= (last, self.term_at(last))",
        )],
        check: "6/raft_log/rules-vote-log",
        test: "replay_raft_log_rules_vote_log",
        says: "granted its vote",
    },
    // a question about a promise, in the name of a peer
    Bug {
        chapter: "06-consensus",
        module: "raft",
        edits: &[
            (
                "if term > self.ballot.term {\n            self.follow",
                "let is_new = term > self.ballot.term;\n        if is_new {\n            self.follow",
            ),
            (
                "out.send(from, Message::Vote { term: self.ballot.term, granted, pre_vote: false });",
                "if granted && is_new {\n out.save(BALLOT, &self.ballot);\n out.sync();\n }\n\
                 out.send(from, Message::Vote { term: self.ballot.term, granted, pre_vote: false });",
            ),
            (
                "self.set_ballot(Ballot { voted_for: Some(candidate), ..self.ballot }, out);",
                "self.ballot.voted_for = Some(candidate);",
            ),
        ],
        check: "6/raft_persist/promises-survive",
        test: "replay_raft_persist_promises_survive",
        says: "voted twice",
    },
    // something that never happens
    Bug {
        chapter: "07-logical-clocks",
        module: "lamport",
        edits: &[("Request::Local => out.emit(Event::Local { stamp }),", "Request::Local => _ = stamp,")],
        check: "7/lamport/clock-condition",
        test: "replay_lamport_clock_condition",
        says: "still the same run",
    },
    // one question to a function, and one whose question is a whole run
    Bug {
        chapter: "02-failure-and-time",
        module: "classify",
        edits: &[("*due + evidence.delta < arrival.at", "*due + evidence.delta * 2 < arrival.at")],
        check: "2/classify/clockwork",
        test: "replay_classify_clockwork",
        says: "right: Timing",
    },
    Bug {
        chapter: "07-logical-clocks",
        module: "happens_before",
        edits: &[("(a.life, a.place) < (b.life, b.place)", "a.place < b.place")],
        check: "7/happens_before/transitive",
        test: "replay_happens_before_transitive",
        says: "right: ",
    },
    // code that breaks off
    Bug {
        chapter: "07-logical-clocks",
        module: "lamport",
        edits: &[(
            "self.time = self.time.max(seen) + 1;",
            "assert!(seen == 0, \"a stamp from elsewhere\"); self.time += 1;",
        )],
        check: "7/lamport/clock-condition",
        test: "replay_lamport_clock_condition",
        says: "a stamp from elsewhere",
    },
];

#[test]
fn it_fails_as_long_as_the_bug_is_there_and_passes_without_it() {
    let student = Student::new();
    for Bug { chapter, module, edits, check, test, says } in BUGS {
        student.writes(chapter, module, edits);
        let replayed = student.says(&["replay", check, "--test"]);
        assert_eq!(replayed.code, 1, "{replayed}");
        assert!(replayed.stdout.ends_with(&format!("    cargo test --test {test}\n")), "{replayed}");
        let file = student.folder().join(chapter).join("tests").join(format!("{test}.rs"));
        let written = fs::read_to_string(file).expect("it is written");
        if ["7/lamport/restart", "6/raft_election/rules-vote", "2/classify/clockwork"].contains(check) {
            insta::assert_snapshot!(*test, written);
        }
        let run = || student.cargo(&["test", "--offline", "--test", test]);
        let (succeeded, said) = run();
        assert!(
            !succeeded && said.contains("test result: FAILED") && said.contains(says),
            "{written}\n{said}"
        );
        assert!(!said.contains("warning:"), "{said}");
        student.writes(chapter, module, &[]);
        let (succeeded, said) = run();
        assert!(succeeded && said.contains("1 passed"), "{written}\n{said}");
    }
}

#[test]
fn a_workspace_whose_tests_cannot_find_the_kernel_is_told_what_to_add() {
    let student = Student::new();
    let manifest = student.folder().join("07-logical-clocks/Cargo.toml");
    let text = fs::read_to_string(&manifest).expect("it was just written");
    let (older, _) = text.split_once("[dev-dependencies]").expect("tests need more than the code");
    fs::write(&manifest, older).expect("written");
    insta::assert_snapshot!(student.says(&["replay", "7/lamport/restart", "--test"]));
}
