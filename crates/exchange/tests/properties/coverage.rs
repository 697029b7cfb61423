//! The random workload reaches what it is meant to reach: without that, the other properties prove
//! nothing.

use super::{RUN_BLOCKS, empty, execute, over_runs};
use lockstep_types::codec::Encode;
use lockstep_types::event::Event;
use lockstep_types::reject::RejectCode;
use std::collections::BTreeMap;

/// Tag of the last event that random runs reach.
const LAST_EVENT: u8 = 41;
/// Limits that a random run of a few thousand commands cannot reach; tests of their own do, but for
/// the 2^24 accounts.
const OUT_OF_REACH: [RejectCode; 6] = [
    RejectCode::AgentLimit,
    RejectCode::TriggerLimit,
    RejectCode::VenueOrderLimit,
    RejectCode::AccountLimit,
    // Bids come too rarely here; tests/risk/waterfall.rs has them all.
    RejectCode::BidShare,
    RejectCode::BidPrice,
];

#[test]
fn the_workload_reaches_every_event_and_nearly_every_rejection() {
    let mut events = BTreeMap::new();
    let mut rejects = BTreeMap::new();
    let mut reasons = BTreeMap::new();
    over_runs("coverage", 100_000, |_, workload| {
        let mut exchange = empty();
        for _ in 0..RUN_BLOCKS {
            let block = workload.next_block();
            execute(&mut exchange, &block);
            for event in exchange.events() {
                let (tag, shown) = (event.to_bytes()[0], format!("{event:?}"));
                let name = shown.split([' ', '(']).next().unwrap_or("").to_string();
                *events.entry((tag, name)).or_insert(0_u64) += 1;
                match event {
                    Event::Rejected { reject, .. } | Event::SystemRejected { reject, .. } => {
                        *rejects.entry(reject.code).or_insert(0_u64) += 1;
                    }
                    Event::Cancelled { reason, .. } => {
                        *reasons.entry(*reason).or_insert(0_u64) += 1;
                    }
                    Event::Trade(trade) => {
                        *events.entry((255, format!("{:?}", trade.kind))).or_insert(0) += 1;
                    }
                    _ => {}
                }
            }
            workload.observe(exchange.events());
        }
    });
    for tag in 0..=LAST_EVENT {
        assert!(events.keys().any(|key| key.0 == tag), "event {tag} never happens: {events:?}");
    }
    let missing: Vec<RejectCode> = RejectCode::ALL
        .iter()
        .copied()
        .filter(|code| !rejects.contains_key(code) && !OUT_OF_REACH.contains(code))
        .collect();
    assert_eq!(missing, [], "never refused for these reasons; others: {rejects:?}");
    assert!(reasons.len() >= 14, "orders end for every reason but a few: {reasons:?}");
    println!("{events:?}\n{rejects:?}\n{reasons:?}");
}
