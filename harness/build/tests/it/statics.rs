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

/// The path of a static in a method of a foreign type does not begin with the crate's name, and a hook needs no static.
#[test]
fn state_that_hides_in_foreign_types_or_in_std_is_found() {
    let in_foreign_type = "\
trait Hide {
    fn count() -> u32;
}
impl Hide for u64 {
    fn count() -> u32 {
        static SEEN: std::sync::Mutex<u32> = std::sync::Mutex::new(0);
        *SEEN.lock().unwrap() += 1;
        *SEEN.lock().unwrap()
    }
}
impl<T> Hide for Vec<T> {
    fn count() -> u32 {
        std::thread_local! { static SEEN: std::cell::Cell<u32> = const { std::cell::Cell::new(0) }; }
        SEEN.set(SEEN.get() + 1);
        SEEN.get()
    }
}
pub fn beta(x: u32) -> u32 {
    x + <u64 as Hide>::count() + <Vec<u8> as Hide>::count()
}
";
    let in_hook = "\
pub fn beta(x: u32) -> u32 {
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| before(info)));
    x
}
";
    let in_token = "pub fn beta(x: u32) -> u32 {\n    std::thread::current().unpark();\n    x\n}\n";
    let statics = |beta: &str| build(LIB, ALPHA, beta).unwrap().statics;
    let in_types = ["<alloc::vec::Vec<_> as beta::Hide>::count::SEEN", "<u64 as beta::Hide>::count::SEEN"];
    assert_eq!(statics(in_foreign_type), in_types);
    assert_eq!(statics(in_hook), ["std::panic::set_hook", "std::panic::take_hook"]);
    assert_eq!(statics(in_token), ["std::thread::current"]);
    let waits = "pub fn beta(x: u32) -> u32 {\n    let (to, from) = std::sync::mpsc::channel();\n    to.send(x).unwrap();\n    from.recv().unwrap()\n}\n";
    assert_eq!(statics(waits), Vec::<String>::new());
}
