//! The system's part of the random workload: genesis, reports, deposits, phases, parameters.

use super::{Random, START, Workload, bounded};
use lockstep_types::command::{
    Block, ExpiryReport, Phase, PhaseReason, PhaseScope, Report, SmileParams, SystemCommand,
};
use lockstep_types::ids::{ReporterId, UnderlyingId};
use lockstep_types::instrument::{Contract, InstrumentName, Ticker};
use lockstep_types::params::{
    FeeTier, ListingPolicy, TickStep, TickTable, UnderlyingParams, VenueParams,
};
use lockstep_types::units::{Lots, Ppm, Price, SpanMs, TimeMs, Usd, Vol};

/// Reporters of the workload; any two of them have two thirds of the stake.
const REPORTERS: [ReporterId; 3] = [ReporterId(1), ReporterId(2), ReporterId(7)];

fn underlying_params(ticker: &str, dollars: i64) -> UnderlyingParams {
    UnderlyingParams::genesis(Ticker::new(ticker).unwrap(), dollars)
}

/// The same underlying with every limit as far out as parameters may lie.
fn extreme_params(params: UnderlyingParams) -> UnderlyingParams {
    // With sixteen million levels the first one reaches to the largest price of all.
    let (most, tick) = match params.ticker.as_str() {
        "BTC" => (Lots(1_000_000), 60_000_000),
        "ETH" => (Lots(1 << 31), 40_000),
        _ => (Lots(1 << 31), 1),
    };
    let ticks = TickTable::flat(Price(tick));
    UnderlyingParams {
        strike_step: Price(tick * 10),
        linear_ticks: ticks.clone(),
        option_ticks: ticks,
        lots_min: Lots(1),
        order_lots_max: most,
        position_lots_max: most,
        open_interest_max: most,
        price_band: Ppm(10_000_000),
        option_price_band: Ppm(10_000_000),
        market_band: Ppm(10_000_000),
        mark_band: Ppm(999_999),
        impact_lots: most,
        interest_ppb: 1_000_000_000,
        funding_cap_ppb: 1_000_000_000,
        listing: ListingPolicy::Manual,
        ..params
    }
}

impl Workload {
    /// The first block: reporters, three underlyings with perpetuals, some accounts.
    pub(super) fn genesis(&mut self) -> Block {
        let mut system = vec![SystemCommand::SetVenueParams(Box::new(self.venue.clone()))];
        for reporter in REPORTERS {
            system.push(SystemCommand::SetReporterWeight { reporter, weight: 10 });
        }
        let stepped = UnderlyingParams {
            option_ticks: TickTable {
                base: Price(10_000),
                steps: bounded(vec![TickStep { above: Price(1_000_000), tick: Price(50_000) }]),
            },
            ..underlying_params("ETH", 3_000)
        };
        let small = UnderlyingParams {
            lots_min: Lots(5),
            position_lots_max: Lots(3_000),
            open_interest_max: Lots(9_000),
            order_lots_max: Lots(2_000),
            listing: ListingPolicy::Scheduled,
            ..underlying_params("SOL", 150)
        };
        let mut all = [underlying_params("BTC", 100_000), stepped, small];
        if self.profile.extreme {
            all = all.map(extreme_params);
        }
        for params in all {
            self.asked.push_back(params.clone());
            let underlying = params.ticker;
            system.push(SystemCommand::AddUnderlying(params));
            let name = InstrumentName { underlying, contract: Contract::Perpetual };
            system.push(SystemCommand::List(name));
        }
        for owner in 0..8 {
            let dollars = [5_000_000, 5_000_000, 1_000_000, 1_000_000, 200_000, 50_000, 5_000, 500];
            // Where prices jump, everybody is poor enough to be liquidated.
            let share = if self.profile.wild { 100 } else { 1 };
            let amount = match self.profile.extreme {
                true => Usd(1 << 56),
                false => Usd(dollars[usize::from(owner)] * 1_000_000 / share),
            };
            system.push(SystemCommand::Deposit { owner: [owner; 32], sub: 0, amount });
        }
        let block = Block { height: 1, time: START, system: bounded(system), ..Block::default() };
        self.commands += block.system.len() as u64;
        block
    }

