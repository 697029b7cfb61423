//! Portfolio margin (A6): what all positions and open orders in one underlying need together.
//!
//! ```text
//! P[s], O[s]   profit of the positions, losses of the open orders per scenario (scenario_vector)
//! SCAN         max(0, -min P)                    SCAN_open = max(0, -min (P + O))
//! LAT(A, V)    max(0, -V at a move of spot by +-A with volatility flat or up)    0 where A = 0
//! BASIS        share of the delta notional that expiries hedge in each other
//! VEGA         share of the volatility profit that expiries hedge in each other
//! SHORT        share of the notional of options owed net of those held, per expiry and strike
//! LINEAR       share of the notional of perpetuals and futures
//! CONC         N min(1, max(0, N - free) / scale)                     N = |net delta notional|
//! CONF         (1 - confidence) of the notional, if the oracle's confidence is low
//!
//! maintenance  ceil(80 % SCAN)  + LAT(A slow, P)     + BASIS + VEGA + SHORT + LINEAR + CONC
//! initial      ceil(SCAN_open)  + LAT(A now, P + O)  + BASIS + VEGA + SHORT + LINEAR + CONC + CONF
//! ```
//!
//! initial is at least maintenance, has higher shares in SHORT and LINEAR, and counts there every
//! option offered and every perpetual and future ordered as if filled. Between the scenarios' spot
//! moves LAT is a straight line, so that the account's own scenarios price latency, gamma included.
//! Beyond the outermost move there is no LAT: a line drawn further would let some orders *lower*
//! the requirement.
//!
//! Invariants: nothing is negative; initial covers every subset of the open orders' fills, because
//! P + O does; adding an order never lowers initial; requirements of underlyings are added, there
//! is no relief between them. Amounts are rounded up term by term as the reference does. What does
//! not fit is an error. Nothing is allocated; [`Positions`] and [`OpenOrders`] can be kept between
//! calls, and what is left then is [`requirement`], which does not depend on how many legs there
//! are.
//!
//! What it does not see: BASIS, VEGA and CONC are of the positions alone. What fills add to them is
//! charged once they have filled.
//!
//! Deliberately absent: equity, which needs entry prices, and when arrays are refreshed.
//!
//! Source: section 3 of the design and its integer reference `margin`.

use super::latency::ExtraMoves;
use super::portfolio::{Leg, OpenOrders, Order, Positions, open_orders, positions};
use super::risk_array::{SPOT_MOVE_PPM_MAX, SPOT_STEP_PPM, SPOT_STEPS, VolMove, column};
use super::rounding::{add, div_floor_wide, mul_div_ceil, mul_div_floor, narrow, subtract};
use super::scenario_vector::{self, ScenarioVector};
use super::standard_margin::Requirement;
use super::{FormulaError, LOTS_PER_UNIT, PPM, domain};
use lockstep_kernel::Task;

/// Thousandths in a whole.
const PERMILLE: i64 = 1_000;

/// The shares; none is negative.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PortfolioMarginParams {
    /// Share of the scan in the initial requirement, in thousandths.
    pub scan_initial_permille: i64,
    /// Share of the scan in the maintenance requirement, in thousandths.
    pub scan_maintenance_permille: i64,
    /// Share of the delta notional hedged across expiries, in ppm.
    pub basis_ppm: i64,
    /// Share of the volatility profit hedged across expiries, in ppm.
    pub vega_ppm: i64,
    /// Initial share of the notional of short options, in ppm.
    pub short_initial_ppm: i64,
    /// Maintenance share of the notional of short options, in ppm.
    pub short_maintenance_ppm: i64,
    /// Initial share of the notional of perpetuals and futures, in ppm.
    pub linear_initial_ppm: i64,
    /// Maintenance share of the notional of perpetuals and futures, in ppm.
    pub linear_maintenance_ppm: i64,
    /// Net delta notional without charge for concentration, in micro-USD.
    pub concentration_free: i64,
    /// Net delta notional beyond that at which all of it is charged, in micro-USD, positive.
    pub concentration_scale: i64,
    /// The oracle's confidence below which the notional is charged, in ppm.
    pub confidence_ppm_min: i64,
    /// How much of the missing confidence is charged, in ppm.
    pub confidence_factor_ppm: i64,
}

