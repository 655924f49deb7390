//! Services of contracts, as a student's test owns them.

use lab::Service;
use lab::idempotency::{Answer, Bank, BankConfig, Call, Payment, Receipt};
use lab::prelude::*;

const HOUR: Duration = Duration::from_secs(3_600);

fn bank() -> Bank {
    Bank::open(BankConfig { cents_max: 1_000, remembers: 4 * HOUR })
}
fn call(key: &str, cents: u32) -> Call {
    Call { key: key.to_owned(), payment: Payment { account: 7, cents } }
}
fn charged(receipt: u64) -> Answer {
    Answer::Charged { receipt: Receipt(receipt) }
}

#[test]
fn the_bank_charges_once_for_each_key_of_each_node() {
    let (mut bank, [n1, n2]) = (bank(), [1, 2].map(NodeId));
    let answers = [
        bank.handle(HOUR, n1, &call("tea", 10)),
        bank.handle(HOUR, n1, &call("tea", 10)),
        bank.handle(HOUR, n1, &call("rye", 10)),
        bank.handle(HOUR, n2, &call("tea", 10)),
    ];
    assert_eq!(answers, [charged(1), charged(1), charged(2), charged(3)]);
    assert_eq!(bank.charges().len(), 3);
}

#[test]
fn the_bank_refuses_another_payment_under_a_key_that_it_has_charged() {
    let mut bank = bank();
    assert_eq!(bank.handle(HOUR, NodeId(1), &call("tea", 10)), charged(1));
    assert_eq!(bank.handle(HOUR, NodeId(1), &call("tea", 11)), Answer::Mismatch);
    assert_eq!(bank.handle(HOUR, NodeId(1), &call("tea", 10)), charged(1));
}

#[test]
fn a_payment_that_the_bank_declines_takes_no_key() {
    let mut bank = bank();
    assert_eq!(bank.handle(HOUR, NodeId(1), &call("tea", 1_001)), Answer::Declined);
    assert_eq!(bank.handle(HOUR, NodeId(1), &call("tea", 1_000)), charged(1));
}

#[test]
fn the_bank_forgets_a_key_after_its_time() {
    let mut bank = bank();
    assert_eq!(bank.handle(HOUR, NodeId(1), &call("tea", 10)), charged(1));
    assert_eq!(bank.handle(5 * HOUR, NodeId(1), &call("tea", 10)), charged(1));
    assert_eq!(bank.handle(5 * HOUR + Duration::from_secs(1), NodeId(1), &call("tea", 10)), charged(2));
}
