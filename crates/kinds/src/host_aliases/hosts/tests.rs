//! Blocks in `/etc/hosts`: what a host shows of them, and their steps in the sandbox.

use std::collections::BTreeMap;

use hactl_core::Address;
use hactl_core::node::{Connection, HostKeys, Method};
use hactl_core::plan::clashes;
use hactl_core::resource::Resource;
use hactl_host::{Fleet, ForeignClaim, SurveyRequest};
use hactl_sim::Sandbox;
use insta::assert_snapshot;
use serde_json::json;

use super::*;
use crate::registry;

const LINEAGE: &str = "5c2f";
const NEW: &str = "127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n";

fn address(name: &str) -> Address {
    Address::parse(&format!("hostAliases.{name}.hosts[\"node1\"]")).unwrap()
}

fn spec(entries: serde_json::Value) -> Value {
    serde_json::from_value(json!({"entries": entries})).unwrap()
}

fn demo(ip: &str) -> Value {
    spec(json!([{"ip": ip, "hostnames": ["demo", "demo.example"]}]))
}

fn state(spec: Value) -> ResourceState {
    serde_json::from_value(json!({"spec": spec})).unwrap()
}

async fn host(sandbox: &Sandbox) -> Arc<dyn Host> {
    let connection = Connection {
        method: Method::Ssh,
        address: "192.0.2.1".to_owned(),
        user: None,
        port: None,
        key_path: None,
        bastion: None,
        host_keys: HostKeys::Strict,
        docker_socket: None,
    };
    sandbox.connect("node1", &connection).await.unwrap()
}

async fn step(host: &dyn Host, operation: Operation, spec: Option<&Value>, state: Option<&ResourceState>) {
    let job = Job {
        lineage: LINEAGE,
        stack: "shop",
        address: &address("a"),
        operation,
        spec,
        planned: None,
        generation: "",
        state,
        held: &BTreeSet::new(),
        paths: &[],
        entries: &BTreeMap::new(),
        remakes: &[],
        notified: false,
        adopt: false,
        adopts: None,
        progress: &|_| (),
    };
    execute(host, &job).await.unwrap();
}

fn look(request: &ReadRequest<'_>, survey: &Survey) -> Observed {
    observe(request, survey, &Blocks::find(std::slice::from_ref(request), survey, LINEAGE))
}

async fn survey(host: &dyn Host) -> Survey {
    let request =
        SurveyRequest { lineage: LINEAGE.to_owned(), texts: vec![PATH.to_owned()], ..SurveyRequest::default() };
    host.survey(&request).await.unwrap()
}

async fn text(host: &dyn Host) -> String {
    String::from_utf8(survey(host).await.texts.remove(PATH).unwrap()).unwrap()
}

/// The entries on the host where they differ from the state; else what there is to say.
async fn seen(host: &dyn Host, state: &ResourceState) -> String {
    let address = address("a");
    let request = ReadRequest { candidates: vec![state], applied: true, ..ReadRequest::new(&address) };
    match look(&request, &survey(host).await) {
        Observed::Present(present) if present.spec == state.spec => "as applied".to_owned(),
        Observed::Present(present) => serde_json::to_string(present.spec.get("entries").unwrap()).unwrap(),
        other => format!("{other:?}"),
    }
}

