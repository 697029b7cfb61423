//! A small network for tests: a ledger with validators and traders, driven block by block. After
//! every block all invariants are checked.

use lockstep_ledger::block::{FinalityWord, PriceWord};
use lockstep_ledger::{
    Block, Committee, Evidence, Genesis, GenesisOwner, GenesisValidator, Ledger, OffenceKind,
    Participation, Report, SignedReport, SystemItem,
};
use lockstep_types::chain::{ChainCommand, ChainEvent, ChainParams, ChainRejectCode, Stake};
use lockstep_types::codec::Bounded;
use lockstep_types::command::{Command, UserCommand};
use lockstep_types::envelope::{SignedCommand, Signer};
use lockstep_types::ids::{AccountId, SignerId, UnderlyingId, ValidatorId};
use lockstep_types::instrument::{Contract, InstrumentName, Ticker};
use lockstep_types::params::{UnderlyingParams, VenueParams};
use lockstep_types::units::{DAY_MS, Ppm, Price, SpanMs, TimeMs, Usd};

/// Monday 5 January 2026, 09:00 UTC.
pub const START: TimeMs = TimeMs(1_767_603_600_000);
/// One stake token.
pub const TOKEN: u64 = 1_000_000;

pub fn usd(dollars: i64) -> Usd {
    Usd(dollars * 1_000_000)
}

pub fn tokens(count: u64) -> Stake {
    Stake(count * TOKEN)
}

pub fn bounded<T: std::fmt::Debug, const LIMIT: usize>(elements: Vec<T>) -> Bounded<T, LIMIT> {
    Bounded::new(elements).expect("a test's list fits")
}

/// An owner's public key.
pub fn owner_key(owner: u8) -> [u8; 32] {
    Signer::from_seed([owner; 32]).public_key()
}

/// A validator's key for one of its seats.
pub fn seat_key(validator: u8, seat: u8) -> [u8; 32] {
    Signer::from_seed([validator, seat, 200, 200].repeat(8).try_into().unwrap()).public_key()
}

/// Short epochs and round numbers.
pub fn params() -> ChainParams {
    ChainParams {
        epoch_blocks: 8,
        seats: 8,
        seats_per_validator: 3,
        self_stake_min: tokens(100),
        delegation_min: tokens(1),
        unbonding: SpanMs(DAY_MS),
        absence_epochs: 2,
        vote_epochs: 3,
        ..ChainParams::default()
    }
}

/// Owners 0 to 3 validate with 1,000 tokens each and one key; owners 4 to 7 do not; all have as
/// much again, free, and 100,000 USD. Owner 7 is the faucet.
pub fn genesis(chain: ChainParams) -> Genesis {
    let owner = |number: u8| {
        let stake = tokens(if number < 4 { 2_000 } else { 1_000 });
        GenesisOwner { key: owner_key(number), sub: 0, deposit: usd(100_000), stake }
    };
    let validator = |number: u8| GenesisValidator {
        owner: owner_key(number),
        keys: bounded(vec![seat_key(number, 0)]),
        commission: Ppm(100_000),
        stake: tokens(1_000),
    };
    let underlying = Ticker::new("BTC").unwrap();
    Genesis {
        name: bounded(b"test".to_vec()),
        salt: [3; 32],
        time: START,
        chain,
        venue: Box::new(VenueParams::default()),
        underlyings: bounded(vec![UnderlyingParams::genesis(underlying, 60_000)]),
        listings: bounded(vec![InstrumentName { underlying, contract: Contract::Perpetual }]),
        owners: bounded((0..8).map(owner).collect()),
        validators: bounded((0..4).map(validator).collect()),
        faucet: Some(owner_key(7)),
    }
}

/// A ledger and what is needed to talk to it.
#[derive(Clone, Debug)]
pub struct Network {
    pub ledger: Ledger,
    /// How far apart blocks are.
    pub pace: SpanMs,
    /// Seats that sign; `None`: nobody says.
    pub signing: Option<Vec<usize>>,
    /// Whether all validators report in each block.
    pub reporting: bool,
    pub nonce: u64,
}

