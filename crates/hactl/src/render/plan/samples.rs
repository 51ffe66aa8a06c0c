//! Small plans and states for the tests of all renderers, made by the real planner.

use std::collections::BTreeMap;
use std::sync::Arc;

use hactl_core::expr::Expr;
use hactl_core::moves::Renames;
use hactl_core::observed::{Observations, Observed, Present};
use hactl_core::plan::{Desired, Input, Options, Plan, plan};
use hactl_core::resolve::Secrets;
use hactl_core::resource::{Dependency, InPlace, KindRules, Replacement, Resource, Rollout, Rules};
use hactl_core::state::{ResourceState, State};
use hactl_core::value::{Map, Value};
use hactl_core::{Address, DigestKey};
use serde_json::json;

/// The sensitive value that must never be shown.
pub(crate) const SECRET: &str = "hunter2";

const RULES: Rules = Rules(&[
    KindRules {
        kind: "container",
        replacement: Replacement::Swap,
        generations: true,
        in_place: InPlace::Fields(&["restart"]),
        computed: &[],
        remakes: &[],
        keep_on_delete: false,
        claims: |_| Vec::new(),
    },
    KindRules {
        kind: "file",
        replacement: Replacement::DeleteThenCreate,
        generations: false,
        in_place: InPlace::Fields(&["content", "mode"]),
        computed: &[],
        remakes: &[],
        keep_on_delete: false,
        claims: |_| Vec::new(),
    },
    KindRules {
        kind: "volume",
        replacement: Replacement::DeleteThenCreate,
        generations: false,
        in_place: InPlace::Fields(&[]),
        computed: &[],
        remakes: &[],
        keep_on_delete: true,
        claims: |_| Vec::new(),
    },
]);

/// What a plan is made from.
#[derive(Default)]
pub(crate) struct Sample {
    pub(crate) desired: Desired,
    pub(crate) state: Option<State>,
    pub(crate) observed: Observations,
    pub(crate) options: Options,
}

impl Sample {
    pub(crate) fn plan(&self) -> Plan {
        let secrets = Secrets {
            key: Some(key()),
            variables: BTreeMap::from([("password".to_owned(), Value::from(SECRET).into())]),
            ..Secrets::default()
        };
        plan(&Input {
            desired: &self.desired,
            state: self.state.as_ref().unwrap_or(&State::new("shop", "lineage")),
            moved: &Renames::default(),
            observed: &self.observed,
            rules: RULES,
            secrets: &secrets,
            options: &self.options,
        })
        .unwrap()
    }

    /// Wants a resource.
    pub(crate) fn want(&mut self, resource: Resource) -> &mut Self {
        self.desired.resources.push(resource);
        self
    }

    /// Has every wanted resource applied as it is wanted now.
    pub(crate) fn applied(mut self) -> Self {
        let mut state = State::new("shop", "lineage");
        state.serial = 4;
        for resource in &self.desired.resources {
            state.resources.insert(resource.address.clone(), applied(resource));
        }
        self.state = Some(state);
        self
    }

    pub(crate) fn change(&mut self, resource: &str, field: &str, value: Value) {
        for wanted in self.desired.resources.iter_mut().filter(|wanted| wanted.address.resource() == resource) {
            let mut spec = (*wanted.spec).clone();
            if let Value::Map(map) = &mut spec {
                map.insert(field.to_owned(), value.clone());
            }
            wanted.spec = Arc::new(spec);
        }
    }

    pub(crate) fn see(&mut self, address: &str, spec: serde_json::Value) {
        let spec = Arc::new(value(spec));
        let present =
            Present { spec, outputs: Map::new(), generation: String::new(), residue: false, fixed: Vec::new() };
        self.observed.insert(Address::parse(address).unwrap(), Observed::Present(present));
    }
}

/// Plain data.
pub(crate) fn value(json: serde_json::Value) -> Value {
    serde_json::from_value(json).unwrap()
}

/// A sensitive variable, as it stands in a spec.
pub(crate) fn password() -> Value {
    Value::deferred(Expr::variable("password"), true)
}

fn key() -> DigestKey {
    DigestKey::new([7; 32])
}

