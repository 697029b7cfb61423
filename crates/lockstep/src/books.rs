//! The audit of the exchange's books at the end of a replay (C1, C2, C3), and its table.

use crate::report::{Amount, Conservation};
use lockstep_exchange::Exchange;

/// Nano-USD in a micro-USD.
const NANO: i128 = 1_000;

/// Looks at everything that must hold between blocks; gives the books as a table.
///
/// # Errors
/// The first rule that does not hold, in words.
pub fn audit(exchange: &Exchange) -> Result<Conservation, String> {
    exchange.check_invariants().map_err(|error| error.to_string())?;
    let books = exchange.conservation();
    let amount = |label: &str, micro_usd: i128| Amount { label: label.to_string(), micro_usd };
    // One line, because only together are they whole micro-USD.
    let open =
        i128::from(books.dust_nano) - books.cost_nano - books.funding_due_nano - books.settled_nano;
    Ok(Conservation {
        title: "Conservation (rule C1)".to_string(),
        note: "Every micro-USD that came in has one holder.".to_string(),
        held: vec![
            amount("Accounts: cash", books.cash),
            amount("Open positions at cost, funding due, settlement, dust", open / NANO),
            amount("Insurance fund", books.insurance.0.into()),
            amount("Fees not yet split", books.fees.0.into()),
            amount("Validators", books.validators.0.into()),
            amount("Treasury", books.treasury.0.into()),
        ],
        flows: vec![amount("Deposits less withdrawals", books.deposits.0.into())],
    })
}
