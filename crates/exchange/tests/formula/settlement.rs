//! Settlement against a sum over milliseconds, and the split of the forward within the window.

use crate::{any_i64, config};
use lockstep_exchange::formula::settlement::*;
use lockstep_exchange::formula::{FormulaError, OptionSide};
use proptest::prelude::*;

const END_MS: i64 = 10_000;
const WINDOW: i64 = 500;

/// Samples in time order around a short window.
fn any_samples() -> impl Strategy<Value = Vec<Sample>> {
    let sample = (9_000..10_200_i64, 0..1_000_000_000_000_i64);
    prop::collection::vec(sample, 0..30).prop_map(|mut samples| {
        samples.sort_by_key(|sample| sample.0);
        samples.into_iter().map(|(time_ms, price)| Sample { time_ms, price }).collect()
    })
}

fn settled(samples: &[Sample]) -> Settling {
    let mut settling = Settling::new(END_MS, WINDOW).unwrap();
    for sample in samples {
        settling.add(*sample).unwrap();
    }
    settling
}

/// The price that holds in each ms of the window, where there is one.
fn held_prices(samples: &[Sample]) -> Vec<i128> {
    (END_MS - WINDOW..END_MS)
        .filter_map(|ms| samples.iter().rev().find(|sample| sample.time_ms <= ms))
        .map(|sample| i128::from(sample.price))
        .collect()
}

#[test]
fn without_a_sample_there_is_no_price() {
    assert_eq!(settled(&[]).price(), Ok(None));
    let late = [Sample { time_ms: END_MS, price: 7 }];
    assert_eq!(settled(&late).price(), Ok(None));
    let split = settled(&[]).split(END_MS).unwrap();
    assert_eq!(split.forward(5), Err(FormulaError::Domain));
}

#[test]
fn time_does_not_run_backwards() {
    let mut settling = settled(&[Sample { time_ms: 9_600, price: 7 }]);
    let before = settling;
    assert_eq!(settling.add(Sample { time_ms: 9_599, price: 7 }), Err(FormulaError::Domain));
    assert_eq!(settling.add(Sample { time_ms: 9_600, price: -1 }), Err(FormulaError::Domain));
    assert_eq!(settling.split(9_599), Err(FormulaError::Domain));
    assert_eq!(settling, before);
}

#[test]
fn delta_decays_in_proportion_within_the_window() {
    let settling = settled(&[Sample { time_ms: 9_000, price: 1_000_000 }]);
    let share = |now_ms| settling.split(now_ms).unwrap().variable_ppm().unwrap();
    assert_eq!(
        [9_000, 9_500, 9_625, 9_750, 10_000].map(share),
        [1_000_000, 1_000_000, 750_000, 500_000, 0]
    );
    let split = settling.split(9_750).unwrap();
    assert_eq!(split.forward(3_000_000), Ok(2_000_000));
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn the_price_is_the_floor_of_the_mean_over_milliseconds(samples in any_samples()) {
        let prices = held_prices(&samples);
        let expected = match i128::try_from(prices.len()).unwrap() {
            0 => None,
            count => Some(i64::try_from(prices.iter().sum::<i128>() / count).unwrap()),
        };
        prop_assert_eq!(settled(&samples).price(), Ok(expected));
    }

    #[test]
    fn the_split_leads_to_the_price_when_the_forward_holds(
        samples in any_samples(),
        forward in 0..1_000_000_000_000_i64,
    ) {
        let now_ms = samples.last().map_or(9_000, |sample| sample.time_ms);
        let settling = settled(&samples);
        let split = settling.split(now_ms).unwrap();
        prop_assert!(split.fixed_ms + split.variable_ms <= WINDOW);
        if now_ms < END_MS {
            // If the index stays at the forward from now on, the split's forward is the price.
            let mut later = settling;
            later.add(Sample { time_ms: now_ms, price: forward }).unwrap();
            prop_assert_eq!(split.forward(forward).map(Some), later.price());
        }
    }

    #[test]
    fn cash_of_both_sides_never_creates_money(
        strike in 0..200_000_000_000_i64,
        price in 0..200_000_000_000_i64,
        lots in 0..1_000_000_i64,
    ) {
        for side in [OptionSide::Call, OptionSide::Put] {
            let long = option_cash(side, strike, lots, price).unwrap();
            let short = option_cash(side, strike, -lots, price).unwrap();
            prop_assert!(long >= 0 && (-1..=0).contains(&(long + short)));
        }
    }

    #[test]
    fn nothing_panics_at_the_limits(
        a in any_i64(),
        b in any_i64(),
        c in any_i64(),
        d in any_i64(),
    ) {
        let _ = option_cash(OptionSide::Put, a, b, c);
        let Ok(mut settling) = Settling::new(a, b) else { return Ok(()) };
        let _ = settling.add(Sample { time_ms: c.min(d), price: a });
        let _ = settling.add(Sample { time_ms: c.max(d), price: b });
        let price = settling.price().unwrap();
        prop_assert!(price.is_none_or(|price| price >= 0));
        if let Ok(split) = settling.split(d) {
            let _ = split.forward(c);
            let _ = split.variable_ppm();
        }
    }
}
