//! Reading, filling and deriving, and what happens when the bytes are not what they should be.

use super::derive::{CRASH_WINDOW, Window, bar_path, index, mark_volatility};
use super::shipped::{self, Shipped};
use super::*;

/// A deterministic source of arbitrary numbers (splitmix64), so that a failure can be repeated.
pub(super) struct Numbers(pub u64);

impl Numbers {
    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub(super) fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(end).unwrap()).unwrap()
    }
}

/// Damages a text in one to four places, sometimes cutting it off.
pub(super) fn damaged(text: &[u8], numbers: &mut Numbers) -> Vec<u8> {
    let mut bytes = text.to_vec();
    for _ in 0..=numbers.below(4) {
        let at = numbers.below(bytes.len());
        let telling = b",\n\r-+.0123456789ABCTFMN\x00\xff #\"e";
        match numbers.below(5) {
            0 => bytes[at] = telling[numbers.below(telling.len())],
            1 => bytes.insert(at, telling[numbers.below(telling.len())]),
            2 => drop(bytes.remove(at)),
            3 => bytes.truncate(at.max(8)),
            _ => {
                let copy = bytes[at..(at + 40).min(bytes.len())].to_vec();
                bytes.splice(at..at, copy);
            }
        }
    }
    bytes
}

fn prices(text: &str) -> Result<Series, ReadError> {
    Series::read(text.as_bytes(), Column::PriceCents)
}

fn field(line: u64, field: &'static str, fault: Fault) -> Result<Series, ReadError> {
    Err(ReadError::Field { line, field, fault })
}

#[test]
fn a_series_reads_back_what_was_written() {
    for shipped in Shipped::ALL {
        let series = shipped.read().unwrap();
        let mut bytes = Vec::new();
        series.write(&mut bytes).unwrap();
        assert_eq!(bytes, shipped.text().as_bytes(), "{}", shipped.file_name());
    }
}

#[test]
fn the_shipped_series_hold_the_crash_of_october_2025() {
    let range = |shipped: Shipped| {
        let series = shipped.read().unwrap();
        assert!(series.first().time_s == CRASH_WINDOW.start_s, "{}", shipped.file_name());
        assert!(
            series.points().last().unwrap().time_s < CRASH_WINDOW.end_s,
            "{}",
            shipped.file_name()
        );
        let values = series.points().iter().map(|point| point.value);
        (series.points().len(), values.clone().min().unwrap(), values.max().unwrap())
    };
    assert_eq!(range(Shipped::IndexBtc), (2_803, 10_712_072, 11_719_431));
    assert_eq!(range(Shipped::IndexEth), (2_066, 368_100, 410_000));
    assert_eq!(range(Shipped::PathBtc), (600, 10_249_750, 11_713_340));
    assert_eq!(range(Shipped::VolatilityPut).0, 150);
    assert_eq!(range(Shipped::VolatilityCall).0, 150);
    let eth = Shipped::IndexEth.read().unwrap();
    let first = Some(Point { time_s: CRASH_WINDOW.start_s, value: 399_716 });
    assert_eq!(eth.point_at(CRASH_WINDOW.start_s), first, "carried into the window");
}

#[test]
fn seconds_without_trades_carry_the_last_value() {
    let series = prices("time_s,price_cents\n100,7\n103,9\n104,8\n").unwrap();
    let value = |time_s| series.point_at(time_s).map(|point| point.value);
    assert_eq!(
        [99, 100, 102, 103, 104, 9_999].map(value),
        [None, Some(7), Some(7), Some(9), Some(8), Some(8)]
    );
}

