//! One fixed value of every command, system command and event, in the order of their tags.

use lockstep_types::chain::{ChainRejectCode, ParamChange};
use lockstep_types::codec::Bounded;
use lockstep_types::command::*;
use lockstep_types::event::*;
use lockstep_types::ids::*;
use lockstep_types::instrument::InstrumentName;
use lockstep_types::order::*;
use lockstep_types::params::UnderlyingParams;
use lockstep_types::*;

pub fn list<T: std::fmt::Debug, const LIMIT: usize>(elements: Vec<T>) -> Bounded<T, LIMIT> {
    Bounded::new(elements).expect("within the limit")
}

pub fn name(text: &str) -> InstrumentName {
    text.parse().expect("an instrument's name")
}

/// An order with every field set.
pub fn order() -> NewOrder {
    NewOrder {
        instrument: InstrumentId(7),
        side: Side::Sell,
        lots: Lots(1_500),
        price: Some(Price(61_250_500_000)),
        time_in_force: TimeInForce::GoodTil(TimeMs(1_774_598_400_000)),
        post_only: PostOnly::Reprice,
        reduce_only: true,
        display: Some(Lots(100)),
        self_trade: SelfTrade::CancelBoth,
        protection: Some(GroupId(3)),
        trigger: Some(Trigger {
            source: TriggerSource::Mark,
            kind: TriggerKind::Trailing { offset: Price(1_000_000) },
        }),
        label: Some(Label::new("stop-1").expect("a label")),
    }
}

fn plain() -> NewOrder {
    NewOrder::limit(InstrumentId(2), Side::Buy, Lots(10), Price(3_000_000_000))
}

fn scope() -> AgentScope {
    AgentScope {
        sub: Some(1),
        instruments: list(vec![InstrumentId(7), InstrumentId(9)]),
        notional_max: Some(Usd(250_000_000_000)),
        expires: Some(TimeMs(1_800_000_000_000)),
    }
}

fn amend() -> Amend {
    Amend {
        target: OrderTarget::Id(OrderId::new(77, 5)),
        lots: Some(Lots(20)),
        price: None,
        trigger_price: Some(Price(60_000_000_000)),
    }
}

pub fn commands() -> Vec<Command> {
    let label = OrderTarget::Label(Label::new("größer").expect("a label"));
    let side = QuoteSide { price: Price(1_250_000), lots: Lots(100) };
    let limits = ProtectionLimits {
        interval: SpanMs(5_000),
        frozen_time: SpanMs(30_000),
        lots_max: Lots(10_000),
        delta_max: Lots(5_000),
        vega_max: Usd(1_000_000_000),
        trades_max: 20,
    };
    let leg = BlockLeg {
        instrument: InstrumentId(7),
        lots: Lots(25_000),
        price: Price(1_000_000_000),
        buyer: AccountId(1),
        seller: AccountId(2),
    };
    let consent =
        Consent { signer: SignerId(2), account: AccountId(2), nonce: 9, signature: [0xab; 64] };
    vec![
        Command::Place(order()),
        Command::PlaceLinked {
            kind: LinkKind::OneTriggersOneCancelsOther,
            orders: list(vec![plain(), order()]),
        },
        Command::Amend(amend()),
        Command::Cancel(label.clone()),
        Command::CancelAll(CancelScope::Group { underlying: UnderlyingId(1), group: GroupId(3) }),
        Command::Batch(list(vec![
            BatchItem::Place(plain()),
            BatchItem::Amend(amend()),
            BatchItem::Cancel(label),
        ])),
        Command::MassQuote {
            group: GroupId(3),
            quotes: list(vec![Quote { instrument: InstrumentId(7), bid: Some(side), ask: None }]),
        },
        Command::SetProtection { underlying: UnderlyingId(1), group: GroupId(3), limits },
        Command::ResetProtection { underlying: UnderlyingId(1), group: GroupId(3) },
        Command::ScheduleCancel { at: Some(TimeMs(1_774_598_400_000)) },
        Command::CreateSubAccount { sub: 4 },
        Command::Transfer { to: AccountId(2), amount: Usd(1_000_000) },
        Command::Withdraw { amount: Usd(999_999) },
        Command::RegisterAgent { key: [7; 32], scope: scope() },
        Command::RevokeAgent { key: [7; 32] },
        Command::SetMarginMode(MarginMode::Standard),
        Command::BlockTrade {
            terms: BlockTerms { legs: list(vec![leg]), valid_until: TimeMs(1_774_598_400_000) },
            consents: list(vec![consent]),
        },
        Command::Bid { account: AccountId(9), share: Ppm(250_000), price_max: Usd(-3) },
        Command::Chain(Box::new(ChainCommand::Vote { proposal: 3, approve: true })),
    ]
}

