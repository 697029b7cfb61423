//! Marks lie where they must whatever the book shows.

use crate::{any_i64, config};
use lockstep_exchange::formula::mark::*;
use lockstep_exchange::formula::{FormulaError, OptionSide};
use proptest::prelude::*;

const DOLLAR: i64 = 1_000_000;

fn touch(bid: i64, ask: i64) -> Touch {
    Touch { bid: Some(bid), ask: Some(ask) }
}

const LINEAR: LinearMark = LinearMark {
    index: 100_000 * DOLLAR,
    basis: 20 * DOLLAR,
    touch: Touch { bid: None, ask: None },
    last: None,
    band_ppm: 50_000,
};

#[test]
fn a_linear_mark_is_the_median_of_three_within_the_band() {
    let mark = |touch, last| linear_mark(&LinearMark { touch, last, ..LINEAR }).unwrap();
    let none = Touch::default();
    assert_eq!(mark(none, None), 100_020 * DOLLAR);
    // One traded price alone cannot move the mark.
    assert_eq!(mark(none, Some(1)), 100_020 * DOLLAR);
    assert_eq!(mark(touch(99_000 * DOLLAR, 99_100 * DOLLAR), None), 100_020 * DOLLAR);
    // Book and trade together move it, up to the band.
    let low = touch(99_000 * DOLLAR, 99_100 * DOLLAR);
    assert_eq!(mark(low, Some(99_500 * DOLLAR)), 99_500 * DOLLAR);
    assert_eq!(mark(touch(0, 2), Some(1)), 95_000 * DOLLAR);
}

#[test]
fn a_linear_mark_refuses_what_makes_no_sense() {
    let refused = |inputs: LinearMark| linear_mark(&inputs) == Err(FormulaError::Domain);
    assert!(refused(LinearMark { index: 0, ..LINEAR }));
    assert!(refused(LinearMark { last: Some(-1), ..LINEAR }));
    assert!(refused(LinearMark { band_ppm: 1_000_000, ..LINEAR }));
    let overflow = LinearMark { index: i64::MAX, ..LINEAR };
    assert_eq!(linear_mark(&overflow), Err(FormulaError::Overflow));
}

#[test]
fn an_option_mark_follows_the_book_only_within_its_band() {
    let option = OptionMark {
        model: 5_000 * DOLLAR,
        touch: Touch::default(),
        side: OptionSide::Call,
        strike: 100_000 * DOLLAR,
        forward: 100_000 * DOLLAR,
        pull_ppm: 500_000,
        band_premium_ppm: 100_000,
        band_forward_ppm: 2_000,
    };
    let mark = |touch| option_mark(&OptionMark { touch, ..option }).unwrap();
    assert_eq!(mark(Touch::default()), 5_000 * DOLLAR);
    assert_eq!(mark(touch(5_050 * DOLLAR, 5_150 * DOLLAR)), 5_050 * DOLLAR);
    // The narrower band: 0.2 % of the forward is 200, a tenth of the premium 500.
    assert_eq!(mark(touch(9_000 * DOLLAR, 9_100 * DOLLAR)), 5_200 * DOLLAR);
    assert_eq!(mark(Touch { bid: Some(4_000 * DOLLAR), ask: None }), 5_000 * DOLLAR);
    assert_eq!(mark(Touch { bid: Some(5_100 * DOLLAR), ask: None }), 5_050 * DOLLAR);
    assert_eq!(mark(Touch { bid: None, ask: Some(4_900 * DOLLAR) }), 4_950 * DOLLAR);
    // Never below intrinsic value.
    let deep = OptionMark { strike: 95_100 * DOLLAR, model: 4_950 * DOLLAR, ..option };
    assert_eq!(option_mark(&OptionMark { touch: touch(1, 3), ..deep }), Ok(4_900 * DOLLAR));
}

#[test]
fn a_forward_comes_from_the_future_only_while_its_book_is_tight() {
    let (index, basis) = (100_000 * DOLLAR, 300 * DOLLAR);
    let forward = |touch| forward_price(index, basis, &touch, 2_000);
    assert_eq!(forward(touch(100_400 * DOLLAR, 100_600 * DOLLAR)), Ok(100_500 * DOLLAR));
    assert_eq!(forward(touch(100_400 * DOLLAR, 100_600 * DOLLAR + 1)), Ok(100_300 * DOLLAR));
    assert_eq!(forward(Touch { bid: Some(1), ask: None }), Ok(100_300 * DOLLAR));
    assert_eq!(forward_price(5, -5, &Touch::default(), 0), Err(FormulaError::Domain));
}