impl Default for Network {
    fn default() -> Self {
        Self::new(params())
    }
}

impl Network {
    pub fn new(chain: ChainParams) -> Self {
        Self::of(&genesis(chain))
    }

    pub fn of(genesis: &Genesis) -> Self {
        let ledger = Ledger::genesis(genesis).unwrap_or_else(|error| panic!("{error}"));
        let nonce = u64::try_from(START.0).unwrap();
        let mut network =
            Self { ledger, pace: SpanMs(1_000), signing: None, reporting: false, nonce };
        network.ledger.check_invariants().unwrap();
        network.block(Vec::new(), Vec::new());
        network
    }

    pub fn signer(&self, owner: u8) -> SignerId {
        self.ledger.exchange().signer_of(owner_key(owner)).unwrap()
    }

    pub fn account(&self, owner: u8) -> AccountId {
        self.ledger.exchange().account_of(owner_key(owner), 0).unwrap()
    }

    /// The validator of one of the first owners.
    pub fn validator(&self, owner: u8) -> ValidatorId {
        self.ledger.validator_of_key(seat_key(owner, 0)).unwrap()
    }

    pub fn epoch(&self) -> u64 {
        self.ledger.epoch_of(self.ledger.height())
    }

    pub fn committee(&self) -> &Committee {
        self.ledger.committee(self.epoch()).unwrap()
    }

    pub fn free(&self, owner: u8) -> u64 {
        self.ledger.free_stake(self.signer(owner)).0
    }

    pub fn bonded(&self, owner: u8, validator: u8) -> u64 {
        self.ledger.delegation(self.signer(owner), self.validator(validator)).bonded.0
    }

    pub fn unbonding(&self, owner: u8, validator: u8) -> u64 {
        self.ledger.delegation(self.signer(owner), self.validator(validator)).unbonding.0
    }

    pub fn command(&mut self, owner: u8, command: Command) -> SignedCommand {
        self.nonce += 1;
        let (signer, account) = (self.signer(owner), self.account(owner));
        let command =
            UserCommand { signer, account, nonce: self.nonce, valid_until: None, command };
        SignedCommand { command, signature: [0; 64] }
    }

    /// What a validator would report now, at the time of the next block.
    pub fn report(&self, owner: u8, price: i64) -> Report {
        let time = self.ledger.time().plus(self.pace);
        let word = PriceWord {
            underlying: UnderlyingId(0),
            price: Price(price * 1_000_000),
            published: time,
            expiries: Bounded::default(),
        };
        let seen = FinalityWord { height: self.ledger.height(), seen: self.ledger.time() };
        Report {
            validator: seat_key(owner, 0),
            time,
            prices: bounded(vec![word]),
            finality: bounded(vec![seen]),
            reveal: [0; 32],
            commit: [0; 32],
        }
    }

    pub fn item(report: Report) -> SystemItem {
        SystemItem::Report(SignedReport { report, signature: [0; 64] })
    }

    /// The next block.
    pub fn build(&self, system: Vec<SystemItem>, commands: Vec<SignedCommand>) -> Block {
        let height = self.ledger.height() + 1;
        let epoch = self.ledger.epoch_of(height);
        let committee = self.ledger.committee(epoch).unwrap();
        let first = height.is_multiple_of(u64::from(self.ledger.params().epoch_blocks));
        let participation = match &self.signing {
            Some(seats) if !first => {
                Participation::of(committee.seats.len(), seats.iter().copied())
            }
            _ => Participation::default(),
        };
        Block {
            height,
            time: self.ledger.time().plus(self.pace),
            leader: committee.seats[0].key,
            participation,
            system: bounded(system),
            commands: bounded(commands),
        }
    }

