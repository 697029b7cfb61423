//! Scenario files as strangers write them: reading answers with lines or faults, and what reads
//! runs, for a bounded number of blocks; neither panics, and failures can be printed.
#![no_main]

use libfuzzer_sys::fuzz_target;
use lockstep::scenario::venue::{
    AccountView, InstrumentView, LevelView, OrderView, PoolsView, PositionView, UnderlyingView,
    Venue,
};
use lockstep::scenario::{Options, exchange, render, run_text_on};
use lockstep_types::command::{Block, Phase, PhaseScope};
use lockstep_types::ids::{AccountId, InstrumentId, OrderId, UnderlyingId};
use lockstep_types::{Event, Price, Side, TimeMs};

/// Blocks that one input may run: a legal story may ask for millions, which finds nothing new.
const BLOCKS_MAX: u64 = 64;

/// The engine until its blocks are used up; then its books are said not to balance, which is how
/// a venue ends a story.
struct Limited {
    engine: Box<dyn Venue>,
    blocks: u64,
}

impl Venue for Limited {
    fn execute(&mut self, block: &Block) -> Vec<Event> {
        self.blocks += 1;
        self.engine.execute(block)
    }

    fn check(&self) -> Result<(), String> {
        let checked = self.engine.check();
        assert!(checked.is_ok(), "no story breaks the books: {checked:?}");
        match self.blocks >= BLOCKS_MAX {
            true => Err("enough".to_string()),
            false => Ok(()),
        }
    }

    fn digest(&self) -> Vec<u8> {
        self.engine.digest()
    }

    fn account(&self, account: AccountId) -> Option<AccountView> {
        self.engine.account(account)
    }

    fn positions(&self, account: AccountId) -> Vec<PositionView> {
        self.engine.positions(account)
    }

    fn orders(&self, account: AccountId) -> Vec<OrderView> {
        self.engine.orders(account)
    }

    fn order(&self, order: OrderId) -> Option<OrderView> {
        self.engine.order(order)
    }

    fn depth(&self, instrument: InstrumentId, side: Side) -> Vec<LevelView> {
        self.engine.depth(instrument, side)
    }

    fn instrument(&self, instrument: InstrumentId) -> Option<InstrumentView> {
        self.engine.instrument(instrument)
    }

    fn underlying(&self, underlying: UnderlyingId) -> Option<UnderlyingView> {
        self.engine.underlying(underlying)
    }

    fn forward(&self, underlying: UnderlyingId, expiry: TimeMs) -> Option<Price> {
        self.engine.forward(underlying, expiry)
    }

    fn phase(&self, scope: PhaseScope) -> Phase {
        self.engine.phase(scope)
    }

    fn pools(&self) -> PoolsView {
        self.engine.pools()
    }
}

fuzz_target!(|bytes: &[u8]| {
    let Ok(text) = str::from_utf8(bytes) else { return };
    let mut events = Vec::new();
    let outcome = run_text_on(text, Options { events: Some(&mut events) }, |params| {
        Box::new(Limited { engine: exchange::venue(params), blocks: 0 })
    });
    drop(render::failures(&outcome, true));
    assert!(str::from_utf8(&events).is_ok(), "events are text");
});
