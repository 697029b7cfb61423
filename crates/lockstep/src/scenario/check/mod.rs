//! Whether expectations hold, and what was found where they do not.

mod events;
mod lists;

pub use events::show_event;

use super::names::Names;
use super::orders;
use super::outcome::Mismatch;
use super::run::{World, hex};
use super::value::{AMOUNT_PLACES, PPB_PLACES, PPM_PLACES, PRICE_PLACES, show_time};
use super::venue::{InstrumentView, OrderView, UnderlyingView, Venue};
use super::want::{
    Check, Figure, OrderState, OrderWant, Pool, PositionWant, Subject, Want, show_reject,
};
use crate::events_json;
use lockstep_types::command::{MarginMode, PhaseScope};
use lockstep_types::decimal::Decimal;
use lockstep_types::ids::InstrumentId;
use lockstep_types::instrument::{InstrumentName, Ticker};
use lockstep_types::{Lots, Price, Usd};

/// Judges one expectation.
///
/// # Errors
/// What was expected and what was found.
pub fn hold(check: &Check, world: &World, venue: &dyn Venue) -> Result<(), Mismatch> {
    let judge = Judge { path: &check.path, world, venue };
    match &check.subject {
        Subject::Figure(account, figure, want) => {
            let view = judge.account(account, want)?;
            let found = match figure {
                Figure::Balance => Some(view.balance),
                Figure::Equity => view.equity,
                Figure::Initial => view.initial,
                Figure::Maintenance => view.maintenance,
                Figure::Available => view.available,
            };
            match found {
                Some(found) => judge.number(*want, found.0),
                None => judge.differs(want, "unknown: something has no mark yet"),
            }
        }
        Subject::MarginMode(account, want) => {
            let name = |mode| match mode {
                MarginMode::Portfolio => "portfolio",
                MarginMode::Standard => "standard",
            };
            let found = judge.account(account, &name(*want))?.mode;
            judge.same(name(*want), name(found))
        }
        Subject::Liquidating(account, want) => {
            let found = judge.account(account, want)?.liquidating;
            judge.same(want, found)
        }
        Subject::Exists(account, want) => {
            judge.same(want, world.names.account_id(account).is_some())
        }
        Subject::Position(account, instrument, want) => judge.position(account, instrument, *want),
        Subject::Positions(account, wants) => judge.positions(account, wants),
        Subject::Order(name, want) => judge.order(name, want),
        Subject::Orders(account, wants) => judge.orders(account, wants),
        Subject::OrderCount(account, want) => {
            let found = match world.names.account_id(account) {
                Some(id) => venue.orders(id).len(),
                None => 0,
            };
            judge.number(*want, i64::try_from(found).unwrap_or(i64::MAX))
        }
        Subject::Levels(instrument, side, wants, top) => {
            judge.levels(instrument, *side, wants, *top)
        }
        Subject::Best(instrument, side, want) => judge.best(instrument, *side, want.as_ref()),
        Subject::Events(want) => judge.events(want),
        Subject::Trades(instrument, wants) => judge.trades(instrument.as_ref(), wants),
        other => judge.venue_subject(other),
    }
}

/// One expectation being judged.
struct Judge<'a> {
    path: &'a str,
    world: &'a World,
    venue: &'a dyn Venue,
}

type Verdict = Result<(), Mismatch>;

