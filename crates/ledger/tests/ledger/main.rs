//! The ledger through its public interface: situations by room, and random runs of everything.

mod attendance;
mod blocks;
mod bridge;
mod chaos;
mod documents;
mod encoding;
mod evidence;
mod genesis;
mod model;
mod network;
mod outage;
mod properties;
mod report;
mod stake;
mod vote;
