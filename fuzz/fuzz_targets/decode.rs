//! Bytes from the network: decoding never panics, and what it accepts has exactly one encoding.
//!
//! The first byte picks the type, so that one corpus serves all of them.
#![no_main]

use libfuzzer_sys::fuzz_target;
use lockstep_types::codec::{Decode, Encode};
use lockstep_types::{Block, Event, SignedCommand, UserCommand};

fn decode<T: Decode + Encode>(bytes: &[u8]) {
    if let Ok(value) = T::from_bytes(bytes) {
        assert_eq!(value.to_bytes(), bytes, "an accepted encoding is the canonical one");
    }
}

fuzz_target!(|input: &[u8]| {
    let Some((kind, bytes)) = input.split_first() else { return };
    match kind % 4 {
        0 => decode::<UserCommand>(bytes),
        1 => decode::<SignedCommand>(bytes),
        2 => decode::<Block>(bytes),
        _ => decode::<Event>(bytes),
    }
});
