//! What the names in a config's expressions stand for.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use hactl_config::{Config, Inputs, NodeConfig, parse_template_text};
use hactl_core::Address;
use hactl_core::diagnostic::did_you_mean;
use hactl_core::eval::{EvalError, Lookup, ResolvedStep, Scope};
use hactl_core::expr::Expr;
use hactl_core::value::{Map, Value};

use crate::node::FACTS;
use crate::registry;
use crate::uses::Declared;

/// What is known of nodes beyond the config: facts by node, for those that answered. None before any was asked.
pub type Facts<'a> = Option<&'a BTreeMap<String, Map>>;

/// The specs of the instances lowered so far, by address.
pub(crate) type Known = BTreeMap<Address, Arc<Value>>;

/// The names an expression can use: `var`, `node`, `self` and the kinds.
pub(crate) struct Names<'a> {
    pub(crate) config: &'a Config,
    /// The files that expressions can read.
    pub(crate) inputs: &'a Inputs,
    pub(crate) facts: Facts<'a>,
    pub(crate) known: &'a Known,
    /// The instances that are wrong.
    pub(crate) failed: &'a BTreeSet<Address>,
    /// Every declared resource, with the nodes it is on.
    pub(crate) declared: &'a Declared<'a>,
    /// The node that `self` is on; none in outputs.
    pub(crate) node: Option<&'a NodeConfig>,
    /// Set once something was looked up whose value only a mended config decides; what is built with it cannot be
    /// judged.
    pub(crate) unsettled: Cell<bool>,
}

impl Scope for Names<'_> {
    fn lookup(&self, root: &str, steps: &[ResolvedStep]) -> Result<Lookup, EvalError> {
        match root {
            "var" => match name_of(steps) {
                Some(name) if self.config.invalid.contains("var", name) => Ok(self.unsettled(root, steps)),
                _ => self.config.variable_scope().lookup(root, steps),
            },
            "node" => self.node(steps),
            "self" => self.this(steps),
            _ => match registry::kind(root) {
                Some(kind) => self.resource(kind, steps),
                None if self.config.invalid.any(root) => Ok(self.unsettled(root, steps)),
                None => Err(unknown_root(root)),
            },
        }
    }

    fn file(&self, path: &str) -> Result<Value, EvalError> {
        self.inputs.text(path).map(Value::String)
    }

    fn template(&self, path: &str) -> Result<Expr, EvalError> {
        let text = self.inputs.text(path)?;
        parse_template_text(&text).map_err(|error| {
            let line = text.bytes().take(error.at as usize).filter(|byte| *byte == b'\n').count() + 1;
            EvalError::new(format!("{path}:{line}: {}", error.message))
        })
    }
}

