//! Pure functions: questions, what is right to answer, and how a wrong answer is told.
//!
//! A [`Quiz`] knows what is right from the question alone, so a shrinker may put a simpler question in its place. A run of a check
//! asks one function many questions, one after the other, and ends at the first wrong answer.

use crate::ms;
use crate::rust::Expr;
use judge::{Call, Case, Oracle, Reached, Story, Violation};
use lab::{NodeId, Wire};
use std::fmt::Debug;
use std::time::Duration;
use world::{Client, NodeSpec, Observation, Operation, OperationId, Scenario, Seen, When, World};

/// A pure function of a student's, and what is right to answer.
pub trait Quiz: 'static {
    /// The name of its role.
    const ROLE: &'static str;
    /// What a test that calls it has to `use`; `chapter` is the student's crate.
    const USES: &'static [&'static str];
    /// What it is asked.
    type Question: Wire + Clone;
    /// What it answers.
    type Answer: Wire + Clone + PartialEq + Debug;

    /// Every possible answer, where there are few: [`EVERY_ANSWER`] is about them.
    fn answers() -> Vec<Self::Answer> {
        Vec::new()
    }
    /// The right answers.
    fn key(question: &Self::Question) -> Key<Self::Answer>;
    /// The rule that a wrong answer breaks: an id that is not its wording. A shrinker keeps to it.
    fn rule(question: &Self::Question) -> &'static str;
    /// Why this answer is wrong: what the function answered, and what shows that it should not have. It is only asked of
    /// answers that the key does not allow.
    fn wrong(question: &Self::Question, answer: &Self::Answer) -> String;
    /// The question as an expression, such as `order(&[…], EventId(1), EventId(2))`.
    fn call(question: &Self::Question) -> Expr;
    /// The run that the question is about, where it is about one.
    fn drawing(_question: &Self::Question) -> Option<Story> {
        None
    }
    /// Questions that are simpler in one respect, those first that are much simpler. A question must be one that a check could ask.
    fn simpler(_question: &Self::Question) -> Vec<Self::Question> {
        Vec::new()
    }
    /// Marks what the question, once answered rightly, has shown.
    fn shows(_question: &Self::Question, _reached: &mut Reached) {}
}

