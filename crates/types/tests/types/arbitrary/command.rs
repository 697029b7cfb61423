//! Commands, system commands, blocks.

use super::order::{amend, new_order, target};
use super::params::{underlying_params, venue};
use super::*;
use lockstep_types::command::*;
use lockstep_types::nonce::NonceWindow;
use proptest::option::of;

pub fn link_kind() -> impl Strategy<Value = LinkKind> {
    prop_oneof![
        Just(LinkKind::OneCancelsOther),
        Just(LinkKind::OneTriggersOther),
        Just(LinkKind::OneTriggersOneCancelsOther),
    ]
}

pub fn cancel_scope() -> impl Strategy<Value = CancelScope> {
    prop_oneof![
        Just(CancelScope::Account),
        underlying().prop_map(CancelScope::Underlying),
        instrument_id().prop_map(CancelScope::Instrument),
        (underlying(), group())
            .prop_map(|(underlying, group)| CancelScope::Group { underlying, group }),
    ]
}

pub fn batch_item() -> impl Strategy<Value = BatchItem> {
    prop_oneof![
        new_order().prop_map(BatchItem::Place),
        amend().prop_map(BatchItem::Amend),
        target().prop_map(BatchItem::Cancel),
    ]
}

pub fn quote_side() -> impl Strategy<Value = QuoteSide> {
    (price(), lots()).prop_map(|(price, lots)| QuoteSide { price, lots })
}

pub fn quote() -> impl Strategy<Value = Quote> {
    (instrument_id(), of(quote_side()), of(quote_side())).prop_map(|(instrument, bid, ask)| Quote {
        instrument,
        bid,
        ask,
    })
}

pub fn protection_limits() -> impl Strategy<Value = ProtectionLimits> {
    (span(), span(), lots(), lots(), usd(), any::<u32>()).prop_map(
        |(interval, frozen_time, lots_max, delta_max, vega_max, trades_max)| ProtectionLimits {
            interval,
            frozen_time,
            lots_max,
            delta_max,
            vega_max,
            trades_max,
        },
    )
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

pub fn margin_mode() -> impl Strategy<Value = MarginMode> {
    prop_oneof![Just(MarginMode::Portfolio), Just(MarginMode::Standard)]
}

pub fn block_leg() -> impl Strategy<Value = BlockLeg> {
    (instrument_id(), lots(), price(), account(), account()).prop_map(
        |(instrument, lots, price, buyer, seller)| BlockLeg {
            instrument,
            lots,
            price,
            buyer,
            seller,
        },
    )
}

pub fn block_terms() -> BoxedStrategy<BlockTerms> {
    (list(block_leg(), BLOCK_LEGS_MAX), time())
        .prop_map(|(legs, valid_until)| BlockTerms { legs, valid_until })
        .boxed()
}

pub fn consent() -> impl Strategy<Value = Consent> {
    (signer(), account(), any::<u64>(), bytes_64()).prop_map(
        |(signer, account, nonce, signature)| Consent { signer, account, nonce, signature },
    )
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

pub fn signed_command() -> impl Strategy<Value = SignedCommand> {
    (user_command(), bytes_64())
        .prop_map(|(command, signature)| SignedCommand { command, signature })
}

pub fn smile() -> impl Strategy<Value = SmileParams> {
    (vol(), ppm(), ppm()).prop_map(|(atm, rho, phi)| SmileParams { atm, rho, phi })
}

pub fn expiry_report() -> impl Strategy<Value = ExpiryReport> {
    (time(), int(), of(smile())).prop_map(|(expiry, basis_ppb, smile)| ExpiryReport {
        expiry,
        basis_ppb,
        smile,
    })
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

pub fn phase_scope() -> impl Strategy<Value = PhaseScope> {
    prop_oneof![
        Just(PhaseScope::Venue),
        underlying().prop_map(PhaseScope::Underlying),
        instrument_id().prop_map(PhaseScope::Instrument),
    ]
}

pub fn phase() -> impl Strategy<Value = Phase> {
    prop_oneof![
        Just(Phase::Continuous),
        Just(Phase::ReduceOnly),
        Just(Phase::Auction),
        Just(Phase::Halted),
    ]
}

pub fn phase_reason() -> impl Strategy<Value = PhaseReason> {
    prop_oneof![
        Just(PhaseReason::Scheduled),
        Just(PhaseReason::Outage),
        Just(PhaseReason::Prices),
        Just(PhaseReason::Emergency),
    ]
}

pub fn system_command() -> BoxedStrategy<SystemCommand> {
    prop_oneof![
        venue().prop_map(SystemCommand::SetVenueParams),
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
        usd().prop_map(|amount| SystemCommand::FundInsurance { amount }),
        instrument_name().prop_map(SystemCommand::List),
        (phase_scope(), phase(), phase_reason())
            .prop_map(|(scope, phase, reason)| SystemCommand::SetPhase { scope, phase, reason }),
    ]
    .boxed()
}

pub fn block() -> impl Strategy<Value = Block> {
    (any::<u64>(), time(), list(system_command(), 3), list(user_command(), 3))
        .prop_map(|(height, time, system, commands)| Block { height, time, system, commands })
}

/// Windows that some sequence of nonces leads to.
pub fn nonce_window() -> impl Strategy<Value = NonceWindow> {
    let near = (any::<u64>(), vec(0..600_u64, 0..20)).prop_map(|(base, offsets)| {
        offsets.into_iter().map(|offset| base.saturating_add(offset)).collect::<Vec<_>>()
    });
    prop_oneof![near, vec(0..300_u64, 0..20)].prop_map(|nonces| {
        let mut window = NonceWindow::default();
        for nonce in nonces {
            let _ = window.accept(nonce, TimeMs::MAX);
        }
        window
    })
}
