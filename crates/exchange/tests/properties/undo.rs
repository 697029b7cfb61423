//! Undoing a run of steps leaves no trace: not in the leaves, and not in what comes after.

use super::workload::Random;
use super::{RUN_BLOCKS, empty, execute, over_runs};
use lockstep_exchange::Exchange;
use lockstep_types::codec::Encode;

/// Every leaf's key bytes and value bytes, sorted.
pub fn leaves_of(exchange: &Exchange) -> Vec<(Vec<u8>, Vec<u8>)> {
    let mut leaves = Vec::new();
    exchange.each_leaf(&mut |key, value| leaves.push((key.to_bytes(), value)));
    leaves.sort_unstable();
    leaves
}

#[test]
fn what_was_undone_never_happened() {
    over_runs("undo", 12_000, |seed, workload| {
        let mut random = Random::new(seed);
        let mut exchange = empty();
        exchange.record(true);
        for _ in 0..RUN_BLOCKS {
            // Some blocks that will be undone, one by one from the last.
            let untouched = exchange.clone();
            let depth = random.pick(&[0, 1, 1, 2, 5]);
            let mut other = workload.clone();
            other.random = Random::new(random.next());
            let mut journals = Vec::new();
            for _ in 0..depth {
                let block = other.next_block();
                execute(&mut exchange, &block);
                other.observe(exchange.events());
                journals.push(exchange.checkpoint());
            }
            workload.commands += other.commands.saturating_sub(workload.commands) / 2;
            for journal in journals.into_iter().rev() {
                exchange.undo(journal);
            }
            if depth > 0 {
                assert_eq!(leaves_of(&exchange), leaves_of(&untouched), "leaves are back");
                assert_eq!(exchange.digest(), untouched.digest());
                assert_eq!(exchange.events(), [], "no event is left of it");
            }
            let mut untouched = untouched;
            let block = workload.next_block();
            execute(&mut exchange, &block);
            execute(&mut untouched, &block);
            assert_eq!(exchange.events(), untouched.events(), "what follows is the same");
            let (changed, expected) = (exchange.checkpoint(), untouched.checkpoint());
            assert_eq!(exchange.changes(&changed), untouched.changes(&expected));
            assert_eq!(
                changed.witness().to_bytes(),
                expected.witness().to_bytes(),
                "and so is what it looks at"
            );
            workload.observe(exchange.events());
        }
    });
}
