//! Bytes of a flow file: encoding, and decoding that trusts nothing.

use super::error::within;
use super::{
    EVENTS_MAX, Event, FlowError, Header, Kind, Outcome, PRICE_TICKS_MAX, Place, QTY_LOTS_MAX,
    SYMBOLS_MAX, Side, Totals,
};

/// First bytes of a flow file.
pub const MAGIC: [u8; 8] = *b"OFLOW001";
/// Bytes of the header: the magic and fifteen 64-bit words, the last two of them spare zeros.
pub const HEADER_BYTES: usize = 128;
/// Bytes of an event.
pub const EVENT_BYTES: usize = 32;

const HEADER_WORDS: usize = 15;

/// Bytes of a file with so many events; the caller has checked `events` against [`EVENTS_MAX`].
pub(super) fn file_bytes(events: u64) -> u64 {
    assert!(events <= EVENTS_MAX, "the number of events is checked before it sizes anything");
    128 + 32 * events
}

pub(super) fn encode_header(header: &Header) -> [u8; HEADER_BYTES] {
    let Header { seed, events, prefill, symbols, .. } = *header;
    let Outcome { totals, resting_orders, resting_lots, maker_digest } = header.expected;
    let words: [u64; HEADER_WORDS] = [
        seed,
        events,
        prefill,
        symbols,
        header.max_order_id,
        header.min_price_ticks,
        header.max_price_ticks,
        totals.trades,
        totals.traded_lots,
        totals.notional,
        resting_orders,
        resting_lots,
        maker_digest,
        0,
        0,
    ];
    let mut bytes = [0; HEADER_BYTES];
    let (magic, body) = bytes.split_at_mut(MAGIC.len());
    magic.copy_from_slice(&MAGIC);
    for (slot, word) in body.chunks_exact_mut(8).zip(words) {
        slot.copy_from_slice(&word.to_le_bytes());
    }
    bytes
}

pub(super) fn encode_event(event: &Event) -> [u8; EVENT_BYTES] {
    let mut bytes = [0; EVENT_BYTES];
    bytes[0] = match event.kind {
        Kind::Limit => 0,
        Kind::Cancel => 1,
        Kind::Market => 2,
    };
    bytes[1] = match event.side {
        Side::Buy => 0,
        Side::Sell => 1,
    };
    bytes[2..4].copy_from_slice(&event.symbol.to_le_bytes());
    bytes[4..8].copy_from_slice(&event.account.to_le_bytes());
    bytes[8..16].copy_from_slice(&event.order_id.to_le_bytes());
    bytes[16..24].copy_from_slice(&event.price_ticks.to_le_bytes());
    bytes[24..32].copy_from_slice(&event.qty_lots.to_le_bytes());
    bytes
}

/// Decodes and checks a whole file.
pub(super) fn decode(bytes: &[u8]) -> Result<(Header, Vec<Event>), FlowError> {
    let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
    let Some((head, body)) = bytes.split_first_chunk::<HEADER_BYTES>() else {
        return Err(FlowError::FileBytes { bytes: length, bytes_expected: file_bytes(0) });
    };
    let header = decode_header(head)?;
    let bytes_expected = file_bytes(header.events);
    if length != bytes_expected {
        return Err(FlowError::FileBytes { bytes: length, bytes_expected });
    }
    let (records, _) = body.as_chunks::<EVENT_BYTES>();
    let mut events = Vec::with_capacity(records.len());
    let mut ids_issued = 0;
    for (record, index) in records.iter().zip(0..) {
        events.push(decode_event(record, index, &header, &mut ids_issued)?);
    }
    let max_order_id = header.max_order_id;
    within(Place::Header, "max_order_id", max_order_id, ids_issued, ids_issued)?;
    Ok((header, events))
}

fn decode_header(bytes: &[u8; HEADER_BYTES]) -> Result<Header, FlowError> {
    let mut words = [0; HEADER_WORDS];
    let (magic, body) = bytes.split_at(MAGIC.len());
    if magic != MAGIC {
        return Err(FlowError::NotAFlow);
    }
    for (word, bytes) in words.iter_mut().zip(body.as_chunks::<8>().0) {
        *word = u64::from_le_bytes(*bytes);
    }
    let [seed, events, prefill, symbols, max_order_id, min_price_ticks, max_price_ticks, ..] =
        words;
    let [
        ..,
        trades,
        traded_lots,
        notional,
        resting_orders,
        resting_lots,
        maker_digest,
        spare,
        last,
    ] = words;
    within(Place::Header, "events", events, 0, EVENTS_MAX)?;
    within(Place::Header, "prefill", prefill, 0, events)?;
    within(Place::Header, "symbols", symbols, 1, SYMBOLS_MAX)?;
    within(Place::Header, "max_order_id", max_order_id, 0, events)?;
    within(Place::Header, "max_price", max_price_ticks, 0, PRICE_TICKS_MAX)?;
    within(Place::Header, "min_price", min_price_ticks, 0, max_price_ticks)?;
    within(Place::Header, "spare words", spare | last, 0, 0)?;
    let totals = Totals { trades, traded_lots, notional };
    let expected = Outcome { totals, resting_orders, resting_lots, maker_digest };
    Ok(Header {
        seed,
        events,
        prefill,
        symbols,
        max_order_id,
        min_price_ticks,
        max_price_ticks,
        expected,
    })
}

fn decode_event(
    bytes: &[u8; EVENT_BYTES],
    index: u64,
    header: &Header,
    ids_issued: &mut u64,
) -> Result<Event, FlowError> {
    let place = Place::Event(index);
    let [kind, side, s0, s1, a0, a1, a2, a3, words @ ..] = *bytes;
    let mut fields = [0; 3];
    for (field, bytes) in fields.iter_mut().zip(words.as_chunks::<8>().0) {
        *field = u64::from_le_bytes(*bytes);
    }
    let [order_id, price_ticks, qty_lots] = fields;
    let symbol = u16::from_le_bytes([s0, s1]);
    within(place, "kind", u64::from(kind), 0, 2)?;
    within(place, "side", u64::from(side), 0, 1)?;
    within(place, "symbol", u64::from(symbol), 0, header.symbols - 1)?;
    let kind = match kind {
        0 => Kind::Limit,
        1 => Kind::Cancel,
        _ => Kind::Market,
    };
    if kind == Kind::Cancel {
        within(place, "order_id", order_id, 1, *ids_issued)?;
        within(place, "qty_lots", qty_lots, 0, 0)?;
    } else {
        *ids_issued += 1;
        within(place, "order_id", order_id, *ids_issued, *ids_issued)?;
        within(place, "qty_lots", qty_lots, 1, QTY_LOTS_MAX)?;
    }
    if kind == Kind::Market {
        within(place, "price_ticks", price_ticks, 0, 0)?;
    } else {
        let (min, max) = (header.min_price_ticks, header.max_price_ticks);
        within(place, "price_ticks", price_ticks, min.max(1), max)?;
    }
    let account = u32::from_le_bytes([a0, a1, a2, a3]);
    let side = if side == 0 { Side::Buy } else { Side::Sell };
    Ok(Event { kind, side, symbol, account, order_id, price_ticks, qty_lots })
}
