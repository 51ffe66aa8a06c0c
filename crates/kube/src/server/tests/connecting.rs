//! Connections that do not come about.

use std::sync::Arc;

use hactl_core::cluster::{ClusterConnection, Via};
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};

use super::server::{Canned, Reply, connect, kubeconfig, ok};
use crate::error::ClusterError;
use crate::{Clusters, KubeClusters, Tunnel};

/// Why connecting with this kubeconfig fails.
async fn reason(server: &str, user: &str) -> String {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("config"), kubeconfig(server, user)).unwrap();
    match connect(directory.path().to_owned()).await {
        Err(ClusterError::Unreachable { reason }) => reason,
        Err(other) => panic!("{other:?}"),
        Ok(_) => panic!("connected"),
    }
}

/// A port on loopback at which nothing listens.
async fn closed_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port()
}

#[tokio::test]
async fn a_port_at_which_nothing_listens_refuses() {
    let url = format!("https://127.0.0.1:{}", closed_port().await);
    assert_eq!(reason(&url, "{token: abc}").await, format!("connection refused by {url}"));
}

#[tokio::test]
async fn a_proxy_that_refuses_is_named_without_its_password() {
    let directory = tempfile::tempdir().unwrap();
    let port = closed_port().await;
    for (scheme, why) in [
        ("http", "connection refused by https://10.0.0.1:6443"),
        ("socks5", "connecting to https://10.0.0.1:6443: SOCKS error: failed to create underlying connection"),
    ] {
        let proxy = format!("proxy-url: \"{scheme}://me:hunter2@127.0.0.1:{port}\", server");
        let text = kubeconfig("https://10.0.0.1:6443", "{}").replace("server", &proxy);
        std::fs::write(directory.path().join("config"), text).unwrap();
        let Err(error) = connect(directory.path().to_owned()).await else { panic!("connected") };
        assert_eq!(error.to_string(), format!("through the proxy {scheme}://127.0.0.1:{port}: {why}"));
    }
}

#[tokio::test]
async fn a_name_that_is_not_known_is_said_so() {
    let told = reason("https://nowhere.invalid:6443", "{}").await;
    assert!(told.starts_with("the name of https://nowhere.invalid:6443 is not known: "), "{told}");
}

#[tokio::test]
async fn a_server_without_tls_is_said_so() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
        }
    });
    let told = format!("{url} does not speak TLS; check `server` in the kubeconfig config");
    assert_eq!(reason(&url, "{}").await, told);
}

