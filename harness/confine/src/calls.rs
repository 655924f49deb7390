//! Which system calls are answered: seccomp.

use crate::program::{FORBIDDEN, MAPPING_MAX, Pointers};
use seccompiler::SeccompCmpArgLen::{Dword, Qword};
use seccompiler::SeccompCmpOp::{Eq, Ge, Le, Lt, MaskedEq};
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule,
    TargetArch,
};
use std::collections::BTreeMap;
use std::io;

/// Stands in a filter for the process that it is put on.
const OWN_PID: u64 = 0x7f5e_11d5;

/// One filter. Where a process has several, the strictest answer counts.
#[derive(Debug, Clone)]
pub(crate) struct Filter {
    program: BpfProgram,
    /// The instruction that holds [`OWN_PID`].
    own_pid: Option<usize>,
}
impl Filter {
    fn new(listed: Rules, answer: SeccompAction, otherwise: SeccompAction) -> Option<Filter> {
        // a call from another set of calls, such as the 32-bit ones, is the end of the process
        let arch = TargetArch::try_from(std::env::consts::ARCH).ok()?;
        let filter = SeccompFilter::new(listed.0, otherwise, answer, arch)
            .expect("a list of calls makes a filter: it is short and without contradictions");
        let program: BpfProgram = filter.try_into().expect("it fits the kernel's limit");
        let holds_pid = |at: &usize| u64::from(program[*at].k) == OWN_PID;
        let own_pid = (0..program.len()).find(holds_pid);
        Some(Filter { program, own_pid })
    }
    /// Puts it on this process, for good. In a forked child: no allocation.
    pub(crate) fn install(&mut self) -> io::Result<()> {
        if let Some(at) = self.own_pid {
            self.program[at].k = std::process::id();
        }
        let program = libc::sock_fprog {
            len: u16::try_from(self.program.len()).unwrap_or(u16::MAX),
            filter: self.program.as_mut_ptr().cast(),
        };
        // SAFETY: a program of this length, in the layout of `sock_filter`, which lives for longer than the call.
        let installed =
            unsafe { libc::syscall(libc::SYS_seccomp, libc::SECCOMP_SET_MODE_FILTER, 0, &raw const program) };
        crate::check(installed)
    }
}

#[derive(Default)]
struct Rules(BTreeMap<i64, Vec<SeccompRule>>);
impl Rules {
    fn all(mut self, calls: impl IntoIterator<Item = i64>) -> Rules {
        self.0.extend(calls.into_iter().map(|call| (call, Vec::new())));
        self
    }
    /// This call, where one argument of it is so: its place, its length, the comparison, the value.
    fn only(self, call: i64, conditions: &[(u8, SeccompCmpArgLen, SeccompCmpOp, u64)]) -> Rules {
        let conditions = conditions.iter().map(|(argument, length, operator, value)| {
            SeccompCondition::new(*argument, length.clone(), operator.clone(), *value)
                .expect("a call has six arguments")
        });
        let rule = SeccompRule::new(conditions.collect()).expect("there are conditions");
        let mut rules = self;
        rules.0.entry(call).or_default().push(rule);
        rules
    }
}

