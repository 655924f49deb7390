//! The hash keys of std, found and set: so that the order of a `HashMap` is the world's to say.
//!
//! `RandomState::new()` takes two words that std draws at random once a thread, and adds one to the first.
//! They lie in the thread's block of thread-locals, and every `RandomState` shows what they are: so they can
//! be found there, without a name for them and without interposing anything.

use std::cell::Cell;
use std::hash::{BuildHasher, RandomState};

/// Whether the keys can be found on this platform at all: on Linux with glibc, x86-64 and aarch64. Elsewhere the
/// order of a `HashMap` differs between any two runs.
pub const COVERED: bool = cfg!(all(
    target_os = "linux",
    target_env = "gnu",
    target_pointer_width = "64",
    any(target_arch = "x86_64", target_arch = "aarch64")
));

/// The two words that the next `RandomState` of a thread is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Keys([u64; 2]);
impl Keys {
    /// The first ones of a node: a function of a draw of the world's for its start, and of its name.
    pub(crate) fn of(entropy: u64, node: u32) -> Keys {
        let first = crate::out::mix(entropy ^ crate::out::mix(u64::from(node)));
        Keys([first, crate::out::mix(first ^ 0x6b65_7973)])
    }
}

/// What the draws of a handler are spread with.
pub fn mix(seed: u64) -> u64 {
    crate::out::mix(seed)
}
/// Whether this thread's keys are found, so that nodes have hash orders of their own.
pub fn are_found() -> bool {
    place().is_some()
}

/// Runs `f` with these keys in place of the thread's own, which are put back; what `f` leaves of the keys is
/// kept for the next time. Where they are not found it just runs `f`, which must not unwind.
pub(crate) fn with<T>(keys: &mut Keys, f: impl FnOnce() -> T) -> T {
    let Some(place) = place() else { return f() };
    let own = place.replace(*keys);
    let value = f();
    *keys = place.replace(own);
    value
}

#[derive(Clone, Copy)]
enum Sought {
    NotYet,
    Missing,
    At(Place),
}
thread_local! {
    static SOUGHT: Cell<Sought> = const { Cell::new(Sought::NotYet) };
}
fn place() -> Option<Place> {
    match SOUGHT.get() {
        Sought::At(place) => Some(place),
        Sought::Missing => None,
        Sought::NotYet => {
            let found = Place::find();
            SOUGHT.set(found.map_or(Sought::Missing, Sought::At));
            found
        }
    }
}

/// Where std keeps the keys of this thread.
#[derive(Clone, Copy)]
struct Place(*mut [u64; 2]);
impl Place {
    fn replace(self, keys: Keys) -> Keys {
        // SAFETY: `find` saw that std keeps its `Cell<(u64, u64)>` here. It belongs to this thread, which has
        // kept the pointer in a thread-local, and no reference to the inside of a `Cell` exists. Volatile, for
        // the compiler does not know that std reads here what is written.
        unsafe {
            let old = self.0.read_volatile();
            self.0.write_volatile(keys.0);
            Keys(old)
        }
    }
    fn find() -> Option<Place> {
        let first = words(&RandomState::new())?;
        let second = words(&RandomState::new())?;
        // now they are one more than the second's, in the word that differs
        let counted = (0..2).find(|&word| second[word] == first[word].wrapping_add(1))?;
        let mut next = second;
        next[counted] = next[counted].wrapping_add(1);
        if second[1 - counted] != first[1 - counted] {
            return None;
        }
        let (begin, bytes) = block::of_this_thread()?;
        let mut found = None;
        for at in
            (begin.next_multiple_of(8)..begin + bytes).step_by(8).take_while(|at| at + 16 <= begin + bytes)
        {
            let candidate = at as *mut [u64; 2];
            // SAFETY: all of the block is this thread's, mapped and aligned; volatile, for what is in it is
            // none of the compiler's business here.
            if unsafe { candidate.read_volatile() } == next && found.replace(Place(candidate)).is_some() {
                return None; // twice: which one is it?
            }
        }
        found.filter(|place| place.works(counted))
    }
    /// A map made after the keys are set has them, and they count on.
    fn works(self, counted: usize) -> bool {
        let tried = Keys([0x0123_4567_89ab_cdef, 0xfedc_ba98_7654_3210]);
        let own = self.replace(tried);
        let made = RandomState::new();
        let left = self.replace(own);
        let mut expected = tried.0;
        expected[counted] += 1;
        words(&made) == Some(tried.0)
            && left.0 == expected
            && made.hash_one(7) != RandomState::new().hash_one(7)
    }
}

