//! The clear waterfall: what a liquidation does to everybody's money and positions, written to be
//! read.
//!
//! Ordered maps and 128-bit integers, slow and obviously right. A test replays what an engine did,
//! event by event, and compares every account's cash and positions. An [`Event`] carries what was
//! decided (who, how many lots, which share, at what price); what follows from the decision is
//! computed here and given back as an [`Outcome`], to be compared with what the engine says.
//!
//! The rules (docs/exchange.md: C1, C2, F1, R3), money in micro-USD, costs and dust in nano-USD:
//!
//! 1. *Positions.* A position of a perpetual or future carries what it cost, exactly. What is
//!    closed releases its share of the cost, rounded up; proceeds less that share, rounded down, go
//!    to cash. An option's premium goes through cash at once, rounded down for both sides.
//! 2. *Dust.* What rounding keeps is collected, and its whole micro-USD are the shared fund's.
//! 3. *Liquidation.* The liquidated account only reduces. It pays the fee, rounded up, of the
//!    notional rounded up, to the fund of the underlying; the other side pays an ordinary fee.
//! 4. *Slice.* The share of every leg goes to the bidder at mark, rounded as [`SliceLots`] says;
//!    with it goes the share of the equity before, rounded down, from cash to cash. The bidder pays
//!    the price; a negative one is paid to it by the funds as in 5, or the slice does not happen.
//! 5. *Cover.* What an account's equity is below zero is divided among the funds by weight; each
//!    pays its part as far as it goes, the shared fund what they lack, as far as it goes.
//! 6. *Deleveraging.* A trade that reduces both sides, without fees, at the price that is given.
//!
//! Invariants, asserted after every event: cash, funds, fees and dust less what linear positions
//! cost are what came from outside, to the nano-USD; an instrument's lots sum to zero; no fund is
//! negative. A refused event changes nothing. Deliberately absent: books, margin and who is to be
//! liquidated; funding and expiry, which come as [`Event::Flow`] and must leave positions alone.
//!
//! What the steps of the waterfall ask for (prices, shares, divisions) is in [`terms`].

mod event;
pub mod terms;
#[cfg(test)]
mod tests;

pub use event::{Contract, Event, Fill, Outcome, Purse, Refusal, Rules, SliceLots};

use std::collections::BTreeMap;
use terms::{PPM, ceil, floor};

/// Nano-USD in a micro-USD. Lots x price is nano-USD, because a lot is a thousandth.
const NANOS: i128 = 1_000;

/// A position.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Position {
    /// Positive if long.
    pub lots: i128,
    /// What it cost in nano-USD; negative if short.
    pub cost_nano: i128,
}

/// Everybody's money and positions.
#[derive(Clone, Debug)]
pub struct ClearWaterfall {
    rules: Rules,
    marks: BTreeMap<u32, i64>,
    indexes: BTreeMap<u8, i64>,
    purses: BTreeMap<Purse, i128>,
    positions: BTreeMap<(u32, u32), Position>,
    dust_nano: i128,
    /// What came from outside, micro-USD.
    outside: i128,
}

impl ClearWaterfall {
    /// A venue without money or positions.
    #[must_use]
    pub fn new(rules: Rules) -> ClearWaterfall {
        ClearWaterfall {
            rules,
            marks: BTreeMap::new(),
            indexes: BTreeMap::new(),
            purses: BTreeMap::new(),
            positions: BTreeMap::new(),
            dust_nano: 0,
            outside: 0,
        }
    }

    /// What a purse holds, micro-USD.
    #[must_use]
    pub fn money(&self, purse: Purse) -> i128 {
        self.purses.get(&purse).copied().unwrap_or(0)
    }

    /// An account's position; the empty one if it has none.
    #[must_use]
    pub fn position(&self, account: u32, instrument: u32) -> Position {
        self.positions.get(&(account, instrument)).copied().unwrap_or_default()
    }

