//! The processor's own counter would tell a node how long things really take: a guest that reads it dies.
//!
//! Submissions cannot even write this down, for it takes unsafe code.
#![cfg(all(target_os = "linux", target_env = "gnu", target_arch = "x86_64"))]

use lab::frame::{self, Command, Context, Event, Hello, Raw, Reply, Start, Token, Want};
use lab::{Disk, NodeId, RequestId};
use std::io::{Read, Write};
use std::os::unix::process::ExitStatusExt;
use std::process::{self, ExitStatus, Stdio};

const SIGSEGV: i32 = 11;
const TOKEN: Token = Token(*b"a token.");

#[test]
fn a_guest_that_reads_the_counter_dies_and_one_that_does_not_lives() {
    let (replies, ended) = ask("nothing");
    assert!(replies.len() == 2 && ended.success(), "{replies:?}, {ended}");
    let (replies, ended) = ask("counter");
    assert!(replies.is_empty(), "it has read the counter: {replies:?}");
    assert_eq!(ended.signal(), Some(SIGSEGV), "{ended}");
}

/// Starts a node of this role, and has it answer a request.
fn ask(role: &str) -> (Vec<Reply<'static>>, ExitStatus) {
    let mut child = process::Command::new(env!("CARGO_BIN_EXE_reads_counter"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("it starts");
    let mut said = child.stdout.take().expect("piped");
    let mut next = || {
        let mut length = [0; 4];
        said.read_exact(&mut length).ok()?;
        let mut body = vec![0; u32::from_le_bytes(length) as usize];
        said.read_exact(&mut body).ok()?;
        Some(body)
    };
    let hello: Hello = frame::decode(&next().expect("a greeting")).expect("a greeting");
    assert!(hello.covered.cycle_counter, "its self-test says that the counter can be read");
    let place = hello.roles.iter().position(|known| known == role).expect("one of them");
    let context = Context { now_ns: 0, wall_ns: 0, entropy: 1, first_call: 0, want: Want::default() };
    let start = Start { me: NodeId(1), peers: Vec::new(), config: Raw(&[]), disk: Disk::default() };
    let role = u16::try_from(place).expect("few");
    let request = Event::Request { id: RequestId(1), request: Raw(&[]) };
    let mut commands = Vec::new();
    frame::begin(&mut commands);
    TOKEN.put(&mut commands);
    frame::encode_into(&Command::Start { slot: 0, role, context, start }, &mut commands);
    frame::encode_into(&Command::Step { slot: 0, context, event: request }, &mut commands);
    frame::finish(&mut commands);
    let mut stdin = child.stdin.take().expect("piped");
    stdin.write_all(&commands).expect("it listens");
    drop(stdin);
    let replies = next().map_or_else(Vec::new, |body| {
        let mut rest = &*body.leak();
        assert_eq!(Token::take(&mut rest), Some(TOKEN));
        std::iter::from_fn(|| frame::take(&mut rest)).collect()
    });
    (replies, child.wait().expect("a child"))
}
