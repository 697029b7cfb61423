//! What an account may take out (R1, P5).

use super::*;
use common::rejects;
use lockstep_types::command::Command;
use lockstep_types::order::NewOrder;
use lockstep_types::reject::{Reject, RejectCode};

fn withdraw(amount: Usd) -> Command {
    Command::Withdraw { amount }
}

#[test]
fn a_withdrawal_leaves_what_positions_and_orders_need() {
    let (mut venue, perpetual) = bitcoin_venue(free(MarginRegime::Enforced));
    let (long, other) = (venue.deposit(1, usd(20_000)), rich(&mut venue, 2));
    trade(&mut venue, long, other, perpetual, 1_000, price(100_000));
    venue.limit(long, perpetual, Side::Buy, 1_000, price(99_000));
    // 13,200 of 20,000 are needed.
    let events = venue.send(long, withdraw(Usd(6_800_000_001)));
    let limit = 6_800_000_000;
    let reject = Reject::beyond(RejectCode::InsufficientBalance, limit + 1, limit);
    assert_eq!(rejects(&events), [reject]);
    venue.send_ok(long, withdraw(Usd(limit)));
    let margin = venue.exchange.margin_of(long).unwrap();
    assert_eq!(margin.balance, margin.needed);
    audit(&venue);
}

#[test]
fn profit_that_is_not_realised_cannot_be_withdrawn() {
    let (mut venue, perpetual) = bitcoin_venue(free(MarginRegime::Enforced));
    let (long, other) = (venue.deposit(1, usd(7_000)), rich(&mut venue, 2));
    trade(&mut venue, long, other, perpetual, 1_000, price(100_000));
    venue.move_price(BTC, price(120_000));
    // 27,000 of balance, 7,920 needed, but only 7,000 in cash.
    let too_much = withdraw(Usd(7_000_000_001));
    assert_eq!(venue.refused(long, too_much), RejectCode::InsufficientBalance);
    venue.send_ok(long, withdraw(usd(7_000)));
    assert_eq!(cash(&venue, long), Usd(0));
}

#[test]
fn nothing_leaves_an_account_on_a_frozen_mark() {
    let (mut venue, perpetual) = bitcoin_venue(free(MarginRegime::Enforced));
    let (long, other) = (venue.deposit(1, usd(20_000)), rich(&mut venue, 2));
    let idle = rich(&mut venue, 3);
    trade(&mut venue, long, other, perpetual, 1_000, price(100_000));
    let quoted = venue.quoted.remove(&BTC).unwrap();
    venue.tick_at(venue.time.plus(lockstep_types::units::SpanMs(20_000)));
    assert_eq!(venue.refused(long, withdraw(usd(1))), RejectCode::StaleIndex);
    venue.send_ok(idle, withdraw(usd(1)));
    venue.quoted.insert(BTC, quoted);
    venue.send_ok(long, withdraw(usd(1)));
}

#[test]
fn who_is_being_liquidated_withdraws_nothing_and_places_nothing() {
    let (mut venue, perpetual) = bitcoin_venue(free(MarginRegime::Enforced));
    let (long, other) = (venue.deposit(1, usd(7_000)), rich(&mut venue, 2));
    trade(&mut venue, long, other, perpetual, 1_000, price(100_000));
    venue.move_price(BTC, price(97_000));
    assert!(venue.exchange.account_view(long).unwrap().liquidating);
    assert_eq!(venue.refused(long, withdraw(Usd(1))), RejectCode::BelowMaintenance);
    let order = NewOrder::limit(perpetual, Side::Sell, Lots(1), price(97_000));
    assert_eq!(venue.refused(long, Command::Place(order)), RejectCode::BelowMaintenance);
    audit(&venue);
}

#[test]
fn without_margin_cash_is_still_the_limit() {
    let (mut venue, _) = bitcoin_venue(free(MarginRegime::Off));
    let account = venue.deposit(1, usd(5));
    assert_eq!(venue.refused(account, withdraw(Usd(5_000_001))), RejectCode::InsufficientBalance);
    venue.send_ok(account, withdraw(usd(5)));
    audit(&venue);
}
