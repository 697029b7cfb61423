//! The matching benchmark's contestants: the bare book, and the whole exchange.

use lockstep_exchange::book::bare::{BareBooks, BareComing};
use lockstep_exchange::{Exchange, Step};
use lockstep_sim::flow::{Event as FlowEvent, Flow, Header, Kind, Side as FlowSide, Tally, Totals};
use lockstep_sim::measure::FlowMatcher;
use lockstep_types::codec::Bounded;
use lockstep_types::command::{Command, MarginMode, Report, SystemCommand, UserCommand};
use lockstep_types::event::Event;
use lockstep_types::ids::{AccountId, InstrumentId, OrderId, ReporterId, SignerId, UnderlyingId};
use lockstep_types::instrument::{Contract, InstrumentName, OptionSide, Ticker};
use lockstep_types::order::{NewOrder, OrderTarget, Side, TimeInForce};
use lockstep_types::params::{
    ListingPolicy, MarginRegime, TickTable, UnderlyingParams, VenueParams,
};
use lockstep_types::units::{Lots, Ppm, Price, TimeMs, Usd};
use std::rc::Rc;

fn side_of(side: FlowSide) -> Side {
    match side {
        FlowSide::Buy => Side::Buy,
        FlowSide::Sell => Side::Sell,
    }
}

fn small(value: u64) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX)
}

fn at(index: u64) -> usize {
    usize::try_from(index).unwrap_or(usize::MAX)
}

/// A handle, and the account whose order it is.
type Owned = (OrderId, u32);

/// The handles that an engine gives to a flow's orders.
///
/// A flow names an order by a number of its own; a client of the engine names it by the handle
/// that came back. As the engine is deterministic, one untimed run learns which handle each cancel
/// of the flow would carry, and timed runs read them in order, as they would arrive in commands.
/// With it goes the owner: the account of a flow's cancel is nobody's in particular.
#[derive(Clone, Debug)]
enum Handles {
    /// Handle of each of the flow's orders, and what the cancels asked for so far.
    Learning { of_order: Vec<Owned>, asked: Vec<Owned> },
    /// What each cancel asks for, and how many have asked.
    Known { asked: Rc<[Owned]>, next: usize },
}

impl Handles {
    fn learning(header: &Header) -> Self {
        let of_order = vec![(OrderId(u64::MAX), 0); at(header.max_order_id + 1)];
        Self::Learning { of_order, asked: Vec::new() }
    }

    #[inline]
    fn given(&mut self, number: u64, handle: OrderId, owner: u32) {
        if let Self::Learning { of_order, .. } = self {
            of_order[at(number)] = (handle, owner);
        }
    }

    #[inline]
    fn asked(&mut self, number: u64) -> Owned {
        match self {
            Self::Known { asked, next } => {
                *next += 1;
                asked[*next - 1]
            }
            Self::Learning { of_order, asked } => {
                asked.push(of_order[at(number)]);
                of_order[at(number)]
            }
        }
    }

    /// What the cancel after `skipped` others will ask for, if that is known.
    #[inline]
    fn ahead(&self, skipped: usize) -> Option<Owned> {
        match self {
            Self::Known { asked, next } => asked.get(next + skipped).copied(),
            Self::Learning { .. } => None,
        }
    }

    /// The same handles, known from the start.
    fn replay(self) -> Self {
        match self {
            Self::Learning { asked, .. } => Self::Known { asked: asked.into(), next: 0 },
            Self::Known { asked, .. } => Self::Known { asked, next: 0 },
        }
    }
}

/// Runs a flow on a learning matcher.
fn learn<M: FlowMatcher>(flow: &Flow, mut matcher: M) -> M {
    let mut totals = Totals::default();
    matcher.prefill(flow.prefill(), &mut totals);
    for event in flow.timed() {
        matcher.apply(event, &mut totals);
    }
    matcher
}

/// The book by itself.
pub struct Bare {
    books: BareBooks,
    handles: Handles,
}

impl Bare {
    /// Empty books for a flow, made anew for each run.
    pub fn scripted(flow: &Flow) -> impl Fn(&Header) -> Self + use<> {
        let handles = Handles::learning(flow.header());
        let learned = learn(flow, Self::with(flow.header(), handles)).handles.replay();
        move |header| Self::with(header, learned.clone())
    }

    fn with(header: &Header, handles: Handles) -> Self {
        let orders = small(header.max_order_id + 1);
        Self { books: BareBooks::new(small(header.symbols), orders), handles }
    }
}

