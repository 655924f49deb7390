//! Probes find out what holds by trying, whatever the kernel claims.

use crate::where_calls_fail;
use confine::Barrier::{self, Calls, Descriptors, Files, Memory, Outliving, Signals};
use confine::{is_strict, probe};
use libc::{
    ENOSYS, EPERM, SYS_close_range, SYS_landlock_add_rule, SYS_landlock_create_ruleset,
    SYS_landlock_restrict_self, SYS_prctl, SYS_prlimit64, SYS_seccomp, SYS_setrlimit,
};

#[test]
fn a_barrier_stands_where_it_is_seen_to_stand() {
    /// The call is answered with success, and nothing is done.
    const LIES: i32 = 0;
    let limits = &[SYS_prlimit64, SYS_setrlimit];
    let cases: [(&[i64], i32, &[Barrier]); 13] = [
        (&[], 0, &[]),
        (&[SYS_landlock_create_ruleset], ENOSYS, &[Files, Signals]),
        (&[SYS_landlock_add_rule], EPERM, &[Files, Signals]),
        (&[SYS_landlock_restrict_self], EPERM, &[Files, Signals]),
        (&[SYS_landlock_restrict_self], LIES, &[Files, Signals]),
        (&[SYS_seccomp], EPERM, &[Calls]),
        (&[SYS_seccomp], LIES, &[Calls]),
        (limits, EPERM, &[Memory]),
        (limits, LIES, &[Memory]),
        (&[SYS_prctl], LIES, &[Outliving]),
        (&[SYS_prctl], EPERM, &[Files, Signals, Calls, Outliving]),
        // there is another way, which takes longer
        (&[SYS_close_range], ENOSYS, &[]),
        (&[SYS_close_range], LIES, &[Descriptors]),
    ];
    for (calls, errno, missing) in cases {
        let found = where_calls_fail(calls, errno, probe).expect("nothing has run out");
        assert_eq!(found.len(), 6);
        let open: Vec<Barrier> =
            found.iter().filter(|(_, holds)| !holds).map(|(barrier, _)| *barrier).collect();
        assert_eq!(open, missing, "where calls {calls:?} answer {errno}");
        assert_eq!(is_strict(&found), !missing.iter().any(|barrier| matches!(barrier, Files | Calls)));
    }
}
