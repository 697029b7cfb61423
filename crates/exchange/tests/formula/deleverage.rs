//! Weights and prices of auto-deleveraging: vector L9, what a price recovers, and the limits.

use crate::vectors::{int, liquidation_vector};
use crate::{any_i64, config};
use lockstep_exchange::formula::FormulaError;
use lockstep_exchange::formula::deleverage::*;
use proptest::prelude::*;

#[test]
fn weights_and_prices_are_those_of_vector_l9() {
    let vector = liquidation_vector("L9_adl_risk_weighted_pro_rata");
    let given = &vector["in_"];
    let size = |value| u64::try_from(int(value)).unwrap();
    let shorts = given["opposite_shorts"].as_object().unwrap();
    assert_eq!(shorts.len(), 4);
    for (name, lots) in shorts {
        let leverage = size(&given["leverage_ppm"][name]);
        assert_eq!(weight(size(lots), leverage), Ok(size(&vector["weights"][name])), "{name}");
    }
    let (mark, lots) = (int(&given["mark"]), int(&given["bankrupt"]["lots"]));
    let deficit = int(&vector["deficit"]);
    let uncovered = deficit - int(&vector["insurance_used"]);
    assert_eq!(deleverage_price(mark, uncovered, lots), Ok(int(&vector["adl_price"])));
    assert_eq!(deleverage_price(mark, deficit, lots), Ok(int(&vector["bankruptcy_price"])));
    assert_eq!(deleverage_price(mark, 0, lots), Ok(mark));
}

#[test]
fn a_long_sells_above_mark_and_a_short_buys_below_it() {
    assert_eq!(deleverage_price(100, 1, 3_000), Ok(101));
    assert_eq!(deleverage_price(100, 1, -3_000), Ok(99));
    assert_eq!(deleverage_price(100, 7, 1), Ok(7_100));
    // Nothing is bought for less than nothing.
    assert_eq!(deleverage_price(100, 7, -1), Ok(0));
    assert_eq!(deleverage_price(100, i64::MAX, -1), Ok(0));
}

#[test]
fn prices_out_of_range_are_refused() {
    assert_eq!(deleverage_price(100, 1, 0), Err(FormulaError::Domain));
    assert_eq!(deleverage_price(-1, 1, 1), Err(FormulaError::Domain));
    assert_eq!(deleverage_price(1, -1, 1), Err(FormulaError::Domain));
    assert_eq!(deleverage_price(1, i64::MAX, 1), Err(FormulaError::Overflow));
    assert_eq!(deleverage_price(7, i64::MAX, i64::MIN), Ok(0));
    assert_eq!(deleverage_price(1_000, i64::MAX, i64::MIN), Ok(0));
    assert_eq!(deleverage_price(1_001, i64::MAX, i64::MIN), Ok(1));
    assert_eq!(weight(u64::MAX, LEVERAGE_PPM_MAX), Err(FormulaError::Overflow));
}

#[test]
fn leverage_is_between_once_and_a_thousand_times() {
    assert_eq!(leverage_ppm(8_000, 1_000), 8_000_000);
    assert_eq!(leverage_ppm(8_001, 3), 1_000_000_000);
    assert_eq!(leverage_ppm(10, 3), 3_333_333);
    assert_eq!(leverage_ppm(1, 1_000), LEVERAGE_PPM_MIN);
    assert_eq!(leverage_ppm(0, 0), LEVERAGE_PPM_MAX);
    assert_eq!(leverage_ppm(1, -1), LEVERAGE_PPM_MAX);
    assert_eq!(leverage_ppm(u64::MAX, 1), LEVERAGE_PPM_MAX);
    assert_eq!(leverage_ppm(u64::MAX, i64::MIN), LEVERAGE_PPM_MAX);
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn the_price_recovers_what_is_uncovered_and_no_more(
        mark in 0..=i64::MAX,
        uncovered in 0..=i64::MAX,
        lots in any_i64(),
    ) {
        prop_assume!(lots != 0);
        let size = i128::from(lots).abs();
        // In nano-USD, of closing at `price` instead of at mark.
        let gain = |price: i128| (price - i128::from(mark)) * i128::from(lots);
        let needed = i128::from(uncovered) * 1_000;
        match deleverage_price(mark, uncovered, lots) {
            Ok(0) if gain(0) < needed => prop_assert!(lots < 0),
            Ok(price) => {
                let gained = gain(i128::from(price));
                prop_assert!(gained >= needed);
                prop_assert!(gained - needed < size);
            }
            Err(error) => {
                prop_assert_eq!(error, FormulaError::Overflow);
                prop_assert!(lots > 0 && gain(i128::from(i64::MAX)) < needed);
            }
        }
    }

    #[test]
    fn a_larger_deficit_moves_the_price_further(
        mark in 0..=i64::MAX,
        one in 0..=i64::MAX,
        other in 0..=i64::MAX,
        size in 1..=i64::MAX,
    ) {
        let (less, more) = (one.min(other), one.max(other));
        if let (Ok(near), Ok(far)) =
            (deleverage_price(mark, less, size), deleverage_price(mark, more, size))
        {
            prop_assert!(mark <= near && near <= far);
        }
        let near = deleverage_price(mark, less, -size).unwrap();
        let far = deleverage_price(mark, more, -size).unwrap();
        prop_assert!(far <= near && near <= mark);
    }

    #[test]
    fn leverage_rises_with_notional_and_falls_with_equity(
        notional in any::<u64>(),
        more in any::<u64>(),
        equity in any_i64(),
        richer in any_i64(),
    ) {
        let leverage = leverage_ppm(notional, equity);
        prop_assert!((LEVERAGE_PPM_MIN..=LEVERAGE_PPM_MAX).contains(&leverage));
        prop_assert!(leverage_ppm(notional.saturating_add(more), equity) >= leverage);
        prop_assert!(leverage_ppm(notional, equity.max(richer)) <= leverage);
    }

    #[test]
    fn a_position_never_weighs_less_than_its_lots(
        lots in 0..1_u64 << 54,
        notional in any::<u64>(),
        equity in any_i64(),
    ) {
        prop_assert!(weight(lots, leverage_ppm(notional, equity)).unwrap() >= lots);
    }
}
