//! Exercise `hlc`: stamps that are close to wall time and still never put an effect before its cause.
//!
//! Kulkarni, Demirbas, Madappa, Avva, Leone, *Logical Physical Clocks*, 2014.
//!
//! Write the clock [`Hlc`], which knows nothing of nodes, and the node [`Clock`] around it. Try your code with
//! `cargo test hlc`, then run `faultlines grade 7/hlc`.
#![expect(unused, reason = "delete this line when every todo!() below is gone")]

use lab::hlc::{self as contract, Config, Event, Refusal, Request, Stamp};
use lab::prelude::*;

/// A hybrid clock. It is told what the wall clock shows, and never reads it itself.
pub struct Hlc {
    /// The last stamp that it has given.
    last: Stamp,
}

impl Hlc {
    /// The stamp of the next event of this node. The wall clock shows `wall`, in nanoseconds.
    ///
    /// It is above all stamps that were given before. Its `l` is `wall`, unless an earlier stamp has a larger one.
    fn tick(&mut self, wall: u64) -> Result<Stamp, Refusal> {
        todo!("is the wall clock ahead of the last stamp? And if it is not?")
    }

    /// The stamp of the receipt of a message that carried `sent`. It is above `sent`, and above all stamps that were given
    /// before.
    ///
    /// If `sent` is ahead of `wall` by more than `max_offset` nanoseconds, the message is refused, and nothing changes.
    fn receive(&mut self, sent: Stamp, wall: u64, max_offset: u64) -> Result<Stamp, Refusal> {
        todo!("look at `sent` before anything changes; which stamps must the new one be above?")
    }
}

/// What must survive a crash: after it the wall clock may show less than the last stamp.
const LAST: Saved<Stamp> = Saved::new("last");

/// What a message carries: the stamp of its sending.
#[derive(Debug, Serialize, Deserialize)]
pub struct Message {
    stamp: Stamp,
}

/// A node with a hybrid clock.
pub struct Clock {
    hlc: Hlc,
    config: Config,
}

impl Node for Clock {
    type Contract = contract::Clock;
    type Message = Message;
    type Timer = Nothing;

    /// The first start, and again after every crash, with what the disk kept. The wall clock may have been set back meanwhile.
    fn start(boot: Boot<Self>, _out: &mut Out<Self>) -> Self {
        todo!("a clock that has given no stamp; or, after a crash, a clock that gives no stamp below an earlier one")
    }

    /// A client asks for events on this node. Stamp each of them and emit it. If it is a sending, send the message, too. If
    /// the clock is exhausted, emit that instead.
    fn on_request(&mut self, _id: RequestId, request: Request, out: &mut Out<Self>) {
        todo!("for each event: stamp it; make the stamp durable; emit it; for a sending, also send the message")
    }

    /// A message arrives, and that is an event, too. Emit that it was received, with the stamp that it carried and its own
    /// stamp. Or emit that it was refused, or that the clock is exhausted.
    fn on_message(&mut self, from: NodeId, message: Message, out: &mut Out<Self>) {
        todo!("receive; make the stamp durable; emit the result")
    }
}

impl Clock {
    /// What the wall clock shows, in nanoseconds, rounded down to a whole granule.
    fn wall(&self, out: &Out<Self>) -> u64 {
        let granule = nanos(self.config.granule).max(1);
        nanos(out.wall_clock().0) / granule * granule
    }

    /// Makes the last stamp durable before the effects that follow.
    fn make_durable(&self, out: &mut Out<Self>) {
        todo!("save, and sync")
    }
}

/// A duration in nanoseconds: 64 bits last until the year 2554.
fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use lab::Effect;
    use lab::bench::Bench;

    fn stamp(l: u64, c: u16) -> Stamp {
        Stamp { l, c }
    }

    #[test]
    fn it_shows_the_wall_and_counts_where_the_wall_stands_still() {
        let mut hlc = Hlc { last: Stamp::default() };
        assert_eq!(hlc.tick(100), Ok(stamp(100, 0)));
        assert_eq!(hlc.tick(100), Ok(stamp(100, 1)));
        assert_eq!(hlc.tick(90), Ok(stamp(100, 2)), "the wall was set back: stamps are not");
        assert_eq!(hlc.tick(101), Ok(stamp(101, 0)));
    }

    #[test]
    fn a_message_moves_it_ahead_but_not_far() {
        let mut hlc = Hlc { last: stamp(100, 7) };
        assert_eq!(hlc.receive(stamp(100, 9), 100, 50), Ok(stamp(100, 10)));
        assert_eq!(hlc.receive(stamp(120, 3), 101, 50), Ok(stamp(120, 4)));
        assert_eq!(hlc.receive(stamp(999, 0), 102, 50), Err(Refusal::TooFarAhead));
        assert_eq!(hlc.tick(103), Ok(stamp(120, 5)), "what was refused has left no trace");
    }

    #[test]
    fn a_crash_does_not_turn_it_back() {
        let config = Config { max_offset: Duration::from_secs(1), granule: Duration::from_nanos(1) };
        let mut node = Bench::<Clock>::new(1, 2, config);
        let stamp_of = |effects: Vec<Effect<Clock>>| {
            let stamp = effects.iter().find_map(|effect| match effect {
                Effect::Emit(Event::Local { stamp }) => Some(*stamp),
                _ => None,
            });
            stamp.expect("the event is emitted")
        };
        node.now = Duration::from_secs(60); // the bench's wall shows this too
        let before = stamp_of(node.request(Request::Local { times: 1 }));
        node.now = Duration::from_secs(30);
        node.crash(); // loses everything that was not synced
        let after = stamp_of(node.request(Request::Local { times: 1 }));
        assert!(before < after, "{before}, then a crash, then {after}");
    }
}
