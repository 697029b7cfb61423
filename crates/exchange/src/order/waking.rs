//! Waking: watched prices, moving trailing stops, and what fires (M2).
//!
//! Prices are looked at twice in a block: after they moved, and at its end, when the last trades
//! are known. An instrument's orders are watched while it trades: in an auction and in a halt they
//! sleep on, and while the index is stale those that watch index or mark do (P5).
//!
//! A look first lets trailing stops follow the price, then wakes what fires: by watched price
//! (index, mark, last), then those that fire on a rise, then those on a fall; among these in the
//! order in which the price reached them, then by age. An order that woke enters like a new one,
//! under its old handle; if it is refused as such, it ends, and the refusal is told beside it. What
//! it trades can move the last price and so wake others, until nothing fires or [`WAKES_PER_LOOK`]
//! have woken. The rest wakes at the next look.
//!
//! Work per look: the instruments with a sleeping order, for each at most
//! [`super::trigger::TRAILING_MAX`] trailing stops per watched price, and the wakes. Of the prices
//! between two looks only the last counts, also as a trailing stop's best.

use super::trigger::{place_of, sort_of, trailed};
use crate::engine::Exchange;
use crate::listing::{EXPIRIES_MAX, SERIES_MAX};
use crate::price::UNDERLYINGS_MAX;
use crate::state::key::{IndexId, SleepersKey, Slot};
use crate::state::leaves::{Extra, NO_GROUP, Order, Sleep};
use crate::state::{Fault, Outcome};
use lockstep_types::command::Phase;
use lockstep_types::event::{CancelReason, Event, TradeKind};
use lockstep_types::ids::{GroupId, InstrumentId, LinkId, OrderId};
use lockstep_types::order::{NewOrder, TimeInForce, TriggerKind, TriggerSource};
use lockstep_types::reject::{Reject, RejectCode};
use lockstep_types::units::{Lots, Price};

/// Orders that one look at the prices wakes; a block looks twice (M2).
pub const WAKES_PER_LOOK: usize = 1_000;
/// Instruments that can be listed at once.
const INSTRUMENTS_MAX: usize = (UNDERLYINGS_MAX as usize) * (EXPIRIES_MAX * SERIES_MAX + 1);

const SOURCES: [TriggerSource; 3] =
    [TriggerSource::Index, TriggerSource::Mark, TriggerSource::Last];

impl Exchange {
    /// Looks at the prices of every instrument with a sleeping order.
    pub(crate) fn wake_triggers(&mut self) -> Outcome<()> {
        self.item = 0;
        let mut wakes_left = WAKES_PER_LOOK;
        let instruments = self.state.entries.up_to(IndexId::Sleepers, i64::MAX, INSTRUMENTS_MAX)?;
        for (_, item) in instruments {
            let instrument = InstrumentId(u32::try_from(item).unwrap_or(u32::MAX));
            // What woke on one instrument may have ended the last sleeping order of another.
            while self.state.sleepers.touch(SleepersKey(instrument))?.is_some()
                && self.look(instrument, &mut wakes_left)?
            {}
        }
        Ok(())
    }

    /// Looks at an instrument's prices once; whether something woke.
    fn look(&mut self, instrument: InstrumentId, wakes_left: &mut usize) -> Outcome<bool> {
        let record = *self.state.instrument(instrument)?;
        if self.phase_of(&record)? >= Phase::Auction {
            return Ok(false);
        }
        let stale = self.underlying(record.underlying)?.stale;
        let before = *wakes_left;
        for source in SOURCES {
            let counts = self.state.sleepers.touch(SleepersKey(instrument))?.unwrap_or_default();
            let frozen = stale && source != TriggerSource::Last;
            if counts.orders[place_of(source)] == 0 || frozen {
                continue;
            }
            let Some(price) = self.watched(instrument, source)? else { continue };
            if counts.trailing[place_of(source)] > 0 && counts.followed[place_of(source)] != price.0
            {
                self.follow(instrument, source, price)?;
            }
            for rising in [true, false] {
                self.fire(instrument, source, rising, price, wakes_left)?;
            }
        }
        Ok(*wakes_left < before)
    }

    /// Lets the trailing stops of an instrument follow a price.
    fn follow(
        &mut self,
        instrument: InstrumentId,
        source: TriggerSource,
        price: Price,
    ) -> Outcome<()> {
        let index = IndexId::Trailing { instrument, source };
        let most = usize::try_from(super::trigger::TRAILING_MAX).unwrap_or(usize::MAX);
        for (_, item) in self.state.entries.up_to(index, i64::MAX, most)? {
            let order = *self.state.order(Slot(OrderId(item).slot()))?;
            let sleep = self.sleep(&order)?;
            let TriggerKind::Trailing { offset } = sleep.kind else { continue };
            let to = trailed(price, offset, sleep.rising);
            // A buyer's trigger only falls, a seller's only rises.
            let better = if sleep.rising { to < sleep.price } else { to > sleep.price };
            if better {
                self.move_trigger(&order, &Sleep { price: to, ..sleep })?;
            }
        }
        if let Some(counts) = self.state.sleepers.touch(SleepersKey(instrument))? {
            counts.followed[place_of(source)] = price.0;
        }
        Ok(())
    }

