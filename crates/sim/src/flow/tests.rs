use super::{
    EVENT_BYTES, EVENTS_MAX, Flow, FlowError, HEADER_BYTES, NAMES, Place, QTY_LOTS_MAX, Shape,
};
use crate::clear_book::ClearBooks;
use crate::measure::check;
use crate::plain_book::PlainBooks;
use crate::rng::Rng;

fn bytes_of(flow: &Flow) -> Vec<u8> {
    let mut bytes = Vec::new();
    flow.write_to(&mut bytes).unwrap();
    bytes
}

fn small() -> Flow {
    Flow::scaled("chain_1m", 400, 200).unwrap()
}

/// The field, value and limits of the error that these bytes give.
fn refusal(bytes: &[u8]) -> (Place, &'static str, u64, u64, u64) {
    match Flow::from_bytes(bytes).unwrap_err() {
        FlowError::OutOfRange { place, field, value, min, max } => (place, field, value, min, max),
        other => panic!("not a field out of range: {other}"),
    }
}

/// The small flow with one header word replaced.
fn with_header_word(word: usize, value: u64) -> Vec<u8> {
    let mut bytes = bytes_of(&small());
    bytes[8 + 8 * word..16 + 8 * word].copy_from_slice(&value.to_le_bytes());
    bytes
}

/// The small flow with bytes of its first event (a limit order) replaced.
fn with_event_bytes(at: usize, new: &[u8]) -> Vec<u8> {
    let mut bytes = bytes_of(&small());
    bytes[HEADER_BYTES + at..HEADER_BYTES + at + new.len()].copy_from_slice(new);
    bytes
}

/// The bytes of the named flows are public; these are their BLAKE3 hashes.
fn assert_golden(name: &str, hash: &str, maker_digest: u64, trades: u64) {
    let flow = Flow::named(name).unwrap();
    assert_eq!(flow.header().expected.maker_digest, maker_digest);
    assert_eq!(flow.header().expected.totals.trades, trades);
    assert_eq!(blake3::hash(&bytes_of(&flow)).to_hex().as_str(), hash);
}

#[test]
fn tight_1m_has_its_golden_bytes() {
    assert_golden(
        "tight_1m",
        "9779796a1cf2988cb4a22886187b73b889b35425c50e3adb8f9aef05bd4bba3f",
        3_984_113_237_917_302_672,
        297_610,
    );
}

#[test]
fn deep_1m_has_its_golden_bytes() {
    assert_golden(
        "deep_1m",
        "8ad65060b8afb2df7762f149a670db67c54139effe07f58f422c19754cf95932",
        10_183_083_256_866_164_829,
        263_005,
    );
}

#[test]
fn chain_1m_has_its_golden_bytes() {
    assert_golden(
        "chain_1m",
        "073be6dca386d5313cd8fef508442cdf1153309fee928589fa1b1820eaa9a9e1",
        6_045_706_467_933_973_234,
        293_037,
    );
}

#[test]
fn reading_gives_back_what_was_written() {
    for name in NAMES {
        let flow = Flow::scaled(name, 3_000, 500).unwrap();
        let bytes = bytes_of(&flow);
        assert_eq!(bytes.len(), HEADER_BYTES + 3_500 * EVENT_BYTES);
        assert_eq!(Flow::from_bytes(&bytes).unwrap(), flow);
        assert_eq!((flow.prefill().len(), flow.timed().len()), (500, 3_000));
    }
}

#[test]
fn a_file_holds_the_same_flow_as_memory() {
    let name = format!("lockstep-sim-{}.oflow", std::process::id());
    let path = std::env::temp_dir().join(name);
    let flow = small();
    flow.write(&path).unwrap();
    let read = Flow::read(&path);
    std::fs::remove_file(&path).unwrap();
    assert_eq!(read.unwrap(), flow);
    assert!(matches!(Flow::read(&path), Err(FlowError::Io(_))));
}

#[test]
fn the_plain_and_the_clear_book_both_end_with_the_expected_outcome() {
    for (name, events, prefill) in
        [("tight_1m", 20_000, 0), ("deep_1m", 10_000, 10_000), ("chain_1m", 10_000, 20_000)]
    {
        let flow = Flow::scaled(name, events, prefill).unwrap();
        let header = flow.header();
        assert!(header.expected.totals.trades > 1_000, "{name} trades");
        check(&flow, PlainBooks::new(header.symbols)).unwrap();
        check(&flow, ClearBooks::new(header)).unwrap();
    }
}

#[test]
fn an_unknown_name_is_an_error() {
    assert!(matches!(Flow::named("wide_1m"), Err(FlowError::UnknownName(_))));
    assert!(matches!(Flow::scaled("", 1, 1), Err(FlowError::UnknownName(_))));
}

