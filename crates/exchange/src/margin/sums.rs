//! What portfolio margin knows of an account, kept while prices stand still, so that an order or a
//! fill costs one array and one requirement, however many positions and orders the account has.
//!
//! A full look leaves behind the sums of every underlying: profit per scenario, what each leg adds
//! to the hedges, the losses of the open orders. An order that opens, shrinks or ends, and a fill,
//! change them exactly; so what they say is what the full look would say.
//!
//! ```text
//! order    O +- min(0, n R + edge)
//! fill     P + n R, and the leg's own delta, vega, value and lots anew
//! ```
//!
//! Invariant: sums live as long as the marks of a block and a run of steps, and are those of the
//! leaves as they are. A "yes" of theirs is one of the full look; anything else is left to it, so
//! results do not depend on them. What does not fit, or is not at hand, drops them.

use super::portfolio::{Conditions, kind_of};
use super::standard::value_of;
use super::view::{FeeKind, Leg, Rates, View, fee_of};
use crate::engine::Exchange;
use crate::formula::FormulaError;
use crate::formula::portfolio::{LegSums, OpenOrders, Positions, positions_of};
use crate::formula::portfolio_margin::required;
use crate::formula::risk_array::RiskArray;
use crate::formula::scenario_vector::{
    OpenOrder, minus, order_edge, order_losses, plus, plus_lots,
};
use crate::formula::standard_margin::Requirement;
use crate::state::leaves::{Account, Holding, Order};
use crate::state::{Outcome, Touch};
use alloc::boxed::Box;
use alloc::vec::Vec;
use lockstep_types::command::MarginMode;
use lockstep_types::ids::{AccountId, InstrumentId, UnderlyingId};
use lockstep_types::order::Side;
use lockstep_types::units::Price;

/// Accounts whose sums are kept at once; another one with the same low bits replaces one.
const SLOTS: usize = 1_024;
/// What roundings of one fill can add up to.
const ROUNDING: i128 = 5;

/// A leg as the sums know it.
#[derive(Clone, Copy, Debug)]
struct KnownLeg {
    instrument: InstrumentId,
    sums: LegSums,
    /// What it adds to the equity.
    value: i128,
}

/// The sums of one underlying.
#[derive(Clone, Debug)]
struct Group {
    conditions: Conditions,
    /// Sorted as [`LegSums`] are.
    legs: Vec<KnownLeg>,
    /// What expired legs that wait to be paid are worth: they count by that alone.
    settled: i128,
    positions: Positions,
    /// Of the positions alone.
    own: Requirement,
    orders: OpenOrders,
    /// Initial, with the open orders; `None` since they changed.
    needed: Option<i64>,
}

/// The sums of an account.
#[derive(Clone, Debug)]
struct Sums {
    account: AccountId,
    era: u64,
    tier: u8,
    rates: Rates,
    groups: Vec<Group>,
}

/// The sums of a block.
#[derive(Clone, Debug, Default)]
pub(crate) struct SumsCache {
    slots: Vec<Option<Box<Sums>>>,
}

impl SumsCache {
    fn slot(account: AccountId) -> usize {
        usize::try_from(account.0).unwrap_or(0) % SLOTS
    }

    fn find(&mut self, account: AccountId, era: u64) -> Option<&mut Sums> {
        let sums = self.slots.get_mut(Self::slot(account))?.as_deref_mut()?;
        (sums.account == account && sums.era == era).then_some(sums)
    }

    /// Whether there is anything to keep up to date.
    #[inline]
    fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    fn put(&mut self, sums: Sums) {
        if self.slots.is_empty() {
            self.slots.resize(SLOTS, None);
        }
        let slot = Self::slot(sums.account);
        self.slots[slot] = Some(Box::new(sums));
    }

    /// Forgets what is known of an account.
    pub(crate) fn forget(&mut self, account: AccountId) {
        if let Some(slot) = self.slots.get_mut(Self::slot(account))
            && slot.as_ref().is_some_and(|sums| sums.account == account)
        {
            *slot = None;
        }
    }
}

