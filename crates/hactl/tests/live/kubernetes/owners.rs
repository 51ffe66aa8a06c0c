//! Objects that others change as well: what is theirs stays, what is ours comes back.

use super::cluster::{Namespace, config_map, connection, kubectl_reads, labelled, manifest, stack, workload};
use crate::suite::{Case, cases};

pub(crate) const CASES: &[Case] = cases![
    what_others_set_stays,
    what_others_change_of_ours_is_put_back,
    two_managers_in_conflict,
    an_object_that_somebody_else_made,
    an_object_deleted_by_hand,
];

/// A change of what the config says about the workload's container.
fn changed(objects: &str) -> String {
    objects.replace("value: plain", "value: other")
}

fn what_others_set_stays() {
    let namespace = Namespace::made("others");
    let objects = workload("Deployment", &namespace, "web") + &config_map(&namespace, "settings", "ours");
    let stack = stack(&objects, "");
    stack.converges();

    namespace.kubectl("annotate deployment web example.com/note=theirs");
    namespace.kubectl("label deployment web team=theirs");
    namespace.kubectl("scale deployment web --replicas=2");
    namespace.kubectl("set env deployment web EXTRA=theirs");
    namespace.apply("", "---\n{apiVersion: v1, kind: ConfigMap, metadata: {name: settings}, data: {other: theirs}}");
    let theirs = "---\n{apiVersion: apps/v1, kind: Deployment, metadata: {name: web}, spec: {minReadySeconds: 1}}";
    namespace.apply("--server-side --validate=false --field-manager=somebody", theirs);
    stack.ends("plan --detailed-exitcode", 0).says(&["No changes"]);

    stack.write("objects.yaml", changed(&objects).replace("\"ours\"", "\"ours too\""));
    stack.ends("plan --detailed-exitcode", 2).says(&["Plan: 0 to add, 2 to change, 0 to destroy."]);
    stack.converges();
    let deployment = namespace.object("deployment web");
    assert_eq!(deployment["metadata"]["annotations"]["example.com/note"], "theirs");
    assert_eq!(deployment["metadata"]["labels"]["team"], "theirs");
    assert_eq!(deployment["spec"]["replicas"], 2);
    assert_eq!(deployment["spec"]["minReadySeconds"], 1);
    let env = deployment["spec"]["template"]["spec"]["containers"][0]["env"].to_string();
    assert!(env.contains("other") && env.contains("theirs") && !env.contains("plain"), "{env}");
    assert_eq!(namespace.field("configmap settings", ".data"), r#"{"key":"ours too","other":"theirs"}"#);
    stack.destroy();
    assert!(!namespace.has("deployment web") && !namespace.has("configmap settings"));
}

fn what_others_change_of_ours_is_put_back() {
    let namespace = Namespace::made("drift");
    let objects = workload("Deployment", &namespace, "web") + &config_map(&namespace, "settings", "ours");
    let stack = stack(&objects, "");
    stack.converges();

    namespace.kubectl("set env deployment web MODE=theirs EXTRA=theirs");
    namespace.kubectl(r#"patch configmap settings -p={"data":{"key":"theirs","other":"theirs"}}"#);
    let told = stack.ends("plan --detailed-exitcode", 2);
    told.says(&["Plan: 0 to add, 2 to change, 0 to destroy.", "data.key", "not by hactl"]);
    stack.converges();
    let container = &namespace.object("deployment web")["spec"]["template"]["spec"]["containers"][0];
    assert_eq!(container["env"].to_string(), r#"[{"name":"MODE","value":"plain"},{"name":"EXTRA","value":"theirs"}]"#);
    assert_eq!(namespace.field("configmap settings", ".data"), r#"{"key":"ours","other":"theirs"}"#);

    // Without its label it is found by its name, and labelled again.
    namespace.kubectl("label configmap settings hactl.io/lineage-");
    stack.ends("plan --detailed-exitcode", 2).says(&["hactl.io/lineage"]);
    stack.converges();
    assert!(labelled(&stack, "configmaps").contains("settings"));
    stack.destroy();
}

fn two_managers_in_conflict() {
    let namespace = Namespace::made("conflict");
    let stack = stack(&config_map(&namespace, "settings", "ours"), "");
    stack.converges();
    let theirs = config_map(&namespace, "settings", "theirs");
    let words = "apply --server-side --field-manager=helm --force-conflicts -f -";
    kubectl_reads(words, &theirs);

    let told = stack.fail("plan");
    told.says(&[
        "ConfigMap ",
        "/settings",
        "objects.yaml:4",
        "data.key is managed by helm",
        "forceConflicts: true",
        "help: ",
    ]);
    stack.fail("apply --auto-approve").says(&["data.key is managed by helm"]);
    assert_eq!(namespace.field("configmap settings", ".data.key"), "theirs");
    stack.configure(&manifest("forceConflicts: true, "));
    stack.converges();
    assert_eq!(namespace.field("configmap settings", ".data.key"), "ours");

    // A second stack finds it taken.
    let second = super::cluster::stack(&config_map(&namespace, "settings", "second"), "forceConflicts: true, ");
    second.fail("plan").says(&["ConfigMap ", "in stack live", "is there already", "adopt"]);
    stack.destroy();
}

fn an_object_that_somebody_else_made() {
    let namespace = Namespace::made("foreign");
    namespace.apply("", &config_map(&namespace, "settings", "theirs"));
    let stack = stack(&config_map(&namespace, "settings", "ours"), "");
    let told = stack.fail("apply --auto-approve");
    told.says(&["managed by kubectl-client-side-apply", "is there already", "adopt: true"]);
    assert_eq!(namespace.field("configmap settings", ".data.key"), "theirs");
    let uid = namespace.field("configmap settings", ".metadata.uid");
    stack.configure(&manifest("adopt: true, "));
    stack.converges();
    assert_eq!(namespace.field("configmap settings", ".data.key"), "ours");
    assert_eq!(namespace.field("configmap settings", ".metadata.uid"), uid);

    // Taken out of the config, it goes.
    stack.configure(&connection());
    stack.converges();
    assert!(!namespace.has("configmap settings"));
    stack.destroy();
}

fn an_object_deleted_by_hand() {
    let namespace = Namespace::made("deleted");
    let objects = config_map(&namespace, "one", "1") + &config_map(&namespace, "two", "2");
    let stack = stack(&objects, "");
    stack.converges();
    namespace.kubectl("delete configmap one");
    stack.ends("plan --detailed-exitcode", 2).says(&["Plan: 1 to add, 0 to change, 0 to destroy."]);
    stack.converges();
    assert_eq!(namespace.field("configmap one", ".data.key"), "1");

    // Another one of the same name is somebody else's.
    namespace.kubectl("delete configmap two");
    namespace.kubectl("create configmap two --from-literal=key=theirs");
    stack.fail("plan").says(&["ConfigMap", "two", "kubectl-create", "is there already"]);
    namespace.kubectl("delete configmap two");
    stack.converges();
    namespace.kubectl("delete configmap one two");
    stack.destroy();
}
