//! The fleet outlives its process.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use proptest::prelude::*;

use crate::common::*;
use hactl_host::{FileWrite, Host, MountKind, Release};
use hactl_sim::{Fault, Moment, Operation, Sandbox, SandboxError};

#[tokio::test]
async fn nothing_is_written_before_the_first_change() {
    let parent = tempfile::tempdir().unwrap();
    let directory = parent.path().join("a/sandbox");
    let sandbox = Sandbox::open(&directory, 7).unwrap();
    let host = connect(&sandbox, "node1").await;
    survey(&*host, &["/srv/x"]).await;
    host.remove_container("absent").await.unwrap();
    assert!(sandbox.stop_container("node1", "web").is_err());
    Sandbox::reset(&directory).unwrap();
    assert!(!directory.exists());
    let pristine = survey(&*host, &[]).await.facts;

    host.pull_image("web:1", None, &|_| {}).await.unwrap();
    drop((sandbox, host));
    let log = fs::metadata(directory.join("fleet.log")).unwrap();
    assert_eq!(log.permissions().mode() & 0o777, 0o600);
    let reopened = Sandbox::open(&directory, 8).unwrap();
    let host = connect(&reopened, "node1").await;
    assert!(host.has_image("web:1").await.unwrap());
    assert_eq!(survey(&*host, &[]).await.facts.machine_id, pristine.machine_id);
}

#[tokio::test]
async fn a_torn_last_line_never_happened() {
    let directory = tempfile::tempdir().unwrap();
    let sandbox = Sandbox::open(directory.path(), 1).unwrap();
    let host = host_with_image(&sandbox).await;
    let before = sandbox.view();
    let log = directory.path().join("fleet.log");
    let whole = fs::read(&log).unwrap();
    host.pull_image("web:2", None, &|_| {}).await.unwrap();
    drop((sandbox, host));
    let longer = fs::read(&log).unwrap();
    for cut in whole.len()..longer.len() {
        fs::write(&log, &longer[..cut]).unwrap();
        let sandbox = Sandbox::open(directory.path(), 1).unwrap();
        assert_eq!(sandbox.view(), before, "cut at {cut}");
    }
    let sandbox = Sandbox::open(directory.path(), 1).unwrap();
    connect(&sandbox, "node1").await.pull_image("web:3", None, &|_| {}).await.unwrap();
    let after = sandbox.view();
    assert_eq!(after.hosts["node1"].images, ["web:1".to_owned(), "web:3".to_owned()].into());
    drop(sandbox);
    assert_eq!(Sandbox::open(directory.path(), 1).unwrap().view(), after);
}

#[tokio::test]
async fn a_file_is_recorded_before_it_is_written() {
    let directory = tempfile::tempdir().unwrap();
    let sandbox = Sandbox::open(directory.path(), 1).unwrap();
    sandbox.write_file("node1", "/etc/motd", b"original").unwrap();
    let adopt = FileWrite { adopt: true, ..write("/etc/motd", "ours") };
    connect(&sandbox, "node1").await.write_file(&adopt).await.unwrap();
    drop(sandbox);
    let log = directory.path().join("fleet.log");
    let whole = fs::read_to_string(&log).unwrap();
    let killed_in_between = whole.trim_end().rsplit_once('\n').unwrap().0;
    fs::write(&log, format!("{killed_in_between}\n")).unwrap();

    let sandbox = Sandbox::open(directory.path(), 1).unwrap();
    let host = connect(&sandbox, "node1").await;
    assert_eq!(text(&*host, "/etc/motd").await.as_deref(), Some("original"));
    assert!(survey(&*host, &[]).await.inventory.unwrap().entries.values().all(|entry| entry.original));
    host.write_file(&write("/etc/motd", "ours")).await.unwrap();
    assert_eq!(text(&*host, "/etc/motd").await.as_deref(), Some("ours"));
    host.remove_file(&removal("/etc/motd")).await.unwrap();
    assert_eq!(text(&*host, "/etc/motd").await.as_deref(), Some("original"));
}

#[tokio::test]
async fn damage_is_told_from_a_newer_format() {
    let directory = tempfile::tempdir().unwrap();
    host_with_image(&Sandbox::open(directory.path(), 1).unwrap()).await;
    let log = directory.path().join("fleet.log");
    let header = "{\"format\":1,\"generation\":0,\"seed\":1}\n";
    let newer = "{\"format\":2,\"generation\":0,\"seed\":1,\"more\":true}\n";
    let later = "{\"format\":1,\"generation\":3,\"seed\":1}\n";
    for (content, line, help) in [
        (format!("{header}nonsense\n"), "(line 2) is damaged: ", "run `hactl sandbox reset`"),
        (format!("{header}{{\"host\":{{}}}}\n{header}"), "(line 2) is damaged: ", "run `hactl sandbox reset`"),
        (later.to_owned(), "(line 1) is damaged: the snapshot that it continues", "run `hactl sandbox reset`"),
        ("{}\n".to_owned(), "(line 1) is damaged: ", "run `hactl sandbox reset`"),
        (newer.to_owned(), " has format 2, and this hactl knows formats up to 1", "use a newer hactl"),
    ] {
        fs::write(&log, &content).unwrap();
        let error = Sandbox::open(directory.path(), 1).unwrap_err();
        assert!(error.to_string().contains(line), "{error}");
        assert!(error.help().unwrap().starts_with(help));
    }
    fs::write(&log, header).unwrap();
    fs::write(directory.path().join("fleet.json"), "{").unwrap();
    let error = Sandbox::open(directory.path(), 1).unwrap_err();
    assert!(matches!(error, SandboxError::Damaged { .. }), "{error}");
    Sandbox::reset(directory.path()).unwrap();
    assert!(Sandbox::open(directory.path(), 1).unwrap().view().hosts.is_empty());
}

