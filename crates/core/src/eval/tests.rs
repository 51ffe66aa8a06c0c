//! Tables of expressions and what they yield.

mod access;
mod calls;
mod laws;
mod limits;
mod partial;

use super::{EvalError, Lookup, ResolvedStep, Scope, eval};
use crate::address::Address;
use crate::expr::{BinaryOp, Expr, ExprKind, For, Output, Step, Traversal};
use crate::value::Value;

/// A world with variables `var.*`, one output `container.web.id`, one sensitive variable `token`, and files.
pub(super) struct World {
    /// Whether outputs and sensitive variables are known.
    pub(super) applied: bool,
    /// The output's value.
    pub(super) id: Value,
}

impl World {
    pub(super) fn planned() -> Self {
        Self { applied: false, id: Value::from("c0ffee") }
    }

    pub(super) fn applied() -> Self {
        Self { applied: true, id: Value::from("c0ffee") }
    }
}

impl Scope for World {
    fn lookup(&self, root: &str, steps: &[ResolvedStep]) -> Result<Lookup, EvalError> {
        match (root, steps) {
            ("var", [ResolvedStep::Attr(name), ..]) if name == "token" => {
                Ok(Lookup { value: self.variable("token")?, taken: 1 })
            }
            ("var", _) => Ok(Lookup {
                value: json(
                    r#"{"ports": [80, 443], "tags": {"env": "prod", "tier": "web"}, "none": null,
                    "nodes": [{"name": "n1", "ips": ["a", "b"]}, {"name": "n2", "ips": []}]}"#,
                ),
                taken: 0,
            }),
            ("sealed", _) => {
                let digest = crate::digest::Digest::sha256(b"x");
                Ok(Lookup { value: Value::sealed(digest), taken: 0 })
            }
            ("file", [ResolvedStep::Attr(_), ResolvedStep::Splat, ..]) => {
                Ok(Lookup { value: json(r#"[{"path": "/a"}, {"path": "/b"}]"#), taken: 2 })
            }
            ("container", [ResolvedStep::Attr(_), ResolvedStep::Attr(_), ..]) => {
                Ok(Lookup { value: self.output(&web_id())?, taken: 2 })
            }
            _ => Err(EvalError::new(format!("there is no `{root}`"))),
        }
    }

    fn file(&self, path: &str) -> Result<Value, EvalError> {
        match path {
            "motd.txt" => Ok(Value::from("welcome\n")),
            "motd.tpl" => Ok(Value::from("welcome to\n${name}")),
            _ => Err(EvalError::new(format!("there is no file {path}"))),
        }
    }

    fn template(&self, _path: &str) -> Result<Expr, EvalError> {
        let mut name = name("name");
        name.at = 13;
        Ok(kind(ExprKind::Template(vec![text("welcome to "), name])))
    }

    fn output(&self, output: &Output) -> Result<Value, EvalError> {
        if self.applied {
            return Ok(self.id.clone());
        }
        Ok(Value::deferred(Expr::output(output.address.clone(), &output.name), false))
    }

    fn variable(&self, name: &str) -> Result<Value, EvalError> {
        if self.applied {
            return Ok(Value::from("s3cret"));
        }
        Ok(Value::deferred(Expr::variable(name), true))
    }
}

fn web_id() -> Output {
    Output { address: Address::new("container", "web", None), name: "id".to_owned() }
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

fn kind(kind: ExprKind) -> Expr {
    Expr::new(kind)
}

fn lit(text: &str) -> Expr {
    Expr::literal(json(text))
}

fn text(text: &str) -> Expr {
    Expr::literal(Value::from(text))
}

fn null() -> Expr {
    Expr::literal(Value::Null)
}

/// `a.b.c`; a part in digits is an index, `*` a splat.
fn name(path: &str) -> Expr {
    let mut parts = path.split('.');
    let root = parts.next().unwrap().to_owned();
    kind(ExprKind::Traversal(Traversal { root, steps: parts.map(step).collect() }))
}

fn step(part: &str) -> Step {
    match (part, part.parse::<i64>()) {
        ("*", _) => Step::Splat,
        (_, Ok(index)) => Step::Index(Expr::literal(Value::Int(index))),
        _ => Step::Attr(part.to_owned()),
    }
}

fn binary(left: Expr, operator: BinaryOp, right: Expr) -> Expr {
    kind(ExprKind::Binary(Box::new(left), operator, Box::new(right)))
}

fn either(condition: Expr, yes: Expr, no: Expr) -> Expr {
    kind(ExprKind::Conditional(Box::new(condition), Box::new(yes), Box::new(no)))
}

fn call(name: &str, arguments: Vec<Expr>) -> Expr {
    kind(ExprKind::Call(name.to_owned(), arguments, false))
}

fn list(items: Vec<Expr>) -> Expr {
    kind(ExprKind::List(items))
}

fn template(parts: Vec<Expr>) -> Expr {
    kind(ExprKind::Template(parts))
}

fn map(entries: Vec<(Expr, Expr)>) -> Expr {
    kind(ExprKind::Map(entries))
}

/// `[for k, v in collection : value]`; callers change what differs.
fn each(collection: Expr, value: Expr) -> For {
    For {
        key_name: Some("k".to_owned()),
        value_name: "v".to_owned(),
        collection,
        key: None,
        value,
        condition: None,
        grouping: false,
    }
}

fn for_each(each: For) -> Expr {
    kind(ExprKind::For(Box::new(each)))
}

/// The unknown output and the sensitive variable.
fn id() -> Expr {
    name("container.web.id")
}

fn token() -> Expr {
    name("var.token")
}

/// What an expression yields where nothing is deferred: JSON, or `error: help`.
fn outcome(expr: &Expr) -> String {
    match eval(expr, &World::applied()) {
        Ok(value) => serde_json::to_string(&value).unwrap(),
        Err(error) => match error.help {
            Some(help) => format!("{}; {help}", error.message),
            None => error.message,
        },
    }
}

/// Checks a table of expressions and outcomes; after `~`, a part of the outcome will do.
fn check(table: Vec<(Expr, &str)>) {
    for (number, (expr, expected)) in table.into_iter().enumerate() {
        let found = outcome(&expr);
        let fits = match expected.strip_prefix('~') {
            Some(part) => found.contains(part),
            None => found == expected,
        };
        assert!(fits, "row {number}: expected {expected}, found {found}\n{expr:?}");
    }
}

#[test]
fn operators() {
    use BinaryOp::{Add, And, Div, Eq, Greater, Less, LessEq, Mod, Mul, NotEq, Or, Sub};
    let fails = || binary(lit("1"), Div, lit("0"));
    check(vec![
        (binary(lit("80"), Div, lit("2")), "40"),
        (binary(lit("80"), Div, lit("3")), "26.666666666666668"),
        (binary(lit("7"), Mod, lit("4")), "3"),
        (binary(lit("-7"), Mod, lit("4")), "-3"),
        (binary(lit("0.5"), Add, lit("0.5")), "1"),
        (binary(lit("2"), Mul, lit("1.25")), "2.5"),
        (binary(text("8080"), Sub, lit("1")), "8079"),
        (binary(lit("80"), Div, lit("0")), "~division by zero; check"),
        (binary(lit("80"), Mod, lit("0.0")), "~remainder of a division by zero"),
        (binary(lit("9223372036854775807"), Add, lit("1")), "~too large for a whole number"),
        (binary(lit("-9223372036854775808"), Div, lit("-1")), "~too large for a whole number"),
        (binary(lit("-9223372036854775808"), Mod, lit("-1")), "0"),
        (binary(lit("1e308"), Mul, lit("10.5")), "the result is too large for a number"),
        (binary(text("a"), Add, text("b")), "~`+` needs numbers, not text; texts are put together"),
        (binary(lit("1"), Eq, lit("1.0")), "true"),
        (binary(lit("1"), Eq, text("1")), "false"),
        (binary(null(), Eq, null()), "true"),
        (binary(lit("[1, {\"a\": 2.0}]"), Eq, lit("[1.0, {\"a\": 2}]")), "true"),
        (binary(lit("9007199254740993"), NotEq, lit("9007199254740992.0")), "true"),
        (binary(lit("-1"), Less, lit("-0.5")), "true"),
        (binary(lit("2"), LessEq, lit("2.0")), "true"),
        (binary(lit("2"), Greater, lit("2.5")), "false"),
        (binary(lit("false"), And, fails()), "false"),
        (binary(lit("true"), Or, fails()), "true"),
        (binary(lit("true"), And, lit("1")), "~a condition must be true or false, not a number"),
        (either(lit("true"), lit("1"), fails()), "1"),
        (either(text("false"), fails(), lit("2")), "2"),
        (kind(ExprKind::Unary(crate::expr::UnaryOp::Not, Box::new(lit("true")))), "false"),
        (kind(ExprKind::Unary(crate::expr::UnaryOp::Neg, Box::new(lit("80")))), "-80"),
    ]);
}

#[test]
fn templates() {
    check(vec![
        (template(vec![lit("80")]), "80"),
        (
            template(vec![text("port "), lit("80"), text("/"), lit("true"), text("/"), lit("1.0")]),
            r#""port 80/true/1""#,
        ),
        (template(vec![]), r#""""#),
        (template(vec![text("x"), null()]), "~null cannot be part of a text; give it a default"),
        (template(vec![text("x"), lit("[1]")]), "~a list cannot be part of a text; make it text with join()"),
    ]);
}

#[test]
fn maps() {
    check(vec![
        (map(vec![(text("b"), lit("1")), (lit("1"), lit("2"))]), r#"{"1":2,"b":1}"#),
        (map(vec![(text("b"), lit("1")), (text("b"), lit("2"))]), "the key `b` is given twice"),
        (map(vec![(null(), lit("1"))]), "a key of a map must be text, not null"),
        (map(vec![(text("$hactl"), lit("1"))]), "~the key `$hactl` is reserved"),
    ]);
}

#[test]
fn for_expressions() {
    let tags = || name("var.tags");
    let nodes = || name("var.nodes");
    check(vec![
        (for_each(each(lit(r#"["a", "b"]"#), template(vec![name("k"), text("="), name("v")]))), r#"["0=a","1=b"]"#),
        (for_each(each(tags(), template(vec![name("k"), text("="), name("v")]))), r#"["env=prod","tier=web"]"#),
        (for_each(For { key: Some(name("v")), ..each(tags(), name("k")) }), r#"{"prod":"env","web":"tier"}"#),
        (
            for_each(For { key: Some(text("x")), ..each(tags(), name("k")) }),
            "~two items give the key `x`; make the keys differ",
        ),
        (for_each(For { key: Some(text("x")), grouping: true, ..each(tags(), name("k")) }), r#"{"x":["env","tier"]}"#),
        (
            for_each(For {
                condition: Some(binary(name("v.name"), BinaryOp::NotEq, text("n1"))),
                ..each(nodes(), name("v.name"))
            }),
            r#"["n2"]"#,
        ),
        (for_each(each(lit("[[1], [2]]"), for_each(each(name("v"), name("v"))))), "[[1],[2]]"),
        (for_each(each(lit("5"), name("v"))), "a for-expression needs a list or a map, not a number"),
    ]);
}

#[test]
fn errors_carry_the_innermost_place() {
    let mut inner = binary(lit("1"), BinaryOp::Div, lit("0"));
    inner.at = 17;
    let mut outer = template(vec![text("x"), inner]);
    outer.at = 3;
    assert_eq!(eval(&outer, &World::applied()).unwrap_err().at, Some(17));
}
