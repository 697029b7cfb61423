//! The fast book must equal the clear book: the whole exchange and the clear model of
//! `lockstep-sim` are given the same commands and must answer with the same effects in the same
//! order, and afterwards hold the same books: order by order, in the order in which they trade.
//!
//! One future, no index (so no marks, bands or protection limits), no margin, no fees: what is left
//! is rules M1 to M5 and the auctions of M7. `LOCKSTEP_CASES` is the number of commands; a failure
//! names seed, command and what both said.
//!
//! A few commands mean different things to a venue than to a book by itself and are adapted first:
//! see [`Pair::adapt`].

mod common;

use common::{Venue, usd};
use lockstep_exchange::query::OrderView;
use lockstep_exchange::{Exchange, Step};
use lockstep_sim::clear_book::{
    self, Amendment, CancelReason, ClearBook, Effect, Post, SelfTrade, TimeInForce,
};
use lockstep_sim::workload::{BookCommands, BookShape};
use lockstep_types::command::{
    Command, Phase, PhaseReason, PhaseScope, SystemCommand, UserCommand,
};
use lockstep_types::event::{self, Event, TradeKind};
use lockstep_types::ids::{AccountId, InstrumentId, OrderId, SignerId};
use lockstep_types::instrument::Ticker;
use lockstep_types::order::{self, Amend, NewOrder, OrderTarget, PostOnly, Side};
use lockstep_types::params::{FeeTier, MarginRegime, TickTable, UnderlyingParams, VenueParams};
use lockstep_types::units::{Lots, Ppm, Price, TimeMs, Usd};
use std::collections::BTreeMap;

/// Commands of one stream.
const STREAM: u64 = 2_000;
/// The largest price, which is the last tick of every shape's book.
const PRICE_LIMIT: i64 = 1_000_000_000_000_000;

/// Commands to compare over all shapes.
fn commands_max() -> u64 {
    let cases = std::env::var("LOCKSTEP_CASES").ok().and_then(|cases| cases.parse().ok());
    cases.unwrap_or(24_000)
}

/// The two books side by side.
struct Pair {
    exchange: Exchange,
    future: InstrumentId,
    clear: ClearBook,
    tick: i64,
    /// Handles by the clear book's ids, and back.
    handles: BTreeMap<u64, OrderId>,
    ids: BTreeMap<OrderId, u64>,
    /// Whose each id is.
    owners: BTreeMap<u64, u64>,
    /// The last price in ticks, which is the reference of auctions here.
    last_ticks: u64,
    nonce: u64,
}

fn params() -> VenueParams {
    let free = FeeTier { volume_30d: Usd::ZERO, maker: Ppm::ZERO, taker: Ppm::ZERO };
    VenueParams {
        margin: MarginRegime::Off,
        fee_tiers: common::bounded(vec![free]),
        block_work_max: u64::MAX,
        ..VenueParams::default()
    }
}

impl Pair {
    fn new(shape: BookShape) -> Self {
        // No price is reported, so the underlying has no oracle, no marks and no bands.
        let mut venue = Venue::without_reporter(params());
        let tick = PRICE_LIMIT / i64::try_from(shape.price_ticks_max).unwrap();
        let ticker = Ticker::new("BTC").unwrap();
        let genesis = UnderlyingParams::genesis(ticker, 100_000);
        venue.must(SystemCommand::AddUnderlying(UnderlyingParams {
            linear_ticks: TickTable::flat(Price(tick)),
            strike_step: Price(tick),
            // With smaller positions the highest price is the highest that there is.
            order_lots_max: Lots(1_000_000),
            position_lots_max: Lots(1_000_000),
            ..genesis
        }));
        let future = venue.list("BTC_USDC-25DEC26");
        for owner in 1..=u8::try_from(shape.accounts).unwrap() {
            venue.deposit(owner, usd(1_000_000));
        }
        let mut exchange = venue.exchange;
        let opened = exchange
            .step(Step::Begin { height: venue.height + 1, time: TimeMs(venue.time.0 + 1_000) });
        assert_eq!(opened, Ok(()));
        Self {
            exchange,
            future,
            clear: ClearBook::new(shape.price_ticks_max),
            tick,
            handles: BTreeMap::new(),
            ids: BTreeMap::new(),
            owners: BTreeMap::new(),
            last_ticks: 0,
            nonce: 0,
        }
    }

