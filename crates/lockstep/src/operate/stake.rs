//! `lockstep stake`: what an owner tells the chain of its stake, its validator and its votes.
//!
//! A command is signed with the owner's key, brought to a node until it takes it, and waited for in
//! a final block; what the chain refused is said with its rule. Deliberately absent: proof; the
//! node's word is taken for what happened, and `lockstep verify` is for who does not.

use super::events_of;
use crate::devnet::now;
use crate::failure::Failure;
use crate::output;
use crate::proof::read_genesis;
use clap::{ArgAction, Args, Subcommand};
use lockstep_client::{Author, KeyFile, RemoteNode, hex};
use lockstep_node::block::Block;
use lockstep_node::signatures::CommandId;
use lockstep_types::chain::{ChainCommand, ChainEvent, Stake};
use lockstep_types::command::Command;
use lockstep_types::decimal;
use lockstep_types::envelope::{ChainId, SignedCommand};
use lockstep_types::event::Event;
use lockstep_types::ids::{AccountId, SignerId, ValidatorId};
use lockstep_types::units::{Ppm, SpanMs, Usd};
use std::path::PathBuf;
use std::thread::sleep;
use std::time::{Duration, Instant};

/// Digits of stake and of money after the point.
const PLACES: u32 = 6;
/// Digits after the point of a commission in percent.
const PERCENT_PLACES: u32 = 4;
/// How long a command is good, and how long it is brought and waited for.
const VALID: SpanMs = SpanMs(30_000);
/// Between two looks for a block.
const PAUSE: Duration = Duration::from_millis(100);

/// Arguments of `lockstep stake`.
#[derive(Args, Clone, Debug)]
pub struct Arguments {
    /// The node that is told, such as `http://127.0.0.1:43000`.
    #[arg(long, value_name = "URL", global = true, default_value = "http://127.0.0.1:43000")]
    node: String,
    /// The owner's key.
    #[arg(long, value_name = "FILE", global = true)]
    key: Option<PathBuf>,
    /// The chain's genesis; without it the node is believed which chain is signed for.
    #[arg(long, value_name = "FILE", global = true)]
    genesis: Option<PathBuf>,
    #[command(subcommand)]
    what: What,
}

#[derive(Clone, Debug, Subcommand)]
enum What {
    /// Show all validators.
    Show,
    /// Become a validator (S1).
    Register {
        /// Public key of its first seat, 64 hexadecimal digits.
        #[arg(long, value_name = "HEX", value_parser = public_key)]
        seat: [u8; 32],
        /// Commission in percent.
        #[arg(long, value_name = "PERCENT", value_parser = percent)]
        commission: Ppm,
        /// Its own stake, out of the owner's free stake.
        #[arg(long, value_name = "AMOUNT", value_parser = stake)]
        stake: Stake,
    },
    /// Add a key for one more seat (S1).
    AddKey {
        /// Public key, 64 hexadecimal digits.
        #[arg(value_name = "HEX", value_parser = public_key)]
        seat: [u8; 32],
    },
    /// Give up a key (S1).
    RemoveKey {
        /// Public key, 64 hexadecimal digits.
        #[arg(value_name = "HEX", value_parser = public_key)]
        seat: [u8; 32],
    },
    /// Set the commission (S5).
    Commission {
        /// In percent.
        #[arg(value_name = "PERCENT", value_parser = percent)]
        commission: Ppm,
    },
    /// Delegate free stake (S2).
    Delegate {
        /// The validator's number.
        #[arg(long, value_name = "NUMBER")]
        validator: u16,
        /// How much.
        #[arg(value_name = "AMOUNT", value_parser = stake)]
        amount: Stake,
    },
    /// Take delegated stake back; it can be withdrawn after the unbonding period (S3).
    Undelegate {
        /// The validator's number.
        #[arg(long, value_name = "NUMBER")]
        validator: u16,
        /// How much.
        #[arg(value_name = "AMOUNT", value_parser = stake)]
        amount: Stake,
    },
    /// Collect rewards, and stake whose unbonding is over (S3, S5).
    Withdraw {
        /// The validator's number.
        #[arg(long, value_name = "NUMBER")]
        validator: u16,
    },
    /// Come back after a jail term (S7).
    Unjail,
    /// Vote on a proposal (G1).
    Vote {
        /// The proposal's number.
        #[arg(value_name = "NUMBER")]
        proposal: u32,
        /// For it or against it.
        #[arg(value_name = "yes|no", value_parser = yes_or_no, action = ArgAction::Set)]
        approve: bool,
    },
    /// Send free stake to another owner.
    Send {
        /// The owner's public key, 64 hexadecimal digits.
        #[arg(long, value_name = "HEX", value_parser = public_key)]
        to: [u8; 32],
        /// How much.
        #[arg(value_name = "AMOUNT", value_parser = stake)]
        amount: Stake,
    },
    /// Hand out test money and stake (B2); for the faucet's key.
    Faucet {
        /// The owner's public key, 64 hexadecimal digits; an account is opened for it.
        #[arg(long, value_name = "HEX", value_parser = public_key)]
        to: [u8; 32],
        /// Test money in USD.
        #[arg(long, value_name = "USD", value_parser = usd)]
        usd: Usd,
        /// Stake.
        #[arg(long, value_name = "AMOUNT", value_parser = stake)]
        stake: Stake,
    },
}

