//! What a slice leaves: vectors L6 and L7, the buffer, and why lots go away from zero.

use super::*;
use crate::rng::Rng;
use terms::Auction;

/// The reference's auction.
pub(super) const AUCTION: Auction = Auction {
    start_ppm: 950_000,
    cut_ppm: 700_000,
    fast_ms: 900_000,
    slow_ms: 43_200_000,
    buffer_ppm: 1_150_000,
    insolvent_ms: 3_600_000,
};

/// Five percent of every position's notional.
pub(super) fn maintenance(venue: &ClearWaterfall, account: u32) -> i128 {
    let needed = |(id, position): (u32, Position)| {
        let notional = ceil(position.lots.abs() * i128::from(venue.marks[&id]), NANOS);
        ceil(notional * 50_000, PPM)
    };
    venue.legs(account).map(needed).sum()
}

fn slice_event(account: u32, bidder: u32, share_ppm: i128, price: i128) -> Event {
    Event::Slice {
        account,
        bidder,
        share_ppm: i64::try_from(share_ppm).unwrap(),
        price: i64::try_from(price).unwrap(),
        weights: weights(&[(1, 2), (2, 1)]),
    }
}

#[test]
fn prices_and_shares_are_those_of_vectors_l5_l6_and_l12() {
    for (elapsed_ms, factor) in [
        (0, 950_000),
        (1, 950_000),
        (450_000, 825_000),
        (899_999, 700_001),
        (900_000, 700_000),
        (901_000, 699_984),
        (22_500_000, 350_000),
        (44_099_999, 1),
        (44_100_000, 0),
        (50_000_000, 0),
    ] {
        assert_eq!(terms::factor_ppm(&AUCTION, elapsed_ms), factor, "{elapsed_ms}");
    }
    let share = terms::share_ppm_max(&AUCTION, 3_000_000_000, 4_000_000_000, 300_000);
    assert_eq!(share, 380_953);
    let whole = terms::whole_price(&AUCTION, 3_000_000_000, 4_000_000_000, 300_000);
    assert_eq!(terms::slice_price(whole, share), 990_478_181);
    for (elapsed_ms, price) in [
        (0, -500_000_000),
        (1, -500_000_695),
        (1_800_000, -1_750_000_000),
        (3_599_999, -2_999_999_306),
        (3_600_000, -3_000_000_000),
    ] {
        let whole = terms::whole_price(&AUCTION, -500_000_000, 2_500_000_000, elapsed_ms);
        assert_eq!(whole, price, "{elapsed_ms}");
    }
}

#[test]
fn the_backstop_takes_all_of_it_as_in_vector_l7() {
    let mut venue = long_alice(6_000 * USD);
    mark(&mut venue, PERPETUAL, 96_900 * USD);
    assert_eq!(equity(&venue, ALICE), 2_900 * USD);
    let outcome = venue.apply(&slice_event(ALICE, BOB, PPM, 0)).unwrap();
    assert_eq!(outcome.collateral, 2_900_000_000);
    assert_eq!((cash(&venue, ALICE), lots(&venue, ALICE)), (0, 0));
    // In at mark, with the equity.
    let position = Position { lots: 1_000, cost_nano: 96_900_000_000_000 };
    assert_eq!(venue.position(BOB, PERPETUAL), position);
    assert_eq!(cash(&venue, BOB), 102_900 * USD);
}

/// Alice has random legs of both underlyings, against the venue, at random marks.
fn crowded(rng: &mut Rng, money: i64) -> ClearWaterfall {
    let mut venue = venue(&[(ALICE, money), (BOB, 1_000_000 * USD), (VENUE, 1_000_000 * USD)]);
    for instrument in [PERPETUAL, OTHER_PERPETUAL, CALL, OTHER_CALL] {
        let [bought, marked] = [50 * USD; 2].map(|low| low + i64::from(rng.below_u32(100_000_000)));
        let lots = 1 + i64::from(rng.below_u32(5_000));
        let (buyer, seller) = if rng.one_in(2) { (ALICE, VENUE) } else { (VENUE, ALICE) };
        if rng.below(4) > 0 {
            trade(&mut venue, Fill { instrument, price: bought, lots, buyer, seller });
        }
        mark(&mut venue, instrument, marked);
    }
    venue
}

