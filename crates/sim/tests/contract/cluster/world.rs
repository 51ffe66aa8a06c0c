//! What a case sees: an API server behind the port, a namespace of its own, and hands that change objects behind hactl's
//! back. Objects are written as JSON here.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::{Duration, Instant};

use hactl_core::cluster::ClusterConnection;
use hactl_kube::{Applying, Cluster, ClusterError, Clusters, Name, Object, ServedKind};
use serde_json::{Value, json};

use crate::suite::Stage;

/// The manager of the most applies.
pub(crate) const OURS: Applying<'_> = Applying { manager: "contract-ours", force: false, dry_run: false };
/// Another one.
pub(crate) const THEIRS: Applying<'_> = Applying { manager: "contract-theirs", ..OURS };
/// Manages by other requests than applies.
pub(crate) const PATCHER: &str = "contract-patch";

/// The world of one case.
pub(crate) struct ClusterWorld {
    /// The case's own namespace, which is there when it begins. What is in none has it in its name.
    pub(crate) namespace: String,
    hands: Box<dyn Hands>,
    clusters: Arc<dyn Clusters>,
    connection: ClusterConnection,
    cluster: OnceLock<Arc<dyn Cluster>>,
    /// What was applied and is in no namespace.
    outside: Mutex<Vec<Object>>,
}

/// What somebody does on the cluster by hand.
pub(crate) trait Hands {
    /// Changes an object as `kubectl patch` does.
    fn patch(&self, object: &Object, patch: &Value, manager: &str);
}

impl ClusterWorld {
    pub(crate) fn new(
        id: &str,
        clusters: Arc<dyn Clusters>,
        connection: ClusterConnection,
        hands: Box<dyn Hands>,
    ) -> Self {
        let namespace = id.get(..63).unwrap_or(id).trim_end_matches('-').to_owned();
        let outside = Mutex::new(Vec::new());
        Self { namespace, hands, clusters, connection, cluster: OnceLock::new(), outside }
    }

    pub(crate) fn cluster(&self) -> &dyn Cluster {
        &**self.cluster.get().expect("the case runs after connecting")
    }

    /// Another connection to the same cluster.
    pub(crate) async fn connect(&self) -> Arc<dyn Cluster> {
        self.clusters.connect(&self.connection).await.unwrap()
    }

    /// A name for what is in no namespace.
    pub(crate) fn name(&self, name: &str) -> String {
        format!("{}-{name}", self.namespace)
    }

    /// The least of an object in the case's namespace.
    pub(crate) fn object(&self, api_version: &str, kind: &str, name: &str) -> Value {
        json!({"apiVersion": api_version, "kind": kind, "metadata": {"name": name, "namespace": self.namespace}})
    }

    pub(crate) fn config_map(&self, data: Value) -> Value {
        with(&self.object("v1", "ConfigMap", "settings"), "/data", data)
    }

    /// A Deployment, DaemonSet or StatefulSet of one sleeping container.
    pub(crate) fn workload(&self, kind: &str) -> Value {
        let labels = json!({"app": "web"});
        let spec = json!({
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": pod("echo ready; exec sleep 1000")},
        });
        let workload = with(&self.object("apps/v1", kind, "web"), "/spec", spec);
        if kind == "StatefulSet" { with(&workload, "/spec/serviceName", json!("web")) } else { workload }
    }

    /// A Deployment that has no pods, whose status settles at once.
    pub(crate) fn idle(&self) -> Value {
        with(&self.workload("Deployment"), "/spec/replicas", json!(0))
    }

    pub(crate) fn service(&self) -> Value {
        let spec = json!({"selector": {"app": "web"}, "ports": [{"port": 80, "protocol": "TCP"}]});
        with(&self.object("v1", "Service", "web"), "/spec", spec)
    }

    /// The type of an object, asked of the server; as the object has it where it is not served.
    pub(crate) async fn kind(&self, object: &Value) -> ServedKind {
        let object = read(object);
        let (group, version) = object.api_version().split_once('/').unwrap_or(("", object.api_version()));
        let served = self.cluster().served(&BTreeSet::from([group.to_owned()])).await.unwrap();
        let found = served.into_iter().find(|kind| kind.version == version && kind.kind == object.kind());
        found.unwrap_or(ServedKind {
            group: group.to_owned(),
            version: version.to_owned(),
            kind: object.kind().to_owned(),
            plural: format!("{}s", object.kind().to_lowercase()),
            namespaced: object.namespace().is_some(),
        })
    }

    pub(crate) async fn try_apply(&self, object: &Value, how: Applying<'_>) -> Result<Object, ClusterError> {
        let kind = self.kind(object).await;
        let applied = self.cluster().apply(&kind, &read(object), &how).await?;
        if applied.namespace().is_none() && !how.dry_run {
            self.outside.lock().unwrap().push(applied.clone());
        }
        Ok(applied)
    }

    /// Applies as [`OURS`].
    pub(crate) async fn apply(&self, object: &Value) -> Object {
        self.apply_as(object, OURS).await
    }

    pub(crate) async fn apply_as(&self, object: &Value, how: Applying<'_>) -> Object {
        self.try_apply(object, how).await.unwrap_or_else(|error| panic!("{error}: {object}"))
    }

