//! `classify`: the evidence that functions are asked about.

use super::oracle::{Classify, right};
use judge::{Case, Pick};
use kit::ms;
use kit::quiz::{Quiz, ask};
use lab::classify::{Arrival, Class, Duty, Evidence};
use std::collections::BTreeMap;

/// One question with each answer, and no trap in it: `CannotTellYet`, `Correct`, `Crash`, `Omission`, `Timing`, `Byzantine`.
const PLAIN: [&str; 6] = ["+?", "+++.", "++--", "+-+", "+l+", "+x+"];

pub(super) fn silence(pick: &mut Pick, _nth: u32) -> Case {
    let mut patterns = Vec::new();
    for kept in [0, 1, 3] {
        for (broken, open) in
            [(0, 0), (0, 1), (0, 2), (0, 5), (1, 0), (2, 0), (5, 0), (1, 1), (1, 4), (2, 3), (4, 1)]
        {
            let future = pick.small(0..=2) as usize;
            let rounds = [("+", kept), ("-", broken), ("?", open), (".", future)];
            patterns.push(rounds.map(|(round, times)| round.repeat(times)).concat());
        }
    }
    quiz(pick, patterns.iter().map(String::as_str))
}

pub(super) fn gaps(pick: &mut Pick, _nth: u32) -> Case {
    #[rustfmt::skip]
    let patterns = [
        // a gap at the beginning, in the middle, more than one; and silence after that
        "-+", "+-+", "+-++-+", "--+", "+--+---", "-+-", "+-+-", "-+------",
        // what is open does not matter any more
        "-+?", "+-+?", "+-+??", "-+?+", "+-+-?",
        // an open round that a later one has overtaken, and one behind a broken one
        "?+", "+?+", "+?+?", "??+", "-?+", "+-?+", "--?+?", "+-?", "-?", "+--??",
        // an old message that arrives when a later one is already missing
        "s-", "+s-", "s--", "ss-", "s-?", "s-s", "s?", "+s??",
    ];
    quiz(pick, patterns)
}

pub(super) fn clockwork(pick: &mut Pick, _nth: u32) -> Case {
    #[rustfmt::skip]
    let patterns = [
        // too late: once, always, and with whatever else there is
        "l", "+l", "l+", "llll", "+l-", "l-", "l---", "l-+", "-l", "+-l", "--+l", "l?", "+l??", "-l?", "l-?", "l.",
        // too early: once, always, and before `now` has come to it
        "e", "+e", "e+", "eee", "e-", "-e", "+-e", "e?", "?e", "-?e", "+E", "-E", "?E", "E", "+..E", "el", "+e.",
        // on time, if only just
        "s", "sss", "+s+", "fff", "sf", "f-", "s?", "-s",
    ];
    quiz(pick, patterns)
}

pub(super) fn lies(pick: &mut Pick, _nth: u32) -> Case {
    #[rustfmt::skip]
    let patterns = [
        // another content: a drawn one, that of another round, beside the true one, before its time, too late
        "x", "+x", "x+", "+o", "o+", "+w", "+W", "+X", "xl", "ex", "+y",
        // the same message twice: at once, later, too late, too early
        "d", "+d", "d+", "+D", "D-", "+F",
        // a round that no duty has
        "u", "+u", "u..", "v", "+v", "v+", "+v+",
        // and whatever else there is
        "-x", "+-x", "x-", "x---", "+d-", "d-+", "-u", "x?", "d?", "?x", "u?", "-u?", "lu", "ed", "-x+?", "W--", "d??",
    ];
    quiz(pick, patterns)
}

/// Nodes that do anything, watched until a drawn moment: about as many questions with each answer.
pub(super) fn smallest(pick: &mut Pick, _nth: u32) -> Case {
    const OF_EACH: usize = 5;
    const DRAWS_MAX: usize = 600;
    let mut questions: Vec<Evidence> = Vec::new();
    let mut answers: BTreeMap<Class, usize> = BTreeMap::new();
    for _ in 0..DRAWS_MAX {
        let evidence = drawn(pick);
        let many = answers.entry(right(&evidence)).or_default();
        if *many < OF_EACH {
            *many += 1;
            questions.push(evidence);
        }
        if questions.len() == OF_EACH * Classify::answers().len() {
            break;
        }
    }
    ask::<Classify>(&questions)
}

/// These, in another order, and then one plain question with each answer.
fn quiz<'a>(pick: &mut Pick, patterns: impl IntoIterator<Item = &'a str>) -> Case {
    let mut questions: Vec<Evidence> = patterns.into_iter().map(|pattern| made(pick, pattern)).collect();
    pick.shuffle(&mut questions);
    questions.extend(PLAIN.map(|pattern| made(pick, pattern)));
    ask::<Classify>(&questions)
}

