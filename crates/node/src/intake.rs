//! How commands and items come in: from this node's own clients and from other validators.
//!
//! One task takes what comes, decodes it once, checks signatures in batches, and puts what is good
//! where blocks are built from; what its own clients brought goes on to all peers, what came from a
//! peer does not, for every validator is a neighbour of every other. Invariants: queues are bounded
//! and whoever brings too much is told so or slowed down; a peer that sends bytes which are no
//! message, or too much that does not hold ([`crate::conduct`]), is cut off. Deliberately absent:
//! sockets.

#[cfg(test)]
mod tests;

use crate::application::Chain;
use crate::block::PublicKey;
use crate::conduct::Conduct;
use crate::costs::Work;
use crate::items::Items;
use crate::mempool::Refusal;
use crate::signatures::CommandId;
use bytes::Bytes;
use commonware_p2p::{Blocker, Receiver, Recipients, Sender};
use commonware_runtime::{Clock, Spawner};
use commonware_storage::Context as StorageContext;
use futures::channel::{mpsc, oneshot};
use futures::{FutureExt as _, SinkExt as _, StreamExt as _};
use lockstep_ledger::SystemItem;
use lockstep_types::codec::{Bounded, Decode, DecodeError, DecodeErrorKind, Encode, Reader};
use lockstep_types::codec_enum;
use lockstep_types::envelope::SignedCommand;
use rand::CryptoRng;

/// Commands in one message at most.
pub const MESSAGE_COMMANDS_MAX: usize = 1_024;
/// Items in one message at most.
pub const MESSAGE_ITEMS_MAX: usize = 16;
/// Bytes of one message at most.
pub const MESSAGE_BYTES_MAX: usize = 512 * 1024;
/// Submissions of clients that wait at most; more wait at the door.
pub const SUBMISSIONS_MAX: usize = 256;
/// Messages that are taken together at most: their signatures are one batch.
const ROUND_MESSAGES_MAX: usize = 64;

/// What validators tell each other outside of consensus.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message {
    /// Commands that a client brought.
    Commands(Bounded<SignedCommand, MESSAGE_COMMANDS_MAX>),
    /// What validators want in a block.
    Items(Bounded<SystemItem, MESSAGE_ITEMS_MAX>),
}
codec_enum!(Message { 0 => Commands(commands), 1 => Items(items) });

impl Message {
    /// Reads a message that came over the network.
    ///
    /// # Errors
    /// When it is too long or no message.
    pub fn read(bytes: &[u8]) -> Result<Self, DecodeError> {
        read_message(bytes, MESSAGE_BYTES_MAX)
    }
}

/// Reads a message of at most so many bytes that came over the network.
///
/// # Errors
/// When it is too long or no message.
pub(crate) fn read_message<T: Decode>(bytes: &[u8], limit: usize) -> Result<T, DecodeError> {
    if bytes.len() > limit {
        let kind = DecodeErrorKind::TooLong { count: bytes.len(), limit };
        return Err(DecodeError::new(kind).within("message"));
    }
    let mut reader = Reader::new(bytes);
    let message = T::decode(&mut reader)?;
    reader.finish()?;
    Ok(message)
}

/// What becomes of each command of a submission, in its order.
pub type Answers = Vec<Result<CommandId, Refusal>>;

/// What a client of this node brings.
#[derive(Debug)]
enum Submission {
    Commands(Vec<SignedCommand>, Option<oneshot::Sender<Answers>>),
    Item(Box<SystemItem>),
}

/// Where this node's own clients bring things. Clones share the queue.
#[derive(Clone, Debug)]
pub struct Door(mpsc::Sender<Submission>);

/// The node has stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Closed;

impl Door {
    /// Brings commands and waits for what becomes of them.
    ///
    /// # Errors
    /// When the node has stopped.
    pub async fn submit(&mut self, commands: Vec<SignedCommand>) -> Result<Answers, Closed> {
        let (answer, answered) = oneshot::channel();
        let submission = Submission::Commands(commands, Some(answer));
        self.0.send(submission).await.map_err(|_| Closed)?;
        answered.await.map_err(|_| Closed)
    }

    /// Brings an item of this validator.
    ///
    /// # Errors
    /// When the node has stopped.
    pub async fn say(&mut self, item: SystemItem) -> Result<(), Closed> {
        self.0.send(Submission::Item(Box::new(item))).await.map_err(|_| Closed)
    }
}

/// The receiving end of a [`Door`].
pub struct Intake(mpsc::Receiver<Submission>);

/// A door and what is behind it.
#[must_use]
pub fn door() -> (Door, Intake) {
    let (sender, receiver) = mpsc::channel(SUBMISSIONS_MAX);
    (Door(sender), Intake(receiver))
}

/// What came in one round.
#[derive(Default)]
struct Round {
    own: Vec<(Vec<SignedCommand>, Option<oneshot::Sender<Answers>>)>,
    peers: Vec<(PublicKey, Vec<SignedCommand>)>,
    items: Vec<SystemItem>,
    own_items: Vec<SystemItem>,
}

impl Round {
    fn add(&mut self, submission: Submission) {
        match submission {
            Submission::Commands(commands, answer) => self.own.push((commands, answer)),
            Submission::Item(item) => self.own_items.push(*item),
        }
    }

