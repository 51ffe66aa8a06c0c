//! What of a container that somebody else made differs from what is wanted.

use hactl_core::diff::{diff, display_path};
use hactl_host::{Device, Logging, Mount, PortBinding, Resources, RestartPolicy, Status, Ulimit};

use super::*;
use hactl_core::expr::Expr;
use hactl_core::value::Deferred;

fn value(json: serde_json::Value) -> Value {
    serde_json::from_value(json).unwrap()
}

/// As `docker run` and Compose make one.
fn container() -> Container {
    let texts = |texts: &[&str]| Some(texts.iter().map(|text| (*text).to_owned()).collect());
    Container {
        id: "f00d".to_owned(),
        name: "db".to_owned(),
        config: ContainerConfig {
            image: "postgres:16".to_owned(),
            entrypoint: texts(&["docker-entrypoint.sh"]),
            command: texts(&["postgres", "-c", "max_connections=50"]),
            env: [("PATH", "/bin"), ("PGDATA", "/data"), ("PASSWORD", "hunter2")]
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .into(),
            labels: BTreeMap::from([("com.docker.compose.project".to_owned(), "shop".to_owned())]),
            ports: vec![PortBinding { ip: None, host: 5432, container: 5432, protocol: "tcp".to_owned() }],
            mounts: ["data", ""]
                .map(|source| Mount {
                    kind: MountKind::Volume,
                    source: source.to_owned(),
                    target: format!("/{source}"),
                    read_only: false,
                    options: Vec::new(),
                })
                .into(),
            network: "shop_default".to_owned(),
            restart: RestartPolicy { name: "always".to_owned(), retries: 0 },
            cap_add: vec!["SYS_TIME".to_owned(), "NET_ADMIN".to_owned()],
            ulimits: vec![Ulimit { name: "nofile".to_owned(), soft: 1024, hard: 4096 }],
            devices: vec![Device {
                host: "/dev/fuse".to_owned(),
                container: "/dev/fuse".to_owned(),
                permissions: "rwm".to_owned(),
            }],
            shm_size: Some(64 << 20),
            logging: Some(Logging { driver: "json-file".to_owned(), options: BTreeMap::new() }),
            resources: Resources { milli_cpus: Some(500), memory: Some(512 << 20) },
            stop_signal: Some("SIGINT".to_owned()),
            ..ContainerConfig::default()
        },
        status: Status::Running,
        health: None,
    }
}

/// The paths at which it differs from what is wanted.
fn differing(wanted: serde_json::Value) -> Vec<String> {
    let wanted = value(wanted);
    let shown = shown(&wanted, &container(), None);
    diff(&shown, &wanted).iter().map(|path| display_path(path)).collect()
}

fn wanted(more: serde_json::Value) -> serde_json::Value {
    let mut wanted = serde_json::json!({
        "name": "db", "image": "docker.io/library/postgres:16", "restart": "always", "running": true, "cpus": 0.5, "memory": "512m",
    });
    wanted.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    wanted
}

#[test]
fn what_the_config_sets_in_other_words_is_equal() {
    let none: Vec<String> = Vec::new();
    assert_eq!(differing(wanted(serde_json::json!({}))), none);
    assert_eq!(
        differing(wanted(serde_json::json!({
            "command": ["postgres", "-c", "max_connections=50"],
            "env": {"PGDATA": "/data"},
            "ports": ["5432:5432"],
            "volumes": ["data:/data"],
            "network": "shop_default",
            "capAdd": ["NET_ADMIN", "CAP_SYS_TIME"],
            "ulimits": {"nofile": {"soft": 1024, "hard": 4096}},
            "devices": ["/dev/fuse"],
            "shmSize": "65536k",
            "logging": {"driver": "json-file"},
            "stopSignal": "INT",
            "stopGracePeriod": "10s",
            "health": {"tcp": {"port": 5432}},
            "onFileChange": "ignore",
        }))),
        none
    );
}

#[test]
fn what_differs_is_named() {
    for (more, paths) in [
        (serde_json::json!({"image": "postgres:17"}), vec!["image"]),
        (serde_json::json!({"command": ["postgres"]}), vec!["command"]),
        (serde_json::json!({"env": {"PGDATA": "/other", "NEW": "1"}}), vec!["env.NEW", "env.PGDATA"]),
        (serde_json::json!({"labels": {"team": "shop"}}), vec!["labels.team"]),
        (serde_json::json!({"ports": ["5433:5432"]}), vec!["ports"]),
        (serde_json::json!({"volumes": ["data:/data:ro"]}), vec!["volumes"]),
        (serde_json::json!({"network": "bridge", "user": "70"}), vec!["network", "user"]),
        (serde_json::json!({"privileged": true, "capAdd": ["NET_ADMIN"]}), vec!["capAdd", "privileged"]),
        (serde_json::json!({"ulimits": {"nofile": 4096}, "shmSize": "1g"}), vec!["shmSize", "ulimits.nofile"]),
        (serde_json::json!({"restart": "no", "memory": "1g", "name": "other"}), vec!["memory", "name", "restart"]),
        (serde_json::json!({"healthcheck": {"command": ["pg_isready"]}}), vec!["healthcheck"]),
        (serde_json::json!({"logging": {"driver": "journald"}}), vec!["logging.driver"]),
    ] {
        assert_eq!(differing(wanted(more)), paths);
    }
}

#[test]
fn sensitive_values_are_compared_by_their_digests() {
    let key = DigestKey::new([7; 32]);
    let sealed = |text: &str, shown: Option<&DigestKey>| {
        let expr = Expr::variable("password");
        let secret =
            Value::Deferred(Arc::new(Deferred { expr, sensitive: true, digest: Some(key.digest(&Value::from(text))) }));
        let mut wanted = value(wanted(serde_json::json!({"env": {}})));
        let Value::Map(map) = &mut wanted else { unreachable!() };
        map.insert("env".to_owned(), Value::Map(Map::from([("PASSWORD".to_owned(), secret)])));
        let now = super::shown(&wanted, &container(), shown);
        assert!(!format!("{now:?}").contains("hunter2"));
        diff(&now, &wanted).len()
    };
    assert_eq!((sealed("hunter2", Some(&key)), sealed("other", Some(&key)), sealed("hunter2", None)), (0, 1, 1));
}
