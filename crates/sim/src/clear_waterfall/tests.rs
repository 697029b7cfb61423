//! The published vectors of the waterfall, step by step, and what is refused.

mod properties;
mod slices;

use super::*;

const USD: i64 = 1_000_000;
const PERPETUAL: u32 = 1;
const OTHER_PERPETUAL: u32 = 2;
const CALL: u32 = 3;
const OTHER_CALL: u32 = 4;
/// Underlyings of the instruments above: odd and even.
const UNDERLYINGS: [u8; 2] = [1, 2];

const ALICE: u32 = 10;
const BOB: u32 = 11;
const CAROL: u32 = 12;
const DAVE: u32 = 13;
const VENUE: u32 = 99;

fn rules() -> Rules {
    let contract = |underlying, is_option| Contract { underlying, is_option };
    Rules {
        contracts: BTreeMap::from([
            (PERPETUAL, contract(1, false)),
            (OTHER_PERPETUAL, contract(2, false)),
            (CALL, contract(1, true)),
            (OTHER_CALL, contract(2, true)),
        ]),
        liquidation_fee_ppm: 5_000,
        option_fee_cap_ppm: 125_000,
        slice_lots: SliceLots::AwayFromZero,
    }
}

/// A venue where these accounts have cash.
fn venue(cash: &[(u32, i64)]) -> ClearWaterfall {
    let mut venue = ClearWaterfall::new(rules());
    for &(account, amount) in cash {
        flow(&mut venue, Purse::Account(account), amount);
    }
    for underlying in UNDERLYINGS {
        venue.apply(&Event::Index { underlying, price: 100_000 * USD }).unwrap();
    }
    venue
}

fn flow(venue: &mut ClearWaterfall, purse: Purse, amount: i64) {
    venue.apply(&Event::Flow { purse, amount }).unwrap();
}

fn mark(venue: &mut ClearWaterfall, instrument: u32, price: i64) {
    venue.apply(&Event::Mark { instrument, price }).unwrap();
}

/// `buyer` buys lots of the perpetual.
fn fill(buyer: u32, seller: u32, lots: i64, price: i64) -> Fill {
    Fill { instrument: PERPETUAL, price, lots, buyer, seller }
}

fn trade(venue: &mut ClearWaterfall, fill: Fill) {
    venue.apply(&Event::Trade { fill, buyer_fee: 0, seller_fee: 0 }).unwrap();
}

fn cash(venue: &ClearWaterfall, account: u32) -> i64 {
    i64::try_from(venue.money(Purse::Account(account))).unwrap()
}

fn equity(venue: &ClearWaterfall, account: u32) -> i64 {
    i64::try_from(venue.equity(account).unwrap()).unwrap()
}

fn lots(venue: &ClearWaterfall, account: u32) -> i128 {
    venue.position(account, PERPETUAL).lots
}

fn weights(pairs: &[(u8, u64)]) -> BTreeMap<u8, u64> {
    pairs.iter().copied().collect()
}

/// Alice has `cash` and one unit of the perpetual, bought from the venue at 100,000.
fn long_alice(cash: i64) -> ClearWaterfall {
    let mut venue = venue(&[(ALICE, cash), (VENUE, 1_000_000 * USD), (BOB, 100_000 * USD)]);
    trade(&mut venue, fill(ALICE, VENUE, 1_000, 100_000 * USD));
    venue
}

#[test]
fn partial_liquidations_are_those_of_vectors_l1_and_l2() {
    for (price, lots_closed, cash_after, equity_after, fee) in [
        (98_900_000_000, 110, 5_824_605_000, 4_845_605_000, 54_395_000),
        (98_504_400_000, 119, 5_763_413_482, 4_794_313_482, 58_610_118),
    ] {
        let mut venue = long_alice(6_000 * USD);
        mark(&mut venue, PERPETUAL, 98_900 * USD);
        let fill = fill(BOB, ALICE, lots_closed, price);
        let event = Event::Liquidation { fill, account: ALICE, other_fee: 7 };
        let outcome = venue.apply(&event).unwrap();
        assert_eq!(outcome.liquidation_fee, fee);
        assert_eq!(cash(&venue, ALICE), cash_after);
        assert_eq!(equity(&venue, ALICE), equity_after);
        assert_eq!(lots(&venue, ALICE), 1_000 - i128::from(lots_closed));
        assert_eq!((venue.money(Purse::Fund(1)), venue.money(Purse::Fund(2))), (fee, 0));
        assert_eq!((cash(&venue, BOB), venue.money(Purse::Fees)), (100_000 * USD - 7, 7));
    }
}

