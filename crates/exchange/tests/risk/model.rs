//! The engine's waterfall against a model of its accounting that was written apart from it
//! (`lockstep_sim::clear_waterfall`): random accounts, books, prices and bidders; after every block
//! each account has the same cash and positions in both, and each fund the same money (R3, C1).

use super::*;
use common::trades;
use lockstep_exchange::Exchange;
use lockstep_sim::clear_waterfall::{
    ClearWaterfall, Contract, Event as Said, Fill, Purse, Rules, SliceLots,
};
use lockstep_types::command::{Command, MarginMode, UserCommand};
use lockstep_types::event::{Trade, TradeKind};
use lockstep_types::order::{NewOrder, TimeInForce};
use lockstep_types::params::BackstopParams;
use lockstep_types::units::SpanMs;
use std::collections::{BTreeMap, BTreeSet};

const ETH: UnderlyingId = UnderlyingId(1);
const BLOCKS: u32 = 40;
const POOR: u8 = 8;

/// A small generator: the seed decides everything.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, below: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 32) % below.max(1)
    }

    fn between(&mut self, least: i64, most: i64) -> i64 {
        least + i64::try_from(self.roll(u64::try_from(most - least + 1).unwrap())).unwrap()
    }
}

/// What happened over all runs.
#[derive(Debug, Default)]
struct Seen {
    liquidations: u32,
    orders: u32,
    slices: u32,
    paid_bidders: u32,
    covers: u32,
    deleveraged: u32,
}

struct Pair {
    venue: Venue,
    model: ClearWaterfall,
    instruments: Vec<InstrumentId>,
    accounts: Vec<AccountId>,
    maker: AccountId,
    bidder: AccountId,
    /// What each underlying required of an account when its liquidation began.
    weights: BTreeMap<AccountId, BTreeMap<u8, u64>>,
}

fn enforced() -> VenueParams {
    let backstop = BackstopParams {
        blocks: 1,
        fast: SpanMs(3_000),
        slow: SpanMs(5_000),
        insolvent: SpanMs(4_000),
        ..BackstopParams::default()
    };
    VenueParams { backstop, ..free(MarginRegime::Enforced) }
}

impl Pair {
    fn new(dice: &mut Dice) -> Self {
        let (mut venue, perpetual) = bitcoin_venue(free(MarginRegime::Off));
        let ticker = Ticker::new("ETH").unwrap();
        let ether = UnderlyingParams { ticker, ..bitcoin() };
        venue.add_underlying_with(ether, price(4_000));
        let names = [
            "ETH_USDC-PERPETUAL",
            "BTC_USDC-27MAR26",
            "BTC_USDC-27MAR26-100000-C",
            "BTC_USDC-27MAR26-95000-P",
        ];
        let mut instruments = vec![perpetual];
        instruments.extend(names.map(|name| venue.list(name)));
        // No book pulls an option's mark, so that it is the same all through a block.
        let params = UnderlyingParams { option_mark_band: Ppm(0), ..bitcoin() };
        venue.must(SystemCommand::SetUnderlyingParams { underlying: BTC, params });
        let contracts = instruments.iter().map(|id| {
            let underlying = if id.0 == 1 { ETH.0 } else { BTC.0 };
            (id.0, Contract { underlying, is_option: id.0 >= 3 })
        });
        let model = ClearWaterfall::new(Rules {
            contracts: contracts.collect(),
            liquidation_fee_ppm: 5_000,
            option_fee_cap_ppm: 125_000,
            slice_lots: SliceLots::AwayFromZero,
        });
        let (maker, bidder) = (AccountId(0), AccountId(1));
        let weights = BTreeMap::new();
        let accounts = Vec::new();
        let mut pair = Self { venue, model, instruments, accounts, maker, bidder, weights };
        pair.maker = pair.deposit(100, 1_000_000_000);
        pair.bidder = pair.deposit(101, 1_000_000);
        for owner in 0..POOR {
            let amount = dice.between(500, 20_000);
            let account = pair.deposit(owner + 1, amount);
            pair.accounts.push(account);
        }
        pair
    }

    fn deposit(&mut self, owner: u8, dollars: i64) -> AccountId {
        let account = self.venue.deposit(owner, usd(dollars));
        self.flow(Purse::Account(account.0), usd(dollars));
        account
    }

    fn flow(&mut self, purse: Purse, amount: Usd) {
        self.model.apply(&Said::Flow { purse, amount: amount.0 }).unwrap();
    }

    fn fund(&mut self, underlying: Option<UnderlyingId>, dollars: i64) {
        let amount = usd(dollars);
        let events = self.venue.must(SystemCommand::FundInsurance { underlying, amount });
        self.flow(underlying.map_or(Purse::Shared, |id| Purse::Fund(id.0)), amount);
        self.follow(&events, &mut Seen::default());
    }

