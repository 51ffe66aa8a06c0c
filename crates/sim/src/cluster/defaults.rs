//! What the server adds to objects and how it rewrites them: the defaults and normal forms that plans meet most.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

use crate::cluster::{TIME, quantity};

/// Completes an object as the server stores it. `revision` is the number of the change that makes it: what the server
/// allots, as a Service's address, follows from it.
pub(crate) fn complete(object: &mut Map<String, Value>, revision: u64) {
    let kind = object.get("kind").and_then(Value::as_str).unwrap_or_default().to_owned();
    match kind.as_str() {
        "Deployment" => within(object, "spec", complete_deployment),
        "DaemonSet" => within(object, "spec", complete_daemon_set),
        "StatefulSet" => within(object, "spec", complete_stateful_set),
        "ReplicaSet" => within(object, "spec", |spec| {
            put(spec, "replicas", json!(1));
            complete_template(spec);
        }),
        "Job" => within(object, "spec", complete_job),
        "CronJob" => within(object, "spec", complete_cron_job),
        "Pod" => within(object, "spec", complete_pod),
        "Service" => within(object, "spec", |spec| complete_service(spec, revision)),
        "Secret" => complete_secret(object),
        "Namespace" => complete_namespace(object),
        "CustomResourceDefinition" => within(object, "spec", complete_definition),
        "ClusterRoleBinding" | "RoleBinding" => complete_binding(object),
        "PersistentVolumeClaim" => within(object, "spec", |spec| {
            put(spec, "volumeMode", json!("Filesystem"));
            normalise_resources(spec);
        }),
        "StorageClass" => {
            put(object, "reclaimPolicy", json!("Delete"));
            put(object, "volumeBindingMode", json!("Immediate"));
        }
        "NetworkPolicy" => within(object, "spec", |spec| put(spec, "policyTypes", json!(["Ingress"]))),
        _ => {}
    }
}

fn complete_deployment(spec: &mut Map<String, Value>) {
    put(spec, "replicas", json!(1));
    put(spec, "revisionHistoryLimit", json!(10));
    put(spec, "progressDeadlineSeconds", json!(600));
    complete_strategy(spec, "strategy", &[("maxSurge", json!("25%")), ("maxUnavailable", json!("25%"))]);
    complete_template(spec);
}

fn complete_daemon_set(spec: &mut Map<String, Value>) {
    put(spec, "revisionHistoryLimit", json!(10));
    complete_strategy(spec, "updateStrategy", &[("maxSurge", json!(0)), ("maxUnavailable", json!(1))]);
    complete_template(spec);
}

fn complete_stateful_set(spec: &mut Map<String, Value>) {
    put(spec, "replicas", json!(1));
    put(spec, "revisionHistoryLimit", json!(10));
    put(spec, "podManagementPolicy", json!("OrderedReady"));
    put(spec, "persistentVolumeClaimRetentionPolicy", json!({"whenDeleted": "Retain", "whenScaled": "Retain"}));
    complete_strategy(spec, "updateStrategy", &[("partition", json!(0))]);
    complete_template(spec);
}

fn complete_strategy(spec: &mut Map<String, Value>, key: &str, rolling: &[(&str, Value)]) {
    within(spec, key, |strategy| {
        put(strategy, "type", json!("RollingUpdate"));
        if strategy.get("type") == Some(&json!("RollingUpdate")) {
            within(strategy, "rollingUpdate", |update| {
                rolling.iter().for_each(|(key, value)| put(update, key, value.clone()));
            });
        }
    });
}

fn complete_job(spec: &mut Map<String, Value>) {
    put(spec, "backoffLimit", json!(6));
    // A Job that says how many pods run at a time, and not how many have to end well, is done with the first.
    if !spec.contains_key("parallelism") {
        put(spec, "completions", json!(1));
    }
    put(spec, "parallelism", json!(1));
    put(spec, "completionMode", json!("NonIndexed"));
    put(spec, "suspend", json!(false));
    complete_template(spec);
}

