//! All histories of a register up to a size, against brute force.

use consistency::models::register::{Call, Register, Return};
use consistency::{Budget, History, OpId, Process, linearizable, sequential};

use crate::brute;
use crate::linear::show;

type Reg = Register<(), u64>;

/// Every way for `left` more operations to be invoked, and those open to return, each one of the five kinds; `lost`: they need not return.
fn every(
    history: &History<Reg>,
    open: &[(OpId, Return<u64>)],
    left: usize,
    lost: bool,
    visit: &mut dyn FnMut(&History<Reg>),
) {
    let now = history.len() as u64;
    if left == 0 && (open.is_empty() || lost) {
        visit(history);
    }
    if left > 0 {
        for kind in 0..5 {
            let (call, answer) = match kind {
                0 | 1 => (Call::Write((), kind), Return::Written),
                2 => (Call::Read(()), Return::Read(None)),
                _ => (Call::Read(()), Return::Read(Some(kind - 3))),
            };
            let mut next = history.clone();
            // two processes: operations of one follow one another only as long as none of its own is open
            let process = Process(now as u32 % 2);
            let id = next.invoke(process, 100, call);
            let mut open = open.to_vec();
            open.push((id, answer));
            every(&next, &open, left - 1, lost, visit);
        }
    }
    for i in 0..open.len() {
        // of those that return before the next invocation order does not matter: sorted
        let mut next = history.clone();
        let mut open = open.to_vec();
        let (id, answer) = open.remove(i);
        next.returned(id, 100, answer);
        every(&next, &open, left, lost, visit);
    }
}

#[test]
fn every_small_history_of_a_register() {
    let mut count = 0;
    for (operations, lost) in [(1, true), (2, true), (3, true), (4, false)] {
        // four operations have too many orders of returns to try them all with every kind: so every fifth
        let mut turn = 0u64;
        every(&History::new(Reg::default()), &[], operations, lost, &mut |history| {
            turn += 1;
            if operations == 4 && !turn.is_multiple_of(5) {
                return;
            }
            count += 1;
            let linear = linearizable(history, &Budget::default());
            assert_eq!(linear.is_ok(), brute::linearizable(history), "{linear}{}", show(history));
            let seq = sequential(history, &Budget::default());
            assert_eq!(seq.is_ok(), brute::sequential(history), "{seq}{}", show(history));
        });
    }
    assert!(count > 15_000, "{count}");
}
