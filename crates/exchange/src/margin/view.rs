//! An account as margin sees it: its positions and open orders with everything needed to value
//! them, copied out of the leaves.
//!
//! A view is a value: what-if questions ("with this order", "after this fill") change a copy and
//! ask again, and nothing of the state moves. Legs are sorted by underlying, then by expiry with
//! perpetuals first, then by kind, strike and side, so that what is margined together lies
//! together.
//!
//! Invariant: [`View::fill`] does to the view exactly what `account::fill` does to the account, so
//! that a fill that was checked here has the checked outcome.

use super::portfolio::{LegOrder, Scenarios};
use crate::engine::Exchange;
use crate::formula::fee::{OptionFee, linear_fee, liquidation_fee, notional_fee_nano, option_fee};
use crate::formula::order_margin::OpenSide;
use crate::formula::{FormulaError, LOTS_PER_UNIT};
use crate::state::Outcome;
use crate::state::key::HoldingKey;
use crate::state::leaves::Holding;
use alloc::vec::Vec;
use lockstep_types::command::MarginMode;
use lockstep_types::ids::{AccountId, InstrumentId, UnderlyingId};
use lockstep_types::instrument::{Contract, OptionSide};
use lockstep_types::order::Side;
use lockstep_types::params::{StandardMarginParams, VenueParams};
use lockstep_types::units::{Lots, Price, notional_nano};

/// What an account has in one instrument, and what that is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Leg {
    pub(crate) instrument: InstrumentId,
    pub(crate) underlying: UnderlyingId,
    pub(crate) contract: Contract,
    /// Whether it has expired and waits to be paid: then its value is certain.
    pub(crate) expired: bool,
    /// Whether the index of its underlying is stale (P5).
    pub(crate) stale: bool,
    /// Position, signed.
    pub(crate) lots: i64,
    /// What the position cost, signed like it.
    pub(crate) cost_nano: i128,
    /// Funding that the position owes since it was last paid; negative: it is owed (P6).
    pub(crate) funding_due_nano: i128,
    /// What the standard model's shares of a perpetual or future are multiplied by.
    pub(crate) factor_ppm: i64,
    /// Mark, index and forward in micro-USD per unit. With portfolio margin an option's mark is its
    /// model price, which the scenarios are relative to and no book can pull.
    pub(crate) mark: i64,
    /// The highest mark that orders can give it within the block.
    pub(crate) mark_max: i64,
    pub(crate) spot: i64,
    pub(crate) forward: i64,
    /// Open orders, sleeping ones not included.
    pub(crate) buys: OpenSide,
    pub(crate) sells: OpenSide,
}

/// By what an account pays fees, in ppm.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Rates {
    pub(crate) maker_ppm: i64,
    pub(crate) taker_ppm: i64,
    pub(crate) liquidation_ppm: i64,
    /// Of an option's premium (F1).
    pub(crate) cap_ppm: i64,
}

impl Rates {
    /// The rates of a fee tier (F1).
    pub(crate) fn of(venue: &VenueParams, tier: u8) -> Self {
        let tier = venue.fee_tiers.get(usize::from(tier)).or(venue.fee_tiers.last());
        Self {
            maker_ppm: tier.map_or(0, |tier| tier.maker.0),
            taker_ppm: tier.map_or(0, |tier| tier.taker.0),
            liquidation_ppm: venue.liquidation_fee.0,
            cap_ppm: venue.option_fee_cap.0,
        }
    }
}

/// Which fee a fill costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FeeKind {
    Maker,
    /// The dearer of maker and taker: who it will be is not known yet.
    Either,
    Liquidation,
    /// None: a position that moves outside of any book.
    None,
}

/// An account, ready to be margined.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct View {
    pub(crate) mode: MarginMode,
    pub(crate) cash: i64,
    pub(crate) rates: Rates,
    pub(crate) params: StandardMarginParams,
    /// Sorted as the module says.
    pub(crate) legs: Vec<Leg>,
    /// What only portfolio margin needs; `None` with the standard model.
    pub(crate) scenarios: Option<Scenarios>,
}

