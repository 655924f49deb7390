//! One part of a history, laid out for the search for a linearization.
//!
//! The search of Wing & Gong (1993) repeats: of the operations not placed yet, place one that was invoked before all of them returned. So what
//! has been placed is described by the first return that is still owed (the *front*), and which of the operations *open* there have been placed:
//! all that returned earlier have, none invoked later can have been. Open operations are numbered by recycled *slots*
//! (Lowe 2017, §3 calls the like a just-in-time linearizability graph), so a set of them fits a machine word whatever the length of
//! the history; those that never return keep their own set, as they only ever accumulate.

use std::ops::Range;

use rustc_hash::FxHashMap;

use crate::history::{History, NEVER, OpId};
use crate::model::{Model, Needs, Seen, Shows};
use crate::numbers::Numbers;
use crate::states::States;

/// No twin.
pub(crate) const NONE: u32 = u32::MAX;

/// An operation open at a front.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Open {
    pub(crate) class: u32,
    pub(crate) slot: u32,
    /// The slot of an open operation with the same call and answer that must return sooner: that one goes first, nothing is lost.
    pub(crate) twin: u32,
    /// Never changes the state.
    pub(crate) read: bool,
}

/// An operation that never returned.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lost {
    pub(crate) class: u32,
    /// An earlier one with the same call: it goes first, nothing is lost.
    pub(crate) twin: u32,
}

/// See the module.
pub(crate) struct Problem {
    /// Operations that returned, in the order of their returns: `returns[front]`.
    pub(crate) returns: Vec<OpId>,
    /// All open operations of all fronts; those of front `f` are `opens[open_at[f]..open_at[f + 1]]`, next to return first.
    opens: Vec<Open>,
    open_at: Vec<u32>,
    /// Operations that never returned and are no reads, in the order of invocation; the first `lost_at[f]` are invoked before front `f`.
    pub(crate) lost: Vec<Lost>,
    lost_at: Vec<u32>,
    /// Slots in use at once.
    pub(crate) slots: u32,
    /// What the operations show of values, where the model tells.
    pub(crate) values: Option<Values>,
}

impl Problem {
    /// Of the operations `ids` of `history`, sorted; and the states of the model.
    pub(crate) fn new<'a, M: Model>(history: &'a History<M>, ids: &[OpId]) -> (Self, States<'a>) {
        let mut class_of: FxHashMap<Seen<'a, M>, u32> = FxHashMap::default();
        let mut classes = Vec::new();
        let mut lost = Vec::new();
        let mut returned = Vec::new();
        for &id in ids {
            let op = &history[id];
            let seen = Seen { call: &op.call, answer: op.answer.as_ref() };
            let read = history.model().is_read(seen.call, seen.answer);
            if op.ret_rank == NEVER && read {
                continue; // nobody will ever know
            }
            let class = *class_of.entry(seen).or_insert_with(|| {
                classes.push(seen);
                classes.len() as u32 - 1
            });
            if op.ret_rank == NEVER {
                lost.push((op.call_rank, class));
            } else {
                returned.push(Returned { ret: op.ret_rank, call: op.call_rank, id, class, read });
            }
        }
        let model = history.model().tailored(&classes);
        let shows: Option<Vec<Shows>> = classes.iter().map(|&seen| model.shows(seen)).collect();
        let shows = shows.or_else(|| effects(&model, &classes));
        (Self::of(returned, &lost, shows), States::new(model, classes))
    }

    /// `lost`: invocation and class.
    fn of(mut returned: Vec<Returned>, lost: &[(u32, u32)], shows: Option<Vec<Shows>>) -> Self {
        returned.sort_unstable_by_key(|r| r.ret);
        let (opens, open_at, slots) = lay_out(&returned);
        let mut last_of_class: FxHashMap<u32, u32> = FxHashMap::default();
        let twin = |(i, &(_, class))| Lost { class, twin: last_of_class.insert(class, i).unwrap_or(NONE) };
        Self {
            values: shows.map(|shows| Values::new(shows, &returned, lost)),
            returns: returned.iter().map(|r| r.id).collect(),
            opens,
            open_at,
            lost_at: returned.iter().map(|r| lost.partition_point(|l| l.0 < r.ret) as u32).collect(),
            lost: (0u32..).zip(lost).map(twin).collect(),
            slots,
        }
    }

    #[inline]
    pub(crate) fn open(&self, front: u32) -> &[Open] {
        &self.opens[self.open_at[front as usize] as usize..self.open_at[front as usize + 1] as usize]
    }

    /// How many of the operations that never return have been invoked at this front.
    #[inline]
    pub(crate) fn lost_count(&self, front: u32) -> u32 {
        self.lost_at[front as usize]
    }

    pub(crate) fn bytes(&self) -> usize {
        size_of_val(&*self.opens)
            + (self.open_at.len() + self.lost_at.len() + self.returns.len()) * 4
            + size_of_val(&*self.lost)
            + self.values.as_ref().map_or(0, Values::bytes)
    }
}

