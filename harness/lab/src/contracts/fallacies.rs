//! Exercise `fallacies`: a gateway between clients and backends, on a network about which all eight fallacies are false.
//!
//! Clients ask the gateway for the values of some keys. Backends have the values: every backend has all of them, and no value
//! ever changes. A directory tells which backends there are. The gateway never crashes.
//!
//! Messages, calls and answers may be lost, duplicated and late, and may overtake each other. A backend may be slow or silent, may
//! refuse to answer, and may be replaced by another one. Anyone can put bytes on the network, also in the name of a
//! backend. Nothing that arrives may make the gateway panic.
//!
//! # Frames
//!
//! A message between the gateway and a backend is a [`Frame`]: bytes. You write and read them yourself.
//!
//! ```text
//! byte 0      version: 1 or 2
//! byte 1      byte order of every number in this frame: 0 big-endian, 1 little-endian
//! byte 2      kind, a letter: A ask, V values, N no
//! bytes 3..11 id, a u64: an ask has an id that the gateway chose, and no other ask has; V and N bear the id of their ask
//! bytes 11..15, in version 2 only: a u32. In an ask: the milliseconds that the gateway still has for its client. A backend does
//!             not answer when they are over. In V and N: 0, which means nothing
//! then fields, in any order and any number, each: tag (u8), length (u16), and so many bytes
//!             tag 1, KEY, in A:     key (u32)
//!             tag 2, PART, in V:    key (u32), offset (u32), total (u32), and bytes of the value from the offset on;
//!                                   total is the length of the whole value
//!             tag 3, SPEAKS, in N:  the version that this backend speaks (u8)
//! last 8      mac(secret, all bytes before), most significant byte first, in either byte order
//! ```
//!
//! Numbers without a sign, as said; `mac` is [`lab::mac`](crate::mac), and the secret is that of the backend, from the newest list
//! of the directory. A frame that is signed with the secret of another backend, or with one that this backend had before, is not legal.
//!
//! **A frame is legal** if its mac is right; its version and byte order are among those above; its fields fill it exactly; each KEY
//! has 4 bytes, each PART 12 or more, each SPEAKS 1; SPEAKS is 1 or 2; and for each PART, offset + number of bytes ≤ total ≤
//! [`Config::value_max`]. This holds for fields with these tags in frames of every kind. **Ignore a frame that is not legal.** There is
//! one exception: if its mac is right, you may use those fields of it that are legal.
//!
//! In a legal frame, skip fields with other tags, and parts of keys that you did not ask for. Ignore frames of other kinds, and
//! frames that bear the id of none of your asks. What you ignore is no sign that a backend works. Parts
//! of one value may come in any order, in several frames, repeated, and may overlap; what they say never contradicts.
//!
//! # Backends
//!
//! A backend answers an ask with V frames that hold the values of its keys. It answers what it does not want to do with N. It answers an ask in
//! a version that it does not speak with N and one SPEAKS. It speaks one version at a time. It may change its version whenever it likes,
//! as often as once in [`Config::refresh`], whether you have asked it before or not. An N whose SPEAKS is the version of the ask is
//! a refusal like any other.
//!
//! A backend that has refused may answer later. Ask it again, but not at once: wait for about [`Config::patience`].
//!
//! A backend serves the asks of a gateway in the order in which they came. While any of them is unserved, it sends a frame at
//! least every [`Config::patience`], unless it is slow or silent. So *silence is a backend's, not an ask's*.

use crate::{Exercise, Node, NodeId, Nothing, Raw, Role, Service};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::time::Duration;

/// What a client wants the value of.
pub type Key = u32;

/// What the gateway is told when it starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Config {
    /// A backend that has work for the gateway sends a frame at least this often. One that was silent for longer is slow or down, or
    /// its frames are lost: ask another one. The directory answers within this time, too, if its answer is not lost. On a clean
    /// network, an ask and its first answer take at most half of it.
    pub patience: Duration,
    /// For how long a list from the directory is good. Ask the directory at most once in this time, and two times more, while
    /// nothing goes wrong. It is ten times `patience`.
    pub refresh: Duration,
    /// No link carries a longer frame, in bytes; a longer one is lost. It is at least 300.
    pub frame_max: u32,
    /// No value is longer than this, in bytes.
    pub value_max: u32,
}
impl Default for Config {
    fn default() -> Config {
        let patience = Duration::from_millis(100);
        Config { patience, refresh: 10 * patience, frame_max: 600, value_max: 8_000 }
    }
}

