//! The simulated network: how long messages take, and how many bytes there are.
//!
//! Invariants: every message that a validator sends is counted once for each recipient. Bandwidth
//! is not limited: what is reported is what would be needed.

use commonware_actor::{Feedback, Unreliable};
use commonware_p2p::simulated::Link;
use commonware_p2p::{CheckedSender, LimitedSender, Recipients};
use commonware_runtime::IoBufs;
use commonware_utils::{Probability, probability};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

/// Cloud regions on five continents.
pub const REGIONS: [&str; 5] = ["Virginia", "Frankfurt", "Tokyo", "Sao Paulo", "Sydney"];
/// Round trips between [`REGIONS`] in ms, as public monitors of cloud networks publish them,
/// rounded up to even numbers; within a region between its zones.
pub const ROUND_TRIPS_MS: [[u64; 5]; 5] = [
    [2, 92, 148, 116, 200],
    [92, 2, 228, 206, 288],
    [148, 228, 2, 258, 108],
    [116, 206, 258, 2, 312],
    [200, 288, 108, 312, 2],
];

/// Where validators are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Preset {
    /// In one city: 20 ms one way.
    #[default]
    Near,
    /// On five continents, in turn.
    Wan,
}

impl Preset {
    /// The link from one validator to another when nothing is wrong.
    #[must_use]
    pub fn link(self, from: usize, to: usize) -> Link {
        let regions = REGIONS.len();
        let latency = match self {
            Self::Near => Duration::from_millis(20),
            Self::Wan => {
                Duration::from_micros(ROUND_TRIPS_MS[from % regions][to % regions] * 1_000 / 2)
            }
        };
        Link { latency, jitter: latency / 20, success_rate: probability!(1.0) }
    }
}

/// A link that loses so many messages of a thousand and is slower by `more`.
#[must_use]
pub fn worse(link: Link, lost_of_1000: u64, more: Duration) -> Link {
    let kept = 1_000_u64.saturating_sub(lost_of_1000);
    let success_rate = Probability::new(kept, 1_000).unwrap_or(link.success_rate);
    Link { latency: link.latency + more, jitter: link.jitter + more / 4, success_rate }
}

/// Bytes that a validator has sent.
pub type Meter = Arc<AtomicU64>;

/// A sender that counts.
#[derive(Clone, Debug)]
pub struct Counted<S> {
    sender: S,
    meter: Meter,
}

impl<S> Counted<S> {
    /// Counts what goes through a sender.
    pub fn new(sender: S, meter: Meter) -> Self {
        Self { sender, meter }
    }
}

/// A send whose recipients are known.
pub struct CountedSend<C> {
    checked: C,
    meter: Meter,
}

impl<S: LimitedSender> LimitedSender for Counted<S> {
    type PublicKey = S::PublicKey;
    type Checked<'a>
        = CountedSend<S::Checked<'a>>
    where
        Self: 'a;

    fn check(
        &mut self,
        recipients: Recipients<Self::PublicKey>,
    ) -> Result<Self::Checked<'_>, SystemTime> {
        let checked = self.sender.check(recipients)?;
        Ok(CountedSend { checked, meter: Arc::clone(&self.meter) })
    }
}

impl<C: CheckedSender> CheckedSender for CountedSend<C> {
    type PublicKey = C::PublicKey;

    fn recipients(&self) -> Vec<Self::PublicKey> {
        self.checked.recipients()
    }

    fn send(self, message: impl Into<IoBufs> + Send, priority: bool) -> Unreliable<Feedback> {
        let message = message.into();
        let bytes = message.len().saturating_mul(self.checked.recipients().len());
        self.meter.fetch_add(u64::try_from(bytes).unwrap_or(u64::MAX), Ordering::Relaxed);
        self.checked.send(message, priority)
    }
}
