//! What the user of the kubeconfig may not do, and what the server refuses, is said by the plan.

use super::cluster::{Namespace, config_map, connection, lab_file, manifest, stack, workload};
use crate::suite::{Case, cases};

pub(crate) const CASES: &[Case] =
    cases![a_user_without_rights, objects_that_the_server_refuses, a_namespace_that_is_missing];

/// A Role, and its binding to the user `limited`.
fn grant(namespace: &Namespace, resources: &str, verbs: &str) {
    namespace.apply(
        "",
        &format!(
            "apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {{name: limited}}
rules: [{{apiGroups: [\"\"], resources: [{resources}], verbs: [{verbs}]}}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {{name: limited}}
roleRef: {{apiGroup: rbac.authorization.k8s.io, kind: Role, name: limited}}
subjects: [{{apiGroup: rbac.authorization.k8s.io, kind: User, name: limited}}]
"
        ),
    );
}

fn a_user_without_rights() {
    let namespace = Namespace::made("rights");
    let secret = format!(
        "---\napiVersion: v1\nkind: Secret\nmetadata: {{name: words, namespace: {}}}\nstringData: {{password: correct-horse}}\n",
        namespace.name
    );
    let settings = config_map(&namespace, "settings", "1");
    let stack = stack(&(settings.clone() + &secret), "");
    let limited = lab_file("limited.kubeconfig");
    stack.configure(
        &manifest("").replace(&connection(), &format!("kubernetes: {{kubeconfig: \"{}\"}}\n", limited.display())),
    );
    let told = stack.fail("plan");
    told.says(&["User \"limited\" cannot", "\"configmaps\"", "help: ", "Role"]).does_not_say(&["correct-horse"]);

    // Enough to do all that an apply does with these types.
    grant(&namespace, "configmaps", "get, list, watch, create, patch, delete");
    let told = stack.fail("plan");
    told.says(&["\"secrets\"", "Secret "]).does_not_say(&["\"configmaps\"", "correct-horse"]);
    stack.write("objects.yaml", &settings);
    stack.converges();

    // Without the right to list, single objects are looked at.
    grant(&namespace, "configmaps", "get, patch");
    stack.ends("plan --detailed-exitcode", 0);
    stack.write("objects.yaml", settings.replace("\"1\"", "\"2\""));
    stack.converges();
    grant(&namespace, "configmaps", "get");
    stack.write("objects.yaml", settings.replace("\"1\"", "\"3\""));
    stack.fail("plan").says(&["cannot patch resource \"configmaps\"", "kubectl auth can-i"]);
    stack.fail("destroy --auto-approve").says(&["cannot delete resource \"configmaps\""]);
    assert_eq!(namespace.field("configmap settings", ".data.key"), "2");
    grant(&namespace, "configmaps", "get, delete");
    stack.destroy();
    assert!(!namespace.has("configmap settings"));
}

fn objects_that_the_server_refuses() {
    let namespace = Namespace::made("refused");
    let stack = stack(&workload("Deployment", &namespace, "web"), "");
    let wrong = workload("Deployment", &namespace, "web").replace("name: main", "name: Main").replace("sleep", "sl");
    stack.write("objects.yaml", wrong);
    stack.fail("plan").says(&["spec.template.spec.containers[0].name", "Main", "objects.yaml"]);
    let unknown = workload("Deployment", &namespace, "web").replace("image:", "imagee:");
    stack.write("objects.yaml", unknown);
    stack.fail("plan").says(&["imagee"]);
    stack.write("objects.yaml", config_map(&namespace, "settings", "1").replace("ConfigMap", "ConfigMop"));
    stack.fail("plan").says(&["ConfigMop", "ConfigMap", "objects.yaml"]);
    assert_eq!(namespace.kubectl("get deployments,configmaps -l hactl.io/lineage -o name"), "");
}

fn a_namespace_that_is_missing() {
    let namespace = Namespace::named("missing");
    let name = &namespace.name;
    let stack = stack(&config_map(&namespace, "settings", "1"), "");
    stack.fail("apply --auto-approve").says(&[
        &format!("namespace {name}"),
        "does not exist",
        "kubectl create namespace",
    ]);
    // Made by the same plan, it is no error, in whatever order they stand.
    let both = config_map(&namespace, "settings", "1")
        + &format!("---\napiVersion: v1\nkind: Namespace\nmetadata: {{name: {name}}}\n");
    stack.write("objects.yaml", both);
    stack.ends("plan --detailed-exitcode", 2).says(&["Plan: 2 to add"]);
    stack.converges();
    // Deleted by somebody, all of it is made again.
    super::cluster::kubectl(&format!("delete namespace {name}"));
    stack.ends("plan --detailed-exitcode", 2).says(&["Plan: 2 to add"]);
    stack.converges();
    stack.destroy();
    assert_eq!(super::cluster::kubectl(&format!("get namespace {name} --ignore-not-found -o name")), "");
}