/// A client asks for the values of some keys. Every key has a value, perhaps an empty one. A key that is named twice is one key; there
/// may be no keys at all.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Get {
    /// The keys.
    pub keys: Vec<Key>,
    /// How long the client waits, on the gateway's own stopwatch.
    pub within: Duration,
}
/// What the gateway answers: at once when it has all values, and otherwise when `within` is over, with what has wholly arrived
/// by then. Each key that was asked for is in one of the two, and no other key is.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Got {
    /// The values that have arrived.
    pub values: BTreeMap<Key, Value>,
    /// The keys whose values have not, or not wholly.
    pub missing: BTreeSet<Key>,
}
/// The value of a key. Shows its first bytes in hexadecimal and its length: `5a07f3… (500 bytes)`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
pub struct Value(pub Vec<u8>);

/// The gateway asks the directory which backends there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Who;
/// The directory answers: which backends there are, as far as it knows. Some of them may be down. The answer is not forged: the
/// gateway and the directory know each other.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Backends(pub Vec<Backend>);
/// One backend.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Backend {
    /// Whom to send frames to.
    pub node: NodeId,
    /// What gateway and backend share, and no other node knows. A backend may get a new one; its old one may be known to others.
    pub secret: Secret,
}
/// The key of the [`mac`](crate::mac) of a frame. Shows its first bytes only.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Secret(pub [u8; 16]);

/// A message between the gateway and a backend: any bytes. Shows what it says, whether its code is right or not:
/// `ask 3: keys 20001 and 20002`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(from = "Raw", into = "Raw")]
pub struct Frame(pub Vec<u8>);
impl From<Raw> for Frame {
    fn from(raw: Raw) -> Frame {
        Frame(raw.0)
    }
}
impl From<Frame> for Raw {
    fn from(frame: Frame) -> Raw {
        Raw(frame.0)
    }
}

/// The directory, as a plain state machine. It knows who serves from when on.
///
/// ```
/// use lab::fallacies::{Backend, Backends, Directory, Secret, Who};
/// use lab::{NodeId, Service};
/// use std::time::Duration;
///
/// let backend = Backend { node: NodeId(2), secret: Secret([7; 16]) };
/// let mut directory = Directory::open(vec![(Duration::ZERO, Backends(vec![backend]))]);
/// assert_eq!(directory.handle(Duration::from_secs(1), NodeId(1), &Who), Backends(vec![backend]));
/// ```
#[derive(Debug)]
pub struct Directory {
    lists: Vec<(Duration, Backends)>,
}
impl Service for Directory {
    const NAME: &'static str = "fallacies/directory";
    /// From when on which list is true, in order of time.
    type Config = Vec<(Duration, Backends)>;
    type Call = Who;
    type Answer = Backends;

    fn open(lists: Self::Config) -> Directory {
        Directory { lists }
    }
    fn handle(&mut self, now: Duration, _: NodeId, _: &Who) -> Backends {
        let known = self.lists.iter().rev().find(|(from, _)| *from <= now);
        known.map_or(Backends(Vec::new()), |(_, list)| list.clone())
    }
}

