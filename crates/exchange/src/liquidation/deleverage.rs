//! Auto-deleveraging: step 5 of the waterfall (R3); the division and the price are
//! [`crate::formula::deleverage`].
//!
//! It is reached by a bankrupt account when insurance cannot cover what it lacks, or nobody took it
//! over in the time of the insolvent auction, and by a solvent one that nobody took even for
//! nothing. Insurance pays what it has first. Then a slice of *every* position of the account (all
//! of it if it is bankrupt, else what brings it to its target) is closed at mark, moved towards
//! bankruptcy by what insurance did not cover, against the opposite positions of others: by
//! leverage, at most what each holds, in three rounds.
//!
//! 1. Positions with a profit at mark, as far as closing them raises no requirement of their
//!    account: what hedges something else stays, so that hedged books stay hedged.
//! 2. Positions without a profit, likewise.
//! 3. Whatever is opposite.
//!
//! Longs hold what shorts owe, so the third round leaves nothing open that was found. Who is
//! opposite is found by looking at accounts in the order of their ids, over several blocks in a
//! large venue, until there are [`FOUND_MAX`] or no more; of each position's the [`OPPOSITE_MAX`]
//! with the most weight are kept.
//!
//! Invariants: never more lots than are to be closed; nobody's open orders are touched; the
//! requirement of nobody rises in the first two rounds.

use super::Budget;
use super::plan::Closing;
use crate::account::fill::Fill;
use crate::engine::Exchange;
use crate::formula::backstop::slice_lots;
use crate::formula::deleverage::{Claim, allocate, deleverage_price, leverage_ppm, weight};
use crate::formula::rounding::{mul_div_ceil, mul_div_floor};
use crate::formula::{LOTS_PER_UNIT, PPM};
use crate::margin::model::Assessment;
use crate::margin::view::{Leg, View};
use crate::state::Outcome;
use crate::state::table::index;
use alloc::vec::Vec;
use lockstep_types::event::{Event, TradeKind};
use lockstep_types::ids::{AccountId, InstrumentId, OrderId};
use lockstep_types::order::Side;
use lockstep_types::units::{Lots, Price, TimeMs, Usd};

/// Accounts against which one position is deleveraged at most: those with the most weight.
pub const OPPOSITE_MAX: usize = 256;
/// Accounts opposite to any position that are found at most: as many as a leaf remembers.
pub const FOUND_MAX: usize = 4 * OPPOSITE_MAX - 1;
/// Opposite positions that one account's deleveraging weighs at most, over all of its positions.
const WEIGHED_MAX: usize = 4_096;

/// Somebody opposite.
#[derive(Clone, Copy, Debug)]
struct Opposite {
    account: AccountId,
    /// Lots opposite, positive.
    lots: i64,
    /// Lots of them whose closing raises no requirement.
    free_lots: i64,
    leverage_ppm: u64,
    is_profitable: bool,
}

/// Micro-USD that a position may move at most: what leverage is measured by. A short option counts
/// at the underlying's price, a long one can lose no more than its value.
fn notional_of(leg: &Leg) -> u64 {
    let price = match leg.contract.is_option() && leg.lots < 0 {
        true => leg.spot,
        false => leg.mark,
    };
    let notional = mul_div_floor(leg.lots.saturating_abs(), price, LOTS_PER_UNIT);
    notional.unwrap_or(i64::MAX).unsigned_abs()
}

/// The leverage of an account.
fn leverage_of(view: &View, margin: &Assessment) -> u64 {
    let open = view.legs.iter().filter(|leg| !leg.expired);
    let notional = open.map(notional_of).fold(0, u64::saturating_add);
    leverage_ppm(notional, margin.equity)
}

impl Exchange {
    /// Deleverages an account whose time for anything better is over.
    pub(super) fn deleverage(
        &mut self,
        account: AccountId,
        view: &View,
        margin: &Assessment,
        budget: &mut Budget,
    ) -> Outcome<()> {
        let Some(share_ppm) = self.share_to_deleverage(account, margin)? else { return Ok(()) };
        let legs: Vec<Leg> =
            view.legs.iter().filter(|leg| leg.lots != 0 && !leg.expired).copied().collect();
        if !self.find_opposite(account, &legs, budget)? {
            return Ok(());
        }
        let deficit = margin.equity.saturating_neg().max(0);
        let paid = self.pay_from_insurance(account, account, deficit)?;
        let parts = divide_among(&legs, deficit - paid);
        let each_max = (WEIGHED_MAX / legs.len().max(1)).clamp(1, OPPOSITE_MAX);
        for (leg, uncovered) in legs.iter().zip(parts) {
            self.deleverage_leg(account, leg, share_ppm, uncovered, each_max)?;
        }
        let record = self.liquidation(account)?;
        record.opposite.clear();
        record.looked = AccountId(0);
        Ok(())
    }

