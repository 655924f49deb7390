//! Exercise `fallacies`: a gateway in front of backends, on a network about which all eight fallacies are false.
//!
//! The contract is in `lab::fallacies`: read it first, the frames and their rules too. It is the only place that says what a frame is.
//!
//! Two things to write. The functions `ask` and [`read`] are the two directions of the format: `ask` makes bytes, and [`read`] makes
//! sense of bytes that anyone may have sent. The node [`Gateway`] decides whom to ask, and what to do if no answer comes. Begin with
//! one backend that answers at once, then take the checks one after another: each is about one fallacy. Try your code with `cargo test
//! fallacies`, then run `faultlines grade 1/fallacies`.
// BEGIN SOLUTION
// STUB: #![expect(unused, reason = "delete this line when every todo!() below is gone")]
// END SOLUTION

use lab::fallacies::{self as contract, Backend, Backends, Config, Frame, Get, Got, Key, Secret, Value, Who};
use lab::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

/// The kinds of frames.
const ASK: u8 = b'A';
const VALUES: u8 = b'V';
const NO: u8 = b'N';
/// The tags of fields.
const KEY: u8 = 1;
const PART: u8 = 2;
const SPEAKS: u8 = 3;
/// The length of the code at the end of each frame.
const MAC: usize = 8;
/// The bytes of an ask of version 2 before its first field.
const HEADER: usize = 15;
/// The bytes of a KEY field: tag, length and key.
const KEY_FIELD: usize = 7;

/// Makes an ask, big-endian. `left` is how long the client still waits.
fn ask(version: u8, id: u64, left: Duration, keys: &[Key], secret: &Secret) -> Frame {
    let mut bytes = vec![version, 0, ASK];
    bytes.extend(id.to_be_bytes());
    // BEGIN SOLUTION
    if version == 2 {
        let left = u32::try_from(left.as_millis()).unwrap_or(u32::MAX);
        bytes.extend(left.to_be_bytes());
    }
    // STUB: // this is version 1; version 2 has four bytes more here
    // END SOLUTION
    for key in keys {
        bytes.push(KEY);
        bytes.extend(4_u16.to_be_bytes());
        bytes.extend(key.to_be_bytes());
    }
    let mac = lab::mac(&secret.0, &bytes);
    bytes.extend(mac.to_be_bytes());
    Frame(bytes)
}

/// What a legal frame from a backend says, beside the id of the ask.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Says {
    /// V: parts of values.
    Values(Vec<Part>),
    /// N.
    No {
        /// The version that the backend speaks, if it said so.
        speaks: Option<u8>,
    },
}
/// One PART field: some bytes of a value.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Part {
    key: Key,
    /// Where in the value these bytes begin.
    offset: usize,
    /// The length of the whole value.
    total: usize,
    bytes: Vec<u8>,
}

/// Reads a frame that a backend with this secret may have sent: the id of the ask, and what the frame says. `None` if the frame is not
/// legal, or of a kind that the gateway does not know. Every string of bytes is a possible argument.
fn read(frame: &[u8], secret: &Secret, value_max: u32) -> Option<(u64, Says)> {
    // BEGIN SOLUTION
    // the code first: what the secret did not sign is not worth reading
    let (body, mac) = frame.split_last_chunk::<MAC>()?;
    if lab::mac(&secret.0, body).to_be_bytes() != *mac {
        return None;
    }
    let (&[version, order, kind], rest) = body.split_first_chunk()?;
    if !(1..=2).contains(&version) || order > 1 {
        return None;
    }
    let mut header = Reader { rest, little: order == 1 };
    let id = header.number(8)?;
    if version == 2 {
        header.number(4)?; // the time that is left means nothing in an answer
    }
    let mut fields = header;
    let (mut parts, mut speaks) = (Vec::new(), None);
    while !fields.rest.is_empty() {
        let tag = fields.number(1)?;
        let length = fields.number(2)?;
        let content = fields.take(usize::try_from(length).ok()?)?;
        let mut content = Reader { rest: content, little: fields.little };
        match u8::try_from(tag).ok()? {
            PART => parts.push(content.part(value_max)?),
            SPEAKS => {
                speaks = content.whole(1)?.try_into().ok().filter(|version| (1..=2).contains(version));
                speaks?;
            }
            KEY => _ = content.whole(4)?,
            _ => {} // a later version may know this field
        }
    }
    match kind {
        VALUES => Some((id, Says::Values(parts))),
        NO => Some((id, Says::No { speaks })),
        _ => None,
    }
    // STUB: todo!("is the code right? Then the header, then field after field, and never a byte beyond the end")
    // END SOLUTION
}
// BEGIN SOLUTION

