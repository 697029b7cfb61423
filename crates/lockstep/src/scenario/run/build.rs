//! From what a line says to a block: names become numbers, relative times become moments.
//!
//! What has no number yet (an account that was never opened, an order that was refused) gets one
//! that nothing has, so that the engine's own rejection follows.

use super::reports::{Asked, Reports};
use crate::scenario::model::{
    AccountRef, AmendSpec, BatchStep, CancelAllSpec, NonceSpec, OrderSpec, QuoteSideSpec, Request,
    ScopeSpec, Step, StepKind, SystemStep, TargetSpec, TifSpec, UserStep,
};
use crate::scenario::names::Names;
use lockstep_types::codec::{Bounded, DecodeError};
use lockstep_types::command::{
    AgentScope, BatchItem, BlockLeg, BlockTerms, CancelScope, Command, Consent, PhaseScope, Quote,
    QuoteSide, SystemCommand, UserCommand,
};
use lockstep_types::envelope::{ChainId, Signer, consent_message};
use lockstep_types::ids::{AccountId, InstrumentId, OrderId, SignerId, UnderlyingId};
use lockstep_types::instrument::{InstrumentName, Ticker};
use lockstep_types::order::{Amend, NewOrder, OrderTarget, TimeInForce};
use lockstep_types::reject::Reject;
use lockstep_types::{Lots, Price, Side, TimeMs};
use std::collections::BTreeMap;

/// Domain of the seeds of scenario keys.
const SEED_DOMAIN: &str = "lockstep scenario key v1 ";

/// The signing key of a name.
pub fn signer_of(name: &str) -> Signer {
    Signer::from_seed(*blake3::hash(format!("{SEED_DOMAIN}{name}").as_bytes()).as_bytes())
}

/// A block in the making.
#[derive(Clone, Debug, Default)]
pub struct Draft {
    /// System commands, each with the step that asked for it; `None`: automatic.
    pub system: Vec<(Option<usize>, SystemCommand)>,
    /// Reports that were asked for, by their place in `system`.
    pub reports: Vec<(usize, Asked)>,
    /// Users' commands, each with its step.
    pub commands: Vec<(usize, UserCommand)>,
    /// Deposits by their place in `system`.
    pub deposits: Vec<(usize, AccountRef)>,
    /// Tickers of new underlyings, by their place in `system`.
    pub tickers: Vec<(usize, Ticker)>,
    /// Weights of reporters, by their place in `system`.
    pub weights: Vec<(usize, String, u64)>,
}

/// What building needs to know, and the nonces that it uses up.
pub struct Builder<'a> {
    /// Names.
    pub names: &'a mut Names,
    /// Reporters.
    pub reports: &'a Reports,
    /// The last nonce of every key.
    pub nonces: &'a mut BTreeMap<String, u64>,
    /// The block's time.
    pub now: TimeMs,
}

fn bounded<T, const LIMIT: usize>(parts: Vec<T>) -> Result<Bounded<T, LIMIT>, String> {
    Bounded::new(parts).map_err(|error: DecodeError| error.to_string())
}

