//! Events as followers of a node read them: decoding never panics, what decodes has this one
//! encoding, and people can read it.
#![no_main]

use libfuzzer_sys::fuzz_target;
use lockstep_types::Event;
use lockstep_types::codec::{Decode, Encode};

fuzz_target!(|bytes: &[u8]| {
    if let Ok(event) = Event::from_bytes(bytes) {
        assert!(event.to_bytes() == bytes, "an event has one encoding");
        match event {
            // Names and times of any contract can be printed, also of one that has no name.
            Event::Listed { name, .. } => drop(name.to_string()),
            Event::ProtectionTripped { until, .. } => drop(until.to_string()),
            Event::Rejected { reject, .. } => drop(reject.to_string()),
            _ => {}
        }
    }
});
