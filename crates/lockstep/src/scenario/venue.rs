//! What the runner needs of an engine: to execute blocks and to answer questions about the state.
//!
//! The questions are read-only and asked between blocks. Names are the runner's business; here
//! everything is a number of the engine's. Deliberately absent: a second way to change the state.

use lockstep_types::command::{Block, MarginMode, Phase, PhaseScope};
use lockstep_types::ids::{AccountId, InstrumentId, OrderId, UnderlyingId};
use lockstep_types::{Event, Lots, Ppm, Price, Side, TimeMs, Usd, Vol};

/// An engine, as scenarios see it.
pub trait Venue {
    /// Executes a block.
    fn execute(&mut self, block: &Block) -> Vec<Event>;

    /// Proves that the books balance (C1 to C3).
    ///
    /// # Errors
    /// In words, what does not.
    fn check(&self) -> Result<(), String>;

    /// Digest of the whole state.
    fn digest(&self) -> Vec<u8>;

    /// Money and margin of an account.
    fn account(&self, account: AccountId) -> Option<AccountView>;

    /// An account's positions that are not flat, by instrument.
    fn positions(&self, account: AccountId) -> Vec<PositionView>;

    /// An account's open and sleeping orders, in order of arrival.
    fn orders(&self, account: AccountId) -> Vec<OrderView>;

    /// One open or sleeping order.
    fn order(&self, order: OrderId) -> Option<OrderView>;

    /// Visible levels of one side, best first.
    fn depth(&self, instrument: InstrumentId, side: Side) -> Vec<LevelView>;

    /// Marks and totals of an instrument, if it is listed.
    fn instrument(&self, instrument: InstrumentId) -> Option<InstrumentView>;

    /// The index of an underlying.
    fn underlying(&self, underlying: UnderlyingId) -> Option<UnderlyingView>;

    /// The forward of an expiry, if the venue has one.
    fn forward(&self, underlying: UnderlyingId, expiry: TimeMs) -> Option<Price>;

    /// The phase in which something is, the phases above it not counted.
    fn phase(&self, scope: PhaseScope) -> Phase;

    /// The venue's own money.
    fn pools(&self) -> PoolsView;
}

/// Money and margin of an account; margin is `None` while something that it has has no mark.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AccountView {
    /// Collateral.
    pub balance: Usd,
    /// Balance and unrealised results.
    pub equity: Option<Usd>,
    /// Initial requirement, open orders included.
    pub initial: Option<Usd>,
    /// Maintenance requirement.
    pub maintenance: Option<Usd>,
    /// What may be withdrawn.
    pub available: Option<Usd>,
    /// How it is margined.
    pub mode: MarginMode,
    /// Whether it is being liquidated.
    pub liquidating: bool,
}

/// A position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PositionView {
    /// In what.
    pub instrument: InstrumentId,
    /// How much, signed.
    pub lots: Lots,
    /// Average entry price.
    pub average_price: Price,
    /// Unrealised result at mark, if there is one.
    pub unrealised: Option<Usd>,
}

/// An open or sleeping order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrderView {
    /// Its handle.
    pub order: OrderId,
    /// Its instrument.
    pub instrument: InstrumentId,
    /// Its side.
    pub side: Side,
    /// Its limit price; `None` for a sleeping market order.
    pub price: Option<Price>,
    /// What is left of it.
    pub remaining: Lots,
    /// What the book shows of it.
    pub visible: Lots,
    /// Whether it sleeps.
    pub sleeping: bool,
    /// Its trigger price now, if it sleeps.
    pub trigger_price: Option<Price>,
    /// Its label.
    pub label: Option<String>,
}

/// A level of a book.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LevelView {
    /// Its price.
    pub price: Price,
    /// What is visible there.
    pub lots: Lots,
    /// How many orders are there.
    pub orders: u32,
}

/// Marks and totals of an instrument.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InstrumentView {
    /// Its mark.
    pub mark: Option<Price>,
    /// The price of its last trade.
    pub last: Option<Price>,
    /// Volatility of an option's model price.
    pub volatility: Option<Vol>,
    /// Its open interest.
    pub open_interest: Lots,
    /// A perpetual's rate per eight hours, in 1e-9.
    pub rate_8h_ppb: i64,
    /// A perpetual's cumulative funding per unit of the underlying.
    pub funding_index: Price,
}

/// The index of an underlying.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnderlyingView {
    /// The index, if there ever was one.
    pub index: Option<Price>,
    /// Share of fresh stake behind it.
    pub confidence: Ppm,
    /// Whether it is stale.
    pub stale: bool,
}

/// The venue's own money.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PoolsView {
    /// The insurance fund.
    pub insurance: Usd,
    /// Fees due to validators.
    pub validators: Usd,
    /// The treasury.
    pub treasury: Usd,
}
