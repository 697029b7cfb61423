//! The auction: one price for all collected orders (M7).

use std::cmp::Reverse;
use std::collections::BTreeSet;

use super::{CancelReason, ClearBook, Effect, Order, Phase, Side};

/// The price at which a crossed book would trade now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AuctionPrice {
    /// Price in ticks.
    pub price_ticks: u64,
    /// Lots that can trade at the price, hidden ones included.
    pub lots: u64,
    /// Lots to buy at the price, less lots to sell.
    pub imbalance_lots: i128,
}

impl ClearBook {
    /// The price of greatest executable volume; of those the one of least imbalance either way; of
    /// those the nearest to the reference; of two such the lower. `None` if the book is not
    /// crossed. Between two neighbouring prices of orders all prices are alike, so it is enough to
    /// try the prices of orders, those next to them, and the reference, from best ask to best bid.
    /// The last rule makes the order total but never decides: volume is quasi-concave in the price
    /// and imbalance falls, so a reference between two equal prices is as good as they.
    #[must_use]
    pub fn auction_price(&self, reference_ticks: u64) -> Option<AuctionPrice> {
        let (ask, bid) = (self.best_ask()?, self.best_bid()?);
        let prices = self.orders(Side::Buy).chain(self.orders(Side::Sell)).map(|o| o.price_ticks);
        let crossed: BTreeSet<u64> = prices
            .flat_map(|price| [price.saturating_sub(1), price, price.saturating_add(1)])
            .chain([reference_ticks])
            .filter(|price| (ask..=bid).contains(price))
            .collect();
        crossed.into_iter().map(|price| self.auction_at(price)).min_by_key(|auction| {
            (
                Reverse(auction.lots),
                auction.imbalance_lots.unsigned_abs(),
                auction.price_ticks.abs_diff(reference_ticks),
                auction.price_ticks,
            )
        })
    }

    /// Volume and imbalance if the auction were at this price.
    fn auction_at(&self, price_ticks: u64) -> AuctionPrice {
        let lots_of = |side: Side| -> u64 {
            let willing = |order: &&Order| side.accepts(order.price_ticks, price_ticks);
            self.orders(side).take_while(willing).map(Order::remaining_lots).sum()
        };
        let (buy_lots, sell_lots) = (lots_of(Side::Buy), lots_of(Side::Sell));
        let imbalance_lots = i128::from(buy_lots) - i128::from(sell_lots);
        AuctionPrice { price_ticks, lots: buy_lots.min(sell_lots), imbalance_lots }
    }

    /// Ends an auction: finds [`ClearBook::auction_price`] and matches the best bid with the best
    /// ask at that price, by visible slices as in continuous trading, while both accept it. Where
    /// two orders of one account meet, the one that arrived last is cancelled (M5). Such cancels
    /// may leave the book crossed, so all is repeated until it is not; then trading is continuous.
    pub fn uncross(&mut self, reference_ticks: u64) -> Vec<Effect> {
        let mut effects = Vec::new();
        while let Some(auction) = self.auction_price(reference_ticks) {
            let effects_before = effects.len();
            self.match_at(auction.price_ticks, &mut effects);
            assert!(effects.len() > effects_before, "every round trades or cancels");
        }
        self.phase = Phase::Continuous;
        effects
    }

    fn match_at(&mut self, price_ticks: u64, effects: &mut Vec<Effect>) {
        while let (Some(bid), Some(ask)) = (self.head(Side::Buy), self.head(Side::Sell)) {
            if bid.price_ticks < price_ticks || ask.price_ticks > price_ticks {
                return;
            }
            let lots = bid.visible_lots.min(ask.visible_lots);
            let same_account = bid.account == ask.account;
            let (maker, taker) =
                if bid.arrival < ask.arrival { (bid.id, ask.id) } else { (ask.id, bid.id) };
            if same_account {
                effects.extend(self.remove(taker, CancelReason::SelfTrade));
            } else {
                effects.push(Effect::Trade { maker, taker, price_ticks, lots });
                self.fill(maker, lots);
                self.fill(taker, lots);
            }
        }
    }
}
