//! An answer as a report: what is required and what is free, then every part of it, then the
//! scenarios.
//!
//! Money is shown to the micro-USD, because it is compared by eye with other exact numbers. A file
//! of cases is shown as tables with a row for each. Deliberately absent: rounding.

use super::table::{amount, described, latency, money, percent, price, table};
use super::{portfolio, standard};
use crate::margin::account::Mode;
use crate::margin::answer::Answer;
use crate::margin::expect::Comparison;
use crate::margin::model::{Case, Document, Instrument, Params, World};
use crate::margin::quote::Risk;
use crate::margin::read::params::{Entry, PORTFOLIO, STANDARD, Unit};
use crate::report::{Block, Column, Report, Table, Tone};
use lockstep_exchange::formula::standard_margin::Requirement;

/// What a report shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct View {
    /// Whether every position has a column of its own beside the scenarios.
    pub positions: bool,
}

/// The report of one account.
pub fn single(world: &World, case: &Case, answer: &Answer, view: View) -> Report {
    let name = if case.name.is_empty() { "Margin" } else { case.name.as_str() };
    let mut report = Report::new(name, verdict(answer));
    figures(&mut report, case, answer);
    report.section("Account", account(world, case, answer));
    match &answer.portfolio {
        Some(Ok(found)) => portfolio::sections(&mut report, world, case, answer, found, view),
        Some(Err(problem)) => {
            report.section("Portfolio margin", vec![Block::Prose(refusal(problem))]);
        }
        None => {}
    }
    match &answer.standard {
        Some(Ok(found)) => report.section("Standard margin", standard::blocks(world, found)),
        Some(Err(problem)) => {
            report.section("Standard margin", vec![Block::Prose(refusal(problem))]);
        }
        None => {}
    }
    if let Some(comparison) = &answer.comparison {
        report.section("Compared with the file", vec![differences(comparison)]);
    }
    report
}

fn refusal(problem: &crate::scenario::problem::Problem) -> String {
    format!("No answer: {problem}")
}

/// What a reader wants to know first, in a sentence.
fn verdict(answer: &Answer) -> String {
    let told = |model: &str, excess: [i128; 2]| match excess {
        [initial, _] if initial >= 0 => format!("{model}: initial margin is covered."),
        [_, maintenance] if maintenance >= 0 => {
            format!("{model}: maintenance is covered, initial margin is not.")
        }
        _ => format!("{model}: below maintenance."),
    };
    let over = |of: i64, required: i64| i128::from(of) - i128::from(required);
    let mut words = Vec::new();
    if let Some(Ok(found)) = &answer.portfolio {
        let required = found.requirement;
        let excess = [required.initial, required.maintenance];
        words.push(told("Portfolio margin", excess.map(|part| over(answer.account.equity, part))));
    }
    if let Some(Ok(found)) = &answer.standard {
        let excess = [found.needed, found.requirement.maintenance];
        words.push(told("Standard margin", excess.map(|part| over(found.balance, part))));
    }
    words.join(" ")
}

fn figures(report: &mut Report, case: &Case, answer: &Answer) {
    let note = format!("cash {}", money(case.cash));
    report.figure("Equity", money(answer.account.equity), note, Tone::Plain);
    if let Some(Ok(found)) = &answer.portfolio {
        let required = found.requirement;
        requirement(report, "Portfolio initial", required.initial, answer.account.equity);
        requirement(report, "Portfolio maintenance", required.maintenance, answer.account.equity);
    }
    if let Some(Ok(found)) = &answer.standard {
        let note = "cash and profit of perpetuals and futures";
        report.figure("Standard balance", money(found.balance), note, Tone::Plain);
        requirement(report, "Standard initial", found.needed, found.balance);
        requirement(report, "Standard maintenance", found.requirement.maintenance, found.balance);
    }
}

/// A requirement with what is left over it.
fn requirement(report: &mut Report, label: &str, required: i64, covered_by: i64) {
    let excess = i128::from(covered_by) - i128::from(required);
    let tone = if excess >= 0 { Tone::Good } else { Tone::Bad };
    let note = format!("excess {}", crate::report::micro_usd(excess));
    report.figure(label, money(required), note, tone);
}

