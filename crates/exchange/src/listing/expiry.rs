//! Expiry: fix the price, settle every position, delete (I5).
//!
//! At 08:00 the settlement average is complete, and its mean is the price. While the index is stale
//! the expiry waits (P5): nothing is settled until it is fresh again, and the gap counts at the
//! last price before it. If no index came before the expiry at all, the first one after it is the
//! price.
//!
//! Positions are settled account by account, in pages of [`SETTLE_WORK_MAX`] per block with a
//! cursor in the expiry's leaf, because nothing lists the holders of an instrument. Meanwhile the
//! series takes no orders, and what is not paid yet counts in margin at its settlement value. When
//! nobody holds anything of it any more, all its leaves go.
//!
//! Invariant: over all accounts what is paid adds up to zero, but for the dust of rounding, which
//! is insurance's; until then the expiry's leaf has what is still missing (C1).

use super::SERIES_MAX;
use crate::account::fill::floor_div;
use crate::engine::Exchange;
use crate::formula::option_payoff;
use crate::state::key::{ExpiryKey, HoldingKey, IndexId, Slot};
use crate::state::{Missing, Outcome};
use alloc::vec::Vec;
use lockstep_types::event::{CancelReason, Event};
use lockstep_types::ids::{AccountId, InstrumentId, UnderlyingId};
use lockstep_types::instrument::Contract;
use lockstep_types::units::{LOTS_PER_UNIT, Lots, Price, TimeMs, Usd, notional_nano};

/// Accounts, holdings, orders and series that expiries look at in one block; the account at which
/// it is used up is finished (I5).
pub const SETTLE_WORK_MAX: u32 = 10_000;

/// What is left of a block's work on expiries.
#[derive(Debug)]
struct Work {
    left: u32,
}

impl Work {
    fn spend(&mut self, count: usize) {
        self.left = self.left.saturating_sub(u32::try_from(count).unwrap_or(u32::MAX));
    }
}

impl Exchange {
    /// Settles what has expired, as far as one block may.
    pub(crate) fn run_expiries(&mut self) -> Outcome<()> {
        let totals = *self.state.totals()?;
        let mut work = Work { left: SETTLE_WORK_MAX };
        for id in 0..totals.underlyings {
            let underlying = UnderlyingId(id);
            while let Some((expiry, _)) = self.state.entries.first(IndexId::Expiries(underlying))? {
                let key = ExpiryKey { underlying, expiry: TimeMs(expiry) };
                if key.expiry > totals.time || !self.run_expiry(key, &mut work)? {
                    break;
                }
            }
        }
        Ok(())
    }

    /// Goes on with one expiry; whether it is gone.
    fn run_expiry(&mut self, key: ExpiryKey, work: &mut Work) -> Outcome<bool> {
        if work.left == 0 {
            return Ok(false);
        }
        let Some(price) = self.settlement_price(key)? else { return Ok(false) };
        let series = self.series_of_expiry(key)?;
        work.spend(series.len());
        let mut holders = 0;
        for id in &series {
            holders += self.state.instrument(*id)?.holders;
        }
        while holders > 0 {
            if work.left == 0 {
                return Ok(false);
            }
            let account = self.expiry(key)?.cursor;
            if account.0 >= self.state.totals()?.accounts {
                assert!(self.state.partial, "a holder is an account");
                return Err(Missing::leaf(account).into());
            }
            let gone = self.settle_account(account, &series, key, price, work)?;
            assert!(gone <= holders, "an instrument's count of holders is right");
            holders -= gone;
            self.expiry(key)?.cursor = AccountId(account.0 + 1);
        }
        self.delete_expiry(key, &series, price)?;
        Ok(true)
    }

    /// The price at which an expiry settles, fixed now if it can be; `None` while it must wait.
    fn settlement_price(&mut self, key: ExpiryKey) -> Outcome<Option<Price>> {
        let underlying = *self.underlying(key.underlying)?;
        let expiry = self.expiry(key)?;
        if let Some(price) = expiry.settlement {
            return Ok(Some(price));
        }
        if underlying.stale || underlying.index == Price::ZERO {
            return Ok(None);
        }
        let mean = expiry.settling(key.expiry).price();
        assert!(mean.is_ok(), "the mean of prices is a price");
        let price = mean.ok().flatten().map_or(underlying.index, |mean| Price(mean.max(1)));
        expiry.settlement = Some(price);
        // Marks of the series are settlement values from here on.
        self.marks.clear();
        Ok(Some(price))
    }

