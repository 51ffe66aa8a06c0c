//! A way to the API server that can be cut: a TCP proxy on loopback.

use std::io::copy;
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use super::cluster::{SERVER, lab_file};

/// A proxy in front of the lab's API server.
pub(super) struct Proxy {
    address: SocketAddr,
    open: Option<Open>,
}

/// One that takes connections.
struct Open {
    connections: Arc<Mutex<Option<Vec<TcpStream>>>>,
    thread: JoinHandle<()>,
}

impl Proxy {
    /// One that takes connections.
    pub(super) fn open() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        Self { address, open: Some(Open::on(listener)) }
    }

    /// Where it takes connections.
    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// The lab's kubeconfig, but by way of this proxy. The server's certificate holds for loopback.
    pub(super) fn kubeconfig(&self) -> String {
        let given = std::fs::read_to_string(lab_file("admin.kubeconfig")).unwrap();
        given.replace(SERVER, &self.address.to_string())
    }

    /// Breaks all connections and refuses new ones.
    pub(super) fn cut(&mut self) {
        let Some(open) = self.open.take() else { return };
        let connections = open.connections.lock().unwrap().take();
        // Whom it waits for is not let in any more.
        drop(TcpStream::connect(self.address));
        open.thread.join().unwrap();
        for connection in connections.into_iter().flatten() {
            // Either side may have closed it already.
            let _closed = connection.shutdown(Shutdown::Both);
        }
    }

    /// Takes connections again.
    pub(super) fn mend(&mut self) {
        assert!(self.open.is_none(), "it was not cut");
        self.open = Some(Open::on(TcpListener::bind(self.address).unwrap()));
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.cut();
    }
}

impl Open {
    fn on(listener: TcpListener) -> Self {
        let connections = Arc::new(Mutex::new(Some(Vec::new())));
        let known = connections.clone();
        let thread = std::thread::spawn(move || {
            for client in listener.incoming() {
                let mut known = known.lock().unwrap();
                // None once it was cut: the listener goes with this thread.
                let Some(known) = known.as_mut() else { return };
                let client = client.unwrap();
                let Ok(server) = TcpStream::connect(SERVER) else { continue };
                known.extend([client.try_clone().unwrap(), server.try_clone().unwrap()]);
                forward(client.try_clone().unwrap(), server.try_clone().unwrap());
                forward(server, client);
            }
        });
        Self { connections, thread }
    }
}

/// Copies what comes from one side to the other until either ends.
fn forward(mut from: TcpStream, mut to: TcpStream) {
    std::thread::spawn(move || {
        // An error is an end as well.
        let _copied = copy(&mut from, &mut to);
        let _closed = (from.shutdown(Shutdown::Both), to.shutdown(Shutdown::Both));
    });
}
