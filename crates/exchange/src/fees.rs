//! Fees at the end of a block: their split (F3) and the next block's base fee (F2).
//!
//! What trades and commands have paid is divided between validators, insurance and treasury; the
//! parts sum to the whole, so `Totals.fees` is empty between blocks. The base fee moves by at most
//! an eighth per block towards half-full blocks, in nano-USD per unit of work so that an eighth of
//! a small fee is still something; at its floor it charges nothing.
//!
//! Invariant: while the parameters are legal, which `price::params` checks when they are set, a
//! block's fees are always split.

use crate::engine::Exchange;
use crate::formula::fee::{
    BASE_FEE_LEVEL_MIN, BaseFeeParams, base_fee_charged, base_fee_next, split_fee,
};
use crate::state::Outcome;
use lockstep_types::event::Event;
use lockstep_types::params::VenueParams;
use lockstep_types::units::Usd;

/// Nano-USD in a micro-USD.
const NANOS: i64 = 1_000;
/// The base fee never charges more per unit of work than this, in nano-USD: a thousand USD.
pub const BASE_FEE_NANO_MAX: i64 = 1_000_000_000_000;

/// The base fee's parameters in nano-USD per unit.
fn base_fee_params(params: &VenueParams) -> BaseFeeParams {
    let floor = params.base_fee_floor.0.saturating_mul(NANOS);
    let level_min = floor.clamp(BASE_FEE_LEVEL_MIN, BASE_FEE_NANO_MAX);
    let half = i64::try_from(params.block_work_max / 2).unwrap_or(i64::MAX);
    BaseFeeParams { level_min, level_max: BASE_FEE_NANO_MAX, work_target: half.max(1) }
}

impl Exchange {
    /// Splits the block's fees and sets the next block's base fee.
    pub(crate) fn close_fees(&mut self) -> Outcome<()> {
        self.split_fees()?;
        self.move_base_fee()
    }

    fn split_fees(&mut self) -> Outcome<()> {
        let fees = self.state.totals()?.fees;
        if fees == Usd::ZERO {
            return Ok(());
        }
        let parts = split_fee(fees.0, &self.state.venue()?.fee_split);
        assert!(parts.is_ok(), "the shares of a fee add up to a whole");
        let Ok(parts) = parts else { return Ok(()) };
        let totals = self.state.totals()?;
        totals.fees = Usd::ZERO;
        totals.validators += Usd(parts.validators);
        totals.insurance += Usd(parts.insurance);
        totals.treasury += Usd(parts.treasury);
        Ok(())
    }

    fn move_base_fee(&mut self) -> Outcome<()> {
        let params = base_fee_params(self.state.venue()?);
        let totals = self.state.totals()?;
        let work = i64::try_from(totals.work).unwrap_or(i64::MAX);
        // A calm chain charges nothing and rests on the floor; the floor itself may have moved.
        let level = totals.base_fee_nano.clamp(params.level_min, params.level_max);
        let next = base_fee_next(&params, level, work);
        assert!(next.is_ok(), "the level lies within its limits");
        let charged = base_fee_charged(&params, next.unwrap_or(level));
        if charged != totals.base_fee_nano {
            totals.base_fee_nano = charged;
            // Rounded up, as it is charged.
            let per_unit = Usd(charged.div_euclid(NANOS) + i64::from(charged % NANOS != 0));
            self.events.push(Event::BaseFee { per_unit });
        }
        Ok(())
    }
}
