//! The pure formulas of portfolio margin: sums over scenarios, risk arrays, requirements.
//!
//! The market is made up and seeded: one underlying at 100,000 USD with a flat volatility, ten
//! expiries of a hundred strikes, so 2,000 series; portfolios draw theirs at random, which is the
//! hardest on memory.

use super::{Effort, Measured, same, tabulate};
use crate::failure::Failure;
use crate::report::Table;
use lockstep_exchange::formula::latency::ExtraMoves;
use lockstep_exchange::formula::portfolio::{Contract, Leg};
use lockstep_exchange::formula::portfolio_margin::{
    Market, PortfolioMarginParams, underlying_requirement,
};
use lockstep_exchange::formula::risk_array::{
    RiskArray, RiskArrayError, SCENARIO_TABLE, SCENARIOS, VolMove, VolMoveParams, moved_vols_e9,
    option_arrays,
};
use lockstep_exchange::formula::rounding::mul_div_half_away;
use lockstep_exchange::formula::scenario_vector::{Holding, ScenarioVector, profit};
use lockstep_exchange::formula::slab::{Entry, Series, Slab};
use lockstep_exchange::formula::standard_margin::Requirement;
use lockstep_exchange::formula::{FormulaError, LOTS_PER_UNIT};
use lockstep_exchange::option::Black76;
use lockstep_kernel::{Sums, Task};
use lockstep_sim::measure::time_runs;
use lockstep_sim::rng::Rng;
use std::hint::black_box;

const DOLLAR: i64 = 1_000_000;
const SPOT: i64 = 100_000 * DOLLAR;
const DAY_S: i64 = 86_400;
const EXPIRIES: i64 = 10;
const STRIKES: i64 = 100;
const VOL_E9: i64 = 550_000_000;
/// Positions of one scenario sum.
const POSITIONS: usize = 100;
/// Accounts, and positions of each.
const ACCOUNTS: usize = 100_000;
const QUICK_ACCOUNTS: usize = 1_000;
const ACCOUNT_POSITIONS: usize = 20;
const SEED: u64 = 76;

/// How often a short piece of work is repeated in a timed run.
fn repeats(effort: Effort) -> u64 {
    if effort.quick { 10 } else { 20_000 }
}

fn failed(error: FormulaError) -> Failure {
    Failure::Broken(format!("the made-up market: {error}"))
}

fn array_failed(error: RiskArrayError) -> Failure {
    Failure::Broken(format!("the made-up market: {error}"))
}

/// The options of one strike, the same for call and put.
fn option(expiry: i64, strike: i64) -> Black76 {
    Black76 {
        forward: SPOT + expiry * 50 * DOLLAR,
        strike: (50_500 + strike * 1_000) * DOLLAR,
        vol_e9: VOL_E9,
        seconds: expiry * 6 * DAY_S,
    }
}

fn options() -> impl Iterator<Item = (i64, Black76)> {
    (1..=EXPIRIES)
        .flat_map(|expiry| (0..STRIKES).map(move |strike| (expiry, option(expiry, strike))))
}

/// All series, in the order of legs.
fn market_series() -> Result<Vec<Series>, Failure> {
    let mut series = Vec::new();
    for (expiry, option) in options() {
        let arrays = option_arrays(&VolMoveParams::REFERENCE, &option).map_err(array_failed)?;
        let contract = Contract::Option { strike: option.strike };
        series.extend([arrays.call, arrays.put].map(|array| Series { expiry, contract, array }));
    }
    Ok(series)
}

/// A position without a slab.
type Held<'a> = (&'a RiskArray, i32);

/// Scenario sums by the kernel's task, so that it can be run narrow as well.
#[derive(Clone, Copy)]
struct Products<'a>(&'a [Held<'a>]);

impl Task for Products<'_> {
    type Output = ScenarioVector;

    #[inline(always)]
    fn run(self) -> ScenarioVector {
        let mut sums = Sums::ZERO;
        for (array, lots) in self.0 {
            sums.add_product(array, *lots);
        }
        sums.into_vector()
    }
}

