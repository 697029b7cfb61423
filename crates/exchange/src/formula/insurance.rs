//! Who pays a deficit: ring-fenced funds, then the shared tail (R3).
//!
//! Every underlying has a fund of its own. A deficit is divided among the funds by weight, which is
//! each underlying's share of the account's maintenance requirement when its liquidation began, so
//! that a fund pays for the risk of its own market and of no other. What a fund lacks falls on the
//! shared tail, never on another fund; what the tail lacks stays uncovered, and is what
//! [`super::deleverage`] makes good.
//!
//! Invariants: what is paid and what is not sum to the deficit; no fund pays more than its part,
//! nor more than it has; a fund without weight pays nothing, and nothing of a fund depends on what
//! another one has; a deficit without any weight is the tail's.
//!
//! Deliberately absent: how funds are filled, and whose deficit it is.
//!
//! Source: section 3 of the design (liquidation waterfall, step 4: "a market's failure stays in
//! that market"); vectors in `liquidation_adl.json`.

use super::pro_rata::{Claim, divide};
use super::{FormulaError, domain};
use alloc::vec::Vec;
use lockstep_types::ids::UnderlyingId;

/// The fund of one underlying, asked to pay its part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fund {
    /// Whose fund; no two of a deficit are equal.
    pub underlying: UnderlyingId,
    /// The underlying's share of the account's maintenance requirement, in any unit.
    pub weight: u64,
    /// What the fund has in micro-USD, not negative.
    pub balance: i64,
    /// What it pays in micro-USD; set by [`cover`].
    pub paid: i64,
}

/// Where the rest of a deficit came from, in micro-USD.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cover {
    /// From all ring-fenced funds together.
    pub from_funds: i64,
    /// From the shared tail.
    pub from_tail: i64,
    /// From nobody.
    pub uncovered: i64,
}

/// Divides a deficit in micro-USD among `funds`, sets what each pays and gives the rest to the
/// `tail`, as far as that goes. Sorts the funds by underlying.
///
/// # Errors
/// [`FormulaError::Domain`] for a negative deficit, balance or tail, or two funds of one
/// underlying. The funds may then be in another order.
pub fn cover(deficit: i64, funds: &mut [Fund], tail: i64) -> Result<Cover, FormulaError> {
    domain(deficit >= 0 && tail >= 0 && funds.iter().all(|fund| fund.balance >= 0))?;
    funds.sort_unstable_by_key(|fund| fund.underlying);
    // One claim per underlying, of which there are 32 at most.
    let mut claims: Vec<Claim> = funds
        .iter()
        .map(|fund| Claim::new(u32::from(fund.underlying.0), fund.weight, u64::MAX))
        .collect();
    divide(deficit.unsigned_abs(), &mut claims)?;
    let mut left = deficit;
    for (fund, claim) in funds.iter_mut().zip(&claims) {
        assert!(u32::from(fund.underlying.0) == claim.id, "claims are sorted as the funds are");
        // A part of the deficit fits as the deficit does.
        fund.paid = i64::try_from(claim.taken).unwrap_or(i64::MAX).min(fund.balance);
        left -= fund.paid;
    }
    let from_tail = left.min(tail);
    let cover = Cover { from_funds: deficit - left, from_tail, uncovered: left - from_tail };
    assert!(cover.uncovered >= 0 && cover.from_funds >= 0, "no more is paid than is owed");
    Ok(cover)
}
