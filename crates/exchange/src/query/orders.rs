//! Views of orders and books: what is open, in which order it trades, what sleeps and what is
//! linked (M1 to M3, M9).

use crate::engine::Exchange;
use crate::formula::tick::TickSchedule;
use crate::state::key::{ExtraKey, LevelKey, PlaceKey, ProtectionKey, Slot, UnderlyingKey};
use crate::state::leaves::{Extra, Link, NO_GROUP, NONE, Order, Protection};
use crate::state::table::Table;
use alloc::vec::Vec;
use lockstep_types::ids::{AccountId, GroupId, InstrumentId, LinkId, OrderId, UnderlyingId};
use lockstep_types::order::{Label, Side};
use lockstep_types::units::{Lots, Price, TimeMs};

/// An open order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrderView {
    /// Its handle.
    pub id: OrderId,
    /// Whose.
    pub account: AccountId,
    /// On what.
    pub instrument: InstrumentId,
    /// Which way.
    pub side: Side,
    /// Limit price; zero for a market order that sleeps.
    pub price: Price,
    /// Amount, what has filled included.
    pub total: Lots,
    /// What is left, hidden lots included.
    pub left: Lots,
    /// What of it is shown; nothing of a sleeping one.
    pub visible: Lots,
    /// Whether it may only shrink the position (M3).
    pub reduce_only: bool,
    /// Its protection group (M9).
    pub group: Option<GroupId>,
    /// The client's own name (A4).
    pub label: Option<Label>,
    /// When it ends (M2).
    pub until: Option<TimeMs>,
    /// Set of linked orders (M3).
    pub link: Option<LinkId>,
    /// The trigger price now, while it sleeps (M2).
    pub trigger_price: Option<Price>,
}

/// A price level as everybody sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LevelView {
    /// Price.
    pub price: Price,
    /// Visible lots.
    pub lots: Lots,
    /// Orders.
    pub orders: u32,
}

impl Exchange {
    /// An open order by its handle.
    #[must_use]
    pub fn order_view(&self, id: OrderId) -> Option<OrderView> {
        let order = self.state.orders.peek(Slot(id.slot())).filter(|order| order.id == id)?;
        Some(self.show_order(order))
    }

    fn show_order(&self, order: &Order) -> OrderView {
        let none = Extra::default();
        let extra = self.state.extras.peek(ExtraKey(Slot(order.id.slot())));
        let extra = extra.filter(|_| order.has_extra).unwrap_or(&none);
        OrderView {
            id: order.id,
            account: order.account,
            instrument: order.instrument,
            side: order.side,
            price: order.price,
            total: Lots(i64::from(order.total)),
            left: Lots(i64::from(order.left)),
            visible: Lots(i64::from(order.visible)),
            reduce_only: order.reduce_only,
            group: (order.group != NO_GROUP).then_some(GroupId(order.group)),
            label: extra.label.clone(),
            until: Some(extra.until).filter(|until| *until != TimeMs::ZERO),
            link: Some(extra.link).filter(|link| *link != LinkId(0)),
            trigger_price: extra.sleep.map(|sleep| sleep.price),
        }
    }

    /// The open orders of an account, sleeping ones included, oldest first.
    #[must_use]
    pub fn orders_of_account(&self, account: AccountId) -> Vec<OrderView> {
        let open = self.state.open_orders_of(account);
        let orders = open.iter().filter_map(|id| self.state.orders.peek(Slot(id.slot())));
        orders.map(|order| self.show_order(order)).collect()
    }

    /// The orders of a side of a book in the order in which they trade.
    #[must_use]
    pub fn book(&self, instrument: InstrumentId, side: Side) -> Vec<OrderView> {
        let mut orders = Vec::new();
        self.each_level(instrument, side, usize::MAX, &mut |head, _| {
            self.each_queued(head, &mut |order| orders.push(self.show_order(order)));
        });
        orders
    }

    /// The orders of one price level in the order in which they trade.
    #[must_use]
    pub fn queue(&self, instrument: InstrumentId, side: Side, price: Price) -> Vec<OrderView> {
        let mut orders = Vec::new();
        let Some(tick) = self.tick_seen(instrument, price) else { return orders };
        if let Some(level) = self.state.levels.peek(LevelKey { instrument, side, tick }) {
            self.each_queued(level.head, &mut |order| orders.push(self.show_order(order)));
        }
        orders
    }

    /// The number of a price in its instrument's tick table.
    fn tick_seen(&self, instrument: InstrumentId, price: Price) -> Option<u32> {
        let record = self.state.instruments.peek(instrument)?;
        let params = self.state.underlying_params.peek(UnderlyingKey(record.underlying))?;
        let table = match record.contract.is_option() {
            true => &params.option_ticks,
            false => &params.linear_ticks,
        };
        TickSchedule::new(table.base.0, &table.steps).ok()?.level_of(price.0).ok()
    }

    /// Shows the orders of a level from its head.
    fn each_queued(&self, head: u32, visit: &mut dyn FnMut(&Order)) {
        let mut slot = head;
        while let Some(order) = self.state.orders.peek(Slot(slot)) {
            visit(order);
            let place = self.state.places.peek(PlaceKey(Slot(slot)));
            slot = place.map_or(NONE, |place| place.next);
        }
    }

    /// The best levels of a side, `levels_max` of them at most, best first.
    #[must_use]
    pub fn depth(&self, instrument: InstrumentId, side: Side, levels_max: usize) -> Vec<LevelView> {
        let mut levels = Vec::new();
        self.each_level(instrument, side, levels_max, &mut |head, lots| {
            let mut orders = 0;
            self.each_queued(head, &mut |_| orders += 1);
            if let Some(order) = self.state.orders.peek(Slot(head)) {
                levels.push(LevelView { price: order.price, lots: Lots(lots), orders });
            }
        });
        levels
    }

    /// Shows the head and the visible lots of each level, best first.
    fn each_level(
        &self,
        instrument: InstrumentId,
        side: Side,
        levels_max: usize,
        visit: &mut dyn FnMut(u32, i64),
    ) {
        let Some(record) = self.state.instruments.peek(instrument) else { return };
        let mut tick = record.best(side);
        for _ in 0..levels_max {
            if tick == NONE {
                return;
            }
            let Some(level) = self.state.levels.peek(LevelKey { instrument, side, tick }) else {
                return;
            };
            visit(level.head, level.lots);
            tick = level.worse;
        }
    }

    /// A set of linked orders, while it lives (M3).
    #[must_use]
    pub fn link_view(&self, link: LinkId) -> Option<&Link> {
        self.state.links.peek(link)
    }

    /// Market maker protection of a group, once it was set (M9).
    #[must_use]
    pub fn protection_view(
        &self,
        account: AccountId,
        underlying: UnderlyingId,
        group: GroupId,
    ) -> Option<&Protection> {
        self.state.protections.peek(ProtectionKey { account, underlying, group })
    }
}
