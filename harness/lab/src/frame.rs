//! What crosses between the harness and the process that runs student code.
//!
//! A frame is a length (`u32`, little endian) and that many bytes. To the guest it carries [`Command`]s, one
//! after another; back comes one [`Reply`] for each `Start` and `Step`, in the same order. Both are postcard.
//! Every frame but the guest's first begins with the lane's [`Token`].
//! Who speaks is known from the pipe, never from the frame, and nothing in a frame is believed: every
//! length is bounded, and a frame is taken whole or not at all.

use crate::{CallId, Disk, DiskOp, NodeId, RequestId};
use postcard::ser_flavors::Flavor;
use serde::de::{DeserializeOwned, Error as _, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::io::{self, Read, Write};
use std::marker::PhantomData;
use std::ops::Range;

/// Changes with every change to the types of this module.
pub const VERSION: u16 = 3;
/// The longest frame that either side sends or takes, in bytes.
pub const MAX_FRAME: usize = 16 << 20;

/// Bytes that are somebody's encoding; this layer does not look inside.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Raw<'a>(pub &'a [u8]);
impl fmt::Debug for Raw<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes", self.0.len())
    }
}
impl Serialize for Raw<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_bytes(self.0)
    }
}
impl<'de: 'a, 'a> Deserialize<'de> for Raw<'a> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        <&'a [u8]>::deserialize(from).map(Raw)
    }
}

/// The first frame of a guest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hello {
    /// [`VERSION`] of the `lab` it was built with.
    pub version: u16,
    /// The roles it can host; a [`Command::Start`] names one by its place here.
    pub roles: Vec<String>,
    /// What its self-test found that does not work and must: the harness goes no further.
    pub faults: Vec<String>,
    /// What of determinism holds here.
    pub covered: Covered,
}
/// What of determinism holds in a guest beyond what must. What does not is no fault: it is made up for, or said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Covered {
    /// Every node has a hash order of its own, whoever else lives in its process. Where not, nodes of
    /// different worlds must not share one.
    pub hash_keys: bool,
    /// Clocks, sleeps, waits, threads, processes and randomness of std are the world's.
    pub clocks: bool,
    /// Addresses are the same in every process of this binary (not: in batches of different sizes).
    pub addresses: bool,
    /// The processor's own counter cannot be read.
    pub cycle_counter: bool,
}

/// Begins every frame to a guest, and every frame of its replies. Only the harness and the guest's runtime know
/// it, so that what student code may write to the pipe is never taken for a reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Token(pub [u8; 8]);
impl Token {
    /// Puts it at the end of a frame just begun.
    pub fn put(self, frame: &mut Vec<u8>) {
        frame.extend_from_slice(&self.0);
    }
    /// Takes it off the front of a frame's body; `None` where the body is too short.
    pub fn take(body: &mut &[u8]) -> Option<Token> {
        let (token, rest) = body.split_first_chunk::<8>()?;
        *body = rest;
        Some(Token(*token))
    }
}

/// The exit code of a guest that cannot go on, and knows why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(i32)]
pub enum Farewell {
    /// A handler waits for something that only another thread could bring, and there is none.
    Blocked = 201,
    /// It aborted after an allocation had failed.
    OutOfMemory = 202,
    /// One answer is longer than [`MAX_FRAME`].
    TooLong = 203,
    /// The harness sent what is no command, or its pipe failed.
    Confused = 204,
}
impl Farewell {
    /// What an exit code says, if it is one of these.
    pub fn of(code: i32) -> Option<Farewell> {
        use Farewell::{Blocked, Confused, OutOfMemory, TooLong};
        [Blocked, OutOfMemory, TooLong, Confused].into_iter().find(|farewell| *farewell as i32 == code)
    }
}
impl From<io::Error> for Farewell {
    fn from(_: io::Error) -> Farewell {
        Farewell::Confused
    }
}