impl PortfolioMarginParams {
    /// The reference's values.
    pub const REFERENCE: Self = Self {
        scan_initial_permille: 1_000,
        scan_maintenance_permille: 800,
        basis_ppm: 6_000,
        vega_ppm: 200_000,
        short_initial_ppm: 5_000,
        short_maintenance_ppm: 3_000,
        linear_initial_ppm: 15_000,
        linear_maintenance_ppm: 10_000,
        concentration_free: 20_000_000_000_000,
        concentration_scale: 400_000_000_000_000,
        confidence_ppm_min: 550_000,
        confidence_factor_ppm: 1_000_000,
    };

    /// # Errors
    /// [`FormulaError::Domain`] for a share outside what the fields document.
    #[inline(always)]
    fn check(&self) -> Result<(), FormulaError> {
        let shares = [
            self.scan_initial_permille,
            self.scan_maintenance_permille,
            self.basis_ppm,
            self.vega_ppm,
            self.short_initial_ppm,
            self.short_maintenance_ppm,
            self.linear_initial_ppm,
            self.linear_maintenance_ppm,
            self.concentration_free,
            self.confidence_ppm_min,
            self.confidence_factor_ppm,
        ];
        // Negative if any share is.
        let signs = shares.iter().fold(0, |signs, share| signs | share);
        domain(signs >= 0 && self.concentration_scale > 0)
    }
}

/// What holds for all accounts in one underlying and block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Market {
    /// Index in micro-USD per unit, positive.
    pub spot: i64,
    /// The oracle's confidence in ppm, 0 to a whole.
    pub confidence_ppm: i64,
    /// What prices move while nobody can act: [`super::latency::extra_moves`].
    pub moves: ExtraMoves,
}

/// A requirement with its parts, in micro-USD.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Breakdown {
    /// Profit of the positions per scenario.
    pub profit: ScenarioVector,
    /// The same at worst, whatever of the open orders fills.
    pub profit_open: ScenarioVector,
    /// The worst scenario of the positions, the first if there are several.
    pub worst: usize,
    /// The worst scenario with open orders.
    pub worst_open: usize,
    /// Loss in the worst scenario: `maintenance` of the positions, `initial` with open orders.
    pub scan: Requirement,
    /// What counts of it.
    pub scan_charge: Requirement,
    /// LAT: what prices may do while nobody can act.
    pub latency: Requirement,
    /// BASIS.
    pub basis: i64,
    /// VEGA.
    pub vega: i64,
    /// SHORT.
    pub short: Requirement,
    /// LINEAR.
    pub linear: Requirement,
    /// CONC.
    pub concentration: i64,
    /// CONF, in the initial requirement only.
    pub confidence: i64,
    /// What is required.
    pub requirement: Requirement,
}

/// The requirement of one underlying from sums that may have been kept.
///
/// # Errors
/// [`FormulaError::Domain`] for a parameter, price, confidence or move outside what its field
/// documents, or negative lots in the sums; [`FormulaError::Overflow`] if a part does not fit.
pub fn requirement(
    params: &PortfolioMarginParams,
    market: &Market,
    positions: &Positions,
    orders: &OpenOrders,
) -> Result<Breakdown, FormulaError> {
    lockstep_kernel::run(InParts { params, market, positions, orders })
}

/// What [`requirement`] comes to, for those who do not ask for its parts.
///
/// # Errors
/// As [`requirement`].
pub fn required(
    params: &PortfolioMarginParams,
    market: &Market,
    positions: &Positions,
    orders: &OpenOrders,
) -> Result<Requirement, FormulaError> {
    lockstep_kernel::run(InAll(InParts { params, market, positions, orders }))
}

/// A requirement with its parts.
#[derive(Clone, Copy)]
pub(super) struct InParts<'a> {
    pub(super) params: &'a PortfolioMarginParams,
    pub(super) market: &'a Market,
    pub(super) positions: &'a Positions,
    pub(super) orders: &'a OpenOrders,
}

impl Task for InParts<'_> {
    type Output = Result<Breakdown, FormulaError>;

    #[inline(always)]
    fn run(self) -> Self::Output {
        breakdown(self.params, self.market, self.positions, self.orders)
    }
}

/// A requirement without them: what only they need is left out by the compiler.
#[derive(Clone, Copy)]
pub(super) struct InAll<'a>(pub(super) InParts<'a>);

