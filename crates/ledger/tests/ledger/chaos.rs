//! Random blocks over everything that a block can hold: reports, evidence, deposits, chain and
//! venue commands, gaps, epochs; most of it meant well, some of it garbage. A seed decides all.

use crate::network::{Network, bounded, genesis, owner_key, params, seat_key, tokens, usd};
use lockstep_ledger::{
    Block, DepositWord, Evidence, Genesis, OffenceKind, Participation, SignedDepositWord,
    SystemItem,
};
use lockstep_sim::rng::Rng;
use lockstep_types::chain::{ChainCommand, ChainParams, ParamChange, Stake};
use lockstep_types::command::{CancelScope, Command};
use lockstep_types::envelope::SignedCommand;
use lockstep_types::ids::{AccountId, InstrumentId, ValidatorId};
use lockstep_types::order::{NewOrder, PostOnly, SelfTrade, Side, TimeInForce};
use lockstep_types::units::{DAY_MS, HOUR_MS, Lots, Ppm, Price, SpanMs, Usd};

/// Owners that do anything.
pub const OWNERS: u64 = 8;

#[derive(Clone, Debug)]
pub struct Chaos {
    pub network: Network,
    rng: Rng,
    price: i64,
    /// Whether whoever has the first seat signs nothing.
    lazy: bool,
}

/// Parameters of a run: small epochs, short periods, so that everything happens.
fn run_params(rng: &mut Rng) -> ChainParams {
    ChainParams {
        epoch_blocks: 4 + rng.below_u32(6),
        unbonding: SpanMs([HOUR_MS, 20_000, 600_000][index(rng, 3)]),
        slash_correlation: Ppm([0, 500_000, 3_000_000][index(rng, 3)]),
        slash_window_epochs: 1 + u16::try_from(rng.below(8)).unwrap(),
        jail: SpanMs(30_000),
        outage_withdrawals: SpanMs(20_000),
        withdrawal_delay: SpanMs(4_000),
        withdrawal_window: SpanMs(60_000),
        withdrawal_share: Ppm(1_000),
        withdrawal_floor: usd(500),
        ..params()
    }
}

fn index(rng: &mut Rng, bound: usize) -> usize {
    usize::try_from(rng.below(u64::try_from(bound).unwrap())).unwrap()
}

impl Chaos {
    pub fn new(seed: u64) -> Self {
        Self::of(seed, &Self::genesis(seed))
    }

    pub fn genesis(seed: u64) -> Genesis {
        genesis(run_params(&mut Rng::new(seed)))
    }

    pub fn of(seed: u64, genesis: &Genesis) -> Self {
        let network = Network::of(genesis);
        Self { network, rng: Rng::new(seed ^ 0xc0de), price: 60_000, lazy: !seed.is_multiple_of(3) }
    }

    fn once_in(&mut self, times: u64) -> bool {
        self.rng.below(times) == 0
    }

    fn owner(&mut self) -> u8 {
        u8::try_from(self.rng.below(OWNERS)).unwrap()
    }

    fn stake(&mut self) -> Stake {
        match self.rng.below(12) {
            0 => Stake(self.rng.next_u64() >> self.rng.below(64)),
            1 => Stake(0),
            2..=6 => Stake(1_000_000 + self.rng.below(300_000_000)),
            _ => tokens(self.rng.below(400)),
        }
    }

    fn validator(&mut self) -> ValidatorId {
        ValidatorId(u16::try_from(self.rng.below(7)).unwrap())
    }

    /// The next block.
    pub fn block(&mut self) -> Block {
        let pace = match self.rng.below(40) {
            0 => 5_001 + self.rng.below(40_000),
            1 if self.once_in(3) => 60_001 + self.rng.below(600_000),
            2 if self.once_in(8) => u64::try_from(DAY_MS).unwrap(),
            _ => 50 + self.rng.below(1_500),
        };
        self.network.pace = SpanMs(i64::try_from(pace).unwrap());
        let mut items = self.reports();
        for _ in 0..self.rng.below(3) {
            items.push(self.item());
        }
        let count = self.rng.below(8);
        let commands = (0..count).map(|_| self.command()).collect();
        let mut block = self.network.build(items, commands);
        let first = self.network.ledger.is_last_of_epoch(block.height - 1);
        let seats = self.network.ledger.committee(self.network.ledger.epoch_of(block.height));
        let seats = seats.unwrap().seats.len();
        if !first && !self.once_in(5) {
            let lazy = self.lazy && seats > 3;
            let signed = (0..seats).filter(|seat| !(lazy && *seat == 0));
            block.participation = Participation::of(seats, signed);
        }
        block
    }

    fn reports(&mut self) -> Vec<SystemItem> {
        self.price += i64::try_from(self.rng.below(41)).unwrap() - 20;
        let mut items = Vec::new();
        for owner in 0..6 {
            if self.once_in(6) {
                continue;
            }
            let mut report = self.network.report(owner, self.price);
            if self.once_in(20) {
                let mut prices = report.prices.to_vec();
                prices[0].price = Price(-1);
                report.prices = bounded(prices);
            }
            report.commit = *blake3::hash(&[owner; 32]).as_bytes();
            report.reveal = [owner; 32];
            items.push(Network::item(report));
        }
        items
    }

