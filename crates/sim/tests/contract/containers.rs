//! A container's life.

use std::time::Duration;

use hactl_host::{ContainerConfig, Resources, RestartPolicy, Status};

use crate::suite::{Case, cases};
use crate::world::{Image, World, conflict, engine_words, not_found, words};

pub(crate) const CASES: &[Case] = cases![
    a_container_is_created_without_starting,
    a_taken_name_is_a_conflict,
    a_missing_image_is_not_found,
    a_bad_name_is_refused,
    a_name_of_one_letter_is_refused,
    an_absent_container_is_not_inspected,
    an_absent_container_is_not_found,
    starting_twice_is_fine,
    stopping_twice_is_fine,
    what_ignores_its_stop_signal_is_killed,
    a_stopped_container_starts_again,
    an_exit_code_is_kept,
    a_container_gets_another_name,
    a_taken_name_is_not_given,
    a_bad_name_is_not_given,
    removing_twice_is_fine,
    a_running_container_is_removed,
    limits_and_restarts_change_in_place,
    a_stopped_container_is_updated,
    a_bad_limit_is_refused,
    a_signal_reaches_a_running_container,
    a_killed_container_says_so,
    a_signal_needs_a_running_container,
    a_command_has_an_exit_code_and_output,
    a_command_needs_a_running_container,
    logs_are_the_last_lines,
    containers_are_made_at_once,
];

async fn a_container_is_created_without_starting(world: &World) {
    let name = world.name("web");
    let id = world.host().create_container(&name, &world.config(Image::Web).await).await.unwrap();
    assert!(id.len() == 64 && id.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte)), "{id}");
    for handle in [&*id, &id[..12], &name] {
        let container = world.inspect(handle).await;
        assert_eq!((&container.id, &container.name, &container.status), (&id, &name, &Status::Created));
        assert_eq!(container.health, None);
    }
}

async fn a_taken_name_is_a_conflict(world: &World) {
    let name = world.name("web");
    let config = world.config(Image::Web).await;
    let id = world.host().create_container(&name, &config).await.unwrap();
    let again = world.host().create_container(&name, &config).await;
    assert_eq!(conflict(again), format!("a container named {name}"));
    assert_eq!(world.inspect(&name).await.id, id);
}

async fn a_missing_image_is_not_found(world: &World) {
    let config = ContainerConfig { image: world.hands.missing_image(), ..ContainerConfig::default() };
    let created = world.host().create_container(&world.name("web"), &config).await;
    assert_eq!(not_found(created), format!("image {}", config.image));
}

async fn a_bad_name_is_refused(world: &World) {
    let config = world.config(Image::Web).await;
    for name in ["-web", "we b", "web/1", "größe"] {
        let message = engine_words(world.host().create_container(name, &config).await);
        world.assert_says(&message, "Invalid container name", "names must match");
    }
}

async fn a_name_of_one_letter_is_refused(world: &World) {
    let created = world.host().create_container("w", &world.config(Image::Web).await).await;
    if created.is_ok() {
        world.host().remove_container("w").await.unwrap();
    }
    let message = engine_words(created);
    assert!(message.contains("Invalid container name"), "{message}");
}

async fn an_absent_container_is_not_inspected(world: &World) {
    for handle in [world.name("absent"), "0".repeat(64)] {
        assert_eq!(world.host().inspect_container(&handle).await.unwrap(), None);
    }
}

async fn an_absent_container_is_not_found(world: &World) {
    let (name, host) = (world.name("absent"), world.host());
    let gone = format!("container {name}");
    assert_eq!(not_found(host.start_container(&name).await), gone);
    assert_eq!(not_found(host.stop_container(&name, None).await), gone);
    assert_eq!(not_found(host.rename_container(&name, &world.name("other")).await), gone);
    assert_eq!(not_found(host.update_container(&name, &Resources::default(), &restart("always")).await), gone);
    assert_eq!(not_found(host.signal_container(&name, "HUP").await), gone);
    assert_eq!(not_found(host.exec(&name, &words(&["true"])).await), gone);
    assert_eq!(not_found(host.container_logs(&name, 1).await), gone);
}

async fn starting_twice_is_fine(world: &World) {
    let id = world.run(&world.name("web"), Image::Web).await;
    assert_eq!(world.inspect(&id).await.status, Status::Running);
    world.host().start_container(&id).await.unwrap();
    assert_eq!(world.inspect(&id).await.status, Status::Running);
}

async fn stopping_twice_is_fine(world: &World) {
    let id = world.host().create_container(&world.name("web"), &world.config(Image::Web).await).await.unwrap();
    world.host().stop_container(&id, None).await.unwrap();
    assert_eq!(world.inspect(&id).await.status, Status::Created);
    world.host().start_container(&id).await.unwrap();
    for _ in 0..2 {
        world.host().stop_container(&id, None).await.unwrap();
        assert!(matches!(world.inspect(&id).await.status, Status::Exited(_)));
    }
}

