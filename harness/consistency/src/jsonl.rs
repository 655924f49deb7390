//! Histories in files: a JSON object a line.
//!
//! Two shapes, alike in `process` (a number or a name), `f` (what was called), `key` (optional) and `value`:
//!
//! ```json
//! {"process": 1, "f": "write", "value": 5, "call": 10, "return": 20}
//! {"process": 2, "f": "read",  "value": null, "call": 12, "return": 21}
//! {"process": 1, "f": "cas",   "value": [5, 6], "call": 22, "return": 30, "ok": false}
//! {"process": 3, "f": "write", "value": 7, "call": 25, "return": null}
//! ```
//!
//! is an operation a line (`"return": null`, or none: it never returned), and
//!
//! ```json
//! {"type": "invoke", "process": 1, "f": "write", "value": 5, "time": 10}
//! {"type": "ok",     "process": 1, "f": "write", "value": 5, "time": 20}
//! ```
//!
//! an event a line, as Jepsen records them: `ok` returned, `info` never returned (as does what has no second event), `fail` did not
//! happen and is left out, but for a compare-and-set without an `error`, which was refused. Times are numbers in any one unit, optional for events, whose order is
//! that of the lines. The value of a read or dequeue is what came back.
//!
//! The model follows from `f`: `read`/`get` and `write`/`put` are registers, with `cas` compare-and-set registers, with `append` a key-value store; `acquire` and `release`
//! a lock; `add`, `remove`, `contains` and `read` (of a list) a set, of a number a counter; `enqueue` and `dequeue` a queue. A line with
//! `fault` and, optionally, `from` and `to` notes a fault for the timeline; lines of the process `nemesis` are skipped.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use serde::Deserialize;
use serde_json::Value as Json;

use crate::history::{History, HistoryError, Process, Timed};
use crate::models::{cas, counter, kv, mutex, queue, register, set};
use crate::timeline::Fault;

/// A key or a value: any JSON, by its text. Cheap to clone, as searches keep many states.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Text(Arc<str>);

impl Text {
    fn of(json: &Json) -> Self {
        Self(json.to_string().into())
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A history from a file, under the model its calls belong to.
#[derive(Clone, Debug)]
pub enum Loaded {
    /// Reads and writes.
    Register(History<register::Register<Text, Text>>),
    /// With compare-and-set.
    Cas(History<cas::CasRegister<Text, Text>>),
    /// With append.
    Kv(History<kv::Kv<Text>>),
    /// Locks.
    Mutex(History<mutex::Mutex<Text>>),
    /// A set.
    Set(History<set::Set<Text>>),
    /// Counters.
    Counter(History<counter::Counter<Text>>),
    /// Queues.
    Queue(History<queue::Queue<Text, Text>>),
}

/// Why a file is no history.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// Not an object of the shape above.
    #[error("line {line}: {source}")]
    Json {
        /// From 1.
        line: usize,
        /// What the parser said.
        source: serde_json::Error,
    },
    /// An object, but not of the shape above.
    #[error("line {line}: {problem}")]
    Line {
        /// From 1.
        line: usize,
        /// What is missing, and what would do.
        problem: String,
    },
    /// The operations contradict each other.
    #[error(transparent)]
    History(#[from] HistoryError),
}

#[derive(Deserialize)]
struct Line {
    #[serde(rename = "type")]
    kind: Option<String>,
    #[serde(alias = "client", alias = "session")]
    process: Option<Json>,
    #[serde(alias = "op", alias = "function")]
    f: Option<String>,
    #[serde(default, alias = "k")]
    key: Json,
    #[serde(default, alias = "v")]
    value: Json,
    #[serde(default, alias = "output")]
    result: Option<Json>,
    #[serde(alias = "invoke", alias = "start", alias = "begin", alias = "invoked_at", alias = "call_time")]
    call: Option<f64>,
    #[serde(
        rename = "return",
        alias = "ret",
        alias = "end",
        alias = "complete",
        alias = "returned_at",
        alias = "return_time"
    )]
    ret: Option<f64>,
    time: Option<f64>,
    ok: Option<bool>,
    error: Option<Json>,
    fault: Option<String>,
    from: Option<Json>,
    to: Option<Json>,
}

