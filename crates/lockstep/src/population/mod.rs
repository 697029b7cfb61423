//! A seeded population that trades: makers of everything that is listed, leveraged longs and
//! shorts, stop users, arbitrageurs, sellers of gamma, hedged books, option buyers, backstop
//! bidders, noise, and one whale.
//!
//! Each agent is one account. All have their positions from an opening auction ([`opening`]).
//! After it each acts when it is due ([`calendar`]) on the [`market::Market`] as the block before
//! left it, and knows its own account from the events, like any client ([`desk`]). Everything is
//! an integer and follows from the seed: no clock, no floating point, no map whose order could
//! differ. The same seed gives the same commands on every machine.
//!
//! Deliberately absent: cleverness. Agents act from simple habits, so that what happens in a crash
//! (cascades, liquidations, thin books) comes from their numbers and their leverage.

pub mod agent;
mod arbitrage;
mod backstop_bidder;
mod calendar;
mod desk;
mod gamma_seller;
mod hedger;
pub mod held;
mod maker;
pub mod market;
mod noise;
mod opening;
mod option_buyer;
mod option_maker;
#[cfg(test)]
mod tests;
mod trader;
mod whale;

use agent::{Agent, Role};
use calendar::Calendar;
use desk::Desk;
use held::Held;
use lockstep_sim::rng::Rng;
use lockstep_types::command::{SystemCommand, UserCommand};
use lockstep_types::{Event, Usd};
use market::Market;

/// Fewest accounts that have every role.
pub const ACCOUNTS_MIN: u32 = 40;
/// Most accounts.
pub const ACCOUNTS_MAX: u32 = 100_000;
/// Most makers of perpetuals and futures: more only add commands.
const MAKERS_MAX: u32 = 40;

/// Most backstop bidders.
const BIDDERS_MAX: u32 = 6;

/// Which of a population an agent is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Quotes perpetuals and futures.
    Maker,
    /// Quotes options.
    OptionMaker,
    /// Bought with leverage.
    Long,
    /// Sold with leverage.
    Short,
    /// Bought, and placed stops.
    StopUser,
    /// Trades what has left the index or the basis.
    Arbitrageur,
    /// Sold straddles, strangles or puts for their premium.
    GammaSeller,
    /// Holds one thing against another.
    Hedger,
    /// Bought options.
    OptionBuyer,
    /// Takes over what the books do not absorb.
    BackstopBidder,
    /// Does anything.
    Noise,
    /// Is too large for its books.
    Whale,
}

impl Kind {
    /// What people call it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Maker => "makers of perpetuals and futures",
            Self::OptionMaker => "option makers",
            Self::Long => "leveraged longs",
            Self::Short => "leveraged shorts",
            Self::StopUser => "stop users",
            Self::Arbitrageur => "arbitrageurs",
            Self::GammaSeller => "short-gamma sellers",
            Self::Hedger => "hedged books",
            Self::OptionBuyer => "option buyers",
            Self::BackstopBidder => "backstop bidders",
            Self::Noise => "noise",
            Self::Whale => "the whale",
        }
    }

    /// Whether it asks for portfolio margin.
    pub const fn wants_portfolio(self) -> bool {
        matches!(
            self,
            Self::Maker
                | Self::OptionMaker
                | Self::GammaSeller
                | Self::Hedger
                | Self::BackstopBidder
        )
    }

    /// The kind of the account with this number: the makers, the bidders and the whale first, the
    /// others mixed by fixed shares.
    fn of(number: u32, shape: &Shape) -> Self {
        let makers = (shape.accounts / 125).clamp(4, MAKERS_MAX);
        let Some(number) = number.checked_sub(makers) else { return Self::Maker };
        let Some(number) = number.checked_sub(shape.option_makers) else {
            return Self::OptionMaker;
        };
        let bidders = (shape.accounts / 800).clamp(2, BIDDERS_MAX);
        let Some(number) = number.checked_sub(bidders) else { return Self::BackstopBidder };
        let Some(number) = number.checked_sub(1) else { return Self::Whale };
        // Shares of a hundred; 37 steps through all residues, so that every kind is near.
        match u64::from(number) * 37 % 100 {
            0..=25 => Self::Long,
            26..=37 => Self::Short,
            38..=47 => Self::StopUser,
            48..=50 => Self::Arbitrageur,
            51..=58 => Self::GammaSeller,
            59..=66 => Self::Hedger,
            67..=72 => Self::OptionBuyer,
            _ => Self::Noise,
        }
    }
}

