//! The order flow that every matching engine is run on, and its file format.
//!
//! A flow is a header and a list of events. The header carries the outcome that a correct
//! price-time engine must end with, so "the same work" is checked and not claimed. The format is
//! little-endian: 128 bytes of header ([`HEADER_BYTES`]), then 32 bytes for each event
//! ([`EVENT_BYTES`]). The same seed gives the same bytes everywhere.
//!
//! Invariants of a [`Flow`] that was read or generated: all fields are within the limits named
//! here; new orders carry the ids 1, 2, 3, ... in order; a cancel names an id issued before it.
//! Deliberately absent: any check that a cancelled order is still live. That takes a matcher, and
//! [`crate::measure::check`] does it.

mod error;
mod format;
mod generator;
#[cfg(test)]
mod tests;

pub use error::{FlowError, Place};
pub use format::{EVENT_BYTES, HEADER_BYTES, MAGIC};
pub use generator::Shape;

use std::fs::File;
use std::io::{BufWriter, Read, Write};
use std::path::Path;

/// Most events in one flow, prefill included (512 MiB of records).
pub const EVENTS_MAX: u64 = 1 << 24;
/// Most symbols in one flow.
pub const SYMBOLS_MAX: u64 = 1 << 16;
/// Highest price in ticks.
pub const PRICE_TICKS_MAX: u64 = 1 << 40;
/// Most lots in one order. A flow of [`EVENTS_MAX`] such orders still sums within 64 bits.
pub const QTY_LOTS_MAX: u64 = 1 << 32;
/// The flows that [`Flow::named`] knows.
pub const NAMES: [&str; 3] = ["tight_1m", "deep_1m", "chain_1m"];

/// What an event asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Good-till-cancel limit order: it takes what crosses, the rest is booked.
    Limit,
    /// Cancel of `order_id`, which is live at this point of the flow.
    Cancel,
    /// Market order: it takes at any price, the rest is dropped.
    Market,
}

/// Side of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Side {
    /// Bid.
    Buy,
    /// Ask.
    Sell,
}

impl Side {
    /// The side that this one trades with.
    #[must_use]
    pub fn opposite(self) -> Side {
        match self {
            Side::Buy => Side::Sell,
            Side::Sell => Side::Buy,
        }
    }

    /// Whether an order of this side with limit `limit_ticks` trades at `price_ticks`.
    #[must_use]
    pub fn accepts(self, limit_ticks: u64, price_ticks: u64) -> bool {
        match self {
            Side::Buy => price_ticks <= limit_ticks,
            Side::Sell => price_ticks >= limit_ticks,
        }
    }
}

/// One command of a flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Event {
    /// What is asked.
    pub kind: Kind,
    /// Side of the order; in a cancel that of the resting order.
    pub side: Side,
    /// Which book, from 0.
    pub symbol: u16,
    /// Who asks. A flow knows no self-trade prevention, so this only labels.
    pub account: u32,
    /// The id of the new order, or of the order to cancel.
    pub order_id: u64,
    /// Limit price; in a cancel the resting price; 0 in a market order.
    pub price_ticks: u64,
    /// Size; 0 in a cancel.
    pub qty_lots: u64,
}

/// Hears of every trade of a matcher. Two kinds exist so that the timed loop counts, while the
/// costlier digest is left to an untimed pass.
pub trait Tally {
    /// Whether it looks at the maker's id; a matcher that must look it up may pass 0 otherwise.
    const NAMES_MAKERS: bool = true;

    /// `lots` of the resting order `maker_id` traded at `price_ticks`.
    fn trade(&mut self, maker_id: u64, price_ticks: u64, lots: u64);
}

/// Sums over all trades: what the timed loop counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Trades, one per resting order hit.
    pub trades: u64,
    /// Lots traded.
    pub traded_lots: u64,
    /// Sum of price in ticks times lots, modulo 2^64.
    pub notional: u64,
}

impl Tally for Totals {
    const NAMES_MAKERS: bool = false;

    #[inline(always)]
    fn trade(&mut self, _maker_id: u64, price_ticks: u64, lots: u64) {
        self.trades += 1;
        self.traded_lots += lots;
        self.notional = self.notional.wrapping_add(price_ticks.wrapping_mul(lots));
    }
}

/// What a correct price-time engine ends with after all events of a flow.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Sums over the trades.
    pub totals: Totals,
    /// Orders resting in all books.
    pub resting_orders: u64,
    /// Lots resting in all books.
    pub resting_lots: u64,
    /// Mix of (maker id, lots) in the order of trades: another time priority, another digest.
    pub maker_digest: u64,
}

