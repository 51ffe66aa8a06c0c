//! Image registries: which one an image comes from, and how to log in to it.

use serde::{Deserialize, Serialize};

use crate::value::Value;

/// The registry of images whose names have no host.
pub const DOCKER_HUB: &str = "docker.io";

/// How to log in to a registry, as planned: values that are sensitive are deferred, so that no plan holds them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RegistryLogin {
    /// The user's name.
    pub username: Value,
    /// The password; always deferred.
    pub password: Value,
}

/// The registry that an image is pulled from, as `host[:port]`, by the rule of Docker's image names: what stands before
/// the first slash is a host where it has a dot or a colon or is `localhost`.
pub fn registry_of(image: &str) -> &str {
    match image.split_once('/') {
        Some(("index.docker.io", _)) => DOCKER_HUB,
        Some((host, _)) if host.contains(['.', ':']) || host == "localhost" => host,
        _ => DOCKER_HUB,
    }
}

#[cfg(test)]
mod tests {
    use super::registry_of;

    #[test]
    fn an_image_names_its_registry_or_means_docker_hub() {
        for (image, registry) in [
            ("nginx", "docker.io"),
            ("nginx:1.27", "docker.io"),
            ("library/nginx", "docker.io"),
            ("docker.io/library/nginx", "docker.io"),
            ("index.docker.io/library/nginx", "docker.io"),
            ("registry.example.com/web:1", "registry.example.com"),
            ("registry:5000/team/web@sha256:00", "registry:5000"),
            ("localhost/web", "localhost"),
            ("team/web.x:1", "docker.io"),
        ] {
            assert_eq!(registry_of(image), registry, "{image}");
        }
    }
}