/// An order as the sums count it.
#[derive(Clone, Copy, Debug)]
struct Counted<'a> {
    array: &'a RiskArray,
    is_option: bool,
    /// Negative for a sale, not zero.
    lots: i64,
    limit: i64,
    mark: i64,
}

impl Group {
    /// What one order adds to the sums of the open ones.
    fn part_of(&self, rates: &Rates, order: &Counted<'_>) -> Result<OpenOrders, FormulaError> {
        let spot = self.conditions.market.spot;
        let size = order.lots.saturating_abs();
        let fee = fee_of(order.is_option, spot, size, order.limit, rates, FeeKind::Either);
        let edge = order_edge(order.lots, order.mark, order.limit, fee)?;
        let losses = order_losses(&OpenOrder { array: order.array, lots: order.lots, edge })?;
        let (short_lots, linear_lots) = match order.is_option {
            true => (order.lots.saturating_neg().max(0), 0),
            false => (0, size),
        };
        Ok(OpenOrders { losses, short_lots, linear_lots })
    }

    fn with(&self, part: &OpenOrders) -> Result<OpenOrders, FormulaError> {
        Ok(OpenOrders {
            losses: plus(&self.orders.losses, &part.losses)?,
            short_lots: self.orders.short_lots.saturating_add(part.short_lots),
            linear_lots: self.orders.linear_lots.saturating_add(part.linear_lots),
        })
    }

    fn without(&self, part: &OpenOrders) -> Result<OpenOrders, FormulaError> {
        Ok(OpenOrders {
            losses: minus(&self.orders.losses, &part.losses)?,
            short_lots: self.orders.short_lots - part.short_lots,
            linear_lots: self.orders.linear_lots - part.linear_lots,
        })
    }

    fn needed_with(&self, orders: &OpenOrders) -> Result<i64, FormulaError> {
        let Conditions { params, market, .. } = &self.conditions;
        Ok(required(params, market, &self.positions, orders)?.initial)
    }

    fn needed(&mut self) -> Result<i64, FormulaError> {
        if let Some(needed) = self.needed {
            return Ok(needed);
        }
        let needed = self.needed_with(&self.orders)?;
        self.needed = Some(needed);
        Ok(needed)
    }

    /// The positions as they would be with another leg in one's place.
    fn positions_with(
        &self,
        leg: &LegSums,
        at: InstrumentId,
        profit: &crate::formula::scenario_vector::ScenarioVector,
    ) -> Result<Positions, FormulaError> {
        let mut legs: Vec<LegSums> = self
            .legs
            .iter()
            .filter(|known| known.instrument != at)
            .map(|known| known.sums)
            .collect();
        let place = legs.partition_point(|other| other.key() < leg.key());
        legs.insert(place, *leg);
        positions_of(*profit, &legs)
    }

    fn value(&self) -> i128 {
        self.settled + self.legs.iter().map(|leg| leg.value).sum::<i128>()
    }
}

impl Sums {
    fn group(&mut self, underlying: UnderlyingId) -> Option<&mut Group> {
        self.groups.iter_mut().find(|group| group.conditions.underlying == underlying)
    }

    /// The sums of a view.
    fn of(view: &View, account: AccountId, era: u64, tier: u8) -> Option<Self> {
        let scenarios = view.scenarios.as_ref()?;
        let mut groups: Vec<Group> = Vec::new();
        for conditions in scenarios.conditions() {
            groups.push(Group {
                conditions: *conditions,
                legs: Vec::new(),
                settled: 0,
                positions: Positions::NONE,
                own: Requirement::default(),
                orders: OpenOrders::NONE,
                needed: None,
            });
        }
        let mut sums = Self { account, era, tier, rates: view.rates, groups };
        for (place, leg) in view.legs.iter().enumerate() {
            let rates = view.rates;
            let group = sums.group(leg.underlying)?;
            let Some(array) = scenarios.array(place) else {
                // Without an array nobody can carry what has not expired.
                leg.expired.then_some(())?;
                group.settled += value_of(leg);
                continue;
            };
            group.legs.push(known_leg(leg, array));
            let profit = plus_lots(&group.positions.profit, array, leg.lots).ok()?;
            group.positions.profit = profit;
            for order in scenarios.orders.iter().filter(|order| order.place == place) {
                let counted = Counted {
                    array,
                    is_option: leg.contract.is_option(),
                    lots: order.lots,
                    limit: order.limit,
                    mark: leg.mark,
                };
                let part = group.part_of(&rates, &counted).ok()?;
                group.orders = group.with(&part).ok()?;
            }
        }
        for group in &mut sums.groups {
            let legs: Vec<LegSums> = group.legs.iter().map(|leg| leg.sums).collect();
            group.positions = positions_of(group.positions.profit, &legs).ok()?;
            let Conditions { params, market, .. } = &group.conditions;
            group.own = required(params, market, &group.positions, &OpenOrders::NONE).ok()?;
        }
        Some(sums)
    }
}

