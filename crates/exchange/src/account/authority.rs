//! Who may do what: owners, agents and their scopes, nonces, the base fee (A1, A2, A3, F2).

use crate::engine::Exchange;
use crate::state::key::{AgentKey, HistoryKey, PublicKey, ScopeKey, SubKey};
use crate::state::leaves::{Account, SignerRecord, Watched};
use crate::state::{Fault, Missing, Outcome, State, Touch};
use alloc::boxed::Box;
use lockstep_types::command::{AgentScope, BatchItem, Command, MarginMode, UserCommand};
use lockstep_types::event::Event;
use lockstep_types::ids::{AccountId, InstrumentId, SignerId};
use lockstep_types::nonce::NonceWindow;
use lockstep_types::order::{NewOrder, OrderTarget};
use lockstep_types::params::WorkWeights;
use lockstep_types::reject::{Reject, RejectCode};
use lockstep_types::units::{Lots, Price, TimeMs, Usd, notional_nano};

/// Agents of one owner (A2).
pub const AGENTS_MAX: u16 = 256;
/// Accounts of the venue (A1).
pub const ACCOUNTS_MAX: u32 = 1 << 24;

/// Work units of a command (F2).
fn work_of(command: &Command, weights: WorkWeights) -> u64 {
    let (order, cancel) = (u64::from(weights.order), u64::from(weights.cancel));
    let many = |count: usize| u64::try_from(count).unwrap_or(u64::MAX).max(1);
    match command {
        Command::Place(_) | Command::Amend(_) => order,
        Command::Cancel(_) | Command::CancelAll(_) => cancel,
        Command::PlaceLinked { orders, .. } => order * many(orders.len()),
        Command::MassQuote { quotes, .. } => 2 * order * many(quotes.len()),
        Command::BlockTrade { terms, .. } => order * many(terms.legs.len()),
        Command::Batch(items) => items
            .iter()
            .map(|item| if matches!(item, BatchItem::Cancel(_)) { cancel } else { order })
            .sum(),
        _ => u64::from(weights.other),
    }
}

impl State {
    /// The record of a signer that is known to exist.
    #[inline]
    pub(crate) fn signer(&mut self, id: SignerId) -> Touch<&mut SignerRecord> {
        match self.signers.touch(id)? {
            Some(record) => Ok(record),
            None => {
                assert!(self.partial, "signers are numbered without gaps");
                Err(Missing::leaf(id))
            }
        }
    }

    /// Uses a nonce of a signer up (A3).
    #[inline]
    fn use_nonce(&mut self, id: SignerId, nonce: u64, now: TimeMs) -> Outcome<()> {
        if self.signer(id)?.nonces.accept_near(nonce, now)? {
            return Ok(());
        }
        let mut window = self.signer(id)?.nonces;
        let history = self.histories.touch(HistoryKey(id))?;
        // A refusal leaves no trace, not even an empty history.
        let mut used = history.unwrap_or_default();
        window.accept(&mut used, nonce, now)?;
        *history = Some(used);
        self.signer(id)?.nonces = window;
        Ok(())
    }
}

impl Exchange {
    /// Checks that the signer may send this command, uses its nonce up and charges the base fee.
    pub(crate) fn authorise(&mut self, command: &UserCommand) -> Outcome<()> {
        let cash = self.check_signer(command)?;
        let rules = self.venue_rules()?;
        let (work, limit) = (work_of(&command.command, rules.work), rules.block_work_max);
        let totals = self.state.totals()?;
        let (after, now) = (totals.work.saturating_add(work), totals.time);
        if after > limit {
            let shown = |units: u64| i64::try_from(units).unwrap_or(i64::MAX);
            return Err(Reject::beyond(RejectCode::WorkLimit, shown(after), shown(limit)).into());
        }
        let fee = base_fee(work, totals.base_fee_nano);
        if fee > cash.0 && fee > 0 {
            return Err(Reject::beyond(RejectCode::BaseFeeUnpaid, cash.0, fee).into());
        }
        self.state.use_nonce(command.signer, command.nonce, now)?;
        let totals = self.state.totals()?;
        totals.work = after;
        if fee > 0 {
            totals.fees += Usd(fee);
            self.state.account(command.account)?.cash -= Usd(fee);
        }
        Ok(())
    }

    /// Checks that the signer may say this for the account, now; gives the account's cash.
    pub(crate) fn check_signer(&mut self, command: &UserCommand) -> Outcome<Usd> {
        let totals = self.state.totals()?;
        let now = totals.time;
        // An id that was never given is not asked for, so that nobody can make an array grow.
        if command.signer.0 >= totals.signers {
            return Err(Reject::of(RejectCode::UnknownSigner).into());
        }
        if command.account.0 >= totals.accounts {
            return Err(Reject::of(RejectCode::UnknownAccount).into());
        }
        let account = self.state.account(command.account)?;
        let (account_owner, sub, cash) = (account.owner, account.sub, account.cash);
        let record = self.state.signer(command.signer)?;
        let owner = record.owner;
        if !record.active || account_owner != owner {
            return Err(Reject::of(RejectCode::NotAuthorised).into());
        }
        if let Some(until) = command.valid_until
            && until < now
        {
            return Err(Reject::beyond(RejectCode::TooLate, until.0, now.0).into());
        }
        if owner != command.signer {
            self.check_scope(command, sub, now)?;
        }
        Ok(cash)
    }

