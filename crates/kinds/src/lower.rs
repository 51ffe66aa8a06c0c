//! Lowering: from a checked config to the resources it wants, one instance per node.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use hactl_config::{
    Config, Declaration, Format, Inputs, Invalid, Reference, Schema, evaluate, expression_span, references, validate,
};
use hactl_core::Address;
use hactl_core::cluster::CLUSTER;
use hactl_core::diagnostic::{Diagnostic, Span, did_you_mean};
use hactl_core::expr::{Expr, Traversal};

use hactl_core::graph::Graph;
use hactl_core::plan::{Desired, clashes};
use hactl_core::resource::{Dependency, Resource};
use hactl_core::value::{Map, Value};
use indexmap::IndexMap;

use crate::registry::{self, Draft, Kind, Lowered, RULES};
use crate::scope::{Facts, Known, Names};
use crate::uses::{Declared, Use, named_by, resource_of, uses_of, waits_for_facts};
use crate::{manifest, moves, secret};

/// Lowers a config. Facts are those of the nodes that answered; without any, what depends on facts stays deferred.
///
/// # Errors
/// Everything that is wrong, with its place.
pub fn lower(config: &Config, facts: Facts<'_>) -> Result<Desired, Vec<Diagnostic>> {
    lower_with_warnings(config, facts).map(|(desired, _)| desired)
}

/// Lowers a config as [`lower`] does, and says what the user should know though nothing is wrong.
///
/// # Errors
/// As [`lower`], the warnings among what is wrong.
pub fn lower_with_warnings(config: &Config, facts: Facts<'_>) -> Result<(Desired, Vec<Diagnostic>), Vec<Diagnostic>> {
    let mut lowering = Lowering::new(config, facts);
    let outputs = lowering.run();
    if lowering.diagnostics.iter().any(Diagnostic::is_error) {
        return Err(lowering.diagnostics);
    }
    let desired = Desired {
        resources: lowering.resources,
        outputs,
        variables: config
            .variables
            .iter()
            .map(|(name, variable)| {
                let value = if variable.sensitive {
                    Value::deferred(hactl_core::expr::Expr::variable(name), true)
                } else {
                    variable.value.clone()
                };
                (name.clone(), value)
            })
            .collect(),
        nodes: config.nodes.values().map(|node| (node.name.clone(), node.connection.clone())).collect(),
        cluster: config.kubernetes.as_ref().map(|kubernetes| kubernetes.connection.clone()),
        registries: config.registries.iter().map(|(name, registry)| (name.clone(), registry.login.clone())).collect(),
        moves: config.moved.clone(),
        removed: config.removed.clone(),
        ..Desired::default()
    };
    Ok((desired, lowering.diagnostics))
}

/// The most circles of resources that are reported.
const MAX_CIRCLES: usize = 20;

/// A lowering on its way.
pub(crate) struct Lowering<'a> {
    config: &'a Config,
    /// The files that secrets read with `file()`: their digests are not to be known.
    private_inputs: Inputs,
    facts: Facts<'a>,
    /// Whether facts are still to come, so that what depends on them is not judged.
    pub(crate) before_facts: bool,
    declared: Declared<'a>,
    positions: IndexMap<(&'a str, &'a str), usize>,
    schemas: BTreeMap<&'static str, Schema>,
    known: Known,
    /// Instances that are wrong, which is reported: what refers to them is not judged.
    failed: BTreeSet<Address>,
    resources: Vec<Resource>,
    /// Networks and volumes that containers name.
    implied: BTreeMap<Address, (Arc<Value>, Span)>,
    pub(crate) diagnostics: Vec<Diagnostic>,
}

impl<'a> Lowering<'a> {
    pub(crate) fn new(config: &'a Config, facts: Facts<'a>) -> Self {
        let declarations = || config.declarations.iter();
        Self {
            config,
            private_inputs: Inputs::new(&config.directory),
            facts,
            before_facts: false,
            declared: declarations()
                .map(|declaration| ((declaration.kind, declaration.name.as_str()), &*declaration.selector))
                .collect(),
            positions: declarations()
                .enumerate()
                .map(|(position, declaration)| ((declaration.kind, declaration.name.as_str()), position))
                .collect(),
            schemas: registry::KINDS
                .iter()
                .filter(|kind| kind.validates)
                .map(|kind| (kind.section.kind, Schema::new(&(kind.section.schema)(), kind.section.formats)))
                .collect(),
            known: Known::new(),
            failed: BTreeSet::new(),
            resources: Vec::new(),
            implied: BTreeMap::new(),
            diagnostics: Vec::new(),
        }
    }

