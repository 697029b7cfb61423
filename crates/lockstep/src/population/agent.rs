//! One agent: an account, its habits, its random numbers, and how it sends commands.

use super::market::{Market, Quote};
use super::{Kind, arbitrage, maker, noise, option_maker, option_trader, trader};
use lockstep_sim::rng::Rng;
use lockstep_types::command::{Command, UserCommand};
use lockstep_types::order::{NewOrder, TimeInForce};
use lockstep_types::{AccountId, Event, InstrumentId, Lots, Price, Side, SignerId, UnderlyingId};
use std::collections::BTreeMap;

/// Micro-USD in a thousand USD.
pub const THOUSAND_USD: i64 = 1_000_000_000;

/// The habits of a kind, with what it remembers.
pub enum Role {
    /// Of a maker of perpetuals and futures.
    Maker(maker::Maker),
    /// Of an option maker.
    OptionMaker(option_maker::OptionMaker),
    /// Of a trader with leverage.
    Trader(trader::Trader),
    /// Of an arbitrageur.
    Arbitrageur(arbitrage::Arbitrageur),
    /// Of a buyer or seller of options.
    OptionTrader(option_trader::OptionTrader),
    /// Of noise.
    Noise(noise::Noise),
}

impl Role {
    /// The habits of a new agent.
    pub fn new(kind: Kind, number: u32, underlyings: usize, start_ms: i64, rng: &mut Rng) -> Self {
        // BTC is the larger market: two of three.
        let board = if rng.below(3) < 2 { 0 } else { underlyings.saturating_sub(1) };
        match kind {
            Kind::Maker => Self::Maker(maker::Maker::new(number, underlyings, start_ms)),
            Kind::OptionMaker => {
                let maker = option_maker::OptionMaker::new(number, underlyings, start_ms);
                Self::OptionMaker(maker)
            }
            Kind::Long => Self::Trader(trader::Trader::new(Side::Buy, false, board, start_ms, rng)),
            Kind::Short => {
                Self::Trader(trader::Trader::new(Side::Sell, false, board, start_ms, rng))
            }
            Kind::StopUser => {
                Self::Trader(trader::Trader::new(Side::Buy, true, board, start_ms, rng))
            }
            Kind::Arbitrageur => {
                Self::Arbitrageur(arbitrage::Arbitrageur::new(board, start_ms, rng))
            }
            Kind::OptionSeller | Kind::OptionBuyer => {
                let sells = kind == Kind::OptionSeller;
                Self::OptionTrader(option_trader::OptionTrader::new(sells, board, start_ms, rng))
            }
            Kind::Noise => Self::Noise(noise::Noise::new(board, start_ms, rng)),
        }
    }
}

/// One agent.
pub struct Agent {
    /// Its number, which is that of its account and its key.
    pub number: u32,
    /// What it is.
    pub kind: Kind,
    /// Its first and only deposit, micro-USD.
    pub deposit: i64,
    role: Role,
    rng: Rng,
    nonce: u64,
}

/// Positions of all accounts, as events tell them.
#[derive(Clone, Debug, Default)]
pub struct Desk {
    positions: BTreeMap<(u32, u32), i64>,
    /// Until when a quote group is frozen, milliseconds.
    frozen: BTreeMap<(u32, UnderlyingId, u8), i64>,
}

impl Desk {
    /// The position of an account in an instrument, signed lots.
    pub fn position(&self, account: u32, instrument: InstrumentId) -> i64 {
        self.positions.get(&(account, instrument.0)).copied().unwrap_or(0)
    }

    /// Learns from an event.
    pub fn observe(&mut self, event: &Event) {
        match event {
            Event::Trade(trade) => {
                let signed = trade.taker_side.signed(trade.lots).0;
                self.add(trade.taker, trade.instrument, signed);
                self.add(trade.maker, trade.instrument, -signed);
            }
            Event::ProtectionTripped { account, underlying, group, until } => {
                self.frozen.insert((account.0, *underlying, group.0), until.0);
            }
            Event::Settled { account, instrument, .. } => {
                self.positions.remove(&(account.0, instrument.0));
            }
            _ => {}
        }
    }

    fn add(&mut self, account: AccountId, instrument: InstrumentId, lots: i64) {
        let key = (account.0, instrument.0);
        let position = self.positions.entry(key).or_insert(0);
        *position += lots;
        if *position == 0 {
            self.positions.remove(&key);
        }
    }
}

