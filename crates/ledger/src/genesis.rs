//! How a chain begins: parameters, underlyings, owners with money and stake, validators.
//!
//! A genesis has one encoding, and the chain's id is the digest of it, so that everything signed
//! for the chain is signed for this beginning. It is checked by the same code that checks the same
//! things later: the exchange's system commands and the chain's registrations.

use crate::command::check_key;
use crate::ledger::{Chain, Ledger, venue};
use crate::state::leaves::{ChainState, Charter, KEYS_MAX};
use crate::state::{State, key::Only};
use alloc::boxed::Box;
use alloc::vec::Vec;
use core::fmt;
use lockstep_exchange::{Exchange, Step};
use lockstep_types::chain::params::BadParam;
use lockstep_types::chain::{ChainParams, ChainReject, Stake, ValidatorKey};
use lockstep_types::codec::{Bounded, Encode};
use lockstep_types::codec_struct;
use lockstep_types::command::SystemCommand;
use lockstep_types::envelope::ChainId;
use lockstep_types::ids::SignerId;
use lockstep_types::instrument::InstrumentName;
use lockstep_types::params::{UnderlyingParams, VenueParams};
use lockstep_types::reject::Reject;
use lockstep_types::units::{Ppm, TimeMs, Usd};

/// Validators of a chain at most, at genesis and later.
pub const VALIDATORS_MAX: usize = 1_024;
/// Owners of a genesis at most.
pub const GENESIS_OWNERS_MAX: usize = 65_535;
/// Bytes of a chain's name at most.
pub const NAME_BYTES_MAX: usize = 64;

/// Domain of the digest that is a chain's id.
const CHAIN_DOMAIN: &[u8] = b"lockstep/genesis/v1";
/// Domain of the first seed.
const SEED_DOMAIN: &[u8] = b"lockstep/genesis-seed/v1";

/// An owner at genesis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GenesisOwner {
    /// Its ed25519 public key.
    pub key: [u8; 32],
    /// The sub-account of the deposit.
    pub sub: u8,
    /// First deposit; positive, it opens the account.
    pub deposit: Usd,
    /// Stake, free at first; what it validates with is taken from it.
    pub stake: Stake,
}
codec_struct!(GenesisOwner { key, sub, deposit, stake });

/// A validator at genesis.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GenesisValidator {
    /// Its owner, who is among the owners.
    pub owner: [u8; 32],
    /// Its keys, one for each seat that it may hold.
    pub keys: Bounded<ValidatorKey, KEYS_MAX>,
    /// Its commission.
    pub commission: Ppm,
    /// Its own stake.
    pub stake: Stake,
}
codec_struct!(GenesisValidator { owner, keys, commission, stake });

/// The beginning of a chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Genesis {
    /// Its name, UTF-8 by convention.
    pub name: Bounded<u8, NAME_BYTES_MAX>,
    /// Whatever makes it unlike any other of the same name.
    pub salt: [u8; 32],
    /// When it begins; its first block is later.
    pub time: TimeMs,
    /// The chain's parameters.
    pub chain: ChainParams,
    /// The venue's.
    pub venue: Box<VenueParams>,
    /// Underlyings, in order of their ids.
    pub underlyings: Bounded<UnderlyingParams, 32>,
    /// Instruments listed by hand.
    pub listings: Bounded<InstrumentName, 4_096>,
    /// Owners with money and stake.
    pub owners: Bounded<GenesisOwner, GENESIS_OWNERS_MAX>,
    /// Validators.
    pub validators: Bounded<GenesisValidator, VALIDATORS_MAX>,
    /// Who hands out test money and stake; one of the owners. `None` on a chain with real money.
    pub faucet: Option<[u8; 32]>,
}
codec_struct!(Genesis {
    name,
    salt,
    time,
    chain,
    venue,
    underlyings,
    listings,
    owners,
    validators,
    faucet,
});

/// Why a genesis is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GenesisError {
    /// Which field of [`Genesis`].
    pub field: &'static str,
    /// Which entry of a list, from 0.
    pub place: usize,
    /// What is wrong.
    pub why: GenesisWhy,
}

/// What is wrong with an entry of a genesis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GenesisWhy {
    /// The venue refuses it.
    Venue(Reject),
    /// The chain refuses it.
    Chain(ChainReject),
    /// A parameter of the chain is out of range.
    Param(BadParam),
    /// In words.
    Text(&'static str),
}

impl fmt::Display for GenesisError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "genesis {}[{}]: ", self.field, self.place)?;
        match &self.why {
            GenesisWhy::Venue(reject) => reject.fmt(f),
            GenesisWhy::Chain(reject) => reject.fmt(f),
            GenesisWhy::Param(bad) => {
                write!(f, "{} is {}, the limit is {}", bad.field, bad.actual, bad.limit)
            }
            GenesisWhy::Text(text) => f.write_str(text),
        }
    }
}

impl core::error::Error for GenesisError {}

/// Names the place of an error.
fn at<T>(
    field: &'static str,
    place: usize,
    outcome: Result<T, GenesisWhy>,
) -> Result<T, GenesisError> {
    outcome.map_err(|why| GenesisError { field, place, why })
}

