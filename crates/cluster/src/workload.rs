//! What prices do, what validators report of them, and who trades.
//!
//! Prices are a function of a seed and the time: they wander, and once they fall so far that
//! whoever has much leverage is liquidated. Invariants: commands go to running validators only, and
//! what becomes of them is noted. Deliberately absent: strategy.

use crate::auditor::{UNDERLYING, extremes};
use crate::validators::Validators;
use crate::world::{
    self, GAMBLERS, MAKERS, PRICE_USD, START, TRADERS, trader_signer, validator_signer,
};
use commonware_runtime::{Spawner as _, Supervisor as _};
use lockstep_exchange::Exchange;
use lockstep_ledger::block::PriceWord;
use lockstep_ledger::{Ledger, Report, SignedReport, SystemItem};
use lockstep_node::signatures::CommandId;
use lockstep_sim::rng::Rng;
use lockstep_types::codec::Bounded;
use lockstep_types::command::{
    CancelScope, Command, ProtectionLimits, Quote, QuoteSide, UserCommand,
};
use lockstep_types::envelope::{ChainId, SignedCommand, Signer};
use lockstep_types::ids::{AccountId, GroupId, InstrumentId, SignerId};
use lockstep_types::order::{NewOrder, Side, TimeInForce};
use lockstep_types::units::{Lots, Price, SpanMs, TimeMs, Usd};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// Between turns of traders, ms.
pub const TRADE_EVERY_MS: i64 = 250;
/// Between reports of each validator, ms.
pub const REPORT_EVERY_MS: i64 = 500;
/// How far prices fall, ppm.
const FALL_PPM: i64 = 120_000;
/// How long they take to.
const FALL_MS: i64 = 4_000;
/// Prices change so often, ms.
const STEP_MS: i64 = 100;
/// How far they wander, ppm.
const NOISE_PPM: i64 = 300;
/// The price's tick.
const TICK: i64 = 1_000_000;
/// What a gambler wants to have: ten times its collateral.
const GAMBLE: i64 = 2_000;
/// What a maker shows on each side: so little that a gambler is liquidated over several blocks.
const QUOTED: Lots = Lots(300);
/// The makers' protection group.
const GROUP: GroupId = GroupId(1);
/// Protection that never trips.
const LIMITS: ProtectionLimits = ProtectionLimits {
    interval: SpanMs(1_000),
    frozen_time: SpanMs(1_000),
    lots_max: Lots(0),
    delta_max: Lots(0),
    vega_max: Usd(0),
    trades_max: 0,
};

/// What prices do in a run.
#[derive(Clone, Copy, Debug)]
pub struct Market {
    seed: u64,
    falls: TimeMs,
}

impl Market {
    /// The market of a seed, which falls so long after the start.
    #[must_use]
    pub fn new(seed: u64, falls_ms: i64) -> Self {
        Self { seed, falls: TimeMs(START.0 + falls_ms) }
    }

    /// The price at a moment.
    #[must_use]
    pub fn price(self, time: TimeMs) -> Price {
        let step = time.0.div_euclid(STEP_MS);
        let bytes = [self.seed.to_le_bytes(), step.to_le_bytes()].concat();
        let noise = i64::from(blake3::hash(&bytes).as_bytes()[0]) - 128;
        let fallen = (step * STEP_MS - self.falls.0).clamp(0, FALL_MS) * FALL_PPM / FALL_MS;
        Price(PRICE_USD * (1_000_000 - fallen + noise * NOISE_PPM / 128))
    }

    /// The least and the highest price over a span before a moment.
    #[must_use]
    pub fn range(self, time: TimeMs, span: SpanMs) -> (Price, Price) {
        extremes(|time| self.price(time), time, span)
    }
}

/// How a validator reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Candour {
    /// What it sees.
    #[default]
    Honest,
    /// What it saw a while ago.
    Late,
    /// A price that is three times the real one.
    High,
    /// Half the real one.
    Low,
    /// Nothing.
    Silent,
}

