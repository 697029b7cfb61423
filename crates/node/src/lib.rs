//! A node of the Lockstep network: it agrees with others on blocks, and executes them.
//!
//! The way of a block: [`mempool`] -> [`application`] (build, check) -> [`head`] (one engine under
//! a tree of blocks), the ledger inside it -> [`store`] (leaves, roots, proofs);
//! [`validator`] puts it together with voting, dissemination and sync. This is the only crate that
//! names commonware's, and the only one with asynchronous code.
//!
//! Invariants: a verdict on a block follows from blocks alone; every queue is bounded; the engine
//! can be rebuilt from the committed leaves at any time.

extern crate alloc;

pub mod application;
pub mod attendance;
pub mod audit;
pub mod block;
pub mod committees;
pub mod conduct;
pub mod costs;
pub mod database;
pub mod duty;
pub mod epochs;
#[cfg(test)]
mod fixture;
pub mod handovers;
pub mod head;
pub mod header;
#[cfg(feature = "host")]
pub mod host;
pub mod intake;
pub mod items;
pub mod light;
pub mod malice;
pub mod mempool;
#[cfg(feature = "host")]
pub mod network;
pub mod offences;
mod randomness;
#[cfg(feature = "host")]
pub mod rpc;
pub mod signatures;
pub mod state_source;
pub mod store;
pub mod validator;