impl Leg {
    /// By what legs are sorted: underlying, expiry (perpetuals first), linear first, strike, side,
    /// id.
    fn order(&self) -> (UnderlyingId, i64, bool, i64, bool, InstrumentId) {
        let (option, expiry, strike, put) = match self.contract {
            Contract::Perpetual => (false, 0, 0, false),
            Contract::Future { expiry } => (false, expiry.0, 0, false),
            Contract::Option { expiry, strike, side } => {
                (true, expiry.0, strike.0, side == OptionSide::Put)
            }
        };
        (self.underlying, expiry, option, strike, put, self.instrument)
    }

    /// Whether two legs are margined together in the standard model: options of one expiry.
    pub(crate) fn pairs_with(&self, other: &Self) -> bool {
        self.underlying == other.underlying
            && self.contract.is_option()
            && other.contract.is_option()
            && self.contract.expiry() == other.contract.expiry()
    }

    /// Whether anything of it can still fill.
    pub(crate) fn has_orders(&self) -> bool {
        self.buys.lots > 0 || self.sells.lots > 0
    }

    pub(crate) fn open_mut(&mut self, side: Side) -> &mut OpenSide {
        match side {
            Side::Buy => &mut self.buys,
            Side::Sell => &mut self.sells,
        }
    }

    /// The side that closes the position; `None` without one.
    pub(crate) fn closing_side(&self) -> Option<Side> {
        match self.lots {
            0 => None,
            1.. => Some(Side::Sell),
            _ => Some(Side::Buy),
        }
    }

    /// The fee of a fill, never negative.
    pub(crate) fn fee(&self, lots: i64, price: i64, rates: &Rates, kind: FeeKind) -> i64 {
        fee_of(self.contract.is_option(), self.spot, lots, price, rates, kind)
    }

    /// What the fee of an order can be at most, whatever else of its side fills: the cap of an
    /// option's fee is on all premiums of a side together, so each order counts at the dearer of
    /// the two.
    pub(crate) fn fee_at_most(
        &self,
        lots: i64,
        price: i64,
        rates: &Rates,
    ) -> Result<i64, FormulaError> {
        let rate_ppm = rates.taker_ppm.max(rates.maker_ppm);
        let fee = linear_fee(price, lots, rate_ppm)?;
        if !self.contract.is_option() {
            return Ok(fee.max(0));
        }
        let premium_nano = notional_nano(Price(price), Lots(lots));
        let capped = notional_fee_nano(premium_nano, rates.cap_ppm)?;
        Ok(linear_fee(self.spot, lots, rate_ppm)?.max(capped))
    }

    /// Moves signed lots at a price; what it brings to cash, before fees. As `Holding::fill`.
    fn trade(&mut self, lots: i64, price: i64) -> i64 {
        let before = self.lots;
        let paid_nano = notional_nano(Price(price), Lots(lots));
        self.lots = before.saturating_add(lots);
        if self.contract.is_option() {
            return floored(-paid_nano);
        }
        if before.signum() * lots.signum() >= 0 {
            self.cost_nano += paid_nano;
            return 0;
        }
        let closed = before.abs().min(lots.abs());
        let part = match closed == before.abs() {
            true => self.cost_nano,
            false => -((-self.cost_nano * i128::from(closed)).div_euclid(i128::from(before.abs()))),
        };
        let got_nano = notional_nano(Price(price), Lots(closed * before.signum()));
        self.cost_nano -= part;
        self.cost_nano += notional_nano(Price(price), Lots(lots + closed * before.signum()));
        floored(got_nano - part)
    }
}

