//! The book by itself: no accounts, limits, fees or events. For measuring what matching costs, and
//! for the differential test of the book alone.

use super::queue::crosses;
use crate::state::ahead::{AHEAD, Coming};
use crate::state::key::{LevelKey, Slot};
use crate::state::leaves::{Instrument, NO_GROUP, NONE, Order};
use crate::state::{Outcome, State, Touch};
use lockstep_types::command::Phase;
use lockstep_types::ids::{AccountId, InstrumentId, OrderId, UnderlyingId};
use lockstep_types::instrument::Contract;
use lockstep_types::order::{PostOnly, SelfTrade, Side};
use lockstep_types::params::VenueParams;
use lockstep_types::units::{Lots, Price, TimeMs};

/// Books without a venue around them.
#[derive(Clone, Debug)]
pub struct BareBooks {
    state: State,
}

/// What will be asked of bare books.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BareComing {
    /// A cancel.
    Cancel(OrderId),
    /// An order of a side with a limit.
    Enter(InstrumentId, Side, u32),
}

/// A trade of bare books.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BareTrade {
    /// The tag of the resting order.
    pub maker: u32,
    /// Tick of the trade.
    pub tick: u32,
    /// Lots.
    pub lots: u32,
}

impl BareBooks {
    /// Books for the instruments 0 to `count` - 1, with room for `orders` open orders.
    #[must_use]
    pub fn new(count: u32, orders: u32) -> Self {
        let mut state = State::new(VenueParams::default());
        state.orders.reserve(orders);
        state.places.reserve(orders);
        for id in 0..count {
            let instrument = Instrument {
                underlying: UnderlyingId(0),
                contract: Contract::Perpetual,
                phase: Phase::Continuous,
                best_bid: NONE,
                best_ask: NONE,
                orders: 0,
                holders: 0,
                open_interest: Lots::ZERO,
                last: Price::ZERO,
                listed: TimeMs::ZERO,
            };
            if let Ok(place) = state.instruments.touch(InstrumentId(id)) {
                *place = Some(instrument);
            }
        }
        Self { state }
    }

    /// An order that takes what crosses `limit` and, if it `rests`, is booked with the rest. Gives
    /// its handle if it rests. Trades name a resting order by the `tag` that it came with.
    #[inline]
    #[expect(clippy::too_many_arguments, reason = "a struct would hide what a bare order is")]
    pub fn enter(
        &mut self,
        tag: u32,
        instrument: InstrumentId,
        side: Side,
        limit: u32,
        lots: u32,
        rests: bool,
        trade: &mut impl FnMut(BareTrade),
    ) -> Option<OrderId> {
        let entered = self.try_enter(tag, instrument, side, limit, lots, rests, trade);
        assert!(entered.is_ok(), "a whole state misses no leaf and bare books have room");
        entered.unwrap_or(None)
    }

    #[expect(clippy::too_many_arguments, reason = "likewise")]
    fn try_enter(
        &mut self,
        tag: u32,
        instrument: InstrumentId,
        side: Side,
        limit: u32,
        lots: u32,
        rests: bool,
        trade: &mut impl FnMut(BareTrade),
    ) -> Outcome<Option<OrderId>> {
        let resting = side.opposite();
        let mut left = lots;
        while left > 0 {
            let tick = self.state.instrument(instrument)?.best(resting);
            if !crosses(side, limit, tick) {
                break;
            }
            let head = self.state.levels.get(LevelKey { instrument, side: resting, tick })?.head;
            let maker = *self.state.order(Slot(head))?;
            let fill = left.min(maker.visible);
            left -= fill;
            trade(BareTrade { maker: maker.account.0, tick, lots: fill });
            self.state.take_lots(&maker, fill)?;
        }
        if left == 0 || !rests {
            return Ok(None);
        }
        let id = self.state.take_slot()?;
        self.state.enqueue(Order {
            id,
            price: Price(i64::from(limit)),
            tick: limit,
            account: AccountId(tag),
            instrument,
            total: lots,
            left,
            visible: left,
            side,
            post_only: PostOnly::No,
            self_trade: SelfTrade::CancelTaker,
            reduce_only: false,
            group: NO_GROUP,
            has_extra: false,
            asleep: false,
        })?;
        Ok(Some(id))
    }

    /// Fetches what orders that enter next, each with its side and limit, and cancels that come
    /// next, will need; changes nothing.
    #[inline]
    pub fn foresee(&mut self, coming: impl Iterator<Item = BareComing>) {
        let mut commands = [Coming::default(); AHEAD];
        let mut count = 0;
        for (command, coming) in commands.iter_mut().zip(coming) {
            count += 1;
            match coming {
                BareComing::Cancel(id) => command.order = Some(id),
                BareComing::Enter(instrument, side, limit) => {
                    command.entry = Some((instrument, side, limit));
                }
            }
        }
        self.state.glance(&commands[..count]);
    }

    /// Takes an order out; false if it is not open any more.
    #[inline]
    pub fn cancel(&mut self, id: OrderId) -> bool {
        let cancelled = self.try_cancel(id);
        assert!(cancelled.is_ok(), "a whole state misses no leaf");
        cancelled.unwrap_or(false)
    }

    fn try_cancel(&mut self, id: OrderId) -> Touch<bool> {
        if id.slot() >= self.state.totals()?.slots {
            return Ok(false);
        }
        let order = match self.state.orders.touch(Slot(id.slot()))? {
            Some(order) if order.id == id => *order,
            _ => return Ok(false),
        };
        self.state.dequeue(&order)?;
        self.state.forget_order(&order)?;
        Ok(true)
    }

    /// Orders and lots that rest.
    #[must_use]
    pub fn resting(&self) -> (u64, u64) {
        use crate::state::table::Table;
        let (mut orders, mut lots) = (0, 0);
        self.state.orders.each(&mut |_, order| {
            orders += 1;
            lots += u64::from(order.left);
        });
        (orders, lots)
    }
}