#[test]
fn every_fault_names_its_line_field_and_limit() {
    let header = |found: &str| {
        Err(ReadError::Header { expected: "time_s,price_cents", found: found.into() })
    };
    assert_eq!(prices(""), header(""));
    assert_eq!(prices("time_s,volatility_nano\n1,1\n"), header("time_s,volatility_nano"));
    assert_eq!(prices("time_s,price_cents\n"), Err(ReadError::NoRows));
    let body = |rows: &str| prices(&format!("time_s,price_cents\n{rows}"));
    assert_eq!(body("1,2\n3,4"), Err(ReadError::CutOff { line: 3 }));
    let count = |line, found| Err(ReadError::FieldCount { line, expected: 2, found });
    assert_eq!(body("1,2\n\n"), count(3, 1));
    assert_eq!(body("1,2,3\n"), count(2, 3));
    assert_eq!(body(",2\n"), field(2, "time_s", Fault::Empty));
    assert_eq!(body("5,1\n5,1\n"), field(3, "time_s", Fault::NotAfter { previous: 5 }));
    let out = |found| Fault::OutOfRange { found, min: 1, max: 10_000_000_000 };
    assert_eq!(body("1,0\n"), field(2, "price_cents", out(0)));
    assert_eq!(body("1,-4\n"), field(2, "price_cents", out(-4)));
    assert_eq!(body("1,10000000001\n"), field(2, "price_cents", out(10_000_000_001)));
    let huge = format!("1,{}\n", "9".repeat(60));
    assert_eq!(body(&huge), field(2, "price_cents", out(i128::MAX)));
    for odd in ["+1", "01", "-", "-0", "1.0", " 1", "1\r", "1e3", "0x1", "\u{661}"] {
        let found = odd.chars().flat_map(char::escape_default).collect();
        let expected = field(2, "price_cents", Fault::NotAnInteger { found });
        assert_eq!(body(&format!("1,{odd}\n")), expected, "{odd:?}");
    }
    let long = format!("1,{}\n", "0".repeat(500));
    assert_eq!(body(&long), Err(ReadError::LineTooLong { line: 2, bytes_max: 160 }));
    let text = Series::read(&b"time_s,price_cents\n1,\xff\n"[..], Column::PriceCents);
    assert_eq!(text, Err(ReadError::NotText { line: 2 }));
    let error = body("1,2\n2,0\n").unwrap_err().to_string();
    assert_eq!(error, "line 3, price_cents: 0 is outside 1 to 10000000000");
}

#[test]
fn a_series_with_too_many_rows_is_refused_at_the_first_row_too_many() {
    let rows = |count: u64| {
        let rows = (0..count).map(|second| format!("{second},1\n"));
        prices(&format!("time_s,price_cents\n{}", rows.collect::<String>()))
    };
    assert_eq!(rows(SERIES_ROWS_MAX).unwrap().points().len(), 86_400);
    let expected = ReadError::TooManyRows { line: 86_402, rows_max: SERIES_ROWS_MAX };
    assert_eq!(rows(SERIES_ROWS_MAX + 1), Err(expected));
}

#[test]
fn damaged_series_give_errors_or_sound_series_and_never_panic() {
    let text = &shipped::Shipped::PathBtc.text().as_bytes()[..900];
    let mut numbers = Numbers(1);
    let (mut refused, mut read) = (0, 0);
    for _ in 0..20_000 {
        let bytes = damaged(text, &mut numbers);
        match Series::read(&bytes[..], Column::PriceCents) {
            Err(error) => {
                assert!(error.to_string().len() < 400, "{error}");
                refused += 1;
            }
            Ok(series) => {
                let points = series.points();
                assert!(points.windows(2).all(|pair| pair[0].time_s < pair[1].time_s));
                let max = Column::PriceCents.value_max();
                assert!(points.iter().all(|point| (1..=max).contains(&point.value)));
                read += 1;
            }
        }
    }
    assert!(refused > 1_000 && read > 100, "{refused} refused, {read} read");
}

#[test]
fn arbitrary_bytes_are_refused() {
    let mut numbers = Numbers(2);
    for _ in 0..2_000 {
        let length = numbers.below(300);
        let noise: Vec<u8> =
            (0..length).map(|_| u8::try_from(numbers.next() & 0xff).unwrap()).collect();
        let mut with_header = b"time_s,price_cents\n".to_vec();
        with_header.extend(&noise);
        for bytes in [noise, with_header] {
            assert!(Series::read(&bytes[..], Column::PriceCents).is_err());
        }
    }
}

const WINDOW: Window = Window { start_s: 1_000, end_s: 1_300 };

#[test]
fn an_index_is_cut_to_its_window_and_keeps_the_price_it_opens_with() {
    let raw = "time_ms,underlying,price\n990000,BTC,10.5\n1002000,BTC,10.25\n1003000,BTC,11\n\
               1300000,BTC,99.99\n1000000,ETH,3.01\n";
    let pairs = |underlying| -> Vec<(i64, i64)> {
        let series = index(raw.as_bytes(), underlying, WINDOW).unwrap();
        series.points().iter().map(|point| (point.time_s, point.value)).collect()
    };
    assert_eq!(pairs("BTC"), [(1_000, 1_050), (1_002, 1_025), (1_003, 1_100)]);
    assert_eq!(pairs("ETH"), [(1_000, 301)]);
    assert_eq!(index(raw.as_bytes(), "SOL", WINDOW), Err(ReadError::NoRows));
}

