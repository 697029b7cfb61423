//! Running one block: build it, execute it, learn names from its events, judge its rejections.

use super::attribute::{self, ItemReject};
use super::build::{self, Builder, Draft, Placement};
use super::{EVENTS_KEPT_MAX, HOUSEKEEPING, Runner, SCENARIO_BLOCKS_MAX, Seen, Trouble};
use crate::events_json;
use crate::scenario::model::{AccountRef, Request, Step, StepKind};
use crate::scenario::orders::Tracked;
use crate::scenario::outcome::Mismatch;
use crate::scenario::want::{ErrorWant, show_reject};
use lockstep_types::codec::Bounded;
use lockstep_types::command::{Block, UserCommand};
use lockstep_types::event::Accepted;
use lockstep_types::ids::{AccountId, OrderId, SignerId};
use lockstep_types::reject::Reject;
use lockstep_types::{Event, Price, TimeMs};
use std::collections::{BTreeMap, BTreeSet};

/// The rejections of a block, by step.
#[derive(Default)]
struct Refused {
    by_step: BTreeMap<usize, Vec<ItemReject>>,
    /// Places in the system part that were refused.
    system: BTreeSet<usize>,
    /// Those that no command of a signer explains: an order was refused when it woke.
    loose: Vec<Reject>,
    /// Automatic reports that were refused, in words.
    reports: Vec<String>,
}