    /// An account's positions by instrument.
    pub fn legs(&self, account: u32) -> impl Iterator<Item = (u32, Position)> + '_ {
        let legs = self.positions.range((account, 0)..=(account, u32::MAX));
        legs.map(|(&(_, instrument), &position)| (instrument, position))
    }

    /// An account's equity in micro-USD: cash, open profit and options at mark, each rounded down.
    ///
    /// # Errors
    /// [`Refusal::NoPrice`] if a position has no mark.
    pub fn equity(&self, account: u32) -> Result<i128, Refusal> {
        self.legs(account).try_fold(self.money(Purse::Account(account)), |sum, (id, position)| {
            let mark = i128::from(*self.marks.get(&id).ok_or(Refusal::NoPrice)?);
            let is_option = self.contract(id)?.is_option;
            let cost_nano = if is_option { 0 } else { position.cost_nano };
            Ok(sum + floor(position.lots * mark - cost_nano, NANOS))
        })
    }

    /// Carries out an event.
    ///
    /// # Errors
    /// A [`Refusal`] if it is impossible; nothing has changed then.
    ///
    /// # Panics
    /// If an invariant broke, which no event should be able to.
    pub fn apply(&mut self, event: &Event) -> Result<Outcome, Refusal> {
        let outcome = match event {
            Event::Flow { purse, amount } => self.flow(*purse, i128::from(*amount)),
            Event::Mark { instrument, price } => {
                self.contract(*instrument)?;
                self.marks.insert(*instrument, *price);
                Ok(Outcome::default())
            }
            Event::Index { underlying, price } => {
                self.indexes.insert(*underlying, *price);
                Ok(Outcome::default())
            }
            Event::Trade { fill, buyer_fee, seller_fee } => {
                self.check_fill(fill)?;
                self.fill(fill);
                self.pay(Purse::Account(fill.buyer), Purse::Fees, i128::from(*buyer_fee));
                self.pay(Purse::Account(fill.seller), Purse::Fees, i128::from(*seller_fee));
                Ok(Outcome::default())
            }
            Event::Liquidation { fill, account, other_fee } => {
                self.liquidate(fill, *account, i128::from(*other_fee))
            }
            Event::Slice { account, bidder, share_ppm, price, weights } => {
                self.slice(*account, *bidder, i128::from(*share_ppm), i128::from(*price), weights)
            }
            Event::Cover { account, weights } => self.cover(*account, weights),
            Event::Deleverage { fill } => {
                self.check_fill(fill)?;
                self.check_reduces(fill, fill.buyer)?;
                self.check_reduces(fill, fill.seller)?;
                self.fill(fill);
                Ok(Outcome::default())
            }
        }?;
        self.assert_invariants();
        Ok(outcome)
    }

    fn contract(&self, instrument: u32) -> Result<Contract, Refusal> {
        let contract = self.rules.contracts.get(&instrument).copied();
        contract.ok_or(Refusal::UnknownInstrument(instrument))
    }

    /// Moves money between two purses.
    fn pay(&mut self, from: Purse, to: Purse, amount: i128) {
        *self.purses.entry(from).or_default() -= amount;
        *self.purses.entry(to).or_default() += amount;
    }

    fn flow(&mut self, purse: Purse, amount: i128) -> Result<Outcome, Refusal> {
        let is_fund = matches!(purse, Purse::Fund(_) | Purse::Shared);
        if is_fund && self.money(purse) + amount < 0 {
            return Err(Refusal::Unfunded);
        }
        *self.purses.entry(purse).or_default() += amount;
        self.outside += amount;
        Ok(Outcome::default())
    }

    fn check_fill(&self, fill: &Fill) -> Result<(), Refusal> {
        self.contract(fill.instrument)?;
        if fill.lots <= 0 || fill.price < 0 {
            return Err(Refusal::OutOfRange);
        }
        if fill.buyer == fill.seller {
            return Err(Refusal::WrongSides);
        }
        Ok(())
    }

    /// That a fill only reduces an account's position.
    fn check_reduces(&self, fill: &Fill, account: u32) -> Result<(), Refusal> {
        let lots = self.position(account, fill.instrument).lots;
        let closable = if account == fill.buyer { -lots } else { lots };
        if i128::from(fill.lots) <= closable {
            return Ok(());
        }
        Err(Refusal::NotReducing(account))
    }

    fn fill(&mut self, fill: &Fill) {
        let (lots, price) = (i128::from(fill.lots), i128::from(fill.price));
        self.fill_side(fill.buyer, fill.instrument, lots, price);
        self.fill_side(fill.seller, fill.instrument, -lots, price);
    }

    /// Adds signed lots at a price to an account's position (rule 1).
    fn fill_side(&mut self, account: u32, instrument: u32, lots: i128, price: i128) {
        let is_option = self.contract(instrument).is_ok_and(|contract| contract.is_option);
        let mut position = self.position(account, instrument);
        let held = position.lots.abs();
        let closes = position.lots.signum() * lots.signum() < 0;
        let closed = if closes { held.min(lots.abs()) } else { 0 };
        let released_nano = if closed > 0 { ceil(position.cost_nano * closed, held) } else { 0 };
        let opened = lots - lots.signum() * closed;
        let profit_nano = -lots.signum() * closed * price - released_nano;
        position.lots += lots;
        position.cost_nano += opened * price - released_nano;
        if position.lots == 0 {
            assert!(position.cost_nano == 0, "no lots have cost nothing");
            self.positions.remove(&(account, instrument));
        } else {
            self.positions.insert((account, instrument), position);
        }
        self.credit_nano(account, if is_option { -lots * price } else { profit_nano });
    }

    /// Credits nano-USD, rounded down; the rest is dust (rule 2).
    fn credit_nano(&mut self, account: u32, amount_nano: i128) {
        let amount = floor(amount_nano, NANOS);
        *self.purses.entry(Purse::Account(account)).or_default() += amount;
        self.dust_nano += amount_nano - amount * NANOS;
        *self.purses.entry(Purse::Shared).or_default() += self.dust_nano / NANOS;
        self.dust_nano %= NANOS;
    }

    /// Rule 3.
    fn liquidate(
        &mut self,
        fill: &Fill,
        account: u32,
        other_fee: i128,
    ) -> Result<Outcome, Refusal> {
        self.check_fill(fill)?;
        let other = match account {
            _ if account == fill.buyer => fill.seller,
            _ if account == fill.seller => fill.buyer,
            _ => return Err(Refusal::WrongSides),
        };
        self.check_reduces(fill, account)?;
        let liquidation_fee = self.liquidation_fee(fill)?;
        let underlying = self.contract(fill.instrument)?.underlying;
        self.fill(fill);
        self.pay(Purse::Account(account), Purse::Fund(underlying), liquidation_fee);
        self.pay(Purse::Account(other), Purse::Fees, other_fee);
        Ok(Outcome { liquidation_fee, ..Outcome::default() })
    }

    /// The fee of a liquidated account (F1).
    fn liquidation_fee(&self, fill: &Fill) -> Result<i128, Refusal> {
        let contract = self.contract(fill.instrument)?;
        let rate = i128::from(self.rules.liquidation_fee_ppm);
        let premium_nano = i128::from(fill.lots) * i128::from(fill.price);
        if !contract.is_option {
            return Ok(ceil(ceil(premium_nano, NANOS) * rate, PPM));
        }
        let index = *self.indexes.get(&contract.underlying).ok_or(Refusal::NoPrice)?;
        let notional = ceil(i128::from(fill.lots) * i128::from(index), NANOS);
        let cap = ceil(premium_nano * i128::from(self.rules.option_fee_cap_ppm), PPM * NANOS);
        Ok(ceil(notional * rate, PPM).min(cap))
    }

    /// Rule 4.
    fn slice(
        &mut self,
        account: u32,
        bidder: u32,
        share_ppm: i128,
        price: i128,
        weights: &BTreeMap<u8, u64>,
    ) -> Result<Outcome, Refusal> {
        if account == bidder {
            return Err(Refusal::WrongSides);
        }
        if !(0..=PPM).contains(&share_ppm) {
            return Err(Refusal::Share);
        }
        // Refuses legs without a mark, so that none is skipped below.
        let equity = self.equity(account)?;
        let mut outcome = self.bill((-price).max(0), weights);
        if outcome.uncovered > 0 {
            return Err(Refusal::Unfunded);
        }
        let legs: Vec<_> = self.legs(account).collect();
        for (instrument, position) in legs {
            let Some(&mark) = self.marks.get(&instrument) else { continue };
            let exact = position.lots.abs() * share_ppm;
            let size = match self.rules.slice_lots {
                SliceLots::AwayFromZero => ceil(exact, PPM),
                SliceLots::TowardsZero => floor(exact, PPM),
            };
            let (lots, mark) = (size * position.lots.signum(), i128::from(mark));
            if lots != 0 {
                self.fill_side(account, instrument, -lots, mark);
                self.fill_side(bidder, instrument, lots, mark);
                outcome.legs.insert(instrument, lots);
            }
        }
        outcome.collateral = floor(equity * share_ppm, PPM);
        self.pay(Purse::Account(account), Purse::Account(bidder), outcome.collateral);
        self.pay(Purse::Account(bidder), Purse::Account(account), price.max(0));
        self.settle(&outcome, bidder);
        Ok(outcome)
    }

    /// Rule 5.
    fn cover(&mut self, account: u32, weights: &BTreeMap<u8, u64>) -> Result<Outcome, Refusal> {
        let deficit = (-self.equity(account)?).max(0);
        let outcome = self.bill(deficit, weights);
        self.settle(&outcome, account);
        Ok(outcome)
    }

    /// Who would pay an amount, without paying it.
    fn bill(&self, amount: i128, weights: &BTreeMap<u8, u64>) -> Outcome {
        let mut outcome = Outcome::default();
        let mut left = amount;
        for (underlying, part) in terms::divide(amount, weights) {
            let paid = part.min(self.money(Purse::Fund(underlying)));
            outcome.from_funds.insert(underlying, paid);
            left -= paid;
        }
        outcome.from_shared = left.min(self.money(Purse::Shared));
        outcome.uncovered = left - outcome.from_shared;
        outcome
    }

    /// Pays what was billed to an account.
    fn settle(&mut self, outcome: &Outcome, account: u32) {
        for (&underlying, &paid) in &outcome.from_funds {
            self.pay(Purse::Fund(underlying), Purse::Account(account), paid);
        }
        self.pay(Purse::Shared, Purse::Account(account), outcome.from_shared);
    }

    /// Money and positions now, less what came from outside, in nano-USD: zero, always.
    #[must_use]
    pub fn made_nano(&self) -> i128 {
        let money: i128 = self.purses.values().sum();
        let is_linear =
            |instrument: u32| self.contract(instrument).is_ok_and(|contract| !contract.is_option);
        let positions = self.positions.iter().filter(|((_, id), _)| is_linear(*id));
        let cost_nano: i128 = positions.map(|(_, position)| position.cost_nano).sum();
        (money - self.outside) * NANOS - cost_nano + self.dust_nano
    }

    fn assert_invariants(&self) {
        assert_eq!(self.made_nano(), 0, "money is neither made nor lost (C1)");
        let mut sums: BTreeMap<u32, i128> = BTreeMap::new();
        for ((_, instrument), position) in &self.positions {
            *sums.entry(*instrument).or_default() += position.lots;
        }
        assert!(sums.values().all(|&lots| lots == 0), "every lot held long is held short (C2)");
        for (purse, &amount) in &self.purses {
            let is_fund = matches!(purse, Purse::Fund(_) | Purse::Shared);
            assert!(!is_fund || amount >= 0, "{purse:?} does not pay what it does not have");
        }
    }
}
