//! An engine that gives prepared answers, over a real socket.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{UnixListener, UnixStream};

use crate::docker::Docker;

/// What it does with a request.
pub(super) enum Reply {
    /// Answers with this status and body.
    Json(u16, String),
    /// Answers with the beginning of a longer body, then closes the connection.
    Cut(String),
    /// Closes the connection.
    Close,
    /// Says nothing.
    Silence,
}

/// An answer of status 200.
pub(super) fn ok(body: &str) -> Reply {
    Reply::Json(200, body.to_owned())
}

/// A refusal in the engine's form.
pub(super) fn refuse(status: u16, message: &str) -> Reply {
    Reply::Json(status, serde_json::json!({"message": message}).to_string())
}

/// What Engine 20.10 says of its version.
pub(super) const VERSION: &str = r#"{"Version":"20.10.24","ApiVersion":"1.41","MinAPIVersion":"1.12"}"#;

type Answers = dyn Fn(&str, &str) -> Reply + Send + Sync;

/// The engine, for as long as it is kept.
pub(super) struct CannedEngine {
    pub(super) docker: Docker,
    requests: Arc<Mutex<Vec<String>>>,
    _directory: tempfile::TempDir,
}

impl CannedEngine {
    /// Answers each request, given as `GET /v1.41/info` and its body; `GET /version` is answered by itself.
    pub(super) fn new(answers: impl Fn(&str, &str) -> Reply + Send + Sync + 'static) -> Self {
        Self::bare(move |request, body| if request == "GET /version" { ok(VERSION) } else { answers(request, body) })
    }

    /// The same without an answer to `GET /version`.
    pub(super) fn bare(answers: impl Fn(&str, &str) -> Reply + Send + Sync + 'static) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let socket: PathBuf = directory.path().join("docker.sock");
        let listener = UnixListener::bind(&socket).unwrap();
        let requests = Arc::new(Mutex::new(Vec::new()));
        let (answers, seen): (Arc<Answers>, _) = (Arc::new(answers), requests.clone());
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, answers.clone(), seen.clone()));
            }
        });
        Self { docker: Docker::at(socket), requests, _directory: directory }
    }

    /// The requests so far, without their bodies.
    pub(super) fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }
}

async fn serve(mut stream: UnixStream, answers: Arc<Answers>, seen: Arc<Mutex<Vec<String>>>) {
    let mut read = Vec::new();
    while let Some((request, body)) = request(&mut stream, &mut read).await {
        seen.lock().unwrap().push(request.clone());
        let (status, body, length) = match answers(&request, &body) {
            Reply::Json(status, body) => (status, body.clone(), body.len()),
            Reply::Cut(body) => (200, body.clone(), body.len() + 100),
            Reply::Close => return,
            Reply::Silence => return std::future::pending().await,
        };
        let answer = match status {
            204 | 304 => format!("HTTP/1.1 {status} Canned\r\n\r\n"),
            _ => format!("HTTP/1.1 {status} Canned\r\nContent-Length: {length}\r\n\r\n{body}"),
        };
        if stream.write_all(answer.as_bytes()).await.is_err() || length > body.len() {
            return;
        }
    }
}

async fn request(stream: &mut UnixStream, read: &mut Vec<u8>) -> Option<(String, String)> {
    loop {
        let text = String::from_utf8_lossy(read).into_owned();
        if let Some((head, rest)) = text.split_once("\r\n\r\n") {
            let length =
                head.lines().find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length: ")?.parse().ok());
            let length: usize = length.unwrap_or_default();
            if rest.len() >= length {
                let line = head.lines().next()?.strip_suffix(" HTTP/1.1")?.to_owned();
                let body = rest[..length].to_owned();
                read.drain(..head.len() + 4 + length);
                return Some((line, body));
            }
        }
        if stream.read_buf(read).await.ok()? == 0 {
            return None;
        }
    }
}
