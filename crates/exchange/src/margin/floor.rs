//! Floors: what an account with portfolio margin has certainly free while the index stays within a
//! range, so that most orders and fills of an account that is well covered need no look at its
//! other positions, block after block.
//!
//! A full look leaves behind, in a leaf, a range of the index of each underlying that the account
//! has anything in, and two lower bounds within the ranges: of `balance - needed` and of
//! `balance - maintenance`. Every order that opens and every fill lowers them by the most that it
//! can cost within the ranges; an order that goes gives back what it took. While a bound covers what is asked, the answer is yes; else the full look decides and sets another floor.
//!
//! The bounds need no option model. Of `n` lots, with `F` the highest forward or mark in the range
//! (see [`super::climate`]) and shares as in [`crate::formula::portfolio_margin`]:
//!
//! ```text
//! perpetual, future   n F (16 % + 2 % + LINEAR + BASIS) + what the mark can be worse than the cost
//! option held         n F (2 % + BASIS / 2 + VEGA / 2)             its value covers its own scan
//! option owed         2.2 n F (call), 2 n K (put), SHORT, BASIS / 2, VEGA / 2
//! an order            as if filled; what its limit is worse than mark, or the premium, and the fee
//!                     count twice, because SCAN and LAT both see them
//! ```
//!
//! A scan is a maximum of sums over scenarios, so it is at most the sum of the legs' own; a value
//! and its scan together lose no more than the value (held) or what the option can be worth at most
//! (owed: never above the forward, or the strike); all the other terms are sums of sizes. So each
//! leg can be bounded on its own, and parts of a leg as well.
//!
//! Invariant: a floor never says yes where the full look would say no. It is known by the account's
//! cash (of cash that left it is lowered, of cash that came nothing is assumed) and by the number of
//! changes of parameters. Deliberately absent: accounts with standard margin, whose cushions live
//! for a block ([`super::cushion`]), and accounts in more than two underlyings.

use super::climate::{Climate, FORWARD_SHARE_PPM, LATENCY_MOVE_PPM, PERPETUAL_SHARE_PPM};
use super::view::View;
use crate::account::fill::Fill;
use crate::engine::Exchange;
use crate::formula::risk_array::SPOT_MOVE_PPM_MAX;
use crate::formula::rounding::{mul_div_ceil, mul_div_floor};
use crate::formula::{LOTS_PER_UNIT, PPM};
use crate::state::key::FloorKey;
use crate::state::leaves::{Floor, FloorRange, Order, Range};
use crate::state::table::Table;
use crate::state::{Outcome, Touch};
use alloc::vec::Vec;
use lockstep_types::command::MarginMode;
use lockstep_types::ids::{AccountId, InstrumentId, UnderlyingId};
use lockstep_types::instrument::{Contract, OptionSide};
use lockstep_types::order::Side;
use lockstep_types::params::PortfolioMarginParams;
use lockstep_types::units::{Lots, Price, Usd};

/// How far the index may go either way: the wider range if the bounds are positive there.
const WIDTHS_PPM: [i64; 2] = [40_000, 10_000];
/// How far cumulative funding may go either way, of the lowest index.
const FUNDING_SHARE_PPM: i64 = 1_000;
/// What a call that is owed can cost at most in SCAN and LAT, of the forward: it is worth at most
/// the forward, which moves by 16 % in one and by 4 % in the other.
const CALL_OWED_PPM: i64 = 2 * PPM + SPOT_MOVE_PPM_MAX + 40_000;
/// No sum of gross notionals beyond this is bounded, so that nothing overflows.
const GROSS_MAX: i64 = 1 << 52;
/// What roundings of a term can add up to, beside those of each lot.
const ROUNDING: i64 = 16;

/// The prices of an underlying while its index is within a range.
#[derive(Clone, Copy, Debug)]
struct Ground {
    high: i64,
    /// Highest forward, and lowest and highest mark of a future.
    dated: (i64, i64),
    /// Lowest and highest mark of the perpetual.
    perpetual: (i64, i64),
    /// What funding can cost per unit.
    funding: i64,
    shares: PortfolioMarginParams,
}

