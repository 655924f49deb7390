//! From a minimal sub-history to a sentence.

use std::fmt::Debug;

use crate::history::{History, OpId, Operation};
use crate::level::Level;
use crate::model::{Access, Answer, Model};
use crate::verdict::{Verdict, Violation};

/// ` key`, or nothing where there is only one.
pub(crate) fn at(key: &impl Debug) -> String {
    match format!("{key:?}").as_str() {
        "()" => String::new(),
        key => format!(" {}", key.trim_matches('"')),
    }
}

/// A violation of real-time order, told.
pub(crate) fn violation<M: Model>(history: &History<M>, level: Level, guilty: OpId, core: Vec<OpId>) -> Verdict {
    let sentence = stale_read(history, &core, guilty)
        .or_else(|| history.model().blame(&told(history, &core), position(&core, guilty)))
        .unwrap_or_else(|| no_order(history, &core, guilty));
    Verdict::Violation(Box::new(Violation { level, guilty, core, sentence }))
}

fn told<'a, M: Model>(history: &'a History<M>, core: &[OpId]) -> Vec<&'a Operation<M>> {
    core.iter().map(|&id| &history[id]).collect()
}

fn position(core: &[OpId], guilty: OpId) -> usize {
    core.iter().position(|&id| id == guilty).unwrap_or(core.len().saturating_sub(1))
}

/// For plain reads and writes of unique values.
fn stale_read<M: Model>(history: &History<M>, core: &[OpId], guilty: OpId) -> Option<String> {
    let access = |id: OpId| history.model().access(&history[id].call, history[id].answer.as_ref());
    let value_of = |id: OpId| match access(id)? {
        Access::Write(value) | Access::Read(Answer::Value(value)) => Some(value),
        Access::Read(_) => None,
    };
    let is_write = |id: OpId| matches!(access(id), Some(Access::Write(_)));
    if core.iter().any(|&id| access(id).is_none()) {
        return None;
    }
    let read = &history[guilty];
    let from = history.model().key(&read.call).map_or_else(String::new, |key| at(&key));
    let from = if from.is_empty() { from } else { format!(" from{from}") };
    let Access::Read(answer) = access(guilty)? else { return None };
    let who = read.process;
    let what = match answer {
        Answer::Unknown => return None,
        Answer::Initial => "nothing".to_owned(),
        Answer::Value(value) => format!("{value:?}"),
    };
    if let Answer::Value(value) = answer {
        let written = history.iter().find(|&(id, op)| {
            is_write(id)
                && value_of(id) == Some(value)
                && history.model().key(&op.call) == history.model().key(&read.call)
        });
        match written {
            None => return Some(format!("{who} read {what}{from}, and nothing ever wrote {what}")),
            Some((_, write)) if read.precedes(write) => {
                return Some(format!("{who} read {what}{from} before anybody had asked to write {what}"));
            }
            Some(_) => {}
        }
    }
    let mine = value_of(guilty);
    let newer = core
        .iter()
        .copied()
        .filter(|&id| value_of(id) != mine && value_of(id).is_some() && history[id].precedes(read))
        .max_by_key(|&id| (is_write(id), history[id].ret_rank))?;
    let other = value_of(newer)?;
    let event = if is_write(newer) {
        format!("write {other:?} had finished")
    } else {
        format!("{} had read {other:?}", history[newer].process)
    };
    Some(match answer {
        Answer::Value(_) => format!("{who} read {what}{from} after {event}, and nothing wrote {what} again"),
        _ => format!("{who} read nothing{from} after {event}"),
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
