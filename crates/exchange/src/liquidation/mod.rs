//! Liquidation: the protocol's own work, in every block after prices (R2, R3).
//!
//! Each block looks at the accounts that may have fallen below their maintenance requirement
//! ([`watch`]). Who has, is worked on in this order:
//!
//! 1. all open orders of the account are cancelled and it takes no new ones; look again;
//! 2. positions are closed by immediate-or-cancel orders towards equity of a multiple of the
//!    requirement ([`plan`] says which and how much, [`close`] sends them), block by block, until
//!    the balance covers maintenance again or no position is left;
//! 3. what the books do not absorb within some blocks, or an account far below maintenance at once,
//!    is on offer by slices in a Dutch auction ([`backstop`]), while 2 goes on;
//! 4. insurance funds pay what an account lacks ([`insurance`]): behind the orders of 2, to who
//!    takes over a bankrupt account in 3, and what is left in the end;
//! 5. what insurance cannot cover, and what nobody takes, is closed against the opposite positions
//!    of others ([`deleverage`]).
//!
//! Accounts in liquidation are in an ordered index, by the block that last worked on them, so that
//! each gets its turn and a partial state cannot leave one out.
//!
//! Nothing happens on a frozen mark (P5): an account with a position on a stale underlying waits
//! until it is fresh, as a whole, because its legs elsewhere may be its hedges. Nor before
//! everything it has has a mark. Money or positions sent to an account never block any of this.

pub(crate) mod backstop;
pub(crate) mod close;
pub(crate) mod deleverage;
pub(crate) mod insurance;
pub(crate) mod plan;
pub(crate) mod watch;

use crate::engine::Exchange;
use crate::margin::model::Assessment;
use crate::margin::view::View;
use crate::state::key::{IndexId, LiquidationKey};
use crate::state::leaves::{Liquidation, LiquidationShare};
use crate::state::{Missing, Outcome, Touch};
use alloc::vec::Vec;
use lockstep_types::command::CancelScope;
use lockstep_types::event::{CancelReason, Event};
use lockstep_types::ids::AccountId;
use lockstep_types::units::Usd;
use watch::ranges_of;

/// Accounts that one block works on (R3).
pub const LIQUIDATIONS_PER_BLOCK: usize = 256;
/// Liquidation orders of one block (R3).
pub const ORDERS_PER_BLOCK: u32 = 1_024;
/// Positions of an account that one block closes (R3).
pub const LEGS_PER_ACCOUNT: usize = 8;
/// Price levels that one liquidation order looks at (R3).
pub const LEVELS_PER_ORDER: usize = 64;

/// Holdings that one block looks at for somebody to deleverage against (R3).
pub const DELEVERAGE_LOOKS: u32 = 262_144;

/// What is left of a block's work on liquidations.
#[derive(Debug)]
struct Budget {
    accounts: usize,
    orders: u32,
    /// Holdings that may be looked at for somebody to deleverage against.
    looks: u32,
}

impl Exchange {
    /// Goes on with the liquidations there are, and looks for new ones.
    pub(crate) fn sweep_accounts(&mut self) -> Outcome<()> {
        let mut budget = Budget {
            accounts: LIQUIDATIONS_PER_BLOCK,
            orders: ORDERS_PER_BLOCK,
            looks: DELEVERAGE_LOOKS,
        };
        let due = self.state.entries.up_to(IndexId::Liquidating, i64::MAX, budget.accounts)?;
        let off = self.margin_is_off()?;
        for (since, item) in due {
            budget.accounts -= 1;
            let account = AccountId(u32::try_from(item).unwrap_or(u32::MAX));
            if off {
                let margin = self.cash_alone(account)?;
                self.end_liquidation(account, since, &margin)?;
            } else {
                self.continue_liquidation(account, since, &mut budget)?;
            }
        }
        if off { Ok(()) } else { self.look_around(&mut budget) }
    }

    /// Starts the liquidation of an account that is below maintenance.
    fn look_at(&mut self, account: AccountId, budget: &mut Budget) -> Outcome<()> {
        let record = *self.state.account(account)?;
        if record.liquidating {
            return Ok(());
        }
        if record.holdings == 0 && record.cash.0 >= 0 {
            return self.unwatch(account);
        }
        if let Some(ranges) = self.safe_ranges(account)? {
            return self.watch_within(account, ranges);
        }
        let Some(view) = self.view(account, &[])? else { return Ok(()) };
        if !view.has_positions() {
            self.set_floor(account, &view)?;
            self.unwatch(account)?;
            return self.cover_deficit(account);
        }
        if view.is_stale() {
            // Its turn comes again when there is something to judge it by.
            return self.note_change(account);
        }
        let margin = view.assess();
        if !margin.is_below_maintenance() {
            self.set_floor(account, &view)?;
            return match self.safe_ranges(account)? {
                Some(ranges) => self.watch_within(account, ranges),
                None => self.watch_within(account, ranges_of(&view, &margin)),
            };
        }
        self.unwatch(account)?;
        budget.accounts -= 1;
        let since = self.begin_liquidation(account, &view, &margin)?;
        self.end_orders(account, CancelScope::Account, CancelReason::Liquidation)?;
        self.events.push(Event::LiquidationStarted {
            account,
            equity: Usd(margin.balance),
            maintenance: Usd(margin.maintenance),
        });
        self.continue_liquidation(account, since, budget)
    }

