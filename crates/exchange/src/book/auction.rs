//! Auctions: orders collect, then all trade at one price (M7).
//!
//! When the strictest of the phases that apply to an instrument goes from auction or halt to
//! trading, its book is uncrossed: at the price of greatest volume (hidden lots count), then least
//! imbalance, then nearest to the reference, which is the mark, else the index, else the last
//! price, on the tick below. The best bid meets the best offer at that price, by visible slices as
//! in continuous trading, while both accept it; the order that arrived later is the taker. Where
//! two orders of one account meet, the later one is cancelled (M5). That and other ends of orders
//! can leave the book crossed, so all is repeated until it is not. The clear book of `lockstep-sim`
//! is the same in plain words.
//!
//! *Arrival*: a handle says when its order came, but one that was amended at the loss of its place
//! came again. Orders that rested before an auction do not cross each other, so of two that meet at
//! least one came in the auction, and it is enough to note the second arrival of orders that are
//! amended in an auction ([`crate::state::leaves::Extra::arrival`]).
//!
//! Work: one pass over the orders that cross for each of at most [`UNCROSS_ROUNDS_MAX`] rounds, and
//! at most [`UNCROSS_WORK_MAX`] fills and ends of orders. Beyond that, which takes icebergs of many
//! slices or accounts that cross themselves many times, whatever still crosses is cancelled, the
//! later order of two first.
//!
//! A series that has expired and waits for its settlement is not uncrossed.

use crate::account::fill::Fill;
use crate::engine::Exchange;
use crate::formula::auction::{Level, Uncross, uncross};
use crate::state::key::{ExtraKey, LevelKey, Slot};
use crate::state::leaves::{Extra, NO_GROUP, NONE, Order};
use crate::state::{Missing, Outcome};
use alloc::vec::Vec;
use lockstep_types::command::{Phase, PhaseReason, PhaseScope};
use lockstep_types::event::{CancelReason, Event, TradeKind};
use lockstep_types::ids::{InstrumentId, OrderId, UnderlyingId};
use lockstep_types::order::Side;
use lockstep_types::reject::{Reject, RejectCode};
use lockstep_types::units::{Lots, Price};

/// Fills and ends of orders in one uncrossing (L7).
pub const UNCROSS_WORK_MAX: u32 = 100_000;
/// Rounds of one uncrossing (L7).
pub const UNCROSS_ROUNDS_MAX: u32 = 100;

/// Whether orders trade on arrival in this phase.
const fn trades(phase: Phase) -> bool {
    matches!(phase, Phase::Continuous | Phase::ReduceOnly)
}

impl Exchange {
    /// Changes a phase; what begins to trade is uncrossed.
    ///
    /// # Errors
    /// Rejections: `UnknownUnderlying`, `UnknownInstrument`.
    pub(crate) fn set_phase(
        &mut self,
        scope: PhaseScope,
        phase: Phase,
        reason: PhaseReason,
    ) -> Outcome<()> {
        let before = self.phase_in(scope)?;
        self.change_phase(scope, before, phase, reason, |exchange| {
            match scope {
                PhaseScope::Venue => exchange.state.totals()?.phase = phase,
                PhaseScope::Underlying(id) => exchange.underlying(id)?.phase = phase,
                PhaseScope::Instrument(id) => exchange.state.instrument(id)?.phase = phase,
            }
            Ok(())
        })
    }

    /// Goes from one phase of a scope to another, which `set` notes; what begins to trade is
    /// uncrossed.
    pub(crate) fn change_phase(
        &mut self,
        scope: PhaseScope,
        before: Phase,
        phase: Phase,
        reason: PhaseReason,
        set: impl FnOnce(&mut Self) -> Outcome<()>,
    ) -> Outcome<()> {
        if before == phase {
            return Ok(());
        }
        // A stricter phase opens nothing, so nobody need be looked at.
        let instruments = match trades(phase) && !trades(before) {
            true => self.instruments_in(scope)?,
            false => Vec::new(),
        };
        set(self)?;
        self.events.push(Event::PhaseChanged { scope, phase, reason });
        let now = self.state.totals()?.time;
        for id in instruments {
            let instrument = *self.state.instrument(id)?;
            let expired = instrument.contract.expiry().is_some_and(|expiry| expiry <= now);
            if trades(self.phase_of(&instrument)?) && !expired {
                self.uncross(id)?;
            }
        }
        Ok(())
    }

    /// The phase of a scope by itself.
    fn phase_in(&mut self, scope: PhaseScope) -> Outcome<Phase> {
        match scope {
            PhaseScope::Venue => Ok(self.state.totals()?.phase),
            PhaseScope::Underlying(id) => {
                if id.0 >= self.state.totals()?.underlyings {
                    return Err(Reject::of(RejectCode::UnknownUnderlying).into());
                }
                Ok(self.underlying(id)?.phase)
            }
            PhaseScope::Instrument(id) => Ok(self.listed(id)?.phase),
        }
    }

