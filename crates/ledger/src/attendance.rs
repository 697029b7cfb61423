//! Attendance: who took part in an epoch, and who was absent too long (S5, S7).
//!
//! Proposers say who signed their parent's certificate. A certificate has a quorum of signatures,
//! not all of them, so that a slow seat misses many through no fault: rewards are scaled by it, but
//! nobody is jailed for it alone. Absent is whose part is below a small share of the network's own
//! median in both, certificates and reports; after several such epochs in a row it is jailed and
//! may come back after a time. Nothing is slashed.
//!
//! Deliberately absent: proposers' own views that a block was missed, which they could make up.

use crate::arithmetic::{WHOLE, parts};
use crate::block::Participation;
use crate::ledger::Chain;
use crate::state::key::Only;
use crate::state::leaves::Standing;
use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use lockstep_types::chain::{ChainEvent, ChainReject, ChainRejectCode};
use lockstep_types::codec::Bounded;
use lockstep_types::ids::{SignerId, ValidatorId};

/// What a validator did in an epoch.
#[derive(Clone, Copy, Debug, Default)]
struct Part {
    /// Certificates that its most present seat signed.
    signed: u32,
    /// Reports that counted.
    reports: u32,
}

/// The upper median.
fn median(mut values: Vec<u32>) -> u32 {
    let middle = values.len() / 2;
    if values.is_empty() { 0 } else { *values.select_nth_unstable(middle).1 }
}

impl Chain {
    /// Counts who signed the parent's certificate.
    pub(crate) fn attend(&mut self, participation: &Participation) {
        if participation.0.is_empty() {
            return;
        }
        let Some(attendance) = self.state.attendance.get_mut(Only) else { return };
        attendance.blocks = attendance.blocks.saturating_add(1);
        let counted = attendance.signed.iter().enumerate();
        let counted = counted.map(|(seat, count)| count + u32::from(participation.has(seat)));
        attendance.signed = Bounded::new(counted.collect()).unwrap_or_default();
    }

    /// What each validator with a seat did in this epoch.
    fn present(&self) -> BTreeMap<ValidatorId, Part> {
        let attendance = self.state.attendance.get(Only).cloned().unwrap_or_default();
        let epoch = self.epoch();
        let mut parts: BTreeMap<ValidatorId, Part> = BTreeMap::new();
        for (place, seat) in self.committee().seats.iter().enumerate() {
            let part = parts.entry(seat.validator).or_default();
            part.signed = part.signed.max(attendance.signed.get(place).copied().unwrap_or(0));
            let word = self.state.words.get(seat.validator);
            part.reports = word.filter(|word| word.epoch == epoch).map_or(0, |word| word.reports);
        }
        parts
    }

    /// Grades the epoch's validators; jails who was absent too long.
    pub(crate) fn grade(&mut self) {
        let blocks = self.state.attendance.get(Only).map_or(0, |attendance| attendance.blocks);
        if blocks == 0 {
            return;
        }
        let present = self.present();
        let signed_median = median(present.values().map(|part| part.signed).collect());
        let reports_median = median(present.values().map(|part| part.reports).collect());
        let (params, now) = (self.params(), self.now());
        let is_below = |count: u32, median: u32| {
            u64::from(count) * WHOLE < u64::from(median) * parts(params.absence_share)
        };
        for (id, part) in present {
            let Some(validator) = self.state.validators.get_mut(id) else { continue };
            // Where nobody reports, reports say nothing.
            let silent = reports_median == 0 || is_below(part.reports, reports_median);
            if !(silent && is_below(part.signed, signed_median)) {
                validator.absent_epochs = 0;
                continue;
            }
            validator.absent_epochs = validator.absent_epochs.saturating_add(1);
            let is_long = validator.absent_epochs >= params.absence_epochs;
            if is_long && validator.standing == Standing::Active {
                let until = now.plus(params.jail);
                validator.standing = Standing::Jailed { until };
                validator.absent_epochs = 0;
                self.events.push(ChainEvent::Jailed { validator: id, until });
            }
        }
    }

    /// Lets a validator come back whose jail term is over (S7).
    pub(crate) fn unjail(&mut self, owner: SignerId) -> Result<(), ChainReject> {
        let id = self.validator_of(owner)?;
        let now = self.now();
        let validator = self.validator(id)?;
        match validator.standing {
            Standing::Jailed { until } if until > now => {
                Err(ChainReject::beyond(ChainRejectCode::JailTerm, now.0, until.0))
            }
            Standing::Jailed { .. } => {
                validator.standing = Standing::Active;
                self.events.push(ChainEvent::Unjailed { validator: id });
                Ok(())
            }
            Standing::Tombstoned => Err(ChainReject::of(ChainRejectCode::Tombstoned)),
            Standing::Active => Err(ChainReject::of(ChainRejectCode::NotJailed)),
        }
    }
}
