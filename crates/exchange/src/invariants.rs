//! What must always hold between blocks, checked by looking at everything (C1, C2, C3).
//!
//! [`Exchange::check_invariants`] walks the whole state and names the rule and the leaf that break
//! it. It only looks: no leaf is touched. Tests run it after every block, replay and audit at their
//! ends. [`books`] has the books, [`orders`] what hangs on orders and the counters of their owners,
//! [`indexes`] the ordered indexes and the leaves that must go together.
//!
//! Deliberately absent: anything that needs history, such as whether a fee was right.

mod books;
mod indexes;
mod orders;

use crate::engine::Exchange;
use crate::state::key::{ExpiryKey, HoldingKey, LeafKey, LinearKey, Only};
use crate::state::leaves::{Holding, Instrument, Totals};
use crate::state::table::Table;
use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use core::fmt;
use lockstep_types::ids::InstrumentId;
use lockstep_types::instrument::Contract;
use lockstep_types::units::{LOTS_PER_UNIT, Usd, notional_nano};

/// A rule that does not hold, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvariantError {
    /// The rule, as `docs/exchange.md` numbers it.
    pub rule: &'static str,
    /// What should be, in words.
    pub what: &'static str,
    /// The leaf that shows it.
    pub leaf: Box<LeafKey>,
    /// The number that should be there; 0 where a number says nothing.
    pub expected: i128,
    /// The number that is there.
    pub found: i128,
}

impl fmt::Display for InvariantError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { rule, what, leaf, expected, found } = self;
        write!(f, "{rule}: {what}, at {leaf:?}")?;
        if expected != found {
            write!(f, " (expected {expected}, found {found})")?;
        }
        Ok(())
    }
}

impl core::error::Error for InvariantError {}

type Check = Result<(), InvariantError>;

/// Where a check is: for errors.
#[derive(Clone, Copy, Debug)]
struct At {
    rule: &'static str,
    leaf: LeafKey,
}

impl At {
    const fn new(rule: &'static str, leaf: LeafKey) -> Self {
        Self { rule, leaf }
    }

    fn that(self, holds: bool, what: &'static str) -> Check {
        if holds { Ok(()) } else { Err(self.error(what, 0, 0)) }
    }

    fn equal(self, expected: impl Into<i128>, found: impl Into<i128>, what: &'static str) -> Check {
        let (expected, found) = (expected.into(), found.into());
        if expected == found { Ok(()) } else { Err(self.error(what, expected, found)) }
    }

    fn error(self, what: &'static str, expected: i128, found: i128) -> InvariantError {
        InvariantError { rule: self.rule, what, leaf: Box::new(self.leaf), expected, found }
    }
}

/// Checks every leaf of a table, up to the first that fails.
fn each<T: Table>(table: &T, mut check: impl FnMut(T::Key, &T::Value) -> Check) -> Check {
    let mut outcome = Ok(());
    table.each(&mut |key, value| {
        if outcome.is_ok() {
            outcome = check(key, value);
        }
    });
    outcome
}

/// A count as a number to compare.
fn count(len: usize) -> i128 {
    i128::try_from(len).unwrap_or(i128::MAX)
}

/// Where all money is (C1). [`Self::is_balanced`] says whether it adds up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Conservation {
    /// Deposits less withdrawals.
    pub deposits: Usd,
    /// Cash of all accounts, micro-USD.
    pub cash: i128,
    /// What positions in perpetuals and futures cost, longs less shorts, nano-USD.
    pub cost_nano: i128,
    /// Funding that positions owe since they were last paid, less what they are owed, nano-USD.
    pub funding_due_nano: i128,
    /// What positions of expiries in settlement were paid so far, nano-USD.
    pub settled_nano: i128,
    /// The insurance funds, of underlyings and the shared one.
    pub insurance: Usd,
    /// Fees not yet split.
    pub fees: Usd,
    /// Fees due to validators.
    pub validators: Usd,
    /// Fees due to the treasury.
    pub treasury: Usd,
    /// What rounding left over, nano-USD.
    pub dust_nano: i64,
}

impl Conservation {
    /// What all parts add up to, in nano-USD.
    #[must_use]
    pub fn total_nano(&self) -> i128 {
        let funds = [self.insurance, self.fees, self.validators, self.treasury];
        let funds: i128 = funds.iter().map(|fund| i128::from(fund.0)).sum();
        let whole = (self.cash + funds) * i128::from(LOTS_PER_UNIT);
        whole - self.cost_nano - self.funding_due_nano - self.settled_nano
            + i128::from(self.dust_nano)
    }

    /// Whether they add up to the deposits, to the nano-USD.
    #[must_use]
    pub fn is_balanced(&self) -> bool {
        self.total_nano() == i128::from(self.deposits.0) * i128::from(LOTS_PER_UNIT)
    }
}

/// What holdings of an instrument add up to.
#[derive(Clone, Copy, Debug, Default)]
struct Held {
    longs: i128,
    shorts: i128,
    holders: u32,
    orders: u64,
}

