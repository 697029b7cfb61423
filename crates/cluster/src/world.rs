//! The chain that simulated validators run: one underlying, makers, gamblers, and others.
//!
//! Invariants: everything follows from the number of validators. Gamblers have so little that a
//! fall of a few percent takes them below maintenance. Deliberately absent: options, which have
//! simulations of their own in the engine's tests.

use bytes::Bytes;
use commonware_codec::DecodeExt as _;
use commonware_cryptography::ed25519;
use lockstep_ledger::{Genesis, GenesisOwner, GenesisValidator, Ledger};
use lockstep_types::chain::{ChainParams, Stake};
use lockstep_types::codec::Bounded;
use lockstep_types::command::{Command, UserCommand};
use lockstep_types::envelope::{SignedCommand, Signer};
use lockstep_types::instrument::{Contract, InstrumentName, Ticker};
use lockstep_types::params::{UnderlyingParams, VenueParams};
use lockstep_types::units::{Ppm, SpanMs, TimeMs, Usd};

/// When simulated time begins.
pub const START: TimeMs = TimeMs(1_767_603_600_000);
/// A price report is fresh for so long: short, for runs are.
pub const REPORT_AGE_MAX: SpanMs = SpanMs(1_000);
/// What the underlying costs at first, USD.
pub const PRICE_USD: i64 = 100_000;
/// Blocks of an epoch: few, for runs are short.
pub const EPOCH_BLOCKS: u32 = 24;
/// Who quotes.
pub const MAKERS: usize = 2;
/// Who has as much leverage as there is.
pub const GAMBLERS: usize = 4;
/// Who trades, cancels and moves money about.
pub const OTHERS: usize = 4;
/// All of them, numbered in this order.
pub const TRADERS: usize = MAKERS + GAMBLERS + OTHERS;

fn seed(kind: &str, index: usize) -> [u8; 32] {
    *blake3::hash(format!("lockstep/simulation/{kind}/{index}").as_bytes()).as_bytes()
}

/// A validator's voting key.
///
/// # Panics
/// Never: any 32 bytes are a seed.
#[must_use]
pub fn validator_key(index: usize) -> ed25519::PrivateKey {
    let seed = Bytes::copy_from_slice(&seed("validator", index));
    match ed25519::PrivateKey::decode(seed) {
        Ok(key) => key,
        Err(error) => unreachable!("32 bytes are a seed: {error}"),
    }
}

/// The same key, for what is not a vote.
#[must_use]
pub fn validator_signer(index: usize) -> Signer {
    Signer::from_seed(seed("validator", index))
}

/// A trader's key.
#[must_use]
pub fn trader_signer(index: usize) -> Signer {
    Signer::from_seed(seed("trader", index))
}

/// A trader's command that opens a sub-account, which succeeds once; each number is another.
#[must_use]
pub fn sub_account_command(ledger: &Ledger, trader: usize, number: u8) -> SignedCommand {
    let signer = trader_signer(trader);
    let (key, exchange) = (signer.public_key(), ledger.exchange());
    let command = UserCommand {
        signer: exchange.signer_of(key).unwrap_or_default(),
        account: exchange.account_of(key, 0).unwrap_or_default(),
        nonce: START.0.unsigned_abs() + u64::from(number),
        valid_until: None,
        command: Command::CreateSubAccount { sub: number },
    };
    signer.sign(ledger.chain_id(), command)
}

fn deposit(trader: usize) -> Usd {
    let gamblers = MAKERS..MAKERS + GAMBLERS;
    Usd(if gamblers.contains(&trader) { 20_000_000_000 } else { 50_000_000_000_000 })
}

/// The underlying.
fn ticker() -> Ticker {
    match Ticker::new("BTC") {
        Ok(ticker) => ticker,
        Err(error) => unreachable!("three letters are a ticker: {error}"),
    }
}

/// The genesis of a chain with so many validators.
#[must_use]
pub fn genesis(validators: usize) -> Genesis {
    let stake = Stake(10_000_000_000);
    let mut owners = Vec::new();
    let mut seats = Vec::new();
    for index in 0..validators {
        let key = validator_signer(index).public_key();
        owners.push(GenesisOwner { key, sub: 0, deposit: Usd(1_000_000_000), stake });
        let keys = Bounded::new(vec![key]).unwrap_or_default();
        seats.push(GenesisValidator { owner: key, keys, commission: Ppm(50_000), stake });
    }
    for index in 0..TRADERS {
        let (key, deposit) = (trader_signer(index).public_key(), deposit(index));
        owners.push(GenesisOwner { key, sub: 0, deposit, stake: Stake::ZERO });
    }
    let name = InstrumentName { underlying: ticker(), contract: Contract::Perpetual };
    let venue = VenueParams { report_age_max: REPORT_AGE_MAX, ..VenueParams::default() };
    Genesis {
        name: Bounded::new(b"simulation".to_vec()).unwrap_or_default(),
        salt: [7; 32],
        time: TimeMs(START.0 - 100),
        chain: ChainParams {
            epoch_blocks: EPOCH_BLOCKS,
            seats_per_validator: 1,
            seats: u16::try_from(validators).unwrap_or(u16::MAX),
            ..ChainParams::default()
        },
        venue: Box::new(venue),
        underlyings: Bounded::new(vec![UnderlyingParams::genesis(ticker(), PRICE_USD)])
            .unwrap_or_default(),
        listings: Bounded::new(vec![name]).unwrap_or_default(),
        owners: Bounded::new(owners).unwrap_or_default(),
        validators: Bounded::new(seats).unwrap_or_default(),
        faucet: None,
    }
}
