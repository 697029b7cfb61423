//! Genesis files: decoding never panics, what decodes has this one encoding, and is a chain whose
//! invariants hold or is refused in words.
#![no_main]

use libfuzzer_sys::fuzz_target;
use lockstep_ledger::{Genesis, Ledger};
use lockstep_types::codec::{Decode, Encode};

fuzz_target!(|bytes: &[u8]| {
    let Ok(genesis) = Genesis::from_bytes(bytes) else { return };
    assert!(genesis.to_bytes() == bytes, "a genesis has one encoding");
    match Ledger::genesis(&genesis) {
        Ok(ledger) => assert!(ledger.check_invariants().is_ok(), "a chain begins in order"),
        Err(error) => drop(error.to_string()),
    }
});
