//! What a portfolio in one underlying comes to before prices and parameters: the sums of its
//! positions and of its open orders that portfolio margin needs.
//!
//! ```text
//! delta of an expiry   its profit from spot down 4 % to spot up 4 %, volatility flat
//! vega of an expiry    its profit from volatility flat to up, spot as it is
//! hedged               floor((sum of |expiry| - |sum of expiries|) / 2)
//! short lots           sum over (expiry, strike) of max(0, -(calls + puts)), long positive
//! linear lots          sum of |lots| of perpetuals and futures
//! ```
//!
//! Invariants: sums are exact whatever the lots, or [`FormulaError::Overflow`] if one does not fit
//! in the end; all but the profit, its delta and the losses are never negative. Nothing is
//! allocated; the sums can be kept and [`super::portfolio_margin::requirement`] asked again when
//! only prices or parameters have changed.
//!
//! Deliberately absent: shares, notionals and requirements, which are [`super::portfolio_margin`].
//!
//! Source: section 3 of the design and its integer reference `margin`.

use super::risk_array::{RiskArray, SCENARIOS, SPOT_STEPS, VolMove, column};
use super::rounding::narrow;
use super::scenario_vector::{self, Holding, OpenOrder, ScenarioVector, WordLots};
use super::{FormulaError, domain};
use core::num::Wrapping;
use core::ops::{Add, Mul, Sub};

/// What kind of contract a leg is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Contract {
    /// A perpetual or future.
    Linear,
    /// An option; the call and the put of a strike pair with each other.
    Option {
        /// In micro-USD per unit.
        strike: i64,
    },
}

/// A position in one instrument.
#[derive(Clone, Copy, Debug)]
pub struct Leg<'a> {
    /// When it expires, in any unit; one number of its own for perpetuals, which have no expiry.
    pub expiry: i64,
    /// What it is.
    pub contract: Contract,
    /// Lots, negative when short.
    pub lots: i64,
    /// What a lot does in each scenario.
    pub array: &'a RiskArray,
}

impl Leg<'_> {
    fn key(&self) -> (i64, Contract) {
        (self.expiry, self.contract)
    }

    /// As [`sums`] takes it.
    #[inline(always)]
    fn added<W: Width>(&self) -> [W; 3] {
        let lots = W::of(self.lots);
        [lots, lots * W::of(delta_of(self.array)), lots * W::of(vega_of(self.array))]
    }
}

/// An open order.
#[derive(Clone, Copy, Debug)]
pub struct Order<'a> {
    /// What is traded.
    pub contract: Contract,
    /// Lots that can still fill, negative for a sale; not zero.
    pub lots: i64,
    /// What filling them brings at once in micro-USD: [`scenario_vector::order_edge`].
    pub edge: i64,
    /// What a lot does in each scenario.
    pub array: &'a RiskArray,
}

/// What positions come to, before prices and parameters; money in micro-USD.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Positions {
    /// Profit per scenario.
    pub profit: ScenarioVector,
    /// Profit from spot down 4 % to spot up 4 %.
    pub delta: i64,
    /// How much of such profits expiries hedge in each other: half of the sum of their sizes less
    /// the size of their sum, floored.
    pub delta_hedged: i64,
    /// The same of profits from volatility up at the present spot.
    pub vega_hedged: i64,
    /// Options owed net of those held, per expiry and strike.
    pub short_lots: i64,
    /// Perpetuals and futures, long and short alike.
    pub linear_lots: i64,
}

impl Positions {
    /// No position.
    pub const NONE: Self = Self {
        profit: [0; SCENARIOS],
        delta: 0,
        delta_hedged: 0,
        vega_hedged: 0,
        short_lots: 0,
        linear_lots: 0,
    };
}

/// What open orders come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OpenOrders {
    /// Losses per scenario in micro-USD, none positive.
    pub losses: ScenarioVector,
    /// Options offered.
    pub short_lots: i64,
    /// Perpetuals and futures bid for and offered.
    pub linear_lots: i64,
}

