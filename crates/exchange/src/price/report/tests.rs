//! Time to expiry at its edges.

use super::*;

#[test]
fn seconds_are_rounded_up_and_end_at_the_expiry() {
    let expiry = TimeMs(10_000);
    for (from, seconds) in [(0, 10), (1, 10), (999, 10), (1_000, 9), (9_999, 1), (10_000, 0)] {
        assert_eq!(seconds_until(expiry, TimeMs(from)), seconds, "{from}");
    }
    assert_eq!(seconds_until(expiry, TimeMs(10_001)), 0);
    assert_eq!(seconds_until(expiry, TimeMs(i64::MAX)), 0);
    assert!(seconds_until(TimeMs(i64::MAX), TimeMs(i64::MIN)) > 0);
}
