//! The data folder of a test network: keys, genesis, and the validators' own files beside them.
//!
//! Invariants: a folder that is there is used as it is, and one that was made for another network
//! is refused; keys are readable by their owner alone. Deliberately absent: keys that protect
//! anything; traders' keys follow from one seed in the folder.

use super::Prices;
use super::feed;
use crate::failure::Failure;
use lockstep_client::KeyFile;
use lockstep_ledger::{Genesis, GenesisOwner, GenesisValidator};
use lockstep_node::host::{found, public_key_of};
use lockstep_types::chain::{ChainParams, Stake};
use lockstep_types::codec::{Bounded, Decode as _, Encode as _};
use lockstep_types::envelope::Signer;
use lockstep_types::instrument::{Contract, InstrumentName, OptionSide, Ticker, expiry_of_date};
use lockstep_types::instrument::{civil_from_days, days_from_civil};
use lockstep_types::params::{UnderlyingParams, VenueParams};
use lockstep_types::units::{Ppm, Price, TimeMs, Usd};
use std::fs;
use std::path::{Path, PathBuf};

/// Traders of a test network.
pub const TRADERS: u32 = 24;
/// What a trader has to begin with.
const DEPOSIT: Usd = Usd(100_000_000_000_000);
/// Stake of each validator.
const STAKE: Stake = Stake(10_000_000_000);
/// Milliseconds of a day.
const DAY_MS: i64 = 86_400_000;

/// What is listed beside the perpetual of an underlying: strikes of one expiry, in USD.
pub struct Underlying {
    /// Its symbol.
    pub ticker: &'static str,
    /// About its price.
    pub price_usd: i64,
    /// Between strikes.
    strike_step_usd: i64,
}

/// What is traded.
pub const UNDERLYINGS: [Underlying; 2] = [
    Underlying { ticker: "BTC", price_usd: 115_000, strike_step_usd: 2_500 },
    Underlying { ticker: "ETH", price_usd: 4_000, strike_step_usd: 100 },
];
/// Strikes on each side of the price.
const STRIKES: i64 = 5;

/// What a network is made for.
pub struct Plan {
    /// Validators.
    pub validators: usize,
    /// Where its prices come from: strikes are around them.
    pub prices: Prices,
    /// Traders with an account each.
    pub traders: u32,
    /// Blocks of an epoch.
    pub epoch_blocks: u32,
}

/// A data folder that is open.
pub struct Files {
    /// Where.
    pub folder: PathBuf,
    /// Seeds of the validators' keys.
    pub validators: Vec<[u8; 32]>,
    /// Seed of the traders' keys.
    pub traders: [u8; 32],
    /// The chain.
    pub genesis: Genesis,
}

impl Files {
    /// Opens a folder, or makes it for a network that begins at `now`.
    pub fn open(folder: &Path, plan: &Plan, now: TimeMs) -> Result<Self, Failure> {
        let genesis_path = folder.join("genesis.bin");
        let is_new = !genesis_path.exists();
        fs::create_dir_all(folder).map_err(Failure::file(folder))?;
        let mut validators = Vec::new();
        for index in 0..plan.validators {
            let path = folder.join(format!("validator-{index}.key"));
            validators.push(seed_file(&path, is_new)?);
        }
        let traders = seed_file(&folder.join("traders.key"), is_new)?;
        let genesis = if is_new {
            let genesis = make_genesis(plan, &validators, traders, now)?;
            // The genesis last: a folder is used again only if it is whole.
            found(folder).map_err(Failure::file(folder))?;
            fs::write(&genesis_path, genesis.to_bytes()).map_err(Failure::file(&genesis_path))?;
            genesis
        } else {
            let bytes = fs::read(&genesis_path).map_err(Failure::file(&genesis_path))?;
            Genesis::from_bytes(&bytes)
                .map_err(|error| Failure::Broken(format!("{}: {error}", genesis_path.display())))?
        };
        if genesis.validators.len() != plan.validators {
            let found = genesis.validators.len();
            return Err(Failure::Usage(format!(
                "--validators: {} has a network of {found}",
                folder.display()
            )));
        }
        Ok(Self { folder: folder.to_path_buf(), validators, traders, genesis })
    }
}