impl OpenOrders {
    /// No order.
    pub const NONE: Self = Self { losses: [0; SCENARIOS], short_lots: 0, linear_lots: 0 };
}

/// What one leg adds to the sums beside its profit per scenario.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LegSums {
    /// As in [`Leg`].
    pub expiry: i64,
    /// As in [`Leg`].
    pub contract: Contract,
    /// As in [`Leg`].
    pub lots: i64,
    /// Profit from spot down a step to spot up a step, micro-USD.
    pub delta: i128,
    /// Profit from volatility up, micro-USD.
    pub vega: i128,
}

impl LegSums {
    /// The sums of a leg.
    #[must_use]
    pub fn of(expiry: i64, contract: Contract, lots: i64, array: &RiskArray) -> Self {
        let times = |profit: i64| i128::from(lots) * i128::from(profit);
        let (delta, vega) = (times(delta_of(array)), times(vega_of(array)));
        Self { expiry, contract, lots, delta, vega }
    }

    /// By what legs are sorted.
    #[must_use]
    pub fn key(&self) -> (i64, Contract) {
        (self.expiry, self.contract)
    }
}

/// Adds up positions in one underlying, sorted by expiry and contract, one leg per instrument.
///
/// # Errors
/// [`FormulaError::Domain`] if they are not sorted; [`FormulaError::Overflow`].
pub fn positions(legs: &[Leg<'_>]) -> Result<Positions, FormulaError> {
    domain(legs.is_sorted_by_key(Leg::key))?;
    let holdings = legs.iter().map(|leg| Holding { array: leg.array, lots: leg.lots });
    let profit = scenario_vector::profit(holdings)?;
    // What moves an array's entries apart is at most 2^32: with lots of at most 2^31 in all, sums
    // and sums of sizes stay within a word, and need no 128 bits.
    let mut lots = WordLots::NONE;
    for leg in legs {
        lots.take(leg.lots);
    }
    match lots.all_fit() {
        true => sums(profit, legs, Leg::key, Leg::added::<Wrapping<i64>>),
        false => sums(profit, legs, Leg::key, Leg::added::<i128>),
    }
}

/// The integers that [`sums`] adds up in. In 128 bits no number of legs in memory can overflow;
/// whoever takes [`Wrapping`] words knows that nothing wraps.
pub(super) trait Width:
    Copy + Default + Ord + Add<Output = Self> + Sub<Output = Self> + Mul<Output = Self>
{
    fn of(value: i64) -> Self;
    fn wide(self) -> i128;

    fn size(self) -> Self {
        self.max(Self::default() - self)
    }
}

impl Width for Wrapping<i64> {
    fn of(value: i64) -> Self {
        Self(value)
    }

    fn wide(self) -> i128 {
        i128::from(self.0)
    }
}

impl Width for i128 {
    fn of(value: i64) -> Self {
        Self::from(value)
    }

    fn wide(self) -> i128 {
        self
    }
}

/// [`Positions`] of sorted legs whose profit is known; `added` says of a leg its lots and what it
/// makes from spot down a step to spot up a step, and when volatility goes up.
#[inline]
fn sums<L, W: Width>(
    profit: ScenarioVector,
    legs: &[L],
    key: impl Fn(&L) -> (i64, Contract),
    added: impl Fn(&L) -> [W; 3],
) -> Result<Positions, FormulaError> {
    let none = W::default();
    let (mut delta, mut vega) = (Hedged::<W>::default(), Hedged::<W>::default());
    let (mut short_lots, mut linear_lots) = (none, none);
    for expiry in legs.chunk_by(|one, other| key(one).0 == key(other).0) {
        let (mut expiry_delta, mut expiry_vega) = (none, none);
        for leg in expiry {
            let [_, leg_delta, leg_vega] = added(leg);
            expiry_delta = expiry_delta + leg_delta;
            expiry_vega = expiry_vega + leg_vega;
        }
        delta.take(expiry_delta);
        vega.take(expiry_vega);
        for same in expiry.chunk_by(|one, other| key(one).1 == key(other).1) {
            let lots = same.iter().map(|leg| added(leg)[0]);
            match key(&same[0]).1 {
                Contract::Linear => linear_lots = lots.fold(linear_lots, |sum, n| sum + n.size()),
                Contract::Option { .. } => {
                    short_lots = short_lots + lots.fold(none, |owed, n| owed - n).max(none);
                }
            }
        }
    }
    Ok(Positions {
        profit,
        delta: narrow(delta.sum.wide())?,
        delta_hedged: delta.hedged()?,
        vega_hedged: vega.hedged()?,
        short_lots: narrow(short_lots.wide())?,
        linear_lots: narrow(linear_lots.wide())?,
    })
}

/// Sums over expiries of profits and of their sizes.
#[derive(Clone, Copy, Default)]
pub(super) struct Hedged<W> {
    pub(super) sum: W,
    sizes: W,
}

impl<W: Width> Hedged<W> {
    /// Of the profits of all expiries.
    #[inline(always)]
    pub(super) fn of(expiries: &[W]) -> Self {
        let none = W::default();
        Self {
            sum: expiries.iter().fold(none, |sum, &expiry| sum + expiry),
            sizes: expiries.iter().fold(none, |sizes, expiry| sizes + expiry.size()),
        }
    }

    #[inline(always)]
    pub(super) fn take(&mut self, expiry: W) {
        self.sum = self.sum + expiry;
        self.sizes = self.sizes + expiry.size();
    }

    /// How much the expiries hedge in each other.
    pub(super) fn hedged(self) -> Result<i64, FormulaError> {
        narrow((self.sizes - self.sum.size()).wide() / 2)
    }
}

/// [`positions`] from the profit per scenario and what each leg adds beside it, which is summed in
/// 128 bits: no number of legs in memory can overflow them.
///
/// # Errors
/// As [`positions`].
pub fn positions_of(profit: ScenarioVector, legs: &[LegSums]) -> Result<Positions, FormulaError> {
    domain(legs.is_sorted_by_key(LegSums::key))?;
    sums(profit, legs, LegSums::key, |leg| [i128::from(leg.lots), leg.delta, leg.vega])
}

/// What a lot makes from spot down a step to spot up a step.
#[inline(always)]
pub(super) fn delta_of(array: &RiskArray) -> i64 {
    let up = array[const { column(SPOT_STEPS + 1, VolMove::Flat) }];
    let down = array[const { column(SPOT_STEPS - 1, VolMove::Flat) }];
    i64::from(up) - i64::from(down)
}

/// What a lot makes when volatility goes up.
#[inline(always)]
pub(super) fn vega_of(array: &RiskArray) -> i64 {
    let up = array[const { column(SPOT_STEPS, VolMove::Up) }];
    let flat = array[const { column(SPOT_STEPS, VolMove::Flat) }];
    i64::from(up) - i64::from(flat)
}

/// Adds up open orders in one underlying, in any order.
///
/// # Errors
/// [`FormulaError::Domain`] for an order of zero lots; [`FormulaError::Overflow`].
pub fn open_orders(orders: &[Order<'_>]) -> Result<OpenOrders, FormulaError> {
    let losses = scenario_vector::losses(orders.iter().map(|order| OpenOrder {
        array: order.array,
        lots: order.lots,
        edge: order.edge,
    }))?;
    let (mut short_lots, mut linear_lots) = (0_i128, 0_i128);
    for order in orders {
        let lots = i128::from(order.lots);
        match order.contract {
            Contract::Linear => linear_lots += lots.abs(),
            Contract::Option { .. } => short_lots += (-lots).max(0),
        }
    }
    Ok(OpenOrders { losses, short_lots: narrow(short_lots)?, linear_lots: narrow(linear_lots)? })
}
