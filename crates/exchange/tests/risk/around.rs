//! What whoever stands around the venue does with it: chain commands, validators' fees, checks of
//! parameters (A1, F3, R4).

use super::*;
use lockstep_exchange::Fault;
use lockstep_types::chain::{ChainCommand, Stake};
use lockstep_types::codec::Bounded;
use lockstep_types::command::{AgentScope, Command};
use lockstep_types::ids::SignerId;
use lockstep_types::reject::RejectCode;

use crate::common::rejects;

fn delegate() -> Command {
    let command = ChainCommand::Delegate { validator: Default::default(), amount: Stake(1) };
    Command::Chain(Box::new(command))
}

#[test]
fn a_venue_by_itself_refuses_chain_commands() {
    let mut venue = Venue::default();
    let account = rich(&mut venue, 1);
    assert_eq!(venue.refused(account, delegate()), RejectCode::NoChain);
}

#[test]
fn a_chain_command_is_admitted_once_and_only_for_its_owner() {
    let mut venue = Venue::default();
    let account = rich(&mut venue, 1);
    let command = venue.command(account, delegate());
    assert_eq!(venue.exchange.admit_command(&command), Ok(true));
    venue.exchange.clear_events();
    assert_eq!(venue.exchange.admit_command(&command), Ok(false));
    assert_eq!(rejects(venue.exchange.events())[0].code, RejectCode::NonceUsed);
    let key = [77; 32];
    let scope = AgentScope {
        sub: None,
        instruments: Bounded::default(),
        notional_max: None,
        expires: None,
    };
    venue.send_ok(account, Command::RegisterAgent { key, scope });
    let agent = SignerId(command.signer.0 + 1);
    let command = venue.command_by(agent, account, delegate());
    venue.exchange.clear_events();
    assert_eq!(venue.exchange.admit_command(&command), Ok(false));
    assert_eq!(rejects(venue.exchange.events())[0].code, RejectCode::NotOwner);
}

#[test]
fn fees_due_to_validators_are_paid_to_an_owner_and_no_more_than_there_are() {
    let (mut venue, perpetual) = bitcoin_venue(VenueParams::default());
    let (buyer, seller) = (rich(&mut venue, 1), rich(&mut venue, 2));
    trade(&mut venue, buyer, seller, perpetual, 333, Price(100_000_100_000));
    let (deposits, due) = (venue.exchange.funds().deposits, venue.exchange.funds().validators);
    assert!(due > Usd(100));
    let record = venue.exchange.owner_of(buyer).unwrap();
    let owner = venue.exchange.signer_record(record).unwrap().key;
    let pay = |owner, amount| SystemCommand::PayValidators { owner, sub: 9, amount };
    let mut refused = |command| {
        let events = venue.block(vec![command], Vec::new());
        let code = |event: &Event| match event {
            Event::SystemRejected { reject, .. } => Some(reject.code),
            _ => None,
        };
        events.iter().find_map(code).unwrap()
    };
    assert_eq!(refused(pay(owner, Usd(due.0 + 1))), RejectCode::ValidatorFees);
    assert_eq!(refused(pay(owner, Usd(0))), RejectCode::NotPositive);
    assert_eq!(refused(pay([99; 32], Usd(1))), RejectCode::UnknownSigner);
    let events = venue.must(pay(owner, Usd(100)));
    let account = venue.exchange.account_of(owner, 9).unwrap();
    assert!(events.contains(&Event::ValidatorsPaid { account, amount: Usd(100) }));
    assert_eq!(cash(&venue, account), Usd(100));
    let funds = venue.exchange.funds();
    assert_eq!((funds.deposits, funds.validators), (deposits, Usd(due.0 - 100)));
    audit(&venue);
}

#[test]
fn parameters_are_checked_without_being_set() {
    let (mut venue, _) = bitcoin_venue(VenueParams::default());
    let digest = venue.exchange.digest();
    let check = |venue: &mut Venue, params: VenueParams| {
        let command = SystemCommand::SetVenueParams(Box::new(params));
        match venue.exchange.check_parameters(&command) {
            Err(Fault::Reject(reject)) => Some(reject.code),
            _ => None,
        }
    };
    let tame = VenueParams { orders_per_account_max: 7, ..VenueParams::default() };
    assert_eq!(check(&mut venue, tame), None);
    let empty = VenueParams { block_work_max: 0, ..VenueParams::default() };
    assert_eq!(check(&mut venue, empty), Some(RejectCode::BadParameters));
    let mut thin = VenueParams::default();
    thin.standard_margin.linear_maintenance = Ppm(1);
    assert_eq!(check(&mut venue, thin), Some(RejectCode::LatencyMargin));
    assert_eq!(venue.exchange.digest(), digest);
}
