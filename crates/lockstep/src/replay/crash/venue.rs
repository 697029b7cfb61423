//! The exchange of the crash replay: parameters, what is listed, and the money to begin with.

use super::feed::{DELAYS_S, Feed};
use lockstep_types::command::SystemCommand;
use lockstep_types::ids::{ReporterId, UnderlyingId};
use lockstep_types::instrument::{Contract, InstrumentName, OptionSide, Ticker, expiry_of_date};
use lockstep_types::params::{UnderlyingParams, VenueParams};
use lockstep_types::{Price, SpanMs, TimeMs, Usd};

/// An underlying: its symbol, about its price, and its strikes, all in USD.
pub struct Underlying {
    /// Symbol.
    pub ticker: &'static str,
    /// Price at the start, about.
    pub price_usd: i64,
    /// Lowest and highest strike.
    pub strikes_usd: (i64, i64),
    /// Distance of strikes.
    pub step_usd: i64,
}

/// What trades.
pub const UNDERLYINGS: [Underlying; 2] = [
    Underlying {
        ticker: "BTC",
        price_usd: 117_000,
        strikes_usd: (85_000, 135_000),
        step_usd: 2_500,
    },
    Underlying { ticker: "ETH", price_usd: 4_200, strikes_usd: (2_800, 5_000), step_usd: 100 },
];

/// The shape of an expiry's smile, and the recorded option that fixes its level.
#[derive(Clone, Copy, Debug)]
pub struct SmileShape {
    /// Tilt.
    pub rho_ppm: i64,
    /// Curvature.
    pub phi_ppm: i64,
    /// Place of the recorded series.
    pub series: usize,
    /// Strike of the recorded option, micro-USD.
    pub strike: i64,
}

/// A listed expiry.
#[derive(Clone, Copy, Debug)]
pub struct Expiry {
    /// Day and month of 2025.
    day: (i64, i64),
    /// Forward over index less one, in 1e-9: about 6 % a year.
    pub basis_ppb: i64,
    /// Its smile; `None`: no options.
    pub shape: Option<SmileShape>,
}

impl Expiry {
    /// When it expires.
    pub fn time(&self) -> TimeMs {
        let (day, month) = self.day;
        expiry_of_date(2025, month, day)
    }
}

/// The expiries: two with options, three with futures. The shapes are free of arbitrage at every
/// level that the recorded volatilities give.
pub const EXPIRIES: [Expiry; 3] = [
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

/// Reports count for two minutes: the recorded index pauses for up to 91 s.
const REPORT_AGE_MAX: SpanMs = SpanMs(120_000);
/// Work for which there is room in a second: twice what the population asks for when it is busiest,
/// so that the base fee moves (F2) and little is refused.
const WORK_PER_SECOND: u64 = 24_000;
/// Least work of a full block, however short: room for the mass quotes of a few makers.
const BLOCK_WORK_MIN: u64 = 12_000;
/// What the insurance fund has at the start.
const INSURANCE: Usd = Usd(2_000_000_000_000);

/// Parameters of a venue with a block every so many milliseconds.
pub fn params(block_ms: i64) -> VenueParams {
    let work = WORK_PER_SECOND * u64::try_from(block_ms).unwrap_or(1) / 1_000;
    VenueParams {
        report_age_max: REPORT_AGE_MAX,
        block_work_max: work.max(BLOCK_WORK_MIN),
        ..VenueParams::default()
    }
}

fn underlying_params(underlying: &Underlying) -> Option<UnderlyingParams> {
    let ticker = Ticker::new(underlying.ticker).ok()?;
    Some(UnderlyingParams::genesis(ticker, underlying.price_usd))
}

/// Price ticks of an underlying's linear instruments and of its options, micro-USD.
pub fn ticks(underlying: UnderlyingId) -> [i64; 2] {
    let params = UNDERLYINGS.get(usize::from(underlying.0)).and_then(underlying_params);
    params.map_or([1, 1], |params| [params.linear_ticks.base.0, params.option_ticks.base.0])
}

/// The names of everything that is listed on an underlying.
fn names(underlying: &Underlying) -> Vec<InstrumentName> {
    let Ok(ticker) = Ticker::new(underlying.ticker) else { return Vec::new() };
    let name = |contract| InstrumentName { underlying: ticker, contract };
    let mut names = vec![name(Contract::Perpetual)];
    for listed in &EXPIRIES {
        let expiry = listed.time();
        names.push(name(Contract::Future { expiry }));
        if listed.shape.is_none() {
            continue;
        }
        let (low, high) = underlying.strikes_usd;
        let mut strike_usd = low;
        while strike_usd <= high {
            let strike = Price(strike_usd * 1_000_000);
            for side in [OptionSide::Call, OptionSide::Put] {
                names.push(name(Contract::Option { expiry, strike, side }));
            }
            strike_usd += underlying.step_usd;
        }
    }
    names
}

/// Everything that the chain does before anybody trades: validators, instruments, first prices,
/// insurance.
pub fn commands(feed: &mut Feed, start_ms: i64) -> Vec<SystemCommand> {
    let mut commands = Vec::new();
    for validator in 0..DELAYS_S.len() {
        let reporter = ReporterId(u16::try_from(validator).unwrap_or(u16::MAX));
        commands.push(SystemCommand::SetReporterWeight { reporter, weight: 100 });
    }
    for underlying in &UNDERLYINGS {
        commands.extend(underlying_params(underlying).map(SystemCommand::AddUnderlying));
        commands.extend(names(underlying).into_iter().map(SystemCommand::List));
    }
    commands.push(SystemCommand::FundInsurance { amount: INSURANCE });
    commands.extend(feed.reports(start_ms - 1_000));
    commands
}

/// What charts follow of an underlying: its perpetual, and a put of the nearest expiry that was out
/// of the money before the crash.
pub fn followed(underlying: &Underlying) -> Option<[InstrumentName; 2]> {
    let ticker = Ticker::new(underlying.ticker).ok()?;
    let name = |contract| InstrumentName { underlying: ticker, contract };
    let (low, _) = underlying.strikes_usd;
    let steps = (underlying.price_usd - low) * 3 / 4 / underlying.step_usd;
    let strike = Price((low + steps * underlying.step_usd) * 1_000_000);
    let put = Contract::Option { expiry: EXPIRIES[0].time(), strike, side: OptionSide::Put };
    Some([name(Contract::Perpetual), name(put)])
}
