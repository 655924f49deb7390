//! Misbehaviour in words.

use lab::NodeId;
use world::{Death, During, Excess, Misbehaviour, Nonsense, Stall};

/// For code that is refused what the sandbox does not give.
const REFUSED: &str = ". A node has no files, sockets, threads or processes: ask for effects through `Out`.";

/// What this node's code did that no node may do, in a sentence or two. A pure function has no name.
pub(crate) fn sentence(node: NodeId, during: During, how: &Misbehaviour) -> String {
    if during != During::Question {
        return told(&node.to_string(), during, how);
    }
    let told = told("your function", during, how);
    told.strip_prefix("your").map_or(told.clone(), |rest| format!("Your{rest}"))
}
fn told(node: &str, during: During, how: &Misbehaviour) -> String {
    match how {
        Misbehaviour::Panicked { at, not_started: true, .. } if at.is_empty() => {
            "A `todo!()` was reached.".to_owned()
        }
        Misbehaviour::Panicked { at, not_started: true, .. } => format!("A `todo!()` was reached, at {at}."),
        Misbehaviour::Panicked { message, at, .. } => {
            let at = if at.is_empty() { String::new() } else { format!(" at {at}") };
            let refused = ["PermissionDenied", "(os error 1)", "(os error 13)"];
            let help = if refused.iter().any(|word| message.contains(word)) { REFUSED } else { "" };
            // its words are the student's: none of their lines may be taken for one of the report's
            let message = message.replace('\n', "\n│ ");
            format!("{node} panicked{at} {during}: {message}{help}")
        }
        Misbehaviour::Died(death) => {
            let (how, help) = ended(*death);
            format!("The process of {node} {how} {during}. {help}")
        }
        Misbehaviour::Hung(Stall::Computes) => format!(
            "{node} computed for more than a second {during}, and was stopped. Look for a loop that never ends."
        ),
        Misbehaviour::Hung(Stall::Waits) => format!(
            "{node} waited for something that never comes, {during}. A handler must return: look for a lock, a channel or a join."
        ),
        Misbehaviour::Garbled(nonsense) => format!(
            "The process of {node} answered with something that is no answer, {during}: {}.",
            wrong(*nonsense)
        ),
        Misbehaviour::Flooded(excess) => {
            format!("{node} asked for more than a run may use, {during}: {}.", too_much(*excess))
        }
    }
}
/// What the process did, and what to do about it.
fn ended(death: Death) -> (String, String) {
    let (how, help): (&str, &str) = match death {
        Death::Exited(code) => {
            let how = format!("ended with exit code {code}");
            return (how, "A node must keep running: remove the call to `std::process::exit`.".to_owned());
        }
        Death::OutOfMemory(mib) => {
            let help = format!("It may use {mib} MiB: look for a collection that only grows.");
            return ("ran out of memory".to_owned(), help);
        }
        Death::Signal(signal) => return (format!("was ended by signal {signal}"), String::new()),
        Death::StackOverflow => ("probably overflowed its stack", "Look for a recursion that never ends."),
        Death::Aborted => {
            ("aborted", "Look for a call to `abort`, or for a panic in a `drop` during another panic.")
        }
        Death::Killed => ("was killed", "It closed its pipe, or this machine ran out of memory."),
        Death::ForbiddenCall => (
            "made a system call that no node may make",
            "A node cannot use other processes, namespaces or devices: remove that, and ask for effects through `Out`.",
        ),
        Death::WroteFile => ("wrote to a file", "No node may do that: use the node's disk, `boot.disk`."),
        Death::Unknown => ("ended", ""),
    };
    (how.to_owned(), help.to_owned())
}
fn wrong(nonsense: Nonsense) -> &'static str {
    match nonsense {
        Nonsense::NoReply => "its bytes are no reply",
        Nonsense::TooMany => "it sent more than it was asked for",
        Nonsense::NotItsType => "it says that an event which no node sent is not of the node's type",
        Nonsense::ForeignCall => "it gave a call an id that is not the node's own",
    }
}
fn too_much(excess: Excess) -> String {
    match excess {
        Excess::EffectsOfEvent(effects) => format!("{effects} effects in one event"),
        Excess::Message(bytes) => format!("a message of {bytes} bytes"),
        Excess::Value(bytes) => format!("an event, a reply or a call of {bytes} bytes"),
        Excess::Shown(limit) => format!("more than {limit} bytes of events, replies and calls in all"),
        Excess::Effects(limit) => format!("more than {limit} effects in all"),
        Excess::Bytes(limit) => format!("more than {limit} bytes under way or not synced"),
        Excess::Disk(limit) => format!("more than {limit} bytes on one disk"),
        Excess::Reply(mib) => format!("effects of more than {mib} MiB in one event"),
        Excess::Boot(mib) => format!("a disk of more than {mib} MiB"),
    }
}
/// The same in a few words, for the event of a story; the sentence says more.
pub(crate) fn sign(how: &Misbehaviour) -> String {
    match how {
        Misbehaviour::Panicked { at, .. } if at.is_empty() => "panics".to_owned(),
        Misbehaviour::Panicked { at, .. } => format!("panics at {at}"),
        Misbehaviour::Died(_) => "ends: its process is gone".to_owned(),
        Misbehaviour::Hung(_) => "does not return".to_owned(),
        Misbehaviour::Garbled(_) => "answers nonsense".to_owned(),
        Misbehaviour::Flooded(_) => "asks for too much".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_student_reads_of_each_misbehaviour() {
        let deaths = [
            Death::Exited(0),
            Death::StackOverflow,
            Death::OutOfMemory(512),
            Death::Aborted,
            Death::Killed,
            Death::ForbiddenCall,
            Death::WroteFile,
            Death::Signal(15),
            Death::Unknown,
        ];
        let nonsense = [Nonsense::NoReply, Nonsense::TooMany, Nonsense::NotItsType, Nonsense::ForeignCall];
        let excesses = [
            Excess::EffectsOfEvent(20_001),
            Excess::Message(2_000_000),
            Excess::Value(2_000_000),
            Excess::Shown(33_554_432),
            Excess::Effects(10_000_000),
            Excess::Bytes(67_108_864),
            Excess::Disk(67_108_864),
            Excess::Reply(64),
            Excess::Boot(64),
        ];
        let panicked = |message: &str, at: &str, not_started| Misbehaviour::Panicked {
            message: message.to_owned(),
            at: at.to_owned(),
            not_started,
        };
        let panics = [
            panicked("index out of bounds", "src/raft.rs:7:9", false),
            panicked("called `Result::unwrap()` on an `Err` value: PermissionDenied", "", false),
            panicked("not yet implemented", "src/raft.rs:7:9", true),
        ];
        let all = panics
            .into_iter()
            .chain(deaths.map(Misbehaviour::Died))
            .chain([Stall::Computes, Stall::Waits].map(Misbehaviour::Hung))
            .chain(nonsense.map(Misbehaviour::Garbled))
            .chain(excesses.map(Misbehaviour::Flooded));
        let text: Vec<String> = all.map(|how| sentence(NodeId(2), During::Request, &how)).collect();
        insta::assert_snapshot!(text.join("\n"));
        let of_function = [
            panicked("index out of bounds", "src/classify.rs:7:9", false),
            Misbehaviour::Died(Death::Aborted),
            Misbehaviour::Hung(Stall::Computes),
        ];
        let text = of_function.map(|how| sentence(NodeId(1), During::Question, &how));
        insta::assert_snapshot!(text.join("\n"), @r"
        Your function panicked at src/classify.rs:7:9 while answering a question: index out of bounds
        The process of your function aborted while answering a question. Look for a call to `abort`, or for a panic in a `drop` during another panic.
        Your function computed for more than a second while answering a question, and was stopped. Look for a loop that never ends.
        ");
    }
}
