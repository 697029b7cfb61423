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
//! leave the checks out and do several scenarios at once ([`lockstep_kernel`]); the other path
//! takes all others in 128 bits. Nothing is allocated.
//!
//! Deliberately absent: how arrays are made ([`super::risk_array`]) and what a requirement makes of
//! the vectors ([`super::portfolio_margin`]).
//!
//! Source: section 3 of the design and its integer reference `margin`.

use super::risk_array::{RiskArray, SCENARIOS};
use super::rounding::{mul_div_floor, narrow, subtract};
use super::{FormulaError, LOTS_PER_UNIT, domain};
use lockstep_kernel::{ENTRIES, Sums, Task};

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
    match lockstep_kernel::run(ProfitInWords(holdings.clone())) {
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
    match lockstep_kernel::run(LossesInWords(orders.clone())) {
        Some(vector) => Ok(vector),
        None => losses_wide(orders),
    }
}

/// `one + other`, scenario by scenario.
///
/// # Errors
/// [`FormulaError::Overflow`] if an entry does not fit.
#[inline]
pub fn plus(one: &ScenarioVector, other: &ScenarioVector) -> Result<ScenarioVector, FormulaError> {
    let mut sums = *one;
    // Negative once a sum has another sign than both of its terms: one look at the end lets several
    // scenarios be done at once.
    let mut wrapped = 0;
    for (sum, &term) in sums.iter_mut().zip(other) {
        let before = *sum;
        *sum = before.wrapping_add(term);
        wrapped |= (before ^ *sum) & (term ^ *sum);
    }
    if wrapped < 0 { Err(FormulaError::Overflow) } else { Ok(sums) }
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
const _: () = assert!(SCENARIOS == ENTRIES, "the kernel adds up all scenarios");

/// The lots that the fast path has been given.
#[derive(Clone, Copy, Debug)]
pub(super) struct WordLots {
    total: u64,
    fit: bool,
}

impl WordLots {
    /// None yet.
    pub(super) const NONE: Self = Self { total: 0, fit: true };

    /// The low half word of the lots, counted. If that is not all of them, [`Self::all_fit`] will
    /// say so: a branch here would hide from the compiler that it is a half word.
    #[inline(always)]
    pub(super) fn take(&mut self, lots: i64) -> i32 {
        let [a, b, c, d, ..] = lots.to_le_bytes();
        let half = i32::from_le_bytes([a, b, c, d]);
        self.fit &= i64::from(half) == lots;
        // No number of terms in memory can overflow it.
        self.total = self.total.wrapping_add(u64::from(half.unsigned_abs()));
        half
    }

    /// Whether sums of lots x entries fit a word, whatever the entries.
    #[inline(always)]
    pub(super) fn all_fit(self) -> bool {
        self.fit && self.total <= WORD_LOTS_MAX
    }
}

/// [`profit`] in 64 bits, or `None` if it might not fit: then the sums have wrapped and are not
/// used.
#[derive(Clone, Copy)]
struct ProfitInWords<I>(I);

impl<'a, I: Iterator<Item = Holding<'a>>> Task for ProfitInWords<I> {
    type Output = Option<ScenarioVector>;

    #[inline(always)]
    fn run(self) -> Option<ScenarioVector> {
        let mut sums = Sums::ZERO;
        let mut lots = WordLots::NONE;
        for holding in self.0 {
            sums.add_product(holding.array, lots.take(holding.lots));
        }
        lots.all_fit().then(|| sums.into_vector())
    }
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

/// [`losses`] in 64 bits, or `None` if it might not fit: then the sums have wrapped and are not
/// used.
#[derive(Clone, Copy)]
struct LossesInWords<I>(I);

impl<'a, I: Iterator<Item = OpenOrder<'a>>> Task for LossesInWords<I> {
    type Output = Option<ScenarioVector>;

    #[inline(always)]
    fn run(self) -> Option<ScenarioVector> {
        let mut sums = Sums::ZERO;
        let mut lots = WordLots::NONE;
        let mut edges = 0_u64;
        for order in self.0 {
            edges = edges.saturating_add(order.edge.unsigned_abs());
            sums.add_loss(order.array, lots.take(order.lots), order.edge);
        }
        (lots.all_fit() && edges <= WORD_EDGES_MAX).then(|| sums.into_vector())
    }
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
