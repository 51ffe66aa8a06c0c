//! Which API server is meant and who we are to it: kubeconfig files, found and merged as `kubectl` does.
//!
//! Nothing of what a kubeconfig holds is repeated in errors but names, paths and URLs.

use std::ffi::{OsStr, OsString};
use std::io::IsTerminal;
use std::path::{Path, PathBuf};

use hactl_core::cluster::ClusterConnection;
use hyper::Uri;
use kube::Config;
use kube::config::{AuthInfo, ExecInteractiveMode, Kubeconfig, KubeconfigError, LoadDataError};
use secrecy::{ExposeSecret, SecretString};

const NO_CERTIFICATE: &str = "its `certificate-authority` holds no certificate in PEM";

/// Where to reach an API server and with which credentials.
pub(super) struct Access {
    pub(super) config: Config,
    pub(super) names: Names,
    /// The proxy that the kubeconfig names.
    pub(super) proxy: Option<String>,
}

/// What errors call the things that an access is made of.
#[derive(Debug, Clone)]
pub(super) struct Names {
    /// The server's URL.
    pub(super) server: String,
    /// Where the access is from: `the kubeconfig prod.yml`.
    pub(super) source: String,
    /// What the server is reached through: a node, a proxy.
    pub(super) through: Vec<String>,
}

/// What the environment says of kubeconfigs.
#[derive(Debug, Clone, Default)]
pub(super) struct Environment {
    /// `KUBECONFIG`, if it is not empty.
    pub(super) kubeconfig: Option<OsString>,
    pub(super) home: Option<PathBuf>,
    /// Whether this runs in a pod.
    pub(super) in_cluster: bool,
}

impl Environment {
    pub(super) fn read() -> Self {
        Self {
            kubeconfig: std::env::var_os("KUBECONFIG").filter(|value| !value.is_empty()),
            home: std::env::home_dir().filter(|home| !home.as_os_str().is_empty()),
            in_cluster: std::env::var_os("KUBERNETES_SERVICE_HOST").is_some(),
        }
    }
}

/// Reads what leads to an API server. Relative paths begin in `directory`.
///
/// # Errors
/// Which file is wrong, why, and what to do.
pub(super) fn read(
    connection: &ClusterConnection,
    directory: &Path,
    environment: &Environment,
) -> Result<Access, String> {
    let (source, kubeconfig) = match find(connection.kubeconfig.as_deref(), directory, environment)? {
        Found::Files { source, paths } => {
            let kubeconfig = merged(&source, &paths)?;
            (source, kubeconfig)
        }
        Found::Pod => {
            let config = Config::incluster().map_err(|error| format!("the service account of this pod: {error}"))?;
            let source = "the service account of this pod".to_owned();
            let names = Names { server: shown(&config.cluster_url), source, through: Vec::new() };
            return Ok(Access { config, names, proxy: None });
        }
    };
    let chosen = choose(kubeconfig, connection.context.as_deref()).map_err(|why| format!("{source} {why}"))?;
    let config = Config::try_from(chosen.kubeconfig).map_err(|error| format!("{source}: {}", unusable(&error)))?;
    if config.root_cert.as_ref().is_some_and(Vec::is_empty) {
        return Err(format!("{source}: {NO_CERTIFICATE}"));
    }
    let names = Names { server: shown(&config.cluster_url), source, through: Vec::new() };
    Ok(Access { config, names, proxy: chosen.proxy })
}

enum Found {
    Files { source: String, paths: Vec<PathBuf> },
    Pod,
}

fn find(named: Option<&str>, directory: &Path, environment: &Environment) -> Result<Found, String> {
    if let Some(named) = named {
        let path = expanded(named, directory, environment)?;
        if !path.exists() {
            return Err(format!(
                "the kubeconfig {named} is not there ({}); check `kubernetes.kubeconfig`",
                path.display()
            ));
        }
        return Ok(Found::Files { source: format!("the kubeconfig {named}"), paths: vec![path] });
    }
    if let Some(value) = &environment.kubeconfig {
        return from_variable(value);
    }
    let default = environment.home.as_ref().map(|home| home.join(".kube/config")).filter(|path| path.exists());
    match default {
        Some(path) => Ok(Found::Files { source: "the kubeconfig ~/.kube/config".to_owned(), paths: vec![path] }),
        None if environment.in_cluster => Ok(Found::Pod),
        None => Err("there is no kubeconfig: name one in `kubernetes.kubeconfig` or in KUBECONFIG, or put it at \
                     ~/.kube/config"
            .to_owned()),
    }
}

/// Files of the variable that are not there are passed over, as `kubectl` does.
fn from_variable(value: &OsStr) -> Result<Found, String> {
    let shown = value.to_string_lossy();
    let paths = std::env::split_paths(value).filter(|path| !path.as_os_str().is_empty() && path.exists());
    let paths: Vec<PathBuf> = paths.collect();
    if paths.is_empty() {
        return Err(format!("none of the files that KUBECONFIG names is there: {shown}"));
    }
    Ok(Found::Files { source: format!("the kubeconfig {shown} (KUBECONFIG)"), paths })
}

fn expanded(named: &str, directory: &Path, environment: &Environment) -> Result<PathBuf, String> {
    let home = || environment.home.clone().ok_or_else(|| format!("the kubeconfig {named}: HOME is not set"));
    match named.strip_prefix('~') {
        Some("") => home(),
        Some(rest) if rest.starts_with('/') => Ok(home()?.join(rest.trim_start_matches('/'))),
        _ => Ok(directory.join(named)),
    }
}

