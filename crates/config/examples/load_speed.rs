//! tmp
use std::time::Instant;
#[derive(schemars::JsonSchema)]
#[schemars(rename_all = "camelCase", deny_unknown_fields)]
#[expect(dead_code, reason = "tmp")]
struct Spec {
    image: String,
    #[serde(default)]
    env: std::collections::BTreeMap<String, String>,
    #[serde(default)]
    ports: Vec<String>,
}
fn main() {
    let n: usize = std::env::args().nth(1).unwrap().parse().unwrap();
    let path = std::env::temp_dir().join(format!("ls-{n}.yaml"));
    let mut text = String::from("hactl: 1\nname: shop\nnodes:\n  n1: {address: 10.0.0.1, roles: [worker]}\ncontainers:\n");
    for i in 0..n {
        text.push_str(&format!("  web{i}:\n    nodes: {{role: worker}}\n    image: registry.example.com/web:1.{i}\n    env: {{GREETING: hello, NUMBER: \"{i}\"}}\n    ports: [\"{}:80\"]\n", i % 60000 + 1));
    }
    std::fs::write(&path, text).unwrap();
    let sections = [hactl_config::Section { key: "containers", kind: "container", schema: || schemars::schema_for!(Spec).to_value(), formats: &[] }];
    let t = Instant::now();
    let text = std::fs::read_to_string(&path).unwrap();
    let mut sources = hactl_config::SourceMap::new();
    let id = sources.add("x", text);
    if std::env::args().nth(2).as_deref() == Some("parse") {
        let node = hactl_config::yaml::parse(&sources, id).unwrap();
        eprintln!("parse {:?}", t.elapsed());
        std::mem::forget(node);
    }
    drop(sources);
    let t = Instant::now();
    let config = hactl_config::load(&path, &sections, &Default::default()).unwrap();
    eprintln!("load {:?}", t.elapsed());
    let t = Instant::now();
    let d = config.digest();
    eprintln!("digest {:?} {d}", t.elapsed());
    eprintln!("declarations {}", config.declarations.len());
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    eprintln!("{}", status.lines().find(|l| l.starts_with("VmHWM")).unwrap());
}
