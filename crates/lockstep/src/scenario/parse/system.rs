//! Reading what the chain tells the exchange: deposits, prices, listings, phases, parameters.

use super::{Parser, objects, params};
use crate::json::Json;
use crate::scenario::fields::{self, Fields};
use crate::scenario::model::{AccountRef, Published, ReportSpec, ScopeSpec, SystemStep};
use crate::scenario::problem::{Parsed, Problem};
use crate::scenario::value::{self, PPB_PLACES};
use lockstep_types::command::{ExpiryReport, Phase, PhaseReason, SmileParams};
use lockstep_types::params::UnderlyingParams;
use lockstep_types::{Ppm, Usd, Vol};

/// The words for phases.
pub(super) const PHASES: &[(&str, Phase)] = &[
    ("continuous", Phase::Continuous),
    ("reduce_only", Phase::ReduceOnly),
    ("auction", Phase::Auction),
    ("halted", Phase::Halted),
];

/// The words for reasons of phases.
const REASONS: &[(&str, PhaseReason)] = &[
    ("scheduled", PhaseReason::Scheduled),
    ("outage", PhaseReason::Outage),
    ("prices", PhaseReason::Prices),
    ("emergency", PhaseReason::Emergency),
    ("latency", PhaseReason::Latency),
];

impl Parser {
    /// Reads a command of the chain; `None` when the action is a signer's.
    pub(super) fn system_step(
        &mut self,
        action: &str,
        fields: &mut Fields,
        refused: bool,
    ) -> Parsed<Option<SystemStep>> {
        let step = match action {
            "deposit" => SystemStep::Deposit(deposits(fields)?),
            "fund_insurance" => SystemStep::FundInsurance(
                fields.opt(&["underlying"], value::ticker)?,
                fields.need(&["amount"], value::usd)?,
            ),
            "report" => SystemStep::Report(self.report_list(fields)?),
            "reporter_weight" => SystemStep::ReporterWeight(weights(fields.rest())?),
            "list" => SystemStep::List(fields.need(&["instruments", "instrument"], |names| {
                fields::list(names, value::instrument)
            })?),
            "phase" => self.phase(fields)?,
            "venue_params" => {
                let mut params = self.venue.clone();
                params::venue(fields, &mut params)?;
                if !refused {
                    self.venue = params.clone();
                }
                SystemStep::VenueParams(Box::new(params))
            }
            "underlying_params" => {
                let mut changed = Vec::new();
                for (name, value) in fields.rest() {
                    let params = self.changed_underlying(&name, value, refused);
                    changed.push(params.map_err(|problem| problem.at(&name))?);
                }
                if changed.is_empty() {
                    return Err(Problem::new("name an underlying: {\"BTC\": {...}}"));
                }
                SystemStep::UnderlyingParams(changed)
            }
            "add_underlying" => {
                let ticker = fields.need(&["ticker", "underlying"], value::ticker)?;
                let price = fields.need(&["price"], value::price)?;
                let mut params = UnderlyingParams::genesis(ticker, price.0 / 1_000_000);
                params::underlying(fields, &mut params)?;
                if !refused {
                    self.underlyings.insert(ticker, params.clone());
                }
                SystemStep::AddUnderlying(Box::new(params))
            }
            _ => return Ok(None),
        };
        Ok(Some(step))
    }

    fn changed_underlying(
        &mut self,
        name: &str,
        value: Json,
        refused: bool,
    ) -> Parsed<UnderlyingParams> {
        let ticker = value::ticker_text(name)?;
        let Some(current) = self.underlyings.get(&ticker) else {
            return Err(Problem::new("there is no such underlying"));
        };
        let mut params = current.clone();
        let mut fields = Fields::of(value)?;
        params::underlying(&mut fields, &mut params)?;
        fields.finish()?;
        if !refused {
            self.underlyings.insert(ticker, params.clone());
        }
        Ok(params)
    }

    /// Reads `{"phase": "auction", "instrument": ...}`, or `{"BTC_USDC-PERPETUAL": "auction"}`.
    fn phase(&self, fields: &mut Fields) -> Parsed<SystemStep> {
        let reason = fields.opt(&["reason"], |word| value::word(word, "reason", REASONS))?;
        let reason = reason.unwrap_or(PhaseReason::Scheduled);
        if fields.has("phase") || fields.has("to") {
            let phase = fields.need(&["phase", "to"], phase)?;
            return Ok(SystemStep::Phase { phase, scope: self.scope(fields)?, reason });
        }
        match fields.rest().as_slice() {
            [(name, word)] => {
                let phase = phase(word).map_err(|problem| problem.at(name))?;
                Ok(SystemStep::Phase { phase, scope: scope_text(name)?, reason })
            }
            _ => Err(Problem::new("say {\"phase\": \"auction\", \"instrument\": \"...\"}")),
        }
    }

