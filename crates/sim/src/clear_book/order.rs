//! Orders, commands and effects of a clear book.

use super::Side;

/// Most lots in one order: 2^24 such orders still sum within 64 bits.
pub const LOTS_MAX: u64 = 1 << 40;

/// How long an order may rest (M2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimeInForce {
    /// The rest is booked.
    GoodTilCancelled,
    /// The rest is cancelled.
    ImmediateOrCancel,
    /// Filled whole at once, or refused.
    FillOrKill,
}

/// What happens to an order that would take (M3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Post {
    /// It takes.
    No,
    /// It is refused.
    Reject,
    /// Its price becomes one tick inside the opposite best.
    Reprice,
}

/// What happens when a taker meets a resting order of its own account (M5). The flag of the taker
/// decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SelfTrade {
    /// The taker's rest is cancelled.
    CancelTaker,
    /// The resting order is cancelled and the taker goes on.
    CancelMaker,
    /// Both are cancelled.
    CancelBoth,
}

/// An order as it is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NewOrder {
    /// Id; must not be resting.
    pub id: u64,
    /// Who sends it; orders of one account never trade with each other.
    pub account: u64,
    /// Side.
    pub side: Side,
    /// Limit price in ticks.
    pub price_ticks: u64,
    /// Size, hidden lots included.
    pub lots: u64,
    /// Lots that an iceberg shows at a time; `None` shows all.
    pub display_lots: Option<u64>,
    /// How long it may rest.
    pub time_in_force: TimeInForce,
    /// What happens if it would take.
    pub post: Post,
    /// What happens if it would trade with its own account.
    pub self_trade: SelfTrade,
}

/// A change of a resting order (M4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Amendment {
    /// The order to change.
    pub id: u64,
    /// New size, which counts the lots that have filled.
    pub total_lots: u64,
    /// New limit price in ticks.
    pub price_ticks: u64,
}

/// Anything that can be asked of a book.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command {
    /// Enter an order.
    Add(NewOrder),
    /// Change a resting order.
    Amend(Amendment),
    /// Cancel a resting order.
    Cancel {
        /// The order to cancel.
        id: u64,
    },
    /// Collect orders without trading (M7).
    StartAuction,
    /// Trade the collected orders at one price, then trade continuously again (M7).
    Uncross {
        /// Breaks ties between prices of equal volume and imbalance.
        reference_ticks: u64,
    },
}

/// An order in the book.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    /// Id.
    pub id: u64,
    /// Owner.
    pub account: u64,
    /// Side.
    pub side: Side,
    /// Price at which it rests, in ticks.
    pub price_ticks: u64,
    /// Size, which counts the lots that have filled.
    pub total_lots: u64,
    /// Lots that have filled.
    pub filled_lots: u64,
    /// Lots of the slice that others see and hit.
    pub visible_lots: u64,
    /// Lots that an iceberg shows at a time; `None` shows all.
    pub display_lots: Option<u64>,
    /// What happens if it would take, when it re-enters.
    pub post: Post,
    /// What happens if it would trade with its own account, when it re-enters.
    pub self_trade: SelfTrade,
    /// Greater than that of every order that entered or re-entered before. A new slice of an
    /// iceberg goes to the back of its level but is no arrival.
    pub arrival: u64,
}

impl Order {
    pub(super) fn incoming(new: NewOrder, price_ticks: u64, arrival: u64) -> Order {
        Order {
            id: new.id,
            account: new.account,
            side: new.side,
            price_ticks,
            total_lots: new.lots,
            filled_lots: 0,
            visible_lots: 0,
            display_lots: new.display_lots,
            post: new.post,
            self_trade: new.self_trade,
            arrival,
        }
    }

    /// Lots that have not filled, hidden ones included.
    #[must_use]
    pub fn remaining_lots(&self) -> u64 {
        self.total_lots - self.filled_lots
    }

    pub(super) fn show_next_slice(&mut self) {
        let remaining_lots = self.remaining_lots();
        self.visible_lots = remaining_lots.min(self.display_lots.unwrap_or(remaining_lots));
    }

    pub(super) fn assert_invariants(&self) {
        let remaining_lots = self.remaining_lots();
        assert!(remaining_lots >= 1, "an order without lots does not rest");
        assert!(self.visible_lots >= 1, "a resting order shows at least one lot");
        let shown_max = self.display_lots.unwrap_or(remaining_lots).min(remaining_lots);
        assert!(self.visible_lots <= shown_max, "a slice is at most the display and the rest");
        assert!(self.display_lots.is_some() || self.visible_lots == remaining_lots, "shows all");
    }
}

/// Why lots left the book without trading.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CancelReason {
    /// The owner asked.
    Requested,
    /// The rest of an immediate-or-cancel order.
    Immediate,
    /// It would have traded with its own account (M5).
    SelfTrade,
    /// Amended to no more than what had filled (M4).
    AmendedBelowFilled,
}

/// Why a command had no effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RejectReason {
    /// No such order rests.
    UnknownOrder,
    /// An order of this id rests.
    DuplicateId,
    /// A display of no lots.
    Display,
    /// Not `1..=LOTS_MAX` lots.
    Lots,
    /// Not a tick of the book.
    Price,
    /// It would take, and there is no price at which it would not (M3).
    Post,
    /// The lots in reach do not fill it (M2).
    FillOrKill,
    /// Only plain good-till-cancelled orders enter an auction (M7).
    NotInAuction,
}

/// One consequence of a command. Commands answer with their effects in the order of happening.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Two orders traded. In an auction the maker is the one that arrived first.
    Trade {
        /// The order that rested.
        maker: u64,
        /// The order that came.
        taker: u64,
        /// Price in ticks.
        price_ticks: u64,
        /// Lots.
        lots: u64,
    },
    /// The rest of an incoming or re-entered order joined the back of its level.
    Booked {
        /// The order.
        id: u64,
        /// Price in ticks, after any re-pricing.
        price_ticks: u64,
        /// Lots that have not filled, hidden ones included.
        lots: u64,
        /// Lots that others see.
        visible_lots: u64,
    },
    /// An amendment was accepted. If the priority is lost, trades and booking follow.
    Amended {
        /// The order.
        id: u64,
        /// Price in ticks, after any re-pricing.
        price_ticks: u64,
        /// Size, which counts the lots that have filled.
        total_lots: u64,
        /// Whether the place in the queue is kept.
        keeps_priority: bool,
    },
    /// The rest of an order will not trade.
    Cancelled {
        /// The order.
        id: u64,
        /// Lots cancelled, hidden ones included.
        lots: u64,
        /// Why.
        reason: CancelReason,
    },
    /// A command was refused and changed nothing.
    Rejected {
        /// The order it named.
        id: u64,
        /// Why.
        reason: RejectReason,
    },
}
