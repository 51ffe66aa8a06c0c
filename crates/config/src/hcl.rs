//! From the syntax tree of the HCL parser to this project's expressions.

use hactl_core::Value;
use hactl_core::expr::{BinaryOp, Expr, ExprKind, For, Step, Traversal, UnaryOp};
use hcl_edit::Span as _;
use hcl_edit::expr::{BinaryOperator, Expression, FuncCall, ObjectKey, TraversalOperator, UnaryOperator};
use hcl_edit::template::{Directive, Element, ForDirective, IfDirective, Strip, Template};

use crate::expression::TemplateError;

type Lowered<T = Expr> = Result<T, TemplateError>;

/// A whole template; one interpolation alone is its expression, text alone a literal.
pub(crate) fn template(template: &Template) -> Lowered {
    if let Some(Element::Interpolation(interpolation)) = template.as_single_element() {
        return expression(&interpolation.expr);
    }
    if let Some(Element::Literal(text)) = template.as_single_element() {
        return Ok(Expr::literal(Value::string(text.as_str())));
    }
    text_template(template.iter(), Trim::default())
}

fn expression(source: &Expression) -> Lowered {
    let kind = match source {
        Expression::Null(_) => ExprKind::Literal(Value::Null),
        Expression::Bool(value) => ExprKind::Literal(Value::Bool(*value.value())),
        Expression::Number(number) => {
            let whole = number.value().as_i64().map(Value::Int);
            let value = whole.or_else(|| number.value().as_f64().map(Value::Float));
            ExprKind::Literal(value.unwrap_or(Value::Null))
        }
        Expression::String(text) => ExprKind::Literal(Value::string(text.value())),
        Expression::Array(items) => ExprKind::List(items.iter().map(expression).collect::<Lowered<_>>()?),
        Expression::Object(object) => ExprKind::Map(
            object
                .iter()
                .map(|(key, value)| Ok((object_key(key)?, expression(value.expr())?)))
                .collect::<Lowered<_>>()?,
        ),
        Expression::StringTemplate(template) => text_template(template.iter(), Trim::default())?.kind,
        Expression::HeredocTemplate(_) => {
            return Err(TemplateError {
                message: "an expression cannot hold a heredoc (`<<`)".to_owned(),
                help: Some("use a quoted text with `\\n`, or `file()`".to_owned()),
                at: offset(source),
            });
        }
        Expression::Parenthesis(inner) => return expression(inner.inner()),
        Expression::Variable(name) => {
            ExprKind::Traversal(Traversal { root: name.value().to_string(), steps: Vec::new() })
        }
        Expression::Conditional(conditional) => ExprKind::Conditional(
            boxed(&conditional.cond_expr)?,
            boxed(&conditional.true_expr)?,
            boxed(&conditional.false_expr)?,
        ),
        Expression::FuncCall(call) => function_call(call)?,
        Expression::Traversal(traversal) => {
            let steps = traversal.operators.iter().map(|operator| step(operator.value())).collect::<Lowered<_>>()?;
            match &traversal.expr {
                Expression::Variable(name) => ExprKind::Traversal(Traversal { root: name.value().to_string(), steps }),
                base => ExprKind::Access(boxed(base)?, steps),
            }
        }
        Expression::UnaryOp(operation) => {
            let operator = match operation.operator.value() {
                UnaryOperator::Neg => UnaryOp::Neg,
                UnaryOperator::Not => UnaryOp::Not,
            };
            ExprKind::Unary(operator, boxed(&operation.expr)?)
        }
        Expression::BinaryOp(operation) => ExprKind::Binary(
            boxed(&operation.lhs_expr)?,
            binary_operator(*operation.operator.value()),
            boxed(&operation.rhs_expr)?,
        ),
        Expression::ForExpr(each) => ExprKind::For(Box::new(For {
            key_name: each.intro.key_var.as_ref().map(|name| name.to_string()),
            value_name: each.intro.value_var.to_string(),
            collection: expression(&each.intro.collection_expr)?,
            key: each.key_expr.as_ref().map(expression).transpose()?,
            value: expression(&each.value_expr)?,
            condition: each.cond.as_ref().map(|condition| expression(&condition.expr)).transpose()?,
            grouping: each.grouping,
        })),
    };
    Ok(Expr { kind, at: offset(source) })
}

fn boxed(source: &Expression) -> Lowered<Box<Expr>> {
    expression(source).map(Box::new)
}

fn offset(source: &Expression) -> u32 {
    source.span().and_then(|span| u32::try_from(span.start).ok()).unwrap_or(0)
}

fn object_key(key: &ObjectKey) -> Lowered {
    match key {
        ObjectKey::Ident(name) => Ok(Expr::literal(Value::string(name.as_str()))),
        ObjectKey::Expression(key) => expression(key),
    }
}

fn function_call(call: &FuncCall) -> Lowered<ExprKind> {
    let mut name = String::new();
    for part in &call.name.namespace {
        name.push_str(part.as_str());
        name.push_str("::");
    }
    name.push_str(call.name.name.as_str());
    let arguments = call.args.iter().map(expression).collect::<Lowered<_>>()?;
    Ok(ExprKind::Call(name, arguments, call.args.expand_final()))
}