impl FlowMatcher for Bare {
    #[inline]
    fn foresee(&mut self, events: &[FlowEvent]) {
        let mut cancels = 0;
        self.books.foresee(events.iter().filter_map(|event| match event.kind {
            Kind::Cancel => {
                cancels += 1;
                let (handle, _) = self.handles.ahead(cancels - 1)?;
                Some(BareComing::Cancel(handle))
            }
            Kind::Limit | Kind::Market => {
                let instrument = InstrumentId(u32::from(event.symbol));
                let limit = small(event.price_ticks);
                Some(BareComing::Enter(instrument, side_of(event.side), limit))
            }
        }));
    }

    #[inline]
    fn apply<T: Tally>(&mut self, event: &FlowEvent, tally: &mut T) {
        let side = side_of(event.side);
        let (limit, rests) = match (event.kind, side) {
            (Kind::Cancel, _) => {
                let (handle, _) = self.handles.asked(event.order_id);
                self.books.cancel(handle);
                return;
            }
            (Kind::Limit, _) => (small(event.price_ticks), true),
            (Kind::Market, Side::Buy) => (u32::MAX - 1, false),
            (Kind::Market, Side::Sell) => (0, false),
        };
        let instrument = InstrumentId(u32::from(event.symbol));
        let entered = self.books.enter(
            small(event.order_id),
            instrument,
            side,
            limit,
            small(event.qty_lots),
            rests,
            &mut |trade| {
                tally.trade(u64::from(trade.maker), u64::from(trade.tick), u64::from(trade.lots));
            },
        );
        if let Some(id) = entered {
            self.handles.given(event.order_id, id, 0);
        }
    }

    fn resting(&self) -> (u64, u64) {
        self.books.resting()
    }
}

/// The whole exchange: accounts, nonces, limits, fees, events, journal.
#[derive(Clone)]
pub struct Whole {
    exchange: Exchange,
    height: u64,
    in_block: u32,
    block_len: u32,
    nonces: Vec<u64>,
    handles: Handles,
    /// Commands that were made in advance, and how many of them have run.
    coming: Vec<UserCommand>,
    ran: usize,
    /// The flow's number of the order in each slot, for the digest.
    numbers: Vec<u64>,
    /// Price of one tick of the flow.
    tick: i64,
    /// Whether each block brings another index.
    index_moves: bool,
}

/// What the exchange does besides matching.
#[derive(Clone, Copy, Debug)]
pub struct WholeOptions {
    /// Whether the journal records.
    pub journal: bool,
    /// Whether margin is checked.
    pub margin: MarginRegime,
    /// How all accounts are margined.
    pub mode: MarginMode,
    /// Whether each block brings another index, so that all that follows from it is old.
    pub index_moves: bool,
    /// Commands in a block.
    pub block_len: u32,
}

/// The flow's accounts; a number's buys and sells go to two accounts, because the flow knows no
/// self-trade prevention.
const FLOW_ACCOUNTS: u32 = 10_000;
const START_MS: i64 = 1_700_000_000_000;
const REPORTER: ReporterId = ReporterId(0);
/// The index, where there is one: about where the flows start, in their ticks.
const INDEX_TICKS: i64 = 100_000;

impl Whole {
    /// An exchange with the flow's instruments and accounts, made anew for each run.
    pub fn scripted(flow: &Flow, options: WholeOptions) -> impl Fn(&Header) -> Self + use<> {
        let handles = Handles::learning(flow.header());
        let learning = Self::with(flow.header(), options, handles);
        let learned = learn(flow, learning).handles.replay();
        move |header| Self::with(header, options, learned.clone())
    }

    /// An exchange with the flow's instruments and accounts, for one run.
    pub fn fresh(header: &Header, options: WholeOptions) -> Self {
        Self::with(header, options, Handles::learning(header))
    }

    fn with(header: &Header, options: WholeOptions, handles: Handles) -> Self {
        let params = VenueParams {
            margin: options.margin,
            block_work_max: u64::MAX >> 1,
            instruments_per_account_max: 2_048,
            ..VenueParams::default()
        };
        let mut whole = Self {
            exchange: Exchange::new(params),
            height: 0,
            in_block: 0,
            block_len: options.block_len,
            nonces: vec![0; at(u64::from(FLOW_ACCOUNTS) * 2)],
            handles,
            coming: Vec::new(),
            ran: 0,
            numbers: vec![0; at(header.max_order_id + 1)],
            tick: 1_000_000,
            index_moves: options.index_moves,
        };
        whole.set_up(header, options.margin);
        if options.mode == MarginMode::Portfolio {
            whole.choose_portfolio_margin();
        }
        whole.exchange.record(options.journal);
        whole
    }

