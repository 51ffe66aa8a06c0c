//! The way to an API server: straight, through a node, through a proxy; with TLS over it.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::future::BoxFuture;
use hactl_core::cluster::Via;
use hyper::Uri;
use hyper::rt::{Read, Write};
use hyper_timeout::TimeoutConnector;
use hyper_util::client::legacy::Client as HttpClient;
use hyper_util::client::legacy::connect::proxy::{SocksV5, Tunnel as ProxyTunnel};
use hyper_util::client::legacy::connect::{Connected, Connection, HttpConnector};
use hyper_util::client::proxy::matcher::{Intercept, Matcher};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use kube::Client;
use kube::client::{Body, ClientBuilder, ConfigExt};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tower::{BoxError, Service, ServiceExt};

use crate::server::kubeconfig::{Access, Names, shown};
use crate::server::trouble;

/// How long a connection may take to stand, with its TLS handshake.
pub(super) const CONNECT_LIMIT: Duration = Duration::from_secs(10);
/// How many connections are kept for the next request, and for how long: shorter than balancers usually do, because a
/// change that meets the end of its connection is in doubt.
const IDLE_CONNECTIONS: usize = 16;
const IDLE_LIMIT: Duration = Duration::from_secs(20);

/// A byte stream.
pub trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// Opens a connection from a node to a host and a port, as that node sees them; else says why not, as a clause.
pub type Tunnel = Arc<dyn Fn(Via, String, u16) -> BoxFuture<'static, Result<Box<dyn Stream>, String>> + Send + Sync>;

/// What sends requests to the server of an access, and what errors call that. Runs the credential plugin where there is one, so it blocks.
///
/// # Errors
/// What is wrong with the credentials or the certificates.
pub(super) fn client(mut access: Access, through: Option<(Tunnel, Via)>) -> Result<(Client, Names), String> {
    let straight = match through {
        None => Road::straight(),
        Some((tunnel, via)) => {
            access.names.through.push(via.node.clone());
            Road::Through(tunnel, via)
        }
    };
    let proxy = proxy(&access, &straight);
    access.names.through.extend(proxy.iter().map(|proxy| format!("the proxy {}", shown(proxy.uri()))));
    let names = access.names.clone();
    let client = match proxy {
        None => over(straight, access),
        Some(proxy) if proxy.uri().scheme_str().is_some_and(|scheme| scheme.starts_with("socks5")) => {
            let socks = SocksV5::new(proxy.uri().clone(), straight);
            let socks = match proxy.raw_auth() {
                Some((user, password)) => socks.with_auth(user.to_owned(), password.to_owned()),
                None => socks,
            };
            over(socks, access)
        }
        Some(proxy) if proxy.uri().scheme_str() == Some("http") => {
            let tunnel = ProxyTunnel::new(proxy.uri().clone(), straight);
            let tunnel = match proxy.basic_auth() {
                Some(header) => tunnel.with_auth(header.clone()),
                None => tunnel,
            };
            over(tunnel, access)
        }
        Some(proxy) => {
            let scheme = proxy.uri().scheme_str().unwrap_or_default();
            Err(format!(
                "{}: its proxy is of a type that hactl does not know, {scheme}: use http or socks5",
                names.source
            ))
        }
    };
    client.map(|client| (client, names))
}

/// The kubeconfig's own proxy, else that of the environment unless it exempts the server (`NO_PROXY`). A node needs none,
/// nor does this machine.
fn proxy(access: &Access, straight: &Road) -> Option<Intercept> {
    let server = &access.config.cluster_url;
    if let Some(url) = &access.proxy {
        return Matcher::builder().all(url.as_str()).build().intercept(server);
    }
    let host = server.host().unwrap_or_default().trim_matches(['[', ']']);
    let here = host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback());
    if here || matches!(straight, Road::Through(..)) { None } else { Matcher::from_env().intercept(server) }
}

/// A client whose connections are made by `connector`.
fn over<C>(connector: C, access: Access) -> Result<Client, String>
where
    C: Service<Uri> + Clone + Send + Sync + 'static,
    C::Response: Connection + Read + Write + Send + Unpin + 'static,
    C::Future: Send + 'static,
    C::Error: Into<BoxError>,
{
    let Access { mut config, names, .. } = access;
    let unusable = |error: kube::Error| format!("{}: {}", names.source, trouble::unusable(&error));
    let credentials = config.auth_layer().map_err(unusable)?;
    if credentials.is_some() {
        // The plugin gave a token; asking for the TLS identity as well would run it once more.
        config.auth_info.exec = None;
    }
    let mut connector =
        TimeoutConnector::new(config.rustls_https_connector_with_connector(connector).map_err(unusable)?);
    connector.set_connect_timeout(Some(CONNECT_LIMIT));
    let http: HttpClient<_, Body> = HttpClient::builder(TokioExecutor::new())
        .pool_timer(TokioTimer::new())
        .pool_idle_timeout(IDLE_LIMIT)
        .pool_max_idle_per_host(IDLE_CONNECTIONS)
        .build(connector);
    let builder = ClientBuilder::new(http.map_err(BoxError::from), "")
        .with_layer(&config.extra_headers_layer().map_err(unusable)?);
    Ok(match credentials {
        Some(layer) => builder.with_layer(&layer).with_layer(&config.base_uri_layer()).build(),
        None => builder.with_layer(&config.base_uri_layer()).build(),
    })
}

/// Makes TCP connections.
#[derive(Clone)]
enum Road {
    Straight(HttpConnector),
    Through(Tunnel, Via),
}

impl Road {
    fn straight() -> Self {
        let mut connector = HttpConnector::new();
        connector.enforce_http(false);
        connector.set_nodelay(true);
        connector.set_connect_timeout(Some(CONNECT_LIMIT));
        Self::Straight(connector)
    }
}

impl Service<Uri> for Road {
    type Response = TokioIo<Socket>;
    type Error = io::Error;
    type Future = BoxFuture<'static, io::Result<Self::Response>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            Self::Straight(connector) => connector.poll_ready(context).map_err(io::Error::other),
            Self::Through(..) => Poll::Ready(Ok(())),
        }
    }

    fn call(&mut self, to: Uri) -> Self::Future {
        match self {
            Self::Straight(connector) => {
                let connecting = connector.call(to);
                Box::pin(async move {
                    let stream = connecting.await.map_err(io::Error::other)?;
                    Ok(TokioIo::new(Socket(Box::new(stream.into_inner()))))
                })
            }
            Self::Through(tunnel, via) => {
                let (host, port) = (to.host().unwrap_or_default().trim_matches(['[', ']']).to_owned(), port(&to));
                let opening = tunnel(via.clone(), host, port);
                Box::pin(async move {
                    Ok(TokioIo::new(Socket(opening.await.map_err(|why| io::Error::other(NoTunnel(why)))?)))
                })
            }
        }
    }
}

/// A node did not open a connection.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct NoTunnel(pub(super) String);

fn port(url: &Uri) -> u16 {
    url.port_u16().unwrap_or(if url.scheme_str() == Some("http") { 80 } else { 443 })
}

/// A connection of any type.
struct Socket(Box<dyn Stream>);

impl Connection for Socket {
    fn connected(&self) -> Connected {
        Connected::new()
    }
}

impl AsyncRead for Socket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(context, buffer)
    }
}

impl AsyncWrite for Socket {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(context)
    }
}
