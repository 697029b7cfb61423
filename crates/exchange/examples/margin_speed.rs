//! Prints what margin adds to an order on this machine:
//! `cargo run --release -p lockstep-exchange --example margin_speed`.
//!
//! A market maker has a position and a quote on both sides of many options and moves a quote per
//! command; a taker hits it now and then. The same blocks run with margin enforced and off, and
//! must lead to the same events before anything is timed. Compare ratios, not times.

use lockstep_exchange::Exchange;
use lockstep_types::codec::Bounded;
use lockstep_types::command::{Block, CancelScope, Command, Report, SystemCommand, UserCommand};
use lockstep_types::event::Event;
use lockstep_types::ids::{AccountId, InstrumentId, ReporterId, SignerId, UnderlyingId};
use lockstep_types::instrument::Ticker;
use lockstep_types::order::{NewOrder, Side};
use lockstep_types::params::{MarginRegime, UnderlyingParams, VenueParams};
use lockstep_types::units::{Lots, Price, TimeMs, Usd};
use std::time::Instant;

const START: TimeMs = TimeMs(1_767_603_600_000);
const MAKER: u32 = 0;
const TAKER: u32 = 1;
const ORDERS: u32 = 2_000;
const BLOCKS: u64 = 12;

struct Run {
    exchange: Exchange,
    height: u64,
    nonce: u64,
    instruments: u32,
}

impl Run {
    fn new(margin: MarginRegime, instruments: u32) -> Self {
        let params = VenueParams { margin, ..VenueParams::default() };
        let mut run = Self { exchange: Exchange::new(params), height: 0, nonce: 0, instruments };
        let underlying = UnderlyingParams {
            option_price_band: lockstep_types::units::Ppm(0),
            ..UnderlyingParams::genesis(Ticker::new("BTC").expect("a ticker"), 100_000)
        };
        let mut system = vec![
            SystemCommand::AddUnderlying(underlying),
            SystemCommand::SetReporterWeight { reporter: ReporterId(0), weight: 1 },
        ];
        for number in 0..instruments {
            let (strike, side) = (70_000 + number / 2 * 1_000, ["C", "P"][number as usize % 2]);
            let name = format!("BTC_USDC-27MAR26-{strike}-{side}");
            system.push(SystemCommand::List(name.parse().expect("a name")));
        }
        for owner in [1, 2] {
            let amount = Usd(1_000_000_000_000_000);
            system.push(SystemCommand::Deposit { owner: [owner; 32], sub: 0, amount });
        }
        run.block(system, Vec::new());
        run
    }

    fn block(&mut self, mut system: Vec<SystemCommand>, commands: Vec<UserCommand>) {
        self.height += 1;
        let time = TimeMs(START.0 + i64::try_from(self.height).expect("few blocks") * 1_000);
        system.push(SystemCommand::Report(Report {
            reporter: ReporterId(0),
            underlying: UnderlyingId(0),
            price: Price(100_000_000_000),
            published: time,
            expiries: Bounded::default(),
        }));
        let block = Block {
            height: self.height,
            time,
            system: Bounded::new(system).expect("few system commands"),
            commands: Bounded::new(commands).expect("few commands"),
        };
        self.exchange.execute(&block).expect("a whole state misses nothing");
    }

    fn command(&mut self, account: u32, command: Command) -> UserCommand {
        self.nonce += 1;
        UserCommand {
            signer: SignerId(account),
            account: AccountId(account),
            nonce: self.nonce,
            valid_until: None,
            command,
        }
    }

    fn order(
        &mut self,
        account: u32,
        what: u32,
        side: Side,
        lots: i64,
        dollars: i64,
    ) -> UserCommand {
        let price = Price(dollars * 1_000_000);
        let order = NewOrder::limit(InstrumentId(what), side, Lots(lots), price);
        self.command(account, Command::Place(order))
    }

    /// The maker's quotes on every instrument, and a position in each.
    fn open(&mut self) {
        let mut commands = Vec::new();
        for what in 0..self.instruments {
            let (buyer, seller) = if what % 3 == 0 { (MAKER, TAKER) } else { (TAKER, MAKER) };
            commands.push(self.order(seller, what, Side::Sell, 50, 5_000));
            commands.push(self.order(buyer, what, Side::Buy, 50, 5_000));
            commands.push(self.order(MAKER, what, Side::Buy, 10, 4_000));
            commands.push(self.order(MAKER, what, Side::Sell, 10, 6_000));
        }
        self.block(Vec::new(), commands);
    }

    /// A block of moved quotes; every tenth order is a taker's.
    fn quote(&mut self) -> Vec<UserCommand> {
        let mut commands = Vec::new();
        for number in 0..ORDERS {
            let what = number * 7 % self.instruments;
            commands.push(match number % 10 {
                0 => self.order(TAKER, what, Side::Buy, 1, 6_500),
                _ => self.order(MAKER, what, Side::Sell, 2, 5_900 - i64::from(number % 7)),
            });
        }
        commands.push(self.command(MAKER, Command::CancelAll(CancelScope::Account)));
        commands
    }

    /// Nanoseconds per order, best block of several; and the events of the last.
    fn time(&mut self) -> (u128, Vec<Event>) {
        let mut best = u128::MAX;
        for _ in 0..BLOCKS {
            let commands = self.quote();
            let started = Instant::now();
            self.block(Vec::new(), commands);
            best = best.min(started.elapsed().as_nanos() / u128::from(ORDERS));
        }
        (best, self.exchange.events().to_vec())
    }
}

fn main() {
    println!("{:>12} {:>12} {:>12}", "instruments", "off ns", "enforced ns");
    for instruments in [1, 10, 40, 120] {
        let measured = [MarginRegime::Off, MarginRegime::Enforced].map(|margin| {
            let mut run = Run::new(margin, instruments);
            run.open();
            run.time()
        });
        assert_eq!(measured[0].1, measured[1].1, "both regimes lead to the same events");
        println!("{instruments:>12} {:>12} {:>12}", measured[0].0, measured[1].0);
    }
}
