//! What is wrong with what a config says moved, or is no longer managed.

use std::collections::BTreeSet;

use hactl_config::Config;
use hactl_core::Address;
use hactl_core::diagnostic::{Diagnostic, Span, did_you_mean};
use hactl_core::moves::{Move, Removal};

use crate::lower::declared_as;
use crate::registry::{self, KINDS};

/// Checks `moved` and `removed` of a config against what it declares. `wanted` are its instances; none where not all of
/// them are known.
pub(crate) fn check(config: &Config, wanted: Option<&BTreeSet<&Address>>) -> Vec<Diagnostic> {
    let mut check = Check { config, wanted, diagnostics: Vec::new() };
    let mut seen: Vec<(&Address, Option<Span>)> = Vec::new();
    let moves = config.moved.iter().map(|one| (&one.from, one.span));
    for (from, span) in moves.chain(config.removed.iter().map(|one| (&one.address, one.span))) {
        match seen.iter().find(|(other, _)| *other == from) {
            Some((_, first)) => check.twice(from, span, *first),
            None => check.gone(from, span),
        }
        seen.push((from, span));
    }
    for one in &config.moved {
        check.moves(one);
    }
    for one in &config.removed {
        check.removal(one);
    }
    check.diagnostics
}

/// Why what has one address cannot have another one, and what to do; none where it can.
pub fn why_not_move(from: &Address, to: &Address) -> Option<(String, &'static str)> {
    let whole = |address: &Address| address.key().is_none();
    let is_one_object = |address: &Address| match address.kind() {
        "manifest" => !whole(address),
        "ingress" => whole(address),
        _ => false,
    };
    for address in [from, to] {
        if address.name().contains('.') {
            let (kind, name) = declared_as(address);
            return Some((
                format!("{address} is a part of {kind}.{name}"),
                "name the resource as a whole: its parts move with it",
            ));
        }
        if registry::kind(address.kind()).is_none() {
            return Some((
                format!("{address} is nothing that a config declares"),
                "networks and volumes have the names that containers give them, and cannot move",
            ));
        }
    }
    let what = if from == to {
        ("the two addresses are the same".to_owned(), "name the address that it is to have")
    } else if from.kind() != to.kind() && !(is_one_object(from) && is_one_object(to)) {
        (
            format!("a {} cannot become a {}", from.kind(), to.kind()),
            "what is of another kind is made anew; only an object moves, as from `manifest.a[\"Ingress/shop/web\"]` to `ingress.web`",
        )
    } else if from.kind() == to.kind() && whole(from) != whole(to) {
        (
            format!("{from} and {to} are not of the same form"),
            "both name a resource, or both name one instance, as in `container.web[\"node1\"]`",
        )
    } else {
        return None;
    };
    Some(what)
}

struct Check<'a> {
    config: &'a Config,
    wanted: Option<&'a BTreeSet<&'a Address>>,
    diagnostics: Vec<Diagnostic>,
}

impl Check<'_> {
    fn add(&mut self, span: Option<Span>, summary: String, help: impl Into<String>) {
        let diagnostic = Diagnostic::error(summary).help(help);
        self.diagnostics.push(match span {
            Some(span) => diagnostic.at(span),
            None => diagnostic,
        });
    }

    fn twice(&mut self, from: &Address, span: Option<Span>, first: Option<Span>) {
        self.add(span, format!("{from} is said to have moved, or to be removed, twice"), "keep one of the two");
        if let (Some(first), Some(diagnostic)) = (first, self.diagnostics.last_mut()) {
            *diagnostic = diagnostic.clone().label(first, "first here");
        }
    }

    /// What moved or is no longer managed is not in the config any more.
    fn gone(&mut self, from: &Address, span: Option<Span>) {
        let still = match (from.key(), self.wanted) {
            (None, _) => self.is_declared(from),
            (Some(_), Some(wanted)) => wanted.contains(from),
            (Some(_), None) => false,
        };
        if still {
            self.add(
                span,
                format!("{from} is in the config still"),
                "an address that something else has now cannot be that of what moved; take one of the two out",
            );
        }
    }

    fn moves(&mut self, one: &Move) {
        let Move { from, to, span, to_span } = one;
        if let Some((what, help)) = why_not_move(from, to) {
            return self.add(*span, what, help);
        }
        let mut here = to;
        let mut steps = 0;
        while let Some(next) = self.config.moved.iter().find(|next| next.from == *here) {
            (here, steps) = (&next.to, steps + 1);
            if here == to || steps > self.config.moved.len() {
                return self.add(*span, format!("{from} moves in a circle"), "take one of these moves out");
            }
        }
        let moves_on = steps > 0 || self.config.removed.iter().any(|removal| to.is_of(&removal.address));
        if !moves_on {
            self.is_there(to, *to_span);
        }
    }

    /// Where something moves to is in the config.
    fn is_there(&mut self, to: &Address, span: Option<Span>) {
        let (kind, name) = declared_as(to);
        if self.config.invalid.contains(kind, name) {
            return;
        }
        if !self.is_declared(to) {
            let declared: Vec<String> =
                self.config.declarations.iter().map(|one| format!("{}.{}", one.kind, one.name)).collect();
            let near = did_you_mean(to.resource(), declared.iter().map(String::as_str));
            let help = match near {
                Some(near) => format!("did you mean `{near}`?"),
                None => "declare it, or take the entry out: without it, what is no longer in the config is destroyed"
                    .to_owned(),
            };
            self.add(span, format!("there is no resource {}", to.resource()), help);
        } else if to.key().is_some() && self.wanted.is_some_and(|wanted| !wanted.contains(to)) {
            let instances = self.wanted.into_iter().flatten().filter(|one| one.resource() == to.resource());
            let near = did_you_mean(to.as_str(), instances.map(|one| one.as_str()))
                .map(|near| format!("did you mean `{near}`?"));
            let help = near.unwrap_or_else(|| "name one that the config wants".to_owned());
            self.add(span, format!("there is no instance {to}"), help);
        }
    }

    fn removal(&mut self, one: &Removal) {
        let Removal { address, span } = one;
        let (kind, name) = declared_as(address);
        if address.name().contains('.') {
            self.add(
                *span,
                format!("{address} is a part of {kind}.{name}"),
                format!("remove {kind}.{name} as a whole"),
            );
        } else if kind == "secret" {
            self.add(
                *span,
                format!("{address} is in the state alone: taken out of it, it would be lost"),
                "take it out of the config without `removed`, if it is to be destroyed",
            );
        } else if registry::kind(kind).is_none() {
            let near = did_you_mean(kind, KINDS.iter().map(|kind| kind.section.kind));
            let help = match near {
                Some(near) => format!("did you mean `{near}.{name}`?"),
                None => "name a resource that the config declared before, as in `container.web`".to_owned(),
            };
            self.add(*span, format!("{address} is nothing that a config declares"), help);
        }
    }

    fn is_declared(&self, address: &Address) -> bool {
        let (kind, name) = declared_as(address);
        self.config.declarations.iter().any(|one| one.kind == kind && one.name == name)
    }
}
