//! Evidence: what two votes of one key prove, and what it costs (S6).
//!
//! An offence takes a fixed share of the stake behind the offender and beside it a multiple of the
//! share of all stake that offended within the window: a fault of one costs little, an attack by a
//! third costs everything. Who offended before in the window is brought up to the same share when
//! another is found. Stake that left since the offence is slashed like what stayed. A part of what
//! the new offender loses is paid to whoever handed the evidence in, the rest is the treasury's.
//!
//! A validator is slashed for one offence and is out for ever, so that nothing is taken twice.
//!
//! Invariants: no share exceeds a whole, whatever comes together; rounding goes against the
//! offender. Deliberately absent: the check of the proof, which takes the consensus engine's
//! encoding and the committee of that epoch (the node has made it before it votes for a block).

use crate::arithmetic::{WHOLE, mul_div_ceil, parts, share_floor};
use crate::block::Evidence;
use crate::ledger::{Chain, venue};
use crate::state::leaves::{Offence, Standing};
use alloc::vec::Vec;
use lockstep_exchange::Exchange;
use lockstep_types::chain::{ChainEvent, ChainParams, ChainReject, ChainRejectCode, Stake};
use lockstep_types::command::SystemCommand;
use lockstep_types::ids::{ReporterId, ValidatorId};
use lockstep_types::units::Ppm;

/// What is taken of `tokens` so that the share taken of what they were goes from `from` to `to`,
/// rounded up.
pub(crate) fn cut(tokens: Stake, from: Ppm, to: Ppm) -> Stake {
    let (from, to) = (parts(from), parts(to));
    let more = to.saturating_sub(from);
    if more == 0 {
        return Stake::ZERO;
    }
    let taken = mul_div_ceil(tokens.0, more, WHOLE - from).unwrap_or(tokens.0);
    Stake(taken.min(tokens.0))
}

/// The share that an offence costs when `offended` of all `bonded` stake did so in its window.
fn penalty(params: &ChainParams, offended: u128, bonded: Stake) -> Ppm {
    let multiple = u128::try_from(params.slash_correlation.0).unwrap_or(0);
    let bonded = u128::from(bonded.0).max(1);
    let correlated = offended.min(bonded) * multiple / bonded;
    let share = correlated.saturating_add(u128::from(parts(params.slash_share)));
    Ppm(i64::try_from(share.min(u128::from(WHOLE))).unwrap_or(0))
}

impl Chain {
    /// Takes evidence in.
    ///
    /// # Errors
    /// `EvidenceKey`, `EvidenceKnown`, `EvidenceFuture`, `EvidenceTooOld`.
    pub(crate) fn take_evidence(
        &mut self,
        exchange: &mut Exchange,
        evidence: &Evidence,
    ) -> Result<(), ChainReject> {
        let epoch = evidence.epoch;
        let unknown = ChainReject::of(ChainRejectCode::EvidenceKey);
        let id = *self.state.keys.get(evidence.offender).ok_or(unknown)?;
        let now = self.epoch();
        if epoch > now {
            let code = ChainRejectCode::EvidenceFuture;
            return Err(ChainReject::amount(code, epoch, now));
        }
        let too_old = ChainReject::amount(ChainRejectCode::EvidenceTooOld, epoch, now);
        let record = self.state.epochs.get(epoch).copied().ok_or(too_old)?;
        if !self.is_slashable(epoch) {
            return Err(too_old);
        }
        if self.validator(id)?.standing == Standing::Tombstoned {
            return Err(ChainReject::of(ChainRejectCode::EvidenceKnown));
        }
        let stake = self.stake_behind(id, epoch);
        let params = self.params();
        let window = self.offences_near(epoch, params.slash_window_epochs);
        let others: u128 = window.iter().map(|(_, other)| u128::from(other.stake.0)).sum();
        let share = penalty(&params, others + u128::from(stake.0), record.bonded);
        let digest = *blake3::hash(&evidence.proof).as_bytes();
        let (kind, view) = (evidence.kind, evidence.view);
        let offence = Offence { kind, view, digest, stake, share };
        self.state.offences.set((epoch, id), Some(offence));
        let payee = self.state.keys.get(evidence.reporter).copied().filter(|payee| *payee != id);
        self.slash(id, epoch, Ppm::ZERO, share, payee);
        self.tombstone(exchange, id);
        for (key, other) in window {
            if other.share < share {
                self.slash(key.1, key.0, other.share, share, None);
                self.state.offences.set(key, Some(Offence { share, ..other }));
            }
        }
        Ok(())
    }

