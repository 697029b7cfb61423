//! The store as the library opens, syncs and writes it, announced as soon as it is open.
//!
//! The engine is read from the store, also for blocks that are applied while a joining node's state
//! has just arrived and nobody else has been handed the store yet. Invariants: a store is announced
//! once. Deliberately absent: anything that the library's own single store does not do.

use crate::costs::Work;
use crate::state_source::StateSource;
use crate::store::{Hashed, StoreConfig, Stores, Writes};
use commonware_cryptography::Digest;
use commonware_glue::stateful::db::{
    Anchor, AttachableResolver as _, AttachableResolverSet, Barrier, DatabaseSet, StateSyncSet,
    SyncEngineConfig, TipUpdate,
};
use commonware_runtime::Spawner;
use commonware_storage::Context as StorageContext;
use commonware_utils::channel::ring;
use futures::channel::oneshot;

/// The library's own handling of one store.
type One<E> = Stores<E>;

/// The store of a node.
pub struct Database<E: StorageContext + Spawner>(Stores<E>);

impl<E: StorageContext + Spawner> Clone for Database<E> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

/// How a store is opened, and who is told.
pub struct DatabaseConfig<E: StorageContext + Spawner> {
    /// Its configuration.
    pub store: StoreConfig,
    /// Gets the store when it is open.
    pub opened: oneshot::Sender<Stores<E>>,
}

impl<E: StorageContext + Spawner> Database<E> {
    /// The store.
    #[must_use]
    pub fn stores(&self) -> &Stores<E> {
        &self.0
    }

    fn announce(stores: Stores<E>, opened: oneshot::Sender<Stores<E>>) -> Self {
        // Nobody waits only when the node stops.
        let _ = opened.send(stores.clone());
        Self(stores)
    }
}

impl<E: StorageContext + Spawner> DatabaseSet<E> for Database<E> {
    type Unmerkleized = Writes<E>;
    type Merkleized = Hashed<E>;
    type Readers = <One<E> as DatabaseSet<E>>::Readers;
    type Config = DatabaseConfig<E>;
    type SyncTargets = <One<E> as DatabaseSet<E>>::SyncTargets;

    async fn init(context: E, config: Self::Config, expected: Option<Self::SyncTargets>) -> Self {
        let stores = <One<E> as DatabaseSet<E>>::init(context, config.store, expected).await;
        Self::announce(stores, config.opened)
    }

    fn initial_sync_targets() -> Self::SyncTargets {
        <One<E> as DatabaseSet<E>>::initial_sync_targets()
    }

    async fn new_batches(&self) -> Self::Unmerkleized {
        <One<E> as DatabaseSet<E>>::new_batches(&self.0).await
    }

    fn fork_batches(parent: &Self::Merkleized) -> Self::Unmerkleized {
        <One<E> as DatabaseSet<E>>::fork_batches(parent)
    }

    fn matches_sync_targets(batches: &Self::Merkleized, targets: &Self::SyncTargets) -> bool {
        <One<E> as DatabaseSet<E>>::matches_sync_targets(batches, targets)
    }

    fn readers(&self) -> Self::Readers {
        <One<E> as DatabaseSet<E>>::readers(&self.0)
    }

    async fn apply(&self, batches: Self::Merkleized) {
        Work::Commit.measure_all(<One<E> as DatabaseSet<E>>::apply(&self.0, batches)).await;
    }

    async fn finalize(&self) -> Barrier {
        Work::Commit.measure_all(<One<E> as DatabaseSet<E>>::finalize(&self.0)).await
    }

    async fn prune(&self, targets: &Self::SyncTargets) {
        <One<E> as DatabaseSet<E>>::prune(&self.0, targets).await;
    }

    async fn committed_targets(&self) -> Self::SyncTargets {
        <One<E> as DatabaseSet<E>>::committed_targets(&self.0).await
    }
}

impl<E: StorageContext + Spawner> StateSyncSet<E, StateSource<E>> for Database<E> {
    type Error = <One<E> as StateSyncSet<E, StateSource<E>>>::Error;

    async fn sync<D: Digest>(
        context: E,
        config: Self::Config,
        source: StateSource<E>,
        anchor: Anchor<D>,
        targets: Self::SyncTargets,
        tip_updates: ring::Receiver<TipUpdate<D, Self::SyncTargets>>,
        sync_config: SyncEngineConfig,
    ) -> Result<(Self, Anchor<D>), Self::Error> {
        let DatabaseConfig { store, opened } = config;
        let (stores, anchor) = <One<E> as StateSyncSet<E, StateSource<E>>>::sync(
            context,
            store,
            source,
            anchor,
            targets,
            tip_updates,
            sync_config,
        )
        .await?;
        Ok((Self::announce(stores, opened), anchor))
    }
}

impl<E: StorageContext + Spawner> AttachableResolverSet<Database<E>> for StateSource<E> {
    async fn attach_databases(&self, database: Database<E>) {
        self.attach_database(database.0).await;
    }
}
