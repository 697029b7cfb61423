//! Accounts: whose they are, who may act for them, and what a fill does to them.
//!
//! [`authority`] decides who may (A1, A2, A3); [`cash`] moves collateral; [`fill`] settles trades;
//! [`volume`] counts what was traded, for the fee tier (F1); [`holding`] keeps the open orders
//! beside a position; [`deadman`] is the switch (A5).

pub(crate) mod authority;
pub(crate) mod cash;
pub(crate) mod deadman;
pub(crate) mod fill;
pub(crate) mod holding;
pub(crate) mod volume;