/// What is right to answer.
#[derive(Debug, Clone)]
pub enum Key<A> {
    /// This.
    Is(A),
    /// Each of these.
    AnyOf(Vec<A>),
    /// Every answer of which this holds; the condition as Rust, about `answer`, for a test.
    If(fn(&A) -> bool, &'static str),
}
impl<A: PartialEq> Key<A> {
    /// Whether this answer is right.
    pub fn allows(&self, answer: &A) -> bool {
        match self {
            Key::Is(right) => right == answer,
            Key::AnyOf(right) => right.contains(answer),
            Key::If(holds, _) => holds(answer),
        }
    }
}

/// A *sometimes* condition of every check whose function has few possible answers: in some run each of them is right for
/// some question, and wrong for another, so that no constant passes.
pub const EVERY_ANSWER: (&str, &str) =
    (ANSWERED, "Untested: the questions of the runs did not need every possible answer.");
const ANSWERED: &str = "questions with every possible answer";

/// A run in which the function is asked these questions, in order.
pub fn ask<Q: Quiz>(questions: &[Q::Question]) -> Case {
    let operations = (1..).zip(questions).map(|(id, question)| Operation {
        id: OperationId(id),
        at: (id == 1).then_some(When::At(ms(1))),
        to: vec![NodeId(1)],
        request: lab::frame::encode(question),
    });
    let mut scenario = Scenario::new(vec![NodeSpec::function(NodeId(1), Q::ROLE)], Duration::from_secs(10));
    scenario.clients.push(Client::new(1, operations.collect()));
    Case::new(scenario, Sitting::<Q> { asked: Vec::new(), answered: 0 })
}

/// Listens as a function is asked and answers.
struct Sitting<Q: Quiz> {
    asked: Vec<Q::Question>,
    answered: usize,
}
impl<Q: Quiz> Oracle for Sitting<Q> {
    fn see(&mut self, _: &World, seen: &Observation) -> Result<(), Violation> {
        match &seen.seen {
            Seen::Requested { bytes, .. } => {
                self.asked.push(lab::frame::decode(bytes).expect("a question of this quiz"));
            }
            Seen::Replied { bytes, .. } => {
                let question = self.asked.last().expect("an answer follows a question");
                let Some(answer) = lab::frame::decode::<Q::Answer>(bytes) else {
                    return Err(Violation::at(
                        seen,
                        "readable-answer",
                        "Your function's answer cannot be read.",
                    ));
                };
                if !Q::key(question).allows(&answer) {
                    return Err(Violation::at(seen, Q::rule(question), Q::wrong(question, &answer)));
                }
                self.answered += 1;
            }
            _ => {}
        }
        Ok(())
    }
    fn end(&mut self, world: &World, reached: &mut Reached) -> Result<(), Violation> {
        let questions: usize = world.scenario().clients.iter().map(|client| client.operations.len()).sum();
        if self.answered < questions {
            let answered = self.answered;
            let said = format!("Your function answered {answered} of {questions} questions.");
            return Err(Violation::never("answers", said));
        }
        self.asked.iter().for_each(|question| Q::shows(question, reached));
        let keys: Vec<Key<Q::Answer>> = self.asked.iter().map(Q::key).collect();
        let every = Q::answers().iter().all(|answer| {
            let right = keys.iter().filter(|key| key.allows(answer)).count();
            right > 0 && right < keys.len()
        });
        reached.mark_if(ANSWERED, every);
        Ok(())
    }
    fn call(&self) -> Option<Call> {
        let question = self.asked.last()?;
        Some(Call {
            uses: Q::USES.iter().map(ToString::to_string).collect(),
            assertion: assertion::<Q>(question),
            drawing: Q::drawing(question),
        })
    }
    fn simpler(&self, scenario: &Scenario) -> Vec<Scenario> {
        let [client] = scenario.clients.as_slice() else { return Vec::new() };
        let [operation] = client.operations.as_slice() else { return Vec::new() };
        let question = lab::frame::decode(&operation.request).expect("a question of this quiz");
        let instead = |question: Q::Question| {
            let mut simpler = scenario.clone();
            simpler.clients[0].operations[0].request = lab::frame::encode(&question);
            simpler
        };
        Q::simpler(&question).into_iter().map(instead).collect()
    }
}

/// The statements of a test about one question.
fn assertion<Q: Quiz>(question: &Q::Question) -> String {
    const INDENT: usize = 4;
    let call = Q::call(question);
    let condition = match Q::key(question) {
        Key::Is(right) => {
            return Expr::call("assert_eq!", vec![call, Expr::of(&right)]).laid_out(INDENT) + ";";
        }
        Key::AnyOf(right) => {
            let right = Expr::of(&right).borrowed().to_string();
            format!("{}.contains(&answer)", right.trim_start_matches('&'))
        }
        Key::If(_, condition) => condition.to_owned(),
    };
    format!("let answer = {};\n    assert!({condition}, \"{{answer:?}}\");", call.laid_out(INDENT))
}

#[cfg(test)]
mod tests {
    use super::*;
    use lab::{Exercise, Role};
    use serde::{Deserialize, Serialize};
    use std::sync::Arc;
    use world::{Local, Seed};

    #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
    enum Sign {
        Negative,
        Zero,
        Positive,
    }
    /// The sign of a number.
    struct Signs;
    impl Quiz for Signs {
        const ROLE: &'static str = "signs";
        const USES: &'static [&'static str] = &["chapter::sign"];
        type Question = i32;
        type Answer = Sign;

