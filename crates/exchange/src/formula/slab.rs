//! A slab of series, and the sums of compact portfolios over it.
//!
//! [`portfolio::positions`] takes legs from anywhere and finds out what belongs together by
//! comparing them. Whoever margins many accounts over the same series lets a slab find that out
//! once: it numbers the series, their expiries and their strikes, and a position is then a number
//! and lots, eight bytes. The sums of an expiry have a place of their own, so that going through a
//! portfolio takes no branch that depends on what is in it.
//!
//! Invariants: the sums of a portfolio are those of [`portfolio::positions`] with the same legs,
//! errors included; series keep the order of legs. What might not fit words takes that way, which
//! is the only one that allocates.
//!
//! Deliberately absent: accounts, and when arrays are refreshed.

use super::portfolio::{self, Contract, Hedged, Leg, OpenOrders, Positions, delta_of, vega_of};
use super::portfolio_margin::{self, InAll, InParts, Market, PortfolioMarginParams};
use super::risk_array::RiskArray;
use super::scenario_vector::WordLots;
use super::standard_margin::Requirement;
use super::{FormulaError, domain};
use alloc::vec::Vec;
use core::num::Wrapping;
use lockstep_kernel::{Sums, Task};

/// Expiries in a slab; perpetuals count as one.
pub const SLAB_EXPIRIES_MAX: usize = 16;

/// A series.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Series {
    /// When it expires, in any unit; one number of its own for perpetuals, which have no expiry.
    pub expiry: i64,
    /// What it is.
    pub contract: Contract,
    /// What a lot does in each scenario.
    pub array: RiskArray,
}

/// A position in a series of a slab.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The place of the series in the slab.
    pub series: u32,
    /// Lots, negative when short.
    pub lots: i32,
}

/// A series with what is worth knowing of it and its neighbours; aligned so that it takes no more
/// than three lines of cache.
#[derive(Clone, Debug)]
#[repr(align(32))]
struct Row {
    array: RiskArray,
    /// Counts the contracts up to this one: the call and the put of a strike have the same number.
    contract: u32,
    /// What a lot makes from spot down a step to spot up a step, and when volatility goes up.
    delta: i64,
    vega: i64,
    /// Counts the expiries up to this one.
    expiry: u16,
    /// All ones for an option, else zero.
    option: i16,
}

const _: () = assert!(size_of::<Row>() == 160, "a row has no room to spare");

impl Row {
    fn new(array: RiskArray, expiry: u16, contract: u32, option: i16) -> Self {
        let (delta, vega) = (delta_of(&array), vega_of(&array));
        Self { array, contract, delta, vega, expiry, option }
    }
}

/// Series of one underlying.
#[derive(Clone, Debug)]
pub struct Slab {
    series: Vec<(i64, Contract)>,
    rows: Vec<Row>,
}

impl Slab {
    /// A slab of series sorted by expiry and contract.
    ///
    /// # Errors
    /// [`FormulaError::Domain`] if they are not sorted, or if there are more expiries than
    /// [`SLAB_EXPIRIES_MAX`].
    pub fn new(series: impl IntoIterator<Item = Series>) -> Result<Self, FormulaError> {
        let mut slab = Self { series: Vec::new(), rows: Vec::new() };
        let (mut expiry, mut contract) = (0_u16, 0_u32);
        for one in series {
            let key = (one.expiry, one.contract);
            if let Some(last) = slab.series.last() {
                domain(*last <= key)?;
                expiry += u16::from(last.0 != key.0);
                contract += u32::from(*last != key);
            }
            domain(usize::from(expiry) < SLAB_EXPIRIES_MAX && contract < u32::MAX)?;
            let option = -i16::from(one.contract != Contract::Linear);
            slab.series.push(key);
            slab.rows.push(Row::new(one.array, expiry, contract, option));
        }
        Ok(slab)
    }

