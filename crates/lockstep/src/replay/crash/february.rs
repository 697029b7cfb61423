//! The fall of 4 to 6 February 2026, from five snapshots of the option chains.
//!
//! Between two snapshots nothing is known, so index, basis and smiles go straight from one to the
//! next; an expiry that is gone from the next snapshot stays as it was. That makes a smooth fall of
//! 16 % in two days with volatility rising twofold: it is a story of chains, margin and expiries,
//! not of speed. Blocks take twenty seconds.
//!
//! What is held at the start is the open interest of the first snapshot, one lot in [`SCALE`].

use super::latency::Latency;
use super::story::{Seen, Story, Underlying, World, reported};
use crate::population::held::Held;
use crate::series::chain::{InterestRow, SmileRow};
use crate::series::{CENT, ReadError, shipped};
use lockstep_exchange::formula::smile::Smile;
use lockstep_exchange::option::Black76;
use lockstep_types::command::ExpiryReport;
use lockstep_types::instrument::{Contract, InstrumentName, OptionSide, Ticker, expiry_of_date};
use lockstep_types::{Price, SpanMs, TimeMs, Usd};
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

/// What trades, by the numbers of the recorded chains.
const UNDERLYINGS: [Underlying; 2] = [
    Underlying { ticker: "BTC", price_usd: 76_000 },
    Underlying { ticker: "ETH", price_usd: 2_250 },
];
/// One lot is held of so many.
const SCALE: i64 = 100;
/// Expiries with a dated future: month and day of 2026.
const FUTURES: [(i64, i64); 3] = [(2, 27), (3, 27), (6, 26)];
/// What charts follow: a put of 27 February, struck here, USD.
const FOLLOWED_USD: [i64; 2] = [70_000, 2_000];
/// A chain's usual latency, whatever the blocks of this story.
const ASSUMED_LATENCY: SpanMs = SpanMs(1_000);
/// What the insurance fund has at the start.
const INSURANCE: Usd = Usd(2_000_000_000_000);

/// The story.
///
/// # Errors
/// When a shipped file does not read.
pub fn story() -> Result<Story, ReadError> {
    let smiles = shipped::smiles()?;
    let interest = shipped::interest()?;
    let world = February::new(&smiles);
    let start_ms = world.start_s() * 1_000;
    let window_ms = (start_ms, world.end_s() * 1_000);
    let put = |(underlying, usd): (&Underlying, i64)| {
        let ticker = Ticker::new(underlying.ticker).ok()?;
        let expiry = expiry_of_date(2026, 2, 27);
        let strike = Price(usd * 1_000_000);
        let contract = Contract::Option { expiry, strike, side: OptionSide::Put };
        let name = |contract| InstrumentName { underlying: ticker, contract };
        Some([name(Contract::Perpetual), name(contract)])
    };
    Ok(Story {
        title: "The fall of 4 to 6 February 2026",
        sources: SOURCES,
        window_ms,
        default_ms: window_ms,
        worst_ms: None,
        latency: Latency { block_ms: 20_000, age_ms: 750 },
        assumed_latency: Some(ASSUMED_LATENCY),
        underlyings: &UNDERLYINGS,
        listed: listed(&interest),
        followed: UNDERLYINGS.iter().zip(FOLLOWED_USD).filter_map(put).collect(),
        insurance: INSURANCE,
        accounts: 2_000,
        option_makers: 14..=28,
        noise_pace: 20,
        held: held(&interest, &world),
        world: Rc::new(world),
    })
}

fn listed(interest: &[InterestRow]) -> Vec<InstrumentName> {
    let mut names = Vec::new();
    for underlying in &UNDERLYINGS {
        let Ok(ticker) = Ticker::new(underlying.ticker) else { continue };
        let name = |contract| InstrumentName { underlying: ticker, contract };
        names.push(name(Contract::Perpetual));
        let futures = FUTURES.map(|(month, day)| expiry_of_date(2026, month, day));
        names.extend(futures.map(|expiry| name(Contract::Future { expiry })));
    }
    names.extend(interest.iter().map(|row| row.name));
    names
}

/// What must be held, with what it is worth at the first snapshot.
fn held(interest: &[InterestRow], world: &February) -> Vec<Held> {
    let start_s = world.start_s();
    let of_row = |row: &InterestRow| {
        let Contract::Option { expiry, strike, side } = row.name.contract else { return None };
        let at = UNDERLYINGS.iter().position(|underlying| {
            Ticker::new(underlying.ticker).is_ok_and(|ticker| ticker == row.name.underlying)
        })?;
        let state = world.state(at, expiry.0 / 1_000, start_s)?;
        let vol_e9 = state.smile.vol_at_strike_e9(state.forward, strike.0).ok()?;
        let seconds = expiry.0 / 1_000 - start_s;
        let priced = Black76 { forward: state.forward, strike: strike.0, vol_e9, seconds };
        let prices = priced.prices().ok()?;
        let premium = if side == OptionSide::Call { prices.call } else { prices.put };
        let lots = row.milli / SCALE;
        (lots > 0).then_some(Held { name: row.name, lots, premium, spot: state.index })
    };
    interest.iter().filter_map(of_row).collect()
}

