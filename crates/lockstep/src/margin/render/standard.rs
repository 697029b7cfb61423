//! The standard model in a report: perpetuals and futures one by one, options by expiry.

use super::table::{amount, money, table, until};
use crate::margin::model::World;
use crate::margin::standard::Standard;
use crate::report::{Block, Column};

/// Its tables, and its sums.
pub fn blocks(world: &World, found: &Standard) -> Vec<Block> {
    let mut blocks = Vec::new();
    if !found.linear.is_empty() {
        let columns = vec![
            Column::words("instrument"),
            Column::numbers("maintenance"),
            Column::numbers("initial"),
            Column::numbers("with orders"),
        ];
        let mut rows = table("Perpetuals and futures", "", columns);
        for part in &found.linear {
            rows.rows.push(vec![
                world.instruments[part.instrument].id.clone(),
                money(part.requirement.maintenance),
                money(part.requirement.initial),
                money(part.needed),
            ]);
        }
        blocks.push(Block::Table(rows));
    }
    if !found.expiries.is_empty() {
        let columns = vec![
            Column::words("options"),
            Column::numbers("alone, maintenance"),
            Column::numbers("alone, initial"),
            Column::numbers("greatest loss"),
            Column::numbers("net calls"),
        ];
        let note = "Required is the lower of the sum alone and of the greatest loss with unpaired \
                    short calls.";
        let mut sums = table("Options by expiry", note, columns);
        let columns = ["maintenance", "initial", "with orders", "option value"];
        let columns = columns.map(Column::numbers).into_iter();
        let columns = [Column::words("options")].into_iter().chain(columns).collect();
        let mut required = table("Required by expiry", "", columns);
        for part in &found.expiries {
            let name = format!("{}, {}", part.underlying, until(part.seconds));
            sums.rows.push(vec![
                name.clone(),
                money(part.parts.isolated.maintenance),
                money(part.parts.isolated.initial),
                money(part.parts.loss_max),
                amount(part.parts.net_calls_lots),
            ]);
            required.rows.push(vec![
                name,
                money(part.parts.requirement.maintenance),
                money(part.parts.requirement.initial),
                money(part.needed),
                money(part.parts.option_value),
            ]);
        }
        blocks.extend([Block::Table(sums), Block::Table(required)]);
    }
    let words = match blocks.is_empty() {
        true => "No position and no open order: nothing is required.".to_string(),
        false => format!(
            "Maintenance {}, initial {}, with open orders {}.",
            money(found.requirement.maintenance),
            money(found.requirement.initial),
            money(found.needed)
        ),
    };
    blocks.push(Block::Prose(words));
    blocks
}