/// The clocks and the randomness of one event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Context {
    /// The node's stopwatch, in nanoseconds.
    pub now_ns: u64,
    /// Its wall clock, in nanoseconds since 1970.
    pub wall_ns: u64,
    /// A draw of the world's for this event alone.
    pub entropy: u64,
    /// The id of the first call that the handler may make.
    pub first_call: u64,
    /// Which extras the reply shall carry.
    pub want: Want,
}
/// Extras of a reply.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Want {
    /// [`Node::status`](crate::Node::status) after the event.
    pub status: bool,
    /// The event and its effects, in words.
    pub labels: bool,
}

/// What a node starts from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Start<'a> {
    /// The node.
    pub me: NodeId,
    /// Its peers, in order of id.
    pub peers: Vec<NodeId>,
    /// Its role's `Config`.
    #[serde(borrow)]
    pub config: Raw<'a>,
    /// Its disk.
    pub disk: Disk,
}

/// What happens to a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the fields are the arguments of the handler that each variant calls")]
pub enum Event<'a> {
    Message {
        from: NodeId,
        #[serde(borrow)]
        message: Raw<'a>,
    },
    Request {
        id: RequestId,
        #[serde(borrow)]
        request: Raw<'a>,
    },
    Timer {
        #[serde(borrow)]
        timer: Raw<'a>,
    },
    Answer {
        call: CallId,
        #[serde(borrow)]
        answer: Raw<'a>,
    },
}

/// What a guest is told to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Command<'a> {
    /// Start a node in this slot, in place of what was there.
    Start {
        /// Where it lives.
        slot: u32,
        /// What it is: a place in [`Hello::roles`].
        role: u16,
        /// The clocks of its start.
        context: Context,
        /// What it starts from.
        #[serde(borrow)]
        start: Start<'a>,
    },
    /// Hand an event to the node of this slot.
    Step {
        /// Where it lives.
        slot: u32,
        /// The clocks of the event.
        context: Context,
        /// The event.
        #[serde(borrow)]
        event: Event<'a>,
    },
    /// Forget the node of this slot. Not replied to.
    Drop {
        /// Where it lived.
        slot: u32,
    },
}

/// One effect, encoded: [`Effect`](crate::Effect) without its types.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the fields are those of `Effect`")]
pub enum RawEffect<'a> {
    Send {
        to: NodeId,
        #[serde(borrow)]
        message: Raw<'a>,
    },
    Broadcast {
        #[serde(borrow)]
        message: Raw<'a>,
    },
    SetTimer {
        after_ns: u64,
        #[serde(borrow)]
        timer: Raw<'a>,
    },
    CancelTimer {
        #[serde(borrow)]
        timer: Raw<'a>,
    },
    Reply {
        id: RequestId,
        #[serde(borrow)]
        response: Raw<'a>,
    },
    Emit {
        #[serde(borrow)]
        event: Raw<'a>,
    },
    Call {
        id: CallId,
        #[serde(borrow)]
        call: Raw<'a>,
    },
    Disk(DiskOp),
    Sync,
    CallTo {
        to: NodeId,
        id: CallId,
        #[serde(borrow)]
        call: Raw<'a>,
    },
}

/// What came of one event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reply<'a> {
    /// How the handler ended.
    pub ending: Ending,
    /// What it asked for, in order; after a panic, what it had asked for before it. No more than [`MANY_MAX`].
    #[serde(borrow, deserialize_with = "at_most_many")]
    pub effects: Vec<RawEffect<'a>>,
    /// The node's status, where wanted.
    #[serde(borrow)]
    pub status: Option<Raw<'a>>,
    /// The event, then each effect, then the status if that is wanted too: in words, where wanted.
    #[serde(deserialize_with = "cut_texts")]
    pub labels: Vec<String>,
}
impl Reply<'_> {
    /// The reply of a handler that returned and asked for nothing.
    pub fn empty() -> Self {
        Reply { ending: Ending::Returned, effects: Vec::new(), status: None, labels: Vec::new() }
    }
}