/// What a node's process needs, once it is the program that these pointers name: memory, its pipes, its own end. It
/// opens files to read; which, is for the other layer to say.
pub(crate) fn node(Pointers([path, arguments, environment]): Pointers) -> Vec<Filter> {
    #[cfg(target_arch = "x86_64")]
    let elsewhere = [libc::SYS_arch_prctl, libc::SYS_poll, libc::SYS_dup2];
    #[cfg(not(target_arch = "x86_64"))]
    let elsewhere = [];
    // to write; or a descriptor of a name alone, which no other layer looks at and which tells how large the file is
    let refused = libc::O_ACCMODE | libc::O_CREAT | libc::O_TRUNC | libc::O_PATH;
    let mut rules = Rules::default()
        .all(elsewhere)
        .all([
            libc::SYS_read,
            libc::SYS_readv,
            libc::SYS_pread64,
            libc::SYS_write,
            libc::SYS_writev,
            libc::SYS_lseek,
            libc::SYS_close,
            libc::SYS_fstat,
            libc::SYS_dup,
            libc::SYS_dup3,
            libc::SYS_ppoll,
            libc::SYS_chdir,
            libc::SYS_brk,
            libc::SYS_munmap,
            libc::SYS_mprotect,
            libc::SYS_madvise,
            libc::SYS_futex,
            libc::SYS_set_robust_list,
            libc::SYS_set_tid_address,
            libc::SYS_rseq,
            libc::SYS_rt_sigaction,
            libc::SYS_rt_sigprocmask,
            libc::SYS_rt_sigreturn,
            libc::SYS_sigaltstack,
            libc::SYS_restart_syscall,
            libc::SYS_getpid,
            libc::SYS_gettid,
            libc::SYS_getrandom,
            libc::SYS_clock_gettime,
            libc::SYS_clock_getres,
            libc::SYS_clock_nanosleep,
            libc::SYS_nanosleep,
            libc::SYS_sched_getaffinity,
            libc::SYS_sched_yield,
            libc::SYS_exit,
            libc::SYS_exit_group,
        ])
        .only(
            libc::SYS_execve,
            &[(0, Qword, Eq, path), (1, Qword, Eq, arguments), (2, Qword, Eq, environment)],
        )
        .only(libc::SYS_openat, &[(2, Dword, MaskedEq(refused as u64), 0)])
        // of what is open, not of what has a name
        .only(libc::SYS_newfstatat, &[(3, Dword, Eq, libc::AT_EMPTY_PATH as u64)])
        .only(libc::SYS_tgkill, &[(0, Dword, Eq, OWN_PID)]) // how a process aborts
        .only(libc::SYS_prlimit64, &[(0, Dword, Eq, 0), (2, Qword, Eq, 0)]) // to ask
        .only(libc::SYS_personality, &[(0, Dword, Eq, 0xffff_ffff)]) // to ask
        .only(libc::SYS_prctl, &[(0, Dword, Eq, libc::PR_SET_TSC as u64)])
        // so that it can give up what it needs no more
        .only(libc::SYS_prctl, &[(0, Dword, Eq, libc::PR_GET_SECCOMP as u64)])
        .only(libc::SYS_prctl, &[(0, Dword, Eq, libc::PR_GET_NO_NEW_PRIVS as u64)])
        .only(
            libc::SYS_prctl,
            &[(0, Dword, Eq, libc::PR_SET_SECCOMP as u64), (1, Dword, Eq, libc::SECCOMP_MODE_FILTER.into())],
        );
    for command in [libc::F_DUPFD_CLOEXEC, libc::F_GETFD, libc::F_SETFD, libc::F_GETFL] {
        rules = rules.only(libc::SYS_fcntl, &[(1, Dword, Eq, command as u64)]);
    }
    // Shared memory would not count against the limit, and outlive this process; what grows by itself grows anywhere.
    let not_so = (libc::MAP_SHARED | libc::MAP_GROWSDOWN) as u64;
    for beside in [(0, Qword, Lt, FORBIDDEN.start), (0, Qword, Ge, FORBIDDEN.end)] {
        let plain = (3, Dword, MaskedEq(not_so), 0);
        rules = rules.only(libc::SYS_mmap, &[beside.clone(), plain, (1, Qword, Le, MAPPING_MAX)]);
        // what has grown to the edge of the zone, and lost its beginning, must not grow on
        let stays = (3, Dword, MaskedEq(libc::MREMAP_FIXED as u64), 0);
        rules = rules.only(libc::SYS_mremap, &[beside, stays, (2, Qword, Le, MAPPING_MAX)]);
    }
    let refuse = SeccompAction::Errno(libc::EPERM as u32);
    let escapes = Rules::default().all(ESCAPES);
    let kill = Filter::new(escapes, SeccompAction::KillProcess, SeccompAction::Allow);
    kill.into_iter().chain(Filter::new(rules, SeccompAction::Allow, refuse)).collect()
}

/// Nobody asks for these by accident: who does is ended.
const ESCAPES: [i64; 30] = [
    libc::SYS_ptrace,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_pidfd_getfd,
    libc::SYS_kcmp,
    libc::SYS_unshare,
    libc::SYS_setns,
    libc::SYS_chroot,
    libc::SYS_pivot_root,
    libc::SYS_mount,
    libc::SYS_umount2,
    libc::SYS_open_tree,
    libc::SYS_move_mount,
    libc::SYS_fsopen,
    libc::SYS_fsmount,
    libc::SYS_open_by_handle_at,
    libc::SYS_bpf,
    libc::SYS_perf_event_open,
    libc::SYS_userfaultfd,
    libc::SYS_io_uring_setup,
    libc::SYS_io_uring_enter,
    libc::SYS_io_uring_register,
    libc::SYS_keyctl,
    libc::SYS_add_key,
    libc::SYS_request_key,
    libc::SYS_init_module,
    libc::SYS_finit_module,
    libc::SYS_delete_module,
    libc::SYS_kexec_load,
    libc::SYS_reboot,
];

/// What a compiler and its linker have no use for. They start threads and processes, and no code of a submission runs
/// in them; this is for the day on which one of them can be made to.
pub(crate) fn compiler() -> Vec<Filter> {
    let refused = Rules::default()
        .all(ESCAPES)
        .all([
            libc::SYS_socket,
            libc::SYS_socketpair,
            libc::SYS_connect,
            libc::SYS_bind,
            libc::SYS_listen,
            libc::SYS_accept,
            libc::SYS_accept4,
            libc::SYS_memfd_create,
            libc::SYS_execveat,
            libc::SYS_shmget,
            libc::SYS_semget,
            libc::SYS_msgget,
            libc::SYS_mq_open,
            // a process that leaves the group is not killed with it
            libc::SYS_setsid,
            libc::SYS_setpgid,
        ])
        .only(libc::SYS_clone, &[(0, Qword, MaskedEq(NEW_USER), NEW_USER)]);
    // It takes its flags from memory, which no filter sees. A libc that is told that there is no such call uses `clone`;
    // told that it may not, it would give up.
    let unknown = Rules::default().all([libc::SYS_clone3]);
    let refuse = |errno: i32| SeccompAction::Errno(errno as u32);
    let unknown = Filter::new(unknown, refuse(libc::ENOSYS), SeccompAction::Allow);
    let refused = Filter::new(refused, refuse(libc::EPERM), SeccompAction::Allow);
    unknown.into_iter().chain(refused).collect()
}
/// Without this namespace an unprivileged process gets no other.
const NEW_USER: u64 = libc::CLONE_NEWUSER as u64;
