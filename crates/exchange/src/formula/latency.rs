//! Latency as a risk variable: how long the venue may be unable to act, and how far prices move
//! meanwhile.
//!
//! ```text
//! fin    = max(floor, 99 % quantile of the block gaps, the last 8 gaps, now - last block)      ms
//! age    = least a such that two thirds of the oracle's power reported within the last a       ms
//! tau    = (age + (actions + queue) fin) 1000        actions = 3: detect, act, backstop        us
//! m(tau) = jump + rate isqrt(tau) / 1000             A(tau) = min(cap, max(0, m(tau) - m(ref)))
//! ```
//!
//! `m` is what a market may move in `tau`: below a minute the square root of time alone
//! underestimates crashes tenfold, hence the jump. `A` is how much more that is than margin
//! already assumes, which is one reference second; portfolio margin charges for it with the
//! account's own scenarios.
//!
//! Invariants: `m` and `A` never fall when `tau` grows; `fin` is never below its floor; nothing
//! depends on one proposer's word, because every argument is a median or a consensus time.
//! Nothing is allocated: the caller's slices are reordered.
//!
//! Deliberately absent: who reports, the slow quantile that maintenance uses, and what the venue
//! forbids at which tau.
//!
//! Source: section 3 of the design (latency) and its integer reference `lat_A` and `tau`.

use super::risk_array::SPOT_MOVE_PPM_MAX;
use super::rounding::{add, div_ceil_wide, isqrt, mul_div_floor, narrow, subtract};
use super::{FormulaError, domain};

/// How many gaps between blocks count at most.
pub const GAPS_MAX: usize = 512;
/// How many of the last gaps count each by itself.
pub const GAPS_LAST: usize = 8;
/// Thousandths of the root of a microsecond in that of a second: `rate` is per root of a second.
const ROOT_SECOND: i64 = 1_000;
/// Microseconds in a millisecond.
pub const US_PER_MS: i64 = 1_000;

/// How latency is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DelayParams {
    /// Finality is taken to be at least this, in ms, not negative.
    pub finality_ms_min: i64,
    /// How often finality is waited for until a liquidation is done, not negative.
    pub actions: i64,
}

impl DelayParams {
    /// The reference's values: 200 ms; detect, act, backstop.
    pub const REFERENCE: Self = Self { finality_ms_min: 200, actions: 3 };
}

/// How far one market moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MoveParams {
    /// The jump at no time at all, in ppm of spot, not negative.
    pub jump_ppm: i64,
    /// What is added per root of a second, in ppm of spot, not negative.
    pub rate_ppm: i64,
    /// The latency that requirements assume anyway, in microseconds, not negative.
    pub reference_us: i64,
    /// The most that is charged for, in ppm of spot, 0 to [`SPOT_MOVE_PPM_MAX`].
    pub cap_ppm: i64,
}

impl MoveParams {
    /// The reference's values, those of BTC.
    pub const REFERENCE: Self =
        Self { jump_ppm: 25_000, rate_ppm: 4_500, reference_us: 1_000_000, cap_ppm: 160_000 };
}

/// How long a block takes to become final, in ms, from the gaps between the last blocks, oldest
/// first, and the time since the last of them.
///
/// Of the gaps the 99 % quantile counts (the least that 99 % of them do not exceed) and the last
/// [`GAPS_LAST`] in full. Reorders the slice.
///
/// # Errors
/// [`FormulaError::Domain`] for more than [`GAPS_MAX`] gaps or anything negative.
pub fn finality_ms(
    params: &DelayParams,
    gaps_ms: &mut [i64],
    since_last_ms: i64,
) -> Result<i64, FormulaError> {
    domain(gaps_ms.len() <= GAPS_MAX && gaps_ms.iter().all(|&gap_ms| gap_ms >= 0))?;
    domain(params.finality_ms_min >= 0 && since_last_ms >= 0)?;
    let last_from = gaps_ms.len().saturating_sub(GAPS_LAST);
    let last_ms = gaps_ms[last_from..].iter().copied().max().unwrap_or(0);
    let rank = (gaps_ms.len() * 99).div_ceil(100);
    let usual_ms = match rank.checked_sub(1) {
        Some(index) => *gaps_ms.select_nth_unstable(index).1,
        None => 0,
    };
    Ok(params.finality_ms_min.max(usual_ms).max(last_ms).max(since_last_ms))
}

/// When a validator's price was observed, and its stake.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Observation {
    /// When, in ms.
    pub published_ms: i64,
    /// Stake.
    pub weight: u64,
}

