//! Mistakes that are planted in the engine, in all validators and in the auditor, are caught.
//!
//! One test, for a mistake is planted in the whole process.

use lockstep_cluster::auditor::Rule;
use lockstep_cluster::faults::Fault;
use lockstep_cluster::simulation::{Plan, run};
use lockstep_exchange::planted::{Planted, plant};
use std::collections::BTreeSet;
use std::panic::catch_unwind;

/// Seeds among which a mistake must show itself.
const SEEDS: u64 = 16;

/// What a planted mistake leads to in some seeds: rules that are broken, and whether a validator
/// stopped rather than go on.
fn symptoms(planted: Planted, faults: &[Fault]) -> (BTreeSet<Rule>, bool) {
    let (mut rules, mut stopped) = (BTreeSet::new(), false);
    for seed in 1..=SEEDS {
        plant(planted);
        let plan = Plan { faults: faults.to_vec(), ..Plan::of_seed(seed) };
        match catch_unwind(|| run(&plan)) {
            Ok(outcome) => rules.extend(outcome.findings.iter().map(|finding| finding.rule)),
            Err(_) => stopped = true,
        }
        if !rules.is_empty() || stopped {
            break;
        }
    }
    println!("{planted:?}: {rules:?}, stopped: {stopped}");
    (rules, stopped)
}

#[test]
fn planted_mistakes_are_caught() {
    let silent = [Fault::Silence, Fault::Delay];
    assert_eq!(symptoms(Planted::Nothing, &silent), (BTreeSet::new(), false));
    let (rules, _) = symptoms(Planted::DoubleSpend, &[]);
    assert!(rules.contains(&Rule::Conservation), "{rules:?}");
    let (rules, _) = symptoms(Planted::StaleLiquidation, &silent);
    assert!(rules.contains(&Rule::FreshPrices), "{rules:?}");
    let (rules, stopped) = symptoms(Planted::Nondeterminism, &[]);
    let expected = [Rule::EqualState, Rule::Progress];
    assert!(stopped || expected.iter().any(|rule| rules.contains(rule)), "{rules:?}");
}