fn public_key(text: &str) -> Result<[u8; 32], String> {
    hex::decode_32(text).ok_or_else(|| "not 64 hexadecimal digits in lower case".to_string())
}

fn number(text: &str, places: u32) -> Result<i64, String> {
    let number = decimal::parse(text, places).map_err(|error| error.to_string())?;
    if number < 0 { Err("below 0".to_string()) } else { Ok(number) }
}

fn stake(text: &str) -> Result<Stake, String> {
    number(text, PLACES).map(|millionths| Stake(millionths.unsigned_abs()))
}

fn usd(text: &str) -> Result<Usd, String> {
    number(text, PLACES).map(Usd)
}

fn percent(text: &str) -> Result<Ppm, String> {
    number(text, PERCENT_PLACES).map(Ppm)
}

fn yes_or_no(text: &str) -> Result<bool, String> {
    match text {
        "yes" => Ok(true),
        "no" => Ok(false),
        _ => Err("yes or no".to_string()),
    }
}

impl What {
    fn command(&self) -> Option<ChainCommand> {
        Some(match *self {
            Self::Show => return None,
            Self::Register { seat: key, commission, stake } => {
                ChainCommand::Register { key, commission, stake }
            }
            Self::AddKey { seat: key } => ChainCommand::AddKey { key },
            Self::RemoveKey { seat: key } => ChainCommand::RemoveKey { key },
            Self::Commission { commission } => ChainCommand::SetCommission { commission },
            Self::Delegate { validator, amount } => {
                ChainCommand::Delegate { validator: ValidatorId(validator), amount }
            }
            Self::Undelegate { validator, amount } => {
                ChainCommand::Undelegate { validator: ValidatorId(validator), amount }
            }
            Self::Withdraw { validator } => {
                ChainCommand::Collect { validator: ValidatorId(validator) }
            }
            Self::Unjail => ChainCommand::Unjail,
            Self::Vote { proposal, approve } => ChainCommand::Vote { proposal, approve },
            Self::Send { to, amount } => ChainCommand::SendStake { to, amount },
            Self::Faucet { to: owner, usd: amount, stake } => {
                ChainCommand::Faucet { owner, sub: 0, amount, stake }
            }
        })
    }
}

