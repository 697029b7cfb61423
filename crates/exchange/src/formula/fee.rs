//! Fees: of trades (F1), of liquidations, of commands (F2), and how they are split (F3).
//!
//! Invariants: every fee is rounded up, a rebate (a negative rate) therefore towards zero; a split
//! loses nothing: its parts sum to the fee; the base fee moves by at most one eighth of itself per
//! block and returns to its floor, where it charges nothing.
//!
//! Deliberately absent: who pays, and how work units are counted.

use super::rounding::{div_ceil_wide, div_floor_wide, mul_div_ceil, mul_div_floor, narrow};
use super::{FormulaError, LOTS_PER_UNIT, LOTS_PPM, PPM, domain};
use lockstep_types::params::{FeeSplit, FeeTier};

/// The fee of a future's or perpetual's fill in micro-USD: `ceil(price x lots x rate)`.
///
/// `price` in micro-USD per unit and `lots` are not negative; a negative `rate_ppm` is a rebate.
///
/// # Errors
/// [`FormulaError::Domain`] for negative price or lots; [`FormulaError::Overflow`].
pub fn linear_fee(price: i64, lots: i64, rate_ppm: i64) -> Result<i64, FormulaError> {
    domain(price >= 0 && lots >= 0)?;
    notional_fee_nano(i128::from(price) * i128::from(lots), rate_ppm)
}

/// The fee in micro-USD of a notional in nano-USD: `ceil(notional x rate / 1e9)`.
///
/// # Errors
/// [`FormulaError::Overflow`].
pub fn notional_fee_nano(notional_nano: i128, rate_ppm: i64) -> Result<i64, FormulaError> {
    let product = notional_nano.checked_mul(i128::from(rate_ppm)).ok_or(FormulaError::Overflow)?;
    narrow(div_ceil_wide(product, LOTS_PPM)?)
}

/// What an option's fee depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OptionFee {
    /// Index x lots in nano-USD.
    pub notional_nano: i128,
    /// Option price x lots in nano-USD.
    pub premium_nano: i128,
    /// Rate in ppm of notional; negative is a rebate.
    pub rate_ppm: i64,
    /// Cap in ppm of the premium; [`OPTION_FEE_CAP_PPM`] by rule F1.
    pub cap_ppm: i64,
}

/// Rule F1: an option's fee is at most 12.5 % of its premium.
pub const OPTION_FEE_CAP_PPM: i64 = 125_000;

/// The fee of an option's fill in micro-USD: the lower of the fee on the underlying's notional and
/// the cap on the premium (F1), each rounded up.
///
/// # Errors
/// [`FormulaError::Domain`] for a negative notional, premium or cap; [`FormulaError::Overflow`].
pub fn option_fee(fee: &OptionFee) -> Result<i64, FormulaError> {
    domain(fee.notional_nano >= 0 && fee.premium_nano >= 0 && fee.cap_ppm >= 0)?;
    let of_notional = notional_fee_nano(fee.notional_nano, fee.rate_ppm)?;
    let of_premium = notional_fee_nano(fee.premium_nano, fee.cap_ppm)?;
    Ok(of_notional.min(of_premium))
}

/// The fee of a liquidation fill in micro-USD, for the insurance fund: the rate of the notional
/// that was first rounded up to a micro-USD, as the liquidation vectors have it.
///
/// # Errors
/// [`FormulaError::Domain`] for negative arguments; [`FormulaError::Overflow`].
pub fn liquidation_fee(price: i64, lots: i64, rate_ppm: i64) -> Result<i64, FormulaError> {
    domain(price >= 0 && lots >= 0 && rate_ppm >= 0)?;
    let notional = mul_div_ceil(lots, price, LOTS_PER_UNIT)?;
    mul_div_ceil(notional, rate_ppm, PPM)
}

