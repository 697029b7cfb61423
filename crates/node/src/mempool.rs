//! Commands that wait for a block.
//!
//! Invariants: every command in it has had its signature checked; a signer has each nonce at most
//! once and no more than [`SIGNER_COMMANDS_MAX`] waiting; bytes and number are bounded, and what
//! does not fit is refused by name. A command stays until a finalized block has it or it has waited
//! too long, so that a block that consensus dropped loses nothing. Deliberately absent: the network
//! ([`crate::intake`]) and whether a command will succeed.

#[cfg(test)]
mod tests;

use crate::signatures::CommandId;
use lockstep_types::command::{BatchItem, Command};
use lockstep_types::envelope::SignedCommand;
use lockstep_types::ids::SignerId;
use lockstep_types::units::TimeMs;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Commands that wait at most.
pub const COMMANDS_MAX: usize = 1 << 16;
/// Bytes of all commands that wait at most.
pub const BYTES_MAX: usize = 64 * 1024 * 1024;
/// Commands of one signer that wait at most.
pub const SIGNER_COMMANDS_MAX: usize = 4_096;
/// How long a command waits at most.
pub const WAIT_MS_MAX: i64 = 30_000;
/// Between looks for what has waited too long, ms of the chain's clock.
const EXPIRE_EVERY_MS: i64 = 500;

/// Why a command was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// It waits already.
    Known,
    /// Another command of this signer with this nonce waits.
    Nonce,
    /// So many commands of this signer wait.
    Signer,
    /// So many commands wait.
    Commands,
    /// So many bytes wait.
    Bytes,
    /// It is valid until a time that the chain has passed.
    TooLate,
    /// The state knows no such signer, or another party's consent in it does not hold.
    Unknown,
    /// The signature is not the signer's.
    Signature,
    /// The node is stopping.
    Stopping,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Known => write!(f, "the command waits for a block already"),
            Self::Nonce => write!(f, "nonce: another command with it waits for a block"),
            Self::Signer => {
                write!(f, "signer: {SIGNER_COMMANDS_MAX} of its commands wait, the limit")
            }
            Self::Commands => write!(f, "mempool: {COMMANDS_MAX} commands wait, the limit"),
            Self::Bytes => write!(f, "mempool: {BYTES_MAX} bytes wait, the limit"),
            Self::TooLate => write!(f, "valid_until: the chain's clock is past it"),
            Self::Unknown => {
                write!(f, "signer: the state knows none of that number, or a consent does not hold")
            }
            Self::Signature => write!(f, "signature: not this signer's of this command"),
            Self::Stopping => write!(f, "node: it is stopping"),
        }
    }
}

impl std::error::Error for Refusal {}

/// How much a block has room for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Room {
    /// Commands.
    pub commands: usize,
    /// Bytes of their encodings.
    pub bytes: usize,
    /// Orders, quotes and cancels in them.
    pub work: u64,
}

/// Work of the largest single command, for which there is always room.
const WORK_MIN: u64 = 200;
/// Skipped views beyond which room shrinks no more.
const SKIPS_MAX: u64 = 10;

impl Room {
    /// The room of a block before which so many views were skipped: half for each beyond the first.
    /// What was too much to be executed in time would be too much for the next leader as well, and
    /// the first view without a block is most likely a leader who is not there.
    #[must_use]
    pub fn after_skips(self, skipped: u64) -> Self {
        let shift = skipped.saturating_sub(1).min(SKIPS_MAX);
        let work = (self.work >> shift).max(WORK_MIN.min(self.work));
        let commands = (self.commands >> shift).max(1.min(self.commands));
        Self { commands, work, ..self }
    }
}

/// A command that waits.
#[derive(Clone, Debug)]
struct Waiting {
    id: CommandId,
    signed: Arc<SignedCommand>,
    bytes: usize,
    since: TimeMs,
}

/// Order of service: cancels first, for they free what others wait for; then as they came.
type Turn = (u8, u64);

#[derive(Debug, Default)]
struct Pool {
    queue: BTreeMap<Turn, Waiting>,
    turns: HashMap<CommandId, Turn>,
    nonces: HashMap<SignerId, HashSet<u64>>,
    bytes: usize,
    arrivals: u64,
    /// When it was last looked for what has waited too long.
    expired: TimeMs,
}

/// The commands that wait; clones share them.
#[derive(Clone, Debug, Default)]
pub struct Mempool(Arc<Mutex<Pool>>);

