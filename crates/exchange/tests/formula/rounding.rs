//! Products and quotients equal those of 128-bit arithmetic or say that they do not fit.

use crate::{any_i64, ceil_of, config, floor_of};
use lockstep_exchange::formula::FormulaError;
use lockstep_exchange::formula::rounding::*;
use proptest::prelude::*;

fn fitting(value: i128) -> Result<i64, FormulaError> {
    i64::try_from(value).map_err(|_| FormulaError::Overflow)
}

#[test]
fn halves_go_away_from_zero() {
    let halves = [(5, 3), (-5, -3), (3, 2), (-3, -2), (1, 1), (-1, -1), (0, 0)];
    for (twice, expected) in halves {
        assert_eq!(mul_div_half_away(twice, 1, 2), Ok(expected));
    }
    assert_eq!(mul_div_half_away(1, 1, 3), Ok(0));
    assert_eq!(mul_div_half_away(2, 1, 3), Ok(1));
    assert_eq!(mul_div_half_away(-2, 1, 3), Ok(-1));
}

#[test]
fn floor_and_ceil_of_negatives() {
    assert_eq!(mul_div_floor(-1, 1, 1_000), Ok(-1));
    assert_eq!(mul_div_ceil(-1, 1, 1_000), Ok(0));
    assert_eq!(mul_div_floor(-2_000, 1, 1_000), Ok(-2));
    assert_eq!(mul_div_ceil(-2_000, 1, 1_000), Ok(-2));
    assert_eq!(mul_div_ceil(1, 1, 1_000), Ok(1));
}

#[test]
fn ends_of_the_range_are_errors_not_panics() {
    assert_eq!(mul_div_floor(i64::MIN, -1, 1), Err(FormulaError::Overflow));
    assert_eq!(mul_div_half_away(i64::MAX, 2, 1), Err(FormulaError::Overflow));
    assert_eq!(mul_div_floor(i64::MIN, 1, 1), Ok(i64::MIN));
    assert_eq!(mul_div_ceil(1, 1, 0), Err(FormulaError::Domain));
    assert_eq!(mul_div_floor(1, 1, -1), Err(FormulaError::Domain));
    let (low, high) = (i64::MIN, i64::MAX);
    assert_eq!(mul_mul_div_ceil(low, low, low, 1), Err(FormulaError::Overflow));
    assert_eq!(mul_mul_div_ceil(high, high, 1, high), Ok(high));
    assert_eq!(div_half_away_wide(i128::MIN, 1), Err(FormulaError::Overflow));
    assert_eq!(div_floor_wide(i128::MIN, 1), Ok(i128::MIN));
    assert_eq!(div_ceil_wide(i128::MIN, 2), Ok(i128::MIN / 2));
    assert_eq!(div_ceil_wide(i128::MIN, 3), Ok(i128::MIN / 3));
    assert_eq!(div_ceil_wide(i128::MAX, 2), Ok(i128::MAX / 2 + 1));
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn narrow_and_wide_paths_agree(a in any_i64(), b in any_i64(), divisor in 1..=i64::MAX) {
        let (product, by) = (i128::from(a) * i128::from(b), i128::from(divisor));
        prop_assert_eq!(mul_div_floor(a, b, divisor), fitting(floor_of(product, by)));
        prop_assert_eq!(mul_div_ceil(a, b, divisor), fitting(ceil_of(product, by)));
        let half_away = (product.abs() + by / 2) / by * product.signum();
        prop_assert_eq!(mul_div_half_away(a, b, divisor), fitting(half_away));
    }

    #[test]
    fn three_factors_agree(
        a in any_i64(),
        b in any_i64(),
        c in -1_i64..1 << 40, divisor in 1_i64..,
    ) {
        let expected = (i128::from(a) * i128::from(b))
            .checked_mul(i128::from(c))
            .ok_or(FormulaError::Overflow)
            .and_then(|product| fitting(ceil_of(product, i128::from(divisor))));
        prop_assert_eq!(mul_mul_div_ceil(a, b, c, divisor), expected);
    }

    #[test]
    fn roots_are_the_largest_that_fit(value in any::<u64>(), wide in any::<u128>()) {
        let root = u128::from(isqrt(value));
        prop_assert!(
            root * root <= u128::from(value) && u128::from(value) < (root + 1) * (root + 1)
        );
        let root = u128::from(isqrt_wide(wide));
        prop_assert!(root * root <= wide);
        prop_assert!((root + 1).checked_mul(root + 1).is_none_or(|square| wide < square));
    }
}
