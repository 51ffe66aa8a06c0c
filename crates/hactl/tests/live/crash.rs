//! What breaks while an apply runs: the engine, the connection, the host, hactl itself.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::host::{Host, LB1, NODE1, NODE2, NODE3, REGISTRY};
use crate::processes::nothing_is_left;
use crate::stack::{Stack, Told};
use crate::suite::{Case, cases};

pub(crate) const CASES: &[Case] = cases![
    a_kill_at_random_instants_loses_nothing on NODE1 NODE2,
    a_host_loses_its_power on NODE3,
    an_interrupt_finishes_what_runs on LB1,
    a_second_interrupt_stops_at_once on LB1,
    the_engine_crashes on NODE1,
    the_engine_restarts on LB1,
    the_ssh_server_dies on NODE2,
];

/// A container that takes its time to stop, a file that it uses, and a container that comes after it.
fn slow(version: &str) -> String {
    format!(
        "files:
  note: {{nodes: all, path: /srv/live/note, content: \"{version}\\n\"}}
containers:
  slow:
    nodes: all
    image: {REGISTRY}/stubborn:{version}
    stopGracePeriod: 3s
    network: live
    volumes: [\"${{file.note.directory}}:/note:ro\", \"data:/data\"]
  after: {{nodes: all, image: \"{REGISTRY}/web:{version}\", ports: [\"8080:80\"], dependsOn: [container.slow]}}
"
    )
}

/// What is said of a step that was begun when the connection broke, or that was only about to look.
const BROKEN: &[&str] = &["the connection was lost", "the host cannot be reached", "Docker Engine cannot be used"];

/// Changes a stack, breaks something while a container is stopped for that, mends it, and expects the host to become
/// what it was after an undisturbed apply. One of `words` is said of it, and all of `then` by an apply before it is mended.
fn disturb(host: Host, words: &[&str], then: &[&str], breaks: impl FnOnce(), mends: impl FnOnce()) {
    let stack = Stack::on(&[host], &slow("1.1"));
    stack.apply();
    let wanted = host.view();
    stack.set(&[host], &slow("1.0"));
    stack.apply();
    stack.set(&[host], &slow("1.1"));
    let mut run = stack.start("apply --auto-approve");
    run.wait_for("stopping the old container");
    breaks();
    let told = run.end();
    assert_eq!(told.code, Some(1), "{told}");
    told.says(&["error: container.slow[\"", host.name, "help: "]).says_one_of(words);
    if !then.is_empty() {
        stack.fail("apply --auto-approve").says(&[host.name, "help: "]).says(then);
    }
    mends();
    stack.converges();
    assert_eq!(host.view(), wanted);
    stack.destroy();
}

fn the_engine_crashes() {
    disturb(
        NODE1,
        BROKEN,
        &["/var/run/docker.sock", "systemctl start docker"],
        || drop(NODE1.sh("/lab/dockerd kill")),
        || drop(NODE1.sh("/lab/dockerd start")),
    );
}

fn the_engine_restarts() {
    disturb(LB1, &[], &[], || drop(LB1.sh("/lab/dockerd restart")), || {});
}

fn the_ssh_server_dies() {
    disturb(
        NODE2,
        BROKEN,
        &["nothing answers at its SSH port", "Connection refused"],
        || drop(NODE2.sh("/lab/sshd kill")),
        || drop(NODE2.sh("/lab/sshd start")),
    );
}

fn a_host_loses_its_power() {
    disturb(NODE3, BROKEN, &["did not answer", "172.30.0.13"], || NODE3.power_off(), || NODE3.power_on());
}

fn an_interrupt_finishes_what_runs() {
    let stack = Stack::on(&[LB1], &slow("1.0"));
    stack.apply();
    stack.set(&[LB1], &slow("1.1"));
    let mut run = stack.start("apply --auto-approve --parallelism 1");
    run.wait_for("stopping the old container");
    run.signal("INT");
    run.wait_for("Stopping: finishing what runs");
    let told = run.end();
    assert_eq!(told.code, Some(130), "{told}");
    told.says(&["replacement complete", "Interrupted."]).does_not_say(&["container.after[\"lb1\"]: replacing"]);
    assert_eq!(LB1.sh("docker exec slow cat /version"), "1.1");
    stack.converges().says(&["container.after"]).does_not_say(&["container.slow[\"lb1\"]: replacing"]);
    stack.destroy();
}

fn a_second_interrupt_stops_at_once() {
    let stack = Stack::on(&[LB1], &slow("1.1"));
    stack.apply();
    let wanted = LB1.view();
    stack.set(&[LB1], &slow("1.0"));
    stack.apply();
    stack.set(&[LB1], &slow("1.1"));
    let mut run = stack.start("apply --auto-approve");
    run.wait_for("stopping the old container");
    run.signal("INT");
    run.wait_for("Stopping: finishing what runs");
    let asked = Instant::now();
    run.signal("INT");
    let told = run.end();
    assert!(asked.elapsed() < Duration::from_secs(2), "it took {:?}", asked.elapsed());
    assert_eq!(told.code, Some(130), "{told}");
    told.says(&["Stopped at once", "run apply again"]);
    nothing_is_left(&stack, &[LB1]);
    stack.converges();
    assert_eq!(LB1.view(), wanted);
    stack.destroy();
}

const KILLS: usize = 10;

/// Files, two containers, a network and a volume on each host.
fn busy(version: &str, memory: &str) -> String {
    format!(
        "files:
  one: {{nodes: all, path: /srv/live/a/one, content: \"{version}\\n\"}}
  two: {{nodes: all, path: /etc/hactl-test/two, content: \"{version}\\n\", mode: \"0600\"}}
containers:
  web:
    nodes: all
    image: {REGISTRY}/web:{version}
    network: live
    ports: [\"8080:80\"]
    volumes: [\"${{file.one.directory}}:/one:ro\", \"data:/data\"]
    health: {{http: {{port: 8080, path: /healthz}}, timeout: 20s, interval: 100ms}}
    rollout: {{maxUnavailable: 2}}
  side: {{nodes: all, image: \"{REGISTRY}/web:1.0\", memory: {memory}, volumes: [\"${{file.two.path}}:/two:ro\"]}}
"
    )
}

fn a_kill_at_random_instants_loses_nothing() {
    let both = [NODE1, NODE2];
    let seed = std::env::var("HACTL_LIVE_SEED").ok().and_then(|seed| seed.parse().ok());
    let seed = seed.unwrap_or_else(|| SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs());
    eprintln!("kills at random instants: HACTL_LIVE_SEED={seed}");
    let mut random = Random(seed);
    let views = || {
        std::thread::scope(|scope| {
            both.map(|host| scope.spawn(move || host.view())).map(|view| view.join().expect("the host shows itself"))
        })
    };
    let (before, after) = (busy("1.0", "64m"), busy("1.1", "96m"));
    let stack = Stack::on(&both, &before);
    // How long each takes undisturbed, and what comes of it.
    let timed = |words: &str| {
        let start = Instant::now();
        stack.succeed(words);
        start.elapsed()
    };
    let (apply, destroy) = ("apply --auto-approve", "destroy --auto-approve --volumes");
    let create_time = timed(apply);
    let created = views();
    stack.set(&both, &after);
    let change_time = timed(apply);
    let changed = views();
    let destroy_time = timed(destroy);
    let bare = views();
    for round in 0..KILLS {
        for (what, config, words, time, wanted) in [
            ("create", &before, apply, create_time, &created),
            ("change", &after, apply, change_time, &changed),
            ("destroy", &after, destroy, destroy_time, &bare),
        ] {
            let instant = time.mul_f64(random.fraction());
            stack.set(&both, config);
            let mut run = stack.start(words);
            std::thread::sleep(instant);
            run.kill();
            let Told { code, out, err } = stack.run(words);
            let place = format!("seed {seed}, round {round}: {what} was killed after {instant:?} of {time:?}");
            assert_eq!(code, Some(0), "{place}: {out}\n{err}");
            if words == apply {
                let plan = stack.run("plan --detailed-exitcode");
                assert_eq!(plan.code, Some(0), "{place}: {plan}");
            }
            let now = views();
            assert!(now == *wanted, "{place}: it is\n{}\nand should be\n{}", now.join("\n"), wanted.join("\n"));
        }
    }
    nothing_is_left(&stack, &both);
}

/// Numbers that follow from a seed (splitmix64).
pub(crate) struct Random(pub(crate) u64);

impl Random {
    /// From 0 to 1.
    pub(crate) fn fraction(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((bits ^ (bits >> 31)) >> 11) as f64 / (1u64 << 53) as f64
    }
}