    /// The command that both are given, if any: what a venue sees otherwise than a book alone.
    ///
    /// - An id that rests is not used again: handles are the venue's.
    /// - Immediate orders are plain: a venue refuses a display or a post flag that cannot matter.
    /// - A display is at most the amount.
    /// - An amendment to nothing is no amount; cancelling is what it would mean.
    /// - The reference of an auction is the last price, because nothing else is there.
    fn adapt(&self, command: clear_book::Command) -> Option<clear_book::Command> {
        use clear_book::Command::{Add, Amend, Uncross};
        match command {
            Add(new) if self.clear.order(new.id).is_some() => None,
            Add(new) => {
                let plain = new.time_in_force != TimeInForce::GoodTilCancelled;
                let display = new.display_lots.map(|lots| lots.min(new.lots.max(1)));
                Some(Add(clear_book::NewOrder {
                    display_lots: if plain { None } else { display },
                    post: if plain { Post::No } else { new.post },
                    ..new
                }))
            }
            Amend(amendment) if amendment.total_lots == 0 => None,
            Uncross { .. } => Some(Uncross { reference_ticks: self.last_ticks }),
            other => Some(other),
        }
    }

    fn price(&self, ticks: u64) -> Price {
        Price(i64::try_from(ticks).unwrap().saturating_mul(self.tick))
    }

    fn ticks(&self, price: Price) -> u64 {
        assert_eq!(price.0 % self.tick, 0, "prices are on the tick");
        u64::try_from(price.0 / self.tick).unwrap()
    }

    /// What the exchange does with a command, in the clear book's words.
    fn run(&mut self, command: &clear_book::Command) -> Vec<Effect> {
        self.exchange.clear_events();
        let (id, account, command) = match *command {
            clear_book::Command::Add(new) => {
                (new.id, new.account, Command::Place(self.new_order(&new)))
            }
            clear_book::Command::Amend(amendment) => {
                let account = self.owners.get(&amendment.id).copied().unwrap_or(1);
                (amendment.id, account, Command::Amend(self.amend(amendment)))
            }
            clear_book::Command::Cancel { id } => {
                let account = self.owners.get(&id).copied().unwrap_or(1);
                (id, account, Command::Cancel(self.target(id)))
            }
            clear_book::Command::StartAuction => return self.set_phase(Phase::Auction),
            clear_book::Command::Uncross { .. } => return self.set_phase(Phase::Continuous),
        };
        self.nonce += 1;
        // The first owner is signer 0 and has account 0.
        let number = u32::try_from(account).unwrap() - 1;
        let command = UserCommand {
            signer: SignerId(number),
            account: AccountId(number),
            nonce: self.nonce,
            valid_until: None,
            command,
        };
        assert_eq!(self.exchange.step(Step::User(&command)), Ok(()));
        self.owners.entry(id).or_insert(account);
        self.effects(id, account)
    }

    fn set_phase(&mut self, phase: Phase) -> Vec<Effect> {
        let scope = PhaseScope::Instrument(self.future);
        let command = SystemCommand::SetPhase { scope, phase, reason: PhaseReason::Scheduled };
        assert_eq!(self.exchange.step(Step::System(0, &command)), Ok(()));
        self.effects(0, 0)
    }

    fn target(&self, id: u64) -> OrderTarget {
        // A handle that was never given stands for an id that was never sent.
        let never = OrderId::new(u64::from(u32::MAX), 77);
        OrderTarget::Id(self.handles.get(&id).copied().unwrap_or(never))
    }

    fn new_order(&self, new: &clear_book::NewOrder) -> NewOrder {
        NewOrder {
            time_in_force: match new.time_in_force {
                TimeInForce::GoodTilCancelled => order::TimeInForce::GoodTilCancelled,
                TimeInForce::ImmediateOrCancel => order::TimeInForce::ImmediateOrCancel,
                TimeInForce::FillOrKill => order::TimeInForce::FillOrKill,
            },
            post_only: match new.post {
                Post::No => PostOnly::No,
                Post::Reject => PostOnly::Reject,
                Post::Reprice => PostOnly::Reprice,
            },
            display: new.display_lots.map(|lots| Lots(i64::try_from(lots).unwrap())),
            self_trade: match new.self_trade {
                SelfTrade::CancelTaker => order::SelfTrade::CancelTaker,
                SelfTrade::CancelMaker => order::SelfTrade::CancelMaker,
                SelfTrade::CancelBoth => order::SelfTrade::CancelBoth,
            },
            ..NewOrder::limit(
                self.future,
                side(new.side),
                Lots(i64::try_from(new.lots).unwrap()),
                self.price(new.price_ticks),
            )
        }
    }

