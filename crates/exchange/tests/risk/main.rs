//! Margin, liquidation, fees and invariants through the public interface (R1 to R4, F2, F3, C1 to
//! C3).

#[path = "../common/mod.rs"]
mod common;

mod around;
mod fees;
mod invariants;
mod latency;
mod liquidation;
mod makers;
mod model;
mod orders;
mod sweep;
mod vectors;
mod waterfall;
mod withdrawal;

use common::{Venue, price, usd};
use lockstep_types::command::SystemCommand;
use lockstep_types::event::Event;
use lockstep_types::ids::{AccountId, InstrumentId, UnderlyingId};
use lockstep_types::instrument::Ticker;
use lockstep_types::order::Side;
use lockstep_types::params::{
    FeeTier, LatencyParams, MarginRegime, TickTable, UnderlyingParams, VenueParams,
};
use lockstep_types::units::{Lots, Ppm, Price, Usd};

/// The only underlying of most tests.
pub const BTC: UnderlyingId = UnderlyingId(0);

/// Parameters without trading fees, so that cash is easy to follow; margin as given.
pub fn free(margin: MarginRegime) -> VenueParams {
    let tier = FeeTier { volume_30d: Usd(0), maker: Ppm(0), taker: Ppm(0) };
    let latency = LatencyParams { source: common::SWIFT, ..LatencyParams::default() };
    let fee_tiers = common::bounded(vec![tier]);
    VenueParams { fee_tiers, margin, latency, ..VenueParams::default() }
}

/// Bitcoin at 100,000 USD in ticks of ten cents, without bands for options and without interest,
/// so that nobody pays funding while the book stays below the index.
pub fn bitcoin() -> UnderlyingParams {
    UnderlyingParams {
        linear_ticks: TickTable::flat(Price(100_000)),
        option_ticks: TickTable::flat(Price(100_000)),
        price_band: Ppm(0),
        option_price_band: Ppm(0),
        interest_ppb: 0,
        ..UnderlyingParams::genesis(Ticker::new("BTC").unwrap(), 100_000)
    }
}

/// A venue with bitcoin and its perpetual, which has id 0.
pub fn bitcoin_venue(params: VenueParams) -> (Venue, InstrumentId) {
    let mut venue = Venue::new(params);
    venue.add_underlying_with(bitcoin(), price(100_000));
    let perpetual = venue.list("BTC_USDC-PERPETUAL");
    (venue, perpetual)
}

/// `buyer` buys from `seller`.
pub fn trade(
    venue: &mut Venue,
    buyer: AccountId,
    seller: AccountId,
    what: InstrumentId,
    lots: i64,
    at: Price,
) {
    venue.limit(seller, what, Side::Sell, lots, at);
    venue.limit(buyer, what, Side::Buy, lots, at);
}

/// Sets the venue's parameters.
pub fn set(venue: &mut Venue, params: VenueParams) -> Vec<Event> {
    venue.must(SystemCommand::SetVenueParams(Box::new(params)))
}

/// An account's cash.
pub fn cash(venue: &Venue, account: AccountId) -> Usd {
    venue.exchange.account_view(account).unwrap().cash
}

/// An account's position.
pub fn position(venue: &Venue, account: AccountId, instrument: InstrumentId) -> Lots {
    let view = venue.exchange.account_view(account).unwrap();
    let held = view.positions.iter().find(|held| held.instrument == instrument);
    held.map_or(Lots(0), |held| held.lots)
}

/// Everything that must hold between blocks.
pub fn audit(venue: &Venue) {
    if let Err(error) = venue.exchange.check_invariants() {
        panic!("{error}");
    }
}

/// A rich account that has made no trade.
pub fn rich(venue: &mut Venue, owner: u8) -> AccountId {
    venue.deposit(owner, usd(100_000_000))
}
