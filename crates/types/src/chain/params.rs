//! What the chain can be set to: seats, stake, slashing, votes, outages, withdrawals. Part of the
//! state; `Default` is the genesis of the development network.

use super::{ChainReject, ChainRejectCode, Stake};
use crate::codec_struct;
use crate::units::{DAY_MS, HOUR_MS, PPM, Ppm, SpanMs, Usd};

/// Seats in a committee at most: quorums count heads, and a certificate has a signature of each.
pub const SEATS_MAX: u16 = 128;
/// Seats, and so keys, of one validator at most.
pub const SEATS_PER_VALIDATOR_MAX: u8 = 8;
/// Epochs that are remembered for evidence. An epoch must be long enough that an unbonding period
/// has fewer.
pub const EPOCHS_KEPT: u64 = 4_096;
/// No span of the parameters is longer.
const SPAN_MS_MAX: i64 = 366 * DAY_MS;

/// Everything that holds for the chain around the venue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChainParams {
    /// Blocks in an epoch; fixed at genesis (S4).
    pub epoch_blocks: u32,
    /// Seats in a committee (S4).
    pub seats: u16,
    /// Seats of one validator at most (S4).
    pub seats_per_validator: u8,
    /// A validator with less stake of its own is not elected (S4).
    pub self_stake_min: Stake,
    /// A delegation moves at least this much (S2).
    pub delegation_min: Stake,
    /// How long stake that was taken back can still be slashed (S3).
    pub unbonding: SpanMs,
    /// Commission at most (S5).
    pub commission_max: Ppm,
    /// Commission rises by at most this in one epoch (S5).
    pub commission_rise_max: Ppm,
    /// Of the stake behind an offender, slashed at once (S6).
    pub slash_share: Ppm,
    /// Slashed beside, of each: this multiple of the share of all stake that offended (S6).
    pub slash_correlation: Ppm,
    /// Offences that are fewer epochs apart than this are taken together (S6).
    pub slash_window_epochs: u16,
    /// Of what is slashed, paid to the validator that handed the evidence in (S6).
    pub evidence_reward: Ppm,
    /// A validator whose part in an epoch is below this share of the network's is absent (S7).
    pub absence_share: Ppm,
    /// After this many epochs of absence in a row it is jailed (S7).
    pub absence_epochs: u16,
    /// How long, until it may come back (S7).
    pub jail: SpanMs,
    /// A proposal passes with more than this share of all bonded stake for it (G1).
    pub vote_share: Ppm,
    /// Epochs until a proposal lapses (G1).
    pub vote_epochs: u16,
    /// A validator's reports count once per interval (O1).
    pub report_interval: SpanMs,
    /// After this long without a block only orders that reduce are taken until prices are fresh
    /// (H1).
    pub outage_reduce: SpanMs,
    /// After this long every book reopens by auction (H2).
    pub outage_auction: SpanMs,
    /// How long orders collect for that auction at least (H2).
    pub outage_reopen: SpanMs,
    /// How long nothing is withdrawn after an outage (H3).
    pub outage_withdrawals: SpanMs,
    /// How long a withdrawal waits (B3).
    pub withdrawal_delay: SpanMs,
    /// Withdrawals are limited per window of this length (B3).
    pub withdrawal_window: SpanMs,
    /// To this share of all that is in escrow (B3).
    pub withdrawal_share: Ppm,
    /// Or to this, if it is more (B3).
    pub withdrawal_floor: Usd,
}
codec_struct!(ChainParams {
    epoch_blocks,
    seats,
    seats_per_validator,
    self_stake_min,
    delegation_min,
    unbonding,
    commission_max,
    commission_rise_max,
    slash_share,
    slash_correlation,
    slash_window_epochs,
    evidence_reward,
    absence_share,
    absence_epochs,
    jail,
    vote_share,
    vote_epochs,
    report_interval,
    outage_reduce,
    outage_auction,
    outage_reopen,
    outage_withdrawals,
    withdrawal_delay,
    withdrawal_window,
    withdrawal_share,
    withdrawal_floor,
});

