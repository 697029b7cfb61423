//! Greeks at the edges and against differences of prices.

use proptest::prelude::*;

use super::super::{Black76, Field, PRICE_MAX, SECONDS_MAX, VOL_E9_MAX};
use super::*;

const USD: i64 = 1_000_000;

fn greeks_of(forward: i64, strike: i64, vol_e9: i64, seconds: i64) -> Greeks {
    Black76 { forward, strike, vol_e9, seconds }.greeks().unwrap()
}

#[test]
fn an_expired_option_has_the_delta_of_its_intrinsic_value() {
    for (forward, delta_call_e9) in [(99, 0), (100, 500_000_000), (101, 1_000_000_000)] {
        let greeks = greeks_of(forward * USD, 100 * USD, 600_000_000, 0);
        let delta_put_e9 = delta_call_e9 - 1_000_000_000;
        let expected =
            Greeks { delta_call_e9, delta_put_e9, gamma_e15: 0, vega: 0, theta_per_day: 0 };
        assert_eq!(greeks, expected);
    }
}

#[test]
fn greeks_are_the_slopes_of_the_price() {
    let (forward, vol_e9, seconds) = (1_000_000_000 * USD, 700_000_000, 5_000_000);
    for strike in [700, 950, 1_000, 1_050, 1_600].map(|strike| strike * 1_000_000 * USD) {
        let call = |forward, vol_e9, seconds| {
            Black76 { forward, strike, vol_e9, seconds }.prices().unwrap().call
        };
        let greeks = greeks_of(forward, strike, vol_e9, seconds);
        // Central differences: their own error is of second order in the step.
        let step = forward / 100_000;
        let rise = call(forward + step, vol_e9, seconds) - call(forward - step, vol_e9, seconds);
        let delta_e9 = i128::from(rise) * 1_000_000_000 / i128::from(2 * step);
        assert!((delta_e9 - i128::from(greeks.delta_call_e9)).abs() < 100, "delta {strike}");
        let deltas = greeks_of(forward + step, strike, vol_e9, seconds).delta_call_e9
            - greeks_of(forward - step, strike, vol_e9, seconds).delta_call_e9;
        // 1e-9 per 2 steps to 1e-15 per USD.
        let gamma_e15 = i128::from(deltas) * 1_000_000 * i128::from(USD) / i128::from(2 * step);
        let gamma_error = (gamma_e15 - greeks.gamma_e15).abs();
        assert!(gamma_error * 1_000 < greeks.gamma_e15, "gamma {strike}");
        let rise =
            call(forward, vol_e9 + 10_000, seconds) - call(forward, vol_e9 - 10_000, seconds);
        let vega = rise * 50_000;
        assert!((vega - greeks.vega).abs() < greeks.vega / 100_000, "vega {strike}");
        let fall = call(forward, vol_e9, seconds - 60) - call(forward, vol_e9, seconds + 60);
        let theta = fall * 720;
        assert!((theta - greeks.theta_per_day).abs() < -greeks.theta_per_day / 10_000);
    }
}

#[test]
fn the_corners_of_the_inputs_fit_their_words() {
    let prices = [1, 2, 1_000, PRICE_MAX - 1, PRICE_MAX];
    for forward in prices {
        for strike in prices {
            for vol_e9 in [1, 1_000_000_000, VOL_E9_MAX] {
                for seconds in [1, 86_400, SECONDS_MAX] {
                    let greeks = greeks_of(forward, strike, vol_e9, seconds);
                    assert!((0..=1_000_000_000).contains(&greeks.delta_call_e9));
                    assert!(greeks.gamma_e15 >= 0 && greeks.vega >= 0);
                    assert!(greeks.theta_per_day <= 0);
                }
            }
        }
    }
}

/// A number whose logarithm is uniform.
fn spread(maximum: i64) -> impl Strategy<Value = i64> {
    (any::<u64>(), 0_u32..64).prop_map(move |(bits, shift)| {
        i64::try_from(bits >> shift).unwrap_or(i64::MAX).clamp(1, maximum)
    })
}

/// Options as they are listed: 1 to 200,000 USD, strikes within four deviations.
fn listed_option() -> impl Strategy<Value = (i64, i64, i64, i64)> {
    (USD..200_000 * USD, 100_000_000_i64..2_000_000_000, 3_600_i64..31_536_000, -400_i64..400)
        .prop_map(|(forward, vol_e9, seconds, percent)| {
            let years_e9 = seconds * 1_000_000_000 / 31_536_000;
            let root_e9 = (years_e9 * 1_000_000_000).isqrt();
            let deviation_e6 = vol_e9 / 1_000 * root_e9 / 1_000_000_000;
            let distance = i128::from(forward) * i128::from(deviation_e6 * percent) / 100_000_000;
            let strike = i64::try_from(i128::from(forward) + distance).unwrap();
            (forward, strike.clamp(forward / 10, forward * 10), vol_e9, seconds)
        })
}

fn both_paths(option: (i64, i64, i64, i64)) -> (Option<GreekSizes>, GreekSizes) {
    let (forward, strike, vol_e9, seconds) = option;
    let forward = LogPrice::new(Field::Forward, forward).unwrap();
    let strike = LogPrice::new(Field::Strike, strike).unwrap();
    let deviation = Deviation::new(vol_e9, seconds).unwrap();
    let exact = exact::greeks(forward.price, strike.price, deviation.vol_e9, deviation.seconds);
    (fast_greeks(&forward, &strike, &deviation), exact)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn both_paths_agree_on_listed_options(option in listed_option()) {
        let (fast, exact) = both_paths(option);
        prop_assert!(fast.is_none_or(|fast| fast == exact), "{fast:?} is not {exact:?}");
    }

    #[test]
    fn both_paths_agree_on_any_option(
        forward in spread(PRICE_MAX),
        other in spread(PRICE_MAX),
        near: bool,
        vol_e9 in spread(VOL_E9_MAX),
        seconds in spread(SECONDS_MAX),
    ) {
        let close = (forward + other % (1 + forward / 16)).min(PRICE_MAX);
        let strike = if near { close } else { other };
        for option in [(forward, strike, vol_e9, seconds), (strike, forward, vol_e9, seconds)] {
            let (fast, exact) = both_paths(option);
            prop_assert!(fast.is_none_or(|fast| fast == exact), "{fast:?} is not {exact:?}");
        }
    }
}

#[test]
fn the_fast_path_answers_for_nearly_every_option_on_a_dear_underlying() {
    let mut undecided = 0;
    for strike in 1..=400 {
        let option = (100_000 * USD, strike * 500 * USD + 17, 600_000_000, 2_592_000);
        let (fast, exact) = both_paths(option);
        assert!(fast.is_none_or(|fast| fast == exact));
        undecided += u32::from(fast.is_none());
    }
    assert!(undecided < 20, "{undecided} of 400 went to the exact path");
}
