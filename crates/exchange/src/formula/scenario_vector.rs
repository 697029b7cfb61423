//! Scenario vectors: what positions and open orders make or lose in each of the 33 scenarios.
//!
//! ```text
//! profit[s] = sum over positions of lots x array[s]
//! losses[s] = sum over open orders of min(0, lots x array[s] + edge)         lots signed
//! edge      = floor(lots (mark - limit) / 1000) - fee                        micro-USD
//! ```
//!
//! Profit is linear in fills within a scenario, so `profit + losses` is the *exact* worst case over
//! every subset of fills: in each scenario the subset that hurts most is the orders that hurt.
//! "No fills or all fills" is not a bound of it.
//!
//! Invariants: results are exact, or [`FormulaError::Overflow`] if one does not fit; they do not
//! depend on the order of the slices, nor on which of two paths found them. The fast path takes
//! portfolios that *cannot* overflow a word, which it knows from the sum of their lots, and so may
//! leave out the checks that would keep the compiler from doing several scenarios at once; the wide
//! path takes all others. Nothing is allocated.
//!
//! Deliberately absent: how arrays are made ([`super::risk_array`]) and what a requirement makes of
//! the vectors ([`super::portfolio_margin`]).
//!
//! Source: section 3 of the design and its integer reference `margin`.

use super::risk_array::{RiskArray, SCENARIOS};
use super::rounding::{add, mul_div_floor, narrow, subtract};
use super::{FormulaError, LOTS_PER_UNIT, domain};

/// Micro-USD per scenario.
pub type ScenarioVector = [i64; SCENARIOS];

/// Lots of one contract.
#[derive(Clone, Copy, Debug)]
pub struct Holding<'a> {
    /// What a lot does.
    pub array: &'a RiskArray,
    /// Lots, negative when short.
    pub lots: i64,
}

/// One open order.
#[derive(Clone, Copy, Debug)]
pub struct OpenOrder<'a> {
    /// What a lot does.
    pub array: &'a RiskArray,
    /// Lots that can still fill, negative for a sale; not zero.
    pub lots: i64,
    /// What filling them brings at once: [`order_edge`].
    pub edge: i64,
}

/// What filling an order brings at once in micro-USD: what its limit is better than mark, floored,
/// less the fee.
///
/// `lots` are negative for a sale; `mark`, `limit` in micro-USD per unit; `fee` in micro-USD.
///
/// # Errors
/// [`FormulaError::Domain`] for a negative fee; [`FormulaError::Overflow`].
pub fn order_edge(lots: i64, mark: i64, limit: i64, fee: i64) -> Result<i64, FormulaError> {
    domain(fee >= 0)?;
    subtract(mul_div_floor(lots, subtract(mark, limit)?, LOTS_PER_UNIT)?, fee)
}

/// What the holdings make in each scenario.
///
/// # Errors
/// [`FormulaError::Overflow`] if an entry does not fit.
pub fn profit<'a>(
    holdings: impl Iterator<Item = Holding<'a>> + Clone,
) -> Result<ScenarioVector, FormulaError> {
    match profit_in_words(holdings.clone()) {
        Some(vector) => Ok(vector),
        None => profit_wide(holdings),
    }
}

/// `vector + lots x array`: a cached vector after a fill.
///
/// # Errors
/// [`FormulaError::Overflow`] if an entry does not fit.
pub fn plus_lots(
    vector: &ScenarioVector,
    array: &RiskArray,
    lots: i64,
) -> Result<ScenarioVector, FormulaError> {
    let mut sums = *vector;
    for (sum, &entry) in sums.iter_mut().zip(array) {
        *sum = narrow(i128::from(*sum) + i128::from(lots) * i128::from(entry))?;
    }
    Ok(sums)
}

/// One order's part of [`losses`]: a cached vector takes it by [`plus`] when the order arrives and
/// loses it by [`minus`] when it ends.
///
/// # Errors
/// [`FormulaError::Domain`] for an order of zero lots; [`FormulaError::Overflow`].
pub fn order_losses(order: &OpenOrder<'_>) -> Result<ScenarioVector, FormulaError> {
    losses(core::iter::once(*order))
}

/// The sum over the open orders of what filling each does where it hurts; no entry is positive.
///
/// # Errors
/// [`FormulaError::Domain`] for an order of zero lots; [`FormulaError::Overflow`].
pub fn losses<'a>(
    orders: impl Iterator<Item = OpenOrder<'a>> + Clone,
) -> Result<ScenarioVector, FormulaError> {
    domain(orders.clone().all(|order| order.lots != 0))?;
    match losses_in_words(orders.clone()) {
        Some(vector) => Ok(vector),
        None => losses_wide(orders),
    }
}