/// Marks a new Job's pods as its own, which the server does by the Job's uid.
pub(crate) fn identify_job(job: &mut Map<String, Value>, uid: &str) {
    let name = job.get("metadata").and_then(|metadata| metadata.get("name")).cloned().unwrap_or_default();
    within(job, "spec", |spec| {
        if spec.get("manualSelector") == Some(&json!(true)) {
            return;
        }
        put(spec, "selector", json!({"matchLabels": {"batch.kubernetes.io/controller-uid": uid}}));
        within(spec, "template", |template| {
            within(template, "metadata", |metadata| {
                within(metadata, "labels", |labels| {
                    for prefix in ["batch.kubernetes.io/", ""] {
                        put(labels, &format!("{prefix}controller-uid"), json!(uid));
                        put(labels, &format!("{prefix}job-name"), name.clone());
                    }
                });
            });
        });
    });
}

fn complete_cron_job(spec: &mut Map<String, Value>) {
    put(spec, "concurrencyPolicy", json!("Allow"));
    put(spec, "suspend", json!(false));
    put(spec, "successfulJobsHistoryLimit", json!(3));
    put(spec, "failedJobsHistoryLimit", json!(1));
    within(spec, "jobTemplate", |template| within(template, "spec", complete_template));
}

fn complete_template(spec: &mut Map<String, Value>) {
    within(spec, "template", |template| within(template, "spec", complete_pod));
}

fn complete_pod(spec: &mut Map<String, Value>) {
    put(spec, "restartPolicy", json!("Always"));
    put(spec, "dnsPolicy", json!("ClusterFirst"));
    put(spec, "schedulerName", json!("default-scheduler"));
    put(spec, "securityContext", json!({}));
    put(spec, "terminationGracePeriodSeconds", json!(30));
    if let Some(account) = spec.get("serviceAccountName").cloned() {
        put(spec, "serviceAccount", account);
    }
    for list in ["containers", "initContainers"] {
        each(spec, list, complete_container);
    }
    each(spec, "volumes", |volume| {
        for source in ["configMap", "secret", "projected", "downwardAPI"] {
            if let Some(source) = volume.get_mut(source).and_then(Value::as_object_mut) {
                put(source, "defaultMode", json!(0o644));
            }
        }
    });
}

fn complete_container(container: &mut Map<String, Value>) {
    let image = container.get("image").and_then(Value::as_str).unwrap_or_default();
    let tag = image.rsplit('/').next().and_then(|name| name.split_once(':'));
    let moves = !image.contains('@') && tag.is_none_or(|(_, tag)| tag == "latest");
    put(container, "imagePullPolicy", json!(if moves { "Always" } else { "IfNotPresent" }));
    put(container, "resources", json!({}));
    put(container, "terminationMessagePath", json!("/dev/termination-log"));
    put(container, "terminationMessagePolicy", json!("File"));
    each(container, "ports", |port| put(port, "protocol", json!("TCP")));
    each(container, "env", |variable| {
        if let Some(field) = variable.get_mut("valueFrom").and_then(|from| from.get_mut("fieldRef")?.as_object_mut()) {
            put(field, "apiVersion", json!("v1"));
        }
    });
    for probe in ["livenessProbe", "readinessProbe", "startupProbe"] {
        if let Some(probe) = container.get_mut(probe).and_then(Value::as_object_mut) {
            complete_probe(probe);
        }
    }
    normalise_resources(container);
}

fn normalise_resources(holder: &mut Map<String, Value>) {
    if let Some(resources) = holder.get_mut("resources").and_then(Value::as_object_mut) {
        resources.values_mut().filter_map(Value::as_object_mut).for_each(quantity::normalise);
    }
}

fn complete_probe(probe: &mut Map<String, Value>) {
    for (key, value) in [("failureThreshold", 3), ("periodSeconds", 10), ("successThreshold", 1), ("timeoutSeconds", 1)]
    {
        put(probe, key, json!(value));
    }
    if let Some(get) = probe.get_mut("httpGet").and_then(Value::as_object_mut) {
        put(get, "scheme", json!("HTTP"));
        put(get, "path", json!("/"));
    }
}

