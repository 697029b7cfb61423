//! An audit: all final blocks from the genesis on, executed again by somebody who believes nobody.
//!
//! Of each block it is checked that it follows the one before and that its leader's turn it was,
//! that its signatures hold, those under evidence too, that the ledger accepts it and makes of it
//! the events and the state that its header commits to (leaves are written into a store of the
//! auditor's own, which gives the roots), that stake and money add up, and, where it has a
//! certificate, that its committee signed it. A block without one is vouched for by the next that
//! has. `auditor` checks block by block, `files` reads them from a node's folder; [`snapshot`] is
//! the state after a block, from which an audit may begin.
//!
//! Invariant: the first thing that is wrong ends the audit and is named with its height and field.
//! Deliberately absent: repair; and whether leaders told the truth about who signed the blocks
//! before theirs, which nobody can know afterwards.

mod auditor;
mod files;
pub mod snapshot;
#[cfg(test)]
mod tests;

use crate::light::Handover;
use crate::light::offline::Scratch;
use auditor::Auditor;
use commonware_runtime::Runner as _;
use commonware_runtime::tokio::{self, Context};
use files::Files;
use lockstep_client::frames::Frame;
use lockstep_ledger::Genesis;
use lockstep_types::units::{TimeMs, Usd};
use snapshot::Snapshot;
use std::fmt;
use std::path::Path;

/// What is wrong, or why it could not be found out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AuditError {
    /// The audit could not begin or go on.
    Failed(String),
    /// A block is not what it should be.
    Broken {
        /// Its height.
        height: u64,
        /// Which part of it.
        field: String,
        /// What is wrong with that.
        why: String,
    },
}

impl fmt::Display for AuditError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Failed(why) => write!(f, "the audit cannot go on: {why}"),
            Self::Broken { height, field, why } => write!(f, "block {height}: {field}: {why}"),
        }
    }
}

impl std::error::Error for AuditError {}

/// How closely is looked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Care {
    /// All invariants and all accounts are looked at after every so many blocks, and at the end;
    /// sums after each.
    pub everything_blocks: u64,
}

/// What an audit found in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Audited {
    /// The block whose state it began with.
    pub first: u64,
    /// The last block.
    pub height: u64,
    /// Its epoch.
    pub epoch: u64,
    /// The last block that a certificate vouches for.
    pub certified: u64,
    /// Certificates that were checked.
    pub certificates: u64,
    /// Committees that were handed over to.
    pub committees: u64,
    /// Commands that were executed.
    pub commands: u64,
    /// Reports, deposits and pieces of evidence.
    pub items: u64,
    /// Events of the venue and the chain.
    pub events: u64,
    /// How often everything was looked at.
    pub looks: u64,
    /// Root of the state after the last block.
    pub state_root: [u8; 32],
    /// The chain's clock after it.
    pub time: TimeMs,
    /// Accounts at the end.
    pub accounts: u32,
    /// At the end, what accounts without equity owe beyond margin, micro-USD.
    pub deficit: i128,
    /// At the end, all insurance funds.
    pub insurance: Usd,
    /// At the end, what the bridge holds.
    pub escrow: Usd,
}

/// What an audit believes, and where it begins.
#[derive(Clone, Copy, Debug)]
pub struct Beginning<'a> {
    /// How the chain began, which is believed.
    pub genesis: &'a Genesis,
    /// The state after a block, which is checked; without it the audit begins with the genesis.
    pub snapshot: Option<&'a Snapshot>,
}

/// Who has the blocks of a chain; nothing that it says is believed.
pub trait Blocks {
    /// The final block of a height; `None`: the one before is the last.
    ///
    /// # Errors
    /// Why it is not known.
    fn block(&mut self, height: u64) -> Result<Option<Frame>, String>;

    /// The handover at the end of an epoch, which is asked for only if the epoch's last block comes
    /// without its certificate; `None`: there is none.
    ///
    /// # Errors
    /// Why it is not known.
    fn handover(&mut self, epoch: u64) -> Result<Option<Handover>, String>;

    /// The height of the last block, to tell how far the audit has come.
    fn last(&self) -> u64;
}

/// Who is told how far an audit has come: the last block that is in order, and the last there is.
pub type Tell<'a> = &'a mut dyn FnMut(u64, u64);

fn failed(error: impl fmt::Display) -> AuditError {
    AuditError::Failed(error.to_string())
}

/// Audits blocks from elsewhere, of heights that follow the beginning's.
///
/// # Errors
/// The first thing that is wrong.
pub fn audit_blocks(
    beginning: Beginning<'_>,
    care: Care,
    blocks: &mut dyn Blocks,
    tell: Tell<'_>,
) -> Result<Audited, AuditError> {
    let scratch = Scratch::new("audit");
    in_runtime(scratch.folder(), |context| async move {
        let mut auditor = Auditor::new(&context, beginning, care).await?;
        for height in auditor.next().. {
            let Some(frame) = blocks.block(height).map_err(failed)? else { break };
            if let Some(epoch) = auditor.block(&frame).await? {
                auditor.hand_over(blocks.handover(epoch).map_err(failed)?)?;
            }
            tell(height, blocks.last());
        }
        auditor.finish()
    })
}

/// Audits the blocks that the validator with this prefix has in a folder; the files are copied
/// first, so that it may be running.
///
/// # Errors
/// The first thing that is wrong; `Failed` when the first blocks after the beginning are not kept.
pub fn audit_files(
    folder: &Path,
    prefix: &str,
    beginning: Beginning<'_>,
    care: Care,
    tell: Tell<'_>,
) -> Result<Audited, AuditError> {
    let scratch = Scratch::new("audit");
    files::copy(&scratch, folder, prefix)?;
    in_runtime(scratch.folder(), |context| async move {
        let mut auditor = Auditor::new(&context, beginning, care).await?;
        let files = Files::open(&context, prefix, auditor.next()).await?;
        for height in auditor.next().. {
            let Some(frame) = files.block(height).await? else { break };
            if let Some(epoch) = auditor.block(&frame).await? {
                auditor.hand_over(files.handover(epoch).await?)?;
            }
            tell(height, files.last());
        }
        auditor.finish()
    })
}

fn in_runtime<T, F>(folder: &Path, work: impl FnOnce(Context) -> F) -> Result<T, AuditError>
where
    F: Future<Output = Result<T, AuditError>>,
{
    let runtime = tokio::Config::new()
        .with_worker_threads(1)
        .with_storage_directory(folder.to_path_buf())
        .with_catch_panics(false);
    tokio::Runner::new(runtime).start(work)
}
