//! Handovers from one committee to the next: kept, served to whoever asks, and asked for.
//!
//! Who joins a network that runs believes the genesis alone. It asks its peers for handovers,
//! follows them as a light client does, and at last takes the highest block that a peer shows a
//! certificate of; that is where it begins to take over the state of others. Enough peers are heard
//! that one of them is honest. Invariants: what is kept was checked, by consensus here or by the
//! light client; answers are bounded; a peer that sends what is false is cut off. Deliberately
//! absent: the state itself.

#[cfg(test)]
mod tests;

use crate::block::{Block, Digest, PublicKey};
use crate::intake::read_message;
use crate::light::{Certified, Handover, LightClient};
use crate::validator::{StartError, archive_config};
use bytes::Bytes;
use commonware_codec::Read as _;
use commonware_consensus::Epochable as _;
use commonware_consensus::marshal::Identifier as Which;
use commonware_consensus::marshal::core::Mailbox as MarshalMailbox;
use commonware_consensus::marshal::standard::Standard;
use commonware_consensus::simplex::scheme::ed25519::Scheme;
use commonware_consensus::simplex::types::Finalization;
use commonware_consensus::types::Height;
use commonware_p2p::{Blocker, Receiver, Recipients, Sender};
use commonware_runtime::buffer::paged::CacheRef;
use commonware_runtime::{Clock, Metrics, Storage};
use commonware_storage::archive::{Archive as _, Identifier, prunable};
use commonware_storage::translator::TwoCap;
use futures::channel::{mpsc, oneshot};
use futures::{FutureExt as _, SinkExt as _, StreamExt as _};
use lockstep_types::chain::ValidatorKey;
use lockstep_types::codec::{Bounded, Decode as _, DecodeError, Encode as _};
use lockstep_types::units::TimeMs;
use lockstep_types::{codec_enum, codec_struct};
use rand::CryptoRng;
use std::collections::BTreeSet;
use std::fmt::Display;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, UNIX_EPOCH};

/// Handovers in one answer at most.
pub const ANSWER_MAX: usize = 8;
/// Bytes of one message at most: as many handovers of the largest committee, and a certificate.
pub const MESSAGE_BYTES_MAX: usize = 256 * 1024;
/// Bytes of one handover at most.
const HANDOVER_BYTES_MAX: usize = 24 * 1024;
/// Blocks below the highest final one among which one with a certificate of its own is looked for.
const TIP_SEARCH: u64 = 64;
/// How long answers are waited for before everybody is asked again.
const ASK_EVERY: Duration = Duration::from_millis(500);
/// Orders that wait at most.
const ORDERS_MAX: usize = 16;

/// What nodes say to each other about handovers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message {
    /// Which handovers are there, from the one to this epoch's committee on?
    Ask(u64),
    /// These are.
    Answer(Box<Answer>),
}
codec_enum!(Message { 0 => Ask(from), 1 => Answer(answer) });

/// Handovers that a node has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// In order of epoch.
    pub handovers: Bounded<Handover, ANSWER_MAX>,
    /// If there are no more, the highest block with a certificate.
    pub tip: Option<Certified>,
}
codec_struct!(Answer { handovers, tip });

impl Message {
    /// Reads a message that came over the network.
    ///
    /// # Errors
    /// When it is too long or no message.
    pub fn read(bytes: &[u8]) -> Result<Self, DecodeError> {
        read_message(bytes, MESSAGE_BYTES_MAX)
    }

    fn bytes(&self) -> Bytes {
        Bytes::from(self.to_bytes())
    }
}

/// What somebody in this node wants of the keeper.
enum Order {
    Put(Box<Handover>, oneshot::Sender<()>),
    From(u64, oneshot::Sender<Vec<Handover>>),
}

/// Where handovers of this node are asked for and kept. Clones share them.
#[derive(Clone)]
pub struct Registry {
    orders: mpsc::Sender<Order>,
    newest: Arc<AtomicU64>,
}

impl Registry {
    /// The newest epoch whose committee a handover that is kept leads to; 0 if there is none.
    #[must_use]
    pub fn newest(&self) -> u64 {
        self.newest.load(Ordering::Acquire)
    }

    /// Keeps a handover; returns when it is durable, or the node is stopping.
    pub async fn put(&self, handover: Handover) {
        let (done, kept) = oneshot::channel();
        if self.orders.clone().send(Order::Put(Box::new(handover), done)).await.is_ok() {
            // An error: the node is stopping, and nothing follows from this anymore.
            let _ = kept.await;
        }
    }

    /// At most [`ANSWER_MAX`] handovers, from the one that leads to an epoch's committee on.
    pub async fn from(&self, epoch: u64) -> Vec<Handover> {
        let (answer, answered) = oneshot::channel();
        if self.orders.clone().send(Order::From(epoch, answer)).await.is_err() {
            return Vec::new();
        }
        answered.await.unwrap_or_default()
    }
}

