//! `lockstep price`: the engine's option formulas for people and for spreadsheets.
//!
//! One option from arguments ([`run`]), or a table in CSV ([`table`]). Every number that comes in
//! is taken exactly or refused, and every number that goes out is the engine's integer, written as
//! a decimal. Deliberately absent: floating point.

mod number;
pub mod table;
#[cfg(test)]
mod tests;

use crate::failure::Failure;
use crate::scenario::model::TimeSpec;
use crate::scenario::value;
use clap::{Args, ValueEnum};
use lockstep_exchange::option::{Black76, Greeks, Prices, Side, implied_volatility_e9};
use lockstep_types::{Price, TimeMs, Vol};
use number::fixed;
use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;

/// Arguments of `lockstep price`.
#[derive(Args, Clone, Debug)]
#[group(skip)]
#[command(about, long_about = None)]
pub struct Arguments {
    /// Forward price of the underlying at expiry, USD.
    #[arg(long, value_name = "USD", required_unless_present = "csv")]
    forward: Option<String>,
    /// Strike price, USD.
    #[arg(long, value_name = "USD", required_unless_present = "csv")]
    strike: Option<String>,
    /// Volatility per year, as 0.65 or 65%.
    #[arg(long, value_name = "VOL", required_unless_present_any = ["csv", "price"])]
    vol: Option<String>,
    /// Price of the option, USD: its implied volatility is asked for (needs --type).
    #[arg(long, value_name = "USD", conflicts_with = "vol", requires = "side")]
    price: Option<String>,
    /// Time to expiry in seconds, or with a unit: 30d, 8h, 90m.
    #[arg(long, value_name = "T", required_unless_present_any = ["csv", "expiry"])]
    seconds: Option<String>,
    /// Expiry: a day such as 27MAR26 (08:00 UTC), or a moment such as 2026-03-27T08:00:00Z.
    #[arg(long, value_name = "TIME", conflicts_with = "seconds", requires = "at")]
    expiry: Option<String>,
    /// Moment of valuation, UTC, such as 2026-02-04T12:00:00Z.
    #[arg(long, value_name = "TIME", requires = "expiry")]
    at: Option<String>,
    /// Which option; needed with --price, otherwise both are shown.
    #[arg(long = "type", id = "side", value_name = "TYPE")]
    side: Option<OptionType>,
    /// Price every row of a CSV file (`-`: stdin) and write CSV.
    #[arg(long, value_name = "FILE", conflicts_with_all = [
        "forward", "strike", "vol", "price", "seconds", "expiry", "at", "side",
    ])]
    csv: Option<PathBuf>,
}

/// Call or put, as people write it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum OptionType {
    /// The right to buy.
    Call,
    /// The right to sell.
    Put,
}

impl OptionType {
    fn side(self) -> Side {
        match self {
            Self::Call => Side::Call,
            Self::Put => Side::Put,
        }
    }
}

/// An option's prices and sensitivities.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Valued {
    option: Black76,
    prices: Prices,
    greeks: Greeks,
}

/// Values an option.
fn valued(option: Black76) -> Result<Valued, String> {
    let prices = option.prices().map_err(|error| error.to_string())?;
    let greeks = option.greeks().map_err(|error| error.to_string())?;
    Ok(Valued { option, prices, greeks })
}

/// Runs `lockstep price`.
pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    if let Some(path) = &arguments.csv {
        let (name, reader): (String, Box<dyn BufRead>) = if path.as_os_str() == "-" {
            ("stdin".to_string(), Box::new(std::io::stdin().lock()))
        } else {
            let file = File::open(path).map_err(Failure::file(path))?;
            (path.display().to_string(), Box::new(BufReader::new(file)))
        };
        return table::run(&name, reader, &mut out);
    }
    let (option, implied) = asked(arguments).map_err(Failure::Usage)?;
    let valued = valued(option).map_err(Failure::Usage)?;
    write_one(&mut out, &valued, implied).and_then(|()| out.flush()).map_err(Failure::Output)
}

