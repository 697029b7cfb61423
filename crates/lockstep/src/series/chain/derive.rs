//! Derives smiles and open interest from raw snapshots of whole option chains.
//!
//! Of each chosen expiry the options out of the money give the volatilities of a smile; index and
//! forward are medians over the snapshot's rows, which were taken within a minute or two. Open
//! interest is that of the first snapshot, of the strikes nearest to the forward at which anything
//! was held.

use super::fit::{Slice, Target, fit};
use super::{InterestRow, SmileRow, TICKERS, underlying};
use crate::series::error::{Fault, ReadError, quoted};
use crate::series::rows::{Row, Rows};
use crate::series::{CENT, Column, TIME_S_MAX};
use lockstep_exchange::formula::smile::log_moneyness_e9;
use lockstep_types::Price;
use lockstep_types::instrument::{
    Contract, InstrumentName, OptionSide, Ticker, days_from_civil, expiry_of_date,
};
use std::collections::{BTreeMap, BTreeSet};
use std::io::BufRead;

/// First line of the raw file.
const RAW_HEADER: &str =
    "time,underlying,index,forward,expiry,strike,type,bid,ask,mark,mark_iv,open_interest";
const RAW_NAMES: [&str; 12] = [
    "time",
    "underlying",
    "index",
    "forward",
    "expiry",
    "strike",
    "type",
    "bid",
    "ask",
    "mark",
    "mark_iv",
    "open_interest",
];
/// Most rows of the raw file.
const RAW_ROWS_MAX: u64 = 100_000;
/// The expiries that are taken: year, month, day.
const EXPIRIES: [(i64, i64, i64); 7] = [
    (2026, 2, 5),
    (2026, 2, 6),
    (2026, 2, 13),
    (2026, 2, 20),
    (2026, 2, 27),
    (2026, 3, 27),
    (2026, 6, 26),
];
/// Most strikes of an expiry: calls and puts of them fit one mass quote.
const STRIKES_MAX: usize = 48;
/// Volatilities farther from the money than this are not fitted: 1e-9 of log-moneyness.
const FITTED_E9_MAX: i64 = 600_000_000;
/// Largest open interest and strike, in units and USD.
const UNITS_MAX: i64 = 1_000_000_000_000;

/// One raw row.
#[derive(Clone, Copy, Debug)]
struct Quote {
    index_cents: i64,
    forward_cents: i64,
    strike_cents: i64,
    is_call: bool,
    vol_e9: i64,
    milli: i64,
}

/// The rows of a snapshot's expiry, by time, underlying and expiry.
type Snapshots = BTreeMap<(i64, usize, i64), Vec<Quote>>;

/// Smiles of all snapshots, and the open interest of the first.
///
/// # Errors
/// Line, field and limit of what does not read; no rows if an expiry has too few.
pub fn chains(reader: impl BufRead) -> Result<(Vec<SmileRow>, Vec<InterestRow>), ReadError> {
    let snapshots = read(reader)?;
    let first_s = snapshots.keys().map(|(time_s, _, _)| *time_s).min().ok_or(ReadError::NoRows)?;
    let mut smiles = Vec::new();
    let mut near: BTreeMap<(i64, usize), Slice> = BTreeMap::new();
    for ((time_s, underlying, expiry_s), quotes) in &snapshots {
        let seconds = expiry_s - time_s;
        let key = (*time_s, *underlying);
        let row = smile_of(*time_s, *underlying, *expiry_s, quotes, seconds, near.get(&key))?;
        near.insert(key, (row.smile(), seconds));
        smiles.push(row);
    }
    let of_first = snapshots.iter().filter(|((time_s, _, _), _)| *time_s == first_s);
    let interest = of_first.flat_map(|((_, underlying, expiry_s), quotes)| {
        interest_of(*underlying, *expiry_s, quotes)
    });
    Ok((smiles, interest.collect()))
}

fn read(reader: impl BufRead) -> Result<Snapshots, ReadError> {
    let mut rows = Rows::open(reader, RAW_HEADER, RAW_ROWS_MAX)?;
    let mut snapshots = Snapshots::new();
    let chosen: BTreeSet<i64> = EXPIRIES
        .iter()
        .map(|(year, month, day)| expiry_of_date(*year, *month, *day).0 / 1_000)
        .collect();
    while let Some(row) = rows.next_row(RAW_NAMES)? {
        let expiry_s = expiry_of(&row)?;
        let time_s = time_of(&row)?;
        if !chosen.contains(&expiry_s) {
            continue;
        }
        let is_call = match row.cell(6) {
            "call" => true,
            "put" => false,
            other => {
                let fault = Fault::Unknown { found: quoted(other), allowed: "call, put" };
                return Err(row.fault(6, fault));
            }
        };
        let quote = Quote {
            index_cents: row.decimal_cut(2, 2, 1, Column::PriceCents.value_max())?,
            forward_cents: row.decimal_cut(3, 2, 1, Column::PriceCents.value_max())?,
            strike_cents: row.decimal_cut(5, 2, 1, UNITS_MAX)?,
            is_call,
            vol_e9: row.decimal_cut(10, 9, 1, Column::VolatilityNano.value_max())?,
            milli: row.decimal_cut(11, 3, 0, UNITS_MAX)?,
        };
        let key = (time_s, underlying(&row, 1)?, expiry_s);
        snapshots.entry(key).or_default().push(quote);
    }
    Ok(snapshots)
}

