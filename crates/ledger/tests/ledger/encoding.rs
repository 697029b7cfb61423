//! Blocks and geneses have one encoding each. Blessing renews the seeds from which the fuzz targets
//! `chain_block` and `genesis` start: `LOCKSTEP_BLESS=1 cargo test -p lockstep-ledger encoding`.

use crate::chaos::Chaos;
use lockstep_ledger::{Block, Genesis, Ledger};
use lockstep_types::codec::{Decode, Encode};
use std::path::PathBuf;

/// Chains whose genesis and blocks are seeds.
const SEEDS: u64 = 4;
/// Blocks of each of them.
const BLOCKS: u64 = 12;

/// Names and bytes of blocks: chaos has whatever a block can hold.
fn blocks() -> Vec<(String, Vec<u8>)> {
    let mut blocks = vec![("empty".to_string(), Block::default().to_bytes())];
    for seed in 0..SEEDS {
        let mut chaos = Chaos::new(seed);
        for height in 1..=BLOCKS {
            let block = chaos.block();
            chaos.network.ledger.execute(&block).unwrap();
            blocks.push((format!("chaos-{seed}-{height}"), block.to_bytes()));
        }
    }
    blocks
}

fn geneses() -> Vec<(String, Vec<u8>)> {
    let name = |seed: u64| (format!("chaos-{seed}"), Chaos::genesis(seed).to_bytes());
    (0..SEEDS).map(name).collect()
}

/// What the committed seeds of a fuzz target are; blessed, what they are from now on.
fn seeds(target: &str, wanted: Vec<(String, Vec<u8>)>) -> Vec<Vec<u8>> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/seeds").join(target);
    if std::env::var_os("LOCKSTEP_BLESS").is_some() {
        std::fs::create_dir_all(&folder).unwrap();
        for (name, bytes) in wanted {
            std::fs::write(folder.join(name), bytes).unwrap();
        }
    }
    let files = std::fs::read_dir(&folder).unwrap();
    files.map(|file| std::fs::read(file.unwrap().path()).unwrap()).collect()
}

#[test]
fn blocks_are_their_encoding_and_so_are_the_fuzz_seeds() {
    let fresh = blocks();
    for (name, bytes) in &fresh {
        assert_eq!(&Block::from_bytes(bytes).unwrap().to_bytes(), bytes, "{name}");
    }
    for bytes in seeds("chain_block", fresh) {
        assert_eq!(Block::from_bytes(&bytes).unwrap().to_bytes(), bytes);
    }
}

#[test]
fn geneses_are_their_encoding_and_the_fuzz_seeds_are_chains() {
    let fresh = geneses();
    for (name, bytes) in &fresh {
        assert_eq!(&Genesis::from_bytes(bytes).unwrap().to_bytes(), bytes, "{name}");
    }
    for bytes in seeds("genesis", fresh) {
        let genesis = Genesis::from_bytes(&bytes).unwrap();
        assert_eq!(genesis.to_bytes(), bytes);
        Ledger::genesis(&genesis).unwrap();
    }
}
