//! What a container is made of, to the engine and back.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::container::{
    ContainerConfig, Device, Healthcheck, Logging, Mount, MountKind, PortBinding, Resources, RestartPolicy, Tmpfs,
    Ulimit,
};
use crate::docker::{create, inspect, update, wire};

fn full() -> ContainerConfig {
    let texts = |texts: &[&str]| texts.iter().map(ToString::to_string).collect::<Vec<_>>();
    let pair = |name: &str, value: &str| -> BTreeMap<String, String> { [(name.to_owned(), value.to_owned())].into() };
    let port = |ip: Option<&str>, host, protocol: &str| PortBinding {
        ip: ip.map(str::to_owned),
        host,
        container: 80,
        protocol: protocol.to_owned(),
    };
    ContainerConfig {
        image: "web:1".to_owned(),
        entrypoint: Some(texts(&["/bin/web", "-v"])),
        command: Some(texts(&["serve"])),
        env: pair("TOKEN", "a=b").into_iter().collect(),
        labels: pair("io.hactl.lineage", "L"),
        ports: vec![port(None, 8080, "tcp"), port(None, 8080, "udp"), port(Some("127.0.0.1"), 8081, "tcp")],
        mounts: vec![
            Mount {
                kind: MountKind::Bind,
                source: "/srv".to_owned(),
                target: "/www".to_owned(),
                read_only: true,
                options: texts(&["rslave", "z"]),
            },
            Mount {
                kind: MountKind::Volume,
                source: "data".to_owned(),
                target: "/data".to_owned(),
                read_only: false,
                options: Vec::new(),
            },
        ],
        tmpfs: vec![Tmpfs { target: "/tmp".to_owned(), options: "size=64m".to_owned() }],
        network: "blue".to_owned(),
        restart: RestartPolicy { name: "on-failure".to_owned(), retries: 3 },
        user: Some("1000:1000".to_owned()),
        workdir: Some("/www".to_owned()),
        hostname: Some("inside".to_owned()),
        cap_add: texts(&["NET_ADMIN"]),
        cap_drop: texts(&["ALL"]),
        privileged: true,
        pid: Some("host".to_owned()),
        ipc: Some("private".to_owned()),
        extra_hosts: texts(&["db:10.0.0.1"]),
        dns: texts(&["10.0.0.53"]),
        sysctls: pair("net.core.somaxconn", "1024"),
        ulimits: vec![Ulimit { name: "nofile".to_owned(), soft: 1024, hard: 4096 }],
        devices: vec![Device {
            host: "/dev/fuse".to_owned(),
            container: "/dev/fuse".to_owned(),
            permissions: "rw".to_owned(),
        }],
        shm_size: Some(1 << 26),
        logging: Some(Logging { driver: "json-file".to_owned(), options: pair("max-size", "1m") }),
        resources: Resources { milli_cpus: Some(1500), memory: Some(64 << 20) },
        healthcheck: Some(Healthcheck {
            test: texts(&["CMD", "/bin/check"]),
            interval_ms: 1000,
            timeout_ms: 500,
            retries: 3,
            start_period_ms: 10,
        }),
        stop_signal: Some("INT".to_owned()),
        stop_grace_period: Some(30),
    }
}

/// What an engine shows of a container made with this body: it keeps the shape.
fn shown(mut body: Value) -> ContainerConfig {
    let host = body["HostConfig"].take();
    let inspected = json!({"Id": "ab12", "Name": "/web", "State": {}, "Config": body, "HostConfig": host});
    inspect::container(wire::decode(inspected.to_string().as_bytes()).unwrap()).config
}

#[test]
fn what_is_made_is_what_is_shown() {
    let mut full = full();
    full.ports.sort();
    assert_eq!(shown(create::body(&full)), full);
}

