//! The state of the exchange, as leaves.
//!
//! [`table`] says what a leaf is and how touching one records its pre-image; [`leaves`] has the
//! shapes; [`key`] the names; [`journal`] what comes of the pre-images. Tables of their own have
//! price levels ([`levels`]), places in queues ([`links`]), holdings ([`holdings`]) and ordered
//! indexes ([`ordered`]); [`noted`], [`places`] and [`computed`] are computed and no part of the
//! state. This file lists the tables. Invariant: everything that is not in a leaf can be computed
//! from the leaves.

pub(crate) mod ahead;
pub mod changes;
pub(crate) mod computed;
pub mod journal;
pub mod key;
pub mod leaves;

pub(crate) mod holdings;
pub(crate) mod levels;
pub(crate) mod links;
mod noted;
pub(crate) mod ordered;
mod places;
pub(crate) mod table;

use alloc::vec::Vec;
use holdings::Holdings;
use key::{ExpiryKey, GapsKey, LatencyDayKey, LatencyKey, LiquidationKey, ObservationKey};
use key::{
    ExtraKey, FreePage, LabelKey, LeafKey, LinearKey, Only, ProtectionKey, PublicKey, ScopeKey,
    SleepersKey, Slot, SubKey, UnderlyingKey, VenueKey, VolumeKey,
};
use leaves::{
    Account, Expiry, Extra, FreeSlots, Gaps, Instrument, Latency, LatencyDay, Linear, Link,
    Liquidation, Observation, Order, Protection, Reporter, Scope, SignerRecord, Sleepers, Totals,
    Underlying, VolumeHistory,
};
use levels::Levels;
use links::Links;
use lockstep_types::ids::{
    AccountId, InstrumentId, LinkId, OrderId, ReporterId, SignerId, UnderlyingId,
};
use lockstep_types::instrument::InstrumentName;
use lockstep_types::nonce::NonceHistory;
use lockstep_types::params::{UnderlyingParams, VenueParams};
use noted::Noted;
use ordered::Ordered;
use table::{Dense, Sparse, Table};
pub use table::{Fault, Missing, Outcome, Touch};

/// Calls `$do!(field, Variant)` for every table, `Variant` being its [`LeafKey`] kind.
macro_rules! for_each_table {
    ($do:ident) => {
        $do! {
            totals Totals, venue Venue, signers Signer, histories History, keys PublicKey,
            agents Agent, scopes Scope,
            accounts Account, subs Sub, volumes Volume, holdings Holding, orders Order,
            extras Extra, labels Label, links Link, levels Level, places Place, free_pages FreePage,
            instruments Instrument, names Name, linears Linear,
            underlying_params UnderlyingParams, underlyings Underlying, expiries Expiry,
            reporters Reporter, observations Observation, protections Protection, entries Entry,
            sleepers Sleepers, gaps Gaps, latencies Latency, latency_days LatencyDay,
            liquidations Liquidation, watches Watch, floors Floor,
        }
    };
}
pub(crate) use for_each_table;

/// Whether an order of an account is in its slot. What was undone may have given the same handle to
/// another account.
fn is_open(orders: &Dense<Slot, Order>, account: AccountId, id: OrderId) -> bool {
    let order = orders.peek(Slot(id.slot()));
    order.is_some_and(|order| order.id == id && order.account == account)
}

/// Encodes a leaf's value when called: not every visitor wants the bytes.
type Encoder<'a> = &'a dyn Fn() -> alloc::vec::Vec<u8>;

/// Every table.
#[derive(Clone, Debug)]
pub(crate) struct State {
    pub(crate) totals: Dense<Only, Totals>,
    pub(crate) venue: Dense<VenueKey, VenueParams>,
    pub(crate) signers: Dense<SignerId, SignerRecord>,
    pub(crate) histories: Dense<key::HistoryKey, NonceHistory>,
    pub(crate) keys: Sparse<PublicKey, SignerId>,
    pub(crate) agents: Sparse<key::AgentKey, SignerId>,
    pub(crate) scopes: Sparse<ScopeKey, Scope>,
    pub(crate) accounts: Dense<AccountId, Account>,
    pub(crate) subs: Sparse<SubKey, AccountId>,
    pub(crate) volumes: Sparse<VolumeKey, VolumeHistory>,
    pub(crate) holdings: Holdings,
    pub(crate) orders: Dense<Slot, Order>,
    pub(crate) extras: Sparse<ExtraKey, Extra>,
    pub(crate) labels: Sparse<LabelKey, OrderId>,
    pub(crate) links: Sparse<LinkId, Link>,
    pub(crate) levels: Levels,
    pub(crate) places: Links,
    pub(crate) free_pages: Dense<FreePage, FreeSlots>,
    pub(crate) instruments: Dense<InstrumentId, Instrument, true>,
    pub(crate) names: Sparse<InstrumentName, InstrumentId>,
    pub(crate) linears: Sparse<LinearKey, Linear>,
    pub(crate) underlying_params: Dense<UnderlyingKey, UnderlyingParams>,
    pub(crate) underlyings: Dense<UnderlyingId, Underlying>,
    pub(crate) expiries: Sparse<ExpiryKey, Expiry>,
    pub(crate) reporters: Sparse<ReporterId, Reporter>,
    pub(crate) observations: Sparse<ObservationKey, Observation>,
    pub(crate) protections: Sparse<ProtectionKey, Protection>,
    pub(crate) entries: Ordered,
    pub(crate) sleepers: Sparse<SleepersKey, Sleepers>,
    pub(crate) gaps: Sparse<GapsKey, Gaps>,
    pub(crate) latencies: Sparse<LatencyKey, Latency>,
    pub(crate) latency_days: Sparse<LatencyDayKey, LatencyDay>,
    pub(crate) liquidations: Sparse<LiquidationKey, Liquidation>,
    pub(crate) watches: Dense<key::WatchKey, leaves::Watch>,
    pub(crate) floors: Dense<key::FloorKey, leaves::Floor>,
    /// Which orders an account has.
    pub(crate) owned: Noted<OrderId, 4>,
    /// Whether only the leaves of a witness are known.
    pub(crate) partial: bool,
}

