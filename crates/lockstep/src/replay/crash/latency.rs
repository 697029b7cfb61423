//! How slow the chain is: the time from block to block, and how old reports are when they arrive.
//!
//! Both are physical: validators see the world late, blocks come late, and everybody acts on the
//! block before. What the venue makes of it (rule R4, tau) it finds out by itself, from block
//! times and from the ages of reports.

/// Validators, all of equal stake.
pub const VALIDATORS: usize = 5;
/// Ages of the validators' reports, in sixths of the age within which two thirds of them report.
const AGES_SIXTHS: [i64; VALIDATORS] = [2, 3, 4, 6, 12];
/// Blocks that a reaction takes: to detect, to act, and the backstop.
const REACTION_BLOCKS: i64 = 3;
/// Least latency that can be asked for, milliseconds.
pub const LATENCY_MS_MIN: i64 = 200;
/// Greatest, milliseconds: reports must arrive before they are too old to count.
pub const LATENCY_MS_MAX: i64 = 120_000;
/// Shortest and longest time from block to block, milliseconds.
pub const BLOCK_MS: std::ops::RangeInclusive<i64> = 50..=60_000;

/// Block time and report ages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Latency {
    /// Milliseconds from block to block.
    pub block_ms: i64,
    /// Milliseconds after which two thirds of the stake have reported what there is.
    pub age_ms: i64,
}

impl Latency {
    /// Block time and report age that make up a latency: the report's age and three blocks, in
    /// four equal parts.
    pub fn of_ms(latency_ms: i64) -> Self {
        let latency_ms = latency_ms.clamp(LATENCY_MS_MIN, LATENCY_MS_MAX);
        let part_ms = latency_ms / (REACTION_BLOCKS + 1);
        Self { block_ms: part_ms, age_ms: latency_ms - REACTION_BLOCKS * part_ms }
    }

    /// The latency while no liquidation waits, milliseconds: age and three blocks.
    pub fn tau_ms(&self) -> i64 {
        self.age_ms + REACTION_BLOCKS * self.block_ms
    }

    /// How old each validator's report is when it reaches a block, milliseconds.
    pub fn ages_ms(&self) -> [i64; VALIDATORS] {
        AGES_SIXTHS.map(|sixths| self.age_ms * sixths / 6)
    }
}
