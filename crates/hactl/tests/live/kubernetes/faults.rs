//! What happens to a cluster while hactl works on it.

use super::cluster::{LIMIT, Namespace, config_map, is_gone, kubectl, labelled, manifest, stack, workload};
use super::proxy::Proxy;
use crate::connect::refused;
use crate::host::poll;
use crate::stack::Stack;
use crate::suite::{Case, cases};

pub(crate) const CASES: &[Case] = cases![
    an_api_server_that_stays_away,
    an_api_server_that_comes_back,
    pods_that_end,
    a_finalizer_that_blocks,
    a_namespace_that_blocks,
];

/// How many objects the applies have that are disturbed.
const OBJECTS: usize = 20;

/// A stack of many objects whose way to the API server is a proxy.
fn behind(proxy: &Proxy, namespace: &Namespace) -> Stack {
    let objects: Vec<String> = (0..OBJECTS).map(|index| config_map(namespace, &format!("c{index}"), "1")).collect();
    let stack = stack(&objects.concat(), "");
    stack.write("kubeconfig", proxy.kubeconfig());
    stack.configure("kubernetes: {kubeconfig: kubeconfig}\nmanifests:\n  live: {file: objects.yaml}\n");
    stack
}

fn an_api_server_that_comes_back() {
    let namespace = Namespace::made("comes-back");
    let mut proxy = Proxy::open();
    let stack = behind(&proxy, &namespace);
    for (words, begins) in
        [("apply --auto-approve", "creation complete"), ("destroy --auto-approve", "destruction complete")]
    {
        let mut run = stack.start(&format!("{words} --parallelism 2"));
        run.wait_for(begins);
        proxy.cut();
        run.wait_for("the API server does not answer; trying again");
        proxy.mend();
        let told = run.end();
        assert_eq!(told.code, Some(0), "{told}");
        if words.starts_with("apply") {
            stack.ends("plan --detailed-exitcode", 0);
            assert_eq!(labelled(&stack, "configmaps").lines().count(), OBJECTS);
        }
    }
    assert_eq!(labelled(&stack, "configmaps"), "");
}

fn an_api_server_that_stays_away() {
    let namespace = Namespace::made("stays-away");
    let mut proxy = Proxy::open();
    let stack = behind(&proxy, &namespace);
    let mut run = stack.start("apply --auto-approve --parallelism 2");
    run.wait_for("creation complete");
    proxy.cut();
    run.wait_for("the API server does not answer; trying again");
    let told = run.end();
    assert_eq!(told.code, Some(1), "{told}");
    told.says(&["manifest.live[\"ConfigMap/", "the API server does not answer: connection refused", "help: see that "]);
    let made = namespace.kubectl("get configmaps -o name -l hactl.io/lineage").lines().count();
    assert!((1..OBJECTS).contains(&made), "{made} were made");

    // Not there is not the same as empty.
    refused(&stack, &["kubernetes", "127.0.0.1", "connection refused"]);
    stack.fail("destroy --auto-approve").says(&["connection refused"]);
    proxy.mend();
    stack.converges();
    assert_eq!(labelled(&stack, "configmaps").lines().count(), OBJECTS);
    stack.destroy();
    assert_eq!(labelled(&stack, "configmaps"), "");
}

