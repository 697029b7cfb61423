//! What margin asks of everybody but the makers, and what they have, over time; and what accounts
//! without equity owe.
//!
//! Makers are left out of the sums: they bring much more than they are asked for, and it would hide
//! the rest. A look at all is a margin computation for every account, so there are few of
//! them; the whale and who is in liquidation are looked at every few seconds.

use super::chart::{point, step, time_chart};
use crate::population::{Kind, Population};
use crate::report::{Block, Line, Point, Scale, TimeChart, Unit};
use lockstep_exchange::Exchange;
use lockstep_types::{AccountId, Event};
use std::collections::BTreeSet;

/// Looks at all accounts in a run: as many as come to [`LOOKED_MAX`] margins, within these.
const LOOKS: (i64, i64) = (4, 60);
/// About so many margins are computed in a run for looking at all accounts.
const LOOKED_MAX: i64 = 100_000;
/// Milliseconds between two looks at accounts in liquidation, at least.
const DEFICIT_MS: i64 = 5_000;

/// The lines.
#[derive(Clone, Debug, Default)]
pub struct Solvency {
    step_ms: i64,
    next_ms: i64,
    equity: Vec<Point>,
    initial: Vec<Point>,
    maintenance: Vec<Point>,
    liquidating: BTreeSet<AccountId>,
    next_deficit_ms: i64,
    /// How many accounts are in liquidation.
    waiting: Vec<Point>,
    /// What accounts without equity owe.
    deficit: Vec<Point>,
    deficit_max: i128,
    /// Sums of initial and maintenance requirements over all looks, micro-USD.
    asked: [i128; 2],
    looks: i64,
}

impl Solvency {
    /// Lines of so many accounts from one moment to another.
    pub fn new(start_ms: i64, end_ms: i64, accounts: u32) -> Self {
        let looks = (LOOKED_MAX / i64::from(accounts.max(1))).clamp(LOOKS.0, LOOKS.1);
        let step_ms = ((end_ms - start_ms) / looks).max(1);
        let (next_ms, next_deficit_ms) = (start_ms, start_ms);
        Self { step_ms, next_ms, next_deficit_ms, ..Self::default() }
    }

    /// Learns from an event.
    pub fn event(&mut self, event: &Event) {
        match event {
            Event::LiquidationStarted { account, .. } => {
                self.liquidating.insert(*account);
            }
            Event::LiquidationEnded { account, .. } => {
                self.liquidating.remove(account);
            }
            _ => {}
        }
    }

    /// Looks at the accounts after a block, if it is time.
    pub fn block(&mut self, exchange: &Exchange, population: &Population, now_ms: i64) {
        if now_ms >= self.next_ms {
            self.next_ms = now_ms + self.step_ms;
            self.next_deficit_ms = now_ms + DEFICIT_MS;
            self.look_at_all(exchange, population, now_ms);
        } else if now_ms >= self.next_deficit_ms {
            self.next_deficit_ms = now_ms + DEFICIT_MS.max(self.step_ms / 100);
            let whale = population.whale().map(AccountId).filter(|it| !self.is_waiting(it));
            let looked = self.liquidating.iter().copied().chain(whale);
            let equities = looked.filter_map(|account| exchange.margin_of(account));
            let deficit = equities.map(|margin| -i128::from(margin.equity.min(0))).sum();
            self.note(now_ms, deficit);
        }
    }

    fn is_waiting(&self, account: &AccountId) -> bool {
        self.liquidating.contains(account)
    }

    fn note(&mut self, now_ms: i64, deficit: i128) {
        self.deficit_max = self.deficit_max.max(deficit);
        self.deficit.push(point(now_ms, deficit as f64 / 1e6));
        self.waiting.push(point(now_ms, self.liquidating.len() as f64));
    }

    fn look_at_all(&mut self, exchange: &Exchange, population: &Population, now_ms: i64) {
        let (mut equity, mut initial, mut maintenance) = (0_i128, 0_i128, 0_i128);
        let mut deficit = 0;
        for (account, _) in population.accounts() {
            let Some(margin) = exchange.margin_of(AccountId(account)) else { continue };
            deficit -= i128::from(margin.equity.min(0));
            if matches!(population.kind(account), Some(Kind::Maker | Kind::OptionMaker)) {
                continue;
            }
            equity += i128::from(margin.equity);
            initial += i128::from(margin.needed);
            maintenance += i128::from(margin.maintenance);
        }
        self.note(now_ms, deficit);
        self.looks += 1;
        self.asked = [self.asked[0] + initial, self.asked[1] + maintenance];
        for (line, micro) in [
            (&mut self.equity, equity),
            (&mut self.initial, initial),
            (&mut self.maintenance, maintenance),
        ] {
            line.push(point(now_ms, micro as f64 / 1e6));
        }
    }

    /// The most that accounts without equity owed together, micro-USD.
    pub fn deficit_max(&self) -> i128 {
        self.deficit_max
    }

    /// Initial and maintenance requirements of everybody but the makers, the mean of all looks,
    /// micro-USD.
    pub fn asked(&self) -> [i128; 2] {
        self.asked.map(|sum| sum / i128::from(self.looks.max(1)))
    }

    /// How many accounts were in liquidation.
    pub fn waiting(&self) -> Line {
        step("accounts", &self.waiting)
    }

    /// What accounts without equity owed.
    pub fn deficit(&self) -> Line {
        step("owed", &self.deficit)
    }

    /// The charts.
    pub fn charts(&self, domain_ms: (i64, i64)) -> Vec<Block> {
        let chart = |title: &str, note: &str, unit, lines| {
            let chart = time_chart(title, note, unit, domain_ms, lines);
            Block::TimeChart(TimeChart { scale: Scale::FromZero, ..chart })
        };
        let margin = vec![
            step("equity", &self.equity),
            step("initial", &self.initial),
            step("maintenance", &self.maintenance),
        ];
        let mut charts = vec![
            chart(
                "Equity and what margin asks, all accounts but makers",
                "Initial: with all open orders. Sums hide who has too little.",
                Unit::Usd,
                margin,
            ),
            chart("Accounts in liquidation", "", Unit::Count, vec![self.waiting()]),
        ];
        if self.deficit_max > 0 {
            charts.push(chart(
                "Owed beyond margin",
                "By accounts without equity, at mark; lost only if positions are closed there.",
                Unit::Usd,
                vec![self.deficit()],
            ));
        }
        charts
    }
}
