//! Holdings: a position and the open orders beside it, counted as orders come and go (L1, L2).

use crate::engine::Exchange;
use crate::state::key::{HoldingKey, IndexId, VenueKey};
use crate::state::leaves::{Account, Holding, Order};
use crate::state::{Missing, Outcome, State, Touch};
use lockstep_types::ids::{AccountId, InstrumentId};
use lockstep_types::order::Side;
use lockstep_types::params::VenueParams;
use lockstep_types::reject::{Reject, RejectCode};
use lockstep_types::units::{Lots, Price, notional_nano};

impl State {
    /// The venue's parameters.
    #[inline]
    pub(crate) fn venue(&mut self) -> Touch<&VenueParams> {
        match self.venue.touch(VenueKey)? {
            Some(params) => Ok(params),
            None => Err(Missing::leaf(VenueKey)),
        }
    }

    /// An account that is known to exist.
    #[inline]
    pub(crate) fn account(&mut self, id: AccountId) -> Touch<&mut Account> {
        match self.accounts.touch(id)? {
            Some(account) => Ok(account),
            None => {
                assert!(self.partial, "the account of an order or a position exists");
                Err(Missing::leaf(id))
            }
        }
    }

    /// A copy of a holding; the empty one if there is none.
    #[inline]
    pub(crate) fn holding_or_empty(
        &mut self,
        account: AccountId,
        instrument: InstrumentId,
    ) -> Touch<Holding> {
        Ok(self.holdings.touch(HoldingKey { account, instrument })?.unwrap_or_default())
    }

    /// The holding, made if need be and counted; new ones start at the perpetual's funding now.
    #[inline]
    pub(crate) fn make_holding(
        &mut self,
        account: AccountId,
        instrument: InstrumentId,
    ) -> Touch<&mut Holding> {
        let position = self.holding_position(account, instrument)?;
        Ok(self.holdings.at(position).get_or_insert_default())
    }

    /// Where the holding is that [`Self::make_holding`] gives.
    #[inline]
    pub(crate) fn holding_position(
        &mut self,
        account: AccountId,
        instrument: InstrumentId,
    ) -> Touch<usize> {
        let position = self.holdings.position(HoldingKey { account, instrument })?;
        if self.holdings.at(position).is_none() {
            self.open_holding(account, instrument, position)?;
        }
        Ok(position)
    }

    #[cold]
    fn open_holding(
        &mut self,
        account: AccountId,
        instrument: InstrumentId,
        position: usize,
    ) -> Touch<()> {
        self.account(account)?.holdings += 1;
        self.instrument(instrument)?.holders += 1;
        let funding = self.funding_index(instrument)?;
        *self.holdings.at(position) = Some(Holding { funding, ..Holding::default() });
        Ok(())
    }

    /// Deletes the holding if nothing is left of it.
    #[inline]
    pub(crate) fn drop_if_empty(
        &mut self,
        account: AccountId,
        instrument: InstrumentId,
    ) -> Touch<()> {
        let key = HoldingKey { account, instrument };
        let position = self.holdings.position(key)?;
        if !self.holdings.at(position).as_ref().is_some_and(Holding::is_empty) {
            return Ok(());
        }
        self.holdings.remove(key, position);
        self.account(account)?.holdings -= 1;
        self.instrument(instrument)?.holders -= 1;
        Ok(())
    }
}

/// The index that a reduce-only order is in, so that a fill need not look at all orders of an
/// account for the few that it may shrink.
fn reduce_only_index(order: &Order) -> IndexId {
    IndexId::ReduceOnly(HoldingKey { account: order.account, instrument: order.instrument })
}

impl Holding {
    /// Lots of open orders of one side.
    #[must_use]
    pub fn open_lots(&self, side: Side) -> Lots {
        match side {
            Side::Buy => self.buy_lots,
            Side::Sell => self.sell_lots,
        }
    }