async fn what_ignores_its_stop_signal_is_killed(world: &World) {
    let name = world.name("stubborn");
    let id = world.run(&name, Image::Stubborn).await;
    world.host().stop_container(&name, Some(Duration::from_secs(1))).await.unwrap();
    assert_eq!(world.inspect(&id).await.status, Status::Exited(137));
    world.host().start_container(&id).await.unwrap();
    // Its own grace is a second as well.
    world.host().stop_container(&name, None).await.unwrap();
    assert_eq!(world.inspect(&id).await.status, Status::Exited(137));
    world.host().start_container(&id).await.unwrap();
    world.host().stop_container(&name, Some(Duration::ZERO)).await.unwrap();
    assert_eq!(world.inspect(&id).await.status, Status::Exited(137));
}

async fn a_stopped_container_starts_again(world: &World) {
    let id = world.run(&world.name("web"), Image::Web).await;
    for _ in 0..2 {
        world.host().stop_container(&id, Some(Duration::ZERO)).await.unwrap();
        world.host().start_container(&id).await.unwrap();
        assert_eq!(world.inspect(&id).await.status, Status::Running);
    }
}

async fn an_exit_code_is_kept(world: &World) {
    let id = world.run(&world.name("exits"), Image::Exits).await;
    assert_eq!(ended(world, &id).await, Status::Exited(Image::EXIT_CODE));
    world.host().stop_container(&id, None).await.unwrap();
    assert_eq!(world.inspect(&id).await.status, Status::Exited(Image::EXIT_CODE));
}

async fn a_container_gets_another_name(world: &World) {
    let (name, other) = (world.name("web"), world.name("other"));
    let id = world.run(&name, Image::Web).await;
    world.host().rename_container(&name, &other).await.unwrap();
    assert_eq!(world.inspect(&id).await.name, other);
    assert_eq!(world.host().inspect_container(&name).await.unwrap(), None);
    world.host().rename_container(&id, &other).await.unwrap();
    assert_eq!(world.inspect(&other).await.status, Status::Running, "its own name is fine");
    world.host().create_container(&name, &world.config(Image::Web).await).await.unwrap();
}

async fn a_taken_name_is_not_given(world: &World) {
    let (name, other) = (world.name("web"), world.name("other"));
    let config = world.config(Image::Web).await;
    let id = world.host().create_container(&name, &config).await.unwrap();
    world.host().create_container(&other, &config).await.unwrap();
    let renamed = world.host().rename_container(&name, &other).await;
    assert_eq!(conflict(renamed), format!("a container named {other}"));
    assert_eq!(world.inspect(&id).await.name, name);
}

async fn a_bad_name_is_not_given(world: &World) {
    let name = world.name("web");
    world.host().create_container(&name, &world.config(Image::Web).await).await.unwrap();
    let message = engine_words(world.host().rename_container(&name, "-web").await);
    world.assert_says(&message, "Invalid container name", "names must match");
}

async fn removing_twice_is_fine(world: &World) {
    let name = world.name("web");
    let id = world.host().create_container(&name, &world.config(Image::Web).await).await.unwrap();
    for handle in [&id, &id, &name] {
        world.host().remove_container(handle).await.unwrap();
        assert_eq!(world.host().inspect_container(&id).await.unwrap(), None);
    }
}

async fn a_running_container_is_removed(world: &World) {
    let name = world.name("web");
    world.run(&name, Image::Web).await;
    world.host().remove_container(&name).await.unwrap();
    assert_eq!(world.host().inspect_container(&name).await.unwrap(), None);
    world.run(&name, Image::Web).await;
}

async fn limits_and_restarts_change_in_place(world: &World) {
    let name = world.name("web");
    let id = world.run(&name, Image::Web).await;
    for (milli_cpus, memory, restart) in [
        (Some(500), Some(64 << 20), restart("always")),
        (Some(1000), Some(128 << 20), RestartPolicy { retries: 3, ..restart("on-failure") }),
        (Some(250), Some(32 << 20), restart("no")),
        (None, None, restart("unless-stopped")),
        (Some(750), None, restart("unless-stopped")),
        (None, Some(64 << 20), restart("unless-stopped")),
    ] {
        let resources = Resources { milli_cpus, memory };
        for _ in 0..2 {
            world.host().update_container(&name, &resources, &restart).await.unwrap();
            let container = world.inspect(&name).await;
            assert_eq!((&container.id, container.status), (&id, Status::Running));
            assert_eq!((&container.config.resources, &container.config.restart), (&resources, &restart));
        }
    }
}

async fn a_stopped_container_is_updated(world: &World) {
    let name = world.name("web");
    world.host().create_container(&name, &world.config(Image::Web).await).await.unwrap();
    let resources = Resources { milli_cpus: None, memory: Some(64 << 20) };
    world.host().update_container(&name, &resources, &restart("unless-stopped")).await.unwrap();
    let container = world.inspect(&name).await;
    assert_eq!((container.config.resources, container.config.restart), (resources, restart("unless-stopped")));
    assert_eq!(container.status, Status::Created);
}

