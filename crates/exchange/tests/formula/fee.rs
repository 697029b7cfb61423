//! Fees round up, splits lose nothing, the base fee comes back to rest.

use crate::{any_i64, ceil_of, config};
use lockstep_exchange::formula::FormulaError;
use lockstep_exchange::formula::fee::*;
use lockstep_types::params::{FeeSplit, FeeTier};
use lockstep_types::units::{Ppm, Usd};
use proptest::prelude::*;

const BASE: BaseFeeParams =
    BaseFeeParams { level_min: 9, level_max: 1_000_000_000, work_target: 500_000 };

#[test]
fn fees_round_up_and_rebates_towards_zero() {
    assert_eq!(linear_fee(100_000_000_000, 1_000, 350), Ok(35_000_000));
    assert_eq!(linear_fee(1, 1, 1), Ok(1));
    assert_eq!(linear_fee(1, 1, -1), Ok(0));
    assert_eq!(linear_fee(100_000_000_000, 1_000, -100), Ok(-10_000_000));
    assert_eq!(linear_fee(-1, 1, 1), Err(FormulaError::Domain));
    assert_eq!(linear_fee(i64::MAX, i64::MAX, i64::MAX), Err(FormulaError::Overflow));
}

#[test]
fn an_option_fee_is_the_lower_of_the_two() {
    let fee = |premium: i128| {
        option_fee(&OptionFee {
            notional_nano: 100_000_000_000_000,
            premium_nano: premium,
            rate_ppm: 300,
            cap_ppm: OPTION_FEE_CAP_PPM,
        })
        .unwrap()
    };
    assert_eq!(fee(5_000_000_000_000), 30_000_000);
    assert_eq!(fee(80_000_000_000), 10_000_000);
    assert_eq!(fee(0), 0);
    assert_eq!(fee(1), 1);
}

#[test]
fn the_tier_is_the_last_that_the_volume_reaches() {
    let tier = |volume: i64, taker: i64| FeeTier {
        volume_30d: Usd(volume),
        maker: Ppm(0),
        taker: Ppm(taker),
    };
    let tiers = [tier(0, 3), tier(100, 2), tier(1_000, 1)];
    let taker = |volume| tier_of(&tiers, volume).unwrap().taker.0;
    assert_eq!([-1, 0, 99, 100, 999, 1_000, i64::MAX].map(taker), [3, 3, 3, 2, 2, 1, 1]);
    assert_eq!(tier_of(&[], 5), None);
}

#[test]
fn the_base_fee_of_a_calm_chain_is_zero_and_rises_by_an_eighth_under_load() {
    assert_eq!(base_fee_charged(&BASE, 9), 0);
    assert_eq!(base_fee_charged(&BASE, 10), 10);
    assert_eq!(base_fee_next(&BASE, 9, 0), Ok(9));
    assert_eq!(base_fee_next(&BASE, 9, 500_000), Ok(9));
    assert_eq!(base_fee_next(&BASE, 9, 500_001), Ok(10));
    assert_eq!(base_fee_next(&BASE, 800, 1_000_000), Ok(900));
    assert_eq!(base_fee_next(&BASE, 800, 750_000), Ok(850));
    assert_eq!(base_fee_next(&BASE, 800, i64::MAX), Ok(900));
    assert_eq!(base_fee_next(&BASE, 800, 0), Ok(700));
    assert_eq!(base_fee_next(&BASE, 1_000_000_000, 1_000_000), Ok(1_000_000_000));
    assert_eq!(base_fee_next(&BASE, 8, 0), Err(FormulaError::Domain));
    let low = BaseFeeParams { level_min: 7, ..BASE };
    assert_eq!(base_fee_next(&low, 8, 0), Err(FormulaError::Domain));
}