    /// Prices take a step, and the reporters tell them.
    pub(super) fn reports(&mut self) -> Vec<SystemCommand> {
        let mut commands = Vec::new();
        for at in 0..self.markets.len() {
            self.step_price(at);
            if self.markets[at].silent > 0 {
                self.markets[at].silent -= 1;
                continue;
            }
            if self.random.once_in(60) {
                self.markets[at].silent = self.random.below(6) + 1;
            }
            for reporter in REPORTERS {
                if self.random.percent(93) {
                    let report = self.report(at, reporter);
                    commands.push(SystemCommand::Report(report));
                }
            }
        }
        commands
    }

    fn step_price(&mut self, at: usize) {
        let random = &mut self.random;
        let market = &mut self.markets[at];
        let ppm = match random.below(if self.profile.wild { 12 } else { 300 }) {
            0 => random.between(-150_000, 150_000),
            1..=9 => random.between(-20_000, 20_000),
            _ => random.between(-1_500, 1_500),
        };
        let next = market.price + market.price / 1_000 * ppm / 1_000;
        market.price = next.clamp(market.start / 8, market.start * 8).max(1);
    }

    fn report(&mut self, at: usize, reporter: ReporterId) -> Report {
        let market = self.markets[at].clone();
        let random = &mut self.random;
        let mut expiries: Vec<TimeMs> = self
            .instruments
            .iter()
            .filter(|(_, name)| name.underlying == market.params.ticker)
            .filter_map(|(_, name)| name.contract.expiry())
            .collect();
        expiries.sort_unstable();
        expiries.dedup();
        expiries.truncate(12);
        let mut said = Vec::new();
        for expiry in expiries {
            if random.percent(80) {
                said.push(expiry_report(random, expiry));
            }
        }
        let price = market.price + market.price / 100_000 * random.between(-50, 50);
        let mut report = Report {
            reporter,
            underlying: market.id,
            price: Price(price),
            published: TimeMs(self.time.0 - random.between(0, self.step.0.min(3_000))),
            expiries: bounded(said),
        };
        if random.once_in(50) {
            match random.below(5) {
                0 => report.price = Price(random.garbage()),
                1 => report.published = TimeMs(random.garbage()),
                2 => report.reporter = ReporterId(999),
                3 => report.underlying = UnderlyingId(99),
                _ => report.published = TimeMs(self.time.0 - 11_000),
            }
        }
        report
    }

    pub(super) fn other_system_commands(&mut self, commands: &mut Vec<SystemCommand>) {
        for _ in 0..self.random.weighted(&[50, 30, 15, 5]) {
            let command = match self.random.weighted(&[35, 6, 25, 16, 4, 4, 3, 2, 3]) {
                0 => self.deposit(),
                1 if self.height % 3 == 1 => {
                    let owner = u8::try_from(self.random.below(9)).unwrap();
                    let most = if self.random.once_in(2) { 1_000 } else { 1 << 50 };
                    let amount = Usd(self.random.between(1, most));
                    SystemCommand::PayValidators { owner: [owner; 32], sub: owner % 3, amount }
                }
                1 => {
                    let own = self.random.percent(70).then(|| self.underlying());
                    SystemCommand::FundInsurance { underlying: own, amount: self.amount() }
                }
                2 => SystemCommand::List(self.name()),
                3 => self.set_phase(),
                4 if self.profile.parameters => self.venue_params(),
                5 if self.profile.parameters => self.new_underlying_params(),
                6 if self.profile.parameters => self.weight(),
                7 if self.profile.parameters => self.add_underlying(),
                _ => self.garbage_system(),
            };
            commands.push(command);
        }
        if !self.repairs.is_empty() && self.random.percent(25) {
            commands.push(self.repairs.remove(0));
        }
    }

    fn deposit(&mut self) -> SystemCommand {
        let owner = u8::try_from(self.random.below(24)).unwrap();
        let sub = if self.random.percent(80) { 0 } else { 1 };
        SystemCommand::Deposit { owner: [owner; 32], sub, amount: self.amount() }
    }

