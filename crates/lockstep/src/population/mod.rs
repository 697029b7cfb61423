//! A seeded population that trades: makers of everything that is listed, leveraged longs and
//! shorts, stop users, arbitrageurs, sellers of gamma, hedged books, option buyers, noise, and one
//! whale.
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
mod calendar;
mod desk;
mod gamma_seller;
mod hedger;
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
/// Most option makers: each quotes a whole chain.
const OPTION_MAKERS_MAX: u32 = 8;

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
            Self::Noise => "noise",
            Self::Whale => "the whale",
        }
    }

    /// Whether it asks for portfolio margin.
    pub const fn wants_portfolio(self) -> bool {
        matches!(self, Self::Maker | Self::OptionMaker | Self::GammaSeller | Self::Hedger)
    }

    /// The kind of the account with this number, of so many: the makers and the whale first, the
    /// others mixed by fixed shares.
    fn of(number: u32, accounts: u32) -> Self {
        let makers = (accounts / 125).clamp(4, MAKERS_MAX);
        let option_makers = (accounts / 600).clamp(4, OPTION_MAKERS_MAX);
        let Some(number) = number.checked_sub(makers) else { return Self::Maker };
        let Some(number) = number.checked_sub(option_makers) else { return Self::OptionMaker };
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

/// All agents.
pub struct Population {
    agents: Vec<Agent>,
    calendar: Calendar,
    /// What they know of their accounts.
    desk: Desk,
}

impl Population {
    /// A population of so many accounts (within [`ACCOUNTS_MIN`] and [`ACCOUNTS_MAX`]) that trades
    /// `underlyings` underlyings from `start_ms` on.
    pub fn new(accounts: u32, seed: u64, underlyings: usize, start_ms: i64) -> Self {
        let accounts = accounts.clamp(ACCOUNTS_MIN, ACCOUNTS_MAX);
        let mut seeds = Rng::new(seed);
        let mut calendar = Calendar::default();
        let agents = (0..accounts).map(|number| {
            let kind = Kind::of(number, accounts);
            let mut rng = Rng::new(seeds.next_u64());
            let role = Role::new(kind, number, underlyings, &mut rng);
            let agent = Agent::new(number, kind, role, accounts, rng);
            calendar.add(start_ms + agent.first_ms, number);
            agent
        });
        Self { agents: agents.collect(), calendar, desk: Desk::default() }
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
        opening::commands(&mut self.agents, market, &self.desk)
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

    /// What the agents learn from a block.
    pub fn observe(&mut self, events: &[Event]) {
        for event in events {
            self.desk.observe(event);
        }
    }

    /// Whether an account has portfolio margin, as its owner was told.
    pub fn is_portfolio(&self, account: u32) -> bool {
        self.desk.is_portfolio(account)
    }
}
