//! A toy venue for testing the runner: deposits, limit orders in one price-time book per
//! instrument, cancels, and nothing else.

use crate::scenario::venue::*;
use lockstep_types::command::*;
use lockstep_types::event::{Accepted, CancelReason, Trade, TradeKind};
use lockstep_types::ids::*;
use lockstep_types::instrument::InstrumentName;
use lockstep_types::order::{NewOrder, OrderTarget};
use lockstep_types::reject::{Reject, RejectCode};
use lockstep_types::{Event, Lots, Ppm, Price, Side, TimeMs, Usd};

#[derive(Default)]
pub struct Fake {
    accounts: Vec<([u8; 32], u8, Usd)>,
    positions: Vec<(AccountId, InstrumentId, Lots)>,
    instruments: Vec<InstrumentName>,
    prices: Vec<Option<Price>>,
    orders: Vec<(OrderId, AccountId, NewOrder)>,
    last: Option<Price>,
    sequence: u64,
    trades: u64,
    /// Set to make the next check fail.
    pub broken: bool,
}

impl Fake {
    fn system(&mut self, command: &SystemCommand, events: &mut Vec<Event>) -> Result<(), Reject> {
        match command {
            SystemCommand::AddUnderlying(_) => {
                self.prices.push(None);
                let id = UnderlyingId(u8::try_from(self.prices.len() - 1).unwrap());
                events.push(Event::UnderlyingAdded { underlying: id });
            }
            SystemCommand::Report(report) => {
                let place = usize::from(report.underlying.0);
                let price = self.prices.get_mut(place);
                *price.ok_or(Reject::of(RejectCode::UnknownUnderlying))? = Some(report.price);
            }
            SystemCommand::List(name) => {
                if self.instruments.contains(name) {
                    return Err(Reject::of(RejectCode::AlreadyListed));
                }
                self.instruments.push(*name);
                let instrument = InstrumentId(u32::try_from(self.instruments.len() - 1).unwrap());
                events.push(Event::Listed { instrument, name: Box::new(*name) });
            }
            SystemCommand::Deposit { owner, sub, amount } => {
                if amount.0 <= 0 {
                    return Err(Reject::beyond(RejectCode::NotPositive, amount.0, 1));
                }
                let place = self.accounts.iter().position(|(o, s, _)| o == owner && s == sub);
                let place = place.unwrap_or_else(|| {
                    self.accounts.push((*owner, *sub, Usd(0)));
                    let number = u32::try_from(self.accounts.len() - 1).unwrap();
                    let (account, owner) = (AccountId(number), SignerId(number));
                    events.push(Event::AccountOpened { account, owner, sub: *sub });
                    self.accounts.len() - 1
                });
                self.accounts[place].2 += *amount;
                let account = AccountId(u32::try_from(place).unwrap());
                events.push(Event::Deposited { account, amount: *amount });
            }
            _ => {}
        }
        Ok(())
    }

