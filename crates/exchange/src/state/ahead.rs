//! Fetching ahead: memory that the next few commands will need is read together, so that the waits
//! for it overlap instead of following each other.
//!
//! Nothing here is touched or changed, and nothing depends on what is read: a read that leads
//! nowhere costs its time and no more. What is read is folded into one number that is thrown away,
//! which keeps the reads in the program. Each pass reads for every command what the pass before has
//! led to.

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

/// What a command leads to: slots, and the position of a level.
#[derive(Clone, Copy, Debug)]
struct Trail {
    level: u32,
    near: u32,
    far: u32,
    maker: u32,
}

const NO_TRAIL: Trail = Trail { level: NO_HINT, near: NONE, far: NONE, maker: NONE };

impl State {
    /// Reads what the commands will need.
    #[inline]
    pub(crate) fn glance(&mut self, coming: &[Coming]) {
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

    /// What the command names.
    #[inline(always)]
    fn glance_named(&self, coming: &Coming, trail: &mut Trail) -> u32 {
        let mut seen = 0;
        if let Some((signer, account)) = coming.sender {
            seen ^= self.signers.glance(signer).0 ^ self.accounts.glance(account).0;
            seen ^= self.owned.glance(account.0) ^ self.holdings.glance(account);
        }
        if let Some(id) = coming.order {
            let slot = Slot(id.slot());
            seen ^= self.orders.glance(slot).0;
            (trail.near, trail.far, trail.level) = self.places.glance(PlaceKey(slot));
        }
        if let Some((instrument, side, tick)) = coming.entry {
            let key = LevelKey { instrument, side, tick };
            trail.level = self.levels.position(key).unwrap_or(NO_HINT);
            seen ^= self.levels.glance(trail.level).0;
            let best = self.instruments.glance(instrument).1.map(|book| book.best(side.opposite()));
            if let Some(best) = best.filter(|best| crosses(side, tick, *best)) {
                let key = LevelKey { instrument, side: side.opposite(), tick: best };
                let level = self.levels.position(key).unwrap_or(NO_HINT);
                trail.maker = self.levels.glance(level).0;
            }
        }
        seen
    }

    /// What stands beside it: the level, the holding, the order that it may trade with.
    #[inline(always)]
    fn glance_beside(&mut self, coming: &Coming, trail: &mut Trail) -> u32 {
        let mut seen = 0;
        if let Some(id) = coming.order {
            seen ^= self.levels.glance(trail.level).0;
            seen ^= self.holdings.glance_of_order(id.slot());
        } else {
            trail.near = self.levels.glance(trail.level).1;
        }
        if let (Some((_, account)), Some((instrument, ..))) = (coming.sender, coming.entry) {
            seen ^= self.holdings.glance_at(HoldingKey { account, instrument });
            if let Some(&Order { account, .. }) = self.orders.glance(Slot(trail.maker)).1 {
                seen ^= self.accounts.glance(account).0 ^ self.holdings.glance(account);
            }
        }
        seen
    }

    /// Its neighbours in the queue, and the maker's holding.
    #[inline(always)]
    fn glance_neighbours(&self, trail: &Trail) -> u32 {
        let mut seen = self.places.glance(PlaceKey(Slot(trail.near))).0;
        seen ^= self.places.glance(PlaceKey(Slot(trail.far))).0;
        if trail.maker != NONE {
            seen ^= self.holdings.glance_of_order(trail.maker);
            seen ^= self.places.glance(PlaceKey(Slot(trail.maker))).0;
        }
        seen
    }
}
