//! A small venue for tests of prices, funding, listing and expiry.
//!
//! Every block that it executes is executed once more by a stranger who has nothing but the block's
//! witness, and must lead to the same events and the same changes; every third is undone and
//! executed again, and must lead to the same state; every third is cut into its steps, each for a
//! stranger of its own; and after every block the money must add up (C1), longs must equal shorts
//! (C2), and the engine's own invariants must hold.

use lockstep_exchange::state::key::LeafKey;
use lockstep_exchange::state::leaves::{Account, Expiry, Holding, Instrument, Totals};
use lockstep_exchange::{Exchange, Step};
use lockstep_types::codec::{Bounded, Decode};
use lockstep_types::command::{
    Block, CancelScope, Command, ExpiryReport, Report, SystemCommand, UserCommand,
};
use lockstep_types::event::Event;
use lockstep_types::ids::{AccountId, InstrumentId, ReporterId, SignerId, UnderlyingId};
use lockstep_types::instrument::{Ticker, expiry_of_date};
use lockstep_types::order::{NewOrder, Side};
use lockstep_types::params::{
    FeeTier, LatencyParams, LatencySource, MarginRegime, UnderlyingParams, VenueParams,
};
use lockstep_types::reject::{Reject, RejectCode};
use lockstep_types::units::{Lots, Ppm, Price, SpanMs, TimeMs, Usd};
use std::collections::BTreeMap;

pub const BTC: UnderlyingId = UnderlyingId(0);
/// 08:00 UTC on Monday, 2 March 2026.
pub fn monday() -> TimeMs {
    expiry_of_date(2026, 3, 2)
}

/// A price in whole USD.
pub fn usd(price: i64) -> Price {
    Price(price * 1_000_000)
}

/// The latency that requirements assume anyway: these tests leap in time.
pub fn assumed() -> LatencyParams {
    let source = LatencySource::Assumed { now: SpanMs(1_000), slow: SpanMs(1_000) };
    LatencyParams { source, ..LatencyParams::default() }
}

/// A venue without fees and margin: what is tested here is neither.
pub fn venue() -> VenueParams {
    let free = FeeTier { volume_30d: Usd(0), maker: Ppm(0), taker: Ppm(0) };
    VenueParams {
        fee_tiers: Bounded::new(vec![free]).unwrap(),
        margin: MarginRegime::Off,
        latency: assumed(),
        ..VenueParams::default()
    }
}

/// Bitcoin at about 100,000 USD, without price bands.
pub fn btc() -> UnderlyingParams {
    UnderlyingParams {
        price_band: Ppm(0),
        option_price_band: Ppm(0),
        ..UnderlyingParams::genesis(Ticker::new("BTC").unwrap(), 100_000)
    }
}

pub struct Market {
    pub exchange: Exchange,
    pub now: TimeMs,
    height: u64,
    nonce: u64,
    system: Vec<SystemCommand>,
    commands: Vec<UserCommand>,
}

impl Market {
    /// A venue with nothing.
    pub fn empty(venue: VenueParams) -> Self {
        let mut exchange = Exchange::new(venue);
        exchange.record(true);
        let (system, commands) = (Vec::new(), Vec::new());
        Self { exchange, now: monday(), height: 0, nonce: 0, system, commands }
    }

    /// Bitcoin, one reporter of weight 1, and no index yet.
    pub fn new(params: UnderlyingParams) -> Self {
        let mut market = Self::empty(venue());
        market.tell(SystemCommand::AddUnderlying(params));
        market.weigh(1, 1);
        market.block();
        market
    }

    /// Bitcoin with its index at 100,000 USD and these instruments, listed in this order from id 0.
    pub fn listing(params: UnderlyingParams, names: &[&str]) -> Self {
        let mut market = Self::new(params);
        for name in names {
            market.list(name);
        }
        market.report(usd(100_000));
        market.block();
        market
    }

    pub fn at(&mut self, time: TimeMs) -> &mut Self {
        self.now = time;
        self
    }

    pub fn after(&mut self, ms: i64) -> &mut Self {
        self.now.0 += ms;
        self
    }

    pub fn tell(&mut self, command: SystemCommand) -> &mut Self {
        self.system.push(command);
        self
    }