#[test]
fn an_average_reaches_two_thirds_after_two_time_constants_in_one_step() {
    let mut average = MovingAverage::new(0, 0).unwrap();
    average.update(3_000, 20_000, 10_000).unwrap();
    assert_eq!(average.value(), 2_000);
    let before = average;
    assert_eq!(average.update(0, 19_999, 10_000), Err(FormulaError::Domain));
    assert_eq!(average.update(0, 20_001, 0), Err(FormulaError::Domain));
    assert_eq!(average.update(i64::MAX, 20_001, 1), Err(FormulaError::Overflow));
    assert_eq!(average, before);
}

#[test]
fn an_average_of_short_blocks_follows_the_exponential_within_a_tenth_of_a_percent() {
    // 1 - exp(-1) = 0.632121 after one time constant of 30 s, in blocks of 50 ms.
    let mut average = MovingAverage::new(0, 0).unwrap();
    for block in 1..=600 {
        average.update(1_000_000_000, block * 50, 30_000).unwrap();
    }
    assert!((average.value() - 632_120_559).abs() < 1_000_000, "{}", average.value());
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn the_median_is_the_middle_one(a in any_i64(), b in any_i64(), c in any_i64()) {
        let mut sorted = [a, b, c];
        sorted.sort_unstable();
        prop_assert_eq!(median_of_three(a, b, c), sorted[1]);
    }

    #[test]
    fn an_average_never_overshoots(
        start in -1_000_000_000_000..1_000_000_000_000_i64,
        value in -1_000_000_000_000..1_000_000_000_000_i64,
        steps in prop::collection::vec(0..100_000_i64, 1..20),
        time_constant_ms in 1..1_000_000_i64,
    ) {
        let mut average = MovingAverage::new(start, 0).unwrap();
        let mut now_ms = 0;
        let mut distance = (value * 1_000 - average.nano).abs();
        for step in steps {
            now_ms += step;
            average.update(value, now_ms, time_constant_ms).unwrap();
            let left = value * 1_000 - average.nano;
            prop_assert!(left.abs() <= distance && left.signum() * (value - start).signum() >= 0);
            distance = left.abs();
        }
    }

    #[test]
    fn a_linear_mark_stays_in_its_band(
        index in 1..1_000_000_000_000_i64,
        basis in -1_000_000_000_000..1_000_000_000_000_i64,
        bid in prop::option::of(0..i64::MAX),
        ask in prop::option::of(0..i64::MAX),
        last in prop::option::of(0..i64::MAX),
        band_ppm in 0..1_000_000_i64,
    ) {
        let inputs = LinearMark { index, basis, touch: Touch { bid, ask }, last, band_ppm };
        let mark = linear_mark(&inputs).unwrap();
        prop_assert!(mark > 0);
        prop_assert!(
            i128::from((mark - index).abs()) * 1_000_000
                <= i128::from(index) * i128::from(band_ppm)
        );
    }

    #[test]
    fn an_option_mark_stays_near_the_model_and_within_bounds_that_need_none(
        strike in 0..1_000_000_000_000_i64,
        forward in 0..1_000_000_000_000_i64,
        time_value_ppm in 0..=1_000_000_i64,
        bid in prop::option::of(0..1_000_000_000_000_i64),
        ask in prop::option::of(0..1_000_000_000_000_i64),
        pull_ppm in 0..=1_000_000_i64,
        call in any::<bool>(),
    ) {
        let side = if call { OptionSide::Call } else { OptionSide::Put };
        let (intrinsic, ceiling) = if call {
            ((forward - strike).max(0), forward)
        } else {
            ((strike - forward).max(0), strike)
        };
        let model = intrinsic + (ceiling - intrinsic) / 1_000_000 * time_value_ppm;
        let mark = option_mark(&OptionMark {
            model,
            touch: Touch { bid, ask },
            side,
            strike,
            forward,
            pull_ppm,
            band_premium_ppm: 100_000,
            band_forward_ppm: 2_000,
        })
        .unwrap();
        prop_assert!(intrinsic <= mark && mark <= ceiling);
        prop_assert!((mark - model).abs() <= forward / 500 && (mark - model).abs() <= model / 10);
    }

    #[test]
    fn nothing_panics_at_the_limits(
        a in any_i64(),
        b in any_i64(),
        c in any_i64(),
        d in any_i64(),
        e in any_i64(),
        f in any_i64(),
    ) {
        let _ = band_clamp(a, b, c);
        let _ = forward_price(a, b, &touch(c, d), e);
        let _ = linear_mark(&LinearMark {
            index: a,
            basis: b,
            touch: touch(c, d),
            last: Some(e),
            band_ppm: f,
        });
        let _ = option_mark(&OptionMark {
            model: a,
            touch: touch(b, c),
            side: OptionSide::Put,
            strike: d,
            forward: e,
            pull_ppm: 1_000_000,
            band_premium_ppm: f,
            band_forward_ppm: f,
        });
        if let Ok(mut average) = MovingAverage::new(a, b) {
            let _ = average.update(c, d, e);
        }
    }
}
