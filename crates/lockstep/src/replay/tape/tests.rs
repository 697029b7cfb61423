use super::icebergs::Icebergs;
use super::plan::{Fill, Plan};
use super::shadow::Shadow;
use super::verdict::{Class, Verdict};
use super::*;
use crate::output::EventSink;

/// Rows as the files write them, `time` in seconds.
fn rows(text: &str) -> Vec<TapeEvent> {
    let tape = text.lines().map(|line| {
        let (time, rest) = line.trim().split_once(',').unwrap();
        let time_ns = 1_700_000_000_000_000_000 + time.parse::<i64>().unwrap() * 1_000_000_000;
        format!("{time_ns},{rest}\n")
    });
    let tape = format!("{}\n{}", crate::series::tape::TAPE_HEADER, tape.collect::<String>());
    TapeReader::open(tape.as_bytes()).unwrap().collect::<Result<_, _>>().unwrap()
}

fn replayed(text: &str) -> Report {
    let mut context = Context { check: Check::Every, sink: EventSink::None };
    run(&rows(text), "test", &mut context).unwrap().report
}

fn figure(report: &Report, label: &str) -> String {
    report.figures.iter().find(|figure| figure.label == label).unwrap().value.clone()
}

const TWO_LEVELS: &str = "1,A,A,100,2,1
1,A,A,100,3,2
1,A,A,101,5,3
1,A,B,99,1,4
";

#[test]
fn an_incoming_order_is_its_trades_and_its_rest() {
    let group = rows(
        "2,T,B,100,5,9
         2,F,A,100,2,1
         2,F,A,100,3,2
         2,T,B,101,1,9
         2,F,A,101,1,3
         2,C,A,100,2,1
         2,C,A,100,3,2
         2,M,A,101,4,3
         2,A,B,101,7,9",
    );
    let plan = Plan::of(&group, |order| order < 9);
    let [taker] = plan.takers.as_slice() else { panic!("one incoming order") };
    assert_eq!((taker.traded, taker.worst_ticks, taker.rest), (6, 101, Some((101, 7))));
    assert!(!taker.rested && plan.cancels.is_empty() && plan.changes.is_empty());
    assert_eq!(plan.echoes.len(), 3);
    assert_eq!((plan.filled(2), plan.filled(3), plan.filled(9)), (3, 1, 0));
}

#[test]
fn a_resting_order_amended_through_the_book_is_an_incoming_one() {
    let group = rows(
        "2,T,B,100,1,4
         2,F,B,100,1,4
         2,F,A,100,1,1
         2,C,B,99,1,4
         2,M,A,100,1,1",
    );
    let plan = Plan::of(&group, |_| true);
    let [taker] = plan.takers.as_slice() else { panic!("one incoming order") };
    assert!(taker.rested && taker.rest.is_none());
    assert_eq!(taker.fills, [Fill { order: 1, price_ticks: 100, size: 1 }]);
    assert_eq!((plan.own_fills, plan.cancels.len()), (1, 0));
}

#[test]
fn a_cancel_beside_a_trade_is_self_match_prevention() {
    let group = rows(
        "2,T,B,100,1,9
         2,F,A,100,1,2
         2,C,A,100,2,1
         2,M,A,100,2,2",
    );
    let plan = Plan::of(&group, |order| order < 9);
    assert!(plan.is_self_match);
    assert_eq!(plan.cancels.iter().map(|row| row.order).collect::<Vec<_>>(), [1]);
}

#[test]
fn an_iceberg_shows_itself_by_what_it_has_left() {
    let tape = "1,A,A,100,2,1
2,T,B,100,2,8
2,F,A,100,2,1
2,M,A,100,2,1
3,T,B,100,1,9
3,F,A,100,1,1
3,M,A,100,1,1
4,C,A,100,1,1
";
    let icebergs = Icebergs::find(&rows(tape));
    assert_eq!(icebergs.total(1), Some(4), "traded 3, cancelled with 1");
    let ordinary = Icebergs::find(&rows(TWO_LEVELS));
    assert_eq!((ordinary.count(), ordinary.total(1)), (0, None));
}

