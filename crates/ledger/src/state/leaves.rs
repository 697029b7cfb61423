//! The shapes of the chain's leaves. Integers with units, encoded canonically, nothing that can be
//! computed from other leaves.

use crate::block::{OffenceKind, REPORT_HEIGHTS_MAX};
use lockstep_types::chain::params::{SEATS_MAX, SEATS_PER_VALIDATOR_MAX};
use lockstep_types::chain::{ParamChange, Stake, ValidatorKey};
use lockstep_types::codec::Bounded;
use lockstep_types::command::Phase;
use lockstep_types::envelope::ChainId;
use lockstep_types::ids::{SignerId, ValidatorId};
use lockstep_types::units::{Ppm, TimeMs, Usd};
use lockstep_types::{codec_enum, codec_struct};

/// Keys of one validator at most, as a list's length.
pub const KEYS_MAX: usize = SEATS_PER_VALIDATOR_MAX as usize;
/// Seats at most, as a list's length.
pub const COMMITTEE_MAX: usize = SEATS_MAX as usize;

/// Trade is restricted since the chain stood still (H1, H2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outage {
    /// What is possible: `ReduceOnly` or `Auction`.
    pub phase: Phase,
    /// When the chain went on: prices from before do not count as fresh.
    pub since: TimeMs,
    /// Not over before then.
    pub until: TimeMs,
}
codec_struct!(Outage { phase, since, until });

/// Height, clock, totals.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ChainState {
    /// Height of the last block.
    pub height: u64,
    /// Its time.
    pub time: TimeMs,
    /// All stake there is: fixed at genesis.
    pub supply: Stake,
    /// What was slashed and not paid for evidence.
    pub treasury: Stake,
    /// What is mixed from validators' reveals for the next election (O3).
    pub seed: [u8; 32],
    /// Of the validators' fees, how much belongs to somebody already (S5).
    pub rewards_owed: Usd,
    /// Proposals so far.
    pub proposals: u32,
    /// Restriction since the chain stood still.
    pub outage: Option<Outage>,
    /// Nothing is withdrawn before (H3).
    pub withdrawals_from: TimeMs,
    /// What came in less what was paid out (B4).
    pub escrow: Usd,
    /// What waits to be paid out (B3).
    pub withdrawals_pending: Usd,
    /// Number of the window in which `window_paid` was paid out (B3).
    pub window: i64,
    /// What was paid out in it.
    pub window_paid: Usd,
    /// What was in escrow when it began.
    pub window_escrow: Usd,
    /// Number of the bridge's last credited deposit (B1).
    pub deposits: u64,
}
codec_struct!(ChainState {
    height,
    time,
    supply,
    treasury,
    seed,
    rewards_owed,
    proposals,
    outage,
    withdrawals_from,
    escrow,
    withdrawals_pending,
    window,
    window_paid,
    window_escrow,
    deposits,
});

/// What genesis fixed for ever.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Charter {
    /// The chain's id: the digest of its genesis.
    pub chain: ChainId,
    /// Who hands out test money and stake, if anybody.
    pub faucet: Option<SignerId>,
}
codec_struct!(Charter { chain, faucet });

/// Whether a validator may be elected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It may.
    Active,
    /// Not before it comes back, then at the earliest (S7).
    Jailed {
        /// When.
        until: TimeMs,
    },
    /// Never again (S6).
    Tombstoned,
}
codec_enum!(Standing { 0 => Active, 1 => Jailed { until }, 2 => Tombstoned });

/// A validator (S1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Validator {
    /// Whose it is.
    pub owner: SignerId,
    /// Its keys, one for each seat that it may hold, at least one.
    pub keys: Bounded<ValidatorKey, KEYS_MAX>,
    /// How many keys it ever had.
    pub keys_ever: u16,
    /// Whether it may be elected.
    pub standing: Standing,
    /// Its part of its delegators' rewards (S5).
    pub commission: Ppm,
    /// The epoch in which the commission was last set.
    pub commission_epoch: u64,
    /// The commission when that epoch began.
    pub commission_before: Ppm,
    /// Stake that is bonded to it, its owner's included.
    pub tokens: Stake,
    /// Shares of it. A share is worth a token at first and less after a slash, never more.
    pub shares: u64,
    /// Rewards per share since it began, in micro-USD times 2^32 (S5).
    pub reward_index: u128,
    /// Epochs of absence in a row (S7).
    pub absent_epochs: u16,
}
codec_struct!(Validator {
    owner,
    keys,
    keys_ever,
    standing,
    commission,
    commission_epoch,
    commission_before,
    tokens,
    shares,
    reward_index,
    absent_epochs,
});

