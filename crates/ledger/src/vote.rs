//! Parameters by vote (G1, G2).
//!
//! A validator proposes a change, validators vote with all the stake bonded to them, and in the
//! last block of each epoch the votes are counted: with more than the share that it takes, the
//! change holds from the first block of the next epoch. Parameters that would break the venue's or
//! the chain's safety are refused when they are proposed and again when they would take effect,
//! because something else may have changed in between.
//!
//! Deliberately absent: votes of delegators (they choose their validator), and anything else that
//! votes could decide, such as spending the treasury.

use crate::arithmetic::{WHOLE, parts};
use crate::ledger::{Chain, venue};
use crate::state::key::Only;
use crate::state::leaves::{Proposal, Standing};
use alloc::vec::Vec;
use lockstep_exchange::{Exchange, Fault};
use lockstep_types::chain::{ChainEvent, ChainParams, ChainReject, ChainRejectCode};
use lockstep_types::chain::{ParamChange, Stake};
use lockstep_types::command::SystemCommand;
use lockstep_types::ids::{SignerId, ValidatorId};
use lockstep_types::reject::Reject;

/// Proposals that are open or wait for their epoch; each validator has one at most.
pub const PROPOSALS_MAX: usize = 16;

/// What a change tells the venue; `None` for the chain's own parameters.
fn told(change: &ParamChange) -> Option<SystemCommand> {
    Some(match change {
        ParamChange::Chain(_) => return None,
        ParamChange::Venue(params) => SystemCommand::SetVenueParams(params.clone()),
        ParamChange::Underlying { underlying, params } => SystemCommand::SetUnderlyingParams {
            underlying: *underlying,
            params: (**params).clone(),
        },
        ParamChange::AddUnderlying(params) => SystemCommand::AddUnderlying((**params).clone()),
        ParamChange::List(name) => SystemCommand::List(*name),
    })
}

/// A rejection of the venue as one of the chain: its code is shown as the number.
fn of_venue(reject: Reject) -> ChainReject {
    let code = i64::from(reject.code as u8);
    ChainReject::beyond(ChainRejectCode::VenueRefuses, code, reject.limit)
}

impl Chain {
    /// Refuses parameters of the chain that it could not change to.
    fn check_params(&self, params: &ChainParams) -> Result<(), ChainReject> {
        params.check()?;
        let fixed = self.params().epoch_blocks;
        if params.epoch_blocks != fixed {
            let code = ChainRejectCode::EpochFixed;
            let (actual, limit) = (u64::from(params.epoch_blocks), u64::from(fixed));
            return Err(ChainReject::amount(code, actual, limit));
        }
        Ok(())
    }

    fn check_change(
        &self,
        exchange: &mut Exchange,
        change: &ParamChange,
    ) -> Result<(), ChainReject> {
        if let ParamChange::Chain(params) = change {
            return self.check_params(params);
        }
        let Some(command) = told(change) else { return Ok(()) };
        match exchange.check_parameters(&command) {
            Err(Fault::Reject(reject)) => Err(of_venue(*reject)),
            _ => Ok(()),
        }
    }

    /// Puts a change up for a vote (G1).
    pub(crate) fn propose(
        &mut self,
        exchange: &mut Exchange,
        owner: SignerId,
        change: &ParamChange,
    ) -> Result<(), ChainReject> {
        let validator = self.validator_of(owner)?;
        if self.validator(validator)?.standing == Standing::Tombstoned {
            return Err(ChainReject::of(ChainRejectCode::Tombstoned));
        }
        let has_one = self.state.proposals.iter().any(|(_, open)| open.validator == validator);
        if has_one || self.state.proposals.len() >= PROPOSALS_MAX {
            let limit = i64::try_from(PROPOSALS_MAX).unwrap_or(i64::MAX);
            return Err(ChainReject::beyond(ChainRejectCode::ProposalLimit, limit, limit));
        }
        self.check_change(exchange, change)?;
        let until_epoch = self.epoch().saturating_add(u64::from(self.params().vote_epochs));
        let state = self.totals();
        state.proposals = state.proposals.saturating_add(1);
        let proposal = state.proposals;
        let change = change.clone();
        let open = Proposal { validator, until_epoch, passed: false, change };
        self.state.proposals.set(proposal, Some(open));
        self.events.push(ChainEvent::Proposed { proposal, validator, until_epoch });
        Ok(())
    }

