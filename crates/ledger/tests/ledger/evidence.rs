//! Offences: what they cost, whom, and once only (S6).

use crate::network::{Network, TOKEN, bounded, params, seat_key, tokens};
use lockstep_ledger::state::leaves::Standing;
use lockstep_ledger::{Evidence, OffenceKind, SystemItem};
use lockstep_types::chain::{ChainCommand, ChainEvent, ChainParams, ChainRejectCode, Stake};
use lockstep_types::units::{DAY_MS, Ppm, SpanMs};

/// Without correlation: 5 % at once.
fn plain() -> Network {
    Network::new(ChainParams { slash_correlation: Ppm(0), ..params() })
}

fn slashed(events: &[ChainEvent]) -> Vec<(u64, u64)> {
    let of = |event: &ChainEvent| match event {
        ChainEvent::Slashed { amount, reward, .. } => Some((amount.0, reward.0)),
        _ => None,
    };
    events.iter().filter_map(of).collect()
}

#[test]
fn an_offence_takes_its_share_of_all_stake_behind_and_pays_who_proved_it() {
    let mut network = plain();
    let validator = network.validator(0);
    network.must(5, ChainCommand::Delegate { validator, amount: tokens(400) });
    network.must(5, ChainCommand::Undelegate { validator, amount: tokens(100) });
    let before = network.free(1);
    let events = network.accuse(0, 1);
    // 5 % of 1,300 bonded and of 100 that had just left; 5 % of that to the reporter.
    let taken = 70 * TOKEN;
    assert_eq!(slashed(&events), [(taken, taken / 20)]);
    assert!(events.contains(&ChainEvent::Tombstoned { validator }));
    assert_eq!(network.bonded(0, 0), 950 * TOKEN);
    assert_eq!(network.bonded(5, 0), 285 * TOKEN);
    assert_eq!(network.unbonding(5, 0), 95 * TOKEN);
    assert_eq!(network.free(1) - before, taken / 20);
    assert_eq!(network.ledger.totals().treasury, Stake(taken - taken / 20));
    let (epoch, offence) = network.ledger.offence(validator).unwrap();
    assert_eq!((epoch, offence.share, offence.stake), (0, Ppm(50_000), tokens(1_400)));
}

#[test]
fn an_offender_is_out_for_ever_and_slashed_once() {
    let mut network = plain();
    let validator = network.validator(0);
    network.must(5, ChainCommand::Delegate { validator, amount: tokens(100) });
    network.accuse(0, 1);
    let again = |network: &Network| Evidence {
        view: 18,
        kind: OffenceKind::NullifyFinalize,
        ..network.evidence(0, 2)
    };
    let code = network.item_refused(SystemItem::Evidence(again(&network)));
    assert_eq!(code, ChainRejectCode::EvidenceKnown);
    let record = network.ledger.validator(validator).unwrap().record;
    assert_eq!(record.standing, Standing::Tombstoned);
    assert_eq!(network.refused(0, ChainCommand::Unjail), ChainRejectCode::Tombstoned);
    let more = ChainCommand::Delegate { validator, amount: tokens(1) };
    assert_eq!(network.refused(5, more), ChainRejectCode::Tombstoned);
    let report = Network::item(network.report(0, 60_000));
    assert_eq!(network.item_refused(report), ChainRejectCode::UnknownReporter);
    network.next_epoch();
    assert_eq!(network.committee().seats.len(), 3);
    // What is left can leave.
    network.must(5, ChainCommand::Undelegate { validator, amount: tokens(95) });
}

#[test]
fn several_offenders_in_the_window_lose_more_and_alike() {
    let mut network = Network::new(ChainParams { slash_correlation: Ppm(1_000_000), ..params() });
    // One of four: 5 % and a quarter.
    assert_eq!(slashed(&network.accuse(0, 1))[0].0, 300 * TOKEN);
    network.next_epoch();
    // Two of what was bonded by then, 3,000: 5 % and two thirds; the first is brought up to it.
    let bonded = 3_000 * u128::from(TOKEN);
    let share = 50_000 + 2_000 * u128::from(TOKEN) * 1_000_000 / bonded;
    let events = network.accuse(1, 2);
    let lost = |owner: u8| 1_000 * TOKEN - network.bonded(owner, owner);
    let wanted = u64::try_from(1_000 * u128::from(TOKEN) * share / 1_000_000).unwrap();
    assert_eq!(slashed(&events).len(), 2);
    for owner in [0, 1] {
        assert!((wanted..=wanted + 1).contains(&lost(owner)), "{} {wanted}", lost(owner));
    }
    assert_eq!(network.bonded(2, 2), 1_000 * TOKEN);
}

