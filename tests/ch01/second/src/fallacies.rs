//! `fallacies`, the other way: each key goes its own way. A key begins at the backend that its number picks, and moves on to the
//! next when that one is silent or refuses; asks are made by a tick that gathers what each backend is to be asked. The directory is
//! polled. Values are put together in place, with a list of what is still missing.

use lab::fallacies::{Backend, Backends, Config, Frame, Gateway as Contract, Get, Got, Key, Value, Who};
use lab::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub enum Timer {
    Deadline(RequestId),
    Tick,
    Poll,
}

/// A value under way.
struct Draft {
    bytes: Vec<u8>,
    /// From..to, what has not arrived.
    gaps: Vec<(usize, usize)>,
}
/// A key that some clients want.
struct Want {
    clients: BTreeSet<RequestId>,
    draft: Option<Draft>,
    /// The place of its backend in the list, counted on and on.
    place: usize,
    /// When it was last asked for, and of whom.
    asked: Option<(Instant, NodeId)>,
    not_before: Option<Instant>,
    refused: usize,
}
struct Client {
    deadline: Instant,
    keys: BTreeSet<Key>,
    values: BTreeMap<Key, Value>,
}
pub struct Gateway {
    config: Config,
    backends: Vec<Backend>,
    versions: BTreeMap<NodeId, u8>,
    heard: BTreeMap<NodeId, Instant>,
    clients: BTreeMap<RequestId, Client>,
    wants: BTreeMap<Key, Want>,
    asks: BTreeMap<u64, (NodeId, u8, Vec<Key>)>,
    asked_directory: Option<Instant>,
    listed: Option<Instant>,
    next_id: u64,
}

impl Node for Gateway {
    type Contract = Contract;
    type Message = Frame;
    type Timer = Timer;