    /// Checks an agent's command against its scope (A2).
    fn check_scope(&mut self, command: &UserCommand, sub: u8, now: TimeMs) -> Outcome<()> {
        let denied = || Fault::from(Reject::of(RejectCode::AgentScope));
        let Some(scope) = self.state.scopes.touch(ScopeKey(command.signer))?.clone() else {
            return Err(denied());
        };
        if let Some(expires) = scope.expires
            && expires < now
        {
            return Err(Reject::beyond(RejectCode::AgentExpired, now.0, expires.0).into());
        }
        if scope.sub.is_some_and(|bound| bound != sub) {
            return Err(denied());
        }
        match &command.command {
            Command::Withdraw { .. }
            | Command::Transfer { .. }
            | Command::CreateSubAccount { .. }
            | Command::RegisterAgent { .. }
            | Command::RevokeAgent { .. }
            | Command::SetMarginMode(_)
            | Command::Chain(_) => Err(Reject::of(RejectCode::NotOwner).into()),
            Command::Place(order) => self.check_scoped_order(&scope, order),
            Command::PlaceLinked { orders, .. } => {
                orders.iter().try_for_each(|order| self.check_scoped_order(&scope, order))
            }
            Command::Batch(items) => items.iter().try_for_each(|item| match item {
                BatchItem::Place(order) => self.check_scoped_order(&scope, order),
                BatchItem::Amend(amend) => self.check_scoped_amend(command.account, &scope, amend),
                BatchItem::Cancel(_) => Ok(()),
            }),
            Command::Amend(amend) => self.check_scoped_amend(command.account, &scope, amend),
            Command::MassQuote { quotes, .. } => quotes.iter().try_for_each(|quote| {
                for side in [quote.bid, quote.ask].into_iter().flatten() {
                    self.check_scoped(&scope, quote.instrument, side.lots, Some(side.price))?;
                }
                Ok(())
            }),
            Command::BlockTrade { terms, .. } => terms.legs.iter().try_for_each(|leg| {
                self.check_scoped(&scope, leg.instrument, leg.lots, Some(leg.price))
            }),
            _ => Ok(()),
        }
    }

    fn check_scoped_order(&mut self, scope: &AgentScope, order: &NewOrder) -> Outcome<()> {
        self.check_scoped(scope, order.instrument, order.lots, order.price)
    }

    fn check_scoped_amend(
        &mut self,
        account: AccountId,
        scope: &AgentScope,
        amend: &lockstep_types::order::Amend,
    ) -> Outcome<()> {
        let target: &OrderTarget = &amend.target;
        let order = self.find_order(account, target)?;
        let lots = amend.lots.unwrap_or(Lots(i64::from(order.total)));
        let price = amend.price.unwrap_or(order.price);
        self.check_scoped(scope, order.instrument, lots, Some(price))
    }

    /// Instruments and notional of a scope; a market order counts at mark.
    fn check_scoped(
        &mut self,
        scope: &AgentScope,
        instrument: InstrumentId,
        lots: Lots,
        price: Option<Price>,
    ) -> Outcome<()> {
        if !scope.instruments.is_empty() && !scope.instruments.contains(&instrument) {
            return Err(Reject::of(RejectCode::AgentScope).into());
        }
        let Some(limit) = scope.notional_max else { return Ok(()) };
        let record = self.listed(instrument)?;
        // An option's notional is the underlying's (F1), everything else's is at its price.
        let price = match (record.contract.is_option(), price) {
            (true, _) => self.index_or_zero(record.underlying)?,
            (false, Some(price)) => price,
            (false, None) => self.mark(instrument)?.unwrap_or_default(),
        };
        let notional_nano = notional_nano(price, lots);
        if notional_nano > i128::from(limit.0) * 1_000 {
            let actual = i64::try_from(notional_nano / 1_000).unwrap_or(i64::MAX);
            return Err(Reject::beyond(RejectCode::AgentNotional, actual, limit.0).into());
        }
        Ok(())
    }

    /// Opens an account.
    pub(crate) fn open_account(&mut self, owner: SignerId, sub: u8) -> Outcome<AccountId> {
        let totals = self.state.totals()?;
        if totals.accounts >= ACCOUNTS_MAX {
            let limit = i64::from(ACCOUNTS_MAX);
            return Err(Reject::beyond(RejectCode::AccountLimit, limit, limit).into());
        }
        let account = AccountId(totals.accounts);
        totals.accounts += 1;
        *self.state.accounts.touch(account)? = Some(Account {
            owner,
            sub,
            mode: MarginMode::Standard,
            tier: 0,
            liquidating: false,
            orders: 0,
            holdings: 0,
            cash: Usd::ZERO,
            volume_day: 0,
            volume_today: Usd::ZERO,
            dead_man: TimeMs::ZERO,
            watched: Watched::No,
        });
        *self.state.subs.touch(SubKey { owner, sub })? = Some(account);
        self.events.push(Event::AccountOpened { account, owner, sub });
        Ok(account)
    }

