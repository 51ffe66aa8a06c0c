//! Laws over random expressions.

use proptest::prelude::*;

use super::super::resolve;
use super::*;
use crate::expr::UnaryOp;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    /// Partial evaluation, then evaluation of what was deferred, gives what evaluation at once gives.
    #[test]
    fn evaluating_in_two_steps_changes_nothing(choices in proptest::collection::vec(any::<u8>(), 8..400), id in 0_u8..4) {
        let expr = Choices { left: choices, bound: 0 }.any(5);
        let id = ["3", "\"c0ffee\"", "[1, 2]", "{\"a\": 1, \"b\": [2]}"][usize::from(id)];
        let world = World { applied: true, id: json(id) };
        let at_once = eval(&expr, &world);
        match eval(&expr, &World::planned()) {
            Ok(planned) => {
                let saved = serde_json::to_string(&planned).unwrap();
                let read: Value = serde_json::from_str(&saved).unwrap();
                if let Ok(at_once) = at_once {
                    prop_assert_eq!(resolve(&read, &world).unwrap(), at_once);
                } else {
                    // Must not panic; may succeed where the part that fails was not needed.
                    let _ = resolve(&read, &world);
                }
            }
            // A mistake in a part that is not reached may be found already: see the module's head.
            Err(error) => prop_assert!(at_once.is_err() || has_guard(&expr), "{error}"),
        }
    }

    /// Expressions that cannot fail are planned without an error, and agree.
    #[test]
    fn what_cannot_fail_does_not(choices in proptest::collection::vec(any::<u8>(), 8..400), id in 0_i64..5) {
        let expr = Choices { left: choices, bound: 0 }.number(5);
        let world = World { applied: true, id: Value::Int(id) };
        let planned = eval(&expr, &World::planned()).unwrap();
        prop_assert_eq!(resolve(&planned, &world).unwrap(), eval(&expr, &world).unwrap());
    }

    /// What `yamlencode` writes reads back as the same value.
    #[test]
    fn yaml_reads_back(value in values()) {
        let yaml = eval(&call("yamlencode", vec![Expr::literal(value.clone())]), &World::planned()).unwrap();
        let read: serde_json::Value = serde_saphyr::from_str(yaml.as_str().unwrap()).unwrap();
        prop_assert_eq!(read, serde_json::to_value(&value).unwrap(), "{}", yaml.as_str().unwrap());
    }

    /// Nothing that touches the sensitive variable is planned as known.
    #[test]
    fn sensitive_values_stay_out_of_plans(choices in proptest::collection::vec(any::<u8>(), 8..400)) {
        let expr = Choices { left: choices, bound: 0 }.any(5);
        let Ok(planned) = eval(&expr, &World::planned()) else { return Ok(()) };
        prop_assert!(!serde_json::to_string(&planned).unwrap().contains("s3cret"));
        let mut marked = true;
        planned.for_each_deferred(&mut |deferred| {
            let mut touches = false;
            deferred.expr.walk(&mut |expr| touches |= matches!(&expr.kind, ExprKind::Variable(_)));
            marked &= !touches || deferred.sensitive;
        });
        prop_assert!(marked, "{:?}", planned);
    }
}

/// Whether some part of an expression may not be reached.
fn has_guard(expr: &Expr) -> bool {
    let mut found = false;
    expr.walk(&mut |expr| {
        found |= matches!(
            &expr.kind,
            ExprKind::Conditional(..) | ExprKind::For(_) | ExprKind::Binary(_, BinaryOp::And | BinaryOp::Or, _)
        );
    });
    found
}

fn values() -> impl Strategy<Value = Value> {
    let text = prop_oneof![
        ".{0,8}",
        "[-a-z:# .~0-9_]{0,6}",
        "(yes|No|ON|null|~|1e3|0x1|0777|1_000|\\.inf|nan|y|12:30:45|2001-01-01|=|<<|- a|\\? a)"
    ];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(Value::Int),
        text.clone().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 32, 4, move |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::List),
            proptest::collection::btree_map(text.clone(), inner, 0..4).prop_map(Value::Map),
        ]
    })
}

/// Builds expressions from a run of random bytes.
struct Choices {
    left: Vec<u8>,
    bound: usize,
}

impl Choices {
    fn pick(&mut self, count: u8) -> u8 {
        self.left.pop().unwrap_or(0) % count
    }

