//! What a scalar stands for, by the core schema of YAML 1.2 (section 10.3.2).

use crate::tree::Data;

/// What plain text stands for.
///
/// # Errors
/// When it is a number that cannot be held; the error says why.
pub(super) fn plain(text: &str) -> Result<Data, &'static str> {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => Ok(Data::Null),
        "true" | "True" | "TRUE" => Ok(Data::Bool(true)),
        "false" | "False" | "FALSE" => Ok(Data::Bool(false)),
        _ if text.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '+' | '-' | '.')) => number(text),
        _ => Ok(Data::String(text.into())),
    }
}

/// What plain text stands for in Kubernetes objects: as [`plain`], but for what YAML 1.1 reads in another way and so
/// `kubectl` does.
///
/// # Errors
/// As [`plain`].
pub(super) fn kubernetes(text: &str) -> Result<Data, &'static str> {
    match text {
        "y" | "Y" | "yes" | "Yes" | "YES" | "on" | "On" | "ON" => return Ok(Data::Bool(true)),
        "n" | "N" | "no" | "No" | "NO" | "off" | "Off" | "OFF" => return Ok(Data::Bool(false)),
        _ => {}
    }
    match plain(text)? {
        Data::String(text) => Ok(octal(&text).map_or(Data::String(text), Data::Int)),
        data => Ok(data),
    }
}

/// `0644` and `-017`
fn octal(text: &str) -> Option<i64> {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let digits = unsigned.strip_prefix('0')?;
    let is_octal = !digits.is_empty() && digits.bytes().all(|byte| (b'0'..=b'7').contains(&byte));
    let value = is_octal.then(|| i64::from_str_radix(digits, 8).ok())??;
    Some(if text.starts_with('-') { -value } else { value })
}

fn number(text: &str) -> Result<Data, &'static str> {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    if matches!(unsigned, ".inf" | ".Inf" | ".INF" | ".nan" | ".NaN" | ".NAN") {
        return Err("a number must be finite");
    }
    if let Some((radix, digits)) = radix(unsigned)
        && !digits.is_empty()
        && digits.chars().all(|c| c.is_digit(radix))
    {
        let sign = if text.starts_with('-') { "-" } else { "" };
        return whole(i64::from_str_radix(&format!("{sign}{digits}"), radix).ok());
    }
    let has_leading_zero = unsigned.len() > 1 && unsigned.starts_with('0') && unsigned.as_bytes()[1].is_ascii_digit();
    if has_leading_zero {
        return Ok(Data::String(text.into()));
    }
    if !unsigned.is_empty() && unsigned.bytes().all(|byte| byte.is_ascii_digit()) {
        return whole(text.parse().ok());
    }
    if !is_float(unsigned) {
        return Ok(Data::String(text.into()));
    }
    match text.parse::<f64>() {
        Ok(value) if value.is_finite() => Ok(Data::Float(value)),
        _ => Err("a number must be finite"),
    }
}

fn whole(value: Option<i64>) -> Result<Data, &'static str> {
    value.map(Data::Int).ok_or("a whole number is too large for 64 bits")
}

fn radix(unsigned: &str) -> Option<(u32, &str)> {
    let (prefix, digits) = unsigned.split_at_checked(2)?;
    match prefix {
        "0x" => Some((16, digits)),
        "0o" => Some((8, digits)),
        "0b" => Some((2, digits)),
        _ => None,
    }
}

/// `digits [. digits] [e [sign] digits]`, with digits on at least one side of the point.
fn is_float(unsigned: &str) -> bool {
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent.strip_prefix(['+', '-']).unwrap_or(exponent))),
        None => (unsigned, None),
    };
    let (before, after) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let has_digits = !(before.is_empty() && after.is_empty());
    has_digits && digits(before) && digits(after) && exponent.is_none_or(|text| !text.is_empty() && digits(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_core_schema_without_its_surprises() {
        let shown = |text: &str| match plain(text) {
            Ok(data) => format!("{data:?}"),
            Err(error) => error.to_owned(),
        };
        for text in [
            "yes", "no", "on", "0777", "1_000", "007.5", "1.2.3", "1:30", "-", "+", ".", "e5", "1e", "-a", "0x",
            "10.0.0.1",
        ] {
            assert_eq!(shown(text), format!("String({text:?})"));
        }
        for (text, expected) in [
            ("0", "Int(0)"),
            ("-12", "Int(-12)"),
            ("+7", "Int(7)"),
            ("0x1F", "Int(31)"),
            ("0o17", "Int(15)"),
            ("-9223372036854775808", "Int(-9223372036854775808)"),
            ("9223372036854775808", "a whole number is too large for 64 bits"),
            ("1.5", "Float(1.5)"),
            (".5", "Float(0.5)"),
            ("0.5", "Float(0.5)"),
            ("1e3", "Float(1000.0)"),
            ("-1.5E-1", "Float(-0.15)"),
            ("1e999", "a number must be finite"),
            (".nan", "a number must be finite"),
            ("~", "Null"),
            ("True", "Bool(true)"),
        ] {
            assert_eq!(shown(text), expected, "{text}");
        }
    }
    #[test]
    fn kubernetes_objects_are_read_as_kubectl_does() {
        let shown = |text: &str| format!("{:?}", kubernetes(text).unwrap());
        for (text, expected) in [
            ("0644", "Int(420)"),
            ("-017", "Int(-15)"),
            ("0", "Int(0)"),
            ("0888", "String(\"0888\")"),
            ("yes", "Bool(true)"),
            ("Off", "Bool(false)"),
            ("yess", "String(\"yess\")"),
            ("500m", "String(\"500m\")"),
        ] {
            assert_eq!(shown(text), expected, "{text}");
        }
    }
}
