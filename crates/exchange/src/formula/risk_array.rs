//! Risk arrays: what one lot of a contract gains or loses in each of the 33 scenarios.
//!
//! A scenario moves the spot of an underlying and the volatility of its options at once: nine
//! moves of spot by three of volatility, and six tails far out with volatility up, whose result
//! counts by a weight. An entry is micro-USD per *long* lot with the weight folded in, so that
//! whatever a portfolio does in a scenario is one sum of lots x entry.
//!
//! Per lot, with `F_lot = floor(F / 1000)`, `K_lot = floor(K / 1000)` and
//! `F_s = floor(F (1000 + move) / 1e6)`:
//!
//! ```text
//! option   round((price(F_s, K_lot, vol_s) - price(F_lot, K_lot, vol)) weight / 1000)
//! linear   round(F move weight / 1e9)                             halves away from zero
//! vol up   max(minimum, vol + floor(vol up m))       m = vol_multiplier_ppm(seconds)
//! vol down max(0,       vol - ceil(vol down m))
//! ```
//!
//! Invariants: entry [`CENTRE`] (nothing moves) is zero; the array of a call less that of its put
//! is that of the forward, up to the rounding of entries; option prices are the exact ones of
//! [`crate::option`], so an array is a function of its inputs on every machine. A price per lot
//! that is floored to zero is worth what the formula tends to there: the call nothing, the put the
//! strike.
//!
//! Deliberately absent: positions, which are [`super::scenario_vector`], and when an array is old.
//!
//! Source: section 3 of the design and its integer reference `risk_array`, `vols`, `vmult`.

use super::OptionSide;
use super::rounding::{div_floor_wide, mul_div_floor, mul_div_half_away, narrow};
use super::{FormulaError, LOTS_PER_UNIT, PPM, domain};
use crate::option::{
    Black76, Deviation, Field, LogPrice, OutOfRange, PRICE_MAX, Prices, VOL_E9_MAX, prices,
};
use core::fmt;

/// How many scenarios there are.
pub const SCENARIOS: usize = 33;
/// Moves of spot that are combined with every move of volatility, in thousandths.
pub const SPOT_MOVES_PERMILLE: [i64; 9] = [-160, -120, -80, -40, 0, 40, 80, 120, 160];
/// The step between neighbours of [`SPOT_MOVES_PERMILLE`], in ppm.
pub const SPOT_STEP_PPM: i64 = 40_000;
/// Steps of spot on either side of no move.
pub const SPOT_STEPS: usize = 4;
/// The outermost of [`SPOT_MOVES_PERMILLE`], in ppm.
pub const SPOT_MOVE_PPM_MAX: i64 = SPOT_MOVES_PERMILLE[2 * SPOT_STEPS] * 1_000;
/// Moves of spot with volatility up and a weight, both in thousandths.
pub const TAILS_PERMILLE: [(i64, i64); 6] =
    [(-660, 210), (-330, 420), (500, 277), (1_000, 139), (2_000, 69), (4_000, 35)];
/// The scenario in which nothing moves.
pub const CENTRE: usize = column(SPOT_STEPS, VolMove::Flat);
/// All scenarios, in the order of every array and vector.
pub const SCENARIO_TABLE: [Scenario; SCENARIOS] = scenario_table();

/// Micro-USD per long lot and scenario.
pub type RiskArray = [i32; SCENARIOS];

/// Where volatility goes in a scenario.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VolMove {
    /// Up.
    Up,
    /// It stays.
    Flat,
    /// Down.
    Down,
}

/// One scenario.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scenario {
    /// Move of spot in thousandths.
    pub spot_permille: i64,
    /// Move of volatility.
    pub vol: VolMove,
    /// How much of the result counts, in thousandths.
    pub weight_permille: i64,
}

/// The index of the scenario that moves spot by `SPOT_MOVES_PERMILLE[row]`, `row < 9`.
#[must_use]
pub const fn column(row: usize, vol: VolMove) -> usize {
    3 * row
        + match vol {
            VolMove::Up => 0,
            VolMove::Flat => 1,
            VolMove::Down => 2,
        }
}

