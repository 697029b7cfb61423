//! The canonical encoding: one value, one byte string, and no other.

use crate::arbitrary::{self, command, event, order, params};
use crate::samples;
use lockstep_types::chain::ParamChange;
use lockstep_types::codec::{Bounded, Decode, DecodeError, DecodeErrorKind, Encode, Reader};
use lockstep_types::command::{BATCH_MAX, BLOCK_COMMANDS_MAX, BLOCK_SYSTEM_MAX};
use lockstep_types::instrument::Ticker;
use lockstep_types::nonce::NonceWindow;
use lockstep_types::*;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use std::fmt::Debug;

/// A change to an encoding, such as an attacker would try.
#[derive(Clone, Debug)]
enum Edit {
    Set(usize, u8),
    Flip(usize, u8),
    Insert(usize, u8),
    Remove(usize),
    Repeat(usize, usize),
    Cut(usize),
}

fn edit() -> impl Strategy<Value = Edit> {
    // Places near the start, where tags and counts are, more often than the rest.
    let place = || prop_oneof![0..40_usize, any::<u16>().prop_map(usize::from)];
    let byte = prop_oneof![any::<u8>(), 0..4_u8, Just(255)];
    prop_oneof![
        (place(), byte.clone()).prop_map(|(place, byte)| Edit::Set(place, byte)),
        (place(), 0..8_u8).prop_map(|(place, bit)| Edit::Flip(place, bit)),
        (place(), byte).prop_map(|(place, byte)| Edit::Insert(place, byte)),
        place().prop_map(Edit::Remove),
        (place(), 1..20_usize).prop_map(|(place, count)| Edit::Repeat(place, count)),
        place().prop_map(Edit::Cut),
    ]
}

/// Applies the edits, each at its place modulo the length.
fn edited(bytes: &[u8], edits: &[Edit]) -> Vec<u8> {
    let mut out = bytes.to_vec();
    for edit in edits {
        if out.is_empty() {
            return out;
        }
        let len = out.len();
        match *edit {
            Edit::Set(place, byte) => out[place % len] = byte,
            Edit::Flip(place, bit) => out[place % len] ^= 1 << bit,
            Edit::Insert(place, byte) => out.insert(place % len, byte),
            Edit::Remove(place) => drop(out.remove(place % len)),
            Edit::Repeat(place, count) => {
                let start = place % len;
                let copy = out[start..(start + count).min(len)].to_vec();
                out.splice(start..start, copy);
            }
            Edit::Cut(place) => out.truncate(place % len),
        }
    }
    out
}

/// What decodes, encodes to the very bytes it came from: there is no second encoding.
fn decodes_to_one_encoding_or_fails<T: Encode + Decode>(bytes: &[u8]) -> Result<(), TestCaseError> {
    if let Ok(value) = T::from_bytes(bytes) {
        prop_assert_eq!(value.to_bytes(), bytes);
    }
    // And so does what decodes from a part of them.
    let mut reader = Reader::new(bytes);
    if let Ok(value) = T::decode(&mut reader) {
        prop_assert_eq!(value.to_bytes(), &bytes[..bytes.len() - reader.remaining()]);
    }
    Ok(())
}

/// A value whose encoding can be put to the test, whatever its type.
trait Encoding: Debug {
    fn holds(&self, edits: &[Edit], noise: &[u8]) -> Result<(), TestCaseError>;
}

impl<T: Encode + Decode + Debug + PartialEq> Encoding for T {
    fn holds(&self, edits: &[Edit], noise: &[u8]) -> Result<(), TestCaseError> {
        let bytes = self.to_bytes();
        let back = T::from_bytes(&bytes);
        prop_assert_eq!(back.as_ref(), Ok(self));
        for len in 0..bytes.len() {
            let error = T::from_bytes(&bytes[..len]).map_err(|error| error.kind);
            prop_assert_eq!(error, Err(DecodeErrorKind::Truncated), "{} of {}", len, bytes.len());
        }
        let longer = [&bytes, &noise[..noise.len().min(3)], &[0]].concat();
        let trailing = DecodeErrorKind::Trailing { bytes: longer.len() - bytes.len() };
        let error = T::from_bytes(&longer).map_err(|error| error.kind);
        prop_assert_eq!(error, Err(trailing));
        for count in 1..=edits.len() {
            decodes_to_one_encoding_or_fails::<T>(&edited(&bytes, &edits[..count]))?;
        }
        decodes_to_one_encoding_or_fails::<T>(noise)?;
        decodes_to_one_encoding_or_fails::<T>(&[&bytes[..bytes.len() / 2], noise].concat())
    }
}

