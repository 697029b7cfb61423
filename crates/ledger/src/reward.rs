//! Rewards: validators' part of the fees, for taking part (S5).
//!
//! At the end of an epoch what the exchange has for validators and is nobody's yet is divided
//! equally among seats; a seat gets its part times the share of certificates that it signed, and
//! what is not given stays for the next epoch. Of a validator's part its commission is its
//! owner's, the rest its delegators' by shares. Money stays in the exchange's pot until somebody
//! collects it.
//!
//! Invariants: what is owed never exceeds the pot; rounding is down, and what it leaves stays in
//! the pot, for nobody.
//!
//! Source: cumulative rewards per share, as in F1 fee distribution (Ojha 2018).

use crate::arithmetic::{mul_div_floor, usd, usd_share_floor};
use crate::ledger::{Chain, venue};
use crate::state::key::Only;
use crate::state::leaves::{Committee, Delegation, Standing};
use alloc::collections::BTreeMap;
use lockstep_exchange::Exchange;
use lockstep_types::chain::{ChainEvent, ChainReject, ChainRejectCode, Stake};
use lockstep_types::command::SystemCommand;
use lockstep_types::ids::{SignerId, ValidatorId};
use lockstep_types::units::{Ppm, Usd};

/// Bits after the point of the reward index.
const INDEX_BITS: u32 = 32;

/// What shares are due of rewards per share, rounded down. All shares together were given at most
/// the rewards so far, 2^60 micro-USD at a time, so that the product fits.
fn due(shares: u64, index: u128, mark: u128) -> Usd {
    let product = u128::from(shares).checked_mul(index.saturating_sub(mark));
    assert!(product.is_some(), "rewards of a delegation are at most all fees");
    usd(u64::try_from(product.unwrap_or(0) >> INDEX_BITS).unwrap_or(0))
}

impl Chain {
    /// Brings a delegation's rewards up to date; to be done before its shares change.
    pub(crate) fn settle_rewards(&mut self, id: ValidatorId, delegator: SignerId) {
        let Some(index) = self.state.validators.get(id).map(|known| known.reward_index) else {
            return;
        };
        if let Some(held) = self.state.delegations.get_mut((id, delegator)) {
            held.due += due(held.shares, index, held.reward_mark);
            held.reward_mark = index;
        }
    }

    /// What a delegation could collect now.
    pub(crate) fn rewards_due(&self, id: ValidatorId, held: &Delegation) -> Usd {
        let index = self.state.validators.get(id).map_or(0, |known| known.reward_index);
        held.due + due(held.shares, index, held.reward_mark)
    }

    /// Divides what came in since the last epoch among the seats of this one.
    pub(crate) fn reward(&mut self, exchange: &Exchange) {
        let owed = self.seen_totals().rewards_owed;
        let pot = exchange.funds().validators - owed;
        assert!(pot >= Usd::ZERO, "no more is owed than there is");
        let committee = self.committee();
        let seats = u64::try_from(committee.seats.len()).unwrap_or(u64::MAX);
        let per_seat = u64::try_from(pot.0).unwrap_or(0).checked_div(seats).unwrap_or(0);
        let mut given = Usd::ZERO;
        for (id, part) in self.parts(&committee, per_seat) {
            given += self.give(id, usd(part));
        }
        self.totals().rewards_owed += given;
        if given > Usd::ZERO {
            let epoch = self.epoch();
            self.events.push(ChainEvent::Rewarded { epoch, amount: given });
        }
    }

    /// What each validator's seats earn by their participation; all of it while nobody says who
    /// took part.
    fn parts(&self, committee: &Committee, per_seat: u64) -> BTreeMap<ValidatorId, u64> {
        let attendance = self.state.attendance.get(Only).cloned().unwrap_or_default();
        let mut parts = BTreeMap::new();
        for (place, seat) in committee.seats.iter().enumerate() {
            let signed = attendance.signed.get(place).copied().unwrap_or(0);
            let blocks = u64::from(attendance.blocks);
            let part = match blocks {
                0 => per_seat,
                _ => mul_div_floor(per_seat, u64::from(signed), blocks).unwrap_or(0),
            };
            *parts.entry(seat.validator).or_insert(0) += part;
        }
        parts
    }

