//! Real open interest, given to agents: who is long and who is short of what was held.
//!
//! Open interest says how much is held of a series, not by whom. It is cut into pieces; each has a
//! seller and a buyer, drawn by the seed among those who would be one: sellers of gamma and hedged
//! books, option buyers and hedged books. Now and then one side is left to the makers of the
//! series. Deposits are raised to what the pieces need, some more comfortably than others.

use super::Kind;
use super::agent::{Agent, THOUSAND_USD, lots_for, small};
use lockstep_sim::rng::Rng;
use lockstep_types::instrument::InstrumentName;

/// Size of a piece, USD of the underlying.
const PIECE_USD: i64 = 60_000;
/// Series that an agent is given at most: fewer than an account may have (L2).
const SERIES_MAX: usize = 60;
/// Draws for an agent with room, before a side is left to the makers.
const DRAWS_MAX: u32 = 20;

/// A series and how much of it is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Held {
    /// The series.
    pub name: InstrumentName,
    /// Lots held by longs, and by shorts.
    pub lots: i64,
    /// About what a unit of it costs, micro-USD.
    pub premium: i64,
    /// About what a unit of the underlying costs, micro-USD.
    pub spot: i64,
}

/// Gives every series to agents.
pub fn assign(agents: &mut [Agent], held: &[Held], rng: &mut Rng) {
    let of_kinds = |kinds: &[Kind]| -> Vec<usize> {
        let agents = agents.iter().enumerate();
        agents.filter(|(_, agent)| kinds.contains(&agent.kind)).map(|(at, _)| at).collect()
    };
    let sellers = of_kinds(&[Kind::GammaSeller, Kind::Hedger]);
    let buyers = of_kinds(&[Kind::OptionBuyer, Kind::Hedger]);
    for series in held {
        let mut left = series.lots;
        while left > 0 {
            let piece = lots_for(PIECE_USD * 1_000_000, series.spot).min(left);
            left -= piece;
            let alone = rng.below(10);
            if alone != 0 {
                give(agents, &sellers, series, -piece, rng);
            }
            if alone != 1 {
                give(agents, &buyers, series, piece, rng);
            }
        }
    }
}

fn give(agents: &mut [Agent], among: &[usize], series: &Held, lots: i64, rng: &mut Rng) {
    if among.is_empty() {
        return;
    }
    for _ in 0..DRAWS_MAX {
        let agent = &mut agents[among[rng.below_usize(among.len())]];
        let known = agent.holds.iter().position(|(name, _)| *name == series.name);
        match known {
            // Nobody buys from himself.
            Some(at) if agent.holds[at].1.signum() != lots.signum() => continue,
            Some(at) => agent.holds[at].1 += lots,
            None if agent.holds.len() == SERIES_MAX => continue,
            None => agent.holds.push((series.name, lots)),
        }
        agent.deposit += needed(series, lots, rng);
        return;
    }
}

/// What a piece adds to a deposit: a buyer's premium and a little; of a seller, a part of the
/// underlying that may be too small.
fn needed(series: &Held, lots: i64, rng: &mut Rng) -> i64 {
    let of_units = |price: i64| {
        let micro = i128::from(price) * i128::from(lots.abs()) / 1_000;
        i64::try_from(micro).unwrap_or(i64::MAX / 2)
    };
    let premium = of_units(series.premium);
    if lots > 0 {
        return premium + premium / 10 + THOUSAND_USD / 100;
    }
    // The premium comes in, but its value is owed: what is needed is beside it.
    of_units(series.spot) / 100 * (16 + small(rng, 30)) + premium / 5
}
