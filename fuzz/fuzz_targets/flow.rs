//! Flow files: decoding never panics, and what decodes has this one encoding.
#![no_main]

use libfuzzer_sys::fuzz_target;
use lockstep_sim::flow::Flow;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(flow) = Flow::from_bytes(bytes) {
        let mut again = Vec::new();
        assert!(flow.write_to(&mut again).is_ok(), "memory takes what is written");
        assert!(again == bytes, "a flow has one encoding");
        assert!(flow.prefill().len() + flow.timed().len() == flow.events().len());
    }
});
