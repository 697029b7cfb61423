//! What an account has: its positions with what they are worth, its open orders with what filling
//! them brings, and what both do in every scenario.
//!
//! Invariant: equity is cash, option values and linear profit, each floored, exactly as the
//! reference has it; the balance leaves option values out. Deliberately absent: requirements.

use super::model::{Case, World};
use super::quote::{self, Mark, Risk, Source};
use crate::scenario::problem::{Parsed, Problem};
use lockstep_exchange::formula::fee::linear_fee;
use lockstep_exchange::formula::risk_array::SCENARIOS;
use lockstep_exchange::formula::rounding::{add, mul_div_floor, subtract};
use lockstep_exchange::formula::scenario_vector::{
    OpenOrder, ScenarioVector, order_edge, order_losses, plus_lots,
};
use lockstep_exchange::formula::{FormulaError, LOTS_PER_UNIT};
use std::collections::{BTreeMap, BTreeSet};

/// Which models are asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Mode {
    /// Portfolio margin alone.
    Portfolio,
    /// Standard margin alone.
    Standard,
    /// Both.
    #[default]
    Both,
}

impl Mode {
    /// Whether portfolio margin is asked for.
    pub fn has_portfolio(self) -> bool {
        self != Self::Standard
    }

    /// Whether standard margin is asked for.
    pub fn has_standard(self) -> bool {
        self != Self::Portfolio
    }
}

/// How an account is margined.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// By which models.
    pub mode: Mode,
    /// Whether marks and arrays that the file gives are computed all the same, and compared.
    pub reprice: bool,
}

/// A position and what it does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holding {
    /// Place of the instrument in the world.
    pub instrument: usize,
    /// Lots, negative when short.
    pub lots: i64,
    /// Entry price of a perpetual or future, micro-USD per unit.
    pub entry: Option<i64>,
    /// Its mark.
    pub mark: Mark,
    /// What a lot does; zeros where portfolio margin is not asked for.
    pub risk: Risk,
    /// What it adds to equity: an option's value, a perpetual's or future's profit.
    pub value: i64,
    /// What it makes in each scenario.
    pub profit: ScenarioVector,
}

/// An open order and what it does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offer {
    /// Place of the instrument in the world.
    pub instrument: usize,
    /// Lots, negative for a sale.
    pub lots: i64,
    /// Limit in micro-USD per unit.
    pub limit: i64,
    /// The instrument's mark.
    pub mark: Mark,
    /// What a lot does; zeros where portfolio margin is not asked for.
    pub risk: Risk,
    /// Fee if it fills.
    pub fee: i64,
    /// What filling it brings at once, the fee taken off.
    pub edge: i64,
    /// What it loses in each scenario if it fills where it hurts.
    pub losses: ScenarioVector,
}

/// Everything that an account has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// Positions, in the file's order.
    pub holdings: Vec<Holding>,
    /// Open orders, in the file's order.
    pub offers: Vec<Offer>,
    /// Cash and what all positions are worth, micro-USD.
    pub equity: i64,
    /// The same without the value of options: what covers standard margin.
    pub balance: i64,
}

/// The underlyings of an account with their spots, by name.
///
/// # Errors
/// One has no spot.
pub fn markets(world: &World, case: &Case) -> Parsed<BTreeMap<String, i64>> {
    let held = case.positions.iter().map(|position| position.instrument);
    let offered = case.orders.iter().map(|order| order.instrument);
    let names: BTreeSet<&String> =
        held.chain(offered).map(|at| &world.instruments[at].underlying).collect();
    let spot = |name: &String| match world.spots.get(name) {
        Some(spot) => Ok((name.clone(), *spot)),
        None => Err(Problem::new(format!("the price of `{name}` is missing")).at("spots")),
    };
    names.into_iter().map(spot).collect()
}

/// Values an account.
///
/// # Errors
/// A price that cannot be computed, or a sum that does not fit 64 bits, with the path of the field.
pub fn account(world: &World, case: &Case, options: Options) -> Parsed<Account> {
    let mut holdings = Vec::new();
    let (mut equity, mut balance) = (case.cash, case.cash);
    for position in &case.positions {
        let id = &world.instruments[position.instrument].id;
        let wrong = |error: FormulaError| Problem::new(format!("{id}: {error}")).at("positions");
        let (mark, risk) = quoted(world, case, position.instrument, options)?;
        let option = world.instruments[position.instrument].kind.is_option();
        let paid = if option { 0 } else { position.entry.unwrap_or(mark.price) };
        let moved = subtract(mark.price, paid).map_err(wrong)?;
        let value = mul_div_floor(position.lots, moved, LOTS_PER_UNIT).map_err(wrong)?;
        equity = add(equity, value).map_err(wrong)?;
        if !option {
            balance = add(balance, value).map_err(wrong)?;
        }
        let profit = plus_lots(&[0; SCENARIOS], &risk.array, position.lots).map_err(wrong)?;
        let (instrument, lots, entry) = (position.instrument, position.lots, position.entry);
        holdings.push(Holding { instrument, lots, entry, mark, risk, value, profit });
    }
    Ok(Account { holdings, offers: offers(world, case, options)?, equity, balance })
}

/// Mark and array of an instrument.
fn quoted(world: &World, case: &Case, at: usize, options: Options) -> Parsed<(Mark, Risk)> {
    let instrument = &world.instruments[at];
    let params = world.params_of(case);
    // A given array is one of the world's parameters; a case that moves volatility otherwise has
    // another.
    let anew = options.reprice || params.vols != world.params.vols;
    let both = || {
        let mark = quote::mark(instrument, options.reprice)?;
        let none = Risk { array: [0; SCENARIOS], source: Source::Given, vol_e9: None };
        let risk = match options.mode.has_portfolio() {
            true => quote::risk(instrument, &params, anew)?,
            false => none,
        };
        Ok((mark, risk))
    };
    both().map_err(|problem: Problem| problem.at_index(at).at("instruments"))
}

fn offers(world: &World, case: &Case, options: Options) -> Parsed<Vec<Offer>> {
    let fee_ppm = world.params_of(case).fee_ppm;
    let mut offers = Vec::new();
    for (index, order) in case.orders.iter().enumerate() {
        let wrong =
            |error: FormulaError| Problem::new(error.to_string()).at_index(index).at("orders");
        let (mark, risk) = quoted(world, case, order.instrument, options)?;
        let (lots, limit) = (order.lots, order.limit);
        let fee = linear_fee(limit, lots.saturating_abs(), fee_ppm).map_err(wrong)?;
        let edge = order_edge(lots, mark.price, limit, fee).map_err(wrong)?;
        let losses = order_losses(&OpenOrder { array: &risk.array, lots, edge }).map_err(wrong)?;
        let instrument = order.instrument;
        offers.push(Offer { instrument, lots, limit, mark, risk, fee, edge, losses });
    }
    Ok(offers)
}
