use super::{BookCommands, BookShape};
use crate::clear_book::{CancelReason, ClearBook, Command, Effect, RejectReason};

#[test]
fn a_seed_gives_one_stream_and_another_seed_another() {
    let stream = |seed| BookCommands::new(seed, BookShape::crowded()).take(500).collect::<Vec<_>>();
    assert_eq!(stream(1), stream(1));
    assert_ne!(stream(1), stream(2));
}

#[test]
fn crowded_streams_meet_every_effect_and_every_reason() {
    let mut reasons_met: Vec<RejectReason> = Vec::new();
    let mut cancels_met: Vec<CancelReason> = Vec::new();
    let (mut kept, mut lost, mut slid, mut auction_trades) = (0, 0, 0, 0);
    for seed in 0..20 {
        let shape = BookShape::crowded();
        let mut book = ClearBook::new(shape.price_ticks_max);
        for command in BookCommands::new(seed, shape).take(2_000) {
            for effect in book.apply(&command) {
                match (effect, command) {
                    (Effect::Rejected { reason, .. }, _) => reasons_met.push(reason),
                    (Effect::Cancelled { reason, .. }, _) => cancels_met.push(reason),
                    (Effect::Amended { keeps_priority: true, .. }, _) => kept += 1,
                    (Effect::Amended { .. }, _) => lost += 1,
                    (Effect::Trade { .. }, Command::Uncross { .. }) => auction_trades += 1,
                    (Effect::Booked { price_ticks, .. }, Command::Add(new)) => {
                        slid += u32::from(price_ticks != new.price_ticks);
                    }
                    _ => {}
                }
            }
        }
    }
    for reason in [
        RejectReason::UnknownOrder,
        RejectReason::DuplicateId,
        RejectReason::Display,
        RejectReason::Lots,
        RejectReason::Price,
        RejectReason::Post,
        RejectReason::FillOrKill,
        RejectReason::NotInAuction,
    ] {
        assert!(reasons_met.contains(&reason), "{reason:?} is met");
    }
    for reason in [
        CancelReason::Requested,
        CancelReason::Immediate,
        CancelReason::SelfTrade,
        CancelReason::AmendedBelowFilled,
    ] {
        assert!(cancels_met.contains(&reason), "{reason:?} is met");
    }
    assert!(kept > 100 && lost > 100 && slid > 100 && auction_trades > 100);
}

#[test]
fn plain_streams_build_a_book() {
    let mut book = ClearBook::new(BookShape::plain().price_ticks_max);
    for command in BookCommands::new(3, BookShape::plain()).take(5_000) {
        book.apply(&command);
    }
    assert!(book.orders_resting() > 200, "{} orders rest", book.orders_resting());
}
