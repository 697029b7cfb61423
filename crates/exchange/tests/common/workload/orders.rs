//! Orders, amends, quotes and garbage of the random workload.

use super::{Trader, Workload, bounded};
use lockstep_types::command::{
    AgentScope, BatchItem, BlockLeg, BlockTerms, CancelScope, Command, LinkKind, ProtectionLimits,
    Quote, QuoteSide,
};
use lockstep_types::ids::{AccountId, GroupId, InstrumentId, UnderlyingId};
use lockstep_types::instrument::{Contract, OptionSide};
use lockstep_types::order::{
    Amend, NewOrder, OrderTarget, PostOnly, SelfTrade, Side, TimeInForce, Trigger, TriggerKind,
    TriggerSource,
};
use lockstep_types::params::TickTable;
use lockstep_types::units::{Lots, Price, SpanMs, TimeMs, Usd};

/// The tick of a table at a price.
fn tick_at(table: &TickTable, price: i64) -> i64 {
    let step = table.steps.iter().rev().find(|step| step.above.0 <= price);
    step.map_or(table.base, |step| step.tick).0.max(1)
}

impl Workload {
    /// An instrument: a few of them have most of the trading; now and then none at all.
    pub fn instrument(&mut self) -> InstrumentId {
        let count = self.instruments.len() as u64;
        if count == 0 || self.random.once_in(120) {
            return InstrumentId(self.some_id());
        }
        let busy = count.min(5);
        let at = if self.random.percent(75) {
            self.random.below(busy)
        } else {
            self.random.below(count)
        };
        self.instruments[usize::try_from(at).unwrap()].0
    }

    /// About what an instrument is worth, micro-USD.
    fn worth(&mut self, instrument: InstrumentId) -> i64 {
        let Some((_, name)) = self.instruments.iter().find(|known| known.0 == instrument) else {
            return 1_000_000;
        };
        let name = *name;
        let market = self.markets.iter().find(|market| market.params.ticker == name.underlying);
        if let Some(market) = market.cloned()
            && self.profile.extreme
            && self.random.percent(40)
        {
            return self.extreme_price(&market);
        }
        let price = market.map_or(1_000_000, |market| market.price);
        match name.contract {
            Contract::Perpetual | Contract::Future { .. } => price,
            Contract::Option { strike, side, .. } => {
                let inside = match side {
                    OptionSide::Call => price - strike.0,
                    OptionSide::Put => strike.0 - price,
                };
                // Intrinsic value, and some time value near the money.
                inside.max(0) + (price / 80 - inside.abs() / 4).max(price / 2_000)
            }
        }
    }

    fn tick_of(&self, instrument: InstrumentId, price: i64) -> i64 {
        let Some((_, name)) = self.instruments.iter().find(|known| known.0 == instrument) else {
            return 1;
        };
        let market = self.markets.iter().find(|market| market.params.ticker == name.underlying);
        market.map_or(1, |market| match name.contract.is_option() {
            true => tick_at(&market.params.option_ticks, price),
            false => tick_at(&market.params.linear_ticks, price),
        })
    }

    /// A price at which the instrument may trade, on its tick, mostly.
    pub fn price_near(&mut self, instrument: InstrumentId) -> Price {
        let worth = self.worth(instrument).max(1);
        let spread = match self.random.below(10) {
            0..=5 => 1_000,
            6..=7 => 5_000,
            8 => 50_000,
            _ => 200_000,
        };
        let away = self.random.between(-spread, spread);
        let raw = i64::try_from(i128::from(worth) * i128::from(1_000_000 + away) / 1_000_000);
        let raw = raw.unwrap_or(worth);
        let tick = self.tick_of(instrument, raw);
        match self.random.below(150) {
            0 => Price(raw),
            1 => Price((raw / tick * tick).saturating_mul(40)),
            2 => Price(tick),
            _ => Price((raw / tick * tick).max(tick)),
        }
    }

    pub fn lots(&mut self) -> Lots {
        if self.profile.extreme && self.random.percent(60) {
            const LARGEST: i64 = 1 << 31;
            return Lots(self.random.pick(&[1, LARGEST / 2, LARGEST / 10, LARGEST - 1, LARGEST]));
        }
        if self.profile.wild && self.random.percent(30) {
            // As much as a poor account can just carry.
            return Lots(self.random.between(1, 8) * 10_i64.pow(self.random.below(4) as u32));
        }
        Lots(match self.random.below(20) {
            0..=13 => self.random.between(1, 40),
            14..=18 => self.random.between(1, 2_000),
            _ => self.random.between(1, 200_000),
        })
    }

    fn side(&mut self) -> Side {
        self.random.pick(&[Side::Buy, Side::Sell])
    }

