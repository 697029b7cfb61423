//! `lockstep testnet init`: all files of a network of several hosts.
//!
//! ```text
//! DIR/genesis.bin                 the chain
//! DIR/traders.key, faucet.key     keys of its traders and of the faucet
//! DIR/host-N/node.toml            how validator N runs, beside genesis.bin and validator.key
//! DIR/host-N/data                 its blocks and state, marked as those that the chain begins with
//! DIR/host-N/lockstep.service     a unit for systemd
//! DIR/compose.yaml                all of them as containers on one host
//! ```
//!
//! Invariants: nothing is written over; secrets are in files that only their owner reads, and in
//! no other. Deliberately absent: carrying the folders to their hosts.

use crate::devnet::files::{Plan, TRADERS, make_genesis};
use crate::devnet::{Prices, now};
use crate::failure::Failure;
use crate::output;
use clap::{Args, Subcommand};
use lockstep_client::{KeyFile, hex};
use lockstep_ledger::{Genesis, GenesisOwner};
use lockstep_node::host::found;
use lockstep_types::chain::params::SEATS_MAX;
use lockstep_types::chain::{ChainParams, Stake};
use lockstep_types::codec::{Bounded, Encode as _};
use lockstep_types::units::Usd;
use std::fmt::Write as _;
use std::fs;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::{Path, PathBuf};

/// Validators of a network at most: seats of a committee.
const VALIDATORS_MAX: u16 = 128;
/// Between the port for validators and the one for HTTP.
const RPC_PORT_OFFSET: u16 = 1_000;
/// Free stake of each validator's owner, beside what is bonded.
const FREE_STAKE: Stake = Stake(10_000_000_000);
/// Free stake of each candidate: twice what a validator has bonded.
const CANDIDATE_STAKE: Stake = Stake(20_000_000_000);
/// What opens a candidate's account.
const CANDIDATE_DEPOSIT: Usd = Usd(1_000_000_000);
/// Stake that the faucet has to hand out.
const FAUCET_STAKE: Stake = Stake(1_000_000_000_000);
/// The faucet's own deposit, which opens its account.
const FAUCET_DEPOSIT: Usd = Usd(1_000_000);

/// Arguments of `lockstep testnet`.
#[derive(Clone, Debug, Subcommand)]
pub enum Arguments {
    /// Make keys, genesis, and for each host a configuration and a service.
    Init(InitArguments),
}

/// Arguments of `lockstep testnet init`.
#[derive(Args, Clone, Debug)]
pub struct InitArguments {
    /// Validators.
    #[arg(long, value_name = "N", default_value_t = 4,
          value_parser = clap::value_parser!(u16).range(1..=i64::from(VALIDATORS_MAX)))]
    validators: u16,
    /// Hosts beyond them: known to all, with free stake, and no validators until they register.
    #[arg(long, value_name = "N", default_value_t = 0,
          value_parser = clap::value_parser!(u16).range(0..=i64::from(VALIDATORS_MAX)))]
    candidates: u16,
    /// Seats of a committee.
    #[arg(long, value_name = "N", default_value_t = ChainParams::default().seats,
          value_parser = clap::value_parser!(u16).range(1..=i64::from(SEATS_MAX)))]
    seats: u16,
    /// Final blocks that stay on disk; without it, all.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    kept_blocks: Option<u32>,
    /// The folder, which must not be there yet.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Addresses or names of the hosts; validators are spread over them in turn.
    #[arg(long, value_name = "HOST,...", value_delimiter = ',', default_value = "127.0.0.1")]
    hosts: Vec<String>,
    /// Port of a host's first validator; the next ones follow.
    #[arg(long, value_name = "PORT", default_value_t = 42_000)]
    base_port: u16,
    /// The chain's name.
    #[arg(long, value_name = "NAME", default_value = "testnet")]
    name: String,
    /// Where prices come from at first; hosts may be configured otherwise later.
    #[arg(long, value_enum, default_value_t = Prices::Walk)]
    prices: Prices,
    /// Answer over HTTP on all addresses of a host, not on the loopback one alone.
    #[arg(long)]
    open_rpc: bool,
    /// Blocks of an epoch: with each a committee is elected.
    #[arg(long, value_name = "N", default_value_t = 4_096,
          value_parser = clap::value_parser!(u32).range(4..=1 << 24))]
    epoch_blocks: u32,
}

