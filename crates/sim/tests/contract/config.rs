//! What a container is made of.

use std::collections::BTreeMap;

use hactl_host::{
    ContainerConfig, Device, Healthcheck, Logging, Mount, MountKind, PortBinding, Resources, RestartPolicy, Tmpfs,
    Ulimit,
};

use crate::suite::{Case, cases};
use crate::world::{Image, World, words};

pub(crate) const CASES: &[Case] = cases![defaults_are_shown, every_field_comes_back, special_modes_come_back];

/// On real hosts, commands in a container can look at it.
pub(crate) const IN_FORCE: &[Case] = cases![
    every_field_is_in_force,
    ulimits_are_in_force,
    mounts_are_in_force,
    logs_are_in_order,
    a_command_s_errors_are_told
];

async fn defaults_are_shown(world: &World) {
    let name = world.name("web");
    let config = ContainerConfig {
        ports: vec![PortBinding { protocol: String::new(), ..world.binding(0) }],
        ..world.config(Image::Web).await
    };
    world.host().create_container(&name, &config).await.unwrap();
    let shown = world.inspect(&name).await.config;
    assert_eq!(shown.network, "bridge");
    assert_eq!(shown.restart, RestartPolicy { name: "no".to_owned(), retries: 0 });
    assert_eq!(shown.resources, Resources::default());
    assert_eq!(shown.ports, [world.binding(0)]);
    assert_eq!((shown.privileged, shown.healthcheck), (false, None));
    assert!(shown.mounts.is_empty() && shown.tmpfs.is_empty() && shown.dns.is_empty() && shown.ulimits.is_empty());
}

async fn every_field_comes_back(world: &World) {
    let name = world.name("full");
    world.host().create_network(&world.name("net"), &hactl_host::NetworkConfig::default()).await.unwrap();
    let given = full(world).await;
    world.host().create_container(&name, &given).await.unwrap();
    let mut shown = world.inspect(&name).await.config;
    // Images add to these.
    let kept = shown.env.iter().filter(|(variable, _)| given.env.contains_key(*variable));
    shown.env = kept.map(|(variable, value)| (variable.clone(), value.clone())).collect();
    shown.labels.retain(|label, _| given.labels.contains_key(label));
    shown.ports.sort();
    shown.mounts.sort();
    shown.tmpfs.sort_by(|one, other| one.target.cmp(&other.target));
    shown.ulimits.sort_by(|one, other| one.name.cmp(&other.name));
    // Not given: what stands there is the engine's own.
    shown.ipc = None;
    assert_eq!(shown, given);
}

async fn special_modes_come_back(world: &World) {
    let name = world.name("special");
    let given = ContainerConfig {
        network: "host".to_owned(),
        pid: Some("host".to_owned()),
        ipc: Some("host".to_owned()),
        privileged: true,
        healthcheck: Some(Healthcheck { test: words(&["NONE"]), ..healthcheck() }),
        restart: RestartPolicy { name: "unless-stopped".to_owned(), retries: 0 },
        ..world.config(Image::Busybox).await
    };
    world.host().create_container(&name, &given).await.unwrap();
    let shown = world.inspect(&name).await.config;
    assert_eq!((&shown.network, &shown.pid, &shown.ipc), (&given.network, &given.pid, &given.ipc));
    assert_eq!((shown.privileged, &shown.restart), (true, &given.restart));
    assert_eq!(shown.healthcheck.map(|check| check.test), Some(words(&["NONE"])));
}

