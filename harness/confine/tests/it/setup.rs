//! What cannot be confined does not run.

use crate::where_calls_fail;
use confine::{Confinement, Layers, Resource};
use libc::{
    EINVAL, ENOSYS, EPERM, SYS_chdir, SYS_clone3, SYS_getppid, SYS_landlock_restrict_self, SYS_prctl,
    SYS_prlimit64, SYS_seccomp, SYS_setrlimit, SYS_setsid,
};
use std::env::current_exe;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

const LIMITS: &[(Resource, u64)] = &[(Resource::Core, 0)];

/// A program that leaves a witness beside it.
fn witness(folder: &Path) -> (PathBuf, PathBuf) {
    let (program, witness) = (folder.join("program"), folder.join("witness"));
    fs::write(&program, format!("#!/bin/sh\n: > {}\n", witness.display())).expect("a file");
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).expect("ours");
    (program, witness)
}

#[test]
fn a_layer_that_cannot_be_put_on_is_an_error_before_anything_runs() {
    let folder = tempfile::tempdir().expect("a folder");
    let (program, witness) = witness(folder.path());
    let compiler = |layers| {
        let reads = [folder.path().to_owned()];
        Confinement::compiler(&reads, folder.path(), LIMITS, layers).expect("it is there")
    };
    let node = |layers| Confinement::node(&program, LIMITS, layers).expect("it is there");
    let runs = |confinement: &Confinement| {
        let mut command = Command::new(&program);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        confinement.apply(&mut command);
        match command.spawn() {
            Ok(mut child) => child.wait().is_ok(),
            Err(_) => false,
        }
    };
    // it does run where nothing fails: a script, which no layer but that of files minds
    let plain = Layers { files: false, calls: false, ..Layers::ALL };
    for confinement in [compiler(Layers::ALL), node(plain)] {
        assert!(runs(&confinement) && fs::remove_file(&witness).is_ok());
    }
    let cases: [(&[i64], i32); 6] = [
        (&[SYS_landlock_restrict_self], EPERM),
        (&[SYS_seccomp], EINVAL),
        (&[SYS_prctl], EPERM),
        (&[SYS_setsid], ENOSYS),
        (&[SYS_prlimit64, SYS_setrlimit], EPERM),
        // as if the parent had gone while this process was made
        (&[SYS_getppid], EPERM),
    ];
    for (calls, errno) in cases {
        for confinement in [compiler(Layers::ALL), node(Layers::ALL)] {
            assert!(!where_calls_fail(calls, errno, || runs(&confinement)), "{calls:?}");
            assert!(!witness.exists(), "{calls:?}");
        }
    }
    assert!(!where_calls_fail(&[SYS_chdir], EPERM, || runs(&node(plain))));
    assert!(!witness.exists());
}

#[test]
fn a_node_is_given_a_number_and_nothing_else() {
    let folder = tempfile::tempdir().expect("a folder");
    let (program, _) = witness(folder.path());
    fs::write(&program, "#!/bin/sh\necho \"$# $1\"\n").expect("a file");
    let layers = Layers { files: false, calls: false, ..Layers::ALL };
    let says = |number| {
        let mut command = Command::new(&program);
        command.args(["what", "the", "command", "says"]).stdin(Stdio::null());
        let confinement = Confinement::node_given(&program, number, LIMITS, layers).expect("it is there");
        confinement.apply(&mut command);
        String::from_utf8(command.output().expect("it runs").stdout).expect("a line")
    };
    assert_eq!(says(None), "0 \n");
    assert_eq!(says(Some(0)), "1 0\n");
    assert_eq!(says(Some(u32::MAX)), format!("1 {}\n", u32::MAX));
}

/// This program starts a thread for each test that it runs.
#[test]
fn a_compiler_starts_threads_for_a_call_that_it_may_not_make_is_unknown_to_it() {
    const INNER: &str = "INNER";
    if std::env::var_os(INNER).is_some() {
        return;
    }
    let scratch = tempfile::tempdir().expect("a folder");
    let program = current_exe().expect("a path");
    let passes = |layers| {
        let mut command = Command::new(&program);
        command.args(["setup::a_compiler_starts", "--test-threads=2"]).env(INNER, "").current_dir(&scratch);
        let reads = [program.clone()];
        let jail = Confinement::compiler(&reads, scratch.path(), LIMITS, layers).expect("it is there");
        jail.apply(&mut command);
        let said = command.output().expect("it starts").stdout;
        String::from_utf8_lossy(&said).contains("1 passed")
    };
    assert!(passes(Layers::NONE) && passes(Layers::ALL));
    // told that it may not, std would give up
    assert!(!where_calls_fail(&[SYS_clone3], EPERM, || passes(Layers::NONE)));
    assert!(where_calls_fail(&[SYS_clone3], ENOSYS, || passes(Layers::NONE)));
}