#[test]
fn a_short_is_liquidated_as_in_vector_l3() {
    let mut venue = venue(&[(ALICE, 5_500 * USD), (BOB, 100_000 * USD)]);
    trade(&mut venue, fill(BOB, ALICE, 1_000, 100_000 * USD));
    mark(&mut venue, PERPETUAL, 100_700 * USD);
    assert_eq!(equity(&venue, ALICE), 4_800 * USD);
    let fill = fill(ALICE, BOB, 157, 101_002_100_000);
    venue.apply(&Event::Liquidation { fill, account: ALICE, other_fee: 0 }).unwrap();
    assert_eq!(cash(&venue, ALICE), 5_263_383_651);
    assert_eq!(equity(&venue, ALICE), 4_673_283_651);
    assert_eq!(lots(&venue, ALICE), -843);
    assert_eq!(venue.money(Purse::Fund(1)), 79_286_649);
}

#[test]
fn insurance_covers_as_in_vector_l8() {
    let mut venue = long_alice(2_000 * USD);
    flow(&mut venue, Purse::Fund(1), 5_000 * USD);
    mark(&mut venue, PERPETUAL, 97_200 * USD);
    assert_eq!(equity(&venue, ALICE), -800 * USD);
    // The vector closes without a fee.
    trade(&mut venue, fill(BOB, ALICE, 1_000, 96_950 * USD));
    assert_eq!(cash(&venue, ALICE), -1_050 * USD);
    let event = Event::Cover { account: ALICE, weights: weights(&[(1, 1)]) };
    let outcome = venue.apply(&event).unwrap();
    assert_eq!(outcome.from_funds, BTreeMap::from([(1, 1_050_000_000)]));
    assert_eq!((outcome.from_shared, outcome.uncovered), (0, 0));
    assert_eq!(venue.money(Purse::Fund(1)), 3_950_000_000);
    assert_eq!(cash(&venue, ALICE), 0);
}

#[test]
fn deleveraging_is_that_of_vector_l9() {
    let shorts = [(BOB, 700), (CAROL, 1_200), (DAVE, 300), (14, 50)];
    let leverage = BTreeMap::from([(BOB, 8), (CAROL, 2), (DAVE, 20), (14, 1)]);
    let mut venue = venue(&[(ALICE, 2_000 * USD), (VENUE, 1_000_000 * USD)]);
    trade(&mut venue, fill(ALICE, VENUE, 1_000, 100_000 * USD));
    for (account, size) in shorts {
        flow(&mut venue, Purse::Account(account), 10_000 * USD);
        trade(&mut venue, fill(VENUE, account, size, 100_000 * USD));
    }
    flow(&mut venue, Purse::Fund(1), 1_000 * USD);
    mark(&mut venue, PERPETUAL, 95_000 * USD);
    let event = Event::Cover { account: ALICE, weights: weights(&[(1, 3)]) };
    let outcome = venue.apply(&event).unwrap();
    assert_eq!(outcome.from_funds[&1], 1_000_000_000);
    assert_eq!(outcome.uncovered, 2_000_000_000);
    let price = terms::deleverage_price(95_000_000_000, outcome.uncovered, 1_000);
    assert_eq!(price, 97_000_000_000);
    assert_eq!(terms::deleverage_price(95_000_000_000, 3_000_000_000, 1_000), 98_000_000_000);
    let weights: BTreeMap<u32, u64> = shorts
        .iter()
        .map(|&(account, size)| (account, size.unsigned_abs() * leverage[&account]))
        .collect();
    let caps = shorts.iter().map(|&(account, size)| (account, i128::from(size))).collect();
    let parts = terms::divide_capped(1_000, &weights, &caps);
    assert_eq!(parts, BTreeMap::from([(BOB, 487), (CAROL, 209), (DAVE, 300), (14, 4)]));
    for (account, size) in parts {
        let fill = fill(account, ALICE, i64::try_from(size).unwrap(), 97_000 * USD);
        venue.apply(&Event::Deleverage { fill }).unwrap();
    }
    assert_eq!((cash(&venue, ALICE), lots(&venue, ALICE)), (0, 0));
    assert_eq!(lots(&venue, DAVE), 0);
    // Three thousand a unit instead of five.
    assert_eq!(cash(&venue, DAVE), 10_900 * USD);
}