    /// The listed instruments of a scope, by underlying, then perpetual, then by expiry and id.
    fn instruments_in(&mut self, scope: PhaseScope) -> Outcome<Vec<InstrumentId>> {
        let mut found = Vec::new();
        match scope {
            PhaseScope::Instrument(id) => found.push(id),
            PhaseScope::Underlying(id) => self.gather_instruments(id, &mut found)?,
            PhaseScope::Venue => {
                for id in 0..self.state.totals()?.underlyings {
                    self.gather_instruments(UnderlyingId(id), &mut found)?;
                }
            }
        }
        Ok(found)
    }

    fn gather_instruments(
        &mut self,
        id: UnderlyingId,
        found: &mut Vec<InstrumentId>,
    ) -> Outcome<()> {
        found.extend(self.underlying(id)?.perpetual);
        for key in self.expiries_of(id)? {
            found.extend(self.series_of_expiry(key)?);
        }
        Ok(())
    }

    /// Trades what crosses in a book at one price, until nothing crosses.
    fn uncross(&mut self, id: InstrumentId) -> Outcome<()> {
        // The same for all rounds: the first one's trades move the last price.
        let reference = self.reference(id)?;
        let mut work_left = UNCROSS_WORK_MAX;
        for _ in 0..UNCROSS_ROUNDS_MAX {
            let Some((price, found)) = self.uncrossing(id, reference)? else { return Ok(()) };
            let lots = self.match_at(id, price, &mut work_left)?;
            if lots > Lots::ZERO {
                self.events.push(Event::Uncrossed {
                    instrument: id,
                    price,
                    lots,
                    imbalance: Lots(found.imbalance_lots),
                });
            }
        }
        self.end_crossing(id)
    }

    /// The price that an uncrossing is drawn to; zero if there is none.
    fn reference(&mut self, id: InstrumentId) -> Outcome<Price> {
        let instrument = *self.state.instrument(id)?;
        if let Some(mark) = self.mark(id)? {
            return Ok(mark);
        }
        Ok(match self.index_or_zero(instrument.underlying)? {
            Price::ZERO => instrument.last,
            index => index,
        })
    }

    /// At which price and how a book would uncross now; `None` if it is not crossed.
    fn uncrossing(
        &mut self,
        id: InstrumentId,
        reference: Price,
    ) -> Outcome<Option<(Price, Uncross)>> {
        let instrument = *self.state.instrument(id)?;
        let (bid, ask) = (instrument.best_bid, instrument.best_ask);
        if bid == NONE || ask == NONE || bid < ask {
            return Ok(None);
        }
        let ticks = self.ticks(&instrument)?;
        let floor = ticks.price_floor(reference.0).unwrap_or(0);
        let reference = ticks.level_of(floor).unwrap_or(0);
        let mut sides = [Vec::new(), Vec::new()];
        for (side, levels) in [Side::Buy, Side::Sell].into_iter().zip(&mut sides) {
            let end = match side {
                Side::Buy => ask,
                Side::Sell => bid,
            };
            for (tick, lots) in self.lots_to(id, side, end)? {
                levels.push(Level { tick, lots });
            }
        }
        let found = uncross(&sides[0], &sides[1], reference);
        assert!(found.is_ok(), "levels are linked best to worst, and their lots are bounded");
        let Some(found) = found.unwrap_or(None) else { return Ok(None) };
        let price = ticks.price_of(found.tick);
        assert!(price.is_ok(), "a tick between two orders' has a price");
        Ok(price.ok().map(|price| (Price(price), found)))
    }

    /// Ticks and lots, hidden ones included, of a side's levels down to `end`, best first.
    fn lots_to(&mut self, id: InstrumentId, side: Side, end: u32) -> Outcome<Vec<(u32, i64)>> {
        let mut found = Vec::new();
        let mut tick = self.state.instrument(id)?.best(side);
        while super::queue::crosses(side.opposite(), end, tick) {
            let level = *self.state.levels.get(LevelKey { instrument: id, side, tick })?;
            let (mut slot, mut lots) = (level.head, 0);
            while slot != NONE {
                lots += i64::from(self.state.order(Slot(slot))?.left);
                slot = self.state.behind(Slot(slot))?;
            }
            found.push((tick, lots));
            tick = level.worse;
        }
        Ok(found)
    }

    /// The order of a side that trades first.
    fn front(&mut self, id: InstrumentId, side: Side) -> Outcome<Option<Order>> {
        let tick = self.state.instrument(id)?.best(side);
        if tick == NONE {
            return Ok(None);
        }
        let head = self.state.levels.get(LevelKey { instrument: id, side, tick })?.head;
        Ok(Some(*self.state.order(Slot(head))?))
    }