/// Takes bytes from the front of a frame, and never more than there are.
struct Reader<'a> {
    rest: &'a [u8],
    little: bool,
}
impl<'a> Reader<'a> {
    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.rest.split_at_checked(length)?;
        self.rest = rest;
        Some(taken)
    }
    /// A number of so many bytes, at most 8.
    fn number(&mut self, length: usize) -> Option<u64> {
        let digits = self.take(length)?;
        let add = |number: u64, digit: &u8| number << 8 | u64::from(*digit);
        Some(if self.little { digits.iter().rev().fold(0, add) } else { digits.iter().fold(0, add) })
    }
    /// A number that is all that is left.
    fn whole(&mut self, length: usize) -> Option<u64> {
        (self.rest.len() == length).then(|| self.number(length)).flatten()
    }
    fn part(&mut self, value_max: u32) -> Option<Part> {
        let key = Key::try_from(self.number(4)?).ok()?;
        let offset = usize::try_from(self.number(4)?).ok()?;
        let total = usize::try_from(self.number(4)?).ok()?;
        let is_inside = self.rest.len() <= total.saturating_sub(offset) && offset <= total;
        let is_small = total as u64 <= u64::from(value_max);
        (is_inside && is_small).then(|| Part { key, offset, total, bytes: self.rest.to_vec() })
    }
}
// END SOLUTION

/// The names of timers. Yours to change.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub enum Timer {
    /// The client of this request waits no longer.
    Over(RequestId),
    /// This backend has work, and was silent for [`Config::patience`].
    Silence(NodeId),
    /// All backends refused to answer this request. It is time to try again.
    Again(RequestId),
    /// The directory has not answered.
    Directory,
}

/// The gateway. It never crashes, so it needs no disk.
pub struct Gateway {
    config: Config,
    // BEGIN SOLUTION
    /// The newest list of the directory, and when it came.
    backends: Vec<Backend>,
    listed: Option<Instant>,
    /// The call to the directory that is not answered yet.
    call: Option<CallId>,
    /// The version in which each backend wants to be asked. One that has not said so is asked in version 1.
    speaks: BTreeMap<NodeId, u8>,
    gets: BTreeMap<RequestId, Open>,
    /// All asks for open requests, by id, those that were given up included: their answers may still come.
    asks: BTreeMap<u64, Ask>,
    last_ask: u64,
    /// Which backend the next request begins with.
    turn: usize,
    // STUB: // your state: the backends, what clients wait for, what you have asked whom
    // END SOLUTION
}
// BEGIN SOLUTION

/// A request that is not answered yet.
struct Open {
    deadline: Instant,
    values: BTreeMap<Key, Value>,
    /// What has arrived of the other values.
    missing: BTreeMap<Key, Pieces>,
    /// Which backend is asked next, of all in turn.
    turn: usize,
    /// How many backends have refused since one of them gave something.
    refusals: usize,
}
/// One ask.
struct Ask {
    get: RequestId,
    to: NodeId,
    version: u8,
    keys: Vec<Key>,
    /// Whether it is this backend's turn: it has not refused, and was not silent for too long.
    counts: bool,
}
/// What has arrived of one value.
#[derive(Default)]
struct Pieces {
    by_offset: BTreeMap<usize, Vec<u8>>,
}
impl Pieces {
    /// Takes one more part. The value, if it is whole now.
    fn add(&mut self, Part { offset, total, bytes, .. }: Part) -> Option<Value> {
        let known = self.by_offset.entry(offset).or_default();
        if known.len() < bytes.len() {
            *known = bytes;
        }
        let mut value = Vec::new();
        for (&offset, bytes) in &self.by_offset {
            let overlap = value.len().checked_sub(offset)?; // `None`: something before it is missing
            value.extend(bytes.iter().skip(overlap));
        }
        (value.len() == total).then_some(Value(value))
    }
}
// END SOLUTION

impl Node for Gateway {
    type Contract = contract::Gateway;
    type Message = Frame;
    type Timer = Timer;

    fn start(boot: Boot<Self>, _out: &mut Out<Self>) -> Self {
        // BEGIN SOLUTION
        Gateway {
            config: boot.config,
            backends: Vec::new(),
            listed: None,
            call: None,
            speaks: BTreeMap::new(),
            gets: BTreeMap::new(),
            asks: BTreeMap::new(),
            last_ask: 0,
            turn: 0,
        }
        // STUB: Gateway { config: boot.config }
        // END SOLUTION
    }

