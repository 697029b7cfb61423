//! Ordered indexes and leaves that go together: timers, triggers, switches, series (A1, I4, M2,
//! R3).

use super::{At, Check, count, each};
use crate::engine::Exchange;
use crate::liquidation::watch::ends_of;
use crate::order::trigger::{place_of, sort_of};
use crate::state::key::{
    AgentKey, EntryKey, ExpiryKey, ExtraKey, HoldingKey, IndexId, LeafKey, LinearKey,
    LiquidationKey, Only, PublicKey, SleepersKey, SubKey,
};
use crate::state::leaves::{Instrument, Order, SignerRecord, Sleep, Sleepers, Watched};
use crate::state::table::Table;
use alloc::collections::{BTreeMap, BTreeSet};
use lockstep_types::ids::{AccountId, InstrumentId, LinkId, UnderlyingId};
use lockstep_types::instrument::Contract;
use lockstep_types::units::TimeMs;

/// Entries that the other leaves ask for.
type Wanted = BTreeSet<(IndexId, i64, u64)>;

const fn head(index: IndexId) -> EntryKey {
    EntryKey { index, sort: i64::MIN, item: 0 }
}

impl Exchange {
    /// Every index is linked in order, and has what it should have.
    pub(super) fn check_indexes(&self) -> Check {
        let found = self.linked_entries()?;
        let mut wanted = Wanted::new();
        let mut sleepers: BTreeMap<InstrumentId, Sleepers> = BTreeMap::new();
        self.state.orders.each(&mut |slot, order| {
            if order.reduce_only {
                let (account, instrument) = (order.account, order.instrument);
                let index = IndexId::ReduceOnly(HoldingKey { account, instrument });
                wanted.insert((index, 0, order.id.0));
            }
            let Some(extra) = self.state.extras.peek(ExtraKey(slot)) else { return };
            if extra.until.0 != 0 {
                wanted.insert((IndexId::OrderEnds, extra.until.0, order.id.0));
            }
            if let Some(sleep) = &extra.sleep {
                want_sleep(&mut wanted, order, sleep);
                count_sleep(sleepers.entry(order.instrument).or_default(), sleep);
            }
        });
        self.check_sleepers_counts(&sleepers, &mut wanted)?;
        self.state.accounts.each(&mut |id, account| {
            if account.dead_man.0 != 0 {
                wanted.insert((IndexId::DeadMan, account.dead_man.0, u64::from(id.0)));
            }
        });
        self.state.watches.each(&mut |key, watch| {
            for range in &watch.ranges {
                for (index, sort) in ends_of(range) {
                    wanted.insert((index, sort, u64::from(key.0.0)));
                }
            }
        });
        self.state.reporters.each(&mut |id, _| {
            wanted.insert((IndexId::Reporters, 0, u64::from(id.0)));
        });
        self.state.expiries.each(&mut |key, _| {
            wanted.insert((IndexId::Expiries(key.underlying), key.expiry.0, 0));
        });
        self.state.instruments.each(&mut |id, instrument| {
            let key = series_of(instrument);
            wanted.insert((IndexId::Series(key), i64::from(id.0), u64::from(id.0)));
        });
        self.compare_entries(&found, &wanted)
    }

    /// All entries, after checking that each index's links lead through all of them in order.
    fn linked_entries(&self) -> Result<Wanted, super::InvariantError> {
        let mut heads = BTreeSet::new();
        let mut entries = 0;
        self.state.entries.each(&mut |key, _| {
            entries += usize::from(key != head(key.index));
            heads.insert(key.index);
        });
        let mut found = Wanted::new();
        for index in heads {
            let mut at_key = head(index);
            loop {
                let at = At::new("C3", LeafKey::Entry(at_key));
                let Some(link) = self.state.entries.peek(at_key) else {
                    at.that(false, "an entry that is linked to is present")?;
                    break;
                };
                let Some((sort, item)) = link.next else {
                    at.that(at_key != head(index), "an empty index has no head")?;
                    break;
                };
                let next = EntryKey { index, sort, item };
                at.that(next > at_key, "entries are linked in order")?;
                found.insert((index, sort, item));
                at_key = next;
            }
        }
        let at = At::new("C3", LeafKey::Totals(Only));
        at.equal(count(entries), count(found.len()), "every entry is linked to")?;
        Ok(found)
    }

