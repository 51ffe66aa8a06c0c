//! Probes: each answer is about now.

use std::time::Duration;

use hactl_host::{ContainerConfig, Health, Healthcheck, Probe};

use crate::suite::{Case, cases};
use crate::world::{Image, World, not_found, words};

pub(crate) const CASES: &[Case] = cases![
    a_port_answers_or_refuses,
    a_page_is_served_or_missing,
    a_command_tells,
    a_container_without_healthcheck_runs_or_not,
    a_healthcheck_that_passes,
    a_healthcheck_that_fails,
    an_absent_container_is_not_found,
];

/// Asks until the answer passes the test.
async fn answer(world: &World, probe: &Probe, test: impl Fn(&Result<(), String>) -> bool) -> Result<(), String> {
    let mut answer = Ok(());
    for _ in 0..100 {
        answer = world.host().probe(probe).await.unwrap();
        if test(&answer) {
            return answer;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("after 10 s, {probe:?} still answers {answer:?}");
}

async fn refusal(world: &World, probe: &Probe) -> String {
    world.host().probe(probe).await.unwrap().expect_err("the probe fails")
}

async fn serve(world: &World, name: &str) {
    let config = ContainerConfig { ports: vec![world.binding(0)], ..world.config(Image::Web).await };
    world.run_as(name, &config).await;
}

async fn a_port_answers_or_refuses(world: &World) {
    let (name, probe) = (world.name("web"), Probe::Tcp { port: world.port(0) });
    assert_eq!(refusal(world, &probe).await, format!("port {} closes connections at once", world.port(0)));
    serve(world, &name).await;
    answer(world, &probe, Result::is_ok).await.unwrap();
    world.host().stop_container(&name, Some(Duration::ZERO)).await.unwrap();
    assert_eq!(refusal(world, &probe).await, format!("port {} closes connections at once", world.port(0)));
}

async fn a_page_is_served_or_missing(world: &World) {
    let name = world.name("web");
    let page = |path: &str| Probe::Http { port: world.port(0), path: path.to_owned() };
    let root = format!("http://127.0.0.1:{}", world.port(0));
    let why = refusal(world, &page("/")).await;
    assert!(why.starts_with(&format!("{root}/: ")) && why.contains("connection"), "{why}");
    serve(world, &name).await;
    for path in ["/", "/healthz", "/healthz?verbose=1"] {
        answer(world, &page(path), Result::is_ok).await.unwrap();
    }
    let path = world.hands.missing_page(&name);
    let why = refusal(world, &page(&path)).await;
    let status = why.strip_prefix(&format!("{root}{path} answers ")).and_then(|status| status[..3].parse::<u16>().ok());
    assert!(status.is_some_and(|status| status >= 400), "{why}");
}

async fn a_command_tells(world: &World) {
    let name = world.name("web");
    let run = |command: &[&str]| Probe::Exec { container: name.clone(), command: words(command) };
    world.run(&name, Image::Web).await;
    assert_eq!(world.host().probe(&run(&["true"])).await.unwrap(), Ok(()));
    let why = refusal(world, &run(&["false"])).await;
    assert!(why.contains("exited with code 1"), "{why}");
    world.host().stop_container(&name, Some(Duration::ZERO)).await.unwrap();
    let why = refusal(world, &run(&["true"])).await;
    assert!(why.contains("the container is exited ("), "{why}");
}

async fn a_container_without_healthcheck_runs_or_not(world: &World) {
    let name = world.name("web");
    let probe = Probe::Container { container: name.clone() };
    world.host().create_container(&name, &world.config(Image::Web).await).await.unwrap();
    assert_eq!(refusal(world, &probe).await, "the container is created");
    world.host().start_container(&name).await.unwrap();
    assert_eq!(world.host().probe(&probe).await.unwrap(), Ok(()));
    assert_eq!(world.inspect(&name).await.health, None);
    world.host().stop_container(&name, Some(Duration::ZERO)).await.unwrap();
    let why = refusal(world, &probe).await;
    assert!(why.starts_with("the container is exited ("), "{why}");
}

async fn a_healthcheck_that_passes(world: &World) {
    let name = world.name("web");
    let probe = Probe::Container { container: name.clone() };
    let check = Healthcheck {
        test: words(&["CMD", "true"]),
        interval_ms: 200,
        timeout_ms: 5000,
        retries: 1,
        start_period_ms: 0,
    };
    let config = ContainerConfig { healthcheck: Some(check), ..world.config(Image::Web).await };
    world.run_as(&name, &config).await;
    answer(world, &probe, Result::is_ok).await.unwrap();
    assert_eq!(world.inspect(&name).await.health, Some(Health::Healthy));
    world.host().stop_container(&name, Some(Duration::ZERO)).await.unwrap();
    let why = refusal(world, &probe).await;
    assert!(why.starts_with("the container is exited ("), "{why}");
}

async fn a_healthcheck_that_fails(world: &World) {
    let name = world.name("unhealthy");
    let probe = Probe::Container { container: name.clone() };
    world.hands.behave(&name, Image::Unhealthy);
    let check = Healthcheck {
        test: words(&["CMD", "false"]),
        interval_ms: 200,
        timeout_ms: 5000,
        retries: 1,
        start_period_ms: 0,
    };
    let config = ContainerConfig { healthcheck: Some(check), ..world.config(Image::Unhealthy).await };
    world.run_as(&name, &config).await;
    let why = answer(world, &probe, |answer| answer.as_ref().is_err_and(|why| why.contains("unhealthy"))).await;
    assert_eq!(why, Err("the container is unhealthy".to_owned()));
    assert_eq!(world.inspect(&name).await.health, Some(Health::Unhealthy));
}

async fn an_absent_container_is_not_found(world: &World) {
    let container = world.name("absent");
    let gone = format!("container {container}");
    let exec = Probe::Exec { container: container.clone(), command: words(&["true"]) };
    assert_eq!(not_found(world.host().probe(&exec).await), gone);
    assert_eq!(not_found(world.host().probe(&Probe::Container { container }).await), gone);
}
