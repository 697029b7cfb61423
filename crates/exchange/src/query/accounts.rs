//! Views of accounts and funds: cash, positions, margin, insurance, fees (A1, R1, R2, F2, F3, C1).
//!
//! Margin is not computed twice: a view copies the account's leaves into a small partial state and
//! asks the engine's own code there.

use crate::engine::Exchange;
use crate::margin::model::{Assessment, Part};
use crate::margin::view::{Leg, View};
use crate::state::State;
use crate::state::key::{
    ExpiryKey, HoldingKey, LatencyKey, LinearKey, Only, PublicKey, Slot, SubKey, UnderlyingKey,
    VenueKey,
};
use crate::state::leaves::{Account, SignerRecord};
use crate::state::table::Table;
use alloc::vec::Vec;
use lockstep_types::command::MarginMode;
use lockstep_types::ids::{AccountId, InstrumentId, SignerId, UnderlyingId};
use lockstep_types::order::Side;
use lockstep_types::units::{Lots, Price, Usd};

/// A position and the open orders beside it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PositionView {
    /// In what.
    pub instrument: InstrumentId,
    /// Signed.
    pub lots: Lots,
    /// Average price at which it was opened, rounded to the nearest micro-USD; zero without one.
    pub average_price: Price,
    /// Mark; `None` before the underlying has had an index.
    pub mark: Option<Price>,
    /// What it would bring at mark less what it cost, floored: of an option its value less the
    /// premium, which cash has seen already.
    pub unrealised: Option<Usd>,
    /// Funding that it owes since it was last paid, rounded up; negative: it is owed (P6).
    pub funding_due: Usd,
    /// Lots of open buy orders, sleeping ones not included.
    pub buy_lots: Lots,
    /// Lots of open sell orders, likewise.
    pub sell_lots: Lots,
    /// Open orders, sleeping ones included.
    pub orders: u32,
}

/// What an underlying adds to an account's margin, micro-USD.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnderlyingMargin {
    /// Which.
    pub underlying: UnderlyingId,
    /// Initial requirement of its positions.
    pub initial: Usd,
    /// Maintenance requirement.
    pub maintenance: Usd,
    /// Initial requirement, whatever of the open orders fills.
    pub needed: Usd,
}

/// An account's margin (R1, R2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MarginView {
    /// The sums.
    pub total: Assessment,
    /// What each underlying adds, by id.
    pub underlyings: Vec<UnderlyingMargin>,
}

/// An account as its owner sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountView {
    /// Its owner.
    pub owner: SignerId,
    /// Its number among the owner's.
    pub sub: u8,
    /// How it is margined.
    pub mode: MarginMode,
    /// Its fee tier.
    pub tier: u8,
    /// Whether it is being liquidated (R3).
    pub liquidating: bool,
    /// Open orders, sleeping ones included.
    pub orders: u32,
    /// Collateral, realised and settled.
    pub cash: Usd,
    /// Its margin; `None` while something that it has has no mark.
    pub margin: Option<MarginView>,
    /// What it has in each instrument, by id.
    pub positions: Vec<PositionView>,
}

/// The venue's funds and the base fee.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FundsView {
    /// Deposits less withdrawals (C1).
    pub deposits: Usd,
    /// All insurance funds together.
    pub insurance: Usd,
    /// The shared one of them; the others are the underlyings' (R3).
    pub insurance_shared: Usd,
    /// Fees not yet split: zero between blocks.
    pub fees: Usd,
    /// Fees due to validators.
    pub validators: Usd,
    /// Fees due to the treasury.
    pub treasury: Usd,
    /// Base fee per unit of work in nano-USD; zero while the chain is calm (F2).
    pub base_fee_nano: i64,
    /// Work units of the latest block.
    pub work: u64,
}

fn usd(value: i128) -> Usd {
    let bounded = value.clamp(i128::from(i64::MIN), i128::from(i64::MAX));
    Usd(i64::try_from(bounded).unwrap_or(i64::MAX))
}

fn average_price(cost_nano: i128, lots: Lots) -> Price {
    if lots == Lots::ZERO {
        return Price::ZERO;
    }
    // Cost and lots have one sign, so that the average is not negative.
    let (cost, lots) = (cost_nano.abs(), i128::from(lots.0).abs());
    Price(i64::try_from((cost + lots / 2).div_euclid(lots)).unwrap_or(i64::MAX))
}

impl PositionView {
    fn of(leg: &Leg, orders: u32) -> Self {
        let worth_nano = i128::from(leg.lots) * i128::from(leg.mark);
        Self {
            instrument: leg.instrument,
            lots: Lots(leg.lots),
            average_price: average_price(leg.cost_nano, Lots(leg.lots)),
            mark: Some(Price(leg.mark)),
            unrealised: Some(usd((worth_nano - leg.cost_nano).div_euclid(1_000))),
            funding_due: usd(-(-leg.funding_due_nano).div_euclid(1_000)),
            buy_lots: Lots(leg.buys.lots),
            sell_lots: Lots(leg.sells.lots),
            orders,
        }
    }
}

impl Exchange {
    /// An account with its positions and margin; `None` if there is no such account.
    #[must_use]
    pub fn account_view(&self, id: AccountId) -> Option<AccountView> {
        let record = *self.state.accounts.peek(id)?;
        let view = self.looked_view(id);
        Some(AccountView {
            owner: record.owner,
            sub: record.sub,
            mode: record.mode,
            tier: record.tier,
            liquidating: record.liquidating,
            orders: record.orders,
            cash: record.cash,
            margin: view.as_ref().map(margin_view),
            positions: self.positions_of(id, &record, view.as_ref()),
        })
    }