impl Exchange {
    /// Checks everything; meant for between blocks.
    ///
    /// # Errors
    /// The first rule that does not hold, with the leaf that shows it.
    pub fn check_invariants(&self) -> Result<(), InvariantError> {
        self.check_money()?;
        self.check_positions()?;
        self.check_books()?;
        self.check_orders()?;
        self.check_free_slots()?;
        self.check_accounts()?;
        self.check_indexes()?;
        self.check_listings()
    }

    fn looked_totals(&self) -> Totals {
        self.state.totals.peek(Only).copied().unwrap_or_default()
    }

    /// Where all money is (C1).
    #[must_use]
    pub fn conservation(&self) -> Conservation {
        let totals = self.looked_totals();
        let mut table = Conservation {
            deposits: totals.deposits,
            insurance: totals.insurance,
            fees: totals.fees,
            validators: totals.validators,
            treasury: totals.treasury,
            dust_nano: totals.dust_nano,
            ..Conservation::default()
        };
        self.state.accounts.each(&mut |_, account| table.cash += i128::from(account.cash.0));
        self.state.underlyings.each(&mut |_, underlying| table.insurance += underlying.insurance);
        self.state.holdings.each(&mut |key, holding| {
            let instrument = self.state.instruments.peek(key.instrument);
            if instrument.is_some_and(|instrument| !instrument.contract.is_option()) {
                table.cost_nano += holding.cost_nano;
            }
            table.funding_due_nano += self.funding_due_nano(key, holding);
        });
        self.state.expiries.each(&mut |_, expiry| table.settled_nano += expiry.paid_nano);
        table
    }

    /// Funding that a holding owes since it was last paid (P6).
    fn funding_due_nano(&self, key: HoldingKey, holding: &Holding) -> i128 {
        match self.state.instruments.peek(key.instrument).map(|record| record.contract) {
            Some(Contract::Perpetual) => {}
            _ => return 0,
        }
        let linear = self.state.linears.peek(LinearKey(key.instrument));
        linear.map_or(0, |linear| notional_nano(linear.funding - holding.funding, holding.lots))
    }

    fn check_money(&self) -> Check {
        let at = At::new("C1", LeafKey::Totals(Only));
        let table = self.conservation();
        let deposits_nano = i128::from(table.deposits.0) * i128::from(LOTS_PER_UNIT);
        at.equal(deposits_nano, table.total_nano(), "all balances add up to the deposits")?;
        let dust = (0..LOTS_PER_UNIT).contains(&table.dust_nano);
        at.that(dust, "whole micro-USD of dust belong to insurance")?;
        let shared = self.looked_totals().insurance;
        at.that(shared >= Usd::ZERO, "the shared insurance fund is not overdrawn")?;
        each(&self.state.underlyings, |id, underlying| {
            let at = At::new("C1", LeafKey::Underlying(id));
            at.that(underlying.insurance >= Usd::ZERO, "no insurance fund is overdrawn")
        })?;
        at.that(table.deposits >= Usd::ZERO, "no more is withdrawn than came in")
    }

    fn check_positions(&self) -> Check {
        let mut held: BTreeMap<InstrumentId, Held> = BTreeMap::new();
        each(&self.state.holdings, |key, holding| {
            let sum = held.entry(key.instrument).or_default();
            sum.longs += i128::from(holding.lots.0.max(0));
            sum.shorts -= i128::from(holding.lots.0.min(0));
            sum.holders += 1;
            sum.orders += u64::from(holding.orders);
            let at = At::new("C2", LeafKey::Holding(key));
            at.that(!holding.is_empty(), "an empty holding has no leaf")?;
            at.that(self.state.accounts.peek(key.account).is_some(), "a holder is an account")
        })?;
        let mut known = 0;
        each(&self.state.instruments, |id, instrument| {
            let sum = held.get(&id).copied().unwrap_or_default();
            known += usize::from(held.contains_key(&id));
            self.check_interest(id, instrument, &sum)
        })?;
        At::new("C2", LeafKey::Totals(Only)).equal(
            count(held.len()),
            count(known),
            "what is held is listed",
        )
    }

    fn check_interest(&self, id: InstrumentId, instrument: &Instrument, held: &Held) -> Check {
        let at = At::new("C2", LeafKey::Instrument(id));
        at.equal(held.longs, instrument.open_interest.0, "open interest is what longs hold")?;
        at.equal(held.holders, instrument.holders, "holders are counted")?;
        at.equal(held.orders, instrument.orders, "orders of holdings are the instrument's")?;
        let expiry = instrument.contract.expiry();
        let key = expiry.map(|expiry| ExpiryKey { underlying: instrument.underlying, expiry });
        let leaf = key.and_then(|key| self.state.expiries.peek(key));
        if leaf.is_some_and(|expiry| expiry.settlement.is_some()) {
            // Its positions are being paid, account by account.
            return Ok(());
        }
        at.equal(held.longs, held.shorts, "longs hold what shorts owe")
    }
}