    fn start(boot: Boot<Self>, out: &mut Out<Self>) -> Self {
        out.call(Who);
        out.set_timer(boot.config.refresh, Timer::Poll);
        Gateway {
            config: boot.config,
            backends: Vec::new(),
            versions: BTreeMap::new(),
            heard: BTreeMap::new(),
            clients: BTreeMap::new(),
            wants: BTreeMap::new(),
            asks: BTreeMap::new(),
            asked_directory: Some(out.now()),
            listed: None,
            next_id: out.random(0..1 << 40),
        }
    }
    fn on_request(&mut self, id: RequestId, get: Get, out: &mut Out<Self>) {
        let keys: BTreeSet<Key> = get.keys.iter().copied().collect();
        for key in &keys {
            let new = || Want {
                clients: BTreeSet::new(),
                draft: None,
                place: *key as usize % 97,
                asked: None,
                not_before: None,
                refused: 0,
            };
            self.wants.entry(*key).or_insert_with(new).clients.insert(id);
        }
        let client = Client { deadline: out.now() + get.within, keys, values: BTreeMap::new() };
        self.clients.insert(id, client);
        out.set_timer(get.within, Timer::Deadline(id));
        self.answer_whoever_has_all(out);
        self.tick(out);
    }
    fn on_message(&mut self, from: NodeId, frame: Frame, out: &mut Out<Self>) {
        let Some(backend) = self.backends.iter().find(|backend| backend.node == from) else { return };
        let Some(fields) = verify(&frame.0, backend) else { return };
        let Some((to, version, keys)) = self.asks.get(&fields.id).cloned() else { return };
        if to != from || fields.check(self.config.value_max).is_none() {
            return;
        }
        if matches!(frame.0[2], b'V' | b'N') {
            self.heard.insert(from, out.now());
        }
        match frame.0[2] {
            b'V' => fields.list.iter().for_each(|(tag, content)| {
                if *tag == 2 {
                    self.put(fields.little, content);
                }
            }),
            b'N' => {
                let speaks =
                    fields.list.iter().rev().find(|(tag, _)| *tag == 3).map(|(_, content)| content[0]);
                let other = speaks.filter(|speaks| *speaks != version);
                self.asks.remove(&fields.id);
                if let Some(other) = other {
                    self.versions.insert(from, other);
                }
                let many = self.backends.len().max(1);
                for key in keys {
                    let Some(want) = self.wants.get_mut(&key) else { continue };
                    if want.asked.take().is_none_or(|(_, whom)| whom != from) {
                        continue;
                    }
                    if other.is_none() {
                        want.place += 1;
                        want.refused += 1;
                        let round = want.refused.is_multiple_of(many);
                        want.not_before = round.then(|| out.now() + self.config.patience);
                    }
                }
                if other.is_none() {
                    self.poll_soon(out);
                }
            }
            _ => {}
        }
        self.answer_whoever_has_all(out);
        self.tick(out);
    }
    fn on_answer(&mut self, _: CallId, answer: Backends, out: &mut Out<Self>) {
        self.asked_directory = None;
        self.listed = Some(out.now());
        self.backends = answer.0;
        for want in self.wants.values_mut() {
            let serves = |whom| self.backends.iter().any(|backend| backend.node == whom);
            want.asked = want.asked.filter(|(_, whom)| serves(*whom));
        }
        self.tick(out);
    }
    fn on_timer(&mut self, timer: Timer, out: &mut Out<Self>) {
        match timer {
            Timer::Deadline(id) => self.answer(id, out),
            Timer::Tick => self.tick(out),
            Timer::Poll => {
                self.asked_directory = Some(out.now());
                out.call(Who);
                out.set_timer(self.config.refresh, Timer::Poll);
            }
        }
    }
}
impl Gateway {
    /// Moves on what waits for a silent backend, asks for all that no backend works on, and comes back when there may be more.
    fn tick(&mut self, out: &mut Out<Self>) {
        let now = out.now();
        if self.wants.is_empty() {
            return out.cancel_timer(Timer::Tick);
        }
        let mut silent = false;
        let mut to_ask: BTreeMap<usize, Vec<Key>> = BTreeMap::new();
        for (key, want) in &mut self.wants {
            if let Some((since, whom)) = want.asked {
                let heard = self.heard.get(&whom).map_or(since, |heard| (*heard).max(since));
                if now - heard >= self.config.patience {
                    want.asked = None;
                    want.place += 1;
                    silent = true;
                }
            }
            if want.asked.is_none()
                && want.not_before.is_none_or(|time| time <= now)
                && !self.backends.is_empty()
            {
                to_ask.entry(want.place % self.backends.len()).or_default().push(*key);
            }
        }
        if silent || self.backends.is_empty() {
            self.poll_soon(out);
        }
        for (place, keys) in to_ask {
            let backend = self.backends[place];
            let version = self.versions.get(&backend.node).copied().unwrap_or(2);
            let most = (self.config.frame_max as usize - 23) / 7;
            for keys in keys.chunks(most) {
                self.next_id += 1;
                let frame = self.ask(version, keys, &backend, now);
                out.send(backend.node, frame);
                self.asks.insert(self.next_id, (backend.node, version, keys.to_vec()));
                for key in keys {
                    if let Some(want) = self.wants.get_mut(key) {
                        want.asked = Some((now, backend.node));
                    }
                }
            }
        }
        out.set_timer(self.config.patience / 4, Timer::Tick);
    }
    fn ask(&self, version: u8, keys: &[Key], backend: &Backend, now: Instant) -> Frame {
        let mut bytes = vec![version, 1, b'A'];
        bytes.extend(self.next_id.to_le_bytes());
        if version == 2 {
            let clients = keys.iter().filter_map(|key| self.wants.get(key)).flat_map(|want| &want.clients);
            let left =
                clients.filter_map(|id| self.clients.get(id)).map(|client| client.deadline - now).max();
            bytes.extend((left.unwrap_or_default().as_millis() as u32).to_le_bytes());
        }
        for key in keys {
            bytes.extend([1, 4, 0]);
            bytes.extend(key.to_le_bytes());
        }
        let code = lab::mac(&backend.secret.0, &bytes).to_be_bytes();
        bytes.extend(code);
        Frame(bytes)
    }
    /// Asks the directory before it is time, if it has not been asked just now.
    fn poll_soon(&mut self, out: &mut Out<Self>) {
        let now = out.now();
        if self.asked_directory.is_none_or(|asked| now - asked >= self.config.patience) {
            self.asked_directory = Some(now);
            out.call(Who);
        }
    }
    fn put(&mut self, little: bool, content: &[u8]) {
        let number = |at| number(&content[at..at + 4], little) as usize;
        let (key, offset, total, bytes) = (number(0) as Key, number(4), number(8), &content[12..]);
        let Some(want) = self.wants.get_mut(&key) else { return };
        want.refused = 0;
        let new =
            || Draft { bytes: vec![0; total], gaps: if total == 0 { vec![] } else { vec![(0, total)] } };
        let draft = want.draft.get_or_insert_with(new);
        let end = offset + bytes.len();
        if draft.bytes.len() != total {
            return;
        }
        draft.bytes[offset..end].copy_from_slice(bytes);
        let gaps = std::mem::take(&mut draft.gaps);
        let left = gaps.into_iter().flat_map(|(from, to)| [(from, to.min(offset)), (from.max(end), to)]);
        draft.gaps = left.filter(|(from, to)| from < to).collect();
        if draft.gaps.is_empty()
            && let Some(Want { clients, draft: Some(draft), .. }) = self.wants.remove(&key)
        {
            for id in clients {
                if let Some(client) = self.clients.get_mut(&id) {
                    client.values.insert(key, Value(draft.bytes.clone()));
                }
            }
        }
    }
    fn answer_whoever_has_all(&mut self, out: &mut Out<Self>) {
        let done = self.clients.iter().filter(|(_, client)| client.values.len() == client.keys.len());
        let done: Vec<RequestId> = done.map(|(id, _)| *id).collect();
        done.into_iter().for_each(|id| self.answer(id, out));
    }
    fn answer(&mut self, id: RequestId, out: &mut Out<Self>) {
        let Some(Client { keys, values, .. }) = self.clients.remove(&id) else { return };
        out.cancel_timer(Timer::Deadline(id));
        let missing: BTreeSet<Key> = keys.into_iter().filter(|key| !values.contains_key(key)).collect();
        for key in &missing {
            if let Some(want) = self.wants.get_mut(key) {
                want.clients.remove(&id);
                if want.clients.is_empty() {
                    self.wants.remove(key);
                }
            }
        }
        out.reply(id, Got { values, missing });
        self.asks.retain(|_, (.., keys)| keys.iter().any(|key| self.wants.contains_key(key)));
    }
}