#[test]
fn caps_and_ties_are_those_of_vectors_l10_and_l11() {
    let of = |caps: [i128; 4], weights: [u64; 4], quantity| {
        let parts = terms::divide_capped(
            quantity,
            &(0..4_u32).zip(weights).collect(),
            &(0..4_u32).zip(caps).collect(),
        );
        parts.into_values().collect::<Vec<_>>()
    };
    assert_eq!(of([1, 1, 1, 1_000], [1_000, 1_000, 1_000, 1], 10), [1, 1, 1, 7]);
    assert_eq!(of([5, 5, 5, 5], [1, 1, 1, 0], 7), [3, 2, 2]);
    assert_eq!(of([1, 1, 1, 1], [1, 1, 1, 1], 7), [1, 1, 1, 1]);
}

#[test]
fn what_a_fund_lacks_is_the_shared_funds_and_never_another_ones() {
    let mut venue = venue(&[]);
    flow(&mut venue, Purse::Account(ALICE), -1_000);
    flow(&mut venue, Purse::Fund(1), 100);
    flow(&mut venue, Purse::Fund(2), 1_000_000);
    flow(&mut venue, Purse::Shared, 300);
    let event = Event::Cover { account: ALICE, weights: weights(&[(1, 6), (2, 4)]) };
    let outcome = venue.apply(&event).unwrap();
    assert_eq!(outcome.from_funds, BTreeMap::from([(1, 100), (2, 400)]));
    assert_eq!((outcome.from_shared, outcome.uncovered), (300, 200));
    assert_eq!(cash(&venue, ALICE), -200);
    // The rest is divided again, and the first fund still has nothing.
    let outcome = venue.apply(&event).unwrap();
    assert_eq!(outcome.from_funds, BTreeMap::from([(1, 0), (2, 80)]));
    assert_eq!(outcome.uncovered, 120);
}

#[test]
fn positions_carry_their_cost_and_rounding_is_the_shared_funds() {
    let mut venue = venue(&[(ALICE, USD), (BOB, USD)]);
    trade(&mut venue, fill(ALICE, BOB, 2, 100));
    trade(&mut venue, fill(ALICE, BOB, 1, 101));
    let at = |lots, cost_nano| Position { lots, cost_nano };
    assert_eq!(venue.position(ALICE, PERPETUAL), at(3, 301));
    // A third of 301 is released as 101 by the buyer and as -100 by the seller: 99 - 101 and
    // 100 - 99 nano-USD, rounded down to -1,000 and 0.
    trade(&mut venue, fill(BOB, ALICE, 1, 99));
    assert_eq!(venue.position(ALICE, PERPETUAL), at(2, 200));
    assert_eq!(venue.position(BOB, PERPETUAL), at(-2, -201));
    assert_eq!((cash(&venue, ALICE), cash(&venue, BOB)), (USD - 1, USD));
    // Through zero: the rest is closed at 150, one lot is opened at it.
    trade(&mut venue, fill(BOB, ALICE, 3, 150));
    assert_eq!(venue.position(ALICE, PERPETUAL), at(-1, -150));
    assert_eq!(venue.position(BOB, PERPETUAL), at(1, 150));
    assert_eq!(venue.made_nano(), 0);
}