/// One operation, whatever the shape of its lines.
#[derive(Clone, Debug)]
struct Entry {
    line: usize,
    process: Process,
    f: String,
    key: Text,
    /// What was asked with.
    value: Json,
    /// What came back and when, as an event number.
    returned: Option<(u64, Json, bool)>,
    invoked: u64,
}

/// Read a history, and the faults noted in it.
///
/// # Errors
/// With the number of the first line that is not of the shape described in the [module](self).
pub fn read(text: &str) -> Result<(Loaded, Vec<Fault>), ReadError> {
    let mut names: BTreeMap<String, u32> = BTreeMap::new();
    let mut entries: Vec<Entry> = Vec::new();
    let mut open: BTreeMap<Process, usize> = BTreeMap::new();
    let mut faults = Vec::new();
    let mut dropped: Vec<usize> = Vec::new();
    let mut last_time = 0;
    for (line, text) in (1..).zip(text.lines()) {
        if text.trim().is_empty() {
            continue;
        }
        let parsed: Line = serde_json::from_str(text).map_err(|source| ReadError::Json { line, source })?;
        let problem = |problem: &str| ReadError::Line { line, problem: problem.to_owned() };
        if let Some(what) = parsed.fault {
            let at = |json: Option<&Json>| json.and_then(Json::as_f64).map(ticks);
            faults.push(Fault {
                from: at(parsed.from.as_ref()).unwrap_or(last_time),
                to: at(parsed.to.as_ref()),
                what,
            });
            continue;
        }
        let process = parsed.process.ok_or_else(|| problem("no process"))?;
        if process.as_str() == Some("nemesis") {
            continue;
        }
        let process =
            number(&process, &mut names).ok_or_else(|| problem("a process is a number or a name"))?;
        let f = parsed.f.ok_or_else(|| problem("no f: what was called?"))?;
        let kind = parsed.kind.as_deref().unwrap_or("operation");
        let entry = |invoked, returned, value| Entry {
            line,
            process,
            f: f.clone(),
            key: Text::of(&parsed.key),
            value,
            returned,
            invoked,
        };
        let event_time = parsed.time.map_or(last_time + 1, ticks);
        match kind {
            "invoke" => {
                last_time = event_time;
                entries.push(entry(event_time, None, parsed.value));
                open.insert(process, entries.len() - 1);
            }
            "ok" | "info" | "fail" => {
                last_time = event_time;
                let index =
                    open.remove(&process).ok_or_else(|| problem("it completes what was not invoked"))?;
                let refused = kind == "fail" && entries[index].f == "cas" && parsed.error.is_none();
                if kind == "ok" || refused {
                    let ok = parsed.ok.unwrap_or(!refused);
                    entries[index].returned = Some((event_time, parsed.result.unwrap_or(parsed.value), ok));
                } else if kind == "fail" {
                    dropped.push(index);
                }
            }
            "operation" => {
                let invoked =
                    parsed.call.map(ticks).ok_or_else(|| problem("no call: when was it invoked?"))?;
                let value = match (&parsed.value, parsed.from, parsed.to) {
                    (Json::Null, Some(from), Some(to)) => Json::Array(vec![from, to]),
                    (value, ..) => value.clone(),
                };
                let came_back = parsed.result.unwrap_or_else(|| value.clone());
                let returned = parsed.ret.map(|at| (ticks(at), came_back, parsed.ok.unwrap_or(true)));
                entries.push(entry(invoked, returned, value));
            }
            _ => return Err(problem("a type is invoke, ok, info or fail")),
        }
    }
    dropped.sort_unstable();
    let entries: Vec<Entry> = entries
        .into_iter()
        .enumerate()
        .filter(|(i, _)| dropped.binary_search(i).is_err())
        .map(|(_, entry)| entry)
        .collect();
    Ok((model(&entries)?, faults))
}

