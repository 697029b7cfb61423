//! What every agent sees: prices of all instruments, as of the last block; options as they were at
//! most a second before.

use lockstep_exchange::Exchange;
use lockstep_exchange::option::Black76;
use lockstep_types::instrument::{Contract, InstrumentName, OptionSide};
use lockstep_types::{InstrumentId, Side, TimeMs, UnderlyingId};
use std::collections::BTreeMap;

/// Milliseconds of index history that agents look back on.
const HISTORY_MS: i64 = 60_000;
/// Milliseconds after which the prices of options are looked at again.
const OPTIONS_MS: i64 = 1_000;
/// 1.0 as a delta.
const DELTA_ONE_E9: i64 = 1_000_000_000;

/// One instrument's prices, micro-USD.
#[derive(Clone, Copy, Debug)]
pub struct Quote {
    /// Its id.
    pub id: InstrumentId,
    /// On what.
    pub underlying: UnderlyingId,
    /// What it is.
    pub contract: Contract,
    /// Its price tick.
    pub tick: i64,
    /// What it is worth by index and reported basis, which its own book cannot move; of an option
    /// its mark, which its book moves a little; 0 while there is none.
    pub fair: i64,
    /// Mark; 0 while there is none.
    pub mark: i64,
    /// Best bid; 0 without one.
    pub bid: i64,
    /// Best ask; 0 without one.
    pub ask: i64,
    /// Forward of what it settles at; 0 while there is none.
    forward: i64,
    /// Volatility of an option, 1e-9; 0 while there is none.
    vol_e9: i64,
}

impl Quote {
    /// The price that an order of a side meets; 0 without one.
    pub fn touch(&self, side: Side) -> i64 {
        match side {
            Side::Buy => self.ask,
            Side::Sell => self.bid,
        }
    }

    /// The middle of the book, or the mark.
    pub fn middle(&self) -> i64 {
        if self.bid > 0 && self.ask > 0 { (self.bid + self.ask) / 2 } else { self.mark }
    }

    /// Delta of a position of signed lots, in lots of the underlying, towards zero.
    pub fn delta_of(&self, lots: i64, now_ms: i64) -> i64 {
        let Contract::Option { expiry, strike, side } = self.contract else { return lots };
        let seconds = expiry.since(TimeMs(now_ms)).0 / 1_000;
        let of = Black76 { forward: self.forward, strike: strike.0, vol_e9: self.vol_e9, seconds };
        let Ok(greeks) = of.greeks() else { return 0 };
        let delta_e9 = match side {
            OptionSide::Call => greeks.delta_call_e9,
            OptionSide::Put => greeks.delta_put_e9,
        };
        let delta = i128::from(lots) * i128::from(delta_e9) / i128::from(DELTA_ONE_E9);
        i64::try_from(delta).unwrap_or(0)
    }

    /// A price on the tick that is not above `price`, at least one tick.
    pub fn floor(&self, price: i64) -> i64 {
        (price - price.rem_euclid(self.tick)).max(self.tick)
    }
}

/// One underlying's instruments, as places in [`Market::quotes`].
#[derive(Clone, Debug, Default)]
pub struct Board {
    /// Its id.
    pub id: UnderlyingId,
    /// Index, micro-USD; 0 before there is one.
    pub index: i64,
    /// Whether the index is stale.
    pub stale: bool,
    /// Greatest less least index of the last minute, in ppm.
    pub swing_ppm: i64,
    /// The perpetual.
    pub perpetual: usize,
    /// Dated futures, the nearest first.
    pub futures: Vec<usize>,
    /// Options by expiry, each by strike and side.
    pub options: Vec<Vec<usize>>,
    history: Vec<(i64, i64)>,
}

impl Board {
    /// The option of a side whose strike is nearest to `ppm` of the index above it (below it if
    /// negative), in the expiry with this number.
    pub fn option_near(
        &self,
        quotes: &[Quote],
        expiry: usize,
        side: OptionSide,
        ppm: i64,
    ) -> Option<usize> {
        let aim = self.index + share(self.index, ppm);
        let distance = |place: &usize| match quotes.get(*place).map(|quote| quote.contract) {
            Some(Contract::Option { strike, side: of, .. }) if of == side => (strike.0 - aim).abs(),
            _ => i64::MAX,
        };
        let series = self.options.get(expiry)?;
        series.iter().copied().min_by_key(distance)
    }

    /// An expiry with options, if there is any: the same for the same draw.
    pub fn expiry_for(&self, draw: usize) -> Option<usize> {
        (!self.options.is_empty()).then(|| draw % self.options.len())
    }
}

/// Everything that agents see.
#[derive(Clone, Debug, Default)]
pub struct Market {
    /// Time of the block that is being made, milliseconds.
    pub now_ms: i64,
    /// All instruments.
    pub quotes: Vec<Quote>,
    /// All underlyings.
    pub boards: Vec<Board>,
    /// Place in `quotes` of each instrument, by id.
    places: Vec<Option<usize>>,
    /// Place in `quotes` of each instrument, by name.
    names: BTreeMap<InstrumentName, usize>,
    /// When options are looked at again.
    next_options_ms: i64,
}

