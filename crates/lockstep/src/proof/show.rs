//! What was proven, as tables: amounts in USD and units of the underlying.

use crate::report::number::micro_usd;
use crate::report::{Block, Column, Report, Table, time};
use lockstep_client::hex;
use lockstep_ledger::Genesis;
use lockstep_node::header::Header;
use lockstep_node::light::{AccountStatement, HoldingStatement, OrderStatement, Statement};
use lockstep_types::decimal::Decimal;
use lockstep_types::order::Side;
use lockstep_types::units::{Price, TimeMs, Usd};

/// Digits of lots after the point.
const LOT_PLACES: u32 = 3;
/// Digits of a price after the point.
const PRICE_PLACES: u32 = 6;

fn lots(lots: i64) -> String {
    Decimal { value: lots, places: LOT_PLACES }.to_string()
}

fn price(price: Price) -> String {
    Decimal { value: price.0, places: PRICE_PLACES }.to_string()
}

fn usd(amount: Usd) -> String {
    micro_usd(amount.0.into())
}

fn moment(time: TimeMs) -> String {
    format!("{}, {} UTC", time::date(time.0), time::clock(time.0, 1))
}

/// A table of facts.
fn facts(title: &str, rows: Vec<(&str, String)>) -> Block {
    Block::Table(Table {
        title: title.to_string(),
        note: String::new(),
        columns: vec![Column::words("what"), Column::numbers("value")],
        rows: rows.into_iter().map(|(what, value)| vec![what.to_string(), value]).collect(),
    })
}

fn table(title: &str, words: &[&str], numbers: &[&str], rows: Vec<Vec<String>>) -> Block {
    let words = words.iter().map(|heading| Column::words(*heading));
    let numbers = numbers.iter().map(|heading| Column::numbers(*heading));
    Block::Table(Table {
        title: title.to_string(),
        note: String::new(),
        columns: words.chain(numbers).collect(),
        rows,
    })
}

/// What was proven of a block's state.
pub fn report(genesis: &Genesis, header: &Header, statement: &Statement, now: TimeMs) -> Report {
    let (subtitle, blocks) = said(statement);
    let mut report = Report::new("Proven", &subtitle);
    report.provenance("chain", hex::encode(&genesis.chain_id().0));
    report.provenance("block", format!("{} of epoch {}", header.height, header.epoch));
    report.provenance("time", moment(header.time));
    let seconds = now.0.saturating_sub(header.time.0) / 1_000;
    report.provenance("age", format!("{seconds} s"));
    report.provenance("state root", hex::encode(&header.state_root));
    if !blocks.is_empty() {
        report.section("State after that block", blocks);
    }
    report
}

fn said(statement: &Statement) -> (String, Vec<Block>) {
    match statement {
        Statement::Account(all) => {
            (format!("All of account {}: nothing was left out.", all.id), account(all))
        }
        Statement::NoAccount(id) => (format!("There is no account {id}."), Vec::new()),
        Statement::Position { account, instrument, held: None } => {
            let what = "neither a position nor an order";
            (format!("Account {account} has {what} in instrument {instrument}."), Vec::new())
        }
        Statement::Position { account, held: Some(held), .. } => (
            format!("What account {account} has in {}.", held.name),
            vec![holdings(std::slice::from_ref(held))],
        ),
        Statement::Order { id, open: None } => (format!("Order {id} is not open."), Vec::new()),
        Statement::Order { id, open: Some(open) } => {
            let account = open.order.account;
            let rows = orders(std::slice::from_ref(open));
            (format!("Order {id} of account {account} is open."), vec![rows])
        }
        Statement::Totals { venue, chain, underlyings } => {
            let insurance = underlyings.iter().map(|underlying| i128::from(underlying.insurance.0));
            let insurance: i128 = insurance.sum::<i128>() + i128::from(venue.insurance.0);
            let rows = vec![
                ("held by the bridge, USD", usd(chain.escrow)),
                ("deposits less withdrawals", usd(venue.deposits)),
                ("withdrawals that wait", usd(chain.withdrawals_pending)),
                ("of deposits: insurance funds", micro_usd(insurance)),
                ("of deposits: due to validators", usd(venue.validators)),
                ("of deposits: due to the treasury", usd(venue.treasury)),
                ("accounts", venue.accounts.to_string()),
                ("open orders", venue.open_orders.to_string()),
                ("trades so far", venue.trades.to_string()),
            ];
            let subtitle = "The bridge holds what accounts and funds have and what waits to leave.";
            (subtitle.to_string(), vec![facts("Totals", rows)])
        }
    }
}

fn account(all: &AccountStatement) -> Vec<Block> {
    let record = &all.account;
    let mut rows = vec![
        ("owner", hex::encode(&all.owner)),
        ("sub-account", record.sub.to_string()),
        ("margin model", format!("{:?}", record.mode)),
        ("cash, USD", usd(record.cash)),
        ("being liquidated", if record.liquidating { "yes" } else { "no" }.to_string()),
        ("holdings", record.holdings.to_string()),
        ("open orders", record.orders.to_string()),
    ];
    match all.withdrawal {
        Some(waiting) => {
            rows.push(("withdrawal that waits, USD", usd(waiting.amount)));
            rows.push(("not paid before", moment(waiting.due)));
        }
        None => rows.push(("withdrawal that waits", "none".to_string())),
    }
    let mut blocks = vec![facts("Account", rows)];
    if !all.holdings.is_empty() {
        blocks.push(holdings(&all.holdings));
    }
    if !all.orders.is_empty() {
        blocks.push(orders(&all.orders));
    }
    blocks
}

fn holdings(held: &[HoldingStatement]) -> Block {
    let row = |held: &HoldingStatement| {
        let holding = &held.holding;
        vec![
            held.name.to_string(),
            lots(holding.lots.0),
            // Nano-USD, rounded against the account.
            micro_usd(holding.cost_nano.div_euclid(1_000)),
            lots(holding.buy_lots.0),
            lots(holding.sell_lots.0),
            holding.orders.to_string(),
        ]
    };
    let numbers = ["position", "cost, USD", "buying", "selling", "orders"];
    table("Holdings", &["instrument"], &numbers, held.iter().map(row).collect())
}

fn orders(open: &[OrderStatement]) -> Block {
    let row = |shown: &OrderStatement| {
        let order = &shown.order;
        let extra = shown.extra.as_ref();
        let label = extra.and_then(|extra| extra.label.as_ref());
        let trigger = extra.and_then(|extra| extra.sleep.as_ref());
        vec![
            order.id.to_string(),
            if order.side == Side::Buy { "buy" } else { "sell" }.to_string(),
            label.map_or_else(String::new, |label| label.as_str().to_string()),
            order.instrument.to_string(),
            lots(order.left.into()),
            lots(order.total.into()),
            price(order.price),
            trigger.map_or_else(String::new, |sleep| price(sleep.price)),
        ]
    };
    let numbers = ["instrument", "left", "of", "price, USD", "wakes at"];
    let words = ["order", "side", "label"];
    table("Open orders", &words, &numbers, open.iter().map(row).collect())
}
