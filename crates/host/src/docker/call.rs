//! One request and its answer: what is asked, and what refusals, broken connections and silence mean for it.

use std::error::Error;
use std::time::Duration;

use hyper::body::Bytes;
use hyper::header::{HeaderName, HeaderValue};
use hyper::{Method, StatusCode};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::docker::wire;
use crate::error::HostError;

/// How long an operation that only looks may take.
pub(super) const READ_LIMIT: Duration = Duration::from_secs(30);
/// How long an operation that changes something may take, where nothing else is said.
pub(super) const EFFECT_LIMIT: Duration = Duration::from_secs(120);

/// Characters that stay as they are in paths and queries: names of images have slashes and colons.
const KEPT: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b'/').remove(b':').remove(b'@');

/// Makes a text fit for a path or a query.
pub(super) fn encoded(text: &str) -> impl std::fmt::Display {
    utf8_percent_encode(text, KEPT)
}

/// One request.
pub(super) struct Call {
    operation: String,
    pub(super) method: Method,
    pub(super) path: String,
    pub(super) body: Bytes,
    pub(super) header: Option<(HeaderName, HeaderValue)>,
    pub(super) limit: Duration,
}

impl Call {
    /// A look. `operation` is for errors, as in `inspect container web`; `path` begins after the version and is
    /// [`encoded`] already.
    pub(super) fn get(operation: impl Into<String>, path: impl Into<String>) -> Self {
        Self::new(Method::GET, operation, path, READ_LIMIT)
    }

    /// A change.
    pub(super) fn post(operation: impl Into<String>, path: impl Into<String>) -> Self {
        Self::new(Method::POST, operation, path, EFFECT_LIMIT)
    }

    /// A removal.
    pub(super) fn delete(operation: impl Into<String>, path: impl Into<String>) -> Self {
        Self::new(Method::DELETE, operation, path, EFFECT_LIMIT)
    }

    fn new(method: Method, operation: impl Into<String>, path: impl Into<String>, limit: Duration) -> Self {
        Self { operation: operation.into(), method, path: path.into(), body: Bytes::new(), header: None, limit }
    }

    pub(super) fn body(mut self, body: &Value) -> Self {
        self.body = Bytes::from(body.to_string());
        self
    }

    pub(super) fn header(mut self, header: Option<(HeaderName, HeaderValue)>) -> Self {
        self.header = header;
        self
    }

    pub(super) fn limit(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }

    /// What is known of a request, once it was sent, for errors.
    pub(super) fn errand(&self) -> Errand {
        Errand { operation: self.operation.clone(), effect: self.method != Method::GET, limit: self.limit }
    }
}

/// What a request is about, for errors.
#[derive(Clone)]
pub(super) struct Errand {
    operation: String,
    effect: bool,
    pub(super) limit: Duration,
}

impl Errand {
    /// The connection broke after the request may have arrived.
    pub(super) fn broken(&self, error: &(dyn Error + 'static)) -> HostError {
        if self.effect {
            return HostError::Lost { operation: self.operation.clone() };
        }
        let cause = causes(error).last().unwrap_or(error);
        let reason = format!("the connection to Docker Engine broke during {}: {cause}", self.operation);
        HostError::EngineUnusable { reason }
    }

    /// The time limit has passed.
    pub(super) fn too_slow(&self) -> HostError {
        let seconds = self.limit.as_secs();
        tracing::warn!(operation = self.operation, limit = ?self.limit, "Docker Engine did not answer in time");
        if self.effect {
            return HostError::Lost { operation: format!("{} (no answer within {seconds} s)", self.operation) };
        }
        let reason = format!("Docker Engine did not answer within {seconds} s ({})", self.operation);
        HostError::Unreachable { reason }
    }

    /// The engine's refusal, in its words.
    pub(super) fn refused(&self, message: impl Into<String>) -> HostError {
        HostError::Engine { operation: self.operation.clone(), message: message.into() }
    }
}

/// A whole answer.
pub(super) struct Answer {
    pub(super) errand: Errand,
    pub(super) status: StatusCode,
    pub(super) body: Bytes,
}

impl Answer {
    pub(super) fn status(&self) -> u16 {
        self.status.as_u16()
    }

    /// Whether it was done, or had been done before (304).
    pub(super) fn is_done(&self) -> bool {
        self.status.is_success() || self.status == StatusCode::NOT_MODIFIED
    }

    pub(super) fn is_not_found(&self) -> bool {
        self.status == StatusCode::NOT_FOUND
    }

    /// The engine's words for a refusal.
    pub(super) fn message(&self) -> String {
        if let Ok(refusal) = wire::decode::<wire::Refusal>(&self.body) {
            return refusal.message.trim().to_owned();
        }
        match String::from_utf8_lossy(&self.body).trim() {
            "" => format!("HTTP {}", self.status()),
            text => text.to_owned(),
        }
    }

    /// The engine's refusal.
    pub(super) fn refusal(&self) -> HostError {
        self.errand.refused(self.message())
    }

    /// The answer, if it was done.
    pub(super) fn done(self) -> Result<Self, HostError> {
        if self.is_done() { Ok(self) } else { Err(self.refusal()) }
    }

    /// What it holds, if it was done.
    pub(super) fn json<T: DeserializeOwned>(&self) -> Result<T, HostError> {
        if !self.is_done() {
            return Err(self.refusal());
        }
        let unclear = |reason| self.errand.refused(format!("hactl does not understand the engine's answer: {reason}"));
        wire::decode(&self.body).map_err(unclear)
    }
}

/// An error and what it is due to, the root last.
pub(super) fn causes<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |error: &&'a (dyn Error + 'static)| (*error).source())
}
