//! Funding: how an hour is cut does not matter, rates are bounded, payments never create money.

use crate::{any_i64, config, floor_of};
use lockstep_exchange::formula::FormulaError;
use lockstep_exchange::formula::funding::*;
use proptest::prelude::*;

const PARAMS: FundingParams = FundingParams::REFERENCE;

#[test]
fn a_thin_book_exerts_no_pull() {
    let index = 100_000_000_000;
    assert_eq!(premium_ppb(None, None, index), Ok(0));
    assert_eq!(premium_ppb(Some(index + 1_000_000), None, index), Ok(10_000));
    assert_eq!(premium_ppb(None, Some(index - 1_000_000), index), Ok(-10_000));
    assert_eq!(premium_ppb(None, None, 0), Err(FormulaError::Domain));
    assert_eq!(PremiumAverage::default().mean_ppb(), Ok(None));
}

#[test]
fn an_hourly_rate_is_floored_also_below_zero() {
    assert_eq!(rate_1h_ppb(&PARAMS, 15), Ok(1));
    assert_eq!(rate_1h_ppb(&PARAMS, -9), Ok(-2));
    assert_eq!(rate_1h_ppb(&PARAMS, i64::MIN), Ok(-40_000_000));
    assert_eq!(rate_8h_ppb(&PARAMS, i64::MIN), Ok(i64::MIN + 500_000));
    assert_eq!(rate_8h_ppb(&PARAMS, i64::MAX), Ok(i64::MAX - 500_000));
}

#[test]
fn a_small_price_at_short_blocks_is_not_rounded_away() {
    // One block accrues a fraction of a micro-USD; a day of them accrues the day's funding.
    let (price, rate, block_ms) = (150_000_000, 12_500, 100);
    let mut index = FundingIndex::default();
    assert_eq!(index.advance(price, rate, block_ms), Ok(0));
    for _ in 1..24 * 36_000 {
        index.advance(price, rate, block_ms).unwrap();
    }
    assert_eq!(index, FundingIndex { cumulative: 24 * 1_875, remainder: 0 });
}

#[test]
fn the_index_is_unchanged_by_a_refused_step() {
    let mut index = FundingIndex { cumulative: i64::MAX - 1, remainder: 5 };
    let before = index;
    assert_eq!(index.advance(1_000_000_000, 1_000_000_000, 3_600_000), Err(FormulaError::Overflow));
    assert_eq!(index.advance(-1, 1, 1), Err(FormulaError::Domain));
    assert_eq!(index.advance(1, 1, -1), Err(FormulaError::Domain));
    assert_eq!(index, before);
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn cutting_time_changes_nothing(
        price in 0..1_000_000_000_000_i64,
        rate in -40_000_000..=40_000_000_i64,
        blocks in prop::collection::vec(0..100_000_i64, 1..40),
    ) {
        let mut cut = FundingIndex::default();
        let deltas: i64 = blocks.iter().map(|ms| cut.advance(price, rate, *ms).unwrap()).sum();
        let mut whole = FundingIndex::default();
        whole.advance(price, rate, blocks.iter().sum()).unwrap();
        prop_assert_eq!(cut, whole);
        prop_assert_eq!(deltas, whole.cumulative);
        let mut hour = FundingIndex::default();
        hour.advance(price, rate, 3_600_000).unwrap();
        prop_assert_eq!(Ok(hour.cumulative), index_delta_1h(price, rate));
    }

    #[test]
    fn rates_are_bounded_and_rise_with_the_premium(premium in any_i64(), more in 0..1_000_000_i64) {
        let rate =
            |premium| rate_8h_ppb(&PARAMS, premium).and_then(|rate| rate_1h_ppb(&PARAMS, rate));
        let (Ok(low), Some(above)) = (rate(premium), premium.checked_add(more)) else {
            return Ok(());
        };
        prop_assert!((-40_000_000..=40_000_000).contains(&low));
        if let Ok(high) = rate(above) {
            prop_assert!(high >= low);
        }
        if let Ok(rate_8h) = rate_8h_ppb(&PARAMS, premium) {
            prop_assert!((i128::from(rate_8h) - i128::from(premium)).abs() <= 500_000);
        }
    }

    #[test]
    fn payments_of_a_closed_market_never_create_money(
        longs in prop::collection::vec(1..1_000_000_i64, 1..20),
        delta in -10_000_000_000..10_000_000_000_i64,
    ) {
        let short = -longs.iter().sum::<i64>();
        let paid: i64 =
            longs.iter().chain([&short]).map(|lots| payment(*lots, delta).unwrap()).sum();
        prop_assert!(paid <= 0 && paid >= -(longs.len() as i64 + 1));
    }

    #[test]
    fn paying_more_often_never_pays_an_account_more(
        lots in -1_000_000..1_000_000_i64,
        first in any::<i32>(),
        second in any::<i32>(),
    ) {
        let (first, second) = (i64::from(first), i64::from(second));
        let twice = payment(lots, first).unwrap() + payment(lots, second).unwrap();
        let once = payment_since(lots, first + second, 0).unwrap();
        prop_assert!(twice <= once && once - twice <= 1);
    }

    #[test]
    fn the_mean_lies_within_its_samples(
        samples in prop::collection::vec((any_i64(), 0..10_000_000_i64), 1..20),
    ) {
        let mut average = PremiumAverage::default();
        for (premium, span_ms) in &samples {
            average.add(*premium, *span_ms).unwrap();
        }
        let counted = samples.iter().filter(|sample| sample.1 > 0).map(|sample| sample.0);
        match average.mean_ppb().unwrap() {
            Some(mean) => prop_assert!(
                counted.clone().min().unwrap() <= mean && mean <= counted.max().unwrap()
            ),
            None => prop_assert_eq!(counted.count(), 0),
        }
    }

    #[test]
    fn nothing_panics_at_the_limits(
        a in any_i64(),
        b in any_i64(),
        c in any_i64(),
        remainder in 0..3_600_000_000_000_000_i64,
    ) {
        let exact = floor_of(-(i128::from(a) * i128::from(b)), 1_000);
        prop_assert_eq!(
            payment(a, b).ok().map(i128::from),
            i64::try_from(exact).ok().map(i128::from)
        );
        let _ = premium_ppb(Some(a), Some(b), c);
        let _ = payment_since(a, b, c);
        let mut index = FundingIndex { cumulative: a, remainder };
        if index.advance(b, c, a).is_ok() {
            prop_assert!((0..3_600_000_000_000_000).contains(&index.remainder));
        }
    }
}