/// How large a population is, and how busy.
#[derive(Clone, Copy, Debug)]
pub struct Shape {
    /// Accounts, within [`ACCOUNTS_MIN`] and [`ACCOUNTS_MAX`].
    pub accounts: u32,
    /// Option makers among them.
    pub option_makers: u32,
    /// Noise acts so many times more seldom than every half minute or so.
    pub noise_pace: u32,
}

/// All agents.
pub struct Population {
    agents: Vec<Agent>,
    calendar: Calendar,
    /// What they know of their accounts.
    desk: Desk,
    /// Whether options are held as they were, and not as agents like.
    must_hold: bool,
}

impl Population {
    /// A population that trades `underlyings` underlyings from `start_ms` on, and holds what must
    /// be held.
    pub fn new(shape: &Shape, seed: u64, underlyings: usize, start_ms: i64, held: &[Held]) -> Self {
        let accounts = shape.accounts.clamp(ACCOUNTS_MIN, ACCOUNTS_MAX);
        let shape = Shape { accounts, ..*shape };
        let mut seeds = Rng::new(seed);
        let mut calendar = Calendar::default();
        let agents = (0..accounts).map(|number| {
            let kind = Kind::of(number, &shape);
            let mut rng = Rng::new(seeds.next_u64());
            let role = Role::new(kind, number, underlyings, &shape, &mut rng);
            let agent = Agent::new(number, kind, role, accounts, rng);
            calendar.add(start_ms + agent.first_ms, number);
            agent
        });
        let mut agents: Vec<Agent> = agents.collect();
        held::assign(&mut agents, held, &mut Rng::new(seeds.next_u64()));
        Self { agents, calendar, desk: Desk::default(), must_hold: !held.is_empty() }
    }

    /// Every account and its deposit, micro-USD.
    pub fn accounts(&self) -> impl Iterator<Item = (u32, i64)> {
        self.agents.iter().map(|agent| (agent.number, agent.deposit))
    }

    /// The kind of an account.
    pub fn kind(&self, account: u32) -> Option<Kind> {
        self.agents.get(usize::try_from(account).ok()?).map(|agent| agent.kind)
    }

    /// The whale's account.
    pub fn whale(&self) -> Option<u32> {
        self.agents.iter().find(|agent| agent.kind == Kind::Whale).map(|agent| agent.number)
    }

    /// The deposits that open all accounts: account and signer `n` are agent `n`'s.
    pub fn deposits(&self) -> Vec<SystemCommand> {
        let deposit = |agent: &Agent| SystemCommand::Deposit {
            owner: agent.owner(),
            sub: 0,
            amount: Usd(agent.deposit),
        };
        self.agents.iter().map(deposit).collect()
    }

    /// What the agents send before the opening auction: margin modes, then orders.
    pub fn opening(&mut self, market: &Market) -> Vec<UserCommand> {
        opening::commands(&mut self.agents, market, &self.desk, self.must_hold)
    }

    /// What the agents send now. One that was due more than once since the last block, because
    /// blocks were slow, may act as often.
    pub fn act(&mut self, market: &Market) -> Vec<UserCommand> {
        let mut sent = Vec::new();
        while let Some((due_ms, number)) = self.calendar.next(market.now_ms) {
            let agent = usize::try_from(number).ok().and_then(|at| self.agents.get_mut(at));
            let Some(agent) = agent else { continue };
            if let Some(next_ms) = agent.act(market, &self.desk, due_ms, &mut sent) {
                self.calendar.add(next_ms.max(due_ms + 1), number);
            }
        }
        sent
    }

    /// What the agents learn from the block at a moment.
    pub fn observe(&mut self, events: &[Event], now_ms: i64) {
        for event in events {
            self.desk.observe(event, now_ms);
        }
    }

    /// Whether an account has portfolio margin, as its owner was told.
    pub fn is_portfolio(&self, account: u32) -> bool {
        self.desk.is_portfolio(account)
    }
}
