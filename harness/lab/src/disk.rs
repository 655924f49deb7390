//! The disk: what survives a crash.
//!
//! Each object on it is declared once, with its type, at the top of a file: `const TERM: Saved<u64> = Saved::new("term");`.
//! Writes go through [`Out`](crate::Out), and they are durable only after [`Out::sync`](crate::Out::sync). A crash keeps some
//! prefix of what was written since the last sync, of each object independently.

use crate::Wire;
use serde::{Deserialize, Deserializer, Serialize, de::Error as _};
use std::cell::Cell;
use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;

/// A name is no longer, in bytes, as that of a file in most systems.
const NAME_MAX: usize = 255;

macro_rules! handle {
    ($(#[$doc:meta])* $name:ident<$($p:ident),*>) => {
        $(#[$doc])*
        pub struct $name<$($p),*>(pub(crate) &'static str, PhantomData<fn() -> ($($p,)*)>);
        impl<$($p),*> $name<$($p),*> {
            /// Names it; two handles of one kind with one name are the same object.
            ///
            /// # Panics
            /// If the name has more than 255 bytes.
            pub const fn new(name: &'static str) -> Self {
                assert!(name.len() <= NAME_MAX, "the name of an object on the disk has at most 255 bytes");
                Self(name, PhantomData)
            }
            /// Its name.
            pub const fn name(self) -> &'static str {
                self.0
            }
        }
        impl<$($p),*> Clone for $name<$($p),*> {
            fn clone(&self) -> Self {
                *self
            }
        }
        impl<$($p),*> Copy for $name<$($p),*> {}
    };
}
handle!(
    /// One value, replaced as a whole: after a crash it is the old one or the new one, never half.
    Saved<T>
);
handle!(
    /// One value per key. Each key is an object of its own: a crash may keep one key and lose another.
    Table<K, V>
);
handle!(
    /// Records at positions 0, 1, 2, …. A record keeps its position for ever, even if the records before it are trimmed.
    Log<T>
);
/// Raw bytes, written at the end. A crash may leave half a write.
#[derive(Clone, Copy)]
pub struct File(pub(crate) &'static str);
impl File {
    /// Names it; two handles with one name are the same file.
    ///
    /// # Panics
    /// If the name has more than 255 bytes.
    pub const fn new(name: &'static str) -> Self {
        assert!(name.len() <= NAME_MAX, "the name of an object on the disk has at most 255 bytes");
        Self(name)
    }
}

/// A record that was only partly written when the node crashed. The next start sees it once, as an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Torn;
impl fmt::Display for Torn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("torn record: the node crashed while this was being written")
    }
}
impl std::error::Error for Torn {}

/// The disk as the last crash left it. Only [`Node::start`](crate::Node::start) sees it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Disk {
    values: BTreeMap<String, Vec<u8>>,
    tables: BTreeMap<String, BTreeMap<Vec<u8>, Vec<u8>>>,
    logs: BTreeMap<String, LogImage>,
    files: BTreeMap<String, Vec<u8>>,
}

/// A log's bytes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogImage {
    /// Position of the first record still there.
    pub first: u64,
    /// The records, each in its encoding.
    pub records: Vec<Vec<u8>>,
    /// A crash tore the record that would have come next.
    pub torn: bool,
}

/// The records of a [`Log`], oldest first. The last one may be a record that a crash tore.
///
/// `.map_while(Result::ok)` reads the whole records.
pub struct LogView<T> {
    first: u64,
    name: &'static str,
    records: std::vec::IntoIter<Vec<u8>>,
    torn: bool,
    of: PhantomData<fn() -> T>,
}
impl<T> LogView<T> {
    /// Position of the first record still there: 0 until [`Out::trim_front`](crate::Out::trim_front).
    pub fn first(&self) -> u64 {
        self.first
    }
}
impl<T: Wire> Iterator for LogView<T> {
    type Item = Result<T, Torn>;
    fn next(&mut self) -> Option<Self::Item> {
        match self.records.next() {
            Some(bytes) => Some(Ok(must_decode(self.name, &bytes))),
            None => std::mem::take(&mut self.torn).then_some(Err(Torn)),
        }
    }
}

fn must_decode<T: Wire>(name: &str, bytes: &[u8]) -> T {
    crate::frame::decode(bytes).unwrap_or_else(|| {
        panic!(
            "what `{name}` holds on the disk was not written as a `{}`: give every object one name and one type",
            std::any::type_name::<T>()
        )
    })
}

