//! Who trades on a test network: makers that quote everything listed, and takers.
//!
//! They look at a replica's state and sign commands, which go to the validators of this process in
//! turn, or over HTTP with `lockstep trade`. Invariant: what they do follows from seed and states.
//! Deliberately absent: strategy; there is a market so that the chain has work.

use super::Failure;
use super::files::{TRADERS, trader};
use lockstep_client::Author;
use lockstep_exchange::Exchange;
use lockstep_ledger::{Genesis, Ledger};
use lockstep_node::host::Node;
use lockstep_sim::rng::Rng;
use lockstep_types::codec::Bounded;
use lockstep_types::command::{BATCH_MAX, Command, ProtectionLimits, Quote, QuoteSide};
use lockstep_types::envelope::SignedCommand;
use lockstep_types::ids::{GroupId, InstrumentId, UnderlyingId};
use lockstep_types::order::{NewOrder, Side, TimeInForce};
use lockstep_types::params::UnderlyingParams;
use lockstep_types::units::{Lots, Price, SpanMs, TimeMs, Usd};

/// Makers of each underlying; the others take.
const MAKERS: usize = 2;
/// Half the spread of a linear instrument's quote, ppm of the mark.
const LINEAR_HALF_PPM: i64 = 200;
/// Half the spread of an option's quote, ppm of its mark.
const OPTION_HALF_PPM: i64 = 30_000;
/// Lots that are quoted on each side.
const QUOTED_LOTS: Lots = Lots(500);
/// Most lots of a taker's order.
const TAKEN_LOTS_MAX: u64 = 50;
/// How long a command is good in a network of one process.
pub const VALID: SpanMs = SpanMs(5_000);
/// The makers' protection group.
const GROUP: GroupId = GroupId(1);

struct Trader {
    author: Author,
    /// Whether a maker has set its protection, without which the venue takes no quotes (M10).
    is_protected: bool,
}

/// The traders of a test network.
pub struct Traders {
    traders: Vec<Trader>,
    underlyings: Vec<UnderlyingParams>,
    valid: SpanMs,
    rng: Rng,
    turn: usize,
    /// Commands taken and refused at validators' doors.
    sent: (u64, u64),
}

impl Traders {
    /// The traders of a network, whose keys follow from `keys`, and whose commands are good for
    /// `valid`.
    pub fn new(
        genesis: &Genesis,
        keys: [u8; 32],
        seed: u64,
        valid: SpanMs,
    ) -> Result<Self, Failure> {
        let ledger = Ledger::genesis(genesis);
        let ledger = ledger.map_err(|error| Failure::Broken(error.to_string()))?;
        let unknown = || Failure::Broken("a trader is not in the genesis".to_string());
        let chain = genesis.chain_id();
        let mut traders = Vec::new();
        for index in 0..TRADERS {
            let signer = trader(keys, index);
            let key = signer.public_key();
            let id = ledger.exchange().signer_of(key).ok_or_else(unknown)?;
            let account = ledger.exchange().account_of(key, 0).ok_or_else(unknown)?;
            let author = Author::new(signer, chain, id, account);
            traders.push(Trader { author, is_protected: false });
        }
        let (rng, underlyings) = (Rng::new(seed), genesis.underlyings.to_vec());
        Ok(Self { traders, underlyings, valid, rng, turn: 0, sent: (0, 0) })
    }

    /// Commands that validators took, and those that they refused.
    pub fn sent(&self) -> (u64, u64) {
        self.sent
    }

    /// One turn: makers quote, some takers take.
    pub fn commands(&mut self, ledger: &Ledger, time: TimeMs) -> Vec<SignedCommand> {
        let exchange = ledger.exchange();
        let mut commands = Vec::new();
        let count = self.underlyings.len().max(1);
        for (place, trader) in self.traders.iter_mut().enumerate() {
            let told = match self.underlyings.get(place % count) {
                Some(params) if place < MAKERS * count => {
                    let place = place % count;
                    if trader.is_protected {
                        quotes(exchange, place, params)
                    } else {
                        trader.is_protected = true;
                        protection(place)
                    }
                }
                _ => take(exchange, &mut self.rng),
            };
            commands.extend(told.map(|command| trader.author.sign(command, time, self.valid)));
        }
        commands
    }