    pub fn weigh(&mut self, reporter: u16, weight: u64) -> &mut Self {
        self.tell(SystemCommand::SetReporterWeight { reporter: ReporterId(reporter), weight })
    }

    pub fn list(&mut self, name: &str) -> &mut Self {
        self.tell(SystemCommand::List(name.parse().unwrap()))
    }

    /// Reporter 1 reports Bitcoin, published now.
    pub fn report(&mut self, price: Price) -> &mut Self {
        self.report_by(1, price, self.now, &[])
    }

    pub fn report_by(
        &mut self,
        reporter: u16,
        price: Price,
        published: TimeMs,
        expiries: &[ExpiryReport],
    ) -> &mut Self {
        let reporter = ReporterId(reporter);
        let expiries = Bounded::new(expiries.to_vec()).unwrap();
        let report = Report { reporter, underlying: BTC, price, published, expiries };
        self.tell(SystemCommand::Report(report))
    }

    /// Opens accounts 0 to `count` - 1 with a million USD each.
    pub fn fund(&mut self, count: u32) -> &mut Self {
        self.fund_range(0, count)
    }

    pub fn fund_range(&mut self, from: u32, to: u32) -> &mut Self {
        for account in from..to {
            let mut owner = [7; 32];
            owner[..4].copy_from_slice(&account.to_le_bytes());
            self.tell(SystemCommand::Deposit { owner, sub: 0, amount: Usd(1_000_000_000_000) });
        }
        self
    }

    pub fn send(&mut self, account: u32, command: Command) -> &mut Self {
        self.nonce += 1;
        self.commands.push(UserCommand {
            signer: SignerId(account),
            account: AccountId(account),
            nonce: self.nonce,
            valid_until: None,
            command,
        });
        self
    }

    pub fn order(
        &mut self,
        account: u32,
        side: Side,
        instrument: u32,
        lots: i64,
        price: Price,
    ) -> &mut Self {
        let order = NewOrder::limit(InstrumentId(instrument), side, Lots(lots), price);
        self.send(account, Command::Place(order))
    }

    pub fn cancel_all(&mut self, account: u32) -> &mut Self {
        self.send(account, Command::CancelAll(CancelScope::Account))
    }

    /// `buyer` buys from `seller`: two orders that meet.
    pub fn trade(
        &mut self,
        buyer: u32,
        seller: u32,
        instrument: u32,
        lots: i64,
        price: Price,
    ) -> &mut Self {
        self.order(seller, Side::Sell, instrument, lots, price);
        self.order(buyer, Side::Buy, instrument, lots, price)
    }

    /// Executes what was told and sent since the last block; gives the events.
    pub fn block(&mut self) -> Vec<Event> {
        self.height += 1;
        let block = Block {
            height: self.height,
            time: self.now,
            system: Bounded::new(std::mem::take(&mut self.system)).unwrap(),
            commands: Bounded::new(std::mem::take(&mut self.commands)).unwrap(),
        };
        if self.height % 3 == 1 {
            self.cut_everywhere(&block);
        }
        let before = if self.height.is_multiple_of(3) { self.exchange.digest() } else { [0; 32] };
        self.exchange.execute(&block).unwrap();
        let events = self.exchange.events().to_vec();
        let journal = self.exchange.checkpoint();
        let mut stranger = Exchange::from_witness(&journal.witness()).unwrap();
        stranger.execute(&block).unwrap();
        assert_eq!(stranger.events(), events);
        let repeated = stranger.checkpoint();
        assert_eq!(stranger.changes(&repeated), self.exchange.changes(&journal));
        if self.height.is_multiple_of(3) {
            let after = self.exchange.digest();
            self.exchange.undo(journal);
            assert_eq!(self.exchange.digest(), before, "an undone block leaves no trace");
            self.exchange.execute(&block).unwrap();
            self.exchange.checkpoint_and_forget();
            assert_eq!(self.exchange.digest(), after);
        }
        assert_eq!(self.exchange.check_invariants(), Ok(()));
        self.audit();
        events
    }