    fn set_phase(&mut self) -> SystemCommand {
        let scope = match self.random.weighted(&[1, 2, 8]) {
            0 => PhaseScope::Venue,
            1 => PhaseScope::Underlying(self.underlying()),
            _ => PhaseScope::Instrument(self.instrument()),
        };
        let phase = self.random.pick(&[
            Phase::Auction,
            Phase::Auction,
            Phase::Auction,
            Phase::ReduceOnly,
            Phase::Halted,
            Phase::Continuous,
        ]);
        if phase != Phase::Continuous {
            let (phase, reason) = (Phase::Continuous, PhaseReason::Scheduled);
            self.repairs.push(SystemCommand::SetPhase { scope, phase, reason });
        }
        let reason = self.random.pick(&[PhaseReason::Scheduled, PhaseReason::Emergency]);
        SystemCommand::SetPhase { scope, phase, reason }
    }

    fn venue_params(&mut self) -> SystemCommand {
        let random = &mut self.random;
        let mut params = self.venue.clone();
        match random.below(8) {
            0 => params.block_work_max = random.pick(&[40, 200, 100_000]),
            1 => params.base_fee_floor = Usd(random.between(0, 20)),
            2 => params.orders_per_account_max = random.pick(&[3, 20, 1_000]),
            3 => params.instruments_per_account_max = random.pick(&[2, 5, 128]),
            4 => {
                let tier = FeeTier { volume_30d: Usd(0), maker: Ppm(0), taker: Ppm(0) };
                params.fee_tiers = bounded(vec![tier]);
            }
            5 => params.report_age_max = SpanMs(random.between(1_000, 60_000)),
            6 => params.liquidation_depth_share = Ppm(random.between(1, 1_000_000)),
            _ => spoil_venue(random, &mut params),
        }
        self.repairs.push(SystemCommand::SetVenueParams(Box::new(self.venue.clone())));
        SystemCommand::SetVenueParams(Box::new(params))
    }

    fn new_underlying_params(&mut self) -> SystemCommand {
        let market = self.market();
        let random = &mut self.random;
        let mut params = market.params.clone();
        match random.below(8) {
            0 => params.position_lots_max = Lots(random.between(0, 5_000)),
            1 => params.open_interest_max = Lots(random.between(0, 5_000)),
            2 => params.lots_min = Lots(random.between(1, 3)),
            3 => params.price_band = Ppm(random.between(0, 1_000_000)),
            4 => params.market_band = Ppm(random.between(0, 1_000_000)),
            5 => params.listing = ListingPolicy::Scheduled,
            6 => params.mark_band = Ppm(random.between(0, 999_999)),
            _ => params.order_lots_max = Lots(random.garbage()),
        }
        let underlying = market.id;
        let usual = market.params;
        self.repairs.push(SystemCommand::SetUnderlyingParams { underlying, params: usual });
        SystemCommand::SetUnderlyingParams { underlying, params }
    }

    fn weight(&mut self) -> SystemCommand {
        let reporter = self.random.pick(&[REPORTERS[0], REPORTERS[1], ReporterId(40)]);
        if reporter != ReporterId(40) {
            self.repairs.push(SystemCommand::SetReporterWeight { reporter, weight: 10 });
        }
        let weight = self.random.pick(&[0, 8, 10, 10, 10, 12]);
        SystemCommand::SetReporterWeight { reporter, weight }
    }

    fn add_underlying(&mut self) -> SystemCommand {
        let ticker = self.random.pick(&["XRP", "DOGE", "BTC"]);
        let params = underlying_params(ticker, self.random.pick(&[1, 40, 2_500]));
        let known = self.markets.iter().any(|market| market.params.ticker == params.ticker);
        if !known && self.markets.len() < 5 && self.asked.is_empty() {
            self.asked.push_back(params.clone());
        }
        SystemCommand::AddUnderlying(params)
    }