/// Runs `lockstep stake`.
pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    let node = RemoteNode::new(&arguments.node);
    let Some(command) = arguments.what.command() else { return show(&node) };
    let path = arguments.key.as_ref();
    let path = path.ok_or_else(|| Failure::Usage("--key: the owner's key is needed".into()))?;
    let key = KeyFile::read(path)?;
    let status = node.status()?;
    let chain =
        match &arguments.genesis {
            Some(path) => read_genesis(path)?.chain_id(),
            None => ChainId(hex::decode_32(&status.chain).ok_or_else(|| {
                Failure::Broken(format!("{}: its chain's id is none", node.url()))
            })?),
        };
    if hex::encode(&chain.0) != status.chain {
        return Err(Failure::Broken(format!("{}: of another chain", node.url())));
    }
    let owner = node.owner(&key.public_key())?;
    let (id, account) = (SignerId(owner.signer), AccountId(owner.account));
    let mut author = Author::new(key.signer(), chain, id, account);
    let signed = author.sign(Command::Chain(Box::new(command)), now(), VALID);
    let patience = Duration::from_millis(VALID.0.unsigned_abs());
    let taken = node.submit_until_taken(std::slice::from_ref(&signed), patience)?;
    if let Some(why) = taken.into_iter().find_map(|taken| taken.why) {
        return Err(Failure::Broken(format!("{}: refused: {why}", node.url())));
    }
    let (height, place) = wait(&node, &signed, status.height.saturating_add(1), patience)?;
    outcome(&node, height, place, id, account)
}

/// The block that has a command, and the command's place in it.
fn wait(
    node: &RemoteNode,
    signed: &SignedCommand,
    from: u64,
    patience: Duration,
) -> Result<(u64, u32), Failure> {
    let (began, wanted, mut next) = (Instant::now(), CommandId::of(signed), from);
    while began.elapsed() < patience {
        let frames = match node.blocks(next, 16) {
            Ok(frames) => frames,
            // Not there yet.
            Err(_) => {
                sleep(PAUSE);
                continue;
            }
        };
        for frame in frames {
            let block = Block::from_bytes(&frame.block);
            let block = block.map_err(|error| Failure::Broken(format!("block {next}: {error}")))?;
            let commands = (0..).zip(block.body().commands.iter());
            let found = commands.into_iter().find(|(_, known)| CommandId::of(known) == wanted);
            if let Some((place, _)) = found {
                return Ok((block.header().height, place));
            }
            next = block.header().height.saturating_add(1);
        }
    }
    Err(Failure::Broken("no final block had the command while it was good".to_string()))
}

/// What became of a command in a block.
fn outcome(
    node: &RemoteNode,
    height: u64,
    place: u32,
    id: SignerId,
    account: AccountId,
) -> Result<(), Failure> {
    let happened = events_of(node, height)?;
    for event in &happened.chain {
        if let ChainEvent::Refused { item, signer, reject } = event
            && (*item, *signer) == (place, id)
        {
            return Err(Failure::Broken(format!("block {height}: refused: {reject}")));
        }
    }
    for event in &happened.venue {
        if let Event::Rejected { account: of, reject, .. } = event
            && *of == account
        {
            return Err(Failure::Broken(format!("block {height}: refused: {reject}")));
        }
    }
    output::line(&format!("done in block {height}"))
}

fn show(node: &RemoteNode) -> Result<(), Failure> {
    let shown = |amount: u64| {
        let value = i64::try_from(amount).unwrap_or(i64::MAX);
        decimal::Decimal { value, places: PLACES }.to_string()
    };
    for known in node.validators()? {
        let standing = match (known.tombstoned, known.jailed_until_ms) {
            (true, _) => "out for ever".to_string(),
            (false, Some(until)) => format!("jailed until {until} ms"),
            (false, None) => "may be elected".to_string(),
        };
        output::line(&format!(
            "validator {} of signer {}: stake {}, commission {} ppm, {} seats, {standing}, keys {}",
            known.id,
            known.owner,
            shown(known.stake),
            known.commission_ppm,
            known.seats,
            known.keys.join(" "),
        ))?;
    }
    Ok(())
}
