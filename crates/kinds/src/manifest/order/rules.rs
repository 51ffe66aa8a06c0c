//! What objects of each kind come after.

use hactl_core::value::{Map, Value};

use super::super::pods::{CONTAINERS, at_path, items, text};
use super::index::Index;
use super::{Edges, Item, Stage};

/// Notes what one object comes after, and what comes after it because it selects that.
pub(super) fn of(at: usize, item: &Item<'_>, index: &Index<'_>, edges: &mut Edges<'_>) {
    if !item.namespace.is_empty() {
        edges.after(at, index.named("Namespace", "", item.namespace));
    }
    let mut after = After { at, index, edges, namespace: item.namespace };
    match (item.stage, item.kind) {
        (Stage::Workload, _) => workload(item, &mut after),
        (Stage::Custom, _) => {
            for extension in index.extensions_of(item) {
                after.edges.after(at, [extension]);
                let definition = after.edges.items[extension].object;
                after.called(at_path(definition, &["spec", "conversion", "webhook", "clientConfig", "service"]));
            }
        }
        (Stage::Limit, _) => {
            let everything = Map::new().into();
            let selector = match item.kind {
                "NetworkPolicy" => at_path(item.object, &["spec", "podSelector"]),
                _ => None,
            };
            for workload in index.selected(item.namespace, selector.unwrap_or(&everything)) {
                after.edges.after(workload, [at]);
            }
        }
        (Stage::RoleBinding, _) => {
            if let (Some(kind), Some(name)) =
                (text(item.object, &["roleRef", "kind"]), text(item.object, &["roleRef", "name"]))
            {
                after.named(kind, if kind == "Role" { item.namespace } else { "" }, Some(name));
            }
        }
        (_, "Secret") => {
            let account = ["metadata", "annotations", "kubernetes.io/service-account.name"];
            after.local("ServiceAccount", text(item.object, &account));
        }
        (_, "PersistentVolume") => after.cluster("StorageClass", text(item.object, &["spec", "storageClassName"])),
        (_, "PersistentVolumeClaim") => claim(item.object, &mut after),
        (_, "FlowSchema") => {
            let name = text(item.object, &["spec", "priorityLevelConfiguration", "name"]);
            after.cluster("PriorityLevelConfiguration", name);
        }
        (_, "ValidatingAdmissionPolicyBinding") => {
            after.cluster("ValidatingAdmissionPolicy", text(item.object, &["spec", "policyName"]));
        }
        (_, "Ingress") => ingress(item.object, &mut after),
        (_, "HorizontalPodAutoscaler") => {
            let target = |key| text(item.object, &["spec", "scaleTargetRef", key]);
            if let Some(kind) = target("kind") {
                after.local(kind, target("name"));
            }
        }
        (_, "PodDisruptionBudget") => {
            if let Some(selector) = at_path(item.object, &["spec", "selector"]) {
                after.edges.after(at, index.selected(item.namespace, selector));
            }
        }
        (_, "APIService") => after.called(at_path(item.object, &["spec", "service"])),
        (Stage::Extension, _) => {
            for webhook in items(item.object, &["webhooks"]) {
                after.called(at_path(webhook, &["clientConfig", "service"]));
            }
        }
        _ => {}
    }
}

/// What one object comes after, by name.
struct After<'a, 'b, 'c> {
    at: usize,
    index: &'a Index<'b>,
    edges: &'a mut Edges<'c>,
    namespace: &'a str,
}

impl After<'_, '_, '_> {
    fn named(&mut self, kind: &str, namespace: &str, name: Option<&str>) {
        if let Some(name) = name {
            self.edges.after(self.at, self.index.named(kind, namespace, name));
        }
    }

    /// An object of the same namespace.
    fn local(&mut self, kind: &str, name: Option<&str>) {
        self.named(kind, self.namespace, name);
    }

    /// An object in no namespace.
    fn cluster(&mut self, kind: &str, name: Option<&str>) {
        self.named(kind, "", name);
    }

    /// A service that the API server calls, and the workloads behind it.
    fn called(&mut self, service: Option<&Value>) {
        let Some(service) = service else { return };
        if let (Some(namespace), Some(name)) = (text(service, &["namespace"]), text(service, &["name"])) {
            let behind = self.index.behind(namespace, name, self.edges.items);
            self.edges.after(self.at, behind);
        }
    }
}

