//! A chain without a network: blocks are executed and committed, certificates are made with the
//! committee's keys, and proofs of it are accepted, until anything in them is changed.

mod accepted;
mod files;
mod sizes;
mod tampered;
mod wire;
pub mod world;
