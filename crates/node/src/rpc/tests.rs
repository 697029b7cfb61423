//! Questions that read, and those that do not.

use super::ask::{Ask, read};
use crate::light::Claim;
use hyper::{Method, StatusCode};
use lockstep_types::ids::{AccountId, InstrumentId, OrderId};

fn get(target: &str) -> Result<Ask, (StatusCode, String)> {
    ask(&Method::GET, target)
}

fn ask(method: &Method, target: &str) -> Result<Ask, (StatusCode, String)> {
    let (path, query) = match target.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (target, None),
    };
    read(method, path, query).map_err(|refused| (refused.status, refused.complaint.field))
}

#[test]
fn every_question_reads() {
    let account = AccountId(7);
    for (target, expected) in [
        ("/metrics", Ask::Metrics),
        ("/v1/status", Ask::Status),
        ("/v1/genesis", Ask::Genesis),
        ("/v1/validators", Ask::Validators),
        ("/v1/roots/5", Ask::Roots(5)),
        ("/v1/events/5", Ask::Events(5)),
        ("/v1/blocks/5", Ask::Block(5)),
        ("/v1/blocks?from=3", Ask::Blocks(3, 64)),
        ("/v1/blocks?limit=2&from=3", Ask::Blocks(3, 2)),
        ("/v1/handovers?from=1", Ask::Handovers(1)),
        ("/v1/proof/account/7", Ask::Proof(Claim::Account { account })),
        (
            "/v1/proof/position/7/8",
            Ask::Proof(Claim::Position { account, instrument: InstrumentId(8) }),
        ),
        ("/v1/proof/order/9", Ask::Proof(Claim::Order { order: OrderId(9) })),
        ("/v1/proof/totals", Ask::Proof(Claim::Totals)),
    ] {
        assert_eq!(get(target), Ok(expected), "{target}");
    }
    assert_eq!(get(&format!("/v1/owners/{}", "0f".repeat(32))), Ok(Ask::Owner([15; 32])));
    assert_eq!(ask(&Method::POST, "/v1/commands"), Ok(Ask::Submit));
}

#[test]
fn what_does_not_read_names_its_field() {
    let bad = StatusCode::BAD_REQUEST;
    for (target, status, field) in [
        ("/", StatusCode::NOT_FOUND, "path"),
        ("/v2/status", StatusCode::NOT_FOUND, "path"),
        ("/v1/status/", StatusCode::NOT_FOUND, "path"),
        ("/v1/proof/shoe/1", StatusCode::NOT_FOUND, "path"),
        ("/v1/commands", StatusCode::METHOD_NOT_ALLOWED, "method"),
        ("/v1/blocks/-1", bad, "height"),
        ("/v1/blocks/+1", bad, "height"),
        ("/v1/blocks/18446744073709551616", bad, "height"),
        ("/v1/blocks/", bad, "height"),
        ("/v1/blocks", bad, "from"),
        ("/v1/blocks?from=", bad, "from"),
        ("/v1/blocks?from=1&from=2", bad, "from"),
        ("/v1/blocks?from=1&limit=0", bad, "limit"),
        ("/v1/blocks?from=1&limit=65", bad, "limit"),
        ("/v1/blocks?from=1&to=2", bad, "query"),
        ("/v1/status?height=1", bad, "query"),
        ("/v1/proof/account/4294967296", bad, "account"),
        ("/v1/owners/0f", bad, "key"),
    ] {
        assert_eq!(get(target), Err((status, field.to_string())), "{target}");
    }
    let posted = ask(&Method::POST, "/v1/status");
    assert_eq!(posted, Err((StatusCode::METHOD_NOT_ALLOWED, "method".to_string())));
}