    /// Positions at prices near the index, before anything is margined.
    fn trade_at_random(&mut self, dice: &mut Dice) {
        for _ in 0..30 {
            let at = usize::try_from(dice.roll(self.accounts.len() as u64)).unwrap();
            let account = self.accounts[at];
            let at = usize::try_from(dice.roll(self.instruments.len() as u64)).unwrap();
            let instrument = self.instruments[at];
            let mark = self.venue.exchange.mark_seen(instrument).unwrap().0;
            let near = mark / 100_000 * 100_000 + 100_000 * dice.between(0, 20);
            let lots = dice.between(1, if instrument.0 == 1 { 9_000 } else { 400 });
            let (buyer, seller) = match dice.roll(2) {
                0 => (account, self.maker),
                _ => (self.maker, account),
            };
            let sell = NewOrder::limit(instrument, Side::Sell, Lots(lots), Price(near));
            let events = self.venue.send(seller, Command::Place(sell));
            self.follow(&events, &mut Seen::default());
            let buy = NewOrder::limit(instrument, Side::Buy, Lots(lots), Price(near));
            let events = self.venue.send(buyer, Command::Place(buy));
            self.follow(&events, &mut Seen::default());
        }
    }

    /// A block in which prices move, the maker quotes and somebody bids for slices.
    fn block(&mut self, dice: &mut Dice, seen: &mut Seen) {
        for underlying in [BTC, ETH] {
            let quoted = self.venue.quoted.get_mut(&underlying).unwrap();
            let most = if dice.roll(6) == 0 { 60_000 } else { 6_000 };
            let moved = dice.between(-most, most);
            quoted.price =
                Price((quoted.price.0 + quoted.price.0 / 1_000_000 * moved).max(1_000_000));
        }
        let mut commands: Vec<UserCommand> = Vec::new();
        let maker = self.maker;
        commands.push(
            self.venue
                .command(maker, Command::CancelAll(lockstep_types::command::CancelScope::Account)),
        );
        for at in 0..self.instruments.len() {
            let instrument = self.instruments[at];
            let mark = self.venue.exchange.mark_seen(instrument).unwrap().0;
            for side in [Side::Buy, Side::Sell] {
                if dice.roll(3) > 0 {
                    continue;
                }
                let away = mark * dice.between(0, 40) / 1_000;
                let limit = if side == Side::Buy { mark - away } else { mark + away };
                let limit = Price((limit / 100_000 * 100_000).max(100_000));
                let lots = Lots(dice.between(1, 300));
                let order = NewOrder::limit(instrument, side, lots, limit);
                commands.push(self.venue.command(maker, Command::Place(order)));
            }
        }
        for _ in 0..dice.roll(4) {
            let at = usize::try_from(dice.roll(self.accounts.len() as u64)).unwrap();
            let share = [1_000_000, 300_000, 50_000, 7][usize::try_from(dice.roll(4)).unwrap()];
            let bid =
                Command::Bid { account: self.accounts[at], share: Ppm(share), price_max: Usd::MAX };
            commands.push(self.venue.command(self.bidder, bid));
        }
        if dice.roll(2) == 0 {
            // Somebody takes what the maker quotes.
            let at = usize::try_from(dice.roll(self.accounts.len() as u64)).unwrap();
            let time_in_force = TimeInForce::ImmediateOrCancel;
            let order = NewOrder::limit(self.instruments[0], Side::Buy, Lots(50), price(1_000_000));
            let order = NewOrder { time_in_force, ..order };
            commands.push(self.venue.command(self.accounts[at], Command::Place(order)));
        }
        self.learn_weights();
        let events = self.venue.block(Vec::new(), commands);
        self.follow(&events, seen);
    }

    /// What each underlying requires of each account at the prices of the coming block: asked of a
    /// copy that liquidates nobody.
    fn learn_weights(&mut self) {
        let mut copy = Venue::default();
        copy.exchange = self.venue.exchange.clone();
        copy.height = self.venue.height;
        copy.time = self.venue.time;
        copy.quoted = self.venue.quoted.clone();
        let off = VenueParams { margin: MarginRegime::Off, ..enforced() };
        copy.block(vec![SystemCommand::SetVenueParams(Box::new(off))], Vec::new());
        for account in self.accounts.clone() {
            if is_liquidating(&self.venue.exchange, account) {
                continue;
            }
            let view = copy.exchange.account_view(account).unwrap();
            let parts = view.margin.map(|margin| margin.underlyings).unwrap_or_default();
            let weights = parts
                .iter()
                .map(|part| (part.underlying.0, u64::try_from(part.maintenance.0).unwrap()));
            self.weights.insert(account, weights.collect());
        }
    }