/// How a handler ended.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Ending {
    /// As it should.
    Returned,
    /// It was not called: the message (or a caller's request, a service's answer) was not one of its type.
    Stray,
    /// It panicked.
    Panicked {
        /// With these words.
        #[serde(deserialize_with = "cut_text")]
        message: String,
        /// `src/file.rs:line:column`; empty where unknown.
        #[serde(deserialize_with = "cut_text")]
        at: String,
        /// The panic is a `todo!()`.
        not_started: bool,
    },
}

/// So many effects or labels of one reply are read, and so many writes of one group: a byte of a frame must not become a
/// hundred of memory, sixteen million times.
pub const MANY_MAX: usize = 1 << 16;
/// A text of a reply is cut to so many bytes.
pub const TEXT_MAX: usize = 4_000;

/// Reads a list, counting while it reads: one of more than [`MANY_MAX`] is refused.
pub(crate) fn at_most_many<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    from: D,
) -> Result<Vec<T>, D::Error> {
    struct AtMost<T>(PhantomData<T>);
    impl<'de, T: Deserialize<'de>> Visitor<'de> for AtMost<T> {
        type Value = Vec<T>;
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(f, "a list of at most {MANY_MAX}")
        }
        fn visit_seq<A: SeqAccess<'de>>(self, mut from: A) -> Result<Vec<T>, A::Error> {
            // what it says of its length is not believed beyond this
            let mut list = Vec::with_capacity(from.size_hint().unwrap_or(0).min(64));
            while let Some(next) = from.next_element()? {
                if list.len() == MANY_MAX {
                    return Err(A::Error::custom("too many"));
                }
                list.push(next);
            }
            Ok(list)
        }
    }
    from.deserialize_seq(AtMost(PhantomData))
}
/// Reads a text, and keeps its beginning.
fn cut_text<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    <&'de str>::deserialize(from).map(|text| text[..text.floor_char_boundary(TEXT_MAX)].to_owned())
}
fn cut_texts<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<String>, D::Error> {
    let texts: Vec<&'de str> = at_most_many(from)?;
    Ok(texts.into_iter().map(|text| text[..text.floor_char_boundary(TEXT_MAX)].to_owned()).collect())
}

/// Encodes a value.
///
/// # Panics
/// Where `T` has a hand-written `Serialize` that fails.
pub fn encode<T: Serialize + ?Sized>(value: &T) -> Vec<u8> {
    postcard::to_stdvec(value)
        .unwrap_or_else(|e| panic!("`{}` cannot be encoded: {e}", std::any::type_name::<T>()))
}
/// Encodes a value at the end of `buffer`.
///
/// # Panics
/// Where `T` has a hand-written `Serialize` that fails.
pub fn encode_into<T: Serialize + ?Sized>(value: &T, buffer: &mut Vec<u8>) {
    postcard::serialize_with_flavor(value, End(buffer))
        .unwrap_or_else(|e| panic!("`{}` cannot be encoded: {e}", std::any::type_name::<T>()));
}
/// Where bytes are written: the end of a buffer, by whole slices.
struct End<'a>(&'a mut Vec<u8>);
impl Flavor for End<'_> {
    type Output = ();
    #[inline]
    fn try_push(&mut self, byte: u8) -> postcard::Result<()> {
        self.0.push(byte);
        Ok(())
    }
    #[inline]
    fn try_extend(&mut self, bytes: &[u8]) -> postcard::Result<()> {
        self.0.extend_from_slice(bytes);
        Ok(())
    }
    fn finalize(self) -> postcard::Result<()> {
        Ok(())
    }
}
/// Decodes a value; `None` where the bytes are not one, whole and nothing after it.
pub fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Option<T> {
    match postcard::take_from_bytes(bytes) {
        Ok((value, [])) => Some(value),
        _ => None,
    }
}
/// Decodes the value at the front of `bytes` and moves past it; `None` where there is none.
pub fn take<'a, T: Deserialize<'a>>(bytes: &mut &'a [u8]) -> Option<T> {
    let (value, rest) = postcard::take_from_bytes(bytes).ok()?;
    *bytes = rest;
    Some(value)
}

