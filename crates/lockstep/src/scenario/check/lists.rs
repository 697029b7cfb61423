//! Expectations of lists: positions, open orders, book levels, trades.

use super::{Judge, Verdict, show_lots, show_price};
use crate::events_json;
use crate::scenario::model::AccountRef;
use crate::scenario::orders;
use crate::scenario::outcome::{Mismatch, Row};
use crate::scenario::venue::{LevelView, OrderView, PositionView};
use crate::scenario::want::{LevelWant, OrderState, OrderWant, PositionWant, Range, TradeWant};
use lockstep_types::event::{Event, Trade};
use lockstep_types::instrument::InstrumentName;
use lockstep_types::{Price, Side};

impl Judge<'_> {
    pub(super) fn positions(
        &self,
        account: &AccountRef,
        wants: &[(InstrumentName, PositionWant)],
    ) -> Verdict {
        let held = match self.names().account_id(account) {
            Some(id) => self.venue.positions(id),
            None => Vec::new(),
        };
        let mut rows = Vec::new();
        for (name, want) in wants {
            let id = self.instrument_id(name);
            let found = held.iter().find(|view| Some(view.instrument) == id);
            let agrees = found.is_some_and(|found| position_agrees(want, found));
            rows.push(Row {
                expected: Some(format!("{name} {}", show_position_want(want))),
                found: found.map(|found| self.show_position(found)),
                agrees,
            });
        }
        for view in &held {
            let named =
                |(name, _): &(InstrumentName, _)| self.instrument_id(name) == Some(view.instrument);
            if !wants.iter().any(named) {
                let found = Some(self.show_position(view));
                rows.push(Row { expected: None, found, agrees: false });
            }
        }
        self.verdict(rows)
    }

    fn show_position(&self, view: &PositionView) -> String {
        let name = self.names().instrument(view.instrument);
        let price = show_price(view.average_price);
        format!("{name} {} at {price}", show_lots(view.lots))
    }

    fn verdict(&self, rows: Vec<Row>) -> Verdict {
        match rows.iter().all(|row| row.agrees) {
            true => Ok(()),
            false => Err(Mismatch::rows(self.path, rows)),
        }
    }

    /// All open orders of an account, in any order.
    pub(super) fn orders(&self, account: &AccountRef, wants: &[OrderWant]) -> Verdict {
        let mut left = match self.names().account_id(account) {
            Some(id) => self.venue.orders(id),
            None => Vec::new(),
        };
        let mut rows = Vec::new();
        for want in wants {
            let place = left.iter().position(|view| self.order_agrees(want, view));
            let found = place.map(|place| left.remove(place));
            rows.push(Row {
                expected: Some(show_order_want(want)),
                agrees: found.is_some(),
                found: found.map(|view| self.show_order(&view)),
            });
        }
        // What is left on both sides stands side by side.
        let mut left = left.into_iter();
        for row in rows.iter_mut().filter(|row| !row.agrees) {
            row.found = left.next().map(|view| self.show_order(&view));
        }
        for view in left {
            rows.push(Row { expected: None, found: Some(self.show_order(&view)), agrees: false });
        }
        self.verdict(rows)
    }

    fn order_agrees(&self, want: &OrderWant, view: &OrderView) -> bool {
        let id = want.name.as_deref().map(|name| self.names().order_id(name));
        let named = id.is_none_or(|id| id == Some(view.order));
        let instrument = want.instrument.as_ref();
        let instrument =
            instrument.is_none_or(|name| self.instrument_id(name) == Some(view.instrument));
        let label = want.label.is_none() || want.label == view.label;
        let side = want.side.is_none_or(|side| side == view.side);
        if !(named && instrument && label && side) {
            return false;
        }
        match self.world.orders.get(view.order) {
            Some(tracked) => {
                let state = want.state.is_none_or(|state| state == tracked.state);
                state && self.order_fields(want, tracked, Some(view)).is_ok()
            }
            None => false,
        }
    }

    fn show_order(&self, view: &OrderView) -> String {
        let name = self.names().order(view.order);
        let text = orders::show(view.side, view.remaining, view.price);
        let instrument = self.names().instrument(view.instrument);
        let asleep = match view.trigger_price {
            Some(price) if view.sleeping => format!(", sleeping until {}", show_price(price)),
            _ => String::new(),
        };
        format!("{name}: {text} {instrument}{asleep}")
    }

    pub(super) fn levels(
        &self,
        name: &InstrumentName,
        side: Side,
        wants: &[LevelWant],
        top: Option<usize>,
    ) -> Verdict {
        let mut found = self.depth(name, side, wants.first())?;
        found.truncate(top.unwrap_or(usize::MAX));
        // Levels are sorted by price, so both lists can be walked side by side.
        let mut rows = Vec::new();
        let mut levels = found.into_iter().peekable();
        for want in wants {
            let ahead = |level: &LevelView| match (want.price.range, side) {
                (Range::Is(price), Side::Buy) => level.price.0 > price,
                (Range::Is(price), Side::Sell) => level.price.0 < price,
                _ => false,
            };
            while let Some(level) = levels.next_if(|level| ahead(level)) {
                rows.push(Row { expected: None, found: Some(show_level(&level)), agrees: false });
            }
            let level = levels.next_if(|level| want.price.accepts(level.price.0));
            rows.push(Row {
                expected: Some(show_level_want(want)),
                agrees: level.is_some_and(|level| level_agrees(want, &level)),
                found: level.map(|level| show_level(&level)),
            });
        }
        for level in levels {
            rows.push(Row { expected: None, found: Some(show_level(&level)), agrees: false });
        }
        self.verdict(rows)
    }

    fn depth(
        &self,
        name: &InstrumentName,
        side: Side,
        want: Option<&LevelWant>,
    ) -> Result<Vec<LevelView>, Mismatch> {
        let wanted = want.map_or("no level".to_string(), show_level_want);
        self.instrument(name, wanted)?;
        let id = self.instrument_id(name);
        Ok(id.map_or_else(Vec::new, |id| self.venue.depth(id, side)))
    }

    pub(super) fn best(
        &self,
        name: &InstrumentName,
        side: Side,
        want: Option<&LevelWant>,
    ) -> Verdict {
        let best = self.depth(name, side, want)?.first().copied();
        match (want, best) {
            (None, None) => Ok(()),
            (Some(want), Some(found)) if level_agrees(want, &found) => Ok(()),
            (want, found) => self.differs(
                want.map_or("none".to_string(), show_level_want),
                found.map_or("none".to_string(), |level| show_level(&level)),
            ),
        }
    }

    pub(super) fn trades(
        &self,
        instrument: Option<&InstrumentName>,
        wants: &[TradeWant],
    ) -> Verdict {
        let events = match instrument {
            None => &self.world.last,
            Some(_) => &self.world.story,
        };
        let id = instrument.and_then(|name| self.instrument_id(name));
        let mut trades: Vec<&Trade> = Vec::new();
        for seen in events {
            match &seen.event {
                Event::Trade(trade) if instrument.is_none() || Some(trade.instrument) == id => {
                    trades.push(trade);
                }
                _ => {}
            }
        }
        if instrument.is_some() {
            let from = trades.len().saturating_sub(wants.len());
            trades.drain(..from);
        }
        let mut rows = Vec::new();
        for index in 0..wants.len().max(trades.len()) {
            let (want, trade) = (wants.get(index), trades.get(index));
            let agrees = match (want, trade) {
                (Some(want), Some(trade)) => self.trade_agrees(want, trade),
                _ => false,
            };
            rows.push(Row {
                expected: want.map(show_trade_want),
                found: trade.map(|trade| self.show_trade(trade)),
                agrees,
            });
        }
        self.verdict(rows)
    }

    fn trade_agrees(&self, want: &TradeWant, trade: &Trade) -> bool {
        let price = want.price.is_none_or(|want| want.accepts(trade.price.0));
        let amount = want.amount.is_none_or(|want| want.accepts(trade.lots.0));
        let event = events_json::to_json(&Event::Trade(*trade), self.names());
        price && amount && super::events::fields_agree(&want.fields, &event)
    }

    fn show_trade(&self, trade: &Trade) -> String {
        let (price, amount) = (show_price(trade.price), show_lots(trade.lots));
        let (taker, maker) = (self.names().account(trade.taker), self.names().account(trade.maker));
        let side = events_json::side(trade.taker_side);
        format!("{price} x {amount}, {taker} {side}s from {maker}")
            .replace("sells from", "sells to")
    }
}