#[tokio::test]
async fn one_process_changes_the_fleet_at_a_time() {
    let directory = tempfile::tempdir().unwrap();
    let one = Sandbox::open(directory.path(), 1).unwrap();
    let two = Sandbox::open(directory.path(), 1).unwrap();
    host_with_image(&one).await;
    assert!(matches!(two.write_file("node1", "/srv/x", b"x"), Err(SandboxError::Busy { .. })));
    assert!(matches!(Sandbox::reset(directory.path()), Err(SandboxError::Busy { .. })));
    let three = Sandbox::open(directory.path(), 1).unwrap();
    assert_eq!(three.view(), one.view());
    drop(one);
    two.write_file("node1", "/srv/x", b"x").unwrap();
    assert!(two.view().hosts["node1"].images.contains("web:1"));
    drop(two);
    three.remove_file("node1", "/srv/x").unwrap();
}

#[tokio::test]
async fn a_long_log_is_folded_once() {
    let directory = tempfile::tempdir().unwrap();
    let big = "x".repeat(1 << 20);
    let sandbox = Sandbox::open(directory.path(), 1).unwrap();
    connect(&sandbox, "node1").await.write_file(&write("/srv/big", &big)).await.unwrap();
    let before = sandbox.view();
    drop(sandbox);
    let (snapshot, log) = (directory.path().join("fleet.json"), directory.path().join("fleet.log"));
    let long = fs::read(&log).unwrap();

    let reader = Sandbox::open(directory.path(), 1).unwrap();
    assert_eq!(reader.view(), before);
    assert!(!snapshot.exists());
    drop(reader);

    let writer = Sandbox::open(directory.path(), 1).unwrap();
    writer.change_file("node1", "/srv/big", Some("0600"), None, None).unwrap();
    let after = writer.view();
    drop(writer);
    assert_eq!(fs::metadata(&snapshot).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(Sandbox::open(directory.path(), 1).unwrap().view(), after);

    fs::write(&log, &long).unwrap();
    let killed_in_between = Sandbox::open(directory.path(), 1).unwrap();
    assert_eq!(killed_in_between.view(), before);
    killed_in_between.remove_file("node1", "/srv/big").unwrap();
    drop(killed_in_between);
    assert!(Sandbox::open(directory.path(), 1).unwrap().view().hosts["node1"].files.is_empty());
}

/// The test runs itself as a child, which a fault kills.
#[tokio::test]
async fn a_crash_kills_the_process_and_not_the_fleet() {
    const CHILD: &str = "HACTL_SIM_TEST_DIRECTORY";
    if let Some(directory) = std::env::var_os(CHILD) {
        let sandbox = Sandbox::open(Path::new(&directory), 1).unwrap();
        let host = connect(&sandbox, "node1").await;
        host.pull_image("web:1", None, &|_| {}).await.unwrap();
        host.create_container("web", &web()).await.unwrap();
        return;
    }
    for (when, survives) in [(Moment::Before, false), (Moment::After, true)] {
        let directory = tempfile::tempdir().unwrap();
        let crash = Fault::Crash { operation: Some(Operation::CreateContainer), when };
        Sandbox::open(directory.path(), 1).unwrap().inject(None, crash, 0, Some(1)).unwrap();
        let child = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "persistence::a_crash_kills_the_process_and_not_the_fleet"])
            .env(CHILD, directory.path())
            .output()
            .unwrap();
        assert_eq!(std::os::unix::process::ExitStatusExt::signal(&child.status), Some(6));
        let view = Sandbox::open(directory.path(), 1).unwrap().view();
        assert_eq!(view.hosts["node1"].containers.contains_key("web"), survives);
        assert!(view.faults.is_empty());
    }
}

#[derive(Debug, Clone)]
enum Step {
    Pull(u8),
    Create(u8, u8, u8),
    Start(u8),
    Stop(u8),
    Rename(u8, u8),
    Remove(u8),
    Write(u8, Vec<u8>, bool, bool),
    RemoveFile(u8),
    Claim(u8),
    Release(u8),
    ByHand(u8),
    Replace,
    Lose,
}

