//! Autoscalers, disruption budgets and the rest.

use super::translated;

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
    warning 2:13: HorizontalPodAutoscaler shop/web is written as autoscaling/v2beta1, which is gone since Kubernetes 1.25; it is applied as autoscaling/v2
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
    warning 2:13: PodDisruptionBudget web is written as policy/v1beta1, which is gone since Kubernetes 1.25; it is applied as policy/v1
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
    warning 2:13: PodDisruptionBudget web is written as policy/v1beta1, which is gone since Kubernetes 1.25; it is applied as policy/v1
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
    warning 2:13: RuntimeClass gvisor is written as node.k8s.io/v1alpha1, which is gone since Kubernetes 1.22; it is applied as node.k8s.io/v1
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
    warning 2:13: EndpointSlice web-1 is written as discovery.k8s.io/v1beta1, which is gone since Kubernetes 1.25; it is applied as discovery.k8s.io/v1
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
    warning 2:13: CertificateSigningRequest jane is written as certificates.k8s.io/v1beta1, which is gone since Kubernetes 1.22; it is applied as certificates.k8s.io/v1
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
    warning 2:13: PriorityLevelConfiguration low is written as flowcontrol.apiserver.k8s.io/v1beta2, which is gone since Kubernetes 1.29; it is applied as flowcontrol.apiserver.k8s.io/v1
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
    warning 2:13: PodSecurityPolicy restricted is written as policy/v1beta1, which is gone since Kubernetes 1.25 and has no successor
      It is left as it is; an API server of that version or later refuses it.
      help: take it out and label namespaces for Pod Security admission, as in `pod-security.kubernetes.io/enforce: baseline`
    ");
}
