//! Commands, system commands, blocks.

use super::chain;
use super::order::{amend, new_order, target};
use super::params::{underlying_params, venue};
use super::*;
use lockstep_types::command::*;
use lockstep_types::nonce::{NonceHistory, NonceWindow};
use proptest::option::of;

pub fn link_kind() -> BoxedStrategy<LinkKind> {
    each()
}

pub fn cancel_scope() -> BoxedStrategy<CancelScope> {
    prop_oneof![
        Just(CancelScope::Account),
        underlying().prop_map(CancelScope::Underlying),
        instrument_id().prop_map(CancelScope::Instrument),
        (underlying(), group())
            .prop_map(|(underlying, group)| CancelScope::Group { underlying, group }),
    ]
    .boxed()
}

pub fn batch_item() -> BoxedStrategy<BatchItem> {
    prop_oneof![
        new_order().prop_map(BatchItem::Place),
        amend().prop_map(BatchItem::Amend),
        target().prop_map(BatchItem::Cancel),
    ]
    .boxed()
}

pub fn quote_side() -> BoxedStrategy<QuoteSide> {
    (price(), lots()).prop_map(|(price, lots)| QuoteSide { price, lots }).boxed()
}

pub fn quote() -> BoxedStrategy<Quote> {
    (instrument_id(), of(quote_side()), of(quote_side()))
        .prop_map(|(instrument, bid, ask)| Quote { instrument, bid, ask })
        .boxed()
}

pub fn protection_limits() -> BoxedStrategy<ProtectionLimits> {
    (span(), span(), lots(), lots(), usd(), any::<u32>())
        .prop_map(|(interval, frozen_time, lots_max, delta_max, vega_max, trades_max)| {
            ProtectionLimits { interval, frozen_time, lots_max, delta_max, vega_max, trades_max }
        })
        .boxed()
}

pub fn agent_scope() -> BoxedStrategy<AgentScope> {
    (of(any::<u8>()), list(instrument_id(), AGENT_INSTRUMENTS_MAX), of(usd()), of(time()))
        .prop_map(|(sub, instruments, notional_max, expires)| AgentScope {
            sub,
            instruments,
            notional_max,
            expires,
        })
        .boxed()
}

pub fn margin_mode() -> BoxedStrategy<MarginMode> {
    each()
}

pub fn block_leg() -> BoxedStrategy<BlockLeg> {
    (instrument_id(), lots(), price(), account(), account())
        .prop_map(|(instrument, lots, price, buyer, seller)| BlockLeg {
            instrument,
            lots,
            price,
            buyer,
            seller,
        })
        .boxed()
}

pub fn block_terms() -> BoxedStrategy<BlockTerms> {
    (list(block_leg(), BLOCK_LEGS_MAX), time())
        .prop_map(|(legs, valid_until)| BlockTerms { legs, valid_until })
        .boxed()
}

pub fn consent() -> BoxedStrategy<Consent> {
    (signer(), account(), any::<u64>(), bytes_64())
        .prop_map(|(signer, account, nonce, signature)| Consent {
            signer,
            account,
            nonce,
            signature,
        })
        .boxed()
}

pub fn command() -> BoxedStrategy<Command> {
    let protection =
        (underlying(), group(), protection_limits()).prop_map(|(underlying, group, limits)| {
            Command::SetProtection { underlying, group, limits }
        });
    prop_oneof![
        new_order().prop_map(Command::Place),
        (link_kind(), list(new_order(), LINKED_MAX))
            .prop_map(|(kind, orders)| Command::PlaceLinked { kind, orders }),
        amend().prop_map(Command::Amend),
        target().prop_map(Command::Cancel),
        cancel_scope().prop_map(Command::CancelAll),
        list(batch_item(), 4).prop_map(Command::Batch),
        (group(), list(quote(), 4))
            .prop_map(|(group, quotes)| Command::MassQuote { group, quotes }),
        protection,
        (underlying(), group())
            .prop_map(|(underlying, group)| Command::ResetProtection { underlying, group }),
        of(time()).prop_map(|at| Command::ScheduleCancel { at }),
        any::<u8>().prop_map(|sub| Command::CreateSubAccount { sub }),
        (account(), usd()).prop_map(|(to, amount)| Command::Transfer { to, amount }),
        usd().prop_map(|amount| Command::Withdraw { amount }),
        (bytes_32(), agent_scope()).prop_map(|(key, scope)| Command::RegisterAgent { key, scope }),
        bytes_32().prop_map(|key| Command::RevokeAgent { key }),
        margin_mode().prop_map(Command::SetMarginMode),
        (block_terms(), list(consent(), BLOCK_PARTIES_MAX))
            .prop_map(|(terms, consents)| Command::BlockTrade { terms, consents }),
        (account(), ppm(), usd()).prop_map(|(account, share, price_max)| Command::Bid {
            account,
            share,
            price_max
        }),
        chain::chain_command().prop_map(|command| Command::Chain(Box::new(command))),
    ]
    .boxed()
}

