//! What is asked of the server, and what it answers. Each test has a namespace of its own, which is deleted at its end.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use futures_util::future::join_all;
use hactl_core::cluster::{ClusterConnection, Via};
use hactl_host::LinuxFleet;
use hactl_kube::{
    Applying, Cluster, ClusterError, Clusters, FieldConflict, KubeClusters, Name, Object, ServedKind, Tunnel,
};
use serde_json::{Value, json};

const WEB: Applying<'_> = Applying { manager: "hactl-live-web", force: false, dry_run: false };

/// The administrator's kubeconfig; none, with a message, where there is no lab.
fn administrator() -> Option<PathBuf> {
    let path = std::env::var_os("HACTL_LAB_KUBECONFIG").map(PathBuf::from);
    if path.is_none() {
        eprintln!("nothing is tested on a real API server: HACTL_LAB_KUBECONFIG is not set");
    }
    path
}

async fn connect(kubeconfig: &Path, via: Option<Via>) -> Result<Arc<dyn Cluster>, ClusterError> {
    let fleet = Arc::new(LinuxFleet::new(std::env::var("HACTL_SSH_CONFIG").ok()));
    let tunnel: Tunnel = Arc::new(move |via, host, port| {
        let fleet = fleet.clone();
        Box::pin(async move {
            let tunnel = fleet.tunnel(&via.node, &via.connection, &host, port).await;
            tunnel.map(|tunnel| Box::new(tunnel) as _).map_err(|error| error.to_string())
        })
    });
    let kubeconfig = Some(kubeconfig.to_str().unwrap().to_owned());
    KubeClusters::new(PathBuf::from("/"), tunnel).connect(&ClusterConnection { kubeconfig, context: None, via }).await
}

/// A connection, a namespace, and the types that are used.
struct Live {
    cluster: Arc<dyn Cluster>,
    namespace: String,
    kinds: Vec<ServedKind>,
}

impl Live {
    async fn new(kubeconfig: &Path, name: &str) -> Self {
        let cluster = connect(kubeconfig, None).await.unwrap();
        let groups = BTreeSet::from(["", "apps"].map(str::to_owned));
        let kinds = cluster.served(&groups).await.unwrap();
        let live = Self { cluster, namespace: format!("hactl-live-{name}-{}", std::process::id()), kinds };
        let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": live.namespace}});
        live.apply(namespace, WEB).await.unwrap();
        live
    }

    fn kind(&self, name: &str) -> &ServedKind {
        self.kinds.iter().find(|kind| kind.kind == name).unwrap()
    }

    fn name<'a>(&'a self, name: &'a str) -> Name<'a> {
        Name { namespace: Some(&self.namespace), name }
    }

    async fn apply(&self, object: Value, how: Applying<'_>) -> Result<Object, ClusterError> {
        let object: Object = serde_json::from_value(object).unwrap();
        self.cluster.apply(self.kind(object.kind()), &object, &how).await
    }

    async fn get(&self, kind: &str, name: &str) -> Option<Object> {
        self.cluster.get(self.kind(kind), &self.name(name)).await.unwrap()
    }

    fn settings(&self, name: &str, data: Value) -> Value {
        let metadata = json!({"name": name, "namespace": self.namespace, "labels": {"hactl.io/lineage": "live"}});
        json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data})
    }

    fn pod(&self, name: &str, command: &str) -> Value {
        let container = json!({"name": "main", "image": "busybox:1.36", "command": ["sh", "-c", command]});
        let spec = json!({"restartPolicy": "Never", "terminationGracePeriodSeconds": 0, "containers": [container]});
        json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": self.namespace}, "spec": spec})
    }

    async fn end(self) {
        let name = Name { namespace: None, name: &self.namespace };
        let kind = self.kind("Namespace");
        let namespace = self.cluster.get(kind, &name).await.unwrap().unwrap();
        self.cluster.delete(kind, &name, namespace.uid()).await.unwrap();
    }
}

#[tokio::test]
async fn a_server_tells_what_it_is_and_serves() {
    let Some(kubeconfig) = administrator() else { return };
    let cluster = connect(&kubeconfig, None).await.unwrap();
    let identity = cluster.identity().await.unwrap();
    assert!(identity.version.starts_with('v') && identity.uid.len() == 36, "{identity:?}");
    let groups = ["", "apps", "networking.k8s.io", "nothing.example"].map(str::to_owned);
    let kinds = cluster.served(&BTreeSet::from(groups)).await.unwrap();
    let kinds: Vec<String> = kinds.iter().map(|kind| format!("{} {}", kind.api_version(), kind.plural)).collect();
    for wanted in ["v1 namespaces", "apps/v1 deployments", "networking.k8s.io/v1 ingresses"] {
        assert!(kinds.iter().any(|kind| kind == wanted), "{kinds:?}");
    }
    assert!(!kinds.iter().any(|kind| kind.ends_with("/scale")), "{kinds:?}");
}

