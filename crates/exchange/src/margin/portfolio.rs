//! Portfolio margin over a view (A6, R1); its formulas are [`crate::formula::portfolio_margin`].
//!
//! - Balance: the whole equity, that is cash, unrealised profit less funding due, and the value of
//!   options at their model price. The scenarios are relative to that price, and no book can pull
//!   it, so that what an account has and needs changes within a block by its own doing alone.
//! - Requirement: per underlying, from the scenarios of all positions together. `needed` is the
//!   exact worst case over every subset of the open orders' fills, each order at its own limit and
//!   at the dearer of the account's fees.
//!
//! An expired leg that waits to be paid needs nothing, and its value counts like cash. A leg whose
//! moves do not fit an array cannot be carried: its underlying's requirement is the greatest
//! number.

use super::arrays::Array;
use super::model::Part;
use super::standard::value_of;
use super::view::{FeeKind, Leg, View};
use crate::engine::Exchange;
use crate::formula::FormulaError;
use crate::formula::portfolio::{
    Contract as Kind, Leg as Held, OpenOrders, Order as Open, Positions, open_orders, positions,
};
use crate::formula::portfolio_margin::{Market, PortfolioMarginParams, required};
use crate::formula::risk_array::RiskArray;
use crate::formula::scenario_vector::order_edge;
use crate::state::key::Slot;
use crate::state::leaves::Order;
use crate::state::{Missing, Outcome};
use alloc::rc::Rc;
use alloc::vec::Vec;
use core::ops::Range;
use lockstep_types::ids::{AccountId, InstrumentId, UnderlyingId};
use lockstep_types::instrument::Contract;
use lockstep_types::order::Side;

/// An open order of a view.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LegOrder {
    /// Its leg's place.
    pub(crate) place: usize,
    /// Lots that can still fill, negative for a sale.
    pub(crate) lots: i64,
    /// Micro-USD per unit.
    pub(crate) limit: i64,
}

/// What holds in one underlying.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Conditions {
    pub(crate) underlying: UnderlyingId,
    pub(crate) params: PortfolioMarginParams,
    pub(crate) market: Market,
}

/// What a view needs for portfolio margin beside its legs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Scenarios {
    /// By leg; shared, because what-if questions copy the view and move no price.
    arrays: Rc<Vec<Array>>,
    /// By underlying, those of the legs.
    conditions: Rc<Vec<Conditions>>,
    /// Open orders, those that sleep not included.
    pub(crate) orders: Vec<LegOrder>,
}

impl Scenarios {
    /// What holds in each underlying of the legs.
    pub(crate) fn conditions(&self) -> &[Conditions] {
        &self.conditions
    }

    /// The array of the leg at `place`.
    pub(crate) fn array(&self, place: usize) -> Option<&RiskArray> {
        self.arrays.get(place).and_then(Option::as_ref)
    }
}

/// The legs that are margined together with the one at `place`: those of its underlying.
pub(crate) fn group(legs: &[Leg], place: usize) -> Range<usize> {
    let underlying = legs[place].underlying;
    let same = |leg: &&Leg| leg.underlying == underlying;
    let before = legs[..place].iter().rev().take_while(same).count();
    let after = legs[place + 1..].iter().take_while(same).count();
    place - before..place + 1 + after
}

/// What a group adds to its account.
pub(crate) fn part(view: &View, group: Range<usize>) -> Part {
    let legs = &view.legs[group.clone()];
    let value = legs.iter().map(value_of).sum();
    let part = Part { balance: value, equity: value, ..Part::default() };
    if legs.iter().all(|leg| leg.expired) {
        return part;
    }
    let most = i128::from(i64::MAX);
    let all = |sums: GroupSums<'_>| {
        let Conditions { params, market, .. } = sums.conditions;
        let own = required(params, market, &sums.positions, &OpenOrders::NONE)?;
        let needed = match &sums.orders {
            Some(orders) => required(params, market, &sums.positions, orders)?.initial,
            None => own.initial,
        };
        Ok((i128::from(own.initial), i128::from(own.maintenance), i128::from(needed)))
    };
    let found: Result<_, FormulaError> = group_sums(view, group).and_then(all);
    let (initial, maintenance, needed) = found.unwrap_or((most, most, most));
    Part { initial, maintenance, needed, ..part }
}

/// What the requirement of an underlying comes from.
struct GroupSums<'a> {
    conditions: &'a Conditions,
    positions: Positions,
    /// `None` without any.
    orders: Option<OpenOrders>,
}

fn group_sums(view: &View, group: Range<usize>) -> Result<GroupSums<'_>, FormulaError> {
    let scenarios = view.scenarios.as_ref().ok_or(FormulaError::Domain)?;
    let underlying = view.legs[group.start].underlying;
    let found = scenarios.conditions.iter().find(|known| known.underlying == underlying);
    let conditions = found.ok_or(FormulaError::Domain)?;
    let mut held = Vec::with_capacity(group.len());
    for place in group.clone() {
        let leg = &view.legs[place];
        if leg.expired || leg.lots == 0 {
            continue;
        }
        held.push(Held {
            expiry: leg.contract.expiry().map_or(0, |expiry| expiry.0),
            contract: kind_of(leg),
            lots: leg.lots,
            array: array_of(&scenarios.arrays, place)?,
        });
    }
    let positions = positions(&held)?;
    let mut orders = Vec::new();
    for order in scenarios.orders.iter().filter(|order| group.contains(&order.place)) {
        let leg = &view.legs[order.place];
        let size = order.lots.saturating_abs();
        let fee = leg.fee(size, order.limit, &view.rates, FeeKind::Either);
        orders.push(Open {
            contract: kind_of(leg),
            lots: order.lots,
            edge: order_edge(order.lots, leg.mark, order.limit, fee)?,
            array: array_of(&scenarios.arrays, order.place)?,
        });
    }
    let orders = if orders.is_empty() { None } else { Some(open_orders(&orders)?) };
    Ok(GroupSums { conditions, positions, orders })
}

