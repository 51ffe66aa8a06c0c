//! Workloads and the defaults that they relied on.

use super::translated;

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
    warning 3:13: Deployment cattle-system/cattle is written as extensions/v1beta1, which is gone since Kubernetes 1.16; it is applied as apps/v1
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
    warning 3:13: Deployment web is written as extensions/v1beta1, which is gone since Kubernetes 1.16; it is applied as apps/v1
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
    warning 3:13: Deployment web is written as apps/v1beta1, which is gone since Kubernetes 1.16; it is applied as apps/v1
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
    warning 3:13: DaemonSet agent is written as extensions/v1beta1, which is gone since Kubernetes 1.16; it is applied as apps/v1
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
    warning 3:13: DaemonSet agent is written as apps/v1beta2, which is gone since Kubernetes 1.16; it is applied as apps/v1
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
    warning 3:13: StatefulSet db is written as apps/v1beta1, which is gone since Kubernetes 1.16; it is applied as apps/v1
      `spec.selector` is filled in from the labels of its template. Defaults of apps/v1beta1 that changed since are kept: `spec.updateStrategy.type` OnDelete.
      help: write it as apps/v1 to end this warning
    ");
}
