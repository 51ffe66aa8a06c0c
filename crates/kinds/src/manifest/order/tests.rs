//! Which object comes after which.

use std::collections::{BTreeMap, BTreeSet};

use hactl_core::{Address, Value};
use proptest::prelude::*;

use super::super::{builtin, samples::Sample, samples::objects};
use super::dependencies;

fn address(object: &Value) -> Address {
    let text = |path: &[&str]| super::super::pods::text(object, path);
    let (group, _) = builtin::split(text(&["apiVersion"]).unwrap());
    let (kind, name) = (text(&["kind"]).unwrap(), text(&["metadata", "name"]).unwrap());
    Address::new("manifest", "m", Some(&builtin::key(kind, group, text(&["metadata", "namespace"]), name)))
}

fn ordered(objects: &[Value]) -> BTreeMap<Address, Vec<Address>> {
    let objects: Vec<_> = objects.iter().map(|object| (address(object), object)).collect();
    let found = dependencies(&objects);
    objects.into_iter().map(|(address, _)| address).zip(found).collect()
}

/// A line per object that comes after others.
fn shown(text: &str) -> String {
    let mut out = String::new();
    for (address, earlier) in ordered(&objects(text)) {
        if !earlier.is_empty() {
            out.push_str(address.key().unwrap_or_default());
            out.push('\n');
        }
        for earlier in earlier {
            out.push_str(&format!("  after {}\n", earlier.key().unwrap_or_default()));
        }
    }
    out
}