/// A delegation (S2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Delegation {
    /// Shares of the validator's tokens.
    pub shares: u64,
    /// The validator's reward index up to which `due` is.
    pub reward_mark: u128,
    /// Rewards not collected.
    pub due: Usd,
}
codec_struct!(Delegation { shares, reward_mark, due });

/// Stake that left a validator in one epoch (S3).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pool {
    /// What it is worth.
    pub tokens: Stake,
    /// Shares of it; worth a token each until it is slashed.
    pub shares: u64,
    /// It can be slashed until then and collected from then on.
    pub matures: TimeMs,
}
codec_struct!(Pool { tokens, shares, matures });

/// A delegator's part of a pool (S3).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Unbonding {
    /// Shares of the pool.
    pub shares: u64,
}
codec_struct!(Unbonding { shares });

/// An owner's stake that is bonded to nobody.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Staker {
    /// How much.
    pub free: Stake,
    /// Unbonding entries that are not collected.
    pub unbondings: u16,
}
codec_struct!(Staker { free, unbondings });

/// A seat of a committee.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seat {
    /// With which key it votes.
    pub key: ValidatorKey,
    /// Whose it is.
    pub validator: ValidatorId,
    /// Stake behind it: the validator's divided by its seats, rounded down. Votes count heads.
    pub stake: Stake,
}
codec_struct!(Seat { key, validator, stake });

/// Who votes in an epoch (S4).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Committee {
    /// In which.
    pub epoch: u64,
    /// Seed of its schedule of leaders (O3).
    pub seed: [u8; 32],
    /// Its seats, in order of key.
    pub seats: Bounded<Seat, COMMITTEE_MAX>,
}
codec_struct!(Committee { epoch, seed, seats });

/// Who took part in the current epoch (S5, S7).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Attendance {
    /// Blocks whose proposer said who signed.
    pub blocks: u32,
    /// How many of their certificates each seat signed.
    pub signed: Bounded<u32, COMMITTEE_MAX>,
}
codec_struct!(Attendance { blocks, signed });

/// How long a block took to become final, as a validator saw it (O2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SeenFinal {
    /// Which block.
    pub height: u64,
    /// When, by the validator's clock.
    pub seen: TimeMs,
}
codec_struct!(SeenFinal { height, seen });

/// A validator's last report (O1, O2, O3).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Word {
    /// Its time.
    pub time: TimeMs,
    /// Digest of what its next report reveals.
    pub commit: [u8; 32],
    /// The epoch of it.
    pub epoch: u64,
    /// Reports in that epoch.
    pub reports: u32,
    /// Blocks that it saw final.
    pub finality: Bounded<SeenFinal, REPORT_HEIGHTS_MAX>,
}
codec_struct!(Word { time, commit, epoch, reports, finality });

/// An offence that was slashed (S6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Offence {
    /// What was done.
    pub kind: OffenceKind,
    /// In which view.
    pub view: u64,
    /// Digest of the proof.
    pub digest: [u8; 32],
    /// Stake that was behind the offender, bonded and unbonding.
    pub stake: Stake,
    /// The share of it that is slashed by now.
    pub share: Ppm,
}
codec_struct!(Offence { kind, view, digest, stake, share });

/// A proposal (G1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proposal {
    /// Who proposed it.
    pub validator: ValidatorId,
    /// The last epoch in which it can pass.
    pub until_epoch: u64,
    /// Whether it has passed and waits for the next epoch.
    pub passed: bool,
    /// What it changes.
    pub change: ParamChange,
}
codec_struct!(Proposal { validator, until_epoch, passed, change });

/// An epoch of which evidence is taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EpochRecord {
    /// Time of its first block.
    pub started: TimeMs,
    /// All bonded stake when its committee was elected.
    pub bonded: Stake,
}
codec_struct!(EpochRecord { started, bonded });

/// What a validator said of a deposit (B1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct DepositClaim {
    /// Whose.
    pub owner: [u8; 32],
    /// For which sub-account.
    pub sub: u8,
    /// How much.
    pub amount: Usd,
}
codec_struct!(DepositClaim { owner, sub, amount });

/// A withdrawal that waits (B3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Withdrawal {
    /// How much.
    pub amount: Usd,
    /// Not paid before.
    pub due: TimeMs,
}
codec_struct!(Withdrawal { amount, due });