/// The key of a trader.
pub fn trader(seed: [u8; 32], index: u32) -> Signer {
    let mut hasher = blake3::Hasher::new();
    hasher.update(b"lockstep/devnet-trader/v1").update(&seed).update(&index.to_le_bytes());
    Signer::from_seed(*hasher.finalize().as_bytes())
}

fn seed_file(path: &Path, is_new: bool) -> Result<[u8; 32], Failure> {
    let key = if is_new { KeyFile::open_or_create(path)? } else { KeyFile::read(path)? };
    Ok(key.seed())
}

/// The genesis of a test network that begins at `now`.
pub(crate) fn make_genesis(
    plan: &Plan,
    validators: &[[u8; 32]],
    traders: [u8; 32],
    now: TimeMs,
) -> Result<Genesis, Failure> {
    let wrong = |error: &dyn std::fmt::Display| Failure::Broken(format!("genesis: {error}"));
    let (mut owners, mut seats) = (Vec::new(), Vec::new());
    for seed in validators {
        let key = public_key_of(*seed).map_err(|error| wrong(&error))?;
        let deposit = Usd(1_000_000_000);
        owners.push(GenesisOwner { key, sub: 0, deposit, stake: STAKE });
        seats.push(GenesisValidator {
            owner: key,
            keys: Bounded::new(vec![key]).map_err(|error| wrong(&error))?,
            commission: Ppm(50_000),
            stake: STAKE,
        });
    }
    for index in 0..plan.traders {
        let key = trader(traders, index).public_key();
        owners.push(GenesisOwner { key, sub: 0, deposit: DEPOSIT, stake: Stake::ZERO });
    }
    let (mut underlyings, mut listings) = (Vec::new(), Vec::new());
    for underlying in &UNDERLYINGS {
        let ticker = Ticker::new(underlying.ticker).map_err(|error| wrong(&error))?;
        let price_usd = feed::first_price_usd(plan.prices, underlying);
        underlyings.push(UnderlyingParams::genesis(ticker, price_usd));
        listings.push(InstrumentName { underlying: ticker, contract: Contract::Perpetual });
        let expiry = expiry_after(now);
        let middle = price_usd / underlying.strike_step_usd;
        for strike in middle - STRIKES..=middle + STRIKES {
            let strike = Price(strike * underlying.strike_step_usd * 1_000_000);
            for side in [OptionSide::Call, OptionSide::Put] {
                let contract = Contract::Option { expiry, strike, side };
                listings.push(InstrumentName { underlying: ticker, contract });
            }
        }
    }
    Ok(Genesis {
        name: Bounded::new(b"devnet".to_vec()).map_err(|error| wrong(&error))?,
        // The genesis is shown to everybody, the traders' seed is not.
        salt: *blake3::keyed_hash(&traders, b"lockstep/devnet-salt/v1").as_bytes(),
        time: now,
        chain: ChainParams {
            epoch_blocks: plan.epoch_blocks,
            seats_per_validator: 1,
            ..ChainParams::default()
        },
        venue: Box::new(VenueParams::default()),
        underlyings: Bounded::new(underlyings).map_err(|error| wrong(&error))?,
        listings: Bounded::new(listings).map_err(|error| wrong(&error))?,
        owners: Bounded::new(owners).map_err(|error| wrong(&error))?,
        validators: Bounded::new(seats).map_err(|error| wrong(&error))?,
        faucet: None,
    })
}

/// The Friday after next at the hour of expiries: between a week and two weeks ahead.
fn expiry_after(now: TimeMs) -> TimeMs {
    let today = now.0.div_euclid(DAY_MS);
    // The first of January 1970 was a Thursday.
    let to_friday = (1 - today).rem_euclid(7);
    let (year, month, day) = civil_from_days(today + to_friday + 7);
    debug_assert!(days_from_civil(year, month, day) == today + to_friday + 7, "both ways");
    expiry_of_date(year, month, day)
}
