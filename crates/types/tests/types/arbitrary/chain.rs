//! Chain commands, parameters and changes.

use super::params::{underlying_params, venue};
use super::*;
use lockstep_types::chain::{ChainCommand, ChainParams, ParamChange, Stake};
use lockstep_types::ids::ValidatorId;

pub fn stake() -> BoxedStrategy<Stake> {
    prop_oneof![any::<u64>(), 0..10_000_u64, Just(u64::MAX)].prop_map(Stake).boxed()
}

pub fn validator() -> BoxedStrategy<ValidatorId> {
    any::<u16>().prop_map(ValidatorId).boxed()
}

/// Parameters with some fields anything at all.
pub fn chain_params() -> BoxedStrategy<ChainParams> {
    (
        (any::<u32>(), any::<u16>(), any::<u8>()),
        (stake(), stake()),
        (span(), span()),
        (ppm(), usd()),
    )
        .prop_map(|(sizes, stakes, spans, rest)| ChainParams {
            epoch_blocks: sizes.0,
            seats: sizes.1,
            seats_per_validator: sizes.2,
            self_stake_min: stakes.0,
            delegation_min: stakes.1,
            unbonding: spans.0,
            outage_auction: spans.1,
            slash_share: rest.0,
            withdrawal_floor: rest.1,
            ..ChainParams::default()
        })
        .boxed()
}

pub fn param_change() -> BoxedStrategy<ParamChange> {
    prop_oneof![
        chain_params().prop_map(|params| ParamChange::Chain(Box::new(params))),
        venue().prop_map(|params| ParamChange::Venue(Box::new(params))),
        (underlying(), underlying_params()).prop_map(|(underlying, params)| {
            ParamChange::Underlying { underlying, params: Box::new(params) }
        }),
        underlying_params().prop_map(|params| ParamChange::AddUnderlying(Box::new(params))),
        instrument_name().prop_map(ParamChange::List),
    ]
    .boxed()
}

pub fn chain_command() -> BoxedStrategy<ChainCommand> {
    prop_oneof![
        (bytes_32(), ppm(), stake()).prop_map(|(key, commission, stake)| {
            ChainCommand::Register { key, commission, stake }
        }),
        bytes_32().prop_map(|key| ChainCommand::AddKey { key }),
        bytes_32().prop_map(|key| ChainCommand::RemoveKey { key }),
        ppm().prop_map(|commission| ChainCommand::SetCommission { commission }),
        (validator(), stake())
            .prop_map(|(validator, amount)| ChainCommand::Delegate { validator, amount }),
        (validator(), stake())
            .prop_map(|(validator, amount)| ChainCommand::Undelegate { validator, amount }),
        validator().prop_map(|validator| ChainCommand::Collect { validator }),
        Just(ChainCommand::Unjail),
        (bytes_32(), stake()).prop_map(|(to, amount)| ChainCommand::SendStake { to, amount }),
        param_change().prop_map(ChainCommand::Propose),
        (any::<u32>(), any::<bool>())
            .prop_map(|(proposal, approve)| ChainCommand::Vote { proposal, approve }),
        (bytes_32(), any::<u8>(), usd(), stake()).prop_map(|(owner, sub, amount, stake)| {
            ChainCommand::Faucet { owner, sub, amount, stake }
        }),
    ]
    .boxed()
}
