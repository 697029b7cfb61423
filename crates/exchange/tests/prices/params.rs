//! Parameters are checked when they are set (F3), not when they are used.

use crate::market::{BTC, Market, btc, usd, venue};
use lockstep_types::codec::Bounded;
use lockstep_types::command::SystemCommand;
use lockstep_types::event::Event;
use lockstep_types::ids::UnderlyingId;
use lockstep_types::instrument::Ticker;
use lockstep_types::params::{FeeTier, TickStep, TickTable, UnderlyingParams, VenueParams};
use lockstep_types::reject::RejectCode;
use lockstep_types::units::{Lots, Ppm, Price, SpanMs, Usd, Vol};

#[test]
fn the_genesis_parameters_are_good() {
    let mut market = Market::empty(VenueParams::default());
    market.tell(SystemCommand::SetVenueParams(Box::default()));
    for (ticker, price) in [("BTC", 100_000), ("ETH", 4_000), ("SOL", 200), ("XRP", 1)] {
        let params = UnderlyingParams::genesis(Ticker::new(ticker).unwrap(), price);
        market.tell(SystemCommand::AddUnderlying(params));
    }
    let events = market.block();
    let added = (0..4).map(|id| Event::UnderlyingAdded { underlying: UnderlyingId(id) });
    let wanted: Vec<Event> = [Event::ParametersSet].into_iter().chain(added).collect();
    assert_eq!(events[..5], wanted);
}

type VenueChange = fn(&mut VenueParams);
type UnderlyingChange = fn(&mut UnderlyingParams);

#[test]
fn bad_venue_parameters_are_refused_and_change_nothing() {
    let changes: &[VenueChange] = &[
        |params| params.fee_tiers = Bounded::default(),
        |params| {
            let tier = FeeTier { volume_30d: Usd(1), maker: Ppm(0), taker: Ppm(0) };
            params.fee_tiers = Bounded::new(vec![tier]).unwrap();
        },
        |params| {
            let tier = FeeTier { volume_30d: Usd(0), maker: Ppm(0), taker: Ppm(0) };
            params.fee_tiers = Bounded::new(vec![tier, tier]).unwrap();
        },
        |params| {
            let tier = FeeTier { volume_30d: Usd(0), maker: Ppm(-1), taker: Ppm(0) };
            params.fee_tiers = Bounded::new(vec![tier]).unwrap();
        },
        |params| params.option_fee_cap = Ppm(1_000_001),
        |params| params.liquidation_fee = Ppm(-1),
        |params| params.fee_split.treasury.0 += 1,
        |params| {
            params.fee_split.treasury = Ppm(-1);
            params.fee_split.validators = Ppm(700_001);
        },
        |params| params.standard_margin.linear_initial = Ppm(1),
        |params| params.standard_margin.put_initial_factor = Ppm(999_999),
        |params| params.block_work_max = 0,
        |params| params.base_fee_floor = Usd(-1),
        |params| params.orders_per_account_max = 0,
        |params| params.instruments_per_account_max = 0,
        |params| params.report_age_max = SpanMs(0),
        |params| params.report_age_max = SpanMs(i64::MAX),
        |params| params.liquidation_depth_share = Ppm(0),
        |params| params.liquidation_target = Ppm(999_999),
        |params| params.liquidation_spread = Ppm(-1),
    ];
    let mut market = Market::empty(venue());
    market.block();
    for (at, change) in changes.iter().enumerate() {
        let mut params = VenueParams::default();
        change(&mut params);
        let before = market.leaves().len();
        market.tell(SystemCommand::SetVenueParams(Box::new(params)));
        assert_eq!(market.refusal_code(), RejectCode::BadParameters, "change {at}");
        assert_eq!(market.leaves().len(), before);
    }
}

