//! Price and time decide who trades, and no book that trades is crossed (M1, M7, C3).

use super::shadow::Shadow;
use super::{RUN_BLOCKS, empty, execute, over_runs};
use lockstep_types::command::Command;
use lockstep_types::event::{CancelReason, Event};
use lockstep_types::order::TimeInForce;

#[test]
fn the_best_and_oldest_order_trades_and_events_tell_every_book() {
    let mut trades = 0_u64;
    over_runs("priority", 60_000, |_, workload| {
        let mut exchange = empty();
        let mut shadow = Shadow::default();
        for _ in 0..RUN_BLOCKS {
            let block = workload.next_block();
            execute(&mut exchange, &block);
            for event in exchange.events() {
                trades += u64::from(matches!(event, Event::Trade(_)));
                shadow.apply(event);
            }
            if block.height % 3 == 0 {
                shadow.compare(&exchange);
                shadow.check_uncrossed(&exchange);
            }
            workload.observe(exchange.events());
        }
    });
    assert!(trades > 1_000, "the workload trades: {trades}");
}

/// Why an order of the book may be gone by the time at which an order that needs it comes to it.
const HINDRANCES: [CancelReason; 4] = [
    CancelReason::Protection,
    CancelReason::Linked,
    CancelReason::ReduceOnly,
    CancelReason::Margin,
];

#[test]
fn a_fill_or_kill_order_fills_as_a_whole_or_not_at_all() {
    let mut filled = 0_u64;
    over_runs("fill or kill", 60_000, |_, workload| {
        let mut exchange = empty();
        for _ in 0..RUN_BLOCKS {
            let block = workload.next_block();
            let mut shown = 0;
            let done = exchange.execute_by_step(&block, &mut |exchange, step| {
                let events = &exchange.events()[shown..];
                shown = exchange.events().len();
                let lockstep_exchange::Step::User(user) = step else { return };
                let Command::Place(order) = &user.command else { return };
                if order.time_in_force != TimeInForce::FillOrKill || order.trigger.is_some() {
                    return;
                }
                let Some(Event::Accepted(accepted)) = events.first() else { return };
                let lots: i64 = events
                    .iter()
                    .filter_map(|event| match event {
                        Event::Trade(trade) if trade.taker_order == accepted.order => {
                            Some(trade.lots.0)
                        }
                        _ => None,
                    })
                    .sum();
                // What a fill sets off can take away what was there before it.
                let hindered = events.iter().any(|event| match event {
                    Event::Cancelled { reason, .. } => HINDRANCES.contains(reason),
                    Event::Amended { .. } => true,
                    _ => false,
                });
                assert!(hindered || lots == accepted.lots.0, "{order:?} made {events:?}");
                filled += 1;
            });
            assert!(done.is_ok(), "a whole state misses nothing: {done:?}");
            workload.observe(exchange.events());
        }
    });
    assert!(filled > 30, "some fill: {filled}");
}
