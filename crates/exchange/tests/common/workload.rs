//! Random blocks over every command that exists: a market around moving prices, and garbage.
//!
//! The workload knows the exchange by its events alone, so it drives whatever gives the same
//! events. A seed and the events decide everything: the same seed gives the same blocks. Most
//! commands mean something (the order is at a price where it may trade, the target is an order that
//! may be open); some are hostile (unknown ids, values at the limits of 64 bits, wrong owners,
//! used nonces, off-tick prices), and time jumps over expiries and leaves gaps in the reports.

// Each test program uses a part of it.
#![allow(dead_code)]

#[path = "workload/orders.rs"]
mod orders;
#[path = "random.rs"]
mod random;
#[path = "workload/system.rs"]
mod system;

use lockstep_types::chain::ChainCommand;
use lockstep_types::codec::Bounded;
use lockstep_types::command::{
    AgentScope, Block, BlockLeg, BlockTerms, CancelScope, Command, Consent, MarginMode,
    ProtectionLimits, SystemCommand, UserCommand,
};
use lockstep_types::event::Event;
use lockstep_types::ids::{AccountId, GroupId, InstrumentId, OrderId, SignerId, UnderlyingId};
use lockstep_types::instrument::{Contract, InstrumentName, OptionSide};
use lockstep_types::order::{Label, OrderTarget};
use lockstep_types::params::{LatencySource, MarginRegime, UnderlyingParams, VenueParams};
use lockstep_types::units::{Lots, Ppm, Price, SpanMs, TimeMs, Usd};
use std::collections::{BTreeMap, VecDeque};

pub use random::Random;

/// Monday 5 January 2026, 07:10 UTC: fifty minutes before an expiry.
pub const START: TimeMs = TimeMs(1_767_597_000_000);

/// A list that is short enough for its bound.
pub fn bounded<T, const LIMIT: usize>(elements: Vec<T>) -> Bounded<T, LIMIT> {
    Bounded::new(elements).unwrap_or_else(|error| panic!("a workload's list fits: {error}"))
}

/// The highest price at which the largest position is worth no more than 2^60 micro-USD.
fn highest_price(params: &UnderlyingParams) -> i64 {
    let lots = params.order_lots_max.max(params.position_lots_max).0.max(1);
    i64::try_from((1_i128 << 60) * 1_000 / i128::from(lots)).unwrap().min(1_000_000_000_000_000)
}

/// What kind of workload.
#[derive(Clone, Copy, Debug)]
pub struct Profile {
    /// User commands of a block at most.
    pub commands_max: u64,
    /// Percentage of commands that are garbage.
    pub hostile: u64,
    /// Whether margin is checked at genesis.
    pub margin: MarginRegime,
    /// Whether the chain changes parameters now and then.
    pub parameters: bool,
    /// Whether prices jump often.
    pub wild: bool,
    /// Whether the venue's limits are so small that they are met all the time.
    pub tight: bool,
    /// Whether prices, amounts and lots are mostly the smallest and the largest that there are.
    pub extreme: bool,
    /// Whether the latency is assumed, not measured.
    pub assumed: bool,
}

impl Default for Profile {
    fn default() -> Self {
        Self {
            commands_max: 24,
            hostile: 4,
            margin: MarginRegime::Enforced,
            parameters: true,
            wild: false,
            tight: false,
            extreme: false,
            assumed: true,
        }
    }
}

/// An account as the workload knows it.
#[derive(Clone, Debug)]
pub struct Trader {
    pub account: AccountId,
    pub owner: SignerId,
    /// Its number among the owner's.
    pub sub: u8,
}

/// An underlying as the workload knows it.
#[derive(Clone, Debug)]
pub struct Market {
    pub id: UnderlyingId,
    pub params: UnderlyingParams,
    /// Its price, micro-USD.
    pub price: i64,
    /// Where it began: it stays within a factor of eight.
    pub start: i64,
    /// Blocks for which nobody reports.
    pub silent: u64,
}