fn workload(item: &Item<'_>, after: &mut After<'_, '_, '_>) {
    after.local("Service", text(item.object, &["spec", "serviceName"]));
    for template in items(item.object, &["spec", "volumeClaimTemplates"]) {
        claim(template, after);
    }
    let Some(spec) = item.pod().and_then(|pod| pod.get("spec")) else { return };
    after.cluster("PriorityClass", text(spec, &["priorityClassName"]));
    after.cluster("RuntimeClass", text(spec, &["runtimeClassName"]));
    let account = text(spec, &["serviceAccountName"]).or_else(|| text(spec, &["serviceAccount"])).unwrap_or("default");
    after.local("ServiceAccount", Some(account));
    after.edges.after(after.at, after.index.bindings_of(after.namespace, account));
    let account = after.index.named("ServiceAccount", after.namespace, account);
    let account = account.map_or(&Value::Null, |at| after.edges.items[at].object);
    for secret in items(spec, &["imagePullSecrets"]).iter().chain(items(account, &["imagePullSecrets"])) {
        after.local("Secret", text(secret, &["name"]));
    }
    for volume in items(spec, &["volumes"]) {
        self::volume(volume, after);
    }
    for container in CONTAINERS.iter().flat_map(|list| items(spec, &[list])) {
        for source in items(container, &["envFrom"]) {
            after.local("ConfigMap", text(source, &["configMapRef", "name"]));
            after.local("Secret", text(source, &["secretRef", "name"]));
        }
        for variable in items(container, &["env"]) {
            after.local("ConfigMap", text(variable, &["valueFrom", "configMapKeyRef", "name"]));
            after.local("Secret", text(variable, &["valueFrom", "secretKeyRef", "name"]));
        }
    }
}

fn volume(volume: &Value, after: &mut After<'_, '_, '_>) {
    after.local("PersistentVolumeClaim", text(volume, &["persistentVolumeClaim", "claimName"]));
    after.local("ConfigMap", text(volume, &["configMap", "name"]));
    after.local("Secret", text(volume, &["secret", "secretName"]));
    after.local("Secret", text(volume, &["csi", "nodePublishSecretRef", "name"]));
    for source in items(volume, &["projected", "sources"]) {
        after.local("ConfigMap", text(source, &["configMap", "name"]));
        after.local("Secret", text(source, &["secret", "name"]));
    }
    if let Some(template) = at_path(volume, &["ephemeral", "volumeClaimTemplate"]) {
        claim(template, after);
    }
}

fn claim(claim: &Value, after: &mut After<'_, '_, '_>) {
    after.cluster("StorageClass", text(claim, &["spec", "storageClassName"]));
    after.cluster("PersistentVolume", text(claim, &["spec", "volumeName"]));
}

fn ingress(ingress: &Value, after: &mut After<'_, '_, '_>) {
    after.cluster("IngressClass", text(ingress, &["spec", "ingressClassName"]));
    after.cluster("IngressClass", text(ingress, &["metadata", "annotations", "kubernetes.io/ingress.class"]));
    after.local("Service", text(ingress, &["spec", "defaultBackend", "service", "name"]));
    for path in items(ingress, &["spec", "rules"]).iter().flat_map(|rule| items(rule, &["http", "paths"])) {
        after.local("Service", text(path, &["backend", "service", "name"]));
    }
    for tls in items(ingress, &["spec", "tls"]) {
        after.local("Secret", text(tls, &["secretName"]));
    }
}
