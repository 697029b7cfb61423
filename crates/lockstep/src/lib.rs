//! What the binary of Lockstep is made of: replays, option prices, margins, benchmarks.
//!
//! [`cli`] reads the command line and hands over to the rooms: `replay`, [`price`], [`margin`],
//! `bench` and [`series`]. Results go to stdout, progress to stderr. All file and clock access of
//! the project is in this crate; the engine it drives has none.
//!
//! It is a library for one reason: what reads files from strangers ([`scenario`], [`price`],
//! [`margin`], [`series`]) can be fuzzed. Nothing else depends on it, and its interface promises
//! nothing.

mod bench;
mod books;
pub mod cli;
#[cfg(feature = "network")]
mod devnet;
mod events_json;
mod failure;
mod json;
pub mod margin;
#[cfg(feature = "network")]
mod operate;
mod output;
mod population;
pub mod price;
mod progress;
#[cfg(feature = "network")]
mod proof;
mod replay;
mod report;
pub mod scenario;
pub mod series;
#[cfg(feature = "network")]
mod simulate;
#[cfg(feature = "network")]
mod trade;
