use super::calendar::Calendar;
use super::*;
use lockstep_exchange::Exchange;
use lockstep_types::instrument::InstrumentName;
use lockstep_types::params::VenueParams;
use std::collections::BTreeSet;

const START_MS: i64 = 1_760_126_400_000;

fn shape(accounts: u32) -> Shape {
    Shape { accounts, option_makers: 4, noise_pace: 1 }
}

fn hundred(seed: u64) -> Population {
    Population::new(&shape(100), seed, 2, START_MS, &[])
}

#[test]
fn every_kind_is_there_from_the_smallest_population_on() {
    for accounts in [ACCOUNTS_MIN, 200, 5_000] {
        let shape = shape(accounts);
        let kinds: BTreeSet<Kind> = (0..accounts).map(|number| Kind::of(number, &shape)).collect();
        assert_eq!(kinds.len(), 12, "of {accounts}");
    }
}

#[test]
fn one_seed_is_one_population() {
    let deposits = |seed| hundred(seed).deposits();
    assert_eq!(deposits(1), deposits(1));
    assert_ne!(deposits(1), deposits(2));
    let owners: BTreeSet<[u8; 32]> = hundred(1)
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
    let mut population = hundred(1);
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

#[test]
fn what_must_be_held_is_held_once_by_longs_and_once_by_shorts() {
    let name: InstrumentName = "BTC_USDC-27FEB26-70000-P".parse().unwrap();
    let held = [Held { name, lots: 50_000, premium: 1_500_000_000, spot: 76_000_000_000 }];
    let population = Population::new(&shape(200), 1, 2, START_MS, &held);
    let bare = Population::new(&shape(200), 1, 2, START_MS, &[]);
    let (mut longs, mut shorts) = (0, 0);
    for (agent, without) in population.agents.iter().zip(&bare.agents) {
        let lots: i64 = agent.holds.iter().map(|(_, lots)| lots).sum();
        assert!(agent.holds.len() <= 1, "one series, on one side");
        assert_eq!(agent.deposit > without.deposit, lots != 0, "who holds brings more");
        longs += lots.max(0);
        shorts -= lots.min(0);
    }
    // Some pieces are left to makers on one side.
    for sum in [longs, shorts] {
        assert!((35_000..=50_000).contains(&sum), "{longs} and {shorts}");
    }
    assert!(longs + shorts < 100_000);
}
