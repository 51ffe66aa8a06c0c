//! The port [`Host`] on a real machine: engine operations go to its Docker Engine, the rest to scripts.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use hactl_core::node::{Connection, Method};
use tokio::net::{TcpStream, UnixStream};
use tokio::sync::{Mutex, OnceCell, RwLock};

use crate::docker::Docker;
use crate::linux::blocks;
use crate::linux::files::{self, Call};
use crate::linux::place::Place;
use crate::linux::probe::{self, Door, Stream};
use crate::linux::shell::{Broken, Output, Privilege, Script, Shell, login_here};
use crate::linux::ssh::{self, Endpoint};
use crate::linux::survey;
use crate::linux::tunnel::Tunnel;
use crate::{
    BlockRemoval, BlockWrite, Claim, Container, ContainerConfig, EngineRequest, EngineSurvey, ExecOutput, FileAdoption,
    FileContent, FileRemoval, FileStat, FileWrite, Host, HostError, Inventory, NetworkConfig, Probe, Progress,
    RegistryAuth, Release, Resources, RestartPolicy, Status, Survey, SurveyRequest, VolumeConfig,
};

/// Docker Engine's socket where the config does not say.
const DOCKER_SOCKET: &str = "/var/run/docker.sock";
/// Where Docker Engine keeps its data where it does not say.
const DATA_ROOT: &str = "/var/lib/docker";
/// For how long a host that did not answer is not tried again by operations that wait in line.
const DOWN_FOR: Duration = Duration::from_secs(20);

/// The size in bytes from which a script's input is sent alone.
const LARGE: u64 = 512 * 1024;