impl Runner<'_> {
    /// Runs a block at `time`. With `judged_later` an unexpected rejection is left to the checks.
    pub(super) fn block(
        &mut self,
        time: TimeMs,
        steps: &[Step],
        judged_later: bool,
    ) -> Result<(), Trouble> {
        if self.world.height >= SCENARIO_BLOCKS_MAX {
            return Err(Trouble::fatal(format!("more than {SCENARIO_BLOCKS_MAX} blocks")));
        }
        let mut builder = Builder {
            names: &mut self.world.names,
            reports: &self.reports,
            nonces: &mut self.nonces,
            now: time,
        };
        let draft = builder.draft(steps).map_err(|(index, error)| {
            let place = place_of(steps, index);
            Trouble::fatal(format!("{place}the command cannot be built: {error}"))
        })?;
        let system = draft.system.iter().map(|(_, command)| command.clone()).collect();
        let commands: Vec<UserCommand> =
            draft.commands.iter().map(|(_, command)| command.clone()).collect();
        let too_many = |error| Trouble::fatal(format!("the block cannot be built: {error}"));
        let block = Block {
            height: self.world.height + 1,
            time,
            system: Bounded::new(system).map_err(too_many)?,
            commands: Bounded::new(commands).map_err(too_many)?,
        };
        let events = self.venue.execute(&block);
        self.world.height = block.height;
        self.world.clock = time;
        let refused = self.refused(&draft, &block, &events);
        self.learn(steps, &draft, &refused, &events);
        self.count(&block, &events);
        self.keep(&events)?;
        if let Err(broken) = self.venue.check() {
            return Err(Trouble::fatal(format!("the books do not balance: {broken}")));
        }
        self.judge_rejections(steps, &refused, judged_later)
    }

    fn refused(&self, draft: &Draft, block: &Block, events: &[Event]) -> Refused {
        let mut refused = Refused::default();
        let commands: Vec<UserCommand> = block.commands.iter().cloned().collect();
        let attributed = attribute::rejections(&commands, events, &self.world.orders);
        for ((step, _), rejects) in draft.commands.iter().zip(attributed.rejects) {
            if !rejects.is_empty() {
                refused.by_step.entry(*step).or_default().extend(rejects);
            }
        }
        refused.loose = attributed.loose;
        for event in events {
            let Event::SystemRejected { item, reject } = event else { continue };
            let place = usize::from(*item);
            refused.system.insert(place);
            match draft.system.get(place) {
                Some((Some(step), _)) => {
                    refused.by_step.entry(*step).or_default().push((0, *reject));
                }
                _ => refused.reports.push(show_reject(*reject)),
            }
        }
        refused
    }

    /// Learns the numbers of what the block's commands named, and follows its orders.
    fn learn(&mut self, steps: &[Step], draft: &Draft, refused: &Refused, events: &[Event]) {
        let accepted = |place: &usize| !refused.system.contains(place);
        for (place, asked) in &draft.reports {
            if accepted(place) {
                self.reports.accept(asked.clone());
            }
        }
        for (place, name, weight) in &draft.weights {
            if accepted(place) {
                let reporter = self.world.names.reporter_id(name);
                self.reports.weigh(reporter, *weight);
            }
        }
        let mut deposits = draft.deposits.iter().filter(|(place, _)| accepted(place));
        let mut tickers = draft.tickers.iter().filter(|(place, _)| accepted(place));
        self.expect_orders(steps, draft, refused, events);
        let mut opened: BTreeMap<AccountId, SignerId> = BTreeMap::new();
        for event in events {
            self.world.names.observe(event);
            self.world.orders.observe(event);
            match event {
                Event::AccountOpened { account, owner, sub } => {
                    opened.insert(*account, *owner);
                    let known = self.world.names.signer_name(*owner).map(str::to_string);
                    if let Some(owner) = known {
                        let named = AccountRef { owner, sub: *sub };
                        self.world.names.name_account(*account, named);
                    }
                }
                Event::Deposited { account, .. } => {
                    let Some((_, named)) = deposits.next() else { continue };
                    self.world.names.name_account(*account, named.clone());
                    if let Some(owner) = opened.get(account) {
                        self.world.names.name_signer(*owner, &named.owner);
                    }
                }
                Event::UnderlyingAdded { underlying } => {
                    if let Some((_, ticker)) = tickers.next() {
                        self.world.names.name_underlying(*underlying, *ticker);
                    }
                }
                Event::AgentRegistered { owner, agent, .. } => {
                    self.name_agent(steps, draft, refused, *owner, *agent);
                }
                Event::Accepted(_) => {
                    let found = attribute::accepted(&mut self.waiting, event);
                    if let Some((order, placement)) = found {
                        self.name_accepted(order, &placement);
                    }
                }
                _ => {}
            }
        }
        self.end_waiting();
    }

    /// Names an order that was accepted; of linked ones the first is their primary.
    fn name_accepted(&mut self, order: OrderId, placement: &Placement) {
        if let Some(name) = &placement.name {
            self.world.names.name_order(order, name);
        }
        if let (Some(set), 0) = (placement.set, placement.item) {
            self.primaries.insert(set, order);
        }
    }

    /// Ends the block for orders that were not accepted in it: linked ones wait as long as their
    /// primary lives, of the others nothing more will come.
    fn end_waiting(&mut self) {
        let orders = &mut self.world.orders;
        let primaries = &self.primaries;
        self.waiting.retain(|placement| {
            let alive = placement.set.and_then(|set| primaries.get(&set));
            let waits = alive.is_some_and(|id| orders.get(*id).is_some_and(Tracked::is_alive));
            let Some(name) = &placement.name else { return waits };
            if let (false, Some(reject)) = (waits, placement.reject) {
                orders.refuse(name, reject);
                return waits;
            }
            if placement.set.is_some() {
                let planned = Accepted {
                    order: OrderId(0),
                    account: placement.account,
                    instrument: placement.instrument,
                    side: placement.side,
                    price: placement.price.unwrap_or(Price::ZERO),
                    lots: placement.lots,
                };
                orders.plan(name, Tracked::new(&planned));
            }
            if !waits {
                orders.forget(name);
            }
            waits
        });
    }

    /// Notes which orders the block should accept, and which were refused.
    fn expect_orders(
        &mut self,
        steps: &[Step],
        draft: &Draft,
        refused: &Refused,
        events: &[Event],
    ) {
        let none = Vec::new();
        // A set that was taken has had single orders refused, if any; else it was refused whole.
        let taken = events.iter().any(|event| matches!(event, Event::Linked { .. }));
        for (index, command) in &draft.commands {
            let Some(StepKind::User(user)) = steps.get(*index).map(|step| &step.kind) else {
                continue;
            };
            let rejects = refused.by_step.get(index).unwrap_or(&none);
            let set = matches!(user.request, Request::Linked { .. });
            let whole = matches!(user.request, Request::Place(_)) || (set && !taken);
            let parts = matches!(user.request, Request::MassQuote { .. }) || (set && taken);
            self.sets += 1;
            for mut placement in build::placements(&user.request, command, self.sets) {
                let reject = rejects.iter().find(|(item, _)| whole || *item == placement.item);
                placement.reject = reject.map(|(_, reject)| *reject);
                match (placement.reject, &placement.name) {
                    // A quote has two sides under one item: the other one may stand. An order of
                    // a set may be refused after its primary has filled.
                    (Some(reject), Some(name)) if !parts => {
                        self.world.orders.refuse(name, reject);
                    }
                    (Some(_), None) if !parts => {}
                    _ => self.waiting.push(placement),
                }
            }
        }
    }

    /// Names a new agent's key: the first registration of its owner that has none yet.
    fn name_agent(
        &mut self,
        steps: &[Step],
        draft: &Draft,
        refused: &Refused,
        owner: SignerId,
        agent: SignerId,
    ) {
        for (index, command) in &draft.commands {
            if command.signer != owner || refused.by_step.contains_key(index) {
                continue;
            }
            let Some(StepKind::User(user)) = steps.get(*index).map(|step| &step.kind) else {
                continue;
            };
            let Request::RegisterAgent { agent: name, .. } = &user.request else { continue };
            // A key that was revoked and registered again may have a new number.
            if self.world.names.signer_id(name) != Some(agent) {
                self.world.names.name_signer(agent, name);
                return;
            }
        }
    }

    fn count(&mut self, block: &Block, events: &[Event]) {
        let outcome = &mut self.outcome;
        outcome.blocks += 1;
        outcome.commands += u64::try_from(block.commands.len()).unwrap_or(0);
        outcome.events += u64::try_from(events.len()).unwrap_or(0);
        for event in events {
            match event {
                Event::Trade(_) => outcome.fills += 1,
                Event::Rejected { reject, .. } | Event::SystemRejected { reject, .. } => {
                    *outcome.rejections.entry(reject.code.rule()).or_insert(0) += 1;
                }
                _ => {}
            }
        }
    }

    /// Writes the block's events out and keeps them for expectations.
    fn keep(&mut self, events: &[Event]) -> Result<(), Trouble> {
        let (height, time) = (self.world.height, self.world.clock);
        if let Some(sink) = &mut self.sink {
            for event in events {
                let line = events_json::to_json_in_block(event, height, time, &self.world.names);
                writeln!(sink, "{line}").map_err(|error| {
                    Trouble::fatal(format!("the events cannot be written: {error}"))
                })?;
            }
        }
        for event in events {
            let seen = Seen { time, event: event.clone() };
            let housekeeping = HOUSEKEEPING.contains(&events_json::kind(event));
            if !housekeeping && self.world.story.len() < EVENTS_KEPT_MAX {
                self.world.story.push(seen.clone());
            }
            if self.world.last.len() < EVENTS_KEPT_MAX {
                self.world.last.push(seen);
            }
        }
        Ok(())
    }

    fn judge_rejections(
        &mut self,
        steps: &[Step],
        refused: &Refused,
        judged_later: bool,
    ) -> Result<(), Trouble> {
        self.world.rejects.extend(refused.by_step.values().flatten().map(|(_, reject)| *reject));
        self.world.rejects.extend(&refused.loose);
        let mut troubles: Vec<Trouble> = Vec::new();
        for (index, step) in steps.iter().enumerate() {
            let none = Vec::new();
            let rejects = refused.by_step.get(&index).unwrap_or(&none);
            let place = place_of(steps, index);
            let trouble = match &step.kind {
                StepKind::User(user) => match &user.request {
                    Request::Batch(items) if step.expect_error.is_none() => {
                        let wants: Vec<_> =
                            items.iter().map(|item| item.expect_error.as_ref()).collect();
                        judge_items(&place, &wants, rejects, judged_later)
                    }
                    _ => judge_one(&place, step.expect_error.as_ref(), rejects, judged_later),
                },
                StepKind::System(_) => {
                    judge_one(&place, step.expect_error.as_ref(), rejects, judged_later)
                }
            };
            troubles.extend(trouble);
        }
        for report in &refused.reports {
            troubles.push(Trouble::fatal(format!("an automatic report was refused: {report}")));
        }
        let Some(mut first) = troubles.pop() else { return Ok(()) };
        for other in troubles {
            first.title = format!("{}; {}", other.title, first.title);
            first.mismatches.extend(other.mismatches);
            first.fatal |= other.fatal;
        }
        Err(first)
    }
}

