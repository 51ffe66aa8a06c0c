//! Images: whether they are there, pulls, and what a registry says of them.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE;
use hyper::header::{HeaderName, HeaderValue};
use serde_json::json;
use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::docker::Docker;
use crate::docker::call::{Call, encoded};
use crate::docker::progress::Progress;
use crate::docker::wire::Distribution;
use crate::error::HostError;
use crate::registry::RegistryAuth;

/// The least time between two reports of progress.
const REPORT_INTERVAL: Duration = Duration::from_millis(250);

/// Docker Hub, under the name that credentials for it have.
const DOCKER_HUB: &str = "https://index.docker.io/v1/";

/// The pulls that run now, by image.
pub(super) type Pulls = Mutex<HashMap<String, Arc<Mutex<Option<Pulled>>>>>;

/// How a pull ended, and as whom.
pub(super) struct Pulled {
    auth: Option<RegistryAuth>,
    result: Result<(), HostError>,
}

impl Docker {
    /// Whether the host has this image already.
    pub(crate) async fn has_image(&self, image: &str) -> Result<bool, HostError> {
        let call = Call::get(format!("has image {image}"), format!("/images/{}/json", encoded(image)));
        let answer = self.send(call).await?;
        if answer.is_not_found() { Ok(false) } else { answer.done().map(|_| true) }
    }

    /// Pulls an image, logged in to its registry where credentials are given; `progress` is told
    /// `pulling web:1.0: 3 of 5 layers, 12 of 40 MB` when that changes, at most four times a second. Whoever asks for
    /// an image that is being pulled waits for that pull and shares its result.
    pub(crate) async fn pull_image(
        &self,
        image: &str,
        auth: Option<&RegistryAuth>,
        progress: &(dyn Fn(&str) + Send + Sync),
    ) -> Result<(), HostError> {
        let slot = self.pulls.lock().await.entry(image.to_owned()).or_default().clone();
        let mut slot = slot.lock().await;
        match &*slot {
            // A failure may be due to the credentials.
            Some(pulled) if pulled.result.is_ok() || pulled.auth.as_ref() == auth => return pulled.result.clone(),
            _ => {}
        }
        let result = self.pull(image, auth, progress).await;
        *slot = Some(Pulled { auth: auth.cloned(), result: result.clone() });
        self.pulls.lock().await.remove(image);
        result
    }

    async fn pull(
        &self,
        image: &str,
        auth: Option<&RegistryAuth>,
        progress: &(dyn Fn(&str) + Send + Sync),
    ) -> Result<(), HostError> {
        let name = ImageName::parse(image);
        let path = format!("/images/create?fromImage={}&tag={}", encoded(name.repository), encoded(name.version));
        let call = Call::post(format!("pull image {image}"), path).header(credentials(&name, auth)?);
        let mut stream = self.client.open(call).await?.map_err(|answer| answer.refusal())?;
        let mut seen = Progress::default();
        let (mut told, mut told_at) = (String::new(), Instant::now());
        while let Some(bytes) = stream.next().await? {
            seen.feed(&bytes).map_err(|message| stream.errand().refused(message))?;
            if !told.is_empty() && told_at.elapsed() < REPORT_INTERVAL {
                continue;
            }
            if let Some(text) = seen.text().filter(|text| *text != told) {
                progress(&format!("pulling {image}: {text}"));
                told = text;
                told_at = Instant::now();
            }
        }
        seen.finish().map_err(|message| stream.errand().refused(message))
    }

    /// The digest that an image's registry has for its name now, as in `sha256:…`; asked by the host's engine.
    pub(crate) async fn image_digest(&self, image: &str, auth: Option<&RegistryAuth>) -> Result<String, HostError> {
        let header = credentials(&ImageName::parse(image), auth)?;
        let path = format!("/distribution/{}/json", encoded(image));
        let answer = self.send(Call::get(format!("image digest {image}"), path).header(header)).await?;
        Ok(answer.json::<Distribution>()?.descriptor.digest)
    }
}

/// An image's name taken apart.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct ImageName<'a> {
    /// As in `registry.example.com:5000/team/web`.
    pub(super) repository: &'a str,
    /// A tag, or a digest, which outdoes a tag; `latest` where there is neither.
    pub(super) version: &'a str,
}

impl<'a> ImageName<'a> {
    /// Of `[HOST[:PORT]/]PATH[:TAG][@DIGEST]`.
    pub(super) fn parse(image: &'a str) -> Self {
        let (name, digest) = match image.split_once('@') {
            Some((name, digest)) => (name, Some(digest)),
            None => (image, None),
        };
        // A colon before a slash belongs to a port.
        let (repository, tag) = match name.rsplit_once(':') {
            Some((repository, tag)) if !tag.contains('/') => (repository, Some(tag)),
            _ => (name, None),
        };
        Self { repository, version: digest.or(tag).unwrap_or("latest") }
    }

    /// The registry, under the name that credentials for it have.
    pub(super) fn registry(&self) -> &'a str {
        match self.repository.split_once('/') {
            Some((host, _)) if host.contains(['.', ':']) || host == "localhost" => match host {
                "docker.io" | "index.docker.io" => DOCKER_HUB,
                _ => host,
            },
            _ => DOCKER_HUB,
        }
    }
}

/// The header that logs in to a registry.
fn credentials(
    name: &ImageName<'_>,
    auth: Option<&RegistryAuth>,
) -> Result<Option<(HeaderName, HeaderValue)>, HostError> {
    let Some(auth) = auth else { return Ok(None) };
    let login = json!({
        "username": auth.username,
        "password": auth.reveal_password(),
        "serveraddress": name.registry(),
    });
    let mut value = HeaderValue::from_str(&URL_SAFE.encode(login.to_string())).map_err(|_| HostError::Engine {
        operation: format!("log in to {}", name.registry()),
        message: "the credentials cannot be sent".to_owned(),
    })?;
    value.set_sensitive(true);
    Ok(Some((HeaderName::from_static("x-registry-auth"), value)))
}
