//! Many objects: how often the API server is asked about them.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Instant;

use super::cluster::{Namespace, command, config_map, stack};
use crate::suite::{Case, cases};

pub(crate) const CASES: &[Case] = cases![one_list_call_for_each_type_and_namespace];

/// In each of the two namespaces.
const CONFIG_MAPS: usize = 230;
const SECRETS: usize = 10;
const SERVICES: usize = 10;

fn objects(namespace: &Namespace) -> String {
    let name = &namespace.name;
    let mut text: String =
        (0..CONFIG_MAPS).map(|index| config_map(namespace, &format!("c{index}"), &index.to_string())).collect();
    for index in 0..SECRETS {
        writeln!(text, "---\n{{apiVersion: v1, kind: Secret, metadata: {{name: s{index}, namespace: {name}}}, data: {{key: d29yZA==}}}}").unwrap();
    }
    for index in 0..SERVICES {
        let spec = format!("{{clusterIP: None, selector: {{app: a{index}}}, ports: [{{port: 80, protocol: TCP}}]}}");
        writeln!(
            text,
            "---\n{{apiVersion: v1, kind: Service, metadata: {{name: v{index}, namespace: {name}}}, spec: {spec}}}"
        )
        .unwrap();
    }
    text
}

fn one_list_call_for_each_type_and_namespace() {
    let namespaces = [Namespace::made("many-a"), Namespace::made("many-b")];
    let objects = namespaces.each_ref().map(objects).concat();
    let mut stack = stack(&objects, "");
    let count = 2 * (CONFIG_MAPS + SECRETS + SERVICES);
    stack.apply().says(&[&format!("Apply complete! Resources: {count} added, 0 changed, 0 destroyed.")]);

    stack.export("HACTL_LOG", "hactl_kube=debug");
    stack.export("HACTL_LOG_FILE", &stack.path("log").to_string_lossy());
    let start = Instant::now();
    stack.ends("plan --detailed-exitcode", 0);
    let plan = start.elapsed();
    let log = stack.read("log");
    let mut requests: BTreeMap<&str, usize> = BTreeMap::new();
    for path in log.lines().filter(|line| line.contains("API server answered")).filter_map(path) {
        *requests.entry(path).or_default() += 1;
    }
    for namespace in &namespaces {
        let below = format!("/api/v1/namespaces/{}/", namespace.name);
        let asked = requests.iter().filter_map(|(path, times)| Some((path.strip_prefix(&below)?, *times)));
        let asked: Vec<_> = asked.collect();
        assert_eq!(asked, [("configmaps", 1), ("secrets", 1), ("services", 1)], "in {requests:?}");
    }
    assert!(requests.values().sum::<usize>() < 16, "{requests:?}");

    let start = Instant::now();
    let output = command("diff -f").arg(stack.path("objects.yaml")).output().unwrap();
    assert!(output.status.code().is_some_and(|code| code < 2), "{}", String::from_utf8_lossy(&output.stderr));
    let diff = start.elapsed();
    eprintln!(
        "{count} objects: plan {plan:.2?}, kubectl diff {diff:.2?}: {:.1} times",
        diff.as_secs_f64() / plan.as_secs_f64()
    );
    stack.destroy();
}

/// The path of a request that is in a line of the log.
fn path(line: &str) -> Option<&str> {
    let (_, rest) = line.split_once("path=\"")?;
    rest.split('"').next()
}