/// The fee of a fill, never negative; `spot` counts for options only.
pub(crate) fn fee_of(
    option: bool,
    spot: i64,
    lots: i64,
    price: i64,
    rates: &Rates,
    kind: FeeKind,
) -> i64 {
    let rate_ppm = match kind {
        FeeKind::Maker => rates.maker_ppm,
        FeeKind::Either => rates.taker_ppm.max(rates.maker_ppm),
        FeeKind::Liquidation => rates.liquidation_ppm,
        FeeKind::None => return 0,
    };
    let premium_nano = notional_nano(Price(price), Lots(lots));
    let fee = match (option, kind) {
        (false, FeeKind::Liquidation) => liquidation_fee(price, lots, rate_ppm),
        (false, _) => linear_fee(price, lots, rate_ppm),
        (true, FeeKind::Liquidation) => liquidation_fee(spot, lots, rate_ppm)
            .and_then(|fee| Ok(fee.min(notional_fee_nano(premium_nano, rates.cap_ppm)?))),
        (true, _) => option_fee(&OptionFee {
            notional_nano: notional_nano(Price(spot), Lots(lots)),
            premium_nano,
            rate_ppm,
            cap_ppm: rates.cap_ppm,
        }),
    };
    // What does not fit cannot be paid.
    fee.unwrap_or(i64::MAX).max(0)
}

/// Micro-USD of nano-USD, floored; the nearest number if it does not fit.
fn floored(nano: i128) -> i64 {
    let micro = nano.div_euclid(i128::from(LOTS_PER_UNIT));
    i64::try_from(micro).unwrap_or(if micro < 0 { i64::MIN } else { i64::MAX })
}

impl View {
    /// Puts the legs in order.
    pub(crate) fn sort(&mut self) {
        self.legs.sort_unstable_by_key(Leg::order);
    }

    /// Where an instrument's leg is.
    pub(crate) fn place_of(&self, instrument: InstrumentId) -> Option<usize> {
        self.legs.iter().position(|leg| leg.instrument == instrument)
    }

    /// Whether any position lies on a frozen mark (P5).
    pub(crate) fn is_stale(&self) -> bool {
        self.legs.iter().any(|leg| leg.stale && leg.lots != 0)
    }

    /// Whether there is any position.
    pub(crate) fn has_positions(&self) -> bool {
        self.legs.iter().any(|leg| leg.lots != 0)
    }

    /// Adds an order to the open ones of a leg.
    pub(crate) fn open_order(&mut self, place: usize, side: Side, lots: Lots, limit: Price) {
        let open = self.legs[place].open_mut(side);
        open.lots = open.lots.saturating_add(lots.0);
        open.cost_nano += notional_nano(limit, lots);
        if let Some(scenarios) = &mut self.scenarios {
            scenarios.orders.push(LegOrder { place, lots: side.signed(lots).0, limit: limit.0 });
        }
    }

    /// Takes back the order that was opened last.
    pub(crate) fn close_order(&mut self, place: usize, side: Side, lots: Lots, limit: Price) {
        let open = self.legs[place].open_mut(side);
        open.lots = open.lots.saturating_sub(lots.0);
        open.cost_nano -= notional_nano(limit, lots);
        if let Some(scenarios) = &mut self.scenarios {
            scenarios.orders.pop();
        }
    }

    /// Fills signed lots of a leg at a price and pays the fee.
    pub(crate) fn fill(&mut self, place: usize, lots: i64, price: i64, kind: FeeKind) {
        let rates = self.rates;
        let leg = &mut self.legs[place];
        let fee = leg.fee(lots.saturating_abs(), price, &rates, kind);
        let moved = leg.trade(lots, price);
        self.cash = self.cash.saturating_add(moved).saturating_sub(fee);
    }
}

impl Exchange {
    /// An account's view, with legs for the instruments of `also` even if it has nothing there;
    /// `None` while anything in it has no mark yet.
    pub(crate) fn view(
        &mut self,
        account: AccountId,
        also: &[InstrumentId],
    ) -> Outcome<Option<View>> {
        let mode = self.state.account(account)?.mode;
        self.view_in(account, mode, also)
    }