/// Whole numbers as they are; seconds with a fraction in microseconds.
fn ticks(time: f64) -> u64 {
    if time.fract() == 0.0 { time as u64 } else { (time * 1e6).round() as u64 }
}

/// `13`, `"13"` and `"p13"` are process 13; other names get numbers from 1,000,000 on.
fn number(process: &Json, names: &mut BTreeMap<String, u32>) -> Option<Process> {
    if let Some(number) = process.as_u64() {
        return u32::try_from(number).ok().map(Process);
    }
    let name = process.as_str()?;
    let digits = name.trim_start_matches(|c: char| c.is_ascii_alphabetic());
    if let Ok(number) = digits.parse() {
        return Some(Process(number));
    }
    let next = 1_000_000 + names.len() as u32;
    Some(Process(*names.entry(name.to_owned()).or_insert(next)))
}

fn model(entries: &[Entry]) -> Result<Loaded, ReadError> {
    let has = |names: &[&str]| entries.iter().any(|e| names.contains(&e.f.as_str()));
    let list = |json: &Json| json.is_array();
    Ok(if has(&["acquire", "release"]) {
        Loaded::Mutex(build(entries, mutex::Mutex::default(), lock)?)
    } else if has(&["enqueue", "dequeue"]) {
        Loaded::Queue(build(entries, queue::Queue::default(), queue_op)?)
    } else if has(&["append"]) {
        let empty =
            entries.iter().any(|e| ["put", "write", "append"].contains(&e.f.as_str()) && e.value == "");
        Loaded::Kv(build(entries, kv::Kv::default(), |e| kv_op(e, empty))?)
    } else if has(&["remove", "contains"])
        || (has(&["add"]) && entries.iter().any(|e| e.returned.as_ref().is_some_and(|r| list(&r.1))))
    {
        Loaded::Set(build(entries, set::Set::default(), set_op)?)
    } else if has(&["add"]) {
        Loaded::Counter(build(entries, counter::Counter::default(), counter_op)?)
    } else if has(&["cas"]) {
        Loaded::Cas(build(entries, cas::CasRegister::default(), cas_op)?)
    } else {
        Loaded::Register(build(entries, register::Register::default(), register_op)?)
    })
}

/// A call with its answer, as a model has it.
type Op<M> = (<M as crate::Model>::Call, Option<<M as crate::Model>::Return>);

fn build<M: crate::Model>(
    entries: &[Entry],
    model: M,
    op: impl Fn(&Entry) -> Option<Op<M>>,
) -> Result<History<M>, ReadError> {
    let mut timed = Vec::with_capacity(entries.len());
    for entry in entries {
        let (call, answer) = op(entry).ok_or_else(|| ReadError::Line {
            line: entry.line,
            problem: format!("{} does not go with the other calls, or its value has another shape", entry.f),
        })?;
        let returned = entry.returned.as_ref().map(|r| r.0).zip(answer);
        timed.push(Timed { process: entry.process, invoked_at: entry.invoked, call, returned });
    }
    Ok(History::from_timed(model, timed)?)
}

fn value(json: &Json) -> Option<Text> {
    (!json.is_null()).then(|| Text::of(json))
}

fn string(json: &Json) -> String {
    json.as_str().map_or_else(|| json.to_string(), str::to_owned)
}

fn register_op(e: &Entry) -> Option<Op<register::Register<Text, Text>>> {
    use register::{Call, Return};
    let came = e.returned.as_ref();
    Some(match e.f.as_str() {
        "read" | "get" => (Call::Read(e.key.clone()), came.map(|r| Return::Read(value(&r.1)))),
        "write" | "put" => (Call::Write(e.key.clone(), value(&e.value)?), came.map(|_| Return::Written)),
        _ => return None,
    })
}