    fn add_message(&mut self, peer: PublicKey, message: Message) {
        match message {
            Message::Commands(commands) => self.peers.push((peer, commands.into_vec())),
            Message::Items(items) => self.items.extend(items.into_vec()),
        }
    }
}

impl Intake {
    /// Takes what comes until the node stops.
    pub async fn run<E, SE, RE, B>(
        mut self,
        mut context: E,
        chain: Chain<E>,
        items: Items,
        network: (SE, RE),
        mut blocker: B,
    ) where
        E: Spawner + StorageContext + Clock + CryptoRng,
        SE: Sender<PublicKey = PublicKey>,
        RE: Receiver<PublicKey = PublicKey>,
        B: Blocker<PublicKey = PublicKey>,
    {
        let (mut sender, mut receiver) = network;
        let mut conduct = Conduct::new(context.current());
        loop {
            let mut round = Round::default();
            futures::select_biased! {
                submission = self.0.next() => match submission {
                    Some(submission) => round.add(submission),
                    None => return,
                },
                received = receiver.recv().fuse() => match received {
                    Ok((peer, bytes)) => read(&mut round, peer, bytes.into(), &mut blocker),
                    Err(_) => return,
                },
            }
            for _ in 1..ROUND_MESSAGES_MAX {
                if let Some(Some(submission)) = self.0.next().now_or_never() {
                    round.add(submission);
                } else if let Some(Ok((peer, bytes))) = receiver.recv().now_or_never() {
                    read(&mut round, peer, bytes.into(), &mut blocker);
                } else {
                    break;
                }
            }
            let bad = settle(&mut context, &chain, &items, round, &mut sender).await;
            let now = context.current();
            for (peer, count) in bad {
                if conduct.note(now, &peer, count) {
                    // Whatever of it is under way comes to nothing too.
                    let _ = blocker.block(peer);
                }
            }
        }
    }
}

fn read<B: Blocker<PublicKey = PublicKey>>(
    round: &mut Round,
    peer: PublicKey,
    bytes: Bytes,
    blocker: &mut B,
) {
    match Work::Decode.measure(|| Message::read(&bytes)) {
        Ok(message) => round.add_message(peer, message),
        // No honest node sends this.
        Err(_) => drop(blocker.block(peer)),
    }
}

/// Settles what came in one round; how many commands of each peer have a signature that does not
/// hold.
async fn settle<E, SE>(
    context: &mut E,
    chain: &Chain<E>,
    items: &Items,
    round: Round,
    sender: &mut SE,
) -> Vec<(PublicKey, usize)>
where
    E: Spawner + StorageContext + Clock + CryptoRng,
    SE: Sender<PublicKey = PublicKey>,
{
    let mut all: Vec<SignedCommand> = Vec::new();
    let mut submitters = Vec::new();
    for (commands, answer) in round.own {
        submitters.push((commands.len(), answer));
        all.extend(commands);
    }
    let own_count = all.len();
    let mut bringers = Vec::new();
    for (peer, commands) in round.peers {
        bringers.push((peer, commands.len()));
        all.extend(commands);
    }
    let mut good = Vec::new();
    let answers = chain.admit(&all, context).await;
    for (signed, answer) in all[..own_count].iter().zip(&answers) {
        if answer.is_ok() {
            good.push(signed.clone());
        }
    }
    send_commands(sender, good);
    let mut rest = answers.into_iter();
    for (count, answer) in submitters {
        let part: Answers = rest.by_ref().take(count).collect();
        if let Some(answer) = answer {
            // A client that no longer waits does not want to know.
            let _ = answer.send(part);
        }
    }
    let mut bad = Vec::new();
    for (peer, count) in bringers {
        let is_bad = |answer: &Result<_, Refusal>| *answer == Err(Refusal::Signature);
        bad.push((peer, rest.by_ref().take(count).filter(is_bad).count()));
    }
    for item in round.items {
        if chain.item_holds(&item, context) {
            items.insert(item);
        }
    }
    for item in round.own_items {
        if chain.item_holds(&item, context) && items.insert(item.clone()) {
            let message = Message::Items(Bounded::new(vec![item]).unwrap_or_default());
            sender.send(Recipients::All, Bytes::from(message.to_bytes()), false);
        }
    }
    bad
}

/// Sends commands to all peers in messages that are short enough.
fn send_commands<SE: Sender<PublicKey = PublicKey>>(sender: &mut SE, commands: Vec<SignedCommand>) {
    let mut part = Vec::new();
    let mut bytes = 0;
    let mut flush = |part: &mut Vec<SignedCommand>| {
        if let Ok(commands) = Bounded::new(std::mem::take(part))
            && !commands.is_empty()
        {
            let message = Message::Commands(commands).to_bytes();
            sender.send(Recipients::All, Bytes::from(message), false);
        }
    };
    for signed in commands {
        let length = signed.to_bytes().len();
        // A few bytes for tag and count.
        if part.len() == MESSAGE_COMMANDS_MAX || bytes + length + 16 > MESSAGE_BYTES_MAX {
            flush(&mut part);
            bytes = 0;
        }
        bytes += length;
        part.push(signed);
    }
    flush(&mut part);
}