/// Says what is at the path of the engine's socket.
const LOOK_AT_SOCKET: Script = Script {
    name: "look-at-socket",
    text: "read -r socket
        if [ ! -S \"$socket\" ]; then echo absent; elif [ ! -w \"$socket\" ]; then echo denied; else echo there; fi",
};
/// Says how much room there is at a path.
const DISK_FREE: Script = Script { name: "disk-free", text: "read -r path; df -Pk -- \"$path\" | tail -n 1" };

/// A machine, connected to when it is first used and again when the connection broke.
pub(crate) struct LinuxHost {
    connection: Connection,
    place: Arc<Place>,
    user_config: Option<String>,
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    link: Option<Arc<Link>>,
    failed: Option<(Instant, HostError)>,
}

/// A connection that stands.
pub(crate) struct Link {
    shell: Shell,
    socket: String,
    /// Where inventories are.
    root: String,
    docker: OnceCell<Docker>,
    /// Held alone by scripts with a large input: the host's lock is held while that comes, for longer than the others wait.
    line: RwLock<()>,
    /// Held while a text of others is changed: those that are changed at once from here need not be looked at again.
    pub(crate) text: Mutex<()>,
}

impl LinuxHost {
    pub(crate) fn new(connection: Connection, place: Arc<Place>, user_config: Option<String>) -> Self {
        Self { connection, place, user_config, kept: Mutex::default() }
    }

    /// The connection, made anew where it broke.
    pub(crate) async fn link(&self) -> Result<Arc<Link>, HostError> {
        let mut kept = self.kept.lock().await;
        if let Some(link) = kept.link.as_ref().filter(|link| link.is_up()) {
            return Ok(link.clone());
        }
        if kept.link.take().is_some() {
            tracing::warn!(address = self.connection.address, "the connection broke: connecting again");
        }
        if let Some((when, error)) = &kept.failed
            && when.elapsed() < DOWN_FOR
        {
            let ago = when.elapsed();
            tracing::debug!(address = self.connection.address, ?ago, "did not answer before: not tried again yet");
            return Err(error.clone());
        }
        match self.open().await {
            Ok(link) => {
                let link = Arc::new(link);
                *kept = Kept { link: Some(link.clone()), failed: None };
                Ok(link)
            }
            Err(error) => {
                kept.failed = Some((Instant::now(), error.clone()));
                Err(error)
            }
        }
    }

    async fn open(&self) -> Result<Link, HostError> {
        let shell = match self.connection.method {
            Method::Local => Shell::Local(login_here().await.map_err(Broken::reading)?),
            Method::Ssh => {
                let place = self.place.next();
                let opened = ssh::Connection::open(&self.connection, &place, self.user_config.as_deref());
                Shell::Ssh(Box::new(opened.await.map_err(|reason| HostError::Unreachable { reason })?))
            }
        };
        let login = shell.login();
        let root = if login.is_privileged() {
            "/var/lib/hactl".to_owned()
        } else {
            format!("{}/.local/state/hactl", login.home)
        };
        let socket = self.connection.docker_socket.clone().unwrap_or_else(|| DOCKER_SOCKET.to_owned());
        Ok(Link { shell, socket, root, docker: OnceCell::new(), line: RwLock::default(), text: Mutex::default() })
    }
}

impl Link {
    fn is_up(&self) -> bool {
        match &self.shell {
            Shell::Ssh(connection) => connection.is_up(),
            Shell::Local(_) => true,
        }
    }

    /// For tests: this machine as the user who runs them, with inventories in a directory of the test.
    #[cfg(test)]
    pub(crate) fn here(root: String) -> Self {
        let shell = Shell::Local(crate::linux::shell::Login::default());
        Self {
            shell,
            socket: String::new(),
            root,
            docker: OnceCell::new(),
            line: RwLock::default(),
            text: Mutex::default(),
        }
    }

    async fn docker(&self) -> Result<&Docker, HostError> {
        let docker = self.docker.get_or_try_init(|| async {
            let path = match &self.shell {
                Shell::Local(_) => self.socket.clone().into(),
                Shell::Ssh(connection) => connection.forward(Endpoint::Socket(self.socket.clone())).await?,
            };
            tracing::debug!(socket = self.socket, "Docker Engine's socket");
            Ok(Docker::at(path))
        });
        docker.await.map_err(Broken::reading)
    }

    /// Opens a connection from the host to a port of an address or name.
    pub(crate) async fn tunnel(self: Arc<Self>, host: &str, port: u16) -> Result<Tunnel, HostError> {
        let failed = |error: std::io::Error| HostError::Unreachable { reason: format!("{host}:{port}: {error}") };
        let stream: Box<dyn Stream> = match &self.shell {
            Shell::Local(_) => Box::new(TcpStream::connect((host, port)).await.map_err(failed)?),
            Shell::Ssh(connection) => {
                let to = Endpoint::Tcp(host.to_owned(), port);
                let path = connection.forward(to).await.map_err(Broken::reading)?;
                Box::new(UnixStream::connect(path).await.map_err(failed)?)
            }
        };
        Ok(Tunnel::new(stream, self))
    }

    /// What the SSH server says of a connection that it did not make for us, which closes the forwarded socket at once.
    pub(crate) fn refusal(&self) -> Option<String> {
        match &self.shell {
            Shell::Ssh(connection) => connection.refusal(),
            Shell::Local(_) => None,
        }
    }

    /// What the SSH server says of a forward that it did not allow, which closes the forwarded socket at once.
    fn forbidden(&self) -> Option<String> {
        self.refusal().filter(|why| why.contains("prohibited"))
    }

    async fn door(&self, port: u16) -> Result<Door, HostError> {
        match &self.shell {
            Shell::Local(_) => Ok(Door::Here(port)),
            Shell::Ssh(connection) => {
                let to = Endpoint::Tcp("127.0.0.1".to_owned(), port);
                connection.forward(to).await.map(Door::Forwarded).map_err(Broken::reading)
            }
        }
    }

    async fn http(&self, port: u16, path: &str) -> Result<Result<(), String>, HostError> {
        let answer = probe::http(&self.door(port).await?, port, path).await;
        tracing::debug!(port, healthy = answer.is_ok(), "asked over HTTP");
        Ok(answer.map_err(|why| self.why_no_port(why)))
    }

    async fn tcp(&self, port: u16) -> Result<Result<(), String>, HostError> {
        let answer = probe::tcp(&self.door(port).await?, port).await;
        tracing::debug!(port, healthy = answer.is_ok(), "asked over TCP");
        Ok(answer.map_err(|why| self.why_no_port(why)))
    }

    /// Why a port does not answer, where that is the SSH server's doing.
    fn why_no_port(&self, seen: String) -> String {
        match self.forbidden() {
            Some(why) => format!("{seen}; the SSH server does not forward ports (AllowTcpForwarding): {why}"),
            None => seen,
        }
    }

    /// Why the engine's socket does not answer.
    async fn why_no_engine(&self, seen: HostError) -> HostError {
        let input = format!("{}\n", self.socket);
        let output = match self.shell.run(Privilege::Own, LOOK_AT_SOCKET, input.as_bytes()).await {
            Ok(output) => output,
            Err(broken) => return broken.reading(),
        };
        let socket = &self.socket;
        let reason = match String::from_utf8_lossy(&output.stdout).trim() {
            "absent" => format!("there is no {socket}; install it, or say where its socket is with `dockerSocket`"),
            "denied" => {
                let user = &self.shell.login().user;
                format!("the user {user} may not use {socket}; add it to the group docker: `usermod -aG docker {user}`")
            }
            "there" => match self.forbidden() {
                Some(why) => format!("the SSH server does not forward {socket} (AllowStreamLocalForwarding): {why}"),
                None => format!("nothing answers at {socket}; start it, as with `systemctl start docker`"),
            },
            _ => return seen,
        };
        HostError::EngineUnusable { reason }
    }

    async fn survey(&self, request: &SurveyRequest) -> Result<Survey, HostError> {
        let docker = self.docker().await?;
        let input = survey::input(&self.root, request);
        let asked = survey::now();
        let (output, about) = tokio::join!(
            async {
                let output = self.shell.run(Privilege::Root, survey::SCRIPT, &input).await;
                (output, survey::now())
            },
            docker.about()
        );
        let (output, answered) = (output.0.map_err(Broken::reading)?, output.1);
        let mut survey = survey::read(survey::body(&output)?, request, asked, answered)?;
        let texts: Vec<&str> = survey::wanted_texts(request, &survey);
        self.texts(&mut survey, &texts).await?;
        if let Ok(about) = about {
            if about.data_root != DATA_ROOT && !about.data_root.is_empty() {
                let input = format!("{}\n", about.data_root);
                if let Ok(output) = self.shell.run(Privilege::Root, DISK_FREE, input.as_bytes()).await {
                    survey.facts.disk_free = survey::free_space(&String::from_utf8_lossy(&output.stdout));
                }
            }
            survey.facts.docker_version = Some(about.version);
            survey.facts.engine_id = about.id;
        }
        Ok(survey)
    }

    /// Files and texts alone: nothing is asked of the engine.
    pub(crate) async fn look(&self, request: &SurveyRequest) -> Result<Survey, HostError> {
        let input = survey::input(&self.root, request);
        let output = self.shell.run(Privilege::Root, survey::SCRIPT, &input).await.map_err(Broken::reading)?;
        let now = survey::now();
        survey::read(survey::body(&output)?, request, now, now)
    }

    async fn inventories(&self) -> Result<BTreeMap<String, Inventory>, HostError> {
        let input = survey::input(&self.root, &SurveyRequest::default());
        let output = self.shell.run(Privilege::Root, survey::SCRIPT, &input).await.map_err(Broken::reading)?;
        Ok(survey::inventories(&format!("\n{}", survey::body(&output)?)))
    }

    /// Where inventories are.
    pub(crate) fn root(&self) -> &str {
        &self.root
    }

    /// Runs a script that changes something.
    pub(crate) async fn call(&self, call: Call, serial: u64) -> Result<(), HostError> {
        call.read(&self.run(&call).await?, serial)
    }

    /// Runs a script that changes something; what it answers is still to be read.
    pub(crate) async fn run(&self, call: &Call) -> Result<Output, HostError> {
        let content = call.content.as_ref();
        let large = call.input.len() as u64 + content.map_or(0, FileContent::size) > LARGE;
        let _alone = if large { Some(self.line.write().await) } else { None };
        let _beside_others = if large { None } else { Some(self.line.read().await) };
        let output = self.shell.run_with(Privilege::Root, call.script, &call.input, content).await;
        output.map_err(|broken| broken.changing(format!("{} {}", call.operation, call.path)))
    }

    async fn texts(&self, survey: &mut Survey, paths: &[&str]) -> Result<(), HostError> {
        if paths.is_empty() {
            return Ok(());
        }
        let input = format!("{}\n\n{}\n{}\n", self.root, FileStat::MAX_TEXT + 1, paths.join("\n"));
        let output = self.shell.run(Privilege::Root, survey::TEXTS, input.as_bytes()).await.map_err(Broken::reading)?;
        survey::read_texts(survey::body(&output)?, survey);
        Ok(())
    }
}

/// An operation over a connection that stands. One that was not begun because the connection broke meanwhile is done
/// over a new one.
macro_rules! over_link {
    ($self:ident, |$link:ident| $operation:expr) => {{
        let $link = $self.link().await?;
        match $operation {
            Err(HostError::Unreachable { .. }) if !$link.is_up() => {
                let $link = $self.link().await?;
                $operation
            }
            other => other,
        }
    }};
}

/// An operation of the engine. Where its socket does not answer, the host is asked why.
macro_rules! engine {
    ($self:ident, $operation:ident($($argument:expr),*)) => {
        over_link!($self, |link| match link.docker().await {
            Err(error) => Err(error),
            Ok(docker) => match docker.$operation($($argument),*).await {
                Err(error @ HostError::EngineUnusable { .. }) => Err(link.why_no_engine(error).await),
                other => other,
            },
        })
    };
}

#[async_trait]
impl Host for LinuxHost {
    async fn survey(&self, request: &SurveyRequest) -> Result<Survey, HostError> {
        over_link!(self, |link| link.survey(request).await)
    }

    async fn engine_survey(&self, request: &EngineRequest) -> Result<EngineSurvey, HostError> {
        engine!(self, engine_survey(request))
    }

    async fn inventories(&self) -> Result<BTreeMap<String, Inventory>, HostError> {
        over_link!(self, |link| link.inventories().await)
    }

    async fn labelled_containers(&self) -> Result<Vec<Container>, HostError> {
        engine!(self, labelled_containers())
    }

    async fn claim(&self, claim: &Claim) -> Result<(), HostError> {
        over_link!(self, |link| blocks::claim(&link, claim).await)
    }

    async fn release(&self, release: &Release) -> Result<(), HostError> {
        over_link!(self, |link| link.call(files::release(&link.root, release), 0).await)
    }

    async fn write_file(&self, write: &FileWrite) -> Result<(), HostError> {
        over_link!(self, |link| link.call(files::write(&link.root, link.shell.login(), write)?, 0).await)
    }

    async fn adopt_file(&self, adoption: &FileAdoption) -> Result<(), HostError> {
        over_link!(self, |link| link.call(files::adopt(&link.root, adoption)?, 0).await)
    }

    async fn remove_file(&self, removal: &FileRemoval) -> Result<(), HostError> {
        over_link!(self, |link| link.call(files::remove(&link.root, removal)?, 0).await)
    }

    async fn write_block(&self, write: &BlockWrite) -> Result<(), HostError> {
        over_link!(self, |link| blocks::write(&link, write).await)
    }

    async fn remove_block(&self, removal: &BlockRemoval) -> Result<(), HostError> {
        over_link!(self, |link| blocks::remove(&link, removal).await)
    }

    async fn has_image(&self, image: &str) -> Result<bool, HostError> {
        engine!(self, has_image(image))
    }

    async fn pull_image(
        &self,
        image: &str,
        auth: Option<&RegistryAuth>,
        progress: Progress<'_>,
    ) -> Result<(), HostError> {
        engine!(self, pull_image(image, auth, progress))
    }

    async fn create_container(&self, name: &str, config: &ContainerConfig) -> Result<String, HostError> {
        engine!(self, create_container(name, config))
    }

    async fn inspect_container(&self, container: &str) -> Result<Option<Container>, HostError> {
        engine!(self, inspect_container(container))
    }

    async fn start_container(&self, container: &str) -> Result<(), HostError> {
        engine!(self, start_container(container))
    }

    async fn early_end(&self, container: &str) -> Result<Option<Status>, HostError> {
        engine!(self, early_end(container))
    }

    async fn stop_container(&self, container: &str, grace: Option<Duration>) -> Result<(), HostError> {
        engine!(self, stop_container(container, grace))
    }

    async fn rename_container(&self, container: &str, name: &str) -> Result<(), HostError> {
        engine!(self, rename_container(container, name))
    }

    async fn remove_container(&self, container: &str) -> Result<(), HostError> {
        engine!(self, remove_container(container))
    }

    async fn update_container(
        &self,
        container: &str,
        resources: &Resources,
        restart: &RestartPolicy,
    ) -> Result<(), HostError> {
        engine!(self, update_container(container, resources, restart))
    }

    async fn signal_container(&self, container: &str, signal: &str) -> Result<(), HostError> {
        engine!(self, signal_container(container, signal))
    }

    async fn exec(&self, container: &str, command: &[String]) -> Result<ExecOutput, HostError> {
        engine!(self, exec(container, command))
    }

    async fn container_logs(&self, container: &str, lines: usize) -> Result<Vec<String>, HostError> {
        engine!(self, container_logs(container, lines))
    }

    async fn probe(&self, probe: &Probe) -> Result<Result<(), String>, HostError> {
        match probe {
            Probe::Http { port, path } => over_link!(self, |link| link.http(*port, path).await),
            Probe::Tcp { port } => over_link!(self, |link| link.tcp(*port).await),
            Probe::Container { container } => engine!(self, probe_container(container)),
            Probe::Exec { container, command } => engine!(self, probe_exec(container, command)),
        }
    }

    async fn create_network(&self, name: &str, config: &NetworkConfig) -> Result<(), HostError> {
        engine!(self, create_network(name, config))
    }

    async fn remove_network(&self, name: &str) -> Result<(), HostError> {
        engine!(self, remove_network(name))
    }

    async fn create_volume(&self, name: &str, config: &VolumeConfig) -> Result<(), HostError> {
        engine!(self, create_volume(name, config))
    }

    async fn remove_volume(&self, name: &str) -> Result<(), HostError> {
        engine!(self, remove_volume(name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn others_wait_here_while_a_large_input_is_sent() {
        let directory = tempfile::tempdir().unwrap();
        let log = directory.path().join("log").to_str().unwrap().to_owned();
        let link = Link::here(String::new());
        let call = |size: usize| {
            let mut input = format!("{log}\n").into_bytes();
            input.resize(input.len() + size, b'x');
            let text = "read -r log; echo begin >>\"$log\"; sleep 0.2; cat >/dev/null; echo end >>\"$log\"; echo ok";
            let script = Script { name: "test", text };
            Call { script, input, content: None, operation: "write", path: String::new() }
        };
        let (one, two) = tokio::join!(link.call(call(LARGE as usize), 0), link.call(call(0), 0));
        one.and(two).unwrap();
        assert_eq!(std::fs::read_to_string(&log).unwrap(), "begin\nend\nbegin\nend\n");
    }
}
