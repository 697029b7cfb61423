//! Closing positions of an account below maintenance: step 2 of the waterfall (R3).
//!
//! Orders are immediate-or-cancel, from the account itself, in the venue's name: no admission, no
//! band but the limit of [`super::plan`]. The fee goes to insurance.

use super::plan::{self, Closing, Offer};
use super::{Budget, LEGS_PER_ACCOUNT, LEVELS_PER_ORDER};
use crate::book::matching::Taken;
use crate::book::queue::crosses;
use crate::engine::Exchange;
use crate::margin::model::Assessment;
use crate::margin::view::View;
use crate::state::key::{LevelKey, Slot};
use crate::state::leaves::{NO_GROUP, Order};
use crate::state::{Fault, Outcome};
use alloc::vec::Vec;
use lockstep_types::command::Phase;
use lockstep_types::event::{Accepted, CancelReason, Event, TradeKind};
use lockstep_types::ids::{AccountId, InstrumentId};
use lockstep_types::order::{PostOnly, SelfTrade, Side};
use lockstep_types::units::{Lots, Price};

impl Exchange {
    /// Closes what brings an account back towards its target, as far as the books and the block's
    /// budget of orders allow.
    pub(super) fn close_in_books(
        &mut self,
        account: AccountId,
        view: &View,
        margin: &Assessment,
        budget: &mut Budget,
    ) -> Outcome<()> {
        let orders = &mut budget.orders;
        let venue = self.state.venue()?;
        let target_ppm = venue.liquidation_target.0;
        let ranked = self.rank_legs(account, view, margin)?;
        for instrument in ranked {
            let Some(view) = self.view(account, &[])? else { return Ok(()) };
            let margin = view.assess();
            if *orders == 0 || plan::shortfall(&margin, target_ppm) <= 0 {
                return Ok(());
            }
            let Some(place) = view.place_of(instrument) else { continue };
            if self.close_leg(account, &view, place, &margin)? {
                *orders -= 1;
            }
        }
        Ok(())
    }

    /// The legs that can be closed now, best relief per cost first.
    fn rank_legs(
        &mut self,
        account: AccountId,
        view: &View,
        margin: &Assessment,
    ) -> Outcome<Vec<InstrumentId>> {
        let target_ppm = self.state.venue()?.liquidation_target.0;
        let mut candidates = Vec::new();
        for (place, leg) in view.legs.iter().enumerate() {
            if leg.lots == 0 || leg.expired {
                continue;
            }
            let offers = self.offers(account, view, place, margin, 1)?;
            let Some(offer) = offers.first() else { continue };
            let closing = Closing::new(view, place, target_ppm);
            let lots = closing.closable();
            if lots == 0 {
                continue;
            }
            if let Some(rate) = closing.rate(lots, offer.price) {
                candidates.push((leg.instrument, rate));
            }
        }
        plan::rank(&mut candidates);
        candidates.truncate(LEGS_PER_ACCOUNT);
        Ok(candidates.into_iter().map(|(instrument, _)| instrument).collect())
    }

    /// Closes as much of a leg as is needed and allowed; whether there was an order.
    fn close_leg(
        &mut self,
        account: AccountId,
        view: &View,
        place: usize,
        margin: &Assessment,
    ) -> Outcome<bool> {
        let venue = self.state.venue()?;
        let (target_ppm, share_ppm) = (venue.liquidation_target.0, venue.liquidation_depth_share.0);
        let leg = view.legs[place];
        let Some(side) = leg.closing_side().filter(|_| !leg.expired) else { return Ok(false) };
        let offers = self.offers(account, view, place, margin, LEVELS_PER_ORDER)?;
        let closing = Closing::new(view, place, target_ppm);
        let most = plan::share_of_depth(&offers, share_ppm).min(closing.closable());
        let lots = closing.fewest(&offers, most);
        let Some(last) = last_offer(&offers, lots) else { return Ok(false) };
        let lots = u32::try_from(lots).unwrap_or(u32::MAX);
        self.send_liquidation(account, leg.instrument, side, lots, &last)
    }

    /// What rests within a leg's limit, best first, at most `levels_max` levels; nothing while the
    /// instrument does not trade.
    fn offers(
        &mut self,
        account: AccountId,
        view: &View,
        place: usize,
        margin: &Assessment,
        levels_max: usize,
    ) -> Outcome<Vec<Offer>> {
        let leg = &view.legs[place];
        let mut offers = Vec::new();
        let instrument = *self.state.instrument(leg.instrument)?;
        let trades = match self.phase_of(&instrument)? {
            Phase::Continuous | Phase::ReduceOnly => true,
            Phase::Auction | Phase::Halted => false,
        };
        let Some(side) = leg.closing_side().filter(|_| trades) else { return Ok(offers) };
        let spread_ppm = self.state.venue()?.liquidation_spread.0;
        let behind = self.insurance_behind(account)?;
        let limit = plan::limit(view, leg, margin, spread_ppm, behind).price;
        let ticks = self.ticks(&instrument)?;
        let edge = match side {
            Side::Sell => ticks.price_ceil(limit),
            Side::Buy => ticks.price_floor(limit),
        };
        let Ok(edge) = edge.and_then(|price| ticks.level_of(price)) else { return Ok(offers) };
        let resting = side.opposite();
        let mut tick = instrument.best(resting);
        while offers.len() < levels_max && crosses(side, edge, tick) {
            let key = LevelKey { instrument: leg.instrument, side: resting, tick };
            let level = *self.state.levels.get(key)?;
            let Ok(price) = ticks.price_of(tick) else { break };
            offers.push(Offer { tick, price, lots: level.lots });
            tick = level.worse;
        }
        Ok(offers)
    }

    /// Sends a liquidation order that is good down to the last offer; whether there was room for
    /// it.
    fn send_liquidation(
        &mut self,
        account: AccountId,
        instrument: InstrumentId,
        side: Side,
        lots: u32,
        last: &Offer,
    ) -> Outcome<bool> {
        let id = match self.state.take_slot() {
            // A venue full of orders has no slot for one more; the next block tries again.
            Err(Fault::Reject(_)) => return Ok(false),
            other => other?,
        };
        let mut order = Order {
            id,
            price: Price(last.price),
            tick: last.tick,
            account,
            instrument,
            total: lots,
            left: lots,
            visible: lots,
            side,
            post_only: PostOnly::No,
            self_trade: SelfTrade::CancelTaker,
            reduce_only: true,
            group: NO_GROUP,
            has_extra: false,
            asleep: false,
        };
        let lots = Lots(i64::from(lots));
        let price = order.price;
        let accepted = Accepted { order: id, account, instrument, side, price, lots };
        self.events.push(Event::Accepted(accepted));
        let taken = self.take(&mut order, TradeKind::Liquidation)?;
        self.state.give_slot(Slot(id.slot()))?;
        if order.left > 0 {
            let reason = match taken {
                Taken::Done => CancelReason::ImmediateRest,
                Taken::Stop(reason) => reason,
            };
            let lots = Lots(i64::from(order.left));
            self.events.push(Event::Cancelled { order: id, account, lots, reason });
        }
        Ok(true)
    }
}

/// The offer that the last of `lots` meets; `None` for no lots.
fn last_offer(offers: &[Offer], lots: i64) -> Option<Offer> {
    let mut left = lots;
    if left <= 0 {
        return None;
    }
    for offer in offers {
        left -= offer.lots;
        if left <= 0 {
            return Some(*offer);
        }
    }
    offers.last().copied()
}
