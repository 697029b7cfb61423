//! The light client: believes what a quorum certified, and nothing else; offline.
//!
//! [`certified`] follows committees from the genesis through handovers and checks certificates of
//! finality over headers; [`state`] checks leaves and the absence of leaves against a header's
//! state root; [`claim`] says which leaves prove what, and that none was left out; [`bundle`] is
//! the file that carries all of it. [`prove`] makes proofs from a store, [`offline`] from the files
//! of a node; [`follow`] judges final blocks as they come.
//!
//! Invariants: whatever is said to be proven follows from the genesis, the collision resistance of
//! SHA-256, and fewer than a third of dishonest seats in each committee on the way; a proof has one
//! encoding and nothing in it that the claim does not need; bad input is an error that names what
//! is wrong with it, never a panic. Deliberately absent: networks, files and clocks; whoever asks
//! says what time it is.

pub mod bundle;
pub mod certified;
pub mod claim;
mod error;
pub mod follow;
pub mod offline;
pub mod prove;
pub mod state;
#[cfg(test)]
pub(crate) mod tests;

pub use bundle::{Bundle, read_handovers, verify, write_handovers};
pub use certified::{Certified, Handover, LightClient, committee_digest};
pub use claim::{AccountStatement, Claim, HoldingStatement, OrderStatement, Statement};
pub use error::ProofError;
pub use follow::LightJudge;
pub use state::{Proven, StateProof};