#[tokio::test]
async fn what_answers_but_is_no_api_server_that_knows_us_is_told_apart() {
    let cases = [
        (401, r#"{"kind":"Status","message":"Unauthorized"}"#),
        (400, "Client sent an HTTP request to an HTTPS server.\n"),
        (503, "<html><body>503</body></html>"),
        (500, r#"{"kind":"Status","message":"etcdserver: no leader"}"#),
    ];
    let mut told = Vec::new();
    for (code, body) in cases {
        let server = Canned::bare(move |_, _| Reply::Json(code, body.to_owned())).await;
        let Err(error) = server.connect().await else { panic!("connected at {code}") };
        told.push(error.to_string().replace(&server.url, "URL"));
    }
    insta::assert_snapshot!(told.join("\n"), @"
    URL does not know this user (401); renew the credentials in the kubeconfig config
    URL does not answer as an API server does (HTTP 400): Client sent an HTTP request to an HTTPS server.
    no API server answers behind URL (HTTP 503)
    URL does not answer as an API server does (HTTP 500): etcdserver: no leader
    ");
}

#[tokio::test]
async fn plugins_that_fail_say_why_and_what_they_printed_is_not_repeated() {
    let plugin = |script: &str| {
        let exec = "apiVersion: client.authentication.k8s.io/v1, interactiveMode: Never";
        format!("{{exec: {{{exec}, command: sh, args: [-c, '{script}']}}}}")
    };
    let mut told = Vec::new();
    for script in ["echo hunter2; echo no login >&2; exit 3", "echo hunter2", "echo {}"] {
        told.push(reason("https://127.0.0.1:1", &plugin(script)).await);
    }
    told.push(reason("https://127.0.0.1:1", "{exec: {command: no-such-plugin, apiVersion: v1}}").await);
    told.push(reason("https://127.0.0.1:1", "{client-certificate-data: aHVudGVyMg==}").await);
    told.push(
        reason("https://127.0.0.1:1", "{client-certificate-data: aHVudGVyMg==, client-key-data: aHVudGVyMg==}").await,
    );
    assert!(!told.concat().contains("hunter"), "{told:#?}");
    insta::assert_snapshot!(told.join("\n"), @"
    the kubeconfig config: its credential plugin failed (exit status: 3): no login
    the kubeconfig config: its credential plugin did not print credentials that a client understands (ExecCredential)
    the kubeconfig config: its credential plugin did not print credentials that a client understands (ExecCredential)
    the kubeconfig config: its credential plugin cannot be started: No such file or directory (os error 2)
    the kubeconfig config: it has no `client-key`, which the other half of it needs
    the kubeconfig config: its `client-certificate` or `client-key` is not in PEM
    ");
}

#[tokio::test]
async fn a_plugin_s_token_is_used_and_the_plugin_runs_once() {
    let server = Canned::bare(|_, _| ok(r#"{"gitVersion":"v1.20.2"}"#)).await;
    let directory = tempfile::tempdir().unwrap();
    let runs = directory.path().join("runs");
    let credential =
        r#"{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":{"token":"abc"}}"#;
    let script = directory.path().join("plugin");
    std::fs::write(&script, format!("echo run >>{}\necho '{credential}'\n", runs.display())).unwrap();
    let user = format!(
        "{{exec: {{apiVersion: client.authentication.k8s.io/v1, interactiveMode: Never, command: sh, args: [{}]}}}}",
        script.display()
    );
    std::fs::write(directory.path().join("config"), kubeconfig(&server.url, &user)).unwrap();
    connect(directory.path().to_owned()).await.unwrap();
    assert_eq!(std::fs::read_to_string(runs).unwrap(), "run\n");
}

fn via(tunnel: Tunnel, url: &str) -> (tempfile::TempDir, KubeClusters, ClusterConnection) {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("config"), kubeconfig(url, "{}")).unwrap();
    let node = Via {
        node: "node1".to_owned(),
        connection: serde_json::from_str(r#"{"method":"local","address":"node1"}"#).unwrap(),
    };
    let connection = ClusterConnection { kubeconfig: Some("config".to_owned()), context: None, via: Some(node) };
    let clusters = KubeClusters::new(directory.path().to_owned(), tunnel);
    (directory, clusters, connection)
}

#[tokio::test]
async fn a_node_makes_the_connections_that_go_through_it() {
    let server = Canned::new(|_, _| ok("{}")).await;
    let to = server.url.strip_prefix("http://").unwrap().to_owned();
    let tunnel: Tunnel = Arc::new(move |via, host, port| {
        let to = to.clone();
        Box::pin(async move {
            assert_eq!((via.node.as_str(), host.as_str(), port), ("node1", "fd00::1", 6443));
            Ok(Box::new(TcpStream::connect(to).await.unwrap()) as _)
        })
    });
    let (_directory, clusters, connection) = via(tunnel, "http://[fd00::1]:6443");
    assert_eq!(clusters.connect(&connection).await.unwrap().identity().await.unwrap().version, "v1.20.2");
}

#[tokio::test]
async fn a_node_that_does_not_answer_is_named() {
    let (_directory, clusters, connection) = via(super::server::no_tunnel(), "https://10.0.0.1:6443");
    let Err(error) = clusters.connect(&connection).await else { panic!("connected") };
    assert_eq!(error.to_string(), "through node1: https://10.0.0.1:6443 is not reached: node1 does not answer");
}
