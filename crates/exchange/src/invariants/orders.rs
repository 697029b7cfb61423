//! Orders: their owners' counters, what hangs on them, their slots (C3, A4, M2, M3, L1, L2).

use super::{At, Check, count, each};
use crate::engine::Exchange;
use crate::state::key::{ExtraKey, FreePage, HoldingKey, LabelKey, LeafKey, Only, Slot};
use crate::state::leaves::{FREE_PAGE_LEN, Holding, Order};
use crate::state::table::Table;
use alloc::collections::{BTreeMap, BTreeSet};
use lockstep_types::ids::{AccountId, InstrumentId, LinkId};
use lockstep_types::order::Side;
use lockstep_types::units::{Lots, notional_nano};

impl Holding {
    /// Counts an order as the engine does when it opens one.
    fn count_order(&mut self, order: &Order) {
        self.orders += 1;
        self.reduce_only += u32::from(order.reduce_only);
        if order.asleep {
            return;
        }
        let lots = Lots(i64::from(order.left));
        let cost_nano = notional_nano(order.price, lots);
        match order.side {
            Side::Buy => {
                self.buy_lots += lots;
                self.buy_cost_nano += cost_nano;
            }
            Side::Sell => {
                self.sell_lots += lots;
                self.sell_cost_nano += cost_nano;
            }
        }
    }
}

/// Orders per account, and what they add up to per holding.
#[derive(Debug, Default)]
struct Counted {
    orders: u32,
    accounts: BTreeMap<AccountId, (u32, u32)>,
    instruments: BTreeMap<InstrumentId, u32>,
    holdings: BTreeMap<HoldingKey, Holding>,
}

impl Exchange {
    /// Every order once, with its owner's counters and what hangs on it.
    pub(super) fn check_orders(&self) -> Check {
        let mut counted = Counted::default();
        each(&self.state.orders, |slot, order| {
            counted.orders += 1;
            counted.accounts.entry(order.account).or_default().0 += 1;
            *counted.instruments.entry(order.instrument).or_default() += 1;
            let key = HoldingKey { account: order.account, instrument: order.instrument };
            counted.holdings.entry(key).or_default().count_order(order);
            self.check_order(slot, order)
        })?;
        let totals = self.looked_totals();
        let at = At::new("C3", LeafKey::Totals(Only));
        at.equal(counted.orders, totals.open_orders, "open orders are counted")?;
        self.check_holding_counts(&mut counted)?;
        self.check_instrument_counts(&counted)?;
        self.check_account_counts(&counted)?;
        self.check_labels()?;
        self.check_links()
    }

    fn check_order(&self, slot: Slot, order: &Order) -> Check {
        let at = At::new("C3", LeafKey::Order(slot));
        at.equal(slot.0, order.id.slot(), "an order is in the slot that its handle names")?;
        at.that(order.left > 0, "an order without lots has ended")?;
        let noted = self.state.owned.of(order.account.0).any(|id| id == order.id);
        at.that(noted, "an account's list has each of its orders")?;
        let extra = self.state.extras.peek(ExtraKey(slot));
        at.that(
            extra.is_some() == order.has_extra,
            "an order has its extra exactly if it says so",
        )?;
        let Some(extra) = extra else {
            return at.that(!order.asleep, "a sleeping order has a trigger");
        };
        at.that(extra.sleep.is_some() == order.asleep, "an order sleeps while it has a trigger")?;
        if let Some(label) = &extra.label {
            let found = self.state.labels.peek(LabelKey::new(order.account, label));
            at.that(found == Some(&order.id), "a label leads to its order (A4)")?;
        }
        if extra.link != LinkId(0) {
            let link = self.state.links.peek(extra.link);
            let listed = link.is_some_and(|link| link.orders.contains(&order.id));
            at.that(listed, "a linked order is listed in its set (M3)")?;
        }
        Ok(())
    }

    fn check_holding_counts(&self, counted: &mut Counted) -> Check {
        each(&self.state.holdings, |key, holding| {
            let expected = counted.holdings.remove(&key).unwrap_or_default();
            counted.accounts.entry(key.account).or_default().1 += 1;
            check_counts(At::new("C3", LeafKey::Holding(key)), &expected, holding)
        })?;
        match counted.holdings.keys().next() {
            None => Ok(()),
            Some(key) => {
                At::new("C3", LeafKey::Holding(*key)).that(false, "an order's owner has a holding")
            }
        }
    }

