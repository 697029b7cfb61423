//! Blocks, certificates and handovers as a validator keeps them in its folder.
//!
//! Files are copied and the copies opened, because opening a log repairs it. Blocks are copied
//! first, so that what vouches for them is there too if the node is running. Invariant: a block
//! that is missing between others is said to be. Deliberately absent: whether any of it is true.

use super::{AuditError, failed};
use crate::handovers::Keeper;
use crate::light::Handover;
use crate::light::offline::{Blocks, Finalizations, Scratch, archives};
use crate::store::PAGE_BYTES;
use commonware_codec::Encode as _;
use commonware_runtime::Supervisor as _;
use commonware_runtime::buffer::paged::CacheRef;
use commonware_runtime::tokio::Context;
use commonware_storage::archive::{Archive as _, Identifier};
use commonware_utils::NZUsize;
use lockstep_client::frames::Frame;
use std::path::Path;

/// Copies what an audit needs of a validator's files.
pub(super) fn copy(scratch: &Scratch, folder: &Path, prefix: &str) -> Result<(), AuditError> {
    let wrong = |error| failed(format!("{}: {error}", folder.display()));
    for part in ["blocks", "finalizations", "handovers"] {
        let copied = scratch.copy(folder, &format!("{prefix}-{part}-")).map_err(wrong)?;
        if copied == 0 && part == "blocks" {
            return Err(failed(format!("{}: no blocks of {prefix}", folder.display())));
        }
    }
    Ok(())
}

/// Copies of a validator's files.
pub(super) struct Files {
    blocks: Blocks,
    finalizations: Finalizations,
    handovers: Keeper<Context>,
    /// The first block that is wanted.
    first: u64,
}

impl Files {
    /// Opens the copies.
    pub(super) async fn open(
        context: &Context,
        prefix: &str,
        first: u64,
    ) -> Result<Self, AuditError> {
        let pages = CacheRef::new(PAGE_BYTES, NZUsize!(1_024));
        let (finalizations, blocks) =
            archives(context, prefix, pages.clone()).await.map_err(failed)?;
        let keeper = Keeper::open(context.child("handovers"), prefix, pages).await;
        let (handovers, _) = keeper.map_err(failed)?;
        Ok(Self { blocks, finalizations, handovers, first })
    }

    /// The highest block.
    pub(super) fn last(&self) -> u64 {
        self.blocks.last_index().unwrap_or(0)
    }

    /// The block of a height; `None`: there are no later ones either.
    pub(super) async fn block(&self, height: u64) -> Result<Option<Frame>, AuditError> {
        let broken =
            |field: &str, why: String| AuditError::Broken { height, field: field.to_string(), why };
        let block = self.blocks.get(Identifier::Index(height)).await;
        let block = block.map_err(|error| broken("block", error.to_string()))?;
        let Some(block) = block else { return self.missing(height).map(|()| None) };
        let found = self.finalizations.get(Identifier::Index(height)).await;
        let found = found.map_err(|error| broken("certificate", error.to_string()))?;
        let certificate = found.map_or_else(Vec::new, |found| found.encode().to_vec());
        Ok(Some(Frame { block: block.encode().to_vec(), certificate }))
    }

    /// Whether blocks may end before this height.
    fn missing(&self, height: u64) -> Result<(), AuditError> {
        let (_, later) = self.blocks.next_gap(height);
        let Some(later) = later else { return Ok(()) };
        if height == self.first {
            return Err(failed(format!(
                "only blocks from {later} on are kept (blocks.kept, or the node joined later); the \
                 audit begins with block {height}"
            )));
        }
        let why = format!("it is missing, though block {later} is there");
        Err(AuditError::Broken { height, field: "block".to_string(), why })
    }

    /// The handover at the end of an epoch.
    pub(super) async fn handover(&self, epoch: u64) -> Result<Option<Handover>, AuditError> {
        let found = self.handovers.get(epoch.saturating_add(1)).await;
        found.map_err(failed)
    }
}
