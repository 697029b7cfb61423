//! Block trades: several parties, several legs, whole or not at all (M11).
//!
//! The sender's command carries the terms; every other account in the legs has consented by a
//! signature over the same terms, which is verified before the engine sees it, and by a nonce of
//! its signer, so that consent works once. Both sides of a leg pay as takers, the buyer is the
//! taker, and the price is printed but neither moves the last price nor counts towards market maker
//! protection.
//!
//! Everything is checked as it will be after all legs: position, open interest and instrument
//! limits, phases, everyone's margin. Prices are free, on the tick: two parties may agree on what
//! no band would let them trade in the book.
//!
//! Deliberately absent: requests for quotes, which are talk outside the state; a minimum size.

use crate::account::fill::Fill;
use crate::engine::Exchange;
use crate::state::Outcome;
use crate::state::key::HistoryKey;
use crate::state::leaves::{Holding, Instrument};
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;
use lockstep_types::codec::Bounded;
use lockstep_types::command::{BlockLeg, BlockTerms, Command, Consent, Phase, UserCommand};
use lockstep_types::event::{Event, TradeKind};
use lockstep_types::ids::{AccountId, InstrumentId, OrderId, SignerId};
use lockstep_types::nonce::{NonceHistory, NonceWindow};
use lockstep_types::order::Side;
use lockstep_types::reject::{Reject, RejectCode};
use lockstep_types::units::Lots;

/// What each account's position in each instrument changes by, after all legs.
type Changes = BTreeMap<(AccountId, InstrumentId), i64>;

impl Exchange {
    /// Executes a block trade.
    ///
    /// # Errors
    /// Rejections, each before anything has changed: `BlockTradeTerms`, `TooLate`,
    /// `BlockTradeConsent` and whatever the rules say of its legs and parties.
    pub(crate) fn block_trade(
        &mut self,
        sender: &UserCommand,
        terms: &BlockTerms,
        consents: &[Consent],
    ) -> Outcome<()> {
        let now = self.state.totals()?.time;
        if terms.legs.is_empty() {
            return Err(Reject::of(RejectCode::BlockTradeTerms).into());
        }
        if terms.valid_until < now {
            let (actual, limit) = (terms.valid_until.0, now.0);
            return Err(Reject::beyond(RejectCode::TooLate, actual, limit).into());
        }
        for (item, leg) in (0..).zip(terms.legs.iter()) {
            self.item = item;
            self.check_leg(leg)?;
        }
        self.item = 0;
        check_parties(sender.account, &terms.legs, consents)?;
        let nonces = self.check_consents(terms, consents)?;
        let changes = changes_of(&terms.legs);
        self.check_changes_of_positions(&changes)?;
        let mut moves = Vec::with_capacity(2 * terms.legs.len());
        for leg in terms.legs.iter() {
            moves.push((leg.buyer, leg.instrument, leg.lots, leg.price));
            moves.push((leg.seller, leg.instrument, Lots(-leg.lots.0), leg.price));
        }
        self.check_margin_after(&moves)?;
        for (signer, (window, history)) in nonces {
            self.state.signer(signer)?.nonces = window;
            let held = self.state.histories.touch(HistoryKey(signer))?;
            if held.is_some() || history != NonceHistory::default() {
                *held = Some(history);
            }
        }
        self.execute_legs(&terms.legs)
    }

    /// Checks one leg by itself.
    fn check_leg(&mut self, leg: &BlockLeg) -> Outcome<()> {
        if leg.buyer == leg.seller {
            return Err(Reject::of(RejectCode::SelfTradeBlock).into());
        }
        let accounts = self.state.totals()?.accounts;
        if leg.buyer.0 >= accounts || leg.seller.0 >= accounts {
            return Err(Reject::of(RejectCode::UnknownAccount).into());
        }
        let instrument = self.listed(leg.instrument)?;
        let now = self.state.totals()?.time;
        if instrument.contract.expiry().is_some_and(|expiry| expiry <= now) {
            return Err(Reject::of(RejectCode::InstrumentExpired).into());
        }
        if leg.lots.0 <= 0 {
            return Err(Reject::beyond(RejectCode::NotPositive, leg.lots.0, 1).into());
        }
        let rules = self.rules_of(instrument.underlying)?;
        let most = rules.order_lots_max;
        if leg.lots.0 > most {
            return Err(Reject::beyond(RejectCode::OrderSize, leg.lots.0, most).into());
        }
        rules.check_tick(leg.price, instrument.contract.is_option())?;
        if self.phase_of(&instrument)? == Phase::Halted {
            return Err(Reject::of(RejectCode::Halted).into());
        }
        Ok(())
    }

    /// Checks every consent; the nonces of their signers as they will be.
    fn check_consents(
        &mut self,
        terms: &BlockTerms,
        consents: &[Consent],
    ) -> Outcome<BTreeMap<SignerId, (NonceWindow, NonceHistory)>> {
        let now = self.state.totals()?.time;
        let mut nonces = BTreeMap::new();
        for consent in consents {
            let concerns = |leg: &&BlockLeg| [leg.buyer, leg.seller].contains(&consent.account);
            let legs: Vec<BlockLeg> = terms.legs.iter().filter(concerns).copied().collect();
            // A part of a bounded list is no longer than the whole.
            let legs = Bounded::new(legs).unwrap_or_default();
            let said = UserCommand {
                signer: consent.signer,
                account: consent.account,
                nonce: consent.nonce,
                valid_until: Some(terms.valid_until),
                command: Command::BlockTrade {
                    terms: BlockTerms { legs, valid_until: terms.valid_until },
                    consents: Bounded::default(),
                },
            };
            self.check_signer(&said)?;
            let (window, history) = match nonces.get_mut(&consent.signer) {
                Some(used) => used,
                None => {
                    let window = self.state.signer(consent.signer)?.nonces;
                    let history = *self.state.histories.touch(HistoryKey(consent.signer))?;
                    nonces.entry(consent.signer).or_insert((window, history.unwrap_or_default()))
                }
            };
            window.accept(history, consent.nonce, now)?;
        }
        Ok(nonces)
    }

