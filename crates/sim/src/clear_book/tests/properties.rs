//! What must hold whatever the commands: seeded streams over crowded, low and plain books.

use std::collections::BTreeMap;

use super::super::{Command, Phase};
use super::*;
use crate::workload::{BookCommands, BookShape};

const SEEDS_MIN: u64 = 40;
const COMMANDS: usize = 1_500;

/// More streams in the long run, which counts its cases in commands.
fn seeds() -> std::ops::Range<u64> {
    let cases = std::env::var("LOCKSTEP_CASES").ok().and_then(|cases| cases.parse::<u64>().ok());
    0..SEEDS_MIN.max(cases.unwrap_or(0) / 1_500)
}

/// Carries out streams and shows each step: seed, command, the book before and after, effects.
fn for_each_step(
    shape: BookShape,
    mut step: impl FnMut(&str, &Command, &ClearBook, &ClearBook, &[Effect]),
) {
    for seed in seeds() {
        let mut book = ClearBook::new(shape.price_ticks_max);
        for (at, command) in BookCommands::new(seed, shape).take(COMMANDS).enumerate() {
            let before = book.clone();
            let effects = book.apply(&command);
            let place = format!("seed {seed} command {at} {command:?} gave {effects:?}");
            step(&place, &command, &before, &book, &effects);
        }
    }
}

/// What happened to the lots of an id since it was last entered.
#[derive(Clone, Copy, Debug, Default)]
struct Account {
    entered: u64,
    traded: u64,
    cancelled: u64,
}

fn assert_lots_are_conserved(shape: BookShape) {
    for seed in seeds() {
        let mut book = ClearBook::new(shape.price_ticks_max);
        let mut ledger: BTreeMap<u64, Account> = BTreeMap::new();
        let mut lots_traded = 0;
        for command in BookCommands::new(seed, shape).take(COMMANDS) {
            let effects = book.apply(&command);
            let refused = matches!(effects[..], [Effect::Rejected { .. }]);
            if let (Command::Add(new), false) = (command, refused) {
                ledger.insert(new.id, Account { entered: new.lots, ..Account::default() });
            }
            for effect in effects {
                match effect {
                    Effect::Trade { maker, taker, lots, .. } => {
                        lots_traded += lots;
                        ledger.get_mut(&maker).unwrap().traded += lots;
                        ledger.get_mut(&taker).unwrap().traded += lots;
                    }
                    Effect::Cancelled { id, lots, .. } => {
                        ledger.get_mut(&id).unwrap().cancelled += lots;
                    }
                    Effect::Amended { id, total_lots, .. } => {
                        ledger.get_mut(&id).unwrap().entered = total_lots;
                    }
                    Effect::Booked { .. } | Effect::Rejected { .. } => {}
                }
            }
        }
        assert!(lots_traded > 0, "seed {seed} trades");
        for (id, account) in ledger {
            let resting = book.order(id).map_or(0, |order| order.remaining_lots());
            let Account { entered, traded, cancelled } = account;
            assert_eq!(entered, traded + cancelled + resting, "seed {seed} order {id}");
        }
    }
}

#[test]
fn invariants_hold_after_every_command_and_continuous_books_are_never_crossed() {
    for shape in [BookShape::crowded(), BookShape::at_the_floor(), BookShape::plain()] {
        for_each_step(shape, |_, _, _, after, _| after.assert_invariants());
    }
}

#[test]
fn every_lot_that_entered_has_traded_was_cancelled_or_rests() {
    assert_lots_are_conserved(BookShape::crowded());
    assert_lots_are_conserved(BookShape::at_the_floor());
    assert_lots_are_conserved(BookShape::plain());
}

