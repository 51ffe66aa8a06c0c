//! Networks, volumes, and what an engine lists.

use std::collections::BTreeMap;
use std::time::Duration;

use hactl_host::{
    ContainerConfig, EngineRequest, HostError, Mount, MountKind, NetworkConfig, PortBinding, Status, SurveyRequest,
    VolumeConfig, labels,
};

use crate::suite::{Case, cases};
use crate::world::{Image, World, conflict, engine_words};

pub(crate) const CASES: &[Case] = cases![
    a_network_comes_back,
    a_taken_network_name_is_a_conflict,
    removing_a_network_twice_is_fine,
    a_network_in_use_stays,
    predefined_networks_are_the_engine_s,
    a_volume_comes_back,
    creating_a_volume_twice_is_fine,
    removing_a_volume_twice_is_fine,
    a_volume_in_use_stays,
    a_bad_volume_name_is_refused,
    what_carries_the_label_is_listed,
    what_is_wanted_by_name_is_listed,
    what_is_listed_is_sorted,
    ports_of_others_are_listed,
    nothing_is_listed_where_there_is_nothing,
];

/// On real hosts, not everybody may use the engine.
pub(crate) const BY_USER: &[Case] = cases![a_user_without_docker_is_told];

fn ours(world: &World) -> BTreeMap<String, String> {
    BTreeMap::from([(labels::LINEAGE.to_owned(), world.lineage()), (labels::STACK.to_owned(), "contract".to_owned())])
}

async fn a_network_comes_back(world: &World) {
    let name = world.name("net");
    let config = NetworkConfig { driver: "bridge".to_owned(), labels: ours(world) };
    world.host().create_network(&name, &config).await.unwrap();
    let networks = world.host().engine_survey(&world.wanted(&[])).await.unwrap().networks;
    assert_eq!((networks.len(), &networks[0].name, &networks[0].config), (1, &name, &config));
}

async fn a_taken_network_name_is_a_conflict(world: &World) {
    let name = world.name("net");
    world.host().create_network(&name, &NetworkConfig::default()).await.unwrap();
    let again = world.host().create_network(&name, &NetworkConfig::default()).await;
    assert_eq!(conflict(again), format!("a network named {name}"));
}

async fn removing_a_network_twice_is_fine(world: &World) {
    let name = world.name("net");
    world.host().create_network(&name, &NetworkConfig::default()).await.unwrap();
    for _ in 0..2 {
        world.host().remove_network(&name).await.unwrap();
        assert!(world.host().engine_survey(&world.wanted(&[&name])).await.unwrap().networks.is_empty());
    }
}

async fn a_network_in_use_stays(world: &World) {
    let (name, network) = (world.name("web"), world.name("net"));
    world.host().create_network(&network, &NetworkConfig::default()).await.unwrap();
    let config = ContainerConfig { network: network.clone(), ..world.config(Image::Web).await };
    world.run_as(&name, &config).await;
    let message = engine_words(world.host().remove_network(&network).await);
    assert!(message.contains(&network), "{message}");
    world.assert_says(&message, "has active endpoints", "network is being used");
    world.host().stop_container(&name, Some(Duration::ZERO)).await.unwrap();
    world.host().remove_network(&network).await.unwrap();
}

async fn predefined_networks_are_the_engine_s(world: &World) {
    for name in ["bridge", "host", "none"] {
        let networks = world.host().engine_survey(&world.wanted(&[name])).await.unwrap().networks;
        assert_eq!(networks.iter().map(|network| network.name.as_str()).collect::<Vec<_>>(), [name]);
        let created = world.host().create_network(name, &NetworkConfig::default()).await;
        assert_eq!(conflict(created), format!("a network named {name}"));
        let message = engine_words(world.host().remove_network(name).await);
        assert!(message.contains("pre-defined network"), "{message}");
    }
}

async fn a_volume_comes_back(world: &World) {
    let name = world.name("data");
    let config = VolumeConfig { driver: "local".to_owned(), labels: ours(world) };
    world.host().create_volume(&name, &config).await.unwrap();
    let volumes = world.host().engine_survey(&world.wanted(&[])).await.unwrap().volumes;
    assert_eq!((volumes.len(), &volumes[0].name, &volumes[0].config), (1, &name, &config));
}

