//! Who is looked at for maintenance, and when (R2): every account that prices or its own doing may
//! have brought below, and everybody else in turn.
//!
//! A look at an account leaves behind, for each underlying that it has positions in, the range of
//! the index within which it is still above maintenance, unless CONC is steep (docs/risk.md says
//! where): a move by a share `m` costs no more than `2 G m` in balance and requirement together,
//! where `G` is what all its positions move like at most, so that half of what it has to spare
//! divided by `G` is a safe share. The ends of the ranges are in two ordered indexes per
//! underlying; a block asks for those that its price has crossed, so its work does not grow with
//! the accounts that are far from trouble.
//!
//! An account whose floor ([`crate::margin::floor`]) keeps it above maintenance has the floor's
//! ranges instead, and needs no full look.
//!
//! What changes an account (a fill, a withdrawal, another mode) puts it in a queue of those to look
//! at in the next block, unless its floor keeps it within the ranges that are watched. Everything
//! else (volatility, the basis of a future, funding, parameters) is caught by a round of all
//! accounts, [`SWEEP_BLOCKS`] blocks long, and in accounts with options by ranges that are kept
//! narrow.
//!
//! Invariants: an account in liquidation is not watched; the indexes hold exactly the ends of the
//! ranges in the leaves; a range only says when to look, never what to do, so nobody is liquidated
//! for it and results of a look do not depend on it.

use super::Budget;
use crate::engine::Exchange;
use crate::formula::rounding::{mul_div_ceil, mul_div_floor};
use crate::formula::{LOTS_PER_UNIT, PPM};
use crate::margin::model::Assessment;
use crate::margin::view::View;
use crate::state::Outcome;
use crate::state::key::{IndexId, WatchKey};
use crate::state::leaves::{Range, Watch, Watched};
use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use lockstep_types::ids::{AccountId, UnderlyingId};
use lockstep_types::units::Price;

/// Accounts that a block looks at because they have changed (R2).
pub const CHANGED_PER_BLOCK: usize = 2_048;
/// Accounts that a block looks at because a price has crossed the end of their range, per
/// underlying and direction (R2).
pub const CROSSED_PER_BLOCK: usize = 512;
/// Accounts that every block looks at in turn, if there are as many (R2).
pub const SWEEP_ACCOUNTS_MIN: u32 = 64;
/// Every account is looked at at least once in so many blocks (R2).
pub const SWEEP_BLOCKS: u32 = 64;
/// No range is wider on either side.
const SHARE_PPM_MAX: i64 = 160_000;
/// That of an account with options is narrower, because volatility moves with the index.
const OPTION_SHARE_PPM_MAX: i64 = 20_000;

/// The ranges of an account within which it is certainly above maintenance; none without positions.
pub(super) fn ranges_of(view: &View, margin: &Assessment) -> Vec<Range> {
    let open = || view.legs.iter().filter(|leg| leg.lots != 0 && !leg.expired);
    // What positions move like at most: an option like its underlying, a future by its own mark.
    let gross = open().fold(0_i64, |sum, leg| {
        let price = if leg.contract.is_option() { leg.spot } else { leg.mark.max(leg.spot) };
        let moved = mul_div_ceil(leg.lots.saturating_abs(), price, LOTS_PER_UNIT);
        sum.saturating_add(moved.unwrap_or(i64::MAX))
    });
    let spare = margin.balance.saturating_sub(margin.maintenance).max(0);
    let share_ppm = mul_div_floor(spare / 2, PPM, gross.max(1)).unwrap_or(SHARE_PPM_MAX);
    let options = open().any(|leg| leg.contract.is_option());
    let most_ppm = if options { OPTION_SHARE_PPM_MAX } else { SHARE_PPM_MAX };
    let share_ppm = share_ppm.min(most_ppm);
    let mut ranges: Vec<Range> = Vec::new();
    for leg in open() {
        if ranges.last().is_some_and(|last| last.underlying == leg.underlying) {
            continue;
        }
        let reach = mul_div_floor(leg.spot, share_ppm, PPM).unwrap_or(0);
        let (low, high) = (Price(leg.spot - reach), Price(leg.spot.saturating_add(reach)));
        ranges.push(Range { underlying: leg.underlying, low, high });
    }
    ranges
}

/// Whether a range that was set before still serves: it lies within the new one, and is not much
/// narrower than it.
fn still_serves(held: &Range, fresh: &Range) -> bool {
    let width = |range: &Range| range.high.0 - range.low.0;
    held.low >= fresh.low && held.high <= fresh.high && width(held) >= width(fresh) / 4
}

