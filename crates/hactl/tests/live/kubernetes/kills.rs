//! hactl is killed at random instants of an apply and of a destroy.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use super::cluster::{Namespace, config_map, labelled, stack};
use crate::crash::Random;
use crate::suite::{Case, cases};

pub(crate) const CASES: &[Case] = cases![a_kill_at_random_instants_leaves_nothing_behind];

/// Kills of each: creating, changing, destroying.
const KILLS: usize = 5;
const KINDS: &str = "configmaps,secrets,services,serviceaccounts,roles,rolebindings,deployments";
const COUNT: usize = 16;

/// Objects of several types, which depend on each other.
fn objects(namespace: &Namespace, value: &str) -> String {
    let name = &namespace.name;
    let mut text: String = (0..8).map(|index| config_map(namespace, &format!("c{index}"), value)).collect();
    for index in 0..3 {
        text += &format!(
            "---\napiVersion: v1\nkind: Service\nmetadata: {{name: s{index}, namespace: {name}}}\nspec: {{clusterIP: None, selector: {{app: \"{value}\"}}, ports: [{{port: 80, protocol: TCP}}]}}\n"
        );
    }
    text + &format!(
        "---
{{apiVersion: v1, kind: Secret, metadata: {{name: words, namespace: {name}}}, stringData: {{word: \"{value}\"}}}}
---
{{apiVersion: v1, kind: ServiceAccount, metadata: {{name: web, namespace: {name}}}}}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {{name: web, namespace: {name}}}
rules: [{{apiGroups: [\"\"], resources: [pods], verbs: [get]}}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {{name: web, namespace: {name}}}
roleRef: {{apiGroup: rbac.authorization.k8s.io, kind: Role, name: web}}
subjects: [{{kind: ServiceAccount, name: web, namespace: {name}}}]
---
apiVersion: apps/v1
kind: Deployment
metadata: {{name: web, namespace: {name}}}
spec:
  replicas: 0
  selector: {{matchLabels: {{app: web}}}}
  template:
    metadata: {{labels: {{app: web}}}}
    spec:
      serviceAccountName: web
      containers: [{{name: main, image: \"web:{value}\"}}]
"
    )
}

fn a_kill_at_random_instants_leaves_nothing_behind() {
    let seed = std::env::var("HACTL_LIVE_SEED").ok().and_then(|seed| seed.parse().ok());
    let seed = seed.unwrap_or_else(|| SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs());
    eprintln!("kills at random instants: HACTL_LIVE_SEED={seed}");
    let mut random = Random(seed);
    let namespace = Namespace::made("kills");
    let (first, second) = (objects(&namespace, "1.0"), objects(&namespace, "1.1"));
    let stack = stack(&first, "");
    let timed = |words: &str, objects: &str| {
        stack.write("objects.yaml", objects);
        let start = Instant::now();
        stack.succeed(words);
        start.elapsed()
    };
    let (apply, destroy) = ("apply --auto-approve", "destroy --auto-approve");
    let times = [timed(apply, &first), timed(apply, &second), timed(destroy, &second)];
    for round in 0..KILLS {
        let phases =
            [("create", apply, &first, COUNT), ("change", apply, &second, COUNT), ("destroy", destroy, &second, 0)];
        for ((what, words, wanted, count), time) in phases.into_iter().zip(times) {
            let instant = time.mul_f64(random.fraction());
            stack.write("objects.yaml", wanted);
            let mut run = stack.start(words);
            std::thread::sleep(instant);
            run.kill();
            let told = stack.run(words);
            let place = format!("seed {seed}, round {round}: {what} was killed after {instant:?} of {time:?}");
            assert_eq!(told.code, Some(0), "{place}: {told}");
            let there = labelled(&stack, KINDS);
            assert_eq!(there.lines().count(), count, "{place}: there is\n{there}");
            if words == apply {
                let plan = stack.run("plan --detailed-exitcode");
                assert_eq!(plan.code, Some(0), "{place}: {plan}");
            }
        }
    }
    assert_eq!(std::fs::read_dir(stack.temporary()).unwrap().count(), 0);
}
