//! An account's margin by both models.
//!
//! Invariant: a model that cannot answer does not keep the other from answering. Deliberately
//! absent: how an answer is shown, and who compares it.

use super::account::{Account, Options, account, markets};
use super::expect::Comparison;
use super::model::{Case, World};
use super::portfolio::{Portfolio, portfolio};
use super::standard::{Standard, standard};
use crate::scenario::problem::Parsed;

/// An account's margin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// What it has.
    pub account: Account,
    /// Portfolio margin, if it was asked for: or why there is none.
    pub portfolio: Option<Parsed<Portfolio>>,
    /// Standard margin, if it was asked for: or why there is none.
    pub standard: Option<Parsed<Standard>>,
    /// How it compares with what the file expects, and with the marks and arrays that it gives.
    pub comparison: Option<Comparison>,
}

/// Margins an account.
///
/// # Errors
/// A price that is missing or cannot be computed, or a value that does not fit 64 bits, with the
/// path of the field.
pub fn answer(world: &World, case: &Case, options: Options) -> Parsed<Answer> {
    let spots = markets(world, case)?;
    let account = account(world, case, options)?;
    let asked = options.mode;
    let by_portfolio = asked.has_portfolio().then(|| portfolio(world, case, &spots, &account));
    let by_standard = asked.has_standard().then(|| standard(world, case, &spots, &account));
    Ok(Answer { account, portfolio: by_portfolio, standard: by_standard, comparison: None })
}