fn account(world: &World, case: &Case, answer: &Answer) -> Vec<Block> {
    let spots: Vec<String> =
        world.spots.iter().map(|(name, spot)| format!("{name} {}", price(*spot))).collect();
    let mut blocks = vec![Block::Prose(format!(
        "Spot: {}. Latency: tau_struct {}, tau_now {}. Oracle confidence {}. {}",
        spots.join(", "),
        latency(case.slow_us),
        latency(case.now_us),
        percent(case.confidence_ppm, 6),
        changed(&world.params_of(case)),
    ))];
    if !answer.account.holdings.is_empty() {
        let mut held = table(
            "Positions",
            "Value: what a position adds to equity; an option's mark, a perpetual's or future's \
             profit since entry.",
            vec![
                Column::words("instrument"),
                Column::words("is"),
                Column::numbers("amount"),
                Column::numbers("entry"),
                Column::numbers("mark"),
                Column::numbers("vol"),
                Column::numbers("value"),
            ],
        );
        for holding in &answer.account.holdings {
            let instrument = &world.instruments[holding.instrument];
            held.rows.push(vec![
                instrument.id.clone(),
                described(instrument),
                amount(holding.lots),
                holding.entry.map_or_else(|| "–".to_string(), price),
                price(holding.mark.price),
                vol(instrument, &holding.risk),
                money(holding.value),
            ]);
        }
        blocks.push(Block::Table(held));
    }
    if !answer.account.offers.is_empty() {
        let mut open = table(
            "Open orders",
            "Edge: what filling it brings at once, mark against limit, the fee taken off.",
            vec![
                Column::words("instrument"),
                Column::words("is"),
                Column::numbers("amount"),
                Column::numbers("limit"),
                Column::numbers("mark"),
                Column::numbers("fee"),
                Column::numbers("edge"),
            ],
        );
        for offer in &answer.account.offers {
            let instrument = &world.instruments[offer.instrument];
            open.rows.push(vec![
                instrument.id.clone(),
                described(instrument),
                amount(offer.lots),
                price(offer.limit),
                price(offer.mark.price),
                money(offer.fee),
                money(offer.edge),
            ]);
        }
        blocks.push(Block::Table(open));
    }
    blocks
}

/// The volatility of an option, if any was used.
fn vol(instrument: &Instrument, risk: &Risk) -> String {
    match (instrument.vol_e9, risk.vol_e9) {
        (Some(vol_e9), _) => percent(vol_e9, 9),
        (None, Some(vol_e9)) => format!("implied {}", percent(vol_e9, 9)),
        (None, None) => "–".to_string(),
    }
}

/// Which parameters are not the reference's.
fn changed(params: &Params) -> String {
    let defaults = Params::default();
    let changed = |entry: &&Entry| entry.get(params) != entry.get(&defaults);
    let told = |entry: &Entry, group: &str| {
        let value = entry.get(params);
        let value = match entry.unit {
            Unit::Ratio(places) => percent(value, places),
            Unit::Usd => money(value),
            Unit::Span => latency(value),
        };
        format!("{group}{} {value}", entry.name)
    };
    let portfolio = PORTFOLIO.iter().filter(changed).map(|entry| told(entry, ""));
    let standard = STANDARD.iter().filter(changed).map(|entry| told(entry, "standard "));
    let all: Vec<String> = portfolio.chain(standard).collect();
    match all.is_empty() {
        true => "Parameters: the reference's.".to_string(),
        false => format!("Parameters: the reference's, but for {}.", all.join(", ")),
    }
}

fn differences(comparison: &Comparison) -> Block {
    let Comparison { numbers, differing, skipped, .. } = comparison;
    let mut note = match differing {
        0 => format!("{numbers} numbers are equal."),
        _ => format!("{differing} of {numbers} numbers differ."),
    };
    if *skipped > 0 {
        note += &format!(" {skipped} components of a model that was not asked were left alone.");
    }
    if *differing == 0 {
        return Block::Prose(note);
    }
    let columns = vec![
        Column::words("component"),
        Column::numbers("file"),
        Column::numbers("found"),
        Column::numbers("found less file"),
    ];
    let mut rows = table("Differences", &note, columns);
    for difference in &comparison.differences {
        let both = (difference.expected.parse::<i128>(), difference.found.parse::<i128>());
        let apart = match both {
            (Ok(expected), Ok(found)) => found.checked_sub(expected),
            _ => None,
        };
        let apart = apart.map_or_else(String::new, |apart| apart.to_string());
        rows.rows.push(vec![
            difference.path.clone(),
            difference.expected.clone(),
            difference.found.clone(),
            apart,
        ]);
    }
    Block::Table(rows)
}