#[test]
fn a_solvent_slice_of_the_largest_share_leaves_the_account_at_its_buffer() {
    let mut sold = 0;
    for seed in 0..3_000 {
        let mut rng = Rng::new(seed);
        let mut venue = crowded(&mut rng, 0);
        let needed = maintenance(&venue, ALICE);
        // Solvent, and below the buffer or a little above it.
        let aim = i128::from(rng.below(1_200_000)) * needed / PPM;
        let short = aim - venue.equity(ALICE).unwrap();
        flow(&mut venue, Purse::Account(ALICE), i64::try_from(short).unwrap());
        let before = venue.equity(ALICE).unwrap();
        let elapsed_ms = i128::from(rng.below(50_000_000));
        let share = terms::share_ppm_max(&AUCTION, before, needed, elapsed_ms);
        if share == 0 {
            assert!(before * PPM >= needed * AUCTION.buffer_ppm, "seed {seed}");
            continue;
        }
        let whole = terms::whole_price(&AUCTION, before, needed, elapsed_ms);
        let price = terms::slice_price(whole, share);
        let legs: Vec<_> = venue.legs(ALICE).collect();
        let outcome = venue.apply(&slice_event(ALICE, BOB, share, price)).unwrap();
        // At least the share of every leg has gone, and less than a lot more.
        for (id, leg) in legs {
            let excess = outcome.legs[&id].abs() * PPM - leg.lots.abs() * share;
            assert!((0..PPM).contains(&excess), "seed {seed} leg {id}");
        }
        let (left, needed) = (venue.equity(ALICE).unwrap(), maintenance(&venue, ALICE));
        // Per leg, profit is rounded down twice and a requirement up twice.
        let rounding = 4 * 4;
        let buffer = ceil(needed * AUCTION.buffer_ppm, PPM);
        assert!(left + rounding >= buffer, "seed {seed}: {left} left, {buffer} wanted");
        assert!(left >= 0, "seed {seed}: {left} left");
        sold += 1;
    }
    assert!(sold > 2_000, "only {sold} accounts were sold from");
}

#[test]
fn an_insolvent_slice_takes_its_share_of_the_debt_and_the_funds_pay_the_bidder() {
    let mut sold = 0;
    for seed in 0..3_000 {
        let mut rng = Rng::new(seed);
        let money = i64::from(rng.below_u32(200_000_000));
        let mut venue = crowded(&mut rng, money);
        let (before, needed) = (venue.equity(ALICE).unwrap(), maintenance(&venue, ALICE));
        if before >= 0 {
            continue;
        }
        for fund in [Purse::Fund(1), Purse::Fund(2), Purse::Shared] {
            flow(&mut venue, fund, 1_000_000 * USD);
        }
        let share = 1 + i128::from(rng.below(1_000_000));
        let whole = terms::whole_price(&AUCTION, before, needed, i128::from(rng.below(4_000_000)));
        let price = terms::slice_price(whole, share);
        let bidder = venue.equity(BOB).unwrap();
        let outcome = venue.apply(&slice_event(ALICE, BOB, share, price)).unwrap();
        let paid = outcome.from_funds.values().sum::<i128>() + outcome.from_shared;
        assert_eq!(paid, -price);
        // The account keeps its share of the debt, to the micro per leg.
        let left = venue.equity(ALICE).unwrap();
        let kept = before - floor(before * share, PPM);
        assert!((kept - 2 * 4..=kept).contains(&left), "seed {seed}: {left} left of {before}");
        // The bidder is whole again, and gains what the price says beyond the debt it took.
        let gain = venue.equity(BOB).unwrap() - bidder;
        let due = outcome.collateral + paid;
        assert!((due - 2 * 4..=due).contains(&gain), "seed {seed}: {gain} gained, {due} due");
        sold += 1;
    }
    assert!(sold > 200, "only {sold} accounts were sold from");
}

/// What Bob makes of a hundred slices of nine tenths of a lot each, and the lots that Alice keeps.
fn nibbled(slice_lots: SliceLots) -> (i128, i128) {
    let mut venue = long_alice(10_000 * USD);
    venue.rules.slice_lots = slice_lots;
    mark(&mut venue, PERPETUAL, 94_000 * USD);
    for _ in 0..100 {
        let before = venue.equity(ALICE).unwrap();
        let whole = terms::whole_price(&AUCTION, before, maintenance(&venue, ALICE), 0);
        let price = terms::slice_price(whole, 900);
        venue.apply(&slice_event(ALICE, BOB, 900, price)).unwrap();
    }
    (venue.equity(BOB).unwrap() - 100_000 * i128::from(USD), lots(&venue, ALICE))
}

#[test]
fn rounded_towards_zero_a_small_share_has_the_discount_without_the_risk() {
    let (gain, left) = nibbled(SliceLots::TowardsZero);
    assert!(gain > 0 && left == 1_000, "{gain} gained, {left} lots left");
    let (gain, left) = nibbled(SliceLots::AwayFromZero);
    assert!(gain > 0 && left == 900, "{gain} gained, {left} lots left");
}

#[test]
fn all_of_an_account_in_one_slice_leaves_its_price_and_nothing_else() {
    for seed in 0..1_000 {
        let mut rng = Rng::new(seed);
        let mut venue = crowded(&mut rng, 2_000 * USD);
        let price = i128::from(rng.below(1_000_000));
        let before = venue.equity(ALICE).unwrap();
        let outcome = venue.apply(&slice_event(ALICE, BOB, PPM, price)).unwrap();
        assert_eq!(outcome.collateral, before, "seed {seed}");
        assert_eq!(venue.legs(ALICE).count(), 0, "seed {seed}");
        assert_eq!(venue.money(Purse::Account(ALICE)), price, "seed {seed}");
    }
}
