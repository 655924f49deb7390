//! A fleet: the lanes of one submission, and the worlds that are driven through them.

use crate::budget;
use crate::commands::{Commands, Roles};
use crate::error::{HostError, LaneError};
use crate::lane::Lane;
use crate::launch::Guest;
use lab::NodeId;
use lab::frame::{Covered, Token};
use std::borrow::BorrowMut;
use std::hash::{BuildHasher, RandomState};
use world::{Misbehaviour, NodeKind, Observation, Step, StepEvent, World};

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

/// Where the worlds of a batch come from, and where they go when they have ended.
pub trait Stream {
    /// Who looks on.
    type Watch: Watch;
    /// A world to run.
    type Job: BorrowMut<Job<Self::Watch>>;
    /// The next world; `None` where none may run now. It is asked again after another one has ended.
    fn next(&mut self) -> Option<Self::Job>;
    /// A world has ended, or its watch has seen enough.
    fn ended(&mut self, job: Self::Job);
    /// What worlds that have ended still keep, in bytes.
    fn kept(&self) -> usize {
        0
    }
}
/// Jobs that all run at once, and stay where they are: what they keep, in bytes, when they have ended.
struct All<'a, W>(std::slice::IterMut<'a, Job<W>>, usize);
impl<'a, W: Watch> Stream for All<'a, W> {
    type Watch = W;
    type Job = &'a mut Job<W>;
    fn next(&mut self) -> Option<&'a mut Job<W>> {
        self.0.next()
    }
    fn ended(&mut self, job: &'a mut Job<W>) {
        self.1 += job.kept();
    }
    fn kept(&self) -> usize {
        self.1
    }
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
        self.stream(&mut All(jobs.iter_mut(), 0))
    }
    /// The same for worlds that come one by one: the place of one that has ended is taken by the next.
    ///
    /// # Errors
    /// As [`batch`](Fleet::batch).
    pub fn stream<S: Stream>(&mut self, worlds: &mut S) -> Result<Result<(), Anomaly>, HostError> {
        if !self.covered()?.hash_keys {
            return Ok(Err(Anomaly::SharedOrder));
        }
        let ran = self.rounds(worlds);
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
    fn rounds<S: Stream>(&mut self, worlds: &mut S) -> Result<Result<(), Anomaly>, LaneError> {
        let mut seats = Seats { seats: Vec::new(), free: Vec::new(), slots: Slots::default() };
        let mut asking = Asking::new(self.token, self.lane(0)?.roles().clone());
        let (mut buffer, mut heard) = (Vec::new(), 0);
        let mut asked: Vec<Vec<usize>> = vec![Vec::new(); LANES_MAX * PROCESSES];
        let mut ended: Vec<usize> = Vec::new();
        let mut may_come = true;
        for round in 1_usize.. {
            while may_come {
                let Some(job) = worlds.next() else {
                    may_come = false;
                    break;
                };
                let index = seats.take(job);
                if !asking.step(&mut seats, index, &mut buffer)? {
                    worlds.ended(seats.leave(index));
                }
            }
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
                    let job = seats.job(index);
                    job.world.apply(reply);
                    if !(job.look(&mut buffer) && asking.step(&mut seats, index, &mut buffer)?) {
                        ended.push(index);
                    }
                    Ok(())
                })?;
            }
            for index in ended.drain(..) {
                worlds.ended(seats.leave(index));
                may_come = true;
            }
            // All that worlds keep has been heard, so this is looked into only where a lot was.
            if heard > self.room / 4 {
                heard = 0;
                if seats.kept() + worlds.kept() > self.room {
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
        Fleet::alone(guest, std::slice::from_mut(job), false)
    }
    /// The same for several worlds at the same time, each in processes of its own: one wait for all of them costs less than one for each.
    ///
    /// # Errors
    /// The harness's own.
    pub fn solos<W: Watch>(guest: &Guest, jobs: &mut [Job<W>]) -> Result<(), HostError> {
        Fleet::alone(guest, jobs, false)
    }
    /// As [`solo`](Fleet::solo), listening to what nodes print.
    ///
    /// # Errors
    /// The harness's own.
    pub fn solo_aloud<W: Watch>(guest: &Guest, job: &mut Job<W>) -> Result<(), HostError> {
        Fleet::alone(guest, std::slice::from_mut(job), true)
    }
    fn alone<W: Watch>(guest: &Guest, jobs: &mut [Job<W>], aloud: bool) -> Result<(), HostError> {
        let mut alone =
            jobs.iter_mut().map(|job| Alone::new(guest, job, aloud)).collect::<Result<Vec<_>, _>>()?;
        let mut rounds = 0_usize;
        while !alone.is_empty() {
            rounds += 1;
            if rounds.is_multiple_of(STEPS_A_LOOK) && budget::spent().is_some() {
                return Ok(());
            }
            for one in &mut alone {
                one.ask()?;
            }
            let mut failed = Ok(());
            alone.retain_mut(|one| match one.hear() {
                Ok(goes_on) => goes_on,
                Err(error) => {
                    failed = Err(error);
                    false
                }
            });
            failed?;
        }
        Ok(())
    }
    /// Where the nodes of a world live that runs alone: each in a process of its own, or where it has too many guests for
    /// that, in a few that they share.
    fn places_alone(guest: &Guest, world: &World, token: Token) -> Result<Places, HostError> {
        let nodes = &world.scenario().nodes;
        let guests = nodes.iter().filter(|node| matches!(node.kind, NodeKind::Guest)).count();
        if guests <= PROCESSES_MAX || !Lane::spawn(guest, token, false)?.covered().hash_keys {
            let of = (0..nodes.len()).map(|place| (place, 0)).collect();
            return Ok(Places { of, are_guests: Vec::new(), started: Vec::new(), are_shared: false });
        }
        Ok(Places { are_shared: true, ..Places::new(world, &mut Slots::<PROCESSES_MAX>::default()) })
    }
}

