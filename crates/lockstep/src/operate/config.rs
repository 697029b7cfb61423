//! The file that says how a node runs: `lockstep node --config FILE`.
//!
//! Invariants: a field that is not known is refused, with its line; paths are relative to the file;
//! every number has limits. Deliberately absent: secrets, which are in a file of their own.

use crate::failure::Failure;
use lockstep_client::hex;
use serde::Deserialize;
use std::fs;
use std::net::{SocketAddr, ToSocketAddrs as _};
use std::path::{Path, PathBuf};

/// Threads of a node at most.
const THREADS_MAX: usize = 256;
/// Least time between reports, ms.
const REPORT_MS_MIN: u64 = 100;
/// Most time between reports, ms.
const REPORT_MS_MAX: u64 = 60_000;
/// Longest heartbeat, ms: well below the time after which a leader is skipped.
const HEARTBEAT_MS_MAX: u64 = 200;

/// How a node runs.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NodeConfig {
    /// The chain's genesis.
    pub genesis: PathBuf,
    /// The validator's key.
    pub key: PathBuf,
    /// Folder of blocks and state.
    pub data: PathBuf,
    /// Where other validators reach it.
    pub listen: SocketAddr,
    /// Where it answers over HTTP; nowhere if it is missing.
    pub rpc: Option<SocketAddr>,
    /// Threads.
    #[serde(default = "threads")]
    pub threads: usize,
    /// Blocks.
    #[serde(default)]
    pub blocks: BlocksConfig,
    /// The other validators; this one may be among them.
    pub peers: Vec<PeerConfig>,
    /// Reports of prices.
    #[serde(default)]
    pub feed: FeedConfig,
}

/// How blocks are made and kept.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct BlocksConfig {
    /// Least time between a block and its parent, ms.
    pub interval_ms_min: u64,
    /// Time after which an empty block is made, ms.
    pub heartbeat_ms: u64,
    /// How many final blocks are kept; all of them if it is missing.
    pub kept: Option<usize>,
}

impl Default for BlocksConfig {
    fn default() -> Self {
        Self { interval_ms_min: 20, heartbeat_ms: 100, kept: None }
    }
}

/// Another validator.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PeerConfig {
    /// Its public key.
    pub key: String,
    /// Host and port; a name is looked up once, when the node starts.
    pub address: String,
}

/// What is reported, and how often.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct FeedConfig {
    /// Between reports, ms.
    pub interval_ms: u64,
    /// A price that is older is not reported, ms.
    pub age_ms_max: i64,
    /// Where prices come from.
    pub sources: Vec<SourceConfig>,
}

impl Default for FeedConfig {
    fn default() -> Self {
        Self { interval_ms: 500, age_ms_max: 5_000, sources: Vec::new() }
    }
}

/// A source of prices.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, tag = "kind", rename_all = "lowercase")]
pub enum SourceConfig {
    /// All prices of a test network, invented: `walk` or `crash`.
    Test {
        /// Which.
        prices: TestPrices,
    },
    /// A recorded series of one underlying, played again and again from the chain's beginning on.
    File {
        /// The underlying's symbol.
        underlying: String,
        /// A file with rows `seconds,price`.
        path: PathBuf,
    },
    /// A price that is asked for again and again.
    Http {
        /// The underlying's symbol.
        underlying: String,
        /// The address that answers JSON.
        url: String,
        /// Where in it the price is, such as `/data/0/price` (RFC 6901).
        pointer: String,
        /// Between questions, ms.
        #[serde(default = "poll_ms")]
        interval_ms: u64,
    },
    /// A price that is told as it changes.
    WebSocket {
        /// The underlying's symbol.
        underlying: String,
        /// The address.
        url: String,
        /// What is said first, if anything.
        subscribe: Option<String>,
        /// Where in a message the price is; messages without one are passed over.
        pointer: String,
    },
}