#[test]
fn no_account_ever_trades_with_itself() {
    let account_of = |id: u64, command: &Command, before: &ClearBook| match command {
        Command::Add(new) if new.id == id => new.account,
        _ => before.order(id).unwrap().account,
    };
    let mut prevented = 0;
    for_each_step(BookShape::crowded(), |place, command, before, _, effects| {
        for effect in effects {
            if let Effect::Trade { maker, taker, .. } = *effect {
                let maker = account_of(maker, command, before);
                assert_ne!(maker, account_of(taker, command, before), "{place}");
            }
            prevented += u32::from(matches!(
                effect,
                Effect::Cancelled { reason: CancelReason::SelfTrade, .. }
            ));
        }
    });
    assert!(prevented > 100, "the streams meet self-trades");
}

#[test]
fn a_refused_command_changes_nothing() {
    let mut refused = 0;
    for_each_step(BookShape::crowded(), |place, _, before, after, effects| {
        if let [Effect::Rejected { .. }] = effects {
            refused += 1;
            assert_eq!(before.dump(), after.dump(), "{place}");
        } else {
            assert!(!effects.iter().any(|e| matches!(e, Effect::Rejected { .. })), "{place}");
        }
    });
    assert!(refused > 1_000, "the streams meet refusals");
}

#[test]
fn a_fill_or_kill_is_filled_whole_or_refused() {
    let (mut filled, mut killed) = (0, 0);
    for_each_step(BookShape::crowded(), |place, command, _, _, effects| {
        let Command::Add(new) = command else { return };
        if new.time_in_force != TimeInForce::FillOrKill {
            return;
        }
        if let [Effect::Rejected { .. }] = effects {
            killed += 1;
            return;
        }
        filled += 1;
        let traded: u64 = effects.iter().map(lots_traded).sum();
        assert_eq!(traded, new.lots, "{place}");
    });
    assert!(filled > 100 && killed > 100, "the streams meet both");
}

fn lots_traded(effect: &Effect) -> u64 {
    match effect {
        Effect::Trade { lots, .. } => *lots,
        _ => 0,
    }
}

#[test]
fn a_post_order_never_takes() {
    for_each_step(BookShape::crowded(), |place, command, _, _, effects| {
        if let Command::Add(NewOrder { post: Post::Reject | Post::Reprice, .. }) = command {
            assert!(effects.iter().all(|effect| lots_traded(effect) == 0), "{place}");
        }
    });
}

#[test]
fn takers_trade_within_their_limit_from_the_best_price_on() {
    for_each_step(BookShape::crowded(), |place, command, before, _, effects| {
        let Command::Add(new) = command else { return };
        let mut last_ticks = before.best(new.side.opposite());
        for effect in effects {
            if let Effect::Trade { price_ticks, .. } = *effect {
                assert!(new.side.accepts(new.price_ticks, price_ticks), "{place}");
                // Each price is no better for the taker than the one before.
                let worsens = last_ticks.is_some_and(|last| new.side.accepts(price_ticks, last));
                assert!(worsens, "{place}");
                last_ticks = Some(price_ticks);
            }
        }
    });
}

#[test]
fn no_tick_at_all_would_trade_more_than_the_auction_price() {
    let mut auctions = 0;
    for_each_step(BookShape::crowded(), |place, command, before, after, _| {
        let Command::Uncross { reference_ticks } = *command else { return };
        assert_eq!(before.phase(), Phase::Auction, "{place}");
        let crossed = before.best_bid().zip(before.best_ask()).is_some_and(|(b, a)| b >= a);
        let found = before.auction_price(reference_ticks);
        assert_eq!(found.is_some(), crossed, "{place}");
        let volume = |price_ticks: u64| {
            let lots = |side: Side| -> u64 {
                let orders = before.orders(side);
                let willing = orders.filter(|o| side.accepts(o.price_ticks, price_ticks));
                willing.map(|o| o.total_lots - o.filled_lots).sum()
            };
            lots(Side::Buy).min(lots(Side::Sell))
        };
        if let Some(auction) = found {
            auctions += 1;
            assert_eq!(Some(auction.lots), (1..=200).map(volume).max(), "{place}");
            assert_eq!(auction.lots, volume(auction.price_ticks), "{place}");
        }
        after.assert_invariants();
        assert_eq!(after.phase(), Phase::Continuous, "{place}");
    });
    assert!(auctions > 100, "the streams meet crossed auctions");
}