impl Tally for Outcome {
    #[inline(always)]
    fn trade(&mut self, maker_id: u64, price_ticks: u64, lots: u64) {
        self.totals.trade(maker_id, price_ticks, lots);
        self.maker_digest = (self.maker_digest.rotate_left(5) ^ maker_id ^ (lots << 40))
            .wrapping_mul(0x9E37_79B9_7F4A_7C15);
    }
}

/// What a flow says about itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Seed of the generator.
    pub seed: u64,
    /// Events in the flow, prefill included.
    pub events: u64,
    /// How many events at the front only build the book and are not timed.
    pub prefill: u64,
    /// Number of books.
    pub symbols: u64,
    /// Highest id of a new order; ids are dense from 1, so this sizes tables.
    pub max_order_id: u64,
    /// Lowest limit price in ticks; 0 if the flow has no limit order.
    pub min_price_ticks: u64,
    /// Highest limit price in ticks; 0 if the flow has no limit order.
    pub max_price_ticks: u64,
    /// What a correct engine ends with.
    pub expected: Outcome,
}

/// An order flow in memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flow {
    header: Header,
    events: Vec<Event>,
}

impl Flow {
    /// One of the flows of [`NAMES`] in full size. Takes seconds.
    ///
    /// # Errors
    /// [`FlowError::UnknownName`] for any other name.
    pub fn named(name: &str) -> Result<Flow, FlowError> {
        Flow::generate(&Shape::named(name)?)
    }

    /// A named flow with other counts, for quick tests: `prefill` adds that build the book, then
    /// `events` timed events.
    ///
    /// # Errors
    /// [`FlowError::UnknownName`], or [`FlowError::OutOfRange`] for counts above [`EVENTS_MAX`].
    pub fn scaled(name: &str, events: u64, prefill: u64) -> Result<Flow, FlowError> {
        Flow::generate(&Shape { events, prefill, ..Shape::named(name)? })
    }

    /// The flow of a shape; equal shapes give equal flows.
    ///
    /// # Errors
    /// [`FlowError::OutOfRange`] for a shape beyond its limits.
    pub fn generate(shape: &Shape) -> Result<Flow, FlowError> {
        let (header, events) = generator::generate(shape)?;
        Ok(Flow { header, events })
    }

    /// Reads a flow file, at most as many bytes as the largest flow has.
    ///
    /// # Errors
    /// [`FlowError::Io`], and everything [`Flow::from_bytes`] finds.
    pub fn read(path: &Path) -> Result<Flow, FlowError> {
        let mut bytes = Vec::new();
        // One byte beyond the limit tells an overlong file from the largest legal one.
        File::open(path)?.take(format::file_bytes(EVENTS_MAX) + 1).read_to_end(&mut bytes)?;
        Flow::from_bytes(&bytes)
    }

    /// Decodes a flow file; never panics, whatever the bytes.
    ///
    /// # Errors
    /// The first field that is out of its limits, with its place, value and limits.
    pub fn from_bytes(bytes: &[u8]) -> Result<Flow, FlowError> {
        let (header, events) = format::decode(bytes)?;
        Ok(Flow { header, events })
    }

    /// Writes the flow file, replacing one that is there.
    ///
    /// # Errors
    /// [`FlowError::Io`].
    pub fn write(&self, path: &Path) -> Result<(), FlowError> {
        let mut file = BufWriter::new(File::create(path)?);
        self.write_to(&mut file)?;
        Ok(file.flush()?)
    }

    /// Writes the bytes of the flow file to any sink.
    ///
    /// # Errors
    /// [`FlowError::Io`].
    pub fn write_to(&self, sink: &mut impl Write) -> Result<(), FlowError> {
        sink.write_all(&format::encode_header(&self.header))?;
        for event in &self.events {
            sink.write_all(&format::encode_event(event))?;
        }
        Ok(())
    }

    /// What the flow says about itself.
    #[must_use]
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// All events.
    #[must_use]
    pub fn events(&self) -> &[Event] {
        &self.events
    }

    /// The events that only build the book.
    #[must_use]
    pub fn prefill(&self) -> &[Event] {
        self.events.get(..self.prefill_len()).unwrap_or(&self.events)
    }

    /// The events to time.
    #[must_use]
    pub fn timed(&self) -> &[Event] {
        self.events.get(self.prefill_len()..).unwrap_or(&[])
    }

    fn prefill_len(&self) -> usize {
        usize::try_from(self.header.prefill).unwrap_or(usize::MAX)
    }
}
