//! Who pays a deficit: vector L8, ring fences, sums, and the limits.

use crate::config;
use crate::vectors::{int, liquidation_vector};
use lockstep_exchange::formula::FormulaError;
use lockstep_exchange::formula::insurance::*;
use lockstep_types::ids::UnderlyingId;
use proptest::prelude::*;

fn funds(pairs: &[(u64, i64)]) -> Vec<Fund> {
    let fund = |(id, &(weight, balance)): (u8, &(u64, i64))| Fund {
        underlying: UnderlyingId(id),
        weight,
        balance,
        paid: 0,
    };
    (0..).zip(pairs).map(fund).collect()
}

fn paid(funds: &[Fund]) -> Vec<i64> {
    funds.iter().map(|fund| fund.paid).collect()
}

#[test]
fn one_fund_pays_as_vector_l8_says() {
    let vector = liquidation_vector("L8_insurance_covers");
    let deficit = -int(&vector["cash_after_close"]);
    let mut fund = funds(&[(1, int(&vector["in_"]["insurance"]))]);
    let covered = cover(deficit, &mut fund, 0).unwrap();
    assert_eq!(covered, Cover { from_funds: deficit, from_tail: 0, uncovered: 0 });
    assert_eq!(fund[0].paid, int(&vector["insurance_paid"]));
    assert_eq!(fund[0].balance - fund[0].paid, int(&vector["insurance_after"]));
    assert_eq!(covered.uncovered, int(&vector["user_cash"]));
}

#[test]
fn what_a_fund_lacks_falls_on_the_tail_and_never_on_another_fund() {
    // Parts of 600, 300 and 100.
    let mut some = funds(&[(6, 1_000), (3, 50), (1, 100), (0, 1_000_000)]);
    let covered = cover(1_000, &mut some, 200).unwrap();
    assert_eq!(paid(&some), [600, 50, 100, 0]);
    assert_eq!(covered, Cover { from_funds: 750, from_tail: 200, uncovered: 50 });
    let covered = cover(1_000, &mut some, 10_000).unwrap();
    assert_eq!(covered, Cover { from_funds: 750, from_tail: 250, uncovered: 0 });
}

#[test]
fn a_deficit_without_any_weight_is_the_tails() {
    let mut none = funds(&[(0, 1_000), (0, 1_000)]);
    let covered = cover(10, &mut none, 7).unwrap();
    assert_eq!(paid(&none), [0, 0]);
    assert_eq!(covered, Cover { from_funds: 0, from_tail: 7, uncovered: 3 });
    let covered = cover(10, &mut [], 17).unwrap();
    assert_eq!(covered, Cover { from_funds: 0, from_tail: 10, uncovered: 0 });
}

#[test]
fn a_unit_that_does_not_divide_is_the_first_underlyings() {
    let mut even = funds(&[(1, 10), (1, 10), (1, 10)]);
    even.reverse();
    cover(5, &mut even, 0).unwrap();
    assert_eq!(paid(&even), [2, 2, 1]);
}

#[test]
fn negative_amounts_and_two_funds_of_one_underlying_are_refused() {
    assert_eq!(cover(-1, &mut [], 0), Err(FormulaError::Domain));
    assert_eq!(cover(1, &mut [], -1), Err(FormulaError::Domain));
    assert_eq!(cover(1, &mut funds(&[(1, -1)]), 0), Err(FormulaError::Domain));
    let mut twice = [funds(&[(1, 1)]), funds(&[(1, 1)])].concat();
    assert_eq!(cover(1, &mut twice, 0), Err(FormulaError::Domain));
}

/// Amounts of money with the ends often.
fn any_amount() -> impl Strategy<Value = i64> {
    prop_oneof![0..1_000_i64, 0..=i64::MAX, Just(i64::MAX), Just(0)]
}

fn any_funds() -> impl Strategy<Value = Vec<(u64, i64)>> {
    let weight = prop_oneof![0..10_u64, any::<u64>(), Just(u64::MAX)];
    prop::collection::vec((weight, any_amount()), 0..32)
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn what_is_paid_and_what_is_not_sum_to_the_deficit(
        pairs in any_funds(),
        deficit in any_amount(),
        tail in any_amount(),
    ) {
        let mut some = funds(&pairs);
        let covered = cover(deficit, &mut some, tail).unwrap();
        let sum: i128 = some.iter().map(|fund| i128::from(fund.paid)).sum();
        prop_assert_eq!(sum, i128::from(covered.from_funds));
        let parts = [covered.from_funds, covered.from_tail, covered.uncovered];
        prop_assert!(parts.iter().all(|&part| part >= 0));
        prop_assert_eq!(parts.iter().copied().map(i128::from).sum::<i128>(), i128::from(deficit));
        prop_assert!(covered.from_tail <= tail);
        // Nothing stays uncovered while the tail has anything.
        prop_assert!(covered.uncovered == 0 || covered.from_tail == tail);
        let total: u128 = pairs.iter().map(|pair| u128::from(pair.0)).sum();
        for fund in &some {
            prop_assert!((0..=fund.balance).contains(&fund.paid));
            // The exact part, rounded up, in 192 bits' worth of comparison: paid - 1 < part.
            if fund.paid > 1 {
                let part = u128::from(deficit.unsigned_abs()) * u128::from(fund.weight) / total;
                prop_assert!(u128::from(fund.paid.unsigned_abs()) <= part + 1);
            }
        }
    }

    #[test]
    fn no_fund_depends_on_what_another_has(
        pairs in any_funds(),
        deficit in any_amount(),
        tail in any_amount(),
        emptied in 0..32_usize,
    ) {
        let mut before = funds(&pairs);
        cover(deficit, &mut before, tail).unwrap();
        let mut after = funds(&pairs);
        if let Some(fund) = after.get_mut(emptied) {
            fund.balance = 0;
        }
        cover(deficit, &mut after, tail).unwrap();
        for (at, (one, other)) in before.iter().zip(&after).enumerate() {
            prop_assert!(at == emptied || one.paid == other.paid);
        }
    }

    #[test]
    fn the_order_of_the_funds_does_not_matter(
        pairs in any_funds(),
        deficit in any_amount(),
        tail in any_amount(),
        turn in 0..32_usize,
    ) {
        let mut some = funds(&pairs);
        let mut turned = some.clone();
        turned.rotate_left(turn.min(pairs.len()));
        prop_assert_eq!(cover(deficit, &mut some, tail), cover(deficit, &mut turned, tail));
        prop_assert_eq!(some, turned);
    }

    #[test]
    fn more_money_never_leaves_more_uncovered(
        pairs in any_funds(),
        deficit in any_amount(),
        tail in any_amount(),
        more in 0..32_usize,
    ) {
        let before = cover(deficit, &mut funds(&pairs), tail).unwrap();
        let mut richer = funds(&pairs);
        if let Some(fund) = richer.get_mut(more) {
            fund.balance = i64::MAX;
        }
        prop_assert!(cover(deficit, &mut richer, tail).unwrap().uncovered <= before.uncovered);
        let with_tail = cover(deficit, &mut funds(&pairs), tail.saturating_add(1)).unwrap();
        prop_assert!(with_tail.uncovered <= before.uncovered);
    }
}
