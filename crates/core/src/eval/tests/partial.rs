//! What is known, what is deferred, and what is sensitive.

use super::super::resolve;
use super::*;
use crate::value::Deferred;

fn planned(expr: &Expr) -> Value {
    eval(expr, &World::planned()).unwrap()
}

fn deferred(expr: &Expr) -> Deferred {
    match planned(expr) {
        Value::Deferred(deferred) => (*deferred).clone(),
        other => panic!("not deferred: {other:?}"),
    }
}

/// The planned value, written and read as a saved plan would, then evaluated with everything known.
fn later(expr: &Expr) -> String {
    let saved = serde_json::to_string(&planned(expr)).unwrap();
    let read: Value = serde_json::from_str(&saved).unwrap();
    serde_json::to_string(&resolve(&read, &World::applied()).unwrap()).unwrap()
}

#[test]
fn known_parts_are_folded() {
    let expr = template(vec![text("a"), lit("1"), id(), name("var.tags.env"), text("!")]);
    let ExprKind::Template(parts) = deferred(&expr).expr.kind else { panic!("a template") };
    assert_eq!(parts[0], text("a1"));
    assert_eq!(parts[2], text("prod!"));
    assert_eq!(later(&expr), r#""a1c0ffeeprod!""#);
}

#[test]
fn a_text_stays_a_text() {
    let seven = World { applied: true, id: Value::Int(7) };
    let planned = planned(&template(vec![text(""), id()]));
    assert_eq!(resolve(&planned, &seven).unwrap(), Value::from("7"));
}

#[test]
fn sensitive_if_any_part_is() {
    assert!(deferred(&template(vec![id(), token()])).sensitive);
    assert!(!deferred(&template(vec![id(), text("x")])).sensitive);
    assert!(deferred(&either(binary(token(), BinaryOp::Eq, text("x")), lit("1"), lit("2"))).sensitive);
    let collection = list(vec![token()]);
    let condition = Some(binary(name("v"), BinaryOp::Eq, text("x")));
    assert!(deferred(&for_each(For { condition, ..each(collection, lit("1")) })).sensitive);
    assert!(deferred(&call("upper", vec![token()])).sensitive);
}

#[test]
fn containers_hold_deferred_parts() {
    let items = || list(vec![text("a"), id()]);
    assert_eq!(planned(&call("length", vec![items()])), Value::Int(2));
    assert_eq!(planned(&kind(ExprKind::Access(Box::new(items()), vec![step("0")]))), Value::from("a"));
    let entries = map(vec![(text("K"), id())]);
    let merged = planned(&call("merge", vec![name("var.tags"), entries]));
    assert_eq!(merged.as_map().unwrap().keys().collect::<Vec<_>>(), ["K", "env", "tier"]);
    assert!(matches!(planned(&call("join", vec![text(","), items()])), Value::Deferred(_)));
    assert_eq!(later(&call("join", vec![text(","), items()])), r#""a,c0ffee""#);
}

#[test]
fn known_conditions_pick_their_branch() {
    use BinaryOp::{And, Or};
    assert_eq!(planned(&either(lit("true"), lit("1"), id())), Value::Int(1));
    assert_eq!(planned(&binary(lit("false"), And, id())), Value::Bool(false));
    assert_eq!(planned(&binary(lit("true"), Or, id())), Value::Bool(true));
    assert!(matches!(planned(&binary(binary(id(), BinaryOp::Eq, text("x")), And, lit("false"))), Value::Deferred(_)));
}

#[test]
fn mistakes_beside_deferred_values_are_found_at_once() {
    for expr in [
        binary(id(), BinaryOp::Add, text("b")),
        either(binary(id(), BinaryOp::Eq, text("x")), name("var.tags.zone"), text("")),
        for_each(each(id(), name("var.tags.zone"))),
        for_each(For { key: Some(null()), ..each(id(), name("v")) }),
        call("file", vec![id()]),
        call("upper", vec![id(), id()]),
    ] {
        assert!(eval(&expr, &World::planned()).is_err(), "{expr:?}");
    }
}

#[test]
fn steps_from_and_by_deferred_values() {
    let world = World { applied: true, id: json(r#"[{"a": 1}, {"a": 2}]"#) };
    let by = |path: &str| planned(&name(&format!("container.web.id.{path}")));
    assert_eq!(resolve(&by("1.a"), &world).unwrap(), json("2"));
    assert_eq!(resolve(&by("*.a"), &world).unwrap(), json("[1, 2]"));
    let mut indexed = name("var.tags");
    if let ExprKind::Traversal(traversal) = &mut indexed.kind {
        traversal.steps.push(Step::Index(id()));
    }
    let tier = World { applied: true, id: Value::from("tier") };
    assert_eq!(resolve(&planned(&indexed), &tier).unwrap(), Value::from("web"));
}

#[test]
fn symbols_do_not_capture_each_other() {
    // [for v in ID : [for w in [v] : [for v in ID : [v, w]]]]: the innermost `v` and `w` differ.
    let innermost = For { key_name: None, ..each(id(), list(vec![name("v"), name("w")])) };
    let middle = For { key_name: None, value_name: "w".to_owned(), ..each(list(vec![name("v")]), for_each(innermost)) };
    let expr = for_each(For { key_name: None, ..each(id(), for_each(middle)) });
    let world = World { applied: true, id: json("[1, 2]") };
    let expected = json("[[[[1, 1], [2, 1]]], [[[1, 2], [2, 2]]]]");
    assert_eq!(eval(&expr, &world).unwrap(), expected);
    assert_eq!(resolve(&planned(&expr), &world).unwrap(), expected);
}

#[test]
fn template_files_are_folded_into_the_plan() {
    let expr = call("templatefile", vec![text("motd.tpl"), map(vec![(text("name"), token())])]);
    assert!(deferred(&expr).sensitive);
    assert_eq!(later(&expr), r#""welcome to s3cret""#);
    let whole = call("templatefile", vec![text("motd.tpl"), id()]);
    let world = World { applied: true, id: json(r#"{"name": "n1"}"#) };
    assert_eq!(resolve(&planned(&whole), &world).unwrap(), Value::from("welcome to n1"));
}

#[test]
fn resolving_keeps_digest_and_sensitivity() {
    let value = Value::Deferred(
        Deferred { expr: Expr::variable("token"), sensitive: true, digest: Some(crate::Digest::sha256(b"x")) }.into(),
    );
    assert_eq!(resolve(&value, &World::planned()).unwrap(), value);
    let marked = Value::deferred(call("upper", vec![Expr::output(web_id().address, "id")]), true);
    assert!(resolve(&marked, &World::planned()).unwrap().is_sensitive());
}

#[test]
fn errors_do_not_quote_secrets() {
    let planned = planned(&call("tonumber", vec![token()]));
    let error = resolve(&planned, &World::applied()).unwrap_err();
    assert!(!format!("{error:?}").contains("s3cret"), "{error:?}");
}
