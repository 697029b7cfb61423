//! Workloads, clear models and measurement, shared by tests, simulation and benchmarks.
//!
//! [`flow`] makes the order flow that every matching engine is run on, [`workload`] makes commands
//! that exercise every flag of a book, [`clear_book`] says what a book must answer to them,
//! [`clear_waterfall`] what a liquidation does to everybody's money, [`plain_book`] is what a fast
//! book is compared with, and [`measure`] checks before it times.
//!
//! Everything here is a function of a seed, except the clocks of [`measure`]. Deliberately absent:
//! the engine itself. A model that shared code with the engine would share its mistakes.

pub mod clear_book;
pub mod clear_waterfall;
pub mod flow;
pub mod measure;
pub mod plain_book;
pub mod rng;
pub mod workload;