/// A backend as a plain state machine, for your own tests: honest, prompt, and big-endian.
///
/// When your code is graded, the backends do everything that the [frames](self#frames) allow, and someone else on the network
/// does the rest.
#[derive(Debug, Clone)]
pub struct Server {
    /// What it shares with the gateway.
    pub secret: Secret,
    /// The version that it speaks: 1 or 2.
    pub version: u8,
    /// It sends no longer frames.
    pub frame_max: u32,
    /// What it holds.
    pub values: BTreeMap<Key, Value>,
}
impl Server {
    /// The frames with which it answers this one: none if the frame is not legal.
    pub fn handle(&self, ask: &Frame) -> Vec<Frame> {
        let Some((body, mac)) = ask.0.split_last_chunk::<MAC>() else { return Vec::new() };
        let Some(header) = Header::read(body) else { return Vec::new() };
        if crate::mac(&self.secret.0, body).to_be_bytes() != *mac || header.kind != b'A' {
            return Vec::new();
        }
        if header.version != self.version {
            return vec![self.sealed(b'N', header.id, &[3, 0, 1, self.version])];
        }
        let mut keys = Vec::new();
        for field in header.fields(body) {
            match field {
                Some((1, key)) => keys.extend(<[u8; 4]>::try_from(key).ok().map(|key| header.u32(key))),
                Some(_) => {}
                None => return Vec::new(),
            }
        }
        self.answer(header.id, &keys)
    }
    fn answer(&self, id: u64, keys: &[Key]) -> Vec<Frame> {
        let room = (self.frame_max as usize).saturating_sub(LONGEST_HEADER + MAC);
        let bytes_most = room.saturating_sub(PART_HEADER).max(1);
        let (mut frames, mut fields) = (Vec::new(), Vec::new());
        for key in keys {
            let Some(Value(value)) = self.values.get(key) else { continue };
            let starts = (0..value.len().max(1)).step_by(bytes_most);
            for offset in starts {
                let bytes = &value[offset..value.len().min(offset + bytes_most)];
                if fields.len() + PART_HEADER + bytes.len() > room {
                    frames.push(self.sealed(b'V', id, &std::mem::take(&mut fields)));
                }
                fields.push(2);
                fields.extend((12 + bytes.len() as u16).to_be_bytes());
                for number in [*key, offset as u32, value.len() as u32] {
                    fields.extend(number.to_be_bytes());
                }
                fields.extend(bytes);
            }
        }
        if !fields.is_empty() || keys.is_empty() {
            frames.push(self.sealed(b'V', id, &fields));
        }
        frames
    }
    fn sealed(&self, kind: u8, id: u64, fields: &[u8]) -> Frame {
        let mut bytes = vec![self.version, 0, kind];
        bytes.extend(id.to_be_bytes());
        bytes.extend(if self.version == 2 { &[0; 4][..] } else { &[] });
        bytes.extend(fields);
        bytes.extend(crate::mac(&self.secret.0, &bytes).to_be_bytes());
        Frame(bytes)
    }
}

const MAC: usize = 8;
const LONGEST_HEADER: usize = 15;
/// Tag, length, key, offset and total.
const PART_HEADER: usize = 15;

/// The first bytes of a frame.
struct Header {
    version: u8,
    little: bool,
    kind: u8,
    id: u64,
    length: usize,
}
impl Header {
    fn read(bytes: &[u8]) -> Option<Header> {
        let &[version @ 1..=2, order @ 0..=1, kind] = bytes.first_chunk()? else { return None };
        let (little, length) = (order == 1, if version == 2 { 15 } else { 11 });
        let id = <[u8; 8]>::try_from(bytes.get(3..11)?).ok()?;
        let id = if little { u64::from_le_bytes(id) } else { u64::from_be_bytes(id) };
        (bytes.len() >= length).then_some(Header { version, little, kind, id, length })
    }
    fn u32(&self, bytes: [u8; 4]) -> u32 {
        if self.little { u32::from_le_bytes(bytes) } else { u32::from_be_bytes(bytes) }
    }
    /// Tag and content of each field; a last `None` where the bytes end in the middle of one.
    fn fields<'a>(&self, body: &'a [u8]) -> impl Iterator<Item = Option<(u8, &'a [u8])>> {
        let (little, mut rest) = (self.little, body.get(self.length..).unwrap_or(&[]));
        std::iter::from_fn(move || {
            if rest.is_empty() {
                return None;
            }
            let field = rest.split_first_chunk::<3>().and_then(|([tag, length @ ..], after)| {
                let length = if little { u16::from_le_bytes(*length) } else { u16::from_be_bytes(*length) };
                let (content, after) = after.split_at_checked(length.into())?;
                rest = after;
                Some((*tag, content))
            });
            if field.is_none() {
                rest = &[];
            }
            Some(field)
        })
    }
}