impl Default for ChainParams {
    fn default() -> Self {
        Self {
            epoch_blocks: 1_024,
            seats: 32,
            seats_per_validator: 4,
            self_stake_min: Stake(1_000_000_000),
            delegation_min: Stake(1_000_000),
            unbonding: SpanMs(14 * DAY_MS),
            commission_max: Ppm(200_000),
            commission_rise_max: Ppm(10_000),
            slash_share: Ppm(50_000),
            slash_correlation: Ppm(3_000_000),
            slash_window_epochs: 64,
            evidence_reward: Ppm(50_000),
            absence_share: Ppm(100_000),
            absence_epochs: 8,
            jail: SpanMs(HOUR_MS),
            vote_share: Ppm(666_667),
            vote_epochs: 64,
            report_interval: SpanMs(500),
            outage_reduce: SpanMs(5_000),
            outage_auction: SpanMs(60_000),
            outage_reopen: SpanMs(10_000),
            outage_withdrawals: SpanMs(HOUR_MS),
            withdrawal_delay: SpanMs(60_000),
            withdrawal_window: SpanMs(HOUR_MS),
            withdrawal_share: Ppm(100_000),
            withdrawal_floor: Usd(100_000_000_000),
        }
    }
}

/// Refuses `actual` unless it lies within the limits, both included.
fn within(field: &'static str, actual: i64, least: i64, most: i64) -> Result<(), BadParam> {
    if actual < least {
        return Err(BadParam { field, actual, limit: least });
    }
    if actual > most {
        return Err(BadParam { field, actual, limit: most });
    }
    Ok(())
}

/// A parameter out of range, by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadParam {
    /// Which field of [`ChainParams`].
    pub field: &'static str,
    /// Its value.
    pub actual: i64,
    /// The limit that it breaks.
    pub limit: i64,
}

impl From<BadParam> for ChainReject {
    fn from(bad: BadParam) -> Self {
        Self::beyond(ChainRejectCode::BadParameters, bad.actual, bad.limit)
    }
}

impl ChainParams {
    /// Refuses parameters that the chain could not work with, or under which it would not be safe:
    /// an offender must lose something, more than half of all stake decides, a quorum of seats
    /// cannot be one validator's.
    ///
    /// # Errors
    /// The first field that is out of range.
    pub fn check(&self) -> Result<(), BadParam> {
        let stake = |stake: Stake| i64::try_from(stake.0).unwrap_or(i64::MAX);
        within("epoch_blocks", i64::from(self.epoch_blocks), 4, 1 << 24)?;
        within("seats", i64::from(self.seats), 1, i64::from(SEATS_MAX))?;
        let most = i64::from(SEATS_PER_VALIDATOR_MAX);
        within("seats_per_validator", i64::from(self.seats_per_validator), 1, most)?;
        within("self_stake_min", stake(self.self_stake_min), 1, i64::MAX - 1)?;
        within("delegation_min", stake(self.delegation_min), 1, i64::MAX - 1)?;
        within("commission_max", self.commission_max.0, 0, PPM)?;
        within("commission_rise_max", self.commission_rise_max.0, 0, PPM)?;
        within("slash_share", self.slash_share.0, 1, PPM)?;
        within("slash_correlation", self.slash_correlation.0, 0, 100 * PPM)?;
        within("slash_window_epochs", i64::from(self.slash_window_epochs), 1, 1_024)?;
        within("evidence_reward", self.evidence_reward.0, 0, PPM / 2)?;
        within("absence_share", self.absence_share.0, 0, PPM / 2)?;
        within("absence_epochs", i64::from(self.absence_epochs), 1, i64::MAX)?;
        within("vote_share", self.vote_share.0, PPM / 2, PPM - 1)?;
        within("vote_epochs", i64::from(self.vote_epochs), 1, i64::MAX)?;
        within("withdrawal_share", self.withdrawal_share.0, 0, PPM)?;
        within("withdrawal_floor", self.withdrawal_floor.0, 1, i64::MAX)?;
        within("report_interval", self.report_interval.0, 1, DAY_MS)?;
        within("outage_reduce", self.outage_reduce.0, 1, DAY_MS)?;
        within("outage_auction", self.outage_auction.0, self.outage_reduce.0, DAY_MS)?;
        within("withdrawal_window", self.withdrawal_window.0, 1, SPAN_MS_MAX)?;
        let spans = [
            ("unbonding", self.unbonding),
            ("jail", self.jail),
            ("outage_reopen", self.outage_reopen),
            ("outage_withdrawals", self.outage_withdrawals),
            ("withdrawal_delay", self.withdrawal_delay),
        ];
        spans.into_iter().try_for_each(|(field, span)| within(field, span.0, 0, SPAN_MS_MAX))
    }
}
