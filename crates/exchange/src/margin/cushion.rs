//! Cushions: how much of an account's margin is certainly free, so that most orders and fills of a
//! wealthy account need no look at its other positions.
//!
//! A full look ([`View::assess`]) leaves behind two lower bounds, of `balance - needed` and of
//! `balance - maintenance`. Each order that opens, each that goes and each fill lowers them by the
//! most that it can cost; what would raise them (a cancel, a deposit) is left out. While a bound
//! covers what is asked, the answer is yes; else the full look decides and renews the bounds. So at
//! any time they are bounds for the state as it is.
//!
//! The bounds take every option at its isolated requirement and at the highest mark that its book
//! can pull it to within the block, so that requirements are sums over legs:
//!
//! ```text
//! an order that opens    R(n) + what its limit is worse than mark + fee           linear
//!                        premium + fee (buy), R(n) + fee (sell)                    option
//! an order that goes     what its limit was better than mark: it offset worse ones   linear
//!                        nothing                                                   option
//! a fill of n lots       R(n) and the fee, less profit or premium
//! R(n)                   isolated requirement of n lots, of an option as sold; bought: none
//! ```
//!
//! Isolated requirements of a sum are at most the sum of the isolated requirements, which is all
//! that is needed. Invariant: a cushion never says yes where the full look would say no, so that
//! results do not depend on it; it lives at most as long as the marks of a block and is known by
//! the account's cash, volume and tier, which every fill changes.
//!
//! Deliberately absent: cushions of accounts in other modes than standard margin.

use super::model::Model;
use super::standard;
use super::view::{Leg, Rates, View};
use crate::account::fill::Fill;
use crate::engine::Exchange;
use crate::formula::rounding::{add, mul_div_ceil, mul_div_floor};
use crate::formula::{FormulaError, LOTS_PER_UNIT};
use crate::state::leaves::{Account, Holding, Order};
use crate::state::table::Table;
use crate::state::{Outcome, Touch};
use alloc::vec::Vec;
use lockstep_types::event::Trade;
use lockstep_types::ids::{AccountId, InstrumentId};
use lockstep_types::order::Side;
use lockstep_types::units::{Lots, Price, Usd};

/// Accounts whose cushions are remembered at once; another one with the same low bits replaces one.
const SLOTS: usize = 1_024;
/// What roundings of one fill can add up to: two of profit, two of requirements, one of the fee.
const ROUNDING: i64 = 5;

/// Lower bounds of what is free of an account's margin, and of which state they hold.
#[derive(Clone, Copy, Debug)]
struct Cushion {
    account: AccountId,
    /// Of which marks.
    era: u64,
    cash: Usd,
    volume: (i64, Usd),
    tier: u8,
    /// At least this much of the balance is not needed.
    open: i64,
    /// By at least this much does the balance exceed the maintenance requirement.
    keep: i64,
}

/// The cushions of a block.
#[derive(Clone, Debug, Default)]
pub(crate) struct Cushions {
    slots: Vec<Option<Cushion>>,
}

impl Cushions {
    fn slot(account: AccountId) -> usize {
        usize::try_from(account.0).unwrap_or(0) % SLOTS
    }

    /// The account's cushion if it still holds, at the account's cash now.
    fn find(&mut self, id: AccountId, account: &Account, era: u64) -> Option<&mut Cushion> {
        let now = self.seen(id, account, era)?;
        let cushion = self.slots.get_mut(Self::slot(id))?.as_mut()?;
        *cushion = now;
        Some(cushion)
    }

    /// What [`Self::find`] would find.
    fn seen(&self, id: AccountId, account: &Account, era: u64) -> Option<Cushion> {
        let held = (*self.slots.get(Self::slot(id))?)?;
        let same = held.account == id
            && held.era == era
            && held.volume == (account.volume_day, account.volume_today)
            && held.tier == account.tier
            && account.volume_today < Usd::MAX;
        // Cash that left is gone from the balance; of cash that came nothing is assumed.
        let lost = held.cash.0.saturating_sub(account.cash.0).max(0);
        same.then_some(Cushion {
            open: held.open.saturating_sub(lost),
            keep: held.keep.saturating_sub(lost),
            cash: account.cash,
            ..held
        })
    }

    fn put(&mut self, cushion: Cushion) {
        if self.slots.is_empty() {
            self.slots.resize(SLOTS, None);
        }
        self.slots[Self::slot(cushion.account)] = Some(cushion);
    }

    /// Forgets what is remembered of an account.
    pub(crate) fn forget(&mut self, account: AccountId) {
        self.drop(account);
    }

    fn drop(&mut self, account: AccountId) {
        if let Some(slot) = self.slots.get_mut(Self::slot(account))
            && slot.is_some_and(|cushion| cushion.account == account)
        {
            *slot = None;
        }
    }
}

