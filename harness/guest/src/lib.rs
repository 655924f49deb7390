//! The runtime inside the process that runs student code: takes commands from one pipe, answers on another.
//!
//! It is linked into guests alone, by the `main.rs` that the harness writes: it takes the place of libc's clocks,
//! and would stop those of anything else it were linked into. On Linux with glibc, x86-64 and aarch64, that is;
//! elsewhere std's clocks, threads and randomness are the machine's, which [`Covered`](lab::frame::Covered) says.

mod calls;
#[cfg_attr(
    not(all(target_os = "linux", target_env = "gnu", any(target_arch = "x86_64", target_arch = "aarch64"))),
    expect(dead_code, reason = "nothing asks for it without the shim")
)]
mod moment;
mod printing;
mod process;
#[cfg(all(target_os = "linux", target_env = "gnu", any(target_arch = "x86_64", target_arch = "aarch64")))]
mod selftest;
#[cfg(all(target_os = "linux", target_env = "gnu", any(target_arch = "x86_64", target_arch = "aarch64")))]
mod shim;
#[cfg(not(all(
    target_os = "linux",
    target_env = "gnu",
    any(target_arch = "x86_64", target_arch = "aarch64")
)))]
mod selftest {
    use crate::process;
    use lab::frame::Covered;

    /// There is no shim here: nothing of it can be at fault.
    pub(crate) fn run() -> (Vec<String>, Covered) {
        let cycle_counter = process::refuse_cycle_counter();
        let addresses = process::has_fixed_addresses();
        (Vec::new(), Covered { hash_keys: lab::keys::are_found(), clocks: false, addresses, cycle_counter })
    }
}

use lab::frame::{self, Command, Farewell, Hello, Inbox, Token};
use lab::{Exercise, Hosted, Role};
use std::fs::File;
use std::io::Write;
use std::os::fd::{FromRawFd, OwnedFd};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// A frame of replies is sent when it is this long, in bytes, though more are due.
const FRAME_SOFT_LIMIT: usize = 1 << 20;
/// No batch is larger.
const SLOTS_MAX: usize = 1 << 20;

/// Serves the roles of these exercises until the harness closes the pipe.
///
/// Standard input and output are the pipes; what student code prints goes to standard error where that is a pipe, too,
/// and nowhere else.
pub fn serve(exercises: Vec<Exercise>) {
    let roles = exercises.into_iter().flat_map(|exercise| exercise.roles).collect();
    // The pipes stay open to the last: a guest that has closed them and lives is as good as dead, and killed.
    let mut pipes = pipes();
    let ran = match &mut pipes {
        Ok((from, to)) => run(roles, from, to),
        Err(farewell) => Err(*farewell),
    };
    // Exit quietly: the harness sees the code, and who else would read a message?
    if let Err(farewell) = ran {
        std::process::exit(farewell as i32);
    }
}

fn run(roles: Vec<Role>, from: &mut File, to: &mut File) -> Result<(), Farewell> {
    lab::note_panics();
    process::tell_deaths_apart();
    printing::prepare();
    let (mut faults, covered) = selftest::run();
    if !calls::give_up() {
        faults.push("system calls that a node does not need cannot be given up".to_owned());
    }
    let mut out = Vec::new();
    frame::begin(&mut out);
    let roles_named = roles.iter().map(|role| role.name().to_owned()).collect();
    frame::encode_into(&Hello { version: frame::VERSION, roles: roles_named, faults, covered }, &mut out);
    frame::send(to, &mut out)?;

    let mut slots: Vec<Option<Box<dyn Hosted>>> = Vec::new();
    let mut inbox = Inbox::default();
    while let Some(mut rest) = inbox.receive(from)? {
        let token = Token::take(&mut rest).ok_or(Farewell::Confused)?;
        let begin = |out: &mut Vec<u8>| {
            out.clear();
            frame::begin(out);
            token.put(out);
            out.len()
        };
        let empty = begin(&mut out);
        while !rest.is_empty() {
            let command = frame::take(&mut rest).ok_or(Farewell::Confused)?;
            printing::begin();
            obey(command, &roles, &mut slots, &mut out)?;
            printing::end();
            if out.len() > FRAME_SOFT_LIMIT {
                send_capped(to, &mut out)?;
                begin(&mut out);
            }
        }
        if out.len() > empty {
            send_capped(to, &mut out)?;
        }
    }
    Ok(())
}

/// A single reply may be too long for a frame; then the process ends, which costs the world that did it.
fn send_capped(to: &mut impl Write, out: &mut [u8]) -> Result<(), Farewell> {
    if out.len() - 4 > frame::MAX_FRAME {
        return Err(Farewell::TooLong);
    }
    Ok(frame::send(to, out)?)
}

fn obey(
    command: Command<'_>,
    roles: &[Role],
    slots: &mut Vec<Option<Box<dyn Hosted>>>,
    out: &mut Vec<u8>,
) -> Result<(), Farewell> {
    match command {
        Command::Start { slot, role, context, start } => {
            let role = roles.get(usize::from(role)).ok_or(Farewell::Confused)?;
            let slot =
                usize::try_from(slot).ok().filter(|slot| *slot < SLOTS_MAX).ok_or(Farewell::Confused)?;
            if slots.len() <= slot {
                slots.resize_with(slot + 1, || None);
            }
            process::begin();
            moment::begin(&context);
            forget(&mut slots[slot]);
            moment::begin(&context);
            slots[slot] = role.start(context, start, out);
        }
        Command::Step { slot, context, event } => {
            let node = slots.get_mut(slot as usize).and_then(Option::as_mut).ok_or(Farewell::Confused)?;
            process::begin();
            moment::begin(&context);
            node.step(context, event, out);
        }
        Command::Drop { slot } => {
            if let Some(slot) = slots.get_mut(slot as usize) {
                forget(slot);
            }
        }
    }
    Ok(())
}

/// A node's `Drop` is student code too.
fn forget(node: &mut Option<Box<dyn Hosted>>) {
    let node = node.take();
    let _ = catch_unwind(AssertUnwindSafe(|| drop(node)));
}

/// Moves the pipes away from descriptors 0 and 1, which then lead to where standard error does, nowhere; and this
/// process away from the folder it was started in. Nothing is opened to be written: the sandbox would not have it.
fn pipes() -> Result<(File, File), Farewell> {
    std::env::set_current_dir("/")?;
    let silent = File::open("/dev/null")?;
    let mut moved = Vec::new();
    for (descriptor, nowhere) in [(0, std::os::fd::AsRawFd::as_raw_fd(&silent)), (1, 2)] {
        // SAFETY: plain system calls on descriptors that the harness opened for this process.
        let copy = unsafe { libc::fcntl(descriptor, libc::F_DUPFD_CLOEXEC, 3) };
        if copy < 0 {
            return Err(Farewell::Confused);
        }
        // SAFETY: `copy` is a descriptor of our own, just made.
        moved.push(unsafe { OwnedFd::from_raw_fd(copy) });
        // SAFETY: as above; both are open.
        if unsafe { libc::dup2(nowhere, descriptor) } < 0 {
            return Err(Farewell::Confused);
        }
    }
    let to = moved.pop().expect("two were pushed");
    let from = moved.pop().expect("two were pushed");
    Ok((from.into(), to.into()))
}
