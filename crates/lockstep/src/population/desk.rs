//! What agents know of their own accounts: positions, frozen quotes, a few open orders, the margin
//! mode. All of it comes from events, as any client's knowledge would.

use lockstep_types::event::Accepted;
use lockstep_types::reject::RejectCode;
use lockstep_types::{AccountId, Event, InstrumentId, Lots, OrderId, UnderlyingId};
use std::collections::BTreeMap;

/// Open orders of an account that are remembered: the latest ones. Older ones stay until they end.
const ORDERS_MAX: usize = 4;

/// What is known of one account.
#[derive(Clone, Debug, Default)]
struct Known {
    /// Signed lots by instrument; none that is zero.
    positions: Vec<(InstrumentId, i64)>,
    /// Until when quote groups are frozen, milliseconds.
    frozen: Vec<(UnderlyingId, u8, i64)>,
    /// The latest orders that came to rest, the oldest first.
    orders: Vec<Accepted>,
    is_portfolio: bool,
    /// How often a bid was refused for its share, and what the latest could have been, ppm.
    share_told: (u32, i64),
}

/// An account of which slices are on offer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Auction {
    /// Since when, milliseconds.
    pub since_ms: i64,
    /// Its equity then, micro-USD.
    pub equity: i64,
    /// Its maintenance requirement then, micro-USD.
    pub maintenance: i64,
}

/// What is known of all accounts.
#[derive(Clone, Debug, Default)]
pub struct Desk {
    accounts: Vec<Known>,
    /// Accounts in the backstop auction: everybody knows of them.
    auctions: BTreeMap<AccountId, Auction>,
    /// The order that was just accepted.
    accepted: Option<Accepted>,
}

impl Desk {
    fn known(&self, account: u32) -> Option<&Known> {
        self.accounts.get(usize::try_from(account).ok()?)
    }

    fn known_mut(&mut self, account: AccountId) -> &mut Known {
        let at = usize::try_from(account.0).unwrap_or(usize::MAX);
        if at >= self.accounts.len() {
            self.accounts.resize_with(at + 1, Known::default);
        }
        &mut self.accounts[at]
    }

    /// The position of an account in an instrument, signed lots.
    pub fn position(&self, account: u32, instrument: InstrumentId) -> i64 {
        let held = self.positions(account).iter().find(|(held, _)| *held == instrument);
        held.map_or(0, |(_, lots)| *lots)
    }

    /// All positions of an account, signed lots.
    pub fn positions(&self, account: u32) -> &[(InstrumentId, i64)] {
        self.known(account).map_or(&[], |known| &known.positions)
    }

    /// Until when a quote group is frozen, milliseconds; 0 if it never was.
    pub fn frozen_until(&self, account: u32, underlying: UnderlyingId, group: u8) -> i64 {
        let frozen = self.known(account).map_or(&[][..], |known| &known.frozen);
        let found = frozen.iter().find(|(of, number, _)| (*of, *number) == (underlying, group));
        found.map_or(0, |(_, _, until)| *until)
    }

    /// The latest orders of an account that came to rest; some may have ended since.
    pub fn orders(&self, account: u32) -> &[Accepted] {
        self.known(account).map_or(&[], |known| &known.orders)
    }

    /// Whether an account has portfolio margin.
    pub fn is_portfolio(&self, account: u32) -> bool {
        self.known(account).is_some_and(|known| known.is_portfolio)
    }

    /// Accounts in the backstop auction.
    pub fn auctions(&self) -> &BTreeMap<AccountId, Auction> {
        &self.auctions
    }

    /// How often a bid of an account was refused for its share, and what the latest could have
    /// been, ppm.
    pub fn share_told(&self, account: u32) -> (u32, i64) {
        self.known(account).map_or((0, 0), |known| known.share_told)
    }

    /// Learns from an event of the block at a moment.
    pub fn observe(&mut self, event: &Event, now_ms: i64) {
        match event {
            Event::BackstopStarted { account, equity, maintenance } => {
                let (equity, maintenance) = (equity.0, maintenance.0);
                let auction = Auction { since_ms: now_ms, equity, maintenance };
                self.auctions.insert(*account, auction);
            }
            Event::Rejected { account, reject, .. } if reject.code == RejectCode::BidShare => {
                let told = &mut self.known_mut(*account).share_told;
                *told = (told.0 + 1, reject.limit);
            }
            Event::LiquidationEnded { account, .. } => {
                self.auctions.remove(account);
            }
            Event::Trade(trade) => {
                let signed = trade.taker_side.signed(trade.lots).0;
                self.add(trade.taker, trade.instrument, signed);
                self.add(trade.maker, trade.instrument, -signed);
                self.fill(trade.maker, trade.maker_order, trade.lots);
                self.fill(trade.taker, trade.taker_order, trade.lots);
            }
            Event::Accepted(accepted) => self.accepted = Some(*accepted),
            Event::Booked { order, lots, .. } => {
                let Some(booked) = self.accepted.filter(|it| it.order == *order) else { return };
                let booked = Accepted { lots: *lots, ..booked };
                let orders = &mut self.known_mut(booked.account).orders;
                if orders.len() == ORDERS_MAX {
                    orders.remove(0);
                }
                orders.push(booked);
            }
            Event::Cancelled { order, account, .. } => {
                self.known_mut(*account).orders.retain(|known| known.order != *order);
            }
            Event::ProtectionTripped { account, underlying, group, until } => {
                let frozen = &mut self.known_mut(*account).frozen;
                frozen.retain(|(of, number, _)| (*of, *number) != (*underlying, group.0));
                frozen.push((*underlying, group.0, until.0));
            }
            Event::Settled { account, instrument, .. } => {
                let positions = &mut self.known_mut(*account).positions;
                positions.retain(|(held, _)| held != instrument);
            }
            Event::MarginModeSet { account, portfolio } => {
                self.known_mut(*account).is_portfolio = *portfolio;
            }
            _ => {}
        }
    }

    /// Takes what was traded off an order that is remembered. One that may have been amended to
    /// fewer lots is forgotten when half of it is gone.
    fn fill(&mut self, account: AccountId, order: OrderId, lots: Lots) {
        let orders = &mut self.known_mut(account).orders;
        let Some(at) = orders.iter().position(|known| known.order == order) else { return };
        let left = orders[at].lots.0 - lots.0;
        if left <= orders[at].lots.0 / 2 {
            orders.remove(at);
        } else {
            orders[at].lots = Lots(left);
        }
    }

    fn add(&mut self, account: AccountId, instrument: InstrumentId, lots: i64) {
        let positions = &mut self.known_mut(account).positions;
        let Some(at) = positions.iter().position(|(held, _)| *held == instrument) else {
            positions.push((instrument, lots));
            return;
        };
        positions[at].1 += lots;
        if positions[at].1 == 0 {
            positions.swap_remove(at);
        }
    }
}
