//! A small chain for tests: four validators, an underlying, a few owners with collateral.

use crate::cluster::VALIDATORS;
use commonware_cryptography::{Signer as _, ed25519};
use lockstep_ledger::{Genesis, GenesisOwner, GenesisValidator};
use lockstep_types::chain::{ChainParams, Stake};
use lockstep_types::codec::Bounded;
use lockstep_types::command::{Command, UserCommand};
use lockstep_types::envelope::{SignedCommand, Signer};
use lockstep_types::ids::{AccountId, SignerId};
use lockstep_types::instrument::Ticker;
use lockstep_types::params::{UnderlyingParams, VenueParams};
use lockstep_types::units::{Ppm, TimeMs, Usd};

/// Owners with an account each, numbered as their accounts and signers are.
pub const OWNERS: u8 = 8;
/// Before the first block.
pub const START: TimeMs = TimeMs(1_767_603_600_000 - 1_000);

/// The key of a validator.
pub fn key(index: usize) -> ed25519::PrivateKey {
    ed25519::PrivateKey::from_seed(u64::try_from(index).unwrap())
}

fn owner(index: u8) -> Signer {
    Signer::from_seed([index + 1; 32])
}

pub fn genesis() -> Genesis {
    let btc = UnderlyingParams::genesis(Ticker::new("BTC").unwrap(), 100_000);
    let stake = Stake(10_000_000_000);
    let owners = (0..OWNERS).map(|index| GenesisOwner {
        key: owner(index).public_key(),
        sub: 0,
        deposit: Usd(1_000_000_000_000),
        stake,
    });
    let validators = (0..VALIDATORS).map(|index| GenesisValidator {
        owner: owner(u8::try_from(index).unwrap()).public_key(),
        keys: Bounded::new(vec![key(index).public_key().as_ref().try_into().unwrap()]).unwrap(),
        commission: Ppm(50_000),
        stake,
    });
    Genesis {
        name: Bounded::new(b"test".to_vec()).unwrap(),
        salt: [7; 32],
        time: START,
        // One seat each, and one epoch: the committee stays.
        chain: ChainParams { epoch_blocks: 1 << 24, seats_per_validator: 1, ..Default::default() },
        venue: Box::new(VenueParams::default()),
        underlyings: Bounded::new(vec![btc]).unwrap(),
        listings: Bounded::default(),
        owners: Bounded::new(owners.collect()).unwrap(),
        validators: Bounded::new(validators.collect()).unwrap(),
        faucet: None,
    }
}

/// A command of an owner: opens a sub-account, which always succeeds once.
pub fn command(genesis: &Genesis, index: u8, nonce: u64) -> SignedCommand {
    let command = UserCommand {
        signer: SignerId(u32::from(index)),
        account: AccountId(u32::from(index)),
        nonce: u64::try_from(START.0).unwrap() + nonce,
        valid_until: None,
        command: Command::CreateSubAccount { sub: u8::try_from(nonce).unwrap() },
    };
    owner(index).sign(genesis.chain_id(), command)
}