    fn item(&mut self) -> SystemItem {
        let (one, other) = (self.owner(), self.owner());
        if self.once_in(25) {
            let epoch = self.network.epoch().saturating_sub(self.rng.below(3));
            let kinds = [
                OffenceKind::ConflictingNotarize,
                OffenceKind::ConflictingFinalize,
                OffenceKind::NullifyFinalize,
            ];
            let kind = kinds[index(&mut self.rng, 3)];
            // Only once in a while one of the four of genesis: somebody is to be left.
            let offender = if self.once_in(3) { one } else { 4 + one % 4 };
            let evidence = self.network.evidence(offender, other);
            return SystemItem::Evidence(Evidence { epoch, kind, ..evidence });
        }
        let last = self.network.ledger.totals().deposits;
        let number = last + self.rng.below(4);
        let amount = Usd(i64::try_from(number % 7).unwrap() * 1_000_000 - 1_000_000);
        let (validator, owner) = (seat_key(one, 0), owner_key(30 + one % 2));
        let word = DepositWord { validator, number, owner, sub: 0, amount };
        SystemItem::Deposit(SignedDepositWord { word, signature: [0; 64] })
    }

    fn command(&mut self) -> SignedCommand {
        let owner = self.owner();
        let command = match self.rng.below(10) {
            0..=5 => Command::Chain(Box::new(self.chain_command(owner))),
            6 => Command::Withdraw {
                amount: Usd(i64::try_from(self.rng.below(900_000_000)).unwrap()),
            },
            7 => Command::CancelAll(CancelScope::Account),
            _ => Command::Place(self.order()),
        };
        let mut signed = self.network.command(owner, command);
        if self.once_in(40) {
            signed.command.account = AccountId(self.rng.below_u32(12));
        }
        if self.once_in(40) {
            signed.command.nonce = self.rng.next_u64();
        }
        signed
    }

    fn order(&mut self) -> NewOrder {
        let side = if self.once_in(2) { Side::Buy } else { Side::Sell };
        let price = self.price + i64::try_from(self.rng.below(21)).unwrap() - 10;
        let known = self.network.ledger.exchange().instruments();
        let instrument = known.first().map_or(InstrumentId(9), |(_, id)| *id);
        NewOrder {
            instrument,
            side,
            lots: Lots(1 + i64::try_from(self.rng.below(200)).unwrap()),
            price: Some(Price(price * 1_000_000)),
            time_in_force: TimeInForce::GoodTilCancelled,
            post_only: PostOnly::No,
            reduce_only: false,
            display: None,
            self_trade: SelfTrade::CancelTaker,
            protection: None,
            trigger: None,
            label: None,
        }
    }

    fn chain_command(&mut self, owner: u8) -> ChainCommand {
        let validator = self.validator();
        match self.rng.below(22) {
            0 | 1 => ChainCommand::Register {
                key: seat_key(owner, 0),
                commission: Ppm(i64::try_from(self.rng.below(250_000)).unwrap()),
                stake: tokens(90 + self.rng.below(200)),
            },
            2 => ChainCommand::AddKey { key: seat_key(owner, 1 + owner % 2) },
            3 => ChainCommand::RemoveKey { key: seat_key(owner, 1 + owner % 2) },
            4 => ChainCommand::SetCommission {
                commission: Ppm(i64::try_from(self.rng.below(210_000)).unwrap()),
            },
            5..=9 => ChainCommand::Delegate { validator, amount: self.stake() },
            10..=13 => ChainCommand::Undelegate { validator, amount: self.held(owner, validator) },
            14..=16 => ChainCommand::Collect { validator },
            17 => ChainCommand::Unjail,
            18 => ChainCommand::SendStake {
                to: owner_key(self.owner()),
                amount: Stake(self.stake().0 % 100_000_000),
            },
            19 => ChainCommand::Propose(self.change()),
            20 => ChainCommand::Vote {
                proposal: self.network.ledger.totals().proposals,
                approve: !self.once_in(4),
            },
            _ => ChainCommand::Faucet {
                owner: owner_key(20),
                sub: 1,
                amount: Usd(i64::try_from(self.rng.below(100)).unwrap() * 10_000),
                stake: Stake(self.rng.below(2_000_000)),
            },
        }
    }

    /// All, or a part, or too much of what an owner has bonded.
    fn held(&mut self, owner: u8, validator: ValidatorId) -> Stake {
        let signer = self.network.signer(owner);
        let all = self.network.ledger.delegation(signer, validator).bonded.0;
        match self.rng.below(6) {
            0 => Stake(all),
            1 => Stake(all + 1),
            2 => Stake(1),
            3 if owner >= 4 => Stake(all),
            _ => Stake(all / (2 + self.rng.below(20))),
        }
    }

    fn change(&mut self) -> ParamChange {
        let params = self.network.ledger.params();
        let changed = match self.rng.below(3) {
            0 => ChainParams { seats: u16::try_from(self.rng.below(10)).unwrap(), ..params },
            1 => ChainParams { report_interval: SpanMs(300), ..params },
            _ => ChainParams { epoch_blocks: params.epoch_blocks + 1, ..params },
        };
        ParamChange::Chain(Box::new(changed))
    }
}
