//! The same blocks give the same events and leaves, with the journal or without, in one run of
//! steps or in many.

use super::workload::Random;
use super::{RUN_BLOCKS, empty, execute, over_runs};

#[test]
fn journal_and_checkpoints_change_no_result() {
    over_runs("journal", 15_000, |seed, workload| {
        let mut random = Random::new(seed);
        let (mut plain, mut recorded, mut cut) = (empty(), empty(), empty());
        recorded.record(true);
        cut.record(true);
        for _ in 0..RUN_BLOCKS {
            let block = workload.next_block();
            execute(&mut plain, &block);
            execute(&mut recorded, &block);
            let done = cut.execute_by_step(&block, &mut |exchange, _| {
                if random.percent(40) {
                    drop(exchange.checkpoint());
                }
            });
            assert!(done.is_ok(), "a whole state misses nothing: {done:?}");
            recorded.checkpoint_and_forget();
            if random.percent(50) {
                plain.checkpoint_and_forget();
            }
            assert_eq!(plain.events(), recorded.events(), "events with and without a journal");
            assert_eq!(plain.events(), cut.events(), "events in one run and in many");
            workload.observe(plain.events());
            if block.height % 4 == 0 {
                assert_eq!(plain.digest(), recorded.digest(), "leaves with and without a journal");
                assert_eq!(plain.digest(), cut.digest(), "leaves in one run and in many");
            }
        }
    });
}

#[test]
fn a_seed_decides_everything() {
    over_runs("seed", 4_000, |_, workload| {
        let mut again = workload.clone();
        let mut exchange = empty();
        let mut blocks = Vec::new();
        for _ in 0..RUN_BLOCKS {
            let block = workload.next_block();
            execute(&mut exchange, &block);
            workload.observe(exchange.events());
            blocks.push(block);
        }
        let mut second = empty();
        for block in &blocks {
            assert_eq!(again.next_block(), *block, "the workload repeats itself");
            execute(&mut second, block);
            again.observe(second.events());
        }
        assert_eq!(exchange.digest(), second.digest());
        assert_eq!(exchange.clone().digest(), second.digest(), "a clone has the same leaves");
    });
}
