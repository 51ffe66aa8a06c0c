//! One request: how it is sent, tried again, and logged.

use std::fmt::Display;
use std::time::{Duration, Instant};

use http_body_util::BodyExt;
use hyper::body::Bytes;
use hyper::header::{ACCEPT, CONTENT_TYPE, RETRY_AFTER, USER_AGENT};
use hyper::{Method, Request, Response};
use kube::Client;
use kube::client::Body;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::de::DeserializeOwned;
use tokio::sync::Semaphore;
use tokio::time::timeout;

use crate::error::ClusterError;
use crate::server::kubeconfig::Names;
use crate::server::status::{self, Asked};
use crate::server::trouble;

/// How long a request may take.
const LIMIT: Duration = Duration::from_secs(60);
/// The most requests at a time, and so the most connections.
const REQUESTS: usize = 16;
/// How often a request is sent that a busy server turns away.
const TRIES: u32 = 5;
/// The wait before the second try where the server names none; each later one is twice as long.
const FIRST_WAIT: Duration = Duration::from_millis(300);
/// The longest wait that a server can ask for.
const LONGEST_WAIT: Duration = Duration::from_secs(10);

/// Characters that stay as they are in paths and queries: names of roles have colons.
const KEPT: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b':').remove(b'@').remove(b'=');

/// Makes a text fit for a path or a query.
pub(super) fn encoded(text: &str) -> impl Display {
    utf8_percent_encode(text, KEPT)
}

/// JSON that reads the same as YAML, which servers take the body of an apply for: YAML folds some characters that JSON leaves
/// alone, and refuses others. In JSON they can only stand in strings, and so be written as escapes.
fn as_yaml(json: Vec<u8>) -> Vec<u8> {
    let differs =
        |c: char| matches!(c, '\u{7f}'..='\u{9f}' | '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}');
    match std::str::from_utf8(&json) {
        Ok(text) if text.contains(differs) => {
            let mut escaped = String::with_capacity(text.len() + 64);
            for c in text.chars() {
                if differs(c) {
                    escaped.push_str(&format!("\\u{:04x}", u32::from(c)));
                } else {
                    escaped.push(c);
                }
            }
            escaped.into_bytes()
        }
        _ => json,
    }
}

/// One request.
#[derive(Clone)]
pub(super) struct Call {
    method: Method,
    /// With its query, [`encoded`].
    path: String,
    body: Bytes,
    content_type: &'static str,
    asked: Asked,
    /// What is changed, for errors, as in `applying Deployment cattle-system/cattle`; none for what only looks.
    changes: Option<String>,
}

impl Call {
    /// A look.
    pub(super) fn get(path: impl Into<String>) -> Self {
        Self {
            method: Method::GET,
            path: path.into(),
            body: Bytes::new(),
            content_type: "",
            asked: Asked::Other,
            changes: None,
        }
    }

    /// A server-side apply of an object in JSON. `changes` is none where it only tries.
    pub(super) fn apply(path: String, object: Vec<u8>, secret: bool, changes: Option<String>) -> Self {
        Self {
            method: Method::PATCH,
            body: as_yaml(object).into(),
            content_type: "application/apply-patch+yaml",
            asked: Asked::Apply { secret },
            changes,
            ..Self::get(path)
        }
    }

    /// A deletion, with its options in JSON.
    pub(super) fn delete(path: String, options: Vec<u8>, changes: String) -> Self {
        Self {
            method: Method::DELETE,
            body: options.into(),
            content_type: "application/json",
            changes: Some(changes),
            ..Self::get(path)
        }
    }

    fn request(&self) -> Result<Request<Body>, hyper::http::Error> {
        let mut request = Request::builder()
            .method(self.method.clone())
            .uri(&self.path)
            .header(ACCEPT, "application/json, */*")
            .header(USER_AGENT, concat!("hactl/", env!("CARGO_PKG_VERSION")));
        if !self.body.is_empty() {
            request = request.header(CONTENT_TYPE, self.content_type);
        }
        request.body(Body::from(self.body.clone()))
    }

