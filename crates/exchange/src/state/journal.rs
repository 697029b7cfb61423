//! The journal of a run of steps, and what can be had from it.
//!
//! A journal holds the value that every touched leaf had before the run. From it come: **undo**
//! (put the values back), the **changes** to commit (leaves whose value differs now), the
//! **witness** (all that a third party needs to run the same steps again on a partial state and
//! reach the same leaves and events), and the **diff** that an auditor reads. Nothing else in the
//! engine keeps books about changes.

use super::changes::Changes;
use super::holdings::Holdings;
use super::key::{self, LeafKey};
use super::leaves::{self, Order};
use super::levels::Levels;
use super::links::Links;
use super::ordered::Ordered;
use super::table::{Dense, Sparse, Table};
use super::{State, for_each_table};
use alloc::vec::Vec;
use lockstep_types::codec::{Bounded, Decode, DecodeError, DecodeErrorKind, Encode, Reader};
use lockstep_types::ids::{
    AccountId, InstrumentId, LinkId, OrderId, ReporterId, SignerId, UnderlyingId,
};
use lockstep_types::instrument::InstrumentName;
use lockstep_types::nonce::NonceHistory;
use lockstep_types::params::{UnderlyingParams, VenueParams};

/// The touched leaves of one table with their values before.
type Touched<T> = Vec<(<T as Table>::Key, Option<<T as Table>::Value>)>;

/// The pre-images of one run of steps.
#[derive(Clone, Debug, Default)]
pub struct Journal {
    totals: Touched<Dense<key::Only, leaves::Totals>>,
    venue: Touched<Dense<key::VenueKey, VenueParams>>,
    signers: Touched<Dense<SignerId, leaves::SignerRecord>>,
    histories: Touched<Dense<key::HistoryKey, NonceHistory>>,
    keys: Touched<Sparse<key::PublicKey, SignerId>>,
    agents: Touched<Sparse<key::AgentKey, SignerId>>,
    scopes: Touched<Sparse<key::ScopeKey, leaves::Scope>>,
    accounts: Touched<Dense<AccountId, leaves::Account>>,
    subs: Touched<Sparse<key::SubKey, AccountId>>,
    volumes: Touched<Sparse<key::VolumeKey, leaves::VolumeHistory>>,
    holdings: Touched<Holdings>,
    orders: Touched<Dense<key::Slot, leaves::Order>>,
    extras: Touched<Sparse<key::ExtraKey, leaves::Extra>>,
    labels: Touched<Sparse<key::LabelKey, OrderId>>,
    links: Touched<Sparse<LinkId, leaves::Link>>,
    levels: Touched<Levels>,
    places: Touched<Links>,
    free_pages: Touched<Dense<key::FreePage, leaves::FreeSlots>>,
    instruments: Touched<Dense<InstrumentId, leaves::Instrument, true>>,
    names: Touched<Sparse<InstrumentName, InstrumentId>>,
    linears: Touched<Sparse<key::LinearKey, leaves::Linear>>,
    underlying_params: Touched<Dense<key::UnderlyingKey, UnderlyingParams>>,
    underlyings: Touched<Dense<UnderlyingId, leaves::Underlying>>,
    expiries: Touched<Sparse<key::ExpiryKey, leaves::Expiry>>,
    reporters: Touched<Sparse<ReporterId, leaves::Reporter>>,
    observations: Touched<Sparse<key::ObservationKey, leaves::Observation>>,
    protections: Touched<Sparse<key::ProtectionKey, leaves::Protection>>,
    entries: Touched<Ordered>,
    sleepers: Touched<Sparse<key::SleepersKey, leaves::Sleepers>>,
    gaps: Touched<Sparse<key::GapsKey, leaves::Gaps>>,
    latencies: Touched<Sparse<key::LatencyKey, leaves::Latency>>,
    latency_days: Touched<Sparse<key::LatencyDayKey, leaves::LatencyDay>>,
    liquidations: Touched<Sparse<key::LiquidationKey, leaves::Liquidation>>,
    watches: Touched<Dense<key::WatchKey, leaves::Watch>>,
    floors: Touched<Dense<key::FloorKey, leaves::Floor>>,
}

