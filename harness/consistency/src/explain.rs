//! From a minimal sub-history to a sentence.

use crate::history::History;
use crate::level::Level;
use crate::model::{Access, Answer, Effect, Model, Needs, Operation};
use crate::operations::OpId;
use crate::verdict::{Verdict, Violation};
use crate::words::from;

/// A violation with its sentence, in which processes have the names that the history gives them.
pub(crate) fn told<M: Model>(
    history: &History<M>,
    level: Level,
    guilty: OpId,
    core: Vec<OpId>,
    sentence: String,
) -> Verdict {
    let sentence = history.with_names(sentence);
    Verdict::Violation(Box::new(Violation { level, guilty, core, sentence }))
}

/// `p1 read 5 from x`, `p1 read nothing`.
pub(crate) fn read_in_words<M: Model>(history: &History<M>, id: OpId) -> String {
    let op = &history[id];
    let from = history.model().key(&op.call).map_or_else(String::new, |key| from(&key));
    match history.model().access(&op.call, op.answer.as_ref()) {
        Some(Access::Read(Answer::Value(value))) => format!("{} read {value:?}{from}", op.process),
        Some(Access::Read(_)) => format!("{} read nothing{from}", op.process),
        _ => history.describe(id),
    }
}

/// A violation of real-time order, told.
pub(crate) fn violation<M: Model>(
    history: &History<M>,
    level: Level,
    guilty: OpId,
    core: Vec<OpId>,
) -> Verdict {
    let sentence = stale_read(history, &core, guilty)
        .or_else(|| history.model().blame(&of(history, &core), position(&core, guilty)))
        .unwrap_or_else(|| no_order(history, &core, guilty));
    told(history, level, guilty, core, sentence)
}

fn of<'a, M: Model>(history: &'a History<M>, core: &[OpId]) -> Vec<&'a Operation<M>> {
    core.iter().map(|&id| &history[id]).collect()
}

fn position(core: &[OpId], guilty: OpId) -> usize {
    core.iter().position(|&id| id == guilty).unwrap_or(core.len().saturating_sub(1))
}

fn effect<'h, M: Model>(history: &'h History<M>, op: &'h Operation<M>) -> Option<Effect<&'h M::Value>> {
    history.model().effect(&op.call, op.answer.as_ref())
}

/// A read (or a swap) of a value that was gone, for models that hold one value at a time.
fn stale_read<M: Model>(history: &History<M>, core: &[OpId], guilty: OpId) -> Option<String> {
    let model = history.model();
    let read = &history[guilty];
    let Effect { makes, needs, .. } = effect(history, read)?;
    let saw = if makes.is_none() { "read" } else { "found" };
    let key = model.key(&read.call);
    let from = key.as_ref().map_or_else(String::new, from);
    let who = read.process;
    let value = match needs {
        Needs::Value(value) => Some(value),
        Needs::Initial => None,
        _ => return None,
    };
    let what = value.map_or_else(|| "nothing".to_owned(), |value| format!("{value:?}"));
    let makers: Vec<&Operation<M>> = match value {
        None => Vec::new(),
        Some(value) => history
            .operations()
            .iter()
            .filter(|op| {
                !std::ptr::eq(*op, read)
                    && model.key(&op.call) == key
                    && effect(history, op).is_some_and(|e| e.makes == Some(value))
            })
            .collect(),
    };
    if value.is_some() && makers.is_empty() {
        let denied = history.operations().iter().find(|op| {
            model.key(&op.call) == key && model.effect(&op.call, None).is_some_and(|e| e.makes == value)
        });
        return Some(match denied {
            Some(op) => {
                let claim = model.describe(&op.call, op.answer.as_ref());
                format!(
                    "{who} {saw} {what}{from}, and nothing wrote {what} ({} was told: {claim})",
                    op.process
                )
            }
            None => format!("{who} {saw} {what}{from}, and nothing ever wrote {what}"),
        });
    }
    if value.is_some() && makers.iter().all(|op| read.precedes(op)) {
        return Some(format!("{who} {saw} {what}{from} before anybody had asked to write {what}"));
    }
    let gone = |newer: &&Operation<M>| {
        newer.precedes(read)
            && match effect(history, newer) {
                Some(Effect { makes: Some(made), .. }) => Some(made) != value,
                Some(Effect { makes: None, needs: Needs::Value(seen), .. }) => Some(seen) != value,
                _ => false,
            }
            && (makers.len() == 1 || makers.iter().all(|op| op.precedes(newer) || read.precedes(op)))
    };
    let newer = core
        .iter()
        .map(|&id| &history[id])
        .filter(gone)
        .max_by_key(|op| (effect(history, op).is_some_and(|e| e.makes.is_some()), op.ret_rank))?;
    let event = match effect(history, newer)? {
        Effect { makes: Some(_), .. } => {
            format!("{} had finished", model.describe(&newer.call, newer.answer.as_ref()))
        }
        Effect { needs: Needs::Value(seen), .. } => format!("{} had read {seen:?}", newer.process),
        _ => return None,
    };
    Some(match value {
        Some(_) => format!("{who} {saw} {what}{from} after {event}, and nothing wrote {what} again"),
        None => format!("{who} {saw} nothing{from} after {event}"),
    })
}

/// Where there is nothing better to say.
fn no_order<M: Model>(history: &History<M>, core: &[OpId], guilty: OpId) -> String {
    const SHOWN: usize = 6;
    let others: Vec<String> =
        core.iter().filter(|&&id| id != guilty).take(SHOWN).map(|&id| history.describe(id)).collect();
    let more = core.len().saturating_sub(others.len() + 1);
    let guilty = history.describe(guilty);
    match (others.len(), more) {
        (0, _) => format!("nothing explains {guilty}"),
        (_, 0) => format!("no order explains {guilty}, next to {}", others.join("; ")),
        _ => format!("no order explains {guilty}, next to {} and {more} more", others.join("; ")),
    }
}
