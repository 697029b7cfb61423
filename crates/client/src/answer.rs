//! What nodes answer in JSON. Bytes are lower-case hexadecimal digits.
//!
//! Deliberately absent: whether any of it is true. A follower checks certificates.

use serde::{Deserialize, Serialize};

/// How a node fares: `GET /v1/status`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// Version of the node's software.
    pub version: String,
    /// The chain's id.
    pub chain: String,
    /// The chain's name.
    pub name: String,
    /// The node's public key.
    pub validator: String,
    /// The highest final block that the node has executed.
    pub height: u64,
    /// The chain's clock after it, ms since 1970.
    pub time_ms: i64,
    /// Its epoch.
    pub epoch: u64,
    /// Digest of its header.
    pub block: String,
    /// Root of the state after it.
    pub state_root: String,
    /// Root over its events.
    pub events_root: String,
    /// Other validators that the node is connected to.
    pub peers: u64,
    /// Other validators that it knows.
    pub peers_known: u64,
    /// Commands that wait for a block.
    pub mempool: u64,
    /// Final blocks since the node started.
    pub blocks: u64,
    /// Commands in them.
    pub commands: u64,
    /// Views that were skipped since.
    pub skipped_views: u64,
    /// Offences that were seen since.
    pub offences: u64,
}

/// Names and roots of a final block: `GET /v1/roots/{height}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Roots {
    /// Its height.
    pub height: u64,
    /// The chain's clock after it, ms since 1970.
    pub time_ms: i64,
    /// Digest of its header.
    pub block: String,
    /// Root of the state after it.
    pub state_root: String,
    /// Root over its events.
    pub events_root: String,
}

/// What became of one command: `POST /v1/commands` answers a list of these, in their order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Taken {
    /// The command's name: blake3 of its encoding.
    pub id: String,
    /// Whether it waits for a block: it was taken now, or it was known already.
    pub accepted: bool,
    /// Why not, by name.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub code: Option<String>,
    /// What is wrong with it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub field: Option<String>,
    /// The limit that it would exceed.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub limit: Option<u64>,
    /// In words.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub why: Option<String>,
}

/// The body of every answer that is an error.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Complaint {
    /// What of the request is wrong.
    pub field: String,
    /// The limit that it exceeds.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub limit: Option<u64>,
    /// In words.
    pub why: String,
}

/// An owner of accounts, as the state knows it: `GET /v1/owners/{key}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Owner {
    /// Its public key.
    pub key: String,
    /// Its number as a signer.
    pub signer: u32,
    /// The number of its sub-account 0, with which it speaks to the chain.
    pub account: u32,
    /// Stake that it may delegate, millionths.
    pub free_stake: u64,
}

/// A validator, as the state knows it: `GET /v1/validators` answers a list of these.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seated {
    /// Its number.
    pub id: u32,
    /// Its owner's number as a signer.
    pub owner: u32,
    /// Its keys.
    pub keys: Vec<String>,
    /// Stake bonded to it, millionths.
    pub stake: u64,
    /// Its commission, ppm.
    pub commission_ppm: i64,
    /// Seats in the present committee.
    pub seats: u64,
    /// Whether it is out for ever.
    pub tombstoned: bool,
    /// Until when it is jailed, ms since 1970.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub jailed_until_ms: Option<i64>,
}
