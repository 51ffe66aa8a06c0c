//! What became of a state that was rebuilt: what is in it, what is not and why, and what to do next.

use std::path::PathBuf;

use hactl_core::Address;

use crate::recover::Recovered;
use crate::render::value::visible;

/// The whole report; `kept` are the copies of what was there before.
pub(crate) fn report(recovered: &Recovered, kept: &[PathBuf]) -> String {
    let (state, rebuilt) = (&recovered.state, &recovered.rebuilt);
    let mut text = format!(
        "Recovered the state of {}: lineage {}, serial {}, {}.\n",
        state.stack,
        state.lineage,
        state.serial,
        count(state.resources.len())
    );
    for path in kept {
        text.push_str(&format!("What was there before is kept in {}.\n", path.display()));
    }
    if !rebuilt.equal.is_empty() {
        let as_wanted =
            if rebuilt.equal.len() == 1 { "is as the config wants it" } else { "are as the config wants them" };
        text.push_str(&format!("{} {as_wanted}.\n", count(rebuilt.equal.len())));
    }
    let plain = |addresses: &[Address]| addresses.iter().map(ToString::to_string).collect::<Vec<_>>();
    let with = |address: &Address, why: &str| format!("{address}: {}", visible(why));
    for (heading, lines) in [
        ("Different from the config, as the next plan shows:", plain(&rebuilt.different)),
        ("No longer in the config, so that the next plan removes it:", plain(&rebuilt.unwanted)),
        ("Not there, so that the next plan makes it:", plain(&rebuilt.missing)),
        ("Read again by the next plan, from where the config says:", plain(&recovered.external)),
        ("Lost, because its value was in the state alone:", plain(&rebuilt.lost)),
        (
            "Not recovered, because it does not carry this stack's marks:",
            rebuilt.foreign.iter().map(|(address, what)| with(address, what.trim_end_matches(','))).collect(),
        ),
        (
            "Not recovered, because its place did not answer:",
            rebuilt.unreachable.iter().map(|(address, reason)| with(address, reason)).collect(),
        ),
        ("Recorded on the hosts, where nothing carries its marks:", plain(&rebuilt.vanished)),
        ("Not looked at:", recovered.hidden.iter().map(|what| visible(what)).collect()),
    ] {
        section(&mut text, heading, &lines);
    }
    text.push('\n');
    for line in next(recovered) {
        text.push_str(&format!("{line}\n"));
    }
    text
}

fn section(text: &mut String, heading: &str, lines: &[String]) {
    if lines.is_empty() {
        return;
    }
    text.push_str(&format!("\n{heading}\n"));
    for line in lines {
        text.push_str(&format!("  {line}\n"));
    }
}

fn count(resources: usize) -> String {
    format!("{resources} {}", if resources == 1 { "resource" } else { "resources" })
}

fn next(recovered: &Recovered) -> Vec<String> {
    let rebuilt = &recovered.rebuilt;
    let mut lines = vec!["Next: `hactl plan` shows what differs. Nothing on any host was changed.".to_owned()];
    if let Some(first) = rebuilt.lost.first() {
        lines.push(format!(
            "What was made with lost values stays as it is. If the old state turns up, put it back; else make them anew on \
             purpose, as with `hactl apply --replace {first}`, which changes everything that uses it."
        ));
    }
    if !rebuilt.foreign.is_empty() {
        lines.push("What carries no marks can be taken over with `hactl import`, if it is this stack's.".to_owned());
    }
    if !recovered.unreachable.is_empty() {
        let names: Vec<&str> = recovered.unreachable.keys().map(String::as_str).collect();
        lines.push(format!(
            "When {} can be reached again, run `hactl state recover --force` before anything is applied there.",
            names.join(", ")
        ));
    }
    lines
}