/// An expiry at a moment, micro-USD.
#[derive(Clone, Copy, Debug)]
struct State {
    index: i64,
    /// Forward over index less one, 1e-9.
    basis_ppb: i64,
    forward: i64,
    smile: Smile,
}

/// The snapshots.
pub struct February {
    /// By underlying: each moment's index, cents.
    index: [Vec<(i64, i64)>; 2],
    /// By underlying and expiry: each moment's row.
    rows: BTreeMap<(usize, i64), Vec<SmileRow>>,
}

impl February {
    fn new(smiles: &[SmileRow]) -> Self {
        let mut world = Self { index: [Vec::new(), Vec::new()], rows: BTreeMap::new() };
        for row in smiles {
            // The rows of a moment differ by the seconds in which they were taken: the last one
            // stands for all.
            let index = &mut world.index[row.underlying];
            index.retain(|(time_s, _)| *time_s != row.time_s);
            index.push((row.time_s, row.index_cents));
            world.rows.entry((row.underlying, row.expiry_s)).or_default().push(*row);
        }
        world
    }

    fn times(&self) -> BTreeSet<i64> {
        self.index.iter().flatten().map(|(time_s, _)| *time_s).collect()
    }

    fn start_s(&self) -> i64 {
        self.times().first().copied().unwrap_or(0)
    }

    fn end_s(&self) -> i64 {
        self.times().last().copied().unwrap_or(0)
    }

    fn index(&self, underlying: usize, time_s: i64) -> i64 {
        let points = self.index.get(underlying).map_or(&[][..], |points| points);
        let values = points.iter().map(|(time_s, cents)| (*time_s, *cents * CENT));
        along(values, time_s).unwrap_or(CENT)
    }

    /// An expiry at a moment; `None` if no snapshot has it.
    fn state(&self, underlying: usize, expiry_s: i64, time_s: i64) -> Option<State> {
        let rows = self.rows.get(&(underlying, expiry_s))?;
        let value = |of: &dyn Fn(&SmileRow) -> i64| {
            along(rows.iter().map(|row| (row.time_s, of(row))), time_s)
        };
        let index = self.index(underlying, time_s);
        let basis_ppb = value(&basis_ppb)?;
        let basis = i128::from(index) * i128::from(basis_ppb) / 1_000_000_000;
        Some(State {
            index,
            basis_ppb,
            forward: index + i64::try_from(basis).ok()?,
            smile: Smile {
                atm_vol_e9: value(&|row| row.atm_nano)?,
                rho_ppm: value(&|row| row.rho_ppm)?,
                phi_ppm: value(&|row| row.phi_ppm)?,
            },
        })
    }

    fn report(&self, underlying: usize, expiry_s: i64, time_s: i64) -> Option<ExpiryReport> {
        let state = self.state(underlying, expiry_s, time_s)?;
        Some(ExpiryReport {
            expiry: TimeMs(expiry_s * 1_000),
            basis_ppb: state.basis_ppb,
            smile: reported(&state.smile, expiry_s - time_s),
        })
    }
}

/// Forward over index less one, 1e-9.
fn basis_ppb(row: &SmileRow) -> i64 {
    let rise = i128::from(row.forward_cents - row.index_cents) * 1_000_000_000;
    i64::try_from(rise / i128::from(row.index_cents.max(1))).unwrap_or(0)
}

/// The value at a time on the lines through points in order of time; outside them, the nearest.
fn along(points: impl Iterator<Item = (i64, i64)>, time_s: i64) -> Option<i64> {
    let mut before: Option<(i64, i64)> = None;
    for (at_s, value) in points {
        if at_s <= time_s {
            before = Some((at_s, value));
            continue;
        }
        let Some((from_s, from)) = before else { return Some(value) };
        let rise = i128::from(value - from) * i128::from(time_s - from_s);
        return i64::try_from(i128::from(from) + rise / i128::from(at_s - from_s)).ok();
    }
    before.map(|(_, value)| value)
}

impl World for February {
    fn seen(&self, underlying: usize, time_s: i64) -> Seen {
        let expiries =
            self.rows.keys().filter(|(of, expiry_s)| *of == underlying && *expiry_s > time_s);
        Seen {
            price: Price(self.index(underlying, time_s)),
            expiries: expiries
                .filter_map(|(_, expiry_s)| self.report(underlying, *expiry_s, time_s))
                .collect(),
        }
    }

    fn is_hole(&self, _time_s: i64) -> bool {
        false
    }
}

/// What a reader must know of where the numbers come from.
const SOURCES: &str = "Index, forwards, smiles and open interest are from five recorded snapshots \
    of the BTC and ETH option chains, about twelve hours apart, of seven expiries and the strikes \
    nearest to the money. Each smile is the nearest one, free of arbitrage, of the family that the \
    venue takes; for expiries a day away it misses by several points of volatility. Between two \
    snapshots everything goes straight from one to the next: the fall is smoother than it was. \
    Agents hold the open interest of the first snapshot, one lot in 100; who is long and who is \
    short is made up from the seed, as is everybody who trades. Perpetuals and futures are listed \
    beside the options. A block takes twenty seconds \
    and the venue takes its latency to be a second, so this story says nothing about speed.";
