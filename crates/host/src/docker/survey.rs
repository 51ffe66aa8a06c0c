//! Everything of one stack on an engine, in two dependent round trips.

use std::collections::BTreeMap;

use futures_util::{StreamExt, TryStreamExt, stream};

use crate::container::{Container, Network, NetworkConfig, Volume, VolumeConfig, labels};
use crate::docker::Docker;
use crate::docker::call::Call;
use crate::docker::wire::{ListedContainer, ListedNamed, ListedVolumes};
use crate::error::HostError;
use crate::survey::{EngineRequest, EngineSurvey, ImageRequest};

/// How many containers are inspected at one time.
const INSPECTS: usize = 16;

impl Docker {
    /// The containers, networks and volumes that are ours or have a name we want, each sorted by name. One list of all
    /// containers says which to inspect and which ports others hold; a container that vanishes in between is left out.
    pub(crate) async fn engine_survey(&self, request: &EngineRequest) -> Result<EngineSurvey, HostError> {
        let list = |path: &'static str| self.send(Call::get("engine survey", path));
        let lists = async { tokio::try_join!(list("/containers/json?all=1"), list("/networks"), list("/volumes")) };
        let (lists, images) = tokio::join!(lists, self.digests(&request.images));
        let (containers, networks, volumes) = lists?;
        let listed: Vec<ListedContainer> = containers.json()?;
        let networks: Vec<ListedNamed> = networks.json()?;
        let volumes: ListedVolumes = volumes.json()?;
        let is_ours = |labels: &BTreeMap<String, String>| labels.get(labels::LINEAGE) == Some(&request.lineage);

        let wanted = listed.iter().filter(|container| {
            is_ours(&container.labels)
                || request.containers.iter().any(|wanted| wanted == container.name() || *wanted == container.id)
        });
        let containers = self.inspect_all(wanted).await?;

        let mut networks: Vec<Network> = networks
            .into_iter()
            .filter(|network| is_ours(&network.labels) || request.networks.contains(&network.name))
            .map(|ListedNamed { name, driver, labels }| Network { name, config: NetworkConfig { driver, labels } })
            .collect();
        networks.sort_by(|one, other| one.name.cmp(&other.name));
        let mut volumes: Vec<Volume> = volumes
            .volumes
            .into_iter()
            .filter(|volume| is_ours(&volume.labels) || request.volumes.contains(&volume.name))
            .map(|ListedNamed { name, driver, labels }| Volume { name, config: VolumeConfig { driver, labels } })
            .collect();
        volumes.sort_by(|one, other| one.name.cmp(&other.name));

        let foreign = listed.iter().filter(|container| !is_ours(&container.labels));
        Ok(EngineSurvey { containers, networks, volumes, foreign_ports: held_ports(foreign), images })
    }

    /// The containers that carry the label of any stack, sorted by name.
    pub(crate) async fn labelled_containers(&self) -> Result<Vec<Container>, HostError> {
        let answer = self.send(Call::get("list containers", "/containers/json?all=1")).await?;
        let listed: Vec<ListedContainer> = answer.json()?;
        self.inspect_all(listed.iter().filter(|container| container.labels.contains_key(labels::LINEAGE))).await
    }

    /// What listed containers are, sorted by name; one that vanished meanwhile is left out.
    async fn inspect_all(&self, listed: impl Iterator<Item = &ListedContainer>) -> Result<Vec<Container>, HostError> {
        let inspects: Vec<_> = listed.map(|container| self.inspect_container(&container.id)).collect();
        let inspected: Vec<Option<Container>> = stream::iter(inspects).buffer_unordered(INSPECTS).try_collect().await?;
        let mut containers: Vec<Container> = inspected.into_iter().flatten().collect();
        containers.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(containers)
    }

    /// What the registries have for these images; those that do not tell are left out.
    async fn digests(&self, images: &[ImageRequest]) -> BTreeMap<String, String> {
        let asked = images.iter().map(|request| async {
            let digest = self.image_digest(&request.image, request.auth.as_ref()).await.ok()?;
            Some((request.image.clone(), digest))
        });
        let asked: Vec<_> = asked.collect();
        stream::iter(asked).buffer_unordered(INSPECTS).filter_map(std::future::ready).collect().await
    }
}

/// Whether a container holds nothing, though Podman lists the ports that it would hold.
fn is_idle(container: &ListedContainer) -> bool {
    matches!(container.state.as_str(), "created" | "initialized" | "exited" | "stopped" | "dead")
}

/// The host's ports that containers hold now, as in `8080/tcp`, each with a container's name.
fn held_ports<'a>(containers: impl Iterator<Item = &'a ListedContainer>) -> BTreeMap<String, String> {
    let mut held = BTreeMap::new();
    for container in containers.filter(|container| !is_idle(container)) {
        for port in container.ports.iter().filter(|port| port.public_port > 0) {
            held.insert(format!("{}/{}", port.public_port, port.protocol), container.name().to_owned());
        }
    }
    held
}
