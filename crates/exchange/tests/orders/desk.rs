//! A desk with four traders, BTC at 100,000 USD and its perpetual, ticks of one USD.

use super::common::{Venue, price, usd};
use lockstep_exchange::query::OrderView;
use lockstep_types::command::{Command, LinkKind, Phase, PhaseReason, PhaseScope, SystemCommand};
use lockstep_types::event::{CancelReason, Event, Trade};
use lockstep_types::ids::{AccountId, InstrumentId, OrderId, UnderlyingId};
use lockstep_types::order::{
    Amend, NewOrder, OrderTarget, Side, Trigger, TriggerKind, TriggerSource,
};
use lockstep_types::params::VenueParams;
use lockstep_types::reject::Reject;
use lockstep_types::units::{Lots, Price};

pub use Side::{Buy, Sell};
pub use TriggerSource::{Index, Last, Mark};

pub const BTC: UnderlyingId = UnderlyingId(0);
pub const ANN: AccountId = AccountId(0);
pub const BEN: AccountId = AccountId(1);
pub const CAT: AccountId = AccountId(2);
pub const DAN: AccountId = AccountId(3);

pub struct Desk {
    pub venue: Venue,
    pub perpetual: InstrumentId,
}

impl Desk {
    pub fn new() -> Self {
        Self::with(VenueParams::default())
    }

    pub fn with(params: VenueParams) -> Self {
        let mut venue = Venue::new(params);
        venue.add_underlying("BTC", 100_000);
        let perpetual = venue.list("BTC_USDC-PERPETUAL");
        for owner in 0..4 {
            venue.deposit(owner, usd(10_000_000));
        }
        Self { venue, perpetual }
    }

    /// A plain limit order on the perpetual.
    pub fn order(&self, side: Side, lots: i64, dollars: i64) -> NewOrder {
        NewOrder::limit(self.perpetual, side, Lots(lots), price(dollars))
    }

    /// A market order that sleeps.
    pub fn asleep(
        &self,
        side: Side,
        lots: i64,
        source: TriggerSource,
        kind: TriggerKind,
    ) -> NewOrder {
        NewOrder {
            trigger: Some(Trigger { source, kind }),
            ..NewOrder::market(self.perpetual, side, Lots(lots))
        }
    }

    pub fn stop(&self, side: Side, lots: i64, source: TriggerSource, dollars: i64) -> NewOrder {
        self.asleep(side, lots, source, TriggerKind::Stop { price: price(dollars) })
    }

    pub fn limit(&mut self, account: AccountId, side: Side, lots: i64, dollars: i64) -> OrderId {
        let order = self.order(side, lots, dollars);
        self.venue.place(account, order).0
    }

    pub fn place(&mut self, account: AccountId, order: NewOrder) -> (OrderId, Vec<Event>) {
        self.venue.place(account, order)
    }

    /// What a command that must be refused is answered with.
    pub fn refused(&mut self, account: AccountId, command: Command) -> Reject {
        let events = self.venue.send(account, command);
        let rejects = super::common::rejects(&events);
        assert_eq!(rejects.len(), 1, "one rejection was expected: {events:?}");
        assert_eq!(events.len(), 1, "nothing but the rejection happens: {events:?}");
        rejects[0]
    }

    pub fn link(&mut self, account: AccountId, kind: LinkKind, orders: &[NewOrder]) -> Vec<Event> {
        let orders = super::common::bounded(orders.to_vec());
        self.venue.send(account, Command::PlaceLinked { kind, orders })
    }

    pub fn move_index(&mut self, dollars: i64) -> Vec<Event> {
        self.venue.move_price(BTC, price(dollars))
    }

    pub fn set_phase(&mut self, phase: Phase) -> Vec<Event> {
        let scope = PhaseScope::Instrument(self.perpetual);
        self.set_phase_of(scope, phase)
    }

    pub fn set_phase_of(&mut self, scope: PhaseScope, phase: Phase) -> Vec<Event> {
        self.venue.must(SystemCommand::SetPhase { scope, phase, reason: PhaseReason::Scheduled })
    }

    pub fn view(&self, order: OrderId) -> Option<OrderView> {
        self.venue.exchange.order_view(order)
    }

    /// What is left of an order; 0 when it is not open.
    pub fn left(&self, order: OrderId) -> i64 {
        self.view(order).map_or(0, |order| order.left.0)
    }

    /// An account's position in the perpetual.
    pub fn position(&self, account: AccountId) -> i64 {
        let view = self.venue.exchange.account_view(account).unwrap();
        let held = view.positions.iter().find(|position| position.instrument == self.perpetual);
        held.map_or(0, |position| position.lots.0)
    }

    /// Gives `account` a position at the index by a trade with Dan.
    pub fn hold(&mut self, account: AccountId, lots: i64) {
        let (side, size) = if lots > 0 { (Buy, lots) } else { (Sell, -lots) };
        let order = self.order(side.opposite(), size, 100_000);
        self.venue.place(DAN, order);
        let order = self.order(side, size, 100_000);
        self.venue.place(account, order);
        assert_eq!(self.position(account), lots);
    }

    pub fn amend(
        &mut self,
        account: AccountId,
        order: OrderId,
        lots: Option<i64>,
        dollars: Option<i64>,
        trigger: Option<i64>,
    ) -> Vec<Event> {
        let amend = amend(order, lots, dollars, trigger);
        self.venue.send(account, amend)
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            assert_eq!(self.venue.exchange.check_invariants(), Ok(()));
        }
    }
}

/// An amendment of an order.
pub fn amend(
    order: OrderId,
    lots: Option<i64>,
    dollars: Option<i64>,
    trigger: Option<i64>,
) -> Command {
    Command::Amend(Amend {
        target: OrderTarget::Id(order),
        lots: lots.map(Lots),
        price: dollars.map(price),
        trigger_price: trigger.map(price),
    })
}

/// Orders that were accepted, in order.
pub fn accepted(events: &[Event]) -> Vec<OrderId> {
    let accepted = |event: &Event| match event {
        Event::Accepted(accepted) => Some(accepted.order),
        _ => None,
    };
    events.iter().filter_map(accepted).collect()
}

/// Orders that ended unfilled, with what was left and why.
pub fn cancelled(events: &[Event]) -> Vec<(OrderId, i64, CancelReason)> {
    let cancelled = |event: &Event| match event {
        Event::Cancelled { order, lots, reason, .. } => Some((*order, lots.0, *reason)),
        _ => None,
    };
    events.iter().filter_map(cancelled).collect()
}

/// Orders that woke, in order.
pub fn woken(events: &[Event]) -> Vec<OrderId> {
    let woken = |event: &Event| match event {
        Event::Triggered { order, .. } => Some(*order),
        _ => None,
    };
    events.iter().filter_map(woken).collect()
}

/// Maker, taker, lots and price in dollars of each trade.
pub fn fills(events: &[Event]) -> Vec<(OrderId, OrderId, i64, i64)> {
    let fill =
        |trade: &Trade| (trade.maker_order, trade.taker_order, trade.lots.0, dollars(trade.price));
    super::common::trades(events).iter().map(fill).collect()
}

pub fn dollars(price: Price) -> i64 {
    assert_eq!(price.0 % 1_000_000, 0, "whole dollars");
    price.0 / 1_000_000
}