/// Steps of a command that the state machine works on one by one.
#[must_use]
pub fn work_of(command: &Command) -> u64 {
    let count = match command {
        Command::PlaceLinked { orders, .. } => orders.len(),
        Command::MassQuote { quotes, .. } => 2 * quotes.len(),
        Command::BlockTrade { terms, .. } => terms.legs.len(),
        Command::Batch(items) => items.len(),
        _ => 1,
    };
    u64::try_from(count).unwrap_or(u64::MAX).max(1)
}

fn is_cancel(command: &Command) -> bool {
    match command {
        Command::Cancel(_) | Command::CancelAll(_) => true,
        Command::Batch(items) => items.iter().all(|item| matches!(item, BatchItem::Cancel(_))),
        _ => false,
    }
}

impl Mempool {
    fn pool(&self) -> MutexGuard<'_, Pool> {
        // A thread that died while it held the lock left a pool that is at worst a command short.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a command of `bytes` bytes whose signature holds; `now` is the chain's clock.
    ///
    /// # Errors
    /// When it waits already or a limit is reached.
    pub fn insert(
        &self,
        id: CommandId,
        signed: SignedCommand,
        bytes: usize,
        now: TimeMs,
    ) -> Result<(), Refusal> {
        let command = &signed.command;
        let mut pool = self.pool();
        if pool.turns.contains_key(&id) {
            return Err(Refusal::Known);
        }
        if command.valid_until.is_some_and(|until| until < now) {
            return Err(Refusal::TooLate);
        }
        if pool.turns.len() >= COMMANDS_MAX {
            return Err(Refusal::Commands);
        }
        if pool.bytes.saturating_add(bytes) > BYTES_MAX {
            return Err(Refusal::Bytes);
        }
        let nonces = pool.nonces.entry(command.signer).or_default();
        if nonces.len() >= SIGNER_COMMANDS_MAX {
            return Err(Refusal::Signer);
        }
        if !nonces.insert(command.nonce) {
            return Err(Refusal::Nonce);
        }
        let turn = (u8::from(!is_cancel(&command.command)), pool.arrivals);
        pool.arrivals += 1;
        pool.bytes += bytes;
        pool.turns.insert(id, turn);
        let signed = Arc::new(signed);
        pool.queue.insert(turn, Waiting { id, signed, bytes, since: now });
        Ok(())
    }

    /// Commands for a block, in order of service, without those that `skip` names.
    #[must_use]
    pub fn select(
        &self,
        mut room: Room,
        skip: impl Fn(CommandId) -> bool,
    ) -> Vec<(CommandId, Arc<SignedCommand>)> {
        let mut chosen = Vec::new();
        for waiting in self.pool().queue.values() {
            let work = work_of(&waiting.signed.command.command);
            if room.commands == 0 || room.work == 0 {
                break;
            }
            if waiting.bytes > room.bytes || work > room.work || skip(waiting.id) {
                continue;
            }
            room.commands -= 1;
            room.bytes -= waiting.bytes;
            room.work -= work;
            chosen.push((waiting.id, Arc::clone(&waiting.signed)));
        }
        chosen
    }

    /// Forgets commands: a finalized block has them, or they can never be in one.
    pub fn forget(&self, ids: impl IntoIterator<Item = CommandId>) {
        let mut pool = self.pool();
        for id in ids {
            pool.remove(id);
        }
    }

    /// Forgets what has waited too long or is too late at `now`.
    pub fn expire(&self, now: TimeMs) {
        let mut pool = self.pool();
        // All that wait are looked at: not for each block.
        if now.0.saturating_sub(pool.expired.0) < EXPIRE_EVERY_MS {
            return;
        }
        pool.expired = now;
        let is_over = |waiting: &&Waiting| {
            now.0.saturating_sub(waiting.since.0) > WAIT_MS_MAX
                || waiting.signed.command.valid_until.is_some_and(|until| until < now)
        };
        let over: Vec<CommandId> =
            pool.queue.values().filter(is_over).map(|waiting| waiting.id).collect();
        over.into_iter().for_each(|id| pool.remove(id));
    }

    /// How many commands wait.
    #[must_use]
    pub fn len(&self) -> usize {
        self.pool().turns.len()
    }

    /// Whether none waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl Pool {
    fn remove(&mut self, id: CommandId) {
        let Some(turn) = self.turns.remove(&id) else { return };
        let Some(waiting) = self.queue.remove(&turn) else { return };
        self.bytes -= waiting.bytes;
        let command = &waiting.signed.command;
        if let Some(nonces) = self.nonces.get_mut(&command.signer) {
            nonces.remove(&command.nonce);
            if nonces.is_empty() {
                self.nonces.remove(&command.signer);
            }
        }
    }
}