#[test]
fn the_rke_template() {
    insta::assert_snapshot!(shown("
- {apiVersion: apps/v1, kind: Deployment, metadata: {name: cattle, namespace: cattle-system}, spec: {template: {metadata: {labels: {app: cattle}}, spec: {serviceAccountName: cattle-admin, volumes: [{name: keys, secret: {secretName: cattle-keys-server}}]}}}}
- {apiVersion: networking.k8s.io/v1, kind: Ingress, metadata: {name: http, namespace: cattle-system}, spec: {rules: [{http: {paths: [{backend: {service: {name: cattle-service}}}]}}]}}
- {apiVersion: v1, kind: Service, metadata: {name: cattle-service, namespace: cattle-system}, spec: {selector: {app: cattle}}}
- {apiVersion: v1, kind: Secret, metadata: {name: cattle-keys-server, namespace: cattle-system}}
- {apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRoleBinding, metadata: {name: cattle-crb}, subjects: [{kind: ServiceAccount, name: cattle-admin, namespace: cattle-system}], roleRef: {kind: ClusterRole, name: cluster-admin}}
- {apiVersion: v1, kind: ServiceAccount, metadata: {name: cattle-admin, namespace: cattle-system}}
- {apiVersion: v1, kind: Namespace, metadata: {name: cattle-system}}
"), @"
    Deployment/cattle-system/cattle
      after ClusterRoleBinding/cattle-crb
      after Namespace/cattle-system
      after Secret/cattle-system/cattle-keys-server
      after ServiceAccount/cattle-system/cattle-admin
    Ingress/cattle-system/http
      after Namespace/cattle-system
      after Service/cattle-system/cattle-service
    Secret/cattle-system/cattle-keys-server
      after Namespace/cattle-system
    Service/cattle-system/cattle-service
      after Namespace/cattle-system
    ServiceAccount/cattle-system/cattle-admin
      after Namespace/cattle-system
    ");
}

#[test]
fn what_pods_name() {
    insta::assert_snapshot!(shown("
- apiVersion: apps/v1
  kind: StatefulSet
  metadata: {name: db, namespace: a}
  spec:
    serviceName: db
    volumeClaimTemplates: [{spec: {storageClassName: fast}}]
    template:
      metadata: {labels: {app: db}}
      spec:
        priorityClassName: high
        runtimeClassName: gvisor
        imagePullSecrets: [{name: registry}]
        initContainers: [{env: [{valueFrom: {secretKeyRef: {name: env-secret}}}, {valueFrom: {configMapKeyRef: {name: env-map}}}]}]
        containers: [{envFrom: [{secretRef: {name: all-secret}}, {configMapRef: {name: all-map}}]}]
        volumes:
        - {configMap: {name: mounted-map}}
        - {projected: {sources: [{secret: {name: projected-secret}}, {configMap: {name: projected-map}}]}}
        - {persistentVolumeClaim: {claimName: data}}
- {apiVersion: v1, kind: Service, metadata: {name: db, namespace: a}}
- {apiVersion: storage.k8s.io/v1, kind: StorageClass, metadata: {name: fast}}
- {apiVersion: scheduling.k8s.io/v1, kind: PriorityClass, metadata: {name: high}}
- {apiVersion: node.k8s.io/v1, kind: RuntimeClass, metadata: {name: gvisor}}
- {apiVersion: v1, kind: Secret, metadata: {name: registry, namespace: a}}
- {apiVersion: v1, kind: Secret, metadata: {name: env-secret, namespace: a}}
- {apiVersion: v1, kind: Secret, metadata: {name: all-secret, namespace: a}}
- {apiVersion: v1, kind: Secret, metadata: {name: projected-secret, namespace: a}}
- {apiVersion: v1, kind: Secret, metadata: {name: registry, namespace: elsewhere}}
- {apiVersion: v1, kind: ConfigMap, metadata: {name: env-map, namespace: a}}
- {apiVersion: v1, kind: ConfigMap, metadata: {name: all-map, namespace: a}}
- {apiVersion: v1, kind: ConfigMap, metadata: {name: mounted-map, namespace: a}}
- {apiVersion: v1, kind: ConfigMap, metadata: {name: projected-map, namespace: a}}
- {apiVersion: v1, kind: PersistentVolumeClaim, metadata: {name: data, namespace: a}, spec: {storageClassName: fast, volumeName: disk}}
- {apiVersion: v1, kind: PersistentVolume, metadata: {name: disk}, spec: {storageClassName: fast}}
- {apiVersion: v1, kind: Secret, metadata: {name: pull, namespace: a}}
- {apiVersion: v1, kind: ServiceAccount, metadata: {name: default, namespace: a}, imagePullSecrets: [{name: pull}]}
"), @"
    PersistentVolume/disk
      after StorageClass/fast
    PersistentVolumeClaim/a/data
      after PersistentVolume/disk
      after StorageClass/fast
    StatefulSet/a/db
      after ConfigMap/a/all-map
      after ConfigMap/a/env-map
      after ConfigMap/a/mounted-map
      after ConfigMap/a/projected-map
      after PersistentVolumeClaim/a/data
      after PriorityClass/high
      after RuntimeClass/gvisor
      after Secret/a/all-secret
      after Secret/a/env-secret
      after Secret/a/projected-secret
      after Secret/a/pull
      after Secret/a/registry
      after Service/a/db
      after ServiceAccount/a/default
      after StorageClass/fast
    ");
}

#[test]
fn limits_and_roles() {
    insta::assert_snapshot!(shown("
- {apiVersion: batch/v1, kind: CronJob, metadata: {name: backup, namespace: a}, spec: {jobTemplate: {spec: {template: {metadata: {labels: {app: backup}}, spec: {serviceAccountName: writer}}}}}}
- {apiVersion: v1, kind: Pod, metadata: {name: other, namespace: a, labels: {app: other}}}
- {apiVersion: v1, kind: Pod, metadata: {name: far, namespace: b, labels: {app: backup}}}
- {apiVersion: v1, kind: ResourceQuota, metadata: {name: quota, namespace: a}}
- {apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: one, namespace: a}, spec: {podSelector: {matchLabels: {app: backup}}}}
- {apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: every, namespace: a}, spec: {podSelector: {}}}
- {apiVersion: v1, kind: ServiceAccount, metadata: {name: writer, namespace: a}}
- {apiVersion: v1, kind: Secret, metadata: {name: token, namespace: a, annotations: {kubernetes.io/service-account.name: writer}}}
- {apiVersion: rbac.authorization.k8s.io/v1, kind: Role, metadata: {name: write, namespace: a}}
- {apiVersion: rbac.authorization.k8s.io/v1, kind: RoleBinding, metadata: {name: writer, namespace: a}, roleRef: {kind: Role, name: write}, subjects: [{kind: ServiceAccount, name: writer}]}
"), @"
    CronJob/a/backup
      after NetworkPolicy/a/every
      after NetworkPolicy/a/one
      after ResourceQuota/a/quota
      after RoleBinding/a/writer
      after ServiceAccount/a/writer
    Pod/a/other
      after NetworkPolicy/a/every
      after ResourceQuota/a/quota
    RoleBinding/a/writer
      after Role/a/write
    Secret/a/token
      after ServiceAccount/a/writer
    ");
}

#[test]
fn what_stands_before_workloads_or_is_called() {
    insta::assert_snapshot!(shown("
- {apiVersion: apps/v1, kind: Deployment, metadata: {name: web, namespace: a}, spec: {template: {metadata: {labels: {app: web}}}}}
- {apiVersion: v1, kind: Service, metadata: {name: web, namespace: a}, spec: {selector: {app: web}}}
- {apiVersion: networking.k8s.io/v1, kind: IngressClass, metadata: {name: nginx}}
- {apiVersion: v1, kind: Secret, metadata: {name: tls, namespace: a}}
- {apiVersion: networking.k8s.io/v1, kind: Ingress, metadata: {name: web, namespace: a}, spec: {ingressClassName: nginx, tls: [{secretName: tls}], defaultBackend: {service: {name: web}}}}
- {apiVersion: autoscaling/v2, kind: HorizontalPodAutoscaler, metadata: {name: web, namespace: a}, spec: {scaleTargetRef: {kind: Deployment, name: web}}}
- {apiVersion: policy/v1, kind: PodDisruptionBudget, metadata: {name: web, namespace: a}, spec: {selector: {matchExpressions: [{key: app, operator: In, values: [web]}]}}}
- {apiVersion: apiregistration.k8s.io/v1, kind: APIService, metadata: {name: v1.metrics.example.com}, spec: {group: metrics.example.com, version: v1, service: {namespace: a, name: web}}}
- {apiVersion: admissionregistration.k8s.io/v1, kind: ValidatingWebhookConfiguration, metadata: {name: checks}, webhooks: [{clientConfig: {service: {namespace: a, name: web}}, rules: [{apiGroups: [example.com]}]}]}
- {apiVersion: apiextensions.k8s.io/v1, kind: CustomResourceDefinition, metadata: {name: things.example.com}, spec: {group: example.com, names: {kind: Thing}, conversion: {webhook: {clientConfig: {service: {namespace: a, name: web}}}}}}
- {apiVersion: example.com/v1, kind: Thing, metadata: {name: one, namespace: a}}
- {apiVersion: metrics.example.com/v1, kind: Metric, metadata: {name: one}}
"), @"
    APIService/v1.metrics.example.com
      after Deployment/a/web
      after Service/a/web
    HorizontalPodAutoscaler/a/web
      after Deployment/a/web
    Ingress/a/web
      after IngressClass/nginx
      after Secret/a/tls
      after Service/a/web
    Metric.metrics.example.com/one
      after APIService/v1.metrics.example.com
    PodDisruptionBudget/a/web
      after Deployment/a/web
    Thing.example.com/a/one
      after CustomResourceDefinition/things.example.com
      after Deployment/a/web
      after Service/a/web
      after ValidatingWebhookConfiguration/checks
    ValidatingWebhookConfiguration/checks
      after Deployment/a/web
      after Service/a/web
    ");
}

#[test]
fn what_is_not_known_yet_orders_nothing() {
    use hactl_core::expr::Expr;
    let mut object = Sample::new(
        "
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: a}
spec: {template: {spec: {}}}
",
    )
    .object();
    object.insert("spec".to_owned(), Value::deferred(Expr::variable("later"), false));
    let secret = objects("[{apiVersion: v1, kind: Secret, metadata: {name: a, namespace: a}}]").remove(0);
    assert!(ordered(&[Value::Map(object), secret]).values().all(Vec::is_empty));
}

const KINDS: [(&str, &str); 24] = [
    ("v1", "Namespace"),
    ("v1", "ConfigMap"),
    ("v1", "Secret"),
    ("v1", "Service"),
    ("v1", "ServiceAccount"),
    ("v1", "PersistentVolume"),
    ("v1", "PersistentVolumeClaim"),
    ("v1", "ResourceQuota"),
    ("v1", "Pod"),
    ("apps/v1", "StatefulSet"),
    ("batch/v1", "CronJob"),
    ("networking.k8s.io/v1", "Ingress"),
    ("networking.k8s.io/v1", "IngressClass"),
    ("networking.k8s.io/v1", "NetworkPolicy"),
    ("autoscaling/v2", "HorizontalPodAutoscaler"),
    ("policy/v1", "PodDisruptionBudget"),
    ("rbac.authorization.k8s.io/v1", "Role"),
    ("rbac.authorization.k8s.io/v1", "RoleBinding"),
    ("storage.k8s.io/v1", "StorageClass"),
    ("apiextensions.k8s.io/v1", "CustomResourceDefinition"),
    ("apiregistration.k8s.io/v1", "APIService"),
    ("admissionregistration.k8s.io/v1", "MutatingWebhookConfiguration"),
    ("example.com/v1", "Thing"),
    ("example.com/v1", "Service"),
];

/// An object that names others wherever any kind does; what its own kind does not know is passed over.
fn object() -> impl Strategy<Value = Value> {
    let name = || prop::sample::select(vec!["a", "b", "c"]);
    (prop::sample::select(KINDS.to_vec()), name(), name(), name(), name()).prop_map(
        |((api_version, kind), own, namespace, other, target)| {
            let pod = format!(
                "{{metadata: {{labels: {{app: {own}}}}}, spec: {{serviceAccountName: {other}, volumes: \
                 [{{secret: {{secretName: {other}}}}}, {{configMap: {{name: {target}}}}}, \
                 {{persistentVolumeClaim: {{claimName: {other}}}}}]}}}}"
            );
            let kinds = ["StatefulSet", "Ingress", "HorizontalPodAutoscaler", "Namespace"];
            let scaled = kinds[(own.len() + usize::from(other.as_bytes()[0])) % kinds.len()];
            let text = format!(
                "- apiVersion: {api_version}\n  kind: {kind}\n  metadata: {{name: {own}, namespace: {namespace}, \
                 labels: {{app: {own}}}, annotations: {{kubernetes.io/service-account.name: {other}}}}}\n  \
                 roleRef: {{kind: Role, name: {other}}}\n  subjects: [{{kind: ServiceAccount, name: {other}}}]\n  \
                 webhooks: [{{clientConfig: {{service: {{name: {other}, namespace: {namespace}}}}}, \
                 rules: [{{apiGroups: [example.com]}}]}}]\n  spec: {{group: example.com, version: v1, \
                 names: {{kind: Thing}}, service: {{name: {other}, namespace: {namespace}}}, serviceName: {other}, \
                 storageClassName: {other}, volumeName: {other}, selector: {{app: {other}, matchLabels: {{app: {other}}}}}, \
                 podSelector: {{}}, ingressClassName: {other}, defaultBackend: {{service: {{name: {other}}}}}, \
                 scaleTargetRef: {{kind: {scaled}, name: {target}}}, serviceAccountName: {target}, template: {pod}, \
                 jobTemplate: {{spec: {{template: {pod}}}}}}}\n"
            );
            objects(&text).remove(0)
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn there_are_no_circles_and_the_order_of_the_file_does_not_matter(
        found in prop::collection::vec(object(), 0..24),
        turn in 0..24_usize,
    ) {
        let mut seen = BTreeSet::new();
        let mut found: Vec<_> = found.into_iter().filter(|object| seen.insert(address(object))).collect();
        let order = ordered(&found);
        let mut left = order.clone();
        while !left.is_empty() {
            let ready: Vec<_> = left
                .iter()
                .filter(|(_, earlier)| earlier.iter().all(|address| !left.contains_key(address)))
                .map(|(address, _)| address.clone())
                .collect();
            prop_assert!(!ready.is_empty(), "a circle among {left:?}");
            for address in ready {
                left.remove(&address);
            }
        }
        let turn = turn.min(found.len());
        found.rotate_left(turn);
        prop_assert_eq!(ordered(&found), order);
    }
}