/// One validator's place.
struct Place {
    key: KeyFile,
    host: String,
    port: u16,
}

impl Place {
    fn address(&self) -> String {
        // Addresses of the sixth version have colons of their own.
        match self.host.parse() {
            Ok(IpAddr::V6(address)) => format!("[{address}]:{}", self.port),
            _ => format!("{}:{}", self.host, self.port),
        }
    }

    /// The address on which to listen: the loopback one if it is that, otherwise all.
    fn listen(&self) -> IpAddr {
        match self.host.parse::<IpAddr>() {
            Ok(address) if address.is_loopback() => address,
            Ok(IpAddr::V6(_)) => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
            _ => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        }
    }
}

/// Runs `lockstep testnet init`.
pub fn run(Arguments::Init(arguments): &Arguments) -> Result<(), Failure> {
    let out = &arguments.out;
    if out.exists() {
        let why = format!("--out: {} is there already and is not written over", out.display());
        return Err(Failure::Usage(why));
    }
    let ports = places(arguments)?;
    fs::create_dir_all(out).map_err(Failure::file(out))?;
    let mut all = Vec::new();
    for (index, (host, port)) in ports.into_iter().enumerate() {
        let folder = host_folder(out, index);
        fs::create_dir(&folder).map_err(Failure::file(&folder))?;
        let key = KeyFile::create(&folder.join("validator.key"))?;
        all.push(Place { key, host, port });
    }
    let traders = KeyFile::create(&out.join("traders.key"))?;
    let faucet = KeyFile::create(&out.join("faucet.key"))?;
    let genesis = genesis(arguments, &all, &traders, &faucet)?;
    write(&out.join("genesis.bin"), &genesis.to_bytes())?;
    write(&out.join("compose.yaml"), compose(&all).as_bytes())?;
    for (index, place) in all.iter().enumerate() {
        let folder = host_folder(out, index);
        write(&folder.join("genesis.bin"), &genesis.to_bytes())?;
        write(&folder.join("node.toml"), node_toml(arguments, place, &all).as_bytes())?;
        write(&folder.join("lockstep.service"), service(index).as_bytes())?;
        let data = folder.join("data");
        fs::create_dir(&data).map_err(Failure::file(&data))?;
        found(&data).map_err(Failure::file(&data))?;
    }
    output::line(&format!(
        "chain {} with {} validators in {}",
        hex::encode(&genesis.chain_id().0),
        arguments.validators,
        out.display(),
    ))?;
    for (index, place) in all.iter().enumerate() {
        let key = hex::encode(&place.key.public_key());
        output::line(&format!("host-{index}: {key} at {}", place.address()))?;
    }
    Ok(())
}

/// Host and port of each validator.
fn places(arguments: &InitArguments) -> Result<Vec<(String, u16)>, Failure> {
    let hosts = &arguments.hosts;
    let is_name = |host: &String| {
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-.:".contains(&byte);
        !host.is_empty() && host.bytes().all(is_plain)
    };
    if let Some(host) = hosts.iter().find(|host| !is_name(host)) {
        return Err(Failure::Usage(format!("--hosts: {host:?} is neither address nor name")));
    }
    let count = u16::try_from(hosts.len().max(1)).unwrap_or(u16::MAX);
    let too_high = || Failure::Usage("--base-port: too high for so many ports".to_string());
    let validators = arguments.validators.saturating_add(arguments.candidates);
    (0..validators)
        .map(|index| {
            let host = hosts.get(usize::from(index % count)).cloned().unwrap_or_default();
            let port = arguments.base_port.checked_add(index / count).ok_or_else(too_high)?;
            port.checked_add(RPC_PORT_OFFSET).ok_or_else(too_high)?;
            Ok((host, port))
        })
        .collect()
}

