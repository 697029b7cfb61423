//! Medians by stake against their definition, and what makes an index stale.

use crate::{any_i64, config};
use lockstep_exchange::formula::FormulaError;
use lockstep_exchange::formula::weighted_median::*;
use proptest::prelude::*;

const PARAMS: IndexParams = IndexParams { age_ms_max: 1_000, ahead_ms_max: 50, clamp_ppm: 5_000 };
const NOW: i64 = 1_000_000;

fn report(price: i64, weight: u64, published_ms: i64) -> Report {
    Report { price, weight, published_ms }
}

#[test]
fn ties_take_the_lower_median() {
    assert_eq!(weighted_median(&mut [(30, 1), (10, 1)]), Some(10));
    assert_eq!(weighted_median(&mut [(30, 2), (10, 1), (20, 1)]), Some(20));
    assert_eq!(weighted_median(&mut [(30, 3), (10, 1), (20, 1)]), Some(30));
    assert_eq!(weighted_median(&mut [(5, 0), (9, 0)]), None);
    assert_eq!(weighted_median(&mut []), None);
}

#[test]
fn old_and_future_reports_do_not_count_and_two_thirds_must_be_fresh() {
    let index = |reports: &mut [Report]| index_price(&PARAMS, reports, 9, NOW).unwrap().unwrap();
    let mut fresh =
        [report(100, 3, NOW - 1_000), report(101, 3, NOW + 50), report(7, 3, NOW - 1_001)];
    let seen = index(&mut fresh);
    assert_eq!((seen.median, seen.confidence_ppm, seen.stale), (100, 666_666, false));
    let mut thin = [report(100, 3, NOW), report(101, 2, NOW), report(7, 4, NOW + 51)];
    let seen = index(&mut thin);
    assert_eq!((seen.median, seen.confidence_ppm, seen.stale), (100, 555_555, true));
    let mut none = [report(100, 9, 0), report(0, 9, NOW), report(5, 0, NOW)];
    assert_eq!(index_price(&PARAMS, &mut none, 9, NOW), Ok(None));
}

#[test]
fn an_outlier_is_clamped_before_it_enters_the_mean() {
    let price = 100_000_000_000;
    let mut reports = [report(price, 5, NOW), report(2 * price, 5, NOW)];
    let index = index_price(&PARAMS, &mut reports, 10, NOW).unwrap().unwrap();
    assert_eq!((index.median, index.mean), (price, price + price / 400));
    assert!(!index.stale);
}

#[test]
fn more_weight_than_there_is_is_refused() {
    let mut reports = [report(1, 6, NOW), report(1, 5, NOW)];
    assert_eq!(index_price(&PARAMS, &mut reports, 10, NOW), Err(FormulaError::Domain));
    assert_eq!(share_ppm(0, 0), Err(FormulaError::Domain));
}

fn any_reports() -> impl Strategy<Value = Vec<Report>> {
    let one = (1..2_000_000_000_000_i64, 0..1_000_000_u64, NOW - 1_500..NOW + 100);
    let one = one.prop_map(|(price, weight, published_ms)| report(price, weight, published_ms));
    prop::collection::vec(one, 0..40)
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn the_median_halves_the_weight(
        mut values in prop::collection::vec((any_i64(), any::<u64>()), 0..40),
    ) {
        let total: u128 = values.iter().map(|value| u128::from(value.1)).sum();
        let original = values.clone();
        let weight = |counts: &dyn Fn(i64) -> bool| -> u128 {
            original.iter().filter(|value| counts(value.0)).map(|value| u128::from(value.1)).sum()
        };
        match weighted_median(&mut values) {
            None => prop_assert_eq!(total, 0),
            Some(median) => {
                prop_assert!(original.iter().any(|value| value.0 == median && value.1 > 0));
                prop_assert!(weight(&|value| value < median) * 2 < total);
                prop_assert!(weight(&|value| value <= median) * 2 >= total);
            }
        }
    }

    #[test]
    fn the_index_does_not_depend_on_the_order_of_reports(
        reports in any_reports(),
        turn in 0..40_usize,
    ) {
        let total = 60_000_000;
        let mut turned = reports.clone();
        turned.rotate_left(turn.min(reports.len()));
        turned.reverse();
        let mut reports = reports;
        prop_assert_eq!(
            index_price(&PARAMS, &mut reports, total, NOW),
            index_price(&PARAMS, &mut turned, total, NOW)
        );
    }

    #[test]
    fn median_and_mean_lie_together_and_the_clamp_leaves_the_median(reports in any_reports()) {
        let mut sorted = reports.clone();
        let Some(index) = index_price(&PARAMS, &mut sorted, 60_000_000, NOW).unwrap() else {
            return Ok(());
        };
        let apart = i128::from((index.mean - index.median).abs());
        prop_assert!(apart * 1_000_000 <= i128::from(index.median) * 5_000);
        let width = index.median * 5 / 1_000;
        let mut clamped: Vec<_> = reports
            .iter()
            .filter(|report| (NOW - 1_000..=NOW + 50).contains(&report.published_ms))
            .map(|report| {
                (report.price.clamp(index.median - width, index.median + width), report.weight)
            })
            .collect();
        prop_assert_eq!(weighted_median(&mut clamped), Some(index.median));
    }

    #[test]
    fn less_than_half_of_the_stake_cannot_leave_the_range_of_the_rest(
        honest in prop::collection::vec((1_000..2_000_i64, 10..20_u64), 5..10),
        lies in prop::collection::vec((1..i64::MAX / 2, 1..5_u64), 0..9),
    ) {
        let mut all: Vec<_> = honest.iter().chain(&lies).copied().collect();
        let median = weighted_median(&mut all).unwrap();
        prop_assert!((1_000..2_000).contains(&median));
    }

    #[test]
    fn nothing_panics_at_the_limits(
        prices in prop::collection::vec((any_i64(), any::<u64>(), any_i64()), 0..6),
        total in any::<u64>(),
        now in any_i64(),
        age in any_i64(),
        clamp_ppm in any_i64(),
    ) {
        let mut reports: Vec<_> = prices.iter().map(|one| report(one.0, one.1, one.2)).collect();
        let params = IndexParams { age_ms_max: age, ahead_ms_max: age, clamp_ppm };
        let _ = index_price(&params, &mut reports, total, now);
    }
}