    /// Lowers everything and returns the outputs; all that is wrong is in the diagnostics then.
    pub(crate) fn run(&mut self) -> Map {
        let (order, circular) = self.order();
        for position in order {
            let declaration = &self.config.declarations[position];
            let is_wrong =
                circular.contains(&position) || self.config.invalid.contains(declaration.kind, &declaration.name);
            if is_wrong {
                self.references_of_wrong(declaration);
            } else {
                self.declaration(declaration);
            }
        }
        manifest::order(&mut self.resources);
        self.diagnostics.extend(clashes(&self.resources, RULES));
        self.refuse_objects_without_cluster();
        self.refuse_unknown_carriers();
        let outputs = self.outputs();
        self.check_moves();
        outputs
    }

    /// The declarations, each after what it refers to, and those of them that need each other in a circle, which is
    /// reported.
    fn order(&mut self) -> (Vec<usize>, BTreeSet<usize>) {
        let mut places = self.needs();
        let mut circular = BTreeSet::new();
        for _ in 0..MAX_CIRCLES {
            match graph_of(self.config.declarations.len(), &places).order() {
                Ok(order) => return (order, circular),
                Err(cycle) => {
                    let circle = self.circle(&cycle, &places);
                    self.diagnostics.push(circle);
                    for (at, first) in cycle.iter().enumerate() {
                        places.remove(&(*first, cycle[(at + 1) % cycle.len()]));
                    }
                    circular.extend(cycle);
                }
            }
        }
        // What is still circular is left to the next run.
        (Vec::new(), circular)
    }

    /// Which declaration comes before which other, and where it is said so.
    fn needs(&mut self) -> BTreeMap<(usize, usize), Span> {
        let declarations = &self.config.declarations;
        let mut places: BTreeMap<(usize, usize), Span> = BTreeMap::new();
        for (position, declaration) in declarations.iter().enumerate() {
            let mut edges: Vec<(usize, Span)> = self
                .references(declaration)
                .iter()
                .filter_map(|reference| Some((self.position(reference.traversal)?, self.place(reference))))
                .collect();
            for (kind, name, span) in named_by(declaration) {
                edges.extend(self.positions.get(&(kind, name)).map(|first| (*first, span)));
            }
            for (address, span) in &declaration.depends_on {
                match self.positions.get(&declared_as(address)) {
                    Some(first) => edges.push((*first, *span)),
                    None if self.config.invalid.contains(address.kind(), declared_as(address).1) => {}
                    None => self.diagnostics.push(self.unknown_dependency(address, *span)),
                }
            }
            for (first, place) in edges {
                places.entry((first, position)).or_insert(place);
            }
        }
        places
    }

