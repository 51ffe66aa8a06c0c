//! Expressions: the `${…}` of a config, as data.
//!
//! The syntax is HCL's; the config crate parses it. An expression is plain data so that a saved plan
//! can hold what is known only at apply, and so that evaluating is a pure function ([`crate::eval`]).

use serde::{Deserialize, Serialize};

use crate::address::Address;
use crate::value::Value;

/// An expression and where in its source text it starts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Expr {
    /// What it is.
    #[serde(flatten)]
    pub kind: ExprKind,
    /// Byte offset in the text the expression was parsed from; for error messages only.
    #[serde(skip)]
    pub at: u32,
}

/// The forms of an expression.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum ExprKind {
    /// A value.
    Literal(Value),
    /// A template: the parts' texts, one after the other.
    Template(Vec<Expr>),
    /// A name and what is taken from it: `var.fqdn`, `file.site["node1"].path`, `self.node.name`.
    Traversal(Traversal),
    /// Steps taken from the value of an expression: `f(x).a[0]`.
    Access(Box<Expr>, Vec<Step>),
    /// `[a, b]`
    List(Vec<Expr>),
    /// `{a = 1, "b" = 2}`
    Map(Vec<(Expr, Expr)>),
    /// `!a`, `-a`
    Unary(UnaryOp, Box<Expr>),
    /// `a + b`
    Binary(Box<Expr>, BinaryOp, Box<Expr>),
    /// `condition ? yes : no`
    Conditional(Box<Expr>, Box<Expr>, Box<Expr>),
    /// A function call: name, arguments, and whether the last argument is spread (`f(xs...)`).
    Call(String, Vec<Expr>, bool),
    /// A for-expression.
    For(Box<For>),
    /// Only in deferred values: an output of a resource, known once that resource is applied.
    Output(Output),
    /// Only in deferred values: a sensitive variable, read again at apply.
    Variable(String),
}

/// A name and the steps taken from it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Traversal {
    /// The first word: `var`, `self`, `node`, a kind, or the variable of a for-expression.
    pub root: String,
    /// What follows.
    pub steps: Vec<Step>,
}

/// One step into a value.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Step {
    /// `.name`
    Attr(String),
    /// `[expression]`
    Index(Expr),
    /// `[*]` or `.*`: what follows is taken from each item.
    Splat,
}

/// `!` and `-`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum UnaryOp {
    /// `!`
    Not,
    /// `-`
    Neg,
}

/// The operators between two expressions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "the names say it")]
pub enum BinaryOp {
    Add,
    Sub,
    Mul,
    Div,
    Mod,
    Eq,
    NotEq,
    Less,
    LessEq,
    Greater,
    GreaterEq,
    And,
    Or,
}

/// `[for k, v in collection : value if condition]` or `{for k, v in collection : key => value...}`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct For {
    /// The name bound to the key or index, if any.
    pub key_name: Option<String>,
    /// The name bound to the value.
    pub value_name: String,
    /// What is iterated over: a list or a map.
    pub collection: Expr,
    /// For a map result: the expression of each key.
    pub key: Option<Expr>,
    /// The expression of each value.
    pub value: Expr,
    /// `if …`
    pub condition: Option<Expr>,
    /// `...`: values under an equal key are gathered in a list.
    pub grouping: bool,
}

/// An output of a resource instance, as in `container.web["node1"].id`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Output {
    /// The resource instance.
    pub address: Address,
    /// The output's name.
    pub name: String,
}

impl Expr {
    /// An expression without a place of its own.
    pub fn new(kind: ExprKind) -> Self {
        Self { kind, at: 0 }
    }

    /// A literal.
    pub fn literal(value: Value) -> Self {
        Self::new(ExprKind::Literal(value))
    }

    /// A sensitive variable in a deferred value.
    pub fn variable(name: &str) -> Self {
        Self::new(ExprKind::Variable(name.to_owned()))
    }

    /// An output in a deferred value.
    pub fn output(address: Address, name: &str) -> Self {
        Self::new(ExprKind::Output(Output { address, name: name.to_owned() }))
    }

    /// The expression that yields a value; what is deferred inside yields as it would by itself.
    pub fn of(value: &Value) -> Self {
        match value {
            Value::Deferred(deferred) => deferred.expr.clone(),
            Value::List(items) if !value.is_plain() => Self::new(ExprKind::List(items.iter().map(Self::of).collect())),
            Value::Map(map) if !value.is_plain() => {
                let entries = map.iter().map(|(key, item)| (Self::literal(Value::string(key)), Self::of(item)));
                Self::new(ExprKind::Map(entries.collect()))
            }
            plain => Self::literal(plain.clone()),
        }
    }

    /// Whether it needs the output of a resource.
    pub fn has_outputs(&self) -> bool {
        let mut has = false;
        self.for_each_output(&mut |_| has = true);
        has
    }

    /// Calls `visit` on every output of a resource that it needs.
    pub fn for_each_output(&self, visit: &mut dyn FnMut(&Output)) {
        self.walk(&mut |expr| {
            if let ExprKind::Output(output) = &expr.kind {
                visit(output);
            }
        });
    }

    /// Calls `visit` on this expression and every one inside it, outermost first.
    pub fn walk<'a>(&'a self, visit: &mut impl FnMut(&'a Expr)) {
        visit(self);
        self.for_each_part(&mut |part| part.walk(&mut *visit));
    }

    /// Calls `visit` on the expressions directly inside this one, in the order they are written.
    pub fn for_each_part<'a>(&'a self, mut visit: &mut dyn FnMut(&'a Expr)) {
        let indexes = |steps: &'a [Step]| {
            steps.iter().filter_map(|step| match step {
                Step::Index(index) => Some(index),
                Step::Attr(_) | Step::Splat => None,
            })
        };
        match &self.kind {
            ExprKind::Literal(_) | ExprKind::Output(_) | ExprKind::Variable(_) => {}
            ExprKind::Template(parts) | ExprKind::List(parts) | ExprKind::Call(_, parts, _) => {
                parts.iter().for_each(visit);
            }
            ExprKind::Traversal(traversal) => indexes(&traversal.steps).for_each(visit),
            ExprKind::Access(base, taken) => {
                visit(base);
                indexes(taken).for_each(visit);
            }
            ExprKind::Map(entries) => entries.iter().flat_map(|(key, value)| [key, value]).for_each(visit),
            ExprKind::Unary(_, operand) => visit(operand),
            ExprKind::Binary(left, _, right) => [left, right].into_iter().for_each(|part| visit(part)),
            ExprKind::Conditional(condition, yes, no) => {
                [condition, yes, no].into_iter().for_each(|part| visit(part));
            }
            ExprKind::For(each) => {
                let key = each.key.iter();
                [&each.collection]
                    .into_iter()
                    .chain(key)
                    .chain([&each.value])
                    .chain(&each.condition)
                    .for_each(&mut visit);
            }
        }
    }
}
