//! A fleet: the lanes of one submission, and the worlds that are driven through them.

use crate::budget;
use crate::commands::{Commands, Roles};
use crate::error::{HostError, LaneError};
use crate::lane::Lane;
use crate::launch::Guest;
use lab::NodeId;
use lab::frame::{Covered, Token};
use std::hash::{BuildHasher, RandomState};
use world::{Misbehaviour, NodeKind, NodeSpec, Observation, Step, StepEvent, World};

/// Worlds with more guests than this share lanes.
const LANES_MAX: usize = 16;
/// Each lane is so many processes. A node that starts again lives in the next one, so that a crash takes the memory of its
/// process away in a batch, too.
const PROCESSES: usize = 2;
/// A budget is looked at once in so many rounds of a batch, and steps of a world alone: a look takes some system calls.
const ROUNDS_A_LOOK: usize = 32;
const STEPS_A_LOOK: usize = 256;
/// A world alone with more guests than this shares processes among them.
const PROCESSES_MAX: usize = 64;
/// What the worlds of a batch may keep together, in bytes: many times what sound submissions do.
const ROOM: usize = 256 << 20;

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

/// A batch could not be brought to its end; whether a guest is to blame, and which world's node it was, is found out by
/// running each alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Anomaly {
    /// A guest did this.
    Misbehaved(Misbehaviour),
    /// Nobody did anything: nodes of different worlds cannot share a process here, for their hash orders would
    /// depend on one another ([`Covered::hash_keys`]).
    SharedOrder,
    /// The worlds keep more in disks and messages than there is room for at once; each alone may well be within its limits.
    Crowded,
    /// The budget of this thread is spent ([`budget::spent`]).
    Spent,
}

/// The lanes of one submission.
pub struct Fleet {
    guest: Guest,
    token: Token,
    lanes: Vec<Option<Lane>>,
    room: usize,
}

impl Fleet {
    /// For this guest. Nothing is started yet.
    pub fn new(guest: &Guest) -> Fleet {
        Fleet { guest: guest.clone(), token: token(), lanes: Vec::new(), room: ROOM }
    }
    /// The worlds of a batch may keep so many bytes together.
    #[must_use]
    pub fn with_room(self, room: usize) -> Fleet {
        Fleet { room, ..self }
    }

    /// What its lanes run.
    pub fn guest(&self) -> &Guest {
        &self.guest
    }

