//! Points around every call of the ports, at which tests kill a run.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use hactl_core::node::Connection;
use hactl_effect::point;

use crate::{
    BlockRemoval, BlockWrite, Claim, Container, ContainerConfig, EngineRequest, EngineSurvey, ExecOutput, FileAdoption,
    FileRemoval, FileWrite, Fleet, Host, HostError, Inventory, NetworkConfig, Probe, Progress, RegistryAuth, Release,
    Resources, RestartPolicy, Status, Survey, SurveyRequest, VolumeConfig,
};

/// A fleet that passes a [point](hactl_effect::point) before and after every call of it and of its hosts. In builds without
/// debug assertions it is the fleet itself.
pub fn with_points(fleet: Arc<dyn Fleet>) -> Arc<dyn Fleet> {
    if cfg!(debug_assertions) { Arc::new(Pointed { name: "fleet".into(), port: fleet }) } else { fleet }
}

/// A port, and what its calls are about in a trace: a node's name.
struct Pointed<T: ?Sized> {
    name: Box<str>,
    port: Arc<T>,
}

#[async_trait]
impl Fleet for Pointed<dyn Fleet> {
    #[expect(clippy::disallowed_methods, reason = "it stands between whoever connects and the fleet")]
    async fn connect(&self, node: &str, connection: &Connection) -> Result<Arc<dyn Host>, HostError> {
        point::pass("fleet.connect", &node);
        let port = self.port.connect(node, connection).await?;
        point::pass("fleet.connect, done", &node);
        Ok(Arc::new(Pointed { name: node.into(), port }))
    }
}

/// Every operation of the port, with a point before and one after it.
macro_rules! host_with_points {
    ($(fn $operation:ident(&self $(, $argument:ident: $type:ty)*) -> $answer:ty;)*) => {
        #[async_trait]
        impl Host for Pointed<dyn Host> {
            $(
                async fn $operation(&self $(, $argument: $type)*) -> Result<$answer, HostError> {
                    point::pass(concat!("host.", stringify!($operation)), &self.name);
                    let answer = self.port.$operation($($argument),*).await;
                    point::pass(concat!("host.", stringify!($operation), ", done"), &self.name);
                    answer
                }
            )*
        }
    };
}

host_with_points! {
    fn survey(&self, request: &SurveyRequest) -> Survey;
    fn engine_survey(&self, request: &EngineRequest) -> EngineSurvey;
    fn inventories(&self) -> BTreeMap<String, Inventory>;
    fn labelled_containers(&self) -> Vec<Container>;
    fn claim(&self, claim: &Claim) -> ();
    fn release(&self, release: &Release) -> ();
    fn write_file(&self, write: &FileWrite) -> ();
    fn adopt_file(&self, adoption: &FileAdoption) -> ();
    fn remove_file(&self, removal: &FileRemoval) -> ();
    fn write_block(&self, write: &BlockWrite) -> ();
    fn remove_block(&self, removal: &BlockRemoval) -> ();
    fn has_image(&self, image: &str) -> bool;
    fn pull_image(&self, image: &str, auth: Option<&RegistryAuth>, progress: Progress<'_>) -> ();
    fn create_container(&self, name: &str, config: &ContainerConfig) -> String;
    fn inspect_container(&self, container: &str) -> Option<Container>;
    fn start_container(&self, container: &str) -> ();
    fn early_end(&self, container: &str) -> Option<Status>;
    fn stop_container(&self, container: &str, grace: Option<Duration>) -> ();
    fn rename_container(&self, container: &str, name: &str) -> ();
    fn remove_container(&self, container: &str) -> ();
    fn update_container(&self, container: &str, resources: &Resources, restart: &RestartPolicy) -> ();
    fn signal_container(&self, container: &str, signal: &str) -> ();
    fn exec(&self, container: &str, command: &[String]) -> ExecOutput;
    fn container_logs(&self, container: &str, lines: usize) -> Vec<String>;
    fn probe(&self, probe: &Probe) -> Result<(), String>;
    fn create_network(&self, name: &str, config: &NetworkConfig) -> ();
    fn remove_network(&self, name: &str) -> ();
    fn create_volume(&self, name: &str, config: &VolumeConfig) -> ();
    fn remove_volume(&self, name: &str) -> ();
}
