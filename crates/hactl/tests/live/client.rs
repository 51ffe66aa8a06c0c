//! TLS clients that verify who answers, one new connection after the other for as long as they are let.

use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use rustls::client::Resumption;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, ClientConnection, RootCertStore, Stream};

use crate::host::{Host, lab_docker, poll};

/// How long one connection, or what a test waits for, may take at most.
const LIMIT: Duration = Duration::from_secs(30);

/// A client that trusts some roots and nothing else.
#[derive(Debug, Clone)]
pub(crate) struct Client {
    config: Arc<ClientConfig>,
    name: &'static str,
}

impl Client {
    /// One that trusts the certificates of a PEM text, and asks for a host of this name.
    pub(crate) fn trusting(roots: &str, name: &'static str) -> Self {
        let mut store = RootCertStore::empty();
        for root in CertificateDer::pem_slice_iter(roots.as_bytes()) {
            store.add(root.unwrap()).unwrap();
        }
        assert!(!store.is_empty(), "there is no certificate in {roots:?}");
        let mut config = ClientConfig::builder().with_root_certificates(store).with_no_client_auth();
        // A resumed session shows no certificate.
        config.resumption = Resumption::disabled();
        Self { config: Arc::new(config), name }
    }

    /// Connects, verifies, asks for `/` and reads the whole answer.
    pub(crate) fn get(&self, server: SocketAddr) -> Result<String, String> {
        let name = self.name.try_into().map_err(|_| "the name is none")?;
        let mut session = ClientConnection::new(self.config.clone(), name).map_err(|error| error.to_string())?;
        let mut answer = String::new();
        let told = |error: std::io::Error| format!("{server}: {error}");
        let mut tcp = TcpStream::connect_timeout(&server, LIMIT).map_err(told)?;
        tcp.set_read_timeout(Some(LIMIT)).map_err(told)?;
        let mut tls = Stream::new(&mut session, &mut tcp);
        tls.write_all(b"GET / HTTP/1.0\r\n\r\n").map_err(told)?;
        tls.read_to_string(&mut answer).map_err(told)?;
        if answer.starts_with("HTTP/1.1 200 ") { Ok(answer) } else { Err(format!("{server}: it answers {answer:?}")) }
    }
}

/// What has become of the connections of a client.
#[derive(Debug, Default)]
struct Tally {
    /// Good ones, by server.
    good: Vec<AtomicU64>,
    failures: Mutex<Vec<String>>,
    stop: AtomicBool,
}

impl Tally {
    fn of(servers: usize) -> Arc<Self> {
        Arc::new(Self { good: (0..servers).map(|_| AtomicU64::new(0)).collect(), ..Self::default() })
    }

    fn note(&self, server: usize, outcome: Result<(), String>) {
        match outcome {
            Ok(()) => drop(self.good[server].fetch_add(1, Ordering::Relaxed)),
            Err(failure) => self.failures.lock().unwrap().push(failure),
        }
    }
}

/// A client that connects to some servers all the time, to all of them at once.
pub(crate) struct Persistent {
    name: &'static str,
    tally: Arc<Tally>,
    threads: Vec<JoinHandle<()>>,
    child: Option<Child>,
}

impl Persistent {
    /// Begins; `name` is what failures are told of.
    pub(crate) fn start(name: &'static str, client: &Client, servers: &[SocketAddr]) -> Self {
        let tally = Tally::of(servers.len());
        let threads = servers.iter().enumerate().map(|(index, server)| {
            let (client, server, tally) = (client.clone(), *server, tally.clone());
            std::thread::spawn(move || {
                while !tally.stop.load(Ordering::Relaxed) {
                    tally.note(index, client.get(server).map(drop));
                }
            })
        });
        Self { name, threads: threads.collect(), tally, child: None }
    }

    /// Begins on a host, with OpenSSL, which reads a file there anew for every connection to see whom to trust.
    pub(crate) fn start_on(host: Host, roots: &str, name: &'static str, servers: &[SocketAddr]) -> Self {
        let mut script = "while :; do\n".to_owned();
        for (index, server) in servers.iter().enumerate() {
            let options = "-verify_return_error -verify_hostname";
            writeln!(
                script,
                "said=\"$(openssl s_client -connect {server} -servername {name} -CAfile {roots} {options} {name} \
                 </dev/null 2>&1)\" && echo good {index} || echo bad $said\n"
            )
            .unwrap();
        }
        // `read` tells by its status that it only ran out of time. Once its input ends, the script does.
        script += "read -r -t 0.001; [ $? -gt 128 ] || exit\ndone";
        let mut command = lab_docker();
        command.args(["exec", "--interactive", &host.container(), "bash", "-c", &script]);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let tally = Tally::of(servers.len());
        let told = tally.clone();
        let thread = std::thread::spawn(move || {
            for line in lines.map(Result::unwrap) {
                match line.strip_prefix("good ") {
                    Some(server) => told.note(server.parse().unwrap(), Ok(())),
                    None => told.note(0, Err(line)),
                }
            }
        });
        Self { name: host.name, tally, threads: vec![thread], child: Some(child) }
    }

    /// Waits until it has connected so many more times to every server.
    pub(crate) fn goes_on(&self, times: u64) {
        let wanted: Vec<u64> = self.tally.good.iter().map(|good| good.load(Ordering::Relaxed) + times).collect();
        poll(LIMIT, &format!("{}: {times} more connections", self.name), || {
            self.has_not_failed();
            self.tally.good.iter().zip(&wanted).all(|(good, wanted)| good.load(Ordering::Relaxed) >= *wanted)
        });
    }

    /// Asserts that every single connection was good.
    pub(crate) fn has_not_failed(&self) {
        let failures = self.tally.failures.lock().unwrap();
        assert!(failures.is_empty(), "{}: {} connections failed: {:.3?}", self.name, failures.len(), &*failures);
    }

    /// Ends it, and asserts that every single connection was good; how many there were.
    pub(crate) fn end(mut self) -> u64 {
        self.stop();
        self.has_not_failed();
        self.tally.good.iter().map(|good| good.load(Ordering::Relaxed)).sum()
    }

    /// Waits until every server was refused, each for this reason, and ends it.
    pub(crate) fn comes_to_fail(mut self, servers: &[SocketAddr], reason: &str) {
        poll(LIMIT, &format!("{}: failures", self.name), || {
            let failures = self.tally.failures.lock().unwrap();
            assert!(failures.iter().all(|failure| failure.contains(reason)), "{}: {:.3?}", self.name, &*failures);
            let is_refused = |server: &SocketAddr| failures.iter().any(|told| told.starts_with(&server.to_string()));
            servers.iter().all(is_refused)
        });
        self.stop();
    }

    fn stop(&mut self) {
        self.tally.stop.store(true, Ordering::Relaxed);
        if let Some(child) = &mut self.child {
            drop(child.stdin.take());
            child.wait().unwrap();
        }
        for thread in self.threads.drain(..) {
            thread.join().unwrap();
        }
    }
}

impl Drop for Persistent {
    /// After a panic nobody waits for its end.
    fn drop(&mut self) {
        self.tally.stop.store(true, Ordering::Relaxed);
        drop(self.child.as_mut().and_then(|child| child.stdin.take()));
    }
}
