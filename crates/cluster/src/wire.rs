//! The simulated network: how long messages take, and how many bytes there are.
//!
//! Invariants: every message that a validator sends is counted once for each recipient. Bandwidth
//! is not limited: what is reported is what would be needed.

use crate::forgery::{Forger, Wire};
use bytes::Bytes;
use commonware_actor::{Feedback, Unreliable};
use commonware_p2p::simulated::Link;
use commonware_p2p::{CheckedSender, LimitedSender, Recipients};
use commonware_runtime::{Clock, IoBufs};
use commonware_utils::{Probability, probability};
use futures::StreamExt as _;
use futures::channel::mpsc::{UnboundedReceiver, UnboundedSender, unbounded};
use lockstep_node::block::PublicKey;
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

/// A message that is kept back for a moment.
#[derive(Debug)]
pub struct Letter {
    recipients: Vec<PublicKey>,
    bytes: Bytes,
    priority: bool,
}

/// A sender that counts, and behind which a forger may sit.
#[derive(Clone, Debug)]
pub struct Counted<S> {
    sender: S,
    meter: Meter,
    wire: Wire,
    forger: Option<Forger>,
    /// Where messages go instead, if they are kept back.
    post: Option<UnboundedSender<Letter>>,
}

impl<S> Counted<S> {
    /// Counts what goes through a sender.
    pub fn new(sender: S, meter: Meter, wire: Wire, forger: Option<Forger>) -> Self {
        Self { sender, meter, wire, forger, post: None }
    }

    /// Keeps messages back; whoever runs the courier sends them.
    #[must_use]
    pub fn kept_back(self) -> (Self, Courier<S>)
    where
        S: Clone,
    {
        let (post, letters) = unbounded();
        let courier = Courier { letters, sender: self.clone() };
        (Self { post: Some(post), ..self }, courier)
    }
}

/// Carries messages that were kept back.
pub struct Courier<S> {
    letters: UnboundedReceiver<Letter>,
    sender: Counted<S>,
}

impl<S: LimitedSender<PublicKey = PublicKey>> Courier<S> {
    /// Sends each message after a pause, until there is nobody who writes.
    pub async fn run(mut self, clock: impl Clock, pause: Duration) {
        while let Some(letter) = self.letters.next().await {
            clock.sleep(pause).await;
            // Who is over its quota loses a message, as anywhere.
            if let Ok(checked) = self.sender.check(Recipients::Some(letter.recipients)) {
                checked.send(letter.bytes, letter.priority);
            }
        }
    }
}

/// A send whose recipients are known.
pub struct CountedSend<'a, C> {
    checked: C,
    meter: Meter,
    forger: Option<(&'a Forger, Wire)>,
    post: Option<&'a UnboundedSender<Letter>>,
}

impl<S: LimitedSender<PublicKey = PublicKey>> LimitedSender for Counted<S> {
    type PublicKey = PublicKey;
    type Checked<'a>
        = CountedSend<'a, S::Checked<'a>>
    where
        Self: 'a;

    fn check(
        &mut self,
        recipients: Recipients<Self::PublicKey>,
    ) -> Result<Self::Checked<'_>, SystemTime> {
        let checked = self.sender.check(recipients)?;
        let forger = self.forger.as_ref().map(|forger| (forger, self.wire));
        let (meter, post) = (Arc::clone(&self.meter), self.post.as_ref());
        Ok(CountedSend { checked, meter, forger, post })
    }
}

impl<C: CheckedSender<PublicKey = PublicKey>> CheckedSender for CountedSend<'_, C> {
    type PublicKey = PublicKey;

    fn recipients(&self) -> Vec<Self::PublicKey> {
        self.checked.recipients()
    }

    fn send(self, message: impl Into<IoBufs> + Send, priority: bool) -> Unreliable<Feedback> {
        let mut message = message.into();
        if let Some(post) = self.post {
            let (recipients, bytes) = (self.checked.recipients(), message.coalesce().into());
            // The courier lives as long as the validator.
            let _ = post.unbounded_send(Letter { recipients, bytes, priority });
            return Unreliable::Outcome(Feedback::Ok);
        }
        if let Some((forger, wire)) = self.forger {
            message = forger.forge(wire, Bytes::from(message.coalesce())).into();
        }
        let bytes = message.len().saturating_mul(self.checked.recipients().len());
        self.meter.fetch_add(u64::try_from(bytes).unwrap_or(u64::MAX), Ordering::Relaxed);
        self.checked.send(message, priority)
    }
}
