//! Evidence of offences, kept until it is in a block.
//!
//! Consensus reports an offence once, to one observer, and forgets it. Here it is checked, written
//! down, and brought to this node's own door, which tells the others; after a restart it is brought
//! again unless the ledger has punished the offender. Invariants: evidence is durable before
//! anybody hears of it; what is kept is bounded, the newest epochs' first. Deliberately absent:
//! what an offence costs.

use crate::application::Chain;
use crate::intake::Door;
use crate::items::id_of;
use crate::validator::StartError;
use bytes::Bytes;
use commonware_runtime::{Clock, Spawner};
use commonware_storage::Context as StorageContext;
use commonware_storage::metadata::{Config, Metadata};
use commonware_utils::sequence::FixedBytes;
use futures::StreamExt as _;
use futures::channel::mpsc;
use lockstep_ledger::block::EVIDENCE_BYTES_MAX;
use lockstep_ledger::{Evidence, SystemItem};
use lockstep_types::codec::{Decode as _, Encode as _};
use rand::CryptoRng;
use std::fmt::Display;

/// Pieces of evidence that are kept at most.
pub const KEPT_MAX: usize = 256;
/// Bytes of one at most: the proof, and fields of known size.
const ITEM_BYTES_MAX: usize = EVIDENCE_BYTES_MAX + 256;

/// Evidence on disk.
pub struct Offences<E: StorageContext>(Metadata<E, FixedBytes<32>, Bytes>);

fn storage(error: impl Display) -> StartError {
    StartError::Storage(format!("evidence: {error}"))
}

impl<E: StorageContext> Offences<E> {
    /// Opens what is kept.
    ///
    /// # Errors
    /// When files cannot be read.
    pub async fn open(context: E, prefix: &str) -> Result<Self, StartError> {
        let partition = format!("{prefix}-evidence");
        let config = Config { partition, codec_config: (0..=ITEM_BYTES_MAX).into() };
        Metadata::init(context, config).await.map(Self).map_err(storage)
    }

    /// All that is kept.
    #[must_use]
    pub fn all(&self) -> Vec<Evidence> {
        let kept = self.0.keys().filter_map(|key| self.0.get(key));
        kept.filter_map(|bytes| Evidence::from_bytes(bytes).ok()).collect()
    }

    /// Keeps a piece and forgets the oldest, if there are too many.
    ///
    /// # Errors
    /// When files cannot be written.
    pub async fn keep(mut self, evidence: &Evidence) -> Result<Self, StartError> {
        let name =
            |evidence: &Evidence| FixedBytes::new(id_of(&SystemItem::Evidence(evidence.clone())).0);
        let mut all = self.all();
        if all.len() >= KEPT_MAX {
            all.sort_by_key(|kept| kept.epoch);
            all.truncate(all.len() + 1 - KEPT_MAX);
            for old in &all {
                self.0.remove(&name(old));
            }
        }
        let bytes = Bytes::from(evidence.to_bytes());
        self.0.put_sync(name(evidence), bytes).await.map(Self).map_err(storage)
    }
}

/// Brings evidence to the door: what was kept, then what consensus sees, until the node stops.
pub async fn collect<E>(
    mut context: E,
    mut kept: Offences<E>,
    chain: Chain<E>,
    mut seen: mpsc::UnboundedReceiver<SystemItem>,
    mut door: Door,
) where
    E: Spawner + StorageContext + Clock + CryptoRng,
{
    for evidence in kept.all() {
        if !chain.has_punished(&evidence).await && bring(&mut door, evidence).await.is_none() {
            return;
        }
    }
    while let Some(item) = seen.next().await {
        let SystemItem::Evidence(evidence) = &item else { continue };
        if !chain.item_holds(&item, &mut context) {
            continue;
        }
        match kept.keep(evidence).await {
            Ok(durable) => kept = durable,
            // A node that cannot write stops for other reasons; the others hear of it meanwhile.
            Err(_) => {
                let _ = bring(&mut door, evidence.clone()).await;
                return;
            }
        }
        if bring(&mut door, evidence.clone()).await.is_none() {
            return;
        }
    }
}

/// `None`: the node is stopping.
async fn bring(door: &mut Door, evidence: Evidence) -> Option<()> {
    door.say(SystemItem::Evidence(evidence)).await.ok()
}