impl Ground {
    fn of(range: &FloorRange, shares: &PortfolioMarginParams) -> Option<Self> {
        let (low, high) = (range.low.0, range.high.0);
        let around = |share_ppm: i64| {
            let least = mul_div_floor(low, PPM - share_ppm, PPM).ok()?;
            Some((least, mul_div_ceil(high, PPM + share_ppm, PPM).ok()?))
        };
        let dated = around(FORWARD_SHARE_PPM)?;
        // What a lot does in a scenario must fit an array, or nobody can carry it.
        (dated.1 / LOTS_PER_UNIT <= i64::from(i32::MAX) / 2).then_some(())?;
        let funding = mul_div_ceil(low, FUNDING_SHARE_PPM, PPM).ok()?;
        let perpetual = around(PERPETUAL_SHARE_PPM)?;
        Some(Self { high, dated, perpetual, funding, shares: *shares })
    }

    /// Lowest and highest mark of a perpetual or future.
    fn marks(&self, contract: &Contract) -> (i64, i64) {
        match contract {
            Contract::Perpetual => self.perpetual,
            Contract::Future { .. } | Contract::Option { .. } => self.dated,
        }
    }

    /// The most that signed lots can need, and of an option that is owed also what it is worth.
    fn position(&self, contract: &Contract, lots: i64) -> Option<i64> {
        let size = lots.checked_abs()?;
        let shares = &self.shares;
        let forward = notional(size, self.marks(contract).1)?;
        let rounding = size.checked_mul(4)?.checked_add(ROUNDING)?;
        let cost = match contract {
            Contract::Perpetual | Contract::Future { .. } => {
                let moved_ppm = SPOT_MOVE_PPM_MAX + LATENCY_MOVE_PPM + shares.basis.0;
                share(forward, moved_ppm)?
                    .checked_add(share(notional(size, self.high)?, shares.linear_initial.0)?)?
                    .checked_add(notional(size, self.funding)?)?
            }
            Contract::Option { strike, side, .. } => {
                // A strike that no array can hold is one that nobody can carry.
                (strike.0 / LOTS_PER_UNIT <= i64::from(i32::MAX) / 2).then_some(())?;
                let hedged_ppm = shares.basis.0 / 2 + shares.vega.0 / 2 + 2;
                let hedged = share(forward, hedged_ppm)?;
                if lots >= 0 {
                    share(forward, LATENCY_MOVE_PPM)?.checked_add(hedged)?
                } else {
                    let worth = match side {
                        OptionSide::Call => share(forward, CALL_OWED_PPM)?,
                        OptionSide::Put => notional(size, strike.0)?.checked_mul(2)?,
                    };
                    let short = share(notional(size, self.high)?, shares.short_initial.0)?;
                    worth.checked_add(short)?.checked_add(hedged)?
                }
            }
        };
        cost.checked_add(rounding)
    }

    /// What signed lots of a perpetual or future at a price can be worth less than nothing.
    fn worse(&self, contract: &Contract, lots: i64, price: i64) -> Option<i64> {
        let (least, most) = self.marks(contract);
        let worse = if lots >= 0 { price.checked_sub(least)? } else { most.checked_sub(price)? };
        notional(lots.checked_abs()?, worse.max(0))
    }

    /// The most that an order can need.
    fn order(&self, order: &Ordered, fee_ppm: i64) -> Option<i64> {
        let contract = &order.contract;
        let size = order.lots.checked_abs()?;
        let option = contract.is_option();
        let fee = share(notional(size, if option { self.high } else { order.limit })?, fee_ppm)?;
        let outlay = match (option, order.lots > 0) {
            (true, true) => notional(size, order.limit)?,
            (true, false) => 0,
            (false, _) => self.worse(contract, order.lots, order.limit)?,
        };
        let twice = outlay.checked_add(fee)?.checked_mul(2)?;
        self.position(contract, order.lots)?.checked_add(twice)
    }

    /// The most that a fill can cost of what is free, beside cash that it takes.
    fn fill(&self, contract: &Contract, lots: i64, price: i64) -> Option<i64> {
        let worse = if contract.is_option() { 0 } else { self.worse(contract, lots, price)? };
        self.position(contract, lots)?.checked_add(worse)
    }

    /// How much of an underlying's gross notional lots are, for concentration and for overflows.
    fn gross(&self, contract: &Contract, lots: i64) -> Option<i64> {
        let most = match contract {
            Contract::Option { strike, .. } => self.dated.1.max(strike.0),
            Contract::Perpetual | Contract::Future { .. } => self.dated.1,
        };
        notional(lots.checked_abs()?, most)
    }
}

