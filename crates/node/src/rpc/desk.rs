//! Who answers: a node's blocks, state and door, as the questions need them.
//!
//! Invariant: what is long is made for so many at a time, and held until it has been sent.
//! Deliberately absent: sockets.

use super::Answer;
use super::ask::{Ask, Refused};
use super::recent::Recent;
use crate::application::Chain;
use crate::block::{BLOCK_BYTES_MAX, Block};
use crate::handovers::Registry;
use crate::header::Header;
use crate::host::{Counters, Notes};
use crate::intake::Door;
use crate::light::certified::{CERTIFICATE_BYTES_MAX, PATH_MAX};
use crate::light::prove::prove;
use crate::light::{Bundle, Certified, Claim};
use crate::mempool::{BYTES_MAX, COMMANDS_MAX, Mempool, Refusal, SIGNER_COMMANDS_MAX};
use crate::signatures::CommandId;
use crate::validator::Validator;
use bytes::Bytes;
use commonware_codec::Encode as _;
use commonware_consensus::marshal::Identifier;
use commonware_consensus::marshal::core::Mailbox as MarshalMailbox;
use commonware_consensus::marshal::standard::Standard;
use commonware_consensus::simplex::scheme::ed25519::Scheme;
use commonware_consensus::types::Height;
use commonware_glue::stateful::Mailbox as StatefulMailbox;
use commonware_runtime::Metrics as _;
use commonware_runtime::tokio::Context;
use http_body_util::{BodyExt as _, Limited};
use hyper::StatusCode;
use hyper::body::Incoming;
use lockstep_client::answer::{Owner, Seated};
use lockstep_client::frames::{self, Frame};
use lockstep_client::happened::write_events;
use lockstep_client::limits::{
    BODY_BYTES_MAX, COMMANDS_MAX as REQUEST_COMMANDS_MAX, LONG_ANSWERS_MAX, LONG_BODIES_MAX,
    PAGE_BYTES_MAX, PAGE_HANDOVERS_MAX, PROOFS_MAX, RECENT_BLOCKS_MAX,
};
use lockstep_client::{Roots, Status, Taken, hex};
use lockstep_ledger::state::leaves::Standing;
use lockstep_ledger::{Genesis, Ledger, ValidatorView};
use lockstep_types::codec::{Bounded, Decode as _, DecodeErrorKind, Encode as _};
use lockstep_types::envelope::SignedCommand;
use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

// Clients read what we write: their limits are ours.
const _: () = assert!(frames::BLOCK_BYTES_MAX == BLOCK_BYTES_MAX, "bytes of a block");
const _: () =
    assert!(frames::CERTIFICATE_BYTES_MAX == CERTIFICATE_BYTES_MAX, "bytes of a certificate");

/// How often a proof is made again because a block came in between.
const PROOF_TRIES: usize = 8;

/// What a node needs to answer for itself.
pub struct Parts {
    /// The chain.
    pub genesis: Arc<Genesis>,
    /// The node's public key.
    pub key: [u8; 32],
    /// Where its commands come in.
    pub mempool: Mempool,
    /// What it has noted.
    pub notes: Arc<Notes>,
    /// What recent blocks caused.
    pub recent: Arc<Recent>,
    /// The runtime, which counts.
    pub context: Context,
    /// Which of the process' validators it is.
    pub index: usize,
    /// Other validators that it knows.
    pub peers_known: usize,
}

/// Who answers for a node.
pub struct Desk {
    parts: Parts,
    genesis_bytes: Bytes,
    chain: Chain<Context>,
    marshal: MarshalMailbox<Scheme, Standard<Block>>,
    state: StatefulMailbox<Context, Chain<Context>>,
    door: Door,
    registry: Registry,
    proofs: Semaphore,
    long_answers: Arc<Semaphore>,
    long_bodies: Semaphore,
}

fn json(value: &impl serde::Serialize) -> Result<Answer, Refused> {
    let text = serde_json::to_vec(value);
    text.map(Answer::Json).map_err(|error| broken(error.to_string()))
}

fn broken(why: impl Into<String>) -> Refused {
    Refused::of(StatusCode::INTERNAL_SERVER_ERROR, "node", why)
}

fn stopping() -> Refused {
    Refused::of(StatusCode::SERVICE_UNAVAILABLE, "node", "it is stopping")
}

