//! Seeds with faults: nothing may be found, and every seed repeats itself.

use lockstep_cluster::faults::Fault;
use lockstep_cluster::simulation::{Plan, run};
use std::collections::BTreeSet;

#[test]
fn a_calm_run_trades_liquidates_and_finds_nothing() {
    let outcome = run(&Plan { faults: Vec::new(), ..Plan::of_seed(1) });
    assert_eq!(outcome.findings, []);
    assert!(outcome.counts.trades > 0, "{:?}", outcome.counts);
    assert!(outcome.counts.liquidations > 0, "{:?}", outcome.counts);
}

#[test]
fn a_seed_repeats_itself_to_the_bit_and_another_is_another_run() {
    let first = run(&Plan::of_seed(7));
    assert_eq!(first, run(&Plan::of_seed(7)));
    assert_ne!(first.auditor, run(&Plan::of_seed(8)).auditor);
}

/// Seeds of each test; `LOCKSTEP_SEEDS` asks for others.
const SEEDS: usize = 50;

/// A run of seeds with all faults.
fn find_nothing(from: u64) {
    let asked = std::env::var("LOCKSTEP_SEEDS").ok().and_then(|count| count.parse().ok());
    let mut drawn = BTreeSet::new();
    for seed in (from..).take(asked.unwrap_or(SEEDS)) {
        let outcome = run(&Plan::of_seed(seed));
        assert_eq!(outcome.findings, [], "seed {seed}");
        drawn.extend(outcome.faults.into_keys());
    }
    assert_eq!(drawn.len(), Fault::ALL.len(), "{drawn:?}");
}

// Several tests, for a run has one thread and machines have more.

#[test]
fn seeds_from_a_million_find_nothing() {
    find_nothing(1_000_000);
}

#[test]
fn seeds_from_two_million_find_nothing() {
    find_nothing(2_000_000);
}

#[test]
fn seeds_from_three_million_find_nothing() {
    find_nothing(3_000_000);
}

#[test]
fn seeds_from_four_million_find_nothing() {
    find_nothing(4_000_000);
}
