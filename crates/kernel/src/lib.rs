//! Wide vector instructions where the processor has them, and the sums that are worth it.
//!
//! A [`Task`] is ordinary safe code over integers. [`run`] has it compiled twice, as any processor
//! of the target can run it and for AVX2, and picks one; both are the same source, so there is no
//! second implementation that could differ. [`Sums`] is what the exchange does most of: lots times
//! the entries of a risk array, for all scenarios at once.
//!
//! Invariants: integers only, so that no order of additions can show; arithmetic modulo 2^64, so
//! that nothing here can fail, and whoever calls shows that nothing wraps; one `unsafe` block in
//! the whole workspace, in [`run`], sound whatever the task is.
//!
//! Deliberately absent: intrinsics, which would be a second implementation; what the sums mean,
//! which is the exchange's `formula::scenario_vector`; threads.
#![no_std]
#![cfg_attr(
    not(test),
    deny(
        clippy::cast_possible_truncation,
        clippy::cast_possible_wrap,
        clippy::cast_precision_loss,
        clippy::cast_sign_loss,
        clippy::expect_used,
        clippy::float_arithmetic,
        clippy::panic,
        clippy::unwrap_used
    )
)]
#[cfg(any(test, feature = "detect"))]
extern crate std;

mod sums;
#[cfg(test)]
mod tests;

pub use sums::{ENTRIES, Entries, Sums, Vector};

/// A computation that [`run`] may compile for wide instructions.
pub trait Task {
    /// What it computes.
    type Output;

    /// Computes it as any processor of the target can. Mark it `#[inline(always)]`, and what it
    /// calls in its loops: what is not inlined keeps the narrow instructions, and its speed.
    fn run(self) -> Self::Output;
}

/// Whether [`run`] uses wide instructions here. Asked once per process and remembered.
#[inline]
#[must_use]
pub fn is_wide() -> bool {
    #[cfg(all(target_arch = "x86_64", feature = "detect"))]
    return std::is_x86_feature_detected!("avx2");
    #[cfg(not(all(target_arch = "x86_64", feature = "detect")))]
    return false;
}

/// The output of the task, computed with AVX2 if the processor has it.
#[inline]
pub fn run<T: Task>(task: T) -> T::Output {
    #[cfg(all(target_arch = "x86_64", feature = "detect"))]
    if is_wide() {
        // SAFETY: the only condition of the call is that the processor has AVX2, and it just said
        // so.
        #[allow(unsafe_code)]
        return unsafe { run_wide(task) };
    }
    task.run()
}

#[cfg(all(target_arch = "x86_64", feature = "detect"))]
#[target_feature(enable = "avx2")]
fn run_wide<T: Task>(task: T) -> T::Output {
    task.run()
}
