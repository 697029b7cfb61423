//! Whole validators in simulated time: a cluster, what goes wrong in it, and who watches.
//!
//! One seed is one run, to the bit: the runtime's clock, its order of tasks, the network's delays
//! and all chance follow from it. [`simulation`] tells the story of a run that chance makes,
//! [`stage`] one that a test tells; [`validators`] starts, crashes and connects validators,
//! [`wire`] has latencies and counts bytes, [`world`] the genesis, [`workload`] who trades and what
//! prices do, [`faults`] what goes wrong, [`clock`] machines whose clock is wrong, [`forgery`]
//! wires that change what they carry, [`auditor`] what must hold whatever happens.
//!
//! Besides `node` this is the only crate that names commonware's, for it is the network that
//! `node` runs on in simulations. Deliberately absent: sockets, files, wall clocks.

pub mod auditor;
pub mod clock;
pub mod faults;
pub mod forgery;
pub mod simulation;
pub mod stage;
pub mod validators;
pub mod wire;
pub mod workload;
pub mod world;
