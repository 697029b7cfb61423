//! Sleeping orders: stops, takes and trailing stops (M2).
//!
//! An order with a trigger is accepted, counted and filed, but is in no book and adds nothing to
//! margin until its trigger fires; [`super::waking`] watches. It is filed twice: in its slot, like
//! any order, and in an index of its instrument by trigger price, apart by watched price and
//! direction. Trailing stops are listed once more, because their triggers move.
//!
//! A trigger that would fire at once is refused, as is a trailing stop without a price to follow. A
//! limit price is checked against the band when the order wakes, not before: a stop's limit lies
//! where the market is not yet. A reduce-only order needs its position now, and again when it
//! wakes.
//!
//! Invariants: an order sleeps exactly while it is in one index of triggers; the counts of an
//! instrument's [`Sleepers`] are those of its indexes, and it has them exactly while it has a
//! sleeping order.

use super::admission::{Admitted, stored};
use super::place::{extra_of, order_of};
use crate::engine::Exchange;
use crate::state::key::{ExtraKey, IndexId, SleepersKey, Slot};
use crate::state::leaves::{Extra, Order, Sleep, Sleepers};
use crate::state::{Missing, Outcome};
use alloc::boxed::Box;
use lockstep_types::command::Phase;
use lockstep_types::event::{Accepted, Event};
use lockstep_types::ids::{AccountId, InstrumentId, LinkId, OrderId, SignerId};
use lockstep_types::order::{
    Amend, NewOrder, PostOnly, Side, TimeInForce, Trigger, TriggerKind, TriggerSource,
};
use lockstep_types::reject::{Reject, RejectCode};
use lockstep_types::units::{Lots, Price};

/// Sleeping orders of one instrument (M2).
pub const SLEEPING_MAX: u32 = 4_096;
/// Trailing stops of one instrument and watched price: a block moves each of them at most once per
/// look (M2).
pub const TRAILING_MAX: u32 = 256;

/// Where an array by watched price has this one.
pub(crate) const fn place_of(source: TriggerSource) -> usize {
    match source {
        TriggerSource::Index => 0,
        TriggerSource::Mark => 1,
        TriggerSource::Last => 2,
    }
}

/// What an index of triggers sorts a trigger price by: those that fire first come first.
pub(crate) const fn sort_of(price: Price, rising: bool) -> i64 {
    if rising { price.0 } else { -price.0 }
}

impl Sleep {
    /// The index in which an order of `instrument` with this trigger is filed.
    fn index(&self, instrument: InstrumentId) -> IndexId {
        IndexId::Triggers { instrument, source: self.source, rising: self.rising }
    }

    /// Whether it fires at a price.
    pub(crate) fn fires_at(&self, price: Price) -> bool {
        if self.rising { price >= self.price } else { price <= self.price }
    }

    pub(crate) fn is_trailing(&self) -> bool {
        matches!(self.kind, TriggerKind::Trailing { .. })
    }
}

/// Whether a trigger of this kind fires on a rising price.
fn rises(kind: TriggerKind, side: Side) -> bool {
    match kind {
        TriggerKind::Stop { .. } | TriggerKind::Trailing { .. } => side == Side::Buy,
        TriggerKind::Take { .. } => side == Side::Sell,
    }
}

/// The trigger price `offset` away from the best price seen.
pub(crate) fn trailed(best: Price, offset: Price, rising: bool) -> Price {
    Price(match rising {
        true => best.0.saturating_add(offset.0),
        false => best.0.saturating_sub(offset.0),
    })
}

impl Exchange {
    /// The trigger of a new order as it is filed. One that would fire at once is refused unless it
    /// comes `late`.
    pub(crate) fn sleep_of(
        &mut self,
        new: &NewOrder,
        trigger: Trigger,
        late: bool,
    ) -> Outcome<Sleep> {
        let seen = self.watched(new.instrument, trigger.source)?;
        let rising = rises(trigger.kind, new.side);
        let price = match trigger.kind {
            TriggerKind::Stop { price } | TriggerKind::Take { price } => price,
            TriggerKind::Trailing { offset } => {
                let Some(seen) = seen else {
                    return Err(Reject::of(RejectCode::NoReference).into());
                };
                trailed(seen, offset, rising)
            }
        };
        let sleep = Sleep {
            source: trigger.source,
            kind: trigger.kind,
            price,
            rising,
            market: new.price.is_none(),
            time_in_force: new.time_in_force,
        };
        check_sleep(&sleep, if late { None } else { seen })?;
        Ok(sleep)
    }

    /// The watched price of an instrument now, if there is one.
    pub(crate) fn watched(
        &mut self,
        id: InstrumentId,
        source: TriggerSource,
    ) -> Outcome<Option<Price>> {
        let instrument = *self.state.instrument(id)?;
        let price = match source {
            TriggerSource::Index => self.index_or_zero(instrument.underlying)?,
            TriggerSource::Mark => self.mark(id)?.unwrap_or(Price::ZERO),
            TriggerSource::Last => instrument.last,
        };
        Ok(Some(price).filter(|price| *price > Price::ZERO))
    }

