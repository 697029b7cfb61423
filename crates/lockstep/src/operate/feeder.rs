//! Prices that a validator reports: from several sources each, and of those the median.
//!
//! A source says what it knows at a moment. Of one underlying's sources those count that are young
//! enough; of an even number the two in the middle are averaged. Invariant: an underlying without a
//! price is not reported, and nothing is reported that is older than the limit. Deliberately
//! absent: trust; the chain takes the median of all validators' reports.

use super::config::{FeedConfig, SourceConfig, TestPrices};
use super::sources::{Place, listen, poll};
use crate::devnet::Prices;
use crate::devnet::feed::Feed;
use crate::devnet::files::UNDERLYINGS;
use crate::failure::Failure;
use lockstep_ledger::Genesis;
use lockstep_ledger::block::PriceWord;
use lockstep_types::codec::Bounded;
use lockstep_types::decimal;
use lockstep_types::ids::UnderlyingId;
use lockstep_types::units::{Price, TimeMs};
use std::fs;
use std::path::Path;
use std::time::Duration;

/// Digits of a price after the point.
const PRICE_PLACES: u32 = 6;
/// Rows of a recorded series at most.
const ROWS_MAX: usize = 10_000_000;

/// A price and when it was so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quote {
    /// The price.
    pub price: Price,
    /// When it was published.
    pub published: TimeMs,
}

/// Where prices of one underlying come from.
pub trait Source: Send {
    /// What it knows at a moment, if anything.
    fn quote(&self, time: TimeMs) -> Option<Quote>;
}

/// Invented prices of one underlying.
struct Invented {
    feed: Feed,
    index: usize,
}

impl Source for Invented {
    fn quote(&self, time: TimeMs) -> Option<Quote> {
        Some(Quote { price: self.feed.price(self.index, time), published: time })
    }
}

/// A recorded series that is played again and again.
pub struct Recorded {
    /// Seconds since its beginning, ascending, and prices.
    rows: Vec<(i64, Price)>,
    since: TimeMs,
}

impl Recorded {
    /// A series of rows `seconds,price`, played from `since` on.
    pub fn parse(text: &str, since: TimeMs) -> Result<Self, String> {
        let mut rows: Vec<(i64, Price)> = Vec::new();
        for (number, line) in (1..).zip(text.lines()) {
            let wrong = |why: &str| format!("line {number}: {why}");
            if number > ROWS_MAX {
                return Err(wrong(&format!("more than {ROWS_MAX} rows")));
            }
            let (seconds, price) =
                line.split_once(',').ok_or_else(|| wrong("not `seconds,price`"))?;
            let seconds: i64 = seconds.trim().parse().map_err(|_| wrong("seconds: no number"))?;
            let price = price_of(price.trim()).map_err(|why| wrong(&format!("price: {why}")))?;
            if seconds < 0 || rows.last().is_some_and(|(before, _)| *before >= seconds) {
                return Err(wrong("seconds: not above those before"));
            }
            rows.push((seconds, price));
        }
        if rows.is_empty() {
            return Err("line 1: there is no row".to_string());
        }
        Ok(Self { rows, since })
    }
}

impl Source for Recorded {
    fn quote(&self, time: TimeMs) -> Option<Quote> {
        let (first, last) = (self.rows.first()?.0, self.rows.last()?.0);
        let passed = time.0.saturating_sub(self.since.0).div_euclid(1_000);
        let at = first + passed.rem_euclid(last - first + 1);
        let after = self.rows.partition_point(|(seconds, _)| *seconds <= at);
        let (_, price) = self.rows.get(after.checked_sub(1)?)?;
        Some(Quote { price: *price, published: time })
    }
}

/// The price that a text means in USD; digits beyond the sixth after the point are cut off.
pub fn price_of(text: &str) -> Result<Price, String> {
    let places = usize::try_from(PRICE_PLACES).unwrap_or(0);
    let cut = match text.split_once('.') {
        Some((whole, rest)) if rest.len() > places && rest.is_ascii() => {
            let rest_is_number = rest.bytes().all(|byte| byte.is_ascii_digit());
            let kept = rest.get(..places).filter(|_| rest_is_number);
            format!("{whole}.{}", kept.unwrap_or("?"))
        }
        _ => text.to_string(),
    };
    let price = decimal::parse(&cut, PRICE_PLACES).map_err(|error| error.to_string())?;
    if price <= 0 {
        return Err("not above 0".to_string());
    }
    Ok(Price(price))
}