impl Disk {
    /// The value that was saved last, if there is one.
    pub fn load<T: Wire>(&self, what: Saved<T>) -> Option<T> {
        self.values.get(what.0).map(|bytes| must_decode(what.0, bytes))
    }
    /// All keys with their values.
    pub fn table<K: Wire + Ord, V: Wire>(&self, what: Table<K, V>) -> BTreeMap<K, V> {
        let rows = self.tables.get(what.0).into_iter().flatten();
        rows.map(|(key, value)| (must_decode(what.0, key), must_decode(what.0, value))).collect()
    }
    /// All records, oldest first.
    pub fn log<T: Wire>(&self, what: Log<T>) -> LogView<T> {
        let LogImage { first, records, torn } = self.logs.get(what.0).cloned().unwrap_or_default();
        LogView { first, name: what.0, records: records.into_iter(), torn, of: PhantomData }
    }
    /// (For suites.) The position of the first record of a log, and the encodings of all: nothing is copied, and nothing is
    /// decoded that may be of another type.
    pub fn encoded<T>(&self, what: Log<T>) -> (u64, &[Vec<u8>]) {
        self.logs.get(what.0).map_or((0, &[]), |log| (log.first, &log.records))
    }
    /// The bytes of a file, a torn tail included. They are empty if there is no such file.
    pub fn file(&self, what: File) -> Vec<u8> {
        self.files.get(what.0).cloned().unwrap_or_default()
    }

    /// The bytes of a file, as they lie there.
    pub fn file_bytes(&self, what: File) -> &[u8] {
        self.files.get(what.0).map_or(&[], Vec::as_slice)
    }
    /// How many records of a log are there. (Its next record gets position [`first`](LogView::first) + this.)
    pub fn log_len<T>(&self, what: Log<T>) -> u64 {
        self.logs.get(what.0).map_or(0, |log| log.records.len() as u64)
    }
    /// Everything there is, by kind and name, each with the bytes of its contents; a table row by row, with its key counted.
    pub fn objects(&self) -> impl Iterator<Item = (Object<'_>, usize)> {
        let values = self.values.iter().map(|(name, bytes)| (Object::Value(name), bytes.len()));
        let rows = self.tables.iter().flat_map(|(name, rows)| {
            rows.iter().map(move |(key, bytes)| (Object::Row(name, key), key.len() + bytes.len()))
        });
        let log_bytes = |log: &LogImage| log.records.iter().map(Vec::len).sum();
        let logs = self.logs.iter().map(move |(name, log)| (Object::Log(name), log_bytes(log)));
        let files = self.files.iter().map(|(name, bytes)| (Object::File(name), bytes.len()));
        values.chain(rows).chain(logs).chain(files)
    }
    /// The bytes of the contents of everything that has this name.
    pub fn bytes_of(&self, name: &str) -> usize {
        self.objects().filter(|(object, _)| object.name() == name).map(|(_, bytes)| bytes).sum()
    }