/// The least age in ms such that at least two thirds of `weight_total` reported no longer ago;
/// `None` if less than that reported at all.
///
/// `weight_total` is all stake, also of those without a report. One from the future has age zero:
/// clocks differ, and nothing is fresher than now. Sorts the slice.
///
/// # Errors
/// [`FormulaError::Domain`] for reports with more weight than the total, or a total of zero;
/// [`FormulaError::Overflow`] for an age that does not fit.
pub fn oracle_age_ms(
    observations: &mut [Observation],
    weight_total: u64,
    now_ms: i64,
) -> Result<Option<i64>, FormulaError> {
    let weight: u128 = observations.iter().map(|one| u128::from(one.weight)).sum();
    domain(weight_total > 0 && weight <= u128::from(weight_total))?;
    observations.sort_unstable_by(|one, other| other.cmp(one));
    let mut fresh = 0_u128;
    for observation in observations {
        fresh += u128::from(observation.weight);
        if fresh * 3 >= u128::from(weight_total) * 2 {
            return Ok(Some(subtract(now_ms, observation.published_ms)?.max(0)));
        }
    }
    Ok(None)
}

/// How many blocks the liquidations that wait will take: `ceil(waiting / per_block)`.
///
/// # Errors
/// [`FormulaError::Domain`] unless `waiting >= 0` and `per_block > 0`.
pub fn queue_blocks(waiting: i64, per_block: i64) -> Result<i64, FormulaError> {
    domain(waiting >= 0)?;
    narrow(div_ceil_wide(i128::from(waiting), per_block)?)
}

/// How long it takes until a move that happens now is acted upon (tau), in microseconds.
///
/// # Errors
/// [`FormulaError::Domain`] for anything negative; [`FormulaError::Overflow`].
pub fn reaction_us(
    params: &DelayParams,
    oracle_age_ms: i64,
    finality_ms: i64,
    queue_blocks: i64,
) -> Result<i64, FormulaError> {
    domain(oracle_age_ms >= 0 && finality_ms >= 0 && queue_blocks >= 0 && params.actions >= 0)?;
    let blocks = i128::from(params.actions) + i128::from(queue_blocks);
    // Below 2^127: two words less their signs, doubled.
    let waited_ms = narrow(blocks * i128::from(finality_ms))?;
    add(oracle_age_ms, waited_ms)?.checked_mul(US_PER_MS).ok_or(FormulaError::Overflow)
}

/// What the market may move within `latency_us` (m), in ppm of spot.
///
/// # Errors
/// [`FormulaError::Domain`] for a negative time or parameters outside what [`MoveParams`]
/// documents; [`FormulaError::Overflow`].
pub fn move_ppm(params: &MoveParams, latency_us: i64) -> Result<i64, FormulaError> {
    domain(params.jump_ppm >= 0 && params.rate_ppm >= 0)?;
    let latency_us = u64::try_from(latency_us).map_err(|_| FormulaError::Domain)?;
    let root = i64::try_from(isqrt(latency_us)).map_err(|_| FormulaError::Overflow)?;
    add(params.jump_ppm, mul_div_floor(params.rate_ppm, root, ROOT_SECOND)?)
}

/// How much more than at the reference latency the market may move (A), in ppm of spot, capped.
///
/// # Errors
/// As [`move_ppm`].
pub fn extra_move_ppm(params: &MoveParams, latency_us: i64) -> Result<i64, FormulaError> {
    domain((0..=SPOT_MOVE_PPM_MAX).contains(&params.cap_ppm))?;
    let extra = subtract(move_ppm(params, latency_us)?, move_ppm(params, params.reference_us)?)?;
    Ok(extra.clamp(0, params.cap_ppm))
}

/// The moves that an account is charged for, in ppm of spot, 0 to [`SPOT_MOVE_PPM_MAX`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ExtraMoves {
    /// In the initial requirement: of the slow and the present latency the worse.
    pub initial_ppm: i64,
    /// In the maintenance requirement: of the slow latency, because nobody is liquidated for a
    /// network that is slow today.
    pub maintenance_ppm: i64,
}

/// The moves of one underlying, from its slow latency (`slow_us`, tau_struct) and the present one
/// (`now_us`, tau_now): the same for all accounts of a block.
///
/// # Errors
/// As [`extra_move_ppm`].
pub fn extra_moves(
    params: &MoveParams,
    slow_us: i64,
    now_us: i64,
) -> Result<ExtraMoves, FormulaError> {
    domain(now_us >= 0)?;
    Ok(ExtraMoves {
        initial_ppm: extra_move_ppm(params, now_us.max(slow_us))?,
        maintenance_ppm: extra_move_ppm(params, slow_us)?,
    })
}