/// What kind of contract a leg is.
pub(crate) fn kind_of(leg: &Leg) -> Kind {
    match leg.contract {
        Contract::Option { strike, .. } => Kind::Option { strike: strike.0 },
        Contract::Perpetual | Contract::Future { .. } => Kind::Linear,
    }
}

fn array_of(arrays: &[Array], place: usize) -> Result<&RiskArray, FormulaError> {
    arrays.get(place).and_then(Option::as_ref).ok_or(FormulaError::Overflow)
}

fn leg_order(order: &Order, place_of: impl Fn(InstrumentId) -> Option<usize>) -> Option<LegOrder> {
    let left = i64::from(order.left);
    let lots = if order.side == Side::Buy { left } else { -left };
    Some(LegOrder { place: place_of(order.instrument)?, lots, limit: order.price.0 })
}

impl Exchange {
    /// What portfolio margin needs of an account beside its legs.
    pub(crate) fn scenarios(&mut self, account: AccountId, legs: &[Leg]) -> Outcome<Scenarios> {
        let mut arrays = Vec::with_capacity(legs.len());
        let mut conditions: Vec<Conditions> = Vec::new();
        for leg in legs {
            arrays.push(if leg.expired { None } else { self.risk_array(leg.instrument)? });
            if conditions.last().is_none_or(|last| last.underlying != leg.underlying) {
                conditions.push(self.conditions(leg.underlying)?);
            }
        }
        let orders = self.leg_orders(account, legs)?;
        Ok(Scenarios { arrays: Rc::new(arrays), conditions: Rc::new(conditions), orders })
    }

    /// An account's open orders that can fill as they are.
    pub(super) fn leg_orders(
        &mut self,
        account: AccountId,
        legs: &[Leg],
    ) -> Outcome<Vec<LegOrder>> {
        let ordered = legs.iter().enumerate().filter(|(_, leg)| leg.has_orders());
        let mut places: Vec<(InstrumentId, usize)> =
            ordered.map(|(place, leg)| (leg.instrument, place)).collect();
        places.sort_unstable();
        let place_of = |instrument: InstrumentId| {
            let found = places.binary_search_by_key(&instrument, |(instrument, _)| *instrument);
            found.ok().map(|at| places[at].1)
        };
        let mut orders = Vec::new();
        if places.is_empty() {
            return Ok(orders);
        }
        for id in self.orders_of(account)? {
            let slot = Slot(id.slot());
            let Some(order) = *self.state.orders.touch(slot)? else {
                return Err(Missing::leaf(slot).into());
            };
            if order.asleep {
                continue;
            }
            orders.extend(leg_order(&order, place_of));
        }
        let own = self.tentative.iter().filter(|order| order.account == account && !order.asleep);
        orders.extend(own.filter_map(|order| leg_order(order, place_of)));
        Ok(orders)
    }

    /// What holds in an underlying, which is the same for all accounts.
    fn conditions(&mut self, underlying: UnderlyingId) -> Outcome<Conditions> {
        let era = self.marks.era();
        if let Some(known) = self.conditions.get(underlying, era) {
            return Ok(*known);
        }
        let found = self.find_conditions(underlying)?;
        self.conditions.put(underlying, era, found);
        Ok(found)
    }

    fn find_conditions(&mut self, underlying: UnderlyingId) -> Outcome<Conditions> {
        let moves = self.extra_moves(underlying)?;
        let shares = self.state.venue()?.portfolio_margin;
        let own = self.underlying_params(underlying)?;
        let (concentration_free, concentration_scale) =
            (own.concentration_free.0, own.concentration_scale.0);
        let record = self.underlying(underlying)?;
        let (spot, confidence_ppm) = (record.index.0, record.confidence.0);
        let params = PortfolioMarginParams {
            scan_initial_permille: shares.scan_initial.0 / 1_000,
            scan_maintenance_permille: shares.scan_maintenance.0 / 1_000,
            basis_ppm: shares.basis.0,
            vega_ppm: shares.vega.0,
            short_initial_ppm: shares.short_initial.0,
            short_maintenance_ppm: shares.short_maintenance.0,
            linear_initial_ppm: shares.linear_initial.0,
            linear_maintenance_ppm: shares.linear_maintenance.0,
            concentration_free,
            concentration_scale,
            confidence_ppm_min: shares.confidence_min.0,
            confidence_factor_ppm: shares.confidence_factor.0,
        };
        let market = Market { spot, confidence_ppm, moves };
        Ok(Conditions { underlying, params, market })
    }
}
