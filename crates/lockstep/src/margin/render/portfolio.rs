//! The portfolio model in a report: for each underlying the parts of its requirement, the worst
//! scenarios, and all of them.

use super::report::View;
use super::table::{
    money, percent, scenario_cells, scenario_columns, scenario_words, table, until, weight,
};
use crate::margin::answer::Answer;
use crate::margin::model::{Case, World};
use crate::margin::portfolio::{Portfolio, Underlying};
use crate::report::{Block, Column, Report, Table, micro_usd};
use lockstep_exchange::formula::risk_array::SCENARIOS;
use lockstep_exchange::formula::scenario_vector::ScenarioVector;
use unicode_width::UnicodeWidthStr;

/// How many of the worst scenarios are told apart.
const WORST_SHOWN: usize = 5;
/// Columns of text that a table of positions may fill.
const TABLE_WIDTH_MAX: usize = 96;
/// What the columns that name a scenario take of it.
const SCENARIO_WIDTH: usize = 20;
/// Blank columns between two columns.
const GAP: usize = 2;
/// Most tables of positions of one underlying.
const POSITION_TABLES_MAX: usize = 18;

/// One section for each underlying.
pub fn sections(
    report: &mut Report,
    world: &World,
    case: &Case,
    answer: &Answer,
    found: &Portfolio,
    view: View,
) {
    if found.underlyings.is_empty() {
        let words = "No position and no open order: nothing is required.".to_string();
        report.section("Portfolio margin", vec![Block::Prose(words)]);
    }
    for one in &found.underlyings {
        let contributions = contributions(world, answer, &one.name);
        let mut blocks = vec![Block::Table(components(world, case, one))];
        if one.exposures.len() > 1 {
            blocks.push(Block::Table(exposures(one)));
        }
        blocks.push(Block::Table(worst(one, &contributions)));
        blocks.push(Block::Table(scenarios(one)));
        if view.positions {
            blocks.extend(positions(&contributions).into_iter().map(Block::Table));
        }
        report.section(format!("Portfolio margin, {}", one.name), blocks);
    }
}

/// What a position or an order does in each scenario, with its name.
struct Contribution<'a> {
    name: String,
    vector: &'a ScenarioVector,
}

fn contributions<'a>(world: &World, answer: &'a Answer, underlying: &str) -> Vec<Contribution<'a>> {
    let of = |at: usize| world.instruments[at].underlying == underlying;
    let held = answer.account.holdings.iter().filter(|one| of(one.instrument)).map(|one| {
        Contribution { name: world.instruments[one.instrument].id.clone(), vector: &one.profit }
    });
    let offered =
        answer.account.offers.iter().filter(|one| of(one.instrument)).map(|one| Contribution {
            name: format!(
                "{} {}",
                if one.lots > 0 { "bid" } else { "offer" },
                world.instruments[one.instrument].id
            ),
            vector: &one.losses,
        });
    held.chain(offered).collect()
}

fn components(world: &World, case: &Case, one: &Underlying) -> Table {
    let columns = vec![
        Column::words("part"),
        Column::numbers("maintenance"),
        Column::numbers("initial"),
        Column::words("is"),
    ];
    let mut parts = table("Parts of the requirement", "USD; initial with open orders.", columns);
    let params = world.params_of(case);
    let shares = &params.portfolio;
    let found = &one.parts;
    let mut row = |name: &str, maintenance: Option<i64>, initial: i64, words: String| {
        let maintenance = maintenance.map_or_else(|| "–".to_string(), money);
        parts.rows.push(vec![name.to_string(), maintenance, money(initial), words]);
    };
    let [kept, opened] = [found.worst, found.worst_open].map(scenario_words);
    let worst = if kept == opened { kept } else { format!("{kept}; {opened}") };
    row("worst loss", Some(found.scan.maintenance), found.scan.initial, worst);
    let [kept, opened] = [shares.scan_maintenance_permille, shares.scan_initial_permille]
        .map(|share| percent(share, 3));
    let words = format!("{kept} and {opened} of it");
    row("SCAN", Some(found.scan_charge.maintenance), found.scan_charge.initial, words);
    let [kept, opened] =
        [one.moves.maintenance_ppm, one.moves.initial_ppm].map(|move_ppm| percent(move_ppm, 6));
    let words = format!("loss at a further move of {kept} and {opened}");
    row("LAT", Some(found.latency.maintenance), found.latency.initial, words);
    let words = format!("{} of the delta hedged across expiries", percent(shares.basis_ppm, 6));
    row("BASIS", Some(found.basis), found.basis, words);
    let words = format!("{} of the vega hedged across expiries", percent(shares.vega_ppm, 6));
    row("VEGA", Some(found.vega), found.vega, words);
    let [kept, opened] =
        [shares.short_maintenance_ppm, shares.short_initial_ppm].map(|share| percent(share, 6));
    let words = format!("{kept} and {opened} of the notional of short options");
    row("SHORT", Some(found.short.maintenance), found.short.initial, words);
    let [kept, opened] =
        [shares.linear_maintenance_ppm, shares.linear_initial_ppm].map(|share| percent(share, 6));
    let words = format!("{kept} and {opened} of that of perpetuals and futures");
    row("LINEAR", Some(found.linear.maintenance), found.linear.initial, words);
    let words = format!("net delta beyond {}", money(shares.concentration_free));
    row("CONC", Some(found.concentration), found.concentration, words);
    let words = format!("oracle confidence below {}", percent(shares.confidence_ppm_min, 6));
    row("CONF", None, found.confidence, words);
    let total = found.requirement;
    let words = "the sum; initial is at least maintenance".to_string();
    row("required", Some(total.maintenance), total.initial, words);
    parts
}

