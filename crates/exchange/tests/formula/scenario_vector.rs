//! Scenario vectors against 128-bit sums, the two paths against each other, and caches.

use crate::{any_array, any_i64, config, floor_of};
use lockstep_exchange::formula::FormulaError;
use lockstep_exchange::formula::risk_array::SCENARIOS;
use lockstep_exchange::formula::scenario_vector::*;
use proptest::prelude::*;

/// Lots on both sides of what the fast path takes, and any at all.
fn any_lots() -> impl Strategy<Value = i64> {
    prop_oneof![
        -10_000..10_000_i64,
        -1_i64 << 31..1_i64 << 32,
        Just(1 << 31),
        Just(-1 << 31),
        any_i64()
    ]
}

fn narrowed(sums: Vec<i128>) -> Result<ScenarioVector, FormulaError> {
    let sums: Result<Vec<_>, _> = sums.into_iter().map(i64::try_from).collect();
    sums.map(|sums| sums.try_into().unwrap()).map_err(|_| FormulaError::Overflow)
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn profit_is_the_wide_sum(legs in prop::collection::vec((any_array(), any_lots()), 0..8)) {
        let holdings = legs.iter().map(|(array, lots)| Holding { array, lots: *lots });
        let sums = (0..SCENARIOS).map(|scenario| {
            legs.iter().map(|(array, lots)| i128::from(array[scenario]) * i128::from(*lots)).sum()
        });
        prop_assert_eq!(profit(holdings), narrowed(sums.collect()));
    }

    #[test]
    fn losses_are_the_wide_sum_of_what_hurts(
        orders in prop::collection::vec((any_array(), any_lots(), any_lots()), 0..8),
    ) {
        let open = orders.iter().map(|(array, lots, edge)| OpenOrder {
            array,
            lots: *lots,
            edge: *edge,
        });
        let sums = (0..SCENARIOS).map(|scenario| {
            let filled = orders.iter().map(|(array, lots, edge)| {
                i128::from(array[scenario]) * i128::from(*lots) + i128::from(*edge)
            });
            filled.map(|value| value.min(0)).sum()
        });
        let found = losses(open);
        if orders.iter().any(|order| order.1 == 0) {
            prop_assert_eq!(found, Err(FormulaError::Domain));
        } else {
            prop_assert_eq!(found, narrowed(sums.collect()));
        }
    }

    #[test]
    fn kept_vectors_equal_fresh_ones(
        legs in prop::collection::vec((any_array(), -100_000..100_000_i64), 0..8),
        orders in prop::collection::vec((any_array(), 1..100_000_i64, any::<i32>()), 1..8),
    ) {
        let mut kept = [0; SCENARIOS];
        for (array, lots) in &legs {
            kept = plus_lots(&kept, array, *lots).unwrap();
        }
        let holdings = legs.iter().map(|(array, lots)| Holding { array, lots: *lots });
        prop_assert_eq!(profit(holdings), Ok(kept));
        let open: Vec<_> = orders
            .iter()
            .map(|(array, lots, edge)| OpenOrder { array, lots: *lots, edge: i64::from(*edge) })
            .collect();
        let mut kept = [0; SCENARIOS];
        for order in &open {
            kept = plus(&kept, &order_losses(order).unwrap()).unwrap();
        }
        prop_assert_eq!(losses(open.iter().copied()), Ok(kept));
        let ended = minus(&kept, &order_losses(&open[0]).unwrap());
        prop_assert_eq!(losses(open[1..].iter().copied()), ended);
    }

    #[test]
    fn an_edge_is_rounded_against_the_account(
        lots in -1_000_000..1_000_000_i64,
        mark in 0..1_000_000_000_000_i64,
        limit in 0..1_000_000_000_000_i64,
        fee in 0..1_000_000_i64,
    ) {
        let better = i128::from(lots) * i128::from(mark - limit);
        let expected = floor_of(better, 1_000) - i128::from(fee);
        prop_assert_eq!(order_edge(lots, mark, limit, fee).map(i128::from), Ok(expected));
    }

    #[test]
    fn edges_never_panic(values in prop::array::uniform4(any_i64())) {
        let [lots, mark, limit, fee] = values;
        if order_edge(lots, mark, limit, fee).is_ok() {
            prop_assert!(fee >= 0);
        }
    }
}

#[test]
fn the_largest_sums_of_words_fit_and_the_next_are_errors() {
    let (least, most) = ([i32::MIN; SCENARIOS], [i32::MAX; SCENARIOS]);
    let of = |array, lots| profit([Holding { array, lots }].into_iter());
    assert_eq!(of(&least, -1 << 31), Ok([1 << 62; SCENARIOS]));
    assert_eq!(of(&least, 1 << 31), Ok([-1 << 62; SCENARIOS]));
    assert_eq!(of(&least, 1 << 32), Ok([i64::MIN; SCENARIOS]));
    assert_eq!(of(&least, -1 << 32), Err(FormulaError::Overflow));
    assert_eq!(of(&most, 1 << 33), Err(FormulaError::Overflow));
    let four = [Holding { array: &least, lots: i64::from(i32::MAX) }; 4];
    assert_eq!(profit(four.into_iter()), Err(FormulaError::Overflow));
    let four = [OpenOrder { array: &least, lots: i64::from(i32::MAX), edge: 0 }; 4];
    assert_eq!(losses(four.into_iter()), Err(FormulaError::Overflow));
    // Beyond a word on the way, within one in the end.
    let holdings = [(&least, 1 << 40), (&least, -1 << 40), (&most, 3)];
    let sum = profit(holdings.into_iter().map(|(array, lots)| Holding { array, lots }));
    assert_eq!(sum, Ok([3 * i64::from(i32::MAX); SCENARIOS]));
    assert_eq!(plus(&[i64::MAX; SCENARIOS], &[1; SCENARIOS]), Err(FormulaError::Overflow));
    assert_eq!(minus(&[i64::MIN; SCENARIOS], &[1; SCENARIOS]), Err(FormulaError::Overflow));
}
