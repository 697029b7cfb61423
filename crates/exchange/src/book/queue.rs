//! Orders in levels: joining at the back, leaving from anywhere.

use crate::state::key::{LevelKey, PlaceKey, Slot};
use crate::state::leaves::{Instrument, Level, NONE, Order, QueuePlace};
use crate::state::table::NO_HINT;
use crate::state::{Missing, State, Touch};
use lockstep_types::ids::InstrumentId;
use lockstep_types::order::Side;

/// Whether a price is better than another for the orders of `side`, in ticks.
#[inline]
pub(crate) fn better(side: Side, tick: u32, than: u32) -> bool {
    match side {
        Side::Buy => tick > than,
        Side::Sell => tick < than,
    }
}

/// Whether a resting order at `resting` satisfies an incoming one of `side` with limit `limit`.
#[inline]
pub(crate) fn crosses(side: Side, limit: u32, resting: u32) -> bool {
    resting != NONE && !better(side, resting, limit)
}

impl Instrument {
    /// Tick of the best level of a side, or [`NONE`].
    #[inline(always)]
    pub(crate) fn best(&self, side: Side) -> u32 {
        match side {
            Side::Buy => self.best_bid,
            Side::Sell => self.best_ask,
        }
    }

    #[inline]
    fn best_mut(&mut self, side: Side) -> &mut u32 {
        match side {
            Side::Buy => &mut self.best_bid,
            Side::Sell => &mut self.best_ask,
        }
    }
}

fn level_key(order: &Order) -> LevelKey {
    LevelKey { instrument: order.instrument, side: order.side, tick: order.tick }
}

impl State {
    /// The instrument of a book that is known to exist.
    #[inline(always)]
    pub(crate) fn instrument(&mut self, id: InstrumentId) -> Touch<&mut Instrument> {
        match self.instruments.touch(id)? {
            Some(instrument) => Ok(instrument),
            None => {
                assert!(self.partial, "an instrument with orders is listed");
                Err(Missing::leaf(id))
            }
        }
    }

    /// The order in a slot that is known to be in use.
    #[inline(always)]
    pub(crate) fn order(&mut self, slot: Slot) -> Touch<&mut Order> {
        match self.orders.touch(slot)? {
            Some(order) => Ok(order),
            None => {
                assert!(self.partial, "a slot that is linked to holds an order");
                Err(Missing::leaf(slot))
            }
        }
    }

    /// Puts an order at the back of its level and into its slot.
    #[inline]
    pub(crate) fn enqueue(&mut self, order: Order) -> Touch<()> {
        assert!(order.visible > 0 && order.visible <= order.left, "a resting order shows lots");
        let key = level_key(&order);
        let slot = order.id.slot();
        let visible = i64::from(order.visible);
        let mut hint = self.levels.position(key).unwrap_or(NO_HINT);
        let level = match hint {
            NO_HINT => self.levels.find(key)?,
            _ => self.levels.at(hint, key)?,
        };
        let mut previous = NONE;
        if let Some(level) = level {
            previous = level.tail;
            level.tail = slot;
            level.lots += visible;
            self.places.place(PlaceKey(Slot(previous)))?.next = slot;
        } else {
            hint = self.open_level(key, slot, visible)?;
        }
        let place = QueuePlace { next: NONE, previous };
        self.places.put(PlaceKey(Slot(slot)), place, hint)?;
        *self.orders.touch(Slot(slot))? = Some(order);
        Ok(())
    }

    /// The slot behind a booked order in its queue, or [`NONE`].
    pub(crate) fn behind(&mut self, slot: Slot) -> Touch<u32> {
        Ok(self.places.place(PlaceKey(slot))?.next)
    }

    /// Opens a level with one order and links it between its neighbours.
    fn open_level(&mut self, key: LevelKey, slot: u32, visible: i64) -> Touch<u32> {
        let best = self.instrument(key.instrument)?.best(key.side);
        let at = |tick| LevelKey { tick, ..key };
        let missing = |tick| Missing::leaf(at(tick));
        let leads = best == NONE || better(key.side, key.tick, best);
        let mut better_tick = NONE;
        let mut worse_tick = best;
        if !leads {
            // The best level is better than this one, so there is one to link behind.
            better_tick = self.levels.better_than(key).ok_or_else(|| missing(best))?;
            let level = self.levels.get(at(better_tick))?;
            worse_tick = level.worse;
            level.worse = key.tick;
        } else {
            *self.instrument(key.instrument)?.best_mut(key.side) = key.tick;
        }
        if worse_tick != NONE {
            if !better(key.side, key.tick, worse_tick) {
                // A partial state knew too few levels to find the true neighbour.
                return Err(missing(worse_tick));
            }
            self.levels.get(at(worse_tick))?.better = key.tick;
        }
        let level =
            Level { better: better_tick, worse: worse_tick, head: slot, tail: slot, lots: visible };
        self.levels.put(key, level)
    }

    /// The level of a booked order, by the hint beside its place if there is one.
    #[inline(always)]
    pub(crate) fn level_of(&mut self, order: &Order) -> Touch<&mut Level> {
        let hint = self.places.hint(PlaceKey(Slot(order.id.slot())));
        self.level_at(hint, level_key(order))
    }

    #[inline(always)]
    fn level_at(&mut self, hint: u32, key: LevelKey) -> Touch<&mut Level> {
        let level = match hint {
            NO_HINT => self.levels.find(key)?,
            _ => self.levels.at(hint, key)?,
        };
        match level {
            Some(level) => Ok(level),
            None => {
                assert!(self.partial, "a booked order has a level");
                Err(Missing::leaf(key))
            }
        }
    }

    /// Takes an order out of its level. Its slot still holds it; see [`State::forget_order`].
    #[inline]
    pub(crate) fn dequeue(&mut self, order: &Order) -> Touch<()> {
        let key = level_key(order);
        let slot = order.id.slot();
        let (place, hint) = self.places.take(PlaceKey(Slot(slot)))?;
        let level = self.level_at(hint, key)?;
        if level.head == level.tail {
            return self.close_level(key);
        }
        level.lots -= i64::from(order.visible);
        if level.head == slot {
            level.head = place.next;
            return Ok(());
        }
        if level.tail == slot {
            level.tail = place.previous;
            self.places.place(PlaceKey(Slot(place.previous)))?.next = NONE;
            return Ok(());
        }
        self.places.place(PlaceKey(Slot(place.previous)))?.next = place.next;
        self.places.place(PlaceKey(Slot(place.next)))?.previous = place.previous;
        Ok(())
    }

    /// Unlinks and drops a level whose last order leaves.
    fn close_level(&mut self, key: LevelKey) -> Touch<()> {
        let level = self.levels.get(key)?;
        assert!(level.head == level.tail, "the last order leaves");
        let (better_tick, worse_tick) = (level.better, level.worse);
        if better_tick == NONE {
            let best = self.instrument(key.instrument)?.best_mut(key.side);
            assert!(*best == key.tick, "the level without a better one is the best");
            *best = worse_tick;
        } else {
            self.levels.get(LevelKey { tick: better_tick, ..key })?.worse = worse_tick;
        }
        if worse_tick != NONE {
            self.levels.get(LevelKey { tick: worse_tick, ..key })?.better = better_tick;
        }
        self.levels.drop_level(key);
        Ok(())
    }

    /// Empties an order's slot and gives it back.
    #[inline]
    pub(crate) fn forget_order(&mut self, order: &Order) -> Touch<()> {
        let slot = Slot(order.id.slot());
        *self.orders.touch(slot)? = None;
        self.give_slot(slot)
    }
}