fn known_leg(leg: &Leg, array: &RiskArray) -> KnownLeg {
    let expiry = leg.contract.expiry().map_or(0, |expiry| expiry.0);
    let sums = LegSums::of(expiry, kind_of(leg), leg.lots, array);
    KnownLeg { instrument: leg.instrument, sums, value: value_of(leg) }
}

impl Exchange {
    /// Whether what this block remembers of accounts with portfolio margin is what a full look at
    /// each finds, and of how many accounts something is remembered. For tests and audits.
    ///
    /// # Errors
    /// The first account of which it is not.
    pub fn check_remembered(&self) -> Result<u32, AccountId> {
        let era = self.marks.era();
        let mut known = 0;
        for sums in self.sums.slots.iter().flatten().filter(|sums| sums.era == era) {
            let found = self
                .looked_view(sums.account)
                .and_then(|view| Sums::of(&view, sums.account, era, sums.tier));
            if found.is_none_or(|found| !found.agrees(sums)) {
                return Err(sums.account);
            }
            known += 1;
        }
        Ok(known)
    }

    /// Keeps the sums that a full look at an account, as it is now, has shown.
    pub(super) fn remember_sums(&mut self, id: AccountId, view: &View) -> Outcome<()> {
        let tier = self.state.account(id)?.tier;
        match Sums::of(view, id, self.marks.era(), tier) {
            Some(sums) => self.sums.put(sums),
            None => self.sums.forget(id),
        }
        Ok(())
    }

    /// The account's sums, if they hold, and its cash.
    fn known_sums(&mut self, id: AccountId) -> Outcome<Option<(&mut Sums, i64)>> {
        let Account { mode, cash, tier, .. } = *self.state.account(id)?;
        if mode != MarginMode::Portfolio {
            return Ok(None);
        }
        let era = self.marks.era();
        Ok(self.sums.find(id, era).filter(|sums| sums.tier == tier).map(|sums| (sums, cash.0)))
    }

    /// Whether the account's sums say that it can carry an order.
    pub(super) fn sums_cover_order(
        &mut self,
        id: AccountId,
        instrument: InstrumentId,
        side: Side,
        lots: i64,
        limit: Price,
    ) -> Outcome<bool> {
        if self.sums.is_empty() || self.known_sums(id)?.is_none() {
            return Ok(false);
        }
        let Some(array) = self.risk_array(instrument)? else { return Ok(false) };
        let Some(model) = self.model(instrument)? else { return Ok(false) };
        let record = *self.state.instrument(instrument)?;
        let counted = Counted {
            array: &array,
            is_option: record.contract.is_option(),
            lots: if side == Side::Buy { lots } else { -lots },
            limit: limit.0,
            mark: model.price.0,
        };
        let Some((sums, cash)) = self.known_sums(id)? else { return Ok(false) };
        let covers = sums.cover(record.underlying, cash, &counted);
        Ok(covers.unwrap_or(false))
    }

