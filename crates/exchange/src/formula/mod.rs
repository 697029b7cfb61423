//! The exchange's formulas: pure functions over integers, one file per idea.
//!
//! Each takes plain numbers and returns plain numbers, so that every one of them can be read,
//! tested against its published vector, and reused by a model, without an engine around it.
//!
//! [`tick`] numbers prices (I3); [`settlement`] averages (I5); [`auction`] uncrosses (M7);
//! [`weighted_median`] makes the index (P1), [`smile`] the volatility (P3), [`mark`] the marks (P2
//! to P4), [`funding`] the funding (P6); [`fee`] has every fee (F1 to F3); [`standard_margin`] and
//! [`order_margin`] the requirements (A6, R1); [`rounding`] multiplies and divides for all of them.
//!
//! [`portfolio_margin`] is the other mode's requirement (A6): [`risk_array`] has a contract's
//! scenarios, [`scenario_vector`] and [`portfolio`] what positions and orders come to in them,
//! [`slab`] what many portfolios of the same series do, [`latency`] how far prices move while
//! nobody can act.
//!
//! The last steps of a liquidation (R3): [`backstop`] prices slices of an account, [`insurance`]
//! says which fund pays what, [`deleverage`] who closes and at what price; [`pro_rata`] divides for
//! both.
//!
//! Invariants:
//! - every result is a function of the arguments alone: no state but the small accumulators that
//!   the caller keeps, no clock, no order of iteration;
//! - rounding is against the account: value credited is floored, what is required or charged is
//!   rounded up, and the dust is the insurance fund's;
//! - no input makes a function panic: what does not fit is [`FormulaError::Overflow`], what makes
//!   no sense (a price of zero where one divides by it) is [`FormulaError::Domain`].
//!
//! Deliberately absent: accounts, books, instruments, and who is paid; option pricing, which is
//! [`crate::option`]; the caches that make portfolio margin cheap.

pub mod auction;
pub mod backstop;
pub mod deleverage;
pub mod fee;
pub mod funding;
pub mod insurance;
pub mod latency;
pub mod mark;
pub mod order_margin;
pub mod portfolio;
pub mod portfolio_margin;
pub mod pro_rata;
pub mod risk_array;
pub mod rounding;
pub mod scenario_vector;
pub mod settlement;
pub mod slab;
pub mod smile;
pub mod standard_margin;
pub mod tick;
pub mod weighted_median;

use core::fmt;
pub use lockstep_types::instrument::OptionSide;
pub use lockstep_types::units::{LOTS_PER_UNIT, PPM};

/// Why a formula has no value for its arguments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FormulaError {
    /// The exact result does not fit its integer type.
    Overflow,
    /// An argument lies outside what the function documents.
    Domain,
}

impl fmt::Display for FormulaError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Overflow => "the exact result does not fit its integer type",
            Self::Domain => "an argument lies outside the formula's domain",
        })
    }
}

impl core::error::Error for FormulaError {}

/// `Ok` if `condition`, else [`FormulaError::Domain`].
pub(crate) fn domain(condition: bool) -> Result<(), FormulaError> {
    if condition { Ok(()) } else { Err(FormulaError::Domain) }
}

/// What an option pays per unit of the underlying, in micro-USD, when it settles at `price`.
///
/// # Errors
/// [`FormulaError::Overflow`] if the difference does not fit.
pub fn option_payoff(side: OptionSide, strike: i64, price: i64) -> Result<i64, FormulaError> {
    let difference = match side {
        OptionSide::Call => price.checked_sub(strike),
        OptionSide::Put => strike.checked_sub(price),
    };
    Ok(difference.ok_or(FormulaError::Overflow)?.max(0))
}

/// Parts per billion in a whole.
pub const PPB: i64 = 1_000_000_000;
/// Divides lots x price x ppm into micro-USD.
pub const LOTS_PPM: i64 = LOTS_PER_UNIT * PPM;