const fn scenario_table() -> [Scenario; SCENARIOS] {
    let whole = Scenario { spot_permille: 0, vol: VolMove::Flat, weight_permille: 1_000 };
    let mut table = [whole; SCENARIOS];
    let mut row = 0;
    while row < SPOT_MOVES_PERMILLE.len() {
        let spot_permille = SPOT_MOVES_PERMILLE[row];
        table[column(row, VolMove::Up)] = Scenario { spot_permille, vol: VolMove::Up, ..whole };
        table[column(row, VolMove::Flat)] = Scenario { spot_permille, vol: VolMove::Flat, ..whole };
        table[column(row, VolMove::Down)] = Scenario { spot_permille, vol: VolMove::Down, ..whole };
        row += 1;
    }
    let mut tail = 0;
    while tail < TAILS_PERMILLE.len() {
        let (spot_permille, weight_permille) = TAILS_PERMILLE[tail];
        table[TAILS_FROM + tail] = Scenario { spot_permille, vol: VolMove::Up, weight_permille };
        tail += 1;
    }
    table
}

const TAILS_FROM: usize = 3 * SPOT_MOVES_PERMILLE.len();
const _: () = assert!(TAILS_FROM + TAILS_PERMILLE.len() == SCENARIOS, "every scenario has a place");

/// How far volatility moves, of itself for 30 days to expiry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VolMoveParams {
    /// Up, in ppm, 0 to 100 times.
    pub up_ppm: i64,
    /// Down, in ppm, 0 to 100 times.
    pub down_ppm: i64,
    /// Volatility up is at least this, in 1e-9, not negative.
    pub up_e9_min: i64,
}

impl VolMoveParams {
    /// The reference's values: up by half and to 40 % at least, down by three tenths.
    pub const REFERENCE: Self = Self { up_ppm: 500_000, down_ppm: 300_000, up_e9_min: 400_000_000 };
}

/// Why there is no array.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RiskArrayError {
    /// A price, a volatility (also the one moved up) or a time is outside its limits.
    OutOfRange(OutOfRange),
    /// A parameter is outside what [`VolMoveParams`] documents.
    Formula(FormulaError),
    /// An entry does not fit its type: the contract moves by more than 2,147 USD per lot.
    Entry {
        /// Which scenario.
        scenario: usize,
        /// Micro-USD per lot.
        value: i64,
    },
}

impl From<OutOfRange> for RiskArrayError {
    fn from(error: OutOfRange) -> Self {
        Self::OutOfRange(error)
    }
}

impl From<FormulaError> for RiskArrayError {
    fn from(error: FormulaError) -> Self {
        Self::Formula(error)
    }
}

impl fmt::Display for RiskArrayError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OutOfRange(error) => error.fmt(f),
            Self::Formula(error) => error.fmt(f),
            Self::Entry { scenario, value } => {
                write!(f, "{value} micro-USD per lot in scenario {scenario} does not fit 32 bits")
            }
        }
    }
}

impl core::error::Error for RiskArrayError {}

const DAY_S: i64 = 86_400;

/// Days to expiry and how much further volatility moves than at 30 days, in ppm: (30 / days)^0.3
/// up to 30 days, beyond them (30 / days)^0.13.
pub const VOL_MULTIPLIERS: [(i64, i64); 14] = [
    (1, 2_774_191),
    (2, 2_253_343),
    (3, 1_995_262),
    (5, 1_711_770),
    (7, 1_547_416),
    (10, 1_390_389),
    (14, 1_256_892),
    (21, 1_112_937),
    (30, 1_000_000),
    (45, 948_655),
    (60, 913_831),
    (90, 866_910),
    (180, 792_210),
    (365, 722_649),
];

/// How much further volatility moves than at 30 days, in ppm: between the days of
/// [`VOL_MULTIPLIERS`] on a straight line, floored; before the first and after the last as there.
#[must_use]
pub fn vol_multiplier_ppm(seconds: i64) -> i64 {
    let [(first_days, _), .., (_, last_ppm)] = VOL_MULTIPLIERS;
    let seconds = seconds.max(first_days * DAY_S);
    for (&(from_days, from_ppm), &(to_days, to_ppm)) in
        VOL_MULTIPLIERS.iter().zip(&VOL_MULTIPLIERS[1..])
    {
        let (from_s, to_s) = (from_days * DAY_S, to_days * DAY_S);
        if seconds < to_s {
            let rise_ppm = (to_ppm - from_ppm) * (seconds - from_s);
            return from_ppm + rise_ppm.div_euclid(to_s - from_s);
        }
    }
    last_ppm
}

