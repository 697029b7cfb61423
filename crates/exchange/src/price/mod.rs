//! Prices: what validators report, and everything that follows from it (P1 to P6, R4).
//!
//! [`params`] sets parameters, underlyings and reporters; [`report`] takes reports; [`index`] makes
//! the index of each block and drives the rest; [`forward`] has forwards, smiles and the settlement
//! average of each expiry; [`mark`] the marks; [`funding`] the funding of perpetuals; [`latency`]
//! how old all of it may be.
//!
//! Invariants: all of it moves once per block, before any user's command, and only while the index
//! is fresh: a stale one freezes forwards, smiles, marks and funding as they are (P5). No book can
//! move a price further than its band, and nothing here looks at an account but to pay funding.
//!
//! Deliberately absent: where reports come from, and model prices in the state: an option's mark is
//! a function of leaves ([`mark`]).

pub(crate) mod forward;
pub(crate) mod funding;
pub(crate) mod index;
pub(crate) mod latency;
pub(crate) mod mark;
pub(crate) mod params;
pub(crate) mod report;

/// Reporters with a weight (P1); a block looks at each of them.
pub const REPORTERS_MAX: usize = 256;
/// Underlyings (I1); a block refreshes each of them.
pub const UNDERLYINGS_MAX: u8 = 32;