/// The report of a file of cases.
pub fn summary(document: &Document, answers: &[Vec<Answer>], mode: Mode) -> Report {
    let count: usize = answers.iter().map(Vec::len).sum();
    let comparisons = || answers.iter().flatten().filter_map(|answer| answer.comparison.as_ref());
    let numbers: usize = comparisons().map(|one| one.numbers).sum();
    let differing: usize = comparisons().map(|one| one.differing).sum();
    let subtitle = match comparisons().count() {
        0 => "The file expects nothing of them.".to_string(),
        compared => {
            format!("{compared} compared with the file: {differing} of {numbers} numbers differ.")
        }
    };
    let mut report = Report::new(format!("Margin of {count} accounts"), subtitle);
    let tone = if differing == 0 { Tone::Good } else { Tone::Bad };
    report.figure("Numbers compared", numbers.to_string(), "", Tone::Plain);
    report.figure("Numbers that differ", differing.to_string(), "", tone);
    let cases = || {
        document
            .worlds
            .iter()
            .zip(answers)
            .flat_map(|(world, answers)| world.cases.iter().zip(answers))
    };
    let mut blocks = Vec::new();
    if mode.has_portfolio() {
        blocks.push(Block::Table(portfolio_rows(cases())));
    }
    if mode.has_standard() {
        blocks.push(Block::Table(standard_rows(cases())));
    }
    blocks.push(Block::Table(compared_rows(cases())));
    report.section("Accounts", blocks);
    let details = cases().filter_map(|(case, answer)| {
        let differs = |one: &&Comparison| one.differing > 0;
        answer.comparison.as_ref().filter(differs).map(|one| (case, one))
    });
    for (case, comparison) in details {
        report.section(format!("Differences of {}", case.name), vec![differences(comparison)]);
    }
    report
}

/// A table with a row for each account: its name and what `cells` says of it.
fn rows<'a>(
    title: &str,
    note: &str,
    heads: &[&str],
    cases: impl Iterator<Item = (&'a Case, &'a Answer)>,
    cells: impl Fn(&Case, &Answer) -> Option<Vec<String>>,
) -> Table {
    let columns = [Column::words("account")];
    let columns = columns.into_iter().chain(heads.iter().copied().map(Column::numbers));
    let mut rows = table(title, note, columns.collect());
    for (case, answer) in cases {
        let found = cells(case, answer);
        let found = found.unwrap_or_else(|| vec!["–".to_string(); heads.len()]);
        rows.rows.push([case.name.clone()].into_iter().chain(found).collect());
    }
    rows
}

fn portfolio_rows<'a>(cases: impl Iterator<Item = (&'a Case, &'a Answer)>) -> Table {
    let heads = ["equity", "maintenance", "initial"];
    rows("Portfolio margin", "USD; --case NAME shows one in full.", &heads, cases, |_, answer| {
        let required = answer.portfolio.as_ref()?.as_ref().ok()?.requirement;
        let Requirement { initial, maintenance } = required;
        Some([answer.account.equity, maintenance, initial].map(money).to_vec())
    })
}

fn standard_rows<'a>(cases: impl Iterator<Item = (&'a Case, &'a Answer)>) -> Table {
    let heads = ["balance", "maintenance", "initial"];
    rows("Standard margin", "USD; initial with open orders.", &heads, cases, |_, answer| {
        let found = answer.standard.as_ref()?.as_ref().ok()?;
        Some([found.balance, found.requirement.maintenance, found.needed].map(money).to_vec())
    })
}

fn compared_rows<'a>(cases: impl Iterator<Item = (&'a Case, &'a Answer)>) -> Table {
    rows("Compared with the file", "", &["numbers", "differ"], cases, |_, answer| {
        let found = answer.comparison.as_ref()?;
        Some([found.numbers, found.differing].map(|count| count.to_string()).to_vec())
    })
}