/// A source of random blocks.
#[derive(Clone, Debug)]
pub struct Workload {
    pub random: Random,
    pub profile: Profile,
    pub height: u64,
    pub time: TimeMs,
    /// Time from the block before to this one.
    pub step: SpanMs,
    /// Commands so far.
    pub commands: u64,
    pub venue: VenueParams,
    pub markets: Vec<Market>,
    pub traders: Vec<Trader>,
    pub agents: Vec<(SignerId, SignerId)>,
    pub instruments: Vec<(InstrumentId, InstrumentName)>,
    /// Orders that were accepted lately and may be open, with what is left of them.
    pub orders: VecDeque<(AccountId, OrderId, i64)>,
    /// Protection groups that were set up.
    protected: Vec<(AccountId, UnderlyingId, GroupId)>,
    /// What puts back phases and parameters that were changed.
    repairs: Vec<SystemCommand>,
    /// Parameters of underlyings that were asked for, in order.
    asked: VecDeque<UnderlyingParams>,
    nonces: BTreeMap<SignerId, u64>,
    /// Accounts in the backstop auction.
    offered: Vec<AccountId>,
}

impl Workload {
    pub fn new(seed: u64, profile: Profile) -> Self {
        let mut venue = VenueParams { margin: profile.margin, ..VenueParams::default() };
        if profile.assumed {
            let span = |ms: u64| SpanMs(i64::try_from(ms).unwrap());
            let (now, slow) = (span(seed % 7 * 1_100), span(seed % 5 * 900));
            venue.latency.source = LatencySource::Assumed { now, slow };
        }
        if profile.wild {
            // So that runs reach the last steps of the waterfall.
            venue.backstop.blocks = u16::try_from(seed % 4).unwrap();
            venue.backstop.fast = SpanMs(2_000);
            venue.backstop.slow = SpanMs(8_000);
            venue.backstop.insolvent = SpanMs(5_000);
        }
        if profile.tight {
            venue.block_work_max = 700;
            venue.orders_per_account_max = 12;
            venue.instruments_per_account_max = 5;
            venue.base_fee_floor = Usd(0);
        }
        Self {
            random: Random::new(seed),
            profile,
            height: 0,
            time: START,
            step: SpanMs(0),
            commands: 0,
            venue,
            markets: Vec::new(),
            traders: Vec::new(),
            agents: Vec::new(),
            instruments: Vec::new(),
            orders: VecDeque::new(),
            protected: Vec::new(),
            repairs: Vec::new(),
            asked: VecDeque::new(),
            nonces: BTreeMap::new(),
            offered: Vec::new(),
        }
    }

    /// The next block. What it does must be shown to [`Self::observe`] before the one after it.
    pub fn next_block(&mut self) -> Block {
        self.height += 1;
        if self.height == 1 {
            return self.genesis();
        }
        self.advance();
        let system = self.system_commands();
        let count = self.random.below(self.profile.commands_max + 1);
        let commands: Vec<UserCommand> = (0..count).map(|_| self.user_command()).collect();
        self.commands += (system.len() + commands.len()) as u64;
        Block {
            height: self.height,
            time: self.time,
            system: bounded(system),
            commands: bounded(commands),
        }
    }

    /// Time to the next block: mostly a moment, sometimes up to or over an expiry, rarely weeks.
    fn advance(&mut self) {
        let random = &mut self.random;
        let until_eight = {
            let of_day = self.time.0.rem_euclid(86_400_000);
            (28_800_000 - of_day).rem_euclid(86_400_000)
        };
        let step = match random.weighted(&[650, 180, 90, 30, 20, 10, 2]) {
            0 => random.between(1, 1_500),
            1 => random.between(1_500, 20_000),
            2 => random.between(20_000, 600_000),
            3 => (until_eight - random.between(0, 1_900_000)).max(0),
            4 => until_eight + random.between(0, 2_000),
            5 => random.between(3_600_000, 30_000_000),
            _ => random.between(86_400_000, 40 * 86_400_000),
        };
        self.step = SpanMs(step);
        self.time = self.time.plus(self.step);
    }

