//! The auditor: a state machine, a light client and a store of its own, one block at a time.

use super::snapshot::Snapshot;
use super::{AuditError, Audited, Beginning, Care, failed};
use crate::application::{genesis_block, hash, next_named};
use crate::block::Block;
use crate::committees::{leader_of, scheme_of};
use crate::head::{Base, Head, StepKey};
use crate::header::Header;
use crate::items;
use crate::light::{Certified, Handover, LightClient, ProofError};
use crate::randomness::Randomness;
use crate::signatures::Signatures;
use crate::store::{PAGE_BYTES, Stores, store_config};
use commonware_glue::stateful::db::{DatabaseSet as _, Merkleized as _};
use commonware_runtime::Supervisor as _;
use commonware_runtime::buffer::paged::CacheRef;
use commonware_runtime::tokio::Context;
use commonware_utils::NZUsize;
use lockstep_client::frames::Frame;
use lockstep_ledger::{Genesis, Ledger};
use lockstep_types::codec::Bounded;
use lockstep_types::envelope::ChainId;
use lockstep_types::ids::AccountId;
use std::fmt::Display;

/// Pages of its store that the auditor has in memory.
const PAGES: usize = 4_096;

/// What is wrong with a block: which part of it, and why.
struct Fault(String, String);

fn fault(field: impl Into<String>, why: impl Display) -> Fault {
    Fault(field.into(), why.to_string())
}

impl From<ProofError> for Fault {
    fn from(error: ProofError) -> Self {
        // The light client's words begin with what they are about.
        let text = error.to_string();
        match text.split_once(": ") {
            Some((field, why)) => fault(field, why),
            None => fault("certificate", text),
        }
    }
}

impl Fault {
    fn at(self, height: u64) -> AuditError {
        AuditError::Broken { height, field: self.0, why: self.1 }
    }
}

/// Where an audit begins.
struct Start {
    client: LightClient,
    ledger: Ledger,
    stores: Stores<Context>,
    last: Header,
}

impl Start {
    async fn at_genesis(context: &Context, genesis: &Genesis) -> Result<Self, AuditError> {
        let first = genesis_block::<Context>(genesis).map_err(failed)?;
        let pages = CacheRef::new(PAGE_BYTES, NZUsize!(PAGES));
        let config = store_config("audit", pages);
        Ok(Self {
            client: LightClient::new(genesis).map_err(failed)?,
            ledger: Ledger::genesis(genesis).map_err(failed)?,
            stores: Stores::init(context.child("state"), config, None).await,
            last: first.header().clone(),
        })
    }

    async fn at_snapshot(
        context: &Context,
        genesis: &Genesis,
        snapshot: &Snapshot,
    ) -> Result<Self, AuditError> {
        let mut client = snapshot.client(genesis)?;
        let (stores, ledger) = snapshot.state(context, "audit").await?;
        let last = snapshot.certified.header().clone();
        let next = ledger.committee(last.epoch.saturating_add(1));
        if let Some(committee) = next.filter(|_| last.next.is_some()).cloned() {
            let handover = Handover { last: snapshot.certified.clone(), committee };
            client.advance(&handover, &mut rand::rng()).map_err(failed)?;
        }
        Ok(Self { client, ledger, stores, last })
    }
}

/// Who audits.
pub(super) struct Auditor {
    chain: ChainId,
    care: Care,
    client: LightClient,
    signatures: Signatures,
    head: Head,
    stores: Stores<Context>,
    last: Header,
    audited: Audited,
}

impl Auditor {
    /// An auditor who believes the genesis alone.
    pub(super) async fn new(
        context: &Context,
        beginning: Beginning<'_>,
        care: Care,
    ) -> Result<Self, AuditError> {
        let Beginning { genesis, snapshot } = beginning;
        let Start { client, ledger, stores, last } = match snapshot {
            Some(snapshot) => Start::at_snapshot(context, genesis, snapshot).await?,
            None => Start::at_genesis(context, genesis).await?,
        };
        let (height, epoch, time) = (last.height, last.epoch, last.time);
        let state_root = last.state_root;
        Ok(Self {
            chain: genesis.chain_id(),
            care,
            client,
            signatures: Signatures::default(),
            head: Head::new(ledger, Base { height, state_root }),
            stores,
            last,
            audited: Audited {
                first: height,
                height,
                epoch,
                certified: height,
                state_root,
                time,
                ..Audited::default()
            },
        })
    }

