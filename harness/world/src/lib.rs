//! The simulation kernel: one world of nodes, network, disks, clocks, clients and faults, under one seed.
//!
//! A [`World`] is a pure state machine. It never calls a student's node and knows no process, file or clock:
//! [`World::next`] says which node must handle which event, a driver finds out what the node asks for,
//! [`World::apply`] takes it. What happened comes out as [`Observation`]s, each with its cause.
//!
//! | look here | for |
//! |---|---|
//! | [`Scenario`] | the recipe of a world, as data: what a check writes and a shrinker cuts down |
//! | [`World`] | the kernel |
//! | [`Observation`], [`Trace`] | what can be seen of a run |
//! | [`Local`] | driving a world in this process, without isolation |
//! | [`Scenario::concrete`] | a scenario that can be written down |
//! | [`Seed`] | chance, keyed by cause |

mod clock;
mod concrete;
mod disk;
mod draw;
mod kernel;
mod local;
mod misbehaviour;
mod names;
mod network;
mod observe;
mod playback;
mod scenario;
mod step;
mod time;
mod weight;

pub use concrete::NotData;
pub use draw::{Chance, Key, Seed};
pub use kernel::World;
pub use local::Local;
pub use misbehaviour::{Death, Excess, Misbehaviour, Nonsense, Stall};
pub use names::{ClientId, OperationId, caller, name_of};
pub use observe::{
    AnswerKey, Bytes, Cause, During, End, LossReason, Observation, ObservationId, Seen, Trace,
};
pub use playback::{Act, Cue, Line};
pub use scenario::{
    Carried, Client, ClockSpec, Damage, DiskLoss, Fault, Harm, Latency, Limits, Link, LinkRule, MakesScribe,
    Matcher, NodeKind, NodeSpec, Operation, Pattern, Puppet, Question, Scenario, Scribe, SeenKind, Tail,
    Trigger, Until, When, Who, Words,
};
pub use step::{Step, StepEvent};
pub use time::Time;