fn missing(field: &str, why: impl Into<String>) -> Refused {
    Refused::of(StatusCode::NOT_FOUND, field, why)
}

impl Desk {
    /// Who answers for a validator that runs here.
    #[must_use]
    pub fn new(parts: Parts, validator: &Validator<Context>) -> Self {
        Self {
            genesis_bytes: parts.genesis.to_bytes().into(),
            chain: validator.chain.clone(),
            marshal: validator.marshal.clone(),
            state: validator.state.clone(),
            door: validator.door.clone(),
            registry: validator.registry.clone(),
            proofs: Semaphore::new(PROOFS_MAX),
            long_answers: Arc::new(Semaphore::new(LONG_ANSWERS_MAX)),
            long_bodies: Semaphore::new(LONG_BODIES_MAX),
            parts,
        }
    }

    pub(super) async fn answer(&self, ask: Ask, body: Incoming) -> Result<Answer, Refused> {
        match ask {
            Ask::Status => self.status().await,
            Ask::Genesis => Ok(Answer::Bytes(self.genesis_bytes.clone(), None)),
            Ask::Metrics => Ok(Answer::Text(self.parts.context.encode())),
            Ask::Roots(height) => json(&roots(self.block(height).await?.header())),
            Ask::Block(height) => self.blocks(height, 1).await,
            Ask::Blocks(from, count) => self.blocks(from, count).await,
            Ask::Events(height) => self.events(height).await,
            Ask::Handovers(from) => self.handovers(from).await,
            Ask::Proof(claim) => self.proof(claim).await,
            Ask::Owner(key) => self.owner(key).await,
            Ask::Validators => self.validators().await,
            Ask::Submit => self.submit(body).await,
        }
    }

    /// Leave to make a long answer.
    async fn leave(&self) -> Result<OwnedSemaphorePermit, Refused> {
        Arc::clone(&self.long_answers).acquire_owned().await.map_err(|_| stopping())
    }

    async fn last(&self) -> Result<Header, Refused> {
        if let Some(header) = self.parts.recent.last() {
            return Ok(header);
        }
        let last = self.marshal.get_block(Identifier::Latest).await;
        let last = last.map(|block| block.inner_shared().header().clone());
        Ok(last.unwrap_or_else(|| self.chain.genesis_block().header().clone()))
    }

    async fn block(&self, height: u64) -> Result<Arc<Block>, Refused> {
        let found = self.marshal.get_block(Identifier::Height(Height::new(height))).await;
        if let Some(block) = found {
            return Ok(block.inner_shared());
        }
        let last = self.last().await?.height;
        let why = format!("no such final block is kept here; the last one is {last}");
        Err(missing("height", why))
    }

    /// How many peers the network counts as connected.
    fn peers(&self) -> u64 {
        let text = self.parts.context.encode();
        let index = format!("index=\"{}\"", self.parts.index);
        let is_peer = |line: &&str| {
            line.split_once('{').is_some_and(|(name, labels)| {
                name.ends_with("directory_connected") && labels.contains(&index)
            })
        };
        u64::try_from(text.lines().filter(is_peer).count()).unwrap_or(u64::MAX)
    }

    async fn status(&self) -> Result<Answer, Refused> {
        let header = self.last().await?;
        let roots = roots(&header);
        let genesis = &self.parts.genesis;
        let Counters { blocks, commands, skipped_views, offences, .. } =
            self.parts.notes.counters();
        let count = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
        json(&Status {
            version: env!("CARGO_PKG_VERSION").to_string(),
            chain: hex::encode(&genesis.chain_id().0),
            name: String::from_utf8_lossy(&genesis.name).into_owned(),
            validator: hex::encode(&self.parts.key),
            height: roots.height,
            time_ms: roots.time_ms,
            epoch: header.epoch,
            block: roots.block,
            state_root: roots.state_root,
            events_root: roots.events_root,
            peers: self.peers(),
            peers_known: count(self.parts.peers_known),
            mempool: count(self.parts.mempool.len()),
            blocks,
            commands,
            skipped_views,
            offences,
        })
    }

    /// The certificate of a height, if it has one of its own.
    async fn certificate(&self, height: u64) -> Vec<u8> {
        let found = self.marshal.get_finalization(Height::new(height)).await;
        found.map_or_else(Vec::new, |finalization| finalization.encode().to_vec())
    }

