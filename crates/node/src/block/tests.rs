//! Blocks survive their encoding, and nothing else is a block.

use super::*;
use crate::header::{BODY_DOMAIN, HEADER_DOMAIN};
use commonware_codec::{Decode as _, Encode as _};
use commonware_cryptography::{Hasher as _, Sha256, Signer as _};
use lockstep_types::units::TimeMs;
use proptest::prelude::*;

fn leader() -> [u8; 32] {
    let key = ed25519::PrivateKey::from_seed(1).public_key();
    key.as_ref().try_into().unwrap()
}

fn parts(height: u64, time: i64) -> (Header, Body) {
    let body = Body { height, time: TimeMs(time), leader: leader(), ..Body::default() };
    let header = Header {
        epoch: 2,
        view: 9,
        parent_view: 8,
        parent: [3; 32],
        leader: leader(),
        height,
        time: TimeMs(time),
        state_root: [4; 32],
        operations_root: [5; 32],
        operations_start: 6,
        operations_end: 7,
        events_root: [8; 32],
        body_root: body_root(&body.to_bytes()),
        next: None,
    };
    (header, body)
}

fn decode(bytes: Bytes) -> Result<Block, CodecError> {
    Block::decode_cfg(bytes, &())
}

proptest! {
    #[test]
    fn a_block_is_its_encoding(height: u64, time: i64, next: Option<[u8; 32]>) {
        let (mut header, body) = parts(height, time);
        header.next = next;
        let block = Block::new(header, body).unwrap();
        let bytes = block.encode();
        prop_assert_eq!(bytes.len(), block.encode_size());
        prop_assert!(bytes.len() <= BLOCK_BYTES_MAX);
        let again = decode(bytes.clone()).unwrap();
        prop_assert_eq!(again.digest(), block.digest());
        prop_assert_eq!(again.encode(), bytes);
        prop_assert_eq!(again, block);
    }

    #[test]
    fn no_garbage_is_a_block(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
        // Almost never one; if it is, it is its own encoding.
        if let Ok(block) = decode(Bytes::from(bytes.clone())) {
            prop_assert_eq!(block.encode(), bytes);
        }
    }

    #[test]
    fn a_changed_byte_changes_the_name_or_is_refused(place in 0_usize..10_000, flip in 1_u8..) {
        let (header, body) = parts(5, 6);
        let block = Block::new(header, body).unwrap();
        let mut bytes = block.encode().to_vec();
        let place = place % bytes.len();
        bytes[place] ^= flip;
        if let Ok(other) = decode(Bytes::from(bytes)) {
            prop_assert_ne!(other.digest(), block.digest());
        }
    }
}

#[test]
fn every_cut_is_refused() {
    let (header, body) = parts(5, 6);
    let bytes = Block::new(header, body).unwrap().encode();
    for length in 0..bytes.len() {
        assert!(decode(bytes.slice(..length)).is_err(), "{length}");
    }
}

#[test]
fn header_and_body_must_belong_together() {
    let change: [fn(&mut Header); 5] = [
        |header| header.body_root[0] ^= 1,
        |header| header.height += 1,
        |header| header.time.0 += 1,
        |header| header.leader = [0xee; 32],
        |header| header.operations_end = header.operations_start,
    ];
    for (place, change) in change.into_iter().enumerate() {
        let (mut header, body) = parts(5, 6);
        change(&mut header);
        assert!(Block::new(header, body).is_err(), "{place}");
    }
}

#[test]
fn a_body_beyond_the_limit_is_refused() {
    let mut bytes = Vec::new();
    let (header, _) = parts(5, 6);
    Bytes::from(header.to_bytes()).write(&mut bytes);
    (BODY_BYTES_MAX + 1).write(&mut bytes);
    bytes.resize(bytes.len() + BODY_BYTES_MAX + 1, 0);
    assert!(decode(Bytes::from(bytes)).is_err());
}

#[test]
fn the_digest_is_over_the_header_alone() {
    let (header, body) = parts(5, 6);
    let block = Block::new(header.clone(), body.clone()).unwrap();
    assert_eq!(block.digest(), Sha256::hash(&[HEADER_DOMAIN, &header.to_bytes()]));
    assert_eq!(header.body_root, Sha256::hash(&[BODY_DOMAIN, &body.to_bytes()]).0);
    assert!(header.to_bytes().len() <= HEADER_BYTES_MAX);
    let longest = Header { next: Some([1; 32]), ..header };
    assert_eq!(longest.to_bytes().len(), HEADER_BYTES_MAX);
}
