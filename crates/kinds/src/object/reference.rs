//! What an object is called, and where the server has it.

use std::collections::BTreeSet;
use std::fmt;

use hactl_core::value::Value;
use hactl_core::{Diagnostic, diagnostic::did_you_mean};
use hactl_kube::{Cluster, ClusterError, Name, ServedKind};

use crate::manifest::builtin;

/// What a spec calls its object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Reference<'a> {
    /// Its API group; empty for the core group.
    pub(crate) group: &'a str,
    /// The version that it is written in.
    pub(crate) version: &'a str,
    /// Its kind.
    pub(crate) kind: &'a str,
    /// Its namespace, as far as it is written.
    pub(crate) namespace: Option<&'a str>,
    /// Its name.
    pub(crate) name: &'a str,
}

/// One place on the server that an object can be at.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Spot {
    /// Its type, as the server serves it.
    pub(crate) kind: ServedKind,
    /// Its namespace; none for what is in none.
    pub(crate) namespace: Option<String>,
    /// Its name.
    pub(crate) name: String,
}

/// The namespace of objects that name none.
const DEFAULT_NAMESPACE: &str = "default";

impl<'a> Reference<'a> {
    /// What the object of a spec is called; none where that is not known yet.
    pub(crate) fn of(spec: &'a Value) -> Option<Self> {
        let metadata = spec.get("metadata")?;
        Some(Self::new(
            spec.get("apiVersion")?.as_str()?,
            spec.get("kind")?.as_str()?,
            metadata.get("namespace").and_then(Value::as_str),
            metadata.get("name")?.as_str()?,
        ))
    }

    pub(crate) fn new(api_version: &'a str, kind: &'a str, namespace: Option<&'a str>, name: &'a str) -> Self {
        let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
        Self { group, version, kind, namespace: namespace.filter(|namespace| !namespace.is_empty()), name }
    }

    /// Where the object is on a server that serves these types: in the version that it is written in; where that is the
    /// one that Kubernetes has today, and the server an older one, in that. None where the server has no such type.
    pub(crate) fn spot(&self, served: &[ServedKind]) -> Option<Spot> {
        let same = || served.iter().filter(|served| served.group == self.group && served.kind == self.kind);
        let is_of_today = builtin::find(self.group, self.kind).is_some_and(|builtin| builtin.version == self.version);
        let older = || same().filter(|_| is_of_today).max_by_key(|served| nearness(&served.version, self.version));
        let kind = same().find(|served| served.version == self.version).or_else(older)?;
        let namespace = kind.namespaced.then(|| self.namespace.unwrap_or(DEFAULT_NAMESPACE).to_owned());
        Some(Spot { kind: kind.clone(), namespace, name: self.name.to_owned() })
    }
}

/// How near a version is to the one of today: of the same number first, then the stabler, then the later.
fn nearness(version: &str, today: &str) -> (bool, u8, u32) {
    let number = |text: &str| -> String { text.chars().skip(1).take_while(char::is_ascii_digit).collect() };
    let stage = match version {
        version if version.contains("alpha") => 0,
        version if version.contains("beta") => 1,
        _ => 2,
    };
    let last: String = version.chars().rev().take_while(char::is_ascii_digit).collect();
    let last = last.chars().rev().collect::<String>().parse().unwrap_or_default();
    (number(version) == number(today), stage, last)
}

impl fmt::Display for Reference<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.namespace {
            Some(namespace) => write!(f, "{} {namespace}/{}", self.kind, self.name),
            None => write!(f, "{} {}", self.kind, self.name),
        }
    }
}

impl Spot {
    /// Its name for the port.
    pub(crate) fn name(&self) -> Name<'_> {
        Name { namespace: self.namespace.as_deref(), name: &self.name }
    }
}

impl fmt::Display for Spot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Reference::new("", &self.kind.kind, self.namespace.as_deref(), &self.name).fmt(f)
    }
}

/// The groups that most types are of: where to look for what was meant by one that is not served.
const USUAL_GROUPS: [&str; 8] = [
    "",
    "apps",
    "batch",
    "autoscaling",
    "networking.k8s.io",
    "policy",
    "rbac.authorization.k8s.io",
    "apiextensions.k8s.io",
];

/// What the server serves that could have been meant by types that it does not serve.
///
/// # Errors
/// When it does not answer.
pub(crate) async fn alternatives(
    cluster: &dyn Cluster,
    groups: &BTreeSet<String>,
) -> Result<Vec<ServedKind>, ClusterError> {
    cluster.served(&groups.iter().cloned().chain(USUAL_GROUPS.map(str::to_owned)).collect()).await
}