async fn creating_a_volume_twice_is_fine(world: &World) {
    let name = world.name("data");
    let config = VolumeConfig { labels: ours(world), ..VolumeConfig::default() };
    world.host().create_volume(&name, &VolumeConfig::default()).await.unwrap();
    world.host().create_volume(&name, &config).await.unwrap();
    let volumes = world.host().engine_survey(&world.wanted(&[&name])).await.unwrap().volumes;
    assert_eq!(volumes[0].config, VolumeConfig { driver: "local".to_owned(), labels: BTreeMap::new() });
}

async fn removing_a_volume_twice_is_fine(world: &World) {
    let name = world.name("data");
    world.host().create_volume(&name, &VolumeConfig::default()).await.unwrap();
    for _ in 0..2 {
        world.host().remove_volume(&name).await.unwrap();
        assert!(world.host().engine_survey(&world.wanted(&[&name])).await.unwrap().volumes.is_empty());
    }
}

async fn a_volume_in_use_stays(world: &World) {
    let (name, volume) = (world.name("web"), world.name("data"));
    let mount = Mount {
        kind: MountKind::Volume,
        source: volume.clone(),
        target: "/data".to_owned(),
        read_only: false,
        options: Vec::new(),
    };
    let config = ContainerConfig { mounts: vec![mount], ..world.config(Image::Web).await };
    let id = world.host().create_container(&name, &config).await.unwrap();
    let message = engine_words(world.host().remove_volume(&volume).await);
    let podman = format!("being used by the following container(s): {id}");
    world.assert_says(&message, &format!("volume is in use - [{id}]"), &podman);
    world.host().remove_container(&name).await.unwrap();
    let volumes = world.host().engine_survey(&world.wanted(&[&volume])).await.unwrap().volumes;
    assert_eq!(volumes.len(), 1, "a container's removal leaves named volumes");
    world.host().remove_volume(&volume).await.unwrap();
}

async fn a_bad_volume_name_is_refused(world: &World) {
    let message = engine_words(world.host().create_volume("bad name", &VolumeConfig::default()).await);
    world.assert_says(&message, "includes invalid characters for a local volume name", "names must match");
}

async fn what_carries_the_label_is_listed(world: &World) {
    let (running, stopped, other) = (world.name("running"), world.name("stopped"), world.name("other"));
    let config = world.config(Image::Web).await;
    let id = world.run_as(&running, &config).await;
    world.host().create_container(&stopped, &config).await.unwrap();
    let theirs = BTreeMap::from([(labels::LINEAGE.to_owned(), world.other_lineage())]);
    world.host().create_container(&other, &ContainerConfig { labels: theirs.clone(), ..config }).await.unwrap();
    world
        .host()
        .create_network(&other, &NetworkConfig { labels: theirs.clone(), ..NetworkConfig::default() })
        .await
        .unwrap();
    world.host().create_volume(&other, &VolumeConfig { labels: theirs, ..VolumeConfig::default() }).await.unwrap();
    let survey = world.host().engine_survey(&world.wanted(&[])).await.unwrap();
    let listed: Vec<_> = survey.containers.iter().map(|container| (&container.name, &container.status)).collect();
    assert_eq!(listed, [(&running, &Status::Running), (&stopped, &Status::Created)]);
    assert_eq!(survey.containers[0], world.inspect(&id).await, "a listed container is shown in full");
    assert!(survey.networks.is_empty() && survey.volumes.is_empty());
}

async fn what_is_wanted_by_name_is_listed(world: &World) {
    let (wanted, longer) = (world.name("web"), world.name("web-longer"));
    world.hands.run_container(&wanted, &world.binding(0));
    world.hands.run_container(&longer, &world.binding(1));
    for name in [&wanted, &longer] {
        world.host().create_network(name, &NetworkConfig::default()).await.unwrap();
        world.host().create_volume(name, &VolumeConfig::default()).await.unwrap();
    }
    let survey = world.host().engine_survey(&world.wanted(&[&wanted, &world.name("absent")])).await.unwrap();
    assert_eq!(survey.containers.iter().map(|found| &found.name).collect::<Vec<_>>(), [&wanted]);
    assert_eq!(survey.networks.iter().map(|found| &found.name).collect::<Vec<_>>(), [&wanted]);
    assert_eq!(survey.volumes.iter().map(|found| &found.name).collect::<Vec<_>>(), [&wanted]);
    assert_eq!(survey.containers[0].label(labels::LINEAGE), None);
}

