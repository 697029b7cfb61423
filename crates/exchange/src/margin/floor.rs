//! Floors: what an account has certainly free of its margin while the index stays within a range,
//! so that most orders and fills of an account that is well covered need no look at its other
//! positions, block after block.
//!
//! A look at maintenance ([`crate::liquidation`]) leaves behind, in a leaf, a range of the index of
//! each underlying that the account has anything in, and two lower bounds within the ranges: of
//! `balance - needed` and of `balance - maintenance`. Every order that opens and every fill lowers
//! them by the most that it can cost within the ranges; an order that goes gives back what it took.
//! While a bound covers what is asked, the answer is yes; else the full look decides. What has been
//! used up comes back with the next look at maintenance: floors are set there alone, because
//! whether an order needs a full look may depend on what the block remembers, and no leaf may
//! depend on that.
//!
//! The bounds need no option model; [`super::ground`] has them.
//!
//! Invariant: a floor never says yes where the full look would say no. It is known by the account's
//! cash (of cash that left it is lowered, of cash that came nothing is assumed) and by the number
//! of changes of parameters. Deliberately absent: accounts in more than two underlyings.

use super::climate::{Climate, FUNDING_SHARE_PPM};
use super::ground::{Fees, Ground, Ordered};
use super::portfolio::LegOrder;
use super::view::View;
use crate::account::fill::Fill;
use crate::engine::Exchange;
use crate::formula::rounding::mul_div_floor;
use crate::formula::{LOTS_PER_UNIT, PPM};
use crate::state::key::{FloorKey, WatchKey};
use crate::state::leaves::{Floor, FloorRange, Order, Range};
use crate::state::table::Table;
use crate::state::{Outcome, Touch};
use alloc::vec::Vec;
use lockstep_types::ids::{AccountId, InstrumentId, UnderlyingId};
use lockstep_types::order::Side;
use lockstep_types::units::{Lots, Price, Usd};

/// How far the index may go either way: the wider range if the bounds are positive there.
const WIDTHS_PPM: [i64; 2] = [40_000, 10_000];
/// No sum of gross notionals beyond this is bounded, so that nothing overflows.
const GROSS_MAX: i64 = 1 << 52;

impl Floor {
    fn ranges(&self) -> impl Iterator<Item = &FloorRange> {
        core::iter::once(&self.first).chain(&self.second)
    }

    fn range(&self, underlying: UnderlyingId) -> Option<&FloorRange> {
        self.ranges().find(|range| range.underlying == underlying)
    }

    /// Takes account of cash that has left.
    fn follow_cash(&mut self, cash: Usd) {
        let lost = self.cash.0.saturating_sub(cash.0).max(0);
        self.cash = cash;
        self.spend(lost, lost);
    }

    fn spend(&mut self, open: i64, keep: i64) {
        self.open = Usd(self.open.0.saturating_sub(open));
        self.keep = Usd(self.keep.0.saturating_sub(keep));
    }

    /// Whether the account is above maintenance within its ranges.
    fn keeps(&self) -> bool {
        self.keep >= Usd::ZERO && self.room >= Usd::ZERO
    }

    /// Whether another look would find nothing that matters.
    fn serves(&self) -> bool {
        self.keeps() && self.open > Usd::ZERO
    }

    /// Whether it can still say yes to anything.
    fn is_worth_keeping(&self) -> bool {
        self.room >= Usd::ZERO && (self.open > Usd::ZERO || self.keep > Usd::ZERO)
    }
}

impl FloorRange {
    fn as_range(&self) -> Range {
        Range { underlying: self.underlying, low: self.low, high: self.high }
    }

    /// Whether what it was made for is what there is.
    fn holds(&self, climate: &Climate) -> bool {
        let reach = mul_div_floor(self.low.0, FUNDING_SHARE_PPM, PPM).unwrap_or(0);
        let grown = climate.funding.0.saturating_sub(self.funding.0).saturating_abs();
        climate.calm && self.low <= climate.index && climate.index <= self.high && grown <= reach
    }
}

