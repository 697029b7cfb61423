//! What the chain remembers beside the exchange: tables of typed leaves with a journal.
//!
//! [`table`] has one kind of leaf, an ordered map that keeps the value before of whatever changed
//! since the checkpoint; [`leaves`] the shapes; [`key`] the bytes by which a commitment knows them.
//! The kinds begin at [`KIND_MIN`], where the exchange's end, so that both lie in one key space.
//! This file lists the tables.
//!
//! Deliberately absent: partial states and witnesses; the chain's own leaves are always all known.

pub mod key;
pub mod leaves;
pub mod table;

use alloc::vec::Vec;
use key::{KeyPart, Only};
use leaves::{
    Attendance, ChainState, Charter, Committee, Delegation, DepositClaim, EpochRecord, Offence,
    Pool, Proposal, Staker, Unbonding, Validator, Withdrawal, Word,
};
use lockstep_exchange::state::changes::Changes;
use lockstep_types::chain::{ChainParams, ValidatorKey};
use lockstep_types::codec::{Decode, DecodeError, DecodeErrorKind, Encode, Reader};
use lockstep_types::ids::{AccountId, SignerId, ValidatorId};
use lockstep_types::units::TimeMs;
use table::{Before, Table};

/// The first byte of the chain's keys is at least this, that of the exchange's below it.
pub const KIND_MIN: u8 = 128;

macro_rules! tables {
    ($($(#[$doc:meta])* $kind:literal $field:ident: $key:ty => $value:ty;)*) => {
        /// Every table.
        #[derive(Clone, Debug, Default)]
        pub(crate) struct State {
            $($(#[$doc])* pub(crate) $field: Table<$key, $value>,)*
        }

        /// The values before of all that a run of blocks changed on the chain's side.
        #[derive(Clone, Debug, Default)]
        pub(crate) struct ChainJournal {
            $($field: Before<$key, $value>,)*
        }

        impl State {
            /// Ends the run: hands out its journal and starts the next one.
            pub(crate) fn take_journal(&mut self) -> ChainJournal {
                ChainJournal { $($field: self.$field.take_before(),)* }
            }

            /// Puts back what a run changed. It must be the latest run that was not undone yet.
            pub(crate) fn undo(&mut self, journal: ChainJournal) {
                $(self.$field.restore(journal.$field);)*
            }

            /// Adds the leaves that the run of `journal`, the latest one, changed.
            pub(crate) fn add_changes(&self, journal: &ChainJournal, changes: &mut Changes) {
                $(for (key, before) in &journal.$field {
                    let after = self.$field.get(*key);
                    if before.as_ref() != after {
                        changes.add(|out| write_key($kind, key, out), after);
                    }
                })*
            }

            /// Calls `visit` with every leaf, in order of key bytes.
            pub(crate) fn each_leaf(&self, visit: &mut dyn FnMut(Vec<u8>, Vec<u8>)) {
                $(for (key, value) in self.$field.iter() {
                    let mut bytes = Vec::new();
                    write_key($kind, key, &mut bytes);
                    visit(bytes, value.to_bytes());
                })*
            }

            /// Loads one leaf.
            ///
            /// # Errors
            /// When the bytes are no key or no value of its kind.
            pub(crate) fn load(&mut self, key: &[u8], value: &[u8]) -> Result<(), DecodeError> {
                let mut reader = Reader::new(key);
                match u8::decode(&mut reader)? {
                    $($kind => {
                        let key = <$key as KeyPart>::read(&mut reader)?;
                        reader.finish()?;
                        self.$field.load(key, <$value>::from_bytes(value)?);
                    })*
                    tag => {
                        let kind = DecodeErrorKind::BadTag { tag };
                        return Err(DecodeError::new(kind).within("leaf key"));
                    }
                }
                Ok(())
            }

            /// The encoding of a leaf's value now, if present.
            pub(crate) fn leaf(&self, key: &[u8]) -> Option<Vec<u8>> {
                let mut reader = Reader::new(key);
                match u8::decode(&mut reader).ok()? {
                    $($kind => {
                        let key = <$key as KeyPart>::read(&mut reader).ok()?;
                        reader.finish().ok()?;
                        self.$field.get(key).map(Encode::to_bytes)
                    })*
                    _ => None,
                }
            }
        }
    };
}

tables! {
    /// Height, clock, totals: the leaf that every block changes.
    128 chain: Only => ChainState;
    /// What genesis fixed for ever.
    129 charter: Only => Charter;
    /// The chain's parameters.
    130 params: Only => ChainParams;
    /// Validators.
    131 validators: ValidatorId => Validator;
    /// The validator of an owner.
    132 owners: SignerId => ValidatorId;
    /// The validator of a key.
    133 keys: ValidatorKey => ValidatorId;
    /// Delegations.
    134 delegations: (ValidatorId, SignerId) => Delegation;
    /// Stake that left a validator in an epoch and unbonds.
    135 pools: (ValidatorId, u64) => Pool;
    /// A delegator's part of such a pool.
    136 unbondings: (ValidatorId, SignerId, u64) => Unbonding;
    /// Owners' free stake.
    137 stakers: SignerId => Staker;
    /// Committees of the last epochs, the current and the next one.
    138 committees: u64 => Committee;
    /// Who took part in the current epoch.
    139 attendance: Only => Attendance;
    /// Validators' last reports.
    140 words: ValidatorId => Word;
    /// Offences that were slashed.
    141 offences: (u64, ValidatorId) => Offence;
    /// Proposals that are open, or wait for their epoch.
    142 proposals: u32 => Proposal;
    /// Votes on open proposals.
    143 votes: (u32, ValidatorId) => bool;
    /// Epochs of which evidence is taken.
    144 epochs: u64 => EpochRecord;
    /// What validators said of deposits that are not credited yet.
    145 claims: (u64, ValidatorId) => DepositClaim;
    /// Withdrawals that wait.
    146 withdrawals: AccountId => Withdrawal;
    /// The accounts that have one, by its time.
    147 dues: (TimeMs, AccountId) => bool;
}

fn write_key(kind: u8, key: &impl KeyPart, out: &mut Vec<u8>) {
    out.push(kind);
    key.write(out);
}
