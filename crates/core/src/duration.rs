//! Durations as they are written in configs and on the command line.

use std::time::Duration;

/// A duration: whole numbers with `ms`, `s`, `m`, `h` or `d`, as in `90s` or `1m30s`.
///
/// # Errors
/// What is expected instead, where the text is none.
pub fn parse(text: &str) -> Result<Duration, String> {
    let expected = || format!("`{text}` is not a duration; write one like 500ms, 30s, 1m30s or 2h");
    let mut rest = text;
    let mut total = Duration::ZERO;
    if rest.is_empty() {
        return Err(expected());
    }
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit()).filter(|at| *at > 0).ok_or_else(expected)?;
        let (number, unit) = rest.split_at(digits);
        let number: u64 = number.parse().map_err(|_| expected())?;
        let end = unit.find(|c: char| c.is_ascii_digit()).unwrap_or(unit.len());
        let (unit, after) = unit.split_at(end);
        let millis = match unit {
            "ms" => 1,
            "s" => 1000,
            "m" => 60_000,
            "h" => 3_600_000,
            "d" => 86_400_000,
            _ => return Err(expected()),
        };
        total = number
            .checked_mul(millis)
            .and_then(|millis| total.checked_add(Duration::from_millis(millis)))
            .ok_or_else(expected)?;
        rest = after;
    }
    Ok(total)
}
