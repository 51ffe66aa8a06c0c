//! States rebuilt from small worlds.

use super::*;
use crate::digest::DigestKey;
use crate::expr::Expr;
use crate::observed::Foreign;
use crate::resource::Dependency;

fn address(name: &str) -> Address {
    Address::new("box", name, Some("n1"))
}

fn spec(fields: &[(&str, Value)]) -> Arc<Value> {
    Arc::new(Value::Map(fields.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect()))
}

fn resource(address: Address, spec: Arc<Value>) -> Resource {
    Resource {
        node: address.key().map(Into::into),
        address,
        spec,
        dependencies: vec![Dependency::on(Address::new("key", "ca", None))],
        protect: true,
        ignore_changes: Arc::new([]),
        adopt: false,
        rollout: None,
        gated: true,
        span: None,
    }
}

fn found(name: &str, spec: Arc<Value>, own: bool) -> Observed {
    let found = Present { spec, outputs: Map::new(), generation: "g".to_owned(), residue: false, fixed: Vec::new() };
    Observed::Foreign(Foreign { own, found: Some(found), ..Foreign::new(format!("a box named {name}")) })
}

#[test]
fn everything_ends_somewhere() {
    let key = DigestKey::new([7; 32]);
    let (one, two) = (spec(&[("image", Value::Int(1))]), spec(&[("image", Value::Int(2))]));
    let ca = Address::new("key", "ca", None);
    let secret = Value::deferred(Expr::output(ca.clone(), "value"), true);
    let content = Value::sealed(key.digest(&Value::from("what is there")));
    let desired = vec![
        resource(ca.clone(), spec(&[("size", Value::Int(2)), ("issuer", secret.clone())])),
        resource(Address::new("key", "given", None), spec(&[])),
        resource(address("adopted"), one.clone()),
        resource(address("changed"), two.clone()),
        resource(address("equal"), one.clone()),
        resource(address("foreign"), one.clone()),
        resource(address("gone"), one.clone()),
        resource(address("moved"), two.clone()),
        resource(address("sealed"), spec(&[("content", secret)])),
        resource(address("silent"), one.clone()),
    ];
    let observed = Observations::from([
        (address("adopted"), found("adopted", one.clone(), false)),
        (address("changed"), found("changed", one.clone(), true)),
        (address("equal"), found("equal", one.clone(), true)),
        (address("foreign"), found("foreign", one.clone(), false)),
        (address("gone"), Observed::Absent),
        (address("moved"), Observed::Absent),
        (address("sealed"), found("sealed", spec(&[("content", content)]), true)),
        (address("silent"), Observed::Unreachable("no route".into())),
    ]);
    let left = recorded(&resource(address("x"), one), two, None);
    let there = BTreeMap::from([
        (address("moved"), ResourceState { spec: spec(&[("image", Value::Int(9))]), ..left.clone() }),
        (address("old"), left),
    ]);
    let mut state = State::new("test", "lineage");
    let rebuilt = rebuild(
        &mut state,
        Evidence {
            desired: &desired,
            observed: &observed,
            recorded: &BTreeSet::from([address("adopted"), address("equal"), address("vanished")]),
            there: &there,
            generated: &BTreeSet::from([ca.clone()]),
            secrets: &Secrets { key: Some(key), ..Secrets::default() },
        },
    );
    insta::assert_debug_snapshot!(rebuilt, @r#"
    Rebuilt {
        equal: [
            box.adopted["n1"],
            box.equal["n1"],
            box.sealed["n1"],
        ],
        different: [
            box.changed["n1"],
            box.moved["n1"],
        ],
        unwanted: [
            box.old["n1"],
        ],
        lost: [
            key.ca,
        ],
        missing: [
            box.gone["n1"],
        ],
        foreign: [
            (
                box.foreign["n1"],
                "a box named foreign",
            ),
        ],
        unreachable: [
            (
                box.silent["n1"],
                "no route",
            ),
        ],
        vanished: [
            box.vanished["n1"],
        ],
    }
    "#);
    assert!(state.resources[&ca].lost);
    let specs: Vec<String> =
        state.resources.iter().map(|(address, known)| format!("{address} {:?}", known.spec)).collect();
    insta::assert_snapshot!(specs.join("\n"), @r#"
    box.adopted["n1"] {"image": 1}
    box.changed["n1"] {"image": 1}
    box.equal["n1"] {"image": 1}
    box.moved["n1"] {"image": 9}
    box.old["n1"] {"image": 2}
    box.sealed["n1"] {"content": (sensitive)}
    key.ca {"size": 2}
    "#);
}
