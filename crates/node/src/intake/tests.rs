//! Messages between validators survive their encoding, and nothing else is one.

use super::*;
use crate::fixture::command;
use proptest::prelude::*;

fn message(count: u64) -> Message {
    let commands = (0..count).map(|nonce| command(0, nonce)).collect();
    Message::Commands(Bounded::new(commands).unwrap())
}

#[test]
fn messages_are_their_encoding() {
    for count in [0, 1, 7] {
        let message = message(count);
        assert_eq!(Message::read(&message.to_bytes()), Ok(message));
    }
}

#[test]
fn cuts_and_additions_are_refused() {
    let bytes = message(2).to_bytes();
    for length in 0..bytes.len() {
        assert!(Message::read(&bytes[..length]).is_err(), "{length}");
    }
    assert!(Message::read(&[bytes.as_slice(), &[0]].concat()).is_err());
}

#[test]
fn a_message_beyond_the_limit_is_not_looked_at() {
    let error = Message::read(&vec![0; MESSAGE_BYTES_MAX + 1]).unwrap_err();
    assert_eq!(error.field, "message");
    assert!(matches!(error.kind, DecodeErrorKind::TooLong { limit: MESSAGE_BYTES_MAX, .. }));
}

proptest! {
    #[test]
    fn garbage_is_refused_or_its_own_encoding(
        bytes in proptest::collection::vec(any::<u8>(), 0..300),
    ) {
        if let Ok(message) = Message::read(&bytes) {
            prop_assert_eq!(message.to_bytes(), bytes);
        }
    }
}