impl Candour {
    /// All that are not honest.
    pub const LIES: [Self; 4] = [Self::Late, Self::High, Self::Low, Self::Silent];
}

/// Commands that validators acknowledged: what, when, and which.
pub type Acknowledged = Arc<Mutex<BTreeMap<CommandId, (usize, TimeMs)>>>;

struct Trader {
    signer: Signer,
    id: SignerId,
    account: AccountId,
    nonce: u64,
}

/// Everybody who tells validators something.
pub struct Workload {
    chain: ChainId,
    market: Market,
    traders: Vec<Trader>,
    /// What each validator has committed to reveal.
    reveals: Vec<[u8; 32]>,
    candour: Vec<Candour>,
    rng: Rng,
    instrument: InstrumentId,
    acknowledged: Acknowledged,
}

impl Workload {
    /// The traders and reporters of a chain.
    #[must_use]
    pub fn new(seed: u64, market: Market, ledger: &Ledger, validators: usize) -> Self {
        let exchange = ledger.exchange();
        let trader = |index: usize| {
            let signer = trader_signer(index);
            let key = signer.public_key();
            let id = exchange.signer_of(key).unwrap_or_default();
            let account = exchange.account_of(key, 0).unwrap_or_default();
            Trader { signer, id, account, nonce: 0 }
        };
        let listed = exchange.instruments();
        Self {
            chain: ledger.chain_id(),
            market,
            traders: (0..TRADERS).map(trader).collect(),
            reveals: vec![[0; 32]; validators],
            candour: vec![Candour::Honest; validators],
            rng: Rng::new(seed ^ 0x776f_726b),
            instrument: listed.first().map(|(_, id)| *id).unwrap_or_default(),
            acknowledged: Acknowledged::default(),
        }
    }

    /// Changes how a validator reports.
    pub fn set_candour(&mut self, index: usize, candour: Candour) {
        self.candour[index] = candour;
    }

