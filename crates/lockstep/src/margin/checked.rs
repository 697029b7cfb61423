//! An answer and how it compares: with what the file expects, and, where marks and arrays are
//! computed although they are given, with those.
//!
//! Deliberately absent: what a difference means; the command's exit code says that there is one.

use super::account::{Account, Options};
use super::answer::{Answer, answer};
use super::expect::{Comparison, compare};
use super::model::{Case, World};
use super::quote::{Mark, Risk, Source};
use super::render::json;
use crate::scenario::problem::Parsed;
use std::collections::BTreeMap;

/// Margins an account, and compares.
///
/// # Errors
/// As [`answer`].
pub fn checked(world: &World, case: &Case, options: Options) -> Parsed<Answer> {
    let mut answer = answer(world, case, options)?;
    let mut found = Comparison::default();
    if let Some(expect) = &case.expect {
        compare(expect, &json::case(world, case, &answer), options.mode, &mut found);
    }
    if options.reprice {
        prices(world, case, &answer.account, &mut found);
    }
    answer.comparison = (case.expect.is_some() || found.numbers > 0).then_some(found);
    Ok(answer)
}

/// Compares computed marks and arrays with given ones.
fn prices(world: &World, case: &Case, account: &Account, found: &mut Comparison) {
    let held = account.holdings.iter().map(|one| (one.instrument, &one.mark, &one.risk));
    let offered = account.offers.iter().map(|one| (one.instrument, &one.mark, &one.risk));
    let used: BTreeMap<usize, (&Mark, &Risk)> =
        held.chain(offered).map(|(at, mark, risk)| (at, (mark, risk))).collect();
    for (at, (mark, risk)) in used {
        let instrument = &world.instruments[at];
        if let Some(given) = instrument.mark {
            found.number(&format!("instruments.{}.mark", instrument.id), given, mark.price);
        }
        let same_vols = world.params_of(case).vols == world.params.vols;
        let comparable = risk.source == Source::Computed && same_vols;
        let arrays = instrument.array.iter().filter(|_| comparable);
        for (scenario, (given, entry)) in
            arrays.flat_map(|array| array.iter().zip(&risk.array)).enumerate()
        {
            let path = format!("instruments.{}.risk_array[{scenario}]", instrument.id);
            found.number(&path, i64::from(*given), i64::from(*entry));
        }
    }
}
