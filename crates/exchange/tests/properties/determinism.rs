//! The same blocks give the same events and leaves, with the journal or without, in one run of
//! steps or in many.

use super::workload::{Random, Workload};
use super::{RUN_BLOCKS, empty, execute, over_runs, profile_of};
use lockstep_types::codec::Encode;

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

/// Set in the second process of [`two_processes_agree`].
const CHILD: &str = "LOCKSTEP_DETERMINISM_CHILD";

/// Digests of leaves and events of one run.
fn digest_of_a_run(seed: u64) -> String {
    let mut workload = Workload::new(seed, profile_of(seed));
    let mut exchange = empty();
    let mut told = 0_u64;
    for _ in 0..RUN_BLOCKS {
        let block = workload.next_block();
        execute(&mut exchange, &block);
        for byte in exchange.events().iter().flat_map(Encode::to_bytes) {
            told = told.wrapping_mul(0x100_0000_01b3) ^ u64::from(byte);
        }
        workload.observe(exchange.events());
    }
    format!("run {seed}: {told:016x} {:02x?}", exchange.digest())
}

#[test]
fn two_processes_agree() {
    let digests: Vec<String> = (0..6).map(digest_of_a_run).collect();
    if std::env::var_os(CHILD).is_some() {
        println!("{}", digests.join("\n"));
        return;
    }
    let program = std::env::current_exe().unwrap();
    let child = std::process::Command::new(program)
        .args(["determinism::two_processes_agree", "--exact", "--nocapture"])
        .env(CHILD, "1")
        .output();
    let child = child.unwrap_or_else(|error| panic!("this program starts: {error}"));
    let output = String::from_utf8_lossy(&child.stdout);
    for digest in digests {
        assert!(output.contains(&digest), "{digest} is not in {output}");
    }
}
