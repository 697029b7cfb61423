//! Orders from the cradle to the grave (M2 to M5, M9 to M11).
//!
//! [`admission`] checks a new order against every rule, [`reach`] what it would find in the book;
//! [`place`] lets it take and rest;
//! [`cancel`] ends orders; [`amend`] changes them; [`reduce`] shrinks reduce-only ones;
//! [`trigger`] has the sleeping ones and [`waking`] wakes them; [`linked`] ties orders together;
//! [`protection`] guards market makers; [`quote`] and [`batch`] carry many in one command;
//! [`block_trade`] skips the book.

pub(crate) mod admission;
pub(crate) mod amend;
pub(crate) mod batch;
pub(crate) mod block_trade;
pub(crate) mod cancel;
pub(crate) mod linked;
pub(crate) mod place;
pub(crate) mod protection;
pub(crate) mod quote;
pub(crate) mod reach;
pub(crate) mod reduce;
pub(crate) mod trigger;
pub(crate) mod waking;