/// Where a step stands, in words; nothing for a line of its own.
fn place_of(steps: &[Step], index: usize) -> String {
    match steps.get(index).map(|step| step.place) {
        None | Some(0) => String::new(),
        Some(place) => format!("command {place} of the block: "),
    }
}

fn show_all(rejects: &[ItemReject]) -> String {
    let all: Vec<String> = rejects.iter().map(|(_, reject)| show_reject(*reject)).collect();
    if all.is_empty() { "accepted".to_string() } else { all.join("; ") }
}

/// Judges a command that is accepted or refused as a whole.
fn judge_one(
    place: &str,
    want: Option<&ErrorWant>,
    rejects: &[ItemReject],
    judged_later: bool,
) -> Option<Trouble> {
    match want {
        None if rejects.is_empty() || judged_later => None,
        None => Some(Trouble::fatal(format!(
            "{place}the command was refused and no `expect_error` said so: {}",
            show_all(rejects)
        ))),
        Some(want) => {
            let right = |(_, reject): &ItemReject| want.accepts(*reject);
            if !rejects.is_empty() && rejects.iter().all(right) {
                return None;
            }
            let mut trouble = match rejects.is_empty() {
                true => Trouble::fatal(format!("{place}the command was not refused")),
                false => Trouble::fatal(format!("{place}the command was refused otherwise")),
            };
            let found = show_all(rejects);
            trouble.mismatches.push(Mismatch::value("expect_error", want, found));
            trouble.fatal = false;
            Some(trouble)
        }
    }
}