    /// Runs worlds side by side, one slot of each lane a world, until all have ended or their watch has
    /// seen enough.
    ///
    /// # Errors
    /// The harness's own. After an `Anomaly` the jobs are as good as not run.
    pub fn batch<W: Watch>(&mut self, jobs: &mut [Job<W>]) -> Result<Result<(), Anomaly>, HostError> {
        if !self.covered()?.hash_keys {
            return Ok(Err(Anomaly::SharedOrder));
        }
        let ran = self.rounds(jobs);
        if !matches!(ran, Ok(Ok(()))) {
            self.lanes.clear();
        }
        match ran {
            Ok(ran) => Ok(ran),
            Err(LaneError::Guest(how)) => Ok(Err(Anomaly::Misbehaved(how))),
            Err(LaneError::Host(error)) => Err(error),
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
    /// A world is touched once a round: its answer is applied and its next step asked for in one go, while what it
    /// consists of is at hand. (Hundreds of worlds that take turns do not fit a core's cache.)
    fn rounds<W: Watch>(&mut self, jobs: &mut [Job<W>]) -> Result<Result<(), Anomaly>, LaneError> {
        let mut slots = [0; LANES_MAX];
        let mut places: Vec<Places> = jobs.iter().map(|job| Places::new(&job.world, &mut slots)).collect();
        let mut asking = Asking::new(self.token, self.lane(0)?.roles().clone());
        let (mut buffer, mut heard) = (Vec::new(), 0);
        for (index, job) in jobs.iter_mut().enumerate() {
            asking.step(job, index, &mut places[index], &mut buffer)?;
        }
        let mut asked: Vec<Vec<usize>> = vec![Vec::new(); LANES_MAX * PROCESSES];
        for round in 1_usize.. {
            if !asking.is_any() {
                break;
            }
            if round.is_multiple_of(ROUNDS_A_LOOK) && budget::spent().is_some() {
                return Ok(Err(Anomaly::Spent));
            }
            for (place, commands) in asking.commands.iter_mut().enumerate() {
                if !commands.is_empty() {
                    self.lane(place)?.send(commands)?;
                }
            }
            std::mem::swap(&mut asked, &mut asking.asked);
            // The one that was told last is waited for first: until it has answered, the others mostly have, too.
            for (place, asked) in asked.iter_mut().enumerate().rev() {
                if asked.is_empty() {
                    continue;
                }
                let mut asked = asked.drain(..);
                heard += self.lane(place)?.collect(asked.len(), |reply| {
                    let index = asked.next().expect("no more replies than were asked for");
                    let job = &mut jobs[index];
                    job.world.apply(reply);
                    if job.look(&mut buffer) {
                        asking.step(job, index, &mut places[index], &mut buffer)?;
                    }
                    Ok(())
                })?;
            }
            // All that worlds keep has been heard, so this is looked into only where a lot was.
            if heard > self.room / 4 {
                heard = 0;
                if jobs.iter().map(|job| job.world.kept() + job.world.shown()).sum::<usize>() > self.room {
                    return Ok(Err(Anomaly::Crowded));
                }
            }
        }
        Ok(Ok(()))
    }
    fn lane(&mut self, place: usize) -> Result<&mut Lane, HostError> {
        if self.lanes.len() <= place {
            self.lanes.resize_with(place + 1, || None);
        }
        let lane = &mut self.lanes[place];
        if lane.is_none() {
            *lane = Some(Lane::spawn(&self.guest, self.token, false)?);
        }
        Ok(lane.as_mut().expect("just started"))
    }

    /// Runs one world alone, with a fresh process for every start of a node: nothing can be shared, and a
    /// crash is the end of a process. What a guest does wrong ends up in the world. Where this thread's budget is spent, the world
    /// is left as it is: [`budget::spent`] says so.
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
        let token = token();
        let mut commands = Commands::new(token);
        let places = Fleet::places_alone(guest, &job.world, token)?;
        let mut lanes: Vec<Option<Lane>> = Vec::new();
        lanes.resize_with(places.of.iter().map(|(lane, _)| lane + 1).max().unwrap_or(0), || None);
        let mut steps = 0_usize;
        while let Some(step) = job.world.next() {
            steps += 1;
            if steps.is_multiple_of(STEPS_A_LOOK) && budget::spent().is_some() {
                return Ok(());
            }
            let (place, slot) = places.of[step.node];
            let lane = &mut lanes[place];
            let stepped = (|| {
                if matches!(step.event, StepEvent::Start { .. }) {
                    if !places.are_shared {
                        *lane = None; // a crash is the end of its process
                    }
                    if lane.is_none() {
                        *lane = Some(Lane::spawn(guest, token, aloud)?);
                    }
                }
                let lane = lane.as_mut().expect("a world starts a node before it steps it");
                commands.put(&step, slot, lane.roles())?;
                lane.send(&mut commands)?;
                lane.collect(1, |reply| {
                    job.world.apply(reply);
                    Ok(())
                })
            })();
            match stepped {
                Ok(_) => {}
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
    /// Where the nodes of a world live that runs alone: each in a process of its own, or where it has too many guests for
    /// that, in a few that they share.
    fn places_alone(guest: &Guest, world: &World, token: Token) -> Result<Places, HostError> {
        let nodes = &world.scenario().nodes;
        let guests = nodes.iter().filter(|node| matches!(node.kind, NodeKind::Guest)).count();
        if guests <= PROCESSES_MAX || !Lane::spawn(guest, token, false)?.covered().hash_keys {
            let of = (0..nodes.len()).map(|place| (place, 0)).collect();
            return Ok(Places { of, started: Vec::new(), are_shared: false });
        }
        Ok(Places { are_shared: true, ..Places::new(world, &mut [0; PROCESSES_MAX]) })
    }
}

impl<W: Watch> Job<W> {
    /// Shows the watch what is new; `false` where it has seen enough.
    fn look(&mut self, buffer: &mut Vec<Observation>) -> bool {
        self.world.swap_observations(buffer);
        buffer.iter().all(|observation| self.watch.see(&self.world, observation))
    }
}

/// What the lanes are to be asked next.
struct Asking {
    roles: Roles,
    /// Per lane.
    commands: Vec<Commands>,
    /// Per lane, whose steps these are, in order.
    asked: Vec<Vec<usize>>,
}
impl Asking {
    fn new(token: Token, roles: Roles) -> Asking {
        let commands = std::iter::repeat_with(|| Commands::new(token)).take(LANES_MAX * PROCESSES).collect();
        Asking { roles, commands, asked: vec![Vec::new(); LANES_MAX * PROCESSES] }
    }
    fn is_any(&self) -> bool {
        self.asked.iter().any(|asked| !asked.is_empty())
    }
    /// Asks for the next step of a world; one that has ended is shown to its watch for the last time.
    fn step<W: Watch>(
        &mut self,
        job: &mut Job<W>,
        index: usize,
        places: &mut Places,
        buffer: &mut Vec<Observation>,
    ) -> Result<(), LaneError> {
        let Some(step) = job.world.next() else {
            job.look(buffer);
            return Ok(());
        };
        let (lane, slot) = places.step(&step);
        self.asked[lane].push(index);
        self.commands[lane].put(&step, slot, &self.roles)
    }
}

/// Where the nodes of a world live: lane and slot, by their place in the scenario.
struct Places {
    of: Vec<(usize, u32)>,
    /// Which of them have been started.
    started: Vec<bool>,
    /// Whether nodes of one world live in one process.
    are_shared: bool,
}
impl Places {
    /// In so many lanes, each of which has given away so many slots.
    fn new<const LANES: usize>(world: &World, slots: &mut [u32; LANES]) -> Places {
        let mut guests = 0;
        let place = |node: &NodeSpec| {
            if !matches!(node.kind, NodeKind::Guest) {
                return (0, 0);
            }
            let lane = guests % LANES;
            guests += 1;
            slots[lane] += 1;
            (lane, slots[lane] - 1)
        };
        let of: Vec<_> = world.scenario().nodes.iter().map(place).collect();
        Places { started: vec![false; of.len()], of, are_shared: guests > LANES }
    }
    /// Where a step goes in a batch.
    fn step(&mut self, step: &Step) -> (usize, u32) {
        let place = &mut self.of[step.node];
        let again = matches!(step.event, StepEvent::Start { .. })
            && std::mem::replace(&mut self.started[step.node], true);
        if again {
            place.0 = (place.0 + LANES_MAX) % (LANES_MAX * PROCESSES);
        }
        *place
    }
}

/// Random, and nothing that is ever seen depends on it.
fn token() -> Token {
    Token(RandomState::new().hash_one(()).to_le_bytes())
}
