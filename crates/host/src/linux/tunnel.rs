//! Connections that begin on a host.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};

use crate::linux::host::Link;
use crate::linux::probe::Stream;

/// How long after a connection has ended ssh may take to say why.
const LAST_WORDS: Duration = Duration::from_millis(100);

/// A connection from a host to a port, as that host sees it. The host's SSH server closes one that it could not make:
/// reading from it then tells why.
pub struct Tunnel {
    stream: Box<dyn Stream>,
    /// Who can tell why it ended, until something was read.
    link: Option<Arc<Link>>,
    /// How it ended, until that is told.
    end: Option<(Pin<Box<Sleep>>, io::Result<()>)>,
}

impl Tunnel {
    pub(crate) fn new(stream: Box<dyn Stream>, link: Arc<Link>) -> Self {
        Self { stream, link: Some(link), end: None }
    }
}

impl AsyncRead for Tunnel {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.end.is_none() {
            let before = buffer.filled().len();
            let read = ready!(Pin::new(&mut self.stream).poll_read(context, buffer));
            if buffer.filled().len() > before {
                self.link = None;
            }
            if self.link.is_none() {
                return Poll::Ready(read);
            }
            self.end = Some((Box::pin(sleep(LAST_WORDS)), read));
        }
        if let Some((pause, _)) = &mut self.end {
            ready!(pause.as_mut().poll(context));
        }
        let end = self.end.take().map_or(Ok(()), |(_, end)| end);
        let why = self.link.take().and_then(|link| link.refusal());
        Poll::Ready(why.map_or(end, |why| Err(io::Error::other(why))))
    }
}

impl AsyncWrite for Tunnel {
    /// What is written to one that was never made is lost without an error, as reading is what tells of it.
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = ready!(Pin::new(&mut self.stream).poll_write(context, bytes));
        Poll::Ready(if self.link.is_some() { written.or(Ok(bytes.len())) } else { written })
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
