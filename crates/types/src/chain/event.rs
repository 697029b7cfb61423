//! What happened on the chain around the venue; the venue's own events stand beside these.

use super::{ChainReject, Stake, ValidatorKey};
use crate::codec_enum;
use crate::command::Phase;
use crate::ids::{AccountId, SignerId, UnderlyingId, ValidatorId};
use crate::reject::Reject;
use crate::units::{Ppm, SpanMs, TimeMs, Usd};

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ChainEvent {
    /// A user's chain command was refused; it has used its nonce and paid its base fee.
    Refused {
        /// Its place among the block's commands.
        item: u32,
        /// Who signed it.
        signer: SignerId,
        /// Why.
        reject: ChainReject,
    },
    /// A system item was refused.
    ItemRefused {
        /// Its place in the block's system part.
        item: u16,
        /// Why.
        reject: ChainReject,
    },
    /// The venue refused one price of a report; the rest of the report counts (O1).
    PriceRefused {
        /// Place of the report in the block's system part.
        item: u16,
        /// Of which underlying.
        underlying: UnderlyingId,
        /// Why.
        reject: Reject,
    },
    /// Somebody became a validator (S1).
    Registered {
        /// Its number.
        validator: ValidatorId,
        /// Its owner.
        owner: SignerId,
        /// The key of its first seat.
        key: ValidatorKey,
    },
    /// A validator has one more key, or one less (S1).
    KeyChanged {
        /// Which validator.
        validator: ValidatorId,
        /// The key.
        key: ValidatorKey,
        /// Whether it has it now.
        added: bool,
    },
    /// A validator is gone: nothing was left of it (S1).
    Retired {
        /// Which.
        validator: ValidatorId,
    },
    /// A commission was set (S5).
    CommissionSet {
        /// Whose.
        validator: ValidatorId,
        /// The new one.
        commission: Ppm,
    },
    /// Stake was delegated (S2).
    Delegated {
        /// To whom.
        validator: ValidatorId,
        /// By whom.
        delegator: SignerId,
        /// How much.
        amount: Stake,
    },
    /// Delegated stake was taken back and unbonds (S3).
    Undelegated {
        /// From whom.
        validator: ValidatorId,
        /// By whom.
        delegator: SignerId,
        /// How much.
        amount: Stake,
        /// From then on it can be collected, unless a later one of the same epoch moves that.
        matures: TimeMs,
    },
    /// A delegator collected (S3, S5).
    Collected {
        /// From whom.
        validator: ValidatorId,
        /// Who.
        delegator: SignerId,
        /// Rewards, to its first account.
        rewards: Usd,
        /// Stake that is free now.
        stake: Stake,
    },
    /// Free stake changed hands.
    StakeSent {
        /// From.
        from: SignerId,
        /// To.
        to: SignerId,
        /// How much.
        amount: Stake,
    },
    /// Stake behind a validator was slashed, bonded and unbonding (S6).
    Slashed {
        /// Whose.
        validator: ValidatorId,
        /// The share that is gone by now for this offence.
        share: Ppm,
        /// How much this took.
        amount: Stake,
        /// Of that, paid for the evidence.
        reward: Stake,
    },
    /// A validator has offended and is out for ever (S6).
    Tombstoned {
        /// Which.
        validator: ValidatorId,
    },
    /// A validator was absent too long (S7).
    Jailed {
        /// Which.
        validator: ValidatorId,
        /// When it may come back.
        until: TimeMs,
    },
    /// A validator came back (S7).
    Unjailed {
        /// Which.
        validator: ValidatorId,
    },
    /// The committee of the next epoch was elected (S4).
    Elected {
        /// Of which epoch.
        epoch: u64,
        /// How many seats.
        seats: u16,
        /// The stake behind them.
        stake: Stake,
    },
    /// Fees of an epoch were divided among seats (S5).
    Rewarded {
        /// Of which epoch.
        epoch: u64,
        /// How much.
        amount: Usd,
    },
    /// A change of parameters is up for a vote (G1).
    Proposed {
        /// Its number.
        proposal: u32,
        /// By whom.
        validator: ValidatorId,
        /// The last epoch in which it can pass.
        until_epoch: u64,
    },
    /// A validator voted (G1).
    Voted {
        /// On what.
        proposal: u32,
        /// Who.
        validator: ValidatorId,
        /// Whether for it.
        approve: bool,
    },
    /// A proposal passed, or lapsed (G1).
    Decided {
        /// Which.
        proposal: u32,
        /// Whether it passed.
        passed: bool,
        /// Stake for it.
        stake: Stake,
    },
    /// What a proposal changes holds from this block on, or was refused after all (G2).
    Activated {
        /// Which.
        proposal: u32,
        /// Why not, if not.
        reject: Option<ChainReject>,
    },
    /// The chain stood still (H1, H2).
    OutageBegan {
        /// How long.
        gap: SpanMs,
        /// What is possible until prices are fresh.
        phase: Phase,
    },
    /// Trade goes on as before the outage (H1, H2).
    OutageEnded {
        /// Nothing is withdrawn before.
        withdrawals_from: TimeMs,
    },
    /// Money came in through the bridge or the faucet (B1, B2).
    DepositCredited {
        /// Its number at the bridge; 0: the faucet.
        number: u64,
        /// How much.
        amount: Usd,
    },
    /// The venue refused a deposit that the bridge has seen; the money stays with the bridge (B1).
    DepositReturned {
        /// Its number at the bridge.
        number: u64,
        /// How much.
        amount: Usd,
    },
    /// A withdrawal waits for its time (B3).
    WithdrawalQueued {
        /// From which account.
        account: AccountId,
        /// All that the account has waiting.
        amount: Usd,
        /// Not paid before.
        due: TimeMs,
    },
    /// A withdrawal was paid out to the account's owner, in whole or as far as the limit goes (B3).
    WithdrawalPaid {
        /// From which account.
        account: AccountId,
        /// The owner's key.
        owner: [u8; 32],
        /// How much.
        amount: Usd,
    },
}
codec_enum!(ChainEvent {
    0 => Refused { item, signer, reject },
    1 => ItemRefused { item, reject },
    2 => PriceRefused { item, underlying, reject },
    3 => Registered { validator, owner, key },
    4 => KeyChanged { validator, key, added },
    5 => Retired { validator },
    6 => CommissionSet { validator, commission },
    7 => Delegated { validator, delegator, amount },
    8 => Undelegated { validator, delegator, amount, matures },
    9 => Collected { validator, delegator, rewards, stake },
    10 => StakeSent { from, to, amount },
    11 => Slashed { validator, share, amount, reward },
    12 => Tombstoned { validator },
    13 => Jailed { validator, until },
    14 => Unjailed { validator },
    15 => Elected { epoch, seats, stake },
    16 => Rewarded { epoch, amount },
    17 => Proposed { proposal, validator, until_epoch },
    18 => Voted { proposal, validator, approve },
    19 => Decided { proposal, passed, stake },
    20 => Activated { proposal, reject },
    21 => OutageBegan { gap, phase },
    22 => OutageEnded { withdrawals_from },
    23 => DepositCredited { number, amount },
    24 => DepositReturned { number, amount },
    25 => WithdrawalQueued { account, amount, due },
    26 => WithdrawalPaid { account, owner, amount },
});