    /// The height of the next block.
    pub(super) fn next(&self) -> u64 {
        self.last.height.saturating_add(1)
    }

    /// Looks at the next block. The epoch, if it ends with this block and the block's certificate
    /// is not there: then somebody may know the handover.
    pub(super) async fn block(&mut self, frame: &Frame) -> Result<Option<u64>, AuditError> {
        let height = self.next();
        self.examine(frame).await.map_err(|fault| fault.at(height))
    }

    async fn examine(&mut self, frame: &Frame) -> Result<Option<u64>, Fault> {
        let block = Block::from_bytes(&frame.block).map_err(|error| fault("block", error))?;
        let header = block.header();
        self.check_place(header)?;
        self.check_leader(header)?;
        self.check_signatures(&block)?;
        self.execute(&block).await?;
        self.check_sums(header.height)?;
        if !frame.certificate.is_empty() {
            self.check_certificate(header, &frame.certificate)?;
        }
        let is_open = frame.certificate.is_empty() && header.next.is_some();
        self.last = header.clone();
        self.audited.height = header.height;
        if header.height.is_multiple_of(self.care.everything_blocks.max(1)) {
            self.look_at_everything()?;
            self.tidy().await;
        }
        Ok(is_open.then_some(header.epoch))
    }

    /// Whether a block follows the one before.
    fn check_place(&self, header: &Header) -> Result<(), Fault> {
        let (height, last) = (self.next(), &self.last);
        if header.height != height {
            return Err(fault("height", format!("{} is there instead", header.height)));
        }
        if header.parent != last.digest().0 {
            return Err(fault("parent", "it follows another block than the one before"));
        }
        if header.time <= last.time {
            let (found, before) = (header.time.0, last.time.0);
            return Err(fault("time", format!("{found} ms is not after the parent's {before} ms")));
        }
        let epoch = self.head.ledger().epoch_of(height);
        if header.epoch != epoch {
            return Err(fault("epoch", format!("{} instead of {epoch}", header.epoch)));
        }
        let known = self.client.committee().epoch;
        if known != epoch {
            let why = format!(
                "the last block of epoch {known} has none, and there is no handover to {epoch}"
            );
            return Err(fault("certificate", why));
        }
        if last.epoch == epoch && header.view <= last.view {
            return Err(fault("view", format!("{} is not after {}", header.view, last.view)));
        }
        Ok(())
    }

    /// Whether it was its leader's turn.
    fn check_leader(&self, header: &Header) -> Result<(), Fault> {
        let seed = &self.client.committee().seed;
        let leader = leader_of(self.client.scheme(), seed, header.epoch, header.view);
        if leader == Some(header.leader) {
            return Ok(());
        }
        Err(fault("leader", format!("it was another's turn in view {}", header.view)))
    }

    fn check_signatures(&self, block: &Block) -> Result<(), Fault> {
        let (ledger, body) = (self.head.ledger(), block.body());
        let scheme = |epoch| scheme_of(self.chain, ledger.committee(epoch)?, None).ok();
        for (place, item) in body.system.iter().enumerate() {
            if !items::holds(self.chain, item, &scheme, &mut rand::rng()) {
                let field = format!("system[{place}].signature");
                return Err(fault(field, "it does not hold"));
            }
        }
        let claims = self.signatures.claims(self.chain, ledger, body.commands.iter());
        let names = block.command_names();
        let rng = &mut rand::rng();
        let checked = self.signatures.check(self.chain, &claims, names, Randomness(rng));
        let Err(bad) = checked else { return Ok(()) };
        let place = bad.first().copied().unwrap_or_default();
        Err(fault(format!("commands[{place}].signature"), "it does not hold"))
    }

