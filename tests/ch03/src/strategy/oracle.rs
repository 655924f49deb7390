//! `strategy`: what is right to choose, and how a wrong choice is told: by a run of it.

use super::trial::{Report, run};
use super::worlds::right;
use kit::quiz::{Key, Quiz};
use kit::rust::Expr;
use lab::strategy::{CHOOSE, Choice, Question};

/// The quiz.
pub(super) struct Strategy;

impl Quiz for Strategy {
    const ROLE: &'static str = CHOOSE;
    const USES: &'static [&'static str] = &["chapter::strategy::choose", "lab::strategy::*"];
    type Question = Question;
    type Answer = Choice;

    fn key(question: &Question) -> Key<Choice> {
        match right(question) {
            right if right.is_empty() => Key::Is(Choice::Impossible),
            right => Key::AnyOf(right),
        }
    }
    fn rule(question: &Question) -> &'static str {
        if right(question).is_empty() { "impossible" } else { "meets" }
    }
    fn wrong(question: &Question, answer: &Choice) -> String {
        let answered = format!("Your function answered {answer:?}.");
        match answer {
            Choice::Impossible => match right(question).first() {
                Some(choice) => format!(
                    "{answered} But {choice:?} does all that is asked: {}",
                    measured(question, &run(question, *choice))
                ),
                None => answered,
            },
            Choice::Leaderless { r, w } if !(1..=3).contains(r) || !(1..=3).contains(w) => {
                format!("{answered} There are three copies, so `r` and `w` are from 1 to 3.")
            }
            choice => {
                let cut = question.cut_off.map_or(String::new(), |cut| {
                    format!(" Region {} was cut off at 5 s, and burnt down at 8 s.", cut.region)
                });
                let misses = run(question, *choice).misses(question);
                let misses: Vec<String> = misses.iter().map(|miss| format!(" {miss}.")).collect();
                format!("{answered}{cut}{}", misses.concat())
            }
        }
    }
    fn call(question: &Question) -> Expr {
        Expr::call("choose", vec![Expr::of(question)])
    }
}

/// What a run of a choice that does it has shown.
fn measured(question: &Question, report: &Report) -> String {
    let of = |times: &std::collections::BTreeMap<u32, std::time::Duration>| {
        times.values().max().map_or(0, std::time::Duration::as_millis)
    };
    let mut said = vec![format!(
        "half of the reads took at most {} ms, and half of the writes took at most {} ms",
        of(&report.reads),
        of(&report.writes)
    )];
    if question.never_stale {
        said.push("no read was stale".to_owned());
    }
    if question.never_lost {
        said.push("no write was lost".to_owned());
    }
    if let Some(cut) = question.cut_off {
        if cut.others_go_on {
            said.push("the other regions went on".to_owned());
        }
        if cut.it_goes_on {
            said.push(format!("region {} went on", cut.region));
        }
    }
    let last = said.pop().unwrap_or_default();
    if said.is_empty() { format!("{last}.") } else { format!("{}. Also, {last}.", said.join(". Also, ")) }
}