/// The sums as one would write them down.
fn plain_sums(held: &[Held<'_>]) -> ScenarioVector {
    std::array::from_fn(|scenario| {
        held.iter().map(|(array, lots)| i64::from(*lots) * i64::from(array[scenario])).sum()
    })
}

fn checked_sums(held: &[Held<'_>]) -> Result<ScenarioVector, FormulaError> {
    profit(held.iter().map(|&(array, lots)| Holding { array, lots: i64::from(lots) }))
}

/// 100 positions by 33 scenarios.
pub fn sums(effort: Effort) -> Result<Table, Failure> {
    let series = market_series()?;
    let mut rng = Rng::new(SEED);
    let held: Vec<Held<'_>> = (0..POSITIONS)
        .map(|_| (&series[rng.below_usize(series.len())].array, lots(&mut rng)))
        .collect();
    let expected = plain_sums(&held);
    same("scenario sums, narrow", &Products(&held).run(), &expected)?;
    same("scenario sums, wide", &lockstep_kernel::run(Products(&held)), &expected)?;
    same("scenario sums, checked", &checked_sums(&held).map_err(failed)?, &expected)?;
    let count = repeats(effort);
    let row = |name: &str, goal, work: &dyn Fn(&[Held<'_>]) -> ScenarioVector| {
        let timing = time_runs(
            effort.runs,
            || (),
            |()| {
                for _ in 0..count {
                    black_box(work(black_box(&held)));
                }
            },
        );
        Measured::of(name, timing, count, goal)
    };
    let rows = [
        row("scenario by scenario", "", &plain_sums),
        row("all at once, as any processor", "", &|held| Products(held).run()),
        row("all at once, wide vectors", "", &|held| lockstep_kernel::run(Products(held))),
        row("the exchange's, lots checked", "350", &|held| {
            checked_sums(held).unwrap_or([0; SCENARIOS])
        }),
    ];
    let note = format!(
        "{POSITIONS} positions x {SCENARIOS} scenarios, all sums. All rows give the same numbers."
    );
    Ok(tabulate("Time for the sums of a portfolio", note, &rows))
}

/// The arrays of a strike one price at a time, as the formula is written down.
fn priced_one_by_one(
    params: &VolMoveParams,
    option: &Black76,
) -> Result<[RiskArray; 2], RiskArrayError> {
    let [up_e9, flat_e9, down_e9] = moved_vols_e9(params, option.vol_e9, option.seconds)?;
    let strike = option.strike / LOTS_PER_UNIT;
    let price = |spot_permille: i64, vol_e9: i64| {
        let forward = option.forward * (1_000 + spot_permille) / (1_000 * LOTS_PER_UNIT);
        Black76 { forward, strike, vol_e9, seconds: option.seconds }.prices()
    };
    let base = price(0, flat_e9)?;
    let (mut calls, mut puts) = ([0; SCENARIOS], [0; SCENARIOS]);
    for (place, scenario) in SCENARIO_TABLE.iter().enumerate() {
        let vol_e9 = match scenario.vol {
            VolMove::Up => up_e9,
            VolMove::Flat => flat_e9,
            VolMove::Down => down_e9,
        };
        let moved = price(scenario.spot_permille, vol_e9)?;
        let entry = |change: i64| {
            let value = mul_div_half_away(change, scenario.weight_permille, 1_000)?;
            i32::try_from(value).map_err(|_| RiskArrayError::Entry { scenario: place, value })
        };
        calls[place] = entry(moved.call - base.call)?;
        puts[place] = entry(moved.put - base.put)?;
    }
    Ok([calls, puts])
}

/// Risk arrays.
pub fn arrays(effort: Effort) -> Result<Table, Failure> {
    let params = VolMoveParams::REFERENCE;
    let options: Vec<Black76> = options().map(|(_, option)| option).collect();
    for option in &options {
        let arrays = option_arrays(&params, option).map_err(array_failed)?;
        let plain = priced_one_by_one(&params, option).map_err(array_failed)?;
        same("risk arrays", &[arrays.call, arrays.put], &plain)?;
    }
    let rounds = if effort.quick { 1 } else { 20 };
    let count = rounds * u64::try_from(options.len()).unwrap_or(1);
    let row = |name: &str, goal, work: &dyn Fn(&Black76)| {
        let timing = time_runs(
            effort.runs,
            || (),
            |()| {
                (0..rounds).for_each(|_| options.iter().for_each(|option| work(black_box(option))))
            },
        );
        Measured::of(name, timing, count, goal)
    };
    let rows = [
        row("one price after the other", "", &|option| {
            let _ = black_box(priced_one_by_one(&params, option));
        }),
        row("both arrays of a strike", "1200", &|option| {
            let _ = black_box(option_arrays(&params, option));
        }),
    ];
    let note = format!(
        "{SCENARIOS} scenarios of the call and of the put of each of {} strikes; both rows give \
         the same entries.",
        options.len()
    );
    Ok(tabulate("Time to make the arrays of a strike anew", note, &rows))
}

fn lots(rng: &mut Rng) -> i32 {
    i32::try_from(rng.below(4_001)).unwrap_or(0) - 2_000
}

/// Random portfolios of distinct series, in order.
fn portfolios(count: usize, series: usize) -> Vec<[Entry; ACCOUNT_POSITIONS]> {
    let mut rng = Rng::new(SEED);
    let mut drawn: Vec<u32> = Vec::new();
    (0..count)
        .map(|_| {
            drawn.clear();
            while drawn.len() < ACCOUNT_POSITIONS {
                let next = u32::try_from(rng.below_usize(series)).unwrap_or(0);
                if !drawn.contains(&next) {
                    drawn.push(next);
                }
            }
            drawn.sort_unstable();
            std::array::from_fn(|place| Entry { series: drawn[place], lots: lots(&mut rng) })
        })
        .collect()
}

fn sum_of(one: Requirement, other: Requirement) -> Requirement {
    Requirement {
        initial: one.initial.wrapping_add(other.initial),
        maintenance: one.maintenance.wrapping_add(other.maintenance),
    }
}

/// Initial and maintenance requirement of every account.
pub fn accounts(effort: Effort) -> Result<Table, Failure> {
    let slab = Slab::new(market_series()?).map_err(failed)?;
    let count = if effort.quick { QUICK_ACCOUNTS } else { ACCOUNTS };
    let portfolios = portfolios(count, slab.len());
    let params = PortfolioMarginParams::REFERENCE;
    let moves = ExtraMoves { initial_ppm: 7_000, maintenance_ppm: 3_000 };
    let market = Market { spot: SPOT, confidence_ppm: 1_000_000, moves };
    let by_legs = |portfolio: &[Entry; ACCOUNT_POSITIONS]| {
        let mut legs: Vec<Leg<'_>> = Vec::with_capacity(ACCOUNT_POSITIONS);
        for entry in portfolio {
            legs.push(slab.leg(*entry)?);
        }
        underlying_requirement(&params, &market, &legs, &[]).map(|parts| parts.requirement)
    };
    let by_slab =
        |portfolio: &[Entry; ACCOUNT_POSITIONS]| slab.required(&params, &market, portfolio);
    for portfolio in &portfolios {
        let expected = by_legs(portfolio).map_err(failed)?;
        same("requirements", &by_slab(portfolio).map_err(failed)?, &expected)?;
    }
    let accounts = u64::try_from(count).unwrap_or(1);
    let row =
        |name: &str,
         goal,
         work: &dyn Fn(&[Entry; ACCOUNT_POSITIONS]) -> Result<Requirement, FormulaError>| {
            let timing = time_runs(effort.runs, Requirement::default, |total| {
                for portfolio in &portfolios {
                    *total = sum_of(*total, work(portfolio).unwrap_or_default());
                }
            });
            (Measured::of(name, timing, accounts, goal), timing)
        };
    let (legs, _) = row("legs, as for one account", "", &by_legs);
    let (rows, timing) = row("portfolios over a slab", "100", &by_slab);
    let note = format!(
        "{count} accounts x {ACCOUNT_POSITIONS} random positions over {} series, initial and \
         maintenance requirement of each; all of them equal in both rows. The second row is {}.{} \
         ms for all.",
        slab.len(),
        timing.min_ns / 1_000_000,
        timing.min_ns / 100_000 % 10,
    );
    Ok(tabulate("Time for each account", note, &[legs, rows]))
}