async fn a_bad_limit_is_refused(world: &World) {
    let name = world.name("web");
    let config = world.config(Image::Web).await;
    world.host().create_container(&name, &config).await.unwrap();
    let small = Resources { memory: Some(1 << 20), milli_cpus: None };
    let retries = RestartPolicy { retries: 3, ..restart("always") };
    for (resources, restart, words) in [
        (small, restart("no"), "Minimum memory limit allowed is 6MB"),
        (Resources::default(), restart("sometimes"), "invalid restart policy"),
        (Resources::default(), retries, "maximum retry count cannot be used with restart policy 'always'"),
    ] {
        let made = ContainerConfig { resources: resources.clone(), restart: restart.clone(), ..config.clone() };
        for message in [
            engine_words(world.host().update_container(&name, &resources, &restart).await),
            engine_words(world.host().create_container(&world.name("other"), &made).await),
        ] {
            assert!(message.contains(words), "{message}");
        }
    }
    let unchanged = world.inspect(&name).await.config;
    assert_eq!((unchanged.resources, unchanged.restart), (Resources::default(), restart("no")));
}

async fn a_signal_reaches_a_running_container(world: &World) {
    let name = world.name("stubborn");
    world.run(&name, Image::Stubborn).await;
    for signal in ["WINCH", "SIGWINCH"] {
        world.host().signal_container(&name, signal).await.unwrap();
        assert_eq!(world.inspect(&name).await.status, Status::Running);
    }
    let message = engine_words(world.host().signal_container(&name, "NONE").await).to_lowercase();
    assert!(message.contains("invalid signal: none"), "{message}");
}

async fn a_killed_container_says_so(world: &World) {
    let name = world.name("web");
    world.run(&name, Image::Web).await;
    world.host().signal_container(&name, "KILL").await.unwrap();
    assert_eq!(ended(world, &name).await, Status::Exited(137));
}

async fn a_signal_needs_a_running_container(world: &World) {
    let name = world.name("web");
    world.host().create_container(&name, &world.config(Image::Web).await).await.unwrap();
    let message = engine_words(world.host().signal_container(&name, "HUP").await);
    world.assert_says(&message, "is not running", "can only kill running containers");
}

async fn a_command_has_an_exit_code_and_output(world: &World) {
    let name = world.name("web");
    world.run(&name, Image::Web).await;
    for (command, code, output) in [
        (&["true"] as &[&str], 0, ""),
        (&["false"], 1, ""),
        (&["echo", "two", "words and $HOME"], 0, "two words and $HOME\n"),
    ] {
        let done = world.host().exec(&name, &words(command)).await.unwrap();
        assert_eq!((done.code, done.output.as_str()), (code, output), "{command:?}");
    }
    let message = engine_words(world.host().exec(&name, &[]).await);
    world.assert_says(&message, "No exec command specified", "must provide a non-empty command");
}

async fn a_command_needs_a_running_container(world: &World) {
    let name = world.name("web");
    world.run(&name, Image::Web).await;
    world.host().stop_container(&name, Some(Duration::ZERO)).await.unwrap();
    let message = engine_words(world.host().exec(&name, &words(&["true"])).await);
    world.assert_says(&message, "is not running", "can only create exec sessions on running containers");
}

async fn logs_are_the_last_lines(world: &World) {
    let name = world.name("exits");
    world.hands.behave(&name, Image::Exits);
    let id = world.host().create_container(&name, &world.config(Image::Exits).await).await.unwrap();
    assert!(world.host().container_logs(&id, 10).await.unwrap().is_empty());
    world.host().start_container(&id).await.unwrap();
    ended(world, &id).await;
    let all = world.host().container_logs(&name, 10).await.unwrap();
    assert_eq!(all.len(), 2, "{all:?}");
    assert!(all.iter().all(|line| !line.is_empty() && line.trim_end() == line), "{all:?}");
    for lines in [2, 1, 0] {
        assert_eq!(world.host().container_logs(&name, lines).await.unwrap(), all[2 - lines..], "{lines}");
    }
}

async fn containers_are_made_at_once(world: &World) {
    let config = world.config(Image::Web).await;
    let names: Vec<String> = (0..12).map(|index| world.name(&format!("web{index}"))).collect();
    let mut ids = futures_util::future::join_all(names.iter().map(|name| world.run_as(name, &config))).await;
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), names.len());
    let removed = futures_util::future::join_all(names.iter().map(|name| world.host().remove_container(name))).await;
    assert!(removed.iter().all(Result::is_ok), "{removed:?}");
}

fn restart(name: &str) -> RestartPolicy {
    RestartPolicy { name: name.to_owned(), retries: 0 }
}

/// The status of a container that ends by itself, once it has.
async fn ended(world: &World, container: &str) -> Status {
    for _ in 0..100 {
        match world.inspect(container).await.status {
            Status::Running => tokio::time::sleep(Duration::from_millis(50)).await,
            status => return status,
        }
    }
    panic!("{container} has not ended after 5 s");
}
