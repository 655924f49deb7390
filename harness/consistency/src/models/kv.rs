//! A key-value store of strings with append: get, put, append.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::hash::{Hash, Hasher};
use std::rc::Rc;

use crate::model::{Access, Answer, Model, Seen};

/// A store of strings. A key holds nothing at first; appending to nothing starts from the empty string.
#[derive(Clone, Debug)]
pub struct Kv<K> {
    key: std::marker::PhantomData<K>,
}

impl<K> Default for Kv<K> {
    fn default() -> Self {
        Self { key: std::marker::PhantomData }
    }
}

/// What one can ask of the store.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Call<K> {
    /// What does the key hold?
    Get(K),
    /// Hold this.
    Put(K, String),
    /// Hold what you hold, and this after it.
    Append(K, String),
}

/// What it answers.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Return {
    /// To a get: what the key holds, if anything.
    Got(Option<String>),
    /// To a put or an append.
    Done,
}

/// The string under a key, sharing its beginning with the string it was appended to: a thousand appends are a thousand links, not half a million
/// copied pieces.
#[derive(Clone, Debug)]
pub struct Text(Option<Rc<Link>>);

#[derive(Debug)]
struct Link {
    before: Text,
    piece: String,
    len: usize,
    /// Polynomial hash of the whole string, so that it does not depend on where the pieces end.
    hash: u64,
}

const BASE: u64 = 0x9E37_79B9_7F4A_7C15;

impl Text {
    fn start(piece: &str) -> Self {
        Self(None).append(piece)
    }

    fn append(&self, piece: &str) -> Self {
        let (len, mut hash) = self.0.as_ref().map_or((0, 1), |link| (link.len, link.hash));
        for byte in piece.bytes() {
            hash = hash.wrapping_mul(BASE).wrapping_add(u64::from(byte) + 1);
        }
        Self(Some(Rc::new(Link { before: self.clone(), piece: piece.to_owned(), len: len + piece.len(), hash })))
    }

    fn len(&self) -> usize {
        self.0.as_ref().map_or(0, |link| link.len)
    }

    fn is(&self, text: &str) -> bool {
        let mut rest = text;
        let mut at = self;
        if self.len() != text.len() {
            return false;
        }
        while let Some(link) = &at.0 {
            match rest.strip_suffix(link.piece.as_str()) {
                Some(shorter) => rest = shorter,
                None => return false,
            }
            at = &link.before;
        }
        rest.is_empty()
    }

    fn whole(&self) -> String {
        let mut pieces = Vec::new();
        let mut at = self;
        while let Some(link) = &at.0 {
            pieces.push(link.piece.as_str());
            at = &link.before;
        }
        pieces.into_iter().rev().collect()
    }
}

impl std::fmt::Display for Text {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.whole())
    }
}

impl PartialEq for Text {
    fn eq(&self, other: &Self) -> bool {
        let (mut a, mut b) = (self, other);
        loop {
            match (&a.0, &b.0) {
                (None, None) => return true,
                (Some(x), Some(y)) if Rc::ptr_eq(x, y) => return true,
                (Some(x), Some(y)) if x.hash != y.hash || x.len != y.len => return false,
                (Some(x), Some(y)) if x.piece == y.piece => (a, b) = (&x.before, &y.before),
                // the same characters in other pieces, or an accident of the hash
                _ => return a.whole() == b.whole(),
            }
        }
    }
}

impl Eq for Text {}

impl Hash for Text {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.0.as_ref().map_or(1, |link| link.hash));
    }
}

impl<K: Clone + Debug + Ord + Hash> Model for Kv<K> {
    type Call = Call<K>;
    type Return = Return;
    type State = Option<Text>;
    type Key = K;
    type Value = String;

    fn init(&self) -> Self::State {
        None
    }

    fn step(&self, state: &Self::State, call: &Self::Call, answer: Option<&Self::Return>) -> Option<Self::State> {
        match (call, answer) {
            (Call::Get(_), None) => Some(state.clone()),
            (Call::Get(_), Some(Return::Got(value))) => {
                let same = match (state, value) {
                    (None, None) => true,
                    (Some(text), Some(value)) => text.is(value),
                    _ => false,
                };
                same.then(|| state.clone())
            }
            (Call::Put(_, value), None | Some(Return::Done)) => Some(Some(Text::start(value))),
            (Call::Append(_, value), None | Some(Return::Done)) => {
                Some(Some(state.as_ref().map_or_else(|| Text::start(value), |text| text.append(value))))
            }
            _ => None,
        }
    }

    fn key(&self, call: &Self::Call) -> Option<K> {
        let (Call::Get(key) | Call::Put(key, _) | Call::Append(key, _)) = call;
        Some(key.clone())
    }

    fn is_read(&self, call: &Self::Call, _: Option<&Self::Return>) -> bool {
        matches!(call, Call::Get(_))
    }

    fn describe(&self, call: &Self::Call, answer: Option<&Self::Return>) -> String {
        let at = |key: &K| crate::explain::at(key);
        match (call, answer) {
            (Call::Get(key), Some(Return::Got(Some(value)))) => format!("get{} → {value:?}", at(key)),
            (Call::Get(key), Some(_)) => format!("get{} → nil", at(key)),
            (Call::Get(key), None) => format!("get{}", at(key)),
            (Call::Put(key, value), _) => format!("put{} {value:?}", at(key)),
            (Call::Append(key, value), _) => format!("append{} {value:?}", at(key)),
        }
    }

    fn access<'a>(&self, call: &'a Self::Call, answer: Option<&'a Self::Return>) -> Option<Access<&'a String>> {
        match (call, answer) {
            (Call::Get(_), None) => Some(Access::Read(Answer::Unknown)),
            (Call::Get(_), Some(Return::Got(None))) => Some(Access::Read(Answer::Initial)),
            (Call::Get(_), Some(Return::Got(Some(value)))) => Some(Access::Read(Answer::Value(value))),
            (Call::Put(_, value), None | Some(Return::Done)) => Some(Access::Write(value)),
            _ => None,
        }
    }

    /// Gets; where nothing is appended, a put with the gets that saw it; where nothing is put, an append that no get saw.
    fn removable(&self, seen: &[Seen<'_, Self>]) -> Vec<Vec<usize>> {
        let mut groups = Vec::new();
        let appends = seen.iter().any(|s| matches!(s.call, Call::Append(..)));
        let puts = seen.iter().any(|s| matches!(s.call, Call::Put(..)));
        let got = |s: &Seen<'_, Self>| match s.answer {
            Some(Return::Got(Some(value))) => Some(value.clone()),
            _ => None,
        };
        let mut values: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        for (i, s) in seen.iter().enumerate() {
            match s.call {
                Call::Get(_) => {
                    groups.push(vec![i]);
                    if let Some(value) = got(s) {
                        values.entry(value).or_default().push(i);
                    }
                }
                Call::Put(_, value) => values.entry(value.clone()).or_default().push(i),
                Call::Append(_, piece) => {
                    let unseen = || seen.iter().filter_map(got).all(|value| !value.contains(piece.as_str()));
                    if !puts && !piece.is_empty() && unseen() {
                        groups.push(vec![i]);
                    }
                }
            }
        }
        if !appends {
            groups.extend(values.into_values());
        }
        groups
    }

    fn heap_bytes(&self, state: &Self::State) -> usize {
        match state {
            Some(Text(Some(link))) => size_of::<Link>() + 16 + link.piece.capacity(),
            _ => 0,
        }
    }
}
