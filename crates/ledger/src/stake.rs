//! Stake: validators, delegation, unbonding (S1, S2, S3).
//!
//! A delegation is a number of shares of its validator's tokens. A share is a token at first; a
//! slash takes tokens and leaves shares, so that all delegators lose alike in one step. Stake that
//! leaves goes to the pool of its validator and epoch and is worth shares there in the same way:
//! slashing it takes one step per epoch of the unbonding period, however many delegators left.
//!
//! Invariants: a validator without shares has no tokens; tokens never exceed shares, so that
//! products fit; shares of the parts sum to the whole's; free, bonded and unbonding stake and the
//! treasury sum to the supply ([`crate::conservation`]).
//!
//! Source: shares with an exchange rate are how proof-of-stake chains commonly do it (the F1
//! paper, Ojha 2018, has the same for rewards); unbonding by pool is ours.

use crate::arithmetic::{mul_div_ceil, mul_div_floor};
use crate::genesis::VALIDATORS_MAX;
use crate::ledger::Chain;
use crate::state::leaves::{Delegation, Pool, Staker, Standing, Unbonding, Validator};
use alloc::vec::Vec;
use lockstep_types::chain::{ChainEvent, ChainReject, ChainRejectCode, Stake, ValidatorKey};
use lockstep_types::codec::Bounded;
use lockstep_types::ids::{SignerId, ValidatorId};
use lockstep_types::units::Ppm;

/// Epochs in which one owner's stake left and was not collected, over all validators.
pub const UNBONDINGS_MAX: u16 = 64;
/// Validators that are dropped in one epoch; a later one drops the rest.
const RETIRED_PER_EPOCH: usize = 16;
/// Keys that one validator ever has, those given up included: they stay its own in evidence.
pub const KEYS_EVER_MAX: u16 = 256;

/// What shares of a pot are worth, rounded down.
pub(crate) fn worth(shares: u64, tokens: Stake, shares_all: u64) -> Stake {
    Stake(mul_div_floor(shares, tokens.0, shares_all).unwrap_or(0))
}

/// Shares for tokens that are added to a pot, rounded down: at its rate, or one each if it is
/// empty; `None` if it is worth too little to have a rate.
fn shares_for(amount: Stake, tokens: Stake, shares_all: u64) -> Option<u64> {
    let shares = match shares_all {
        0 => amount.0,
        _ => mul_div_floor(amount.0, shares_all, tokens.0)?,
    };
    shares_all.checked_add(shares).map(|_| shares)
}

impl Chain {
    /// An owner's free stake.
    pub(crate) fn free(&self, owner: SignerId) -> Stake {
        self.state.stakers.get(owner).map_or(Stake::ZERO, |staker| staker.free)
    }

    pub(crate) fn add_free(&mut self, owner: SignerId, amount: Stake) {
        if amount > Stake::ZERO {
            self.state.stakers.get_or_make(owner, Staker::default).free += amount;
        }
    }

    /// Takes free stake from an owner.
    ///
    /// # Errors
    /// `FreeStake`, with the amount and what there is.
    pub(crate) fn take_free(&mut self, owner: SignerId, amount: Stake) -> Result<(), ChainReject> {
        let free = self.free(owner);
        if free < amount {
            return Err(ChainReject::amount(ChainRejectCode::FreeStake, amount.0, free.0));
        }
        if let Some(staker) = self.state.stakers.get_mut(owner) {
            staker.free -= amount;
        }
        self.tidy_staker(owner);
        Ok(())
    }

    fn tidy_staker(&mut self, owner: SignerId) {
        if self.state.stakers.get(owner) == Some(&Staker::default()) {
            self.state.stakers.set(owner, None);
        }
    }

    /// A validator that is known to exist, by id.
    ///
    /// # Errors
    /// `UnknownValidator`.
    pub(crate) fn validator(&mut self, id: ValidatorId) -> Result<&mut Validator, ChainReject> {
        let unknown = ChainReject::of(ChainRejectCode::UnknownValidator);
        self.state.validators.get_mut(id).ok_or(unknown)
    }

