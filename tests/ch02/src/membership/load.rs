//! `membership`: what a view costs.

use judge::{Reached, Violation};
use kit::{Rule, Saw, Scene};
use lab::NodeId;
use lab::membership::Member;
use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::time::Duration;
use world::{Time, World};

/// How many messages a node sends in an interval, on average.
const EACH: u64 = 6;
/// A node sends and receives at most so many times as much as the average node.
const SHARE: u64 = 4;

/// Messages are few, short, and evenly spread, in the intervals that are counted.
pub(super) struct Load {
    from: Duration,
    intervals: u32,
    interval: Duration,
    nodes: u64,
    /// Messages sent and received, by node.
    counts: BTreeMap<NodeId, (u64, u64)>,
}
impl Load {
    /// So many intervals are counted, from then on.
    pub(super) fn new(nodes: u64, from: Duration, intervals: u32, interval: Duration) -> Load {
        Load { from, intervals, interval, nodes, counts: BTreeMap::new() }
    }
    fn is_counted(&self, at: Time) -> bool {
        let until = self.from + self.interval * self.intervals;
        (self.from..until).contains(&(at - Time::ZERO))
    }
}
impl Rule<Member> for Load {
    fn see(&mut self, scene: Scene<'_>, saw: &Saw<Member>) -> Result<(), Violation> {
        let node = scene.node();
        match saw {
            Saw::Sent { bytes, to, .. } => {
                let most = 512 + 40 * self.nodes;
                if *bytes as u64 > most {
                    let sentence = format!(
                        "{node} sent {to} a message of {bytes} bytes at {}. Among {} nodes, a message has at most {most} bytes.",
                        scene.at(),
                        self.nodes
                    );
                    return Err(scene.breaks("short-messages", sentence).of_costs());
                }
                if self.is_counted(scene.at()) {
                    self.counts.entry(node).or_default().0 += 1;
                }
            }
            Saw::Got { .. } if self.is_counted(scene.at()) => {
                self.counts.entry(node).or_default().1 += 1;
            }
            _ => {}
        }
        Ok(())
    }
    fn end(&mut self, _: &World, _: &mut Reached) -> Result<(), Violation> {
        let (nodes, intervals) = (self.nodes, self.intervals);
        let sent: u64 = self.counts.values().map(|(sent, _)| sent).sum();
        let received: u64 = self.counts.values().map(|(_, received)| received).sum();
        let most = EACH * nodes * u64::from(intervals);
        if sent > most {
            let top = self.counts.iter().max_by_key(|(node, (sent, _))| (*sent, Reverse(**node)));
            let top = top
                .map_or_else(String::new, |(node, (sent, _))| format!(" {node} sent most of them: {sent}."));
            let sentence = format!(
                "{nodes} nodes sent {sent} messages in {intervals} intervals, while nothing went wrong. At most {most} are allowed: \
                 {EACH} for each node and interval.{top}"
            );
            return Err(Violation::never("few-messages", sentence).of_costs());
        }
        let all = sent + received;
        let heavy = self.counts.iter().find(|(_, (sent, received))| (sent + received) * nodes > SHARE * all);
        if let Some((node, (sent, received))) = heavy {
            let sentence = format!(
                "{node} sent {sent} messages and received {received} in {intervals} intervals. That is more than {SHARE} times the \
                 average of the {nodes} nodes: all together sent and received {all}."
            );
            return Err(Violation::never("shared-load", sentence).of_costs());
        }
        Ok(())
    }
}
