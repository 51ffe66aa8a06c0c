//! Docker Engine's part of a machine: images, networks, volumes, and what is listed.
//!
//! Messages are those of Docker Engine 24. Where the port says more than the engine (removing what is absent
//! succeeds), the port wins.

use std::collections::BTreeMap;

use hactl_core::registry::DOCKER_HUB;
use hactl_host::{
    Container, EngineRequest, EngineSurvey, Health, HostError, ImageRequest, Network, NetworkConfig, RegistryAuth,
    Status, Volume, VolumeConfig, labels,
};

use crate::faults::{Fault, Operation, is_unhealthy, on_pull};
use crate::machine::derived;
use crate::mutation::Change;
use crate::scene::{Decision, Scene, change, unchanged};

/// Networks that every engine has, with their drivers.
const BUILT_IN_NETWORKS: [(&str, &str); 3] = [("bridge", "bridge"), ("host", "host"), ("none", "null")];

/// An image's name with its tag and without Docker Hub's defaults: `nginx` and `docker.io/library/nginx:latest` are
/// both `nginx:latest`.
pub(crate) fn canonical_image(image: &str) -> String {
    let short = image.strip_prefix("docker.io/").unwrap_or(image);
    let short = short.strip_prefix("library/").unwrap_or(short);
    let last = short.rsplit('/').next().unwrap_or(short);
    if last.contains([':', '@']) { short.to_owned() } else { format!("{short}:latest") }
}

/// Everything of a lineage and everything of the names asked for, each sorted by name. Ports count as another's when
/// a running container without the lineage's label holds them.
pub(crate) fn survey(scene: &Scene<'_>, request: &EngineRequest) -> Decision<EngineSurvey> {
    let machine = scene.machine;
    let is_ours = |labels: &BTreeMap<String, String>| labels.get(labels::LINEAGE) == Some(&request.lineage);
    let mut containers: Vec<Container> = machine
        .containers
        .iter()
        .filter(|container| is_ours(&container.config.labels))
        .chain(request.containers.iter().filter_map(|name| machine.containers.find(name)))
        .map(|container| shown(scene, container))
        .collect();
    containers.sort_by(|one, other| one.name.cmp(&other.name));
    containers.dedup_by(|one, other| one.id == other.id);

    let networks = machine.networks.iter().map(|(name, config)| (name.clone(), config.clone()));
    let networks = networks.chain(BUILT_IN_NETWORKS.map(|(name, driver)| (name.to_owned(), plain_network(driver))));
    let mut networks: Vec<Network> = networks
        .filter(|(name, config)| is_ours(&config.labels) || request.networks.contains(name))
        .map(|(name, config)| Network { name, config })
        .collect();
    networks.sort_by(|one, other| one.name.cmp(&other.name));

    let volumes = machine.volumes.iter();
    let volumes = volumes
        .filter(|(name, config)| is_ours(&config.labels) || request.volumes.contains(name))
        .map(|(name, config)| Volume { name: name.clone(), config: config.clone() });
    let published = machine.containers.published();
    let foreign_ports = published
        .filter(|(_, _, container)| !is_ours(&container.config.labels))
        .map(|(port, protocol, container)| (format!("{port}/{protocol}"), container.name.clone()));
    let images = request.images.iter().filter_map(|wanted| Some((wanted.image.clone(), digest(scene, wanted)?)));
    unchanged(EngineSurvey {
        volumes: volumes.collect(),
        foreign_ports: foreign_ports.collect(),
        images: images.collect(),
        containers,
        networks,
    })
}

/// The containers of any stack, sorted by name.
pub(crate) fn labelled_containers(scene: &Scene<'_>) -> Decision<Vec<Container>> {
    let labelled = scene.machine.containers.iter().filter(|container| container.label(labels::LINEAGE).is_some());
    let mut containers: Vec<Container> = labelled.map(|container| shown(scene, container)).collect();
    containers.sort_by(|one, other| one.name.cmp(&other.name));
    unchanged(containers)
}

/// A container as inspect shows it. A healthcheck passes as soon as the container runs; a container that does not
/// run has no health.
pub(crate) fn shown(scene: &Scene<'_>, container: &Container) -> Container {
    let test = container.config.healthcheck.as_ref().map(|check| check.test.as_slice());
    let has_check = test.is_some_and(|test| test.first().is_some_and(|form| form != "NONE"));
    let mut shown = container.clone();
    if has_check && container.status == Status::Running {
        let failing = is_unhealthy(scene.faults, scene.host, &container.name);
        shown.health = Some(if failing { Health::Unhealthy } else { Health::Healthy });
    }
    shown
}

/// What a tag names in its registry: another digest after each push. None where a pull would fail.
fn digest(scene: &Scene<'_>, wanted: &ImageRequest) -> Option<String> {
    let image = canonical_image(&wanted.image);
    let fails = on_pull(scene.faults, scene.host, &image).any(|fault| match fault {
        Fault::RegistryNeedsLogin { .. } => turned_away(fault, &image, wanted.auth.as_ref()).is_some(),
        fault => matches!(fault, Fault::PullFails { .. }),
    });
    let pushes = scene.pushes.get(&image).copied().unwrap_or_default();
    (!fails).then(|| format!("sha256:{}", derived(&["image", &image, &pushes.to_string()])))
}

pub(crate) fn has_image(scene: &Scene<'_>, image: &str) -> Decision<bool> {
    unchanged(scene.machine.images.contains(&canonical_image(image)))
}

