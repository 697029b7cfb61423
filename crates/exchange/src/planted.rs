//! Mistakes that a test plants in the engine, to see whether whoever watches a chain catches them.
//!
//! There only with the feature `planted`, which nothing that ships turns on; without a call of
//! [`plant`] the engine is right even then. Invariants: one mistake at a time, for the process.

use core::sync::atomic::{AtomicU8, AtomicU64, Ordering};

/// A mistake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Planted {
    /// None.
    Nothing,
    /// The index is off by one micro-USD once in so many executions, whoever executes.
    Nondeterminism,
    /// What is withdrawn stays in the account.
    DoubleSpend,
    /// Reports never grow old, so that accounts are liquidated on stale prices.
    StaleLiquidation,
}

/// Executions between two that the planted chance hits.
const ONE_IN: u64 = 61;

static PLANTED: AtomicU8 = AtomicU8::new(0);
static DRAWN: AtomicU64 = AtomicU64::new(0);

const fn code(planted: Planted) -> u8 {
    match planted {
        Planted::Nothing => 0,
        Planted::Nondeterminism => 1,
        Planted::DoubleSpend => 2,
        Planted::StaleLiquidation => 3,
    }
}

/// Plants a mistake in all engines of this process, in place of the one before.
pub fn plant(planted: Planted) {
    PLANTED.store(code(planted), Ordering::Relaxed);
    DRAWN.store(0, Ordering::Relaxed);
}

/// Whether a mistake is planted.
pub(crate) fn is(planted: Planted) -> bool {
    PLANTED.load(Ordering::Relaxed) == code(planted)
}

/// What no state decides.
pub(crate) fn chance() -> bool {
    DRAWN.fetch_add(1, Ordering::Relaxed) % ONE_IN == ONE_IN - 1
}