fn step(operator: &TraversalOperator) -> Lowered<Step> {
    Ok(match operator {
        TraversalOperator::AttrSplat(_) | TraversalOperator::FullSplat(_) => Step::Splat,
        TraversalOperator::GetAttr(name) => Step::Attr(name.to_string()),
        TraversalOperator::Index(index) => Step::Index(expression(index)?),
        TraversalOperator::LegacyIndex(index) => {
            let index = i64::try_from(*index.value()).unwrap_or(i64::MAX);
            Step::Index(Expr::literal(Value::Int(index)))
        }
    })
}

fn binary_operator(operator: BinaryOperator) -> BinaryOp {
    match operator {
        BinaryOperator::Eq => BinaryOp::Eq,
        BinaryOperator::NotEq => BinaryOp::NotEq,
        BinaryOperator::LessEq => BinaryOp::LessEq,
        BinaryOperator::GreaterEq => BinaryOp::GreaterEq,
        BinaryOperator::Less => BinaryOp::Less,
        BinaryOperator::Greater => BinaryOp::Greater,
        BinaryOperator::Plus => BinaryOp::Add,
        BinaryOperator::Minus => BinaryOp::Sub,
        BinaryOperator::Mul => BinaryOp::Mul,
        BinaryOperator::Div => BinaryOp::Div,
        BinaryOperator::Mod => BinaryOp::Mod,
        BinaryOperator::And => BinaryOp::And,
        BinaryOperator::Or => BinaryOp::Or,
    }
}

/// Whether white space is stripped (`~}` before, `%{~` after) at the two ends of a template inside a directive.
#[derive(Default, Clone, Copy)]
struct Trim {
    start: bool,
    end: bool,
}

/// Elements as one text: literals trimmed where a neighbour says `~`.
fn text_template<'a>(elements: impl Iterator<Item = &'a Element>, trim: Trim) -> Lowered {
    let elements: Vec<&Element> = elements.collect();
    let mut parts = Vec::with_capacity(elements.len());
    for (index, element) in elements.iter().enumerate() {
        match element {
            Element::Literal(text) => {
                let before = index.checked_sub(1).map(|index| strips(elements[index]).1);
                let after = elements.get(index + 1).map(|element| strips(element).0);
                let mut text = text.as_str();
                if before.unwrap_or(trim.start) {
                    text = text.trim_start();
                }
                if after.unwrap_or(trim.end) {
                    text = text.trim_end();
                }
                if !text.is_empty() {
                    parts.push(Expr::literal(Value::string(text)));
                }
            }
            Element::Interpolation(interpolation) => parts.push(expression(&interpolation.expr)?),
            Element::Directive(directive) => parts.push(match &**directive {
                Directive::If(directive) => if_directive(directive)?,
                Directive::For(directive) => for_directive(directive)?,
            }),
        }
    }
    Ok(Expr::new(ExprKind::Template(parts)))
}

/// Whether an element strips the white space before and after it.
fn strips(element: &Element) -> (bool, bool) {
    match element {
        Element::Literal(_) => (false, false),
        Element::Interpolation(interpolation) => (at_start(interpolation.strip), at_end(interpolation.strip)),
        Element::Directive(directive) => match &**directive {
            Directive::If(directive) => (at_start(directive.if_expr.strip), at_end(directive.endif_expr.strip)),
            Directive::For(directive) => (at_start(directive.for_expr.strip), at_end(directive.endfor_expr.strip)),
        },
    }
}

fn at_start(strip: Strip) -> bool {
    matches!(strip, Strip::Start | Strip::Both)
}

fn at_end(strip: Strip) -> bool {
    matches!(strip, Strip::End | Strip::Both)
}

fn if_directive(directive: &IfDirective) -> Lowered {
    let opening = &directive.if_expr;
    let closing = directive.endif_expr.strip;
    let middle = directive.else_expr.as_ref().map(|middle| middle.strip);
    let condition = expression(&opening.cond_expr)?;
    let yes = Trim { start: at_end(opening.strip), end: at_start(middle.unwrap_or(closing)) };
    let yes = text_template(opening.template.iter(), yes)?;
    let no = match &directive.else_expr {
        Some(middle) => {
            let trim = Trim { start: at_end(middle.strip), end: at_start(closing) };
            text_template(middle.template.iter(), trim)?
        }
        None => Expr::literal(Value::string("")),
    };
    let at = condition.at;
    let kind = ExprKind::Conditional(Box::new(condition), Box::new(yes), Box::new(no));
    Ok(Expr { kind, at })
}

/// `%{for …}` is the joined list of what its body yields for each item.
fn for_directive(directive: &ForDirective) -> Lowered {
    let opening = &directive.for_expr;
    let collection = expression(&opening.collection_expr)?;
    let trim = Trim { start: at_end(opening.strip), end: at_start(directive.endfor_expr.strip) };
    let at = collection.at;
    let each = ExprKind::For(Box::new(For {
        key_name: opening.key_var.as_ref().map(|name| name.to_string()),
        value_name: opening.value_var.to_string(),
        collection,
        key: None,
        value: text_template(opening.template.iter(), trim)?,
        condition: None,
        grouping: false,
    }));
    let arguments = vec![Expr::literal(Value::string("")), Expr { kind: each, at }];
    Ok(Expr { kind: ExprKind::Call("join".to_owned(), arguments, false), at })
}
