//! The HTTP client: connections to the socket, and the version of the API.

use std::error::Error;
use std::io;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Instant;

use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::header::CONTENT_TYPE;
use hyper::{Method, Request, Response, Uri};
use hyper_util::client::legacy::Client as HttpClient;
use hyper_util::rt::{TokioExecutor, TokioIo};
use serde::de::DeserializeOwned;
use tokio::net::UnixStream;
use tokio::sync::OnceCell;
use tokio::time::timeout;

use crate::docker::call::{Answer, Call, Errand, causes};
use crate::docker::wire;
use crate::error::HostError;

/// The API hactl is written for.
const API: ApiVersion = ApiVersion(1, 41);

/// An answer that is read piece by piece.
pub(super) struct Stream {
    errand: Errand,
    body: Incoming,
}

impl Stream {
    /// The next bytes; none at the end. Waits as long as its call's limit says for each.
    pub(super) async fn next(&mut self) -> Result<Option<Bytes>, HostError> {
        loop {
            let frame = timeout(self.errand.limit, self.body.frame()).await.map_err(|_| self.errand.too_slow())?;
            match frame {
                None => return Ok(None),
                Some(frame) => {
                    if let Ok(bytes) = frame.map_err(|error| self.errand.broken(&error))?.into_data() {
                        return Ok(Some(bytes));
                    }
                }
            }
        }
    }

    pub(super) fn errand(&self) -> &Errand {
        &self.errand
    }
}

/// Why an engine did not say what it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum EngineFailure {
    /// The connection was accepted and closed without an answer. On a forwarded socket: the SSH server could not
    /// open the engine's socket, because it is absent or the user may not use it.
    Silent {
        /// The socket, on the local machine.
        socket: PathBuf,
    },
    /// Anything else.
    Host(HostError),
}

impl From<HostError> for EngineFailure {
    fn from(error: HostError) -> Self {
        Self::Host(error)
    }
}

impl From<EngineFailure> for HostError {
    fn from(failure: EngineFailure) -> Self {
        match failure {
            EngineFailure::Silent { socket } => {
                Self::EngineUnusable { reason: format!("{} closes connections without an answer", socket.display()) }
            }
            EngineFailure::Host(error) => error,
        }
    }
}

/// Major and minor number of the API.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct ApiVersion(u32, u32);

impl ApiVersion {
    fn parse(text: &str) -> Option<Self> {
        let (major, minor) = text.split_once('.')?;
        Some(Self(major.parse().ok()?, minor.parse().ok()?))
    }
}

impl std::fmt::Display for ApiVersion {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}", self.0, self.1)
    }
}

/// What an engine said of itself.
#[derive(Debug)]
pub(super) struct EngineVersion {
    /// As in `20.10.24`.
    pub(super) engine: String,
    /// The API version that all paths name.
    pub(super) api: ApiVersion,
    pub(super) is_podman: bool,
}

/// The API version to speak: the one hactl is written for, or the engine's oldest where that is newer.
pub(super) fn choose_version(version: wire::Version) -> Result<EngineVersion, HostError> {
    let unusable = |reason| Err(HostError::EngineUnusable { reason });
    let Some(newest) = ApiVersion::parse(&version.api_version) else {
        return unusable("it does not say which API it speaks".to_owned());
    };
    if newest < API {
        return unusable(format!("its API is {newest}, hactl needs {API} (Docker Engine 20.10)"));
    }
    let oldest = ApiVersion::parse(&version.min_api_version).unwrap_or(API);
    let is_podman = version.components.iter().any(|component| component.name.contains("Podman"));
    Ok(EngineVersion { engine: version.version, api: API.max(oldest), is_podman })
}

/// Why a request got no answer.
enum Trouble {
    /// There was no connection: nothing was done.
    NoConnection(HostError),
    /// It broke, or was too slow; the errand says what that means.
    Broken(HostError),
}

impl From<Trouble> for HostError {
    fn from(trouble: Trouble) -> Self {
        match trouble {
            Trouble::NoConnection(error) | Trouble::Broken(error) => error,
        }
    }
}

/// What the log is told of a request: no query, no header and no body, which hold what users wrote.
struct About {
    method: Method,
    path: String,
    started: Instant,
}

impl About {
    fn of(call: &Call) -> Self {
        let path = call.path.split('?').next().unwrap_or_default();
        Self { method: call.method.clone(), path: path.to_owned(), started: Instant::now() }
    }

    fn asked(&self) {
        tracing::trace!(method = %self.method, path = self.path, "Docker Engine asked");
    }

    fn answered(&self, status: u16) {
        let elapsed = self.started.elapsed();
        tracing::debug!(method = %self.method, path = self.path, status, ?elapsed, "Docker Engine answered");
    }

    fn not_answered(&self, why: &str) {
        let elapsed = self.started.elapsed();
        tracing::debug!(method = %self.method, path = self.path, why, ?elapsed, "Docker Engine did not answer");
    }
}

/// A pool of connections to one engine.
pub(super) struct Client {
    socket: PathBuf,
    http: HttpClient<Connector, Full<Bytes>>,
    version: OnceCell<EngineVersion>,
}

