//! C1, C2 and C3 hold after every block of random runs.

use super::{empty, execute, over_runs};

#[test]
fn money_positions_and_books_add_up_after_every_block() {
    over_runs("invariants", 40_000, |_, workload| {
        let mut exchange = empty();
        for _ in 0..super::RUN_BLOCKS {
            let block = workload.next_block();
            execute(&mut exchange, &block);
            workload.observe(exchange.events());
            if let Err(error) = exchange.check_invariants() {
                panic!("block {}: {error}", block.height);
            }
        }
    });
}
