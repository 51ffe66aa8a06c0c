//! The examples of the repository, from nothing to nothing.

use std::path::Path;

use crate::host::{Host, LB1, NODE1, NODE2, NODE3};
use crate::stack::Stack;
use crate::suite::{Case, cases};

pub(crate) const CASES: &[Case] = cases![
    rancher_ha on NODE1 NODE2 NODE3 LB1,
    quickstart on NODE1 NODE2 NODE3,
];

/// An example's files in a directory of their own.
fn copy(example: &str) -> Stack {
    let stack = Stack::empty();
    let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples").join(example);
    for file in std::fs::read_dir(from).unwrap().flatten().filter(|file| file.path().is_file()) {
        std::fs::copy(file.path(), stack.path(file.file_name().to_str().unwrap())).unwrap();
    }
    stack
}

/// Takes an example through its life: create, nothing to do, upgrade, drift, repair. `drift` changes something by hand
/// and `works` looks whether the service answers from a version.
fn live(stack: &Stack, upgrade: &str, drift: impl Fn(), works: impl Fn(bool)) {
    stack.ends("plan --detailed-exitcode", 2);
    stack.converges();
    works(false);
    let apply = format!("apply --auto-approve {upgrade}");
    let plan = format!("plan --detailed-exitcode {upgrade}");
    stack.succeed(&apply);
    stack.ends(&plan, 0);
    works(true);
    drift();
    stack.ends(&plan, 2).says(&["Changed on the hosts"]);
    stack.succeed(&apply);
    stack.ends(&plan, 0);
    works(true);
}

fn remove(host: Host, container: &str) {
    host.sh(&format!("docker rm --force {container}"));
}

fn quickstart() {
    let stack = copy("quickstart");
    let hosts = [NODE1, NODE2, NODE3];
    let drift = || {
        remove(NODE1, "web");
        NODE2.sh("echo changed >>/srv/web/index.html");
    };
    live(&stack, "--var webVersion=1.26", drift, |upgraded| {
        for host in hosts {
            assert!(host.get(8080, "/").contains(&format!("Hello from {}", host.name)));
            let tag = if upgraded { "nginx:1.26" } else { "nginx:1.25" };
            assert_eq!(host.inspect("web", "{{.Config.Image}}"), tag);
        }
    });
    stack.succeed("output").says(&["http://172.30.0.13:8080/"]);
    stack.destroy();
}

fn rancher_ha() {
    let stack = copy("rancher-ha");
    let drift = || {
        remove(NODE1, "rancher");
        LB1.sh("echo '# changed' >>/etc/rancher/nginx/nginx.conf");
    };
    live(&stack, "--var rancherVersion=v2.0.9", drift, |upgraded| {
        stack.succeed("secret export rancher-ca.certificate --out ca.pem --force");
        LB1.write("/root/ca.pem", stack.read("ca.pem").as_bytes());
        let answer =
            LB1.sh("printf 'GET / HTTP/1.1\\r\\nHost: rancher.example.com\\r\\nConnection: close\\r\\n\\r\\n' \
             | openssl s_client -quiet -connect 127.0.0.1:443 -CAfile /root/ca.pem -verify_return_error \
             -verify_hostname rancher.example.com 2>/dev/null");
        let version = if upgraded { "rancher v2.0.9" } else { "rancher v2.0.8" };
        assert!(answer.contains(version), "{answer}");
    });
    stack.destroy();
    LB1.sh("rm /root/ca.pem");
}
