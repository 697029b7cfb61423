//! Names for the engine's numbers, both ways: accounts, keys, instruments, underlyings, orders and
//! reporters.
//!
//! A number without a name shows as one (`account 7`, `#12` for the order with that number of
//! arrival), so that events of any log can be shown. Instruments are learned from events by
//! [`Names::observe`]; everything else is told. An instrument keeps its name after it has expired.

use super::model::AccountRef;
use lockstep_types::Event;
use lockstep_types::ids::{AccountId, InstrumentId, OrderId, ReporterId, SignerId, UnderlyingId};
use lockstep_types::instrument::{InstrumentName, Ticker};
use std::collections::BTreeMap;

/// Names, both ways.
#[derive(Clone, Debug, Default)]
pub struct Names {
    accounts: BTreeMap<AccountId, AccountRef>,
    account_ids: BTreeMap<AccountRef, AccountId>,
    signers: BTreeMap<SignerId, String>,
    signer_ids: BTreeMap<String, SignerId>,
    instruments: BTreeMap<InstrumentId, InstrumentName>,
    instrument_ids: BTreeMap<InstrumentName, InstrumentId>,
    underlyings: BTreeMap<UnderlyingId, Ticker>,
    underlying_ids: BTreeMap<Ticker, UnderlyingId>,
    orders: BTreeMap<OrderId, String>,
    order_ids: BTreeMap<String, OrderId>,
    reporters: Vec<String>,
}

impl Names {
    /// Learns what an event says by itself.
    pub fn observe(&mut self, event: &Event) {
        if let Event::Listed { instrument, name } = event {
            self.instruments.insert(*instrument, **name);
            self.instrument_ids.insert(**name, *instrument);
        }
    }

    /// Names an account.
    pub fn name_account(&mut self, id: AccountId, account: AccountRef) {
        self.accounts.insert(id, account.clone());
        self.account_ids.insert(account, id);
    }

    /// Names a signing key.
    pub fn name_signer(&mut self, id: SignerId, name: &str) {
        self.signers.insert(id, name.to_string());
        self.signer_ids.insert(name.to_string(), id);
    }

    /// Names an underlying.
    pub fn name_underlying(&mut self, id: UnderlyingId, ticker: Ticker) {
        self.underlyings.insert(id, ticker);
        self.underlying_ids.insert(ticker, id);
    }

    /// Names an order.
    pub fn name_order(&mut self, id: OrderId, name: &str) {
        self.orders.insert(id, name.to_string());
        self.order_ids.insert(name.to_string(), id);
    }

    /// The number of a reporter, which is assigned on first mention.
    pub fn reporter_id(&mut self, name: &str) -> ReporterId {
        let known = self.reporters.iter().position(|reporter| reporter == name);
        let index = known.unwrap_or_else(|| {
            self.reporters.push(name.to_string());
            self.reporters.len() - 1
        });
        ReporterId(u16::try_from(index).unwrap_or(u16::MAX))
    }

    /// The name of a reporter.
    pub fn reporter(&self, id: ReporterId) -> String {
        match self.reporters.get(usize::from(id.0)) {
            Some(name) => name.clone(),
            None => format!("reporter {id}"),
        }
    }

    /// The account of that name, if it exists.
    pub fn account_id(&self, account: &AccountRef) -> Option<AccountId> {
        self.account_ids.get(account).copied()
    }

    /// The key of that name, if the venue knows it.
    pub fn signer_id(&self, name: &str) -> Option<SignerId> {
        self.signer_ids.get(name).copied()
    }

    /// The instrument of that name, if it was ever listed.
    pub fn instrument_id(&self, name: &InstrumentName) -> Option<InstrumentId> {
        self.instrument_ids.get(name).copied()
    }

    /// The underlying with that ticker, if there is one.
    pub fn underlying_id(&self, ticker: Ticker) -> Option<UnderlyingId> {
        self.underlying_ids.get(&ticker).copied()
    }

    /// The order of that name, if it was accepted.
    pub fn order_id(&self, name: &str) -> Option<OrderId> {
        self.order_ids.get(name).copied()
    }

    /// An account, as text.
    pub fn account(&self, id: AccountId) -> String {
        match self.accounts.get(&id) {
            Some(account) => account.to_string(),
            None if id.0 == u32::MAX => "unknown account".to_string(),
            None => format!("account {id}"),
        }
    }

    /// The name of a key, if it has one.
    pub fn signer_name(&self, id: SignerId) -> Option<&str> {
        self.signers.get(&id).map(String::as_str)
    }

    /// A key, as text.
    pub fn signer(&self, id: SignerId) -> String {
        match self.signers.get(&id) {
            Some(name) => name.clone(),
            None => format!("key {id}"),
        }
    }

    /// An instrument, as text.
    pub fn instrument(&self, id: InstrumentId) -> String {
        match self.instruments.get(&id) {
            Some(name) => name.to_string(),
            None => format!("instrument {id}"),
        }
    }

    /// An underlying, as text.
    pub fn underlying(&self, id: UnderlyingId) -> String {
        match self.underlyings.get(&id) {
            Some(ticker) => ticker.to_string(),
            None => format!("underlying {id}"),
        }
    }

    /// An order, as text.
    pub fn order(&self, id: OrderId) -> String {
        match self.orders.get(&id) {
            Some(name) => name.clone(),
            None => format!("#{}", id.0 >> OrderId::SLOT_BITS),
        }
    }
}