#[test]
fn a_bar_is_walked_through_the_extreme_against_its_direction_first() {
    let raw = "open_time_ms,open,high,low,close\n960000,5,9,1,6\n1020000,6,8,2,3\n";
    let series = bar_path(raw.as_bytes(), WINDOW).unwrap();
    let pairs: Vec<_> = series.points().iter().map(|point| (point.time_s, point.value)).collect();
    let expected =
        [(1_000, 900), (1_019, 600), (1_020, 600), (1_040, 800), (1_060, 200), (1_079, 300)];
    assert_eq!(pairs, expected, "the bar from 960 s rises, the one from 1020 s falls");
    assert_eq!(series.value_between(1_050), 500, "half way from 8.00 to 2.00");
    assert_eq!([0, 1_000, 9_999].map(|time_s| series.value_between(time_s)), [900, 900, 300]);
}

#[test]
fn a_volatility_is_rounded_to_the_nearest_unit() {
    let raw = "time_ms,instrument,mark_iv\n1020000,X,0.6880520045\n1080000,X,0.68805200449\n\
               1080000,Y,1\n";
    let series = mark_volatility(raw.as_bytes(), "X", WINDOW).unwrap();
    let values: Vec<i64> = series.points().iter().map(|point| point.value).collect();
    assert_eq!(values, [688_052_005, 688_052_004]);
}

#[test]
fn raw_files_are_read_as_strictly() {
    let raw = |row: &str| {
        let text = format!("time_ms,underlying,price\n1000000,BTC,1\n{row}\n");
        index(text.as_bytes(), "BTC", WINDOW)
    };
    assert_eq!(raw("1000500,BTC,1"), field(3, "time_ms", Fault::OffGrid { step_ms: 1_000 }));
    assert_eq!(raw("1000000,BTC,1"), field(3, "time_ms", Fault::NotAfter { previous: 1_000 }));
    for odd in ["1.", ".5", "-1", "1e5", "1.2.3", "0.0000000000001", "nan"] {
        let fault = Fault::NotADecimal { found: odd.into(), fraction_digits_max: 12 };
        assert_eq!(raw(&format!("1001000,BTC,{odd}")), field(3, "price", fault));
    }
    let fault = Fault::OutOfRange { found: 0, min: 1, max: 10_000_000_000 };
    assert_eq!(raw("1001000,BTC,0.004"), field(3, "price", fault));
}

mod tape {
    use std::io::Read;

    use super::{Numbers, damaged};
    use crate::series::error::{Fault, ReadError};
    use crate::series::shipped;
    use crate::series::tape::{Action, Side, TapeEvent, TapeReader, excerpt, write};

