//! Genesis: what it makes, what it refuses, and that its digest is the chain's id.

use crate::network::{Network, bounded, genesis, owner_key, params, seat_key, tokens};
use lockstep_ledger::{Genesis, Ledger};
use lockstep_types::chain::{ChainParams, Stake};
use lockstep_types::codec::{Decode, Encode};
use lockstep_types::units::{TimeMs, Usd};

fn error(genesis: &Genesis) -> String {
    Ledger::genesis(genesis).unwrap_err().to_string()
}

#[test]
fn a_genesis_makes_a_committee_and_its_digest_is_the_chains_id() {
    let genesis = genesis(params());
    let ledger = Ledger::genesis(&genesis).unwrap();
    assert_eq!(ledger.chain_id(), genesis.chain_id());
    let committee = ledger.committee(0).unwrap();
    let mut keys: Vec<[u8; 32]> = (0..4).map(|validator| seat_key(validator, 0)).collect();
    keys.sort_unstable();
    assert_eq!(committee.seats.iter().map(|seat| seat.key).collect::<Vec<_>>(), keys);
    assert!(committee.seats.iter().all(|seat| seat.stake == tokens(1_000)));
    assert_eq!(ledger.committee(1), None);
    assert_eq!(ledger.height(), 0);
    assert_eq!(ledger.stake_table().supply, u128::from(tokens(12_000).0));
    assert_eq!(ledger.money_table().escrow, Usd(800_000_000_000));
    let mut salted = genesis.clone();
    salted.salt[0] ^= 1;
    assert_ne!(salted.chain_id(), genesis.chain_id());
    assert_ne!(Ledger::genesis(&salted).unwrap().committee(0).unwrap().seed, committee.seed);
}

#[test]
fn a_genesis_has_one_encoding() {
    let genesis = genesis(params());
    let bytes = genesis.to_bytes();
    assert_eq!(Genesis::from_bytes(&bytes), Ok(genesis));
    for cut in [0, 1, 40, bytes.len() - 1] {
        assert!(Genesis::from_bytes(&bytes[..cut]).is_err());
    }
}

#[test]
fn a_genesis_that_cannot_be_is_refused_by_name() {
    let good = genesis(params());
    let mut bad = good.clone();
    bad.chain.seats = 0;
    assert_eq!(error(&bad), "genesis chain[0]: seats is 0, the limit is 1");
    let mut bad = good.clone();
    bad.time = TimeMs(-1);
    assert!(error(&bad).starts_with("genesis time[0]"));
    let mut bad = good.clone();
    bad.faucet = Some(owner_key(99));
    assert_eq!(error(&bad), "genesis faucet[0]: the key is not among the owners");
    let mut bad = good.clone();
    bad.venue.block_work_max = 0;
    assert!(error(&bad).starts_with("genesis venue[0]: F3"));
    let mut bad = good.clone();
    let mut owners = good.owners.to_vec();
    owners[5].deposit = Usd(0);
    bad.owners = bounded(owners.clone());
    assert!(error(&bad).starts_with("genesis owners[5]: L5"));
    owners[5].deposit = Usd(1);
    owners[5].stake = Stake(u64::MAX);
    bad.owners = bounded(owners);
    assert!(error(&bad).starts_with("genesis owners[5]: all stake"));
    let mut bad = good.clone();
    let mut validators = good.validators.to_vec();
    validators[2].keys = bounded(vec![seat_key(1, 0)]);
    bad.validators = bounded(validators.clone());
    assert!(error(&bad).starts_with("genesis validators[2]: S1 key"));
    validators[2].keys = bounded(Vec::new());
    bad.validators = bounded(validators.clone());
    assert!(error(&bad).starts_with("genesis validators[2]: keys"));
    validators[2].keys = bounded(vec![[2; 32]]);
    bad.validators = bounded(validators);
    assert!(error(&bad).contains("not an ed25519 public key"), "{}", error(&bad));
    bad.validators = bounded(Vec::new());
    assert!(error(&bad).contains("nobody can be elected"));
}

#[test]
fn parameters_out_of_range_are_refused_by_field() {
    let check = |change: fn(&mut ChainParams)| {
        let mut params = params();
        change(&mut params);
        params.check().map_err(|bad| bad.field)
    };
    assert_eq!(check(|_| {}), Ok(()));
    assert_eq!(ChainParams::default().check(), Ok(()));
    assert_eq!(check(|params| params.epoch_blocks = 1), Err("epoch_blocks"));
    assert_eq!(check(|params| params.vote_share.0 = 400_000), Err("vote_share"));
    assert_eq!(check(|params| params.slash_share.0 = 0), Err("slash_share"));
    assert_eq!(check(|params| params.outage_auction.0 = 4_999), Err("outage_auction"));
    assert_eq!(check(|params| params.unbonding.0 = -1), Err("unbonding"));
}

#[test]
fn a_chain_starts_whole() {
    let network = Network::default();
    assert_eq!(network.ledger.height(), 1);
    assert!(network.ledger.is_conserved());
}
