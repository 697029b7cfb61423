//! What is claimed of a state, which leaves prove it, and that none was left out.
//!
//! An account's leaf counts its holdings and its open orders. So many holdings under its key and so
//! many orders that name it are all there are; a prover who leaves one out is found out, and so is
//! one who adds a leaf that the claim does not need. Deliberately absent: prices and margins, which
//! follow from these leaves and the venue's.

use super::error::ProofError;
use super::state::Proven;
use crate::header::Header;
use lockstep_client::hex;
use lockstep_exchange::state::key::{ExtraKey, HoldingKey, LeafKey, Only, Slot};
use lockstep_exchange::state::leaves::{
    Account, Extra, Holding, Order, SignerRecord, Totals, Underlying,
};
use lockstep_ledger::Ledger;
use lockstep_ledger::state::leaves::{ChainState, Withdrawal};
use lockstep_types::codec::Decode;
use lockstep_types::codec_enum;
use lockstep_types::ids::{AccountId, InstrumentId, OrderId, UnderlyingId};
use lockstep_types::instrument::InstrumentName;
use std::collections::{BTreeMap, BTreeSet};

/// First byte of the key of the chain's height, clock and totals.
const CHAIN_KIND: u8 = 128;
/// First byte of the keys of instruments' names.
const NAME_KIND: u8 = 17;
/// First byte of the keys of withdrawals that wait.
const WITHDRAWAL_KIND: u8 = 146;

/// What is claimed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Claim {
    /// All of an account, or that there is none.
    Account {
        /// Which.
        account: AccountId,
    },
    /// A position and the count of orders beside it, or that there is neither.
    Position {
        /// Whose.
        account: AccountId,
        /// In what.
        instrument: InstrumentId,
    },
    /// An open order, or that it is not open.
    Order {
        /// Its handle.
        order: OrderId,
    },
    /// The venue's and the chain's totals, which must agree, and all insurance funds.
    Totals,
}
codec_enum!(Claim {
    0 => Account { account },
    1 => Position { account, instrument },
    2 => Order { order },
    3 => Totals,
});

/// A holding with what it is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HoldingStatement {
    /// In what.
    pub instrument: InstrumentId,
    /// Its name, which says what the contract is.
    pub name: InstrumentName,
    /// The position and the sums of orders beside it.
    pub holding: Holding,
}

/// An open order with what few orders have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrderStatement {
    /// The order.
    pub order: Order,
    /// What few have.
    pub extra: Option<Extra>,
}

/// All of an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountStatement {
    /// Its number.
    pub id: AccountId,
    /// Its owner's public key.
    pub owner: [u8; 32],
    /// The account.
    pub account: Account,
    /// All its holdings, by instrument.
    pub holdings: Vec<HoldingStatement>,
    /// All its open orders, by slot.
    pub orders: Vec<OrderStatement>,
    /// The withdrawal that waits, if any (B3).
    pub withdrawal: Option<Withdrawal>,
}

/// What is proven.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Statement {
    /// All of an account.
    Account(Box<AccountStatement>),
    /// There is no such account.
    NoAccount(AccountId),
    /// What an account has in an instrument; `None`: neither a position nor an order.
    Position {
        /// Whose.
        account: AccountId,
        /// In what.
        instrument: InstrumentId,
        /// What.
        held: Option<Box<HoldingStatement>>,
    },
    /// An order; `None`: it is not open.
    Order {
        /// Its handle.
        id: OrderId,
        /// The order.
        open: Option<Box<OrderStatement>>,
    },
    /// Totals that agree with each other.
    Totals {
        /// The venue's.
        venue: Box<Totals>,
        /// The chain's.
        chain: Box<ChainState>,
        /// Of each underlying, by id: its own insurance fund is in it.
        underlyings: Vec<Underlying>,
    },
}

fn account_key(account: AccountId) -> Vec<u8> {
    LeafKey::Account(account).to_bytes()
}

fn holding_key(account: AccountId, instrument: InstrumentId) -> Vec<u8> {
    LeafKey::Holding(HoldingKey { account, instrument }).to_bytes()
}

