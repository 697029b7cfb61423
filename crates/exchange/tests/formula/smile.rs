//! The smile against its formula in floating point, and its arbitrage checks against their meaning.

use crate::{any_i64, config};
use lockstep_exchange::formula::FormulaError;
use lockstep_exchange::formula::smile::*;
use proptest::prelude::*;

const FLAT: Smile = Smile { atm_vol_e9: 500_000_000, rho_ppm: 0, phi_ppm: 0 };
const USUAL: Smile = Smile { atm_vol_e9: 520_000_000, rho_ppm: -300_000, phi_ppm: 3_000_000 };
const MONTH_S: i64 = 30 * 86_400;

/// Total variance by the paper's formula.
fn variance(smile: &Smile, seconds: i64, k: f64) -> f64 {
    let atm = smile.atm_vol_e9 as f64 / 1e9;
    let (rho, phi) = (smile.rho_ppm as f64 / 1e6, smile.phi_ppm as f64 / 1e6);
    let root = ((phi * k + rho).powi(2) + 1.0 - rho * rho).sqrt();
    atm * atm * seconds as f64 / 31_536_000.0 / 2.0 * (1.0 + rho * phi * k + root)
}

/// Gatheral's function g: the density is proportional to it, so it is negative where a butterfly
/// is arbitrage.
fn density_sign(smile: &Smile, seconds: i64, k: f64) -> f64 {
    let h = 1e-4 / (1.0 + smile.phi_ppm as f64 / 1e6);
    let w = |k| variance(smile, seconds, k);
    let first = (w(k + h) - w(k - h)) / (2.0 * h);
    let second = (w(k + h) - 2.0 * w(k) + w(k - h)) / (h * h);
    (1.0 - k * first / (2.0 * w(k))).powi(2) - first * first / 4.0 * (1.0 / w(k) + 0.25)
        + second / 2.0
}

fn any_smile() -> impl Strategy<Value = Smile> {
    (50_000_000..3_000_000_000_i64, -990_000..990_000_i64, 0..60_000_000_i64)
        .prop_map(|(atm_vol_e9, rho_ppm, phi_ppm)| Smile { atm_vol_e9, rho_ppm, phi_ppm })
}

#[test]
fn a_smile_without_curvature_is_flat() {
    for strike in [1, 50_000_000_000, 100_000_000_000, 900_000_000_000] {
        assert_eq!(FLAT.vol_at_strike_e9(100_000_000_000, strike), Ok(500_000_000));
    }
}

#[test]
fn low_strikes_are_dearer_when_the_tilt_is_negative() {
    let vol = |strike: i64| USUAL.vol_at_strike_e9(100_000, strike).unwrap();
    assert!(vol(80_000) > vol(100_000) && vol(80_000) > vol(125_000));
    assert_eq!(vol(100_000), USUAL.atm_vol_e9);
    assert_eq!(slope_at_the_money_e9(&USUAL), Ok(-234_000_000));
}

#[test]
fn volatility_stays_between_one_and_five_hundred_percent() {
    let steep = Smile { atm_vol_e9: VOL_E9_MAX, rho_ppm: 0, phi_ppm: PHI_PPM_MAX };
    assert_eq!(steep.vol_e9(100_000_000_000), Ok(VOL_E9_MAX));
    let low = Smile { atm_vol_e9: VOL_E9_MIN, rho_ppm: 999_000, phi_ppm: 1_000_000 };
    assert_eq!(low.vol_e9(-2_000_000_000), Ok(VOL_E9_MIN));
    assert_eq!(USUAL.vol_e9(100_000_000_001), Err(FormulaError::Domain));
    assert_eq!(Smile { atm_vol_e9: 0, ..USUAL }.vol_e9(0), Err(FormulaError::Domain));
    assert_eq!(USUAL.vol_at_strike_e9(0, 5), Err(FormulaError::Domain));
}

#[test]
fn the_logarithm_is_that_of_the_ratio() {
    assert_eq!(log_moneyness_e9(7, 7), Ok(0));
    assert_eq!(log_moneyness_e9(1, 2), Ok(693_147_181));
    assert_eq!(log_moneyness_e9(2, 1), Ok(-693_147_181));
    assert_eq!(log_moneyness_e9(1, i64::MAX), Ok(43_668_272_375));
}

#[test]
fn a_usual_smile_is_free_of_arbitrage_and_a_wild_one_is_not() {
    assert!(USUAL.is_butterfly_free(MONTH_S));
    let wild = Smile { phi_ppm: 40_000_000, ..USUAL };
    assert!(!wild.is_butterfly_free(MONTH_S));
    let negative =
        (-200..200).any(|step| density_sign(&wild, MONTH_S, f64::from(step) / 100.0) < 0.0);
    assert!(negative, "the refused smile has a negative density somewhere");
    assert!(!Smile { rho_ppm: 1_000_000, ..USUAL }.is_butterfly_free(MONTH_S));
    assert!(!USUAL.is_butterfly_free(-1) && !USUAL.is_butterfly_free(i64::MAX));
}

#[test]
fn the_butterfly_limits_are_exact_at_their_edges() {
    // theta = 1 (100 % for a year), rho = 0: phi^2 <= 4 binds, so phi may be 2 and no more.
    let smile = |phi_ppm| Smile { atm_vol_e9: 1_000_000_000, rho_ppm: 0, phi_ppm };
    assert!(smile(2_000_000).is_butterfly_free(31_536_000));
    assert!(!smile(2_000_001).is_butterfly_free(31_536_000));
    // theta = 25: phi (theta) < 4 binds below phi = 0.16.
    let smile = |phi_ppm| Smile { atm_vol_e9: VOL_E9_MAX, rho_ppm: 0, phi_ppm };
    assert!(smile(159_999).is_butterfly_free(31_536_000));
    assert!(!smile(160_000).is_butterfly_free(31_536_000));
}

