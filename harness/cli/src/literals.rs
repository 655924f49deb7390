//! A scenario as Rust: literals of the types of `world`, what differs from the usual alone, encodings in words beside them.

use crate::text::harmless;
use lab::NodeId;
use std::time::Duration;
use world::{
    Act, Client, ClockSpec, Cue, Damage, DiskLoss, Fault, Harm, Key, Latency, Limits, Line, Link, LinkRule,
    Matcher, NodeKind, NodeSpec, Observation, Operation, Pattern, Scenario, Seen, Tail, Trace, Trigger,
    Until, When, Who, Words,
};

/// Longer ones are laid out over several lines.
const LINE_MAX: usize = 90;

/// Writes literals. What encodings are in words is known from a run.
pub(crate) struct Literals<'a>(pub(crate) &'a Trace);

impl Literals<'_> {
    /// The scenario.
    pub(crate) fn scenario(&self, scenario: &Scenario) -> String {
        let Scenario {
            nodes,
            network,
            links,
            clients,
            faults,
            withheld,
            calm,
            regions,
            end,
            limits,
            watch_status,
            scribe: _, // a scenario that is data has none
        } = scenario;
        let nodes = vec(nodes.iter().map(|node| self.node(node)).collect());
        let usual = Scenario::new(Vec::new(), *end);
        let mut withheld: Vec<u64> = withheld.iter().map(|key| key.0).collect();
        withheld.sort_unstable();
        let mut fields = Fields::default();
        fields.put("network", *network != usual.network, || link(network));
        fields.put("links", !links.is_empty(), || vec(links.iter().map(rule).collect()));
        fields.put("clients", !clients.is_empty(), || {
            vec(clients.iter().map(|client| self.client(client)).collect())
        });
        fields.put("faults", !faults.is_empty(), || {
            vec(faults.iter().map(|fault| self.fault(fault)).collect())
        });
        fields.put("withheld", !withheld.is_empty(), || {
            let keys = withheld.iter().map(|key| format!("Key({key:#018x})")).collect();
            format!("{}.into_iter().collect()", list("[", "", keys, "]"))
        });
        if let Some((from, calm)) = calm {
            fields.put("calm", true, || {
                format!("Some({})", list("(", "", vec![duration(*from), link(calm)], ")"))
            });
        }
        fields.put("regions", *regions, || "true".to_owned());
        fields.put("limits", *limits != usual.limits, || limits_literal(limits));
        fields.put("watch_status", *watch_status, || "true".to_owned());
        fields.of("Scenario", &list("Scenario::new(", "", vec![nodes, duration(*end)], ")"))
    }
    fn node(&self, node: &NodeSpec) -> String {
        let NodeSpec { id, role, config, kind, peers, calls_to, clock, sync, per_event, starts, name } = node;
        let lines = || {
            let lines: Vec<Line> = lab::frame::decode(config).unwrap_or_default();
            let lines = lines.iter().map(|line| self.line(line)).collect();
            list("NodeSpec::playback(", "", vec![id_of(*id), format!("&{}", list("[", "", lines, "]"))], ")")
        };
        let base = match kind {
            NodeKind::Guest => format!("NodeSpec::encoded({}, {role:?}, {})", id_of(*id), bytes(config)),
            NodeKind::Puppet(_) => lines(),
            NodeKind::Service(_) => format!("{}.as_service()", lines()),
        };
        let usual = NodeSpec::encoded(*id, role, Vec::new());
        let mut fields = Fields::default();
        if let Some(peers) = peers {
            fields.put("peers", true, || format!("Some({})", ids(peers)));
        }
        if let Some(service) = calls_to {
            fields.put("calls_to", true, || format!("Some({})", id_of(*service)));
        }
        fields.put("clock", *clock != usual.clock, || {
            let ClockSpec { offset_ns, drift_ppm } = clock;
            format!("ClockSpec {{ offset_ns: {offset_ns}, drift_ppm: {drift_ppm} }}")
        });
        fields.put("sync", *sync != usual.sync, || format!("({}, {})", duration(sync.0), duration(sync.1)));
        fields.put("per_event", *per_event != usual.per_event, || duration(*per_event));
        fields.put("starts", !matches!(starts, When::At(Duration::ZERO)), || when(starts));
        fields.put("name", name.is_some(), || format!("{name:?}"));
        fields.of("NodeSpec", &base)
    }
    fn line(&self, line: &Line) -> String {
        let Line { cue, acts } = line;
        let (cue, words) = match cue {
            Cue::Start => ("Cue::Start".to_owned(), None),
            Cue::Message { from, bytes: said } => (
                format!("Cue::Message {{ from: {}, bytes: {} }}", id_of(*from), bytes(said)),
                self.words(said, is_message),
            ),
            Cue::Request { bytes: asked } => (
                format!("Cue::Request {{ bytes: {} }}", bytes(asked)),
                self.words(asked, |seen| matches!(seen, Seen::Requested { .. })),
            ),
            Cue::Timer { timer } => {
                (format!("Cue::Timer {{ timer: {} }}", bytes(timer)), self.words(timer, is_timer))
            }
            Cue::Answer { from, bytes: said } => (
                format!("Cue::Answer {{ from: {}, bytes: {} }}", id_of(*from), bytes(said)),
                self.words(said, |seen| matches!(seen, Seen::Answered { .. } | Seen::Replied { .. })),
            ),
        };
        let each = acts.iter().map(|acts| vec(acts.iter().map(|act| self.act(act)).collect())).collect();
        let mut fields = Fields::default();
        fields.put("cue", true, || cue);
        fields.put("acts", true, || vec(each));
        beside(words, fields.alone("Line"))
    }
    fn act(&self, act: &Act) -> String {
        let (words, literal) = match act {
            Act::Send { to, bytes: said } => (
                self.words(said, is_message),
                format!("Act::Send {{ to: {}, bytes: {} }}", id_of(*to), bytes(said)),
            ),
            Act::SetTimer { after, timer } => (
                self.words(timer, is_timer),
                format!("Act::SetTimer {{ after: {}, timer: {} }}", duration(*after), bytes(timer)),
            ),
            Act::CancelTimer { timer } => {
                (self.words(timer, is_timer), format!("Act::CancelTimer {{ timer: {} }}", bytes(timer)))
            }
            Act::Reply { bytes: said } => (
                self.words(said, |seen| matches!(seen, Seen::Replied { .. })),
                format!("Act::Reply {{ bytes: {} }}", bytes(said)),
            ),
            Act::ReplyTo { nth, bytes: said } => (
                self.words(said, |seen| matches!(seen, Seen::Replied { .. })),
                format!("Act::ReplyTo {{ nth: {nth}, bytes: {} }}", bytes(said)),
            ),
            Act::Emit { bytes: said } => (
                self.words(said, |seen| matches!(seen, Seen::Emitted { .. })),
                format!("Act::Emit {{ bytes: {} }}", bytes(said)),
            ),
            Act::Call { to, bytes: said } => {
                let to = to.map_or("None".to_owned(), |to| format!("Some({})", id_of(to)));
                let words =
                    self.words(said, |seen| matches!(seen, Seen::Called { .. } | Seen::Requested { .. }));
                (words, format!("Act::Call {{ to: {to}, bytes: {} }}", bytes(said)))
            }
        };
        beside(words, literal)
    }
    /// A fault, and in words what is forged.
    fn fault(&self, what: &Fault) -> String {
        let words = match &what.harm {
            Harm::Forge { words: Words::Bytes(said), .. } => self.words(said, is_message),
            _ => None,
        };
        beside(words, fault(what))
    }
    fn client(&self, client: &Client) -> String {
        let Client { id, operations, think, timeout, attempts, accepts } = client;
        let usual = Client::new(id.0, Vec::new());
        let operations = vec(operations.iter().map(|operation| self.operation(operation)).collect());
        let mut fields = Fields::default();
        fields.put("think", *think != usual.think, || duration(*think));
        if let Some(timeout) = timeout {
            fields.put("timeout", true, || format!("Some({})", duration(*timeout)));
        }
        fields.put("attempts", *attempts != usual.attempts, || attempts.to_string());
        if let Some(accepts) = accepts {
            fields.put("accepts", true, || format!("Some({})", matcher(accepts)));
        }
        fields.of("Client", &list("Client::new(", "", vec![id.0.to_string(), operations], ")"))
    }
    fn operation(&self, operation: &Operation) -> String {
        let Operation { id, at, to, request } = operation;
        let mut fields = Fields::default();
        fields.put("id", true, || format!("OperationId({})", id.0));
        fields.put("at", true, || at.as_ref().map_or("None".to_owned(), |at| format!("Some({})", when(at))));
        fields.put("to", true, || ids(to));
        fields.put("request", true, || bytes(request));
        let words = self.words(request, |seen| matches!(seen, Seen::Requested { .. }));
        beside(words, fields.alone("Operation"))
    }
    /// A time, and what was seen then.
    pub(crate) fn sight(&self, seen: &Observation) -> String {
        let at = format!("Time({})", seen.at.0);
        let sight = list("(", "", vec![at, pattern(&Pattern::just(seen))], ")");
        let words = seen.label.as_deref().filter(|label| !label.is_empty()).map(one_line);
        beside(words, sight)
    }
    fn words(&self, bytes: &[u8], fits: fn(&Seen) -> bool) -> Option<String> {
        let mut seen = self.0.observations.iter().filter(|seen| fits(&seen.seen));
        let seen = seen
            .find(|seen| seen.seen.bytes().is_some_and(|other| **other == *bytes) && seen.label.is_some());
        seen.and_then(|seen| seen.label.as_deref()).filter(|label| !label.is_empty()).map(one_line)
    }
}
fn is_message(seen: &Seen) -> bool {
    matches!(seen, Seen::Sent { .. } | Seen::Delivered { .. })
}
fn is_timer(seen: &Seen) -> bool {
    matches!(seen, Seen::TimerSet { .. } | Seen::Rang { .. })
}
/// Harmless in a comment to the end of the line.
fn one_line(words: &str) -> String {
    harmless(words).split_whitespace().collect::<Vec<_>>().join(" ")
}
fn beside(words: Option<String>, literal: String) -> String {
    words.map_or(literal.clone(), |words| format!("// {words}\n{literal}"))
}

