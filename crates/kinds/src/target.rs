//! A host as a target of the engine: one read for all kinds, and each step to the provider of its kind.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use hactl_config::{digest_of_file, key_path};
use hactl_core::cluster::ClusterConnection;
use hactl_core::diagnostic::Diagnostic;
use hactl_core::node::Connection;
use hactl_core::observed::Observed;
use hactl_core::plan::{Action, Plan};
use hactl_core::value::{Map, Value};
use hactl_core::{Address, Digest, DigestKey};
use hactl_engine::{Claim, Identity, Job, Produced, ReadRequest, Reading, Remains, StepError, Target, Targets, Trace};
use hactl_host::{
    EngineRequest, EngineSurvey, FileContent, Fleet, Host, HostError, ImageRequest, Release, SurveyRequest,
};
use hactl_kube::Clusters;

use crate::cluster::ClusterTarget;
use crate::home::{Home, Maker};
use crate::host_aliases::hosts::{self, Blocks};
use crate::logins::Logins;
use crate::{container, file, moved, named, network, node, remains, volume};

/// The hosts of a fleet as targets. Cheap to clone.
#[derive(Clone)]
pub struct Hosts {
    fleet: Arc<dyn Fleet>,
    clusters: Arc<dyn Clusters>,
    local: Arc<LocalFiles>,
    key: Option<DigestKey>,
    logins: Arc<Logins>,
    home: Arc<dyn Target>,
    /// Where relative paths of keys start.
    directory: PathBuf,
}

/// The files beside the config, read again when a step needs them.
pub(crate) struct LocalFiles {
    directory: PathBuf,
}

impl LocalFiles {
    /// What a file holds, which must be what the plan was made with: that shows when it is sent.
    pub(crate) fn content(&self, path: &str, sha256: Option<&str>) -> Result<FileContent, StepError> {
        let path = self.directory.join(path);
        let size = std::fs::metadata(&path).map_err(|error| unreadable(&path, &error))?.len();
        let sha256 = sha256.and_then(Digest::parse);
        let sha256 = sha256.ok_or_else(|| StepError::new("the plan does not say what the source holds"))?;
        Ok(FileContent::Local { path, size, sha256 })
    }

    /// Checks that a file holds what the plan was made with.
    fn check(&self, path: &str, sha256: Option<&str>) -> Result<(), StepError> {
        let full = self.directory.join(path);
        let (digest, _) = digest_of_file(&full).map_err(|error| unreadable(&full, &error))?;
        if sha256.is_some_and(|planned| digest.to_string() != planned) {
            return Err(StepError {
                help: Some("make a new plan".to_owned()),
                ..StepError::new(format!("{} has changed since the plan was made", full.display()))
            });
        }
        Ok(())
    }
}

fn unreadable(path: &Path, error: &std::io::Error) -> StepError {
    StepError::new(format!("{} cannot be read: {error}", path.display()))
}

impl Hosts {
    /// Targets over a fleet and its clusters, every call of which passes points. `directory` is where relative paths of the config start; what is on no host
    /// is made with `maker`.
    pub fn new(fleet: Arc<dyn Fleet>, clusters: Arc<dyn Clusters>, directory: PathBuf, maker: Maker) -> Self {
        Self {
            fleet: hactl_host::with_points(fleet),
            clusters: hactl_kube::with_points(clusters),
            local: Arc::new(LocalFiles { directory: directory.clone() }),
            directory,
            key: None,
            logins: Arc::default(),
            home: Arc::new(Home::new(maker)),
        }
    }

    /// The same hosts with the key by which their sensitive files are compared; without one they are taken to be as
    /// they were applied.
    #[must_use]
    pub fn with_key(self, key: Option<DigestKey>) -> Self {
        Self { key, ..self }
    }

    /// The same hosts with files whose sources are in another directory than the config's: those of an older revision.
    #[must_use]
    pub fn with_sources(self, directory: PathBuf) -> Self {
        Self { local: Arc::new(LocalFiles { directory }), ..self }
    }

    /// The same hosts with credentials for image registries.
    #[must_use]
    pub fn with_logins(self, logins: Logins) -> Self {
        Self { logins: Arc::new(logins), ..self }
    }

    /// Checks that the files beside the config are still those that a plan was made with, before anything is begun.
    ///
    /// # Errors
    /// The first that is missing or has other bytes now.
    pub fn check_sources(&self, plan: &Plan) -> Result<(), Diagnostic> {
        for change in plan.changes.iter().filter(|change| change.action != Action::NoOp) {
            let text = |name: &str| change.after.as_ref()?.get(name)?.as_str();
            if let ("file", Some(source)) = (change.address.primitive(), text("source")) {
                self.local.check(source, text("sha256")).map_err(|error| {
                    let help = error.help.unwrap_or_else(|| "put it back, or make a new plan".to_owned());
                    Diagnostic::error(error.summary).about(change.address.as_str()).help(help)
                })?;
            }
        }
        Ok(())
    }
}