#[test]
fn premium_is_paid_at_once_and_an_options_liquidation_fee_is_capped() {
    let mut venue = venue(&[(ALICE, 1_000 * USD), (BOB, 1_000 * USD)]);
    let call = |buyer, seller, lots, price| Fill { instrument: CALL, price, lots, buyer, seller };
    trade(&mut venue, call(BOB, ALICE, 100, 400 * USD));
    mark(&mut venue, CALL, 500 * USD);
    assert_eq!((cash(&venue, ALICE), equity(&venue, ALICE)), (1_040 * USD, 990 * USD));
    assert_eq!((cash(&venue, BOB), equity(&venue, BOB)), (960 * USD, 1_010 * USD));
    // Half a percent of 5,000 is 25; an eighth of 25 is less.
    let fill = call(ALICE, BOB, 50, 500 * USD);
    let event = Event::Liquidation { fill, account: ALICE, other_fee: 0 };
    assert_eq!(venue.apply(&event).unwrap().liquidation_fee, 3_125_000);
    assert_eq!(cash(&venue, ALICE), 1_015 * USD - 3_125_000);
    assert_eq!(venue.money(Purse::Fund(1)), 3_125_000);
}

#[test]
fn what_is_impossible_is_refused_and_changes_nothing() {
    let mut venue = long_alice(2_000 * USD);
    mark(&mut venue, PERPETUAL, 97_000 * USD);
    let slice = |bidder, share_ppm, price| Event::Slice {
        account: ALICE,
        bidder,
        share_ppm,
        price,
        weights: weights(&[(1, 1)]),
    };
    let liquidation = |fill, account| Event::Liquidation { fill, account, other_fee: 0 };
    let plain = |fill| Event::Trade { fill, buyer_fee: 0, seller_fee: 0 };
    let unknown = Fill { instrument: 77, ..fill(BOB, ALICE, 1, 1) };
    let cases = [
        (plain(unknown), Refusal::UnknownInstrument(77)),
        (Event::Mark { instrument: 77, price: 1 }, Refusal::UnknownInstrument(77)),
        (plain(fill(BOB, ALICE, 0, 1)), Refusal::OutOfRange),
        (plain(fill(BOB, ALICE, 1, -1)), Refusal::OutOfRange),
        (plain(fill(BOB, BOB, 1, 1)), Refusal::WrongSides),
        (liquidation(fill(BOB, ALICE, 1, 1), CAROL), Refusal::WrongSides),
        (liquidation(fill(BOB, ALICE, 1_001, 1), ALICE), Refusal::NotReducing(ALICE)),
        (liquidation(fill(ALICE, BOB, 1, 1), ALICE), Refusal::NotReducing(ALICE)),
        (Event::Deleverage { fill: fill(BOB, ALICE, 1, 1) }, Refusal::NotReducing(BOB)),
        (Event::Deleverage { fill: fill(VENUE, ALICE, 1_001, 1) }, Refusal::NotReducing(VENUE)),
        (slice(ALICE, 1, 0), Refusal::WrongSides),
        (slice(BOB, -1, 0), Refusal::Share),
        (slice(BOB, 1_000_001, 0), Refusal::Share),
        (slice(BOB, 1, -1), Refusal::Unfunded),
        (Event::Flow { purse: Purse::Shared, amount: -1 }, Refusal::Unfunded),
        (Event::Flow { purse: Purse::Fund(2), amount: -1 }, Refusal::Unfunded),
    ];
    let before = format!("{venue:?}");
    for (event, refusal) in cases {
        assert_eq!(venue.apply(&event), Err(refusal), "{event:?}");
        assert_eq!(format!("{venue:?}"), before, "{event:?}");
    }
    let fill = Fill { instrument: CALL, ..fill(ALICE, BOB, 1, USD) };
    trade(&mut venue, fill);
    let before = format!("{venue:?}");
    assert_eq!(venue.apply(&slice(BOB, 1, 0)), Err(Refusal::NoPrice));
    assert_eq!(venue.equity(ALICE), Err(Refusal::NoPrice));
    assert_eq!(format!("{venue:?}"), before);
}