    /// Learns from what a block did.
    pub fn observe(&mut self, events: &[Event]) {
        for event in events {
            match event {
                Event::BackstopStarted { account, .. } => self.offered.push(*account),
                Event::LiquidationEnded { account, .. } => {
                    self.offered.retain(|offered| offered != account);
                }
                Event::AccountOpened { account, owner, sub } => {
                    self.traders.push(Trader { account: *account, owner: *owner, sub: *sub });
                }
                Event::AgentRegistered { owner, agent, .. } => self.agents.push((*owner, *agent)),
                Event::AgentRevoked { agent, .. } if self.random.percent(80) => {
                    self.agents.retain(|known| known.1 != *agent);
                }
                Event::ProtectionSet { account, underlying, group } => {
                    let known = (*account, *underlying, *group);
                    if !self.protected.contains(&known) {
                        self.protected.push(known);
                    }
                }
                Event::UnderlyingAdded { underlying } => self.add_market(*underlying),
                Event::Listed { instrument, name } => self.instruments.push((*instrument, **name)),
                Event::Expired { instrument, .. } => {
                    self.instruments.retain(|known| known.0 != *instrument);
                }
                Event::Accepted(accepted) => {
                    let order = (accepted.account, accepted.order, accepted.lots.0);
                    self.orders.push_back(order);
                    if self.orders.len() > 300 {
                        self.orders.pop_front();
                    }
                }
                Event::Trade(trade) => {
                    for id in [trade.taker_order, trade.maker_order] {
                        if let Some(order) = self.orders.iter_mut().find(|order| order.1 == id) {
                            order.2 -= trade.lots.0;
                        }
                    }
                    // A few stay known, as they would with a slow client.
                    if self.random.percent(90) {
                        self.orders.retain(|order| order.2 > 0);
                    }
                }
                Event::Cancelled { order, .. } if self.random.percent(90) => {
                    self.orders.retain(|known| known.1 != *order);
                }
                _ => {}
            }
        }
        self.asked.clear();
    }

    fn add_market(&mut self, id: UnderlyingId) {
        let Some(params) = self.asked.pop_front() else { return };
        // The strikes of the genesis settings are about a fiftieth of the price apart.
        let mut price = params.strike_step.0.saturating_mul(50).clamp(1_000_000, 1 << 40);
        if self.profile.extreme {
            let most = highest_price(&params);
            price = self.random.pick(&[most / 8, most / 8, most / 9, 100]);
        }
        self.markets.push(Market { id, params, price, start: price, silent: 0 });
    }

    /// A command of some user, once in a while signed by the wrong one.
    fn user_command(&mut self) -> UserCommand {
        let trader = self.trader();
        let command = match self.random.percent(self.profile.hostile) {
            true => self.garbage_command(&trader),
            false => self.command(&trader),
        };
        let agents: Vec<SignerId> =
            self.agents.iter().filter(|agent| agent.0 == trader.owner).map(|a| a.1).collect();
        let mut signer = trader.owner;
        if !agents.is_empty() && self.random.percent(8) {
            signer = self.random.pick(&agents);
        }
        let mut account = trader.account;
        if self.random.percent(self.profile.hostile / 2) {
            match self.random.below(3) {
                0 => signer = SignerId(self.some_id()),
                1 => account = AccountId(self.some_id()),
                _ => account = self.trader().account,
            }
        }
        let nonce = self.nonce(signer);
        let valid_until = match self.random.below(60) {
            0 => Some(TimeMs(self.random.garbage())),
            1..=3 => Some(TimeMs(self.time.0 + self.random.between(-50, 2_000))),
            _ => None,
        };
        UserCommand { signer, account, nonce, valid_until, command }
    }

