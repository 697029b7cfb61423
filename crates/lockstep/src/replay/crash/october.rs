//! The crash of 10 October 2025.
//!
//! The index is the recorded one-second index. That of BTC comes from one venue, which was silent
//! for 820 s and 409 s of the crash; once it is silent for [`HOLE_S`], a recorded perpetual stands
//! in: the straight line between the four prices of each of its one-minute bars. So every price of
//! the stretch was traded, and only when in its minute is made up.
//!
//! Smiles: the recorded volatility of one out-of-the-money option per expiry fixes the level of a
//! smile of fixed shape. ETH's are BTC's, a quarter higher. Forwards carry a fixed basis.

use super::latency::Latency;
use super::story::{Seen, Story, Underlying, World, reported};
use super::venue::{option_names, strikes};
use crate::population::market::share;
use crate::series::derive::CRASH_WINDOW;
use crate::series::{CENT, ReadError, Series, shipped::Shipped};
use lockstep_exchange::formula::smile::Smile;
use lockstep_types::command::{ExpiryReport, SmileParams};
use lockstep_types::instrument::{Contract, InstrumentName, OptionSide, Ticker, expiry_of_date};
use lockstep_types::{Price, TimeMs, Usd};
use std::rc::Rc;

/// What trades: BTC, which the recorded options are on, first.
const UNDERLYINGS: [Underlying; 2] = [
    Underlying { ticker: "BTC", price_usd: 117_000 },
    Underlying { ticker: "ETH", price_usd: 4_200 },
];
/// Lowest strike, highest strike and their distance, USD.
const STRIKES_USD: [(i64, i64, i64); 2] = [(85_000, 135_000, 2_500), (2_800, 5_000, 100)];
/// Silence of the BTC index after which the perpetual stands in.
const HOLE_S: i64 = 60;
/// 1.00 as a volatility.
const VOL_ONE_E9: i64 = 1_000_000_000;
/// ETH's volatility over BTC's, percent.
const ETH_VOL_PERCENT: i64 = 125;
/// What the insurance fund has at the start.
const INSURANCE: Usd = Usd(2_000_000_000_000);
/// 20:30 and 22:30, the worst two hours of the day, from the start of the series at 20:00.
const DEFAULT_MS: (i64, i64) = (30 * 60_000, 150 * 60_000);
/// 21:05 and 21:35: the fall from 115,000 USD to its low, and what followed.
const WORST_MS: (i64, i64) = (65 * 60_000, 95 * 60_000);

/// The shape of an expiry's smile, and the recorded option that fixes its level.
#[derive(Clone, Copy, Debug)]
struct SmileShape {
    /// Tilt.
    rho_ppm: i64,
    /// Curvature.
    phi_ppm: i64,
    /// Place of the recorded series.
    series: usize,
    /// Strike of the recorded option, micro-USD.
    strike: i64,
}

/// A listed expiry.
#[derive(Clone, Copy, Debug)]
struct Expiry {
    /// Day and month of 2025.
    day: (i64, i64),
    /// Forward over index less one, in 1e-9: about 6 % a year.
    basis_ppb: i64,
    /// Its smile; `None`: no options.
    shape: Option<SmileShape>,
}

impl Expiry {
    fn time(&self) -> TimeMs {
        let (day, month) = self.day;
        expiry_of_date(2025, month, day)
    }
}

/// The expiries: two with options, three with futures. The shapes are free of arbitrage at every
/// level that the recorded volatilities give.
const EXPIRIES: [Expiry; 3] = [
    Expiry {
        day: (31, 10),
        basis_ppb: 3_400_000,
        shape: Some(SmileShape {
            rho_ppm: -250_000,
            phi_ppm: 7_000_000,
            series: 0,
            strike: 80_000_000_000,
        }),
    },
    Expiry {
        day: (28, 11),
        basis_ppb: 8_000_000,
        shape: Some(SmileShape {
            rho_ppm: -200_000,
            phi_ppm: 6_000_000,
            series: 1,
            strike: 132_000_000_000,
        }),
    },
    Expiry { day: (26, 12), basis_ppb: 12_600_000, shape: None },
];

/// The story.
///
/// # Errors
/// When a shipped series does not read.
pub fn story() -> Result<Story, ReadError> {
    let window_ms = (CRASH_WINDOW.start_s * 1_000, CRASH_WINDOW.end_s * 1_000);
    let mut listed = Vec::new();
    let mut followed = Vec::new();
    for (underlying, strikes_usd) in UNDERLYINGS.iter().zip(STRIKES_USD) {
        let Ok(ticker) = Ticker::new(underlying.ticker) else { continue };
        listed.extend(names(ticker, strikes_usd));
        followed.push(followed_of(ticker, underlying.price_usd, strikes_usd));
    }
    Ok(Story {
        title: "The crash of 10 October 2025",
        sources: SOURCES,
        window_ms,
        default_ms: (window_ms.0 + DEFAULT_MS.0, window_ms.0 + DEFAULT_MS.1),
        worst_ms: Some((window_ms.0 + WORST_MS.0, window_ms.0 + WORST_MS.1)),
        latency: Latency { block_ms: 1_000, age_ms: 750 },
        assumed_latency: None,
        underlyings: &UNDERLYINGS,
        listed,
        followed,
        insurance: INSURANCE,
        accounts: 5_000,
        option_makers: 4..=8,
        noise_pace: 1,
        held: Vec::new(),
        world: Rc::new(October::shipped()?),
    })
}