    /// Tells the model what the engine says happened, compares what follows from it, and then
    /// everything that anybody has.
    fn follow(&mut self, events: &[Event], seen: &mut Seen) {
        for id in self.instruments.clone() {
            let price = self.venue.exchange.mark_seen(id).map_or(0, |mark| mark.0);
            self.model.apply(&Said::Mark { instrument: id.0, price }).unwrap();
        }
        for id in [BTC, ETH] {
            let index = self.venue.exchange.underlying_view(id).and_then(|view| view.index);
            let price = index.map_or(0, |index| index.0);
            self.model.apply(&Said::Index { underlying: id.0, price }).unwrap();
        }
        // Whom a fill of this block has changed before its liquidation began: then nobody can tell
        // from outside what its underlyings required.
        let mut touched: BTreeSet<AccountId> = BTreeSet::new();
        let mut rest = events;
        while let Some((event, after)) = rest.split_first() {
            rest = after;
            match event {
                Event::LiquidationStarted { account, equity, maintenance } => {
                    assert!(equity < maintenance, "nobody above maintenance is liquidated");
                    seen.liquidations += 1;
                    if touched.contains(account) {
                        self.weights.remove(account);
                    }
                }
                Event::Trade(trade) => {
                    touched.extend([trade.taker, trade.maker]);
                    self.tell_trade(trade, seen);
                }
                Event::BackstopTaken { account, bidder, share, price, cash } => {
                    let paid = payments(&mut rest);
                    let count = rest.iter().take_while(|event| is_backstop(event)).count();
                    let (moved, after) = rest.split_at(count);
                    rest = after;
                    self.tell_slice(*account, *bidder, *share, (*price, *cash), &paid, moved);
                    touched.insert(*bidder);
                    seen.slices += 1;
                    seen.paid_bidders += u32::from(*price < Usd::ZERO);
                }
                Event::InsurancePaid { account, .. } => {
                    rest = &events[events.len() - rest.len() - 1..];
                    let paid = payments(&mut rest);
                    self.tell_cover(*account, &paid);
                    seen.covers += 1;
                }
                Event::Deleveraged { .. } => seen.deleveraged += 1,
                _ => {}
            }
        }
        self.compare();
    }

    fn tell_trade(&mut self, trade: &Trade, seen: &mut Seen) {
        let fill = fill_of(trade);
        let said = match trade.kind {
            TradeKind::Liquidation => {
                Said::Liquidation { fill, account: trade.taker.0, other_fee: trade.maker_fee.0 }
            }
            TradeKind::Deleverage => Said::Deleverage { fill },
            TradeKind::Backstop => panic!("a slice moves behind its event"),
            _ => {
                let (buyer_fee, seller_fee) = match trade.taker_side {
                    Side::Buy => (trade.taker_fee.0, trade.maker_fee.0),
                    Side::Sell => (trade.maker_fee.0, trade.taker_fee.0),
                };
                Said::Trade { fill, buyer_fee, seller_fee }
            }
        };
        let outcome = self.model.apply(&said).unwrap_or_else(|why| panic!("{why:?}: {trade:?}"));
        if trade.kind == TradeKind::Liquidation {
            assert_eq!(outcome.liquidation_fee, i128::from(trade.taker_fee.0), "{trade:?}");
            seen.orders += 1;
        }
    }

    fn tell_slice(
        &mut self,
        account: AccountId,
        bidder: AccountId,
        share: Ppm,
        (price, cash): (Usd, Usd),
        paid: &BTreeMap<Option<u8>, i128>,
        moved: &[Event],
    ) {
        let known = self.weights.get(&account).cloned();
        let price = match known {
            None if price < Usd::ZERO => {
                self.tell_payment(bidder, paid);
                Usd::ZERO
            }
            _ => price,
        };
        let weights = known.clone().unwrap_or_default();
        let slice = Said::Slice {
            account: account.0,
            bidder: bidder.0,
            share_ppm: share.0,
            price: price.0,
            weights,
        };
        let outcome = self.model.apply(&slice).unwrap_or_else(|why| panic!("{why:?}: {slice:?}"));
        assert_eq!(outcome.collateral, i128::from(cash.0));
        let legs: BTreeMap<u32, i128> = trades(moved)
            .iter()
            .map(|trade| (trade.instrument.0, i128::from(trade.taker_side.signed(trade.lots).0)))
            .collect();
        assert_eq!(outcome.legs, legs);
        if known.is_some() {
            assert_eq!(paid_by(&outcome.from_funds, outcome.from_shared), *paid);
        }
    }

