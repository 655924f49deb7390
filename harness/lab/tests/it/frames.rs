//! What crosses the pipe: round trips, strictness, and bytes from somebody who means harm.

use lab::frame::*;
use lab::{CallId, Disk, DiskOp, NodeId, RequestId};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::{Config, RngSeed};
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

/// The system's allocator, with a note of the largest piece that this thread asked for.
struct Noting;
thread_local! {
    static LARGEST: Cell<usize> = const { Cell::new(0) };
}
fn note(size: usize) {
    _ = LARGEST.try_with(|largest| largest.set(largest.get().max(size)));
}
// SAFETY: every call goes to the system's allocator as it is.
unsafe impl GlobalAlloc for Noting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        note(layout.size());
        // SAFETY: as the caller promises.
        unsafe { System.alloc(layout) }
    }
    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        // SAFETY: as the caller promises.
        unsafe { System.dealloc(at, layout) }
    }
    unsafe fn realloc(&self, at: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        note(size);
        // SAFETY: as the caller promises.
        unsafe { System.realloc(at, layout, size) }
    }
}
#[global_allocator]
static ALLOCATOR: Noting = Noting;

fn largest_allocation(of: impl FnOnce()) -> usize {
    LARGEST.set(0);
    of();
    LARGEST.get()
}

fn cases(cases: u32) -> Config {
    let asked = Config::default();
    let rng_seed = match asked.rng_seed {
        RngSeed::Random => RngSeed::Fixed(1978),
        fixed => fixed,
    };
    Config { cases, rng_seed, failure_persistence: None, ..asked }
}

fn bytes() -> impl Strategy<Value = Vec<u8>> {
    vec(any::<u8>(), 0..40)
}
fn write() -> impl Strategy<Value = DiskOp> {
    let name = || "[a-z]{0,6}";
    prop_oneof![
        (name(), bytes()).prop_map(|(name, bytes)| DiskOp::Save { name, bytes }),
        name().prop_map(|name| DiskOp::Clear { name }),
        (name(), bytes(), bytes()).prop_map(|(name, key, bytes)| DiskOp::Put { name, key, bytes }),
        (name(), bytes()).prop_map(|(name, key)| DiskOp::Remove { name, key }),
        (name(), bytes()).prop_map(|(name, bytes)| DiskOp::Append { name, bytes }),
        (name(), any::<u64>()).prop_map(|(name, from)| DiskOp::Truncate { name, from }),
        (name(), any::<u64>()).prop_map(|(name, upto)| DiskOp::TrimFront { name, upto }),
        (name(), bytes()).prop_map(|(name, bytes)| DiskOp::Write { name, bytes }),
        (name(), any::<u64>()).prop_map(|(name, len)| DiskOp::Cut { name, len }),
    ]
}
fn op() -> impl Strategy<Value = DiskOp> {
    prop_oneof![3 => write(), 1 => vec(write(), 0..4).prop_map(DiskOp::All)]
}
/// A reply whose bytes live here.
#[derive(Debug, Clone)]
struct Made {
    ending: Ending,
    effects: Vec<(u8, u64, Vec<u8>, DiskOp)>,
    status: Option<Vec<u8>>,
    labels: Vec<String>,
}
impl Made {
    fn reply(&self) -> Reply<'_> {
        let effects = self.effects.iter().map(|(kind, number, bytes, op)| {
            let (to, raw) = (NodeId(*number as u32), Raw(bytes));
            match kind {
                0 => RawEffect::Send { to, message: raw },
                1 => RawEffect::Broadcast { message: raw },
                2 => RawEffect::SetTimer { after_ns: *number, timer: raw },
                3 => RawEffect::CancelTimer { timer: raw },
                4 => RawEffect::Reply { id: RequestId(*number), response: raw },
                5 => RawEffect::Emit { event: raw },
                6 => RawEffect::Call { id: CallId(*number), call: raw },
                7 => RawEffect::Disk(op.clone()),
                _ => RawEffect::Sync,
            }
        });
        Reply {
            ending: self.ending.clone(),
            effects: effects.collect(),
            status: self.status.as_deref().map(Raw),
            labels: self.labels.clone(),
        }
    }
}
fn reply() -> impl Strategy<Value = Made> {
    let ending = prop_oneof![
        3 => Just(Ending::Returned),
        1 => Just(Ending::Stray),
        1 => (".{0,9}", ".{0,9}", any::<bool>())
            .prop_map(|(message, at, not_started)| Ending::Panicked { message, at, not_started }),
    ];
    let effect = (0..9u8, any::<u64>(), bytes(), op());
    (ending, vec(effect, 0..6), prop::option::of(bytes()), vec(".{0,9}", 0..4))
        .prop_map(|(ending, effects, status, labels)| Made { ending, effects, status, labels })
}

