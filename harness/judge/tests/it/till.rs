//! The suite's own part in the toys: the service that clerks call.

use crate::toys::Bill;
use lab::Contract;
use lab::prelude::*;
use std::collections::BTreeSet;

/// The contract of [`Till`].
pub(crate) enum Tills {}
impl Contract for Tills {
    const ROLE: &'static str = "till";
    type Config = ();
    type Request = Bill;
    type Response = u32;
    type Event = Bill;
    type Status = ();
    type Call = Nothing;
    type Answer = Nothing;
}
/// Charges each bill once, by its id, and answers with its amount.
pub(crate) struct Till(BTreeSet<u64>);
impl Node for Till {
    type Contract = Tills;
    type Message = Nothing;
    type Timer = Nothing;
    fn start(_: Boot<Self>, _: &mut Out<Self>) -> Self {
        Till(BTreeSet::new())
    }
    fn on_request(&mut self, id: RequestId, bill: Bill, out: &mut Out<Self>) {
        if self.0.insert(bill.id) {
            out.emit(bill);
        }
        out.reply(id, bill.amount);
    }
}
