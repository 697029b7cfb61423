//! Where this process' processor time goes, kind of work by kind of work.
//!
//! Counted for the whole process, for all validators in it share its cores, and a block that comes
//! over the network is read by the library before anybody knows whose it is. Threads are measured
//! by their own clocks, so that waiting counts for nothing. Deliberately absent: votes, encryption
//! and sockets, which are the library's; they are what is left of the process' time.

use rustix::time::{ClockId, clock_gettime};
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

/// A kind of work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Work {
    /// Signatures of commands.
    Signatures,
    /// Reading what came from others: blocks and commands.
    Decode,
    /// Executing blocks, and undoing them.
    Execution,
    /// Hashing and writing the leaves that blocks changed.
    Commit,
}

impl Work {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Signatures, Self::Decode, Self::Execution, Self::Commit];

    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Signatures => "signatures",
            Self::Decode => "decode",
            Self::Execution => "execution",
            Self::Commit => "commit",
        }
    }

    fn spent(self) -> &'static AtomicU64 {
        static SPENT: [AtomicU64; Work::ALL.len()] = [const { AtomicU64::new(0) }; 4];
        let [signatures, decode, execution, commit] = &SPENT;
        match self {
            Self::Signatures => signatures,
            Self::Decode => decode,
            Self::Execution => execution,
            Self::Commit => commit,
        }
    }

    /// Processor time that this process has spent on it.
    #[must_use]
    pub fn total(self) -> Duration {
        Duration::from_nanos(self.spent().load(Ordering::Relaxed))
    }

    /// Does some of it.
    pub fn measure<T>(self, work: impl FnOnce() -> T) -> T {
        let began = clock(ClockId::ThreadCPUTime);
        let done = work();
        self.add(began);
        done
    }

    /// Does some of it that waits in between.
    pub async fn measure_all<T>(self, work: impl Future<Output = T>) -> T {
        let mut work = pin!(work);
        std::future::poll_fn(|context| self.poll(work.as_mut(), context)).await
    }

    fn poll<T>(
        self,
        work: Pin<&mut impl Future<Output = T>>,
        context: &mut Context<'_>,
    ) -> Poll<T> {
        self.measure(|| work.poll(context))
    }

    fn add(self, began: Duration) {
        let spent = clock(ClockId::ThreadCPUTime).saturating_sub(began);
        let spent = u64::try_from(spent.as_nanos()).unwrap_or(u64::MAX);
        self.spent().fetch_add(spent, Ordering::Relaxed);
    }
}

fn clock(id: ClockId) -> Duration {
    let time = clock_gettime(id);
    let (seconds, nanoseconds) = (u64::try_from(time.tv_sec), u32::try_from(time.tv_nsec));
    Duration::new(seconds.unwrap_or(0), nanoseconds.unwrap_or(0))
}

/// Processor time of this process, of all its threads.
#[must_use]
pub fn process_time() -> Duration {
    clock(ClockId::ProcessCPUTime)
}

/// Processor time of the calling thread.
#[must_use]
pub fn thread_time() -> Duration {
    clock(ClockId::ThreadCPUTime)
}
