//! Divisions by weight: the vectors, a second implementation, the reference's rounds, the limits.

use crate::config;
use crate::vectors::{int, liquidation_vector};
use lockstep_exchange::formula::FormulaError;
use lockstep_exchange::formula::pro_rata::*;
use proptest::prelude::*;
use serde_json::Value;
use std::cmp::Reverse;

fn claims(pairs: &[(u64, u64)]) -> Vec<Claim> {
    (0..).zip(pairs).map(|(id, &(weight, cap))| Claim::new(id, weight, cap)).collect()
}

fn taken(claims: &[Claim]) -> Vec<u64> {
    claims.iter().map(|claim| claim.taken).collect()
}

/// Divides as a vector says: names in the order of the alphabet are ids.
fn check_vector(quantity: i64, caps: &Value, weights: &Value, expected: &Value, unfilled: &Value) {
    let size = |value: &Value| u64::try_from(int(value)).unwrap();
    let caps = caps.as_object().unwrap();
    let pairs: Vec<_> = caps.iter().map(|(name, cap)| (size(&weights[name]), size(cap))).collect();
    let mut claims = claims(&pairs);
    let left = divide_capped(quantity.unsigned_abs(), &mut claims).unwrap();
    assert_eq!(left, size(unfilled));
    let expected: Vec<u64> = caps.keys().map(|name| size(&expected[name])).collect();
    assert_eq!(taken(&claims), expected);
}

#[test]
fn deleveraged_lots_are_those_of_vectors_l9_l10_and_l11() {
    let vector = liquidation_vector("L9_adl_risk_weighted_pro_rata");
    let given = &vector["in_"];
    let lots = int(&given["bankrupt"]["lots"]);
    let (closed, unfilled) = (&vector["closed_lots"], &vector["unfilled"]);
    check_vector(lots, &given["opposite_shorts"], &vector["weights"], closed, unfilled);
    for name in ["L10_adl_caps_and_largest_remainder", "L11_adl_ties_by_id"] {
        let vector = liquidation_vector(name);
        let given = &vector["in_"];
        let (closed, unfilled) = (&vector["closed_lots"], &vector["unfilled"]);
        check_vector(int(&given["Q"]), &given["opposite"], &given["weights"], closed, unfilled);
    }
}

#[test]
fn the_largest_remainders_get_the_units_that_are_left() {
    let mut of_ten = claims(&[(1, 0), (4, 0), (2, 0)]);
    assert_eq!(divide(10, &mut of_ten), Ok(0));
    // 1.43, 5.71 and 2.86.
    assert_eq!(taken(&of_ten), [1, 6, 3]);
}

#[test]
fn nobody_without_weight_or_room_gets_anything() {
    let mut some = claims(&[(0, 9), (5, 0), (1, 9), (0, 0)]);
    assert_eq!(divide_capped(4, &mut some), Ok(0));
    assert_eq!(taken(&some), [0, 0, 4, 0]);
    assert_eq!(divide_capped(12, &mut some), Ok(3));
    assert_eq!(taken(&some), [0, 0, 9, 0]);
    assert_eq!(divide(7, &mut claims(&[(0, 9), (0, 9)])), Ok(7));
    assert_eq!(divide_capped(7, &mut []), Ok(7));
}

#[test]
fn two_claims_of_one_id_are_refused() {
    let mut twice = [Claim::new(3, 1, 1), Claim::new(2, 1, 1), Claim::new(3, 1, 1)];
    assert_eq!(divide(1, &mut twice), Err(FormulaError::Domain));
    assert_eq!(divide_capped(1, &mut twice), Err(FormulaError::Domain));
}

#[test]
fn the_largest_numbers_divide_exactly() {
    let most = u64::MAX;
    let mut all = claims(&[(most, most), (most, most), (most, 1), (1, most)]);
    assert_eq!(divide_capped(most, &mut all), Ok(0));
    // One is capped; of 2^64 - 2, two get half each but for less than half a unit.
    assert_eq!(taken(&all), [most / 2, most / 2, 1, 0]);
    let mut caps = claims(&[(1, most), (most, most)]);
    assert_eq!(divide_capped(most, &mut caps), Ok(0));
    assert_eq!(taken(&caps), [1, most - 1]);
}

/// Without caps, by definition: floors, then one unit each by remainder and id.
fn clear_shares(quantity: u64, pairs: &[(u64, u64)]) -> Vec<u64> {
    let total: u128 = pairs.iter().map(|pair| u128::from(pair.0)).sum();
    if total == 0 {
        return vec![0; pairs.len()];
    }
    let product = |at: usize| u128::from(quantity) * u128::from(pairs[at].0);
    let mut shares: Vec<u64> =
        (0..pairs.len()).map(|at| u64::try_from(product(at) / total).unwrap()).collect();
    let mut order: Vec<usize> = (0..pairs.len()).collect();
    order.sort_by_key(|&at| (Reverse(product(at) % total), at));
    let left = quantity - shares.iter().sum::<u64>();
    for at in order.into_iter().take(usize::try_from(left).unwrap()) {
        shares[at] += 1;
    }
    shares
}

