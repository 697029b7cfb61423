//! The fast functions and their tables against the series of `wide`, which share nothing with
//! them but ln 2 and 1 / sqrt(2 pi).

use proptest::prelude::*;

use super::super::log_exp_table::{
    DENSITY_AT_ZERO_Q64, DEVIATION_UNIT_Q106, LN_2_Q64, POWERS_Q63, RECIPROCAL_LOGS_Q64,
    RECIPROCALS_Q64, STEPS_PER_UNIT_Q57, UNIT_PER_STEP_Q70,
};
use super::super::wide::Wide;
use super::*;

/// An integer in units of 2^-bits.
fn fixed(value: u64, bits: i32) -> Wide {
    Wide::from_integer(u128::from(value)).times(&Wide::power_of_two(-bits))
}

/// The nearest integer of x 2^bits.
fn nearest(x: &Wide, bits: i32) -> u64 {
    u64::try_from(x.times(&Wide::power_of_two(bits)).round()).unwrap()
}

/// Whether a fixed-point value is within 2^-error_bits of an exact one.
fn within(value: u64, bits: i32, exact: &Wide, error_bits: i32) -> bool {
    fixed(value, bits).difference(exact).0 < Wide::power_of_two(-error_bits)
}

#[test]
fn the_constants_are_the_nearest_of_the_real_numbers() {
    assert_eq!(LN_2_Q64, nearest(&Wide::LN_2, 64));
    assert_eq!(UNIT_PER_STEP_Q70, nearest(&Wide::LN_2.over_integer(64), 70));
    assert_eq!(DENSITY_AT_ZERO_Q64, nearest(&Wide::DENSITY_AT_ZERO, 64));
    let year_root = Wide::from_integer(31_536_000).inverse_square_root();
    assert_eq!(DEVIATION_UNIT_Q106, nearest(&year_root.over_integer(1_000_000_000), 106));
    // The inverse of ln 2 from its own definition: the product is 64 to within half a unit.
    let product = Wide::LN_2.times_integer(STEPS_PER_UNIT_Q57);
    let sixty_four = Wide::from_integer(64 << 57);
    assert!(product.difference(&sixty_four).0 <= Wide::LN_2.half());
}

#[test]
fn the_tables_of_ln_and_exp_are_the_nearest_of_the_real_numbers() {
    for (i, (r, log)) in (0_u64..).zip(RECIPROCALS_Q64.iter().zip(&RECIPROCAL_LOGS_Q64)) {
        let inverse = Wide::from_integer(256).over_integer(257 + 2 * i);
        assert_eq!(*r, nearest(&inverse, 64), "reciprocal {i}");
        let back = fixed(*log, 64).exp_negative();
        assert!(within(*r, 64, &back, 64), "logarithm {i}");
    }
    for (i, power) in (0_u64..).zip(&POWERS_Q63) {
        let exact = Wide::LN_2.times_integer(i).over_integer(64).exp_negative();
        assert_eq!(*power, nearest(&exact, 63), "power {i}");
    }
}

#[test]
fn every_row_of_the_normal_table_keeps_its_error_bound() {
    let rows = u64::try_from(ROWS).unwrap();
    for row in 0..rows {
        for place in 0..=16_u64 {
            let z_q59 = (row << 55) + ((place << 51) - place.min(1)).min((1 << 55) - 1);
            let Scaled { value, exponent } = normal_tail(z_q59);
            let scale = Wide::power_of_two(exponent.cast_signed());
            let exact = fixed(z_q59, 59).normal_tail().times(&scale);
            let exact = exact.times(&Wide::power_of_two(63));
            let error = exact.difference(&Wide::from_integer(u128::from(value))).0;
            assert!(error < Wide::from_integer(u128::from(NORMAL_TAIL_ERROR)), "z {z_q59}");
            assert!((1 << 60..=1 << 62).contains(&value), "row {row} has no significant bits");
        }
    }
    assert_eq!(normal_tail(10 * ONE_Q59), Scaled { value: 0, exponent: 0 });
    assert_eq!(normal_tail(u64::MAX).value, 0);
}

#[test]
fn no_polynomial_can_overflow() {
    fn reach<const TERMS: usize>(coefficients: &[i64; TERMS]) -> u128 {
        let sizes = coefficients.iter().zip(0_u32..);
        sizes.map(|(c, k)| (u128::from(c.unsigned_abs()) >> k) + 1).sum()
    }
    let mut worst = reach(&LN_COEFFICIENTS).max(reach(&EXP_COEFFICIENTS));
    for row in &COEFFICIENTS {
        worst = worst.max(reach(row));
    }
    assert!(worst < 1 << 63);
}

#[test]
fn ends_of_the_ranges_are_exact() {
    assert_eq!(ln_q58(0), 0);
    assert_eq!(ln_q58(1), 0);
    assert_eq!(exp_negative_q63(0), ONE_Q63);
    assert_eq!(exp_negative_q63(u64::MAX), 0);
    assert_eq!(square_root_q58(1 << 58), 1 << 58);
    assert_eq!(square_root_q58(0), 0);
    assert_eq!(normal_cumulative_q63(0), 1 << 62);
    assert_eq!(normal_cumulative_q63(i64::MIN), 0);
    assert_eq!(normal_cumulative_q63(i64::MAX), ONE_Q63);
    assert_eq!(normal_density(u64::MAX).value, 0);
    assert_eq!(normal_density(0), Scaled { value: DENSITY_AT_ZERO_Q64 / 2, exponent: 0 });
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn ln_keeps_its_error_bound(v in any::<u64>(), shift in 1_u32..64) {
        let v = (v >> shift).max(1);
        prop_assert!(within(ln_q58(v), 58, &Wide::ln(v), 58), "v {}", v);
    }

    #[test]
    fn exp_keeps_its_error_bound(y in any::<u64>(), shift in 0_u32..20) {
        let y_q58 = y >> shift;
        let exact = fixed(y_q58, 58).exp_negative();
        prop_assert!(within(exp_negative_q63(y_q58), 63, &exact, 60), "y {}", y_q58);
    }

    #[test]
    fn the_square_root_is_the_floor(v in any::<u64>(), shift in 0_u32..64) {
        let v_q58 = v >> shift;
        let root = u128::from(square_root_q58(v_q58));
        let square = u128::from(v_q58) << 58;
        prop_assert!(root * root <= square && square < (root + 1) * (root + 1));
    }

    #[test]
    fn the_density_keeps_its_relative_error_bound(z_q59 in 0..11 * ONE_Q59) {
        let Scaled { value, exponent } = normal_density(z_q59);
        // Compared 2^exponent times larger, where the value has all its bits.
        let exact = fixed(z_q59, 59).normal_density();
        let exact = exact.times(&Wide::power_of_two(exponent.cast_signed()));
        let error = fixed(value, 63).difference(&exact).0;
        prop_assert!(error < exact.times(&Wide::power_of_two(-57)));
    }

    #[test]
    fn the_cumulative_keeps_its_error_bound(z_q59 in 0..12 * ONE_Q59, negative: bool) {
        let z = fixed(z_q59, 59);
        let tail = z.normal_tail();
        let exact = if negative { tail } else { Wide::ONE.saturating_minus(&tail) };
        let d_q59 = if negative { -z_q59.cast_signed() } else { z_q59.cast_signed() };
        prop_assert!(within(normal_cumulative_q63(d_q59), 63, &exact, 60));
    }
}
