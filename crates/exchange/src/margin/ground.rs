//! The most that positions and orders can need while the index of their underlying is within a
//! range: what floors ([`super::floor`]) are made of. No option model is asked, only the bounds
//! that hold for any: an option is worth no less than nothing, a call no more than the forward, a
//! put no more than the strike, and neither moves further than the forward.
//!
//! Of `n` lots, with `F` the highest forward or mark in the range and `S` the highest index:
//!
//! ```text
//!                      portfolio margin                          standard margin
//! perpetual, future    n F (16 % + 2 % + BASIS) + n S LINEAR     n S initial
//! option held          n F (2 % + BASIS / 2 + VEGA / 2)          nothing
//! call owed            2.2 n F, n S SHORT, hedged as above       n S max + n F
//! put owed             2 n K, likewise                           n S max + n K, or the raised one
//! an order             as if filled; the premium or what its limit is worse than mark, and the
//!                      fee; with portfolio margin twice, because SCAN and LAT both see them
//! ```
//!
//! With portfolio margin, a scan is a maximum over scenarios of sums over legs, so it is at most
//! the sum of the legs' own; an option's value and its scan together lose no more than the value
//! (held) or what it can be worth (owed). Standard margin never asks for more than each leg on its
//! own, at a mark within the same bounds. All other terms are sums of sizes. So each leg can be
//! bounded by itself, and each part of a leg as well.

use super::climate::{
    Climate, FORWARD_SHARE_PPM, FUNDING_SHARE_PPM, LATENCY_MOVE_PPM, PERPETUAL_SHARE_PPM,
};
use crate::formula::risk_array::SPOT_MOVE_PPM_MAX;
use crate::formula::rounding::{mul_div_ceil, mul_div_floor};
use crate::formula::{LOTS_PER_UNIT, PPM};
use crate::state::leaves::FloorRange;
use lockstep_types::command::MarginMode;
use lockstep_types::instrument::{Contract, OptionSide};
use lockstep_types::params::{PortfolioMarginParams, StandardMarginParams};

/// What a call that is owed can cost at most in SCAN and LAT, of the forward: it is worth at most
/// the forward, which moves by 16 % in one and by 4 % in the other.
const CALL_OWED_PPM: i64 = 2 * PPM + SPOT_MOVE_PPM_MAX + 40_000;
/// What roundings of a term can add up to, beside those of each lot.
const ROUNDING: i64 = 16;

/// What an account pays at most.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fees {
    /// The dearest rate of any tier, in ppm of notional.
    pub(super) rate_ppm: i64,
    /// The cap of an option's fee, in ppm of its premium.
    pub(super) cap_ppm: i64,
}

/// By which model requirements are bounded.
#[derive(Clone, Copy, Debug)]
enum Shares {
    Portfolio(PortfolioMarginParams),
    /// With the shares of perpetuals and futures as the underlying has them.
    Standard(StandardMarginParams),
}

/// The prices of an underlying while its index is within a range.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ground {
    high: i64,
    /// Highest forward, and lowest and highest mark of a future.
    dated: (i64, i64),
    /// Lowest and highest mark of the perpetual.
    perpetual: (i64, i64),
    /// What funding can cost per unit.
    funding: i64,
    shares: Shares,
    fees: Fees,
}

impl Ground {
    /// The ground of a range; `None` where no sum could be trusted to fit.
    pub(super) fn of(
        range: &FloorRange,
        climate: &Climate,
        mode: MarginMode,
        fees: Fees,
    ) -> Option<Self> {
        let (low, high) = (range.low.0, range.high.0);
        let around = |share_ppm: i64| {
            let least = mul_div_floor(low, PPM - share_ppm, PPM).ok()?;
            Some((least, mul_div_ceil(high, PPM + share_ppm, PPM).ok()?))
        };
        let dated = around(FORWARD_SHARE_PPM)?;
        // What a lot does in a scenario must fit an array, or nobody can carry it.
        (dated.1 / LOTS_PER_UNIT <= i64::from(i32::MAX) / 2).then_some(())?;
        let funding = mul_div_ceil(low, FUNDING_SHARE_PPM, PPM).ok()?;
        let perpetual = around(PERPETUAL_SHARE_PPM)?;
        let shares = match mode {
            MarginMode::Portfolio => Shares::Portfolio(climate.portfolio),
            MarginMode::Standard => Shares::Standard(climate.standard),
        };
        Some(Self { high, dated, perpetual, funding, shares, fees })
    }

    /// Lowest and highest mark of a perpetual or future.
    pub(super) fn marks(&self, contract: &Contract) -> (i64, i64) {
        match contract {
            Contract::Perpetual => self.perpetual,
            Contract::Future { .. } | Contract::Option { .. } => self.dated,
        }
    }