    /// How much of an account is to be closed now; `None` while the books, the auction or insurance
    /// may still do better.
    fn share_to_deleverage(
        &mut self,
        account: AccountId,
        margin: &Assessment,
    ) -> Outcome<Option<i64>> {
        let params = self.backstop_params()?;
        let target_ppm = self.state.venue()?.liquidation_target.0;
        let now = self.state.totals()?.time;
        let record = self.liquidation(account)?;
        let (auction, insolvent) = (record.auction, record.insolvent);
        if auction == TimeMs::ZERO {
            return Ok(None);
        }
        let deficit = margin.equity.saturating_neg();
        if deficit > 0 {
            let over = insolvent != TimeMs::ZERO && now.since(insolvent).0 >= params.insolvent_ms;
            let covered = self.insurance_for(account, deficit)? >= deficit;
            return Ok((over || !covered).then_some(PPM));
        }
        let falling_ms = params.fast_ms.saturating_add(params.slow_ms);
        if now.since(auction).0 < falling_ms.saturating_add(params.insolvent_ms) {
            return Ok(None);
        }
        // What is left then needs no more than the balance covers, target included.
        let target = mul_div_ceil(margin.maintenance, target_ppm, PPM).unwrap_or(i64::MAX).max(1);
        let kept = mul_div_floor(margin.balance.clamp(0, target), PPM, target).unwrap_or(0);
        Ok(Some(PPM - kept))
    }

    /// Goes on looking for accounts with a position opposite to one of `legs`; whether all have
    /// been looked at.
    fn find_opposite(
        &mut self,
        account: AccountId,
        legs: &[Leg],
        budget: &mut Budget,
    ) -> Outcome<bool> {
        let count = self.state.totals()?.accounts;
        let record = self.liquidation(account)?.clone();
        let (mut at, mut found) = (record.looked.0, record.opposite);
        let cost = u32::try_from(legs.len()).unwrap_or(u32::MAX).max(1);
        while at < count && budget.looks >= cost && found.len() < FOUND_MAX {
            budget.looks -= cost;
            let other = AccountId(at);
            at += 1;
            if other == account || self.state.account(other)?.holdings == 0 {
                continue;
            }
            for leg in legs {
                let holding = self.state.holding_or_empty(other, leg.instrument)?;
                if holding.lots.0.signum() == -leg.lots.signum() {
                    found.push(other);
                    break;
                }
            }
        }
        let done = at >= count || found.len() >= FOUND_MAX;
        let record = self.liquidation(account)?;
        record.looked = AccountId(at);
        record.opposite = found;
        Ok(done)
    }

    /// Closes a share of one position against the opposite ones that were found.
    fn deleverage_leg(
        &mut self,
        account: AccountId,
        leg: &Leg,
        share_ppm: i64,
        uncovered: i64,
        each_max: usize,
    ) -> Outcome<()> {
        let lots = slice_lots(leg.lots, share_ppm).unwrap_or(leg.lots);
        let price = deleverage_price(leg.mark, uncovered, lots).unwrap_or(leg.mark);
        let opposite = self.weigh_opposite(account, leg, price, each_max)?;
        if opposite.is_empty() || lots == 0 {
            return Ok(());
        }
        self.events.push(Event::Deleveraged {
            account,
            instrument: leg.instrument,
            lots: Lots(lots),
            price: Price(price),
            mark: Price(leg.mark),
            uncovered: Usd(uncovered),
        });
        let closed = divide_in_rounds(lots.unsigned_abs(), &opposite);
        for (other, lots) in opposite.iter().zip(closed) {
            self.close_against(account, leg, other.account, lots, price)?;
        }
        Ok(())
    }

    fn close_against(
        &mut self,
        account: AccountId,
        leg: &Leg,
        other: AccountId,
        lots: u64,
        price: i64,
    ) -> Outcome<()> {
        let lots = Lots(i64::try_from(lots).unwrap_or(i64::MAX));
        if lots == Lots::ZERO {
            return Ok(());
        }
        self.move_position(&Fill {
            instrument: leg.instrument,
            price: Price(price),
            lots,
            taker_side: if leg.lots > 0 { Side::Sell } else { Side::Buy },
            taker: account,
            maker: other,
            taker_order: OrderId(0),
            maker_order: OrderId(0),
            kind: TradeKind::Deleverage,
        })
    }

