//! Names and steps.

use super::*;

fn take(base: Expr, path: &str) -> Expr {
    kind(ExprKind::Access(Box::new(base), path.split('.').map(step).collect()))
}

#[test]
fn steps() {
    check(vec![
        (name("var.ports.1"), "443"),
        (name("var.nodes.0.name"), r#""n1""#),
        (name("var.nodes.*.name"), r#"["n1","n2"]"#),
        (name("var.nodes.*.ips.*"), r#"[["a","b"],[]]"#),
        (name("var.tags.*.env"), r#"["prod"]"#),
        (name("var.none.*.env"), "[]"),
        (name("file.site.*.path"), r#"["/a","/b"]"#),
        (take(call("keys", vec![name("var.tags")]), "0"), r#""env""#),
        (take(name("var.tags"), "env"), r#""prod""#),
        (name("nothing.at.all"), "there is no `nothing`"),
        (name("sealed"), "~a sealed value cannot be used here"),
    ]);
}

#[test]
fn mistakes() {
    check(vec![
        (name("var.tags.teir"), "`var.tags` has no key `teir`; did you mean `tier`?"),
        (name("var.tags.zone"), "`var.tags` has no key `zone`; keys are: env, tier"),
        (name("var.ports.7"), "`var.ports` has no item 7; its items are 0 to 1"),
        (name("var.ports.-1"), "`var.ports` has no item -1; its items are 0 to 1"),
        (name("var.nodes.1.ips.0"), "`var.nodes[1].ips` has no item 0; the list is empty"),
        (name("var.nodes.name"), "~`var.nodes` is a list and has no attribute `name`; take one item"),
        (name("var.tags.env.x"), "`var.tags.env` is text and has no attribute `x`"),
        (name("var.none.0"), "`var.none` is null and cannot be indexed"),
    ]);
}