    /// An account's view as if it were margined in `mode`.
    pub(crate) fn view_in(
        &mut self,
        account: AccountId,
        mode: MarginMode,
        also: &[InstrumentId],
    ) -> Outcome<Option<View>> {
        let record = *self.state.account(account)?;
        let venue = self.state.venue()?;
        let rates = Rates::of(venue, record.tier);
        let params = venue.standard_margin;
        self.state.holdings.tidy_account(account, record.holdings);
        let held = self.state.holdings.held(account, record.holdings)?;
        let mut legs = Vec::with_capacity(held.len() + also.len());
        for (instrument, position) in held {
            let key = HoldingKey { account, instrument };
            let holding = self.state.holdings.touch_at(key, position)?.unwrap_or_default();
            let matters = holding.lots != Lots::ZERO
                || holding.buy_lots != Lots::ZERO
                || holding.sell_lots != Lots::ZERO;
            if !matters && !also.contains(&instrument) {
                continue;
            }
            let Some(leg) = self.leg_in(mode, instrument, &holding)? else { return Ok(None) };
            legs.push(leg);
        }
        for instrument in also {
            if legs.iter().any(|leg| leg.instrument == *instrument) {
                continue;
            }
            let leg = self.leg_in(mode, *instrument, &Holding::default())?;
            let Some(leg) = leg else { return Ok(None) };
            legs.push(leg);
        }
        let cash = record.cash.0;
        let mut view = View { mode, cash, rates, params, legs, scenarios: None };
        view.sort();
        if mode == MarginMode::Portfolio {
            view.scenarios = Some(self.scenarios(account, &view.legs)?);
        }
        Ok(Some(view))
    }

    /// What a holding of an instrument is worth to the standard model; `None` while it has no mark.
    pub(crate) fn leg(&mut self, id: InstrumentId, holding: &Holding) -> Outcome<Option<Leg>> {
        self.leg_in(MarginMode::Standard, id, holding)
    }

    pub(crate) fn leg_in(
        &mut self,
        mode: MarginMode,
        id: InstrumentId,
        holding: &Holding,
    ) -> Outcome<Option<Leg>> {
        let instrument = *self.state.instrument(id)?;
        let marks = match mode {
            MarginMode::Standard => self.mark(id)?.zip(self.mark_max(id)?),
            MarginMode::Portfolio => self.model(id)?.map(|model| (model.price, model.price)),
        };
        let Some((mark, mark_max)) = marks else { return Ok(None) };
        let forward = match instrument.contract.is_option() {
            true => self.forward_of(id)?.unwrap_or(mark),
            false => mark,
        };
        let grown = match holding.lots {
            Lots::ZERO => Price::ZERO,
            _ => self.state.funding_index(id)? - holding.funding,
        };
        let now = self.state.totals()?.time;
        let factor_ppm = self.underlying_params(instrument.underlying)?.standard_factor.0;
        let underlying = self.underlying(instrument.underlying)?;
        Ok(Some(Leg {
            instrument: id,
            underlying: instrument.underlying,
            contract: instrument.contract,
            expired: instrument.contract.expiry().is_some_and(|expiry| expiry <= now),
            stale: underlying.stale,
            lots: holding.lots.0,
            cost_nano: holding.cost_nano,
            funding_due_nano: notional_nano(grown, holding.lots),
            factor_ppm,
            mark: mark.0,
            mark_max: mark_max.0,
            spot: underlying.index.0,
            forward: forward.0,
            buys: OpenSide { lots: holding.buy_lots.0, cost_nano: holding.buy_cost_nano },
            sells: OpenSide { lots: holding.sell_lots.0, cost_nano: holding.sell_cost_nano },
        }))
    }
}
