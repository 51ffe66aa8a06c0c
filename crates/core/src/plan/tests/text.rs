//! Configs and plans as text.
//!
//! One line is one resource: `box.web@n1 image=a port=80 >page.site@n1! +gated`. `@n1` is the instance on node n1;
//! `>` is a dependency, `!` one that notifies, `~` one that binds, `^` one that carries; `$name` is a sensitive variable and
//! `$box.db@n1.id` an output; `+` sets what is no part of the spec. `moved FROM TO` and `removed ADDRESS` are what they say.

use std::fmt::Write as _;

use super::*;
use crate::diff::display_path;
use crate::expr::Expr;

/// An address from `kind.name@node`.
pub(super) fn address(text: &str) -> Address {
    let (path, key) = text.split_once('@').map_or((text, None), |(path, key)| (path, Some(key)));
    let (kind, name) = path.split_once('.').unwrap();
    Address::new(kind, name, key)
}

/// A value from one word.
pub(super) fn value(word: &str) -> Value {
    match word.strip_prefix('$') {
        Some(source) => match source.rsplit_once('.') {
            Some((of, output)) => Value::deferred(Expr::output(address(of), output), false),
            None => Value::deferred(Expr::variable(source), true),
        },
        None => word.parse::<i64>().map_or_else(|_| Value::from(word), Value::Int),
    }
}

pub(super) fn desired(text: &str) -> Desired {
    let mut desired = Desired::default();
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        if let Some((from, to)) = line.strip_prefix("moved ").and_then(|rest| rest.split_once(' ')) {
            desired.moves.push(Move { from: address(from), to: address(to.trim()), span: None, to_span: None });
            continue;
        }
        if let Some(removed) = line.strip_prefix("removed ") {
            desired.removed.push(Removal { address: address(removed), span: None });
            continue;
        }
        match line.strip_prefix("output ").and_then(|rest| rest.split_once('=')) {
            Some((name, word)) => {
                desired.outputs.insert(name.to_owned(), value(word));
            }
            None => desired.resources.push(resource(line)),
        }
    }
    desired
}

fn resource(line: &str) -> Resource {
    let mut words = line.split_whitespace();
    let address = address(words.next().unwrap());
    let mut resource = Resource {
        node: address.key().map(Into::into),
        address,
        spec: Arc::new(Value::Null),
        dependencies: Vec::new(),
        protect: false,
        ignore_changes: Arc::new([]),
        adopt: false,
        rollout: None,
        gated: false,
        span: None,
    };
    let mut spec = Map::new();
    for word in words {
        if let Some(on) = word.strip_prefix('>') {
            let (notify, binds, carries) = (on.ends_with('!'), on.ends_with('~'), on.ends_with('^'));
            let on = self::address(on.trim_end_matches(['!', '~', '^']));
            resource.dependencies.push(Dependency { on, notify, binds, carries });
        } else if let Some(flag) = word.strip_prefix('+') {
            match flag.split_once(':') {
                None if flag == "protect" => resource.protect = true,
                None if flag == "adopt" => resource.adopt = true,
                None if flag == "gated" => resource.gated = true,
                Some(("ignore", path)) => resource.ignore_changes = Arc::new([path.to_owned()]),
                Some(("rollout", most)) => {
                    resource.rollout = Some(Rollout { max_unavailable: most.parse().unwrap(), rollback: true });
                }
                _ => panic!("no such flag: {word}"),
            }
        } else {
            let (key, word) = word.split_once('=').unwrap();
            spec.insert(key.to_owned(), value(word));
        }
    }
    resource.spec = Arc::new(Value::Map(spec));
    resource
}

/// A plan, or why there is none: changes that do nothing left out.
pub(super) fn table(plan: &Result<Plan, Vec<Diagnostic>>) -> String {
    let plan = match plan {
        Ok(plan) => plan,
        Err(diagnostics) => {
            let lines = diagnostics.iter().map(|diagnostic| {
                let help = diagnostic.help.as_deref().unwrap_or_default();
                [&diagnostic.summary, &diagnostic.detail, help]
                    .map(String::from)
                    .into_iter()
                    .filter(|t| !t.is_empty())
                    .collect::<Vec<_>>()
                    .join("\n  ")
            });
            return lines.collect::<Vec<_>>().join("\n");
        }
    };
    let mut text = String::new();
    for change in &plan.changes {
        line(change, &mut text);
    }
    for (name, output) in plan.outputs.iter().filter(|(_, output)| output.is_change()) {
        let side = |value: &Option<Value>| value.as_ref().map_or("-".to_owned(), |value| format!("{value:?}"));
        writeln!(text, "output {name}: {} -> {}", side(&output.before), side(&output.after)).unwrap();
    }
    for address in &plan.uncompared {
        writeln!(text, "not compared {address}").unwrap();
    }
    for address in &plan.lost {
        writeln!(text, "lost {address}").unwrap();
    }
    for address in &plan.postponed {
        writeln!(text, "postponed {address}").unwrap();
    }
    for address in &plan.left_out {
        writeln!(text, "left out {address}").unwrap();
    }
    for (number, step) in plan.steps.iter().enumerate() {
        let what = step
            .task
            .map_or("barrier".to_owned(), |task| format!("{:?} {}", task.operation, plan.change(task).address));
        let (operation, rest) = what.split_once(' ').unwrap_or((&what, ""));
        write!(text, "{number} {} {rest}", operation.to_lowercase()).unwrap();
        for (at, edge) in step.after.iter().enumerate() {
            let word = if at == 0 { " after" } else { "" };
            let when = match edge.when {
                When::Success => "",
                When::Failure => "(failure)",
                When::Always => "(always)",
            };
            write!(text, "{word} {}{when}", edge.step).unwrap();
        }
        text.push('\n');
    }
    if text.is_empty() { "nothing to do".to_owned() } else { text }
}

fn line(change: &Change, text: &mut String) {
    if change.action == Action::NoOp && !change.record {
        return;
    }
    let record = match (&change.adopts, change.record) {
        (Some(adopted), _) => format!(" (adopts {})", adopted.id),
        (None, true) => " (record)".to_owned(),
        (None, false) => String::new(),
    };
    write!(text, "{} {}{record}", format!("{:?}", change.action).to_lowercase(), change.address).unwrap();
    if let Some(previous) = &change.previous_address {
        write!(text, " (was {previous})").unwrap();
    }
    let paths: Vec<String> = change
        .paths
        .iter()
        .map(|path| {
            let forces = if path.forces_replacement { "!" } else { "" };
            let drifted = if path.drifted { " drifted" } else { "" };
            format!("{}{forces}{drifted}", display_path(&path.path))
        })
        .collect();
    if !paths.is_empty() {
        write!(text, " [{}]", paths.join(", ")).unwrap();
    }
    if !change.remakes.is_empty() {
        write!(text, " makes {} anew", change.remakes.join(", ")).unwrap();
    }
    if let Some(wave) = change.wave {
        write!(text, " wave {}", wave.number).unwrap();
    }
    if !change.reasons.is_empty() {
        let reasons: Vec<String> = change.reasons.iter().map(|reason| format!("{reason:?}")).collect();
        write!(text, " because {}", reasons.join(", ")).unwrap();
    }
    text.push('\n');
}