    /// A client asks for the values of some keys.
    fn on_request(&mut self, id: RequestId, get: Get, out: &mut Out<Self>) {
        // BEGIN SOLUTION
        self.turn += 1;
        let open = Open {
            deadline: out.now() + get.within,
            values: BTreeMap::new(),
            missing: get.keys.into_iter().map(|key| (key, Pieces::default())).collect(),
            turn: self.turn,
            refusals: 0,
        };
        let has_keys = !open.missing.is_empty();
        self.gets.insert(id, open);
        out.set_timer(get.within, Timer::Over(id));
        if has_keys {
            self.ask_for_the_rest(id, out);
        } else {
            self.finish(id, out);
        }
        // STUB: todo!("keep the request, set a timer for its end, and ask a backend; if you know none, ask the directory first")
        // END SOLUTION
    }

    /// A frame arrives: from a backend, or from someone else.
    fn on_message(&mut self, from: NodeId, frame: Frame, out: &mut Out<Self>) {
        // BEGIN SOLUTION
        let Some(backend) = self.backends.iter().find(|backend| backend.node == from) else { return };
        let Some((id, says)) = read(&frame.0, &backend.secret, self.config.value_max) else { return };
        let Some(ask) = self.asks.get(&id).filter(|ask| ask.to == from) else { return };
        let get = ask.get;
        if self.is_awaited(from) {
            // it works: whatever it works on, our other asks are still in its queue
            out.set_timer(self.config.patience, Timer::Silence(from));
        }
        match says {
            Says::Values(parts) => self.keep(get, parts, out),
            Says::No { speaks } => self.refused(id, speaks, out),
        }
        self.stop_waiting_for_what_is_there(from, out);
        // STUB: todo!("whose frame is it, is it legal, and is it about an ask of yours that is still open?")
        // END SOLUTION
    }

    /// The directory answers.
    fn on_answer(&mut self, call: CallId, answer: Backends, out: &mut Out<Self>) {
        // BEGIN SOLUTION
        if self.call != Some(call) {
            return; // the answer to an earlier call may be older than what is known
        }
        self.call = None;
        out.cancel_timer(Timer::Directory);
        self.listed = Some(out.now());
        if self.backends == answer.0 {
            return;
        }
        self.backends = answer.0;
        let serves = |ask: &Ask| self.backends.iter().any(|backend| backend.node == ask.to);
        let gone: BTreeSet<NodeId> =
            self.asks.values().filter(|ask| !serves(ask)).map(|ask| ask.to).collect();
        for node in gone {
            self.give_up(node, out);
        }
        let gets: Vec<RequestId> = self.gets.keys().copied().collect();
        gets.into_iter().for_each(|get| self.ask_for_the_rest(get, out));
        // STUB: todo!("keep the list; requests may wait for it")
        // END SOLUTION
    }

    /// A timer fires.
    fn on_timer(&mut self, timer: Timer, out: &mut Out<Self>) {
        // BEGIN SOLUTION
        match timer {
            Timer::Over(get) => self.finish(get, out),
            Timer::Again(get) => self.ask_for_the_rest(get, out),
            Timer::Silence(backend) => {
                self.call_the_directory(out); // it may know better who serves
                let gets = self.give_up(backend, out);
                gets.into_iter().for_each(|get| self.ask_for_the_rest(get, out));
            }
            Timer::Directory => {
                self.call = None;
                if !self.gets.is_empty() && self.list_is_old(out) {
                    self.call_the_directory(out);
                }
            }
        }
        // STUB: todo!("what was silent for too long, and what can you do instead of waiting on?")
        // END SOLUTION
    }
}

