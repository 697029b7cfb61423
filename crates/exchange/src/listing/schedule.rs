//! The schedule: lists what [`super::calendar`] says should be there and is not (I4).
//!
//! An underlying is gone through when a trading day begins and when its index has moved by a strike
//! step since the last time, so that there are always ten strikes on each side. At most
//! [`LISTINGS_PER_BLOCK_MAX`] are made per block; the rest follow in the next ones. What the limits
//! refuse is left out.

use super::calendar;
use crate::engine::Exchange;
use crate::state::key::{ExpiryKey, IndexId};
use crate::state::{Fault, Outcome};
use lockstep_types::ids::UnderlyingId;
use lockstep_types::instrument::{Contract, InstrumentName, OptionSide, Ticker};
use lockstep_types::params::ListingPolicy;
use lockstep_types::units::Price;

/// Instruments that the schedule lists in one block at most, over all underlyings.
pub const LISTINGS_PER_BLOCK_MAX: u32 = 64;

/// What is left to list in this block.
#[derive(Debug)]
struct Budget {
    left: u32,
}

impl Exchange {
    /// Lists what the schedule says, as far as one block may.
    pub(crate) fn run_listing(&mut self) -> Outcome<()> {
        let mut budget = Budget { left: LISTINGS_PER_BLOCK_MAX };
        for id in 0..self.state.totals()?.underlyings {
            let id = UnderlyingId(id);
            if self.underlying_params(id)?.listing == ListingPolicy::Scheduled {
                self.list_due(id, &mut budget)?;
            }
        }
        if budget.left < LISTINGS_PER_BLOCK_MAX {
            // What is new has its forward and mark in the block that lists it.
            self.refresh_prices()?;
        }
        Ok(())
    }

    /// Goes through an underlying if that is due, and notes it if it got to the end.
    fn list_due(&mut self, id: UnderlyingId, budget: &mut Budget) -> Outcome<()> {
        let now = self.state.totals()?.time;
        let underlying = *self.underlying(id)?;
        let step = self.underlying_params(id)?.strike_step;
        let today = calendar::trading_day(now);
        let moved = (underlying.index.0 - underlying.listing_price.0).abs() >= step.0;
        if underlying.stale || underlying.index == Price::ZERO {
            return Ok(());
        }
        if today <= underlying.listing_day && !moved {
            return Ok(());
        }
        // What has expired makes room first.
        let next = self.state.entries.first(IndexId::Expiries(id))?;
        if next.is_some_and(|(expiry, _)| expiry <= now.0) {
            return Ok(());
        }
        if self.list_missing(id, today, budget)? {
            let record = self.underlying(id)?;
            record.listing_day = today;
            record.listing_price = underlying.index;
        }
        Ok(())
    }

    /// Lists what an underlying lacks; whether it got to the end.
    fn list_missing(&mut self, id: UnderlyingId, today: i64, budget: &mut Budget) -> Outcome<bool> {
        let params = self.underlying_params(id)?;
        let (ticker, step) = (params.ticker, params.strike_step.0);
        let index = self.underlying(id)?.index;
        if !self.list_one(ticker, Contract::Perpetual, budget)? {
            return Ok(false);
        }
        for day in calendar::expiry_days(today) {
            let expiry = calendar::expiry_of(day);
            if calendar::has_future(day)
                && !self.list_one(ticker, Contract::Future { expiry }, budget)?
            {
                return Ok(false);
            }
            let key = ExpiryKey { underlying: id, expiry };
            let held = self.state.expiries.touch(key)?.map(|expiry| expiry.forward);
            let forward = held.filter(|forward| *forward > Price::ZERO).unwrap_or(index);
            let step = step.saturating_mul(calendar::strike_multiple(day - today));
            for strike in calendar::strikes(forward, step) {
                for side in [OptionSide::Call, OptionSide::Put] {
                    let contract = Contract::Option { expiry, strike, side };
                    if !self.list_one(ticker, contract, budget)? {
                        return Ok(false);
                    }
                }
            }
        }
        Ok(true)
    }

    /// Lists one contract unless it is there or may not be; whether the budget allowed it.
    fn list_one(
        &mut self,
        underlying: Ticker,
        contract: Contract,
        budget: &mut Budget,
    ) -> Outcome<bool> {
        let name = InstrumentName { underlying, contract };
        if self.state.names.touch(name)?.is_some() {
            return Ok(true);
        }
        if budget.left == 0 {
            return Ok(false);
        }
        match self.list(&name) {
            Ok(_) => budget.left -= 1,
            Err(Fault::Reject(_)) => {}
            Err(missing) => return Err(missing),
        }
        Ok(true)
    }
}