    /// The two orders that cross first, the earlier one first, if both accept `price`; `None` for
    /// any price.
    fn crossing(
        &mut self,
        id: InstrumentId,
        price: Option<Price>,
    ) -> Outcome<Option<(Order, Order)>> {
        let (bid, ask) = (self.front(id, Side::Buy)?, self.front(id, Side::Sell)?);
        let (Some(bid), Some(ask)) = (bid, ask) else { return Ok(None) };
        let accepted = price.is_none_or(|price| bid.price >= price && ask.price <= price);
        if bid.tick < ask.tick || !accepted {
            return Ok(None);
        }
        let (bid_came, ask_came) = (self.arrival(&bid)?, self.arrival(&ask)?);
        assert!(bid_came != ask_came, "no two orders arrive at once");
        Ok(Some(if bid_came < ask_came { (bid, ask) } else { (ask, bid) }))
    }

    /// Matches the best orders at a price while both accept it; the lots that traded.
    fn match_at(&mut self, id: InstrumentId, price: Price, work_left: &mut u32) -> Outcome<Lots> {
        let mut traded = Lots::ZERO;
        while let Some((earlier, later)) = self.crossing(id, Some(price))? {
            if *work_left == 0 {
                break;
            }
            *work_left -= 1;
            let lots = earlier.visible.min(later.visible);
            if earlier.account == later.account {
                self.end_order(&later, CancelReason::SelfTrade)?;
            } else if !self.maker_can_fill(&earlier, lots)? {
                self.end_order(&earlier, CancelReason::Margin)?;
            } else if !self.maker_can_fill(&later, lots)? {
                self.end_order(&later, CancelReason::Margin)?;
            } else {
                self.trade_resting(&earlier, &later, lots, price)?;
                traded += Lots(i64::from(lots));
            }
        }
        Ok(traded)
    }

    /// Cancels what still crosses.
    fn end_crossing(&mut self, id: InstrumentId) -> Outcome<()> {
        while let Some((_, later)) = self.crossing(id, None)? {
            self.end_order(&later, CancelReason::Limit)?;
        }
        Ok(())
    }

    /// One fill of two resting orders; the later one is the taker.
    fn trade_resting(
        &mut self,
        earlier: &Order,
        later: &Order,
        lots: u32,
        price: Price,
    ) -> Outcome<()> {
        let fill = Fill {
            instrument: earlier.instrument,
            price,
            lots: Lots(i64::from(lots)),
            taker_side: later.side,
            taker: later.account,
            maker: earlier.account,
            taker_order: later.id,
            maker_order: earlier.id,
            kind: TradeKind::Auction,
        };
        let mut rests = [*earlier, *later];
        for (order, rest) in [earlier, later].into_iter().zip(&mut rests) {
            *rest = self.state.take_lots(order, lots)?;
            self.close_open(order, lots, rest.left == 0)?;
        }
        let (trade, [later_reduces, earlier_reduces]) = self.settle_fill(&fill)?;
        self.events.push(Event::Trade(trade));
        for rest in rests.iter().filter(|rest| rest.left > 0 && rest.visible == 0) {
            self.refresh_iceberg(rest)?;
        }
        for (order, rest) in [earlier, later].into_iter().zip(&rests) {
            if order.has_extra {
                self.order_filled(order, rest, lots)?;
            }
        }
        for (order, reduces) in [(earlier, earlier_reduces), (later, later_reduces)] {
            if reduces {
                self.shrink_reduce_only(order.account, order.instrument)?;
            }
            if order.group != NO_GROUP {
                self.count_protection(order, &trade)?;
            }
        }
        Ok(())
    }

    /// When an order arrived, to compare with others that it meets in an auction; see the module.
    fn arrival(&mut self, order: &Order) -> Outcome<u64> {
        if !order.has_extra {
            return Ok(order.id.0);
        }
        let key = ExtraKey(Slot(order.id.slot()));
        match self.state.extras.touch(key)? {
            Some(extra) if extra.arrival != 0 => Ok(extra.arrival),
            Some(_) => Ok(order.id.0),
            None => {
                assert!(self.state.partial, "an order that says so has an extra");
                Err(Missing::leaf(key).into())
            }
        }
    }

    /// Notes that an order comes into an auction's book again; gives its extra.
    pub(crate) fn arrive_again(&mut self, order: &Order, extra: Option<Extra>) -> Outcome<Extra> {
        let signer = self.state.account(order.account)?.owner;
        let totals = self.state.totals()?;
        // Arrivals share the numbers of orders, and no two have the same.
        totals.orders += 1;
        let arrival = OrderId::new(totals.orders, order.id.slot()).0;
        let extra = extra.unwrap_or_else(|| Extra { signer, ..Extra::default() });
        Ok(Extra { arrival, ..extra })
    }
}
