//! Bodies of the chain's blocks, as peers send them and state sync reads them: decoding never
//! panics, what decodes has this one encoding, and signatures under it are judged, whatever they
//! are.
#![no_main]

use libfuzzer_sys::fuzz_target;
use lockstep_ledger::{Block, SystemItem};
use lockstep_types::codec::{Decode, Encode};
use lockstep_types::envelope::ChainId;

fuzz_target!(|bytes: &[u8]| {
    let Ok(block) = Block::from_bytes(bytes) else { return };
    assert!(block.to_bytes() == bytes, "a block has one encoding");
    for item in block.system.iter() {
        let verdict = match item {
            SystemItem::Report(signed) => signed.verify(ChainId([1; 32])),
            SystemItem::Deposit(signed) => signed.verify(ChainId([1; 32])),
            SystemItem::Evidence(_) => continue,
        };
        // Good or not, and in words.
        drop(verdict.map_err(|error| error.to_string()));
    }
});
