//! What a node notes of itself: counters, latencies, the last roots.
//!
//! Deliberately absent: anything that consensus or the chain depends on.

use crate::application::{Finalized, Observer};
use crate::block::Digest;
use commonware_consensus::Viewable as _;
use commonware_consensus::simplex::scheme::ed25519::Scheme;
use commonware_consensus::simplex::types::Activity;
use lockstep_ledger::Evidence;
use std::collections::{BTreeMap, VecDeque};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Latencies and intervals that are kept, the latest.
const SAMPLES_MAX: usize = 4_096;
/// Heights whose roots are kept, the latest.
const ROOTS_MAX: usize = 1_024;
/// Views of ours whose outcome is awaited.
const OPEN_MAX: usize = 256;
/// Final blocks that wait for a listener at most.
const HEARD_MAX: usize = 4_096;

/// What has been counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// The highest final block.
    pub height: u64,
    /// Final blocks since the node started.
    pub blocks: u64,
    /// Commands in them.
    pub commands: u64,
    /// Orders, quotes and cancels in them.
    pub work: u64,
    /// Views that were skipped.
    pub skipped_views: u64,
    /// Offences that consensus saw.
    pub offences: u64,
    /// The epoch that it is in.
    pub epoch: u64,
    /// Whether it votes in it.
    pub votes: bool,
    /// Blocks that listeners were too slow for.
    pub missed: u64,
    /// Peers that are cut off at present.
    pub cut_off: u64,
}

#[derive(Default)]
struct Inner {
    counters: Counters,
    open: BTreeMap<u64, Instant>,
    latencies: VecDeque<Duration>,
    intervals: VecDeque<Duration>,
    last: Option<Instant>,
    roots: BTreeMap<u64, [u8; 32]>,
    listeners: Vec<SyncSender<Finalized>>,
}

/// A node's notes.
#[derive(Default)]
pub struct Notes(Mutex<Inner>);

fn push(samples: &mut VecDeque<Duration>, sample: Duration) {
    if samples.len() == SAMPLES_MAX {
        samples.pop_front();
    }
    samples.push_back(sample);
}

impl Notes {
    fn inner(&self) -> MutexGuard<'_, Inner> {
        // A thread that died while it held the lock left at worst a number too few.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What has been counted.
    #[must_use]
    pub fn counters(&self) -> Counters {
        self.inner().counters
    }

    /// From the start of building a block of ours to its certificate of finality, the latest ones.
    #[must_use]
    pub fn latencies(&self) -> Vec<Duration> {
        self.inner().latencies.iter().copied().collect()
    }

    /// Between final blocks, the latest ones.
    #[must_use]
    pub fn intervals(&self) -> Vec<Duration> {
        self.inner().intervals.iter().copied().collect()
    }

    /// Forgets latencies and intervals.
    pub fn forget_samples(&self) {
        let mut inner = self.inner();
        inner.latencies.clear();
        inner.intervals.clear();
    }

    /// State roots of the latest final heights.
    #[must_use]
    pub fn roots(&self) -> BTreeMap<u64, [u8; 32]> {
        self.inner().roots.clone()
    }

    /// So many peers are cut off.
    pub(super) fn note_cut_off(&self, count: usize) {
        self.inner().counters.cut_off = u64::try_from(count).unwrap_or(u64::MAX);
    }

    /// Final blocks from now on, in order.
    #[must_use]
    pub fn listen(&self) -> Receiver<Finalized> {
        let (sender, receiver) = sync_channel(HEARD_MAX);
        self.inner().listeners.push(sender);
        receiver
    }
}

impl Observer for Notes {
    fn building(&self, view: u64) {
        let mut inner = self.inner();
        inner.open.insert(view, Instant::now());
        while inner.open.len() > OPEN_MAX {
            inner.open.pop_first();
        }
    }

    fn finalized(&self, finalized: &Finalized) {
        let mut inner = self.inner();
        let now = Instant::now();
        if let Some(last) = inner.last.replace(now) {
            push(&mut inner.intervals, now.duration_since(last));
        }
        let (header, body) = (finalized.block.header(), finalized.block.body());
        let counters = &mut inner.counters;
        counters.height = counters.height.max(header.height);
        counters.blocks += 1;
        counters.commands += u64::try_from(body.commands.len()).unwrap_or(u64::MAX);
        let work = |signed: &lockstep_types::envelope::SignedCommand| {
            crate::mempool::work_of(&signed.command.command)
        };
        counters.work += body.commands.iter().map(work).sum::<u64>();
        inner.roots.insert(header.height, header.state_root);
        while inner.roots.len() > ROOTS_MAX {
            inner.roots.pop_first();
        }
        let mut missed = 0;
        inner.listeners.retain(|listener| match listener.try_send(finalized.clone()) {
            Ok(()) => true,
            Err(TrySendError::Full(_)) => {
                missed += 1;
                true
            }
            Err(TrySendError::Disconnected(_)) => false,
        });
        inner.counters.missed += missed;
    }

    fn activity(&self, activity: &Activity<Scheme, Digest>) {
        match activity {
            Activity::Finalization(finalization) => {
                let mut inner = self.inner();
                let began = inner.open.remove(&finalization.view().get());
                if let Some(began) = began {
                    push(&mut inner.latencies, began.elapsed());
                }
            }
            Activity::Nullification(_) => self.inner().counters.skipped_views += 1,
            _ => {}
        }
    }

    fn offence(&self, _evidence: &Evidence) {
        self.inner().counters.offences += 1;
    }

    fn entered(&self, epoch: u64, votes: bool) {
        let mut inner = self.inner();
        (inner.counters.epoch, inner.counters.votes) = (epoch, votes);
        // Views count from the beginning in each epoch.
        inner.open.clear();
    }
}
