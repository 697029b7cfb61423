//! People's decimals: parsing never panics, and what parses prints to the same number.
#![no_main]

use libfuzzer_sys::fuzz_target;
use lockstep_types::decimal::{Decimal, PLACES_MAX, parse};

fuzz_target!(|bytes: &[u8]| {
    let Some((first, rest)) = bytes.split_first() else { return };
    let places = u32::from(*first) % (PLACES_MAX + 1);
    if let Ok(text) = str::from_utf8(rest)
        && let Ok(value) = parse(text, places)
    {
        let printed = Decimal { value, places }.to_string();
        assert!(parse(&printed, places) == Ok(value), "what is printed parses back");
        assert!(printed.len() <= text.len(), "the shortest spelling is printed");
    }
});