    /// Executes a block and compares what its header commits to.
    async fn execute(&mut self, block: &Block) -> Result<(), Fault> {
        let (header, body) = (block.header(), block.body());
        let executed = self.head.advance(StepKey::from(header), body, block.names().to_vec());
        let executed = executed.map_err(|error| fault("body", error))?;
        if executed.events_root != header.events_root {
            return Err(fault("events_root", "what the block does has another"));
        }
        let writes = self.stores.new_batches().await;
        let hashed = hash(writes, header.height, executed).await;
        let hashed =
            hashed.ok_or_else(|| fault("state", "the auditor's store does not take it"))?;
        let found = (header.operations_start, header.operations_end);
        let range = (*hashed.sync_boundary(), *hashed.bounds().tip.size);
        for (field, is_same) in [
            ("state_root", hashed.root().0 == header.state_root),
            ("operations_root", hashed.ops_root().0 == header.operations_root),
            ("operations_start", range.0 == found.0),
            ("operations_end", range.1 == found.1),
            ("next", next_named(self.head.ledger()) == header.next),
        ] {
            if !is_same {
                return Err(fault(field, "what the block does has another"));
            }
        }
        self.stores.apply(hashed).await;
        let events = self.head.finalize(header, body).unwrap_or_default();
        let count = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
        let audited = &mut self.audited;
        audited.events += count(events.venue.len()) + count(events.chain.len());
        audited.commands += count(body.commands.len());
        audited.items += count(body.system.len());
        audited.epoch = header.epoch;
        audited.state_root = header.state_root;
        audited.time = header.time;
        Ok(())
    }

    /// Whether stake and money add up.
    fn check_sums(&self, height: u64) -> Result<(), Fault> {
        let ledger = self.head.ledger();
        assert!(ledger.height() == height, "the state is the one after the block");
        if !ledger.stake_table().is_balanced() {
            return Err(fault("stake", "it does not add up to the supply (S8)"));
        }
        if !ledger.money_table().is_balanced() {
            return Err(fault("money", "the bridge does not hold what it owes (B4)"));
        }
        if !ledger.exchange().conservation().is_balanced() {
            return Err(fault("money", "the venue's does not add up (C1)"));
        }
        Ok(())
    }

    fn look_at_everything(&mut self) -> Result<(), Fault> {
        let sound = self.head.ledger().check_invariants();
        sound.map_err(|broken| fault("state", broken))?;
        self.audited.looks += 1;
        Ok(())
    }

    /// Forgets what the auditor's store needs no more.
    async fn tidy(&self) {
        let targets = self.stores.committed_targets().await;
        self.stores.prune(&targets).await;
    }

    fn check_certificate(&mut self, header: &Header, bytes: &[u8]) -> Result<(), Fault> {
        let certificate = Bounded::new(bytes.to_vec());
        let certificate = certificate.map_err(|error| fault("certificate", error))?;
        let certified = Certified { tip: header.clone(), path: Bounded::default(), certificate };
        self.client.check(&certified, &mut rand::rng())?;
        self.audited.certified = header.height;
        self.audited.certificates += 1;
        let next = header.epoch.saturating_add(1);
        let committee = self.head.ledger().committee(next).filter(|_| header.next.is_some());
        if let Some(committee) = committee.cloned() {
            self.follow(&Handover { last: certified, committee })?;
        }
        Ok(())
    }

    fn follow(&mut self, handover: &Handover) -> Result<(), Fault> {
        self.client.advance(handover, &mut rand::rng())?;
        self.audited.committees += 1;
        Ok(())
    }

    /// Follows the handover of the epoch that the last block ended, if somebody knows it. If nobody
    /// does, the next block is in want of it.
    pub(super) fn hand_over(&mut self, handover: Option<Handover>) -> Result<(), AuditError> {
        let Some(handover) = handover else { return Ok(()) };
        let height = self.last.height;
        if *handover.last.header() != self.last {
            return Err(fault("handover", "it ends with another block").at(height));
        }
        self.follow(&handover).map_err(|fault| fault.at(height))?;
        self.audited.certified = height;
        self.audited.certificates += 1;
        Ok(())
    }

    /// The last look.
    pub(super) fn finish(mut self) -> Result<Audited, AuditError> {
        let height = self.last.height;
        self.look_at_everything().map_err(|fault| fault.at(height))?;
        let ledger = self.head.ledger();
        let exchange = ledger.exchange();
        let equities = (0..exchange.accounts())
            .filter_map(|account| exchange.margin_of(AccountId(account)))
            .map(|margin| i128::from(margin.equity));
        self.audited.accounts = exchange.accounts();
        self.audited.deficit = equities.filter(|equity| *equity < 0).map(|owed| -owed).sum();
        self.audited.insurance = exchange.funds().insurance;
        self.audited.escrow = ledger.money_table().escrow;
        Ok(self.audited)
    }
}
