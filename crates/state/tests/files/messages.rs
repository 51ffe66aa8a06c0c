//! What a user reads when a file cannot be used: what, where, why, what next.

use std::fs;
use std::io;
use std::path::Path;
use std::time::Duration;

use hactl_core::Digest;
use hactl_core::state::State;
use hactl_state::{FileKind, Holder, Journal, Record, SavedPlan, StateError, Store, World};
use tempfile::TempDir;

use crate::samples::{address, header, rendered, saved_plan, small};

#[test]
fn state_file_cut_in_half() {
    let (directory, store) = stack();
    let bytes = fs::read(store.state_path()).unwrap();
    fs::write(store.state_path(), &bytes[..bytes.len() / 2]).unwrap();
    insta::assert_snapshot!(load_error(&directory, &store), @"
    error: the state file DIR/web.json is cut off after byte 147
      hactl puts whole files in place in one step: something else wrote to this one, or its disk lost data
      help: bring back the last good one, `git -C DIR checkout HEAD -- ./web.json` or a backup, and leave a journal beside it where it is; where there is none, `hactl state recover` rebuilds the state from the hosts
    ");
}

#[test]
fn state_file_emptied() {
    let (directory, store) = stack();
    fs::write(store.state_path(), "").unwrap();
    insta::assert_snapshot!(load_error(&directory, &store), @"
    error: the state file DIR/web.json is empty
      hactl puts whole files in place in one step: something else wrote to this one, or its disk lost data
      help: bring back the last good one, `git -C DIR checkout HEAD -- ./web.json` or a backup, and leave a journal beside it where it is; where there is none, `hactl state recover` rebuilds the state from the hosts
    ");
}

#[test]
fn state_file_edited() {
    let (directory, store) = stack();
    edit(&store, "/srv/site", "/srv/other");
    insta::assert_snapshot!(load_error(&directory, &store), @"
    error: the state file DIR/web.json does not match its checksum
      it was edited by hand or damaged after hactl wrote it, so it cannot be trusted to say what is applied
      help: bring back the last good one, `git -C DIR checkout HEAD -- ./web.json` or a backup, and leave a journal beside it where it is; where there is none, `hactl state recover` rebuilds the state from the hosts
    ");
}

#[test]
fn state_file_without_checksum() {
    let (directory, store) = stack();
    edit(&store, "sha256", "x-sha256");
    insta::assert_snapshot!(load_error(&directory, &store), @"
    error: the state file DIR/web.json does not end with its checksum
      it was edited by hand or damaged after hactl wrote it, so it cannot be trusted to say what is applied
      help: bring back the last good one, `git -C DIR checkout HEAD -- ./web.json` or a backup, and leave a journal beside it where it is; where there is none, `hactl state recover` rebuilds the state from the hosts
    ");
}

#[test]
fn state_file_not_json() {
    let (directory, store) = stack();
    edit(&store, "\"serial\": 2,", "\"serial\" 2,");
    insta::assert_snapshot!(load_error(&directory, &store), @"
    error: the state file DIR/web.json is not JSON: expected `:` at line 5 column 12
      it was edited by hand or damaged after hactl wrote it, so it cannot be trusted to say what is applied
      help: bring back the last good one, `git -C DIR checkout HEAD -- ./web.json` or a backup, and leave a journal beside it where it is; where there is none, `hactl state recover` rebuilds the state from the hosts
    ");
}

#[test]
fn state_file_of_something_else() {
    let (directory, store) = stack();
    fs::write(store.state_path(), r#"{"version": 4, "resources": []}"#).unwrap();
    insta::assert_snapshot!(load_error(&directory, &store), @"
    error: the state file DIR/web.json is not a state file of hactl
      help: bring back the last good one, `git -C DIR checkout HEAD -- ./web.json` or a backup, and leave a journal beside it where it is; where there is none, `hactl state recover` rebuilds the state from the hosts
    ");
}

#[test]
fn state_file_with_a_merge_conflict() {
    let (directory, store) = stack();
    edit(&store, "  \"serial\": 2,", "<<<<<<< HEAD\n  \"serial\": 2,\n=======\n  \"serial\": 3,\n>>>>>>> other");
    insta::assert_snapshot!(load_error(&directory, &store), @r#"
    error: the state file DIR/web.json holds a git merge conflict, from line 5 on
      two applies came to different states; these cannot be merged line by line
      help: take one side as a whole, `git checkout --ours DIR/web.json` or `git checkout --theirs DIR/web.json`, then look at `hactl plan`
    "#);
}

#[test]
fn state_file_of_a_newer_format() {
    let (directory, store) = stack();
    edit(&store, "\"format\": 1", "\"format\": 2");
    seal(&store);
    insta::assert_snapshot!(load_error(&directory, &store), @"
    error: the state file DIR/web.json has format 2 and needs a newer hactl; this one reads up to format 1
      help: use the version of hactl that wrote it, or a later one
    ");
}

#[test]
fn files_of_a_newer_format_that_name_their_version() {
    let (directory, store) = stack();
    edit(&store, "\"format\": 1", "\"format\": 2,\n  \"hactl\": \"0.9.0\"");
    seal(&store);
    let state = load_error(&directory, &store);
    store.save(&small(2)).unwrap();
    let json = r#"{"format":2,"hactl":"0.9.0","unheard":"of"}"#;
    let line = format!("{} {json}\n", Digest::sha256(json.as_bytes()).short());
    fs::write(store.journal_path(), line).unwrap();
    insta::assert_snapshot!(format!("{state}\n\n{}", load_error(&directory, &store)), @"
    error: the state file DIR/web.json has format 2 and needs hactl 0.9.0; this one reads up to format 1
      help: use hactl 0.9.0 or a later one

    error: the journal DIR/.web.journal has format 2 and needs hactl 0.9.0; this one reads up to format 1
      help: use hactl 0.9.0 or a later one
    ");
}

#[test]
fn state_file_with_an_unknown_field() {
    let (directory, store) = stack();
    edit(&store, "\"serial\": 2", "\"serail\": 2");
    seal(&store);
    insta::assert_snapshot!(load_error(&directory, &store), @"
    error: the state file DIR/web.json is not as format 1 has to be: unknown field `serail`, expected one of `format`, `stack`, `lineage`, `serial`, `encryption`, `variables`, `nodes`, `cluster`, `outputs`, `resources`, `unfinished`, `sha256` at line 5 column 10
      its checksum is right: a hactl with a defect wrote it, or something else did
      help: bring back the last good one, `git -C DIR checkout HEAD -- ./web.json` or a backup, and leave a journal beside it where it is; where there is none, `hactl state recover` rebuilds the state from the hosts
    ");
}

#[test]
fn state_file_of_another_stack() {
    let (directory, store) = stack();
    let other = Store::new(directory.path(), "shop");
    fs::rename(store.state_path(), other.state_path()).unwrap();
    insta::assert_snapshot!(load_error(&directory, &other), @r#"
    error: the state file DIR/shop.json belongs to the stack `web`, not to `shop`
      each stack has files of its own, named after it; this one was renamed or copied
      help: give the file back its name, or set `name: web` in the config if that is the stack you mean
    "#);
}

#[test]
fn state_file_is_a_directory() {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::new(directory.path(), "web");
    fs::create_dir(store.state_path()).unwrap();
    insta::assert_snapshot!(load_error(&directory, &store), @r#"
    error: cannot read the state file DIR/web.json: is a directory
      help: move the directory of that name away
    "#);
}

#[test]
fn state_directory_is_a_file() {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::new(&directory.path().join("state"), "web");
    fs::write(store.directory(), "").unwrap();
    let error = store.save(&small(1)).unwrap_err();
    insta::assert_snapshot!(rendered(error, directory.path()), @"
    error: cannot write the state file DIR/state/web.json: file exists
      the state file is whole, as it was before or as it was to be; what an apply did is in the journal beside it
      help: move the file away that stands where the directory DIR/state has to be, then run `hactl apply` again
    ");
}

#[test]
fn disk_full() {
    insta::assert_snapshot!(unwritable(28), @"
    error: cannot write the state file DIR/state/web: no space left on device
      the state file is whole, as it was before or as it was to be; what an apply did is in the journal beside it
      help: free space on the filesystem of DIR/state, then run `hactl apply` again

    error: cannot write the journal DIR/state/web: no space left on device
      no step begins before it is in the journal: nothing further was started, and what was done until now is kept
      help: free space on the filesystem of DIR/state, then run `hactl apply` again

    error: cannot write the lock file DIR/state/web: no space left on device
      nothing was started
      help: free space on the filesystem of DIR/state, then run the command again

    error: cannot write the plan file DIR/state/web: no space left on device
      no plan was saved; nothing else was changed
      help: free space on the filesystem of DIR/state, then run the command again
    ");
}

#[test]
fn filesystem_read_only() {
    insta::assert_snapshot!(unwritable(30), @"
    error: cannot write the state file DIR/state/web: read-only file system
      the state file is whole, as it was before or as it was to be; what an apply did is in the journal beside it
      help: make the filesystem of DIR/state writable, then run `hactl apply` again

    error: cannot write the journal DIR/state/web: read-only file system
      no step begins before it is in the journal: nothing further was started, and what was done until now is kept
      help: make the filesystem of DIR/state writable, then run `hactl apply` again

    error: cannot write the lock file DIR/state/web: read-only file system
      nothing was started
      help: make the filesystem of DIR/state writable, then run the command again

    error: cannot write the plan file DIR/state/web: read-only file system
      no plan was saved; nothing else was changed
      help: make the filesystem of DIR/state writable, then run the command again
    ");
}

#[test]
fn locked() {
    let error = StateError::Locked {
        path: "/srv/cluster/state/.web.lock".into(),
        holder: Some(Box::new(Holder {
            operation: "apply".to_owned(),
            user: "ops".to_owned(),
            host: "bastion".to_owned(),
            pid: 123,
            since: "2026-11-22T14:01:03Z".parse().unwrap(),
        })),
        waited: Duration::from_secs(30),
    };
    insta::assert_snapshot!(rendered(error, Path::new("/srv/cluster")), @"
    error: the state is locked by hactl apply by ops@bastion, pid 123, since 2026-11-22T14:01:03Z
      waited 30s for it; one run at a time changes a stack: it holds the lock on DIR/state/.web.lock; a run that dies lets go of it
      help: wait for it to end, or have hactl wait, as with `hactl apply --lock-timeout 10m`
    ");
}

#[test]
fn locked_by_a_run_that_did_not_say_who_it_is() {
    let (directory, store) = stack();
    let _guard = store.lock("apply", Duration::ZERO).unwrap();
    fs::write(store.lock_path(), "").unwrap();
    let error = store.lock("apply", Duration::ZERO).unwrap_err();
    insta::assert_snapshot!(rendered(error, directory.path()), @"
    error: the state is locked by another run of hactl
      one run at a time changes a stack: it holds the lock on DIR/.web.lock; a run that dies lets go of it
      help: wait for it to end, or have hactl wait, as with `hactl apply --lock-timeout 10m`
    ");
}

#[test]
fn journal_damaged() {
    let (directory, store) = stack();
    let mut journal = Journal::create(&store, &header(3)).unwrap();
    let record = Record::Notify(vec![address("file.site[\"node1\"]")]);
    journal.append(&[record.clone(), record]).unwrap();
    let text = fs::read_to_string(store.journal_path()).unwrap();
    fs::write(store.journal_path(), text.replacen("site", "side", 1)).unwrap();
    insta::assert_snapshot!(load_error(&directory, &store), @r#"
    error: line 2 of the journal DIR/.web.journal is damaged: its checksum does not match
      the journal says what an interrupted apply did; only its last line may be incomplete
      help: bring the journal back from a backup; without one, cut it before that line, `sed -i '2,$d' DIR/.web.journal`, and look at `hactl plan`: it finds what that apply made on the hosts
    "#);
}

#[test]
fn journal_of_a_newer_format() {
    let (directory, store) = stack();
    let mut newer = header(3);
    newer.format = 2;
    drop(Journal::create(&store, &newer).unwrap());
    insta::assert_snapshot!(load_error(&directory, &store), @"
    error: the journal DIR/.web.journal has format 2 and needs a newer hactl; this one reads up to format 1
      help: use the version of hactl that wrote it, or a later one
    ");
}

#[test]
fn journal_beside_a_state_that_was_replaced() {
    let (directory, store) = stack();
    drop(Journal::create(&store, &header(3)).unwrap());
    let later = Store::new(&directory.path().join("elsewhere"), "web");
    later.save(&small(3)).unwrap();
    fs::copy(later.state_path(), store.state_path()).unwrap();
    insta::assert_snapshot!(load_error(&directory, &store), @"
    error: the journal DIR/.web.journal does not belong to the state beside it
      the apply that leads to serial 3 began it and was interrupted, but the state has serial 3: the state file was replaced or removed since
      help: bring back the state file that the journal continues, `git -C DIR show REV:./web.json` or a backup; if the apply that the journal tells of does not matter any more, move DIR/.web.journal away
    ");
}

#[test]
fn journal_beside_a_state_of_another_lineage() {
    let (directory, store) = stack();
    let other = State { serial: 2, ..State::new("web", "ffffffff-0000-4000-8000-000000000000") };
    store.save(&other).unwrap();
    drop(Journal::create(&store, &header(3)).unwrap());
    insta::assert_snapshot!(load_error(&directory, &store), @"
    error: the journal DIR/.web.journal does not belong to the state beside it
      the apply that leads to serial 3 began it and was interrupted, but the state has another lineage: the state file was replaced or removed since
      help: bring back the state file that the journal continues, `git -C DIR show REV:./web.json` or a backup; if the apply that the journal tells of does not matter any more, move DIR/.web.journal away
    ");
}

#[test]
fn journal_without_its_state() {
    let (directory, store) = stack();
    drop(Journal::create(&store, &header(3)).unwrap());
    fs::remove_file(store.state_path()).unwrap();
    insta::assert_snapshot!(load_error(&directory, &store), @"
    error: the journal DIR/.web.journal does not belong to the state beside it
      the apply that leads to serial 3 began it and was interrupted, but there is no state file: the state file was replaced or removed since
      help: bring back the state file that the journal continues, `git -C DIR show REV:./web.json` or a backup; where there is none, `hactl state recover` rebuilds it from the hosts; if the apply that the journal tells of does not matter any more, move DIR/.web.journal away
    ");
}

#[test]
fn journal_in_the_way() {
    let (directory, store) = stack();
    drop(Journal::create(&store, &header(3)).unwrap());
    let error = store.save(&small(3)).unwrap_err();
    insta::assert_snapshot!(rendered(error, directory.path()), @r#"
    error: the journal DIR/.web.journal of an interrupted apply is there
      it holds what that apply did, which the state file does not hold yet
      help: run `hactl apply`, which takes it over first
    "#);
}

#[test]
fn plan_file_missing() {
    let directory = tempfile::tempdir().unwrap();
    let error = SavedPlan::read(&directory.path().join("change.plan")).unwrap_err();
    insta::assert_snapshot!(rendered(error, directory.path()), @r#"
    error: cannot read the plan file DIR/change.plan: no such file or directory
      help: look at the path
    "#);
}

#[test]
fn plan_file_is_a_config() {
    insta::assert_snapshot!(plan_error(|_| "hactl: 1\nname: web\n".to_owned()), @r#"
    error: the plan file DIR/change.plan is not a plan file of hactl
      help: give a file that `hactl plan --out FILE` wrote; a config is given with `-f`
    "#);
}

#[test]
fn plan_file_cut() {
    insta::assert_snapshot!(plan_error(|text| text[..text.len() / 2].to_owned()), @"
    error: the plan file DIR/change.plan is cut off after byte 422
      hactl puts whole files in place in one step: something else wrote to this one, or its disk lost data
      help: make a new plan: `hactl plan --out DIR/change.plan`
    ");
}

#[test]
fn plan_file_tampered_with() {
    insta::assert_snapshot!(plan_error(|text| text.replace("10.0.0.11", "10.6.6.6")), @r#"
    error: the plan file DIR/change.plan does not match its checksum
      it was edited by hand or damaged after hactl wrote it, so it cannot be trusted to say what is applied
      help: make a new plan: `hactl plan --out DIR/change.plan`
    "#);
}

#[test]
fn plan_file_of_a_newer_format() {
    insta::assert_snapshot!(plan_error(|text| text.replace("\"format\": 1", "\"format\": 9")), @"
    error: the plan file DIR/change.plan has format 9 and needs hactl 0.1.0; this one reads up to format 1
      help: use hactl 0.1.0 or a later one
    ");
}

#[test]
fn plan_stale_by_serial() {
    let (directory, store) = stack();
    let saved = saved_plan(&store);
    store.save(&small(3)).unwrap();
    insta::assert_snapshot!(stale(&saved, &directory, &store), @r#"
    error: saved plan is stale: the state has changed since it was made (serial 3, the plan was made at 2)
      a plan is applied only to the state it was made from
      help: make a new plan: `hactl plan --out FILE`
    "#);
}

#[test]
fn plan_stale_by_content() {
    let (directory, store) = stack();
    let saved = saved_plan(&store);
    let mut state = small(2);
    state.resources.clear();
    store.save(&state).unwrap();
    insta::assert_snapshot!(stale(&saved, &directory, &store), @r#"
    error: saved plan is stale: the state has changed since it was made (serial 2 as then, with other content)
      a plan is applied only to the state it was made from
      help: make a new plan: `hactl plan --out FILE`
    "#);
}

#[test]
fn plan_stale_by_an_interrupted_apply() {
    let (directory, store) = stack();
    let saved = saved_plan(&store);
    drop(Journal::create(&store, &header(3)).unwrap());
    insta::assert_snapshot!(stale(&saved, &directory, &store), @r#"
    error: saved plan is stale: the state has changed since it was made (serial 3, the plan was made at 2)
      a plan is applied only to the state it was made from
      help: make a new plan: `hactl plan --out FILE`
    "#);
}

#[test]
fn plan_stale_by_lineage() {
    let (directory, store) = stack();
    let saved = saved_plan(&store);
    let other = State::new("web", "ffffffff-0000-4000-8000-000000000000");
    store.save(&other).unwrap();
    insta::assert_snapshot!(stale(&saved, &directory, &store), @r#"
    error: saved plan is stale: the state has changed since it was made (lineage ffffffff-0000-4000-8000-000000000000, the plan was made for 6f2d6c5e-3c0b-4a53-9f0e-0a4de3f4b1c2)
      a plan is applied only to the state it was made from
      help: make a new plan: `hactl plan --out FILE`
    "#);
}

#[test]
fn plan_stale_by_a_first_state() {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::new(directory.path(), "web");
    let saved = saved_plan(&store);
    store.save(&small(1)).unwrap();
    insta::assert_snapshot!(stale(&saved, &directory, &store), @r#"
    error: saved plan is stale: the state has changed since it was made (serial 1, there was none when the plan was made)
      a plan is applied only to the state it was made from
      help: make a new plan: `hactl plan --out FILE`
    "#);
}

#[test]
fn plan_stale_by_a_lost_state() {
    let (directory, store) = stack();
    let saved = saved_plan(&store);
    fs::remove_file(store.state_path()).unwrap();
    insta::assert_snapshot!(stale(&saved, &directory, &store), @r#"
    error: saved plan is stale: the state has changed since it was made (there is no state any more, the plan was made at serial 2)
      a plan is applied only to the state it was made from
      help: make a new plan: `hactl plan --out FILE`
    "#);
}

#[test]
fn plan_of_the_other_world() {
    let (directory, store) = stack();
    let mut saved = saved_plan(&store);
    let loaded = store.load().unwrap();
    let on_sandbox = saved.check_fresh(&loaded, World::Sandbox).unwrap_err();
    saved.world = World::Sandbox;
    let on_hosts = saved.check_fresh(&loaded, World::Real).unwrap_err();
    insta::assert_snapshot!(format!(
        "{}\n\n{}",
        rendered(on_sandbox, directory.path()),
        rendered(on_hosts, directory.path())
    ), @r#"
    error: saved plan was made for real hosts
      help: run it without `--sandbox`

    error: saved plan was made for the sandbox
      help: run it with `--sandbox`
    "#);
}

/// A stack `web` at serial 2.
fn stack() -> (TempDir, Store) {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::new(directory.path(), "web");
    store.save(&small(2)).unwrap();
    (directory, store)
}

fn load_error(directory: &TempDir, store: &Store) -> String {
    rendered(store.load().unwrap_err(), directory.path())
}

fn stale(saved: &SavedPlan, directory: &TempDir, store: &Store) -> String {
    let error = saved.check_fresh(&store.load().unwrap(), World::Real).unwrap_err();
    rendered(error, directory.path())
}

fn plan_error(damage: impl Fn(&str) -> String) -> String {
    let (directory, store) = stack();
    let path = directory.path().join("change.plan");
    saved_plan(&store).write(&path).unwrap();
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, damage(&text)).unwrap();
    rendered(SavedPlan::read(&path).unwrap_err(), directory.path())
}

/// What is said of each kind of file where Linux fails with this number: 28 is ENOSPC, 30 is EROFS.
fn unwritable(os_error: i32) -> String {
    [FileKind::State, FileKind::Journal, FileKind::Lock, FileKind::Plan]
        .map(|file| {
            let error = StateError::Unwritable {
                file,
                path: "/srv/cluster/state/web".into(),
                source: io::Error::from_raw_os_error(os_error),
            };
            rendered(error, Path::new("/srv/cluster"))
        })
        .join("\n\n")
}

fn edit(store: &Store, from: &str, to: &str) {
    let text = fs::read_to_string(store.state_path()).unwrap();
    assert!(text.contains(from));
    fs::write(store.state_path(), text.replace(from, to)).unwrap();
}

/// Gives the state file the checksum that it would have if hactl had written it like this.
fn seal(store: &Store) {
    let text = fs::read_to_string(store.state_path()).unwrap();
    let (content, _) = text.split_once("  \"sha256\"").unwrap();
    let digest = Digest::sha256(content.as_bytes());
    fs::write(store.state_path(), format!("{content}  \"sha256\": \"{digest}\"\n}}\n")).unwrap();
}
