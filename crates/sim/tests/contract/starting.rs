//! What starting a container needs of its host.

use std::time::Duration;

use hactl_host::{ContainerConfig, Mount, MountKind, NetworkConfig, PortBinding, Status};

use crate::suite::{Case, cases};
use crate::world::{Image, World, engine_words};

pub(crate) const CASES: &[Case] = cases![
    a_taken_port_is_refused,
    a_port_is_free_once_its_holder_stops,
    one_port_on_two_addresses_or_protocols,
    an_unknown_network_is_refused,
    a_missing_bind_source_becomes_a_directory,
    a_bind_source_below_a_file_is_refused,
    a_named_volume_is_made_on_demand,
    a_bad_volume_name_is_refused,
];

async fn publishing(world: &World, ports: Vec<PortBinding>) -> ContainerConfig {
    ContainerConfig { ports, ..world.config(Image::Web).await }
}

async fn mounting(world: &World, kind: MountKind, source: String) -> ContainerConfig {
    let mount = Mount { kind, source, target: "/data".to_owned(), read_only: false, options: Vec::new() };
    ContainerConfig { mounts: vec![mount], ..world.config(Image::Web).await }
}

async fn a_taken_port_is_refused(world: &World) {
    let name = world.name("late");
    world.run_as(&world.name("web"), &publishing(world, vec![world.binding(0)]).await).await;
    let local = PortBinding { ip: Some("127.0.0.1".to_owned()), ..world.binding(0) };
    let port = world.port(0);
    for (binding, docker, podman) in [
        (
            world.binding(0),
            format!("Bind for 0.0.0.0:{port} failed: port is already allocated"),
            format!("listen tcp4 :{port}: bind: address already in use"),
        ),
        (
            local,
            format!("listen tcp4 127.0.0.1:{port}: bind: address already in use"),
            format!("listen tcp4 127.0.0.1:{port}: bind: address already in use"),
        ),
    ] {
        world.host().create_container(&name, &publishing(world, vec![binding]).await).await.unwrap();
        let message = engine_words(world.host().start_container(&name).await);
        world.assert_says(&message, &docker, &podman);
        assert_eq!(world.inspect(&name).await.status, Status::Created);
        world.host().remove_container(&name).await.unwrap();
    }
}

async fn a_port_is_free_once_its_holder_stops(world: &World) {
    let (web, late) = (world.name("web"), world.name("late"));
    let config = publishing(world, vec![world.binding(0)]).await;
    world.run_as(&web, &config).await;
    world.host().stop_container(&web, Some(Duration::ZERO)).await.unwrap();
    // Docker Engine answers a stop before it frees the ports; it shows the container after both.
    world.inspect(&web).await;
    world.run_as(&late, &config).await;
    engine_words(world.host().start_container(&web).await);
    world.host().remove_container(&late).await.unwrap();
    world.host().start_container(&web).await.unwrap();
    assert_eq!(world.inspect(&web).await.status, Status::Running);
}

async fn one_port_on_two_addresses_or_protocols(world: &World) {
    let on = |ip: &str| PortBinding { ip: Some(ip.to_owned()), ..world.binding(0) };
    let udp = PortBinding { protocol: "udp".to_owned(), ..world.binding(0) };
    for (name, binding) in [("one", on("127.0.0.1")), ("two", on("127.0.0.2")), ("udp", udp)] {
        world.run_as(&world.name(name), &publishing(world, vec![binding]).await).await;
    }
}

async fn an_unknown_network_is_refused(world: &World) {
    let (name, network) = (world.name("web"), world.name("net"));
    let config = ContainerConfig { network: network.clone(), ..world.config(Image::Web).await };
    world.host().create_container(&name, &config).await.unwrap();
    let message = engine_words(world.host().start_container(&name).await);
    assert!(message.contains(&format!("network {network} not found")), "{message}");
    assert_eq!(world.inspect(&name).await.status, Status::Created);
    world.host().create_network(&network, &NetworkConfig::default()).await.unwrap();
    world.host().start_container(&name).await.unwrap();
    assert_eq!(world.inspect(&name).await.status, Status::Running);
}

async fn a_missing_bind_source_becomes_a_directory(world: &World) {
    let source = world.path("a/b");
    world.run_as(&world.name("web"), &mounting(world, MountKind::Bind, source.clone()).await).await;
    assert!(world.hands.is_directory(&source));
}

async fn a_bind_source_below_a_file_is_refused(world: &World) {
    let name = world.name("web");
    world.hands.put_file(&world.path("file"), b"text", "0644", "root", "root");
    let config = mounting(world, MountKind::Bind, world.path("file/below")).await;
    world.host().create_container(&name, &config).await.unwrap();
    let message = engine_words(world.host().start_container(&name).await);
    assert!(message.contains("not a directory"), "{message}");
}

async fn a_named_volume_is_made_on_demand(world: &World) {
    let volume = world.name("data");
    let config = mounting(world, MountKind::Volume, volume.clone()).await;
    world.host().create_container(&world.name("web"), &config).await.unwrap();
    let volumes = world.host().engine_survey(&world.wanted(&[&volume])).await.unwrap().volumes;
    assert_eq!((volumes.len(), volumes[0].config.driver.as_str()), (1, "local"));
}

async fn a_bad_volume_name_is_refused(world: &World) {
    let config = mounting(world, MountKind::Volume, "bad name".to_owned()).await;
    let message = engine_words(world.host().create_container(&world.name("web"), &config).await);
    world.assert_says(&message, "includes invalid characters for a local volume name", "names must match");
}