    /// One turn, brought to one of the validators of this process.
    pub fn act(&mut self, nodes: &[Node], ledger: &Ledger, time: TimeMs) -> Result<(), Failure> {
        let commands = self.commands(ledger, time);
        if commands.is_empty() {
            return Ok(());
        }
        self.turn += 1;
        let stopped = || Failure::Broken("a validator has stopped".to_string());
        let node = nodes.get(self.turn % nodes.len().max(1)).ok_or_else(stopped)?;
        for answer in node.submit(commands).map_err(|_| stopped())? {
            match answer {
                Ok(_) => self.sent.0 += 1,
                Err(_) => self.sent.1 += 1,
            }
        }
        Ok(())
    }
}

/// A maker's protection: so many lots in a second, then a second of rest (M9).
fn protection(underlying: usize) -> Option<Command> {
    let limits = ProtectionLimits {
        interval: SpanMs(1_000),
        frozen_time: SpanMs(1_000),
        lots_max: Lots(QUOTED_LOTS.0 * 10),
        delta_max: Lots(0),
        vega_max: Usd(0),
        trades_max: 0,
    };
    let underlying = UnderlyingId(u8::try_from(underlying).ok()?);
    Some(Command::SetProtection { underlying, group: GROUP, limits })
}

/// Quotes around the marks of everything listed on an underlying, as many as fit a command.
fn quotes(exchange: &Exchange, underlying: usize, params: &UnderlyingParams) -> Option<Command> {
    let mut quotes = Vec::new();
    for (name, id) in exchange.instruments() {
        let Some(view) = exchange.instrument_view(id) else { continue };
        if usize::from(view.underlying.0) != underlying || quotes.len() == BATCH_MAX {
            continue;
        }
        let Some(mark) = view.mark else { continue };
        let (half, tick) = if name.contract.is_option() {
            (mark.0 / 1_000_000 * OPTION_HALF_PPM, params.option_ticks.base.0)
        } else {
            (mark.0 / 1_000_000 * LINEAR_HALF_PPM, params.linear_ticks.base.0)
        };
        quotes.extend(quote(id, mark, half.max(tick), tick));
    }
    let quotes = Bounded::new(quotes).ok().filter(|quotes| !quotes.is_empty())?;
    Some(Command::MassQuote { group: GROUP, quotes })
}

fn quote(instrument: InstrumentId, mark: Price, half: i64, tick: i64) -> Option<Quote> {
    let side = |price: i64| QuoteSide { price: Price(price), lots: QUOTED_LOTS };
    let bid = (mark.0 - half).div_euclid(tick) * tick;
    let ask = (mark.0 + half + tick - 1).div_euclid(tick) * tick;
    let bid = (bid >= tick).then(|| side(bid));
    Some(Quote { instrument, bid, ask: Some(side(ask)) })
}

/// A market order, now and then.
fn take(exchange: &Exchange, rng: &mut Rng) -> Option<Command> {
    if !rng.one_in(4) {
        return None;
    }
    let all = exchange.instruments();
    let (_, instrument) = *all.get(rng.below_usize(all.len().max(1)))?;
    let side = if rng.one_in(2) { Side::Buy } else { Side::Sell };
    let lots = i64::try_from(1 + rng.below(TAKEN_LOTS_MAX)).ok()?;
    let mark = exchange.instrument_view(instrument)?.mark?;
    let order = NewOrder::limit(instrument, side, Lots(lots), mark);
    let order = NewOrder { price: None, time_in_force: TimeInForce::ImmediateOrCancel, ..order };
    Some(Command::Place(order))
}