impl Genesis {
    /// The chain's id: blake3 of a domain text and the encoding.
    #[must_use]
    pub fn chain_id(&self) -> ChainId {
        ChainId(self.digest(CHAIN_DOMAIN))
    }

    fn digest(&self, domain: &[u8]) -> [u8; 32] {
        let mut bytes = Vec::from(domain);
        self.encode(&mut bytes);
        *blake3::hash(&bytes).as_bytes()
    }

    /// The exchange with everything that the genesis says of it.
    fn exchange(&self) -> Result<Exchange, GenesisError> {
        let mut exchange = Exchange::new((*self.venue).clone());
        let begun = exchange.step(Step::Begin { height: 0, time: self.time });
        assert!(begun.is_ok(), "a whole state lacks no leaf");
        let mut tell = |field, place, command: SystemCommand| {
            at(field, place, venue(&mut exchange, &command).map_err(GenesisWhy::Venue))
        };
        tell("venue", 0, SystemCommand::SetVenueParams(self.venue.clone()))?;
        for (place, params) in self.underlyings.iter().enumerate() {
            tell("underlyings", place, SystemCommand::AddUnderlying(params.clone()))?;
        }
        for (place, owner) in self.owners.iter().enumerate() {
            let GenesisOwner { key: owner, sub, deposit: amount, .. } = *owner;
            tell("owners", place, SystemCommand::Deposit { owner, sub, amount })?;
        }
        for (place, name) in self.listings.iter().enumerate() {
            tell("listings", place, SystemCommand::List(*name))?;
        }
        for step in [Step::Prepare, Step::End] {
            assert!(exchange.step(step).is_ok(), "a whole state lacks no leaf");
        }
        Ok(exchange)
    }

    /// Owners' free stake and the escrow.
    fn endow(&self, exchange: &Exchange, chain: &mut Chain) -> Result<(), GenesisError> {
        let (mut supply, mut escrow) = (Stake::ZERO, Usd::ZERO);
        for (place, owner) in self.owners.iter().enumerate() {
            let sum = supply.checked_add(owner.stake).filter(|sum| *sum <= Stake::SUPPLY_MAX);
            let too_much = GenesisWhy::Text("all stake together exceeds its maximum");
            supply = at("owners", place, sum.ok_or(too_much))?;
            // The venue has taken the deposits and bounds their sum.
            escrow += owner.deposit;
            let signer = signer(exchange, "owners", place, owner.key)?;
            chain.add_free(signer, owner.stake);
        }
        let state = chain.totals();
        state.supply = supply;
        state.escrow = escrow;
        state.window_escrow = escrow;
        Ok(())
    }

    fn enrol(&self, exchange: &Exchange, chain: &mut Chain) -> Result<(), GenesisError> {
        for (place, validator) in self.validators.iter().enumerate() {
            let owner = signer(exchange, "validators", place, validator.owner)?;
            let Some((first, others)) = validator.keys.split_first() else {
                return at("validators", place, Err(GenesisWhy::Text("keys: there is none")));
            };
            let sound = validator.keys.iter().try_for_each(|key| check_key(*key));
            at("validators", place, sound.map_err(GenesisWhy::Chain))?;
            let enrolled = chain
                .register(owner, *first, validator.commission, validator.stake)
                .and_then(|()| others.iter().try_for_each(|key| chain.add_key(owner, *key)));
            at("validators", place, enrolled.map_err(GenesisWhy::Chain))?;
        }
        Ok(())
    }
}

/// The signer of a key that the genesis names.
fn signer(
    exchange: &Exchange,
    field: &'static str,
    place: usize,
    key: [u8; 32],
) -> Result<SignerId, GenesisError> {
    let unknown = GenesisWhy::Text("the key is not among the owners");
    at(field, place, exchange.signer_of(key).ok_or(unknown))
}

impl Ledger {
    /// The state before the first block.
    ///
    /// # Errors
    /// Names the field, its entry and the rule or limit that it breaks.
    pub fn genesis(genesis: &Genesis) -> Result<Self, GenesisError> {
        let in_time = (0..=crate::block::TIME_MAX.0).contains(&genesis.time.0);
        let out_of_time = GenesisWhy::Text("outside of the years 1970 to 9999");
        at("time", 0, in_time.then_some(()).ok_or(out_of_time))?;
        at("chain", 0, genesis.chain.check().map_err(GenesisWhy::Param))?;
        let exchange = genesis.exchange()?;
        let mut state = State::default();
        let time = genesis.time;
        let seed = genesis.digest(SEED_DOMAIN);
        state.chain.set(Only, Some(ChainState { time, seed, ..ChainState::default() }));
        state.params.set(Only, Some(genesis.chain));
        let faucet = match genesis.faucet {
            Some(key) => Some(signer(&exchange, "faucet", 0, key)?),
            None => None,
        };
        state.charter.set(Only, Some(Charter { chain: genesis.chain_id(), faucet }));
        let mut chain = Chain::around(state);
        genesis.endow(&exchange, &mut chain)?;
        genesis.enrol(&exchange, &mut chain)?;
        let mut ledger = Self::around(exchange, chain);
        let nobody = GenesisWhy::Text("nobody can be elected: the stake is below self_stake_min");
        at("validators", 0, ledger.found().then_some(()).ok_or(nobody))?;
        ledger.start();
        Ok(ledger)
    }
}
