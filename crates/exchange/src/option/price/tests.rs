//! The fast path against the exact path, and both against values known by other means.

use proptest::prelude::*;

use super::super::wide::Wide;
use super::*;

fn log_price(price: u64) -> LogPrice {
    LogPrice::new(Field::Forward, i64::try_from(price).unwrap()).unwrap()
}

fn regular(vol_e9: i64, seconds: i64) -> Option<(Deviation, Regular)> {
    let deviation = Deviation::new(vol_e9, seconds).unwrap();
    match deviation.size {
        Size::Regular(regular) => Some((deviation, regular)),
        Size::Zero | Size::Saturated => None,
    }
}

/// A number whose logarithm is uniform: as many small ones as large ones.
fn spread(maximum: i64) -> impl Strategy<Value = i64> {
    (any::<u64>(), 0_u32..64).prop_map(move |(bits, shift)| {
        i64::try_from(bits >> shift).unwrap_or(i64::MAX).clamp(1, maximum)
    })
}

/// A second price that is often close enough to the first for the option to have time value.
fn neighbour(price: i64) -> impl Strategy<Value = i64> {
    (any::<bool>(), any::<u64>(), 0_u32..64).prop_map(move |(up, bits, shift)| {
        let distance = u64::try_from((u128::from(bits) * u128::from(price.unsigned_abs())) >> 64)
            .unwrap()
            >> shift;
        let distance = distance.cast_signed();
        (if up { price.saturating_add(distance) } else { price - distance }).clamp(1, PRICE_MAX)
    })
}

fn any_option() -> impl Strategy<Value = (u64, u64, i64, i64)> {
    (spread(PRICE_MAX), spread(VOL_E9_MAX), spread(SECONDS_MAX))
        .prop_flat_map(|(price, vol_e9, seconds)| {
            (Just(price), neighbour(price), Just(vol_e9), Just(seconds))
        })
        .prop_map(|(a, b, vol_e9, seconds)| {
            (a.min(b).unsigned_abs(), a.max(b).unsigned_abs(), vol_e9, seconds)
        })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn the_fast_value_keeps_its_error_bound((low, high, vol_e9, seconds) in any_option()) {
        let Some((deviation, regular)) = regular(vol_e9, seconds) else { return Ok(()) };
        let (low_log, high_log) = (log_price(low), log_price(high));
        let ratio_q59 = high_log.ratio_to(&low_log, &regular);
        prop_assume!(ratio_q59 < u128::from(regular.half_q59 + FAR_Q59));
        let ratio_q59 = low_word(ratio_q59);
        prop_assume!(regular.half_q59 < ratio_q59 + FAR_Q59);
        let value = near_value_q63(low, high, regular.half_q59, ratio_q59);
        let exact = exact::time_value_wide(low, high, deviation.vol_e9, deviation.seconds);
        let exact_q63 = exact.times(&Wide::power_of_two(63));
        let error = exact_q63.difference(&Wide::from_integer(value)).0;
        prop_assert!(error < Wide::from_integer(u128::from(near_error_q63(low))));
    }

    #[test]
    fn both_paths_round_alike((low, high, vol_e9, seconds) in any_option()) {
        let deviation = Deviation::new(vol_e9, seconds).unwrap();
        let fast = time_value(&log_price(low), &log_price(high), &deviation);
        let exact = exact::time_value(low, high, deviation.vol_e9, deviation.seconds);
        prop_assert_eq!(fast, exact);
    }

    #[test]
    fn the_deviation_keeps_its_error_bounds(
        vol_e9 in spread(VOL_E9_MAX),
        seconds in spread(SECONDS_MAX),
    ) {
        let Some((deviation, regular)) = regular(vol_e9, seconds) else { return Ok(()) };
        let variance = Wide::from_integer(
            multiply_wide(deviation.vol_e9, deviation.vol_e9) * u128::from(deviation.seconds),
        )
        .over_integer(1_000_000_000_000_000_000)
        .over_integer(31_536_000);
        let inverse = variance.inverse_square_root();
        let half = variance.times(&inverse).half();
        let fixed_half = Wide::from_integer(u128::from(regular.half_q59))
            .times(&Wide::power_of_two(-59));
        prop_assert!(half.difference(&fixed_half).0 < Wide::power_of_two(-58));
        let shift = -(regular.inverse_shift.cast_signed() + 1);
        let fixed_inverse = Wide::from_integer(u128::from(regular.inverse))
            .times(&Wide::power_of_two(shift));
        let error = inverse.difference(&fixed_inverse).0;
        prop_assert!(error < inverse.times(&Wide::power_of_two(-60)));
    }
}

#[test]
fn a_value_close_to_a_half_goes_to_the_exact_path() {
    // At the largest price the bound is 6 % of a micro-USD, so some of these must be undecided,
    // most must not, and the naive rounding of the undecided ones must sometimes be wrong.
    let (mut undecided, mut decided, mut wrong) = (0, 0, 0);
    for step in 0..400 {
        let price = 10_000_000_000_000_000 - 7 * step;
        let (deviation, regular) = regular(600_000_000, 2_592_000).unwrap();
        let (low, high) = (log_price(price - 1_000_000_000_000_000), log_price(price));
        let exact = exact::time_value(low.price, high.price, deviation.vol_e9, deviation.seconds);
        match fast_time_value(&low, &high, &regular) {
            Some(fast) => {
                decided += 1;
                assert_eq!(fast, exact);
            }
            None => {
                undecided += 1;
                let ratio = low_word(high.ratio_to(&low, &regular));
                let value = near_value_q63(low.price, high.price, regular.half_q59, ratio);
                wrong += u32::from(low_word((value + (1 << 62)) >> 63) != exact);
                assert_eq!(time_value(&low, &high, &deviation), exact);
            }
        }
    }
    assert!(undecided > 10 && decided > 200, "undecided {undecided}, decided {decided}");
    assert!(wrong > 0, "no case shows why the exact path is needed");
}

#[test]
fn sizes_meet_at_their_borders() {
    let size = |vol_e9, seconds| Deviation::new(vol_e9, seconds).unwrap().size;
    assert_eq!(size(0, 1), Size::Zero);
    assert_eq!(size(1, 0), Size::Zero);
    assert_eq!(size(i64::MIN, i64::MIN), Size::Zero);
    assert_eq!(size(VOL_E9_MAX, SECONDS_MAX), Size::Saturated);
    // One year: s is the volatility, and 26.0 is the border.
    assert!(matches!(size(25_999_999_999, 31_536_000), Size::Regular(_)));
    assert_eq!(size(26_000_000_001, 31_536_000), Size::Saturated);
    let Size::Regular(smallest) = size(1, 1) else { panic!("the smallest deviation is regular") };
    assert_eq!(smallest.inverse_shift, 20);
}
