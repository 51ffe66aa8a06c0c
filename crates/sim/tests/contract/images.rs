//! Images and where they come from.

use std::sync::Mutex;

use hactl_host::RegistryAuth;

use crate::suite::{Case, cases};
use crate::world::{Image, World, engine_words};

pub(crate) const CASES: &[Case] = cases![
    a_pulled_image_is_there,
    an_image_of_the_default_registry_has_many_names,
    pulls_of_one_image_at_once,
    a_missing_image_is_told,
    an_image_never_pulled_is_not_there,
];

/// In the sandbox, every image is there for everybody.
pub(crate) const FROM_REGISTRIES: &[Case] = cases![progress_is_told, a_pull_logs_in, a_registry_that_is_down_is_told];

/// The lab's registry that wants a login.
const WITH_LOGIN: &str = "172.30.0.3:5000/web:1.0";

async fn pull(world: &World, image: &str, auth: Option<&RegistryAuth>) -> Result<(), hactl_host::HostError> {
    world.host().pull_image(image, auth, &|_| ()).await
}

async fn a_pulled_image_is_there(world: &World) {
    let image = "172.30.0.2:5000/web:1.1";
    for _ in 0..2 {
        pull(world, image, None).await.unwrap();
        assert!(world.host().has_image(image).await.unwrap());
    }
}

async fn an_image_of_the_default_registry_has_many_names(world: &World) {
    pull(world, Image::Busybox.name(), None).await.unwrap();
    for name in ["busybox:1.36", "library/busybox:1.36", "docker.io/busybox:1.36", "docker.io/library/busybox:1.36"] {
        assert!(world.host().has_image(name).await.unwrap(), "{name}");
    }
    assert!(!world.host().has_image("172.30.0.2:5000/busybox:1.36").await.unwrap());
}

async fn pulls_of_one_image_at_once(world: &World) {
    let pulls = (0..6).map(|_| pull(world, Image::Stubborn.name(), None));
    for pulled in futures_util::future::join_all(pulls).await {
        pulled.unwrap();
    }
}

async fn a_missing_image_is_told(world: &World) {
    let image = world.hands.missing_image();
    let message = engine_words(pull(world, &image, None).await);
    let docker = format!("manifest for {image} not found: manifest unknown");
    world.assert_says(&message, &docker, "reading manifest none in 172.30.0.2:5000/web: manifest unknown");
    assert!(!world.host().has_image(&image).await.unwrap());
}

async fn an_image_never_pulled_is_not_there(world: &World) {
    for name in [
        "192.0.2.1:5000/never:1",
        "never",
        "never@sha256:0000000000000000000000000000000000000000000000000000000000000000",
    ] {
        assert!(!world.host().has_image(name).await.unwrap(), "{name}");
    }
}

async fn progress_is_told(world: &World) {
    let told = Mutex::new(Vec::new());
    let image = world.hands.fresh_image();
    world.host().pull_image(&image, None, &|text| told.lock().unwrap().push(text.to_owned())).await.unwrap();
    let told = told.into_inner().unwrap();
    assert!(told.iter().any(|text| text.contains("web:1.2")), "{told:?}");
}

async fn a_pull_logs_in(world: &World) {
    let wrong = RegistryAuth::new("hactl", "wrong-password");
    for auth in [None, Some(&wrong)] {
        let message = engine_words(pull(world, WITH_LOGIN, auth).await);
        assert!(message.contains("no basic auth credentials") || message.contains("unauthorized"), "{message}");
        assert!(!message.contains("wrong-password"), "{message}");
    }
    let auth = RegistryAuth::new("hactl", "registry-password");
    pull(world, WITH_LOGIN, Some(&auth)).await.unwrap();
    assert!(world.host().has_image(WITH_LOGIN).await.unwrap());
}

async fn a_registry_that_is_down_is_told(world: &World) {
    let message = engine_words(pull(world, "127.0.0.1:9/web:1.0", None).await);
    assert!(message.contains("connection refused"), "{message}");
}
