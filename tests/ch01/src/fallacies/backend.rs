//! The backends, and who else writes on their network. A backend is a puppet that does everything that the contract allows.

use super::wire::{Field, Letter, Make, sign};
use lab::fallacies::{Frame, Key, Secret};
use lab::prelude::*;
use lab::{Contract, Role};
use std::collections::VecDeque;
use world::NodeSpec;

/// The number of a key says how long its value is: `20_007` has 20 bytes.
pub(super) const fn key(length: u32, nth: u32) -> Key {
    length * 1_000 + nth
}
/// The one value of a key.
pub(super) fn value(key: Key) -> Vec<u8> {
    let mut state = u64::from(key).wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let byte = |_| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 56) as u8
    };
    (0..key / 1_000).map(byte).collect()
}

/// What a backend does. Times count from the beginning of the world, and the last entry that has begun is in force.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Plan {
    pub(super) secrets: Vec<(Duration, Secret)>,
    pub(super) speaks: Vec<(Duration, u8)>,
    pub(super) frame_max: u32,
    /// How long it works on one ask, from..=to.
    pub(super) works: (Duration, Duration),
    /// When it answers every ask with N: from..to.
    pub(super) refuses: Vec<(Duration, Duration)>,
    /// It never sends the values of keys whose last three digits are above this.
    pub(super) holds_up_to: u32,
    /// Whether its frames have all that legal frames may have.
    pub(super) varied: bool,
    /// So many of a hundred frames are little-endian.
    pub(super) little_percent: u32,
    /// What reaches the gateway in this backend's name before its answer.
    pub(super) before: Before,
    /// What reaches the gateway in this backend's name while it works, and how often.
    pub(super) meanwhile: Option<(Meanwhile, Duration)>,
    /// The secrets of other backends. They sign false frames, too.
    pub(super) foreign: Vec<Secret>,
    /// Until then, every first answer to an ask is lost: somebody took it off the wire.
    pub(super) robbed_until: Duration,
}
/// What reaches the gateway in a backend's name before each answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Before {
    Nothing,
    /// Frames that the backend has not signed.
    Forged,
    /// Frames that are signed, and not legal.
    Illegal,
    /// Frames that are signed with a secret that this backend no longer has.
    Outdated,
}
/// What reaches the gateway in a backend's name while the backend works.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Meanwhile {
    /// Frames that the backend has not signed.
    Forged,
    /// Legal frames that bear the id of no ask.
    Strange,
    /// Signed frames about the ask that it works on, of a kind that no version knows.
    OfNoKind,
}
/// The timers of a backend.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum Alarm {
    /// The next ask is served.
    Work,
    /// It is time for [`Meanwhile`].
    Meanwhile,
}
impl Plan {
    pub(super) fn secret(&self, since: Duration) -> Secret {
        in_force(&self.secrets, since).unwrap_or(Secret([0; 16]))
    }
}
fn in_force<T: Copy>(list: &[(Duration, T)], since: Duration) -> Option<T> {
    list.iter().rev().find(|(from, _)| *from <= since).map(|(_, what)| *what)
}

/// The contract of a backend.
pub(super) enum Serving {}
impl Contract for Serving {
    const ROLE: &'static str = "fallacies/backend";
    type Config = Plan;
    type Request = Nothing;
    type Response = Nothing;
    type Event = Nothing;
    type Status = ();
    type Call = Nothing;
    type Answer = Nothing;
}
/// A backend. It is nobody's peer: who serves is told by the directory.
pub(super) fn backend(id: NodeId, plan: &Plan) -> NodeSpec {
    NodeSpec::service::<Serving>(id, plan, Role::node::<Puppet>).named("backend")
}