    fn system(&mut self, command: &SystemCommand) {
        let stepped = self.exchange.step(Step::System(0, command));
        assert!(stepped.is_ok(), "the whole state misses no leaf");
        let refused = self.exchange.events().iter().find_map(|event| match event {
            Event::SystemRejected { reject, .. } => Some(*reject),
            _ => None,
        });
        assert!(refused.is_none(), "set-up is legal: {refused:?}");
        self.exchange.clear_events();
    }

    fn set_up(&mut self, header: &Header, margin: MarginRegime) {
        let ticker = Ticker::new("BTC").expect("a ticker");
        let tick = Price(self.tick);
        let underlying = UnderlyingParams {
            linear_ticks: TickTable::flat(tick),
            option_ticks: TickTable::flat(tick),
            order_lots_max: Lots(1 << 28),
            position_lots_max: Lots(1 << 28),
            open_interest_max: Lots(1 << 31),
            // The flow's prices are the flow's business.
            price_band: Ppm(0),
            option_price_band: Ppm(0),
            market_band: Ppm(400_000),
            listing: ListingPolicy::Manual,
            ..UnderlyingParams::genesis(ticker, 100_000)
        };
        self.begin();
        self.system(&SystemCommand::AddUnderlying(underlying));
        if margin == MarginRegime::Enforced {
            self.system(&SystemCommand::SetReporterWeight { reporter: REPORTER, weight: 1 });
            self.report();
        }
        for symbol in 0..small(header.symbols) {
            let name = InstrumentName {
                underlying: ticker,
                contract: match header.symbols {
                    1 => Contract::Perpetual,
                    _ => Contract::Option {
                        expiry: TimeMs(
                            START_MS / 86_400_000 * 86_400_000
                                + 28_800_000
                                + 864_000_000 * (1 + i64::from(symbol / 256)),
                        ),
                        strike: Price(1_000_000_000 * (1 + i64::from(symbol % 256 / 2))),
                        side: if symbol % 2 == 0 { OptionSide::Call } else { OptionSide::Put },
                    },
                },
            };
            self.system(&SystemCommand::List(name));
        }
        for account in 0..FLOW_ACCOUNTS * 2 {
            let mut owner = [0; 32];
            owner[..4].copy_from_slice(&account.to_le_bytes());
            let amount = Usd(50_000_000_000_000);
            self.system(&SystemCommand::Deposit { owner, sub: 0, amount });
        }
        self.prepare();
    }

    fn prepare(&mut self) {
        let prepared = self.exchange.step(Step::Prepare);
        assert!(prepared.is_ok(), "the whole state misses no leaf");
    }

    /// An index, so that positions can be valued; another one in each block.
    fn report(&mut self) {
        let ticks = INDEX_TICKS + i64::try_from((self.height - 1) % 64).unwrap_or(0);
        self.system(&SystemCommand::Report(Report {
            reporter: REPORTER,
            underlying: UnderlyingId(0),
            price: Price(ticks * self.tick),
            published: self.clock().1,
            expiries: Bounded::default(),
        }));
    }

    /// Every account, while it has nothing.
    fn choose_portfolio_margin(&mut self) {
        for account in 0..FLOW_ACCOUNTS * 2 {
            let command = Command::SetMarginMode(MarginMode::Portfolio);
            self.run(&mut from_account(account, command));
            let rejected = |event: &Event| matches!(event, Event::Rejected { .. });
            assert!(!self.exchange.events().iter().any(rejected), "an empty account may choose");
        }
        self.exchange.clear_events();
    }

    fn begin(&mut self) {
        self.height += 1;
        let time = TimeMs(START_MS + i64::try_from(self.height).unwrap_or(0));
        let begun = self.exchange.step(Step::Begin { height: self.height, time });
        assert!(begun.is_ok(), "the whole state misses no leaf");
    }

    /// Runs one command; closes the block when it is full.
    #[inline]
    fn run(&mut self, command: &mut UserCommand) {
        let nonce = &mut self.nonces[at(u64::from(command.account.0))];
        *nonce += 1;
        command.nonce = *nonce;
        self.exchange.clear_events();
        let stepped = self.exchange.step(Step::User(command));
        assert!(stepped.is_ok(), "the whole state misses no leaf");
    }