#[test]
fn offences_beyond_the_window_do_not_add_up() {
    let chain =
        ChainParams { slash_correlation: Ppm(1_000_000), slash_window_epochs: 2, ..params() };
    let mut network = Network::new(chain);
    network.accuse(0, 1);
    network.next_epoch();
    network.next_epoch();
    let events = network.accuse(1, 2);
    // 5 % and a third of what is bonded.
    let taken = slashed(&events);
    assert_eq!(taken.len(), 1);
    assert!((383 * TOKEN..384 * TOKEN).contains(&taken[0].0), "{taken:?}");
}

#[test]
fn no_share_exceeds_a_whole() {
    let chain = ChainParams { slash_correlation: Ppm(100_000_000), ..params() };
    let mut network = Network::new(chain);
    for offender in 0..4 {
        network.accuse(offender, (offender + 1) % 4);
    }
    for owner in 0..4 {
        assert_eq!(network.bonded(owner, owner), 0);
    }
    let table = network.ledger.stake_table();
    assert_eq!(table.bonded, 0);
    assert!(table.is_balanced());
    // Nobody is left to be elected: the committee stays.
    network.next_epoch();
    assert_eq!(network.committee().seats.len(), 4);
}

#[test]
fn stake_that_left_before_the_offence_or_has_matured_is_not_slashed() {
    let mut network = plain();
    let validator = network.validator(0);
    network.must(5, ChainCommand::Delegate { validator, amount: tokens(300) });
    network.must(5, ChainCommand::Undelegate { validator, amount: tokens(100) });
    network.next_epoch();
    network.must(5, ChainCommand::Undelegate { validator, amount: tokens(100) });
    network.accuse(0, 1);
    assert_eq!(network.unbonding(5, 0), 195 * TOKEN, "the second hundred only");
    assert_eq!(network.bonded(5, 0), 95 * TOKEN);
}

#[test]
fn a_slashed_pool_pays_what_is_left() {
    let mut network = plain();
    let validator = network.validator(0);
    for owner in [5, 6] {
        network.must(owner, ChainCommand::Delegate { validator, amount: tokens(101) });
        network.must(owner, ChainCommand::Undelegate { validator, amount: tokens(101) });
    }
    network.accuse(0, 1);
    network.leap(SpanMs(DAY_MS));
    for owner in [5, 6] {
        network.must(owner, ChainCommand::Collect { validator });
        let lost = 1_000 * TOKEN - network.free(owner);
        assert_eq!(lost, 101 * TOKEN / 20);
    }
}

#[test]
fn evidence_is_taken_until_the_unbonding_period_is_over() {
    let mut network = plain();
    let early = network.evidence(0, 1);
    network.next_epoch();
    let late = network.evidence(1, 2);
    let future = Evidence { epoch: network.epoch() + 1, ..network.evidence(2, 3) };
    let code = network.item_refused(SystemItem::Evidence(future));
    assert_eq!(code, ChainRejectCode::EvidenceFuture);
    network.pace = SpanMs(DAY_MS);
    let code = network.item_refused(SystemItem::Evidence(early));
    assert_eq!(code, ChainRejectCode::EvidenceTooOld);
    network.pace = SpanMs(1_000);
    let events = network.block(vec![SystemItem::Evidence(late.clone())], Vec::new());
    assert_eq!(slashed(&events).len(), 1, "its epoch has not ended");
    for _ in 0..30 {
        network.next_epoch();
    }
    network.leap(SpanMs(DAY_MS));
    network.next_epoch();
    let again = Evidence { offender: seat_key(2, 0), ..late };
    let code = network.item_refused(SystemItem::Evidence(again));
    assert_eq!(code, ChainRejectCode::EvidenceTooOld);
    assert_eq!(network.ledger.offence(network.validator(1)), None, "forgotten with its epoch");
}

#[test]
fn evidence_of_an_unknown_key_is_refused_and_nobody_is_paid_for_himself() {
    let mut network = plain();
    let unknown = Evidence { offender: [9; 32], ..network.evidence(0, 1) };
    let code = network.item_refused(SystemItem::Evidence(unknown));
    assert_eq!(code, ChainRejectCode::EvidenceKey);
    let own = Evidence { proof: bounded(vec![9]), ..network.evidence(0, 0) };
    let events = network.block(vec![SystemItem::Evidence(own)], Vec::new());
    assert_eq!(slashed(&events), [(50 * TOKEN, 0)]);
}

#[test]
fn a_key_that_was_given_up_is_still_found() {
    let mut network = plain();
    network.must(0, ChainCommand::AddKey { key: seat_key(0, 1) });
    network.must(0, ChainCommand::RemoveKey { key: seat_key(0, 0) });
    assert_eq!(slashed(&network.accuse(0, 1)).len(), 1);
}
