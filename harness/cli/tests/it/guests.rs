//! A guest as submissions get it: what its self-test finds on this machine.

use crate::{cache, root};
use build::{Kit, Sources, Target};
use host::{Fleet, Guest, Layers};
use lab::frame::Covered;

#[test]
fn all_that_makes_runs_repeatable_is_covered_here() {
    let sources = Sources::read(&root().join("solutions/07-logical-clocks")).expect("the reference");
    let target = Target {
        exercise: "vector".to_owned(),
        name: "7/vector".to_owned(),
        modules: vec!["vector".to_owned()],
        entry: "lab::Exercise { name: \"none\", roles: vec![] }".to_owned(),
    };
    let kit = Kit::prepare(&cache(), |_| {}).expect("a kit");
    let built = kit.build(&sources, &sources, &[target], &[]).expect("it compiles");
    assert!(built.broken.is_empty());
    for layers in [Layers::ALL, Layers::NO_SANDBOX] {
        let guest = Guest::new(&built.binary, layers).expect("it was built");
        let covered = Fleet::new(&guest).covered().expect("its self-test finds no fault");
        let has_counter = cfg!(target_arch = "x86_64");
        let all = Covered { hash_keys: true, clocks: true, addresses: true, cycle_counter: has_counter };
        assert_eq!(covered, all, "{layers:?}");
    }
}
