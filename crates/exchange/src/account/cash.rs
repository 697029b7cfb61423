//! Collateral in, out and across (A1).
use crate::engine::Exchange;
use crate::state::Outcome;
use lockstep_types::ids::AccountId;
use lockstep_types::units::Usd;

impl Exchange {
    pub(crate) fn deposit(&mut self, owner: [u8; 32], sub: u8, amount: Usd) -> Outcome<()> {
        let _ = (owner, sub, amount);
        Ok(())
    }
    pub(crate) fn withdraw(&mut self, account: AccountId, amount: Usd) -> Outcome<()> {
        let _ = (account, amount);
        Ok(())
    }
    pub(crate) fn transfer(&mut self, from: AccountId, to: AccountId, amount: Usd) -> Outcome<()> {
        let _ = (from, to, amount);
        Ok(())
    }
    pub(crate) fn fund_insurance(&mut self, amount: Usd) -> Outcome<()> {
        let _ = amount;
        Ok(())
    }
}
