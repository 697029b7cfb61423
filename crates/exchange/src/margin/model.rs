//! What a margin model answers, and which model an account has (A6).
//!
//! An account's margin is cash plus a sum over *groups* of legs: the legs that a model margins
//! together. The standard model's groups are single perpetuals and futures and the options of one
//! expiry; portfolio margin's are whole underlyings. A what-if question changes one leg, so only
//! its group is valued again ([`Outlook`]).
//!
//! Invariant: what cannot be represented in 64 bits cannot be carried: a requirement that overflows
//! counts as the greatest number, so that it is never covered.

use super::view::View;
use super::{portfolio, standard};
use core::ops::Range;
use lockstep_types::command::MarginMode;
use lockstep_types::ids::UnderlyingId;

/// How accounts of a mode are margined (A6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Model {
    /// See [`super::standard`].
    Standard,
    /// See [`super::portfolio`].
    Portfolio,
}

impl Model {
    /// The model of a mode.
    pub(crate) const fn of(mode: MarginMode) -> Self {
        match mode {
            MarginMode::Standard => Self::Standard,
            MarginMode::Portfolio => Self::Portfolio,
        }
    }

    /// The legs that are margined together with the one at `place`.
    fn group(self, view: &View, place: usize) -> Range<usize> {
        match self {
            Self::Standard => standard::group(&view.legs, place),
            Self::Portfolio => portfolio::group(&view.legs, place),
        }
    }

    /// What a group adds to its account.
    fn part(self, view: &View, group: Range<usize>) -> Part {
        match self {
            Self::Standard => standard::part(&view.params, &view.rates, &view.legs[group]),
            Self::Portfolio => portfolio::part(view, group),
        }
    }
}

/// What a group of legs adds to its account, micro-USD.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Part {
    /// To the margin balance: profit that covers requirements.
    pub(crate) balance: i128,
    /// To the equity: all profit and value.
    pub(crate) equity: i128,
    /// To open risk.
    pub(crate) initial: i128,
    /// To keep it.
    pub(crate) maintenance: i128,
    /// To open risk, whatever of the open orders fills: at least `initial`.
    pub(crate) needed: i128,
}

impl Part {
    pub(crate) fn plus(self, other: Self) -> Self {
        Self {
            balance: self.balance + other.balance,
            equity: self.equity + other.equity,
            initial: self.initial + other.initial,
            maintenance: self.maintenance + other.maintenance,
            needed: self.needed + other.needed,
        }
    }
}

/// An account's margin, micro-USD (R1, R2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Assessment {
    /// What covers requirements: cash, unrealised profit, less funding due; with the standard model
    /// without the value of options, with portfolio margin the whole equity.
    pub balance: i64,
    /// The balance and the value of options.
    pub equity: i64,
    /// Initial requirement of the positions.
    pub initial: i64,
    /// Maintenance requirement of the positions.
    pub maintenance: i64,
    /// Initial requirement, whatever of the open orders fills.
    pub needed: i64,
}

impl Assessment {
    fn of(cash: i64, sum: &Part) -> Self {
        let cash = i128::from(cash);
        Self {
            balance: clamped(cash + sum.balance),
            equity: clamped(cash + sum.equity),
            initial: clamped(sum.initial),
            maintenance: clamped(sum.maintenance),
            needed: clamped(sum.needed),
        }
    }

    /// What the open orders need beyond the positions.
    #[must_use]
    pub fn order_margin(&self) -> i64 {
        self.needed - self.initial
    }

    /// Whether the account may be liquidated (R2).
    #[must_use]
    pub fn is_below_maintenance(&self) -> bool {
        self.balance < self.maintenance
    }
}

/// The nearest 64-bit value; sums have at most 128 terms, so 128 bits hold them.
fn clamped(value: i128) -> i64 {
    let bounded = value.clamp(i128::from(i64::MIN), i128::from(i64::MAX));
    i64::try_from(bounded).unwrap_or(i64::MAX)
}

impl View {
    /// The account's margin.
    pub(crate) fn assess(&self) -> Assessment {
        Assessment::of(self.cash, &self.sum(None, &mut |_, _| ()))
    }

    /// The account's margin, showing each group's part by underlying.
    pub(crate) fn assess_parts(&self, show: &mut dyn FnMut(UnderlyingId, &Part)) -> Assessment {
        Assessment::of(self.cash, &self.sum(None, show))
    }

    /// The sum over all groups but the one that has the leg at `without`.
    fn sum(&self, without: Option<usize>, show: &mut dyn FnMut(UnderlyingId, &Part)) -> Part {
        let model = Model::of(self.mode);
        let mut sum = Part::default();
        let mut place = 0;
        while place < self.legs.len() {
            let group = model.group(self, place);
            assert!(group.start == place && group.end > place, "groups lie one after the other");
            place = group.end;
            if without.is_some_and(|left_out| group.contains(&left_out)) {
                continue;
            }
            let underlying = self.legs[group.start].underlying;
            let part = model.part(self, group);
            show(underlying, &part);
            sum = sum.plus(part);
        }
        sum
    }
}

/// An account's margin as a function of one of its legs: the rest is summed once.
#[derive(Clone, Debug)]
pub(crate) struct Outlook {
    rest: Part,
    group: Range<usize>,
}

impl Outlook {
    /// The outlook of the leg at `place`.
    pub(crate) fn of(view: &View, place: usize) -> Self {
        Self {
            rest: view.sum(Some(place), &mut |_, _| ()),
            group: Model::of(view.mode).group(view, place),
        }
    }

    /// The margin of `view`, which differs from the one that the outlook was made of in that leg
    /// and in cash at most.
    pub(crate) fn assess(&self, view: &View) -> Assessment {
        let part = Model::of(view.mode).part(view, self.group.clone());
        Assessment::of(view.cash, &self.rest.plus(part))
    }
}
