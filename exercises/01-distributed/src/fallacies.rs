//! Exercise `fallacies`: a gateway in front of backends, on a network about which all eight fallacies are false.
//!
//! The contract is in `lab::fallacies`: read it first, the frames and their rules too. It is the only place that says what a frame is.
//!
//! Two things to write. The functions `ask` and [`read`] are the two directions of the format: `ask` makes bytes, and [`read`] makes
//! sense of bytes that anyone may have sent. The node [`Gateway`] decides whom to ask, and what to do if no answer comes. Begin with
//! one backend that answers at once, then take the checks one after another: each is about one fallacy. Try your code with `cargo test
//! fallacies`, then run `faultlines grade 1/fallacies`.
#![expect(unused, reason = "delete this line when every todo!() below is gone")]

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
    // this is version 1; version 2 has four bytes more here
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
    todo!("is the code right? Then the header, then field after field, and never a byte beyond the end")
}

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
    // your state: the backends, what clients wait for, what you have asked whom
}

impl Node for Gateway {
    type Contract = contract::Gateway;
    type Message = Frame;
    type Timer = Timer;

    fn start(boot: Boot<Self>, _out: &mut Out<Self>) -> Self {
        Gateway { config: boot.config }
    }

    /// A client asks for the values of some keys.
    fn on_request(&mut self, id: RequestId, get: Get, out: &mut Out<Self>) {
        todo!("keep the request, set a timer for its end, and ask a backend; if you know none, ask the directory first")
    }

    /// A frame arrives: from a backend, or from someone else.
    fn on_message(&mut self, from: NodeId, frame: Frame, out: &mut Out<Self>) {
        todo!("whose frame is it, is it legal, and is it about an ask of yours that is still open?")
    }

    /// The directory answers.
    fn on_answer(&mut self, call: CallId, answer: Backends, out: &mut Out<Self>) {
        todo!("keep the list; requests may wait for it")
    }

    /// A timer fires.
    fn on_timer(&mut self, timer: Timer, out: &mut Out<Self>) {
        todo!("what was silent for too long, and what can you do instead of waiting on?")
    }
}

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
