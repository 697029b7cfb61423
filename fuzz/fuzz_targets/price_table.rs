//! Tables of options: pricing one never panics and gives a row for a row.
#![no_main]

use libfuzzer_sys::fuzz_target;
use lockstep::price::table;

fuzz_target!(|bytes: &[u8]| {
    let mut priced = Vec::new();
    match table::run("table", bytes, &mut priced) {
        Ok(()) => {
            let count = |bytes: &[u8]| bytes.iter().filter(|byte| **byte == b'\n').count();
            assert!(count(&priced) >= 1, "there is a header at least");
            assert!(count(&priced) <= count(bytes) + 1, "no row comes of nothing");
        }
        Err(failure) => drop(failure.to_string()),
    }
});
