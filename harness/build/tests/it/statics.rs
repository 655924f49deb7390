//! State that student code keeps outside its nodes.

use crate::support::{ALPHA, LIB, build};

#[test]
fn state_outside_of_nodes_is_found() {
    let beta = r#"
use std::cell::Cell;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, OnceLock};

static COUNT: AtomicU64 = AtomicU64::new(0);
static START_2: AtomicU64 = AtomicU64::new(7);
static ONCE: OnceLock<u64> = OnceLock::new();
static LOCK: Mutex<u64> = Mutex::new(5);
static NAME: &str = "a name";
static TABLE: [u32; 3] = [1, 2, 3];
static NAMES: [&str; 2] = ["a", "b"];
thread_local! {
    static LOCAL: Cell<u64> = const { Cell::new(0) };
    static LAZY: Cell<u64> = Cell::new(TABLE[0] as u64);
}
pub struct B;
impl B {
    fn method(&self) -> u64 {
        static INSIDE: AtomicU64 = AtomicU64::new(0);
        INSIDE.fetch_add(1, Ordering::Relaxed)
    }
}
pub fn beta(x: u32) -> u32 {
    println!("{NAME} {NAMES:?} {x:?}");
    START_2.store(x.into(), Ordering::Relaxed);
    LOCAL.set(x.into());
    LAZY.set(x.into());
    let locked = *LOCK.lock().unwrap();
    let count = COUNT.fetch_add(START_2.load(Ordering::Relaxed), Ordering::Relaxed) + locked;
    x + (count + ONCE.get_or_init(|| 1) + LOCAL.get() + LAZY.get() + B.method()) as u32
}
"#;
    let built = build(LIB, ALPHA, beta).unwrap();
    assert!(built.broken.is_empty(), "{:?}", built.broken);
    insta::assert_snapshot!(built.statics.join("\n"));
    // The program tells the same.
    let of_program = build::statics::mutable(&built.binary).unwrap();
    insta::assert_snapshot!(of_program.join("\n"));
}

#[test]
fn derives_and_collections_bring_no_state() {
    let beta = "\
use std::collections::HashMap;

#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Key(u32, String);
pub fn beta(x: u32) -> u32 {
    let map: HashMap<Key, u32> = [(Key(x, format!(\"{x}\")), x)].into();
    let now = std::time::Instant::now();
    std::thread::spawn(move || println!(\"{:?} {map:?}\", now.elapsed())).join().map_or(0, |()| 1)
}
";
    assert_eq!(build(LIB, ALPHA, beta).unwrap().statics, Vec::<String>::new());
}
