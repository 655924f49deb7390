//! What is still to happen, in order.

use super::parcel::Parcel;
use crate::draw::Key;
use crate::observe::{Bytes, ObservationId};
use crate::time::Time;
use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

/// What happens next, and after that.
#[derive(Default)]
pub(super) struct Queue {
    /// When each thing happens, in order of its pushing, by its place among `items`.
    heap: BinaryHeap<Reverse<(Time, u32, u32)>>,
    items: Vec<Slot>,
    free: Vec<u32>,
    pushed: u32,
}
impl Queue {
    pub(super) fn push(&mut self, at: Time, item: Item) {
        self.pushed = self.pushed.checked_add(1).expect("a world's limits allow fewer");
        let place = match self.free.pop() {
            Some(place) => {
                self.items[place as usize].0 = Some(item);
                place
            }
            None => {
                self.items.push(Slot(Some(item)));
                u32::try_from(self.items.len() - 1).expect("a world's limits allow fewer")
            }
        };
        self.heap.push(Reverse((at, self.pushed, place)));
    }
    /// The next thing, and when it happens.
    pub(super) fn pop(&mut self) -> Option<(Time, Item)> {
        let Reverse((at, _, place)) = self.heap.pop()?;
        self.free.push(place);
        let item = self.items[place as usize].0.take();
        Some((at, item.expect("what is queued has not happened")))
    }
}

/// Room for an item. A world has dozens of these, and needs another one with every event: each is one line of the cache.
#[repr(align(64))]
struct Slot(Option<Item>);
const _: () = assert!(size_of::<Slot>() == 64);

/// What is still to happen.
pub(super) enum Item {
    Boot { node: usize },
    Arrive { parcel: Parcel },
    Ring { node: u32, incarnation: u32, timer: Bytes, setting: ObservationId, key: Key },
    GoOn { node: usize, incarnation: u32 },
    Invoke { client: usize, operation: usize },
    TryTimesOut { client: usize, operation: usize, tries: u32 },
    Act(Action, Option<usize>),
    Calm,
}

/// What a time or a trigger sets off.
#[derive(Debug, Clone, Copy)]
pub(super) enum Action {
    Begin {
        fault: usize,
    },
    End {
        fault: usize,
    },
    Invoke {
        client: usize,
        operation: usize,
    },
    /// A node starts for the first time.
    Start {
        node: usize,
    },
}

/// Takes what has waited longest. A queue that runs empty begins anew where it began: to walk on through all of its room
/// would bring all of that into the cache, of hundreds of worlds that take turns.
pub(super) fn take_first<T>(queue: &mut VecDeque<T>) -> Option<T> {
    let first = queue.pop_front();
    if queue.is_empty() {
        queue.clear();
    }
    first
}
