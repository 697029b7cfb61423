//! What a fill does: positions, cash, fees, open interest (M1, F1, C1, C2).
//!
//! A future's or perpetual's position carries what it cost, exactly, in nano-USD; closing moves
//! profit to cash, rounded down, and what rounding leaves goes to the dust that insurance gets.
//! An option's premium moves at once: up for who pays, down for who receives. So the sum of all
//! cash, less what positions cost, plus funds and dust, never changes by a trade.

use crate::engine::Exchange;
use crate::state::leaves::Holding;
use crate::state::{Outcome, State, Touch};
use lockstep_types::event::{Event, Trade, TradeKind};
use lockstep_types::ids::{AccountId, InstrumentId, OrderId, TradeId, UnderlyingId};
use lockstep_types::order::Side;
use lockstep_types::units::{DAY_MS, Lots, Ppm, Price, Usd, notional_nano};

/// Nano-USD in a micro-USD.
const NANOS: i64 = 1_000;
/// Lots x ppm: what `price x lots x rate` is divided by.
const FEE_DIVISOR: i64 = 1_000_000_000;

/// Two orders that meet.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fill {
    pub(crate) instrument: InstrumentId,
    pub(crate) price: Price,
    pub(crate) lots: Lots,
    pub(crate) taker_side: Side,
    pub(crate) taker: AccountId,
    pub(crate) maker: AccountId,
    pub(crate) taker_order: OrderId,
    pub(crate) maker_order: OrderId,
    pub(crate) kind: TradeKind,
}

/// `value / divisor` rounded up, with a short cut for what fits 64 bits.
#[inline]
fn ceil_div(value: i128, divisor: i64) -> i64 {
    if let Ok(short) = i64::try_from(value) {
        return short.div_euclid(divisor) + i64::from(short.rem_euclid(divisor) != 0);
    }
    let divisor = i128::from(divisor);
    let up = value.div_euclid(divisor) + i128::from(value.rem_euclid(divisor) != 0);
    let narrow = i64::try_from(up);
    assert!(narrow.is_ok(), "limits on orders and prices keep notionals within 64 bits");
    narrow.unwrap_or(i64::MAX)
}

/// `value / divisor` rounded down, likewise.
#[inline]
pub(crate) fn floor_div(value: i128, divisor: i64) -> i64 {
    -ceil_div(-value, divisor)
}

/// The fee on a notional: rounded up; a rebate therefore towards zero.
#[inline]
fn fee_of(notional: i128, rate: Ppm) -> i64 {
    if rate.0 == 0 {
        return 0;
    }
    match i64::try_from(notional).ok().and_then(|short| short.checked_mul(rate.0)) {
        Some(product) => ceil_div(i128::from(product), FEE_DIVISOR),
        None => ceil_div(notional * i128::from(rate.0), FEE_DIVISOR),
    }
}

/// What a change of position does to its account.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Moved {
    /// To cash.
    pub(crate) cash: i64,
    /// To the dust, nano-USD.
    pub(crate) dust_nano: i64,
    /// Change of the long side of open interest.
    pub(crate) longs: i64,
}

impl Holding {
    /// Adds signed `lots` at `price`; an option's premium is paid, a linear position's profit on
    /// what it closes is realised.
    #[inline]
    fn fill(&mut self, option: bool, lots: i64, price: Price) -> Moved {
        let before = self.lots.0;
        let after = before + lots;
        let mut moved = Moved { longs: after.max(0) - before.max(0), ..Moved::default() };
        let paid_nano = notional_nano(price, Lots(lots));
        let opposed = before.signum() * lots.signum() < 0;
        if !opposed {
            self.cost_nano += paid_nano;
        } else {
            let closed = before.abs().min(lots.abs());
            // Rounded up: what was paid more, or received less, is against the account.
            let part = if closed == before.abs() {
                self.cost_nano
            } else {
                let product = self.cost_nano * i128::from(closed);
                let whole = i128::from(before.abs());
                product.div_euclid(whole) + i128::from(product.rem_euclid(whole) != 0)
            };
            let got_nano = notional_nano(price, Lots(closed * before.signum()));
            self.cost_nano -= part;
            self.cost_nano += notional_nano(price, Lots(lots + closed * before.signum()));
            if !option {
                moved.cash = floor_div(got_nano - part, NANOS);
                let left = (got_nano - part) - i128::from(moved.cash) * i128::from(NANOS);
                moved.dust_nano = i64::try_from(left).unwrap_or(0);
            }
        }
        self.lots = Lots(after);
        if option {
            moved.cash = floor_div(-paid_nano, NANOS);
            let left = -paid_nano - i128::from(moved.cash) * i128::from(NANOS);
            moved.dust_nano = i64::try_from(left).unwrap_or(0);
        }
        moved
    }
}

