//! How long a plan takes that finds nothing to do: resources in 10 layers, each needing two of the layer before.

use std::hint::black_box;
use std::sync::Arc;

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use hactl_core::address::Address;
use hactl_core::digest::DigestKey;
use hactl_core::moves::Renames;
use hactl_core::observed::{Observations, Observed, Present};
use hactl_core::plan::{Desired, Input, Options, plan};
use hactl_core::resolve::Secrets;
use hactl_core::resource::{Dependency, InPlace, KindRules, Replacement, Resource, Rules};
use hactl_core::state::{ResourceState, State};
use hactl_core::value::{Map, Value};

const LAYERS: usize = 10;
const NODES: usize = 100;

const RULES: Rules = Rules(&[KindRules {
    kind: "container",
    replacement: Replacement::Swap,
    generations: true,
    in_place: InPlace::Fields(&["cpus"]),
    computed: &[],
    remakes: &[],
    keep_on_delete: false,
    claims: |spec| {
        spec.get("name").and_then(Value::as_str).map(|name| format!("the name {name}")).into_iter().collect()
    },
}]);

fn address(number: usize) -> Address {
    Address::new("container", &format!("c{number}"), Some(&format!("node{}", number % NODES)))
}

fn resource(number: usize, layer: usize) -> Resource {
    let spec = Map::from([
        ("name".to_owned(), Value::from(format!("c{number}"))),
        ("image".to_owned(), Value::from("registry.example.com/web:1.4")),
        ("env".to_owned(), Value::Map(Map::from([("GREETING".to_owned(), Value::from("hello"))]))),
        ("ports".to_owned(), Value::from(vec![format!("{}:80", number % 60_000)])),
        ("cpus".to_owned(), Value::Float(0.5)),
    ]);
    let before = if number < layer { vec![] } else { vec![number - layer, (number / layer - 1) * layer] };
    Resource {
        address: address(number),
        node: Some(format!("node{}", number % NODES).into()),
        spec: Arc::new(Value::Map(spec)),
        dependencies: before.into_iter().map(|number| Dependency::on(address(number))).collect(),
        protect: false,
        ignore_changes: Arc::new([]),
        adopt: false,
        rollout: None,
        gated: true,
        span: None,
    }
}

/// A config, and the state after it was applied: equal, but not shared.
fn applied(size: usize) -> (Desired, State) {
    let resources: Vec<Resource> = (0..size).map(|number| resource(number, size / LAYERS)).collect();
    let mut state = State::new("bench", "lineage");
    for (number, resource) in resources.iter().enumerate() {
        let known = ResourceState {
            node: resource.node.clone(),
            spec: Arc::new((*resource.spec).clone()),
            outputs: Map::from([("id".to_owned(), Value::from(format!("id{number}")))]),
            generation: format!("g{number}"),
            dependencies: resource.dependencies.clone(),
            protect: false,
            notified: false,
            unproven: false,
            lost: false,
            previous: None,
        };
        state.resources.insert(resource.address.clone(), known);
    }
    (Desired { resources, ..Desired::default() }, state)
}

fn observed(state: &State) -> Observations {
    let present = |resource: &ResourceState| Present {
        spec: resource.spec.clone(),
        outputs: resource.outputs.clone(),
        generation: resource.generation.clone(),
        residue: false,
        fixed: Vec::new(),
    };
    state.resources.iter().map(|(address, known)| (address.clone(), Observed::Present(present(known)))).collect()
}

fn nothing_to_do(criterion: &mut Criterion) {
    let secrets = Secrets { key: Some(DigestKey::new([7; 32])), ..Secrets::default() };
    let options = Options::default();
    let mut group = criterion.benchmark_group("plan, nothing to do");
    group.sample_size(10);
    for size in [10_000, 100_000] {
        let (desired, state) = applied(size);
        for (name, observed) in [("not refreshed", Observations::new()), ("refreshed", observed(&state))] {
            let input = Input {
                desired: &desired,
                state: &state,
                moved: &Renames::default(),
                observed: &observed,
                rules: RULES,
                secrets: &secrets,
                options: &options,
            };
            let result = plan(&input);
            assert!(result.is_ok_and(|plan| !plan.has_changes() && plan.steps.is_empty()));
            group.bench_function(BenchmarkId::new(name, size), |bencher| bencher.iter(|| plan(black_box(&input))));
        }
    }
    group.finish();
}

fn all_new(criterion: &mut Criterion) {
    let secrets = Secrets { key: Some(DigestKey::new([7; 32])), ..Secrets::default() };
    let (desired, _) = applied(10_000);
    let (state, observed, options) = (State::new("bench", "lineage"), Observations::new(), Options::default());
    let input = Input {
        desired: &desired,
        state: &state,
        moved: &Renames::default(),
        observed: &observed,
        rules: RULES,
        secrets: &secrets,
        options: &options,
    };
    let mut group = criterion.benchmark_group("plan, all new");
    group.sample_size(10);
    group.bench_function(BenchmarkId::from_parameter(10_000), |bencher| bencher.iter(|| plan(black_box(&input))));
    group.finish();
}

criterion_group!(benches, nothing_to_do, all_new);
criterion_main!(benches);