#[async_trait]
impl Targets for Hosts {
    #[expect(clippy::disallowed_methods, reason = "the fleet passes points here")]
    async fn connect(&self, node: &str, connection: &Connection) -> Result<Arc<dyn Target>, String> {
        let key_path = connection.key_path.as_deref().map(|path| key_path(path, &self.directory));
        match self.fleet.connect(node, &Connection { key_path, ..connection.clone() }).await {
            Ok(host) => Ok(Arc::new(HostTarget {
                name: node.to_owned(),
                host,
                local: self.local.clone(),
                key: self.key.clone(),
                logins: self.logins.clone(),
            })),
            Err(HostError::Unreachable { reason }) => Err(reason),
            Err(error) => Err(error.to_string()),
        }
    }

    fn cluster(&self, connection: &ClusterConnection) -> Arc<dyn Target> {
        Arc::new(ClusterTarget::new(self.clusters.clone(), connection.clone(), self.key.clone()))
    }

    fn home(&self) -> Arc<dyn Target> {
        self.home.clone()
    }
}

struct HostTarget {
    name: String,
    host: Arc<dyn Host>,
    local: Arc<LocalFiles>,
    key: Option<DigestKey>,
    logins: Arc<Logins>,
}

#[async_trait]
impl Target for HostTarget {
    async fn read(&self, lineage: &str, requests: &[ReadRequest<'_>]) -> Result<Reading, String> {
        let (survey, engine) = ask(lineage, requests, &self.logins);
        let asked = requests.iter().any(|request| is_in_engine(request.address));
        let (survey, answer) = futures_util::join!(self.host.survey(&survey), async {
            if asked { self.host.engine_survey(&engine).await } else { Ok(EngineSurvey::default()) }
        });
        let survey = survey.map_err(reason)?;
        let recorded = survey.inventory.iter().flat_map(|inventory| inventory.entries.keys()).any(is_in_engine);
        let engine = if recorded && !asked { self.host.engine_survey(&engine).await } else { answer };
        let engine = engine.map_err(reason)?;
        let inventory = survey.inventory.as_ref();
        let own = moved::by_address(requests, &engine.containers, inventory, lineage);
        let blocks = Blocks::find(requests, &survey, lineage);
        let moved = moved::moved(requests, inventory, &own, &blocks);
        let vacant = moved::vacant(&survey, lineage, &own, &moved);
        let none = Vec::new();
        let observed = requests
            .iter()
            .map(|request| match request.address.primitive() {
                "file" => file::observe(request, &survey, &moved, self.key.as_ref()),
                "container" => {
                    let own = own.get(request.address.as_str()).unwrap_or(&none);
                    container::observe(request, &engine, own, lineage, self.key.as_ref())
                }
                "network" => network::observe(request, &engine, lineage),
                "volume" => volume::observe(request, &engine, lineage),
                hosts::HOSTS => hosts::observe(request, &survey, &blocks),
                _ => Observed::Absent,
            })
            .collect();
        Ok(Reading {
            observed,
            facts: node::facts(&survey.facts),
            identity: Identity {
                machine_id: survey.facts.machine_id.clone(),
                engine_id: survey.facts.engine_id.clone().unwrap_or_default(),
            },
            serial: inventory.map(|inventory| inventory.serial),
            strays: moved::strays(&self.name, requests, inventory, &own, &moved, &vacant),
            vacant,
            moved,
            computed: digests(requests, &engine),
            warnings: [self.not_told(requests, &engine), hosts::shadowed(&self.name, lineage, requests, &survey)]
                .concat(),
            ..Reading::default()
        })
    }

    async fn traces(&self, _wanted: &[ReadRequest<'_>]) -> Result<Vec<Trace>, String> {
        remains::traces(&*self.host).await.map_err(reason)
    }

    async fn remains(&self, lineage: &str, _wanted: &[ReadRequest<'_>]) -> Result<Remains, String> {
        remains::remains(&*self.host, &self.name, lineage).await.map_err(reason)
    }

    async fn claim(&self, claim: &Claim) -> Result<(), StepError> {
        self.host
            .claim(&hactl_host::Claim {
                lineage: claim.lineage.clone(),
                stack: claim.stack.clone(),
                parent_serial: claim.parent_serial,
                serial: claim.serial,
                moves: claim.moves.iter().map(hosts::moved).collect(),
                addresses: claim.addresses.clone(),
            })
            .await
            .map_err(failed)
    }

    async fn release(&self, lineage: &str, gone: &[Address]) -> Result<(), StepError> {
        self.host.release(&Release { lineage: lineage.to_owned(), gone: gone.to_vec() }).await.map_err(failed)
    }

    async fn execute(&self, job: &Job<'_>) -> Result<Produced, StepError> {
        let host = &*self.host;
        let outputs = match job.address.primitive() {
            "file" => file::execute(host, job, &self.local).await,
            "container" => container::execute(host, job, &self.logins).await,
            "network" => network::execute(host, job).await,
            "volume" => volume::execute(host, job).await,
            hosts::HOSTS => hosts::execute(host, job).await,
            kind => Err(unknown_kind(kind)),
        };
        outputs.map(Produced::from)
    }
}

impl HostTarget {
    /// A warning for each image of which the registry did not say what its tag names.
    fn not_told(&self, requests: &[ReadRequest<'_>], engine: &EngineSurvey) -> Vec<Diagnostic> {
        let images: BTreeSet<&str> = images_to_resolve(requests).map(|(_, image)| image).collect();
        let not_told = images.into_iter().filter(|image| !engine.images.contains_key(*image));
        let warning = |image| {
            Diagnostic::warning(format!("{}: the registry did not say which image {image} is now", self.name))
                .about(format!("node.{}", self.name))
                .detail("what runs from it is taken to be up to date")
                .help("look at the image's name, whether the host reaches its registry, and at `registries`")
        };
        not_told.map(warning).collect()
    }
}

/// The wanted containers that are made from whatever their tag names by now, with their images.
fn images_to_resolve<'a>(requests: &[ReadRequest<'a>]) -> impl Iterator<Item = (&'a Address, &'a str)> {
    let containers = requests.iter().filter(|request| request.address.primitive() == "container");
    containers.filter_map(|request| Some((request.address, container::image_to_resolve(request.wanted?)?)))
}

/// What the registries say that the tags of wanted containers name.
fn digests(requests: &[ReadRequest<'_>], engine: &EngineSurvey) -> BTreeMap<Address, Map> {
    let told = images_to_resolve(requests).filter_map(|(address, image)| {
        let digest = Value::string(engine.images.get(image)?);
        Some((address.clone(), Map::from([(container::IMAGE_DIGEST.to_owned(), digest)])))
    });
    told.collect()
}

/// Whether Docker Engine has to be asked about a resource.
fn is_in_engine(address: &Address) -> bool {
    !matches!(address.primitive(), "file" | hosts::HOSTS)
}

/// What to ask a host, for all kinds at once.
fn ask(lineage: &str, requests: &[ReadRequest<'_>], logins: &Logins) -> (SurveyRequest, EngineRequest) {
    let mut survey = SurveyRequest { lineage: lineage.to_owned(), ..SurveyRequest::default() };
    let mut engine = EngineRequest { lineage: lineage.to_owned(), ..EngineRequest::default() };
    for request in requests {
        let names = match request.address.primitive() {
            "file" => {
                survey.files.extend(file::requests(request));
                continue;
            }
            hosts::HOSTS => {
                survey.texts = vec![hosts::PATH.to_owned()];
                continue;
            }
            "container" => {
                engine.containers.extend(container::names(request).map(str::to_owned));
                continue;
            }
            "network" => (&mut engine.networks, named::wanted_name(request)),
            "volume" => (&mut engine.volumes, named::wanted_name(request)),
            _ => continue,
        };
        names.0.extend(names.1.map(str::to_owned));
    }
    let images: BTreeSet<&str> = images_to_resolve(requests).map(|(_, image)| image).collect();
    let request = |image: &str| ImageRequest { image: image.to_owned(), auth: logins.of_image(image).cloned() };
    engine.images.extend(images.into_iter().map(request));
    (survey, engine)
}

fn reason(error: HostError) -> String {
    match error {
        HostError::Unreachable { reason } => reason,
        other => other.to_string(),
    }
}

/// What a step of a kind that this build does not have fails with.
pub(crate) fn unknown_kind(kind: &str) -> StepError {
    StepError::new(format!("this version of hactl has no kind `{kind}`"))
}

/// A host's error as a step's.
pub(crate) fn failed(error: HostError) -> StepError {
    StepError {
        help: error.help().map(str::to_owned),
        stale: matches!(error, HostError::Fenced { .. }),
        ..StepError::new(error.to_string())
    }
}