// BEGIN SOLUTION
impl Gateway {
    /// Asks the next backend for all that a request misses and that no backend works on.
    fn ask_for_the_rest(&mut self, get: RequestId, out: &mut Out<Self>) {
        if self.list_is_old(out) {
            self.call_the_directory(out);
        }
        // an old list is better than none: the directory may be out of reach
        let Some(open) = self.gets.get_mut(&get) else { return };
        if self.backends.is_empty() {
            return; // the directory's answer goes on here
        }
        let backend = self.backends[open.turn % self.backends.len()];
        open.turn += 1;
        self.ask(get, backend, out);
    }
    fn ask(&mut self, get: RequestId, backend: Backend, out: &mut Out<Self>) {
        let Some(open) = self.gets.get(&get) else { return };
        let working = self.asks.values().filter(|ask| ask.get == get && ask.counts);
        let coming: BTreeSet<Key> = working.flat_map(|ask| ask.keys.iter().copied()).collect();
        let keys: Vec<Key> = open.missing.keys().copied().filter(|key| !coming.contains(key)).collect();
        let left = open.deadline - out.now();
        let version = self.speaks.get(&backend.node).copied().unwrap_or(1);
        if !keys.is_empty() && !self.is_awaited(backend.node) {
            // else it is set: to set it for each ask would put it off for ever
            out.set_timer(self.config.patience, Timer::Silence(backend.node));
        }
        for keys in keys.chunks(keys_per_frame(self.config.frame_max)) {
            self.last_ask += 1;
            out.send(backend.node, ask(version, self.last_ask, left, keys, &backend.secret));
            let ask = Ask { get, to: backend.node, version, keys: keys.to_vec(), counts: true };
            self.asks.insert(self.last_ask, ask);
        }
    }
    fn keep(&mut self, get: RequestId, parts: Vec<Part>, out: &mut Out<Self>) {
        let Some(open) = self.gets.get_mut(&get) else { return };
        open.refusals = 0;
        for part in parts {
            let key = part.key;
            // of other keys, and of those that are whole, nothing is missing
            if let Some(value) = open.missing.get_mut(&key).and_then(|pieces| pieces.add(part)) {
                open.missing.remove(&key);
                open.values.insert(key, value);
            }
        }
        if open.missing.is_empty() {
            self.finish(get, out);
        }
    }
    fn refused(&mut self, id: u64, speaks: Option<u8>, out: &mut Out<Self>) {
        let Some(ask) = self.asks.get_mut(&id).filter(|ask| ask.counts) else { return };
        ask.counts = false;
        let (get, node, version) = (ask.get, ask.to, ask.version);
        let backend = self.backends.iter().find(|backend| backend.node == node).copied();
        match (speaks.filter(|speaks| *speaks != version), backend) {
            (Some(speaks), Some(backend)) => {
                self.speaks.insert(node, speaks);
                self.ask(get, backend, out);
            }
            _ => self.ask_elsewhere(get, out),
        }
    }
    /// A backend has refused: asks the next one, or waits if all of them have refused.
    fn ask_elsewhere(&mut self, get: RequestId, out: &mut Out<Self>) {
        let Some(open) = self.gets.get_mut(&get) else { return };
        open.refusals += 1;
        if open.refusals < self.backends.len() {
            return self.ask_for_the_rest(get, out);
        }
        open.refusals = 0;
        self.call_the_directory(out);
        out.set_timer(self.config.patience, Timer::Again(get));
    }

    fn finish(&mut self, get: RequestId, out: &mut Out<Self>) {
        let Some(Open { values, missing, .. }) = self.gets.remove(&get) else { return };
        out.reply(get, Got { values, missing: missing.into_keys().collect() });
        out.cancel_timer(Timer::Over(get));
        out.cancel_timer(Timer::Again(get));
        let asked: BTreeSet<NodeId> =
            self.asks.values().filter(|ask| ask.get == get).map(|ask| ask.to).collect();
        self.asks.retain(|_, ask| ask.get != get);
        asked.into_iter().for_each(|node| self.stop_waiting_for_what_is_there(node, out));
    }

    /// Whether this backend has work of ours.
    fn is_awaited(&self, node: NodeId) -> bool {
        self.asks.values().any(|ask| ask.counts && ask.to == node)
    }
    /// A backend has nothing more to do for an ask whose values have all arrived.
    fn stop_waiting_for_what_is_there(&mut self, node: NodeId, out: &mut Out<Self>) {
        for ask in self.asks.values_mut().filter(|ask| ask.to == node) {
            let is_missing =
                |key: &Key| self.gets.get(&ask.get).is_some_and(|get| get.missing.contains_key(key));
            ask.counts = ask.counts && ask.keys.iter().any(is_missing);
        }
        if !self.is_awaited(node) {
            out.cancel_timer(Timer::Silence(node));
        }
    }
    /// Counts on this backend for nothing any more, and returns whose asks it had.
    fn give_up(&mut self, node: NodeId, out: &mut Out<Self>) -> BTreeSet<RequestId> {
        out.cancel_timer(Timer::Silence(node));
        let asks = self.asks.values_mut().filter(|ask| ask.counts && ask.to == node);
        asks.map(|ask| {
            ask.counts = false;
            ask.get
        })
        .collect()
    }

