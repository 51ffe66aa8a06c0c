//! Images and registries.

use crate::host::{LB1, NODE1, NODE3, REGISTRY, REGISTRY_AUTH};
use crate::stack::Stack;
use crate::suite::{Case, cases};

pub(crate) const CASES: &[Case] = cases![
    an_image_that_is_missing on NODE1,
    a_registry_that_is_down on LB1 REGISTRY_AUTH,
    a_login_that_is_missing_wrong_and_right on LB1 REGISTRY_AUTH,
    pull_policies on NODE3,
];

const PASSWORD: &str = "registry-password";
const PRIVATE: &str = "172.30.0.3:5000/web:1.0";
/// A login from a variable.
const LOGIN: &str = "variables: {registryPassword: {sensitive: true}}
registries: {\"172.30.0.3:5000\": {username: hactl, password: \"${var.registryPassword}\"}}
";

fn web(image: &str) -> String {
    format!("containers:\n  web: {{nodes: all, image: \"{image}\"}}\n")
}

fn an_image_that_is_missing() {
    let missing = format!("{REGISTRY}/web:none");
    let stack = Stack::on(&[NODE1], &web(&missing));
    stack.fail("apply --auto-approve").says(&[
        "container.web[\"node1\"]",
        "172.30.0.2:5000/web:none",
        "manifest",
        "name and tag",
    ]);
    stack.set(&[NODE1], &web(&format!("{REGISTRY}/web:1.0")));
    stack.converges();
    // What runs goes on running until the new image is there.
    let id = NODE1.inspect("web", "{{.Id}} {{.State.StartedAt}}");
    stack.set(&[NODE1], &web(&missing));
    stack.fail("apply --auto-approve").says(&["container.web[\"node1\"]", "manifest", "name and tag"]);
    assert_eq!(NODE1.inspect("web", "{{.Id}} {{.State.StartedAt}}"), id);
    stack.set(&[NODE1], &web(&format!("{REGISTRY}/nothing/such:1")));
    stack.fail("apply --auto-approve").says(&["nothing/such", "help: "]);
    stack.set(&[NODE1], &web(&format!("{REGISTRY}/web:1.0")));
    stack.converges();
    stack.destroy();
}

fn forget_private_image() {
    LB1.try_sh(&format!("docker rmi --force {PRIVATE}"));
}

fn a_registry_that_is_down() {
    forget_private_image();
    let mut stack = Stack::on(&[LB1], &format!("{LOGIN}{}", web(PRIVATE)));
    stack.export("HACTL_VAR_registryPassword", PASSWORD);
    REGISTRY_AUTH.power_off();
    let told = stack.fail("apply --auto-approve");
    told.says(&["container.web[\"lb1\"]", "172.30.0.3:5000", "help: ", "registry"]).does_not_say(&[PASSWORD]);
    REGISTRY_AUTH.power_on();
    stack.converges();
    stack.destroy();
}

fn a_login_that_is_missing_wrong_and_right() {
    forget_private_image();
    let mut stack = Stack::on(&[LB1], &web(PRIVATE));
    stack.fail("apply --auto-approve").says(&["container.web[\"lb1\"]", "no basic auth credentials", "registries"]);

    stack.set(&[LB1], &format!("{LOGIN}{}", web(PRIVATE)));
    stack.fail("plan").says(&["registryPassword", "HACTL_VAR_registryPassword"]);
    stack.export("HACTL_VAR_registryPassword", "not-the-password");
    let told = stack.fail("apply --auto-approve");
    told.says(&["container.web[\"lb1\"]", "unauthorized", "registries"]).does_not_say(&["not-the-password"]);

    stack.export("HACTL_VAR_registryPassword", PASSWORD);
    stack.succeed("plan --out saved.plan").does_not_say(&[PASSWORD]);
    let mut run = stack.command("apply saved.plan --json").stdout(std::process::Stdio::piped()).spawn().unwrap();
    let mut seen = String::new();
    while run.try_wait().unwrap().is_none() {
        seen += &command_lines();
        seen += &LB1.sh("ps -eo args=");
    }
    let output = run.wait_with_output().unwrap();
    assert!(output.status.success());
    assert!(seen.contains("apply\0saved.plan"), "the run was not seen");
    assert!(!seen.contains(PASSWORD), "the password is in a list of processes");
    assert!(!String::from_utf8_lossy(&output.stdout).contains(PASSWORD));
    stack.converges().does_not_say(&[PASSWORD]);
    for words in ["show", "show --json", "show --json saved.plan", "state list", "plan --json"] {
        stack.succeed(words).does_not_say(&[PASSWORD]);
    }
    let files = std::process::Command::new("grep").args(["-rl", PASSWORD]).arg(stack.path("")).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&files.stdout), "", "the password is in files");
    let on_host = "grep -rl registry-password /home /root /var/lib/hactl /etc/docker 2>/dev/null; docker inspect web | grep registry-password; true";
    assert_eq!(LB1.sh(on_host), "");
    stack.destroy();
    forget_private_image();
}

/// The command lines of all processes here.
fn command_lines() -> String {
    let processes = std::fs::read_dir("/proc").unwrap().flatten();
    processes.filter_map(|process| std::fs::read_to_string(process.path().join("cmdline")).ok()).collect()
}

fn pull_policies() {
    let name = format!("moving-{}", std::process::id());
    let image = format!("{REGISTRY}/{name}:1");
    let push = |version: &str| {
        let from = format!("{REGISTRY}/web:{version}");
        NODE3.sh(&format!(
            "docker pull -q {from} && docker tag {from} {image} && docker push -q {image} && docker rmi {image}"
        ));
    };
    let policy = |policy: &str| {
        format!("containers:\n  web: {{nodes: all, image: \"{image}\", pull: {policy}, ports: [\"8080:80\"]}}\n")
    };
    push("1.0");
    let stack = Stack::on(&[NODE3], &policy("never"));
    let told = stack.fail("apply --auto-approve");
    told.says(&["container.web[\"node3\"]", &format!("the host has no image {image}"), "load the image"]);

    stack.set(&[NODE3], &policy("missing"));
    stack.converges();
    assert!(NODE3.get(8080, "/").contains("web 1.0"));
    push("1.1");
    stack.ends("plan --detailed-exitcode", 0);

    // What runs is not what the tag names now.
    stack.set(&[NODE3], &policy("always"));
    stack.ends("plan --detailed-exitcode", 2).says(&["imageDigest", "sha256:"]);
    stack.converges();
    assert!(NODE3.get(8080, "/").contains("web 1.1"));
    push("1.2");
    stack.ends("plan --detailed-exitcode", 2).says(&["imageDigest", "1 to add", "1 to destroy"]);
    stack.converges();
    assert!(NODE3.get(8080, "/").contains("web 1.2"));

    stack.set(&[NODE3], &policy("never"));
    stack.apply();
    stack.destroy();
    let repository = format!("/lab/images/docker/registry/v2/repositories/{name}");
    crate::host::succeed(&["exec", "hactl-lab-registry", "rm", "-r", &repository]);
}