#[test]
fn total_variance_may_not_fall_with_time() {
    let near = Smile { atm_vol_e9: 700_000_000, ..USUAL };
    assert_eq!(is_calendar_free(&near, MONTH_S, &USUAL, 2 * MONTH_S), Ok(true));
    assert_eq!(is_calendar_free(&near, MONTH_S, &USUAL, 3 * MONTH_S / 2), Ok(false));
    assert_eq!(is_calendar_free(&USUAL, MONTH_S, &USUAL, MONTH_S), Ok(true));
    // Equal at the money, crossing in a wing.
    let steeper = Smile { phi_ppm: 5_000_000, ..USUAL };
    assert_eq!(is_calendar_free(&steeper, MONTH_S, &USUAL, MONTH_S + 1), Ok(false));
    assert_eq!(is_calendar_free(&USUAL, MONTH_S, &USUAL, 1), Err(FormulaError::Domain));
}

#[test]
fn call_prices_must_fall_and_be_convex() {
    let free = |prices: &[(i64, i64)]| {
        let calls: Vec<_> =
            prices.iter().map(|&(strike, price)| CallPrice { strike, price }).collect();
        calls_are_arbitrage_free(&calls)
    };
    assert_eq!(free(&[(8_000, 2_500), (9_000, 1_700), (10_000, 1_000)]), Ok(true));
    assert_eq!(free(&[(8_000, 2_500), (9_000, 1_800), (10_000, 1_000)]), Ok(false));
    assert_eq!(free(&[(8_000, 2_500), (9_000, 2_600)]), Ok(false));
    assert_eq!(free(&[(8_000, 2_500), (9_000, 1_400)]), Ok(false));
    assert_eq!(free(&[(9_000, 1), (9_000, 1)]), Err(FormulaError::Domain));
    assert_eq!(free(&[]), Ok(true));
}

#[test]
fn a_median_smile_takes_each_parameter_by_stake() {
    let other = Smile { atm_vol_e9: 600_000_000, rho_ppm: 100_000, phi_ppm: 1_000_000 };
    let broken = Smile { atm_vol_e9: -1, ..other };
    let mut scratch = [(0, 0); 4];
    let median = median_smile(&[(USUAL, 2), (other, 2), (FLAT, 1), (broken, 90)], &mut scratch);
    let expected = Smile { atm_vol_e9: 520_000_000, rho_ppm: 0, phi_ppm: 1_000_000 };
    assert_eq!(median, Ok(Some(expected)));
    assert_eq!(median_smile(&[(broken, 90)], &mut scratch), Ok(None));
    assert_eq!(median_smile(&[(USUAL, 1); 5], &mut scratch), Err(FormulaError::Domain));
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn volatility_equals_the_formula(
        smile in any_smile(),
        k_e9 in -3_000_000_000..3_000_000_000_i64,
    ) {
        let vol = smile.vol_e9(k_e9).unwrap();
        prop_assert!((VOL_E9_MIN..=VOL_E9_MAX).contains(&vol));
        let exact = variance(&smile, 31_536_000, k_e9 as f64 / 1e9).sqrt() * 1e9;
        let exact = exact.clamp(VOL_E9_MIN as f64, VOL_E9_MAX as f64);
        // Rounding of the ratio weighs most where it is smallest: near rho of one.
        prop_assert!((vol as f64 - exact).abs() <= 50.0 + exact * 1e-8, "{} {}", vol, exact);
    }

    #[test]
    fn the_accepted_have_a_density_everywhere(smile in any_smile(), days in 1..730_i64) {
        let seconds = days * 86_400;
        if smile.is_butterfly_free(seconds) {
            for step in -40..=40 {
                let sign = density_sign(&smile, seconds, f64::from(step) / 20.0);
                prop_assert!(sign > -1e-4, "at {}: {}", step, sign);
            }
        }
    }

    #[test]
    fn every_accepted_smile_is_calendar_free_with_itself_later(
        smile in any_smile(),
        days in 1..730_i64,
    ) {
        prop_assert_eq!(
            is_calendar_free(&smile, days * 86_400, &smile, days * 86_400 + 3_600),
            Ok(true)
        );
    }

    #[test]
    fn nothing_panics_at_the_limits(
        a in any_i64(),
        b in any_i64(),
        c in any_i64(),
        d in any_i64(),
        e in any_i64(),
    ) {
        let any = Smile { atm_vol_e9: a, rho_ppm: b, phi_ppm: c };
        let bounded = Smile {
            atm_vol_e9: a.clamp(VOL_E9_MIN, VOL_E9_MAX),
            rho_ppm: b.clamp(-RHO_PPM_MAX, RHO_PPM_MAX),
            phi_ppm: c.clamp(0, PHI_PPM_MAX),
        };
        for smile in [any, bounded] {
            let _ = (smile.vol_e9(d), smile.vol_at_strike_e9(d, e), smile.is_butterfly_free(d));
            let _ = (is_calendar_free(&smile, d, &bounded, e), slope_at_the_money_e9(&smile));
        }
        if d > 0 && e > 0 {
            prop_assert!(bounded.vol_at_strike_e9(d, e).is_ok());
        }
        let mut strikes = [a, b, c];
        strikes.sort_unstable();
        let calls = strikes.map(|strike| CallPrice { strike, price: d ^ strike });
        let _ = calls_are_arbitrage_free(&calls);
    }
}
