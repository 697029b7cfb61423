//! Final blocks from a height on, each accepted before it is handed on, from whichever node has
//! them.
//!
//! A [`Judge`] knows what makes a block final (the light client is one), a [`Source`] has blocks
//! that may be false. The follower fetches, and hands on what the judge accepted, in order and
//! without a gap. A source that is silent makes room for the next one; a source that lies is not
//! asked again. Invariants: nothing is handed on that was not accepted; what waits to be accepted
//! is bounded. Deliberately absent: threads and waiting; whoever follows asks again.

#[cfg(test)]
mod tests;

use crate::frames::Frame;
use std::collections::VecDeque;
use std::fmt;

/// Blocks after each other of which none has a certificate: no honest node has more.
pub const UNVOUCHED_BLOCKS_MAX: usize = 64;
/// Bytes of blocks that wait for a certificate at most.
pub const UNVOUCHED_BYTES_MAX: usize = 64 << 20;
/// How often in a row a source may have nothing new before the next one is asked.
pub const IDLE_MAX: u32 = 16;

/// Who has blocks.
pub trait Source {
    /// Its name, for people.
    fn name(&self) -> &str;

    /// Final blocks from a height on; none when there is none of that height yet.
    ///
    /// # Errors
    /// Why it does not say.
    fn blocks(&self, from: u64) -> Result<Vec<Frame>, String>;

    /// Handovers from the one that ends an epoch on, encoded one after the other.
    ///
    /// # Errors
    /// Why it does not say.
    fn handovers(&self, from: u64) -> Result<Vec<u8>, String>;
}

/// What a judge says of frames.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict<B> {
    /// These blocks are final, one for each of the first frames; there is at least one.
    Final(Vec<B>),
    /// Nothing is wrong, and no certificate is among them.
    Unvouched,
    /// The committee of a later epoch signed: handovers from the one epoch to the other are needed.
    Handovers {
        /// The epoch whose committee the judge knows.
        from: u64,
        /// The epoch of the first block.
        to: u64,
    },
}

/// Who decides whether blocks are final.
pub trait Judge {
    /// What a frame holds.
    type Block;
    /// What can be wrong.
    type Error: fmt::Display;

    /// Looks at frames that follow those it has accepted.
    ///
    /// # Errors
    /// When they are not what a final block and its followers can be.
    fn judge(&mut self, frames: &[Frame]) -> Result<Verdict<Self::Block>, Self::Error>;

    /// Follows handovers, as a source hands them out, up to an epoch and no further; how many.
    ///
    /// # Errors
    /// When one does not hold.
    fn advance(&mut self, handovers: &[u8], to: u64) -> Result<u64, Self::Error>;
}

/// Why there are no blocks for now, or for good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FollowError {
    /// A source does not answer, or lacks what it should have; another one is asked next.
    Silent {
        /// Which.
        source: String,
        /// Why.
        why: String,
    },
    /// What a source answers is not true; it is not asked again.
    False {
        /// Which.
        source: String,
        /// From this height on.
        height: u64,
        /// What is wrong.
        why: String,
    },
    /// There was no source, or all have lied.
    Nobody,
}

impl fmt::Display for FollowError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Silent { source, why } => write!(f, "{source}: {why}"),
            Self::False { source, height, why } => {
                write!(f, "{source} is not believed any more: block {height} or after: {why}")
            }
            Self::Nobody => f.write_str("there is no node left that could be believed"),
        }
    }
}

impl std::error::Error for FollowError {}

/// Follows a chain through whoever has it.
#[derive(Clone, Debug)]
pub struct Follower<S, J> {
    /// The first is asked.
    sources: VecDeque<S>,
    judge: J,
    next: u64,
    /// Blocks from `next` on that no certificate vouches for yet, all from the first source.
    unvouched: Vec<Frame>,
    idle: u32,
    /// What went wrong after blocks that were handed on.
    kept: Option<FollowError>,
}

impl<S: Source, J: Judge> Follower<S, J> {
    /// A follower whose next block is of height `next`, as the judge expects it.
    #[must_use]
    pub fn new(sources: Vec<S>, next: u64, judge: J) -> Self {
        let (sources, unvouched) = (sources.into(), Vec::new());
        Self { sources, judge, next, unvouched, idle: 0, kept: None }
    }

    /// The height of the next block.
    #[must_use]
    pub fn next(&self) -> u64 {
        self.next
    }

    /// Who is asked; `None`: nobody is left.
    #[must_use]
    pub fn source(&self) -> Option<&S> {
        self.sources.front()
    }