    /// An order with anything that an order can have, plain ones most often.
    pub fn order_of(&mut self, account: AccountId) -> NewOrder {
        let mut order = self.order();
        if self.random.percent(10) {
            order.protection = self.group_for(account, order.instrument);
        }
        order
    }

    /// The same without a protection group.
    pub fn order(&mut self) -> NewOrder {
        let instrument = self.instrument();
        let (side, lots) = (self.side(), self.lots());
        let price = self.price_near(instrument);
        let mut order = NewOrder::limit(instrument, side, lots, price);
        if self.random.percent(10) {
            order = NewOrder::market(instrument, side, lots);
        } else if self.random.percent(30) {
            let ahead = self.random.between(1, 60_000);
            order.time_in_force = match self.random.below(6) {
                0..=1 => TimeInForce::ImmediateOrCancel,
                2..=3 => TimeInForce::FillOrKill,
                4 => TimeInForce::GoodTilDay,
                _ => TimeInForce::GoodTil(self.time.plus(SpanMs(ahead))),
            };
        }
        if self.random.percent(12) {
            order.post_only = self.random.pick(&[PostOnly::Reject, PostOnly::Reprice]);
        }
        order.reduce_only = self.random.percent(10);
        if self.random.percent(10) {
            order.display = Some(Lots(self.random.between(1, order.lots.0.min(30))));
        }
        if self.random.percent(40) {
            order.self_trade = self.random.pick(&[SelfTrade::CancelMaker, SelfTrade::CancelBoth]);
        }
        if self.random.percent(12) {
            order.trigger = Some(self.trigger(instrument));
        }
        if self.random.percent(10) {
            order.label = Some(self.label());
        }
        if self.random.percent(2) {
            self.spoil(&mut order);
        }
        order
    }

    fn trigger(&mut self, instrument: InstrumentId) -> Trigger {
        let source =
            self.random.pick(&[TriggerSource::Index, TriggerSource::Mark, TriggerSource::Last]);
        let price = self.price_near(instrument);
        let kind = match self.random.below(3) {
            0 => TriggerKind::Stop { price },
            1 => TriggerKind::Take { price },
            _ => TriggerKind::Trailing { offset: Price((price.0 / 300).max(1)) },
        };
        Trigger { source, kind }
    }

    /// Puts garbage into one field.
    fn spoil(&mut self, order: &mut NewOrder) {
        let value = self.random.garbage();
        match self.random.below(8) {
            0 => order.lots = Lots(value),
            1 => order.price = Some(Price(value)),
            2 => order.display = Some(Lots(value)),
            3 => order.time_in_force = TimeInForce::GoodTil(TimeMs(value)),
            4 => order.instrument = InstrumentId(self.some_id()),
            5 => order.protection = Some(GroupId(u8::MAX)),
            6 => {
                let source = TriggerSource::Last;
                let price = Price(value);
                let kind = self.random.pick(&[
                    TriggerKind::Stop { price },
                    TriggerKind::Take { price },
                    TriggerKind::Trailing { offset: price },
                ]);
                order.trigger = Some(Trigger { source, kind });
            }
            _ => order.price = None,
        }
    }

    pub fn amend(&mut self, account: AccountId) -> Amend {
        let target = self.target(account);
        let instrument = self.instrument();
        let price = self.price_near(instrument);
        let garbage = self.random.garbage();
        let lots = match self.random.percent(3) {
            true => Lots(garbage),
            false => self.lots(),
        };
        Amend {
            target,
            lots: self.random.percent(60).then_some(lots),
            price: self.random.percent(40).then_some(price),
            trigger_price: self.random.percent(10).then_some(price),
        }
    }

    pub fn batch(&mut self, account: AccountId) -> Command {
        let only_cancels = self.random.percent(25);
        let count = self.random.below(7);
        let items = (0..count).map(|_| match self.random.below(4) {
            _ if only_cancels => BatchItem::Cancel(self.target(account)),
            0 => BatchItem::Cancel(self.target(account)),
            1 => BatchItem::Amend(self.amend(account)),
            _ => BatchItem::Place(self.order_of(account)),
        });
        let items = items.collect();
        Command::Batch(bounded(items))
    }

    pub fn mass_quote(&mut self, account: AccountId) -> Command {
        let first = self.instrument();
        let Some(group) = self.group_for(account, first) else { return self.set_protection() };
        let count = self.random.below(5);
        let mut quotes = Vec::new();
        for number in 0..count {
            let instrument = if number == 0 { first } else { self.instrument() };
            let price = self.price_near(instrument);
            let tick = self.tick_of(instrument, price.0);
            let width = tick * self.random.between(-1, 20);
            let bid = QuoteSide { price, lots: self.lots() };
            let ask = QuoteSide { price: Price(price.0.saturating_add(width)), lots: self.lots() };
            quotes.push(Quote {
                instrument,
                bid: self.random.percent(85).then_some(bid),
                ask: self.random.percent(85).then_some(ask),
            });
        }
        Command::MassQuote { group, quotes: bounded(quotes) }
    }

