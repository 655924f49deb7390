//! A key-value store of strings with append: get, put, append.

use std::fmt::Debug;
use std::hash::Hash;
use std::ops::Range;
use std::sync::Arc;

use crate::model::Operation;
use crate::model::{Access, Answer, Model, Seen, Shows};

/// A store of strings. A key holds nothing at first; appending to nothing starts from the empty string.
#[derive(Clone, Debug)]
pub struct Kv<K> {
    key: std::marker::PhantomData<K>,
    shown: Option<Shown>,
}

impl<K> Default for Kv<K> {
    fn default() -> Self {
        Self { key: std::marker::PhantomData, shown: None }
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

impl<K> Call<K> {
    fn key(&self) -> &K {
        let (Self::Get(key) | Self::Put(key, _) | Self::Append(key, _)) = self;
        key
    }
}

/// What it answers.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Return {
    /// To a get: what the key holds, if anything.
    Got(Option<String>),
    /// To a put or an append.
    Done,
}

/// What a key holds.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum State {
    /// Nothing yet.
    Nothing,
    /// This string.
    Holds(String),
    /// The first `len` bytes of the `first` of the strings that gets returned, in their order. Only in tailored models.
    Starts {
        /// Place among the strings, sorted; the first that starts so.
        first: u32,
        /// Length in bytes.
        len: u32,
    },
    /// Something that no get returned, nor the beginning of it. Only in tailored models.
    Other,
}

/// All strings that gets of a history returned, sorted: a state that is not the beginning of one of them need not be told from others.
#[derive(Clone, Debug)]
struct Shown(Arc<Vec<String>>);

impl Shown {
    /// The number of reading nothing: after all strings.
    fn nothing(&self) -> u32 {
        self.0.len() as u32
    }

    /// The strings that start so.
    fn starting(&self, start: &str) -> Range<u32> {
        let from = self.0.partition_point(|s| s.as_str() < start);
        let until = from + self.0[from..].partition_point(|s| s.starts_with(start));
        from as u32..until as u32
    }

    /// The state "first `len` bytes of string `first`, then `piece`".
    fn append(&self, first: u32, len: u32, piece: &str) -> State {
        let start = &self.0[first as usize][..len as usize];
        let after = |s: &String| match s.strip_prefix(start) {
            Some(rest) => rest.as_bytes()[..rest.len().min(piece.len())].cmp(piece.as_bytes()),
            None => s.as_str().cmp(start),
        };
        let found = self.0.partition_point(|s| after(s).is_lt());
        match self.0.get(found) {
            Some(s) if after(s).is_eq() => {
                State::Starts { first: found as u32, len: len + piece.len() as u32 }
            }
            _ => State::Other,
        }
    }
}

impl<K: Clone + Debug + Ord + Hash> Model for Kv<K> {
    type Call = Call<K>;
    type Return = Return;
    type State = State;
    type Key = K;
    type Value = String;

    fn init(&self) -> State {
        State::Nothing
    }

    fn step(&self, state: &State, call: &Self::Call, answer: Option<&Self::Return>) -> Option<State> {
        match (call, answer) {
            (Call::Get(_), None) => Some(state.clone()),
            (Call::Get(_), Some(Return::Got(value))) => {
                let same = match (state, value) {
                    (State::Nothing, None) => true,
                    (State::Holds(held), Some(value)) => held == value,
                    (State::Starts { first, len }, Some(value)) => {
                        let shown =
                            self.shown.as_ref().map(|shown| &shown.0[*first as usize][..*len as usize]);
                        shown == Some(value)
                    }
                    _ => false,
                };
                same.then(|| state.clone())
            }
            (Call::Put(_, value), None | Some(Return::Done)) => Some(self.holding("", value)),
            (Call::Append(_, piece), None | Some(Return::Done)) => Some(match (state, &self.shown) {
                (State::Nothing, _) => self.holding("", piece),
                (State::Holds(held), _) => self.holding(held, piece),
                (State::Starts { first, len }, Some(shown)) => shown.append(*first, *len, piece),
                (State::Starts { .. } | State::Other, _) => State::Other,
            }),
            _ => None,
        }
    }

    fn tailored(&self, seen: &[Seen<'_, Self>]) -> Self {
        let got = |s: &Seen<'_, Self>| match s.answer {
            Some(Return::Got(value)) => value.clone(),
            _ => None,
        };
        let mut shown: Vec<String> = seen.iter().filter_map(got).collect();
        shown.sort_unstable();
        shown.dedup();
        Self { key: self.key, shown: Some(Shown(Arc::new(shown))) }
    }

    fn key(&self, call: &Self::Call) -> Option<K> {
        let (Call::Get(key) | Call::Put(key, _) | Call::Append(key, _)) = call;
        Some(key.clone())
    }

    fn is_read(&self, call: &Self::Call, _: Option<&Self::Return>) -> bool {
        matches!(call, Call::Get(_))
    }

    fn describe(&self, call: &Self::Call, answer: Option<&Self::Return>) -> String {
        let at = |key: &K| crate::words::at(key);
        match (call, answer) {
            (Call::Get(key), Some(Return::Got(Some(value)))) => format!("get{} → {value:?}", at(key)),
            (Call::Get(key), Some(_)) => format!("get{} → nil", at(key)),
            (Call::Get(key), None) => format!("get{}", at(key)),
            (Call::Put(key, value), _) => format!("put{} {value:?}", at(key)),
            (Call::Append(key, value), _) => format!("append{} {value:?}", at(key)),
        }
    }

