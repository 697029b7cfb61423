//! Money in and out: the bridge's deposits, the faucet, withdrawals (B1 to B4).
//!
//! Escrow is what the bridge holds for the chain: deposits credited less withdrawals paid. It is
//! always the exchange's deposits plus the withdrawals that wait, so that nothing leaves that did
//! not come in. Deposits are credited in the bridge's order, when more than two thirds of the
//! committee's stake has said the same of one. A withdrawal leaves its account at once, waits its
//! time, and is paid within the limit of its window; one per account waits, and a second adds to it
//! and begins to wait anew.
//!
//! Deliberately absent: the other side of the bridge. It reads paid withdrawals from certified
//! events.

use crate::arithmetic::usd_share_floor;
use crate::block::DepositWord;
use crate::ledger::{Chain, venue};
use crate::state::key::Only;
use crate::state::leaves::{DepositClaim, Withdrawal};
use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use lockstep_exchange::Exchange;
use lockstep_types::chain::{ChainEvent, ChainReject, ChainRejectCode, Stake};
use lockstep_types::command::SystemCommand;
use lockstep_types::event::Event;
use lockstep_types::ids::{AccountId, SignerId, ValidatorId};
use lockstep_types::units::{TimeMs, Usd};

/// Deposits beyond the last credited one that validators may speak of.
pub const DEPOSITS_AHEAD_MAX: u64 = 256;
/// Escrow at most, as the exchange bounds its deposits (L6): those and what waits to be paid out
/// stay far from the range's end together.
pub const ESCROW_MAX: Usd = Usd(1 << 60);
/// Withdrawals that one block pays.
pub const WITHDRAWALS_PER_BLOCK: usize = 256;

/// What the faucet hands out.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Gift {
    pub(crate) owner: [u8; 32],
    pub(crate) sub: u8,
    pub(crate) amount: Usd,
    pub(crate) stake: Stake,
}

impl Chain {
    /// Notes what a validator says of a deposit, and credits what enough have spoken of (B1).
    pub(crate) fn hear_deposit(
        &mut self,
        exchange: &mut Exchange,
        word: &DepositWord,
    ) -> Result<(), ChainReject> {
        let id = self.seated_validator(word.validator)?;
        let last = self.seen_totals().deposits;
        let most = last.saturating_add(DEPOSITS_AHEAD_MAX);
        if word.number <= last || word.number > most {
            let code = ChainRejectCode::DepositNumber;
            return Err(ChainReject::amount(code, word.number, most));
        }
        if self.state.claims.get((word.number, id)).is_some() {
            return Err(ChainReject::of(ChainRejectCode::DepositTwice));
        }
        let DepositWord { owner, sub, amount, .. } = *word;
        self.state.claims.set((word.number, id), Some(DepositClaim { owner, sub, amount }));
        for number in last + 1..=most {
            let Some(claim) = self.agreed(number) else { break };
            self.settle_deposit(exchange, number, claim);
        }
        Ok(())
    }

    /// What more than two thirds of the committee's stake say of a deposit.
    fn agreed(&self, number: u64) -> Option<DepositClaim> {
        let mut all = 0_u128;
        let mut said: BTreeMap<DepositClaim, u128> = BTreeMap::new();
        for seat in self.committee().seats.iter() {
            let stake = u128::from(seat.stake.0);
            all += stake;
            if let Some(claim) = self.state.claims.get((number, seat.validator)) {
                *said.entry(*claim).or_insert(0) += stake;
            }
        }
        said.into_iter().find(|(_, stake)| stake * 3 > all * 2).map(|(claim, _)| claim)
    }

    /// Credits a deposit in the exchange and in escrow; whether both take it.
    fn credit(&mut self, exchange: &mut Exchange, claim: DepositClaim, number: u64) -> bool {
        let DepositClaim { owner, sub, amount } = claim;
        let sum = self.seen_totals().escrow.checked_add(amount);
        let Some(sum) = sum.filter(|sum| *sum <= ESCROW_MAX) else { return false };
        if venue(exchange, &SystemCommand::Deposit { owner, sub, amount }).is_err() {
            return false;
        }
        self.totals().escrow = sum;
        self.events.push(ChainEvent::DepositCredited { number, amount });
        true
    }

    fn settle_deposit(&mut self, exchange: &mut Exchange, number: u64, claim: DepositClaim) {
        self.totals().deposits = number;
        let (first, last) = (ValidatorId(0), ValidatorId(u16::MAX));
        let claims = self.state.claims.range((number, first)..=(number, last));
        let claims: Vec<(u64, ValidatorId)> = claims.map(|(key, _)| *key).collect();
        claims.into_iter().for_each(|key| self.state.claims.set(key, None));
        if !self.credit(exchange, claim, number) {
            self.events.push(ChainEvent::DepositReturned { number, amount: claim.amount });
        }
    }

