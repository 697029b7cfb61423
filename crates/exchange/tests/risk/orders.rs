//! New orders against initial margin (R1).

use super::*;
use common::rejects;
use lockstep_types::command::{CancelScope, Command};
use lockstep_types::order::NewOrder;
use lockstep_types::reject::{Reject, RejectCode};

fn order(what: InstrumentId, side: Side, lots: i64, at: Price) -> Command {
    Command::Place(NewOrder::limit(what, side, Lots(lots), at))
}

fn enforced() -> (Venue, InstrumentId) {
    bitcoin_venue(free(MarginRegime::Enforced))
}

fn needed(venue: &Venue, account: AccountId) -> (i64, i64) {
    let margin = venue.exchange.margin_of(account).unwrap();
    (margin.needed, margin.balance)
}

#[test]
fn an_order_is_taken_up_to_the_last_micro_of_initial_margin() {
    let (mut venue, perpetual) = enforced();
    // One bitcoin needs 6.6 % of 100,000.
    let poor = venue.deposit(1, Usd(6_599_999_999));
    let buy = order(perpetual, Side::Buy, 1_000, price(100_000));
    let events = venue.send(poor, buy.clone());
    let limit = 6_600_000_000;
    let reject = Reject::beyond(RejectCode::InsufficientMargin, 6_599_999_999, limit);
    assert_eq!(rejects(&events), [reject]);
    assert_eq!(reject.code.rule(), "R1");
    venue.deposit(1, Usd(1));
    venue.send_ok(poor, buy);
    assert_eq!(needed(&venue, poor), (limit, limit));
    audit(&venue);
}

#[test]
fn open_orders_of_both_sides_need_the_worse_one_and_instruments_add_up() {
    let (mut venue, perpetual) = enforced();
    let future = venue.list("BTC_USDC-27MAR26");
    let account = venue.deposit(1, usd(20_000));
    venue.send_ok(account, order(perpetual, Side::Buy, 1_000, price(99_000)));
    venue.send_ok(account, order(perpetual, Side::Sell, 2_000, price(101_000)));
    assert_eq!(needed(&venue, account).0, 13_200_000_000);
    venue.send_ok(account, order(future, Side::Buy, 1_000, price(99_000)));
    assert_eq!(needed(&venue, account).0, 19_800_000_000);
    venue.send_ok(account, Command::CancelAll(CancelScope::Account));
    assert_eq!(needed(&venue, account).0, 0);
}

#[test]
fn a_limit_worse_than_mark_reserves_the_loss_and_the_fee() {
    let (mut venue, perpetual) = bitcoin_venue(VenueParams::default());
    let account = venue.deposit(1, usd(20_000));
    venue.send_ok(account, order(perpetual, Side::Buy, 1_000, price(101_000)));
    // 6.6 % of the index, 1,000 above mark, 0.035 % of 101,000.
    assert_eq!(needed(&venue, account).0, 6_600_000_000 + 1_000_000_000 + 35_350_000);
}

#[test]
fn before_the_first_index_no_order_is_taken() {
    let mut venue = Venue::new(free(MarginRegime::Enforced));
    venue.must(SystemCommand::AddUnderlying(bitcoin()));
    let perpetual = venue.list("BTC_USDC-PERPETUAL");
    let account = rich(&mut venue, 1);
    let buy = order(perpetual, Side::Buy, 1, price(100_000));
    assert_eq!(venue.refused(account, buy), RejectCode::StaleIndex);
}

/// A long of one bitcoin that has lost too much for initial margin: 5,500 left, 6,270 needed.
fn losing() -> (Venue, InstrumentId, AccountId) {
    let (mut venue, perpetual) = enforced();
    let (long, other) = (venue.deposit(1, usd(10_500)), rich(&mut venue, 2));
    trade(&mut venue, long, other, perpetual, 1_000, price(100_000));
    venue.move_price(BTC, price(95_000));
    let margin = venue.exchange.margin_of(long).unwrap();
    assert_eq!((margin.balance, margin.initial), (5_500_000_000, 6_270_000_000));
    assert!(!margin.is_below_maintenance());
    (venue, perpetual, long)
}

