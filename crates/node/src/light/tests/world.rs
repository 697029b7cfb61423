//! A chain with short epochs: blocks are signed and executed, their leaves committed, their headers
//! certified.

use crate::application::genesis_block;
use crate::block::{Block, Digest, PublicKey};
use crate::committees::{VOTE_DOMAIN, leader_of, scheme_of};
use crate::head::{Base, Head, StepKey};
use crate::header::{Header, body_root};
use crate::light::claim::Claim;
use crate::light::prove::prove;
use crate::light::{Bundle, Certified, Handover, committee_digest};
use crate::store::{PAGE_BYTES, Stores, store_config, write_changes};
use bytes::Bytes;
use commonware_codec::{DecodeExt as _, Encode as _};
use commonware_consensus::simplex::scheme::ed25519::Scheme;
use commonware_consensus::simplex::types::{Finalization, Finalize, Proposal};
use commonware_consensus::types::{Epoch, Round, View};
use commonware_cryptography::{Signer as _, ed25519};
use commonware_glue::stateful::db::{DatabaseSet, Merkleized as _, Unmerkleized as _};
use commonware_parallel::Sequential;
use commonware_runtime::buffer::paged::CacheRef;
use commonware_runtime::deterministic::{self, Context};
use commonware_runtime::{Runner as _, Supervisor as _};
use commonware_utils::ordered::Set;
use commonware_utils::{NZUsize, TryCollect as _, non_empty};
use lockstep_client::frames::Frame;
use lockstep_ledger::block::PriceWord;
use lockstep_ledger::{
    Block as Body, Changes, Committee, Genesis, GenesisOwner, GenesisValidator, Ledger, Report,
    SignedReport, SystemItem,
};
use lockstep_types::chain::{ChainCommand, ChainParams, Stake};
use lockstep_types::codec::{Bounded, Encode as _};
use lockstep_types::command::{Command, UserCommand};
use lockstep_types::envelope::{SignedCommand, Signer};
use lockstep_types::ids::{AccountId, InstrumentId, SignerId, UnderlyingId};
use lockstep_types::instrument::{Contract, InstrumentName, Ticker};
use lockstep_types::order::{Label, NewOrder, Side};
use lockstep_types::params::{UnderlyingParams, VenueParams};
use lockstep_types::units::{Lots, Ppm, Price, SpanMs, TimeMs, Usd};
use std::collections::BTreeMap;
use std::fmt::Debug;

/// Owners with an account each, numbered as their accounts and signers are.
pub const OWNERS: u8 = 8;
/// Validators at genesis; the fifth owner becomes one in the first epoch.
pub const VALIDATORS: u8 = 4;
/// Blocks of an epoch.
pub const EPOCH_BLOCKS: u32 = 8;
/// Before the first block.
pub const START: TimeMs = TimeMs(1_767_603_600_000);
/// How long stake unbonds.
pub const UNBONDING: SpanMs = SpanMs(86_400_000);
/// The price of the underlying, USD.
const PRICE_USD: i64 = 60_000;

pub fn bounded<T: Debug, const LIMIT: usize>(elements: Vec<T>) -> Bounded<T, LIMIT> {
    Bounded::new(elements).unwrap()
}

fn owner(index: u8) -> Signer {
    Signer::from_seed([index + 1; 32])
}

/// The seed of a validator's key, which signs both reports and votes.
fn seat_seed(index: u8) -> [u8; 32] {
    [100 + index; 32]
}

fn seat(index: u8) -> ed25519::PrivateKey {
    ed25519::PrivateKey::decode(Bytes::copy_from_slice(&seat_seed(index))).unwrap()
}

fn seat_key(index: u8) -> [u8; 32] {
    seat(index).public_key().as_ref().try_into().unwrap()
}

/// The contracts that are listed: a perpetual, then one option after the other.
pub fn genesis() -> Genesis {
    let underlying = Ticker::new("BTC").unwrap();
    let stake = Stake(10_000_000_000);
    let owners = (0..OWNERS).map(|index| GenesisOwner {
        key: owner(index).public_key(),
        sub: 0,
        deposit: Usd(1_000_000_000_000),
        stake,
    });
    let validators = (0..VALIDATORS).map(|index| GenesisValidator {
        owner: owner(index).public_key(),
        keys: bounded(vec![seat_key(index)]),
        commission: Ppm(50_000),
        stake,
    });
    Genesis {
        name: bounded(b"light".to_vec()),
        salt: [9; 32],
        time: START,
        chain: ChainParams {
            epoch_blocks: EPOCH_BLOCKS,
            seats: 16,
            seats_per_validator: 1,
            unbonding: UNBONDING,
            ..ChainParams::default()
        },
        venue: Box::new(VenueParams::default()),
        underlyings: bounded(vec![UnderlyingParams::genesis(underlying, PRICE_USD)]),
        listings: bounded(vec![InstrumentName { underlying, contract: Contract::Perpetual }]),
        owners: bounded(owners.collect()),
        validators: bounded(validators.collect()),
        faucet: None,
    }
}

