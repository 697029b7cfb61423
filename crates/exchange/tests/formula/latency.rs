//! Latency: quantiles and ages against sorting, monotone moves, and the ends of i64.

use crate::{any_i64, config};
use lockstep_exchange::formula::FormulaError;
use lockstep_exchange::formula::latency::*;
use proptest::prelude::*;

/// The least of the gaps that 99 of 100 do not exceed, by counting.
fn quantile(gaps_ms: &[i64]) -> i64 {
    let covers = |candidate: i64| {
        let below = gaps_ms.iter().filter(|&&gap_ms| gap_ms <= candidate).count();
        below * 100 >= gaps_ms.len() * 99
    };
    gaps_ms.iter().copied().filter(|&gap_ms| covers(gap_ms)).min().unwrap_or(0)
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn finality_is_the_worst_of_its_four_parts(
        gaps_ms in prop::collection::vec(0..20_000_i64, 0..=GAPS_MAX),
        since_last_ms in 0..20_000_i64,
        finality_ms_min in 0..20_000_i64,
    ) {
        let params = DelayParams { finality_ms_min, actions: 3 };
        let last = gaps_ms.iter().rev().take(8).copied().max().unwrap_or(0);
        let expected = quantile(&gaps_ms).max(last).max(since_last_ms).max(finality_ms_min);
        let mut reordered = gaps_ms.clone();
        prop_assert_eq!(finality_ms(&params, &mut reordered, since_last_ms), Ok(expected));
    }

    #[test]
    fn the_oracles_age_is_the_least_that_two_thirds_are_within(
        reports in prop::collection::vec((0..5_000_i64, 0..50_u64), 0..20),
        silent in 0..300_u64,
    ) {
        let now_ms = 4_000;
        let mut observations: Vec<_> = reports
            .iter()
            .map(|&(published_ms, weight)| Observation { published_ms, weight })
            .collect();
        let total = silent + 1 + reports.iter().map(|report| report.1).sum::<u64>();
        let within = |age_ms: i64| {
            let fresh = reports.iter().filter(|report| now_ms - report.0 <= age_ms);
            fresh.map(|report| report.1).sum::<u64>() * 3 >= total * 2
        };
        let age = oracle_age_ms(&mut observations, total, now_ms).unwrap();
        match age {
            Some(age_ms) => prop_assert!(within(age_ms) && (age_ms == 0 || !within(age_ms - 1))),
            None => prop_assert!(!within(now_ms)),
        }
    }

    #[test]
    fn a_longer_latency_never_moves_prices_less(
        latency_us in 0..10_000_000_000_i64,
        more_us in 0..10_000_000_000_i64,
        jump_ppm in 0..100_000_i64,
        rate_ppm in 0..100_000_i64,
        now_us in 0..10_000_000_000_i64,
    ) {
        let params = MoveParams { jump_ppm, rate_ppm, ..MoveParams::REFERENCE };
        let (short, long) = (latency_us, latency_us + more_us);
        prop_assert!(move_ppm(&params, short).unwrap() <= move_ppm(&params, long).unwrap());
        let extra = |latency_us| extra_move_ppm(&params, latency_us).unwrap();
        prop_assert!(extra(short) <= extra(long) && extra(long) <= params.cap_ppm);
        let moves = extra_moves(&params, short, now_us).unwrap();
        prop_assert_eq!(moves.maintenance_ppm, extra(short));
        prop_assert_eq!(moves.initial_ppm, extra(short).max(extra(now_us)));
    }

    #[test]
    fn nothing_panics_at_the_limits(
        values in prop::array::uniform12(any_i64()),
        mut gaps_ms in prop::collection::vec(any_i64(), 0..12),
        reports in prop::collection::vec((any_i64(), any::<u64>()), 0..6),
        weight_total in any::<u64>(),
    ) {
        let [a, b, c, d, e, f, g, h, i, j, k, l] = values;
        let delays = DelayParams { finality_ms_min: a, actions: b };
        let moves = MoveParams { jump_ppm: c, rate_ppm: d, reference_us: e, cap_ppm: f };
        let negative = a < 0 || g < 0 || gaps_ms.iter().any(|&gap_ms| gap_ms < 0);
        match finality_ms(&delays, &mut gaps_ms, g) {
            Ok(found_ms) => prop_assert!(!negative && found_ms >= a && found_ms >= g),
            Err(error) => prop_assert!(negative && error == FormulaError::Domain),
        }
        if let Ok(found_us) = reaction_us(&delays, h, i, j) {
            prop_assert!(found_us >= 0 && [b, h, i, j].iter().all(|&value| value >= 0));
        }
        if let Ok(blocks) = queue_blocks(k, l) {
            prop_assert!(i128::from(blocks) * i128::from(l) >= i128::from(k));
        }
        if let Ok(found) = extra_moves(&moves, h, k) {
            prop_assert!(found.initial_ppm >= found.maintenance_ppm && h >= 0 && k >= 0);
        }
        let mut observations: Vec<_> = reports
            .into_iter()
            .map(|(published_ms, weight)| Observation { published_ms, weight })
            .collect();
        if let Ok(Some(age_ms)) = oracle_age_ms(&mut observations, weight_total, l) {
            prop_assert!(age_ms >= 0);
        }
    }
}

#[test]
fn liquidations_that_wait_lengthen_the_reaction_by_whole_blocks() {
    let reaction = |waiting| {
        let blocks = queue_blocks(waiting, 256).unwrap();
        reaction_us(&DelayParams::REFERENCE, 300, 250, blocks).unwrap()
    };
    assert_eq!(reaction(0), 1_050_000);
    assert_eq!(reaction(1), 1_300_000);
    assert_eq!(reaction(256), 1_300_000);
    assert_eq!(reaction(257), 1_550_000);
    assert_eq!(queue_blocks(1, 0), Err(FormulaError::Domain));
}

#[test]
fn too_many_gaps_and_overlong_times_are_errors() {
    let params = DelayParams::REFERENCE;
    assert_eq!(finality_ms(&params, &mut [250; GAPS_MAX], 0), Ok(250));
    assert_eq!(finality_ms(&params, &mut [250; GAPS_MAX + 1], 0), Err(FormulaError::Domain));
    assert_eq!(finality_ms(&params, &mut [], 0), Ok(200));
    assert_eq!(reaction_us(&params, i64::MAX, 0, 0), Err(FormulaError::Overflow));
    assert_eq!(reaction_us(&params, 0, i64::MAX, i64::MAX), Err(FormulaError::Overflow));
    assert_eq!(move_ppm(&MoveParams::REFERENCE, -1), Err(FormulaError::Domain));
    let beyond = MoveParams { cap_ppm: 160_001, ..MoveParams::REFERENCE };
    assert_eq!(extra_move_ppm(&beyond, 0), Err(FormulaError::Domain));
}

#[test]
fn a_third_of_the_stake_that_is_silent_leaves_an_age_and_more_does_not() {
    let reports = |count: usize| vec![Observation { published_ms: 900, weight: 1 }; count];
    assert_eq!(oracle_age_ms(&mut reports(2), 3, 1_000), Ok(Some(100)));
    assert_eq!(oracle_age_ms(&mut reports(199), 300, 1_000), Ok(None));
    assert_eq!(oracle_age_ms(&mut reports(3), 2, 1_000), Err(FormulaError::Domain));
    assert_eq!(oracle_age_ms(&mut [], 0, 1_000), Err(FormulaError::Domain));
    // A clock that is ahead makes nothing fresher than now.
    assert_eq!(oracle_age_ms(&mut reports(2), 3, 100), Ok(Some(0)));
}
