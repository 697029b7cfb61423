//! One fault at a time: that it is what it says, and that the others live with it.

use lockstep_cluster::faults::Fault;
use lockstep_cluster::simulation::{Outcome, Plan, run};

/// Seeds of each fault.
const SEEDS: u64 = 4;

/// Runs of one fault, in which nothing may be found.
fn runs(fault: Fault) -> Vec<Outcome> {
    let plan = |seed| Plan { faults: vec![fault], ..Plan::of_seed(seed) };
    let outcomes: Vec<Outcome> = (100..100 + SEEDS).map(|seed| run(&plan(seed))).collect();
    for outcome in &outcomes {
        assert_eq!(outcome.findings, [], "{fault}");
        assert!(outcome.faults.contains_key(&fault), "{fault} was drawn");
    }
    outcomes
}

#[test]
fn blocks_with_wrong_state_roots_are_proposed_and_never_final() {
    let proposed: u64 = runs(Fault::Roots).iter().map(|outcome| outcome.wrong_roots).sum();
    assert!(proposed >= 2 * SEEDS, "{proposed}");
}

#[test]
fn messages_that_are_too_long_stop_nobody_else() {
    let sent: u64 = runs(Fault::Lengths).iter().map(|outcome| outcome.too_long).sum();
    assert!(sent >= SEEDS, "{sent}");
}

#[test]
fn clocks_that_are_wrong_stop_nobody_else() {
    let outcomes = runs(Fault::Clock);
    let calm = run(&Plan { faults: Vec::new(), ..Plan::of_seed(100) });
    assert_ne!(outcomes[0].state, calm.state, "block times differ");
}
