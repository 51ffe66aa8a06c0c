//! `pull: always`: which image a tag names, decided in the plan.
//!
//! The registry's digest of the tag is a field of the container's spec that no config says, [`IMAGE_DIGEST`]. A tag that
//! was moved so is a difference like any other, and apply makes the container from the very image that the plan names.

use std::collections::BTreeMap;
use std::sync::Arc;

use hactl_core::Address;
use hactl_core::plan::Desired;
use hactl_core::state::State;
use hactl_core::value::{Map, Value};

/// The field of a spec that holds the digest of the image it is made from, as `sha256:…`.
pub(crate) const IMAGE_DIGEST: &str = "imageDigest";

/// Writes the digests of images that hosts were told by registries into the specs of the wanted containers.
///
/// `computed` is what a refresh found. Where it has no digest of a container (its registry does not answer, it is no
/// longer `pull: always`, nobody looked), what state knows of the same image stays: not knowing changes nothing.
pub fn resolve_images(desired: &mut Desired, state: &State, computed: &BTreeMap<Address, Map>) {
    for resource in desired.resources.iter_mut().filter(|resource| resource.address.primitive() == "container") {
        let told = computed.get(&resource.address).and_then(|fields| fields.get(IMAGE_DIGEST));
        let known = || {
            let known = &state.resources.get(&resource.address)?.spec;
            known.get(IMAGE_DIGEST).filter(|_| known.get("image") == resource.spec.get("image"))
        };
        if let Some(digest) = told.or_else(known).cloned()
            && let Value::Map(spec) = Arc::make_mut(&mut resource.spec)
        {
            spec.insert(IMAGE_DIGEST.to_owned(), digest);
        }
    }
}

/// The image whose digest the registry is to be asked for; none where the spec does not want it, or names a digest.
pub(crate) fn image_to_resolve(spec: &Value) -> Option<&str> {
    let image = spec.get("image")?.as_str()?;
    (spec.get("pull")?.as_str()? == "always" && !image.contains('@')).then_some(image)
}
