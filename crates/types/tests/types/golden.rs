//! Encodings are for ever: blocks, signatures and state roots hang on every byte of them. The
//! golden file holds the length and the blake3 hash of one value of every variant. Blessing it also
//! renews the seeds of the fuzz targets.

use crate::samples;
use lockstep_types::chain::ChainRejectCode;
use lockstep_types::codec::Encode;
use lockstep_types::*;
use std::fmt::{Debug, Write};
use std::path::Path;

const BLESS: &str = "LOCKSTEP_BLESS=1 cargo test -p lockstep-types --test types golden";

/// The variant's name: what `Debug` prints first.
fn variant(value: &impl Debug) -> String {
    let text = format!("{value:?}");
    text.chars().take_while(char::is_ascii_alphanumeric).collect()
}

fn line(out: &mut String, kind: &str, name: &str, value: &impl Encode) {
    let bytes = value.to_bytes();
    writeln!(out, "{kind} {name} {} {}", bytes.len(), blake3::hash(&bytes).to_hex()).unwrap();
}

fn encodings() -> String {
    let mut out = String::new();
    for command in samples::commands() {
        line(&mut out, "command", &variant(&command), &command);
    }
    for command in samples::system_commands() {
        line(&mut out, "system", &variant(&command), &command);
    }
    for event in samples::events() {
        line(&mut out, "event", &variant(&event), &event);
    }
    for code in RejectCode::ALL {
        line(&mut out, "reject", code.name(), &Reject::beyond(*code, -1, i64::MAX));
    }
    for command in samples::chain_commands() {
        line(&mut out, "chain", &variant(&command), &command);
    }
    for change in samples::param_changes() {
        line(&mut out, "change", &variant(&change), &change);
    }
    for event in samples::chain_events() {
        line(&mut out, "chain-event", &variant(&event), &event);
    }
    for code in ChainRejectCode::ALL {
        line(&mut out, "chain-reject", code.name(), &ChainReject::beyond(*code, -1, i64::MAX));
    }
    let block = samples::block();
    line(&mut out, "block", "Block", &block);
    let signer = Signer::from_seed([42; 32]);
    for command in block.commands.iter() {
        let signed = signer.sign(ChainId([1; 32]), command.clone());
        line(&mut out, "signed", &variant(&command.command), &signed);
    }
    out
}

/// Gives the fuzz targets every variant to start from.
fn write_fuzz_seeds() {
    let seeds = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/seeds");
    let write = |target: &str, name: String, value: &dyn Encode| {
        let folder = seeds.join(target);
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join(name), value.to_bytes()).unwrap();
    };
    let block = samples::block();
    for command in block.commands.iter() {
        write("decode_command", variant(&command.command), command);
    }
    for command in block.system.iter() {
        write("decode_command", variant(command), command);
    }
    for event in samples::events() {
        write("decode_event", variant(&event), &event);
    }
    write("decode_block", "Block".into(), &block);
    write("decode_block", "Empty".into(), &Block::default());
}

#[test]
fn golden_encodings_have_not_changed() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/encodings.txt");
    let actual = encodings();
    if std::env::var_os("LOCKSTEP_BLESS").is_some() {
        std::fs::write(&path, &actual).unwrap();
        write_fuzz_seeds();
        return;
    }
    // A checkout on Windows may have put carriage returns in.
    let golden = std::fs::read_to_string(&path).unwrap_or_default().replace('\r', "");
    let mut changes = String::new();
    for old in golden.lines().filter(|old| !actual.lines().any(|new| new == *old)) {
        writeln!(changes, "- {old}").unwrap();
    }
    for new in actual.lines().filter(|new| !golden.lines().any(|old| old == *new)) {
        writeln!(changes, "+ {new}").unwrap();
    }
    assert!(
        golden == actual,
        "encodings differ from tests/golden/encodings.txt:\n{changes}\
         Old blocks and signatures no longer mean the same. If that is intended, run\n  {BLESS}"
    );
}
