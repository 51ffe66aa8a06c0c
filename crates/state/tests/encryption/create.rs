//! Making an identity.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::thread;

use hactl_state::encryption::Identities;

use crate::support::{file, load};

#[test]
fn only_its_owner_can_read_it_and_enter_its_directories() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("config/hactl/identity.txt");
    let (identities, made) = Identities::create(&path).unwrap();
    assert!(made);
    assert_eq!(mode(&path), 0o600);
    assert_eq!(mode(&directory.path().join("config/hactl")), 0o700);
    assert_eq!(mode(&directory.path().join("config")), 0o700);
    assert_eq!(load(&path).unwrap().recipients(), identities.recipients());
    assert!(identities.warning().is_none());
}

#[test]
fn it_is_written_as_age_keygen_does() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("identity.txt");
    let (identities, _) = Identities::create(&path).unwrap();
    let text = fs::read_to_string(&path).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 3);
    let created = lines[0].strip_prefix("# created: ").unwrap();
    assert_eq!(created.len(), "2026-11-22T19:40:30Z".len());
    assert!(created.parse::<jiff::Timestamp>().is_ok());
    assert_eq!(lines[1], format!("# public key: {}", identities.recipients()[0]));
    assert!(lines[2].starts_with("AGE-SECRET-KEY-1"));
}

#[test]
fn one_that_is_there_is_left_alone() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("identity.txt");
    let (first, _) = Identities::create(&path).unwrap();
    let before = fs::read(&path).unwrap();
    let (second, made) = Identities::create(&path).unwrap();
    assert!(!made);
    assert_eq!(first.recipients(), second.recipients());
    assert_eq!(fs::read(&path).unwrap(), before);
    let other = file(&directory, "notes.txt", "not a key\n");
    assert!(Identities::create(&other).is_err());
    assert_eq!(fs::read_to_string(&other).unwrap(), "not a key\n");
}

#[test]
fn runs_that_begin_together_end_with_one() {
    for _ in 0..20 {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("new/identity.txt");
        let begin = std::sync::Barrier::new(8);
        let results: Vec<(Identities, bool)> = thread::scope(|scope| {
            let run = || {
                begin.wait();
                Identities::create(&path).unwrap()
            };
            let runs: Vec<_> = (0..8).map(|_| scope.spawn(run)).collect();
            runs.into_iter().map(|run| run.join().unwrap()).collect()
        });
        assert_eq!(results.iter().filter(|(_, made)| *made).count(), 1);
        let kept = load(&path).unwrap();
        assert!(results.iter().all(|(identities, _)| identities.recipients() == kept.recipients()));
        let left: Vec<_> = fs::read_dir(path.parent().unwrap()).unwrap().collect();
        assert_eq!(left.len(), 1, "{left:?}");
    }
}

#[test]
fn a_symbolic_link_stays_one() {
    let directory = tempfile::tempdir().unwrap();
    let link = directory.path().join("identity.txt");
    symlink("dotfiles/identity.txt", &link).unwrap();
    let (_, made) = Identities::create(&link).unwrap();
    assert!(made);
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert_eq!(mode(&directory.path().join("dotfiles/identity.txt")), 0o600);
}

#[test]
fn a_place_that_cannot_be_written_is_told() {
    let directory = tempfile::tempdir().unwrap();
    file(&directory, "config", "");
    let error = Identities::create(&directory.path().join("config/hactl/identity.txt")).unwrap_err();
    insta::assert_snapshot!(crate::support::rendered(error, &directory), @r#"
    error: cannot read the identity DIR/config/hactl/identity.txt: not a directory
      help: move the file away that stands where a directory has to be
    "#);
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}
