//! A third party who has only the witness of a run of steps reaches the same leaves and events;
//! with a leaf too few it stops, and never reaches another result.

use super::workload::Random;
use super::{RUN_BLOCKS, empty, over_runs};
use lockstep_exchange::state::journal::{LeafChange, Witness};
use lockstep_exchange::{Exchange, Fault, Step};
use lockstep_types::codec::{Decode, Encode};
use lockstep_types::event::Event;

/// A run of steps with all that a third party gets and must reach.
struct Run<'a> {
    steps: Vec<Step<'a>>,
    witness: Witness,
    changes: Vec<LeafChange>,
    events: Vec<Event>,
}

/// Executes the steps on the witness alone: events and changes.
fn again(
    witness: &Witness,
    steps: &[Step<'_>],
) -> Result<(Vec<Event>, Vec<LeafChange>, Witness), Fault> {
    let mut exchange = Exchange::from_witness(witness)
        .unwrap_or_else(|error| panic!("a witness holds values: {error}"));
    for step in steps {
        exchange.step(*step)?;
    }
    let events = exchange.events().to_vec();
    let journal = exchange.checkpoint();
    let changes = exchange.changes(&journal);
    Ok((events, changes, journal.witness()))
}

fn check(run: &Run<'_>, random: &mut Random) {
    let bytes = run.witness.to_bytes();
    let decoded = Witness::from_bytes(&bytes).unwrap_or_else(|error| panic!("{error}"));
    assert!(decoded == run.witness, "a witness has one encoding");
    let (events, changes, touched) =
        again(&decoded, &run.steps).unwrap_or_else(|fault| panic!("{fault} for {:?}", run.steps));
    assert_eq!(events, run.events, "events from the witness of {:?}", run.steps);
    assert_eq!(changes, run.changes, "changes from the witness of {:?}", run.steps);
    let known: Vec<_> = run.witness.leaves.iter().map(|leaf| leaf.0).collect();
    assert!(touched.leaves.iter().all(|leaf| known.contains(&leaf.0)));
    for _ in 0..run.witness.leaves.len().min(6) {
        let mut poorer = run.witness.clone();
        let at = random.below(poorer.leaves.len() as u64);
        let gone = poorer.leaves.remove(usize::try_from(at).unwrap());
        match again(&poorer, &run.steps) {
            Err(Fault::Missing(_)) => {}
            Err(other) => panic!("{other} without {:?}", gone.0),
            Ok((events, changes, _)) => {
                assert_eq!(events, run.events, "events without {:?}", gone.0);
                assert_eq!(changes, run.changes, "changes without {:?}", gone.0);
            }
        }
    }
}

#[test]
fn a_witness_is_enough_and_nothing_less_misleads() {
    over_runs("witness", 6_000, |seed, workload| {
        let mut random = Random::new(seed);
        let mut exchange = empty();
        exchange.record(true);
        for _ in 0..RUN_BLOCKS {
            let block = workload.next_block();
            let mut runs: Vec<Run<'_>> = Vec::new();
            let mut steps = Vec::new();
            let mut shown = 0;
            // Blocks are cut finely, coarsely or not at all.
            let often = random.pick(&[100, 30, 5, 0]);
            let done = exchange.execute_by_step(&block, &mut |exchange, step| {
                steps.push(step);
                if random.percent(often) || step == Step::End {
                    let journal = exchange.checkpoint();
                    runs.push(Run {
                        steps: std::mem::take(&mut steps),
                        witness: journal.witness(),
                        changes: exchange.changes(&journal),
                        events: exchange.events()[shown..].to_vec(),
                    });
                    shown = exchange.events().len();
                }
            });
            assert!(done.is_ok(), "a whole state misses nothing: {done:?}");
            for run in &runs {
                check(run, &mut random);
            }
            workload.observe(exchange.events());
        }
    });
}
