//! A seeded population that trades: makers, leveraged longs and shorts, stop users, arbitrageurs,
//! option sellers and buyers, noise.
//!
//! Each agent is one account. Before every block it sees the [`market::Market`] as the block before
//! left it, and may send commands; it knows its positions from the events, like any client.
//! Everything is an integer and follows from the seed: no clock, no floating point, no map whose
//! order could differ. The same seed gives the same commands on every machine.
//!
//! Deliberately absent: cleverness. Agents act from simple habits, so that what happens in a crash
//! (cascades, liquidations, thin books) comes from their numbers and their leverage.

pub mod agent;
mod arbitrage;
mod maker;
pub mod market;
mod noise;
mod option_maker;
mod option_trader;
#[cfg(test)]
mod tests;
mod trader;

use agent::{Agent, Desk, Role};
use lockstep_sim::rng::Rng;
use lockstep_types::command::{SystemCommand, UserCommand};
use lockstep_types::{Event, Usd};
use market::Market;

/// Fewest accounts that have every role.
pub const ACCOUNTS_MIN: u32 = 40;
/// Most accounts.
pub const ACCOUNTS_MAX: u32 = 100_000;
/// Most makers of perpetuals and futures: more only add commands.
const MAKERS_MAX: u32 = 20;
/// Most option makers.
const OPTION_MAKERS_MAX: u32 = 12;

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
    /// Sells options for their premium.
    OptionSeller,
    /// Buys options.
    OptionBuyer,
    /// Does anything.
    Noise,
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
            Self::OptionSeller => "option sellers",
            Self::OptionBuyer => "option buyers",
            Self::Noise => "noise",
        }
    }

    /// The kind of the account with this number, of so many: the makers first, the others mixed by
    /// fixed shares.
    fn of(number: u32, accounts: u32) -> Self {
        let makers = (accounts / 20).clamp(4, MAKERS_MAX);
        let option_makers = (accounts / 40).clamp(4, OPTION_MAKERS_MAX);
        if number < makers {
            return Self::Maker;
        }
        if number < makers + option_makers {
            return Self::OptionMaker;
        }
        // Shares of a hundred; 37 steps through all residues, so that every kind is near.
        match (number - makers - option_makers) * 37 % 100 {
            0..=33 => Self::Long,
            34..=46 => Self::Short,
            47..=58 => Self::StopUser,
            59..=61 => Self::Arbitrageur,
            62..=69 => Self::OptionSeller,
            70..=75 => Self::OptionBuyer,
            _ => Self::Noise,
        }
    }
}

/// All agents.
pub struct Population {
    agents: Vec<Agent>,
    /// Positions of every account.
    desk: Desk,
}

impl Population {
    /// A population of so many accounts (within [`ACCOUNTS_MIN`] and [`ACCOUNTS_MAX`]) that trades
    /// `underlyings` underlyings from `start_ms` on.
    pub fn new(accounts: u32, seed: u64, underlyings: usize, start_ms: i64) -> Self {
        let accounts = accounts.clamp(ACCOUNTS_MIN, ACCOUNTS_MAX);
        let mut seeds = Rng::new(seed);
        let agents = (0..accounts).map(|number| {
            let kind = Kind::of(number, accounts);
            let mut rng = Rng::new(seeds.next_u64());
            let role = Role::new(kind, number, underlyings, start_ms, &mut rng);
            Agent::new(number, kind, role, rng)
        });
        Self { agents: agents.collect(), desk: Desk::default() }
    }

    /// Every account and its deposit, micro-USD.
    pub fn accounts(&self) -> impl Iterator<Item = (u32, i64)> {
        self.agents.iter().map(|agent| (agent.number, agent.deposit))
    }

    /// The kind of an account.
    pub fn kind(&self, account: u32) -> Option<Kind> {
        self.agents.get(usize::try_from(account).ok()?).map(|agent| agent.kind)
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

    /// What the agents send now.
    pub fn act(&mut self, market: &Market) -> Vec<UserCommand> {
        let mut sent = Vec::new();
        for agent in &mut self.agents {
            agent.act(market, &self.desk, &mut sent);
        }
        sent
    }

    /// What the agents learn from a block.
    pub fn observe(&mut self, events: &[Event]) {
        for event in events {
            self.desk.observe(event);
        }
    }
}
