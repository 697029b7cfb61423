//! A small chain for this crate's own tests.

use lockstep_ledger::{Genesis, GenesisOwner, GenesisValidator};
use lockstep_types::chain::{ChainParams, Stake};
use lockstep_types::codec::Bounded;
use lockstep_types::command::{Command, UserCommand};
use lockstep_types::envelope::{SignedCommand, Signer};
use lockstep_types::ids::{AccountId, SignerId};
use lockstep_types::params::VenueParams;
use lockstep_types::units::{Ppm, TimeMs, Usd};

/// Owners, numbered as their signers and accounts are.
pub const OWNERS: u8 = 4;
/// When the chain begins.
pub const START: TimeMs = TimeMs(1_767_603_600_000);

/// The key of an owner.
pub fn owner(index: u8) -> Signer {
    Signer::from_seed([index + 1; 32])
}

/// The key of the only validator.
pub fn validator() -> Signer {
    Signer::from_seed([99; 32])
}

/// The chain.
pub fn genesis() -> Genesis {
    let stake = Stake(10_000_000_000);
    let owners = (0..OWNERS).map(|index| GenesisOwner {
        key: owner(index).public_key(),
        sub: 0,
        deposit: Usd(1_000_000_000),
        stake,
    });
    let seat = GenesisValidator {
        owner: owner(0).public_key(),
        keys: Bounded::new(vec![validator().public_key()]).unwrap(),
        commission: Ppm(50_000),
        stake,
    };
    Genesis {
        name: Bounded::default(),
        salt: [1; 32],
        time: START,
        chain: ChainParams { epoch_blocks: 1 << 24, ..ChainParams::default() },
        venue: Box::new(VenueParams::default()),
        underlyings: Bounded::default(),
        listings: Bounded::default(),
        owners: Bounded::new(owners.collect()).unwrap(),
        validators: Bounded::new(vec![seat]).unwrap(),
        faucet: None,
    }
}

/// A command of an owner that opens a sub-account.
pub fn command(index: u8, nonce: u64) -> SignedCommand {
    command_of(index, nonce, Command::CreateSubAccount { sub: u8::try_from(nonce % 200).unwrap() })
}

/// Any command of an owner.
pub fn command_of(index: u8, nonce: u64, command: Command) -> SignedCommand {
    let command = UserCommand {
        signer: SignerId(u32::from(index)),
        account: AccountId(u32::from(index)),
        nonce: u64::try_from(START.0).unwrap() + nonce,
        valid_until: None,
        command,
    };
    owner(index).sign(genesis().chain_id(), command)
}