impl Task for InAll<'_> {
    type Output = Result<Requirement, FormulaError>;

    #[inline(always)]
    fn run(self) -> Self::Output {
        Ok(self.0.run()?.requirement)
    }
}

#[inline(always)]
fn breakdown(
    params: &PortfolioMarginParams,
    market: &Market,
    positions: &Positions,
    orders: &OpenOrders,
) -> Result<Breakdown, FormulaError> {
    params.check()?;
    check_inputs(market, positions, orders)?;
    let profit = positions.profit;
    let profit_open = scenario_vector::plus(&profit, &orders.losses)?;
    let (worst, loss) = worst_of(&profit)?;
    let (worst_open, loss_open) = worst_of(&profit_open)?;
    let notionals = Notionals::new(market.spot, positions, orders)?;
    let mut parts = Breakdown {
        profit,
        profit_open,
        worst,
        worst_open,
        scan: Requirement { initial: loss_open, maintenance: loss },
        scan_charge: Requirement {
            initial: mul_div_ceil(loss_open, params.scan_initial_permille, PERMILLE)?,
            maintenance: mul_div_ceil(loss, params.scan_maintenance_permille, PERMILLE)?,
        },
        latency: Requirement {
            initial: loss_at_move(&profit_open, market.moves.initial_ppm)?,
            maintenance: loss_at_move(&profit, market.moves.maintenance_ppm)?,
        },
        basis: mul_div_ceil(delta_notional(positions.delta_hedged)?, params.basis_ppm, PPM)?,
        vega: mul_div_ceil(positions.vega_hedged, params.vega_ppm, PPM)?,
        short: Requirement {
            initial: mul_div_ceil(notionals.short.initial, params.short_initial_ppm, PPM)?,
            maintenance: mul_div_ceil(
                notionals.short.maintenance,
                params.short_maintenance_ppm,
                PPM,
            )?,
        },
        linear: Requirement {
            initial: mul_div_ceil(notionals.linear.initial, params.linear_initial_ppm, PPM)?,
            maintenance: mul_div_ceil(
                notionals.linear.maintenance,
                params.linear_maintenance_ppm,
                PPM,
            )?,
        },
        concentration: concentration(params, delta_notional(positions.delta)?)?,
        confidence: confidence(params, market.confidence_ppm, &notionals)?,
        requirement: Requirement::default(),
    };
    parts.requirement = total(&parts)?;
    Ok(parts)
}

/// What a breakdown's parts come to: initial is at least maintenance.
#[inline(always)]
fn total(parts: &Breakdown) -> Result<Requirement, FormulaError> {
    let sum = |terms: &[i64]| terms.iter().try_fold(0, |total, &term| add(total, term));
    let shared = sum(&[parts.basis, parts.vega, parts.concentration])?;
    let maintenance = sum(&[
        shared,
        parts.scan_charge.maintenance,
        parts.latency.maintenance,
        parts.short.maintenance,
        parts.linear.maintenance,
    ])?;
    let initial = sum(&[
        shared,
        parts.scan_charge.initial,
        parts.latency.initial,
        parts.short.initial,
        parts.linear.initial,
        parts.confidence,
    ])?;
    assert!(maintenance >= shared && shared >= 0, "no part of a requirement is negative");
    Ok(Requirement { initial: initial.max(maintenance), maintenance })
}

/// # Errors
/// [`FormulaError::Domain`] for anything outside what its field documents.
#[inline(always)]
fn check_inputs(
    market: &Market,
    positions: &Positions,
    orders: &OpenOrders,
) -> Result<(), FormulaError> {
    let moves_ppm = 0..=SPOT_MOVE_PPM_MAX;
    domain(moves_ppm.contains(&market.moves.initial_ppm))?;
    domain(moves_ppm.contains(&market.moves.maintenance_ppm))?;
    domain(market.spot > 0 && (0..=PPM).contains(&market.confidence_ppm))?;
    let lots = [positions.short_lots, positions.linear_lots, orders.short_lots, orders.linear_lots];
    domain(lots.iter().all(|&lots| lots >= 0))?;
    domain(positions.delta_hedged >= 0 && positions.vega_hedged >= 0)?;
    domain(orders.losses.iter().fold(0, |most, &loss| loss.max(most)) == 0)
}