fn complete_service(spec: &mut Map<String, Value>, revision: u64) {
    put(spec, "type", json!("ClusterIP"));
    put(spec, "sessionAffinity", json!("None"));
    let kind = spec.get("type").and_then(Value::as_str).unwrap_or_default().to_owned();
    each(spec, "ports", |port| {
        put(port, "protocol", json!("TCP"));
        let number = port.get("port").cloned().unwrap_or_default();
        put(port, "targetPort", number);
    });
    let is_open = kind == "NodePort" || kind == "LoadBalancer";
    if !is_open {
        spec.remove("externalTrafficPolicy");
        each(spec, "ports", |port| {
            port.remove("nodePort");
        });
    }
    if kind == "ExternalName" {
        return;
    }
    put(spec, "internalTrafficPolicy", json!("Cluster"));
    put(spec, "ipFamilies", json!(["IPv4"]));
    put(spec, "ipFamilyPolicy", json!("SingleStack"));
    put(spec, "clusterIP", json!(format!("10.96.{}.{}", (revision / 250) % 256, revision % 250 + 1)));
    let address = spec.get("clusterIP").cloned().unwrap_or_default();
    put(spec, "clusterIPs", json!([address]));
    if is_open {
        put(spec, "externalTrafficPolicy", json!("Cluster"));
        let mut node_port = 30_000 + revision % 2_700;
        each(spec, "ports", |port| {
            put(port, "nodePort", json!(node_port));
            node_port += 1;
        });
    }
}

fn complete_secret(object: &mut Map<String, Value>) {
    put(object, "type", json!("Opaque"));
    let Some(Value::Object(texts)) = object.remove("stringData") else { return };
    within(object, "data", |data| {
        for (key, text) in texts {
            data.insert(key, Value::String(STANDARD.encode(text.as_str().unwrap_or_default())));
        }
    });
}

fn complete_namespace(object: &mut Map<String, Value>) {
    within(object, "metadata", |metadata| {
        let name = metadata.get("name").cloned().unwrap_or_default();
        within(metadata, "labels", |labels| put(labels, "kubernetes.io/metadata.name", name));
    });
    within(object, "spec", |spec| put(spec, "finalizers", json!(["kubernetes"])));
}

fn complete_definition(spec: &mut Map<String, Value>) {
    put(spec, "conversion", json!({"strategy": "None"}));
    within(spec, "names", |names| {
        let kind = names.get("kind").and_then(Value::as_str).unwrap_or_default().to_owned();
        put(names, "singular", json!(kind.to_lowercase()));
        put(names, "listKind", json!(format!("{kind}List")));
    });
}

fn complete_binding(object: &mut Map<String, Value>) {
    within(object, "roleRef", |role| put(role, "apiGroup", json!("rbac.authorization.k8s.io")));
    each(object, "subjects", |subject| {
        let is_account = subject.get("kind") == Some(&json!("ServiceAccount"));
        if !is_account {
            put(subject, "apiGroup", json!("rbac.authorization.k8s.io"));
        }
    });
}

/// Marks an object as waiting to be gone.
pub(crate) fn mark_deleted(object: &mut Map<String, Value>) {
    within(object, "metadata", |metadata| {
        put(metadata, "deletionTimestamp", json!(TIME));
        put(metadata, "deletionGracePeriodSeconds", json!(0));
    });
}

/// Changes the map under a key, which is made where it is not there; what is no map is left alone.
pub(crate) fn within(map: &mut Map<String, Value>, key: &str, change: impl FnOnce(&mut Map<String, Value>)) {
    let value = map.entry(key.to_owned()).or_insert_with(|| Value::Object(Map::new()));
    if let Value::Object(inside) = value {
        change(inside);
    }
}

fn put(map: &mut Map<String, Value>, key: &str, value: Value) {
    map.entry(key.to_owned()).or_insert(value);
}

fn each(map: &mut Map<String, Value>, list: &str, mut change: impl FnMut(&mut Map<String, Value>)) {
    let items = map.get_mut(list).and_then(Value::as_array_mut);
    items.into_iter().flatten().filter_map(Value::as_object_mut).for_each(&mut change);
}