    /// Makes an owner a validator (S1).
    pub(crate) fn register(
        &mut self,
        owner: SignerId,
        key: ValidatorKey,
        commission: Ppm,
        stake: Stake,
    ) -> Result<(), ChainReject> {
        if self.state.owners.get(owner).is_some() {
            return Err(ChainReject::of(ChainRejectCode::IsValidator));
        }
        self.check_key_free(key)?;
        let params = self.params();
        self.check_commission(commission, params.commission_max)?;
        if stake < params.self_stake_min {
            let least = params.self_stake_min.0;
            return Err(ChainReject::amount(ChainRejectCode::SelfStake, stake.0, least));
        }
        let free = self.free(owner);
        if free < stake {
            return Err(ChainReject::amount(ChainRejectCode::FreeStake, stake.0, free.0));
        }
        let validator = self.next_validator()?;
        let epoch = self.epoch();
        let keys = Bounded::new(alloc::vec![key]).unwrap_or_default();
        self.state.validators.set(
            validator,
            Some(Validator {
                owner,
                keys,
                keys_ever: 1,
                standing: Standing::Active,
                commission,
                commission_epoch: epoch,
                commission_before: commission,
                tokens: Stake::ZERO,
                shares: 0,
                reward_index: 0,
                absent_epochs: 0,
            }),
        );
        self.state.owners.set(owner, Some(validator));
        self.state.keys.set(key, Some(validator));
        self.events.push(ChainEvent::Registered { validator, owner, key });
        self.delegate(owner, validator, stake)
    }

    /// The lowest number that no validator has, from 1.
    fn next_validator(&self) -> Result<ValidatorId, ChainReject> {
        let taken = self.state.validators.iter().map(|(id, _)| id.0);
        let free = (1..).zip(taken).find(|(wanted, id)| wanted != id).map(|(wanted, _)| wanted);
        let count = self.state.validators.len();
        let next = u16::try_from(count + 1).unwrap_or(u16::MAX);
        if count >= VALIDATORS_MAX {
            let limit = i64::try_from(VALIDATORS_MAX).unwrap_or(i64::MAX);
            return Err(ChainReject::beyond(ChainRejectCode::ValidatorLimit, limit, limit));
        }
        Ok(ValidatorId(free.unwrap_or(next)))
    }

    fn check_key_free(&self, key: ValidatorKey) -> Result<(), ChainReject> {
        match self.state.keys.get(key) {
            Some(_) => Err(ChainReject::of(ChainRejectCode::KeyInUse)),
            None => Ok(()),
        }
    }

    pub(crate) fn add_key(
        &mut self,
        owner: SignerId,
        key: ValidatorKey,
    ) -> Result<(), ChainReject> {
        let id = self.validator_of(owner)?;
        self.check_key_free(key)?;
        let limit = self.params().seats_per_validator;
        let validator = self.validator(id)?;
        let is_full = validator.keys.len() >= usize::from(limit);
        if is_full || validator.keys_ever >= KEYS_EVER_MAX {
            let limit = i64::from(limit);
            return Err(ChainReject::beyond(ChainRejectCode::KeyLimit, limit, limit));
        }
        let keys: Vec<_> = validator.keys.iter().copied().chain([key]).collect();
        validator.keys = Bounded::new(keys).unwrap_or_default();
        validator.keys_ever += 1;
        self.state.keys.set(key, Some(id));
        self.events.push(ChainEvent::KeyChanged { validator: id, key, added: true });
        Ok(())
    }

    /// Takes a key off a validator. It stays the validator's in evidence, so that nobody else can
    /// register it and offences under it are still found.
    pub(crate) fn remove_key(
        &mut self,
        owner: SignerId,
        key: ValidatorKey,
    ) -> Result<(), ChainReject> {
        let id = self.validator_of(owner)?;
        let validator = self.validator(id)?;
        let keys: Vec<_> = validator.keys.iter().copied().filter(|held| *held != key).collect();
        if keys.is_empty() || keys.len() == validator.keys.len() {
            return Err(ChainReject::of(ChainRejectCode::UnknownKey));
        }
        validator.keys = Bounded::new(keys).unwrap_or_default();
        self.events.push(ChainEvent::KeyChanged { validator: id, key, added: false });
        Ok(())
    }

