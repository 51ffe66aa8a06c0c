//! The hosts of the lab, and hands on them: root's, through the engine that runs the lab and not through SSH.

use std::io::Write;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

/// A host of the lab.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Host {
    pub(crate) name: &'static str,
    pub(crate) address: &'static str,
}

pub(crate) const NODE1: Host = Host { name: "node1", address: "172.30.0.11" };
pub(crate) const NODE2: Host = Host { name: "node2", address: "172.30.0.12" };
pub(crate) const NODE3: Host = Host { name: "node3", address: "172.30.0.13" };
pub(crate) const LB1: Host = Host { name: "lb1", address: "172.30.0.10" };
pub(crate) const BASTION: Host = Host { name: "bastion", address: "172.30.0.5" };
pub(crate) const REGISTRY_AUTH: Host = Host { name: "registry-auth", address: "172.30.0.3" };

/// All of them, in the order in which tests take them.
pub(crate) const ALL: [Host; 6] = [NODE1, NODE2, NODE3, LB1, BASTION, REGISTRY_AUTH];

/// The registry that needs no login.
pub(crate) const REGISTRY: &str = "172.30.0.2:5000";

/// Prints what was not there when the host was first started, and what differs below /etc, /home and /root; nothing
/// where the host is as it was.
const WHAT_IS_LEFT: &str = r#"
/lab/sshd wait
if [ -e /lab/dockerd ]; then
    /lab/dockerd wait
    docker ps --all --format 'container {{.Names}} {{.Image}} {{.Status}}'
    docker network ls --format '{{.Name}}' | grep -vxE 'bridge|host|none' | sed 's/^/network /'
    docker volume ls --format 'volume {{.Name}}'
fi
[ -e /lab/before.files ] || exit 0
find / -xdev \( -path /proc -o -path /sys -o -path /dev -o -path /run -o -path /var/log -o -path /lab \
    -o -path /var/lib/docker -o -path /etc/docker/key.json -o -path /etc/hosts -o -path /etc/hostname \
    -o -path /etc/resolv.conf -o -path /opt/containerd \) -prune -o -print0 \
    | sort -z | comm -z -13 /lab/before.files - | tr '\0' '\n'
tar -C / -df /lab/before.tar 2>&1 | grep -v 'Mod time differs'
true
"#;

/// Prints containers, networks, volumes, and files with all that hactl decides about them.
const VIEW: &str = r#"
docker ps --all --format '{{.Names}}' | sort | while read -r name; do
    docker inspect --format 'container {{.Name}} {{.Config.Image}} {{.State.Status}} {{.Config.Env}} {{.HostConfig.Binds}}
        {{- .HostConfig.PortBindings}} {{.HostConfig.Memory}} {{index .Config.Labels "io.hactl.address"}}' "$name"
done
docker network ls --format 'network {{.Name}}' | sort
docker volume ls --format 'volume {{.Name}}' | sort
for path in /srv /etc/hactl-test; do
    [ ! -e "$path" ] || find "$path" -printf '%y %m %u:%g %p\n' | sort
    [ ! -e "$path" ] || find "$path" -type f -exec sha256sum {} + | sort
done
for entry in /var/lib/hactl/*/entries/*; do [ ! -e "$entry" ] || { basename "$entry" && cat "$entry"; }; done
"#;

impl Host {
    /// The lab's container that plays the host.
    pub(crate) fn container(&self) -> String {
        format!("hactl-lab-{}", self.name)
    }

    /// The host as a node of a config.
    pub(crate) fn node(&self) -> String {
        format!("  {}: {{address: {}}}\n", self.name, self.address)
    }

    /// Runs a script as root; what it prints, without white space around it.
    pub(crate) fn sh(&self, script: &str) -> String {
        let output = self.try_sh(script);
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{}: {script}: {told}", self.name);
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }

    /// Runs a script as root, which may fail.
    pub(crate) fn try_sh(&self, script: &str) -> Output {
        docker(&["exec", &self.container(), "bash", "-c", script])
    }

    /// Writes a file with a shell's `cat`.
    pub(crate) fn write(&self, path: &str, content: &[u8]) {
        let mut child = lab_docker()
            .args([
                "exec",
                "--interactive",
                &self.container(),
                "sh",
                "-euc",
                "mkdir -p \"${1%/*}\"; cat >\"$1\"",
                "sh",
                path,
            ])
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(content).unwrap();
        assert!(child.wait().unwrap().success(), "{}: {path} cannot be written", self.name);
    }

    pub(crate) fn power_off(&self) {
        succeed(&["kill", &self.container()]);
    }

    /// Returns when its services answer.
    pub(crate) fn power_on(&self) {
        succeed(&["start", &self.container()]);
        succeed(&["exec", &self.container(), "/lab/ready"]);
    }

    /// What makes the host differ from how it was first started; a host that is off is started for that.
    pub(crate) fn what_is_left(&self) -> String {
        let is_up = docker(&["exec", &self.container(), "true"]).status.success();
        if !is_up {
            self.power_on();
        }
        let off = if is_up { "" } else { "it was off\n" };
        if *self == REGISTRY_AUTH {
            return off.to_owned();
        }
        format!("{off}{}", self.sh(WHAT_IS_LEFT))
    }

    /// Containers, networks, volumes and files, for comparisons.
    pub(crate) fn view(&self) -> String {
        self.sh(VIEW)
    }

    /// Makes it as it was when it was first started.
    pub(crate) fn reset(&self) {
        if *self != REGISTRY_AUTH {
            succeed(&["exec", &self.container(), "/lab/reset"]);
        }
    }

    /// A value of a container by a Go template of `docker inspect`.
    pub(crate) fn inspect(&self, container: &str, template: &str) -> String {
        self.sh(&format!("docker inspect --format '{template}' {container}"))
    }

    /// What an HTTP server on the host answers to GET of a path.
    pub(crate) fn get(&self, port: u16, path: &str) -> String {
        self.sh(&format!("exec 3<>/dev/tcp/127.0.0.1/{port}; printf 'GET {path} HTTP/1.0\\r\\n\\r\\n' >&3; cat <&3"))
    }
}

/// Waits until a condition holds, at most this long.
pub(crate) fn poll(limit: Duration, what: &str, mut holds: impl FnMut() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(start.elapsed() < limit, "not within {limit:?}: {what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// A call of the engine that runs the lab.
pub(crate) fn succeed(arguments: &[&str]) {
    let output = docker(arguments);
    assert!(output.status.success(), "docker {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
}

pub(crate) fn docker(arguments: &[&str]) -> Output {
    lab_docker().args(arguments).stdin(Stdio::null()).output().unwrap()
}

pub(crate) fn lab_docker() -> Command {
    let engine = std::env::var("HACTL_LAB_DOCKER").expect("`scripts/lab env` sets HACTL_LAB_DOCKER as well");
    let mut command = Command::new("docker");
    command.args(["--host", &engine]);
    command
}