/// Judges a command whose items are accepted or refused one by one.
fn judge_items(
    place: &str,
    wants: &[Option<&ErrorWant>],
    rejects: &[ItemReject],
    judged_later: bool,
) -> Option<Trouble> {
    let mut mismatches = Vec::new();
    let mut fatal = false;
    let of_item = |index: usize| -> Vec<Reject> {
        let mine = rejects.iter().filter(|(item, _)| usize::from(*item) == index);
        mine.map(|(_, reject)| *reject).collect()
    };
    for (index, want) in wants.iter().enumerate() {
        let found = of_item(index);
        let shown = match found.first() {
            Some(reject) => show_reject(*reject),
            None => "accepted".to_string(),
        };
        let path = format!("items[{index}]");
        match want {
            Some(want) => {
                let right = !found.is_empty() && found.iter().all(|reject| want.accepts(*reject));
                if !right {
                    mismatches.push(Mismatch::value(&path, want, shown));
                }
            }
            None if found.is_empty() || judged_later => {}
            None => {
                fatal = true;
                mismatches.push(Mismatch::value(&path, "accepted", shown));
            }
        }
    }
    if mismatches.is_empty() {
        return None;
    }
    let title = format!("{place}the batch was not answered as expected");
    Some(Trouble { title, mismatches, fatal })
}