/// Begins a frame at the end of `buffer`: room for its length, which [`finish`] fills in.
pub fn begin(buffer: &mut Vec<u8>) {
    buffer.extend_from_slice(&[0; 4]);
}
/// Ends a frame begun with [`begin`].
///
/// # Panics
/// Where it is longer than [`MAX_FRAME`]: the caller bounds what it puts in.
pub fn finish(frame: &mut [u8]) {
    let length = frame.len() - 4;
    assert!(length <= MAX_FRAME, "a frame of {length} bytes is over the limit of {MAX_FRAME}");
    frame[..4].copy_from_slice(&u32::try_from(length).expect("MAX_FRAME fits").to_le_bytes());
}
/// Sends a finished frame.
///
/// # Errors
/// Those of the pipe.
pub fn send(to: &mut impl Write, frame: &mut [u8]) -> io::Result<()> {
    finish(frame);
    to.write_all(frame)?;
    to.flush()
}
/// An inbox has room for so many bytes at least, before it reads.
const ROOM: usize = 1 << 16;

/// What has come through a pipe and is not yet taken.
#[derive(Debug, Default)]
pub struct Inbox {
    /// Room, of which a part holds what came.
    bytes: Vec<u8>,
    taken: usize,
    came: usize,
}
impl Inbox {
    /// Reads what is there, up to what there is room for: how many bytes it was, 0 at the end of the pipe.
    ///
    /// # Errors
    /// Those of the pipe.
    pub fn fill(&mut self, from: &mut impl Read) -> io::Result<usize> {
        if self.taken > 0 {
            self.bytes.copy_within(self.taken..self.came, 0);
            self.came -= self.taken;
            self.taken = 0;
        }
        if self.bytes.len() - self.came < ROOM {
            self.bytes.resize((2 * self.bytes.len()).max(2 * ROOM), 0);
        }
        let many = from.read(&mut self.bytes[self.came..])?;
        self.came += many;
        Ok(many)
    }
    /// Waits for the body of the next frame; `None` where the other side has closed the pipe between frames.
    ///
    /// # Errors
    /// Those of the pipe; `InvalidData` as of [`has_frame`](Inbox::has_frame), `UnexpectedEof` inside a frame.
    pub fn receive(&mut self, from: &mut impl Read) -> io::Result<Option<&[u8]>> {
        while !self.has_frame()? {
            match self.fill(from) {
                Ok(0) if self.waiting() == 0 => return Ok(None),
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(_) => {}
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(e),
            }
        }
        self.take()
    }
    /// How many bytes wait to be taken.
    pub fn waiting(&self) -> usize {
        self.came - self.taken
    }
    /// Whether a whole frame waits.
    ///
    /// # Errors
    /// `InvalidData` where one begins that says it is longer than [`MAX_FRAME`].
    pub fn has_frame(&self) -> io::Result<bool> {
        Ok(self.next()?.is_some())
    }
    /// Takes the body of the next frame; `None` where it is not there yet, or not all of it.
    ///
    /// # Errors
    /// As of [`has_frame`](Inbox::has_frame).
    pub fn take(&mut self) -> io::Result<Option<&[u8]>> {
        let Some(body) = self.next()? else { return Ok(None) };
        self.taken = body.end;
        Ok(Some(&self.bytes[body]))
    }
    fn next(&self) -> io::Result<Option<Range<usize>>> {
        let Some((length, rest)) = self.bytes[self.taken..self.came].split_first_chunk::<4>() else {
            return Ok(None);
        };
        let length = u32::from_le_bytes(*length) as usize;
        if length > MAX_FRAME {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                format!("a frame of {length} bytes is over the limit of {MAX_FRAME}"),
            ));
        }
        let begin = self.taken + 4;
        Ok((rest.len() >= length).then_some(begin..begin + length))
    }
}
