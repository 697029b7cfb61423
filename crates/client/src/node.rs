//! A node over HTTP: what it is asked, and how often.
//!
//! Invariants: a request and its answer have limits of time and size; commands that are brought
//! again are the same bytes, so that no command is executed twice. Deliberately absent: belief; see
//! the crate's own words.

use crate::answer::{Complaint, Owner, Roots, Seated, Status, Taken};
use crate::frames::Frame;
use crate::happened::Happened;
use crate::hex;
use crate::limits::{ANSWER_BYTES_MAX, BODY_BYTES_MAX, COMMANDS_MAX, HEAD_BYTES_MAX};
use lockstep_types::codec::{Bounded, Encode as _};
use lockstep_types::envelope::SignedCommand;
use serde::de::DeserializeOwned;
use std::fmt;
use std::thread::sleep;
use std::time::{Duration, Instant};
use ureq::http::Response;
use ureq::{Agent, Body};

/// How long a request may take.
const REQUEST_TIME_MAX: Duration = Duration::from_secs(15);
/// The first pause before commands are brought again; it doubles each time.
const PAUSE_MIN: Duration = Duration::from_millis(50);
/// The longest pause.
const PAUSE_MAX: Duration = Duration::from_secs(2);

/// Why a node did not answer what was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NodeError {
    /// It was not reached, or broke off.
    Unreachable {
        /// Its address.
        url: String,
        /// What happened.
        why: String,
    },
    /// It refused the request.
    Refused {
        /// Its address.
        url: String,
        /// The status code of its answer.
        status: u16,
        /// What is wrong with the request, if it said so.
        complaint: Option<Complaint>,
    },
    /// What it said makes no sense.
    Answer {
        /// Its address.
        url: String,
        /// Why not.
        why: String,
    },
    /// The request exceeds a limit, and was not sent.
    TooMuch {
        /// What of it.
        field: &'static str,
        /// The limit.
        limit: usize,
    },
}

impl fmt::Display for NodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreachable { url, why } => write!(f, "{url}: not reached: {why}"),
            Self::Refused { url, status, complaint: Some(complaint) } => {
                write!(f, "{url}: refused ({status}): {}: {}", complaint.field, complaint.why)
            }
            Self::Refused { url, status, complaint: None } => {
                write!(f, "{url}: refused ({status})")
            }
            Self::Answer { url, why } => write!(f, "{url}: the answer makes no sense: {why}"),
            Self::TooMuch { field, limit } => write!(f, "{field}: at most {limit} at once"),
        }
    }
}

impl std::error::Error for NodeError {}

impl NodeError {
    /// Whether the same request may do better later.
    #[must_use]
    pub fn may_pass(&self) -> bool {
        match self {
            Self::Unreachable { .. } => true,
            Self::Refused { status, .. } => *status >= 500,
            Self::Answer { .. } | Self::TooMuch { .. } => false,
        }
    }
}

/// A node that is asked over HTTP. Clones share connections.
#[derive(Clone, Debug)]
pub struct RemoteNode {
    agent: Agent,
    url: String,
}

impl RemoteNode {
    /// The node at an address such as `http://127.0.0.1:43000`; nothing is asked yet.
    #[must_use]
    pub fn new(url: &str) -> Self {
        Self::within(url, REQUEST_TIME_MAX)
    }

    /// The same, for callers that rather turn to another node than wait longer than `time_max` for
    /// an answer.
    #[must_use]
    pub fn within(url: &str, time_max: Duration) -> Self {
        let config = Agent::config_builder()
            .timeout_global(Some(time_max))
            .http_status_as_error(false)
            .max_response_header_size(HEAD_BYTES_MAX)
            .max_redirects(0)
            .proxy(None)
            .build();
        Self { agent: config.into(), url: url.trim_end_matches('/').to_string() }
    }

