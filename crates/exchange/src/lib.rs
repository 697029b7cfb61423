//! Exchange.
#![no_std]
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
pub mod option;
