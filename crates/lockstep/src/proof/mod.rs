//! `lockstep proof` and `lockstep verify`: what a chain's state says of an account, a position, an
//! order or the whole, for people who were not there.
//!
//! A proof is made from a node's files and checked with nothing but the genesis and, after the
//! first epoch, the handovers. Invariants: what is shown was proven; the first thing that is wrong
//! is named. Deliberately absent: prices and margins, which are not an account's own.

mod show;

use crate::failure::Failure;
use crate::output;
use clap::{ArgGroup, Args};
use lockstep_ledger::Genesis;
use lockstep_node::light::bundle::{BUNDLE_BYTES_MAX, HANDOVERS_BYTES_MAX};
use lockstep_node::light::offline::prove_from_files;
use lockstep_node::light::{Bundle, Claim, ProofError, read_handovers, verify};
use lockstep_types::codec::Decode as _;
use lockstep_types::ids::{AccountId, InstrumentId, OrderId};
use lockstep_types::units::TimeMs;
use std::fs::{self, File};
use std::io::Read as _;
use std::path::{Path, PathBuf};

/// Bytes of a genesis file at most.
const GENESIS_BYTES_MAX: usize = 1 << 26;

/// Arguments of `lockstep proof`.
#[derive(Args, Clone, Debug)]
#[command(group = ArgGroup::new("claim").required(true))]
pub struct ProofArguments {
    /// Folder of a network's files, with its genesis.bin.
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// From which validator's files.
    #[arg(long, value_name = "INDEX", default_value_t = 0)]
    validator: u16,
    /// All of an account, by number.
    #[arg(long, value_name = "ACCOUNT", group = "claim")]
    account: Option<u32>,
    /// An account's position in an instrument, by numbers.
    #[arg(long, value_name = "ACCOUNT/INSTRUMENT", value_parser = position, group = "claim")]
    position: Option<(u32, u32)>,
    /// An open order, by its id.
    #[arg(long, value_name = "ID", group = "claim")]
    order: Option<u64>,
    /// Totals and funds of the venue and the bridge.
    #[arg(long, group = "claim")]
    totals: bool,
    /// The file that the proof goes to.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

/// Arguments of `lockstep verify`.
#[derive(Args, Clone, Debug)]
pub struct VerifyArguments {
    /// The chain's genesis, which is believed.
    #[arg(long, value_name = "FILE")]
    genesis: PathBuf,
    /// The proof.
    #[arg(long, value_name = "FILE")]
    proof: PathBuf,
    /// Handovers from the first epoch on; without them only proofs of that epoch can be checked.
    #[arg(long, value_name = "FILE")]
    handovers: Option<PathBuf>,
    /// The time in milliseconds since 1970 at which the proof is judged; without it, now.
    #[arg(long, value_name = "MS")]
    at: Option<i64>,
}

fn position(text: &str) -> Result<(u32, u32), String> {
    let wrong = || "two numbers with a slash between them".to_string();
    let (account, instrument) = text.split_once('/').ok_or_else(wrong)?;
    let number = |text: &str| text.parse().map_err(|_| wrong());
    Ok((number(account)?, number(instrument)?))
}

impl ProofArguments {
    fn claim(&self) -> Claim {
        if let Some(account) = self.account {
            return Claim::Account { account: AccountId(account) };
        }
        if let Some((account, instrument)) = self.position {
            let (account, instrument) = (AccountId(account), InstrumentId(instrument));
            return Claim::Position { account, instrument };
        }
        match self.order {
            Some(order) => Claim::Order { order: OrderId(order) },
            None => Claim::Totals,
        }
    }
}

/// A file of at most so many bytes and one, so that one that is too long is found out.
pub(crate) fn read(path: &Path, limit: usize) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    let most = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
    let file = File::open(path).map_err(Failure::file(path))?;
    file.take(most).read_to_end(&mut bytes).map_err(Failure::file(path))?;
    Ok(bytes)
}

pub(crate) fn read_genesis(path: &Path) -> Result<Genesis, Failure> {
    let bytes = read(path, GENESIS_BYTES_MAX)?;
    Genesis::from_bytes(&bytes)
        .map_err(|error| Failure::Broken(format!("{}: {error}", path.display())))
}

/// The failure that an error about a file means.
pub(crate) fn about(path: &Path) -> impl FnOnce(ProofError) -> Failure {
    let path = path.display().to_string();
    move |error| Failure::Broken(format!("{path}: {error}"))
}

/// Runs `lockstep proof`.
pub fn prove(arguments: &ProofArguments) -> Result<(), Failure> {
    let genesis = read_genesis(&arguments.data.join("genesis.bin"))?;
    let prefix = format!("validator-{}", arguments.validator);
    let bundle = prove_from_files(&arguments.data, &prefix, &genesis, arguments.claim());
    let bundle = bundle.map_err(about(&arguments.data))?;
    let bytes = bundle.to_file().map_err(about(&arguments.out))?;
    fs::write(&arguments.out, &bytes).map_err(Failure::file(&arguments.out))?;
    output::line(&format!(
        "{}: {} bytes, after block {}",
        arguments.out.display(),
        bytes.len(),
        bundle.certified.header().height,
    ))
}

/// Runs `lockstep verify`.
pub fn check(arguments: &VerifyArguments) -> Result<(), Failure> {
    let genesis = read_genesis(&arguments.genesis)?;
    let bundle = Bundle::from_file(&read(&arguments.proof, BUNDLE_BYTES_MAX)?);
    let bundle = bundle.map_err(about(&arguments.proof))?;
    let handovers = match &arguments.handovers {
        Some(path) => read_handovers(&read(path, HANDOVERS_BYTES_MAX)?).map_err(about(path))?,
        None => Vec::new(),
    };
    let now = arguments.at.map_or_else(crate::devnet::now, TimeMs);
    let (header, statement) =
        verify(&genesis, &handovers, &bundle, now).map_err(about(&arguments.proof))?;
    output::print(&show::report(&genesis, header, &statement, now))
}
