//! Tests of the types from outside, in one program so that it links once.

mod arbitrary;
mod codec;
mod decimal;
mod envelope;
mod golden;
mod instrument;
mod nonce;
mod reject;
mod samples;
mod units;
