//! Objects as users have them, and what becomes of them.

mod extensions;
mod network;
mod others;
mod workloads;

use hactl_core::Value;

use super::{REMOVED, current};
use crate::manifest::samples::{Sample, yaml_text};

/// The translated object, then what is said about it.
fn translated(text: &str) -> String {
    let (object, said) = Sample::new(text).after(current);
    format!("{}---\n{said}", yaml_text(&Value::Map(object)))
}

#[test]
fn what_differs_by_its_version_alone() {
    let mut table = String::new();
    for removed in REMOVED {
        for kind in removed.kinds {
            let text = format!("apiVersion: {}\nkind: {kind}\nmetadata: {{name: a}}\n", removed.from);
            let (object, said) = Sample::new(&text).after(current);
            assert!(said.starts_with("warning 1:13: "), "{said}");
            let version = object["apiVersion"].as_str().unwrap();
            assert_eq!(Sample::new(&text.replace(removed.from, version)).after(current).1, "", "{version} {kind}");
            table.push_str(&format!("{} {} {kind} -> {version}\n", removed.gone, removed.from));
        }
    }
    insta::assert_snapshot!(table, @"
    1.16 extensions/v1beta1 DaemonSet -> apps/v1
    1.16 extensions/v1beta1 Deployment -> apps/v1
    1.16 extensions/v1beta1 ReplicaSet -> apps/v1
    1.16 extensions/v1beta1 NetworkPolicy -> networking.k8s.io/v1
    1.22 extensions/v1beta1 Ingress -> networking.k8s.io/v1
    1.16 apps/v1beta1 ControllerRevision -> apps/v1
    1.16 apps/v1beta1 Deployment -> apps/v1
    1.16 apps/v1beta1 ReplicaSet -> apps/v1
    1.16 apps/v1beta1 StatefulSet -> apps/v1
    1.16 apps/v1beta2 ControllerRevision -> apps/v1
    1.16 apps/v1beta2 DaemonSet -> apps/v1
    1.16 apps/v1beta2 Deployment -> apps/v1
    1.16 apps/v1beta2 ReplicaSet -> apps/v1
    1.16 apps/v1beta2 StatefulSet -> apps/v1
    1.21 batch/v2alpha1 CronJob -> batch/v1
    1.22 node.k8s.io/v1alpha1 RuntimeClass -> node.k8s.io/v1
    1.22 admissionregistration.k8s.io/v1beta1 MutatingWebhookConfiguration -> admissionregistration.k8s.io/v1
    1.22 admissionregistration.k8s.io/v1beta1 ValidatingWebhookConfiguration -> admissionregistration.k8s.io/v1
    1.22 apiextensions.k8s.io/v1beta1 CustomResourceDefinition -> apiextensions.k8s.io/v1
    1.22 apiregistration.k8s.io/v1beta1 APIService -> apiregistration.k8s.io/v1
    1.22 authentication.k8s.io/v1beta1 TokenReview -> authentication.k8s.io/v1
    1.22 authorization.k8s.io/v1beta1 LocalSubjectAccessReview -> authorization.k8s.io/v1
    1.22 authorization.k8s.io/v1beta1 SubjectAccessReview -> authorization.k8s.io/v1
    1.22 authorization.k8s.io/v1beta1 SelfSubjectAccessReview -> authorization.k8s.io/v1
    1.22 authorization.k8s.io/v1beta1 SelfSubjectRulesReview -> authorization.k8s.io/v1
    1.22 certificates.k8s.io/v1beta1 CertificateSigningRequest -> certificates.k8s.io/v1
    1.22 coordination.k8s.io/v1beta1 Lease -> coordination.k8s.io/v1
    1.22 networking.k8s.io/v1beta1 Ingress -> networking.k8s.io/v1
    1.22 networking.k8s.io/v1beta1 IngressClass -> networking.k8s.io/v1
    1.22 rbac.authorization.k8s.io/v1beta1 ClusterRole -> rbac.authorization.k8s.io/v1
    1.22 rbac.authorization.k8s.io/v1beta1 ClusterRoleBinding -> rbac.authorization.k8s.io/v1
    1.22 rbac.authorization.k8s.io/v1beta1 Role -> rbac.authorization.k8s.io/v1
    1.22 rbac.authorization.k8s.io/v1beta1 RoleBinding -> rbac.authorization.k8s.io/v1
    1.22 scheduling.k8s.io/v1beta1 PriorityClass -> scheduling.k8s.io/v1
    1.22 storage.k8s.io/v1beta1 CSIDriver -> storage.k8s.io/v1
    1.22 storage.k8s.io/v1beta1 CSINode -> storage.k8s.io/v1
    1.22 storage.k8s.io/v1beta1 StorageClass -> storage.k8s.io/v1
    1.22 storage.k8s.io/v1beta1 VolumeAttachment -> storage.k8s.io/v1
    1.23 rbac.authorization.k8s.io/v1alpha1 ClusterRole -> rbac.authorization.k8s.io/v1
    1.23 rbac.authorization.k8s.io/v1alpha1 ClusterRoleBinding -> rbac.authorization.k8s.io/v1
    1.23 rbac.authorization.k8s.io/v1alpha1 Role -> rbac.authorization.k8s.io/v1
    1.23 rbac.authorization.k8s.io/v1alpha1 RoleBinding -> rbac.authorization.k8s.io/v1
    1.23 scheduling.k8s.io/v1alpha1 PriorityClass -> scheduling.k8s.io/v1
    1.25 batch/v1beta1 CronJob -> batch/v1
    1.25 autoscaling/v2beta1 HorizontalPodAutoscaler -> autoscaling/v2
    1.25 discovery.k8s.io/v1beta1 EndpointSlice -> discovery.k8s.io/v1
    1.25 events.k8s.io/v1beta1 Event -> events.k8s.io/v1
    1.25 node.k8s.io/v1beta1 RuntimeClass -> node.k8s.io/v1
    1.25 policy/v1beta1 PodDisruptionBudget -> policy/v1
    1.26 autoscaling/v2beta2 HorizontalPodAutoscaler -> autoscaling/v2
    1.27 storage.k8s.io/v1beta1 CSIStorageCapacity -> storage.k8s.io/v1
    1.26 flowcontrol.apiserver.k8s.io/v1beta1 FlowSchema -> flowcontrol.apiserver.k8s.io/v1
    1.26 flowcontrol.apiserver.k8s.io/v1beta1 PriorityLevelConfiguration -> flowcontrol.apiserver.k8s.io/v1
    1.29 flowcontrol.apiserver.k8s.io/v1beta2 FlowSchema -> flowcontrol.apiserver.k8s.io/v1
    1.29 flowcontrol.apiserver.k8s.io/v1beta2 PriorityLevelConfiguration -> flowcontrol.apiserver.k8s.io/v1
    1.32 flowcontrol.apiserver.k8s.io/v1beta3 FlowSchema -> flowcontrol.apiserver.k8s.io/v1
    1.32 flowcontrol.apiserver.k8s.io/v1beta3 PriorityLevelConfiguration -> flowcontrol.apiserver.k8s.io/v1
    ");
}

#[test]
fn current_versions_and_what_is_not_known_are_left_alone() {
    for text in [
        "{apiVersion: apps/v1, kind: Deployment, metadata: {name: a}}",
        "{apiVersion: autoscaling/v1, kind: HorizontalPodAutoscaler, metadata: {name: a}}",
        "{apiVersion: extensions/v1beta1, kind: Mystery}",
        "{kind: Deployment}",
        "{apiVersion: 1, kind: [Deployment]}",
    ] {
        let sample = Sample::new(text);
        assert_eq!(sample.after(current), (sample.object(), String::new()), "{text}");
    }
}

#[test]
fn parts_of_any_form_do_no_harm() {
    let parts = ["1", "text", "[]", "{}", "null", "[[1], {}]", "{metadata: 1}", "{labels: [a]}"];
    let paths = [
        "spec: PART",
        "spec: {template: PART}",
        "spec: {template: {metadata: PART}}",
        "spec: {strategy: PART, updateStrategy: PART, selector: PART}",
        "spec: {strategy: {rollingUpdate: PART}}",
        "spec: {rules: PART, backend: PART}",
        "spec: {rules: [{http: PART}]}",
        "spec: {rules: [{http: {paths: [{backend: {serviceName: PART, servicePort: PART, service: PART}}]}}]}",
        "spec: {version: PART, versions: PART, validation: PART, conversion: PART}",
        "spec: {versions: [{name: a, schema: PART, additionalPrinterColumns: PART}]}",
        "spec: {versions: [{name: a, schema: {openAPIV3Schema: {properties: PART, items: PART}}}]}",
        "spec: {metrics: PART, scaleTargetRef: PART, limited: PART}",
        "spec: {metrics: [{resource: PART, object: PART, pods: PART, external: {metricName: PART}}]}",
        "webhooks: PART",
        "webhooks: [PART]",
        "endpoints: [{topology: PART}]",
    ];
    for removed in REMOVED {
        for kind in removed.kinds {
            for part in parts {
                for path in paths {
                    let head = format!("apiVersion: {}\nkind: {kind}\n", removed.from);
                    let (object, said) = Sample::new(&format!("{head}{}\n", path.replace("PART", part))).after(current);
                    assert!(object.contains_key("apiVersion") && said.starts_with("warning"), "{said}");
                }
            }
        }
    }
}

#[test]
fn what_is_known_after_apply_stays_as_it_is() {
    use hactl_core::expr::Expr;
    let later = || Value::deferred(Expr::variable("later"), false);
    let sample = Sample::new(
        "
apiVersion: extensions/v1beta1
kind: Ingress
metadata: {name: web}
spec: {rules: [{http: {paths: [{backend: {serviceName: web, servicePort: 80}}]}}]}
",
    );
    let (object, _) = sample.after(|mut object, places, diagnostics| {
        object.insert("spec".to_owned(), later());
        current(object, places, diagnostics)
    });
    assert_eq!(object["spec"], later());
    assert_eq!(object["apiVersion"], Value::from("networking.k8s.io/v1"));
}
