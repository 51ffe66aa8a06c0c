//! Real hosts: the first node of the lab and its host with Podman, over SSH, and hands on them through the engine that
//! runs the lab.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::sync::Arc;

use hactl_core::Digest;
use hactl_host::{Fleet, LinuxFleet, PortBinding};

use crate::world::{Hands, Image, Place, World};

const DOCKER: Place = Place { node: "node1", address: "172.30.0.11", socket: None };
/// Its command `docker` is `podman`.
const PODMAN: Place = Place { node: "podman", address: "172.30.0.14", socket: Some("/run/podman/podman.sock") };

/// Removes everything with an id in its name; a container's anonymous volumes go with it.
const CLEAN: &str = r#"
containers=$(docker ps --all --quiet --filter "name=$1")
[ -z "$containers" ] || docker rm --force --volumes $containers
networks=$(docker network ls --quiet --filter "name=$1")
[ -z "$networks" ] || docker network rm $networks
volumes=$(docker volume ls --quiet --filter "name=$1")
[ -z "$volumes" ] || docker volume rm $volumes
rm -rf -- "/srv/$1" "/home/dev/$1"
for home in /root /home/ops /home/dev; do
    rm -rf -- "$home/.local/state/hactl/$1" "$home/.local/state/hactl/$1-other"
done
rm -rf -- "/var/lib/hactl/$1" "/var/lib/hactl/$1-other"
"#;

/// A host of a lab that is up. Connections are shared by all cases.
#[derive(Clone)]
pub(crate) struct Lab {
    fleet: Arc<dyn Fleet>,
    place: Place,
    /// The engine that runs the lab, as `DOCKER_HOST` has it.
    engine: String,
}

impl Lab {
    /// The lab that `scripts/lab env` names; none where `HACTL_LAB` is not set.
    pub(crate) fn from_environment() -> Option<Self> {
        std::env::var_os("HACTL_LAB")?;
        let engine = std::env::var("HACTL_LAB_DOCKER").expect("`scripts/lab env` sets HACTL_LAB_DOCKER as well");
        Some(Self { fleet: fleet(), place: DOCKER, engine })
    }

    /// The lab's host with Podman; none where the lab was made before there was one.
    pub(crate) fn podman(&self) -> Option<Self> {
        let lab = std::env::var_os("HACTL_LAB")?;
        let key = Path::new(&lab).join("run").join(format!("{}.key", PODMAN.node));
        key.exists().then(|| Self { place: PODMAN, ..self.clone() })
    }

    pub(crate) fn world(&self, id: &str, index: u16) -> World {
        World::new(id, index, self.fleet.clone(), self.place, Box::new(self.clone()))
    }

    /// Runs a script as root on the node; `$1` and so on are the arguments.
    fn sh(&self, script: &str, arguments: &[&str], input: &[u8]) -> Output {
        let container = format!("hactl-lab-{}", self.place.node);
        let mut child = Command::new("docker")
            .args(["--host", &self.engine, "exec", "--interactive", &container, "sh", "-euc", script, "sh"])
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // A script that does not read its input is fine.
        let _ = child.stdin.take().unwrap().write_all(input);
        child.wait_with_output().unwrap()
    }

    fn done(&self, script: &str, arguments: &[&str], input: &[u8]) -> String {
        let output = self.sh(script, arguments, input);
        assert!(output.status.success(), "{script}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }
}

impl Hands for Lab {
    fn put_file(&self, path: &str, content: &[u8], mode: &str, owner: &str, group: &str) {
        let script = r#"mkdir -p -- "$(dirname -- "$1")"; cat > "$1"; chown -- "$3:$4" "$1"; chmod -- "$2" "$1""#;
        self.done(script, &[path, mode, owner, group], content);
    }

    fn remove_file(&self, path: &str) {
        self.done(r#"rm -- "$1""#, &[path], b"");
    }

    fn make_directory(&self, path: &str) {
        self.done(r#"mkdir -p -- "$1""#, &[path], b"");
    }

    fn digest(&self, path: &str) -> Option<Digest> {
        let sum = self.done(r#"[ ! -f "$1" ] || sha256sum < "$1""#, &[path], b"");
        Some(Digest::parse(sum.split_whitespace().next()?).unwrap())
    }

    fn is_directory(&self, path: &str) -> bool {
        self.sh(r#"[ -d "$1" ]"#, &[path], b"").status.success()
    }

    fn run_container(&self, name: &str, port: &PortBinding) {
        let publish = format!("{}:{}/{}", port.host, port.container, port.protocol);
        let script = r#"docker run --detach --name "$1" --publish "$2" "$3""#;
        self.done(script, &[name, &publish, Image::Web.name()], b"");
    }

    fn remove_inventory(&self, lineage: &str) {
        self.done(r#"rm -r -- "/var/lib/hactl/$1""#, &[lineage], b"");
    }

    /// Images behave by themselves here.
    fn behave(&self, _container: &str, _image: Image) {}

    fn missing_page(&self, _container: &str) -> String {
        "/missing".to_owned()
    }

    fn fresh_image(&self) -> String {
        let image = "172.30.0.2:5000/web:1.2";
        self.done(r#"[ -z "$(docker image ls --quiet "$1")" ] || docker image rm "$1""#, &[image], b"");
        image.to_owned()
    }

    fn missing_image(&self) -> String {
        "172.30.0.2:5000/web:none".to_owned()
    }

    fn clean(&self, id: &str) {
        self.done(CLEAN, &[id], b"");
    }
}

/// The implementation for real hosts.
fn fleet() -> Arc<dyn Fleet> {
    let config = std::env::var("HACTL_SSH_CONFIG").expect("`scripts/lab env` sets HACTL_SSH_CONFIG as well");
    Arc::new(LinuxFleet::new(Some(config)))
}