    /// Executes the block on a copy, and each of its steps by a stranger with that step's witness.
    fn cut_everywhere(&self, block: &Block) {
        let mut told = 0;
        let mut after = |exchange: &mut Exchange, step: Step<'_>| {
            let journal = exchange.checkpoint();
            let mut stranger = Exchange::from_witness(&journal.witness()).unwrap();
            stranger.step(step).unwrap();
            assert_eq!(stranger.events(), &exchange.events()[told..], "{step:?}");
            told = exchange.events().len();
            let repeated = stranger.checkpoint();
            assert_eq!(stranger.changes(&repeated), exchange.changes(&journal), "{step:?}");
        };
        self.exchange.clone().execute_by_step(block, &mut after).unwrap();
    }

    /// The block's only rejection of a system command.
    pub fn refusal(&mut self) -> Reject {
        let refused: Vec<Reject> = self
            .block()
            .iter()
            .filter_map(|event| match event {
                Event::SystemRejected { reject, .. } => Some(*reject),
                _ => None,
            })
            .collect();
        assert_eq!(refused.len(), 1, "{refused:?}");
        refused[0]
    }

    pub fn refusal_code(&mut self) -> RejectCode {
        self.refusal().code
    }

    pub fn leaves(&self) -> Vec<(LeafKey, Vec<u8>)> {
        let mut leaves = Vec::new();
        self.exchange.each_leaf(&mut |key, value| leaves.push((key, value)));
        leaves
    }

    pub fn totals(&self) -> Totals {
        let mut found = None;
        self.exchange.each_leaf(&mut |key, value| {
            if matches!(key, LeafKey::Totals(_)) {
                found = Some(Totals::from_bytes(&value).unwrap());
            }
        });
        found.unwrap()
    }

    pub fn cash(&self, account: u32) -> i64 {
        let bytes = self.exchange.leaf(LeafKey::Account(AccountId(account))).unwrap();
        Account::from_bytes(&bytes).unwrap().cash.0
    }

    pub fn mark(&self, instrument: u32) -> Option<Price> {
        self.exchange.mark_seen(InstrumentId(instrument))
    }

    pub fn index(&self) -> Option<Price> {
        self.exchange.underlying_view(BTC).unwrap().index
    }

    /// Checks C1 and C2.
    fn audit(&self) {
        let mut instruments = BTreeMap::new();
        let mut settling = Vec::new();
        let mut positions: BTreeMap<InstrumentId, (i64, i64)> = BTreeMap::new();
        let leaves = self.leaves();
        for (key, value) in &leaves {
            match key {
                LeafKey::Instrument(id) => {
                    instruments.insert(*id, Instrument::from_bytes(value).unwrap());
                }
                LeafKey::Expiry(key) if Expiry::from_bytes(value).unwrap().settlement.is_some() => {
                    settling.push(key.expiry);
                }
                _ => {}
            }
        }
        let totals = self.totals();
        let funds = [totals.insurance, totals.fees, totals.validators, totals.treasury];
        let micro: i128 = funds.iter().map(|fund| i128::from(fund.0)).sum();
        let mut nano = micro * 1_000 + i128::from(totals.dust_nano);
        for (key, value) in &leaves {
            match key {
                LeafKey::Account(_) => {
                    nano += i128::from(Account::from_bytes(value).unwrap().cash.0) * 1_000;
                }
                LeafKey::Holding(key) => {
                    let holding = Holding::from_bytes(value).unwrap();
                    if !instruments[&key.instrument].contract.is_option() {
                        nano -= holding.cost_nano;
                    }
                    nano += self.exchange.pending_funding_nano(key.account, key.instrument);
                    let (longs, shorts) = positions.entry(key.instrument).or_default();
                    *longs += holding.lots.0.max(0);
                    *shorts += (-holding.lots.0).max(0);
                }
                _ => {}
            }
        }
        nano -= self.exchange.settlement_advance_nano();
        assert_eq!(nano, i128::from(totals.deposits.0) * 1_000, "C1");
        for (id, instrument) in instruments {
            let (longs, shorts) = positions.get(&id).copied().unwrap_or_default();
            assert_eq!(longs, instrument.open_interest.0, "C2 of {id}");
            let being_settled =
                instrument.contract.expiry().is_some_and(|expiry| settling.contains(&expiry));
            assert!(longs == shorts || being_settled, "C2 of {id}");
        }
    }
}
