//! Keys, one at a time: the terminal is told not to wait for the end of a line, and is given back as it was on every way out.

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::stdio::stdin;
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};
use std::io::IsTerminal;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex};

/// What `watch` waits for.
pub(crate) enum Input {
    /// Something happened to these files.
    Saved(Vec<PathBuf>),
    /// A key was pressed.
    Key(u8),
    /// Files cannot be watched any longer.
    Lost(String),
}

/// How the terminal was found, while it is otherwise.
static FOUND: Mutex<Option<Termios>> = Mutex::new(None);
/// How long a key is waited for before it is looked whether somebody else has the terminal, in milliseconds.
const LOOK_MS: i64 = 50;

/// Listens to the keyboard.
pub(crate) struct Keys {
    sender: Sender<Input>,
    paused: Arc<AtomicBool>,
}
impl Keys {
    /// Listens, and tells the loop of each key. None where standard input is no terminal.
    pub(crate) fn listen(sender: Sender<Input>) -> Option<Keys> {
        if !std::io::stdin().is_terminal() || !take() {
            return None;
        }
        let paused = Arc::new(AtomicBool::new(false));
        let (to_loop, is_paused) = (sender.clone(), Arc::clone(&paused));
        std::thread::Builder::new()
            .name("keys".to_owned())
            .spawn(move || {
                loop {
                    let keyboard = stdin();
                    let mut ready = [PollFd::new(&keyboard, PollFlags::IN)];
                    let soon = Timespec { tv_sec: 0, tv_nsec: LOOK_MS * 1_000_000 };
                    let is_ready = poll(&mut ready, Some(&soon)).is_ok_and(|many| many > 0);
                    if is_paused.load(Ordering::Acquire) {
                        std::thread::sleep(std::time::Duration::from_millis(LOOK_MS as u64));
                        continue;
                    }
                    let mut key = [0];
                    match is_ready.then(|| rustix::io::read(stdin(), &mut key)) {
                        None => {}
                        Some(Ok(1)) if to_loop.send(Input::Key(key[0])).is_ok() => {}
                        // the terminal is gone, or the loop is
                        Some(_) => {
                            let _ = to_loop.send(Input::Key(b'q'));
                            return;
                        }
                    }
                }
            })
            .ok()?;
        Some(Keys { sender, paused })
    }
    /// Puts an input back in line.
    pub(crate) fn again(&self, input: Input) {
        let _ = self.sender.send(input); // the loop has ended
    }
    /// Leaves the terminal to another program until what this returns is dropped.
    pub(crate) fn pause(&self) -> Paused<'_> {
        self.paused.store(true, Ordering::Release);
        give_back();
        Paused { keys: self }
    }
}
/// The terminal is somebody else's.
pub(crate) struct Paused<'a> {
    keys: &'a Keys,
}
impl Drop for Paused<'_> {
    fn drop(&mut self) {
        take();
        self.keys.paused.store(false, Ordering::Release);
    }
}

/// Makes the terminal hand over each key at once, and show none. Whether it does.
fn take() -> bool {
    let Ok(found) = tcgetattr(stdin()) else { return false };
    let mut own = found.clone();
    own.local_modes &= !(LocalModes::ICANON | LocalModes::ECHO);
    if let Ok(mut kept) = FOUND.lock() {
        kept.get_or_insert(found);
    }
    tcsetattr(stdin(), OptionalActions::Now, &own).is_ok()
}
/// Gives the terminal back as it was found, if it was taken.
pub(crate) fn give_back() {
    if let Ok(mut kept) = FOUND.lock()
        && let Some(found) = kept.take()
    {
        let _ = tcsetattr(stdin(), OptionalActions::Now, &found); // it is gone
    }
}
