//! What can happen to the clear waterfall, and what it answers.
//!
//! Numbers of events are those that an engine decides; numbers of outcomes are those that follow
//! from them and can be compared with the engine's.

use std::collections::BTreeMap;

/// What an instrument is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Contract {
    /// Whose fund its liquidation fees go to.
    pub underlying: u8,
    /// An option; otherwise a perpetual or a future.
    pub is_option: bool,
}

/// How the lots of a leg are rounded when a share of it is sold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SliceLots {
    /// At least the share leaves the account.
    AwayFromZero,
    /// At most the share leaves the account; of a small share nothing does.
    TowardsZero,
}

/// What does not change.
#[derive(Clone, Debug)]
pub struct Rules {
    /// Instruments by id.
    pub contracts: BTreeMap<u32, Contract>,
    /// Fee of a liquidated account, ppm of notional.
    pub liquidation_fee_ppm: i64,
    /// Its cap for options, ppm of premium.
    pub option_fee_cap_ppm: i64,
    /// How a slice rounds lots.
    pub slice_lots: SliceLots,
}

/// Whose money it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Purse {
    /// An account's cash.
    Account(u32),
    /// The ring-fenced fund of an underlying.
    Fund(u8),
    /// The shared fund: the tail of every deficit.
    Shared,
    /// Ordinary trading fees.
    Fees,
}

/// Lots that change hands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fill {
    /// What is traded.
    pub instrument: u32,
    /// Micro-USD per unit of the underlying, not negative.
    pub price: i64,
    /// How much, positive.
    pub lots: i64,
    /// Who buys.
    pub buyer: u32,
    /// Who sells.
    pub seller: u32,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// Money from outside the waterfall, or, negative, out of it: deposits, withdrawals, funding,
    /// settlement, base fees, the split of fees.
    Flow {
        /// Whose.
        purse: Purse,
        /// Micro-USD.
        amount: i64,
    },
    /// The mark of an instrument, micro-USD per unit.
    Mark {
        /// Of which.
        instrument: u32,
        /// The mark.
        price: i64,
    },
    /// The index of an underlying, which fees of options are of; micro-USD per unit.
    Index {
        /// Of which.
        underlying: u8,
        /// The index.
        price: i64,
    },
    /// An ordinary trade.
    Trade {
        /// What changed hands.
        fill: Fill,
        /// The buyer's fee; negative if a rebate.
        buyer_fee: i64,
        /// The seller's fee.
        seller_fee: i64,
    },
    /// A trade of a liquidation order (step 2).
    Liquidation {
        /// What changed hands.
        fill: Fill,
        /// Who is liquidated: the buyer or the seller.
        account: u32,
        /// The other side's fee.
        other_fee: i64,
    },
    /// A slice of an account goes to a bidder (step 3).
    Slice {
        /// Who is liquidated.
        account: u32,
        /// Who takes the slice.
        bidder: u32,
        /// How much of the account, 0 to a million.
        share_ppm: i64,
        /// What the bidder pays; negative if it is paid.
        price: i64,
        /// By underlying, who pays a bidder that is paid.
        weights: BTreeMap<u8, u64>,
    },
    /// Insurance pays what an account's equity is below zero (step 4).
    Cover {
        /// Whose deficit.
        account: u32,
        /// The funds' weights by underlying.
        weights: BTreeMap<u8, u64>,
    },
    /// A trade that closes a bankrupt position against an opposite one (step 5).
    Deleverage {
        /// What changed hands.
        fill: Fill,
    },
}

/// What followed from an event.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// The fee of the liquidated account, micro-USD.
    pub liquidation_fee: i128,
    /// Lots that went to the bidder, by instrument, signed as the leg.
    pub legs: BTreeMap<u32, i128>,
    /// Cash that went to the bidder with the legs; negative if it took over a debt.
    pub collateral: i128,
    /// Paid by ring-fenced funds, by underlying; those with a weight only.
    pub from_funds: BTreeMap<u8, i128>,
    /// Paid by the shared fund.
    pub from_shared: i128,
    /// Deficit that nobody paid.
    pub uncovered: i128,
}

/// Why an event was impossible. Nothing has changed then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// No such instrument.
    UnknownInstrument(u32),
    /// An instrument without a mark, or an underlying without an index, that counts.
    NoPrice,
    /// Lots that are not positive, or a negative price of a fill.
    OutOfRange,
    /// Both sides are the same account, or the liquidated account is on neither.
    WrongSides,
    /// A fill that should reduce this account's position does not.
    NotReducing(u32),
    /// A share below nothing or above a whole.
    Share,
    /// A fund, or the shared fund, does not have what is taken.
    Unfunded,
}