fn pods_that_end() {
    let namespace = Namespace::made("pods-end");
    let good = workload("Deployment", &namespace, "web");
    let bad = good.replace("busybox:1.36", "exits:1.0").replace("command: [sleep, \"3600\"], ", "");
    assert!(bad.contains("exits:1.0") && !bad.contains("sleep"));
    let stack = stack(&bad, "timeout: 15s, ");
    let told = stack.fail("apply --auto-approve");
    told.says(&["manifest.live[\"Deployment/", "of 1 pods are ready", "Back-off", "exited with 3"])
        .says(&["no configuration in /etc/exits", "help: look further with `kubectl describe -n "]);
    // It is not called done: the next apply waits for it again.
    stack.ends("plan --detailed-exitcode", 2);
    stack.write("objects.yaml", good.replace("plain", "better"));
    stack.converges();
    assert_eq!(namespace.field("deployment web", ".status.readyReplicas"), "1");

    // An image that is nowhere is told as such, and what ran before runs on.
    stack.write("objects.yaml", good.replace("busybox:1.36", "nowhere:1.0"));
    stack.fail("apply --auto-approve").says(&["nowhere:1.0", "pull"]);
    assert_eq!(namespace.field("deployment web", ".status.readyReplicas"), "1");
    stack.destroy();
    poll(LIMIT, "the pods are gone", || namespace.kubectl("get pods -o name").is_empty());
}

fn a_finalizer_that_blocks() {
    let namespace = Namespace::made("finalizer");
    let both = config_map(&namespace, "kept", "1") + &config_map(&namespace, "other", "1");
    let stack = stack(&both, "timeout: 5s, ");
    stack.converges();
    let finalizers =
        |list: &str| namespace.kubectl(&format!(r#"patch configmap kept -p={{"metadata":{{"finalizers":{list}}}}}"#));
    finalizers(r#"["example.com/blocks"]"#);
    stack.ends("plan --detailed-exitcode", 0);
    stack.write("objects.yaml", config_map(&namespace, "other", "1"));
    let told = stack.fail("apply --auto-approve");
    told.says(&[
        "ConfigMap ",
        "still there after 5 s",
        "its finalizer example.com/blocks is not done",
        "metadata.finalizers",
    ]);
    stack.ends("plan --detailed-exitcode", 2).says(&["0 to add, 0 to change, 1 to destroy"]);

    // Wanted again while it goes: it is made anew once it is gone.
    stack.write("objects.yaml", &both);
    stack.ends("plan --detailed-exitcode", 2).says(&["1 to add, 0 to change, 1 to destroy"]);
    let uid = namespace.field("configmap kept", ".metadata.uid");
    stack.fail("apply --auto-approve").says(&["example.com/blocks"]);
    let mut run = stack.start("apply --auto-approve");
    run.wait_for("its finalizer example.com/blocks is not done");
    finalizers("null");
    let told = run.end();
    assert_eq!(told.code, Some(0), "{told}");
    stack.ends("plan --detailed-exitcode", 0);
    assert_ne!(namespace.field("configmap kept", ".metadata.uid"), uid);

    finalizers(r#"["example.com/blocks"]"#);
    stack.fail("destroy --auto-approve").says(&["example.com/blocks"]);
    assert!(!namespace.has("configmap other"), "others do not wait for it");
    finalizers("null");
    stack.destroy();
    assert!(!namespace.has("configmap kept"));
}

fn a_namespace_that_blocks() {
    let namespace = Namespace::named("blocked");
    let name = &namespace.name;
    let stack = stack(
        &format!(
            "apiVersion: v1\nkind: Namespace\nmetadata: {{name: {name}}}\n{}",
            config_map(&namespace, "ours", "1")
        ),
        "timeout: 7s, ",
    );
    stack.converges();
    namespace.kubectl("create configmap theirs");
    namespace.kubectl(r#"patch configmap theirs -p={"metadata":{"finalizers":["example.com/blocks"]}}"#);
    let told = stack.fail("destroy --auto-approve");
    told.says(&[&format!("Namespace {name}"), "still there after 7 s", "example.com/blocks"]);
    stack.ends("plan --detailed-exitcode", 2);
    namespace.kubectl(r#"patch configmap theirs -p={"metadata":{"finalizers":null}}"#);
    stack.configure(&manifest("timeout: 60s, "));
    is_gone(&format!("namespace/{name}"));
    stack.destroy();
    assert_eq!(kubectl(&format!("get namespace {name} --ignore-not-found -o name")), "");
}
