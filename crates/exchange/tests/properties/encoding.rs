//! Everything that occurs has one encoding, and reads back as itself.

use super::workload::Random;
use super::{RUN_BLOCKS, empty, execute, over_runs};
use lockstep_exchange::state::key::LeafKey;
use lockstep_types::codec::{Decode, Encode};
use lockstep_types::command::Block;
use lockstep_types::event::Event;
use std::collections::BTreeMap;

#[test]
fn blocks_events_and_leaf_keys_read_back_as_themselves() {
    let mut kinds = BTreeMap::new();
    over_runs("encoding", 10_000, |_, workload| {
        let mut exchange = empty();
        for _ in 0..RUN_BLOCKS {
            let block = workload.next_block();
            assert_eq!(Block::from_bytes(&block.to_bytes()).as_ref(), Ok(&block));
            execute(&mut exchange, &block);
            for event in exchange.events() {
                assert_eq!(Event::from_bytes(&event.to_bytes()).as_ref(), Ok(event));
            }
            workload.observe(exchange.events());
        }
        let mut keys = Vec::new();
        exchange.each_leaf(&mut |key, value| {
            let bytes = key.to_bytes();
            assert_eq!(LeafKey::from_bytes(&bytes), Ok(key));
            assert_eq!(exchange.leaf(key).as_ref(), Some(&value));
            *kinds.entry(bytes[0]).or_insert(0_u64) += 1;
            let mut longer = bytes.clone();
            longer.push(0);
            assert!(
                LeafKey::from_bytes(&longer).is_err()
                    && LeafKey::from_bytes(&bytes[1..]) != Ok(key)
            );
            keys.push(bytes);
        });
        let count = keys.len();
        keys.sort_unstable();
        keys.dedup();
        assert_eq!(keys.len(), count, "no two leaves share a name");
    });
    println!("leaves by kind: {kinds:?}");
}

/// The block with a few of its bytes changed, if that is still a block.
fn mutated(block: &Block, random: &mut Random) -> Option<Block> {
    let mut bytes = block.to_bytes();
    for _ in 0..random.between(1, 12) {
        let at = usize::try_from(random.below(bytes.len() as u64)).unwrap();
        bytes[at] = match random.below(4) {
            0 => 0,
            1 => u8::MAX,
            2 => bytes[at] ^ 1 << random.below(8),
            _ => u8::try_from(random.below(256)).unwrap(),
        };
    }
    let (height, time) = (block.height, block.time);
    Block::from_bytes(&bytes).ok().map(|mutant| Block { height, time, ..mutant })
}

#[test]
fn a_block_with_damaged_bytes_is_no_block_or_is_carried_out() {
    let (mut carried_out, mut refused) = (0_u64, 0_u64);
    over_runs("damage", 60_000, |seed, workload| {
        let mut random = Random::new(seed);
        let mut exchange = empty();
        for _ in 0..RUN_BLOCKS {
            let block = workload.next_block();
            let mutant = (block.height > 1).then(|| mutated(&block, &mut random)).flatten();
            match &mutant {
                Some(_) => carried_out += 1,
                None => refused += 1,
            }
            execute(&mut exchange, mutant.as_ref().unwrap_or(&block));
            if block.height % 8 == 0
                && let Err(error) = exchange.check_invariants()
            {
                panic!("block {}: {error}", block.height);
            }
            workload.observe(exchange.events());
        }
    });
    assert!(carried_out > 1_000 && refused > 100, "{carried_out} carried out, {refused} refused");
}