    /// Files an account that is below maintenance, with what each underlying requires of it.
    fn begin_liquidation(
        &mut self,
        account: AccountId,
        view: &View,
        margin: &Assessment,
    ) -> Outcome<i64> {
        let since = self.turn()?;
        let mut shares: Vec<LiquidationShare> = Vec::new();
        view.assess_parts(&mut |underlying, part| {
            let required = i64::try_from(part.maintenance).unwrap_or(i64::MAX);
            match shares.last_mut().filter(|last| last.underlying == underlying) {
                Some(last) => last.maintenance += Usd(required.min(i64::MAX - last.maintenance.0)),
                None => {
                    shares.push(LiquidationShare { underlying, maintenance: Usd(required) });
                }
            }
        });
        assert!(margin.is_below_maintenance(), "nobody above maintenance is liquidated");
        let totals = self.state.totals()?;
        totals.liquidating += 1;
        let height = totals.height;
        let record = Liquidation { height, shares, ..Liquidation::default() };
        *self.state.liquidations.touch(LiquidationKey(account))? = Some(record);
        self.state.account(account)?.liquidating = true;
        self.state.entries.insert(IndexId::Liquidating, since, u64::from(account.0))?;
        Ok(since)
    }

    /// What is known of an account in liquidation.
    fn liquidation(&mut self, account: AccountId) -> Touch<&mut Liquidation> {
        let key = LiquidationKey(account);
        match self.state.liquidations.touch(key)? {
            Some(record) => Ok(record),
            None => {
                assert!(self.state.partial, "an account in liquidation has its record");
                Err(Missing::leaf(key))
            }
        }
    }

    /// One block's work on an account in liquidation.
    fn continue_liquidation(
        &mut self,
        account: AccountId,
        since: i64,
        budget: &mut Budget,
    ) -> Outcome<()> {
        let Some(mut view) = self.view(account, &[])? else {
            return self.next_turn(account, since);
        };
        if view.is_stale() {
            return self.next_turn(account, since);
        }
        let effects = [Self::close_in_books, Self::offer_slices, Self::deleverage];
        for effect in effects {
            let margin = view.assess();
            if !view.has_positions() || !margin.is_below_maintenance() {
                break;
            }
            effect(self, account, &view, &margin, budget)?;
            match self.view(account, &[])? {
                Some(changed) => view = changed,
                None => return self.next_turn(account, since),
            }
        }
        let margin = view.assess();
        let open = view.has_positions();
        if open && margin.is_below_maintenance() {
            return self.next_turn(account, since);
        }
        if !open {
            self.cover_deficit(account)?;
        }
        self.end_liquidation(account, since, &margin)
    }

    /// This block's place in the order of turns.
    fn turn(&mut self) -> Outcome<i64> {
        Ok(i64::try_from(self.state.totals()?.height).unwrap_or(i64::MAX))
    }

    /// Puts an account behind those that this block has not worked on.
    fn next_turn(&mut self, account: AccountId, since: i64) -> Outcome<()> {
        let turn = self.turn()?;
        if turn != since {
            let item = u64::from(account.0);
            self.state.entries.remove(IndexId::Liquidating, since, item)?;
            self.state.entries.insert(IndexId::Liquidating, turn, item)?;
        }
        Ok(())
    }

    fn end_liquidation(
        &mut self,
        account: AccountId,
        since: i64,
        margin: &Assessment,
    ) -> Outcome<()> {
        self.state.entries.remove(IndexId::Liquidating, since, u64::from(account.0))?;
        *self.state.liquidations.touch(LiquidationKey(account))? = None;
        self.state.account(account)?.liquidating = false;
        self.note_change(account)?;
        let totals = self.state.totals()?;
        assert!(totals.liquidating > 0, "who leaves liquidation was in it");
        totals.liquidating -= 1;
        self.events.push(Event::LiquidationEnded {
            account,
            equity: Usd(margin.balance),
            maintenance: Usd(margin.maintenance),
        });
        Ok(())
    }

    /// Without margin only cash counts.
    fn cash_alone(&mut self, account: AccountId) -> Outcome<Assessment> {
        let cash = self.state.account(account)?.cash.0;
        Ok(Assessment { balance: cash, equity: cash, ..Assessment::default() })
    }
}
