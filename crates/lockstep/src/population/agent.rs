//! One agent: an account, its habits, its random numbers, and how it sends commands.

use super::desk::{Auction, Desk};
use super::market::{Board, Market, Quote};
use super::opening::Wish;
use super::{
    Kind, Shape, arbitrage, backstop_bidder, gamma_seller, hedger, maker, noise, option_buyer,
    option_maker, trader, whale,
};
use lockstep_sim::rng::Rng;
use lockstep_types::command::{Command, UserCommand};
use lockstep_types::event::Accepted;
use lockstep_types::instrument::InstrumentName;
use lockstep_types::order::{NewOrder, TimeInForce};
use lockstep_types::{AccountId, InstrumentId, Lots, Price, Side, SignerId, UnderlyingId};
use std::collections::BTreeMap;

/// Micro-USD in a thousand USD.
pub const THOUSAND_USD: i64 = 1_000_000_000;
/// Everybody has acted once by so many milliseconds after the start.
const FIRST_MS_MAX: u64 = 10_000;

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
    /// Of a seller of gamma.
    GammaSeller(gamma_seller::GammaSeller),
    /// Of a hedged book.
    Hedger(hedger::Hedger),
    /// Of an option buyer.
    OptionBuyer(option_buyer::OptionBuyer),
    /// Of a backstop bidder.
    BackstopBidder(backstop_bidder::BackstopBidder),
    /// Of noise.
    Noise(noise::Noise),
    /// Of the whale.
    Whale(whale::Whale),
}