    /// The instruments of an expiry, by id.
    pub(crate) fn series_of_expiry(&mut self, key: ExpiryKey) -> Outcome<Vec<InstrumentId>> {
        let entries = self.state.entries.up_to(IndexId::Series(key), i64::MAX, SERIES_MAX)?;
        let id = |item| InstrumentId(u32::try_from(item).unwrap_or(u32::MAX));
        Ok(entries.into_iter().map(|(_, item)| id(item)).collect())
    }

    /// Ends an account's orders on a series and settles its positions; how many holdings went.
    fn settle_account(
        &mut self,
        account: AccountId,
        series: &[InstrumentId],
        key: ExpiryKey,
        price: Price,
        work: &mut Work,
    ) -> Outcome<u32> {
        let count = self.state.account(account)?.holdings;
        self.state.holdings.tidy_account(account, count);
        let held = self.state.holdings.instruments(account, count)?;
        work.spend(1 + held.len());
        let mut orders = 0;
        let mut mine = Vec::new();
        for instrument in held {
            // Every holding is touched: only all of them show which ones there are.
            let holding = self.state.holding_or_empty(account, instrument)?;
            if series.binary_search(&instrument).is_ok() {
                orders += holding.orders;
                mine.push(instrument);
            }
        }
        if orders > 0 {
            self.end_series_orders(account, series, work)?;
        }
        for instrument in &mine {
            self.settle_position(account, *instrument, key, price)?;
        }
        if !mine.is_empty() {
            // What positions were worth is cash now, which a floor would not count.
            self.drop_floor(account)?;
            self.note_change(account)?;
        }
        Ok(u32::try_from(mine.len()).unwrap_or(u32::MAX))
    }

    fn end_series_orders(
        &mut self,
        account: AccountId,
        series: &[InstrumentId],
        work: &mut Work,
    ) -> Outcome<()> {
        let ids = self.orders_of(account)?;
        work.spend(ids.len());
        for id in ids {
            // Ending one may have ended others, linked with it.
            let order = match self.state.orders.touch(Slot(id.slot()))? {
                Some(order) if order.id == id => *order,
                _ => continue,
            };
            if series.binary_search(&order.instrument).is_ok() {
                self.end_order(&order, CancelReason::Expiry)?;
            }
        }
        Ok(())
    }

    /// Settles a position, if the holding is still there, and drops it.
    fn settle_position(
        &mut self,
        account: AccountId,
        instrument: InstrumentId,
        key: ExpiryKey,
        price: Price,
    ) -> Outcome<()> {
        let Some(holding) = *self.state.holdings.touch(HoldingKey { account, instrument })? else {
            // Ending its orders has emptied it.
            return Ok(());
        };
        assert!(holding.orders == 0, "its orders have ended");
        let contract = self.state.instrument(instrument)?.contract;
        let (worth, cost_nano) = match contract {
            Contract::Option { strike, side, .. } => {
                let payoff = option_payoff(side, strike.0, price.0);
                assert!(payoff.is_ok(), "prices and strikes are positive");
                (Price(payoff.unwrap_or(0)), 0)
            }
            _ => (price, holding.cost_nano),
        };
        let worth_nano = notional_nano(worth, holding.lots);
        let received_nano = worth_nano - cost_nano;
        let received = floor_div(received_nano, LOTS_PER_UNIT);
        let dust_nano = received_nano - i128::from(received) * i128::from(LOTS_PER_UNIT);
        self.expiry(key)?.paid_nano += worth_nano;
        self.state.account(account)?.cash += Usd(received);
        self.state.add_dust(i64::try_from(dust_nano).unwrap_or(0))?;
        let longs = Lots(holding.lots.0.max(0));
        self.state.instrument(instrument)?.open_interest -= longs;
        let lots = holding.lots;
        if let Some(holding) = self.state.holdings.touch(HoldingKey { account, instrument })? {
            holding.lots = Lots::ZERO;
        }
        self.state.drop_if_empty(account, instrument)?;
        let amount = Usd(received);
        self.events.push(Event::Settled { account, instrument, lots, amount });
        Ok(())
    }

    /// Deletes every leaf of an expiry that nobody holds anything of.
    fn delete_expiry(
        &mut self,
        key: ExpiryKey,
        series: &[InstrumentId],
        price: Price,
    ) -> Outcome<()> {
        assert!(self.expiry(key)?.paid_nano == 0, "longs were paid what shorts paid (C1)");
        for instrument in series {
            self.delist(*instrument)?;
            self.events.push(Event::Expired { instrument: *instrument, price });
        }
        self.state.entries.remove(IndexId::Expiries(key.underlying), key.expiry.0, 0)?;
        *self.state.expiries.touch(key)? = None;
        Ok(())
    }
}