async fn every_field_is_in_force(world: &World) {
    let name = world.name("full");
    world.host().create_network(&world.name("net"), &hactl_host::NetworkConfig::default()).await.unwrap();
    let config = ContainerConfig { healthcheck: None, ulimits: Vec::new(), ..full(world).await };
    world.run_as(&name, &config).await;
    let mebibytes = |line: &str| line.split_whitespace().nth(1).and_then(|kilobytes| kilobytes.parse::<u64>().ok());
    for (script, expected) in [
        ("echo \"$PLAIN|$EMPTY|$AWKWARD\"", "one||a=b \"c\" $d\nlast"),
        ("hostname", "full-host"),
        ("pwd", "/work"),
        ("id -u; id -g", "1000\n1000"),
        ("grep -c '192.0.2.7.*registry.example.com' /etc/hosts", "1"),
        ("cat /proc/sys/net/core/somaxconn", "512"),
        ("test -c /dev/nothing && echo device", "device"),
        ("cat /sys/fs/cgroup/memory/memory.limit_in_bytes || cat /sys/fs/cgroup/memory.max", "67108864"),
    ] {
        let done = world.host().exec(&name, &words(&["sh", "-c", script])).await.unwrap();
        assert_eq!((done.code, done.output.trim_end()), (0, expected), "{script}");
    }
    let memory = world.host().exec(&name, &words(&["df", "-k", "/dev/shm"])).await.unwrap().output;
    assert_eq!(memory.lines().last().and_then(mebibytes), Some(16 << 10), "{memory}");
}

async fn ulimits_are_in_force(world: &World) {
    let name = world.name("web");
    let ulimits = vec![Ulimit { name: "nofile".to_owned(), soft: 1000, hard: 2000 }];
    world.run_as(&name, &ContainerConfig { ulimits, ..world.config(Image::Web).await }).await;
    // Not the soft one: Go programs such as runc raise it to the hard one, and some hand that on.
    let done = world.host().exec(&name, &words(&["sh", "-c", "ulimit -Hn"])).await.unwrap();
    assert_eq!((done.code, done.output.trim_end()), (0, "2000"));
}

async fn mounts_are_in_force(world: &World) {
    let name = world.name("mounts");
    world.hands.put_file(&world.path("file"), b"from the host\n", "0644", "root", "root");
    let mount = |kind, source: String, target: &str, read_only| Mount {
        kind,
        source,
        target: target.to_owned(),
        read_only,
        options: Vec::new(),
    };
    let config = ContainerConfig {
        command: Some(words(&["sleep", "1000"])),
        mounts: vec![
            mount(MountKind::Bind, world.path("file"), "/file", true),
            mount(MountKind::Bind, world.path("made"), "/made", false),
            mount(MountKind::Volume, world.name("data"), "/data", false),
        ],
        tmpfs: vec![Tmpfs { target: "/scratch".to_owned(), options: "size=1m,mode=1777".to_owned() }],
        ..world.config(Image::Busybox).await
    };
    world.run_as(&name, &config).await;
    for (script, code) in [
        ("grep -q 'from the host' /file", 0),
        ("echo x > /file", 1),
        ("echo x > /made/x && echo x > /data/x && echo x > /scratch/x", 0),
        ("grep -q ' /scratch tmpfs ' /proc/mounts", 0),
    ] {
        let done = world.host().exec(&name, &words(&["sh", "-c", script])).await.unwrap();
        assert_eq!(done.code, code, "{script}: {}", done.output);
    }
    assert!(world.hands.digest(&world.path("made/x")).is_some());
    world.host().remove_container(&name).await.unwrap();
    world.run_as(&name, &config).await;
    let done = world.host().exec(&name, &words(&["cat", "/data/x"])).await.unwrap();
    assert_eq!(done.output, "x\n", "a named volume outlives its container");
}

