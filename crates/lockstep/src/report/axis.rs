//! The value axis of a chart: which range it shows, where its ticks are, where a value lies.

use super::{Scale, number, number::shows};

/// Empty space beyond the least and the greatest value, as a part of their distance.
const PADDING: f64 = 0.05;
/// Ticks aimed at.
const TICKS_AIM: f64 = 4.5;
/// Most decades of a logarithmic axis that are ticked at 2 and 5 too.
const DECADES_FINE_MAX: f64 = 1.7;
/// Most decades that a logarithmic axis shows.
const DECADES_MAX: f64 = 12.0;

/// A range of values and how it is laid out.
#[derive(Clone, Copy, Debug)]
pub struct Axis {
    low: f64,
    high: f64,
    log: bool,
}

/// A tick: a value and what it says.
pub struct Tick {
    pub value: f64,
    pub label: String,
}

impl Axis {
    /// An axis that shows every value; of a logarithmic one, every positive value.
    pub fn new(values: impl Iterator<Item = f64>, scale: Scale) -> Self {
        let log = scale == Scale::Log;
        let mut low = f64::INFINITY;
        let mut high = f64::NEG_INFINITY;
        for value in values.filter(|&value| shows(value) && (!log || value > 0.0)) {
            low = low.min(value);
            high = high.max(value);
        }
        if low > high {
            (low, high) = if log { (1.0, 10.0) } else { (0.0, 1.0) };
        }
        if log {
            low = low.max(high / 10_f64.powf(DECADES_MAX));
            let padding = (high / low).powf(PADDING).max(1.1);
            return Self { low: low / padding, high: high * padding, log };
        }
        if scale == Scale::FromZero {
            (low, high) = (low.min(0.0), high.max(0.0));
        }
        let padding = if high > low {
            (high - low) * PADDING
        } else if high == 0.0 {
            1.0
        } else {
            high.abs() * PADDING
        };
        // From zero the axis itself is the floor: no space below it.
        let floor = scale == Scale::FromZero && low == 0.0;
        let roof = scale == Scale::FromZero && high == 0.0 && low < 0.0;
        Self {
            low: if floor { 0.0 } else { low - padding },
            high: if roof { 0.0 } else { high + padding },
            log,
        }
    }

    /// Where a value lies: 0 at the bottom, 1 at the top, beyond them if it is off the axis.
    pub fn at(&self, value: f64) -> f64 {
        if self.log {
            let value = value.max(f64::MIN_POSITIVE);
            (value / self.low).log10() / (self.high / self.low).log10()
        } else {
            (value - self.low) / (self.high - self.low)
        }
    }

    /// Whether a value can be drawn.
    pub fn draws(&self, value: f64) -> bool {
        shows(value) && (!self.log || value > 0.0)
    }

    /// Least and greatest value shown.
    pub fn ends(&self) -> (f64, f64) {
        (self.low, self.high)
    }

    /// Whether it is logarithmic.
    pub fn is_log(&self) -> bool {
        self.log
    }

    /// Round values inside the axis, least first.
    pub fn ticks(&self) -> Vec<Tick> {
        if self.log { self.log_ticks() } else { self.linear_ticks() }
    }

    fn linear_ticks(&self) -> Vec<Tick> {
        let rough = (self.high - self.low) / TICKS_AIM;
        let power = 10_f64.powf(rough.log10().floor());
        let step = [1.0, 2.0, 2.5, 5.0, 10.0]
            .into_iter()
            .map(|factor| factor * power)
            .find(|step| *step >= rough * 0.999)
            .unwrap_or(power * 10.0);
        let first = (self.low / step).ceil();
        let mut ticks = Vec::new();
        for count in 0..12_u8 {
            let value = (first + f64::from(count)) * step;
            if value > self.high {
                break;
            }
            ticks.push(Tick { value, label: tick_label(value, step) });
        }
        ticks
    }

    fn log_ticks(&self) -> Vec<Tick> {
        let decades = (self.high / self.low).log10();
        let factors: &[f64] = if decades <= DECADES_FINE_MAX { &[1.0, 2.0, 5.0] } else { &[1.0] };
        let stride = (decades / 6.0).ceil().max(1.0);
        let mut power = (self.low.log10() / stride).floor() * stride;
        let mut ticks = Vec::new();
        while power <= self.high.log10() && ticks.len() < 12 {
            for factor in factors {
                let value = factor * 10_f64.powf(power);
                if value >= self.low && value <= self.high {
                    ticks.push(Tick { value, label: tick_label(value, value) });
                }
            }
            power += stride;
        }
        // Less than one round value in view: its ends say what it shows.
        if ticks.len() < 2 {
            ticks = [self.low, self.high]
                .map(|value| Tick { value, label: tick_label(value, value / 10.0) })
                .into();
        }
        ticks
    }
}

/// A tick's value, with as many digits as its step needs.
fn tick_label(value: f64, step: f64) -> String {
    let size = value.abs().max(step);
    let (unit, letter) = if size >= 1e9 {
        (1e9, "B")
    } else if size >= 1e6 {
        (1e6, "M")
    } else {
        (1.0, "")
    };
    let scaled = step / unit;
    // A step of 2.5 needs one digit more than its size tells.
    let mut decimals = number::decimals_of(scaled);
    let halves = scaled * 10_f64.powi(decimals as i32);
    if (halves - halves.round()).abs() > 1e-6 {
        decimals += 1;
    }
    let text = number::grouped(value / unit, decimals);
    if value == 0.0 { text } else { format!("{text}{letter}") }
}
