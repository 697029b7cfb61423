//! Funding (P6): sampled from the book each minute, accrued in each block, paid when a position is
//! about to change.
//!
//! The cumulative index of a perpetual is what one unit held long has paid since listing. A holding
//! remembers where the index stood when it was last paid; what it owes since is a product, so
//! nobody has to be walked. Payments are rounded against the account and the rest is dust for
//! insurance, so all of them and the dust add up to nothing.
//!
//! A sample's rate holds until the next one. Time passes at the index that held before the block.
//! While the index is stale no time passes: neither the block that finds it stale nor the one that
//! finds it fresh again accrues anything (P5).

use super::index::Refresh;
use super::mark::is_crossed;
use crate::account::fill::{Moved, floor_div};
use crate::engine::Exchange;
use crate::formula::funding::{FundingIndex, FundingParams, premium_ppb, rate_1h_ppb, rate_8h_ppb};
use crate::state::key::LevelKey;
use crate::state::leaves::{Holding, NONE};
use crate::state::{Outcome, State, Touch};
use lockstep_types::event::Event;
use lockstep_types::ids::InstrumentId;
use lockstep_types::instrument::Contract;
use lockstep_types::order::Side;
use lockstep_types::params::UnderlyingParams;
use lockstep_types::units::{LOTS_PER_UNIT, Lots, MINUTE_MS, Price, notional_nano};

/// Levels of one side that an impact price looks at; a book that is not deep enough within them
/// exerts no pull (P6).
pub const IMPACT_LEVELS_MAX: u32 = 64;
/// P6: how far interest may pull the rate from the premium, 0.05 %.
const INTEREST_CLAMP_PPB: i64 = 500_000;

/// The parameters of an underlying's funding.
fn funding_params(params: &UnderlyingParams) -> FundingParams {
    FundingParams {
        interest_8h_ppb: params.interest_ppb,
        interest_clamp_ppb: INTEREST_CLAMP_PPB,
        rate_1h_ppb_max: params.funding_cap_ppb,
    }
}

impl State {
    /// Cumulative funding of a perpetual; zero for anything else.
    #[inline]
    pub(crate) fn funding_index(&mut self, instrument: InstrumentId) -> Touch<Price> {
        match self.instrument(instrument)?.contract {
            Contract::Perpetual => Ok(self.linear(instrument)?.funding),
            _ => Ok(Price::ZERO),
        }
    }
}

impl Holding {
    /// Pays what is owed or due on a perpetual since it was last paid; nothing on anything else.
    /// Called before a position changes, with the perpetual's cumulative funding now.
    #[inline]
    pub(crate) fn settle_funding(&mut self, funding: Price) -> Moved {
        if funding == self.funding {
            return Moved::default();
        }
        let received_nano = -notional_nano(funding - self.funding, self.lots);
        self.funding = funding;
        let cash = floor_div(received_nano, LOTS_PER_UNIT);
        let dust_nano = received_nano - i128::from(cash) * i128::from(LOTS_PER_UNIT);
        Moved { cash, dust_nano: i64::try_from(dust_nano).unwrap_or(0), longs: 0 }
    }
}

impl Exchange {
    /// Lets the time since the block before pass at the rate in force.
    pub(crate) fn accrue_funding(&mut self, id: InstrumentId, refresh: &Refresh) -> Outcome<()> {
        let params = funding_params(self.underlying_params(refresh.underlying)?);
        let before = refresh.before;
        let linear = self.state.linear(id)?;
        let runs = !before.stale && before.index > Price::ZERO && linear.funding_time.0 > 0;
        if runs {
            let elapsed = refresh.now.since(linear.funding_time);
            let remainder = linear.funding_remainder;
            let mut index = FundingIndex { cumulative: linear.funding.0, remainder };
            let grown = rate_1h_ppb(&params, linear.rate_8h_ppb)
                .and_then(|rate| index.advance(before.index.0, rate, elapsed.0));
            assert!(grown.is_ok(), "rates are capped, and time does not go back");
            linear.funding = Price(index.cumulative);
            linear.funding_remainder = index.remainder;
        }
        linear.funding_time = refresh.now;
        Ok(())
    }

    /// Samples the premium once in each minute of the clock, and sets the rate in force.
    pub(crate) fn sample_premium(&mut self, id: InstrumentId, refresh: &Refresh) -> Outcome<()> {
        let linear = *self.state.linear(id)?;
        let minute = |ms: i64| ms.div_euclid(MINUTE_MS);
        let first = linear.premium_time.0 == 0;
        if !first && minute(linear.premium_time.0) == minute(refresh.now.0) {
            return Ok(());
        }
        let params = self.underlying_params(refresh.underlying)?;
        let (lots, funding) = (params.impact_lots, funding_params(params));
        let instrument = *self.state.instrument(id)?;
        // Nobody trades at the prices of a crossed book.
        let (bid, ask) = match is_crossed(instrument.best_bid, instrument.best_ask) {
            true => (None, None),
            false => {
                (self.impact_price(id, Side::Buy, lots)?, self.impact_price(id, Side::Sell, lots)?)
            }
        };
        // The rate is capped, so a hundredfold says no more; and it fits, however small the index.
        let highest = refresh.index.0.saturating_mul(100);
        let bid = bid.map(|bid| bid.min(highest));
        let sampled = premium_ppb(bid, ask, refresh.index.0)
            .and_then(|premium| Ok((premium, rate_8h_ppb(&funding, premium)?)));
        assert!(sampled.is_ok(), "an index is positive and prices are bounded");
        let (premium, rate) = sampled.unwrap_or((linear.premium_ppb, linear.rate_8h_ppb));
        let record = self.state.linear(id)?;
        record.premium_ppb = premium;
        record.premium_time = refresh.now;
        record.rate_8h_ppb = rate;
        if first || rate != linear.rate_8h_ppb {
            self.events.push(Event::FundingRate {
                instrument: id,
                rate_8h_ppb: rate,
                index: linear.funding,
            });
        }
        Ok(())
    }

    /// The average price at which `lots` would trade against the visible orders of one side,
    /// rounded against whoever would take them; `None` when the book is not deep enough.
    fn impact_price(&mut self, id: InstrumentId, side: Side, lots: Lots) -> Outcome<Option<i64>> {
        let instrument = *self.state.instrument(id)?;
        let ticks = self.ticks(&instrument)?;
        let mut tick = instrument.best(side);
        let (mut left, mut sum_nano) = (lots.0, 0);
        for _ in 0..IMPACT_LEVELS_MAX {
            if tick == NONE {
                return Ok(None);
            }
            let level = *self.state.levels.get(LevelKey { instrument: id, side, tick })?;
            let Ok(price) = ticks.price_of(tick) else { return Ok(None) };
            let taken = left.min(level.lots);
            sum_nano += notional_nano(Price(price), Lots(taken));
            left -= taken;
            if left == 0 {
                let average = match side {
                    Side::Buy => floor_div(sum_nano, lots.0),
                    Side::Sell => -floor_div(-sum_nano, lots.0),
                };
                return Ok(Some(average));
            }
            tick = level.worse;
        }
        Ok(None)
    }
}
