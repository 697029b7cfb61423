//! What a file asks: markets with their instruments and parameters, and accounts in them.
//!
//! Both shapes of file ([`super::read`]) become this, in the engine's integers. Invariants: names
//! are unique; places point into the lists they name; every number is within the limits that the
//! reader enforces. Deliberately absent: anything that was computed.

use crate::json::Json;
use lockstep_exchange::formula::OptionSide;
use lockstep_exchange::formula::fee::OPTION_FEE_CAP_PPM;
use lockstep_exchange::formula::latency::MoveParams;
use lockstep_exchange::formula::portfolio_margin::PortfolioMarginParams;
use lockstep_exchange::formula::risk_array::{RiskArray, VolMoveParams};
use lockstep_types::params::StandardMarginParams;
use std::collections::BTreeMap;

/// The fee of an order in the reference, in ppm of limit x amount.
const FEE_PPM: i64 = 300;

/// Every parameter of both models.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Params {
    /// How far volatility moves in the scenarios.
    pub vols: VolMoveParams,
    /// How far spot moves while nobody can act.
    pub moves: MoveParams,
    /// The shares of portfolio margin.
    pub portfolio: PortfolioMarginParams,
    /// Fee of an order that fills, in ppm of limit x amount.
    pub fee_ppm: i64,
    /// The ratios of standard margin.
    pub standard: StandardMarginParams,
    /// Cap of an option's fee in ppm of its premium; the standard model's only.
    pub option_fee_cap_ppm: i64,
}

impl Default for Params {
    fn default() -> Self {
        Self {
            vols: VolMoveParams::REFERENCE,
            moves: MoveParams::REFERENCE,
            portfolio: PortfolioMarginParams::REFERENCE,
            fee_ppm: FEE_PPM,
            standard: StandardMarginParams::default(),
            option_fee_cap_ppm: OPTION_FEE_CAP_PPM,
        }
    }
}

/// What kind of contract an instrument is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A perpetual.
    Perpetual,
    /// A dated future.
    Future,
    /// An option.
    Option {
        /// In micro-USD per unit.
        strike: i64,
        /// Call or put.
        side: OptionSide,
    },
}

impl Kind {
    /// Whether it is an option.
    pub const fn is_option(self) -> bool {
        matches!(self, Self::Option { .. })
    }

    /// The word for it in the decimal shape.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Perpetual => "perpetual",
            Self::Future => "future",
            Self::Option { .. } => "option",
        }
    }
}

/// One instrument, with what the file says of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Instrument {
    /// Its name in the file.
    pub id: String,
    /// Name of its underlying.
    pub underlying: String,
    /// What it is.
    pub kind: Kind,
    /// Seconds to expiry; zero for a perpetual.
    pub seconds: i64,
    /// Forward in micro-USD per unit; of a perpetual or future, its price.
    pub forward: Option<i64>,
    /// Volatility in 1e-9.
    pub vol_e9: Option<i64>,
    /// Mark in micro-USD per unit, if given.
    pub mark: Option<i64>,
    /// Risk array, if given.
    pub array: Option<Box<RiskArray>>,
}

/// Lots of an instrument.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Position {
    /// Place in [`World::instruments`].
    pub instrument: usize,
    /// Lots, negative when short.
    pub lots: i64,
    /// Entry price in micro-USD per unit; at mark if none is given. An option's does not count:
    /// its premium is in the cash.
    pub entry: Option<i64>,
}

/// An open order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    /// Place in [`World::instruments`].
    pub instrument: usize,
    /// Lots, negative for a sale; not zero.
    pub lots: i64,
    /// Limit in micro-USD per unit.
    pub limit: i64,
}

/// One account at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Case {
    /// What to call it; may be empty.
    pub name: String,
    /// Micro-USD.
    pub cash: i64,
    /// One per instrument, in the file's order.
    pub positions: Vec<Position>,
    /// In the file's order.
    pub orders: Vec<Order>,
    /// The slow latency (tau_struct) in microseconds.
    pub slow_us: i64,
    /// The present latency (tau_now) in microseconds.
    pub now_us: i64,
    /// The oracle's confidence in ppm.
    pub confidence_ppm: i64,
    /// Parameters of this case alone.
    pub params: Option<Params>,
    /// What should come out, as the file has it.
    pub expect: Option<Json>,
}

/// Markets and the accounts in them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct World {
    /// Spot (index) in micro-USD per unit.
    pub spots: BTreeMap<String, i64>,
    /// Parameters of all cases that bring none.
    pub params: Params,
    /// In the file's order.
    pub instruments: Vec<Instrument>,
    /// In the file's order.
    pub cases: Vec<Case>,
}

impl World {
    /// The parameters of a case.
    pub fn params_of(&self, case: &Case) -> Params {
        case.params.unwrap_or(self.params)
    }
}

/// What a file says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    /// Whether it is one portfolio and not a file of cases.
    pub single: bool,
    /// Worlds of accounts; one, unless the file is a list of them.
    pub worlds: Vec<World>,
}
