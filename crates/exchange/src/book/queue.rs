//! Orders in levels: joining at the back, leaving from anywhere.
//!
//! A level's `previous` links are meaningless at its head; that saves touching the next order
//! whenever a head is filled.

use crate::state::key::{LeafKey, LevelKey, Slot};
use crate::state::leaves::{Instrument, Level, NONE, Order};
use crate::state::{Fault, Outcome, State};
use alloc::boxed::Box;
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
    #[inline]
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
    #[inline]
    pub(crate) fn instrument(&mut self, id: InstrumentId) -> Outcome<&mut Instrument> {
        match self.instruments.touch(id)? {
            Some(instrument) => Ok(instrument),
            None => {
                assert!(self.partial, "an instrument with orders is listed");
                Err(Fault::Missing(Box::new(LeafKey::Instrument(id))))
            }
        }
    }

    /// The order in a slot that is known to be in use.
    #[inline]
    pub(crate) fn order(&mut self, slot: Slot) -> Outcome<&mut Order> {
        match self.orders.touch(slot)? {
            Some(order) => Ok(order),
            None => {
                assert!(self.partial, "a slot that is linked to holds an order");
                Err(Fault::Missing(Box::new(LeafKey::Order(slot))))
            }
        }
    }

    /// Puts an order at the back of its level and into its slot.
    #[inline]
    pub(crate) fn enqueue(&mut self, mut order: Order) -> Outcome<()> {
        assert!(order.visible > 0 && order.visible <= order.left, "a resting order shows lots");
        let key = level_key(&order);
        let slot = order.id.slot();
        let visible = i64::from(order.visible);
        if self.levels.present(key)? {
            let level = self.levels.get(key)?;
            order.previous = level.tail;
            level.tail = slot;
            level.lots += visible;
            level.orders += 1;
            let tail = Slot(order.previous);
            self.order(tail)?.next = slot;
        } else {
            self.open_level(key, slot, visible)?;
            order.previous = NONE;
        }
        order.next = NONE;
        *self.orders.touch(Slot(slot))? = Some(order);
        Ok(())
    }

    /// Opens a level with one order and links it between its neighbours.
    fn open_level(&mut self, key: LevelKey, slot: u32, visible: i64) -> Outcome<()> {
        let best = self.instrument(key.instrument)?.best(key.side);
        let at = |tick| LevelKey { tick, ..key };
        let missing = |tick| Fault::Missing(Box::new(LeafKey::Level(at(tick))));
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
        let level = Level {
            better: better_tick,
            worse: worse_tick,
            head: slot,
            tail: slot,
            lots: visible,
            orders: 1,
        };
        self.levels.put(key, level)
    }

    /// Takes an order out of its level. Its slot still holds it; see [`State::forget_order`].
    #[inline]
    pub(crate) fn dequeue(&mut self, order: &Order) -> Outcome<()> {
        let key = level_key(order);
        let slot = order.id.slot();
        let level = self.levels.get(key)?;
        level.lots -= i64::from(order.visible);
        level.orders -= 1;
        let (head, tail, left) = (level.head, level.tail, level.orders);
        if left == 0 {
            return self.close_level(key);
        }
        if head == slot {
            level.head = order.next;
            return Ok(());
        }
        if tail == slot {
            level.tail = order.previous;
            self.order(Slot(order.previous))?.next = NONE;
            return Ok(());
        }
        self.order(Slot(order.previous))?.next = order.next;
        self.order(Slot(order.next))?.previous = order.previous;
        Ok(())
    }

    /// Unlinks and drops a level whose last order has left.
    fn close_level(&mut self, key: LevelKey) -> Outcome<()> {
        let level = self.levels.get(key)?;
        assert!(level.lots == 0 && level.orders == 0, "an empty level shows nothing");
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
    pub(crate) fn forget_order(&mut self, order: &Order) -> Outcome<()> {
        let slot = Slot(order.id.slot());
        *self.orders.touch(slot)? = None;
        self.give_slot(slot)
    }
}
