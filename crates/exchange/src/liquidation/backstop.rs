//! The backstop auction: step 3 of the waterfall (R3); its prices are [`crate::formula::backstop`].
//!
//! An account that stays below maintenance for some blocks, or falls below two thirds of it, is on
//! offer: anybody may take a share of everything that it has, positions at mark and as much of its
//! equity in collateral, for a price that falls with time. Of a solvent account no more is sold
//! than brings it to its buffer, and the price goes to it. Of a bankrupt one insurance pays who
//! takes it over.
//!
//! Invariants: the taker covers what it needs after the slice, and keeps all limits; every leg
//! gives at least its share, so that nobody takes collateral without its risk; marks, not the
//! taker's word, value everything; a bid that is refused changes nothing.
//!
//! Deliberately absent: bids that wait. A price that suits nobody now falls until it does.

use super::Budget;
use crate::account::fill::Fill;
use crate::engine::Exchange;
use crate::formula::backstop::{
    BackstopParams, is_backstop, share_ppm_max, slice_collateral, slice_lots, slice_price,
    whole_price,
};
use crate::margin::model::Assessment;
use crate::margin::view::{FeeKind, View};
use crate::state::leaves::Holding;
use crate::state::{Fault, Outcome};
use alloc::vec::Vec;
use lockstep_types::command::Phase;
use lockstep_types::event::{Event, TradeKind};
use lockstep_types::ids::{AccountId, InstrumentId, OrderId};
use lockstep_types::order::Side;
use lockstep_types::reject::{Reject, RejectCode};
use lockstep_types::units::{Lots, Ppm, Price, TimeMs, Usd};

/// An account is on offer at once when its equity is below this part of its requirement.
const TRIGGER: (i64, i64) = (2, 3);

/// What a slice holds: signed lots of an instrument at mark.
#[derive(Clone, Copy, Debug)]
struct Moved {
    instrument: InstrumentId,
    lots: i64,
    price: i64,
}

/// A slice and what it costs.
#[derive(Clone, Debug)]
struct Slice {
    legs: Vec<Moved>,
    /// The account's share of its equity.
    cash: i64,
    /// What the taker pays; negative: what insurance pays the taker.
    price: i64,
}

fn refused(code: RejectCode, actual: i64, limit: i64) -> Fault {
    Reject::beyond(code, actual, limit).into()
}

impl Exchange {
    /// The auction's parameters.
    pub(super) fn backstop_params(&mut self) -> Outcome<BackstopParams> {
        let params = self.state.venue()?.backstop;
        Ok(BackstopParams {
            trigger_numerator: TRIGGER.0,
            trigger_denominator: TRIGGER.1,
            start_ppm: params.start.0,
            cut_ppm: params.cut.0,
            fast_ms: params.fast.0,
            slow_ms: params.slow.0,
            buffer_ppm: params.buffer.0,
            insolvent_ms: params.insolvent.0,
        })
    }

    /// Puts an account on offer that the books do not absorb.
    pub(super) fn offer_slices(
        &mut self,
        account: AccountId,
        _: &View,
        margin: &Assessment,
        _: &mut Budget,
    ) -> Outcome<()> {
        let params = self.backstop_params()?;
        let blocks = u64::from(self.state.venue()?.backstop.blocks);
        let totals = self.state.totals()?;
        let (height, now) = (totals.height, totals.time);
        let far = is_backstop(&params, margin.balance, margin.maintenance).unwrap_or(true);
        let record = self.liquidation(account)?;
        let waited = height.saturating_sub(record.height) >= blocks;
        record.insolvent = match (margin.equity < 0, record.insolvent) {
            (true, TimeMs::ZERO) => now,
            (true, since) => since,
            (false, _) => TimeMs::ZERO,
        };
        if record.auction != TimeMs::ZERO || !(far || waited) {
            return Ok(());
        }
        record.auction = now;
        self.events.push(Event::BackstopStarted {
            account,
            equity: Usd(margin.equity),
            maintenance: Usd(margin.maintenance),
        });
        Ok(())
    }

    /// Takes a slice of an account that is on offer.
    ///
    /// # Errors
    /// Rejections: `NoBackstop` if nothing of the account is on offer; `BelowMaintenance` for a
    /// bidder who is being liquidated itself; `StaleIndex`, `Halted`, `InstrumentLimit`,
    /// `PositionLimit`; `BidShare` with the share and what is on offer; `BidPrice` with the price
    /// and the bid; `InsufficientBalance` if insurance does not reach; `InsufficientMargin`.
    pub(crate) fn bid(
        &mut self,
        bidder: AccountId,
        offered: AccountId,
        share: Ppm,
        price_max: Usd,
    ) -> Outcome<()> {
        let closed = || Fault::from(Reject::of(RejectCode::NoBackstop));
        if offered.0 >= self.state.totals()?.accounts || offered == bidder {
            return Err(closed());
        }
        if !self.state.account(offered)?.liquidating {
            return Err(closed());
        }
        if self.state.account(bidder)?.liquidating {
            return Err(Reject::of(RejectCode::BelowMaintenance).into());
        }
        if self.liquidation(offered)?.auction == TimeMs::ZERO {
            return Err(closed());
        }
        let Some(view) = self.view(offered, &[])? else { return Err(closed()) };
        let margin = view.assess();
        if !view.has_positions() || !margin.is_below_maintenance() {
            return Err(closed());
        }
        if view.is_stale() {
            return Err(Reject::of(RejectCode::StaleIndex).into());
        }
        let slice = self.slice(offered, &view, &margin, share)?;
        if slice.price > price_max.0 {
            return Err(refused(RejectCode::BidPrice, slice.price, price_max.0));
        }
        if slice.price < 0 {
            let paid = self.insurance_for(offered, -slice.price)?;
            if paid < -slice.price {
                return Err(refused(RejectCode::InsufficientBalance, -slice.price, paid));
            }
        }
        self.check_taker(bidder, &slice)?;
        self.move_slice(bidder, offered, share, &slice)
    }

