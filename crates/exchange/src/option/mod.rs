//! Option mathematics in integers: the Black-76 price, its Greeks and the implied volatility.
//!
//! Invariants:
//! - Every price and every Greek is the nearest integer of the exact real value, for every input
//!   in range. A fast fixed-point path with a proven error bound answers unless its value lies
//!   within that bound of a half; then a 256-bit path answers (Ziv's strategy). So the results
//!   depend on the formula alone, never on the path, the machine or the compiler.
//! - The out-of-the-money side is the one computed (forward <= strike: the call, else the put);
//!   the other side follows by exact integer parity, call - put = forward - strike.
//! - No input panics. What is out of range is an error that names the field and its limits.
//!
//! Units: prices and money in micro-USD, volatility in 1e-9 (1.0 = 100 % = 1_000_000_000), time
//! in seconds with a year of 31_536_000 s. The interest rate is zero: prices are undiscounted on
//! the forward, so there is no rho. A price may also be per lot: the formula is homogeneous.
//!
//! [`price`] and [`greeks`] have the fast path, [`exact`] the exact one, [`implied`] the inverse;
//! [`function`] has ln, exp, root and the normal distribution for the fast path, by the tables of
//! [`log_exp_table`] and [`normal_table`], [`wide`] for the exact one; [`magnitude`] and [`word`]
//! are the arithmetic below.
//!
//! Absent: floating point, discounting, early exercise, the volatility surface and the scenarios
//! of risk (`price::prices` takes prepared parts so that risk can build its arrays cheaply).
//!
//! Source: F. Black, "The pricing of commodity contracts", Journal of Financial Economics 3
//! (1976); A. Ziv, "Fast evaluation of elementary mathematical functions with correctly rounded
//! last bit", ACM TOMS 17 (1991).

mod exact;
pub mod function;
mod greeks;
mod implied;
mod log_exp_table;
mod magnitude;
mod normal_table;
mod price;
mod wide;
mod word;

pub use greeks::Greeks;
pub use implied::{ImpliedVolatilityError, Side, implied_volatility_e9};
pub use price::{Deviation, LogPrice, Prices, prices};

/// Largest forward or strike: 10^16 micro-USD, ten billion USD.
pub const PRICE_MAX: i64 = 10_000_000_000_000_000;
/// Largest volatility: 100.0, that is 10,000 %.
pub const VOL_E9_MAX: i64 = 100_000_000_000;
/// Longest time to expiry: 100 years.
pub const SECONDS_MAX: i64 = 100 * SECONDS_PER_YEAR;
/// The year of every formula here: 365 days.
pub const SECONDS_PER_YEAR: i64 = 31_536_000;

/// An input of the option formulas.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field {
    /// The forward price, micro-USD.
    Forward,
    /// The strike price, micro-USD.
    Strike,
    /// The volatility, 1e-9.
    VolE9,
    /// The time to expiry, seconds.
    Seconds,
}

/// An input outside the range for which the formulas are exact.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutOfRange {
    /// The field that was rejected.
    pub field: Field,
    /// What it held.
    pub value: i64,
    /// Smallest value accepted.
    pub minimum: i64,
    /// Largest value accepted.
    pub maximum: i64,
}

impl core::fmt::Display for OutOfRange {
    fn fmt(&self, formatter: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let Self { field, value, minimum, maximum } = self;
        write!(formatter, "{field:?} is {value}, outside {minimum}..={maximum}")
    }
}

impl core::error::Error for OutOfRange {}

/// The inputs of the Black-76 formula for one European option.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Black76 {
    /// Forward price of the underlying for the expiry, micro-USD, 1..=`PRICE_MAX`.
    pub forward: i64,
    /// Strike price, micro-USD, 1..=`PRICE_MAX`.
    pub strike: i64,
    /// Volatility in 1e-9, at most `VOL_E9_MAX`; zero or less means intrinsic value.
    pub vol_e9: i64,
    /// Time to expiry in seconds, at most `SECONDS_MAX`; zero or less means intrinsic value.
    pub seconds: i64,
}

impl Black76 {
    /// Both prices in micro-USD, each the nearest integer of the exact value.
    ///
    /// # Errors
    /// `OutOfRange` names the first field that is outside its limits.
    pub fn prices(&self) -> Result<Prices, OutOfRange> {
        let (forward, strike, deviation) = self.prepare()?;
        Ok(prices(&forward, &strike, &deviation))
    }

    /// Delta, gamma, vega and theta, each the nearest integer of the exact value in its unit.
    ///
    /// # Errors
    /// `OutOfRange` names the first field that is outside its limits.
    pub fn greeks(&self) -> Result<Greeks, OutOfRange> {
        let (forward, strike, deviation) = self.prepare()?;
        Ok(greeks::greeks(&forward, &strike, &deviation))
    }

    /// The parts that `price::prices` takes, checked.
    fn prepare(&self) -> Result<(LogPrice, LogPrice, Deviation), OutOfRange> {
        let forward = LogPrice::new(Field::Forward, self.forward)?;
        let strike = LogPrice::new(Field::Strike, self.strike)?;
        let deviation = Deviation::new(self.vol_e9, self.seconds)?;
        Ok((forward, strike, deviation))
    }
}

#[cfg(test)]
mod tests;