    fn tell_cover(&mut self, account: AccountId, paid: &BTreeMap<Option<u8>, i128>) {
        let Some(weights) = self.weights.get(&account).cloned() else {
            self.tell_payment(account, paid);
            return;
        };
        let cover = Said::Cover { account: account.0, weights };
        let outcome = self.model.apply(&cover).unwrap_or_else(|why| panic!("{why:?}: {cover:?}"));
        assert_eq!(paid_by(&outcome.from_funds, outcome.from_shared), *paid, "{account}");
    }

    /// Who pays is not known from outside; that they pay what they say is compared all the same.
    fn tell_payment(&mut self, payee: AccountId, paid: &BTreeMap<Option<u8>, i128>) {
        for (fund, amount) in paid {
            let amount = Usd(i64::try_from(*amount).unwrap());
            self.flow(fund.map_or(Purse::Shared, Purse::Fund), Usd(-amount.0));
            self.flow(Purse::Account(payee.0), amount);
        }
    }

    fn compare(&self) {
        let exchange = &self.venue.exchange;
        for account in self.accounts.iter().chain([&self.maker, &self.bidder]) {
            let view = exchange.account_view(*account).unwrap();
            let known = self.model.money(Purse::Account(account.0));
            assert_eq!(known, i128::from(view.cash.0), "cash of {account}");
            for id in &self.instruments {
                let held = view.positions.iter().find(|position| position.instrument == *id);
                let lots = held.map_or(0, |held| held.lots.0);
                assert_eq!(self.model.position(account.0, id.0).lots, i128::from(lots));
            }
        }
        let fund = |id| exchange.underlying_view(id).unwrap().insurance.0;
        for id in [BTC, ETH] {
            assert_eq!(self.model.money(Purse::Fund(id.0)), i128::from(fund(id)), "fund of {id}");
        }
        let shared = exchange.funds().insurance_shared.0;
        assert_eq!(self.model.money(Purse::Shared), i128::from(shared), "the shared fund");
        audit(&self.venue);
    }
}

fn is_liquidating(exchange: &Exchange, account: AccountId) -> bool {
    exchange.account_view(account).unwrap().liquidating
}

fn is_backstop(event: &Event) -> bool {
    matches!(event, Event::Trade(trade) if trade.kind == TradeKind::Backstop)
}

fn fill_of(trade: &Trade) -> Fill {
    let (buyer, seller) = match trade.taker_side {
        Side::Buy => (trade.taker, trade.maker),
        Side::Sell => (trade.maker, trade.taker),
    };
    Fill {
        instrument: trade.instrument.0,
        price: trade.price.0,
        lots: trade.lots.0,
        buyer: buyer.0,
        seller: seller.0,
    }
}

/// Takes the insurance payments that come next.
fn payments(rest: &mut &[Event]) -> BTreeMap<Option<u8>, i128> {
    let mut paid = BTreeMap::new();
    while let Some((Event::InsurancePaid { underlying, amount, .. }, after)) = rest.split_first() {
        let twice = paid.insert(underlying.map(|id| id.0), i128::from(amount.0));
        assert_eq!(twice, None, "one event per fund");
        *rest = after;
    }
    paid
}

fn paid_by(funds: &BTreeMap<u8, i128>, shared: i128) -> BTreeMap<Option<u8>, i128> {
    let own = funds.iter().map(|(id, paid)| (Some(*id), *paid));
    own.chain([(None, shared)]).filter(|(_, paid)| *paid > 0).collect()
}

#[test]
fn every_micro_dollar_is_where_the_clear_waterfall_says() {
    let mut seen = Seen::default();
    for seed in 1..=60_u64 {
        let mut dice = Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let mut pair = Pair::new(&mut dice);
        for fund in [Some(BTC), Some(ETH), None] {
            let dollars = dice.between(1, 8_000);
            pair.fund(fund, dollars);
        }
        pair.trade_at_random(&mut dice);
        for at in 0..pair.accounts.len() {
            if dice.roll(2) == 0 {
                let mode = Command::SetMarginMode(MarginMode::Portfolio);
                let events = pair.venue.send_ok(pair.accounts[at], mode);
                pair.follow(&events, &mut seen);
            }
        }
        pair.learn_weights();
        let events = set(&mut pair.venue, enforced());
        pair.follow(&events, &mut seen);
        for _ in 0..BLOCKS {
            pair.block(&mut dice, &mut seen);
        }
    }
    let Seen { liquidations, orders, slices, paid_bidders, covers, deleveraged } = seen;
    assert!(liquidations > 100 && orders > 100, "{seen:?}");
    assert!(slices > 40 && paid_bidders > 5, "{seen:?}");
    assert!(covers > 10 && deleveraged > 20, "{seen:?}");
}