fn merged(source: &str, paths: &[PathBuf]) -> Result<Kubeconfig, String> {
    paths.iter().try_fold(Kubeconfig::default(), |merged, path| {
        let one = Kubeconfig::read_from(path).and_then(|next| merged.merge(next));
        one.map_err(|error| match paths {
            [_] => format!("{source}: {}", unusable(&error)),
            _ => format!("{source}: {}: {}", path.display(), unusable(&error)),
        })
    })
}

/// A kubeconfig whose current context is the one that is meant, and is whole.
struct Chosen {
    kubeconfig: Kubeconfig,
    proxy: Option<String>,
}

/// # Errors
/// What the kubeconfig lacks, as a clause that its name goes ahead of.
fn choose(mut kubeconfig: Kubeconfig, wanted: Option<&str>) -> Result<Chosen, String> {
    let contexts: Vec<&str> = kubeconfig.contexts.iter().map(|context| context.name.as_str()).collect();
    let Some(name) = wanted.or(kubeconfig.current_context.as_deref()).filter(|name| !name.is_empty()) else {
        return Err(format!("has no current context; choose one with `kubernetes.context` ({})", listed(&contexts)));
    };
    let name = name.to_owned();
    let Some(context) = kubeconfig.contexts.iter().find(|context| context.name == name) else {
        return Err(format!("has no context {name} ({})", listed(&contexts)));
    };
    let Some(context) = context.context.clone() else {
        return Err(format!("has nothing in its context {name}; it needs `cluster` and `user`"));
    };
    let lacks = |what: &str, one: &str| format!("has no {what} {one}, which its context {name} names");
    let cluster = kubeconfig.clusters.iter_mut().find(|cluster| cluster.name == context.cluster);
    let cluster =
        cluster.and_then(|cluster| cluster.cluster.as_mut()).ok_or_else(|| lacks("cluster", &context.cluster))?;
    if let Some(server) = cluster.server.as_mut().filter(|server| !server.contains("://")) {
        *server = format!("https://{server}");
    }
    let proxy = cluster.proxy_url.clone().filter(|url| !url.is_empty());
    if let Some(user) = context.user.filter(|user| !user.is_empty()) {
        let found = kubeconfig.auth_infos.iter_mut().find(|one| one.name == user);
        let found = found.and_then(|one| one.auth_info.as_mut()).ok_or_else(|| lacks("user", &user))?;
        prepare(found).map_err(|why| format!("has a user {user} {why}"))?;
    }
    kubeconfig.current_context = Some(name);
    Ok(Chosen { kubeconfig, proxy })
}

/// Makes of a user what kube takes without a panic: tokens have no line ends, and a plugin that may ask questions does so
/// only where somebody can answer.
fn prepare(user: &mut AuthInfo) -> Result<(), String> {
    let token = match (&user.token, user.token_file.take()) {
        (Some(token), _) => Some(token.expose_secret().to_owned()),
        (None, Some(path)) => Some(
            std::fs::read_to_string(&path).map_err(|error| format!("whose token cannot be read: {path}: {error}"))?,
        ),
        (None, None) => None,
    };
    if let Some(token) = token {
        let token = token.trim();
        if token.is_empty() || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err("whose token is not one: it is empty or has characters that no token has".to_owned());
        }
        user.token = Some(SecretString::from(token));
    }
    if let Some(exec) = &mut user.exec
        && exec.interactive_mode != Some(ExecInteractiveMode::Always)
        && !std::io::stdin().is_terminal()
    {
        exec.interactive_mode = Some(ExecInteractiveMode::Never);
    }
    Ok(())
}

fn listed(contexts: &[&str]) -> String {
    match contexts {
        [] => "it has none at all".to_owned(),
        _ => format!("it has {}", contexts.join(", ")),
    }
}

/// What is wrong with a kubeconfig, without a word of what it holds: kube's own texts may quote lines of it.
pub(super) fn unusable(error: &KubeconfigError) -> String {
    match error {
        KubeconfigError::ReadConfig(error, path) => format!("{} cannot be read: {error}", path.display()),
        KubeconfigError::Parse(error) => match error.location() {
            Some(place) => format!("not a kubeconfig: wrong in line {}, column {}", place.line(), place.column()),
            None => "not a kubeconfig".to_owned(),
        },
        KubeconfigError::KindMismatch | KubeconfigError::ApiVersionMismatch => {
            "its files do not go together: they are of different kinds or versions".to_owned()
        }
        KubeconfigError::MissingClusterUrl => "its cluster has no `server`".to_owned(),
        KubeconfigError::ParseClusterUrl(error) => format!("the `server` of its cluster is not a URL: {error}"),
        KubeconfigError::ParseProxyUrl(error) => format!("its `proxy-url`, or HTTPS_PROXY, is not a URL: {error}"),
        KubeconfigError::LoadCertificateAuthority(error) => not_loaded("certificate-authority", error),
        KubeconfigError::LoadClientCertificate(error) => not_loaded("client-certificate", error),
        KubeconfigError::LoadClientKey(error) => not_loaded("client-key", error),
        KubeconfigError::ParseCertificates(_) => NO_CERTIFICATE.to_owned(),
        other => other.to_string(),
    }
}

fn not_loaded(field: &str, error: &LoadDataError) -> String {
    match error {
        LoadDataError::DecodeBase64(_) => format!("its `{field}-data` is not base64"),
        LoadDataError::ReadFile(error, path) => format!("its `{field}`, {}, cannot be read: {error}", path.display()),
        LoadDataError::NoBase64DataOrFile => format!("it has no `{field}`, which the other half of it needs"),
    }
}

/// Scheme, host and port only: a URL may have a password in it.
pub(super) fn shown(url: &Uri) -> String {
    let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
    format!("{}://{}{port}", url.scheme_str().unwrap_or("https"), url.host().unwrap_or_default())
}