    pub fn linked(&mut self) -> Command {
        let kind = self.random.pick(&[
            LinkKind::OneCancelsOther,
            LinkKind::OneTriggersOther,
            LinkKind::OneTriggersOneCancelsOther,
        ]);
        let count = if self.random.percent(90) { self.random.between(2, 4) } else { 10 };
        let first = self.order();
        let mut orders = vec![first.clone()];
        for _ in 1..count {
            let mut order = self.order();
            if self.random.percent(85) {
                // Links are mostly a way in and ways out of one position.
                let price = self.price_near(first.instrument);
                order.instrument = first.instrument;
                order.price = order.price.map(|_| price);
                order.lots = first.lots;
                order.side = match kind {
                    LinkKind::OneCancelsOther => first.side,
                    _ => first.side.opposite(),
                };
                order.display = None;
            }
            orders.push(order);
        }
        Command::PlaceLinked { kind, orders: bounded(orders) }
    }

    /// A command that nobody means well with.
    pub fn garbage_command(&mut self, trader: &Trader) -> Command {
        let (first, second) = (self.random.garbage(), self.random.garbage());
        let instrument = InstrumentId(self.some_id());
        match self.random.below(14) {
            0 => {
                let mut order = self.order();
                for _ in 0..3 {
                    self.spoil(&mut order);
                }
                Command::Place(order)
            }
            1 => Command::Amend(Amend {
                target: self.target(trader.account),
                lots: Some(Lots(first)),
                price: self.random.percent(50).then_some(Price(second)),
                trigger_price: self.random.percent(30).then_some(Price(second)),
            }),
            2 => Command::Cancel(OrderTarget::Id(lockstep_types::ids::OrderId(self.random.next()))),
            3 => Command::CancelAll(self.random.pick(&[
                CancelScope::Instrument(instrument),
                CancelScope::Underlying(UnderlyingId(u8::MAX)),
                CancelScope::Group { underlying: UnderlyingId(0), group: GroupId(u8::MAX) },
            ])),
            4 => Command::Batch(bounded(Vec::new())),
            5 => {
                let side = QuoteSide { price: Price(first), lots: Lots(second) };
                let quote =
                    Quote { instrument: self.instrument(), bid: Some(side), ask: Some(side) };
                Command::MassQuote { group: GroupId(u8::MAX), quotes: bounded(vec![quote; 3]) }
            }
            6 => {
                let mut orders = vec![self.order(); 2];
                self.spoil(&mut orders[1]);
                let kind =
                    self.random.pick(&[LinkKind::OneCancelsOther, LinkKind::OneTriggersOther]);
                Command::PlaceLinked { kind, orders: bounded(orders) }
            }
            7 => Command::SetProtection {
                underlying: self.underlying(),
                group: GroupId(u8::try_from(self.random.below(256)).unwrap()),
                limits: ProtectionLimits {
                    interval: SpanMs(first),
                    frozen_time: SpanMs(second),
                    lots_max: Lots(self.random.garbage()),
                    delta_max: Lots(self.random.garbage()),
                    vega_max: Usd(self.random.garbage()),
                    trades_max: u32::try_from(self.random.next() >> 32).unwrap(),
                },
            },
            8 => Command::ScheduleCancel { at: Some(TimeMs(first)) },
            9 => Command::Transfer { to: AccountId(self.some_id()), amount: Usd(first) },
            10 => Command::Withdraw { amount: Usd(first) },
            11 => {
                let scope = AgentScope {
                    sub: Some(255),
                    instruments: bounded(vec![instrument; 32]),
                    notional_max: Some(Usd(first)),
                    expires: Some(TimeMs(second)),
                };
                // The key of an owner, or of nobody.
                let key = [u8::try_from(self.random.below(256)).unwrap(); 32];
                Command::RegisterAgent { key, scope }
            }
            12 => {
                let key = [u8::try_from(self.random.below(256)).unwrap(); 32];
                Command::RevokeAgent { key }
            }
            _ => {
                let leg = BlockLeg {
                    instrument: self.instrument(),
                    lots: Lots(first),
                    price: Price(second),
                    buyer: trader.account,
                    seller: self.random.pick(&[trader.account, AccountId(u32::MAX), AccountId(0)]),
                };
                let legs = vec![leg; usize::try_from(self.random.below(21)).unwrap()];
                let valid_until = TimeMs(self.random.garbage());
                let terms = BlockTerms { legs: bounded(legs), valid_until };
                Command::BlockTrade { terms, consents: bounded(Vec::new()) }
            }
        }
    }
}
