//! A client of the Lockstep network: what it needs to sign, ask and be answered.
//!
//! [`keys`] are files that only their owner reads, [`author`] signs with them; [`answer`] has the
//! shapes in which nodes answer, [`frames`] those of blocks, [`happened`] what they caused;
//! [`limits`] what may be asked for at once; [`follow`] hands on final blocks that a judge
//! accepted. With the feature `http`, `node` speaks to a node and brings commands as often as it
//! takes.
//!
//! Invariants: a secret key is never shown; nothing that a node says is believed for having been
//! said (callers check what must not be wrong); every answer that is read has a limit. Deliberately
//! absent: consensus and its libraries, and everything asynchronous.

extern crate alloc;

pub mod answer;
pub mod author;
pub mod follow;
pub mod frames;
pub mod happened;
pub mod hex;
pub mod keys;
pub mod limits;
#[cfg(feature = "http")]
pub mod node;

pub use answer::{Complaint, Roots, Status, Taken};
pub use author::Author;
pub use happened::Happened;
pub use keys::{KeyError, KeyFile};
#[cfg(feature = "http")]
pub use node::{NodeError, RemoteNode};