/// The option that the arguments describe, and for which type its volatility was implied.
fn asked(arguments: &Arguments) -> Result<(Black76, Option<OptionType>), String> {
    let usd = |name: &str, text: &Option<String>| -> Result<i64, String> {
        let text = text.as_deref().unwrap_or_default();
        text.parse::<Price>().map(|price| price.0).map_err(|why| refused(name, text, &why))
    };
    let forward = usd("--forward", &arguments.forward)?;
    let strike = usd("--strike", &arguments.strike)?;
    let seconds = time_to_expiry(arguments)?;
    let Some(vol) = &arguments.vol else {
        let side = arguments.side.ok_or("--price needs --type call or put")?;
        let price = usd("--price", &arguments.price)?;
        let vol_e9 = implied_volatility_e9(side.side(), price, forward, strike, seconds)
            .map_err(|error| format!("--price: {error}"))?;
        return Ok((Black76 { forward, strike, vol_e9, seconds }, Some(side)));
    };
    let vol_e9 = number::volatility(vol).map_err(|why| refused("--vol", vol, &why))?;
    Ok((Black76 { forward, strike, vol_e9, seconds }, None))
}

fn refused(name: &str, text: &str, why: &dyn std::fmt::Display) -> String {
    format!("{name}: `{}`: {why}", text.escape_default())
}

/// Seconds to expiry, rounded up: an option has time value until it expires.
fn time_to_expiry(arguments: &Arguments) -> Result<i64, String> {
    let Some(expiry) = &arguments.expiry else {
        let text = arguments.seconds.as_deref().unwrap_or_default();
        return number::seconds(text).map_err(|why| refused("--seconds", text, &why));
    };
    let expires = moment(expiry).map_err(|why| refused("--expiry", expiry, &why))?;
    let at = arguments.at.as_deref().unwrap_or_default();
    let now = moment(at).map_err(|why| refused("--at", at, &why))?;
    Ok(-(now.since(expires).0.div_euclid(1_000)))
}

/// A moment: a day of expiry, or a date with a time.
fn moment(text: &str) -> Result<TimeMs, String> {
    if let Ok(time) = value::expiry_text(text) {
        return Ok(time);
    }
    match value::time_text(text) {
        Ok(TimeSpec::At(time)) => Ok(time),
        Ok(_) => Err("a date is missing".to_string()),
        Err(problem) => Err(problem.to_string()),
    }
}

fn write_one(
    out: &mut impl Write,
    valued: &Valued,
    implied: Option<OptionType>,
) -> std::io::Result<()> {
    let Valued { option, prices, greeks } = valued;
    writeln!(out, "forward      {} USD", Price(option.forward))?;
    writeln!(out, "strike       {} USD", Price(option.strike))?;
    let source = match implied {
        Some(OptionType::Call) => ", implied by the call's price",
        Some(OptionType::Put) => ", implied by the put's price",
        None => "",
    };
    writeln!(out, "volatility   {}{source}", Vol(option.vol_e9))?;
    writeln!(out, "time         {} s", option.seconds)?;
    writeln!(out)?;
    writeln!(out, "{:>26}{:>18}", "call", "put")?;
    let (call, put) = (fixed(prices.call.into(), 6), fixed(prices.put.into(), 6));
    writeln!(out, "price  {call:>19}{put:>18}  USD")?;
    let call = fixed(greeks.delta_call_e9.into(), 9);
    let put = fixed(greeks.delta_put_e9.into(), 9);
    writeln!(out, "delta  {call:>19}{put:>18}")?;
    let both = |out: &mut dyn Write, name: &str, value: String, unit: &str| {
        writeln!(out, "{name:<7}{value:>19}{value:>18}  {unit}")
    };
    both(out, "gamma", fixed(greeks.gamma_e15, 15), "per USD")?;
    both(out, "vega", fixed(greeks.vega.into(), 6), "USD per 1.00 of volatility")?;
    both(out, "theta", fixed(greeks.theta_per_day.into(), 6), "USD per day")
}
