//! What the steps of the waterfall ask for, by definition: prices and shares of slices, divisions
//! by weight, the price of deleveraging.
//!
//! Where a number is "the least that is enough", it is searched for; where something is shared out,
//! it is shared out one after the other. Slow, and for any size of number that stays within 128
//! bits: money, lots and weights of 64 bits do.
//!
//! Source: section 3 of the design (liquidation waterfall).

use std::collections::BTreeMap;

/// Parts per million in a whole.
pub const PPM: i128 = 1_000_000;

/// `value / divisor` rounded down; the divisor is positive.
#[must_use]
pub fn floor(value: i128, divisor: i128) -> i128 {
    assert!(divisor > 0, "a divisor is positive");
    value.div_euclid(divisor)
}

/// `value / divisor` rounded up; the divisor is positive.
#[must_use]
pub fn ceil(value: i128, divisor: i128) -> i128 {
    -floor(-value, divisor)
}

/// How a slice's price falls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Auction {
    /// The first price, ppm of equity.
    pub start_ppm: i128,
    /// The price after the fast phase, ppm of equity.
    pub cut_ppm: i128,
    /// How long the price falls from start to cut, ms.
    pub fast_ms: i128,
    /// How long it then falls to nothing, ms.
    pub slow_ms: i128,
    /// What a slice brings the account to, ppm of its requirement.
    pub buffer_ppm: i128,
    /// How long an insolvent account's price falls by its requirement, ms.
    pub insolvent_ms: i128,
}

/// The price of all of an account after `elapsed_ms`, which is not negative: a share of its equity
/// that falls, or, of an insolvent one, its debt and a share of its requirement that rises, as a
/// negative price.
#[must_use]
pub fn whole_price(auction: &Auction, equity: i128, maintenance: i128, elapsed_ms: i128) -> i128 {
    if equity >= 0 {
        return floor(equity * factor_ppm(auction, elapsed_ms), PPM);
    }
    if elapsed_ms >= auction.insolvent_ms {
        return equity - maintenance;
    }
    equity - ceil(maintenance * elapsed_ms, auction.insolvent_ms)
}

/// The price of a solvent account in ppm of its equity, rounded up.
#[must_use]
pub fn factor_ppm(auction: &Auction, elapsed_ms: i128) -> i128 {
    let Auction { start_ppm, cut_ppm, fast_ms, slow_ms, .. } = *auction;
    let left_ms = fast_ms + slow_ms - elapsed_ms;
    if left_ms <= 0 {
        return 0;
    }
    if elapsed_ms >= fast_ms {
        return ceil(cut_ppm * left_ms, slow_ms);
    }
    cut_ppm + ceil((start_ppm - cut_ppm) * (fast_ms - elapsed_ms), fast_ms)
}

/// The price of a share of what costs `whole_price`, rounded up.
#[must_use]
pub fn slice_price(whole_price: i128, share_ppm: i128) -> i128 {
    ceil(whole_price * share_ppm, PPM)
}

/// The least share, in ppm, whose sale brings an account to its buffer: after it, what is left of
/// the equity and what was paid cover the buffer of what is left of the requirement. All of it if
/// it is insolvent.
#[must_use]
pub fn share_ppm_max(auction: &Auction, equity: i128, maintenance: i128, elapsed_ms: i128) -> i128 {
    if equity < 0 {
        return PPM;
    }
    let price = whole_price(auction, equity, maintenance, elapsed_ms);
    let buffer = ceil(maintenance * auction.buffer_ppm, PPM);
    let is_enough = |share: i128| equity * (PPM - share) + price * share >= buffer * (PPM - share);
    // A share that is enough makes every larger one enough, and all of it is enough.
    let (mut low, mut high) = (0, PPM);
    while low < high {
        let middle = (low + high) / 2;
        if is_enough(middle) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    low
}

/// Divides a quantity by weight: everybody's share rounded down, then one more for the largest
/// remainders, ties by id. Whoever has no weight is left out; nobody gets anything without weights.
#[must_use]
pub fn divide<Id: Ord + Copy>(quantity: i128, weights: &BTreeMap<Id, u64>) -> BTreeMap<Id, i128> {
    assert!((0..1 << 63).contains(&quantity), "a quantity is not negative and has 63 bits");
    let total: i128 = weights.values().map(|&weight| i128::from(weight)).sum();
    let with_weight = weights.iter().filter(|(_, weight)| **weight > 0);
    let exact: Vec<(Id, i128)> =
        with_weight.map(|(&id, &weight)| (id, quantity * i128::from(weight))).collect();
    let mut parts: BTreeMap<Id, i128> =
        exact.iter().map(|&(id, share)| (id, floor(share, total))).collect();
    let left = if parts.is_empty() { 0 } else { quantity - parts.values().sum::<i128>() };
    for _ in 0..left {
        // Whoever is furthest below its exact share; of those the first.
        let behind = |&(id, share): &(Id, i128)| share - parts[&id] * total;
        let furthest = exact.iter().map(behind).max();
        let next = exact.iter().find(|one| Some(behind(one)) == furthest).map(|&(id, _)| id);
        if let Some(id) = next {
            *parts.entry(id).or_default() += 1;
        }
    }
    parts
}

/// Divides a quantity by weight, nobody getting more than its cap: whoever is brought to its cap
/// gets that, and the rest is divided anew among the others.
#[must_use]
pub fn divide_capped<Id: Ord + Copy>(
    quantity: i128,
    weights: &BTreeMap<Id, u64>,
    caps: &BTreeMap<Id, i128>,
) -> BTreeMap<Id, i128> {
    let cap = |id: &Id| caps.get(id).copied().unwrap_or(0);
    let mut parts: BTreeMap<Id, i128> =
        weights.iter().filter(|(_, weight)| **weight > 0).map(|(&id, _)| (id, 0)).collect();
    let mut open: BTreeMap<Id, u64> = weights
        .iter()
        .filter(|(id, weight)| **weight > 0 && cap(id) > 0)
        .map(|(&id, &weight)| (id, weight))
        .collect();
    let mut left = quantity;
    while left > 0 && !open.is_empty() {
        let round = divide(left, &open);
        let full: Vec<Id> =
            round.iter().filter(|(id, part)| **part >= cap(id)).map(|(&id, _)| id).collect();
        if full.is_empty() {
            parts.extend(round);
            break;
        }
        for id in full {
            parts.insert(id, cap(&id));
            left -= cap(&id);
            open.remove(&id);
        }
    }
    parts
}

/// The price nearest to mark at which closing a bankrupt position of `lots` (positive if long)
/// makes good what is `uncovered` of its deficit; at least zero.
#[must_use]
pub fn deleverage_price(mark: i128, uncovered: i128, lots: i128) -> i128 {
    let distance = ceil(uncovered * 1_000, lots.abs());
    (mark + lots.signum() * distance).max(0)
}