    /// Gives a validator and its delegators their part; how much of it was given.
    fn give(&mut self, id: ValidatorId, part: Usd) -> Usd {
        let Some(validator) = self.state.validators.get_mut(id) else { return Usd::ZERO };
        let is_sound = validator.standing == Standing::Active;
        if !is_sound || validator.shares == 0 || part <= Usd::ZERO {
            return Usd::ZERO;
        }
        let commission = usd_share_floor(part, validator.commission);
        let rest = u128::try_from((part - commission).0).unwrap_or(0);
        let per_share = (rest << INDEX_BITS) / u128::from(validator.shares);
        validator.reward_index = validator.reward_index.saturating_add(per_share);
        let (owner, index) = (validator.owner, validator.reward_index);
        if commission > Usd::ZERO {
            let fresh = || Delegation { reward_mark: index, ..Delegation::default() };
            self.state.delegations.get_or_make((id, owner), fresh).due += commission;
        }
        part
    }

    /// Pays a delegator's rewards out and frees its matured stake (S3, S5).
    pub(crate) fn collect(
        &mut self,
        exchange: &mut Exchange,
        delegator: SignerId,
        id: ValidatorId,
    ) -> Result<(), ChainReject> {
        self.validator(id)?;
        let rewards = self.pay_rewards(exchange, delegator, id);
        let stake = self.free_matured(delegator, id);
        if rewards == Usd::ZERO && stake == Stake::ZERO {
            return Err(ChainReject::of(ChainRejectCode::NothingToCollect));
        }
        self.events.push(ChainEvent::Collected { validator: id, delegator, rewards, stake });
        Ok(())
    }

    /// Pays rewards to the delegator's first account; none if the venue cannot open one.
    fn pay_rewards(
        &mut self,
        exchange: &mut Exchange,
        delegator: SignerId,
        id: ValidatorId,
    ) -> Usd {
        self.settle_rewards(id, delegator);
        let due = self.state.delegations.get((id, delegator)).map_or(Usd::ZERO, |held| held.due);
        let Some(owner) = exchange.signer_record(delegator).map(|record| record.key) else {
            return Usd::ZERO;
        };
        let pay = SystemCommand::PayValidators { owner, sub: 0, amount: due };
        if due <= Usd::ZERO || venue(exchange, &pay).is_err() {
            return Usd::ZERO;
        }
        self.totals().rewards_owed -= due;
        if let Some(held) = self.state.delegations.get_mut((id, delegator)) {
            held.due = Usd::ZERO;
        }
        self.tidy_delegation(id, delegator);
        due
    }

    /// Sets a validator's commission: up by a limited step per epoch, down at will (S5).
    pub(crate) fn set_commission(
        &mut self,
        owner: SignerId,
        commission: Ppm,
    ) -> Result<(), ChainReject> {
        let id = self.validator_of(owner)?;
        let (params, epoch) = (self.params(), self.epoch());
        let validator = self.validator(id)?;
        let before = match validator.commission_epoch == epoch {
            true => validator.commission_before,
            false => validator.commission,
        };
        let most = before.0.saturating_add(params.commission_rise_max.0);
        let most = Ppm(most.min(params.commission_max.0).max(validator.commission.0));
        self.check_commission(commission, most)?;
        let validator = self.validator(id)?;
        validator.commission = commission;
        validator.commission_before = before;
        validator.commission_epoch = epoch;
        self.events.push(ChainEvent::CommissionSet { validator: id, commission });
        Ok(())
    }

    pub(crate) fn check_commission(&self, commission: Ppm, most: Ppm) -> Result<(), ChainReject> {
        if (0..=most.0).contains(&commission.0) {
            return Ok(());
        }
        let code = ChainRejectCode::CommissionRange;
        Err(ChainReject::beyond(code, commission.0, most.0))
    }
}