/// Evidence in the making. Times are in milliseconds: what is due and Δ are even, what arrives and `now` are odd. So no two of
/// those that are compared are closer than one.
struct Making {
    delta: u64,
    now: u64,
    duties: Vec<(u32, u64, u64)>,
    arrivals: Vec<(u32, u64, u64)>,
}
impl Making {
    /// A message of this round, with its own content or another one.
    fn arrives(&mut self, nth: usize, content: Option<u64>, at: u64) {
        let (round, true_content, _) = self.duties[nth];
        self.arrivals.push((round, content.unwrap_or(true_content), at));
    }
    /// In no order, and without what arrives only after `now`.
    fn evidence(mut self, pick: &mut Pick) -> Evidence {
        self.arrivals.retain(|(_, _, at)| *at <= self.now);
        pick.shuffle(&mut self.duties);
        pick.shuffle(&mut self.arrivals);
        let duty = |&(round, content, due): &(u32, u64, u64)| Duty { round, content, due: ms(due) };
        let arrival = |&(round, content, at): &(u32, u64, u64)| Arrival { round, content, at: ms(at) };
        Evidence {
            duties: self.duties.iter().map(duty).collect(),
            arrivals: self.arrivals.iter().map(arrival).collect(),
            delta: ms(self.delta),
            now: ms(self.now),
        }
    }
}
/// An odd number of the range, whose ends are odd.
fn odd(pick: &mut Pick, from: u64, to: u64) -> u64 {
    from + 2 * pick.number(0..=(to - from) / 2)
}

/// Evidence by a pattern, one letter a round: `+` kept, `s` kept and as slow as may be, `f` as fast as may be, `-` broken, `?`
/// open, `.` not due yet; `e` early, `E` not due yet and early, `l` late; `x` another content, `o` that of another round, `w` a
/// false content after the true one, `W` before it, `X` another content before it is due, `y` after Δ; `d` twice, `D` again after Δ,
/// `F` before it is due and again; `u` not due yet, and a message of a round that no duty has; `v` no duty, and a message.
fn made(pick: &mut Pick, pattern: &str) -> Evidence {
    let letters: Vec<char> = pattern.chars().collect();
    let mut making = skeleton(pick, &letters);
    for nth in (0..letters.len()).filter(|nth| letters[*nth] == 'o') {
        making.duties[nth].1 = 2_000;
        making.duties[other_than(nth)].1 = 1_000;
    }
    let (first, last) = (making.duties.first().map(|duty| duty.0), making.duties.last().map(|duty| duty.0));
    let (delta, now) = (making.delta, making.now);
    let mut gone: Vec<u32> = Vec::new();
    for (nth, letter) in letters.iter().enumerate() {
        let (round, content, due) = making.duties[nth];
        let latest = (due + delta - 1).min(now).max(due + 1);
        let on_time = odd(pick, due + 1, latest);
        let early = due - odd(pick, 1, 51);
        let by_now = now - 2 * pick.number(0..=9);
        let false_content = Some(content + pick.number(1..=9));
        match letter {
            '+' => making.arrives(nth, None, on_time),
            's' => making.arrives(nth, None, latest),
            'f' => making.arrives(nth, None, due + 1),
            'e' => making.arrives(nth, None, early),
            'E' => making.arrives(nth, None, by_now),
            'l' => {
                let late = odd(pick, due + delta + 1, now.min(due + 2 * delta + 1));
                making.arrives(nth, None, late);
            }
            'x' => making.arrives(nth, false_content, on_time),
            'X' => making.arrives(nth, false_content, by_now),
            'y' => making.arrives(nth, false_content, due + delta + 1),
            'o' => making.arrives(nth, Some(1_000), on_time),
            'v' => {
                making.arrives(nth, None, on_time);
                gone.push(round);
            }
            'w' => {
                making.arrives(nth, None, due + 1);
                making.arrives(nth, false_content, latest);
            }
            'W' => {
                making.arrives(nth, false_content, due + 1);
                making.arrives(nth, None, latest);
            }
            'd' => {
                let again = odd(pick, on_time, latest);
                making.arrives(nth, None, on_time);
                making.arrives(nth, None, again);
            }
            'D' => {
                making.arrives(nth, None, due + 1);
                making.arrives(nth, None, due + delta + 1);
            }
            'F' => {
                making.arrives(nth, None, early);
                making.arrives(nth, None, due + 1);
            }
            'u' => {
                let (first, last) = (first.unwrap_or(1), last.unwrap_or(1));
                let unknown = if pick.percent(30) { first - 1 } else { last + pick.small(1..=3) };
                making.arrivals.push((unknown, content, by_now));
            }
            '-' | '?' | '.' => {}
            _ => unreachable!("no letter {letter} in patterns"),
        }
    }
    making.duties.retain(|(round, ..)| !gone.contains(round));
    making.evidence(pick)
}
/// The round whose content an `o` has.
fn other_than(nth: usize) -> usize {
    if nth == 0 { 1 } else { nth - 1 }
}
/// What is due when, and `now`, so that each letter can be what it means. Nothing arrives yet.
fn skeleton(pick: &mut Pick, letters: &[char]) -> Making {
    let place = |of: &str| letters.iter().position(|letter| of.contains(*letter));
    // first the rounds up to the last for which Δ has to be over, then those that are due, then those that are not
    let future = place(".EXu").unwrap_or(letters.len());
    let needs_delta = letters.iter().rposition(|letter| "-lyD".contains(*letter)).map_or(0, |last| last + 1);
    let open = place("?");
    assert!(needs_delta <= open.unwrap_or(future), "Δ is over for a later round only");
    // where nothing is open, it may be over for all of them
    let old = if open.is_none() && pick.percent(70) { future } else { needs_delta };
    let gap = 2 * pick.number(1..=6);
    let delta = gap * pick.number(3..=5).max((future - old) as u64) + 2 * pick.number(1..=3);
    let begin = 200 + 2 * pick.number(0..=200);
    let (mut due, mut round) = (begin, pick.small(0..=5));
    let mut now = begin - 1 - 2 * pick.number(0..=20);
    let common = pick.number(1..=99);
    let mut duties = Vec::new();
    for nth in 0..letters.len() {
        if nth == old && 0 < nth && nth < future {
            due += delta;
        }
        if nth == future {
            due = due.max(now + 1 + 2 * pick.number(0..=20));
        }
        round += if pick.percent(80) { 1 } else { pick.small(2..=4) };
        let content = if pick.percent(50) { common } else { pick.number(100..=999) };
        duties.push((round, content, due));
        if nth + 1 == future {
            // Δ is over for all of them, or for those alone that need it
            let begun = (future.max(old + 1) - old - 1) as u64 * gap;
            now = if old == future {
                due + delta + odd(pick, 1, 41)
            } else {
                due + odd(pick, 1, delta - begun - 1)
            };
        }
        due += gap;
    }
    Making { delta, now, duties, arrivals: Vec::new() }
}