    /// What the log is told of it: queries and bodies hold what users wrote.
    fn shown_path(&self) -> &str {
        self.path.split('?').next().unwrap_or_default()
    }
}

/// A whole answer.
pub(super) struct Answer {
    asked: Asked,
    code: u16,
    retry_after: Option<Duration>,
    body: Bytes,
}

impl Answer {
    pub(super) fn code(&self) -> u16 {
        self.code
    }

    pub(super) fn body(&self) -> &[u8] {
        &self.body
    }

    pub(super) fn is_success(&self) -> bool {
        (200..300).contains(&self.code)
    }

    /// What it means where it is no success.
    pub(super) fn error(&self) -> ClusterError {
        status::error(self.asked, self.code, &self.body)
    }

    /// What it holds.
    ///
    /// # Errors
    /// The refusal, where it is one.
    pub(super) fn json<T: DeserializeOwned>(&self) -> Result<T, ClusterError> {
        if !self.is_success() {
            return Err(self.error());
        }
        serde_json::from_slice(&self.body).map_err(|error| ClusterError::Refused {
            status: self.code,
            // The place alone: serde's words may quote the answer.
            message: format!("hactl does not understand the answer (at byte {})", error.column()),
        })
    }

    /// How long to wait before the same is asked again; none where that is no use.
    fn wait(&self) -> Option<Option<Duration>> {
        match self.code {
            429 => Some(self.retry_after),
            503 => Some(self.retry_after).filter(|wait| wait.is_some()),
            409 if self.asked != Asked::Other && status::is_race(self.code, &self.body) => Some(None),
            _ => None,
        }
    }
}

/// Why a request got no answer.
enum Trouble {
    /// It was not sent.
    NotSent(String),
    /// The connection broke after it may have been.
    Broken(String),
    /// There was no answer in time.
    TooSlow,
}

/// Sends requests to one API server.
pub(super) struct Sender {
    client: Client,
    names: Names,
    slots: Semaphore,
}

impl Sender {
    pub(super) fn new(client: Client, names: Names) -> Self {
        Self { client, names, slots: Semaphore::new(REQUESTS) }
    }

    pub(super) fn names(&self) -> &Names {
        &self.names
    }

    /// Sends a request and waits for its whole answer. A busy server is asked again, and so is one that was only looked
    /// at when the connection broke.
    pub(super) async fn send(&self, call: Call) -> Result<Answer, ClusterError> {
        let (mut tries, mut wait, mut broken) = (0, FIRST_WAIT, false);
        loop {
            tries += 1;
            let once = {
                let _slot = self.slots.acquire().await;
                timeout(LIMIT, self.once(&call)).await.unwrap_or(Err(Trouble::TooSlow))
            };
            match once {
                Ok(answer) => match answer.wait() {
                    Some(named) if tries < TRIES => {
                        let pause = jittered(named.unwrap_or(wait).min(LONGEST_WAIT));
                        tracing::debug!(path = call.shown_path(), status = answer.code, ?pause, "tried again later");
                        tokio::time::sleep(pause).await;
                        wait *= 2;
                    }
                    _ => return self.settled(&call, answer),
                },
                Err(Trouble::Broken(_)) if call.changes.is_none() && !broken => broken = true,
                Err(trouble) => return Err(self.failed(&call, trouble)),
            }
        }
    }

    /// Begins a look whose answer is read as it comes.
    pub(super) async fn open(&self, call: &Call) -> Result<Response<Body>, ClusterError> {
        let opened = timeout(LIMIT, self.begin(call)).await.unwrap_or(Err(Trouble::TooSlow));
        opened.map_err(|trouble| self.failed(call, trouble))
    }

