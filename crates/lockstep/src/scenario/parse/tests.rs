use super::*;
use crate::scenario::model::{Published, Request, SystemStep, TifSpec, TimeSpec};
use crate::scenario::want::Subject;
use lockstep_types::order::{PostOnly, Trigger, TriggerKind, TriggerSource};
use lockstep_types::units::DAY_MS;
use lockstep_types::{Lots, Price, SpanMs, TimeMs, Usd};

const HEADER: &str = r#"{"scenario": "test", "instrument": "BTC_USDC-PERPETUAL"}"#;

fn parse_line(line: &str) -> Result<Line, String> {
    let text = format!("{HEADER}\n{line}");
    match parse(&text) {
        Ok(mut scenario) => Ok(scenario.lines.remove(0)),
        Err(problems) => Err(problems[0].problem.to_string()),
    }
}

fn user(line: &str) -> UserStepParts {
    let line = parse_line(line).unwrap();
    let Action::Block(mut steps) = line.action else { panic!("no block") };
    let StepKind::User(step) = steps.remove(0).kind else { panic!("not a signer's") };
    UserStepParts { account: step.account.to_string(), request: step.request }
}

struct UserStepParts {
    account: String,
    request: Request,
}

fn order(line: &str) -> crate::scenario::model::OrderSpec {
    match user(line).request {
        Request::Place(order) => order,
        other => panic!("{other:?}"),
    }
}

fn fault(line: &str) -> String {
    parse_line(line).unwrap_err()
}

#[test]
fn an_order_reads_the_same_in_every_form() {
    let forms = [
        r#"{"buy": {"account": "alice", "amount": 0.1, "price": 61250.5, "as": "a1"}}"#,
        r#"{"buy": {"account": "alice", "amount": "0.100", "price": "61_250.50"}, "as": "a1"}"#,
        r#"{"buy": 0.1, "account": "alice", "price": 61250.5, "id": "a1"}"#,
        r#"{"do": "buy", "account": "alice", "lots": 100, "price": 61250.5, "as": "a1"}"#,
        r#"{"order": {"side": "buy", "account": "alice", "lots": "100", "price": 61250.5,
            "as": "a1", "instrument": "BTC_USDC-PERPETUAL", "type": "limit"}}"#,
    ];
    for form in forms {
        let order = order(&form.replace('\n', " "));
        assert_eq!(order.lots, Lots(100), "{form}");
        assert_eq!(order.price, Some(Price(61_250_500_000)), "{form}");
        assert_eq!(order.name.as_deref(), Some("a1"), "{form}");
        assert_eq!(order.time_in_force, TifSpec::GoodTilCancelled, "{form}");
    }
}