impl Names<'_> {
    /// Stands for all that the steps lead to, where what they start from is wrong or not known yet.
    fn unsettled(&self, root: &str, steps: &[ResolvedStep]) -> Lookup {
        self.unsettled.set(true);
        let address = Address::new(root, name_of(steps).unwrap_or_default(), None);
        Lookup { value: Value::deferred(Expr::output(address, ""), false), taken: steps.len() }
    }

    fn node(&self, steps: &[ResolvedStep]) -> Result<Lookup, EvalError> {
        let name = match name_of(steps) {
            Some(name) if self.config.invalid.contains("node", name) => return Ok(self.unsettled("node", steps)),
            Some(name) => name,
            None if self.config.invalid.any("node") => return Ok(self.unsettled("node", steps)),
            None => {
                let all = self.config.nodes.values().map(|node| (node.name.clone(), self.node_value(node))).collect();
                return Ok(Lookup { value: Value::Map(all), taken: 0 });
            }
        };
        let node = self
            .config
            .nodes
            .get(name)
            .ok_or_else(|| unknown("node", name, self.config.nodes.keys().map(String::as_str)))?;
        refuse_facts_key(&format!("node.{name}"), steps)?;
        Ok(Lookup { value: self.node_value(node), taken: 1 })
    }

    fn this(&self, steps: &[ResolvedStep]) -> Result<Lookup, EvalError> {
        let Some(node) = self.node else {
            return Err(EvalError::new("`self` cannot be used here").help("only resources that live on nodes have it"));
        };
        match steps.first() {
            Some(ResolvedStep::Attr(name)) if name == "node" => {
                refuse_facts_key("self.node", steps)?;
                Ok(Lookup { value: self.node_value(node), taken: 1 })
            }
            _ => Err(EvalError::new("`self` has nothing of this name")
                .help("write `self.node.name`, `self.node.address`, …")),
        }
    }

    fn node_value(&self, node: &NodeConfig) -> Value {
        let mut map = Map::from([
            ("name".to_owned(), Value::string(&node.name)),
            ("address".to_owned(), Value::string(&node.connection.address)),
            ("roles".to_owned(), Value::from(node.roles.clone())),
            (
                "labels".to_owned(),
                Value::Map(node.labels.iter().map(|(key, value)| (key.clone(), Value::string(value))).collect()),
            ),
        ]);
        let known = self.facts.and_then(|facts| facts.get(&node.name));
        for fact in FACTS {
            let value = match known {
                Some(known) => known.get(*fact).cloned().unwrap_or(Value::Null),
                // Before a node has answered its facts are known to exist, not what they are.
                None => Value::deferred(Expr::output(node_address(&node.name), fact), false),
            };
            map.insert((*fact).to_owned(), value);
        }
        Value::Map(map)
    }

    fn resource(&self, kind: &registry::Kind, steps: &[ResolvedStep]) -> Result<Lookup, EvalError> {
        let word = kind.section.kind;
        let Some(name) = name_of(steps) else {
            return Err(
                EvalError::new(format!("`{word}` needs the name of a resource")).help(format!("write `{word}.name`"))
            );
        };
        if self.config.invalid.contains(word, name) {
            return Ok(self.unsettled(word, steps));
        }
        let Some(nodes) = self.declared.get(&(word, name)) else {
            let names = self.declared.keys().filter(|(kind, _)| *kind == word).map(|(_, name)| *name);
            return Err(unknown(word, name, names));
        };
        if !kind.section.on_nodes {
            return self.instance(kind, &Address::new(word, name, None), &steps[1..], 1);
        }
        match steps.get(1) {
            Some(ResolvedStep::Splat) => Ok(Lookup {
                value: Value::List(
                    nodes.iter().map(|node| self.whole(kind, &Address::new(word, name, Some(node)))).collect(),
                ),
                taken: 1,
            }),
            Some(ResolvedStep::Index(Value::String(key))) => {
                if !nodes.iter().any(|node| **node == **key) {
                    if self.config.invalid.contains("node", key) {
                        return Ok(self.unsettled(word, steps));
                    }
                    return Err(EvalError::new(format!("{word}.{name} has no instance on `{key}`"))
                        .help(format!("it is on {}", nodes.join(", "))));
                }
                self.instance(kind, &Address::new(word, name, Some(key)), &steps[2..], 2)
            }
            rest => {
                let Some(node) = self.node else {
                    return Err(EvalError::new(format!("which instance of {word}.{name} is meant?")).help(format!(
                        "write {word}.{name}[\"{}\"] or {word}.{name}[*]",
                        nodes.first().map_or("node", String::as_str)
                    )));
                };
                if !nodes.contains(&node.name) {
                    return Err(EvalError::new(format!(
                        "{word}.{name} has no instance on `{}`, where this one is",
                        node.name
                    ))
                    .help(format!(
                        "it is on {}; name one with {word}.{name}[\"…\"], or declare it on the same nodes",
                        nodes.join(", ")
                    )));
                }
                let rest = if rest.is_some() { &steps[1..] } else { &[] };
                self.instance(kind, &Address::new(word, name, Some(&node.name)), rest, 1)
            }
        }
    }

    fn instance(
        &self,
        kind: &registry::Kind,
        address: &Address,
        rest: &[ResolvedStep],
        taken: usize,
    ) -> Result<Lookup, EvalError> {
        let attribute = match rest.first() {
            Some(ResolvedStep::Attr(attribute)) => attribute.as_str(),
            Some(ResolvedStep::Index(Value::String(attribute))) if !kind.section.on_nodes => attribute,
            _ => return Ok(Lookup { value: self.whole(kind, address), taken }),
        };
        let spec = self.known.get(address);
        if self.failed.contains(address) {
            self.unsettled.set(true);
        }
        let derived = spec.map(|spec| (kind.derived)(address, spec)).unwrap_or_default();
        let shown = spec.filter(|_| kind.shows_spec);
        let value = match shown.and_then(|spec| spec.get(attribute)).or_else(|| derived.get(attribute)) {
            Some(value) => value.clone(),
            None if kind.outputs.contains(&attribute) => {
                Value::deferred(Expr::output(address.clone(), attribute), false)
            }
            // A resource that is itself wrong is reported where it is declared.
            None if spec.is_none() => Value::deferred(Expr::output(address.clone(), attribute), false),
            None => {
                let names = shown
                    .and_then(|spec| spec.as_map())
                    .into_iter()
                    .flat_map(|map| map.keys().map(String::as_str))
                    .chain(derived.keys().map(String::as_str))
                    .chain(kind.outputs.iter().copied());
                let longer = format!("{attribute}.");
                let dotted = derived.keys().find(|name| name.starts_with(&longer));
                let mut error = unknown("attribute", attribute, names);
                if let Some(name) = dotted {
                    error = error.help(format!("write `{}[\"{name}\"]`: its name has a dot", address.resource()));
                }
                error.message = format!("{} has no attribute `{attribute}`", address.resource());
                return Err(error);
            }
        };
        Ok(Lookup { value, taken: taken + 1 })
    }

    fn whole(&self, kind: &registry::Kind, address: &Address) -> Value {
        if self.failed.contains(address) {
            self.unsettled.set(true);
            return Value::deferred(Expr::output(address.clone(), ""), false);
        }
        let spec = self.known.get(address);
        let shown = spec.filter(|_| kind.shows_spec);
        let mut map = shown.and_then(|spec| spec.as_map()).cloned().unwrap_or_default();
        map.extend(spec.map(|spec| (kind.derived)(address, spec)).unwrap_or_default());
        for output in kind.outputs {
            map.insert((*output).to_owned(), Value::deferred(Expr::output(address.clone(), output), false));
        }
        Value::Map(map)
    }
}

