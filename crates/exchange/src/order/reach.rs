//! What an order would find in the book if it came now: for orders that fill whole or not at all
//! (M2).
//!
//! The walk goes through the levels that the order crosses, in the order in which it would trade.
//! Hidden lots count. An own order ends the walk, unless it would be cancelled to let the order go
//! on; at its level only the slices shown before it count then, because what they hide shows up
//! behind it. The clear book of `lockstep-sim` says the same in plain words.
//!
//! Not foreseen: that a fill on the way ends another order of the book, by market maker protection,
//! a link, a reduce-only position or margin. Then the order fills in part, and its rest is
//! cancelled.

use super::admission::Admitted;
use crate::book::matching::MEETINGS_MAX;
use crate::book::queue::{better, crosses};
use crate::engine::Exchange;
use crate::state::Outcome;
use crate::state::key::{ExtraKey, LevelKey, Slot};
use crate::state::leaves::{NONE, Order};
use lockstep_types::ids::AccountId;
use lockstep_types::order::{NewOrder, SelfTrade};
use lockstep_types::reject::{Reject, RejectCode};

/// What an order would find at one level.
#[derive(Clone, Copy, Debug, Default)]
struct Found {
    /// Lots shown before an own order that stops it.
    shown: u64,
    /// All lots before that, hidden ones included.
    whole: u64,
    /// Resting orders met to take all of them, each slice of an iceberg counted.
    meetings: u64,
    /// Resting orders met that would be cancelled.
    ended: u64,
    /// Whether an own order stops it here.
    stopped: bool,
}

impl Exchange {
    /// Checks that the whole order can fill now (M2).
    pub(crate) fn check_fill_or_kill(
        &mut self,
        account: AccountId,
        new: &NewOrder,
        admitted: &Admitted,
    ) -> Outcome<()> {
        let resting = new.side.opposite();
        let mut wanted = u64::from(admitted.lots);
        let mut meetings_left = u64::from(MEETINGS_MAX);
        let mut tick = self.state.instrument(new.instrument)?.best(resting);
        while crosses(new.side, admitted.tick, tick) {
            let key = LevelKey { instrument: new.instrument, side: resting, tick };
            let found = self.found_at(key, account, new.self_trade, wanted, meetings_left)?;
            let lots = if found.stopped { found.shown } else { found.whole };
            // Each meeting takes a lot at least, so the last level needs no more than that.
            let fills = if lots >= wanted { found.meetings.min(wanted) } else { found.meetings };
            let needed = fills.saturating_add(found.ended);
            if needed > meetings_left {
                break;
            }
            if lots >= wanted {
                return Ok(());
            }
            wanted -= lots;
            meetings_left -= needed;
            if found.stopped {
                break;
            }
            let worse = self.state.levels.get(key)?.worse;
            assert!(worse == NONE || better(resting, tick, worse), "sorted levels");
            tick = worse;
        }
        let short = i64::try_from(wanted).unwrap_or(i64::MAX);
        let all = i64::from(admitted.lots);
        Err(Reject::beyond(RejectCode::FillOrKillUnfilled, short, all).into())
    }

    /// Walks one level until the lots shown are enough, or an own order stops the walk.
    fn found_at(
        &mut self,
        key: LevelKey,
        account: AccountId,
        self_trade: SelfTrade,
        wanted: u64,
        orders_max: u64,
    ) -> Outcome<Found> {
        let mut found = Found::default();
        let mut slot = self.state.levels.get(key)?.head;
        let mut orders = 0;
        while slot != NONE && found.shown < wanted && orders <= orders_max {
            let maker = *self.state.order(Slot(slot))?;
            orders += 1;
            if maker.account == account {
                if self_trade != SelfTrade::CancelMaker {
                    found.stopped = true;
                    break;
                }
                found.ended += 1;
            } else if self.maker_can_fill(&maker, maker.visible)? {
                found.shown += u64::from(maker.visible);
                found.whole += u64::from(maker.left);
                found.meetings += self.slices(&maker)?;
            } else {
                found.ended += 1;
            }
            slot = self.state.behind(Slot(slot))?;
        }
        if orders > orders_max {
            found.ended = u64::MAX;
        }
        Ok(found)
    }

    /// How often an order would be met until nothing is left of it.
    fn slices(&mut self, maker: &Order) -> Outcome<u64> {
        if maker.left == maker.visible {
            return Ok(1);
        }
        let extra = self.state.extras.touch(ExtraKey(Slot(maker.id.slot())))?;
        let display = extra.as_ref().map_or(1, |extra| extra.display.max(1));
        Ok(1 + u64::from((maker.left - maker.visible).div_ceil(display)))
    }
}