    /// Reads what a phase is about; the venue unless said otherwise.
    fn scope(&self, fields: &mut Fields) -> Parsed<ScopeSpec> {
        let scope = fields.opt(&["scope"], |scope| scope_text(&value::text(scope)?))?;
        let instrument = fields.opt(&["instrument"], value::instrument)?;
        let underlying = fields.opt(&["underlying"], value::ticker)?;
        match (scope, instrument, underlying) {
            (None, None, None) => Ok(ScopeSpec::Venue),
            (Some(scope), None, None) => Ok(scope),
            (None, Some(instrument), None) => Ok(ScopeSpec::Instrument(instrument)),
            (None, None, Some(underlying)) => Ok(ScopeSpec::Underlying(underlying)),
            _ => Err(Problem::new("say one of `scope`, `instrument` and `underlying`")),
        }
    }

    fn report_list(&self, fields: &mut Fields) -> Parsed<Vec<ReportSpec>> {
        match fields.raw(&["reports"])? {
            Some((name, list)) => {
                let lists = objects(&list, |report| self.reports(&mut Fields::of(report)?));
                Ok(lists.map_err(|problem| problem.at(name))?.into_iter().flatten().collect())
            }
            None => self.reports(fields),
        }
    }

    /// Reads one reporter's prices: `{"BTC": 61250.5}`, or at length `{"underlying": "BTC", ...}`.
    fn reports(&self, fields: &mut Fields) -> Parsed<Vec<ReportSpec>> {
        let reporter = fields.opt(&["reporter"], value::name)?;
        let common = published(fields)?;
        let one = fields.opt(&["underlying"], value::ticker)?;
        let mut reports = Vec::new();
        if let Some(underlying) = one {
            reports.push(report_body(fields, underlying, reporter, common)?);
            return Ok(reports);
        }
        for (name, value) in fields.rest() {
            let report = value::ticker_text(&name)
                .and_then(|underlying| self.short_report(underlying, value, &reporter, common));
            reports.push(report.map_err(|problem| problem.at(&name))?);
        }
        match reports.is_empty() {
            true => Err(Problem::new("the report names no underlying: {\"BTC\": 61250.5}")),
            false => Ok(reports),
        }
    }

    fn short_report(
        &self,
        underlying: lockstep_types::instrument::Ticker,
        value: Json,
        reporter: &Option<String>,
        common: Option<Published>,
    ) -> Parsed<ReportSpec> {
        if !matches!(value, Json::Object(_)) {
            let price = Some(value::price(&value)?);
            let (reporter, published) = (reporter.clone(), common.unwrap_or(Published::Now));
            return Ok(ReportSpec { reporter, underlying, price, published, expiries: None });
        }
        let mut fields = Fields::of(value)?;
        let own = published(&mut fields)?.or(common);
        let report = report_body(&mut fields, underlying, reporter.clone(), own)?;
        fields.finish()?;
        Ok(report)
    }
}

fn report_body(
    fields: &mut Fields,
    underlying: lockstep_types::instrument::Ticker,
    reporter: Option<String>,
    published: Option<Published>,
) -> Parsed<ReportSpec> {
    let price = fields.opt(&["price"], value::price)?;
    let expiries = fields.opt(&["expiries"], expiries)?;
    if price.is_none() && expiries.is_none() {
        return Err(Problem::new("the report has neither `price` nor `expiries`"));
    }
    let published = published.unwrap_or(Published::Now);
    Ok(ReportSpec { reporter, underlying, price, published, expiries })
}

fn published(fields: &mut Fields) -> Parsed<Option<Published>> {
    let at = fields.opt(&["published"], value::time)?;
    let age = fields.opt(&["age"], value::span)?;
    match (at, age) {
        (Some(_), Some(_)) => Err(Problem::new("say either `published` or `age`")),
        (Some(at), None) => Ok(Some(Published::At(at))),
        (None, Some(age)) => Ok(Some(Published::Age(age))),
        (None, None) => Ok(None),
    }
}

/// Reads forwards and smiles by expiry: `{"basis": 0.01, "atm": 0.6, "rho": -0.3, "phi": 2}`, or a
/// bare volatility.
pub(super) fn expiries(value: &Json) -> Parsed<Vec<ExpiryReport>> {
    let mut out = Vec::new();
    for (name, value) in Fields::of(value.clone())?.rest() {
        let report = expiry_report(&name, value).map_err(|problem| problem.at(&name))?;
        out.push(report);
    }
    out.sort_by_key(|report| report.expiry);
    Ok(out)
}