/// The floor of a view, by what holds in each of its underlyings.
fn floor_of(
    view: &View,
    open: &[LegOrder],
    grounds: &[(FloorRange, Ground, i64)],
    parameters: u32,
) -> Option<Floor> {
    let (mut keep, mut orders, mut room) = (view.cash, 0_i64, GROSS_MAX);
    for (range, ground, free) in grounds {
        let mut gross = 0_i64;
        for leg in view.legs.iter().filter(|leg| leg.underlying == range.underlying) {
            if leg.lots == 0 {
                continue;
            }
            keep = keep.checked_sub(ground.position(&leg.contract, leg.lots)?)?;
            gross = gross.checked_add(ground.gross(&leg.contract, leg.lots)?)?;
            if leg.contract.is_option() {
                continue;
            }
            let (least, most) = ground.marks(&leg.contract);
            let mark = if leg.lots >= 0 { least } else { most };
            let worth = i128::from(leg.lots) * i128::from(mark) - leg.cost_nano;
            let value = (worth - leg.funding_due_nano).div_euclid(i128::from(LOTS_PER_UNIT));
            keep = keep.checked_add(i64::try_from(value).ok()?)?.checked_sub(2)?;
        }
        room = room.min((*free).min(GROSS_MAX).checked_sub(gross)?);
    }
    for order in open {
        let leg = &view.legs[order.place];
        let ground = grounds.iter().find(|ground| ground.0.underlying == leg.underlying)?;
        let order = Ordered { contract: leg.contract, lots: order.lots, limit: order.limit };
        orders = orders.checked_add(ground.1.order(&order)?)?;
    }
    let first = grounds.first()?.0;
    let second = grounds.get(1).map(|ground| ground.0);
    let open = Usd(keep.checked_sub(orders)?);
    let (cash, keep, room) = (Usd(view.cash), Usd(keep), Usd(room));
    Some(Floor { parameters, cash, open, keep, room, first, second })
}

impl Exchange {
    /// The accounts whose floors hold now, with what they say: at least so much of the balance is
    /// not needed, and by at least so much does it exceed the maintenance requirement. For tests
    /// and audits.
    #[must_use]
    pub fn margin_floors(&self) -> Vec<(AccountId, Usd, Usd)> {
        let mut copy = self.clone();
        let mut floors = Vec::new();
        self.state.floors.each(&mut |FloorKey(id), _| {
            if let Ok(Some(floor)) = copy.floor_that_holds(id) {
                floors.push((id, floor.open, floor.keep));
            }
        });
        floors
    }

    /// The account's floor if it holds now, at its cash now.
    fn floor_that_holds(&mut self, id: AccountId) -> Outcome<Option<Floor>> {
        let Some(mut floor) = *self.state.floors.touch(FloorKey(id))? else { return Ok(None) };
        if floor.parameters != self.state.totals()?.parameters {
            return Ok(None);
        }
        for range in floor.ranges() {
            let climate = self.climate(range.underlying)?;
            if !climate.is_some_and(|climate| range.holds(climate)) {
                return Ok(None);
            }
        }
        floor.follow_cash(self.state.account(id)?.cash);
        Ok(Some(floor))
    }

    /// What an account's positions and orders can need within a range of its floor.
    fn ground(&mut self, id: AccountId, range: &FloorRange) -> Outcome<Option<Ground>> {
        let mode = self.state.account(id)?.mode;
        let fees = self.fees_at_most()?;
        let climate = self.climate(range.underlying)?;
        Ok(climate.and_then(|climate| Ground::of(range, climate, mode, fees)))
    }

    fn fees_at_most(&mut self) -> Outcome<Fees> {
        let rules = self.venue_rules()?;
        Ok(Fees { rate_ppm: rules.fee_most.0, cap_ppm: rules.option_fee_cap.0 })
    }

    /// Whether the account's floor covers an order.
    pub(super) fn floor_covers_order(
        &mut self,
        id: AccountId,
        instrument: InstrumentId,
        side: Side,
        lots: i64,
        limit: Price,
    ) -> Outcome<bool> {
        let Some(floor) = self.floor_that_holds(id)? else { return Ok(false) };
        let record = *self.state.instrument(instrument)?;
        let Some(range) = floor.range(record.underlying) else { return Ok(false) };
        let climate = self.climate(range.underlying)?;
        if !climate.is_some_and(|climate| climate.knows(&record.contract)) {
            return Ok(false);
        }
        let Some(ground) = self.ground(id, range)? else { return Ok(false) };
        let lots = side.signed(Lots(lots)).0;
        let order = Ordered { contract: record.contract, lots, limit: limit.0 };
        Ok(ground.order(&order).is_some_and(|cost| cost <= floor.open.0))
    }