    async fn blocks(&self, from: u64, count: u64) -> Result<Answer, Refused> {
        let leave = self.leave().await?;
        let mut bytes = Vec::new();
        for height in (from..=u64::MAX).take(usize::try_from(count).unwrap_or(usize::MAX)) {
            let block = match self.block(height).await {
                Ok(block) => block,
                Err(refused) if height == from => return Err(refused),
                Err(_) => break,
            };
            let certificate = self.certificate(height).await;
            Frame { block: block.encode().to_vec(), certificate }.write(&mut bytes);
            if bytes.len() >= PAGE_BYTES_MAX {
                break;
            }
        }
        Ok(Answer::Bytes(bytes.into(), Some(leave)))
    }

    async fn events(&self, height: u64) -> Result<Answer, Refused> {
        let leave = self.leave().await?;
        let (found, first) = self.parts.recent.of(height);
        let events = found.ok_or_else(|| {
            let since = first.map_or_else(|| "none yet".to_string(), |first| first.to_string());
            let why = format!("events are kept of the latest blocks alone; the first is {since}");
            let limit = u64::try_from(RECENT_BLOCKS_MAX).unwrap_or(u64::MAX);
            Refused::beyond(StatusCode::NOT_FOUND, "height", limit, why)
        })?;
        let mut bytes = Vec::new();
        write_events(&events.venue, &mut bytes);
        write_events(&events.chain, &mut bytes);
        Ok(Answer::Bytes(bytes.into(), Some(leave)))
    }

    /// A final block by its certificate or that of a block soon after it.
    async fn certified(&self, height: u64) -> Result<Certified, Refused> {
        let mut headers: Vec<Header> = Vec::new();
        for above in (height..).take(PATH_MAX + 1) {
            let block = self.block(above).await?;
            if let Some(finalization) = self.marshal.get_finalization(Height::new(above)).await {
                headers.reverse();
                let made = Certified::of(block.header().clone(), headers, &finalization);
                return made.map_err(|error| broken(error.to_string()));
            }
            headers.push(block.header().clone());
        }
        let why = format!("no certificate within {PATH_MAX} blocks after it");
        Err(missing("height", why))
    }

    async fn handovers(&self, from: u64) -> Result<Answer, Refused> {
        let leave = self.leave().await?;
        let mut bytes = Vec::new();
        // The handover at the end of an epoch is kept by the epoch that it leads to.
        let mut next = from.saturating_add(1);
        let end = next.saturating_add(PAGE_HANDOVERS_MAX);
        while next < end {
            let found = self.registry.from(next).await;
            let Some(last) = found.last() else { break };
            let after = last.committee.epoch.saturating_add(1);
            found.iter().take_while(|one| one.committee.epoch < end).for_each(|handover| {
                handover.encode(&mut bytes);
            });
            next = after;
        }
        Ok(Answer::Bytes(bytes.into(), Some(leave)))
    }

    async fn proof(&self, claim: Claim) -> Result<Answer, Refused> {
        // The semaphore is never closed.
        let _leave = self.proofs.acquire().await.map_err(|_| stopping())?;
        let stores = self.state.subscribe_databases().await;
        let mut why = String::new();
        for _ in 0..PROOF_TRIES {
            let keys = self.chain.look(|ledger| claim.keys(ledger)).await.ok_or_else(stopping)?;
            let made = prove(stores.stores(), &keys).await;
            let made = made.map_err(|error| broken(error.to_string()))?;
            let certified = self.certified(made.height).await?;
            let chain = self.parts.genesis.chain_id();
            let bundle = Bundle { chain, certified, claim, state: made.state };
            let header = bundle.certified.header();
            let proven = bundle.state.verify(header);
            // A block that came in between has other leaves: then once more.
            match proven.and_then(|proven| claim.check(&proven, header)) {
                Ok(_) => {
                    let bytes = bundle.to_file().map_err(|error| broken(error.to_string()))?;
                    return Ok(Answer::Bytes(bytes.into(), None));
                }
                Err(error) => why = error.to_string(),
            }
        }
        Err(Refused::of(StatusCode::SERVICE_UNAVAILABLE, "proof", why))
    }

    async fn owner(&self, key: [u8; 32]) -> Result<Answer, Refused> {
        let look = |ledger: &Ledger| {
            let signer = ledger.exchange().signer_of(key)?;
            let account = ledger.exchange().account_of(key, 0)?;
            Some((signer, account, ledger.free_stake(signer)))
        };
        let found = self.chain.look(look).await.ok_or_else(stopping)?;
        let unknown = || missing("key", "nobody with it has a sub-account 0");
        let (signer, account, free) = found.ok_or_else(unknown)?;
        let key = hex::encode(&key);
        json(&Owner { key, signer: signer.0, account: account.0, free_stake: free.0 })
    }

