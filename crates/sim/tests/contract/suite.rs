//! From cases to tests: each case in each world, in a place of its own that is clean again afterwards.

use std::cell::Cell;
use std::panic::{self, AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::Pin;
use std::sync::Arc;

use libtest_mimic::{Arguments, Trial};
use tokio::runtime::{Builder, Runtime};

use crate::world::World;
use crate::{
    cluster, config, containers, engine, files, health, hosts, images, inventory, lab, podman, removal, sandbox,
    starting, survey,
};

/// One promise of a port.
pub(crate) struct Case<W: 'static = World> {
    pub(crate) name: &'static str,
    pub(crate) run: for<'a> fn(&'a W) -> Pin<Box<dyn Future<Output = ()> + 'a>>,
}

/// Topics and their cases.
pub(crate) type Topics<W = World> = [(&'static str, &'static [Case<W>])];

/// The place of one case.
pub(crate) trait Stage: 'static {
    /// Makes it ready for the case.
    async fn open(&self);
    /// Removes what the case made, whether it passed or not.
    async fn close(&self);
}

/// Lists functions `async fn(&World)` as cases.
macro_rules! cases {
    ($($case:ident),* $(,)?) => {
        &[$(crate::suite::Case { name: stringify!($case), run: |world| Box::pin($case(world)) }),*]
    };
}
pub(crate) use cases;

/// What every host promises.
const TOPICS: &Topics = &[
    ("survey", survey::CASES),
    ("inventory", inventory::CASES),
    ("files", files::CASES),
    ("removal", removal::CASES),
    ("hosts", hosts::CASES),
    ("containers", containers::CASES),
    ("config", config::CASES),
    ("starting", starting::CASES),
    ("engine", engine::CASES),
    ("health", health::CASES),
    ("images", images::CASES),
];

/// What only a real host can show: commands that do something, users who may not do everything.
const ON_REAL_HOSTS: &Topics = &[
    ("config", config::IN_FORCE),
    ("engine", engine::BY_USER),
    ("files", files::BY_USER),
    ("hosts", hosts::REFUSED),
    ("images", images::FROM_REGISTRIES),
];

/// Cases wait for hosts most of the time.
const AT_ONCE: usize = 8;

thread_local! {
    /// Whether the case of this thread is one that should fail, of which nothing is printed.
    static DIFFERS: Cell<bool> = const { Cell::new(false) };
}

/// Runs the suite as a test binary does.
pub(crate) fn run() {
    let mut arguments = Arguments::from_args();
    arguments.test_threads = arguments.test_threads.or(Some(AT_ONCE));
    let runtime = Arc::new(Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap());
    let mut trials = trials("sandbox", &[TOPICS], &[], &runtime, sandbox::world);
    trials.extend(clusters(&runtime));
    match lab::Lab::from_environment() {
        Some(lab) => {
            let everything = [TOPICS, ON_REAL_HOSTS];
            match lab.podman() {
                Some(lab) => {
                    let world = move |id: &str, index| lab.world(id, index);
                    trials.extend(self::trials("podman", &everything, podman::DIFFERENCES, &runtime, world));
                }
                None => eprintln!("Podman is not tested: the lab has no such host (`scripts/lab up` adds it)"),
            }
            let world = move |id: &str, index| lab.world(id, index);
            trials.extend(self::trials("lab", &everything, &[], &runtime, world));
        }
        None => eprintln!("no real hosts are tested: HACTL_LAB is not set (`scripts/lab up` makes a lab)"),
    }
    let shown = panic::take_hook();
    panic::set_hook(Box::new(move |panic| {
        if !DIFFERS.get() {
            shown(panic);
        }
    }));
    let conclusion = libtest_mimic::run(&arguments, trials);
    // Connections to real hosts live in it, and end with it.
    drop(runtime);
    conclusion.exit();
}

/// The tests of API servers.
fn clusters(runtime: &Arc<Runtime>) -> Vec<Trial> {
    use cluster::{ON_REAL_SERVERS, TOPICS, differences};
    let mut trials = trials("sandbox", &[TOPICS], differences::OF_SANDBOX, runtime, cluster::sandbox::world);
    match cluster::lab::Lab::from_environment() {
        Some(lab) => {
            let world = move |id: &str, _| lab.world(id);
            trials.extend(self::trials("lab", &[TOPICS, ON_REAL_SERVERS], differences::OF_OLD_SERVERS, runtime, world));
        }
        None => eprintln!("no real API server is tested: HACTL_LAB_KUBECONFIG is not set (`scripts/lab up` makes one)"),
    }
    trials
}

/// One test for each case. Of the cases in `differences`, with a reason each, it is a failure to pass.
fn trials<W: Stage>(
    world: &str,
    topics: &[&'static Topics<W>],
    differences: &'static [(&str, &str)],
    runtime: &Arc<Runtime>,
    make: impl Fn(&str, u16) -> W + Send + Sync + 'static,
) -> Vec<Trial> {
    let make = Arc::new(make);
    let topics = topics.iter().copied().flatten();
    let cases =
        topics.flat_map(|(topic, cases)| cases.iter().map(move |case| (format!("{topic}::{}", case.name), case)));
    let cases: Vec<_> = cases.collect();
    for (differs, _) in differences {
        assert!(cases.iter().any(|(name, _)| name == differs), "there is no case {differs}, which is said to differ");
    }
    let trials = cases.into_iter().zip(0..).map(|((name, case), index)| {
        let (runtime, make) = (runtime.clone(), make.clone());
        let difference = differences.iter().find(|(differs, _)| *differs == name);
        Trial::test(format!("{world}::{name}"), move || {
            let id = format!("contract-{}-{index}-{}", std::process::id(), case.name.replace('_', "-"));
            DIFFERS.set(difference.is_some());
            let outcome = play(case, &runtime, || make(&id, index));
            match (outcome, difference) {
                (Ok(()), Some((_, reason))) => {
                    Err(format!("it passes, though it is listed as a difference: {reason}").into())
                }
                (Ok(()), None) | (Err(_), Some(_)) => Ok(()),
                (Err(panic), None) => resume_unwind(panic),
            }
        })
    });
    trials.collect()
}

/// Cleans up after the case whether it passes or not.
fn play<W: Stage>(case: &Case<W>, runtime: &Runtime, make: impl FnOnce() -> W) -> std::thread::Result<()> {
    let _entered = runtime.enter();
    let world = make();
    let outcome = catch_unwind(AssertUnwindSafe(|| {
        runtime.block_on(async {
            world.open().await;
            (case.run)(&world).await;
        });
    }));
    runtime.block_on(world.close());
    outcome
}