type Archive<E> = prunable::Archive<TwoCap, E, Digest, Bytes>;

/// Handovers on disk, by the epoch that they lead to.
pub struct Keeper<E: Storage + Metrics + Clock> {
    archive: Archive<E>,
    orders: mpsc::Receiver<Order>,
    newest: Arc<AtomicU64>,
}

fn storage(error: impl Display) -> StartError {
    StartError::Storage(format!("handovers: {error}"))
}

impl<E: commonware_storage::Context> Keeper<E> {
    /// Opens what is kept.
    ///
    /// # Errors
    /// When files cannot be read.
    pub async fn open(
        context: E,
        prefix: &str,
        pages: CacheRef,
    ) -> Result<(Self, Registry), StartError> {
        let config = archive_config(prefix, "handovers", pages, (0..=HANDOVER_BYTES_MAX).into());
        let archive = Archive::init(context, config).await.map_err(storage)?;
        let newest = Arc::new(AtomicU64::new(archive.last_index().unwrap_or(0)));
        let (sender, orders) = mpsc::channel(ORDERS_MAX);
        let registry = Registry { orders: sender, newest: Arc::clone(&newest) };
        Ok((Self { archive, orders, newest }, registry))
    }

    /// The handover to an epoch's committee.
    ///
    /// # Errors
    /// When files cannot be read.
    pub async fn get(&self, epoch: u64) -> Result<Option<Handover>, StartError> {
        let bytes = self.archive.get(Identifier::Index(epoch)).await.map_err(storage)?;
        bytes.map(|bytes| Handover::from_bytes(&bytes).map_err(storage)).transpose()
    }

    /// Keeps a handover and returns when it is durable.
    ///
    /// # Errors
    /// When files cannot be written.
    pub async fn put(mut self, handover: &Handover) -> Result<Self, StartError> {
        let (epoch, digest) = (handover.committee.epoch, handover.last.header().digest());
        let bytes = Bytes::from(handover.to_bytes());
        self.archive = self.archive.put_sync(epoch, digest, &bytes).await.map_err(storage)?;
        self.newest.fetch_max(epoch, Ordering::AcqRel);
        Ok(self)
    }

    /// At most [`ANSWER_MAX`] handovers, from the one to an epoch's committee on.
    async fn from(&self, epoch: u64) -> Result<Vec<Handover>, StartError> {
        let mut found = Vec::new();
        for epoch in (epoch..=self.newest.load(Ordering::Acquire)).take(ANSWER_MAX) {
            match self.get(epoch).await? {
                Some(handover) => found.push(handover),
                None => break,
            }
        }
        Ok(found)
    }

    /// Keeps and serves handovers until the node stops, or its files fail.
    ///
    /// # Errors
    /// When files cannot be read or written.
    pub async fn run<SE, RE, B>(
        mut self,
        network: (SE, RE),
        marshal: MarshalMailbox<Scheme, Standard<Block>>,
        mut blocker: B,
    ) -> Result<(), StartError>
    where
        SE: Sender<PublicKey = PublicKey>,
        RE: Receiver<PublicKey = PublicKey>,
        B: Blocker<PublicKey = PublicKey>,
    {
        let (mut sender, mut receiver) = network;
        loop {
            futures::select_biased! {
                order = self.orders.next() => match order {
                    None => return Ok(()),
                    Some(Order::Put(handover, done)) => {
                        self = self.put(&handover).await?;
                        // Whoever waited stops when the node does.
                        let _ = done.send(());
                    }
                    Some(Order::From(epoch, answer)) => {
                        let _ = answer.send(self.from(epoch).await?);
                    }
                },
                received = receiver.recv().fuse() => {
                    let Ok((peer, bytes)) = received else { return Ok(()) };
                    let bytes: Bytes = bytes.into();
                    match Message::read(&bytes) {
                        Ok(Message::Ask(from)) => {
                            let answer = self.answer(from, &marshal).await?;
                            sender.send(Recipients::One(peer), answer.bytes(), false);
                        }
                        // An answer that comes after all: it is not needed anymore.
                        Ok(Message::Answer(_)) => {}
                        Err(_) => drop(blocker.block(peer)),
                    }
                }
            }
        }
    }

    async fn answer(
        &self,
        from: u64,
        marshal: &MarshalMailbox<Scheme, Standard<Block>>,
    ) -> Result<Message, StartError> {
        let handovers = self.from(from).await?;
        let tip = if handovers.len() == ANSWER_MAX { None } else { tip(marshal).await };
        let handovers = Bounded::new(handovers).unwrap_or_default();
        Ok(Message::Answer(Box::new(Answer { handovers, tip })))
    }
}

