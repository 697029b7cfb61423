//! Margin: one interface and two models (R1, R2, A6).
//!
//! [`view`] copies an account out of the leaves; [`model`] says what any model answers and which
//! one an account has; [`standard`] is the standard model, [`portfolio`] portfolio margin over the
//! risk arrays of [`arrays`]; [`check`] refuses orders, fills, withdrawals and block trades that
//! margin does not cover; [`floor`] (on a [`ground`], in a [`climate`]), [`cushion`] and, with
//! portfolio margin, [`sums`] answer most of it without a full look.
//!
//! Deliberately absent: liquidation, which is [`crate::liquidation`].

pub(crate) mod arrays;
pub(crate) mod check;
pub(crate) mod climate;
pub(crate) mod cushion;
pub(crate) mod floor;
mod ground;
pub(crate) mod model;
pub(crate) mod portfolio;
pub(crate) mod standard;
pub(crate) mod sums;
pub(crate) mod view;