/// A chain, and all that was said of it.
pub struct World {
    pub genesis: Genesis,
    pub head: Head,
    pub stores: Stores<Context>,
    /// Headers by height, the first one of height 1.
    pub headers: Vec<Header>,
    /// The same blocks whole.
    pub blocks: Vec<Block>,
    /// Committees by epoch.
    pub committees: BTreeMap<u64, Committee>,
    nonce: u64,
}

/// Tells a story on the deterministic runtime.
pub fn run<F: Future>(story: impl FnOnce(Context) -> F) -> F::Output {
    deterministic::Runner::default().start(story)
}

/// An empty store under a name of its own.
pub async fn open(context: &Context, name: &'static str) -> Stores<Context> {
    let pages = CacheRef::new(PAGE_BYTES, NZUsize!(256));
    let config = store_config(name, pages);
    <Stores<Context> as DatabaseSet<Context>>::init(context.child(name), config, None).await
}

/// Commits changes as the state after a height; the state root, the log's root and its range.
pub async fn commit(
    stores: &Stores<Context>,
    height: u64,
    changes: Changes,
) -> ([u8; 32], [u8; 32], u64, u64) {
    let writes = write_changes(stores.new_batches().await, height, changes);
    let hashed = writes.merkleize().await.unwrap();
    let roots = (hashed.root().0, hashed.ops_root().0);
    let range = (*hashed.sync_boundary(), *hashed.bounds().tip.size);
    stores.apply(hashed).await;
    (roots.0, roots.1, range.0, range.1)
}

impl World {
    pub async fn new(context: &Context) -> Self {
        Self::named(context, "store").await
    }

    pub async fn named(context: &Context, name: &'static str) -> Self {
        let genesis = genesis();
        let ledger = Ledger::genesis(&genesis).unwrap();
        let committees = [(0, ledger.committee(0).unwrap().clone())].into();
        let head = Head::new(ledger, Base { height: 0, state_root: [0; 32] });
        let nonce = u64::try_from(START.0).unwrap();
        let stores = open(context, name).await;
        let mut world = Self {
            genesis,
            head,
            stores,
            headers: Vec::new(),
            blocks: Vec::new(),
            committees,
            nonce,
        };
        world.block(Vec::new()).await;
        world
    }

    pub fn ledger(&self) -> &Ledger {
        self.head.ledger()
    }

    pub fn last(&self) -> &Header {
        self.headers.last().unwrap()
    }

    /// A clock a little after the last block.
    pub fn now(&self) -> TimeMs {
        self.last().time.plus(SpanMs(500))
    }

    pub fn command(&mut self, index: u8, command: Command) -> SignedCommand {
        self.nonce += 1;
        let number = u32::from(index);
        let (signer, account) = (SignerId(number), AccountId(number));
        let nonce = self.nonce;
        let command = UserCommand { signer, account, nonce, valid_until: None, command };
        owner(index).sign(self.genesis.chain_id(), command)
    }

    fn report(&self, index: u8, time: TimeMs) -> SystemItem {
        let word = PriceWord {
            underlying: UnderlyingId(0),
            price: Price(PRICE_USD * 1_000_000),
            published: time,
            expiries: Bounded::default(),
        };
        let report = Report {
            validator: seat_key(index),
            time,
            prices: bounded(vec![word]),
            finality: Bounded::default(),
            reveal: [0; 32],
            commit: [0; 32],
        };
        let signer = Signer::from_seed(seat_seed(index));
        SystemItem::Report(SignedReport::new(&signer, self.genesis.chain_id(), report))
    }

    /// The next block: everybody reports, these commands are executed.
    pub async fn block(&mut self, commands: Vec<SignedCommand>) {
        let height = self.ledger().height() + 1;
        let time = self.ledger().time().plus(SpanMs(1_000));
        let epoch = self.ledger().epoch_of(height);
        let committee = self.ledger().committee(epoch).unwrap();
        let scheme = scheme_of(self.genesis.chain_id(), committee, None).unwrap();
        let leader = leader_of(&scheme, &committee.seed, epoch, height).unwrap();
        let reports = (0..VALIDATORS).map(|index| self.report(index, time)).collect();
        let body = Body {
            height,
            time,
            leader,
            system: bounded(reports),
            commands: bounded(commands),
            ..Body::default()
        };
        let first = genesis_block::<Context>(&self.genesis).unwrap();
        let parent = self.headers.last().unwrap_or(first.header()).digest().0;
        let body_root = body_root(&body.to_bytes());
        let executed = self.head.advance(StepKey { parent, body_root }, &body, vec![]).unwrap();
        let (state_root, operations_root, operations_start, operations_end) =
            commit(&self.stores, height, executed.changes).await;
        let next = self.ledger().is_last_of_epoch(height).then(|| {
            let committee = self.ledger().committee(epoch + 1).unwrap().clone();
            let digest = committee_digest(&committee);
            self.committees.insert(epoch + 1, committee);
            digest
        });
        let header = Header {
            epoch,
            view: height,
            parent_view: height - 1,
            parent,
            leader,
            height,
            time,
            state_root,
            operations_root,
            operations_start,
            operations_end,
            events_root: executed.events_root,
            body_root,
            next,
        };
        self.headers.push(header.clone());
        self.blocks.push(Block::new(header, body).unwrap());
    }

