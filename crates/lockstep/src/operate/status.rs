//! `lockstep status`: several nodes side by side, and whether they agree.
//!
//! Roots are compared at the highest height that all nodes have executed. Deliberately absent:
//! proof; who does not believe a node asks for one.

use crate::failure::Failure;
use crate::output;
use crate::report::{Block, Column, Report, Table};
use clap::Args;
use lockstep_client::{NodeError, RemoteNode, Roots, Status};
use std::collections::BTreeSet;

/// Digits of a root that are shown.
const ROOT_DIGITS: usize = 16;

/// Arguments of `lockstep status`.
#[derive(Args, Clone, Debug)]
pub struct Arguments {
    /// Nodes, such as `http://127.0.0.1:43000`.
    #[arg(value_name = "URL", required = true)]
    nodes: Vec<String>,
    /// One line for each node instead of a table.
    #[arg(long)]
    lines: bool,
}

/// What one node said.
struct Said {
    url: String,
    status: Result<Status, NodeError>,
    roots: Option<Result<Roots, NodeError>>,
}

fn ask(nodes: &[RemoteNode]) -> Vec<Said> {
    let statuses: Vec<_> = std::thread::scope(|scope| {
        let asked: Vec<_> = nodes.iter().map(|node| scope.spawn(|| node.status())).collect();
        let lost = |node: &RemoteNode| NodeError::Unreachable {
            url: node.url().to_string(),
            why: "the thread that asked it died".to_string(),
        };
        asked
            .into_iter()
            .zip(nodes)
            .map(|(asked, node)| asked.join().unwrap_or_else(|_| Err(lost(node))))
            .collect()
    });
    let common = statuses.iter().flatten().map(|status| status.height).min();
    let said = |(node, status): (&RemoteNode, Result<Status, NodeError>)| {
        let roots = common.filter(|_| status.is_ok()).map(|height| node.roots(height));
        Said { url: node.url().to_string(), status, roots }
    };
    nodes.iter().zip(statuses).map(said).collect()
}

/// What is wrong, if anything.
fn complaints(all: &[Said]) -> Vec<String> {
    let mut complaints = Vec::new();
    for said in all {
        match (&said.status, &said.roots) {
            (Err(error), _) | (_, Some(Err(error))) => complaints.push(error.to_string()),
            _ => {}
        }
    }
    let chains: BTreeSet<&str> =
        all.iter().flat_map(|said| &said.status).map(|status| status.chain.as_str()).collect();
    if chains.len() > 1 {
        complaints.push("the nodes are of different chains".to_string());
    }
    let known: Vec<&Roots> = all.iter().flat_map(|said| &said.roots).flatten().collect();
    if let Some((first, others)) = known.split_first()
        && others.iter().any(|other| other != first)
    {
        let height = first.height;
        complaints.push(format!("the nodes have different blocks at height {height}"));
    }
    complaints
}

fn cells(said: &Said) -> Vec<String> {
    let mut cells = vec![said.url.clone()];
    let Ok(status) = &said.status else {
        cells.push("not reached".to_string());
        return cells;
    };
    let shown = |root: &String| root.chars().take(ROOT_DIGITS).collect::<String>();
    let root = match &said.roots {
        Some(Ok(roots)) => format!("{} at {}", shown(&roots.state_root), roots.height),
        _ => "unknown".to_string(),
    };
    cells.extend([
        status.height.to_string(),
        status.epoch.to_string(),
        format!("{} of {}", status.peers, status.peers_known),
        status.mempool.to_string(),
        status.skipped_views.to_string(),
        root,
        status.version.clone(),
    ]);
    cells
}

/// Runs `lockstep status`.
pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    let nodes: Vec<RemoteNode> = arguments.nodes.iter().map(|url| RemoteNode::new(url)).collect();
    let all = ask(&nodes);
    let complaints = complaints(&all);
    if arguments.lines {
        for said in &all {
            output::line(&cells(said).join(" | "))?;
        }
    } else {
        output::print(&report(&all))?;
    }
    if complaints.is_empty() {
        return Ok(());
    }
    Err(Failure::Broken(complaints.join("\n")))
}

fn report(all: &[Said]) -> Report {
    let mut report = Report::new("Network", "What its nodes say of themselves.");
    if let Some(status) = all.iter().flat_map(|said| &said.status).next() {
        report.provenance("chain", status.chain.clone());
        report.provenance("name", status.name.clone());
    }
    let numbers = ["height", "epoch", "peers", "waiting", "views skipped"].map(Column::numbers);
    let words = ["state root", "version"].map(Column::words);
    let columns: Vec<Column> =
        std::iter::once(Column::words("node")).chain(numbers).chain(words).collect();
    let padded = |said: &Said| {
        let mut cells = cells(said);
        cells.resize(columns.len(), String::new());
        cells
    };
    let rows = all.iter().map(padded).collect();
    let table = Table {
        title: "Nodes".to_string(),
        note: "Roots are those of the highest block that all nodes have.".to_string(),
        columns,
        rows,
    };
    report.section("Nodes", vec![Block::Table(table)]);
    report
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(root: &str, chain: &str) -> Said {
        let status = Status {
            version: "1".into(),
            chain: chain.into(),
            name: String::new(),
            validator: String::new(),
            height: 7,
            time_ms: 0,
            epoch: 0,
            block: String::new(),
            state_root: root.into(),
            events_root: String::new(),
            peers: 1,
            peers_known: 1,
            mempool: 0,
            blocks: 7,
            commands: 0,
            skipped_views: 0,
            offences: 0,
        };
        let (block, events_root) = (String::new(), String::new());
        let roots = Roots { height: 7, time_ms: 0, block, state_root: root.into(), events_root };
        Said { url: "x".into(), status: Ok(status), roots: Some(Ok(roots)) }
    }

    #[test]
    fn nodes_that_agree_are_no_complaint_and_others_are() {
        assert_eq!(complaints(&[said("a", "c"), said("a", "c")]), Vec::<String>::new());
        let different = complaints(&[said("a", "c"), said("a", "c"), said("b", "c")]);
        assert_eq!(different, ["the nodes have different blocks at height 7"]);
        assert_eq!(complaints(&[said("a", "c"), said("a", "d")]).len(), 1);
        let silent = NodeError::Unreachable { url: "y".into(), why: "closed".into() };
        let mute = Said { url: "y".into(), status: Err(silent), roots: None };
        assert_eq!(complaints(&[said("a", "c"), mute]), ["y: not reached: closed"]);
    }
}