#[tokio::test]
async fn objects_are_applied_listed_and_deleted() {
    let Some(kubeconfig) = administrator() else { return };
    let live = Live::new(&kubeconfig, "objects").await;
    let how = Applying { dry_run: true, ..WEB };
    live.apply(live.settings("one", json!({"a": "1"})), how).await.unwrap();
    assert_eq!(live.get("ConfigMap", "one").await, None);
    let made = live.apply(live.settings("one", json!({"a": "1"})), WEB).await.unwrap();
    assert_eq!(live.get("ConfigMap", "one").await.as_ref(), Some(&made));
    let owner = made.owners().next().unwrap();
    assert_eq!((owner.manager, owner.applies), (WEB.manager, true));
    live.apply(live.settings("two", json!({})), WEB).await.unwrap();
    let kind = live.kind("ConfigMap");
    let listed = live.cluster.list(kind, Some(&live.namespace), Some("hactl.io/lineage=live")).await.unwrap();
    let listed: Vec<(&str, &str)> = listed.iter().map(|object| (object.kind(), object.name())).collect();
    assert_eq!(listed, [("ConfigMap", "one"), ("ConfigMap", "two")]);
    let everywhere = live.cluster.list(kind, None, Some("hactl.io/lineage=nobody")).await.unwrap();
    assert!(everywhere.is_empty());
    let name = live.name("one");
    live.cluster.delete(kind, &name, "6e1b6ec0-2cf7-4b2e-8a5a-1d0a1f9b6b11").await.unwrap();
    assert!(live.get("ConfigMap", "one").await.is_some());
    live.cluster.delete(kind, &name, made.uid()).await.unwrap();
    assert_eq!(live.get("ConfigMap", "one").await, None);
    live.cluster.delete(kind, &name, made.uid()).await.unwrap();
    live.end().await;
}

#[tokio::test]
async fn refusals_are_told_apart() {
    let Some(kubeconfig) = administrator() else { return };
    let live = Live::new(&kubeconfig, "refusals").await;
    let made = live.apply(live.settings("one", json!({"a": "1"})), WEB).await.unwrap();
    let other = Applying { manager: "hactl-live-other", ..WEB };
    let conflict = FieldConflict { field: ".data.a".to_owned(), manager: WEB.manager.to_owned() };
    let refused = live.apply(live.settings("one", json!({"a": "2"})), other).await;
    assert_eq!(refused, Err(ClusterError::Conflict { conflicts: vec![conflict] }));
    live.apply(live.settings("one", json!({"a": "2"})), Applying { force: true, ..other }).await.unwrap();

    for (name, uid) in [("one", "6e1b6ec0-2cf7-4b2e-8a5a-1d0a1f9b6b11"), ("absent", made.uid())] {
        let mut object = live.settings(name, json!({}));
        object["metadata"]["uid"] = uid.into();
        assert_eq!(live.apply(object, WEB).await, Err(ClusterError::OtherObject), "{name}");
    }

    let mut nowhere = live.settings("one", json!({}));
    nowhere["metadata"]["namespace"] = "hactl-live-nowhere".into();
    let message = "namespaces \"hactl-live-nowhere\" not found".to_owned();
    assert_eq!(live.apply(nowhere, WEB).await, Err(ClusterError::Missing { message }));

    let mut unknown = live.settings("two", json!({}));
    unknown["dat"] = json!({});
    let Err(ClusterError::Invalid { causes, .. }) = live.apply(unknown, WEB).await else { panic!("not refused") };
    assert_eq!(causes.iter().map(|cause| cause.field.as_str()).collect::<Vec<_>>(), ["dat"]);

    let limited = connect(&kubeconfig.with_file_name("limited.kubeconfig"), None).await.unwrap();
    let forbidden = limited.get(live.kind("ConfigMap"), &live.name("one")).await;
    assert!(matches!(forbidden, Err(ClusterError::Forbidden { .. })), "{forbidden:?}");
    assert_eq!(limited.identity().await.unwrap().uid, "");
    live.end().await;
}