    fn nonce(&mut self, signer: SignerId) -> u64 {
        let now = u64::try_from(self.time.0).unwrap();
        let last = self.nonces.get(&signer).copied().unwrap_or(0);
        if self.random.percent(self.profile.hostile / 2) {
            let back = self.random.below(400);
            return self.random.pick(&[last, last.saturating_sub(back), 0, u64::MAX, now + 60_001]);
        }
        let nonce = (last + 1).max(now);
        self.nonces.insert(signer, nonce);
        nonce
    }

    /// An account that exists, the first ones far more often.
    pub fn trader(&mut self) -> Trader {
        let nobody = Trader { account: AccountId(0), owner: SignerId(0), sub: 0 };
        let count = self.traders.len() as u64;
        if count == 0 {
            return nobody;
        }
        let busy = count.min(6);
        let at = if self.random.percent(70) {
            self.random.below(busy)
        } else {
            self.random.below(count)
        };
        self.traders[usize::try_from(at).unwrap()].clone()
    }

    /// An id that may exist, or one that surely does not.
    pub fn some_id(&mut self) -> u32 {
        match self.random.below(3) {
            0 => u32::try_from(self.random.below(40)).unwrap(),
            1 => u32::MAX - u32::try_from(self.random.below(2)).unwrap(),
            _ => u32::try_from(self.random.next() >> 32).unwrap(),
        }
    }

    pub fn market(&mut self) -> Market {
        self.random.pick(&self.markets)
    }

    pub fn underlying(&mut self) -> UnderlyingId {
        if self.random.percent(95) { self.market().id } else { UnderlyingId(200) }
    }

    pub fn group(&mut self) -> GroupId {
        GroupId(if self.random.percent(80) { 0 } else { 1 })
    }

    pub fn label(&mut self) -> Label {
        let text = match self.random.below(12) {
            0 => "ü".repeat(32),
            1 => "long".repeat(16),
            number => format!("order-{number}"),
        };
        Label::new(&text).unwrap()
    }

    pub fn target(&mut self, account: AccountId) -> OrderTarget {
        if self.random.percent(5) {
            return OrderTarget::Label(self.label());
        }
        let own: Vec<OrderId> =
            self.orders.iter().filter(|order| order.0 == account).map(|order| order.1).collect();
        match self.random.below(20) {
            0 if !self.orders.is_empty() => {
                let at = self.random.below(self.orders.len() as u64);
                OrderTarget::Id(self.orders[usize::try_from(at).unwrap()].1)
            }
            1 => OrderTarget::Id(OrderId(self.random.next() >> self.random.below(64))),
            _ if own.is_empty() => OrderTarget::Id(OrderId(0)),
            _ => OrderTarget::Id(self.random.pick(&own)),
        }
    }

    /// A command that makes sense for the trader.
    fn command(&mut self, trader: &Trader) -> Command {
        let account = trader.account;
        let idle = self.orders.iter().all(|order| order.0 != account);
        if !self.offered.is_empty() && self.random.percent(15) {
            return self.bid();
        }
        if idle && self.random.percent(60) {
            return Command::Place(self.order_of(account));
        }
        match self
            .random
            .weighted(&[500, 100, 80, 20, 70, 60, 70, 25, 15, 12, 8, 25, 25, 12, 8, 16, 40, 30])
        {
            0 => Command::Place(self.order_of(account)),
            1 => Command::Amend(self.amend(account)),
            2 => Command::Cancel(self.target(account)),
            3 => Command::CancelAll(self.cancel_scope()),
            4 => self.batch(account),
            5 => self.mass_quote(account),
            6 => self.linked(),
            7 => self.set_protection(),
            8 => Command::ResetProtection { underlying: self.underlying(), group: self.group() },
            9 => Command::ScheduleCancel { at: self.dead_man() },
            10 => Command::CreateSubAccount { sub: u8::try_from(self.random.below(4)).unwrap() },
            11 => Command::Transfer { to: self.sibling(trader), amount: self.amount() },
            12 => Command::Withdraw { amount: self.amount() },
            13 => {
                let key = self.agent_key(trader);
                Command::RegisterAgent { key, scope: self.agent_scope() }
            }
            14 => Command::RevokeAgent { key: self.agent_key(trader) },
            15 => Command::SetMarginMode(
                self.random.pick(&[MarginMode::Standard, MarginMode::Portfolio]),
            ),
            16 => self.block_trade(trader),
            _ if self.height % 10 == 3 => Command::Chain(Box::new(ChainCommand::Unjail)),
            _ => self.bid(),
        }
    }

