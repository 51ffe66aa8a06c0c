//! Ingress of `extensions/v1beta1` and `networking.k8s.io/v1beta1`, and endpoint slices.

use hactl_core::value::{Map, Value};

use super::Notes;
use super::edit::{fill, map_at, map_made, maps_in, rename, take};

/// An Ingress. Its class stays where it is, an annotation too: controllers read both.
pub(super) fn ingress(object: &mut Map, notes: &mut Notes) {
    let Some(spec) = map_at(object, &["spec"]) else { return };
    rename(spec, "backend", "defaultBackend");
    if let Some(default) = map_at(spec, &["defaultBackend"]) {
        backend(default);
    }
    let mut filled = false;
    for rule in maps_in(spec, "rules") {
        let Some(http) = map_at(rule, &["http"]) else { continue };
        for path in maps_in(http, "paths") {
            filled |= fill(path, "pathType", "ImplementationSpecific");
            if let Some(inner) = map_at(path, &["backend"]) {
                backend(inner);
            }
        }
    }
    if filled {
        notes.say("`pathType` is filled in as ImplementationSpecific, which is what paths without one meant.");
    }
}

/// `serviceName` and `servicePort` as `service`.
fn backend(backend: &mut Map) {
    let (name, port) = (take(backend, "serviceName"), take(backend, "servicePort"));
    if name.is_none() && port.is_none() {
        return;
    }
    let Some(service) = map_made(backend, "service") else { return };
    if let Some(name) = name {
        fill(service, "name", name);
    }
    if let Some(port) = port {
        let port = match port {
            Value::String(text) => match text.parse::<i64>() {
                // No name of a port consists of digits alone.
                Ok(number) => ("number", Value::Int(number)),
                Err(_) => ("name", Value::String(text)),
            },
            number => ("number", number),
        };
        fill(service, "port", Map::from([(port.0.to_owned(), port.1)]));
    }
}

/// An EndpointSlice of `discovery.k8s.io/v1beta1`.
pub(super) fn endpoint_slice(object: &mut Map, notes: &mut Notes) {
    for endpoint in maps_in(object, "endpoints") {
        let Some(Value::Map(mut topology)) = take(endpoint, "topology") else { continue };
        for (label, key) in [("kubernetes.io/hostname", "nodeName"), ("topology.kubernetes.io/zone", "zone")] {
            if let Some(value) = take(&mut topology, label) {
                fill(endpoint, key, value);
            }
        }
        if !topology.is_empty() {
            let left: Vec<_> = topology.keys().map(|key| format!("`{key}`")).collect();
            notes.say(format!("`topology` of an endpoint is left out but for node and zone: {}.", left.join(", ")));
        }
    }
}
