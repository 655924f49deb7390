//! Kernels that do not do as they should. Included by the test programs that need one.

use seccompiler::{BpfProgram, SeccompAction, SeccompFilter};
use std::collections::BTreeMap;

/// A filter under which these calls are answered with this error; with 0, it lies: nothing is done.
pub(crate) fn that_fails(calls: &[i64], errno: i32) -> BpfProgram {
    let rules: BTreeMap<i64, Vec<_>> = calls.iter().map(|call| (*call, Vec::new())).collect();
    let arch = std::env::consts::ARCH.try_into().expect("there are filters for it");
    let refuse = SeccompAction::Errno(errno.unsigned_abs());
    let filter = SeccompFilter::new(rules, SeccompAction::Allow, refuse, arch).expect("a filter");
    filter.try_into().expect("a short one")
}