    async fn once(&self, call: &Call) -> Result<Answer, Trouble> {
        let response = self.begin(call).await?;
        let code = response.status().as_u16();
        let header = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.trim().parse().ok());
        let body = response.into_body().collect().await;
        let body = body.map_err(|error| Trouble::Broken(last(&error)))?.to_bytes();
        let retry_after = header.or_else(|| match code {
            429 | 503 => status::retry_after(&body),
            _ => None,
        });
        Ok(Answer { asked: call.asked, code, retry_after: retry_after.map(Duration::from_secs), body })
    }

    async fn begin(&self, call: &Call) -> Result<Response<Body>, Trouble> {
        let (started, method, path) = (Instant::now(), &call.method, call.shown_path());
        let request = call.request().map_err(|error| Trouble::NotSent(format!("it cannot be asked for: {error}")))?;
        match self.client.send(request).await {
            Ok(response) => {
                let status = response.status().as_u16();
                tracing::debug!(%method, path, status, elapsed = ?started.elapsed(), "API server answered");
                Ok(response)
            }
            Err(error) if trouble::is_before_sending(&error) => {
                let reason = trouble::reason(&error, &self.names);
                tracing::debug!(%method, path, reason, elapsed = ?started.elapsed(), "API server not reached");
                Err(Trouble::NotSent(reason))
            }
            Err(error) => {
                let why = last(&error);
                tracing::debug!(%method, path, why, elapsed = ?started.elapsed(), "API server did not answer");
                Err(Trouble::Broken(why))
            }
        }
    }

    /// An answer, unless it says that the server was not reached or that nobody knows what became of the request.
    fn settled(&self, call: &Call, answer: Answer) -> Result<Answer, ClusterError> {
        let Names { server, source, .. } = &self.names;
        let unreachable = |reason| Err(ClusterError::Unreachable { reason });
        match answer.code {
            401 => unreachable(format!("{server} does not know this user (401); renew the credentials in {source}")),
            502 | 504 if call.changes.is_some() => Err(ClusterError::Lost { operation: call.operation() }),
            502..=504 if !status::is_status(&answer.body) => {
                unreachable(format!("no API server answers behind {server} (HTTP {})", answer.code))
            }
            _ => Ok(answer),
        }
    }

    fn failed(&self, call: &Call, trouble: Trouble) -> ClusterError {
        let server = &self.names.server;
        let reason = match trouble {
            Trouble::NotSent(reason) => reason,
            _ if call.changes.is_some() => return ClusterError::Lost { operation: call.operation() },
            Trouble::Broken(why) => format!("the connection to {server} broke: {why}"),
            Trouble::TooSlow => format!("{server} did not answer within {} s", LIMIT.as_secs()),
        };
        ClusterError::Unreachable { reason }
    }
}

impl Call {
    fn operation(&self) -> String {
        self.changes.clone().unwrap_or_default()
    }
}

/// The root of an error.
fn last(error: &(dyn std::error::Error + 'static)) -> String {
    let root = std::iter::successors(Some(error), |error| error.source()).last();
    root.map(ToString::to_string).unwrap_or_default()
}

/// It to half as much again: not sooner than a server asked for.
fn jittered(wait: Duration) -> Duration {
    wait.mul_f64(1.0 + fastrand::f64() / 2.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_yaml_reads_otherwise_is_escaped() {
        let json = "{\"a\":\"x\u{2028}y\u{85}z\u{7f}\u{fffe}\",\"b\":\"\u{e4}\"}";
        let sent = as_yaml(json.as_bytes().to_vec());
        assert_eq!(
            String::from_utf8(sent.clone()).unwrap(),
            "{\"a\":\"x\\u2028y\\u0085z\\u007f\\ufffe\",\"b\":\"\u{e4}\"}"
        );
        let same: serde_json::Value = serde_json::from_slice(&sent).unwrap();
        assert_eq!(same, serde_json::from_str::<serde_json::Value>(json).unwrap());
    }
}
