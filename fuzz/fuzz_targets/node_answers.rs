//! What nodes answer in bytes, as followers read it: blocks in frames and events. Reading never
//! panics, what reads has this one encoding, and a length alone makes no room.
#![no_main]

use libfuzzer_sys::fuzz_target;
use lockstep_client::frames::Frame;
use lockstep_client::happened::{Happened, write_events};

fuzz_target!(|bytes: &[u8]| {
    if let Ok(frames) = Frame::read_all(bytes) {
        let mut again = Vec::new();
        frames.iter().for_each(|frame| frame.write(&mut again));
        assert!(again == bytes, "frames have one encoding");
    }
    if let Ok(happened) = Happened::read(bytes) {
        let mut again = Vec::new();
        write_events(&happened.venue, &mut again);
        write_events(&happened.chain, &mut again);
        assert!(again == bytes, "events have one encoding");
    }
});