    /// Delegates free stake (S2).
    pub(crate) fn delegate(
        &mut self,
        delegator: SignerId,
        id: ValidatorId,
        amount: Stake,
    ) -> Result<(), ChainReject> {
        let least = self.params().delegation_min;
        if amount < least {
            return Err(ChainReject::amount(ChainRejectCode::BelowMinimum, amount.0, least.0));
        }
        let validator = self.validator(id)?.clone();
        if validator.standing == Standing::Tombstoned {
            return Err(ChainReject::of(ChainRejectCode::Tombstoned));
        }
        let free = self.free(delegator);
        if amount > free {
            return Err(ChainReject::amount(ChainRejectCode::FreeStake, amount.0, free.0));
        }
        let Some(shares) = shares_for(amount, validator.tokens, validator.shares) else {
            return Err(ChainReject::of(ChainRejectCode::SlashedAway));
        };
        self.take_free(delegator, amount)?;
        self.settle_rewards(id, delegator);
        let held = self.validator(id)?;
        held.tokens += amount;
        held.shares += shares;
        let mark = held.reward_index;
        let delegation = self.state.delegations.get_or_make((id, delegator), Delegation::default);
        delegation.shares += shares;
        delegation.reward_mark = mark;
        self.events.push(ChainEvent::Delegated { validator: id, delegator, amount });
        Ok(())
    }

    /// Takes stake back; it waits in its epoch's pool (S3).
    pub(crate) fn undelegate(
        &mut self,
        delegator: SignerId,
        id: ValidatorId,
        amount: Stake,
    ) -> Result<(), ChainReject> {
        let validator = self.validator(id)?.clone();
        let held = self.state.delegations.get((id, delegator)).copied().unwrap_or_default();
        let value = worth(held.shares, validator.tokens, validator.shares);
        if amount == Stake::ZERO || amount > value {
            let code = ChainRejectCode::NotDelegated;
            return Err(ChainReject::amount(code, amount.0, value.0));
        }
        // All shares for all that they are worth; else rounded up, so that they are worth it.
        let burnt = match amount == value {
            true => held.shares,
            false => mul_div_ceil(amount.0, validator.shares, validator.tokens.0).unwrap_or(0),
        };
        assert!(burnt <= held.shares, "a part of a delegation takes a part of its shares");
        let left = worth(burnt, validator.tokens, validator.shares);
        // A share is worth a token at most, so that one more would not be worth it twice.
        assert!(left == amount, "what leaves is what was asked for");
        let epoch = self.epoch();
        let pool = self.state.pools.get((id, epoch)).copied().unwrap_or_default();
        let Some(shares) = shares_for(left, pool.tokens, pool.shares) else {
            return Err(ChainReject::of(ChainRejectCode::SlashedAway));
        };
        self.open_unbonding(delegator, id, epoch)?;
        self.settle_rewards(id, delegator);
        let record = self.validator(id)?;
        record.tokens -= left;
        record.shares -= burnt;
        let delegation = self.state.delegations.get_or_make((id, delegator), Delegation::default);
        delegation.shares -= burnt;
        self.tidy_delegation(id, delegator);
        let matures = self.now().plus(self.params().unbonding);
        let pool = self.state.pools.get_or_make((id, epoch), Pool::default);
        pool.tokens += left;
        pool.shares += shares;
        pool.matures = matures;
        let key = (id, delegator, epoch);
        self.state.unbondings.get_or_make(key, Unbonding::default).shares += shares;
        let event = ChainEvent::Undelegated { validator: id, delegator, amount: left, matures };
        self.events.push(event);
        Ok(())
    }