/// That a type is not served, and what may have been meant.
pub(crate) fn not_served(wanted: &Reference<'_>, served: &[ServedKind]) -> Diagnostic {
    let group = if wanted.group.is_empty() { "the core group (`v1`)".to_owned() } else { wanted.group.to_owned() };
    let diagnostic = Diagnostic::error(format!("the API server serves no {} of {group}", wanted.kind));
    let elsewhere = served.iter().find(|served| served.kind == wanted.kind);
    if let Some(elsewhere) = elsewhere {
        return diagnostic.help(format!(
            "it serves {} of `{}`: write this apiVersion",
            wanted.kind,
            elsewhere.api_version()
        ));
    }
    let in_group = served.iter().filter(|served| served.group == wanted.group);
    let near = did_you_mean(wanted.kind, in_group.map(|served| served.kind.as_str()));
    match near.or_else(|| did_you_mean(wanted.kind, served.iter().map(|served| served.kind.as_str()))) {
        Some(near) => diagnostic.help(format!("did you mean `{near}`?")),
        None => diagnostic.help(
            "add its CustomResourceDefinition to a manifest of this config, or install what brings the type first; \
             `kubectl api-resources` lists what the server serves",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn served(api_version: &str, kind: &str, namespaced: bool) -> ServedKind {
        let reference = Reference::new(api_version, kind, None, "");
        ServedKind {
            group: reference.group.to_owned(),
            version: reference.version.to_owned(),
            kind: kind.to_owned(),
            plural: format!("{}s", kind.to_lowercase()),
            namespaced,
        }
    }

    fn all() -> Vec<ServedKind> {
        vec![
            served("v1", "Namespace", false),
            served("v1", "Service", true),
            served("apps/v1", "Deployment", true),
            served("batch/v1", "Job", true),
            served("batch/v1beta1", "CronJob", true),
        ]
    }

    #[test]
    fn an_older_server_gets_the_nearest_version() {
        let served = |versions: &[&str], group: &str, kind: &str| -> Vec<ServedKind> {
            let one = |version: &&str| ServedKind {
                group: group.to_owned(),
                version: (*version).to_owned(),
                kind: kind.to_owned(),
                plural: kind.to_lowercase(),
                namespaced: true,
            };
            versions.iter().map(one).collect()
        };
        let spot = |api_version, kind, versions: &[&str]| {
            let reference = Reference::new(api_version, kind, Some("x"), "a");
            reference.spot(&served(versions, reference.group, kind)).map(|spot| spot.kind.version)
        };
        let scaler = ["v1", "v2beta1", "v2beta2"];
        assert_eq!(spot("autoscaling/v2", "HorizontalPodAutoscaler", &scaler).as_deref(), Some("v2beta2"));
        assert_eq!(spot("batch/v1", "CronJob", &["v2alpha1", "v1beta1"]).as_deref(), Some("v1beta1"));
        assert_eq!(spot("apps/v7", "Deployment", &["v1"]), None);
        assert_eq!(spot("example.com/v2", "Thing", &["v1"]), None);
    }

    #[test]
    fn where_an_object_is() {
        let spot = |api_version, kind, namespace| {
            let spot = Reference::new(api_version, kind, namespace, "x").spot(&all());
            spot.map(|spot| format!("{} {spot}", spot.kind.api_version()))
        };
        assert_eq!(spot("apps/v1", "Deployment", Some("web")).unwrap(), "apps/v1 Deployment web/x");
        assert_eq!(spot("v1", "Service", None).unwrap(), "v1 Service default/x");
        assert_eq!(spot("v1", "Namespace", Some("web")).unwrap(), "v1 Namespace x");
        assert_eq!(spot("batch/v1", "CronJob", None).unwrap(), "batch/v1beta1 CronJob default/x");
        assert_eq!(spot("v1", "Deployment", None), None);
    }

    #[test]
    fn what_is_not_served_and_what_was_meant() {
        let told = |api_version, kind| {
            let diagnostic = not_served(&Reference::new(api_version, kind, None, "x"), &all());
            format!("{}; {}", diagnostic.summary, diagnostic.help.unwrap())
        };
        insta::assert_snapshot!(
            [told("v1", "Deployment"), told("apps/v1", "Deploiment"), told("cert-manager.io/v1", "Certificate")].join("\n"),
            @"
        the API server serves no Deployment of the core group (`v1`); it serves Deployment of `apps/v1`: write this apiVersion
        the API server serves no Deploiment of apps; did you mean `Deployment`?
        the API server serves no Certificate of cert-manager.io; add its CustomResourceDefinition to a manifest of this config, or install what brings the type first; `kubectl api-resources` lists what the server serves
        "
        );
    }
}