/// The highest final block with a certificate of its own.
pub async fn tip(marshal: &MarshalMailbox<Scheme, Standard<Block>>) -> Option<Certified> {
    let (highest, _) = marshal.get_info(Which::Latest).await?;
    for height in (1..=highest.get()).rev().take(usize::try_from(TIP_SEARCH).unwrap_or(1)) {
        let height = Height::new(height);
        let (Some(finalization), Some(block)) =
            (marshal.get_finalization(height).await, marshal.get_block(height).await)
        else {
            continue;
        };
        return Certified::of(block.inner_shared().header().clone(), Vec::new(), &finalization)
            .ok();
    }
    None
}

/// What a joining node learned.
pub struct Learned {
    /// Handovers that it did not have.
    pub handovers: Vec<Handover>,
    /// The highest certificate; `None`: nothing is final yet.
    pub tip: Option<Finalization<Scheme, Digest>>,
}

/// Learns from peers who votes now and what is final, beginning with whom `light` believes. It goes
/// on asking until enough peers have answered.
pub async fn learn<E, SE, RE, B>(
    context: &mut E,
    mut light: LightClient,
    me: &ValidatorKey,
    network: &mut (SE, RE),
    blocker: &mut B,
) -> Learned
where
    E: Clock + CryptoRng,
    SE: Sender<PublicKey = PublicKey>,
    RE: Receiver<PublicKey = PublicKey>,
    B: Blocker<PublicKey = PublicKey>,
{
    let mut learned = Learned { handovers: Vec::new(), tip: None };
    let mut highest = 0;
    let mut heard: BTreeSet<ValidatorKey> = BTreeSet::new();
    loop {
        let next = light.committee().epoch.saturating_add(1);
        network.0.send(Recipients::All, Message::Ask(next).bytes(), true);
        let deadline = context.current() + ASK_EVERY;
        let mut moved = false;
        while !moved && !has_heard(&light, &heard, me) {
            let received = futures::select_biased! {
                received = network.1.recv().fuse() => received,
                () = context.sleep_until(deadline).fuse() => break,
            };
            let Ok((peer, bytes)) = received else { return learned };
            let bytes: Bytes = bytes.into();
            let (handovers, tip) = match Message::read(&bytes) {
                Ok(Message::Answer(answer)) => (answer.handovers.into_vec(), answer.tip),
                // Somebody else who joins: we know nothing either.
                Ok(Message::Ask(_)) => continue,
                Err(_) => {
                    let _ = blocker.block(peer);
                    continue;
                }
            };
            let is_all = handovers.len() < ANSWER_MAX;
            for handover in handovers {
                if handover.committee.epoch != light.committee().epoch.saturating_add(1) {
                    continue;
                }
                if light.advance(&handover, context).is_err() {
                    let _ = blocker.block(peer.clone());
                    break;
                }
                learned.handovers.push(handover);
                moved = true;
            }
            let good = tip.as_ref().is_none_or(|tip| is_recent(context, &light, tip));
            if !(is_all && good) {
                continue;
            }
            if let Ok(key) = peer.as_ref().try_into() {
                heard.insert(key);
            }
            if let Some(tip) = tip.filter(|tip| tip.tip.height > highest) {
                highest = tip.tip.height;
                learned.tip = finalization_of(&light, &tip);
            }
        }
        if has_heard(&light, &heard, me) {
            return learned;
        }
    }
}

/// Whether so many members of the committee have answered that one of them is honest.
fn has_heard(light: &LightClient, heard: &BTreeSet<ValidatorKey>, me: &ValidatorKey) -> bool {
    let seats = &light.committee().seats;
    let others = seats.iter().filter(|seat| seat.key != *me);
    let answered = others.clone().filter(|seat| heard.contains(&seat.key)).count();
    answered >= (seats.len().saturating_sub(1) / 3 + 1).min(others.count())
}

/// Whether a certificate holds and is not so old that its signers have nothing left to lose.
fn is_recent<E: Clock + CryptoRng>(
    context: &mut E,
    light: &LightClient,
    certified: &Certified,
) -> bool {
    let since = context.current().duration_since(UNIX_EPOCH).unwrap_or_default();
    let now = TimeMs(i64::try_from(since.as_millis()).unwrap_or(i64::MAX));
    certified.path.is_empty()
        && light.check(certified, context).is_ok_and(|header| light.check_age(header, now).is_ok())
}

/// The certificate itself, which has been checked.
fn finalization_of(
    light: &LightClient,
    certified: &Certified,
) -> Option<Finalization<Scheme, Digest>> {
    let mut bytes = Bytes::copy_from_slice(&certified.certificate);
    let read = Finalization::<Scheme, Digest>::read_cfg(&mut bytes, &light.committee().seats.len());
    read.ok().filter(|read| read.epoch().get() == certified.tip.epoch)
}
