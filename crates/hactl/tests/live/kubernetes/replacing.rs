//! What cannot change in place, types that are new, and what the server says of both before anything is done.

use super::cluster::{LIMIT, Namespace, is_gone, kubectl, labelled, stack, workload};
use crate::host::poll;
use crate::suite::{Case, cases};

pub(crate) const CASES: &[Case] = cases![
    fields_that_cannot_change,
    a_type_and_an_object_of_it_in_one_file,
    values_that_the_server_writes_in_another_way,
];

/// A Deployment, a Job and a RoleBinding.
fn fixed(namespace: &Namespace, app: &str, message: &str, role: &str) -> String {
    let name = &namespace.name;
    let deployment = workload("Deployment", namespace, "web").replace("{app: web}", &format!("{{app: {app}}}"));
    format!(
        "{deployment}---
apiVersion: batch/v1
kind: Job
metadata: {{name: once, namespace: {name}}}
spec:
  template:
    spec:
      restartPolicy: Never
      containers: [{{name: main, image: \"busybox:1.36\", command: [echo, {message}]}}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {{name: readers, namespace: {name}}}
roleRef: {{apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: {role}}}
subjects: [{{kind: ServiceAccount, name: default, namespace: {name}}}]
"
    )
}

fn fields_that_cannot_change() {
    let namespace = Namespace::made("fixed");
    let stack = stack(&fixed(&namespace, "web", "one", "view"), "");
    stack.converges();
    assert_eq!(namespace.field("job once", ".status.succeeded"), "1");
    let references = ["deployment web", "job once", "rolebinding readers"];
    let uids = references.map(|reference| namespace.field(reference, ".metadata.uid"));
    stack.write("objects.yaml", fixed(&namespace, "site", "two", "edit"));
    let told = stack.ends("plan --detailed-exitcode", 2);
    told.says(&["Plan: 3 to add, 0 to change, 3 to destroy.", "cannot change in place"]).says(&[
        "spec.selector",
        "spec.template",
        "roleRef",
    ]);
    stack.converges();
    let now = references.map(|reference| namespace.field(reference, ".metadata.uid"));
    assert!(uids.iter().zip(&now).all(|(before, now)| before != now));
    assert_eq!(namespace.field("job once", ".status.succeeded"), "1");
    assert_eq!(namespace.field("deployment web", ".spec.selector.matchLabels.app"), "site");
    assert_eq!(namespace.field("rolebinding readers", ".roleRef.name"), "edit");
    poll(LIMIT, "the old pods are gone", || namespace.kubectl("get pods -l app=web -o name").is_empty());
    stack.destroy();
}

fn a_type_and_an_object_of_it_in_one_file() {
    let namespace = Namespace::made("types");
    let group = format!("{}.example.com", namespace.name);
    let objects = format!(
        "apiVersion: {group}/v1
kind: Widget
metadata: {{name: first, namespace: {name}}}
spec: {{size: 3}}
---
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {{name: widgets.{group}}}
spec:
  group: {group}
  scope: Namespaced
  names: {{kind: Widget, plural: widgets, singular: widget}}
  versions:
  - name: v1
    served: true
    storage: true
    schema:
      openAPIV3Schema:
        type: object
        properties: {{spec: {{type: object, properties: {{size: {{type: integer}}, colour: {{type: string, default: red}}}}}}}}
",
        name = namespace.name
    );
    let stack = stack(&objects, "");
    stack
        .ends("plan --detailed-exitcode", 2)
        .says(&["Plan: 2 to add", &format!("Widget.{group}/{}/first", namespace.name)]);
    stack.converges();
    let widget = format!("widgets.{group} first");
    assert_eq!(namespace.field(&widget, ".spec"), r#"{"colour":"red","size":3}"#);
    stack.write("objects.yaml", objects.replace("size: 3", "size: 4"));
    stack.ends("plan --detailed-exitcode", 2).says(&["Plan: 0 to add, 1 to change, 0 to destroy."]);
    stack.converges();
    stack.write("objects.yaml", objects.replace("size: 3", "size: large"));
    stack.fail("plan").says(&["spec.size", "help: "]);
    stack.write("objects.yaml", &objects);
    stack.destroy();
    is_gone(&format!("customresourcedefinition/widgets.{group}"));

    // The definition goes, and with it all that is of its type: nothing stays behind in state.
    stack.apply();
    kubectl(&format!("delete customresourcedefinition widgets.{group}"));
    stack.ends("plan --detailed-exitcode", 2).says(&["Plan: 2 to add, 0 to change, 0 to destroy."]);
    stack.converges();
    kubectl(&format!("delete customresourcedefinition widgets.{group}"));
    stack.destroy();
    assert_eq!(labelled(&stack, "customresourcedefinitions"), "");
}

fn values_that_the_server_writes_in_another_way() {
    let namespace = Namespace::made("written");
    let name = &namespace.name;
    let limits = "resources: {limits: {cpu: 0.5, memory: 0.1Gi}, requests: {cpu: \"0.10\"}}, command: [sleep";
    let web = workload("Deployment", &namespace, "web").replace("command: [sleep", limits);
    let objects = format!(
        "{web}---
apiVersion: v1
kind: Secret
metadata: {{name: words, namespace: {name}}}
stringData: {{password: correct-horse}}
data: {{other: aG9yc2U=}}
---
apiVersion: v1
kind: Service
metadata: {{name: web, namespace: {name}, annotations: {{}}}}
spec:
  selector: {{app: web}}
  ports: [{{port: 80, protocol: TCP, targetPort: 8080}}, {{port: 53, protocol: UDP, name: dns}}, {{port: 53, protocol: TCP, name: dns-tcp}}]
---
apiVersion: v1
kind: List
items:
- {{apiVersion: v1, kind: ConfigMap, metadata: {{name: empty, namespace: {name}}}, data: {{}}}}
- {{apiVersion: v1, kind: ConfigMap, metadata: {{name: texts, namespace: {name}}}, data: {{a: \"\", b: \"1\\n\"}}}}
"
    )
    .replace("{port: 80, protocol: TCP,", "{name: http, port: 80, protocol: TCP,");
    let stack = stack(&objects, "");
    stack.converges();
    assert_eq!(namespace.field("secret words", ".data"), r#"{"other":"aG9yc2U=","password":"Y29ycmVjdC1ob3JzZQ=="}"#);
    stack.write("objects.yaml", objects.replace("cpu: 0.5", "cpu: 0.6").replace("correct-horse", "battery"));
    stack.ends("plan --detailed-exitcode", 2).says(&["0 to add, 2 to change, 0 to destroy"]).does_not_say(&["battery"]);
    stack.converges();
    stack.destroy();
}
