//! Phases after the chain stood still (H1, H2).

use crate::network::Network;
use lockstep_types::chain::ChainEvent;
use lockstep_types::command::{Phase, PhaseScope};
use lockstep_types::units::SpanMs;

fn phase(network: &Network) -> Phase {
    network.ledger.exchange().phase(PhaseScope::Venue).unwrap()
}

/// A network with prices.
fn priced() -> Network {
    let mut network = Network { reporting: true, ..Network::default() };
    network.block(Vec::new(), Vec::new());
    network.block(Vec::new(), Vec::new());
    network
}

fn gap(network: &mut Network, span: i64) -> Vec<ChainEvent> {
    let pace = std::mem::replace(&mut network.pace, SpanMs(span));
    let events = network.block(Vec::new(), Vec::new());
    network.pace = pace;
    events
}

#[test]
fn a_short_gap_is_no_outage() {
    let mut network = priced();
    gap(&mut network, 5_000);
    assert_eq!((phase(&network), network.ledger.totals().outage), (Phase::Continuous, None));
}

#[test]
fn after_five_seconds_only_reducing_orders_until_prices_are_fresh() {
    let mut network = priced();
    network.reporting = false;
    let events = gap(&mut network, 5_001);
    let began = ChainEvent::OutageBegan { gap: SpanMs(5_001), phase: Phase::ReduceOnly };
    assert!(events.contains(&began));
    assert_eq!(phase(&network), Phase::ReduceOnly);
    // Prices from before are not stale by age yet, but they are from before.
    for _ in 0..3 {
        network.block(Vec::new(), Vec::new());
        assert_eq!(phase(&network), Phase::ReduceOnly);
    }
    network.reporting = true;
    network.block(Vec::new(), Vec::new());
    assert_eq!(phase(&network), Phase::ReduceOnly, "looked at in the next block");
    let events = network.block(Vec::new(), Vec::new());
    assert!(events.iter().any(|event| matches!(event, ChainEvent::OutageEnded { .. })));
    assert_eq!(phase(&network), Phase::Continuous);
}

#[test]
fn after_a_minute_every_book_reopens_by_auction() {
    let mut network = priced();
    // So many usual gaps that one long one is no part of the venue's own latency for long (R4).
    for _ in 0..120 {
        network.block(Vec::new(), Vec::new());
    }
    let events = gap(&mut network, 60_001);
    let began = ChainEvent::OutageBegan { gap: SpanMs(60_001), phase: Phase::Auction };
    assert!(events.contains(&began));
    let mut blocks = 0;
    while phase(&network) == Phase::Auction {
        network.block(Vec::new(), Vec::new());
        blocks += 1;
        assert!(blocks < 20, "it reopens");
    }
    assert_eq!(blocks, 10, "orders collect for ten seconds");
}

#[test]
fn a_second_gap_makes_an_outage_no_milder() {
    let mut network = priced();
    gap(&mut network, 60_001);
    gap(&mut network, 6_000);
    assert_eq!(phase(&network), Phase::Auction);
    gap(&mut network, 61_000);
    let until = network.ledger.totals().outage.unwrap().until;
    assert_eq!(until, network.ledger.time().plus(SpanMs(10_000)));
}

#[test]
fn less_than_two_thirds_of_the_stake_do_not_end_an_outage() {
    let mut network = priced();
    network.reporting = false;
    gap(&mut network, 6_000);
    for _ in 0..4 {
        let reports = [0, 1].map(|owner| Network::item(network.report(owner, 60_000)));
        network.block(reports.to_vec(), Vec::new());
    }
    assert_eq!(phase(&network), Phase::ReduceOnly);
}

#[test]
fn the_first_block_is_never_late() {
    let mut network = Network::default();
    assert_eq!(network.ledger.totals().outage, None);
    network.pace = SpanMs(100);
    network.block(Vec::new(), Vec::new());
    assert_eq!(phase(&network), Phase::Continuous);
}