#[tokio::test]
async fn a_block_is_made_changed_and_removed() {
    let sandbox = Sandbox::in_memory(1);
    let host = host(&sandbox).await;
    let (one, two) = (demo("10.0.0.1"), spec(json!([{"ip": "fd00::1", "hostnames": ["demo"]}])));
    step(&*host, Operation::Create, Some(&one), None).await;
    assert_snapshot!(text(&*host).await, @r#"
    127.0.0.1	localhost
    ::1	localhost ip6-localhost ip6-loopback
    # hactl 5c2f hostAliases.a.hosts["node1"]: begin (do not edit)
    10.0.0.1	demo demo.example
    # hactl 5c2f hostAliases.a.hosts["node1"]: end
    "#);
    let applied = state(one);
    assert_eq!(seen(&*host, &applied).await, "as applied");
    step(&*host, Operation::Update, Some(&two), Some(&applied)).await;
    assert_eq!(seen(&*host, &state(two.clone())).await, "as applied");
    step(&*host, Operation::Delete, None, Some(&state(two))).await;
    assert_eq!(text(&*host).await, NEW);
    assert_eq!(seen(&*host, &applied).await, "Absent");
}

#[tokio::test]
async fn what_was_done_by_hand_is_drift() {
    let sandbox = Sandbox::in_memory(1);
    let host = host(&sandbox).await;
    let (wanted, applied) = (demo("10.0.0.1"), state(demo("10.0.0.1")));
    step(&*host, Operation::Create, Some(&wanted), None).await;
    let whole = text(&*host).await;
    let mut shown = String::new();
    for (what, text) in [
        ("another address", whole.replace("10.0.0.1", "10.0.0.7")),
        ("spaces in place of a tab", whole.replace("10.0.0.1\t", "10.0.0.1   ")),
        ("a line more", whole.replace("10.0.0.1", "# mine\n10.0.0.1")),
        ("no end", whole.lines().filter(|line| !line.ends_with(": end")).map(|line| format!("{line}\n")).collect()),
        ("doubled", whole.clone() + whole.strip_prefix(NEW).unwrap()),
        ("gone", NEW.to_owned()),
        ("another line outside", whole.clone() + "10.1.1.1 x\n"),
    ] {
        sandbox.write_file("node1", PATH, text.as_bytes()).unwrap();
        shown += &format!("{what}: {}\n", seen(&*host, &applied).await);
        step(&*host, Operation::Update, Some(&wanted), Some(&applied)).await;
        assert_eq!(seen(&*host, &applied).await, "as applied", "{what} is mended");
    }
    assert_snapshot!(shown, @r##"
    another address: [{"hostnames":["demo","demo.example"],"ip":"10.0.0.7"}]
    spaces in place of a tab: ["10.0.0.1   demo demo.example"]
    a line more: ["# mine",{"hostnames":["demo","demo.example"],"ip":"10.0.0.1"}]
    no end: ["# hactl 5c2f hostAliases.a.hosts[\"node1\"]: begin (do not edit)"]
    doubled: ["# hactl 5c2f hostAliases.a.hosts[\"node1\"]: begin (do not edit)",{"hostnames":["demo","demo.example"],"ip":"10.0.0.1"},"# hactl 5c2f hostAliases.a.hosts[\"node1\"]: end","# hactl 5c2f hostAliases.a.hosts[\"node1\"]: begin (do not edit)",{"hostnames":["demo","demo.example"],"ip":"10.0.0.1"},"# hactl 5c2f hostAliases.a.hosts[\"node1\"]: end"]
    gone: Absent
    another line outside: as applied
    "##);
    assert_eq!(text(&*host).await, whole + "10.1.1.1 x\n");
}

/// Which resource's block each of these resources has, of what state says of them.
fn found(survey: &Survey, resources: &[(&Address, &ResourceState)]) -> String {
    let requests: Vec<ReadRequest<'_>> = resources
        .iter()
        .map(|(address, state)| ReadRequest { candidates: vec![*state], applied: true, ..ReadRequest::new(address) })
        .collect();
    let blocks = Blocks::find(&requests, survey, LINEAGE);
    let moved: Vec<String> = blocks.moved().map(|(from, to)| format!("{} is {}", from.name(), to.name())).collect();
    moved.join(", ")
}

#[tokio::test]
async fn a_block_that_names_an_old_address_is_known_by_its_lines() {
    let sandbox = Sandbox::in_memory(1);
    let host = host(&sandbox).await;
    step(&*host, Operation::Create, Some(&demo("10.0.0.1")), None).await;
    let survey = survey(&*host).await;
    let (a, b, c) = (address("a"), address("b"), address("c"));
    let (same, other) = (state(demo("10.0.0.1")), state(demo("10.0.0.2")));
    assert_eq!(found(&survey, &[(&a, &same)]), "");
    assert_eq!(found(&survey, &[(&b, &same)]), "a.hosts is b.hosts");
    assert_eq!(found(&survey, &[(&c, &other), (&b, &same)]), "a.hosts is b.hosts");
    // Changed by hand as well: there is nobody else whose it could be.
    assert_eq!(found(&survey, &[(&b, &other)]), "a.hosts is b.hosts");
    assert_eq!(found(&survey, &[(&b, &other), (&c, &other)]), "");
    // It is there under its own name: one of another name is another one.
    assert_eq!(found(&survey, &[(&a, &same), (&b, &other)]), "");
}

#[tokio::test]
async fn a_step_that_was_cut_short_shows_how_far_it_came() {
    let sandbox = Sandbox::in_memory(1);
    let host = host(&sandbox).await;
    let (one, two) = (state(demo("10.0.0.1")), state(demo("10.0.0.2")));
    step(&*host, Operation::Create, Some(&one.spec), None).await;
    let survey = survey(&*host).await;
    let address = address("a");
    for candidates in [vec![&two, &one], vec![&one]] {
        let request = ReadRequest { candidates, applied: true, ..ReadRequest::new(&address) };
        let Observed::Present(present) = look(&request, &survey) else { panic!("it is there") };
        assert_eq!(present.spec, one.spec);
    }
    let request = ReadRequest { wanted: Some(&two.spec), ..ReadRequest::new(&address) };
    let Observed::Foreign(Foreign { own: true, found: Some(found), .. }) = look(&request, &survey) else {
        panic!("state is lost: what is marked is known again")
    };
    assert_eq!(found.spec, one.spec);
}

#[test]
fn a_file_of_another_stack_leaves_no_room() {
    let address = address("a");
    let wanted = demo("10.0.0.1");
    let request = ReadRequest { wanted: Some(&wanted), ..ReadRequest::new(&address) };
    let file = Address::parse("file.hosts[\"node1\"]").unwrap();
    let claim = ForeignClaim { path: PATH.to_owned(), stack: "base".to_owned(), address: file };
    let survey = Survey { foreign: vec![claim], ..Survey::default() };
    let Observed::Foreign(Foreign { what, .. }) = look(&request, &survey) else { panic!("it is not foreign") };
    assert_snapshot!(what, @r#"/etc/hosts, as a whole of file.hosts["node1"] in stack base,"#);
}

#[test]
fn a_name_that_leads_elsewhere_is_told() {
    let text = "127.0.0.1 localhost\n10.0.0.9 web DEMO.example # by hand\n10.0.0.1 demo\n::1 demo\n#10.0.0.8 demo\n\
        # hactl 5c2f hostAliases.b.hosts[\"node1\"]: begin (do not edit)\n10.0.0.5\tdemo\n\
        # hactl 5c2f hostAliases.b.hosts[\"node1\"]: end\n";
    let survey = Survey { texts: [(PATH.to_owned(), text.as_bytes().to_vec())].into(), ..Survey::default() };
    let (address, wanted) = (address("a"), demo("10.0.0.1"));
    let request = ReadRequest { wanted: Some(&wanted), ..ReadRequest::new(&address) };
    let told = shadowed("node1", LINEAGE, &[request], &survey);
    let told: Vec<String> = told.into_iter().map(|warning| warning.summary).collect();
    assert_snapshot!(told.join("\n"), @"node1: demo.example is 10.0.0.9 in line 2 of /etc/hosts, and is to be 10.0.0.1");
}

#[test]
fn blocks_clash_over_names_and_with_the_whole_file() {
    let resource = |address: &str, spec: Value| Resource {
        address: Address::parse(address).unwrap(),
        node: Some("node1".into()),
        spec: Arc::new(spec),
        dependencies: Vec::new(),
        protect: false,
        ignore_changes: Arc::new([]),
        adopt: false,
        rollout: None,
        gated: false,
        span: None,
    };
    let block = |name: &str, ip: &str, host: &str| {
        resource(&format!("hostAliases.{name}.hosts[\"node1\"]"), spec(json!([{"ip": ip, "hostnames": [host]}])))
    };
    let file = serde_json::from_value(json!({"path": PATH})).unwrap();
    let cases = [
        ("two names", block("b", "10.0.0.1", "other")),
        ("two families", block("b", "fd00::1", "demo")),
        ("two addresses", block("b", "10.0.0.2", "Demo")),
        ("the whole file", resource("file.hosts[\"node1\"]", file)),
    ];
    let mut shown = String::new();
    for (what, other) in cases {
        let clashes = clashes(&[block("a", "10.0.0.1", "demo"), other], registry::RULES);
        let clashes: Vec<String> = clashes.into_iter().map(|clash| clash.summary).collect();
        shown += &format!("{what}: {}\n", clashes.join("; "));
    }
    assert_snapshot!(shown, @r#"
    two names: 
    two families: 
    two addresses: hostAliases.a.hosts["node1"] and hostAliases.b.hosts["node1"] both want host name demo on IPv4 on node1
    the whole file: file.hosts["node1"] and hostAliases.a.hosts["node1"] both want path /etc/hosts on the lines 10.0.0.1 demo on node1
    "#);
}