    /// Checks that an instrument may have one more sleeping order (M2).
    pub(crate) fn check_sleepers(&mut self, new: &NewOrder, trigger: Trigger) -> Outcome<()> {
        let counts = *self.state.sleepers.touch(SleepersKey(new.instrument))?;
        let counts = counts.unwrap_or_default();
        let trailing = matches!(trigger.kind, TriggerKind::Trailing { .. });
        let (actual, limit) = match trailing {
            true => (counts.trailing[place_of(trigger.source)], TRAILING_MAX),
            false => (0, TRAILING_MAX),
        };
        let (actual, limit) =
            if actual >= limit { (actual, limit) } else { (counts.all(), SLEEPING_MAX) };
        if actual >= limit {
            let (actual, limit) = (i64::from(actual), i64::from(limit));
            return Err(Reject::beyond(RejectCode::TriggerLimit, actual, limit).into());
        }
        Ok(())
    }

    /// Accepts an order with a trigger: it sleeps until its price comes.
    pub(crate) fn put_to_sleep(
        &mut self,
        account: AccountId,
        signer: SignerId,
        new: &NewOrder,
        admitted: &Admitted,
        sleep: Sleep,
        link: LinkId,
    ) -> Outcome<OrderId> {
        let trigger = Trigger { source: sleep.source, kind: sleep.kind };
        self.check_sleepers(new, trigger)?;
        let id = self.state.take_slot()?;
        let order = order_of(id, account, new, admitted);
        let order = Order { visible: 0, has_extra: true, asleep: true, ..order };
        self.events.push(Event::Accepted(Accepted {
            order: id,
            account,
            instrument: new.instrument,
            side: new.side,
            price: order.price,
            lots: Lots(i64::from(order.total)),
        }));
        if let Some(label) = &new.label {
            self.events.push(Event::Labelled { order: id, label: Box::new(label.clone()) });
        }
        let plain = Extra { signer, ..Extra::default() };
        let extra = extra_of(signer, new, admitted, link).unwrap_or(plain);
        self.open_order(&order)?;
        *self.state.orders.touch(Slot(id.slot()))? = Some(order);
        self.keep_extra(&order, Extra { sleep: Some(sleep), ..extra })?;
        self.file_sleep(&order, &sleep)?;
        self.events.push(Event::Sleeping { order: id, trigger_price: sleep.price });
        Ok(id)
    }

    /// Files a sleeping order under its trigger and counts it.
    fn file_sleep(&mut self, order: &Order, sleep: &Sleep) -> Outcome<()> {
        let (instrument, item) = (order.instrument, order.id.0);
        let counts = self.state.sleepers.touch(SleepersKey(instrument))?;
        let first = counts.is_none();
        let counts = counts.get_or_insert_default();
        counts.orders[place_of(sleep.source)] += 1;
        counts.trailing[place_of(sleep.source)] += u32::from(sleep.is_trailing());
        let entries = &mut self.state.entries;
        if first {
            let id = instrument.0;
            entries.insert(IndexId::Sleepers, i64::from(id), u64::from(id))?;
        }
        if sleep.is_trailing() {
            entries.insert(IndexId::Trailing { instrument, source: sleep.source }, 0, item)?;
        }
        entries.insert(sleep.index(instrument), sort_of(sleep.price, sleep.rising), item)?;
        Ok(())
    }

    /// Takes a sleeping order out of the trigger indexes (its extra is still there).
    pub(crate) fn unsleep(&mut self, order: &Order) -> Outcome<()> {
        let sleep = self.sleep(order)?;
        let (instrument, item) = (order.instrument, order.id.0);
        let entries = &mut self.state.entries;
        entries.remove(sleep.index(instrument), sort_of(sleep.price, sleep.rising), item)?;
        if sleep.is_trailing() {
            entries.remove(IndexId::Trailing { instrument, source: sleep.source }, 0, item)?;
        }
        let leaf = self.state.sleepers.touch(SleepersKey(instrument))?;
        let Some(counts) = leaf else {
            assert!(self.state.partial, "an instrument with a sleeping order counts it");
            return Err(Missing::leaf(SleepersKey(instrument)).into());
        };
        counts.orders[place_of(sleep.source)] -= 1;
        counts.trailing[place_of(sleep.source)] -= u32::from(sleep.is_trailing());
        if counts.all() == 0 {
            *leaf = None;
            let id = instrument.0;
            self.state.entries.remove(IndexId::Sleepers, i64::from(id), u64::from(id))?;
        }
        Ok(())
    }

    /// The extra of a sleeping order.
    pub(crate) fn extra_asleep(&mut self, order: &Order) -> Outcome<&mut Extra> {
        let key = ExtraKey(Slot(order.id.slot()));
        match self.state.extras.touch(key)? {
            Some(extra) => Ok(extra),
            None => {
                assert!(self.state.partial, "a sleeping order has an extra");
                Err(Missing::leaf(key).into())
            }
        }
    }