pub fn chain_commands() -> Vec<ChainCommand> {
    let (key, validator, amount) = ([5; 32], ValidatorId(4), Stake(7_000_000));
    vec![
        ChainCommand::Register { key, commission: Ppm(50_000), stake: amount },
        ChainCommand::AddKey { key },
        ChainCommand::RemoveKey { key },
        ChainCommand::SetCommission { commission: Ppm(1) },
        ChainCommand::Delegate { validator, amount },
        ChainCommand::Undelegate { validator, amount },
        ChainCommand::Collect { validator },
        ChainCommand::Unjail,
        ChainCommand::SendStake { to: [9; 32], amount },
        ChainCommand::Propose(ParamChange::Chain(Box::default())),
        ChainCommand::Vote { proposal: 3, approve: true },
        ChainCommand::Faucet { owner: [9; 32], sub: 1, amount: Usd(5), stake: amount },
    ]
}

pub fn param_changes() -> Vec<ParamChange> {
    vec![
        ParamChange::Chain(Box::default()),
        ParamChange::Venue(Box::default()),
        ParamChange::Underlying {
            underlying: UnderlyingId(1),
            params: Box::new(underlying_params()),
        },
        ParamChange::AddUnderlying(Box::new(underlying_params())),
        ParamChange::List(name("BTC_USDC-PERPETUAL")),
    ]
}

pub fn chain_events() -> Vec<ChainEvent> {
    let (key, validator, amount) = ([5; 32], ValidatorId(4), Stake(7_000_000));
    let (owner, usd, account) = (SignerId(5), Usd(999_999), AccountId(6));
    let reject = ChainReject::beyond(ChainRejectCode::SelfStake, 1, 2);
    let time = TimeMs(1_774_000_000_000);
    let refused = Reject::of(RejectCode::BadReport);
    vec![
        ChainEvent::Refused { item: 3, signer: owner, reject },
        ChainEvent::ItemRefused { item: 3, reject },
        ChainEvent::PriceRefused { item: 3, underlying: UnderlyingId(1), reject: refused },
        ChainEvent::Registered { validator, owner, key },
        ChainEvent::KeyChanged { validator, key, added: true },
        ChainEvent::Retired { validator },
        ChainEvent::CommissionSet { validator, commission: Ppm(1) },
        ChainEvent::Delegated { validator, delegator: owner, amount },
        ChainEvent::Undelegated { validator, delegator: owner, amount, matures: time },
        ChainEvent::Collected { validator, delegator: owner, rewards: usd, stake: amount },
        ChainEvent::StakeSent { from: owner, to: SignerId(6), amount },
        ChainEvent::Slashed { validator, share: Ppm(50_000), amount, reward: Stake(1) },
        ChainEvent::Tombstoned { validator },
        ChainEvent::Jailed { validator, until: time },
        ChainEvent::Unjailed { validator },
        ChainEvent::Elected { epoch: 2, seats: 4, stake: amount },
        ChainEvent::Rewarded { epoch: 2, amount: usd },
        ChainEvent::Proposed { proposal: 1, validator, until_epoch: 9 },
        ChainEvent::Voted { proposal: 1, validator, approve: false },
        ChainEvent::Decided { proposal: 1, passed: true, stake: amount },
        ChainEvent::Activated { proposal: 1, reject: Some(reject) },
        ChainEvent::OutageBegan { gap: SpanMs(61_000), phase: Phase::Auction },
        ChainEvent::OutageEnded { withdrawals_from: time },
        ChainEvent::DepositCredited { number: 8, amount: usd },
        ChainEvent::DepositReturned { number: 8, amount: usd },
        ChainEvent::WithdrawalQueued { account, amount: usd, due: time },
        ChainEvent::WithdrawalPaid { account, owner: key, amount: usd },
    ]
}

pub fn underlying_params() -> UnderlyingParams {
    UnderlyingParams::genesis(name("BTC_USDC-PERPETUAL").underlying, 60_000)
}

pub fn system_commands() -> Vec<SystemCommand> {
    let smile = SmileParams { atm: Vol(600_000_000), rho: Ppm(-250_000), phi: Ppm(1_500_000) };
    let expiry =
        ExpiryReport { expiry: TimeMs(1_774_598_400_000), basis_ppb: -1_000, smile: Some(smile) };
    let report = Report {
        reporter: ReporterId(3),
        underlying: UnderlyingId(0),
        price: Price(61_000_000_000),
        published: TimeMs(1_774_000_000_000),
        expiries: list(vec![expiry]),
    };
    vec![
        SystemCommand::SetVenueParams(Box::default()),
        SystemCommand::AddUnderlying(underlying_params()),
        SystemCommand::SetUnderlyingParams {
            underlying: UnderlyingId(1),
            params: underlying_params(),
        },
        SystemCommand::SetReporterWeight { reporter: ReporterId(3), weight: 1_000_000 },
        SystemCommand::Report(report),
        SystemCommand::Deposit { owner: [9; 32], sub: 1, amount: Usd(5_000_000) },
        SystemCommand::FundInsurance { underlying: Some(UnderlyingId(1)), amount: Usd(7) },
        SystemCommand::List(name("XRP_USDC-27MAR26-0d625-P")),
        SystemCommand::SetPhase {
            scope: PhaseScope::Instrument(InstrumentId(7)),
            phase: Phase::Auction,
            reason: PhaseReason::Outage,
        },
        SystemCommand::PayValidators { owner: [9; 32], sub: 0, amount: Usd(12) },
    ]
}