/// A resource instance; its key is its node.
pub(crate) fn resource(kind: &str, name: &str, node: &str, spec: serde_json::Value) -> Resource {
    Resource {
        address: Address::new(kind, name, Some(node)),
        node: Some(node.into()),
        spec: Arc::new(value(spec)),
        dependencies: Vec::new(),
        protect: false,
        ignore_changes: Arc::from([]),
        adopt: false,
        rollout: None,
        gated: false,
        span: None,
    }
}

/// A container that takes turns, waits for health and is told of changes of `file.site`.
pub(crate) fn web(node: &str) -> Resource {
    let mut web = resource("container", "web", node, json!({"image": "nginx:1.25", "env": {"GREETING": "hello"}}));
    web.dependencies = vec![Dependency { notify: true, ..Dependency::on(Address::new("file", "site", Some(node))) }];
    web.rollout = Some(Rollout { max_unavailable: 1, rollback: true });
    web.gated = true;
    web
}

/// A page.
pub(crate) fn site(node: &str) -> Resource {
    let content = "<h1>Shop</h1>\n<p>one</p>\n<p>two</p>\n";
    resource("file", "site", node, json!({"path": "/srv/index.html", "content": content, "mode": "0644"}))
}

fn applied(resource: &Resource) -> ResourceState {
    let sealed = match &*resource.spec {
        Value::Map(map) => Value::Map(map.iter().map(|(name, value)| (name.clone(), seal(value))).collect()),
        other => seal(other),
    };
    ResourceState {
        node: resource.node.clone(),
        spec: Arc::new(sealed),
        outputs: Map::from([("id".to_owned(), Value::from("c0ffee"))]),
        generation: String::new(),
        dependencies: resource.dependencies.clone(),
        protect: resource.protect,
        notified: false,
        unproven: false,
        lost: false,
        previous: None,
    }
}

fn seal(value: &Value) -> Value {
    match value {
        Value::Deferred(_) => Value::sealed(key().digest(&Value::from("an older secret"))),
        other => other.clone(),
    }
}

/// A page, and a container that uses it and a secret, on two nodes.
pub(crate) fn small() -> Sample {
    let mut sample = Sample::default();
    for node in ["node1", "node2"] {
        sample.want(site(node)).want(web(node));
    }
    sample.change("container.web", "password", password());
    sample.desired.outputs =
        Map::from([("url".to_owned(), Value::from("https://shop.example.com")), ("token".to_owned(), password())]);
    sample.desired.variables =
        Map::from([("fqdn".to_owned(), Value::from("shop.example.com")), ("password".to_owned(), password())]);
    sample
}

/// What [`small`] leaves when it is applied.
pub(crate) fn small_state() -> State {
    let mut state = small().applied().state.unwrap();
    state.outputs = Map::from([
        ("token".to_owned(), seal(&password())),
        ("url".to_owned(), Value::from("https://shop.example.com")),
    ]);
    state
}

/// On top of [`small_state`]: another image, another secret, drift on a node, something new and something gone.
pub(crate) fn small_plan() -> Plan {
    let mut sample = small();
    sample.want(resource("container", "old", "node1", json!({"image": "redis:6"})));
    let mut sample = sample.applied();
    sample.state.as_mut().unwrap().outputs = small_state().outputs;
    sample.desired.resources.pop();
    sample.change("container.web", "image", Value::from("nginx:1.27"));
    let mut drifted = (*small_state().resources[&Address::new("file", "site", Some("node2"))].spec).clone();
    if let Value::Map(map) = &mut drifted {
        map.insert("mode".to_owned(), Value::from("0777"));
    }
    sample.see("file.site[\"node2\"]", serde_json::to_value(&drifted).unwrap());
    let id = Expr::output(Address::new("container", "web", Some("node1")), "id");
    let mut proxy = resource("container", "proxy", "node1", json!({"image": "haproxy:3", "ports": ["80:80"]}));
    proxy.dependencies = vec![Dependency::on(Address::new("container", "web", None))];
    sample.want(proxy);
    sample.change("container.proxy", "upstream", Value::deferred(id, false));
    sample.change("container.proxy", "password", password());
    sample.plan()
}
