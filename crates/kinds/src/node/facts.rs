//! Facts of nodes: what they are called, and whether a config needs them.

use hactl_config::{Config, Data, Node, parse_template_text};
use hactl_core::expr::{Expr, ExprKind, Step, Traversal};
use hactl_core::value::{Map, Value};
use hactl_host::Facts;

/// The names of facts, as in `${node.NAME.os}`. None is the name of what the config itself says of a node.
pub(crate) const FACTS: &[&str] =
    &["os", "architecture", "kernel", "hostname", "machineId", "cpus", "memory", "dockerVersion", "engineId"];

/// Facts as a config sees them, and what preflight needs besides.
pub(crate) fn facts(facts: &Facts) -> Map {
    let whole = |number: u64| Value::Int(i64::try_from(number).unwrap_or(i64::MAX));
    let text = |text: &Option<String>| text.as_deref().map_or(Value::Null, Value::string);
    Map::from([
        ("os".to_owned(), Value::string(&facts.os)),
        ("architecture".to_owned(), Value::string(&facts.architecture)),
        ("kernel".to_owned(), Value::string(&facts.kernel)),
        ("hostname".to_owned(), Value::string(&facts.hostname)),
        ("machineId".to_owned(), Value::string(&facts.machine_id)),
        ("cpus".to_owned(), Value::Int(facts.cpus.into())),
        ("memory".to_owned(), whole(facts.memory)),
        ("dockerVersion".to_owned(), text(&facts.docker_version)),
        ("engineId".to_owned(), text(&facts.engine_id)),
        ("clockOffset".to_owned(), Value::Int(facts.clock_offset)),
        ("diskFree".to_owned(), whole(facts.disk_free)),
    ])
}

/// Whether a config uses facts of nodes, so that the nodes have to be asked before it can be lowered.
///
/// No use is missed; what takes a whole node, as in `jsonencode(node.n1)`, counts as one.
pub fn uses_facts(config: &Config) -> bool {
    let bodies = || config.declarations.iter().map(|declaration| &declaration.body);
    let outputs = config.outputs.iter().map(|output| &output.value);
    bodies().chain(outputs).any(in_tree)
        || bodies().filter_map(|body| template_file(config, body)).any(|expr| in_expr(&expr, &Vec::new()))
}

/// The template file that a declaration names.
fn template_file(config: &Config, body: &Node) -> Option<Expr> {
    let text = config.inputs.text(body.get("template")?.as_str()?).ok()?;
    parse_template_text(&text).ok()
}

fn in_tree(node: &Node) -> bool {
    match &node.data {
        Data::Template(expr) => in_expr(expr, &Vec::new()),
        Data::List(items) => items.iter().any(in_tree),
        Data::Map(entries) => entries.iter().any(|entry| in_tree(&entry.value)),
        _ => false,
    }
}

/// The names that for-expressions bind around an expression, the innermost last, and whether each is a node.
type Bound<'a> = Vec<(&'a str, bool)>;

fn in_expr(expr: &Expr, bound: &Bound<'_>) -> bool {
    match &expr.kind {
        ExprKind::Traversal(traversal) if in_traversal(traversal, bound) => true,
        ExprKind::For(each) => {
            let over_nodes = is_all_nodes(&each.collection, bound);
            let mut inside = bound.clone();
            inside.extend(each.key_name.as_deref().map(|name| (name, false)));
            inside.push((&each.value_name, over_nodes));
            let parts = each.key.iter().chain([&each.value]).chain(&each.condition);
            (!over_nodes && in_expr(&each.collection, bound)) || parts.into_iter().any(|part| in_expr(part, &inside))
        }
        _ => {
            let mut found = false;
            expr.for_each_part(&mut |part| found = found || in_expr(part, bound));
            found
        }
    }
}

/// Whether what a traversal takes is, or has in it, a fact. What its indexes take is another matter.
fn in_traversal(traversal: &Traversal, bound: &Bound<'_>) -> bool {
    let local = bound.iter().rev().find(|(name, _)| *name == traversal.root);
    let from_node = match (local, traversal.root.as_str()) {
        (Some((_, is_node)), _) => is_node.then_some(&traversal.steps[..]),
        (None, "node" | "self") => Some(traversal.steps.get(1..).unwrap_or_default()),
        (None, _) => None,
    };
    from_node.is_some_and(|steps| match steps.first() {
        Some(Step::Attr(name)) => is_fact(name),
        Some(Step::Index(Expr { kind: ExprKind::Literal(Value::String(name)), .. })) => is_fact(name),
        Some(Step::Index(_) | Step::Splat) | None => true,
    })
}

fn is_fact(name: &str) -> bool {
    FACTS.contains(&name)
}

/// Whether an expression is the map of all nodes.
fn is_all_nodes(expr: &Expr, bound: &Bound<'_>) -> bool {
    let shadowed = bound.iter().any(|(name, _)| *name == "node");
    matches!(&expr.kind, ExprKind::Traversal(all) if all.root == "node" && all.steps.is_empty()) && !shadowed
}