#[test]
fn below_initial_margin_only_closing_orders_are_taken() {
    let (mut venue, perpetual, long) = losing();
    let buy = order(perpetual, Side::Buy, 1, price(90_000));
    assert_eq!(venue.refused(long, buy), RejectCode::InsufficientMargin);
    let more_than_all = order(perpetual, Side::Sell, 1_001, price(96_000));
    assert_eq!(venue.refused(long, more_than_all), RejectCode::InsufficientMargin);
    venue.send_ok(long, order(perpetual, Side::Sell, 600, price(96_000)));
    let together_too_much = order(perpetual, Side::Sell, 401, price(96_000));
    assert_eq!(venue.refused(long, together_too_much), RejectCode::InsufficientMargin);
    venue.send_ok(long, order(perpetual, Side::Sell, 400, price(97_000)));
    audit(&venue);
}

#[test]
fn a_closing_order_may_not_cost_more_than_there_is() {
    let (mut venue, perpetual, long) = losing();
    // 5,500 below the mark of 95,000 on the whole position is all that is left.
    let ruinous = order(perpetual, Side::Sell, 1_000, Price(89_499_900_000));
    assert_eq!(venue.refused(long, ruinous), RejectCode::InsufficientMargin);
    venue.send_ok(long, order(perpetual, Side::Sell, 1_000, price(89_500)));
}

/// A bear call spread: short the 100,000 call, long the 110,000 call, 12,000 in cash.
fn spread() -> (Venue, [InstrumentId; 2], AccountId) {
    let (mut venue, _) = enforced();
    let calls =
        ["BTC_USDC-27MAR26-100000-C", "BTC_USDC-27MAR26-110000-C"].map(|name| venue.list(name));
    let (account, other) = (venue.deposit(1, usd(40_000)), rich(&mut venue, 2));
    trade(&mut venue, account, other, calls[1], 1_000, price(1_000));
    trade(&mut venue, other, account, calls[0], 1_000, price(1_000));
    let surplus = Usd(cash(&venue, account).0 - 12_000_000_000);
    venue.send_ok(account, Command::Withdraw { amount: surplus });
    let margin = venue.exchange.margin_of(account).unwrap();
    assert_eq!((margin.initial, margin.balance), (10_000_000_000, 12_000_000_000));
    (venue, calls, account)
}

#[test]
fn the_long_leg_of_a_spread_can_be_sold_only_with_margin_for_the_short_alone() {
    let (mut venue, [short, long], account) = spread();
    let sell = order(long, Side::Sell, 1_000, price(2_000));
    assert_eq!(venue.refused(account, sell.clone()), RejectCode::InsufficientMargin);
    venue.deposit(1, usd(20_000));
    venue.send_ok(account, sell);
    audit(&venue);
    // The short leg can always be bought back, as far as cash goes.
    let (mut venue, ..) = spread();
    venue.send_ok(account, order(short, Side::Buy, 1_000, price(12_000)));
    let dear = order(short, Side::Buy, 1, price(13_000));
    assert_eq!(venue.refused(account, dear), RejectCode::InsufficientMargin);
}

#[test]
fn a_long_option_needs_its_premium_and_no_more() {
    let (mut venue, _) = enforced();
    let call = venue.list("BTC_USDC-27MAR26-100000-C");
    let account = venue.deposit(1, usd(5_000));
    let too_dear = order(call, Side::Buy, 1_000, Price(5_000_100_000));
    assert_eq!(venue.refused(account, too_dear), RejectCode::InsufficientMargin);
    venue.send_ok(account, order(call, Side::Buy, 1_000, price(5_000)));
}

#[test]
fn without_margin_everything_passes() {
    let (mut venue, perpetual) = bitcoin_venue(free(MarginRegime::Off));
    let (poor, other) = (venue.deposit(1, usd(1)), rich(&mut venue, 2));
    trade(&mut venue, poor, other, perpetual, 1_000_000, price(100_000));
    let events = venue.move_price(BTC, price(90_000));
    assert!(!events.iter().any(|event| matches!(event, Event::LiquidationStarted { .. })));
    audit(&venue);
}