    /// The most that signed lots can need, and of an option that is owed also what it is worth.
    pub(super) fn position(&self, contract: &Contract, lots: i64) -> Option<i64> {
        let size = lots.checked_abs()?;
        if let Contract::Option { strike, .. } = contract {
            // A strike that no array can hold is one that nobody can carry.
            (strike.0 / LOTS_PER_UNIT <= i64::from(i32::MAX) / 2).then_some(())?;
        }
        let cost = match &self.shares {
            Shares::Portfolio(shares) => self.in_portfolio(shares, contract, lots, size)?,
            Shares::Standard(shares) => self.alone(shares, contract, lots, size)?,
        };
        let funding = match contract {
            Contract::Perpetual => notional(size, self.funding)?,
            Contract::Future { .. } | Contract::Option { .. } => 0,
        };
        let rounding = size.checked_mul(4)?.checked_add(ROUNDING)?;
        cost.checked_add(funding)?.checked_add(rounding)
    }

    fn in_portfolio(
        &self,
        shares: &PortfolioMarginParams,
        contract: &Contract,
        lots: i64,
        size: i64,
    ) -> Option<i64> {
        let forward = notional(size, self.marks(contract).1)?;
        let spot = notional(size, self.high)?;
        let Contract::Option { strike, side, .. } = contract else {
            let moved_ppm = SPOT_MOVE_PPM_MAX + LATENCY_MOVE_PPM + shares.basis.0;
            return share(forward, moved_ppm)?.checked_add(share(spot, shares.linear_initial.0)?);
        };
        let hedged = share(forward, shares.basis.0 / 2 + shares.vega.0 / 2 + 2)?;
        if lots >= 0 {
            return share(forward, LATENCY_MOVE_PPM)?.checked_add(hedged);
        }
        let worth = match side {
            OptionSide::Call => share(forward, CALL_OWED_PPM)?,
            OptionSide::Put => notional(size, strike.0)?.checked_mul(2)?,
        };
        worth.checked_add(share(spot, shares.short_initial.0)?)?.checked_add(hedged)
    }

    fn alone(
        &self,
        shares: &StandardMarginParams,
        contract: &Contract,
        lots: i64,
        size: i64,
    ) -> Option<i64> {
        let spot = notional(size, self.high)?;
        let Contract::Option { strike, side, .. } = contract else {
            return share(spot, shares.linear_initial.0);
        };
        if lots >= 0 {
            return Some(0);
        }
        let base = share(spot, shares.option_max.0)?;
        match side {
            OptionSide::Call => base.checked_add(notional(size, self.dated.1)?),
            OptionSide::Put => {
                let worth = notional(size, strike.0)?;
                let kept = share(spot.max(worth), shares.option_maintenance.0)?;
                let raised = share(kept.checked_add(worth)?, shares.put_initial_factor.0)?;
                Some(base.checked_add(worth)?.max(raised))
            }
        }
    }

    /// What signed lots of a perpetual or future at a price can be worth less than nothing.
    fn worse(&self, contract: &Contract, lots: i64, price: i64) -> Option<i64> {
        let (least, most) = self.marks(contract);
        let worse = if lots >= 0 { price.checked_sub(least)? } else { most.checked_sub(price)? };
        notional(lots.checked_abs()?, worse.max(0))
    }

    /// The most that an order can need; filling it costs no more, fee and premium included.
    pub(super) fn order(&self, order: &Ordered) -> Option<i64> {
        let Ordered { contract, lots, limit } = order;
        let size = lots.checked_abs()?;
        let premium = notional(size, *limit)?;
        let (outlay, fee) = if contract.is_option() {
            let of_spot = share(notional(size, self.high)?, self.fees.rate_ppm)?;
            let fee = of_spot.max(share(premium, self.fees.cap_ppm)?);
            (if *lots > 0 { premium } else { 0 }, fee)
        } else {
            (self.worse(contract, *lots, *limit)?, share(premium, self.fees.rate_ppm)?)
        };
        let times = match self.shares {
            Shares::Portfolio(_) => 2,
            Shares::Standard(_) => 1,
        };
        let paid = outlay.checked_add(fee)?.checked_mul(times)?;
        self.position(contract, *lots)?.checked_add(paid)
    }

    /// The most that a fill can cost of what is free, beside cash that it takes.
    pub(super) fn fill(&self, contract: &Contract, lots: i64, price: i64) -> Option<i64> {
        let worse = if contract.is_option() { 0 } else { self.worse(contract, lots, price)? };
        self.position(contract, lots)?.checked_add(worse)
    }

    /// How much of an underlying's gross notional lots are, for concentration and for overflows.
    pub(super) fn gross(&self, contract: &Contract, lots: i64) -> Option<i64> {
        let most = match contract {
            Contract::Option { strike, .. } => self.dated.1.max(strike.0),
            Contract::Perpetual | Contract::Future { .. } => self.dated.1,
        };
        notional(lots.checked_abs()?, most)
    }
}

/// An order as floors see it; `lots` are negative for a sale.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ordered {
    pub(super) contract: Contract,
    pub(super) lots: i64,
    pub(super) limit: i64,
}

fn notional(lots: i64, price: i64) -> Option<i64> {
    mul_div_ceil(lots, price, LOTS_PER_UNIT).ok()
}

fn share(amount: i64, share_ppm: i64) -> Option<i64> {
    mul_div_ceil(amount, share_ppm, PPM).ok()
}