/// The name that follows a root: `web` in `container.web` and `container["web"]`.
fn name_of(steps: &[ResolvedStep]) -> Option<&str> {
    match steps.first()? {
        ResolvedStep::Attr(name) => Some(name),
        ResolvedStep::Index(Value::String(name)) => Some(name),
        _ => None,
    }
}

/// Facts stand beside a node's name and address; refuses the one key under which they might be looked for.
fn refuse_facts_key(node: &str, steps: &[ResolvedStep]) -> Result<(), EvalError> {
    match steps.get(1) {
        Some(ResolvedStep::Attr(name)) if name == "facts" => {
            let fact = match steps.get(2) {
                Some(ResolvedStep::Attr(fact)) if FACTS.contains(&fact.as_str()) => fact,
                _ => FACTS[0],
            };
            Err(EvalError::new(format!("`{node}` has no key `facts`")).help(format!("write `{node}.{fact}`")))
        }
        _ => Ok(()),
    }
}

/// The address under which a node's facts are known.
pub(crate) fn node_address(name: &str) -> Address {
    Address::new("node", "facts", Some(name))
}

fn unknown<'n>(what: &str, name: &str, names: impl Iterator<Item = &'n str>) -> EvalError {
    let names: Vec<&str> = names.collect();
    let help = match did_you_mean(name, names.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None if names.is_empty() => "there is none".to_owned(),
        None => format!("there are: {}", names.iter().take(12).copied().collect::<Vec<_>>().join(", ")),
    };
    EvalError::new(format!("there is no {what} `{name}`")).help(help)
}

fn unknown_root(root: &str) -> EvalError {
    let roots = ["var", "node", "self"].into_iter().chain(registry::KINDS.iter().map(|kind| kind.section.kind));
    let names: Vec<&str> = roots.collect();
    let is_shell = root.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_');
    let help = match did_you_mean(root, names.iter().copied()) {
        _ if is_shell => format!("where it is for a shell or another program, write `$${{{root}}}`"),
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("names start with one of {}; a literal ${{ is written $${{", names.join(", ")),
    };
    EvalError::new(format!("there is no `{root}`")).help(help)
}