    /// A bid for a slice of one of those who are on offer, if the workload knows of any.
    fn bid(&mut self) -> Command {
        let account = match self.offered.is_empty() || self.random.once_in(10) {
            true => AccountId(u32::try_from(self.random.below(12)).unwrap()),
            false => self.random.pick(&self.offered.clone()),
        };
        let share = match self.random.below(4) {
            0 => Ppm(1_000_000),
            1 => Ppm(self.random.between(-1, 1_000_001)),
            _ => Ppm(self.random.between(1, 300_000)),
        };
        let price_max = match self.random.below(4) {
            0 => Usd(self.random.between(-1_000_000_000, 1_000_000_000)),
            _ => Usd(i64::MAX),
        };
        Command::Bid { account, share, price_max }
    }

    pub fn cancel_scope(&mut self) -> CancelScope {
        match self.random.below(4) {
            0 => CancelScope::Account,
            1 => CancelScope::Underlying(self.underlying()),
            2 => CancelScope::Instrument(self.instrument()),
            _ => CancelScope::Group { underlying: self.underlying(), group: self.group() },
        }
    }

    /// The key of one of the few agents that an owner may have.
    fn agent_key(&mut self, trader: &Trader) -> [u8; 32] {
        let owner = u8::try_from(trader.owner.0 % 20).unwrap();
        [100 + 3 * owner + u8::try_from(self.random.below(4)).unwrap(); 32]
    }

    /// One of the limits of a market's prices, or any price.
    pub fn extreme_price(&mut self, market: &Market) -> i64 {
        let most = highest_price(&market.params);
        let any = self.random.between(1, most) >> self.random.below(50);
        self.random.pick(&[1, 2, 1_000, most / 1_000, most - 1, most, any.max(1)])
    }

    pub fn set_protection(&mut self) -> Command {
        Command::SetProtection {
            underlying: self.underlying(),
            group: self.group(),
            limits: self.protection_limits(),
        }
    }

    /// A group that the account has set up for the instrument's underlying, mostly.
    pub fn group_for(&mut self, account: AccountId, instrument: InstrumentId) -> Option<GroupId> {
        let known = self.instruments.iter().find(|known| known.0 == instrument)?;
        let market = self.markets.iter().find(|at| at.params.ticker == known.1.underlying)?;
        let id = market.id;
        let group = self.protected.iter().find(|group| group.0 == account && group.1 == id);
        match group {
            Some(group) if self.random.percent(95) => Some(group.2),
            _ if self.random.percent(10) => Some(self.group()),
            _ => None,
        }
    }

    fn protection_limits(&mut self) -> ProtectionLimits {
        let random = &mut self.random;
        let none_or = |random: &mut Random, most: i64| match random.below(3) {
            0 => 0,
            _ => random.between(1, most),
        };
        ProtectionLimits {
            interval: SpanMs(random.between(100, 20_000)),
            frozen_time: SpanMs(none_or(random, 30_000)),
            lots_max: Lots(none_or(random, 2_000)),
            delta_max: Lots(none_or(random, 2_000)),
            vega_max: Usd(none_or(random, 1_000_000_000)),
            trades_max: u32::try_from(none_or(random, 12)).unwrap(),
        }
    }

    fn dead_man(&mut self) -> Option<TimeMs> {
        let ahead = self.random.between(1, 60_000);
        (!self.random.percent(25)).then(|| self.time.plus(SpanMs(ahead)))
    }

