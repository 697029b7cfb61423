//! Questions from outside: read-only views of the state. Nothing here touches leaves.
//!
//! [`accounts`] has accounts, margin and funds; [`orders`] has orders and books; [`prices`] has
//! instruments, underlyings and expiries.

mod accounts;
mod orders;
mod prices;

pub use accounts::{AccountView, FundsView, MarginView, PositionView, UnderlyingMargin};
pub use orders::{LevelView, OrderView};
pub use prices::{ExpiryView, InstrumentView, UnderlyingView};

use crate::engine::Exchange;
use crate::state::table::Table;

impl Exchange {
    /// Open orders and their lots over all books.
    #[must_use]
    pub fn resting(&self) -> (u64, u64) {
        let (mut orders, mut lots) = (0, 0);
        self.state.orders.each(&mut |_, order| {
            orders += 1;
            lots += u64::from(order.left);
        });
        (orders, lots)
    }
}
