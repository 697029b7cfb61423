//! The chain's state transition around the exchange, pure and deterministic.
//!
//! Start at [`ledger`]: blocks go in, events and changed leaves come out. [`block`] says what a
//! block holds, [`genesis`] how a chain begins. The rooms around them are one idea each: [`stake`]
//! (delegation, unbonding, slashing of pools), [`election`] (committees, leader seed), [`reward`],
//! [`attendance`] (participation and jail), [`evidence`], [`vote`] (parameters), [`outage`]
//! (phases on resumption), [`bridge`] (deposits, withdrawals, escrow), [`report`]. What it
//! remembers is in [`state`], beside the exchange's leaves in one key space; [`conservation`]
//! checks that stake and money add up; [`events`] commits to what happened. `docs/chain.md`
//! numbers the rules that doc comments cite.
//!
//! Invariants: integers only; no clock but the block's; no order but of keys; every loop bounded by
//! a named constant; a block that decodes never panics; bad input is an event.
//!
//! Deliberately absent: consensus, signatures of blocks and votes (the node checks evidence and
//! reports before it executes them), storage, and the exchange's own rules.
#![no_std]
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

mod arithmetic;
mod attendance;
pub mod block;
mod bridge;
mod command;
pub mod conservation;
mod election;
pub mod events;
mod evidence;
pub mod genesis;
pub mod ledger;
mod outage;
mod query;
mod report;
mod reward;
mod stake;
pub mod state;
mod vote;

pub use block::{
    Block, DepositWord, Evidence, Invalid, OffenceKind, Participation, Report, SignedDepositWord,
    SignedReport, SystemItem,
};
pub use genesis::{Genesis, GenesisError, GenesisOwner, GenesisValidator};
pub use ledger::{Journal, Ledger};
pub use lockstep_exchange::state::changes::Changes;
pub use query::{StakerView, ValidatorView};
pub use state::leaves::{Committee, Seat};