    /// Votes (G1).
    pub(crate) fn vote(
        &mut self,
        owner: SignerId,
        proposal: u32,
        approve: bool,
    ) -> Result<(), ChainReject> {
        let validator = self.validator_of(owner)?;
        if self.validator(validator)?.standing == Standing::Tombstoned {
            return Err(ChainReject::of(ChainRejectCode::Tombstoned));
        }
        let open = self.state.proposals.get(proposal).is_some_and(|known| !known.passed);
        if !open {
            return Err(ChainReject::of(ChainRejectCode::UnknownProposal));
        }
        self.state.votes.set((proposal, validator), Some(approve));
        self.events.push(ChainEvent::Voted { proposal, validator, approve });
        Ok(())
    }

    /// Stake for a proposal.
    fn approval(&self, proposal: u32) -> Stake {
        let (first, last) = (ValidatorId(0), ValidatorId(u16::MAX));
        let votes = self.state.votes.range((proposal, first)..=(proposal, last));
        let approving = votes.filter(|(_, approve)| **approve).map(|((_, voter), _)| *voter);
        let known = approving.filter_map(|voter| self.state.validators.get(voter));
        let sound = known.filter(|known| known.standing != Standing::Tombstoned);
        Stake(sound.map(|known| known.tokens.0).sum())
    }

    /// Counts the votes: at most [`PROPOSALS_MAX`] times the validators.
    pub(crate) fn tally(&mut self) {
        let (epoch, bonded) = (self.epoch(), self.bonded());
        let needed = u128::from(bonded.0) * u128::from(parts(self.params().vote_share));
        let open: Vec<(u32, u64)> = (self.state.proposals.iter())
            .filter(|(_, known)| !known.passed)
            .map(|(number, known)| (*number, known.until_epoch))
            .collect();
        for (proposal, until_epoch) in open {
            let stake = self.approval(proposal);
            let passed = u128::from(stake.0) * u128::from(WHOLE) > needed;
            if !passed && epoch < until_epoch {
                continue;
            }
            match self.state.proposals.get_mut(proposal).filter(|_| passed) {
                Some(known) => known.passed = true,
                None => self.state.proposals.set(proposal, None),
            }
            self.drop_votes(proposal);
            self.events.push(ChainEvent::Decided { proposal, passed, stake });
        }
    }

    fn drop_votes(&mut self, proposal: u32) {
        let (first, last) = (ValidatorId(0), ValidatorId(u16::MAX));
        let votes = self.state.votes.range((proposal, first)..=(proposal, last));
        let votes: Vec<(u32, ValidatorId)> = votes.map(|(key, _)| *key).collect();
        votes.into_iter().for_each(|key| self.state.votes.set(key, None));
    }

    /// Lets what passed take effect, in the order in which it was proposed (G2).
    pub(crate) fn activate(&mut self, exchange: &mut Exchange) {
        let passed = self.state.proposals.iter().filter(|(_, known)| known.passed);
        let passed: Vec<(u32, ParamChange)> =
            passed.map(|(number, known)| (*number, known.change.clone())).collect();
        for (proposal, change) in passed {
            self.state.proposals.set(proposal, None);
            let reject = self.apply(exchange, &change).err();
            self.events.push(ChainEvent::Activated { proposal, reject });
        }
    }

    fn apply(&mut self, exchange: &mut Exchange, change: &ParamChange) -> Result<(), ChainReject> {
        match (change, told(change)) {
            (ParamChange::Chain(params), _) => {
                self.check_params(params)?;
                self.state.params.set(Only, Some(**params));
                Ok(())
            }
            (_, Some(command)) => venue(exchange, &command).map_err(of_venue),
            (_, None) => Ok(()),
        }
    }
}
