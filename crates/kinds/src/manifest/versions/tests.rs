//! Objects as users have them, and what becomes of them.

use hactl_core::Value;

use super::super::samples::{Sample, yaml_text};
use super::{REMOVED, current};

/// The translated object, then what is said about it.
fn translated(text: &str) -> String {
    let (object, said) = Sample::new(text).after(current);
    format!("{}---\n{said}", yaml_text(&Value::Map(object)))
}

#[test]
fn ingress_of_the_rke_template() {
    insta::assert_snapshot!(translated("
apiVersion: extensions/v1beta1
kind: Ingress
metadata:
  namespace: cattle-system
  name: cattle-ingress-http
  annotations:
    kubernetes.io/ingress.class: nginx
spec:
  rules:
  - host: demo.rancher.com
    http:
      paths:
      - backend:
          serviceName: cattle-service
          servicePort: 80
"), @"
    apiVersion: networking.k8s.io/v1
    kind: Ingress
    metadata:
      annotations:
        kubernetes.io/ingress.class: nginx
      name: cattle-ingress-http
      namespace: cattle-system
    spec:
      rules:
        - host: demo.rancher.com
          http:
            paths:
              - backend:
                  service:
                    name: cattle-service
                    port:
                      number: 80
                pathType: ImplementationSpecific
    ---
    warning 2:13: extensions/v1beta1 of Ingress cattle-system/cattle-ingress-http is gone since Kubernetes 1.22; it is applied as networking.k8s.io/v1
      `pathType` is filled in as ImplementationSpecific, which is what paths without one meant.
      help: write it as networking.k8s.io/v1 to end this warning
    ");
}

#[test]
fn ingress_with_every_backend() {
    insta::assert_snapshot!(translated("
apiVersion: networking.k8s.io/v1beta1
kind: Ingress
metadata: {name: web}
spec:
  backend: {serviceName: fallback, servicePort: http}
  rules:
  - http:
      paths:
      - path: /a
        pathType: Prefix
        backend: {serviceName: web, servicePort: '8080'}
      - path: /b
        backend: {resource: {kind: Bucket, name: static}}
"), @"
    apiVersion: networking.k8s.io/v1
    kind: Ingress
    metadata:
      name: web
    spec:
      defaultBackend:
        service:
          name: fallback
          port:
            name: http
      rules:
        - http:
            paths:
              - backend:
                  service:
                    name: web
                    port:
                      number: 8080
                path: /a
                pathType: Prefix
              - backend:
                  resource:
                    kind: Bucket
                    name: static
                path: /b
                pathType: ImplementationSpecific
    ---
    warning 2:13: networking.k8s.io/v1beta1 of Ingress web is gone since Kubernetes 1.22; it is applied as networking.k8s.io/v1
      `pathType` is filled in as ImplementationSpecific, which is what paths without one meant.
      help: write it as networking.k8s.io/v1 to end this warning
    ");
}

#[test]
fn deployment_of_the_rke_template() {
    insta::assert_snapshot!(translated("
kind: Deployment
apiVersion: extensions/v1beta1
metadata:
  namespace: cattle-system
  name: cattle
spec:
  replicas: 1
  template:
    metadata:
      labels:
        app: cattle
    spec:
      containers:
      - image: rancher/rancher:latest
        name: cattle-server
"), @"
    apiVersion: apps/v1
    kind: Deployment
    metadata:
      name: cattle
      namespace: cattle-system
    spec:
      progressDeadlineSeconds: 2147483647
      replicas: 1
      revisionHistoryLimit: 2147483647
      selector:
        matchLabels:
          app: cattle
      strategy:
        rollingUpdate:
          maxSurge: 1
          maxUnavailable: 1
      template:
        metadata:
          labels:
            app: cattle
        spec:
          containers:
            - image: rancher/rancher:latest
              name: cattle-server
    ---
    warning 3:13: extensions/v1beta1 of Deployment cattle-system/cattle is gone since Kubernetes 1.16; it is applied as apps/v1
      `spec.selector` is filled in from the labels of its template. Defaults of extensions/v1beta1 that changed since are kept: `spec.strategy.rollingUpdate.maxSurge` 1, `spec.strategy.rollingUpdate.maxUnavailable` 1, `spec.progressDeadlineSeconds` 2147483647 (no deadline), `spec.revisionHistoryLimit` 2147483647 (all).
      help: write it as apps/v1 to end this warning
    ");
}

#[test]
fn deployments_that_say_it_all() {
    insta::assert_snapshot!(translated("
kind: Deployment
apiVersion: extensions/v1beta1
metadata: {name: web}
spec:
  selector: {matchLabels: {app: web}}
  strategy: {type: Recreate}
  progressDeadlineSeconds: 60
  revisionHistoryLimit: 3
  rollbackTo: {revision: 1}
  template: {metadata: {labels: {app: web, tier: front}}}
"), @"
    apiVersion: apps/v1
    kind: Deployment
    metadata:
      name: web
    spec:
      progressDeadlineSeconds: 60
      revisionHistoryLimit: 3
      selector:
        matchLabels:
          app: web
      strategy:
        type: Recreate
      template:
        metadata:
          labels:
            app: web
            tier: front
    ---
    warning 3:13: extensions/v1beta1 of Deployment web is gone since Kubernetes 1.16; it is applied as apps/v1
      `spec.rollbackTo` is left out, it is gone without a successor.
      help: write it as apps/v1 to end this warning
    ");
    insta::assert_snapshot!(translated("
kind: Deployment
apiVersion: apps/v1beta1
metadata: {name: web}
spec: {template: {metadata: {labels: {app: web}}}}
"), @"
    apiVersion: apps/v1
    kind: Deployment
    metadata:
      name: web
    spec:
      revisionHistoryLimit: 2
      selector:
        matchLabels:
          app: web
      template:
        metadata:
          labels:
            app: web
    ---
    warning 3:13: apps/v1beta1 of Deployment web is gone since Kubernetes 1.16; it is applied as apps/v1
      `spec.selector` is filled in from the labels of its template. Defaults of apps/v1beta1 that changed since are kept: `spec.revisionHistoryLimit` 2.
      help: write it as apps/v1 to end this warning
    ");
}

#[test]
fn other_workloads() {
    insta::assert_snapshot!(translated("
kind: DaemonSet
apiVersion: extensions/v1beta1
metadata: {name: agent}
spec: {templateGeneration: 4, template: {metadata: {labels: {app: agent}}}}
"), @"
    apiVersion: apps/v1
    kind: DaemonSet
    metadata:
      name: agent
    spec:
      selector:
        matchLabels:
          app: agent
      template:
        metadata:
          labels:
            app: agent
      updateStrategy:
        type: OnDelete
    ---
    warning 3:13: extensions/v1beta1 of DaemonSet agent is gone since Kubernetes 1.16; it is applied as apps/v1
      `spec.selector` is filled in from the labels of its template. Defaults of extensions/v1beta1 that changed since are kept: `spec.updateStrategy.type` OnDelete.
      help: write it as apps/v1 to end this warning
    ");
    insta::assert_snapshot!(translated("
kind: DaemonSet
apiVersion: apps/v1beta2
metadata: {name: agent}
spec: {selector: {matchLabels: {app: agent}}, template: {metadata: {labels: {app: agent}}}}
"), @"
    apiVersion: apps/v1
    kind: DaemonSet
    metadata:
      name: agent
    spec:
      selector:
        matchLabels:
          app: agent
      template:
        metadata:
          labels:
            app: agent
    ---
    warning 3:13: apps/v1beta2 of DaemonSet agent is gone since Kubernetes 1.16; it is applied as apps/v1
      help: write it as apps/v1 to end this warning
    ");
    insta::assert_snapshot!(translated("
kind: StatefulSet
apiVersion: apps/v1beta1
metadata: {name: db}
spec: {serviceName: db, template: {metadata: {labels: {app: db}}}}
"), @"
    apiVersion: apps/v1
    kind: StatefulSet
    metadata:
      name: db
    spec:
      selector:
        matchLabels:
          app: db
      serviceName: db
      template:
        metadata:
          labels:
            app: db
      updateStrategy:
        type: OnDelete
    ---
    warning 3:13: apps/v1beta1 of StatefulSet db is gone since Kubernetes 1.16; it is applied as apps/v1
      `spec.selector` is filled in from the labels of its template. Defaults of apps/v1beta1 that changed since are kept: `spec.updateStrategy.type` OnDelete.
      help: write it as apps/v1 to end this warning
    ");
}

#[test]
fn custom_resource_definition_without_a_schema() {
    insta::assert_snapshot!(translated("
apiVersion: apiextensions.k8s.io/v1beta1
kind: CustomResourceDefinition
metadata: {name: crontabs.example.com}
spec:
  group: example.com
  version: v1
  names: {kind: CronTab, plural: crontabs}
  subresources: {status: {}}
  additionalPrinterColumns:
  - {name: Spec, type: string, JSONPath: .spec.cronSpec}
"), @"
    apiVersion: apiextensions.k8s.io/v1
    kind: CustomResourceDefinition
    metadata:
      name: crontabs.example.com
    spec:
      group: example.com
      names:
        kind: CronTab
        plural: crontabs
      scope: Namespaced
      versions:
        - additionalPrinterColumns:
            - jsonPath: .spec.cronSpec
              name: Spec
              type: string
          name: v1
          schema:
            openAPIV3Schema:
              type: object
              x-kubernetes-preserve-unknown-fields: true
          served: true
          storage: true
          subresources:
            status: {}
    ---
    warning 2:13: apiextensions.k8s.io/v1beta1 of CustomResourceDefinition crontabs.example.com is gone since Kubernetes 1.22; it is applied as apiextensions.k8s.io/v1
      A schema that accepts any object is filled in where there was none. Defaults of apiextensions.k8s.io/v1beta1 that changed since are kept: `spec.scope` Namespaced, fields that a schema does not name are kept (`x-kubernetes-preserve-unknown-fields` in the schema).
      help: write it as apiextensions.k8s.io/v1 to end this warning
    ");
}

#[test]
fn custom_resource_definition_with_schemas() {
    insta::assert_snapshot!(translated("
apiVersion: apiextensions.k8s.io/v1beta1
kind: CustomResourceDefinition
metadata: {name: crontabs.example.com}
spec:
  group: example.com
  scope: Cluster
  version: v2
  versions:
  - {name: v2, served: true, storage: true}
  - name: v1
    served: true
    storage: false
    schema: {openAPIV3Schema: {type: object}}
  names: {kind: CronTab, plural: crontabs}
  validation:
    openAPIV3Schema:
      properties:
        metadata: {type: object}
        spec:
          type: object
          properties:
            jobs: {type: array, items: {type: object, properties: {name: {type: string}}}}
            labels: {type: object, additionalProperties: {type: string}}
  conversion:
    strategy: Webhook
    webhookClientConfig: {service: {namespace: default, name: converter}}
"), @"
    apiVersion: apiextensions.k8s.io/v1
    kind: CustomResourceDefinition
    metadata:
      name: crontabs.example.com
    spec:
      conversion:
        strategy: Webhook
        webhook:
          clientConfig:
            service:
              name: converter
              namespace: default
          conversionReviewVersions:
            - v1beta1
      group: example.com
      names:
        kind: CronTab
        plural: crontabs
      scope: Cluster
      versions:
        - name: v2
          schema:
            openAPIV3Schema:
              properties:
                metadata:
                  type: object
                spec:
                  properties:
                    jobs:
                      items:
                        properties:
                          name:
                            type: string
                        type: object
                        x-kubernetes-preserve-unknown-fields: true
                      type: array
                    labels:
                      additionalProperties:
                        type: string
                      type: object
                  type: object
                  x-kubernetes-preserve-unknown-fields: true
              type: object
              x-kubernetes-preserve-unknown-fields: true
          served: true
          storage: true
        - name: v1
          schema:
            openAPIV3Schema:
              type: object
              x-kubernetes-preserve-unknown-fields: true
          served: true
          storage: false
    ---
    warning 2:13: apiextensions.k8s.io/v1beta1 of CustomResourceDefinition crontabs.example.com is gone since Kubernetes 1.22; it is applied as apiextensions.k8s.io/v1
      Defaults of apiextensions.k8s.io/v1beta1 that changed since are kept: fields that a schema does not name are kept (`x-kubernetes-preserve-unknown-fields` in the schema).
      help: write it as apiextensions.k8s.io/v1 to end this warning
    ");
    insta::assert_snapshot!(translated("
apiVersion: apiextensions.k8s.io/v1beta1
kind: CustomResourceDefinition
metadata: {name: crontabs.example.com}
spec:
  group: example.com
  scope: Namespaced
  preserveUnknownFields: false
  versions: [{name: v1, served: true, storage: true}]
  names: {kind: CronTab, plural: crontabs}
  validation: {openAPIV3Schema: {type: object, properties: {spec: {type: object}}}}
  conversion: {strategy: None}
"), @"
    apiVersion: apiextensions.k8s.io/v1
    kind: CustomResourceDefinition
    metadata:
      name: crontabs.example.com
    spec:
      conversion:
        strategy: None
      group: example.com
      names:
        kind: CronTab
        plural: crontabs
      scope: Namespaced
      versions:
        - name: v1
          schema:
            openAPIV3Schema:
              properties:
                spec:
                  type: object
              type: object
          served: true
          storage: true
    ---
    warning 2:13: apiextensions.k8s.io/v1beta1 of CustomResourceDefinition crontabs.example.com is gone since Kubernetes 1.22; it is applied as apiextensions.k8s.io/v1
      help: write it as apiextensions.k8s.io/v1 to end this warning
    ");
}

#[test]
fn webhooks() {
    insta::assert_snapshot!(translated("
apiVersion: admissionregistration.k8s.io/v1beta1
kind: ValidatingWebhookConfiguration
metadata: {name: policies}
webhooks:
- name: old.example.com
  sideEffects: Unknown
  clientConfig: {service: {namespace: default, name: policies}}
- name: new.example.com
  failurePolicy: Fail
  matchPolicy: Equivalent
  timeoutSeconds: 5
  sideEffects: NoneOnDryRun
  admissionReviewVersions: [v1]
"), @"
    apiVersion: admissionregistration.k8s.io/v1
    kind: ValidatingWebhookConfiguration
    metadata:
      name: policies
    webhooks:
      - admissionReviewVersions:
          - v1beta1
        clientConfig:
          service:
            name: policies
            namespace: default
        failurePolicy: Ignore
        matchPolicy: Exact
        name: old.example.com
        sideEffects: None
        timeoutSeconds: 30
      - admissionReviewVersions:
          - v1
        failurePolicy: Fail
        matchPolicy: Equivalent
        name: new.example.com
        sideEffects: NoneOnDryRun
        timeoutSeconds: 5
    ---
    warning 2:13: admissionregistration.k8s.io/v1beta1 of ValidatingWebhookConfiguration policies is gone since Kubernetes 1.22; it is applied as admissionregistration.k8s.io/v1
      `sideEffects` is filled in as None, because v1 no longer has Unknown: check that the webhook changes nothing outside of the object it is asked about. Defaults of admissionregistration.k8s.io/v1beta1 that changed since are kept: `failurePolicy` Ignore of old.example.com, `matchPolicy` Exact of old.example.com, `timeoutSeconds` 30 of old.example.com, `admissionReviewVersions` [v1beta1] of old.example.com.
      help: write it as admissionregistration.k8s.io/v1 to end this warning
    ");
}

#[test]
fn autoscalers() {
    insta::assert_snapshot!(translated("
apiVersion: autoscaling/v2beta1
kind: HorizontalPodAutoscaler
metadata: {name: web, namespace: shop}
spec:
  scaleTargetRef: {apiVersion: extensions/v1beta1, kind: Deployment, name: web}
  metrics:
  - {type: Resource, resource: {name: cpu, targetAverageUtilization: 60}}
  - {type: Resource, resource: {name: memory, targetAverageValue: 200Mi}}
  - {type: Pods, pods: {metricName: packets, targetAverageValue: 1k}}
  - type: Object
    object: {metricName: requests, target: {kind: Ingress, name: web}, targetValue: 10k}
  - type: External
    external: {metricName: queue, metricSelector: {matchLabels: {queue: jobs}}, targetAverageValue: 30}
"), @"
    apiVersion: autoscaling/v2
    kind: HorizontalPodAutoscaler
    metadata:
      name: web
      namespace: shop
    spec:
      metrics:
        - resource:
            name: cpu
            target:
              averageUtilization: 60
              type: Utilization
          type: Resource
        - resource:
            name: memory
            target:
              averageValue: 200Mi
              type: AverageValue
          type: Resource
        - pods:
            metric:
              name: packets
            target:
              averageValue: 1k
              type: AverageValue
          type: Pods
        - object:
            describedObject:
              kind: Ingress
              name: web
            metric:
              name: requests
            target:
              type: Value
              value: 10k
          type: Object
        - external:
            metric:
              name: queue
              selector:
                matchLabels:
                  queue: jobs
            target:
              averageValue: 30
              type: AverageValue
          type: External
      scaleTargetRef:
        apiVersion: apps/v1
        kind: Deployment
        name: web
    ---
    warning 2:13: autoscaling/v2beta1 of HorizontalPodAutoscaler shop/web is gone since Kubernetes 1.25; it is applied as autoscaling/v2
      help: write it as autoscaling/v2 to end this warning
    warning 6:32: HorizontalPodAutoscaler shop/web scales a Deployment of extensions/v1beta1, which is gone; it is applied with apps/v1
      help: write `apiVersion: apps/v1`
    ");
}

#[test]
fn disruption_budgets() {
    insta::assert_snapshot!(translated("
apiVersion: policy/v1beta1
kind: PodDisruptionBudget
metadata: {name: web}
spec: {maxUnavailable: 1, selector: {}}
"), @"
    apiVersion: policy/v1
    kind: PodDisruptionBudget
    metadata:
      name: web
    spec:
      maxUnavailable: 1
    ---
    warning 2:13: policy/v1beta1 of PodDisruptionBudget web is gone since Kubernetes 1.25; it is applied as policy/v1
      Its empty `spec.selector` is left out: it selected no pods, and in policy/v1 it would select all of the namespace. Write it with policy/v1 if that is what is meant.
      help: write it as policy/v1 to end this warning
    ");
    insta::assert_snapshot!(translated("
apiVersion: policy/v1beta1
kind: PodDisruptionBudget
metadata: {name: web}
spec: {maxUnavailable: 1, selector: {matchLabels: {app: web}}}
"), @"
    apiVersion: policy/v1
    kind: PodDisruptionBudget
    metadata:
      name: web
    spec:
      maxUnavailable: 1
      selector:
        matchLabels:
          app: web
    ---
    warning 2:13: policy/v1beta1 of PodDisruptionBudget web is gone since Kubernetes 1.25; it is applied as policy/v1
      help: write it as policy/v1 to end this warning
    ");
}

#[test]
fn kinds_with_a_field_that_differs() {
    insta::assert_snapshot!(translated("
apiVersion: node.k8s.io/v1alpha1
kind: RuntimeClass
metadata: {name: gvisor}
spec: {runtimeHandler: runsc}
"), @"
    apiVersion: node.k8s.io/v1
    handler: runsc
    kind: RuntimeClass
    metadata:
      name: gvisor
    ---
    warning 2:13: node.k8s.io/v1alpha1 of RuntimeClass gvisor is gone since Kubernetes 1.22; it is applied as node.k8s.io/v1
      help: write it as node.k8s.io/v1 to end this warning
    ");
    insta::assert_snapshot!(translated("
apiVersion: discovery.k8s.io/v1beta1
kind: EndpointSlice
metadata: {name: web-1}
endpoints:
- addresses: [10.0.0.1]
  topology: {kubernetes.io/hostname: node1, topology.kubernetes.io/zone: a, rack: '7'}
"), @"
    apiVersion: discovery.k8s.io/v1
    endpoints:
      - addresses:
          - 10.0.0.1
        nodeName: node1
        zone: a
    kind: EndpointSlice
    metadata:
      name: web-1
    ---
    warning 2:13: discovery.k8s.io/v1beta1 of EndpointSlice web-1 is gone since Kubernetes 1.25; it is applied as discovery.k8s.io/v1
      `topology` of an endpoint is left out but for node and zone: `rack`.
      help: write it as discovery.k8s.io/v1 to end this warning
    ");
    insta::assert_snapshot!(translated("
apiVersion: certificates.k8s.io/v1beta1
kind: CertificateSigningRequest
metadata: {name: jane}
spec: {request: YQ==}
"), @"
    apiVersion: certificates.k8s.io/v1
    kind: CertificateSigningRequest
    metadata:
      name: jane
    spec:
      request: YQ==
      usages:
        - digital signature
        - key encipherment
    ---
    warning 2:13: certificates.k8s.io/v1beta1 of CertificateSigningRequest jane is gone since Kubernetes 1.22; it is applied as certificates.k8s.io/v1
      `spec.signerName` is missing, and the API server now refuses requests without one. Defaults of certificates.k8s.io/v1beta1 that changed since are kept: `spec.usages` [digital signature, key encipherment].
      help: write it as certificates.k8s.io/v1 to end this warning
    ");
    insta::assert_snapshot!(translated("
apiVersion: flowcontrol.apiserver.k8s.io/v1beta2
kind: PriorityLevelConfiguration
metadata: {name: low}
spec: {type: Limited, limited: {assuredConcurrencyShares: 5}}
"), @"
    apiVersion: flowcontrol.apiserver.k8s.io/v1
    kind: PriorityLevelConfiguration
    metadata:
      name: low
    spec:
      limited:
        nominalConcurrencyShares: 5
      type: Limited
    ---
    warning 2:13: flowcontrol.apiserver.k8s.io/v1beta2 of PriorityLevelConfiguration low is gone since Kubernetes 1.29; it is applied as flowcontrol.apiserver.k8s.io/v1
      help: write it as flowcontrol.apiserver.k8s.io/v1 to end this warning
    ");
}

#[test]
fn kinds_without_a_successor() {
    insta::assert_snapshot!(translated("
apiVersion: policy/v1beta1
kind: PodSecurityPolicy
metadata: {name: restricted}
"), @"
    apiVersion: policy/v1beta1
    kind: PodSecurityPolicy
    metadata:
      name: restricted
    ---
    warning 2:13: policy/v1beta1 of PodSecurityPolicy restricted is gone since Kubernetes 1.25 and has no successor
      It is left as it is; an API server of that version or later refuses it.
      help: take it out and label namespaces for Pod Security admission, as in `pod-security.kubernetes.io/enforce: baseline`
    ");
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