#[test]
fn bad_parameters_of_an_underlying_are_refused() {
    let changes: &[UnderlyingChange] = &[
        |params| params.linear_ticks = TickTable::flat(Price(0)),
        |params| params.option_ticks = TickTable::flat(Price(-5)),
        |params| {
            let step = TickStep { above: Price(3), tick: Price(2) };
            params.linear_ticks =
                TickTable { base: Price(2), steps: Bounded::new(vec![step]).unwrap() };
        },
        |params| params.lots_min = Lots(0),
        |params| params.lots_min = Lots(params.order_lots_max.0 + 1),
        |params| params.order_lots_max = Lots((1 << 31) + 1),
        |params| params.position_lots_max = Lots(-1),
        |params| params.open_interest_max = Lots(-1),
        |params| params.price_band = Ppm(-1),
        |params| params.option_price_band = Ppm(10_000_001),
        |params| params.market_band = Ppm(-1),
        |params| params.mark_band = Ppm(1_000_000),
        |params| params.basis_time = SpanMs(0),
        |params| params.impact_lots = Lots(0),
        |params| params.interest_ppb = i64::MIN,
        |params| params.funding_cap_ppb = -1,
        |params| params.option_mark_band = Ppm(-1),
        |params| params.forward_spread_max = Ppm(-1),
        |params| params.volatility_default = Vol(0),
        |params| params.strike_step = Price(0),
        |params| params.strike_step = Price(params.linear_ticks.base.0 + 1),
    ];
    let mut market = Market::new(btc());
    for (at, change) in changes.iter().enumerate() {
        let mut params = btc();
        change(&mut params);
        market.tell(SystemCommand::SetUnderlyingParams { underlying: BTC, params: params.clone() });
        assert_eq!(market.refusal_code(), RejectCode::BadParameters, "change {at}");
        params.ticker = Ticker::new("NEW").unwrap();
        market.tell(SystemCommand::AddUnderlying(params));
        assert_eq!(market.refusal_code(), RejectCode::BadParameters, "addition {at}");
    }
    assert_eq!(market.totals().underlyings, 1);
}

#[test]
fn a_ticker_names_one_underlying_and_stays() {
    let mut market = Market::new(btc());
    market.tell(SystemCommand::AddUnderlying(btc()));
    assert_eq!(market.refusal_code(), RejectCode::BadParameters);
    let params = UnderlyingParams { ticker: Ticker::new("ETH").unwrap(), ..btc() };
    market.tell(SystemCommand::SetUnderlyingParams { underlying: BTC, params: params.clone() });
    assert_eq!(market.refusal_code(), RejectCode::BadParameters);
    let underlying = UnderlyingId(1);
    market.tell(SystemCommand::SetUnderlyingParams { underlying, params });
    assert_eq!(market.refusal_code(), RejectCode::UnknownUnderlying);
}

#[test]
fn there_are_at_most_32_underlyings() {
    let mut market = Market::empty(venue());
    for number in 0..32 {
        let ticker = Ticker::new(&format!("U{number}")).unwrap();
        market.tell(SystemCommand::AddUnderlying(UnderlyingParams { ticker, ..btc() }));
    }
    market.block();
    market.tell(SystemCommand::AddUnderlying(btc()));
    assert_eq!(market.refusal_code(), RejectCode::BadParameters);
}

#[test]
fn ticks_stay_while_anything_is_listed() {
    let mut market = Market::new(btc());
    let finer = || {
        let params = UnderlyingParams { linear_ticks: TickTable::flat(Price(50_000)), ..btc() };
        SystemCommand::SetUnderlyingParams { underlying: BTC, params }
    };
    market.tell(finer());
    assert!(market.block().contains(&Event::ParametersSet));
    market.list("BTC_USDC-PERPETUAL").block();
    market.tell(SystemCommand::SetUnderlyingParams { underlying: BTC, params: btc() });
    assert_eq!(market.refusal_code(), RejectCode::BadParameters);
    market.tell(finer());
    assert!(market.block().contains(&Event::ParametersSet));
}

#[test]
fn a_new_default_volatility_shows_in_marks_at_once() {
    let mut market = Market::listing(btc(), &["BTC_USDC-27MAR26-100000-C"]);
    let before = market.mark(0).unwrap();
    let params = UnderlyingParams { volatility_default: Vol(900_000_000), ..btc() };
    market.tell(SystemCommand::SetUnderlyingParams { underlying: BTC, params });
    market.block();
    assert!(market.mark(0).unwrap() > before, "{before}");
    assert!(before > usd(1_000));
}