/// One leaf that a run changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeafChange {
    /// Which leaf.
    pub key: LeafKey,
    /// Its encoding before; `None`: it was absent.
    pub before: Option<Vec<u8>>,
    /// Its encoding after; `None`: it was deleted.
    pub after: Option<Vec<u8>>,
}

/// All that must be known of the state to run the same steps again.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Witness {
    /// Touched leaves in the order of their key bytes: encoded value, or `None` if absent.
    pub leaves: Vec<(LeafKey, Option<Vec<u8>>)>,
}

/// Leaves in one witness at most.
pub const WITNESS_LEAVES_MAX: u32 = 1 << 22;
/// Bytes of one leaf's value at most.
pub const LEAF_BYTES_MAX: usize = 65_535;

impl Journal {
    /// Number of touched leaves.
    #[must_use]
    pub fn len(&self) -> usize {
        let mut count = 0;
        macro_rules! add {
            ($($field:ident $kind:ident),* $(,)?) => { $(count += self.$field.len();)* };
        }
        for_each_table!(add);
        count
    }

    /// Whether no leaf was touched.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The witness of the run.
    #[must_use]
    pub fn witness(&self) -> Witness {
        let mut leaves = Vec::with_capacity(self.len());
        macro_rules! gather {
            ($($field:ident $kind:ident),* $(,)?) => { $(
                for (key, value) in &self.$field {
                    leaves.push((LeafKey::$kind(*key), value.as_ref().map(Encode::to_bytes)));
                }
            )* };
        }
        for_each_table!(gather);
        leaves.sort_by_cached_key(|(key, _)| key.to_bytes());
        Witness { leaves }
    }
}

impl State {
    /// Ends the run: hands out its pre-images and starts the next one.
    pub(crate) fn take_journal(&mut self) -> Journal {
        let mut journal = Journal::default();
        macro_rules! take {
            ($($field:ident $kind:ident),* $(,)?) => { $(
                journal.$field = self.$field.log().take();
                for (key, _) in &journal.$field {
                    self.$field.sweep(*key);
                }
            )* };
        }
        for_each_table!(take);
        journal
    }

    /// Ends the run and forgets its pre-images.
    pub(crate) fn forget_journal(&mut self) {
        macro_rules! forget {
            ($($field:ident $kind:ident),* $(,)?) => { $(
                let touched = core::mem::take(&mut self.$field.log().touched);
                for (key, _) in &touched {
                    self.$field.sweep(*key);
                }
                self.$field.log().touched = touched;
                self.$field.log().forget();
            )* };
        }
        for_each_table!(forget);
    }

    /// Puts back what a run changed. It must be the latest run that was not undone yet.
    pub(crate) fn undo(&mut self, journal: Journal) {
        let before: Vec<(AccountId, OrderId)> = journal
            .orders
            .iter()
            .filter_map(|(_, order)| order.as_ref().map(|order| (order.account, order.id)))
            .collect();
        macro_rules! restore {
            ($($field:ident $kind:ident),* $(,)?) => { $(
                for (key, value) in journal.$field {
                    self.$field.restore(key, value);
                    self.$field.sweep(key);
                }
            )* };
        }
        for_each_table!(restore);
        for (account, id) in before {
            self.note_owned(account, id);
        }
    }

    /// The leaves that the run of `journal`, the latest one, has changed, in order of key bytes.
    pub(crate) fn changes(&self, journal: &Journal) -> Vec<LeafChange> {
        let mut changes = Vec::new();
        macro_rules! compare {
            ($($field:ident $kind:ident),* $(,)?) => { $(
                for (key, before) in &journal.$field {
                    let after = self.$field.peek(*key);
                    if before.as_ref() != after {
                        changes.push(LeafChange {
                            key: LeafKey::$kind(*key),
                            before: before.as_ref().map(Encode::to_bytes),
                            after: after.map(Encode::to_bytes),
                        });
                    }
                }
            )* };
        }
        for_each_table!(compare);
        changes.sort_by_cached_key(|change| change.key.to_bytes());
        changes
    }