/// The most that an order can add to what an account needs.
fn order_cost(
    terms: &Terms,
    leg: &Leg,
    side: Side,
    lots: i64,
    price: i64,
) -> Result<i64, FormulaError> {
    let fee = leg.fee_at_most(lots, price, &terms.rates)?;
    let (own, _) = standard::isolated_at_most(&terms.params, leg, side, lots)?;
    let outlay = match (leg.contract.is_option(), side) {
        (true, Side::Buy) => mul_div_ceil(lots, price, LOTS_PER_UNIT)?,
        (true, Side::Sell) => 0,
        (false, _) => mul_div_ceil(lots, worse(leg, side, price), LOTS_PER_UNIT)?,
    };
    add(add(own, outlay)?, add(fee, ROUNDING)?)
}

/// How much worse than mark a price is for one side of a perpetual or future; at least zero.
fn worse(leg: &Leg, side: Side, price: i64) -> i64 {
    match side {
        Side::Buy => price.saturating_sub(leg.mark),
        Side::Sell => leg.mark.saturating_sub(price),
    }
    .max(0)
}

/// How a fill changes at least what was free of initial and of maintenance margin.
fn fill_change(
    terms: &Terms,
    leg: &Leg,
    side: Side,
    lots: i64,
    price: i64,
    fee: i64,
) -> Result<(i64, i64), FormulaError> {
    let (initial, maintenance) = standard::isolated_at_most(&terms.params, leg, side, lots)?;
    let signed = side.signed(Lots(lots)).0;
    let got = match leg.contract.is_option() {
        true => mul_div_floor(-signed, price, LOTS_PER_UNIT)?,
        false => mul_div_floor(signed, leg.mark.saturating_sub(price), LOTS_PER_UNIT)?,
    };
    let balance = add(got, add(-fee, -ROUNDING)?)?;
    Ok((add(balance, -initial)?, add(balance, -maintenance)?))
}

/// What costs depend on beside the leg.
#[derive(Clone, Copy, Debug)]
struct Terms {
    rates: Rates,
    params: lockstep_types::params::StandardMarginParams,
}

impl Exchange {
    /// How much of an account's margin is certainly free, by what this block has seen of it so far:
    /// at least so much of the balance is not needed, and by at least so much does it exceed the
    /// maintenance requirement. `None` if nothing is remembered.
    #[must_use]
    pub fn free_margin_remembered(&self, id: AccountId) -> Option<(Usd, Usd)> {
        let account = self.state.accounts.peek(id)?;
        let cushion = self.cushions.seen(id, account, self.marks.era())?;
        Some((Usd(cushion.open), Usd(cushion.keep)))
    }

    fn terms(&mut self, account: &Account) -> Outcome<Terms> {
        let venue = self.state.venue()?;
        Ok(Terms { rates: Rates::of(venue, account.tier), params: venue.standard_margin })
    }

    /// Whether the account's cushion covers an order.
    pub(super) fn cushion_covers_order(
        &mut self,
        id: AccountId,
        instrument: InstrumentId,
        side: Side,
        lots: i64,
        price: Price,
    ) -> Outcome<bool> {
        let account = *self.state.account(id)?;
        let era = self.marks.era();
        let Some(cushion) = self.cushions.find(id, &account, era) else { return Ok(false) };
        let open = cushion.open;
        if open <= 0 {
            return Ok(false);
        }
        let terms = self.terms(&account)?;
        let Some(leg) = self.leg(instrument, &Holding::default())? else { return Ok(false) };
        let cost = order_cost(&terms, &leg, side, lots, price.0);
        Ok(cost.is_ok_and(|cost| cost <= open))
    }

    /// Lowers the owner's cushion by an order that is about to be open.
    #[inline]
    pub(crate) fn spend_on_opening(&mut self, order: &Order) -> Outcome<()> {
        if self.cushions.slots.is_empty() || order.asleep {
            return Ok(());
        }
        let account = *self.state.account(order.account)?;
        let era = self.marks.era();
        let Some(cushion) = self.cushions.find(order.account, &account, era) else {
            return Ok(());
        };
        if cushion.open <= 0 {
            // It covers nothing, so it is not worth to know how much less it covers now.
            cushion.open = i64::MIN;
            return Ok(());
        }
        let terms = self.terms(&account)?;
        let leg = self.leg(order.instrument, &Holding::default())?;
        let lots = i64::from(order.left);
        let cost =
            leg.and_then(|leg| order_cost(&terms, &leg, order.side, lots, order.price.0).ok());
        if let Some(cushion) = self.cushions.find(order.account, &account, era) {
            cushion.open = cost.map_or(i64::MIN, |cost| cushion.open.saturating_sub(cost));
        }
        Ok(())
    }

