//! Who paid for what: the accounts of each group, as events tell them, and the venue's own funds.
//!
//! Everything that one gains here another one loses: the results of all groups and of the venue's
//! funds add up to nothing but rounding.

use crate::population::{Kind, Population};
use lockstep_exchange::Exchange;
use lockstep_exchange::query::AccountView;
use lockstep_types::event::{Trade, TradeKind};
use lockstep_types::{AccountId, Event};
use std::collections::{BTreeMap, BTreeSet};

/// What became of the accounts of a group; money in micro-USD.
#[derive(Clone, Debug, Default)]
pub struct Entry {
    /// How many accounts.
    pub accounts: u64,
    /// How many of them have portfolio margin.
    pub portfolio: u64,
    /// What they brought.
    pub deposited: i128,
    /// What they took out.
    pub withdrawn: i128,
    /// What they have at the end, open positions at mark.
    pub equity: i128,
    /// Trading fees paid.
    pub fees: i128,
    /// Liquidation fees paid, to insurance.
    pub liquidation_fees: i128,
    /// Funding paid less received.
    pub funding: i128,
    /// What insurance paid for them.
    pub insured: i128,
    /// What they still owe, beyond what insurance had.
    pub owed: i128,
    /// Accounts that fell below maintenance at least once.
    pub liquidated: BTreeSet<u32>,
    /// Accounts that owed more than they had.
    pub bankrupt: BTreeSet<u32>,
    /// Volume of their liquidation orders.
    pub liquidated_volume: i128,
    /// Accounts of which slices were on offer.
    pub backstopped: BTreeSet<u32>,
    /// What they took over in backstop auctions, at mark.
    pub taken_over: i128,
    /// What they gave for it less what they were given: collateral that came with it counts.
    pub paid_for_it: i128,
    /// Volume at which their positions were closed against deleveraged ones.
    pub deleveraged: i128,
}

impl Entry {
    /// Gain or loss, all things counted.
    pub fn result(&self) -> i128 {
        self.equity + self.withdrawn - self.deposited
    }

    /// What they lost beyond what they had brought: paid by insurance, or still owed.
    pub fn beyond_margin(&self) -> i128 {
        self.insured + self.owed
    }
}

/// What became of one of the venue's funds, micro-USD.
#[derive(Clone, Copy, Debug)]
pub struct Fund {
    /// What it is called.
    pub name: &'static str,
    /// What it had at the start.
    pub before: i128,
    /// What it has.
    pub after: i128,
}

/// The ledger of a run.
#[derive(Clone, Debug, Default)]
pub struct Ledger {
    entries: BTreeMap<Kind, Entry>,
    before: [i128; 3],
}

impl Ledger {
    /// A ledger that begins with the funds as they are.
    pub fn new(exchange: &Exchange) -> Self {
        Self { entries: BTreeMap::new(), before: funds_of(exchange) }
    }

    fn of(&mut self, population: &Population, account: AccountId) -> Option<&mut Entry> {
        Some(self.entries.entry(population.kind(account.0)?).or_default())
    }

    /// Learns from an event.
    pub fn event(&mut self, population: &Population, event: &Event) {
        match event {
            Event::Trade(trade) => self.trade(population, trade),
            Event::FundingPaid { account, amount, .. } => {
                if let Some(entry) = self.of(population, *account) {
                    entry.funding += i128::from(amount.0);
                }
            }
            Event::Withdrawn { account, amount } => {
                if let Some(entry) = self.of(population, *account) {
                    entry.withdrawn += i128::from(amount.0);
                }
            }
            Event::InsurancePaid { account, amount, .. } => {
                if let Some(entry) = self.of(population, *account) {
                    entry.insured += i128::from(amount.0);
                    entry.bankrupt.insert(account.0);
                }
            }
            Event::BackstopStarted { account, .. } => {
                if let Some(entry) = self.of(population, *account) {
                    entry.backstopped.insert(account.0);
                }
            }
            Event::BackstopTaken { bidder, price, cash, .. } => {
                if let Some(entry) = self.of(population, *bidder) {
                    entry.paid_for_it += i128::from(price.0 - cash.0);
                }
            }
            Event::LiquidationStarted { account, .. } => {
                if let Some(entry) = self.of(population, *account) {
                    entry.liquidated.insert(account.0);
                }
            }
            _ => {}
        }
    }