/// The tier of a 30-day volume (F1): the last whose volume it reaches, or the first if it reaches
/// none.
///
/// `tiers` rise by volume; `None` only without tiers.
#[must_use]
pub fn tier_of(tiers: &[FeeTier], volume_30d: i64) -> Option<&FeeTier> {
    let reached = tiers.partition_point(|tier| tier.volume_30d.0 <= volume_30d);
    tiers.get(reached.saturating_sub(1))
}

/// Where a fee went (F3), in micro-USD; the parts sum to the fee.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FeeParts {
    /// To the validators.
    pub validators: i64,
    /// To the insurance fund.
    pub insurance: i64,
    /// To the treasury: the rest, so that no micro-USD is lost.
    pub treasury: i64,
}

/// Splits a fee by shares (F3).
///
/// A negative fee (a rebate) is drawn from the same three accounts in the same shares.
///
/// # Errors
/// [`FormulaError::Domain`] unless the shares are not negative and sum to a whole.
pub fn split_fee(fee: i64, shares: &FeeSplit) -> Result<FeeParts, FormulaError> {
    let parts = [shares.validators.0, shares.insurance.0, shares.treasury.0];
    domain(parts.iter().all(|part| (0..=PPM).contains(part)))?;
    domain(parts.iter().sum::<i64>() == PPM)?;
    let validators = mul_div_floor(fee, shares.validators.0, PPM)?;
    let insurance = mul_div_floor(fee, shares.insurance.0, PPM)?;
    let rest = i128::from(fee) - i128::from(validators) - i128::from(insurance);
    Ok(FeeParts { validators, insurance, treasury: narrow(rest)? })
}

/// The base fee's parameters (F2). A level is a price per unit of work in micro-USD; it is charged
/// while it is above `level_min`, which is where it rests when the chain is calm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BaseFeeParams {
    /// Level of a calm chain, at least [`BASE_FEE_LEVEL_MIN`].
    pub level_min: i64,
    /// Highest level, at least `level_min`.
    pub level_max: i64,
    /// Work units at which the level stays: half of a full block; positive.
    pub work_target: i64,
}

/// The least `level_min`: an eighth of any level is then at least one, so the level can always
/// move.
pub const BASE_FEE_LEVEL_MIN: i64 = BASE_FEE_STEP_DIVISOR;

/// Rule F2: the level moves by at most an eighth (12.5 %) per block.
pub const BASE_FEE_STEP_DIVISOR: i64 = 8;

/// The next block's base-fee level, after EIP-1559: the level moves by an eighth of itself times
/// the distance of the work used from the target, relative to the target and at most one.
///
/// It moves by at least one unit unless the work is exactly on target, so a calm chain reaches
/// `level_min` in finite time whatever the rounding.
///
/// # Errors
/// [`FormulaError::Domain`] for parameters out of their ranges, a level out of theirs, or negative
/// work.
pub fn base_fee_next(
    params: &BaseFeeParams,
    level: i64,
    work_used: i64,
) -> Result<i64, FormulaError> {
    let BaseFeeParams { level_min, level_max, work_target } = *params;
    domain(level_min >= BASE_FEE_LEVEL_MIN && level_max >= level_min && work_target > 0)?;
    domain((level_min..=level_max).contains(&level) && work_used >= 0)?;
    let distance = (work_used - work_target).clamp(-work_target, work_target);
    if distance == 0 {
        return Ok(level);
    }
    let product = i128::from(level) * i128::from(distance.abs());
    let eighth_of_target = div_floor_wide(product, work_target)?;
    let step = narrow(div_floor_wide(eighth_of_target, BASE_FEE_STEP_DIVISOR)?)?.max(1);
    let next = if distance > 0 { level.saturating_add(step) } else { level - step };
    Ok(next.clamp(level_min, level_max))
}

/// What a unit of work costs at a level: nothing when the chain is calm (F2), else the level.
#[must_use]
pub fn base_fee_charged(params: &BaseFeeParams, level: i64) -> i64 {
    if level > params.level_min { level } else { 0 }
}
