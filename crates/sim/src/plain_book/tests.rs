use super::PlainBooks;
use crate::flow::{Event, Kind, Side, Tally};
use crate::measure::FlowMatcher;

/// Maker, price in ticks and lots of every trade.
type Trades = Vec<(u64, u64, u64)>;

#[derive(Default)]
struct Tape(Trades);

impl Tally for Tape {
    fn trade(&mut self, maker_id: u64, price_ticks: u64, lots: u64) {
        self.0.push((maker_id, price_ticks, lots));
    }
}

fn event(kind: Kind, side: Side, order_id: u64, price_ticks: u64, qty_lots: u64) -> Event {
    Event { kind, side, symbol: 0, account: 0, order_id, price_ticks, qty_lots }
}

fn run(events: &[Event]) -> (Trades, (u64, u64)) {
    let mut books = PlainBooks::new(1);
    let mut tape = Tape::default();
    books.prefill(events, &mut tape);
    (tape.0, books.resting())
}

#[test]
fn better_price_trades_first_then_the_older_order() {
    let (tape, resting) = run(&[
        event(Kind::Limit, Side::Sell, 1, 102, 5),
        event(Kind::Limit, Side::Sell, 2, 101, 5),
        event(Kind::Limit, Side::Sell, 3, 101, 5),
        event(Kind::Limit, Side::Buy, 4, 102, 12),
    ]);
    assert_eq!(tape, [(2, 101, 5), (3, 101, 5), (1, 102, 2)]);
    assert_eq!(resting, (1, 3));
}

#[test]
fn a_limit_rests_and_a_market_does_not() {
    let (tape, resting) = run(&[
        event(Kind::Limit, Side::Buy, 1, 100, 5),
        event(Kind::Limit, Side::Sell, 2, 100, 7),
        event(Kind::Market, Side::Buy, 3, 0, 9),
    ]);
    assert_eq!(tape, [(1, 100, 5), (2, 100, 2)]);
    assert_eq!(resting, (0, 0));
}

#[test]
fn a_cancel_removes_one_order_and_an_unknown_id_nothing() {
    let (tape, resting) = run(&[
        event(Kind::Limit, Side::Buy, 1, 100, 5),
        event(Kind::Limit, Side::Buy, 2, 100, 6),
        event(Kind::Cancel, Side::Buy, 1, 100, 0),
        event(Kind::Cancel, Side::Buy, 9, 100, 0),
    ]);
    assert!(tape.is_empty());
    assert_eq!(resting, (1, 6));
}