    fn trade(&mut self, population: &Population, trade: &Trade) {
        let volume = i128::from(trade.price.0) * i128::from(trade.lots.0) / 1_000;
        if let Some(entry) = self.of(population, trade.taker) {
            let fee = i128::from(trade.taker_fee.0);
            match trade.kind {
                TradeKind::Liquidation => {
                    entry.liquidation_fees += fee;
                    entry.liquidated_volume += volume;
                }
                TradeKind::Backstop => entry.taken_over += volume,
                _ => entry.fees += fee,
            }
        }
        if let Some(entry) = self.of(population, trade.maker) {
            entry.fees += i128::from(trade.maker_fee.0);
            if trade.kind == TradeKind::Deleverage {
                entry.deleveraged += volume;
            }
        }
    }

    /// Closes the ledger: what everybody has at the end.
    pub fn close(&mut self, population: &Population, exchange: &Exchange) {
        for (account, deposit) in population.accounts() {
            let id = AccountId(account);
            let Some(entry) = self.of(population, id) else { continue };
            entry.accounts += 1;
            entry.portfolio += u64::from(population.is_portfolio(account));
            entry.deposited += i128::from(deposit);
            let Some(view) = exchange.account_view(id) else { continue };
            let equity = equity_at_marks(exchange, &view);
            entry.equity += equity;
            if equity < 0 {
                entry.owed -= equity;
                entry.bankrupt.insert(account);
            }
        }
    }

    /// The groups, in their order.
    pub fn entries(&self) -> impl Iterator<Item = (Kind, &Entry)> {
        self.entries.iter().map(|(kind, entry)| (*kind, entry))
    }

    /// A sum over all groups.
    pub fn sum(&self, of: impl Fn(&Entry) -> i128) -> i128 {
        self.entries.values().map(of).sum()
    }

    /// Accounts of all groups that fell below maintenance.
    pub fn liquidated(&self) -> u64 {
        let counts = self.entries.values().map(|entry| entry.liquidated.len());
        u64::try_from(counts.sum::<usize>()).unwrap_or(u64::MAX)
    }

    /// Accounts of all groups that owed more than they had.
    pub fn bankrupt(&self) -> u64 {
        let counts = self.entries.values().map(|entry| entry.bankrupt.len());
        u64::try_from(counts.sum::<usize>()).unwrap_or(u64::MAX)
    }

    /// What became of the venue's funds.
    pub fn funds(&self, exchange: &Exchange) -> [Fund; 3] {
        let (names, after) = (["insurance fund", "validators", "treasury"], funds_of(exchange));
        [0, 1, 2].map(|at| Fund { name: names[at], before: self.before[at], after: after[at] })
    }
}

/// Equity with every option at its mark. Portfolio margin counts options at the model's price, and
/// what one is long another is short of.
fn equity_at_marks(exchange: &Exchange, view: &AccountView) -> i128 {
    let Some(margin) = &view.margin else { return i128::from(view.cash.0) };
    let differences = view.positions.iter().filter_map(|position| {
        let mark = exchange.mark_seen(position.instrument)?.0 - position.mark?.0;
        Some(i128::from(mark) * i128::from(position.lots.0))
    });
    i128::from(margin.total.equity) + differences.sum::<i128>() / 1_000
}

fn funds_of(exchange: &Exchange) -> [i128; 3] {
    let funds = exchange.funds();
    [funds.insurance, funds.validators, funds.treasury].map(|fund| i128::from(fund.0))
}
