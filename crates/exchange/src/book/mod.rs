//! The order book: levels of orders, best first, price then time (M1).
//!
//! [`queue`] puts orders into levels and takes them out; [`slots`] hands out their places;
//! [`matching`] lets an incoming order take (M5); [`auction`] uncrosses (M7); [`bare`] is the book
//! by itself, for measuring. Invariants: every order that is awake is in exactly one level; a level
//! has at least one order; levels of a side are linked best to worst, and the instrument names the
//! best of each side.

pub(crate) mod auction;
pub mod bare;
pub(crate) mod matching;
pub(crate) mod queue;
pub(crate) mod slots;