#[test]
fn types_triggers_and_flags_are_deribits() {
    let stop = order(
        r#"{"sell": {"account": "a", "amount": 1, "type": "stop_limit", "price": 9,
            "trigger_price": 10, "trigger": "last_price", "reduce_only": true,
            "post_only": "reprice", "until": "+1h",
            "display_amount": 0.5, "mmp": true, "label": "x y"}}"#
            .replace('\n', " ")
            .as_str(),
    );
    let kind = TriggerKind::Stop { price: Price(10_000_000) };
    assert_eq!(stop.trigger, Some(Trigger { source: TriggerSource::Last, kind }));
    assert_eq!(stop.time_in_force, TifSpec::GoodTil(TimeSpec::After(SpanMs(3_600_000))));
    assert_eq!((stop.post_only, stop.reduce_only), (PostOnly::Reprice, true));
    assert_eq!(stop.display, Some(Lots(500)));
    let trailing = order(r#"{"sell": 1, "account": "a", "trigger_offset": 50}"#);
    let kind = TriggerKind::Trailing { offset: Price(50_000_000) };
    assert_eq!(trailing.trigger, Some(Trigger { source: TriggerSource::Mark, kind }));
    assert_eq!(trailing.price, None);
    let market = order(r#"{"buy": 1, "account": "a"}"#);
    assert_eq!((market.price, market.time_in_force), (None, TifSpec::ImmediateOrCancel));
    let deribit =
        r#"{"buy": 1, "account": "a", "price": 1, "post_only": true, "reject_post_only": false}"#;
    assert_eq!(order(deribit).post_only, PostOnly::Reprice);
}

#[test]
fn an_unknown_field_is_named_with_what_is_allowed() {
    let fault = fault(r#"{"buy": {"account": "alice", "amount": 1, "prise": 5}}"#);
    assert!(fault.starts_with("buy: unknown field `prise`"), "{fault}");
    assert!(fault.contains("did you mean `price`?"), "{fault}");
    assert!(fault.contains("allowed here:") && fault.contains("trigger_offset"), "{fault}");
}

#[test]
fn wrong_values_name_their_field() {
    let cases = [
        (r#"{"buy": 0.0001, "account": "a", "price": 1}"#, "buy.amount: 0.0001 is finer"),
        (r#"{"buy": 1, "account": "a", "price": 1e5}"#, "buy.price: write 1e5 out"),
        (r#"{"buy": 1, "account": "a", "price": "abc"}"#, "buy.price: `abc` is not a decimal"),
        (r#"{"buy": 1, "account": "a", "price": 0.0000001}"#, "buy.price: 0.0000001 is finer"),
        (r#"{"buy": 1, "account": "a", "lots": 5, "price": 1}"#, "say either `amount` or `lots`"),
        (r#"{"buy": 1, "price": 1}"#, "field `account` is missing"),
        (r#"{"buy": 1, "account": "a", "type": "limit"}"#, "field `price` is missing"),
        (r#"{"buy": 1, "account": "a", "type": "market", "price": 5}"#, "takes no price"),
        (r#"{"buy": 1, "account": "a", "type": "limt", "price": 5}"#, "did you mean `limit`?"),
        (r#"{"buy": 1, "account": "1a", "price": 5}"#, "`1a` is no name"),
        (r#"{"buy": 1, "account": "a", "instrument": "BTC-PERP", "price": 5}"#, "no instrument"),
        (r#"{"wait": 5}"#, "wait: 5 of what?"),
        (r#"{"wait": "5 years"}"#, "no span of time"),
        (r#"{"at": "2026-02-30T08:00:00Z"}"#, "is no time"),
        (r#"{"cancel": "a1"}"#, "no order is named `a1`"),
        (r#"{"buy": 1, "account": "a", "expect_error": "M99"}"#, "no rule or code"),
        (r#"{"buy": 1, "account": "a", "expect_error": "M3 OffTick"}"#, "belongs to rule I3"),
        (r#"{"buy": 1, "sell": 1}"#, "a line does one thing"),
        (r#"{"byu": 1}"#, "did you mean `buy`?"),
        (r#"{"note": "nothing"}"#, "the line does nothing"),
        (r#"{"expect": {"balence": {"a": 1}}}"#, "did you mean `balance`?"),
        (r#"{"expect": {"events": [{"trade": {"prise": 1}}]}}"#, "unknown field of `trade`"),
        (r#"{"expect": {}}"#, "nothing is expected"),
        (r#"{"buy": 1, "buy": 2}"#, "`buy` stands twice"),
        (r#"[1]"#, "expected an object, found a list"),
        (r#"{"block": [{"expect": {"time": 1}}]}"#, "stands after the block"),
        (r#"{"blocks": 0}"#, "not between 1 and"),
        (r#"{"scenario": "again"}"#, "the header stands once"),
    ];
    for (line, wanted) in cases {
        let found = fault(line);
        assert!(found.contains(wanted), "{line}\n  wanted {wanted}\n  found  {found}");
    }
}

#[test]
fn all_faults_show_at_once_with_their_lines() {
    let text = format!("# comment\n{HEADER}\n\n{{\"x\": 1}}\n{{\"wait\": \"1s\"}}\n{{\"y\": 1}}");
    let problems = parse(&text).unwrap_err();
    let lines: Vec<usize> = problems.iter().map(|problem| problem.line).collect();
    assert_eq!(lines, [4, 6]);
    assert!(parse("").unwrap_err()[0].problem.message.contains("no header"));
    assert!(parse("{\"wait\": \"1s\"}").unwrap_err()[0].problem.message.contains("header"));
}

#[test]
fn the_default_world_has_three_underlyings_and_no_fees() {
    let genesis = parse(HEADER).unwrap().header.genesis;
    let tickers: Vec<&str> =
        genesis.underlyings.iter().map(|underlying| underlying.params.ticker.as_str()).collect();
    assert_eq!(tickers, ["BTC", "ETH", "SOL"]);
    assert_eq!(genesis.underlyings[0].price, Some(Price(100_000_000_000)));
    assert_eq!(genesis.venue.fee_tiers[0].taker.0, 0);
    assert_eq!(genesis.list.len(), 3);
    assert_eq!(value::show_time(genesis.time), "2026-03-02T12:00:00Z");
}

#[test]
fn genesis_parameters_are_in_human_units() {
    let text = include_str!("samples/genesis.jsonl");
    let genesis = parse(text).unwrap().header.genesis;
    assert_eq!(genesis.venue.report_age_max, SpanMs(5_000));
    assert_eq!(genesis.venue.option_fee_cap.0, 125_000);
    assert_eq!(
        (genesis.venue.fee_tiers[0].maker.0, genesis.venue.fee_tiers[0].taker.0),
        (100, 500)
    );
    let underlying = &genesis.underlyings[0];
    assert_eq!(underlying.params.price_band.0, 50_000);
    assert_eq!(underlying.params.linear_ticks.steps[0].tick, Price(5_000_000));
    assert_eq!(underlying.params.lots_min, Lots(10));
    let expiry = underlying.expiries[0];
    assert_eq!((expiry.basis_ppb, expiry.smile.unwrap().atm.0), (1_000_000, 600_000_000));
    assert_eq!(expiry.smile.unwrap().rho.0, -250_000);
    assert_eq!(genesis.list.len(), 2);
    assert_eq!((genesis.insurance, genesis.reporters.len()), (Usd(5_000_000_000), 2));
}

#[test]
fn times_and_spans_read_as_people_write_them() {
    let at = |text: &str| value::time_text(text).unwrap();
    let noon = TimeMs(value::time_text("2026-03-02T12:00:00Z").unwrap().resolve(TimeMs(0)).0);
    assert_eq!(value::show_time(noon), "2026-03-02T12:00:00Z");
    assert_eq!(at("2026-03-02 12:00"), TimeSpec::At(noon));
    assert_eq!(at("2026-03-02T12:00:00.250").resolve(noon), TimeMs(noon.0 + 250));
    assert_eq!(at("08:00").resolve(noon), TimeMs(noon.0 + 20 * 3_600_000));
    assert_eq!(at("12:00").resolve(noon), TimeMs(noon.0 + DAY_MS));
    assert_eq!(at("+1h30m").resolve(noon), TimeMs(noon.0 + 5_400_000));
    assert_eq!(value::span_text("1.5s").unwrap(), SpanMs(1_500));
    assert!(value::span_text("0.5ms").is_err());
    assert!(value::span_text("1x").is_err() && value::span_text("").is_err());
}

#[test]
fn chain_commands_read_short_and_long() {
    let system = |line: &str| {
        let Action::Block(mut steps) = parse_line(line).unwrap().action else { panic!("{line}") };
        match steps.remove(0).kind {
            StepKind::System(step) => step,
            StepKind::User(_) => panic!("{line}"),
        }
    };
    let SystemStep::Deposit(two) = system(r#"{"deposit": {"alice": 10000, "bob/1": "5.5"}}"#)
    else {
        panic!()
    };
    assert_eq!((two[1].0.to_string().as_str(), two[1].1), ("bob/1", Usd(5_500_000)));
    let SystemStep::Deposit(one) = system(r#"{"deposit": 5, "account": "alice"}"#) else {
        panic!()
    };
    assert_eq!(one[0].1, Usd(5_000_000));
    let line =
        r#"{"report": {"reporter": "v2", "age": "12s", "BTC": 61250.5, "ETH": {"price": 3000}}}"#;
    let SystemStep::Report(reports) = system(line) else { panic!() };
    assert_eq!(reports.len(), 2);
    assert!(reports.iter().all(|report| report.published == Published::Age(SpanMs(12_000))));
    let SystemStep::Phase { scope, .. } =
        system(r#"{"phase": "auction", "instrument": "BTC_USDC-PERPETUAL"}"#)
    else {
        panic!()
    };
    assert_eq!(scope.to_string(), "BTC_USDC-PERPETUAL");
    let SystemStep::VenueParams(params) = system(r#"{"venue_params": {"report_age_max": "1s"}}"#)
    else {
        panic!()
    };
    assert_eq!(params.report_age_max, SpanMs(1_000));
}

#[test]
fn every_request_of_a_signer_can_be_said() {
    let cases = [
        (r#"{"cancel": {"account": "a", "label": "x"}}"#, "Cancel(Label"),
        (r#"{"cancel": {"account": "a", "order_id": 7}}"#, "Cancel(Id(7"),
        (r#"{"amend": {"account": "a", "label": "x", "amount": 2}}"#, "Amend("),
        (r#"{"cancel_all": "a"}"#, "CancelAll(Account"),
        (r#"{"cancel_all": "a", "underlying": "BTC", "group": 3}"#, "CancelAll(Group"),
        (
            r#"{"batch": [{"buy": 1, "price": 5}, {"cancel": {"label": "q"}}], "account": "a"}"#,
            "Batch",
        ),
        (
            r#"{"linked": [{"buy": 1, "price": 5}, {"side": "sell", "amount": 1, "price": 6}],
               "account": "a", "kind": "oto"}"#,
            "OneTriggersOther",
        ),
        (
            r#"{"mass_quote": [{"bid": [5, 1], "ask": {"price": 6, "lots": 9, "as": "q1"}}],
               "account": "a", "group": 2}"#,
            "MassQuote",
        ),
        (
            r#"{"set_mmp": "a", "underlying": "BTC", "interval": "1s", "quantity_limit": 5}"#,
            "lots_max: Lots(5000)",
        ),
        (r#"{"reset_mmp": "a", "underlying": "BTC", "group": 1}"#, "ResetProtection"),
        (r#"{"dead_man": "a", "cancel_at": "+30s"}"#, "ScheduleCancel(Some"),
        (r#"{"dead_man": "a", "cancel_at": null}"#, "ScheduleCancel(None"),
        (r#"{"create_sub_account": "a/4"}"#, "CreateSubAccount(4"),
        (r#"{"transfer": {"from": "a", "to": "a/1", "amount": 5}}"#, "Transfer"),
        (r#"{"withdraw": 5, "account": "a"}"#, "Withdraw(Usd(5000000"),
        (
            r#"{"register_agent": "bot", "account": "a", "instruments": "BTC_USDC-PERPETUAL",
               "notional_max": 1000, "expires": "+1d", "sub": 0}"#,
            "RegisterAgent",
        ),
        (r#"{"revoke_agent": "bot", "account": "a"}"#, "RevokeAgent"),
        (r#"{"margin_mode": "standard", "account": "a"}"#, "SetMarginMode(Standard"),
        (
            r#"{"block_trade": [{"amount": 1, "price": 5, "buyer": "a", "seller": "b"}],
               "account": "a", "consents": ["b"]}"#,
            "BlockTrade",
        ),
    ];
    for (line, wanted) in cases {
        let parts = user(&line.replace('\n', " "));
        let found = format!("{:?}", parts.request);
        assert!(found.contains(wanted), "{line}\n{found}");
        assert_eq!(parts.account, "a", "{line}");
    }
}

#[test]
fn expectations_read_in_all_their_forms() {
    let text = include_str!("samples/expectations.jsonl");
    let scenario =
        parse(&format!("{HEADER}\n{text}")).unwrap_or_else(|faults| panic!("{faults:?}"));
    let checks: Vec<_> = scenario.lines.iter().flat_map(|line| &line.checks).collect();
    assert_eq!(checks.len(), 32);
    assert!(matches!(checks[2].subject, Subject::Error(None)));
    assert_eq!(checks[3].path, "position.alice.BTC_USDC-PERPETUAL");
}

#[test]
fn a_line_that_is_too_long_is_refused_and_deep_nesting_too() {
    let long = format!("{{\"note\": \"{}\"}}", "x".repeat(LINE_BYTES_MAX));
    assert!(fault(&long).contains("exceed the line limit"));
    let deep = format!("{{\"block\": {}{}}}", "[".repeat(5_000), "]".repeat(5_000));
    assert!(fault(&deep).contains("nested deeper"));
}

#[test]
fn no_mangled_line_makes_reading_panic() {
    let samples =
        [include_str!("samples/expectations.jsonl"), include_str!("samples/genesis.jsonl")];
    let digits = "9".repeat(40);
    let junk = ["", "\"", "{", "}", "[", "]", ",", ":", "-", "1e999", "null", &digits, "\u{1f600}"]
        .map(str::to_string);
    let mut refused = 0;
    for line in samples.iter().flat_map(|sample| sample.lines()) {
        for (place, letter) in line.char_indices() {
            for part in &junk {
                let rest = &line[place + letter.len_utf8()..];
                let mangled = format!("{HEADER}\n{}{part}{rest}", &line[..place]);
                refused += usize::from(parse(&mangled).is_err());
            }
            refused += usize::from(parse(&line[..place]).is_err());
        }
    }
    assert!(refused > 10_000, "most of them are no scenarios: {refused}");
}

#[test]
fn reading_is_forgiving_in_form() {
    let good = [
        r#"{"deposit": [{"account": "a", "amount": 1}, {"b": 2}]}"#,
        r#"{"phase": {"BTC_USDC-PERPETUAL": "auction"}, "reason": "emergency"}"#,
        r#"{"wait": "1 hour"}"#,
        r#"{"at": "2026-03-27T08:00:00+00:00"}"#,
        r#"{"blocks": {"until": "+5s", "every": "1s"}}"#,
        r#"{"dead_man": {"account": "a", "at": "+1s"}}"#,
        r#"{"expect": {"position": {"a": {"lots": -100}}, "trades": [{"lots": 1}]}}"#,
        r#"{"BUY": 1}"#,
    ];
    let (last, good) = good.split_last().unwrap();
    for line in good {
        assert!(parse_line(line).is_ok(), "{line}: {:?}", parse_line(line));
    }
    assert!(fault(last).contains("did you mean `buy`?"));
    assert!(fault(r#"{"expect": {"events": []}}"#).contains("says nothing"));
}