    /// Registers a key under the next signer id; an owner's key owns itself.
    pub(crate) fn open_signer(
        &mut self,
        key: [u8; 32],
        owner: Option<SignerId>,
    ) -> Outcome<SignerId> {
        let totals = self.state.totals()?;
        let id = SignerId(totals.signers);
        totals.signers += 1;
        match owner {
            None => *self.state.keys.touch(PublicKey(key))? = Some(id),
            Some(owner) => *self.state.agents.touch(AgentKey { owner, key })? = Some(id),
        }
        *self.state.signers.touch(id)? = Some(SignerRecord {
            key,
            owner: owner.unwrap_or(id),
            active: true,
            agents: 0,
            nonces: NonceWindow::default(),
        });
        Ok(id)
    }

    /// Opens a sub-account (A1).
    pub(crate) fn create_sub_account(&mut self, owner: SignerId, sub: u8) -> Outcome<()> {
        if self.state.subs.touch(SubKey { owner, sub })?.is_some() {
            return Err(Reject::of(RejectCode::SubAccountExists).into());
        }
        self.open_account(owner, sub).map(|_| ())
    }

    /// Registers an agent key, or gives a former agent of this owner a new scope (A2).
    pub(crate) fn register_agent(
        &mut self,
        owner: SignerId,
        key: [u8; 32],
        scope: &AgentScope,
    ) -> Outcome<()> {
        let now = self.state.totals()?.time;
        if let Some(expires) = scope.expires
            && expires <= now
        {
            return Err(Reject::beyond(RejectCode::AgentExpired, expires.0, now.0).into());
        }
        let agents = self.state.signer(owner)?.agents;
        if agents >= AGENTS_MAX {
            let limit = i64::from(AGENTS_MAX);
            return Err(Reject::beyond(RejectCode::AgentLimit, limit, limit).into());
        }
        let agent = match *self.state.agents.touch(AgentKey { owner, key })? {
            None => self.open_signer(key, Some(owner))?,
            Some(known) => {
                let record = self.state.signer(known)?;
                if record.active {
                    return Err(Reject::of(RejectCode::AgentExists).into());
                }
                record.active = true;
                known
            }
        };
        *self.state.scopes.touch(ScopeKey(agent))? = Some(scope.clone());
        self.state.signer(owner)?.agents += 1;
        let scope = Box::new(scope.clone());
        self.events.push(Event::AgentRegistered { owner, agent, scope });
        Ok(())
    }

    /// Revokes an agent key; its next command is refused, its orders stay the account's (A2).
    pub(crate) fn revoke_agent(&mut self, owner: SignerId, key: [u8; 32]) -> Outcome<()> {
        let unknown = || Fault::from(Reject::of(RejectCode::UnknownAgent));
        let agent = self.state.agents.touch(AgentKey { owner, key })?.ok_or_else(unknown)?;
        let record = self.state.signer(agent)?;
        if !record.active {
            return Err(unknown());
        }
        record.active = false;
        *self.state.scopes.touch(ScopeKey(agent))? = None;
        self.state.signer(owner)?.agents -= 1;
        self.events.push(Event::AgentRevoked { owner, agent });
        Ok(())
    }

    /// Changes the margin mode (A6), if the account is not being liquidated and covers in the new
    /// mode what its positions and open orders need.
    ///
    /// # Errors
    /// Rejections: `BelowMaintenance`, `NoReference` before everything has a mark,
    /// `MarginModeUnavailable` with the balance and what would be needed.
    pub(crate) fn set_margin_mode(&mut self, account: AccountId, mode: MarginMode) -> Outcome<()> {
        let record = *self.state.account(account)?;
        if record.liquidating {
            return Err(Reject::of(RejectCode::BelowMaintenance).into());
        }
        if mode != record.mode && !self.margin_is_off()? {
            let Some(view) = self.view_in(account, mode, &[])? else {
                return Err(Reject::of(RejectCode::NoReference).into());
            };
            let margin = view.assess();
            if margin.needed > margin.balance {
                let code = RejectCode::MarginModeUnavailable;
                return Err(Reject::beyond(code, margin.balance, margin.needed).into());
            }
        }
        self.state.account(account)?.mode = mode;
        // What was remembered of the account's margin was of the other model.
        self.cushions.forget(account);
        self.sums.forget(account);
        self.note_change(account)?;
        let portfolio = mode == MarginMode::Portfolio;
        self.events.push(Event::MarginModeSet { account, portfolio });
        Ok(())
    }
}

/// The base fee of `work` units, rounded up, in micro-USD.
fn base_fee(work: u64, per_unit_nano: i64) -> i64 {
    if per_unit_nano == 0 {
        return 0;
    }
    let nano = i128::from(work) * i128::from(per_unit_nano);
    i64::try_from((nano + 999) / 1_000).unwrap_or(i64::MAX)
}
