//! Options as CSV: a row in, a row out.
//!
//! The header's names choose the units. `F,K,vol_e9,T_s` are the engine's integers (micro-USD,
//! 1e-9, seconds), `forward,strike,vol,seconds` decimals; instead of `seconds`, `expiry` and `at`
//! are moments; instead of a volatility, `price` and `type` imply one. Other columns are passed
//! over. Output has the units of the input.
//!
//! Plain CSV: no quotes, at most [`LINE_BYTES_MAX`] bytes a line and [`ROWS_MAX`] rows. An error
//! names line and column and ends the run; the rows before it have been written.

use super::number::{fixed, seconds, volatility};
use super::{Valued, moment, valued};
use crate::failure::Failure;
use lockstep_exchange::option::{Black76, Side, implied_volatility_e9};
use lockstep_types::decimal;
use std::io::{BufRead, Read, Write};

/// Most bytes in a line.
pub const LINE_BYTES_MAX: usize = 4_096;
/// Most rows below the header.
pub const ROWS_MAX: u64 = 10_000_000;

/// In which units a table is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Units {
    Integers,
    Decimals,
}

/// Where the columns are.
#[derive(Debug)]
struct Layout {
    units: Units,
    names: Vec<String>,
    forward: usize,
    strike: usize,
    time: TimeColumns,
    vol: VolColumns,
}

#[derive(Clone, Copy, Debug)]
enum TimeColumns {
    Seconds(usize),
    Moments { expiry: usize, at: usize },
}

#[derive(Clone, Copy, Debug)]
enum VolColumns {
    Given(usize),
    Implied { price: usize, side: usize },
}

/// What is wrong with a cell: its column and the reason.
type CellFault = (usize, String);

impl Layout {
    fn read(header: &str) -> Result<Self, String> {
        let names: Vec<String> = header.split(',').map(|name| name.trim().to_string()).collect();
        let find = |wanted: &str| names.iter().position(|name| name == wanted);
        let need = |wanted: &str| {
            find(wanted).ok_or_else(|| format!("the header has no column `{wanted}`"))
        };
        if let Some(twice) = (1..names.len()).find(|at| names[..*at].contains(&names[*at])) {
            return Err(format!("the header has two columns `{}`", names[twice].escape_default()));
        }
        let units = match (find("F"), find("forward")) {
            (Some(_), _) => Units::Integers,
            (None, Some(_)) => Units::Decimals,
            (None, None) => {
                return Err("the header has neither `F` (integers) nor `forward` (decimals)".into());
            }
        };
        let [forward, strike, vol, time] = match units {
            Units::Integers => ["F", "K", "vol_e9", "T_s"],
            Units::Decimals => ["forward", "strike", "vol", "seconds"],
        };
        let time = match find(time) {
            Some(at) => TimeColumns::Seconds(at),
            None if units == Units::Decimals && find("expiry").is_some() => {
                TimeColumns::Moments { expiry: need("expiry")?, at: need("at")? }
            }
            None => return Err(format!("the header has no column `{time}`")),
        };
        let vol = match find(vol) {
            Some(at) => VolColumns::Given(at),
            None if find("price").is_some() => {
                VolColumns::Implied { price: need("price")?, side: need("type")? }
            }
            None => return Err(format!("the header has neither `{vol}` nor `price` and `type`")),
        };
        let (forward, strike) = (need(forward)?, need(strike)?);
        Ok(Self { units, forward, strike, time, vol, names })
    }

    /// The option that a row describes.
    fn option(&self, row: &str) -> Result<Black76, CellFault> {
        let cells: Vec<&str> = row.split(',').map(str::trim).collect();
        if cells.len() != self.names.len() {
            let why = format!("{} fields, the header has {}", cells.len(), self.names.len());
            return Err((cells.len().min(self.names.len()), why));
        }
        let money = |at: usize| {
            let places = if self.units == Units::Integers { 0 } else { 6 };
            decimal::parse(cells[at], places).map_err(|why| cell_fault(at, cells[at], &why))
        };
        let (forward, strike) = (money(self.forward)?, money(self.strike)?);
        let seconds = match self.time {
            TimeColumns::Seconds(at) => {
                seconds(cells[at]).map_err(|why| cell_fault(at, cells[at], &why))?
            }
            TimeColumns::Moments { expiry, at } => {
                let read =
                    |at: usize| moment(cells[at]).map_err(|why| cell_fault(at, cells[at], &why));
                -read(at)?.since(read(expiry)?).0.div_euclid(1_000)
            }
        };
        let vol_e9 = match self.vol {
            VolColumns::Given(at) => match self.units {
                Units::Integers => decimal::parse(cells[at], 0),
                Units::Decimals => volatility(cells[at]),
            }
            .map_err(|why| cell_fault(at, cells[at], &why))?,
            VolColumns::Implied { price, side } => {
                let kind = match cells[side] {
                    "call" | "C" => Side::Call,
                    "put" | "P" => Side::Put,
                    other => return Err(cell_fault(side, other, &"neither call nor put")),
                };
                implied_volatility_e9(kind, money(price)?, forward, strike, seconds)
                    .map_err(|why| cell_fault(price, cells[price], &why))?
            }
        };
        Ok(Black76 { forward, strike, vol_e9, seconds })
    }

