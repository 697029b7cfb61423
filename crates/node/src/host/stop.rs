//! When validators of this process should stop, and why.
//!
//! Invariant: the first reason stays. Deliberately absent: stopping; the driver ends by itself.

use crate::validator::StartError;
use commonware_runtime::Handle;
use futures::FutureExt as _;
use std::fmt;
use std::sync::{Arc, OnceLock};
use tokio::signal::unix::{SignalKind, signal};

/// Why a driver should come to an end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// The operating system asked for it.
    Signal,
    /// A part of a validator has ended, so that it does not take part any more.
    Ended(&'static str),
}

impl fmt::Display for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Signal => write!(f, "asked to stop"),
            Self::Ended(part) => write!(f, "the validator's {part} has ended"),
        }
    }
}

/// Whether there is a reason to stop; clones share it.
#[derive(Clone, Debug, Default)]
pub struct Stopped(Arc<OnceLock<Stop>>);

impl Stopped {
    /// The reason.
    #[must_use]
    pub fn why(&self) -> Option<&Stop> {
        self.0.get()
    }

    fn set(&self, why: Stop) {
        // Another reason was first.
        let _ = self.0.set(why);
    }

    /// Takes SIGTERM and SIGINT for reasons from now on; in a runtime's task.
    ///
    /// # Errors
    /// When the operating system refuses.
    pub(super) fn mind_signals(&self) -> Result<(), StartError> {
        for kind in [SignalKind::terminate(), SignalKind::interrupt()] {
            let refused = |error| StartError::Storage(format!("signals: {error}"));
            let mut signals = signal(kind).map_err(refused)?;
            let stopped = self.clone();
            tokio::spawn(async move {
                if signals.recv().await.is_some() {
                    stopped.set(Stop::Signal);
                }
            });
        }
        Ok(())
    }

    /// Takes SIGTERM and SIGINT for reasons from now on, in a process that runs no validator.
    ///
    /// # Errors
    /// When the operating system refuses.
    pub fn on_signals() -> Result<Self, StartError> {
        let refused = |error| StartError::Storage(format!("signals: {error}"));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build();
        let (runtime, stopped) = (runtime.map_err(refused)?, Self::default());
        runtime.block_on(async { stopped.mind_signals() })?;
        // Signals come in for as long as the process lives.
        std::thread::spawn(move || runtime.block_on(std::future::pending::<()>()));
        Ok(stopped)
    }

    /// Looks whether a task has ended that should go on.
    pub(super) fn watch(&self, tasks: &mut Vec<(&'static str, Handle<()>)>) {
        tasks.retain_mut(|(name, handle)| {
            let has_ended = handle.now_or_never().is_some();
            if has_ended {
                self.set(Stop::Ended(name));
            }
            !has_ended
        });
    }
}