    /// The event as a command, which asks for the next cancel's handle if it is one.
    fn next_command(&mut self, event: &FlowEvent) -> UserCommand {
        let cancel = event.kind == Kind::Cancel;
        let cancelled = cancel.then(|| self.handles.asked(event.order_id));
        self.command(event, cancelled)
    }

    /// The exchange.
    pub fn exchange(&self) -> &Exchange {
        &self.exchange
    }

    /// The events of the last command, and of the turn of blocks if there was one.
    pub fn events(&self) -> &[Event] {
        self.exchange.events()
    }

    /// Height and time of the current block.
    pub fn clock(&self) -> (u64, TimeMs) {
        (self.height, TimeMs(START_MS + i64::try_from(self.height).unwrap_or(0)))
    }

    /// Whether the last command closed a block.
    pub fn is_at_block_start(&self) -> bool {
        self.in_block == 0
    }

    fn turn_block(&mut self) {
        self.in_block += 1;
        if self.in_block == self.block_len {
            self.in_block = 0;
            let ended = self.exchange.step(Step::End);
            assert!(ended.is_ok(), "the whole state misses no leaf");
            self.exchange.checkpoint_and_forget();
            self.begin();
            if self.index_moves {
                self.report();
            }
            self.prepare();
        }
    }
}

impl Whole {
    /// A flow's event as a command, but for the nonce; `cancelled` is what a cancel asks for.
    #[inline]
    fn command(&self, event: &FlowEvent, cancelled: Option<Owned>) -> UserCommand {
        let side = side_of(event.side);
        let mut account = event.account * 2 + u32::from(side == Side::Sell);
        let instrument = InstrumentId(u32::from(event.symbol));
        let lots = Lots(i64::try_from(event.qty_lots).unwrap_or(i64::MAX));
        let ticks = i64::try_from(event.price_ticks).unwrap_or(i64::MAX);
        let command = match event.kind {
            Kind::Cancel => {
                let (handle, owner) = cancelled.unwrap_or_default();
                account = owner;
                Command::Cancel(OrderTarget::Id(handle))
            }
            Kind::Limit => {
                let price = Price(ticks * self.tick);
                Command::Place(NewOrder::limit(instrument, side, lots, price))
            }
            Kind::Market => {
                // The flow's market orders know no band: the outermost price, immediately.
                let price = Price(if side == Side::Buy { 400_000 } else { 1 } * self.tick);
                Command::Place(NewOrder {
                    time_in_force: TimeInForce::ImmediateOrCancel,
                    ..NewOrder::limit(instrument, side, lots, price)
                })
            }
        };
        from_account(account, command)
    }
}

/// A command of an account's owner, but for the nonce.
#[inline]
fn from_account(account: u32, command: Command) -> UserCommand {
    UserCommand {
        signer: SignerId(account),
        account: AccountId(account),
        nonce: 0,
        valid_until: None,
        command,
    }
}

impl FlowMatcher for Whole {
    #[inline]
    fn foresee(&mut self, events: &[FlowEvent]) {
        let mut coming = std::mem::take(&mut self.coming);
        coming.clear();
        coming.extend(events.iter().map(|event| self.next_command(event)));
        self.exchange.foresee(&coming);
        (self.coming, self.ran) = (coming, 0);
    }

    #[inline]
    fn apply<T: Tally>(&mut self, event: &FlowEvent, tally: &mut T) {
        let mut coming = std::mem::take(&mut self.coming);
        if self.ran == coming.len() {
            coming.clear();
            coming.push(self.next_command(event));
            self.ran = 0;
        }
        let command = &mut coming[self.ran];
        let account = command.account.0;
        self.run(command);
        self.ran += 1;
        self.coming = coming;
        for happened in self.exchange.events() {
            match happened {
                Event::Accepted(accepted) => {
                    self.handles.given(event.order_id, accepted.order, account);
                    if T::NAMES_MAKERS {
                        self.numbers[at(u64::from(accepted.order.slot()))] = event.order_id;
                    }
                }
                Event::Trade(trade) => {
                    let slot = at(u64::from(trade.maker_order.slot()));
                    let maker = if T::NAMES_MAKERS { self.numbers[slot] } else { 0 };
                    let price = trade.price.0 / self.tick;
                    let (price, lots) = (price.unsigned_abs(), trade.lots.0.unsigned_abs());
                    tally.trade(maker, price, lots);
                }
                Event::Rejected { reject, .. } => panic!("the flow is legal: {reject}"),
                _ => {}
            }
        }
        self.turn_block();
    }

    fn resting(&self) -> (u64, u64) {
        self.exchange.resting()
    }
}
