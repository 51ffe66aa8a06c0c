//! Amounts of resources, in the one form in which the server writes them: `0.5` as `500m`, `1024Mi` as `1Gi`.
//!
//! <https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/>

use serde_json::{Map, Value};

/// How an amount is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// `1Gi`.
    Binary,
    /// `1G`.
    Decimal,
    /// `1e9`.
    Exponent,
}

const BINARY: &[&str] = &["", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"];
/// By powers of a thousand, the first of which is [`NANO`].
const DECIMAL: &[&str] = &["n", "u", "m", "", "k", "M", "G", "T", "P", "E"];
/// The power of ten of the smallest unit.
const NANO: i32 = -9;
const UNIT: i128 = 1_000_000_000;
/// Amounts have at most this many digits, so that they can be reckoned with.
const DIGITS: usize = 18;

/// Writes each amount of a map in the server's form; what is no amount is left alone.
pub(crate) fn normalise(amounts: &mut Map<String, Value>) {
    for amount in amounts.values_mut() {
        let text = match &*amount {
            Value::String(text) => text.clone(),
            Value::Number(number) => number.to_string(),
            _ => continue,
        };
        if let Some(normal) = normal(&text) {
            *amount = Value::String(normal);
        }
    }
}

fn normal(text: &str) -> Option<String> {
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, suffix) = text.split_at(end);
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let digits = format!("{whole}{fraction}");
    if digits.is_empty() || digits.len() > DIGITS {
        return None;
    }
    let mantissa: i128 = digits.parse().ok()?;
    let places = u32::try_from(fraction.len()).ok()?;
    if let Some(power) = BINARY.iter().skip(1).position(|unit| *unit == suffix) {
        let factor = 1024_i128.pow(u32::try_from(power).ok()? + 1);
        let nanos = divided(mantissa.checked_mul(factor)?.checked_mul(UNIT)?, 10_i128.pow(places));
        return Some(written(nanos, Form::Binary));
    }
    let (exponent, form) = match suffix.strip_prefix(['e', 'E']) {
        Some(exponent) if !exponent.is_empty() => (exponent.parse::<i32>().ok()?, Form::Exponent),
        _ => {
            let power = DECIMAL.iter().position(|unit| *unit == suffix)?;
            (NANO + 3 * i32::try_from(power).ok()?, Form::Decimal)
        }
    };
    let shift = exponent.checked_sub(NANO)?.checked_sub(i32::try_from(places).ok()?)?;
    let nanos = if shift >= 0 {
        mantissa.checked_mul(10_i128.checked_pow(u32::try_from(shift).ok()?)?)?
    } else {
        divided(mantissa, 10_i128.checked_pow(shift.unsigned_abs())?)
    };
    Some(written(nanos, form))
}

fn written(nanos: i128, form: Form) -> String {
    if form == Form::Binary && nanos >= 1024 * UNIT {
        let mut value = divided(nanos, UNIT);
        let mut power = 0;
        while value % 1024 == 0 && power + 1 < BINARY.len() {
            value /= 1024;
            power += 1;
        }
        return format!("{value}{}", BINARY[power]);
    }
    if nanos == 0 {
        return "0".to_owned();
    }
    let (mut value, mut power) = (nanos, 0);
    while value % 1000 == 0 && power + 1 < DECIMAL.len() {
        value /= 1000;
        power += 1;
    }
    let exponent = NANO + 3 * i32::try_from(power).unwrap_or_default();
    match form {
        Form::Exponent if exponent == 0 => value.to_string(),
        Form::Exponent => format!("{value}e{exponent}"),
        Form::Binary | Form::Decimal => format!("{value}{}", DECIMAL[power]),
    }
}

/// Rounds up, as the server does with what is smaller than it can hold.
fn divided(value: i128, divisor: i128) -> i128 {
    (value + divisor - 1) / divisor
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_have_one_form() {
        for (given, expected) in [
            ("0.5", "500m"),
            ("500m", "500m"),
            ("1000m", "1"),
            ("2", "2"),
            ("2.25", "2250m"),
            ("0.0001", "100u"),
            ("0", "0"),
            ("1000", "1k"),
            ("1.5G", "1500M"),
            ("1024Mi", "1Gi"),
            ("1.5Gi", "1536Mi"),
            ("0.5Ki", "512"),
            ("129e6", "129e6"),
            ("1E3", "1e3"),
            ("1E", "1E"),
        ] {
            assert_eq!(normal(given).as_deref(), Some(expected), "{given}");
        }
        for wrong in ["", "much", "-", "1.2.3", "1X", "1e99", "999999999999999999Ei", "9999999999999999999"] {
            assert_eq!(normal(wrong), None, "{wrong}");
        }
    }
}
