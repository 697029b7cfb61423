//! Order-by-order ("L3") tapes: what an exchange published about single orders, in its order.
//!
//! A tape is a CSV, plain or gzip, with the columns `time_ns,action,side,price_ticks,size,order`.
//! An add, a cancel and a modify change the book. A trade (the incoming order) and a fill (a
//! resting order) only tell what happened: the cancel or modify that follows takes the filled
//! size off the book. Rows keep the exchange's order; times may repeat and never go back.
//! Deliberately absent: a book. The reader checks form and limits, not whether an order exists.

use std::{
    collections::BTreeMap,
    io::{self, BufRead, BufReader, Write},
};

use flate2::bufread::MultiGzDecoder;

use super::{
    error::{Fault, ReadError, quoted},
    rows::{Row, Rows},
};

/// First line of a tape.
pub const TAPE_HEADER: &str = "time_ns,action,side,price_ticks,size,order";
/// Most events a tape may have.
pub const TAPE_EVENTS_MAX: u64 = 10_000_000;
/// Largest price, ticks.
pub const PRICE_TICKS_MAX: i64 = 1_000_000_000;
/// Largest size of an order or trade, contracts.
pub const SIZE_MAX: i64 = 1_000_000_000;
/// Largest order number.
pub const ORDER_MAX: i64 = 1_000_000_000_000;

/// Events of a raw tape that the excerpt is taken from: the opening book, then the first minutes.
const EXCERPT_READ_MAX: usize = 12_000;
/// An order that never changes is kept only this close to the first trade, ticks.
const EXCERPT_DISTANCE_TICKS: u64 = 16;

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// An order came to rest.
    Add,
    /// Some or all of an order left the book.
    Cancel,
    /// An order has another price or size.
    Modify,
    /// An incoming order traded.
    Trade,
    /// A resting order traded.
    Fill,
}

/// Whose side of the book an event is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// Buyers.
    Bid,
    /// Sellers.
    Ask,
    /// Neither: the print of an auction, or a trade whose side was not told.
    Neither,
}

/// One row of a tape.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TapeEvent {
    /// UTC, nanoseconds since 1970.
    pub time_ns: i64,
    /// What happened.
    pub action: Action,
    /// To which side.
    pub side: Side,
    /// Price in ticks of the instrument.
    pub price_ticks: i64,
    /// Contracts: of the order after an add or modify, taken off by a cancel, traded otherwise.
    pub size: i64,
    /// The order's number.
    pub order: i64,
}

const NAMES: [&str; 6] = ["time_ns", "action", "side", "price_ticks", "size", "order"];

/// Reads a tape one event at a time. After an error it yields nothing more.
pub struct TapeReader<'a> {
    rows: Rows<Box<dyn BufRead + 'a>>,
    time_ns_last: i64,
    failed: bool,
}

impl<'a> TapeReader<'a> {
    /// Opens a tape, plain or gzip (told apart by the first two bytes), and checks its header.
    pub fn open(mut reader: impl BufRead + 'a) -> Result<Self, ReadError> {
        let start =
            reader.fill_buf().map_err(|error| ReadError::Io { line: 1, kind: error.kind() })?;
        let source: Box<dyn BufRead + 'a> = if start.starts_with(&[0x1f, 0x8b]) {
            Box::new(BufReader::new(MultiGzDecoder::new(reader)))
        } else {
            Box::new(reader)
        };
        let rows = Rows::open(source, TAPE_HEADER, TAPE_EVENTS_MAX)?;
        Ok(Self { rows, time_ns_last: 0, failed: false })
    }

    fn read_event(&mut self) -> Result<Option<TapeEvent>, ReadError> {
        let Some(row) = self.rows.next_row(NAMES)? else {
            return Ok(None);
        };
        let event = TapeEvent {
            time_ns: row.integer(0, 0, i64::MAX)?,
            action: action(&row)?,
            side: side(&row)?,
            price_ticks: row.integer(3, -PRICE_TICKS_MAX, PRICE_TICKS_MAX)?,
            size: row.integer(4, 0, SIZE_MAX)?,
            order: row.integer(5, 0, ORDER_MAX)?,
        };
        if event.time_ns < self.time_ns_last {
            return Err(row.fault(0, Fault::Backwards { previous: self.time_ns_last }));
        }
        self.time_ns_last = event.time_ns;
        Ok(Some(event))
    }
}

impl Iterator for TapeReader<'_> {
    type Item = Result<TapeEvent, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.failed {
            return None;
        }
        let event = self.read_event();
        self.failed = event.is_err();
        event.transpose()
    }
}

fn action(row: &Row<'_, 6>) -> Result<Action, ReadError> {
    match row.cell(1) {
        "A" => Ok(Action::Add),
        "C" => Ok(Action::Cancel),
        "M" => Ok(Action::Modify),
        "T" => Ok(Action::Trade),
        "F" => Ok(Action::Fill),
        "" => Err(row.fault(1, Fault::Empty)),
        other => {
            Err(row.fault(1, Fault::Unknown { found: quoted(other), allowed: "A, C, M, T, F" }))
        }
    }
}

fn side(row: &Row<'_, 6>) -> Result<Side, ReadError> {
    match row.cell(2) {
        "B" => Ok(Side::Bid),
        "A" => Ok(Side::Ask),
        "N" => Ok(Side::Neither),
        "" => Err(row.fault(2, Fault::Empty)),
        other => Err(row.fault(2, Fault::Unknown { found: quoted(other), allowed: "B, A, N" })),
    }
}

/// Writes a plain tape that [`TapeReader`] reads.
pub fn write(mut to: impl Write, events: &[TapeEvent]) -> io::Result<()> {
    writeln!(to, "{TAPE_HEADER}")?;
    for event in events {
        let action = match event.action {
            Action::Add => 'A',
            Action::Cancel => 'C',
            Action::Modify => 'M',
            Action::Trade => 'T',
            Action::Fill => 'F',
        };
        let side = match event.side {
            Side::Bid => 'B',
            Side::Ask => 'A',
            Side::Neither => 'N',
        };
        let TapeEvent { time_ns, price_ticks, size, order, .. } = event;
        writeln!(to, "{time_ns},{action},{side},{price_ticks},{size},{order}")?;
    }
    to.flush()
}

/// A small tape that still has every kind of event: of the first 12,000 events, all trades, all
/// events of orders that have more than one, and the orders that rest unchanged within 16 ticks
/// of the first trade. (The raw tape opens with nearly 9,000 adds, most far from the market.)
pub fn excerpt(
    tape: impl Iterator<Item = Result<TapeEvent, ReadError>>,
) -> Result<Vec<TapeEvent>, ReadError> {
    let mut events = Vec::new();
    let mut events_by_order: BTreeMap<i64, u32> = BTreeMap::new();
    for event in tape.take(EXCERPT_READ_MAX) {
        let event = event?;
        *events_by_order.entry(event.order).or_default() += 1;
        events.push(event);
    }
    let first_trade = events.iter().find(|event| event.action == Action::Trade);
    let Some(centre_ticks) = first_trade.map(|event| event.price_ticks) else {
        return Err(ReadError::NoRows);
    };
    events.retain(|event| {
        event.action == Action::Trade
            || events_by_order.get(&event.order).is_some_and(|&count| count > 1)
            || event.price_ticks.abs_diff(centre_ticks) <= EXCERPT_DISTANCE_TICKS
    });
    Ok(events)
}
