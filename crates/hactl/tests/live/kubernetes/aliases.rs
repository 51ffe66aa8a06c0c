//! Host aliases where they count: in `/etc/hosts` of pods that kubelets run, and of hosts.

use super::cluster::{Namespace, connection, workload};
use crate::host::{LB1, NODE1};
use crate::stack::Stack;
use crate::suite::{Case, cases};

pub(crate) const CASES: &[Case] = cases![
    pods_resolve_the_name_until_it_is_destroyed,
    an_entry_of_somebody_else_for_the_same_address,
    an_optional_workload_is_picked_up,
    hosts_resolve_the_name_until_it_is_destroyed on NODE1 LB1,
];

const NAME: &str = "rancher.example.com";
const IP: &str = "192.168.1.100";

/// A config that gives workloads an alias; `options` are more keys of it.
fn aliases(namespace: &Namespace, workloads: &[&str], options: &str) -> String {
    let workloads = workloads.iter().map(|workload| {
        let (kind, name) = workload.split_once('/').unwrap();
        format!("      - {{kind: {kind}, namespace: {}, name: {name}, optional: true}}\n", namespace.name)
    });
    format!(
        "{}hostAliases:\n  rancher:\n    ip: {IP}\n    hostnames: [{NAME}]\n{options}    workloads:\n{}",
        connection(),
        workloads.collect::<String>()
    )
}

/// Whether every pod of an application has the alias.
fn have(namespace: &Namespace, app: &str) -> bool {
    let files = namespace.hosts_files(app);
    let lines = files.iter().map(|file| file.lines().any(|line| line == format!("{IP}\t{NAME}")));
    let have: Vec<bool> = lines.collect();
    assert!(have.iter().all(|has| *has == have[0]), "not all pods of {app} are the same: {files:?}");
    have[0]
}