/// Every image can be pulled by one whom its registry lets in.
pub(crate) fn pull_image(scene: &Scene<'_>, image: &str, auth: Option<&RegistryAuth>) -> Decision {
    let image = canonical_image(image);
    if let Some(message) = scene.strikes.iter().find_map(|fault| turned_away(fault, &image, auth)) {
        return Err(Scene::refusal(Operation::PullImage, &image, message));
    }
    if scene.struck(|fault| matches!(fault, Fault::PullFails { .. })) {
        let message = format!("manifest for {image} not found: manifest unknown");
        return Err(Scene::refusal(Operation::PullImage, &image, message));
    }
    if scene.struck(|fault| *fault == Fault::DiskFull) {
        let message = "write /var/lib/docker/tmp/GetImageBlob: no space left on device";
        return Err(Scene::refusal(Operation::PullImage, &image, message));
    }
    if scene.machine.images.contains(&image) {
        return unchanged(());
    }
    change(Change::AddImage { image })
}

/// What a registry says to one whom it does not let in.
fn turned_away(fault: &Fault, image: &str, auth: Option<&RegistryAuth>) -> Option<String> {
    let Fault::RegistryNeedsLogin { registry, username, password } = fault else { return None };
    match auth {
        Some(auth) if auth.username == *username && auth.reveal_password() == password => None,
        Some(_) => Some("unauthorized: authentication required".to_owned()),
        None if registry == DOCKER_HUB => {
            let name = image.split([':', '@']).next().unwrap_or(image);
            Some(format!(
                "pull access denied for {name}, repository does not exist or may require 'docker login': denied: \
                 requested access to the resource is denied"
            ))
        }
        None => {
            let path = image.strip_prefix(registry.as_str()).unwrap_or(image).trim_start_matches('/');
            let (name, tag) = path.split_once('@').or_else(|| path.rsplit_once(':')).unwrap_or((path, "latest"));
            Some(format!("Head \"https://{registry}/v2/{name}/manifests/{tag}\": no basic auth credentials"))
        }
    }
}

pub(crate) fn create_network(scene: &Scene<'_>, name: &str, config: &NetworkConfig) -> Decision {
    if network_exists(scene, name) {
        return Err(HostError::Conflict { what: format!("a network named {name}") });
    }
    let mut config = config.clone();
    default_to(&mut config.driver, "bridge");
    change(Change::CreateNetwork { name: name.to_owned(), config })
}

/// Refused while a running container is connected; stopped ones do not count, as in Docker.
pub(crate) fn remove_network(scene: &Scene<'_>, name: &str) -> Decision {
    let refusal = |message: String| Err(Scene::refusal(Operation::RemoveNetwork, name, message));
    if BUILT_IN_NETWORKS.iter().any(|(built_in, _)| *built_in == name) {
        return refusal(format!("{name} is a pre-defined network and cannot be removed"));
    }
    if !scene.machine.networks.contains_key(name) {
        return unchanged(());
    }
    if scene.machine.containers.network_in_use(name) {
        return refusal(format!("error while removing network: network {name} has active endpoints"));
    }
    change(Change::RemoveNetwork { name: name.to_owned() })
}

/// Whether containers can be connected to a network of this name.
pub(crate) fn network_exists(scene: &Scene<'_>, name: &str) -> bool {
    BUILT_IN_NETWORKS.iter().any(|(built_in, _)| *built_in == name) || scene.machine.networks.contains_key(name)
}

/// Whether containers and local volumes can be called this.
pub(crate) fn is_name(name: &str) -> bool {
    let mut bytes = name.bytes();
    bytes.next().is_some_and(|first| first.is_ascii_alphanumeric())
        && name.len() > 1
        && bytes.all(|byte| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte))
}

/// Refuses what no local volume can be called.
pub(crate) fn check_volume_name(operation: Operation, subject: &str, name: &str) -> Result<(), HostError> {
    if is_name(name) {
        return Ok(());
    }
    let allowed = "[a-zA-Z0-9][a-zA-Z0-9_.-]";
    let why = format!("includes invalid characters for a local volume name, only \"{allowed}\" are allowed");
    Err(Scene::refusal(operation, subject, format!("create {name}: \"{name}\" {why}")))
}

/// As in Docker, an existing volume of the same driver is taken as it is, labels included.
pub(crate) fn create_volume(scene: &Scene<'_>, name: &str, config: &VolumeConfig) -> Decision {
    check_volume_name(Operation::CreateVolume, name, name)?;
    let mut config = config.clone();
    default_to(&mut config.driver, "local");
    match scene.machine.volumes.get(name) {
        Some(existing) if existing.driver == config.driver => unchanged(()),
        Some(_) => Err(HostError::Conflict { what: format!("a volume named {name} with another driver") }),
        None => change(Change::CreateVolume { name: name.to_owned(), config }),
    }
}

/// Refused while any container, running or not, mounts it.
pub(crate) fn remove_volume(scene: &Scene<'_>, name: &str) -> Decision {
    if !scene.machine.volumes.contains_key(name) {
        return unchanged(());
    }
    if let Some(users) = scene.machine.containers.volume_users(name) {
        let users = users.iter().map(String::as_str).collect::<Vec<_>>().join(", ");
        let message = format!("remove {name}: volume is in use - [{users}]");
        return Err(Scene::refusal(Operation::RemoveVolume, name, message));
    }
    change(Change::RemoveVolume { name: name.to_owned() })
}

/// Puts the engine's default where nothing was given.
pub(crate) fn default_to(value: &mut String, default: &str) {
    if value.is_empty() {
        default.clone_into(value);
    }
}

fn plain_network(driver: &str) -> NetworkConfig {
    NetworkConfig { driver: driver.to_owned(), ..NetworkConfig::default() }
}
