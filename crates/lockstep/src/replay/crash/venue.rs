//! The exchange of a story: parameters, what is listed, and the money to begin with.

use super::Course;
use super::feed::{Feed, reporter};
use super::latency::VALIDATORS;
use super::story::{Story, Underlying};
use lockstep_types::command::SystemCommand;
use lockstep_types::instrument::{Contract, InstrumentName, OptionSide, Ticker};
use lockstep_types::params::{LatencyParams, LatencySource, UnderlyingParams, VenueParams};
use lockstep_types::{Ppm, Price, SpanMs, TimeMs, UnderlyingId};

/// Reports count for four minutes: the slowest validator of the slowest chain is that late.
const REPORT_AGE_MAX: SpanMs = SpanMs(240_000);
/// Work for which there is room in a second: twice what the population asks for when it is busiest,
/// so that the base fee moves (F2) and little is refused.
const WORK_PER_SECOND: u64 = 24_000;
/// Least work of a full block, however short: room for the mass quotes of a few makers.
const BLOCK_WORK_MIN: u64 = 12_000;

/// A chain that is asked to be as slow as this is not also kept from trading for it, or there would
/// be nothing to see.
const SLOW_MS: i64 = 5_000;
/// Longer than any latency that can be asked for.
const NEVER: SpanMs = SpanMs(3_600_000);

/// Parameters of the venue of a story.
pub fn params(story: &Story, course: &Course) -> VenueParams {
    let block_ms = u64::try_from(course.latency.block_ms).unwrap_or(1);
    let mut rules = LatencyParams::default();
    if let Some(assumed) = story.assumed_latency {
        rules.source = LatencySource::Assumed { now: assumed, slow: assumed };
    } else if course.latency.tau_ms() >= SLOW_MS {
        (rules.reduce_only, rules.freeze) = (NEVER, NEVER);
    }
    if !course.charged {
        rules.cap = Ppm::ZERO;
    }
    VenueParams {
        report_age_max: REPORT_AGE_MAX,
        block_work_max: (WORK_PER_SECOND * block_ms / 1_000).max(BLOCK_WORK_MIN),
        latency: rules,
        ..VenueParams::default()
    }
}

fn underlying_params(underlying: &Underlying) -> Option<UnderlyingParams> {
    let ticker = Ticker::new(underlying.ticker).ok()?;
    Some(UnderlyingParams::genesis(ticker, underlying.price_usd))
}

/// Price ticks of an underlying's linear instruments and of its options, micro-USD.
pub fn ticks(underlyings: &[Underlying], underlying: UnderlyingId) -> [i64; 2] {
    let params = underlyings.get(usize::from(underlying.0)).and_then(underlying_params);
    params.map_or([1, 1], |params| [params.linear_ticks.base.0, params.option_ticks.base.0])
}

/// Strikes from the lowest to the highest in steps, all in USD.
pub fn strikes((low, high, step): (i64, i64, i64)) -> Vec<Price> {
    let count = (high - low) / step;
    (0..=count).map(|number| Price((low + number * step) * 1_000_000)).collect()
}

/// The calls and puts of an expiry.
pub fn option_names(ticker: Ticker, expiry: TimeMs, strikes: &[Price]) -> Vec<InstrumentName> {
    let sides = [OptionSide::Call, OptionSide::Put];
    let name = |(strike, side)| InstrumentName {
        underlying: ticker,
        contract: Contract::Option { expiry, strike, side },
    };
    strikes.iter().flat_map(|strike| sides.map(|side| (*strike, side))).map(name).collect()
}

/// Everything that the chain does before anybody trades: validators, instruments, first prices,
/// insurance.
pub fn commands(story: &Story, feed: &Feed, now_ms: i64) -> Vec<SystemCommand> {
    let mut commands = Vec::new();
    for validator in 0..VALIDATORS {
        let reporter = reporter(validator);
        commands.push(SystemCommand::SetReporterWeight { reporter, weight: 100 });
    }
    let added = story.underlyings.iter().filter_map(underlying_params);
    commands.extend(added.map(SystemCommand::AddUnderlying));
    commands.extend(story.listed.iter().copied().map(SystemCommand::List));
    commands.push(SystemCommand::FundInsurance { underlying: None, amount: story.insurance });
    commands.extend(feed.reports(now_ms));
    commands
}
