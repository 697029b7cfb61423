//! The orders of a scenario, followed through their events.
//!
//! The engine forgets an order when it ends; a story wants to know what became of it. Everything
//! here follows from events alone.

use super::want::OrderState;
use lockstep_types::decimal::Decimal;
use lockstep_types::event::{Accepted, CancelReason, Event, Trade};
use lockstep_types::ids::{AccountId, InstrumentId, OrderId};
use lockstep_types::reject::Reject;
use lockstep_types::{Lots, Price, Side};
use std::collections::BTreeMap;

/// Orders that have ended and have no name are forgotten beyond so many.
pub const ORDERS_MAX: usize = 1_000_000;

/// An order and what became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tracked {
    /// Its account.
    pub account: AccountId,
    /// Its instrument.
    pub instrument: InstrumentId,
    /// Its side.
    pub side: Side,
    /// Its limit price.
    pub price: Price,
    /// What is left of it; when it was cancelled, what was left then.
    pub remaining: Lots,
    /// What has filled.
    pub filled: Lots,
    /// What the book shows of it.
    pub visible: Lots,
    /// Where it is.
    pub state: OrderState,
    /// Why it was cancelled.
    pub reason: Option<CancelReason>,
    /// Its trigger price when it went to sleep.
    pub trigger_price: Option<Price>,
    /// Its label.
    pub label: Option<String>,
    /// Sum of price times lots over its fills.
    paid: i128,
}

impl Tracked {
    /// An order that has been accepted, or waits to be.
    pub fn new(accepted: &Accepted) -> Self {
        Self {
            account: accepted.account,
            instrument: accepted.instrument,
            side: accepted.side,
            price: accepted.price,
            remaining: accepted.lots,
            filled: Lots::ZERO,
            visible: Lots::ZERO,
            state: OrderState::Waiting,
            reason: None,
            trigger_price: None,
            label: None,
            paid: 0,
        }
    }

    /// Average price of its fills, rounded to the nearest; `None` before the first.
    pub fn average_price(&self) -> Option<Price> {
        if self.filled.0 <= 0 {
            return None;
        }
        let lots = i128::from(self.filled.0);
        let average = (self.paid + lots / 2).div_euclid(lots);
        i64::try_from(average).ok().map(Price)
    }

    fn fill(&mut self, trade: &Trade) {
        self.filled += trade.lots;
        self.remaining -= trade.lots;
        self.visible = Lots((self.visible.0 - trade.lots.0).max(0));
        self.paid += i128::from(trade.price.0) * i128::from(trade.lots.0);
        if self.remaining.0 <= 0 {
            self.state = OrderState::Filled;
        }
    }

    /// Whether it may still trade.
    pub fn is_alive(&self) -> bool {
        matches!(self.state, OrderState::Open | OrderState::Sleeping | OrderState::Waiting)
    }
}

/// All orders that were seen.
#[derive(Clone, Debug, Default)]
pub struct Orders {
    seen: BTreeMap<OrderId, Tracked>,
    refused: BTreeMap<String, Reject>,
    /// Linked orders that wait for their primary, or did.
    planned: BTreeMap<String, Tracked>,
}

impl Orders {
    /// Follows one event.
    pub fn observe(&mut self, event: &Event) {
        match event {
            Event::Accepted(accepted) => {
                if self.seen.len() >= ORDERS_MAX {
                    self.seen.retain(|_, order| order.is_alive());
                }
                self.seen.insert(accepted.order, Tracked::new(accepted));
            }
            Event::Labelled { order, label } => {
                self.change(*order, |order| order.label = Some(label.as_str().to_string()));
            }
            Event::Booked { order, lots, visible } => self.change(*order, |order| {
                order.state = OrderState::Open;
                order.remaining = *lots;
                order.visible = *visible;
            }),
            Event::Sleeping { order, trigger_price } => self.change(*order, |order| {
                order.state = OrderState::Sleeping;
                order.trigger_price = Some(*trigger_price);
            }),
            Event::Triggered { order, .. } => {
                self.change(*order, |order| order.state = OrderState::Waiting);
            }
            Event::Trade(trade) => {
                self.change(trade.taker_order, |order| order.fill(trade));
                self.change(trade.maker_order, |order| order.fill(trade));
            }
            Event::Refreshed { order, visible } => {
                self.change(*order, |order| order.visible = *visible);
            }
            Event::Amended { order, price, lots, .. } => self.change(*order, |order| {
                order.price = *price;
                order.remaining = *lots;
            }),
            Event::Cancelled { order, lots, reason, .. } => self.change(*order, |order| {
                order.state = OrderState::Cancelled;
                order.remaining = *lots;
                order.visible = Lots::ZERO;
                order.reason = Some(*reason);
            }),
            _ => {}
        }
    }

    fn change(&mut self, id: OrderId, change: impl FnOnce(&mut Tracked)) {
        if let Some(order) = self.seen.get_mut(&id) {
            change(order);
        }
    }

    /// What became of an order.
    pub fn get(&self, id: OrderId) -> Option<&Tracked> {
        self.seen.get(&id)
    }

    /// Remembers a named order that waits for its primary.
    pub fn plan(&mut self, name: &str, order: Tracked) {
        self.planned.insert(name.to_string(), order);
    }

    /// A named order's primary has ended and will never place it.
    pub fn forget(&mut self, name: &str) {
        if let Some(order) = self.planned.get_mut(name) {
            order.state = OrderState::Cancelled;
            order.reason = Some(CancelReason::Linked);
        }
    }

    /// A named order that waits for its primary, or did.
    pub fn planned(&self, name: &str) -> Option<&Tracked> {
        self.planned.get(name)
    }

    /// Remembers that a named order was refused.
    pub fn refuse(&mut self, name: &str, reject: Reject) {
        self.refused.insert(name.to_string(), reject);
    }

    /// Why a named order was refused, if it was.
    pub fn refused(&self, name: &str) -> Option<Reject> {
        self.refused.get(name).copied()
    }
}

/// An order in a line, as diffs show it.
pub fn show(side: Side, remaining: Lots, price: Option<Price>) -> String {
    let side = crate::events_json::side(side);
    let amount = Decimal { value: remaining.0, places: super::value::AMOUNT_PLACES };
    match price {
        Some(price) => {
            let price = Decimal { value: price.0, places: super::value::PRICE_PLACES };
            format!("{side} {amount} at {price}")
        }
        None => format!("{side} {amount} at market"),
    }
}