#[tokio::test]
async fn changes_are_waited_for_and_logs_read() {
    let Some(kubeconfig) = administrator() else { return };
    let live = Live::new(&kubeconfig, "waits").await;
    let made = live.apply(live.settings("one", json!({})), WEB).await.unwrap();
    let (kind, name) = (live.kind("ConfigMap"), live.name("one"));
    let (changed, next) = tokio::join!(
        live.apply(live.settings("one", json!({"a": "1"})), WEB),
        live.cluster.next(kind, &name, made.resource_version())
    );
    assert_eq!(next.unwrap().unwrap(), changed.unwrap());
    let now = live.get("ConfigMap", "one").await.unwrap();
    let (gone, _) = tokio::join!(
        live.cluster.next(kind, &name, now.resource_version()),
        live.cluster.delete(kind, &name, made.uid())
    );
    assert_eq!(gone, Ok(None));

    let mut pod = live.apply(live.pod("talks", "echo one; echo two; echo three"), WEB).await.unwrap();
    let started = Instant::now();
    while pod.at(&["status", "phase"]) != Some(&json!("Succeeded")) {
        assert!(started.elapsed().as_secs() < 120, "{:?}", pod.0);
        let next = live.cluster.next(live.kind("Pod"), &live.name("talks"), pod.resource_version()).await;
        pod = next.unwrap().unwrap();
    }
    let log = live.cluster.log(&live.name("talks"), "main", false, 2).await;
    assert_eq!(log.as_deref(), Ok("two\nthree\n"));
    let previous = live.cluster.log(&live.name("talks"), "main", true, 2).await;
    assert!(matches!(previous, Err(ClusterError::Refused { status: 400, .. })), "{previous:?}");
    live.end().await;
}

#[tokio::test]
async fn pages_make_one_list() {
    let Some(kubeconfig) = administrator() else { return };
    let live = Live::new(&kubeconfig, "many").await;
    let started = Instant::now();
    let applied = join_all((0..520).map(|index| live.apply(live.settings(&format!("c{index}"), json!({})), WEB))).await;
    assert!(applied.iter().all(Result::is_ok), "{:?}", applied.iter().find(|one| one.is_err()));
    let (applying, started) = (started.elapsed(), Instant::now());
    let label = Some("hactl.io/lineage=live");
    let listed = live.cluster.list(live.kind("ConfigMap"), Some(&live.namespace), label).await.unwrap();
    assert_eq!(listed.len(), 520);
    eprintln!("520 objects: applied in {applying:?}, listed in {:?}", started.elapsed());
    live.end().await;
}

#[tokio::test]
async fn a_node_s_connection_leads_to_the_server() {
    let Some(kubeconfig) = administrator() else { return };
    if std::env::var_os("HACTL_SSH_CONFIG").is_none() {
        return;
    }
    let node = json!({"method": "ssh", "address": "172.30.0.21"});
    let via = Via { node: "worker1".to_owned(), connection: serde_json::from_value(node).unwrap() };
    let through = connect(&kubeconfig, Some(via.clone())).await.unwrap();
    let straight = connect(&kubeconfig, None).await.unwrap();
    assert_eq!(through.identity().await, straight.identity().await);

    let directory = tempfile::tempdir().unwrap();
    let closed = directory.path().join("config");
    let text = std::fs::read_to_string(&kubeconfig).unwrap().replace("172.30.0.20:6443", "127.0.0.1:6444");
    std::fs::write(&closed, text).unwrap();
    let Err(error) = connect(&closed, Some(via)).await else { panic!("connected") };
    let told = "through worker1: connecting to https://127.0.0.1:6444: connect failed: Connection refused";
    assert_eq!(error.to_string(), told);
}

#[tokio::test]
async fn certificates_are_verified_and_tokens_taken() {
    let Some(kubeconfig) = administrator() else { return };
    let token = connect(&kubeconfig.with_file_name("admin-token.kubeconfig"), None).await.unwrap();
    assert_eq!(token.identity().await.unwrap().uid.len(), 36);
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("config");
    let text = std::fs::read_to_string(&kubeconfig).unwrap();
    let mut told = Vec::new();
    for (from, to) in [
        ("certificate-authority-data", "x-authority"),
        ("server:", "tls-server-name: other.example, server:"),
        ("client-certificate-data", "x-certificate"),
    ] {
        assert!(text.contains(from));
        let mut changed = text.replace(from, to);
        if from.starts_with("client") {
            changed = changed.replace("client-key-data", "token: nobody, x-key");
        }
        std::fs::write(&path, changed).unwrap();
        let Err(error) = connect(&path, None).await else { panic!("connected with {to}") };
        told.push(error.to_string().replace(path.to_str().unwrap(), "FILE"));
    }
    insta::assert_snapshot!(told.join("\n"), @"
    the certificate of https://172.30.0.20:6443 is not from an authority that is trusted; check `certificate-authority` in the kubeconfig FILE
    the certificate of https://172.30.0.20:6443 is not for other.example but for 172.30.0.20, 127.0.0.1, 10.96.0.1, localhost, kube, kubernetes, kubernetes.default, kubernetes.default.svc, kubernetes.default.svc.cluster.local; use one of its names in `server`, or as `tls-server-name`, in the kubeconfig FILE
    https://172.30.0.20:6443 does not know this user (401); renew the credentials in the kubeconfig FILE
    ");
}
