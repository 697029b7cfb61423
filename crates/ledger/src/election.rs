//! Committees: who votes in an epoch, and the seed of its leaders (S4, O3).
//!
//! Seats are equal and go to validators by highest averages: the next seat to whoever has the most
//! stake for each seat that it would then have, up to the number of its keys. So votes follow
//! stake, one validator has at most `seats_per_validator` of them, and whether one is elected does
//! not depend on the order in which anybody came. Ties go to the lower first key.
//!
//! Source: the method of D'Hondt.

use crate::arithmetic::mul_div_floor;
use crate::ledger::Chain;
use crate::state::key::Only;
use crate::state::leaves::{Attendance, Committee, EpochRecord, Seat, Standing};
use alloc::collections::BTreeSet;
use alloc::vec::Vec;
use core::cmp::Ordering;
use lockstep_types::chain::params::EPOCHS_KEPT;
use lockstep_types::chain::{ChainEvent, Stake, ValidatorKey};
use lockstep_types::codec::{Bounded, Encode};
use lockstep_types::ids::ValidatorId;

/// Committees that are kept after their epoch, for who follows from further back.
pub const COMMITTEES_KEPT: u64 = 16;
/// Records of old epochs that are dropped in one epoch, so that a shorter unbonding period is
/// caught up with.
const RECORDS_DROPPED: usize = 16;
/// Domain of a committee's seed.
const SEED_DOMAIN: &[u8] = b"lockstep/seed/v1";

/// Who stands for election.
#[derive(Clone, Debug)]
pub(crate) struct Candidate {
    pub(crate) validator: ValidatorId,
    pub(crate) stake: Stake,
    pub(crate) keys: Vec<ValidatorKey>,
}

impl Candidate {
    /// Its stake for each seat, with one more than it has, against another's; then the lower key.
    fn before(&self, seats: usize, other: &Self, other_seats: usize) -> Ordering {
        let wide = |count: usize| u128::try_from(count).unwrap_or(u128::MAX) + 1;
        let own = u128::from(self.stake.0) * wide(other_seats);
        let others = u128::from(other.stake.0) * wide(seats);
        own.cmp(&others).then_with(|| other.keys.cmp(&self.keys))
    }
}

/// Divides `seats` among candidates, each of whom may hold `cap` and as many as it has keys; gives
/// the seats in order of key. At most seats times candidates comparisons.
pub(crate) fn apportion(candidates: &[Candidate], seats: u16, cap: u8) -> Vec<Seat> {
    let mut held = alloc::vec![0_usize; candidates.len()];
    for _ in 0..seats {
        let open = candidates.iter().zip(&held).enumerate().filter(|(_, (candidate, held))| {
            **held < usize::from(cap).min(candidate.keys.len()) && candidate.stake > Stake::ZERO
        });
        let best = open.max_by(|(_, (one, one_held)), (_, (other, other_held))| {
            one.before(**one_held, other, **other_held)
        });
        let Some((place, _)) = best else { break };
        held[place] += 1;
    }
    let mut seated = Vec::new();
    for (candidate, count) in candidates.iter().zip(held) {
        let divisor = u64::try_from(count).unwrap_or(u64::MAX);
        let stake = Stake(mul_div_floor(candidate.stake.0, 1, divisor).unwrap_or(0));
        let validator = candidate.validator;
        seated.extend(candidate.keys.iter().take(count).map(|&key| Seat { key, validator, stake }));
    }
    seated.sort_by_key(|seat| seat.key);
    seated
}

impl Chain {
    /// Elects the committee of an epoch. If nobody can be elected the current one stays: a chain
    /// without a committee could never have another.
    pub(crate) fn elect(&mut self, epoch: u64) {
        let params = self.params();
        let mut candidates = Vec::new();
        for (id, validator) in self.state.validators.iter() {
            if validator.standing == Standing::Active
                && self.self_stake(*id, validator) >= params.self_stake_min
            {
                let (stake, keys) = (validator.tokens, validator.keys.to_vec());
                candidates.push(Candidate { validator: *id, stake, keys });
            }
        }
        let mut seats = apportion(&candidates, params.seats, params.seats_per_validator);
        if seats.is_empty() {
            seats = self.committee().seats.into_vec();
        }
        let stake = Stake(seats.iter().map(|seat| seat.stake.0).sum());
        let seed = self.next_seed(epoch);
        let count = u16::try_from(seats.len()).unwrap_or(u16::MAX);
        let seats = Bounded::new(seats).unwrap_or_default();
        self.state.committees.set(epoch, Some(Committee { epoch, seed, seats }));
        if let Some(old) = epoch.checked_sub(COMMITTEES_KEPT + 1) {
            self.state.committees.set(old, None);
        }
        self.events.push(ChainEvent::Elected { epoch, seats: count, stake });
    }

    fn next_seed(&mut self, epoch: u64) -> [u8; 32] {
        let mut bytes = Vec::from(SEED_DOMAIN);
        self.seen_totals().seed.encode(&mut bytes);
        epoch.encode(&mut bytes);
        let seed = *blake3::hash(&bytes).as_bytes();
        self.totals().seed = seed;
        seed
    }

    /// Begins an epoch: its record, nobody's attendance yet, and what is too old goes.
    pub(crate) fn open_epoch(&mut self) {
        let (epoch, started) = (self.epoch(), self.now());
        let bonded = self.bonded();
        self.state.epochs.set(epoch, Some(EpochRecord { started, bonded }));
        let committee = self.committee();
        let signed = Bounded::new(alloc::vec![0; committee.seats.len()]).unwrap_or_default();
        self.state.attendance.set(Only, Some(Attendance { blocks: 0, signed }));
        let records = self.state.epochs.iter().map(|(epoch, _)| *epoch);
        let old: Vec<u64> =
            records.take(RECORDS_DROPPED).filter(|old| !self.is_slashable(*old)).collect();
        for epoch in old {
            self.state.epochs.set(epoch, None);
            self.drop_offences(epoch);
        }
    }

    /// Whether evidence of an epoch is still taken: the stake of its last block could not have been
    /// collected yet.
    pub(crate) fn is_slashable(&self, epoch: u64) -> bool {
        let ended = match self.state.epochs.get(epoch.saturating_add(1)) {
            Some(next) => next.started,
            None => self.now(),
        };
        let is_remembered = epoch.saturating_add(EPOCHS_KEPT) > self.epoch();
        is_remembered && self.now() < ended.plus(self.params().unbonding)
    }

    /// All stake that is bonded to validators that have not offended.
    pub(crate) fn bonded(&self) -> Stake {
        let sound = |standing| standing != Standing::Tombstoned;
        let validators = self.state.validators.iter().map(|(_, validator)| validator);
        let sound = validators.filter(|validator| sound(validator.standing));
        Stake(sound.map(|validator| validator.tokens.0).sum())
    }

    /// Validators with a seat now or in the next epoch.
    pub(crate) fn seated(&self) -> BTreeSet<ValidatorId> {
        let epoch = self.epoch();
        let committees = self.state.committees.range(epoch..).map(|(_, committee)| committee);
        committees.flat_map(|known| known.seats.iter().map(|seat| seat.validator)).collect()
    }
}

#[cfg(test)]
mod tests;