    /// All blocks as nodes hand them out, each with a certificate of its own.
    pub fn frames(&self) -> Vec<Frame> {
        let frame = |block: &Block| Frame {
            block: block.encode().to_vec(),
            certificate: self.certified(block.header().height).certificate.into_vec(),
        };
        self.blocks.iter().map(frame).collect()
    }

    /// Blocks up to a height.
    pub async fn reach(&mut self, height: u64) {
        while self.ledger().height() < height {
            self.block(Vec::new()).await;
        }
    }

    /// Two accounts trade, one of them leaves orders, one withdraws; a validator joins. Up to the
    /// third epoch.
    pub async fn trade(&mut self) {
        let perpetual = InstrumentId(0);
        let price = |usd: i64| Price(usd * 1_000_000);
        let order = |side, lots, usd| NewOrder::limit(perpetual, side, Lots(lots), price(usd));
        let labelled = NewOrder {
            label: Some(Label::new("resting").unwrap()),
            ..order(Side::Buy, 700, PRICE_USD - 200)
        };
        let register = ChainCommand::Register {
            key: seat_key(VALIDATORS),
            commission: Ppm(50_000),
            stake: Stake(5_000_000_000),
        };
        let told = [
            (5, Command::Place(order(Side::Sell, 500, PRICE_USD))),
            (6, Command::Place(order(Side::Buy, 300, PRICE_USD))),
            (6, Command::Place(order(Side::Buy, 900, PRICE_USD - 100))),
            (6, Command::Place(labelled)),
            (7, Command::Withdraw { amount: Usd(5_000_000) }),
            (VALIDATORS, Command::Chain(Box::new(register))),
        ];
        let commands = told.map(|(index, command)| self.command(index, command));
        self.block(commands.into()).await;
        self.reach(2 * u64::from(EPOCH_BLOCKS) + 3).await;
    }

    pub fn header(&self, height: u64) -> &Header {
        &self.headers[usize::try_from(height).unwrap() - 1]
    }

    /// The votes of these seats of an epoch's committee, by their place.
    pub fn finalization(
        &self,
        header: &Header,
        epoch: u64,
        places: &[usize],
    ) -> Finalization<Scheme, Digest> {
        let committee = &self.committees[&epoch];
        finalization(&self.genesis, committee, header, places)
    }

    /// A header that its committee certified.
    pub fn certified(&self, height: u64) -> Certified {
        let header = self.header(height);
        let finalization = self.finalization(header, header.epoch, &[0, 1, 2, 3]);
        Certified::of(header.clone(), vec![], &finalization).unwrap()
    }

    /// All handovers so far.
    pub fn handovers(&self) -> Vec<Handover> {
        let later = self.committees.iter().filter(|(epoch, _)| **epoch > 0);
        later
            .map(|(epoch, committee)| Handover {
                last: self.certified(epoch * u64::from(EPOCH_BLOCKS) - 1),
                committee: committee.clone(),
            })
            .collect()
    }

    /// A proof of the last state.
    pub async fn bundle(&self, claim: Claim) -> Bundle {
        let proof = prove(&self.stores, &claim.keys(self.ledger())).await.unwrap();
        let header = self.last();
        assert_eq!((proof.height, proof.state_root), (header.height, header.state_root));
        Bundle {
            chain: self.genesis.chain_id(),
            certified: self.certified(header.height),
            claim,
            state: proof.state,
        }
    }
}

/// A certificate of a header by some seats of a committee.
pub fn finalization(
    genesis: &Genesis,
    committee: &Committee,
    header: &Header,
    places: &[usize],
) -> Finalization<Scheme, Digest> {
    let namespace = [VOTE_DOMAIN, &genesis.chain_id().0].concat();
    let keys: BTreeMap<[u8; 32], ed25519::PrivateKey> =
        (0..=VALIDATORS).map(|index| (seat_key(index), seat(index))).collect();
    let seats: Vec<ed25519::PrivateKey> =
        committee.seats.iter().map(|seat| keys[&seat.key].clone()).collect();
    let all: Set<PublicKey> = seats.iter().map(|key| key.public_key()).try_collect().unwrap();
    let round = Round::new(Epoch::new(header.epoch), View::new(header.view));
    let proposal = Proposal::new(round, View::new(header.parent_view), header.digest());
    let votes: Vec<Finalize<Scheme, Digest>> = places
        .iter()
        .map(|place| {
            let scheme = Scheme::signer(&namespace, all.clone(), seats[*place].clone());
            Finalize::sign(&scheme.unwrap(), proposal.clone()).unwrap()
        })
        .collect();
    let scheme = Scheme::verifier(&namespace, all);
    Finalization::from_finalizes(&scheme, non_empty![@votes.iter()], &Sequential).unwrap()
}
