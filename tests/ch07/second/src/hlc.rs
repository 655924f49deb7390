//! `hlc`, by reservation: the disk holds a time that no stamp has reached. A restart waits until the wall shows it, and
//! what is asked meanwhile waits too. A full counter moves on to the next granule.

use lab::hlc::{Clock as Contract, Config, Event, Request, Stamp};
use lab::prelude::*;

const RESERVED: Saved<u64> = Saved::new("reserved");

pub struct Clock {
    config: Config,
    l: u64,
    c: u32,
    /// Every stamp's `l` is below this.
    reserved: u64,
    waiting: Option<Vec<Work>>,
}
enum Work {
    Local,
    Send(NodeId),
    Receive(NodeId, Stamp),
}
#[derive(Debug, Serialize, Deserialize)]
pub struct WakeUp;

impl Node for Clock {
    type Contract = Contract;
    type Message = (u16, u64);
    type Timer = WakeUp;

    fn start(boot: Boot<Self>, out: &mut Out<Self>) -> Self {
        let reserved = boot.disk.load(RESERVED).unwrap_or(0);
        let mut clock = Clock { config: boot.config, l: 0, c: 0, reserved, waiting: Some(Vec::new()) };
        clock.on_timer(WakeUp, out);
        clock
    }
    fn on_timer(&mut self, _: WakeUp, out: &mut Out<Self>) {
        let wall = ns(out.wall_clock().0);
        if wall < self.reserved {
            return out.set_timer(Duration::from_nanos(self.reserved - wall), WakeUp);
        }
        for work in self.waiting.take().unwrap_or_default() {
            self.work(work, out);
        }
    }
    fn on_request(&mut self, _: RequestId, request: Request, out: &mut Out<Self>) {
        match request {
            Request::Local { times } => (0..times).for_each(|_| self.work(Work::Local, out)),
            Request::Send { to } => self.work(Work::Send(to), out),
        }
    }
    fn on_message(&mut self, from: NodeId, (c, l): (u16, u64), out: &mut Out<Self>) {
        self.work(Work::Receive(from, Stamp { l, c }), out);
    }
}

impl Clock {
    fn work(&mut self, work: Work, out: &mut Out<Self>) {
        if let Some(waiting) = &mut self.waiting {
            return waiting.push(work);
        }
        match work {
            Work::Local => {
                let stamp = self.next(None, out);
                out.emit(Event::Local { stamp });
            }
            Work::Send(to) => {
                // the other way round than usual: it leaves, then it is told
                let stamp = self.next(None, out);
                out.send(to, (stamp.c, stamp.l));
                out.emit(Event::Sent { to, stamp });
            }
            Work::Receive(from, sent) => {
                let ahead = sent.l.saturating_sub(ns(out.wall_clock().0));
                if ahead > ns(self.config.max_offset) {
                    return out.emit(Event::Refused { from, sent });
                }
                let stamp = self.next(Some(sent), out);
                out.emit(Event::Received { from, sent, stamp });
            }
        }
    }
    /// Kulkarni 2014, figure 5, case by case.
    fn next(&mut self, seen: Option<Stamp>, out: &mut Out<Self>) -> Stamp {
        let granule = ns(self.config.granule).max(1);
        let wall = ns(out.wall_clock().0) / granule * granule;
        let (seen_l, seen_c) = seen.map_or((0, 0), |seen| (seen.l, u32::from(seen.c)));
        let l = self.l.max(seen_l).max(wall);
        self.c = match (l == self.l, seen.is_some() && l == seen_l) {
            (true, true) => self.c.max(seen_c) + 1,
            (true, false) => self.c + 1,
            (false, true) => seen_c + 1,
            (false, false) => 0,
        };
        self.l = l;
        if self.c > u32::from(u16::MAX) {
            (self.l, self.c) = (l + granule, 0);
        }
        if self.l >= self.reserved {
            self.reserved = self.l + ns(self.config.max_offset) / 4 + granule;
            out.save(RESERVED, &self.reserved);
            out.sync();
        }
        Stamp { l: self.l, c: self.c as u16 }
    }
}
fn ns(duration: Duration) -> u64 {
    duration.as_nanos() as u64
}