    /// Whether the maker's sums say that it can carry a fill.
    pub(super) fn sums_cover_fill(&mut self, maker: &Order, lots: u32) -> Outcome<bool> {
        if self.sums.is_empty() || self.known_sums(maker.account)?.is_none() {
            return Ok(false);
        }
        let Some(array) = self.risk_array(maker.instrument)? else { return Ok(false) };
        let holding = self.state.holding_or_empty(maker.account, maker.instrument)?;
        let leg = self.leg_in(MarginMode::Portfolio, maker.instrument, &holding)?;
        let Some(leg) = leg else { return Ok(false) };
        let lots = i64::from(lots);
        let signed = if maker.side == Side::Buy { lots } else { -lots };
        let limit = maker.price.0;
        let Some((sums, cash)) = self.known_sums(maker.account)? else { return Ok(false) };
        let covers = sums.cover_fill(cash, &leg, &array, signed, limit);
        Ok(covers.unwrap_or(false))
    }

    /// Counts an order that is about to be open.
    #[inline]
    pub(crate) fn count_in_sums(&mut self, order: &Order) -> Outcome<()> {
        if self.sums.is_empty() || order.asleep {
            return Ok(());
        }
        let era = self.marks.era();
        if self.sums.find(order.account, era).is_none() {
            return Ok(());
        }
        let underlying = self.state.instrument(order.instrument)?.underlying;
        self.change_orders(order, underlying, [0, i64::from(order.left)]);
        Ok(())
    }

    /// Counts an open order of which lots go.
    #[inline]
    pub(crate) fn uncount_in_sums(&mut self, order: &Order, lots: u32, ends: bool) -> Touch<()> {
        if self.sums.is_empty() || order.asleep {
            return Ok(());
        }
        let era = self.marks.era();
        if self.sums.find(order.account, era).is_none() {
            return Ok(());
        }
        let underlying = self.state.instrument(order.instrument)?.underlying;
        let left = i64::from(order.left);
        let rest = if ends { 0 } else { left - i64::from(lots) };
        self.change_orders(order, underlying, [left, rest]);
        Ok(())
    }

    /// Replaces an order's lots in its owner's sums; forgets them if anything is not at hand.
    fn change_orders(&mut self, order: &Order, underlying: UnderlyingId, lots: [i64; 2]) {
        let era = self.marks.era();
        let array = self.arrays.get(order.instrument, era + 1).copied().flatten();
        let mark = self.marks.model_price(order.instrument);
        let is_option = self.state.instruments.glance(order.instrument).1;
        let is_option = is_option.map(|record| record.contract.is_option());
        let changed = (|| {
            let (array, mark, is_option) = (array?, mark?, is_option?);
            let sums = self.sums.find(order.account, era)?;
            let rates = sums.rates;
            let group = sums.group(underlying)?;
            for (number, lots) in lots.into_iter().enumerate().filter(|(_, lots)| *lots > 0) {
                let counted = Counted {
                    array: &array,
                    is_option,
                    lots: if order.side == Side::Buy { lots } else { -lots },
                    limit: order.price.0,
                    mark: mark.0,
                };
                let part = group.part_of(&rates, &counted).ok()?;
                group.orders = match number {
                    0 => group.without(&part).ok()?,
                    _ => group.with(&part).ok()?,
                };
            }
            group.needed = None;
            Some(())
        })();
        if changed.is_none() {
            self.sums.forget(order.account);
        }
    }

    /// Brings an account's sums up to date after a fill.
    pub(crate) fn fill_in_sums(&mut self, id: AccountId, instrument: InstrumentId) -> Outcome<()> {
        let era = self.marks.era();
        if self.sums.is_empty() || self.sums.find(id, era).is_none() {
            return Ok(());
        }
        let array = self.risk_array(instrument)?;
        let holding: Holding = self.state.holding_or_empty(id, instrument)?;
        let leg = self.leg_in(MarginMode::Portfolio, instrument, &holding)?;
        let changed = match (&array, &leg, self.sums.find(id, era)) {
            (Some(array), Some(leg), Some(sums)) => sums.take_leg(leg, array),
            _ => None,
        };
        if changed.is_none() {
            self.sums.forget(id);
        }
        Ok(())
    }
}

