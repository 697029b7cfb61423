//! Orders through the engine, rule by rule: triggers, links, protection, quotes, block trades,
//! auctions, full venues (M2, M3, M7, M9, M10, M11, L4).

#[path = "../common/mod.rs"]
mod common;

mod auctions;
mod block_trades;
mod desk;
mod fills;
mod full;
mod linked;
mod linked_places;
mod protection;
mod quotes;
mod trailing;
mod triggers;
mod waking;
