//! What makes one story: its window, what is listed, the world that its validators see, and what
//! a reader must know of where the numbers come from.

use super::latency::Latency;
use super::{february, october};
use crate::failure::Failure;
use crate::population::Shape;
use crate::population::held::Held;
use crate::scenario::model::TimeSpec;
use crate::scenario::value;
use lockstep_exchange::formula::smile::Smile;
use lockstep_types::command::{ExpiryReport, SmileParams};
use lockstep_types::instrument::InstrumentName;
use lockstep_types::units::DAY_MS;
use lockstep_types::{Ppm, Price, SpanMs, TimeMs, Usd, Vol};
use std::ops::RangeInclusive;
use std::rc::Rc;

/// One account in so many is an option maker.
const ACCOUNTS_PER_OPTION_MAKER: u32 = 600;

/// The stories that the binary carries.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Which {
    /// The crash of 10 October 2025, second by second.
    #[default]
    #[value(name = "oct-2025")]
    October,
    /// The fall of 4 to 6 February 2026, from five snapshots of the option chains.
    #[value(name = "feb-2026")]
    February,
}

impl Which {
    /// The story.
    ///
    /// # Errors
    /// When a series that the binary carries does not read, which a test rules out.
    pub fn story(self) -> Result<Story, Failure> {
        let story = match self {
            Self::October => october::story(),
            Self::February => february::story(),
        };
        story.map_err(|error| Failure::Recording { name: "shipped series".to_string(), error })
    }
}

/// The world outside: prices and volatilities as they were, before anybody reports them.
pub trait World {
    /// An underlying at a second, whenever it is asked for: before the first recorded moment, as
    /// at the first.
    fn seen(&self, underlying: usize, time_s: i64) -> Seen;

    /// Whether something else stands in for the index of the first underlying.
    fn is_hole(&self, time_s: i64) -> bool;
}

/// What there is to see of an underlying.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// Its price.
    pub price: Price,
    /// Forwards and smiles.
    pub expiries: Vec<ExpiryReport>,
}

/// An underlying: its symbol, and about its price in USD.
#[derive(Clone, Copy, Debug)]
pub struct Underlying {
    /// Symbol.
    pub ticker: &'static str,
    /// Price at the start, about.
    pub price_usd: i64,
}

/// A story.
pub struct Story {
    /// What it is called.
    pub title: &'static str,
    /// Where the numbers come from.
    pub sources: &'static str,
    /// First moment and the moment after the last.
    pub window_ms: (i64, i64),
    /// The part of the window that is run if nobody says otherwise.
    pub default_ms: (i64, i64),
    /// The worst part of it, for the study of latency; `None`: it is not known by the second.
    pub worst_ms: Option<(i64, i64)>,
    /// Block times and report ages if nobody says otherwise.
    pub latency: Latency,
    /// What the venue takes its latency to be instead of measuring it: for a story whose blocks
    /// are not those of a chain.
    pub assumed_latency: Option<SpanMs>,
    /// What trades.
    pub underlyings: &'static [Underlying],
    /// Everything that is listed.
    pub listed: Vec<InstrumentName>,
    /// Of each underlying the perpetual and an option, which charts follow.
    pub followed: Vec<[InstrumentName; 2]>,
    /// What the insurance fund has at the start.
    pub insurance: Usd,
    /// Accounts if nobody says otherwise.
    pub accounts: u32,
    /// Fewest and most option makers: enough that every expiry has one.
    pub option_makers: RangeInclusive<u32>,
    /// How many times more seldom noise acts than every half minute or so.
    pub noise_pace: u32,
    /// Options that must be held at the opening; none: agents hold what they like.
    pub held: Vec<Held>,
    /// What validators see.
    pub world: Rc<dyn World>,
}

impl Story {
    /// The shape of a population of so many accounts.
    pub fn shape(&self, accounts: u32) -> Shape {
        let (fewest, most) = (*self.option_makers.start(), *self.option_makers.end());
        let option_makers = (accounts / ACCOUNTS_PER_OPTION_MAKER).clamp(fewest, most);
        Shape { accounts, option_makers, noise_pace: self.noise_pace }
    }

    /// The moment that a flag gives: a time, or a time of day of the window's first day.
    ///
    /// # Errors
    /// When it is none, or lies outside the window.
    pub fn moment(&self, flag: &str, text: &str) -> Result<i64, Failure> {
        let usage =
            |why: String| Failure::Usage(format!("{flag}: `{}`: {why}", text.escape_default()));
        let (start_ms, end_ms) = self.window_ms;
        let moment = match value::time_text(text) {
            Ok(TimeSpec::TimeOfDay(ms)) => start_ms - start_ms % DAY_MS + ms,
            Ok(TimeSpec::At(time)) => time.0,
            Ok(TimeSpec::After(_)) => {
                return Err(usage("a time such as 21:10 is wanted".to_string()));
            }
            Err(problem) => return Err(usage(problem.to_string())),
        };
        if moment < start_ms || moment > end_ms {
            let (from, to) = (TimeMs(start_ms), TimeMs(end_ms));
            return Err(usage(format!("outside {from} to {to}")));
        }
        Ok(moment)
    }
}

/// A smile as validators report it, at so many seconds to expiry; `None` if it would admit
/// arbitrage.
pub fn reported(smile: &Smile, seconds: i64) -> Option<SmileParams> {
    smile.is_butterfly_free(seconds).then_some(SmileParams {
        atm: Vol(smile.atm_vol_e9),
        rho: Ppm(smile.rho_ppm),
        phi: Ppm(smile.phi_ppm),
    })
}