/// An entry that somebody gives a workload by kubectl.
fn patch(namespace: &Namespace, workload: &str, ip: &str, name: &str) {
    let entry =
        format!(r#"{{"spec":{{"template":{{"spec":{{"hostAliases":[{{"ip":"{ip}","hostnames":["{name}"]}}]}}}}}}}}"#);
    namespace.kubectl(&format!("patch {workload} -p={entry}"));
}

/// The workload's entries as one line.
fn entries(namespace: &Namespace, workload: &str) -> String {
    namespace.field(workload, ".spec.template.spec.hostAliases")
}

fn pods_resolve_the_name_until_it_is_destroyed() {
    let namespace = Namespace::made("aliases");
    namespace.apply(
        "",
        &(workload("Deployment", &namespace, "agent") + "---\n" + &workload("DaemonSet", &namespace, "node-agent")),
    );
    patch(&namespace, "deployment/agent", "10.9.8.7", "theirs.example.com");
    namespace.rolled_out("deployment/agent");
    namespace.rolled_out("daemonset/node-agent");
    let stack = Stack::empty();
    stack.configure(&aliases(&namespace, &["Deployment/agent", "DaemonSet/node-agent"], ""));
    stack.converges().says(&["2 added"]);
    assert!(have(&namespace, "agent") && have(&namespace, "node-agent"));
    assert_eq!(namespace.hosts_files("node-agent").len(), 2, "one for each worker");
    assert!(namespace.hosts_files("agent")[0].contains("10.9.8.7\ttheirs.example.com"));

    // Others go on as they did.
    namespace.kubectl("set env daemonset/node-agent EXTRA=theirs");
    patch(&namespace, "daemonset/node-agent", "10.9.8.6", "more.example.com");
    stack.ends("plan --detailed-exitcode", 0);
    // Somebody removes ours and nothing else.
    let remove = r#"[{"op":"test","path":"/spec/template/spec/hostAliases/INDEX/ip","value":"192.168.1.100"},{"op":"remove","path":"/spec/template/spec/hostAliases/INDEX"}]"#;
    let at = if entries(&namespace, "deployment/agent").find(IP) < entries(&namespace, "deployment/agent").find("10.9")
    {
        "0"
    } else {
        "1"
    };
    namespace.kubectl(&format!("patch deployment/agent --type=json -p={}", remove.replace("INDEX", at)));
    assert!(!entries(&namespace, "deployment/agent").contains(IP));
    stack.ends("plan --detailed-exitcode", 2).says(&["hostAliases.rancher[\"Deployment/", "1 to change"]);
    stack.converges();
    assert!(have(&namespace, "agent"));

    stack.destroy();
    namespace.rolled_out("deployment/agent");
    namespace.rolled_out("daemonset/node-agent");
    for (app, kept) in [("agent", "10.9.8.7\ttheirs.example.com"), ("node-agent", "10.9.8.6\tmore.example.com")] {
        assert!(!have(&namespace, app), "it is still in the pods of {app}");
        assert!(namespace.hosts_files(app).iter().all(|file| file.contains(kept)), "an entry of others is gone");
    }
    let entry = r#"[{"hostnames":["theirs.example.com"],"ip":"10.9.8.7"}]"#;
    assert_eq!(entries(&namespace, "deployment/agent"), entry);
}

fn an_entry_of_somebody_else_for_the_same_address() {
    let namespace = Namespace::made("alias-conflict");
    namespace.apply("", &workload("Deployment", &namespace, "agent"));
    patch(&namespace, "deployment/agent", IP, "by-hand.example.com");
    let stack = Stack::empty();
    stack.configure(&aliases(&namespace, &["Deployment/agent"], ""));
    let told = stack.fail("plan");
    told.says(&["hostAliases", IP, "hostnames", "managed by kubectl-patch", "adopt: true"]);
    stack.fail("apply --auto-approve");
    assert!(entries(&namespace, "deployment/agent").contains("by-hand"));
    stack.configure(&aliases(&namespace, &["Deployment/agent"], "    adopt: true\n"));
    stack.converges();
    assert!(have(&namespace, "agent"));
    let entry = format!(r#"[{{"hostnames":["{NAME}"],"ip":"{IP}"}}]"#);
    assert_eq!(entries(&namespace, "deployment/agent"), entry);
    stack.destroy();
    assert!(!entries(&namespace, "deployment/agent").contains(NAME), "{}", entries(&namespace, "deployment/agent"));
    namespace.rolled_out("deployment/agent");
}

fn an_optional_workload_is_picked_up() {
    let namespace = Namespace::made("optional");
    let stack = Stack::empty();
    stack.configure(&aliases(&namespace, &["Deployment/agent"], ""));
    stack.ends("plan --detailed-exitcode", 0);
    stack.apply();
    namespace.apply("", &workload("Deployment", &namespace, "agent"));
    stack.ends("plan --detailed-exitcode", 2).says(&["1 to add"]);
    stack.converges();
    assert!(have(&namespace, "agent"));
    // With its workload it is gone, and comes back with it.
    namespace.kubectl("delete deployment agent");
    stack.ends("plan --detailed-exitcode", 2).says(&["Plan: 0 to add, 0 to change, 0 to destroy, 1 to forget."]);
    stack.converges();
    namespace.apply("", &workload("Deployment", &namespace, "agent"));
    stack.converges();
    assert!(have(&namespace, "agent"));
    namespace.kubectl("delete deployment agent");
    stack.destroy();

    let required = aliases(&namespace, &["Deployment/agent"], "").replace(", optional: true", "");
    stack.configure(&required);
    stack.fail("plan").says(&["Deployment ", "/agent is not there to be given host aliases", "optional: true"]);
}

fn hosts_resolve_the_name_until_it_is_destroyed() {
    let hosts = [NODE1, LB1];
    // What stands there has to survive to the byte: no newline at the end, a line of Windows, another's block.
    LB1.sh("cp /etc/hosts /tmp/hosts.given; printf '10.1.1.1 a b\\r\\n# by hand\\n10.1.1.2\\tc' >>/etc/hosts");
    let before = hosts.map(|host| host.sh("sha256sum /etc/hosts; stat -c '%a %u %g' /etc/hosts"));
    let alias = format!("hostAliases:\n  rancher: {{ip: {IP}, hostnames: [{NAME}, alias.{NAME}], nodes: all}}\n");
    let stack = Stack::on(&hosts, &alias);
    stack.converges().says(&["2 added"]);
    for host in hosts {
        for name in [NAME, "alias.rancher.example.com"] {
            assert_eq!(host.sh(&format!("getent hosts {name} | cut -d' ' -f1")), IP);
        }
        let owner = host.sh("stat -c '%a %u %g' /etc/hosts");
        assert!(before.iter().any(|before| before.ends_with(&owner)), "{owner}");
    }
    LB1.sh(&format!("sed /{NAME}/d /etc/hosts >/tmp/hosts.less; cat /tmp/hosts.less >/etc/hosts; rm /tmp/hosts.less"));
    stack.ends("plan --detailed-exitcode", 2).says(&["hostAliases.rancher.hosts on lb1", "1 to change"]);
    stack.converges();
    assert_eq!(LB1.sh(&format!("getent hosts {NAME} | cut -d' ' -f1")), IP);
    stack.destroy();
    let after = hosts.map(|host| host.sh("sha256sum /etc/hosts; stat -c '%a %u %g' /etc/hosts"));
    LB1.sh("cat /tmp/hosts.given >/etc/hosts; rm /tmp/hosts.given");
    assert_eq!(after, before);
}