    /// Executes the next block and checks everything; the chain's events of it.
    pub fn block(
        &mut self,
        mut system: Vec<SystemItem>,
        commands: Vec<SignedCommand>,
    ) -> Vec<ChainEvent> {
        if self.reporting {
            let seated: Vec<[u8; 32]> =
                self.committee().seats.iter().map(|seat| seat.key).collect();
            let owners = (0..4).filter(|owner| seated.contains(&seat_key(*owner, 0)));
            system.extend(owners.map(|owner| Self::item(self.report(owner, 60_000))));
        }
        let block = self.build(system, commands);
        self.ledger.execute(&block).unwrap_or_else(|error| panic!("{error}"));
        self.ledger.check_invariants().unwrap_or_else(|error| panic!("{error}"));
        self.ledger.chain_events().to_vec()
    }

    /// One command in a block of its own.
    pub fn tell(&mut self, owner: u8, command: ChainCommand) -> Vec<ChainEvent> {
        let command = self.command(owner, Command::Chain(Box::new(command)));
        self.block(Vec::new(), vec![command])
    }

    /// One command that must be taken.
    pub fn must(&mut self, owner: u8, command: ChainCommand) -> Vec<ChainEvent> {
        let events = self.tell(owner, command);
        let refused = events.iter().find(|event| matches!(event, ChainEvent::Refused { .. }));
        assert_eq!(refused, None);
        events
    }

    /// One command that must be refused.
    pub fn refused(&mut self, owner: u8, command: ChainCommand) -> ChainRejectCode {
        let events = self.tell(owner, command);
        let code = events.iter().find_map(|event| match event {
            ChainEvent::Refused { reject, .. } => Some(reject.code),
            _ => None,
        });
        code.unwrap_or_else(|| panic!("it was taken: {events:?}"))
    }

    /// One system item that must be refused.
    pub fn item_refused(&mut self, item: SystemItem) -> ChainRejectCode {
        let events = self.block(vec![item], Vec::new());
        let code = events.iter().find_map(|event| match event {
            ChainEvent::ItemRefused { reject, .. } => Some(reject.code),
            _ => None,
        });
        code.unwrap_or_else(|| panic!("it was taken: {events:?}"))
    }

    /// Empty blocks up to the last of the epoch; the chain's events of that one.
    pub fn end_epoch(&mut self) -> Vec<ChainEvent> {
        loop {
            let events = self.block(Vec::new(), Vec::new());
            if self.ledger.is_last_of_epoch(self.ledger.height()) {
                return events;
            }
        }
    }

    /// To the first block of the next epoch; the chain's events of that one.
    pub fn next_epoch(&mut self) -> Vec<ChainEvent> {
        if !self.ledger.is_last_of_epoch(self.ledger.height()) {
            self.end_epoch();
        }
        self.block(Vec::new(), Vec::new())
    }

    /// A block after a long time, in which the chain did not stand still: two empty epochs of
    /// blocks as far apart as an outage allows would take too long, so the clock leaps and the
    /// outage that this is ends at once where nobody has prices.
    pub fn leap(&mut self, span: SpanMs) {
        let pace = std::mem::replace(&mut self.pace, span);
        self.block(Vec::new(), Vec::new());
        self.pace = pace;
        self.block(Vec::new(), Vec::new());
    }

    /// Evidence of an offence of this epoch, handed in by another.
    pub fn evidence(&self, offender: u8, reporter: u8) -> Evidence {
        Evidence {
            kind: OffenceKind::ConflictingNotarize,
            epoch: self.epoch(),
            view: 17,
            offender: seat_key(offender, 0),
            reporter: seat_key(reporter, 0),
            proof: bounded(vec![1, 2, 3]),
        }
    }

    pub fn accuse(&mut self, offender: u8, reporter: u8) -> Vec<ChainEvent> {
        let evidence = self.evidence(offender, reporter);
        self.block(vec![SystemItem::Evidence(evidence)], Vec::new())
    }
}
