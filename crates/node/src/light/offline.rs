//! Proofs from the files of a node that need not run.
//!
//! The files are copied first and the copies opened, because opening a log repairs it and a running
//! node's must not be touched. A copy of a running node's files may be torn: then it is repaired as
//! after a crash, or there is an error; never a wrong proof, for the roots are compared with the
//! certified header's. Deliberately absent: handovers, whose committees a node forgets after a
//! while.

use super::bundle::Bundle;
use super::certified::{Certified, PATH_MAX};
use super::claim::Claim;
use super::error::ProofError;
use super::prove::prove;
use crate::block::{Block, Digest};
use crate::header::Header;
use crate::store::{PAGE_BYTES, Stores, read_committed, store_config};
use crate::validator::archive_config;
use commonware_consensus::simplex::scheme::ed25519::Scheme;
use commonware_consensus::simplex::types::Finalization;
use commonware_cryptography::certificate::Verifier as _;
use commonware_glue::stateful::db::DatabaseSet as _;
use commonware_runtime::buffer::paged::CacheRef;
use commonware_runtime::tokio::{self, Context};
use commonware_runtime::{Runner as _, Supervisor as _};
use commonware_storage::archive::{Archive as _, Identifier, prunable};
use commonware_storage::translator::TwoCap;
use commonware_utils::NZUsize;
use lockstep_ledger::{Genesis, Ledger};
use std::fmt::Display;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::{fs, io};

/// Certificates of final blocks, by height.
pub(crate) type Finalizations =
    prunable::Archive<TwoCap, Context, Digest, Finalization<Scheme, Digest>>;
/// Final blocks, by height.
pub(crate) type Blocks = prunable::Archive<TwoCap, Context, Digest, Block>;

fn wrong(error: impl Display) -> ProofError {
    ProofError::Store(error.to_string())
}

/// A folder that is gone when it is dropped.
pub(crate) struct Scratch(PathBuf);

/// How many there have been in this process: each has a name of its own.
static SCRATCHES: AtomicU64 = AtomicU64::new(0);

impl Scratch {
    /// A folder that is not there yet; `name` says what it is for.
    pub(crate) fn new(name: &str) -> Self {
        let number = SCRATCHES.fetch_add(1, Ordering::Relaxed);
        let name = format!("lockstep-{name}-{}-{number}", std::process::id());
        Self(std::env::temp_dir().join(name))
    }

    /// Where it is.
    pub(crate) fn folder(&self) -> &Path {
        &self.0
    }

    /// Copies folders of files whose names begin with `prefix` into it; how many.
    pub(crate) fn copy(&self, from: &Path, prefix: &str) -> io::Result<usize> {
        let mut copied = 0;
        for partition in fs::read_dir(from)? {
            let partition = partition?;
            let name = partition.file_name();
            let is_wanted = name.to_str().is_some_and(|name| name.starts_with(prefix));
            if !is_wanted || !partition.file_type()?.is_dir() {
                continue;
            }
            let target = self.0.join(&name);
            fs::create_dir_all(&target)?;
            for blob in fs::read_dir(partition.path())? {
                let blob = blob?;
                fs::copy(blob.path(), target.join(blob.file_name()))?;
            }
            copied += 1;
        }
        Ok(copied)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What cannot be removed stays: the system's folder for such files is cleaned in time.
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Proves a claim from the files that the validator with this prefix has in a folder.
///
/// # Errors
/// `Store` when there are no such files or they cannot be read, and whatever the proof would be
/// refused for but its age.
pub fn prove_from_files(
    folder: &Path,
    prefix: &str,
    genesis: &Genesis,
    claim: Claim,
) -> Result<Bundle, ProofError> {
    let scratch = Scratch::new("proof");
    // The state first: blocks that come meanwhile do no harm.
    let state = scratch.copy(folder, &format!("{prefix}-state")).map_err(wrong)?;
    for part in ["finalizations", "blocks"] {
        scratch.copy(folder, &format!("{prefix}-{part}")).map_err(wrong)?;
    }
    if state == 0 {
        return Err(wrong(format!("no files of {prefix} in {}", folder.display())));
    }
    let chain = genesis.chain_id();
    let runtime = tokio::Config::new()
        .with_worker_threads(1)
        .with_storage_directory(scratch.folder().to_path_buf())
        .with_catch_panics(false);
    let prefix = prefix.to_owned();
    tokio::Runner::new(runtime).start(|context| async move {
        let pages = CacheRef::new(PAGE_BYTES, NZUsize!(1_024));
        let config = store_config(&prefix, pages.clone());
        let stores = Stores::init(context.child("state"), config, None).await;
        let committed = read_committed(&stores).await.map_err(wrong)?;
        let leaves = committed.leaves.iter().map(|(key, value)| (key, value));
        let ledger = Ledger::from_leaves(leaves).map_err(wrong)?;
        if ledger.chain_id() != chain {
            return Err(ProofError::OtherChain);
        }
        let proof = prove(&stores, &claim.keys(&ledger)).await?;
        let certified = certified(&context, &prefix, pages, proof.height).await?;
        let bundle = Bundle { chain, certified, claim, state: proof.state };
        let header = bundle.certified.header();
        if header.state_root != proof.state_root {
            return Err(ProofError::StateRoot);
        }
        claim.check(&bundle.state.verify(header)?, header)?;
        Ok(bundle)
    })
}

/// The certificates and blocks that a validator with this prefix has.
pub(crate) async fn archives(
    context: &Context,
    prefix: &str,
    pages: CacheRef,
) -> Result<(Finalizations, Blocks), ProofError> {
    let unbounded = Scheme::certificate_codec_config_unbounded();
    let config = archive_config(prefix, "finalizations", pages.clone(), unbounded);
    let finalizations = Finalizations::init(context.child("finalizations"), config);
    let finalizations = finalizations.await.map_err(wrong)?;
    let config = archive_config(prefix, "blocks", pages, ());
    let blocks = Blocks::init(context.child("blocks"), config).await.map_err(wrong)?;
    Ok((finalizations, blocks))
}

/// The block of a height, by its certificate or by that of a block soon after it.
pub(crate) async fn certified(
    context: &Context,
    prefix: &str,
    pages: CacheRef,
    height: u64,
) -> Result<Certified, ProofError> {
    let (finalizations, blocks) = archives(context, prefix, pages).await?;
    let mut headers: Vec<Header> = Vec::new();
    for above in (height..).take(PATH_MAX + 1) {
        let block = blocks.get(Identifier::Index(above)).await.map_err(wrong)?;
        let block = block.ok_or_else(|| wrong(format!("block {above} is not there")))?;
        let found = finalizations.get(Identifier::Index(above)).await.map_err(wrong)?;
        if let Some(finalization) = found {
            headers.reverse();
            return Certified::of(block.header().clone(), headers, &finalization);
        }
        headers.push(block.header().clone());
    }
    Err(wrong(format!("no certificate within {PATH_MAX} blocks after {height}")))
}