/// What a node does at a round of a drawn run: percentages.
struct Habit {
    silent: u64,
    late: u64,
    early: u64,
    lies: u64,
    /// From then on it sends nothing.
    stops: Option<usize>,
}
/// A node that is drawn, watched until a moment that is drawn.
fn drawn(pick: &mut Pick) -> Evidence {
    let rounds = if pick.percent(10) { pick.small(30..=60) } else { pick.small(1..=12) } as usize;
    let gap = 2 * pick.number(1..=10);
    let delta = gap * pick.number(1..=7);
    let sometimes =
        |pick: &mut Pick, percent: u64| if pick.percent(percent) { pick.number(2..=30) } else { 0 };
    let habit = Habit {
        silent: sometimes(pick, 40),
        late: sometimes(pick, 15),
        early: sometimes(pick, 15),
        lies: sometimes(pick, 15),
        stops: pick.percent(50).then(|| pick.number(0..=rounds as u64) as usize),
    };
    let begin = 100 + 2 * pick.number(0..=400);
    let (mut due, mut round) = (begin, pick.small(0..=40));
    let common = pick.number(1..=99);
    let mut duties = Vec::new();
    for _ in 0..rounds {
        round += if pick.percent(80) { 1 } else { pick.small(2..=9) };
        let content = if pick.percent(30) { common } else { pick.number(1..=99) };
        duties.push((round, content, due));
        due += gap + 2 * pick.number(0..=gap / 2);
    }
    let now = begin - 2 + odd(pick, 1, due - begin + 2 * delta + 1);
    let mut making = Making { delta, now, duties, arrivals: Vec::new() };
    for nth in 0..rounds {
        let due = making.duties[nth].2;
        if pick.percent(habit.silent) || habit.stops.is_some_and(|stops| nth >= stops) {
            continue;
        }
        let at = if pick.percent(habit.late) {
            odd(pick, due + delta + 1, due + 3 * delta + 1)
        } else if pick.percent(habit.early) {
            due - odd(pick, 1, 41)
        } else {
            odd(pick, due + 1, due + delta - 1)
        };
        let lies = pick.percent(habit.lies);
        match pick.number(0..=3) {
            0 if lies => making.arrives(nth, None, at + 2 * pick.number(0..=delta)),
            1 if lies => making.arrivals.push((round + pick.small(1..=3), common, at)),
            2 if lies => {
                let content = making.duties[nth].1 + 1;
                making.arrives(nth, Some(content), at + 2);
            }
            3 if lies => {
                let content = making.duties[nth].1 + 1;
                making.arrives(nth, Some(content), at);
                continue;
            }
            _ => {}
        }
        making.arrives(nth, None, at);
    }
    making.evidence(pick)
}

