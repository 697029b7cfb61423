//! Epochs: one voting engine for each, entered where the epoch before it ended.
//!
//! Messages of votes carry their epoch, so that engines do not hear each other. When the state
//! after an epoch's last block is applied, [`crate::application`] hands over who votes next; the
//! handover is put where light clients and joining nodes find it, and only then does the block
//! count as processed, so that a restart finds whatever it needs. Invariants: one engine runs at a
//! time; the engine of an epoch starts from that epoch's first parent, or from a certificate that
//! was checked. Deliberately absent: who is elected.

use crate::application::Observer;
use crate::attendance::Attendance;
use crate::block::{Block, Digest, PublicKey};
use crate::committees::{Committees, schedule};
use crate::handovers::Registry;
use crate::header::Header;
use crate::items::evidence_of;
use crate::light::{Certified, Handover};
use crate::store::{FILE_BUFFER, STRATEGY};
use crate::validator::{MAILBOX, Timeouts};
use bytes::{Bytes, BytesMut};
use commonware_actor::Feedback;
use commonware_codec::Write as _;
use commonware_codec::varint::UInt;
use commonware_consensus::marshal::core::Mailbox as MarshalMailbox;
use commonware_consensus::marshal::standard::Standard;
use commonware_consensus::simplex::config::{Floor, ForwardPolicy, SkipPolicy};
use commonware_consensus::simplex::scheme::ed25519::Scheme;
use commonware_consensus::simplex::types::{Activity, Context, Finalization};
use commonware_consensus::simplex::{self, Plan, SkipBudget};
use commonware_consensus::types::{Epoch, Height, ViewDelta};
use commonware_consensus::{CertifiableAutomaton, Relay, Reporter, Reporters};
use commonware_p2p::utils::mux::{Builder as _, MuxHandle, Muxer};
use commonware_p2p::{Blocker, Message, Receiver, Sender};
use commonware_runtime::buffer::paged::CacheRef;
use commonware_runtime::{Clock, Handle, Metrics, Spawner, Storage};
use commonware_utils::NZDuration;
use commonware_utils::channel::mpsc as channel;
use commonware_utils::vec::NonEmptyVec;
use futures::channel::{mpsc, oneshot};
use futures::{FutureExt as _, StreamExt as _};
use lockstep_ledger::{Committee, SystemItem};
use lockstep_types::chain::ValidatorKey;
use rand::CryptoRng;
use std::sync::Arc;
use std::time::Duration;

/// Ends of epochs that wait to be handed over at most: there is one at a time.
pub const BOUNDARIES_MAX: usize = 2;
/// Between attempts to get a certificate.
const CERTIFICATE_RETRY: Duration = Duration::from_millis(100);
/// Views behind the final one of which votes are kept.
const VIEWS_KEPT: ViewDelta = ViewDelta::new(10);

/// The state after an epoch's last block is applied.
#[derive(Debug)]
pub struct Boundary {
    /// The last block's header.
    pub last: Header,
    /// The committee that it names.
    pub committee: Committee,
    /// Told when the handover is kept and its committee known.
    pub done: oneshot::Sender<()>,
}

/// Watches the votes of one epoch: offences, and who signs.
#[derive(Clone)]
struct Watch {
    observer: Arc<dyn Observer>,
    scheme: Arc<Scheme>,
    me: ValidatorKey,
    attendance: Attendance,
    offences: mpsc::UnboundedSender<SystemItem>,
}

impl Reporter for Watch {
    type Activity = Activity<Scheme, Digest>;

    fn report(&mut self, activity: Self::Activity) -> Feedback {
        self.observer.activity(&activity);
        self.attendance.note(&activity, &self.scheme);
        if let Some(item) = evidence_of(&activity, &self.scheme, self.me) {
            if let SystemItem::Evidence(evidence) = &item {
                self.observer.offence(evidence);
            }
            // Consensus reports each offence once and blocks the offender: few will come. Nobody
            // listens only when the node stops.
            let _ = self.offences.unbounded_send(item);
        }
        Feedback::Ok
    }
}