    /// (For the kernel.) Flips a bit of a file, if it is that long.
    pub fn flip(&mut self, file: &str, at: u64, bit: u8) {
        let byte = usize::try_from(at).ok().and_then(|at| self.files.get_mut(file)?.get_mut(at));
        if let Some(byte) = byte {
            *byte ^= 1_u8.checked_shl(bit.into()).unwrap_or(0);
        }
    }
    /// (For the kernel.) How many bytes a file has.
    pub fn file_len(&self, file: &str) -> usize {
        self.files.get(file).map_or(0, Vec::len)
    }
    /// (For the kernel.) Adds a copy of a file's own first bytes to it, so many at most.
    pub fn append_again(&mut self, file: &str, bytes: u64) {
        if let Some(file) = self.files.get_mut(file) {
            let first = usize::try_from(bytes).unwrap_or(usize::MAX).min(file.len());
            file.extend_from_within(..first);
        }
    }
    /// (For the kernel.) Adds bytes to a file, if it is there.
    pub fn append_to(&mut self, file: &str, bytes: &[u8]) {
        if let Some(file) = self.files.get_mut(file) {
            file.extend_from_slice(bytes);
        }
    }
    /// (For the kernel.) Does `op`, whole.
    pub fn apply(&mut self, op: &DiskOp) {
        match op {
            DiskOp::Save { name, bytes } => *entry(&mut self.values, name) = bytes.clone(),
            DiskOp::Clear { name } => _ = self.values.remove(name),
            DiskOp::Put { name, key, bytes } => {
                entry(&mut self.tables, name).insert(key.clone(), bytes.clone());
            }
            DiskOp::Remove { name, key } => _ = entry(&mut self.tables, name).remove(key),
            DiskOp::Append { name, bytes } => entry(&mut self.logs, name).records.push(bytes.clone()),
            DiskOp::Truncate { name, from } => {
                let log = entry(&mut self.logs, name);
                log.records.truncate(usize::try_from(from.saturating_sub(log.first)).unwrap_or(usize::MAX));
            }
            DiskOp::TrimFront { name, upto } => {
                let log = entry(&mut self.logs, name);
                let gone = usize::try_from(upto.saturating_sub(log.first)).unwrap_or(usize::MAX);
                log.records.drain(..gone.min(log.records.len()));
                log.first = log.first.max(*upto);
            }
            DiskOp::Write { name, bytes } => entry(&mut self.files, name).extend_from_slice(bytes),
            DiskOp::Cut { name, len } => {
                entry(&mut self.files, name).truncate(usize::try_from(*len).unwrap_or(usize::MAX));
            }
            DiskOp::All(ops) => ops.iter().for_each(|op| self.apply(op)),
        }
    }
    /// (For the kernel.) Does `op` as a crash interrupts it after `bytes_kept` bytes; only what is
    /// written at an end can tear.
    pub fn tear(&mut self, op: &DiskOp, bytes_kept: usize) {
        match op {
            DiskOp::Append { name, .. } => entry(&mut self.logs, name).torn = true,
            DiskOp::Write { name, bytes } => {
                entry(&mut self.files, name).extend_from_slice(&bytes[..bytes_kept.min(bytes.len())]);
            }
            _ => {}
        }
    }
    /// (For the kernel.) The start has seen what was torn: a typed log does not show it again.
    pub fn drop_torn(&mut self) {
        self.logs.values_mut().for_each(|log| log.torn = false);
    }
    /// (For the kernel.) Bytes of the names of all that is held.
    pub fn name_bytes(&self) -> usize {
        let names =
            self.values.keys().chain(self.tables.keys()).chain(self.logs.keys()).chain(self.files.keys());
        names.map(String::len).sum()
    }
    /// (For the kernel.) Bytes held, and some more for each record, value and row.
    pub fn bytes(&self) -> usize {
        const BOOKKEEPING: usize = 32;
        let tables = self.tables.values().flatten().map(|(key, value)| key.len() + value.len());
        let logs = self.logs.values().flat_map(|log| log.records.iter().map(Vec::len));
        let flat = self.values.values().chain(self.files.values()).map(Vec::len);
        tables.chain(logs).chain(flat).map(|bytes| bytes + BOOKKEEPING).sum()
    }
}

fn entry<'a, T: Default>(map: &'a mut BTreeMap<String, T>, name: &str) -> &'a mut T {
    if !map.contains_key(name) {
        map.insert(name.to_owned(), T::default());
    }
    map.get_mut(name).expect("just inserted")
}

