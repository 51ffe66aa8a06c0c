//! A server with canned answers, over plain HTTP on loopback.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use hactl_core::cluster::ClusterConnection;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::error::ClusterError;
use crate::server::KubeClusters;
use crate::{Cluster, Clusters, Tunnel};

/// What the server does with a request.
pub(super) enum Reply {
    /// Answers with this status and JSON.
    Json(u16, String),
    /// Answers with these headers (each with its line end) as well.
    With(u16, &'static str, String),
    /// Sends this much and keeps the connection open.
    Stream(String),
    /// Closes the connection without an answer.
    Close,
    /// Never answers.
    Silence,
}

/// A success.
pub(super) fn ok(body: &str) -> Reply {
    Reply::Json(200, body.to_owned())
}

/// A server that runs until it is dropped.
pub(super) struct Canned {
    pub(super) url: String,
    directory: TempDir,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Canned {
    /// `answer` is given a request as in `GET /path?query`, and its body; `/version` is answered already.
    pub(super) async fn new(answer: impl Fn(&str, &str) -> Reply + Send + Sync + 'static) -> Self {
        Self::bare(move |request, body| match request {
            "GET /version" => ok(r#"{"gitVersion":"v1.20.2"}"#),
            _ => answer(request, body),
        })
        .await
    }

    pub(super) async fn bare(answer: impl Fn(&str, &str) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let requests = Arc::new(Mutex::new(Vec::new()));
        let (seen, answer) = (requests.clone(), Arc::new(answer));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, seen.clone(), answer.clone()));
            }
        });
        Self { url, directory: tempfile::tempdir().unwrap(), requests }
    }

    pub(super) async fn connect(&self) -> Result<Arc<dyn Cluster>, ClusterError> {
        std::fs::write(self.directory.path().join("config"), kubeconfig(&self.url, "{token: abc}")).unwrap();
        connect(self.directory.path().to_owned()).await
    }

    /// The requests so far, but for those of the connection.
    pub(super) fn requests(&self) -> Vec<String> {
        let requests = self.requests.lock().unwrap();
        requests.iter().filter(|request| *request != "GET /version").cloned().collect()
    }
}

/// Connects with the kubeconfig `config` in a directory.
pub(super) async fn connect(directory: PathBuf) -> Result<Arc<dyn Cluster>, ClusterError> {
    let connection = ClusterConnection { kubeconfig: Some("config".to_owned()), ..ClusterConnection::default() };
    KubeClusters::new(directory, no_tunnel()).connect(&connection).await
}

/// No node can be gone through.
pub(super) fn no_tunnel() -> Tunnel {
    Arc::new(|via, _, _| Box::pin(async move { Err(format!("{} does not answer", via.node)) }))
}

/// A kubeconfig with one context.
pub(super) fn kubeconfig(server: &str, user: &str) -> String {
    format!(
        "apiVersion: v1\nkind: Config\ncurrent-context: one\n\
         clusters: [{{name: one, cluster: {{server: \"{server}\"}}}}]\n\
         users: [{{name: one, user: {user}}}]\n\
         contexts: [{{name: one, context: {{cluster: one, user: one}}}}]\n"
    )
}

async fn serve(
    mut stream: TcpStream,
    seen: Arc<Mutex<Vec<String>>>,
    answer: Arc<impl Fn(&str, &str) -> Reply + Send + Sync + 'static>,
) {
    while let Some((request, body)) = read(&mut stream).await {
        seen.lock().unwrap().push(request.clone());
        let text = |status: u16, headers: &str, body: &str| {
            let length = body.len();
            format!(
                "HTTP/1.1 {status} Status\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n{headers}\r\n{body}"
            )
        };
        let written = match answer(&request, &body) {
            Reply::Json(status, body) => text(status, "", &body),
            Reply::With(status, headers, body) => text(status, headers, &body),
            Reply::Stream(body) => format!("HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\n{body}"),
            Reply::Close => return,
            Reply::Silence => std::future::pending().await,
        };
        if stream.write_all(written.as_bytes()).await.is_err() {
            return;
        }
    }
}

/// The next request: its first line without the protocol, and its body.
async fn read(stream: &mut TcpStream) -> Option<(String, String)> {
    let mut bytes = Vec::new();
    loop {
        let mut piece = [0; 4096];
        let count = stream.read(&mut piece).await.ok().filter(|count| *count > 0)?;
        bytes.extend_from_slice(&piece[..count]);
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let length = head.lines().find_map(|line| line.to_lowercase().strip_prefix("content-length: ")?.parse().ok());
        if body.len() >= length.unwrap_or(0) {
            return Some((head.lines().next()?.trim_end_matches(" HTTP/1.1").to_owned(), body.to_owned()));
        }
    }
}