fn step() -> impl Strategy<Value = Step> {
    let few = 0..4_u8;
    let bytes = prop::collection::vec(any::<u8>(), 0..8);
    prop_oneof![
        few.clone().prop_map(Step::Pull),
        (few.clone(), few.clone(), few.clone()).prop_map(|(name, image, port)| Step::Create(name, image, port)),
        few.clone().prop_map(Step::Start),
        few.clone().prop_map(Step::Stop),
        (few.clone(), few.clone()).prop_map(|(name, to)| Step::Rename(name, to)),
        few.clone().prop_map(Step::Remove),
        (few.clone(), bytes, any::<bool>(), any::<bool>()).prop_map(|(a, b, c, d)| Step::Write(a, b, c, d)),
        few.clone().prop_map(Step::RemoveFile),
        few.clone().prop_map(Step::Claim),
        few.clone().prop_map(Step::Release),
        few.prop_map(Step::ByHand),
        Just(Step::Replace),
        Just(Step::Lose),
    ]
}

/// Many steps fail, as they should: what counts is that whatever happened is what is replayed.
async fn take(sandbox: &Sandbox, host: &dyn Host, step: &Step) {
    let name = |number: &u8| format!("web{number}");
    let path = |number: &u8| format!("/srv/{}/file{number}", number % 2);
    let file = |number: &u8| address(&format!("file.f{number}"));
    match step {
        Step::Pull(image) => drop(host.pull_image(&format!("web:{image}"), None, &|_| {}).await),
        Step::Create(to, image, port) => {
            let mut config = mounting(MountKind::Volume, &format!("data{port}"));
            config.ports = vec![binding(None, 8080 + u16::from(*port))];
            config.image = format!("web:{image}");
            drop(host.create_container(&name(to), &config).await);
        }
        Step::Start(of) => drop(host.start_container(&name(of)).await),
        Step::Stop(of) => drop(host.stop_container(&name(of), None).await),
        Step::Rename(of, to) => drop(host.rename_container(&name(of), &name(to)).await),
        Step::Remove(of) => drop(host.remove_container(&name(of)).await),
        Step::Write(number, content, adopt, theirs) => {
            let write = FileWrite {
                path: path(number),
                content: content.as_slice().into(),
                adopt: *adopt,
                address: file(number),
                lineage: if *theirs { THEIRS } else { OURS }.to_owned(),
                ..write("", "")
            };
            drop(host.write_file(&write).await);
        }
        Step::RemoveFile(number) => {
            let removal = hactl_host::FileRemoval { address: file(number), ..removal(&path(number)) };
            drop(host.remove_file(&removal).await);
        }
        Step::Claim(serial) => drop(host.claim(&claim(u64::from(*serial), u64::from(*serial) + 1)).await),
        Step::Release(number) => {
            let release =
                Release { lineage: OURS.to_owned(), gone: vec![file(number), address("file.site[\"node1\"]")] };
            drop(host.release(&release).await);
        }
        Step::ByHand(number) => drop(sandbox.write_file("node1", &path(number), b"by hand")),
        Step::Replace => drop(sandbox.replace_machine("node1")),
        Step::Lose => drop(sandbox.inject(None, Fault::ConnectionLost { operation: None }, 1, Some(1))),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn replaying_the_log_gives_the_live_fleet(steps in prop::collection::vec(step(), 1..60), cut in 0..60_usize) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let directory = tempfile::tempdir().unwrap();
        let open = || Sandbox::open(directory.path(), 1).unwrap();
        let (mut sandbox, in_memory) = (Some(open()), Sandbox::in_memory(1));
        for (number, step) in steps.iter().enumerate() {
            if number == cut {
                sandbox = None;
            }
            let sandbox = sandbox.get_or_insert_with(open);
            runtime.block_on(async {
                take(sandbox, &*connect(sandbox, "node1").await, step).await;
                take(&in_memory, &*connect(&in_memory, "node1").await, step).await;
            });
        }
        let sandbox = sandbox.unwrap_or_else(open);
        let live = sandbox.view();
        prop_assert_eq!(&live, &in_memory.view());
        drop(sandbox);
        prop_assert_eq!(&open().view(), &live);
        let mut log = fs::OpenOptions::new().append(true).create(true).open(directory.path().join("fleet.log")).unwrap();
        log.write_all(b"{\"host\":{\"na").unwrap();
        prop_assert_eq!(&open().view(), &live);
    }
}

#[tokio::test]
async fn who_connects_sees_what_another_process_has_done_since() {
    let directory = tempfile::tempdir().unwrap();
    let waiting = Sandbox::open(directory.path(), 1).unwrap();
    assert!(waiting.view().hosts.is_empty());
    let other = Sandbox::open(directory.path(), 1).unwrap();
    drop(host_with_image(&other).await);
    let expected = other.view();
    drop(other);
    connect(&waiting, "node1").await;
    assert_eq!(waiting.view(), expected);
}
