//! The secrets of a state: what they are and when they end, never what they hold.

use hactl_core::state::{ResourceState, State};
use hactl_core::value::Value;
use hactl_kinds::{NOT_AFTER, OVERLAP_UNTIL, renews_at};
use jiff::Timestamp;
use serde_json::{Value as Json, json};

use crate::render::plan::day;
use crate::render::value::visible;

/// A table, one secret in a line; empty where there is none.
pub(crate) fn secrets(state: &State, now: Timestamp) -> String {
    let mut rows = vec![["NAME", "KIND", "ENTRIES", "EXPIRES", "RENEWED FROM"].map(str::to_owned)];
    for (address, known) in secrets_of(state) {
        rows.push([
            address.name().to_owned(),
            kind(known).to_owned(),
            if known.lost { "lost".to_owned() } else { entries(known).join(", ") },
            output(known, NOT_AFTER).map_or_else(|| "-".to_owned(), |time| with_days(time, now)),
            renews_at(known, state).map_or_else(|| "-".to_owned(), |time| day(&time.to_string()).to_owned()),
        ]);
    }
    if rows.len() == 1 {
        return String::new();
    }
    let widths: Vec<usize> =
        (0..5).map(|column| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0)).collect();
    let mut text = String::new();
    for row in &rows {
        let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{:width$}", visible(cell), width = *width));
        text.push_str(cells.collect::<Vec<_>>().join("  ").trim_end());
        text.push('\n');
    }
    for (address, known) in secrets_of(state) {
        if known.lost {
            text.push_str(&format!(
                "\n{}: its value was lost with an earlier state; `hactl plan --replace {address}` shows what a new one changes.\n",
                address.name()
            ));
        }
        if let Some(end) = output(known, OVERLAP_UNTIL) {
            text.push_str(&format!("\n{}: its predecessor is trusted beside it until {}.\n", address.name(), day(end)));
        }
    }
    text
}

/// The same for programs.
pub(crate) fn secrets_json(state: &State) -> Json {
    let secret = |(address, known): (&hactl_core::Address, &ResourceState)| {
        json!({
            "address": address.as_str(),
            "name": address.name(),
            "kind": kind(known),
            "entries": entries(known),
            "lost": known.lost,
            "not_after": output(known, NOT_AFTER),
            "renews_at": renews_at(known, state).map(|time| time.to_string()),
            "overlap_until": output(known, OVERLAP_UNTIL),
        })
    };
    json!({ "format_version": "1.0", "secrets": secrets_of(state).map(secret).collect::<Vec<_>>() })
}

/// What a secret is that hactl made, as in `password`; none where its values come from elsewhere.
pub(crate) fn generated(spec: &Value) -> Option<&str> {
    spec.get("generate")?.as_map()?.keys().next().map(String::as_str)
}

/// The entries that the config can refer to.
pub(crate) fn entries(known: &ResourceState) -> Vec<&str> {
    let sensitive = known.outputs.iter().filter(|(_, output)| matches!(output, Value::Sealed(_)));
    sensitive
        .map(|(name, _)| name.as_str())
        .filter(|name| *name != hactl_kinds::ISSUING || generated(&known.spec).is_none())
        .collect()
}

fn secrets_of(state: &State) -> impl Iterator<Item = (&hactl_core::Address, &ResourceState)> {
    state.resources.iter().filter(|(address, _)| address.primitive() == "secret")
}

fn kind(known: &ResourceState) -> &str {
    let given = if known.spec.get("import").is_some() { "import" } else { "data" };
    generated(&known.spec).unwrap_or(given)
}

fn output<'a>(known: &'a ResourceState, name: &str) -> Option<&'a str> {
    known.outputs.get(name).and_then(Value::as_str)
}

/// `2027-11-22 (in 365 days)`.
fn with_days(time: &str, now: Timestamp) -> String {
    let Ok(end) = time.parse::<Timestamp>() else { return time.to_owned() };
    let hours = end.duration_since(now).as_hours();
    let left = match hours {
        ..0 => "expired".to_owned(),
        0..48 => format!("in {hours} hours"),
        _ => format!("in {} days", hours / 24),
    };
    format!("{} ({left})", day(time))
}
