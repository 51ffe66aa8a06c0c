//! What the sandbox costs: opening a fleet of 100 hosts with 100 containers each, and 8,000 creates on disk.
#![expect(clippy::disallowed_methods, reason = "a bench asks the hosts themselves")]

use std::path::Path;
use std::sync::Arc;

use criterion::{BatchSize, Criterion};
use hactl_core::node::{Connection, HostKeys, Method};
use hactl_host::{ContainerConfig, Fleet as _, Host, PortBinding};
use hactl_sim::Sandbox;
use tokio::runtime::Runtime;

type Failure = Box<dyn std::error::Error>;

fn bench(criterion: &mut Criterion) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    let logged = tempfile::tempdir()?;
    fill(&runtime, &Sandbox::open(logged.path(), 1)?, 100, 100)?;
    let folded = tempfile::tempdir()?;
    fill(&runtime, &Sandbox::open(folded.path(), 1)?, 100, 100)?;
    Sandbox::open(folded.path(), 1)?.write_file("node0", "/srv/x", b"x")?;

    let mut group = criterion.benchmark_group("sandbox");
    group.sample_size(10);
    let open = |directory: &Path| Sandbox::open(directory, 1).map(drop);
    group.bench_function("open 10,000 containers from the log", |bencher| bencher.iter(|| open(logged.path())));
    group.bench_function("open 10,000 containers from the snapshot", |bencher| {
        bencher.iter(|| open(folded.path()));
    });
    group.bench_function("8,000 creates on one host", |bencher| {
        bencher.iter_batched(
            tempfile::tempdir,
            |directory| {
                let directory = directory?;
                fill(&runtime, &Sandbox::open(directory.path(), 1)?, 1, 8000)?;
                Ok::<_, Failure>(directory)
            },
            BatchSize::PerIteration,
        );
    });
    group.finish();
    Ok(())
}

fn fill(runtime: &Runtime, sandbox: &Sandbox, hosts: u16, containers: u16) -> Result<(), Failure> {
    runtime.block_on(async {
        for number in 0..hosts {
            let host: Arc<dyn Host> = sandbox.connect(&format!("node{number}"), &connection()).await?;
            host.pull_image("registry.example.com/web:1.4", None, &|_| {}).await?;
            for number in 0..containers {
                let id = host.create_container(&format!("web-{number}"), &config(number)).await?;
                host.start_container(&id).await?;
            }
        }
        Ok(())
    })
}

fn config(number: u16) -> ContainerConfig {
    let pairs = |prefix: &'static str| {
        let numbers = 0..4;
        numbers.map(move |pair| (format!("{prefix}{pair}"), format!("a value of usual length {number}")))
    };
    ContainerConfig {
        image: "registry.example.com/web:1.4".to_owned(),
        env: pairs("VARIABLE").collect(),
        labels: pairs("io.hactl.label").collect(),
        ports: vec![PortBinding { ip: None, host: 10_000 + number, container: 80, protocol: "tcp".to_owned() }],
        ..ContainerConfig::default()
    }
}

fn connection() -> Connection {
    Connection {
        method: Method::Ssh,
        address: "192.0.2.1".to_owned(),
        user: None,
        port: None,
        key_path: None,
        bastion: None,
        host_keys: HostKeys::Strict,
        docker_socket: None,
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut criterion = criterion::Criterion::default().configure_from_args();
    bench(&mut criterion)?;
    criterion.final_summary();
    Ok(())
}