struct Puppet {
    plan: Plan,
    opened: Instant,
    /// Asks that are not served yet: who asked, what, and until when an answer is of use.
    queue: VecDeque<(NodeId, Letter, Option<Instant>)>,
    answers: u32,
}
impl Puppet {
    fn since(&self, out: &Out<Self>) -> Duration {
        out.now() - self.opened
    }
    fn make(&self, out: &Out<Self>) -> Make {
        let version = in_force(&self.plan.speaks, self.since(out)).unwrap_or(1);
        Make { version, little: out.random(0..100) < self.plan.little_percent }
    }
    fn work_on_next(&self, out: &mut Out<Self>) {
        let (from, to) = self.plan.works;
        out.set_timer(if from < to { out.random(from..to) } else { from }, Alarm::Work);
    }
    /// Something reaches the gateway in this backend's name, though the backend is still at work.
    fn meanwhile(&self, out: &mut Out<Self>) {
        let (Some((what, pause)), Some((to, ask, _))) = (self.plan.meanwhile, self.queue.front()) else {
            return;
        };
        let secret = self.plan.secret(self.since(out));
        match what {
            Meanwhile::Forged => {
                let frames = self.forged(ask, &[], secret, out);
                for _ in 0..2 {
                    out.send(*to, frames[out.random(0..frames.len())].clone());
                }
            }
            Meanwhile::Strange => {
                let id = !ask.id ^ u64::from(out.random(0..1_u32 << 16));
                let letter = Letter { make: self.make(out), kind: b'V', id, left: 0, fields: Vec::new() };
                out.send(*to, letter.signed(&secret));
            }
            Meanwhile::OfNoKind => {
                let (make, id) = (self.make(out), ask.id);
                out.send(*to, Letter { make, kind: b'Q', id, left: 0, fields: Vec::new() }.signed(&secret));
            }
        }
        out.set_timer(pause, Alarm::Meanwhile);
    }
    fn no(&self, id: u64, speaks: bool, out: &Out<Self>) -> Letter {
        let make = self.make(out);
        // a refusal that names the version of the ask is one like any other
        let mut fields =
            if speaks || out.random(0..2) == 0 { vec![Field::Speaks(make.version)] } else { Vec::new() };
        if out.random(0..2) == 0 {
            fields.insert(out.random(0..fields.len() + 1), Field::Other(out.random(10..250), vec![3; 4]));
        }
        Letter { make, kind: b'N', id, left: 0, fields }
    }

    /// The parts of the values of these keys, none longer than fits into a frame.
    fn parts(&self, keys: &[Key], out: &Out<Self>) -> Vec<Field> {
        let most = self.plan.frame_max as usize - 23 - 15;
        let most = if self.plan.varied { most.min(60) } else { most };
        let mut parts = Vec::new();
        for &key in keys.iter().filter(|key| *key % 1_000 <= self.plan.holds_up_to) {
            let value = value(key);
            let mut offset = 0;
            loop {
                let end = value.len().min(offset + most);
                // where frames vary, a part may begin within the one before
                let back = if self.plan.varied { out.random(0..offset.min(10) + 1) } else { 0 };
                let start = offset - back.min(offset);
                let (total, bytes) = (value.len() as u32, value[start..end].to_vec());
                parts.push(Field::Part { key, offset: start as u32, total, bytes });
                offset = end;
                if offset == value.len() {
                    break;
                }
            }
        }
        if self.plan.varied {
            let again = (0..parts.len() / 4).map(|_| parts[out.random(0..parts.len())].clone());
            let again: Vec<Field> = again.collect();
            parts.extend(again);
            for key in keys.iter().take(2) {
                // of another key that nobody asked for
                let other = key ^ 1;
                let bytes = value(other);
                if bytes.len() <= most && !keys.contains(&other) {
                    parts.push(Field::Part { key: other, offset: 0, total: bytes.len() as u32, bytes });
                }
            }
            parts.push(Field::Other(out.random(10..250), Vec::new()));
            let length = 300.min(self.plan.frame_max as usize - 26);
            parts.push(Field::Other(out.random(10..250), vec![2; length]));
            for place in (1..parts.len()).rev() {
                parts.swap(place, out.random(0..place + 1));
            }
        }
        parts
    }
    /// The parts, put into as few frames as this order allows.
    fn answer(&self, id: u64, keys: &[Key], out: &Out<Self>) -> Vec<Letter> {
        let mut letters: Vec<Letter> = Vec::new();
        let mut left = 0;
        for part in self.parts(keys, out) {
            if letters.is_empty() || part.length() > left {
                let make = self.make(out);
                left = self.plan.frame_max as usize - make.around();
                let mut fields = Vec::new();
                if self.plan.varied && left > part.length() + 5 {
                    // every frame has a field that only a later version knows
                    fields.push(Field::Other(out.random(4..250), vec![1; 2]));
                    left -= 5;
                }
                letters.push(Letter { make, kind: b'V', id, left: 0, fields });
            }
            left -= part.length();
            if let Some(letter) = letters.last_mut() {
                letter.fields.push(part);
            }
        }
        if self.plan.varied {
            let rest = self.plan.frame_max as usize;
            for kind in [b'Q', 0] {
                let make = self.make(out);
                let bytes = vec![9; 5];
                let field =
                    Field::Part { key: keys.first().copied().unwrap_or(0), offset: 0, total: 5, bytes };
                let letter = Letter { make, kind, id, left: 0, fields: vec![field] };
                debug_assert!(make.around() + letter.fields[0].length() <= rest);
                letters.push(letter);
            }
            for place in (1..letters.len()).rev() {
                letters.swap(place, out.random(0..place + 1));
            }
        }
        letters
    }