    /// Wakes what fires at a price.
    fn fire(
        &mut self,
        instrument: InstrumentId,
        source: TriggerSource,
        rising: bool,
        price: Price,
        wakes_left: &mut usize,
    ) -> Outcome<()> {
        let index = IndexId::Triggers { instrument, source, rising };
        let fired = self.state.entries.up_to(index, sort_of(price, rising), *wakes_left)?;
        for (_, item) in fired {
            // What woke before it may have ended it.
            if let Some(order) = self.live(OrderId(item))?.filter(|order| order.asleep) {
                *wakes_left -= 1;
                self.wake(&order, price)?;
            }
        }
        Ok(())
    }

    /// Wakes an order: it leaves the sleepers and enters like a new one.
    fn wake(&mut self, order: &Order, price: Price) -> Outcome<()> {
        let sleep = self.sleep(order)?;
        let extra = self.extra_asleep(order)?.clone();
        self.events.push(Event::Triggered { order: order.id, price });
        self.unsleep(order)?;
        self.close_open(order, order.left, true)?;
        let link = self.drop_extra(order)?;
        *self.state.orders.touch(Slot(order.id.slot()))? = None;
        self.state.drop_if_empty(order.account, order.instrument)?;
        let new = as_awake(order, &extra, &sleep);
        let admitted = match self.vet(order.account, &new, 0) {
            Ok(admitted) => admitted,
            Err(Fault::Reject(reject)) => return self.refuse_awake(order, link, *reject),
            Err(missing) => return Err(missing),
        };
        let woken = Order {
            price: admitted.price,
            tick: admitted.tick,
            total: admitted.lots,
            left: admitted.lots,
            visible: admitted.lots,
            reduce_only: admitted.reduce_only,
            asleep: false,
            ..*order
        };
        if woken.left != order.left || woken.price != order.price {
            self.events.push(Event::Amended {
                order: woken.id,
                price: woken.price,
                lots: Lots(i64::from(woken.left)),
                kept_priority: false,
            });
        }
        let extra = Extra { sleep: None, ..extra };
        let plain = Extra { signer: extra.signer, ..Extra::default() };
        let extra = Some(extra).filter(|extra| *extra != plain);
        self.enter(woken, extra, &admitted, TradeKind::Continuous)
    }

    /// Ends an order that was refused on waking. It is counted nowhere any more.
    fn refuse_awake(&mut self, order: &Order, link: LinkId, reject: Reject) -> Outcome<()> {
        self.reject(order.account, reject);
        self.state.give_slot(Slot(order.id.slot()))?;
        self.events.push(Event::Cancelled {
            order: order.id,
            account: order.account,
            lots: Lots(i64::from(order.left)),
            reason: reason_of(reject.code),
        });
        match link {
            LinkId(0) => Ok(()),
            link => self.link_ended(order.id, link),
        }
    }
}

/// A sleeping order as the new order that it becomes.
fn as_awake(order: &Order, extra: &Extra, sleep: &Sleep) -> NewOrder {
    let left = Lots(i64::from(order.left));
    NewOrder {
        instrument: order.instrument,
        side: order.side,
        lots: left,
        price: (!sleep.market).then_some(order.price),
        time_in_force: match (extra.until.0, sleep.time_in_force) {
            // Its end was fixed when it was placed.
            (1.., _) => TimeInForce::GoodTil(extra.until),
            (_, time_in_force) => time_in_force,
        },
        post_only: order.post_only,
        reduce_only: order.reduce_only,
        display: (extra.display > 0).then(|| Lots(i64::from(extra.display).min(left.0))),
        self_trade: order.self_trade,
        protection: (order.group != NO_GROUP).then_some(GroupId(order.group)),
        trigger: None,
        label: None,
    }
}

/// Why an order ends that was refused on waking, as events tell it in short.
fn reason_of(code: RejectCode) -> CancelReason {
    match code {
        RejectCode::ReduceOnlyIncreases => CancelReason::ReduceOnly,
        RejectCode::InsufficientMargin => CancelReason::Margin,
        RejectCode::BelowMaintenance => CancelReason::Liquidation,
        RejectCode::InstrumentExpired => CancelReason::Expiry,
        RejectCode::BadTimeInForce => CancelReason::TimeInForce,
        RejectCode::FillOrKillUnfilled | RejectCode::PostOnlyWouldTake => {
            CancelReason::ImmediateRest
        }
        RejectCode::ProtectionFrozen | RejectCode::ProtectionUnset => CancelReason::Protection,
        RejectCode::Halted
        | RejectCode::AuctionPhase
        | RejectCode::ReduceOnlyPhase
        | RejectCode::StaleIndex
        | RejectCode::NoReference => CancelReason::Phase,
        _ => CancelReason::Limit,
    }
}
