//! Blocks as peers send them: decoding never panics, and what decodes has this one encoding.
#![no_main]

use libfuzzer_sys::fuzz_target;
use lockstep_types::Block;
use lockstep_types::codec::{Decode, Encode};

fuzz_target!(|bytes: &[u8]| {
    if let Ok(block) = Block::from_bytes(bytes) {
        assert!(block.to_bytes() == bytes, "a block has one encoding");
    }
});
