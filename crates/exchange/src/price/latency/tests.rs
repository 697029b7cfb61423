//! Buckets and the slow quantile.

use super::*;
use std::vec;

#[test]
fn buckets_follow_each_other_and_hold_what_is_below_their_ends() {
    for bucket in 1..LATENCY_BUCKETS {
        let (start, end) = (bucket_end_us(bucket - 1), bucket_end_us(bucket));
        assert!(start < end);
        assert_eq!(bucket_of(start), bucket, "from {start}");
        let last = if bucket == LATENCY_BUCKETS - 1 { i64::MAX } else { end - 1 };
        assert_eq!(bucket_of(last), bucket, "up to {last}");
        // A quarter at most is added by rounding up to an end.
        assert!(end * 4 <= start * 5);
    }
    assert_eq!((bucket_of(-1), bucket_of(0), bucket_of(bucket_end_us(0) - 1)), (0, 0, 0));
}

#[test]
fn the_slow_quantile_leaves_out_a_thousandth_of_the_time() {
    let mut day = LatencyDay { ms: [0; LATENCY_BUCKETS] };
    day.ms[3] = 3_599_999;
    assert_eq!(slow_quantile_us(&[day]), None, "less than an hour says nothing");
    day.ms[3] = 9_990_000;
    day.ms[40] = 10_000;
    assert_eq!(slow_quantile_us(&[day]), Some(bucket_end_us(3)));
    assert_eq!(slow_quantile_us(&vec![day; 30]), Some(bucket_end_us(3)));
    day.ms[40] += 20;
    assert_eq!(slow_quantile_us(&[day]), Some(bucket_end_us(40)));
}

#[test]
fn the_ring_of_gaps_keeps_the_latest() {
    let mut gaps = Gaps::default();
    assert!(gaps.in_order().is_empty());
    for gap in 0..700 {
        gaps.add(gap);
        assert_eq!(gaps.latest(), i64::from(gap));
    }
    let expected: std::vec::Vec<i64> = (188..700).collect();
    assert_eq!(gaps.in_order(), expected);
}
