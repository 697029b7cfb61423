//! Option chains of a few moments: smiles and forwards by expiry, and what was held of each series.
//!
//! Two files, both of integers only. The smiles are rows of a moment, an underlying and an expiry,
//! by moment; the open interest is one row for each listed series. Whatever the bytes are, a reader
//! answers with values inside the named limits or with a [`ReadError`]. [`mod@derive`] makes them
//! from raw snapshots, [`fit`] finds the smiles.
//!
//! Deliberately absent: bids, offers and marks of single options, which the smiles stand for.

pub mod derive;
pub mod fit;
#[cfg(test)]
mod tests;

use super::error::{Fault, ReadError, quoted};
use super::rows::{Row, Rows};
use super::{Column, TIME_S_MAX};
use lockstep_exchange::formula::smile::Smile;
use lockstep_types::instrument::InstrumentName;
use std::io::{self, BufRead, Write};

/// First line of a file of smiles.
pub const SMILES_HEADER: &str =
    "time_s,underlying,expiry_s,index_cents,forward_cents,atm_nano,rho_ppm,phi_ppm,error_nano";
/// First line of a file of open interest.
pub const INTEREST_HEADER: &str = "instrument,open_interest_milli";
/// Most rows of either file.
pub const CHAIN_ROWS_MAX: u64 = 10_000;
/// Largest open interest, thousandths of the underlying.
const INTEREST_MAX: i64 = 1_000_000_000_000;
/// Symbols, by the number of the underlying.
pub const TICKERS: [&str; 2] = ["BTC", "ETH"];

const SMILE_NAMES: [&str; 9] = [
    "time_s",
    "underlying",
    "expiry_s",
    "index_cents",
    "forward_cents",
    "atm_nano",
    "rho_ppm",
    "phi_ppm",
    "error_nano",
];

/// An expiry at a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SmileRow {
    /// UTC, seconds since 1970.
    pub time_s: i64,
    /// Place in [`TICKERS`].
    pub underlying: usize,
    /// When it expires, UTC, seconds since 1970.
    pub expiry_s: i64,
    /// Index then, cents.
    pub index_cents: i64,
    /// Forward then, cents.
    pub forward_cents: i64,
    /// Volatility at the money, 1e-9.
    pub atm_nano: i64,
    /// Tilt.
    pub rho_ppm: i64,
    /// Curvature.
    pub phi_ppm: i64,
    /// Mean distance of the smile from the volatilities it was fitted to, 1e-9.
    pub error_nano: i64,
}

impl SmileRow {
    /// The smile.
    pub fn smile(&self) -> Smile {
        Smile { atm_vol_e9: self.atm_nano, rho_ppm: self.rho_ppm, phi_ppm: self.phi_ppm }
    }
}

/// What was held of a series.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InterestRow {
    /// The series.
    pub name: InstrumentName,
    /// Open interest, thousandths of the underlying: lots.
    pub milli: i64,
}

/// Reads a file of smiles: by moment, then underlying, then expiry.
///
/// # Errors
/// Line, field and limit of what is wrong.
pub fn read_smiles(reader: impl BufRead) -> Result<Vec<SmileRow>, ReadError> {
    let mut rows = Rows::open(reader, SMILES_HEADER, CHAIN_ROWS_MAX)?;
    let mut smiles: Vec<SmileRow> = Vec::new();
    while let Some(row) = rows.next_row(SMILE_NAMES)? {
        let smile = SmileRow {
            time_s: row.integer(0, 0, TIME_S_MAX)?,
            underlying: underlying(&row, 1)?,
            expiry_s: row.integer(2, 0, TIME_S_MAX)?,
            index_cents: row.integer(3, 1, Column::PriceCents.value_max())?,
            forward_cents: row.integer(4, 1, Column::PriceCents.value_max())?,
            atm_nano: row.integer(5, 1, Column::VolatilityNano.value_max())?,
            rho_ppm: row.integer(6, -1_000_000, 1_000_000)?,
            phi_ppm: row.integer(7, 0, 1_000_000_000)?,
            error_nano: row.integer(8, 0, Column::VolatilityNano.value_max())?,
        };
        if let Some(last) = smiles.last().filter(|last| last.time_s > smile.time_s) {
            return Err(row.fault(0, Fault::Backwards { previous: last.time_s }));
        }
        smiles.push(smile);
    }
    if smiles.is_empty() { Err(ReadError::NoRows) } else { Ok(smiles) }
}

/// The number of an underlying.
pub(super) fn underlying<const N: usize>(
    row: &Row<'_, N>,
    cell: usize,
) -> Result<usize, ReadError> {
    let found = row.cell(cell);
    TICKERS.iter().position(|ticker| *ticker == found).ok_or_else(|| {
        row.fault(cell, Fault::Unknown { found: quoted(found), allowed: "BTC, ETH" })
    })
}

/// Writes the file that [`read_smiles`] reads.
///
/// # Errors
/// What the writer says.
pub fn write_smiles(mut to: impl Write, smiles: &[SmileRow]) -> io::Result<()> {
    writeln!(to, "{SMILES_HEADER}")?;
    for row in smiles {
        let SmileRow { time_s, expiry_s, index_cents, forward_cents, .. } = row;
        let SmileRow { atm_nano, rho_ppm, phi_ppm, error_nano, .. } = row;
        let ticker = TICKERS[row.underlying];
        write!(to, "{time_s},{ticker},{expiry_s},{index_cents},{forward_cents},")?;
        writeln!(to, "{atm_nano},{rho_ppm},{phi_ppm},{error_nano}")?;
    }
    to.flush()
}

/// Reads a file of open interest.
///
/// # Errors
/// Line, field and limit of what is wrong.
pub fn read_interest(reader: impl BufRead) -> Result<Vec<InterestRow>, ReadError> {
    let mut rows = Rows::open(reader, INTEREST_HEADER, CHAIN_ROWS_MAX)?;
    let mut interest = Vec::new();
    while let Some(row) = rows.next_row(["instrument", "open_interest_milli"])? {
        let unknown =
            || Fault::Unknown { found: quoted(row.cell(0)), allowed: "names of instruments" };
        let name = row.cell(0).parse().map_err(|_| row.fault(0, unknown()))?;
        interest.push(InterestRow { name, milli: row.integer(1, 0, INTEREST_MAX)? });
    }
    if interest.is_empty() { Err(ReadError::NoRows) } else { Ok(interest) }
}

/// Writes the file that [`read_interest`] reads.
///
/// # Errors
/// What the writer says.
pub fn write_interest(mut to: impl Write, interest: &[InterestRow]) -> io::Result<()> {
    writeln!(to, "{INTEREST_HEADER}")?;
    for row in interest {
        writeln!(to, "{},{}", row.name, row.milli)?;
    }
    to.flush()
}
