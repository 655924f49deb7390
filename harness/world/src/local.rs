//! Driving a world in this process: no isolation, the same kernel, the same bytes.

use crate::draw::Seed;
use crate::kernel::World;
use crate::observe::{Observation, Trace};
use crate::scenario::Scenario;
use lab::frame::{self, Command, Reply};
use lab::{Exercise, Hosted, Role};
use std::sync::Arc;

/// Runs worlds in this process, with these exercises' nodes: for tests, debuggers and measurements.
///
/// Grading never does this; it runs student code in processes of its own.
pub struct Local {
    roles: Vec<Role>,
}
impl Local {
    /// With the roles of these exercises.
    pub fn new(exercises: impl IntoIterator<Item = Exercise>) -> Local {
        Local { roles: exercises.into_iter().flat_map(|exercise| exercise.roles).collect() }
    }
    /// Runs a world to its end; `observer` sees what happens as it happens.
    ///
    /// # Panics
    /// Where the scenario asks for a role that no exercise has.
    pub fn run(&self, scenario: Arc<Scenario>, seed: Seed, observer: impl FnMut(&Observation)) -> World {
        self.drive(World::new(scenario, seed), observer)
    }
    /// Runs a world that was made already.
    ///
    /// # Panics
    /// Where the scenario asks for a role that no exercise has.
    pub fn drive(&self, world: World, mut observer: impl FnMut(&Observation)) -> World {
        self.drive_until(world, |_, observation| {
            observer(observation);
            true
        })
    }
    /// Runs a world until it ends or `watch` has seen enough, and says `false`: as grading does, but in this process.
    ///
    /// # Panics
    /// Where the scenario asks for a role that no exercise has.
    pub fn drive_until(
        &self,
        mut world: World,
        mut watch: impl FnMut(&World, &Observation) -> bool,
    ) -> World {
        let mut nodes: Vec<Option<Box<dyn Hosted>>> = world.scenario().nodes.iter().map(|_| None).collect();
        let (mut reply, mut observations) = (Vec::new(), Vec::new());
        while let Some(step) = world.next() {
            reply.clear();
            match step.command(0, |role| self.place(role)) {
                Command::Start { role, context, start, .. } => {
                    nodes[step.node] = self.roles[usize::from(role)].start(context, start, &mut reply);
                }
                Command::Step { context, event, .. } => {
                    let node = nodes[step.node].as_mut().expect("a world starts a node before it steps it");
                    node.step(context, event, &mut reply);
                }
                Command::Drop { .. } => unreachable!("a step is never a drop"),
            }
            let reply: Reply<'_> = frame::take(&mut &reply[..]).expect("lab encodes what lab decodes");
            world.apply(reply);
            world.swap_observations(&mut observations);
            if !observations.iter().all(|observation| watch(&world, observation)) {
                return world;
            }
        }
        world.swap_observations(&mut observations);
        observations.iter().all(|observation| watch(&world, observation));
        world
    }
    /// Runs a world and keeps all that happened.
    pub fn trace(&self, scenario: Arc<Scenario>, seed: Seed) -> (World, Trace) {
        let mut trace = Trace::default();
        let world = self
            .drive(World::new(scenario, seed).with_labels(), |seen| trace.observations.push(seen.clone()));
        (world, trace)
    }
    fn place(&self, role: &str) -> u16 {
        let place = self.roles.iter().position(|known| known.name() == role);
        let place =
            place.unwrap_or_else(|| panic!("no exercise given to `Local::new` has the role `{role}`"));
        u16::try_from(place).expect("few roles")
    }
}
