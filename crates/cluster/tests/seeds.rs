//! Seeds with faults: nothing may be found, and every seed repeats itself.

use lockstep_cluster::faults::Fault;
use lockstep_cluster::simulation::{Plan, run};

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

#[test]
fn seeds_with_all_faults_find_nothing() {
    let count = std::env::var("LOCKSTEP_SEEDS").ok().and_then(|count| count.parse().ok());
    let mut drawn = std::collections::BTreeSet::new();
    for seed in 100..100 + count.unwrap_or(12) {
        let outcome = run(&Plan::of_seed(seed));
        assert_eq!(outcome.findings, [], "seed {seed}");
        drawn.extend(outcome.faults.into_keys());
    }
    assert_eq!(drawn.len(), Fault::ALL.len(), "{drawn:?}");
}
