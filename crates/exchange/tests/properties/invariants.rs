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
                for event in exchange.events() { let t=format!("{event:?}"); if t.contains("InstrumentId(88)") || t.contains("Phase") || t.contains("Uncross") || t.contains("Cancelled") {println!("{t}"); } }
                for c in block.system.iter() { let t=format!("{c:?}"); if !t.contains("Report") {println!("SYS {t}");} }
                panic!("block {}: {error}", block.height);
            }
        }
    });
}
