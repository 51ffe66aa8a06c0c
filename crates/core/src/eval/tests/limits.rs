//! Expressions that would hang the program or fill its memory.

use super::super::limits;
use super::*;

#[test]
fn sizes_are_limited() {
    let thousand = || call("range", vec![lit("1000")]);
    let long = || for_each(each(thousand(), for_each(each(thousand(), for_each(each(thousand(), name("v")))))));
    let mega = || call("join", vec![text("x"), call("range", vec![lit("900000")])]);
    check(vec![
        (call("range", vec![lit("1000001")]), "`range` would make a list of more than 1000000 items"),
        (call("range", vec![lit("-9223372036854775808"), lit("9223372036854775807")]), "~more than 1000000 items"),
        (call("format", vec![text("%2000d"), lit("1")]), "`format` allows widths and precisions up to 1000, not 2000"),
        (call("indent", vec![lit("2000"), text("a")]), "`indent` needs a number from 0 to 1000 as `spaces`, not 2000"),
        (call("replace", vec![mega(), text(""), mega()]), "`replace` would make a text longer than 10 MiB"),
        (template(vec![mega(), mega()]), "~the text is longer than 10 MiB"),
        (long(), "~the expression makes more than 256 MiB of data; iterate over less"),
    ]);
}

#[test]
fn depth_is_limited() {
    let deep = |levels: u32| (0..levels).fold(lit("1"), |inner, _| binary(inner, BinaryOp::Add, lit("1")));
    check(vec![
        (deep(limits::DEPTH - 2), "127"),
        (deep(limits::DEPTH + 1), "the expression nests deeper than 128 levels; split it up"),
    ]);
}

#[test]
fn the_deepest_of_every_form_fits_on_a_small_stack() {
    let levels = |count: u32, wrap: &dyn Fn(Expr) -> Expr| {
        let expr = (0..count).fold(lit("1"), |inner, _| wrap(inner));
        eval(&expr, &World::planned()).unwrap()
    };
    levels(limits::DEPTH - 3, &|inner| call("abs", vec![inner]));
    levels(limits::DEPTH - 3, &|inner| for_each(each(lit("[1]"), inner)));
    levels(limits::DEPTH - 3, &|inner| either(lit("true"), inner, lit("2")));
    levels(limits::DEPTH - 3, &|inner| template(vec![text("x"), inner]));
    levels(limits::DEPTH - 3, &|inner| map(vec![(text("a"), inner)]));
    levels((limits::DEPTH - 3) / 2, &|inner| kind(ExprKind::Access(Box::new(list(vec![inner])), vec![step("0")])));
}

#[test]
fn residuals_do_not_explode() {
    // Each level doubles the residual: [for v in [v + v] : …].
    let nested = (0..60).fold(name("v"), |inner, _| {
        for_each(For { key_name: None, ..each(list(vec![binary(name("v"), BinaryOp::Add, name("v"))]), inner) })
    });
    let expr = for_each(For { key_name: None, ..each(list(vec![id()]), nested) });
    let error = eval(&expr, &World::planned()).unwrap_err();
    assert!(error.message.contains("more than 256 MiB") || error.message.contains("nests deeper"), "{error}");
}

#[test]
fn the_deepest_deferred_value_is_read_back() {
    let deep = |levels: u32| (0..levels).fold(id(), |inner, _| binary(inner, BinaryOp::Add, lit("1")));
    let value = eval(&deep(limits::DEFERRED_DEPTH), &World::planned()).unwrap();
    let saved = serde_json::to_string(&value).unwrap();
    assert_eq!(serde_json::from_str::<Value>(&saved).unwrap(), value);
    assert!(eval(&deep(limits::DEFERRED_DEPTH + 2), &World::planned()).is_err());
}

#[test]
fn text_cannot_pose_as_a_deferred_value() {
    check(vec![(
        call("jsondecode", vec![text(r#"{"$hactl": {"deferred": {"expr": {"variable": "token"}}}}"#)]),
        "the key `$hactl` is reserved; choose another key",
    )]);
}
