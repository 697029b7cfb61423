//! The uncrossing price against a search over every price.

use crate::{any_i64, config};
use lockstep_exchange::formula::FormulaError;
use lockstep_exchange::formula::auction::*;
use proptest::prelude::*;
use std::cmp::Reverse;
use std::collections::BTreeMap;

fn levels(pairs: &[(i64, i64)]) -> Vec<Level> {
    pairs.iter().map(|&(price, lots)| Level { price, lots }).collect()
}

fn price_of(bids: &[(i64, i64)], asks: &[(i64, i64)], reference: i64) -> Option<(i64, i64, i64)> {
    uncross(&levels(bids), &levels(asks), reference)
        .unwrap()
        .map(|found| (found.price, found.volume_lots, found.imbalance_lots))
}

#[test]
fn each_rule_decides_when_those_before_it_tie() {
    // Greatest volume.
    assert_eq!(price_of(&[(12, 5), (10, 5)], &[(9, 8)], 12), Some((10, 8, 2)));
    // Least imbalance: at 10 eight are bid for five, at 12 five for five.
    assert_eq!(price_of(&[(12, 5), (10, 3)], &[(9, 5)], 10), Some((12, 5, 0)));
    // Nearest to the reference, which itself is a candidate.
    assert_eq!(price_of(&[(12, 5)], &[(8, 5)], 11), Some((11, 5, 0)));
    assert_eq!(price_of(&[(12, 5)], &[(8, 5)], 99), Some((12, 5, 0)));
    assert_eq!(price_of(&[(12, 5)], &[(8, 5)], 1), Some((8, 5, 0)));
    // Two prices as far from the reference, which lies between them, leave it to the reference.
    assert_eq!(price_of(&[(11, 5), (9, 2)], &[(9, 5), (11, 2)], 10), Some((10, 5, 0)));
    assert_eq!(price_of(&[(12, 4), (8, 2)], &[(8, 4), (12, 2)], 10), Some((10, 4, 0)));
}

#[test]
fn what_does_not_cross_does_not_trade() {
    assert_eq!(price_of(&[(9, 5)], &[(10, 5)], 9), None);
    assert_eq!(price_of(&[], &[(10, 5)], 9), None);
    assert_eq!(price_of(&[(10, 5)], &[], 9), None);
    assert_eq!(price_of(&[(10, 0)], &[(10, 5)], 9), None);
    assert_eq!(price_of(&[(10, 3)], &[(10, 5)], 9), Some((10, 3, -2)));
}

#[test]
fn unsorted_or_negative_levels_are_refused() {
    let refused =
        |bids: &[(i64, i64)], asks: &[(i64, i64)]| uncross(&levels(bids), &levels(asks), 0);
    assert_eq!(refused(&[(12, 1), (12, 1)], &[(9, 1)]), Err(FormulaError::Domain));
    assert_eq!(refused(&[(12, 1)], &[(9, 1), (8, 1)]), Err(FormulaError::Domain));
    assert_eq!(refused(&[(12, -1)], &[(9, 1)]), Err(FormulaError::Domain));
    let full = [(12, i64::MAX), (11, 1)];
    assert_eq!(refused(&full, &[(9, 1)]), Err(FormulaError::Overflow));
}

/// The best price by trying every one between best ask and best bid: levels and reference only.
fn search(bids: &[Level], asks: &[Level], reference: i64) -> Option<Uncross> {
    let (low, high) = (asks.first()?.price, bids.first()?.price);
    let mut prices: Vec<i64> = bids.iter().chain(asks).map(|level| level.price).collect();
    prices.push(reference);
    prices
        .into_iter()
        .filter(|price| (low..=high).contains(price))
        .map(|price| {
            let demand: i64 = bids.iter().filter(|l| l.price >= price).map(|l| l.lots).sum();
            let supply: i64 = asks.iter().filter(|l| l.price <= price).map(|l| l.lots).sum();
            Uncross { price, volume_lots: demand.min(supply), imbalance_lots: demand - supply }
        })
        .filter(|here| here.volume_lots > 0)
        .max_by_key(|here| {
            let away = (here.price - reference).abs();
            (here.volume_lots, Reverse((here.imbalance_lots.abs(), away, here.price)))
        })
}

fn any_book() -> impl Strategy<Value = BTreeMap<i64, i64>> {
    prop::collection::btree_map(0..40_i64, 0..6_i64, 0..20)
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn the_sweep_finds_what_the_search_finds(
        bids in any_book(),
        asks in any_book(),
        reference in -5..45_i64,
    ) {
        let bids: Vec<_> =
            bids.into_iter().rev().map(|(price, lots)| Level { price, lots }).collect();
        let asks: Vec<_> = asks.into_iter().map(|(price, lots)| Level { price, lots }).collect();
        let found = uncross(&bids, &asks, reference).unwrap();
        prop_assert_eq!(found, search(&bids, &asks, reference));
        // No price at all trades more, candidate or not.
        for price in 0..40 {
            let demand: i64 = bids.iter().filter(|l| l.price >= price).map(|l| l.lots).sum();
            let supply: i64 = asks.iter().filter(|l| l.price <= price).map(|l| l.lots).sum();
            prop_assert!(demand.min(supply) <= found.map_or(0, |found| found.volume_lots));
        }
    }

    #[test]
    fn nothing_panics_at_the_limits(
        bids in prop::collection::vec((any_i64(), any_i64()), 0..4),
        asks in prop::collection::vec((any_i64(), any_i64()), 0..4),
        reference in any_i64(),
    ) {
        let (mut bids, mut asks) = (levels(&bids), levels(&asks));
        bids.sort_by_key(|level| Reverse(level.price));
        asks.sort_by_key(|level| level.price);
        let _ = uncross(&bids, &asks, reference);
    }
}