    fn check_instrument_counts(&self, counted: &Counted) -> Check {
        each(&self.state.instruments, |id, instrument| {
            let expected = counted.instruments.get(&id).copied().unwrap_or_default();
            let at = At::new("C3", LeafKey::Instrument(id));
            at.equal(expected, instrument.orders, "an instrument counts its orders")
        })
    }

    fn check_account_counts(&self, counted: &Counted) -> Check {
        each(&self.state.accounts, |id, account| {
            let (orders, holdings) = counted.accounts.get(&id).copied().unwrap_or_default();
            let at = At::new("L1", LeafKey::Account(id));
            at.equal(orders, account.orders, "an account counts its orders")?;
            at.equal(holdings, account.holdings, "an account counts its holdings")?;
            let owned = count(self.state.open_orders_of(id).len());
            at.equal(orders, owned, "an account's list has its orders and no more")
        })
    }

    fn check_labels(&self) -> Check {
        each(&self.state.labels, |key, id| {
            let at = At::new("A4", LeafKey::Label(key));
            let slot = Slot(id.slot());
            let order = self.state.orders.peek(slot).filter(|order| order.id == *id);
            let extra = self.state.extras.peek(ExtraKey(slot));
            let label = extra.and_then(|extra| extra.label.as_ref());
            let named = order.zip(label).map(|(order, label)| LabelKey::new(order.account, label));
            at.that(named == Some(key), "a label belongs to an open order that has it")
        })?;
        each(&self.state.extras, |key, _| {
            let at = At::new("C3", LeafKey::Extra(key));
            let order = self.state.orders.peek(key.0);
            let says_so = order.is_some_and(|order| order.has_extra);
            at.that(says_so, "an extra belongs to an order that says so")
        })
    }

    fn check_links(&self) -> Check {
        each(&self.state.links, |link, set| {
            let at = At::new("M3", LeafKey::Link(link));
            set.orders.iter().try_for_each(|id| {
                let slot = Slot(id.slot());
                let order = self.state.orders.peek(slot);
                let live =
                    order.is_some_and(|order| order.id == *id && order.account == set.account);
                let extra = self.state.extras.peek(ExtraKey(slot));
                let named = extra.is_some_and(|extra| extra.link == link);
                at.that(live && named, "the orders of a set are open and name it")
            })
        })
    }

    /// The stack of free slots: no slot twice, none that is in use, none missing.
    pub(super) fn check_free_slots(&self) -> Check {
        let totals = self.looked_totals();
        let at = At::new("C3", LeafKey::Totals(Only));
        let len = u32::try_from(FREE_PAGE_LEN).unwrap_or(u32::MAX);
        let mut seen = BTreeSet::new();
        for entry in 0..totals.free_slots {
            let page = FreePage(entry / len);
            let at = At::new("C3", LeafKey::FreePage(page));
            let free = self.state.free_pages.peek(page);
            let place = usize::try_from(entry % len).unwrap_or(usize::MAX);
            let Some(slot) = free.and_then(|free| free.slots.get(place).copied()) else {
                return at.that(false, "the stack of free slots has its pages");
            };
            at.that(slot < totals.slots, "a free slot has been used before")?;
            at.that(seen.insert(slot), "a free slot is on the stack once")?;
            let used = self.state.orders.peek(Slot(slot)).is_some();
            at.that(!used, "a free slot holds no order")?;
        }
        let used = totals.slots - totals.free_slots;
        at.equal(totals.open_orders, used, "a slot is free or holds an order")
    }
}

fn check_counts(at: At, expected: &Holding, found: &Holding) -> Check {
    at.equal(expected.orders, found.orders, "a holding counts its orders")?;
    at.equal(expected.reduce_only, found.reduce_only, "a holding counts reduce-only orders")?;
    at.equal(expected.buy_lots.0, found.buy_lots.0, "a holding adds up its open buys")?;
    at.equal(expected.sell_lots.0, found.sell_lots.0, "a holding adds up its open sells")?;
    at.equal(expected.buy_cost_nano, found.buy_cost_nano, "a holding adds up what buys cost")?;
    at.equal(expected.sell_cost_nano, found.sell_cost_nano, "a holding adds up what sells bring")
}
