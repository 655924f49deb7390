//! What a fault does, in words, as it begins and as it ends.

use lab::NodeId;
use world::{Carried, Chance, Damage, Harm, Time, Who};

/// What a fault does, as it begins.
pub(super) fn about(harm: &Harm) -> String {
    let list = |nodes: &[NodeId], last: &str| {
        let mut names: Vec<String> = nodes.iter().map(NodeId::to_string).collect();
        match names.pop() {
            Some(name) if !names.is_empty() => format!("{}{last}{name}", names.join(", ")),
            name => name.unwrap_or_default(),
        }
    };
    let who = |who: &Who| match who {
        Who::Node(node) => node.to_string(),
        Who::Culprit => "this node".to_owned(),
    };
    let end = |node: &Option<NodeId>| node.map_or("any node".to_owned(), |node| node.to_string());
    match harm {
        Harm::Crash { .. } => "crash".to_owned(),
        Harm::Pause { .. } => "stands still".to_owned(),
        Harm::Slow { per_event, .. } => format!("takes {} for every event", Time::ZERO + *per_event),
        Harm::Partition { groups } => {
            let groups: Vec<String> = groups.iter().map(|group| list(group, ", ")).collect();
            format!("the network splits: {}", groups.join(" | "))
        }
        Harm::Isolate { node } => format!("{} is cut off", who(node)),
        Harm::Alone { node } => format!("{} is alone from here on", who(node)),
        Harm::Forge { from, to, .. } => format!("{from} sends {} a message", who(to)),
        Harm::Cut { from, to } => {
            format!("nothing gets from {} to {} any more", list(from, " or "), list(to, " or "))
        }
        Harm::Links(rule) => format!("the links from {} to {} change", end(&rule.from), end(&rule.to)),
        Harm::Hold { from, to, nth, what, .. } => match nth {
            Some(nth) => format!("{} {nth} from {} to {} is held back", carried(*what), end(from), end(to)),
            None => format!("{}s from {} to {} are held back", carried(*what), end(from), end(to)),
        },
        Harm::Lose { from, to, nth, what, .. } => match nth {
            Some(nth) => format!("{} {nth} from {} to {} is lost", carried(*what), end(from), end(to)),
            None => format!("{}s from {} to {} are lost", carried(*what), end(from), end(to)),
        },
        Harm::Repeat { from, to, nth, what, .. } => match nth {
            Some(nth) => {
                format!("the network sends {} {nth} from {} to {} twice", carried(*what), end(from), end(to))
            }
            None => {
                format!("the network sends {}s from {} to {} twice", carried(*what), end(from), end(to))
            }
        },
        Harm::LoseThis { .. } => "one message is lost".to_owned(),
        Harm::RepeatThis { .. } => "the network sends one message twice".to_owned(),
        Harm::Worse { from, to, loss, duplication, corruption, late } => {
            let percent = |chance: &Chance, does: &str| {
                let (whole, rest) = (chance.0 / 10_000, chance.0 % 10_000 / 100);
                let digits = if rest == 0 { String::new() } else { format!(".{rest:02}") };
                (chance.0 > 0).then(|| format!("{whole}{digits} % more {does}"))
            };
            let late = (!late.is_zero()).then(|| format!("up to {} late", Time::ZERO + *late));
            let parts = [
                percent(loss, "lost"),
                percent(duplication, "doubled"),
                percent(corruption, "damaged"),
                late,
            ];
            let parts: Vec<String> = parts.into_iter().flatten().collect();
            format!("the links from {} to {} get worse: {}", end(from), end(to), parts.join(", "))
        }
        Harm::Rot { file, damage: Damage::Flip { at, bit }, .. } => {
            format!("its disk flips bit {bit} of byte {at} of `{file}`")
        }
        Harm::Rot { file, damage: Damage::FlipPart { .. }, .. } => {
            format!("its disk flips a bit of `{file}`")
        }
        Harm::Rot { file, damage: Damage::Stale { .. }, .. } => {
            format!("its disk shows old bytes of `{file}` once more, at its end")
        }
        Harm::Rot { file, damage: Damage::Append(bytes), .. } => {
            format!("its disk shows {} bytes at the end of `{file}` that nobody wrote", bytes.len())
        }
        Harm::ClockJump { by_ns, .. } => {
            let (way, by) =
                if *by_ns < 0 { ("back", by_ns.unsigned_abs()) } else { ("forward", by_ns.unsigned_abs()) };
            format!("its wall clock jumps {way} by {}", Time(by))
        }
        Harm::ClockFreeze { .. } => "its wall clock stops".to_owned(),
        Harm::ClockDrift { ppm, .. } => format!("its wall clock gains {ppm} µs a second"),
    }
}

fn carried(what: Option<Carried>) -> &'static str {
    match what {
        None | Some(Carried::Message) => "message",
        Some(Carried::Call) => "call",
        Some(Carried::Answer) => "answer",
    }
}

/// That it ends.
pub(super) fn ends(harm: &Harm) -> String {
    match harm {
        Harm::Partition { .. } => "the network is whole again".to_owned(),
        Harm::Isolate { node: Who::Node(node) } => format!("{node} is back"),
        Harm::Isolate { .. } => "the node that was cut off is back".to_owned(),
        Harm::Alone { .. } => "the node is no longer alone".to_owned(),
        Harm::Cut { .. } => "everything gets through again".to_owned(),
        Harm::Links(_) | Harm::Worse { .. } => "the links are as they were".to_owned(),
        Harm::Hold { .. } => "what was held back goes on its way".to_owned(),
        Harm::Lose { what, .. } => format!("{}s get through again", carried(*what)),
        Harm::Repeat { what, .. } => format!("the network sends {}s once again", carried(*what)),
        _ => "the fault ends".to_owned(),
    }
}