    fn header(&self) -> &'static str {
        match self.units {
            Units::Integers => {
                "F,K,vol_e9,T_s,call,put,delta_call_e9,delta_put_e9,gamma_e15,vega,theta_per_day"
            }
            Units::Decimals => {
                "forward,strike,vol,seconds,call,put,delta_call,delta_put,gamma,vega,theta"
            }
        }
    }

    fn write(&self, out: &mut impl Write, valued: &Valued) -> std::io::Result<()> {
        let Valued { option, prices, greeks } = valued;
        let places =
            |digits: usize| if self.units == Units::Integers { None } else { Some(digits) };
        let show = |value: i128, digits: usize| match places(digits) {
            None => value.to_string(),
            Some(digits) => fixed(value, digits),
        };
        write!(out, "{},{}", show(option.forward.into(), 6), show(option.strike.into(), 6))?;
        write!(out, ",{},{}", show(option.vol_e9.into(), 9), option.seconds)?;
        write!(out, ",{},{}", show(prices.call.into(), 6), show(prices.put.into(), 6))?;
        write!(out, ",{}", show(greeks.delta_call_e9.into(), 9))?;
        write!(out, ",{}", show(greeks.delta_put_e9.into(), 9))?;
        write!(out, ",{}", show(greeks.gamma_e15, 15))?;
        write!(out, ",{}", show(greeks.vega.into(), 6))?;
        writeln!(out, ",{}", show(greeks.theta_per_day.into(), 6))
    }
}

fn cell_fault(at: usize, cell: &str, why: &dyn std::fmt::Display) -> CellFault {
    let short: String = cell.chars().take(40).flat_map(char::escape_default).collect();
    (at, format!("`{short}`: {why}"))
}

/// Reads lines of bounded length.
struct Lines<R> {
    reader: R,
    number: u64,
}

impl<R: BufRead> Lines<R> {
    /// The next line without its end; `None` at the end of the file.
    fn next(&mut self) -> Result<Option<String>, String> {
        self.number += 1;
        let mut bytes = Vec::new();
        let limit = u64::try_from(LINE_BYTES_MAX + 1).unwrap_or(u64::MAX);
        let read = (&mut self.reader).take(limit).read_until(b'\n', &mut bytes);
        if read.map_err(|error| error.to_string())? == 0 {
            return Ok(None);
        }
        if bytes.len() > LINE_BYTES_MAX {
            return Err(format!("longer than {LINE_BYTES_MAX} bytes"));
        }
        let text = String::from_utf8(bytes).map_err(|_| "not UTF-8 text".to_string())?;
        Ok(Some(text.trim_end_matches(['\n', '\r']).to_string()))
    }
}

/// Prices every row of `reader`, which errors call `name`.
pub fn run(name: &str, reader: impl BufRead, out: &mut impl Write) -> Result<(), Failure> {
    let mut lines = Lines { reader, number: 0 };
    let broken = |line: u64, what: &str| Failure::Broken(format!("{name}: line {line}: {what}"));
    let header = lines.next().map_err(|what| broken(1, &what))?;
    let header = header.ok_or_else(|| broken(1, "there is no header"))?;
    let layout = Layout::read(&header).map_err(|what| broken(1, &what))?;
    writeln!(out, "{}", layout.header()).map_err(Failure::Output)?;
    while let Some(row) = lines.next().map_err(|what| broken(lines.number, &what))? {
        let line = lines.number;
        if line > ROWS_MAX {
            return Err(broken(line, &format!("more than {ROWS_MAX} rows")));
        }
        if row.is_empty() {
            continue;
        }
        let option = layout.option(&row).map_err(|(at, why)| {
            // Flush first, so that the good rows stand before the complaint.
            let _ = out.flush();
            let column = layout.names.get(at).map_or("past the last", String::as_str);
            broken(line, &format!("column {}: {why}", column.escape_default()))
        })?;
        let valued = valued(option).map_err(|why| broken(line, &why))?;
        layout.write(out, &valued).map_err(Failure::Output)?;
    }
    out.flush().map_err(Failure::Output)
}