    /// Every name that a declaration uses, those in the objects of a manifest included.
    fn references(&self, declaration: &'a Declaration) -> Vec<Reference<'a>> {
        let mut found = references(&declaration.body);
        if declaration.kind == "manifest" {
            let documents = self.config.documents.get(&declaration.name).into_iter().flatten();
            found.extend(documents.flat_map(|document| references(&document.node)));
        }
        found
    }

    fn position(&self, traversal: &Traversal) -> Option<usize> {
        let (kind, name) = resource_of(traversal)?;
        self.positions.get(&(kind, name)).copied()
    }

    fn place(&self, reference: &Reference<'_>) -> Span {
        expression_span(reference.scalar, self.config.sources.text(reference.scalar.source), reference.at)
    }

    fn unknown_dependency(&self, address: &Address, span: Span) -> Diagnostic {
        let known: Vec<String> = self.declared.keys().map(|(kind, name)| format!("{kind}.{name}")).collect();
        let diagnostic = Diagnostic::error(format!("there is no resource {}", address.resource())).at(span);
        match did_you_mean(address.resource(), known.iter().map(String::as_str)) {
            Some(near) => diagnostic.help(format!("did you mean `{near}`?")),
            None => diagnostic.help("`dependsOn` names resources of this config, as in `file.site`"),
        }
    }

    fn circle(&self, cycle: &[usize], places: &BTreeMap<(usize, usize), Span>) -> Diagnostic {
        let name = |position: usize| {
            let declaration = &self.config.declarations[position];
            format!("{}.{}", declaration.kind, declaration.name)
        };
        let mut names: Vec<String> = cycle.iter().map(|position| name(*position)).collect();
        names.extend(names.first().cloned());
        let mut diagnostic = Diagnostic::error("resources need each other in a circle")
            .detail(format!("each of these comes before the next: {}", names.join(" -> ")))
            .help("take one of these references or `dependsOn` entries out");
        for (at, first) in cycle.iter().enumerate() {
            let then = cycle[(at + 1) % cycle.len()];
            if let Some(span) = places.get(&(*first, then)) {
                diagnostic = diagnostic.label(*span, format!("{} needs {}", name(then), name(*first)));
            }
        }
        diagnostic
    }

    fn declaration(&mut self, declaration: &'a Declaration) {
        let Some(kind) = registry::kind(declaration.kind) else { return };
        let before = self.diagnostics.len();
        self.ignored_paths(kind, declaration);
        let same_everywhere = !declaration.body.has_templates() && !(kind.per_node)(&declaration.body);
        let mut shared: Option<Option<Lowered>> = None;
        let uses = uses_of(declaration, self.config, &self.declared);
        for node in placements(kind, declaration) {
            let lowered = match &shared {
                Some(lowered) => lowered.clone(),
                None => self.instance(kind, declaration, node),
            };
            if same_everywhere && shared.is_none() {
                shared = Some(lowered.clone());
            }
            match lowered {
                Some(lowered) => self.add(declaration, node, &lowered, &uses),
                None => {
                    self.failed.insert(Address::new(declaration.kind, &declaration.name, node));
                }
            }
        }
        self.report_once(declaration, before);
    }

    /// Reports paths in `ignoreChanges` that lead nowhere: they would let through what was to be ignored.
    fn ignored_paths(&mut self, kind: &Kind, declaration: &Declaration) {
        if declaration.ignore_changes.is_empty() {
            return;
        }
        // What objects have is for their server to say.
        if kind.composite {
            return;
        }
        let schema = (kind.section.schema)();
        let fields = schema.get("properties").and_then(|properties| properties.as_object());
        let names: Vec<&str> = fields.into_iter().flat_map(|fields| fields.keys().map(String::as_str)).collect();
        for path in declaration.ignore_changes.iter() {
            let first = path.split('.').next().unwrap_or_default();
            if kind.section.kind == "secret" && matches!(first, "data" | "import") {
                self.diagnostics.push(
                    Diagnostic::error(format!("`ignoreChanges` names `{path}`: what comes from elsewhere is not kept"))
                        .at(declaration.span)
                        .help("only what is generated can be left as it is, as in `generate`"),
                );
                continue;
            }
            if names.contains(&first) {
                continue;
            }
            let help = match did_you_mean(first, names.iter().copied()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => "it takes dotted paths into the resource, as in `env.TOKEN`".to_owned(),
            };
            let word = kind.section.kind;
            self.diagnostics.push(
                Diagnostic::error(format!("`ignoreChanges` names `{path}`, but a {word} has no `{first}`"))
                    .at(declaration.span)
                    .help(help),
            );
        }
    }

    /// Finds what else is wrong with the expressions of a declaration that is wrong already.
    fn references_of_wrong(&mut self, declaration: &'a Declaration) {
        let Some(kind) = registry::kind(declaration.kind) else { return };
        let before = self.diagnostics.len();
        let mut nodes = placements(kind, declaration);
        if nodes.is_empty() {
            nodes.extend(self.config.nodes.keys().take(1).map(|node| Some(node.as_str())));
        }
        for node in nodes {
            let mut diagnostics = Vec::new();
            evaluate(&declaration.body, &self.names_of(kind, node), &self.config.sources, &mut diagnostics);
            self.diagnostics.extend(diagnostics);
            self.failed.insert(Address::new(declaration.kind, &declaration.name, node));
        }
        self.report_once(declaration, before);
    }

    /// What is wrong on one node is mostly wrong on all: says it once.
    fn report_once(&mut self, declaration: &Declaration, before: usize) {
        let mut seen: Vec<Diagnostic> = Vec::new();
        let reported = self.diagnostics.split_off(before);
        for mut diagnostic in reported {
            diagnostic.subject.get_or_insert_with(|| format!("{}.{}", declaration.kind, declaration.name));
            if !seen.contains(&diagnostic) {
                seen.push(diagnostic);
            }
        }
        self.diagnostics.extend(seen);
    }

    /// Evaluates and lowers what a declaration says for one node.
    fn instance(&mut self, kind: &Kind, declaration: &Declaration, node: Option<&str>) -> Option<Lowered> {
        let mut diagnostics = Vec::new();
        let names = self.names_of(kind, node);
        let templates = declaration.body.has_templates();
        let evaluated;
        let body = if templates {
            evaluated = evaluate(&declaration.body, &names, &self.config.sources, &mut diagnostics);
            if let Some(schema) = self.schemas.get(declaration.kind) {
                validate(&evaluated, declaration.span, schema, &mut diagnostics);
            }
            &evaluated
        } else {
            &declaration.body
        };
        if self.before_facts && templates && waits_for_facts(&body.to_value()) {
            names.unsettled.set(true);
        }
        let lowered = if diagnostics.is_empty() && !names.unsettled.get() {
            let draft = Draft {
                name: &declaration.name,
                span: declaration.span,
                body,
                written: &declaration.body,
                scope: &names,
                config: self.config,
                known: &self.known,
                declared: &self.declared,
                selector: &declaration.selector,
                adopt: declaration.adopt.then_some(declaration.adopt_span),
            };
            (kind.lower)(&draft, &mut diagnostics)
        } else {
            None
        };
        let lowered = lowered.filter(|_| !names.unsettled.get());
        self.diagnostics.extend(diagnostics);
        lowered
    }

    /// The names that expressions of an instance of a kind can use.
    fn names_of(&self, kind: &Kind, node: Option<&str>) -> Names<'_> {
        let is_secret = kind.section.kind == secret::KIND.section.kind;
        let inputs = if is_secret { &self.private_inputs } else { &self.config.inputs };
        Names { inputs, ..self.names(node) }
    }

