//! From which epoch on this node may vote.
//!
//! Votes are journalled so that a node that restarts does not vote otherwise than before. Files
//! that are new have no such journal: unless the chain begins with them, their node lost it or
//! never had one, and may not vote before an epoch begins that it has seen nothing of yet.
//! Invariants: the epoch is durable before anything is signed. Deliberately absent: the journal of
//! votes, which is consensus' own.

use crate::validator::StartError;
use commonware_storage::Context as StorageContext;
use commonware_storage::metadata::{Config, Metadata};
use commonware_utils::fixed_bytes;
use commonware_utils::sequence::FixedBytes;

/// The only key.
const DUTY: FixedBytes<1> = fixed_bytes!("D0");

/// Where it is kept.
pub struct Duty<E: StorageContext>(Metadata<E, FixedBytes<1>, u64>);

impl<E: StorageContext> Duty<E> {
    /// Opens it.
    ///
    /// # Errors
    /// When files cannot be read.
    pub async fn open(context: E, prefix: &str) -> Result<Self, StartError> {
        let config = Config { partition: format!("{prefix}-duty"), codec_config: () };
        let opened = Metadata::init(context, config).await;
        opened.map(Self).map_err(|error| StartError::Storage(format!("duty: {error}")))
    }

    /// The first epoch in which this node may vote; `None`: these files are new.
    #[must_use]
    pub fn first_epoch(&self) -> Option<u64> {
        self.0.get(&DUTY).copied()
    }

    /// Settles it, durably.
    ///
    /// # Errors
    /// When files cannot be written.
    pub async fn settle(self, first_epoch: u64) -> Result<(), StartError> {
        let kept = self.0.put_sync(DUTY, first_epoch).await;
        kept.map(drop).map_err(|error| StartError::Storage(format!("duty: {error}")))
    }
}