/// The requirement of one underlying from its legs and orders: [`positions`], [`open_orders`] and
/// [`requirement`] in one.
///
/// # Errors
/// As those.
pub fn underlying_requirement(
    params: &PortfolioMarginParams,
    market: &Market,
    legs: &[Leg<'_>],
    orders: &[Order<'_>],
) -> Result<Breakdown, FormulaError> {
    requirement(params, market, &positions(legs)?, &open_orders(orders)?)
}

/// The first scenario with the least profit, and the loss in it.
#[inline(always)]
fn worst_of(profit: &ScenarioVector) -> Result<(usize, i64), FormulaError> {
    let least = profit.iter().fold(i64::MAX, |least, &value| least.min(value));
    let worst = profit.iter().position(|&value| value == least).unwrap_or(0);
    Ok((worst, subtract(0, least.min(0))?))
}

/// LAT: the worst loss at a move of spot by `move_ppm` either way, volatility flat or up.
#[inline(always)]
fn loss_at_move(profit: &ScenarioVector, move_ppm: i64) -> Result<i64, FormulaError> {
    if move_ppm == 0 {
        return Ok(0);
    }
    let mut steps = 0;
    let mut rest_ppm = move_ppm;
    while steps < SPOT_STEPS - 1 && rest_ppm >= SPOT_STEP_PPM {
        steps += 1;
        rest_ppm -= SPOT_STEP_PPM;
    }
    let rows = [
        (SPOT_STEPS + steps, SPOT_STEPS + steps + 1),
        (SPOT_STEPS - steps, SPOT_STEPS - steps - 1),
    ];
    // The floor of the least is the least of the floors, so one division does.
    let mut least = 0;
    for (near, far) in rows {
        for vol in [VolMove::Flat, VolMove::Up] {
            let near = i128::from(profit[column(near, vol)]);
            let far = i128::from(profit[column(far, vol)]);
            let weighted = near * i128::from(SPOT_STEP_PPM - rest_ppm) + far * i128::from(rest_ppm);
            least = weighted.min(least);
        }
    }
    // Between two entries, so it fits as they do.
    subtract(0, narrow(div_floor_wide(least, SPOT_STEP_PPM)?)?)
}

/// Notional of a profit between spot down 4 % and spot up 4 %, rounded up.
#[inline(always)]
fn delta_notional(delta: i64) -> Result<i64, FormulaError> {
    let size = delta.checked_abs().ok_or(FormulaError::Overflow)?;
    mul_div_ceil(size, PPM, 2 * SPOT_STEP_PPM)
}

/// CONC of a net delta notional.
#[inline(always)]
fn concentration(params: &PortfolioMarginParams, notional: i64) -> Result<i64, FormulaError> {
    let beyond = subtract(notional, params.concentration_free)?.max(0);
    if beyond == 0 {
        return Ok(0);
    }
    if beyond >= params.concentration_scale {
        return Ok(notional);
    }
    mul_div_ceil(notional, beyond, params.concentration_scale)
}

/// CONF: the missing share of confidence of all notional, orders included.
fn confidence(
    params: &PortfolioMarginParams,
    confidence_ppm: i64,
    notionals: &Notionals,
) -> Result<i64, FormulaError> {
    if confidence_ppm >= params.confidence_ppm_min {
        return Ok(0);
    }
    let share_ppm = mul_div_floor(PPM - confidence_ppm, params.confidence_factor_ppm, PPM)?;
    mul_div_ceil(add(notionals.linear.initial, notionals.short.initial)?, share_ppm, PPM)
}

/// Notionals at spot, each rounded up; initial with open orders.
struct Notionals {
    short: Requirement,
    linear: Requirement,
}

impl Notionals {
    #[inline(always)]
    fn new(spot: i64, positions: &Positions, orders: &OpenOrders) -> Result<Self, FormulaError> {
        let of = |held: i64, ordered: i64| {
            Ok(Requirement {
                initial: mul_div_ceil(add(held, ordered)?, spot, LOTS_PER_UNIT)?,
                maintenance: mul_div_ceil(held, spot, LOTS_PER_UNIT)?,
            })
        };
        Ok(Self {
            short: of(positions.short_lots, orders.short_lots)?,
            linear: of(positions.linear_lots, orders.linear_lots)?,
        })
    }
}
