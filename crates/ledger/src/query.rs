//! Questions from outside: read-only views of the chain's side; the venue's are
//! [`Ledger::exchange`]'s. Nothing here changes a leaf.

use crate::ledger::Ledger;
use crate::stake::worth;
use crate::state::key::Only;
use crate::state::leaves::{Attendance, ChainState, Committee, Offence, Proposal, Validator};
use alloc::vec::Vec;
use lockstep_types::chain::{ChainParams, Stake, ValidatorKey};
use lockstep_types::envelope::ChainId;
use lockstep_types::ids::{AccountId, SignerId, ValidatorId};
use lockstep_types::units::{TimeMs, Usd};

/// A validator as everybody sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ValidatorView {
    /// Its number.
    pub id: ValidatorId,
    /// Its leaf.
    pub record: Validator,
    /// What of its tokens is its owner's.
    pub self_stake: Stake,
    /// Its seats in the current committee.
    pub seats: u16,
}

/// A delegation as its owner sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StakerView {
    /// To whom.
    pub validator: ValidatorId,
    /// What it is worth.
    pub bonded: Stake,
    /// What left and cannot be collected yet, or has not been.
    pub unbonding: Stake,
    /// Of that, what can be collected now.
    pub matured: Stake,
    /// Rewards that can be collected now.
    pub rewards: Usd,
}

impl Ledger {
    /// The chain's id.
    #[must_use]
    pub fn chain_id(&self) -> ChainId {
        self.chain.state.charter.get(Only).map(|charter| charter.chain).unwrap_or_default()
    }

    /// Height, clock and totals after the last block.
    #[must_use]
    pub fn totals(&self) -> ChainState {
        self.chain.seen_totals()
    }

    /// Height of the last block; 0 before the first.
    #[must_use]
    pub fn height(&self) -> u64 {
        self.totals().height
    }

    /// Time of the last block.
    #[must_use]
    pub fn time(&self) -> TimeMs {
        self.totals().time
    }

    /// The chain's parameters.
    #[must_use]
    pub fn params(&self) -> ChainParams {
        self.chain.params()
    }

    /// The epoch of a height: heights from 0, the genesis, in runs of `epoch_blocks` (S4).
    #[must_use]
    pub fn epoch_of(&self, height: u64) -> u64 {
        self.chain.epoch_of(height)
    }

    /// Whether a height is the last of its epoch, whose block elects the next committee.
    #[must_use]
    pub fn is_last_of_epoch(&self, height: u64) -> bool {
        self.chain.is_last(height)
    }

    /// The committee of an epoch: the current one, a few before it, and after the last block of an
    /// epoch the next one.
    #[must_use]
    pub fn committee(&self, epoch: u64) -> Option<&Committee> {
        self.chain.state.committees.get(epoch)
    }

    /// Who took part in the current epoch so far, by seat.
    #[must_use]
    pub fn attendance(&self) -> Attendance {
        self.chain.state.attendance.get(Only).cloned().unwrap_or_default()
    }

    /// The public key of a signer, to check its signatures with; `None` if there is no such
    /// signer or it may not sign.
    #[must_use]
    pub fn signer_key(&self, signer: SignerId) -> Option<[u8; 32]> {
        let record = self.exchange.signer_record(signer)?;
        record.active.then_some(record.key)
    }

    /// The validator that a key is or was of.
    #[must_use]
    pub fn validator_of_key(&self, key: ValidatorKey) -> Option<ValidatorId> {
        self.chain.state.keys.get(key).copied()
    }

    /// A validator.
    #[must_use]
    pub fn validator(&self, id: ValidatorId) -> Option<ValidatorView> {
        let record = self.chain.state.validators.get(id)?;
        let self_stake = self.chain.self_stake(id, record);
        let committee = self.committee(self.epoch_of(self.height()));
        let seats = committee.iter().flat_map(|committee| committee.seats.iter());
        let seats = seats.filter(|seat| seat.validator == id).count();
        let seats = u16::try_from(seats).unwrap_or(u16::MAX);
        Some(ValidatorView { id, record: record.clone(), self_stake, seats })
    }

    /// All validators, by number.
    #[must_use]
    pub fn validators(&self) -> Vec<ValidatorView> {
        self.chain.state.validators.iter().filter_map(|(id, _)| self.validator(*id)).collect()
    }

    /// An owner's free stake.
    #[must_use]
    pub fn free_stake(&self, owner: SignerId) -> Stake {
        self.chain.free(owner)
    }

    /// What an owner has at a validator.
    #[must_use]
    pub fn delegation(&self, owner: SignerId, validator: ValidatorId) -> StakerView {
        let state = &self.chain.state;
        let held = state.delegations.get((validator, owner)).copied().unwrap_or_default();
        let (tokens, shares) = match state.validators.get(validator) {
            Some(record) => (record.tokens, record.shares),
            None => (Stake::ZERO, 0),
        };
        let mut view = StakerView {
            validator,
            bonded: worth(held.shares, tokens, shares),
            unbonding: Stake::ZERO,
            matured: Stake::ZERO,
            rewards: self.chain.rewards_due(validator, &held),
        };
        let (first, last) = ((validator, owner, 0), (validator, owner, u64::MAX));
        for ((_, _, epoch), entry) in state.unbondings.range(first..=last) {
            let Some(pool) = state.pools.get((validator, *epoch)) else { continue };
            let part = worth(entry.shares, pool.tokens, pool.shares);
            view.unbonding += part;
            if pool.matures <= self.time() {
                view.matured += part;
            }
        }
        view
    }

    /// What an account has waiting to be paid out, and from when on it may be (B3).
    #[must_use]
    pub fn withdrawal(&self, account: AccountId) -> Option<(Usd, TimeMs)> {
        let waiting = self.chain.state.withdrawals.get(account)?;
        Some((waiting.amount, waiting.due))
    }

    /// A proposal that is open or waits for its epoch.
    #[must_use]
    pub fn proposal(&self, number: u32) -> Option<&Proposal> {
        self.chain.state.proposals.get(number)
    }

    /// The offence for which a validator was slashed, with its epoch, while it is remembered.
    #[must_use]
    pub fn offence(&self, validator: ValidatorId) -> Option<(u64, Offence)> {
        let mut known = self.chain.state.offences.iter();
        known.find(|((_, id), _)| *id == validator).map(|((epoch, _), one)| (*epoch, *one))
    }

    /// When a block was final, by the stake-weighted median of the last reports (O2).
    #[must_use]
    pub fn seen_final(&self, height: u64) -> Option<TimeMs> {
        self.chain.seen_final(height)
    }
}
