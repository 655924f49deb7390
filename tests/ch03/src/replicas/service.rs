//! The view service of a run: it keeps one view in force, and makes the next one when it is asked to, when the primary is silent, and
//! whenever an order of the suite says so.
//!
//! It keeps the promises that the contract makes for it (`lab::primary_backup::Call`). A service never crashes.

use lab::prelude::*;
use lab::primary_backup::{Answer, View};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use world::NodeSpec;

/// What a view service is told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Config {
    /// The view that is in force at the beginning.
    pub(crate) first: View,
    /// A primary that has not called for so long is replaced; `None`: only orders replace it.
    pub(crate) dead_after: Option<Duration>,
    /// What the suite orders. Each is carried out once, or never.
    pub(crate) orders: Vec<Order>,
}
impl Config {
    /// One that only does what it is asked.
    pub(crate) fn patient(first: View) -> Config {
        Config { first, dead_after: None, orders: Vec::new() }
    }
}
/// At this moment, this node becomes the primary, if it is in sync then.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Order {
    /// When.
    pub(crate) moment: Moment,
    /// Which node.
    pub(crate) whom: Whom,
}
/// When an order is carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Moment {
    /// This long after the beginning.
    At(Duration),
    /// When the `nth` call that would shrink the set arrives, from 1: instead of that change.
    DropAsked(u32),
    /// Right after the `nth` change that made the set larger, from 1: before its call is answered.
    Added(u32),
}
/// Whom an order makes the primary.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Whom {
    /// This node.
    Node(NodeId),
    /// The first node that the call would drop, or that it has added.
    TheOne,
    /// The first one of the set.
    Any,
}

/// What the service is asked: by nodes what `Call` says, with the same encoding; by the suite to promote a node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Request {
    /// As [`lab::primary_backup::Call::Ping`].
    Ping,
    /// As [`lab::primary_backup::Call::InSync`].
    InSync {
        /// Under this view.
        view: u64,
        /// This set.
        in_sync: BTreeSet<NodeId>,
    },
    /// A client of the suite makes this node the primary, if it is in sync.
    Promote(NodeId),
}
/// What the service makes known, before it answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Event {
    /// This view is in force from here on.
    View(View),
}

/// The contract of the service.
pub(crate) enum Views {}
impl lab::Contract for Views {
    const ROLE: &'static str = "views";
    type Config = Config;
    type Request = Request;
    type Response = Answer;
    type Event = Event;
    type Status = ();
    type Call = Nothing;
    type Answer = Nothing;
}

/// The view service, as a node that is nobody's peer.
pub(crate) fn view_service(id: NodeId, config: &Config) -> NodeSpec {
    NodeSpec::service::<Views>(id, config, lab::Role::node::<Service>).named("views")
}

/// A node that has called within this time may be promoted because the primary is silent.
const ALIVE: Duration = kit::ms(300);

/// What wakes the service.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
enum Alarm {
    /// An order's moment: its place.
    Order(u32),
    /// Perhaps the primary has been silent for too long.
    Silence,
}

