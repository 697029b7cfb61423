//! What must always hold between blocks, checked by looking at everything: stake and money add up,
//! and leaves that say the same thing say the same (S8, B4).
//!
//! [`Ledger::check_invariants`] walks the whole state, the exchange's with the exchange's own
//! checks. Tests and audits run it; nothing here changes a leaf.

use crate::ledger::Ledger;
use crate::state::leaves::{Pool, Validator};
use alloc::collections::BTreeMap;
use alloc::string::{String, ToString};
use core::fmt;
use lockstep_types::ids::ValidatorId;
use lockstep_types::units::Usd;

/// Something that should hold and does not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broken {
    /// What, in words.
    pub what: String,
    /// The number that should be there.
    pub expected: i128,
    /// The number that is there.
    pub found: i128,
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (expected {}, found {})", self.what, self.expected, self.found)
    }
}

impl core::error::Error for Broken {}

fn equal(what: &str, expected: i128, found: i128) -> Result<(), Broken> {
    if expected == found {
        return Ok(());
    }
    Err(Broken { what: what.to_string(), expected, found })
}

/// Where all stake is (S8).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StakeTable {
    /// Fixed at genesis.
    pub supply: u128,
    /// Owners' free stake.
    pub free: u128,
    /// Bonded to validators.
    pub bonded: u128,
    /// Left and not collected.
    pub unbonding: u128,
    /// Slashed and not paid for evidence.
    pub treasury: u128,
}

impl StakeTable {
    /// Whether the parts add up to the supply.
    #[must_use]
    pub fn is_balanced(&self) -> bool {
        self.free + self.bonded + self.unbonding + self.treasury == self.supply
    }
}

/// Where all money is (B4).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MoneyTable {
    /// What the bridge holds for the chain.
    pub escrow: Usd,
    /// The exchange's deposits.
    pub deposits: Usd,
    /// Withdrawals that wait.
    pub pending: Usd,
    /// Of the exchange's deposits, what is due to validators.
    pub validators: Usd,
    /// Of that, what belongs to somebody already.
    pub owed: Usd,
}

impl MoneyTable {
    /// Whether the parts add up to what is in escrow, and no more is owed than there is.
    #[must_use]
    pub fn is_balanced(&self) -> bool {
        self.deposits + self.pending == self.escrow && self.owed <= self.validators
    }
}

impl Ledger {
    /// Where all stake is.
    #[must_use]
    pub fn stake_table(&self) -> StakeTable {
        let (state, totals) = (&self.chain.state, self.totals());
        let validators = state.validators.iter();
        StakeTable {
            supply: totals.supply.0.into(),
            free: state.stakers.iter().map(|(_, staker)| u128::from(staker.free.0)).sum(),
            bonded: validators.map(|(_, known)| u128::from(known.tokens.0)).sum(),
            unbonding: state.pools.iter().map(|(_, pool)| u128::from(pool.tokens.0)).sum(),
            treasury: totals.treasury.0.into(),
        }
    }

    /// Where all money is.
    #[must_use]
    pub fn money_table(&self) -> MoneyTable {
        let (funds, totals) = (self.exchange.funds(), self.totals());
        MoneyTable {
            escrow: totals.escrow,
            deposits: funds.deposits,
            pending: totals.withdrawals_pending,
            validators: funds.validators,
            owed: totals.rewards_owed,
        }
    }

    /// Whether stake and money add up, here and in the exchange (S8, B4, C1).
    #[must_use]
    pub fn is_conserved(&self) -> bool {
        self.stake_table().is_balanced()
            && self.money_table().is_balanced()
            && self.exchange.conservation().is_balanced()
    }

    /// Checks everything; meant for between blocks.
    ///
    /// # Errors
    /// The first thing that does not hold.
    pub fn check_invariants(&self) -> Result<(), Broken> {
        if let Err(error) = self.exchange.check_invariants() {
            let (expected, found) = (error.expected, error.found);
            return Err(Broken { what: error.to_string(), expected, found });
        }
        let stake = self.stake_table();
        let parts = stake.free + stake.bonded + stake.unbonding + stake.treasury;
        let wide = |sum: u128| i128::try_from(sum).unwrap_or(i128::MAX);
        equal("all stake is somewhere", wide(stake.supply), wide(parts))?;
        let money = self.money_table();
        let kept = money.deposits + money.pending;
        equal("escrow backs all money", money.escrow.0.into(), kept.0.into())?;
        self.check_rewards()?;
        self.check_shares()?;
        self.check_pools()?;
        self.check_withdrawals()?;
        self.check_validators()
    }

