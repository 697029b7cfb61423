//! Commands as clients send them: decoding never panics, and what decodes has this one encoding,
//! with a signature or without.
#![no_main]

use libfuzzer_sys::fuzz_target;
use lockstep_types::codec::{Decode, Encode};
use lockstep_types::{SignedCommand, SystemCommand, UserCommand};

fuzz_target!(|bytes: &[u8]| {
    if let Ok(signed) = SignedCommand::from_bytes(bytes) {
        assert!(signed.to_bytes() == bytes, "a signed command has one encoding");
    }
    if let Ok(command) = UserCommand::from_bytes(bytes) {
        assert!(command.to_bytes() == bytes, "a command has one encoding");
    }
    if let Ok(command) = SystemCommand::from_bytes(bytes) {
        assert!(command.to_bytes() == bytes, "a system command has one encoding");
    }
});
