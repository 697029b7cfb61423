//! Traders with little money and much nerve, so that there is something to liquidate.
//!
//! The faucet gives each of them money; each buys or sells the perpetual of the first underlying
//! for many times what it has and holds it until the venue takes it away; then the faucet gives
//! again. Invariant: what they do follows from seed and states. Deliberately absent: learning.

use crate::devnet::files::trader;
use lockstep_client::Author;
use lockstep_exchange::Exchange;
use lockstep_ledger::{Genesis, Ledger};
use lockstep_sim::rng::Rng;
use lockstep_types::chain::{ChainCommand, Stake};
use lockstep_types::command::Command;
use lockstep_types::envelope::{ChainId, SignedCommand, Signer};
use lockstep_types::ids::{AccountId, UnderlyingId};
use lockstep_types::order::{NewOrder, Side, TimeInForce};
use lockstep_types::units::{Lots, SpanMs, TimeMs, Usd};

/// Their keys come after those of so many traders.
const FIRST_KEY: u32 = 1_000_000;
/// What the faucet gives at a time.
const GIFT: Usd = Usd(1_000_000_000);
/// Who has less is given again.
const POOR: Usd = Usd(250_000_000);
/// Between two commands about one of them.
const PAUSE_MS: i64 = 2_000;
/// Notional over money of a bet, the most and the least that is tried.
const NERVE: (i64, i64) = (13, 5);
/// Notional over money with which one of them is content.
const CONTENT: i64 = 7;
/// The underlying on which they bet.
const UNDERLYING: UnderlyingId = UnderlyingId(0);
/// Lots of one unit of an underlying.
const LOTS_PER_UNIT: i64 = 1_000;

struct Gambler {
    key_index: u32,
    key: [u8; 32],
    author: Option<Author>,
    /// When something was done about it last.
    acted: Option<TimeMs>,
    nerve: i64,
}

/// The gamblers of a network.
pub struct Gamblers {
    keys: [u8; 32],
    chain: ChainId,
    faucet: Author,
    all: Vec<Gambler>,
    valid: SpanMs,
    rng: Rng,
}

impl Gamblers {
    /// So many gamblers whose keys follow from `keys`; `None` if `faucet` has no account in the
    /// genesis.
    pub fn new(
        genesis: &Genesis,
        keys: [u8; 32],
        faucet: Signer,
        count: u32,
        seed: u64,
        valid: SpanMs,
    ) -> Option<Self> {
        let ledger = Ledger::genesis(genesis).ok()?;
        let chain = genesis.chain_id();
        let key = faucet.public_key();
        let (id, account) =
            (ledger.exchange().signer_of(key)?, ledger.exchange().account_of(key, 0)?);
        let gambler = |index: u32| {
            let key_index = FIRST_KEY + index;
            let key = trader(keys, key_index).public_key();
            Gambler { key_index, key, author: None, acted: None, nerve: NERVE.0 }
        };
        Some(Self {
            keys,
            chain,
            faucet: Author::new(faucet, chain, id, account),
            all: (0..count).map(gambler).collect(),
            valid,
            rng: Rng::new(seed),
        })
    }

    /// One turn.
    pub fn commands(&mut self, ledger: &Ledger, time: TimeMs) -> Vec<SignedCommand> {
        let mut commands = Vec::new();
        for gambler in &mut self.all {
            if gambler.acted.is_some_and(|acted| time.0 - acted.0 < PAUSE_MS) {
                continue;
            }
            let exchange = ledger.exchange();
            let account = exchange.account_of(gambler.key, 0);
            let view = account.and_then(|id| exchange.account_view(id));
            let (cash, lots) = view.map_or((Usd(0), 0), |view| {
                (view.cash, view.positions.iter().map(|held| held.lots.0).sum())
            });
            gambler.acted = Some(time);
            let Some(account) = account.filter(|_| cash >= POOR || lots != 0) else {
                let gift = ChainCommand::Faucet {
                    owner: gambler.key,
                    sub: 0,
                    amount: GIFT,
                    stake: Stake::ZERO,
                };
                let command = Command::Chain(Box::new(gift));
                commands.push(self.faucet.sign(command, time, self.valid));
                continue;
            };
            let Some(bet) = bet(exchange, cash, lots, gambler.nerve, &mut self.rng) else {
                // It waits for its luck.
                gambler.nerve = NERVE.0;
                continue;
            };
            // What was refused is tried with less.
            gambler.nerve = if gambler.nerve > NERVE.1 { gambler.nerve - 1 } else { NERVE.0 };
            let Some(author) = author(gambler, exchange, self.keys, self.chain, account) else {
                continue;
            };
            commands.push(author.sign(bet, time, self.valid));
        }
        commands
    }
}

fn author<'a>(
    gambler: &'a mut Gambler,
    exchange: &Exchange,
    keys: [u8; 32],
    chain: ChainId,
    account: AccountId,
) -> Option<&'a mut Author> {
    if gambler.author.is_none() {
        let id = exchange.signer_of(gambler.key)?;
        gambler.author = Some(Author::new(trader(keys, gambler.key_index), chain, id, account));
    }
    gambler.author.as_mut()
}

/// What is missing to a bet of all the money on one side, at any price.
fn bet(exchange: &Exchange, cash: Usd, held: i64, nerve: i64, rng: &mut Rng) -> Option<Command> {
    let instrument = exchange.underlying_view(UNDERLYING)?.perpetual?;
    let mark = exchange.instrument_view(instrument)?.mark?;
    let lot_price = (mark.0 / LOTS_PER_UNIT).max(1);
    let wanted = |nerve: i64| cash.0.max(0).checked_mul(nerve).map(|notional| notional / lot_price);
    if held.abs() >= wanted(CONTENT)?.max(1) {
        return None;
    }
    let is_long = if held == 0 { rng.one_in(2) } else { held > 0 };
    let side = if is_long { Side::Buy } else { Side::Sell };
    let lots = Lots((wanted(nerve)? - held.abs()).max(1));
    let order = NewOrder::limit(instrument, side, lots, mark);
    let order = NewOrder { price: None, time_in_force: TimeInForce::ImmediateOrCancel, ..order };
    Some(Command::Place(order))
}