    /// Any expression; many are badly typed somewhere.
    fn any(&mut self, depth: u32) -> Expr {
        if depth == 0 {
            return self.leaf();
        }
        let next = depth - 1;
        match self.pick(16) {
            0 => self.leaf(),
            1 => template(vec![self.scalar(), text("-"), self.any(next.min(1))]),
            2 => list((0..self.pick(4)).map(|_| self.any(next)).collect()),
            3 => map(vec![(text("a"), self.any(next)), (self.scalar(), self.any(next))]),
            4 => {
                let operator = if self.pick(2) == 0 { UnaryOp::Not } else { UnaryOp::Neg };
                kind(ExprKind::Unary(operator, Box::new(self.any(next))))
            }
            5 => binary(self.any(next), self.operator(), self.any(next)),
            6 | 7 => either(self.boolean(next), self.any(next), self.any(next)),
            8 => self.boolean(next),
            9 => call("jsonencode", vec![self.any(next)]),
            10 => {
                let names = ["concat", "flatten", "length", "reverse", "distinct"];
                call(names[usize::from(self.pick(5))], vec![self.items(next)])
            }
            11 => {
                let names = ["join", "upper", "merge", "keys", "coalesce", "lookup", "tostring", "format"];
                let name = names[usize::from(self.pick(8))].to_owned();
                let arguments = (0..=self.pick(3)).map(|_| self.any(next)).collect();
                kind(ExprKind::Call(name, arguments, self.pick(4) == 0))
            }
            12 => {
                let steps = match self.pick(5) {
                    0 => vec![step("a")],
                    1 => vec![Step::Splat],
                    2 => vec![step("0")],
                    3 => vec![Step::Splat, step("0")],
                    _ => vec![Step::Index(self.any(next.min(1)))],
                };
                kind(ExprKind::Access(Box::new(self.items(next)), steps))
            }
            _ => self.for_each(next),
        }
    }

    fn for_each(&mut self, depth: u32) -> Expr {
        let collection = self.items(depth);
        self.bound += 1;
        let made = For {
            key_name: (self.pick(2) == 0).then(|| "k".to_owned()),
            value_name: ["v", "w"][usize::from(self.pick(2))].to_owned(),
            collection,
            key: (self.pick(3) == 0).then(|| template(vec![text("x"), self.scalar()])),
            value: self.any(depth),
            condition: (self.pick(3) == 0).then(|| self.boolean(depth)),
            grouping: false,
        };
        self.bound -= 1;
        let grouping = made.key.is_some() && self.pick(4) != 0;
        for_each(For { grouping, ..made })
    }

    /// Something to iterate over, mostly.
    fn items(&mut self, depth: u32) -> Expr {
        match self.pick(6) {
            0 => id(),
            1 => name("var.tags"),
            2 if depth > 0 => self.for_each(depth - 1),
            3 if depth > 0 => self.any(depth - 1),
            _ => list((0..self.pick(4)).map(|_| self.any(depth.min(2))).collect()),
        }
    }

    fn boolean(&mut self, depth: u32) -> Expr {
        use BinaryOp::{And, Eq, NotEq, Or};
        let depth = depth.saturating_sub(1);
        match self.pick(6) {
            0 if depth > 0 => binary(self.boolean(depth), And, self.boolean(depth)),
            1 if depth > 0 => binary(self.boolean(depth), Or, self.boolean(depth)),
            2 => self.any(depth),
            3 => binary(self.any(depth), NotEq, self.any(depth)),
            _ => binary(self.any(depth), Eq, self.any(depth)),
        }
    }

    fn scalar(&mut self) -> Expr {
        match self.pick(6) {
            0 => id(),
            1 => token(),
            2 => self.leaf(),
            3 => lit("7"),
            _ => text("b"),
        }
    }

    /// A number, whatever the output is: only operators that cannot fail.
    fn number(&mut self, depth: u32) -> Expr {
        if depth == 0 {
            return [lit("2"), id(), lit("0.5"), lit("-3")][usize::from(self.pick(4))].clone();
        }
        let next = depth - 1;
        let condition = |this: &mut Self| binary(this.number(next), BinaryOp::Less, this.number(next));
        match self.pick(6) {
            0 => id(),
            1 => binary(self.number(next), BinaryOp::Add, self.number(next)),
            2 => either(condition(self), self.number(next), self.number(next)),
            3 => call("max", vec![self.number(next), self.number(next)]),
            4 => call(
                "length",
                vec![for_each(For {
                    condition: Some(condition(self)),
                    ..each(call("range", vec![lit("3")]), self.number(next))
                })],
            ),
            _ => {
                let items = list(vec![self.number(next), self.number(next)]);
                call("length", vec![call("concat", vec![items.clone(), for_each(each(items, name("v")))])])
            }
        }
    }

    fn leaf(&mut self) -> Expr {
        let leaves = [
            id(),
            token(),
            lit("1"),
            text("a"),
            lit("true"),
            name("var.tags"),
            name("var.ports"),
            null(),
            lit("[\"a\", 2]"),
            id(),
        ];
        match self.pick(14) {
            9..=11 if self.bound > 0 => name("v"),
            12 if self.bound > 0 => name("w"),
            13 if self.bound > 0 => name("k"),
            number => leaves[usize::from(number) % leaves.len()].clone(),
        }
    }

    fn operator(&mut self) -> BinaryOp {
        use BinaryOp::{Add, And, Div, Eq, Less, Mod, NotEq, Or};
        [Add, And, Div, Eq, Less, Mod, NotEq, Or][usize::from(self.pick(8))]
    }
}