    /// What was acknowledged so far.
    #[must_use]
    pub fn acknowledged(&self) -> BTreeMap<CommandId, (usize, TimeMs)> {
        self.acknowledged.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Every running validator reports, with what its own clock shows.
    pub fn report(&mut self, validators: &Validators, time: TimeMs) {
        for index in 0..validators.count() {
            let Some(mut door) = validators.door(index) else { continue };
            let (price, published) = match self.candour[index] {
                Candour::Honest => (self.market.price(time), time),
                Candour::Late => {
                    let then = TimeMs(time.0 - 700);
                    (self.market.price(then), then)
                }
                Candour::High => (Price(self.market.price(time).0 * 3), time),
                Candour::Low => (Price(self.market.price(time).0 / 2), time),
                Candour::Silent => continue,
            };
            let skew = validators.skew(index);
            let (shown, published) = (skew.shown_ms(time), skew.shown_ms(published));
            let expiries = Bounded::default();
            let word = PriceWord { underlying: UNDERLYING, price, published, expiries };
            let signer = validator_signer(index);
            let next = *blake3::keyed_hash(&[1; 32], &time.0.to_le_bytes()).as_bytes();
            let report = Report {
                validator: signer.public_key(),
                time: shown,
                prices: Bounded::new(vec![word]).unwrap_or_default(),
                finality: Bounded::default(),
                reveal: self.reveals[index],
                commit: *blake3::hash(&next).as_bytes(),
            };
            self.reveals[index] = next;
            let item = SystemItem::Report(SignedReport::new(&signer, self.chain, report));
            validators.context().child("report").spawn(move |_| async move {
                // A validator that was stopped hears nothing.
                let _ = door.say(item).await;
            });
        }
    }

    /// Some traders act; each tells one running validator.
    pub fn trade(&mut self, validators: &Validators, ledger: &Ledger, time: TimeMs) {
        let doors: Vec<usize> =
            (0..validators.count()).filter(|index| validators.door(*index).is_some()).collect();
        for place in 0..self.traders.len() {
            let Some(command) = self.decide(place, ledger.exchange()) else { continue };
            let signed = self.traders[place].sign(self.chain, command, time);
            let Some(index) = doors.get(self.rng.below_usize(doors.len())) else { return };
            let Some(mut door) = validators.door(*index) else { continue };
            let (index, acknowledged) = (*index, Arc::clone(&self.acknowledged));
            validators.context().child("trader").spawn(move |_| async move {
                let answers = door.submit(vec![signed]).await.unwrap_or_default();
                let mut noted = acknowledged.lock().unwrap_or_else(PoisonError::into_inner);
                noted.extend(answers.into_iter().flatten().map(|id| (id, (index, time))));
            });
        }
    }

    fn decide(&mut self, place: usize, exchange: &Exchange) -> Option<Command> {
        let mark = exchange.mark_seen(self.instrument)?;
        let account = self.traders[place].account;
        if place < MAKERS {
            let group = GROUP;
            let is_set = exchange.protection_view(account, UNDERLYING, group).is_some();
            let set = Command::SetProtection { underlying: UNDERLYING, group, limits: LIMITS };
            return Some(if is_set { quotes(self.instrument, mark) } else { set });
        }
        let order = |side, lots, price| NewOrder::limit(self.instrument, side, lots, price);
        if place < MAKERS + GAMBLERS {
            let view = exchange.account_view(account)?;
            let has: i64 = view.positions.iter().map(|position| position.lots.0).sum();
            if has >= GAMBLE || view.liquidating || !self.rng.one_in(2) {
                return None;
            }
            let order = order(Side::Buy, Lots(GAMBLE - has), mark);
            let now = TimeInForce::ImmediateOrCancel;
            return Some(Command::Place(NewOrder { price: None, time_in_force: now, ..order }));
        }
        let side = if self.rng.one_in(2) { Side::Buy } else { Side::Sell };
        let lots = Lots(i64::try_from(1 + self.rng.below(40)).unwrap_or(1));
        let ticks = i64::try_from(self.rng.below(200)).unwrap_or(0) - 100;
        match self.rng.below(12) {
            0 => Some(Command::CancelAll(CancelScope::Account)),
            1 => Some(Command::Withdraw { amount: Usd(1_000_000 * lots.0) }),
            2..6 => Some(Command::Place(order(side, lots, rounded(mark.0 + ticks * TICK)))),
            6 => {
                let order = order(side, lots, mark);
                let now = TimeInForce::ImmediateOrCancel;
                Some(Command::Place(NewOrder { price: None, time_in_force: now, ..order }))
            }
            _ => None,
        }
    }
}

fn rounded(price: i64) -> Price {
    Price(price.div_euclid(TICK) * TICK)
}

/// Both sides around the mark, deep enough for everybody.
fn quotes(instrument: InstrumentId, mark: Price) -> Command {
    let half = mark.0 / 2_000;
    let side = |price: i64| Some(QuoteSide { price: rounded(price), lots: QUOTED });
    let quote = Quote { instrument, bid: side(mark.0 - half), ask: side(mark.0 + half + TICK) };
    let quotes = Bounded::new(vec![quote]).unwrap_or_default();
    Command::MassQuote { group: GROUP, quotes }
}

impl Trader {
    fn sign(&mut self, chain: ChainId, command: Command, time: TimeMs) -> SignedCommand {
        // By convention the clock, and one more if that was used.
        self.nonce = time.0.unsigned_abs().max(self.nonce + 1);
        let command = UserCommand {
            signer: self.id,
            account: self.account,
            nonce: self.nonce,
            valid_until: None,
            command,
        };
        self.signer.sign(chain, command)
    }
}

/// The genesis state of a chain with so many validators.
///
/// # Panics
/// Never: the genesis is ours.
#[must_use]
pub fn genesis_ledger(validators: usize) -> Ledger {
    match Ledger::genesis(&world::genesis(validators)) {
        Ok(ledger) => ledger,
        Err(error) => unreachable!("our genesis is one: {error}"),
    }
}