    /// Frames that this backend has not signed, all of which say that they are its answer to this ask.
    fn forged(&self, ask: &Letter, truth: &[Frame], secret: Secret, out: &Out<Self>) -> Vec<Frame> {
        let keys = ask.keys();
        let make = self.make(out);
        let lie = |key: Key, bytes: Vec<u8>| {
            let part = Field::Part { key, offset: 0, total: bytes.len() as u32, bytes };
            Letter { make, kind: b'V', id: ask.id, left: 0, fields: vec![part] }
        };
        let mut lies: Vec<Letter> = Vec::new();
        for key in keys.iter().take(3) {
            let mut bytes = value(*key);
            match bytes.first_mut() {
                Some(first) => *first ^= 1,
                None => bytes.push(1),
            }
            bytes.truncate(self.plan.frame_max as usize - 40);
            lies.push(lie(*key, bytes));
        }
        for speaks in [None, Some(3 - make.version), Some(9)] {
            let fields = speaks.map(Field::Speaks).into_iter().collect();
            lies.push(Letter { make, kind: b'N', id: ask.id, left: 0, fields });
        }
        let mut frames = Vec::new();
        for lie in &lies {
            let right = lie.signed(&secret).0;
            let with_code = |code: [u8; 8]| {
                let mut bytes = right.clone();
                let end = bytes.len();
                bytes[end - 8..].copy_from_slice(&code);
                Frame(bytes)
            };
            let code: [u8; 8] = std::array::from_fn(|place| right[right.len() - 8 + place]);
            let with = |place: usize| {
                let mut code = code;
                // two bits: the network may flip one back
                code[place] ^= 3 << (place % 7);
                code
            };
            let stranger = [Secret(secret.0.map(|byte| byte ^ 0x55))];
            let others = if self.plan.foreign.is_empty() { &stranger[..] } else { &self.plan.foreign };
            frames.extend(others.iter().take(3).map(|other| lie.signed(other)));
            let little: [u8; 8] = std::array::from_fn(|place| code[7 - place]);
            let little = if little == code { with(0) } else { little };
            let unsigned = lab::mac(&secret.0, &lie.body()[3..]).to_be_bytes();
            frames.extend([[0; 8], with(7), with(0), with(4), little, unsigned].map(with_code));
            frames.push(Frame(lie.body()));
        }
        // an old frame, and the true one, with something changed
        for frame in truth.iter().take(2) {
            for place in [0, 1, 2, 4, 10, 12, 15, 20, frame.0.len() - 9] {
                let mut bytes = frame.0.clone();
                if let Some(byte) = bytes.get_mut(place) {
                    *byte ^= 1 << out.random(0..8);
                    frames.push(Frame(bytes));
                }
            }
            let cut = out.random(0..frame.0.len());
            frames.push(Frame(frame.0[..cut].to_vec()));
            frames.push(Frame(frame.0[cut..].to_vec()));
            frames.push(Frame([&frame.0[..], &[0]].concat()));
        }
        frames.extend([0, 1, 7, 8, 18, 80].map(|length| {
            let byte = |_| out.random(0..256) as u8;
            Frame((0..length).map(byte).collect())
        }));
        frames
    }
    /// False values, signed with each secret that this backend had before.
    fn outdated(&self, ask: &Letter, out: &Out<Self>) -> Vec<Frame> {
        let since = self.since(out);
        let known = self.plan.secrets.iter().filter(|(from, _)| *from <= since);
        let mut before: Vec<Secret> = known.map(|(_, secret)| *secret).collect();
        before.pop();
        let make = self.make(out);
        let lie = |key: &Key| {
            let bytes: Vec<u8> =
                value(*key).iter().map(|byte| byte ^ 0xff).take(self.plan.frame_max as usize - 40).collect();
            let part = Field::Part { key: *key, offset: 0, total: bytes.len() as u32, bytes };
            Letter { make, kind: b'V', id: ask.id, left: 0, fields: vec![part] }
        };
        let lies: Vec<Letter> = ask.keys().iter().filter(|key| **key >= 1_000).map(lie).collect();
        before.iter().flat_map(|secret| lies.iter().map(|lie| lie.signed(secret))).collect()
    }
    /// Frames that are signed and not legal. What they would say to a careless reader is wrong.
    fn illegal(&self, ask: &Letter, secret: Secret, out: &Out<Self>) -> Vec<Frame> {
        let make = self.make(out);
        let key = ask.keys().first().copied().unwrap_or(0);
        let right = value(key);
        let number = |number: u32| if make.little { number.to_le_bytes() } else { number.to_be_bytes() };
        let part = |offset: u32, total: u32, bytes: &[u8]| {
            Field::Other(2, [&number(key)[..], &number(offset), &number(total), bytes].concat())
        };
        let lie: Vec<u8> = right.iter().map(|byte| byte ^ 0xff).chain([1]).take(40).collect();
        let whole = lie.len() as u32;
        let fields = [
            vec![Field::Other(2, number(key).into_iter().chain([0; 7]).collect())],
            vec![Field::Other(2, vec![])],
            vec![part(1, whole, &lie)],
            vec![part(whole + 1, whole, &lie)],
            vec![part(u32::MAX, whole, &lie)],
            vec![part(0, u32::MAX, &lie)],
            vec![part(u32::MAX - whole, u32::MAX, &lie)],
            vec![part(1_000_000, 2_000_000, &lie)],
            vec![part(0, 0, &lie)],
            vec![Field::Other(1, vec![0; 3])],
        ];
        let letter = |kind, fields| Letter { make, kind, id: ask.id, left: 0, fields };
        let mut frames: Vec<Frame> = fields.map(|fields| letter(b'V', fields).signed(&secret)).into();
        for speaks in [vec![9], vec![0], vec![], vec![2, 2]] {
            frames.push(letter(b'N', vec![Field::Other(3, speaks)]).signed(&secret));
        }
        let true_lie = letter(b'V', vec![part(0, whole, &lie)]).body();
        let mut altered = |place: usize, byte: u8| {
            let mut body = true_lie.clone();
            body[place] = byte;
            frames.push(sign(body, &secret));
        };
        altered(0, 3);
        altered(0, 0);
        altered(1, 2);
        // a length past the end, and bytes too few for a field or a header
        let mut body = true_lie.clone();
        body.extend([2, 0x7f, 0x7f, 0]);
        frames.push(sign(body, &secret));
        for length in [0, 1, 3, 10, 11, 12, 13, 14, true_lie.len() - 1] {
            // of version 1, a header alone is a legal frame that says nothing
            if length != make.around() - 8 {
                frames.push(sign(true_lie[..length].to_vec(), &secret));
            }
        }
        frames
    }
}
impl Node for Puppet {
    type Contract = Serving;
    type Message = Frame;
    type Timer = Alarm;