/// Some of many keys: `20001, 20002 and 20003`; `20001, 20002, 20003 and 37 more`.
fn few(f: &mut fmt::Formatter<'_>, keys: &[String]) -> fmt::Result {
    const SHOWN: usize = 3;
    match keys {
        [] => f.write_str("none"),
        [one] => f.write_str(one),
        [all @ .., last] if keys.len() <= SHOWN => write!(f, "{} and {last}", all.join(", ")),
        _ => write!(f, "{} and {} more", keys[..SHOWN].join(", "), keys.len() - SHOWN),
    }
}
fn texts<'a>(keys: impl IntoIterator<Item = &'a Key>) -> Vec<String> {
    keys.into_iter().map(Key::to_string).collect()
}
impl fmt::Debug for Get {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("get ")?;
        few(f, &texts(&self.keys))?;
        write!(f, " within {:?}", self.within)
    }
}
impl fmt::Debug for Got {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("values: ")?;
        few(f, &texts(self.values.keys()))?;
        f.write_str("; missing: ")?;
        few(f, &texts(&self.missing))
    }
}
fn hexadecimal(f: &mut fmt::Formatter<'_>, bytes: &[u8]) -> fmt::Result {
    const SHOWN: usize = 3;
    bytes.iter().take(SHOWN).try_for_each(|byte| write!(f, "{byte:02x}"))?;
    f.write_str(if bytes.len() > SHOWN { "…" } else { "" })
}
impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        hexadecimal(f, &self.0)?;
        let blank = if self.0.is_empty() { "" } else { " " };
        write!(f, "{blank}({} bytes)", self.0.len())
    }
}
impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        hexadecimal(f, &self.0)
    }
}
impl fmt::Debug for Backends {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        few(f, &self.0.iter().map(|backend| backend.node.to_string()).collect::<Vec<_>>())
    }
}
impl fmt::Debug for Frame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let no_frame = |f: &mut fmt::Formatter<'_>| write!(f, "{} bytes that are no frame", self.0.len());
        let Some((body, _)) = self.0.split_last_chunk::<MAC>() else { return no_frame(f) };
        let Some(header) = Header::read(body) else { return no_frame(f) };
        let (mut what, mut others) = (Vec::new(), 0);
        for field in header.fields(body) {
            let number = |content: &[u8], at: usize| {
                content.get(at..at + 4).and_then(|bytes| bytes.try_into().ok()).map(|bytes| header.u32(bytes))
            };
            let text = field.and_then(|(tag, content)| match (tag, content.len()) {
                (1, 4) => number(content, 0).map(|key| key.to_string()),
                (2, 12..) => {
                    let [key, offset, total] = [0, 4, 8].map(|at| number(content, at).unwrap_or_default());
                    let end = u64::from(offset) + content.len() as u64 - 12;
                    let is_whole = offset == 0 && end == u64::from(total);
                    Some(if is_whole {
                        key.to_string()
                    } else {
                        format!("{key} [{offset}..{end} of {total}]")
                    })
                }
                (3, 1) => Some(format!("speaks {}", content[0])),
                _ => None,
            });
            match text {
                Some(text) => what.push(text),
                None => others += 1,
            }
        }
        match header.kind {
            b'A' => write!(f, "ask {}: ", header.id)?,
            b'V' => write!(f, "values {}: ", header.id)?,
            b'N' => write!(f, "no {}: ", header.id)?,
            other => write!(f, "kind {other} {}: ", header.id)?,
        }
        few(f, &what)?;
        match others {
            0 => {}
            1 => f.write_str(", and a field that is not known")?,
            _ => write!(f, ", and {others} fields that are not known")?,
        }
        f.write_str(match (header.version, header.little) {
            (1, false) => "",
            (1, true) => " (little-endian)",
            (_, false) => " (version 2)",
            (_, true) => " (version 2, little-endian)",
        })
    }
}

role! {
    /// The gateway. It has no peers that it knows of by itself: the directory tells it whom to send frames to.
    Gateway as "fallacies" { Config = Config, Request = Get, Response = Got, Call = Who, Answer = Backends }
}

/// The exercise, as the harness hosts it.
pub fn exercise<G: Node<Contract = Gateway, Message = Frame>>() -> Exercise {
    Exercise { name: "fallacies", roles: vec![Role::node::<G>()] }
}