/// `one + other`, scenario by scenario.
///
/// # Errors
/// [`FormulaError::Overflow`] if an entry does not fit.
pub fn plus(one: &ScenarioVector, other: &ScenarioVector) -> Result<ScenarioVector, FormulaError> {
    let mut sums = *one;
    for (sum, &term) in sums.iter_mut().zip(other) {
        *sum = add(*sum, term)?;
    }
    Ok(sums)
}

/// `one - other`, scenario by scenario.
///
/// # Errors
/// [`FormulaError::Overflow`] if an entry does not fit.
pub fn minus(one: &ScenarioVector, other: &ScenarioVector) -> Result<ScenarioVector, FormulaError> {
    let mut differences = *one;
    for (difference, &term) in differences.iter_mut().zip(other) {
        *difference = subtract(*difference, term)?;
    }
    Ok(differences)
}

/// The fast path's limit: with fewer than 2^31 lots in all and entries of at most 2^31, products
/// and their sums stay within 2^62.
const WORD_LOTS_MAX: u64 = (1 << 31) - 1;
/// With edges of at most 2^61 in all, sums with the products above stay within 2^63.
const WORD_EDGES_MAX: u64 = 1 << 61;
/// All scenarios but the last: their sums fill eight vectors of 256 bits, which a compiler keeps in
/// registers while it goes through the holdings. With the last among them it does not.
const ABREAST: usize = SCENARIOS - 1;

/// [`profit`] in 64 bits, or `None` if it might not fit.
///
/// The wrapping operations cannot wrap, by [`WORD_LOTS_MAX`]; they spare the checks.
fn profit_in_words<'a>(
    holdings: impl Iterator<Item = Holding<'a>> + Clone,
) -> Option<ScenarioVector> {
    let lots = holdings.clone().map(|holding| holding.lots.unsigned_abs());
    if lots.fold(0, u64::saturating_add) > WORD_LOTS_MAX {
        return None;
    }
    let mut sums = [0_i64; ABREAST];
    for holding in holdings.clone() {
        let [entries @ .., _] = holding.array;
        // All of the lots are in the low half word, as was just checked. Said this way, the
        // compiler knows that a product is one multiplication of half words.
        let lots = holding.lots << 32 >> 32;
        for (sum, &entry) in sums.iter_mut().zip(entries) {
            *sum = sum.wrapping_add(lots.wrapping_mul(i64::from(entry)));
        }
    }
    let last = holdings.fold(0_i64, |sum, holding| {
        let [.., entry] = holding.array;
        sum.wrapping_add(holding.lots.wrapping_mul(i64::from(*entry)))
    });
    let mut vector = [last; SCENARIOS];
    vector[..ABREAST].copy_from_slice(&sums);
    Some(vector)
}

/// [`profit`] for any lots: sums in 128 bits, which no number of holdings in memory can overflow.
fn profit_wide<'a>(
    holdings: impl Iterator<Item = Holding<'a>>,
) -> Result<ScenarioVector, FormulaError> {
    let mut sums = [0_i128; SCENARIOS];
    for holding in holdings {
        for (sum, &entry) in sums.iter_mut().zip(holding.array) {
            *sum += i128::from(holding.lots) * i128::from(entry);
        }
    }
    narrowed(&sums)
}

/// [`losses`] in 64 bits, or `None` if it might not fit.
///
/// The wrapping operations cannot wrap when the result is used; they spare the checks.
fn losses_in_words<'a>(orders: impl Iterator<Item = OpenOrder<'a>>) -> Option<ScenarioVector> {
    let mut sums = [0_i64; SCENARIOS];
    let (mut lots_total, mut edges_total) = (0_u64, 0_u64);
    for order in orders {
        lots_total = lots_total.saturating_add(order.lots.unsigned_abs());
        edges_total = edges_total.saturating_add(order.edge.unsigned_abs());
        let lots = i64::from(i32::try_from(order.lots).ok()?);
        for (sum, &entry) in sums.iter_mut().zip(order.array) {
            let filled = lots.wrapping_mul(i64::from(entry)).wrapping_add(order.edge);
            *sum = sum.wrapping_add(filled.min(0));
        }
    }
    (lots_total <= WORD_LOTS_MAX && edges_total <= WORD_EDGES_MAX).then_some(sums)
}

/// [`losses`] for any lots and edges.
fn losses_wide<'a>(
    orders: impl Iterator<Item = OpenOrder<'a>>,
) -> Result<ScenarioVector, FormulaError> {
    let mut sums = [0_i128; SCENARIOS];
    for order in orders {
        for (sum, &entry) in sums.iter_mut().zip(order.array) {
            let filled = i128::from(order.lots) * i128::from(entry) + i128::from(order.edge);
            *sum += filled.min(0);
        }
    }
    narrowed(&sums)
}

fn narrowed(sums: &[i128; SCENARIOS]) -> Result<ScenarioVector, FormulaError> {
    let mut vector = [0; SCENARIOS];
    for (place, &sum) in vector.iter_mut().zip(sums) {
        *place = narrow(sum)?;
    }
    Ok(vector)
}