/// What the keys of all of an account's holdings begin with.
fn holdings_prefix(account: AccountId) -> Vec<u8> {
    let mut prefix = holding_key(account, InstrumentId(0));
    prefix.truncate(prefix.len() - size_of::<u32>());
    prefix
}

fn order_key(slot: u32) -> Vec<u8> {
    LeafKey::Order(Slot(slot)).to_bytes()
}

fn extra_key(slot: u32) -> Vec<u8> {
    LeafKey::Extra(ExtraKey(Slot(slot))).to_bytes()
}

fn totals_key() -> Vec<u8> {
    LeafKey::Totals(Only).to_bytes()
}

fn withdrawal_key(account: AccountId) -> Vec<u8> {
    let mut key = vec![WITHDRAWAL_KIND];
    key.extend_from_slice(&account.0.to_be_bytes());
    key
}

/// Keys of the leaves that name these instruments. They are written once, all of a listing
/// together, so that they share most of their proof; an instrument's own leaf changes all the time.
fn name_keys(ledger: &Ledger, of: &BTreeSet<InstrumentId>) -> Vec<Vec<u8>> {
    let listed = ledger.exchange().instruments().into_iter();
    let named = listed.filter(|(_, instrument)| of.contains(instrument));
    named.map(|(name, _)| LeafKey::Name(name).to_bytes()).collect()
}

/// Proven leaves, and which of them the claim has asked for.
struct Questions<'a> {
    proven: &'a Proven,
    asked: BTreeSet<Vec<u8>>,
}

impl<'a> Questions<'a> {
    fn new(proven: &'a Proven) -> Self {
        Self { proven, asked: BTreeSet::new() }
    }

    /// The leaf of a key, or `None` if it is proven to be absent.
    fn ask<T: Decode>(&mut self, key: Vec<u8>, what: &str) -> Result<Option<T>, ProofError> {
        let Some(value) = self.proven.value(&key) else {
            let gap = self.proven.gap_around(&key);
            let gap = gap.ok_or_else(|| ProofError::Missing { what: what.to_string() })?;
            self.asked.insert(gap.to_vec());
            return Ok(None);
        };
        let read = T::from_bytes(value);
        let read = read.map_err(|error| ProofError::Leaf { what: what.to_string(), error })?;
        self.asked.insert(key);
        Ok(Some(read))
    }

    /// The leaf of a key that must be there.
    fn need<T: Decode>(&mut self, key: Vec<u8>, what: &str) -> Result<T, ProofError> {
        self.ask(key, what)?.ok_or_else(|| ProofError::Absent { what: what.to_string() })
    }

    /// Whether every proven leaf was asked for.
    fn finish(self) -> Result<(), ProofError> {
        match self.proven.keys().find(|key| !self.asked.contains(*key)) {
            Some(key) => Err(ProofError::Superfluous { key: hex::encode(key) }),
            None => Ok(()),
        }
    }
}

fn count(what: &'static str, expected: u32, found: usize) -> Result<(), ProofError> {
    if usize::try_from(expected) == Ok(found) {
        return Ok(());
    }
    Err(ProofError::Count { what, expected, found })
}

fn contradiction(what: String) -> ProofError {
    ProofError::Contradiction { what }
}