    fn compare_entries(&self, found: &Wanted, wanted: &Wanted) -> Check {
        for (index, sort, item) in wanted {
            let at =
                At::new("C3", LeafKey::Entry(EntryKey { index: *index, sort: *sort, item: *item }));
            at.that(found.contains(&(*index, *sort, *item)), "what has a time or place is filed")?;
        }
        for (index, sort, item) in found {
            let key = EntryKey { index: *index, sort: *sort, item: *item };
            let at = At::new("C3", LeafKey::Entry(key));
            let known = wanted.contains(&(*index, *sort, *item))
                || match index {
                    // Accounts do not keep their turn, nor sets that they are due.
                    IndexId::Liquidating => true,
                    IndexId::Changed => {
                        let account = u32::try_from(*item).map(AccountId).ok();
                        let account = account.and_then(|id| self.state.accounts.peek(id));
                        account.is_some_and(|account| account.watched == Watched::Queued)
                    }
                    IndexId::DueLinks => {
                        let link = LinkId(*item);
                        self.state.links.peek(link).is_some()
                    }
                    _ => false,
                };
            at.that(known, "what is filed exists")?;
        }
        self.check_liquidating(found)
    }

    fn check_liquidating(&self, found: &Wanted) -> Check {
        let mut listed: BTreeMap<u64, u32> = BTreeMap::new();
        for (index, _, item) in found {
            if *index == IndexId::Liquidating {
                *listed.entry(*item).or_default() += 1;
            }
        }
        each(&self.state.accounts, |id, account| {
            let times = listed.remove(&u64::from(id.0)).unwrap_or_default();
            let at = At::new("R3", LeafKey::Account(id));
            let expected = u32::from(account.liquidating);
            at.equal(expected, times, "who is being liquidated is listed once")
        })?;
        let at = At::new("R3", LeafKey::Totals(Only));
        at.that(listed.is_empty(), "only accounts are liquidated")?;
        let mut records = 0;
        each(&self.state.liquidations, |LiquidationKey(id), _| {
            records += 1;
            let account = self.state.accounts.peek(id);
            let at = At::new("R3", LeafKey::Liquidation(LiquidationKey(id)));
            at.that(account.is_some_and(|account| account.liquidating), "it is being liquidated")
        })?;
        let mut liquidating = 0;
        self.state.accounts.each(&mut |_, account| liquidating += u32::from(account.liquidating));
        at.equal(liquidating, records, "who is being liquidated has a record")?;
        at.equal(liquidating, self.looked_totals().liquidating, "and is counted")
    }

    fn check_sleepers_counts(
        &self,
        sleepers: &BTreeMap<InstrumentId, Sleepers>,
        wanted: &mut Wanted,
    ) -> Check {
        for (id, expected) in sleepers {
            wanted.insert((IndexId::Sleepers, i64::from(id.0), u64::from(id.0)));
            let key = SleepersKey(*id);
            let found = self.state.sleepers.peek(key).copied().unwrap_or_default();
            let counts = |counts: &Sleepers| (counts.orders, counts.trailing);
            let at = At::new("M2", LeafKey::Sleepers(key));
            at.that(counts(expected) == counts(&found), "sleeping orders are counted")?;
        }
        each(&self.state.sleepers, |key, _| {
            let at = At::new("M2", LeafKey::Sleepers(key));
            let held = sleepers.contains_key(&key.0);
            at.that(held, "counts of sleeping orders go with the last of them")
        })
    }

