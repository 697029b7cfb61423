//! Insurance: step 4 of the waterfall (R3); who pays is [`crate::formula::insurance`].
//!
//! Every underlying has its own fund, filled by the liquidation fees of its instruments; the shared
//! fund, filled by its share of all fees and by the dust, is the tail behind all of them. What an
//! account lacks is divided among the underlyings by what they required of its maintenance margin
//! when it fell below; what a fund lacks falls on the tail, never on another underlying's fund.
//!
//! Invariants: no fund is overdrawn; what [`Exchange::insurance_for`] says would be paid is what
//! [`Exchange::pay_from_insurance`] pays.
//!
//! Deliberately absent: how funds are filled, which is [`crate::account`].

use crate::engine::Exchange;
use crate::formula::insurance::{Fund, cover};
use crate::state::Outcome;
use crate::state::key::LiquidationKey;
use alloc::vec::Vec;
use lockstep_types::event::Event;
use lockstep_types::ids::{AccountId, UnderlyingId};
use lockstep_types::units::Usd;

impl Exchange {
    /// The funds that answer for an account, by its liquidation's shares.
    fn funds_for(&mut self, account: AccountId) -> Outcome<Vec<Fund>> {
        let record = self.state.liquidations.touch(LiquidationKey(account))?.as_ref();
        let shares = record.map(|record| record.shares.clone()).unwrap_or_default();
        let mut funds = Vec::with_capacity(shares.len());
        for share in shares {
            let balance = self.underlying(share.underlying)?.insurance.0;
            let weight = u64::try_from(share.maintenance.0).unwrap_or(0);
            funds.push(Fund { underlying: share.underlying, weight, balance, paid: 0 });
        }
        Ok(funds)
    }

    /// How much of a deficit insurance would pay.
    pub(super) fn insurance_for(&mut self, account: AccountId, deficit: i64) -> Outcome<i64> {
        if deficit <= 0 {
            return Ok(0);
        }
        let mut funds = self.funds_for(account)?;
        let tail = self.state.totals()?.insurance.0;
        let cover = cover(deficit, &mut funds, tail);
        assert!(cover.is_ok(), "funds are not overdrawn, and an account's underlyings differ");
        Ok(cover.map_or(0, |cover| deficit - cover.uncovered))
    }

    /// How far insurance goes for an account at most.
    pub(super) fn insurance_behind(&mut self, account: AccountId) -> Outcome<i64> {
        let funds = self.funds_for(account)?;
        let tail = self.state.totals()?.insurance.0;
        Ok(funds.iter().fold(tail, |sum, fund| sum.saturating_add(fund.balance)))
    }

    /// Lets insurance pay a deficit of `account` to `payee`, as far as it goes; what was paid.
    pub(super) fn pay_from_insurance(
        &mut self,
        account: AccountId,
        payee: AccountId,
        deficit: i64,
    ) -> Outcome<i64> {
        if deficit <= 0 {
            return Ok(0);
        }
        let mut funds = self.funds_for(account)?;
        let tail = self.state.totals()?.insurance.0;
        let Ok(cover) = cover(deficit, &mut funds, tail) else { return Ok(0) };
        for fund in funds {
            self.underlying(fund.underlying)?.insurance -= Usd(fund.paid);
            self.print_payment(account, Some(fund.underlying), fund.paid);
        }
        self.state.totals()?.insurance -= Usd(cover.from_tail);
        self.print_payment(account, None, cover.from_tail);
        let paid = deficit - cover.uncovered;
        self.state.account(payee)?.cash += Usd(paid);
        Ok(paid)
    }

    fn print_payment(&mut self, account: AccountId, underlying: Option<UnderlyingId>, paid: i64) {
        if paid > 0 {
            self.events.push(Event::InsurancePaid { account, underlying, amount: Usd(paid) });
        }
    }

    /// Lets insurance pay what an account without positions owes, as far as it goes.
    pub(super) fn cover_deficit(&mut self, account: AccountId) -> Outcome<()> {
        let cash = self.state.account(account)?.cash;
        self.pay_from_insurance(account, account, cash.0.saturating_neg()).map(|_| ())
    }
}