    /// Whether the maker's floor covers a fill.
    pub(super) fn floor_covers_fill(&mut self, maker: &Order, lots: u32) -> Outcome<bool> {
        let Some(floor) = self.floor_that_holds(maker.account)? else { return Ok(false) };
        let record = *self.state.instrument(maker.instrument)?;
        let Some(range) = floor.range(record.underlying) else { return Ok(false) };
        let Some(ground) = self.ground(maker.account, range)? else { return Ok(false) };
        let lots = maker.side.signed(Lots(i64::from(lots))).0;
        let order = Ordered { contract: record.contract, lots, limit: maker.price.0 };
        let room = floor.room.0;
        // An order's cost is that of its fill, with premium and fee.
        let covers = ground.order(&order).is_some_and(|cost| cost <= floor.keep.0)
            && ground.gross(&record.contract, lots).is_some_and(|gross| gross <= room);
        Ok(covers)
    }

    /// Lowers the owner's floor by an order that is about to be open.
    #[inline]
    pub(crate) fn charge_floor(&mut self, order: &Order) -> Outcome<()> {
        if order.asleep || self.margin_is_off()? {
            return Ok(());
        }
        if self.state.floors.touch(FloorKey(order.account))?.is_none() {
            return Ok(());
        }
        let [cost] = self.floor_costs(order, [order.left])?;
        self.change_floor(order.account, |floor| floor.spend(cost.unwrap_or(i64::MAX), 0))
    }

    /// Gives the owner's floor back what lots of an open order took.
    #[inline]
    pub(crate) fn release_floor(&mut self, order: &Order, lots: u32) -> Outcome<()> {
        if order.asleep || self.margin_is_off()? {
            return Ok(());
        }
        if self.state.floors.touch(FloorKey(order.account))?.is_none() {
            return Ok(());
        }
        let costs = self.floor_costs(order, [order.left, order.left - lots])?;
        let [Some(whole), Some(rest)] = costs else { return Ok(()) };
        let freed = (whole - rest).max(0);
        self.change_floor(order.account, |floor| floor.spend(-freed, 0))
    }

    /// What each of so many lots of an order cost of its owner's floor; `None` where that cannot be
    /// said.
    fn floor_costs<const N: usize>(
        &mut self,
        order: &Order,
        lots: [u32; N],
    ) -> Outcome<[Option<i64>; N]> {
        let record = *self.state.instrument(order.instrument)?;
        let floor = *self.state.floors.touch(FloorKey(order.account))?;
        let range = floor.as_ref().and_then(|floor| floor.range(record.underlying));
        let Some(range) = range else { return Ok([None; N]) };
        let Some(ground) = self.ground(order.account, range)? else { return Ok([None; N]) };
        Ok(lots.map(|lots| {
            if lots == 0 {
                return Some(0);
            }
            let lots = order.side.signed(Lots(i64::from(lots))).0;
            ground.order(&Ordered { contract: record.contract, lots, limit: order.price.0 })
        }))
    }

    /// Takes account of cash that has left two accounts, before a fill moves more of it: what a
    /// fill brings is no news, because positions count by what they are worth.
    #[inline]
    pub(crate) fn floors_follow_cash(&mut self, accounts: [AccountId; 2]) -> Outcome<()> {
        if self.margin_is_off()? {
            return Ok(());
        }
        for id in accounts {
            let cash = self.state.account(id)?.cash;
            if let Some(floor) = self.state.floors.touch(FloorKey(id))? {
                floor.follow_cash(cash);
            }
        }
        Ok(())
    }

    /// Lowers the floors of both accounts of a fill that has been settled.
    #[inline]
    pub(crate) fn charge_fill(&mut self, fill: &Fill) -> Outcome<()> {
        if self.margin_is_off()? {
            return Ok(());
        }
        let sides = [(fill.taker, fill.taker_side), (fill.maker, fill.taker_side.opposite())];
        for (account, side) in sides {
            let Some(floor) = *self.state.floors.touch(FloorKey(account))? else { continue };
            let record = *self.state.instrument(fill.instrument)?;
            let lots = side.signed(fill.lots).0;
            let ground = match floor.range(record.underlying) {
                Some(range) => self.ground(account, range)?,
                None => None,
            };
            let cost = ground.and_then(|ground| {
                let cost = ground.fill(&record.contract, lots, fill.price.0)?;
                Some((cost, ground.gross(&record.contract, lots)?))
            });
            let (cost, gross) = cost.unwrap_or((i64::MAX, i64::MAX));
            let cash = self.state.account(account)?.cash;
            self.change_floor(account, |floor| {
                floor.follow_cash(cash);
                floor.spend(cost, cost);
                floor.room = Usd(floor.room.0.saturating_sub(gross));
            })?;
        }
        Ok(())
    }

