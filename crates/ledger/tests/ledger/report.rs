//! Reports: prices, intervals, randomness, finality (O1, O2, O3).

use crate::network::{Network, bounded, seat_key, tokens};
use lockstep_ledger::block::FinalityWord;
use lockstep_ledger::{Report, SignedReport};
use lockstep_types::chain::{ChainCommand, ChainEvent, ChainRejectCode};
use lockstep_types::envelope::{ChainId, Signer};
use lockstep_types::ids::UnderlyingId;
use lockstep_types::units::{Ppm, Price, SpanMs, TimeMs};

fn index(network: &Network) -> Option<Price> {
    network.ledger.exchange().underlying_view(UnderlyingId(0)).unwrap().index
}

#[test]
fn the_index_is_the_stake_weighted_median_of_the_committees_reports() {
    let mut network = Network::default();
    let reports = |network: &Network, prices: [i64; 4]| -> Vec<_> {
        let of = |(owner, price)| Network::item(network.report(owner, price));
        (0..).zip(prices).map(of).collect()
    };
    network.block(reports(&network, [60_000, 60_010, 60_020, 60_030]), Vec::new());
    assert_eq!(index(&network), Some(Price(60_010_000_000)));
    let validator = network.validator(3);
    network.must(5, ChainCommand::Delegate { validator, amount: tokens(1_000) });
    network.must(6, ChainCommand::Delegate { validator, amount: tokens(1_000) });
    network.block(reports(&network, [60_000, 60_010, 60_020, 60_030]), Vec::new());
    assert_eq!(index(&network), Some(Price(60_010_000_000)), "weights are the epoch's");
    network.next_epoch();
    network.block(reports(&network, [60_000, 60_010, 60_020, 60_030]), Vec::new());
    assert_eq!(index(&network), Some(Price(60_020_000_000)));
}

#[test]
fn a_validator_reports_once_per_interval_and_not_from_the_future() {
    let mut network = Network::default();
    let first = network.report(0, 60_000);
    let second = Report { time: TimeMs(first.time.0 + 1), ..first.clone() };
    network.pace = SpanMs(1_001);
    let items = vec![Network::item(first.clone()), Network::item(second)];
    let events = network.block(items, Vec::new());
    let code = |event: &ChainEvent| match event {
        ChainEvent::ItemRefused { item, reject } => Some((*item, reject.code)),
        _ => None,
    };
    let codes: Vec<_> = events.iter().filter_map(code).collect();
    assert_eq!(codes, [(1, ChainRejectCode::ReportTwice)]);
    let early = Report { time: network.ledger.time().plus(SpanMs(60_000)), ..first.clone() };
    assert_eq!(network.item_refused(Network::item(early)), ChainRejectCode::ReportTime);
    let unknown = Report { validator: seat_key(9, 0), ..network.report(0, 60_000) };
    assert_eq!(network.item_refused(Network::item(unknown)), ChainRejectCode::UnknownReporter);
    let again = Network::item(network.report(0, 60_000));
    assert!(network.block(vec![again], Vec::new()).is_empty(), "the next interval");
}

#[test]
fn a_price_that_the_venue_refuses_is_an_event_of_its_own() {
    let mut network = Network::default();
    let mut report = network.report(0, 60_000);
    let mut prices = report.prices.to_vec();
    prices.push(prices[0].clone());
    prices[0].price = Price(-1);
    prices[1].underlying = UnderlyingId(9);
    report.prices = bounded(prices);
    let events = network.block(vec![Network::item(report)], Vec::new());
    let refused: Vec<_> = events
        .iter()
        .filter(|event| matches!(event, ChainEvent::PriceRefused { item: 0, .. }))
        .collect();
    assert_eq!(refused.len(), 2, "{events:?}");
}

#[test]
fn what_is_revealed_as_committed_changes_the_next_seed_and_nothing_else_does() {
    let seed_after = |reveal: [u8; 32]| {
        let mut network = Network::default();
        let committed = *blake3::hash(&[7; 32]).as_bytes();
        let first = Report { commit: committed, ..network.report(0, 60_000) };
        network.block(vec![Network::item(first)], Vec::new());
        let second = Report { reveal, ..network.report(0, 60_000) };
        network.block(vec![Network::item(second)], Vec::new());
        network.next_epoch();
        network.committee().seed
    };
    let (none, other, right) = (seed_after([0; 32]), seed_after([8; 32]), seed_after([7; 32]));
    assert_eq!(none, other);
    assert_ne!(none, right);
}

#[test]
fn finality_is_the_weighted_median_of_what_validators_saw() {
    let mut network = Network::default();
    let mut items = Vec::new();
    for (owner, ms) in [(0, 250), (1, 90), (2, 9_000)] {
        let word = FinalityWord { height: 1, seen: network.ledger.time().plus(SpanMs(ms)) };
        let report = Report { finality: bounded(vec![word]), ..network.report(owner, 60_000) };
        items.push(Network::item(report));
    }
    let seen = network.ledger.time().plus(SpanMs(250));
    let few = items[..2].to_vec();
    let mut other = network.clone();
    other.block(few, Vec::new());
    assert_eq!(other.ledger.seen_final(1), None, "half of the stake is not enough");
    network.block(items, Vec::new());
    assert_eq!(network.ledger.seen_final(1), Some(seen));
    assert_eq!(network.ledger.seen_final(2), None);
}

#[test]
fn a_report_is_signed_for_one_chain_and_every_byte_of_it() {
    let network = Network::default();
    let seed: [u8; 32] = [0, 0, 200, 200].repeat(8).try_into().unwrap();
    let (signer, chain) = (Signer::from_seed(seed), network.ledger.chain_id());
    let signed = SignedReport::new(&signer, chain, network.report(0, 60_000));
    assert_eq!(signed.verify(chain), Ok(()));
    assert!(signed.verify(ChainId([1; 32])).is_err());
    let mut other = signed.clone();
    other.report.commit[3] ^= 1;
    assert!(other.verify(chain).is_err());
    let mut other = signed;
    other.report.validator = seat_key(1, 0);
    assert!(other.verify(chain).is_err());
}

#[test]
fn commission_is_no_weight() {
    // A commission changes nothing of who is heard.
    let mut network = Network::default();
    network.must(0, ChainCommand::SetCommission { commission: Ppm(0) });
    network.reporting = true;
    network.block(Vec::new(), Vec::new());
    assert_eq!(index(&network), Some(Price(60_000_000_000)));
}