/// The volatilities of the three moves in 1e-9: up, flat, down.
///
/// A volatility below zero counts as zero, as in the price.
///
/// # Errors
/// [`FormulaError::Domain`] for parameters outside what [`VolMoveParams`] documents or a
/// volatility above [`VOL_E9_MAX`].
pub fn moved_vols_e9(
    params: &VolMoveParams,
    vol_e9: i64,
    seconds: i64,
) -> Result<[i64; 3], FormulaError> {
    let ratios = 0..=100 * PPM;
    domain(ratios.contains(&params.up_ppm) && ratios.contains(&params.down_ppm))?;
    domain(params.up_e9_min >= 0 && vol_e9 <= VOL_E9_MAX)?;
    let vol_e9 = vol_e9.max(0);
    let multiplier_ppm = vol_multiplier_ppm(seconds);
    // Below 1e11 x 1e8 x 2.8e6 = 2.8e25, so quotients are below 2.8e13.
    let moved = |ppm: i64| i128::from(vol_e9) * i128::from(ppm * multiplier_ppm);
    let up_e9 = vol_e9 + floor_of_trillionths(moved(params.up_ppm))?;
    // The ceiling of what is taken off is minus the floor of its negative.
    let down_e9 = vol_e9 + floor_of_trillionths(-moved(params.down_ppm))?;
    Ok([up_e9.max(params.up_e9_min), vol_e9, down_e9.max(0)])
}

/// `floor(value / 1e12)`: 1e12 is 2^12 x 5^12, and after the shift usual values fit a word, whose
/// division costs a fraction of a wide one.
fn floor_of_trillionths(value: i128) -> Result<i64, FormulaError> {
    narrow(div_floor_wide(value >> 12, 244_140_625)?)
}

/// The array of a perpetual or future whose mark is `price`, in micro-USD per unit.
///
/// # Errors
/// [`RiskArrayError::OutOfRange`] unless `price` is 1 to [`PRICE_MAX`]; [`RiskArrayError::Entry`]
/// from about 13 million USD per unit on.
pub fn linear_array(price: i64) -> Result<RiskArray, RiskArrayError> {
    if !(1..=PRICE_MAX).contains(&price) {
        let field = Field::Forward;
        return Err(OutOfRange { field, value: price, minimum: 1, maximum: PRICE_MAX }.into());
    }
    collect(|scenario| {
        let share = scenario.spot_permille * scenario.weight_permille;
        mul_div_half_away(price, share, LOTS_PER_UNIT * PPM)
    })
}

/// The arrays of a call and of the put with the same strike and expiry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OptionArrays {
    /// Of the call.
    pub call: RiskArray,
    /// Of the put.
    pub put: RiskArray,
}

/// The arrays of both options of a strike, for little more than the price of one.
///
/// # Errors
/// [`RiskArrayError`]: an input or the volatility moved up is out of range, a parameter is, or an
/// entry of either does not fit.
pub fn option_arrays(
    params: &VolMoveParams,
    option: &Black76,
) -> Result<OptionArrays, RiskArrayError> {
    let prices = scenario_prices(params, option)?;
    Ok(OptionArrays {
        call: weighted_changes(&prices, |prices| prices.call)?,
        put: weighted_changes(&prices, |prices| prices.put)?,
    })
}

/// The array of one option.
///
/// # Errors
/// [`RiskArrayError`]: an input or the volatility moved up is out of range, a parameter is, or an
/// entry does not fit.
pub fn option_array(
    params: &VolMoveParams,
    option: &Black76,
    side: OptionSide,
) -> Result<RiskArray, RiskArrayError> {
    let prices = scenario_prices(params, option)?;
    match side {
        OptionSide::Call => weighted_changes(&prices, |prices| prices.call),
        OptionSide::Put => weighted_changes(&prices, |prices| prices.put),
    }
}