proptest! {
    #![proptest_config(cases(256))]

    #[test]
    fn replies_come_back_as_they_went_whole_and_nothing_less(made in reply(), next in reply()) {
        let mut encoded = encode(&made.reply());
        for shorter in 0..encoded.len() {
            prop_assert!(take::<Reply<'_>>(&mut &encoded[..shorter]).is_none(), "the first {shorter} bytes");
        }
        encode_into(&next.reply(), &mut encoded);
        let mut rest = &encoded[..];
        prop_assert_eq!(take(&mut rest), Some(made.reply()));
        prop_assert_eq!(take(&mut rest), Some(next.reply()));
        prop_assert!(rest.is_empty() && take::<Reply<'_>>(&mut rest).is_none());
    }

    #[test]
    fn commands_come_back_as_they_went(
        slot in any::<u32>(), now_ns in any::<u64>(), entropy in any::<u64>(), body in bytes(), ops in vec(op(), 0..5),
        kind in 0..6u8,
    ) {
        let want = Want { status: kind % 2 == 0, labels: slot % 2 == 0 };
        let context = Context { now_ns, wall_ns: !now_ns, entropy, first_call: entropy >> 9, want };
        let mut disk = Disk::default();
        ops.iter().for_each(|op| disk.apply(op));
        let raw = Raw(&body);
        let event = match kind {
            0 => Event::Message { from: NodeId(slot), message: raw },
            1 => Event::Request { id: RequestId(now_ns), request: raw },
            2 => Event::Timer { timer: raw },
            _ => Event::Answer { call: CallId(entropy), answer: raw },
        };
        let command = match kind {
            4 => Command::Drop { slot },
            5 => {
                let start = Start { me: NodeId(slot), peers: vec![NodeId(1), NodeId(9)], config: raw, disk };
                Command::Start { slot, role: 7, context, start }
            }
            _ => Command::Step { slot, context, event },
        };
        let encoded = encode(&command);
        prop_assert_eq!(take(&mut &encoded[..]), Some(command));
    }

    #[test]
    fn decode_takes_a_value_whole_and_nothing_after_it(value: (u32, String, Vec<Option<i64>>), extra: u8) {
        let mut bytes = encode(&value);
        for shorter in 0..bytes.len() {
            prop_assert_eq!(decode::<(u32, String, Vec<Option<i64>>)>(&bytes[..shorter]), None);
        }
        prop_assert_eq!(decode(&bytes), Some(value));
        bytes.push(extra);
        prop_assert_eq!(decode::<(u32, String, Vec<Option<i64>>)>(&bytes), None);
    }

    #[test]
    fn hostile_bytes_are_refused_or_read_and_cost_no_more_than_they_weigh(
        mut hostile in vec(any::<u8>(), 0..200), made in reply(), at in any::<prop::sample::Index>(), bit in 0..8u8,
    ) {
        let mut flipped = encode(&made.reply());
        let at = at.index(flipped.len());
        flipped[at] ^= 1 << bit;
        hostile.insert(0, 0); // past the ending, into the effects
        for bytes in [&hostile, &flipped] {
            let largest = largest_allocation(|| _ = take::<Reply<'_>>(&mut &bytes[..]));
            prop_assert!(largest <= 2 << 20, "{} bytes made us ask for {largest}", bytes.len());
            _ = decode::<Hello>(bytes);
            _ = decode::<DiskOp>(bytes);
            _ = Inbox::default().receive(&mut &bytes[..]);
        }
    }
}

/// One way to bend a frame, at a place in it.
fn bend(bytes: &mut Vec<u8>, (how, at, value): (u8, prop::sample::Index, u8)) {
    if bytes.is_empty() {
        return;
    }
    let at = at.index(bytes.len());
    let until = bytes.len().min(at + usize::from(value));
    match how {
        0 => bytes[at] = value,
        1 => bytes.insert(at, value),
        2 => _ = bytes.remove(at),
        3 => bytes.truncate(at),
        4 => _ = bytes.drain(at..until),
        5 => bytes.extend_from_within(at..until),
        // the largest number there is, where a length or a tag may stand
        _ => _ = bytes.splice(at..at, huge().into_iter().map(|byte| byte | 0x0f)),
    }
}

proptest! {
    #![proptest_config(cases(4_096))]

    #[test]
    fn frames_that_are_bent_cut_and_spliced_are_refused_or_mean_what_they_say(
        made in reply(), next in reply(), bends in vec((0..7u8, any::<prop::sample::Index>(), any::<u8>()), 1..8),
    ) {
        let mut bytes = encode(&made.reply());
        encode_into(&next.reply(), &mut bytes);
        bends.into_iter().for_each(|one| bend(&mut bytes, one));
        let largest = largest_allocation(|| {
            let mut rest = &bytes[..];
            while let Some(reply) = take::<Reply<'_>>(&mut rest) {
                assert_eq!(take::<Reply<'_>>(&mut &encode(&reply)[..]), Some(reply));
            }
            let mut rest = &bytes[..];
            while take::<Command<'_>>(&mut rest).is_some() {}
            _ = decode::<Hello>(&bytes);
        });
        prop_assert!(largest <= 2 << 20, "{} bytes made us ask for {largest}", bytes.len());
    }
}

/// 2^60, as postcard writes it.
fn huge() -> Vec<u8> {
    encode(&(1u64 << 60))
}

#[test]
fn an_absurd_length_is_refused_without_room_being_made_for_it() {
    let table: [(&str, Vec<u8>); 5] = [
        ("effects", [&[0][..], &huge()].concat()),
        ("a message", [&[0, 1, 1][..], &huge()].concat()),
        ("a record", [&[0, 1, 7, 4, 1, b'x'][..], &huge()].concat()),
        ("a group", [&[0, 1, 7, 9][..], &huge()].concat()),
        ("a panic's words", [&[2][..], &huge()].concat()),
    ];
    for (name, bytes) in table {
        let largest = largest_allocation(|| assert_eq!(take::<Reply<'_>>(&mut &bytes[..]), None, "{name}"));
        assert!(largest <= 2 << 20, "{name}: {largest} bytes");
    }
    assert_eq!(decode::<Vec<u64>>(&huge()), None);
    assert_eq!(decode::<String>(&huge()), None);
}

#[test]
fn groups_in_groups_are_refused_and_cannot_exhaust_the_stack() {
    let group = |inside: &[u8]| [&[9, 1][..], inside].concat();
    let clear = encode(&DiskOp::Clear { name: "x".into() });
    assert_eq!(decode(&group(&clear)), Some(DiskOp::All(vec![DiskOp::Clear { name: "x".into() }])));
    assert_eq!(decode::<DiskOp>(&group(&group(&clear))), None);
    let deep = [[9u8, 1]; 1 << 20].concat();
    assert_eq!(take::<Reply<'_>>(&mut &[&[0, 1, 7][..], &deep].concat()[..]), None);
    assert_eq!(
        decode(&group(&clear)).map(|op: DiskOp| op.objects().len()),
        Some(1),
        "and leave nothing behind"
    );
}

#[test]
fn frames_cross_a_pipe_one_by_one() {
    let mut pipe = vec![];
    let mut frame = vec![];
    for body in [&b"one"[..], b"", b"three"] {
        frame.clear();
        begin(&mut frame);
        frame.extend_from_slice(body);
        send(&mut pipe, &mut frame).expect("memory takes everything");
    }
    let mut byte_by_byte = OneByOne(&pipe);
    let mut at_once = &pipe[..];
    let (mut slow, mut fast) = (Inbox::default(), Inbox::default());
    for body in [&b"one"[..], b"", b"three"] {
        assert_eq!(slow.receive(&mut byte_by_byte).expect("a frame"), Some(body));
        assert_eq!(fast.receive(&mut at_once).expect("a frame"), Some(body));
    }
    assert_eq!(slow.receive(&mut byte_by_byte).expect("a clean end"), None);
    assert_eq!(fast.receive(&mut at_once).expect("a clean end"), None);
}
/// A pipe that has one byte at a time.
struct OneByOne<'a>(&'a [u8]);
impl std::io::Read for OneByOne<'_> {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        let at_most = into.len().min(1);
        self.0.read(&mut into[..at_most])
    }
}

#[test]
fn frames_longer_than_an_inbox_come_through_it_whole() {
    let mut pipe = vec![];
    let bodies: Vec<Vec<u8>> = (0..40_u8).map(|n| vec![n; usize::from(n) * 17_001]).collect();
    for body in &bodies {
        let mut frame = vec![];
        begin(&mut frame);
        frame.extend_from_slice(body);
        send(&mut pipe, &mut frame).expect("memory takes everything");
    }
    let (mut inbox, mut from) = (Inbox::default(), &pipe[..]);
    for body in &bodies {
        assert_eq!(inbox.receive(&mut from).expect("a frame"), Some(&body[..]));
    }
    assert_eq!(inbox.receive(&mut from).expect("a clean end"), None);
}

#[test]
fn a_frame_that_is_cut_short_or_too_long_is_an_error() {
    let whole = [&5u32.to_le_bytes()[..], b"hello"].concat();
    for shorter in 1..whole.len() {
        let cut = Inbox::default().receive(&mut &whole[..shorter]).expect_err("inside a frame");
        assert_eq!(cut.kind(), std::io::ErrorKind::UnexpectedEof, "after {shorter} bytes");
    }
    let long = u32::try_from(MAX_FRAME + 1).expect("fits").to_le_bytes();
    let largest = largest_allocation(|| {
        let error = Inbox::default().receive(&mut &long[..]).expect_err("over the limit");
        assert_eq!(error.kind(), std::io::ErrorKind::InvalidData);
    });
    assert!(largest <= 1 << 17, "what it says it is was believed: {largest} bytes");
}

/// A byte of a frame could become a hundred of memory otherwise, and a text be as long as a frame.
#[test]
fn lists_are_counted_and_texts_are_cut_while_they_are_read() {
    let reads = |reply: &Reply<'_>| take::<Reply<'_>>(&mut &encode(reply)[..]).is_some();
    let many = |many| Reply { effects: vec![RawEffect::Sync; many], ..Reply::empty() };
    assert!(reads(&many(MANY_MAX)) && !reads(&many(MANY_MAX + 1)));
    let labels = |many| Reply { labels: vec![String::new(); many], ..Reply::empty() };
    assert!(reads(&labels(MANY_MAX)) && !reads(&labels(MANY_MAX + 1)));
    let write = DiskOp::Clear { name: String::new() };
    let group = |many| Reply {
        effects: vec![RawEffect::Disk(DiskOp::All(vec![write.clone(); many]))],
        ..Reply::empty()
    };
    assert!(reads(&group(MANY_MAX)) && !reads(&group(MANY_MAX + 1)));

    let long = "é".repeat(TEXT_MAX);
    let ending = Ending::Panicked { message: long.clone(), at: long.clone(), not_started: false };
    let reply = Reply { ending, labels: vec![long], ..Reply::empty() };
    let bytes = encode(&reply);
    let read = take::<Reply<'_>>(&mut &bytes[..]).expect("it is read");
    assert_eq!(read.labels[0].len(), TEXT_MAX);
    assert!(
        matches!(read.ending, Ending::Panicked { message, at, .. } if message.len() == TEXT_MAX && at.len() == TEXT_MAX)
    );
}