/// Puts values of one type to the test. The runner sees no types, so that it is compiled once.
fn check<T: Encode + Decode + Debug + PartialEq + 'static>(
    cases: u32,
    strategy: impl Strategy<Value = T> + 'static,
) {
    run(cases, strategy.prop_map(|value| Box::new(value) as Box<dyn Encoding>).boxed());
}

fn run(cases: u32, values: BoxedStrategy<Box<dyn Encoding>>) {
    let config = ProptestConfig { source_file: Some(file!()), ..ProptestConfig::with_cases(cases) };
    let inputs = (values, vec(edit(), 1..8), vec(any::<u8>(), 0..200));
    let result =
        TestRunner::new(config).run(&inputs, |(value, edits, noise)| value.holds(&edits, &noise));
    if let Err(error) = result {
        panic!("{error}");
    }
}

macro_rules! encodings {
    ($cases:literal: $($test:ident $strategy:expr;)*) => {$(
        #[test]
        fn $test() {
            check($cases, $strategy);
        }
    )*};
}

mod large {
    use super::*;
    encodings! { 400:
        block command::block();
        user_command command::user_command();
        signed_command command::signed_command();
        command_alone command::command();
        system_command command::system_command();
        event_of_any_kind event::event();
        venue_params params::venue();
        underlying_params params::underlying_params();
        new_order order::new_order();
        report command::report();
        block_terms command::block_terms();
        agent_scope command::agent_scope();
    }
}

mod small {
    use super::*;
    encodings! { 200:
        unsigned_integers any::<((u8, u16), (u32, (u64, u128)))>();
        signed_integers any::<((i8, i16), (i32, (i64, i128)))>();
        boolean any::<bool>();
        optional any::<Option<Option<u16>>>();
        boxed any::<Box<u32>>();
        array any::<[u16; 5]>();
        bounded_list arbitrary::list::<_, 7>(any::<Option<u8>>(), 7);
        usd arbitrary::usd();
        price arbitrary::price();
        lots arbitrary::lots();
        ppm arbitrary::ppm();
        vol arbitrary::vol();
        time arbitrary::time();
        span arbitrary::span();
        account arbitrary::account();
        signer arbitrary::signer();
        instrument_id arbitrary::instrument_id();
        underlying arbitrary::underlying();
        reporter arbitrary::reporter();
        group arbitrary::group();
        trade_id arbitrary::trade_id();
        link arbitrary::link();
        order_id arbitrary::order_id();
        ticker arbitrary::ticker();
        option_side arbitrary::each::<lockstep_types::instrument::OptionSide>();
        contract arbitrary::contract();
        instrument_name arbitrary::instrument_name();
        nonce_window command::nonce_window();
        side order::side();
        time_in_force order::time_in_force();
        post_only order::post_only();
        self_trade order::self_trade();
        trigger_source order::trigger_source();
        trigger_kind order::trigger_kind();
        trigger order::trigger();
        label order::label();
        target order::target();
        amend order::amend();
        link_kind command::link_kind();
        cancel_scope command::cancel_scope();
        batch_item command::batch_item();
        quote_side command::quote_side();
        quote command::quote();
        protection_limits command::protection_limits();
        margin_mode command::margin_mode();
        block_leg command::block_leg();
        consent command::consent();
        smile command::smile();
        expiry_report command::expiry_report();
        phase_scope command::phase_scope();
        phase command::phase();
        phase_reason command::phase_reason();
        tick_step params::tick_step();
        tick_table params::tick_table();
        fee_tier params::fee_tier();
        fee_split params::fee_split();
        standard_margin params::standard_margin();
        margin_regime params::margin_regime();
        work params::work();
        listing params::listing();
        cancel_reason event::cancel_reason();
        trade_kind event::trade_kind();
        trade event::trade();
        accepted event::accepted();
        reject event::reject();
        reject_code event::reject_code();
    }
}

fn kind<T>(result: Result<T, DecodeError>) -> Option<DecodeErrorKind> {
    result.err().map(|error| error.kind)
}

