//! What validators report: the recorded series, each as stale as its validator.
//!
//! The index is the recorded one-second index. That of BTC comes from one venue, which was silent
//! for 820 s and 409 s of the crash; once it is silent for [`HOLE_S`], the latest one-minute close
//! of the recorded perpetual stands in, if it is newer. Every report is stamped with the time of
//! its recorded value, so a venue with a limit below a minute would freeze here (P5).
//!
//! Smiles: the recorded volatility of one out-of-the-money option per expiry fixes the level of a
//! smile of fixed shape. ETH's are BTC's, a quarter higher. Forwards carry a fixed basis.
//! Nothing is known before its time, and nothing is noise.

use super::venue::{EXPIRIES, Expiry, UNDERLYINGS};
use crate::population::market;
use crate::series::{Point, ReadError, Series, shipped::Shipped};
use lockstep_exchange::formula::smile::Smile;
use lockstep_types::codec::Bounded;
use lockstep_types::command::{ExpiryReport, Report, SmileParams, SystemCommand};
use lockstep_types::ids::{ReporterId, UnderlyingId};
use lockstep_types::{Ppm, Price, TimeMs, Vol};

/// Seconds that each validator is behind.
pub const DELAYS_S: [i64; 5] = [0, 1, 2, 3, 5];
/// Silence of the BTC index after which the perpetual stands in.
const HOLE_S: i64 = 60;
/// Micro-USD in a US cent.
const CENT: i64 = 10_000;
/// 1.00 as a volatility.
const VOL_ONE_E9: i64 = 1_000_000_000;
/// ETH's volatility over BTC's, percent.
const ETH_VOL_PERCENT: i64 = 125;

/// The recorded series.
pub struct Feed {
    btc: Series,
    eth: Series,
    perpetual: Series,
    /// By expiry of [`EXPIRIES`] that has options.
    volatility: [Series; 2],
    /// What each validator last reported of each underlying.
    told: [[Option<Told>; 2]; DELAYS_S.len()],
}

/// What a validator knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Told {
    /// Of the underlying.
    value: Point,
    /// Price of BTC, on which the recorded options are, cents.
    btc: i64,
    /// The recorded volatility of each expiry.
    vols: [i64; 2],
}

impl Feed {
    /// The series that the binary carries.
    ///
    /// # Errors
    /// When one of them does not read, which a test rules out.
    pub fn shipped() -> Result<Self, ReadError> {
        Ok(Self {
            btc: Shipped::IndexBtc.read()?,
            eth: Shipped::IndexEth.read()?,
            perpetual: Shipped::PerpetualBtc.read()?,
            volatility: [Shipped::VolatilityPut.read()?, Shipped::VolatilityCall.read()?],
            told: [[None; 2]; DELAYS_S.len()],
        })
    }

    /// The price of an underlying as known at a second, and whether it is the perpetual's; before
    /// the first, the first.
    fn value(&self, underlying: usize, second: i64) -> (Point, bool) {
        let last = |series: &Series| series.point_at(second).unwrap_or(series.first());
        if underlying == 1 {
            return (last(&self.eth), false);
        }
        let (index, perpetual) = (last(&self.btc), last(&self.perpetual));
        let is_hole = second - index.time_s > HOLE_S && perpetual.time_s > index.time_s;
        if is_hole { (perpetual, true) } else { (index, false) }
    }

    /// Whether the perpetual stands in for the BTC index.
    pub fn is_hole(&self, now_ms: i64) -> bool {
        self.value(0, now_ms.div_euclid(1_000)).1
    }

    /// What the validators report in the block at `now_ms`: whatever is new to each.
    pub fn reports(&mut self, now_ms: i64) -> Vec<SystemCommand> {
        let mut reports = Vec::new();
        for (validator, delay_s) in DELAYS_S.into_iter().enumerate() {
            let second = now_ms.div_euclid(1_000) - delay_s;
            let (btc, _) = self.value(0, second);
            for underlying in 0..UNDERLYINGS.len() {
                let (value, _) = self.value(underlying, second);
                let vols = [0, 1].map(|at: usize| {
                    let series = &self.volatility[at];
                    series.point_at(second).unwrap_or(series.first()).value
                });
                let told = Told { value, btc: btc.value, vols };
                if self.told[validator][underlying] == Some(told) {
                    continue;
                }
                self.told[validator][underlying] = Some(told);
                reports.push(report(validator, underlying, now_ms, &told));
            }
        }
        reports
    }
}

fn report(validator: usize, underlying: usize, now_ms: i64, told: &Told) -> SystemCommand {
    let of_expiry = |expiry: &Expiry| ExpiryReport {
        expiry: expiry.time(),
        basis_ppb: expiry.basis_ppb,
        smile: smile(expiry, underlying, now_ms, told),
    };
    let expiries: Vec<ExpiryReport> = EXPIRIES.iter().map(of_expiry).collect();
    SystemCommand::Report(Report {
        reporter: ReporterId(u16::try_from(validator).unwrap_or(u16::MAX)),
        underlying: UnderlyingId(u8::try_from(underlying).unwrap_or(u8::MAX)),
        price: Price(told.value.value * CENT),
        published: TimeMs((told.value.time_s * 1_000).min(now_ms)),
        expiries: Bounded::new(expiries).unwrap_or_default(),
    })
}

/// The smile of an expiry: of fixed shape, at the level that gives the recorded option the recorded
/// volatility. ETH's is higher, and flatter by as much, so that it is as free of arbitrage. `None`
/// for an expiry without options, or if the smile would admit arbitrage.
fn smile(expiry: &Expiry, underlying: usize, now_ms: i64, told: &Told) -> Option<SmileParams> {
    let shape = expiry.shape?;
    let unit = Smile { atm_vol_e9: VOL_ONE_E9, rho_ppm: shape.rho_ppm, phi_ppm: shape.phi_ppm };
    let btc = told.btc * CENT;
    let forward = btc + market::share(btc, expiry.basis_ppb / 1_000);
    // A smile's volatilities are proportional to its level.
    let there = unit.vol_at_strike_e9(forward, shape.strike).ok()?;
    let level = i128::from(told.vols[shape.series]) * i128::from(VOL_ONE_E9) / i128::from(there);
    let percent = if underlying == 0 { 100 } else { ETH_VOL_PERCENT };
    let smile = Smile {
        atm_vol_e9: i64::try_from(level * i128::from(percent) / 100).ok()?,
        phi_ppm: unit.phi_ppm * 100 / percent,
        ..unit
    };
    let seconds = expiry.time().since(TimeMs(now_ms)).0 / 1_000;
    smile.is_butterfly_free(seconds).then_some(SmileParams {
        atm: Vol(smile.atm_vol_e9),
        rho: Ppm(smile.rho_ppm),
        phi: Ppm(smile.phi_ppm),
    })
}
