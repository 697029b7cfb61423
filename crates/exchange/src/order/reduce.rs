//! Reduce-only orders shrink with the position that they reduce (M3).

use super::admission::REDUCE_ONLY_MAX;
use crate::engine::Exchange;
use crate::state::Outcome;
use crate::state::key::{HoldingKey, IndexId, Slot};
use crate::state::leaves::Order;
use lockstep_types::event::{CancelReason, Event};
use lockstep_types::ids::{AccountId, InstrumentId, OrderId};
use lockstep_types::order::Side;
use lockstep_types::units::Lots;

impl Exchange {
    /// Shrinks an account's reduce-only orders on an instrument to its position, oldest first: at
    /// most [`REDUCE_ONLY_MAX`].
    pub(crate) fn shrink_reduce_only(
        &mut self,
        account: AccountId,
        instrument: InstrumentId,
    ) -> Outcome<()> {
        let holding = self.state.holding_or_empty(account, instrument)?;
        if holding.reduce_only == 0 {
            return Ok(());
        }
        let index = IndexId::ReduceOnly(HoldingKey { account, instrument });
        let most = usize::try_from(REDUCE_ONLY_MAX).unwrap_or(usize::MAX);
        for (_, item) in self.state.entries.up_to(index, i64::MAX, most)? {
            let id = OrderId(item);
            // Ending one may have ended others, linked with it.
            let order = match self.state.orders.touch(Slot(id.slot()))? {
                Some(order) if order.id == id => *order,
                _ => continue,
            };
            let reducible = match order.side {
                Side::Buy => -holding.lots.0,
                Side::Sell => holding.lots.0,
            };
            if reducible <= 0 && !order.asleep {
                self.end_order(&order, CancelReason::ReduceOnly)?;
            } else if !order.asleep && reducible < i64::from(order.left) {
                let left = u32::try_from(reducible).unwrap_or(u32::MAX);
                self.shrink(&order, order.left - left)?;
            }
        }
        Ok(())
    }

    /// Takes `lots` off a booked order, which keeps its place.
    pub(crate) fn shrink(&mut self, order: &Order, lots: u32) -> Outcome<()> {
        assert!(lots > 0 && lots < order.left && !order.asleep, "something of it stays booked");
        self.close_open(order, lots, false)?;
        self.shrink_booked(order, lots)?;
        self.events.push(Event::Amended {
            order: order.id,
            price: order.price,
            lots: Lots(i64::from(order.left - lots)),
            kept_priority: true,
        });
        Ok(())
    }

    /// The book's part of [`Self::shrink`].
    fn shrink_booked(&mut self, order: &Order, lots: u32) -> Outcome<()> {
        let key = crate::state::key::LevelKey {
            instrument: order.instrument,
            side: order.side,
            tick: order.tick,
        };
        let left = order.left - lots;
        let visible = order.visible.min(left);
        self.state.levels.get(key)?.lots -= i64::from(order.visible - visible);
        let booked = self.state.order(Slot(order.id.slot()))?;
        booked.left = left;
        booked.total -= lots;
        booked.visible = visible;
        Ok(())
    }
}
