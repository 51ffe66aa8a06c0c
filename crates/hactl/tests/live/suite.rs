//! Tests side by side where they use different hosts; each one finds its hosts clean and leaves them clean.

use std::panic::{catch_unwind, resume_unwind};
use std::sync::{Mutex, MutexGuard, PoisonError};

use libtest_mimic::{Arguments, Trial};

use crate::host::{ALL, Host};
use crate::{connect, containers, crash, examples, files, images, kubernetes, mistakes, processes, tls, users};

/// A test, and the hosts that it has for itself.
pub(crate) struct Case {
    pub(crate) name: &'static str,
    pub(crate) hosts: &'static [Host],
    pub(crate) run: fn(),
}

/// Lists functions as cases, each with its hosts if it needs any: `function on NODE1 NODE2`.
macro_rules! cases {
    ($($case:ident $(on $($host:ident)+)?),* $(,)?) => {
        &[$(crate::suite::Case {
            name: stringify!($case),
            hosts: &[$($(crate::host::$host),+)?],
            run: $case,
        }),*]
    };
}
pub(crate) use cases;

/// Topics and their cases, those that take long first.
const TOPICS: &[(&str, &[Case])] = &[
    ("crash", crash::CASES),
    ("tls", tls::CASES),
    ("examples", examples::CASES),
    ("connect", connect::CASES),
    ("images", images::CASES),
    ("users", users::CASES),
    ("containers", containers::CASES),
    ("files", files::CASES),
    ("mistakes", mistakes::CASES),
    ("processes", processes::CASES),
];

/// Tests wait for hosts most of the time.
const AT_ONCE: usize = 6;

/// One for each host: whoever holds it has the host for itself.
static TAKEN: [Mutex<()>; ALL.len()] = [const { Mutex::new(()) }; ALL.len()];

/// Runs the suite as a test binary does.
pub(crate) fn run() {
    let mut arguments = Arguments::from_args();
    arguments.test_threads = arguments.test_threads.or(Some(AT_ONCE));
    let is_up = std::env::var_os("HACTL_LAB").is_some();
    if !is_up {
        eprintln!("nothing is tested on real hosts: HACTL_LAB is not set (`scripts/lab up` makes a lab)");
    }
    let has_cluster = is_up && std::env::var_os(kubernetes::KUBECONFIG).is_some();
    if is_up && !has_cluster {
        eprintln!(
            "nothing is tested on a real cluster: {} is not set (`scripts/lab kubernetes`)",
            kubernetes::KUBECONFIG
        );
    }
    let trials = trials(kubernetes::TOPICS, has_cluster).chain(trials(TOPICS, is_up));
    libtest_mimic::run(&arguments, trials.collect()).exit();
}

fn trials(topics: &'static [(&str, &[Case])], are_run: bool) -> impl Iterator<Item = Trial> {
    let cases = topics.iter().flat_map(|(topic, cases)| cases.iter().map(move |case| (topic, case)));
    cases.map(move |(topic, case)| {
        let play = move || {
            play(case);
            Ok(())
        };
        Trial::test(format!("{topic}::{}", case.name), play).with_ignored_flag(!are_run)
    })
}

fn play(case: &Case) {
    let _taken = take(case.hosts);
    for host in case.hosts {
        let left = host.what_is_left();
        if !left.is_empty() {
            eprintln!("{} is not clean and is reset:\n{left}", host.name);
            host.reset();
        }
    }
    let outcome = catch_unwind(case.run);
    let left: String = case
        .hosts
        .iter()
        .filter_map(|host| {
            let left = host.what_is_left();
            if !left.is_empty() || outcome.is_err() {
                host.reset();
            }
            (!left.is_empty()).then(|| format!("{}:\n{left}", host.name))
        })
        .collect();
    outcome.unwrap_or_else(|panic| resume_unwind(panic));
    assert!(left.is_empty(), "the hosts are not as they were before\n{left}");
}

/// In the order of [`ALL`], so that no two tests wait for each other.
fn take(hosts: &[Host]) -> Vec<MutexGuard<'static, ()>> {
    ALL.iter()
        .zip(&TAKEN)
        .filter(|(host, _)| hosts.contains(host))
        .map(|(_, taken)| taken.lock().unwrap_or_else(PoisonError::into_inner))
        .collect()
}
