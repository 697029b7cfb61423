//! Parameters of the venue and of an underlying.

use super::{each, int, list, lots, ppm, price, span, ticker, usd, vol};
use lockstep_types::params::*;
use proptest::prelude::*;

pub fn tick_step() -> BoxedStrategy<TickStep> {
    (price(), price()).prop_map(|(above, tick)| TickStep { above, tick }).boxed()
}

pub fn tick_table() -> BoxedStrategy<TickTable> {
    (price(), list(tick_step(), 4)).prop_map(|(base, steps)| TickTable { base, steps }).boxed()
}

pub fn fee_tier() -> BoxedStrategy<FeeTier> {
    (usd(), ppm(), ppm())
        .prop_map(|(volume_30d, maker, taker)| FeeTier { volume_30d, maker, taker })
        .boxed()
}

pub fn fee_split() -> BoxedStrategy<FeeSplit> {
    (ppm(), ppm(), ppm())
        .prop_map(|(validators, insurance, treasury)| FeeSplit { validators, insurance, treasury })
        .boxed()
}

pub fn standard_margin() -> BoxedStrategy<StandardMarginParams> {
    proptest::array::uniform8(ppm())
        .prop_map(|ratios| {
            let [
                linear_maintenance,
                linear_initial,
                option_max,
                option_min,
                option_maintenance,
                put_initial_factor,
                unpaired_initial,
                unpaired_maintenance,
            ] = ratios;
            StandardMarginParams {
                linear_maintenance,
                linear_initial,
                option_max,
                option_min,
                option_maintenance,
                put_initial_factor,
                unpaired_initial,
                unpaired_maintenance,
            }
        })
        .boxed()
}

pub fn portfolio_margin() -> BoxedStrategy<PortfolioMarginParams> {
    (proptest::array::uniform12(ppm()), vol())
        .prop_map(|(ratios, volatility_up_min)| PortfolioMarginParams {
            scan_initial: ratios[0],
            scan_maintenance: ratios[1],
            basis: ratios[2],
            vega: ratios[3],
            short_initial: ratios[4],
            short_maintenance: ratios[5],
            linear_initial: ratios[6],
            linear_maintenance: ratios[7],
            confidence_min: ratios[8],
            confidence_factor: ratios[9],
            volatility_up: ratios[10],
            volatility_down: ratios[11],
            volatility_up_min,
        })
        .boxed()
}

pub fn latency_source() -> BoxedStrategy<LatencySource> {
    prop_oneof![
        Just(LatencySource::Measured),
        (span(), span()).prop_map(|(now, slow)| LatencySource::Assumed { now, slow }),
    ]
    .boxed()
}

pub fn latency() -> BoxedStrategy<LatencyParams> {
    (latency_source(), any::<u8>(), proptest::array::uniform6(span()), ppm(), ppm())
        .prop_map(|(source, actions, spans, cap, slippage)| {
            let [finality_min, reference, reduce_only, freeze, reopen, execution] = spans;
            LatencyParams {
                source,
                finality_min,
                actions,
                reference,
                cap,
                reduce_only,
                freeze,
                reopen,
                execution,
                slippage,
            }
        })
        .boxed()
}

pub fn backstop() -> BoxedStrategy<BackstopParams> {
    (any::<u16>(), proptest::array::uniform3(ppm()), proptest::array::uniform3(span()))
        .prop_map(|(blocks, [start, cut, buffer], [fast, slow, insolvent])| BackstopParams {
            blocks,
            start,
            cut,
            fast,
            slow,
            buffer,
            insolvent,
        })
        .boxed()
}

pub fn margin_regime() -> BoxedStrategy<MarginRegime> {
    each()
}

pub fn work() -> BoxedStrategy<WorkWeights> {
    any::<[u32; 3]>()
        .prop_map(|[order, cancel, other]| WorkWeights { order, cancel, other })
        .boxed()
}

pub fn venue() -> BoxedStrategy<VenueParams> {
    let fees = (list(fee_tier(), 8), ppm(), ppm(), fee_split(), work(), any::<u64>(), usd());
    let margin = (margin_regime(), standard_margin(), any::<u16>(), any::<u16>(), span());
    let liquidation = (ppm(), ppm(), ppm(), backstop());
    let risk = (portfolio_margin(), latency());
    (fees, margin, liquidation, risk)
        .prop_map(|(fees, margins, liquidation, (portfolio_margin, latency))| {
            let (fee_tiers, option_fee_cap, liquidation_fee, fee_split, work, ..) = fees;
            let (.., block_work_max, base_fee_floor) = fees;
            let (margin, standard_margin, orders, instruments, report_age_max) = margins;
            let (liquidation_depth_share, liquidation_target, ..) = liquidation;
            let (.., liquidation_spread, backstop) = liquidation;
            VenueParams {
                fee_tiers,
                option_fee_cap,
                liquidation_fee,
                fee_split,
                work,
                block_work_max,
                base_fee_floor,
                margin,
                standard_margin,
                portfolio_margin,
                latency,
                orders_per_account_max: orders,
                instruments_per_account_max: instruments,
                report_age_max,
                liquidation_depth_share,
                liquidation_target,
                liquidation_spread,
                backstop,
            }
        })
        .boxed()
}

pub fn listing() -> BoxedStrategy<ListingPolicy> {
    each()
}

pub fn underlying_params() -> BoxedStrategy<UnderlyingParams> {
    let ticks = (ticker(), tick_table(), tick_table());
    let limits = proptest::array::uniform5(lots());
    let bands = proptest::array::uniform6(ppm());
    let rest = (span(), int(), int(), vol(), listing(), price());
    let risk = (ppm(), ppm(), ppm(), usd(), usd());
    (ticks, limits, bands, rest, risk)
        .prop_map(|(ticks, limits, bands, rest, risk)| {
            let (standard_factor, jump, jump_rate, ..) = risk;
            let (.., concentration_free, concentration_scale) = risk;
            let (ticker, linear_ticks, option_ticks) = ticks;
            let [lots_min, order_lots_max, position_lots_max, open_interest_max, impact_lots] =
                limits;
            let [
                price_band,
                option_price_band,
                market_band,
                mark_band,
                option_mark_band,
                forward_spread_max,
            ] = bands;
            let (basis_time, interest_ppb, funding_cap_ppb, volatility_default, listing, step) =
                rest;
            UnderlyingParams {
                ticker,
                linear_ticks,
                option_ticks,
                lots_min,
                order_lots_max,
                position_lots_max,
                open_interest_max,
                price_band,
                option_price_band,
                market_band,
                mark_band,
                basis_time,
                impact_lots,
                interest_ppb,
                funding_cap_ppb,
                option_mark_band,
                forward_spread_max,
                volatility_default,
                listing,
                strike_step: step,
                standard_factor,
                jump,
                jump_rate,
                concentration_free,
                concentration_scale,
            }
        })
        .boxed()
}
