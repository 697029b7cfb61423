//! What validators of a test network report: prices, walked or replayed, and what they saw final.
//!
//! A price is a function of the clock and the source, so that all validators, and a network that
//! was started again, go on alike. Deliberately absent: sources that could fail.

use super::files::{UNDERLYINGS, Underlying};
use super::{Failure, Prices};
use crate::series::Series;
use crate::series::shipped::Shipped;
use lockstep_ledger::block::{FinalityWord, PriceWord, REPORT_HEIGHTS_MAX};
use lockstep_ledger::{Genesis, Report, SignedReport, SystemItem};
use lockstep_node::host::Node;
use lockstep_types::codec::Bounded;
use lockstep_types::envelope::{ChainId, Signer};
use lockstep_types::ids::UnderlyingId;
use lockstep_types::units::{Price, TimeMs};

/// 10 October 2025, 20:45 UTC, in seconds: a few minutes before the fall.
const CRASH_START_S: i64 = 1_760_129_100;
/// Seconds of the story, after which it begins again.
const CRASH_LENGTH_S: i64 = 3_600;
/// A walk moves by up to so much of the price in a step.
const STEP_PPM: i64 = 150;
/// A walk does not leave this share of where it began.
const WALK_PPM: i64 = 100_000;
/// Length of a walk's step.
const STEP_MS: i64 = 500;

/// A source of prices.
pub enum Feed {
    /// Walked around a price each.
    Walk,
    /// Replayed: cents by the second, in the order of underlyings, since a moment.
    Crash(Vec<Series>, TimeMs),
}

/// About the price with which a source begins.
pub fn first_price_usd(prices: Prices, underlying: &Underlying) -> i64 {
    match prices {
        Prices::Walk => underlying.price_usd,
        Prices::Crash => {
            let index = UNDERLYINGS.iter().position(|known| known.ticker == underlying.ticker);
            let series = crash_series().ok().unwrap_or_default();
            let series = index.and_then(|index| series.get(index));
            series.map_or(underlying.price_usd, |series| series.value_between(CRASH_START_S) / 100)
        }
    }
}

fn crash_series() -> Result<Vec<Series>, Failure> {
    let read = |shipped: Shipped| {
        shipped
            .read()
            .map_err(|error| Failure::Recording { name: shipped.file_name().to_string(), error })
    };
    [Shipped::IndexBtc, Shipped::IndexEth].into_iter().map(read).collect()
}

impl Feed {
    /// The source of a network.
    pub fn new(prices: Prices, genesis: &Genesis) -> Result<Self, Failure> {
        Ok(match prices {
            Prices::Walk => Self::Walk,
            Prices::Crash => Self::Crash(crash_series()?, genesis.time),
        })
    }

    /// The price of an underlying at a moment.
    pub fn price(&self, index: usize, time: TimeMs) -> Price {
        match self {
            Self::Walk => walk(index, time),
            Self::Crash(series, since) => {
                let passed = (time.0 - since.0).div_euclid(1_000).rem_euclid(CRASH_LENGTH_S);
                let cents = series.get(index).map(|one| one.value_between(CRASH_START_S + passed));
                Price(cents.unwrap_or(1).saturating_mul(10_000))
            }
        }
    }

    /// What is reported of all underlyings at a moment.
    pub fn words(&self, time: TimeMs) -> Vec<PriceWord> {
        let word = |index: usize| PriceWord {
            underlying: UnderlyingId(u8::try_from(index).unwrap_or(u8::MAX)),
            price: self.price(index, time),
            published: time,
            expiries: Bounded::default(),
        };
        (0..UNDERLYINGS.len()).map(word).collect()
    }
}

/// A sum of waves of different lengths: smooth, bounded, and the same for whoever asks.
fn walk(index: usize, time: TimeMs) -> Price {
    let start = UNDERLYINGS.get(index).map_or(1, |underlying| underlying.price_usd) * 1_000_000;
    let step = time.0.div_euclid(STEP_MS);
    let shift = i64::try_from(index).unwrap_or(0) * 977;
    let wave = |length: i64, height: i64| {
        let at = (step + shift).rem_euclid(length);
        let rise = at.min(length - at);
        (rise * 4 - length) * height / length
    };
    let noise = {
        let bytes = blake3::hash(&(step + shift).to_le_bytes());
        i64::from(bytes.as_bytes()[0]) - 128
    };
    let ppm = wave(7_201, WALK_PPM / 2) + wave(613, WALK_PPM / 8) + noise * STEP_PPM / 128;
    Price(start + start / 1_000_000 * ppm)
}

/// The validators of this process as reporters.
pub struct Reporters {
    chain: ChainId,
    signers: Vec<(Signer, [u8; 32], [u8; 32])>,
}

impl Reporters {
    /// The reporters with these keys.
    pub fn new(genesis: &Genesis, seeds: &[[u8; 32]]) -> Self {
        let signer = |seed: &[u8; 32]| (Signer::from_seed(*seed), *seed, [0; 32]);
        Self { chain: genesis.chain_id(), signers: seeds.iter().map(signer).collect() }
    }

    /// Every validator says what it sees at `time`.
    pub fn report(
        &mut self,
        nodes: &[Node],
        words: &[PriceWord],
        finality: &[FinalityWord],
        time: TimeMs,
    ) -> Result<(), Failure> {
        let seen = finality.iter().rev().take(REPORT_HEIGHTS_MAX).copied().collect();
        let finality = Bounded::new(seen).unwrap_or_default();
        for (node, (signer, seed, reveal)) in nodes.iter().zip(&mut self.signers) {
            let next = secret(seed, time);
            let report = Report {
                validator: signer.public_key(),
                time,
                prices: Bounded::new(words.to_vec()).unwrap_or_default(),
                finality: finality.clone(),
                reveal: *reveal,
                commit: *blake3::hash(&next).as_bytes(),
            };
            *reveal = next;
            let item = SystemItem::Report(SignedReport::new(signer, self.chain, report));
            node.say(item).map_err(|_| Failure::Broken("a validator has stopped".to_string()))?;
        }
        Ok(())
    }
}

/// Random bytes that nobody without the key can guess.
fn secret(seed: &[u8; 32], time: TimeMs) -> [u8; 32] {
    *blake3::keyed_hash(seed, &time.0.to_le_bytes()).as_bytes()
}
