//! Questions about health that are asked at a port of the host.

use std::path::PathBuf;
use std::time::Duration;

use http_body_util::Empty;
use hyper::body::Bytes;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};

/// How long an answer may take.
const LIMIT: Duration = Duration::from_secs(5);
/// How long a connection must stay open to count as accepted. Docker's proxy accepts every connection to a published
/// port and closes it at once while nothing listens in the container.
const HOLD: Duration = Duration::from_millis(200);

/// Where a port of the host is reached from here.
pub(crate) enum Door {
    /// Through SSH.
    Forwarded(PathBuf),
    /// It is this machine.
    Here(u16),
}

/// A byte stream.
pub(crate) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

impl Door {
    async fn open(&self) -> Result<Box<dyn Stream>, String> {
        let opened: std::io::Result<Box<dyn Stream>> = match self {
            Self::Forwarded(path) => UnixStream::connect(path).await.map(|stream| Box::new(stream) as _),
            Self::Here(port) => TcpStream::connect(("127.0.0.1", *port)).await.map(|stream| Box::new(stream) as _),
        };
        opened.map_err(|error| error.to_string())
    }
}

/// Whether a connection is accepted and stays open; else why not.
pub(crate) async fn tcp(door: &Door, port: u16) -> Result<(), String> {
    let refused = |why: &str| format!("port {port} {why}");
    let mut stream = door.open().await.map_err(|error| refused(&format!("refuses connections: {error}")))?;
    let mut byte = [0];
    match tokio::time::timeout(HOLD, stream.read(&mut byte)).await {
        Err(_) | Ok(Ok(1..)) => Ok(()),
        Ok(Ok(0)) => Err(refused("closes connections at once")),
        Ok(Err(error)) => Err(refused(&format!("closes connections at once: {error}"))),
    }
}

/// Whether a GET is answered with a status below 400; else why not.
pub(crate) async fn http(door: &Door, port: u16, path: &str) -> Result<(), String> {
    let url = format!("http://127.0.0.1:{port}{path}");
    let status = match tokio::time::timeout(LIMIT, get(door, port, path)).await {
        Ok(status) => status.map_err(|why| format!("{url}: {why}"))?,
        Err(_) => return Err(format!("{url}: no answer within {} s", LIMIT.as_secs())),
    };
    if status.as_u16() < 400 { Ok(()) } else { Err(format!("{url} answers {status}")) }
}

async fn get(door: &Door, port: u16, path: &str) -> Result<hyper::StatusCode, String> {
    let stream = door.open().await?;
    let failed = |error: hyper::Error| {
        if error.is_parse() { "what answers does not speak HTTP" } else { "the connection was closed" }.to_owned()
    };
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(failed)?;
    let request = hyper::Request::get(path)
        .header(hyper::header::HOST, format!("127.0.0.1:{port}"))
        .header(hyper::header::USER_AGENT, "hactl")
        .body(Empty::<Bytes>::new())
        .map_err(|error| error.to_string())?;
    let connection = tokio::spawn(connection);
    let answer = sender.send_request(request).await.map_err(failed);
    connection.abort();
    answer.map(|answer| answer.status())
}