    /// Checks the limits of positions, instruments and open interest after all legs (M7, M8, L2).
    fn check_changes_of_positions(&mut self, changes: &Changes) -> Outcome<()> {
        let mut opened: BTreeMap<AccountId, u32> = BTreeMap::new();
        let mut interest: BTreeMap<InstrumentId, i64> = BTreeMap::new();
        for (&(account, id), &change) in changes {
            let instrument = self.listed(id)?;
            let holding = self.state.holding_or_empty(account, id)?;
            self.check_position(&instrument, &holding, change)?;
            if holding == Holding::default() {
                *opened.entry(account).or_default() += 1;
            }
            let after = holding.lots.0 + change;
            *interest.entry(id).or_default() += after.max(0) - holding.lots.0.max(0);
        }
        let most = u32::from(self.state.venue()?.instruments_per_account_max);
        for (account, more) in opened {
            let reach = self.state.account(account)?.holdings + more;
            if reach > most {
                let (actual, limit) = (i64::from(reach), i64::from(most));
                return Err(Reject::beyond(RejectCode::InstrumentLimit, actual, limit).into());
            }
        }
        for (id, more) in interest {
            let instrument = self.listed(id)?;
            let limit = self.underlying_params(instrument.underlying)?.open_interest_max.0;
            let reach = instrument.open_interest.0 + more;
            if more > 0 && reach > limit {
                return Err(Reject::beyond(RejectCode::OpenInterestCap, reach, limit).into());
            }
        }
        Ok(())
    }

    /// Checks one position: its limit with the open orders on its side, and that it only shrinks
    /// where only reducing is allowed.
    fn check_position(
        &mut self,
        instrument: &Instrument,
        holding: &Holding,
        change: i64,
    ) -> Outcome<()> {
        let (before, after) = (holding.lots.0, holding.lots.0 + change);
        let stale = self.underlying(instrument.underlying)?.stale;
        let reduces = after.abs() <= before.abs() && before.signum() * after.signum() >= 0;
        if !reduces && (stale || self.phase_of(instrument)? == Phase::ReduceOnly) {
            let code = if stale { RejectCode::StaleIndex } else { RejectCode::ReduceOnlyPhase };
            return Err(Reject::of(code).into());
        }
        let limit = self.underlying_params(instrument.underlying)?.position_lots_max.0;
        let reach = match change.signum() {
            1 => after + holding.buy_lots.0,
            -1 => -after + holding.sell_lots.0,
            _ => 0,
        };
        if !reduces && reach > limit {
            return Err(Reject::beyond(RejectCode::PositionLimit, reach, limit).into());
        }
        Ok(())
    }

    /// Trades the legs.
    fn execute_legs(&mut self, legs: &[BlockLeg]) -> Outcome<()> {
        for leg in legs {
            let fill = Fill {
                instrument: leg.instrument,
                price: leg.price,
                lots: leg.lots,
                taker_side: Side::Buy,
                taker: leg.buyer,
                maker: leg.seller,
                taker_order: OrderId(0),
                maker_order: OrderId(0),
                kind: TradeKind::Block,
            };
            let (trade, _) = self.settle_fill(&fill)?;
            self.events.push(Event::Trade(trade));
        }
        // Reduce-only orders look at the positions after all legs, not at those between them.
        let touched: BTreeSet<(AccountId, InstrumentId)> = legs
            .iter()
            .flat_map(|leg| [(leg.buyer, leg.instrument), (leg.seller, leg.instrument)])
            .collect();
        for (account, instrument) in touched {
            self.shrink_reduce_only(account, instrument)?;
        }
        Ok(())
    }
}

/// Checks that the sender and those who consent are exactly enough: every account in the legs has
/// spoken, and nobody twice or without being concerned.
fn check_parties(sender: AccountId, legs: &[BlockLeg], consents: &[Consent]) -> Result<(), Reject> {
    let concerned: BTreeSet<AccountId> =
        legs.iter().flat_map(|leg| [leg.buyer, leg.seller]).collect();
    let mut spoken = BTreeSet::from([sender]);
    for consent in consents {
        if !spoken.insert(consent.account) || !concerned.contains(&consent.account) {
            let actual = i64::from(consent.account.0);
            return Err(Reject::beyond(RejectCode::BlockTradeConsent, actual, 0));
        }
    }
    match concerned.iter().find(|account| !spoken.contains(account)) {
        Some(silent) => Err(Reject::beyond(RejectCode::BlockTradeConsent, i64::from(silent.0), 0)),
        None => Ok(()),
    }
}

/// What the legs come to.
fn changes_of(legs: &[BlockLeg]) -> Changes {
    let mut changes = Changes::new();
    for leg in legs {
        *changes.entry((leg.buyer, leg.instrument)).or_default() += leg.lots.0;
        *changes.entry((leg.seller, leg.instrument)).or_default() -= leg.lots.0;
    }
    changes
}