        fn answers() -> Vec<Sign> {
            vec![Sign::Negative, Sign::Zero, Sign::Positive]
        }
        fn key(question: &i32) -> Key<Sign> {
            match question {
                ..0 => Key::Is(Sign::Negative),
                0 => Key::AnyOf(vec![Sign::Zero]),
                1.. => Key::If(|answer| *answer == Sign::Positive, "answer == Sign::Positive"),
            }
        }
        fn rule(_: &i32) -> &'static str {
            "sign"
        }
        fn wrong(question: &i32, answer: &Sign) -> String {
            format!("{question} is not {answer:?}.")
        }
        fn call(question: &i32) -> Expr {
            Expr::call("sign", vec![Expr::of(question)])
        }
        fn simpler(question: &i32) -> Vec<i32> {
            if *question == 0 { Vec::new() } else { vec![question / 2] }
        }
    }

    fn sound(number: i32) -> Sign {
        match number {
            ..0 => Sign::Negative,
            0 => Sign::Zero,
            1.. => Sign::Positive,
        }
    }
    /// Asks this function; what it broke, whether the questions had every answer, and the last call.
    fn asked(sign: fn(i32) -> Sign, questions: &[i32]) -> (Option<String>, bool, Option<String>) {
        let local = Local::new([Exercise { name: "signs", roles: vec![Role::function(Signs::ROLE, sign)] }]);
        let Case { scenario, mut oracle } = ask::<Signs>(questions);
        let mut wrong = None;
        let world = World::new(Arc::new(scenario), Seed([1, 2]));
        let world = local.drive_until(world, |world, seen| {
            wrong = oracle.see(world, seen).err();
            wrong.is_none()
        });
        let (mut reached, mut every) = (Reached::default(), Reached::default());
        every.mark(EVERY_ANSWER.0);
        let wrong = wrong.or_else(|| oracle.end(&world, &mut reached).err());
        (wrong.map(|wrong| wrong.sentence), reached == every, oracle.call().map(|call| call.assertion))
    }

    #[test]
    fn a_sound_function_passes_and_every_constant_fails() {
        assert_eq!(asked(sound, &[1, -1, 0]).0, None);
        assert_eq!(asked(|_| Sign::Zero, &[1, -1, 0]).0, Some("1 is not Zero.".to_owned()));
        assert_eq!(asked(|_| Sign::Positive, &[1, -1, 0]).0, Some("-1 is not Positive.".to_owned()));
        assert_eq!(asked(|_| Sign::Negative, &[-1, 0, 1]).0, Some("0 is not Negative.".to_owned()));
    }

    #[test]
    fn questions_that_lack_an_answer_show_nothing() {
        assert!(asked(sound, &[-5, 0, 7]).1);
        assert!(!asked(sound, &[0, 7]).1);
    }

    #[test]
    fn each_kind_of_key_can_be_a_test() {
        let test = |question| asked(sound, &[question]).2.expect("a call");
        assert_eq!(test(-2), "assert_eq!(sign(-2), Sign::Negative);");
        assert_eq!(
            test(0),
            "let answer = sign(0);\n    assert!([Sign::Zero].contains(&answer), \"{answer:?}\");"
        );
        assert_eq!(test(3), "let answer = sign(3);\n    assert!(answer == Sign::Positive, \"{answer:?}\");");
    }

    #[test]
    fn simpler_questions_take_the_place_of_one_that_is_alone() {
        let Case { scenario, oracle } = ask::<Signs>(&[9]);
        let simpler = oracle.simpler(&scenario);
        let asked: Vec<Vec<u8>> =
            simpler.iter().map(|simpler| simpler.clients[0].operations[0].request.clone()).collect();
        assert_eq!(asked, [lab::frame::encode(&4_i32)]);
        let Case { scenario, oracle } = ask::<Signs>(&[9, 8]);
        assert!(oracle.simpler(&scenario).is_empty());
    }
}
