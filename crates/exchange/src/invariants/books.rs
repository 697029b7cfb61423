//! Books: levels in order, orders in levels, nothing crossed (C3).

use super::{At, Check, count, each};
use crate::book::queue::better;
use crate::engine::Exchange;
use crate::formula::tick::TickSchedule;
use crate::state::key::{LeafKey, LevelKey, Only, PlaceKey, Slot, UnderlyingKey};
use crate::state::leaves::{Instrument, Level, NONE, Order};
use crate::state::table::{Table, index};
use lockstep_types::command::Phase;
use lockstep_types::ids::InstrumentId;
use lockstep_types::order::Side;
use lockstep_types::units::TimeMs;

/// What walking the books found.
#[derive(Clone, Copy, Debug, Default)]
struct Walked {
    levels: usize,
    orders: usize,
}

impl Exchange {
    /// Walks every book by its links and compares with what there is.
    pub(super) fn check_books(&self) -> Check {
        let mut walked = Walked::default();
        each(&self.state.instruments, |id, instrument| {
            self.check_book(id, instrument, &mut walked)
        })?;
        let (mut levels, mut awake) = (0, 0);
        self.state.levels.each(&mut |_, _| levels += 1);
        self.state.orders.each(&mut |_, order| awake += usize::from(!order.asleep));
        let at = At::new("C3", LeafKey::Totals(Only));
        at.equal(count(levels), count(walked.levels), "every level is linked to")?;
        at.equal(count(awake), count(walked.orders), "every order that is awake is in one level")
    }

    fn check_book(&self, id: InstrumentId, instrument: &Instrument, walked: &mut Walked) -> Check {
        let at = At::new("C3", LeafKey::Instrument(id));
        let (bid, ask) = (instrument.best_bid, instrument.best_ask);
        // A series that has expired in an auction waits for its settlement as it is (M7).
        let now = self.state.totals.peek(Only).map_or(TimeMs::ZERO, |totals| totals.time);
        let expired = instrument.contract.expiry().is_some_and(|expiry| expiry <= now);
        let trades = self.looked_phase(instrument) < Phase::Auction && !expired;
        if bid != NONE && ask != NONE && trades {
            at.that(bid < ask, "a book in continuous trading is not crossed")?;
        }
        let ticks = self.looked_ticks(instrument);
        for side in [Side::Buy, Side::Sell] {
            let mut tick = instrument.best(side);
            let mut from = NONE;
            while tick != NONE {
                let key = LevelKey { instrument: id, side, tick };
                let at = At::new("C3", LeafKey::Level(key));
                let Some(level) = self.state.levels.peek(key) else {
                    return at.that(false, "a level that is linked to is present");
                };
                at.equal(from, level.better, "a level is linked both ways")?;
                let ordered = from == NONE || better(side, from, tick);
                at.that(ordered, "levels are linked best to worst")?;
                walked.levels += 1;
                walked.orders += self.check_level(key, level, ticks.as_ref())?;
                from = tick;
                tick = level.worse;
            }
        }
        Ok(())
    }

    /// Walks a level's queue; how many orders it has.
    fn check_level(
        &self,
        key: LevelKey,
        level: &Level,
        ticks: Option<&TickSchedule>,
    ) -> Result<usize, super::InvariantError> {
        let at = At::new("C3", LeafKey::Level(key));
        let (mut orders, mut lots) = (0, 0_i64);
        let orders_max = self.state.totals.peek(Only).map_or(0, |totals| index(totals.slots));
        let (mut slot, mut last) = (level.head, NONE);
        while slot != NONE {
            let at = At::new("C3", LeafKey::Order(Slot(slot)));
            let Some(order) = self.state.orders.peek(Slot(slot)) else {
                at.that(false, "a slot that is linked to holds an order")?;
                break;
            };
            at.that(is_at(order, key), "an order is in the level of its side and price")?;
            let Some(place) = self.state.places.peek(PlaceKey(Slot(slot))) else {
                at.that(false, "a booked order has a place in its queue")?;
                break;
            };
            let linked = last == NONE || place.previous == last;
            at.that(linked, "orders of a level are linked both ways")?;
            let shows = order.visible > 0 && order.visible <= order.left;
            at.that(shows, "an order shows some of what is left of it")?;
            at.that(order.left <= order.total, "no more is left of an order than there was")?;
            if let Some(price) = ticks.and_then(|ticks| ticks.price_of(key.tick).ok()) {
                at.equal(price, order.price.0, "an order's price is its tick's")?;
            }
            orders += 1;
            lots += i64::from(order.visible);
            last = slot;
            slot = place.next;
            if orders > orders_max {
                at.that(false, "a queue ends")?;
                break;
            }
        }
        at.equal(level.tail, last, "a level's tail is its last order")?;
        at.that(orders > 0, "a level has an order")?;
        at.equal(level.lots, lots, "a level counts its visible lots")?;
        Ok(orders)
    }

    /// The strictest phase that applies to an instrument (M7).
    fn looked_phase(&self, instrument: &Instrument) -> Phase {
        let underlying = self.state.underlyings.peek(instrument.underlying);
        let of_underlying = underlying
            .map_or(Phase::Continuous, |underlying| underlying.phase.max(underlying.pace));
        self.looked_totals().phase.max(of_underlying).max(instrument.phase)
    }

    fn looked_ticks(&self, instrument: &Instrument) -> Option<TickSchedule> {
        let params = self.state.underlying_params.peek(UnderlyingKey(instrument.underlying))?;
        let table = match instrument.contract.is_option() {
            true => &params.option_ticks,
            false => &params.linear_ticks,
        };
        TickSchedule::new(table.base.0, &table.steps).ok()
    }
}

fn is_at(order: &Order, key: LevelKey) -> bool {
    !order.asleep
        && order.instrument == key.instrument
        && order.side == key.side
        && order.tick == key.tick
}
