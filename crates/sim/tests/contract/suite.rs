//! From cases to tests: each case in each world, in a place of its own that is clean again afterwards.

use std::cell::Cell;
use std::panic::{self, AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::Pin;
use std::sync::Arc;

use libtest_mimic::{Arguments, Trial};
use tokio::runtime::{Builder, Runtime};

use crate::world::World;
use crate::{
    config, containers, engine, files, health, hosts, images, inventory, lab, podman, removal, sandbox, starting,
    survey,
};

/// One promise of the port.
pub(crate) struct Case {
    pub(crate) name: &'static str,
    pub(crate) run: for<'a> fn(&'a World) -> Pin<Box<dyn Future<Output = ()> + 'a>>,
}

/// Lists functions `async fn(&World)` as cases.
macro_rules! cases {
    ($($case:ident),* $(,)?) => {
        &[$(crate::suite::Case { name: stringify!($case), run: |world| Box::pin($case(world)) }),*]
    };
}
pub(crate) use cases;

/// Topics and their cases.
const TOPICS: &[(&str, &[Case])] = &[
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
const ON_REAL_HOSTS: &[(&str, &[Case])] = &[
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

/// One test for each case. Of the cases in `differences`, with a reason each, it is a failure to pass.
fn trials(
    world: &str,
    topics: &[&'static [(&str, &[Case])]],
    differences: &'static [(&str, &str)],
    runtime: &Arc<Runtime>,
    make: impl Fn(&str, u16) -> World + Send + Sync + 'static,
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
fn play(case: &Case, runtime: &Runtime, make: impl FnOnce() -> World) -> std::thread::Result<()> {
    let _entered = runtime.enter();
    let world = make();
    let outcome = catch_unwind(AssertUnwindSafe(|| {
        runtime.block_on(async {
            world.connect().await;
            (case.run)(&world).await;
        });
    }));
    world.clean();
    outcome
}