#[test]
fn integers_are_little_endian_and_fixed_in_width() {
    assert_eq!(0x0102_0304_u32.to_bytes(), [4, 3, 2, 1]);
    assert_eq!((-2_i16).to_bytes(), [0xfe, 0xff]);
    assert_eq!(Usd(1).to_bytes(), [1, 0, 0, 0, 0, 0, 0, 0]);
    assert_eq!(Some(true).to_bytes(), [1, 1]);
    assert_eq!(Bounded::<u16, 3>::new(vec![7, 8]).unwrap().to_bytes(), [2, 0, 7, 0, 8, 0]);
}

#[test]
fn a_boolean_or_an_option_has_no_third_tag() {
    for tag in 2..=255 {
        assert_eq!(kind(bool::from_bytes(&[tag])), Some(DecodeErrorKind::BadTag { tag }));
        assert_eq!(
            kind(<Option<u8>>::from_bytes(&[tag, 0])),
            Some(DecodeErrorKind::BadTag { tag })
        );
    }
}

/// Every tag that a type accepts, by trying all of them.
fn tags<T: Decode>() -> Vec<u8> {
    let bad = |tag: u8| kind(T::from_bytes(&[tag])) == Some(DecodeErrorKind::BadTag { tag });
    (0..=255).filter(|tag| !bad(*tag)).collect()
}

#[test]
fn the_samples_have_every_tag_once() {
    // A new variant wants a sample in samples.rs and a generator in arbitrary/.
    fn first_bytes<T: Encode>(values: &[T]) -> Vec<u8> {
        values.iter().map(|value| value.to_bytes()[0]).collect()
    }
    assert_eq!(first_bytes(&samples::commands()), tags::<Command>());
    assert_eq!(first_bytes(&samples::system_commands()), tags::<SystemCommand>());
    assert_eq!(first_bytes(&samples::events()), tags::<Event>());
    assert_eq!(first_bytes(&samples::chain_commands()), tags::<ChainCommand>());
    assert_eq!(first_bytes(&samples::param_changes()), tags::<ParamChange>());
    assert_eq!(first_bytes(&samples::chain_events()), tags::<ChainEvent>());
    for event in samples::chain_events() {
        assert_eq!(ChainEvent::from_bytes(&event.to_bytes()), Ok(event));
    }
    assert_eq!(first_bytes(RejectCode::ALL), tags::<RejectCode>());
}

#[test]
fn the_generators_reach_every_variant() {
    fn reached<T: Encode + Debug>(strategy: impl Strategy<Value = T>) -> Vec<u8> {
        let mut runner = TestRunner::deterministic();
        let mut tags: Vec<u8> = (0..3_000)
            .map(|_| strategy.new_tree(&mut runner).unwrap().current().to_bytes()[0])
            .collect();
        tags.sort_unstable();
        tags.dedup();
        tags
    }
    use proptest::strategy::ValueTree;
    assert_eq!(reached(command::command()), tags::<Command>());
    assert_eq!(reached(command::system_command()), tags::<SystemCommand>());
    assert_eq!(reached(event::event()), tags::<Event>());
}

#[test]
fn a_count_above_the_limit_is_refused_before_anything_is_read() {
    fn refused<T, const LIMIT: usize>()
    where
        Bounded<T, LIMIT>: Decode,
    {
        let count = LIMIT + 1;
        let claim = u16::try_from(count).unwrap().to_bytes();
        let error = kind(<Bounded<T, LIMIT>>::from_bytes(&claim));
        assert_eq!(error, Some(DecodeErrorKind::TooLong { count, limit: LIMIT }));
    }
    refused::<UserCommand, BLOCK_COMMANDS_MAX>();
    refused::<SystemCommand, BLOCK_SYSTEM_MAX>();
    refused::<NewOrder, BATCH_MAX>();
    refused::<u8, 0>();
}

#[test]
fn a_count_larger_than_the_input_is_refused_before_anything_is_read() {
    // 50,000 commands of at least a byte each cannot be in 49,999 bytes; were an element read,
    // the error would be the bad tag of the first one.
    let mut bytes = u16::try_from(BLOCK_COMMANDS_MAX).unwrap().to_bytes();
    bytes.resize(2 + BLOCK_COMMANDS_MAX - 1, 0xff);
    let list = <Bounded<SystemCommand, BLOCK_COMMANDS_MAX>>::from_bytes(&bytes);
    assert_eq!(kind(list), Some(DecodeErrorKind::Truncated));
    bytes.push(0xff);
    let list = <Bounded<SystemCommand, BLOCK_COMMANDS_MAX>>::from_bytes(&bytes);
    assert_eq!(kind(list), Some(DecodeErrorKind::BadTag { tag: 0xff }));
}

