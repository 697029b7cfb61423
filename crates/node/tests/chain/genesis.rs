//! A small chain for tests: four validators, an underlying, a few owners with collateral.

use crate::cluster::VALIDATORS;
use commonware_cryptography::{Signer as _, ed25519};
use lockstep_node::execution::Genesis;
use lockstep_types::codec::Bounded;
use lockstep_types::command::{Command, SystemCommand, UserCommand};
use lockstep_types::envelope::{SignedCommand, Signer};
use lockstep_types::ids::{AccountId, SignerId};
use lockstep_types::instrument::Ticker;
use lockstep_types::params::{UnderlyingParams, VenueParams};
use lockstep_types::units::{TimeMs, Usd};

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
    let mut system = vec![SystemCommand::AddUnderlying(btc)];
    system.extend((0..OWNERS).map(|index| SystemCommand::Deposit {
        owner: owner(index).public_key(),
        sub: 0,
        amount: Usd(1_000_000_000_000),
    }));
    let validators =
        (0..VALIDATORS).map(|index| key(index).public_key().as_ref().try_into().unwrap()).collect();
    Genesis {
        salt: [7; 32],
        time: START,
        venue: VenueParams::default(),
        validators: Bounded::new(validators).unwrap(),
        system: Bounded::new(system).unwrap(),
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
