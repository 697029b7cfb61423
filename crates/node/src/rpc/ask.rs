//! What can be asked of a node, read from a request's method, path and query.
//!
//! Invariants: nothing is guessed; what does not read is refused with the field that is wrong.
//! Deliberately absent: answers.

use crate::light::Claim;
use hyper::{Method, StatusCode};
use lockstep_client::limits::PAGE_BLOCKS_MAX;
use lockstep_client::{Complaint, hex};
use lockstep_types::ids::{AccountId, InstrumentId, OrderId};

/// A question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ask {
    /// How the node fares.
    Status,
    /// The genesis, encoded.
    Genesis,
    /// What the process counts, in the text format of Prometheus.
    Metrics,
    /// Roots of a final block.
    Roots(u64),
    /// A final block.
    Block(u64),
    /// Final blocks from a height on, at most so many.
    Blocks(u64, u64),
    /// What a block caused.
    Events(u64),
    /// Handovers from an epoch on.
    Handovers(u64),
    /// A proof.
    Proof(Claim),
    /// What the state knows of a key.
    Owner([u8; 32]),
    /// All validators.
    Validators,
    /// Commands are brought in the body.
    Submit,
}

/// A request that is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// The status code.
    pub status: StatusCode,
    /// Why.
    pub complaint: Complaint,
}

impl Refused {
    /// A refusal of one field.
    pub fn of(status: StatusCode, field: &str, why: impl Into<String>) -> Self {
        let complaint = Complaint { field: field.to_string(), limit: None, why: why.into() };
        Self { status, complaint }
    }

    /// A refusal over a limit.
    pub fn beyond(status: StatusCode, field: &str, limit: u64, why: impl Into<String>) -> Self {
        let mut refused = Self::of(status, field, why);
        refused.complaint.limit = Some(limit);
        refused
    }
}

fn number<T: std::str::FromStr>(field: &str, text: &str) -> Result<T, Refused> {
    // `parse` takes a sign, which is not a digit.
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    let read = digits.then(|| text.parse().ok()).flatten();
    read.ok_or_else(|| Refused::of(StatusCode::BAD_REQUEST, field, "not a whole number in range"))
}

/// The values of `names` in a query; each at most once, and no other.
fn query<const N: usize>(
    query: Option<&str>,
    names: [&str; N],
) -> Result<[Option<u64>; N], Refused> {
    let mut values = [None; N];
    for pair in query.unwrap_or_default().split('&').filter(|pair| !pair.is_empty()) {
        let (name, text) = pair.split_once('=').unwrap_or((pair, ""));
        let unknown = || Refused::of(StatusCode::BAD_REQUEST, "query", format!("no {name} here"));
        let place = names.iter().position(|known| *known == name).ok_or_else(unknown)?;
        if values[place].replace(number(name, text)?).is_some() {
            return Err(Refused::of(StatusCode::BAD_REQUEST, name, "there twice"));
        }
    }
    Ok(values)
}

fn limit(asked: Option<u64>, most: u64) -> Result<u64, Refused> {
    match asked {
        None => Ok(most),
        Some(asked) if (1..=most).contains(&asked) => Ok(asked),
        Some(_) => {
            let why = format!("from 1 to {most}");
            Err(Refused::beyond(StatusCode::BAD_REQUEST, "limit", most, why))
        }
    }
}

fn from(asked: Option<u64>) -> Result<u64, Refused> {
    asked.ok_or_else(|| Refused::of(StatusCode::BAD_REQUEST, "from", "missing"))
}

fn claim(parts: &[&str]) -> Result<Ask, Refused> {
    let claim = match parts {
        ["account", account] => Claim::Account { account: AccountId(number("account", account)?) },
        ["position", account, instrument] => Claim::Position {
            account: AccountId(number("account", account)?),
            instrument: InstrumentId(number("instrument", instrument)?),
        },
        ["order", order] => Claim::Order { order: OrderId(number("order", order)?) },
        ["totals"] => Claim::Totals,
        _ => return Err(nothing()),
    };
    Ok(Ask::Proof(claim))
}

fn nothing() -> Refused {
    Refused::of(StatusCode::NOT_FOUND, "path", "nothing is here; docs/protocol.md lists what is")
}

fn key(text: &str) -> Result<[u8; 32], Refused> {
    let why = "not 64 hexadecimal digits in lower case";
    hex::decode_32(text).ok_or_else(|| Refused::of(StatusCode::BAD_REQUEST, "key", why))
}

/// Reads a question.
///
/// # Errors
/// When it is none.
pub fn read(method: &Method, path: &str, asked: Option<&str>) -> Result<Ask, Refused> {
    let parts: Vec<&str> = path.strip_prefix('/').unwrap_or_default().split('/').collect();
    let ask = match parts.as_slice() {
        ["metrics"] => Ask::Metrics,
        ["v1", "status"] => Ask::Status,
        ["v1", "genesis"] => Ask::Genesis,
        ["v1", "validators"] => Ask::Validators,
        ["v1", "commands"] => Ask::Submit,
        ["v1", "owners", owner] => Ask::Owner(key(owner)?),
        ["v1", "roots", height] => Ask::Roots(number("height", height)?),
        ["v1", "events", height] => Ask::Events(number("height", height)?),
        ["v1", "blocks", height] => Ask::Block(number("height", height)?),
        ["v1", "blocks"] => {
            let [first, count] = query(asked, ["from", "limit"])?;
            Ask::Blocks(from(first)?, limit(count, PAGE_BLOCKS_MAX)?)
        }
        ["v1", "handovers"] => {
            let [first] = query(asked, ["from"])?;
            Ask::Handovers(from(first)?)
        }
        ["v1", "proof", what @ ..] => claim(what)?,
        _ => return Err(nothing()),
    };
    if !matches!(ask, Ask::Blocks(..) | Ask::Handovers(_)) {
        let [] = query(asked, [])?;
    }
    let wanted = if ask == Ask::Submit { Method::POST } else { Method::GET };
    if method != wanted {
        let why = format!("{wanted} is what this path takes");
        return Err(Refused::of(StatusCode::METHOD_NOT_ALLOWED, "method", why));
    }
    Ok(ask)
}