#[test]
fn a_list_of_the_largest_size_round_trips_and_one_more_is_refused() {
    let full = Bounded::<u8, 65_535>::new(vec![9; 65_535]).unwrap();
    assert_eq!(Bounded::from_bytes(&full.to_bytes()), Ok(full));
    let error = Bounded::<u8, 65_535>::new(vec![9; 65_536]).unwrap_err();
    assert_eq!(error.kind, DecodeErrorKind::TooLong { count: 65_536, limit: 65_535 });
}

#[test]
fn a_ticker_has_one_padding() {
    let bytes = Ticker::new("BTC").unwrap().to_bytes();
    assert_eq!(bytes, b"BTC\0\0\0\0\0");
    for wrong in [b"BTC\0\0\0\0X", b"BTC\0C\0\0\0", b"BTC     ", b"btc\0\0\0\0\0", &[0; 8]] {
        let error = kind(Ticker::from_bytes(wrong));
        assert_eq!(error, Some(DecodeErrorKind::Invalid("not a ticker")), "{wrong:?}");
    }
}

#[test]
fn a_label_is_short_printable_text() {
    let decode = |count: u8, text: &[u8]| kind(order_label(&[&[count], text].concat()));
    let invalid = |why| Some(DecodeErrorKind::Invalid(why));
    assert_eq!(decode(0, b""), invalid("a label is not empty"));
    assert_eq!(decode(2, b"a\n"), invalid("a label has no control characters"));
    assert_eq!(decode(2, "\u{85}".as_bytes()), invalid("a label has no control characters"));
    assert_eq!(decode(1, b"\xff"), invalid("not UTF-8"));
    // An overlong form of "/" and half a surrogate pair.
    assert_eq!(decode(2, b"\xc0\xaf"), invalid("not UTF-8"));
    assert_eq!(decode(3, b"\xed\xa0\x80"), invalid("not UTF-8"));
    assert_eq!(decode(64, &[b'x'; 64]), None);
    let too_long = DecodeErrorKind::TooLong { count: 65, limit: 64 };
    assert_eq!(decode(65, &[b'x'; 65]), Some(too_long));
    assert_eq!(decode(3, b"ab"), Some(DecodeErrorKind::Truncated));
}

fn order_label(bytes: &[u8]) -> Result<lockstep_types::order::Label, DecodeError> {
    Decode::from_bytes(bytes)
}

#[test]
fn a_nonce_window_that_no_nonces_lead_to_is_refused() {
    let decode = |highest: u64, used: u64| NonceWindow::from_bytes(&(highest, used).to_bytes());
    let why = DecodeErrorKind::Invalid("no sequence of nonces leads to this window");
    assert_eq!(decode(0, 0), Ok(NonceWindow::default()));
    assert!(decode(0, 1).is_ok());
    assert!(decode(3, 0b1111).is_ok());
    assert!(decode(64 + 3, 0b1000).is_ok());
    assert!(decode(u64::MAX, u64::MAX).is_ok());
    // A second way to say "never used"; the highest not used; a number above the highest used.
    assert_eq!(kind(decode(9, 0)), Some(why));
    assert_eq!(kind(decode(9, 2)), Some(why));
    assert_eq!(kind(decode(3, 0b1_1000)), Some(why));
}

#[test]
fn errors_name_the_innermost_field_and_the_limit() {
    let order = samples::order();
    let mut bytes = Command::Place(order).to_bytes();
    // Tag, instrument, then the side.
    bytes[1 + 4] = 7;
    let error = Command::from_bytes(&bytes).unwrap_err();
    assert_eq!((error.field, error.kind), ("Side", DecodeErrorKind::BadTag { tag: 7 }));
    assert_eq!(error.to_string(), "Side: no variant has tag 7");

    let mut block = Block::default().to_bytes();
    block[16..18].copy_from_slice(&10_001_u16.to_le_bytes());
    let error = Block::from_bytes(&block).unwrap_err();
    assert_eq!(error.to_string(), "system: 10001 exceeds the limit of 10000");

    let error = Reject::from_bytes(&[200]).unwrap_err();
    assert_eq!(error.to_string(), "code: no variant has tag 200");
    assert_eq!(Usd::from_bytes(&[1]).unwrap_err().to_string(), "value: the input ends too early");
    assert_eq!(bool::from_bytes(&[1, 1]).unwrap_err().to_string(), "value: 1 bytes too many");
}