    /// Whether the maker's cushion covers a fill, at the maker's fee or a dearer one.
    pub(super) fn cushion_covers_fill(
        &mut self,
        id: AccountId,
        instrument: InstrumentId,
        side: Side,
        lots: i64,
        price: Price,
    ) -> Outcome<bool> {
        let account = *self.state.account(id)?;
        let era = self.marks.era();
        let Some(cushion) = self.cushions.find(id, &account, era) else { return Ok(false) };
        let keep = cushion.keep;
        if keep <= 0 {
            return Ok(false);
        }
        let terms = self.terms(&account)?;
        let Some(leg) = self.leg(instrument, &Holding::default())? else { return Ok(false) };
        let Ok(fee) = leg.fee_at_most(lots, price.0, &terms.rates) else { return Ok(false) };
        let change = fill_change(&terms, &leg, side, lots, price.0, fee);
        Ok(change.is_ok_and(|(_, change)| keep.saturating_add(change) >= 0))
    }

    /// Remembers the cushion that a full look at the account, as it is now, has shown.
    pub(super) fn remember_cushion(
        &mut self,
        id: AccountId,
        view: &View,
        balance: i64,
    ) -> Outcome<()> {
        if Model::of(view.mode) == Model::Portfolio {
            return self.remember_sums(id, view);
        }
        let account = *self.state.account(id)?;
        let Ok((needed, maintenance)) = standard::sums_at_most(view) else {
            self.cushions.drop(id);
            return Ok(());
        };
        let free = |sum: i128| {
            let free = i128::from(balance) - sum;
            i64::try_from(free).unwrap_or(i64::MIN)
        };
        self.cushions.put(Cushion {
            account: id,
            era: self.marks.era(),
            cash: account.cash,
            volume: (account.volume_day, account.volume_today),
            tier: account.tier,
            open: free(needed),
            keep: free(maintenance),
        });
        Ok(())
    }

    /// Lowers the owner's cushion when lots of an open order go: among orders of one side, a limit
    /// better than mark offsets a worse one.
    #[inline]
    pub(crate) fn spend_on_removal(&mut self, order: &Order, lots: u32) -> Touch<()> {
        if self.cushions.slots.is_empty() || order.asleep {
            return Ok(());
        }
        let era = self.marks.era();
        let slot = self.cushions.slots[Cushions::slot(order.account)].as_mut();
        let Some(cushion) = slot.filter(|slot| slot.account == order.account && slot.era == era)
        else {
            return Ok(());
        };
        if self.state.instrument(order.instrument)?.contract.is_option() {
            return Ok(());
        }
        let offset = self.marks.mark_of_linear(order.instrument).and_then(|mark| {
            let better = match order.side {
                Side::Buy => mark.0.saturating_sub(order.price.0),
                Side::Sell => order.price.0.saturating_sub(mark.0),
            };
            mul_div_ceil(i64::from(lots), better.max(0), LOTS_PER_UNIT).ok()
        });
        // Without a mark at hand there is no telling.
        cushion.open = offset.map_or(i64::MIN, |offset| cushion.open.saturating_sub(offset));
        Ok(())
    }

    /// Which of the two accounts of a fill have a cushion that holds before it.
    #[inline]
    pub(crate) fn cushioned(&mut self, accounts: [AccountId; 2]) -> Outcome<[bool; 2]> {
        let mut held = [false; 2];
        if self.cushions.slots.is_empty() {
            return Ok(held);
        }
        for (held, id) in held.iter_mut().zip(accounts) {
            let account = *self.state.account(id)?;
            *held = self.cushions.find(id, &account, self.marks.era()).is_some();
        }
        Ok(held)
    }

    /// Lowers the cushions that held before a fill to what they are certainly after it.
    #[inline]
    pub(crate) fn spend_cushions(
        &mut self,
        fill: &Fill,
        trade: &Trade,
        held: [bool; 2],
    ) -> Outcome<()> {
        if held == [false; 2] {
            return Ok(());
        }
        let sides = [
            (fill.taker, fill.taker_side, trade.taker_fee),
            (fill.maker, fill.taker_side.opposite(), trade.maker_fee),
        ];
        for ((id, side, fee), held) in sides.into_iter().zip(held) {
            if held {
                self.spend_cushion(id, fill, side, fee)?;
            }
        }
        Ok(())
    }

    fn spend_cushion(&mut self, id: AccountId, fill: &Fill, side: Side, fee: Usd) -> Outcome<()> {
        let account = *self.state.account(id)?;
        let terms = self.terms(&account)?;
        let leg = self.leg(fill.instrument, &Holding::default())?;
        let (lots, price) = (fill.lots.0, fill.price.0);
        let change = leg.map(|leg| fill_change(&terms, &leg, side, lots, price, fee.0));
        let slot = self.cushions.slots.get_mut(Cushions::slot(id));
        let cushion = slot.and_then(Option::as_mut).filter(|cushion| cushion.account == id);
        match (cushion, change) {
            (Some(cushion), Some(Ok((open, keep)))) if cushion.tier == account.tier => {
                cushion.open = cushion.open.saturating_add(open);
                cushion.keep = cushion.keep.saturating_add(keep);
                cushion.cash = account.cash;
                cushion.volume = (account.volume_day, account.volume_today);
            }
            _ => self.cushions.drop(id),
        }
        Ok(())
    }
}
