//! What the venue may do after the chain stood still (H1, H2, H3).
//!
//! A gap between two blocks is the one outage that a chain can see. After more than
//! `outage_reduce` orders may only reduce; after more than `outage_auction` all orders collect and
//! every book reopens by auction, so that no quote from before the gap trades at its old price. It
//! is over when prices from after the gap are there: more than two thirds of the committee's stake
//! has reported since and no index is stale. Withdrawals wait longer.
//!
//! The exchange's own rules of latency and stale prices hold beside this, whatever the phase.

use crate::ledger::{Chain, venue};
use crate::state::leaves::Outage;
use lockstep_exchange::Exchange;
use lockstep_types::chain::ChainEvent;
use lockstep_types::command::{Phase, PhaseReason, PhaseScope, SystemCommand};
use lockstep_types::ids::UnderlyingId;
use lockstep_types::units::SpanMs;

fn set_phase(exchange: &mut Exchange, phase: Phase) {
    let (scope, reason) = (PhaseScope::Venue, PhaseReason::Outage);
    let outcome = venue(exchange, &SystemCommand::SetPhase { scope, phase, reason });
    assert!(outcome.is_ok(), "the venue itself can be in any phase");
}

impl Chain {
    /// Looks at the time since the last block, and at whether an outage is over.
    pub(crate) fn follow_outage(&mut self, exchange: &mut Exchange, gap: SpanMs) {
        let params = self.params();
        if gap > params.outage_reduce {
            let (phase, wait) = match gap > params.outage_auction {
                true => (Phase::Auction, params.outage_reopen),
                false => (Phase::ReduceOnly, SpanMs::ZERO),
            };
            self.begin_outage(exchange, gap, phase, wait);
        } else if let Some(outage) = self.seen_totals().outage
            && self.is_over(exchange, &outage)
        {
            self.end_outage(exchange);
        }
    }

    fn begin_outage(&mut self, exchange: &mut Exchange, gap: SpanMs, phase: Phase, wait: SpanMs) {
        let now = self.now();
        let before = self.seen_totals().outage;
        // One that is not over goes on, as strict as the stricter.
        let phase = before.map_or(phase, |before| before.phase.max(phase));
        let until = before.map_or(now, |before| before.until).max(now.plus(wait));
        self.totals().outage = Some(Outage { phase, since: now, until });
        set_phase(exchange, phase);
        self.events.push(ChainEvent::OutageBegan { gap, phase });
    }

    fn end_outage(&mut self, exchange: &mut Exchange) {
        let withdrawals_from = self.now().plus(self.params().outage_withdrawals);
        let state = self.totals();
        state.outage = None;
        state.withdrawals_from = withdrawals_from;
        set_phase(exchange, Phase::Continuous);
        self.events.push(ChainEvent::OutageEnded { withdrawals_from });
    }

    /// Whether prices are fresh again, as the block before left them.
    fn is_over(&self, exchange: &Exchange, outage: &Outage) -> bool {
        if self.now() < outage.until {
            return false;
        }
        let mut priced = false;
        // At most as many underlyings as the exchange has.
        for id in 0..=u8::MAX {
            let Some(view) = exchange.underlying_view(UnderlyingId(id)) else { break };
            // One that never had a price has nothing that could be stale.
            let has_index = view.index.is_some();
            if has_index && view.stale {
                return false;
            }
            priced |= has_index;
        }
        !priced || self.has_spoken_since(outage)
    }

    /// Whether more than two thirds of the committee's stake has reported since.
    fn has_spoken_since(&self, outage: &Outage) -> bool {
        let (mut all, mut fresh) = (0_u128, 0_u128);
        for seat in self.committee().seats.iter() {
            let stake = u128::from(seat.stake.0);
            let word = self.state.words.get(seat.validator);
            all += stake;
            fresh += if word.is_some_and(|word| word.time >= outage.since) { stake } else { 0 };
        }
        fresh * 3 > all * 2
    }
}
