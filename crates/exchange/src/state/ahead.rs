//! Fetching ahead: memory that the next few commands will need is read together, so that the waits
//! for it overlap instead of following each other.
//!
//! No leaf is touched or changed, and nothing depends on what is read: a read that leads nowhere
//! costs its time and no more. Where a holding was found is remembered as a guess, which is checked
//! when it is used. What is read is folded into one number that is thrown away, which keeps the
//! reads in the program. Each pass reads for every command what the pass before has led to.

use super::State;
use super::key::{HoldingKey, LevelKey, PlaceKey, Slot};
use super::leaves::{NONE, Order};
use super::table::NO_HINT;
use crate::book::queue::crosses;
use core::hint::black_box;
use lockstep_types::ids::{AccountId, InstrumentId, OrderId, SignerId};
use lockstep_types::order::Side;

/// Commands that are looked at together. More would push each other out of the nearest cache.
pub const AHEAD: usize = 8;

/// Up to so many orders and accounts lie in the near caches anyway.
const ORDERS_NEAR: usize = 4_096;
const ACCOUNTS_NEAR: usize = 1_024;

/// What is known of a command that comes.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Coming {
    /// Who sends it for which account.
    pub(crate) sender: Option<(SignerId, AccountId)>,
    /// The order that it cancels or changes.
    pub(crate) order: Option<OrderId>,
    /// Where it will enter a book: side and limit.
    pub(crate) entry: Option<(InstrumentId, Side, u32)>,
}

/// What a command leads to.
#[derive(Clone, Copy, Debug)]
struct Trail {
    /// The position of its level.
    level: u32,
    /// The positions of the levels beside it, if it will come or go.
    levels: [u32; 2],
    /// The slots of its neighbours in the queue.
    orders: [u32; 2],
    /// The slot of the order that it will trade with.
    maker: u32,
}

const NO_TRAIL: Trail =
    Trail { level: NO_HINT, levels: [NO_HINT; 2], orders: [NONE; 2], maker: NONE };

impl State {
    /// Reads what the commands will need.
    #[inline]
    pub(crate) fn glance(&mut self, coming: &[Coming]) {
        let (few_orders, few_accounts) =
            (self.orders.len() <= ORDERS_NEAR, self.accounts.len() <= ACCOUNTS_NEAR);
        if few_orders && few_accounts {
            return;
        }
        if few_orders {
            self.glance_at_accounts(coming);
            return;
        }
        let mut seen = 0;
        let mut trails = [NO_TRAIL; AHEAD];
        for (trail, coming) in trails.iter_mut().zip(coming) {
            seen ^= self.glance_named(coming, trail);
        }
        for (trail, coming) in trails.iter_mut().zip(coming) {
            seen ^= self.glance_beside(coming, trail);
        }
        for (trail, _) in trails.iter().zip(coming) {
            seen ^= self.glance_neighbours(trail);
        }
        black_box(seen);
    }

    /// Reads of many accounts what they need for commands on small books.
    fn glance_at_accounts(&mut self, coming: &[Coming]) {
        let mut seen = 0;
        for (signer, account) in coming.iter().filter_map(|coming| coming.sender) {
            seen ^= self.glance_sender(signer, account);
        }
        for coming in coming {
            if let Some(id) = coming.order {
                seen ^= self.holdings.glance_of_order(id.slot());
            }
            if let (Some((_, account)), Some((instrument, side, tick))) =
                (coming.sender, coming.entry)
            {
                seen ^= self.holdings.glance(HoldingKey { account, instrument });
                if let Some(maker) = self.maker_of(instrument, side, tick)
                    && let Some(&Order { account, .. }) = self.orders.glance(Slot(maker)).1
                {
                    seen ^= self.accounts.glance(account).0 ^ self.holdings.glance_of_order(maker);
                }
            }
        }
        black_box(seen);
    }

