//! The split of fees and the base fee (F2, F3).

use super::*;
use lockstep_types::command::{Command, UserCommand};
use lockstep_types::order::NewOrder;
use lockstep_types::params::WorkWeights;

#[test]
fn fees_are_split_at_the_end_of_the_block_and_nothing_is_lost() {
    let (mut venue, perpetual) = bitcoin_venue(VenueParams::default());
    let (buyer, seller) = (rich(&mut venue, 1), rich(&mut venue, 2));
    trade(&mut venue, buyer, seller, perpetual, 333, Price(100_000_100_000));
    // 0.045 % of 33,300.0333: maker 3.33000333, taker 11.655011655, each rounded up.
    let paid = 3_330_004 + 11_655_012;
    let funds = venue.exchange.funds();
    assert_eq!(funds.fees, Usd(0));
    assert_eq!(funds.validators, Usd(paid / 2));
    assert_eq!(funds.insurance, Usd(paid * 3 / 10));
    assert_eq!(funds.treasury, Usd(paid - paid / 2 - paid * 3 / 10));
    audit(&venue);
}

/// A venue whose blocks are full with ten orders.
fn small_blocks() -> (Venue, InstrumentId) {
    bitcoin_venue(VenueParams {
        work: WorkWeights { order: 10, cancel: 2, other: 5 },
        block_work_max: 100,
        base_fee_floor: Usd(10),
        ..free(MarginRegime::Off)
    })
}

fn orders(
    venue: &mut Venue,
    account: AccountId,
    what: InstrumentId,
    count: i64,
) -> Vec<UserCommand> {
    let order = |number: i64| NewOrder::limit(what, Side::Buy, Lots(1), price(90_000 + number));
    (0..count).map(|number| venue.command(account, Command::Place(order(number)))).collect()
}

#[test]
fn the_base_fee_rises_with_full_blocks_and_returns_to_nothing() {
    let (mut venue, perpetual) = small_blocks();
    let account = rich(&mut venue, 1);
    assert_eq!(venue.exchange.funds().base_fee_nano, 0);
    let before = cash(&venue, account);
    let commands = orders(&mut venue, account, perpetual, 10);
    let events = venue.block(Vec::new(), commands);
    assert_eq!(cash(&venue, account), before, "the first full block is free");
    // An eighth above the floor of 10 micro-USD per unit.
    assert!(events.contains(&Event::BaseFee { per_unit: Usd(12) }));
    assert_eq!(venue.exchange.funds().base_fee_nano, 11_250);
    let commands = orders(&mut venue, account, perpetual, 10);
    venue.block(Vec::new(), commands);
    // Ten orders of ten units at 11.25 micro-USD, each rounded up.
    assert_eq!(before.0 - cash(&venue, account).0, 10 * 113);
    assert_eq!(venue.exchange.funds().base_fee_nano, 12_656);
    let mut calm = 0;
    while venue.exchange.funds().base_fee_nano > 0 {
        venue.tick();
        calm += 1;
        assert!(calm < 5, "an eighth per block");
    }
    assert_eq!(calm, 2);
    audit(&venue);
}

#[test]
fn half_full_blocks_leave_the_base_fee_where_it_is() {
    let (mut venue, perpetual) = small_blocks();
    let account = rich(&mut venue, 1);
    let commands = orders(&mut venue, account, perpetual, 10);
    venue.block(Vec::new(), commands);
    let level = venue.exchange.funds().base_fee_nano;
    let commands = orders(&mut venue, account, perpetual, 5);
    let events = venue.block(Vec::new(), commands);
    assert_eq!(venue.exchange.funds().base_fee_nano, level);
    assert!(!events.iter().any(|event| matches!(event, Event::BaseFee { .. })));
}