#[test]
fn little_is_enough() {
    let plain = ContainerConfig { image: "web:1".to_owned(), ..ContainerConfig::default() };
    let defaults = ContainerConfig {
        network: "bridge".to_owned(),
        restart: RestartPolicy { name: "no".to_owned(), retries: 0 },
        ..plain.clone()
    };
    assert_eq!(shown(create::body(&plain)), defaults);
}

#[test]
fn the_body_is_as_the_api_wants_it() {
    let body = create::body(&full());
    assert_eq!(body["Env"], json!(["TOKEN=a=b"]));
    assert_eq!(body["ExposedPorts"], json!({"80/tcp": {}, "80/udp": {}}));
    assert_eq!(body["Healthcheck"]["Interval"], json!(1_000_000_000));
    let host = &body["HostConfig"];
    assert_eq!(host["Binds"], json!(["/srv:/www:ro,rslave,z", "data:/data"]));
    assert_eq!(host["PortBindings"]["80/tcp"][1], json!({"HostIp": "127.0.0.1", "HostPort": "8081"}));
    assert_eq!(host["CpuQuota"], json!(150_000));
}

#[test]
fn a_default_host_name_and_a_prefixed_capability_are_shown_plainly() {
    let inspected = json!({
        "Id": "ab12cd34", "Name": "/web", "State": {},
        "Config": {"Hostname": "ab12"},
        "HostConfig": {"CapAdd": ["CAP_NET_ADMIN"], "PortBindings": {"80-90/tcp": [{"HostPort": "80-90"}]}},
    });
    let config = inspect::container(wire::decode(inspected.to_string().as_bytes()).unwrap()).config;
    assert_eq!(config.hostname, None);
    assert_eq!(config.cap_add, ["NET_ADMIN"]);
    assert_eq!(config.ports, []);
}

fn host_config(shown: &Value) -> wire::HostConfig {
    wire::decode(shown.to_string().as_bytes()).unwrap()
}

#[test]
fn limits_are_read_in_each_form() {
    let cases = [
        (json!({}), None, None),
        (json!({"NanoCpus": 500_000_000_i64, "Memory": 1024}), Some(500), Some(1024)),
        (json!({"CpuQuota": 25_000}), Some(250), None),
        (json!({"CpuQuota": 25_000, "CpuPeriod": 50_000}), Some(500), None),
        // Lifted: the quota outdoes what is left of the other form.
        (json!({"NanoCpus": 500_000_000_i64, "CpuQuota": -1, "Memory": 1_u64 << 53}), None, None),
        (json!({"Memory": -1}), None, None),
    ];
    for (shown, milli_cpus, memory) in cases {
        assert_eq!(update::limits(&host_config(&shown)), Resources { milli_cpus, memory }, "{shown}");
    }
}

#[test]
fn limits_are_set_moved_and_lifted() {
    let always = RestartPolicy { name: "always".to_owned(), retries: 0 };
    let policy = json!({"Name": "always", "MaximumRetryCount": 0});
    let limited = json!({"CpuQuota": 50_000, "Memory": 1 << 26});
    let cases = [
        (json!({}), None, None, json!({})),
        (limited.clone(), Some(500), Some(1 << 26), json!({})),
        (json!({}), Some(500), Some(1 << 26), json!({"CpuQuota": 50_000, "Memory": 1 << 26, "MemorySwap": 1 << 27})),
        (limited, None, None, json!({"CpuQuota": -1, "Memory": 1_u64 << 53, "MemorySwap": 1_u64 << 54})),
        (json!({"NanoCpus": 1_000_000_000}), Some(500), None, json!({"NanoCpus": 500_000_000})),
        (json!({"NanoCpus": 1_000_000_000}), None, None, json!({"CpuQuota": -1})),
    ];
    for (now, milli_cpus, memory, mut expected) in cases {
        expected["RestartPolicy"] = policy.clone();
        let body = update::body(&host_config(&now), &Resources { milli_cpus, memory }, &always);
        assert_eq!(body, expected, "{now}");
    }
}