fn host_folder(out: &Path, index: usize) -> PathBuf {
    out.join(format!("host-{index}"))
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    fs::write(path, bytes).map_err(Failure::file(path))
}

fn genesis(
    arguments: &InitArguments,
    all: &[Place],
    traders: &KeyFile,
    faucet: &KeyFile,
) -> Result<Genesis, Failure> {
    let wrong = |error: &dyn std::fmt::Display| Failure::Broken(format!("genesis: {error}"));
    let prices = arguments.prices;
    let epoch_blocks = arguments.epoch_blocks;
    let (seated, candidates) = all.split_at(all.len().min(usize::from(arguments.validators)));
    let plan = Plan { validators: seated.len(), prices, traders: TRADERS, epoch_blocks };
    let seeds: Vec<[u8; 32]> = seated.iter().map(|place| place.key.seed()).collect();
    let mut genesis = make_genesis(&plan, &seeds, traders.seed(), now())?;
    genesis.chain.seats = arguments.seats;
    let mut owners = genesis.owners.to_vec();
    for owner in owners.iter_mut().take(seated.len()) {
        let sum = owner.stake.checked_add(FREE_STAKE);
        owner.stake = sum.ok_or_else(|| wrong(&"too much stake"))?;
    }
    for candidate in candidates {
        let (key, deposit) = (candidate.key.public_key(), CANDIDATE_DEPOSIT);
        owners.push(GenesisOwner { key, sub: 0, deposit, stake: CANDIDATE_STAKE });
    }
    let (key, deposit, stake) = (faucet.public_key(), FAUCET_DEPOSIT, FAUCET_STAKE);
    owners.push(GenesisOwner { key, sub: 0, deposit, stake });
    genesis.owners = Bounded::new(owners).map_err(|error| wrong(&error))?;
    genesis.faucet = Some(key);
    let name = arguments.name.as_bytes().to_vec();
    genesis.name =
        Bounded::new(name).map_err(|error| Failure::Usage(format!("--name: {error}")))?;
    // What nobody could start from is not written.
    lockstep_ledger::Ledger::genesis(&genesis).map_err(|error| wrong(&error))?;
    Ok(genesis)
}

fn node_toml(arguments: &InitArguments, place: &Place, all: &[Place]) -> String {
    let listen = place.listen();
    let loopback = IpAddr::V4(Ipv4Addr::LOCALHOST);
    let rpc = if arguments.open_rpc { listen } else { loopback };
    let prices = match arguments.prices {
        Prices::Walk => "walk",
        Prices::Crash => "crash",
    };
    let socket = |address: IpAddr, port: u16| std::net::SocketAddr::new(address, port);
    let mut text = format!(
        "# Validator {} at {}. Paths are relative to this file.\n\
         genesis = \"genesis.bin\"\n\
         key = \"validator.key\"\n\
         data = \"data\"\n\
         listen = \"{}\"\n\
         rpc = \"{}\"\n\
         \n\
         [feed]\n\
         interval_ms = 500\n\
         \n\
         [[feed.sources]]\n\
         kind = \"test\"\n\
         prices = \"{prices}\"\n",
        hex::encode(&place.key.public_key()),
        place.address(),
        socket(listen, place.port),
        socket(rpc, place.port + RPC_PORT_OFFSET),
    );
    if let Some(kept) = arguments.kept_blocks {
        // Writing into a text cannot fail.
        let _ = write!(text, "\n[blocks]\nkept = {kept}\n");
    }
    for peer in all {
        let key = hex::encode(&peer.key.public_key());
        // Writing into a text cannot fail.
        let _ = write!(text, "\n[[peers]]\nkey = \"{key}\"\naddress = \"{}\"\n", peer.address());
    }
    text
}