/// One write, as it crosses to the world.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the fields are those of the method of `Out` that each variant records")]
pub enum DiskOp {
    Save {
        name: String,
        bytes: Vec<u8>,
    },
    Clear {
        name: String,
    },
    Put {
        name: String,
        key: Vec<u8>,
        bytes: Vec<u8>,
    },
    Remove {
        name: String,
        key: Vec<u8>,
    },
    Append {
        name: String,
        bytes: Vec<u8>,
    },
    Truncate {
        name: String,
        from: u64,
    },
    TrimFront {
        name: String,
        upto: u64,
    },
    Write {
        name: String,
        bytes: Vec<u8>,
    },
    Cut {
        name: String,
        len: u64,
    },
    /// All of these survive a crash, or none. No group is in a group.
    All(#[serde(deserialize_with = "no_groups")] Vec<DiskOp>),
}
/// Reads the writes of a group. A group in it is refused: bytes from outside must not choose how deep the
/// reader recurses.
fn no_groups<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<DiskOp>, D::Error> {
    thread_local! {
        static INSIDE: Cell<bool> = const { Cell::new(false) };
    }
    if INSIDE.replace(true) {
        return Err(D::Error::custom("a group in a group"));
    }
    let writes = crate::frame::at_most_many(from);
    INSIDE.set(false);
    writes
}

/// Writes that survive a crash together or not at all; see [`Out::atomic`](crate::Out::atomic).
#[derive(Default)]
pub struct Batch(pub(crate) Vec<DiskOp>);

/// The writes, once: `Out` and `Batch` both take them.
macro_rules! writes {
    ($target:ty, [$($generics:tt)*], $push:ident) => {
        impl $($generics)* $target {
            /// Replaces a [`Saved`] value.
            pub fn save<T: Wire>(&mut self, what: Saved<T>, value: &T) {
                self.$push(DiskOp::Save { name: what.0.to_owned(), bytes: crate::frame::encode(value) });
            }
            /// Removes a [`Saved`] value.
            pub fn clear<T>(&mut self, what: Saved<T>) {
                self.$push(DiskOp::Clear { name: what.0.to_owned() });
            }
            /// Sets the value of one key of a [`Table`].
            pub fn put<K: Wire, V: Wire>(&mut self, what: Table<K, V>, key: &K, value: &V) {
                let (key, bytes) = (crate::frame::encode(key), crate::frame::encode(value));
                self.$push(DiskOp::Put { name: what.0.to_owned(), key, bytes });
            }
            /// Removes one key of a [`Table`].
            pub fn remove<K: Wire, V>(&mut self, what: Table<K, V>, key: &K) {
                self.$push(DiskOp::Remove { name: what.0.to_owned(), key: crate::frame::encode(key) });
            }
            /// Adds a record at the end of a [`Log`].
            pub fn append<T: Wire>(&mut self, what: Log<T>, record: &T) {
                self.$push(DiskOp::Append { name: what.0.to_owned(), bytes: crate::frame::encode(record) });
            }
            /// Removes the records of a [`Log`] at positions `from` and later.
            pub fn truncate<T>(&mut self, what: Log<T>, from: u64) {
                self.$push(DiskOp::Truncate { name: what.0.to_owned(), from });
            }
            /// Removes the records of a [`Log`] before position `upto`. If that is past its end, the next append is at `upto`.
            pub fn trim_front<T>(&mut self, what: Log<T>, upto: u64) {
                self.$push(DiskOp::TrimFront { name: what.0.to_owned(), upto });
            }
            /// Writes bytes at the end of a [`File`].
            pub fn write(&mut self, what: File, bytes: &[u8]) {
                self.$push(DiskOp::Write { name: what.0.to_owned(), bytes: bytes.to_vec() });
            }
            /// Cuts a [`File`] down to its first `len` bytes.
            pub fn cut(&mut self, what: File, len: u64) {
                self.$push(DiskOp::Cut { name: what.0.to_owned(), len });
            }
        }
    };
}
pub(crate) use writes;
impl Batch {
    fn push(&mut self, op: DiskOp) {
        self.0.push(op);
    }
}
writes!(Batch, [], push);

/// (For the kernel.) What a crash keeps or loses on its own: a saved value, one key of a table, a log, a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Object<'a> {
    /// A [`Saved`] value.
    Value(&'a str),
    /// One key of a [`Table`].
    Row(&'a str, &'a [u8]),
    /// A [`Log`].
    Log(&'a str),
    /// A [`File`].
    File(&'a str),
}
impl<'a> Object<'a> {
    /// The name that its handle gives it; a row has that of its table.
    pub fn name(&self) -> &'a str {
        match self {
            Object::Value(name) | Object::Row(name, _) | Object::Log(name) | Object::File(name) => name,
        }
    }
}
impl DiskOp {
    /// (For the kernel.) The objects this write touches, in order.
    pub fn objects(&self) -> Vec<Object<'_>> {
        match self {
            DiskOp::All(ops) => ops.iter().flat_map(DiskOp::objects).collect(),
            DiskOp::Save { name, .. } | DiskOp::Clear { name } => vec![Object::Value(name)],
            DiskOp::Put { name, key, .. } | DiskOp::Remove { name, key } => vec![Object::Row(name, key)],
            DiskOp::Append { name, .. } | DiskOp::Truncate { name, .. } | DiskOp::TrimFront { name, .. } => {
                vec![Object::Log(name)]
            }
            DiskOp::Write { name, .. } | DiskOp::Cut { name, .. } => vec![Object::File(name)],
        }
    }
    /// (For the kernel.) Bytes of the names that this write carries.
    pub fn name_bytes(&self) -> usize {
        match self {
            DiskOp::All(ops) => ops.iter().map(DiskOp::name_bytes).sum(),
            DiskOp::Save { name, .. }
            | DiskOp::Clear { name }
            | DiskOp::Put { name, .. }
            | DiskOp::Remove { name, .. }
            | DiskOp::Append { name, .. }
            | DiskOp::Truncate { name, .. }
            | DiskOp::TrimFront { name, .. }
            | DiskOp::Write { name, .. }
            | DiskOp::Cut { name, .. } => name.len(),
        }
    }
    /// (For the kernel.) Bytes this write carries.
    pub fn bytes(&self) -> usize {
        match self {
            DiskOp::Save { bytes, .. } | DiskOp::Append { bytes, .. } | DiskOp::Write { bytes, .. } => {
                bytes.len()
            }
            DiskOp::Put { key, bytes, .. } => key.len() + bytes.len(),
            DiskOp::All(ops) => ops.iter().map(DiskOp::bytes).sum(),
            DiskOp::Remove { key, .. } => key.len(),
            DiskOp::Clear { .. }
            | DiskOp::Truncate { .. }
            | DiskOp::TrimFront { .. }
            | DiskOp::Cut { .. } => 0,
        }
    }
}