/// What BASIS and VEGA are made of; with one expiry there is nothing to hedge across.
fn exposures(one: &Underlying) -> Table {
    let columns = vec![
        Column::words("expiry"),
        Column::numbers("D: from spot −4% to +4%"),
        Column::numbers("V: volatility up"),
    ];
    let note = "Profit of the positions, USD. BASIS and VEGA charge what expiries hedge in each \
                other.";
    let mut found = table("Expiries", note, columns);
    for expiry in &one.exposures {
        let name = if expiry.seconds == 0 { "none".to_string() } else { until(expiry.seconds) };
        found.rows.push(vec![name, micro_usd(expiry.delta), micro_usd(expiry.vega)]);
    }
    found
}

fn worst(one: &Underlying, contributions: &[Contribution<'_>]) -> Table {
    let columns = scenario_columns().into_iter().chain([
        Column::numbers("P"),
        Column::numbers("P with orders"),
        Column::words("what loses most"),
        Column::numbers("of it"),
    ]);
    let mut found = table(
        "Worst scenarios",
        "By profit with whatever of the open orders hurts; USD, weights folded in.",
        columns.collect(),
    );
    let mut order: Vec<usize> = (0..SCENARIOS).collect();
    order.sort_by_key(|&scenario| (one.parts.profit_open[scenario], scenario));
    for &scenario in order.iter().take(WORST_SHOWN) {
        let mut cells = scenario_cells(scenario);
        cells.push(money(one.parts.profit[scenario]));
        cells.push(money(one.parts.profit_open[scenario]));
        let loser = contributions.iter().min_by_key(|part| part.vector[scenario]);
        if let Some(loser) = loser.filter(|part| part.vector[scenario] < 0) {
            cells.push(loser.name.clone());
            cells.push(money(loser.vector[scenario]));
        }
        found.rows.push(cells);
    }
    found
}

fn scenarios(one: &Underlying) -> Table {
    let columns = scenario_columns().into_iter().chain([
        Column::numbers("weight"),
        Column::numbers("P"),
        Column::numbers("P with orders"),
        Column::words(""),
    ]);
    let mut found = table("All scenarios", "P: profit of the positions, USD.", columns.collect());
    for scenario in 0..SCENARIOS {
        let mut cells = scenario_cells(scenario);
        cells.push(weight(scenario));
        cells.push(money(one.parts.profit[scenario]));
        cells.push(money(one.parts.profit_open[scenario]));
        let worst = [(one.parts.worst, "worst"), (one.parts.worst_open, "worst with orders")];
        let marks = worst.iter().filter(|(at, _)| *at == scenario).map(|(_, word)| *word);
        cells.push(match one.parts.worst == one.parts.worst_open {
            true => marks.take(1).collect(),
            false => marks.collect(),
        });
        found.rows.push(cells);
    }
    found
}

/// The scenarios with a column for each position and order, in as many tables as they need.
fn positions(contributions: &[Contribution<'_>]) -> Vec<Table> {
    let width = |part: &Contribution<'_>| {
        let cells = part.vector.iter().map(|profit| money(*profit).width());
        GAP + cells.max().unwrap_or(0).max(part.name.width())
    };
    let mut groups: Vec<Vec<&Contribution<'_>>> = Vec::new();
    let mut used = TABLE_WIDTH_MAX;
    for part in contributions {
        let wide = width(part);
        if used + wide > TABLE_WIDTH_MAX {
            groups.push(Vec::new());
            used = SCENARIO_WIDTH;
        }
        used += wide;
        if let Some(group) = groups.last_mut() {
            group.push(part);
        }
    }
    let hidden: usize = groups.iter().skip(POSITION_TABLES_MAX).map(Vec::len).sum();
    let mut tables = Vec::new();
    for group in groups.iter().take(POSITION_TABLES_MAX) {
        let named = group.iter().map(|part| Column::numbers(part.name.clone()));
        let columns = scenario_columns().into_iter().chain(named).collect();
        let mut found = table("By position and order", "", columns);
        for scenario in 0..SCENARIOS {
            let mut cells = scenario_cells(scenario);
            cells.extend(group.iter().map(|part| money(part.vector[scenario])));
            found.rows.push(cells);
        }
        tables.push(found);
    }
    if let Some(last) = tables.last_mut().filter(|_| hidden > 0) {
        last.note = format!("{hidden} more are not shown; --json has all.");
    }
    tables
}
