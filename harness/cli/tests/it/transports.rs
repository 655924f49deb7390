//! One kernel, three ways to drive it: in this process, batched through lanes, and solo. The same observations to the
//! last bit.

use crate::{cache, root};
use build::{Kit, Sources, Target};
use host::{Fleet, Guest, Job, Layers};
use judge::{SeedKey, WorldSeed};
use std::sync::Arc;
use world::{Local, Observation, Scenario, World};

/// Worlds of all checks whose nodes are clocks, with their seeds.
fn worlds() -> Vec<(Arc<Scenario>, WorldSeed)> {
    let key = SeedKey::secret("transports");
    let mut worlds = Vec::new();
    for chapter in course::chapters() {
        for exercise in chapter.exercises.iter().filter(|exercise| exercise.id == "lamport") {
            for check in &exercise.checks {
                for nth in 0..20 {
                    let seed = key.of(chapter.number, exercise.id, check, nth);
                    worlds.push((Arc::new(judge::case(check, seed, nth).scenario), seed));
                }
            }
        }
    }
    worlds
}

#[test]
fn in_process_batched_and_solo_runs_show_the_same() {
    let kit = Kit::prepare(&cache(), |_| {}).expect("a kit");
    let sources = Sources::read(&root().join("solutions/07-logical-clocks")).expect("the reference");
    let entry = course::chapters()
        .iter()
        .flat_map(|chapter| &chapter.exercises)
        .find(|exercise| exercise.id == "lamport")
        .expect("lamport")
        .entry
        .source;
    let target = Target {
        exercise: "lamport".into(),
        name: "7/lamport".into(),
        modules: vec!["lamport".into()],
        entry: entry.into(),
    };
    let built = kit.build(&sources, &sources, &[target], &[]).expect("it compiles");

    let worlds = worlds();
    use ch07_logical_clocks::lamport;
    let local = Local::new([lab::lamport::exercise::<lamport::Clock>(
        lamport::total_order,
        lamport::may_have_caused,
    )]);
    let here: Vec<u64> = worlds
        .iter()
        .map(|(scenario, seed)| local.run(scenario.clone(), seed.seed(), |_| {}).hash())
        .collect();

    let look_on = |_: &World, _: &Observation| true;
    let job = |(scenario, seed): &(Arc<Scenario>, WorldSeed)| Job {
        world: World::new(scenario.clone(), seed.seed()),
        watch: look_on,
    };
    let mut batch: Vec<_> = worlds.iter().map(job).collect();
    let guest = Guest::new(&built.binary, Layers::ALL).expect("it is there");
    let mut fleet = Fleet::new(&guest);
    fleet.batch(&mut batch).expect("lanes").expect("nobody misbehaves");
    let batched: Vec<u64> = batch.iter().map(|job| job.world.hash()).collect();
    assert_eq!(batched, here);

    for (world, expected) in worlds.iter().zip(&here).step_by(7) {
        let mut job = job(world);
        Fleet::solo(&guest, &mut job).expect("lanes");
        assert_eq!(job.world.hash(), *expected);
    }
    // and the worlds are not all alike
    assert!(here.iter().collect::<std::collections::BTreeSet<_>>().len() > here.len() / 2);
}
