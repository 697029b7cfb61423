//! What an instrument is worth and what a lot of it does: its mark and its risk array, as the file
//! gives them or by the engine's formulas.
//!
//! Invariant: a number that the file gives is used as given, unless it is asked to be computed; a
//! number that cannot be computed is an error that names the field. Deliberately absent: positions.

use super::model::{Instrument, Kind, Params};
use crate::scenario::problem::{Parsed, Problem};
use lockstep_exchange::formula::OptionSide;
use lockstep_exchange::formula::risk_array::{
    RiskArray, RiskArrayError, linear_array, option_array,
};
use lockstep_exchange::option::{Black76, Field, OutOfRange, Side, implied_volatility_e9};
use lockstep_types::Vol;

/// Where a mark or an array is from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// The file.
    Given,
    /// The formula.
    Computed,
}

/// A mark in micro-USD per unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark {
    /// The mark.
    pub price: i64,
    /// Where it is from.
    pub source: Source,
}

/// A risk array with what it was made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Risk {
    /// Micro-USD per long lot and scenario.
    pub array: RiskArray,
    /// Where it is from.
    pub source: Source,
    /// The volatility in 1e-9 that it is computed with, if it is.
    pub vol_e9: Option<i64>,
}

fn missing(name: &str, why: &str) -> Problem {
    Problem::new(format!("field `{name}` is missing; {why}"))
}

/// The mark of an instrument; `reprice` computes it even if it is given.
///
/// # Errors
/// A field that the formula needs is missing.
pub fn mark(instrument: &Instrument, reprice: bool) -> Parsed<Mark> {
    let Kind::Option { side, .. } = instrument.kind else {
        // The price of a perpetual or future is its mark; only a second one can be compared.
        let [first, second] = match reprice {
            true => [instrument.forward, instrument.mark],
            false => [instrument.mark, instrument.forward],
        };
        let price = first.or(second);
        let price =
            price.ok_or_else(|| missing("mark", "a perpetual or future needs its price"))?;
        return Ok(Mark { price, source: Source::Given });
    };
    // A mark that implies the volatility is not the volatility's.
    match instrument.mark {
        Some(price) if !reprice || instrument.vol_e9.is_none() => {
            return Ok(Mark { price, source: Source::Given });
        }
        _ => {}
    }
    let vol_e9 = instrument.vol_e9.ok_or_else(|| missing("vol", "the mark is computed with it"))?;
    let option = black76(instrument, vol_e9)?;
    let prices = option.prices().map_err(|error| Problem::new(error.to_string()))?;
    let price = match side {
        OptionSide::Call => prices.call,
        OptionSide::Put => prices.put,
    };
    Ok(Mark { price, source: Source::Computed })
}

/// The risk array of an instrument; `reprice` computes it even if it is given.
///
/// # Errors
/// A field that the formula needs is missing, or an entry does not fit 32 bits.
pub fn risk(instrument: &Instrument, params: &Params, reprice: bool) -> Parsed<Risk> {
    if let Some(array) = &instrument.array
        && !reprice
    {
        return Ok(Risk { array: **array, source: Source::Given, vol_e9: instrument.vol_e9 });
    }
    let Kind::Option { side, .. } = instrument.kind else {
        let price = instrument.forward.or(instrument.mark);
        let price = price.ok_or_else(|| missing("mark", "the risk array is computed with it"))?;
        let array = linear_array(price).map_err(wrong)?;
        return Ok(Risk { array, source: Source::Computed, vol_e9: None });
    };
    let vol_e9 = match (instrument.vol_e9, instrument.mark) {
        (Some(vol_e9), _) => vol_e9,
        (None, Some(mark)) => implied(instrument, side, mark)?,
        (None, None) => return Err(missing("vol", "the risk array is computed with it")),
    };
    let option = black76(instrument, vol_e9)?;
    let array = option_array(&params.vols, &option, side).map_err(wrong)?;
    Ok(Risk { array, source: Source::Computed, vol_e9: Some(vol_e9) })
}

/// Why there is no array, in the file's terms.
fn wrong(error: RiskArrayError) -> Problem {
    match error {
        RiskArrayError::OutOfRange(OutOfRange { field: Field::VolE9, value, maximum, .. }) => {
            let (value, maximum) = (Vol(value), Vol(maximum));
            Problem::new(format!("moved up it is {value}, above the limit {maximum}")).at("vol")
        }
        other => Problem::new(other.to_string()).at("risk_array"),
    }
}

fn black76(instrument: &Instrument, vol_e9: i64) -> Parsed<Black76> {
    let Kind::Option { strike, .. } = instrument.kind else {
        return Err(Problem::new("only an option has a volatility"));
    };
    let forward = instrument.forward.ok_or_else(|| {
        missing("forward", "mark and risk array of an option are computed with it")
    })?;
    Ok(Black76 { forward, strike, vol_e9, seconds: instrument.seconds })
}

/// The volatility that a given mark implies.
fn implied(instrument: &Instrument, side: OptionSide, mark: i64) -> Parsed<i64> {
    let option = black76(instrument, 0)?;
    let side = match side {
        OptionSide::Call => Side::Call,
        OptionSide::Put => Side::Put,
    };
    implied_volatility_e9(side, mark, option.forward, option.strike, option.seconds)
        .map_err(|error| Problem::new(format!("it implies no volatility: {error}")).at("mark"))
}
