//! The standard model of the same account: perpetuals and futures one by one, options by expiry.
//!
//! Open orders are what the venue reserves for them (docs/risk.md, open orders), with the fee rate
//! of the file's parameters. Deliberately absent: funding due, and positions that have expired and
//! wait to be paid; a portfolio file has neither.

use super::account::Account;
use super::model::{Case, Kind, Params, World};
use crate::scenario::problem::{Parsed, Problem};
use lockstep_exchange::formula::order_margin::{
    OpenOrders, OpenSide, OrderContract, expiry_needed, order_margin,
};
use lockstep_exchange::formula::rounding::{add, narrow, subtract};
use lockstep_exchange::formula::standard_margin::{
    ExpiryLegs, ExpiryRequirement, LEGS_MAX, OptionLeg, Requirement, expiry_requirement,
    isolated_linear,
};
use lockstep_exchange::formula::{FormulaError, OptionSide};
use std::collections::BTreeMap;

/// What one perpetual or future needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Linear {
    /// Place of the instrument in the world.
    pub instrument: usize,
    /// Requirement of the position.
    pub requirement: Requirement,
    /// Initial requirement with the open orders.
    pub needed: i64,
}

/// What the options of one underlying and expiry need.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expiry {
    /// Name of the underlying.
    pub underlying: String,
    /// Seconds to expiry.
    pub seconds: i64,
    /// Whether there is a position among them; otherwise there are only orders.
    pub held: bool,
    /// The requirement of the positions with its parts.
    pub parts: ExpiryRequirement,
    /// Initial requirement with the open orders.
    pub needed: i64,
}

/// The requirement of an account.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Standard {
    /// Cash and profit of perpetuals and futures: what covers requirements.
    pub balance: i64,
    /// Perpetuals and futures, in the file's order.
    pub linear: Vec<Linear>,
    /// Expiries, by underlying and time.
    pub expiries: Vec<Expiry>,
    /// Sum over positions.
    pub requirement: Requirement,
    /// Initial requirement with the open orders.
    pub needed: i64,
}

/// An instrument with what the account has in it.
#[derive(Clone, Copy, Debug)]
struct Line {
    instrument: usize,
    held: bool,
    lots: i64,
    mark: i64,
    buys: OpenSide,
    sells: OpenSide,
}

/// Every instrument of the account, positions first, in the file's order.
fn lines(account: &Account) -> Result<Vec<Line>, FormulaError> {
    let mut lines: Vec<Line> = Vec::new();
    let line = |instrument: usize, mark: i64| Line {
        instrument,
        held: false,
        lots: 0,
        mark,
        buys: OpenSide::default(),
        sells: OpenSide::default(),
    };
    let mut places = BTreeMap::new();
    for holding in &account.holdings {
        places.insert(holding.instrument, lines.len());
        let empty = line(holding.instrument, holding.mark.price);
        lines.push(Line { held: true, lots: holding.lots, ..empty });
    }
    for offer in &account.offers {
        let place = *places.entry(offer.instrument).or_insert_with(|| {
            lines.push(line(offer.instrument, offer.mark.price));
            lines.len() - 1
        });
        let side = match offer.lots > 0 {
            true => &mut lines[place].buys,
            false => &mut lines[place].sells,
        };
        let size = offer.lots.saturating_abs();
        side.lots = add(side.lots, size)?;
        // At most ORDERS_MAX of 1e12 lots x 1e16 micro-USD.
        side.cost_nano += i128::from(size) * i128::from(offer.limit);
    }
    Ok(lines)
}

/// Margins an account by the standard model.
///
/// # Errors
/// A forward that is missing, too many options in one expiry, a sum that does not fit 64 bits.
pub fn standard(
    world: &World,
    case: &Case,
    spots: &BTreeMap<String, i64>,
    account: &Account,
) -> Parsed<Standard> {
    let params = world.params_of(case);
    let plain = |error: FormulaError| Problem::new(error.to_string());
    let lines = lines(account).map_err(plain)?;
    let mut found = Standard { balance: account.balance, ..Standard::default() };
    let mut expiries: BTreeMap<(String, i64), Vec<Line>> = BTreeMap::new();
    for line in lines {
        let instrument = &world.instruments[line.instrument];
        if instrument.kind.is_option() {
            let key = (instrument.underlying.clone(), instrument.seconds);
            expiries.entry(key).or_default().push(line);
            continue;
        }
        let spot = spots.get(&instrument.underlying).copied().unwrap_or(0);
        let part = linear(&params, spot, &line);
        let part = part.map_err(|error| Problem::new(format!("{}: {error}", instrument.id)))?;
        found.linear.push(part);
    }
    for ((underlying, seconds), lines) in expiries {
        let spot = spots.get(&underlying).copied().unwrap_or(0);
        let held = lines.iter().any(|line| line.held);
        let (parts, needed) = expiry(world, &params, spot, &lines)
            .map_err(|problem| problem.at(&format!("{underlying}, options in {seconds} s")))?;
        found.expiries.push(Expiry { underlying, seconds, held, parts, needed });
    }
    total(&mut found).map_err(plain)?;
    Ok(found)
}

