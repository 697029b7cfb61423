//! A machine whose clock is wrong: the runtime, with all times shifted by the same span.
//!
//! Invariants: durations are true, dates are not; the shift never changes, as an operating system
//! that corrects its clock stops a validator first. Deliberately absent: clocks that drift.

use commonware_runtime::deterministic::Context;
use commonware_runtime::signal::Signal;
use commonware_runtime::telemetry::metrics::{Metric, Registered};
use commonware_runtime::{
    BlobVersion, Clock, Error, Handle, Metrics, Name, Spawner, Storage, Supervisor,
};
use governor::clock::{Clock as GovernorClock, ReasonablyRealtime};
use lockstep_types::units::TimeMs;
use rand::{TryCryptoRng, TryRng};
use std::convert::Infallible;
use std::fmt::Display;
use std::future::Future;
use std::ops::RangeInclusive;
use std::time::{Duration, SystemTime};

/// How far a clock is ahead of the true time, or behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Skew {
    /// Ahead.
    Ahead(Duration),
    /// Behind.
    Behind(Duration),
}

impl Default for Skew {
    fn default() -> Self {
        Self::Ahead(Duration::ZERO)
    }
}

impl Skew {
    /// What the clock shows at a true time.
    fn shown(self, time: SystemTime) -> SystemTime {
        let shown = match self {
            Self::Ahead(span) => time.checked_add(span),
            Self::Behind(span) => time.checked_sub(span),
        };
        // Simulated times are those of our century.
        shown.unwrap_or(time)
    }

    /// `shown` in the chain's own time.
    #[must_use]
    pub fn shown_ms(self, time: TimeMs) -> TimeMs {
        let ms = |span: Duration| i64::try_from(span.as_millis()).unwrap_or(0);
        match self {
            Self::Ahead(span) => TimeMs(time.0.saturating_add(ms(span))),
            Self::Behind(span) => TimeMs(time.0.saturating_sub(ms(span))),
        }
    }

    /// The true time at which the clock shows a time.
    fn true_time(self, shown: SystemTime) -> SystemTime {
        let reverse = match self {
            Self::Ahead(span) => Self::Behind(span),
            Self::Behind(span) => Self::Ahead(span),
        };
        reverse.shown(shown)
    }
}

/// The runtime as a machine with such a clock sees it.
pub struct Machine {
    context: Context,
    skew: Skew,
}

impl Machine {
    /// A machine in a runtime.
    #[must_use]
    pub fn new(context: Context, skew: Skew) -> Self {
        Self { context, skew }
    }
}

impl Supervisor for Machine {
    fn name(&self) -> Name {
        self.context.name()
    }

    fn child(&self, label: &'static str) -> Self {
        Self::new(self.context.child(label), self.skew)
    }

    fn with_attribute(self, key: &'static str, value: impl Display) -> Self {
        Self::new(self.context.with_attribute(key, value), self.skew)
    }
}

impl Spawner for Machine {
    fn shared(self, blocking: bool) -> Self {
        Self::new(self.context.shared(blocking), self.skew)
    }

    fn dedicated(self) -> Self {
        Self::new(self.context.dedicated(), self.skew)
    }

    fn spawn<F, Fut, T>(self, f: F) -> Handle<T>
    where
        F: FnOnce(Self) -> Fut + Send + 'static,
        Fut: Future<Output = T> + Send + 'static,
        T: Send + 'static,
    {
        let skew = self.skew;
        self.context.spawn(move |context| f(Self::new(context, skew)))
    }

    async fn stop(self, value: i32, timeout: Option<Duration>) -> Result<(), Error> {
        self.context.stop(value, timeout).await
    }

    fn stopped(&self) -> Signal {
        self.context.stopped()
    }
}

impl Metrics for Machine {
    fn register<N: Into<String>, H: Into<String>, M: Metric>(
        &self,
        name: N,
        help: H,
        metric: M,
    ) -> Registered<M> {
        self.context.register(name, help, metric)
    }

    fn encode(&self) -> String {
        self.context.encode()
    }
}

impl Clock for Machine {
    fn current(&self) -> SystemTime {
        self.skew.shown(self.context.current())
    }

    fn sleep(&self, duration: Duration) -> impl Future<Output = ()> + Send + 'static + use<> {
        self.context.sleep(duration)
    }

    fn sleep_until(
        &self,
        deadline: SystemTime,
    ) -> impl Future<Output = ()> + Send + 'static + use<> {
        self.context.sleep_until(self.skew.true_time(deadline))
    }
}

impl GovernorClock for Machine {
    type Instant = SystemTime;

    fn now(&self) -> Self::Instant {
        self.current()
    }
}

impl ReasonablyRealtime for Machine {}

impl Storage for Machine {
    type Blob = <Context as Storage>::Blob;

    async fn open_versioned(
        &self,
        partition: &str,
        name: &[u8],
        versions: RangeInclusive<BlobVersion>,
    ) -> Result<(Self::Blob, u64, BlobVersion), Error> {
        self.context.open_versioned(partition, name, versions).await
    }

    async fn remove(&self, partition: &str, name: Option<&[u8]>) -> Result<(), Error> {
        self.context.remove(partition, name).await
    }

    async fn scan(&self, partition: &str) -> Result<Vec<Vec<u8>>, Error> {
        self.context.scan(partition).await
    }
}

impl TryRng for Machine {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Self::Error> {
        self.context.try_next_u32()
    }

    fn try_next_u64(&mut self) -> Result<u64, Self::Error> {
        self.context.try_next_u64()
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Self::Error> {
        self.context.try_fill_bytes(bytes)
    }
}

impl TryCryptoRng for Machine {}