    #[inline(always)]
    fn glance_sender(&self, signer: SignerId, account: AccountId) -> u32 {
        let account_and_signer = self.signers.glance(signer).0 ^ self.accounts.glance(account).0;
        account_and_signer ^ self.owned.glance(account.0)
    }

    /// The slot of the first order with which one at `tick` could trade.
    #[inline(always)]
    fn maker_of(&self, instrument: InstrumentId, side: Side, tick: u32) -> Option<u32> {
        let best = self.instruments.glance(instrument).1?.best(side.opposite());
        if !crosses(side, tick, best) {
            return None;
        }
        let level = self.level_position(instrument, side.opposite(), best);
        Some(self.levels.glance(level)?.head)
    }

    /// What the command names.
    #[inline(always)]
    fn glance_named(&self, coming: &Coming, trail: &mut Trail) -> u32 {
        let mut seen = 0;
        if let Some((signer, account)) = coming.sender {
            seen ^= self.glance_sender(signer, account);
        }
        if let Some(id) = coming.order {
            let slot = Slot(id.slot());
            seen ^= self.orders.glance(slot).0;
            let (next, previous, level) = self.places.glance(PlaceKey(slot));
            (trail.orders, trail.level) = ([next, previous], level);
        }
        if let Some((instrument, side, tick)) = coming.entry {
            trail.level = self.level_position(instrument, side, tick);
            seen ^= self.levels.glance(trail.level).map_or(0, |level| level.head);
            trail.maker = self.maker_of(instrument, side, tick).unwrap_or(NONE);
        }
        seen
    }

    /// What stands beside it: the level, the holding, the order that it may trade with.
    #[inline(always)]
    fn glance_beside(&mut self, coming: &Coming, trail: &mut Trail) -> u32 {
        let mut seen = 0;
        if let Some(id) = coming.order {
            seen ^= self.holdings.glance_of_order(id.slot());
            if let Some(level) = self.levels.glance(trail.level)
                && level.head == level.tail
                && let Some(order) = self.orders.glance(Slot(id.slot())).1
            {
                trail.levels = [level.better, level.worse]
                    .map(|tick| self.level_position(order.instrument, order.side, tick));
            }
        }
        if let Some((instrument, side, tick)) = coming.entry {
            match self.levels.glance(trail.level) {
                Some(level) => trail.orders[0] = level.tail,
                None => trail.levels = self.glance_neighbour(LevelKey { instrument, side, tick }),
            }
            if let Some((_, account)) = coming.sender {
                seen ^= self.holdings.glance(HoldingKey { account, instrument });
                if let Some(&Order { account, .. }) = self.orders.glance(Slot(trail.maker)).1 {
                    seen ^= self.accounts.glance(account).0;
                }
            }
        }
        seen
    }

    /// The positions of the levels between which a new one will link in.
    #[inline(always)]
    fn glance_neighbour(&self, key: LevelKey) -> [u32; 2] {
        let Some(better) = self.levels.better_than(key) else { return [NO_HINT; 2] };
        let better = self.level_position(key.instrument, key.side, better);
        let worse = self.levels.glance(better).map_or(NONE, |level| level.worse);
        [better, self.level_position(key.instrument, key.side, worse)]
    }

    #[inline(always)]
    fn level_position(&self, instrument: InstrumentId, side: Side, tick: u32) -> u32 {
        self.levels.position(LevelKey { instrument, side, tick }).unwrap_or(NO_HINT)
    }

    /// Its neighbours in the queue and the levels beside its own, and the maker's holding.
    #[inline(always)]
    fn glance_neighbours(&self, trail: &Trail) -> u32 {
        let mut seen = 0;
        for slot in trail.orders {
            seen ^= self.places.glance(PlaceKey(Slot(slot))).0;
        }
        for position in trail.levels {
            seen ^= self.levels.glance(position).map_or(0, |level| level.head);
        }
        if trail.maker != NONE {
            seen ^= self.holdings.glance_of_order(trail.maker);
            seen ^= self.places.glance(PlaceKey(Slot(trail.maker))).0;
        }
        seen
    }
}