    /// Counts an unbonding entry if it is new.
    fn open_unbonding(
        &mut self,
        delegator: SignerId,
        id: ValidatorId,
        epoch: u64,
    ) -> Result<(), ChainReject> {
        if self.state.unbondings.get((id, delegator, epoch)).is_some() {
            return Ok(());
        }
        let staker = self.state.stakers.get_or_make(delegator, Staker::default);
        if staker.unbondings >= UNBONDINGS_MAX {
            let limit = i64::from(UNBONDINGS_MAX);
            return Err(ChainReject::beyond(ChainRejectCode::UnbondingLimit, limit, limit));
        }
        staker.unbondings += 1;
        Ok(())
    }

    /// Frees a delegator's stake in pools of a validator that have matured; how much.
    pub(crate) fn free_matured(&mut self, delegator: SignerId, id: ValidatorId) -> Stake {
        let now = self.now();
        let entries = self.state.unbondings.range((id, delegator, 0)..=(id, delegator, u64::MAX));
        let open: Vec<(u64, Unbonding)> =
            entries.map(|((_, _, epoch), entry)| (*epoch, *entry)).collect();
        let mut freed = Stake::ZERO;
        for (epoch, entry) in open {
            let Some(pool) = self.state.pools.get_mut((id, epoch)) else { continue };
            if pool.matures > now {
                continue;
            }
            let tokens = worth(entry.shares, pool.tokens, pool.shares);
            pool.tokens -= tokens;
            pool.shares -= entry.shares;
            if pool.shares == 0 {
                assert!(pool.tokens == Stake::ZERO, "the last share takes all that is left");
                self.state.pools.set((id, epoch), None);
            }
            self.state.unbondings.set((id, delegator, epoch), None);
            if let Some(staker) = self.state.stakers.get_mut(delegator) {
                staker.unbondings -= 1;
            }
            freed += tokens;
        }
        self.add_free(delegator, freed);
        self.tidy_staker(delegator);
        freed
    }

    pub(crate) fn tidy_delegation(&mut self, id: ValidatorId, delegator: SignerId) {
        let held = self.state.delegations.get((id, delegator));
        if held.is_some_and(|held| held.shares == 0 && held.due.0 == 0) {
            self.state.delegations.set((id, delegator), None);
        }
    }

    /// What of a validator's tokens is its owner's.
    pub(crate) fn self_stake(&self, id: ValidatorId, validator: &Validator) -> Stake {
        let held = self.state.delegations.get((id, validator.owner));
        let shares = held.map_or(0, |held| held.shares);
        worth(shares, validator.tokens, validator.shares)
    }

    /// Drops validators of which nothing is left: no stake, none unbonding, nothing to collect, no
    /// seat now or next. Their keys may be registered anew: what they signed is too old by now,
    /// for the unbonding period of whatever was behind it is over.
    pub(crate) fn retire(&mut self) {
        let seated = self.seated();
        let mut gone = Vec::new();
        for (id, validator) in self.state.validators.iter() {
            if gone.len() == RETIRED_PER_EPOCH {
                break;
            }
            let delegated = self.state.delegations.range((*id, SignerId(0))..).next();
            let pooled = self.state.pools.range((*id, 0)..).next();
            let is_empty = delegated.is_none_or(|(key, _)| key.0 != *id)
                && pooled.is_none_or(|(key, _)| key.0 != *id);
            let is_out = validator.standing == Standing::Tombstoned;
            if validator.shares == 0 && is_empty && !is_out && !seated.contains(id) {
                gone.push((*id, validator.owner));
            }
        }
        if gone.is_empty() {
            return;
        }
        let is_gone = |id: &ValidatorId| gone.iter().any(|(other, _)| other == id);
        let keys = self.state.keys.iter().filter(|(_, holder)| is_gone(holder));
        let keys: Vec<ValidatorKey> = keys.map(|(key, _)| *key).collect();
        keys.into_iter().for_each(|key| self.state.keys.set(key, None));
        for (id, owner) in gone {
            self.state.validators.set(id, None);
            self.state.owners.set(owner, None);
            self.state.words.set(id, None);
            self.events.push(ChainEvent::Retired { validator: id });
        }
    }
}