/// What each epoch's engine is made of.
pub struct Parts<E, B, A> {
    /// Where tasks and files are.
    pub context: E,
    /// First part of the names of files.
    pub prefix: String,
    /// Who votes.
    pub committees: Committees,
    /// Where handovers are kept.
    pub registry: Registry,
    /// This node's key.
    pub me: ValidatorKey,
    /// Final blocks.
    pub marshal: MarshalMailbox<Scheme, Standard<Block>>,
    /// Builds and checks blocks, and passes them on.
    pub automaton: A,
    /// Cuts off who misbehaves.
    pub blocker: B,
    /// Who signed which certificate.
    pub attendance: Attendance,
    /// Who is told what happens.
    pub observer: Arc<dyn Observer>,
    /// Where evidence goes.
    pub offences: mpsc::UnboundedSender<SystemItem>,
    /// Pages of files in memory.
    pub pages: CacheRef,
    /// How long consensus waits for what.
    pub timeouts: Timeouts,
    /// Blocks of an epoch.
    pub epoch_blocks: u64,
}

type Backup = channel::Receiver<(u64, Message<PublicKey>)>;

/// The channels of votes, by epoch.
struct Channels<SE: Sender> {
    votes: MuxHandle<SE>,
    certificates: MuxHandle<SE>,
    asked: MuxHandle<SE>,
}

struct Active {
    epoch: u64,
    engine: Handle<()>,
}

impl Drop for Active {
    fn drop(&mut self) {
        self.engine.abort();
    }
}

/// Where voting begins after a start.
pub struct Entry {
    /// In which epoch.
    pub epoch: u64,
    /// On what.
    pub floor: Floor<Scheme, Digest>,
}