impl Claim {
    /// Keys of the leaves that prove the claim in a state, there or not.
    #[must_use]
    pub fn keys(&self, ledger: &Ledger) -> Vec<Vec<u8>> {
        let exchange = ledger.exchange();
        match *self {
            Self::Account { account } => {
                let mut keys = vec![account_key(account)];
                let Some(view) = exchange.account_view(account) else { return keys };
                keys.push(LeafKey::Signer(view.owner).to_bytes());
                keys.push(withdrawal_key(account));
                let held = view.positions.iter().map(|position| position.instrument);
                let held: BTreeSet<InstrumentId> = held.collect();
                keys.extend(held.iter().map(|instrument| holding_key(account, *instrument)));
                keys.extend(name_keys(ledger, &held));
                for order in exchange.orders_of_account(account) {
                    keys.push(order_key(order.id.slot()));
                    let extra = extra_key(order.id.slot());
                    keys.extend(ledger.leaf(&extra).is_some().then_some(extra));
                }
                keys
            }
            Self::Position { account, instrument } => {
                let holding = holding_key(account, instrument);
                let held = ledger.leaf(&holding).map(|_| instrument).into_iter().collect();
                std::iter::once(holding).chain(name_keys(ledger, &held)).collect()
            }
            Self::Order { order } => {
                let mut keys = vec![order_key(order.slot())];
                let extra = extra_key(order.slot());
                let is_open = exchange.order_view(order).is_some();
                keys.extend((is_open && ledger.leaf(&extra).is_some()).then_some(extra));
                keys
            }
            Self::Totals => {
                let totals = ledger.leaf(&totals_key());
                let totals = totals.and_then(|bytes| Totals::from_bytes(&bytes).ok());
                let underlyings = totals.map_or(0, |totals| totals.underlyings);
                let mut keys = vec![totals_key(), vec![CHAIN_KIND]];
                let key_of = |id| LeafKey::Underlying(UnderlyingId(id)).to_bytes();
                keys.extend((0..underlyings).map(key_of));
                keys
            }
        }
    }

    /// What proven leaves say of the claim.
    ///
    /// # Errors
    /// When they say too little or too much, or contradict each other.
    pub fn check(&self, proven: &Proven, header: &Header) -> Result<Statement, ProofError> {
        let mut questions = Questions::new(proven);
        let statement = match *self {
            Self::Account { account } => check_account(&mut questions, account)?,
            Self::Position { account, instrument } => {
                let key = holding_key(account, instrument);
                let what = format!("holding of account {account} in instrument {instrument}");
                let holding = questions.ask(key, &what)?;
                let held = match holding {
                    Some(holding) => {
                        let name = named(&mut questions, instrument)?;
                        Some(Box::new(HoldingStatement { instrument, name, holding }))
                    }
                    None => None,
                };
                Statement::Position { account, instrument, held }
            }
            Self::Order { order } => check_order(&mut questions, order)?,
            Self::Totals => check_totals(&mut questions, header)?,
        };
        questions.finish()?;
        Ok(statement)
    }
}

/// The name of an instrument.
fn named(
    questions: &mut Questions<'_>,
    instrument: InstrumentId,
) -> Result<InstrumentName, ProofError> {
    for (key, value) in questions.proven.starting_with(&[NAME_KIND]) {
        let is_it = InstrumentId::from_bytes(value) == Ok(instrument);
        if let (true, Ok(LeafKey::Name(name))) = (is_it, LeafKey::from_bytes(key)) {
            questions.asked.insert(key.to_vec());
            return Ok(name);
        }
    }
    Err(ProofError::Missing { what: format!("the name of instrument {instrument}") })
}

/// An order with what few have.
fn with_extra(questions: &mut Questions<'_>, order: Order) -> Result<OrderStatement, ProofError> {
    let what = format!("extra of order {}", order.id);
    let key = extra_key(order.id.slot());
    let extra = if order.has_extra { Some(questions.need(key, &what)?) } else { None };
    Ok(OrderStatement { order, extra })
}

fn check_order(questions: &mut Questions<'_>, id: OrderId) -> Result<Statement, ProofError> {
    let what = format!("slot {} of order {id}", id.slot());
    let order: Option<Order> = questions.ask(order_key(id.slot()), &what)?;
    let open = match order {
        // Another order rests in the slot: this one is not open any more.
        Some(order) if order.id == id => Some(Box::new(with_extra(questions, order)?)),
        _ => None,
    };
    Ok(Statement::Order { id, open })
}

