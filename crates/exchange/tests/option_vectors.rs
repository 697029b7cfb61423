//! The acceptance vectors of `vectors/options.csv`: 220 options with exact integer prices and
//! 25-digit Greeks from an independent 40-digit reference.

use lockstep_exchange::option::{Black76, Prices};

const VECTORS: &str = include_str!("vectors/options.csv");

/// One row, by column name.
struct Row<'a> {
    header: &'a str,
    line: &'a str,
}

impl Row<'_> {
    fn text(&self, column: &str) -> &str {
        let place = self.header.split(',').position(|name| name == column).unwrap();
        self.line.split(',').nth(place).unwrap()
    }

    fn integer(&self, column: &str) -> i64 {
        self.text(column).parse().unwrap()
    }

    /// The nearest integer of a decimal number times 10^scale, halves away from zero.
    fn scaled(&self, column: &str, scale: i64) -> i128 {
        let text = self.text(column);
        let (mantissa, exponent) = text.split_once('e').unwrap_or((text, "0"));
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let digits: i128 = format!("{whole}{fraction}").parse().unwrap();
        let places = i64::try_from(fraction.len()).unwrap();
        let shift = exponent.parse::<i64>().unwrap() + scale - places;
        match u32::try_from(shift.unsigned_abs()) {
            Ok(shift) if shift > 38 => 0,
            Ok(power) if shift >= 0 => digits * 10_i128.pow(power),
            Ok(power) => {
                let divisor = 10_i128.pow(power);
                (digits.abs() + divisor / 2) / divisor * digits.signum()
            }
            Err(_) => 0,
        }
    }

    fn option(&self) -> Black76 {
        Black76 {
            forward: self.integer("F"),
            strike: self.integer("K"),
            vol_e9: self.integer("vol_e9"),
            seconds: self.integer("T_s"),
        }
    }
}

fn rows() -> Vec<Row<'static>> {
    let mut lines = VECTORS.lines();
    let header = lines.next().unwrap();
    let rows: Vec<_> = lines.map(|line| Row { header, line }).collect();
    assert_eq!(rows.len(), 220);
    rows
}

#[test]
fn every_price_is_the_reference_integer() {
    for row in rows() {
        let expected = Prices { call: row.integer("call"), put: row.integer("put") };
        assert_eq!(row.option().prices(), Ok(expected), "case {}", row.text("case"));
    }
}

#[test]
fn every_greek_is_the_rounded_reference_number() {
    for row in rows() {
        let greeks = row.option().greeks().unwrap();
        let pairs = [
            ("delta_call_hp", 9, i128::from(greeks.delta_call_e9)),
            ("delta_put_hp", 9, i128::from(greeks.delta_put_e9)),
            ("gamma_per_usd_hp", 15, greeks.gamma_e15),
            ("vega_usd_per_1vol_hp", 6, i128::from(greeks.vega)),
            ("theta_usd_per_day_hp", 6, i128::from(greeks.theta_per_day)),
        ];
        for (column, scale, value) in pairs {
            assert_eq!(value, row.scaled(column, scale), "{column}, case {}", row.text("case"));
        }
    }
}
