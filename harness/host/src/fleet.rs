//! A fleet: the lanes of one submission, and the worlds that are driven through them.

use crate::lane::{HostError, Lane, LaneError};
use crate::launch::Guest;
use lab::NodeId;
use lab::frame::{self, Covered, Reply};
use world::{Misbehaviour, NodeKind, Observation, Step, StepEvent, World};

/// Worlds with more guests than this share lanes.
const LANES_MAX: usize = 16;
/// A frame of commands is sent when it is this long, in bytes.
const FRAME_BYTES: usize = 1 << 20;

/// Who looks on while a world runs.
pub trait Watch {
    /// Sees one thing that happened; `false` ends the world here.
    fn see(&mut self, world: &World, observation: &Observation) -> bool;
    /// Hears what a node has printed in the event that it was handed last; only from [`Fleet::solo_aloud`].
    fn hear(&mut self, node: NodeId, text: &str) {
        let _ = (node, text);
    }
}
impl<F: FnMut(&World, &Observation) -> bool> Watch for F {
    fn see(&mut self, world: &World, observation: &Observation) -> bool {
        self(world, observation)
    }
}

/// A world to run, and who looks on.
pub struct Job<W> {
    /// The world.
    pub world: World,
    /// Who looks on.
    pub watch: W,
}

/// A batch could not be brought to its end, because of something a guest did; which world's node it was is
/// found out by running each alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Anomaly {
    /// A guest did this.
    Misbehaved(Misbehaviour),
    /// Nobody did anything: nodes of different worlds cannot share a process here, for their hash orders would
    /// depend on one another ([`Covered::hash_keys`]).
    SharedOrder,
}

/// The lanes of one submission.
pub struct Fleet {
    guest: Guest,
    lanes: Vec<Option<Lane>>,
}

impl Fleet {
    /// For this guest. Nothing is started yet.
    pub fn new(guest: &Guest) -> Fleet {
        Fleet { guest: guest.clone(), lanes: Vec::new() }
    }

    /// What its lanes run.
    pub fn guest(&self) -> &Guest {
        &self.guest
    }

    /// Runs worlds side by side, one slot of each lane a world, until all have ended or their watch has
    /// seen enough.
    ///
    /// # Errors
    /// The harness's own. What a guest does wrong is an `Anomaly`: the jobs are then as good as not run.
    pub fn batch<W: Watch>(&mut self, jobs: &mut [Job<W>]) -> Result<Result<(), Anomaly>, HostError> {
        if !self.covered()?.hash_keys {
            return Ok(Err(Anomaly::SharedOrder));
        }
        match self.rounds(jobs) {
            Ok(()) => Ok(Ok(())),
            Err(LaneError::Guest(how)) => {
                self.lanes.clear();
                Ok(Err(Anomaly::Misbehaved(how)))
            }
            Err(LaneError::Host(error)) => {
                self.lanes.clear();
                Err(error)
            }
        }
    }
    /// Ends all guests: what runs next runs in processes of its own.
    pub fn renew(&mut self) {
        self.lanes.clear();
    }
    /// What of determinism holds in guests here.
    ///
    /// # Errors
    /// Where a guest cannot be started, or what must hold does not.
    pub fn covered(&mut self) -> Result<Covered, HostError> {
        Ok(self.lane(0)?.covered())
    }
    fn rounds<W: Watch>(&mut self, jobs: &mut [Job<W>]) -> Result<(), LaneError> {
        let mut places: Vec<Places> = Vec::with_capacity(jobs.len());
        let mut slots = [0; LANES_MAX];
        for job in jobs.iter() {
            places.push(Places::new(&job.world, &mut slots));
        }
        let mut buffer = Vec::new();
        let mut live: Vec<usize> = (0..jobs.len()).collect();
        let mut asked: Vec<Vec<usize>> = vec![Vec::new(); LANES_MAX];
        while !live.is_empty() {
            let mut asked_now = Vec::with_capacity(live.len());
            for &index in &live {
                let job = &mut jobs[index];
                let Some(step) = job.world.next() else {
                    job.look(&mut buffer);
                    continue;
                };
                asked_now.push(index);
                let (lane, slot) = places[index].of[step.node];
                asked[lane].push(index);
                let lane = self.lane(lane).map_err(LaneError::Host)?;
                lane.put(&step, slot)?;
            }
            for (lane, asked) in asked.iter().enumerate() {
                if !asked.is_empty() {
                    self.lane(lane).map_err(LaneError::Host)?.flush()?;
                }
            }
            for (lane, asked) in asked.iter_mut().enumerate() {
                if !asked.is_empty() {
                    self.lane(lane).map_err(LaneError::Host)?.collect(asked, jobs)?;
                    asked.clear();
                }
            }
            live = asked_now;
            live.retain(|&index| jobs[index].look(&mut buffer));
        }
        Ok(())
    }
    fn lane(&mut self, place: usize) -> Result<&mut Lane, HostError> {
        if self.lanes.len() <= place {
            self.lanes.resize_with(place + 1, || None);
        }
        let lane = &mut self.lanes[place];
        if lane.is_none() {
            *lane = Some(Lane::spawn(&self.guest, false)?);
        }
        Ok(lane.as_mut().expect("just started"))
    }

