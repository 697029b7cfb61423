//! Validators on five continents: how long a block takes to become final, in simulated time.

use lockstep_cluster::simulation::{Outcome, Plan, percentile, run};
use lockstep_cluster::wire::Preset;

fn wide(validators: usize, absent: usize) -> Outcome {
    let faults = Vec::new();
    let preset = Preset::Wan;
    let outcome = run(&Plan { validators, absent, faults, preset, ..Plan::of_seed(5) });
    assert_eq!(outcome.findings, []);
    let (final_ms, between_ms) = (&outcome.latencies_ms, &outcome.intervals_ms);
    println!(
        "{validators} validators, {absent} absent: final p50 {} p99 {} ms; interval p50 {} p99 {} \
         ms; {} blocks; bytes sent {:?}",
        percentile(final_ms, 50),
        percentile(final_ms, 99),
        percentile(between_ms, 50),
        percentile(between_ms, 99),
        outcome.counts.blocks,
        outcome.bytes
    );
    outcome
}

#[test]
fn ten_validators_on_five_continents() {
    let outcome = wide(10, 0);
    assert!(percentile(&outcome.latencies_ms, 50) <= 350);
    assert!(percentile(&outcome.latencies_ms, 99) <= 700);
}

#[test]
fn ten_of_which_three_never_start() {
    let outcome = wide(10, 3);
    assert!(percentile(&outcome.latencies_ms, 99) <= 2_000);
    assert!(percentile(&outcome.intervals_ms, 99) <= 2_000);
}