fn fault(fault: &Fault) -> String {
    let Fault { when: begins, harm: what, until, after_calm, bond } = fault;
    let until = match until {
        Until::Calm => "Until::Calm".to_owned(),
        Until::After(lasts) => format!("Until::After({})", duration(*lasts)),
        Until::Trigger(ends) => format!("Until::Trigger({})", trigger(ends)),
        Until::Never => "Until::Never".to_owned(),
    };
    let mut fields = Fields::default();
    fields.put("after_calm", *after_calm, || "true".to_owned());
    fields.put("bond", bond.is_some(), || format!("{bond:?}"));
    fields.of("Fault", &list("Fault::new(", "", vec![when(begins), harm(what), until], ")"))
}
fn when(when: &When) -> String {
    match when {
        When::At(at) => format!("When::At({})", duration(*at)),
        When::On { trigger: waits_for, nth, after } => {
            let mut fields = Fields::default();
            fields.put("trigger", true, || trigger(waits_for));
            fields.put("nth", true, || nth.to_string());
            fields.put("after", true, || duration(*after));
            fields.alone("When::On")
        }
    }
}
fn trigger(trigger: &Trigger) -> String {
    match trigger {
        Trigger::Seen(what) => format!("Trigger::Seen({})", pattern(what)),
        Trigger::Effect { node, nth } => format!("Trigger::Effect {{ node: {}, nth: {nth} }}", id_of(*node)),
        Trigger::AnyEffect { nth } => format!("Trigger::AnyEffect {{ nth: {nth} }}"),
        Trigger::EffectOf { event, nth } => {
            format!("Trigger::EffectOf {{ event: {}, nth: {nth} }}", key_of(*event))
        }
        Trigger::Quiet => "Trigger::Quiet".to_owned(),
        Trigger::Promised(_) => unreachable!("a scenario that is data knows no promises"),
        Trigger::Began { client, operation } => {
            format!(
                "Trigger::Began {{ client: ClientId({}), operation: OperationId({}) }}",
                client.0, operation.0
            )
        }
        Trigger::Ended { client, operation } => {
            format!(
                "Trigger::Ended {{ client: ClientId({}), operation: OperationId({}) }}",
                client.0, operation.0
            )
        }
    }
}
fn pattern(pattern: &Pattern) -> String {
    let Pattern { kind, node, other, matches } = pattern;
    let mut literal = format!("Pattern::of(SeenKind::{kind:?})");
    if let Some(node) = node {
        literal.push_str(&format!(".at({})", id_of(*node)));
    }
    if let Some(other) = other {
        literal.push_str(&format!(".with({})", id_of(*other)));
    }
    if let Some(matches) = matches {
        literal.push_str(&format!(".matching({})", matcher(matches)));
    }
    literal
}
fn matcher(matcher: &Matcher) -> String {
    match matcher {
        Matcher::Typed(_) => unreachable!("a scenario that is data asks no typed question"),
        Matcher::Variant(firsts) => format!("Matcher::Variant({})", bytes(firsts)),
        Matcher::OneOf(encodings) => {
            format!("Matcher::OneOf({})", vec(encodings.iter().map(|encoding| bytes(encoding)).collect()))
        }
    }
}
fn harm(harm: &Harm) -> String {
    let mut fields = Fields::default();
    let (name, node) = match harm {
        Harm::Crash { node, disk } => {
            let disk = match disk {
                DiskLoss::Drawn => "DiskLoss::Drawn".to_owned(),
                DiskLoss::All => "DiskLoss::All".to_owned(),
                DiskLoss::Nothing => "DiskLoss::Nothing".to_owned(),
                DiskLoss::Wiped => "DiskLoss::Wiped".to_owned(),
                DiskLoss::TornAfter { bytes } => format!("DiskLoss::TornAfter {{ bytes: {bytes} }}"),
                DiskLoss::TornBefore { bytes } => format!("DiskLoss::TornBefore {{ bytes: {bytes} }}"),
            };
            fields.put("disk", true, || disk);
            ("Harm::Crash", Some(node))
        }
        Harm::Pause { node } => ("Harm::Pause", Some(node)),
        Harm::Slow { node, per_event } => {
            fields.put("per_event", true, || duration(*per_event));
            ("Harm::Slow", Some(node))
        }
        Harm::Partition { groups } => {
            fields.put("groups", true, || vec(groups.iter().map(|group| ids(group)).collect()));
            ("Harm::Partition", None)
        }
        Harm::Isolate { node } => ("Harm::Isolate", Some(node)),
        Harm::Alone { node } => ("Harm::Alone", Some(node)),
        Harm::Forge { from, to, words } => {
            let words = match words {
                Words::Bytes(said) => format!("Words::Bytes({})", bytes(said)),
                Words::Asked(_) => unreachable!("a scenario that is data asks no scribe"),
            };
            fields.put("from", true, || id_of(*from));
            fields.put("to", true, || who(to));
            fields.put("words", true, || words);
            ("Harm::Forge", None)
        }
        Harm::Cut { from, to } => {
            fields.put("from", true, || ids(from));
            fields.put("to", true, || ids(to));
            ("Harm::Cut", None)
        }
        Harm::Links(which) => return format!("Harm::Links({})", rule(which)),
        Harm::Hold { from, to, nth, matches, what }
        | Harm::Lose { from, to, nth, matches, what }
        | Harm::Repeat { from, to, nth, matches, what, .. } => {
            fields.put("from", true, || maybe_id(*from));
            fields.put("to", true, || maybe_id(*to));
            fields.put("nth", true, || format!("{nth:?}"));
            fields.put("matches", true, || {
                matches.as_ref().map_or("None".to_owned(), |matches| format!("Some({})", matcher(matches)))
            });
            fields.put("what", true, || {
                what.map_or("None".to_owned(), |what| format!("Some(Carried::{what:?})"))
            });
            match harm {
                Harm::Lose { .. } => ("Harm::Lose", None),
                Harm::Repeat { after, .. } => {
                    fields.put("after", true, || duration(*after));
                    ("Harm::Repeat", None)
                }
                _ => ("Harm::Hold", None),
            }
        }
        Harm::LoseThis { key } => {
            fields.put("key", true, || key_of(*key));
            ("Harm::LoseThis", None)
        }
        Harm::RepeatThis { key, after } => {
            fields.put("key", true, || key_of(*key));
            fields.put("after", true, || duration(*after));
            ("Harm::RepeatThis", None)
        }
        Harm::Worse { from, to, loss, duplication, corruption, late } => {
            fields.put("from", true, || maybe_id(*from));
            fields.put("to", true, || maybe_id(*to));
            for (name, chance) in [("loss", loss), ("duplication", duplication), ("corruption", corruption)] {
                fields.put(name, true, || format!("Chance({})", chance.0));
            }
            fields.put("late", true, || duration(*late));
            ("Harm::Worse", None)
        }
        Harm::Rot { node, file, damage } => {
            fields.put("file", true, || format!("{file:?}.into()"));
            fields.put("damage", true, || match damage {
                Damage::Flip { at, bit } => format!("Damage::Flip {{ at: {at}, bit: {bit} }}"),
                Damage::FlipPart { nth, of } => format!("Damage::FlipPart {{ nth: {nth}, of: {of} }}"),
                Damage::Append(with) => format!("Damage::Append({})", bytes(with)),
                Damage::Stale { bytes } => format!("Damage::Stale {{ bytes: {bytes} }}"),
            });
            ("Harm::Rot", Some(node))
        }
        Harm::ClockJump { node, by_ns } => {
            fields.put("by_ns", true, || by_ns.to_string());
            ("Harm::ClockJump", Some(node))
        }
        Harm::ClockFreeze { node } => ("Harm::ClockFreeze", Some(node)),
        Harm::ClockDrift { node, ppm } => {
            fields.put("ppm", true, || ppm.to_string());
            ("Harm::ClockDrift", Some(node))
        }
    };
    if let Some(node) = node {
        fields.put("node", true, || who(node));
    }
    fields.alone(name)
}
fn who(who: &Who) -> String {
    match who {
        Who::Node(node) => format!("Who::Node({})", id_of(*node)),
        Who::Culprit => "Who::Culprit".to_owned(),
    }
}
fn rule(rule: &LinkRule) -> String {
    let LinkRule { from, to, link: other } = rule;
    let mut fields = Fields::default();
    fields.put("from", true, || maybe_id(*from));
    fields.put("to", true, || maybe_id(*to));
    fields.put("link", true, || link(other));
    fields.alone("LinkRule")
}
fn link(link: &Link) -> String {
    let Link { latency, loss, duplication, corruption, message_bytes_max, bandwidth, fifo } = link;
    let Latency { min, max, tail } = latency;
    let usual = Link::between(*min, *max);
    let mut fields = Fields::default();
    if let Some(Tail { chance, max: longest }) = tail {
        fields.put("latency", true, || {
            let tail = format!("Some(Tail {{ chance: Chance({}), max: {} }})", chance.0, duration(*longest));
            format!("Latency {{ min: {}, max: {}, tail: {tail} }}", duration(*min), duration(*max))
        });
    }
    for (name, chance) in [("loss", loss), ("duplication", duplication), ("corruption", corruption)] {
        fields.put(name, chance.0 > 0, || format!("Chance({})", chance.0));
    }
    fields.put("message_bytes_max", message_bytes_max.is_some(), || format!("{message_bytes_max:?}"));
    fields.put("bandwidth", bandwidth.is_some(), || format!("{bandwidth:?}"));
    fields.put("fifo", *fifo != usual.fifo, || fifo.to_string());
    fields.of("Link", &format!("Link::between({}, {})", duration(*min), duration(*max)))
}
fn limits_literal(limits: &Limits) -> String {
    let Limits { events, effects_per_event, message_bytes, effects, bytes, shown } = limits;
    let usual = Limits::default();
    let mut fields = Fields::default();
    fields.put("events", *events != usual.events, || events.to_string());
    fields.put("effects_per_event", *effects_per_event != usual.effects_per_event, || {
        effects_per_event.to_string()
    });
    fields.put("message_bytes", *message_bytes != usual.message_bytes, || message_bytes.to_string());
    fields.put("effects", *effects != usual.effects, || effects.to_string());
    fields.put("bytes", *bytes != usual.bytes, || bytes.to_string());
    fields.put("shown", *shown != usual.shown, || shown.to_string());
    fields.of("Limits", "Limits::default()")
}