    /// Runs one world alone, with a fresh process for every start of a node: nothing can be shared, and a
    /// crash is the end of a process. What a guest does wrong ends up in the world.
    ///
    /// # Errors
    /// The harness's own.
    pub fn solo<W: Watch>(guest: &Guest, job: &mut Job<W>) -> Result<(), HostError> {
        Fleet::alone(guest, job, false)
    }
    /// The same, listening to what nodes print.
    ///
    /// # Errors
    /// The harness's own.
    pub fn solo_aloud<W: Watch>(guest: &Guest, job: &mut Job<W>) -> Result<(), HostError> {
        Fleet::alone(guest, job, true)
    }
    fn alone<W: Watch>(guest: &Guest, job: &mut Job<W>, aloud: bool) -> Result<(), HostError> {
        let mut buffer = Vec::new();
        let mut lanes: Vec<Option<Lane>> = Vec::new();
        lanes.resize_with(job.world.scenario().nodes.len(), || None);
        while let Some(step) = job.world.next() {
            let lane = &mut lanes[step.node];
            let stepped = (|| {
                if matches!(step.event, StepEvent::Start { .. }) {
                    *lane = None;
                    *lane = Some(Lane::spawn(guest, aloud).map_err(LaneError::Host)?);
                }
                let lane = lane.as_mut().expect("a world starts a node before it steps it");
                lane.put(&step, 0)?;
                lane.flush()?;
                lane.collect(&[0], std::slice::from_mut(job))
            })();
            match stepped {
                Ok(()) => {}
                Err(LaneError::Host(error)) => return Err(error),
                Err(LaneError::Guest(how)) => job.world.misbehaved(how),
            }
            let printed = lane.as_mut().map(Lane::printed).unwrap_or_default();
            let goes_on = job.look(&mut buffer);
            if !printed.is_empty() {
                job.watch.hear(job.world.scenario().nodes[step.node].id, &printed);
            }
            if !goes_on {
                return Ok(());
            }
        }
        job.look(&mut buffer);
        Ok(())
    }
}

impl<W: Watch> Job<W> {
    /// Shows the watch what is new; `false` where it has seen enough.
    fn look(&mut self, buffer: &mut Vec<Observation>) -> bool {
        self.world.swap_observations(buffer);
        buffer.iter().all(|observation| self.watch.see(&self.world, observation))
    }
}

impl Lane {
    fn put(&mut self, step: &Step, slot: u32) -> Result<(), LaneError> {
        let role = match &step.event {
            StepEvent::Start { role, .. } => self.role(role).map_err(LaneError::Host)?,
            _ => 0,
        };
        frame::encode_into(&step.command(slot, |_| role), &mut self.out);
        if self.out.len() > frame::MAX_FRAME {
            // a disk that has grown and grown: nothing else that a node is handed is near this
            let limit = format!("a disk of {} MiB", frame::MAX_FRAME >> 20);
            return Err(LaneError::Guest(Misbehaviour::Flooded { limit }));
        }
        if self.out.len() > FRAME_BYTES { self.flush() } else { Ok(()) }
    }
    /// Takes one reply for each of these jobs.
    fn collect<W>(&mut self, asked: &[usize], jobs: &mut [Job<W>]) -> Result<(), LaneError> {
        let mut left = asked.iter();
        while !left.as_slice().is_empty() {
            let mut body = self.replies()?;
            while !body.is_empty() {
                let reply: Option<Reply<'_>> = frame::take(&mut body);
                match (reply, left.next()) {
                    // seen before the reply is applied: a step can be answered, or have gone wrong, not both
                    (Some(_), Some(_)) if left.as_slice().is_empty() && !body.is_empty() => {
                        return Err(self.garbled("more than it was asked for"));
                    }
                    (Some(reply), Some(&index)) => jobs[index].world.apply(reply),
                    (None, _) => return Err(self.garbled("bytes that are no reply")),
                    (_, None) => return Err(self.garbled("more than it was asked for")),
                }
            }
        }
        Ok(())
    }
}

/// Where the nodes of a world live: lane and slot, by their place in the scenario.
struct Places {
    of: Vec<(usize, u32)>,
}
impl Places {
    fn new(world: &World, slots: &mut [u32; LANES_MAX]) -> Places {
        let mut guests = 0;
        let of = world.scenario().nodes.iter().map(|node| {
            if !matches!(node.kind, NodeKind::Guest) {
                return (0, 0);
            }
            let lane = guests % LANES_MAX;
            guests += 1;
            slots[lane] += 1;
            (lane, slots[lane] - 1)
        });
        Places { of: of.collect() }
    }
}