impl State {
    /// Collects dust, and moves its whole micros to insurance.
    #[inline]
    pub(crate) fn add_dust(&mut self, nano: i64) -> Touch<()> {
        if nano == 0 {
            return Ok(());
        }
        let totals = self.totals()?;
        let dust = totals.dust_nano + nano;
        assert!(dust >= 0, "rounding is never in favour of an account");
        totals.insurance += Usd(dust / NANOS);
        totals.dust_nano = dust % NANOS;
        Ok(())
    }

    /// Moves one side's position, after its funding is paid, pays its fee and counts its volume.
    #[inline]
    fn settle_side(&mut self, id: AccountId, side: &SideOfFill) -> Touch<Settled> {
        let position = self.holding_position(id, side.instrument)?;
        let holding = self.holdings.at(position).get_or_insert_default();
        let owed = holding.settle_funding(side.funding);
        let moved = holding.fill(side.option, side.lots, side.price);
        let (empty, reduces) = (holding.is_empty(), holding.reduce_only > 0);
        let mut account = self.account(id)?;
        if account.volume_day != side.day {
            self.roll_volume(id, side.day)?;
            account = self.account(id)?;
        }
        account.cash += Usd(owed.cash + moved.cash - side.fee);
        account.volume_today = Usd(account.volume_today.0.saturating_add(side.volume.0));
        self.add_dust(owed.dust_nano + moved.dust_nano)?;
        if empty {
            self.drop_if_empty(id, side.instrument)?;
        }
        Ok(Settled { longs: moved.longs, reduces, funding: Usd(owed.cash) })
    }
}

/// One side of a fill.
#[derive(Clone, Copy, Debug)]
struct SideOfFill {
    instrument: InstrumentId,
    option: bool,
    lots: i64,
    price: Price,
    fee: i64,
    /// The perpetual's cumulative funding now.
    funding: Price,
    /// What counts as volume, and the day that it counts for.
    volume: Usd,
    day: i64,
}

/// What settling a side came to.
#[derive(Clone, Copy, Debug)]
struct Settled {
    /// Change of the long side of open interest.
    longs: i64,
    /// Whether there are reduce-only orders that the position may be too small for now.
    reduces: bool,
    /// Funding received before, negative if paid.
    funding: Usd,
}