#[test]
fn the_published_book_keeps_places_as_the_venue_does() {
    let mut shadow = Shadow::default();
    let mut apply = |text: &str| {
        let group = rows(text);
        let plan = Plan::of(&group, |order| shadow.order(order).is_some());
        shadow.apply(&plan);
        shadow.queue((Side::Ask, 100))
    };
    assert_eq!(apply(TWO_LEVELS), [(1, 2), (2, 3)]);
    assert_eq!(apply("2,M,A,100,1,1"), [(1, 1), (2, 3)], "smaller keeps its place");
    assert_eq!(apply("3,M,A,100,4,1"), [(2, 3), (1, 4)], "larger goes to the back");
    assert_eq!(apply("4,M,A,100,5,3"), [(2, 3), (1, 4), (3, 5)], "another price, too");
    let refreshed = "5,T,B,100,3,9
                     5,F,A,100,3,2
                     5,M,A,100,2,2";
    assert_eq!(apply(refreshed), [(1, 4), (3, 5), (2, 2)], "and a hidden rest");
}

#[test]
fn a_sweep_with_a_rest_is_reproduced() {
    let tape = "2,T,B,100,5,9
2,F,A,100,2,1
2,F,A,100,3,2
2,T,B,101,5,9
2,F,A,101,5,3
2,C,A,100,2,1
2,C,A,100,3,2
2,C,A,101,5,3
2,A,B,101,7,9
";
    let report = replayed(&format!("{TWO_LEVELS}{tape}"));
    assert_eq!(figure(&report, "Reproduced"), "3");
    assert_eq!(figure(&report, "Queues that differed"), "0");
    assert_eq!(figure(&report, "Fills"), "3");
    // What the tape says wrong is found: the younger order first.
    let unfair = "2,T,B,100,3,9
2,F,A,100,3,2
2,C,A,100,3,2
";
    let report = replayed(&format!("{TWO_LEVELS}{unfair}"));
    assert_eq!(figure(&report, "Reproduced"), "0");
    assert_eq!(figure(&report, "Queues that differed"), "1");
}

#[test]
fn an_opening_auction_is_uncrossed_like_the_tapes() {
    let tape = "1,A,B,105,2,1
1,A,A,95,1,2
1,A,A,100,3,3
2,T,N,100,2,7
2,F,N,100,2,1
2,F,N,100,1,2
2,F,N,100,1,3
2,C,B,105,2,1
2,C,A,95,1,2
2,M,A,100,2,3
";
    let report = replayed(tape);
    let section = report.sections.iter().find(|section| section.heading == "Executions").unwrap();
    let opening = section.blocks.iter().find_map(|block| match block {
        Block::Table(table) if table.title.starts_with("Opening auction") => Some(table),
        _ => None,
    });
    let rows: Vec<String> = opening.unwrap().rows.iter().map(|row| row.join(" ")).collect();
    assert_eq!(rows[1], "contracts 2 2");
    assert_eq!(rows[3], "orders filled alike 3 3");
    assert_eq!(figure(&report, "Queues that differed"), "0");
}

#[test]
fn classes_tell_late_rows_from_lost_places() {
    let fill = |order: i64, size: i64| Fill { order, price_ticks: 100, size };
    let judged = |tape: &[Fill], engine: &[Fill]| {
        let taker = Taker {
            order: 9,
            side: Side::Bid,
            worst_ticks: 100,
            traded: tape.iter().map(|fill| fill.size).sum(),
            fills: tape.to_vec(),
            rest: None,
            rested: false,
        };
        let mut verdict = Verdict::default();
        verdict.executions(TimeMs(0), &taker, engine, |order| order == 5);
        [Class::Same, Class::Gathered, Class::Deferred, Class::Resequenced, Class::Different]
            .map(|class| verdict.count(class))
    };
    let (a, b, c) = (fill(1, 1), fill(2, 2), fill(3, 3));
    assert_eq!(judged(&[a, b, c], &[a, b, c]), [3, 0, 0, 0, 0]);
    assert_eq!(judged(&[b, c, a], &[a, b, c]), [2, 0, 1, 0, 0], "one told behind the others");
    assert_eq!(judged(&[b, a, c], &[a, b, c]), [2, 0, 0, 1, 0], "out of sequence before one in");
    assert_eq!(judged(&[a, fill(5, 2)], &[fill(5, 1), a, fill(5, 1)]), [1, 1, 0, 0, 0]);
    assert_eq!(judged(&[a, b], &[a, c]), [0, 0, 0, 1, 1]);
}