    /// Who is opposite to a position, by account; those with the most weight if they are too many.
    fn weigh_opposite(
        &mut self,
        account: AccountId,
        leg: &Leg,
        price: i64,
        each_max: usize,
    ) -> Outcome<Vec<Opposite>> {
        let found = self.liquidation(account)?.opposite.clone();
        let mut opposite = Vec::new();
        for other in found {
            let holding = self.state.holding_or_empty(other, leg.instrument)?;
            if holding.lots.0.signum() != -leg.lots.signum() {
                continue;
            }
            let lots = holding.lots.0.saturating_abs();
            let Some(view) = self.view(other, &[])? else { continue };
            let leverage_ppm = leverage_of(&view, &view.assess());
            let is_profitable = is_profitable(&view, leg.instrument);
            opposite.push(Opposite {
                account: other,
                lots,
                free_lots: 0,
                leverage_ppm,
                is_profitable,
            });
        }
        opposite.sort_unstable_by_key(|other| {
            let weight = weight(other.lots.unsigned_abs(), other.leverage_ppm).unwrap_or(u64::MAX);
            (core::cmp::Reverse(weight), other.account)
        });
        opposite.truncate(each_max);
        opposite.sort_unstable_by_key(|other| other.account);
        for other in &mut opposite {
            other.free_lots = self.free_lots(other.account, leg.instrument, price)?;
        }
        Ok(opposite)
    }

    /// Lots of a position whose closing at a price raises no requirement of its account; none of an
    /// account that is being liquidated itself.
    fn free_lots(
        &mut self,
        account: AccountId,
        instrument: InstrumentId,
        price: i64,
    ) -> Outcome<i64> {
        if self.state.account(account)?.liquidating {
            return Ok(0);
        }
        let Some(view) = self.view(account, &[])? else { return Ok(0) };
        let Some(place) = view.place_of(instrument) else { return Ok(0) };
        Ok(Closing::new(&view, place, PPM).closable_at(price))
    }
}

/// Divides lots among opposite positions, which are sorted by account, round by round; what each
/// closes.
fn divide_in_rounds(lots: u64, opposite: &[Opposite]) -> Vec<u64> {
    let mut left = lots;
    let mut closed = alloc::vec![0_u64; opposite.len()];
    for round in 0..3 {
        if left == 0 {
            break;
        }
        let claims = opposite.iter().zip(&closed).map(|(other, closed)| {
            let most = match round {
                0 if other.is_profitable => other.free_lots,
                0 => 0,
                1 => other.free_lots,
                _ => other.lots,
            };
            let cap = u64::try_from(most).unwrap_or(0).saturating_sub(*closed);
            let lots = u64::try_from(other.lots).unwrap_or(0);
            let weight = match cap {
                0 => 0,
                _ => weight(lots, other.leverage_ppm).unwrap_or(u64::MAX).max(1),
            };
            Claim::new(other.account.0, weight, cap)
        });
        let mut claims: Vec<Claim> = claims.collect();
        let Ok(rest) = allocate(left, &mut claims) else { break };
        left = rest;
        // They come back sorted by account, as the positions are.
        for ((closed, claim), other) in closed.iter_mut().zip(&claims).zip(opposite) {
            assert!(claim.id == other.account.0, "a claim is that of its position");
            *closed += claim.taken;
        }
    }
    closed
}

/// Whether a position is worth more than it cost.
fn is_profitable(view: &View, instrument: InstrumentId) -> bool {
    let leg = view.place_of(instrument).map(|place| &view.legs[place]);
    leg.is_some_and(|leg| i128::from(leg.lots) * i128::from(leg.mark) > leg.cost_nano)
}

/// Divides what is uncovered among positions by what they are worth at mark; a short position
/// takes no more than it is worth, because no price is below zero.
fn divide_among(legs: &[Leg], uncovered: i64) -> Vec<i64> {
    let mut claims = Vec::with_capacity(legs.len());
    for (place, leg) in (0..).zip(legs) {
        let worth = mul_div_floor(leg.lots.saturating_abs(), leg.mark, LOTS_PER_UNIT);
        let worth = worth.unwrap_or(i64::MAX).unsigned_abs();
        let cap = if leg.lots < 0 { worth } else { u64::MAX };
        claims.push(Claim::new(place, worth.max(1), cap));
    }
    let uncovered = uncovered.max(0).unsigned_abs();
    let capped = allocate(uncovered, &mut claims);
    assert!(capped.is_ok(), "places differ");
    let mut parts = alloc::vec![0; legs.len()];
    for claim in claims {
        parts[index(claim.id)] = i64::try_from(claim.taken).unwrap_or(i64::MAX);
    }
    parts
}
