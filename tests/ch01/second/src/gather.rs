//! `gather` with a desk for each shard, and one timer for all. A desk has the searches that its shard has yet to answer; the numbers of
//! searches come from blocks that are reserved on the disk, and each pause is twice as long as the one before.

use lab::gather::{self as contract, Config, Message, Request, Response};
use lab::prelude::*;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// All numbers below this one may have been used.
const RESERVED: Saved<u64> = Saved::new("reserved");
const BLOCK: u64 = 8;

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct Wake;

pub struct Gatherer {
    config: Config,
    next: u64,
    reserved: u64,
    /// By shard: what it has yet to answer.
    desks: BTreeMap<NodeId, VecDeque<Task>>,
    /// The searches that clients wait for, by their numbers.
    searches: BTreeMap<u64, Search>,
}
struct Task {
    search: u64,
    text: u64,
    asks: Instant,
    pause: Duration,
}
struct Search {
    client: RequestId,
    ends: Instant,
    parts: Vec<(NodeId, Vec<u64>)>,
}

impl Node for Gatherer {
    type Contract = contract::Gatherer;
    type Message = Message;
    type Timer = Wake;

    fn start(boot: Boot<Self>, _out: &mut Out<Self>) -> Self {
        let reserved = boot.disk.load(RESERVED).unwrap_or(0);
        let desks = boot.config.shards.iter().map(|shard| (*shard, VecDeque::new())).collect();
        Gatherer { config: boot.config, next: reserved, reserved, desks, searches: BTreeMap::new() }
    }

    fn on_request(&mut self, client: RequestId, request: Request, out: &mut Out<Self>) {
        let Request::Search { text, within } = request;
        if self.next == self.reserved {
            self.reserved += BLOCK;
            out.save(RESERVED, &self.reserved);
            out.sync();
        }
        let (search, now) = (self.next, out.now());
        self.next += 1;
        self.searches.insert(search, Search { client, ends: now + within, parts: Vec::new() });
        for desk in self.desks.values_mut() {
            desk.push_back(Task { search, text, asks: now, pause: self.config.resend });
        }
        self.work(out);
    }

    fn on_message(&mut self, from: NodeId, message: Message, out: &mut Out<Self>) {
        let Message::Part { search, hits } = message else { return };
        let Some(desk) = self.desks.get_mut(&from) else { return };
        let had = desk.len();
        desk.retain(|task| task.search != search);
        if desk.len() < had
            && let Some(search) = self.searches.get_mut(&search)
        {
            search.parts.push((from, hits));
        }
        self.work(out);
    }

    fn on_timer(&mut self, Wake: Wake, out: &mut Out<Self>) {
        self.work(out);
    }
}

impl Gatherer {
    /// Answers what is complete or due, asks where it is time, and sleeps until something is due.
    fn work(&mut self, out: &mut Out<Self>) {
        let (now, shards) = (out.now(), self.config.shards.len());
        let is_over = |search: &Search| search.ends <= now || search.parts.len() == shards;
        for (number, Search { client, parts, .. }) in
            self.searches.extract_if(.., |_, search| is_over(search))
        {
            let hits: BTreeMap<NodeId, Vec<u64>> = parts.into_iter().collect();
            let mut missing = BTreeSet::new();
            for (shard, desk) in &mut self.desks {
                if !hits.contains_key(shard) {
                    missing.insert(*shard);
                }
                desk.retain(|task| task.search != number);
            }
            out.reply(client, Response::Found { hits, missing });
        }
        let mut next = self.searches.values().map(|search| search.ends).min();
        for (shard, desk) in &mut self.desks {
            for task in desk {
                if task.asks <= now {
                    out.send(*shard, Message::Ask { search: task.search, text: task.text });
                    task.asks = now + task.pause;
                    task.pause *= 2;
                }
                next = next.map(|next| next.min(task.asks));
            }
        }
        match next {
            Some(next) => out.set_timer(next - now, Wake),
            None => out.cancel_timer(Wake),
        }
    }
}