impl State {
    /// The empty state: no leaf but the venue's parameters and the counters.
    pub(crate) fn new(params: VenueParams) -> Self {
        let mut state = Self::blank();
        state.venue.restore(VenueKey, Some(params));
        state.totals.restore(Only, Some(Totals::default()));
        state
    }

    /// No leaf at all.
    pub(crate) fn blank() -> Self {
        Self {
            totals: Dense::default(),
            venue: Dense::default(),
            signers: Dense::default(),
            histories: Dense::default(),
            keys: Sparse::default(),
            agents: Sparse::default(),
            scopes: Sparse::default(),
            accounts: Dense::default(),
            subs: Sparse::default(),
            volumes: Sparse::default(),
            holdings: Holdings::default(),
            orders: Dense::default(),
            extras: Sparse::default(),
            labels: Sparse::default(),
            links: Sparse::default(),
            levels: Levels::default(),
            places: Links::default(),
            free_pages: Dense::default(),
            instruments: Dense::default(),
            names: Sparse::default(),
            linears: Sparse::default(),
            underlying_params: Dense::default(),
            underlyings: Dense::default(),
            expiries: Sparse::default(),
            reporters: Sparse::default(),
            observations: Sparse::default(),
            protections: Sparse::default(),
            entries: Ordered::default(),
            sleepers: Sparse::default(),
            gaps: Sparse::default(),
            latencies: Sparse::default(),
            latency_days: Sparse::default(),
            liquidations: Sparse::default(),
            watches: Dense::default(),
            floors: Dense::default(),
            owned: Noted::default(),
            partial: false,
        }
    }

    /// A state of which only what is restored will be known.
    pub(crate) fn blank_partial() -> Self {
        let mut state = Self::blank();
        macro_rules! partial {
            ($($field:ident $kind:ident),* $(,)?) => { $(state.$field.make_partial();)* };
        }
        for_each_table!(partial);
        state.owned.make_partial();
        state.partial = true;
        state
    }

    /// Notes that an order of an account is open, or is about to be.
    #[inline]
    pub(crate) fn note_owned(&mut self, account: AccountId, id: OrderId) {
        let orders = &self.orders;
        self.owned.add(account.0, id, |id| is_open(orders, account, id));
    }

    /// Forgets the handles of an account's orders that are not open, of which it has `count`.
    pub(crate) fn tidy_owned(&mut self, account: AccountId, count: u32) {
        let orders = &self.orders;
        self.owned.tidy(account.0, count, |id| is_open(orders, account, id));
    }

    /// The handles of an account's open orders, oldest first; touches nothing.
    pub(crate) fn open_orders_of(&self, account: AccountId) -> Vec<OrderId> {
        let noted = self.owned.of(account.0);
        let mut open: Vec<OrderId> =
            noted.filter(|id| is_open(&self.orders, account, *id)).collect();
        open.sort_unstable();
        open.dedup();
        open
    }

    /// Turns recording of pre-images on or off.
    pub(crate) fn record(&mut self, on: bool) {
        macro_rules! set {
            ($($field:ident $kind:ident),* $(,)?) => { $(
                let log = self.$field.log();
                log.take();
                log.recording = on;
            )* };
        }
        for_each_table!(set);
    }

    /// Drops what is absent from tables that keep no log; with one, checkpoints do.
    pub(crate) fn tidy(&mut self) {
        macro_rules! tidy {
            ($($field:ident $kind:ident),* $(,)?) => { $(self.$field.tidy();)* };
        }
        for_each_table!(tidy);
    }

    /// Calls `visit` with every leaf, table by table.
    pub(crate) fn each_leaf(&self, visit: &mut dyn FnMut(LeafKey, Encoder<'_>)) {
        macro_rules! show {
            ($($field:ident $kind:ident),* $(,)?) => { $(
                self.$field.each(&mut |key, value| {
                    visit(LeafKey::$kind(key), &|| {
                        lockstep_types::codec::Encode::to_bytes(value)
                    });
                });
            )* };
        }
        for_each_table!(show);
    }
}

#[cfg(test)]
mod tests;