impl Judge<'_> {
    fn names(&self) -> &Names {
        &self.world.names
    }

    fn differs<T>(&self, expected: impl ToString, found: impl ToString) -> Result<T, Mismatch> {
        Err(Mismatch::value(self.path, expected, found))
    }

    fn same(&self, expected: impl ToString, found: impl ToString) -> Verdict {
        let (expected, found) = (expected.to_string(), found.to_string());
        if expected == found { Ok(()) } else { self.differs(expected, found) }
    }

    fn number(&self, want: Want, found: i64) -> Verdict {
        if want.accepts(found) {
            return Ok(());
        }
        self.differs(want, Decimal { value: found, places: want.places })
    }

    fn maybe(&self, want: Option<Want>, found: Option<Price>) -> Verdict {
        match (want, found) {
            (None, None) => Ok(()),
            (Some(want), Some(found)) => self.number(want, found.0),
            (Some(want), None) => self.differs(want, "none"),
            (None, Some(found)) => self.differs("none", show_price(found)),
        }
    }

    fn account(
        &self,
        account: &super::model::AccountRef,
        want: &impl ToString,
    ) -> Result<super::venue::AccountView, Mismatch> {
        let id = self.names().account_id(account);
        match id.and_then(|id| self.venue.account(id)) {
            Some(view) => Ok(view),
            None => self.differs(want.to_string(), format!("there is no account {account}")),
        }
    }

    fn instrument_id(&self, name: &InstrumentName) -> Option<InstrumentId> {
        self.names().instrument_id(name)
    }

    fn instrument(
        &self,
        name: &InstrumentName,
        want: impl ToString,
    ) -> Result<InstrumentView, Mismatch> {
        let id = self.instrument_id(name);
        match id.and_then(|id| self.venue.instrument(id)) {
            Some(view) => Ok(view),
            None => self.differs(want, format!("{name} is not listed")),
        }
    }

    fn underlying(&self, ticker: Ticker, want: impl ToString) -> Result<UnderlyingView, Mismatch> {
        let id = self.names().underlying_id(ticker);
        match id.and_then(|id| self.venue.underlying(id)) {
            Some(view) => Ok(view),
            None => self.differs(want, format!("there is no underlying {ticker}")),
        }
    }

    fn position(
        &self,
        account: &super::model::AccountRef,
        instrument: &InstrumentName,
        want: PositionWant,
    ) -> Verdict {
        let id = self.instrument_id(instrument);
        let held = match (self.names().account_id(account), id) {
            (Some(account), Some(id)) => {
                self.venue.positions(account).into_iter().find(|view| view.instrument == id)
            }
            _ => None,
        };
        let lots = held.map_or(Lots::ZERO, |view| view.lots);
        if let Some(amount) = want.amount {
            self.within("amount").number(amount, lots.0)?;
        }
        if let Some(price) = want.average_price {
            self.within("average_price").maybe(Some(price), held.map(|view| view.average_price))?;
        }
        if let Some(result) = want.unrealised {
            match held.map_or(Some(Usd::ZERO), |view| view.unrealised) {
                Some(found) => self.within("unrealised").number(result, found.0)?,
                None => self.within("unrealised").differs(result, "unknown: no mark yet")?,
            }
        }
        Ok(())
    }

    fn within(&self, field: &str) -> Within<'_> {
        Within { judge: self, path: format!("{}.{field}", self.path) }
    }

    fn order(&self, name: &str, want: &OrderWant) -> Verdict {
        let wanted = |want: &OrderWant| match want.state {
            Some(state) => state.name().to_string(),
            None => "an order".to_string(),
        };
        if let Some(reject) = self.world.orders.refused(name) {
            return match want.state {
                Some(OrderState::Rejected) => Ok(()),
                _ => self.differs(wanted(want), format!("rejected: {}", show_reject(reject))),
            };
        }
        let id = self.names().order_id(name);
        let known = id.and_then(|id| self.world.orders.get(id));
        let Some(tracked) = known.or_else(|| self.world.orders.planned(name)) else {
            return self.differs(wanted(want), "the order was never accepted");
        };
        let live = id.and_then(|id| self.venue.order(id));
        if let Some(state) = want.state {
            let found = match tracked.state {
                OrderState::Cancelled => {
                    let reason = tracked.reason.map_or("", events_json::cancel_reason);
                    format!("cancelled ({reason})")
                }
                state => state.name().to_string(),
            };
            if state != tracked.state {
                return self.within("state").differs(state.name(), found);
            }
        }
        self.order_fields(want, tracked, live.as_ref())
    }

    fn order_fields(
        &self,
        want: &OrderWant,
        tracked: &orders::Tracked,
        live: Option<&OrderView>,
    ) -> Verdict {
        let price = live.and_then(|view| view.price).unwrap_or(tracked.price);
        let remaining = match (live, tracked.is_alive()) {
            (Some(view), _) => view.remaining,
            (None, true) => tracked.remaining,
            // What had been left when it ended is in its `cancelled` event.
            (None, false) => Lots::ZERO,
        };
        let visible = live.map_or(Lots::ZERO, |view| view.visible);
        let amount = match tracked.is_alive() {
            true => remaining + tracked.filled,
            false => tracked.remaining + tracked.filled,
        };
        let numbers = [
            ("price", want.price, Some(price.0)),
            ("remaining", want.remaining, Some(remaining.0)),
            ("filled", want.filled, Some(tracked.filled.0)),
            ("amount", want.amount, Some(amount.0)),
            ("visible", want.visible, Some(visible.0)),
            ("average_price", want.average_price, tracked.average_price().map(|price| price.0)),
            (
                "trigger_price",
                want.trigger_price,
                live.and_then(|view| view.trigger_price)
                    .or(tracked.trigger_price)
                    .map(|price| price.0),
            ),
        ];
        for (field, want, found) in numbers {
            let Some(want) = want else { continue };
            match found {
                Some(found) => self.within(field).number(want, found)?,
                None => return self.within(field).differs(want, "none"),
            }
        }
        if let Some(reason) = &want.reason {
            let found = tracked.reason.map_or("none", events_json::cancel_reason);
            self.within("reason").same(reason, found)?;
        }
        if let Some(label) = &want.label {
            self.within("label").same(label, tracked.label.as_deref().unwrap_or("none"))?;
        }
        if let Some(side) = want.side {
            let (want, found) = (events_json::side(side), events_json::side(tracked.side));
            self.within("side").same(want, found)?;
        }
        if let Some(instrument) = &want.instrument {
            let found = self.names().instrument(tracked.instrument);
            self.within("instrument").same(instrument, found)?;
        }
        Ok(())
    }

    fn venue_subject(&self, subject: &Subject) -> Verdict {
        match subject {
            Subject::Error(want) => self.error(want.as_ref()),
            Subject::Phase(scope, want) => self.phase(*scope, *want),
            Subject::Index(ticker, want) => {
                let found = self.underlying(*ticker, want)?.index;
                self.maybe(Some(*want), found)
            }
            Subject::Confidence(ticker, want) => {
                assert!(want.places == PPM_PLACES, "a confidence is in ppm");
                self.number(*want, self.underlying(*ticker, want)?.confidence.0)
            }
            Subject::Stale(ticker, want) => self.same(want, self.underlying(*ticker, want)?.stale),
            Subject::Mark(name, want) => {
                let found = self.instrument(name, show_maybe(*want))?.mark;
                self.maybe(*want, found)
            }
            Subject::LastPrice(name, want) => {
                let found = self.instrument(name, show_maybe(*want))?.last;
                self.maybe(*want, found)
            }
            Subject::Forward(ticker, expiry, want) => {
                let id = self.names().underlying_id(*ticker);
                let found = id.and_then(|id| self.venue.forward(id, *expiry));
                self.maybe(*want, found)
            }
            Subject::Volatility(name, want) => {
                let found = self.instrument(name, show_maybe(*want))?.volatility;
                match (want, found) {
                    (Some(want), Some(found)) => self.number(*want, found.0),
                    (None, None) => Ok(()),
                    (Some(want), None) => self.differs(want, "none"),
                    (None, Some(found)) => {
                        self.differs("none", Decimal { value: found.0, places: PPB_PLACES })
                    }
                }
            }
            Subject::FundingRate(name, want) => {
                assert!(want.places == PPB_PLACES, "a funding rate is in ppb");
                self.number(*want, self.instrument(name, want)?.rate_8h_ppb)
            }
            Subject::FundingIndex(name, want) => {
                self.number(*want, self.instrument(name, want)?.funding_index.0)
            }
            Subject::OpenInterest(name, want) => {
                self.number(*want, self.instrument(name, want)?.open_interest.0)
            }
            Subject::Pool(pool, want) => {
                let pools = self.venue.pools();
                let found = match pool {
                    Pool::Insurance => pools.insurance,
                    Pool::Validators => pools.validators,
                    Pool::Treasury => pools.treasury,
                };
                self.number(*want, found.0)
            }
            Subject::Listed(name, want) => {
                let id = self.instrument_id(name);
                let found = id.and_then(|id| self.venue.instrument(id)).is_some();
                self.same(want, found)
            }
            Subject::Clock(want) => self.same(show_time(*want), show_time(self.world.clock)),
            Subject::Digest(want) => self.same(want, hex(&self.venue.digest())),
            _ => Ok(()),
        }
    }

    fn error(&self, want: Option<&super::want::ErrorWant>) -> Verdict {
        let rejects = &self.world.rejects;
        let found = || {
            let all: Vec<String> = rejects.iter().map(|reject| show_reject(*reject)).collect();
            if all.is_empty() { "no rejection".to_string() } else { all.join("; ") }
        };
        let right = match want {
            None => rejects.is_empty(),
            Some(want) => !rejects.is_empty() && rejects.iter().all(|reject| want.accepts(*reject)),
        };
        if right {
            return Ok(());
        }
        self.differs(want.map_or("no rejection".to_string(), ToString::to_string), found())
    }

    fn phase(
        &self,
        scope: super::model::ScopeSpec,
        want: lockstep_types::command::Phase,
    ) -> Verdict {
        use super::model::ScopeSpec;
        let scope = match scope {
            ScopeSpec::Venue => Some(PhaseScope::Venue),
            ScopeSpec::Underlying(ticker) => {
                self.names().underlying_id(ticker).map(PhaseScope::Underlying)
            }
            ScopeSpec::Instrument(name) => {
                let id = self.instrument_id(&name);
                id.filter(|id| self.venue.instrument(*id).is_some()).map(PhaseScope::Instrument)
            }
        };
        let want = events_json::phase(want);
        match scope {
            Some(scope) => self.same(want, events_json::phase(self.venue.phase(scope))),
            None => self.differs(want, "there is no such thing"),
        }
    }
}

/// A field of the expectation that is being judged.
struct Within<'a> {
    judge: &'a Judge<'a>,
    path: String,
}

impl Within<'_> {
    fn judge(&self) -> Judge<'_> {
        Judge { path: &self.path, world: self.judge.world, venue: self.judge.venue }
    }

    fn number(&self, want: Want, found: i64) -> Verdict {
        self.judge().number(want, found)
    }

    fn maybe(&self, want: Option<Want>, found: Option<Price>) -> Verdict {
        self.judge().maybe(want, found)
    }

    fn same(&self, expected: impl ToString, found: impl ToString) -> Verdict {
        self.judge().same(expected, found)
    }

    fn differs<T>(&self, expected: impl ToString, found: impl ToString) -> Result<T, Mismatch> {
        self.judge().differs(expected, found)
    }
}

fn show_maybe(want: Option<Want>) -> String {
    want.map_or("none".to_string(), |want| want.to_string())
}

fn show_price(price: Price) -> Decimal {
    Decimal { value: price.0, places: PRICE_PLACES }
}

fn show_lots(lots: Lots) -> Decimal {
    Decimal { value: lots.0, places: AMOUNT_PLACES }
}
