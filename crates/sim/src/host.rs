//! The port [`Host`] on a simulated host. Each operation is one call of [`SimulatedHost::call`], where faults strike,
//! with one pure decision.

use std::collections::BTreeMap;
use std::time::Duration;

use async_trait::async_trait;
use hactl_host::{
    BlockRemoval, BlockWrite, Claim, Container, ContainerConfig, EngineRequest, EngineSurvey, ExecOutput, FileAdoption,
    FileRemoval, FileWrite, Host, HostError, Inventory, NetworkConfig, Probe, Progress, RegistryAuth, Release,
    Resources, RestartPolicy, Status, Survey, SurveyRequest, VolumeConfig,
};

use crate::faults::{Fault, Operation};
use crate::sandbox::Sandbox;
use crate::scene::{Decision, Scene};
use crate::world::{Subject, World};
use crate::{blocks, engine, files, lifecycle, probe};

/// One host of the sandbox, as one user.
pub(crate) struct SimulatedHost {
    sandbox: Sandbox,
    name: String,
    user: String,
}

impl SimulatedHost {
    pub(crate) fn new(sandbox: Sandbox, name: String, user: String) -> Self {
        Self { sandbox, name, user }
    }

    /// One round trip: latency, then faults, then the decision and its changes.
    pub(crate) async fn call<T: Send>(
        &self,
        operation: Operation,
        subject: Subject<'_>,
        decide: impl FnOnce(&Scene<'_>) -> Decision<T> + Send,
    ) -> Result<T, HostError> {
        let decide = |world: &mut World, strikes: &[Fault]| world.decide(&self.name, strikes, decide);
        self.sandbox.call(&self.name, operation, subject, decide).await
    }
}

#[async_trait]
impl Host for SimulatedHost {
    async fn survey(&self, request: &SurveyRequest) -> Result<Survey, HostError> {
        let decide = |scene: &Scene<'_>| files::survey(scene, request);
        self.call(Operation::Survey, Subject::Host, decide).await
    }

    async fn engine_survey(&self, request: &EngineRequest) -> Result<EngineSurvey, HostError> {
        let decide = |scene: &Scene<'_>| engine::survey(scene, request);
        self.call(Operation::EngineSurvey, Subject::Host, decide).await
    }

    async fn inventories(&self) -> Result<BTreeMap<String, Inventory>, HostError> {
        let decide = |scene: &Scene<'_>| files::inventories(scene);
        self.call(Operation::Survey, Subject::Host, decide).await
    }

    async fn labelled_containers(&self) -> Result<Vec<Container>, HostError> {
        let decide = |scene: &Scene<'_>| engine::labelled_containers(scene);
        self.call(Operation::EngineSurvey, Subject::Host, decide).await
    }

    async fn claim(&self, claim: &Claim) -> Result<(), HostError> {
        let decide = |scene: &Scene<'_>| files::claim(scene, claim);
        self.call(Operation::Claim, Subject::Host, decide).await
    }

    async fn release(&self, release: &Release) -> Result<(), HostError> {
        let decide = |scene: &Scene<'_>| files::release(scene, release);
        self.call(Operation::Release, Subject::Host, decide).await
    }

    async fn write_file(&self, write: &FileWrite) -> Result<(), HostError> {
        let decide = |scene: &Scene<'_>| files::write(scene, write, &self.user);
        self.call(Operation::WriteFile, Subject::Other(&write.path), decide).await
    }

    async fn adopt_file(&self, adoption: &FileAdoption) -> Result<(), HostError> {
        let decide = |scene: &Scene<'_>| files::adopt(scene, adoption);
        self.call(Operation::WriteFile, Subject::Other(&adoption.path), decide).await
    }

    async fn remove_file(&self, removal: &FileRemoval) -> Result<(), HostError> {
        let decide = |scene: &Scene<'_>| files::remove(scene, removal);
        self.call(Operation::RemoveFile, Subject::Other(&removal.path), decide).await
    }

    async fn write_block(&self, write: &BlockWrite) -> Result<(), HostError> {
        let decide = |scene: &Scene<'_>| blocks::write(scene, write);
        self.call(Operation::WriteBlock, Subject::Other(&write.path), decide).await
    }

    async fn remove_block(&self, removal: &BlockRemoval) -> Result<(), HostError> {
        let decide = |scene: &Scene<'_>| blocks::remove(scene, removal);
        self.call(Operation::RemoveBlock, Subject::Other(&removal.path), decide).await
    }

    async fn has_image(&self, image: &str) -> Result<bool, HostError> {
        let decide = |scene: &Scene<'_>| engine::has_image(scene, image);
        self.call(Operation::HasImage, Subject::Image(image), decide).await
    }

