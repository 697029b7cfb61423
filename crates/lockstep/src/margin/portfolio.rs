//! The portfolio model of one account: holdings and orders in every scenario, and the requirement
//! of each underlying with its parts.
//!
//! All arithmetic is the engine's formulas'; here they are only fed, underlying by underlying, as
//! the reference does. Invariant: the sum of the holdings' profits is the underlying's `P`, and
//! that plus the orders' losses its `Pim`. Deliberately absent: equity, which both models share.

use super::account::{Account, Holding};
use super::model::{Case, Kind, World};
use crate::scenario::problem::{Parsed, Problem};
use lockstep_exchange::formula::FormulaError;
use lockstep_exchange::formula::latency::{ExtraMoves, extra_moves};
use lockstep_exchange::formula::portfolio::{Contract, Leg, Order};
use lockstep_exchange::formula::portfolio_margin::{Breakdown, Market, underlying_requirement};
use lockstep_exchange::formula::risk_array::{CENTRE, SPOT_STEPS, VolMove, column};
use lockstep_exchange::formula::rounding::add;
use lockstep_exchange::formula::standard_margin::Requirement;
use std::collections::BTreeMap;

/// What the positions of one expiry are exposed to: what BASIS and VEGA are made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exposure {
    /// Seconds to expiry.
    pub seconds: i64,
    /// D: profit from spot down 4 % to spot up 4 %, micro-USD.
    pub delta: i128,
    /// V: profit from volatility flat to up, micro-USD.
    pub vega: i128,
}

/// The requirement of one underlying.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Underlying {
    /// Its name.
    pub name: String,
    /// Its spot in micro-USD per unit.
    pub spot: i64,
    /// What spot is taken to move while nobody can act.
    pub moves: ExtraMoves,
    /// The requirement with its parts.
    pub parts: Breakdown,
    /// Its expiries with a position, the nearest first.
    pub exposures: Vec<Exposure>,
}

/// The requirement of an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Portfolio {
    /// One per underlying with a position or an order, by name.
    pub underlyings: Vec<Underlying>,
    /// Their sum, in micro-USD.
    pub requirement: Requirement,
}

fn contract_of(kind: Kind) -> Contract {
    match kind {
        Kind::Perpetual | Kind::Future => Contract::Linear,
        Kind::Option { strike, .. } => Contract::Option { strike },
    }
}

/// Sums the positions of each expiry.
fn exposures<'a>(world: &World, holdings: impl Iterator<Item = &'a Holding>) -> Vec<Exposure> {
    let [down, up] = [SPOT_STEPS - 1, SPOT_STEPS + 1].map(|row| column(row, VolMove::Flat));
    let raised = column(SPOT_STEPS, VolMove::Up);
    let mut sums: BTreeMap<i64, Exposure> = BTreeMap::new();
    for holding in holdings {
        let seconds = world.instruments[holding.instrument].seconds;
        let profit = |scenario: usize| i128::from(holding.profit[scenario]);
        let sum = sums.entry(seconds).or_insert(Exposure { seconds, delta: 0, vega: 0 });
        sum.delta += profit(up) - profit(down);
        sum.vega += profit(raised) - profit(CENTRE);
    }
    sums.into_values().collect()
}

/// Margins an account by the portfolio model.
///
/// # Errors
/// A sum that does not fit 64 bits, with the underlying whose it is.
pub fn portfolio(
    world: &World,
    case: &Case,
    spots: &BTreeMap<String, i64>,
    account: &Account,
) -> Parsed<Portfolio> {
    let params = world.params_of(case);
    let moves = extra_moves(&params.moves, case.slow_us, case.now_us)
        .map_err(|error| Problem::new(error.to_string()).at("latency"))?;
    let mut found = Portfolio { underlyings: Vec::new(), requirement: Requirement::default() };
    for (name, &spot) in spots {
        let wrong = |error: FormulaError| Problem::new(format!("{name}: {error}"));
        let of = |instrument: usize| world.instruments[instrument].underlying == *name;
        let held = || account.holdings.iter().filter(|holding| of(holding.instrument));
        let mut legs: Vec<Leg<'_>> = held()
            .map(|holding| {
                let instrument = &world.instruments[holding.instrument];
                let (expiry, contract) = (instrument.seconds, contract_of(instrument.kind));
                Leg { expiry, contract, lots: holding.lots, array: &holding.risk.array }
            })
            .collect();
        legs.sort_by_key(|leg| (leg.expiry, leg.contract));
        let offered = account.offers.iter().filter(|offer| of(offer.instrument));
        let orders: Vec<Order<'_>> = offered
            .map(|offer| Order {
                contract: contract_of(world.instruments[offer.instrument].kind),
                lots: offer.lots,
                edge: offer.edge,
                array: &offer.risk.array,
            })
            .collect();
        let market = Market { spot, confidence_ppm: case.confidence_ppm, moves };
        let parts = underlying_requirement(&params.portfolio, &market, &legs, &orders);
        let parts = parts.map_err(wrong)?;
        let total = &mut found.requirement;
        total.initial = add(total.initial, parts.requirement.initial).map_err(wrong)?;
        total.maintenance = add(total.maintenance, parts.requirement.maintenance).map_err(wrong)?;
        let exposures = exposures(world, held());
        found.underlyings.push(Underlying { name: name.clone(), spot, moves, parts, exposures });
    }
    Ok(found)
}
