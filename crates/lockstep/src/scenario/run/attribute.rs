//! Which command a rejection answers, and which order an acceptance means.
//!
//! Events of a block stand in the order of execution, and a rejection names its account only. Where
//! an account has one command in the block, that is the answer; where it has several, they are
//! followed in the order of rule M6 and each event moves on to the command that it proves done.

use super::build::Placement;
use crate::scenario::orders::Orders;
use lockstep_types::command::{BatchItem, Command, UserCommand};
use lockstep_types::event::{CancelReason, Event};
use lockstep_types::ids::{AccountId, OrderId};
use lockstep_types::order::OrderTarget;
use lockstep_types::reject::Reject;
use std::collections::BTreeMap;

/// A rejection and its place in the command.
pub type ItemReject = (u16, Reject);

/// The rejections of each command, and those of no command at all.
#[derive(Clone, Debug, Default)]
pub struct Attributed {
    /// By place of the command.
    pub rejects: Vec<Vec<ItemReject>>,
    /// Those of orders that were refused when they woke, or in place of a primary.
    pub loose: Vec<Reject>,
}

/// Finds for each rejection its command. `orders` is what was known before the block.
pub fn rejections(commands: &[UserCommand], events: &[Event], orders: &Orders) -> Attributed {
    let mut out = Attributed { rejects: vec![Vec::new(); commands.len()], loose: Vec::new() };
    let mut queues: BTreeMap<AccountId, Vec<usize>> = BTreeMap::new();
    let (early, late): (Vec<usize>, Vec<usize>) =
        (0..commands.len()).partition(|index| is_early(&commands[*index], orders));
    for index in early.into_iter().chain(late) {
        queues.entry(commands[index].account).or_default().push(index);
    }
    // For every account, how many of its commands are known to be done.
    let mut done: BTreeMap<AccountId, usize> = BTreeMap::new();
    for (place, event) in events.iter().enumerate() {
        if let Event::Rejected { account, item, reject } = event {
            let before = place.checked_sub(1).and_then(|before| events.get(before));
            let woken = matches!(before, Some(Event::Triggered { .. }));
            let queue = queues.get(account).filter(|_| !woken);
            let Some(queue) = queue else {
                out.loose.push(*reject);
                continue;
            };
            let at = done.entry(*account).or_insert(0);
            let place = (*at).min(queue.len() - 1);
            let command = queue[place];
            out.rejects[command].push((*item, *reject));
            if !has_items(&commands[command].command) {
                *at = place + 1;
            }
            continue;
        }
        let Some(account) = account_of(event, orders) else { continue };
        let Some(queue) = queues.get(&account) else { continue };
        let at = done.entry(account).or_insert(0);
        let rest = queue.iter().enumerate().skip(*at);
        let mut proven = rest.filter(|(_, index)| proves(event, &commands[**index].command));
        if let Some((place, index)) = proven.next() {
            let several = has_items(&commands[*index].command);
            *at = if several { place } else { place + 1 };
        }
    }
    out
}

/// Whether the command is a cancel that runs before everything else (M6).
fn is_early(command: &UserCommand, orders: &Orders) -> bool {
    let resting = |target: &OrderTarget| match target {
        OrderTarget::Id(id) => orders.get(*id).is_some_and(|order| order.is_alive()),
        OrderTarget::Label(_) => true,
    };
    match &command.command {
        Command::CancelAll(_) => true,
        Command::Cancel(target) => resting(target),
        Command::Batch(items) => items.iter().all(|item| match item {
            BatchItem::Cancel(target) => resting(target),
            _ => false,
        }),
        _ => false,
    }
}

/// Whether it can have several rejections.
fn has_items(command: &Command) -> bool {
    command.is_multiple() || matches!(command, Command::PlaceLinked { .. })
}

/// Whose command an event may prove done.
fn account_of(event: &Event, orders: &Orders) -> Option<AccountId> {
    match event {
        Event::Accepted(accepted) => Some(accepted.account),
        Event::Amended { order, .. } => orders.get(*order).map(|order| order.account),
        Event::Cancelled { account, reason: CancelReason::Request, .. }
        | Event::ProtectionSet { account, .. }
        | Event::CancelScheduled { account, .. }
        | Event::Withdrawn { account, .. }
        | Event::MarginModeSet { account, .. } => Some(*account),
        Event::Transferred { from, .. } => Some(*from),
        Event::BackstopTaken { bidder, .. } => Some(*bidder),
        _ => None,
    }
}

/// Whether an event of the command's account proves that the command was executed.
fn proves(event: &Event, command: &Command) -> bool {
    match (event, command) {
        (Event::Accepted(accepted), Command::Place(order)) => {
            accepted.instrument == order.instrument && accepted.side == order.side
        }
        (Event::Accepted(accepted), Command::PlaceLinked { orders, .. }) => orders
            .iter()
            .any(|order| accepted.instrument == order.instrument && accepted.side == order.side),
        (Event::Accepted(accepted), Command::Batch(items)) => items.iter().any(|item| match item {
            BatchItem::Place(order) => {
                accepted.instrument == order.instrument && accepted.side == order.side
            }
            _ => false,
        }),
        (Event::Accepted(accepted), Command::MassQuote { quotes, .. }) => {
            quotes.iter().any(|quote| quote.instrument == accepted.instrument)
        }
        (Event::Amended { order, .. }, Command::Amend(amend)) => match &amend.target {
            OrderTarget::Id(id) => id == order,
            OrderTarget::Label(_) => true,
        },
        (Event::Cancelled { order, .. }, Command::Cancel(target)) => match target {
            OrderTarget::Id(id) => id == order,
            OrderTarget::Label(_) => true,
        },
        (Event::ProtectionSet { .. }, command) => {
            matches!(command, Command::SetProtection { .. } | Command::ResetProtection { .. })
        }
        (Event::CancelScheduled { .. }, Command::ScheduleCancel { .. })
        | (Event::Withdrawn { .. }, Command::Withdraw { .. })
        | (Event::Transferred { .. }, Command::Transfer { .. })
        | (Event::MarginModeSet { .. }, Command::SetMarginMode(_)) => true,
        (Event::BackstopTaken { account, .. }, Command::Bid { account: offered, .. }) => {
            account == offered
        }
        _ => false,
    }
}

/// Takes out of `waiting` the placement that an acceptance means, if any: the same account,
/// instrument and side, rather with the same amount (a reduce-only order may shrink).
pub fn accepted(waiting: &mut Vec<Placement>, event: &Event) -> Option<(OrderId, Placement)> {
    let Event::Accepted(accepted) = event else { return None };
    let alike = |placement: &Placement| {
        placement.account == accepted.account
            && placement.instrument == accepted.instrument
            && placement.side == accepted.side
    };
    let exact = |placement: &Placement| {
        let price = placement.price.is_none_or(|price| price == accepted.price);
        alike(placement) && placement.lots == accepted.lots && price
    };
    let same_lots = |placement: &Placement| alike(placement) && placement.lots == accepted.lots;
    let place = waiting
        .iter()
        .position(exact)
        .or_else(|| waiting.iter().position(same_lots))
        .or_else(|| waiting.iter().position(alike))?;
    Some((accepted.order, waiting.remove(place)))
}