#[test]
fn shares_that_are_no_whole_are_refused() {
    let split = |validators, insurance, treasury| {
        let shares = FeeSplit {
            validators: Ppm(validators),
            insurance: Ppm(insurance),
            treasury: Ppm(treasury),
        };
        split_fee(10, &shares)
    };
    assert_eq!(
        split(500_000, 300_000, 200_000),
        Ok(FeeParts { validators: 5, insurance: 3, treasury: 2 })
    );
    assert_eq!(split(500_000, 300_000, 200_001), Err(FormulaError::Domain));
    assert_eq!(split(-1, 500_001, 500_000), Err(FormulaError::Domain));
    assert_eq!(split(i64::MAX, i64::MAX, 2), Err(FormulaError::Domain));
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn a_split_loses_nothing(
        fee in any_i64(),
        validators in 0..=1_000_000_i64,
        rest_ppm in 0..=1_000_000_i64,
    ) {
        let insurance = (1_000_000 - validators) * rest_ppm / 1_000_000;
        let treasury = 1_000_000 - validators - insurance;
        let shares = FeeSplit {
            validators: Ppm(validators),
            insurance: Ppm(insurance),
            treasury: Ppm(treasury),
        };
        let parts = split_fee(fee, &shares).unwrap();
        let sum =
            i128::from(parts.validators) + i128::from(parts.insurance) + i128::from(parts.treasury);
        prop_assert_eq!(sum, i128::from(fee));
        prop_assert!(
            fee < 0 || (parts.validators >= 0 && parts.insurance >= 0 && parts.treasury >= 0)
        );
    }

    #[test]
    fn a_fee_is_at_least_its_share_of_the_notional(
        price in 0..1_000_000_000_000_i64,
        lots in 0..10_000_000_i64,
        rate in -1_000..10_000_i64,
    ) {
        let exact = i128::from(price) * i128::from(lots) * i128::from(rate);
        let fee = i128::from(linear_fee(price, lots, rate).unwrap());
        prop_assert_eq!(fee, ceil_of(exact, 1_000_000_000));
        let liquidation = i128::from(liquidation_fee(price, lots, rate.abs()).unwrap());
        prop_assert!(liquidation >= fee);
    }

    #[test]
    fn the_base_fee_moves_by_at_most_an_eighth_and_the_right_way(
        level in 9..=1_000_000_000_i64,
        work in 0..2_000_000_i64,
        more in 0..1_000_000_i64,
    ) {
        let next = base_fee_next(&BASE, level, work).unwrap();
        prop_assert!((next - level).abs() * 8 <= level);
        prop_assert!((next - level).signum() * (work - BASE.work_target).signum() >= 0);
        prop_assert!(base_fee_next(&BASE, level, work + more).unwrap() >= next);
    }

    #[test]
    fn a_calm_chain_comes_to_rest(level in 9..=1_000_000_000_i64, work in 0..500_000_i64) {
        let mut level = level;
        let mut blocks = 0;
        while base_fee_charged(&BASE, level) > 0 && blocks < 2_000 {
            // Nearly on target is the slowest way down.
            level = base_fee_next(&BASE, level, work / 2).unwrap();
            blocks += 1;
        }
        prop_assert_eq!(base_fee_charged(&BASE, level), 0);
    }

    #[test]
    fn nothing_panics_at_the_limits(
        a in any_i64(),
        b in any_i64(),
        c in any_i64(),
        d in any_i64(),
        e in any_i64(),
        notional in any::<i128>(),
        premium in any::<i128>(),
    ) {
        let _ = (linear_fee(a, b, c), liquidation_fee(a, b, c), notional_fee_nano(notional, a));
        let _ = option_fee(&OptionFee {
            notional_nano: notional,
            premium_nano: premium,
            rate_ppm: a,
            cap_ppm: b,
        });
        let params = BaseFeeParams { level_min: a, level_max: b, work_target: c };
        if let Ok(next) = base_fee_next(&params, d, e) {
            prop_assert!((a..=b).contains(&next));
        }
        let _ = base_fee_charged(&params, d);
    }
}
