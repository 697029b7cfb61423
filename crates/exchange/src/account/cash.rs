//! Collateral in, out and across sub-accounts (A1).

use crate::engine::Exchange;
use crate::state::Outcome;
use crate::state::key::{PublicKey, SubKey};
use lockstep_types::event::Event;
use lockstep_types::ids::{AccountId, UnderlyingId};
use lockstep_types::reject::{Reject, RejectCode};
use lockstep_types::units::Usd;

/// All collateral together stays below this, about a million million USD, so that no sum of
/// balances leaves 64 bits (L6).
pub const DEPOSITS_MAX: Usd = Usd(1 << 60);

fn positive(amount: Usd) -> Result<(), Reject> {
    if amount.0 > 0 { Ok(()) } else { Err(Reject::beyond(RejectCode::NotPositive, amount.0, 1)) }
}

impl Exchange {
    /// Counts collateral that enters the venue.
    fn count_deposit(&mut self, amount: Usd) -> Outcome<()> {
        positive(amount)?;
        let totals = self.state.totals()?;
        match totals.deposits.checked_add(amount) {
            Some(sum) if sum <= DEPOSITS_MAX => {
                totals.deposits = sum;
                Ok(())
            }
            _ => Err(Reject::beyond(RejectCode::Overflow, amount.0, DEPOSITS_MAX.0).into()),
        }
    }

    /// Credits an owner's sub-account; key and account are opened if they are new.
    pub(crate) fn deposit(&mut self, key: [u8; 32], sub: u8, amount: Usd) -> Outcome<()> {
        let known = *self.state.keys.touch(PublicKey(key))?;
        self.count_deposit(amount)?;
        let owner = match known {
            Some(id) => id,
            None => self.open_signer(key, None)?,
        };
        let account = match *self.state.subs.touch(SubKey { owner, sub })? {
            Some(account) => account,
            None => self.open_account(owner, sub)?,
        };
        self.state.account(account)?.cash += amount;
        self.events.push(Event::Deposited { account, amount });
        Ok(())
    }

    /// Pays fees due to validators out to an owner's sub-account (F3). The money is in the venue
    /// already, so that deposits stay what they are.
    pub(crate) fn pay_validators(&mut self, key: [u8; 32], sub: u8, amount: Usd) -> Outcome<()> {
        positive(amount)?;
        let due = self.state.totals()?.validators;
        if amount > due {
            return Err(Reject::beyond(RejectCode::ValidatorFees, amount.0, due.0).into());
        }
        let Some(owner) = *self.state.keys.touch(PublicKey(key))? else {
            return Err(Reject::of(RejectCode::UnknownSigner).into());
        };
        let account = match *self.state.subs.touch(SubKey { owner, sub })? {
            Some(account) => account,
            None => self.open_account(owner, sub)?,
        };
        self.state.totals()?.validators -= amount;
        self.state.account(account)?.cash += amount;
        self.events.push(Event::ValidatorsPaid { account, amount });
        Ok(())
    }

    /// Pays collateral out.
    pub(crate) fn withdraw(&mut self, account: AccountId, amount: Usd) -> Outcome<()> {
        positive(amount)?;
        self.check_withdrawal(account, amount)?;
        self.state.account(account)?.cash -= amount;
        #[cfg(feature = "planted")]
        if crate::planted::is(crate::planted::Planted::DoubleSpend) {
            self.state.account(account)?.cash += amount;
        }
        let totals = self.state.totals()?;
        totals.deposits -= amount;
        self.note_change(account)?;
        self.events.push(Event::Withdrawn { account, amount });
        Ok(())
    }

    /// Moves collateral between two sub-accounts of one owner.
    pub(crate) fn transfer(&mut self, from: AccountId, to: AccountId, amount: Usd) -> Outcome<()> {
        positive(amount)?;
        if to.0 >= self.state.totals()?.accounts || to == from {
            return Err(Reject::of(RejectCode::UnknownAccount).into());
        }
        let owner = self.state.account(from)?.owner;
        if self.state.account(to)?.owner != owner {
            return Err(Reject::of(RejectCode::NotAuthorised).into());
        }
        self.check_withdrawal(from, amount)?;
        self.state.account(from)?.cash -= amount;
        self.state.account(to)?.cash += amount;
        self.note_change(from)?;
        self.events.push(Event::Transferred { from, to, amount });
        Ok(())
    }

    /// Adds to an underlying's insurance fund, or to the shared one.
    ///
    /// # Errors
    /// Rejections: `UnknownUnderlying`, `NotPositive`, `Overflow`.
    pub(crate) fn fund_insurance(
        &mut self,
        underlying: Option<UnderlyingId>,
        amount: Usd,
    ) -> Outcome<()> {
        let count = self.state.totals()?.underlyings;
        if underlying.is_some_and(|id| id.0 >= count) {
            return Err(Reject::of(RejectCode::UnknownUnderlying).into());
        }
        self.count_deposit(amount)?;
        match underlying {
            Some(id) => self.underlying(id)?.insurance += amount,
            None => self.state.totals()?.insurance += amount,
        }
        Ok(())
    }
}
