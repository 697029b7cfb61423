//! The light client as a judge of blocks: `lockstep_client::follow` fetches, this decides.
//!
//! A block is final if its committee certified it, or a later block of its epoch that descends from
//! it. Invariants: heights and parents have no gap from the first block that was accepted on; an
//! epoch follows from a height alone, never from what a block says. Deliberately absent: executing
//! blocks, which [`crate::audit`] does; and the age of blocks: whoever follows for the first time
//! begins with committees that may have nothing at stake any more.

#[cfg(test)]
mod tests;

use super::certified::{Certified, Handover, LightClient};
use super::error::ProofError;
use crate::block::Block;
use crate::header::Header;
use lockstep_client::follow::{Judge, Verdict};
use lockstep_client::frames::Frame;
use lockstep_types::codec::{Bounded, Decode as _, Reader};

/// Who accepts blocks that a committee made final.
#[derive(Clone, Debug)]
pub struct LightJudge {
    client: LightClient,
    next: u64,
    last: Option<Header>,
}

impl LightJudge {
    /// A judge that accepts any final block of height `next` first, and then its followers. The
    /// client is of that height's epoch, or of one before.
    #[must_use]
    pub fn new(client: LightClient, next: u64) -> Self {
        Self { client, next, last: None }
    }

    /// Whom it believes.
    #[must_use]
    pub fn client(&self) -> &LightClient {
        &self.client
    }

    /// The blocks of frames, each the child of the one before.
    fn read(&self, frames: &[Frame]) -> Result<Vec<Block>, ProofError> {
        let mut blocks: Vec<Block> = Vec::with_capacity(frames.len());
        for (height, frame) in (self.next..).zip(frames) {
            let block = Block::from_bytes(&frame.block);
            let block = block.map_err(|error| ProofError::Block(error.to_string()))?;
            let header = block.header();
            let (found, expected) = (header.epoch, self.client.epoch_of(height));
            if header.height != height {
                return Err(ProofError::Path { height: header.height });
            }
            if found != expected {
                return Err(ProofError::Epoch { height, expected, found });
            }
            let before = blocks.last().map(Block::header).or(self.last.as_ref());
            if before.is_some_and(|before| before.digest().0 != header.parent) {
                return Err(ProofError::Path { height: height.saturating_sub(1) });
            }
            blocks.push(block);
        }
        Ok(blocks)
    }
}

impl Judge for LightJudge {
    type Block = Block;
    type Error = ProofError;

    fn judge(&mut self, frames: &[Frame]) -> Result<Verdict<Block>, ProofError> {
        let mut blocks = self.read(frames)?;
        let (from, to) = (self.client.committee().epoch, self.client.epoch_of(self.next));
        if from < to {
            return Ok(Verdict::Handovers { from, to });
        }
        // Blocks of one epoch at a time: its committee signed them.
        let of_epoch = blocks.iter().take_while(|block| block.header().epoch == from).count();
        let certified =
            frames.iter().take(of_epoch).rposition(|frame| !frame.certificate.is_empty());
        let Some(place) = certified else {
            // None of them may be of this epoch: then the client is ahead of the blocks.
            let found = blocks.first().map_or(from, |block| block.header().epoch);
            let is_past = found < from;
            let past = ProofError::PastEpoch { trusted: from, found };
            return if is_past { Err(past) } else { Ok(Verdict::Unvouched) };
        };
        blocks.truncate(place + 1);
        let (Some(tip), Some(frame)) = (blocks.last(), frames.get(place)) else {
            return Ok(Verdict::Unvouched);
        };
        let tip = tip.header().clone();
        let certificate = Bounded::new(frame.certificate.clone())?;
        let certified = Certified { tip, path: Bounded::default(), certificate };
        // Signatures are checked together; how must not be foreseen by who made them.
        self.client.check(&certified, &mut rand::rng())?;
        self.next = certified.tip.height.saturating_add(1);
        self.last = Some(certified.tip);
        Ok(Verdict::Final(blocks))
    }

    fn advance(&mut self, handovers: &[u8], to: u64) -> Result<u64, ProofError> {
        let mut reader = Reader::new(handovers);
        let mut count = 0;
        while reader.remaining() > 0 && self.client.committee().epoch < to {
            let handover = Handover::decode(&mut reader)?;
            self.client.advance(&handover, &mut rand::rng())?;
            count += 1;
        }
        Ok(count)
    }
}