impl Client {
    pub(super) fn new(socket: PathBuf) -> Self {
        let http = HttpClient::builder(TokioExecutor::new()).build(Connector(socket.clone()));
        Self { socket, http, version: OnceCell::new() }
    }

    /// The engine's version, asked for once; after a failure it is asked for again.
    pub(super) async fn version(&self) -> Result<&EngineVersion, EngineFailure> {
        let ask = || async {
            let version = self.unversioned("ask for the engine's version", "/version").await?;
            Ok(choose_version(version)?)
        };
        self.version.get_or_try_init(ask).await
    }

    /// A look that does not depend on the API's version.
    pub(super) async fn unversioned<T: DeserializeOwned>(
        &self,
        operation: &str,
        path: &str,
    ) -> Result<T, EngineFailure> {
        let call = Call::get(operation, path);
        let errand = call.errand();
        let answer = timeout(call.limit, async { self.whole(self.request("", call).await?).await }).await;
        match answer {
            Ok(Ok(answer)) => Ok(answer.json()?),
            Ok(Err(Trouble::Broken(_))) => Err(EngineFailure::Silent { socket: self.socket.clone() }),
            Ok(Err(Trouble::NoConnection(error))) => Err(error.into()),
            Err(_) => Err(errand.too_slow().into()),
        }
    }

    /// Sends a request and waits for the whole answer, of whatever status.
    pub(super) async fn send(&self, call: Call) -> Result<Answer, HostError> {
        let prefix = self.prefix().await?;
        let errand = call.errand();
        let answer = async { Ok(self.whole(self.request(&prefix, call).await?).await?) };
        timeout(errand.limit, answer).await.unwrap_or_else(|_| Err(errand.too_slow()))
    }

    /// Sends a request whose answer is read piece by piece.
    ///
    /// # Errors
    /// Also the whole answer, where the engine refuses: `Ok(Err(answer))`.
    pub(super) async fn open(&self, call: Call) -> Result<Result<Stream, Answer>, HostError> {
        let prefix = self.prefix().await?;
        let errand = call.errand();
        let opened = async {
            let (errand, response) = self.request(&prefix, call).await?;
            if response.status().is_success() {
                return Ok(Ok(Stream { errand, body: response.into_body() }));
            }
            Ok(Err(self.whole((errand, response)).await?))
        };
        timeout(errand.limit, opened).await.unwrap_or_else(|_| Err(errand.too_slow()))
    }

    async fn prefix(&self) -> Result<String, HostError> {
        Ok(format!("/v{}", self.version().await?.api))
    }

    async fn request(&self, prefix: &str, call: Call) -> Result<(Errand, Response<Incoming>), Trouble> {
        let errand = call.errand();
        let about = About::of(&call);
        let mut request = Request::builder().method(call.method).uri(format!("http://docker{prefix}{}", call.path));
        if !call.body.is_empty() {
            request = request.header(CONTENT_TYPE, "application/json");
        }
        if let Some((name, value)) = call.header {
            request = request.header(name, value);
        }
        let request = request
            .body(Full::new(call.body))
            .map_err(|error| Trouble::NoConnection(errand.refused(format!("it cannot be asked for: {error}"))))?;
        about.asked();
        match self.http.request(request).await {
            Ok(response) => {
                about.answered(response.status().as_u16());
                Ok((errand, response))
            }
            Err(error) if error.is_connect() => {
                about.not_answered("no connection");
                Err(Trouble::NoConnection(no_connection(&self.socket, &error)))
            }
            Err(error) => {
                about.not_answered("the connection broke");
                Err(Trouble::Broken(errand.broken(&error)))
            }
        }
    }

    async fn whole(&self, (errand, response): (Errand, Response<Incoming>)) -> Result<Answer, Trouble> {
        let status = response.status();
        let body = response.into_body().collect().await;
        let body = body.map_err(|error| Trouble::Broken(errand.broken(&error)))?.to_bytes();
        Ok(Answer { errand, status, body })
    }
}

/// What it means that a socket cannot be connected to.
pub(super) fn no_connection(socket: &Path, error: &(dyn Error + 'static)) -> HostError {
    let cause = causes(error).find_map(|error| error.downcast_ref::<io::Error>());
    let socket = socket.display();
    let reason = match cause.map(io::Error::kind) {
        Some(io::ErrorKind::NotFound) => format!("there is no Docker Engine at {socket}"),
        Some(io::ErrorKind::PermissionDenied) => format!("the user may not use {socket}"),
        Some(io::ErrorKind::ConnectionRefused) => format!("it does not run: nothing listens at {socket}"),
        _ => {
            let cause = cause.map_or_else(|| error.to_string(), ToString::to_string);
            return HostError::Unreachable { reason: format!("connecting to Docker Engine at {socket}: {cause}") };
        }
    };
    HostError::EngineUnusable { reason }
}

/// Connects to the socket, whatever the address.
#[derive(Clone)]
struct Connector(PathBuf);

impl tower_service::Service<Uri> for Connector {
    type Response = TokioIo<UnixStream>;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<Self::Response>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Uri) -> Self::Future {
        let socket = self.0.clone();
        Box::pin(async move { Ok(TokioIo::new(UnixStream::connect(socket).await?)) })
    }
}
