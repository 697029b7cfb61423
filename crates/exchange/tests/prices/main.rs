//! Prices, funding, listing and expiry through the engine: reports in, marks and settlements out.

mod expiry;
mod forward;
mod funding;
mod index;
mod listing;
mod mark;
mod market;
mod month;
mod paging;
mod params;
mod vectors;