/// What an agent has at hand when it acts.
pub struct Turn<'a> {
    /// What everybody sees.
    pub market: &'a Market,
    /// Its random numbers.
    pub rng: &'a mut Rng,
    /// Its number.
    pub number: u32,
    /// Its deposit, micro-USD.
    pub deposit: i64,
    desk: &'a Desk,
    nonce: &'a mut u64,
    sent: &'a mut Vec<UserCommand>,
}

impl Turn<'_> {
    /// The agent's position, signed lots.
    pub fn position(&self, quote: &Quote) -> i64 {
        self.desk.position(self.number, quote.id)
    }

    /// Whether the next block would refuse quotes of a group.
    pub fn is_frozen(&self, underlying: UnderlyingId, group: u8) -> bool {
        let until = self.desk.frozen.get(&(self.number, underlying, group));
        until.is_some_and(|until| *until > self.market.now_ms)
    }

    /// Sends a command for the next block.
    pub fn send(&mut self, command: Command) {
        let clock = u64::try_from(self.market.now_ms).unwrap_or(0);
        *self.nonce = clock.max(*self.nonce + 1);
        self.sent.push(UserCommand {
            signer: SignerId(self.number),
            account: AccountId(self.number),
            nonce: *self.nonce,
            valid_until: None,
            command,
        });
    }

    /// Places an order.
    pub fn place(&mut self, order: NewOrder) {
        self.send(Command::Place(order));
    }

    /// Takes what is there up to `ppm` beyond the touch, now; nothing without a touch.
    pub fn take(&mut self, quote: &Quote, side: Side, lots: i64, ppm: i64, reduces: bool) {
        let touch = quote.touch(side);
        if touch == 0 || lots <= 0 {
            return;
        }
        let reach = super::market::share(touch, ppm);
        let limit = match side {
            Side::Buy => quote.floor(touch + reach),
            Side::Sell => quote.floor(touch - reach),
        };
        self.place(NewOrder {
            time_in_force: TimeInForce::ImmediateOrCancel,
            reduce_only: reduces,
            ..NewOrder::limit(quote.id, side, Lots(lots), Price(limit))
        });
    }

    /// Closes a position at market.
    pub fn close(&mut self, quote: &Quote) {
        let position = self.position(quote);
        if position == 0 {
            return;
        }
        let side = if position > 0 { Side::Sell } else { Side::Buy };
        self.place(NewOrder {
            reduce_only: true,
            ..NewOrder::market(quote.id, side, Lots(position.abs()))
        });
    }
}

impl Agent {
    /// An agent with its deposit.
    pub fn new(number: u32, kind: Kind, role: Role, mut rng: Rng) -> Self {
        let thousands = match kind {
            Kind::Maker => 4_000,
            Kind::OptionMaker => 12_000,
            Kind::Arbitrageur => 400,
            Kind::OptionSeller => 20 + small(&mut rng, 60),
            // Few are rich.
            Kind::Long | Kind::Short | Kind::StopUser => {
                2 + small(&mut rng, 20) + 10 * small(&mut rng, 4) * small(&mut rng, 4)
            }
            Kind::OptionBuyer | Kind::Noise => 5 + small(&mut rng, 40),
        };
        Self { number, kind, deposit: thousands * THOUSAND_USD, role, rng, nonce: 0 }
    }

    /// The public key of its owner: only its number, because signatures are checked before the
    /// engine.
    pub fn owner(&self) -> [u8; 32] {
        let mut key = [0; 32];
        key[0] = 1;
        key[4..8].copy_from_slice(&self.number.to_be_bytes());
        key
    }

    /// Sends what it wants to do before the next block.
    pub fn act(&mut self, market: &Market, desk: &Desk, sent: &mut Vec<UserCommand>) {
        let mut turn = Turn {
            market,
            rng: &mut self.rng,
            number: self.number,
            deposit: self.deposit,
            desk,
            nonce: &mut self.nonce,
            sent,
        };
        match &mut self.role {
            Role::Maker(role) => role.act(&mut turn),
            Role::OptionMaker(role) => role.act(&mut turn),
            Role::Trader(role) => role.act(&mut turn),
            Role::Arbitrageur(role) => role.act(&mut turn),
            Role::OptionTrader(role) => role.act(&mut turn),
            Role::Noise(role) => role.act(&mut turn),
        }
    }
}

/// Uniform in `0..bound`.
pub fn small(rng: &mut Rng, bound: u64) -> i64 {
    i64::try_from(rng.below(bound)).unwrap_or(0)
}

/// Lots that `notional` micro-USD buy at `price`, at least one.
pub fn lots_for(notional: i64, price: i64) -> i64 {
    let lots = i128::from(notional) * 1_000 / i128::from(price.max(1));
    i64::try_from(lots).unwrap_or(i64::MAX).max(1)
}