    fn start(boot: Boot<Self>, out: &mut Out<Self>) -> Self {
        Puppet { plan: boot.config, opened: out.now(), queue: VecDeque::new(), answers: 0 }
    }
    fn on_message(&mut self, from: NodeId, frame: Frame, out: &mut Out<Self>) {
        let since = self.since(out);
        let secret = self.plan.secret(since);
        let Some(ask) = Letter::read(&frame, &secret, u32::MAX).filter(|ask| ask.kind == b'A') else {
            return;
        };
        if ask.make.version != self.make(out).version {
            return out.send(from, self.no(ask.id, true, out).signed(&secret));
        }
        if self.plan.refuses.iter().any(|(begin, end)| (*begin..*end).contains(&since)) {
            return out.send(from, self.no(ask.id, false, out).signed(&secret));
        }
        if self.plan.before == Before::Outdated {
            // a gateway that asks with the new secret knows that the old one is no secret any more
            self.outdated(&ask, out).into_iter().for_each(|frame| out.send(from, frame));
        }
        let left = Duration::from_millis(ask.left.into());
        let until = (ask.make.version == 2).then(|| out.now() + left);
        self.queue.push_back((from, ask, until));
        if self.queue.len() == 1 {
            self.work_on_next(out);
            if let Some((_, pause)) = self.plan.meanwhile {
                out.set_timer(pause, Alarm::Meanwhile);
            }
        }
    }
    fn on_timer(&mut self, alarm: Alarm, out: &mut Out<Self>) {
        if alarm == Alarm::Meanwhile {
            return self.meanwhile(out);
        }
        let Some((to, ask, until)) = self.queue.pop_front() else { return };
        if !self.queue.is_empty() {
            self.work_on_next(out);
        }
        if until.is_some_and(|until| until <= out.now()) {
            return; // nobody waits for it any more
        }
        let since = self.since(out);
        let secret = self.plan.secret(since);
        let answer = self.answer(ask.id, &ask.keys(), out);
        let answer: Vec<Frame> = answer.iter().map(|letter| letter.signed(&secret)).collect();
        self.answers += 1;
        let before = match self.plan.before {
            Before::Nothing | Before::Outdated => Vec::new(),
            Before::Forged => self.forged(&ask, &answer, secret, out),
            Before::Illegal => self.illegal(&ask, secret, out),
        };
        before.into_iter().for_each(|frame| out.send(to, frame));
        if since < self.plan.robbed_until && self.answers == 1 {
            return;
        }
        answer.into_iter().for_each(|frame| out.send(to, frame));
    }
}