impl Market {
    /// The listed instruments of an exchange; `ticks` gives the price ticks of linear instruments
    /// and options of an underlying.
    pub fn new(exchange: &Exchange, ticks: &dyn Fn(UnderlyingId) -> [i64; 2]) -> Self {
        let mut market = Self::default();
        let mut boards: BTreeMap<UnderlyingId, Vec<(InstrumentName, InstrumentId)>> =
            BTreeMap::new();
        for (name, id) in exchange.instruments() {
            if let Some(underlying) = exchange.underlying_id(name.underlying) {
                boards.entry(underlying).or_default().push((name, id));
            }
        }
        for (underlying, listed) in boards {
            let mut board = Board { id: underlying, ..Board::default() };
            let mut options: BTreeMap<i64, Vec<(i64, bool, usize)>> = BTreeMap::new();
            let mut futures = Vec::new();
            let [linear_tick, option_tick] = ticks(underlying);
            for (name, id) in listed {
                let place = market.quotes.len();
                let contract = name.contract;
                let tick = if contract.is_option() { option_tick } else { linear_tick };
                market.note(id, place);
                market.names.insert(name, place);
                market.quotes.push(Quote {
                    id,
                    underlying,
                    contract,
                    tick,
                    fair: 0,
                    mark: 0,
                    bid: 0,
                    ask: 0,
                    forward: 0,
                    vol_e9: 0,
                });
                match contract {
                    Contract::Perpetual => board.perpetual = place,
                    Contract::Future { expiry } => futures.push((expiry, place)),
                    Contract::Option { expiry, strike, side } => {
                        let is_put = side == OptionSide::Put;
                        options.entry(expiry.0).or_default().push((strike.0, is_put, place));
                    }
                }
            }
            futures.sort_unstable();
            board.futures = futures.into_iter().map(|(_, place)| place).collect();
            for mut series in options.into_values() {
                series.sort_unstable();
                board.options.push(series.into_iter().map(|(_, _, place)| place).collect());
            }
            market.boards.push(board);
        }
        market
    }

    fn note(&mut self, id: InstrumentId, place: usize) {
        let at = usize::try_from(id.0).unwrap_or(usize::MAX);
        if at >= self.places.len() {
            self.places.resize(at + 1, None);
        }
        self.places[at] = Some(place);
    }

    /// The place of an instrument in [`Market::quotes`].
    pub fn place_of(&self, id: InstrumentId) -> Option<usize> {
        self.places.get(usize::try_from(id.0).ok()?).copied().flatten()
    }

    /// The place of a listed instrument in [`Market::quotes`].
    pub fn place_named(&self, name: &InstrumentName) -> Option<usize> {
        self.names.get(name).copied()
    }

    /// Looks at the exchange, before the block at `now_ms`.
    pub fn refresh(&mut self, exchange: &Exchange, now_ms: i64) {
        self.now_ms = now_ms;
        let with_options = now_ms >= self.next_options_ms;
        if with_options {
            self.next_options_ms = now_ms + OPTIONS_MS;
        }
        for quote in &mut self.quotes {
            if quote.contract.is_option() && !with_options {
                continue;
            }
            let Some(view) = exchange.instrument_view(quote.id) else {
                // It has expired.
                (quote.mark, quote.fair, quote.bid, quote.ask) = (0, 0, 0, 0);
                continue;
            };
            quote.mark = view.mark.map_or(0, |price| price.0);
            quote.fair = quote.mark;
            quote.bid = view.bid.map_or(0, |price| price.0);
            quote.ask = view.ask.map_or(0, |price| price.0);
            quote.forward = view.forward.map_or(0, |price| price.0);
            quote.vol_e9 = view.volatility.map_or(0, |vol| vol.0);
        }
        for board in &mut self.boards {
            let Some(view) = exchange.underlying_view(board.id) else { continue };
            board.index = view.index.map_or(0, |price| price.0);
            board.stale = view.stale;
            board.remember(now_ms);
            for place in [board.perpetual].iter().chain(&board.futures) {
                let quote = &mut self.quotes[*place];
                let expiry = quote.contract.expiry();
                let basis_ppb = expiry.and_then(|expiry| exchange.expiry_view(board.id, expiry));
                let basis_ppb = basis_ppb.map_or(0, |view| view.basis_ppb);
                quote.fair = board.index + share(board.index, basis_ppb / 1_000);
            }
        }
    }
}

impl Board {
    fn remember(&mut self, now_ms: i64) {
        if self.index == 0 {
            return;
        }
        self.history.retain(|(time_ms, _)| *time_ms > now_ms - HISTORY_MS);
        self.history.push((now_ms, self.index));
        let prices = self.history.iter().map(|(_, price)| *price);
        let (low, high) =
            prices.fold((i64::MAX, 0), |(low, high), price| (low.min(price), high.max(price)));
        self.swing_ppm = (high - low).saturating_mul(1_000) / (self.index / 1_000).max(1);
    }
}

/// `ppm` of a price.
pub fn share(price: i64, ppm: i64) -> i64 {
    // Prices stay below 10^15 and ratios below 10^9: the product needs 128 bits, the quotient not.
    let wide = i128::from(price) * i128::from(ppm) / 1_000_000;
    i64::try_from(wide).unwrap_or(i64::MAX)
}