    /// Adds the leaves that the run of `journal`, the latest one, has changed, as they are now.
    pub(crate) fn add_changes(&self, journal: &Journal, changes: &mut Changes) {
        macro_rules! compare {
            ($($field:ident $kind:ident),* $(,)?) => { $(
                for (key, before) in &journal.$field {
                    let after = self.$field.peek(*key);
                    if before.as_ref() != after {
                        changes.add(|out| LeafKey::$kind(*key).write(out), after);
                    }
                }
            )* };
        }
        for_each_table!(compare);
    }

    /// Loads one leaf: from a witness (where `None` makes it known as absent) or a snapshot.
    ///
    /// # Errors
    /// When the bytes are no value of the key's kind.
    pub(crate) fn load(&mut self, key: LeafKey, bytes: Option<&[u8]>) -> Result<(), DecodeError> {
        macro_rules! dispatch {
            ($($field:ident $kind:ident),* $(,)?) => {
                match key {
                    $(LeafKey::$kind(key) => {
                        let value = match bytes {
                            Some(bytes) => Some(Decode::from_bytes(bytes)?),
                            None => None,
                        };
                        self.$field.restore(key, value);
                    })*
                }
            };
        }
        for_each_table!(dispatch);
        if let LeafKey::Order(slot) = key
            && let Some(&Order { account, id, .. }) = self.orders.peek(slot)
        {
            self.note_owned(account, id);
        }
        Ok(())
    }

    /// The encoding of a leaf's value now.
    pub(crate) fn leaf(&self, key: LeafKey) -> Option<Vec<u8>> {
        macro_rules! dispatch {
            ($($field:ident $kind:ident),* $(,)?) => {
                match key {
                    $(LeafKey::$kind(key) => self.$field.peek(key).map(Encode::to_bytes),)*
                }
            };
        }
        for_each_table!(dispatch)
    }

    /// A digest of all leaves: blake3 over key and value of each, in order of key bytes, both
    /// preceded by their lengths.
    pub(crate) fn digest(&self) -> [u8; 32] {
        let mut leaves = Vec::new();
        self.each_leaf(&mut |key, encode| leaves.push((key.to_bytes(), encode())));
        leaves.sort();
        let mut hasher = blake3::Hasher::new();
        hasher.update(b"lockstep/state/v1");
        for (key, value) in &leaves {
            for part in [key, value] {
                let length = u32::try_from(part.len()).unwrap_or(u32::MAX);
                hasher.update(&length.to_le_bytes());
                hasher.update(part);
            }
        }
        *hasher.finalize().as_bytes()
    }
}

impl Encode for Witness {
    fn encode(&self, out: &mut Vec<u8>) {
        u32::try_from(self.leaves.len()).unwrap_or(u32::MAX).encode(out);
        for (key, value) in &self.leaves {
            bytes_of(key.to_bytes()).encode(out);
            value.clone().map(bytes_of).encode(out);
        }
    }
}

type LeafBytes = Bounded<u8, LEAF_BYTES_MAX>;

fn bytes_of(bytes: Vec<u8>) -> LeafBytes {
    let bounded = LeafBytes::new(bytes);
    assert!(bounded.is_ok(), "keys and values of leaves are short");
    bounded.unwrap_or_default()
}

impl Decode for Witness {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let count = u32::decode(reader)?;
        if count > WITNESS_LEAVES_MAX {
            let kind = DecodeErrorKind::TooLong {
                count: usize::try_from(count).unwrap_or(usize::MAX),
                limit: usize::try_from(WITNESS_LEAVES_MAX).unwrap_or(usize::MAX),
            };
            return Err(DecodeError::new(kind).within("leaves"));
        }
        let mut leaves = Vec::new();
        let mut last: Option<LeafBytes> = None;
        for _ in 0..count {
            let bytes = LeafBytes::decode(reader)?;
            if last.as_ref().is_some_and(|last| *last >= bytes) {
                let kind = DecodeErrorKind::Invalid("leaves are in ascending order of key");
                return Err(DecodeError::new(kind).within("leaves"));
            }
            let key = LeafKey::from_bytes(&bytes)?;
            let value = Option::<LeafBytes>::decode(reader)?;
            leaves.push((key, value.map(Bounded::into_vec)));
            last = Some(bytes);
        }
        Ok(Self { leaves })
    }
}