    /// The names that expressions on a node can use, or those of outputs.
    fn names(&self, node: Option<&str>) -> Names<'_> {
        Names {
            config: self.config,
            inputs: &self.config.inputs,
            facts: self.facts,
            known: &self.known,
            failed: &self.failed,
            declared: &self.declared,
            node: node.and_then(|node| self.config.nodes.get(node)),
            unsettled: Cell::new(false),
        }
    }

    /// Adds the instance on one node, and the networks and volumes it names there.
    fn add(&mut self, declaration: &Declaration, node: Option<&str>, lowered: &Lowered, uses: &[Use]) {
        let address = Address::new(declaration.kind, &declaration.name, node);
        let mut dependencies: Vec<Dependency> = uses
            .iter()
            .map(|used| Dependency {
                notify: lowered.hears_of_files && used.kind == "file",
                ..Dependency::on(used.address(node))
            })
            .collect();
        dependencies.extend(declaration.depends_on.iter().map(|(address, _)| Dependency::on(address.clone())));
        for (kind, name, spec) in &lowered.needs {
            let need = Address::new(kind, name, node);
            dependencies.push(Dependency { binds: true, ..Dependency::on(need.clone()) });
            if self.implied.insert(need.clone(), (spec.clone(), declaration.span)).is_none() {
                self.resources.push(Resource {
                    address: need,
                    node: node.map(Into::into),
                    spec: spec.clone(),
                    dependencies: Vec::new(),
                    protect: false,
                    ignore_changes: Arc::default(),
                    adopt: declaration.adopt,
                    rollout: None,
                    gated: false,
                    span: Some(declaration.span),
                });
            } else if declaration.adopt {
                // What an adopted container uses is adopted along, whoever else uses it.
                let named = self.resources.iter_mut().filter(|resource| resource.address == need);
                named.for_each(|resource| resource.adopt = true);
            }
        }
        let dependencies = joined(dependencies);
        self.known.insert(address.clone(), lowered.spec.clone());
        self.parts(declaration, &dependencies, lowered);
        if registry::kind(declaration.kind).is_some_and(|kind| kind.composite) {
            return;
        }
        self.resources.push(Resource {
            address,
            node: node.map(Into::into),
            spec: lowered.spec.clone(),
            dependencies,
            protect: declaration.protect,
            ignore_changes: declaration.ignore_changes.clone(),
            adopt: declaration.adopt,
            rollout: lowered.rollout.map(|rule| rule.of(declaration.selector.len())),
            gated: lowered.gated,
            span: Some(declaration.span),
        });
    }

    /// Adds what comes with a declaration. All of it waits for what the declaration waits for; what comes with a resource
    /// waits for that as well.
    fn parts(&mut self, declaration: &Declaration, dependencies: &[Dependency], lowered: &Lowered) {
        for part in &lowered.parts {
            let mut all = dependencies.to_vec();
            all.extend(part.dependencies.iter().cloned());
            if *part.place == *CLUSTER {
                all.extend(self.carriers());
            }
            self.resources.push(Resource {
                address: part.address.clone(),
                node: Some(part.place.clone()),
                spec: part.spec.clone(),
                dependencies: joined(all),
                protect: declaration.protect,
                ignore_changes: declaration.ignore_changes.clone(),
                adopt: declaration.adopt,
                rollout: None,
                gated: part.gated,
                span: Some(part.span),
            });
        }
    }

    /// Objects need a cluster that the config names: which one is meant must not depend on who runs hactl.
    fn refuse_objects_without_cluster(&mut self) {
        let is_object = |resource: &&Resource| resource.node.as_deref() == Some(CLUSTER);
        let unnamed = self.config.kubernetes.is_none() && !self.config.invalid.any(CLUSTER);
        let first = self.resources.iter().find(is_object).filter(|_| unnamed && self.config.format == Format::Native);
        if let Some(first) = first {
            let diagnostic = Diagnostic::error("the config has objects, and does not say on which cluster they are")
                .about(first.address.as_str())
                .help("name it, as in `kubernetes: {kubeconfig: kubeconfig.yaml}`; with `kubernetes: {}` it is the one that kubectl uses");
            self.diagnostics.push(match first.span {
                Some(span) => diagnostic.at(span),
                None => diagnostic,
            });
        }
    }

    /// What moved or is no longer managed has to be so. Where something else is wrong, not all instances are known.
    fn check_moves(&mut self) {
        let is_whole = self.config.invalid == Invalid::default() && !self.diagnostics.iter().any(Diagnostic::is_error);
        let wanted: BTreeSet<&Address> = self.resources.iter().map(|resource| &resource.address).collect();
        let wrong = moves::check(self.config, (is_whole && !self.before_facts).then_some(&wanted));
        self.diagnostics.extend(wrong);
    }

    /// What the cluster needs has to be declared.
    fn refuse_unknown_carriers(&mut self) {
        let needs = self.config.kubernetes.iter().flat_map(|kubernetes| &kubernetes.depends_on);
        let is_known = |address: &Address| {
            let (kind, name) = declared_as(address);
            self.declared.keys().any(|declared| *declared == (kind, name)) || self.config.invalid.contains(kind, name)
        };
        let unknown: Vec<Diagnostic> = needs
            .filter(|(address, _)| !is_known(address))
            .map(|(address, span)| self.unknown_dependency(address, *span))
            .collect();
        self.diagnostics.extend(unknown);
    }

    /// What the cluster itself needs.
    fn carriers(&self) -> impl Iterator<Item = Dependency> {
        let kubernetes = self.config.kubernetes.as_ref().map(|kubernetes| &kubernetes.depends_on);
        let needs = kubernetes.into_iter().flatten();
        needs.map(|(address, _)| Dependency { carries: true, ..Dependency::on(address.clone()) })
    }

    fn outputs(&mut self) -> Map {
        let names = self.names(None);
        let mut diagnostics = Vec::new();
        let mut outputs = Map::new();
        for output in &self.config.outputs {
            let value = evaluate(&output.value, &names, &self.config.sources, &mut diagnostics).to_value();
            if value.is_sensitive() && !output.sensitive {
                diagnostics.push(
                    Diagnostic::error(format!("output {} shows a sensitive value", output.name))
                        .at(output.span)
                        .help("mark it with `sensitive: true`"),
                );
            }
            // As a whole: state keeps it as one value.
            let value = match (output.sensitive, self.config.plain_output(output)) {
                (false, _) => value,
                (true, Some((name, _))) => Value::deferred(Expr::variable(&name), true),
                (true, None) => Value::deferred(Expr::of(&value), true),
            };
            outputs.insert(output.name.clone(), value);
        }
        self.diagnostics.extend(diagnostics);
        outputs
    }
}

/// Kind and name of the declaration that a resource comes from; a part belongs to what it is a part of.
pub(crate) fn declared_as(address: &Address) -> (&str, &str) {
    (address.kind(), address.name().split('.').next().unwrap_or_default())
}

/// Dependencies in order, each once with all that is said of it.
fn joined(mut dependencies: Vec<Dependency>) -> Vec<Dependency> {
    dependencies.sort();
    dependencies.dedup_by(|a, b| {
        a.on == b.on && {
            b.notify |= a.notify;
            b.binds |= a.binds;
            b.carries |= a.carries;
            true
        }
    });
    dependencies
}

/// The graph of so many vertices with these edges.
fn graph_of(vertices: usize, edges: &BTreeMap<(usize, usize), Span>) -> Graph {
    let mut graph = Graph::new(vertices);
    for (first, then) in edges.keys() {
        graph.add_edge(*first, *then);
    }
    graph
}

/// The nodes that a declaration has an instance on; a kind that is not on nodes has one, on none.
fn placements<'d>(kind: &Kind, declaration: &'d Declaration) -> Vec<Option<&'d str>> {
    match kind.section.on_nodes {
        true => declaration.selector.iter().map(|node| Some(node.as_str())).collect(),
        false => vec![None],
    }
}