#[cfg(test)]
mod tests {
    use super::super::checks::exercise;
    use super::super::oracle::OPEN_MAX;
    use super::*;
    use ch02_failure_and_time::classify::classify;
    use judge::{Check, SeedKey};
    use std::time::Duration;

    /// All questions of so many runs of each check.
    fn questions(runs: u32) -> Vec<Evidence> {
        let mut all = Vec::new();
        for check in exercise().checks {
            for nth in 0..runs {
                let seed = SeedKey::default().world(2, "classify", check.id, nth);
                let scenario = judge::case(&check, seed, nth).scenario;
                let asked = scenario.clients[0].operations.iter();
                all.extend(
                    asked.map(|asked| lab::frame::decode::<Evidence>(&asked.request).expect("evidence")),
                );
            }
        }
        all
    }

    #[test]
    fn questions_keep_what_the_contract_says_of_them() {
        let apart = |a: Duration, b: Duration| assert!(a.abs_diff(b) >= ms(1), "{a:?} and {b:?}");
        for evidence in questions(40) {
            let Evidence { duties, arrivals, delta, now } = &evidence;
            let mut in_order = duties.clone();
            in_order.sort_by_key(|duty| duty.round);
            for pair in in_order.windows(2) {
                assert!(pair[0].round < pair[1].round && pair[0].due < pair[1].due, "{evidence:?}");
            }
            for duty in duties {
                apart(*now, duty.due);
                apart(*now, duty.due + *delta);
                for arrival in arrivals.iter().filter(|arrival| arrival.round == duty.round) {
                    apart(arrival.at, duty.due);
                    apart(arrival.at, duty.due + *delta);
                }
            }
            assert!(arrivals.iter().all(|arrival| arrival.at <= *now), "{evidence:?}");
            let open = duties.iter().filter(|duty| {
                let arrived = arrivals.iter().any(|arrival| arrival.round == duty.round);
                duty.due <= *now && *now <= duty.due + *delta && !arrived
            });
            assert!(open.count() <= OPEN_MAX, "{evidence:?}");
        }
    }

    #[test]
    fn the_reference_answers_as_all_fates_of_open_duties_say() {
        for evidence in questions(40) {
            assert_eq!(classify(&evidence), right(&evidence), "{evidence:?}");
        }
    }

    const PATTERNS: [(&str, Class); 23] = [
        ("", Class::Correct),
        ("..", Class::Correct),
        ("+++.", Class::Correct),
        ("sfs", Class::Correct),
        ("?", Class::CannotTellYet),
        ("+?", Class::CannotTellYet),
        ("+-?", Class::CannotTellYet),
        ("+?+", Class::CannotTellYet),
        ("-", Class::Crash),
        ("+-----", Class::Crash),
        ("s-", Class::Crash),
        ("-+", Class::Omission),
        ("+-+-?", Class::Omission),
        ("-?+", Class::Omission),
        ("l?", Class::Timing),
        ("+E", Class::Timing),
        ("-l", Class::Timing),
        ("+o", Class::Byzantine),
        ("o+", Class::Byzantine),
        ("+D", Class::Byzantine),
        ("u", Class::Byzantine),
        ("v", Class::Byzantine),
        ("-x+?", Class::Byzantine),
    ];

    #[test]
    fn patterns_mean_what_they_look_like() {
        let each = Check {
            case: |pick, nth| ask::<Classify>(&[made(pick, PATTERNS[nth as usize].0)]),
            ..Check::PLAIN
        };
        for (nth, (pattern, class)) in (0..).zip(PATTERNS) {
            for key in 0..50 {
                let seed = SeedKey::secret(&key.to_string()).world(2, "classify", "patterns", nth);
                let case = judge::case(&each, seed, nth);
                let evidence = lab::frame::decode(&case.scenario.clients[0].operations[0].request);
                let evidence = evidence.expect("evidence");
                assert_eq!(right(&evidence), class, "{pattern}: {evidence:?}");
            }
        }
    }
}