    fn read(bytes: &[u8]) -> Result<Vec<TapeEvent>, ReadError> {
        TapeReader::open(bytes)?.collect()
    }

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut packed = Vec::new();
        flate2::read::GzEncoder::new(bytes, flate2::Compression::fast())
            .read_to_end(&mut packed)
            .unwrap();
        packed
    }

    #[test]
    fn the_excerpt_reads_and_writes_back_the_same() {
        let events = shipped::tape().unwrap();
        let mut bytes = Vec::new();
        write(&mut bytes, &events).unwrap();
        assert_eq!(bytes, shipped::tape_text().as_bytes());
        let count = |action| events.iter().filter(|event| event.action == action).count();
        assert_eq!(events.len(), 3_001);
        assert_eq!((count(Action::Trade), count(Action::Fill)), (122, 200));
        assert_eq!((count(Action::Cancel), count(Action::Modify)), (829, 628));
        assert_eq!(count(Action::Add), 1_222);
        assert!(events.iter().any(|event| event.side == Side::Neither));
    }

    #[test]
    fn every_order_of_the_excerpt_is_added_before_it_changes() {
        let mut added = std::collections::BTreeSet::new();
        for event in shipped::tape().unwrap() {
            match event.action {
                Action::Add => assert!(added.insert(event.order), "{event:?} twice"),
                Action::Cancel | Action::Modify => {
                    assert!(added.contains(&event.order), "{event:?} never added");
                }
                Action::Trade | Action::Fill => {}
            }
        }
    }

    #[test]
    fn a_compressed_tape_reads_like_a_plain_one() {
        let packed = gzip(shipped::tape_text().as_bytes());
        assert!(packed.len() < shipped::tape_text().len() / 2);
        assert_eq!(read(&packed), shipped::tape());
        let cut = read(&packed[..packed.len() / 2]);
        assert!(matches!(cut, Err(ReadError::Io { line: 2.., .. })), "{cut:?}");
    }

    #[test]
    fn a_compressed_line_without_end_is_refused() {
        let mut endless = b"time_ns,action,side,price_ticks,size,order\n".to_vec();
        endless.resize(5_000_000, b'1');
        let expected = ReadError::LineTooLong { line: 2, bytes_max: 160 };
        assert_eq!(read(&gzip(&endless)), Err(expected));
    }

    #[test]
    fn faults_name_line_and_field() {
        let fault = |rows: &str| {
            let text = format!("time_ns,action,side,price_ticks,size,order\n{rows}");
            match read(text.as_bytes()).unwrap_err() {
                ReadError::Field { line, field, fault } => (line, field, fault),
                other => panic!("{other}"),
            }
        };
        let unknown = |found: &str, allowed| Fault::Unknown { found: found.into(), allowed };
        let expected = (2, "action", unknown("R", "A, C, M, T, F"));
        assert_eq!(fault("1,R,B,1,1,1\n"), expected);
        assert_eq!(fault("1,A,b,1,1,1\n"), (2, "side", unknown("b", "B, A, N")));
        let back = Fault::Backwards { previous: 5 };
        assert_eq!(fault("5,A,B,1,1,1\n4,A,B,1,1,1\n"), (3, "time_ns", back));
        let limit = 1_000_000_000;
        let out = |found, min| Fault::OutOfRange { found, min, max: limit };
        assert_eq!(fault("1,A,B,1,-1,1\n"), (2, "size", out(-1, 0)));
        let expected = (2, "price_ticks", out(-limit - 1, -limit));
        assert_eq!(fault("1,A,B,-1000000001,1,1\n"), expected);
    }

    #[test]
    fn nothing_follows_an_error() {
        let text = "time_ns,action,side,price_ticks,size,order\n1,A,B,1,1,x\n2,A,B,1,1,1\n";
        let mut tape = TapeReader::open(text.as_bytes()).unwrap();
        assert!(tape.next().unwrap().is_err());
        assert!(tape.next().is_none());
    }

    #[test]
    fn damaged_tapes_never_panic() {
        let text = &shipped::tape_text().as_bytes()[..1_500];
        let whole = text.iter().rposition(|&byte| byte == b'\n').unwrap() + 1;
        let packed = gzip(&text[..whole]);
        let mut numbers = Numbers(3);
        let mut refused = 0;
        for _ in 0..10_000 {
            for bytes in [damaged(&text[..whole], &mut numbers), damaged(&packed, &mut numbers)] {
                match read(&bytes) {
                    Err(_) => refused += 1,
                    Ok(events) => {
                        assert!(events.windows(2).all(|pair| pair[0].time_ns <= pair[1].time_ns));
                    }
                }
            }
        }
        assert!(refused > 10_000, "{refused} refused");
    }

    #[test]
    fn an_excerpt_keeps_what_moves_and_what_is_near() {
        let event = |action, price_ticks, order| {
            Ok(TapeEvent { time_ns: 1, action, side: Side::Bid, price_ticks, size: 1, order })
        };
        let tape = [
            event(Action::Add, 100, 1),
            event(Action::Add, 1_000, 2),
            event(Action::Add, 5_000, 3),
            event(Action::Add, 116, 4),
            event(Action::Add, 117, 5),
            event(Action::Trade, 100, 6),
            event(Action::Cancel, 5_000, 3),
        ];
        let kept: Vec<i64> =
            excerpt(tape.into_iter()).unwrap().iter().map(|event| event.order).collect();
        assert_eq!(kept, [1, 3, 4, 6, 3]);
        assert_eq!(excerpt([event(Action::Add, 1, 1)].into_iter()), Err(ReadError::NoRows));
    }
}