/// The names of everything that is listed on an underlying.
fn names(ticker: Ticker, strikes_usd: (i64, i64, i64)) -> Vec<InstrumentName> {
    let name = |contract| InstrumentName { underlying: ticker, contract };
    let mut names = vec![name(Contract::Perpetual)];
    for listed in &EXPIRIES {
        let expiry = listed.time();
        names.push(name(Contract::Future { expiry }));
        if listed.shape.is_some() {
            names.extend(option_names(ticker, expiry, &strikes(strikes_usd)));
        }
    }
    names
}

/// What charts follow of an underlying: its perpetual, and a put of the nearest expiry that was out
/// of the money before the crash.
fn followed_of(
    ticker: Ticker,
    price_usd: i64,
    (low, _, step): (i64, i64, i64),
) -> [InstrumentName; 2] {
    let name = |contract| InstrumentName { underlying: ticker, contract };
    let steps = (price_usd - low) * 3 / 4 / step;
    let strike = Price((low + steps * step) * 1_000_000);
    let put = Contract::Option { expiry: EXPIRIES[0].time(), strike, side: OptionSide::Put };
    [name(Contract::Perpetual), name(put)]
}

/// The recorded series.
pub struct October {
    btc: Series,
    eth: Series,
    /// Through the bars of the perpetual.
    path: Series,
    /// By expiry of [`EXPIRIES`] that has options.
    volatility: [Series; 2],
}

impl October {
    /// The series that the binary carries.
    ///
    /// # Errors
    /// When one of them does not read, which a test rules out.
    pub fn shipped() -> Result<Self, ReadError> {
        Ok(Self {
            btc: Shipped::IndexBtc.read()?,
            eth: Shipped::IndexEth.read()?,
            path: Shipped::PathBtc.read()?,
            volatility: [Shipped::VolatilityPut.read()?, Shipped::VolatilityCall.read()?],
        })
    }

    /// The price of an underlying at a second, micro-USD.
    fn price(&self, underlying: usize, time_s: i64) -> i64 {
        let last = |series: &Series| series.point_at(time_s).unwrap_or(series.first()).value;
        match underlying {
            0 if self.is_hole(time_s) => self.path.value_between(time_s) * CENT,
            0 => last(&self.btc) * CENT,
            _ => last(&self.eth) * CENT,
        }
    }

    fn smile(
        &self,
        expiry: &Expiry,
        underlying: usize,
        time_s: i64,
        btc: i64,
    ) -> Option<SmileParams> {
        let shape = expiry.shape?;
        let series = &self.volatility[shape.series];
        let recorded = series.point_at(time_s).unwrap_or(series.first()).value;
        smile(expiry, &shape, underlying, time_s, btc, recorded)
    }
}

impl World for October {
    fn seen(&self, underlying: usize, time_s: i64) -> Seen {
        let btc = self.price(0, time_s);
        let of_expiry = |expiry: &Expiry| ExpiryReport {
            expiry: expiry.time(),
            basis_ppb: expiry.basis_ppb,
            smile: self.smile(expiry, underlying, time_s, btc),
        };
        Seen {
            price: Price(self.price(underlying, time_s)),
            expiries: EXPIRIES.iter().map(of_expiry).collect(),
        }
    }

    fn is_hole(&self, time_s: i64) -> bool {
        let last = self.btc.point_at(time_s).unwrap_or(self.btc.first());
        time_s - last.time_s > HOLE_S
    }
}

/// The smile of an expiry: of fixed shape, at the level that gives the recorded option the recorded
/// volatility. ETH's is higher, and flatter by as much, so that it is as free of arbitrage. `None`
/// if the smile would admit arbitrage.
fn smile(
    expiry: &Expiry,
    shape: &SmileShape,
    underlying: usize,
    time_s: i64,
    btc: i64,
    recorded_e9: i64,
) -> Option<SmileParams> {
    let unit = Smile { atm_vol_e9: VOL_ONE_E9, rho_ppm: shape.rho_ppm, phi_ppm: shape.phi_ppm };
    let forward = btc + share(btc, expiry.basis_ppb / 1_000);
    // A smile's volatilities are proportional to its level.
    let there = unit.vol_at_strike_e9(forward, shape.strike).ok()?;
    let level = i128::from(recorded_e9) * i128::from(VOL_ONE_E9) / i128::from(there);
    let percent = if underlying == 0 { 100 } else { ETH_VOL_PERCENT };
    let smile = Smile {
        atm_vol_e9: i64::try_from(level * i128::from(percent) / 100).ok()?,
        phi_ppm: unit.phi_ppm * 100 / percent,
        ..unit
    };
    reported(&smile, expiry.time().0 / 1_000 - time_s)
}

/// What a reader must know of where the numbers come from.
const SOURCES: &str = "The BTC and ETH index is recorded, from one venue, by the second. It was \
    silent for 820 s (20:54:26 to 21:08:06) and 409 s (21:13:57 to 21:20:46) of the crash; after a \
    minute of silence a recorded BTC perpetual stands in, on a straight line between the four \
    prices of each of its one-minute bars: the prices were traded, when in the minute is made up. \
    Five validators of equal stake report in every block what they saw a while before, without \
    noise. The recorded volatility of one put (31 October) and one call (28 November) fixes the \
    level of each BTC smile; its shape, the basis of the futures and ETH's smiles (a quarter above \
    BTC's) are assumptions. Everybody who trades is made up from the seed, and what makers hold \
    elsewhere against their positions here is not seen.";
