//! Dividing a whole number by weight, exactly: largest remainder, ties by id, with or without caps.
//!
//! Everybody gets the floor of `quantity x weight / total`; the units that are left go one each to
//! the largest remainders. With caps, whoever that brings to its cap gets the cap, and what is left
//! is divided among the others by the same rule, in rounds until nobody reaches its cap. Each round
//! but the last caps somebody, so there are no more rounds than claims.
//!
//! Invariants: the parts sum to the quantity, or to all caps if those are less; nobody gets more
//! than its cap; the result does not depend on the order of the claims, which are sorted by id at
//! the end; nothing is allocated; products are formed in 128 bits, so every u64 has its exact
//! result.
//!
//! Deliberately absent: what is divided, and why anybody weighs what.
//!
//! Source: section 3 of the design (liquidation waterfall, steps 4 and 5);
//! vectors in `liquidation_adl.json`.

use super::{FormulaError, domain};
use core::cmp::Reverse;

/// Who takes part in a division, and what it gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Claim {
    /// Whose it is; no two of a division are equal.
    pub id: u32,
    /// Its weight; without any it gets nothing.
    pub weight: u64,
    /// The most that it gets, where caps count.
    pub cap: u64,
    /// What it got.
    pub taken: u64,
    /// The remainder of its exact share, out of all weight.
    remainder: u128,
}

impl Claim {
    /// A claim that has got nothing yet.
    #[must_use]
    pub const fn new(id: u32, weight: u64, cap: u64) -> Self {
        Self { id, weight, cap, taken: 0, remainder: 0 }
    }
}

/// Divides `quantity` by weight; caps do not count. What is left over: nothing, or all of it if
/// there is no weight.
///
/// # Errors
/// [`FormulaError::Domain`] if two claims have the same id.
pub fn divide(quantity: u64, claims: &mut [Claim]) -> Result<u64, FormulaError> {
    begin(claims)?;
    let left = divide_rest(quantity, claims, weight_of(claims));
    finish(quantity, left, claims);
    Ok(left)
}

/// Divides `quantity` by weight, nobody getting more than its cap. What is left over when everybody
/// with a weight is at its cap.
///
/// # Errors
/// [`FormulaError::Domain`] if two claims have the same id.
pub fn divide_capped(quantity: u64, claims: &mut [Claim]) -> Result<u64, FormulaError> {
    begin(claims)?;
    let mut left = quantity;
    // The claims from `open` on are not at their caps yet.
    let mut open = full_first(claims, |claim| claim.weight == 0 || claim.cap == 0);
    while left > 0 && open < claims.len() {
        let rest = &mut claims[open..];
        let over = divide_rest(left, rest, weight_of(rest));
        assert!(over == 0, "who has a weight takes everything");
        let full = full_first(rest, |claim| claim.taken >= claim.cap);
        if full == 0 {
            left = 0;
            break;
        }
        let (full, others) = rest.split_at_mut(full);
        for claim in full.iter_mut() {
            claim.taken = claim.cap;
            left -= claim.cap;
        }
        // They divide anew what the full ones leave.
        others.iter_mut().for_each(|claim| claim.taken = 0);
        open += full.len();
    }
    assert!(claims.iter().all(|claim| claim.taken <= claim.cap), "nobody is beyond its cap");
    finish(quantity, left, claims);
    Ok(left)
}

/// Puts the claims for which a condition holds before the others; how many they are.
fn full_first(claims: &mut [Claim], is_full: impl Fn(&Claim) -> bool) -> usize {
    claims.sort_unstable_by_key(|claim| (!is_full(claim), claim.id));
    claims.iter().filter(|claim| is_full(claim)).count()
}

/// Sorts by id, checks that ids differ, and forgets former results.
fn begin(claims: &mut [Claim]) -> Result<(), FormulaError> {
    claims.sort_unstable_by_key(|claim| claim.id);
    domain(claims.is_sorted_by(|one, other| one.id < other.id))?;
    for claim in claims {
        (claim.taken, claim.remainder) = (0, 0);
    }
    Ok(())
}

/// Divides among claims that all weigh `total`, without caps; what is left over.
fn divide_rest(quantity: u64, claims: &mut [Claim], total: u128) -> u64 {
    if total == 0 {
        return quantity;
    }
    let mut left = quantity;
    for claim in claims.iter_mut() {
        let share = product(quantity, claim.weight);
        let floor = u64::try_from(share / total);
        assert!(floor.is_ok(), "no weight is more than all weight, so no share is more than all");
        claim.taken = floor.unwrap_or(0);
        claim.remainder = share % total;
        left -= claim.taken;
    }
    claims.sort_unstable_by_key(|claim| (Reverse(claim.remainder), claim.id));
    for claim in claims.iter_mut() {
        if left == 0 {
            break;
        }
        assert!(claim.remainder > 0, "the remainders sum to what is left");
        claim.taken += 1;
        left -= 1;
    }
    left
}

/// Sorts by id and checks the sum.
fn finish(quantity: u64, left: u64, claims: &mut [Claim]) {
    claims.sort_unstable_by_key(|claim| claim.id);
    let taken: u128 = claims.iter().map(|claim| u128::from(claim.taken)).sum();
    assert!(taken + u128::from(left) == u128::from(quantity), "a division neither makes nor loses");
}

fn weight_of(claims: &[Claim]) -> u128 {
    claims.iter().map(|claim| u128::from(claim.weight)).sum()
}

fn product(one: u64, other: u64) -> u128 {
    u128::from(one) * u128::from(other)
}