fn duration(duration: Duration) -> String {
    let ns = duration.as_nanos();
    match ns {
        _ if ns.is_multiple_of(1_000_000) => format!("Duration::from_millis({})", ns / 1_000_000),
        _ if ns.is_multiple_of(1_000) => format!("Duration::from_micros({})", ns / 1_000),
        _ => format!("Duration::from_nanos({ns})"),
    }
}
fn bytes(bytes: &[u8]) -> String {
    format!("vec!{bytes:?}")
}
fn key_of(key: Key) -> String {
    format!("Key({:#018x})", key.0)
}
fn id_of(node: NodeId) -> String {
    format!("NodeId({})", node.0)
}
fn maybe_id(node: Option<NodeId>) -> String {
    node.map_or("None".to_owned(), |node| format!("Some({})", id_of(node)))
}
fn ids(nodes: &[NodeId]) -> String {
    vec(nodes.iter().map(|node| id_of(*node)).collect())
}
fn vec(items: Vec<String>) -> String {
    list("vec![", "", items, "]")
}
/// Items on one line where they fit, each on lines of its own elsewhere.
fn list(open: &str, blank: &str, items: Vec<String>, close: &str) -> String {
    let line = format!("{open}{blank}{}{blank}{close}", items.join(", "));
    if line.len() <= LINE_MAX && !line.contains('\n') {
        return line;
    }
    let mut lines = format!("{open}\n");
    for item in items {
        let last = item.starts_with(".."); // which takes no comma
        lines.push_str(&indented(&item));
        lines.push_str(if last { "\n" } else { ",\n" });
    }
    lines + close
}
/// Four columns to the right.
pub(crate) fn indented(text: &str) -> String {
    format!("    {}", text.replace('\n', "\n    "))
}
/// Fields of a literal of a structure.
#[derive(Default)]
struct Fields(Vec<String>);
impl Fields {
    /// One more, if it says anything.
    fn put(&mut self, name: &str, says: bool, value: impl FnOnce() -> String) {
        if says {
            self.0.push(format!("{name}: {}", value()));
        }
    }
    /// They are all.
    fn alone(self, name: &str) -> String {
        list(&format!("{name} {{"), " ", self.0, "}")
    }
    /// The rest is as there.
    fn of(mut self, name: &str, base: &str) -> String {
        if self.0.is_empty() {
            return base.to_owned();
        }
        self.0.push(format!("..{base}"));
        self.alone(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use world::{Carried, Chance, ClientId, OperationId, SeenKind};

    /// Without what only lays it out.
    fn packed(code: &str) -> String {
        let code: String = code.chars().filter(|c| !c.is_whitespace()).collect();
        [",}", ",)", ",]"].iter().fold(code, |code, end| code.replace(end, &end[1..]))
    }
    /// What is written of a value is the expression that made it, so it compiles and is the value.
    macro_rules! reads_back {
        ($write:expr; $($literal:expr),+ $(,)?) => { $({
            let value = $literal;
            assert_eq!(packed(&$write(&value)), packed(stringify!($literal)));
        })+ };
    }

    #[test]
    fn faults_read_back() {
        reads_back! { harm;
            Harm::Hold { from: None, to: Some(NodeId(2)), nth: None, matches: None, what: Some(Carried::Message) },
            Harm::Lose {
                from: Some(NodeId(1)),
                to: None,
                nth: Some(2),
                matches: Some(Matcher::Variant(vec![1, 3])),
                what: Some(Carried::Answer),
            },
            Harm::Repeat {
                from: None,
                to: None,
                nth: None,
                matches: Some(Matcher::OneOf(vec![vec![1], vec![]])),
                what: None,
                after: Duration::from_millis(3),
            },
            Harm::Worse {
                from: None,
                to: Some(NodeId(2)),
                loss: Chance(250000),
                duplication: Chance(0),
                corruption: Chance(1),
                late: Duration::from_micros(1500),
            },
            Harm::Rot { file: "wal".into(), damage: Damage::Flip { at: 17, bit: 3 }, node: Who::Node(NodeId(1)) },
            Harm::Rot { file: "wal".into(), damage: Damage::FlipPart { nth: 17, of: 300 }, node: Who::Node(NodeId(1)) },
            Harm::Rot { file: "wal".into(), damage: Damage::Stale { bytes: 9 }, node: Who::Node(NodeId(1)) },
            Harm::Crash { disk: DiskLoss::TornBefore { bytes: 3 }, node: Who::Culprit },
            Harm::Rot { file: "a\"b".into(), damage: Damage::Append(vec![0, 0]), node: Who::Culprit },
            Harm::Crash { disk: DiskLoss::Wiped, node: Who::Culprit },
            Harm::LoseThis { key: Key(0x00000000000000ff) },
            Harm::RepeatThis { key: Key(0x1000000000000000), after: Duration::from_millis(1) },
        }
    }
    #[test]
    fn triggers_read_back() {
        reads_back! { when;
            When::On { trigger: Trigger::AnyEffect { nth: 17 }, nth: 1, after: Duration::from_millis(0) },
            When::On {
                trigger: Trigger::EffectOf { event: Key(0x00000000000000ff), nth: 2 },
                nth: 1,
                after: Duration::from_nanos(7),
            },
            When::On {
                trigger: Trigger::Ended { client: ClientId(1), operation: OperationId(2) },
                nth: 1,
                after: Duration::from_millis(0),
            },
            When::On {
                trigger: Trigger::Seen(Pattern::of(SeenKind::Called).at(NodeId(1)).with(NodeId(9))),
                nth: 3,
                after: Duration::from_millis(0),
            },
        }
    }
    #[test]
    fn a_scenario_says_who_starts_late_is_called_something_and_lives_somewhere() {
        let mut scenario = Scenario::new(vec![NodeSpec::encoded(NodeId(1), "clerk", vec![])], Duration::ZERO);
        let written = |scenario: &Scenario| packed(&Literals(&Trace::default()).scenario(scenario));
        let plain =
            r#"Scenario::new(vec![NodeSpec::encoded(NodeId(1),"clerk",vec![])],Duration::from_millis(0))"#;
        assert_eq!(written(&scenario), plain);
        scenario.regions = true;
        let late =
            scenario.nodes[0].clone().named("coordinator").starting(When::At(Duration::from_millis(5)));
        scenario.nodes[0] = late;
        let more = r#"vec![NodeSpec{starts:When::At(Duration::from_millis(5)),name:Some("coordinator"),..NodeSpec::encoded(NodeId(1),"clerk",vec![])}]"#;
        assert_eq!(
            written(&scenario),
            format!("Scenario{{regions:true,..Scenario::new({more},Duration::from_millis(0))}}")
        );
    }
}
