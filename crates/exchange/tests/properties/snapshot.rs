//! The leaves are all there is: an exchange that was loaded from them goes on the same way.

use super::undo::leaves_of;
use super::workload::Random;
use super::{RUN_BLOCKS, empty, execute, over_runs};
use lockstep_exchange::Exchange;
use lockstep_exchange::state::key::LeafKey;

/// The same exchange, from its leaves in an order of no meaning.
fn reloaded(exchange: &Exchange, random: &mut Random) -> Exchange {
    let mut leaves: Vec<(LeafKey, Vec<u8>)> = Vec::new();
    exchange.each_leaf(&mut |key, value| leaves.push((key, value)));
    for at in (1..leaves.len()).rev() {
        let other = random.below(at as u64 + 1);
        leaves.swap(at, usize::try_from(other).unwrap());
    }
    Exchange::from_leaves(leaves.iter().map(|(key, value)| (*key, value.as_slice())))
        .unwrap_or_else(|error| panic!("a leaf's bytes are a value of its kind: {error}"))
}

#[test]
fn nothing_is_hidden_outside_the_leaves() {
    over_runs("snapshot", 15_000, |seed, workload| {
        let mut random = Random::new(seed);
        let mut exchange = empty();
        let mut twin = empty();
        exchange.record(random.percent(50));
        for _ in 0..RUN_BLOCKS {
            if random.percent(30) {
                twin = reloaded(&exchange, &mut random);
                twin.record(random.percent(50));
                assert_eq!(leaves_of(&twin), leaves_of(&exchange));
                assert_eq!(twin.digest(), exchange.digest());
            }
            let block = workload.next_block();
            execute(&mut exchange, &block);
            execute(&mut twin, &block);
            assert_eq!(exchange.events(), twin.events(), "the loaded one goes on the same way");
            exchange.checkpoint_and_forget();
            twin.checkpoint_and_forget();
            workload.observe(exchange.events());
        }
        assert_eq!(twin.digest(), exchange.digest());
    });
}