/// An operation that returned.
struct Returned {
    ret: u32,
    call: u32,
    id: OpId,
    class: u32,
    read: bool,
}

/// Open operations per front, with recycled slots. `returned` by return.
fn lay_out(returned: &[Returned]) -> (Vec<Open>, Vec<u32>, u32) {
    let mut by_call: Vec<usize> = (0..returned.len()).collect();
    by_call.sort_unstable_by_key(|&i| returned[i].call);
    let mut calls = by_call.into_iter().peekable();
    let mut free: Vec<u32> = Vec::new();
    let mut slots = 0u32;
    let mut slot_of = vec![NONE; returned.len()];
    // indexes of open operations, sorted: the next to return first
    let mut open: Vec<usize> = Vec::new();
    let mut opens = Vec::new();
    let mut open_at = vec![0u32];
    let mut first_of_class: FxHashMap<u32, u32> = FxHashMap::default();
    for (i, &Returned { ret, .. }) in returned.iter().enumerate() {
        while let Some(j) = calls.next_if(|&j| returned[j].call < ret) {
            let slot = free.pop().unwrap_or_else(|| {
                slots += 1;
                slots - 1
            });
            slot_of[j] = slot;
            let place = open.partition_point(|&k| k < j);
            open.insert(place, j);
        }
        first_of_class.clear();
        for &j in &open {
            let Returned { class, read, .. } = returned[j];
            let twin = first_of_class.insert(class, slot_of[j]).unwrap_or(NONE);
            opens.push(Open { class, slot: slot_of[j], twin, read });
        }
        open_at.push(u32::try_from(opens.len()).expect("fewer than 2^32 open operations in all"));
        debug_assert_eq!(open.first(), Some(&i), "the operation that returns first is at the front");
        open.remove(0);
        free.push(slot_of[i]);
    }
    (opens, open_at, slots)
}

/// What the classes show and start (values, or the numbers of [`Model::shows`]), and until when anybody does.
pub(crate) struct Values {
    /// By class: what it must find, or [`NONE`].
    pub(crate) needs: Vec<u32>,
    /// By class: what may be found only after it.
    pub(crate) starts: Vec<Range<u32>>,
    /// By value: the last invocation of an operation that returned and needs it, plus one.
    pub(crate) last_need: Vec<u32>,
    /// By value: the last invocation of an operation that starts it, plus one.
    pub(crate) last_start: Vec<u32>,
    /// By front: the position of the return.
    pub(crate) return_rank: Vec<u32>,
}

impl Values {
    /// The value that is there at first, for models with an effect.
    pub(crate) const INITIAL: u32 = 0;

    fn new(shows: Vec<Shows>, returned: &[Returned], lost: &[(u32, u32)]) -> Self {
        let count =
            shows.iter().map(|s| s.starts.end.max(s.needs.map_or(0, |n| n + 1))).max().unwrap_or(0) as usize;
        let mut values = Self {
            needs: shows.iter().map(|s| s.needs.unwrap_or(NONE)).collect(),
            starts: shows.into_iter().map(|s| s.starts).collect(),
            last_need: vec![0; count],
            last_start: vec![0; count],
            return_rank: returned.iter().map(|r| r.ret).collect(),
        };
        let raise = |last: &mut u32, call: u32| *last = (*last).max(call + 1);
        for op in returned {
            if let Some(last) = values.last_need.get_mut(values.needs[op.class as usize] as usize) {
                raise(last, op.call);
            }
        }
        let calls = returned.iter().map(|op| (op.call, op.class)).chain(lost.iter().copied());
        for (call, class) in calls {
            for value in values.starts[class as usize].clone() {
                raise(&mut values.last_start[value as usize], call);
            }
        }
        values
    }

    fn bytes(&self) -> usize {
        self.needs.len() * 12 + self.last_need.len() * 8 + self.return_rank.len() * 4
    }
}

/// Values by number, for models that hold one at a time.
fn effects<M: Model>(model: &M, classes: &[Seen<'_, M>]) -> Option<Vec<Shows>> {
    let mut numbers = Numbers::new();
    let mut shows = Vec::with_capacity(classes.len());
    for seen in classes {
        let effect =
            model.effect(seen.call, seen.answer)?.map(|value| Values::INITIAL + 1 + numbers.of(value));
        let needs = match effect.needs {
            Needs::Initial => Some(Values::INITIAL),
            Needs::Value(value) => Some(value),
            Needs::Nothing | Needs::Anything => None,
        };
        shows.push(Shows { needs, starts: effect.makes.map_or(0..0, |value| value..value + 1) });
    }
    Some(shows)
}
