//! Orders through the engine, rule by rule: triggers, links, protection, quotes, block trades,
//! auctions (M2, M3, M7, M9, M10, M11).

#[path = "../common/mod.rs"]
mod common;

mod auctions;
mod block_trades;
mod desk;
mod fills;
mod linked;
mod linked_places;
mod protection;
mod quotes;
mod trailing;
mod triggers;
mod waking;