    /// How many series there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// An entry as a leg.
    ///
    /// # Errors
    /// [`FormulaError::Domain`] if there is no such series.
    pub fn leg(&self, entry: Entry) -> Result<Leg<'_>, FormulaError> {
        let at = usize::try_from(entry.series).unwrap_or(usize::MAX);
        match (self.series.get(at), self.rows.get(at)) {
            (Some(&(expiry, contract)), Some(Row { array, .. })) => {
                Ok(Leg { expiry, contract, lots: i64::from(entry.lots), array })
            }
            _ => Err(FormulaError::Domain),
        }
    }

    /// Replaces what a lot of a series does in each scenario.
    ///
    /// # Errors
    /// [`FormulaError::Domain`] if there is no such series.
    pub fn refresh(&mut self, series: u32, array: RiskArray) -> Result<(), FormulaError> {
        let at = usize::try_from(series).unwrap_or(usize::MAX);
        let row = self.rows.get_mut(at).ok_or(FormulaError::Domain)?;
        *row = Row::new(array, row.expiry, row.contract, row.option);
        Ok(())
    }

    /// What a portfolio without open orders requires: [`portfolio_margin::required`] of
    /// [`Self::positions`], and faster than one after the other, because the sums stay where they
    /// are.
    ///
    /// # Errors
    /// As those.
    pub fn required(
        &self,
        params: &PortfolioMarginParams,
        market: &Market,
        portfolio: &[Entry],
    ) -> Result<Requirement, FormulaError> {
        let sums = InWords { rows: &self.rows, portfolio };
        match lockstep_kernel::run(RequiredInWords { params, market, sums })? {
            Some(found) => Ok(found),
            None => portfolio_margin::required(
                params,
                market,
                &self.positions(portfolio)?,
                &OpenOrders::NONE,
            ),
        }
    }

    /// What a portfolio comes to; its entries are sorted by series, and may name one again.
    ///
    /// # Errors
    /// [`FormulaError::Domain`] if they are not sorted or there is no such series;
    /// [`FormulaError::Overflow`].
    pub fn positions(&self, portfolio: &[Entry]) -> Result<Positions, FormulaError> {
        let (sums, lots) = lockstep_kernel::run(InWords { rows: &self.rows, portfolio })?;
        if lots.all_fit() {
            return Ok(sums);
        }
        let legs = portfolio.iter().map(|&entry| self.leg(entry));
        portfolio::positions(&legs.collect::<Result<Vec<_>, _>>()?)
    }
}

/// The sums of a portfolio, right if all lots fit words.
#[derive(Clone, Copy)]
struct InWords<'a> {
    rows: &'a [Row],
    portfolio: &'a [Entry],
}

impl Task for InWords<'_> {
    type Output = Result<(Positions, WordLots), FormulaError>;

    #[inline(always)]
    fn run(self) -> Self::Output {
        let mut profit = Sums::ZERO;
        let mut counted = WordLots::NONE;
        let mut deltas = [Wrapping(0_i64); SLAB_EXPIRIES_MAX];
        let mut vegas = [Wrapping(0_i64); SLAB_EXPIRIES_MAX];
        let mut pairs = Pairs::default();
        let mut linear = 0_i64;
        let mut before = 0;
        for entry in self.portfolio {
            let at = usize::try_from(entry.series).unwrap_or(usize::MAX);
            let row = self.rows.get(at).ok_or(FormulaError::Domain)?;
            domain(before <= at)?;
            before = at;
            profit.add_product(&row.array, entry.lots);
            let lots = i64::from(entry.lots);
            counted.take(lots);
            let expiry = usize::from(row.expiry) % SLAB_EXPIRIES_MAX;
            deltas[expiry] += lots.wrapping_mul(row.delta);
            vegas[expiry] += lots.wrapping_mul(row.vega);
            let option = i64::from(row.option);
            pairs.take(row.contract, lots & option);
            linear = linear.wrapping_add(lots.wrapping_abs() & !option);
        }
        let (delta, vega) = (Hedged::of(&deltas), Hedged::of(&vegas));
        let positions = Positions {
            profit: profit.into_vector(),
            delta: delta.sum.0,
            delta_hedged: delta.hedged()?,
            vega_hedged: vega.hedged()?,
            short_lots: pairs.short,
            linear_lots: linear,
        };
        Ok((positions, counted))
    }
}

/// The requirement of a portfolio, or `None` if not all lots fit words.
#[derive(Clone, Copy)]
struct RequiredInWords<'a> {
    params: &'a PortfolioMarginParams,
    market: &'a Market,
    sums: InWords<'a>,
}

impl Task for RequiredInWords<'_> {
    type Output = Result<Option<Requirement>, FormulaError>;

    #[inline(always)]
    fn run(self) -> Self::Output {
        let (positions, counted) = self.sums.run()?;
        if !counted.all_fit() {
            return Ok(None);
        }
        let (params, market, orders) = (self.params, self.market, &OpenOrders::NONE);
        InAll(InParts { params, market, positions: &positions, orders }).run().map(Some)
    }
}

/// Lots owed net of those held, contract by contract.
#[derive(Clone, Copy, Default)]
struct Pairs {
    contract: u32,
    /// Of the contract at hand.
    owed: i64,
    /// Of all contracts, that at hand included.
    short: i64,
}

impl Pairs {
    #[inline(always)]
    fn take(&mut self, contract: u32, lots: i64) {
        let owed = if contract == self.contract { self.owed } else { 0 };
        self.contract = contract;
        self.owed = owed.wrapping_sub(lots);
        self.short = self.short.wrapping_add(self.owed.max(0)).wrapping_sub(owed.max(0));
    }
}