/// The published reference: rounds, each of which caps whoever its rounded share brings to its cap.
fn rounds(quantity: u64, pairs: &[(u64, u64)]) -> Vec<u64> {
    let mut open: Vec<usize> =
        (0..pairs.len()).filter(|&at| pairs[at].0 > 0 && pairs[at].1 > 0).collect();
    let mut shares = vec![0; pairs.len()];
    let mut left = quantity;
    while left > 0 && !open.is_empty() {
        let of_open: Vec<(u64, u64)> = open.iter().map(|&at| pairs[at]).collect();
        let parts = clear_shares(left, &of_open);
        let full = |part: u64, at: usize| part >= pairs[at].1;
        if !open.iter().zip(&parts).any(|(&at, &part)| full(part, at)) {
            open.iter().zip(&parts).for_each(|(&at, &part)| shares[at] = part);
            break;
        }
        let mut still = Vec::new();
        for (&at, &part) in open.iter().zip(&parts) {
            if full(part, at) {
                shares[at] = pairs[at].1;
                left -= pairs[at].1;
            } else {
                still.push(at);
            }
        }
        open = still;
    }
    shares
}

fn any_pairs() -> impl Strategy<Value = Vec<(u64, u64)>> {
    let small = prop::collection::vec((0..20_u64, 0..20_u64), 0..12);
    // As in deleveraging: lots, and lots by a leverage of 1 to 1,000.
    let real = (0..100_000_u64, 1..=1_000_u64).prop_map(|(lots, leverage)| (lots * leverage, lots));
    prop_oneof![small, prop::collection::vec(real, 0..40)]
}

fn any_size() -> impl Strategy<Value = u64> {
    prop_oneof![Just(0), Just(1), Just(u64::MAX), Just(u64::MAX - 1), any::<u64>(), 0..100_u64]
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn shares_are_those_of_the_definition(
        pairs in any_pairs(),
        quantity in prop_oneof![0..300_u64, 0..3_000_000_u64],
    ) {
        let mut ours = claims(&pairs);
        divide(quantity, &mut ours).unwrap();
        prop_assert_eq!(taken(&ours), clear_shares(quantity, &pairs));
        divide_capped(quantity, &mut ours).unwrap();
        prop_assert_eq!(taken(&ours), rounds(quantity, &pairs));
    }

    #[test]
    fn nothing_is_lost_or_made_or_beyond_a_cap(
        pairs in prop::collection::vec((any_size(), any_size()), 0..12),
        quantity in any_size(),
    ) {
        let sum = |claims: &[Claim]| -> u128 {
            claims.iter().map(|claim| u128::from(claim.taken)).sum()
        };
        let mut ours = claims(&pairs);
        let left = divide_capped(quantity, &mut ours).unwrap();
        let room: u128 =
            pairs.iter().filter(|pair| pair.0 > 0).map(|pair| u128::from(pair.1)).sum();
        prop_assert_eq!(sum(&ours), room.min(u128::from(quantity)));
        prop_assert_eq!(sum(&ours) + u128::from(left), u128::from(quantity));
        prop_assert!(ours.iter().all(|claim| claim.taken <= claim.cap));
        let left = divide(quantity, &mut ours).unwrap();
        let weightless = pairs.iter().all(|pair| pair.0 == 0);
        prop_assert_eq!(left, if weightless { quantity } else { 0 });
        prop_assert_eq!(sum(&ours), u128::from(quantity - left));
    }

    #[test]
    fn the_order_of_the_claims_does_not_matter(
        pairs in any_pairs(),
        quantity in 0..3_000_000_u64,
        turn in 0..40_usize,
    ) {
        let mut ours = claims(&pairs);
        let mut turned = ours.clone();
        turned.rotate_left(turn.min(pairs.len()));
        turned.reverse();
        prop_assert_eq!(
            divide_capped(quantity, &mut ours), divide_capped(quantity, &mut turned));
        prop_assert_eq!(&ours, &turned);
        divide(quantity, &mut ours).unwrap();
        divide(quantity, &mut turned).unwrap();
        prop_assert_eq!(ours, turned);
    }

    #[test]
    fn who_weighs_more_gets_no_less(
        pairs in any_pairs(),
        quantity in 0..3_000_000_u64,
    ) {
        let mut ours = claims(&pairs);
        divide(quantity, &mut ours).unwrap();
        for one in &ours {
            for other in ours.iter().filter(|other| other.weight < one.weight) {
                prop_assert!(one.taken >= other.taken);
            }
        }
        divide_capped(quantity, &mut ours).unwrap();
        for one in &ours {
            for other in ours.iter().filter(|other| other.weight < one.weight) {
                prop_assert!(one.taken >= other.taken || one.taken == one.cap);
            }
        }
    }
}