    fn amend(&self, amendment: Amendment) -> Amend {
        Amend {
            target: self.target(amendment.id),
            lots: Some(Lots(i64::try_from(amendment.total_lots).unwrap())),
            price: Some(self.price(amendment.price_ticks)),
            trigger_price: None,
        }
    }

    /// The exchange's events in the clear book's words; `id` is what the command named.
    fn effects(&mut self, id: u64, account: u64) -> Vec<Effect> {
        let events = self.exchange.events().to_vec();
        let mut effects = Vec::new();
        for happened in events {
            match happened {
                Event::Accepted(accepted) => {
                    self.handles.insert(id, accepted.order);
                    self.ids.insert(accepted.order, id);
                    self.owners.insert(id, account);
                }
                Event::Trade(trade) => {
                    assert_ne!(trade.taker, trade.maker, "nobody trades with himself");
                    let kind = match account {
                        0 => TradeKind::Auction,
                        _ => TradeKind::Continuous,
                    };
                    assert_eq!(trade.kind, kind);
                    self.last_ticks = self.ticks(trade.price);
                    effects.push(Effect::Trade {
                        maker: self.ids[&trade.maker_order],
                        taker: self.ids[&trade.taker_order],
                        price_ticks: self.ticks(trade.price),
                        lots: lots(trade.lots),
                    });
                }
                Event::Booked { order, lots: left, visible } => effects.push(Effect::Booked {
                    id: self.ids[&order],
                    price_ticks: 0,
                    lots: lots(left),
                    visible_lots: lots(visible),
                }),
                Event::Amended { order, price, lots: left, kept_priority } => {
                    effects.push(Effect::Amended {
                        id: self.ids[&order],
                        price_ticks: self.ticks(price),
                        total_lots: lots(left),
                        keeps_priority: kept_priority,
                    });
                }
                Event::Cancelled { order, lots: left, reason, .. } => {
                    effects.push(Effect::Cancelled {
                        id: self.ids[&order],
                        lots: lots(left),
                        reason: cancel_reason(reason),
                    });
                }
                Event::Rejected { .. } => effects.push(rejected(id)),
                Event::Refreshed { .. } | Event::PhaseChanged { .. } | Event::Uncrossed { .. } => {}
                other => panic!("a book has no {other:?}"),
            }
        }
        effects
    }

    /// The clear book's effects as far as the exchange tells them: a rejection without its reason,
    /// a booking without its price, an amendment by what is left.
    fn expected(&self, before: &ClearBook, effects: Vec<Effect>) -> Vec<Effect> {
        let told = |effect| match effect {
            Effect::Rejected { id, .. } => rejected(id),
            Effect::Booked { id, lots, visible_lots, .. } => {
                Effect::Booked { id, price_ticks: 0, lots, visible_lots }
            }
            Effect::Amended { id, price_ticks, total_lots, keeps_priority } => {
                let filled = before.order(id).map_or(0, |order| order.filled_lots);
                let total_lots = total_lots - filled;
                Effect::Amended { id, price_ticks, total_lots, keeps_priority }
            }
            other => other,
        };
        effects.into_iter().map(told).collect()
    }

    /// Compares both sides of both books, order by order.
    fn assert_same_books(&self, place: &str) {
        for clear_side in [clear_book::Side::Buy, clear_book::Side::Sell] {
            let ours = self.exchange.book(self.future, side(clear_side));
            let theirs: Vec<_> = self.clear.orders(clear_side).cloned().collect();
            assert_eq!(ours.len(), theirs.len(), "orders of a side after {place}");
            for (ours, theirs) in ours.iter().zip(&theirs) {
                self.assert_same_order(ours, theirs, place);
            }
            let depth = self.exchange.depth(self.future, side(clear_side), usize::MAX);
            let expected = self.clear.depth(clear_side, usize::MAX);
            assert_eq!(depth.len(), expected.len(), "levels after {place}");
            for (ours, theirs) in depth.iter().zip(&expected) {
                assert_eq!(
                    (self.ticks(ours.price), lots(ours.lots), ours.orders as usize),
                    (theirs.price_ticks, theirs.visible_lots, theirs.orders),
                    "a level after {place}"
                );
            }
        }
    }