/// Three numbers set apart by dashes.
fn date(text: &str) -> Option<(i64, i64, i64)> {
    let mut parts = text.split('-').map(|part| part.parse::<i64>().ok());
    let (year, month, day) = (parts.next()??, parts.next()??, parts.next()??);
    let is_date = parts.next().is_none()
        && (1970..=9_999).contains(&year)
        && (1..=12).contains(&month)
        && (1..=31).contains(&day);
    is_date.then_some((year, month, day))
}

fn expiry_of(row: &Row<'_, 12>) -> Result<i64, ReadError> {
    let wrong = || Fault::Unknown { found: quoted(row.cell(4)), allowed: "dates" };
    let (year, month, day) = date(row.cell(4)).ok_or_else(|| row.fault(4, wrong()))?;
    Ok(expiry_of_date(year, month, day).0 / 1_000)
}

/// Seconds of "2026-02-04T09:36:20Z".
fn time_of(row: &Row<'_, 12>) -> Result<i64, ReadError> {
    let parsed = || {
        let (day, clock) = row.cell(0).strip_suffix('Z')?.split_once('T')?;
        let (year, month, day) = date(day)?;
        let mut parts = clock.split(':').map(|part| part.parse::<i64>().ok());
        let (hour, minute, second) = (parts.next()??, parts.next()??, parts.next()??);
        let is_clock = (0..24).contains(&hour)
            && (0..60).contains(&minute)
            && (0..60).contains(&second)
            && parts.next().is_none();
        // Only a clock's numbers are added up: others may be as large as they like.
        let clock_s = || hour * 3_600 + minute * 60 + second;
        is_clock.then(|| days_from_civil(year, month, day) * 86_400 + clock_s())
    };
    let wrong = || Fault::Unknown { found: quoted(row.cell(0)), allowed: "times in UTC" };
    parsed().filter(|time| *time <= TIME_S_MAX).ok_or_else(|| row.fault(0, wrong()))
}

/// The middle one of values, the lower of two.
fn median(values: impl Iterator<Item = i64>) -> Option<i64> {
    let mut values: Vec<i64> = values.collect();
    values.sort_unstable();
    values.get(values.len().checked_sub(1)? / 2).copied()
}

fn smile_of(
    time_s: i64,
    underlying: usize,
    expiry_s: i64,
    quotes: &[Quote],
    seconds: i64,
    near: Option<&Slice>,
) -> Result<SmileRow, ReadError> {
    let index_cents = median(quotes.iter().map(|quote| quote.index_cents));
    let forward_cents = median(quotes.iter().map(|quote| quote.forward_cents));
    let (Some(index_cents), Some(forward_cents)) = (index_cents, forward_cents) else {
        return Err(ReadError::NoRows);
    };
    let target = |quote: &Quote| {
        let is_out = quote.is_call == (quote.strike_cents >= forward_cents);
        let log = log_moneyness_e9(forward_cents, quote.strike_cents).ok()?;
        let is_near = log.abs() <= FITTED_E9_MAX;
        (is_out && is_near).then_some(Target { log_moneyness_e9: log, vol_e9: quote.vol_e9 })
    };
    let targets: Vec<Target> = quotes.iter().filter_map(target).collect();
    let (smile, error_nano) = fit(&targets, seconds, near).ok_or(ReadError::NoRows)?;
    Ok(SmileRow {
        time_s,
        underlying,
        expiry_s,
        index_cents,
        forward_cents,
        atm_nano: smile.atm_vol_e9,
        rho_ppm: smile.rho_ppm,
        phi_ppm: smile.phi_ppm,
        error_nano,
    })
}

/// What was held of the strikes nearest to the forward.
fn interest_of(underlying: usize, expiry_s: i64, quotes: &[Quote]) -> Vec<InterestRow> {
    let Some(forward_cents) = median(quotes.iter().map(|quote| quote.forward_cents)) else {
        return Vec::new();
    };
    let mut held: BTreeMap<i64, [i64; 2]> = BTreeMap::new();
    for quote in quotes {
        held.entry(quote.strike_cents).or_default()[usize::from(!quote.is_call)] += quote.milli;
    }
    held.retain(|_, [calls, puts]| *calls + *puts > 0);
    let mut strikes: Vec<i64> = held.keys().copied().collect();
    let far =
        |strike: &i64| log_moneyness_e9(forward_cents, *strike).map_or(i64::MAX, |log| log.abs());
    strikes.sort_by_key(|strike| (far(strike), *strike));
    strikes.truncate(STRIKES_MAX);
    strikes.sort_unstable();
    let Ok(ticker) = Ticker::new(TICKERS[underlying]) else { return Vec::new() };
    let expiry = lockstep_types::TimeMs(expiry_s * 1_000);
    let sides = [OptionSide::Call, OptionSide::Put];
    let series = strikes.iter().flat_map(|strike| {
        sides.iter().zip(held[strike]).map(move |(side, milli)| {
            let strike = Price(strike * CENT);
            let contract = Contract::Option { expiry, strike, side: *side };
            InterestRow { name: InstrumentName { underlying: ticker, contract }, milli }
        })
    });
    series.collect()
}
