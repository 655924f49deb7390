//! Starting a guest: what is set between fork and exec, so that it holds before the first instruction.

use std::ffi::CString;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// What a guest may allocate, in bytes: many times what a thousand sound nodes take, so that only a flood meets it.
pub(crate) const MEMORY_MAX: u64 = 512 << 20;
/// Its address space, in bytes; more, for not all that is reserved is used.
const ADDRESSES_MAX: u64 = 1 << 30;
/// Its stack, in bytes, whatever the user's own limit: a recursion overflows at the same depth everywhere.
const STACK: u64 = 8 << 20;
/// Descriptors that it may have open.
const FILES_MAX: u64 = 32;

/// Starts a guest, with pipes to its standard input and output.
pub(crate) fn start(binary: &Path) -> io::Result<Child> {
    let (Some(dir), Some(name)) = (binary.parent(), binary.file_name()) else {
        return Err(io::ErrorKind::InvalidInput.into());
    };
    // A name of the same length everywhere: it lies on the guest's stack, and moves all that follows.
    let mut command = Command::new(Path::new(".").join(name));
    command.arg0("lane").env_clear();
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    let dir = CString::new(dir.as_os_str().as_bytes())?;
    let parent = std::process::id();
    // SAFETY: only async-signal-safe calls between fork and exec, and no allocation.
    unsafe {
        command.pre_exec(move || {
            // SAFETY: a string that ends in 0.
            if libc::chdir(dir.as_ptr()) != 0 {
                return Err(io::Error::last_os_error());
            }
            limit()?;
            fix_addresses();
            die_with(parent)
        });
    }
    command.spawn()
}

fn limit() -> io::Result<()> {
    use rustix::process::{Resource, Rlimit, setrlimit};
    let limits = [
        (Resource::Core, 0),
        (Resource::Fsize, 0),
        (Resource::Nofile, FILES_MAX),
        (Resource::Stack, STACK),
        (Resource::Data, MEMORY_MAX),
        (Resource::As, ADDRESSES_MAX),
    ];
    for (resource, most) in limits {
        setrlimit(resource, Rlimit { current: Some(most), maximum: Some(most) })?;
    }
    Ok(())
}

/// A container may forbid it; the guest says whether it holds.
fn fix_addresses() {
    #[cfg(target_os = "linux")]
    // SAFETY: no memory is involved.
    unsafe {
        libc::personality(libc::ADDR_NO_RANDOMIZE as libc::c_ulong);
    }
}

/// Whatever happens to the harness, no guest outlives it.
fn die_with(parent: u32) -> io::Result<()> {
    rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL))?;
    // it may have died before the signal was set
    if rustix::process::getppid().map(|pid| pid.as_raw_nonzero().get().cast_unsigned()) != Some(parent) {
        return Err(io::ErrorKind::NotConnected.into());
    }
    Ok(())
}