fn expiry_report(name: &str, value: Json) -> Parsed<ExpiryReport> {
    let expiry = value::expiry_text(name)?;
    let nano = |value: &Json| value::ratio(value, PPB_PLACES);
    let flat = |atm| SmileParams { atm, rho: Ppm::ZERO, phi: Ppm::ZERO };
    if !matches!(value, Json::Object(_)) {
        let smile = Some(flat(Vol(nano(&value)?)));
        return Ok(ExpiryReport { expiry, basis_ppb: 0, smile });
    }
    let mut fields = Fields::of(value)?;
    let basis_ppb = fields.opt(&["basis"], nano)?.unwrap_or(0);
    let atm = fields.opt(&["atm", "volatility"], nano)?.map(Vol);
    let rho = fields.opt(&["rho"], value::ppm)?;
    let phi = fields.opt(&["phi"], value::ppm)?;
    fields.finish()?;
    let smile = match atm {
        Some(atm) => {
            Some(SmileParams { atm, rho: rho.unwrap_or(Ppm::ZERO), phi: phi.unwrap_or(Ppm::ZERO) })
        }
        None if rho.is_some() || phi.is_some() => {
            return Err(Problem::new("field `atm` is missing: a smile has one"));
        }
        None => None,
    };
    Ok(ExpiryReport { expiry, basis_ppb, smile })
}

/// Reads `{"account": "alice", "amount": 5}`, a list of these, or `{"alice": 5, "bob": 7}`.
fn deposits(fields: &mut Fields) -> Parsed<Vec<(AccountRef, Usd)>> {
    if let Some((_, list)) = fields.raw(&["deposits"])? {
        let all = objects(&list, |one| {
            let mut fields = Fields::of(one)?;
            let read = deposits(&mut fields)?;
            fields.finish()?;
            Ok(read)
        })?;
        return Ok(all.into_iter().flatten().collect());
    }
    if fields.has("account") || fields.has("amount") {
        let account = fields.need(&["account"], value::account)?;
        return Ok(vec![(account, fields.need(&["amount"], value::usd)?)]);
    }
    let mut out = Vec::new();
    for (name, value) in fields.rest() {
        let deposit = value::account_text(&name)
            .and_then(|account| value::usd(&value).map(|amount| (account, amount)));
        out.push(deposit.map_err(|problem| problem.at(&name))?);
    }
    match out.is_empty() {
        true => Err(Problem::new("name accounts and amounts: {\"alice\": 10000}")),
        false => Ok(out),
    }
}

/// Reads `{"v1": 1, "v2": 5}`.
pub(super) fn weights(entries: Vec<(String, Json)>) -> Parsed<Vec<(String, u64)>> {
    let mut out = Vec::new();
    for (name, value) in entries {
        let weight = value::key_name(&name)
            .and_then(|reporter| Ok((reporter, value::integer(&value, 0, i64::MAX)?)));
        out.push(weight.map_err(|problem| problem.at(&name))?);
    }
    match out.is_empty() {
        true => Err(Problem::new("name reporters and weights: {\"v1\": 1}")),
        false => Ok(out),
    }
}

/// Reads `true`, `false`, or `{"v1": false}`.
pub(super) fn auto_report(mut fields: Fields) -> Parsed<Vec<(Option<String>, bool)>> {
    if let Some(on) = fields.opt(&["on"], value::boolean)? {
        fields.finish()?;
        return Ok(vec![(None, on)]);
    }
    let mut out = Vec::new();
    for (name, value) in fields.rest() {
        let switch = value::key_name(&name)
            .and_then(|reporter| Ok((Some(reporter), value::boolean(&value)?)));
        out.push(switch.map_err(|problem| problem.at(&name))?);
    }
    Ok(out)
}

/// Reads a phase.
pub(super) fn phase(value: &Json) -> Parsed<Phase> {
    value::word(value, "phase", PHASES)
}

/// Reads `venue`, a ticker or an instrument's name.
pub(super) fn scope_text(text: &str) -> Parsed<ScopeSpec> {
    if text == "venue" {
        return Ok(ScopeSpec::Venue);
    }
    match value::ticker_text(text) {
        Ok(ticker) => Ok(ScopeSpec::Underlying(ticker)),
        Err(_) => value::instrument_text(text).map(ScopeSpec::Instrument),
    }
}