impl Role {
    /// The habits of a new agent.
    pub fn new(kind: Kind, number: u32, underlyings: usize, shape: &Shape, rng: &mut Rng) -> Self {
        // BTC is the larger market: two of three.
        let board = if rng.below(3) < 2 { 0 } else { underlyings.saturating_sub(1) };
        match kind {
            Kind::Maker => Self::Maker(maker::Maker::new(number, underlyings)),
            Kind::OptionMaker => {
                Self::OptionMaker(option_maker::OptionMaker::new(number, underlyings))
            }
            Kind::Long => Self::Trader(trader::Trader::new(Side::Buy, false, board, rng)),
            Kind::Short => Self::Trader(trader::Trader::new(Side::Sell, false, board, rng)),
            Kind::StopUser => Self::Trader(trader::Trader::new(Side::Buy, true, board, rng)),
            Kind::Arbitrageur => Self::Arbitrageur(arbitrage::Arbitrageur::new(board, rng)),
            Kind::GammaSeller => Self::GammaSeller(gamma_seller::GammaSeller::new(board, rng)),
            Kind::Hedger => Self::Hedger(hedger::Hedger::new(board, rng)),
            Kind::OptionBuyer => Self::OptionBuyer(option_buyer::OptionBuyer::new(board, rng)),
            Kind::BackstopBidder => Self::BackstopBidder(backstop_bidder::BackstopBidder::new(rng)),
            Kind::Noise => Self::Noise(noise::Noise::new(board, shape.noise_pace, rng)),
            Kind::Whale => Self::Whale(whale::Whale),
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
    /// Options that it must hold when the market opens, signed lots.
    pub holds: Vec<(InstrumentName, i64)>,
    /// When it first acts after the start, milliseconds.
    pub first_ms: i64,
    role: Role,
    rng: Rng,
    nonce: u64,
}

/// What an agent has at hand when it acts.
pub struct Turn<'a> {
    /// What everybody sees.
    pub market: &'a Market,
    /// When it was due, milliseconds: at most the time of the block that is being made.
    pub due_ms: i64,
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

    /// The agent's positions, signed lots.
    pub fn positions(&self) -> &[(InstrumentId, i64)] {
        self.desk.positions(self.number)
    }

    /// Accounts in the backstop auction.
    pub fn auctions(&self) -> &BTreeMap<AccountId, Auction> {
        self.desk.auctions()
    }

    /// How often a bid of the agent was refused for its share, and what the latest could have been.
    pub fn share_told(&self) -> (u32, i64) {
        self.desk.share_told(self.number)
    }

    /// Delta of everything that the agent has on an underlying, signed lots of it.
    pub fn delta(&self, board: &Board) -> i64 {
        let held = self.desk.positions(self.number).iter();
        let deltas = held.filter_map(|(instrument, lots)| {
            let quote = self.market.quotes.get(self.market.place_of(*instrument)?)?;
            (quote.underlying == board.id).then(|| quote.delta_of(*lots, self.market.now_ms))
        });
        deltas.sum()
    }

    /// The agent's latest resting orders; some may have ended.
    pub fn orders(&self) -> &[Accepted] {
        self.desk.orders(self.number)
    }

    /// Whether the next block would refuse quotes of a group.
    pub fn is_frozen(&self, underlying: UnderlyingId, group: u8) -> bool {
        self.desk.frozen_until(self.number, underlying, group) > self.market.now_ms
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

    /// Buys or sells the perpetual against the delta of all that the agent has there, if that is
    /// more than `lots_min`.
    pub fn hedge(&mut self, board: &Board, lots_min: i64, ppm: i64) {
        let Some(quote) = self.market.quotes.get(board.perpetual).copied() else { return };
        let delta = self.delta(board);
        if delta.abs() <= lots_min {
            return;
        }
        let side = if delta > 0 { Side::Sell } else { Side::Buy };
        self.take(&quote, side, delta.abs(), ppm, false);
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
    /// An agent with its deposit, among so many accounts.
    pub fn new(number: u32, kind: Kind, role: Role, accounts: u32, mut rng: Rng) -> Self {
        let thousands = match kind {
            Kind::Maker => 6_000,
            Kind::OptionMaker => 16_000,
            Kind::BackstopBidder => 1_000,
            Kind::Arbitrageur => 400,
            Kind::GammaSeller => 20 + small(&mut rng, 80),
            Kind::Hedger => 50 + small(&mut rng, 200),
            // Few are rich.
            Kind::Long | Kind::Short | Kind::StopUser => {
                2 + small(&mut rng, 20) + 10 * small(&mut rng, 4) * small(&mut rng, 4)
            }
            Kind::OptionBuyer | Kind::Noise => 5 + small(&mut rng, 40),
            // As large among few as among many.
            Kind::Whale => i64::from(accounts) * whale::THOUSAND_USD_PER_ACCOUNT,
        };
        let first_ms = small(&mut rng, FIRST_MS_MAX);
        let deposit = thousands * THOUSAND_USD;
        Self { number, kind, deposit, holds: Vec::new(), first_ms, role, rng, nonce: 0 }
    }

    /// The public key of its owner: only its number, because signatures are checked before the
    /// engine.
    pub fn owner(&self) -> [u8; 32] {
        let mut key = [0; 32];
        key[0] = 1;
        key[4..8].copy_from_slice(&self.number.to_be_bytes());
        key
    }

    /// The places of what it quotes.
    pub fn quotes(&self, market: &Market) -> Vec<usize> {
        match &self.role {
            Role::Maker(role) => role.places(market),
            Role::OptionMaker(role) => role.places(market),
            _ => Vec::new(),
        }
    }

    /// What it would like to hold when the market opens; `must_hold`: of options what it must.
    pub fn wish(&mut self, market: &Market, must_hold: bool) -> Wish {
        let (rng, deposit) = (&mut self.rng, self.deposit);
        let held = self.holds.iter();
        let held: Wish =
            held.filter_map(|(name, lots)| Some((market.place_named(name)?, *lots))).collect();
        match &mut self.role {
            Role::Trader(role) => role.wish(market, deposit),
            Role::Whale(role) => role.wish(market, deposit),
            Role::GammaSeller(role) if must_hold => role.hold(market, held),
            Role::GammaSeller(role) => role.wish(market, deposit, rng),
            Role::Hedger(role) if must_hold => role.hold(market, held),
            Role::Hedger(role) => role.wish(market, deposit, rng),
            Role::OptionBuyer(role) if must_hold => role.hold(market, held),
            Role::OptionBuyer(role) => role.wish(market, deposit, rng),
            Role::Maker(_)
            | Role::OptionMaker(_)
            | Role::Arbitrageur(_)
            | Role::BackstopBidder(_)
            | Role::Noise(_) => held,
        }
    }

    /// Gives it a turn to send commands.
    pub fn turn(
        &mut self,
        market: &Market,
        desk: &Desk,
        due_ms: i64,
        sent: &mut Vec<UserCommand>,
        act: impl FnOnce(&mut Turn<'_>),
    ) {
        act(&mut self.begin(market, desk, due_ms, sent).0);
    }

    /// A turn, and whose habits it is for.
    fn begin<'a>(
        &'a mut self,
        market: &'a Market,
        desk: &'a Desk,
        due_ms: i64,
        sent: &'a mut Vec<UserCommand>,
    ) -> (Turn<'a>, &'a mut Role) {
        let turn = Turn {
            market,
            due_ms,
            rng: &mut self.rng,
            number: self.number,
            deposit: self.deposit,
            desk,
            nonce: &mut self.nonce,
            sent,
        };
        (turn, &mut self.role)
    }

    /// Sends what it wants to do before the next block; says when it is due again, if ever.
    pub fn act(
        &mut self,
        market: &Market,
        desk: &Desk,
        due_ms: i64,
        sent: &mut Vec<UserCommand>,
    ) -> Option<i64> {
        let (mut turn, role) = self.begin(market, desk, due_ms, sent);
        match role {
            Role::Maker(role) => Some(role.act(&mut turn)),
            Role::OptionMaker(role) => Some(role.act(&mut turn)),
            Role::Trader(role) => role.act(&mut turn),
            Role::Arbitrageur(role) => Some(role.act(&mut turn)),
            Role::GammaSeller(role) => role.act(&mut turn),
            Role::Hedger(role) => Some(role.act(&mut turn)),
            Role::OptionBuyer(role) => role.act(&mut turn),
            Role::BackstopBidder(role) => Some(role.act(&mut turn)),
            Role::Noise(role) => Some(role.act(&mut turn)),
            Role::Whale(_) => None,
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

/// `tenths` tenths of an amount.
pub fn tenths_of(amount: i64, tenths: i64) -> i64 {
    i64::try_from(i128::from(amount) * i128::from(tenths) / 10).unwrap_or(i64::MAX)
}