    /// Its address.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    fn unreachable(&self, error: impl fmt::Display) -> NodeError {
        NodeError::Unreachable { url: self.url.clone(), why: error.to_string() }
    }

    fn nonsense(&self, error: impl fmt::Display) -> NodeError {
        NodeError::Answer { url: self.url.clone(), why: error.to_string() }
    }

    fn read(&self, answer: Result<Response<Body>, ureq::Error>) -> Result<Vec<u8>, NodeError> {
        let mut answer = answer.map_err(|error| self.unreachable(error))?;
        let status = answer.status().as_u16();
        let body = answer.body_mut().with_config().limit(ANSWER_BYTES_MAX).read_to_vec();
        let bytes = body.map_err(|error| self.unreachable(error))?;
        if status == 200 {
            return Ok(bytes);
        }
        let complaint = serde_json::from_slice(&bytes).ok();
        Err(NodeError::Refused { url: self.url.clone(), status, complaint })
    }

    fn get(&self, path: &str) -> Result<Vec<u8>, NodeError> {
        self.read(self.agent.get(format!("{}{path}", self.url)).call())
    }

    fn get_json<T: DeserializeOwned>(&self, path: &str) -> Result<T, NodeError> {
        serde_json::from_slice(&self.get(path)?).map_err(|error| self.nonsense(error))
    }

    /// How it fares.
    ///
    /// # Errors
    /// When it does not answer.
    pub fn status(&self) -> Result<Status, NodeError> {
        self.get_json("/v1/status")
    }

    /// Names and roots of a final block.
    ///
    /// # Errors
    /// When it does not answer, or has no such block.
    pub fn roots(&self, height: u64) -> Result<Roots, NodeError> {
        self.get_json(&format!("/v1/roots/{height}"))
    }

    /// What it says of a key's owner.
    ///
    /// # Errors
    /// When it does not answer, or knows no such owner.
    pub fn owner(&self, key: &[u8; 32]) -> Result<Owner, NodeError> {
        self.get_json(&format!("/v1/owners/{}", hex::encode(key)))
    }

    /// What it says of all validators.
    ///
    /// # Errors
    /// When it does not answer.
    pub fn validators(&self) -> Result<Vec<Seated>, NodeError> {
        self.get_json("/v1/validators")
    }

    /// The genesis, encoded.
    ///
    /// # Errors
    /// When it does not answer.
    pub fn genesis(&self) -> Result<Vec<u8>, NodeError> {
        self.get("/v1/genesis")
    }

    /// Final blocks from a height on, as many as fit an answer, `limit` at most; at least one.
    ///
    /// # Errors
    /// When it does not answer, or has no block of that height yet.
    pub fn blocks(&self, from: u64, limit: u64) -> Result<Vec<Frame>, NodeError> {
        let bytes = self.get(&format!("/v1/blocks?from={from}&limit={limit}"))?;
        Frame::read_all(&bytes).map_err(|error| self.nonsense(error))
    }

    /// Handovers from the one that ends an epoch on, encoded one after the other; nothing if that
    /// epoch has not ended.
    ///
    /// # Errors
    /// When it does not answer.
    pub fn handovers(&self, from: u64) -> Result<Vec<u8>, NodeError> {
        self.get(&format!("/v1/handovers?from={from}"))
    }

    /// What a recent block caused.
    ///
    /// # Errors
    /// When it does not answer, or keeps the block's events no more.
    pub fn events(&self, height: u64) -> Result<Happened, NodeError> {
        let bytes = self.get(&format!("/v1/events/{height}"))?;
        Happened::read(&bytes).map_err(|error| self.nonsense(error))
    }

    /// A proof, as `lockstep verify` reads it; `what` is the path's last part, such as `account/7`.
    ///
    /// # Errors
    /// When it does not answer.
    pub fn proof(&self, what: &str) -> Result<Vec<u8>, NodeError> {
        self.get(&format!("/v1/proof/{what}"))
    }

    /// Brings commands once; what became of each.
    ///
    /// # Errors
    /// When they are too many, or the node does not answer.
    pub fn submit(&self, commands: &[SignedCommand]) -> Result<Vec<Taken>, NodeError> {
        let bytes = encoded(commands)?;
        self.post(&bytes, commands.len())
    }

    fn post(&self, bytes: &[u8], count: usize) -> Result<Vec<Taken>, NodeError> {
        let answer = self.agent.post(format!("{}/v1/commands", self.url)).send(bytes);
        let taken: Vec<Taken> =
            serde_json::from_slice(&self.read(answer)?).map_err(|error| self.nonsense(error))?;
        if taken.len() != count {
            let why = format!("{} answers to {count} commands", taken.len());
            return Err(self.nonsense(why));
        }
        Ok(taken)
    }

    /// Brings commands until each has been taken or refused for good, for `patience` at most. The
    /// same bytes are sent again; the node knows a command that it has and counts it as taken.
    ///
    /// # Errors
    /// When time is over, or the node refuses the request as a whole.
    pub fn submit_until_taken(
        &self,
        commands: &[SignedCommand],
        patience: Duration,
    ) -> Result<Vec<Taken>, NodeError> {
        let bytes = encoded(commands)?;
        let (began, mut pause) = (Instant::now(), PAUSE_MIN);
        loop {
            let outcome = self.post(&bytes, commands.len());
            let is_over = began.elapsed().saturating_add(pause) > patience;
            let wants_more = match &outcome {
                Ok(taken) => taken.iter().any(is_full),
                Err(error) => error.may_pass(),
            };
            if !wants_more || is_over {
                return outcome;
            }
            sleep(pause);
            pause = pause.saturating_mul(2).min(PAUSE_MAX);
        }
    }
}

/// Whether a command was refused for want of room, which may come.
#[must_use]
pub fn is_full(taken: &Taken) -> bool {
    let code = taken.code.as_deref();
    matches!(code, Some("Signer" | "Commands" | "Bytes" | "Stopping"))
}

fn encoded(commands: &[SignedCommand]) -> Result<Vec<u8>, NodeError> {
    let list = Bounded::<SignedCommand, COMMANDS_MAX>::new(commands.to_vec());
    let too_many = |_| NodeError::TooMuch { field: "commands", limit: COMMANDS_MAX };
    let bytes = list.map_err(too_many)?.to_bytes();
    if bytes.len() > BODY_BYTES_MAX {
        return Err(NodeError::TooMuch { field: "bytes", limit: BODY_BYTES_MAX });
    }
    Ok(bytes)
}