#[test]
fn a_shape_beyond_its_limits_is_refused_before_anything_is_allocated() {
    let shape = Shape::named("tight_1m").unwrap();
    let field = |shape: Shape| match Flow::generate(&shape).unwrap_err() {
        FlowError::OutOfRange { place: Place::Shape, field, .. } => field,
        other => panic!("not a field of the shape: {other}"),
    };
    assert_eq!(field(Shape { events: EVENTS_MAX + 1, ..shape }), "events");
    assert_eq!(field(Shape { prefill: u64::MAX, ..shape }), "prefill");
    assert_eq!(field(Shape { symbols: 0, ..shape }), "symbols");
    assert_eq!(field(Shape { limit_permille: 1_001, ..shape }), "limit_permille");
    assert_eq!(field(Shape { cancel_permille: 401, ..shape }), "cancel_permille");
    assert_eq!(field(Shape { depth_ticks: u64::MAX, ..shape }), "depth_ticks");
    assert_eq!(field(Shape { start_mid_ticks: 1_000, ..shape }), "start_mid_ticks");
    assert_eq!(field(Shape { start_mid_ticks: u64::MAX, ..shape }), "start_mid_ticks");
    assert_eq!(field(Shape { limit_lots_max: 0, ..shape }), "limit_lots_max");
    assert_eq!(field(Shape { market_lots_max: u64::MAX, ..shape }), "market_lots_max");
    assert_eq!(field(Shape { aggressive_one_in: 0, ..shape }), "aggressive_one_in");
}

#[test]
fn an_empty_flow_is_a_flow() {
    let flow = Flow::scaled("tight_1m", 0, 0).unwrap();
    assert_eq!(Flow::from_bytes(&bytes_of(&flow)).unwrap(), flow);
}

#[test]
fn a_bad_header_names_the_field_and_the_limit() {
    let header = Place::Header;
    let cases = [
        (1, EVENTS_MAX + 1, "events", 0, EVENTS_MAX),
        (2, 601, "prefill", 0, 600),
        (3, 0, "symbols", 1, 65_536),
        (3, 65_537, "symbols", 1, 65_536),
        (4, 601, "max_order_id", 0, 600),
        (6, u64::MAX, "max_price", 0, 1 << 40),
        (14, 9, "spare words", 0, 0),
    ];
    for (word, value, field, min, max) in cases {
        assert_eq!(refusal(&with_header_word(word, value)), (header, field, value, min, max));
    }
    let (_, field, value, 0, max) = refusal(&with_header_word(5, 1 << 39)) else { panic!() };
    assert_eq!((field, value, max), ("min_price", 1 << 39, small().header().max_price_ticks));
    let (_, field, ..) = refusal(&with_header_word(4, 600));
    assert_eq!(field, "max_order_id");
}

#[test]
fn a_bad_event_names_its_index_the_field_and_the_limit() {
    let first = Place::Event(0);
    let bad = |at: usize, new: &[u8]| refusal(&with_event_bytes(at, new));
    assert_eq!(bad(0, &[3]), (first, "kind", 3, 0, 2));
    assert_eq!(bad(1, &[2]), (first, "side", 2, 0, 1));
    assert_eq!(bad(2, &1_024_u16.to_le_bytes()), (first, "symbol", 1_024, 0, 1_023));
    assert_eq!(bad(8, &2_u64.to_le_bytes()), (first, "order_id", 2, 1, 1));
    let header = *small().header();
    let (low, high) = (header.min_price_ticks, header.max_price_ticks);
    assert_eq!(bad(16, &[0; 8]), (first, "price_ticks", 0, low, high));
    assert_eq!(bad(24, &[0; 8]), (first, "qty_lots", 0, 1, QTY_LOTS_MAX));
    let too_many = QTY_LOTS_MAX + 1;
    assert_eq!(bad(24, &too_many.to_le_bytes()), (first, "qty_lots", too_many, 1, QTY_LOTS_MAX));
    // A market order without a price is asked for none; a cancel needs an id issued before it.
    assert_eq!(bad(0, &[2]).1, "price_ticks");
    assert_eq!(bad(0, &[1]), (first, "order_id", 1, 1, 0));
    let text = Flow::from_bytes(&with_event_bytes(0, &[3])).unwrap_err().to_string();
    assert_eq!(text, "flow event 0: kind is 3, allowed are 0..=2");
}

#[test]
fn a_file_of_another_length_or_magic_is_refused() {
    let bytes = bytes_of(&small());
    let mut longer = bytes.clone();
    longer.push(0);
    for wrong in [&[] as &[u8], &bytes[..127], &bytes[..bytes.len() - 1], &longer] {
        let error = Flow::from_bytes(wrong).unwrap_err();
        assert!(matches!(error, FlowError::FileBytes { .. }), "{error}");
    }
    let mut other = bytes;
    other[7] = b'2';
    assert!(matches!(Flow::from_bytes(&other), Err(FlowError::NotAFlow)));
}

#[test]
fn mutilated_files_never_panic_in_reading_or_matching() {
    let bytes = bytes_of(&small());
    let mut rng = Rng::new(1);
    let mut refused = 0;
    for _ in 0..4_000 {
        let mut mutilated = bytes.clone();
        for _ in 0..1 + rng.below(3) {
            let at = rng.below_usize(mutilated.len());
            mutilated[at] ^= 1 << rng.below(8);
        }
        match Flow::from_bytes(&mutilated) {
            Err(_) => refused += 1,
            Ok(flow) => drop(check(&flow, PlainBooks::new(flow.header().symbols))),
        }
    }
    assert!(refused > 1_000, "only {refused} of 4000 were refused");
}