    /// Another account of the same owner, if there is one.
    fn sibling(&mut self, trader: &Trader) -> AccountId {
        let siblings: Vec<AccountId> = self
            .traders
            .iter()
            .filter(|other| other.owner == trader.owner && other.account != trader.account)
            .map(|other| other.account)
            .collect();
        if siblings.is_empty() { self.trader().account } else { self.random.pick(&siblings) }
    }

    pub fn amount(&mut self) -> Usd {
        if self.profile.extreme && self.random.percent(70) {
            return Usd(self.random.pick(&[1, 1 << 40, 1 << 53, 1 << 57, 1 << 58, 1 << 60]));
        }
        let dollars = self.random.between(1, 10) * 10_i64.pow(self.random.below(6) as u32);
        Usd(dollars * 1_000_000 + self.random.between(0, 999_999))
    }

    fn agent_scope(&mut self) -> AgentScope {
        let count = if self.random.percent(70) { 0 } else { self.random.between(1, 4) };
        let instruments = (0..count).map(|_| self.instrument()).collect();
        let ahead = self.random.between(-1_000, 600_000);
        AgentScope {
            sub: self.random.percent(20).then_some(0),
            instruments: bounded(instruments),
            notional_max: self.random.percent(30).then(|| self.amount()),
            expires: self.random.percent(40).then(|| self.time.plus(SpanMs(ahead))),
        }
    }

    /// A block trade between the trader and one or two others, with their consents, mostly.
    fn block_trade(&mut self, trader: &Trader) -> Command {
        let others = [self.trader(), self.trader()];
        let mut legs = Vec::new();
        for _ in 0..self.random.between(1, 3) {
            let instrument = self.instrument();
            let other = self.random.pick(&others);
            let (buyer, seller) = match self.random.percent(50) {
                true => (trader.account, other.account),
                false => (other.account, trader.account),
            };
            let lots = Lots(self.random.between(1, 300));
            let price = self.price_near(instrument);
            legs.push(BlockLeg { instrument, lots, price, buyer, seller });
        }
        let mut consents: Vec<Consent> = Vec::new();
        for other in &others {
            let party = legs.iter().any(|leg| [leg.buyer, leg.seller].contains(&other.account));
            let known = consents.iter().any(|consent| consent.account == other.account);
            if (party && !known && self.random.percent(95)) || self.random.percent(3) {
                let nonce = self.nonce(other.owner);
                consents.push(Consent {
                    signer: other.owner,
                    account: other.account,
                    nonce,
                    signature: [0; 64],
                });
            }
        }
        let valid_until = TimeMs(self.time.0 + self.random.between(-10, 5_000));
        let terms = BlockTerms { legs: bounded(legs), valid_until };
        Command::BlockTrade { terms, consents: bounded(consents) }
    }

    /// A name that is probably not listed yet: around the price, a few days ahead.
    pub fn name(&mut self) -> InstrumentName {
        let market = self.market();
        let day = self.time.0.div_euclid(86_400_000) + self.random.between(0, 4);
        let expiry = TimeMs(day * 86_400_000 + 28_800_000);
        let step = market.params.strike_step.0.max(1);
        let strike = Price(((market.price / step + self.random.between(-4, 4)) * step).max(step));
        let contract = match self.random.weighted(&[1, 3, 8]) {
            0 => Contract::Perpetual,
            1 => Contract::Future { expiry },
            _ => {
                let side = self.random.pick(&[OptionSide::Call, OptionSide::Put]);
                Contract::Option { expiry, strike, side }
            }
        };
        InstrumentName { underlying: market.params.ticker, contract }
    }
}

impl Workload {
    /// What the system says in a block.
    fn system_commands(&mut self) -> Vec<SystemCommand> {
        let mut commands = self.reports();
        self.other_system_commands(&mut commands);
        commands
    }
}