fn position_agrees(want: &PositionWant, found: &PositionView) -> bool {
    want.amount.is_none_or(|want| want.accepts(found.lots.0))
        && want.average_price.is_none_or(|want| want.accepts(found.average_price.0))
        && want
            .unrealised
            .is_none_or(|want| found.unrealised.is_some_and(|found| want.accepts(found.0)))
}

fn show_position_want(want: &PositionWant) -> String {
    let mut text = want.amount.map_or("any".to_string(), |amount| amount.to_string());
    if let Some(price) = want.average_price {
        text.push_str(&format!(" at {price}"));
    }
    if let Some(result) = want.unrealised {
        text.push_str(&format!(", unrealised {result}"));
    }
    text
}

fn show_order_want(want: &OrderWant) -> String {
    let mut words: Vec<String> = Vec::new();
    words.extend(want.name.as_ref().map(|name| format!("{name}:")));
    words.extend(want.label.as_ref().map(|label| format!("label {label}")));
    words.extend(want.state.map(OrderState::name).map(str::to_string));
    words.extend(want.side.map(|side| events_json::side(side).to_string()));
    let fields = [
        ("remaining", want.remaining),
        ("amount", want.amount),
        ("filled", want.filled),
        ("visible", want.visible),
        ("at", want.price),
        ("average price", want.average_price),
        ("trigger", want.trigger_price),
    ];
    for (name, want) in fields {
        words.extend(want.map(|want| format!("{name} {want}")));
    }
    words.extend(want.instrument.map(|name| name.to_string()));
    if words.is_empty() { "any order".to_string() } else { words.join(" ") }
}

fn level_agrees(want: &LevelWant, found: &LevelView) -> bool {
    want.price.accepts(found.price.0)
        && want.amount.is_none_or(|want| want.accepts(found.lots.0))
        && want.orders.is_none_or(|want| want.accepts(i64::from(found.orders)))
}

fn show_level(level: &LevelView) -> String {
    let price: Price = level.price;
    let orders = match level.orders {
        1 => "1 order".to_string(),
        count => format!("{count} orders"),
    };
    format!("{} x {} ({orders})", show_price(price), show_lots(level.lots))
}

fn show_level_want(want: &LevelWant) -> String {
    let mut text = want.price.to_string();
    if let Some(amount) = want.amount {
        text.push_str(&format!(" x {amount}"));
    }
    if let Some(orders) = want.orders {
        text.push_str(&format!(" ({orders} orders)"));
    }
    text
}

fn show_trade_want(want: &TradeWant) -> String {
    let price = want.price.map_or("any price".to_string(), |price| price.to_string());
    let amount = want.amount.map_or(String::new(), |amount| format!(" x {amount}"));
    let fields: Vec<String> =
        want.fields.iter().map(|(name, value)| format!(", {name} {value}")).collect();
    format!("{price}{amount}{}", fields.concat())
}