impl SourceConfig {
    /// The underlying, if it is of one alone.
    pub fn underlying(&self) -> Option<&str> {
        match self {
            Self::Test { .. } => None,
            Self::File { underlying, .. }
            | Self::Http { underlying, .. }
            | Self::WebSocket { underlying, .. } => Some(underlying),
        }
    }
}

/// Invented prices.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TestPrices {
    /// Walked around a price each.
    Walk,
    /// The crash of October 2025.
    Crash,
}

fn poll_ms() -> u64 {
    1_000
}

fn threads() -> usize {
    2
}

fn out_of_range(
    field: &str,
    least: impl std::fmt::Display,
    most: impl std::fmt::Display,
) -> String {
    format!("{field}: from {least} to {most}")
}

impl NodeConfig {
    /// Reads a configuration.
    pub fn read(path: &Path) -> Result<Self, Failure> {
        let text = fs::read_to_string(path).map_err(Failure::file(path))?;
        let folder = path.parent().unwrap_or(Path::new(""));
        Self::parse(&text, folder)
            .map_err(|error| Failure::Broken(format!("{}: {error}", path.display())))
    }

    /// The configuration of a text whose file is in `folder`.
    pub fn parse(text: &str, folder: &Path) -> Result<Self, String> {
        let mut config: Self = toml::from_str(text).map_err(|error| error.to_string())?;
        for path in [&mut config.genesis, &mut config.key, &mut config.data] {
            *path = folder.join(&path);
        }
        for source in &mut config.feed.sources {
            if let SourceConfig::File { path, .. } = source {
                *path = folder.join(&path);
            }
        }
        config.check()?;
        Ok(config)
    }

    fn check(&self) -> Result<(), String> {
        if !(1..=THREADS_MAX).contains(&self.threads) {
            return Err(out_of_range("threads", 1, THREADS_MAX));
        }
        if !(REPORT_MS_MIN..=REPORT_MS_MAX).contains(&self.feed.interval_ms) {
            return Err(out_of_range("feed.interval_ms", REPORT_MS_MIN, REPORT_MS_MAX));
        }
        for (number, source) in self.feed.sources.iter().enumerate() {
            if let SourceConfig::Http { interval_ms, .. } = source
                && !(REPORT_MS_MIN..=REPORT_MS_MAX).contains(interval_ms)
            {
                let field = format!("feed.sources[{number}].interval_ms");
                return Err(out_of_range(&field, REPORT_MS_MIN, REPORT_MS_MAX));
            }
        }
        if self.feed.age_ms_max <= 0 {
            return Err("feed.age_ms_max: above 0".to_string());
        }
        let BlocksConfig { interval_ms_min: least, heartbeat_ms: most, kept } = self.blocks;
        if most > HEARTBEAT_MS_MAX {
            return Err(out_of_range("blocks.heartbeat_ms", 0, HEARTBEAT_MS_MAX));
        }
        if least > most {
            return Err(out_of_range("blocks.interval_ms_min", 0, most));
        }
        if kept == Some(0) {
            return Err("blocks.kept: above 0, or not there for all".to_string());
        }
        Ok(())
    }

    /// The other validators' keys and addresses; `me` is left out.
    pub fn others(&self, me: &[u8; 32]) -> Result<Vec<([u8; 32], SocketAddr)>, String> {
        let mut others = Vec::new();
        for (place, peer) in self.peers.iter().enumerate() {
            let key = hex::decode_32(&peer.key)
                .ok_or_else(|| format!("peers[{place}].key: not 64 hexadecimal digits"))?;
            if key == *me {
                continue;
            }
            let wrong = |why: &str| format!("peers[{place}].address: {}: {why}", peer.address);
            let mut found =
                peer.address.to_socket_addrs().map_err(|error| wrong(&error.to_string()))?;
            let address = found.next().ok_or_else(|| wrong("no such host"))?;
            others.push((key, address));
        }
        Ok(others)
    }
}