    /// Pulls in one go, so there is no progress to tell of.
    async fn pull_image(
        &self,
        image: &str,
        auth: Option<&RegistryAuth>,
        _progress: Progress<'_>,
    ) -> Result<(), HostError> {
        let decide = |scene: &Scene<'_>| engine::pull_image(scene, image, auth);
        self.call(Operation::PullImage, Subject::Image(image), decide).await
    }

    async fn create_container(&self, name: &str, config: &ContainerConfig) -> Result<String, HostError> {
        let decide = |scene: &Scene<'_>| lifecycle::create(scene, name, config);
        self.call(Operation::CreateContainer, Subject::Container(name), decide).await
    }

    async fn inspect_container(&self, container: &str) -> Result<Option<Container>, HostError> {
        let decide = |scene: &Scene<'_>| lifecycle::inspect(scene, container);
        self.call(Operation::InspectContainer, Subject::Container(container), decide).await
    }

    async fn start_container(&self, container: &str) -> Result<(), HostError> {
        let decide = |scene: &Scene<'_>| lifecycle::start(scene, container);
        self.call(Operation::StartContainer, Subject::Container(container), decide).await
    }

    async fn early_end(&self, container: &str) -> Result<Option<Status>, HostError> {
        let decide = |scene: &Scene<'_>| lifecycle::early_end(scene, container);
        self.call(Operation::InspectContainer, Subject::Container(container), decide).await
    }

    async fn stop_container(&self, container: &str, _grace: Option<Duration>) -> Result<(), HostError> {
        let decide = |scene: &Scene<'_>| lifecycle::stop(scene, container);
        self.call(Operation::StopContainer, Subject::Container(container), decide).await
    }

    async fn rename_container(&self, container: &str, name: &str) -> Result<(), HostError> {
        let decide = |scene: &Scene<'_>| lifecycle::rename(scene, container, name);
        self.call(Operation::RenameContainer, Subject::Container(container), decide).await
    }

    async fn remove_container(&self, container: &str) -> Result<(), HostError> {
        let decide = |scene: &Scene<'_>| lifecycle::remove(scene, container);
        self.call(Operation::RemoveContainer, Subject::Container(container), decide).await
    }

    async fn update_container(
        &self,
        container: &str,
        resources: &Resources,
        restart: &RestartPolicy,
    ) -> Result<(), HostError> {
        let decide = |scene: &Scene<'_>| lifecycle::update(scene, container, resources, restart);
        self.call(Operation::UpdateContainer, Subject::Container(container), decide).await
    }

    async fn signal_container(&self, container: &str, signal: &str) -> Result<(), HostError> {
        let decide = |scene: &Scene<'_>| lifecycle::signal(scene, container, signal);
        self.call(Operation::SignalContainer, Subject::Container(container), decide).await
    }

    async fn exec(&self, container: &str, command: &[String]) -> Result<ExecOutput, HostError> {
        let decide = |scene: &Scene<'_>| probe::exec(scene, container, command);
        self.call(Operation::Exec, Subject::Container(container), decide).await
    }

    async fn container_logs(&self, container: &str, lines: usize) -> Result<Vec<String>, HostError> {
        let decide = |scene: &Scene<'_>| probe::logs(scene, container, lines);
        self.call(Operation::ContainerLogs, Subject::Container(container), decide).await
    }

    async fn probe(&self, probe: &Probe) -> Result<Result<(), String>, HostError> {
        let decide = |scene: &Scene<'_>| probe::probe(scene, probe);
        self.call(Operation::Probe, Subject::Probe(probe), decide).await
    }

    async fn create_network(&self, name: &str, config: &NetworkConfig) -> Result<(), HostError> {
        let decide = |scene: &Scene<'_>| engine::create_network(scene, name, config);
        self.call(Operation::CreateNetwork, Subject::Other(name), decide).await
    }

    async fn remove_network(&self, name: &str) -> Result<(), HostError> {
        let decide = |scene: &Scene<'_>| engine::remove_network(scene, name);
        self.call(Operation::RemoveNetwork, Subject::Other(name), decide).await
    }

    async fn create_volume(&self, name: &str, config: &VolumeConfig) -> Result<(), HostError> {
        let decide = |scene: &Scene<'_>| engine::create_volume(scene, name, config);
        self.call(Operation::CreateVolume, Subject::Other(name), decide).await
    }

    async fn remove_volume(&self, name: &str) -> Result<(), HostError> {
        let decide = |scene: &Scene<'_>| engine::remove_volume(scene, name);
        self.call(Operation::RemoveVolume, Subject::Other(name), decide).await
    }
}