/// An order as floors see it; `lots` are negative for a sale.
#[derive(Clone, Copy, Debug)]
struct Ordered {
    contract: Contract,
    lots: i64,
    limit: i64,
}

fn notional(lots: i64, price: i64) -> Option<i64> {
    mul_div_ceil(lots, price, LOTS_PER_UNIT).ok()
}

fn share(amount: i64, share_ppm: i64) -> Option<i64> {
    mul_div_ceil(amount, share_ppm, PPM).ok()
}

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

    /// Whether it can still say yes to anything.
    fn is_worth_keeping(&self) -> bool {
        self.room >= Usd::ZERO && (self.open > Usd::ZERO || self.keep > Usd::ZERO)
    }
}

impl FloorRange {
    /// Whether what it was made for is what there is.
    fn holds(&self, climate: &Climate) -> bool {
        let reach = mul_div_floor(self.low.0, FUNDING_SHARE_PPM, PPM).unwrap_or(0);
        let grown = climate.funding.0.saturating_sub(self.funding.0).saturating_abs();
        climate.calm && self.low <= climate.index && climate.index <= self.high && grown <= reach
    }
}

/// The floor of a view, by what holds in each of its underlyings.
fn floor_of(view: &View, grounds: &[(FloorRange, Ground, i64)], fee_ppm: i64) -> Option<Floor> {
    let (mut keep, mut orders, mut gross) = (view.cash, 0_i64, [0_i64; 2]);
    let mut room = GROSS_MAX;
    for (at, (range, ground, free)) in grounds.iter().enumerate() {
        for leg in view.legs.iter().filter(|leg| leg.underlying == range.underlying) {
            if leg.lots == 0 {
                continue;
            }
            keep = keep.checked_sub(ground.position(&leg.contract, leg.lots)?)?;
            gross[at] = gross[at].checked_add(ground.gross(&leg.contract, leg.lots)?)?;
            if leg.contract.is_option() {
                continue;
            }
            let (least, most) = ground.marks(&leg.contract);
            let mark = if leg.lots >= 0 { least } else { most };
            let worth = i128::from(leg.lots) * i128::from(mark) - leg.cost_nano;
            let value = (worth - leg.funding_due_nano).div_euclid(i128::from(LOTS_PER_UNIT));
            keep = keep.checked_add(i64::try_from(value).ok()?)?.checked_sub(2)?;
        }
        room = room.min((*free).min(GROSS_MAX).checked_sub(gross[at])?);
    }
    for order in &view.scenarios.as_ref()?.orders {
        let leg = &view.legs[order.place];
        let ground = grounds.iter().find(|ground| ground.0.underlying == leg.underlying)?;
        let order = Ordered { contract: leg.contract, lots: order.lots, limit: order.limit };
        orders = orders.checked_add(ground.1.order(&order, fee_ppm)?)?;
    }
    let first = grounds.first()?.0;
    let second = grounds.get(1).map(|ground| ground.0);
    let open = Usd(keep.checked_sub(orders)?);
    let (cash, keep, room) = (Usd(view.cash), Usd(keep), Usd(room));
    Some(Floor { parameters: 0, cash, open, keep, room, first, second })
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

    fn ground(&mut self, range: &FloorRange) -> Outcome<Option<Ground>> {
        Ok(self.climate(range.underlying)?.and_then(|known| Ground::of(range, &known.shares)))
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
        let fee_ppm = self.venue_rules()?.fee_most.0;
        let Some(climate) = self.climate(range.underlying)? else { return Ok(false) };
        if !climate.knows(&record.contract) {
            return Ok(false);
        }
        let Some(ground) = Ground::of(range, &climate.shares) else { return Ok(false) };
        let lots = side.signed(Lots(lots)).0;
        let order = Ordered { contract: record.contract, lots, limit: limit.0 };
        Ok(ground.order(&order, fee_ppm).is_some_and(|cost| cost <= floor.open.0))
    }

    /// Whether the maker's floor covers a fill.
    pub(super) fn floor_covers_fill(&mut self, maker: &Order, lots: u32) -> Outcome<bool> {
        let Some(floor) = self.floor_that_holds(maker.account)? else { return Ok(false) };
        let record = *self.state.instrument(maker.instrument)?;
        let Some(range) = floor.range(record.underlying) else { return Ok(false) };
        let fee_ppm = self.venue_rules()?.fee_most.0;
        let Some(ground) = self.ground(range)? else { return Ok(false) };
        let lots = maker.side.signed(Lots(i64::from(lots))).0;
        let order = Ordered { contract: record.contract, lots, limit: maker.price.0 };
        let room = floor.room.0;
        // An order's cost is that of its fill, with premium and fee.
        let covers = ground.order(&order, fee_ppm).is_some_and(|cost| cost <= floor.keep.0)
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
        let cost = self.floor_cost(order, order.left)?;
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
        let (Some(whole), Some(rest)) =
            (self.floor_cost(order, order.left)?, self.floor_cost(order, order.left - lots)?)
        else {
            return Ok(());
        };
        let freed = (whole - rest).max(0);
        self.change_floor(order.account, |floor| floor.spend(-freed, 0))
    }

    /// What so many lots of an order cost of its owner's floor; `None` if that cannot be said.
    fn floor_cost(&mut self, order: &Order, lots: u32) -> Outcome<Option<i64>> {
        if lots == 0 {
            return Ok(Some(0));
        }
        let record = *self.state.instrument(order.instrument)?;
        let floor = *self.state.floors.touch(FloorKey(order.account))?;
        let range = floor.as_ref().and_then(|floor| floor.range(record.underlying));
        let Some(range) = range else { return Ok(None) };
        let fee_ppm = self.venue_rules()?.fee_most.0;
        let Some(ground) = self.ground(range)? else { return Ok(None) };
        let lots = order.side.signed(Lots(i64::from(lots))).0;
        let order = Ordered { contract: record.contract, lots, limit: order.price.0 };
        Ok(ground.order(&order, fee_ppm))
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
                Some(range) => self.ground(range)?,
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
        if view.mode != MarginMode::Portfolio {
            return Ok(());
        }
        let floor = self.find_floor(view)?;
        *self.state.floors.touch(FloorKey(id))? = floor;
        Ok(())
    }

    /// Finds the floor that a full look has shown for [`Self::take_floor`]: what is only being
    /// checked may be refused yet, and then changes nothing (C4).
    pub(super) fn note_floor(&mut self, id: AccountId, view: &View) -> Outcome<()> {
        if view.mode == MarginMode::Portfolio {
            self.floor_found = Some((id, self.find_floor(view)?));
        }
        Ok(())
    }

    /// Sets the floor that checking an account's order has shown.
    #[inline]
    pub(crate) fn take_floor(&mut self, account: AccountId) -> Touch<()> {
        if let Some((id, floor)) = self.floor_found.take()
            && id == account
        {
            *self.state.floors.touch(FloorKey(id))? = floor;
        }
        Ok(())
    }

    fn find_floor(&mut self, view: &View) -> Outcome<Option<Floor>> {
        let parameters = self.state.totals()?.parameters;
        let mut underlyings: Vec<UnderlyingId> =
            view.legs.iter().map(|leg| leg.underlying).collect();
        underlyings.dedup();
        if underlyings.is_empty() || underlyings.len() > 2 {
            return Ok(None);
        }
        let fee_ppm = self.venue_rules()?.fee_most.0;
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
                let Some(ground) = Ground::of(&range, &climate.shares) else { return Ok(None) };
                grounds.push((range, ground, free));
            }
            let floor = floor_of(view, &grounds, fee_ppm)
                .map(|floor| Floor { parameters, ..floor })
                .filter(Floor::is_worth_keeping);
            if floor.is_some_and(|floor| floor.open > Usd::ZERO) || width_ppm == WIDTHS_PPM[1] {
                return Ok(floor);
            }
        }
        Ok(None)
    }

    /// The ranges of the index within which an account's floor keeps it above maintenance; `None`
    /// without one that holds.
    pub(crate) fn safe_ranges(&mut self, id: AccountId) -> Outcome<Option<Vec<Range>>> {
        if self.state.account(id)?.mode != MarginMode::Portfolio {
            return Ok(None);
        }
        let floor = self.floor_that_holds(id)?.filter(|floor| floor.keep >= Usd::ZERO);
        Ok(floor.filter(|floor| floor.room >= Usd::ZERO).map(|floor| {
            let range = |range: &FloorRange| Range {
                underlying: range.underlying,
                low: range.low,
                high: range.high,
            };
            floor.ranges().map(range).collect()
        }))
    }
}