/// The two words of a `RandomState`, where it is made of two words.
fn words(state: &RandomState) -> Option<[u64; 2]> {
    if size_of::<RandomState>() != size_of::<[u64; 2]>() {
        return None;
    }
    // SAFETY: of one size, and a `RandomState` is two `u64` without padding: any bytes of it are valid words.
    Some(unsafe { std::mem::transmute_copy(state) })
}

/// This thread's block of the program's thread-locals.
#[cfg(all(
    target_os = "linux",
    target_env = "gnu",
    target_pointer_width = "64",
    any(target_arch = "x86_64", target_arch = "aarch64")
))]
mod block {
    use std::ffi::c_ulong;

    const AT_PHDR: c_ulong = 3;
    const AT_PHNUM: c_ulong = 5;
    const PT_TLS: u32 = 7;

    /// `Elf64_Phdr`
    #[repr(C)]
    #[derive(Clone, Copy)]
    struct Header {
        kind: u32,
        flags: u32,
        offset: u64,
        address: u64,
        physical: u64,
        file_bytes: u64,
        memory_bytes: u64,
        align: u64,
    }

    // SAFETY: that is how glibc declares it.
    unsafe extern "C" {
        safe fn getauxval(kind: c_ulong) -> c_ulong;
    }

    /// Where it begins, and how long it is.
    pub(super) fn of_this_thread() -> Option<(usize, usize)> {
        let (headers, count) = (getauxval(AT_PHDR) as *const Header, getauxval(AT_PHNUM) as usize);
        if headers.is_null() {
            return None;
        }
        // SAFETY: the kernel says that the program's headers are there, and so many; they stay as long as it runs.
        let headers = unsafe { std::slice::from_raw_parts(headers, count) };
        let tls = headers.iter().find(|header| header.kind == PT_TLS)?;
        let (bytes, align) =
            (usize::try_from(tls.memory_bytes).ok()?, usize::try_from(tls.align).ok()?.max(1));
        // The program's own block comes first, on the side of the thread pointer that the ABI says.
        let begin = if cfg!(target_arch = "x86_64") {
            thread_pointer().checked_sub(bytes.next_multiple_of(align))?
        } else {
            thread_pointer() + 16_usize.next_multiple_of(align)
        };
        Some((begin, bytes))
    }

    fn thread_pointer() -> usize {
        let pointer: usize;
        #[cfg(target_arch = "x86_64")]
        // SAFETY: on x86-64 Linux the word at fs:0 is the address of the thread's control block, itself.
        unsafe {
            std::arch::asm!("mov {}, fs:0", out(reg) pointer, options(nostack, preserves_flags, readonly));
        }
        #[cfg(target_arch = "aarch64")]
        // SAFETY: reads a register that every program may read.
        unsafe {
            std::arch::asm!("mrs {}, tpidr_el0", out(reg) pointer, options(nostack, nomem, preserves_flags));
        }
        pointer
    }
}
#[cfg(not(all(
    target_os = "linux",
    target_env = "gnu",
    target_pointer_width = "64",
    any(target_arch = "x86_64", target_arch = "aarch64")
)))]
mod block {
    pub(super) fn of_this_thread() -> Option<(usize, usize)> {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    fn order() -> Vec<u32> {
        (0..12).collect::<HashSet<u32>>().into_iter().collect()
    }

    #[test]
    fn they_are_found_where_they_should_be_in_every_thread() {
        assert_eq!(are_found(), COVERED);
        assert_eq!(std::thread::spawn(are_found).join().expect("it does not panic"), COVERED);
    }

    #[test]
    fn two_nodes_by_turns_see_what_each_would_see_alone() {
        if !COVERED {
            return;
        }
        let alone = |node| {
            let mut keys = Keys::of(7, node);
            with(&mut keys, || (order(), order()))
        };
        let (mut one, mut two) = (Keys::of(7, 1), Keys::of(7, 2));
        let one_first = with(&mut one, order);
        let two_first = with(&mut two, order);
        let one_second = with(&mut one, order);
        let two_second = with(&mut two, order);
        assert_eq!((one_first.clone(), one_second), alone(1));
        assert_eq!((two_first.clone(), two_second), alone(2));
        assert_ne!(one_first, two_first);
    }

    #[test]
    fn the_keys_of_the_thread_are_left_alone() {
        are_found(); // to look for them takes some
        let before = words(&RandomState::new()).expect("two words");
        with(&mut Keys::of(1, 1), order);
        let after = words(&RandomState::new()).expect("two words");
        let apart = [after[0].wrapping_sub(before[0]), after[1].wrapping_sub(before[1])];
        assert!(apart == [1, 0] || apart == [0, 1], "{apart:?}");
    }
}