/// Adds the parts up.
fn total(found: &mut Standard) -> Result<(), FormulaError> {
    let linear = found.linear.iter().map(|part| (part.requirement, part.needed));
    let expiries = found.expiries.iter().map(|part| (part.parts.requirement, part.needed));
    for (requirement, needed) in linear.chain(expiries) {
        let sum = &mut found.requirement;
        sum.initial = add(sum.initial, requirement.initial)?;
        sum.maintenance = add(sum.maintenance, requirement.maintenance)?;
        found.needed = add(found.needed, needed)?;
    }
    Ok(())
}

fn linear(params: &Params, spot: i64, line: &Line) -> Result<Linear, FormulaError> {
    let requirement = isolated_linear(&params.standard, spot, line.lots)?;
    let orders = open_orders(params, spot, OrderContract::Linear, line);
    let needed = add(requirement.initial, order_margin(&params.standard, &orders)?)?;
    Ok(Linear { instrument: line.instrument, requirement, needed })
}

fn open_orders(params: &Params, spot: i64, contract: OrderContract, line: &Line) -> OpenOrders {
    OpenOrders {
        contract,
        position_lots: line.lots,
        mark: line.mark,
        spot,
        buys: line.buys,
        sells: line.sells,
        fee_ppm: params.fee_ppm,
        option_fee_cap_ppm: params.option_fee_cap_ppm,
    }
}

/// Strike and side of a line's option.
fn terms(world: &World, line: &Line) -> (i64, OptionSide) {
    match world.instruments[line.instrument].kind {
        Kind::Option { strike, side } => (strike, side),
        // Only options are grouped by expiry.
        Kind::Perpetual | Kind::Future => (0, OptionSide::Call),
    }
}

/// The requirement of the options of an expiry, and the initial one with their open orders.
fn expiry(
    world: &World,
    params: &Params,
    spot: i64,
    lines: &[Line],
) -> Parsed<(ExpiryRequirement, i64)> {
    if lines.len() > LEGS_MAX {
        let message = format!("{} instruments exceed the limit of {LEGS_MAX}", lines.len());
        return Err(Problem::new(message));
    }
    let wrong = |error: FormulaError| Problem::new(error.to_string());
    let leg = |line: &Line, lots: i64| {
        let (strike, side) = terms(world, line);
        OptionLeg { side, strike, lots, mark: line.mark }
    };
    let now: Vec<OptionLeg> =
        lines.iter().filter(|line| line.held).map(|line| leg(line, line.lots)).collect();
    let sold: Vec<OptionLeg> = lines
        .iter()
        .filter(|line| line.held || line.sells.lots > 0)
        .map(|line| subtract(line.lots, line.sells.lots).map(|lots| leg(line, lots)))
        .collect::<Result<_, _>>()
        .map_err(wrong)?;
    let forward = forward_of(world, lines, &sold)?;
    let now = expiry_requirement(&params.standard, &ExpiryLegs { spot, forward, legs: &now });
    let now = now.map_err(wrong)?;
    if lines.iter().all(|line| line.buys.lots == 0 && line.sells.lots == 0) {
        return Ok((now, now.requirement.initial));
    }
    let sold = expiry_requirement(&params.standard, &ExpiryLegs { spot, forward, legs: &sold });
    let sold = sold.map_err(wrong)?;
    let orders = lines.iter().map(|line| {
        let (strike, side) = terms(world, line);
        open_orders(params, spot, OrderContract::Option { side, strike }, line)
    });
    let needed = expiry_needed(&params.standard, forward, &now, &sold, orders);
    needed.and_then(narrow).map_err(wrong).map(|needed| (now, needed))
}

/// The forward of an expiry: that of its first instrument that says one. Only calls that are owed
/// unpaired are charged by it, so it may be missing where there are none.
fn forward_of(world: &World, lines: &[Line], sold: &[OptionLeg]) -> Parsed<i64> {
    let said = lines.iter().find_map(|line| world.instruments[line.instrument].forward);
    let calls = sold.iter().filter(|leg| leg.side == OptionSide::Call);
    let owed = calls.map(|leg| i128::from(leg.lots)).sum::<i128>() < 0;
    match said {
        Some(forward) => Ok(forward),
        None if !owed => Ok(0),
        None => Err(Problem::new(
            "field `forward` is missing; the standard model charges unpaired short calls by it",
        )),
    }
}