    fn tombstone(&mut self, exchange: &mut Exchange, id: ValidatorId) {
        if let Some(validator) = self.state.validators.get_mut(id) {
            validator.standing = Standing::Tombstoned;
        }
        self.events.push(ChainEvent::Tombstoned { validator: id });
        // Its prices count no longer; it may not have been a reporter.
        let reporter = ReporterId(id.0);
        let silence = SystemCommand::SetReporterWeight { reporter, weight: 0 };
        let _ = venue(exchange, &silence);
    }

    /// Offences whose epochs lie within the window of `epoch`; at most one of each validator.
    fn offences_near(&self, epoch: u64, window: u16) -> Vec<((u64, ValidatorId), Offence)> {
        let reach = u64::from(window.saturating_sub(1));
        let first = (epoch.saturating_sub(reach), ValidatorId(0));
        let last = (epoch.saturating_add(reach), ValidatorId(u16::MAX));
        let near = self.state.offences.range(first..=last);
        near.map(|(key, offence)| (*key, *offence)).collect()
    }

    /// Stake that an offence in `epoch` reaches: bonded, and what left in that epoch or later and
    /// has not matured.
    fn stake_behind(&self, id: ValidatorId, epoch: u64) -> Stake {
        let now = self.now();
        let mut stake = self.state.validators.get(id).map_or(Stake::ZERO, |known| known.tokens);
        for (_, pool) in self.state.pools.range((id, epoch)..=(id, u64::MAX)) {
            if pool.matures > now {
                stake += pool.tokens;
            }
        }
        stake
    }

    /// Takes the share from `from` to `to` of all stake that an offence in `epoch` reaches. At most
    /// one pool per epoch since, of which evidence is taken of [`EPOCHS_KEPT`] at most.
    ///
    /// [`EPOCHS_KEPT`]: lockstep_types::chain::params::EPOCHS_KEPT
    fn slash(
        &mut self,
        id: ValidatorId,
        epoch: u64,
        from: Ppm,
        to: Ppm,
        payee: Option<ValidatorId>,
    ) {
        let now = self.now();
        let mut amount = Stake::ZERO;
        if let Some(validator) = self.state.validators.get_mut(id) {
            let taken = cut(validator.tokens, from, to);
            validator.tokens -= taken;
            amount += taken;
        }
        let pools = self.state.pools.range((id, epoch)..=(id, u64::MAX));
        let open: Vec<(ValidatorId, u64)> =
            pools.filter(|(_, pool)| pool.matures > now).map(|(key, _)| *key).collect();
        for key in open {
            let Some(pool) = self.state.pools.get_mut(key) else { continue };
            let taken = cut(pool.tokens, from, to);
            pool.tokens -= taken;
            amount += taken;
        }
        let payee = payee.and_then(|payee| self.state.validators.get(payee));
        let reward = match payee.map(|payee| payee.owner) {
            Some(owner) => {
                let reward = Stake(share_floor(amount.0, self.params().evidence_reward));
                self.add_free(owner, reward);
                reward
            }
            None => Stake::ZERO,
        };
        let mut rest = amount;
        rest -= reward;
        self.totals().treasury += rest;
        self.events.push(ChainEvent::Slashed { validator: id, share: to, amount, reward });
    }

    /// Forgets the offences of an epoch of which no evidence is taken any more.
    pub(crate) fn drop_offences(&mut self, epoch: u64) {
        let old =
            self.state.offences.range((epoch, ValidatorId(0))..=(epoch, ValidatorId(u16::MAX)));
        let old: Vec<(u64, ValidatorId)> = old.map(|(key, _)| *key).collect();
        old.into_iter().for_each(|key| self.state.offences.set(key, None));
    }
}

#[cfg(test)]
mod tests;