    fn user(&mut self, user: &UserCommand, events: &mut Vec<Event>) -> Result<(), Reject> {
        if usize::try_from(user.account.0).unwrap() >= self.accounts.len() {
            return Err(Reject::of(RejectCode::UnknownAccount));
        }
        match &user.command {
            Command::Place(order) => self.place(user.account, order, events),
            Command::Cancel(target) => self.cancel(user.account, target, events),
            Command::Batch(items) => {
                for (item, step) in (0..).zip(items.iter()) {
                    let done = match step {
                        BatchItem::Place(order) => self.place(user.account, order, events),
                        BatchItem::Cancel(target) => self.cancel(user.account, target, events),
                        BatchItem::Amend(_) => Ok(()),
                    };
                    if let Err(reject) = done {
                        events.push(Event::Rejected { account: user.account, item, reject });
                    }
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn cancel(
        &mut self,
        account: AccountId,
        target: &OrderTarget,
        events: &mut Vec<Event>,
    ) -> Result<(), Reject> {
        let place = self.orders.iter().position(|(id, owner, order)| {
            let meant = match target {
                OrderTarget::Id(target) => id == target,
                OrderTarget::Label(label) => order.label.as_ref() == Some(label),
            };
            meant && *owner == account
        });
        let (order, account, rest) =
            self.orders.remove(place.ok_or(Reject::of(RejectCode::UnknownOrder))?);
        let reason = CancelReason::Request;
        events.push(Event::Cancelled { order, account, lots: rest.lots, reason });
        Ok(())
    }

    fn place(
        &mut self,
        account: AccountId,
        new: &NewOrder,
        events: &mut Vec<Event>,
    ) -> Result<(), Reject> {
        if usize::try_from(new.instrument.0).unwrap() >= self.instruments.len() {
            return Err(Reject::of(RejectCode::UnknownInstrument));
        }
        let price = new.price.ok_or(Reject::of(RejectCode::NoReference))?;
        if price.0 % 1_000_000 != 0 {
            return Err(Reject::beyond(RejectCode::OffTick, price.0, 1_000_000));
        }
        self.sequence += 1;
        let order = OrderId::new(self.sequence, u32::try_from(self.sequence).unwrap());
        let (instrument, side) = (new.instrument, new.side);
        events.push(Event::Accepted(Accepted {
            order,
            account,
            instrument,
            side,
            price,
            lots: new.lots,
        }));
        let mut left = new.clone();
        loop {
            let crosses = |maker: &NewOrder| match side {
                Side::Buy => maker.price.unwrap() <= price,
                Side::Sell => maker.price.unwrap() >= price,
            };
            let best = self
                .orders
                .iter()
                .enumerate()
                .filter(|(_, (_, _, maker))| {
                    maker.side != side && maker.instrument == instrument && crosses(maker)
                })
                .min_by_key(|(_, (id, _, maker))| match side {
                    Side::Buy => (maker.price.unwrap().0, *id),
                    Side::Sell => (-maker.price.unwrap().0, *id),
                })
                .map(|(place, _)| place);
            let Some(place) = best.filter(|_| left.lots.0 > 0) else { break };
            let (maker_order, maker, resting) = &mut self.orders[place];
            let lots = Lots(left.lots.0.min(resting.lots.0));
            self.trades += 1;
            events.push(Event::Trade(Trade {
                id: TradeId(self.trades),
                instrument,
                price: resting.price.unwrap(),
                lots,
                taker_side: side,
                taker: account,
                maker: *maker,
                taker_order: order,
                maker_order: *maker_order,
                taker_fee: Usd(0),
                maker_fee: Usd(0),
                kind: TradeKind::Continuous,
            }));
            self.last = resting.price;
            let maker = *maker;
            resting.lots -= lots;
            left.lots -= lots;
            if resting.lots.0 == 0 {
                self.orders.remove(place);
            }
            self.fill(account, instrument, side.signed(lots));
            self.fill(maker, instrument, side.opposite().signed(lots));
        }
        if left.lots.0 > 0 {
            events.push(Event::Booked { order, lots: left.lots, visible: left.lots });
            self.orders.push((order, account, left));
        }
        Ok(())
    }

    fn fill(&mut self, account: AccountId, instrument: InstrumentId, lots: Lots) {
        let held = self.positions.iter_mut().find(|(a, i, _)| *a == account && *i == instrument);
        match held {
            Some((_, _, held)) => *held += lots,
            None => self.positions.push((account, instrument, lots)),
        }
    }
}

impl Venue for Fake {
    fn execute(&mut self, block: &Block) -> Vec<Event> {
        let mut events = Vec::new();
        for (item, command) in (0..).zip(block.system.iter()) {
            if let Err(reject) = self.system(command, &mut events) {
                events.push(Event::SystemRejected { item, reject });
            }
        }
        for user in block.commands.iter() {
            if let Err(reject) = self.user(user, &mut events) {
                events.push(Event::Rejected { account: user.account, item: 0, reject });
            }
        }
        events
    }

    fn check(&self) -> Result<(), String> {
        let crossed = self.sequence >= 3 && self.broken;
        if crossed { Err("C1: a toy is broken".to_string()) } else { Ok(()) }
    }

    fn digest(&self) -> Vec<u8> {
        vec![u8::try_from(self.trades).unwrap(), u8::try_from(self.orders.len()).unwrap()]
    }

    fn account(&self, account: AccountId) -> Option<AccountView> {
        let (_, _, balance) = self.accounts.get(usize::try_from(account.0).unwrap())?;
        Some(AccountView {
            balance: *balance,
            equity: Some(*balance),
            initial: Some(Usd(0)),
            maintenance: Some(Usd(0)),
            available: Some(*balance),
            mode: MarginMode::Portfolio,
            liquidating: false,
        })
    }

    fn positions(&self, account: AccountId) -> Vec<PositionView> {
        let held = self.positions.iter().filter(|(a, _, lots)| *a == account && lots.0 != 0);
        held.map(|(_, instrument, lots)| PositionView {
            instrument: *instrument,
            lots: *lots,
            average_price: Price(0),
            unrealised: Some(Usd(0)),
        })
        .collect()
    }

    fn orders(&self, account: AccountId) -> Vec<OrderView> {
        let own = self.orders.iter().filter(|(_, owner, _)| *owner == account);
        own.filter_map(|(id, _, _)| self.order(*id)).collect()
    }

    fn order(&self, order: OrderId) -> Option<OrderView> {
        let (order, _, rest) = self.orders.iter().find(|(id, _, _)| *id == order)?;
        Some(OrderView {
            order: *order,
            instrument: rest.instrument,
            side: rest.side,
            price: rest.price,
            remaining: rest.lots,
            visible: rest.lots,
            sleeping: false,
            trigger_price: None,
            label: rest.label.as_ref().map(|label| label.as_str().to_string()),
        })
    }

    fn depth(&self, instrument: InstrumentId, side: Side) -> Vec<LevelView> {
        let mut levels: Vec<LevelView> = Vec::new();
        for (_, _, order) in &self.orders {
            if order.instrument != instrument || order.side != side {
                continue;
            }
            let price = order.price.unwrap();
            match levels.iter_mut().find(|level| level.price == price) {
                Some(level) => {
                    level.lots += order.lots;
                    level.orders += 1;
                }
                None => levels.push(LevelView { price, lots: order.lots, orders: 1 }),
            }
        }
        levels.sort_by_key(|level| match side {
            Side::Buy => -level.price.0,
            Side::Sell => level.price.0,
        });
        levels
    }

    fn instrument(&self, instrument: InstrumentId) -> Option<InstrumentView> {
        self.instruments.get(usize::try_from(instrument.0).unwrap())?;
        Some(InstrumentView {
            mark: self.prices[0],
            last: self.last,
            volatility: None,
            open_interest: Lots(0),
            rate_8h_ppb: 0,
            funding_index: Price(0),
        })
    }

    fn underlying(&self, underlying: UnderlyingId) -> Option<UnderlyingView> {
        let index = *self.prices.get(usize::from(underlying.0))?;
        Some(UnderlyingView { index, confidence: Ppm(1_000_000), stale: false })
    }

    fn forward(&self, underlying: UnderlyingId, _expiry: TimeMs) -> Option<Price> {
        self.underlying(underlying)?.index
    }

    fn phase(&self, _scope: PhaseScope) -> Phase {
        Phase::Continuous
    }

    fn pools(&self) -> PoolsView {
        PoolsView::default()
    }
}