impl Builder<'_> {
    /// The block that `steps` make, automatic reports first.
    ///
    /// # Errors
    /// In words, with the step, when a list is longer than the engine takes.
    pub fn draft(&mut self, steps: &[Step]) -> Result<Draft, (usize, String)> {
        let mut draft = Draft::default();
        for (index, step) in steps.iter().enumerate() {
            if let StepKind::System(system) = &step.kind {
                self.system(index, system, &mut draft).map_err(|error| (index, error))?;
            }
        }
        let asked: Vec<Asked> = draft.reports.iter().map(|(_, asked)| asked.clone()).collect();
        let automatic = self.reports.automatic(self.now, &asked);
        let shift = automatic.len();
        let mut system: Vec<_> = automatic.into_iter().map(|command| (None, command)).collect();
        system.append(&mut draft.system);
        draft.system = system;
        draft.reports.iter_mut().for_each(|(place, _)| *place += shift);
        draft.deposits.iter_mut().for_each(|(place, _)| *place += shift);
        draft.tickers.iter_mut().for_each(|(place, _)| *place += shift);
        draft.weights.iter_mut().for_each(|(place, _, _)| *place += shift);
        for (index, step) in steps.iter().enumerate() {
            if let StepKind::User(user) = &step.kind {
                let command = self.user(user).map_err(|error| (index, error))?;
                draft.commands.push((index, command));
            }
        }
        Ok(draft)
    }

    fn system(&mut self, step: usize, what: &SystemStep, draft: &mut Draft) -> Result<(), String> {
        let push = |draft: &mut Draft, command: SystemCommand| {
            draft.system.push((Some(step), command));
            draft.system.len() - 1
        };
        match what {
            SystemStep::Deposit(deposits) => {
                for (account, amount) in deposits {
                    let owner = signer_of(&account.owner).public_key();
                    let (sub, amount) = (account.sub, *amount);
                    let place = push(draft, SystemCommand::Deposit { owner, sub, amount });
                    draft.deposits.push((place, account.clone()));
                }
            }
            SystemStep::FundInsurance(ticker, amount) => {
                let underlying = ticker.map(|ticker| self.underlying(ticker));
                push(draft, SystemCommand::FundInsurance { underlying, amount: *amount });
            }
            SystemStep::Report(specs) => {
                for spec in specs {
                    for asked in self.reports.asked(spec, self.names, self.now)? {
                        let place = push(draft, asked.command.clone());
                        draft.reports.push((place, asked));
                    }
                }
            }
            SystemStep::ReporterWeight(weights) => {
                for (name, weight) in weights {
                    let (reporter, weight) = (self.names.reporter_id(name), *weight);
                    let command = SystemCommand::SetReporterWeight { reporter, weight };
                    let place = push(draft, command);
                    draft.weights.push((place, name.clone(), weight));
                }
            }
            SystemStep::List(list) => {
                for name in list {
                    push(draft, SystemCommand::List(*name));
                }
            }
            SystemStep::Phase { scope, phase, reason } => {
                let scope = self.scope(*scope);
                let (phase, reason) = (*phase, *reason);
                push(draft, SystemCommand::SetPhase { scope, phase, reason });
            }
            SystemStep::VenueParams(params) => {
                push(draft, SystemCommand::SetVenueParams(params.clone()));
            }
            SystemStep::UnderlyingParams(list) => {
                for params in list {
                    let (underlying, params) = (self.underlying(params.ticker), params.clone());
                    push(draft, SystemCommand::SetUnderlyingParams { underlying, params });
                }
            }
            SystemStep::AddUnderlying(params) => {
                let place = push(draft, SystemCommand::AddUnderlying((**params).clone()));
                draft.tickers.push((place, params.ticker));
            }
        }
        Ok(())
    }

    fn user(&mut self, step: &UserStep) -> Result<UserCommand, String> {
        let signer_name = step.by.as_deref().unwrap_or(&step.account.owner).to_string();
        let nonce = self.nonce(&signer_name, step.nonce);
        Ok(UserCommand {
            signer: self.signer(&signer_name),
            account: self.account(&step.account),
            nonce,
            valid_until: step.valid_until.map(|time| time.resolve(self.now)),
            command: self.command(step)?,
        })
    }

    /// The nonce asked for, or the clock, or one more than the last.
    fn nonce(&mut self, signer: &str, asked: Option<NonceSpec>) -> u64 {
        let last = self.nonces.get(signer).copied();
        let clock = u64::try_from(self.now.0).unwrap_or(0);
        let nonce = match asked {
            Some(NonceSpec::Exactly(nonce)) => nonce,
            Some(NonceSpec::Last) => last.unwrap_or(clock),
            Some(NonceSpec::Clock(shift)) => clock.saturating_add_signed(shift),
            None => last.map_or(clock, |last| clock.max(last.saturating_add(1))),
        };
        // A nonce far ahead is refused, and must not drag the later ones along.
        if asked.is_none() || nonce <= clock {
            let highest = last.map_or(nonce, |last| last.max(nonce));
            self.nonces.insert(signer.to_string(), highest);
        }
        nonce
    }

    fn command(&mut self, step: &UserStep) -> Result<Command, String> {
        Ok(match &step.request {
            Request::Place(order) => Command::Place(self.order(order)),
            Request::Linked { kind, orders } => {
                let orders = orders.iter().map(|order| self.order(order)).collect();
                Command::PlaceLinked { kind: *kind, orders: bounded(orders)? }
            }
            Request::Amend(amend) => Command::Amend(self.amend(amend)),
            Request::Cancel(target) => Command::Cancel(self.target(target)),
            Request::CancelAll(scope) => Command::CancelAll(match scope {
                CancelAllSpec::Account => CancelScope::Account,
                CancelAllSpec::Underlying(ticker) => {
                    CancelScope::Underlying(self.underlying(*ticker))
                }
                CancelAllSpec::Instrument(name) => CancelScope::Instrument(self.instrument(name)),
                CancelAllSpec::Group(ticker, group) => {
                    CancelScope::Group { underlying: self.underlying(*ticker), group: *group }
                }
            }),
            Request::Batch(items) => {
                let item = |step: &BatchStep| match step {
                    BatchStep::Place(order) => BatchItem::Place(self.order(order)),
                    BatchStep::Amend(amend) => BatchItem::Amend(self.amend(amend)),
                    BatchStep::Cancel(target) => BatchItem::Cancel(self.target(target)),
                };
                Command::Batch(bounded(items.iter().map(|spec| item(&spec.step)).collect())?)
            }
            Request::MassQuote { group, quotes } => {
                let quotes = quotes.iter().map(|quote| Quote {
                    instrument: self.instrument(&quote.instrument),
                    bid: quote.bid.as_ref().map(quote_side),
                    ask: quote.ask.as_ref().map(quote_side),
                });
                Command::MassQuote { group: *group, quotes: bounded(quotes.collect())? }
            }
            Request::SetProtection { underlying, group, limits } => Command::SetProtection {
                underlying: self.underlying(*underlying),
                group: *group,
                limits: *limits,
            },
            Request::ResetProtection { underlying, group } => {
                Command::ResetProtection { underlying: self.underlying(*underlying), group: *group }
            }
            Request::ScheduleCancel(at) => {
                Command::ScheduleCancel { at: at.map(|at| at.resolve(self.now)) }
            }
            Request::CreateSubAccount(sub) => Command::CreateSubAccount { sub: *sub },
            Request::Transfer { to, amount } => {
                Command::Transfer { to: self.account(to), amount: *amount }
            }
            Request::Withdraw(amount) => Command::Withdraw { amount: *amount },
            Request::RegisterAgent { agent, sub, instruments, notional_max, expires } => {
                let instruments = instruments.iter().map(|name| self.instrument(name)).collect();
                Command::RegisterAgent {
                    key: signer_of(agent).public_key(),
                    scope: AgentScope {
                        sub: *sub,
                        instruments: bounded(instruments)?,
                        notional_max: *notional_max,
                        expires: expires.map(|time| time.resolve(self.now)),
                    },
                }
            }
            Request::RevokeAgent(agent) => {
                Command::RevokeAgent { key: signer_of(agent).public_key() }
            }
            Request::SetMarginMode(mode) => Command::SetMarginMode(*mode),
            Request::Bid { account, share, price_max } => Command::Bid {
                account: self.account(account),
                share: *share,
                price_max: *price_max,
            },
            Request::BlockTrade { .. } => self.block_trade(step)?,
        })
    }

    fn block_trade(&mut self, step: &UserStep) -> Result<Command, String> {
        let Request::BlockTrade { legs, agreed_until, consents } = &step.request else {
            return Err("not a block trade".to_string());
        };
        let bound = legs.iter().map(|leg| BlockLeg {
            instrument: self.instrument(&leg.instrument),
            lots: leg.lots,
            price: leg.price,
            buyer: self.account(&leg.buyer),
            seller: self.account(&leg.seller),
        });
        let terms = BlockTerms {
            legs: bounded(bound.collect())?,
            valid_until: agreed_until.resolve(self.now),
        };
        let parties = match consents {
            Some(parties) => parties.clone(),
            None => {
                let mut parties: Vec<AccountRef> =
                    legs.iter().flat_map(|leg| [leg.buyer.clone(), leg.seller.clone()]).collect();
                parties.sort();
                parties.dedup();
                parties.retain(|party| *party != step.account);
                parties
            }
        };
        let mut signed = Vec::new();
        for party in &parties {
            let (signer, account) = (self.signer(&party.owner), self.account(party));
            let nonce = self.nonce(&party.owner, None);
            let message = consent_message(ChainId::default(), &terms, signer, account, nonce);
            let signature = signer_of(&party.owner).sign_message(&message);
            signed.push(Consent { signer, account, nonce, signature });
        }
        Ok(Command::BlockTrade { terms, consents: bounded(signed)? })
    }

    fn order(&self, order: &OrderSpec) -> NewOrder {
        NewOrder {
            instrument: self.instrument(&order.instrument),
            side: order.side,
            lots: order.lots,
            price: order.price,
            time_in_force: match order.time_in_force {
                TifSpec::GoodTilCancelled => TimeInForce::GoodTilCancelled,
                TifSpec::GoodTilDay => TimeInForce::GoodTilDay,
                TifSpec::ImmediateOrCancel => TimeInForce::ImmediateOrCancel,
                TifSpec::FillOrKill => TimeInForce::FillOrKill,
                TifSpec::GoodTil(time) => TimeInForce::GoodTil(time.resolve(self.now)),
            },
            post_only: order.post_only,
            reduce_only: order.reduce_only,
            display: order.display,
            self_trade: order.self_trade,
            protection: order.protection,
            trigger: order.trigger,
            label: order.label.clone(),
        }
    }

    fn amend(&self, amend: &AmendSpec) -> Amend {
        Amend {
            target: self.target(&amend.target),
            lots: amend.lots,
            price: amend.price,
            trigger_price: amend.trigger_price,
        }
    }

    fn target(&self, target: &TargetSpec) -> OrderTarget {
        match target {
            TargetSpec::Named(name, label) => match (self.names.order_id(name), label) {
                (None, Some(label)) => OrderTarget::Label(label.clone()),
                (id, _) => OrderTarget::Id(id.unwrap_or(OrderId(u64::MAX))),
            },
            TargetSpec::Label(label) => OrderTarget::Label(label.clone()),
            TargetSpec::Id(id) => OrderTarget::Id(OrderId(*id)),
        }
    }

    fn scope(&self, scope: ScopeSpec) -> PhaseScope {
        match scope {
            ScopeSpec::Venue => PhaseScope::Venue,
            ScopeSpec::Underlying(ticker) => PhaseScope::Underlying(self.underlying(ticker)),
            ScopeSpec::Instrument(name) => PhaseScope::Instrument(self.instrument(&name)),
        }
    }

    fn account(&self, account: &AccountRef) -> AccountId {
        self.names.account_id(account).unwrap_or(AccountId(u32::MAX))
    }

    fn signer(&self, name: &str) -> SignerId {
        self.names.signer_id(name).unwrap_or(SignerId(u32::MAX))
    }

    fn instrument(&self, name: &InstrumentName) -> InstrumentId {
        self.names.instrument_id(name).unwrap_or(InstrumentId(u32::MAX))
    }

    fn underlying(&self, ticker: Ticker) -> UnderlyingId {
        self.names.underlying_id(ticker).unwrap_or(UnderlyingId(u8::MAX))
    }
}

