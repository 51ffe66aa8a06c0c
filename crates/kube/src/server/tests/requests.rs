//! Operations: what is asked, and what answers and broken connections mean.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::json;

use super::server::{Canned, Reply, ok};
use crate::error::ClusterError;
use crate::{Applying, Name, Object, ServedKind};

const HOW: Applying<'_> = Applying { manager: "hactl-1-2", force: false, dry_run: false };
const WEB: Name<'_> = Name { namespace: Some("shop"), name: "web" };

fn deployments() -> ServedKind {
    ServedKind {
        group: "apps".to_owned(),
        version: "v1".to_owned(),
        kind: "Deployment".to_owned(),
        plural: "deployments".to_owned(),
        namespaced: true,
    }
}

fn object(version: &str) -> String {
    json!({
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web", "namespace": "shop", "uid": "u1", "resourceVersion": version},
    })
    .to_string()
}

fn deployment() -> Object {
    serde_json::from_str(&object("1")).unwrap()
}

#[tokio::test]
async fn types_are_asked_for_by_group_and_once() {
    let server = Canned::new(|request, _| match request {
        "GET /api" => ok(r#"{"versions":["v1"]}"#),
        "GET /api/v1" => ok(r#"{"resources":[{"name":"pods","kind":"Pod","namespaced":true},
            {"name":"pods/log","kind":"Pod","namespaced":true},{"name":"nodes","kind":"Node","namespaced":false}]}"#),
        "GET /apis/networking.k8s.io" => ok(r#"{"versions":[{"version":"v1beta1"},{"version":"v1"}],
            "preferredVersion":{"version":"v1"}}"#),
        "GET /apis/networking.k8s.io/v1" | "GET /apis/networking.k8s.io/v1beta1" => {
            ok(r#"{"resources":[{"name":"ingresses","kind":"Ingress","namespaced":true}]}"#)
        }
        _ => Reply::Json(404, String::new()),
    })
    .await;
    let cluster = server.connect().await.unwrap();
    let groups = BTreeSet::from(["", "networking.k8s.io", "nothing.example"].map(str::to_owned));
    let (one, two) = tokio::join!(cluster.served(&groups), cluster.served(&groups));
    assert_eq!(one, two);
    let kinds: Vec<String> =
        one.unwrap().iter().map(|kind| format!("{} {} {}", kind.api_version(), kind.plural, kind.namespaced)).collect();
    assert_eq!(
        kinds,
        [
            "v1 pods true",
            "v1 nodes false",
            "networking.k8s.io/v1 ingresses true",
            "networking.k8s.io/v1beta1 ingresses true"
        ]
    );
    assert_eq!(server.requests().len(), 6);
    cluster.forget_served().await;
    cluster.served(&BTreeSet::from(["".to_owned()])).await.unwrap();
    assert_eq!(server.requests().len(), 8);
}

#[tokio::test]
async fn lists_come_in_pages_and_begin_anew_when_the_server_forgot_them() {
    let asked = AtomicUsize::new(0);
    let page = |next: &str, name: &str| {
        ok(&json!({"metadata": {"continue": next}, "items": [{"metadata": {"name": name}}]}).to_string())
    };
    let server = Canned::new(move |request, _| match asked.fetch_add(1, Ordering::Relaxed) {
        0 => page("a/b", "one"),
        1 => Reply::Json(410, r#"{"kind":"Status","reason":"Expired","message":"too old"}"#.to_owned()),
        2 => page("c", "one"),
        3 => page("", "two"),
        _ => panic!("{request}"),
    })
    .await;
    let cluster = server.connect().await.unwrap();
    let objects = cluster.list(&deployments(), Some("shop"), Some("hactl.io/lineage=1")).await.unwrap();
    let objects: Vec<String> = objects.iter().map(|object| format!("{} {object:?}", object.api_version())).collect();
    assert_eq!(objects, ["apps/v1 Deployment one", "apps/v1 Deployment two"]);
    let list = "GET /apis/apps/v1/namespaces/shop/deployments?limit=500&labelSelector=hactl.io%2Flineage=1";
    assert_eq!(
        server.requests(),
        [list.to_owned(), format!("{list}&continue=a%2Fb"), list.to_owned(), format!("{list}&continue=c")]
    );
}

#[tokio::test]
async fn an_apply_says_who_applies_and_how() {
    let server = Canned::new(|_, body| ok(body)).await;
    let cluster = server.connect().await.unwrap();
    let applied = cluster.apply(&deployments(), &deployment(), &HOW).await;
    assert_eq!(applied, Ok(deployment()));
    let forced = Applying { force: true, dry_run: true, ..HOW };
    cluster.apply(&deployments(), &deployment(), &forced).await.unwrap();
    let path = "PATCH /apis/apps/v1/namespaces/shop/deployments/web?fieldManager=hactl-1-2";
    assert_eq!(
        server.requests(),
        [
            format!("{path}&force=false&fieldValidation=Strict"),
            format!("{path}&force=true&fieldValidation=Strict&dryRun=All")
        ]
    );
}

#[tokio::test]
async fn deleting_what_is_gone_or_was_made_again_is_no_error() {
    let replies = [
        (404, r#"{"message":"deployments.apps \"web\" not found"}"#),
        (409, r#"{"message":"Precondition failed: UID in precondition: a, UID in object meta: b"}"#),
        (200, r#"{"kind":"Status","status":"Success"}"#),
        (403, r#"{"message":"no"}"#),
    ];
    for (code, body) in replies {
        let server = Canned::new(move |_, asked| {
            assert!(asked.contains(r#""preconditions":{"uid":"u1"},"propagationPolicy":"Background""#), "{asked}");
            Reply::Json(code, body.to_owned())
        })
        .await;
        let deleted = server.connect().await.unwrap().delete(&deployments(), &WEB, "u1").await;
        let forbidden = Err(ClusterError::Forbidden { message: "no".to_owned() });
        assert_eq!(deleted, if code == 403 { forbidden } else { Ok(()) });
    }
}

#[tokio::test]
async fn a_busy_server_is_asked_again() {
    let asked = AtomicUsize::new(0);
    let server = Canned::new(move |_, body| match asked.fetch_add(1, Ordering::Relaxed) {
        0 => Reply::With(429, "retry-after: 0\r\n", String::new()),
        1 => Reply::With(503, "retry-after: 0\r\n", String::new()),
        2 => Reply::Json(409, r#"{"reason":"AlreadyExists","message":"already exists"}"#.to_owned()),
        _ => ok(body),
    })
    .await;
    let cluster = server.connect().await.unwrap();
    assert!(cluster.apply(&deployments(), &deployment(), &HOW).await.is_ok());
    assert_eq!(server.requests().len(), 4);
}

#[tokio::test]
async fn a_connection_that_breaks_leaves_changes_in_doubt_and_looks_are_tried_again() {
    let server = Canned::new(|_, _| Reply::Close).await;
    let cluster = server.connect().await.unwrap();
    let applied = cluster.apply(&deployments(), &deployment(), &HOW).await;
    assert_eq!(applied, Err(ClusterError::Lost { operation: "applying Deployment shop/web".to_owned() }));
    let deleted = cluster.delete(&deployments(), &WEB, "u1").await;
    assert_eq!(deleted, Err(ClusterError::Lost { operation: "deleting Deployment shop/web".to_owned() }));
    assert_eq!(server.requests().len(), 2);
    let Err(ClusterError::Unreachable { reason }) = cluster.get(&deployments(), &WEB).await else {
        panic!("a look that broke was answered");
    };
    assert!(reason.starts_with(&format!("the connection to {} broke: ", server.url)), "{reason}");
    assert_eq!(server.requests().len(), 4);
    let dry = Applying { dry_run: true, ..HOW };
    assert!(matches!(cluster.apply(&deployments(), &deployment(), &dry).await, Err(ClusterError::Unreachable { .. })));
}

#[tokio::test]
async fn an_answer_that_does_not_come_is_not_waited_for_forever() {
    let server = Canned::new(|_, _| Reply::Silence).await;
    let cluster = server.connect().await.unwrap();
    tokio::time::pause();
    let reason = format!("{} did not answer within 60 s", server.url);
    assert_eq!(cluster.get(&deployments(), &WEB).await, Err(ClusterError::Unreachable { reason }));
    let operation = "applying Deployment shop/web".to_owned();
    assert_eq!(cluster.apply(&deployments(), &deployment(), &HOW).await, Err(ClusterError::Lost { operation }));
}

#[tokio::test]
async fn a_gateway_that_lost_the_server_is_told_from_a_server() {
    for (code, body) in [(502, "<html>"), (503, "no backend"), (504, "<html>")] {
        let server = Canned::new(move |_, _| Reply::Json(code, body.to_owned())).await;
        let cluster = server.connect().await.unwrap();
        let looked = cluster.get(&deployments(), &WEB).await;
        let reason = format!("no API server answers behind {} (HTTP {code})", server.url);
        assert_eq!(looked, Err(ClusterError::Unreachable { reason: reason.clone() }));
        let applied = cluster.apply(&deployments(), &deployment(), &HOW).await;
        let lost = ClusterError::Lost { operation: "applying Deployment shop/web".to_owned() };
        assert_eq!(applied, Err(if code == 503 { ClusterError::Unreachable { reason } } else { lost }));
    }
}

#[tokio::test]
async fn a_change_is_seen_by_the_watch() {
    let server = Canned::new(|request, _| match request.contains("watch=1") {
        true => Reply::Stream(format!(
            "{{\"type\":\"MODIFIED\",\"object\":{}}}\n{{\"type\":\"MODIFIED\",\"object\":{}}}\n",
            object("1"),
            object("2")
        )),
        false => panic!("{request}"),
    })
    .await;
    let cluster = server.connect().await.unwrap();
    let next = cluster.next(&deployments(), &WEB, "1").await.unwrap().unwrap();
    assert_eq!(next.resource_version(), "2");
    let watch = "fieldSelector=metadata.name=web&timeoutSeconds=30&resourceVersion=1";
    let list = "GET /apis/apps/v1/namespaces/shop/deployments";
    assert_eq!(server.requests(), [format!("{list}?watch=1&{watch}")]);
}

#[tokio::test]
async fn an_object_is_looked_at_where_it_cannot_be_watched() {
    let asked = AtomicUsize::new(0);
    let server = Canned::new(move |request, _| match request.contains("watch=1") {
        true => Reply::Json(403, String::new()),
        false if asked.fetch_add(1, Ordering::Relaxed) == 0 => ok(&object("1")),
        false => Reply::Json(404, String::new()),
    })
    .await;
    let cluster = server.connect().await.unwrap();
    assert_eq!(cluster.next(&deployments(), &WEB, "1").await, Ok(None));
    assert_eq!(server.requests().len(), 3);
}

#[tokio::test]
async fn at_most_sixteen_requests_run_at_once() {
    let server = Canned::new(|_, _| Reply::Silence).await;
    let cluster = server.connect().await.unwrap();
    let (kind, looks) = (deployments(), 40);
    let all = futures_util::future::join_all((0..looks).map(|_| cluster.get(&kind, &WEB)));
    let _ = tokio::time::timeout(std::time::Duration::from_millis(500), all).await;
    assert_eq!(server.requests().len(), 16);
}

#[tokio::test]
async fn which_cluster_it_is_stays_open_where_that_may_not_be_read() {
    let server = Canned::new(|_, _| Reply::Json(403, String::new())).await;
    let identity = server.connect().await.unwrap().identity().await.unwrap();
    assert_eq!((identity.uid.as_str(), identity.version.as_str()), ("", "v1.20.2"));
}
