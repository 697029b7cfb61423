//! The engine as a venue of scenarios.
//!
//! Every answer is a read-only view of the engine's own; nothing is computed a second way but what
//! can be withdrawn, which the engine says only when it is asked to pay.

use super::venue::{
    AccountView, InstrumentView, LevelView, OrderView, PoolsView, PositionView, UnderlyingView,
    Venue,
};
use lockstep_exchange::{Exchange, query};
use lockstep_types::command::{Block, Phase, PhaseScope};
use lockstep_types::ids::{AccountId, InstrumentId, OrderId, UnderlyingId};
use lockstep_types::params::VenueParams;
use lockstep_types::{Event, Lots, Price, Side, TimeMs, Usd};

/// A venue with the given parameters and nothing else.
pub fn venue(params: VenueParams) -> Box<dyn Venue> {
    Box::new(Exchange::new(params))
}

impl Venue for Exchange {
    fn execute(&mut self, block: &Block) -> Vec<Event> {
        let done = Exchange::execute(self, block);
        assert!(done.is_ok(), "only a partial state can miss a leaf");
        self.checkpoint_and_forget();
        self.events().to_vec()
    }

    fn check(&self) -> Result<(), String> {
        self.check_invariants().map_err(|error| error.to_string())
    }

    fn digest(&self) -> Vec<u8> {
        Exchange::digest(self).to_vec()
    }

    fn account(&self, account: AccountId) -> Option<AccountView> {
        let view = self.account_view(account)?;
        let margin = view.margin.as_ref().map(|margin| margin.total);
        let available = match margin {
            // Nothing is held, so that nothing is required.
            _ if view.positions.is_empty() => Some(view.cash),
            margin => margin.map(|margin| {
                let free = margin.balance.saturating_sub(margin.needed);
                Usd(view.cash.0.min(free).max(0))
            }),
        };
        Some(AccountView {
            balance: view.cash,
            equity: margin.map(|margin| Usd(margin.equity)),
            initial: margin.map(|margin| Usd(margin.needed)),
            maintenance: margin.map(|margin| Usd(margin.maintenance)),
            available,
            mode: view.mode,
            liquidating: view.liquidating,
        })
    }

    fn positions(&self, account: AccountId) -> Vec<PositionView> {
        let held = self.account_view(account).map(|view| view.positions).unwrap_or_default();
        let open = held.into_iter().filter(|position| position.lots != Lots::ZERO);
        open.map(|position| PositionView {
            instrument: position.instrument,
            lots: position.lots,
            average_price: position.average_price,
            unrealised: position.unrealised,
        })
        .collect()
    }

    fn orders(&self, account: AccountId) -> Vec<OrderView> {
        self.orders_of_account(account).iter().map(order).collect()
    }

    fn order(&self, id: OrderId) -> Option<OrderView> {
        self.order_view(id).as_ref().map(order)
    }

    fn depth(&self, instrument: InstrumentId, side: Side) -> Vec<LevelView> {
        let levels = Exchange::depth(self, instrument, side, usize::MAX);
        let level = |level: &query::LevelView| LevelView {
            price: level.price,
            lots: level.lots,
            orders: level.orders,
        };
        levels.iter().map(level).collect()
    }

    fn instrument(&self, instrument: InstrumentId) -> Option<InstrumentView> {
        let view = self.instrument_view(instrument)?;
        Some(InstrumentView {
            mark: view.mark,
            last: view.last,
            volatility: view.volatility,
            open_interest: view.open_interest,
            rate_8h_ppb: view.rate_8h_ppb,
            funding_index: view.funding_index,
        })
    }

    fn underlying(&self, underlying: UnderlyingId) -> Option<UnderlyingView> {
        let view = self.underlying_view(underlying)?;
        let (index, confidence, stale) = (view.index, view.confidence, view.stale);
        Some(UnderlyingView { index, confidence, stale })
    }

    fn forward(&self, underlying: UnderlyingId, expiry: TimeMs) -> Option<Price> {
        self.expiry_view(underlying, expiry)?.forward
    }

    fn phase(&self, scope: PhaseScope) -> Phase {
        Exchange::phase(self, scope).unwrap_or_default()
    }

    fn pools(&self) -> PoolsView {
        let funds = self.funds();
        let (insurance, validators) = (funds.insurance, funds.validators);
        PoolsView { insurance, validators, treasury: funds.treasury }
    }
}

fn order(view: &query::OrderView) -> OrderView {
    OrderView {
        order: view.id,
        instrument: view.instrument,
        side: view.side,
        // A sleeping market order has no limit price.
        price: Some(view.price).filter(|price| *price > Price::ZERO),
        remaining: view.left,
        visible: view.visible,
        sleeping: view.trigger_price.is_some(),
        trigger_price: view.trigger_price,
        label: view.label.as_ref().map(|label| label.as_str().to_string()),
    }
}