    /// Adds (or, negative, takes away) open lots at a limit price.
    #[inline]
    pub(crate) fn change_open(&mut self, side: Side, lots: i64, price: Price) {
        let cost_nano = notional_nano(price, Lots(lots));
        match side {
            Side::Buy => {
                self.buy_lots += Lots(lots);
                self.buy_cost_nano += cost_nano;
            }
            Side::Sell => {
                self.sell_lots += Lots(lots);
                self.sell_cost_nano += cost_nano;
            }
        }
        assert!(self.buy_lots.0 >= 0 && self.sell_lots.0 >= 0, "open lots are what orders have");
    }
}

impl Exchange {
    /// Counts an order that is about to rest or sleep.
    #[inline]
    pub(crate) fn open_order(&mut self, order: &Order) -> Outcome<()> {
        self.spend_on_opening(order)?;
        self.count_in_sums(order)?;
        self.charge_floor(order)?;
        let state = &mut self.state;
        state.note_owned(order.account, order.id);
        state.totals()?.open_orders += 1;
        state.instrument(order.instrument)?.orders += 1;
        state.account(order.account)?.orders += 1;
        if order.reduce_only {
            state.entries.insert(reduce_only_index(order), 0, order.id.0)?;
        }
        let position = state.holding_position(order.account, order.instrument)?;
        state.holdings.note_order(order.id.slot(), position);
        let holding = state.holdings.at(position).get_or_insert_default();
        holding.orders += 1;
        holding.reduce_only += u32::from(order.reduce_only);
        if !order.asleep {
            holding.change_open(order.side, i64::from(order.left), order.price);
        }
        Ok(())
    }

    /// Uncounts `lots` of an order that was counted by [`Self::open_order`], and the order itself
    /// if it `ends`. Whether nothing is left of the holding, which stays for now: see
    /// [`State::drop_if_empty`].
    #[inline]
    pub(crate) fn close_open(&mut self, order: &Order, lots: u32, ends: bool) -> Outcome<bool> {
        self.spend_on_removal(order, lots)?;
        self.uncount_in_sums(order, lots, ends)?;
        self.release_floor(order, lots)?;
        let state = &mut self.state;
        let key = HoldingKey { account: order.account, instrument: order.instrument };
        let position = state.holdings.position_of_order(key, order.id.slot())?;
        let Some(holding) = state.holdings.at(position) else {
            assert!(state.partial, "an order's owner has a holding");
            return Err(Missing::leaf(key).into());
        };
        if !order.asleep {
            holding.change_open(order.side, -i64::from(lots), order.price);
        }
        if !ends {
            return Ok(false);
        }
        holding.orders -= 1;
        holding.reduce_only -= u32::from(order.reduce_only);
        let empty = holding.is_empty();
        if order.reduce_only {
            state.entries.remove(reduce_only_index(order), 0, order.id.0)?;
        }
        state.totals()?.open_orders -= 1;
        state.instrument(order.instrument)?.orders -= 1;
        state.account(order.account)?.orders -= 1;
        Ok(empty)
    }

    /// Checks that an account may have one more order, here (L1, L2).
    #[inline]
    pub(crate) fn check_order_count(
        &mut self,
        account: AccountId,
        record: &Account,
        instrument: InstrumentId,
    ) -> Outcome<()> {
        let rules = self.venue_rules()?;
        let (orders_max, instruments_max) = (rules.orders_max, rules.instruments_max);
        if record.orders >= orders_max {
            let (actual, limit) = (i64::from(record.orders), i64::from(orders_max));
            return Err(Reject::beyond(RejectCode::OrderLimit, actual, limit).into());
        }
        if record.holdings >= instruments_max {
            let key = HoldingKey { account, instrument };
            if self.state.holdings.touch(key)?.is_none() {
                let (actual, limit) = (i64::from(record.holdings), i64::from(instruments_max));
                return Err(Reject::beyond(RejectCode::InstrumentLimit, actual, limit).into());
            }
        }
        Ok(())
    }
}
