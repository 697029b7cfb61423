//! What open orders of one instrument reserve in standard margin, before they fill.
//!
//! The account may see none of its orders fill, all its buys, or all its sells. Per instrument,
//! with position `q`, open buys of `b` lots and open sells of `s` lots,
//!
//! ```text
//! reserve = max(0, buys, sells)                                            micro-USD
//! buys    = max(0, R(q + b) - R(q)) + outlay(buys)  + fee(buys)            0 if b = 0
//! sells   = max(0, R(q - s) - R(q)) + outlay(sells) + fee(sells)           0 if s = 0
//! R(x)    = isolated initial requirement of a position of x lots (standard_margin)
//!
//! outlay  option, buys:   ceil(sum(limit x lots) / 1000)              the premium is cash paid
//!         option, sells:  0       R holds the whole mark; premium to come is no credit
//!         linear, buys:   ceil(max(0, sum(limit x lots) - mark b) / 1000)    bought above mark
//!         linear, sells:  ceil(max(0, mark s - sum(limit x lots)) / 1000)    sold below mark
//! fee     linear:         ceil(sum(limit x lots) fee_ppm / 1e9), a rebate counts as zero
//!         option:         the lower of the fee on spot notional and the cap on the premium (F1)
//! ```
//!
//! Invariants: never negative; zero without orders; never falls when a side gets more lots at a
//! price that is not better than mark (a buy at or above it, a sell at or below it; for options at
//! any price). After *all* buys or *all* sells fill at their limits, the cash that is left
//! suffices: the reserve covers the rise of the isolated requirement plus the cash and linear
//! profit lost. A *part* of one side never needs more than the whole of it for orders of one limit
//! price.
//!
//! For all options of one expiry [`expiry_needed`] has what the account must hold whatever fills:
//! the lower of two lines, because the requirement is the lower of two (standard_margin).
//!
//! ```text
//! isolated line   sum of isolated initial requirements + sum over instruments of reserve
//! loss line       greatest loss and unpaired calls as if all open sells had filled
//!                 + sum over instruments of what the orders cost in cash
//! ```
//!
//! Buying options never raises a requirement and selling never lowers one, so whatever fills, each
//! line bounds its half of the lower of both. The second sees what one instrument's own orders do
//! not show: the sale of a long option that pairs a short of another strike, and a new short in a
//! book whose loss was bounded. Premiums to come are no credit.
//!
//! What a reserve does not see, so that the caller must: within one side a limit better than mark
//! offsets one that is worse (only the side's summed cost is known).

use super::fee::{OptionFee, notional_fee_nano, option_fee};
use super::rounding::{add, div_ceil_wide, mul_mul_div_ceil, narrow, subtract};
use super::standard_margin::{ExpiryRequirement, OptionLeg, isolated_linear, isolated_option};
use super::{FormulaError, LOTS_PER_UNIT, LOTS_PPM, OptionSide, domain};
use lockstep_types::params::StandardMarginParams;

/// What is traded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OrderContract {
    /// A future or perpetual.
    Linear,
    /// An option.
    Option {
        /// Call or put.
        side: OptionSide,
        /// Strike in micro-USD per unit, not negative.
        strike: i64,
    },
}

/// All open orders of one account on one side of one instrument.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OpenSide {
    /// Lots that can still fill, not negative.
    pub lots: i64,
    /// Sum over the orders of limit price x lots in nano-USD (a lot is a thousandth), not negative.
    pub cost_nano: i128,
}

/// An instrument, the account's position in it, and its open orders.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OpenOrders {
    /// What is traded.
    pub contract: OrderContract,
    /// Position in lots, negative when short.
    pub position_lots: i64,
    /// Mark in micro-USD per unit, not negative.
    pub mark: i64,
    /// Spot (index) of the underlying in micro-USD per unit, positive.
    pub spot: i64,
    /// Open buys.
    pub buys: OpenSide,
    /// Open sells.
    pub sells: OpenSide,
    /// The account's dearer fee rate (taker) in ppm of notional.
    pub fee_ppm: i64,
    /// Cap of an option's fee in ppm of its premium (F1).
    pub option_fee_cap_ppm: i64,
}