impl Sums {
    /// Whether the other sums say the same; an underlying without anything says nothing.
    fn agrees(&self, other: &Self) -> bool {
        let says = |group: &&Group| {
            group.positions != Positions::NONE
                || group.orders != OpenOrders::NONE
                || group.value() != 0
        };
        let mut theirs: Vec<&Group> = other.groups.iter().filter(says).collect();
        let mut ours: Vec<&Group> = self.groups.iter().filter(says).collect();
        for groups in [&mut theirs, &mut ours] {
            groups.sort_by_key(|group| group.conditions.underlying);
        }
        ours.len() == theirs.len()
            && ours.iter().zip(&theirs).all(|(ours, theirs)| {
                ours.conditions == theirs.conditions
                    && ours.positions == theirs.positions
                    && ours.own == theirs.own
                    && ours.orders == theirs.orders
                    && ours.value() == theirs.value()
            })
    }

    fn balance(&self, cash: i64) -> i128 {
        i128::from(cash) + self.groups.iter().map(Group::value).sum::<i128>()
    }

    /// Whether the account covers what it needs with one more order.
    fn cover(&mut self, at: UnderlyingId, cash: i64, order: &Counted<'_>) -> Option<bool> {
        let rates = self.rates;
        let balance = self.balance(cash);
        let mut needed = 0_i128;
        for group in &mut self.groups {
            if group.conditions.underlying == at {
                let part = group.part_of(&rates, order).ok()?;
                needed += i128::from(group.needed_with(&group.with(&part).ok()?).ok()?);
            } else {
                needed += i128::from(group.needed().ok()?);
            }
        }
        self.group(at)?;
        Some(needed <= balance)
    }

    /// Whether the account covers its maintenance requirement after a fill.
    fn cover_fill(
        &mut self,
        cash: i64,
        leg: &Leg,
        array: &RiskArray,
        lots: i64,
        limit: i64,
    ) -> Option<bool> {
        let rates = self.rates;
        let option = leg.contract.is_option();
        let size = lots.saturating_abs();
        let fee = fee_of(option, leg.spot, size, limit, &rates, FeeKind::Maker);
        let edge = order_edge(lots, leg.mark, limit, fee).ok()?;
        let balance = self.balance(cash) + i128::from(edge) - ROUNDING;
        let mut maintenance = 0_i128;
        for group in &self.groups {
            if group.conditions.underlying != leg.underlying {
                maintenance += i128::from(group.own.maintenance);
                continue;
            }
            let profit = plus_lots(&group.positions.profit, array, lots).ok()?;
            let after = Leg { lots: leg.lots.checked_add(lots)?, ..*leg };
            let changed = known_leg(&after, array);
            let positions = group.positions_with(&changed.sums, leg.instrument, &profit).ok()?;
            let Conditions { params, market, .. } = &group.conditions;
            let own = required(params, market, &positions, &OpenOrders::NONE).ok()?;
            maintenance += i128::from(own.maintenance);
        }
        self.group(leg.underlying)?;
        Some(maintenance <= balance)
    }

    /// Replaces a leg by what it is now.
    fn take_leg(&mut self, leg: &Leg, array: &RiskArray) -> Option<()> {
        let group = self.group(leg.underlying)?;
        let before = group.legs.iter().position(|known| known.instrument == leg.instrument);
        let held = before.map_or(0, |place| group.legs[place].sums.lots);
        let moved = leg.lots.checked_sub(held)?;
        if let Some(place) = before {
            group.legs.remove(place);
        }
        let fresh = known_leg(leg, array);
        let place = group.legs.partition_point(|known| known.sums.key() < fresh.sums.key());
        group.legs.insert(place, fresh);
        let profit = plus_lots(&group.positions.profit, array, moved).ok()?;
        let legs: Vec<LegSums> = group.legs.iter().map(|leg| leg.sums).collect();
        group.positions = positions_of(profit, &legs).ok()?;
        let Conditions { params, market, .. } = &group.conditions;
        group.own = required(params, market, &group.positions, &OpenOrders::NONE).ok()?;
        group.needed = None;
        Some(())
    }
}