pub fn block() -> Block {
    let command = |command| UserCommand {
        signer: SignerId(5),
        account: AccountId(6),
        nonce: 1_774_000_000_123,
        valid_until: Some(TimeMs(1_774_000_009_999)),
        command,
    };
    Block {
        height: 12,
        time: TimeMs(1_774_000_000_200),
        system: list(system_commands()),
        commands: list(commands().into_iter().map(command).collect()),
    }
}

pub fn events() -> Vec<Event> {
    let (account, instrument) = (AccountId(6), InstrumentId(7));
    let (underlying, group) = (UnderlyingId(1), GroupId(3));
    let order = OrderId::new(77, 5);
    let (price, lots, amount) = (Price(61_250_500_000), Lots(-1_500), Usd(-42));
    let reject = Reject::beyond(RejectCode::OrderSize, 11, 10);
    let accepted = Accepted { order, account, instrument, side: Side::Sell, price, lots };
    let trade = Trade {
        id: TradeId(1),
        instrument,
        price,
        lots: Lots(1),
        taker_side: Side::Sell,
        taker: account,
        maker: AccountId(8),
        taker_order: order,
        maker_order: OrderId::new(3, 1),
        taker_fee: Usd(21),
        maker_fee: Usd(6),
        kind: TradeKind::Auction,
    };
    let label = Box::new(Label::new("stop-1").expect("a label"));
    let listed = Box::new(name("BTC_USDC-27MAR26-60000-C"));
    let (owner, agent) = (SignerId(5), SignerId(11));
    let (equity, maintenance) = (Usd(99), Usd(100));
    let scope_box = Box::new(scope());
    vec![
        Event::Rejected { account, item: 4, reject },
        Event::SystemRejected { item: 1, reject: Reject::of(RejectCode::BadReport) },
        Event::Accepted(accepted),
        Event::Labelled { order, label },
        Event::Booked { order, lots, visible: Lots(100) },
        Event::Sleeping { order, trigger_price: price },
        Event::Triggered { order, price },
        Event::Trade(trade),
        Event::Refreshed { order, visible: Lots(100) },
        Event::Amended { order, price, lots, kept_priority: true },
        Event::Cancelled { order, account, lots, reason: CancelReason::Limit },
        Event::Linked { link: LinkId(2), orders: 3 },
        Event::ProtectionTripped { account, underlying, group, until: TimeMs(5) },
        Event::ProtectionSet { account, underlying, group },
        Event::CancelScheduled { account, at: None },
        Event::AccountOpened { account, owner, sub: 2 },
        Event::Deposited { account, amount },
        Event::Withdrawn { account, amount },
        Event::Transferred { from: account, to: AccountId(8), amount },
        Event::AgentRegistered { owner, agent, scope: scope_box },
        Event::AgentRevoked { owner, agent },
        Event::MarginModeSet { account, portfolio: false },
        Event::UnderlyingAdded { underlying },
        Event::Listed { instrument, name: listed },
        Event::Expired { instrument, price },
        Event::Settled { account, instrument, lots, amount },
        Event::Index { underlying, price, confidence: Ppm(990_000) },
        Event::Stale { underlying, stale: true },
        Event::FundingRate { instrument, rate_8h_ppb: -100_000, index: Price(3) },
        Event::FundingPaid { account, instrument, amount },
        Event::PhaseChanged {
            scope: PhaseScope::Underlying(underlying),
            phase: Phase::Halted,
            reason: PhaseReason::Emergency,
        },
        Event::Uncrossed { instrument, price, lots: Lots(9), imbalance: Lots(-4) },
        Event::LiquidationStarted { account, equity, maintenance },
        Event::LiquidationEnded { account, equity, maintenance },
        Event::BaseFee { per_unit: Usd(13) },
        Event::ParametersSet,
        Event::InsurancePaid { account, underlying: Some(underlying), amount },
        Event::Latency {
            underlying,
            age: SpanMs(40),
            finality: SpanMs(250),
            queue: 1,
            now_us: 1_040_000,
            slow_us: 950_000,
            initial: Ppm(91),
            maintenance: Ppm::ZERO,
        },
        Event::BackstopStarted { account, equity, maintenance },
        Event::BackstopTaken {
            account,
            bidder: AccountId(8),
            share: Ppm(250_000),
            price: Usd(17),
            cash: amount,
        },
        Event::Deleveraged { account, instrument, lots, price, mark: Price(61), uncovered: amount },
        Event::ValidatorsPaid { account, amount },
    ]
}