impl Exchange {
    /// Settles a fill on both accounts. Gives the trade as it is printed, and whether taker and
    /// maker have reduce-only orders that their new positions may be too small for.
    pub(crate) fn settle_fill(&mut self, fill: &Fill) -> Outcome<(Trade, [bool; 2])> {
        assert!(fill.taker != fill.maker, "nobody trades with himself (M5)");
        assert!(fill.lots.0 > 0 && fill.price.0 >= 0, "a fill has lots and a price");
        let record = self.state.instrument(fill.instrument)?;
        let (option, underlying) = (record.contract.is_option(), record.underlying);
        let cushioned = self.cushioned([fill.taker, fill.maker])?;
        self.floors_follow_cash([fill.taker, fill.maker])?;
        let (taker_fee, maker_fee, volume) = self.fees_of(fill, option, underlying)?;
        let state = &mut self.state;
        let taker = SideOfFill {
            instrument: fill.instrument,
            option,
            lots: fill.taker_side.signed(fill.lots).0,
            price: fill.price,
            fee: taker_fee,
            funding: if option { Price::ZERO } else { state.funding_index(fill.instrument)? },
            volume,
            day: state.totals()?.time.0.div_euclid(DAY_MS),
        };
        let maker = SideOfFill { lots: -taker.lots, fee: maker_fee, ..taker };
        let taker = state.settle_side(fill.taker, &taker)?;
        let maker = state.settle_side(fill.maker, &maker)?;
        let record = state.instrument(fill.instrument)?;
        record.open_interest += Lots(taker.longs + maker.longs);
        // Only a book makes a last price (M11, R3).
        match fill.kind {
            TradeKind::Continuous | TradeKind::Auction | TradeKind::Liquidation => {
                record.last = fill.price;
            }
            TradeKind::Block | TradeKind::Backstop | TradeKind::Deleverage => {}
        }
        assert!(record.open_interest.0 >= 0, "open interest is the longs' lots (C2)");
        let totals = state.totals()?;
        match fill.kind {
            TradeKind::Liquidation => totals.fees += Usd(maker_fee),
            _ => totals.fees += Usd(taker_fee + maker_fee),
        }
        totals.trades += 1;
        let number = totals.trades;
        if fill.kind == TradeKind::Liquidation {
            self.underlying(underlying)?.insurance += Usd(taker_fee);
        }
        let trade = Trade {
            id: TradeId(number),
            instrument: fill.instrument,
            price: fill.price,
            lots: fill.lots,
            taker_side: fill.taker_side,
            taker: fill.taker,
            maker: fill.maker,
            taker_order: fill.taker_order,
            maker_order: fill.maker_order,
            taker_fee: Usd(taker_fee),
            maker_fee: Usd(maker_fee),
            kind: fill.kind,
        };
        for (account, settled) in [(fill.taker, taker), (fill.maker, maker)] {
            if settled.funding != Usd::ZERO {
                let amount = Usd(-settled.funding.0);
                let instrument = fill.instrument;
                self.events.push(Event::FundingPaid { account, instrument, amount });
            }
        }
        self.spend_cushions(fill, &trade, cushioned)?;
        self.fill_in_sums(fill.taker, fill.instrument)?;
        self.fill_in_sums(fill.maker, fill.instrument)?;
        self.charge_fill(fill)?;
        self.note_change(fill.taker)?;
        self.note_change(fill.maker)?;
        Ok((trade, [taker.reduces, maker.reduces]))
    }

    /// The taker's fee, the maker's fee, and the notional that counts as volume (F1).
    #[inline]
    fn fees_of(
        &mut self,
        fill: &Fill,
        option: bool,
        underlying: UnderlyingId,
    ) -> Outcome<(i64, i64, Usd)> {
        let premium = notional_nano(fill.price, fill.lots);
        let notional = if option {
            let index = self.index_or_zero(underlying)?;
            notional_nano(index, fill.lots)
        } else {
            premium
        };
        let taker_tier = self.state.account(fill.taker)?.tier;
        let maker_tier = self.state.account(fill.maker)?.tier;
        let rules = self.venue_rules()?;
        let cap = rules.option_fee_cap;
        let capped = |rate: Ppm| match option {
            true => fee_of(notional, rate).min(fee_of(premium, cap)),
            false => fee_of(notional, rate),
        };
        let taker_fee = match fill.kind {
            // Nobody chose these, or what was paid for them is the price of the whole slice.
            TradeKind::Backstop | TradeKind::Deleverage => 0,
            TradeKind::Liquidation => {
                // On the notional rounded up first, as the liquidation vectors have it.
                let rounded = i128::from(ceil_div(notional, NANOS)) * i128::from(NANOS);
                let whole = fee_of(rounded, rules.liquidation_fee);
                if option { whole.min(fee_of(premium, cap)) } else { whole }
            }
            _ => capped(rules.tier(taker_tier).taker),
        };
        let maker_fee = match fill.kind {
            TradeKind::Backstop | TradeKind::Deleverage => 0,
            // Neither side of a block trade waited in the book.
            TradeKind::Block => capped(rules.tier(maker_tier).taker),
            _ => capped(rules.tier(maker_tier).maker),
        };
        let volume = match fill.kind {
            // What moves without anybody's order is no trading (F1).
            TradeKind::Backstop | TradeKind::Deleverage => 0,
            _ => ceil_div(notional, NANOS),
        };
        Ok((taker_fee, maker_fee, Usd(volume)))
    }
}
