//! Definitions and webhooks.

use super::translated;

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
    warning 2:13: CustomResourceDefinition crontabs.example.com is written as apiextensions.k8s.io/v1beta1, which is gone since Kubernetes 1.22; it is applied as apiextensions.k8s.io/v1
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
    warning 2:13: CustomResourceDefinition crontabs.example.com is written as apiextensions.k8s.io/v1beta1, which is gone since Kubernetes 1.22; it is applied as apiextensions.k8s.io/v1
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
    warning 2:13: CustomResourceDefinition crontabs.example.com is written as apiextensions.k8s.io/v1beta1, which is gone since Kubernetes 1.22; it is applied as apiextensions.k8s.io/v1
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
    warning 2:13: ValidatingWebhookConfiguration policies is written as admissionregistration.k8s.io/v1beta1, which is gone since Kubernetes 1.22; it is applied as admissionregistration.k8s.io/v1
      `sideEffects` is filled in as None, because v1 no longer has Unknown: check that the webhook changes nothing outside of the object it is asked about. Defaults of admissionregistration.k8s.io/v1beta1 that changed since are kept: `failurePolicy` Ignore of old.example.com, `matchPolicy` Exact of old.example.com, `timeoutSeconds` 30 of old.example.com, `admissionReviewVersions` [v1beta1] of old.example.com.
      help: write it as admissionregistration.k8s.io/v1 to end this warning
    ");
}
