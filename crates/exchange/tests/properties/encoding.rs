//! Everything that occurs has one encoding, and reads back as itself.

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
