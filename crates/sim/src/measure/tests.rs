use super::{
    FlowMatcher, FlowTiming, Percentiles, RUNS_MIN, Timing, check, latencies, percentile,
    thread_cpu_ns, time_flow, time_flow_copies, time_runs,
};
use crate::flow::{Event, Flow, Header, Kind, Outcome, Tally};
use crate::plain_book::PlainBooks;

fn plain(header: &Header) -> PlainBooks {
    PlainBooks::new(header.symbols)
}

/// A matcher that forgets every hundredth cancel.
#[derive(Clone)]
struct Faulty {
    books: PlainBooks,
    cancels: u64,
}

impl FlowMatcher for Faulty {
    fn apply<T: Tally>(&mut self, event: &Event, tally: &mut T) {
        self.cancels += u64::from(event.kind == Kind::Cancel);
        if event.kind == Kind::Cancel && self.cancels.is_multiple_of(100) {
            return;
        }
        self.books.apply(event, tally);
    }

    fn resting(&self) -> (u64, u64) {
        self.books.resting()
    }
}

/// A matcher that names another maker in every trade, or hides one resting order; its totals are
/// right.
struct Subtle {
    books: PlainBooks,
    wrong_maker: bool,
}

/// Hears every trade and tells of another maker.
struct Renamed<'a, T>(&'a mut T);

impl<T: Tally> Tally for Renamed<'_, T> {
    fn trade(&mut self, maker_id: u64, price_ticks: u64, lots: u64) {
        self.0.trade(maker_id ^ 1, price_ticks, lots);
    }
}

impl FlowMatcher for Subtle {
    fn apply<T: Tally>(&mut self, event: &Event, tally: &mut T) {
        if self.wrong_maker {
            self.books.apply(event, &mut Renamed(tally));
        } else {
            self.books.apply(event, tally);
        }
    }

    fn resting(&self) -> (u64, u64) {
        let (orders, lots) = self.books.resting();
        (orders - u64::from(!self.wrong_maker), lots)
    }
}

#[test]
fn percentiles_are_by_nearest_rank() {
    let sorted: Vec<u64> = (1..=1_000).collect();
    assert_eq!(percentile(&sorted, 0), 1);
    assert_eq!(percentile(&sorted, 500_000), 500);
    assert_eq!(percentile(&sorted, 999_000), 999);
    assert_eq!(percentile(&sorted, 999_001), 1_000);
    assert_eq!(percentile(&[], 500_000), 0);
    assert_eq!(percentile(&[7], 990_000), 7);
    let found = Percentiles::of(&mut [3, 1, 2]);
    assert_eq!((found.samples, found.p50_ns, found.p99_ns, found.max_ns), (3, 2, 3, 3));
}

#[test]
fn a_timing_holds_the_least_and_the_middle_run() {
    let odd = Timing::of(vec![9, 1, 5]);
    assert_eq!((odd.runs, odd.min_ns, odd.median_ns), (3, 1, 5));
    assert_eq!(Timing::of(vec![4, 2, 1, 3]).median_ns, 3);
}

#[test]
fn times_print_in_nanoseconds_per_event() {
    let timing = Timing { runs: 7, min_ns: 41_250, median_ns: 50_000 };
    let flow = FlowTiming { events: 1_000, timing, outcome: Outcome::default() };
    assert_eq!(flow.to_string(), "min 41.2 ns/event, median 50.0 ns/event (7 runs of 1000 events)");
}

#[test]
fn every_run_works_on_a_fresh_subject() {
    let mut prepared = 0;
    let timing = time_runs(
        9,
        || {
            prepared += 1;
            0_u32
        },
        |subject| {
            assert_eq!(*subject, 0, "the subject is fresh");
            *subject += 1;
        },
    );
    assert_eq!((timing.runs, prepared), (9, 9));
}

#[test]
fn the_thread_clock_never_goes_back() {
    let mut last_ns = thread_cpu_ns();
    for _ in 0..1_000 {
        let now_ns = thread_cpu_ns();
        assert!(now_ns >= last_ns);
        last_ns = now_ns;
    }
}

#[test]
fn a_correct_matcher_is_timed_at_least_seven_times() {
    let flow = Flow::scaled("tight_1m", 2_000, 100).unwrap();
    let timed = time_flow(&flow, 1, plain).unwrap();
    assert_eq!(timed.timing.runs, RUNS_MIN);
    assert_eq!(timed.events, 2_000);
    assert_eq!(timed.outcome, flow.header().expected);
    assert!(timed.timing.min_ns <= timed.timing.median_ns);
    assert_eq!(latencies(&flow, plain).unwrap().events.samples, 2_000);
}

#[test]
fn a_faulty_matcher_is_refused_before_it_is_timed() {
    let flow = Flow::scaled("tight_1m", 2_000, 100).unwrap();
    let faulty = |header: &Header| Faulty { books: plain(header), cancels: 0 };
    assert!(check(&flow, faulty(flow.header())).is_err());
    let mismatch = time_flow(&flow, 7, faulty).unwrap_err();
    assert_eq!(mismatch.expected, flow.header().expected);
    assert_ne!(mismatch.found, mismatch.expected);
    assert!(latencies(&flow, faulty).is_err());
    assert_eq!(time_flow_copies(&flow, 7, faulty).unwrap_err(), mismatch);
}

#[test]
fn right_totals_do_not_excuse_another_maker_or_another_book() {
    let flow = Flow::scaled("tight_1m", 2_000, 100).unwrap();
    for wrong_maker in [true, false] {
        let subtle = |header: &Header| Subtle { books: plain(header), wrong_maker };
        let mismatch = time_flow(&flow, 7, subtle).unwrap_err();
        assert_eq!(mismatch.found.totals, mismatch.expected.totals);
        let same_digest = mismatch.found.maker_digest == mismatch.expected.maker_digest;
        assert_eq!(same_digest, !wrong_maker);
    }
}

#[test]
fn runs_from_copies_do_the_same_work() {
    let flow = Flow::scaled("tight_1m", 2_000, 500).unwrap();
    let timed = time_flow_copies(&flow, 1, plain).unwrap();
    assert_eq!((timed.events, timed.outcome), (2_000, flow.header().expected));
    assert_eq!(timed.timing.runs, RUNS_MIN);
}
