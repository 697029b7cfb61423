use super::calendar::Calendar;
use super::*;
use lockstep_exchange::Exchange;
use lockstep_types::params::VenueParams;
use std::collections::BTreeSet;

const START_MS: i64 = 1_760_126_400_000;

#[test]
fn every_kind_is_there_from_the_smallest_population_on() {
    for accounts in [ACCOUNTS_MIN, 200, 5_000] {
        let kinds: BTreeSet<Kind> =
            (0..accounts).map(|number| Kind::of(number, accounts)).collect();
        assert_eq!(kinds.len(), 11, "of {accounts}");
    }
}

#[test]
fn one_seed_is_one_population() {
    let deposits = |seed| Population::new(100, seed, 2, START_MS).deposits();
    assert_eq!(deposits(1), deposits(1));
    assert_ne!(deposits(1), deposits(2));
    let owners: BTreeSet<[u8; 32]> = Population::new(100, 1, 2, START_MS)
        .deposits()
        .iter()
        .filter_map(|command| match command {
            SystemCommand::Deposit { owner, .. } => Some(*owner),
            _ => None,
        })
        .collect();
    assert_eq!(owners.len(), 100, "an owner each");
}

#[test]
fn nobody_acts_before_there_is_a_price() {
    let mut population = Population::new(100, 1, 2, START_MS);
    let exchange = Exchange::new(VenueParams::default());
    let mut market = Market::new(&exchange, &|_| [1, 1]);
    market.refresh(&exchange, START_MS + 60_000);
    assert!(population.act(&market).is_empty());
}

#[test]
fn a_calendar_gives_whoever_is_due_longest_first_and_nobody_early() {
    let mut calendar = Calendar::default();
    for (due_ms, agent) in [(30, 1), (10, 9), (10, 2), (20, 5)] {
        calendar.add(due_ms, agent);
    }
    let mut taken = Vec::new();
    while let Some(entry) = calendar.next(20) {
        taken.push(entry);
    }
    assert_eq!(taken, [(10, 2), (10, 9), (20, 5)]);
    assert_eq!(calendar.next(30), Some((30, 1)));
    assert_eq!(calendar.next(i64::MAX), None);
}