    fn assert_same_order(&self, ours: &OrderView, theirs: &clear_book::Order, place: &str) {
        let shown = clear_book::Order {
            id: self.ids[&ours.id],
            account: u64::from(ours.account.0) + 1,
            price_ticks: self.ticks(ours.price),
            total_lots: lots(ours.total),
            filled_lots: lots(ours.total - ours.left),
            visible_lots: lots(ours.visible),
            ..theirs.clone()
        };
        assert_eq!(&shown, theirs, "an order after {place}");
        assert_eq!(ours.side, side(theirs.side), "{place}");
    }
}

fn side(side: clear_book::Side) -> Side {
    match side {
        clear_book::Side::Buy => Side::Buy,
        clear_book::Side::Sell => Side::Sell,
    }
}

fn lots(lots: Lots) -> u64 {
    u64::try_from(lots.0).unwrap()
}

fn rejected(id: u64) -> Effect {
    Effect::Rejected { id, reason: clear_book::RejectReason::UnknownOrder }
}

fn cancel_reason(reason: event::CancelReason) -> CancelReason {
    match reason {
        event::CancelReason::Request => CancelReason::Requested,
        event::CancelReason::ImmediateRest => CancelReason::Immediate,
        event::CancelReason::SelfTrade => CancelReason::SelfTrade,
        event::CancelReason::Amended => CancelReason::AmendedBelowFilled,
        other => panic!("a book does not cancel for {other:?}"),
    }
}

/// What a comparison has met, so that it cannot pass by meeting nothing.
#[derive(Debug, Default)]
struct Met {
    commands: u64,
    trades: u64,
    rejected: u64,
    amended: u64,
    auction_trades: u64,
}

fn compare(seed: u64, shape: BookShape, met: &mut Met) {
    let mut pair = Pair::new(shape);
    for (at, command) in (0..STREAM).zip(BookCommands::new(seed, shape)) {
        let Some(command) = pair.adapt(command) else { continue };
        let before = pair.clear.clone();
        let effects = pair.clear.apply(&command);
        let expected = pair.expected(&before, effects);
        let place = format!("seed {seed}, command {at}: {command:?}");
        let got = pair.run(&command);
        assert_eq!(got, expected, "exchange and clear book after {place}");
        pair.assert_same_books(&place);
        met.commands += 1;
        for effect in &got {
            match effect {
                Effect::Trade { .. } => met.trades += 1,
                Effect::Rejected { .. } => met.rejected += 1,
                Effect::Amended { .. } => met.amended += 1,
                _ => {}
            }
            let uncross = matches!(command, clear_book::Command::Uncross { .. });
            met.auction_trades += u64::from(uncross && matches!(effect, Effect::Trade { .. }));
        }
    }
}

fn compare_shape(shape: BookShape) -> Met {
    let mut met = Met::default();
    let mut seed = 0;
    while met.commands < commands_max() / 3 {
        compare(seed, shape, &mut met);
        seed += 1;
    }
    met
}

#[test]
fn a_crowded_book_with_every_flag_equals_the_clear_one() {
    let met = compare_shape(BookShape::crowded());
    assert!(met.trades * 10 > met.commands, "{met:?}");
    assert!(met.rejected > 100 && met.amended > 100 && met.auction_trades > 100, "{met:?}");
}

/// The second round was once drawn to the last price, which the first round's trades had moved.
#[test]
fn all_rounds_of_an_uncrossing_are_drawn_to_one_reference() {
    let mut met = Met::default();
    compare(34, BookShape::crowded(), &mut met);
    compare(54, BookShape::at_the_floor(), &mut met);
    assert!(met.auction_trades > 10, "{met:?}");
}

#[test]
fn a_book_at_the_lowest_and_highest_prices_equals_the_clear_one() {
    let met = compare_shape(BookShape::at_the_floor());
    assert!(met.rejected > 100 && met.amended > 100 && met.auction_trades > 100, "{met:?}");
}

#[test]
fn a_deep_plain_book_equals_the_clear_one() {
    let met = compare_shape(BookShape { accounts: 200, ..BookShape::plain() });
    assert!(met.trades > 100 && met.amended > 100, "{met:?}");
}