async fn what_is_listed_is_sorted(world: &World) {
    let config = world.config(Image::Web).await;
    let names = ["zebra", "alpha", "middle"].map(|name| world.name(name));
    for name in &names {
        world.host().create_container(name, &config).await.unwrap();
        let config = NetworkConfig { labels: ours(world), ..NetworkConfig::default() };
        world.host().create_network(name, &config).await.unwrap();
        let config = VolumeConfig { labels: ours(world), ..VolumeConfig::default() };
        world.host().create_volume(name, &config).await.unwrap();
    }
    let survey = world.host().engine_survey(&world.wanted(&[&names[0], &names[1]])).await.unwrap();
    let expected = [&names[1], &names[2], &names[0]];
    assert_eq!(survey.containers.iter().map(|found| &found.name).collect::<Vec<_>>(), expected);
    assert_eq!(survey.networks.iter().map(|found| &found.name).collect::<Vec<_>>(), expected);
    assert_eq!(survey.volumes.iter().map(|found| &found.name).collect::<Vec<_>>(), expected);
}

async fn ports_of_others_are_listed(world: &World) {
    let (ours, foreign) = (world.name("ours"), world.name("foreign"));
    let config = world.config(Image::Web).await;
    world.run_as(&ours, &ContainerConfig { ports: vec![world.binding(0)], ..config.clone() }).await;
    world.hands.run_container(&foreign, &world.binding(1));
    let udp = PortBinding { protocol: "udp".to_owned(), ip: Some("127.0.0.1".to_owned()), ..world.binding(2) };
    let neighbour = ContainerConfig { ports: vec![udp], labels: BTreeMap::new(), ..config };
    world.run_as(&world.name("neighbour"), &neighbour).await;
    let expected = BTreeMap::from([
        (format!("{}/tcp", world.port(1)), foreign.clone()),
        (format!("{}/udp", world.port(2)), world.name("neighbour")),
    ]);
    assert_eq!(foreign_ports(world).await, expected);
    world.host().stop_container(&foreign, Some(Duration::ZERO)).await.unwrap();
    let expected = BTreeMap::from([(format!("{}/udp", world.port(2)), world.name("neighbour"))]);
    assert_eq!(foreign_ports(world).await, expected, "a stopped container holds no port");
}

/// Those among the world's own ports: other cases run on the same host.
async fn foreign_ports(world: &World) -> BTreeMap<String, String> {
    let mut ports = world.host().engine_survey(&world.wanted(&[])).await.unwrap().foreign_ports;
    ports.retain(|_, container| container.starts_with(&world.id));
    ports
}

async fn a_user_without_docker_is_told(world: &World) {
    let host = world.connect_as("guest").await.unwrap();
    let error = host.engine_survey(&world.wanted(&[])).await.unwrap_err();
    let HostError::EngineUnusable { reason } = error else { panic!("{error}") };
    assert!(reason.contains("guest"), "{reason}");
    let created = host.create_network(&world.name("net"), &NetworkConfig::default()).await;
    assert!(matches!(created, Err(HostError::EngineUnusable { .. })), "{created:?}");
    let request = SurveyRequest { lineage: world.lineage(), ..SurveyRequest::default() };
    let facts = host.survey(&request).await.unwrap().facts;
    assert_eq!((facts.docker_version, facts.engine_id), (None, None));
    assert!(facts.memory > 0, "the host is looked at all the same");
}

async fn nothing_is_listed_where_there_is_nothing(world: &World) {
    let request = EngineRequest { lineage: world.lineage(), ..EngineRequest::default() };
    let survey = world.host().engine_survey(&request).await.unwrap();
    assert!(survey.containers.is_empty() && survey.networks.is_empty() && survey.volumes.is_empty());
    let removed: Result<(), HostError> = world.host().remove_container(&world.name("absent")).await;
    removed.unwrap();
}