/// The fields of a frame whose code is right and whose lengths fit.
struct Fields<'a> {
    id: u64,
    little: bool,
    list: Vec<(u8, &'a [u8])>,
}
fn number(bytes: &[u8], little: bool) -> u64 {
    let digits = bytes.iter().map(|byte| u64::from(*byte));
    if little {
        digits.rev().fold(0, |sum, digit| sum * 256 + digit)
    } else {
        digits.fold(0, |sum, digit| sum * 256 + digit)
    }
}
fn verify<'a>(frame: &'a [u8], backend: &Backend) -> Option<Fields<'a>> {
    if frame.len() < 19 || frame.len() < 23 && frame[0] == 2 {
        return None;
    }
    let (body, code) = frame.split_at(frame.len() - 8);
    let right = lab::mac(&backend.secret.0, body).to_be_bytes();
    if code != right || ![1, 2].contains(&body[0]) || body[1] > 1 {
        return None;
    }
    let little = body[1] == 1;
    let mut at = if body[0] == 2 { 15 } else { 11 };
    let mut list = Vec::new();
    while at < body.len() {
        let length = number(body.get(at + 1..at + 3)?, little) as usize;
        list.push((body[at], body.get(at + 3..at + 3 + length)?));
        at += 3 + length;
    }
    Some(Fields { id: number(&body[3..11], little), little, list })
}
impl Fields<'_> {
    /// `None` if a field says what it may not.
    fn check(&self, value_max: u32) -> Option<()> {
        let is_legal = |(tag, content): &(u8, &[u8])| match tag {
            1 => content.len() == 4,
            2 if content.len() < 12 => false,
            2 => {
                let number = |at| number(&content[at..at + 4], self.little);
                let (offset, total) = (number(4), number(8));
                offset + content.len() as u64 - 12 <= total && total <= u64::from(value_max)
            }
            3 => matches!(content, [1 | 2]),
            _ => true,
        };
        self.list.iter().all(is_legal).then_some(())
    }
}