impl Exchange {
    /// Looks at those that have changed, those whose range was crossed, and the next in turn; in
    /// the order of their ids.
    pub(super) fn look_around(&mut self, budget: &mut Budget) -> Outcome<()> {
        let mut due: BTreeMap<AccountId, Option<i64>> = BTreeMap::new();
        for id in 0..self.state.totals()?.underlyings {
            self.find_crossed(UnderlyingId(id), &mut due)?;
        }
        let totals = *self.state.totals()?;
        let count = totals.accounts;
        let turns = count.min(SWEEP_ACCOUNTS_MIN.max(count.div_ceil(SWEEP_BLOCKS)));
        let mut at = totals.sweep;
        for _ in 0..turns {
            at = if at >= count { 0 } else { at };
            due.entry(AccountId(at)).or_default();
            at += 1;
        }
        let changed = self.state.entries.up_to(IndexId::Changed, i64::MAX, CHANGED_PER_BLOCK)?;
        due.extend(changed.into_iter().map(|(since, item)| (account_of(item), Some(since))));
        for (account, queued) in due {
            if budget.accounts == 0 {
                // Nobody is passed over: ranges stay crossed, queues stay, and so does the turn.
                return Ok(());
            }
            if let Some(since) = queued {
                self.state.entries.remove(IndexId::Changed, since, u64::from(account.0))?;
                self.state.account(account)?.watched = Watched::No;
            }
            self.look_at(account, budget)?;
        }
        self.state.totals()?.sweep = at;
        Ok(())
    }

    fn find_crossed(
        &mut self,
        id: UnderlyingId,
        due: &mut BTreeMap<AccountId, Option<i64>>,
    ) -> Outcome<()> {
        let underlying = *self.underlying(id)?;
        if underlying.stale {
            return Ok(());
        }
        let sides = [
            (IndexId::WatchLow(id), -underlying.index.0),
            (IndexId::WatchHigh(id), underlying.index.0),
        ];
        for (index, reached) in sides {
            for (_, item) in self.state.entries.up_to(index, reached, CROSSED_PER_BLOCK)? {
                due.entry(account_of(item)).or_default();
            }
        }
        Ok(())
    }

    /// Notes that an account is not what it was when it was looked at.
    pub(crate) fn note_change(&mut self, account: AccountId) -> Outcome<()> {
        if self.margin_is_off()? {
            return Ok(());
        }
        let record = *self.state.account(account)?;
        if record.watched == Watched::Queued || record.liquidating {
            return Ok(());
        }
        // Who is certainly above maintenance within the ranges that are watched need not be looked
        // at for what has changed.
        if self.is_kept_where_watched(account)? {
            return Ok(());
        }
        self.state.account(account)?.watched = Watched::Queued;
        let turn = self.turn()?;
        self.state.entries.insert(IndexId::Changed, turn, u64::from(account.0))?;
        Ok(())
    }

    /// Sets the ranges of an account that was found above maintenance.
    pub(super) fn watch_within(&mut self, account: AccountId, fresh: Vec<Range>) -> Outcome<()> {
        let held = self.state.watches.touch(WatchKey(account))?.clone().unwrap_or_default().ranges;
        let serves = held.len() == fresh.len()
            && held.iter().zip(&fresh).all(|(held, fresh)| {
                held.underlying == fresh.underlying && still_serves(held, fresh)
            });
        if serves {
            return Ok(());
        }
        self.set_ranges(account, &held, fresh)
    }

    /// Watches an account no longer.
    pub(super) fn unwatch(&mut self, account: AccountId) -> Outcome<()> {
        let held = self.state.watches.touch(WatchKey(account))?.clone().unwrap_or_default().ranges;
        if held.is_empty() { Ok(()) } else { self.set_ranges(account, &held, Vec::new()) }
    }

    fn set_ranges(&mut self, account: AccountId, held: &[Range], fresh: Vec<Range>) -> Outcome<()> {
        let item = u64::from(account.0);
        for range in held {
            for (index, sort) in ends_of(range) {
                self.state.entries.remove(index, sort, item)?;
            }
        }
        for range in &fresh {
            for (index, sort) in ends_of(range) {
                self.state.entries.insert(index, sort, item)?;
            }
        }
        let watch = (!fresh.is_empty()).then_some(Watch { ranges: fresh });
        *self.state.watches.touch(WatchKey(account))? = watch;
        Ok(())
    }
}

/// The entries of the two ends of a range.
pub(crate) fn ends_of(range: &Range) -> [(IndexId, i64); 2] {
    [
        (IndexId::WatchLow(range.underlying), -range.low.0),
        (IndexId::WatchHigh(range.underlying), range.high.0),
    ]
}

fn account_of(item: u64) -> AccountId {
    AccountId(u32::try_from(item).unwrap_or(u32::MAX))
}