fn check_account(questions: &mut Questions<'_>, id: AccountId) -> Result<Statement, ProofError> {
    let account: Option<Account> = questions.ask(account_key(id), &format!("account {id}"))?;
    let Some(account) = account else { return Ok(Statement::NoAccount(id)) };
    let owner = format!("owner of account {id}");
    let owner: SignerRecord = questions.need(LeafKey::Signer(account.owner).to_bytes(), &owner)?;
    let withdrawal = format!("withdrawal of account {id}");
    let withdrawal = questions.ask(withdrawal_key(id), &withdrawal)?;
    let holdings = all_holdings(questions, id)?;
    count("holdings", account.holdings, holdings.len())?;
    let orders = all_orders(questions, id)?;
    count("open orders", account.orders, orders.len())?;
    // The same count once more, by instrument.
    let mut by_instrument: BTreeMap<InstrumentId, u32> = BTreeMap::new();
    for shown in &orders {
        *by_instrument.entry(shown.order.instrument).or_default() += 1;
    }
    for held in &holdings {
        let found = by_instrument.remove(&held.instrument).unwrap_or(0);
        if found != held.holding.orders {
            return Err(contradiction(format!(
                "the holding in instrument {} has {} orders, {found} are proven",
                held.instrument, held.holding.orders
            )));
        }
    }
    if let Some((instrument, _)) = by_instrument.pop_first() {
        return Err(contradiction(format!("an order is for instrument {instrument}, not held")));
    }
    let owner = owner.key;
    let all = AccountStatement { id, owner, account, holdings, orders, withdrawal };
    Ok(Statement::Account(Box::new(all)))
}

fn all_holdings(
    questions: &mut Questions<'_>,
    account: AccountId,
) -> Result<Vec<HoldingStatement>, ProofError> {
    let prefix = holdings_prefix(account);
    let proven = questions.proven;
    let keys: Vec<Vec<u8>> = proven.starting_with(&prefix).map(|(key, _)| key.to_vec()).collect();
    let mut holdings = Vec::with_capacity(keys.len());
    for key in keys {
        let superfluous = || ProofError::Superfluous { key: hex::encode(&key) };
        let Ok(LeafKey::Holding(HoldingKey { instrument, .. })) = LeafKey::from_bytes(&key) else {
            return Err(superfluous());
        };
        let what = format!("holding of account {account} in instrument {instrument}");
        let holding = questions.need(key, &what)?;
        let name = named(questions, instrument)?;
        holdings.push(HoldingStatement { instrument, name, holding });
    }
    Ok(holdings)
}

fn all_orders(
    questions: &mut Questions<'_>,
    account: AccountId,
) -> Result<Vec<OrderStatement>, ProofError> {
    // A prefix of the tag alone: whose an order is stands in the leaf.
    let mut prefix = order_key(0);
    prefix.truncate(1);
    let proven = questions.proven;
    let keys: Vec<Vec<u8>> = proven.starting_with(&prefix).map(|(key, _)| key.to_vec()).collect();
    let mut orders = Vec::with_capacity(keys.len());
    for key in keys {
        let order: Order = questions.need(key.clone(), &format!("order {}", hex::encode(&key)))?;
        if order.account != account {
            return Err(ProofError::Superfluous { key: hex::encode(&key) });
        }
        orders.push(with_extra(questions, order)?);
    }
    Ok(orders)
}

fn check_totals(questions: &mut Questions<'_>, header: &Header) -> Result<Statement, ProofError> {
    let venue: Totals = questions.need(totals_key(), "the venue's totals")?;
    let chain: ChainState = questions.need(vec![CHAIN_KIND], "the chain's totals")?;
    for (whose, height) in [("venue", venue.height), ("chain", chain.height)] {
        if height != header.height {
            let block = header.height;
            return Err(contradiction(format!("the {whose} is at height {height} after {block}")));
        }
    }
    // B4: what the bridge holds is what accounts and funds have and what waits to leave.
    let held = venue.deposits.0.checked_add(chain.withdrawals_pending.0);
    if held != Some(chain.escrow.0) {
        return Err(contradiction(format!(
            "escrow of {} is not deposits of {} and pending withdrawals of {}, micro-USD",
            chain.escrow.0, venue.deposits.0, chain.withdrawals_pending.0
        )));
    }
    let mut underlyings = Vec::new();
    for id in 0..venue.underlyings {
        let key = LeafKey::Underlying(UnderlyingId(id)).to_bytes();
        underlyings.push(questions.need(key, &format!("underlying {id}"))?);
    }
    Ok(Statement::Totals { venue: Box::new(venue), chain: Box::new(chain), underlyings })
}