    fn access<'a>(
        &self,
        call: &'a Self::Call,
        answer: Option<&'a Self::Return>,
    ) -> Option<Access<&'a String>> {
        match (call, answer) {
            (Call::Get(_), None) => Some(Access::Read(Answer::Unknown)),
            (Call::Get(_), Some(Return::Got(None))) => Some(Access::Read(Answer::Initial)),
            (Call::Get(_), Some(Return::Got(Some(value)))) => Some(Access::Read(Answer::Value(value))),
            (Call::Put(_, value), None | Some(Return::Done)) => Some(Access::Write(value)),
            _ => None,
        }
    }

    fn shows(&self, seen: Seen<'_, Self>) -> Option<Shows> {
        let shown = self.shown.as_ref()?;
        Some(match (seen.call, seen.answer) {
            (Call::Get(_), Some(Return::Got(Some(value)))) => {
                let number = shown.0.partition_point(|s| s < value) as u32;
                Shows { needs: Some(number), starts: 0..0 }
            }
            (Call::Get(_), Some(Return::Got(None))) => Shows { needs: Some(shown.nothing()), starts: 0..0 },
            (Call::Put(_, value), _) => Shows { needs: None, starts: shown.starting(value) },
            _ => Shows::default(),
        })
    }

    fn reach(&self, state: &State) -> Option<Range<u32>> {
        let shown = self.shown.as_ref()?;
        match state {
            State::Nothing => Some(0..shown.nothing() + 1),
            State::Starts { first, len } => Some(shown.starting(&shown.0[*first as usize][..*len as usize])),
            State::Other => Some(0..0),
            State::Holds(_) => None,
        }
    }

    fn blame(&self, core: &[&Operation<Self>], guilty: usize) -> Option<String> {
        let get = core[guilty];
        let Some(Return::Got(got)) = &get.answer else { return None };
        let (who, key) = (get.process, get.call.key());
        let same_key = || core.iter().filter(|op| op.call.key() == key);
        let from = crate::words::from(key);
        let Some(got) = got else {
            let write = same_key().find(|op| !matches!(op.call, Call::Get(_)) && op.precedes(get))?;
            return Some(format!(
                "{who} read nothing{from} after {} had finished",
                self.describe(&write.call, None)
            ));
        };
        if core.len() == 1 {
            return Some(format!("{who} read {got:?}{from}, and nothing that was written makes that"));
        }
        for op in same_key() {
            let Call::Append(_, piece) = &op.call else { continue };
            if piece.is_empty() {
                continue;
            }
            let told = same_key()
                .filter(|o| matches!(&o.call, Call::Append(_, p) | Call::Put(_, p) if p == piece))
                .count();
            if got.matches(piece.as_str()).count() > told {
                return Some(format!(
                    "{who} read {got:?}{from}: {piece:?} is there more often than it was appended"
                ));
            }
            let overwritten = same_key().any(|o| matches!(o.call, Call::Put(..)) && !o.precedes(op));
            if op.precedes(get) && !got.contains(piece.as_str()) && !overwritten {
                return Some(format!(
                    "{who} read {got:?}{from}, without {piece:?}, whose append had finished"
                ));
            }
        }
        None
    }

    /// Gets; an append that no get shows; a put with the gets that show it, where no other beginning can be mistaken for it, or where there are none.
    fn removable(&self, seen: &[Seen<'_, Self>]) -> Vec<Vec<usize>> {
        let mut groups = Vec::new();
        let mut shown: Vec<(&str, usize)> = Vec::new();
        let mut pieces: Vec<&str> = Vec::new();
        for (i, s) in seen.iter().enumerate() {
            match (s.call, s.answer) {
                (Call::Get(_), answer) => {
                    groups.push(vec![i]);
                    if let Some(Return::Got(Some(value))) = answer {
                        shown.push((value, i));
                    }
                }
                (Call::Put(_, piece) | Call::Append(_, piece), _) => pieces.push(piece),
            }
        }
        shown.sort_unstable();
        pieces.sort_unstable();
        let whole: Vec<&str> = (0..shown.len())
            .filter(|&i| shown.get(i + 1).is_none_or(|next| !next.0.starts_with(shown[i].0)))
            .map(|i| shown[i].0)
            .collect();
        for (i, s) in seen.iter().enumerate() {
            match s.call {
                Call::Append(_, piece) => {
                    // appending nothing shows where there was nothing
                    let shows =
                        |s: &str| if piece.is_empty() { s.is_empty() } else { s.contains(piece.as_str()) };
                    if !whole.iter().copied().chain(shown.first().map(|s| s.0)).any(shows) {
                        groups.push(vec![i]);
                    }
                }
                Call::Put(_, value) => {
                    let from = pieces.partition_point(|piece| *piece < value.as_str());
                    let unmistaken = pieces[..from].iter().all(|piece| !value.starts_with(piece))
                        && pieces.get(from + 1).is_none_or(|next| !next.starts_with(value.as_str()));
                    let first = shown.partition_point(|s| s.0 < value.as_str());
                    let so =
                        shown[first..].iter().take_while(|s| s.0.starts_with(value.as_str())).map(|s| s.1);
                    let group: Vec<usize> = std::iter::once(i).chain(so).collect();
                    if unmistaken || group.len() == 1 {
                        groups.push(group);
                    }
                }
                Call::Get(_) => {}
            }
        }
        groups
    }

    fn heap_bytes(&self, state: &State) -> usize {
        match state {
            State::Holds(held) => held.capacity(),
            _ => 0,
        }
    }
}

impl<K> Kv<K> {
    fn holding(&self, before: &str, piece: &str) -> State {
        match &self.shown {
            None => State::Holds(format!("{before}{piece}")),
            Some(shown) if shown.0.is_empty() => State::Other,
            Some(shown) => shown.append(0, 0, piece),
        }
    }
}