    /// Hands out test money and stake (B2).
    pub(crate) fn hand_out(
        &mut self,
        exchange: &mut Exchange,
        signer: SignerId,
        gift: Gift,
    ) -> Result<(), ChainReject> {
        let faucet = self.state.charter.get(Only).and_then(|charter| charter.faucet);
        if faucet != Some(signer) {
            return Err(ChainReject::of(ChainRejectCode::NotFaucet));
        }
        let free = self.free(signer);
        if gift.stake > free {
            let code = ChainRejectCode::FreeStake;
            return Err(ChainReject::amount(code, gift.stake.0, free.0));
        }
        let Gift { owner, sub, amount, stake } = gift;
        if amount != Usd::ZERO {
            let claim = DepositClaim { owner, sub, amount };
            if !self.credit(exchange, claim, 0) {
                let (code, limit) = (ChainRejectCode::DepositRefused, ESCROW_MAX.0);
                return Err(ChainReject::beyond(code, amount.0, limit));
            }
        }
        if stake > Stake::ZERO {
            let unknown = ChainReject::of(ChainRejectCode::UnknownOwner);
            let to = exchange.signer_of(owner).ok_or(unknown)?;
            self.take_free(signer, stake)?;
            self.add_free(to, stake);
            self.events.push(ChainEvent::StakeSent { from: signer, to, amount: stake });
        }
        Ok(())
    }

    /// Queues what left accounts in this block (B3).
    pub(crate) fn queue_withdrawals(&mut self, exchange: &Exchange) {
        for event in exchange.events() {
            if let Event::Withdrawn { account, amount } = event {
                self.queue_withdrawal(*account, *amount);
            }
        }
    }

    fn queue_withdrawal(&mut self, account: AccountId, amount: Usd) {
        let due = self.now().plus(self.params().withdrawal_delay);
        let mut sum = amount;
        if let Some(waiting) = self.state.withdrawals.get(account) {
            sum += waiting.amount;
            self.state.dues.set((waiting.due, account), None);
        }
        self.state.withdrawals.set(account, Some(Withdrawal { amount: sum, due }));
        self.state.dues.set((due, account), Some(true));
        self.totals().withdrawals_pending += amount;
        self.events.push(ChainEvent::WithdrawalQueued { account, amount: sum, due });
    }

    /// How much this window still lets out; a new one begins when it is time.
    fn window_left(&mut self) -> Usd {
        let params = self.params();
        let number = self.now().0.div_euclid(params.withdrawal_window.0.max(1));
        let state = self.totals();
        if state.window != number {
            state.window = number;
            state.window_paid = Usd::ZERO;
            state.window_escrow = state.escrow;
        }
        let share = usd_share_floor(state.window_escrow, params.withdrawal_share);
        Usd((share.max(params.withdrawal_floor) - state.window_paid).0.max(0))
    }

    /// Pays withdrawals that have waited, the longest due first, as far as the limits go (B3, H3).
    pub(crate) fn pay_withdrawals(&mut self, exchange: &Exchange) {
        let now = self.now();
        let state = self.seen_totals();
        if state.outage.is_some() || now < state.withdrawals_from {
            return;
        }
        let mut left = self.window_left();
        let due = self.state.dues.range(..=(now, AccountId(u32::MAX)));
        let due: Vec<(TimeMs, AccountId)> =
            due.take(WITHDRAWALS_PER_BLOCK).map(|(key, _)| *key).collect();
        for (due, account) in due {
            if left == Usd::ZERO {
                break;
            }
            let Some(waiting) = self.state.withdrawals.get(account).copied() else { continue };
            let amount = waiting.amount.min(left);
            left -= amount;
            let rest = waiting.amount - amount;
            let kept = (rest > Usd::ZERO).then_some(Withdrawal { amount: rest, ..waiting });
            if kept.is_none() {
                self.state.dues.set((due, account), None);
            }
            self.state.withdrawals.set(account, kept);
            self.pay(exchange, account, amount);
        }
    }

    fn pay(&mut self, exchange: &Exchange, account: AccountId, amount: Usd) {
        let state = self.totals();
        state.withdrawals_pending -= amount;
        state.escrow -= amount;
        state.window_paid += amount;
        let record = exchange.owner_of(account).and_then(|owner| exchange.signer_record(owner));
        assert!(record.is_some(), "what was withdrawn from is somebody's");
        let owner = record.map(|record| record.key).unwrap_or_default();
        self.events.push(ChainEvent::WithdrawalPaid { account, owner, amount });
    }
}
