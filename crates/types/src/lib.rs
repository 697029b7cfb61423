//! Types of the Lockstep exchange: units, identities, instruments, orders, commands, events,
//! parameters, rejections, their canonical encoding, and signed envelopes.
//!
//! Start at [`command`] for what can be asked, [`event`] for what can happen, [`reject`] for what
//! can be refused and under which rule, [`codec`] for how all of it looks as bytes. Everything is
//! an integer with a unit ([`units`]). Pure: `no_std`, no clock, no randomness, no I/O.
#![no_std]
#![cfg_attr(
    not(test),
    deny(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::disallowed_types,
        clippy::float_arithmetic,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_possible_wrap,
        clippy::cast_precision_loss
    )
)]

extern crate alloc;
#[cfg(test)]
extern crate std;

pub mod chain;
pub mod codec;
pub mod command;
pub mod decimal;
pub mod envelope;
pub mod event;
pub mod ids;
pub mod instrument;
pub mod nonce;
pub mod order;
pub mod params;
pub mod reject;
pub mod units;

pub use chain::{ChainCommand, ChainEvent, ChainParams, ChainReject, Stake, ValidatorKey};
pub use command::{Block, Command, SystemCommand, UserCommand};
pub use envelope::{ChainId, SignedCommand, Signer, Verifier};
pub use event::Event;
pub use ids::{AccountId, InstrumentId, OrderId, SignerId, UnderlyingId, ValidatorId};
pub use order::{NewOrder, Side};
pub use reject::{Reject, RejectCode};
pub use units::{Lots, Ppm, Price, SpanMs, TimeMs, Usd, Vol};
