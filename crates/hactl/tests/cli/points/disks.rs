//! Real filesystems that are full or cannot be written: small ones in memory, in a user namespace of their own.

use std::process::{Command, Output};

use crate::points::faults::{CREATE, tells};
use crate::points::look::look;
use crate::points::place::Place;

/// Mounts a filesystem, runs an apply on it that fails, mends it, and applies again twice; what is on it then is left in the
/// directory. Exit codes and messages of the three are left beside it.
const SCRIPT: &str = r#"
set -e
mkdir .hactl
mount -t tmpfs -o mode=0700 tmpfs .hactl
mount -o "remount,$BROKEN" .hactl
run() { "$HACTL" apply --sandbox --auto-approve >"$1.out" 2>"$1.err" && echo 0 >"$1.code" || echo $? >"$1.code"; }
run struck
mount -o "remount,$MENDED" .hactl
run again
run idle
cp -a .hactl kept
"#;

#[test]
fn a_small_filesystem_that_fills_up_loses_nothing() {
    if !can_mount() {
        return;
    }
    let wanted = undisturbed();
    let mut failed = 0;
    // In pages of 4 KiB, of which a filesystem has at least one.
    for kilobytes in (4..).step_by(4) {
        let what = format!("{kilobytes} KiB");
        let place = Place::before(&CREATE);
        let struck = on_filesystem(&place, &format!("size={kilobytes}k"), "size=16m", &wanted, &what);
        if struck.status.success() {
            break;
        }
        failed += 1;
        tells(&struck, &place, &["no space left on device", "free space on the filesystem of"], &what);
    }
    assert!(failed > 5, "{failed}");
}

#[test]
fn a_filesystem_that_cannot_be_written_is_named() {
    if !can_mount() {
        return;
    }
    let place = Place::before(&CREATE);
    let struck = on_filesystem(&place, "ro", "rw", &undisturbed(), "read-only");
    tells(&struck, &place, &["read-only file system", "make the filesystem of"], "read-only");
}

fn undisturbed() -> String {
    let place = Place::before(&CREATE);
    place.succeed(CREATE.command);
    look(&place)
}

/// Runs the script, and checks that the second run comes to what is wanted and the third finds nothing to do. What the first
/// came to.
fn on_filesystem(place: &Place, broken: &str, mended: &str, wanted: &str, what: &str) -> Output {
    let mut script = Command::new("unshare");
    script.args(["-rm", "sh", "-c", SCRIPT]).current_dir(place.path());
    script.envs(place.process().get_envs().filter_map(|(name, value)| Some((name, value?))));
    script.env("HACTL", env!("CARGO_BIN_EXE_hactl")).env("BROKEN", broken).env("MENDED", mended);
    let ran = script.output().unwrap();
    assert!(ran.status.success(), "{what}: {ran:?}");
    std::fs::rename(place.path().join("kept"), place.path().join(".hactl"))
        .unwrap_or_else(|error| panic!("{what}: {error}"));
    assert_eq!(code(place, "again"), 0, "{what}: {}", text(place, "again.err"));
    assert_eq!(look(place), wanted, "{what}");
    let idle = text(place, "idle.out");
    assert!(idle.contains("Resources: 0 added, 0 changed, 0 destroyed."), "{what}: {idle}");
    Output {
        status: std::os::unix::process::ExitStatusExt::from_raw(code(place, "struck") << 8),
        stdout: text(place, "struck.out").into_bytes(),
        stderr: text(place, "struck.err").into_bytes(),
    }
}

fn code(place: &Place, run: &str) -> i32 {
    text(place, &format!("{run}.code")).trim().parse().unwrap()
}

fn text(place: &Place, file: &str) -> String {
    std::fs::read_to_string(place.path().join(file)).unwrap()
}

/// Whether filesystems can be mounted here; says so where not.
#[expect(clippy::print_stdout, reason = "a test that is skipped says so")]
fn can_mount() -> bool {
    let tried = Command::new("unshare").args(["-rm", "mount", "-t", "tmpfs", "tmpfs", "/mnt"]).output();
    let permitted = tried.is_ok_and(|tried| tried.status.success());
    if !permitted {
        println!("skipped: `unshare -rm mount` is not permitted here, so there is no filesystem of a size of its own");
    }
    permitted
}
