//! What a submission says may be any number. No oracle, puppet or service may panic at it: they would take the whole check with
//! them, and the fault would be the harness's.
//!
//! So the references run in all worlds of a check, but what one of them asks for is changed on its way: a number in it becomes the
//! largest there is, or one near that, or nothing. Every contract type comes by, in every place in which an oracle reads it.

use judge::{Case, Check, Reached, SeedKey, case};
use lab::frame::{self, Command, Raw, RawEffect, Reply};
use lab::{Hosted, Role};
use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use world::World;

/// So many worlds of each check, and so many of them at most that a sweep makes of one run.
const WORLDS: u32 = 48;
/// Events handed to nodes in one of them.
const EVENTS: u64 = 3_000;

/// Numbers as they are encoded: 7 bits a byte, the last byte without the eighth.
const NUMBERS: [&[u8]; 9] = [
    &[0],
    &[1],
    &[0xff, 0x7f],
    &[0xff, 0xff, 0xff, 0xff, 0x0f], // the largest of 32 bits
    &[0xfe, 0xff, 0xff, 0xff, 0x0f], // one less
    &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01], // the largest of 64 bits
    &[0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01], // one less
    &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f], // half of it
    &[0xfc, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01], // near it
];

/// A stream of choices.
struct Choices(u64);
impl Choices {
    fn next(&mut self, below: usize) -> usize {
        self.0 = self.0.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e_f767_814f);
        (self.0 >> 33) as usize % below.max(1)
    }
}

/// A number of these bytes becomes another one.
fn change(bytes: &[u8], choices: &mut Choices) -> Vec<u8> {
    if bytes.is_empty() {
        return vec![0xff];
    }
    // where a number begins is not known; the byte after the end of another is a good guess
    let begins: Vec<usize> = (0..bytes.len()).filter(|at| *at == 0 || bytes[at - 1] < 0x80).collect();
    let begin = begins[choices.next(begins.len())];
    let end =
        bytes[begin..].iter().position(|byte| *byte < 0x80).map_or(bytes.len(), |last| begin + last + 1);
    [&bytes[..begin], NUMBERS[choices.next(NUMBERS.len())], &bytes[end..]].concat()
}

/// What the nth effect that carries anything says is changed; so are others, now and then.
struct Liar {
    choices: Choices,
    left: usize,
    again: usize,
}
impl Liar {
    /// What is said in place of this; `None` where it is left as it is.
    fn lie(&mut self, effect: &mut RawEffect<'_>) -> Option<Vec<u8>> {
        let bytes = carried(effect)?.0;
        if self.left > 0 {
            self.left -= 1;
            return None;
        }
        self.left = self.choices.next(self.again);
        Some(change(bytes, &mut self.choices))
    }
}
/// What an effect says to others.
fn carried<'a, 'b>(effect: &'b mut RawEffect<'a>) -> Option<&'b mut Raw<'a>> {
    match effect {
        RawEffect::Send { message, .. } | RawEffect::Broadcast { message } => Some(message),
        RawEffect::Reply { response, .. } => Some(response),
        RawEffect::Emit { event } => Some(event),
        RawEffect::Call { call, .. } | RawEffect::CallTo { call, .. } => Some(call),
        RawEffect::SetTimer { .. } | RawEffect::CancelTimer { .. } | RawEffect::Disk(_) | RawEffect::Sync => {
            None
        }
    }
}

fn run(roles: &[Role], check: &Check, nth: u32, liar: &mut Liar) {
    let seed = SeedKey::default().of(0, "extremes", check, nth);
    let Case { scenario, mut oracle } = case(check, seed, nth);
    let mut world = World::new(Arc::new(scenario), seed.seed()).with_labels();
    let mut nodes: Vec<Option<Box<dyn Hosted>>> = world.scenario().nodes.iter().map(|_| None).collect();
    let (mut bytes, mut observations) = (Vec::new(), Vec::new());
    let place = |name: &str| {
        let place = roles.iter().position(|role| role.name() == name).expect("a role of the exercise");
        u16::try_from(place).expect("few")
    };
    while world.events() < EVENTS
        && let Some(step) = world.next()
    {
        bytes.clear();
        match step.command(0, place) {
            Command::Start { role, context, start, .. } => {
                nodes[step.node] = roles[usize::from(role)].start(context, start, &mut bytes);
            }
            Command::Step { context, event, .. } => match &mut nodes[step.node] {
                Some(node) => node.step(context, event, &mut bytes),
                None => return,
            },
            Command::Drop { .. } => unreachable!("a step is never a drop"),
        }
        let mut reply: Reply<'_> = frame::take(&mut &bytes[..]).expect("lab encodes what lab decodes");
        let lies: Vec<Option<Vec<u8>>> = reply.effects.iter_mut().map(|effect| liar.lie(effect)).collect();
        let mut reply = Reply { effects: std::mem::take(&mut reply.effects), ..reply };
        for (effect, lie) in reply.effects.iter_mut().zip(&lies) {
            if let (Some(said), Some(lie)) = (carried(effect), lie) {
                *said = Raw(lie);
            }
        }
        world.apply(reply);
        world.swap_observations(&mut observations);
        for observation in &observations {
            if oracle.see(&world, observation).is_err() {
                return; // it has found something: good
            }
        }
    }
    let _ = oracle.end(&world, &mut Reached::default());
    let _ = oracle.call();
}

thread_local! {
    static PLACE: RefCell<String> = const { RefCell::new(String::new()) };
}

#[test]
fn no_number_of_a_submission_makes_the_harness_panic() {
    std::panic::set_hook(Box::new(|info| {
        PLACE.with(|place| *place.borrow_mut() = info.to_string());
    }));
    let mut faults = Vec::new();
    for chapter in course::chapters() {
        for exercise in &chapter.exercises {
            for check in &exercise.checks {
                for nth in 0..WORLDS {
                    // every few worlds of a sweep are one run
                    let nth_of_check = nth * check.worlds.div_ceil(WORLDS).max(1) % check.worlds;
                    let again = if nth % 2 == 0 { usize::MAX } else { 40 };
                    let mut choices =
                        Choices(u64::from(nth) << 32 | u64::from(check.xp) << 8 | check.id.len() as u64);
                    let left = choices.next(if nth % 3 == 0 { 8 } else { 120 });
                    let mut liar = Liar { choices, left, again };
                    let roles = (exercise.entry.reference)().roles;
                    let ran = catch_unwind(AssertUnwindSafe(|| run(&roles, check, nth_of_check, &mut liar)));
                    if ran.is_err() {
                        let place = PLACE.with(|place| place.borrow().clone());
                        faults.push(format!("{}/{} ({nth}): {place}", exercise.id, check.id));
                    }
                }
            }
        }
    }
    let _ = std::panic::take_hook();
    faults.sort();
    assert!(faults.is_empty(), "{} times:\n{}", faults.len(), faults.join("\n"));
}