/// What is reported: sources by underlying.
pub struct Feeder {
    age_ms_max: i64,
    sources: Vec<Vec<Box<dyn Source>>>,
}

impl Feeder {
    /// The feeder of a configuration.
    pub fn new(config: &FeedConfig, genesis: &Genesis) -> Result<Self, Failure> {
        let tickers: Vec<&str> =
            genesis.underlyings.iter().map(|underlying| underlying.ticker.as_str()).collect();
        let mut feeder = Self {
            age_ms_max: config.age_ms_max,
            sources: tickers.iter().map(|_| Vec::new()).collect(),
        };
        for (number, source) in config.sources.iter().enumerate() {
            let unknown = |name: &str| {
                let known = tickers.join(", ");
                let what = format!("feed.sources[{number}].underlying: {name} is none of {known}");
                Failure::Broken(what)
            };
            let Some(name) = source.underlying() else {
                feeder.add_invented(source, &tickers, genesis)?;
                continue;
            };
            let place = tickers.iter().position(|ticker| *ticker == name);
            let place = place.ok_or_else(|| unknown(name))?;
            if let Some(source) = live(source, genesis.time)? {
                feeder.sources[place].push(source);
            }
        }
        Ok(feeder)
    }

    fn add_invented(
        &mut self,
        source: &SourceConfig,
        tickers: &[&str],
        genesis: &Genesis,
    ) -> Result<(), Failure> {
        let prices = match source {
            SourceConfig::Test { prices: TestPrices::Walk } => Prices::Walk,
            SourceConfig::Test { prices: TestPrices::Crash } => Prices::Crash,
            _ => return Ok(()),
        };
        for (index, underlying) in UNDERLYINGS.iter().enumerate() {
            let Some(place) = tickers.iter().position(|ticker| *ticker == underlying.ticker) else {
                continue;
            };
            let feed = Feed::new(prices, genesis)?;
            self.sources[place].push(Box::new(Invented { feed, index }));
        }
        Ok(())
    }

    /// What is reported at a moment.
    pub fn words(&self, time: TimeMs) -> Vec<PriceWord> {
        let mut words = Vec::new();
        for (place, sources) in (0..).zip(&self.sources) {
            let quotes = sources.iter().filter_map(|source| source.quote(time));
            let young = quotes.filter(|quote| time.0 - quote.published.0 <= self.age_ms_max);
            if let Some(quote) = median(young.collect()) {
                words.push(PriceWord {
                    underlying: UnderlyingId(place),
                    price: quote.price,
                    // A clock of elsewhere must not make a report one from the future.
                    published: quote.published.min(time),
                    expiries: Bounded::default(),
                });
            }
        }
        words
    }
}

/// The quote in the middle; between two the average, as old as the older.
pub fn median(mut quotes: Vec<Quote>) -> Option<Quote> {
    quotes.sort_unstable_by_key(|quote| (quote.price, quote.published));
    let middle = quotes.len() / 2;
    let above = *quotes.get(middle)?;
    if quotes.len() % 2 == 1 {
        return Some(above);
    }
    let below = *quotes.get(middle.checked_sub(1)?)?;
    let half = above.price.0.checked_sub(below.price.0)? / 2;
    let price = Price(below.price.0 + half);
    Some(Quote { price, published: above.published.min(below.published) })
}

/// The source of one underlying that a configuration means; `None`: it is of more than one.
fn live(source: &SourceConfig, since: TimeMs) -> Result<Option<Box<dyn Source>>, Failure> {
    let place =
        |url: &String, pointer: &String| Place { url: url.clone(), pointer: pointer.clone() };
    Ok(match source {
        SourceConfig::Test { .. } => None,
        SourceConfig::File { path, .. } => Some(Box::new(read(path, since)?)),
        SourceConfig::Http { url, pointer, interval_ms, .. } => {
            Some(Box::new(poll(place(url, pointer), Duration::from_millis(*interval_ms))?))
        }
        SourceConfig::WebSocket { url, subscribe, pointer, .. } => {
            Some(Box::new(listen(place(url, pointer), subscribe.clone())?))
        }
    })
}

fn read(path: &Path, since: TimeMs) -> Result<Recorded, Failure> {
    let text = fs::read_to_string(path).map_err(Failure::file(path))?;
    Recorded::parse(&text, since)
        .map_err(|error| Failure::Broken(format!("{}: {error}", path.display())))
}
