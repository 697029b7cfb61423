//! An independent account of all stake: every delegation and every unbonding entry by itself, as a
//! number that each slash multiplies. No shares, no pools. The ledger must agree with it.

use crate::chaos::{Chaos, OWNERS};
use crate::properties::over_runs;
use lockstep_ledger::{Block, SystemItem};
use lockstep_types::chain::ChainEvent;
use lockstep_types::ids::{SignerId, ValidatorId};
use std::collections::BTreeMap;

/// Rounding of the ledger that adds up over a run, in millionths of a token.
const TOLERANCE: f64 = 400.0;

#[derive(Clone, Copy, Debug)]
struct Leaving {
    validator: ValidatorId,
    owner: SignerId,
    epoch: u64,
    amount: f64,
}

#[derive(Debug, Default)]
struct Model {
    free: BTreeMap<SignerId, f64>,
    bonded: BTreeMap<(ValidatorId, SignerId), f64>,
    leaving: Vec<Leaving>,
    /// When what left in an epoch matures: with the latest of it.
    matures: BTreeMap<(ValidatorId, u64), i64>,
    /// The share that offenders have lost, and their epoch.
    lost: BTreeMap<ValidatorId, (f64, u64)>,
    treasury: f64,
}

fn parts(ppm: i64) -> f64 {
    ppm as f64 / 1e6
}

impl Model {
    fn of(chaos: &Chaos) -> Self {
        let mut model = Self::default();
        for owner in 0..8 {
            let signer = chaos.network.signer(owner);
            model.free.insert(signer, chaos.network.free(owner) as f64);
            if owner < 4 {
                let validator = chaos.network.validator(owner);
                model.bonded.insert((validator, signer), 1_000_000_000.0);
            }
        }
        model
    }

    fn pay(&mut self, owner: SignerId, amount: f64) {
        *self.free.entry(owner).or_default() += amount;
    }

    /// Follows the events of a block.
    fn follow(&mut self, chaos: &Chaos, block: &Block, events: &[ChainEvent]) {
        let ledger = &chaos.network.ledger;
        let (now, epoch) = (block.time.0, ledger.epoch_of(block.height));
        let payees: Vec<_> = block
            .system
            .iter()
            .filter_map(|item| match item {
                SystemItem::Evidence(one) => Some((one.offender, one.reporter, one.epoch)),
                _ => None,
            })
            .collect();
        for event in events {
            match event {
                ChainEvent::Delegated { validator, delegator, amount } => {
                    self.pay(*delegator, -(amount.0 as f64));
                    let held = self.bonded.entry((*validator, *delegator)).or_default();
                    *held += amount.0 as f64;
                }
                ChainEvent::Undelegated { validator, delegator, amount, matures } => {
                    let (validator, owner) = (*validator, *delegator);
                    let amount = amount.0 as f64;
                    *self.bonded.get_mut(&(validator, owner)).unwrap() -= amount;
                    self.leaving.push(Leaving { validator, owner, epoch, amount });
                    self.matures.insert((validator, epoch), matures.0);
                }
                ChainEvent::Collected { validator, delegator, stake, .. } => {
                    let (validator, owner) = (*validator, *delegator);
                    let matures = &self.matures;
                    let is_due = |one: &Leaving| {
                        let key = (validator, one.epoch);
                        one.validator == validator && one.owner == owner && matures[&key] <= now
                    };
                    let due: f64 =
                        self.leaving.iter().filter(|one| is_due(one)).map(|one| one.amount).sum();
                    self.leaving.retain(|one| !is_due(one));
                    let found = stake.0 as f64;
                    assert!((due - found).abs() < TOLERANCE, "{due} was due, {found} came");
                    self.pay(owner, found);
                }
                ChainEvent::StakeSent { from, to, amount } => {
                    self.pay(*from, -(amount.0 as f64));
                    self.pay(*to, amount.0 as f64);
                }
                ChainEvent::Slashed { validator, share, amount, reward } => {
                    let mut offence = None;
                    for (offender, reporter, epoch) in &payees {
                        if ledger.validator_of_key(*offender) == Some(*validator) {
                            offence.get_or_insert((*reporter, *epoch));
                        }
                    }
                    let known = self.lost.get(validator).copied();
                    let of_epoch = match (known, offence) {
                        (Some((_, epoch)), _) => epoch,
                        // Several in a block: the one that was taken says its epoch.
                        (None, _) => ledger.offence(*validator).unwrap().0,
                    };
                    let taken = self.slash(*validator, of_epoch, parts(share.0), now);
                    let (found, reward) = (amount.0 as f64, reward.0 as f64);
                    assert!((taken - found).abs() < TOLERANCE, "{taken} to lose, {found} lost");
                    self.treasury += found - reward;
                    if reward > 0.0 {
                        let (reporter, _) = offence.unwrap();
                        let payee = ledger.validator_of_key(reporter).unwrap();
                        self.pay(ledger.validator(payee).unwrap().record.owner, reward);
                    }
                }
                _ => {}
            }
        }
    }

    fn slash(&mut self, validator: ValidatorId, epoch: u64, to: f64, now: i64) -> f64 {
        let from = self.lost.insert(validator, (to, epoch)).map_or(0.0, |(share, _)| share);
        let keep = if from < 1.0 { (1.0 - to) / (1.0 - from) } else { 1.0 };
        let mut taken = 0.0;
        for (key, held) in &mut self.bonded {
            if key.0 == validator {
                taken += *held * (1.0 - keep);
                *held *= keep;
            }
        }
        for one in &mut self.leaving {
            let matures = self.matures[&(one.validator, one.epoch)];
            if one.validator == validator && one.epoch >= epoch && matures > now {
                taken += one.amount * (1.0 - keep);
                one.amount *= keep;
            }
        }
        taken
    }

    fn compare(&self, chaos: &Chaos) {
        let near = |what: &str, model: f64, found: u64| {
            assert!((model - found as f64).abs() < TOLERANCE, "{what}: {model} but {found}");
        };
        let ledger = &chaos.network.ledger;
        for owner in 0..u8::try_from(OWNERS).unwrap() {
            let signer = chaos.network.signer(owner);
            near("free", self.free[&signer], ledger.free_stake(signer).0);
            for validator in 0..12 {
                let validator = ValidatorId(validator);
                let view = ledger.delegation(signer, validator);
                let bonded = self.bonded.get(&(validator, signer)).copied().unwrap_or(0.0);
                near("bonded", bonded, view.bonded.0);
                let leaving = self.leaving.iter();
                let of = leaving.filter(|one| one.validator == validator && one.owner == signer);
                near("unbonding", of.map(|one| one.amount).sum(), view.unbonding.0);
            }
        }
        near("treasury", self.treasury, ledger.totals().treasury.0);
    }
}

#[test]
fn shares_and_pools_are_worth_what_each_delegation_is_by_itself() {
    let (mut slashes, mut collected) = (0, 0);
    over_runs(7_000, 6_000, |mut chaos| {
        let mut model = Model::of(&chaos);
        for _ in 0..150 {
            let block = chaos.block();
            chaos.network.ledger.execute(&block).unwrap();
            let events = chaos.network.ledger.chain_events().to_vec();
            model.follow(&chaos, &block, &events);
            model.compare(&chaos);
            for event in &events {
                slashes += u64::from(matches!(event, ChainEvent::Slashed { .. }));
                collected +=
                    u64::from(matches!(event, ChainEvent::Collected { stake, .. } if stake.0 > 0));
            }
        }
    });
    assert!(slashes > 20 && collected > 20, "{slashes} slashes, {collected} collected");
}