    /// The trigger of a sleeping order.
    pub(crate) fn sleep(&mut self, order: &Order) -> Outcome<Sleep> {
        assert!(order.asleep, "only sleeping orders have a trigger");
        match self.extra_asleep(order)?.sleep {
            Some(sleep) => Ok(sleep),
            None => {
                assert!(self.state.partial, "a sleeping order's extra has its trigger");
                Err(Missing::leaf(ExtraKey(Slot(order.id.slot()))).into())
            }
        }
    }

    /// Moves the trigger of a sleeping order.
    pub(crate) fn move_trigger(&mut self, order: &Order, sleep: &Sleep) -> Outcome<()> {
        let before = self.sleep(order)?;
        let index = before.index(order.instrument);
        assert!(index == sleep.index(order.instrument), "a trigger keeps its source and direction");
        if before.price != sleep.price {
            let entries = &mut self.state.entries;
            entries.remove(index, sort_of(before.price, before.rising), order.id.0)?;
            entries.insert(index, sort_of(sleep.price, sleep.rising), order.id.0)?;
        }
        self.extra_asleep(order)?.sleep = Some(*sleep);
        Ok(())
    }

    /// Takes lots off a sleeping order.
    pub(crate) fn shrink_sleeping(&mut self, order: &Order, lots: u32) -> Outcome<()> {
        assert!(order.asleep && lots < order.left, "something of it sleeps on");
        let shrunk = Order { left: order.left - lots, total: order.total - lots, ..*order };
        self.change_sleeping(&shrunk)
    }

    /// Puts a changed sleeping order into its slot and says so.
    fn change_sleeping(&mut self, order: &Order) -> Outcome<()> {
        *self.state.order(Slot(order.id.slot()))? = *order;
        self.events.push(Event::Amended {
            order: order.id,
            price: order.price,
            lots: Lots(i64::from(order.left)),
            kept_priority: true,
        });
        Ok(())
    }

    /// Changes a sleeping order: amount, limit price, and trigger price or trailing offset (M4).
    pub(crate) fn amend_sleeping(&mut self, order: &Order, amend: &Amend) -> Outcome<()> {
        let sleep = self.sleep(order)?;
        if let Some(price) = amend.price.filter(|_| sleep.market) {
            return Err(Reject::beyond(RejectCode::UnexpectedPrice, price.0, 0).into());
        }
        let moved = match amend.trigger_price {
            Some(price) => sleep.moved_to(price),
            None => sleep,
        };
        let lots = amend.lots.unwrap_or(Lots(i64::from(order.total)));
        let limit = amend.price.unwrap_or(order.price);
        let display = self.extra_asleep(order)?.display;
        let new = NewOrder {
            price: (!sleep.market).then_some(limit),
            time_in_force: TimeInForce::GoodTilCancelled,
            post_only: PostOnly::No,
            display: (display > 0).then(|| Lots(i64::from(display).min(lots.0))),
            trigger: Some(Trigger { source: moved.source, kind: moved.kind }),
            ..NewOrder::limit(order.instrument, order.side, lots, limit)
        };
        let form = self.check_form(&new, 0)?;
        if self.phase_of(&form.instrument)? == Phase::Halted {
            return Err(Reject::of(RejectCode::Halted).into());
        }
        if amend.trigger_price.is_some() {
            let seen = self.watched(order.instrument, moved.source)?;
            check_sleep(&moved, seen)?;
        }
        let (price, tick) = form.limit.unwrap_or((order.price, order.tick));
        let total = stored(lots);
        self.move_trigger(order, &moved)?;
        self.change_sleeping(&Order { price, tick, total, left: total, ..*order })?;
        if amend.trigger_price.is_some() {
            let trigger_price = moved.price;
            self.events.push(Event::Sleeping { order: order.id, trigger_price });
        }
        Ok(())
    }
}

impl Sleep {
    /// With another trigger price, or, trailing, at another distance of the best price seen.
    fn moved_to(&self, to: Price) -> Self {
        let (kind, price) = match self.kind {
            TriggerKind::Stop { .. } => (TriggerKind::Stop { price: to }, to),
            TriggerKind::Take { .. } => (TriggerKind::Take { price: to }, to),
            TriggerKind::Trailing { offset } => {
                let best = trailed(self.price, Price(-offset.0), self.rising);
                (TriggerKind::Trailing { offset: to }, trailed(best, to, self.rising))
            }
        };
        Self { kind, price, ..*self }
    }
}

impl Sleepers {
    /// All sleeping orders of the instrument.
    #[must_use]
    pub fn all(&self) -> u32 {
        self.orders.iter().sum()
    }
}

/// Refuses a trigger price that is not positive or that fires at the price `seen` now.
fn check_sleep(sleep: &Sleep, seen: Option<Price>) -> Result<(), Reject> {
    if sleep.price <= Price::ZERO {
        return Err(Reject::beyond(RejectCode::BadTrigger, sleep.price.0, 1));
    }
    match seen {
        Some(seen) if sleep.fires_at(seen) => {
            Err(Reject::beyond(RejectCode::BadTrigger, sleep.price.0, seen.0))
        }
        _ => Ok(()),
    }
}