impl<W> Job<W> {
    /// What its world keeps, in bytes.
    fn kept(&self) -> usize {
        self.world.kept() + self.world.shown()
    }
}
impl<W: Watch> Job<W> {
    /// Shows the watch what is new; `false` where it has seen enough.
    fn look(&mut self, buffer: &mut Vec<Observation>) -> bool {
        self.world.swap_observations(buffer);
        buffer.iter().all(|observation| self.watch.see(&self.world, observation))
    }
}

/// A world that runs alone.
struct Alone<'a, W> {
    guest: &'a Guest,
    job: &'a mut Job<W>,
    is_aloud: bool,
    token: Token,
    commands: Commands,
    places: Places,
    lanes: Vec<Option<Lane>>,
    buffer: Vec<Observation>,
    /// The node that was asked, and how that went so far.
    asked: Option<(usize, Result<(), LaneError>)>,
}
impl<'a, W: Watch> Alone<'a, W> {
    fn new(guest: &'a Guest, job: &'a mut Job<W>, is_aloud: bool) -> Result<Self, HostError> {
        let token = token();
        let places = Fleet::places_alone(guest, &job.world, token)?;
        let mut lanes: Vec<Option<Lane>> = Vec::new();
        lanes.resize_with(places.of.iter().map(|(lane, _)| lane + 1).max().unwrap_or(0), || None);
        let commands = Commands::new(token);
        Ok(Alone { guest, job, is_aloud, token, commands, places, lanes, buffer: Vec::new(), asked: None })
    }
    /// Asks a node for the next step of the world, if there is one.
    fn ask(&mut self) -> Result<(), HostError> {
        let Some(step) = self.job.world.next() else { return Ok(()) };
        let (place, slot) = self.places.of[step.node];
        let lane = &mut self.lanes[place];
        let asked = (|| {
            if matches!(step.event, StepEvent::Start { .. }) {
                if !self.places.are_shared {
                    *lane = None; // a crash is the end of its process
                }
                if lane.is_none() {
                    *lane = Some(Lane::spawn(self.guest, self.token, self.is_aloud)?);
                }
            }
            let lane = lane.as_mut().expect("a world starts a node before it steps it");
            self.commands.put(&step, slot, lane.roles())?;
            lane.send(&mut self.commands)
        })();
        self.asked = Some((step.node, asked));
        Ok(())
    }
    /// Waits for the answer of the node that was asked. Whether the world goes on.
    fn hear(&mut self) -> Result<bool, HostError> {
        let Some((node, asked)) = self.asked.take() else {
            self.job.look(&mut self.buffer);
            return Ok(false);
        };
        let lane = &mut self.lanes[self.places.of[node].0];
        let world = &mut self.job.world;
        let heard = asked.and_then(|()| {
            lane.as_mut().expect("it was asked").collect(1, |reply| {
                world.apply(reply);
                Ok(())
            })
        });
        match heard {
            Ok(_) => {}
            Err(LaneError::Host(error)) => return Err(error),
            Err(LaneError::Guest(how)) => world.misbehaved(how),
        }
        let printed = lane.as_mut().map(Lane::printed).unwrap_or_default();
        let goes_on = self.job.look(&mut self.buffer);
        if !printed.is_empty() {
            self.job.watch.hear(self.job.world.scenario().nodes[node].id, &printed);
        }
        Ok(goes_on)
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
    /// Asks for the next step of a world; one that has ended is shown to its watch for the last time. Whether it goes on.
    fn step<W: Watch, J: BorrowMut<Job<W>>>(
        &mut self,
        seats: &mut Seats<J>,
        index: usize,
        buffer: &mut Vec<Observation>,
    ) -> Result<bool, LaneError> {
        let (job, places) = seats.at(index);
        let job: &mut Job<W> = job.borrow_mut();
        let Some(step) = job.world.next() else {
            job.look(buffer);
            return Ok(false);
        };
        let (lane, slot) = places.step(&step);
        self.asked[lane].push(index);
        self.commands[lane].put(&step, slot, &self.roles)?;
        Ok(true)
    }
}

/// The worlds that run now.
struct Seats<J> {
    seats: Vec<Option<(J, Places)>>,
    free: Vec<usize>,
    slots: Slots<LANES_MAX>,
}
impl<J> Seats<J> {
    /// Gives a world a place; returns which.
    fn take<W: Watch>(&mut self, job: J) -> usize
    where
        J: BorrowMut<Job<W>>,
    {
        let places = Places::new(&job.borrow().world, &mut self.slots);
        let index = self.free.pop().unwrap_or_else(|| {
            self.seats.push(None);
            self.seats.len() - 1
        });
        self.seats[index] = Some((job, places));
        index
    }
    fn at(&mut self, index: usize) -> (&mut J, &mut Places) {
        let (job, places) = self.seats[index].as_mut().expect("it has not left");
        (job, places)
    }
    fn job<W>(&mut self, index: usize) -> &mut Job<W>
    where
        J: BorrowMut<Job<W>>,
    {
        self.at(index).0.borrow_mut()
    }
    /// Its place is free for another world.
    fn leave(&mut self, index: usize) -> J {
        let (job, places) = self.seats[index].take().expect("it leaves once");
        self.slots.give_back(&places);
        self.free.push(index);
        job
    }
    /// What the worlds keep, in bytes.
    fn kept<W>(&self) -> usize
    where
        J: BorrowMut<Job<W>>,
    {
        let live = self.seats.iter().flatten();
        live.map(|(job, _)| job.borrow()).map(Job::kept).sum()
    }
}

/// Which slots of so many lanes are taken.
struct Slots<const LANES: usize> {
    /// Slots from here on were never taken.
    next: [u32; LANES],
    free: [Vec<u32>; LANES],
}
impl<const LANES: usize> Default for Slots<LANES> {
    fn default() -> Self {
        Slots { next: [0; LANES], free: std::array::from_fn(|_| Vec::new()) }
    }
}
impl<const LANES: usize> Slots<LANES> {
    fn take(&mut self, lane: usize) -> u32 {
        self.free[lane].pop().unwrap_or_else(|| {
            self.next[lane] += 1;
            self.next[lane] - 1
        })
    }
    fn give_back(&mut self, places: &Places) {
        for (lane, slot) in
            places.of.iter().zip(&places.are_guests).filter(|(_, guest)| **guest).map(|(of, _)| of)
        {
            self.free[lane % LANES].push(*slot);
        }
    }
}

/// Where the nodes of a world live: lane and slot, by their place in the scenario.
struct Places {
    of: Vec<(usize, u32)>,
    /// Which of them live in a lane at all.
    are_guests: Vec<bool>,
    /// Which of them have been started.
    started: Vec<bool>,
    /// Whether nodes of one world live in one process.
    are_shared: bool,
}
impl Places {
    /// In so many lanes, each of which gives away slots.
    fn new<const LANES: usize>(world: &World, slots: &mut Slots<LANES>) -> Places {
        let mut guests = 0;
        let nodes = &world.scenario().nodes;
        let are_guests: Vec<bool> = nodes.iter().map(|node| matches!(node.kind, NodeKind::Guest)).collect();
        let place = |is_guest: &bool| {
            if !is_guest {
                return (0, 0);
            }
            let lane = guests % LANES;
            guests += 1;
            (lane, slots.take(lane))
        };
        let of: Vec<_> = are_guests.iter().map(place).collect();
        Places { started: vec![false; of.len()], of, are_guests, are_shared: guests > LANES }
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