    /// What a share of an account is and costs now.
    fn slice(
        &mut self,
        offered: AccountId,
        view: &View,
        margin: &Assessment,
        share: Ppm,
    ) -> Outcome<Slice> {
        let params = self.backstop_params()?;
        let now = self.state.totals()?.time;
        let record = self.liquidation(offered)?;
        // An account that turned bankrupt within this block has been so since its beginning.
        let bankrupt = if record.insolvent == TimeMs::ZERO { now } else { record.insolvent };
        let since = if margin.equity < 0 { bankrupt } else { record.auction };
        let elapsed_ms = now.since(since).0;
        let (equity, maintenance) = (margin.equity, margin.maintenance);
        let most = share_ppm_max(&params, equity, maintenance, elapsed_ms).unwrap_or(0);
        if share.0 <= 0 || share.0 > most {
            return Err(refused(RejectCode::BidShare, share.0, most));
        }
        let mut legs = Vec::new();
        for leg in view.legs.iter().filter(|leg| leg.lots != 0 && !leg.expired) {
            let instrument = *self.state.instrument(leg.instrument)?;
            if self.phase_of(&instrument)? == Phase::Halted {
                return Err(Reject::of(RejectCode::Halted).into());
            }
            let lots = slice_lots(leg.lots, share.0).unwrap_or(leg.lots);
            legs.push(Moved { instrument: leg.instrument, lots, price: leg.mark });
        }
        let overflow = |_| Fault::from(Reject::of(RejectCode::Overflow));
        let whole = whole_price(&params, equity, maintenance, elapsed_ms).map_err(overflow)?;
        Ok(Slice {
            legs,
            cash: slice_collateral(equity, share.0).map_err(overflow)?,
            price: slice_price(whole, share.0).map_err(overflow)?,
        })
    }

    /// Checks that a taker can carry a slice.
    fn check_taker(&mut self, bidder: AccountId, slice: &Slice) -> Outcome<()> {
        let instruments: Vec<InstrumentId> =
            slice.legs.iter().map(|moved| moved.instrument).collect();
        let mut opened = 0;
        for moved in &slice.legs {
            let record = *self.state.instrument(moved.instrument)?;
            let holding = self.state.holding_or_empty(bidder, moved.instrument)?;
            opened += u32::from(holding == Holding::default());
            let reach = i128::from(holding.lots.0) + i128::from(moved.lots);
            let limit = self.underlying_params(record.underlying)?.position_lots_max.0;
            if reach.abs() > i128::from(limit) {
                let reach = i64::try_from(reach).unwrap_or(i64::MAX);
                return Err(refused(RejectCode::PositionLimit, reach, limit));
            }
        }
        let most = u32::from(self.state.venue()?.instruments_per_account_max);
        let reach = self.state.account(bidder)?.holdings + opened;
        if opened > 0 && reach > most {
            return Err(refused(RejectCode::InstrumentLimit, i64::from(reach), i64::from(most)));
        }
        let Some(mut view) = self.view(bidder, &instruments)? else {
            return Err(Reject::of(RejectCode::NoReference).into());
        };
        view.cash = view.cash.saturating_add(slice.cash).saturating_sub(slice.price);
        for moved in &slice.legs {
            let Some(place) = view.place_of(moved.instrument) else { continue };
            view.fill(place, moved.lots, moved.price, FeeKind::None);
        }
        let margin = view.assess();
        if margin.needed > margin.balance {
            return Err(refused(RejectCode::InsufficientMargin, margin.balance, margin.needed));
        }
        Ok(())
    }

    fn move_slice(
        &mut self,
        bidder: AccountId,
        offered: AccountId,
        share: Ppm,
        slice: &Slice,
    ) -> Outcome<()> {
        let (cash, price) = (Usd(slice.cash), Usd(slice.price));
        self.events.push(Event::BackstopTaken { account: offered, bidder, share, price, cash });
        if price < Usd::ZERO {
            let paid = self.pay_from_insurance(offered, bidder, -price.0)?;
            assert!(paid == -price.0, "insurance was asked before");
        } else {
            self.state.account(bidder)?.cash -= price;
            self.state.account(offered)?.cash += price;
        }
        self.state.account(bidder)?.cash += cash;
        self.state.account(offered)?.cash -= cash;
        for moved in &slice.legs {
            let taker_side = if moved.lots > 0 { Side::Buy } else { Side::Sell };
            self.move_position(&Fill {
                instrument: moved.instrument,
                price: Price(moved.price),
                lots: Lots(moved.lots.saturating_abs()),
                taker_side,
                taker: bidder,
                maker: offered,
                taker_order: OrderId(0),
                maker_order: OrderId(0),
                kind: TradeKind::Backstop,
            })?;
        }
        Ok(())
    }

    /// Moves a position from one account to another outside of any book.
    pub(super) fn move_position(&mut self, fill: &Fill) -> Outcome<()> {
        let (trade, shrunk) = self.settle_fill(fill)?;
        self.events.push(Event::Trade(trade));
        for (account, shrunk) in [fill.taker, fill.maker].into_iter().zip(shrunk) {
            if shrunk {
                self.shrink_reduce_only(account, fill.instrument)?;
            }
        }
        Ok(())
    }
}
