//! The calls of the system that a guest still needs when it has come up: next to none.
//!
//! What starts a program opens its libraries, changes its folder and asks who it is. None of that is needed once nodes are
//! served, and each is something that a node could learn from or leave behind: the time of the machine in a descriptor's times,
//! a folder or a descriptor that the next node finds. So the guest itself takes them away before it greets. Where no filter
//! confines it, which is for debugging one's own code, it leaves all as it is.

#[cfg(target_os = "linux")]
pub(crate) use linux::give_up;

#[cfg(not(target_os = "linux"))]
pub(crate) fn give_up() -> bool {
    true
}

#[cfg(target_os = "linux")]
mod linux {
    use libc::{
        BPF_ABS, BPF_JEQ, BPF_JMP, BPF_JSET, BPF_K, BPF_LD, BPF_RET, BPF_W, SECCOMP_RET_ALLOW,
        SECCOMP_RET_ERRNO, c_long, sock_filter, sock_fprog,
    };

    /// Memory, its pipes, its end.
    const NEEDED: [c_long; 21] = [
        libc::SYS_read,
        libc::SYS_write,
        libc::SYS_writev,
        libc::SYS_futex,
        libc::SYS_brk,
        libc::SYS_munmap,
        libc::SYS_mremap,
        libc::SYS_madvise,
        libc::SYS_close,
        libc::SYS_rt_sigaction,
        libc::SYS_rt_sigprocmask,
        libc::SYS_rt_sigreturn,
        libc::SYS_sigaltstack,
        libc::SYS_restart_syscall,
        libc::SYS_sched_yield,
        libc::SYS_getpid,
        libc::SYS_gettid,
        libc::SYS_tgkill,
        libc::SYS_set_robust_list,
        libc::SYS_exit,
        libc::SYS_exit_group,
    ];
    /// These too, of memory that no code runs in.
    const NOT_TO_RUN: [c_long; 2] = [libc::SYS_mmap, libc::SYS_mprotect];

    /// Where a filter finds the number of a call, and the lower half of its third argument.
    const NUMBER: u32 = 0;
    const THIRD: u32 = if cfg!(target_endian = "little") { 16 + 2 * 8 } else { 16 + 2 * 8 + 4 };

    /// Whether what is not needed any more is refused from here on, or nothing confines this process anyway.
    pub(crate) fn give_up() -> bool {
        // SAFETY: no memory is involved.
        let confined = unsafe {
            libc::prctl(libc::PR_GET_SECCOMP, 0, 0, 0, 0) == libc::SECCOMP_MODE_FILTER as i32
                && libc::prctl(libc::PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1
        };
        if !confined {
            return true;
        }
        let mut filter = filter();
        let program =
            sock_fprog { len: u16::try_from(filter.len()).unwrap_or(u16::MAX), filter: filter.as_mut_ptr() };
        // SAFETY: a program of this length, which lives for longer than the call.
        unsafe { libc::prctl(libc::PR_SET_SECCOMP, libc::SECCOMP_MODE_FILTER, &raw const program) == 0 }
    }

    fn filter() -> Vec<sock_filter> {
        let instruction = |code: u32, k: u32| sock_filter { code: code as u16, jt: 0, jf: 0, k };
        let load = |k: u32| instruction(BPF_LD | BPF_W | BPF_ABS, k);
        let refuse = instruction(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | libc::EPERM as u32);
        let allow = instruction(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
        let is = |call: c_long| instruction(BPF_JMP | BPF_JEQ | BPF_K, call as u32);
        let mut filter = vec![load(NUMBER)];
        // the answers follow these: refuse, look at the third argument, allow
        let (needed, to_look_at) = (NEEDED.len(), NOT_TO_RUN.len());
        for (nth, call) in NEEDED.into_iter().enumerate() {
            filter.push(sock_filter { jt: (needed - nth - 1 + to_look_at + 3) as u8, ..is(call) });
        }
        for (nth, call) in NOT_TO_RUN.into_iter().enumerate() {
            filter.push(sock_filter { jt: (to_look_at - nth - 1 + 1) as u8, ..is(call) });
        }
        filter.push(refuse);
        filter.push(load(THIRD));
        filter.push(sock_filter { jt: 1, ..instruction(BPF_JMP | BPF_JSET | BPF_K, libc::PROT_EXEC as u32) });
        filter.push(allow);
        filter.push(refuse);
        filter
    }
}
