//! What is deleted together with an object: all that is in a namespace, all objects of a type.

use hactl_core::Address;
use hactl_core::cluster::CLUSTER;
use hactl_core::diagnostic::Diagnostic;
use hactl_core::plan::{Action, Change, Plan};
use hactl_core::value::Value;

/// The most names in a message.
const SHOWN: usize = 5;

/// What a plan would delete on a cluster without saying so: what the config still has is an error, what else is there a
/// warning.
pub fn what_goes_along(plan: &Plan) -> Vec<Diagnostic> {
    let on_cluster = || plan.changes.iter().filter(|change| change.node.as_deref() == Some(CLUSTER));
    let ending = on_cluster().filter(|change| matches!(change.action, Action::Delete | Action::Replace));
    let found = ending.filter_map(|change| {
        let end = End::of(change.before.as_deref()?)?;
        let stays = |other: &&Change| {
            let comes_after = other.action == Action::Create && change.action == Action::Replace;
            let goes = matches!(other.action, Action::Delete | Action::Forget);
            other.address != change.address && !goes && !comes_after
        };
        let taken =
            on_cluster().filter(stays).filter(|other| other.after.as_deref().is_some_and(|spec| end.takes(spec)));
        let taken: Vec<&Address> = taken.map(|other| &other.address).collect();
        let is_same = |other: &&Change| other.after.as_deref().and_then(End::of).as_ref() == Some(&end);
        if let Some(moved) = on_cluster().filter(stays).find(is_same) {
            return Some(End::refusal_to_move(&change.address, &moved.address));
        }
        Some(if taken.is_empty() { end.warning(&change.address) } else { end.refusal(&change.address, &taken) })
    });
    found.collect()
}

/// An object that does not go alone.
#[derive(PartialEq)]
enum End<'a> {
    Namespace { name: &'a str },
    Type { group: &'a str, kind: &'a str },
}

impl<'a> End<'a> {
    fn of(spec: &'a Value) -> Option<Self> {
        match text(spec, &["kind"])? {
            "Namespace" => Some(Self::Namespace { name: text(spec, &["metadata", "name"])? }),
            "CustomResourceDefinition" => Some(Self::Type {
                group: text(spec, &["spec", "group"])?,
                kind: text(spec, &["spec", "names", "kind"])?,
            }),
            _ => None,
        }
    }

    /// Whether an object, or a change of one, goes with it.
    fn takes(&self, spec: &Value) -> bool {
        match self {
            Self::Namespace { name } => {
                let namespaces = [text(spec, &["metadata", "namespace"]), text(spec, &["workload", "namespace"])];
                namespaces.contains(&Some(name))
            }
            Self::Type { group, kind } => {
                let own_group = text(spec, &["apiVersion"]).and_then(|version| version.split_once('/'));
                text(spec, &["kind"]) == Some(kind) && own_group.is_some_and(|(own, _)| own == *group)
            }
        }
    }

    fn refusal_to_move(address: &Address, to: &Address) -> Diagnostic {
        let (from, into) = (address.resource(), to.resource());
        Diagnostic::error(format!(
            "{address} cannot become {to}: it would be deleted first, with all that goes with it"
        ))
        .about(to.as_str())
        .help(format!("leave it in {from}; what else is in there can go to {into}"))
    }

    fn refusal(&self, address: &Address, taken: &[&Address]) -> Diagnostic {
        let mut names: Vec<String> = taken.iter().take(SHOWN).map(ToString::to_string).collect();
        if taken.len() > SHOWN {
            names.push(format!("and {} more", taken.len() - SHOWN));
        }
        let with = match self {
            Self::Namespace { name } => {
                format!("the namespace {name} is no longer in the config, and what is in it is")
            }
            Self::Type { kind, .. } => format!("the type {kind} is no longer in the config, and objects of it are"),
        };
        Diagnostic::error(format!("{address} cannot be deleted: {with}"))
            .about(address.as_str())
            .detail(names.join("\n"))
            .help("keep it in a manifest, or take these out as well")
    }

    fn warning(&self, address: &Address) -> Diagnostic {
        let what = match self {
            Self::Namespace { name } => format!("everything in the namespace {name}"),
            Self::Type { kind, .. } => format!("every {kind} of the cluster"),
        };
        Diagnostic::warning(format!("{address} is deleted, and with it {what}, also what hactl did not make"))
            .about(address.as_str())
    }
}

fn text<'a>(spec: &'a Value, path: &[&str]) -> Option<&'a str> {
    path.iter().try_fold(spec, |value, key| value.get(key))?.as_str()
}
