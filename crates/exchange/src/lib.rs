//! The derivatives exchange of Lockstep as one pure, deterministic, journaled state machine.
//!
//! Start at [`engine`]: blocks of commands go in, events come out. Its steps live in the rooms of
//! the domain: [`account`], [`order`], [`book`], [`price`], [`listing`], [`margin`],
//! [`liquidation`], [`fees`]. What it remembers is in [`state`]; the formulas without state are in
//! [`formula`] and [`option`]; [`query`] answers questions from outside, [`invariants`] checks what
//! must always hold. `docs/exchange.md` numbers the rules that doc comments cite, and
//! `docs/architecture.md` says which module has which rule.
//!
//! Invariants: integers only; no clock but the block's; no order but of keys; every queue bounded;
//! bad input is an event, a broken invariant stops the process.
#![no_std]
// Module comments are maps of rooms that are mostly private; `just doc` shows those too.
#![allow(rustdoc::private_intra_doc_links)]
// Rules for shipped code in a pure crate; tests may unwrap, cast and use floats (see clippy.toml).
#![cfg_attr(
    not(test),
    deny(
        clippy::cast_possible_truncation,
        clippy::cast_possible_wrap,
        clippy::cast_precision_loss,
        clippy::cast_sign_loss,
        clippy::disallowed_types,
        clippy::expect_used,
        clippy::float_arithmetic,
        clippy::panic,
        clippy::unwrap_used
    )
)]
extern crate alloc;
#[cfg(test)]
extern crate std;

mod account;
pub mod book;
pub mod engine;
mod fees;
pub mod formula;
pub mod invariants;
mod liquidation;
mod listing;
mod margin;
pub mod option;
mod order;
#[cfg(feature = "planted")]
pub mod planted;
mod price;
pub mod query;
mod rules;
pub mod state;

pub use engine::{Exchange, Step};
pub use state::{Fault, Outcome};