    async fn validators(&self) -> Result<Answer, Refused> {
        let views = self.chain.look(Ledger::validators).await.ok_or_else(stopping)?;
        json(&views.iter().map(seated).collect::<Vec<_>>())
    }

    async fn submit(&self, body: Incoming) -> Result<Answer, Refused> {
        let _leave = self.long_bodies.acquire().await.map_err(|_| stopping())?;
        let limit = u64::try_from(BODY_BYTES_MAX).unwrap_or(u64::MAX);
        let collected = Limited::new(body, BODY_BYTES_MAX).collect().await;
        let bytes = collected.map(http_body_util::Collected::to_bytes).map_err(|error| {
            let (status, why) = (StatusCode::PAYLOAD_TOO_LARGE, format!("at most {limit} bytes"));
            if error.is::<http_body_util::LengthLimitError>() {
                return Refused::beyond(status, "body", limit, why);
            }
            Refused::of(StatusCode::BAD_REQUEST, "body", error.to_string())
        })?;
        type Commands = Bounded<SignedCommand, REQUEST_COMMANDS_MAX>;
        let commands = Commands::from_bytes(&bytes).map_err(|error| {
            let field = if error.field.is_empty() { "commands" } else { error.field };
            let mut refused = Refused::of(StatusCode::BAD_REQUEST, field, error.to_string());
            if let DecodeErrorKind::TooLong { limit, .. } = error.kind {
                refused.complaint.limit = u64::try_from(limit).ok();
            }
            refused
        })?;
        let commands = commands.into_vec();
        let ids: Vec<CommandId> = commands.iter().map(CommandId::of).collect();
        let answers = self.door.clone().submit(commands).await.map_err(|_| stopping())?;
        let outcomes = ids.iter().zip(answers).map(|(id, answer)| taken(*id, answer.err()));
        json(&outcomes.collect::<Vec<_>>())
    }
}

fn roots(header: &Header) -> Roots {
    Roots {
        height: header.height,
        time_ms: header.time.0,
        block: hex::encode(&header.digest()),
        state_root: hex::encode(&header.state_root),
        events_root: hex::encode(&header.events_root),
    }
}

fn seated(view: &ValidatorView) -> Seated {
    let record = &view.record;
    let jailed_until_ms = match record.standing {
        Standing::Jailed { until } => Some(until.0),
        _ => None,
    };
    Seated {
        id: view.id.0.into(),
        owner: record.owner.0,
        keys: record.keys.iter().map(|key| hex::encode(key)).collect(),
        stake: record.tokens.0,
        commission_ppm: record.commission.0,
        seats: view.seats.into(),
        tombstoned: matches!(record.standing, Standing::Tombstoned),
        jailed_until_ms,
    }
}

/// What became of a command.
fn taken(id: CommandId, refusal: Option<Refusal>) -> Taken {
    let limit = |limit: usize| u64::try_from(limit).ok();
    // Whoever brings a command again wants it in a block, and there it is on its way.
    let refusal = refusal.filter(|refusal| *refusal != Refusal::Known);
    let (field, limit) = match refusal {
        None | Some(Refusal::Known) => (None, None),
        Some(Refusal::Nonce) => (Some("nonce"), None),
        Some(Refusal::Signer) => (Some("signer"), limit(SIGNER_COMMANDS_MAX)),
        Some(Refusal::Commands) => (Some("mempool"), limit(COMMANDS_MAX)),
        Some(Refusal::Bytes) => (Some("mempool_bytes"), limit(BYTES_MAX)),
        Some(Refusal::TooLate) => (Some("valid_until"), None),
        Some(Refusal::Unknown) => (Some("signer"), None),
        Some(Refusal::Signature) => (Some("signature"), None),
        Some(Refusal::Stopping) => (Some("node"), None),
    };
    Taken {
        id: hex::encode(&id.0),
        accepted: refusal.is_none(),
        code: refusal.map(|refusal| format!("{refusal:?}")),
        field: field.map(str::to_string),
        limit,
        why: refusal.map(|refusal| refusal.to_string()),
    }
}