    /// The margin of an account; `None` while something that it has has no mark.
    #[must_use]
    pub fn margin_of(&self, id: AccountId) -> Option<Assessment> {
        self.looked_view(id).map(|view| view.assess())
    }

    /// The account of an owner's key and sub-account number.
    #[must_use]
    pub fn account_of(&self, key: [u8; 32], sub: u8) -> Option<AccountId> {
        let owner = *self.state.keys.peek(PublicKey(key))?;
        self.state.subs.peek(SubKey { owner, sub }).copied()
    }

    /// The signer of a public key.
    #[must_use]
    pub fn signer_of(&self, key: [u8; 32]) -> Option<SignerId> {
        self.state.keys.peek(PublicKey(key)).copied()
    }

    /// A signing key's record: its public key, whose it is, whether it may sign.
    #[must_use]
    pub fn signer_record(&self, id: SignerId) -> Option<&SignerRecord> {
        self.state.signers.peek(id)
    }

    /// Whose account it is.
    #[must_use]
    pub fn owner_of(&self, id: AccountId) -> Option<SignerId> {
        self.state.accounts.peek(id).map(|account| account.owner)
    }

    /// Whether the leaves are there without which there is no venue: its totals and parameters.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.state.totals.peek(Only).is_some() && self.state.venue.peek(VenueKey).is_some()
    }

    /// Number of accounts; their ids are below it.
    #[must_use]
    pub fn accounts(&self) -> u32 {
        self.state.totals.peek(Only).map_or(0, |totals| totals.accounts)
    }

    /// The venue's funds and the base fee.
    #[must_use]
    pub fn funds(&self) -> FundsView {
        let totals = self.state.totals.peek(Only).copied().unwrap_or_default();
        let mut insurance = totals.insurance;
        self.state.underlyings.each(&mut |_, underlying| insurance += underlying.insurance);
        FundsView {
            deposits: totals.deposits,
            insurance,
            insurance_shared: totals.insurance,
            fees: totals.fees,
            validators: totals.validators,
            treasury: totals.treasury,
            base_fee_nano: totals.base_fee_nano,
            work: totals.work,
        }
    }

    /// The account's view by the engine's own code, on a copy of the leaves it needs.
    pub(crate) fn looked_view(&self, id: AccountId) -> Option<View> {
        let record = *self.state.accounts.peek(id)?;
        let mut copy = Self::around(State::blank_partial());
        self.copy_account(&mut copy.state, id, &record)?;
        // A leaf that is not copied would be a leaf that margin does not need.
        copy.view(id, &[]).ok().flatten()
    }

    fn copy_account(&self, copy: &mut State, id: AccountId, record: &Account) -> Option<()> {
        let state = &self.state;
        copy.totals.restore(Only, state.totals.peek(Only).copied());
        copy.venue.restore(VenueKey, state.venue.peek(VenueKey).cloned());
        copy.accounts.restore(id, Some(*record));
        for order in state.open_orders_of(id) {
            let slot = Slot(order.slot());
            copy.orders.restore(slot, state.orders.peek(slot).copied());
            copy.note_owned(id, order);
        }
        for instrument in state.holdings.instruments(id, record.holdings).ok()? {
            let key = HoldingKey { account: id, instrument };
            copy.holdings.restore(key, state.holdings.peek(key).copied());
            let held = *state.instruments.peek(instrument)?;
            copy.instruments.restore(instrument, Some(held));
            let linear = LinearKey(instrument);
            copy.linears.restore(linear, state.linears.peek(linear).copied());
            let underlying = held.underlying;
            copy.underlyings.restore(underlying, state.underlyings.peek(underlying).copied());
            let latency = LatencyKey(underlying);
            copy.latencies.restore(latency, state.latencies.peek(latency).copied());
            let params = UnderlyingKey(underlying);
            copy.underlying_params.restore(params, state.underlying_params.peek(params).cloned());
            if let Some(expiry) = held.contract.expiry() {
                let key = ExpiryKey { underlying, expiry };
                copy.expiries.restore(key, state.expiries.peek(key).copied());
            }
        }
        Some(())
    }

    fn positions_of(
        &self,
        id: AccountId,
        record: &Account,
        view: Option<&View>,
    ) -> Vec<PositionView> {
        let held = self.state.holdings.instruments(id, record.holdings).unwrap_or_default();
        let mut positions = Vec::with_capacity(held.len());
        for instrument in held {
            let key = HoldingKey { account: id, instrument };
            let Some(holding) = self.state.holdings.peek(key) else { continue };
            let leg = view.and_then(|view| Some(&view.legs[view.place_of(instrument)?]));
            positions.push(leg.map_or(
                PositionView {
                    instrument,
                    lots: holding.lots,
                    average_price: average_price(holding.cost_nano, holding.lots),
                    mark: None,
                    unrealised: None,
                    funding_due: Usd::ZERO,
                    buy_lots: holding.open_lots(Side::Buy),
                    sell_lots: holding.open_lots(Side::Sell),
                    orders: holding.orders,
                },
                |leg| PositionView::of(leg, holding.orders),
            ));
        }
        positions
    }
}

fn margin_view(view: &View) -> MarginView {
    let mut underlyings: Vec<(UnderlyingId, Part)> = Vec::new();
    let total = view.assess_parts(&mut |underlying, part| match underlyings.last_mut() {
        Some((last, sum)) if *last == underlying => *sum = sum.plus(*part),
        _ => underlyings.push((underlying, *part)),
    });
    let underlyings = underlyings.into_iter().map(|(underlying, part)| UnderlyingMargin {
        underlying,
        initial: usd(part.initial),
        maintenance: usd(part.maintenance),
        needed: usd(part.needed),
    });
    MarginView { total, underlyings: underlyings.collect() }
}