    /// Instruments, their names, price states and expiries belong together (I4).
    pub(super) fn check_listings(&self) -> Check {
        let mut listed: BTreeMap<UnderlyingId, u32> = BTreeMap::new();
        let mut expiries = BTreeSet::new();
        each(&self.state.instruments, |id, instrument| {
            *listed.entry(instrument.underlying).or_default() += 1;
            if instrument.contract.expiry().is_some() {
                expiries.insert(series_of(instrument));
            }
            self.check_listing(id, instrument)
        })?;
        each(&self.state.underlyings, |id, underlying| {
            let expected = listed.get(&id).copied().unwrap_or_default();
            let at = At::new("I4", LeafKey::Underlying(id));
            at.equal(expected, underlying.listed, "listed instruments are counted")
        })?;
        each(&self.state.expiries, |key, _| {
            let at = At::new("I4", LeafKey::Expiry(key));
            at.that(expiries.contains(&key), "an expiry has an instrument")
        })?;
        each(&self.state.names, |name, id| {
            let at = At::new("I4", LeafKey::Name(name));
            let contract = self.state.instruments.peek(*id).map(|record| record.contract);
            at.that(contract == Some(name.contract), "a name leads to its instrument")
        })
    }

    fn check_listing(&self, id: InstrumentId, instrument: &Instrument) -> Check {
        let at = At::new("I4", LeafKey::Instrument(id));
        let known = self.state.underlyings.peek(instrument.underlying).is_some();
        at.that(known, "an instrument's underlying exists")?;
        let linear = self.state.linears.peek(LinearKey(id)).is_some();
        let option = instrument.contract.is_option();
        at.that(linear != option, "perpetuals and futures have a price state")?;
        if instrument.contract.expiry().is_some() {
            let expiry = self.state.expiries.peek(series_of(instrument));
            at.that(expiry.is_some(), "an instrument's expiry has its leaf")?;
        }
        if instrument.contract == Contract::Perpetual {
            let underlying = self.state.underlyings.peek(instrument.underlying);
            let named = underlying.is_some_and(|underlying| underlying.perpetual == Some(id));
            at.that(named, "an underlying names its perpetual")?;
        }
        Ok(())
    }

    /// Accounts and signers are numbered without gaps, and their keys lead to them (A1).
    pub(super) fn check_accounts(&self) -> Check {
        let totals = self.looked_totals();
        let (mut accounts, mut signers) = (0_u32, 0_u32);
        each(&self.state.accounts, |id, account| {
            accounts += 1;
            let at = At::new("A1", LeafKey::Account(id));
            let key = SubKey { owner: account.owner, sub: account.sub };
            let led = self.state.subs.peek(key) == Some(&id);
            at.that(led, "an owner's sub-account number leads to the account")
        })?;
        each(&self.state.signers, |id, record| {
            signers += 1;
            let at = At::new("A1", LeafKey::Signer(id));
            let SignerRecord { key, owner, .. } = *record;
            let led = match owner == id {
                true => self.state.keys.peek(PublicKey(key)),
                false => self.state.agents.peek(AgentKey { owner, key }),
            };
            at.that(led == Some(&id), "a public key leads to its signer")
        })?;
        let at = At::new("A1", LeafKey::Totals(Only));
        at.equal(accounts, totals.accounts, "accounts are numbered without gaps")?;
        at.equal(signers, totals.signers, "signers are numbered without gaps")
    }
}

fn series_of(instrument: &Instrument) -> ExpiryKey {
    let expiry = instrument.contract.expiry().unwrap_or(TimeMs::ZERO);
    ExpiryKey { underlying: instrument.underlying, expiry }
}

fn want_sleep(wanted: &mut Wanted, order: &Order, sleep: &Sleep) {
    let (instrument, source, rising) = (order.instrument, sleep.source, sleep.rising);
    let triggers = IndexId::Triggers { instrument, source, rising };
    wanted.insert((triggers, sort_of(sleep.price, rising), order.id.0));
    if sleep.is_trailing() {
        wanted.insert((IndexId::Trailing { instrument, source }, 0, order.id.0));
    }
}

fn count_sleep(counts: &mut Sleepers, sleep: &Sleep) {
    counts.orders[place_of(sleep.source)] += 1;
    counts.trailing[place_of(sleep.source)] += u32::from(sleep.is_trailing());
}
