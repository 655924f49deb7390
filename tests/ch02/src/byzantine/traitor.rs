//! Nodes that the suite plays: they say what a script tells them to, and listen to nobody.

use lab::byzantine::Message;
use lab::prelude::*;
use lab::{Contract, Role};
use world::NodeSpec;

/// Something that a traitor says.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Line {
    /// When.
    pub(super) at: Duration,
    /// To which node.
    pub(super) to: NodeId,
    /// What.
    pub(super) message: Message,
}

/// A traitor with this name and this script.
pub(super) fn traitor(id: NodeId, script: &[Line]) -> NodeSpec {
    NodeSpec::puppet::<Script>(id, &script.to_vec(), Role::node::<Traitor>).named("traitor")
}

/// What the suite asks of a traitor.
enum Script {}
impl Contract for Script {
    const ROLE: &'static str = "byzantine/traitor";
    type Config = Vec<Line>;
    type Request = Nothing;
    type Response = Nothing;
    type Event = Nothing;
    type Status = ();
    type Call = Nothing;
    type Answer = Nothing;
}

struct Traitor {
    /// What is left to say, the last of it first.
    script: Vec<Line>,
}
impl Node for Traitor {
    type Contract = Script;
    type Message = Message;
    type Timer = ();

    fn start(boot: Boot<Self>, out: &mut Out<Self>) -> Self {
        let mut script = boot.config;
        script.sort_by_key(|line| line.at);
        script.reverse();
        let traitor = Traitor { script };
        traitor.wait(Duration::ZERO, out);
        traitor
    }
    fn on_timer(&mut self, (): (), out: &mut Out<Self>) {
        let Some(now) = self.script.last().map(|line| line.at) else { return };
        while let Some(line) = self.script.pop_if(|line| line.at == now) {
            out.send(line.to, line.message);
        }
        self.wait(now, out);
    }
}
impl Traitor {
    /// Waits for the next line, at a time at which all earlier ones are said.
    fn wait(&self, now: Duration, out: &mut Out<Self>) {
        if let Some(next) = self.script.last() {
            out.set_timer(next.at - now, ());
        }
    }
}
