//! Taking: an incoming order against the other side of the book (M1, M5).
//!
//! Fills happen at the resting price, best price first, oldest order first. The loop looks the
//! book up anew after every fill, because a fill can trip market maker protection, end linked
//! orders or shrink reduce-only ones.

use super::queue::crosses;
use crate::account::fill::Fill;
use crate::engine::Exchange;
use crate::state::key::{LevelKey, Slot};
use crate::state::leaves::{NO_GROUP, Order};
use crate::state::{Outcome, State, Touch};
use lockstep_types::event::{CancelReason, Event, TradeKind};
use lockstep_types::order::{SelfTrade, Side};
use lockstep_types::units::{Lots, Price};

/// Resting orders that one incoming order may meet; then its rest is cancelled (L7). Bounds the
/// work of one command.
pub const MEETINGS_MAX: u32 = 10_000;

/// How taking ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Taken {
    /// Nothing more crosses, or nothing is left.
    Done,
    /// The rest must not rest: why.
    Stop(CancelReason),
}

impl State {
    /// The best order against which an incoming order of `side` could trade at `limit` or better.
    #[inline]
    pub(crate) fn opposite(
        &mut self,
        instrument: lockstep_types::ids::InstrumentId,
        side: Side,
        limit: u32,
    ) -> Touch<Option<Order>> {
        let resting = side.opposite();
        let tick = self.instrument(instrument)?.best(resting);
        if !crosses(side, limit, tick) {
            return Ok(None);
        }
        let head = self.levels.get(LevelKey { instrument, side: resting, tick })?.head;
        Ok(Some(*self.order(Slot(head))?))
    }

    /// Takes `lots` off the visible part of the first order of its level: it leaves the book when
    /// nothing is left of it. Returns the order as it is now.
    #[inline]
    pub(crate) fn take_lots(&mut self, maker: &Order, lots: u32) -> Touch<Order> {
        assert!(lots > 0 && lots <= maker.visible, "a fill takes visible lots");
        let slot = Slot(maker.id.slot());
        if lots == maker.left {
            // It shows all that is left, so its level gives up just that.
            self.dequeue(maker)?;
            self.forget_order(maker)?;
            return Ok(Order { left: 0, visible: 0, ..*maker });
        }
        self.level_of(maker)?.lots -= i64::from(lots);
        let order = self.order(slot)?;
        order.left -= lots;
        order.visible -= lots;
        Ok(*order)
    }
}

impl Exchange {
    /// Lets `taker` take what crosses its limit. Its `left` falls by what it took.
    pub(crate) fn take(&mut self, taker: &mut Order, kind: TradeKind) -> Outcome<Taken> {
        let mut meetings = 0;
        while taker.left > 0 {
            let found = self.state.opposite(taker.instrument, taker.side, taker.tick)?;
            let Some(maker) = found else { break };
            meetings += 1;
            if meetings > MEETINGS_MAX {
                return Ok(Taken::Stop(CancelReason::Limit));
            }
            if maker.account == taker.account {
                if taker.self_trade != SelfTrade::CancelTaker {
                    self.end_order(&maker, CancelReason::SelfTrade)?;
                }
                if taker.self_trade != SelfTrade::CancelMaker {
                    return Ok(Taken::Stop(CancelReason::SelfTrade));
                }
                continue;
            }
            let lots = taker.left.min(maker.visible);
            if !self.maker_can_fill(&maker, lots)? {
                self.end_order(&maker, CancelReason::Margin)?;
                continue;
            }
            taker.left -= lots;
            self.trade(taker, &maker, lots, maker.price, kind)?;
            if let Some(reason) = self.taker_must_stop(taker)? {
                return Ok(Taken::Stop(reason));
            }
        }
        Ok(Taken::Done)
    }

    /// One fill of a resting order: book, both accounts, and what follows for the maker.
    pub(crate) fn trade(
        &mut self,
        taker: &Order,
        maker: &Order,
        lots: u32,
        price: Price,
        kind: TradeKind,
    ) -> Outcome<()> {
        let rest = self.state.take_lots(maker, lots)?;
        let fill = Fill {
            instrument: maker.instrument,
            price,
            lots: Lots(i64::from(lots)),
            taker_side: taker.side,
            taker: taker.account,
            maker: maker.account,
            taker_order: taker.id,
            maker_order: maker.id,
            kind,
        };
        // What is open of the maker's order shrinks before its position moves.
        self.close_open(maker, lots, rest.left == 0)?;
        let (trade, reduces) = self.settle_fill(&fill)?;
        self.events.push(Event::Trade(trade));
        if rest.left > 0 && rest.visible == 0 {
            self.refresh_iceberg(&rest)?;
        }
        if maker.has_extra {
            self.order_filled(maker, &rest, lots)?;
        }
        for (account, reduces) in [taker.account, maker.account].into_iter().zip(reduces) {
            if reduces {
                self.shrink_reduce_only(account, maker.instrument)?;
            }
        }
        for order in [taker, maker] {
            if order.group != NO_GROUP {
                self.count_protection(order, &trade)?;
            }
        }
        Ok(())
    }
}
