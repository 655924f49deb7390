//! `faultlines watch` in a terminal of its own, and `faultlines soak`.

use crate::daily::Student;
use crate::{cache, faultlines};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{LocalModes, tcgetattr};
use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::process::{Child, Command};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

/// Longer than anything here takes on a machine that is very busy: a test that waits so long fails.
const PATIENCE: Duration = Duration::from_secs(300);

/// A terminal with `faultlines watch` in it.
struct Terminal {
    keyboard: File,
    /// The end that a program in this terminal has.
    inside: File,
    shown: Receiver<Vec<u8>>,
    /// What was shown and not looked for yet.
    text: String,
    watch: Child,
}
impl Terminal {
    fn new(student: &Student, args: &[&str]) -> Terminal {
        let outside = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("a terminal");
        grantpt(&outside).expect("ours");
        unlockpt(&outside).expect("ours");
        let name = ptsname(&outside, Vec::new()).expect("it has a name").into_string().expect("UTF-8");
        let inside = OpenOptions::new().read(true).write(true).open(name).expect("the other end");
        let end = || inside.try_clone().expect("one more");
        let watch = Command::new(env!("CARGO_BIN_EXE_faultlines"))
            .arg("watch")
            .args(args)
            .current_dir(student.folder())
            .env("FAULTLINES_CACHE", cache())
            .env("NO_COLOR", "1")
            .env_remove("CI")
            .env_remove("FAULTLINES_SEED_KEY")
            .stdin(end())
            .stdout(end())
            .stderr(end())
            .spawn()
            .expect("the binary was built for this test");
        let keyboard = File::from(outside);
        let mut screen = keyboard.try_clone().expect("one more");
        let (sender, shown) = channel();
        std::thread::spawn(move || {
            let mut bytes = [0; 4096];
            while let Ok(many) = screen.read(&mut bytes) {
                if many == 0 || sender.send(bytes[..many].to_vec()).is_err() {
                    return;
                }
            }
        });
        Terminal { keyboard, inside, shown, text: String::new(), watch }
    }
    /// Waits until this is shown; returns what was shown up to it.
    fn shows(&mut self, wanted: &str) -> String {
        loop {
            if let Some(at) = self.text.find(wanted) {
                let rest = self.text.split_off(at + wanted.len());
                return std::mem::replace(&mut self.text, rest);
            }
            match self.shown.recv_timeout(PATIENCE) {
                Ok(bytes) => self.text.push_str(&String::from_utf8_lossy(&bytes)),
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {
                    panic!("`{wanted}` is not shown; what is: {}", self.text)
                }
            }
        }
    }
    fn press(&mut self, key: u8) {
        self.keyboard.write_all(&[key]).expect("a terminal");
    }
    /// Whether lines are edited and shown by the terminal, as a shell wants it.
    fn is_as_it_was(&self) -> bool {
        let modes = tcgetattr(&self.inside).expect("a terminal").local_modes;
        modes.contains(LocalModes::ICANON | LocalModes::ECHO)
    }
}
impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.watch.kill(); // it has ended
        let _ = self.watch.wait();
    }
}

const FOOT: &str = "q quit";

#[test]
fn what_is_saved_is_graded_and_keys_do_what_they_say() {
    let student = Student::new();
    let mut terminal = Terminal::new(&student, &["7"]);
    terminal.shows("Grading 7/happens_before");
    terminal.shows(FOOT);
    assert!(!terminal.is_as_it_was(), "keys come one at a time");

    // another exercise is saved, and is graded
    student.writes("07-logical-clocks", "lamport", &[]);
    terminal.shows("Grading 7/lamport");
    assert!(terminal.shows(FOOT).contains("16 of 16 XP"));

    // the same text once more is no change; by rename, as many editors do, it is one
    student.writes("07-logical-clocks", "lamport", &[]);
    let src = student.folder().join("07-logical-clocks/src");
    let text = std::fs::read_to_string(src.join("lamport.rs")).expect("it is there");
    let new = src.join(".lamport.rs.new");
    std::fs::write(&new, text.replace("self.time.max(seen) + 1", "self.time.max(seen)")).expect("written");
    std::fs::rename(&new, src.join("lamport.rs")).expect("renamed");
    terminal.shows("Grading 7/lamport");
    let graded = terminal.shows(FOOT);
    assert!(graded.contains("clock-condition"), "{graded}");

    terminal.press(b'h');
    terminal.shows("Hint 1 of 3 for 7/lamport");
    terminal.press(b'h');
    terminal.shows("Hint 2 of 3 for 7/lamport");
    terminal.press(b'r');
    terminal.shows("✘ 7/lamport/clock-condition");
    terminal.shows(FOOT);

    // a save during a grade ends it, and a key that is pressed meanwhile is not lost
    std::fs::write(src.join("lamport.rs"), &text).expect("written");
    terminal.shows("Grading 7/lamport");
    std::fs::write(src.join("lamport.rs"), format!("{text}\n")).expect("written");
    terminal.press(b'r');
    terminal.shows("Grading 7/lamport");
    terminal.shows("16 of 16 XP");
    terminal.shows("No check of 7/lamport failed in its last grade.");

    terminal.press(b'q');
    let ended = terminal.watch.wait().expect("it ends");
    assert!(ended.success(), "{ended}");
    assert!(terminal.is_as_it_was(), "the terminal is given back");
}

#[test]
fn an_interrupted_watch_gives_the_terminal_back() {
    let student = Student::new();
    let mut terminal = Terminal::new(&student, &["7/lamport", "--poll"]);
    terminal.shows(FOOT);
    let pid = rustix::process::Pid::from_child(&terminal.watch);
    rustix::process::kill_process(pid, rustix::process::Signal::INT).expect("it runs");
    let ended = terminal.watch.wait().expect("it ends");
    assert_eq!(ended.code(), Some(130));
    assert!(terminal.is_as_it_was());
}

#[test]
fn nothing_to_watch() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    insta::assert_snapshot!("watch_outside_a_workspace", crate::faultlines_in(dir.path(), &["watch"]));
    insta::assert_snapshot!("help_watch", faultlines(&["help", "watch"]));
}

#[test]
fn a_soak_goes_on_under_other_seeds_and_tells_what_fails() {
    let student = Student::new();
    student.writes("07-logical-clocks", "lamport", &[]);
    let soaked = student.says(&["soak", "7/lamport", "--for", "1s"]);
    assert_eq!(soaked.code, 0, "{soaked}");
    assert!(soaked.stdout.starts_with("✔ 7/lamport: no promise was broken in "), "{soaked}");
    // a wrong clock, and nothing is booked
    student.writes("07-logical-clocks", "lamport", &[("self.time.max(seen) + 1", "self.time.max(seen)")]);
    let soaked = student.says(&["soak", "7/lamport", "--for", "1s"]);
    assert_eq!(soaked.code, 1, "{soaked}");
    assert!(soaked.stdout.contains("✘ clock-condition"), "{soaked}");
    assert!(soaked.stdout.contains("No XP are booked by a soak."), "{soaked}");
    assert!(!student.folder().join(".faultlines/progress.toml").exists());
    // the failure is seen again
    let again = student.says(&["replay"]);
    assert!(again.stdout.starts_with("✘ 7/lamport/clock-condition"), "{again}");
    // what is not started, and no time
    insta::assert_snapshot!("soak_of_a_skeleton", student.says(&["soak", "7/hlc", "--for", "1s"]));
    insta::assert_snapshot!("soak_for_no_time", student.says(&["soak", "7/hlc", "--for", "3d"]));
    insta::assert_snapshot!("help_soak", faultlines(&["help", "soak"]));
}