fn quote_side(side: &QuoteSideSpec) -> QuoteSide {
    QuoteSide { price: side.price, lots: side.lots }
}

/// An order that a step places: whose, what, and its name, with its item in the command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placement {
    /// Its account.
    pub account: AccountId,
    /// Its instrument.
    pub instrument: InstrumentId,
    /// Its side.
    pub side: Side,
    /// Its amount.
    pub lots: Lots,
    /// Its limit price.
    pub price: Option<Price>,
    /// Its name.
    pub name: Option<String>,
    /// Its place in the command.
    pub item: u16,
    /// Of linked orders, the number of their set; the first of a set is its primary.
    pub set: Option<u64>,
    /// What refused it, or the other side of the same quote.
    pub reject: Option<Reject>,
}

/// The orders that a command places, with the names that the step gives them. `set` numbers a
/// set of linked orders.
pub fn placements(request: &Request, command: &UserCommand, set: u64) -> Vec<Placement> {
    let account = command.account;
    let place = |order: &NewOrder, name: &Option<String>, item: usize, set| Placement {
        account,
        instrument: order.instrument,
        side: order.side,
        lots: order.lots,
        price: order.price,
        name: name.clone(),
        item: u16::try_from(item).unwrap_or(u16::MAX),
        set,
        reject: None,
    };
    let mut out = Vec::new();
    match (request, &command.command) {
        (Request::Place(spec), Command::Place(order)) => {
            out.push(place(order, &spec.name, 0, None));
        }
        (Request::Linked { orders: specs, .. }, Command::PlaceLinked { orders, .. }) => {
            for (item, (spec, order)) in specs.iter().zip(orders.iter()).enumerate() {
                out.push(place(order, &spec.name, item, Some(set)));
            }
        }
        (Request::Batch(specs), Command::Batch(items)) => {
            for (index, (spec, item)) in specs.iter().zip(items.iter()).enumerate() {
                if let (BatchStep::Place(spec), BatchItem::Place(order)) = (&spec.step, item) {
                    out.push(place(order, &spec.name, index, None));
                }
            }
        }
        (Request::MassQuote { quotes: specs, .. }, Command::MassQuote { quotes, .. }) => {
            for (item, (spec, quote)) in specs.iter().zip(quotes.iter()).enumerate() {
                let sides = [(Side::Buy, &spec.bid, quote.bid), (Side::Sell, &spec.ask, quote.ask)];
                for (side, spec, quoted) in sides {
                    let (Some(spec), Some(quoted)) = (spec, quoted) else { continue };
                    out.push(Placement {
                        account,
                        instrument: quote.instrument,
                        side,
                        lots: quoted.lots,
                        price: Some(quoted.price),
                        name: spec.name.clone(),
                        item: u16::try_from(item).unwrap_or(u16::MAX),
                        set: None,
                        reject: None,
                    });
                }
            }
        }
        _ => {}
    }
    out
}