impl<E, B, A> Parts<E, B, A>
where
    E: Clock + CryptoRng + Spawner + Storage + Metrics,
    B: Blocker<PublicKey = PublicKey>,
    A: CertifiableAutomaton<Context = Context<Digest, PublicKey>, Digest = Digest>
        + Relay<Digest = Digest, PublicKey = PublicKey, Plan = Plan<PublicKey>>
        + Reporter<Activity = Activity<Scheme, Digest>>,
{
    /// Votes in one epoch after another until the node stops.
    pub async fn run<SE, RE>(
        mut self,
        entry: Entry,
        votes: (SE, RE),
        certificates: (SE, RE),
        asked: (SE, RE),
        mut boundaries: mpsc::Receiver<Boundary>,
    ) where
        SE: Sender<PublicKey = PublicKey>,
        RE: Receiver<PublicKey = PublicKey>,
    {
        let (muxer, votes, mut late_votes) =
            Muxer::builder(self.context.child("votes"), votes.0, votes.1).with_backup().build();
        muxer.start();
        let context = self.context.child("certificates");
        let (muxer, certificates, mut late_certificates) =
            Muxer::builder(context, certificates.0, certificates.1).with_backup().build();
        muxer.start();
        let (muxer, asked) = Muxer::new(self.context.child("asked"), asked.0, asked.1);
        muxer.start();
        let mut channels = Channels { votes, certificates, asked };
        let Some(mut active) = self.enter(entry, &mut channels).await else { return };
        loop {
            futures::select_biased! {
                _ = (&mut active.engine).fuse() => return,
                boundary = boundaries.next() => {
                    let Some(boundary) = boundary else { return };
                    let entry = self.hand_over(boundary, active.epoch).await;
                    let Some(entry) = entry else { continue };
                    drop(active);
                    let Some(entered) = self.enter(entry, &mut channels).await else { return };
                    active = entered;
                }
                late = Box::pin(next(&mut late_votes)).fuse() => {
                    let Some((epoch, peer)) = late else { return };
                    self.catch_up(active.epoch, epoch, peer);
                }
                late = Box::pin(next(&mut late_certificates)).fuse() => {
                    let Some((epoch, peer)) = late else { return };
                    self.catch_up(active.epoch, epoch, peer);
                }
            }
        }
    }

    /// A peer is in a later epoch: it has the certificate that ends ours.
    fn catch_up(&self, ours: u64, theirs: u64, peer: PublicKey) {
        if theirs > ours {
            let last = (ours + 1).saturating_mul(self.epoch_blocks) - 1;
            self.marshal.hint_finalized(Height::new(last), NonEmptyVec::new(peer));
        }
    }

    /// Keeps the handover at the end of an epoch; where the next one begins. `None`: it has begun
    /// already.
    async fn hand_over(&mut self, boundary: Boundary, active: u64) -> Option<Entry> {
        let Boundary { last, committee, done } = boundary;
        let epoch = committee.epoch;
        let digest = last.digest();
        if self.registry.newest() < epoch {
            let finalization = self.certificate(last.height).await;
            let certified = Certified::of(last, Vec::new(), &finalization);
            let certified = certified.unwrap_or_else(|error| {
                unreachable!("a certificate of consensus has a bounded size: {error}")
            });
            self.registry.put(Handover { last: certified, committee: committee.clone() }).await;
        }
        let known = self.committees.insert(&committee);
        assert!(known.is_ok(), "an elected committee is one");
        // Whoever waited stops when the node does.
        let _ = done.send(());
        (epoch > active).then_some(Entry { epoch, floor: Floor::Genesis(digest) })
    }

    /// The certificate over the last block of an epoch: it has no descendants by which it could
    /// have become final.
    async fn certificate(&mut self, height: u64) -> Finalization<Scheme, Digest> {
        loop {
            if let Some(found) = self.marshal.get_finalization(Height::new(height)).await {
                return found;
            }
            self.context.sleep(CERTIFICATE_RETRY).await;
        }
    }

    fn partition(&self, epoch: u64) -> String {
        format!("{}-simplex-{epoch}", self.prefix)
    }

    /// Starts the engine of an epoch. `None`: the node is stopping.
    async fn enter<SE>(&mut self, entry: Entry, channels: &mut Channels<SE>) -> Option<Active>
    where
        SE: Sender<PublicKey = PublicKey>,
    {
        let Entry { epoch, floor } = entry;
        let seated = self.committees.of(epoch);
        let Some(seated) = seated else {
            unreachable!("the committee of epoch {epoch} is known before it is entered")
        };
        if let Some(old) = epoch.checked_sub(2) {
            // Its votes prove nothing anymore. It may be gone, or never have been.
            let _ = self.context.remove(&self.partition(old), None).await;
        }
        let watch = Watch {
            observer: Arc::clone(&self.observer),
            scheme: Arc::clone(&seated.scheme),
            me: self.me,
            attendance: self.attendance.clone(),
            offences: self.offences.clone(),
        };
        let engine = simplex::Engine::new(
            self.context.child("simplex").with_attribute("epoch", epoch),
            simplex::Config {
                scheme: (*seated.scheme).clone(),
                elector: schedule(&seated.seed),
                blocker: self.blocker.clone(),
                automaton: self.automaton.clone(),
                relay: self.automaton.clone(),
                reporter: Reporters::from((self.automaton.clone(), watch)),
                strategy: STRATEGY,
                partition: self.partition(epoch),
                mailbox_size: MAILBOX,
                epoch: Epoch::new(epoch),
                floor,
                replay_buffer: FILE_BUFFER,
                write_buffer: FILE_BUFFER,
                page_cache: self.pages.clone(),
                leader_timeout: self.timeouts.leader,
                certification_timeout: self.timeouts.certification,
                timeout_retry: self.timeouts.retry,
                view_retention: VIEWS_KEPT,
                skip: SkipPolicy::Enabled {
                    timeout: self.timeouts.skip,
                    budget: SkipBudget::Participants,
                },
                fetch_timeout: NZDuration!(Duration::from_secs(1)),
                fetch_retry_delay: Duration::from_millis(500),
                forward: ForwardPolicy::Disabled,
                track_historical_votes: true,
            },
        );
        let votes = channels.votes.register(epoch).await.ok()?;
        let certificates = channels.certificates.register(epoch).await.ok()?;
        let asked = channels.asked.register(epoch).await.ok()?;
        self.observer.entered(epoch, seated.votes());
        Some(Active { epoch, engine: engine.start(votes, certificates, asked) })
    }
}

/// A message of an epoch whose engine does not run: which epoch, and whose.
async fn next(backup: &mut Backup) -> Option<(u64, PublicKey)> {
    let (epoch, (peer, _)) = backup.recv().await?;
    Some((epoch, peer))
}

/// A message of an epoch as it goes over the network: behind the epoch's number.
#[must_use]
pub fn behind_epoch(epoch: u64, message: &[u8]) -> Bytes {
    let mut bytes = BytesMut::new();
    UInt(epoch).write(&mut bytes);
    bytes.extend_from_slice(message);
    bytes.freeze()
}