    /// Blocks that have become final, in order; none when there is nothing new.
    ///
    /// # Errors
    /// When a source does not answer or lies. The next call asks another one, if there is one.
    pub fn poll(&mut self) -> Result<Vec<J::Block>, FollowError> {
        if let Some(error) = self.kept.take() {
            return Err(error);
        }
        let mut accepted = Vec::new();
        let outcome = self.fetch().and_then(|is_news| {
            if is_news {
                return self.accept(&mut accepted);
            }
            Ok(())
        });
        if accepted.is_empty() {
            outcome?;
        } else {
            // What was accepted is true whatever came after it.
            self.kept = outcome.err();
            self.idle = 0;
        }
        Ok(accepted)
    }

    /// Asks for what follows the blocks that are here; whether there is anything.
    fn fetch(&mut self) -> Result<bool, FollowError> {
        let waiting = u64::try_from(self.unvouched.len()).unwrap_or(u64::MAX);
        let source = self.sources.front().ok_or(FollowError::Nobody)?;
        match source.blocks(self.next.saturating_add(waiting)) {
            Ok(frames) if frames.is_empty() => {
                self.idle = self.idle.saturating_add(1);
                if self.idle >= IDLE_MAX {
                    self.turn();
                }
                Ok(false)
            }
            Ok(frames) => {
                self.unvouched.extend(frames);
                Ok(true)
            }
            Err(why) => Err(self.silent(why)),
        }
    }

    /// Hands the blocks that are here to the judge until it accepts no more of them.
    fn accept(&mut self, accepted: &mut Vec<J::Block>) -> Result<(), FollowError> {
        while !self.unvouched.is_empty() {
            let verdict = self.judge.judge(&self.unvouched);
            match verdict.map_err(|error| self.lie(&error))? {
                Verdict::Final(blocks) => {
                    assert!(!blocks.is_empty(), "a judge accepts something or says what it lacks");
                    let count = blocks.len().min(self.unvouched.len());
                    self.unvouched.drain(..count);
                    let count = u64::try_from(count).unwrap_or(u64::MAX);
                    self.next = self.next.saturating_add(count);
                    accepted.extend(blocks);
                }
                Verdict::Unvouched => {
                    let bytes: usize = self.unvouched.iter().map(|frame| frame.block.len()).sum();
                    let count = self.unvouched.len();
                    if count > UNVOUCHED_BLOCKS_MAX || bytes > UNVOUCHED_BYTES_MAX {
                        let why = format!("no certificate in {count} blocks of {bytes} bytes");
                        return Err(self.lie(&why));
                    }
                    return Ok(());
                }
                Verdict::Handovers { from, to } => self.hand_over(from, to)?,
            }
        }
        Ok(())
    }

    fn hand_over(&mut self, from: u64, to: u64) -> Result<(), FollowError> {
        let source = self.sources.front().ok_or(FollowError::Nobody)?;
        let handovers = source.handovers(from).map_err(|why| self.silent(why))?;
        let advanced = self.judge.advance(&handovers, to).map_err(|error| self.lie(&error))?;
        if advanced == 0 {
            return Err(self.silent(format!("no handover leads from epoch {from} to {to}")));
        }
        Ok(())
    }

    /// The next source is asked from now on, and what the last one said alone is forgotten.
    fn turn(&mut self) {
        self.sources.rotate_left(1.min(self.sources.len()));
        self.unvouched.clear();
        self.idle = 0;
    }

    fn silent(&mut self, why: String) -> FollowError {
        let source = self.sources.front().map_or_else(String::new, |source| source.name().into());
        self.turn();
        FollowError::Silent { source, why }
    }

    fn lie(&mut self, why: &impl fmt::Display) -> FollowError {
        let source = self.sources.pop_front();
        let source = source.map_or_else(String::new, |source| source.name().into());
        self.unvouched.clear();
        self.idle = 0;
        FollowError::False { source, height: self.next, why: why.to_string() }
    }
}

#[cfg(feature = "http")]
impl Source for crate::node::RemoteNode {
    fn name(&self) -> &str {
        self.url()
    }

    fn blocks(&self, from: u64) -> Result<Vec<Frame>, String> {
        use crate::limits::PAGE_BLOCKS_MAX;
        match crate::node::RemoteNode::blocks(self, from, PAGE_BLOCKS_MAX) {
            Err(crate::node::NodeError::Refused { status: 404, .. }) => {}
            answer => return answer.map_err(|error| error.to_string()),
        }
        // It is not there yet, or not there any more.
        let last = self.status().map_err(|error| error.to_string())?.height;
        if last.saturating_sub(from) < PAGE_BLOCKS_MAX {
            return Ok(Vec::new());
        }
        Err(format!("it keeps no block of height {from}, though its last one is {last}"))
    }

    fn handovers(&self, from: u64) -> Result<Vec<u8>, String> {
        crate::node::RemoteNode::handovers(self, from).map_err(|error| error.to_string())
    }
}
