//! Backstop bidders: they wait for accounts that the books do not absorb, take slices of them when
//! the price has come down, and give what they took back to the books, little by little.

use super::agent::{Turn, small};
use lockstep_sim::rng::Rng;
use lockstep_types::command::Command;
use lockstep_types::{AccountId, Ppm, Side, Usd};

/// The largest share that is tried first, ppm.
const SHARE_PPM_MAX: i64 = 250_000;
/// What a bidder needs for a slice is about so many times its maintenance requirement.
const NEEDED_TIMES: i64 = 5;
/// One slice may need this part of the deposit.
const DEPOSIT_PART: i64 = 4;
/// In so many turns most of a position is given back.
const GIVE_BACK_TURNS: i64 = 20;
/// How far giving back reaches beyond the touch, ppm.
const REACH_PPM: i64 = 1_000;
/// A whole in ppm.
const PPM: i64 = 1_000_000;

/// A backstop bidder.
pub struct BackstopBidder {
    period_ms: i64,
    /// How long it lets the price of an account come down before it bids, milliseconds.
    patience_ms: i64,
    /// For whom it bid last.
    last: Option<AccountId>,
    /// How often it had been told that a share was too large.
    told: u32,
}

impl BackstopBidder {
    /// A new one.
    pub fn new(rng: &mut Rng) -> Self {
        Self {
            period_ms: 3_000 + small(rng, 5_000),
            patience_ms: 20_000 + small(rng, 160_000),
            last: None,
            told: 0,
        }
    }

    /// Does what it wants to do before the next block; when it is due again.
    pub fn act(&mut self, turn: &mut Turn<'_>) -> i64 {
        self.give_back(turn);
        let now_ms = turn.market.now_ms;
        let (told, share_max) = turn.share_told();
        let is_told = std::mem::replace(&mut self.told, told) != told;
        let again = self.last.take().filter(|_| is_told && share_max > 0);
        let due = turn.auctions().iter().filter(|(_, auction)| {
            // Who is bankrupt pays its taker, more with time: nobody waits for that.
            auction.equity <= 0 || now_ms - auction.since_ms >= self.patience_ms
        });
        let due: Vec<AccountId> = due.map(|(account, _)| *account).collect();
        let drawn = due.get(turn.rng.below_usize(due.len())).copied();
        let share_max = if again.is_some() { share_max } else { SHARE_PPM_MAX };
        if let Some(account) = again.or(drawn) {
            self.bid(turn, account, share_max);
        }
        now_ms + self.period_ms
    }

    fn bid(&mut self, turn: &mut Turn<'_>, account: AccountId, share_max: i64) {
        let Some(auction) = turn.auctions().get(&account).copied() else { return };
        let needed = i128::from(auction.maintenance.max(1)) * i128::from(NEEDED_TIMES);
        let affordable = i128::from(turn.deposit / DEPOSIT_PART) * i128::from(PPM) / needed;
        let share = i64::try_from(affordable).unwrap_or(PPM).min(share_max).min(PPM);
        if share <= 0 {
            return;
        }
        let price_max = i128::from(auction.equity.max(0)) * i128::from(share) / i128::from(PPM);
        let price_max = Usd(i64::try_from(price_max).unwrap_or(i64::MAX));
        turn.send(Command::Bid { account, share: Ppm(share), price_max });
        self.last = Some(account);
    }

    fn give_back(&self, turn: &mut Turn<'_>) {
        for (instrument, lots) in turn.positions().to_vec() {
            let place = turn.market.place_of(instrument);
            let Some(quote) = place.and_then(|place| turn.market.quotes.get(place)).copied() else {
                continue;
            };
            let side = if lots > 0 { Side::Sell } else { Side::Buy };
            let some = (lots.abs() / GIVE_BACK_TURNS).max(1);
            turn.take(&quote, side, some, REACH_PPM, true);
        }
    }
}