    pub(crate) async fn get(&self, object: &Value) -> Option<Object> {
        let (kind, wanted) = (self.kind(object).await, read(object));
        self.cluster().get(&kind, &name_of(&wanted)).await.unwrap()
    }

    /// The object, which is there.
    pub(crate) async fn live(&self, object: &Value) -> Object {
        self.get(object).await.unwrap_or_else(|| panic!("there is no {object}"))
    }

    /// Deletes the very object.
    pub(crate) async fn delete(&self, object: &Object) {
        let kind = self.kind(&json(object)).await;
        self.cluster().delete(&kind, &name_of(object), object.uid()).await.unwrap();
    }

    /// Changes an object as `kubectl patch` does.
    pub(crate) async fn patch(&self, object: &Value, patch: Value) {
        self.hands.patch(&read(object), &patch, PATCHER);
    }

    /// Waits until the namespace takes pods: controllers give it a service account first, with a token where servers are old.
    pub(crate) async fn accounts(&self) {
        let try_out = with(&self.object("v1", "Pod", "try-out"), "/spec", pod("true"));
        let begin = Instant::now();
        while let Err(error) = self.try_apply(&try_out, Applying { dry_run: true, ..OURS }).await {
            assert!(begin.elapsed() < Duration::from_secs(60), "{error}");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// Waits until an object passes a test, for at most two minutes.
    pub(crate) async fn until(&self, object: &Value, test: impl Fn(&Object) -> bool) -> Object {
        let (kind, wanted, begin) = (self.kind(object).await, read(object), Instant::now());
        let mut now = self.live(object).await;
        while !test(&now) {
            assert!(begin.elapsed() < Duration::from_secs(120), "after two minutes it is {:?}", now.0);
            let next = self.cluster().next(&kind, &name_of(&wanted), now.resource_version()).await.unwrap();
            now = next.unwrap_or_else(|| panic!("it is gone: {object}"));
        }
        now
    }

    /// Waits until an object is gone, for at most two minutes.
    pub(crate) async fn until_gone(&self, object: &Value) {
        let (kind, wanted, begin) = (self.kind(object).await, read(object), Instant::now());
        while let Some(now) = self.get(object).await {
            assert!(begin.elapsed() < Duration::from_secs(120), "after two minutes it is {:?}", now.0);
            self.cluster().next(&kind, &name_of(&wanted), now.resource_version()).await.unwrap();
        }
    }
}

impl Stage for ClusterWorld {
    async fn open(&self) {
        let _ = self.cluster.set(self.connect().await);
        self.apply(&namespace(&self.namespace)).await;
    }

    async fn close(&self) {
        let maps = self.object("v1", "ConfigMap", "any");
        let kept = self.cluster().list(&self.kind(&maps).await, Some(&self.namespace), None).await;
        for object in kept.into_iter().flatten().filter(|object| !object.finalizers().is_empty()) {
            self.hands.patch(&object, &json!({"metadata": {"finalizers": null}}), PATCHER);
        }
        let outside = std::mem::take(&mut *self.outside.lock().unwrap());
        for object in outside.iter().rev() {
            self.delete(object).await;
        }
    }
}

pub(crate) fn namespace(name: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
}

/// The spec of a pod with one container, `main`, that runs this script and ends at once when it is told to.
pub(crate) fn pod(script: &str) -> Value {
    let container = json!({"name": "main", "image": "busybox:1.36", "command": ["sh", "-c", script]});
    json!({"terminationGracePeriodSeconds": 0, "containers": [container]})
}

/// With another value at a JSON pointer, whose last step may be new.
pub(crate) fn with(object: &Value, pointer: &str, value: Value) -> Value {
    let mut changed = object.clone();
    let (parent, key) = pointer.rsplit_once('/').unwrap();
    match changed.pointer_mut(parent).unwrap_or_else(|| panic!("there is no {parent} in {object}")) {
        Value::Array(items) => items[key.parse::<usize>().unwrap()] = value,
        parent => parent[key] = value,
    }
    changed
}

/// Without what is at a JSON pointer.
pub(crate) fn without(object: &Value, pointer: &str) -> Value {
    let mut changed = object.clone();
    let (parent, key) = pointer.rsplit_once('/').unwrap();
    let removed = changed.pointer_mut(parent).and_then(|parent| parent.as_object_mut()?.remove(key));
    assert!(removed.is_some(), "there is no {pointer} in {object}");
    changed
}

pub(crate) fn read(object: &Value) -> Object {
    serde_json::from_value(object.clone()).unwrap()
}

pub(crate) fn json(object: &Object) -> Value {
    Value::Object(object.0.clone())
}

pub(crate) fn name_of(object: &Object) -> Name<'_> {
    Name { namespace: object.namespace(), name: object.name() }
}

/// What is at a JSON pointer; null where nothing is.
pub(crate) fn at(object: &Object, pointer: &str) -> Value {
    json(object).pointer(pointer).cloned().unwrap_or_default()
}

/// What a manager owns, in the server's notation; null where it owns nothing.
pub(crate) fn owned(object: &Object, manager: &str) -> Value {
    let found = object.owners().find(|owner| owner.manager == manager);
    found.map(|owner| Value::Object(owner.fields.clone())).unwrap_or_default()
}
