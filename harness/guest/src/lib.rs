//! The runtime inside the process that runs student code: takes commands from one pipe, answers on another.
//!
//! It is linked into guests alone, by the `main.rs` that the harness writes.

use lab::frame::{self, Command, Hello};
use lab::{Exercise, Hosted, Role};
use std::fs::File;
use std::io::{self, Write};
use std::os::fd::{FromRawFd, OwnedFd};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// A frame of replies is sent when it is this long, in bytes, though more are due.
const FRAME_SOFT_LIMIT: usize = 1 << 20;

/// Serves the roles of these exercises until the harness closes the pipe.
///
/// Standard input and output are the pipes; what student code prints goes nowhere.
pub fn serve(exercises: Vec<Exercise>) {
    // Exit quietly: the harness sees the closed pipe, and who else would read a message?
    let _ = run(exercises.into_iter().flat_map(|exercise| exercise.roles).collect());
}

fn run(roles: Vec<Role>) -> io::Result<()> {
    let (mut from, mut to) = pipes()?;
    lab::note_panics();
    let mut out = Vec::new();
    frame::begin(&mut out);
    let roles_named = roles.iter().map(|role| role.name().to_owned()).collect();
    frame::encode_into(&Hello { version: frame::VERSION, roles: roles_named }, &mut out);
    frame::send(&mut to, &mut out)?;

    let mut slots: Vec<Option<Box<dyn Hosted>>> = Vec::new();
    let mut commands = Vec::new();
    while frame::receive(&mut from, &mut commands)? {
        let mut rest = &commands[..];
        frame::begin(&mut out);
        while !rest.is_empty() {
            let command = frame::take(&mut rest)
                .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "not a command of this version"))?;
            obey(command, &roles, &mut slots, &mut out);
            if out.len() > FRAME_SOFT_LIMIT {
                send_capped(&mut to, &mut out)?;
                frame::begin(&mut out);
            }
        }
        if out.len() > 4 {
            send_capped(&mut to, &mut out)?;
        }
    }
    Ok(())
}

/// A single reply may be too long for a frame; then the pipe is closed, which costs the world that did it.
fn send_capped(to: &mut impl Write, out: &mut [u8]) -> io::Result<()> {
    if out.len() - 4 > frame::MAX_FRAME {
        return Err(io::Error::other("a reply is over the limit of a frame"));
    }
    frame::send(to, out)
}

fn obey(command: Command<'_>, roles: &[Role], slots: &mut Vec<Option<Box<dyn Hosted>>>, out: &mut Vec<u8>) {
    match command {
        Command::Start { slot, role, context, start } => {
            let slot = slot as usize;
            if slots.len() <= slot {
                slots.resize_with(slot + 1, || None);
            }
            forget(&mut slots[slot]);
            slots[slot] = roles[role as usize].start(context, start, out);
        }
        Command::Step { slot, context, event } => {
            let node = slots.get_mut(slot as usize).and_then(Option::as_mut);
            node.expect("the harness steps only what it started").step(context, event, out);
        }
        Command::Drop { slot } => {
            if let Some(slot) = slots.get_mut(slot as usize) {
                forget(slot);
            }
        }
    }
}

/// A node's `Drop` is student code too.
fn forget(node: &mut Option<Box<dyn Hosted>>) {
    let node = node.take();
    let _ = catch_unwind(AssertUnwindSafe(|| drop(node)));
}

/// Moves the pipes away from descriptors 0 and 1, which then lead to `/dev/null`.
fn pipes() -> io::Result<(File, File)> {
    let null = File::options().read(true).write(true).open("/dev/null")?;
    let mut moved = Vec::new();
    for descriptor in [0, 1] {
        // SAFETY: plain system calls on descriptors that the harness opened for this process.
        let copy = unsafe { libc::fcntl(descriptor, libc::F_DUPFD_CLOEXEC, 3) };
        if copy < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: `copy` is a descriptor of our own, just made.
        moved.push(unsafe { OwnedFd::from_raw_fd(copy) });
        // SAFETY: as above; both are open.
        if unsafe { libc::dup2(std::os::fd::AsRawFd::as_raw_fd(&null), descriptor) } < 0 {
            return Err(io::Error::last_os_error());
        }
    }
    let to = moved.pop().expect("two were pushed");
    let from = moved.pop().expect("two were pushed");
    Ok((from.into(), to.into()))
}