fn service(index: usize) -> String {
    format!(
        "[Unit]\n\
         Description=Lockstep validator {index}\n\
         Wants=network-online.target\n\
         After=network-online.target\n\
         \n\
         [Service]\n\
         ExecStart=/usr/local/bin/lockstep node --config /var/lib/lockstep/node.toml\n\
         User=lockstep\n\
         Restart=on-failure\n\
         RestartSec=1\n\
         TimeoutStopSec=30\n\
         LimitNOFILE=65536\n\
         NoNewPrivileges=true\n\
         ProtectSystem=strict\n\
         ProtectHome=true\n\
         PrivateTmp=true\n\
         ReadWritePaths=/var/lib/lockstep\n\
         \n\
         [Install]\n\
         WantedBy=multi-user.target\n"
    )
}

/// Containers on one host's own network: ports are those of the configurations.
fn compose(all: &[Place]) -> String {
    let mut text =
        "# The image has the binary; build or name one of your own.\nservices:\n".to_string();
    for index in 0..all.len() {
        // Writing into a text cannot fail.
        let _ = write!(
            text,
            "  validator-{index}:\n    \
             image: ${{LOCKSTEP_IMAGE:-lockstep}}\n    \
             command: [\"lockstep\", \"node\", \"--config\", \"/var/lib/lockstep/node.toml\"]\n    \
             user: \"${{LOCKSTEP_USER:-1000:1000}}\"\n    \
             network_mode: host\n    \
             restart: on-failure\n    \
             stop_grace_period: 30s\n    \
             volumes:\n      \
             - ./host-{index}:/var/lib/lockstep\n"
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(host: &str) -> Place {
        Place { key: KeyFile::from_seed([1; 32]), host: host.to_string(), port: 7 }
    }

    #[test]
    fn addresses_are_those_of_either_version_or_names() {
        for (host, address, listen) in [
            ("127.0.0.1", "127.0.0.1:7", "127.0.0.1"),
            ("10.0.0.5", "10.0.0.5:7", "0.0.0.0"),
            ("fd00::1", "[fd00::1]:7", "::"),
            ("node-1.example", "node-1.example:7", "0.0.0.0"),
        ] {
            assert_eq!(place(host).address(), address);
            assert_eq!(place(host).listen().to_string(), listen);
        }
    }

    #[test]
    fn candidates_have_free_stake_and_no_seat() {
        let arguments = InitArguments {
            validators: 2,
            candidates: 1,
            seats: 2,
            kept_blocks: Some(7),
            out: PathBuf::from("unused"),
            hosts: vec!["127.0.0.1".to_string()],
            base_port: 42_000,
            name: "trial".to_string(),
            prices: Prices::Walk,
            open_rpc: false,
            epoch_blocks: 64,
        };
        let ports = places(&arguments).unwrap();
        let all: Vec<Place> = (1..)
            .zip(ports)
            .map(|(seed, (host, port))| Place { key: KeyFile::from_seed([seed; 32]), host, port })
            .collect();
        assert_eq!(all.len(), 3, "each has a place");
        let [traders, faucet] = [8, 9].map(|seed| KeyFile::from_seed([seed; 32]));
        let genesis = genesis(&arguments, &all, &traders, &faucet).unwrap();
        let ledger = lockstep_ledger::Ledger::genesis(&genesis).unwrap();
        assert_eq!(ledger.committee(0).unwrap().seats.len(), 2);
        let free = |place: &Place| {
            let signer = ledger.exchange().signer_of(place.key.public_key()).unwrap();
            ledger.free_stake(signer)
        };
        assert_eq!(
            all.iter().map(free).collect::<Vec<_>>(),
            [FREE_STAKE, FREE_STAKE, CANDIDATE_STAKE]
        );
        let text = node_toml(&arguments, &all[2], &all);
        let config = super::super::config::NodeConfig::parse(&text, Path::new("")).unwrap();
        assert_eq!((config.blocks.kept, config.peers.len()), (Some(7), 3));
    }
}
