//! Parameters by vote (G1, G2).

use crate::network::{Network, params, tokens};
use lockstep_types::chain::{ChainCommand, ChainEvent, ChainParams, ChainRejectCode, ParamChange};
use lockstep_types::command::Command;
use lockstep_types::ids::UnderlyingId;
use lockstep_types::params::{UnderlyingParams, VenueParams};
use lockstep_types::units::{Ppm, SpanMs};

fn chain_change(change: impl FnOnce(&mut ChainParams)) -> ParamChange {
    let mut params = params();
    change(&mut params);
    ParamChange::Chain(Box::new(params))
}

fn propose(network: &mut Network, owner: u8, change: ParamChange) -> u32 {
    let events = network.must(owner, ChainCommand::Propose(change));
    let number = events.iter().find_map(|event| match event {
        ChainEvent::Proposed { proposal, .. } => Some(*proposal),
        _ => None,
    });
    number.unwrap()
}

fn approve(network: &mut Network, proposal: u32, owners: &[u8]) {
    let vote = ChainCommand::Vote { proposal, approve: true };
    let votes =
        owners.iter().map(|owner| network.command(*owner, Command::Chain(Box::new(vote.clone()))));
    let votes = votes.collect();
    let events = network.block(Vec::new(), votes);
    let refused = events.iter().find(|event| matches!(event, ChainEvent::Refused { .. }));
    assert_eq!(refused, None);
}

#[test]
fn more_than_two_thirds_of_the_stake_change_a_parameter_from_the_next_epoch_on() {
    let mut network = Network::default();
    let change = chain_change(|params| params.report_interval = SpanMs(250));
    let proposal = propose(&mut network, 0, change);
    approve(&mut network, proposal, &[0, 1]);
    network.next_epoch();
    assert_eq!(network.ledger.params().report_interval, SpanMs(500), "half is not enough");
    approve(&mut network, proposal, &[3]);
    let events = network.end_epoch();
    let decided = ChainEvent::Decided { proposal, passed: true, stake: tokens(3_000) };
    assert!(events.contains(&decided), "{events:?}");
    assert_eq!(network.ledger.params().report_interval, SpanMs(500));
    let events = network.block(Vec::new(), Vec::new());
    assert!(events.contains(&ChainEvent::Activated { proposal, reject: None }));
    assert_eq!(network.ledger.params().report_interval, SpanMs(250));
    assert!(network.ledger.proposal(proposal).is_none());
}

#[test]
fn a_vote_can_be_taken_back_and_an_offenders_does_not_count() {
    let mut network = Network::default();
    let change = chain_change(|params| params.seats = 4);
    let proposal = propose(&mut network, 0, change);
    approve(&mut network, proposal, &[0, 1, 2]);
    network.must(2, ChainCommand::Vote { proposal, approve: false });
    network.next_epoch();
    assert!(network.ledger.proposal(proposal).is_some_and(|open| !open.passed));
    approve(&mut network, proposal, &[2]);
    network.accuse(0, 1);
    network.next_epoch();
    // Two of the three that are left are not more than two thirds.
    assert_eq!(network.ledger.params().seats, 8);
    assert_eq!(network.ledger.proposal(proposal).map(|open| open.passed), Some(false));
}

#[test]
fn a_proposal_lapses() {
    let mut network = Network::default();
    let proposal = propose(&mut network, 0, chain_change(|params| params.seats = 4));
    let mut lapsed = false;
    for epoch in 0..4 {
        let events = network.end_epoch();
        let decided =
            |event: &ChainEvent| matches!(event, ChainEvent::Decided { passed: false, .. });
        lapsed |= events.iter().any(decided);
        assert_eq!(lapsed, epoch == 3);
        network.next_epoch();
    }
    let vote = ChainCommand::Vote { proposal, approve: true };
    assert_eq!(network.refused(0, vote), ChainRejectCode::UnknownProposal);
}

#[test]
fn parameters_that_would_break_the_venue_or_the_chain_cannot_be_proposed() {
    let mut network = Network::default();
    let mut refused = |change: ParamChange| network.refused(0, ChainCommand::Propose(change));
    let unsafe_margin = VenueParams {
        standard_margin: lockstep_types::params::StandardMarginParams {
            linear_maintenance: Ppm(1),
            ..VenueParams::default().standard_margin
        },
        ..VenueParams::default()
    };
    let changes = [
        ParamChange::Venue(Box::new(unsafe_margin)),
        ParamChange::Venue(Box::new(VenueParams { block_work_max: 0, ..VenueParams::default() })),
        ParamChange::AddUnderlying(Box::new(bitcoin())),
        ParamChange::Underlying { underlying: UnderlyingId(7), params: Box::new(bitcoin()) },
    ];
    for change in changes {
        assert_eq!(refused(change), ChainRejectCode::VenueRefuses);
    }
    let range = chain_change(|params| params.vote_share = Ppm(100));
    assert_eq!(refused(range), ChainRejectCode::BadParameters);
    let epoch = chain_change(|params| params.epoch_blocks = 16);
    assert_eq!(refused(epoch), ChainRejectCode::EpochFixed);
}

fn bitcoin() -> UnderlyingParams {
    UnderlyingParams::genesis(lockstep_types::instrument::Ticker::new("BTC").unwrap(), 60_000)
}

#[test]
fn what_has_become_unsafe_by_its_epoch_is_refused_then() {
    let mut network = Network::default();
    let ether = lockstep_types::instrument::Ticker::new("ETH").unwrap();
    let ether = UnderlyingParams::genesis(ether, 3_000);
    let mut numbers = Vec::new();
    for owner in [0, 1] {
        let change = ParamChange::AddUnderlying(Box::new(ether.clone()));
        numbers.push(propose(&mut network, owner, change));
    }
    for proposal in &numbers {
        approve(&mut network, *proposal, &[0, 1, 2]);
    }
    let mut events = Vec::new();
    for _ in 0..3 {
        events.extend(network.next_epoch());
    }
    let outcomes: Vec<_> = events
        .iter()
        .filter_map(|event| match event {
            ChainEvent::Activated { proposal, reject } => {
                Some((*proposal, reject.map(|reject| reject.code)))
            }
            _ => None,
        })
        .collect();
    let refused = Some(ChainRejectCode::VenueRefuses);
    assert_eq!(outcomes, [(numbers[0], None), (numbers[1], refused)]);
    assert!(network.ledger.exchange().underlying_view(UnderlyingId(1)).is_some());
}

#[test]
fn the_venues_parameters_change_by_vote() {
    let mut network = Network::default();
    let params = VenueParams { orders_per_account_max: 7, ..VenueParams::default() };
    let proposal = propose(&mut network, 0, ParamChange::Venue(Box::new(params)));
    approve(&mut network, proposal, &[0, 1, 2]);
    let events = network.next_epoch();
    assert!(events.contains(&ChainEvent::Activated { proposal, reject: None }), "{events:?}");
}

#[test]
fn only_validators_propose_and_each_has_one_at_a_time() {
    let mut network = Network::default();
    let change = || chain_change(|params| params.seats = 4);
    let propose = |change| ChainCommand::Propose(change);
    assert_eq!(network.refused(5, propose(change())), ChainRejectCode::NotValidator);
    network.must(0, propose(change()));
    assert_eq!(network.refused(0, propose(change())), ChainRejectCode::ProposalLimit);
    let vote = ChainCommand::Vote { proposal: 1, approve: true };
    assert_eq!(network.refused(5, vote), ChainRejectCode::NotValidator);
}