/// What the open orders reserve, in micro-USD, never negative; the formula is the module's.
///
/// # Errors
/// [`FormulaError::Domain`] for negative lots, costs or prices, or a spot of zero;
/// [`FormulaError::Overflow`] if a part does not fit.
pub fn order_margin(
    params: &StandardMarginParams,
    orders: &OpenOrders,
) -> Result<i64, FormulaError> {
    let sides = [&orders.buys, &orders.sells];
    domain(sides.iter().all(|side| side.lots >= 0 && side.cost_nano >= 0))?;
    domain(orders.spot > 0 && orders.mark >= 0)?;
    if sides.iter().all(|side| side.lots == 0) {
        return Ok(0);
    }
    let before = initial(params, orders, orders.position_lots)?;
    let mut reserve = 0;
    if orders.buys.lots > 0 {
        let position_lots = add(orders.position_lots, orders.buys.lots)?;
        let rise = subtract(initial(params, orders, position_lots)?, before)?.max(0);
        let paid = add(outlay_of_buys(orders)?, fee_of(orders, &orders.buys)?)?;
        reserve = add(rise, paid)?;
    }
    if orders.sells.lots > 0 {
        let position_lots = subtract(orders.position_lots, orders.sells.lots)?;
        let rise = subtract(initial(params, orders, position_lots)?, before)?.max(0);
        let paid = add(outlay_of_sells(orders)?, fee_of(orders, &orders.sells)?)?;
        reserve = reserve.max(add(rise, paid)?);
    }
    Ok(reserve)
}

/// What the options of one underlying and expiry need whatever of their open orders fills, in
/// micro-USD; the formula is the module's.
///
/// `now` is the requirement of the positions, `sold` that of the positions as if all open sells had
/// filled; both look at every strike at which something is held before or after. `orders` has each
/// instrument of the expiry with its position and orders.
///
/// # Errors
/// As [`order_margin`].
pub fn expiry_needed(
    params: &StandardMarginParams,
    forward: i64,
    now: &ExpiryRequirement,
    sold: &ExpiryRequirement,
    orders: impl Iterator<Item = OpenOrders>,
) -> Result<i128, FormulaError> {
    let unpaired_lots = sold.net_calls_lots.saturating_neg().max(0);
    let ppm = params.unpaired_initial.0;
    let unpaired = mul_mul_div_ceil(unpaired_lots, forward, ppm, LOTS_PPM)?;
    let mut isolated_line = i128::from(now.isolated.initial);
    let mut loss_line = i128::from(sold.loss_max) + i128::from(unpaired);
    for open in orders {
        isolated_line += i128::from(order_margin(params, &open)?);
        // From a position as large as its sells, the order margin is the cash that orders cost.
        let covered = OpenOrders { position_lots: open.sells.lots, ..open };
        loss_line += i128::from(order_margin(params, &covered)?);
    }
    Ok(isolated_line.min(loss_line))
}

/// Isolated initial requirement of a position of `lots`.
fn initial(
    params: &StandardMarginParams,
    orders: &OpenOrders,
    lots: i64,
) -> Result<i64, FormulaError> {
    let requirement = match orders.contract {
        OrderContract::Linear => isolated_linear(params, orders.spot, lots)?,
        OrderContract::Option { side, strike } => isolated_option(
            params,
            orders.spot,
            &OptionLeg { side, strike, lots, mark: orders.mark },
        )?,
    };
    Ok(requirement.initial)
}

fn outlay_of_buys(orders: &OpenOrders) -> Result<i64, FormulaError> {
    let cost = orders.buys.cost_nano;
    let lost = match orders.contract {
        OrderContract::Option { .. } => cost,
        OrderContract::Linear => (cost - at_mark(orders, &orders.buys)).max(0),
    };
    narrow(div_ceil_wide(lost, LOTS_PER_UNIT)?)
}

fn outlay_of_sells(orders: &OpenOrders) -> Result<i64, FormulaError> {
    let lost = match orders.contract {
        OrderContract::Option { .. } => 0,
        OrderContract::Linear => (at_mark(orders, &orders.sells) - orders.sells.cost_nano).max(0),
    };
    narrow(div_ceil_wide(lost, LOTS_PER_UNIT)?)
}

/// Nano-USD of the side's lots at mark.
fn at_mark(orders: &OpenOrders, side: &OpenSide) -> i128 {
    i128::from(side.lots) * i128::from(orders.mark)
}

fn fee_of(orders: &OpenOrders, side: &OpenSide) -> Result<i64, FormulaError> {
    let fee = match orders.contract {
        OrderContract::Linear => notional_fee_nano(side.cost_nano, orders.fee_ppm)?,
        OrderContract::Option { .. } => option_fee(&OptionFee {
            notional_nano: i128::from(orders.spot) * i128::from(side.lots),
            premium_nano: side.cost_nano,
            rate_ppm: orders.fee_ppm,
            cap_ppm: orders.option_fee_cap_ppm,
        })?,
    };
    Ok(fee.max(0))
}
