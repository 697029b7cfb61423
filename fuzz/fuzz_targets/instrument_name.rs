//! Names of instruments: parsing never panics, and a name has one spelling.
#![no_main]

use libfuzzer_sys::fuzz_target;
use lockstep_types::codec::{Decode, Encode};
use lockstep_types::instrument::InstrumentName;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(text) = str::from_utf8(bytes)
        && let Ok(name) = text.parse::<InstrumentName>()
    {
        assert!(name.to_string() == text, "a name has one spelling");
        assert!(name.validate().is_ok(), "what a name says is valid");
        let again = InstrumentName::from_bytes(&name.to_bytes());
        assert!(again == Ok(name), "what a name says can be encoded");
    }
});
