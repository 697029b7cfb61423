//! The uncrossing price against a search over every price.

use crate::{any_i64, config};
use lockstep_exchange::formula::FormulaError;
use lockstep_exchange::formula::auction::*;
use proptest::prelude::*;
use std::cmp::Reverse;
use std::collections::BTreeMap;

fn levels(pairs: &[(u32, i64)]) -> Vec<Level> {
    pairs.iter().map(|&(tick, lots)| Level { tick, lots }).collect()
}

fn price_of(bids: &[(u32, i64)], asks: &[(u32, i64)], reference: u32) -> Option<(u32, i64, i64)> {
    uncross(&levels(bids), &levels(asks), reference)
        .unwrap()
        .map(|found| (found.tick, found.volume_lots, found.imbalance_lots))
}

#[test]
fn each_rule_decides_when_those_before_it_tie() {
    // Greatest volume.
    assert_eq!(price_of(&[(12, 5), (10, 5)], &[(9, 8)], 12), Some((10, 8, 2)));
    // Least imbalance: at 10 eight are bid for five, above it five for five.
    assert_eq!(price_of(&[(12, 5), (10, 3)], &[(9, 5)], 10), Some((11, 5, 0)));
    // Nearest to the reference.
    assert_eq!(price_of(&[(12, 5)], &[(8, 5)], 11), Some((11, 5, 0)));
    assert_eq!(price_of(&[(12, 5)], &[(8, 5)], 99), Some((12, 5, 0)));
    assert_eq!(price_of(&[(12, 5)], &[(8, 5)], 1), Some((8, 5, 0)));
}

#[test]
fn the_price_may_lie_where_no_order_is() {
    // Five trade at any of the prices, but only between 9 and 11 is nothing left over.
    let (bids, asks) = ([(12, 5), (9, 3)], [(8, 5), (11, 4)]);
    for reference in [0, 8, 10, 12, 99] {
        assert_eq!(price_of(&bids, &asks, reference), Some((10, 5, 0)));
    }
    // Where there are several such, the nearest to the reference.
    let (bids, asks) = ([(20, 5), (9, 3)], [(8, 5), (14, 4)]);
    for (reference, tick) in [(0, 10), (9, 10), (11, 11), (13, 13), (14, 13), (20, 13)] {
        assert_eq!(price_of(&bids, &asks, reference), Some((tick, 5, 0)));
    }
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
        |bids: &[(u32, i64)], asks: &[(u32, i64)]| uncross(&levels(bids), &levels(asks), 0);
    assert_eq!(refused(&[(12, 1), (12, 1)], &[(9, 1)]), Err(FormulaError::Domain));
    assert_eq!(refused(&[(12, 1)], &[(9, 1), (8, 1)]), Err(FormulaError::Domain));
    assert_eq!(refused(&[(12, -1)], &[(9, 1)]), Err(FormulaError::Domain));
    let full = [(12, i64::MAX), (11, 1)];
    assert_eq!(refused(&full, &[(9, 1)]), Err(FormulaError::Overflow));
}

/// The best price by trying every tick there is.
fn search(bids: &[Level], asks: &[Level], reference: u32) -> Option<Uncross> {
    (0..TICKS)
        .map(|tick| {
            let demand: i64 = bids.iter().filter(|l| l.tick >= tick).map(|l| l.lots).sum();
            let supply: i64 = asks.iter().filter(|l| l.tick <= tick).map(|l| l.lots).sum();
            Uncross { tick, volume_lots: demand.min(supply), imbalance_lots: demand - supply }
        })
        .filter(|here| here.volume_lots > 0)
        .max_by_key(|here| {
            let away = here.tick.abs_diff(reference);
            (here.volume_lots, Reverse((here.imbalance_lots.abs(), away, here.tick)))
        })
}

#[test]
fn no_tick_of_any_small_book_is_better() {
    // Each of four ticks has no bid or one of one or two lots, and no offer or one; 3^8 books.
    let book = |code: u32| -> Vec<Level> {
        let lots = |tick: u32| i64::from(code / 3_u32.pow(tick) % 3);
        let level = |tick: u32| Level { tick: 2 * tick + 1, lots: lots(tick) };
        (0..4).map(level).filter(|level| level.lots > 0).collect()
    };
    for bids in 0..3_u32.pow(4) {
        let bids: Vec<Level> = book(bids).into_iter().rev().collect();
        for asks in 0..3_u32.pow(4) {
            let asks = book(asks);
            for reference in 0..10 {
                let found = uncross(&bids, &asks, reference).unwrap();
                assert_eq!(found, search(&bids, &asks, reference), "{bids:?} {asks:?} {reference}");
            }
        }
    }
}

/// Ticks of the books that are searched.
const TICKS: u32 = 40;

fn any_book() -> impl Strategy<Value = BTreeMap<u32, i64>> {
    prop::collection::btree_map(0..TICKS, 0..6_i64, 0..20)
}

fn any_tick() -> impl Strategy<Value = u32> {
    prop_oneof![0..4_u32, u32::MAX - 3..=u32::MAX, any::<u32>()]
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn the_sweep_finds_what_the_search_finds(
        bids in any_book(),
        asks in any_book(),
        reference in 0..TICKS + 5,
    ) {
        let bids: Vec<_> =
            bids.into_iter().rev().map(|(tick, lots)| Level { tick, lots }).collect();
        let asks: Vec<_> = asks.into_iter().map(|(tick, lots)| Level { tick, lots }).collect();
        let found = uncross(&bids, &asks, reference).unwrap();
        prop_assert_eq!(found, search(&bids, &asks, reference));
    }

    #[test]
    fn nothing_panics_at_the_limits(
        bids in prop::collection::vec((any_tick(), any_i64()), 0..4),
        asks in prop::collection::vec((any_tick(), any_i64()), 0..4),
        reference in any_tick(),
    ) {
        let (mut bids, mut asks) = (levels(&bids), levels(&asks));
        bids.sort_by_key(|level| Reverse(level.tick));
        asks.sort_by_key(|level| level.tick);
        let _ = uncross(&bids, &asks, reference);
    }
}