async fn logs_are_in_order(world: &World) {
    for (name, script) in [
        (world.name("lines"), "for i in 1 2 3 4 5 6 7 8 9 10; do echo \"line $i\"; done; sleep 1000"),
        (world.name("errors"), "for i in 1 2 3 4 5 6 7 8 9 10; do echo \"line $i\" >&2; done; sleep 1000"),
    ] {
        let config =
            ContainerConfig { command: Some(words(&["sh", "-c", script])), ..world.config(Image::Busybox).await };
        world.run_as(&name, &config).await;
        let expected = ["line 8", "line 9", "line 10"];
        let mut shown = Vec::new();
        for _ in 0..40 {
            shown = world.host().container_logs(&name, 3).await.unwrap();
            if shown == expected {
                break;
            }
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
        assert_eq!(shown, expected);
    }
}

async fn a_command_s_errors_are_told(world: &World) {
    let name = world.name("web");
    world.run(&name, Image::Web).await;
    let done = world.host().exec(&name, &words(&["sh", "-c", "echo out; echo err >&2; exit 7"])).await.unwrap();
    assert_eq!(done.code, 7);
    assert!(done.output.contains("out\n") && done.output.contains("err\n"), "{}", done.output);
    let done =
        world.host().exec(&name, &words(&["sh", "-c", "head -c 100000 /dev/zero | tr '\\0' x; echo; echo end"])).await;
    let output = done.unwrap().output;
    assert!(output.len() <= 64 << 10 && output.ends_with("x\nend\n"), "{} bytes", output.len());
}

/// Every field that does not exclude another.
async fn full(world: &World) -> ContainerConfig {
    let texts = |pairs: &[(&str, &str)]| -> BTreeMap<String, String> {
        pairs.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect()
    };
    let mut config = ContainerConfig {
        entrypoint: Some(words(&["sleep"])),
        command: Some(words(&["1000"])),
        env: texts(&[("PLAIN", "one"), ("EMPTY", ""), ("AWKWARD", "a=b \"c\" $d\nlast")]).into_iter().collect(),
        ports: vec![
            world.binding(0),
            PortBinding { ip: Some("127.0.0.1".to_owned()), ..world.binding(1) },
            PortBinding { protocol: "udp".to_owned(), container: 53, ..world.binding(1) },
        ],
        mounts: vec![
            Mount {
                kind: MountKind::Bind,
                source: world.directory(),
                target: "/bind".to_owned(),
                read_only: true,
                options: words(&["rslave"]),
            },
            Mount {
                kind: MountKind::Volume,
                source: world.name("data"),
                target: "/data".to_owned(),
                read_only: false,
                options: Vec::new(),
            },
        ],
        tmpfs: vec![
            Tmpfs { target: "/run/one".to_owned(), options: "size=1m".to_owned() },
            Tmpfs { target: "/run/two".to_owned(), options: String::new() },
        ],
        network: world.name("net"),
        restart: RestartPolicy { name: "on-failure".to_owned(), retries: 2 },
        user: Some("1000:1000".to_owned()),
        workdir: Some("/work".to_owned()),
        hostname: Some("full-host".to_owned()),
        cap_add: words(&["NET_ADMIN"]),
        cap_drop: words(&["MKNOD"]),
        extra_hosts: words(&["registry.example.com:192.0.2.7"]),
        dns: words(&["192.0.2.53"]),
        sysctls: texts(&[("net.core.somaxconn", "512")]),
        ulimits: vec![Ulimit { name: "nofile".to_owned(), soft: 1000, hard: 2000 }],
        devices: vec![Device {
            host: "/dev/null".to_owned(),
            container: "/dev/nothing".to_owned(),
            permissions: "rw".to_owned(),
        }],
        shm_size: Some(16 << 20),
        logging: Some(Logging { driver: "json-file".to_owned(), options: texts(&[("max-size", "1m")]) }),
        resources: Resources { milli_cpus: Some(500), memory: Some(64 << 20) },
        healthcheck: Some(healthcheck()),
        stop_signal: Some("SIGINT".to_owned()),
        stop_grace_period: Some(2),
        ..world.config(Image::Busybox).await
    };
    config.labels.insert("io.example/label".to_owned(), "any text".to_owned());
    config.ports.sort();
    config.mounts.sort();
    config
}

fn healthcheck() -> Healthcheck {
    Healthcheck {
        test: words(&["CMD", "true"]),
        interval_ms: 1500,
        timeout_ms: 2000,
        retries: 4,
        start_period_ms: 2500,
    }
}