pub fn user_command() -> BoxedStrategy<UserCommand> {
    (signer(), account(), any::<u64>(), of(time()), command())
        .prop_map(|(signer, account, nonce, valid_until, command)| UserCommand {
            signer,
            account,
            nonce,
            valid_until,
            command,
        })
        .boxed()
}

pub fn signed_command() -> BoxedStrategy<SignedCommand> {
    (user_command(), bytes_64())
        .prop_map(|(command, signature)| SignedCommand { command, signature })
        .boxed()
}

pub fn smile() -> BoxedStrategy<SmileParams> {
    (vol(), ppm(), ppm()).prop_map(|(atm, rho, phi)| SmileParams { atm, rho, phi }).boxed()
}

pub fn expiry_report() -> BoxedStrategy<ExpiryReport> {
    (time(), int(), of(smile()))
        .prop_map(|(expiry, basis_ppb, smile)| ExpiryReport { expiry, basis_ppb, smile })
        .boxed()
}

pub fn report() -> BoxedStrategy<Report> {
    (reporter(), underlying(), price(), time(), list(expiry_report(), REPORT_EXPIRIES_MAX))
        .prop_map(|(reporter, underlying, price, published, expiries)| Report {
            reporter,
            underlying,
            price,
            published,
            expiries,
        })
        .boxed()
}

pub fn phase_scope() -> BoxedStrategy<PhaseScope> {
    prop_oneof![
        Just(PhaseScope::Venue),
        underlying().prop_map(PhaseScope::Underlying),
        instrument_id().prop_map(PhaseScope::Instrument),
    ]
    .boxed()
}

pub fn phase() -> BoxedStrategy<Phase> {
    each()
}

pub fn phase_reason() -> BoxedStrategy<PhaseReason> {
    each()
}

pub fn system_command() -> BoxedStrategy<SystemCommand> {
    prop_oneof![
        venue().prop_map(|params| SystemCommand::SetVenueParams(Box::new(params))),
        underlying_params().prop_map(SystemCommand::AddUnderlying),
        (underlying(), underlying_params()).prop_map(|(underlying, params)| {
            SystemCommand::SetUnderlyingParams { underlying, params }
        }),
        (reporter(), any::<u64>())
            .prop_map(|(reporter, weight)| SystemCommand::SetReporterWeight { reporter, weight }),
        report().prop_map(SystemCommand::Report),
        (bytes_32(), any::<u8>(), usd()).prop_map(|(owner, sub, amount)| SystemCommand::Deposit {
            owner,
            sub,
            amount
        }),
        (of(underlying()), usd())
            .prop_map(|(underlying, amount)| SystemCommand::FundInsurance { underlying, amount }),
        instrument_name().prop_map(SystemCommand::List),
        (phase_scope(), phase(), phase_reason())
            .prop_map(|(scope, phase, reason)| SystemCommand::SetPhase { scope, phase, reason }),
        (bytes_32(), any::<u8>(), usd()).prop_map(|(owner, sub, amount)| {
            SystemCommand::PayValidators { owner, sub, amount }
        }),
    ]
    .boxed()
}

pub fn block() -> BoxedStrategy<Block> {
    (any::<u64>(), time(), list(system_command(), 3), list(user_command(), 3))
        .prop_map(|(height, time, system, commands)| Block { height, time, system, commands })
        .boxed()
}

/// Windows that some sequence of nonces leads to.
pub fn nonce_window() -> BoxedStrategy<NonceWindow> {
    let near = (any::<u64>(), vec(0..2_400_u64, 0..20)).prop_map(|(base, offsets)| {
        offsets.into_iter().map(|offset| base.saturating_add(offset)).collect::<Vec<_>>()
    });
    prop_oneof![near, vec(0..1_200_u64, 0..20)]
        .prop_map(|nonces| {
            let (mut window, mut history) = (NonceWindow::default(), NonceHistory::default());
            for nonce in nonces {
                let _ = window.accept(&mut history, nonce, TimeMs::MAX);
            }
            window
        })
        .boxed()
}