fn cas_op(e: &Entry) -> Option<Op<cas::CasRegister<Text, Text>>> {
    use cas::{Call, Return};
    let key = e.key.clone();
    let came = e.returned.as_ref();
    Some(match e.f.as_str() {
        "read" | "get" => (Call::Read(key), came.map(|r| Return::Read(value(&r.1)))),
        "write" | "put" => (Call::Write(key, value(&e.value)?), came.map(|_| Return::Written)),
        "cas" => {
            let [from, to] = e.value.as_array()?.as_slice() else { return None };
            let swapped = came.map(|(_, result, ok)| Return::Swapped(result.as_bool().unwrap_or(*ok)));
            (Call::Cas { key, from: value(from), to: value(to)? }, swapped)
        }
        _ => return None,
    })
}

/// `empty`: whether somebody wrote the empty string; else reading it is reading nothing.
fn kv_op(e: &Entry, empty: bool) -> Option<Op<kv::Kv<Text>>> {
    use kv::{Call, Return};
    let came = e.returned.as_ref();
    let nothing = |json: &Json| json.is_null() || (!empty && json.as_str() == Some(""));
    Some(match e.f.as_str() {
        "read" | "get" => {
            (Call::Get(e.key.clone()), came.map(|r| Return::Got((!nothing(&r.1)).then(|| string(&r.1)))))
        }
        "write" | "put" => (Call::Put(e.key.clone(), string(&e.value)), came.map(|_| Return::Done)),
        "append" => (Call::Append(e.key.clone(), string(&e.value)), came.map(|_| Return::Done)),
        _ => return None,
    })
}

fn lock(e: &Entry) -> Option<Op<mutex::Mutex<Text>>> {
    use mutex::{Call, Owner, Return};
    let owner = Owner(e.process.0);
    let call = match e.f.as_str() {
        "acquire" => Call::Acquire(e.key.clone(), owner),
        "release" => Call::Release(e.key.clone(), owner),
        _ => return None,
    };
    Some((
        call,
        e.returned.as_ref().map(
            |(_, result, ok)| {
                if result.as_bool().unwrap_or(*ok) { Return::Done } else { Return::Refused }
            },
        ),
    ))
}

fn set_op(e: &Entry) -> Option<Op<set::Set<Text>>> {
    use set::{Call, Return};
    let came = e.returned.as_ref();
    let was = || came.map(|r| r.1.as_bool().map_or(Return::Done, Return::Was));
    Some(match e.f.as_str() {
        "add" => (Call::Add(value(&e.value)?), was()),
        "remove" => (Call::Remove(value(&e.value)?), was()),
        "contains" => (Call::Contains(value(&e.value)?), was()),
        "read" => {
            let all =
                |r: &(u64, Json, bool)| Some(Return::All(r.1.as_array()?.iter().map(Text::of).collect()));
            (Call::Read, came.map(all).map_or(Some(None), |all| all.map(Some))?)
        }
        _ => return None,
    })
}

fn counter_op(e: &Entry) -> Option<Op<counter::Counter<Text>>> {
    use counter::{Call, Return};
    let came = e.returned.as_ref();
    Some(match e.f.as_str() {
        "add" => (Call::Add(e.key.clone(), e.value.as_i64()?), came.map(|_| Return::Done)),
        "read" => {
            let count = came.map(|r| r.1.as_i64().map(Return::Count));
            (Call::Read(e.key.clone()), count.map_or(Some(None), |count| count.map(Some))?)
        }
        _ => return None,
    })
}

fn queue_op(e: &Entry) -> Option<Op<queue::Queue<Text, Text>>> {
    use queue::{Call, Return};
    let came = e.returned.as_ref();
    Some(match e.f.as_str() {
        "enqueue" => (Call::Enqueue(e.key.clone(), value(&e.value)?), came.map(|_| Return::Done)),
        "dequeue" => (Call::Dequeue(e.key.clone()), came.map(|r| Return::Got(value(&r.1)))),
        _ => return None,
    })
}
