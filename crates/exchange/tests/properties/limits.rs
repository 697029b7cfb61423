//! At the limits of prices, lots and balances nothing overflows: every command is carried out or
//! refused, and the books still add up.

use super::workload::{Profile, Workload};
use super::{RUN_BLOCKS, empty, execute, over_runs, profile_of};
use lockstep_types::event::Event;

#[test]
fn the_largest_and_smallest_values_are_carried_out_or_refused() {
    let mut largest = 0;
    over_runs("limits", 40_000, |seed, workload| {
        let profile = Profile { extreme: true, ..profile_of(seed) };
        *workload = Workload::new(seed, profile);
        let mut exchange = empty();
        for _ in 0..RUN_BLOCKS {
            let block = workload.next_block();
            execute(&mut exchange, &block);
            for event in exchange.events() {
                if let Event::Trade(trade) = event {
                    let nano = i128::from(trade.price.0) * i128::from(trade.lots.0);
                    largest = largest.max(nano / 1_000);
                }
            }
            workload.observe(exchange.events());
            if let Err(error) = exchange.check_invariants() {
                panic!("block {}: {error}", block.height);
            }
        }
    });
    assert!(largest > 1 << 55, "trades come near the limit: {largest}");
}