    /// Changes a floor that is there; drops it when nothing is left of it.
    fn change_floor(&mut self, id: AccountId, change: impl FnOnce(&mut Floor)) -> Outcome<()> {
        let leaf = self.state.floors.touch(FloorKey(id))?;
        if let Some(floor) = leaf {
            change(floor);
            if !floor.is_worth_keeping() {
                *leaf = None;
            }
        }
        Ok(())
    }

    /// Forgets an account's floor.
    pub(crate) fn drop_floor(&mut self, id: AccountId) -> Touch<()> {
        *self.state.floors.touch(FloorKey(id))? = None;
        Ok(())
    }

    /// Sets the floor that a full look at an account, as it is now, has shown.
    pub(crate) fn set_floor(&mut self, id: AccountId, view: &View) -> Outcome<()> {
        let floor = self.find_floor(id, view)?;
        *self.state.floors.touch(FloorKey(id))? = floor;
        Ok(())
    }

    fn find_floor(&mut self, id: AccountId, view: &View) -> Outcome<Option<Floor>> {
        let parameters = self.state.totals()?.parameters;
        let mut underlyings: Vec<UnderlyingId> =
            view.legs.iter().map(|leg| leg.underlying).collect();
        underlyings.dedup();
        if underlyings.is_empty() || underlyings.len() > 2 {
            return Ok(None);
        }
        let fees = self.fees_at_most()?;
        let open = match &view.scenarios {
            Some(scenarios) => scenarios.orders.clone(),
            None => self.leg_orders(id, &view.legs)?,
        };
        for width_ppm in WIDTHS_PPM {
            let mut grounds = Vec::with_capacity(underlyings.len());
            for underlying in &underlyings {
                let Some(climate) = self.climate(*underlying)?.filter(|climate| climate.calm)
                else {
                    return Ok(None);
                };
                let (index, funding) = (climate.index, climate.funding);
                let reach = mul_div_floor(index.0, width_ppm, PPM).unwrap_or(0);
                let (low, high) = (Price(index.0 - reach), Price(index.0.saturating_add(reach)));
                let range = FloorRange { underlying: *underlying, low, high, funding };
                let free = climate.concentration_free;
                let ground = Ground::of(&range, climate, view.mode, fees);
                let Some(ground) = ground else { return Ok(None) };
                grounds.push((range, ground, free));
            }
            let floor = floor_of(view, &open, &grounds, parameters);
            let floor = floor.filter(Floor::is_worth_keeping);
            if floor.is_some_and(|floor| floor.open > Usd::ZERO) || width_ppm == WIDTHS_PPM[1] {
                return Ok(floor);
            }
        }
        Ok(None)
    }

    /// The ranges of the index within which an account's floor keeps it above maintenance; `None`
    /// without one that holds, or when all that it had for orders is used up.
    pub(crate) fn safe_ranges(&mut self, id: AccountId) -> Outcome<Option<Vec<Range>>> {
        let floor = self.floor_that_holds(id)?.filter(Floor::serves);
        Ok(floor.map(|floor| floor.ranges().map(FloorRange::as_range).collect()))
    }

    /// Whether an account's floor keeps it above maintenance within ranges that are watched.
    pub(crate) fn is_kept_where_watched(&mut self, id: AccountId) -> Outcome<bool> {
        let Some(floor) = self.floor_that_holds(id)?.filter(Floor::keeps) else {
            return Ok(false);
        };
        let watch = self.state.watches.touch(WatchKey(id))?;
        Ok(watch.as_ref().is_some_and(|watch| {
            floor.ranges().all(|safe| {
                let same = watch.ranges.iter().find(|held| held.underlying == safe.underlying);
                same.is_some_and(|held| held.low >= safe.low && held.high <= safe.high)
            })
        }))
    }
}
