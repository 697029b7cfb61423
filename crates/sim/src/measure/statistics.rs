//! Order statistics of samples, in integers.

use std::fmt;

/// Percentiles of samples in nanoseconds, by nearest rank.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Percentiles {
    /// Number of samples.
    pub samples: u64,
    /// Half of the samples are at most this.
    pub p50_ns: u64,
    /// 99 % of the samples are at most this.
    pub p99_ns: u64,
    /// 99.9 % of the samples are at most this.
    pub p99_9_ns: u64,
    /// The greatest sample.
    pub max_ns: u64,
}

impl Percentiles {
    /// The percentiles of `samples_ns`, which are left sorted. All zero without samples.
    #[must_use]
    pub fn of(samples_ns: &mut [u64]) -> Percentiles {
        samples_ns.sort_unstable();
        Percentiles {
            samples: u64::try_from(samples_ns.len()).unwrap_or(u64::MAX),
            p50_ns: percentile(samples_ns, 500_000),
            p99_ns: percentile(samples_ns, 990_000),
            p99_9_ns: percentile(samples_ns, 999_000),
            max_ns: percentile(samples_ns, 1_000_000),
        }
    }
}

impl fmt::Display for Percentiles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Percentiles { p50_ns, p99_ns, p99_9_ns, max_ns, .. } = self;
        write!(f, "p50 {p50_ns} ns, p99 {p99_ns} ns, p99.9 {p99_9_ns} ns, max {max_ns} ns")
    }
}

/// The nearest-rank percentile: the least of the ascending `sorted` samples that at least
/// `share_ppm` of them (at most 1,000,000) do not exceed; 0 without samples.
#[must_use]
pub fn percentile(sorted: &[u64], share_ppm: u32) -> u64 {
    assert!(share_ppm <= 1_000_000, "a share is at most the whole");
    debug_assert!(sorted.is_sorted(), "percentiles are read from sorted samples");
    let samples = u128::try_from(sorted.len()).unwrap_or(0);
    let rank = (samples * u128::from(share_ppm)).div_ceil(1_000_000).max(1);
    let at = usize::try_from(rank - 1).unwrap_or(usize::MAX);
    sorted.get(at).copied().unwrap_or(0)
}
