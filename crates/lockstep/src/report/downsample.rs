//! Thins a series to what pixels can show, without losing its extremes.
//!
//! Time is cut into as many buckets as the chart has pixels. Of each bucket stay the first and
//! the last point, so that lines join as they did, and the least and the greatest, so that no
//! spike is lost (the aggregation called M4: Jugel et al., VLDB 2014). A line drawn through what
//! is left covers the same pixels as one drawn through everything.

use super::{Point, RangePoint, number::shows};

/// The bucket of a time, of `buckets` between two times.
fn bucket(time_ms: i64, (start_ms, end_ms): (i64, i64), buckets: usize) -> usize {
    let span = i128::from(end_ms) - i128::from(start_ms);
    let offset = i128::from(time_ms) - i128::from(start_ms);
    let count = i128::try_from(buckets).unwrap_or(1).max(1);
    let at = (offset * count / span.max(1)).clamp(0, count - 1);
    usize::try_from(at).unwrap_or(0)
}

/// Thins a line. Points must be in order of time. Those outside the domain are dropped; a point
/// that cannot be shown stays as a gap (a run of them as one).
pub fn line(points: &[Point], domain_ms: (i64, i64), buckets: usize) -> Vec<Point> {
    let mut thinned: Vec<Point> = Vec::new();
    let mut run: Vec<Point> = Vec::new();
    let mut run_bucket = 0;
    let inside = |point: &&Point| (domain_ms.0..=domain_ms.1).contains(&point.time_ms);
    for &point in points.iter().filter(inside) {
        if !shows(point.value) {
            keep_extremes(&mut thinned, &mut run);
            if thinned.last().is_some_and(|last| !last.value.is_nan()) {
                thinned.push(Point { time_ms: point.time_ms, value: f64::NAN });
            }
            continue;
        }
        let at = bucket(point.time_ms, domain_ms, buckets);
        if at != run_bucket {
            keep_extremes(&mut thinned, &mut run);
            run_bucket = at;
        }
        run.push(point);
    }
    keep_extremes(&mut thinned, &mut run);
    thinned
}

/// Moves the first, least, greatest and last point of a run to the thinned series, in order.
fn keep_extremes(thinned: &mut Vec<Point>, run: &mut Vec<Point>) {
    if !run.is_empty() {
        let (mut least, mut greatest) = (0, 0);
        for (at, point) in run.iter().enumerate() {
            if point.value < run[least].value {
                least = at;
            }
            if point.value > run[greatest].value {
                greatest = at;
            }
        }
        let mut kept = [0, least, greatest, run.len() - 1];
        kept.sort_unstable();
        let mut previous = None;
        for at in kept {
            if previous != Some(at) {
                thinned.push(run[at]);
            }
            previous = Some(at);
        }
    }
    run.clear();
}

/// Thins bars: of each bucket stays the one farthest from zero, in its own place. Bars that
/// cannot be shown, and those outside the domain, are dropped.
pub fn bars(points: &[Point], domain_ms: (i64, i64), buckets: usize) -> Vec<Point> {
    let mut thinned: Vec<Point> = Vec::new();
    let mut last_bucket = None;
    let inside =
        |point: &&Point| (domain_ms.0..=domain_ms.1).contains(&point.time_ms) && shows(point.value);
    for &point in points.iter().filter(inside) {
        let at = bucket(point.time_ms, domain_ms, buckets);
        match thinned.last_mut() {
            Some(last) if last_bucket == Some(at) => {
                if point.value.abs() > last.value.abs() {
                    *last = point;
                }
            }
            _ => thinned.push(point),
        }
        last_bucket = Some(at);
    }
    thinned
}

/// Thins a range: each bucket stands at its first point and reaches from the least lower end to
/// the greatest upper end. Points that cannot be shown are dropped.
pub fn range(points: &[RangePoint], domain_ms: (i64, i64), buckets: usize) -> Vec<RangePoint> {
    let mut thinned: Vec<RangePoint> = Vec::new();
    let mut last_bucket = None;
    let drawn = |point: &&RangePoint| {
        (domain_ms.0..=domain_ms.1).contains(&point.time_ms)
            && shows(point.low)
            && shows(point.high)
    };
    for &point in points.iter().filter(drawn) {
        let at = bucket(point.time_ms, domain_ms, buckets);
        match thinned.last_mut() {
            Some(last) if last_bucket == Some(at) => {
                last.low = last.low.min(point.low);
                last.high = last.high.max(point.high);
            }
            _ => thinned.push(point),
        }
        last_bucket = Some(at);
    }
    thinned
}