/// The service itself.
struct Service {
    view: View,
    dead_after: Option<Duration>,
    orders: Vec<Option<Order>>,
    /// When each node last called.
    heard: BTreeMap<NodeId, Instant>,
    opened: Instant,
    shrinking: u32,
    growing: u32,
}
impl Service {
    fn set(&mut self, view: View, out: &mut Out<Self>) {
        self.view = view;
        out.emit(Event::View(self.view.clone()));
    }
    /// Makes a member of the set the primary, if there is one such.
    fn promote(&mut self, node: Option<NodeId>, out: &mut Out<Self>) -> bool {
        let node = node.filter(|node| self.view.in_sync.contains(node));
        if let Some(primary) = node {
            let number = self.view.number + 1;
            let mut in_sync = self.view.in_sync.clone();
            in_sync.remove(&primary);
            self.set(View { number, epoch: number, primary, in_sync }, out);
            if let Some(dead_after) = self.dead_after {
                out.set_timer(dead_after, Alarm::Silence);
            }
        }
        node.is_some()
    }
    /// Carries out the order for this moment, if there is one.
    fn carry_out(&mut self, moment: Moment, the_one: Option<NodeId>, out: &mut Out<Self>) -> bool {
        let place = self.orders.iter().position(|order| order.is_some_and(|order| order.moment == moment));
        let Some(order) = place.and_then(|place| self.orders[place].take()) else { return false };
        let node = match order.whom {
            Whom::Node(node) => Some(node),
            Whom::TheOne => the_one,
            Whom::Any => self.view.in_sync.first().copied(),
        };
        self.promote(node, out)
    }
    /// The primary asks for another set.
    fn change(&mut self, in_sync: BTreeSet<NodeId>, out: &mut Out<Self>) {
        let dropped = self.view.in_sync.difference(&in_sync).next().copied();
        if dropped.is_some() {
            self.shrinking += 1;
            if self.carry_out(Moment::DropAsked(self.shrinking), dropped, out) {
                return;
            }
        }
        let added = in_sync.difference(&self.view.in_sync).next().copied();
        let view = View { number: self.view.number + 1, in_sync, ..self.view.clone() };
        self.set(view, out);
        if added.is_some() {
            self.growing += 1;
            self.carry_out(Moment::Added(self.growing), added, out);
        }
    }
    /// How long the primary has been silent.
    fn silent(&self, out: &Out<Self>) -> Duration {
        out.now() - self.heard.get(&self.view.primary).copied().unwrap_or(self.opened)
    }
}
impl Node for Service {
    type Contract = Views;
    type Message = Nothing;
    type Timer = Alarm;

    fn start(boot: Boot<Self>, out: &mut Out<Self>) -> Self {
        let Config { first, dead_after, orders } = boot.config;
        for (place, order) in (0..).zip(&orders) {
            if let Moment::At(after) = order.moment {
                out.set_timer(after, Alarm::Order(place));
            }
        }
        if let Some(dead_after) = dead_after {
            out.set_timer(dead_after, Alarm::Silence);
        }
        let orders = orders.into_iter().map(Some).collect();
        let (opened, heard) = (out.now(), BTreeMap::new());
        Service { view: first, dead_after, orders, heard, opened, shrinking: 0, growing: 0 }
    }
    fn on_request(&mut self, id: RequestId, request: Request, out: &mut Out<Self>) {
        let caller = world::caller(id);
        if let Some(caller) = caller {
            self.heard.insert(caller, out.now());
        }
        match request {
            Request::Ping => {}
            Request::InSync { view, in_sync } => {
                if view == self.view.number
                    && caller == Some(self.view.primary)
                    && !in_sync.contains(&self.view.primary)
                {
                    self.change(in_sync, out);
                }
            }
            Request::Promote(node) if caller.is_none() => _ = self.promote(Some(node), out),
            Request::Promote(_) => {}
        }
        out.reply(id, Answer::View(self.view.clone()));
    }
    fn on_timer(&mut self, alarm: Alarm, out: &mut Out<Self>) {
        match alarm {
            Alarm::Order(place) => {
                if let Some(Some(order)) = self.orders.get(place as usize).copied() {
                    self.carry_out(order.moment, None, out);
                }
            }
            Alarm::Silence => {
                let Some(dead_after) = self.dead_after else { return };
                let silent = self.silent(out);
                if silent < dead_after {
                    out.set_timer(dead_after - silent, Alarm::Silence);
                    return;
                }
                let is_alive =
                    |node: &&NodeId| self.heard.get(node).is_some_and(|heard| out.now() - *heard <= ALIVE);
                let next = self.view.in_sync.iter().find(is_alive).copied();
                if !self.promote(next, out) {
                    out.set_timer(ALIVE, Alarm::Silence);
                }
            }
        }
    }
}
