//! The table of rejections.

use lockstep_types::codec::{Decode, Encode};
use lockstep_types::{Reject, RejectCode};
use std::collections::BTreeSet;

#[test]
fn tags_are_dense_and_in_order() {
    for (place, code) in RejectCode::ALL.iter().enumerate() {
        let tag = u8::try_from(place).unwrap();
        assert_eq!(code.to_bytes(), [tag], "{code:?}");
        assert_eq!(*code as u8, tag, "the discriminant is the tag");
        assert_eq!(RejectCode::from_bytes(&[tag]), Ok(*code));
    }
    let beyond = u8::try_from(RejectCode::ALL.len()).unwrap();
    assert!(RejectCode::from_bytes(&[beyond]).is_err());
}

#[test]
fn names_round_trip_and_are_unique() {
    let names: BTreeSet<_> = RejectCode::ALL.iter().map(|code| code.name()).collect();
    assert_eq!(names.len(), RejectCode::ALL.len());
    for code in RejectCode::ALL {
        assert_eq!(RejectCode::from_name(code.name()), Some(*code));
        assert_eq!(code.name(), format!("{code:?}"));
    }
    assert_eq!(RejectCode::from_name("NoSuchCode"), None);
    assert_eq!(RejectCode::from_name("overflow"), None);
}

#[test]
fn every_code_cites_a_rule_and_names_a_field() {
    for code in RejectCode::ALL {
        let (letter, number) = code.rule().split_at(1);
        assert!(letter.chars().all(|letter| letter.is_ascii_uppercase()), "{code:?}");
        assert!(
            !number.is_empty() && number.bytes().all(|digit| digit.is_ascii_digit()),
            "{code:?}"
        );
        let spelled = |byte: u8| byte.is_ascii_lowercase() || byte == b'_';
        assert!(!code.field().is_empty() && code.field().bytes().all(spelled), "{code:?}");
        assert!(code.message().len() > 10 && !code.message().ends_with('.'), "{code:?}");
    }
}

#[test]
fn messages_are_unique() {
    let messages: BTreeSet<_> = RejectCode::ALL.iter().map(|code| code.message()).collect();
    assert_eq!(messages.len(), RejectCode::ALL.len());
}

#[test]
fn a_rejection_reads_as_rule_field_words_and_numbers() {
    let plain = Reject::of(RejectCode::Halted);
    assert_eq!(plain.to_string(), "M7 instrument: trading is halted");
    let numbers = Reject::beyond(RejectCode::OrderSize, 11, 10);
    assert_eq!(numbers.to_string(), "M8 lots: the order is larger than the maximum (11, limit 10)");
}