    fn list_is_old(&self, out: &Out<Self>) -> bool {
        self.listed.is_none_or(|listed| out.now() - listed > self.config.refresh)
    }
    fn call_the_directory(&mut self, out: &mut Out<Self>) {
        if self.call.is_none() {
            self.call = Some(out.call(Who));
            out.set_timer(self.config.patience, Timer::Directory);
        }
    }
}
/// So many keys fit into one ask of either version.
fn keys_per_frame(frame_max: u32) -> usize {
    ((frame_max as usize).saturating_sub(HEADER + MAC) / KEY_FIELD).max(1)
}
// END SOLUTION

#[cfg(test)]
mod tests {
    use super::*;
    use lab::bench::Bench;
    use lab::fallacies::{Directory, Server};
    use lab::{Effect, Service};

    const SECRET: Secret = Secret(*b"between the two!");

    /// A gateway on a workbench, a directory, and one backend: node 2.
    struct Desk {
        gateway: Bench<Gateway>,
        directory: Directory,
        backend: Server,
    }
    impl Desk {
        /// The backend holds the values of the keys 1 to 100: key 7 has 7 times 10 bytes.
        fn new(version: u8) -> Desk {
            let frame_max = Config::default().frame_max;
            let value = |key: Key| (key, Value(vec![key as u8; 10 * key as usize]));
            let list = Backends(vec![Backend { node: NodeId(2), secret: SECRET }]);
            Desk {
                gateway: Bench::new(1, 1, Config::default()),
                directory: Directory::open(vec![(Duration::ZERO, list)]),
                backend: Server {
                    secret: SECRET,
                    version,
                    frame_max,
                    values: (1..=100).map(value).collect(),
                },
            }
        }
        /// A client asks for these keys. Everything arrives at once. Returns the answer, if there is one.
        fn get(&mut self, keys: &[Key]) -> Option<Got> {
            // a gateway may call the directory when it starts
            let effects = self.gateway.started();
            self.run(effects);
            let effects = self.gateway.request(Get { keys: keys.to_vec(), within: Duration::from_secs(1) });
            self.run(effects)
        }
        fn run(&mut self, effects: Vec<Effect<Gateway>>) -> Option<Got> {
            let mut got = None;
            let mut waiting = std::collections::VecDeque::from(effects);
            while let Some(effect) = waiting.pop_front() {
                match effect {
                    Effect::Send(to, frame) => {
                        assert_eq!(to, NodeId(2), "the directory knows of node 2 only");
                        for answer in self.backend.handle(&frame) {
                            waiting.extend(self.gateway.message(2, answer));
                        }
                    }
                    Effect::Call(..) => waiting.extend(self.gateway.serve(vec![effect], &mut self.directory)),
                    Effect::Reply(_, answer) => got = Some(answer),
                    _ => {}
                }
            }
            got
        }
    }

    #[test]
    fn a_client_gets_the_values_of_its_keys() {
        let got = Desk::new(1).get(&[7, 3, 7]).expect("everything arrives at once");
        let value = |key: Key| (key, Value(vec![key as u8; 10 * key as usize]));
        assert_eq!(got, Got { values: [value(3), value(7)].into(), missing: [].into() });
    }

    #[test]
    fn a_long_value_comes_in_parts_and_many_keys_in_many_asks() {
        let mut desk = Desk::new(1);
        let keys: Vec<Key> = (1..=100).collect();
        let got = desk.get(&keys).expect("everything arrives at once");
        assert_eq!((got.values.len(), got.missing.len()), (100, 0));
        assert_eq!(got.values[&100].0.len(), 1_000, "longer than a frame may be");
    }

    #[test]
    fn a_backend_of_another_version_is_asked_in_its_own() {
        let got = Desk::new(2).get(&[7]).expect("everything arrives at once");
        assert!(got.missing.is_empty());
    }

    #[test]
    fn what_is_not_legal_is_ignored() {
        let backend = Desk::new(1).backend;
        let frames = backend.handle(&ask(1, 9, Duration::ZERO, &[7], &SECRET));
        let frame = &frames[0].0;
        assert!(matches!(read(frame, &SECRET, 8_000), Some((9, Says::Values(_)))));
        for length in 0..frame.len() {
            assert_eq!(read(&frame[..length], &SECRET, 8_000), None, "cut off after {length} bytes");
        }
        for bit in 0..frame.len() * 8 {
            let mut damaged = frame.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(read(&damaged, &SECRET, 8_000), None, "bit {bit} flipped");
        }
    }
}
