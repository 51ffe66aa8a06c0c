//! The revisions of a state.

use hactl_state::git::Revision;
use jiff::Timestamp;
use serde_json::{Value as Json, json};

use crate::render::value::visible;

/// A table, one revision in a line, the newest first.
pub(crate) fn history(revisions: &[Revision]) -> String {
    let mut rows = vec![["REVISION", "WHEN (UTC)", "WHO", "SERIAL", "PLAN", "WHAT"].map(str::to_owned)];
    let or_dash = |text: Option<String>| text.unwrap_or_else(|| "-".to_owned());
    rows.extend(revisions.iter().map(|one| {
        [
            one.short.clone(),
            minute(&one.when),
            one.author.clone(),
            or_dash(one.serial.map(|serial| serial.to_string())),
            or_dash(one.plan.as_ref().map(|digest| digest.chars().take(8).collect())),
            one.summary.clone(),
        ]
        .map(|cell| visible(&cell))
    }));
    let widths: Vec<usize> =
        (0..6).map(|column| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0)).collect();
    let line = |row: &[String; 6]| {
        let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}", width = *width));
        format!("{}\n", cells.collect::<Vec<_>>().join("  ").trim_end())
    };
    rows.iter().map(line).collect()
}

/// What is gone back to: the revision, when it was made, by whom, and the commit of its config.
pub(crate) fn going_back(stack: &str, revision: &Revision) -> String {
    let commit = revision.config_commit.as_deref().unwrap_or(&revision.id);
    let commit = commit.get(..7).unwrap_or(commit);
    let Revision { short, when, author, summary, .. } = revision;
    let text = format!("{short} ({} UTC, {author}: {summary}), with the config of commit {commit}", minute(when));
    format!("{stack} goes back to {}.\n\n", visible(&text))
}

/// The same for programs.
pub(crate) fn history_json(revisions: &[Revision]) -> Json {
    let revision = |one: &Revision| {
        json!({
            "revision": one.id,
            "when": one.when,
            "author": one.author,
            "summary": one.summary,
            "serial": one.serial,
            "plan": one.plan,
            "config": one.config,
            "config_commit": one.config_commit,
        })
    };
    Json::Array(revisions.iter().map(revision).collect())
}

/// A time to the minute, in UTC; as it is where it is none.
fn minute(time: &str) -> String {
    match time.parse::<Timestamp>() {
        Ok(time) => time.strftime("%Y-%m-%d %H:%M").to_string(),
        Err(_) => time.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned_and_times_are_in_utc() {
        let revision = |short: &str, when: &str, serial, plan: Option<&str>, summary: &str| Revision {
            id: short.repeat(5),
            short: short.to_owned(),
            when: when.to_owned(),
            author: "Zoë".to_owned(),
            summary: summary.to_owned(),
            serial,
            plan: plan.map(str::to_owned),
            config: None,
            config_commit: None,
        };
        let revisions = [
            revision(
                "1a2b3c4",
                "2027-01-31T00:30:00+02:00",
                Some(12),
                Some("8d6f8e871723"),
                "hactl apply shop: 1 added",
            ),
            revision("5d6e7f8", "2027-01-30T09:00:00Z", None, None, "by \u{1b}[31mhand"),
        ];
        insta::assert_snapshot!(history(&revisions), @r"
        REVISION  WHEN (UTC)        WHO  SERIAL  PLAN      WHAT
        1a2b3c4   2027-01-30 22:30  Zoë  12      8d6f8e87  hactl apply shop: 1 added
        5d6e7f8   2027-01-30 09:00  Zoë  -       -         by \u{1b}[31mhand
        ");
        insta::assert_snapshot!(format!("{:#}", history_json(&revisions[1..])), @r#"
        [
          {
            "revision": "5d6e7f85d6e7f85d6e7f85d6e7f85d6e7f8",
            "when": "2027-01-30T09:00:00Z",
            "author": "Zoë",
            "summary": "by \u001b[31mhand",
            "serial": null,
            "plan": null,
            "config": null,
            "config_commit": null
          }
        ]
        "#);
    }
}