    fn garbage_system(&mut self) -> SystemCommand {
        let value = self.random.garbage();
        match self.random.below(8) {
            0 => SystemCommand::Deposit { owner: [0; 32], sub: 255, amount: Usd(value) },
            1 => SystemCommand::FundInsurance { underlying: None, amount: Usd(value) },
            2 => {
                let mut name = self.name();
                name.contract = self.random.pick(&[
                    Contract::Future { expiry: TimeMs(value) },
                    Contract::Future { expiry: self.time },
                    name.contract,
                ]);
                name.underlying = Ticker::new("NONE").unwrap();
                SystemCommand::List(name)
            }
            3 => {
                let mut name = self.name();
                name.contract = Contract::Future { expiry: TimeMs(value) };
                SystemCommand::List(name)
            }
            4 => SystemCommand::SetPhase {
                scope: PhaseScope::Underlying(UnderlyingId(77)),
                phase: Phase::Halted,
                reason: PhaseReason::Outage,
            },
            5 => {
                let mut params = self.market().params;
                spoil_underlying(&mut self.random, &mut params);
                let underlying = self.underlying();
                SystemCommand::SetUnderlyingParams { underlying, params }
            }
            6 => {
                self.repairs.push(SystemCommand::SetVenueParams(Box::new(self.venue.clone())));
                let mut params = self.venue.clone();
                spoil_venue(&mut self.random, &mut params);
                SystemCommand::SetVenueParams(Box::new(params))
            }
            _ => {
                let reporter = REPORTERS[0];
                self.repairs.push(SystemCommand::SetReporterWeight { reporter, weight: 10 });
                SystemCommand::SetReporterWeight { reporter, weight: u64::MAX }
            }
        }
    }
}

fn expiry_report(random: &mut Random, expiry: TimeMs) -> ExpiryReport {
    let smile = SmileParams {
        atm: Vol(random.between(300_000_000, 1_200_000_000)),
        rho: Ppm(random.between(-600_000, 300_000)),
        phi: Ppm(random.between(0, 1_500_000)),
    };
    let odd = random.once_in(40);
    let smile = match random.once_in(60) {
        true => SmileParams { phi: Ppm(random.garbage()), ..smile },
        false => smile,
    };
    ExpiryReport {
        expiry,
        basis_ppb: if odd { random.garbage() } else { random.between(-2_000_000, 8_000_000) },
        smile: random.percent(85).then_some(smile),
    }
}

fn spoil_venue(random: &mut Random, params: &mut VenueParams) {
    let value = random.garbage();
    match random.below(14) {
        9 => params.portfolio_margin.scan_initial = Ppm(value),
        10 => params.portfolio_margin.volatility_up_min = Vol(value),
        11 => params.latency.cap = Ppm(value),
        12 => params.backstop.fast = SpanMs(value),
        13 => params.latency.slippage = Ppm(900_000),
        0 => params.option_fee_cap = Ppm(value),
        1 => params.liquidation_fee = Ppm(value),
        2 => params.fee_split.validators = Ppm(value),
        3 => params.report_age_max = SpanMs(value),
        4 => params.liquidation_target = Ppm(value),
        5 => params.liquidation_spread = Ppm(value),
        6 => params.standard_margin.linear_initial = Ppm(value),
        7 => params.base_fee_floor = Usd(value),
        _ => params.fee_tiers = bounded(Vec::new()),
    }
}

fn spoil_underlying(random: &mut Random, params: &mut UnderlyingParams) {
    let value = random.garbage();
    match random.below(12) {
        8 => params.jump = Ppm(900_000),
        9 => params.jump_rate = Ppm(value),
        10 => params.standard_factor = Ppm(value),
        11 => params.concentration_scale = Usd(value),
        0 => params.lots_min = Lots(value),
        1 => params.position_lots_max = Lots(value),
        2 => params.impact_lots = Lots(value),
        3 => params.interest_ppb = value,
        4 => params.basis_time = SpanMs(value),
        5 => params.volatility_default = Vol(value),
        6 => params.strike_step = Price(value),
        _ => params.linear_ticks = TickTable::flat(Price(value)),
    }
}
