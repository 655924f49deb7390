//! The one program that a confined process becomes, at addresses that it cannot make its own.
//!
//! A filter of system calls sees addresses, not what lies there. So the name of the program lies in a range of
//! addresses in which the filter lets nobody map anything: `execve` with just these pointers works once.

use std::ffi::{CStr, CString, c_char};
use std::io;
use std::ops::Range;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Where names are put: far from programs, heaps, libraries and stacks, within 39 bits.
const ZONE: Range<u64> = 0x10_0000_0000..0x11_0000_0000;
const PAGE: usize = 1 << 16; // the largest there are
/// No confined process maps this much, in bytes.
pub(crate) const MAPPING_MAX: u64 = 1 << 30;
/// A program that maps memory from here on can reach a name.
pub(crate) const FORBIDDEN: Range<u64> = ZONE.start - MAPPING_MAX..ZONE.end;

/// The environment is empty: room for the pointer that ends it, and what follows.
const ENVIRONMENT_MAX: u64 = 64;

/// All the program gets to see of itself, beside a number where it is given one.
const ARGUMENT: &CStr = c"lane";

/// What is passed to `execve`: the program's name, its arguments, its environment.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pointers(pub(crate) [u64; 3]);

/// A program, to be run in its own folder, so that its name is of the same length everywhere.
#[derive(Debug)]
pub(crate) struct Program {
    dir: CString,
    page: *mut c_char,
}
// SAFETY: the page is written once, before anybody else has it, and unmapped by its owner.
unsafe impl Send for Program {}
// SAFETY: as above.
unsafe impl Sync for Program {}

impl Program {
    /// With a number as its one argument beside its name, if any.
    pub(crate) fn new(binary: &Path, argument: Option<u32>) -> io::Result<Program> {
        let (Some(dir), Some(name)) = (binary.parent(), binary.file_name()) else {
            return Err(io::ErrorKind::InvalidInput.into());
        };
        let dir = if dir.as_os_str().is_empty() { Path::new(".") } else { dir };
        let name = crate::c_string(&Path::new(".").join(name))?;
        let argument = argument.map(|number| CString::new(number.to_string())).transpose()?;
        let page = map()?;
        let program = Program { dir: crate::c_string(dir)?, page };
        let [path, arguments, environment] = program.pointers().0;
        // SAFETY: the page is ours, zeroed and larger than all of this; a file's name has at most 255 bytes.
        unsafe {
            let written = name.as_bytes_with_nul().len().min(1 << 10);
            (path as *mut c_char).copy_from_nonoverlapping(name.as_ptr(), written);
            (arguments as *mut *const c_char).write(ARGUMENT.as_ptr());
            (environment as *mut *const c_char).write(std::ptr::null());
            if let Some(argument) = argument {
                let text = (environment + ENVIRONMENT_MAX) as *mut c_char;
                let bytes = argument.as_bytes_with_nul();
                text.copy_from_nonoverlapping(argument.as_ptr(), bytes.len());
                (arguments as *mut *const c_char).add(1).write(text);
            }
        }
        Ok(program)
    }
    pub(crate) fn pointers(&self) -> Pointers {
        let page = self.page as u64;
        Pointers([page, page + (1 << 11), page + (1 << 12)])
    }
    /// Goes to its folder, and makes addresses in it the same in every run. A container may forbid the latter; the
    /// guest says whether it holds.
    pub(crate) fn prepare(&self) -> io::Result<()> {
        // SAFETY: a string that ends in 0; no other memory is involved.
        unsafe {
            crate::check(libc::chdir(self.dir.as_ptr()).into())?;
            libc::personality(libc::ADDR_NO_RANDOMIZE as libc::c_ulong);
        }
        Ok(())
    }
    /// Becomes the program; or says why not.
    pub(crate) fn exec(&self) -> io::Error {
        let [path, arguments, environment] = self.pointers().0;
        // SAFETY: they were written to the page when it was made, and end as they should.
        unsafe {
            libc::execve(path as *const c_char, arguments as *const _, environment as *const _);
        }
        io::Error::last_os_error()
    }
}
impl Drop for Program {
    fn drop(&mut self) {
        // SAFETY: mapped by `map`, and nobody has a pointer to it any more.
        unsafe { libc::munmap(self.page.cast(), PAGE) };
    }
}

/// A page of the zone.
fn map() -> io::Result<*mut c_char> {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let pages = (ZONE.end - ZONE.start) / PAGE as u64;
    for _ in 0..pages {
        let at = ZONE.start + NEXT.fetch_add(1, Relaxed) % pages * PAGE as u64;
        let protection = libc::PROT_READ | libc::PROT_WRITE;
        let how = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_FIXED_NOREPLACE;
        // SAFETY: it replaces no mapping.
        let page = unsafe { libc::mmap(at as *mut _, PAGE, protection, how, -1, 0) };
        if page as u64 == at {
            return Ok(page.cast());
        }
        let error = io::Error::last_os_error();
        if page != libc::MAP_FAILED {
            // SAFETY: a kernel that does not know the flag has mapped elsewhere.
            unsafe { libc::munmap(page, PAGE) };
        } else if error.raw_os_error() != Some(libc::EEXIST) {
            return Err(error);
        }
    }
    Err(io::ErrorKind::OutOfMemory.into())
}