/// Prices per lot in every scenario.
fn scenario_prices(
    params: &VolMoveParams,
    option: &Black76,
) -> Result<[Prices; SCENARIOS], RiskArrayError> {
    // Checks both prices; the ones per lot are smaller.
    LogPrice::new(Field::Forward, option.forward)?;
    LogPrice::new(Field::Strike, option.strike)?;
    let flat = Deviation::new(option.vol_e9, option.seconds)?;
    let [up_e9, _, down_e9] = moved_vols_e9(params, option.vol_e9, option.seconds)?;
    let up = Deviation::new(up_e9, option.seconds)?;
    let down = Deviation::new(down_e9, option.seconds)?;
    let strike = LotPrice::new(Field::Strike, option.strike / LOTS_PER_UNIT)?;
    let mut found = [Prices { call: 0, put: 0 }; SCENARIOS];
    for (row, &spot_permille) in SPOT_MOVES_PERMILLE.iter().enumerate() {
        let forward = LotPrice::moved(option.forward, spot_permille)?;
        found[column(row, VolMove::Up)] = forward.prices(&strike, &up);
        found[column(row, VolMove::Flat)] = forward.prices(&strike, &flat);
        found[column(row, VolMove::Down)] = forward.prices(&strike, &down);
    }
    for (place, &(spot_permille, _)) in found[TAILS_FROM..].iter_mut().zip(&TAILS_PERMILLE) {
        *place = LotPrice::moved(option.forward, spot_permille)?.prices(&strike, &up);
    }
    Ok(found)
}

/// The entries of one side from the prices of both.
fn weighted_changes(
    found: &[Prices; SCENARIOS],
    side: impl Fn(&Prices) -> i64,
) -> Result<RiskArray, RiskArrayError> {
    let base = side(&found[CENTRE]);
    let mut moved = found.iter();
    collect(|scenario| {
        let price = moved.next().map_or(base, &side);
        Ok(weighted(price - base, scenario.weight_permille))
    })
}

/// `change x weight / 1000`, halves away from zero. In a word: prices per lot are at most five
/// times PRICE_MAX / 1000, and weights at most 1000.
fn weighted(change: i64, weight_permille: i64) -> i64 {
    let product = change * weight_permille;
    let rounded = (product.abs() + 500) / 1_000;
    if product < 0 { -rounded } else { rounded }
}

/// Narrows the entries that `entry` gives scenario by scenario.
fn collect(
    mut entry: impl FnMut(&Scenario) -> Result<i64, FormulaError>,
) -> Result<RiskArray, RiskArrayError> {
    let mut array = [0; SCENARIOS];
    for (index, (place, scenario)) in array.iter_mut().zip(&SCENARIO_TABLE).enumerate() {
        let value = entry(scenario)?;
        *place =
            i32::try_from(value).map_err(|_| RiskArrayError::Entry { scenario: index, value })?;
    }
    Ok(array)
}

/// A price per lot, with its logarithm unless it was floored to zero.
struct LotPrice {
    price: i64,
    log: Option<LogPrice>,
}

impl LotPrice {
    fn new(field: Field, price: i64) -> Result<Self, OutOfRange> {
        let log = if price == 0 { None } else { Some(LogPrice::new(field, price)?) };
        Ok(Self { price, log })
    }

    /// The forward per lot after a move of spot, floored once.
    fn moved(forward: i64, spot_permille: i64) -> Result<Self, RiskArrayError> {
        let price = mul_div_floor(forward, 1_000 + spot_permille, 1_000 * LOTS_PER_UNIT)?;
        Ok(Self::new(Field::Forward, price)?)
    }

    /// The prices of both options with this forward.
    fn prices(&self, strike: &Self, deviation: &Deviation) -> Prices {
        match (&self.log, &strike.log) {
            (Some(forward), Some(strike)) => prices(forward, strike, deviation),
            _ => Prices {
                call: (self.price - strike.price).max(0),
                put: (strike.price - self.price).max(0),
            },
        }
    }
}