    fn check_rewards(&self) -> Result<(), Broken> {
        let delegations = self.chain.state.delegations.iter();
        let due = delegations.map(|((id, _), held)| self.chain.rewards_due(*id, held).0);
        let due: i128 = due.map(i128::from).sum();
        let money = self.money_table();
        let owed = i128::from(money.owed.0);
        equal("no more is due than is owed", due.min(owed), due)?;
        equal("no more is owed than there is", owed.min(money.validators.0.into()), owed)
    }

    fn check_shares(&self) -> Result<(), Broken> {
        let mut shares: BTreeMap<ValidatorId, i128> = BTreeMap::new();
        for ((id, _), held) in self.chain.state.delegations.iter() {
            equal("a delegation is not empty", 0, (held.shares == 0 && held.due.0 == 0).into())?;
            *shares.entry(*id).or_default() += i128::from(held.shares);
        }
        for (id, Validator { tokens, shares: all, .. }) in self.chain.state.validators.iter() {
            let sum = shares.remove(id).unwrap_or(0);
            equal("shares sum to the validator's", i128::from(*all), sum)?;
            equal("tokens do not exceed shares", tokens.0.min(*all).into(), tokens.0.into())?;
        }
        equal("every delegation has a validator", 0, i128::from(!shares.is_empty()))
    }

    fn check_pools(&self) -> Result<(), Broken> {
        let state = &self.chain.state;
        let mut shares: BTreeMap<(ValidatorId, u64), i128> = BTreeMap::new();
        let mut entries: BTreeMap<_, i128> = BTreeMap::new();
        for ((id, owner, epoch), entry) in state.unbondings.iter() {
            *shares.entry((*id, *epoch)).or_default() += i128::from(entry.shares);
            *entries.entry(*owner).or_default() += 1;
        }
        for (key, Pool { tokens, shares: all, .. }) in state.pools.iter() {
            let sum = shares.remove(key).unwrap_or(0);
            equal("entries sum to the pool's", i128::from(*all), sum)?;
            equal("tokens do not exceed shares", tokens.0.min(*all).into(), tokens.0.into())?;
        }
        equal("every entry has a pool", 0, i128::from(!shares.is_empty()))?;
        for (owner, staker) in state.stakers.iter() {
            let count = entries.remove(owner).unwrap_or(0);
            equal("entries are counted", staker.unbondings.into(), count)?;
        }
        equal("every entry is counted", 0, i128::from(!entries.is_empty()))
    }

    fn check_withdrawals(&self) -> Result<(), Broken> {
        let state = &self.chain.state;
        let mut sum = 0;
        for (account, waiting) in state.withdrawals.iter() {
            let is_due = state.dues.get((waiting.due, *account)).is_some();
            equal("a withdrawal is in the queue", 1, is_due.into())?;
            sum += i128::from(waiting.amount.0);
        }
        let count = |len: usize| i128::try_from(len).unwrap_or(i128::MAX);
        let (waiting, queued) = (count(state.withdrawals.len()), count(state.dues.len()));
        equal("the queue has withdrawals only", waiting, queued)?;
        equal("withdrawals sum up", self.totals().withdrawals_pending.0.into(), sum)
    }

    fn check_validators(&self) -> Result<(), Broken> {
        let state = &self.chain.state;
        for (id, validator) in state.validators.iter() {
            let owned = state.owners.get(validator.owner) == Some(id);
            equal("a validator is its owner's", 1, owned.into())?;
            let held = validator.keys.iter().all(|key| state.keys.get(*key) == Some(id));
            equal("a validator's keys are its own", 1, held.into())?;
        }
        let known = state.keys.iter().all(|(_, id)| state.validators.get(*id).is_some());
        equal("every key is a validator's", 1, known.into())?;
        let owners = i128::try_from(state.owners.len()).unwrap_or(i128::MAX);
        let validators = i128::try_from(state.validators.len()).unwrap_or(i128::MAX);
        equal("every owner has one validator", validators, owners)
    }
}
